"""What if the policy had said `enforce`? The reports, replayed; sessions, never messages.

A refused session's mail may still arrive by another MX, or on a retry (RFC 8461 §5.1). What is counted is a
census of what was reported; the interval is a forecast, and resamples by sender and by day, for failures
cluster by both.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mtasts_analysis.analysis.effects import LATENT, REFUSED, UNKNOWN
from mtasts_analysis.analysis.facts import Data, counts, dates, grouped, totals
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.intervals import Share, effective_sample, interval
from mtasts_analysis.checks.policy import Policy, read_policy
from mtasts_analysis.errors import InputError
from mtasts_analysis.names import mx_matches
from mtasts_analysis.readiness.config import ReadinessConfig

FEWEST = 7
"""Sender-days under which no forecast is made."""

_Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Impact:
    """A replay under `enforce`.

    Attributes
    ----------
    where : Filter
        The sessions that were replayed.
    policy : Policy or None
        The draft that was replayed; None for the policies that senders saw.
    sessions : int
        Sessions under `sts` in reports of a day; DANE (`tlsa`) stands apart and is no evidence.
    refused : int
        Of them, those that would have been refused.
    cautious : int
        With unknown types and failures that no detail explains.
    latent : int
        Failed sessions of senders that found no policy: refused once they honour one. Not in `sessions`.
    already : int
        Of the refused, those under a policy that said `enforce` already.
    forecast : Share
        The refused share (cautious) with its 95 % interval; None bounds on too few sender-days.
    sender_days : int
        How many days of a sender the forecast rests on.
    daily : pandas.DataFrame
        `day`, `sender`, `sessions`, `refused`, `cautious`.
    details : pandas.DataFrame
        A row for each MX host and result type that is refused or unknown: `mx_host`, `result_type`,
        `effect`, `sessions`, `senders`, `in_policy` (of the policy replayed).
    """

    where: Filter
    policy: Policy | None
    sessions: int
    refused: int
    cautious: int
    latent: int
    already: int
    forecast: Share
    sender_days: int
    daily: pd.DataFrame = field(repr=False)
    details: pd.DataFrame = field(repr=False)

    @cached_property
    def by_day(self) -> pd.DataFrame:
        """The replay by day."""
        return self._by("day")

    @cached_property
    def by_sender(self) -> pd.DataFrame:
        """The replay by sender, the most refused first."""
        return self._by("sender").sort_values("cautious", ascending=False, ignore_index=True)

    def _by(self, name: str) -> pd.DataFrame:
        columns = ["sessions", "refused", "cautious"]
        return self.daily.groupby(name, as_index=False, dropna=False)[columns].sum()

    @property
    def share(self) -> float | None:
        """The refused share of the sessions seen: a census."""
        return self.refused / self.sessions if self.sessions else None


def replay(
    data: Data,
    where: Filter,
    policy: Policy | str | None = None,
    config: ReadinessConfig | None = None,
) -> Impact:
    """Replay the reports as if the policy had said `enforce`.

    Parameters
    ----------
    data
        A loaded archive.
    where
        Which sessions: a domain, as a rule, and days.
    policy
        A draft, as text or as a policy, in place of those that senders saw. A failure at an MX that it does
        not list is refused whatever its type (RFC 8461 §4.1); a failure at an MX that only the draft lists
        is unknown, for its own certificate was not judged. Reports name an MX only where a session failed:
        sessions that succeeded at a host that the draft leaves out are not in the figure.
    config
        The forecast's resamples and seed.

    Returns
    -------
    Impact
        Figures, forecast and the rows behind them.

    Raises
    ------
    InputError
        The draft is no valid policy.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.replay(data, ma.Filter(domains="clinic.example", start="2026-03-12", end="2026-03-16"))
    >>> found.sessions, found.refused
    (3351, 996)
    """
    config = config or ReadinessConfig()
    draft = _policy(policy)
    facts = data.facts
    base = facts.policies_where(where) & facts.dated & ~facts.long
    latent_rows = facts.failures_where(where) & (facts.effect.codes == facts.effect.code(LATENT))
    sts = base & (facts.policy_type.codes == facts.policy_type.code("sts"))
    own = np.flatnonzero(facts.failures_where(where, sts))
    refused = facts.effect.codes[own] == facts.effect.code(REFUSED)
    unknown = facts.effect.codes[own] == facts.effect.code(UNKNOWN)
    listed = facts.in_policy[own]
    if draft is not None:
        matches = np.array(
            [any(mx_matches(host, pattern) for pattern in draft.mx) for host in facts.mx.words]
            + [False]
        )
        named = facts.mx.codes[own] >= 0
        listed = np.where(named, matches[facts.mx.codes[own]], -1)
        cured = refused & (listed == 1) & (facts.in_policy[own] == 0)
        refused = (refused & ~cured) | (named & (listed == 0))
        unknown = (unknown & ~refused) | cured
    of = facts.of[own]
    size = len(facts.day)
    by_result = totals(of[refused], facts.sessions[own[refused]], size).astype(np.float64)
    unsure = totals(of[unknown], facts.sessions[own[unknown]], size).astype(np.float64)
    failed = facts.failed.astype(np.float64)
    # Details may count a session twice (RFC 8460 §4): no more are refused than failed.
    certain = np.minimum(by_result, np.maximum(failed, 0))[sts]
    unexplained = np.maximum(failed - facts.detailed, 0)
    cautious = (by_result + unsure + unexplained)[sts]
    sessions = (failed + facts.successful)[sts]
    cautious = np.minimum(cautious, np.maximum(sessions, certain))
    enforced = facts.mode.codes[sts] == facts.mode.code("enforce")

    days = facts.day[sts]
    low = int(days.min(initial=0)) if len(days) else 0
    span = int(days.max(initial=low)) - low + 1 if len(days) else 1
    groups = grouped((facts.policy_sender[sts], len(facts.sender.words)), (days - low, span))

    def by_cell(values: _Array) -> _Array:
        return np.bincount(groups.place, weights=values, minlength=groups.size)

    s, r, c = by_cell(sessions), by_cell(certain), by_cell(cautious)
    daily = pd.DataFrame(
        {
            "day": dates(groups.codes[1] + low),
            "sender": facts.sender.names(groups.codes[0]),
            "sessions": counts(s.round().astype(np.int64)),
            "refused": counts(r.round().astype(np.int64)),
            "cautious": counts(c.round().astype(np.int64)),
        }
    )
    forecast = _forecast(groups.codes[0], groups.codes[1], s, c, config)
    return Impact(
        where=where,
        policy=draft,
        sessions=int(s.sum()),
        refused=int(r.sum()),
        cautious=int(c.sum()),
        latent=int(facts.sessions[latent_rows].sum()),
        already=int(certain[enforced].sum()),
        forecast=forecast,
        sender_days=int((s > 0).sum()),
        daily=daily,
        details=_details(data, own, refused, unknown, listed),
    )


def _policy(given: Policy | str | None) -> Policy | None:
    if given is None or isinstance(given, Policy):
        return given
    policy, findings = read_policy(given, "the draft")
    if policy is None:
        raise InputError(
            "expected a valid policy file (RFC 8461 §3.2); "
            + "; ".join(f.evidence for f in findings if f.severity == "error")
        )
    return policy


def _details(
    data: Data, own: _Array, refused: _Array, unknown: _Array, listed: _Array
) -> pd.DataFrame:
    facts = data.facts
    kept = refused | unknown
    rows = own[kept]
    effect = np.where(refused[kept], 0, 1)
    groups = grouped(
        (facts.mx.codes[rows], len(facts.mx.words)),
        (facts.result_type.codes[rows], len(facts.result_type.words)),
        (effect, 2),
        (listed[kept].astype(np.int64), 2),
    )
    senders = grouped(
        (groups.place, groups.size), (facts.policy_sender[facts.of[rows]], len(facts.sender.words))
    )
    frame = pd.DataFrame(
        {
            "mx_host": facts.mx.names(groups.codes[0]),
            "result_type": facts.result_type.names(groups.codes[1]),
            "effect": pd.Series(np.where(groups.codes[2] == 0, REFUSED, UNKNOWN), dtype="str"),
            "sessions": counts(totals(groups.place, facts.sessions[rows], groups.size)),
            "senders": counts(np.bincount(senders.codes[0], minlength=groups.size)),
            "in_policy": pd.Series(
                [None if v < 0 else bool(v) for v in groups.codes[3]], dtype="boolean"
            ),
        }
    )
    return frame.sort_values("sessions", ascending=False, kind="stable", ignore_index=True)


def _forecast(
    sender: _Array, day: _Array, sessions: _Array, refused: _Array, config: ReadinessConfig
) -> Share:
    """Give the share with an interval that resamples senders and days, each with replacement.

    Where no session was refused, every resample says nought, which is no certainty: the bound is then the
    largest share that so many effective sender-days, (Σs)²/Σs², would still miss once in 40 times. Where some
    were, the wider of the resampling and of the interval by sender-days counts.
    """
    there = sessions > 0
    sender, day, sessions, refused = sender[there], day[there], sessions[there], refused[there]
    whole = float(sessions.sum())
    if not whole:
        return Share(None, None, None)
    share = float(refused.sum()) / whole
    if len(sessions) < FEWEST:
        return Share(share, None, None)
    sample = effective_sample(sessions)
    if not refused.any():
        return Share(0.0, 0.0, 1 - 0.025 ** (1 / max(sample, 1.0)), sample)
    names, at_sender = np.unique(sender, return_inverse=True)
    days, at_day = np.unique(day, return_inverse=True)
    whole_table = np.zeros((len(names), len(days)))
    bad_table = whole_table.copy()
    np.add.at(whole_table, (at_sender, at_day), sessions)
    np.add.at(bad_table, (at_sender, at_day), refused)
    rng = np.random.default_rng(config.seed)
    of_senders = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), config.resamples)
    of_days = rng.multinomial(len(days), np.full(len(days), 1 / len(days)), config.resamples)
    drawn = ((of_senders @ whole_table) * of_days).sum(axis=1)
    bad = ((of_senders @ bad_table) * of_days).sum(axis=1)
    shares = bad[drawn > 0] / drawn[drawn > 0]
    low, high = np.quantile(shares, [0.025, 0.975])
    by_day = interval(bad_table.sum(axis=0), whole_table.sum(axis=0))
    lows = [float(low), *([by_day.low] if by_day.low is not None else [])]
    highs = [float(high), *([by_day.high] if by_day.high is not None else [])]
    return Share(share, min(lows), max(highs), sample)
