"""Summaries as plain text, for a terminal."""

from typing import Any

import pandas as pd

from mtasts_analysis.analysis.summary import Summary
from mtasts_analysis.printable import printable
from mtasts_analysis.wording import several

_LONGEST = 60


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


def columns(rows: list[list[str]], right: set[int]) -> str:
    """Align rows of cells; the columns in `right` to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


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
    parts = [f"{heading(summary)}, {span(summary)}", str(summary.accounting)]
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
