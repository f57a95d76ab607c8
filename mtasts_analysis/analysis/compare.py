"""Before and after a day: did the fix work?"""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from mtasts_analysis.analysis.facts import (
    NO_DAY,
    Data,
    Mask,
    dates,
    days_since_1970,
    totals,
)
from mtasts_analysis.analysis.filters import EVERYTHING, Filter
from mtasts_analysis.analysis.intervals import Share, differ, interval
from mtasts_analysis.errors import InputError


def compare(
    data: Data, day: date | str, where: Filter = EVERYTHING, *, days: int = 14
) -> pd.DataFrame:
    """Answer: did a failure go away, or come, with what was done on a day?

    Parameters
    ----------
    data
        A loaded archive.
    day
        The first UTC day of `after`, such as `2026-05-14`.
    where
        What to look at; its own dates bound both sides.
    days
        How many days before, and from the day on.

    Returns
    -------
    pandas.DataFrame
        A row for each domain, policy type, MX host and result type that failed on either side, the
        largest difference first: `domain`, `policy_type`, `mx_host`, `result_type`, `failed_before`,
        `failed_after`, `sessions_before`, `sessions_after` (all sessions of the domain and policy type),
        `before`, `after` (shares), `before_low`, `before_high`, `after_low`, `after_high` (95 %
        intervals over sender-days), `change`: `gone`, `fell`, `rose`, `new`, `no clear change`, or
        `not enough evidence`. Reports over 25 hours are left out.

    Raises
    ------
    InputError
        The day is none, `days` is below 1, or the archive has no report on one of the sides.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.compare(data, "2026-03-17", ma.Filter(domains="clinic.example"))
    >>> found.loc[0, ["mx_host", "result_type", "change"]].tolist()
    ['mx2.clinic.example', 'certificate-expired', 'gone']
    """
    if days < 1:
        raise InputError(f"days: expected 1 or more; got {days}")
    first = Filter(start=day).start
    if first is None:
        raise InputError("day: expected a day such as 2026-05-14; got none")
    at = days_since_1970(first)
    facts = data.facts
    usable = facts.policies_where(where) & (facts.day != NO_DAY) & ~facts.long
    sides = [usable & (facts.day >= low) & (facts.day < low + days) for low in (at - days, at)]
    for side, when in zip(sides, (first - timedelta(days=days), first), strict=True):
        if not side.any():
            raise InputError(
                f"expected reports on both sides of {first}; none starts in the {days} days from {when}"
            )
    rows = np.flatnonzero(facts.failures_where(where, sides[0] | sides[1]))
    of = facts.of[rows]
    keys = np.stack(
        [
            facts.domain.codes[of],
            facts.policy_type.codes[of],
            facts.mx.codes[rows],
            facts.result_type.codes[rows],
        ]
    )
    groups, place = np.unique(keys, axis=1, return_inverse=True)
    place = place.reshape(-1)
    found = []
    for number, (domain, kind, _, _) in enumerate(groups.T.tolist()):
        own = rows[place == number]
        base = (facts.domain.codes == domain) & (facts.policy_type.codes == kind)
        found.append([_side(data, base & side, own) for side in sides])
    frame = pd.DataFrame(
        {
            "domain": facts.domain.names(groups[0]),
            "policy_type": facts.policy_type.names(groups[1]),
            "mx_host": facts.mx.names(groups[2]),
            "result_type": facts.result_type.names(groups[3]),
        }
    )
    for index, side_name in enumerate(("before", "after")):
        frame[f"failed_{side_name}"] = pd.Series([f[index][0] for f in found], dtype="Int64")
        frame[f"sessions_{side_name}"] = pd.Series([f[index][1] for f in found], dtype="Int64")
        for suffix in ("share", "low", "high"):
            name = side_name if suffix == "share" else f"{side_name}_{suffix}"
            values = [getattr(f[index][2], suffix) for f in found]
            frame[name] = pd.Series(values, dtype="Float64")
    frame["change"] = pd.Series([_change(f[0], f[1]) for f in found], dtype="str")
    difference = (frame["after"].fillna(0) - frame["before"].fillna(0)).abs()
    order = difference.sort_values(ascending=False, kind="stable").index
    frame = frame.loc[order].reset_index(drop=True)
    frame.attrs["before"] = f"{dates([at - days])[0]:%Y-%m-%d} to {dates([at - 1])[0]:%Y-%m-%d}"
    frame.attrs["after"] = f"{first} to {dates([at + days - 1])[0]:%Y-%m-%d}"
    return frame


_Side = tuple[int, int, Share]


def _side(data: Data, base: Mask, own: Any) -> _Side:
    facts = data.facts
    at = np.flatnonzero(base)
    width = len(facts.sender.words) + 1
    cluster = facts.day[at].astype(np.int64) * width + facts.policy_sender[at] + 1
    found, place = np.unique(cluster, return_inverse=True)
    sessions = totals(place, facts.failed[at] + facts.successful[at], len(found))
    mine = own[base[facts.of[own]]]
    of = facts.of[mine]
    key = facts.day[of].astype(np.int64) * width + facts.policy_sender[of] + 1
    failed = totals(np.searchsorted(found, key), facts.sessions[mine], len(found))
    return int(failed.sum()), int(sessions.sum()), interval(failed, np.maximum(sessions, failed))


def _change(before: _Side, after: _Side) -> str:
    direction = differ(before[2], after[2], before[1], after[1])
    if direction is None:
        return "not enough evidence"
    if direction < 0:
        return "fell" if after[0] else "gone"
    if direction > 0:
        return "rose" if before[0] else "new"
    return "no clear change"
