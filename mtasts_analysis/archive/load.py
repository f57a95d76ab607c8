"""Paths → the four tables and the account of every item."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from mtasts_analysis.archive import reports, tables, tolerant
from mtasts_analysis.archive.items import OTHER, REFUSED, REPORT, Item, over, together, too_short
from mtasts_analysis.archive.tolerant import Refusal, Spent, known, too_many_names
from mtasts_analysis.errors import ProblemError
from mtasts_analysis.limits import MIB, NO_TEXT, Limits
from mtasts_analysis.wording import several

_UNIT, _HELD = 20_000, 8 * MIB
"""Rows, and bytes of JSON, gathered before they become Arrow: Python objects take some ten times the room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """What became of every item: nothing is lost without a word.

    ``items == reports + duplicates + not_reports + rejected``.
    """

    reports: int = 0
    duplicates: int = 0
    rejected: int = 0
    not_reports_by_kind: dict[str, int] = field(default_factory=dict)
    conflicts: int = 0
    """Reports that share an identity with another, and differ from it; they are among `reports`."""

    @property
    def not_reports(self) -> int:
        """Items that are no TLS reports."""
        return sum(self.not_reports_by_kind.values())

    @property
    def items(self) -> int:
        """Every item seen."""
        return self.reports + self.duplicates + self.not_reports + self.rejected

    def __str__(self) -> str:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(self.not_reports_by_kind.items()))
        no_report = "not a report" if self.not_reports == 1 else "not reports"
        return (
            f"{several(self.items, 'item')} = {several(self.reports, 'report')}"
            f" + {several(self.duplicates, 'duplicate')}"
            f" + {self.not_reports:,} {no_report}{f' ({kinds})' if kinds else ''}"
            f" + {self.rejected:,} rejected"
        )


class Refused(Struct, frozen=True):
    """The item at which a strict load stops."""

    origin: str
    code: str
    detail: str


def load_tables(
    items: Iterator[Item], *, drop_duplicates: bool, raise_problems: bool, limits: Limits
) -> tuple[dict[str, pa.Table], Accounting]:
    """Read items into the four tables.

    Parameters
    ----------
    items
        What :class:`~mtasts_analysis.archive.sources.Reader` gives.
    drop_duplicates
        Keep each report once.
    raise_problems
        Raise at the first item that is rejected, instead of noting it.
    limits
        The bounds to keep.

    Returns
    -------
    tuple
        The tables by name, and the account.

    Raises
    ------
    ProblemError
        An item was rejected, and `raise_problems` is set.
    """
    gathered = Gathered(limits, raise_problems=raise_problems)
    refusal = gathered.all(items)
    if refusal is not None:
        raise problem(refusal)
    return joined(
        [*gathered.parts(), tables.left_out(gathered.left_out)],
        Accounting(rejected=gathered.rejected, not_reports_by_kind=dict(gathered.others)),
        drop_duplicates=drop_duplicates,
    )


def problem(refusal: Refused) -> ProblemError:
    """Give the error of a strict load."""
    return ProblemError(f"{refusal.origin}: {refusal.detail} ({refusal.code})")


def joined(
    parts: list[dict[str, pa.Table]], account: Accounting, *, drop_duplicates: bool
) -> tuple[dict[str, pa.Table], Accounting]:
    """Make one archive of the tables of several units, in order.

    Parameters
    ----------
    parts
        Their tables.
    account
        What they rejected, and what was no report.
    drop_duplicates
        Keep each report once.

    Returns
    -------
    tuple
        The tables by name, and the account.
    """
    whole = tables.concat(parts)
    reports = len(whole["reports"])
    kept, dropped = tables.without_duplicates(whole, drop=drop_duplicates)
    kept = tables.canonical(tables.with_recipients(kept))
    conflicts = pc.sum(pc.equal(kept["problems"]["code"], "conflict")).as_py() or 0
    return kept, Accounting(
        reports=reports - dropped,
        duplicates=dropped,
        rejected=account.rejected,
        not_reports_by_kind=dict(sorted(account.not_reports_by_kind.items())),
        conflicts=conflicts,
    )


class _Stop(Exception):  # noqa: N818  # no error: the way out of a loop
    def __init__(self, refusal: Refused) -> None:
        self.refusal = refusal


_ROW, _SINGLE, _FRAME = 20, 150, 3
"""Bytes: the least that a row takes where data may hold any number of them, and that a report takes which is
packed alone; the objects of a report that are no rows."""
_FEW = 50
"""Objects of a small report."""
_FIELDS = 8
"""Of an object: RFC 8460 §4.4 gives none more."""
_ODD, _ODD_MOST = 5, 1_000
"""A report that is not as RFC 8460 asks takes twice the time of its rows, or that of so many more; and no more than
that is counted: one of a million rows would leave no room for those behind it."""
_OFTEN, _SLOW = 12, 8
"""Times: more than a report expands that is packed alone; how much longer broken JSON takes than sound."""


def _length(item: Item) -> int:
    return len(item.data)


def _taken(item: Item) -> int:
    return item.packed or len(item.data)


def _dense(item: Item) -> bool:
    """Tell whether a report holds more than others do in so few bytes."""
    objects = item.data.count(b"{")
    # What is no object where one should be is a row as well.
    bare = item.data.count(b",") - _FIELDS * (objects + _FRAME)
    return (objects - _FRAME + max(bare, 0)) * _ROW > _taken(item)


class Gathered:
    """Items → rows, with the count of each class.

    Parameters
    ----------
    limits
        The bounds to keep.
    raise_problems
        Stop at the first item that is rejected.
    """

    def __init__(self, limits: Limits, *, raise_problems: bool) -> None:
        self.reports = 0
        self.rejected = 0
        self.others: Counter[str] = Counter()
        self._rows = self._packed = self._tiny = self._odd = 0
        self._held = 0
        self._crowded = self._wary = False
        self._spent = Spent()
        self._raise = raise_problems
        self._limits = limits
        self._builder = tables.Builder(limits.problem_bytes)
        self._parts: list[dict[str, pa.Table]] = []

    def all(self, items: Iterator[Item]) -> Refused | None:
        """Take in all items; give the one at which a strict load stops."""
        try:
            with _no_collections():
                for batch in together(items, _length):
                    crowded = self._crowded
                    strict = [self._strict(item) for item in batch]
                    for item, parsed in zip(batch, strict, strict=True):
                        # What was about to be rejected may not be any more.
                        again = crowded and parsed is None
                        self._add(item, self._strict(item) if again else parsed)
        except _Stop as stop:
            return stop.refusal
        return None

    @property
    def left_out(self) -> tables.LeftOut:
        """Problems that there was no room for."""
        return self._builder.left_out

    def parts(self) -> list[dict[str, pa.Table]]:
        """Give all rows, once all items are in, some thousand at a time."""
        return [*self._parts, self._builder.take()]

    def tables(self) -> dict[str, pa.Table]:
        """Give all rows, once all items are in."""
        return tables.concat(self.parts())

    def _strict(self, item: Item) -> reports.Parsed | None:
        """Read a report that needs no tolerance, and is not about to be rejected."""
        if item.form != REPORT or item.code or (self._wary and self._past_limits(item)):
            return None
        return reports.strict(item.data, self._limits)

    def _add(self, item: Item, parsed: reports.Parsed | None) -> None:
        form = item.form
        before = self._builder.rows
        if form == REPORT:
            past = self._past_limits(item, odd=parsed is None) if self._wary else None
            domain = item.facts.report_domain
            if domain is not None and not known(domain, self._spent.names, self._limits):
                past = "limit-names", too_many_names(self._limits)
            if past:
                self._reject(item.origin, *past)
                return
            if parsed is not None:
                self._builder.report(item.origin, parsed, item.facts)
                self.reports += 1
            else:
                self._tolerant(item)
                self._tiny += len(item.data) < NO_TEXT
                self._rows += min(max(_ODD, self._builder.rows - before), _ODD_MOST)
            self._packed += _taken(item)
            self._held += len(item.data)
            self._rows += self._builder.rows - before
            self._crowded = (self._rows - self._limits.rows) * _ROW > self._packed
            self._wary = self._crowded or self._tiny > self._limits.items
        elif form == OTHER and item.first:
            self.others[item.code] += item.count
            numbers = range(item.first, item.first + item.count)
            origins = [f"{item.origin}#{number}" for number in numbers]
            self._builder.problems(origins, "info", "not-a-report", item.code)
        elif form == OTHER:
            self._other(item.origin, item.code, item.detail)
        elif form == REFUSED:
            self._reject(item.origin, item.code, item.detail)
        else:
            self._builder.problem(item.origin, None, "deviation", item.code, item.detail)
        if self._builder.rows >= _UNIT or self._held >= _HELD:
            self._held = 0
            self._parts.append(self._builder.take())

    def _past_limits(self, item: Item, *, odd: bool = False) -> tuple[str, str] | None:
        """Tell why a report is not read any more: together with what was read it is too much."""
        limits = self._limits
        if self._crowded and self._too_dense(item, odd=odd):
            detail = (
                f"more than {limits.rows} rows, and one more for each {_ROW} bytes (limit: rows)"
            )
            return "limit-rows", detail
        if self._tiny > limits.items and len(item.data) < NO_TEXT:
            return "limit-items", too_short("texts", limits)
        return None

    def _too_dense(self, item: Item, *, odd: bool) -> bool:
        """Tell whether a report holds more than there is room for, where there is no more for any number."""
        if not (_dense(item) or (odd and _taken(item) < _SINGLE)):
            return False
        # What stands behind too much is not lost with it: a small report has room of its own.
        most = self._limits.rows
        more = most // 4 if item.data.count(b"{") <= _FEW else 0
        return (self._rows - most - more) * _ROW > self._packed

    def _tolerant(self, item: Item) -> None:
        found = accepted = False
        # What passes the bound is still read, and what comes after it is not: one large report may be cut.
        size, taken = len(item.data), _taken(item)
        spent, often = self._odd > self._limits.odd, size - _OFTEN * taken
        values = [] if spent and often > 0 else tolerant.sound(item.data, self._limits)
        counts = often if values else _SLOW * (size - taken)
        if spent and counts > 0:
            self._reject(item.origin, "limit-odd", over(self._limits.odd, "odd"))
            return
        self._odd += max(counts, 0)
        for where, outcome in reports.read(item.data, self._limits, self._spent, values):
            origin = item.origin + where
            if isinstance(outcome, Refusal):
                if outcome.kind:
                    self._other(origin, outcome.kind, outcome.detail)
                elif (
                    item.code
                ):  # cut or broken underneath: that is the reason, the JSON but shows it
                    self._reject(origin, item.code, item.detail)
                else:
                    self._reject(origin, outcome.code, outcome.detail)
            else:
                self._builder.report(origin, outcome, item.facts)
                self.reports += 1
                accepted = True
            found = True
        if not found:
            self._reject(item.origin, item.code or "json-malformed", item.detail or "empty")
        elif accepted and item.code:
            self._builder.problem(item.origin, None, "deviation", item.code, item.detail)

    def _other(self, origin: str, kind: str, detail: str) -> None:
        self.others[kind] += 1
        self._builder.problem(
            origin, None, "info", "not-a-report", f"{kind}: {detail}" if detail else kind
        )

    def _reject(self, origin: str, code: str, detail: str) -> None:
        if self._raise:
            raise _Stop(Refused(origin, code, detail))
        self.rejected += 1
        self._builder.problem(origin, None, "error", code, detail)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Hold the cycle collector: rows make no cycles, and it would walk them all again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
