"""A tar → its members, read forward, a header's every field checked.

The formats are POSIX ustar and pax (IEEE 1003.1, "pax interchange format") and GNU's long names. Links,
devices and sparse files hold no report and are passed over; a header whose checksum is wrong ends a
member, not the archive: the next good header is looked for.
"""

import re
from collections.abc import Iterator
from itertools import accumulate

from mtasts_analysis.archive.streams import Fault, Stream
from mtasts_analysis.archive.zips import Member
from mtasts_analysis.limits import MIB

BLOCK = 512
_OTHERS = (b"1", b"2", b"3", b"4", b"5", b"6")
"""Links, devices and folders, which have no content whatever their size says."""
_RECORDS = (b"g", b"K", b"D", b"V")
_PARTIAL = (b"S", b"M")
"""Files of which not all is there, as they were. Any other kind is a file (POSIX)."""
_RECORDS_MOST = 1 * MIB
"""A pax header holds a path and a size; a longer one is none."""
_SIZE_MOST = 2**50
_MARK_AT = 257
_MARK = re.compile(rb"ustar(?<=[\s0-7][\s\x000-7]{5}[\0-\xff]{103}ustar)")
"""The mark of a header whose field 148 to 154 may be a checksum; marks may follow each other by five bytes."""
_WINDOW = 128 * BLOCK
_OTHER_FILES = (
    b"\x1f\x8b\x08",
    b"PK\x03\x04",
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    b"{",
    b"From ",
)
"""What may stand behind a tar, in a file that somebody joined."""
_ASCII = bytes(range(128))


def is_header(block: bytes) -> bool:
    """Tell whether a block is a tar header: its checksum holds."""
    return len(block) == BLOCK and _holds(block, sum(block))


def _holds(block: bytes, total: int) -> bool:
    """Tell whether a block's checksum holds, given the sum of its bytes: there its field counts as blanks."""
    field = block[148:156]
    told = _number(field)
    if told is None:
        return False
    over = total - sum(field) + 8 * 0x20 - told
    # Old tars of some systems summed signed bytes.
    return not over or (
        over % 256 == 0 and over == 256 * len((block[:148] + block[156:]).translate(None, _ASCII))
    )


def members(stream: Stream) -> Iterator[Member]:
    """Give each regular file of a tar; whatever its taker leaves of it is passed over."""
    long_name = b""
    long_size: int | None = None
    lost = ended = False
    while True:
        block = stream.take(BLOCK)
        if ended and block.lstrip(b"\r\n").startswith(_OTHER_FILES):
            stream.push_back(block)
            return
        if len(block) < BLOCK:
            if lost or block.strip(b"\0"):
                yield Member("", None, ("tar-truncated", "the tar is cut, or damaged to its end"))
            elif not ended:  # POSIX has two blocks of zeros there
                detail = "the tar has no end: files may be missing behind the last"
                stream.fault.set("tar-truncated", detail)
            return
        if not block.strip(b"\0"):
            ended = True
            continue
        if not is_header(block):
            stream.push_back(block)
            lost = True
            _to_header(stream)
            continue
        ended = False
        if lost:
            yield Member(
                "", None, ("tar-corrupt", "a member's header is damaged; it is passed over")
            )
            lost = False
        size = _number(block[124:136]) if long_size is None else long_size
        if size is None or size > _SIZE_MOST:
            long_name, long_size = b"", None
            yield Member("", None, ("tar-corrupt", "a member's size is no number"))
            continue
        kind = block[156:157]
        if kind in (b"x", b"L"):
            record = _record(stream, size) if size <= _RECORDS_MOST else None
            if record is None:
                lost = True  # its size is a lie: what follows is looked through for a header
            elif kind == b"L":
                long_name = record.rstrip(b"\0")
            else:
                path, long_size = _pax(record)
                long_name = path or long_name
            continue
        name = long_name or (block[345:500].rstrip(b"\0") + b"/" + block[:100]).split(b"\0")[
            0
        ].lstrip(b"/")
        long_name, long_size = b"", None
        if kind in _OTHERS:
            continue
        if kind in _RECORDS or kind in _PARTIAL or name.endswith(b"/"):  # an old tar's folder
            if kind in _PARTIAL:
                detail = "a sparse file, or one that goes on elsewhere: unpack it first"
                yield Member(name.decode("utf-8", "replace"), None, ("tar-partial", detail))
            lost = _record(stream, size) is None
            continue
        content = _content(stream, size)
        yield Member(name.decode("utf-8", "replace"), content)
        while content.read():
            pass
        stream.skip(-size % BLOCK)


def _to_header(stream: Stream) -> None:
    """Go to the next header, in step with the blocks or, by its mark, out of step; or to the end."""
    window = 2 * BLOCK  # what is read past the place is read again: it may be near
    while True:
        piece = stream.take(window)
        steps = range(0, len(piece) - BLOCK + 1, BLOCK)
        at = next((at for at in steps if is_header(piece[at : at + BLOCK])), len(piece))
        sums: list[int] = []  # up to each byte: marks may be many, and no byte is added up for each
        for mark in _MARK.finditer(piece, _MARK_AT, at + _MARK_AT + 4):
            start, end = mark.start() - _MARK_AT, mark.start() - _MARK_AT + BLOCK
            if end > len(piece):
                break
            sums = sums or [0, *accumulate(piece)]
            if _holds(piece[start:end], sums[end] - sums[start]):
                at = start
                break
        if at < len(piece):
            stream.push_back(piece[at:])
            return
        if len(piece) < window:
            return
        window = min(_WINDOW, 4 * window)
        stream.push_back(piece[-BLOCK:])


def _record(stream: Stream, size: int) -> bytes | None:
    """Take what belongs to a header; None where another header, or the end, comes first: its size lies.

    Of more than any record holds only the last of it is given.
    """
    held = bytearray()
    for _ in range(-(-size // BLOCK)):
        block = stream.take(BLOCK)
        if len(block) < BLOCK or is_header(block):
            stream.push_back(block)
            return None
        if len(held) > _RECORDS_MOST:
            held.clear()
        held += block
    return bytes(held[: size or None])


def _content(stream: Stream, size: int) -> Stream:
    fault = Fault()
    left = size

    def read(wanted: int) -> bytes:
        nonlocal left
        if not left:
            return b""
        piece = stream.read(min(wanted, left))
        left -= len(piece)
        if not piece:
            left = 0
            fault.set("tar-truncated", "the tar is cut in this member")
        return piece

    return Stream(read=read, fault=fault)


def _number(text: bytes) -> int | None:
    """Read a numeric field: octal, or GNU's base 256; None where it is neither, or negative."""
    if text[0] == 0x80:
        return int.from_bytes(text[1:], "big")
    digits = text.split(b"\0")[0].strip()
    if not digits:
        return 0
    return int(digits, 8) if digits.isdigit() and not digits.strip(b"01234567") else None


def _pax(record: bytes) -> tuple[bytes, int | None]:
    r"""Read path and size from pax records: `length key=value\\n`."""
    path, size, at = b"", None, 0
    while at < len(record):
        space = record.find(b" ", at, at + 10)
        if space < 0 or not record[at:space].isdigit():
            break
        end = at + int(record[at:space])
        if end <= space or end > len(record):
            break
        key, _, value = record[space + 1 : end - 1].partition(b"=")
        if key == b"path":
            path = value
        elif key == b"size" and value.isdigit() and len(value) < 20:
            size = int(value)
        at = end
    return path, size
