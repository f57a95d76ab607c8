"""What the pictures share: a sheet, its axes, a clock of periods, rows with names, and keys.

Places are in inches and worked out here: Matplotlib's own fitting takes longer than drawing. A clock counts
periods, not days, so that a February is as wide as a March; a shape is one artist, however many days it has.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator

from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.show.style import (
    INK,
    SOFT,
    VERMILION,
    Plot,
    canvas,
    cut,
    label,
    styled,
    width,
)
from mtasts_analysis.wording import percent

WIDTH = 9.6
LEFT, RIGHT = 0.85, 0.3
SMALL = 8.5
_LINE, _SECOND = 146, 0.16
"""Letters that a line under a picture holds, and the inches that a second one takes."""

UNREPORTED = "#edeff1"
"""The ground of a period without a report."""

BLOCKS = 62
"""Periods that are drawn as blocks with air between, their dates under their middles."""

Values = npt.NDArray[np.float64]


def begin(height: float, title: str, where: Filter, *notes: str) -> Plot:
    """Give a sheet with a title above, and below the filter and what else must be known to read the figures."""
    said = "; ".join(filter(None, notes))
    below = "; ".join(filter(None, (label(str(where), _LINE), said)))
    if len(below) > _LINE and said:
        below = f"{label(str(where), _LINE)}\n{said}"
        height += _SECOND
    with styled():
        figure = canvas(WIDTH, height)
        fits = min(1, (WIDTH - 0.3) / width(title, 12, "bold"))  # counts may have twenty digits
        figure.text(
            0.1 / WIDTH, 1 - 0.1 / height, title, va="top", fontsize=12 * fits, fontweight="bold"
        )
        figure.text(
            0.1 / WIDTH, 0.09 / height, below, va="bottom", fontsize=SMALL, color=SOFT, gid="filter"
        )
    figure.foot = _SECOND if "\n" in below else 0.0
    figure.alt = "; ".join(filter(None, (title, str(where), said)))
    return figure


def nothing(title: str, where: Filter, *notes: str) -> Plot:
    """Give a sheet that says that there is nothing to see."""
    figure = begin(2.0, title, where, *notes)
    with styled():
        axes = box(figure, top=0.4, bottom=0.4)
        axes.set_axis_off()
        axes.text(0.5, 0.5, "nothing to show for this filter", ha="center", va="center", color=SOFT)
    return figure


def box(
    figure: Plot, *, top: float, bottom: float, left: float = LEFT, right: float = RIGHT
) -> Axes:
    """Give axes so many inches from the sheet's edges; below, from its first line of words."""
    height, bottom = figure.get_figheight(), bottom + figure.foot
    return figure.add_axes(
        (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (top + bottom) / height)
    )


def bare(axes: Axes) -> None:
    """Take an axes' own marks away: what stands in it names itself."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)


def unit(axes: Axes, words: str) -> None:
    """Write what an axis counts above it, where it is read first."""
    axes.annotate(
        words, (0, 1), xytext=(0, 4), xycoords="axes fraction", textcoords="offset points",
        ha="left", va="bottom", fontsize=SMALL, color=SOFT,
    )  # fmt: skip


def key(axes: Axes, columns: int, handles: list[Patch] | None = None, rise: float = 0) -> None:
    """Put the key above the axes, to the right; `rise` lifts it by points."""
    axes.legend(
        **({} if handles is None else {"handles": handles}), loc="lower right", ncols=columns,
        bbox_to_anchor=(1, 1 + rise / 72 / _inches(axes)), handlelength=1.1, columnspacing=1.4,
        borderaxespad=0.2, fontsize=SMALL,
    )  # fmt: skip


def _inches(axes: Axes) -> float:
    figure: Any = axes.figure
    return float(axes.get_position().height * figure.get_figheight())


def counts(axes: Axes, words: str) -> None:
    """Let the upright axis count from 0."""
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.margins(y=0.06)
    axes.set_ylim(bottom=0)
    unit(axes, words)


def short(value: float) -> str:
    """Give a count that fits beside an axis.

    Examples
    --------
    >>> short(1_200_000), short(12_000_000), short(2e19)
    ('1,200,000', '12M', '2e+19')
    """
    if abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value / 1e6:,.0f}M" if abs(value) < 1e12 else f"{value:.3g}"


def shares(axes: Axes, words: str, top: float) -> None:
    """Let the upright axis be a share from 0 to a little above the highest."""
    axes.set_ylim(0, max(0.001, 1.15 * top))
    marks = share_marks(top)
    axes.yaxis.set_major_locator(FixedLocator(list(marks)))
    axes.yaxis.set_major_formatter(FixedFormatter([percent(mark) for mark in marks]))
    unit(axes, words)


def share_marks(top: float) -> list[float]:
    """Give few round shares from 0 up."""
    ticks = MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]).tick_values(0, max(0.001, top))
    return [float(t) for t in ticks if 0 <= t <= max(0.001, 1.15 * top)]


# --- Periods -----------------------------------------------------------------------------------------

_UNITS: list[tuple[Callable[[pd.Timestamp], Any], str, int]] = [
    # What changes from one mark to the next, how it reads, and how many marks have room.
    (lambda day: day.toordinal() // 2, "{0.day} {0:%b}", 9),
    (lambda day: (day - pd.Timedelta(days=day.weekday())).date(), "{0.day} {0:%b}", 9),
    (lambda day: (day.year, day.month, day.day > 15), "{0.day} {0:%b}", 9),
    (lambda day: (day.year, day.month), "{0:%b}", 13),
    (lambda day: (day.year, (day.month - 1) // 3), "{0:%b}", 13),
    (lambda day: day.year, "{0:%Y}", 13),
    (lambda day: day.year // 10, "{0:%Y}", 13),
]


def marks(every: pd.DatetimeIndex) -> list[tuple[float, str]]:
    r"""Say where a clock carries a date, and how it reads: each period where they are few, else round ones.

    Examples
    --------
    >>> marks(pd.date_range("2026-02-27", periods=3))
    [(0.5, '27 Feb\n2026'), (1.5, '28 Feb'), (2.5, '1 Mar')]
    >>> [text for _, text in marks(pd.date_range("2025-11-10", periods=90))]
    ['16 Nov\n2025', '1 Dec', '16 Dec', '1 Jan\n2026', '16 Jan', '1 Feb']
    """
    days = list(every)
    if len(days) <= 9:
        monthly = len(days) > 1 and all(day.day == 1 for day in days)
        found = [
            (at + 0.5, day, "{0:%b}" if monthly else "{0.day} {0:%b}")
            for at, day in enumerate(days)
        ]
    else:
        form = ""
        for value, form, room in _UNITS:  # noqa: B007  # it is the form of what fits
            keys = [value(day) for day in (days[0] - pd.Timedelta(days=1), *days)]
            changed = [at for at in range(len(days)) if keys[at + 1] != keys[at]]
            if len(changed) <= room:
                break
        if len(changed) < 2:
            changed, form = [0, len(days) // 2, len(days) - 1], "{0.day} {0:%b}"
        middle = 0.5 if len(days) <= BLOCKS else 0.0
        found = [(at + middle, days[at], form) for at in changed]
    told, result = None, []
    for at, day, form in found:
        year = "" if day.year == told or "%Y" in form else f"\n{day.year}"
        told = day.year
        result.append((at, form.format(day) + year))
    return result


def clock(axes: Axes, every: pd.DatetimeIndex, *, dated: bool = True) -> None:
    """Let the axis across count periods; `dated` writes their dates under it."""
    found = marks(every)
    axes.set_xlim(-0.005 * len(every), 1.005 * len(every))
    axes.xaxis.set_major_locator(FixedLocator([at for at, _ in found]))
    axes.xaxis.set_major_formatter(FixedFormatter([text if dated else "" for _, text in found]))
    axes.tick_params(axis="x", length=3 if len(every) > 9 else 0, labelsize=9)


def band(
    axes: Axes, height: Values, below: Values, colour: str, hatch: str = "", name: str = ""
) -> None:
    """Draw one band of a stack: a block a period, with air between few."""
    air = 0.05 if len(height) <= BLOCKS else 0.0
    at = np.arange(len(height))
    across = np.stack([at + air, at + 1 - air], axis=1).ravel()
    none = np.zeros(len(height))
    low, high = (
        np.nan_to_num(np.stack([x, none if air else x], axis=1).ravel())
        for x in (below, below + height)
    )
    axes.fill_between(
        across, low, high, step="post", facecolor=colour, hatch=hatch or None, edgecolor="white",
        linewidth=0, label=name,
    )  # fmt: skip


def unreported(axes: Axes, there: npt.NDArray[np.bool_]) -> None:
    """Grey the periods without a report: a gap is not zero."""
    if there.all():
        return
    edges = np.arange(len(there))
    axes.fill_between(
        np.stack([edges, edges + 1], axis=1).ravel(), 0, np.repeat(~there, 2), color=UNREPORTED,
        linewidth=0, transform=axes.get_xaxis_transform(), label="no report", zorder=0,
    )  # fmt: skip


def curve(
    axes: Axes, at: Values, values: Values, below: Values | float = 0.0, width: float = 1.5
) -> None:
    """Draw a line that breaks where there is no value; a lone value is a dot."""
    axes.fill_between(at, below, below + values, color=VERMILION, alpha=0.15, linewidth=0)
    axes.plot(at, below + values, color=VERMILION, linewidth=width)
    there = ~np.isnan(values)
    lone = there & ~np.r_[False, there[:-1]] & ~np.r_[there[1:], False]
    if len(values) < 45:
        lone = there
    if lone.any():
        axes.plot(at[lone], (below + values)[lone], "o", color=VERMILION, markersize=3)


# --- Rows --------------------------------------------------------------------------------------------


def margin(words: Sequence[str]) -> float:
    """Give the inches that the widest of some names takes, with a little air."""
    return max(map(width, words), default=0.0) + 0.2


def named(axes: Axes, words: Sequence[str]) -> None:
    """Write a name beside each row, the first one at the top."""
    axes.set_ylim(len(words) - 0.5, -0.5)
    axes.set_yticks([])
    for row, word in enumerate(words):
        axes.annotate(
            word, (0, row), xytext=(-5, 0), xycoords=axes.get_yaxis_transform(),
            textcoords="offset points", ha="right", va="center", color=INK, fontsize=9.5,
        )  # fmt: skip


def wrapped(name: str, longest: int) -> str:
    """Break a result type at its hyphens, and a stranger's word where it must be.

    Examples
    --------
    >>> wrapped("certificate-host-mismatch", 14).splitlines()
    ['certificate-host-', 'mismatch']
    >>> wrapped("x" * 100, 9).splitlines()
    ['xxxxxxxxx', 'xxxxxxxxx', 'xxxxxxxx…']
    >>> wrapped("other (4)", 9)
    'other (4)'
    """
    lines: list[str] = [""]
    for part in re.split(r"(?<=[ -])", name):
        rest = part
        while rest:
            piece = rest[: max(1, cut(rest, longest))]
            rest = rest[len(piece) :]
            if cut(lines[-1] + piece, longest) < len(lines[-1] + piece) and lines[-1]:
                lines.append("")
            lines[-1] += piece
    if len(lines) > 3:
        lines = [*lines[:2], lines[2][: longest - 1] + "…"]
    return "\n".join(line.rstrip() for line in lines)
