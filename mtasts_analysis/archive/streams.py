"""Bytes that are read once, forward, with a look ahead; and their decompression, bounded.

Nothing here holds more than a chunk: an operator's own tar.gz may be gigabytes, and so may a bomb.
"""

import bz2
import lzma
from collections.abc import Callable
from typing import Protocol

from isal import igzip_lib, isal_zlib

from mtasts_analysis.limits import CHUNK, Limits

_EMPTY = b""


class Fault:
    """What went wrong below a stream: set where it happens, asked for once the stream has ended."""

    __slots__ = ("code", "detail")

    def __init__(self) -> None:
        self.code = ""
        self.detail = ""

    def __bool__(self) -> bool:
        return bool(self.code)

    def set(self, code: str, detail: str) -> None:
        """Note the first thing that went wrong."""
        if not self.code:
            self.code, self.detail = code, detail


class Stream:
    """A forward reader over bytes in memory, or over a `read(n)` that gives `b""` at its end."""

    __slots__ = ("_at", "_buffer", "_read", "fault")

    def __init__(
        self,
        head: bytes = _EMPTY,
        read: Callable[[int], bytes] | None = None,
        fault: Fault | None = None,
    ) -> None:
        self._buffer = head
        self._at = 0
        self._read = read
        self.fault = Fault() if fault is None else fault

    def peek(self, size: int) -> bytes:
        """Look at up to `size` bytes; fewer only where the stream ends."""
        if len(self._buffer) - self._at < size and self._read is not None:
            pieces = [self._buffer[self._at :]]
            have = len(pieces[0])
            while have < size:
                piece = self._read(max(CHUNK, size - have))
                if not piece:
                    self._read = None
                    break
                pieces.append(piece)
                have += len(piece)
            self._buffer, self._at = b"".join(pieces), 0
        return self._buffer[self._at : self._at + size]

    def whole(self) -> bytes | None:
        """Look at all that is left, where it is at hand; else None."""
        return self._buffer[self._at :] if self._read is None else None

    def at_hand(self) -> bytes:
        """Take what was read already and not taken."""
        held, self._buffer, self._at = self._buffer[self._at :], _EMPTY, 0
        return held

    def read(self, size: int = CHUNK) -> bytes:
        """Take up to `size` bytes: whatever is at hand; `b""` only at the end."""
        if self._at < len(self._buffer):
            piece = self._buffer[self._at : self._at + size]
            self._at += len(piece)
            if self._at >= len(self._buffer):
                self._buffer, self._at = _EMPTY, 0
            return piece
        if self._read is None or not size:  # nothing asked for is no end
            return _EMPTY
        piece = self._read(size)
        if not piece:
            self._read = None
        return piece

    def take(self, size: int) -> bytes:
        """Take `size` bytes; fewer only where the stream ends."""
        piece = self.read(size)
        if len(piece) == size or not piece:
            return piece
        pieces = [piece]
        have = len(piece)
        while have < size and (piece := self.read(size - have)):
            pieces.append(piece)
            have += len(piece)
        return b"".join(pieces)

    def skip(self, size: int) -> int:
        """Pass over `size` bytes and say how many there were."""
        left = size
        while left > 0 and (piece := self.read(min(left, CHUNK))):
            left -= len(piece)
        return size - left

    def push_back(self, piece: bytes) -> None:
        """Put bytes back in front."""
        if piece:
            self._buffer, self._at = piece + self._buffer[self._at :], 0

    def window(self, size: int, counted: Callable[[int], None] | None = None) -> "Stream":
        """Give the next `size` bytes as a stream of their own."""
        left = size

        def read(wanted: int) -> bytes:
            nonlocal left
            piece = self.read(min(wanted, left)) if left else _EMPTY
            left -= len(piece)
            if counted is not None:
                counted(len(piece))
            return piece

        return Stream(read=read, fault=self.fault)


class _Decompressor(Protocol):
    """What bz2, lzma and isal have in common."""

    @property
    def eof(self) -> bool:
        """The end of the member was reached."""

    @property
    def needs_input(self) -> bool:
        """All input was used up."""

    @property
    def unused_data(self) -> bytes:
        """What follows the member."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Give up to `max_length` bytes."""


def _gzip() -> _Decompressor:
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _deflate() -> _Decompressor:
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE)


def _xz() -> _Decompressor:
    # Without a bound a 1 kB header may ask for a 4 GiB dictionary.
    return lzma.LZMADecompressor(memlimit=256 * 2**20)


MAKERS: dict[str, tuple[Callable[[], _Decompressor], tuple[bytes, ...]]] = {
    # name: (a new decompressor, how a further member begins)
    "gzip": (_gzip, (b"\x1f\x8b",)),
    "bzip2": (bz2.BZ2Decompressor, (b"BZh",)),
    "xz": (_xz, (b"\xfd7zXZ\x00",)),
    "deflate": (_deflate, ()),
}
ERRORS: tuple[type[Exception], ...] = (
    igzip_lib.error,  # type: ignore[assignment]  # isal's types take this class for a value
    OSError,
    EOFError,
    lzma.LZMAError,
    ValueError,
    MemoryError,
)


class Inflated:
    """The decompressed side of a stream; members in a row are one, as RFC 1952 §2.2 has it.

    Ends early, with :attr:`fault` set, where the data is broken, is cut, or expands as only a bomb does.
    """

    def __init__(self, source: Stream, form: str, limits: Limits) -> None:
        self.fault = Fault()
        self.trailing = False
        self._source = source
        self._form = form
        self._make, self._magic = MAKERS[form]
        self._machine = self._make()
        self._input = _EMPTY
        self._taken = 0
        self._given = 0
        self._limits = limits
        self._ended = False

    def read(self, size: int) -> bytes:
        """Give up to `size` bytes; none at the end."""
        while not self._ended:
            machine = self._machine
            if machine.eof:
                self._next_member()
                continue
            data = _EMPTY
            if machine.needs_input:
                data = self._input or self._source.read(CHUNK)
                self._input = _EMPTY
                self._taken += len(data)
                if not data:
                    self._ended = True
                    self.fault.set(f"{self._form}-truncated", f"the {self._form} data is cut")
                    break
            try:
                piece = machine.decompress(data, size)
            except ERRORS as error:
                self._ended = True
                self.fault.set(f"{self._form}-corrupt", f"the {self._form} data is broken: {error}")
                break
            self._given += len(piece)
            limits = self._limits
            if self._given > limits.expansion_from and self._given > limits.expansion * self._taken:
                self._ended = True
                self.fault.set(
                    "limit-expansion",
                    f"expands more than {limits.expansion} times, as a bomb does (limit: expansion)",
                )
                break
            if piece:
                return piece
        return _EMPTY

    def _next_member(self) -> None:
        rest = self._machine.unused_data
        self._taken -= len(rest)
        self._source.push_back(rest)
        if not self._magic:
            self._ended = True
            return
        longest = max(map(len, self._magic))
        if self._source.peek(longest).startswith(self._magic):
            self._machine = self._make()
            return
        # RFC 1952 §2.2 allows members only; what follows is a mailer's line break or padding.
        self.trailing = bool(self._source.peek(1))
        self._ended = True


def inflate(data: bytes, limit: int) -> bytes | None:
    """Inflate one whole gzip member that ends where the data ends; None for anything less plain."""
    machine = isal_zlib.decompressobj(31)
    try:
        text = machine.decompress(data, limit)
    except ERRORS:
        return None
    return text if machine.eof and not machine.unused_data else None
