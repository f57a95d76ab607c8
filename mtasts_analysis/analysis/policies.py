"""Which policy each sender saw, day by day."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mtasts_analysis.analysis.facts import (
    NEVER,
    NONE,
    Data,
    Facts,
    counts,
    dates,
    facts_of,
    grouped,
    number,
    totals,
)
from mtasts_analysis.analysis.filters import EVERYTHING, Filter


def policy_history(data: Data, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Answer: which policy did each sender see, from when to when, and is one still on an old one?

    A sender caches a policy for its max_age (RFC 8461 §3.3), and some for longer. So of two policies that
    were first seen on one day neither is known to be the older one, whoever saw them: each may have been
    cached before. The one that is still seen more than the other's max_age after the other was last seen
    is the newer: by then no cache may hold the other.

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at; only results under `sts` with a policy in them count.

    Returns
    -------
    pandas.DataFrame
        A row for each unbroken run of days on which a sender reported one policy of a domain: `domain`,
        `sender`, `policy` (P1, P2 ... in the order in which a domain's policies were first seen; those of
        one day by their last day, then by what they say),
        `mode`, `max_age` (seconds), `mx_patterns` (joined by commas), `first_day`, `last_day` (UTC, on
        which the first and the last report began), `results`, `sessions`, `stale` (the run began no
        later than a newer policy was first seen, went on for more than its own max_age after that, and the newer
        one was still seen then; false where no max_age is told), `stale_from` (the first day of the run
        that was past its max_age; null where it is not stale). `Filter.of(row)` chooses the domain's,
        sender's and mode's rows of those days.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.policy_history(data, ma.Filter(domains="bakery.example"))
    >>> found.loc[found["stale"], ["policy", "mode"]].drop_duplicates().values.tolist()
    [['P1', 'testing']]
    """
    facts = facts_of(data)
    mask = facts.policies_where(where) & facts.dated & (facts.policy.codes != NONE)
    mask &= facts.policy_type.codes == facts.policy_type.code("sts")
    # A max_age that no report tells is not nought: NaN makes no run stale.
    ages = np.ceil(np.array([policy.max_age for policy in facts.seen], dtype=np.float64) / 86_400)
    runs = _runs(facts, np.flatnonzero(mask), ages)
    own = [facts.seen[code] for code in runs.policy.tolist()]
    age = ages[runs.policy]
    patterns = [", ".join(p.mx_patterns) if p.mx_patterns is not None else None for p in own]
    # A policy that came back, as after a roll-back, is no old one: its run begins after the newer one's.
    stale = (runs.first <= runs.newer_first) & (runs.last > runs.newer_first + age)
    stale &= runs.newer_last >= runs.last - age
    past = np.where(stale, np.maximum(runs.first, runs.newer_first + age + 1), 0)
    result = pd.DataFrame(
        {
            "domain": facts.domain.names(runs.domain),
            "sender": facts.sender.names(runs.sender),
            "policy": pd.Series([f"P{number}" for number in runs.number.tolist()], dtype="str"),
            "mode": pd.Series([policy.mode for policy in own], dtype="str"),
            "max_age": pd.Series([policy.max_age for policy in own], dtype="Int64"),
            "mx_patterns": pd.Series(patterns, dtype="str"),
            "first_day": dates(runs.first),
            "last_day": dates(runs.last),
            "results": counts(runs.results),
            "sessions": counts(runs.sessions),
            "stale": stale,
            "stale_from": dates(past.astype(np.int64)).where(stale),
        }
    )
    order = np.lexsort((runs.number, runs.first))
    return result.iloc[order].sort_values(["domain", "sender"], kind="stable", ignore_index=True)


_Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Runs:
    """Unbroken runs of days on which a sender reported one policy of a domain.

    `number` is the policy's place in the order in which the domain's were first seen; `newer_first` and
    `newer_last` are the days on which a newer one was first and last seen, after all days if never.
    """

    domain: _Whole
    sender: _Whole
    policy: _Whole
    number: _Whole
    first: _Whole
    last: _Whole
    newer_first: _Whole
    newer_last: _Whole
    results: npt.NDArray[Any]
    sessions: npt.NDArray[Any]


def _runs(facts: Facts, rows: npt.NDArray[Any], ages: npt.NDArray[np.float64]) -> _Runs:
    # A policy's rank among its domain's is a small number: so the cells below can be counted, not sorted.
    pairs = grouped(
        (facts.domain.codes[rows], len(facts.domain.words)),
        (facts.policy.codes[rows], len(facts.policy.words)),
    )
    pair_domain, policy = pairs.codes
    rank = np.arange(pairs.size) - np.searchsorted(pair_domain, pair_domain)
    first_pair = np.arange(pairs.size) - rank
    start, end = facts.span()
    cells = grouped(
        (first_pair[pairs.place], pairs.size),
        (facts.policy_sender[rows], len(facts.sender.words)),
        (facts.day[rows] - start, end - start + 1),
        (rank[pairs.place], int(rank.max(initial=0)) + 1),
    )
    at_pair, sender, cell_day = (
        cells.codes[0] + cells.codes[3],
        cells.codes[1],
        cells.codes[2] + start,
    )
    failed, successful = (
        totals(cells.place, count[rows], cells.size) for count in (facts.failed, facts.successful)
    )
    results = number(cells.place, facts.results, rows, cells.size)

    seen_first, seen_last = np.full(pairs.size, NEVER), np.full(pairs.size, -NEVER)
    np.minimum.at(seen_first, at_pair, cell_day)
    np.maximum.at(seen_last, at_pair, cell_day)
    numbers, newer_first, newer_last = _in_order(
        pair_domain, policy, seen_first, seen_last, seen_last + ages[policy]
    )

    begins = np.ones(cells.size, dtype=bool)
    begins[1:] = (at_pair[1:] != at_pair[:-1]) | (sender[1:] != sender[:-1])
    run = np.cumsum(begins) - 1
    at = np.flatnonzero(begins)
    ends = np.r_[at[1:], cells.size][: len(at)] - 1
    pair = at_pair[at]
    return _Runs(
        pair_domain[pair],
        sender[at],
        policy[pair],
        numbers[pair],
        cell_day[at],
        cell_day[ends],
        newer_first[pair],
        newer_last[pair],
        totals(run, results, len(at)),
        totals(run, failed, len(at)) + totals(run, successful, len(at)),
    )


def _in_order(
    domain: _Whole, policy: _Whole, first: _Whole, last: _Whole, until: npt.NDArray[np.float64]
) -> tuple[_Whole, _Whole, _Whole]:
    """Number each domain's policies by their first day; give when a newer one was first and last seen.

    `until` is the day to which a cache may hold a policy that was fetched on its last day. Codes of
    policies are in the order of what they say.
    """
    order = np.lexsort((policy, last, first, domain))
    numbers = np.zeros(len(order), dtype=np.int64)
    numbers[order] = np.arange(len(order)) - np.searchsorted(domain[order], domain[order]) + 1
    newer_first, newer_last = np.full(len(order), NEVER), np.full(len(order), -NEVER)
    later = NEVER, -NEVER  # when policies of later first days were first and last seen
    top = -NEVER  # the last day of those of the same first day
    after = -1
    for at in order[::-1].tolist():
        if after < 0 or domain[at] != domain[after]:
            later, top = (NEVER, -NEVER), -NEVER
        elif first[at] != first[after]:
            later, top = (int(first[after]), max(later[1], top)), -NEVER
        newer_first[at], newer_last[at] = later
        if top > until[at]:
            newer_first[at], newer_last[at] = first[at], max(later[1], top)
        top, after = max(top, int(last[at])), at
    return numbers, newer_first, newer_last
