"""One style for every picture, and the figure class that shows itself in a notebook."""

import base64
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font_names
from PIL import Image

from mtasts_analysis import arguments
from mtasts_analysis.archive.files import replacing
from mtasts_analysis.errors import InputError
from mtasts_analysis.show.text import plain

INK, SOFT, GRID = "#1b1f24", "#5c6670", "#e3e6e9"

# Okabe and Ito (2008): told apart with any colour vision, and in grey by lightness or hatch.
BLUE, SKY, GREEN, ORANGE = "#0072b2", "#56b4e9", "#009e73", "#e69f00"
VERMILION, PINK, YELLOW, GREY = "#d55e00", "#cc79a7", "#c9b400", "#9aa3ab"

TYPE_COLOURS: dict[str, tuple[str, str]] = {
    "certificate-expired": (VERMILION, ""),
    "certificate-host-mismatch": (ORANGE, ""),
    "certificate-not-trusted": (PINK, ""),
    "starttls-not-supported": (BLUE, ""),
    "validation-failure": (SKY, ""),
    "sts-policy-fetch-error": (GREEN, ""),
    "sts-policy-invalid": (GREEN, "///"),
    "sts-webpki-invalid": (YELLOW, ""),
    "tlsa-invalid": (BLUE, "///"),
    "dnssec-invalid": (SKY, "///"),
    "dane-required": (PINK, "///"),
    "dns-error": (GREY, "///"),
}
"""Each result type's colour and hatch, the same in every picture."""

EFFECT_COLOURS: dict[str, tuple[str, str]] = {
    "refused": (VERMILION, ""),
    "refused already": (PINK, ""),
    "unprotected": (ORANGE, ""),
    "latent": (SKY, ""),
    "unknown": (GREY, "///"),
    "not refused": (GREEN, ""),
}
"""Each effect's colour and hatch."""

_WIDER = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "Droid Sans Fallback",
    "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans",
)  # fmt: skip
_HELD = set(get_font_names())
_FONTS = ["DejaVu Sans", *(name for name in _WIDER if name in _HELD)]
"""Matplotlib's own, and what this machine has for letters that it lacks: without one, they are boxes."""

_RC: dict[str, Any] = {
    # What a stranger wrote is text: `$` begins no formula.
    "text.parse_math": False,
    "text.usetex": False,
    "svg.hashsalt": "mtasts-analysis",
    "svg.fonttype": "none",
    "font.family": _FONTS,
    "font.size": 9.5,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "figure.facecolor": "white",
}

_DPI = 120


def styled() -> Any:
    """Give the context in which pictures are made and drawn: tick labels are made while drawing."""
    rc: Any = _RC  # the stubs want a literal
    return mpl.rc_context(rc)


@contextmanager
def quiet() -> Iterator[None]:
    """Draw a stranger's letter that the font lacks as a box, without a word."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


class Plot(Figure):
    """A picture with a sentence that says what it shows; a notebook shows it without pyplot.

    Attributes
    ----------
    alt : str
        What it shows, for who cannot see it.
    """

    alt = ""
    foot = 0.0
    """Inches that a second line of words takes at the bottom."""

    def draw(self, renderer: Any) -> None:
        """Draw in the package's style, whatever the session's is."""
        with styled(), quiet():
            super().draw(renderer)

    def image(self, kind: str = "png") -> bytes:
        """Give the picture as PNG or SVG.

        Parameters
        ----------
        kind
            `png` or `svg`.

        Raises
        ------
        InputError
            Another kind.
        """
        arguments.one_of("kind", kind, ("png", "svg"))
        raw = io.BytesIO()
        if kind == "png":
            # savefig() would draw twice; a person waits for this one.
            sheet = FigureCanvasAgg(self)
            sheet.draw()
            # All is opaque: three channels are packed a fifth faster than four.
            pixels = Image.fromarray(np.asarray(sheet.buffer_rgba())).convert("RGB")
            pixels.save(raw, "png", compress_level=3)
        else:
            with styled(), quiet():
                self.savefig(raw, format=kind, metadata={"Date": None})
        return raw.getvalue()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture; the name's ending, `.png` or `.svg`, says as what.

        Raises
        ------
        InputError
            Another ending, or no path on this machine.
        OutputError
            The file cannot be written.
        """
        target = arguments.path("path", path, "a file")
        kind = target.suffix.lower().removeprefix(".")
        if kind not in ("png", "svg"):
            raise InputError(
                f"{target}: expected a name that ends in .png or .svg; got {target.suffix!r}"
            )
        with replacing(target.parent, [target.name]) as (temporary,):
            temporary.write_bytes(self.image(kind))

    def _repr_html_(self) -> str:
        picture = base64.b64encode(self.image()).decode("ascii")
        width = round(self.get_figwidth() * 96)
        return (
            f'<img alt="{escape(plain(self.alt, 400))}" src="data:image/png;base64,{picture}"'
            f' style="max-width:100%;width:{width}px;height:auto">'
        )

    def __repr__(self) -> str:
        return f"<Plot: {plain(self.alt, 200)}>"

    __str__ = __repr__


def canvas(width: float, height: float) -> Plot:
    """Give an empty picture of a size in inches."""
    figure = Plot(figsize=(width, height), dpi=_DPI)
    FigureCanvasAgg(figure)
    return figure


_SCALE: Any = RendererAgg(1, 1, _DPI)
_LETTER = 0.62
"""Of a letter's height, an inch below: the width of a usual one."""


def width(words: str, size: float = 9.5, weight: str = "normal") -> float:
    """Give the inches that a line takes, in letters of so many points."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    with quiet():
        return float(_SCALE.get_text_width_height_descent(words, font, ismath=False)[0]) / _DPI


@lru_cache(4096)
def _letter(c: str) -> float:
    return width(c, 72) / _LETTER


def cut(words: str, longest: int) -> int:
    """Say how many characters fit where so many usual letters do: a `W` takes the room of more than one.

    Examples
    --------
    >>> cut("mx1.clinic.example", 34), cut("W" * 40, 34)
    (18, 21)
    """
    taken = 0.0
    for at, c in enumerate(words):
        taken += _letter(c)
        if taken > longest:
            return at
    return len(words)


def label(value: object, longest: int = 34) -> str:
    """Give a stranger's string as a label: one short line without controls; `not named` for none.

    Examples
    --------
    >>> label("W" * 40)
    'WWWWWWWWWWWWWWWWWWWW…'
    """
    words = plain(value, longest) or "not named"
    fits = cut(words, longest)
    return words if fits == len(words) else words[: fits - 1] + "…"
