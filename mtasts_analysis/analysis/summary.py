"""What an archive holds, in a few figures."""

from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from mtasts_analysis.archive.load import Accounting


class Tables(Protocol):
    """What analyses take: the four tables and the account. :class:`mtasts_analysis.Archive` is one."""

    @property
    def reports(self) -> pd.DataFrame:
        """A row for each report."""

    @property
    def policies(self) -> pd.DataFrame:
        """A row for each policy's result."""

    @property
    def failures(self) -> pd.DataFrame:
        """A row for each failure detail."""

    @property
    def problems(self) -> pd.DataFrame:
        """A row for each problem."""

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
        The earliest start and the latest end of a report, UTC; None where no report has one.
    senders
        How many organizations reported.
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
    reports = data.reports
    first, last = reports["start"].min(), reports["end"].max()
    return Summary(
        accounting=data.accounting,
        reports=len(reports),
        first=None if pd.isna(first) else first,
        last=None if pd.isna(last) else last,
        senders=int(reports["organization_name"].nunique()),
        sessions=_sessions(data),
        problems=_problems(data.problems),
    )


def _sessions(data: Tables) -> pd.DataFrame:
    columns = data.policies[
        [
            "report_key",
            "domain",
            "policy_type",
            "mode",
            "total_successful_session_count",
            "total_failure_session_count",
        ]
    ]
    senders = data.reports[["report_key", "organization_name", "start"]].drop_duplicates(
        "report_key"
    )
    rows = columns.merge(senders, on="report_key", how="left").sort_values("start", kind="stable")
    grouped = rows.groupby(["domain", "policy_type"], observed=True, dropna=False)
    # Counts reach 2^63-1, and pandas' integer sums wrap without a word: Python's do not.
    found = pd.DataFrame(
        {
            "modes": grouped["mode"].agg(_seen),
            "reports": grouped["report_key"].nunique(),
            "senders": grouped["organization_name"].nunique(),
            "successful": grouped["total_successful_session_count"].agg(exact_sum),
            "failed": grouped["total_failure_session_count"].agg(exact_sum),
        }
    ).reset_index()
    total = found["successful"] + found["failed"]
    found["failure_share"] = [
        f / t if t else None for f, t in zip(found["failed"], total, strict=True)
    ]
    found["failure_share"] = found["failure_share"].astype("Float64")
    return found.sort_values(
        ["domain", "policy_type"], key=lambda c: c.astype("str"), ignore_index=True
    )


def _seen(modes: "pd.Series[str]") -> str:
    return ", ".join(modes.dropna().astype("str").unique())


def exact_sum(counts: "pd.Series[int]") -> int:
    """Add counts up without a bound, absent ones left out."""
    present = counts.dropna()
    if present.empty:
        return 0
    if int(present.max()) < 2**62 // len(present):
        return int(present.sum())
    return sum(map(int, present))


def _problems(problems: pd.DataFrame) -> pd.DataFrame:
    found = (
        problems.groupby(["severity", "code"], observed=True).size().rename("rows").reset_index()
    )
    order = pd.Categorical(found["severity"], _SEVERITIES, ordered=True)
    return (
        found.assign(severity=order)
        .sort_values(
            ["severity", "rows"], ascending=[True, False], kind="stable", ignore_index=True
        )
        .astype({"code": "str"})
    )
