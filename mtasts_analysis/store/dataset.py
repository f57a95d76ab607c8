"""`Store`: an archive on disk or in a bucket, which grows run by run and is asked like one in memory."""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import IO, Any, Literal, overload

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mtasts_analysis import arguments
from mtasts_analysis.analysis import cubes
from mtasts_analysis.analysis.facts import Facts
from mtasts_analysis.analysis.filters import EVERYTHING, Filter, chosen
from mtasts_analysis.analysis.summary import Summary, summarise
from mtasts_analysis.archive import export, finding, tables, units
from mtasts_analysis.archive import workers as processes
from mtasts_analysis.archive.load import Accounting
from mtasts_analysis.archive.tables import NAMES, SCHEMAS, problems_of
from mtasts_analysis.data import Archive, PathLike
from mtasts_analysis.errors import InputError, StoreError
from mtasts_analysis.limits import DEFAULT, Limits
from mtasts_analysis.show import html, text
from mtasts_analysis.show import progress as bars
from mtasts_analysis.store import manifest
from mtasts_analysis.store.ingest import CUBES, MARK, ROW_GROUP, SEEN, UNDATED, Run, Writer, running
from mtasts_analysis.store.known import Known
from mtasts_analysis.store.manifest import File, State
from mtasts_analysis.store.places import place
from mtasts_analysis.store.sources import Sources

Tables = dict[str, pa.Table]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a run of :meth:`Store.ingest` did.

    Attributes
    ----------
    accounting
        What became of each item that was read in this run.
    skipped
        Files that were left out: the store holds them.
    read
        Bytes that were read.
    complete
        False where Ctrl-C ended it: what was read is in the store, and a further run reads the rest.
    unread
        Files and folders that could not be read. The store holds no word of them: the next run tries again.
    """

    accounting: Accounting
    skipped: int
    read: int
    complete: bool = True
    unread: tuple[str, ...] = ()

    def __str__(self) -> str:
        ended = "" if self.complete else "; interrupted: run it again for the rest"
        if self.unread:
            named = ", ".join(text.plain(name, 200) for name in self.unread[:3])
            more = f" and {len(self.unread) - 3:,} more" if len(self.unread) > 3 else ""
            ended += f"; could not be read, and is tried again the next time: {named}{more}"
        files = "file" if self.skipped == 1 else "files"
        return f"{self.accounting}; {self.read:,} bytes read, {self.skipped:,} {files} held already{ended}"


class Store:
    """A Parquet dataset of reports, by month of their start, that grows run by run.

    It is asked as an :class:`Archive` is: measures, the panel, the overview and the assessment take it, and
    count in two exact cubes, so that it may be larger than memory. :meth:`read` gives rows.

    What a store looks like, and what holds when, is told in docs/store.md. An object sees the state that
    was newest when it was made, or when :meth:`ingest`, :meth:`compact` or :meth:`refresh` last ended.

    Parameters
    ----------
    url
        A folder, or a URL such as `s3://bucket/prefix` (extra `s3`).
    **options
        What fsspec's file system takes: `key`, `secret`, `endpoint_url` and so on.

    Raises
    ------
    InputError
        It is a file.
    SchemaError
        It was written by a newer version, or is none.
    StoreError
        The folder cannot be read; or it holds files of a store, but no state.
    MissingExtraError
        A bucket without the extra.

    Examples
    --------
    >>> import tempfile
    >>> import mtasts_analysis as ma
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = ma.Store(folder)
    ...     first = store.ingest(ma.sample_archive())
    ...     again = store.ingest(ma.sample_archive())
    ...     found = ma.failure_types(store, ma.Filter(domains="harbour.example"))
    >>> first.accounting.reports, again.accounting.items, again.skipped
    (1206, 0, 47)
    >>> int(found["sessions"].sum())
    9
    """

    def __init__(self, url: PathLike, **options: Any) -> None:
        self._place = place(url, options)
        self._state = manifest.newest(self._place)

    # -- what is in it --------------------------------------------------------------------------------

    @property
    def accounting(self) -> Accounting:
        """What became of each item of all runs."""
        return self._state.accounting

    @property
    def problem_counts(self) -> dict[str, dict[str, int]]:
        """Rows of `problems` by severity and code."""
        return self._state.problems

    @property
    def months(self) -> list[str]:
        """The months of report starts, as `2026-05`; `none` holds reports without a start."""
        return sorted(m for m, held in self._state.months.items() if "reports" in held)

    def files(self, table: str) -> list[str]:
        """Name the files of a table, for other programs: a glob would also find what no state names.

        Parameters
        ----------
        table
            `reports`, `policies`, `failures` or `problems`.

        Returns
        -------
        list of str
            Paths or URLs, by month.

        Raises
        ------
        InputError
            No such table.

        Examples
        --------
        >>> import tempfile
        >>> import mtasts_analysis as ma
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = ma.Store(folder)
        ...     _ = store.ingest(ma.sample_archive() / "single", progress=False)
        ...     [name.removeprefix(folder)[:23] for name in store.files("policies")]
        ['/month=2026-02/policies', '/month=2026-03/policies', '/month=2026-04/policies']
        """
        arguments.one_of("table", table, NAMES)
        return [
            f"{self._place.url.rstrip('/')}/{file.name}"
            for _, held in sorted(self._state.months.items())
            for file in held.get(table, ())
        ]

    def refresh(self) -> "Store":
        """See the newest state.

        Returns
        -------
        Store
            This one.

        Raises
        ------
        SchemaError, StoreError
            As :class:`Store` raises them.

        Examples
        --------
        >>> import tempfile
        >>> import mtasts_analysis as ma
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     reader, writer = ma.Store(folder), ma.Store(folder)
        ...     _ = writer.ingest(ma.sample_archive() / "single", progress=False)
        ...     before = reader.accounting.reports
        ...     before, reader.refresh().accounting.reports
        (0, 43)
        """
        self._see(manifest.newest(self._place))
        return self

    def _see(self, state: State) -> None:
        self._state = state
        self.__dict__.pop("_cube", None)

    # -- what goes in ---------------------------------------------------------------------------------

    def ingest(
        self,
        paths: PathLike | Iterable[PathLike],
        *,
        on_problem: Literal["record", "raise"] = "record",
        dkim: bool = False,
        progress: bool | Callable[[int], None] | None = None,
        limits: Limits = DEFAULT,
        workers: int | None = None,
        executor: Executor | None = None,
    ) -> Ingested:
        """Read what is new under some paths into the store.

        A file that was read is left out as long as it is the same file, of the same name, size and time; of an
        mbox that only grew, the new part is read. Reports that are in the store are left out, whatever
        they come in. What was read is committed every 200,000 reports and at the end; Ctrl-C commits what
        it has and returns, and a second one stops at once. However it ends, the store is in a state that was
        committed.

        Parameters
        ----------
        paths
            A file, a folder, a pattern, `"-"`, or a list of these; as :func:`mtasts_analysis.load`, but no bytes.
        on_problem
            Note what cannot be read in `problems`, or raise at the first: then nothing since the last commit is
            kept.
        dkim, progress, limits, workers, executor
            As :func:`mtasts_analysis.load` takes them.

        Returns
        -------
        Ingested
            What this run did: the account of its items, files left out, bytes read, and whether it came to its
            end.

        Raises
        ------
        StoreError
            Another process writes to the store.
        OutputError
            The folder cannot be written, or the disk is full: what was committed is as it was.
        InputError, ProblemError, WorkerError, MissingExtraError
            As :func:`mtasts_analysis.load` raises them; what was committed before stays. And the first into a
            folder that tables were written to.

        Examples
        --------
        >>> import tempfile
        >>> import mtasts_analysis as ma
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = ma.Store(folder)
        ...     done = store.ingest(ma.sample_archive() / "contoso.zip", progress=False)
        ...     again = store.ingest(ma.sample_archive() / "contoso.zip", progress=False)
        >>> done.accounting.reports, done.read, done.complete
        (270, 146031, True)
        >>> print(again)
        0 items = 0 reports + 0 duplicates + 0 not reports + 0 rejected; 0 bytes read, 1 file held already
        """
        if isinstance(paths, bytes):
            raise InputError("paths: expected files or folders; got bytes, which load() takes")
        settings = units.asked(limits, dkim=dkim, on_problem=on_problem)
        if not self._state.number and not export.WRITTEN.isdisjoint(self._place.names("")):
            raise InputError(
                f"{self._place.url}: expected a store, or a new folder for one; tables were written here, by"
                " `load` or export(). Name another one"
            )
        found = list(finding.files(finding.names(paths)))
        with self._place.alone():
            state = manifest.newest(self._place)
            self._see(state)
            chosen = Sources(self._seen(), dict(state.mboxes), dict(state.opened))
            wanted = chosen.choose(found, mboxes=limits.layers > 0)
            run = Run(self._place, state, Known(self._column), chosen)
            count = processes.wanted(workers, executor, wanted, chosen.starts)
            plan = units.plan(wanted, limits, starts=chosen.starts, skips=chosen.skips)
            ahead: deque[units.Unit] = deque()
            complete = True
            with (
                _interrupted() as stop,
                bars.bar(wanted, progress, chosen.starts) as shown,
                running(run),
                processes.results(_noted(plan, ahead), settings, count, executor) as results,
            ):
                for unit, done in units.numbered(results, shown, dict(chosen.before)):
                    run.add(unit, done)
                    self._see(run.state)
                    ahead.popleft()
                    if stop.is_set() and (ahead or next(plan, None) is not None):
                        complete = False
                        break
                run.commit()
            self._see(run.state)
        return Ingested(run.accounting, chosen.skipped, run.read, complete, tuple(run.unread))

    def _seen(self) -> Any:
        found = [
            self._table(file, SEEN)["identity"].to_numpy(zero_copy_only=False).astype("S32")
            for file in self._state.seen
        ]
        return np.sort(np.concatenate(found)) if found else np.array([], dtype="S32")

    def compact(self) -> None:
        """Put each month's many small files into one, and its cubes into one.

        The rows stay as they are, in their order; a store opens many times faster after it. The files before it
        are taken away by the next commit, for a reader may have them open.

        Raises
        ------
        StoreError
            Another process writes to the store.
        OutputError
            The folder cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import mtasts_analysis as ma
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = ma.Store(folder)
        ...     for name in ("contoso.zip", "single"):
        ...         _ = store.ingest(ma.sample_archive() / name, progress=False)
        ...     before = len(store.files("reports"))
        ...     store.compact()
        ...     before, len(store.files("reports")), store.accounting.reports
        (7, 4, 313)
        """
        with self._place.alone():
            state = manifest.newest(self._place)
            self._see(state)
            months = {}
            with running(Writer(self._place, state.number + 1)) as writer:
                for month, held in state.months.items():
                    if all(len(files) <= 1 for files in held.values()):
                        months[month] = held
                        continue
                    for name in NAMES:
                        for rows in self._batches(name, held.get(name, ())):
                            writer.write(month, name, rows)
                    merged = cubes.cube(self._cubes([month]))
                    for name, rows in merged.items():
                        writer.write(month, CUBES[name], rows)
                for month, made in writer.close().items():
                    months[month] = {table: tuple(files) for table, files in made.items()}
            if months != state.months:
                state = manifest.commit(self._place, replace(state, months=months))
            # Always: who was killed between its commit and this left something to take away.
            manifest.clean(self._place, state)
            self._see(state)

    def _batches(self, name: str, files: Sequence[File]) -> Iterator[pa.Table]:
        """Give the rows of files in larger pieces."""
        held: list[pa.Table] = []
        for file in files:
            held.append(self._table(file, SCHEMAS[name]))
            if sum(map(len, held)) >= ROW_GROUP:
                yield pa.concat_tables(held).unify_dictionaries()
                held = []
        if held:
            yield pa.concat_tables(held).unify_dictionaries()

    # -- what comes out -------------------------------------------------------------------------------

    @overload
    def read(self, where: Filter = EVERYTHING) -> Archive: ...

    @overload
    def read(
        self, where: Filter = EVERYTHING, *, columns: Mapping[str, Sequence[str]]
    ) -> Tables: ...

    def read(
        self, where: Filter = EVERYTHING, *, columns: Mapping[str, Sequence[str]] | None = None
    ) -> Archive | Tables:
        """Give the rows that a filter chooses, in memory.

        Only the months that the filter's days name are read, and of these only rows of its domains, senders,
        policy types and modes; with `columns`, without a filter, only these.

        Parameters
        ----------
        where
            The filter.
        columns
            Of each table wanted: its columns; others are not kept.

        Returns
        -------
        Archive or dict of str to pyarrow.Table
            The rows, by month and in the order in which they came; the account is the store's. With
            `columns`, the tables named, as Arrow. Columns, dtypes and units: docs/data-dictionary.md.

        Raises
        ------
        InputError
            No such table or column.
        StoreError
            A later run took away a file of the state that is seen: :meth:`refresh`. Or a file of the store was
            damaged, or is gone.

        Examples
        --------
        >>> import tempfile
        >>> import mtasts_analysis as ma
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = ma.Store(folder)
        ...     _ = store.ingest(ma.sample_archive() / "single", progress=False)
        ...     where = ma.Filter(domains="clinic.example", start="2026-03-01", end="2026-03-31")
        ...     found = store.read(where, columns={"policies": ["domain", "total_failure_session_count"]})
        ...     len(store.read(where).reports), found["policies"].num_rows
        (15, 15)
        """
        where = chosen(where)
        named = None if columns is None else _named(columns)
        held = {name: schema.names for name, schema in SCHEMAS.items()}
        if named is not None:
            held = dict(named)
            # Problems of the reports that are chosen, in whichever month they stand.
            if where and "problems" in held:
                for name in ("reports", "problems"):
                    held[name] = list(dict.fromkeys((*held.get(name, ()), "report_key")))
        months = [month for month in sorted(self._state.months) if _within(month, where)]
        found = (
            self._chosen(month, where) if where else self._rows(month, held) for month in months
        )
        parts = [
            {name: part[name].select(held[name]) for name in held}
            for part in chain([tables.empty()], found)
        ]
        whole = {
            name: pa.concat_tables([part[name] for part in parts]).unify_dictionaries()
            for name in held
        }
        if where and "problems" in held:
            whole["problems"] = problems_of(whole["problems"], whole["reports"])
        if named is None:
            return Archive(tables.canonical(whole), self.accounting)
        return tables.canonical({name: whole[name].select(named[name]) for name in named})

    def filter(self, where: Filter | None = None, **parts: Any) -> Archive:
        """Give the rows that a filter chooses, as :meth:`read` does: so notebooks take a store for an archive.

        Parameters
        ----------
        where
            The filter; or give its parts by name.
        **parts
            What :class:`Filter` takes: `domains="a.example"`, `start="2026-05-14"` and so on.

        Returns
        -------
        Archive
            The rows, in memory.

        Examples
        --------
        >>> import tempfile
        >>> import mtasts_analysis as ma
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = ma.Store(folder)
        ...     _ = store.ingest(ma.sample_archive() / "single", progress=False)
        ...     len(store.filter(domains="clinic.example", result_types="certificate-expired").failures)
        1
        """
        return self.read(chosen(where, **parts))

    def _rows(self, month: str, columns: Mapping[str, Sequence[str]]) -> Tables:
        """Give some columns of a month's tables."""
        held = self._state.months[month]
        found = {}
        for name, wanted in columns.items():
            needed = (
                {*wanted, "policy_type"} if name == "policies" and "domain" in wanted else wanted
            )
            found[name] = self._whole(name, held.get(name, ()), columns=sorted(needed))
        if "domain" in columns.get("policies", ()):
            return tables.with_recipients(found, self._cube[1])
        return found

    def _chosen(self, month: str, where: Filter) -> Tables:
        """Give a month's rows that a filter chooses, and all of its problems."""
        held = self._state.months[month]
        problems = self._whole("problems", held.get("problems", ()))
        policies = self._whole("policies", held.get("policies", ()), self._pushed(where))
        if not len(policies):
            return tables.empty() | {"problems": problems}
        keys = policies["report_key"].combine_chunks().unique()
        reports = self._whole("reports", held.get("reports", ()), self._of(where, keys))
        kept = pc.is_in(policies["report_key"], reports["report_key"].combine_chunks())
        policies = policies.filter(kept)
        of = pc.field("policy_key").isin(policies["policy_key"].combine_chunks())
        failures = self._whole("failures", held.get("failures", ()), of)
        found = {
            "reports": reports,
            "policies": policies,
            "failures": failures,
            "problems": problems,
        }
        mapped = tables.with_recipients(found, self._cube[1])
        chosen = Archive(mapped, self.accounting).filter(where.but(senders=())).tables
        return chosen | {"problems": problems}

    def _pushed(self, where: Filter) -> pc.Expression | None:
        """Give what a filter says of policy results, as far as Parquet's statistics can help."""
        domains = where.domains
        if domains:
            back = [host for host, domain in self._cube[1].items() if domain in domains]
            domains = (*domains, *back)
        found = None
        for name, words in (
            ("domain", domains), ("policy_type", where.policy_types), ("mode", where.modes),
        ):  # fmt: skip
            if words:
                part = _one_of(name, words)
                found = part if found is None else found & part
        return found

    def _of(self, where: Filter, keys: pa.Array) -> pc.Expression:
        """Give which reports a filter may choose: those of its senders, as they were written."""
        found = pc.field("report_key").isin(keys)
        if not where.senders:
            return found
        facts, reports = self.facts, self._cube[0].tables["reports"]
        codes = [facts.sender.code(name) for name in where.senders]
        own = reports.filter(pa.array(np.isin(facts.sender.codes, codes)))
        names = ["organization_name", "submitter"]
        pairs = own.select(names).unify_dictionaries().group_by(names, use_threads=False)
        either = None
        for pair in pairs.aggregate([]).to_pylist():  # Python's None where it is null
            one, other = (_one_of(name, (pair[name],)) for name in names)
            part = one & other
            either = part if either is None else either | part
        return found & (pc.scalar(False) if either is None else either)

    def _whole(
        self,
        name: str,
        files: Sequence[File],
        expression: pc.Expression | None = None,
        columns: list[str] | None = None,
    ) -> pa.Table:
        schema = SCHEMAS[name]
        if columns is not None:
            schema = pa.schema([schema.field(column) for column in columns])
        parts = [self._table(file, schema, expression) for file in files]
        return pa.concat_tables([schema.empty_table(), *parts]).unify_dictionaries()

    def _table(
        self, file: File, schema: pa.Schema, expression: pc.Expression | None = None
    ) -> pa.Table:
        """Give some columns of a file, whole or the rows that a condition chooses."""
        try:
            with self._place.open(file.name) as opened:
                try:
                    return _checked(opened, file, schema, expression)
                except FileNotFoundError:  # some places say so only now
                    raise
                except (OSError, pa.ArrowException, ValueError, KeyError) as error:
                    if getattr(error, "errno", None) is not None:  # the system's, not Arrow's
                        raise
                    said = str(error).partition("\n")[0]
                    raise StoreError(
                        f"{self._place.url}: expected {file.name} to be as it was written; {said}. {_MEND}"
                    ) from error
        except FileNotFoundError as error:
            if file.name in manifest.newest(self._place).files():
                raise StoreError(
                    f"{self._place.url}: expected {file.name}, which its newest state names; it is not there."
                    f" {_MEND}"
                ) from error
            raise StoreError(
                f"{self._place.url}: {file.name} was taken away by a later run: refresh() the store, or open"
                " it again"
            ) from error

    def _column(self, month: str, columns: list[str]) -> pa.Table:
        schema = pa.schema([SCHEMAS["reports"].field(name) for name in columns])
        parts = [
            self._table(file, schema)
            for file in self._state.months.get(month, {}).get("reports", ())
        ]
        return pa.concat_tables([schema.empty_table(), *parts])

    # -- as measures see it ---------------------------------------------------------------------------

    def _cubes(self, months: Iterable[str]) -> Tables:
        found = []
        for month in months:
            held = self._state.months[month]
            found.append(
                {
                    name: pa.concat_tables(
                        [
                            cubes.SCHEMA[name].empty_table(),
                            *(
                                self._table(file, cubes.SCHEMA[name])
                                for file in held.get(CUBES[name], ())
                            ),
                        ]
                    )
                    for name in CUBES
                }
            )
        return cubes.joined(found)

    @cached_property
    def _cube(self) -> tuple[Archive, dict[str, str]]:
        """The cubes of all months as an archive, and for which domain each MX host is that DANE names."""
        found = self._cubes(self.months)
        mapping = tables.recipients(found)
        mapped = tables.with_recipients(found, mapping)
        problems = {"problems": SCHEMAS["problems"].empty_table()}
        return Archive(mapped | problems, self.accounting), mapping

    @property
    def facts(self) -> Facts:
        """The cubes in codes, which measures count in."""
        return self._cube[0].facts

    @property
    def tables(self) -> Tables:
        """The cubes as Arrow tables: a row stands for all that is alike."""
        return self._cube[0].tables

    @property
    def reports(self) -> pd.DataFrame:
        """The cube's rows: `reports` says how many each stands for; :meth:`read` gives reports.

        Of docs/data-dictionary.md's columns those that measures need, with their dtypes; keys are numbers.
        """
        return self._cube[0].reports

    @property
    def policies(self) -> pd.DataFrame:
        """The cube's rows, sessions added up; :meth:`read` gives policy results."""
        return self._cube[0].policies

    @property
    def failures(self) -> pd.DataFrame:
        """The cube's rows, sessions added up; :meth:`read` gives failure details."""
        return self._cube[0].failures

    @property
    def problems(self) -> pd.DataFrame:
        """A row for each problem, read anew."""
        parts = [
            self._whole("problems", held.get("problems", ()))
            for _, held in sorted(self._state.months.items())
        ]
        found = pa.concat_tables([SCHEMAS["problems"].empty_table(), *parts]).unify_dictionaries()
        return Archive(tables.empty() | {"problems": found}, self.accounting).problems

    def summary(self) -> Summary:
        """Give span, senders, sessions by domain and policy type, and problems.

        Returns
        -------
        Summary
            `first` and `last` (UTC days), `senders`, `reports`, `sessions` and `problems` (DataFrames).

        Examples
        --------
        >>> import tempfile
        >>> import mtasts_analysis as ma
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = ma.Store(folder)
        ...     _ = store.ingest(ma.sample_archive() / "single", progress=False)
        ...     print(ma.table(store.summary().sessions, ["domain", "successful", "failed"]))
        domain          successful  failed
        clinic.example       2,509      77
        """
        return summarise(self)

    def __repr__(self) -> str:
        return text.summary_text(self.summary())

    def _repr_html_(self) -> str:
        return html.summary_html(self.summary())


def is_store(url: PathLike) -> bool:
    """Tell whether a store lies under a path or URL; a URL is taken for one."""
    name = os.fspath(url)
    if "://" in name or finding.is_store(name):
        return True
    try:
        names = set(os.listdir(name))
    except OSError:
        return False
    # Without a state: a first run found nothing, or the state is lost, which is for Store to tell.
    return "_lock" in names and all(
        one == "seen" or one.startswith(("_", ".", "month=")) for one in names
    )


_MEND = "Put it back from a backup, or fill a new store"


def _checked(
    opened: IO[bytes], file: File, schema: pa.Schema, expression: pc.Expression | None
) -> pa.Table:
    """Read a file of a store, and hold that it is the one that was written: its name, its rows, its pages.

    Raises
    ------
    ValueError, OSError, pyarrow.ArrowException
        It is not; the system's own errors have a number.
    """
    whole = pq.ParquetFile(opened, page_checksum_verification=True)
    written = (whole.schema_arrow.metadata or {}).get(MARK, b"").decode()
    if written != file.name:
        raise ValueError(f"it is {written or 'not of a store'}")
    if expression is None:
        # A file by itself is read in half the time that a dataset of one takes.
        found = whole.read(schema.names)
        if len(found) != file.rows:
            raise ValueError(f"it has {len(found):,} rows, not {file.rows:,}")
    else:
        found = pq.read_table(
            opened, columns=schema.names, filters=expression, page_checksum_verification=True
        )
    return found.replace_schema_metadata(None).cast(schema)


def _within(month: str, where: Filter) -> bool:
    """Tell whether a month may hold what a filter's days choose."""
    if month == UNDATED:
        return True  # problems without a report stand there, too
    # Not by `%Y`, which is 900 for the year 900.
    return (where.start is None or month >= where.start.isoformat()[:7]) and (
        where.end is None or month <= where.end.isoformat()[:7]
    )


def _one_of(name: str, words: Sequence[str | None]) -> pc.Expression:
    """Give the condition that a column holds one of some words; none is null, or empty."""
    named = pc.field(name).cast(pa.string())
    # Typed: of no word at all Arrow would make nulls, which it compares with no string.
    found = named.isin(pa.array([word for word in words if word is not None], pa.string()))
    if None in words:
        found = found | named.is_null() | (named == "")
    return found


_COLUMNS = 'tables with lists of columns, as {"policies": ["domain"]}'


def _named(columns: Any) -> dict[str, list[str]]:
    """Give tables with columns of theirs; hold that they are."""
    arguments.instance("columns", columns, Mapping, _COLUMNS)
    named = {
        name: list(arguments.several("columns", wanted, str, _COLUMNS))
        for name, wanted in columns.items()
    }
    for name, wanted in named.items():
        unknown = set(wanted) - set(SCHEMAS[name].names) if name in NAMES else {name}
        if unknown:
            listed = ", ".join(sorted(map(str, unknown)))
            raise InputError(f"columns: expected tables and columns of theirs; got {listed}")
        if len(set(wanted)) < len(wanted):
            raise InputError(f"columns: expected each column once; got {', '.join(wanted)}")
    return named


def _noted(plan: Iterator[units.Unit], ahead: deque[units.Unit]) -> Iterator[units.Unit]:
    """Give the units of a plan, and note them: what is noted and was not taken off is to come."""
    for unit in plan:
        ahead.append(unit)
        yield unit


_STOPPING = b"\nstopping when the parts that are being read are done; Ctrl-C again stops at once\n"


@contextmanager
def _interrupted() -> Iterator[threading.Event]:
    """Have a first Ctrl-C set the event, and a second one interrupt as ever."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def first(_number: int, _frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)
        if sys.stderr is not None and sys.stderr.isatty():
            os.write(2, _STOPPING)  # whatever else may be writing there just now

    signal.signal(signal.SIGINT, first)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
