"""Summaries as HTML that can stand in any page: one element, its style inside, nothing fetched.

Whatever comes from a report was written by a stranger: it is escaped, bounded, and isolated, so that
right-to-left text cannot turn its neighbours round.
"""

import re
from html import escape
from typing import Any

from mtasts_analysis.analysis.summary import Summary
from mtasts_analysis.show.text import HEAD, NUMBERS, ROWS, figures, heading, plain, share, span

STYLE = """
.mtasts { font: 13px/1.45 system-ui, sans-serif; max-width: 75rem; color: inherit; }
.mtasts h3 { font-size: 1.15em; margin: 0 0 .2em; font-weight: 600; }
.mtasts p { margin: .2em 0 .8em; opacity: .8; }
.mtasts .scroll { overflow-x: auto; contain: inline-size; }
.mtasts table { border-collapse: collapse; margin: 0 0 1em; font-variant-numeric: tabular-nums; font-size: 13px; }
.mtasts caption { text-align: left; font-weight: 600; padding: 0 0 .3em; white-space: nowrap; }
.mtasts caption small { font-weight: 400; opacity: .75; }
.mtasts table th, .mtasts table td { padding: .25em .8em .25em 0; text-align: left !important; vertical-align: top;
  border: 0; background: none; white-space: nowrap; max-width: none; }
.mtasts table thead th { border-bottom: 1px solid currentColor; font-weight: 600; }
.mtasts table .number { text-align: right !important; }
.mtasts .long { white-space: normal; min-width: 12em; max-width: 24em; overflow-wrap: anywhere; }
.mtasts table td:only-child .long, .mtasts table td:nth-child(2):last-child .long { max-width: 60em; }
.mtasts .long.command { font: 12px/1.45 ui-monospace, monospace; max-width: 28em; }
.mtasts .whole { white-space: nowrap; }
.mtasts .bar { display: inline-block; width: 6em; height: .65em; background: rgba(128,128,128,.22);
  margin-left: .6em; border-radius: 2px; overflow: hidden; vertical-align: baseline; }
.mtasts .bar i { display: block; height: 100%; background: #d55e00; }
.mtasts .error { color: #b3261e; color: color-mix(in srgb, #b3261e 70%, currentColor); font-weight: 600; }
.mtasts .conflict { color: #a15c00; color: color-mix(in srgb, #a15c00 70%, currentColor); font-weight: 600; }
"""


def element(*parts: str, style: str = "") -> str:
    """Give HTML as one element of a page, with its style.

    Notebooks run MathJax over what they show: here it shall find no formula (the class is its 3rd and 4th
    version's; the other that of the 2nd).
    """
    return f'<div class="mtasts mathjax_ignore tex2jax_ignore"><style>{STYLE}{style}</style>{"".join(parts)}</div>'


def text(value: object, longest: int = 200) -> str:
    """Give a stranger's string as HTML text."""
    return f"<bdi>{escape(plain(value, longest))}</bdi>"


_HYPHENED = re.compile(r"(?<![^\s>])[^\s<>]{0,20}-[^\s<>]{0,20}(?![^\s<])")


def unbroken(html: str) -> str:
    """Let no line of a text end at a hyphen: `-servername`, `_mta-sts` and days stay whole."""
    return _HYPHENED.sub(r'<span class="whole">\g<0></span>', html)


def table(caption: str, head: list[str], rows: list[list[str]], numbers: set[int]) -> str:
    """Give a table; cells are HTML already, the columns in `numbers` stand to the right."""

    def cells(tag: str, row: list[str]) -> str:
        return "".join(
            f'<{tag} class="number">{cell}</{tag}>' if at in numbers else f"<{tag}>{cell}</{tag}>"
            for at, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><caption>{caption}</caption>'
        f"<thead><tr>{cells('th', head)}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def summary_html(summary: Summary) -> str:
    """Give a summary as one HTML element.

    Parameters
    ----------
    summary
        What :func:`mtasts_analysis.analysis.summary.summarise` gives.

    Returns
    -------
    str
        HTML without scripts, and without anything that is fetched.
    """
    account = summary.accounting
    parts = [
        f"<h3>{heading(summary)}</h3>",
        f"<p>{escape(span(summary))}<br>{escape(str(account))}</p>",
    ]
    if len(summary.sessions):
        rows = [_sessions_row(row) for row in summary.sessions.head(ROWS).itertuples()]
        more = len(summary.sessions) - ROWS
        parts.append(
            table(
                "Sessions <small>by domain and policy type; never to be added up across policy types"
                f"{f'; {more:,} rows more in the tables' if more > 0 else ''}</small>",
                list(HEAD),
                rows,
                NUMBERS,
            )
        )
    if len(summary.problems):
        parts.append(
            table(
                "Problems <small>what could not be read, and what bent the RFC: see <code>.problems</code></small>",
                ["severity", "code", "rows"],
                [
                    [
                        f'<span class="{escape(str(row.severity))}">{escape(str(row.severity))}</span>',
                        f"<code>{escape(str(row.code))}</code>",
                        f"{row.rows:,}",
                    ]
                    for row in summary.problems.itertuples()
                ],
                {2},
            )
        )
    return element(*parts)


def _sessions_row(row: Any) -> list[str]:
    # Null where there was no session.
    width = 100 * row.failure_share if isinstance(row.failure_share, float) else 0.0
    return [
        text(row.domain) if isinstance(row.domain, str) else "<i>not named</i>",
        text(row.policy_type),
        text(row.modes),
        *figures(row),
        f'{escape(share(row.failure_share))}<span class="bar"><i style="width:{width:.1f}%"></i></span>',
    ]
