"""Files that are written whole or not at all, several together.

::

    .name.TOKEN.part, each synced ─► .TOKEN.commit ─► each takes its name's place ─► the commit is removed

A process that dies before the commit has changed nothing; one that dies after it is done, and whoever
comes next to write or read there puts the files in place (:func:`settle`). Either removes what the dead
left behind.
"""

import contextlib
import itertools
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtasts_analysis.errors import InputError, OutputError
from mtasts_analysis.wording import plainly

_COUNT = itertools.count()
_LIVE: set[str] = set()
"""The tokens of this process that are being written."""
_LEFT = re.compile(r"\.(?:.*\.)?((\d+)-\d+)\.(?:part|commit)(?:\..*)?")


@contextmanager
def replacing(folder: Path, names: list[str]) -> Iterator[list[Path]]:
    """Give temporary paths to write to; they take the names' places once all are written.

    Raises
    ------
    OutputError
        The folder cannot be made or written; what was there before is as it was.
    """
    token = f"{os.getpid()}-{next(_COUNT)}"
    parts = [_part(folder, name, token) for name in names]
    commit = folder / f".{token}.commit"
    committed = False
    _LIVE.add(token)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        settle(folder)
        yield parts
        for path in parts:
            sync(path)
        draft = _part(folder, "commit", token)
        draft.write_text(json.dumps(names), encoding="utf-8")
        sync(draft)
        draft.replace(commit)
        committed = True
        sync(folder)
        _put(folder, token, names)
    except OSError as error:
        after = (
            "What was written takes its place with the next write or read."
            if committed
            else "Nothing was replaced."
        )
        raise OutputError(
            f"{folder}: expected a folder to write to; {plainly(error)}. {after}"
        ) from error
    finally:
        _LIVE.discard(token)
        if not committed:
            for path in (*parts, _part(folder, "commit", token)):
                with contextlib.suppress(OSError):
                    path.unlink()


def settle(folder: Path) -> None:
    """Finish what a process that died had committed in a folder, and remove what it had not.

    Raises
    ------
    OSError
        The folder cannot be read, or what was committed not be put in place.
    """
    left = [
        (found[1], path)
        for path in folder.iterdir()
        if (found := _LEFT.fullmatch(path.name)) and not _lives(found[1], int(found[2]))
    ]
    for token, path in left:
        if path.name == f".{token}.commit":
            _put(folder, token, json.loads(path.read_text(encoding="utf-8")))
    for _, path in left:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()


def settled(folder: Path) -> None:
    """Settle a folder before it is read; one that is not there is the reader's to tell.

    Raises
    ------
    InputError
        What was committed there cannot be put in place.
    """
    if folder.is_dir():
        try:
            settle(folder)
        except OSError as error:
            raise InputError(
                f"{folder}: a write that broke off must be finished first; {plainly(error)}"
            ) from error


def _part(folder: Path, name: str, token: str) -> Path:
    return folder / f".{name}.{token}.part"


def _put(folder: Path, token: str, names: list[str]) -> None:
    for name in names:
        part = _part(folder, name, token)
        if part.exists():  # or it was put in place before
            part.replace(folder / name)
    sync(folder)
    (folder / f".{token}.commit").unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have what was written to a file or folder reach the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folder
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lives(token: str, process: int) -> bool:
    """Tell whether a write may still go on."""
    if process == os.getpid():
        return token in _LIVE
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
