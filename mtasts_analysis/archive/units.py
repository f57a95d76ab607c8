"""An archive → units of work: each is read on its own, by any process, and gives tables of its own.

::

    small files ─► runs of files ────────────────────────┐
    a large mbox ─► ranges of bytes ─────────────────────┼─► read(unit) ─► Arrow tables, an account
    any other large file ─► opened here, once, forward; ─┘
                            its mails and members are the units

In the order of the units, the tables are those of a run without units. What a unit cannot know, the
number of the mails before its own in an mbox, is put right as its result comes in (:class:`Numbers`).
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, structs

from mtasts_analysis import arguments
from mtasts_analysis.archive import load, mboxes, opened, tables
from mtasts_analysis.archive.forms import HEAD, sniff
from mtasts_analysis.archive.items import MAIL, MEMBER, Item, shown
from mtasts_analysis.archive.sources import Reader, Splitter
from mtasts_analysis.archive.tables import LeftOut
from mtasts_analysis.limits import DEFAULT, MIB, Limits

if TYPE_CHECKING:
    from mtasts_analysis.archive.dkim import Judge

SIZE = 16 * MIB
"""Bytes of a unit: some thousand mails. A process holds their rows as Python objects meanwhile."""
FILES = 2_000
"""Files of a unit: small ones cost their opening."""


class Unit(Struct, frozen=True, gc=False):
    """Something to read: files, or a part of an mbox, or items that were taken out of a container."""

    origin: str
    """For messages: where it begins."""
    size: int = 0
    """Bytes of the input that it stands for."""
    files: tuple[str | Item, ...] = ()
    mbox: str = ""
    first: int = 0
    stop: int | None = None
    items: tuple[Item, ...] = ()
    source: str = ""
    """The file that the items were taken out of, and which number of its units this is."""
    number: int = 0
    last: bool = True
    """Of a part of a file: whether it is the last one."""


class Settings(Struct, frozen=True):
    """What all units of a run have in common."""

    limits: Limits = DEFAULT
    dkim: bool = False
    raise_problems: bool = False


def asked(limits: Limits, *, dkim: bool, on_problem: str) -> Settings:
    """Give the settings that a caller asked for.

    Raises
    ------
    InputError
        One of them is none.
    """
    such_as = "Limits, such as Limits(report_bytes=64 * 2**20)"
    arguments.instance("limits", limits, Limits, such_as)
    arguments.instance("dkim", dkim, bool, "True or False")
    arguments.one_of("on_problem", on_problem, ("record", "raise"))
    return Settings(limits, dkim, on_problem == "raise")


@dataclass(frozen=True, slots=True)
class Done:
    """What a unit gave."""

    tables: dict[str, pa.Table]
    reports: int
    rejected: int
    others: Counter[str] = field(default_factory=Counter)
    left_out: LeftOut = field(default_factory=dict)
    """Problems that there was no room for."""
    refusal: load.Refused | None = None
    """The item at which it stopped, where it was to stop at the first."""
    mails: int = 0
    """Of a part of an mbox: its mails, where the last one begins, and of the last part where it ends."""
    last: int = 0
    end: int = 0


def plan(
    found: Iterable[str | Item],
    limits: Limits,
    shard: int = SIZE,
    starts: dict[str, int] | None = None,
    skips: dict[str, int] | None = None,
) -> Iterator[Unit]:
    """Split what :func:`~mtasts_analysis.archive.finding.files` found, in order.

    Parameters
    ----------
    found
        Paths, and items of what is no file.
    limits
        The bounds to keep.
    shard
        Bytes of a unit.
    starts
        Of an mbox: from which byte on it is to be read.
    skips
        Of a container: how many of its units are to be left out.
    """
    run: list[str | Item] = []
    held = 0

    def files() -> Unit:
        first = run[0]
        origin = first.origin if isinstance(first, Item) else shown(first)
        return Unit(origin, held, tuple(run))

    for file in found:
        start = (starts or {}).get(file) if isinstance(file, str) else None
        bytes_ = size(file) if isinstance(file, str) else 0
        if start is not None or (isinstance(file, str) and (file == "-" or bytes_ > shard)):
            if run:
                yield files()
                run, held = [], 0
            assert isinstance(file, str)
            if start is not None or (file != "-" and limits.layers and _is_mbox(file)):
                yield from _ranges(file, start or 0, bytes_, shard)
            else:
                yield from _opened(file, limits, shard, (skips or {}).get(file, 0))
            continue
        run.append(file)
        held += bytes_
        if held >= shard or len(run) >= FILES:
            yield files()
            run, held = [], 0
    if run:
        yield files()


def _ranges(path: str, start: int, end: int, shard: int) -> Iterator[Unit]:
    """Cut an mbox into ranges of bytes; what was added to it meanwhile belongs to the last."""
    for first in range(start, max(end, start + 1), shard):
        last = first + shard >= end
        stop = None if last else first + shard
        origin = f"{shown(path)}, bytes {first}-{end if last else stop}"
        size_ = (end if last else first + shard) - first
        yield Unit(origin, size_, mbox=path, first=first, stop=stop, last=last)


def _opened(path: str, limits: Limits, shard: int, skip: int) -> Iterator[Unit]:
    """Open a container; the first `skip` of its units are left out."""
    read = held = number = 0
    items: list[Item] = []

    def advance(more: int) -> None:
        nonlocal read
        read += more

    def unit(*, last: bool) -> Unit:
        return Unit(
            items[0].origin if items else shown(path), read, items=tuple(items), source=path,
            number=number, last=last,
        )  # fmt: skip

    for item in opened.path(Splitter(limits), path, advance):
        if held >= shard:
            number += 1
            if number > skip:
                yield unit(last=False)
                read = 0  # else the first that is yielded stands for what was left out, too
            items, held = [], 0
        items.append(item)
        held += len(item.data) + 200
    number += 1
    yield unit(last=True)


def size(path: str) -> int:
    """Give a file's bytes; 0 where that cannot be told."""
    try:
        return os.stat(path).st_size if path != "-" else 0
    except OSError:
        return 0


def _is_mbox(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return sniff(file.read(HEAD)) == "mbox"
    except OSError:
        return False


def reader(settings: Settings) -> tuple[Reader, "Judge | None"]:
    """Give a reader, and who judges the signatures of what it reads."""
    if not settings.dkim:
        return Reader(settings.limits), None
    from mtasts_analysis.archive.dkim import Judge  # noqa: PLC0415  # an extra

    judge = Judge()
    return Reader(settings.limits, judge), judge


def read(unit: Unit, settings: Settings) -> Done:
    """Read a unit: what a worker does."""
    made, judge = reader(settings)
    part = mboxes.Part(unit.first, unit.stop)
    items = _items(unit, made, part)
    gathered = load.Gathered(settings.limits, raise_problems=settings.raise_problems)
    refusal = gathered.all(judge.judged(items) if judge is not None else items)
    return Done(
        gathered.tables(),
        gathered.reports,
        gathered.rejected,
        gathered.others,
        gathered.left_out,
        refusal,
        part.mails,
        part.last,
        part.end,
    )


def _items(unit: Unit, reader: Reader, part: mboxes.Part) -> Iterator[Item]:
    if unit.mbox:
        yield from opened.part(reader, unit.mbox, part)
        return
    yield from opened.paths(reader, unit.files)
    for item in unit.items:
        if item.form in (MAIL, MEMBER):
            yield from reader.unread(item)
        else:
            yield item


class Numbers:
    """Gives the mails of an mbox that was read in parts their numbers in the whole."""

    def __init__(self, before: dict[str, int] | None = None) -> None:
        self._before: dict[str, int] = dict(before or {})

    def put_right(self, unit: Unit, done: Done) -> Done:
        """Give what a unit gave, with its mails' numbers; to be asked in the units' order."""
        if not unit.mbox:
            return done
        before = self._before.get(unit.mbox, 0)
        self._before[unit.mbox] = before + done.mails
        if not before:
            return done
        prefix = f"{shown(unit.mbox)}#"
        right = dict(done.tables)
        for name in ("reports", "problems"):
            at = right[name].schema.get_field_index("origin")
            moved = _moved(right[name].column(at), prefix, before)
            right[name] = right[name].set_column(at, right[name].schema.field(at), moved)
        refusal = done.refusal
        if refusal is not None:
            refusal = structs.replace(refusal, origin=_one(refusal.origin, prefix, before))
        unsaid = {
            key: (_one(origin, prefix, before), count)
            for key, (origin, count) in done.left_out.items()
        }
        return replace(done, tables=right, refusal=refusal, left_out=unsaid)


def _one(origin: str, prefix: str, before: int) -> str:
    moved: str = _moved(pa.chunked_array([[origin]]), prefix, before)[0].as_py()
    return moved


def _moved(origins: pa.ChunkedArray, prefix: str, before: int) -> pa.ChunkedArray:
    """Add to the number that follows a prefix."""
    ours = pc.starts_with(origins, prefix)
    rest = pc.utf8_slice_codeunits(origins, len(prefix))
    parts = pc.extract_regex(pc.if_else(ours, rest, "0"), r"^(?P<number>\d+)(?P<rest>(?s:.*))$")
    number = pc.add(pc.struct_field(parts, "number").cast(pa.int64()), before)
    new = pc.binary_join_element_wise(
        prefix, number.cast(pa.string()), pc.struct_field(parts, "rest"), ""
    )
    return pc.if_else(ours, new, origins)


class Watcher(Protocol):
    """Who is told how far a run has come."""

    def advance(self, size: int) -> None:
        """So many bytes more were read."""

    def add(self, reports: int, rejected: int) -> None:
        """So many reports more, and items rejected."""


def numbered(
    results: Iterator[tuple[Unit, Done]], shown: Watcher, before: dict[str, int] | None = None
) -> Iterator[tuple[Unit, Done]]:
    """Give the results as they come, with the mails' numbers in the whole.

    Raises
    ------
    ProblemError
        A unit stopped at an item.
    """
    numbers = Numbers(before)
    for unit, done in results:
        right = numbers.put_right(unit, done)
        if right.refusal is not None:
            raise load.problem(right.refusal)
        shown.advance(unit.size)
        shown.add(done.reports, done.rejected)
        yield unit, right


def gathered(
    results: Iterator[tuple[Unit, Done]],
    shown: Watcher,
    *,
    drop_duplicates: bool,
    limits: Limits = DEFAULT,
) -> tuple[dict[str, pa.Table], load.Accounting]:
    """Make one archive of the results of all units.

    Raises
    ------
    ProblemError
        A unit stopped at an item.
    """
    parts = []
    rejected = 0
    others: Counter[str] = Counter()
    for _, done in numbered(results, shown):
        parts.append((done.tables, done.left_out))
        rejected += done.rejected
        others += done.others
    account = load.Accounting(rejected=rejected, not_reports_by_kind=dict(others))
    bounded = tables.within_bound(parts, limits.problem_bytes)
    return load.joined(bounded, account, drop_duplicates=drop_duplicates)
