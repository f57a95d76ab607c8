"""Paths, folders and patterns → the files that may hold reports, in a stable order."""

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mtasts_analysis import arguments
from mtasts_analysis.archive.items import NOTE, REFUSED, Item, shown, unreadable
from mtasts_analysis.errors import InputError


def names(paths: Any) -> list[str]:
    """Give what is named by a path, or by several, as text.

    Raises
    ------
    InputError
        It is neither.

    Examples
    --------
    >>> names(["tlsrpt.mbox", Path("more")])
    ['tlsrpt.mbox', 'more']
    """
    one = isinstance(paths, str | os.PathLike) or not isinstance(paths, Iterable)
    what = "a file, a folder, a pattern, or a list of these"
    return [arguments.path_text("paths", path, what) for path in ([paths] if one else paths)]


def files(paths: list[str]) -> Iterator[str | Item]:
    """Give every file under some paths in a stable order; an Item for what cannot be a source.

    Raises
    ------
    InputError
        A path or pattern that leads to nothing.
    """
    for path in paths:
        if path == "-":
            yield path
        elif os.path.isdir(path) and is_store(path):
            raise InputError(
                f"{path}: expected files that hold reports; this is a store. Commands but `ingest` take it"
                f" by itself; in Python, mtasts_analysis.Store({path!r}) does, and .read() gives its rows"
            )
        elif os.path.exists(path):
            yield from _there(path)
        elif glob.has_magic(path):
            found: list[str] = []
            too_deep = False
            try:
                found.extend(glob.iglob(path, recursive=True))
            except RecursionError:
                too_deep = True
            if not found and not too_deep:
                raise InputError(
                    f"{path}: expected a pattern that matches a file, it matches none here ({Path.cwd()})"
                )
            read: set[str] = set()  # with the folders they are in: `**` matches both
            for one in sorted(found):
                bare = one.rstrip(os.sep)
                # What is behind a link is read where the pattern matched it: folders follow none.
                linked = os.path.islink(bare) and os.path.exists(bare)
                within = os.path.dirname(bare) in read and not linked
                if within or os.path.isdir(one):
                    read.add(bare)
                if not within:
                    yield from [_store(one)] if is_store(one) else _there(one)
            if too_deep:
                how = "folders in folders, too deep for a pattern: name the outermost"
                yield Item(REFUSED, shown(path), b"", "file-unreadable", how)
        else:
            hint = (
                f"; a store is opened as mtasts_analysis.Store({path!r})" if "://" in path else ""
            )
            raise InputError(
                f"{path}: expected a file, a folder or a pattern; nothing is there (looked from {Path.cwd()}){hint}"
            )


def _there(path: str) -> Iterator[str | Item]:
    """Give what is at a path; a pattern may match what leads nowhere, is gone by now, or has too long a name."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        if os.path.islink(path):
            yield Item(NOTE, shown(path), b"", "symlink", "a symbolic link that leads nowhere")
        else:
            yield unreadable(path, error)
        return
    if stat.S_ISREG(mode):
        # A pattern matched it: it is not the standard input.
        yield "./-" if path == "-" else path
    elif stat.S_ISDIR(mode):
        yield from _folder(path)
    else:
        how = "a device, socket or pipe: give it as standard input, '-'"
        yield Item(REFUSED, shown(path), b"", "not-a-file", how)


def is_store(folder: str) -> bool:
    """Tell whether a folder is a store: it has a state (:mod:`mtasts_analysis.store.manifest`)."""
    states = os.path.join(folder, "_manifest")
    try:
        names = filter(_STATE.fullmatch, os.listdir(states))
    except OSError:
        return False
    return any(_is_state(os.path.join(states, name)) for name in names)


def _is_state(path: str) -> bool:
    try:
        if not os.path.isfile(path):
            return False
        with open(path, "rb") as file:
            return file.read(len(_BEGINS)) == _BEGINS
    except FileNotFoundError:  # a writer took it away: the next one is there
        return False
    except OSError:  # it bears the name, and more cannot be told
        return True


_BEGINS = b'{"schema_version": '
"""How a store's state begins: a stranger's report may bear its name."""
_STATE = re.compile(r"\d{8}\.json")


def _store(path: str) -> Item:
    """Give what stands for a store among files: what it holds was read, and it may be where it is filled from."""
    how = "a store is not read as files: open it as mtasts_analysis.Store"
    return Item(NOTE, shown(path), b"", "store", how)


def _folder(path: str) -> Iterator[str | Item]:
    pending = [path]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield unreadable(folder, error)
            continue
        # A Maildir's tmp holds mails that are still being written (maildir(5)).
        maildir = {"cur", "new"} <= {entry.name for entry in entries}
        folders = []
        for entry in entries:
            if entry.is_symlink():
                # It may lead out of the folder, or in a circle.
                yield Item(
                    NOTE,
                    shown(entry.path),
                    b"",
                    "symlink",
                    "a symbolic link is not followed: name its target",
                )
            elif entry.is_dir(follow_symlinks=False):
                if is_store(entry.path):
                    yield _store(entry.path)
                elif not (maildir and entry.name == "tmp"):
                    folders.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                yield entry.path
            else:
                yield Item(
                    NOTE,
                    shown(entry.path),
                    b"",
                    "not-a-file",
                    "a device, socket or pipe is not read",
                )
        pending.extend(reversed(folders))
