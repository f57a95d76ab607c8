"""Nothing that a stranger wrote acts: each hostile string through every way out of the package.

A way out is taken with a dozen strings at a time, so that no table leaves one out. Its output is read by the
format's own parser, which must find nothing that acts, and every string's words where the way out shows them.
"""

import contextlib
import logging
import re
from datetime import date
from pathlib import Path

import pytest

import mtasts_analysis as ma
from mtasts_analysis import cli, live
from mtasts_analysis.findings import Finding
from mtasts_analysis.judging import assess_all, assess_panel
from mtasts_analysis.names import a_label
from mtasts_analysis.readiness.acknowledged import Acknowledged
from mtasts_analysis.show.html import text
from mtasts_analysis.show.style import Plot, canvas
from mtasts_analysis.show.text import plain
from mtasts_analysis.show.views import VIEWS
from tests.exits import readers
from tests.exits.strings import ALL
from tests.exits.world import BATCHES, archive, checked, loaded

AS_OF = "2026-03-12"
EVERY = ma.Filter()


@pytest.fixture(params=range(len(BATCHES)), ids=lambda n: f"{BATCHES[n][0].name} and after")
def batch(request):
    return BATCHES[request.param]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in; a name that a stranger chose would stand out in it, or beside it."""
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def data(batch):
    return loaded(batch)


@pytest.fixture(autouse=True)
def unlogged(caplog):
    """Neither the package nor what it stands on logs a word of a stranger's."""
    caplog.set_level(logging.DEBUG)
    yield
    for record in caplog.get_records("call"):
        said = f"{record.name}: {record.getMessage()}"
        assert record.levelno < logging.WARNING, said  # Python prints it
        assert not any(one.mark in said for one in ALL), said


def seen(way, words, batch, least=None, *, verbatim=True):
    """Every string came out here as it was written; or `least` of them, where the way out shows no more."""
    words = re.sub(r"\s+", "", words)
    found = 0
    for one in batch:
        begun = re.sub(r"\s+", "", plain(one.text, 10_000))[: 16 if verbatim else 0]
        found += one.mark in words and begun in words
        if one.mark in words and begun in words:
            PAIRS.add((way, one.name))
        if least is None:
            assert one.mark in words, f"{way}: {one.name} is not shown, so the test sees nothing"
            assert begun in words, f"{way}: {one.name} is shown as something else"
    assert found >= (len(batch) if least is None else min(least, len(batch))), way


def judged(batch, data):
    known = [Acknowledged("interception", one.text, one.text, date(2026, 12, 31)) for one in batch]
    return ma.assess(data, "d.example", checked(batch), AS_OF, acknowledged=known)


# --- Pages ------------------------------------------------------------------------------------------


def pages(batch, data):
    """Every piece of HTML that a notebook or a browser is given."""
    yield "summary", data._repr_html_()
    for name in data.tables:
        yield f"table {name}", ma.table(getattr(data, name), rows=500)._repr_html_()
    yield "overview", ma.overview(data)._repr_html_()
    panel = ma.explore(data, name=batch[0].name)
    for view in VIEWS:
        panel.show(ma.Filter(), view=view)
        yield f"panel {view}", panel.static()
        yield f"panel {view}, widgets", "".join(markup(panel))
    texts = [one.read for one in batch]
    panel.show(ma.Filter(senders=texts, domains=texts, mx_hosts=texts))
    yield "panel filtered", panel.static()
    found = judged(batch, data)
    yield "assessment", found._repr_html_()
    yield "ranking", assess_all(data)._repr_html_()
    yield "assessment panel", assess_panel(data, "d.example", checked(batch), AS_OF).static()
    yield "check", checked(batch)._repr_html_()
    wrong = [Finding(one.text, "error", one.text, one.text, one.text, one.text) for one in batch]
    yield "checks", live.CheckResults([checked(batch)], wrong)._repr_html_()
    yield "one string", "".join(f"<p>{text(one.text)}</p>" for one in batch)


def markup(widget):
    """What widgets of HTML hold, in a tree of widgets."""
    if type(widget).__name__ == "HTML":
        yield widget.value
    for child in getattr(widget, "children", ()):
        yield from markup(child)


FIGURES = {
    "panel sessions",
    "panel effects",
    "panel changes",
    "panel leads",
    "ranking",
    "panel sender charts",
}
"""What shows figures only, or only what these archives have not; it must be inert all the same."""
FEWER = {"assessment": 4, "assessment panel": 6, "panel filtered": 4, "overview filtered": 4}


@pytest.fixture
def undrawn(monkeypatch):
    """Pictures have a test of their own; a page holds their words."""
    tiny = canvas(1, 1).image()
    monkeypatch.setattr(Plot, "image", lambda self, kind="png": tiny)


def test_pages(batch, data, undrawn):
    for way, source in pages(batch, data):
        words = readers.page(source)
        least = 0 if way.removesuffix(", widgets") in FIGURES else FEWER.get(way)
        seen(way, words, batch, least, verbatim=way != "table problems")  # which holds file names


# --- What is printed --------------------------------------------------------------------------------


def prints(batch, data):
    """Every text that a terminal is given, but for those of the commands."""
    yield "summary", repr(data)
    for name in data.tables:
        yield f"table {name}", repr(ma.table(getattr(data, name), rows=500))
    yield "overview", repr(ma.overview(data))
    texts = [one.read for one in batch]
    for part in ("domains", "senders", "mx_hosts", "result_types"):
        for at in range(0, len(texts), 4):
            where = ma.Filter(**{part: texts[at : at + 4]})
            yield f"filter by {part}", str(where)
            yield f"filter by {part}, as code", repr(where)
    yield "overview filtered", repr(ma.overview(data, ma.Filter(senders=texts[:4])))
    for view in VIEWS.values():
        frame = view.measure(data, EVERY, "day")
        yield "measure", repr(ma.table(frame, rows=500))
        if view.picture:
            yield "picture", repr(view.picture(frame, EVERY))
    found = judged(batch, data)
    yield "assessment", repr(found)
    yield "ranking", repr(assess_all(data))
    yield "check", str(checked(batch))
    wrong = [Finding(one.text, "error", one.text, one.text, one.text, one.text) for one in batch]
    yield "checks", str(live.CheckResults([checked(batch)], wrong))
    yield "findings", "\n".join(map(str, wrong))
    yield "findings, as code", repr(wrong)
    yield "alerts, as code", repr(ma.alerts(data, "2026-03-04"))
    yield "accounting", str(data.accounting)


def test_prints(batch, data):
    for way, source in prints(batch, data):
        words = readers.terminal(source)
        least = 0 if way in SILENT else FEWER.get(way, 1 if way.startswith("filter by") else None)
        verbatim = way not in (
            "table problems",
            "filter by domains",
            "filter by mx_hosts",
        ) and not way.endswith("code")
        seen(way, words, batch, least, verbatim=verbatim)


SILENT = {"summary", "ranking", "accounting", "measure", "picture"}


# --- The command line -------------------------------------------------------------------------------

COMMANDS = {
    "summary": ["summary", "a.zip"],
    "load": ["load", "a.zip", "-o", "out"],
    "load, strict": ["load", "a.zip", "-o", "strict", "--strict"],
    "load, nothing found": ["load", "cut.zip", "-o", "none"],
    "ingest": ["ingest", "store", "a.zip", "--compact"],
    "summary of a store": ["summary", "store"],
    "assess": [
        "assess",
        "a.zip",
        "--domain",
        "d.example",
        "--as-of",
        AS_OF,
        "--check",
        "-o",
        "r.md",
    ],
    "assess all": ["assess", "a.zip"],
    "alert": ["alert", "a.zip", "--since", "2026-03-04", "--state", "told.json"],
    "alert, JSON": ["alert", "store", "--since", "2026-03-04", "--json"],
    "check": ["check", "d.example"],
    "check, JSON": ["check", "d.example", "--json", "-o", "checked"],
    "check, no domain": ["check", "{text}"],
    "assess, no domain": ["assess", "a.zip", "--domain", "{text}"],
    "monitor": ["monitor", "d.example"],
}
"""Each command that says anything of a stranger's; `notebooks` and `demo` take no input."""

SOME = {
    "load": 0, "ingest": 0, "assess all": 0, "load, strict": 1, "load, nothing found": 2, "assess": 1,
    "check, no domain": 3, "assess, no domain": 3,
}  # fmt: skip
"""How many strings those show that do not show all of them; some print figures only."""


@pytest.fixture
def servers(batch, monkeypatch):
    """In the place of a network: what hostile servers said."""
    results = live.CheckResults([checked(batch)])
    real = live.check_domains

    def asked(domains, **named):
        (name,) = domains
        with contextlib.suppress(ValueError):
            return results if a_label(name) else None
        return real(domains, **named)

    monkeypatch.setattr(live, "check_domains", asked)


def test_commands(batch, here, servers, capsys):
    Path("a.zip").write_bytes(archive(batch))
    Path("cut.zip").write_bytes(archive(batch, only=".cut"))
    for way, arguments in COMMANDS.items():
        many = [one.read for one in batch] if "{text}" in arguments else [""]
        said = ""
        for word in many:
            given = [a.replace("{text}", word) for a in arguments]
            with contextlib.suppress(SystemExit):  # a word that begins with - is an option
                cli.main(given)
            out, err = capsys.readouterr()
            assert "Traceback" not in err, err
            said += out + err
        words = readers.terminal(said)
        seen(way, words, batch, SOME.get(way), verbatim=not way.endswith(("JSON", "no domain")))
    nothing_named_by_strangers(here)


def nothing_named_by_strangers(here):
    """No file's name is a stranger's, and nothing was written beside what was asked for."""
    assert list(here.parent.iterdir()) == [here]
    written = [
        str(path) for top in (here, Path("/tmp")) for path in top.glob("**" if top is here else "*")
    ]
    assert not [path for path in written if any(one.mark in path for one in ALL)]


# --- Files ------------------------------------------------------------------------------------------


def test_write_ups(batch, data, here):
    found = judged(batch, data)
    note = " ".join(one.text for one in batch)
    for kind, read in (
        ("md", readers.markdown),
        ("html", readers.page),
        ("docx", readers.word),
        ("pdf", readers.pdf),
    ):
        raw = found.write_up(f"r.{kind}", author=batch[0].text, note=note).read_bytes()
        words = read(raw if kind in ("docx", "pdf") else raw.decode())
        seen(
            f"write-up as {kind}", words, batch, verbatim=kind != "pdf"
        )  # which shows what its font has
    nothing_named_by_strangers(here)


def test_exports(batch, data, here):
    for kind in ("csv", "xlsx", "jsonl", "parquet"):
        data.export(kind, format=kind)
    read = {
        "csv": [readers.comma_separated(p.read_bytes().decode()) for p in Path("csv").iterdir()],
        "xlsx": [readers.xlsx(Path("xlsx/tables.xlsx").read_bytes())],
        "jsonl": [readers.lines_of_json(p.read_bytes().decode()) for p in Path("jsonl").iterdir()],
        "parquet": [readers.parquet(p) for p in Path("parquet").iterdir()],
    }
    for kind, parts in read.items():
        words = "\n".join(parts)
        for one in batch:
            text = NO_XML.sub("\ufffd", one.read) if kind == "xlsx" else one.read
            # An apostrophe before what a spreadsheet would run is taken away by read_csv().
            assert text in (words.replace(";'", ";") if kind == "csv" else words), (kind, one.name)
            PAIRS.add((f"export as {kind}", one.name))
    back = ma.read_csv("csv")
    for name, table in data.tables.items():
        assert back.tables[name].to_pylist() == table.to_pylist(), name
    panel = ma.explore(data)
    for view in ("failure types", "senders", "MX hosts"):
        panel.show(EVERY, view=view)
        seen(
            "panel's CSV",
            readers.comma_separated(panel.shown_as("csv").decode()),
            batch,
            verbatim=False,
        )
        seen("panel's XLSX", readers.xlsx(panel.shown_as("xlsx")), batch, verbatim=False)
    nothing_named_by_strangers(here)


NO_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML 1.0 §2.2


def test_pictures(batch, data, here):
    for name, view in VIEWS.items():
        if view.picture:
            plot = view.picture(view.measure(data, EVERY, "day"), EVERY)
            words = readers.svg(plot.image("svg"))
            assert plot.image("png").startswith(b"\x89PNG")
            seen(f"picture of {name}", words, batch, PICTURED.get(name, 5))


PICTURED = {"sessions": 0, "effects": 0}
"""Those of figures only; the others show those that count most, and the rest as one."""


# --- The count --------------------------------------------------------------------------------------

PAIRS = set()
"""Each string that was seen to come out inert, with its way out."""


@pytest.fixture(scope="module", autouse=True)
def counted():
    """Tell them, where somebody looks: `pytest -n0 -s tests/exits`."""
    yield
    ways = len({way for way, _ in PAIRS})
    print(f"\n{len(PAIRS):,} pairs of a string and a way out; {len(ALL)} strings, {ways} ways out")
