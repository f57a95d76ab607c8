"""The panel as a person uses it: a real JupyterLab, a real browser, every kind of control."""

import base64
import importlib.util
import io
import json
import os
import re
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import openpyxl
import pandas as pd
import pytest

import mtasts_analysis as ma
from mtasts_analysis.show.views import VIEWS
from tests.analysis.world import policy, report
from tests.browser.lab import CHROMIUM, PATIENCE, chromium, jupyterlab, open_and_run, run_all

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="system package missing: chromium"),
    pytest.mark.xdist_group("browser"),
]

STRANGERS = {
    "markup": '<img src=x onerror="window.hacked=1">',
    "closing": "</bdi></td></table></option></textarea><script>window.hacked=1</script>",
    "mathtext": "$\\frac{",
    "formula of MathJax": "$x^2$ and \\(y^2\\)",
    "formula": '=HYPERLINK("javascript:window.hacked=1")',
    "long": "x" * 5_000,
    "right to left": "\u202emoc.elpmaxe \u05e9\u05dc\u05d5\u05dd",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    nasty = [
        report(d, [policy(9, [(words, words, 3)], domain=words)], sender=words)
        for words in STRANGERS.values()
        for d in range(3)
    ]
    (folder / "nasty.json").write_text(json.dumps(nasty))
    cells = [
        "import mtasts_analysis as ma",
        "from IPython.display import HTML\nHTML('$z^2$')",  # a formula, as MathJax sets it
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
            page.locator(".jp-OutputArea-output .widget-toggle-button").first.wait_for()
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
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (now := what(page)) != before:
            return now
        page.wait_for_timeout(100)
    raise AssertionError(f"still {before}")


def comes(page, what, expected):
    """Wait until what is shown is what is expected: the kernel sends one part after another."""
    end = time.monotonic() + PATIENCE
    while (found := what(page)) != expected and time.monotonic() < end:
        page.wait_for_timeout(100)
    assert found == expected


def shows(page, plot):
    comes(page, picture, plot.alt)


def view(page, name):
    page.locator(".widget-toggle-button").get_by_text(name, exact=True).first.click()
    page.locator(".widget-html h3", has_text=VIEWS[name].question).first.wait_for()


def reset(page):
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function(
        "() => document.querySelector('.widget-textarea textarea').value === 'ma.Filter()'"
    )


def test_every_kind_of_control_changes_picture_and_numbers(page, data):
    assert "1,701 of 96,764 sessions failed" in picture(page)
    by = page.locator(".widget-dropdown select").first
    changed(page, lambda: by.select_option("month"), picture)
    comes(page, lambda p: numbers(p)[0], "2026-05-01")
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
        newest = expected[expected["period"] == expected["period"].max()].iloc[0]
        comes(page, lambda p: numbers(p)[-1], f"{newest['sessions']:,}")
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


def test_a_small_laptop_shows_it_whole(page):
    """At 1,280 x 800 all views are named in one row, and no table is cut at its right edge."""
    before = page.viewport_size
    page.set_viewport_size({"width": 1280, "height": 800})
    buttons = page.locator(".mtasts-panel").first.locator(".widget-toggle-button")
    assert len({buttons.nth(at).bounding_box()["y"] for at in range(len(VIEWS))}) == 1
    for name in VIEWS:
        view(page, name)
        page.wait_for_timeout(500)  # the table comes after the heading
        shown = page.locator(".mtasts-panel .mtasts .scroll").last
        if shown.count():
            assert shown.evaluate("e => e.scrollWidth - e.clientWidth") == 0, name
    view(page, "sessions")
    page.set_viewport_size(before)


def test_each_option_says_how_many(page, data):
    selects = page.locator(".widget-select-multiple select")
    assert f"clinic.example ({len(data.filter(domains='clinic.example').policies):,})" in options(
        page, 0
    )
    changed(
        page,
        lambda: selects.nth(0).select_option(index=options(page, 0).index("clinic.example (433)")),
    )
    found = ma.failures_by_mx(data, ma.Filter(domains="clinic.example"))
    hosts = found.groupby("mx_host")["failures"].sum().sort_values(ascending=False)
    comes(page, lambda p: options(p, 5), [f"{host} ({count:,})" for host, count in hosts.items()])
    reset(page)


def test_a_cell_that_runs_again_keeps_its_selections(page, data):
    selects = page.locator(".widget-select-multiple select")
    changed(page, lambda: selects.nth(1).select_option(index=2))
    view(page, "senders")
    before = code(page)
    where = eval(before, {"ma": ma})
    assert where.senders
    plot = VIEWS["senders"].picture(ma.senders(data, where), where)
    shows(page, plot)
    run_all(page)
    page.locator(".widget-textarea textarea").first.wait_for()
    comes(page, code, before)
    shows(page, plot)
    assert selects.nth(1).evaluate("s => s.selectedOptions.length") == 1
    reset(page)


def export(page, kind):
    page.locator(".widget-dropdown select").nth(1).select_option(kind)
    page.evaluate("document.querySelectorAll('a[download]').forEach(a => a.remove())")
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
    note.wait_for()
    items = re.search(r"(\d+) items = (\d+) reports", note.inner_text())
    assert items, "the account"
    assert int(items[2]) > 100
    column = page.locator(".mtasts-panel .widget-select-multiple").first.bounding_box()
    box = note.bounding_box()
    assert box["x"] + box["width"] <= column["x"] + column["width"] + 1, (
        "beside the answer, not in it"
    )
    bar = page.locator(".widget-hprogress .progress-bar").first
    comes(page, lambda _: bar.evaluate("b => b.style.width"), "100%")
    view(page, "senders")
    comes(page, lambda p: numbers(p)[0], "Contoso Corporation")


def test_a_stranger_writes_text_only(page):
    """In options, sentence, code, picture, table, overview, summary and exports: as text, cut short."""
    reset(page)
    with page.expect_file_chooser() as waiting:
        page.locator("button.widget-upload").first.click()
    reports = 3 * len(STRANGERS)
    waiting.value.set_files(str(page.folder / "nasty.json"))
    page.locator(".widget-html", has_text=f"items = {reports} reports").first.wait_for()
    for name in VIEWS:
        view(page, name)
        inert(page)
    view(page, "senders")
    selects = page.locator(".widget-select-multiple select")
    for kind, words in STRANGERS.items():
        reset(page)
        for place in (0, 1, 4, 5):  # domains, senders, result types, MX hosts
            assert any(
                seen(words, 30).lower() in option.lower() for option in options(page, place)
            ), (kind, place)
        at = next(n for n, option in enumerate(options(page, 1)) if seen(words, 30) in option)
        changed(page, lambda at=at: selects.nth(1).select_option(index=at))
        where = eval(code(page), {"ma": ma})
        assert where == ma.Filter(senders=words), "whole in code, however long"
        page.locator(".widget-html p", has_text=seen(words, 200)).first.wait_for()
        comes(page, lambda p, words=words: seen(words, 20) in picture(p), True)
        comes(page, lambda p, words=words: seen(words, 200) in numbers(p)[0], True)
        inert(page)
        if kind == "formula":
            cell = export(page, "CSV").decode().splitlines()[1].split(",")[0]
            assert cell.startswith("\"'=HYPERLINK"), "a spreadsheet shows it"
            book = openpyxl.load_workbook(io.BytesIO(export(page, "XLSX")))
            assert (book.active["A2"].value, book.active["A2"].data_type) == (words, "s")
            frame = pd.read_parquet(io.BytesIO(export(page, "Parquet")))
            assert frame["sender"].tolist() == [words], "other readers get it as it was written"
        if kind in ("markup", "mathtext", "closing"):
            root = ET.fromstring(export(page, "SVG"))
            assert any(seen(words, 20) in "".join(e.itertext()) for e in root.iter())
            assert not [e for e in root.iter() if e.tag.endswith(("script", "image"))]
    outputs = page.locator(".jp-OutputArea-output")
    for place in range(-3, 0):  # overview, summary, table
        shown = spaced(outputs.nth(place).inner_text())
        for kind, words in STRANGERS.items():
            assert seen(words, 30) in shown, (kind, place)
    inert(page)
    assert "x" * 1000 not in page.locator(".jp-Notebook").inner_text(), "it is cut"


def seen(words, longest):
    """How a stranger's words are shown: one that turns the direction, or ends a line, is a mark."""
    return words.replace("\u202e", "\ufffd")[:longest].strip()


def spaced(text):
    """Options hold no-break spaces instead of spaces."""
    return text.replace("\xa0", " ")


def options(page, place):
    found = page.locator(".widget-select-multiple select").nth(place).locator("option")
    return [spaced(text) for text in found.all_inner_texts()]


def inert(page):
    """Nothing ran, nothing was made of it but text, and nothing leads away."""
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src='x']").count() == 0
    assert page.locator("mjx-container").count() == 1, "the notebook's own formula, and no other"
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
