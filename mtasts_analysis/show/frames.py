"""A measure's frame as an HTML table, and its figures as text."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from mtasts_analysis import arguments
from mtasts_analysis.errors import InputError
from mtasts_analysis.findings import one_line
from mtasts_analysis.show.html import element, text, unbroken
from mtasts_analysis.show.html import table as html_table
from mtasts_analysis.show.text import columns as aligned
from mtasts_analysis.show.text import plain, share

_SHARES = {"share", "failure_share", "refused_share", "low", "high", "before", "after"}


_CAPITALS = {
    "mx": "MX", "mta": "MTA", "ip": "IP", "ips": "IPs", "dns": "DNS", "dkim": "DKIM",
}  # fmt: skip
_START_DAYS = {"first_day": "first report", "last_day": "last report"}
"""Reports go by their start day: the last may go on for a week, so its day is not the last of what it tells."""


def headed(name: str) -> str:
    """Give a column's name as a heading.

    Examples
    --------
    >>> headed("mx_host"), headed("last_day")
    ('MX host', 'last report')
    """
    return _START_DAYS.get(name) or " ".join(_CAPITALS.get(word, word) for word in name.split("_"))


def cell(name: str, value: Any, longest: int = 300) -> str:
    """Give one value as plain text: shares in percent, days as days, absent ones as a dash."""
    if isinstance(value, list | np.ndarray):
        return ", ".join(cell(name, one, longest) for one in value)
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124  # NaN
        return "–"
    if name in _SHARES or name.endswith(("_low", "_high")):
        return share(float(value))
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no" if name.startswith("in_") else ""
    if isinstance(value, Integral):
        return f"{int(value):,}"
    if isinstance(value, Real):
        return f"{float(value):,.4g}"
    return plain(one_line(str(value)) if name == "action" else value, longest)


def frame_html(
    frame: pd.DataFrame,
    caption: str = "",
    *,
    note: str = "",
    columns: list[str] | None = None,
    rows: int = 50,
    extra: dict[str, list[str]] | None = None,
) -> str:
    """Give a frame as one HTML element: every string escaped, at most `rows` rows.

    Parameters
    ----------
    frame
        A measure's frame.
    caption
        What stands above; HTML.
    note
        What stands behind it in small letters, where there are rows; HTML.
    columns
        Which columns; all by default.
    rows
        How many rows are shown; how many more there are is said.
    extra
        Columns of ready HTML, such as sparklines, by their heading.

    Returns
    -------
    str
        HTML without scripts.
    """
    shown = frame[columns] if columns else frame
    names = list(shown.columns)
    numbers = {
        at for at, name in enumerate(names) if pd.api.types.is_numeric_dtype(shown[name].dtype)
        and not pd.api.types.is_bool_dtype(shown[name].dtype)
    }  # fmt: skip
    body = [
        [_html(name, cell(name, value)) for name, value in zip(names, row, strict=True)]
        for row in shown.head(rows).itertuples(index=False, name=None)
    ]
    for ready in (extra or {}).values():
        for row, html in zip(body, ready, strict=False):
            row.append(html)
    head = [headed(name) for name in [*names, *(extra or {})]]
    if not len(shown):
        return element(f"<p><b>{caption} <small>nothing for this filter</small></b></p>")
    cut = f"the first {rows:,} of {len(shown):,} rows" if len(shown) > rows else ""
    small = "; ".join(filter(None, (cut, note)))
    caption += f" <small>{small}</small>" if small else ""
    return element(html_table(caption, head, body, numbers))


def _html(name: str, value: str) -> str:
    if len(value) <= (24 if " " in value else 40):  # a name is broken last
        return text(value, 300)
    return f'<div class="long{" command" if name == "verify" else ""}">{unbroken(text(value, 300))}</div>'


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """A frame made to be read; made by :func:`table`.

    Attributes
    ----------
    frame : pandas.DataFrame
        What is shown.
    """

    frame: pd.DataFrame
    rows: int

    def _repr_html_(self) -> str:
        return frame_html(self.frame, rows=self.rows)

    def __repr__(self) -> str:
        return frame_text(self.frame, self.rows)


def table(frame: pd.DataFrame, columns: list[str] | None = None, rows: int = 50) -> Table:
    """Show a frame to be read: whole sentences, shares in percent, days as days.

    Parameters
    ----------
    frame
        A measure's frame, or any other.
    columns
        Which columns; all by default.
    rows
        How many rows.

    Returns
    -------
    Table
        HTML in a notebook, text on a terminal; whatever a stranger wrote is escaped.

    Raises
    ------
    InputError
        No frame, columns that it has not, or no number of rows.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.table(ma.effects(data), ["effect", "sessions"])
    effect       sessions
    refused         1,578
    unprotected       188
    unknown             9
    """
    arguments.instance("frame", frame, pd.DataFrame, "a DataFrame")
    rows = arguments.number("rows", rows, 0)
    if columns is None:
        return Table(frame, rows)
    there = [*frame.columns]
    if not isinstance(columns, list) or not all(name in there for name in columns):
        raise InputError(
            f"columns: expected a list of {', '.join(map(str, there))}; got {columns!r}"
        )
    return Table(frame[columns], rows)


def frame_text(frame: pd.DataFrame, rows: int) -> str:
    """Give a frame as aligned text; its last column is told whole, for a sentence stands there."""
    names = list(frame.columns)
    if not names:
        return "a table without columns"
    longest = [110] * (len(names) - 1) + [1_000]
    body = [
        [
            plain(cell(name, value, most), most)
            for name, value, most in zip(names, row, longest, strict=True)
        ]
        for row in frame.head(rows).itertuples(index=False, name=None)
    ]
    numbers = {
        at for at, name in enumerate(names) if pd.api.types.is_numeric_dtype(frame[name].dtype)
    }
    head = [] if names == ["text"] else [[*map(headed, names)]]
    more = len(frame) - len(body)
    return aligned([*head, *body], numbers) + (f"\n... and {more:,} more" if more > 0 else "")


def sparkline(values: list[float | None], width: int = 110, height: int = 20) -> str:
    """Give a line as inline SVG; a gap in the values is a gap in the line.

    Examples
    --------
    >>> sparkline([0.0, None, 1.0]).count("<circle")
    2
    """
    top = max((v for v in values if v is not None), default=0.0) or 1.0
    step = width / max(1, len(values) - 1)
    parts: list[str] = []
    run: list[str] = []

    def close() -> None:
        if len(run) == 1:
            x, y = run[0].split(",")
            parts.append(f'<circle cx="{x}" cy="{y}" r="1.2" fill="#d55e00"/>')
        elif run:
            line = " ".join(run)
            parts.append(
                f'<polyline points="{line}" fill="none" stroke="#d55e00" stroke-width="1.2"/>'
            )
        run.clear()

    for at, value in enumerate(values):
        if value is None:
            close()
        else:
            run.append(f"{at * step:.1f},{height - 2 - (height - 4) * value / top:.1f}")
    close()
    return (
        f'<svg role="img" aria-label="highest {top:.2%}" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
    )
