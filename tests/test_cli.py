"""The command line: what it prints, writes and returns."""

import subprocess
import sys
from pathlib import Path

import pytest

import mtasts_analysis as ma
from mtasts_analysis import bundled, cli
from tests.archive.building import mail, mbox, packed


def run(*arguments, stdin=b""):
    return subprocess.run(
        [sys.executable, "-m", "mtasts_analysis.cli", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
    )


def test_load_from_standard_input(tmp_path):
    done = run("load", "-", "-o", str(tmp_path), stdin=mbox([mail(packed(n)) for n in range(2)]))
    assert (done.returncode, done.stderr) == (0, b"")  # silent in a pipe
    assert done.stdout.startswith(b"2 items = 2 reports")
    assert len(ma.read_parquet(tmp_path).reports) == 2


def test_a_write_up_is_there_though_nobody_reads_what_is_printed(tmp_path):
    """As by `assess ... | head -1`, with a line that is written at once."""
    path = tmp_path / "clinic.html"
    call = [
        sys.executable,
        "-u",
        "-m",
        "mtasts_analysis.cli",
        "assess",
        str(bundled.sample_archive()),
    ]
    with subprocess.Popen(
        [*call, "--domain", "clinic.example", "-o", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        running.stdout.close()
        assert running.stderr.read() == b""
    assert "may not go to enforce yet" in path.read_text()


def test_summary(tmp_path, capsys):
    (tmp_path / "a.mbox").write_bytes(mbox([mail(packed())]))
    assert cli.main(["summary", str(tmp_path)]) == 0
    assert "d.example" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["summary", "nowhere"], 1, "nothing is there"),
        (["load", "x", "-o", "y", "--format", "ods"], 2, "invalid choice"),
        ([], 2, "required"),
    ],
)
def test_mistakes(arguments, code, said, capsys):
    try:
        got = cli.main(arguments)
    except SystemExit as stop:
        got = stop.code
    assert got == code
    assert said in capsys.readouterr().err


def test_no_report_is_3_and_says_why(tmp_path, capsys):
    (tmp_path / "a.pst").write_bytes(b"!BDN\0\0\0\0")
    assert cli.main(["summary", str(tmp_path)]) == 3
    said = capsys.readouterr().err
    assert "no TLS report was found" in said
    assert "a.pst: pst: an Outlook data file: export the folder" in said


def test_strict_stops(tmp_path, capsys):
    (tmp_path / "a.gz").write_bytes(packed()[:40])
    assert cli.main(["summary", str(tmp_path), "--strict"]) == 1
    assert "gzip-truncated" in capsys.readouterr().err


def test_notebooks(tmp_path, capsys):
    assert cli.main(["notebooks", str(tmp_path)]) == 0
    assert (tmp_path / "01_load_an_archive.ipynb").exists()
    assert ma.load(tmp_path / "sample").accounting.reports > 1000


def test_help_names_every_exit_code(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert all(f"\n  {code}  " in said for code in (0, 1, 2, 3, 130))


def test_notebooks_that_a_person_has_changed_are_left(tmp_path):
    """A second run brings what is missing, and takes no work away."""
    mine = tmp_path / "01_load_an_archive.ipynb"
    mine.write_text("my own work")
    assert cli.main(["notebooks", str(tmp_path)]) == 0
    assert mine.read_text() == "my own work"
    assert (tmp_path / "00_start_here.ipynb").stat().st_size > 1_000


def test_what_could_not_be_read_is_said(tmp_path, capsys):
    (tmp_path / "a.mbox").write_bytes(mbox([mail(packed(0)), mail(packed(1)[:60])]))
    assert cli.main(["load", str(tmp_path / "a.mbox"), "-o", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "could not be read: 1; see the table problems" in said


def test_a_store_is_filled_compacted_and_summed_up(tmp_path, capsys):
    """Each run leaves a file of the month, `--compact` one of all; the reports stay."""
    for n in range(3):
        (tmp_path / f"{n}.eml").write_bytes(mail(packed(n)))
        more = ["--compact"] if n == 2 else []
        assert cli.main(["ingest", str(tmp_path / "store"), str(tmp_path / f"{n}.eml"), *more]) == 0
        assert len(ma.Store(tmp_path / "store").files("reports")) == (1, 2, 1)[n]
    assert ma.Store(tmp_path / "store").accounting.reports == 3
    capsys.readouterr()
    assert cli.main(["summary", str(tmp_path / "store")]) == 0
    assert "d.example" in capsys.readouterr().out


def test_a_word_that_is_none_of_the_choices():
    """A typing mistake must not load with the other rule."""
    with pytest.raises(ma.InputError, match="duplicates: expected 'drop' or 'keep'; got 'kept'"):
        ma.load(b"", duplicates="kept")
    with pytest.raises(ma.InputError, match="on_problem: expected 'record' or 'raise'"):
        ma.load(b"", on_problem="ignore")


def test_the_demo_names_what_it_wrote(tmp_path, capsys, monkeypatch):
    """The tables and each notebook's page; running the notebooks has tests of its own."""

    def run(source, target, folder):
        target.write_text(source.name)
        return target

    monkeypatch.setattr("mtasts_analysis.show.notebooks.run", run)
    assert cli.main(["demo", "-o", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    named = [line.strip() for line in said if line.startswith("  /")]
    assert {*(tmp_path / "tables").glob("*.parquet"), *tmp_path.glob("*.html")} == set(
        map(Path, named)
    )
    assert len(named) == 4 + len(bundled.notebooks())
    assert len(ma.read_parquet(tmp_path / "tables").reports) > 1_000
