"""An item: the least thing that is counted, a report or what stands where one might have stood; how they come."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct

from mtasts_analysis.archive import mail as mime
from mtasts_analysis.archive.streams import Stream
from mtasts_analysis.limits import KIB, NO_TEXT, Limits
from mtasts_analysis.wording import plainly

REPORT, OTHER, REFUSED, NOTE = "report", "other", "refused", "note"
MAIL, MEMBER = "mail", "member"
"""Not read yet: :meth:`Reader.unread` gives what is in them."""


NO_FACTS = mime.Facts()


class Item(Struct, frozen=True, gc=False):
    """One item, or (NOTE) a remark about a container, which is counted as no item."""

    form: str
    origin: str
    data: bytes
    """REPORT: JSON text."""
    code: str = ""
    """REFUSED, NOTE: why. OTHER: the kind of thing it is. REPORT: a fault of what it came in."""
    detail: str = ""
    facts: mime.Facts = NO_FACTS
    packed: int = 0
    """REPORT: how many bytes of the input it took, where that is not its own size."""
    layer: int = 0
    """MAIL, MEMBER: in how many containers it lies."""
    count: int = 1
    """How many things it stands for, where they are too many for an item each."""
    first: int = 0
    """OTHER: the number of the first of `count` things, of which each has a row: `origin#first` and so on."""


def shown(name: str) -> str:
    """Give a file's or member's name fit for a table: valid Unicode, one line, bounded."""
    text = (
        name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if not name.isascii()
        else name
    )
    if not text.isprintable():
        text = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return text if len(text) <= ORIGIN else f"{text[:512]}…{text[-500:]}"


ORIGIN = 1_024
"""Characters of a name."""


@dataclass(slots=True)
class Budget:
    """What the archives inside one mail or member may still inflate to, and hold."""

    size: int
    entries: int
    layer: int
    """In how many containers the mail or member lies."""


class Openings:
    """How often one reader may still look behind one thing for another in vain, or into what is packed many times.

    What is found there by a few letters takes a thousand times as long to open as to write.
    """

    __slots__ = ("_most", "left")

    def __init__(self, most: int) -> None:
        self.left = self._most = most

    def may(self, stream: Stream, number: int = 1) -> bool:
        """Tell whether to look behind the `number`th thing in a stream."""
        return self.left > 0 or (number == 1 and len(stream.peek(_WORTH)) >= _WORTH)

    def deep(self, stream: Stream) -> bool:
        """Count a container that lies deep in others, if it is small; tell whether to open it."""
        if len(stream.peek(_WORTH)) >= _WORTH:
            return True
        may = self.left > 0
        self.left -= may
        return may

    def watched(self, found: Iterator[Item], origin: str) -> Generator[Item, None, bool]:
        """Hand on the items of something found so, and what it returns; it counts where none is a report."""
        held = False
        while True:
            try:
                item = next(found)
            except StopIteration as end:
                ended = bool(end.value)
                break
            held = held or item.form in (REPORT, MAIL, MEMBER)
            yield item
        if not held and self.left:
            self.left -= 1
            if not self.left:
                detail = (
                    f"{self._most} times something stood behind something else and held no report: "
                    f"from here on only the first thing is looked for, in {_WORTH} bytes or more (limit: openings)"
                )
                yield Item(REFUSED, origin, b"", "limit-openings", detail)
        return ended


_WORTH = 512
"""Bytes that may hold a report, though ten thousand times there was none."""


def unreadable(name: str, error: OSError) -> Item:
    """Give what stands for a file or folder that the system does not let be read."""
    return Item(REFUSED, shown(name), b"", "file-unreadable", plainly(error))


def over(most: int, name: str) -> str:
    """Say what a limit is."""
    unit = " bytes" if name.endswith("bytes") else ""
    return f"the limit is {most}{unit} (limit: {name})"


def one_too_many(budget: Budget | None, origin: str, limits: Limits) -> Item | None:
    """Count what lies in an archive inside; give the refusal of the rest where there is too much of it."""
    if budget is None:
        return None
    budget.entries -= 1
    if budget.entries >= 0:
        return None
    detail = over(limits.nested_entries, "nested_entries")
    return Item(REFUSED, origin, b"", "limit-nested-entries", detail)


def too_short(what: str, limits: Limits) -> str:
    """Say that there were too many texts that are too short for a report."""
    return (
        f"more than {limits.items} {what}, each of less than {NO_TEXT} bytes: "
        "no report is so short (limit: items)"
    )


RUN = 100
"""Short things in a row, after which they are counted in one item: 64 MiB hold 22 million `{}`."""


def run(origin: str, before: int, count: int, kind: str = "other-json") -> Item:
    """Give what stands for many short things in a row, before a number."""
    of = (
        "short lines in a row, without a report's keys or too short for one"
        if kind == "other-json"
        else "short mails in a row, too short for one of a report"
    )
    detail = f"{count} more {of}"
    return Item(OTHER, f"{origin}#{before - count}", b"", kind, detail, count=count)


_Thing = TypeVar("_Thing")
_COUNT, _SIZE = 16, 256 * KIB


def together(
    things: Iterable[_Thing], size: Callable[[_Thing], int] | None = None
) -> Iterator[list[_Thing]]:
    """Give things in short lists: a step that is done to a list finds its code in the processor's cache.

    To take each thing through all steps, one after the other, takes a fifth more time.

    Parameters
    ----------
    things
        What comes, in order.
    size
        Says how many bytes one of them holds: large ones are not held together.
    """
    batch: list[_Thing] = []
    held = 0
    for thing in things:
        batch.append(thing)
        held += size(thing) if size is not None else 0
        if len(batch) >= _COUNT or held >= _SIZE:
            yield batch
            batch, held = [], 0
    yield batch
