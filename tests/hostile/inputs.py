"""Hostile inputs by name: what each must still give, and what must be said of it.

`named()` makes all of them; nothing is random but what `SEED` decides. An expectation is the truth by
construction: how many reports a reader who knows RFC 8460 finds in the bytes, and every code that must
stand in `problems` (exactly these: a wrong remark is a fault too).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

SEED = 8460


@dataclass(frozen=True, slots=True)
class Hostile:
    """An input, and what must become of it."""

    name: str
    make: Callable[[], bytes]
    loads: int
    """Reports that must be there."""
    codes: frozenset[str]
    """The codes in `problems`, no more and no fewer."""
    slow: bool = False
    """More than about half a second."""


def table(
    family: str, *rows: tuple[str, Callable[[], bytes], int, str], slow: bool = False
) -> Iterator[Hostile]:
    """Give the inputs of a family: (name, maker, reports, codes in one string)."""
    for name, make, loads, codes in rows:
        yield Hostile(f"{family}: {name}", make, loads, frozenset(codes.split()), slow)


def named() -> list[Hostile]:
    """Give every input."""
    from tests.hostile import containers, found, mails, odd, texts

    families = (texts, containers, mails, found, odd)
    every = [one for family in families for one in family.inputs()]
    names = [one.name for one in every]
    assert len(names) == len(set(names))
    return every
