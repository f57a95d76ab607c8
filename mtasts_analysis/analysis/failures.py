"""What fails: by type, by MX host, by address, and what reports leave unexplained."""

from typing import Any

import numpy as np
import pandas as pd

from mtasts_analysis.analysis.effects import (
    ADVICE,
    EFFECTS,
    MX_NOT_IN_POLICY,
    advice,
)
from mtasts_analysis.analysis.facts import (
    NO_DAY,
    Codes,
    Column,
    Data,
    Facts,
    Mask,
    counts,
    dates,
    facts_of,
    grouped,
    number,
    totals,
)
from mtasts_analysis.analysis.filters import EVERYTHING, Filter


def failure_types(data: Data, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Answer: what fails, how often, since when, whom does it hit, and what is to be done?

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at.

    Returns
    -------
    pandas.DataFrame
        A row for each policy type, result type and effect, the most sessions first: `policy_type`,
        `result_type`, `effect` (under enforce, see :mod:`mtasts_analysis.analysis.effects`),
        `failures` (details), `sessions` (failed sessions of those details), `share` (of the sessions
        of all details of the policy type, 0 to 1), `senders`, `mx_hosts`, `domains` (how many),
        `first_day`, `last_day` (UTC start days), `not_in_policy` (sessions at an MX that matches no pattern of
        the policy that the sender saw), `registered` (is it a type of RFC 8460 §4.3), `description`,
        `likely_cause`, `action`, `verify`, `reference`. Details may overlap and may leave failures
        unexplained (§4): :func:`unexplained` says how far.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.failure_types(data, ma.Filter(domains="clinic.example"))["result_type"].iloc[0]
    'certificate-expired'
    """
    facts = facts_of(data)
    groups = _Groups(
        facts,
        facts.failures_where(where),
        {
            "policy_type": _of_policy(facts, facts.policy_type),
            "result_type": facts.result_type,
            "effect": facts.effect,
        },
    )
    frame = groups.frame()
    sessions = frame["sessions"].astype("Float64")
    whole = sessions.groupby(frame["policy_type"], dropna=False).transform("sum")
    frame["share"] = (sessions / whole).where(frame["sessions"] > 0)
    frame["senders"] = groups.distinct(facts.policy_sender[facts.of])
    frame["mx_hosts"] = groups.distinct(facts.mx.codes)
    frame["domains"] = groups.distinct(facts.domain.codes[facts.of])
    frame["not_in_policy"] = groups.sum_where(facts.in_policy == 0)
    frame["registered"] = frame["result_type"].isin(set(ADVICE) - {"dns-error"})
    missed = frame["not_in_policy"]
    misses = (missed > 0) & (missed >= frame["sessions"] - missed)  # at least half
    texts = [
        MX_NOT_IN_POLICY if most else advice(None if pd.isna(kind) else kind)
        for kind, most in zip(frame["result_type"], misses, strict=True)
    ]
    for name in ("description", "likely_cause", "action", "verify", "reference"):
        frame[name] = pd.Series([getattr(text, name) for text in texts], dtype="str")
    order = [
        "policy_type", "result_type", "effect", "failures", "sessions", "share", "senders",
        "mx_hosts", "domains", "first_day", "last_day", "not_in_policy", "registered",
        "description", "likely_cause", "action", "verify", "reference",
    ]  # fmt: skip
    return _most_first(frame[order])


def effects(data: Data, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Answer: what would `enforce` do to the failed sessions?

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at.

    Returns
    -------
    pandas.DataFrame
        A row for each effect that occurs, in the order in which effects matter: `effect`,
        `failures`, `sessions`, `senders`, `first_day`, `last_day`, `meaning`.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> list(effects(data, ma.Filter(domains="clinic.example"))["effect"])
    ['refused', 'unknown']
    """
    facts = facts_of(data)
    groups = _Groups(facts, facts.failures_where(where), {"effect": facts.effect})
    frame = groups.frame()
    frame["senders"] = groups.distinct(facts.policy_sender[facts.of])
    frame["meaning"] = frame["effect"].map(EFFECTS).astype("str")
    frame = frame[["effect", "failures", "sessions", "senders", "first_day", "last_day", "meaning"]]
    return frame.sort_values("effect", key=lambda e: e.map(list(EFFECTS).index), ignore_index=True)


def failures_by_mx(data: Data, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Answer: at which MX hosts do sessions fail, over all domains that share them?

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at.

    Returns
    -------
    pandas.DataFrame
        A row for each MX host and result type, the most sessions first: `mx_host` (lower case; null
        where the sender names none), `result_type`, `failures`, `sessions`, `domains`, `senders`,
        `receiving_ips` (how many), `not_in_policy` (sessions at an MX outside the policy seen),
        `first_day`, `last_day`.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.failures_by_mx(data).loc[0, "mx_host"]
    'mx2.clinic.example'
    """
    facts = facts_of(data)
    groups = _Groups(
        facts,
        facts.failures_where(where),
        {"mx_host": facts.mx, "result_type": facts.result_type},
    )
    frame = groups.frame()
    frame["domains"] = groups.distinct(facts.domain.codes[facts.of])
    frame["senders"] = groups.distinct(facts.policy_sender[facts.of])
    frame["receiving_ips"] = groups.distinct(facts.receiving_ip.codes)
    frame["not_in_policy"] = groups.sum_where(facts.in_policy == 0)
    return _most_first(frame)


def failures_by_address(data: Data, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Answer: between which addresses do sessions fail?

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at.

    Returns
    -------
    pandas.DataFrame
        A row for each sending address, receiving address and result type, the most sessions first:
        `sending_mta_ip`, `receiving_ip`, `result_type`, `failures`, `sessions`, `domains`,
        `senders`, `first_day`, `last_day`. Addresses as the sender wrote them.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.failures_by_address(data).loc[0, ["receiving_ip", "result_type"]].tolist()
    ['192.0.2.21', 'certificate-expired']
    """
    facts = facts_of(data)
    groups = _Groups(
        facts,
        facts.failures_where(where),
        {
            "sending_mta_ip": facts.sending_ip,
            "receiving_ip": facts.receiving_ip,
            "result_type": facts.result_type,
        },
    )
    frame = groups.frame()
    frame["domains"] = groups.distinct(facts.domain.codes[facts.of])
    frame["senders"] = groups.distinct(facts.policy_sender[facts.of])
    return _most_first(frame)


def unexplained(data: Data, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Answer: how far do the failure details account for the failures that reports sum up?

    RFC 8460 §4: failure counts may overlap, and details are optional. So the difference is shown and
    never mended.

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at.

    Returns
    -------
    pandas.DataFrame
        A row for each domain and policy type: `domain`, `policy_type`, `failed` (of the summaries),
        `detailed` (of the details), `unexplained` (failures that no detail accounts for, added up
        over the policy results where the summary is larger), `overlapping` (the same where the
        details are larger); sessions.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.unexplained(data)
    >>> (found["failed"] - found["unexplained"] + found["overlapping"] == found["detailed"]).all()
    np.True_
    """
    facts = facts_of(data)
    rows = np.flatnonzero(facts.policies_where(where))
    groups = grouped(
        (facts.domain.codes[rows], len(facts.domain.words)),
        (facts.policy_type.codes[rows], len(facts.policy_type.words)),
    )
    failed, missing = (
        totals(groups.place, values[rows], groups.size)
        for values in (facts.failed, facts.unexplained)
    )
    # Not by adding up what overlaps: of one result that is bounded (:func:`encoding.make`).
    of_row = np.full(len(facts.day), groups.size)
    of_row[rows] = groups.place
    detailed = totals(of_row[facts.of], facts.sessions, groups.size + 1)[:-1]
    frame = pd.DataFrame(
        {
            "domain": facts.domain.names(groups.codes[0]),
            "policy_type": facts.policy_type.names(groups.codes[1]),
            "failed": counts(failed),
            "detailed": counts(detailed),
            "unexplained": counts(missing),
            "overlapping": counts(detailed - failed + missing),
        }
    )
    return frame.sort_values(["domain", "policy_type"], ignore_index=True)


def _of_policy(facts: Facts, column: Column) -> Column:
    return Column(column.codes[facts.of], column.words)


def _most_first(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(
        ["sessions", "failures"], ascending=False, kind="stable", ignore_index=True
    )


class _Groups:
    """The failure details of a selection, grouped by some columns."""

    def __init__(self, facts: Facts, mask: Mask, by: dict[str, Column]) -> None:
        self.facts, self.by = facts, by
        self.rows = np.flatnonzero(mask)
        groups = grouped(*((column.codes[self.rows], len(column.words)) for column in by.values()))
        self.place, self.size, self.codes = groups.place, groups.size, groups.codes

    def frame(self) -> pd.DataFrame:
        facts = self.facts
        day = facts.day[facts.of[self.rows]]
        low = np.full(self.size, np.iinfo(np.int32).max, dtype=np.int32)
        high = np.full(self.size, NO_DAY, dtype=np.int32)
        dated = day != NO_DAY
        np.minimum.at(low, self.place[dated], day[dated])
        np.maximum.at(high, self.place[dated], day[dated])
        known = high != NO_DAY
        return pd.DataFrame(
            {
                **{
                    name: column.names(codes)
                    for (name, column), codes in zip(self.by.items(), self.codes, strict=True)
                },
                "failures": counts(number(self.place, facts.details, self.rows, self.size)),
                "sessions": self.sum_where(None),
                "first_day": dates(np.where(known, low, 0)).where(known),
                "last_day": dates(np.where(known, high, 0)).where(known),
            }
        )

    def sum_where(self, mask: Mask | None) -> "pd.Series[Any]":
        weights = self.facts.sessions[self.rows]
        if mask is not None:
            weights = np.where(mask[self.rows], weights, 0)
        return counts(totals(self.place, weights, self.size))

    def distinct(self, codes: Codes) -> "pd.Series[Any]":
        """Count the distinct codes of each group; none is not one of them."""
        own = codes[self.rows]
        there = own >= 0
        pairs = grouped((self.place[there], self.size), (own[there], int(own.max(initial=0)) + 1))
        return counts(np.bincount(pairs.codes[0], minlength=self.size))
