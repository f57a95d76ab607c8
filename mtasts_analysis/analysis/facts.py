"""The tables as columns of small integers: what every measure counts in.

A measure over a million rows must answer while a person moves a slider. So words become codes once,
and a question is then a mask and a sum.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mtasts_analysis.analysis import names
from mtasts_analysis.analysis.effects import EFFECTS, effect
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.names import mx_matches

Codes = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NONE = -1
"""The code of a value that is not there."""

NO_DAY = np.iinfo(np.int32).min
"""The day of a report without a start."""

LONG_HOURS = 25.0
"""A report over more than a day and an hour (a clock change) belongs to no single day."""

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


@dataclass(frozen=True, eq=False)
class Facts:
    """An archive's counts in codes, at three grains.

    Attributes
    ----------
    sender, report_first, report_last
        Of each report: the sender's code, and its first and last UTC day.
    spellings
        Of each sender: the organization names and the submitters that it wrote, the most frequent first.
    report, day, long, domain, sender, policy_type, mode, policy
        Of each policy result: its report's row, its start day (days since 1970-01-01), whether the
        report spans more than 25 h, and codes. `policy` stands for the policy's whole content.
    successful, failed, detailed
        Of each policy result: sessions of its summary, and the sum over its failure details. A count
        that is not there adds nothing.
    of, result_type, mx, effect, sending_ip, receiving_ip, in_policy, sessions
        Of each failure detail: its policy result's row, codes, whether the MX matches a pattern of the
        policy the sender saw (1, 0, or -1 where there is nothing to compare), failed sessions.
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
    successful: Counts
    failed: Counts
    detailed: Counts
    of: Codes
    result_type: Column
    mx: Column
    effect: Column
    sending_ip: Column
    receiving_ip: Column
    in_policy: npt.NDArray[np.int8]
    sessions: Counts

    @property
    def dated(self) -> Mask:
        """The policy results whose report has a start."""
        known: Mask = self.day != NO_DAY
        return known

    def policies_where(self, where: Filter) -> Mask:
        """Mark the policy results that a filter chooses."""
        mask = np.ones(len(self.day), dtype=bool)
        for words, column, codes in (
            (where.domains, self.domain, self.domain.codes),
            (where.senders, self.sender, self.policy_sender),
            (where.policy_types, self.policy_type, self.policy_type.codes),
            (where.modes, self.mode, self.mode.codes),
        ):
            if words:
                mask &= _one_of(column, codes, words)
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
        mask = self.policies_where(where)
        if not where.policy_types:
            mask &= self.policy_type.codes != self.policy_type.code("tlsa")
        return mask

    def failures_where(self, where: Filter, policies: Mask | None = None) -> Mask:
        """Mark the failure details that a filter chooses; `policies` spares the first half."""
        mask = (self.policies_where(where) if policies is None else policies)[self.of]
        for words, column in (
            (where.result_types, self.result_type),
            (where.mx_hosts, self.mx),
            (where.effects, self.effect),
        ):
            if words:
                mask &= _one_of(column, column.codes, words)
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


def days_since_1970(day: Any) -> int:
    """Give a date as a number of days."""
    return int(np.datetime64(day, "D").astype(np.int64))


def dates(days: npt.ArrayLike) -> pd.DatetimeIndex:
    """Give numbers of days as UTC midnights."""
    whole = np.asarray(days, dtype="datetime64[D]").astype("datetime64[us]")
    return pd.DatetimeIndex(whole, tz="UTC")


def totals(codes: npt.NDArray[Any], weights: Counts, size: int) -> npt.NDArray[Any]:
    """Add weights up by code, exactly: as int64, or as Python integers where those do not hold.

    Examples
    --------
    >>> totals(np.array([0, 1, 0]), np.array([2, 3, 4]), 2)
    array([6, 3])
    """
    top = int(weights.max(initial=0))
    if top * max(len(weights), 1) < _EXACT or float(weights.sum(dtype=np.float64)) < _EXACT / 2:
        return np.bincount(codes, weights=weights, minlength=size).astype(np.int64)
    whole = np.zeros(size, dtype=object)
    np.add.at(whole, codes, weights.astype(object))
    return whole if max(whole, default=0) >= 2**63 else whole.astype(np.int64)


def total(weights: Counts) -> int:
    """Add weights up, exactly."""
    return int(totals(np.zeros(len(weights), dtype=np.int64), weights, 1)[0])


def counts(values: npt.NDArray[Any]) -> "pd.Series[Any]":
    """Give sums as a column: Int64, or objects where a sum passes 2^63-1."""
    return pd.Series(values, dtype="object" if values.dtype == object else "Int64")


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
    key = np.zeros(len(columns[0][0]), dtype=np.int64)
    product = 1
    for codes, size in columns:
        product *= size + 1
        key = key * (size + 1) + codes + 1
    if product >= 2**62:
        return _grouped_by_steps(*columns)
    if product <= max(_DENSE, len(key)):
        found = np.flatnonzero(np.bincount(key, minlength=1))
        renumbered = np.zeros(int(found[-1]) + 1 if len(found) else 0, dtype=np.int64)
        renumbered[found] = np.arange(len(found))
        place = renumbered[key]
    else:
        found, place = np.unique(key, return_inverse=True)
    parts = []
    rest = found
    for _, size in reversed(columns):
        rest, part = np.divmod(rest, size + 1)
        parts.append(part - 1)
    return Groups(place, tuple(reversed(parts)), len(found))


def _grouped_by_steps(*columns: tuple[npt.NDArray[Any], int]) -> Groups:
    """Group where the combinations would overflow: after each column as many codes as groups."""
    place = np.zeros(len(columns[0][0]), dtype=np.int64)
    for codes, size in columns:
        _, first, place = np.unique(
            place * (size + 1) + codes + 1, return_index=True, return_inverse=True
        )
    return Groups(place, tuple(codes[first].astype(np.int64) for codes, _ in columns), len(first))


def make(data: HasTables) -> Facts:
    """Turn an archive's tables into codes.

    Parameters
    ----------
    data
        Anything with the four Arrow tables.

    Returns
    -------
    Facts
        About 60 bytes a policy result and 30 a failure detail.
    """
    tables = data.tables
    reports, policies, failures = (tables[name] for name in ("reports", "policies", "failures"))
    of_report = _rows(policies["report_key"], reports["report_key"])
    sender, spellings = _senders(reports)
    # A report that ends at midnight ends on the day before.
    first, last = _days(reports["start"], 0), _days(reports["end"], 1)
    span = reports["span_hours"].to_numpy()

    domain, policy_type = _column(policies["domain"]), _column(policies["policy_type"])
    mode, policy = _column(policies["mode"]), _contents(policies)
    of = _rows(failures["policy_key"], policies["policy_key"])
    result_type = _column(failures["result_type"])
    mx = _column(failures["receiving_mx_hostname"], _host)
    sessions = _numbers(failures["failed_session_count"])
    return Facts(
        sender=sender,
        spellings=spellings,
        report_first=first,
        report_last=last,
        report=of_report,
        day=first[of_report],
        long=(span > LONG_HOURS)[of_report],
        policy_sender=sender.codes[of_report],
        domain=domain,
        policy_type=policy_type,
        mode=mode,
        policy=policy,
        successful=_numbers(policies["total_successful_session_count"]),
        failed=_numbers(policies["total_failure_session_count"]),
        detailed=_sum_of_details(of, sessions, len(policies)),
        of=of,
        result_type=result_type,
        mx=mx,
        effect=_effects(result_type, policy_type, mode, of),
        sending_ip=_column(failures["sending_mta_ip"]),
        receiving_ip=_column(failures["receiving_ip"]),
        in_policy=_in_policy(mx, policy, policies, of),
        sessions=sessions,
    )


def _one_of(column: Column, codes: Codes, words: tuple[str | None, ...]) -> Mask:
    chosen = np.zeros(len(column.words) + 2, dtype=bool)  # the last two: unknown (-2), none (-1)
    chosen[[column.code(word) for word in words]] = True
    chosen[-2] = False
    mask: Mask = chosen[codes]
    return mask


def _column(column: pa.ChunkedArray, spelling: Callable[[str], str] | None = None) -> Column:
    """Give a word column's codes; the same spelling, where one is given, is the same word."""
    encoded = column.unify_dictionaries().combine_chunks()
    codes = encoded.indices.fill_null(NONE).to_numpy(zero_copy_only=False).astype(np.int32)
    words = encoded.dictionary.to_pylist()
    spelled = [spelling(word) if spelling else word for word in words]
    places: dict[str, int] = {}
    moved = [places.setdefault(word, len(places)) if word else NONE for word in spelled]
    return Column(np.array([*moved, NONE], dtype=np.int32)[codes], tuple(places))


def _host(name: str) -> str:
    return name.strip().lower().removesuffix(".")


def _rows(keys: pa.ChunkedArray, among: pa.ChunkedArray) -> Codes:
    """Find the row of each key."""
    found = pc.index_in(keys, among.combine_chunks() if among.num_chunks else None)
    return found.to_numpy().astype(np.int32) if len(keys) else np.zeros(0, dtype=np.int32)


def _days(times: pa.ChunkedArray, earlier: int) -> Codes:
    instants = pc.subtract(times.cast(pa.int64()), earlier).cast(pa.float64())
    days = pc.floor(pc.divide(instants, 86_400e6))
    result: Codes = pc.fill_null(days, float(NO_DAY)).to_numpy().astype(np.int32)
    return result


def _numbers(column: pa.ChunkedArray) -> Counts:
    values: Counts = pc.fill_null(column, 0).to_numpy()
    return values


def _sum_of_details(of: Codes, sessions: Counts, size: int) -> Counts:
    summed = totals(of, sessions, size)
    # A report whose details pass 2^63-1 together is no measurement; the bound keeps int64 whole.
    result: Counts = np.minimum(summed, 2**63 - 1).astype(np.int64)
    return result


def _senders(reports: pa.Table) -> tuple[Column, tuple[tuple[str, str], ...]]:
    submitter, name = _column(reports["submitter"]), _column(reports["organization_name"])
    groups = grouped((submitter.codes, len(submitter.words)), (name.codes, len(name.words)))
    sizes = np.bincount(groups.place, minlength=groups.size).tolist()
    spelled: list[names.Pair] = [
        (submitter.word(s), name.word(n)) for s, n in zip(*groups.codes, strict=True)
    ]
    named = names.group(zip(spelled, sizes, strict=True))
    places: dict[str, int] = {}
    of_pair = [
        places.setdefault(label, len(places)) if (label := named[pair]) is not None else NONE
        for pair in spelled
    ]
    written: list[tuple[dict[str, None], dict[str, None]]] = [({}, {}) for _ in places]
    for at in sorted(range(groups.size), key=lambda at: -sizes[at]):
        if of_pair[at] != NONE:
            for kept, word in zip(written[of_pair[at]], reversed(spelled[at]), strict=True):
                if word is not None:
                    kept[word] = None
    spellings = tuple(("; ".join(names_), "; ".join(submitters)) for names_, submitters in written)
    return Column(np.array(of_pair, dtype=np.int32)[groups.place], tuple(places)), spellings


def _contents(policies: pa.Table) -> Column:
    """Give each policy result the code of the whole policy that the sender saw; none where it saw none."""
    age = policies["max_age"].cast(pa.string())
    texts = pc.binary_join(policies["policy_string"], "\n")
    patterns = pc.binary_join(policies["mx_patterns"], ",")
    content = pc.binary_join_element_wise(
        policies["mode"].cast(pa.string()), age, patterns, texts, "\x1f", null_handling="replace"
    )
    seen = pc.or_(pc.is_valid(policies["policy_string"]), pc.is_valid(policies["mode"]))
    return _column(pc.if_else(seen, content, pa.scalar(None, pa.string())).dictionary_encode())


def _effects(result_type: Column, policy_type: Column, mode: Column, of: Codes) -> Column:
    groups = grouped(
        (result_type.codes, len(result_type.words)),
        (policy_type.codes[of], len(policy_type.words)),
        (mode.codes[of], len(mode.words)),
    )
    order = tuple(EFFECTS)
    found = [
        order.index(effect(policy_type.word(p), result_type.word(r), mode.word(m)))
        for r, p, m in zip(*groups.codes, strict=True)
    ]
    return Column(np.array(found, dtype=np.int32)[groups.place], order)


def _in_policy(mx: Column, policy: Column, policies: pa.Table, of: Codes) -> npt.NDArray[np.int8]:
    groups = grouped((mx.codes, len(mx.words)), (policy.codes[of], len(policy.words)))
    first = np.zeros(len(policy.words) + 1, dtype=np.int64)
    first[policy.codes[::-1]] = np.arange(len(policy.codes))[::-1]
    found = []
    for m, p in zip(*groups.codes, strict=True):
        patterns = policies["mx_patterns"][int(first[p])].as_py() if p >= 0 else None
        host = mx.word(m)
        if host is None or not patterns:
            found.append(-1)
        else:
            found.append(int(any(mx_matches(host, pattern) for pattern in patterns)))
    return np.array(found, dtype=np.int8)[groups.place]
