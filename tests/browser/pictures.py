"""Make the pictures that README.md shows, docs/panel.png and docs/write-up.png: `make pictures`."""

import io
import tempfile
from pathlib import Path

import nbformat
from PIL import Image

import mtasts_analysis as ma
from tests.browser.lab import chromium, jupyterlab, open_and_run
from tests.conftest import ROOT

WIDTH = 1280
HEIGHT = 1000
"""Of what is shown of the panel: its lists and the table go on below."""

CELL = """\
import mtasts_analysis as ma

data = ma.load(ma.sample_archive())
ma.explore(data, ma.Filter(domains="clinic.example"))"""


def panel(browser, folder):
    """Give the panel as JupyterLab shows it, with the cell that opens it."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    book.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python",
    }  # fmt: skip
    nbformat.write(book, folder / "panel.ipynb")
    with jupyterlab(folder) as (address, token):
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT + 200})
        open_and_run(page, address, token, "panel.ipynb")
        page.locator(".mtasts-panel .mtasts tbody tr").first.wait_for()
        page.wait_for_timeout(2000)  # the last of its parts have come
        box = page.locator(".jp-CodeCell").first.bounding_box()
        return page.screenshot(clip=box | {"height": HEIGHT})


def write_up(browser, folder):
    """Give a write-up down to its first picture."""
    data = ma.load(ma.sample_archive(), progress=False)
    path = ma.assess(data, "clinic.example", as_of="2026-03-17").write_up(folder / "readiness.html")
    page = browser.new_page(viewport={"width": 820, "height": 1600}, device_scale_factor=0.8)
    page.goto(path.as_uri())
    box = page.locator("img").first.bounding_box()
    return page.screenshot(
        clip={"x": 0, "y": 0, "width": 820, "height": box["y"] + box["height"] + 8}
    )


def main():
    """Write both, with a palette: a third of the bytes."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name, made in (("panel", panel), ("write-up", write_up)):
            picture = Image.open(io.BytesIO(made(browser, Path(folder)))).convert("RGB")
            path = ROOT / "docs" / f"{name}.png"
            picture.quantize(128).save(path, optimize=True)
            print(f"{path}: {picture.width} x {picture.height}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
