"""A document as blocks, and each block as HTML, Markdown, DOCX and PDF: the same facts in each.

What a block holds may be a stranger's text: each writer escapes it in its own way.
"""

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from mtasts_analysis.errors import MissingExtraError
from mtasts_analysis.show.text import plain

_LONGEST = 2_000


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


Block = Heading | Paragraph | Banner | Points | Grid | Picture | Code


def _clean(text: str) -> str:
    return plain(text, _LONGEST)


# --- HTML -------------------------------------------------------------------------------------------

_STYLE = """
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1b1f24; max-width: 60rem; margin: 2rem auto;
  padding: 0 1.2rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; margin: .6rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid #dfe3e6;
  overflow-wrap: break-word; }
th { border-bottom: 2px solid #1b1f24; white-space: nowrap; }
pre { background: #f4f6f7; padding: .8rem 1rem; overflow-x: auto; font-size: .85rem; white-space: pre-wrap; }
img { max-width: 100%; height: auto; } ul { padding-left: 1.2rem; }
.banner { border-left: .5rem solid; padding: .8rem 1.1rem; font-size: 1.12rem; margin: 1rem 0; font-weight: 600; }
.good { border-color: #009e73; background: #eaf6f2; } .bad { border-color: #d55e00; background: #fdf1ea; }
.open { border-color: #e69f00; background: #fdf7e9; }
td.s-pass { color: #00734f; font-weight: 600; } td.s-fail { color: #a94400; font-weight: 600; }
td.s-warn { color: #8a6100; font-weight: 600; } td.s-not { color: #5c6670; font-weight: 600; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } h2 { break-after: avoid; }
  tr, img, .banner { break-inside: avoid; } }
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
    return f"<bdi>{escape(_clean(text))}</bdi>"


_STATES = {"pass": "s-pass", "fail": "s-fail", "warn": "s-warn", "not enough evidence": "s-not"}


def _html(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"<h{level}>{_text(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{_text(text)}</p>"
        case Banner(text, tone):
            return f'<p class="banner {escape(tone)}">{_text(text)}</p>'
        case Points(texts):
            return "<ul>" + "".join(f"<li>{_text(text)}</li>" for text in texts) + "</ul>"
        case Grid(head, rows):
            top = "".join(f"<th>{_text(name)}</th>" for name in head)
            lines = "".join(
                "<tr>"
                + "".join(
                    f'<td class="{_STATES[cell]}">{_text(cell)}</td>'
                    if cell in _STATES
                    else f"<td>{_text(cell)}</td>"
                    for cell in row
                )
                + "</tr>"
                for row in rows
            )
            return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"
        case Picture(png, alt):
            data = base64.b64encode(png).decode("ascii")
            return f'<p><img alt="{escape(_clean(alt))}" src="data:image/png;base64,{data}"></p>'
        case Code(text):
            lines = "\n".join(escape(_clean(line)) for line in text.splitlines())
            return f"<pre>{lines}</pre>"


# --- Markdown ---------------------------------------------------------------------------------------

_ACTIVE = re.compile(r"[\\`*_{}\[\]#|$<>&~]|^[-+=:@!]|(?<=\d)[.)](?=\s)|://|(?<=w)\.(?=\S)")
"""What Markdown, in one of its dialects, could take for more than a letter; bare links too."""


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
            return f"> **{_marked(text)}**"
        case Points(texts):
            return "\n".join(f"- {_marked(text)}" for text in texts)
        case Grid(head, rows):
            return "\n".join(
                [
                    "| " + " | ".join(_marked(cell) for cell in head) + " |",
                    "|" + "---|" * len(head),
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
        from docx.shared import Inches, Pt  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("writing DOCX", "docx") from None
    made = docx.Document()
    made.core_properties.title = _clean(title)
    made.styles["Normal"].font.size = Pt(10)
    for block in blocks:
        match block:
            case Heading(level, text):
                made.add_heading(_clean(text), 0 if level == 1 else level - 1)
            case Paragraph(text):
                made.add_paragraph(_clean(text))
            case Banner(text, _):
                made.add_paragraph(_clean(text), style="Intense Quote")
            case Points(texts):
                for point in texts:
                    made.add_paragraph(_clean(point), style="List Bullet")
            case Grid(head, rows):
                table = made.add_table(rows=1, cols=len(head), style="Light Grid Accent 1")
                for cell, text in zip(table.rows[0].cells, head, strict=True):
                    cell.text = _clean(text)
                for row in rows:
                    for cell, text in zip(table.add_row().cells, row, strict=True):
                        cell.text = _clean(text)
            case Picture(png, alt):
                shape = made.add_picture(io.BytesIO(png), width=Inches(6.2))
                shape._inline.docPr.set("descr", _clean(alt))  # noqa: SLF001  # python-docx has no other way
            case Code(text):
                for line in text.splitlines():
                    made.add_paragraph(_clean(line), style="No Spacing")
    raw = io.BytesIO()
    made.save(raw)
    return raw.getvalue()


# --- PDF --------------------------------------------------------------------------------------------


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

    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    pdf = FPDF(format="A4")
    pdf.set_title(_clean(title))
    pdf.set_lang("en")
    pdf.add_font("DejaVu", "", fonts / "DejaVuSans.ttf")
    pdf.add_font("DejaVu", "B", fonts / "DejaVuSans-Bold.ttf")
    pdf.add_font("Mono", "", fonts / "DejaVuSansMono.ttf")
    pdf.set_margins(18, 16)
    pdf.set_auto_page_break(True, 16)
    pdf.add_page()

    def write(
        text: str, size: float, style: str = "", family: str = "DejaVu", gap: float = 2
    ) -> None:
        pdf.set_font(family, style, size)
        pdf.multi_cell(
            0, size * 0.52, _clean(text) or " ", new_x="LMARGIN", new_y="NEXT", align="L"
        )
        pdf.ln(gap)

    colours = {"good": (234, 246, 242), "bad": (253, 241, 234), "open": (253, 247, 233)}
    for block in blocks:
        match block:
            case Heading(level, text):
                pdf.ln(0 if level == 1 else 3)
                write(text, 17 if level == 1 else 12, "B")
            case Paragraph(text):
                write(text, 9)
            case Banner(text, tone):
                pdf.set_fill_color(*colours[tone])
                pdf.set_font("DejaVu", "B", 11)
                pdf.multi_cell(
                    0, 6.5, _clean(text), fill=True, padding=3, new_x="LMARGIN", new_y="NEXT", align="L"
                )  # fmt: skip
                pdf.set_fill_color(255, 255, 255)
                pdf.ln(3)
            case Points(texts):
                for point in texts:
                    write(f"•  {point}", 9, gap=0.6)
                pdf.ln(2)
            case Grid(head, rows):
                pdf.set_font("DejaVu", "", 7.2)
                widths = _widths(head, rows)
                with pdf.table(
                    col_widths=widths, line_height=3.9, padding=0.8, borders_layout="HORIZONTAL_LINES",
                    headings_style=FontFace(emphasis="BOLD"), text_align="LEFT",
                ) as table:  # fmt: skip
                    for line in (head, *rows):
                        made = table.row()
                        for cell in line:
                            made.cell(_clean(cell))
                pdf.ln(3)
            case Picture(png, alt):
                pdf.image(io.BytesIO(png), w=pdf.epw, alt_text=_clean(alt))
                pdf.ln(3)
            case Code(text):
                for code in text.splitlines():
                    write(code, 8, family="Mono", gap=0)
                pdf.ln(3)
    return bytes(pdf.output())


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[float, ...]:
    """Give each column room for its longest word, and more for what is long."""
    widths = []
    for at, name in enumerate(head):
        cells = [name, *(row[at] for row in rows)]
        word = max((len(w) for c in cells for w in c.split()), default=1)
        widths.append(float(max(1.2 * min(word, 24) + 4, min(max(map(len, cells)), 42))))
    return tuple(widths)


WRITERS: dict[str, Any] = {
    ".html": lambda blocks, title: to_html(blocks, title).encode(),
    ".md": lambda blocks, _: to_markdown(blocks).encode(),
    ".docx": to_docx,
    ".pdf": to_pdf,
}
"""A file name's ending → blocks and title → bytes."""
