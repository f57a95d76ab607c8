"""What a caller gave, checked where it comes in: an error names the argument, what was expected, and what came.

Only kinds and bounds are told here; what a value means is for whoever takes it.
"""

import os
from collections.abc import Iterable
from datetime import UTC, date, datetime
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from mtasts_analysis.errors import InputError
from mtasts_analysis.names import a_label


def wrong(name: str, expected: str, given: object) -> InputError:
    """Give the error: short values as they came, others by their type.

    Examples
    --------
    >>> print(wrong("day", "a day such as 2026-05-14", "soon"))
    day: expected a day such as 2026-05-14; got 'soon'
    """
    if isinstance(given, int) and abs(given) >= 2**64:  # Python may refuse to write it out
        came = "a number of more than 64 bits"
    elif given is None or isinstance(given, str | bytes | int | float):
        came = f"{given!r:.100}"
    else:
        came = f"a {type(given).__name__}"
    return InputError(f"{name}: expected {expected}; got {came}")


def instance(name: str, given: object, kind: type | tuple[type, ...], such_as: str) -> None:
    """Refuse what is of another type.

    Examples
    --------
    >>> instance("config", 5, dict, "a CheckConfig, such as CheckConfig(smtp=False)")
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: config: expected a CheckConfig, such as CheckConfig(smtp=False); got 5
    """
    if not isinstance(given, kind):
        raise wrong(name, such_as, given)


def several(name: str, given: object, kind: type, such_as: str) -> tuple[Any, ...]:
    """Give what several values were given, each of a type; a text by itself is not several.

    Examples
    --------
    >>> several("mx", "mx.example.com", str, 'several hosts, such as ["mx1.example.com"]')
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: mx: expected several hosts, such as ["mx1.example.com"]; got 'mx.example.com'
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise wrong(name, such_as, given)
    values = tuple(given)
    for value in values:
        instance(name, value, kind, such_as)
    return values


def one_of(name: str, given: object, known: Iterable[str]) -> None:
    """Refuse what is none of some words.

    Examples
    --------
    >>> one_of("by", [], ("day", "week", "month"))
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: by: expected one of day, week, month; got a list
    """
    words = list(known)
    if not (isinstance(given, str) and given in words):
        raise wrong(name, f"one of {', '.join(words)}", given)


def number(
    name: str, given: object, least: float, most: float | None = None, *, whole: bool = True
) -> Any:
    """Give a number within its bounds as Python's own; True is none, and NumPy's are.

    Examples
    --------
    >>> number("workers", 2.5, 1)
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: workers: expected 1 or more, a whole number; got 2.5
    """
    value: Any = given
    kind = isinstance(given, Integral if whole else Real) and not isinstance(given, bool)
    # Not `value < least`: that is false of a NaN.
    if not (kind and least <= value and (most is None or value <= most)):
        bounds = f"{least:,} or more" if most is None else f"{least:,} to {most:,}"
        raise wrong(name, f"{bounds}, a {'whole ' if whole else ''}number", given)
    return int(value) if whole else float(value)


def day(name: str, given: object, years: tuple[int, int] | None = None) -> date:
    """Give a day: a date, a text, or the UTC day of a time; one without a zone is taken as it is.

    Parameters
    ----------
    name
        What an error calls it.
    given
        What came.
    years
        The first and last year that can serve; by default every one that has a date.

    Raises
    ------
    InputError
        It is no day, or one of other years.

    Examples
    --------
    >>> day("as_of", "2026-05-14"), day("as_of", datetime.fromisoformat("2026-03-01T23:00-05:00"))
    (datetime.date(2026, 5, 14), datetime.date(2026, 3, 2))
    """
    found: Any = given
    try:
        if isinstance(given, str):
            found = date.fromisoformat(given)
        elif type(given).__name__ == "datetime64":  # NumPy's own, which need not be loaded for it
            found = found.astype("datetime64[us]").item()
        if isinstance(found, datetime):
            found = (found.astimezone(UTC) if found.tzinfo else found).date()
    except (ValueError, OverflowError):
        found = None
    if not isinstance(found, date) or found != found:  # noqa: PLR0124  # pandas' NaT is not itself
        raise wrong(name, "a day such as 2026-05-14", given)
    if years is not None and not years[0] <= found.year <= years[1]:
        raise InputError(f"{name}: expected a day from {years[0]} to {years[1]}; got {found}")
    return found


def path_text(name: str, given: object, what: str) -> str:
    """Give a path as text: one that the system can take, and not the current folder by an empty name.

    Examples
    --------
    >>> path_text("folder", "", "a folder")
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: folder: expected a folder; got ''
    """
    found = os.fspath(given) if isinstance(given, os.PathLike) else given
    if not isinstance(found, str) or not found or "\0" in found:
        raise wrong(name, what, found)
    try:
        os.fsencode(found)
    except UnicodeEncodeError:  # half of a surrogate pair
        raise wrong(name, what, found) from None
    return found


def path(name: str, given: object, what: str) -> Path:
    """Give a path on this machine.

    Parameters
    ----------
    name
        What an error calls it.
    given
        What came.
    what
        What should be there, such as "a folder".

    Raises
    ------
    InputError
        It is no path, or a URL.

    Examples
    --------
    >>> path("folder", "s3://bucket/x", "a folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: folder: expected a folder on this machine; got the URL s3://bucket/x. ...
    """
    found = path_text(name, given, what)
    if "://" in found:
        raise InputError(
            f"{name}: expected {what} on this machine; got the URL {found}. Only Store() takes one: name a place"
            " here, and copy from or to it"
        )
    return Path(found)


def domain(name: str, given: object) -> str:
    """Give a domain name in A-labels.

    Examples
    --------
    >>> domain("domain", "*.example.com")
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: domain: expected a domain name; '*.example.com' is a pattern or an address
    """
    if not isinstance(given, str):
        raise wrong(name, "a domain name as text", given)
    try:
        found = a_label(given)
    except ValueError as error:
        raise InputError(f"{name}: expected a domain name; {error}") from error
    if "*" in found or found.replace(".", "").isdigit():
        raise InputError(f"{name}: expected a domain name; {found!r} is a pattern or an address")
    return found
