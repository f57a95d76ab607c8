"""How sessions and failures go over time, and on which day that changed."""

from math import log10
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from mtasts_analysis import arguments
from mtasts_analysis.analysis.facts import (
    Column,
    Counts,
    Data,
    Facts,
    Mask,
    counts,
    dates,
    facts_of,
    grouped,
    number,
    share,
    total,
    totals,
)
from mtasts_analysis.analysis.filters import EVERYTHING, Filter

Period = Literal["day", "week", "month"]

_Series = npt.NDArray[np.float64]

FEWEST_DAYS = 2
"""Days that either side of a change must have, and days with failures that its higher side must have."""

LEAST_EVIDENCE = 30.0
"""How far (twice the log-likelihood, over the series' own dispersion) two shares must beat one."""

LEAST_SHARE = 0.001
"""The higher of two shares must reach this: a change below one session in 1,000 is no news."""

MOST_SERIES = 200
"""Series that are looked at, those with the most failed sessions first."""

LEAST_RATIO = 3.0
"""The higher share must be this many times the lower."""


def over_time(
    data: Data, where: Filter = EVERYTHING, by: Period = "day", split: str | None = None
) -> pd.DataFrame:
    """Answer: how many sessions, and what share of them failed, in each day, week or month?

    A report counts in the period that holds it whole. One that spans several (over 25 hours, when
    counting by day) is left out, never spread; `left_out` says how many such there were.

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at; sessions under `tlsa` only if its policy types name them.
    by
        `day`, `week` (from Monday) or `month`, all in UTC.
    split
        Nothing, or `sender`, `domain`, `policy_type` or `mode`: a row for each of them in each period.

    Returns
    -------
    pandas.DataFrame
        `period` (its first midnight, UTC), the column of `split`, `results` (policy results),
        `sessions`, `successful`, `failed`, `failure_share` (0 to 1), `left_out` (results). Without a
        split, a period without any result is a row whose counts are null: a gap is not zero.
        `frame.attrs["left_out_sessions"]` is how many sessions the results left out have.

    Raises
    ------
    InputError
        An unknown period or split.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.over_time(data, ma.Filter(domains="bakery.example"), by="month")
    >>> [f"{period:%Y-%m}" for period in found["period"]]
    ['2026-02', '2026-03', '2026-04', '2026-05']
    """
    facts = facts_of(data)
    columns = {
        "sender": Column(facts.policy_sender, facts.sender.words),
        "domain": facts.domain,
        "policy_type": facts.policy_type,
        "mode": facts.mode,
    }
    if split is not None:
        arguments.one_of("split", split, columns)
    column = None if split is None else columns[split]
    rows = np.flatnonzero(facts.sessions_where(where) & facts.dated)
    period, whole = _periods(facts, rows, by)
    days, low = _from_zero(period)
    by_column = () if column is None else ((column.codes[rows], len(column.words)),)
    groups = grouped(days, *by_column)
    failed, successful = facts.failed[rows], facts.successful[rows]
    every = number(groups.place, facts.results, rows, groups.size)
    results = every
    left_out = total(failed[~whole]) + total(successful[~whole])
    if not whole.all():
        failed[~whole] = successful[~whole] = 0
        results = number(groups.place[whole], facts.results, rows[whole], groups.size)
    failed = totals(groups.place, failed, groups.size)
    successful = totals(groups.place, successful, groups.size)
    frame = pd.DataFrame(
        {
            "period": dates(groups.codes[0] + low),
            **({} if column is None else {str(split): column.names(groups.codes[1])}),
            "results": counts(results),
            "sessions": counts(failed + successful),
            "successful": counts(successful),
            "failed": counts(failed),
            "failure_share": pd.Series(share(failed, failed + successful)).astype("Float64"),
            "left_out": counts(every - results),
        }
    )
    none = frame["results"] == 0
    frame.loc[none, ["sessions", "successful", "failed"]] = pd.NA
    frame = frame if column is not None else _with_gaps(frame, by)
    frame.attrs |= {"by": by, "left_out_sessions": left_out}
    return frame


def failures_over_time(
    data: Data, where: Filter = EVERYTHING, by: Period = "day", split: str = "result_type"
) -> pd.DataFrame:
    """Answer: which failures, in each day, week or month?

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at.
    by
        `day`, `week` or `month`, UTC.
    split
        `result_type`, `effect` or `mx_host`.

    Returns
    -------
    pandas.DataFrame
        `period`, the column of `split`, `failures` (details), `sessions` (their failed sessions). Only
        what occurs has a row; details of reports that no one period holds are left out. A period
        without a row had no such failure, or no report: `frame.attrs["reported"]` lists the periods
        of which there are reports, as ISO dates, and `frame.attrs["left_out_sessions"]` is how many
        failed sessions the details left out have.

    Raises
    ------
    InputError
        An unknown period or split.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.failures_over_time(data, ma.Filter(domains="harbour.example"), by="month")
    >>> found.groupby("result_type")["sessions"].sum().to_dict()
    {'dns-error': 6, 'validation-failure': 3}
    """
    facts = facts_of(data)
    columns = {"result_type": facts.result_type, "effect": facts.effect, "mx_host": facts.mx}
    arguments.one_of("split", split, columns)
    column = columns[split]
    policies = facts.policies_where(where) & facts.dated
    details = np.flatnonzero(facts.failures_where(where, policies))
    period, whole = _periods(facts, facts.of[details], by)
    left_out = total(facts.sessions[details[~whole]])
    details, period = details[whole], period[whole]
    days, low = _from_zero(period)
    groups = grouped(days, (column.codes[details], len(column.words)))
    frame = pd.DataFrame(
        {
            "period": dates(groups.codes[0] + low),
            split: column.names(groups.codes[1]),
            "failures": counts(number(groups.place, facts.details, details, groups.size)),
            "sessions": counts(totals(groups.place, facts.sessions[details], groups.size)),
        }
    )
    frame.attrs |= {
        "by": by,
        "left_out_sessions": left_out,
        "reported": [f"{day:%Y-%m-%d}" for day in dates(_reported(facts, policies, by))],
    }
    return frame


def _reported(facts: Facts, policies: Mask, by: str) -> npt.NDArray[Any]:
    """Give the periods of which there are reports that they hold whole."""
    first, last = facts.span()
    there = np.zeros(last - first + 1, dtype=bool)
    there[facts.day[policies & ~facts.long] - first] = True
    long = np.flatnonzero(policies & facts.long)
    period, whole = _periods(facts, long, by)
    return np.unique(np.r_[_start(np.flatnonzero(there) + first, by), period[whole]])


def change_points(data: Data, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Answer: on which day did a kind of failure begin, stop, or change?

    The rule: for each domain, policy type, MX host and result type, the daily share of failed sessions
    is split in two where two shares explain it best, and again within each part. A cut stays if it beats
    one share by :data:`LEAST_EVIDENCE` (twice the log-likelihood ratio, divided by how much more the
    days scatter than coin tosses would), the higher share reaches 0.1 % and is three times the lower,
    and the change is not a single day's. The :data:`MOST_SERIES` with the most failed sessions are read.

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at.

    Returns
    -------
    pandas.DataFrame
        A row for each change, the latest first: `day` (UTC, the first of the new share), `domain`,
        `policy_type`, `mx_host`, `result_type`, `change` (`rise` or `fall`), `before`, `after` (shares
        of the sessions of that domain and policy type), `failed_before`, `failed_after` (sessions),
        `first_day`, `last_day` (of the two parts compared), `text` (a sentence).
        `Filter.of(row)` chooses the evidence.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.change_points(data, ma.Filter(domains="clinic.example", mx_hosts="mx2.clinic.example"))
    >>> for text in found["text"]:
    ...     print(text)  # doctest: +ELLIPSIS
    certificate-expired at mx2.clinic.example fell on 2026-03-17 from 30% to 0%...
    certificate-expired at mx2.clinic.example rose on 2026-03-12 from 0% to 30%...
    """
    facts = facts_of(data)
    policies = facts.policies_where(where) & facts.dated & ~facts.long
    base = np.flatnonzero(policies)
    (day, size), first = _from_zero(facts.day[base])
    kinds = grouped(
        (facts.domain.codes[base], len(facts.domain.words)),
        (facts.policy_type.codes[base], len(facts.policy_type.words)),
    )
    at = kinds.place * size + day
    sessions = sum(
        np.bincount(at, weights=count[base], minlength=kinds.size * size)
        for count in (facts.failed, facts.successful)
    )
    sessions = np.asarray(sessions).reshape(kinds.size, size)
    place_of = np.zeros(len(policies), dtype=np.int64)
    place_of[base] = kinds.place

    rows = np.flatnonzero(facts.failures_where(where, policies))
    of = facts.of[rows]
    series = grouped(
        (place_of[of], kinds.size),
        (facts.mx.codes[rows], len(facts.mx.words)),
        (facts.result_type.codes[rows], len(facts.result_type.words)),
    )
    weight = np.bincount(series.place, weights=facts.sessions[rows], minlength=series.size)
    read = np.sort(np.argsort(-weight, kind="stable")[:MOST_SERIES])
    line = np.full(series.size, -1)
    line[read] = np.arange(len(read))
    mine = line[series.place]
    counted = totals(
        mine[mine >= 0] * size + facts.day[of[mine >= 0]] - first,
        facts.sessions[rows[mine >= 0]],
        len(read) * size,
    ).reshape(len(read), size)
    failed = counted.astype(np.float64)
    found: list[dict[str, Any]] = []
    for kind in range(kinds.size):
        days = np.flatnonzero(sessions[kind])
        lines = np.flatnonzero(series.codes[0][read] == kind)
        f = failed[np.ix_(lines, days)]
        s = np.maximum(sessions[kind, days], f)
        for at_line in np.flatnonzero(_may_change(f, s)).tolist():
            number = read[lines[at_line]]
            own = counted[lines[at_line], days]
            found += [
                {
                    "day": days[cut] + first,
                    "domain": int(kinds.codes[0][kind]),
                    "policy_type": int(kinds.codes[1][kind]),
                    "mx_host": int(series.codes[1][number]),
                    "result_type": int(series.codes[2][number]),
                    "before": f[at_line, low:cut].sum() / s[at_line, low:cut].sum(),
                    "after": f[at_line, cut:high].sum() / s[at_line, cut:high].sum(),
                    "failed_before": total(own[low:cut]),
                    "failed_after": total(own[cut:high]),
                    "first_day": days[low] + first,
                    "last_day": days[high - 1] + first,
                }
                for low, cut, high in _parts(changes(f[at_line], s[at_line]), len(days))
            ]
    return _changes_frame(facts, found)


def _changes_frame(facts: Facts, rows: list[dict[str, Any]]) -> pd.DataFrame:
    def column(name: str) -> list[Any]:
        return [row[name] for row in rows]

    frame = pd.DataFrame(
        {
            "day": dates(column("day")),
            "domain": facts.domain.names(column("domain")),
            "policy_type": facts.policy_type.names(column("policy_type")),
            "mx_host": facts.mx.names(column("mx_host")),
            "result_type": facts.result_type.names(column("result_type")),
            "before": pd.Series(column("before"), dtype="Float64"),
            "after": pd.Series(column("after"), dtype="Float64"),
            "failed_before": counts(np.array(column("failed_before"), dtype=object)),
            "failed_after": counts(np.array(column("failed_after"), dtype=object)),
            "first_day": dates(column("first_day")),
            "last_day": dates(column("last_day")),
        }
    )
    frame.insert(
        5,
        "change",
        (frame["after"] > frame["before"]).map({True: "rise", False: "fall"}).astype("str"),
    )
    frame["text"] = pd.Series(
        [
            f"{failure(row.result_type, row.mx_host)}"
            f" {'rose' if row.change == 'rise' else 'fell'} on {row.day:%Y-%m-%d}"
            f" from {_percent(row.before)} to {_percent(row.after)} of the sessions of"
            f" {_or(row.domain, 'a domain not named')}{_under(row.policy_type)}"
            for row in frame.itertuples()
        ],
        dtype="str",
    )
    return frame.sort_values("day", ascending=False, kind="stable", ignore_index=True)


def failure(result_type: object, mx_host: object) -> str:
    """Name a kind of failure, with the MX host where it names one: no report of a policy's failure does.

    Examples
    --------
    >>> failure("certificate-expired", "mx1.example.com"), failure("sts-policy-fetch-error", None)
    ('certificate-expired at mx1.example.com', 'sts-policy-fetch-error (no MX named)')
    """
    where = f"at {mx_host}" if isinstance(mx_host, str) else "(no MX named)"
    return f"{_or(result_type, 'a type not named')} {where}"


def _under(policy_type: object) -> str:
    """Say under which kind of policy sessions were.

    Examples
    --------
    >>> _under("sts"), _under("no-policy-found"), _under("other"), _under(None)
    (' under MTA-STS', ' without a policy', ' under other', '')
    """
    words = {"sts": " under MTA-STS", "tlsa": " under DANE", "no-policy-found": " without a policy"}
    said = _or(policy_type, "")
    return words.get(said, f" under {said}" if said else "")


def _parts(cuts: list[int], size: int) -> list[tuple[int, int, int]]:
    bounds = [0, *cuts, size]
    return list(zip(bounds, bounds[1:], bounds[2:], strict=False))


def _may_change(f: _Series, s: _Series) -> Mask:
    """Mark the series, one a row, that a first cut would split: the others need no closer look."""
    if f.shape[1] < 2 * FEWEST_DAYS:
        return np.zeros(len(f), dtype=bool)
    before_f, before_s = (x.cumsum(axis=1)[:, FEWEST_DAYS - 1 : -FEWEST_DAYS] for x in (f, s))
    all_f, all_s = f.sum(axis=1, keepdims=True), s.sum(axis=1, keepdims=True)
    two = _likelihood(before_f, before_s) + _likelihood(all_f - before_f, all_s - before_s)
    gain = 2 * (two - _likelihood(all_f, all_s)).max(axis=1)
    found: Mask = gain >= LEAST_EVIDENCE
    for at in np.flatnonzero(found).tolist():
        found[at] = gain[at] >= _least(f[at], s[at])
    return found


def _least(failed: _Series, sessions: _Series) -> float:
    """Give the evidence by which two shares must beat one for a series to be split at first.

    A quarter of what is asked for in the end: a short outage in a long series shows only once it is cut
    at both of its ends.
    """
    scatter = _dispersion(failed, sessions, [0, len(failed)])
    return LEAST_EVIDENCE * max(1.0, scatter / 4)


def changes(failed: _Series, sessions: _Series) -> list[int]:
    """Find where a series of daily shares changes, by the rule that :func:`change_points` states.

    Examples
    --------
    >>> changes(np.array([0.0] * 20 + [30.0] * 5 + [0.0] * 20), np.full(45, 100.0))
    [20, 25]
    """
    f, s = np.concatenate([[0], failed.cumsum()]), np.concatenate([[0], sessions.cumsum()])
    seen = np.concatenate([[0], (failed > 0).cumsum()])
    least = _least(failed, sessions)

    def evidence(low: int, at: Any, high: int) -> Any:
        two = _likelihood(f[at] - f[low], s[at] - s[low])
        two = two + _likelihood(f[high] - f[at], s[high] - s[at])
        return 2 * (two - _likelihood(f[high] - f[low], s[high] - s[low]))

    def cut(low: int, high: int) -> list[int]:
        at = np.arange(low + FEWEST_DAYS, high - FEWEST_DAYS + 1)
        if not len(at):
            return []
        gain = evidence(low, at, high)
        middle = int(at[gain.argmax()])
        if gain.max() < least:
            return []
        return [*cut(low, middle), middle, *cut(middle, high)]

    bounds = [0, *cut(0, len(failed)), len(failed)]
    dispersion = _dispersion(failed, sessions, bounds)

    def strength(at: int) -> float:
        part = bounds[at - 1], bounds[at], bounds[at + 1]
        return float(evidence(*part)) / dispersion if _matters(f, s, seen, *part) else 0.0

    # What scatters more than that is joined again, the weakest cut first.
    strengths = [strength(at) for at in range(1, len(bounds) - 1)]
    while strengths and min(strengths) < LEAST_EVIDENCE:
        weakest = strengths.index(min(strengths)) + 1
        del bounds[weakest], strengths[weakest - 1]
        for at in (weakest - 1, weakest):
            if 1 <= at <= len(strengths):
                strengths[at - 1] = strength(at)
    return bounds[1:-1]


def _matters(f: Any, s: Any, seen: Any, low: int, cut: int, high: int) -> bool:
    one, two = ((f[b] - f[a]) / max(s[b] - s[a], 1) for a, b in ((low, cut), (cut, high)))
    top, bottom = max(one, two), min(one, two)
    days = seen[cut] - seen[low] if one > two else seen[high] - seen[cut]
    return bool(top >= LEAST_SHARE and top >= LEAST_RATIO * bottom and days >= FEWEST_DAYS)


def _likelihood(failed: Any, sessions: Any) -> Any:
    """Give the log-likelihood of failures at their own share."""
    passed = sessions - failed
    # log(max(x, 1)) stands for log(x): where x is 0, its factor is.
    found = failed * np.log(np.maximum(failed, 1)) + passed * np.log(np.maximum(passed, 1))
    return found - sessions * np.log(np.maximum(sessions, 1))


def _dispersion(failed: _Series, sessions: _Series, bounds: list[int]) -> float:
    """Give how much more neighbouring days of a part differ than coin tosses would; at least 1.

    The squared differences' median, which few odd days do not move, over that of χ² with one degree of
    freedom (0.4549). Differences across a cut do not count: there the share may really have changed.
    """
    there = np.flatnonzero(sessions > 0)
    f, s = failed[there], sessions[there]
    pooled = (f[1:] + f[:-1]) / (s[1:] + s[:-1])
    variance = pooled * (1 - pooled) * (1 / s[1:] + 1 / s[:-1])
    part = np.searchsorted(bounds, there, side="right")
    some = (variance > 0) & (part[1:] == part[:-1])
    if not some.any():
        return 1.0
    squares = (f[1:] / s[1:] - f[:-1] / s[:-1])[some] ** 2 / variance[some]
    # Two or three differences are no measure of scatter: they weigh against ten days of coin tosses.
    found = max(1.0, float(np.median(squares)) / 0.4549)
    return (found * len(squares) + _TOSSES) / (len(squares) + _TOSSES)


_TOSSES = 10


def _percent(value: Any) -> str:
    digits = 0 if value == 0 or value >= 0.1 else max(1, 1 - round(log10(value)) - 2)
    return f"{value:.{min(digits, 4)}%}"


def _or(value: Any, otherwise: str) -> str:
    return value if isinstance(value, str) else otherwise


def _start(days: npt.NDArray[Any], by: str) -> Counts:
    arguments.one_of("by", by, get_args(Period))
    if by == "day":
        return days.astype(np.int64)
    if by == "week":  # 1970-01-01 was a Thursday
        return (days.astype(np.int64) + 3) // 7 * 7 - 3
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)


def _periods(facts: Facts, rows: npt.NDArray[Any], by: str) -> tuple[Counts, Mask]:
    """Give the period of each of some policy results, and whether it holds the report whole."""
    first = _start(facts.day[rows], by)
    whole = ~facts.long[rows]
    long = np.flatnonzero(~whole)
    whole[long] = first[long] == _start(facts.report_last[facts.report[rows[long]]], by)
    return first, whole


def _from_zero(days: npt.NDArray[Any]) -> tuple[tuple[npt.NDArray[Any], int], int]:
    """Give days as codes with their size, and the day that is zero."""
    if not len(days):
        return (days, 1), 0
    low = int(days.min())
    return (days - low, int(days.max()) - low + 1), low


def _with_gaps(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    if frame.empty:
        return frame
    step = {"day": "D", "week": "W-MON", "month": "MS"}[by]
    every = pd.date_range(
        frame["period"].min(), frame["period"].max(), freq=step, name="period", unit="us"
    )
    whole = frame.set_index("period").reindex(every)
    for name in ("results", "left_out"):
        whole[name] = whole[name].fillna(0)
    return whole.reset_index()
