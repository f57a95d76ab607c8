"""The same pages in a real browser: no script of a stranger's runs, nothing is asked for, no element comes."""

import os
from urllib.parse import urlsplit

import nbformat
import pytest

from mtasts_analysis.show.notebooks import run
from tests.browser.lab import CHROMIUM, chromium
from tests.exits.strings import ALL
from tests.exits.test_exits import judged, pages, undrawn  # noqa: F401  # a fixture
from tests.exits.world import BATCHES, archive, loaded

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="system package missing: chromium"),
    pytest.mark.xdist_group("browser"),
]

FOUND = """() => {
  const found = [];
  for (const e of document.querySelectorAll('*')) {
    const tag = e.tagName.toLowerCase();
    if (['script', 'iframe', 'object', 'embed', 'form', 'input', 'base', 'link', 'video'].includes(tag)) found.push(tag);
    for (const a of e.attributes) {
      if (a.name.startsWith('on')) found.push(tag + ' ' + a.name);
      if (['href', 'src', 'action', 'xlink:href'].includes(a.name) && !/^(#|data:image\\/png;base64,)/.test(a.value))
        found.push(tag + ' ' + a.name + '=' + a.value);
      if (/zq\\d{3}q/.test(a.value) && a.name !== 'alt') found.push(tag + ' ' + a.name + ': a stranger in it');
    }
  }
  return found;
}"""
"""What could act; the package's own pages have none of it."""


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser):
    made = browser.new_page()
    made.asked, made.said = [], []
    made.on("request", lambda request: made.asked.append(request.url))
    made.on("dialog", lambda dialog: made.said.append(dialog.message))
    made.on("pageerror", lambda error: made.said.append(str(error)))
    yield made
    made.close()


def inert(page, path):
    """Open a file, move over all of it, click and focus what can be: nothing happens."""
    page.goto(path.as_uri())
    assert page.evaluate(FOUND) == []
    page.evaluate(
        "for (const e of document.querySelectorAll('*')) {"
        " for (const kind of ['mouseover', 'click', 'focus', 'load', 'error']) e.dispatchEvent(new Event(kind)); }"
    )
    page.wait_for_timeout(50)
    assert page.evaluate("window.__hit") is None
    assert page.said == []
    assert page.url == path.as_uri(), "the page stayed"
    assert {urlsplit(url).scheme for url in page.asked} <= {"file", "data"}
    assert [url for url in page.asked if url.startswith("file")] == [path.as_uri()]
    page.asked.clear()
    return page.inner_text("body")


def test_the_browser_sees_what_acts(page, tmp_path):
    """What it is there for."""
    path = tmp_path / "bad.html"
    path.write_text("<body><img src=x onerror='window.__hit=1'>")
    with pytest.raises(AssertionError, match="onerror"):
        inert(page, path)
    page.wait_for_timeout(200)
    assert page.evaluate("window.__hit") == 1


def test_pages(page, tmp_path, undrawn):  # noqa: F811
    for number, batch in enumerate(BATCHES):
        data = loaded(batch)
        shown = [f"<h2>{way}</h2>{source}" for way, source in pages(batch, data)]
        path = tmp_path / f"{number}.html"
        path.write_text("<!DOCTYPE html><meta charset=utf-8><body>" + "".join(shown))
        words = inert(page, path)
        assert all(one.mark in words for one in batch)
        written = judged(batch, data).write_up(tmp_path / "r.html", note=batch[0].text)
        words = inert(page, written)
        assert all(one.mark in words for one in batch)


CELLS = [
    "import mtasts_analysis as ma",
    "data = ma.load('a.zip', progress=False)",
    "ma.table(data.reports, rows=2000)",
    "ma.table(data.failures, rows=5000)",
    "ma.table(ma.failure_types(data), rows=2000)",
    "ma.overview(data)",
    "ma.explore(data, name='exits')",
    "print(ma.overview(data))",
    "data.failures",  # pandas' own HTML
    "print(data.failures.to_string())",  # as raw as it comes
]


def test_a_notebook_s_page(page, tmp_path):
    (tmp_path / "a.zip").write_bytes(archive(ALL))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    nbformat.write(book, tmp_path / "a.ipynb")
    run(tmp_path / "a.ipynb", tmp_path / "a.html", tmp_path)
    words = inert(page, tmp_path / "a.html")
    assert all(one.mark in words for one in ALL)
