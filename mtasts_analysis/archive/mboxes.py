"""An mbox → its mails, in one pass over any size.

Every writer separates mails by a line that begins `From `, and few agree on more (RFC 4155 is
informational). A line counts as a separator when it holds a date as writers put it there, or when it
follows a blank line and a header field follows it: so neither a missing blank line nor an odd sender
joins two mails, and "From our side, ..." in a body parts none.
"""

import re
from collections.abc import Iterator

from mtasts_analysis.archive.streams import Stream
from mtasts_analysis.limits import KIB

_CHUNK = 256 * KIB
"""What stays in a processor's cache while it is searched and cut."""
_FROM = re.compile(rb"\nFrom ")  # a pattern is searched for faster than bytes.find does it
_WEEKDAY = re.compile(rb" (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? ")
_CLOCK = re.compile(rb"\d:\d\d")
_FIELD = re.compile(rb"[!-9;-~]{1,120}[ \t]*:")
_LONGEST = 1_000
"""No writer's separator is longer (RFC 5322 §2.1.1 ends lines at 998)."""
_AHEAD = _LONGEST + 128
"""A separator and the name of the field after it: how far a judgement looks."""
_BEFORE = 3
"""A blank line before it: how far a judgement looks back."""


def _is_separator(buffer: bytes, at: int) -> int:
    """Give the start of the mail after the separator at `at`, or 0 where that line is none."""
    end = buffer.find(b"\n", at, at + _LONGEST)
    if end < 0:
        return 0
    line = buffer[at:end]
    day = _WEEKDAY.search(line)
    if day is not None and _CLOCK.search(line, day.end()):
        return end + 1
    before = buffer[max(0, at - _BEFORE) : at]
    blank = before == b"\n" or before.endswith((b"\n\n", b"\n\r\n"))
    return end + 1 if blank and _FIELD.match(buffer, end + 1) else 0


def mails(stream: Stream, limit: int) -> Iterator[bytes | int]:
    """Give each mail without its separator; for one longer than `limit`, its length instead.

    What stands before the first separator is passed over when it is blank, and given as a mail of its
    own when it is not.
    """
    # The line break lets a separator at the very start be found as any other.
    buffer = b"\n" + stream.take(_CHUNK).removeprefix(b"\xef\xbb\xbf")
    start = 1  # of the mail that is being read
    seek = 0  # no separator is found before this
    dropped = 0  # bytes of an overlong mail that were let go
    parted = ended = False
    while True:
        found = _FROM.search(buffer, seek)
        at = found.start() if found else -1
        if at >= 0 and (ended or at + _AHEAD <= len(buffer)):
            following = _is_separator(buffer, at + 1)
            if following:
                if parted or buffer[start:at].strip():
                    yield _mail(buffer, start, at + 1, dropped, limit)
                parted = True
                dropped = 0
                start = following
                seek = following - 1
            else:
                seek = at + 1
            continue
        if ended:
            break
        seek = at if at >= 0 else max(seek, len(buffer) - len(b"From "))
        if seek - start > limit:
            # Overlong: only the edge, where a separator may lie, is still needed.
            dropped += seek - start
            start = seek
        kept = max(0, min(start, seek) - _BEFORE)
        # As much again as is kept: a long mail is not copied over and over.
        piece = stream.take(max(_CHUNK, len(buffer) - kept))
        ended = not piece
        buffer = buffer[kept:] + piece
        start -= kept
        seek -= kept
    if parted or buffer[start:].strip():
        yield _mail(buffer, start, len(buffer), dropped, limit)


def _mail(buffer: bytes, start: int, end: int, dropped: int, limit: int) -> bytes | int:
    length = dropped + end - start
    return length if length > limit else buffer[start:end]
