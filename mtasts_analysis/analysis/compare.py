"""Before and after a day: did the fix work?"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mtasts_analysis import arguments
from mtasts_analysis.analysis.facts import (
    Data,
    Facts,
    Mask,
    counts,
    dates,
    days_since_1970,
    facts_of,
    grouped,
    totals,
)
from mtasts_analysis.analysis.filters import EVERYTHING, Filter
from mtasts_analysis.analysis.intervals import Share, differ, from_sums
from mtasts_analysis.errors import InputError
from mtasts_analysis.limits import DAYS_MOST, YEARS


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
        The day is none, `days` is no number from 1 to 36,525, or the archive has no report on one of the sides.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.compare(data, "2026-03-17", ma.Filter(domains="clinic.example"))
    >>> found.loc[0, ["mx_host", "result_type", "change"]].tolist()
    ['mx2.clinic.example', 'certificate-expired', 'gone']
    """
    days = arguments.number("days", days, 1, DAYS_MOST)
    first = arguments.day("day", day, YEARS)
    at = days_since_1970(first)
    facts = facts_of(data)
    usable = facts.policies_where(where) & (facts.day >= at - days) & (facts.day < at + days)
    usable &= ~facts.long
    rows = np.flatnonzero(usable)
    side = (facts.day[rows] >= at).astype(np.int64)
    for number, when in enumerate((first - timedelta(days=days), first)):
        if not (side == number).any():
            raise InputError(
                f"expected reports on both sides of {first}; none starts in the {days} days from {when}"
            )
    found = _sides(facts, rows, side, np.flatnonzero(facts.failures_where(where, usable)))
    frame = pd.DataFrame(
        {
            "domain": facts.domain.names(found.domain),
            "policy_type": facts.policy_type.names(found.policy_type),
            "mx_host": facts.mx.names(found.mx),
            "result_type": facts.result_type.names(found.result_type),
        }
    )
    for index, name in enumerate(("before", "after")):
        frame[f"failed_{name}"] = counts(found.failed[index])
        frame[f"sessions_{name}"] = counts(found.sessions[index])
        for part in ("share", "low", "high"):
            values = [getattr(share, part) for share in found.shares[index]]
            column = name if part == "share" else f"{name}_{part}"
            frame[column] = pd.Series(values, dtype="Float64")
    frame["change"] = pd.Series(
        [_change(found, group) for group in range(len(found.domain))], dtype="str"
    )
    difference = (frame["after"].fillna(0) - frame["before"].fillna(0)).abs()
    order = difference.sort_values(ascending=False, kind="stable").index
    frame = frame.loc[order].reset_index(drop=True)
    frame.attrs["before"] = f"{dates([at - days])[0]:%Y-%m-%d} to {dates([at - 1])[0]:%Y-%m-%d}"
    frame.attrs["after"] = f"{first} to {dates([at + days - 1])[0]:%Y-%m-%d}"
    return frame


@dataclass(frozen=True, eq=False)
class _Sides:
    """Kinds of failure by their codes, and both sides of each; a cluster is the day of a sender."""

    domain: npt.NDArray[np.int64]
    policy_type: npt.NDArray[np.int64]
    mx: npt.NDArray[np.int64]
    result_type: npt.NDArray[np.int64]
    failed: list[npt.NDArray[Any]]
    sessions: list[npt.NDArray[Any]]
    shares: list[list[Share]]


def _sides(
    facts: Facts, rows: npt.NDArray[Any], side: npt.NDArray[np.int64], details: npt.NDArray[Any]
) -> _Sides:
    kinds = grouped(
        (facts.domain.codes[rows], len(facts.domain.words)),
        (facts.policy_type.codes[rows], len(facts.policy_type.words)),
    )
    day = facts.day[rows] - int(facts.day[rows].min())
    clusters = grouped(
        (2 * kinds.place + side, 2 * kinds.size),
        (facts.policy_sender[rows], len(facts.sender.words)),
        (day, int(day.max()) + 1),
    )
    whole = totals(clusters.place, facts.failed[rows], clusters.size)
    whole = whole + totals(clusters.place, facts.successful[rows], clusters.size)
    s, of_kind = whole.astype(np.float64), clusters.codes[0]

    cluster_of = np.zeros(len(facts.day), dtype=np.int64)
    cluster_of[rows] = clusters.place
    at = cluster_of[facts.of[details]]
    groups = grouped(
        (of_kind[at] // 2, kinds.size),
        (facts.mx.codes[details], len(facts.mx.words)),
        (facts.result_type.codes[details], len(facts.result_type.words)),
    )
    # Few clusters of a kind hold a failure of a group: only these are walked, the others are in the sums.
    cells = grouped((groups.place, groups.size), (at, clusters.size))
    lost = totals(cells.place, facts.sessions[details], cells.size)
    group, cluster = cells.codes
    of_side = of_kind[cluster] % 2
    f, own = lost.astype(np.float64), s[cluster]
    more = np.maximum(own, f)  # details may pass the summary (RFC 8460 §4)

    sides: list[tuple[Any, Any, list[Share]]] = []
    for number in (0, 1):
        here = of_side == number
        kind = 2 * groups.codes[0] + number

        def of_group(values: Any, here: Mask = here) -> Any:
            return np.bincount(group[here], weights=values[here], minlength=groups.size)

        def of_all(values: Any, kind: Any = kind) -> Any:
            return np.bincount(of_kind, weights=values, minlength=2 * kinds.size)[kind]

        shares = from_sums(
            (of_all(s > 0) + of_group((own == 0) & (more > 0))).astype(np.int64),
            of_all(s) + of_group(more - own),
            of_group(f),
            of_all(s * s) + of_group(more * more - own * own),
            of_group(f * more),
            of_group(f * f),
        )
        failed = totals(group[here], lost[here], groups.size)
        sides.append((failed, totals(of_kind, whole, 2 * kinds.size)[kind], shares))
    return _Sides(
        kinds.codes[0][groups.codes[0]],
        kinds.codes[1][groups.codes[0]],
        groups.codes[1],
        groups.codes[2],
        *(list(part) for part in zip(*sides, strict=True)),
    )


def _change(found: _Sides, group: int) -> str:
    failed_before, failed_after = (failed[group] for failed in found.failed)
    before, after = (share[group] for share in found.shares)
    direction = differ(before, after, *(float(sessions[group]) for sessions in found.sessions))
    if direction is None:
        return "not enough evidence"
    if direction < 0:
        return "fell" if failed_after else "gone"
    if direction > 0:
        return "rose" if failed_before else "new"
    return "no clear change"
