"""Files → their items, as far as they can be read; small files, which are most, in short lists."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator

from mtasts_analysis.archive import mboxes, plain
from mtasts_analysis.archive.items import REPORT, Item, shown, together, unreadable
from mtasts_analysis.archive.sources import Reader
from mtasts_analysis.archive.streams import Stream
from mtasts_analysis.limits import KIB, MIB

Advance = Callable[[int], None]
"""Who is told how many bytes were read."""
_Read = Callable[[int], bytes | None]


def paths(
    reader: Reader, found: Iterable[str | Item], advance: Advance | None = None
) -> Iterator[Item]:
    """Give the items of what :func:`~mtasts_analysis.archive.finding.files` found, in order."""
    for batch in together(found):
        small = [None if isinstance(file, Item) else _small(file) for file in batch]
        texts = [
            plain.document(data, min(reader.most(data), MIB))
            if data is not None and data[:1] == b"\x1f"
            else None
            for data in small
        ]
        for file, data, text in zip(batch, small, texts, strict=True):
            if isinstance(file, Item):
                yield file
                continue
            if data is None:
                yield from path(reader, file, advance)
                continue
            if advance is not None:
                advance(len(data))
            if text is None:
                yield from reader.items(Stream(data), shown(file))
            else:
                yield Item(REPORT, shown(file), text, packed=len(data))


def path(reader: Reader, path: str, advance: Advance | None = None) -> Iterator[Item]:
    """Give the items of one file, or of standard input where `path` is `-`."""
    if path == "-":
        yield from content(reader, sys.stdin.buffer.read, "stdin", advance)
        return
    yield from _from_disk(path, reader.items, advance)


def content(
    reader: Reader, read: _Read, origin: str, advance: Advance | None = None
) -> Iterator[Item]:
    """Give the items of what a read gives, so many bytes at a time."""
    return _as_far(read, origin, reader.items, advance)


def part(reader: Reader, path: str, part: mboxes.Part) -> Iterator[Item]:
    """Give the items of a part of an mbox, numbered from its own first mail."""

    def items(stream: Stream, origin: str) -> Iterator[Item]:
        return reader.mbox(stream, origin, 0, part)

    return _from_disk(path, items, first=max(0, part.first - mboxes.BEFORE))


def _from_disk(
    path: str,
    items: Callable[[Stream, str], Iterator[Item]],
    advance: Advance | None = None,
    first: int = 0,
) -> Iterator[Item]:
    """Give the items of a file, from a byte on."""
    origin = shown(path)
    with contextlib.ExitStack() as held:
        try:
            # Buffered: who takes 20 bytes after 20 bytes asks no disk for them.
            file = held.enter_context(open(path, "rb", buffering=64 * KIB))
            if first:
                file.seek(first)
        except OSError as error:
            yield unreadable(origin, error)
            return
        yield from _as_far(file.read, origin, items, advance)


def _as_far(
    read: _Read,
    origin: str,
    items: Callable[[Stream, str], Iterator[Item]],
    advance: Advance | None = None,
) -> Iterator[Item]:
    """Give the items of what can be read; where reading fails, the rest is refused."""
    failed: OSError | None = None

    def told(size: int) -> bytes:
        nonlocal failed
        try:
            piece = read(size) or b""
        except OSError as error:
            failed = error
            return b""
        if advance is not None:
            advance(len(piece))
        return piece

    stream = Stream(read=told)
    stream.peek(1)
    if failed is None:
        yield from items(stream, origin)
    if failed is not None:
        yield unreadable(origin, failed)


def _small(path: str) -> bytes | None:
    """Give all of a small file; None for any other, for standard input, and for what cannot be read."""
    if path == "-":
        return None
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        data = os.read(file, _SMALL_FILE)
    except OSError:
        return None
    finally:
        os.close(file)
    return data if len(data) < _SMALL_FILE else None


_SMALL_FILE = 64 * KIB
"""Less than this is read in one step, as most files of one report are."""
