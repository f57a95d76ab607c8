"""The tables as columns of small integers: what every measure counts in.

A measure over a million rows must answer while a person moves a slider. So words become codes once,
and a question is then a mask and a sum.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from mtasts_analysis.analysis.filters import Filter, chosen
from mtasts_analysis.errors import InputError

Codes = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NONE = -1
"""The code of a value that is not there."""

NO_DAY = np.iinfo(np.int32).min
"""The day of a report without a start."""

NEVER = 2**40
"""A day after all days; its negative is one before all."""

_EXACT = 2**53  # up to here sums of float64 weights are exact


@dataclass(frozen=True, eq=False)
class Column:
    """Words as codes: `words[codes[row]]`, with -1 where a row has none."""

    codes: Codes
    words: tuple[str, ...]

    def code(self, word: str | None) -> int:
        """Give a word's code, -1 for none, and -2, which no row has, for an unknown word."""
        if word is None:
            return NONE
        try:
            return self.words.index(word)
        except ValueError:
            return -2

    def word(self, code: int) -> str | None:
        """Give a code's word; None for -1."""
        return None if code < 0 else self.words[code]

    def names(self, codes: npt.ArrayLike) -> "pd.Series[str]":
        """Give the words of some codes, as strings with nulls."""
        lookup = np.array([*self.words, None], dtype=object)
        return pd.Series(lookup[np.asarray(codes, dtype=np.int64)], dtype="str")


@dataclass(frozen=True, slots=True)
class Seen:
    """A policy that a sender saw, as far as its report tells: RFC 8461 §3.2."""

    mode: str | None
    max_age: int | None
    mx_patterns: tuple[str, ...] | None


@dataclass(frozen=True, eq=False)
class Facts:
    """An archive's counts in codes, at three grains: the one way from measures to data.

    A row may stand for several that are alike in every code and day, with their sessions added up: so
    an archive that no memory holds can be asked the same questions. `reports`, `results` and `details`
    then say how many each row stands for. Reports are alike where their policy results are, one by one:
    so a report is counted once, whichever of its results a filter chooses.

    Attributes
    ----------
    sender, report_first, report_last, reports
        Of each report: the sender's code, its first and last UTC day (days since 1970-01-01), and how
        many reports the row stands for; None where each stands for itself.
    spellings
        Of each sender: the organization names and the submitters that it wrote, the most frequent first.
    report, day, long, policy_sender, domain, policy_type, mode, policy, results
        Of each policy result: its report's row, its start day, whether the report spans more than 25 h,
        codes, and how many results the row stands for. `policy` stands for the policy's whole content.
    seen
        Of each code of `policy`: its mode, max_age and patterns.
    successful, failed, unexplained, overlapping
        Of each policy result: sessions of its summary; failed sessions that no detail accounts for; and
        details' sessions beyond the summary (RFC 8460 §4 lets both be). A count that is not there adds
        nothing.
    of, result_type, mx, effect, sending_ip, receiving_ip, in_policy, sessions, details
        Of each failure detail: its policy result's row, codes, whether the MX matches a pattern of the
        policy the sender saw (1, 0, or -1 where there is nothing to compare), failed sessions, and how
        many details the row stands for.
    """

    sender: Column
    spellings: tuple[tuple[str, str], ...]
    report_first: Codes
    report_last: Codes
    report: Codes
    day: Codes
    long: Mask
    policy_sender: Codes
    domain: Column
    policy_type: Column
    mode: Column
    policy: Column
    seen: tuple[Seen, ...]
    successful: Counts
    failed: Counts
    unexplained: Counts
    overlapping: Counts
    of: Codes
    result_type: Column
    mx: Column
    effect: Column
    sending_ip: Column
    receiving_ip: Column
    in_policy: npt.NDArray[np.int8]
    sessions: Counts
    reports: Counts | None = None
    results: Counts | None = None
    details: Counts | None = None

    @property
    def report_count(self) -> int:
        """How many reports there are."""
        return len(self.report_first) if self.reports is None else total(self.reports)

    @property
    def dated(self) -> Mask:
        """The policy results whose report has a start."""
        known: Mask = self.day != NO_DAY
        return known

    @property
    def detailed(self) -> Counts:
        """Of each policy result: the sum over its failure details."""
        summed: Counts = self.failed - self.unexplained + self.overlapping
        return summed

    def span(self) -> tuple[int, int]:
        """Give the first and the last day on which a report starts; no day where there is none."""
        days = self.report_first[self.report_first != NO_DAY]
        return (int(days.min()), int(days.max())) if len(days) else (0, -1)

    @cached_property
    def kinds(self) -> "Groups":
        """The policy results grouped by domain, sender, policy type and mode."""
        return grouped(
            (self.domain.codes, len(self.domain.words)),
            (self.policy_sender, len(self.sender.words)),
            (self.policy_type.codes, len(self.policy_type.words)),
            (self.mode.codes, len(self.mode.words)),
        )

    def policies_where(self, where: Filter) -> Mask:
        """Mark the policy results that a filter chooses.

        Raises
        ------
        InputError
            It is no filter: every measure comes by here.
        """
        where = chosen(where)
        mask = np.ones(len(self.day), dtype=bool)
        for words, column, codes in (
            (where.domains, self.domain, self.domain.codes),
            (where.senders, self.sender, self.policy_sender),
            (where.policy_types, self.policy_type, self.policy_type.codes),
            (where.modes, self.mode, self.mode.codes),
        ):
            if words:
                mask &= one_of(column, codes, words)
        if where.start is not None:
            mask &= self.day >= days_since_1970(where.start)
        if where.end is not None:
            mask &= (self.day <= days_since_1970(where.end)) & self.dated
        return mask

    def sessions_where(self, where: Filter) -> Mask:
        """Mark the policy results whose sessions may be added up.

        A session may be counted under `sts` and under `tlsa` of one report (RFC 8460 §4), so `tlsa` is
        left out unless the filter names policy types.
        """
        where = chosen(where)
        mask = self.policies_where(where)
        if not where.policy_types:
            mask &= self.policy_type.codes != self.policy_type.code("tlsa")
        return mask

    def failures_where(self, where: Filter, policies: Mask | None = None) -> Mask:
        """Mark the failure details that a filter chooses; `policies` spares the first half."""
        where = chosen(where)
        mask = (self.policies_where(where) if policies is None else policies)[self.of]
        for words, column in (
            (where.result_types, self.result_type),
            (where.mx_hosts, self.mx),
            (where.effects, self.effect),
        ):
            if words:
                mask &= one_of(column, column.codes, words)
        return mask


class HasTables(Protocol):
    """What facts are made of."""

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The four tables as Arrow holds them."""


class Data(HasTables, Protocol):
    """What measures take. :class:`mtasts_analysis.Archive` is one."""

    @property
    def facts(self) -> Facts:
        """The tables in codes."""

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
    def problem_counts(self) -> dict[str, dict[str, int]]:
        """Rows of `problems` by severity and code."""


def facts_of(data: Data) -> Facts:
    """Give what a measure counts in.

    Raises
    ------
    InputError
        It is no archive: one of its frames, for example.

    Examples
    --------
    >>> facts_of(pd.DataFrame())
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: data: expected a loaded archive or a store; got a DataFrame. load() gives one
    """
    facts = data.facts if hasattr(type(data), "facts") else None
    if not isinstance(facts, Facts):  # a check has facts of its own
        raise InputError(
            f"data: expected a loaded archive or a store; got a {type(data).__name__}. load() gives one"
        )
    return facts


def days_since_1970(day: Any) -> int:
    """Give a date as a number of days."""
    return int(np.datetime64(day, "D").astype(np.int64))


def dates(days: npt.ArrayLike) -> pd.DatetimeIndex:
    """Give numbers of days as UTC midnights."""
    whole = np.asarray(days, dtype="datetime64[D]").astype("datetime64[us]")
    return pd.DatetimeIndex(whole, tz="UTC")


def totals(codes: npt.NDArray[Any], weights: Counts, size: int) -> npt.NDArray[Any]:
    """Add weights up by code, exactly: as int64, or as Python integers where two such sums would not hold.

    Examples
    --------
    >>> totals(np.array([0, 1, 0]), np.array([2, 3, 4]), 2)
    array([6, 3])
    """
    top = int(weights.max(initial=0))
    if top * max(len(weights), 1) < _EXACT or float(weights.sum(dtype=np.float64)) < _EXACT / 2:
        added = np.bincount(codes, weights=weights.astype(np.float64), minlength=size)
        return added.astype(np.int64)
    whole = np.zeros(size, dtype=object)
    np.add.at(whole, codes, weights.astype(object))
    return whole if max(whole, default=0) >= 2**62 else whole.astype(np.int64)


def number(
    codes: npt.NDArray[Any], stand_for: Counts | None, rows: npt.NDArray[Any] | slice, size: int
) -> npt.NDArray[Any]:
    """Count rows by code, each as many times as it stands for; `rows` are those whose codes are given.

    Examples
    --------
    >>> codes, rows = np.array([0, 1, 0]), np.array([2, 3, 4])
    >>> number(codes, None, rows, 2), number(codes, np.array([1, 1, 5, 1, 2]), rows, 2)
    (array([2, 1]), array([7, 1]))
    """
    if stand_for is None:
        return np.bincount(codes, minlength=size)
    return totals(codes, stand_for[rows], size)


def total(weights: Counts) -> int:
    """Add weights up, exactly."""
    return int(totals(np.zeros(len(weights), dtype=np.int64), weights, 1)[0])


def counts(values: npt.NDArray[Any]) -> "pd.Series[Any]":
    """Give sums as a column: Int64, or objects where it could not be added up, for pandas wraps silently.

    Examples
    --------
    >>> int(counts(np.array([2**62, 2**62])).sum())
    9223372036854775808
    """
    # As in `totals`: two such columns may be added to each other.
    return pd.Series(values, dtype="object" if total(values) >= 2**62 else "Int64")


def share(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Divide sums; NaN where there is nothing to divide by."""
    part, whole = part.astype(np.float64), whole.astype(np.float64)
    result: npt.NDArray[np.float64] = np.divide(
        part, whole, out=np.full(len(whole), np.nan), where=whole > 0
    )
    return result


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows grouped by one or more columns of codes.

    Attributes
    ----------
    place
        Of each row: its group.
    codes
        Of each column: the groups' codes, in the order of the columns' codes.
    size
        How many groups there are.
    """

    place: npt.NDArray[np.int64]
    codes: tuple[npt.NDArray[np.int64], ...]
    size: int


_DENSE = 1 << 22


def grouped(*columns: tuple[npt.NDArray[Any], int]) -> Groups:
    """Group rows by columns of codes from -1 up to a size.

    Where the combinations are few enough to count them all, nothing is sorted.

    Examples
    --------
    >>> found = grouped((np.array([1, 0, 1]), 2), (np.array([-1, 2, -1]), 3))
    >>> found.place.tolist(), [codes.tolist() for codes in found.codes]
    ([1, 0, 1], [[0, 1], [2, -1]])
    """
    key, product = columns[0][0].astype(np.int64), columns[0][1] + 1
    key += 1
    for codes, size in columns[1:]:
        product *= size + 1
        if product >= 2**62:
            return _grouped_by_steps(*columns)
        key *= size + 1
        key += codes
        key += 1
    if product <= max(_DENSE, len(key)):
        there = np.zeros(product, dtype=bool)
        there[key] = True
        found = np.flatnonzero(there)
        renumbered = np.empty(product, dtype=np.intp)
        renumbered[found] = np.arange(len(found))
        place = renumbered[key]
    else:
        found, place = np.unique(key, return_inverse=True)
    parts = []
    rest = found
    for _, size in reversed(columns):
        whole = rest // (size + 1)  # far faster than np.divmod
        parts.append(rest - whole * (size + 1) - 1)
        rest = whole
    return Groups(place, tuple(reversed(parts)), len(found))


def _grouped_by_steps(*columns: tuple[npt.NDArray[Any], int]) -> Groups:
    """Group where the combinations would overflow: after each column as many codes as groups."""
    place = np.zeros(len(columns[0][0]), dtype=np.int64)
    for codes, size in columns:
        _, first, place = np.unique(
            place * (size + 1) + codes + 1, return_index=True, return_inverse=True
        )
    return Groups(place, tuple(codes[first].astype(np.int64) for codes, _ in columns), len(first))


def one_of(column: Column, codes: npt.NDArray[Any], words: tuple[str | None, ...]) -> Mask:
    """Mark the codes that stand for one of some words; all of them where there are no words."""
    if not words:
        return np.ones(len(codes), dtype=bool)
    chosen = np.zeros(len(column.words) + 2, dtype=bool)  # the last two: unknown (-2), none (-1)
    chosen[[column.code(word) for word in words]] = True
    chosen[-2] = False
    mask: Mask = chosen[codes]
    return mask
