"""Bytes that are read once, forward, with a look ahead; and their decompression, bounded.

Nothing here holds more than a chunk: an operator's own tar.gz may be gigabytes, and so may a bomb.
"""

import bz2
import lzma
import re
import sys
import zlib
from collections.abc import Callable
from typing import Protocol

from isal import igzip_lib, isal_zlib

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from mtasts_analysis.limits import CHUNK, KIB, MIB, NO_REPORT, Limits

_EMPTY = b""


class Fault:
    """What went wrong below a stream: set where it happens, asked for once the stream has ended."""

    __slots__ = ("code", "detail", "unproven")

    def __init__(self) -> None:
        self.code = ""
        self.detail = ""
        self.unproven = sys.maxsize
        """Bytes at the stream's end that it concerns: those before are proven right."""

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
        end = self._at + size
        if end <= len(self._buffer):
            piece = self._buffer[self._at : end]
            self._at = end
            return piece
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

    def seek(
        self, pattern: re.Pattern[bytes], longest: int, *, near: int = 256, most: int = sys.maxsize
    ) -> bool:
        """Go to where a pattern of up to `longest` bytes is next; False, and past `most`, where it is not."""
        wanted = near  # what is read past the place is read again: it may be 30 bytes away
        while True:
            asked = min(wanted, most)
            piece = self.take(asked)
            found = pattern.search(piece)
            if found:
                self.push_back(piece[found.start() :])
                return True
            most -= len(piece) - longest + 1
            if len(piece) < asked or most < longest:
                return False
            self.push_back(piece[1 - longest :])
            wanted = min(CHUNK, 4 * wanted)

    def push_back(self, piece: bytes) -> None:
        """Put bytes back in front."""
        at = self._at - len(piece)
        if at >= 0 and self._buffer.startswith(piece, at):
            self._at = at  # they were taken from here: nothing is copied
        else:
            self._buffer, self._at = piece + self._buffer[self._at :], 0

    def window(self, size: int) -> "Stream":
        """Give the next `size` bytes as a stream of their own."""
        left = size

        def read(wanted: int) -> bytes:
            nonlocal left
            piece = self.read(min(wanted, left)) if left else _EMPTY
            left -= len(piece)
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


def _zlib() -> _Decompressor:
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB)


_DICTIONARY = 256 * 2**20
"""Without a bound a 1 kB header may ask for a 4 GiB dictionary."""


def _xz() -> _Decompressor:
    return lzma.LZMADecompressor(memlimit=_DICTIONARY)


def _lzma() -> _Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_DICTIONARY)


def _zstd() -> _Decompressor:
    # Without a bound of its own: zstd's is a window of 128 MiB.
    return zstd.ZstdDecompressor()


MAKERS: dict[str, tuple[Callable[[], _Decompressor], tuple[bytes, ...]]] = {
    # name: (a new decompressor, how a further member begins)
    "gzip": (_gzip, (b"\x1f\x8b",)),
    "bzip2": (bz2.BZ2Decompressor, (b"BZh",)),
    "xz": (_xz, (b"\xfd7zXZ\x00",)),
    # A frame, or one that is to be skipped and may hold an index (RFC 8878 §3.1.2).
    "zstd": (_zstd, (b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18")),
    "deflate": (_deflate, ()),
    "zlib": (_zlib, ()),
    "lzma": (_lzma, ()),
}
GZIP = rb"\x1f\x8b\x08[\0-\x1f][\0-\xff]{4}[\0\2\4][\0-\x0d\xff]"
"""A gzip's header among other bytes (RFC 1952 §2.3.1): method, flags, time, effort, system."""
BZIP2 = rb"BZh[1-9](?:1AY&SY(?=[^\0-\x08\x0e-\x1f]{0,99}[\0-\x08\x0e-\x1f])|\x17rE8P\x90)"
"""Its head is ten letters, which a string may hold: no JSON and no text has what comes soon behind them."""
XZ = rb"\xfd7zXZ\x00"
ZSTD = rb"\x28\xb5\x2f\xfd"
_MEMBERS = {
    # How a member is told among other bytes, and in how many.
    "gzip": (re.compile(GZIP), 10),
    "bzip2": (re.compile(BZIP2), 110),
    "xz": (re.compile(XZ), 6),
    "zstd": (re.compile(ZSTD), 4),
}
ERRORS: tuple[type[Exception], ...] = (
    igzip_lib.error,  # type: ignore[assignment]  # isal's types take this class for a value
    OSError,
    EOFError,
    lzma.LZMAError,
    zstd.ZstdError,
    ValueError,
    MemoryError,
)


class Expansion:
    """What all compressed data that one reader reads took and gave, together.

    A million small bombs in one zip, or in one mbox, are one bomb. Once there is too much, data that
    expands as text does is still read: a report that stands behind the bombs is not lost with them.
    """

    __slots__ = ("_items", "_limits", "_more", "given", "layers", "taken")

    def __init__(self, limits: Limits) -> None:
        self.taken = self.given = 0
        self.layers = 0
        """In how many compressed streams what is read now lies: only the outermost takes."""
        self._items = self._more = 0
        self._limits = limits

    def opened(self, count: int = 1) -> None:
        """Count mails, or files of an archive, in compressed data: each takes three times what a line does."""
        if self.layers:
            self._more += 2 * count

    def item(self, count: int, own: int, taken: int) -> str:
        """Count items; say what is wrong where a stream goes on to give more than such data can hold.

        Parameters
        ----------
        count
            How many more.
        own
            What the stream itself gave.
        taken
            The bytes that it took.
        """
        self._items += count
        items, limits = self._items, self._limits
        if items > limits.items and items * _ITEM > self.taken:
            return f"more than {limits.items} items, each of less than {_ITEM} bytes (limit: items)"
        # What stands behind too much is not lost with it: a stream of few items has room of its own.
        items += self._more
        most = limits.packed_items + (limits.packed_items // 2 if own <= _FEW else 0)
        if (items - most) * _SHARE > self.taken and own * _SHARE > taken:
            return (
                f"more than {limits.packed_items} items, and one more for each {_SHARE} bytes"
                " (limit: packed_items)"
            )
        return ""

    @property
    def strained(self) -> bool:
        """Whether there was too much: what goes on as a bomb does is stopped."""
        limits = self._limits
        return self.given > limits.expansion_from and self.given > limits.expansion * self.taken

    def excess(self, taken: int, given: int) -> str:
        """Say what is wrong where a stream that took and gave so much goes on as a bomb does."""
        limits, most = self._limits, self._limits.expansion
        if self.given <= limits.expansion_from or given <= _SMALL:
            return ""
        if self.strained and given > most * taken:
            return f"expands more than {most} times, as a bomb does (limit: expansion)"
        if (
            self.given > limits.unpacked
            and self.given > _OFTEN * self.taken
            and given > _OFTEN * taken
        ):
            return (
                f"more than {limits.unpacked} bytes, which expand {_OFTEN} times (limit: unpacked)"
            )
        return ""


_ZEROS = {"xz": 4, "gzip": 1}
"""xz's §2.2: zeros by fours may follow; a gzip is padded to a tape's block."""
_SMALL = 4 * KIB
"""Nothing so small is a bomb, alone."""
_ITEM = 16
"""Bytes: no report packs smaller, but what repeats without end does."""
_SHARE = 64
"""Bytes: the share of an item in data that may hold any number of them. In one stream reports take 18 to 50."""
_FEW = 1_000
"""Items that each stream may hold, though others held too many."""
_OFTEN = 30
"""Times: logs and mail pack less."""
_WARY = 64 * KIB
"""What data that may be a bomb gives at a time, and any data first: so much is set aside for it before."""
_WBITS = {"gzip": 31, "zlib": 15, "deflate": -15}
_HELD = 256 * KIB
"""Bytes of a member, packed, that are kept to read it once more should it prove damaged."""
_REST = 32 * MIB
"""What is then given of it, at most."""
_IDLE = 4 * MIB
"""What may come without anything in it: a block of bzip2, the largest that gives all at once, is 900 kB."""
_JUNK = 1 * MIB
"""How far the next member is looked for behind bytes that are none."""
_TINY = 16
_FEED = 4 * KIB
"""What a member's reader is given first; what it does not take is copied: members may be 20 bytes."""


class Inflated:
    """The decompressed side of a stream; members in a row are one, as RFC 1952 §2.2 has it.

    Where `alone`, there is one member, and what follows is not looked at.
    Ends early, with :attr:`fault` set, where the data is broken, is cut, or expands as only a bomb does.
    """

    def __init__(
        self,
        source: Stream,
        form: str,
        limits: Limits,
        expansion: Expansion | None = None,
        after: tuple[re.Pattern[bytes], int] | None = None,
        *,
        alone: bool = False,
    ) -> None:
        self.fault = Fault()
        self.trailing = False
        """Whether bytes follow it that are no member."""
        self.followed = False
        """Whether something else follows: where `after`, a pattern of so many bytes, next matches."""
        self.passed = 0
        """Members that were passed over."""
        self._members, self._many = 1, limits.items
        self._idle = 0
        self._after = after
        self.expansion = Expansion(limits) if expansion is None else expansion
        self._outermost = not self.expansion.layers
        self._items = 0
        self._feed = _FEED
        self._most = _WARY
        self._source = source
        self._form = form
        self._make, self._magic = MAKERS[form]
        self._alone = alone
        self._mark = max(map(len, self._magic), default=0)
        self._zeros = b"\0" * _ZEROS.get(form, 0)
        self._machine = self._make()
        self._taken = 0
        self._given = 0
        self._ended = False
        self._held = bytearray()
        self._inside = 0
        self.damaged = False
        """Whether it is broken, or its checksum wrong: another may begin in what was taken for it."""

    def read(self, size: int) -> bytes:
        """Give up to `size` bytes; none at the end."""
        while not self._ended:
            machine = self._machine
            if machine.eof:
                self._next_member()
                continue
            data = _EMPTY
            if machine.needs_input:
                data = self._source.read(self._feed)
                self._feed = min(CHUNK, 4 * self._feed)
                self._took(len(data))
                if not data:
                    self._ended = True
                    self.fault.set(f"{self._form}-truncated", f"the {self._form} data is cut")
                    break
            try:
                piece = machine.decompress(
                    data, min(size, _WARY if self.expansion.strained else self._most)
                )
            except ERRORS as error:
                self._ended = self.damaged = True
                wrong = "checksum" if "checksum" in str(error) else "corrupt"
                self.fault.set(f"{self._form}-{wrong}", f"the {self._form} data is broken: {error}")
                rest = self._before_damage(data)
                self.fault.unproven = self._inside + len(rest)
                # The next member, or a zip's, may begin in what was taken for this one's.
                if self._magic and len(self._held) < _HELD:
                    data = bytes(self._held + data)[1:]
                self._source.push_back(data)
                if wrong == "checksum" and self._magic:
                    # What lies open in bytes that are proven wrong is none of a report's: only another member is.
                    self._source.seek(*_MEMBERS[self._form])
                return rest
            if len(self._held) < _HELD:
                self._held += data
            self._inside += len(piece)
            self._given += len(piece)
            self.expansion.given += len(piece)
            excess = self.expansion.excess(self._taken, self._given)
            if excess:
                self._stop(excess)
                break
            if piece:
                self._most = min(CHUNK, 4 * self._most)
                self._idle = 0
                return piece
            self._idle += len(data)
            if self._idle > _IDLE:
                self._ended = True
                self.fault.set(f"{self._form}-corrupt", f"{self._idle} bytes of it hold nothing")
        return _EMPTY

    def _took(self, size: int) -> None:
        self._taken += size
        if self._outermost:
            self.expansion.taken += size

    def _before_damage(self, data: bytes) -> bytes:
        """Give what a broken member still holds before its damage: the call that failed gave nothing."""
        if len(self._held) >= _HELD:
            return _EMPTY
        packed = bytes(self._held + data)[: 2 * _HELD]
        kind = _WBITS.get(self._form)
        rest = self._again(packed) if kind is None else self._inflated_again(packed, kind)
        self._given += len(rest)
        self.expansion.given += len(rest)
        return bytes(rest)

    def _again(self, packed: bytes) -> bytearray:
        """Give what a new machine gives in small steps, past what was given before."""
        machine, given = self._make(), bytearray()
        for at in range(0, len(packed), _TINY):
            try:
                given += machine.decompress(packed[at : at + _TINY])
            except ERRORS:
                break
            if len(given) > self._inside + _REST:
                break
        return given[self._inside :]

    def _inflated_again(self, packed: bytes, kind: int) -> bytearray:
        """Give the same to the byte: zlib's machine can be copied before each step."""
        machine, past, rest = zlib.decompressobj(kind), self._inside, bytearray()
        at, step = 0, 4 * KIB if len(packed) > _TINY else _TINY
        while at < len(packed) and len(rest) < _REST:
            trial = machine.copy()
            try:
                piece = trial.decompress(packed[at : at + step])
            except zlib.error:
                if step == 1:
                    break
                step //= 16
                continue
            machine = trial
            at += step
            if len(piece) > past:
                rest += piece[past:]
            past = max(0, past - len(piece))
        return rest

    def item(self, count: int = 1) -> None:
        """Note that so many items were found in it; they count once, however deep it lies."""
        self._counted(count, count if self._outermost else 0)

    def _counted(self, own: int, new: int) -> None:
        self._items += own
        excess = self.expansion.item(new, self._items, self._taken)
        if excess:
            self._stop(excess)

    def _stop(self, detail: str) -> None:
        self._ended = True
        self.fault.set("limit-expansion", detail)

    def _next_member(self) -> None:
        rest = self._machine.unused_data
        self._took(-len(rest))
        source = self._source
        source.push_back(rest)
        self._feed = _FEED
        if self._alone:
            self._ended = True
            return
        if not self._magic:
            self.trailing = self._form != "deflate" and bool(source.peek(1))
            if self.trailing and self._after is not None:
                self.followed = source.seek(*self._after, most=_JUNK)
            self._ended = True
            return
        if not self._at_member() and not self._behind_padding() and not self._found():
            self._ended = True
            return
        self._members += 1
        if self._members > self._many and self._form == "gzip":
            self._pass_tiny()
        self._machine = self._make()
        self._held.clear()
        self._inside = self._idle = 0
        self._counted(1, 1)  # though it may hold none

    def _pass_tiny(self) -> None:
        """Pass over members that are too small for a report: of a million nobody opens each."""
        begins, size = _MEMBERS[self._form]
        while found := begins.search(self._source.peek(NO_REPORT + size), 1):
            self._source.skip(found.start())
            self._took(found.start())
            self.passed += 1

    def _at_member(self) -> bool:
        return self._source.peek(self._mark).startswith(self._magic)

    def _behind_padding(self) -> bool:
        """Pass over padding; tell whether a member follows it."""
        source, padded = self._source, False
        while self._zeros and source.peek(len(self._zeros)) == self._zeros:
            padded = True
            zeros = source.read(_FEED)
            after = zeros.lstrip(b"\0")
            if after:
                source.push_back(after)
        if padded and self._at_member():
            return True
        # RFC 1952 §2.2 allows members only; what follows is a mailer's line break or padding.
        self.trailing |= (padded and self._form == "gzip") or bool(source.peek(1))
        return False

    def _found(self) -> bool:
        """Go to the next member behind what is none, or to what else follows; tell whether it is a member."""
        follows = self._after or _MEMBERS[self._form]
        if not self.trailing or not self._source.seek(*follows, most=_JUNK):
            return False
        self.followed = not self._at_member()
        return not self.followed

    def packed(self, size: int) -> int:
        """Say how much of the source some of what it gave took."""
        return size * self._taken // max(self._given, 1)


def passed_over(passed: int, limits: Limits) -> str:
    """Say that so many members were passed over, as too small for a report."""
    return (
        f"{passed} of more than {limits.items} members, each of less than {NO_REPORT} bytes,"
        " are passed over: no report is so small (limit: items)"
    )


def inflate(data: bytes, limit: int) -> bytes | None:
    """Inflate one whole gzip member that ends where the data ends; None for anything less plain."""
    machine = isal_zlib.decompressobj(31)
    try:
        text = machine.decompress(data, limit)
    except ERRORS:
        return None
    return text if machine.eof and not machine.unused_data else None
