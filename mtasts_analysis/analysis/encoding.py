"""From the four tables to facts: words become codes once."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mtasts_analysis.analysis import names
from mtasts_analysis.analysis.effects import EFFECTS, effect
from mtasts_analysis.analysis.facts import (
    NO_DAY,
    NONE,
    Codes,
    Column,
    Counts,
    Facts,
    HasTables,
    Seen,
    grouped,
    number,
    totals,
)
from mtasts_analysis.names import mx_matches

LONG_HOURS = 25.0
"""A report over more than a day and an hour (a clock change) belongs to no single day."""


def make(data: HasTables) -> Facts:
    """Turn an archive's tables into codes.

    Parameters
    ----------
    data
        Anything with the four Arrow tables, or with cubes (:mod:`~mtasts_analysis.analysis.cubes`).

    Returns
    -------
    Facts
        About 60 bytes a policy result and 30 a failure detail.
    """
    tables = data.tables
    reports, policies, failures = (tables[name] for name in ("reports", "policies", "failures"))
    of_report = rows_of(policies["report_key"], reports["report_key"])
    sender, spellings = _senders(reports)
    # A report that ends at midnight ends on the day before.
    first, last = _days(reports["start"], 0), _days(reports["end"], 1)
    span = reports["span_hours"].to_numpy()

    domain, policy_type = _column(policies["domain"]), _column(policies["policy_type"])
    mode = _column(policies["mode"])
    policy, seen = _contents(policies)
    of = rows_of(failures["policy_key"], policies["policy_key"])
    result_type = _column(failures["result_type"])
    mx = _column(failures["receiving_mx_hostname"], names.mx_host)
    sessions = numbers(failures["failed_session_count"])
    failed = numbers(policies["total_failure_session_count"])
    detailed = _sum_of_details(of, sessions, len(policies))
    stand_for = rows_stand_for(reports, "reports")
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
        seen=seen,
        successful=numbers(policies["total_successful_session_count"]),
        failed=failed,
        unexplained=np.maximum(failed - detailed, 0),
        overlapping=np.maximum(detailed - failed, 0),
        of=of,
        result_type=result_type,
        mx=mx,
        effect=_effects(result_type, policy_type, mode, of),
        sending_ip=_column(failures["sending_mta_ip"]),
        receiving_ip=_column(failures["receiving_ip"]),
        in_policy=_in_policy(mx, policy, seen, of),
        sessions=sessions,
        reports=stand_for,
        results=None if stand_for is None else stand_for[of_report],
        details=rows_stand_for(failures, "details"),
    )


def rows_stand_for(table: pa.Table, name: str) -> Counts | None:
    """Give for how many each row stands; None where each stands for itself."""
    return numbers(table[name]) if name in table.column_names else None


def _column(column: pa.ChunkedArray, spelling: Callable[[str], str] | None = None) -> Column:
    """Give a word column's codes; the same spelling, where one is given, is the same word.

    Words are numbered in their own order, not in that of the rows: so what ties is told apart alike in
    an archive and in a store, in whichever order the reports came.
    """
    encoded = column.unify_dictionaries().combine_chunks()
    codes = encoded.indices.fill_null(NONE).to_numpy(zero_copy_only=False).astype(np.int32)
    words = encoded.dictionary.to_pylist()
    spelled = [spelling(word) if spelling else word for word in words]
    places = {word: at for at, word in enumerate(sorted({word for word in spelled if word}))}
    moved = [places[word] if word else NONE for word in spelled]
    return Column(np.array([*moved, NONE], dtype=np.int32)[codes], tuple(places))


def rows_of(keys: pa.ChunkedArray, among: pa.ChunkedArray) -> Codes:
    """Find the row of each key; a cube's keys are its rows' numbers."""
    if pa.types.is_integer(keys.type):
        rows: Codes = keys.to_numpy().astype(np.int32)
        return rows
    # A table that a filter emptied may have no chunk at all, which is no set of values to pyarrow.
    values = among.combine_chunks() if among.num_chunks else pa.array([], among.type)
    found = pc.index_in(keys, values)
    return found.to_numpy().astype(np.int32) if len(keys) else np.zeros(0, dtype=np.int32)


def _days(times: pa.ChunkedArray, earlier: int) -> Codes:
    instants = pc.subtract(times.cast(pa.int64()), earlier).cast(pa.float64())
    days = pc.floor(pc.divide(instants, 86_400e6))
    result: Codes = pc.fill_null(days, float(NO_DAY)).to_numpy().astype(np.int32)
    return result


def numbers(column: pa.ChunkedArray) -> Counts:
    """Give a column's numbers; one that is not there adds nothing."""
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
    stand_for = rows_stand_for(reports, "reports")
    sizes = number(groups.place, stand_for, slice(None), groups.size).tolist()
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


def _contents(policies: pa.Table) -> tuple[Column, tuple[Seen, ...]]:
    """Give each policy result the code of the policy that the sender saw; none where it saw none."""
    age = policies["max_age"].cast(pa.string())
    texts = pc.binary_join(policies["policy_string"], "\n")
    patterns = pc.binary_join(policies["mx_patterns"], ",")
    content = pc.binary_join_element_wise(
        policies["mode"].cast(pa.string()), age, patterns, texts, "\x1f", null_handling="replace"
    )
    seen = pc.or_(pc.is_valid(policies["policy_string"]), pc.is_valid(policies["mode"]))
    known = pc.if_else(seen, content, pa.scalar(None, pa.string())).dictionary_encode()
    column, written = _column(known, _told), _column(known)
    # Of the ways in which one policy is written the first in their own order stands for it, not in the rows'.
    row = np.zeros(len(written.words) + 1, dtype=np.int64)
    row[written.codes] = np.arange(len(policies))
    row = row[:-1][::-1]
    first = np.zeros(len(column.words), dtype=np.int64)
    first[column.codes[row]] = row
    rows = policies.select(["mode", "max_age", "mx_patterns"]).take(pa.array(first))
    return column, tuple(
        Seen(row["mode"], row["max_age"], _tuple(row["mx_patterns"])) for row in rows.to_pylist()
    )


def _told(content: str) -> str:
    """Give what tells a policy from another: not how a sender writes it, or in which order its MX stand."""
    mode, age, patterns, _ = content.split("\x1f", 3)
    if not (mode or age or patterns):
        return content  # no part of it could be read
    return "\x1f".join([mode, age, ",".join(sorted(patterns.split(",")))])


def _tuple(words: list[str] | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(words)


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


def _in_policy(
    mx: Column, policy: Column, seen: tuple[Seen, ...], of: Codes
) -> npt.NDArray[np.int8]:
    groups = grouped((mx.codes, len(mx.words)), (policy.codes[of], len(policy.words)))
    found = []
    for m, p in zip(*groups.codes, strict=True):
        patterns = seen[p].mx_patterns if p >= 0 else None
        host = mx.word(m)
        if host is None or not patterns:
            found.append(-1)
        else:
            found.append(int(any(mx_matches(host, pattern) for pattern in patterns)))
    return np.array(found, dtype=np.int8)[groups.place]
