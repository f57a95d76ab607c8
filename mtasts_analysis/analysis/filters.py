"""Filter: the one value that says which part of an archive a figure is about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Self

from mtasts_analysis import arguments
from mtasts_analysis.analysis.effects import EFFECTS
from mtasts_analysis.analysis.names import mx_host
from mtasts_analysis.errors import InputError
from mtasts_analysis.names import a_label
from mtasts_analysis.printable import printable

_SHOWN = 5
PLURALS = {
    "domains": ("domain", "domains"),
    "senders": ("sender", "senders"),
    "policy_types": ("policy type", "policy types"),
    "modes": ("mode", "modes"),
    "result_types": ("result type", "result types"),
    "mx_hosts": ("MX host", "MX hosts"),
    "effects": ("effect", "effects"),
}
"""What one and several values of each part of a filter are called."""


def _domain(name: str) -> str:
    try:
        return a_label(name)
    except ValueError:  # the tables keep what is no name as it was written
        return name


_SPELLED: dict[str, Callable[[str], str]] = {"domains": _domain, "mx_hosts": mx_host}
"""Names as the tables have them: domains in A-labels, MX hosts in lower case."""


@dataclass(frozen=True, init=False, repr=False)
class Filter:
    """Which rows a figure is about; every function, plot, export and panel takes one.

    Domains, senders, policy types, modes and days choose policy results. Result types, MX hosts and
    effects choose failure details among them: session totals stay whole, for no report tells successes
    by MX (RFC 8460 §4.4).

    Parameters
    ----------
    domains, senders, policy_types, modes, result_types, mx_hosts, effects
        A value or several; none means all. `None` among several stands for rows that name none.
        Senders are the names that :func:`mtasts_analysis.senders` gives. Domains and hosts may be
        written as people do: `Bücher.example.` is `xn--bcher-kva.example`.
    start, end
        The first and last UTC day on which a report may start, both included: a date, a text
        such as `2026-05-14`, or a time, of which it is the UTC day.

    Raises
    ------
    InputError
        A value that is no text, or holds half of a surrogate pair; an effect that there is not, a date that is
        none, or days in the wrong order.

    Examples
    --------
    >>> where = Filter(domains="clinic.example", start="2026-03-12")
    >>> print(where)
    domain clinic.example, from 2026-03-12
    >>> where
    Filter(domains=('clinic.example',), start='2026-03-12')
    >>> print(Filter())
    all reports
    """

    domains: tuple[str | None, ...] = ()
    senders: tuple[str | None, ...] = ()
    policy_types: tuple[str | None, ...] = ()
    modes: tuple[str | None, ...] = ()
    result_types: tuple[str | None, ...] = ()
    mx_hosts: tuple[str | None, ...] = ()
    effects: tuple[str | None, ...] = ()
    start: date | None = None
    end: date | None = None

    def __init__(
        self,
        *,
        domains: str | Iterable[str | None] = (),
        senders: str | Iterable[str | None] = (),
        policy_types: str | Iterable[str | None] = (),
        modes: str | Iterable[str | None] = (),
        result_types: str | Iterable[str | None] = (),
        mx_hosts: str | Iterable[str | None] = (),
        effects: str | Iterable[str | None] = (),
        start: date | str | None = None,
        end: date | str | None = None,
    ) -> None:
        given: dict[str, Any] = {
            "domains": domains,
            "senders": senders,
            "policy_types": policy_types,
            "modes": modes,
            "result_types": result_types,
            "mx_hosts": mx_hosts,
            "effects": effects,
        }
        for name, value in given.items():
            values = _values(name, value)
            spelled = _SPELLED.get(name)
            if spelled is not None:
                values = [spelled(v) if v is not None else None for v in values]
            object.__setattr__(self, name, tuple(dict.fromkeys(values)))
        for name, day in (("start", start), ("end", end)):
            object.__setattr__(self, name, None if day is None else arguments.day(name, day))
        if self.start and self.end and self.start > self.end:
            raise InputError(
                f"expected start to be no later than end; got {self.start} and {self.end}"
            )

    def but(self, **changes: Any) -> Self:
        """Give the same filter with some of its parts changed.

        Examples
        --------
        >>> print(Filter(domains="a.example", modes="testing").but(modes=()))
        domain a.example
        """
        return replace(self, **changes)

    @classmethod
    def of(cls, row: Any) -> Self:
        """Choose the evidence behind a row of a measure.

        Parameters
        ----------
        row
            A row (a `pandas.Series`, a mapping) with any of the columns `domain`, `sender`,
            `policy_type`, `mode`, `result_type`, `mx_host`, `effect`, `first_day`, `last_day`.

        Raises
        ------
        InputError
            It is no row: a whole frame, for example.

        Examples
        --------
        >>> Filter.of({"domain": "a.example", "result_type": "certificate-expired"})
        Filter(domains=('a.example',), result_types=('certificate-expired',))
        """
        if not hasattr(row, "get") or getattr(row, "ndim", 1) != 1:
            raise InputError(
                f"row: expected one row of a measure, such as frame.iloc[0]; got a {type(row).__name__}"
            )
        given: dict[str, Any] = {}
        for name in PLURALS:
            column = {"policy_types": "policy_type", "mx_hosts": "mx_host"}.get(name, name[:-1])
            if column in row:
                value = row[column]
                given[name] = (value if isinstance(value, str) else None,)
        for name, column in (("start", "first_day"), ("end", "last_day")):
            value = row.get(column)
            if isinstance(value, date) and value == value:  # noqa: PLR0124  # NaT is not itself
                given[name] = value
        return cls(**given)

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def __repr__(self) -> str:
        parts = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value:
                shown = value.isoformat() if isinstance(value, date) else value
                parts.append(f"{field.name}={shown!r}")
        return f"Filter({', '.join(parts)})"

    def __str__(self) -> str:
        parts = []
        for name, (one, many) in PLURALS.items():
            values = [value or "not named" for value in getattr(self, name)]
            if len(values) > _SHOWN:
                values = [*values[: _SHOWN - 1], f"{len(values) - _SHOWN + 1} more"]
            if values:
                parts.append(f"{one if len(values) == 1 else many} {_list(values)}")
        if self.start and self.end:
            parts.append(
                f"on {self.start}" if self.start == self.end else f"{self.start} to {self.end}"
            )
        elif self.start:
            parts.append(f"from {self.start}")
        elif self.end:
            parts.append(f"until {self.end}")
        return printable(", ".join(parts)) or "all reports"


def _values(name: str, given: Any) -> list[str | None]:
    """Give the values of a part of a filter."""
    values = [given] if isinstance(given, str) or not isinstance(given, Iterable) else [*given]
    for value in values:
        if not isinstance(value, str) and (value is not None or given is None):
            raise InputError(f"{name}: expected a text or several; got {value!r}")
        if value is not None and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InputError(
                f"{name}: expected text that a table can hold; got {value!r:.100}, with half of a surrogate pair"
            )
        if name == "effects" and value is not None and value not in EFFECTS:
            raise InputError(f"effects: expected some of {', '.join(EFFECTS)}; got {value!r}")
    return values


def chosen(where: Filter | None, **parts: Any) -> Filter:
    """Give a filter with some of its parts changed; without one, of these parts alone.

    Raises
    ------
    InputError
        It is no filter.

    Examples
    --------
    >>> chosen("clinic.example")
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: where: expected a Filter, such as Filter(domains="a.example"); got a str
    """
    known = [part.name for part in fields(Filter)]
    for name in parts.keys() - set(known):
        raise InputError(
            f"{name}: expected some of {', '.join(known)}; got another part of a filter"
        )
    if where is None:
        return Filter(**parts)
    if not isinstance(where, Filter):
        raise InputError(
            'where: expected a Filter, such as Filter(domains="a.example"); got a'
            f" {type(where).__name__}"
        )
    return where.but(**parts) if parts else where


def _list(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} and {values[-1]}"


EVERYTHING = Filter()
"""The filter that leaves nothing out."""
