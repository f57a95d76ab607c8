"""What an archive holds, in a few figures."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from mtasts_analysis.analysis.facts import (
    NO_DAY,
    NONE,
    Facts,
    Groups,
    counts,
    dates,
    grouped,
    number,
    share,
    totals,
)
from mtasts_analysis.archive.load import Accounting


class Tables(Protocol):
    """What a summary takes. :class:`mtasts_analysis.Archive` is one."""

    @property
    def facts(self) -> Facts:
        """The tables in codes."""

    @property
    def problem_counts(self) -> dict[str, dict[str, int]]:
        """Rows of `problems` by severity and code."""

    @property
    def accounting(self) -> Accounting:
        """What became of each item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures on an archive's face.

    Attributes
    ----------
    accounting
        What became of each item.
    reports
        How many reports the tables hold.
    first, last
        The first and the last UTC day of a report; None where no report has one.
    senders
        How many senders reported, the spellings of one organization counted once.
    sessions
        A row for each domain and policy type: `domain`, `policy_type`, `modes` (of the policy, in the
        order in which they were first seen), `reports`, `senders`, `successful`, `failed` (sessions),
        `failure_share` (0 to 1, null where there was no session). Rows of several policy types of one
        domain must not be added up: a session may be counted under `sts` and under `tlsa` (RFC 8460
        §4).
    problems
        A row for each severity and code: `severity`, `code`, `rows`.
    """

    accounting: Accounting
    reports: int
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    senders: int
    sessions: pd.DataFrame
    problems: pd.DataFrame


_SEVERITIES = ("error", "conflict", "deviation", "info")


def summarise(data: Tables) -> Summary:
    """Give the figures on an archive's face.

    Parameters
    ----------
    data
        A loaded archive.

    Returns
    -------
    Summary
        Span, senders, sessions by domain and policy type, and problems.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> summarise(ma.load(b"{}")).senders
    0
    """
    facts = data.facts
    first, latest = facts.span()
    last = int(facts.report_last.max(initial=NO_DAY))
    return Summary(
        accounting=data.accounting,
        reports=facts.report_count,
        first=None if latest < first else dates([first])[0],
        last=None if last == NO_DAY else dates([last])[0],
        senders=len(np.unique(facts.sender.codes[facts.sender.codes != NONE])),
        sessions=_sessions(facts),
        problems=_problems(data.problem_counts),
    )


def _sessions(facts: Facts) -> pd.DataFrame:
    groups = grouped(
        (facts.domain.codes, len(facts.domain.words)),
        (facts.policy_type.codes, len(facts.policy_type.words)),
    )
    failed = totals(groups.place, facts.failed, groups.size)
    successful = totals(groups.place, facts.successful, groups.size)
    named = facts.policy_sender != NONE
    senders = grouped(
        (groups.place[named], groups.size),
        (facts.policy_sender[named], len(facts.sender.words)),
    )
    # A report may hold two results of one domain and policy type.
    reports = grouped((groups.place, groups.size), (facts.report, len(facts.report_first)))
    found = pd.DataFrame(
        {
            "domain": facts.domain.names(groups.codes[0]),
            "policy_type": facts.policy_type.names(groups.codes[1]),
            "modes": pd.Series(_modes(facts, groups), dtype="str"),
            "reports": counts(
                number(reports.codes[0], facts.reports, reports.codes[1], groups.size)
            ),
            "senders": counts(np.bincount(senders.codes[0], minlength=groups.size)),
            "successful": counts(successful),
            "failed": counts(failed),
            "failure_share": pd.Series(share(failed, failed + successful)).astype("Float64"),
        }
    )
    return found.sort_values(
        ["domain", "policy_type"], key=lambda c: c.astype("str"), ignore_index=True
    )


def _modes(facts: Facts, groups: Groups) -> list[str]:
    """Give the modes of each group in the order in which they were first seen."""
    there = np.flatnonzero(facts.mode.codes != NONE)
    modes = grouped(
        (groups.place[there], groups.size), (facts.mode.codes[there], len(facts.mode.words))
    )
    first = np.full(modes.size, np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(first, modes.place, facts.day[there])
    found: list[list[str]] = [[] for _ in range(groups.size)]
    for at in np.lexsort((first, modes.codes[0])).tolist():
        found[int(modes.codes[0][at])].append(facts.mode.words[modes.codes[1][at]])
    return [", ".join(words) for words in found]


def _problems(counted: dict[str, dict[str, int]]) -> pd.DataFrame:
    rows = [
        (severity, code, count) for severity in counted for code, count in counted[severity].items()
    ]
    severities, codes, counts_ = zip(*rows, strict=True) if rows else ((), (), ())
    found = pd.DataFrame(
        {
            "severity": pd.Categorical(severities, _SEVERITIES, ordered=True),
            "code": pd.Series(codes, dtype="str"),
            "rows": pd.Series(counts_, dtype="int64"),
        }
    )
    return found.sort_values(
        ["severity", "rows"], ascending=[True, False], kind="stable", ignore_index=True
    )
