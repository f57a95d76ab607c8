"""The command line: what it prints, writes and returns."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mtasts_analysis as ma
from mtasts_analysis import bundled, cli
from tests.archive.building import mail, mbox, packed, report, text


def run(*arguments, stdin=b"", **given):
    return subprocess.run(
        [sys.executable, "-m", "mtasts_analysis", *arguments],
        input=stdin,
        check=False,
        **{"capture_output": True} | given,
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
        ("summary nowhere", 1, "nothing is there"),
        ("load x -o y --format ods", 2, "invalid choice"),
        ("", 2, "required"),
        ("assess", 1, "expected an archive, --check, or both; got neither"),
        ("assess a.mbox --resolver x", 1, "--resolver: expected --check beside it"),
        ("assess a.mbox --ca-file x", 1, "--ca-file: expected --check beside it"),
        ("alert a.mbox --ehlo x", 1, "--ehlo: expected --check beside it"),
        ("alert a.mbox --allow-network x", 1, "--allow-network: expected --check beside it"),
        ("assess a.mbox --domain d.example --author A", 1, "--author: expected -o beside it"),
        ("assess a.mbox --domain d.example --note A", 1, "--note: expected -o beside it"),
        ("assess a.mbox --domain d.example --redact", 1, "--redact: expected -o beside it"),
        ("monitor d.example --days -3", 2, "--days: expected a number of days, 0 or more; got '-3'"),
        ("assess a.mbox --domain d.example --acknowledged none", 1, "none: expected a TOML file of [[acknowledged]] entries; No such file"),
        ("alert a.mbox --rules none", 1, "none: expected a TOML file of rules; No such file"),
        ("check --file none", 1, "--file: expected a text file of domains; none: No such file"),
        ("check --file a.gz", 1, "--file: expected a text file of domains; a.gz: no text in UTF-8"),
        ("assess a.mbox --domain d.example --policy none", 1, "expected a policy file; none: No such"),
        ("check d.example --ca-file none", 1, "trusted CAs; none: No such file or directory"),
        ("check d.example --ca-file a.mbox", 1, "trusted CAs; a.mbox: no certificates in PEM"),
        ("check d.example --history a.mbox", 1, "checks (Parquet); no Parquet. Name another"),
        ("ingest tables a.mbox", 1, "expected a store, or a new folder for one; tables were"),
        ("ingest csv a.mbox", 1, "expected a store, or a new folder for one; tables were"),
        ("load a.mbox -o store", 1, "store: expected a folder for tables; this is a store"),
        ("load nowhere -o store", 1, "this is a store"),  # before anything is read
        ("summary store a.mbox", 1, "store: expected a store by itself; got 2 paths"),
        ("load a.mbox tables -o x", 1, "tables: expected a folder that `load` wrote by itself"),
        ("summary store --dkim", 1, "--dkim: expected reports that are yet to be read; store is a"),
        ("load tables -o x --strict", 1, "--strict: expected reports that are yet to be read; tables"),
        ("summary tables --workers 2", 1, "--workers: expected reports that are yet to be read"),
        ("load store -o x --keep-duplicates", 1, "--keep-duplicates: expected reports that are yet"),
    ],
)  # fmt: skip
def test_mistakes(arguments, code, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.mbox").write_bytes(mbox([mail(packed())]))
    Path("a.gz").write_bytes(packed())
    data = ma.load("a.mbox")
    data.to_parquet("tables")
    data.export("csv", format="csv")
    ma.Store("store").ingest("a.mbox")
    before = sorted(Path().rglob("*"))
    try:
        got = cli.main(arguments.split())
    except SystemExit as stop:
        got = stop.code
    assert got == code
    told = capsys.readouterr().err
    assert said in told
    assert "Errno" not in told
    assert sorted(Path().rglob("*")) == before, "and nothing was written"


@pytest.mark.parametrize("folder", ["tables", "store"])
def test_what_was_written_is_taken_by_every_command(folder, tmp_path, capsys, monkeypatch):
    """A folder that `load` or `ingest` wrote stands for its reports: it is summed up, and handed on."""
    monkeypatch.chdir(tmp_path)
    Path("a.mbox").write_bytes(mbox([mail(packed(n)) for n in range(3)]))
    data = ma.load("a.mbox")
    data.to_parquet("tables")
    ma.Store("store").ingest("a.mbox")
    assert cli.main(["summary", "a.mbox"]) == 0
    read = capsys.readouterr().out
    assert cli.main(["summary", folder]) == 0
    assert capsys.readouterr().out == read
    assert cli.main(["load", folder, "-o", "out", "--format", "csv"]) == 0
    assert "out/reports.csv" in capsys.readouterr().out
    back = ma.read_csv("out")
    assert sorted(back.reports["report_key"]) == sorted(data.reports["report_key"])


def test_a_full_disk_is_told():
    """Buffered, it would be seen as Python ends: a traceback, and another exit code."""
    with open("/dev/full", "wb") as full:
        done = run(
            "summary", "-", stdin=mbox([mail(packed())]),
            stdout=full, stderr=subprocess.PIPE, capture_output=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        b"mtasts-analysis: expected to print, or to read and write files; No space left on device\n"
    )


def test_lines_of_no_domain_are_told_once_each_and_not_all(tmp_path, capsys):
    listed = tmp_path / "README.md"
    listed.write_text("".join(f"line {n} of prose\n" for n in range(50)))
    assert cli.main(["check", "foo bar"]) == 4
    said = capsys.readouterr().out
    assert said.count("foo bar") == 1
    for command, code in (("check", 4), ("monitor", 5)):
        assert cli.main([command, "--file", str(listed)]) == code
        said = "".join(capsys.readouterr())
        assert "expected a domain name; 'line 0 of prose'" in said
        assert "and 47 more names of no domain" in said
        assert len(said) < 1_000


def test_the_first_faults_of_a_draft_are_told(tmp_path, capsys):
    draft = tmp_path / "README.md"
    draft.write_text("prose\n" * 100)
    sample = str(bundled.sample_archive())
    assert cli.main(["assess", sample, "--domain", "clinic.example", "--policy", str(draft)]) == 1
    said = capsys.readouterr().err
    assert "policy: expected a valid policy file (RFC 8461 §3.2); line 1: no 'name: value'" in said
    assert "line 3" in said
    assert "line 4" not in said
    assert said.endswith("; 50 or more faults in all\n")


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


def test_help_fits_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for command in ("", *cli._RUN):
        with pytest.raises(SystemExit):
            cli.main([*command.split(), "--help"])
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80, command


def test_notebooks_that_a_person_has_changed_are_left(tmp_path, capsys):
    """A second run brings what is missing, and takes no work away."""
    mine = tmp_path / "01_load_an_archive.ipynb"
    mine.write_text("my own work")
    assert cli.main(["notebooks", str(tmp_path)]) == 0
    assert mine.read_text() == "my own work"
    said = capsys.readouterr().out.splitlines()
    assert f"{mine} (kept as it was)" in said
    assert str(tmp_path / "00_start_here.ipynb") in said
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
    with pytest.raises(ma.InputError, match="duplicates: expected one of drop, keep; got 'kept'"):
        ma.load(b"", duplicates="kept")
    with pytest.raises(ma.InputError, match="on_problem: expected one of record, raise"):
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


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_terminal_that_lacks_letters_gets_them_spelled(encoding, tmp_path):
    """A sender's name may hold any letter; an old console knows few, and a traceback tells nothing of the mail."""
    made = report()
    made["organization-name"] = "Café ☕ Ltd"
    path = tmp_path / "a.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    done = run(
        "assess", path, "--domain", "d.example", env=os.environ | {"PYTHONIOENCODING": encoding}
    )
    assert done.stderr == b"" and done.returncode == 4
    assert "Café ☕ Ltd".encode(encoding, "backslashreplace") in done.stdout


@pytest.mark.parametrize("form", ["parquet", "csv", "xlsx", "jsonl"])
def test_tables_are_not_written_to_a_url(form, tmp_path, monkeypatch, capsys):
    """Neither a traceback of Arrow's, nor a folder by the name of its scheme."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.json").write_bytes(text())
    assert cli.main(["load", "report.json", "-o", "s3://bucket/x", "--format", form]) != 0
    said = "-o: expected a folder for tables on this machine; got the URL s3://bucket/x."
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
