"""Summaries as plain text, for a terminal."""

import shutil
import sys
from itertools import zip_longest
from textwrap import TextWrapper
from typing import Any

import pandas as pd

from mtasts_analysis.analysis.summary import Summary
from mtasts_analysis.printable import printable
from mtasts_analysis.wording import several

_LONGEST = 60
_READABLE = 36
"""Characters that a last column of text keeps, before the others give way."""


def plain(value: object, longest: int = _LONGEST) -> str:
    r"""Give a stranger's string fit for a terminal: no escapes, no direction marks, one short line.

    Examples
    --------
    >>> plain("a\x1b[31mb")
    'a\ufffd[31mb'
    """
    text = "" if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124  # NaN
    text = printable(text[: longest + 1])
    return text if len(text) <= longest else text[: longest - 1] + "…"


def room() -> int | None:
    """Give how many characters a terminal's line has; None where a file or a program reads."""
    watched = sys.stdout is not None and sys.stdout.isatty()
    return shutil.get_terminal_size().columns if watched else None


def wrapped(line: str, margin: str = "", width: int | None = None) -> str:
    """Break a line between words, where a terminal would break it inside one.

    Parameters
    ----------
    line
        The line.
    margin
        What its further lines begin with.
    width
        Characters of a line; by default those of the terminal.

    Examples
    --------
    >>> print(wrapped("- what fails, and since when", "  ", 20))
    - what fails, and
      since when
    """
    width = width or room()
    return line if width is None else "\n".join(_broken(line, width, margin))


def columns(
    rows: list[list[str]], right: set[int], margin: str = "", width: int | None = None
) -> str:
    """Align rows of cells.

    Where that is wider than a line, the last column goes on below itself; where little would be left of it, the
    others break between words; and where that is still too wide, the first has lines of its own.

    Parameters
    ----------
    rows
        The cells, the heading's first.
    right
        Which columns are aligned to the right.
    margin
        What every line begins with.
    width
        Characters of a line; by default those of the terminal.

    Examples
    --------
    >>> rows = [["code", "figures"], ["days", "reports on 14 of 28 days"]]
    >>> print(columns(rows, set(), width=22))
    code  figures
    days  reports on 14 of
          28 days
    >>> print(columns([["domain", "failed"], ["mail.clinic.example", "12"]], {1}, width=22))
    domain
      failed
    mail.clinic.example
          12
    """
    width = width or room()
    free = sys.maxsize if width is None else width - len(margin)
    widths = _fitted(rows, free)
    if widths is not None:
        return "\n".join(
            (margin + line).rstrip() for row in rows for line in _aligned(row, widths, right)
        )
    others = [row[1:] for row in rows]
    widths = _fitted(others, free - 2) or _least(others)
    lines: list[str] = []
    before = None
    for first, *rest in rows:
        if first != before:
            lines.append(margin + first)
        before = first
        lines += [f"{margin}  {line}" for line in _aligned(rest, widths, {at - 1 for at in right})]
    return "\n".join(lines)


def _fitted(rows: list[list[str]], free: int) -> list[int] | None:
    """Give each column's width, so that a line has no more than `free` characters; None where none can be."""
    whole = [max(map(len, column)) for column in zip(*rows, strict=True)]
    least = _least(rows)
    for others, enough in ((whole[:-1], max(least[-1], _READABLE)), (least[:-1], least[-1])):
        left = free - sum(others) - 2 * len(others)
        if left >= min(whole[-1], enough):
            widths = [*others, min(left, whole[-1])]
            spare = left - widths[-1]
            for at, wanted in enumerate(whole):
                more = min(spare, wanted - widths[at])
                widths[at] += more
                spare -= more
            return widths
    return None if len(whole) > 1 else [free]


def _least(rows: list[list[str]]) -> list[int]:
    """Give the longest word of each column: it is not broken."""
    return [
        max((len(word) for cell in column for word in cell.split()), default=0)
        for column in zip(*rows, strict=True)
    ]


def _aligned(row: list[str], widths: list[int], right: set[int]) -> list[str]:
    """Give the lines of a row."""
    cells = [_broken(cell, width) for cell, width in zip(row, widths, strict=True)]
    return [
        "  ".join(
            part.rjust(width) if at in right else part.ljust(width)
            for at, (part, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in zip_longest(*cells, fillvalue="")
    ]


def _broken(line: str, width: int, margin: str = "") -> list[str]:
    if len(line) <= width:
        return [line]
    wrapper = TextWrapper(
        width, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.wrap(line)


def span(summary: Summary) -> str:
    """Give the days that the reports cover."""
    if summary.first is None or summary.last is None:
        return "no dated report"
    days = (summary.last.normalize() - summary.first.normalize()).days + 1
    return f"{summary.first:%Y-%m-%d} to {summary.last:%Y-%m-%d} UTC ({days:,} days)"


def share(value: object) -> str:
    """Give a share of sessions as a percentage."""
    if value is None or value is pd.NA:
        return "–"
    assert isinstance(value, float)
    return f"{value:.2%}" if value == 0 or value >= 0.0001 else "< 0.01%"


def heading(summary: Summary) -> str:
    """Give how many reports of how many senders about how many domains there are."""
    domains = summary.sessions["domain"].nunique()
    return (
        f"{several(summary.reports, 'TLS report')} of {several(summary.senders, 'sender')}"
        f" about {several(domains, 'domain')}"
    )


HEAD = (
    "domain", "policy type", "modes", "reports", "senders", "successful", "failed", "failure share",
)  # fmt: skip
"""Of a summary's table of sessions."""

NUMBERS = {3, 4, 5, 6, 7}
ROWS = 40


def figures(row: Any) -> list[str]:
    """Give the counts of a row of a summary's sessions."""
    return [f"{count:,}" for count in (row.reports, row.senders, row.successful, row.failed)]


def summary_text(summary: Summary) -> str:
    """Give a summary as text.

    Parameters
    ----------
    summary
        What :func:`mtasts_analysis.analysis.summary.summarise` gives.

    Returns
    -------
    str
        Some lines; tables are aligned by spaces.
    """
    parts = [wrapped(f"{heading(summary)}, {span(summary)}"), wrapped(str(summary.accounting))]
    if len(summary.sessions):
        rows = [
            [
                plain(r.domain) or "(not named)",
                plain(r.policy_type),
                plain(r.modes),
                *figures(r),
                share(r.failure_share),
            ]
            for r in summary.sessions.head(ROWS).itertuples()
        ]
        parts += ["", "sessions (never to be added up across policy types)"]
        parts.append(columns([list(HEAD), *rows], NUMBERS))
        if len(summary.sessions) > ROWS:
            parts.append(f"... and {len(summary.sessions) - ROWS:,} rows more")
    if len(summary.problems):
        rows = [
            [str(r.severity), plain(r.code), f"{r.rows:,}"] for r in summary.problems.itertuples()
        ]
        parts += ["", "problems", columns([["severity", "code", "rows"], *rows], {2})]
    return "\n".join(parts)
