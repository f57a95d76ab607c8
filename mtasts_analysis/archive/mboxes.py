"""An mbox → its mails, in one pass over any size.

Every writer separates mails by a line that begins `From `, and few agree on more (RFC 4155 is
informational). A line counts as a separator when it holds a date as writers put it there, or when it
follows a blank line and a header field follows it: so neither a missing blank line nor an odd sender
joins two mails, and "From our side, ..." in a body parts none.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mtasts_analysis.archive.streams import Stream
from mtasts_analysis.limits import KIB, NO_TEXT

_CHUNK = 256 * KIB
"""What stays in a processor's cache while it is searched and cut."""
_LONGEST = 1_000
"""No writer's separator is longer (RFC 5322 §2.1.1 ends lines at 998)."""
AHEAD = _LONGEST + 128
"""A separator and the name of the field after it: how far a judgement looks."""
BEFORE = 3
"""A blank line before it: how far a judgement looks back."""
_SEPARATOR = re.compile(
    rb"\nFrom(?= [^\n]{0,994}\n)(?:"
    # A weekday, and then a clock.
    rb"(?>[^\n]*? (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )[^\n]*?\d:\d\d[^\n]*\n"
    # A blank line before, or the file's start; and a field after.
    rb"|(?:(?<=\n\nFrom)|(?<=\n\r\nFrom)|(?<=\A\nFrom))[^\n]*\n(?=[!-9;-~]{1,120}[ \t]*:))"
)

HEADED = (
    # A header's first line: a field that begins one, or any other that a second one follows.
    rb"(?=(?i:return-path|delivered-to|received|dkim-signature|from|date|message-id|mime-version):"
    rb"|(?i:(?:x-|arc-|dkim-|tls-report-|list-|resent-|envelope-|delivery-|thread-|content-)[a-z-]{1,99}"
    rb"|received-spf|authentication-results|to|cc|bcc|sender|reply-to|subject|status|importance|priority"
    rb"|precedence|user-agent|errors-to|old-return-path|auto-submitted|lines|references|in-reply-to)"
    rb":[^\n]{0,998}\n(?:[ \t][^\n]{0,998}\n){0,20}"
    rb"[!-9;-~]{1,99}:)"
)
SEPARATORS = {
    "mbox": _SEPARATOR,
    # Fences before and after each mail, as mmdf(5) has it: nothing in a mail is quoted.
    "mmdf": re.compile(rb"\n\x01{4}\r?\n"),
    # Rmail's: each mail's header stands in it twice, the second time as it was shown.
    "babyl": re.compile(rb"\n\x1f\x0c\r?\n[01],[^\n]{0,994}\n"),
    # No separator at all, as `cat` joins mails: a closing delimiter, and then a header.
    "joined": re.compile(rb"\n--[!-~]{1,72}--[ \t]*+\r?\n[ \t\r\n\f\0]{0,99}+" + HEADED),
}
"""What parts mails, by the form of the file."""
_MARKS = {
    "mbox": b"\nFrom ",
    "mmdf": b"\n\x01\x01\x01\x01",
    "babyl": b"\n\x1f\x0c",
    "joined": b"\n--",
}
"""How each begins."""


@dataclass(slots=True)
class Part:
    """The mails whose separators begin in a range of bytes: so an mbox is read in parts, each mail once.

    Before `first`, where that is not the mbox's start, the stream holds :data:`BEFORE` bytes more.
    """

    first: int = 0
    stop: int | None = None
    mails: int = 0
    """Filled in: how many there were."""
    last: int = 0
    """Filled in: where the last one's separator, or what stands before any, begins."""
    end: int = 0
    """Filled in, where the whole rest was read: where the mbox ends."""


class Whole(Protocol):
    """A mail that was read where it stands."""

    @property
    def end(self) -> int:
        """Where it ends: with the text, or at a line that begins `From `, of which there is none in it."""


_Whole = TypeVar("_Whole", bound=Whole)


def mails(
    stream: Stream,
    limit: int,
    part: Part | None = None,
    form: str = "mbox",
    whole: Callable[[bytes, int], _Whole | None] | None = None,
) -> Iterator[bytes | int | _Whole]:
    """Give each mail without its separator; for one longer than `limit`, its length instead.

    What stands before the first separator, or between two fences, is passed over when it is blank, and
    given as a mail of its own when it is not. `whole` reads a mail of an mbox that begins at a place in a
    text, if it can; what it gives is given in the mail's stead, and no separator is looked for in it.
    """
    separator, mark, fenced = SEPARATORS[form], _MARKS[form], form == "mmdf"
    part = Part() if part is None else part
    skip, stop = part.first, part.stop
    # The line break lets a separator at the very start be found as any other.
    text = stream.take(_CHUNK)
    buffer = b"\n" + (text if skip else text.removeprefix(b"\xef\xbb\xbf"))
    # Where in the mbox the buffer begins.
    base = max(0, skip - BEFORE) + len(text) - len(buffer)
    start = 1  # of the mail that is being read
    seek = 0  # no separator is found before this
    dropped = 0  # bytes of an overlong mail that were let go
    parted = ended = begins = False
    wanted = not skip
    while True:
        read = whole(buffer, start) if whole is not None and begins and wanted else None
        begins = False
        found = None
        if read is not None and read.end - start <= limit:
            found = separator.match(buffer, read.end - 1)
        if found is None:
            read, found = None, marked(separator, mark, buffer, seek)
        if found:
            at, following = found.span()
            if wanted and (parted or dropped or buffer[start:at].strip()):
                part.mails += 1
                yield _mail(buffer, start, at + 1, dropped, limit) if read is None else read
            if stop is not None and base + at + 1 >= stop:
                return
            parted = not fenced
            # Mails too short for a report come in a row: none of them is tried.
            begins = not 0 <= at - start < NO_TEXT
            part.last = base + at + 1
            wanted = wanted or part.last >= skip
            dropped = 0
            start = following
            seek = following - 1
            continue
        if ended:
            break
        seek = max(seek, len(buffer) - AHEAD)
        if seek - start > limit or not wanted:
            # Overlong: only the edge, where a separator may lie, is still needed.
            dropped += seek - start
            start = seek
        kept = max(0, min(start, seek) - BEFORE)
        # As much again as is kept: a long mail is not copied over and over.
        piece = stream.take(max(_CHUNK, len(buffer) - kept))
        ended = not piece
        buffer = buffer[kept:] + piece
        base += kept
        start -= kept
        seek -= kept
    part.end = base + len(buffer)
    if wanted and (parted or dropped or buffer[start:].strip()):
        part.mails += 1
        yield _mail(buffer, start, len(buffer), dropped, limit)


_JOINED = re.compile(
    rb"\n\r?\nFrom (?=[^\n]{0,994}\n)(?>[^\n]*?\d:\d\d)[^\n]*\n(?=[!-9;-~]{1,120}[ \t]*:)"
)


def joined(text: bytes, end: int) -> str:
    """Give the form of what begins with a mail that ends at a place, where mails follow it; else nothing."""
    if b"\nFrom " in text and _JOINED.search(text, end):
        return "mbox"  # it has lost its first separator
    return "joined" if SEPARATORS["joined"].search(text, end) else ""


def dated(text: bytes) -> bool:
    """Tell whether a separator with a date stands in the first bytes of what begins as something else."""
    return _SEPARATOR.search(text) is not None


def goes_on(text: bytes, at: int) -> bool:
    """Tell whether an mbox that once ended at a place goes on there with a new mail, or not at all."""
    gap = len(text) - len(text[at:].lstrip(b"\r\n"))
    return gap == len(text) or _SEPARATOR.match(b"\n" + text, gap) is not None


def marked(
    pattern: re.Pattern[bytes], mark: bytes, buffer: bytes, at: int
) -> re.Match[bytes] | None:
    """Find where a pattern that begins with a mark matches next: a mark is found in half the time or less."""
    while (at := buffer.find(mark, at)) >= 0:
        found = pattern.match(buffer, at)
        if found:
            return found
        at += 1
    return None


def _mail(buffer: bytes, start: int, end: int, dropped: int, limit: int) -> bytes | int:
    length = dropped + end - start
    return length if length > limit else buffer[start:end]
