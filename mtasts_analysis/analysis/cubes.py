"""Reports that are alike as one row: two exact cubes, which every measure counts in as in the rows.

A report's row is its day, its sender as written, its signature's verdict, and its policy results one by
one; a policy result's is day × domain × sender × policy type × mode × whole policy; a failure's has its
result type, MX, sending and receiving address besides. Sessions are added up, and a row says for how many
it stands. The same tables as an archive's, so that the same facts are made of them; `report_key` and
`policy_key` are numbers here.

Of a row whose details exceed its summary (RFC 8460 §4 lets them overlap) no part can be told from a sum,
nor of counts whose sum may pass 2^63-1: such a report stays by itself.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mtasts_analysis.analysis.encoding import LONG_HOURS, numbers, rows_of, rows_stand_for
from mtasts_analysis.analysis.facts import Codes, Counts, Mask, grouped, totals
from mtasts_analysis.archive.tables import SCHEMAS

_SUMMED = 2**40
"""A count from which on nothing is added up: 8 million of them still fit."""
_RESULTS = 4
"""A report with more policy results stays by itself."""
_DAY = 86_400_000_000

COUNT = {"reports": "reports", "failures": "details"}
"""The column that says for how many a row stands."""


def _schema(name: str, kept: tuple[str, ...]) -> pa.Schema:
    keys = [
        pa.field(key, pa.int64())
        for key in {
            "reports": ("report_key",),
            "policies": ("policy_key", "report_key"),
            "failures": ("policy_key",),
        }[name]
    ]
    fields = [*keys, *(SCHEMAS[name].field(column) for column in kept)]
    if name in COUNT:
        fields.append(pa.field(COUNT[name], pa.int64()))
    return pa.schema(fields)


SCHEMA = {
    "reports": _schema(
        "reports",
        ("organization_name", "submitter", "start", "end", "span_hours", "dkim", "origin"),
    ),
    "policies": _schema(
        "policies",
        (
            "domain",
            "policy_type",
            "mode",
            "max_age",
            "mx_patterns",
            "policy_string",
            "total_successful_session_count",
            "total_failure_session_count",
        ),
    ),
    "failures": _schema(
        "failures",
        (
            "result_type",
            "sending_mta_ip",
            "receiving_mx_hostname",
            "receiving_ip",
            "failed_session_count",
        ),
    ),
}

Tables = dict[str, pa.Table]


def empty() -> Tables:
    """Give cubes without rows."""
    return {name: schema.empty_table() for name, schema in SCHEMA.items()}


def joined(parts: list[Tables]) -> Tables:
    """Put cubes one after the other; their numbers are made to differ."""
    found = []
    reports = policies = 0
    for part in parts:
        found.append(moved(part, {"report_key": reports, "policy_key": policies}))
        reports += len(part["reports"])
        policies += len(part["policies"])
    return {
        name: pa.concat_tables([part[name] for part in found]).unify_dictionaries()
        if found
        else schema.empty_table()
        for name, schema in SCHEMA.items()
    }


def moved(part: Tables, by: dict[str, int]) -> Tables:
    """Add to the numbers of a cube's rows."""
    return {name: _moved(table, by) for name, table in part.items()}


def _moved(table: pa.Table, by: dict[str, int]) -> pa.Table:
    for column, offset in by.items():
        at = table.schema.get_field_index(column)
        if at >= 0 and offset:
            field = table.schema.field(at)
            table = table.set_column(at, field, pc.add(table.column(at), offset))
    return table


def cube(tables: Tables) -> Tables:
    """Put what is alike into one row.

    Parameters
    ----------
    tables
        An archive's tables, or cubes, whose keys are the numbers of their rows.

    Returns
    -------
    dict
        The tables of :data:`SCHEMA`, in the order of first sight.
    """
    reports, policies, failures = (tables[name] for name in SCHEMA)
    of_report = rows_of(policies["report_key"], reports["report_key"])
    of_policy = rows_of(failures["policy_key"], policies["policy_key"])
    stand_for = _weights(reports, "reports")
    successful = numbers(policies["total_successful_session_count"])
    failed = numbers(policies["total_failure_session_count"])
    sessions = numbers(failures["failed_session_count"])
    detailed = totals(of_policy, sessions, len(policies))

    alone = (detailed > failed) | (detailed >= _SUMMED)
    alone = (alone | (failed >= _SUMMED) | (successful >= _SUMMED)).astype(bool)
    results = grouped(
        *(_codes(policies[name]) for name in ("domain", "policy_type", "mode")),
        _codes(policies["max_age"].cast(pa.string())),
        _codes(pc.binary_join(policies["mx_patterns"], ",")),
        _codes(pc.binary_join(policies["policy_string"], "\n")),
        _apart(alone),
    )
    within = _within(of_report)
    single = np.zeros(len(reports), dtype=bool)
    single[of_report[(within >= _RESULTS) | alone]] = True
    alike = grouped(
        *(_codes(reports[name]) for name in ("organization_name", "submitter", "dkim")),
        _days(reports["start"], 0),
        _days(reports["end"], 1),
        _flag(reports["span_hours"]),
        *_columns(of_report, within, results.place, results.size, len(reports)),
        _apart(single),
    )
    place, first, size = _by_sight(alike.place, alike.size)
    count = totals(place, stand_for, size)

    # A group's policy results are those of its first report, and the k-th of each other adds to the k-th.
    examples = np.zeros(len(reports), dtype=bool)
    examples[first] = True
    kept = np.flatnonzero(examples[of_report])
    group = place[of_report]
    per_group = np.bincount(group[kept], minlength=size)
    base = np.cumsum(per_group) - per_group
    row = base[group] + within
    order = np.zeros(len(kept), dtype=np.int64)
    order[row[kept]] = kept

    words = ("result_type", "receiving_mx_hostname", "sending_mta_ip", "receiving_ip")
    details = grouped(
        (row[of_policy], max(len(kept), 1)),
        *(_codes(failures[name]) for name in words),
        _apart(alone[of_policy]),
    )
    at, seen, many = _by_sight(details.place, details.size)
    return {
        "reports": _table(
            "reports",
            reports.take(pa.array(first)),
            report_key=np.arange(size),
            reports=count,
        ),
        "policies": _table(
            "policies",
            policies.take(pa.array(order)),
            policy_key=np.arange(len(kept)),
            report_key=group[order],
            total_successful_session_count=totals(row, successful, len(kept)),
            total_failure_session_count=totals(row, failed, len(kept)),
        ),
        "failures": _table(
            "failures",
            failures.take(pa.array(seen)),
            policy_key=row[of_policy[seen]],
            failed_session_count=totals(at, sessions, many),
            details=totals(at, _weights(failures, "details"), many),
        ),
    }


def _table(name: str, rows: pa.Table, **made: npt.NDArray[np.int64]) -> pa.Table:
    columns = [
        pa.array(made[field.name], pa.int64()) if field.name in made else rows[field.name]
        for field in SCHEMA[name]
    ]
    return pa.table(columns, schema=SCHEMA[name])


def _by_sight(place: npt.NDArray[np.int64], size: int) -> tuple[Counts, Counts, int]:
    """Number groups in the order of first sight; give each row's group, and each group's first row."""
    first = np.full(size, len(place), dtype=np.int64)
    np.minimum.at(first, place, np.arange(len(place)))
    order = np.argsort(first, kind="stable")
    rank = np.empty(size, dtype=np.int64)
    rank[order] = np.arange(size)
    return rank[place], first[order], size


def _columns(
    of_report: Codes, within: Counts, kinds: npt.NDArray[np.int64], size: int, reports: int
) -> list[tuple[npt.NDArray[np.int64], int]]:
    """Give the kinds of each report's policy results, first, second and so on, as columns."""
    columns = []
    for number in range(_RESULTS):
        column = np.full(reports, -1, dtype=np.int64)
        there = within == number
        column[of_report[there]] = kinds[there]
        columns.append((column, size))
    return columns


def _apart(alone: Mask) -> tuple[npt.NDArray[np.int64], int]:
    """Give each row that stays by itself a code of its own."""
    return np.where(alone, np.arange(len(alone)), -1), len(alone)


def _codes(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], int]:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    encoded = column.unify_dictionaries().combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, len(encoded.dictionary)


def _days(times: pa.ChunkedArray, earlier: int) -> tuple[npt.NDArray[np.int64], int]:
    """Give days from the first one on; a report that ends at midnight ends on the day before."""
    known = pc.is_valid(times).to_numpy()
    days = (pc.fill_null(times.cast(pa.int64()), 0).to_numpy() - earlier) // _DAY
    low = int(days[known].min()) if known.any() else 0
    codes = np.where(known, days - low, -1)
    return codes, int(codes.max(initial=0)) + 1


def _flag(hours: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], int]:
    return pc.fill_null(pc.greater(hours, LONG_HOURS), False).to_numpy().astype(np.int64), 2


def _weights(table: pa.Table, name: str) -> Counts:
    weights = rows_stand_for(table, name)
    return np.ones(len(table), dtype=np.int64) if weights is None else weights


def _within(group: Codes) -> Counts:
    """Number the rows of each group, which stand in a row."""
    begins = np.ones(len(group), dtype=bool)
    begins[1:] = group[1:] != group[:-1]
    starts = np.flatnonzero(begins)
    found: Counts = np.arange(len(group)) - np.repeat(
        starts, np.diff(np.append(starts, len(group)))
    )
    return found
