"""Units' tables → files of a store: copies left out, by month, with the cubes; committed now and then."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import IO, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mtasts_analysis.analysis import cubes
from mtasts_analysis.archive import tables
from mtasts_analysis.archive.load import Accounting
from mtasts_analysis.archive.units import Done, Unit
from mtasts_analysis.store import manifest
from mtasts_analysis.store.known import Known
from mtasts_analysis.store.manifest import File, State
from mtasts_analysis.store.places import Place
from mtasts_analysis.store.sources import Sources, sorted_identities

FLUSH = 60_000
"""Rows of reports and failures that are gathered before they are written: some 30 MiB."""
CHECKPOINT = 200_000
"""Reports after which the state is committed, so that a run that is cut off need not begin anew."""
WRITERS = 48
"""Months that are open for writing at once: hostile dates make thousands."""
UNDATED = "none"
"""The month of reports without a start, and of problems without a report."""
CUBES = {name: f"cube-{name}" for name in cubes.SCHEMA}
ROW_GROUP = 128 * 1024
SEEN = pa.schema([("identity", pa.string())])
MARK = b"mtasts_analysis"
"""In a file's metadata: its own name. So one that was put in another's place is told."""


class Writer:
    """Writes tables to new files of a store, one for each month and table.

    Parameters
    ----------
    place
        Where.
    number
        The number of the state that will name the files.
    """

    def __init__(self, place: Place, number: int) -> None:
        self._place = place
        self._number = number
        self._open: dict[tuple[str, str], _Open] = {}
        self.files: dict[str, dict[str, list[File]]] = {}

    def write(self, month: str, table: str, rows: pa.Table) -> None:
        """Add rows to a month's table."""
        if not len(rows):
            return
        made = self._open.pop((month, table), None)
        if made is None:
            while len(self._open) >= WRITERS * len(tables.NAMES):
                self._close(next(iter(self._open)))
            made = _Open(self._place, f"month={month}/{manifest.name(table, self._number)}", rows)
        self._open[month, table] = made
        made.write(rows)

    def rows(self, month: str, table: str) -> int:
        """Give how many rows a month's table was given."""
        made = self._open.get((month, table))
        closed = self.files.get(month, {}).get(table, ())
        return sum(file.rows for file in closed) + (0 if made is None else made.rows)

    def _close(self, key: tuple[str, str]) -> None:
        made = self._open.pop(key)
        made.close()
        month, table = key
        self.files.setdefault(month, {}).setdefault(table, []).append(File(made.name, made.rows))

    def close(self) -> dict[str, dict[str, list[File]]]:
        """End all files, and name them."""
        for key in list(self._open):
            self._close(key)
        return self.files

    def abandon(self) -> None:
        """Let go of all files that are open: the next run takes away what they hold.

        What made the caller give up is told by it; that a file then cannot be closed either says no more.
        """
        while self._open:
            with suppress(Exception):
                self._open.popitem()[1].close()


class _Open:
    def __init__(self, place: Place, name: str, rows: pa.Table) -> None:
        self.name = name
        self.rows = 0
        with ExitStack() as stack:
            opened: AbstractContextManager[IO[bytes]] = place.writing(name)
            file = stack.enter_context(opened)
            # Keys are all different: a dictionary of them is their own size, twice.
            words = [f.name for f in rows.schema if f.name not in _UNIQUE]
            self._writer = stack.enter_context(
                pq.ParquetWriter(
                    file, rows.schema.with_metadata({MARK: name}), compression="zstd",
                    use_dictionary=words, write_page_checksum=True,
                )
            )  # fmt: skip
            self._stack = stack.pop_all()

    def write(self, rows: pa.Table) -> None:
        try:
            self._writer.write_table(rows, row_group_size=ROW_GROUP)
        except (
            BaseException
        ) as error:  # the place tells what the system refused, and lets go of the file
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        self.rows += len(rows)

    def close(self) -> None:
        self._stack.close()


_UNIQUE = frozenset(
    ("report_key", "policy_key", "failure_key", "origin", "message_id", "report_id", "identity")
)


@dataclass(slots=True)
class Run:
    """One ingest: takes units in, in order, and commits.

    Attributes
    ----------
    state
        The newest state.
    sources
        What was read.
    """

    place: Place
    state: State
    known: Known
    sources: Sources
    accounting: Accounting = field(default_factory=Accounting)
    """Of this run, as far as it is committed."""
    read: int = 0
    """Bytes, as far as committed."""
    unread: list[str] = field(default_factory=list)
    """Files and folders that could not be read: a later run may, so nothing of that stays in the store."""
    _writer: Writer | None = None
    _held: list[dict[str, pa.Table]] = field(default_factory=list)
    _rows: int = 0
    _written: int = 0
    _bytes: int = 0
    _pending: Accounting = field(default_factory=Accounting)
    _problems: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, unit: Unit, done: Done) -> None:
        """Take a unit in."""
        problems = done.tables["problems"]
        gone = pc.equal(problems["code"].cast(pa.string()), "file-unreadable")
        names = problems.filter(gone)["origin"].to_pylist()
        self.unread += names
        kept, rejected = (done.tables, done.rejected) if not names else _without(names, done)
        self._held.append(kept)
        if done.left_out:
            self._held.append(tables.left_out(done.left_out))
        self._rows += len(done.tables["reports"]) + len(done.tables["failures"])
        self._pending = added(
            self._pending,
            Accounting(rejected=rejected, not_reports_by_kind=dict(done.others)),
        )
        self._bytes += unit.size
        self.sources.done(unit, done, names)
        if self._rows >= FLUSH:
            self._flush()
        if self._written >= CHECKPOINT:
            self.commit()

    def _flush(self) -> None:
        if not self._held:
            return
        batch = tables.concat(self._held)
        self._held, self._rows = [], 0
        months = month_of(batch["reports"]["start"])
        found = [
            self.known.earlier(
                month, batch["reports"]["report_key"].filter(pc.equal(months, month))
            )
            for month in months.unique().to_pylist()
        ]
        earlier = [table for table in found if table is not None]
        kept, dropped = tables.without_duplicates(
            batch, drop=True, earlier=pa.concat_tables(earlier) if earlier else None
        )
        writer = self._writer = self._writer or Writer(self.place, self.state.number + 1)
        for month, part in by_month(kept):
            self.known.add(month, part["reports"])
            for name, rows in tables.canonical(part).items():
                writer.write(month, name, rows)
            if len(part["reports"]):
                self._write_cube(writer, month, cubes.cube(part))
        codes = kept["problems"]
        counted = codes.group_by(["severity", "code"]).aggregate([([], "count_all")])
        self._problems += Counter(
            {(row["severity"], row["code"]): row["count_all"] for row in counted.to_pylist()}
        )
        conflicts = pc.sum(pc.equal(codes["code"], "conflict")).as_py() or 0
        reports = len(kept["reports"])
        self._pending = added(
            self._pending, Accounting(reports=reports, duplicates=dropped, conflicts=conflicts)
        )
        self._written += reports

    def _write_cube(self, writer: Writer, month: str, made: cubes.Tables) -> None:
        """Add a cube to its month's; its keys are the numbers of its rows there."""
        held = self.state.months.get(month, {})
        by = {
            key: writer.rows(month, CUBES[name])
            + sum(file.rows for file in held.get(CUBES[name], ()))
            for key, name in (("report_key", "reports"), ("policy_key", "policies"))
        }
        for name, rows in cubes.moved(made, by).items():
            writer.write(month, CUBES[name], rows)

    def commit(self) -> None:
        """Make all that was taken in the newest state."""
        self._flush()
        if self._writer is None and not self._bytes and not self.sources.fresh:
            return
        number = self.state.number + 1
        writer = self._writer or Writer(self.place, number)
        months = {month: dict(found) for month, found in self.state.months.items()}
        for month, found in writer.close().items():
            own = months.setdefault(month, {})
            for table, files in found.items():
                own[table] = (*own.get(table, ()), *files)
        seen = self.state.seen
        if self.sources.fresh:
            identities = sorted_identities(self.sources.fresh)
            name = f"seen/{manifest.name('seen', number)}"
            rows = pa.table([identities.astype("U").tolist()], schema=SEEN)
            made = _Open(self.place, name, rows)
            made.write(rows)
            made.close()
            seen = (*seen, File(name, len(identities)))
        problems = {severity: dict(codes) for severity, codes in self.state.problems.items()}
        for (severity, code), count in self._problems.items():
            own_codes = problems.setdefault(severity, {})
            own_codes[code] = own_codes.get(code, 0) + count
        self.state = manifest.commit(
            self.place,
            replace(
                self.state,
                months=months,
                accounting=added(self.state.accounting, self._pending),
                problems=problems,
                mboxes=dict(self.sources.mboxes),
                opened=dict(self.sources.opened),
                seen=seen,
            ),
        )
        self.accounting = added(self.accounting, self._pending)
        self.read += self._bytes
        self.known.committed()
        self.sources.committed()
        self._writer, self._problems = None, Counter()
        self._written = self._bytes = 0
        self._pending = Accounting()
        manifest.clean(self.place, self.state)
        pa.default_memory_pool().release_unused()

    def abandon(self) -> None:
        """Let go of what is not committed."""
        if self._writer is not None:
            self._writer.abandon()


def _without(names: list[str], done: Done) -> tuple[dict[str, pa.Table], int]:
    """Leave out what is wrong with files that could not be read to their end; say how much is still rejected.

    Where the reading stopped things look cut: a later run may read them whole.
    """
    problems = done.tables["problems"]
    inside = tuple(name + mark for name in names for mark in "#/!+[")
    lost = pa.array(
        [
            row["report_key"] is None
            and row["severity"] in ("error", "deviation")
            and (row["origin"] in names or row["origin"].startswith(inside))
            for row in problems.to_pylist()
        ]
    )
    rejected = pc.sum(pc.and_(lost, pc.equal(problems["severity"].cast(pa.string()), "error")))
    kept = problems.filter(pc.invert(lost))
    return done.tables | {"problems": kept}, done.rejected - (rejected.as_py() or 0)


def added(one: Accounting, other: Accounting) -> Accounting:
    """Add two accounts up."""
    kinds = Counter(one.not_reports_by_kind) + Counter(other.not_reports_by_kind)
    return Accounting(
        reports=one.reports + other.reports,
        duplicates=one.duplicates + other.duplicates,
        rejected=one.rejected + other.rejected,
        not_reports_by_kind=dict(sorted(kinds.items())),
        conflicts=one.conflicts + other.conflicts,
    )


def month_of(starts: pa.ChunkedArray) -> pa.Array:
    """Give the UTC month of each start, as `2026-05`; `none` where there is none."""
    named = pc.strftime(starts, format="%Y-%m")
    return pc.fill_null(named, UNDATED).combine_chunks()


def by_month(parts: dict[str, pa.Table]) -> Iterator[tuple[str, dict[str, pa.Table]]]:
    """Split tables by the month of their reports, each in its own order."""
    months = month_of(parts["reports"]["start"]).dictionary_encode()
    names = [*months.dictionary.to_pylist()]
    if UNDATED not in names:
        names.append(UNDATED)
    undated = names.index(UNDATED)
    own = months.indices.to_numpy().astype(np.int64)
    keys = parts["reports"]["report_key"]
    split = {}
    for name, table in parts.items():
        codes = own
        if name != "reports":
            at = pc.index_in(table["report_key"], keys.combine_chunks())
            # A problem without a report, or of a copy that is not kept, has no month.
            codes = np.append(own, undated)[pc.fill_null(at, len(own)).to_numpy()]
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
        split[name] = table.take(pa.array(order)), bounds
    for code, month in enumerate(names):
        part = {
            name: table.slice(bounds[code], bounds[code + 1] - bounds[code])
            for name, (table, bounds) in split.items()
        }
        if any(len(table) for table in part.values()):
            yield month, part


_Made = TypeVar("_Made", Run, Writer)


@contextmanager
def running(made: _Made) -> Iterator[_Made]:
    """Let go of what is not committed, where the block fails."""
    try:
        yield made
    except BaseException:
        made.abandon()
        raise
