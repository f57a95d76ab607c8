"""The four tables for other programs: CSV, XLSX and JSON Lines.

What stands in a cell was written by a stranger. A spreadsheet runs a cell that begins with `=`, `+`,
`-` or `@`, in CSV too, so CSV cells that begin so get an apostrophe in front; XLSX has typed cells.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from mtasts_analysis.archive.files import replacing
from mtasts_analysis.archive.tables import NAMES
from mtasts_analysis.errors import MissingExtraError, OutputError

FORMATS = ("parquet", "csv", "xlsx", "jsonl")
_ACTIVE = r"^[=+\-@\t\r]"
_ROWS_MOST = 1_048_575
"""An XLSX sheet's rows, less the header."""
_CELL_MOST = 32_767
"""An XLSX cell's characters."""


def write_csv(tables: dict[str, pa.Table], folder: Path) -> list[Path]:
    """Write each table to `<name>.csv`: UTF-8, times in ISO 8601 UTC, a list as JSON."""
    names = [f"{name}.csv" for name in NAMES]
    with replacing(folder, names) as paths:
        for name, path in zip(NAMES, paths, strict=True):
            pyarrow.csv.write_csv(_plain(tables[name]), path)
    return [folder / name for name in names]


def _plain(table: pa.Table) -> pa.Table:
    """Give every column as text or number, with no text that a spreadsheet would run."""
    columns = {}
    for field in table.schema:
        column = table[field.name]
        if pa.types.is_dictionary(field.type) or pa.types.is_string(field.type):
            column = pc.replace_substring_regex(column.cast(pa.string()), _ACTIVE, r"'\0")
        elif pa.types.is_list(field.type):
            column = pa.array(
                [
                    None if value is None else json.dumps(value, ensure_ascii=False)
                    for value in column.to_pylist()
                ],
                pa.string(),
            )
        elif pa.types.is_timestamp(field.type):
            column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
        columns[field.name] = column
    return pa.table(columns)


def write_jsonl(tables: dict[str, pa.Table], folder: Path) -> list[Path]:
    """Write each table to `<name>.jsonl`: an object a row, absent values null, times in ISO 8601 UTC."""
    names = [f"{name}.jsonl" for name in NAMES]
    with replacing(folder, names) as paths:
        for name, path in zip(NAMES, paths, strict=True):
            with path.open("w", encoding="utf-8") as file:
                for row in _rows(tables[name]):
                    file.write(json.dumps(row, ensure_ascii=False, default=_iso) + "\n")
    return [folder / name for name in names]


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()


def _iso(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def write_xlsx(tables: dict[str, pa.Table], folder: Path) -> list[Path]:
    """Write one workbook, `tables.xlsx`, with a sheet for each table.

    Raises
    ------
    MissingExtraError
        The extra `xlsx` is not installed.
    OutputError
        A table has more rows than a sheet.
    """
    try:
        import xlsxwriter  # noqa: PLC0415  # an extra
    except ImportError:
        raise MissingExtraError("writing XLSX", "xlsx") from None
    for name in NAMES:
        if len(tables[name]) > _ROWS_MOST:
            raise OutputError(
                f"{name}: expected at most {_ROWS_MOST:,} rows for an XLSX sheet, it has"
                f" {len(tables[name]):,}: write Parquet or CSV, or filter first"
            )
    with replacing(folder, ["tables.xlsx"]) as (path,):
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd hh:mm:ss",
            "remove_timezone": True,  # XLSX has none: every time is UTC, and the header says so
        }
        with xlsxwriter.Workbook(str(path), options) as book:
            bold = book.add_format({"bold": True})
            for name in NAMES:
                sheet = book.add_worksheet(name)
                sheet.freeze_panes(1, 0)
                table = tables[name]
                for at, field in enumerate(table.schema):
                    utc = " (UTC)" if pa.types.is_timestamp(field.type) else ""
                    sheet.write_string(0, at, field.name + utc, bold)
                sheet.set_column(0, len(table.schema) - 1, 22)
                for number, row in enumerate(_rows(table), 1):
                    _write_row(sheet, number, row.values())
    return [folder / "tables.xlsx"]


def _write_row(sheet: Any, number: int, values: Iterable[Any]) -> None:
    for at, value in enumerate(values):
        if value is None:
            continue
        if isinstance(value, list):
            sheet.write_string(number, at, _cell("\n".join(value)))
        elif isinstance(value, str):
            sheet.write_string(number, at, _cell(value))
        elif isinstance(value, datetime):
            sheet.write_datetime(number, at, value)
        elif isinstance(value, int) and abs(value) >= 2**53:
            sheet.write_string(
                number, at, str(value)
            )  # a cell's number is a double: it would round
        else:
            sheet.write_number(number, at, value)


def _cell(text: str) -> str:
    """Give text that a cell can hold: XML 1.0 has no control characters (§2.2)."""
    kept = "".join(c if c >= " " or c in "\t\n\r" else "\ufffd" for c in text)
    kept = kept.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    return kept if len(kept) <= _CELL_MOST else kept[: _CELL_MOST - 1] + "…"


WRITERS = {"csv": write_csv, "jsonl": write_jsonl, "xlsx": write_xlsx}
