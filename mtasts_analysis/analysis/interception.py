"""Leads to interception: what somebody on the path could have caused. Leads, not verdicts."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mtasts_analysis import arguments
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
from mtasts_analysis.wording import several

_STRIPPED = "starttls-not-supported"
_FOREIGN = ("certificate-not-trusted", "certificate-host-mismatch")

FEW_SENDERS = 0.34
"""No STARTTLS for at most this part of the senders on those days points to a path, not to the MX."""

FEWEST_SENDERS = 3
"""Senders under which `few` means nothing."""

_ADDRESSES = 'addresses by MX host, such as {"mx1.example.com": ["192.0.2.20"]}'


def interception_leads(
    data: Data,
    where: Filter = EVERYTHING,
    addresses: Mapping[str, Iterable[str]] | None = None,
) -> pd.DataFrame:
    """Answer: could someone on the path have stripped TLS, or stood in for the MX?

    Three kinds of lead, each with its evidence:

    - `starttls-for-few`: an MX offered no STARTTLS to few senders, while on the same days others
      met it without that failure;
    - `unknown-address`: a failure at a receiving address that is none of the MX host's;
    - `foreign-certificate`: at such an address, a certificate that was not trusted or named another host.

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at.
    addresses
        The addresses of each MX host, as live DNS gives them. Without, a host's addresses are those
        at which failures of two or more senders were reported; where there is none, nothing is said.

    Returns
    -------
    pandas.DataFrame
        A row for each lead, the most sessions first: `lead`, `domain`, `mx_host`, `receiving_ip`,
        `result_type`, `sender` (where one alone met it, else null), `senders`, `other_senders` (that
        reported sessions with the domain on those days), `failures`, `sessions`, `first_day`,
        `last_day` (UTC), `text` (a sentence). `Filter.of(row)` chooses the evidence.

    Raises
    ------
    InputError
        No archive, no filter, or addresses that are not by host.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> list(ma.interception_leads(data)["lead"])
    ['starttls-for-few']
    >>> mx = {"mx1.clinic.example": ["192.0.2.20"]}
    >>> list(ma.interception_leads(data, addresses=mx)["lead"])
    ['unknown-address', 'starttls-for-few', 'foreign-certificate']
    """
    facts = facts_of(data)
    mask = facts.failures_where(where) & facts.dated[facts.of] & (facts.mx.codes != NONE)
    rows = np.flatnonzero(mask)
    of = facts.of[rows]
    groups = grouped(
        (facts.domain.codes[of], len(facts.domain.words)),
        (facts.mx.codes[rows], len(facts.mx.words)),
        (facts.receiving_ip.codes[rows], len(facts.receiving_ip.words)),
        (facts.result_type.codes[rows], len(facts.result_type.words)),
    )
    domain, mx, ip, result = groups.codes
    known = _known(facts, rows, addresses)
    foreign = np.array(
        [
            host in known and at != NONE and facts.receiving_ip.words[at] not in known[host]
            for host, at in zip(mx.tolist(), ip.tolist(), strict=True)
        ],
        dtype=bool,
    )
    stripped = result == facts.result_type.code(_STRIPPED)
    met = grouped((groups.place, groups.size), (facts.policy_sender[of], len(facts.sender.words)))
    senders = np.split(met.codes[1], np.searchsorted(met.codes[0], np.arange(1, groups.size)))
    size = np.array([len(own) for own in senders], dtype=np.int64)
    first, last = np.full(groups.size, NEVER), np.full(groups.size, -NEVER)
    days = facts.day[of].astype(np.int64)  # of another type, each would be cast: ten times as long
    np.minimum.at(first, groups.place, days)
    np.maximum.at(last, groups.place, days)
    others = _Others(facts, domain)
    # Where more than a part of all senders of the domain met it, it was no path of few.
    may_be_few = size <= FEW_SENDERS * (size + others.senders[domain])
    kinds: list[str] = []
    at: list[int] = []
    other: list[int] = []
    for group in np.flatnonzero(foreign | (stripped & may_be_few)).tolist():
        own = senders[group]
        rest = others.of(int(domain[group]), int(first[group]), int(last[group]), own)
        few = len(own) <= FEW_SENDERS * (len(own) + rest) and len(own) + rest >= FEWEST_SENDERS
        found = []
        if foreign[group]:
            word = facts.result_type.word(int(result[group]))
            found.append("foreign-certificate" if word in _FOREIGN else "unknown-address")
        if stripped[group] and few:
            found.append("starttls-for-few")
        kinds += found
        at += [group] * len(found)
        other += [rest] * len(found)
    alone = np.array([own[0] if len(own) == 1 else NONE for own in senders], dtype=np.int64)
    frame = pd.DataFrame(
        {
            "lead": pd.Series(kinds, dtype="str"),
            "domain": facts.domain.names(domain[at]),
            "mx_host": facts.mx.names(mx[at]),
            "receiving_ip": facts.receiving_ip.names(ip[at]),
            "result_type": facts.result_type.names(result[at]),
            "sender": facts.sender.names(alone[at]),
            "senders": counts(size[at]),
            "other_senders": pd.Series(other, dtype="Int64"),
            "failures": counts(number(groups.place, facts.details, rows, groups.size)[at]),
            "sessions": counts(totals(groups.place, facts.sessions[rows], groups.size)[at]),
            "first_day": dates(first[at]),
            "last_day": dates(last[at]),
        }
    )
    frame["text"] = pd.Series([_text(row) for row in frame.to_dict("records")], dtype="str")
    return frame.sort_values("sessions", ascending=False, kind="stable", ignore_index=True)


def _known(
    facts: Facts, rows: npt.NDArray[Any], addresses: Mapping[str, Iterable[str]] | None
) -> dict[int, set[str]]:
    """Give the addresses of each MX host, by its code; a host without any is left out."""
    if addresses is not None:
        arguments.instance("addresses", addresses, Mapping, _ADDRESSES)
        given = {
            host.lower().removesuffix("."): {
                *arguments.several("addresses", addresses[host], str, _ADDRESSES)
            }
            for host in arguments.several("addresses", addresses, str, _ADDRESSES)
        }
        return {code: given[host] for code, host in enumerate(facts.mx.words) if given.get(host)}
    rows = rows[facts.receiving_ip.codes[rows] != NONE]
    met = grouped(
        (facts.mx.codes[rows], len(facts.mx.words)),
        (facts.receiving_ip.codes[rows], len(facts.receiving_ip.words)),
        (facts.policy_sender[facts.of[rows]], len(facts.sender.words)),
    )
    mx, ip, sender = met.codes
    named = sender != NONE
    pairs = grouped((mx[named], len(facts.mx.words)), (ip[named], len(facts.receiving_ip.words)))
    senders = np.bincount(pairs.place, minlength=pairs.size)
    known: dict[int, set[str]] = {}
    for at in np.flatnonzero(senders >= 2).tolist():
        word = facts.receiving_ip.words[pairs.codes[1][at]]
        known.setdefault(int(pairs.codes[0][at]), set()).add(word)
    return known


class _Others:
    """Who had sessions with a domain on which days, of some domains."""

    def __init__(self, facts: Facts, domains: npt.NDArray[Any]) -> None:
        asked = np.zeros(len(facts.domain.words) + 1, dtype=bool)  # the last: none, -1
        asked[domains] = True
        rows = np.flatnonzero((facts.successful > 0) & facts.dated & asked[facts.domain.codes])
        self.start, end = facts.span()
        met = grouped(
            (facts.domain.codes[rows], len(facts.domain.words)),
            (facts.day[rows] - self.start, end - self.start + 1),
            (facts.policy_sender[rows], len(facts.sender.words)),
        )
        self.domain, self.day, self.sender = met.codes
        self.size = len(facts.sender.words)
        every = grouped(
            (self.domain, len(facts.domain.words)), (self.sender, len(facts.sender.words))
        )
        # The last is for rows that name no domain, whose code is -1.
        self.senders = np.bincount(
            every.codes[0] % (len(facts.domain.words) + 1), minlength=len(facts.domain.words) + 1
        )

    def of(self, domain: int, first: int, last: int, own: npt.NDArray[Any]) -> int:
        """Count the senders that had sessions with a domain in some days, but those in `own`."""
        low, high = np.searchsorted(self.domain, [domain, domain + 1])
        days = self.day[low:high]
        a, b = np.searchsorted(days, [first - self.start, last - self.start + 1])
        met = np.zeros(self.size + 1, dtype=bool)  # the last is for -1, not named
        met[self.sender[low + a : low + b]] = True
        met[own] = False
        return int(np.count_nonzero(met))


def _text(row: Any) -> str:
    who = row["sender"] if isinstance(row["sender"], str) else f"{row['senders']} senders"
    when = f"{row['first_day']:%Y-%m-%d} to {row['last_day']:%Y-%m-%d}"
    if row["lead"] == "starttls-for-few":
        return (
            f"{row['mx_host']} offered no STARTTLS to {who} ({several(row['sessions'], 'session')}, {when}), while"
            f" {several(row['other_senders'], 'other sender')} had"
            f" sessions with {row['domain']} on those days"
        )
    foreign = row["lead"] == "foreign-certificate"
    what = "presented a foreign certificate to" if foreign else "failed for"
    return (
        f"{row['receiving_ip']}, none of the addresses seen for {row['mx_host']}, {what} {who}"
        f" ({row['result_type']}, {several(row['sessions'], 'session')}, {when})"
    )
