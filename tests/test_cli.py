"""The command line: what it prints, writes and returns."""

import subprocess
import sys

import pytest

import mtasts_analysis as ma
from mtasts_analysis import cli
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
