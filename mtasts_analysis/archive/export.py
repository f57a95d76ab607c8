"""Tables for other programs, and back: CSV, XLSX and JSON Lines.

What stands in a cell was written by a stranger. A spreadsheet runs a cell that begins with `=`, `+`,
`-` or `@`, in CSV too, and where half of Europe's do, a semicolon begins a cell. What begins so gets an
apostrophe in front, which the reader takes away; XLSX has typed cells.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from mtasts_analysis import arguments
from mtasts_analysis.archive import finding
from mtasts_analysis.archive.files import replacing, settled
from mtasts_analysis.errors import InputError, MissingExtraError, OutputError

FORMATS = ("parquet", "csv", "xlsx", "jsonl")
WRITTEN = frozenset({"reports.parquet", "reports.csv", "reports.jsonl", "tables.xlsx"})
"""By one of these a folder is known that tables were written to."""
# White space and what nobody sees may stand before it; the wide ones count in East Asian settings.
_BEGUN = r"'*(?:[\x00\t\n\r]|[\s\pZ\pC]*[=+\-@＝＋－＠])"
_ACTIVE = f"(^|;)({_BEGUN})"
_NEUTRAL = f"(^|;)'({_BEGUN})"
_ROWS_MOST = 1_048_575
"""An XLSX sheet's rows, less the header."""
_CELL_MOST = 32_767
"""An XLSX cell's characters."""


def target(folder: str | os.PathLike[str], name: str = "folder") -> Path:
    """Give the folder that tables are to be written to; an error calls it by its argument's name.

    Raises
    ------
    InputError
        It is no path on this machine.
    OutputError
        It is a store, which holds tables of its own: nobody could tell them apart.
    """
    path = arguments.path(name, folder, "a folder for tables")
    if finding.is_store(str(path)):
        raise OutputError(
            f"{path}: expected a folder for tables; this is a store. Name another one"
        )
    return path


def write_csv(tables: dict[str, pa.Table], folder: Path) -> list[Path]:
    """Write each table to `<name>.csv`: UTF-8, times in ISO 8601 UTC, a list as JSON."""
    names = [f"{name}.csv" for name in tables]
    with replacing(folder, names) as paths:
        for table, path in zip(tables.values(), paths, strict=True):
            pyarrow.csv.write_csv(_plain(table), path)
    return [folder / name for name in names]


def _plain(table: pa.Table) -> pa.Table:
    """Give every column as text or number, with no text that a spreadsheet would run."""
    columns = {}
    for field in table.schema:
        column = table[field.name]
        if _is_text(field.type):
            column = pc.replace_substring_regex(column.cast(pa.string()), _ACTIVE, r"\1'\2")
        elif pa.types.is_list(field.type):
            column = pa.array(
                [
                    # In JSON's own spelling, a semicolon parts no cells.
                    None if value is None else _json(value).replace(";", "\\u003b")
                    for value in column.to_pylist()
                ],
                pa.string(),
            )
        elif pa.types.is_timestamp(field.type):
            # In whole seconds; a fraction stays where there is one.
            whole = pc.all(pc.equal(pc.subsecond(column), 0)).as_py() is not False
            column = pc.strftime(
                column.cast(pa.timestamp("s" if whole else "us", tz="UTC")),
                format="%Y-%m-%dT%H:%M:%SZ",
            )
        columns[field.name] = column
    return pa.table(columns)


def _is_text(kind: pa.DataType) -> bool:
    tests = (pa.types.is_dictionary, pa.types.is_string, pa.types.is_large_string)
    return any(test(kind) for test in tests)


def read_csv(folder: Path, schemas: dict[str, pa.Schema]) -> dict[str, pa.Table]:
    """Read back what :func:`write_csv` wrote.

    Parameters
    ----------
    folder
        The folder with a `.csv` for each table.
    schemas
        The tables' names and columns; other columns are passed over.

    Raises
    ------
    InputError
        A file is missing, or holds something else.
    """
    settled(folder)
    return {name: _read(folder / f"{name}.csv", schema) for name, schema in schemas.items()}


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    texts = {field.name: pa.string() for field in schema}
    try:
        raw = pyarrow.csv.read_csv(
            path,
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=texts,
                include_columns=list(texts),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
        )
        columns = [_typed(raw[field.name], field.type) for field in schema]
    except (OSError, ValueError, KeyError) as error:  # ArrowInvalid is a ValueError
        raise InputError(
            f"{path}: expected a CSV that export() wrote; {str(error).splitlines()[0]}"
        ) from error
    return pa.table(columns, schema=schema)


def _typed(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_list(kind):
        lists = [None if v is None else json.loads(v) for v in column.to_pylist()]
        return pa.chunked_array([pa.array(lists, kind)])
    if _is_text(kind):
        column = pc.replace_substring_regex(column, _NEUTRAL, r"\1\2")
        return column.dictionary_encode() if pa.types.is_dictionary(kind) else column
    if pa.types.is_timestamp(kind):
        column = pc.replace_substring(column, "Z", "")
        return column.cast(pa.timestamp("us")).cast(pa.int64()).cast(kind)
    return column.cast(kind)


def single(frame: Any, name: str, kind: str) -> bytes:
    """Give one DataFrame as the bytes of a file.

    Parameters
    ----------
    frame
        A measure's frame.
    name
        Names the sheet.
    kind
        `parquet`, `csv` or `xlsx`.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if kind == "parquet":
        sink = pa.BufferOutputStream()
        pyarrow.parquet.write_table(table, sink)
        return bytes(sink.getvalue())
    with TemporaryDirectory() as folder:
        (path,) = WRITERS[kind]({name[:31]: table}, Path(folder))
        return path.read_bytes()


def write_jsonl(tables: dict[str, pa.Table], folder: Path) -> list[Path]:
    """Write each table to `<name>.jsonl`, in ASCII: an object a row, absent values null, times in ISO 8601 UTC."""
    names = [f"{name}.jsonl" for name in tables]
    with replacing(folder, names) as paths:
        for table, path in zip(tables.values(), paths, strict=True):
            with path.open("w", encoding="ascii") as file:
                for row in _rows(table):
                    # Whatever a reader takes for a line's end, or a terminal obeys, is escaped.
                    file.write(json.dumps(row, default=_iso) + "\n")
    return [folder / name for name in names]


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_iso)


def _iso(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


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
        import xlsxwriter.exceptions  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("writing XLSX", "xlsx") from None
    for name, table in tables.items():
        if len(table) > _ROWS_MOST:
            raise OutputError(
                f"{name}: expected at most {_ROWS_MOST:,} rows for an XLSX sheet, it has"
                f" {len(table):,}: write Parquet or CSV, or filter first"
            )
    with (
        replacing(folder, ["tables.xlsx"]) as (path,),
        TemporaryDirectory(dir=folder, prefix=f"{path.name}.") as scratch,
    ):
        options = {
            "tmpdir": scratch,  # what strangers wrote does not lie about in a common folder
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd hh:mm:ss",
            "remove_timezone": True,  # XLSX has none: every time is UTC, and the header says so
        }
        try:
            with (
                path.open("wb") as file,
                _quietened(file) as target,
                xlsxwriter.Workbook(target, options) as book,
            ):
                _write_book(book, tables)
        except xlsxwriter.exceptions.XlsxFileError as error:
            # It wraps what the system said, a full disk for example.
            cause = error.args[0] if error.args else error
            raise (cause if isinstance(cause, OSError) else OSError(str(cause))) from error
    return [folder / "tables.xlsx"]


class _Quiet:
    """A file that fails once: XlsxWriter leaves its ZipFile open, and that tries again as it goes away."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.broken = False

    def _try(self, act: str, *given: Any) -> int:
        if self.broken:
            return 0
        self.broken = True
        done: int = getattr(self._file, act)(*given)
        self.broken = False
        return done

    def write(self, data: bytes) -> int:
        return self._try("write", data)

    def seek(self, *to: int) -> int:
        return self._try("seek", *to)

    def tell(self) -> int:
        return self._try("tell")

    def flush(self) -> None:
        self._try("flush")


@contextmanager
def _quietened(file: IO[bytes]) -> Iterator[_Quiet]:
    target = _Quiet(file)
    try:
        yield target
    finally:
        target.broken = True


def _write_book(book: Any, tables: dict[str, pa.Table]) -> None:
    bold = book.add_format({"bold": True})
    for name, table in tables.items():
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for at, field in enumerate(table.schema):
            utc = " (UTC)" if pa.types.is_timestamp(field.type) else ""
            sheet.write_string(0, at, field.name + utc, bold)
        sheet.set_column(0, len(table.schema) - 1, 22)
        for number, row in enumerate(_rows(table), 1):
            _write_row(sheet, number, row.values())


def _write_row(sheet: Any, number: int, values: Iterable[Any]) -> None:
    for at, value in enumerate(values):
        if value is None:
            continue
        if isinstance(value, list):
            lines = [v if isinstance(v, str) else _json(v) for v in value]
            sheet.write_string(number, at, _cell("\n".join(lines)))
        elif isinstance(value, str):
            sheet.write_string(number, at, _cell(value))
        elif isinstance(value, datetime):
            sheet.write_datetime(number, at, value)
        elif isinstance(value, bool):
            sheet.write_boolean(number, at, value)
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
