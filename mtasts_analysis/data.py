"""The object that an analyst holds: the four tables of an archive, and what can be asked of them."""

import io
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from mtasts_analysis import arguments
from mtasts_analysis.analysis import bi, encoding
from mtasts_analysis.analysis.facts import Facts
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.filters import chosen as filter_of
from mtasts_analysis.analysis.summary import Summary, summarise
from mtasts_analysis.archive import export, finding, opened, parquet, redaction, units
from mtasts_analysis.archive import load as loading
from mtasts_analysis.archive import workers as workers_
from mtasts_analysis.archive.load import Accounting
from mtasts_analysis.archive.tables import SCHEMAS, canonical, problems_of
from mtasts_analysis.limits import DEFAULT, Limits
from mtasts_analysis.show import html, text
from mtasts_analysis.show import progress as progress_

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, eq=False, repr=False)
class Archive:
    """What was loaded: four tables and the account of every item.

    Made by :func:`load` and :func:`read_parquet`. Show it in a notebook, or print it, for a summary.

    Attributes
    ----------
    tables : dict of str to pyarrow.Table
        The tables as Arrow holds them; :attr:`reports` and its neighbours are these as DataFrames,
        made when they are first asked for. Columns, dtypes and units: docs/data-dictionary.md.
    accounting : Accounting
        What became of each item of the input.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> sorted(data.policies["policy_type"].unique())
    ['no-policy-found', 'sts', 'tlsa']
    """

    tables: dict[str, pa.Table]
    accounting: Accounting

    @cached_property
    def reports(self) -> pd.DataFrame:
        """A row for each report."""
        return _frame(self.tables["reports"])

    @cached_property
    def policies(self) -> pd.DataFrame:
        """A row for each policy's result in a report."""
        return _frame(self.tables["policies"])

    @cached_property
    def failures(self) -> pd.DataFrame:
        """A row for each failure detail."""
        return _frame(self.tables["failures"])

    @cached_property
    def problems(self) -> pd.DataFrame:
        """A row for each thing that could not be read, bent the RFC, or deserves a note."""
        return _frame(self.tables["problems"])

    @cached_property
    def problem_counts(self) -> dict[str, dict[str, int]]:
        """Rows of `problems` by severity and code."""
        rows = self.tables["problems"].group_by(["severity", "code"], use_threads=False)
        counted: dict[str, dict[str, int]] = {}
        for row in rows.aggregate([([], "count_all")]).to_pylist():
            counted.setdefault(row["severity"], {})[row["code"]] = row["count_all"]
        return counted

    @cached_property
    def facts(self) -> Facts:
        """The tables in codes, which measures count in."""
        return encoding.make(self)

    @cached_property
    def summary(self) -> Summary:
        """Span, senders, sessions by domain and policy type, and problems."""
        return summarise(self)

    def filter(self, where: Filter | None = None, **parts: Any) -> "Archive":
        """Give the part of the archive that a filter chooses.

        Parameters
        ----------
        where
            The filter; or give its parts by name.
        **parts
            What :class:`Filter` takes: `domains="a.example"`, `start="2026-05-14"` and so on.

        Returns
        -------
        Archive
            Its `policies` and `failures` are the rows chosen, `reports` those they belong to, `problems`
            those of these reports and those that belong to no report. The account stays that of
            the load.

        Examples
        --------
        >>> import mtasts_analysis as ma
        >>> data = ma.load(ma.sample_archive(), progress=False)
        >>> len(data.filter(domains="clinic.example", result_types="certificate-expired").failures)
        23
        """
        chosen = filter_of(where, **parts)
        if not chosen:
            return self
        policies = self.facts.policies_where(chosen)
        failures = self.facts.failures_where(chosen, policies)
        kept = np.zeros(len(self.facts.report_first), dtype=bool)
        kept[self.facts.report[policies]] = True
        reports = self.tables["reports"].filter(pa.array(kept))
        kept_tables = canonical(
            {
                "reports": reports,
                "policies": self.tables["policies"].filter(pa.array(policies)),
                "failures": self.tables["failures"].filter(pa.array(failures)),
                "problems": problems_of(self.tables["problems"], reports),
            }
        )
        return Archive(kept_tables, self.accounting)

    def to_parquet(self, folder: PathLike, *, redact: bool = False) -> list[Path]:
        """Write each table to a Parquet file of its name: `reports.parquet` and so on.

        Parameters
        ----------
        folder
            Where to; it is made if need be. A file there is replaced whole, or not at all.
        redact
            Put `[address]` in the place of IP and mail addresses, wherever a text holds one.

        Returns
        -------
        list of pathlib.Path
            The files.

        Raises
        ------
        InputError
            It is no path on this machine.
        OutputError
            The folder cannot be written, or is a store.

        Examples
        --------
        >>> import tempfile
        >>> import mtasts_analysis as ma
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [path.name for path in ma.load(b"{}").to_parquet(folder)]
        ['reports.parquet', 'policies.parquet', 'failures.parquet', 'problems.parquet']
        """
        into = export.target(folder)
        arguments.instance("redact", redact, bool, "True or False")
        tables = redaction.without_addresses(self.tables) if redact else self.tables
        return parquet.write(tables, self.accounting, into)

    def export(
        self,
        folder: PathLike,
        format: str = "parquet",  # noqa: A002  # the user's word
        *,
        redact: bool = False,
    ) -> list[Path]:
        """Write the tables for another program, and two more beside them.

        `sessions` has a row for each policy result with its report's columns, its totals once, and its
        failure details, each with its effect under enforce, as a list; `failure_effects` has the
        effect of each failure. docs/bi.md shows how to use them.

        Parameters
        ----------
        folder
            Where to; it is made if need be.
        format
            `parquet`, `csv` (a file a table; a cell that a spreadsheet would run as a formula gets an
            apostrophe in front), `jsonl` (a file a table) or `xlsx` (one workbook; the extra `xlsx`).
        redact
            Put `[address]` in the place of IP and mail addresses, wherever a text holds one.

        Returns
        -------
        list of pathlib.Path
            The files.

        Raises
        ------
        InputError
            No such format, or no path on this machine.
        OutputError
            The folder cannot be written, or is a store; or a table is too long for a sheet.
        MissingExtraError
            The format's extra is not installed.
        """
        arguments.one_of("format", format, export.FORMATS)
        arguments.instance("redact", redact, bool, "True or False")
        into = export.target(folder)
        if redact:
            kept = Archive(redaction.without_addresses(self.tables), self.accounting)
            return kept.export(into, format)
        more = {"sessions": bi.sessions(self), "failure_effects": bi.failure_effects(self)}
        if format == "parquet":
            return [*self.to_parquet(into), *parquet.write_more(more, into)]
        return export.WRITERS[format](self.tables | more, into)

    def __repr__(self) -> str:
        return text.summary_text(self.summary)

    def _repr_html_(self) -> str:
        return html.summary_html(self.summary)


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(types_mapper=_dtype)
    for name in frame.columns[frame.dtypes == "category"]:
        if not len(frame[name].cat.categories):  # of no values, pandas makes objects
            frame[name] = frame[name].astype(pd.CategoricalDtype(pd.Index([], dtype="str")))
    return frame


def _dtype(kind: pa.DataType) -> Any:
    """Give the pandas dtype where pandas would choose one that loses something."""
    if pa.types.is_int64(kind):
        return pd.Int64Dtype()
    return pd.ArrowDtype(kind) if pa.types.is_list(kind) else None


def load(
    paths: PathLike | bytes | Iterable[PathLike],
    *,
    duplicates: Literal["drop", "keep"] = "drop",
    on_problem: Literal["record", "raise"] = "record",
    dkim: bool = False,
    progress: bool | Callable[[int], None] | None = None,
    limits: Limits = DEFAULT,
    workers: int | None = None,
    executor: Executor | None = None,
) -> Archive:
    """Load TLS reports from anything that holds them.

    Parameters
    ----------
    paths
        A file, a folder (read with all its folders), a pattern such as ``"2026-*/*.gz"``, ``"-"`` for
        standard input, or a list of these; or the bytes of one thing. What a file is is told by its
        content: mbox, MMDF, Babyl, Maildir, .eml, .emlx, JSON, JSON Lines, gzip, bzip2, xz, LZMA, zlib,
        zstandard, zip, tar, Outlook .msg, base64, uuencode, each in each other.
    duplicates
        What becomes of a report that arrived before, with the same identity and content: left out
        (and counted), or kept. What only its mail says (submitter, signature, the domain where the
        report names none) is the first one's. Reports of one identity whose content differs are
        always kept, with a row in `problems`.
    on_problem
        Note what cannot be read in `problems`, or raise at the first.
    dkim
        Verify each report mail's DKIM signature (RFC 8460 §3) by live DNS and say so in the column
        `dkim`. Needs the extra `dkim`. No report is dropped for its verdict.
    progress
        Show a progress bar; by default on a terminal and in a notebook. Or a function that is told how
        many bytes more were read.
    limits
        The bounds on size and depth.
    workers
        How many processes read; the result is the same, row by row, but past a limit that is counted by
        process, or the 2,000 names that `dkim` asks for in one part of the input. By default one for each
        processor where the files hold 64 MiB or more, else this process alone. Bytes are always read by
        this one.
    executor
        Where to have the parts of the input read instead: any `concurrent.futures.Executor`, such as
        Dask's `client.get_executor()` (extra `dask`), whose workers see the files under the same paths.
        With it, `workers` is how many parts it works on at a time.

    Returns
    -------
    Archive
        The four tables and the account of every item.

    Raises
    ------
    InputError
        A path that leads to nothing, or an unknown option.
    ProblemError
        An item cannot be read, and `on_problem="raise"`.
    MissingExtraError
        `dkim=True` without the extra.
    WorkerError
        Processes died while they read a part; nothing is given, rather than less than all.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> data.accounting.items == data.accounting.reports + data.accounting.duplicates + (
    ...     data.accounting.not_reports + data.accounting.rejected)
    True
    """
    arguments.one_of("duplicates", duplicates, ("drop", "keep"))
    settings = units.asked(limits, dkim=dkim, on_problem=on_problem)
    drop, strict = duplicates == "drop", settings.raise_problems
    found = [] if isinstance(paths, bytes) else list(finding.files(finding.names(paths)))
    count = workers_.wanted(workers, executor, found)
    with progress_.bar(found, progress) as shown:
        if not isinstance(paths, bytes) and (count > 1 or executor is not None):
            plan = units.plan(found, limits)
            with workers_.results(plan, settings, count, executor) as results:
                return Archive(*units.gathered(results, shown, drop_duplicates=drop, limits=limits))
        reader, judge = units.reader(settings)
        if isinstance(paths, bytes):
            items = opened.content(reader, io.BytesIO(paths).read, "bytes", shown.advance)
        else:
            items = opened.paths(reader, found, shown.advance)
        items = shown.watch(items if judge is None else judge.judged(items))
        return Archive(
            *loading.load_tables(items, drop_duplicates=drop, raise_problems=strict, limits=limits)
        )


def read_parquet(folder: PathLike) -> Archive:
    """Read back what :meth:`Archive.to_parquet` wrote: the same tables, dtypes and account.

    Parameters
    ----------
    folder
        The folder with the four files.

    Returns
    -------
    Archive
        Equal, column by column, to the archive that was written.

    Raises
    ------
    InputError
        It is no path on this machine; a file is missing or is no Parquet.
    SchemaError
        The files are not ours, or were written by a newer version.

    Examples
    --------
    >>> import tempfile
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = data.to_parquet(folder)
    ...     back = ma.read_parquet(folder)
    >>> back.policies.equals(data.policies), back.accounting == data.accounting
    (True, True)
    """
    return Archive(*parquet.read(arguments.path("folder", folder, "a folder")))


def read_csv(folder: PathLike) -> Archive:
    """Read back what :meth:`Archive.export` wrote as CSV.

    Parameters
    ----------
    folder
        The folder with the CSV files.

    Returns
    -------
    Archive
        The same tables, apostrophes before would-be formulas taken away. The account holds what the
        tables tell: reports, and nothing of what became of other items.

    Raises
    ------
    InputError
        It is no path on this machine; a file is missing, or is not what `export` writes.

    Examples
    --------
    >>> import tempfile
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = data.export(folder, format="csv")
    ...     ma.read_csv(folder).failures.equals(data.failures)
    True
    """
    tables = export.read_csv(arguments.path("folder", folder, "a folder"), SCHEMAS)
    return Archive(tables, Accounting(reports=len(tables["reports"])))
