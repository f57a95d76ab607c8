"""The panel as a person uses it: a real JupyterLab, a real browser, every kind of control."""

import base64
import importlib.util
import io
import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import mtasts_analysis as ma
from mtasts_analysis.show.views import VIEWS
from tests.analysis.world import policy, report
from tests.browser.lab import CHROMIUM, chromium, jupyterlab, open_and_run, run_all

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="system package missing: chromium"),
    pytest.mark.xdist_group("browser"),
]

NASTY = (
    '<img src=x onerror="window.hacked=1">$\\frac{=HYPERLINK("javascript:window.hacked=1")\u202eabc'
    + "x" * 5000
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
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
        "ma.table(ma.failure_types(ma.load('nasty.json', progress=False)))",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    book.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    for name in ("lab", "seven"):
        nbformat.write(book, folder / f"{name}.ipynb")
    with jupyterlab(folder) as (address, token), chromium() as browser:

        def opened(app, name):
            page = browser.new_page(viewport={"width": 1500, "height": 1100}, accept_downloads=True)
            page.faults, page.asked, page.folder = [], [], folder
            page.on("pageerror", lambda error: page.faults.append(str(error)))
            page.on("request", lambda request: page.asked.append(request.url))
            open_and_run(page, address, token, name, app=app)
            page.locator(".jp-OutputArea-output .widget-toggle-button").first.wait_for(
                timeout=30_000
            )
            return page

        yield opened


@pytest.fixture(scope="module")
def page(served):
    return served("doc/tree", "lab.ipynb")


@pytest.fixture(scope="module")
def data():
    return ma.load(ma.sample_archive(), progress=False)


def picture(page):
    return page.locator(".widget-html img[alt]").first.get_attribute("alt")


def numbers(page):
    """The first row of the table that the panel shows."""
    shown = page.locator(
        ".widget-html table"
    ).last  # another may stand in the left column: problems
    return shown.locator("tbody tr").first.inner_text().split("\t")


def code(page):
    return page.locator(".widget-textarea textarea").first.input_value()


def changed(page, act, what=code):
    """Act, and wait until what is shown is another."""
    before = what(page)
    act()
    for _ in range(200):
        if what(page) != before:
            return what(page)
        page.wait_for_timeout(100)
    raise AssertionError(f"still {before}")


def comes(page, what, expected):
    """Wait until what is shown is what is expected: the kernel sends one part after another."""
    for _ in range(200):
        if (found := what(page)) == expected:
            return
        page.wait_for_timeout(100)
    assert found == expected


def shows(page, plot):
    comes(page, picture, plot.alt)


def view(page, name):
    page.locator(".widget-toggle-button").get_by_text(name, exact=True).first.click()
    page.locator(".widget-html h3", has_text=VIEWS[name].question).first.wait_for(timeout=20_000)


def reset(page):
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function(
        "() => document.querySelector('.widget-textarea textarea').value === 'ma.Filter()'"
    )


def test_every_kind_of_control_changes_picture_and_numbers(page, data):
    assert "1,701 of 96,764 sessions failed" in picture(page)
    by = page.locator(".widget-dropdown select").first
    changed(page, lambda: by.select_option("month"), numbers)
    assert numbers(page)[0] == "2026-02-01"
    changed(page, lambda: view(page, "failures"), picture)
    selects = page.locator(".widget-select-multiple select")
    given = {
        "domains": "clinic.example", "senders": "Pochta", "policy_types": "sts", "modes": "testing",
        "result_types": "starttls-not-supported", "mx_hosts": "mx1.clinic.example", "effects": "refused",
    }  # fmt: skip
    where = ma.Filter()
    for place, (name, value) in enumerate(given.items()):
        control = selects.nth(place)
        label = next(o for o in control.locator("option").all_inner_texts() if value in o)
        changed(page, lambda control=control, label=label: control.select_option(label=label))
        where = where.but(**{name: value})
        expected = ma.failures_over_time(data, where, "month")
        assert eval(code(page), {"ma": ma}) == where
        shows(page, ma.plots.failures(expected, where))
        comes(page, lambda p: numbers(p)[-1], f"{expected['sessions'].iloc[0]:,}")
        assert page.locator(".widget-html p", has_text=value).count(), (
            "the filter reads as a sentence"
        )
    for place, (name, day) in enumerate({"start": "2026-04-10", "end": "2026-04-12"}.items()):
        box = page.locator(".widget-datepicker input[type=date]").nth(place)

        def fill(box=box, day=day):
            box.fill(day)
            box.dispatch_event("change")
            box.blur()

        changed(page, fill)
        where = where.but(**{name: day})
        assert eval(code(page), {"ma": ma}) == where
        shows(page, ma.plots.failures(ma.failures_over_time(data, where, "month"), where))
    reset(page)
    shows(page, ma.plots.failures(ma.failures_over_time(data, by="month")))
    by.select_option("day")


def test_each_option_says_how_many(page, data):
    selects = page.locator(".widget-select-multiple select")

    def options(place):
        found = selects.nth(place).locator("option").all_inner_texts()
        return [text.replace("\xa0", " ") for text in found]

    assert f"clinic.example ({len(data.filter(domains='clinic.example').policies):,})" in options(0)
    changed(
        page, lambda: selects.nth(0).select_option(index=options(0).index("clinic.example (433)"))
    )
    found = ma.failures_by_mx(data, ma.Filter(domains="clinic.example"))
    hosts = found.groupby("mx_host")["failures"].sum().sort_values(ascending=False)
    comes(page, lambda _: options(5), [f"{host} ({count:,})" for host, count in hosts.items()])
    reset(page)


def test_a_cell_that_runs_again_keeps_its_selections(page):
    selects = page.locator(".widget-select-multiple select")
    changed(page, lambda: selects.nth(1).select_option(index=2))
    view(page, "senders")
    page.wait_for_timeout(500)
    before = code(page), picture(page)
    run_all(page)
    page.locator(".widget-textarea textarea").first.wait_for(timeout=30_000)
    page.wait_for_function(
        "alt => document.querySelector('.widget-html img[alt]')?.alt === alt", arg=before[1]
    )
    assert (code(page), picture(page)) == before
    assert selects.nth(1).evaluate("s => s.selectedOptions.length") == 1
    reset(page)


def export(page, kind):
    page.locator(".widget-dropdown select").nth(1).select_option(kind)
    page.get_by_role("button", name="Export").click()
    link = page.locator("a[download]", has_text=f".{kind.lower()}")
    link.wait_for()
    with page.expect_download() as waiting:
        link.click()
    assert waiting.value.suggested_filename.endswith(f".{kind.lower()}")
    return Path(waiting.value.path()).read_bytes()


def test_an_export_is_read_back(page, data):
    view(page, "MX hosts")
    shown = ma.failures_by_mx(data)
    readers = {"CSV": pd.read_csv, "Parquet": pd.read_parquet, "XLSX": pd.read_excel}
    for kind, read in readers.items():
        frame = read(io.BytesIO(export(page, kind)))
        assert frame["mx_host"].fillna("").tolist() == shown["mx_host"].fillna("").tolist(), kind
        assert frame["sessions"].tolist() == shown["sessions"].tolist(), kind
    source = page.locator(".widget-html img[alt]").first.get_attribute("src")
    assert export(page, "PNG") == base64.b64decode(source.partition(",")[2]), (
        "the picture that is seen"
    )
    words = "".join(ET.fromstring(export(page, "SVG")).itertext())
    assert "mx2.clinic.example fails most: 1,070 of 1,775 failed sessions" in words


def test_an_upload_shows_its_progress_and_its_problems(page):
    with page.expect_file_chooser() as waiting:
        page.locator("button.widget-upload").first.click()
    waiting.value.set_files(str(ma.sample_archive() / "contoso.zip"))
    note = page.locator(".widget-html", has_text="date-without-zone").first
    note.wait_for(timeout=30_000)
    items = re.search(r"(\d+) items = (\d+) reports", note.inner_text())
    assert items, "the account"
    assert int(items[2]) > 100
    bar = page.locator(".widget-hprogress .progress-bar").first
    page.wait_for_timeout(300)
    assert bar.evaluate("b => b.style.width") == "100%"
    view(page, "senders")
    comes(page, lambda p: numbers(p)[0], "Contoso Corporation")


def test_a_stranger_writes_text_only(page):
    with page.expect_file_chooser() as waiting:
        page.locator("button.widget-upload").first.click()
    waiting.value.set_files(str(page.folder / "nasty.json"))
    page.locator(".widget-html", has_text="items = 3 reports").first.wait_for(timeout=30_000)
    for name in VIEWS:
        view(page, name)
    for select in page.locator(".widget-select-multiple select").all()[1:2]:
        changed(page, lambda select=select: select.select_option(index=0))
    body = page.locator(".jp-Notebook").inner_text()
    assert "<img src=x" in body, "it is shown, as text"
    assert "x" * 1000 not in body, "and cut"
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src='x']").count() == 0
    links = page.locator(".jp-OutputArea a[href]").evaluate_all("a => a.map(e => e.href)")
    assert all(link.startswith("data:application/octet-stream") for link in links)


def test_nothing_went_wrong_and_nothing_was_asked_elsewhere(page):
    nothing_wrong(page)


def nothing_wrong(page):
    assert page.faults == []
    errors = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']"
    assert page.locator(errors).count() == 0
    assert {url.split("/")[2].split(":")[0] for url in page.asked if "//" in url} <= {"127.0.0.1"}


@pytest.mark.skipif(
    importlib.util.find_spec("notebook") is None, reason="package missing: notebook 7"
)
def test_notebook_7_shows_it_too(served, data):
    page = served("notebooks", "seven.ipynb")
    shows(page, ma.plots.sessions(ma.over_time(data)))
    page.faults.clear()  # Notebook 7.6 complains of its own settings while it opens
    selects = page.locator(".widget-select-multiple select")
    changed(page, lambda: selects.nth(0).select_option(index=1))
    where = eval(code(page), {"ma": ma})
    shows(page, ma.plots.sessions(ma.over_time(data, where), where))
    view(page, "MX hosts")
    frame = pd.read_parquet(io.BytesIO(export(page, "Parquet")))
    assert frame["sessions"].tolist() == ma.failures_by_mx(data, where)["sessions"].tolist()
    nothing_wrong(page)
