"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtasts_analysis.errors import OutputError


@contextmanager
def replacing(folder: Path, names: list[str]) -> Iterator[list[Path]]:
    """Give temporary paths to write to; they take the names' places once all are written.

    Raises
    ------
    OutputError
        The folder cannot be made or written; what was there before is as it was.
    """
    temporary = [folder / f".{name}.{os.getpid()}.part" for name in names]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield temporary
        for path in temporary:
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        for path, name in zip(temporary, names, strict=True):
            path.replace(folder / name)
    except OSError as error:
        raise OutputError(
            f"{folder}: expected a folder to write to; {error.strerror or error}. Nothing was replaced."
        ) from error
    finally:
        for path in temporary:
            with suppress(OSError):
                path.unlink()
