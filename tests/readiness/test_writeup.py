"""The write-up: the same facts in each format, none of them active, each picture with its words."""

import io
import json
import re
import sys
import zipfile
from dataclasses import fields, replace
from datetime import date
from html.parser import HTMLParser

import docx
import mistune
import pypdf
import pytest

import mtasts_analysis as ma
from mtasts_analysis.findings import Finding
from mtasts_analysis.readiness.acknowledged import Acknowledged
from mtasts_analysis.readiness.config import MEANINGS, ReadinessConfig
from mtasts_analysis.show.document import (
    Banner,
    Code,
    Grid,
    Heading,
    Paragraph,
    Picture,
    Points,
    to_docx,
    to_html,
    to_markdown,
    to_pdf,
)
from mtasts_analysis.show.text import plain
from mtasts_analysis.show.writeup import _ROWS, blocks, redacted
from tests.archive.building import report
from tests.readiness.test_scenarios import expired
from tests.readiness.worlds import AS_OF, ENFORCE, MX1, MX2, PRODUCTION, assess, live, world

ENDINGS = (".html", ".md", ".docx", ".pdf")
NASTY = (
    '<img src=x onerror="alert(1)"><script>alert(1)</script>[a](javascript:alert(1)) | **b** `c` $\\frac '
    '=HYPERLINK("http://x.example") www.evil.example https://evil.example/ \u202e &lt; #h !(x) \x1b[31m'
)


class Text(HTMLParser):
    """What a page says, and what in it could act."""

    def __init__(self):
        super().__init__()
        self.parts, self.tags, self.attributes, self.alts = [], [], [], []
        self.skip = 0

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.alts += [value for name, value in attrs if name == "alt"]
        self.skip += tag in ("style", "title")

    def handle_endtag(self, tag):
        self.skip -= tag in ("style", "title")

    def handle_data(self, data):
        if not self.skip:
            self.parts.append(data)


def parsed(page):
    reader = Text()
    reader.feed(page)
    return reader


def said_by(path, title):
    """Give the words of a write-up, without white space, and its pictures' words."""
    if path.suffix == ".html":
        page = parsed(path.read_text())
        text, alts = " ".join(page.parts), page.alts
    elif path.suffix == ".md":
        page = parsed(rendered(path.read_text()))
        text, alts = " ".join(page.parts), page.alts
    elif path.suffix == ".docx":
        made = docx.Document(str(path))
        found = []
        for child in made.element.body.iterchildren():
            cells = child.iter("{*}tc") if child.tag.endswith("}tbl") else [child]
            found += ["".join(t.text or "" for t in cell.iter("{*}t")) for cell in cells]
        text = " ".join(found)
        alts = [shape._inline.docPr.get("descr") for shape in made.inline_shapes]
    else:
        reader = pypdf.PdfReader(path)
        size = len(reader.pages)
        text = ""
        for number, sheet in enumerate(reader.pages, 1):
            text += sheet.extract_text().replace(f"{title}  ·  {number} / {size}", "")
        alts = [str(o["/Alt"]) for o in objects(reader) if isinstance(o, dict) and "/Alt" in o]
    return re.sub(r"\s+", "", text), alts


def objects(reader):
    return [reader.get_object(n) for n in range(1, reader.trailer["/Size"])]


def rendered(markdown):
    """As the liveliest readers of Markdown show it: HTML let through, bare links linked."""
    return mistune.create_markdown(escape=False, plugins=["table", "url", "strikethrough"])(
        markdown
    )


def facts_of(made):
    for block in made:
        match block:
            case Heading(_, text) | Paragraph(text) | Banner(text, _):
                yield text
            case Points(texts):
                yield from texts
            case Grid(head, rows):
                yield from head
                for row in rows:
                    yield from row
            case Code(text):
                yield from text.splitlines()


@pytest.fixture(scope="module")
def judged():
    data = world(
        lambda day, s: (
            [("certificate-expired", MX2, 20), (NASTY[:60], MX1, 1)]
            if day >= 35 and s != "Small"
            else []
        ),
        senders={"Big": 400, "Small": 40, NASTY: 300},
    )
    known = Acknowledged("interception", "x at y", f"agreed {NASTY}", date(2026, 12, 31))
    return assess(
        data, live(days_left=20), acknowledged=[known], config=ReadinessConfig(refused_most=0.001)
    )


@pytest.fixture(scope="module")
def written(judged, tmp_path_factory):
    folder = tmp_path_factory.mktemp("write-ups")
    return {
        ending: judged.write_up(folder / f"r{ending}", author=f"A. Analyst {NASTY}", note=NASTY)
        for ending in ENDINGS
    }


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_facts_in_each_format(judged, written, ending):
    made = blocks(judged, f"A. Analyst {NASTY}", NASTY)
    text, alts = said_by(written[ending], f"MTA-STS readiness of {judged.domain}")
    at = 0
    for fact in facts_of(made[:-1]):  # the last holds the minute in which it was made
        wanted = re.sub(r"\s+", "", plain(fact, 2000))
        found = text.find(wanted, at)
        assert found >= 0, f"{fact!r} is missing after ...{text[max(0, at - 60) : at]}"
        at = found + len(wanted)
    (picture,) = [b for b in made if isinstance(b, Picture)]
    assert alts == [plain(picture.alt, 2000)]
    assert "refused under enforce: 280" in picture.alt


def test_nothing_in_the_page_acts_or_fetches(written):
    page = written[".html"].read_text()
    found = parsed(page)
    assert set(found.tags) <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ul", "li", "table", "thead",
        "tbody", "tr", "th", "td", "img", "pre", "bdi", "div", "span",
    }  # fmt: skip
    for name, value in found.attributes:
        assert not name.startswith("on")
        if name in ("src", "href"):
            assert value.startswith("data:image/png;base64,")
    assert "default-src 'none'" in page
    assert "\u202e" not in page
    assert "\x1b" not in page


def test_nothing_in_the_markdown_acts(written):
    found = parsed(rendered(written[".md"].read_text()))
    assert set(found.tags) <= {
        "h1", "h2", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "img", "pre", "code",
        "blockquote", "strong", "br",
    }  # fmt: skip
    assert not [v for n, v in found.attributes if n == "href"]
    assert all(v.startswith("data:") for n, v in found.attributes if n == "src")


def test_markdown_can_be_read_as_it_stands(written):
    """What is a letter to every reader stays one: an underscore within a word, a full stop, a hyphen."""
    source = written[".md"].read_text()
    assert "max_age" in source
    assert "max&#95;age" not in source
    assert "mx2.d.example" in source
    assert (
        to_markdown([Paragraph("On 2026-03-17. Then 1) more")]) == "On 2026-03-17. Then 1) more\n"
    )
    assert to_markdown([Paragraph("17. March")]) == "&#49;&#55;. March\n", "it would begin a list"


def test_nothing_in_the_document_acts(written):
    with zipfile.ZipFile(written[".docx"]) as pack:
        body = pack.read("word/document.xml").decode()
        links = "".join(pack.read(n).decode() for n in pack.namelist() if n.endswith(".rels"))
    for active in ("w:hyperlink", "w:instrText", "w:fldSimple", "<script", "w:object"):
        assert active not in body
    assert 'TargetMode="External"' not in links


def test_nothing_in_the_pdf_acts(written):
    reader = pypdf.PdfReader(written[".pdf"])
    active = {
        "/URI",
        "/JavaScript",
        "/JS",
        "/Launch",
        "/AA",
        "/EmbeddedFiles",
        "/GoToR",
    }
    for found in objects(reader):
        if isinstance(found, dict):
            assert not set(found) & active
            assert found.get("/S") not in active
    assert not any(page.get("/Annots") for page in reader.pages)
    assert isinstance(reader.trailer["/Root"]["/OpenAction"], list), "a place on a page, no action"
    assert reader.metadata.title == "MTA-STS readiness of d.example"
    assert reader.trailer["/Root"]["/Lang"] == "en"


def test_the_reasons_repeat_no_verdict_and_spoil_no_name():
    found = assess(
        world(lambda day, s: [("certificate-expired", MX2, 20)] if day >= 35 else []), live()
    )
    given = next(b for b in blocks(found) if isinstance(b, Points)).texts
    assert given[0].startswith(
        "Refused under enforce in the last 14 days: 560 of 12,040 sessions (4.7%); in the last 7:"
    )
    assert given[1].startswith("certificate-expired at mx2.d.example rose on")
    assert given[2] == "No report's signature was checked."
    assert given[3].endswith("of 17 gates, the conditions for enforce, pass.")
    assert not any(text.endswith("..") or text.rstrip(".") in found.sentence for text in given)


def test_what_is_in_it(judged):
    headings = [b.text for b in blocks(judged) if isinstance(b, Heading)]
    assert headings == [
        "MTA-STS readiness of d.example", "Why", "What next", "If the policy had said enforce", "Gates",
        "Failures by type, and what to do", "Senders", "Live findings", "Known MX hosts", "Plan", "Acknowledged",
        "Method and limits", "Data", "Thresholds",
    ]  # fmt: skip
    grids = [b for b in blocks(judged) if isinstance(b, Grid)]
    shown = next(g for g in grids if g.head[0] == "gate" and "rule" in g.head)
    assert {row[0] for row in shown.rows} == {g.question for g in judged.gates}
    assert [row[1] for row in shown.rows][:2] == ["fail", "fail"], "what fails comes first"
    thresholds = next(g for g in grids if g.head[0] == "threshold")
    assert (
        "share of the sessions that enforce would refuse, at most",
        "0.1%",
        "0.5%",
        "refused_most",
    ) in thresholds.rows
    texts = "\n".join(b.text for b in blocks(judged) if isinstance(b, Paragraph))
    assert "Earliest day for enforce, if that is done now: 2026-04-26." in texts
    assert "would have refused 280 of them (1.35%), and perhaps 14 more" in texts


def test_each_threshold_is_told_in_words():
    assert list(MEANINGS) == [field.name for field in fields(ReadinessConfig)]


def test_what_enforce_refused_in_truth():
    """20 sessions of each of four senders on five days, all under a policy that said enforce: 400."""
    found = assess(world(expired(range(37, 42)), text=lambda day, s: ENFORCE))
    made = blocks(found)
    assert Heading(2, "What enforce refused") in made
    texts = "\n".join(b.text for b in made if isinstance(b, Paragraph))
    assert f"Enforce refused {found.impact.refused} of them" in texts
    assert "would have refused" not in texts and "refused already:" not in texts
    assert found.impact.already == found.impact.refused == 400


def test_what_is_to_be_copied_is_a_part_of_its_sentence():
    """A finding's action has lines of its own for what is to be copied: a cell and a sentence have one line."""
    check = live()
    soon = Finding(
        "certificate-expired", "error", MX1, "expired", "renew it; then look:\nopenssl s_client", ""
    )
    found = assess(world(), replace(check, findings=(soon,)))
    gate = found.gate("mx-certificates")
    assert gate.action == "renew it; then look: openssl s_client"
    cells = [c for b in blocks(found) if isinstance(b, Grid) for row in b.rows for c in row]
    assert cells.count(gate.action) == 2, "the gate's and the finding's"


def test_numbers_stand_to_the_right():
    grid = Grid(
        ("sender", "sessions", "share", "last day", "seen"),
        (("A", "1,070", "< 0.01%", "2026-04-30", "yes"), ("B", "–", "12.50%", "", "")),
    )
    page = to_html([grid], "t")
    assert page.count('<th class="number">') == 2
    assert re.findall(r'<td class="number"><bdi>([^/]*)</bdi>', page) == [
        "1,070",
        "&lt; 0.01%",
        "–",
        "12.50%",
    ]
    assert "|---|--:|--:|---|---|" in to_markdown([grid])
    table = docx.Document(io.BytesIO(to_docx([grid], "t"))).tables[0]
    assert [c.paragraphs[0].alignment == 2 for c in table.rows[1].cells] == [
        False,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("data", "check", "words"),
    [
        (world(), None, "No live check was made; it would have answered"),
        (None, live(), "No reports were loaded; it would have answered"),
        (world(kind=lambda day, s: "tlsa"), None, "nothing can be replayed"),
        (world(days=0), live(mode="enforce", max_age=604800), "review the reports weekly"),
    ],
    ids=["no check", "no reports", "only DANE", "production"],
)
def test_half_the_evidence_is_a_document_too(data, check, words, tmp_path):
    found = assess(data, check)
    for ending in ENDINGS:
        assert found.write_up(tmp_path / f"r{ending}").stat().st_size > 3000
    text, _ = said_by(tmp_path / "r.html", "")
    assert re.sub(r"\s+", "", words).lower() in text.lower()


def test_a_draft_is_printed(tmp_path):
    draft = f"version: STSv1\nmode: enforce\nmx: {MX1}\nmax_age: 86400\n"
    page = assess(world(), live(), policy=draft).write_up(tmp_path / "r.md").read_text()
    assert "Judged is this draft" in page
    assert f"Not in the draft: {MX2}" in page


SECRETS = {
    "address of a server": "192.0.2.20",
    "address of a server, IPv6": "2001:db8::77",
    "author": "analyst.jones",
    "who is in the note": "jane.doe",
    "quoted local part": "mary major",
    "contact that is a sender's name": "postmaster.smith",
    "address in a type": "203.0.113.9",
    "who is in an acknowledgement": "o'brien",
}


@pytest.fixture(scope="module")
def private():
    data = world(
        lambda day, s: [("odd-203.0.113.9", MX1, 3, "203.0.113.9")] if s == "Big" else [],
        senders={"Big": 400, "Large": 300, "postmaster.smith@s.example": 40},
    )
    seen = Finding(
        "mx-unreachable", "warning", f"{MX1} [192.0.2.20]", "2001:db8::77: no answer", "mend it"
    )
    known = Acknowledged("interception", "x at y", "o'brien@d.example agreed", date(2026, 12, 31))
    return assess(data, live(findings=(seen,)), acknowledged=[known])


@pytest.mark.parametrize("ending", ENDINGS)
def test_redaction(private, ending, tmp_path):
    words = {
        "author": "A. <analyst.jones@d.example>",
        "note": 'ask jane.doe@d.example or "mary major"@d.example',
    }
    said = [
        said_by(private.write_up(tmp_path / f"{redact}{ending}", redact=redact, **words), "")
        for redact in (False, True)
    ]
    (open_text, _), (text, alts) = said
    for what, secret in SECRETS.items():
        wanted = secret.replace(" ", "")
        assert wanted in open_text, f"{what}: the test plants nothing"
        assert wanted not in text, what
        assert not any(secret in alt for alt in alts), what
    assert MX1 in text
    if ending != ".pdf":  # which is compressed; its metadata is the title
        made = tmp_path / f"True{ending}"
        raw = [made.read_bytes()]
        if ending == ".docx":
            with zipfile.ZipFile(made) as pack:
                raw = [pack.read(name) for name in pack.namelist()]
        for secret in SECRETS.values():
            assert not any(secret.encode() in part for part in raw)


def test_an_address_is_redacted_before_a_cell_is_cut(tmp_path):
    """What is left of an address that was cut is not known for one."""
    name = "x" * 285 + " hidden.local@d.example"
    found = assess(world(senders={"Big": 400, name: 300}), live())
    pages = [
        found.write_up(tmp_path / f"{redact}.md", redact=redact).read_text()
        for redact in (False, True)
    ]
    assert ["hidden" in page for page in pages] == [True, False]


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("mx [192.0.2.1]", "mx [[address]]"),
        ("at 2001:db8::1.", "at [address]"),
        ("::1 ::ffff:192.0.2.1", "[address] [address]"),
        ("2001:db8::1: no answer", "[address] no answer"),
        ("tcp:2001:db8:0:1:2:3:4:5]", "tcp[address]]"),
        ("19:20:2026-03-12T00:00:00+00:00", "19:20:2026-03-12T00:00:00+00:00"),
        ('"jane doe"@d.example said "no"', '[address] said "no"'),
        ("o'brien@d.example.", "[address]."),
        ("jane@[192.0.2.1], jane%40d.example, jane@localhost", "[address], [address], [address]"),
        ("15:05:39 UTC, 2026-03-12", "15:05:39 UTC, 2026-03-12"),
        ("mailto:tls.rpt+x@d.example, mx1.d.example", "mailto:[address], mx1.d.example"),
        ("bad192.0.2.1worse", "bad[address]worse"),
        ("max_age: 86400", "max_age: 86400"),
    ],
)
def test_what_is_an_address(given, left):
    assert redacted(given) == left


def test_another_ending_and_a_place_that_cannot_be_written(tmp_path):
    found = assess(world(days=1), live())
    with pytest.raises(ma.InputError, match=r"ends in \.html, \.md, \.docx, \.pdf"):
        found.write_up(tmp_path / "r.odt")
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ma.OutputError):
        found.write_up(tmp_path / "file" / "r.html")
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize(("module", "extra"), [("docx", "docx"), ("fpdf", "pdf")])
def test_an_extra_that_is_not_there(module, extra, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ma.MissingExtraError, match=extra):
        assess(world(days=1), live()).write_up(tmp_path / f"r.{extra}")
    assert list(tmp_path.iterdir()) == []


def test_the_card_in_a_notebook_is_inert(judged):
    page = parsed(judged._repr_html_())
    assert page.tags.count("img") == 1, "the impact's picture"
    assert "script" not in page.tags
    assert all(v.startswith("data:") for n, v in page.attributes if n in ("src", "href"))
    assert f"{AS_OF}" in " ".join(page.parts)
    assert "not yet" in repr(judged)
    assert "\x1b" not in repr(judged)
    json.dumps(repr(judged))
    assert io.StringIO(repr(judged)).readline().startswith("d.example may not go to enforce yet")


def test_what_stands_in_the_impact_of_senders_that_find_no_policy(tmp_path):
    """They pass today; whoever reads the document must know that enforce will refuse them later."""
    data = world(
        lambda day, s: [("starttls-not-supported", MX1, 3)] if s == "Small" else [],
        kind=lambda day, s: "no-policy-found" if s == "Small" else "sts",
    )
    page = assess(data, live()).write_up(tmp_path / "a.md").read_text()
    assert (
        "84 sessions failed for senders that found no policy: they would be refused once"
        in " ".join(page.split())
    )


def test_in_production_there_is_no_next_day(tmp_path):
    data = world(text=lambda day, s: PRODUCTION)
    found = assess(data, live(mode="enforce", max_age=604800))
    assert found.next_date is None
    assert "Earliest day" not in found.write_up(tmp_path / "a.md").read_text()


def test_a_long_table_says_how_much_more_there_is(tmp_path):
    """Sixty hosts fail: the table is cut, and says by how many rows."""
    hosts = [f"h{n:02}.d.example" for n in range(60)]
    data = world(
        lambda day, s: (
            [("certificate-expired", h, 1) for h in hosts] if s == "Big" and day > 30 else []
        )
    )
    page = assess(data).write_up(tmp_path / "a.md").read_text()
    rows = re.findall(r"^\| and (\d+) more", page, re.MULTILINE)
    assert str(60 - _ROWS) in rows


LONG = {
    "A": "A" * 2_000, "W": "W" * 2_000, "words": "word " * 400, "one letter": "W " * 1_000,
    "markup": "<b>" * 700, "CJK": "日" * 2_000, "combining": "\u0301" * 2_000, "lines": "a\n" * 1_000,
    "two to a line": "WWWW WWWWW " * 200, "the widest": "\u2031 \u2031\u2031 " * 400,
}  # fmt: skip


@pytest.mark.parametrize("cell", LONG.values(), ids=LONG)
def test_a_row_fits_a_page_whatever_its_cells_hold(cell):
    """A sender's name of 2,000 letters had no place on a page, and fpdf2 raised."""
    grids = [
        Grid(("a", "b", "c", "d", "e"), ((cell, "pass", cell, cell, "1"), ("x",) * 5)),
        Grid(("sender", "1", "2", "3", "4", "5", "6"), ((cell, *["1,000"] * 6),)),
        Grid(("a", "b", "c", "d", "e", "f", "g"), ((cell,) * 7,)),
    ]
    shown = plain(cell, 400)
    assert parsed(to_html(grids, "t")).parts.count(shown) == 11 or "-" in shown
    assert parsed(rendered(to_markdown(grids))).parts.count(shown.strip()) == 11
    tables = docx.Document(io.BytesIO(to_docx(grids, "t"))).tables
    assert sum(c.text == shown for table in tables for c in table._cells) == 11
    pages = pypdf.PdfReader(io.BytesIO(to_pdf(grids, "t"))).pages
    assert "…" in "".join(page.extract_text() for page in pages)


@pytest.mark.parametrize("field", ["organization-name", "receiving-mx-hostname"])
def test_long_names_in_reports_are_written_up(field, tmp_path):
    """Four of 600 letters stand in one sentence of a gate."""
    reports = [report(n) for n in range(4)]
    for n, one in enumerate(reports):
        detail = one["policies"][0]["failure-details"][0]
        (one if field in one else detail)[field] = "A" * 600 + str(n)
    raw = "\n".join(map(json.dumps, reports)).encode()
    found = ma.assess(ma.load(raw, progress=False), "d.example")
    for ending in ENDINGS:
        text, _ = said_by(found.write_up(tmp_path / f"r{ending}"), "")
        assert "aaa…" in text.lower()
