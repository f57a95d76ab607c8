"""Each notebook runs headless over the sample archive, and its page fetches nothing."""

import re

import pytest

import mtasts_analysis as ma
from mtasts_analysis.bundled import notebooks
from mtasts_analysis.show.notebooks import run
from tests.notebooks.committed import faults

NOTEBOOKS = notebooks()


def test_there_are_notebooks():
    assert [p.stem for p in NOTEBOOKS][:3] == [
        "01_load_an_archive",
        "02_failure_types",
        "03_sender_trends",
    ]


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda p: p.stem)
def test_as_committed(source):
    assert faults(source) == []


@pytest.mark.slow
@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda p: p.stem)
def test_runs_headless(source, tmp_path):
    page = run(source, tmp_path / "page.html", tmp_path)
    text = page.read_text()
    assert "clinic.example" in text
    fetched = re.findall(
        r"""(?:src|href)=["'](?:https?:)?//[^"']+|url\(["']?https?:[^)]*|from ["']https?:""", text
    )
    fetched += re.findall(r"<script[^>]+src=", text)
    assert [f for f in fetched if "href" not in f] == []
    assert "<script" not in text
    assert "application/vnd.jupyter.widget-view" not in text, (
        "a widget without its kernel shows nothing"
    )
    if "01_load" in source.stem:
        assert len(ma.read_parquet(tmp_path / "tables").reports) > 1000
    elif "04_live" in source.stem:
        assert "recorded" in text, "it says that nothing was asked"
    else:
        assert text.count('<img alt="') >= 4, "the panel's picture is on the page too"


def test_a_failing_cell_is_a_clear_error(tmp_path):
    with pytest.raises(ma.InputError, match=r"01_load_an_archive\.ipynb: a cell failed"):
        run(NOTEBOOKS[0], tmp_path / "page.html", tmp_path, {"ARCHIVE": "nowhere"})
