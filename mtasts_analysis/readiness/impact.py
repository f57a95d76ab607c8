"""What if the policy had said `enforce`? The reports, replayed; sessions, never messages.

A refused session's mail may still arrive by another MX, or on a retry (RFC 8461 §5.1). What is counted is a
census of what was reported; the interval is a forecast.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mtasts_analysis import arguments
from mtasts_analysis.analysis.effects import (
    DANE_TYPES,
    LATENT,
    POLICY_TYPES,
    REFUSED,
    TLS_TYPES,
    UNKNOWN,
)
from mtasts_analysis.analysis.facts import (
    Data,
    Facts,
    counts,
    dates,
    facts_of,
    grouped,
    total,
    totals,
)
from mtasts_analysis.analysis.filters import Filter, chosen
from mtasts_analysis.analysis.intervals import Share
from mtasts_analysis.checks.coverage import covers
from mtasts_analysis.checks.policy import Policy, valid_policy
from mtasts_analysis.errors import InputError
from mtasts_analysis.readiness.config import DEFAULT, ReadinessConfig, expect
from mtasts_analysis.readiness.forecast import forecast

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
        Sessions under `sts`; DANE (`tlsa`) stands apart and is no evidence.
    refused : int
        Of them, those that would have been refused.
    cautious : int
        With those of unknown types, and failures that no detail explains.
    latent : int
        Failed sessions of senders that found no policy: refused once they honour one. Not in `sessions`.
    already : int
        Of the refused, those under a policy that said `enforce` already.
    left_out : tuple of str
        MX hosts seen that the policy replayed does not list.
    forecast : Share
        The refused share (cautious) with its 95 % interval; None bounds on too few sender-days.
    sender_days : int
        How many days of a sender the forecast rests on.
    cells : pandas.DataFrame
        A row for each sender and start day: `day`, `sender`, `long` (reports over 25 hours), `sessions`,
        `refused`, `cautious`; `attrs["draft"]` says whether a draft was replayed, `attrs["elsewhere"]` which
        hosts were left out.
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
    left_out: tuple[str, ...]
    forecast: Share
    sender_days: int
    cells: pd.DataFrame = field(repr=False)
    details: pd.DataFrame = field(repr=False)

    @cached_property
    def by_day(self) -> pd.DataFrame:
        """The replay by day. A report over 25 hours belongs to no day, and is left out."""
        return self._by("day", self.cells[~self.cells["long"]])

    @cached_property
    def by_sender(self) -> pd.DataFrame:
        """The replay by sender, the most refused first."""
        found = self._by("sender", self.cells)
        return found.sort_values("cautious", ascending=False, kind="stable", ignore_index=True)

    def _by(self, name: str, cells: pd.DataFrame) -> pd.DataFrame:
        columns = ["sessions", "refused", "cautious"]
        return cells.groupby(name, as_index=False, dropna=False)[columns].sum()

    @property
    def share(self) -> float | None:
        """The refused share of the sessions seen: a census."""
        return self.refused / self.sessions if self.sessions else None

    @property
    def cautious_share(self) -> float:
        """The same with unknown types and unexplained failures; 0 without sessions."""
        return self.cautious / self.sessions if self.sessions else 0.0


def replay(
    data: Data,
    where: Filter,
    policy: Policy | str | None = None,
    config: ReadinessConfig = DEFAULT,
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
        is unknown, for its own certificate was not judged. Reports name an MX only where a session failed: how
        many of the sessions that succeeded went to a host in `left_out` is not known, at worst all.
    config
        The forecast's resamples and seed.

    Returns
    -------
    Impact
        Figures, forecast and the rows behind them.

    Raises
    ------
    InputError
        No archive, no filter; or the draft is no valid policy, or lists no MX.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.replay(data, ma.Filter(domains="clinic.example", start="2026-03-12", end="2026-03-16"))
    >>> found.sessions, found.refused
    (3555, 1070)
    """
    facts, where = facts_of(data), chosen(where)
    expect(config)
    draft = read_draft(policy)
    base = facts.policies_where(where) & facts.dated
    latent = facts.failures_where(where, base) & (facts.effect.codes == facts.effect.code(LATENT))
    sts = base & (facts.policy_type.codes == facts.policy_type.code("sts"))
    own = np.flatnonzero(facts.failures_where(where, sts))
    refused, unknown = _judged(facts, own)
    listed = facts.in_policy[own].astype(np.int64)
    left_out = tuple(facts.mx.names(np.unique(facts.mx.codes[own[listed == 0]])))
    if draft is not None:
        covered = np.array([*(covers(draft, host) for host in facts.mx.words), False])
        named = facts.mx.codes[own] >= 0
        before, listed = listed, np.where(named, covered[facts.mx.codes[own]], -1)
        cured = refused & (listed == 1) & (before == 0)
        refused = (refused & ~cured) | (listed == 0)
        unknown = (unknown & ~refused) | cured
        left_out = tuple(host for host in _hosts(data, sts, own) if not covers(draft, host))

    # From here on a row is a policy result of the sts rows; counts beyond doubles are Python integers.
    place = np.cumsum(sts) - 1
    size = int(sts.sum())
    details = totals(facts.of, facts.sessions, len(sts))
    failed, passed, detailed = (
        _exact(column[sts]) for column in (facts.failed, facts.successful, details)
    )
    of = place[facts.of[own]]
    # Some senders leave the failed count out: then the details are all there is. Else details may count a
    # session twice (RFC 8460 §4): no more are refused than failed.
    failed = np.where(failed > 0, failed, detailed)
    certain = np.minimum(totals(of[refused], facts.sessions[own[refused]], size), failed)
    unsure = _exact(totals(of[unknown], facts.sessions[own[unknown]], size))
    unexplained = np.maximum(failed - detailed, 0)
    cautious = np.minimum(certain + unsure + unexplained, failed)
    sessions = failed + passed

    days = facts.day[sts]
    low = int(days.min(initial=0)) if size else 0
    span = int(days.max(initial=low)) - low + 1
    groups = grouped(
        (facts.policy_sender[sts], len(facts.sender.words)),
        (days - low, span),
        (facts.long[sts].astype(np.int64), 2),
    )
    s, r, c = (_added(groups.place, x, groups.size) for x in (sessions, certain, cautious))
    cells = pd.DataFrame(
        {
            "day": dates(groups.codes[1] + low),
            "sender": facts.sender.names(groups.codes[0]),
            "long": groups.codes[2] == 1,
            "sessions": counts(s),
            "refused": counts(r),
            "cautious": counts(c),
        }
    )
    cells.attrs["draft"], cells.attrs["elsewhere"] = draft is not None, list(left_out)
    enforced = facts.mode.codes[sts] == facts.mode.code("enforce")
    return Impact(
        where=where,
        policy=draft,
        sessions=int(s.sum()),
        refused=int(r.sum()),
        cautious=int(c.sum()),
        latent=total(facts.sessions[latent]),
        already=int(certain[enforced].sum()),
        left_out=left_out,
        forecast=forecast(groups.codes[0], groups.codes[1], s, c, config),
        sender_days=int((s > 0).sum()),
        cells=cells,
        details=_details(facts, own, refused, unknown, listed),
    )


def read_draft(given: Policy | str | None) -> Policy | None:
    """Read a draft of a policy, which is then taken as if it said `enforce`.

    Raises
    ------
    InputError
        It is no valid policy, or lists no MX.
    """
    policy = None if given is None else given_policy(given, "policy")
    if policy is not None and not policy.mx:
        raise InputError("policy: expected a draft with mx lines; it has none")
    return policy


def given_policy(given: Policy | str, which: str) -> Policy:
    """Give a policy that is given as one or as its text; an error calls it by its argument's name.

    Raises
    ------
    InputError
        It is no valid policy.
    """
    if isinstance(given, Policy):
        return given
    arguments.instance(which, given, (str, bytes), "a policy, or the text of its file")
    return valid_policy(given, which)


def _judged(facts: Facts, own: _Array) -> tuple[_Array, _Array]:
    """Mark the sts failures that enforce refuses, and those of unknown types, whatever the mode was then."""
    words = (*facts.result_type.words, None)
    refuses = np.array([word in TLS_TYPES for word in words])
    known = TLS_TYPES | DANE_TYPES | POLICY_TYPES
    unclear = np.array([word not in known for word in words])
    codes = facts.result_type.codes[own]
    return refuses[codes], unclear[codes]


def _hosts(data: Data, sts: _Array, own: _Array) -> list[str]:
    """Give the MX hosts that these reports know: where sessions failed, and policies that name one."""
    facts = data.facts
    seen = facts.mx.names(np.unique(facts.mx.codes[own])).dropna().tolist()
    # A report may list the patterns without the policy's text (RFC 8460 §4.4): all rows, not one of each policy.
    listed = data.tables["policies"]["mx_patterns"].filter(pa.array(sts))
    patterns = sorted(pc.list_flatten(listed).unique().to_pylist())
    return list(dict.fromkeys([*seen, *(p for p in patterns if not p.startswith("*"))]))


def _exact(values: _Array) -> _Array:
    """Give counts as they are where sums of them stay exact, else as Python integers."""
    return values.astype(object) if values.max(initial=0) >= 2**40 else values


def _added(place: _Array, values: _Array, size: int) -> _Array:
    if values.dtype != object:
        return totals(place, values, size)
    whole = np.zeros(size, dtype=object)
    np.add.at(whole, place, values)
    return whole


def _details(
    facts: Facts, own: _Array, refused: _Array, unknown: _Array, listed: _Array
) -> pd.DataFrame:
    kept = refused | unknown
    rows = own[kept]
    groups = grouped(
        (facts.mx.codes[rows], len(facts.mx.words)),
        (facts.result_type.codes[rows], len(facts.result_type.words)),
        (np.where(refused[kept], 0, 1), 2),
        (listed[kept], 2),
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
