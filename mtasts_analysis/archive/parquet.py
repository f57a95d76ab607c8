"""The four tables as Parquet: one file each, the schema pinned, its version and the account inside."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mtasts_analysis.archive.files import replacing, settled
from mtasts_analysis.archive.load import Accounting
from mtasts_analysis.archive.tables import NAMES, SCHEMAS
from mtasts_analysis.errors import InputError, SchemaError

SCHEMA_VERSION = 1
"""Raised when a column changes its name, type or meaning."""

_MARK = b"mtasts_analysis"


def write(tables: dict[str, pa.Table], accounting: Accounting, folder: Path) -> list[Path]:
    """Write each table to `<name>.parquet`; a file is replaced whole or not at all."""
    told = {"schema_version": SCHEMA_VERSION, "accounting": asdict(accounting)}
    with replacing(folder, [f"{name}.parquet" for name in NAMES]) as paths:
        for name, path in zip(NAMES, paths, strict=True):
            mark = json.dumps(told | {"table": name}).encode()
            pq.write_table(
                tables[name].replace_schema_metadata({_MARK: mark}), path, compression="zstd"
            )
    return [folder / f"{name}.parquet" for name in NAMES]


def write_more(tables: dict[str, pa.Table], folder: Path) -> list[Path]:
    """Write tables that are made from the four and are not read back."""
    with replacing(folder, [f"{name}.parquet" for name in tables]) as paths:
        for table, path in zip(tables.values(), paths, strict=True):
            pq.write_table(table, path, compression="zstd")
    return [folder / f"{name}.parquet" for name in tables]


def read(folder: Path) -> tuple[dict[str, pa.Table], Accounting]:
    """Read what :func:`write` wrote.

    Raises
    ------
    InputError
        The folder or a file of it is missing or is no Parquet.
    SchemaError
        The files are not ours, or were written by a newer version.
    """
    settled(folder)
    tables = {}
    accounting = Accounting()
    for name in NAMES:
        path = folder / f"{name}.parquet"
        try:
            table = pq.read_table(path, memory_map=False)
        except (OSError, pa.ArrowException) as error:
            reason = (
                os.strerror(error.errno)
                if isinstance(error, OSError) and error.errno
                else "no Parquet"
            )
            raise InputError(
                f"{path}: expected a table that to_parquet() wrote; {reason}. The four files"
                f" {', '.join(f'{n}.parquet' for n in NAMES)} belong together."
            ) from error
        mark = (table.schema.metadata or {}).get(_MARK)
        if mark is None:
            raise SchemaError(
                f"{path}: expected a table of mtasts_analysis; its metadata names none"
            )
        told = json.loads(mark)
        if told["schema_version"] > SCHEMA_VERSION:
            raise SchemaError(
                f"{path}: written with schema {told['schema_version']}, this version reads up to"
                f" {SCHEMA_VERSION}: upgrade mtasts-analysis"
            )
        if told["table"] != name or not table.schema.equals(SCHEMAS[name]):
            raise SchemaError(
                f"{path}: expected the columns of the table {name}, got {table.schema.names}"
            )
        tables[name] = table.replace_schema_metadata(None).unify_dictionaries()
        accounting = Accounting(**told["accounting"])
    return tables, accounting
