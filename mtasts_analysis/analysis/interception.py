"""Leads to interception: what somebody on the path could have caused. Leads, not verdicts."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mtasts_analysis.analysis.facts import (
    NONE,
    Column,
    Data,
    Facts,
    dates,
    total,
)
from mtasts_analysis.analysis.filters import EVERYTHING, Filter

_STRIPPED = "starttls-not-supported"
_FOREIGN = ("certificate-not-trusted", "certificate-host-mismatch")

FEW_SENDERS = 0.34
"""No STARTTLS for at most this part of the senders on those days points to a path, not to the MX."""

FEWEST_SENDERS = 3
"""Senders under which `few` means nothing."""


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
    facts = data.facts
    mask = facts.failures_where(where) & facts.dated[facts.of] & (facts.mx.codes != NONE)
    rows = np.flatnonzero(mask)
    of = facts.of[rows]
    frame = pd.DataFrame(
        {
            "row": rows,
            "domain": facts.domain.codes[of],
            "mx": facts.mx.codes[rows],
            "ip": facts.receiving_ip.codes[rows],
            "type": facts.result_type.codes[rows],
            "sender": facts.policy_sender[of],
            "day": facts.day[of],
        }
    )
    known = _known(facts, frame, addresses)
    foreign = np.array(
        [
            ip != NONE and mx in known and facts.receiving_ip.words[ip] not in known[mx]
            for mx, ip in zip(frame["mx"], frame["ip"], strict=True)
        ],
        dtype=bool,
    )
    leads = []
    keys = ["domain", "mx", "ip", "type"]
    key: Any
    for key, group in frame.groupby(keys, sort=False):
        domain, mx, ip, kind_of_failure = (int(code) for code in key)
        result = facts.result_type.names([kind_of_failure])[0]
        at_foreign = bool(foreign[group.index].all())
        if at_foreign:
            kind = "foreign-certificate" if result in _FOREIGN else "unknown-address"
        elif result == _STRIPPED:
            kind = "starttls-for-few"
        else:
            continue
        first, last = int(group["day"].min()), int(group["day"].max())
        own = group["sender"].unique()
        others = _others(facts, domain, first, last, own)
        few = len(own) <= FEW_SENDERS * (len(own) + others) and len(own) + others >= FEWEST_SENDERS
        if kind == "starttls-for-few" and not few:
            continue
        leads.append((kind, domain, mx, ip, kind_of_failure, group, own, others, first, last))
        if at_foreign and result == _STRIPPED and few:
            leads.append(
                (
                    "starttls-for-few",
                    domain,
                    mx,
                    ip,
                    kind_of_failure,
                    group,
                    own,
                    others,
                    first,
                    last,
                )
            )
    return _frame(facts, leads)


def _known(
    facts: Facts, frame: pd.DataFrame, addresses: Mapping[str, Iterable[str]] | None
) -> dict[int, set[str]]:
    """Give the addresses of each MX host, by its code; a host without any is left out."""
    if addresses is not None:
        given = {host.lower().removesuffix("."): set(found) for host, found in addresses.items()}
        return {code: given[host] for code, host in enumerate(facts.mx.words) if given.get(host)}
    pairs = frame[frame["ip"] != NONE].groupby(["mx", "ip"])["sender"].nunique()
    known: dict[int, set[str]] = {}
    for mx, ip in pairs.index[pairs >= 2]:
        known.setdefault(mx, set()).add(facts.receiving_ip.words[ip])
    return known


def _others(facts: Facts, domain: int, first: int, last: int, own: Any) -> int:
    mask = (facts.domain.codes == domain) & (facts.day >= first) & (facts.day <= last)
    mask &= facts.successful > 0
    return len(set(facts.policy_sender[mask].tolist()) - set(own.tolist()))


def _frame(facts: Facts, leads: list[tuple[Any, ...]]) -> pd.DataFrame:
    def words(column: Column, at: int) -> "pd.Series[str]":
        return column.names([lead[at] for lead in leads])

    frame = pd.DataFrame(
        {
            "lead": pd.Series([lead[0] for lead in leads], dtype="str"),
            "domain": words(facts.domain, 1),
            "mx_host": words(facts.mx, 2),
            "receiving_ip": words(facts.receiving_ip, 3),
            "result_type": words(facts.result_type, 4),
            "sender": facts.sender.names(
                [lead[6][0] if len(lead[6]) == 1 else NONE for lead in leads]
            ),
            "senders": pd.Series([len(lead[6]) for lead in leads], dtype="Int64"),
            "other_senders": pd.Series([lead[7] for lead in leads], dtype="Int64"),
            "failures": pd.Series([len(lead[5]) for lead in leads], dtype="Int64"),
            "sessions": pd.Series(
                [total(facts.sessions[lead[5]["row"].to_numpy()]) for lead in leads], dtype="Int64"
            ),
            "first_day": dates([lead[8] for lead in leads]),
            "last_day": dates([lead[9] for lead in leads]),
        }
    )
    frame["text"] = pd.Series([_text(row) for row in frame.to_dict("records")], dtype="str")
    return frame.sort_values("sessions", ascending=False, kind="stable", ignore_index=True)


def _text(row: Any) -> str:
    who = row["sender"] if isinstance(row["sender"], str) else f"{row['senders']} senders"
    when = f"{row['first_day']:%Y-%m-%d} to {row['last_day']:%Y-%m-%d}"
    if row["lead"] == "starttls-for-few":
        return (
            f"{row['mx_host']} offered no STARTTLS to {who} ({row['sessions']} sessions, {when}), while"
            f" {row['other_senders']} other senders had sessions with {row['domain']} on those days"
        )
    what = "presented a foreign certificate" if row["lead"] == "foreign-certificate" else "failed"
    return (
        f"{row['receiving_ip']}, none of the addresses seen for {row['mx_host']}, {what}"
        f" ({row['result_type']}) to {who} ({row['sessions']} sessions, {when})"
    )
