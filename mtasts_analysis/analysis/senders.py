"""Who reports, how much fails for each, who fell silent and who is new."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mtasts_analysis.analysis.facts import (
    NO_DAY,
    NONE,
    Data,
    Facts,
    counts,
    dates,
    days_since_1970,
    facts_of,
    grouped,
    number,
    share,
    totals,
)
from mtasts_analysis.analysis.filters import EVERYTHING, Filter
from mtasts_analysis.analysis.filters import chosen as filter_of
from mtasts_analysis.analysis.intervals import Share, differ, intervals

FEWEST_DAYS = 5
"""Days with reports under which a sender has no rhythm that it could break."""

SILENT_GAPS = 3
"""A sender is silent once it has missed this many of its usual gaps between reports, and 3 days."""

RECENT_DAYS = 14
"""The last days, which a trend compares with those before."""

NEW_DAYS = 30
"""A sender is new if its first report is this young, and the archive at least twice as old."""


def senders(data: Data, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Answer: who reports about us, what share of their sessions fails, and who stopped?

    Spellings of one organization are one sender: by the mail's TLS-Report-Submitter first, then by
    its name without the legal form (`Google Inc.`, `Google LLC`); `organization_names` keeps them.

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at. Sessions under `tlsa` are left out unless its policy types name them, for a
        session may be counted under `sts` as well (RFC 8460 §4).

    Returns
    -------
    pandas.DataFrame
        A row for each sender, the most sessions first: `sender`, `organization_names`, `submitters`,
        `reports`, `days` (with reports), `sessions`, `failed`, `failure_share` (0 to 1), `low`, `high`
        (its 95 % interval by days, null under 5 days), `trend` (`rising`, `falling`, `steady`, or null
        where the last 14 days or those before are too few), `first_day`, `last_day` (UTC, on which the
        first and the last report began), `usual_gap` (median days from one report day to the next),
        `silent` (it stopped: three usual gaps and more than 3 days without a report before the archive's
        last day), `new` (first seen in the last 30 days of an archive of 60 or more). The last day is the
        filter's `end`, where it has one.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.senders(data)
    >>> list(found.loc[found["silent"], "sender"])
    ['AltMail']
    """
    facts, where = facts_of(data), filter_of(where)
    chosen = np.flatnonzero(facts.policies_where(where))
    size = len(facts.sender.words) + 1  # the last: not named
    first, last = facts.span()
    if where.end is not None:
        last = min(last, days_since_1970(where.end))
    cells = _cells(facts, chosen, with_tlsa=bool(where.policy_types))
    failed, sessions = (totals(cells.sender, x, size) for x in (cells.failed, cells.sessions))
    reports = _reports(facts, chosen, size)
    there = np.flatnonzero(reports)
    days = _days(cells, size)
    intervals, trends = _shares(cells, size, last)
    rhythm = [_rhythm(days[code], first, last) for code in there.tolist()]
    spelled = [facts.spellings[code] if code < size - 1 else ("", "") for code in there.tolist()]
    frame = pd.DataFrame(
        {
            "sender": facts.sender.names(np.where(there == size - 1, -1, there)),
            "organization_names": pd.Series([names for names, _ in spelled], dtype="str"),
            "submitters": pd.Series([submitters for _, submitters in spelled], dtype="str"),
            "reports": counts(reports[there]),
            "days": pd.Series([len(days[code]) for code in there.tolist()], dtype="Int64"),
            "sessions": counts(sessions[there]),
            "failed": counts(failed[there]),
            "failure_share": pd.Series(share(failed[there], sessions[there])).astype("Float64"),
            "low": pd.Series([intervals[code].low for code in there.tolist()], dtype="Float64"),
            "high": pd.Series([intervals[code].high for code in there.tolist()], dtype="Float64"),
            "trend": pd.Series([trends[code] for code in there.tolist()], dtype="str"),
            "first_day": _stamps([days[code][:1] for code in there.tolist()]),
            "last_day": _stamps([days[code][-1:] for code in there.tolist()]),
            "usual_gap": pd.Series([r.gap for r in rhythm], dtype="Float64"),
            "silent": pd.Series([r.silent for r in rhythm], dtype="bool"),
            "new": pd.Series([r.new for r in rhythm], dtype="bool"),
        }
    )
    return frame.sort_values(
        ["sessions", "reports"], ascending=False, kind="stable", ignore_index=True
    )


@dataclass(frozen=True, eq=False)
class _Cells:
    """What each sender reported of each start day, long reports apart; in the order of senders and days."""

    sender: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]
    long: npt.NDArray[np.int64]
    failed: npt.NDArray[Any]
    sessions: npt.NDArray[Any]


def _cells(facts: Facts, rows: npt.NDArray[Any], *, with_tlsa: bool) -> _Cells:
    first, last = facts.span()
    size = len(facts.sender.words) + 1
    sender = facts.policy_sender[rows]
    day = facts.day[rows]
    groups = grouped(
        (np.where(sender < 0, size - 1, sender), size),
        (np.where(day == NO_DAY, NONE, day - first), last - first + 1),
        (facts.long[rows].view(np.int8), 2),
    )
    failed, successful = facts.failed[rows], facts.successful[rows]
    if not with_tlsa:
        apart = facts.policy_type.codes[rows] == facts.policy_type.code("tlsa")
        failed[apart] = successful[apart] = 0
    lost = totals(groups.place, failed, groups.size)
    return _Cells(
        groups.codes[0],
        np.where(groups.codes[1] == NONE, NO_DAY, groups.codes[1] + first),
        groups.codes[2],
        lost,
        lost + totals(groups.place, successful, groups.size),
    )


def _reports(facts: Facts, rows: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """Count the reports of each sender with a chosen result."""
    seen = np.zeros(len(facts.report_first), dtype=bool)
    seen[facts.report[rows]] = True
    sender = facts.sender.codes[seen]
    return number(np.where(sender < 0, size - 1, sender), facts.reports, seen, size)


def _days(cells: _Cells, size: int) -> list[npt.NDArray[np.int64]]:
    """Give the days on which a report of each sender starts."""
    dated = cells.day != NO_DAY
    sender, day = cells.sender[dated], cells.day[dated]
    again = np.r_[False, (sender[1:] == sender[:-1]) & (day[1:] == day[:-1])][: len(day)]
    bounds = np.searchsorted(sender[~again], np.arange(1, size))
    return np.split(day[~again], bounds)


def _shares(cells: _Cells, size: int, last: int) -> tuple[list[Share], list[str | None]]:
    """Give each sender's share with its interval, and how its last 14 days differ from those before."""
    usable = (cells.day != NO_DAY) & (cells.long == 0)
    sender, day = cells.sender[usable], cells.day[usable]
    failed, sessions = (x[usable].astype(np.float64) for x in (cells.failed, cells.sessions))
    whole = intervals(sender, failed, sessions, size)
    recent = day > last - RECENT_DAYS
    sides = []
    for side in (~recent, recent):
        own = sender[side], failed[side], sessions[side]
        sums = np.bincount(sender[side], weights=sessions[side], minlength=size)
        sides.append((intervals(*own, size), sums))
    (before, sessions_before), (after, sessions_after) = sides
    words = {1: "rising", -1: "falling", 0: "steady", None: None}
    found = [
        words[differ(before[at], after[at], sessions_before[at], sessions_after[at])]
        for at in range(size)
    ]
    return whole, found


@dataclass(frozen=True, slots=True)
class _Rhythm:
    gap: float | None
    silent: bool
    new: bool


def _rhythm(days: npt.NDArray[np.int64], first: int, last: int) -> _Rhythm:
    gap = float(np.median(np.diff(days))) if len(days) > 1 else None
    silent = (
        gap is not None
        and len(days) >= FEWEST_DAYS
        and last - int(days[-1]) > max(SILENT_GAPS * gap, SILENT_GAPS)
    )
    new = len(days) > 0 and last - int(days[0]) < NEW_DAYS and last - first >= 2 * NEW_DAYS
    return _Rhythm(gap, silent, new)


def _stamps(days: list[npt.NDArray[np.int64]]) -> "pd.Series[pd.Timestamp]":
    known = np.array([len(day) > 0 for day in days], dtype=bool)
    return pd.Series(dates([int(day[0]) if len(day) else 0 for day in days]).where(known))
