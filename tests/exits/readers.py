"""Each format as its readers take it: gives the words that it shows, and fails at whatever acts.

What acts is judged by the format's own parser, never by a search for the string that was sent.
"""

import csv
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
import zipfile
from html.parser import HTMLParser

import docx
import mistune
import openpyxl
import pyarrow.parquet as pq
import pypdf

from tests.exits.strings import ALL

TAGS = {
    "a", "b", "bdi", "blockquote", "body", "br", "caption", "code", "details", "div", "em", "h1", "h2", "h3", "head",
    "html", "i", "img", "li", "main", "meta", "p", "pre", "small", "span", "strong", "style", "summary", "svg",
    "polyline", "circle", "table", "tbody", "td", "th", "thead", "title", "tr", "ul",
}  # fmt: skip
"""What the package and its readers of Markdown make; nothing here runs, is fetched or asks."""

_MARKS = re.compile("|".join(one.mark for one in ALL))


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words = []
        self.raw = 0

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS, f"an element <{tag}>"
        self.raw += tag == "style"
        for name, value in attrs:
            assert not name.startswith("on"), f"an event attribute {name}"
            assert not _MARKS.search(name)
            if name == "alt":
                self.words.append(value or "")
            else:
                assert not _MARKS.search(value or ""), f"a stranger's word in {name}"
            if name in ("href", "src", "srcset", "action", "data", "xlink:href"):
                assert re.match(r"#|data:image/png;base64,[A-Za-z0-9+/=]*$", value or ""), (
                    f"{name}={value!r}"
                )

    def handle_endtag(self, tag):
        self.raw -= tag == "style"

    def handle_data(self, data):
        if self.raw:
            assert not _MARKS.search(data), "a stranger's word in a style sheet"
        else:
            self.words.append(data)

    def handle_comment(self, data):
        assert not _MARKS.search(data), "a stranger's word in a comment"


def page(source):
    """HTML, whole or in part."""
    reader = _Page()
    reader.feed(source)
    reader.close()
    words = "\n".join(reader.words)
    assert not _unseen(words, "\n"), "a control or a direction mark in a page"
    return words


def terminal(source):
    """What is printed: any character but a line's end that a terminal obeys, or that hides, is a fault."""
    assert isinstance(source, str)
    assert not _unseen(source, "\n"), "a character that a terminal obeys"
    for line in source.splitlines():
        assert not line.lstrip().startswith("forged"), "a line that nobody wrote"
    return source


def _unseen(text, allowed):
    """Controls, direction marks, zero widths, surrogates, line separators."""
    return {c for c in text if unicodedata.category(c) in _UNSEEN and c not in allowed}


_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def markdown(source):
    """As its liveliest readers show it: HTML let through, bare links linked."""
    plugins = ["table", "url", "strikethrough", "footnotes", "task_lists", "def_list"]
    shown = mistune.create_markdown(escape=False, plugins=plugins)(source)
    reader = _Page()
    reader.feed(shown)
    assert "<a " not in shown, "a link"
    for found in re.findall(r"<h\d>(.*?)</h\d>", shown):
        assert "forged" not in found, "a chapter that nobody wrote"
    words = "\n".join(reader.words)
    assert not _unseen(words, "\n")
    return words


def word(raw):
    """DOCX, as a word processor opens it."""
    with zipfile.ZipFile(io.BytesIO(raw)) as pack:
        names = pack.namelist()
        links = "".join(pack.read(n).decode() for n in names if n.endswith(".rels"))
        parts = [ET.fromstring(pack.read(n)) for n in names if n.endswith((".xml", ".rels"))]
    assert 'TargetMode="External"' not in links
    for part in parts:
        for element in part.iter():
            tag = element.tag.rpartition("}")[2]
            assert tag not in (
                "hyperlink",
                "instrText",
                "fldSimple",
                "fldChar",
                "object",
                "altChunk",
                "x",
            ), f"<{tag}>"
    made = docx.Document(io.BytesIO(raw))
    texts = [p.text for p in made.paragraphs]
    texts += [cell.text for table in made.tables for row in table.rows for cell in row.cells]
    texts += [shape._inline.docPr.get("descr") for shape in made.inline_shapes]
    assert not any(t.startswith("forged") or t == "x" for t in texts), (
        "a paragraph that nobody wrote"
    )
    words = "\n".join(texts)
    assert not _unseen(words, "\n\t"), _unseen(words, "\n\t")
    return words


def pdf(raw):
    """PDF: no action anywhere, and its words."""
    reader = pypdf.PdfReader(io.BytesIO(raw))
    active = {
        "/URI",
        "/JavaScript",
        "/JS",
        "/Launch",
        "/AA",
        "/EmbeddedFiles",
        "/GoToR",
        "/SubmitForm",
        "/RichMedia",
    }
    for number in range(1, reader.trailer["/Size"]):
        found = reader.get_object(number)
        if isinstance(found, dict):
            assert not set(found) & active, f"{set(found) & active}"
            assert found.get("/S") not in active
    assert not any(sheet.get("/Annots") for sheet in reader.pages)
    # A long word is broken in a narrow cell.
    return "".join(sheet.extract_text() for sheet in reader.pages).replace("\n", "")


def xlsx(raw):
    """A workbook: no cell is a formula, none a link, and each holds what was written."""
    book = openpyxl.load_workbook(io.BytesIO(raw))
    words = []
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", f"a formula in {sheet.title}!{cell.coordinate}"
                assert cell.hyperlink is None
                value = cell.value if isinstance(cell.value, str) else ""
                # ECMA-376 part 1 §22.9.2.19: so Excel reads a text.
                words.append(re.sub("_x([0-9A-F]{4})_", lambda m: chr(int(m[1], 16)), value))
    with zipfile.ZipFile(io.BytesIO(raw)) as pack:
        for name in pack.namelist():
            assert "external" not in name.lower()
            assert "<f>" not in pack.read(name).decode(errors="replace")
    return "\n".join(words)


_ACTIVE = "=+-@\uff1d\uff0b\uff0d\uff20"


def comma_separated(source):
    """CSV as a spreadsheet reads it, parted by commas and, as in half of Europe, by semicolons."""
    words = []
    for row in csv.reader(io.StringIO(source, newline="")):
        for cell in row:
            for part in cell.split(";"):
                bare = part.lstrip(
                    "".join(c for c in part if c.isspace() or unicodedata.category(c)[0] in "CZ")
                )
                assert not bare.startswith(tuple(_ACTIVE)), f"a cell that computes: {part!r}"
                assert not part.startswith(("\t", "\r", "\n", "\0")), (
                    f"a cell that computes: {part!r}"
                )
            words.append(cell)
    return "\n".join(words)


def lines_of_json(source):
    """JSON Lines: each line by itself, however a reader tells lines."""
    rows = [json.loads(line) for line in source.splitlines()]
    assert len(rows) == source.count("\n"), "a line that nobody wrote"
    assert not _unseen(source, "\n"), "a character that a terminal obeys"
    return "\n".join(map(str, texts_in(rows)))


def parquet(path):
    """Parquet: text is text."""
    return "\n".join(texts_in(pq.read_table(path).to_pylist()))


def texts_in(value):
    """Every string in a nest of lists and dicts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts_in(one)


def svg(raw):
    """A drawing: no script, no link, no event; a formula would not be text any more."""
    words = []
    for element in ET.fromstring(raw).iter():
        tag = element.tag.rpartition("}")[2]
        assert tag not in ("script", "a", "foreignObject", "animate", "set", "iframe"), f"<{tag}>"
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert not _MARKS.search(value)
            if name.endswith("href"):  # a heat map is pixels
                assert value.startswith(("#", "data:image/png;base64,"))
        words += [element.text or "", element.tail or ""]
    words = "\n".join(words)
    assert not _unseen(words, "\n")
    return words
