"""A zip → its members, read forward from their local headers (APPNOTE.TXT 4.3.7).

The directory at a zip's end is not used: a zip that is cut has none, one whose entries overlap (41 kB
that declare 4 GB) needs it, and a stream has no end yet. So whole members before a cut are read, each
byte once, in bounded memory.
"""

import re
import struct
import sys
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from mtasts_analysis.archive.streams import Expansion, Fault, Inflated, Stream, passed_over
from mtasts_analysis.limits import KIB, MIB, NO_REPORT, Limits

_LOCAL = b"PK\x03\x04"
_HEADER = struct.Struct("<4x5H3L2H")
_SIGNATURES = (_LOCAL, b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x06\x08")
_SIGNATURE = re.compile(rb"PK(?:\x03\x04|\x01\x02|\x05\x06|\x06[\x06-\x08])")
HEAD = rb"PK\x03\x04[\0\x0a-\x3f][\0-\x13][\0-\xff][\0-\x1f][\0\x08\x09\x0c\x0e\x5d\x5f]\0"
"""A local header among other bytes: its version, flags and method are some that there are (4.4.3 to 4.4.5)."""
_HEAD = re.compile(HEAD)
_HEAD_SIZE = 10
_LOOK_BACK = 256 * KIB
"""How much of a member is looked through for another's header, where its own sizes lie."""
_NEAR = 256
_AFTER = 28  # a descriptor, and the signature after it
_SPANNED = (b"PK\x07\x08", b"PK00")  # 8.5.3, 8.5.4: what may stand before the first member
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x1, 0x8, 0x800
_FORMS = {8: "deflate", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz"}
_ENDS_ITSELF = 0x2  # 5.8.9: a bit of method 14's own
_DICTIONARY_LEAST, _LZMA_MOST = 4096, 16_384
"""Bytes; and how many a byte of LZMA gives at most: 273 bytes take 13 binary decisions of 0.022 bits."""
_ZIP64 = 0xFFFFFFFF
_UNTOLD = 2**64 - 1
_END = b"PK\x05\x06"
_RECORDS = {
    # signature: (its fixed size, what tells the rest's size, and where): 4.3.12 to 4.3.16, 4.3.11
    b"PK\x01\x02": (46, "<3H", 28),
    _END: (22, "<H", 20),
    b"PK\x06\x06": (12, "<Q", 4),
    b"PK\x06\x07": (20, "", 0),
    b"PK\x06\x08": (8, "<L", 4),
}
_ENDS = re.compile(rb"PK(?:\x07\x08|\x03\x04|\x01\x02)")
_DESCRIPTORS = (struct.Struct("<3L"), struct.Struct("<L2Q"))
_NO_MORE = bytes(24)
_UNSIZED_MOST = 16 * MIB
"""How much of a zip is looked through in vain for the ends of members that do not tell their size, or lie."""


class Member(NamedTuple):
    """A member's name and content; or why it has none."""

    name: str
    stream: Stream | None
    refused: tuple[str, str] | None = None
    inflated: Inflated | None = None


class _Lies:
    """How much of a zip may still be looked through again where its sizes lie."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._left = _UNSIZED_MOST

    def told(self, size: int) -> None:
        """Note that so much was looked through."""
        self._left -= size

    @property
    def bearable(self) -> bool:
        """Whether there is room for one more."""
        return self._left > 0

    def passed(self, taken: bytes, *, least: int = 0) -> bool:
        """Go to the next member's header in what such a size took, and behind it; False where there is none."""
        self.told(max(len(taken), least))
        if not self.bearable:
            self._stream.skip(sys.maxsize)
            return False
        self._stream.push_back(taken)
        return self._stream.seek(_HEAD, _HEAD_SIZE)


class _Tiny:
    """How many members a zip has that are too small for a report: of a million nobody opens each."""

    def __init__(self, most: int) -> None:
        self._left = most
        self.passed = 0
        """Those that were passed over."""

    def pass_over(self, stream: Stream) -> bool:
        """Go to the next member from behind this one's fixed head, where there were too many as small."""
        found = _HEAD.search(stream.peek(NO_REPORT + _HEAD_SIZE))
        if found is None:
            return False
        self._left -= 1
        if self._left >= 0:
            return False
        stream.skip(found.start())
        self.passed += 1
        return True


def members(stream: Stream, limits: Limits, expansion: Expansion | None = None) -> Iterator[Member]:
    """Give each member of a zip; whatever its taker leaves of it is passed over.

    What stands behind a zip's directory, and is no other zip, is left in the stream.
    """
    tiny = _Tiny(limits.items)
    yield from _members(stream, limits, Expansion(limits) if expansion is None else expansion, tiny)
    if tiny.passed:
        yield Member("", None, ("limit-items", passed_over(tiny.passed, limits)))


def _members(stream: Stream, limits: Limits, expansion: Expansion, tiny: _Tiny) -> Iterator[Member]:
    unsized, lies = _UNSIZED_MOST, _Lies(stream)
    if stream.peek(4).startswith(_SPANNED):
        stream.skip(4)
    while True:
        signature = stream.peek(4)
        if signature != _LOCAL:
            if not signature.startswith(_SIGNATURES[1:]) and stream.seek(_SIGNATURE, 4):
                # Something was between two members, and no padding; this may be the next.
                if signature.strip(b"\0"):
                    yield Member(
                        "", None, ("zip-corrupt", "a member's header is damaged; it is passed over")
                    )
                signature = stream.peek(4)
                if signature == _LOCAL:
                    continue
            if not signature.startswith(_SIGNATURES[1:]):
                stream.fault.set("zip-truncated", "the zip ends without its directory")
            elif _past_directory(stream, lies):
                continue  # two zips, one after the other
            elif not lies.bearable:
                yield Member("", None, ("zip-corrupt", "too many sizes that lie: the rest is left"))
            return
        head = stream.take(_HEADER.size)
        if len(head) < _HEADER.size:
            yield Member("", None, ("zip-truncated", "the zip is cut in a member's header"))
            return
        if tiny.pass_over(stream):
            continue
        _, flags, method, _, _, crc, packed, size, name_size, extra_size = _HEADER.unpack(head)
        rest = stream.take(name_size + extra_size)
        raw_name, extra = rest[:name_size], rest[name_size:]
        # 4.4.4: bit 11 says UTF-8; without it the name is in code page 437.
        name = raw_name.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
        if len(rest) < name_size + extra_size or _HEAD.search(rest):
            # Cut there, or its sizes lie: then another member lies in what they say is its head.
            yield Member(name, None, ("zip-truncated", "the zip is cut in a member's header"))
            if lies.passed(rest):
                continue
            return
        if _ZIP64 in (packed, size):
            packed = _zip64(extra, size == _ZIP64, packed)
        # Deflated, even nothing takes two bytes: some leave sizes to the directory alone.
        known = packed > 0 or not (flags & _DESCRIPTOR or method in _FORMS)
        if raw_name.endswith(b"/") and packed == 0:
            continue
        refused = None
        if flags & _ENCRYPTED:
            refused = ("zip-encrypted", "the member is encrypted: unpack it first")
        elif method not in _FORMS and method != 0:
            refused = (
                "zip-method",
                f"compression method {method} is none of stored, deflate, bzip2, LZMA, zstandard, XZ",
            )
        elif method == 0 and not known:
            # As Python's zipfile writes it to a pipe.
            stored, looked = _stored(stream, unsized)
            if stored is not None:
                yield Member(name, Stream(stored))
                continue
            unsized -= looked
            refused = ("zip-unsized", "a stored member without its size")
        if refused:
            yield Member(name, None, refused)
            if known:
                piece = stream.take(min(packed, _LOOK_BACK))
                if len(piece) < packed and not stream.peek(1):
                    if not lies.passed(piece):  # or the zip is cut in it
                        return
                elif stream.skip(packed - len(piece)) < packed - len(piece):
                    return
            elif not stream.seek(_SIGNATURE, 4):
                return
            continue
        if method == 0:
            packed = min(packed, size)  # stored, they are equal: the larger one lies
            if not flags & _DESCRIPTOR and packed < _LOOK_BACK and lies.bearable:
                told = packed
                packed = _ends(stream.peek(packed + _HEAD_SIZE), packed)
                lies.told(told if packed < told else 0)
        looked = known and method and packed <= _LOOK_BACK and lies.bearable
        ahead = stream.peek(packed) if looked else b""
        body = stream.window(packed) if known else stream
        if method == 14:
            _as_lzma(body, size if known and not flags & _ENDS_ITSELF else _UNTOLD, packed)
        inflated = (
            Inflated(body, _FORMS[method], limits, expansion, alone=not known) if method else None
        )
        content = _checked(
            body, inflated, packed, crc if known and not flags & _DESCRIPTOR else None
        )
        yield Member(name, content, None, inflated)
        while content.read():
            pass
        if known:
            if content.fault:
                while body.read():
                    pass
                # Where its name or size is too long, the next member begins in what was taken for it; what was
                # inflated to its end was all its own.
                broken = ahead and content.fault.code.endswith(("-corrupt", "-truncated"))
                found = _HEAD.search(ahead + stream.peek(_HEAD_SIZE - 1)) if broken else None
                if found and found.start() < len(ahead):
                    lies.told(len(ahead) - found.start())
                    stream.push_back(ahead[found.start() :])
            # Where the data tell their own end, that counts, and not the size in the header.
            stream.push_back(body.at_hand())
        if flags & _DESCRIPTOR and not stream.seek(_SIGNATURE, 4, near=_AFTER):
            return


def _stored(stream: Stream, most: int) -> tuple[bytes | None, int]:
    """Take a stored member whose size stands in the descriptor after it (4.3.9).

    It ends where what stands after it tells the size and checksum of what stands before. Gives
    how much was looked through, too.
    """
    wanted = _NEAR
    while wanted <= most:
        piece = stream.take(wanted)
        padded = piece + _NO_MORE
        counted, crc = 0, 0  # each byte is summed once: a member may be made of false ends
        for found in _ENDS.finditer(piece):
            at = found.start()
            before = max(counted, at - _DESCRIPTORS[-1].size)
            counted, crc = before, zlib.crc32(piece[counted:before], crc)
            for layout in _DESCRIPTORS:
                # With a signature before it, or (4.3.9.3) without one, before the next header.
                signed = found[0] == _SPANNED[0]
                end = at if signed else at - layout.size
                told = layout.unpack_from(padded, at + 4) if signed else (
                    layout.unpack_from(piece, end) if end >= 0 else None
                )  # fmt: skip
                if not told or not told[1] == told[2] == end:
                    continue
                if told[0] == zlib.crc32(piece[counted:end], crc):
                    stream.push_back(piece[end + 4 + layout.size if signed else at :])
                    return piece[:end], 0
        stream.push_back(piece)
        if len(piece) < wanted:
            break
        wanted *= 4
    return None, wanted


def _as_lzma(body: Stream, size: int, packed: int) -> None:
    """Turn the head of method 14 (5.8.8) into that of an .lzma file: they differ in where sizes stand."""
    head = body.peek(9)
    if head[2:4] == b"\x05\0":  # how long its properties are, which follow
        body.skip(9)
        # A dictionary as large as all that comes will do: a member of a byte may ask for 4 GiB.
        comes = min(size, packed * _LZMA_MOST) if packed else size
        dictionary = min(int.from_bytes(head[5:], "little"), max(comes, _DICTIONARY_LEAST))
        body.push_back(head[4:5] + struct.pack("<LQ", dictionary, size))


def _ends(piece: bytes, packed: int) -> int:
    """Say where a stored member ends: before another's header, where what follows its size is none."""
    if piece.startswith(_SIGNATURES, packed):
        return packed
    found = _HEAD.search(piece)
    return found.start() if found else packed


def _past_directory(stream: Stream, lies: _Lies) -> bool:
    """Pass over a zip's directory, record by record; tell whether a member follows."""
    while (signature := stream.peek(4)) in _RECORDS:
        size, layout, at = _RECORDS[signature]
        head = stream.take(size)
        if len(head) < size:
            return False
        told = sum(struct.unpack_from(layout, head, at))
        rest = stream.take(min(told, _LOOK_BACK))
        after = stream.peek(4)
        ended = signature == _END and len(rest) == told
        if not ended and (
            len(rest) < told or (after and after != _LOCAL and after not in _RECORDS)
        ):
            # Its sizes lie, or it is no directory: what follows may be a member all the same.
            return lies.passed(rest, least=4 * KIB)
    return signature == _LOCAL


def _checked(body: Stream, inflated: Inflated | None, packed: int, crc: int | None) -> Stream:
    """Inflate a member; its CRC (4.4.7), where it is known by now, is judged at the end."""
    fault = Fault()
    running = 0
    given = 0

    def read(size: int) -> bytes:
        nonlocal running, given
        piece = inflated.read(size) if inflated else body.read(size)
        if piece:
            running = zlib.crc32(piece, running)
            given += len(piece)
            return piece
        if inflated and inflated.fault:
            fault.set(inflated.fault.code.replace("deflate", "zip"), inflated.fault.detail)
        elif inflated is None and body.fault:
            fault.set(body.fault.code, body.fault.detail)
        elif inflated is None and given < packed:
            fault.set("zip-truncated", "the zip is cut in this member")
        elif crc is not None and running != crc:
            fault.set("zip-checksum", "the member's checksum says that it is damaged")
        return b""

    return Stream(read=read, fault=fault)


def _zip64(extra: bytes, both: bool, packed: int) -> int:
    """Read a member's packed size from its Zip64 extra field (4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        tag, size = struct.unpack_from("<2H", extra, at)
        if tag == 1:
            offset = at + 4 + (8 if both else 0)
            if packed == _ZIP64 and offset + 8 <= min(len(extra), at + 4 + size):
                return int(struct.unpack_from("<Q", extra, offset)[0])
            break
        at += 4 + size
    return packed
