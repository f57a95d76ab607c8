"""The four tables: their schema, and reports → rows.

A star: `reports` ← `policies` ← `failures` by single key columns, and `problems` beside them. The schema
is one object with a version, which Parquet files carry; a column's meaning stands in docs/data-dictionary.md.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mtasts_analysis.archive import wire
from mtasts_analysis.archive.mail import Facts
from mtasts_analysis.archive.reports import TOLERANCES, Parsed
from mtasts_analysis.archive.tolerant import Note
from mtasts_analysis.limits import DEFAULT

_WORD = pa.dictionary(pa.int32(), pa.string())
_TIME = pa.timestamp("us", tz="UTC")
_TEXTS = pa.list_(
    pa.field("element", pa.string())
)  # Parquet's own name, so that a round trip keeps it

SCHEMAS: dict[str, pa.Schema] = {
    "reports": pa.schema(
        {
            "report_key": pa.string(),
            "organization_name": _WORD,
            "submitter": _WORD,
            "contact_info": _WORD,
            "report_id": pa.string(),
            "start": _TIME,
            "end": _TIME,
            "span_hours": pa.float64(),
            "received": _TIME,
            "report_domain": _WORD,
            "message_id": pa.string(),
            "header_from": _WORD,
            "policy_count": pa.int64(),
            "dkim": _WORD,
            "origin": pa.string(),
        }
    ),
    "policies": pa.schema(
        {
            "policy_key": pa.string(),
            "report_key": pa.string(),
            "policy_index": pa.int64(),
            "domain": _WORD,
            "policy_domain": _WORD,
            "policy_type": _WORD,
            "mode": _WORD,
            "max_age": pa.int64(),
            "mx_patterns": _TEXTS,
            "mx_host": _TEXTS,
            "policy_string": _TEXTS,
            "total_successful_session_count": pa.int64(),
            "total_failure_session_count": pa.int64(),
        }
    ),
    "failures": pa.schema(
        {
            "failure_key": pa.string(),
            "policy_key": pa.string(),
            "report_key": pa.string(),
            "failure_index": pa.int64(),
            "result_type": _WORD,
            "sending_mta_ip": _WORD,
            "receiving_mx_hostname": _WORD,
            "receiving_mx_helo": _WORD,
            "receiving_ip": _WORD,
            "failed_session_count": pa.int64(),
            "additional_information": pa.string(),
            "failure_reason_code": pa.string(),
        }
    ),
    "problems": pa.schema(
        {
            "origin": pa.string(),
            "report_key": pa.string(),
            "severity": _WORD,
            "code": _WORD,
            "detail": pa.string(),
        }
    ),
}

NAMES = tuple(SCHEMAS)
"""The tables' names, in the order in which they depend on each other."""


def empty() -> dict[str, pa.Table]:
    """Give the four tables without rows."""
    return {name: schema.empty_table() for name, schema in SCHEMAS.items()}


def concat(parts: Iterable[dict[str, pa.Table]]) -> dict[str, pa.Table]:
    """Join tables of several units in their order; each word column gets one dictionary, and one piece.

    To join what was joined so is quick: where many pieces have one dictionary, each would be gone through anew.
    """
    parts = list(parts) or [Builder().take()]
    whole = {}
    for name in NAMES:
        table = pa.concat_tables([part[name] for part in parts])
        for at, field in enumerate(table.schema):
            if pa.types.is_dictionary(field.type):
                words = table.column(at).unify_dictionaries().combine_chunks()
                table = table.set_column(at, field, words)
        whole[name] = table
    return whole


def canonical(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Give each word column the dictionary of the words in it, in the order of first sight.

    So that the same rows are the same table, whatever was dropped from it, and Parquet gives it back.
    """
    return {name: _canonical(table) for name, table in tables.items()}


def _canonical(table: pa.Table) -> pa.Table:
    for at, field in enumerate(table.schema):
        if not pa.types.is_dictionary(field.type):
            continue
        column = table.column(at).combine_chunks()
        seen = column.indices.drop_null().unique()
        if len(column.dictionary) == len(seen) and seen.equals(
            pa.array(range(len(seen)), seen.type)
        ):
            continue
        place = np.zeros(len(column.dictionary), dtype=np.int32)
        place[seen.to_numpy()] = np.arange(len(seen), dtype=np.int32)
        moved = pa.DictionaryArray.from_arrays(
            pa.array(place).take(column.indices), column.dictionary.take(seen)
        )
        table = table.set_column(at, field, moved)
    return table


class Builder:
    """Gathers the reports of one unit of work and gives their rows as Arrow tables.

    What repeats (a sender's names, a policy) is kept once, with an index in each row, and keys are
    joined by Arrow: few values are converted object by object.
    """

    def __init__(self, problem_bytes: int = DEFAULT.problem_bytes) -> None:
        self._room = problem_bytes
        self._more: LeftOut = {}
        self._clear()

    def _clear(self) -> None:
        # Rows laid end to end: a tuple for each row, or a list for each column, costs more.
        self._reports: list[Any] = []
        self._policies: list[Any] = []
        self._details: list[wire.Detail] = []
        self._problems: list[tuple[str, str | None, str, str, str]] = []
        self._senders: dict[tuple[str | None, ...], int] = {}
        self._applied: dict[wire.Applied, int] = {}
        self.rows = 0
        """How many are held."""

    def report(self, origin: str, parsed: Parsed, facts: Facts) -> None:
        """Add one report."""
        key, results = parsed.key, parsed.results
        report_domain = facts.report_domain
        sender = (
            parsed.organization_name,
            parsed.contact_info,
            facts.submitter,
            report_domain,
            facts.header_from,
            facts.dkim,
        )
        senders = self._senders
        row = len(self._reports) // _REPORT
        self._reports += (
            key,
            senders.setdefault(sender, len(senders)),
            parsed.report_id,
            parsed.start,
            parsed.end,
            facts.received,
            facts.message_id,
            len(results),
            origin,
        )
        rules = self._applied
        self.rows += 1 + len(results)
        for rule, result in zip(parsed.applied, results, strict=True):
            summary = result.summary
            details = result.failure_details
            if details:
                self._details += details
                self.rows += len(details)
            self._policies += (
                row,
                rules.setdefault(rule, len(rules)),
                recipient(rule, report_domain),
                summary.total_successful_session_count,
                summary.total_failure_session_count,
                len(details) if details else 0,
            )
        for note in parsed.notes:
            self.problem(origin, key, *_said(note))

    def problem(
        self, origin: str, report_key: str | None, severity: str, code: str, detail: str
    ) -> None:
        """Add one row of `problems`, while there is room: what is past that is counted."""
        self._room -= len(origin) + len(detail) + _ROW
        if self._room >= 0:
            self._problems.append((origin, report_key, severity, code, detail))
            self.rows += 1
        else:
            self._leave_out(origin, severity, code, 1)

    def problems(self, origins: list[str], severity: str, code: str, detail: str) -> None:
        """Add rows of `problems` that are alike, while there is room, as :meth:`problem` does."""
        for number, origin in enumerate(origins):
            if self._room < 0:
                self._leave_out(origin, severity, code, len(origins) - number)
                break
            self.problem(origin, None, severity, code, detail)

    def _leave_out(self, origin: str, severity: str, code: str, count: int) -> None:
        first, before = self._more.get((severity, code), (origin, 0))
        self._more[severity, code] = first, before + count

    @property
    def left_out(self) -> "LeftOut":
        """What there was no room for."""
        return self._more

    def take(self) -> dict[str, pa.Table]:
        """Give the gathered rows as tables and begin anew.

        `policies` has one column more, `_failures`: how many rows of `failures` are the policy's.
        """
        keys, picks, ids, starts, ends, received, messages, sizes, origins = _columns(
            self._reports, _REPORT
        )
        names, contacts, submitters, report_domains, froms, dkims = (
            zip(*self._senders, strict=True) if self._senders else [()] * 6
        )
        pick = pa.array(picks, pa.int32())
        report_key = pa.array(keys, pa.string())
        start, end = pa.array(starts, pa.int64()), pa.array(ends, pa.int64())
        policy_count = np.array(sizes, dtype=np.int64)
        reports = [
            report_key,
            _words(names, pick),
            _words(submitters, pick),
            _words(contacts, pick),
            pa.array(ids, pa.string()),
            start.cast(_TIME),
            end.cast(_TIME),
            pc.divide(pc.subtract(end, start).cast(pa.float64()), 3.6e9),
            pa.array(received, pa.int64()).cast(_TIME),
            _words(report_domains, pick),
            pa.array(messages, pa.string()),
            _words(froms, pick),
            pa.array(policy_count),
            _words(dkims, pick),
            pa.array(origins, pa.string()),
        ]

        rows, picks, domains, successful, failed, counts = _columns(self._policies, _POLICY)
        rules = list(self._applied)
        pick = pa.array(picks, pa.int32())
        policy_report = report_key.take(pa.array(rows, pa.int32()))
        policy_index = pa.array(_within(policy_count))
        policy_key = _joined(policy_report, policy_index)
        policies = [
            policy_key,
            policy_report,
            policy_index,
            _encoded(domains),
            _words([rule.policy_domain for rule in rules], pick),
            _words([rule.policy_type for rule in rules], pick),
            _words([rule.mode for rule in rules], pick),
            pa.array([rule.max_age for rule in rules], pa.int64()).take(pick),
            pa.array([rule.mx_patterns for rule in rules], _TEXTS).take(pick),
            pa.array([rule.mx_host for rule in rules], _TEXTS).take(pick),
            pa.array([rule.policy_string for rule in rules], _TEXTS).take(pick),
            pa.array(successful, pa.int64()),
            pa.array(failed, pa.int64()),
        ]

        details = self._details
        failure_count = np.array(counts, dtype=np.int64)
        of = pa.array(np.repeat(np.arange(len(failure_count), dtype=np.int32), failure_count))
        failure_policy = policy_key.take(of)
        failure_index = pa.array(_within(failure_count))
        failures = [
            _joined(failure_policy, failure_index),
            failure_policy,
            policy_report.take(of),
            failure_index,
            _encoded([d.result_type for d in details]),
            _encoded([d.sending_mta_ip for d in details]),
            _encoded([d.receiving_mx_hostname for d in details]),
            _encoded([d.receiving_mx_helo for d in details]),
            _encoded([d.receiving_ip for d in details]),
            pa.array([d.failed_session_count for d in details], pa.int64()),
            pa.array([d.additional_information for d in details], pa.string()),
            pa.array([d.failure_reason_code for d in details], pa.string()),
        ]
        problems = [
            pa.array(column, field.type)
            for field, column in zip(
                SCHEMAS["problems"],
                zip(*self._problems, strict=True) if self._problems else [()] * 5,
                strict=True,
            )
        ]
        tables = {
            "reports": pa.table(reports, schema=SCHEMAS["reports"]),
            "policies": pa.table(policies, schema=SCHEMAS["policies"]).append_column(
                FAILURES, pa.array(failure_count)
            ),
            "failures": pa.table(failures, schema=SCHEMAS["failures"]),
            "problems": pa.table(problems, schema=SCHEMAS["problems"]),
        }
        self._clear()
        return tables


@lru_cache(4_096)  # a sender's oddities are those of its next report
def _said(note: Note) -> tuple[str, str, str]:
    """Give the severity, the code and the detail of the row that a note becomes."""
    code, where = note
    severity, rule, *_ = TOLERANCES[code]
    return severity, code, f"{where}: {rule}" if where else rule


LeftOut = dict[tuple[str, str], tuple[str, int]]
"""Rows of `problems` that there was no room for: by severity and code, the first one's origin, and how many."""


def left_out(more: LeftOut) -> dict[str, pa.Table]:
    """Give the rows that say what there was no room for."""
    builder = Builder()
    for (severity, code), (origin, count) in more.items():
        detail = f"{count} more, from here on, are left out (limit: problem_bytes)"
        builder.problem(origin, None, severity, code, detail)
    return builder.take()


def within_bound(
    parts: Iterable[tuple[dict[str, pa.Table], LeftOut]], most: int
) -> list[dict[str, pa.Table]]:
    """Hold the problems of several units to the bound of one load, as :class:`Builder` does."""
    bounded = []
    more: LeftOut = {}
    room = most

    def add(key: tuple[str, str], origin: str, count: int) -> None:
        first, before = more.get(key, (origin, 0))
        more[key] = first, before + count

    for part, unsaid in parts:
        problems = part["problems"]
        sizes = pc.add(pc.utf8_length(problems["origin"]), pc.utf8_length(problems["detail"]))
        used = np.cumsum(sizes.to_numpy().astype(np.int64) + _ROW)
        kept = int(np.searchsorted(used, room, side="right")) if room >= 0 else 0
        rest = problems.slice(kept).group_by(["severity", "code"], use_threads=False)
        for row in rest.aggregate([("origin", "first"), ([], "count_all")]).to_pylist():
            add((row["severity"], row["code"]), row["origin_first"], row["count_all"])
        for key, (origin, count) in unsaid.items():
            add(key, origin, count)
        room = -1 if unsaid else room - (int(used[-1]) if len(used) else 0)
        bounded.append(part | {"problems": problems.slice(0, kept)})
    return [*bounded, left_out(more)] if more else bounded


FAILURES = "_failures"
_REPORT, _POLICY = 9, 6
"""Values of a row that is gathered."""
_ROW = 64
"""Bytes of a row of `problems` beside its text."""


def recipient(rule: wire.Applied, report_domain: str | None) -> str | None:
    """Give the recipient domain of a policy result, as far as its own report tells.

    RFC 8460 §4.4 has it in policy-domain, but Postfix and mox name the MX host there under `tlsa`, and
    Postfix names nothing under `no-policy-found`: then the mail's TLS-Report-Domain (§5.3) tells.
    """
    if report_domain is not None and (rule.domain is None or rule.policy_type == "tlsa"):
        return wire.domain(report_domain).key
    return rule.domain


def problems_of(problems: pa.Table, reports: pa.Table) -> pa.Table:
    """Give the problems of some reports, and those that are no report's."""
    own = pc.or_(
        pc.is_null(problems["report_key"]),
        pc.is_in(problems["report_key"], reports["report_key"].combine_chunks()),
    )
    return problems.filter(own)


def _columns(rows: list[Any], width: int) -> list[list[Any]]:
    return [rows[at::width] for at in range(width)]


def _within(counts: "np.ndarray[Any, np.dtype[np.int64]]") -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Number the members of consecutive groups: counts 2, 3 give 0 1 0 1 2."""
    ends = counts.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    numbers: np.ndarray[Any, np.dtype[np.int64]] = np.arange(total) - np.repeat(
        ends - counts, counts
    )
    return numbers


def _joined(key: pa.Array, index: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(key, index.cast(pa.string()), "-")


def _encoded(column: Any) -> pa.DictionaryArray:
    """Give a word column of values that are all there."""
    return pa.array(column, pa.string()).dictionary_encode()


def _words(values: Any, pick: pa.Array) -> pa.DictionaryArray:
    """Give a word column: few values, picked by index for each row."""
    few = _encoded(values)
    return pa.DictionaryArray.from_arrays(few.indices.take(pick), few.dictionary)


# ---------------------------------------------------------------------------------------------------
# What only the whole archive can tell.


def without_duplicates(
    tables: dict[str, pa.Table], *, drop: bool, earlier: pa.Table | None = None
) -> tuple[dict[str, pa.Table], int]:
    """Keep each report once, in order; report the copies and the conflicts.

    A copy has the key of an earlier report; a conflict has the first half of an earlier key, which
    stands for the identity, and another content (see `reports.Parsed.key`).

    Parameters
    ----------
    tables
        What units gave.
    drop
        Whether copies are left out.
    earlier
        `report_key` and `origin` of reports that came before these.

    Returns
    -------
    tuple
        The tables, without the column `_failures`, and how many reports were dropped.
    """
    reports, policies = tables["reports"], tables["policies"]
    counts = policies[FAILURES].to_numpy()
    policies = policies.drop_columns([FAILURES])
    whole = reports.select(["report_key", "origin"])
    if earlier is not None:
        whole = pa.concat_tables([earlier, whole])
    before = len(whole) - len(reports)
    keys = whole["report_key"]
    rows: list[tuple[str, str, str, str, str]] = []
    identities = pc.utf8_slice_codeunits(keys, 0, 16)
    again = _seen_before(identities)
    same = _seen_before(keys) if again.any() else again  # and its content
    copy = same[before:] if drop else np.zeros(len(reports), dtype=bool)
    conflict = (again & ~same)[before:][~copy]
    problems = tables["problems"]
    failures = tables["failures"]
    if copy.any():
        origins = whole["origin"]
        first = dict(zip(keys.to_pylist()[::-1], origins.to_pylist()[::-1], strict=True))
        gone = reports.filter(pa.array(copy))
        for key, origin in zip(
            gone["report_key"].to_pylist(), gone["origin"].to_pylist(), strict=True
        ):
            rows.append((origin, key, "info", "duplicate", f"the same report as {first[key]}"))
        by_policy = np.repeat(copy, reports["policy_count"].to_numpy())
        by_failure = np.repeat(by_policy, counts)
        reports = reports.filter(pa.array(~copy))
        policies = policies.filter(pa.array(~by_policy))
        failures = failures.filter(pa.array(~by_failure))
        theirs = pc.and_(
            pc.is_in(problems["origin"], gone["origin"].combine_chunks()),
            pc.is_valid(problems["report_key"]),
        )
        problems = problems.filter(pc.invert(theirs))
    if conflict.any():
        first = dict(
            zip(identities.to_pylist()[::-1], whole["origin"].to_pylist()[::-1], strict=True)
        )
        clash = reports.filter(pa.array(conflict))
        for key, origin in zip(
            clash["report_key"].to_pylist(), clash["origin"].to_pylist(), strict=True
        ):
            detail = f"the identity of {first[key[:16]]}, with other content: both are kept"
            rows.append((origin, key, "conflict", "conflict", detail))
    if rows:
        builder = Builder()
        for row in rows:
            builder.problem(*row)
        problems = pa.concat_tables([problems, builder.take()["problems"]]).unify_dictionaries()
    return (
        {"reports": reports, "policies": policies, "failures": failures, "problems": problems},
        int(copy.sum()),
    )


def _seen_before(column: pa.ChunkedArray) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Mark each value that stands in an earlier row."""
    if not len(column):
        return np.zeros(0, dtype=bool)
    # Codes are given in the order of first sight: a new value is a new maximum.
    codes = column.combine_chunks().dictionary_encode().indices.to_numpy()
    highest = np.maximum.accumulate(codes)
    seen = np.ones(len(codes), dtype=bool)
    seen[0] = False
    seen[1:] = codes[1:] <= highest[:-1]
    return seen


def with_recipients(
    tables: dict[str, pa.Table], mapping: dict[str, str] | None = None
) -> dict[str, pa.Table]:
    """Map DANE rows that name an MX host back to the domain whose MX it is, where the archive shows it.

    Parameters
    ----------
    tables
        An archive's tables, or cubes.
    mapping
        What :func:`recipients` found, where these are but a part of an archive.
    """
    mapping = recipients(tables) if mapping is None else mapping
    if not mapping:
        return tables
    policies = tables["policies"]
    domain = policies["domain"].unify_dictionaries().combine_chunks()
    places = {word: at for at, word in enumerate(domain.dictionary.to_pylist())}
    moved = np.arange(len(places), dtype=np.int32)
    for host, served in mapping.items():
        if host in places:
            moved[places[host]] = places.setdefault(served, len(places))
    codes = pc.if_else(_dane(policies), pa.array(moved).take(domain.indices), domain.indices)
    column = pa.DictionaryArray.from_arrays(codes, pa.array(places, pa.string()))
    index = policies.schema.get_field_index("domain")
    mapped = policies.set_column(index, policies.schema.field("domain"), column)
    return tables | {"policies": _canonical(mapped)}


def _dane(policies: pa.Table) -> pa.Array:
    """Mark the policy results under `tlsa` that name a domain."""
    kind = policies["policy_type"].unify_dictionaries().combine_chunks()
    tlsa = pc.equal(kind.indices, pc.index(kind.dictionary, "tlsa").cast(pa.int32()))
    return pc.and_(pc.fill_null(tlsa, False), pc.is_valid(policies["domain"]).combine_chunks())


def recipients(tables: dict[str, pa.Table]) -> dict[str, str]:
    """Say for which domain each MX host is that DANE rows name, where the archive shows it.

    It shows it by an exact host in the MTA-STS policy of one domain, or by a failure at that host under
    another policy type of one domain. A host that serves several domains is left out.
    """
    policies = tables["policies"]
    dane = _dane(policies)
    hosts = pc.drop_null(policies["domain"].filter(dane).unique()).to_pylist()
    if not hosts:
        return {}
    served: dict[str, set[str]] = {host: set() for host in hosts}
    rest = policies.select(["policy_key", "domain", "mx_patterns"]).filter(pc.invert(dane))
    known = set(rest["domain"].unique().to_pylist())

    patterns = rest["mx_patterns"].combine_chunks()
    named = pc.is_in(patterns.flatten(), pa.array(hosts, pa.string()))
    shown = pa.table(
        {
            "domain": rest["domain"].take(pc.list_parent_indices(patterns).filter(named)),
            "host": patterns.flatten().filter(named),
        }
    )

    mx = tables["failures"]["receiving_mx_hostname"].unify_dictionaries().combine_chunks()
    words = pc.utf8_lower(mx.dictionary)
    failing = pc.is_in(words, pa.array(hosts, pa.string())).take(mx.indices)
    key = tables["failures"]["policy_key"].filter(failing)
    own = rest.filter(pc.is_in(rest["policy_key"], key.combine_chunks().unique()))
    at = pc.index_in(key, own["policy_key"].combine_chunks())
    failed = pa.table(
        {"domain": own["domain"].take(at), "host": words.take(mx.indices.filter(failing))}
    )

    for part in (shown, failed):
        for row in part.group_by(["domain", "host"], use_threads=False).aggregate([]).to_pylist():
            if row["domain"] is not None:
                served[row["host"]].add(row["domain"])
    return {
        host: domains.copy().pop()
        for host, domains in served.items()
        if len(domains) == 1 and host not in domains and host not in known
    }
