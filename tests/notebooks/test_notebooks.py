"""Each notebook runs headless over the sample archive, and its page fetches nothing."""

import re

import docx
import papermill
import pytest

import mtasts_analysis as ma
from mtasts_analysis.bundled import notebooks
from mtasts_analysis.show.notebooks import run
from tests.notebooks.committed import faults

NOTEBOOKS = notebooks()
BOOKS = {path.stem: path for path in NOTEBOOKS}


def test_there_are_notebooks():
    assert [p.stem for p in NOTEBOOKS][:7] == [
        "00_start_here",
        "01_load_an_archive",
        "02_failure_types",
        "03_sender_trends",
        "04_live_checks",
        "05_enforcement_readiness",
        "06_monthly_write_up",
    ]


def test_the_map_leads_to_each_notebook():
    text = NOTEBOOKS[0].read_text()
    assert set(re.findall(r"\]\((\d\d_\w+\.ipynb)\)", text)) == {p.name for p in NOTEBOOKS[1:]}


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
    elif "06_monthly" in source.stem:
        assert "clinic.example" in (tmp_path / "readiness.html").read_text()
        assert (tmp_path / "readiness.md").exists()
    else:
        assert text.count('<img alt="') >= 4, "the panel's picture is on the page too"


@pytest.mark.slow
def test_the_monthly_write_up_with_papermill(tmp_path):
    """The real one, as cron would run it."""
    wanted = {"DOMAIN": "bakery.example", "OUTPUTS": ["b.docx", "b.pdf"], "NOTE": "Mind the gap."}
    papermill.execute_notebook(
        BOOKS["06_monthly_write_up"],
        tmp_path / "out.ipynb",
        wanted,
        cwd=tmp_path,
        progress_bar=False,
    )
    assert (tmp_path / "b.pdf").read_bytes().startswith(b"%PDF")
    made = docx.Document(str(tmp_path / "b.docx"))
    said = [paragraph.text for paragraph in made.paragraphs]
    assert "MTA-STS readiness of bakery.example" in said
    assert "Mind the gap." in said


def test_a_failing_cell_is_a_clear_error(tmp_path):
    with pytest.raises(ma.InputError, match=r"01_load_an_archive\.ipynb: a cell failed"):
        run(BOOKS["01_load_an_archive"], tmp_path / "page.html", tmp_path, {"ARCHIVE": "nowhere"})
