"""The panel as a person uses it: a real JupyterLab, a real browser, every kind of control."""

import io
import json
import os
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import mtasts_analysis as ma
from tests.analysis.world import policy, report
from tests.browser.lab import CHROMIUM, chromium, jupyterlab, open_and_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="system package missing: chromium"),
]

NASTY = (
    '<img src=x onerror="window.hacked=1">$\\frac{=HYPERLINK("javascript:window.hacked=1")\u202eabc'
    + "x" * 5000
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    nasty = [
        report(d, [policy(9, [(NASTY, NASTY, 3)], domain="d.example")], sender=NASTY)
        for d in range(3)
    ]
    (folder / "nasty.json").write_text(json.dumps(nasty))
    cells = [
        "import mtasts_analysis as ma",
        "data = ma.load(ma.sample_archive(), progress=False)",
        "panel = ma.explore(data)\npanel",
        "ma.overview(ma.load('nasty.json', progress=False))",
        "ma.load('nasty.json', progress=False)",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    book.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(book, folder / "panel.ipynb")
    with jupyterlab(folder) as (address, token), chromium() as browser:
        page = browser.new_page(viewport={"width": 1500, "height": 1100}, accept_downloads=True)
        page.faults, page.asked, page.folder = [], [], folder
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        open_and_run(page, address, token, "panel.ipynb")
        page.locator(".jp-OutputArea-output .widget-toggle-button").first.wait_for(timeout=30_000)
        yield page


def picture(page):
    return page.locator(".widget-html img[alt]").first.get_attribute("alt")


def changed(page, before):
    page.wait_for_function(
        "before => { const i = document.querySelector('.widget-html img[alt]'); return i && i.alt !== before; }",
        arg=before,
        timeout=20_000,
    )
    return picture(page)


def test_every_kind_of_control_changes_picture_and_numbers(page):
    first = picture(page)
    assert "1,701 of 96,764 sessions failed" in first
    selects = page.locator(".widget-select-multiple select")
    selects.nth(0).select_option(index=1)  # a domain
    second = changed(page, first)
    page.locator(".widget-dropdown select").first.select_option("month")
    third = changed(page, second)
    page.locator(".widget-toggle-button", has_text="failures").first.click()
    fourth = changed(page, third)
    assert "failed sessions" in fourth
    selects.nth(4).select_option(index=0)  # a result type
    changed(page, fourth)
    day = page.locator(".widget-datepicker input[type=date]").first
    before = picture(page)
    day.fill("2026-04-01")
    day.dispatch_event("change")
    day.blur()
    changed(page, before)
    code = page.locator(".widget-textarea textarea").first.input_value()
    where = eval(code, {"ma": ma})
    assert str(where.start) == "2026-04-01"
    data = ma.load(ma.sample_archive(), progress=False)
    expected = ma.plots.failures(ma.failures_over_time(data, where, "month"), where).alt
    assert picture(page) == expected
    before = picture(page)
    page.get_by_role("button", name="Reset").click()
    changed(page, before)
    assert page.locator(".widget-textarea textarea").first.input_value() == "ma.Filter()"


def test_an_export_is_read_back(page):
    page.locator(".widget-toggle-button", has_text="MX hosts").first.click()
    page.wait_for_function(
        "() => document.querySelector('.widget-html img[alt]').alt.includes('fails most')"
    )
    for kind in ("CSV", "Parquet"):
        page.locator(".widget-dropdown select").nth(1).select_option(kind)
        page.get_by_role("button", name="Export").click()
        link = page.locator("a[download]", has_text=kind.lower())
        link.wait_for()
        with page.expect_download() as waiting:
            link.click()
        content = Path(waiting.value.path()).read_bytes()
        frame = (
            pd.read_csv(io.BytesIO(content))
            if kind == "CSV"
            else pd.read_parquet(io.BytesIO(content))
        )
        assert frame.loc[0, ["mx_host", "sessions"]].tolist() == ["mx2.clinic.example", 1070]


def test_a_stranger_writes_text_only(page):
    with page.expect_file_chooser() as waiting:
        page.locator("button.widget-upload").first.click()
    waiting.value.set_files(str(page.folder / "nasty.json"))
    page.locator(".widget-html", has_text="items = 3 reports").first.wait_for(timeout=30_000)
    for view in ("sessions", "failures", "failure types", "MX hosts", "senders", "sender charts"):
        page.locator(".widget-toggle-button", has_text=view).first.click()
        page.wait_for_timeout(600)
    body = page.locator(".jp-Notebook").inner_text()
    assert "<img src=x" in body, "it is shown, as text"
    assert "x" * 1000 not in body, "and cut"
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src='x']").count() == 0


def test_nothing_went_wrong_and_nothing_was_asked_elsewhere(page):
    assert page.faults == []
    assert (
        page.locator(
            ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']"
        ).count()
        == 0
    )
    assert {url.split("/")[2].split(":")[0] for url in page.asked if "//" in url} <= {"127.0.0.1"}
