"""The object an analyst holds: four DataFrames, and what can be asked of them."""

import os
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mtasts_analysis.archive import load as loading
from mtasts_analysis.archive import sources, tables
from mtasts_analysis.archive.load import Accounting
from mtasts_analysis.errors import InputError
from mtasts_analysis.limits import DEFAULT, Limits

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, eq=False, repr=False)
class Archive:
    """What was loaded: the four tables of the data dictionary, as DataFrames, and the account.

    Made by :func:`load` and :func:`read_parquet`. The frames are made from Arrow when they are first
    asked for, and kept.

    Attributes
    ----------
    reports, policies, failures, problems : pandas.DataFrame
        The tables; columns, dtypes and units stand in docs/data-dictionary.md.
    accounting : Accounting
        What became of each item of the input.
    """

    tables: "dict[str, pa.Table]"
    accounting: Accounting

    @cached_property
    def reports(self) -> "pd.DataFrame":
        """A row for each report."""
        return _frame(self.tables["reports"])

    @cached_property
    def policies(self) -> "pd.DataFrame":
        """A row for each policy's result in a report."""
        return _frame(self.tables["policies"])

    @cached_property
    def failures(self) -> "pd.DataFrame":
        """A row for each failure detail."""
        return _frame(self.tables["failures"])

    @cached_property
    def problems(self) -> "pd.DataFrame":
        """A row for each thing that could not be read, or that bent the RFC."""
        return _frame(self.tables["problems"])


def _frame(table: "pa.Table") -> "pd.DataFrame":
    import pandas as pd
    import pyarrow as pa

    kinds: dict[Any, Any] = {pa.int64(): pd.Int64Dtype(), pa.list_(pa.string()): pd.ArrowDtype(pa.list_(pa.string()))}
    return table.to_pandas(types_mapper=kinds.get)


def load(
    paths: PathLike | bytes | Iterable[PathLike],
    *,
    duplicates: Literal["drop", "keep"] = "drop",
    on_problem: Literal["record", "raise"] = "record",
    dkim: bool = False,
    progress: bool | None = None,
    limits: Limits = DEFAULT,
) -> Archive:
    """..."""
    reader = sources.Reader(limits)
    if isinstance(paths, bytes):
        items = reader.items(sources.Stream(paths), "bytes")
    else:
        names = [os.fspath(paths)] if isinstance(paths, (str, os.PathLike)) else [os.fspath(p) for p in paths]
        items = loading.read_paths(names, reader, None)
    found, accounting = loading.load_tables(items, drop_duplicates=duplicates == "drop", raise_problems=on_problem == "raise", limits=limits)
    return Archive(found, accounting)
