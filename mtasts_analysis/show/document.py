"""A document as blocks, and each block as HTML, Markdown, DOCX and PDF: the same facts in each.

What a block holds may be a stranger's text: each writer escapes it in its own way.
"""

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from mtasts_analysis.errors import MissingExtraError
from mtasts_analysis.show.html import unbroken
from mtasts_analysis.show.text import plain

_LONGEST = 2_000
_CELL, _SENTENCE = 400, 600
"""Letters of a cell and of a banner, which hold names that strangers chose; without these they take 260 and 300."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Banner:
    """The one sentence that must not be missed; `tone` is good, bad or open."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Points:
    """A list."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a heading for each column."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG with its words."""

    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Code:
    """Text to copy, line by line."""

    text: str


STATUS_COLOURS: dict[str, str] = {
    "pass": "00734f", "fail": "a94400", "warn": "8a6100", "not enough evidence": "5c6670",
    "error": "a94400", "warning": "8a6100", "unknown": "5c6670",
}  # fmt: skip
"""Cells that say a status stand out in every format: bold, and dark enough to be read in print."""

TONE_COLOURS = {
    "good": ("009e73", "eaf6f2"),
    "bad": ("d55e00", "fdf1ea"),
    "open": ("e69f00", "fdf7e9"),
}
"""A banner's edge and ground."""

Block = Heading | Paragraph | Banner | Points | Grid | Picture | Code


def _clean(text: str) -> str:
    return plain(text, _LONGEST)


def _shown(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Cut what is too long for a cell: names in it may be a stranger's, and a row has to fit a page."""
    return [[plain(cell, _CELL) for cell in row] for row in rows]


_NUMBER = re.compile(r"(< )?\d[\d,.]*%?|–|")


_UNBROKEN = re.compile(r"\S{40}")
"""A word that a column has no room for: it must break, or the page is as wide as the word."""


def _numbers(rows: Sequence[Sequence[str]]) -> set[int]:
    """Give the columns that hold numbers: they stand to the right, so that they can be compared."""
    columns = list(zip(*rows, strict=True))
    return {
        at for at, cells in enumerate(columns)
        if all(map(_NUMBER.fullmatch, cells)) and any(c[-1:].isalnum() or c.endswith("%") for c in cells)
    }  # fmt: skip


# --- HTML -------------------------------------------------------------------------------------------

_STYLE = """
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1b1f24; max-width: 60rem; margin: 2rem auto;
  padding: 0 1.2rem; overflow-wrap: break-word; }
h1 { font-size: 1.8em; margin: 0 0 .2rem; } h2 { font-size: 1.28em; margin: 1.8em 0 .5em; }
table { border-collapse: collapse; width: 100%; font-size: .92em; margin: .6rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid #dfe3e6; }
.scroll { overflow-x: auto; }
td.long { overflow-wrap: anywhere; min-width: 9em; }
th { border-bottom: 2px solid #1b1f24; white-space: nowrap; }
pre { background: #f4f6f7; padding: .8rem 1rem; overflow-x: auto; font-size: .9em; white-space: pre-wrap; }
img { max-width: 100%; height: auto; } ul { padding-left: 1.2rem; }
.banner { border-left: .5rem solid; padding: .8rem 1.1rem; font-size: 1.2em; margin: 1rem 0; font-weight: 600; }
td.status { font-weight: 600; } .number { text-align: right; padding-right: 2rem; } .whole { white-space: nowrap; }
@page { size: A4; margin: 16mm; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 10.5px; } h2 { break-after: avoid; }
  tr, img, pre, .banner { break-inside: avoid; } p { orphans: 3; } thead { display: table-header-group; }
  .banner, td.status { print-color-adjust: exact; } .scroll { overflow: visible; } }
"""


def to_html(blocks: Sequence[Block], title: str) -> str:
    """Give the document as one HTML file: no script, nothing fetched."""
    body = "\n".join(_html(block) for block in blocks)
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(_clean(title))}</title><style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _text(text: str) -> str:
    return f"<bdi>{unbroken(escape(_clean(text)))}</bdi>"


def _html(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"<h{level}>{_text(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{_text(text)}</p>"
        case Banner(text, tone):
            edge, ground = TONE_COLOURS[tone]
            style = f"border-color: #{edge}; background: #{ground}"
            return f'<p class="banner" style="{style}">{_text(plain(text, _SENTENCE))}</p>'
        case Points(texts):
            return "<ul>" + "".join(f"<li>{_text(text)}</li>" for text in texts) + "</ul>"
        case Grid(head, whole):
            rows = _shown(whole)
            right = _numbers(rows)

            def attributes(at: int, cell: str = "") -> str:
                if cell in STATUS_COLOURS:
                    return f' class="status" style="color: #{STATUS_COLOURS[cell]}"'
                if at in right:
                    return ' class="number"'
                return ' class="long"' if _UNBROKEN.search(cell) else ""

            top = "".join(f"<th{attributes(at)}>{_text(name)}</th>" for at, name in enumerate(head))
            lines = "".join(
                "<tr>"
                + "".join(
                    f"<td{attributes(at, cell)}>{_text(cell)}</td>" for at, cell in enumerate(row)
                )
                + "</tr>"
                for row in rows
            )
            table = f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"
            return f'<div class="scroll">{table}</div>'
        case Picture(png, alt):
            data = base64.b64encode(png).decode("ascii")
            return f'<p><img alt="{escape(_clean(alt))}" src="data:image/png;base64,{data}"></p>'
        case Code(text):
            lines = "\n".join(escape(_clean(line)) for line in text.splitlines())
            return f"<pre>{lines}</pre>"


# --- Markdown ---------------------------------------------------------------------------------------

_ACTIVE = re.compile(
    r"[\\`*{}\[\]#|$<>&~]|(?<![^\W_])_|_(?![^\W_])|^[-+=:@!]|^\d+(?=[.)](?:\s|$))|://|(?<=w)\.(?=\S)"
)
"""What Markdown, in one of its dialects, could take for more than a letter; bare links too.

An underscore within a word, as in max_age, is a letter (CommonMark 0.31.2 §6.2).
"""


def to_markdown(blocks: Sequence[Block]) -> str:
    """Give the document as Markdown: every active character of a text escaped, pictures inside it."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _marked(text: str) -> str:
    # A numeric entity is text in every dialect; a backslash is not.
    return _ACTIVE.sub(lambda m: "".join(f"&#{ord(c)};" for c in m[0]), _clean(text))


def _markdown(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * level} {_marked(text)}"
        case Paragraph(text):
            return _marked(text)
        case Banner(text, _):
            return f"> **{_marked(plain(text, _SENTENCE))}**"
        case Points(texts):
            return "\n".join(f"- {_marked(text)}" for text in texts)
        case Grid(head, whole):
            rows = _shown(whole)
            right = _numbers(rows)
            return "\n".join(
                [
                    "| " + " | ".join(_marked(cell) for cell in head) + " |",
                    "|" + "".join("--:|" if at in right else "---|" for at in range(len(head))),
                    *("| " + " | ".join(_marked(cell) for cell in row) + " |" for row in rows),
                ]
            )
        case Picture(png, alt):
            data = base64.b64encode(png).decode("ascii")
            return f"![{_marked(alt)}](data:image/png;base64,{data})"
        case Code(text):
            return "\n".join(f"    {_clean(line)}" for line in text.splitlines())


# --- DOCX -------------------------------------------------------------------------------------------


def to_docx(blocks: Sequence[Block], title: str) -> bytes:
    """Give the document for a word processor.

    Raises
    ------
    MissingExtraError
        The extra `docx` is not installed.
    """
    try:
        import docx  # noqa: PLC0415  # an extra
        from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415
        from docx.oxml import OxmlElement  # noqa: PLC0415
        from docx.oxml.ns import qn  # noqa: PLC0415
        from docx.shared import Mm, Pt, RGBColor  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("writing DOCX", "docx") from None
    made = docx.Document()
    made.core_properties.title = _clean(title)
    page = made.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(18)
    page.top_margin = page.bottom_margin = Mm(16)
    made.styles["Normal"].font.name = "DejaVu Sans"
    made.styles["Normal"].font.size = Pt(9.5)
    wide = 210 - 2 * 18

    def ground(properties: Any, colour: str) -> None:
        shade = OxmlElement("w:shd")
        for name, value in (("val", "clear"), ("color", "auto"), ("fill", colour)):
            shade.set(qn(f"w:{name}"), value)
        properties.append(shade)

    def fill(cell: Any, text: str, *, bold: bool, right: bool) -> None:
        paragraph = cell.paragraphs[0]
        if right:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        paragraph.paragraph_format.space_after = Pt(1)
        run = paragraph.add_run(_clean(text))
        run.font.size = Pt(7.5)
        run.bold = bold or text in STATUS_COLOURS
        if text in STATUS_COLOURS:
            run.font.color.rgb = RGBColor.from_string(STATUS_COLOURS[text].upper())

    for block in blocks:
        match block:
            case Heading(level, text):
                made.add_heading(_clean(text), 0 if level == 1 else level - 1)
            case Paragraph(text):
                made.add_paragraph(_clean(text))
            case Banner(text, tone):
                paragraph = made.add_paragraph()
                paragraph.paragraph_format.space_after = Pt(10)
                run = paragraph.add_run(plain(text, _SENTENCE))
                run.bold, run.font.size = True, Pt(12)
                ground(paragraph._p.get_or_add_pPr(), TONE_COLOURS[tone][1])  # noqa: SLF001  # no other way
            case Points(texts):
                for point in texts:
                    made.add_paragraph(_clean(point), style="List Bullet")
            case Grid(head, whole):
                rows = _shown(whole)
                table = made.add_table(rows=1, cols=len(head), style="Light List Accent 1")
                table.autofit = False
                widths = _widths(head, rows, wide, 5.5)
                right = _numbers(rows)
                for line in rows:
                    for at, cell in enumerate(table.add_row().cells):
                        fill(cell, line[at], bold=False, right=at in right)
                for at, cell in enumerate(table.rows[0].cells):
                    fill(cell, head[at], bold=True, right=at in right)
                for column, width in zip(table.columns, widths, strict=True):
                    column.width = Mm(width)
                    for cell in column.cells:  # Word goes by the cells, LibreOffice by the column
                        cell.width = Mm(width)
                for at, row in enumerate(table.rows):  # rows stay whole; the first one is repeated
                    for mark in ("w:cantSplit", *(() if at else ("w:tblHeader",))):
                        row._tr.get_or_add_trPr().append(OxmlElement(mark))  # noqa: SLF001
                made.add_paragraph()
            case Picture(png, alt):
                shape = made.add_picture(io.BytesIO(png), width=Mm(wide))
                shape._inline.docPr.set("descr", _clean(alt))  # noqa: SLF001
            case Code(text):
                for row in text.splitlines():
                    paragraph = made.add_paragraph(style="No Spacing")
                    run = paragraph.add_run(_clean(row))
                    run.font.name, run.font.size = "DejaVu Sans Mono", Pt(8)
                made.add_paragraph()
    raw = io.BytesIO()
    made.save(raw)
    return raw.getvalue()


# --- PDF --------------------------------------------------------------------------------------------


_LINES = 55
"""How many lines a row of a table may have: a page has 67."""


def to_pdf(blocks: Sequence[Block], title: str) -> bytes:
    """Give the document as a PDF, with the fonts that Matplotlib brings.

    Raises
    ------
    MissingExtraError
        The extra `pdf` is not installed.
    """
    try:
        from fpdf import FPDF  # noqa: PLC0415  # an extra
        from fpdf.fonts import FontFace  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("writing PDF", "pdf") from None
    import matplotlib as mpl  # noqa: PLC0415  # for its fonts

    named = _clean(title)

    class Sheet(FPDF):  # type: ignore[misc, unused-ignore]  # typed only where the extra is there
        def footer(self) -> None:
            """Write the title and the page's number."""
            self.set_y(-12)
            self.set_font("DejaVu", "", 7)
            self.set_text_color(92, 102, 112)
            self.cell(0, 5, f"{named[:100]}  ·  {self.page_no()} / {{nb}}", align="R")
            self.set_text_color(27, 31, 36)

    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    pdf = Sheet(format="A4")
    pdf.set_title(named)
    pdf.set_lang("en")
    pdf.add_font("DejaVu", "", fonts / "DejaVuSans.ttf")
    pdf.add_font("DejaVu", "B", fonts / "DejaVuSans-Bold.ttf")
    pdf.add_font("Mono", "", fonts / "DejaVuSansMono.ttf")
    loaded: Any = pdf.fonts  # typed as if they might be the built-in ones
    sans, bold, mono = (set(loaded[key].cmap) for key in ("dejavu", "dejavuB", "mono"))
    known = {"DejaVu": sans & bold, "Mono": mono}

    def lettered(text: str, family: str = "DejaVu") -> str:
        """Put U+FFFD for a letter that the font lacks; fpdf2 would leave a gap, and log the letter."""
        return "".join(c if ord(c) in known[family] else "\ufffd" for c in _clean(text))

    pdf.set_margins(18, 16)
    pdf.set_auto_page_break(True, 16)
    pdf.set_draw_color(205, 210, 214)
    pdf.set_text_color(27, 31, 36)
    pdf.add_page()

    def write(
        text: str, size: float, style: str = "", family: str = "DejaVu", gap: float = 2, **more: Any
    ) -> None:
        pdf.set_font(family, style, size)
        pdf.multi_cell(
            0,
            size * 0.52,
            lettered(text, family) or " ",
            new_x="LMARGIN",
            new_y="NEXT",
            align="L",
            **more,
        )
        pdf.ln(gap)

    def room(height: float) -> None:
        """Begin a page where what belongs together would be torn apart."""
        if pdf.will_page_break(height):
            pdf.add_page()

    pad: Any = (0.8, 2.4, 0.8, 0.8)  # typed as whole numbers

    def fitted(text: str, width: float) -> str:
        """Cut a cell of the widest letters further, until its row fits a page below its heading."""
        text = lettered(text)
        broken: Any = partial(pdf.multi_cell, width, padding=pad, dry_run=True, output="LINES")
        # No cell of fewer letters has as many lines.
        while len(text) > _LINES and len(broken(text=text)) > _LINES:
            text = plain(text, len(text) * 3 // 4)
        return text

    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if isinstance(following, Code):
            room(12 + 4.2 * min(following.text.count("\n"), 12))
        match block:
            case Heading(level, text):
                room(32)
                pdf.ln(0 if level == 1 else 3)
                write(text, 17 if level == 1 else 12, "B")
            case Paragraph(text):
                write(text, 9)
            case Banner(text, tone):
                edge, ground = TONE_COLOURS[tone]
                text = plain(text, _SENTENCE)
                room(0.23 * len(text))  # its edge is drawn on one page
                top = pdf.get_y()
                pdf.set_fill_color(*_rgb(ground))
                write(text, 11, "B", gap=0, fill=True, padding=(3, 3, 3, 5))
                pdf.set_fill_color(*_rgb(edge))
                pdf.rect(pdf.l_margin, top, 1.6, pdf.get_y() - top, style="F")
                pdf.set_fill_color(255, 255, 255)
                pdf.ln(4)
            case Points(texts):
                for point in texts:
                    pdf.set_font("DejaVu", "", 9)
                    pdf.cell(4, 9 * 0.52, "•")  # the lines that follow begin where the first does
                    write(point, 9, gap=0.6)
                pdf.ln(2)
            case Grid(head, whole):
                rows = _shown(whole)
                pdf.set_font("DejaVu", "", 7.2)
                right = _numbers(rows)
                widths = _widths(head, rows, pdf.epw, 4)
                with pdf.table(
                    col_widths=widths, line_height=3.9, padding=pad,
                    borders_layout="HORIZONTAL_LINES", headings_style=FontFace(emphasis="BOLD"),
                    text_align=tuple("RIGHT" if at in right else "LEFT" for at in range(len(head))), v_align="T",
                ) as table:  # fmt: skip
                    for line in (head, *rows):
                        made = table.row()
                        for cell, width in zip(line, widths, strict=True):
                            colour = STATUS_COLOURS.get(cell)
                            style = (
                                FontFace(emphasis="BOLD", color=_rgb(colour)) if colour else None
                            )
                            made.cell(fitted(cell, width), style=style)
                pdf.ln(3)
            case Picture(png, alt):
                room(pdf.epw * 0.42)
                pdf.image(io.BytesIO(png), w=pdf.epw, alt_text=_clean(alt))
                pdf.ln(3)
            case Code(text):
                for code in text.splitlines():
                    write(code, 8, family="Mono", gap=0)
                pdf.ln(3)
    return bytes(pdf.output())


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour)
    return red, green, blue


def _widths(
    head: Sequence[str], rows: Sequence[Sequence[str]], whole: float, pad: float
) -> tuple[float, ...]:
    """Share a width in millimetres out by the longest texts; where these are too long, by words first."""
    least, wanted = [], []
    for at, name in enumerate(head):
        cells = [name, *(row[at] for row in rows)]
        word = max((len(w) for c in cells for w in c.split()), default=1)
        least.append(1.75 * min(word, 24) + pad)
        wanted.append(1.4 * min(max(map(len, cells)), 60) + pad)
    full = [max(n, w) for n, w in zip(least, wanted, strict=True)]
    if sum(full) <= whole:
        return tuple(whole * width / sum(full) for width in full)
    more = [max(0.1, w - n) for w, n in zip(wanted, least, strict=True)]
    left = max(0.0, whole - sum(least))
    shared = [n + left * m / sum(more) for n, m in zip(least, more, strict=True)]
    return tuple(whole * width / sum(shared) for width in shared)


WRITERS: dict[str, Any] = {
    ".html": lambda blocks, title: to_html(blocks, title).encode(),
    ".md": lambda blocks, _: to_markdown(blocks).encode(),
    ".docx": to_docx,
    ".pdf": to_pdf,
}
"""A file name's ending → blocks and title → bytes."""
