"""Who reports, how much fails for each, who fell silent and who is new."""

from typing import Any

import numpy as np
import pandas as pd

from mtasts_analysis.analysis.facts import (
    NO_DAY,
    Data,
    Facts,
    Mask,
    counts,
    dates,
    days_since_1970,
    grouped,
    share,
    totals,
)
from mtasts_analysis.analysis.filters import EVERYTHING, Filter
from mtasts_analysis.analysis.intervals import differ, interval

FEWEST_DAYS = 5
"""Days with reports under which a sender has no rhythm that it could break."""

SILENT_GAPS = 3
"""A sender is silent once it has missed this many of its usual gaps between reports, and 3 days."""

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
        where the last 14 days or those before are too few), `first_day`, `last_day` (UTC), `usual_gap`
        (median days from one report day to the next), `silent` (it stopped: three usual gaps and
        more than 3 days without a report before the archive's last day), `new` (first seen in the last
        30 days of an archive of 60 or more). The last day is the filter's `end`, where it has one.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.senders(data)
    >>> list(found.loc[found["silent"], "sender"])
    ['AltMail']
    """
    facts = data.facts
    chosen = facts.policies_where(where)
    summed = facts.sessions_where(where)
    size = len(facts.sender.words) + 1
    of = np.where(facts.policy_sender < 0, size - 1, facts.policy_sender)
    failed = totals(of[summed], facts.failed[summed], size)
    sessions = failed + totals(of[summed], facts.successful[summed], size)
    seen = np.zeros(len(facts.report_first), dtype=bool)
    seen[facts.report[chosen]] = True
    sender_of_report = np.where(facts.sender.codes < 0, size - 1, facts.sender.codes)
    reports = np.bincount(sender_of_report[seen], minlength=size)
    first, last = _span(facts)
    if where.end is not None:
        last = min(last, days_since_1970(where.end))
    by_day = _by_day(facts, of, summed, size)
    day_of = _report_days(facts, seen, sender_of_report, size)
    bounds = np.searchsorted(by_day[3], np.arange(size + 1))
    rows: list[dict[str, Any]] = []
    for code in np.flatnonzero(reports).tolist():
        days = day_of.get(code, np.zeros(0, dtype=np.int64))
        gap = float(np.median(np.diff(days))) if len(days) > 1 else None
        own = by_day[:, bounds[code] : bounds[code + 1]]
        found = interval(own[1], own[2])
        rows.append(
            {
                "organization_names": facts.spellings[code][0] if code < size - 1 else "",
                "submitters": facts.spellings[code][1] if code < size - 1 else "",
                "days": len(days),
                "low": found.low,
                "high": found.high,
                "trend": _trend(own, last),
                "usual_gap": gap,
                "silent": _silent(days, gap, last),
                "new": bool(
                    len(days) and last - days[0] < NEW_DAYS and last - first >= 2 * NEW_DAYS
                ),
                "first_day": days[0] if len(days) else None,
                "last_day": days[-1] if len(days) else None,
            }
        )
    there = np.flatnonzero(reports)
    frame = pd.DataFrame(
        {
            "sender": facts.sender.names(np.where(there == size - 1, -1, there)),
            "organization_names": pd.Series([r["organization_names"] for r in rows], dtype="str"),
            "submitters": pd.Series([r["submitters"] for r in rows], dtype="str"),
            "reports": counts(reports[there]),
            "days": pd.Series([r["days"] for r in rows], dtype="Int64"),
            "sessions": counts(sessions[there]),
            "failed": counts(failed[there]),
            "failure_share": pd.Series(share(failed[there], sessions[there])).astype("Float64"),
            "low": pd.Series([r["low"] for r in rows], dtype="Float64"),
            "high": pd.Series([r["high"] for r in rows], dtype="Float64"),
            "trend": pd.Series([r["trend"] for r in rows], dtype="str"),
            "first_day": _stamps([r["first_day"] for r in rows]),
            "last_day": _stamps([r["last_day"] for r in rows]),
            "usual_gap": pd.Series([r["usual_gap"] for r in rows], dtype="Float64"),
            "silent": pd.Series([r["silent"] for r in rows], dtype="bool"),
            "new": pd.Series([r["new"] for r in rows], dtype="bool"),
        }
    )
    return frame.sort_values(
        ["sessions", "reports"], ascending=False, kind="stable", ignore_index=True
    )


def _span(facts: Facts) -> tuple[int, int]:
    days = facts.report_first[facts.report_first != NO_DAY]
    return (int(days.min()), int(days.max())) if len(days) else (0, 0)


def _stamps(days: list[Any]) -> "pd.Series[pd.Timestamp]":
    known = np.array([day is not None for day in days], dtype=bool)
    return pd.Series(dates([day or 0 for day in days]).where(known))


def _by_day(facts: Facts, of: Any, mask: Mask, size: int) -> Any:
    """Add sessions up by sender and day, reports over more than a day left out.

    Gives rows of day, failed, sessions and sender, in the order of senders and days.
    """
    mask = mask & facts.dated & ~facts.long
    first, last = _span(facts)
    groups = grouped((of[mask], size), (facts.day[mask] - first, last - first + 1))
    failed = totals(groups.place, facts.failed[mask], groups.size)
    sessions = failed + totals(groups.place, facts.successful[mask], groups.size)
    return np.stack([groups.codes[1] + first, failed, sessions, groups.codes[0]]).astype(np.float64)


def _report_days(facts: Facts, seen: Mask, sender: Any, size: int) -> dict[int, Any]:
    seen = seen & (facts.report_first != NO_DAY)
    first, last = _span(facts)
    groups = grouped((sender[seen], size), (facts.report_first[seen] - first, last - first + 1))
    codes, starts = np.unique(groups.codes[0], return_index=True)
    days = np.split(groups.codes[1] + first, starts[1:])
    return dict(zip(codes.tolist(), days, strict=True)) if len(codes) else {}


def _trend(own: Any, last: int) -> str | None:
    """Compare the last 14 days with those before."""
    recent = own[0] > last - 14
    (_, failed, sessions, _), (_, failed_before, sessions_before, _) = (
        own[:, recent],
        own[:, ~recent],
    )
    change = differ(
        interval(failed_before, sessions_before),
        interval(failed, sessions),
        float(sessions_before.sum()),
        float(sessions.sum()),
    )
    return None if change is None else {1: "rising", -1: "falling", 0: "steady"}[change]


def _silent(days: Any, gap: float | None, last: int) -> bool:
    if len(days) < FEWEST_DAYS or gap is None:
        return False
    return bool(last - days[-1] > max(SILENT_GAPS * gap, SILENT_GAPS))
