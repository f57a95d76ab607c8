"""Times as reports and mails write them, as whole microseconds since 1970 in UTC.

Integers, because a report's time is compared, hashed and stored far more often than it is shown, and
because years 1 and 9999 then cannot raise in a nanosecond clock.
"""

import re
from datetime import UTC, date, datetime, timedelta

from mtasts_analysis.limits import YEAR_MAX, YEAR_MIN

SECOND = 1_000_000
_DAY = 86_400 * SECOND
_EPOCH = date(1970, 1, 1).toordinal()

# RFC 3339 §5.6: "T" and "Z" may be lower case; the zone is not optional.
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)([Tt ])(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)
# RFC 5322 §3.3: [day-name ","] day month year hour ":" minute [":" second] zone. The zone may be a
# name or missing (§4.3). Some write a fraction, a colon in the zone, a name before it ("GMT+0200", as
# JavaScript has it) or no blank; where anything else stands for a zone, such as PM, no instant is told.
_RFC5322 = re.compile(
    rb"(?<![0-9])(\d{1,2}[ \t]+[A-Za-z]{3})[a-z]*[ \t]+(\d{4})[ \t]+(\d\d?):(\d\d)(?::(\d\d))?(?:\.\d{1,9})?"
    rb"(?:[ \t]*\([^()]*\))*[ \t]*(?![AaPp][.]?[Mm]\b)"
    rb"(?:(?:[A-Za-z]{1,5}[ \t]*)?([+-]\d\d:?\d\d)(?![\d:])|([A-Za-z]{1,5})(?![\w:+-]|[ \t]+[+-])|\s*$)"
)
_ISO8601 = re.compile(r"\d{4}(?:-?\d\d-?\d\d|-?W\d\d(?:-?\d)?)(?:[Tt ].*)?", re.ASCII)
"""A date, and what a time is told from it by: `fromisoformat()` takes any letter for that."""
_MONTHS = {
    m: i + 1 for i, m in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split())
}
# RFC 5322 §4.3: every other name means an unknown zone, read as UTC.
_ZONES = {
    b"est": -5,
    b"edt": -4,
    b"cst": -6,
    b"cdt": -5,
    b"mst": -7,
    b"mdt": -6,
    b"pst": -8,
    b"pdt": -7,
}


def _microseconds(
    year: int, month: int, day: int, hour: int, minute: int, second: int, offset: int
) -> int | None:
    """Give the instant, or None where no calendar has it; `offset` is minutes east of UTC."""
    # Second 60 is the next minute's first; 24:00 is ISO 8601's name for the next day's midnight.
    if (hour == 24 and (minute or second)) or hour > 24 or minute > 59 or second > 60:
        return None
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None
    return days * _DAY + ((hour * 60 + minute - offset) * 60 + second) * SECOND


def in_range(instant: int) -> bool:
    """Tell whether an instant lies in the years that the tables hold."""
    return _LOWEST <= instant < _HIGHEST


_LOWEST = (date(YEAR_MIN, 1, 1).toordinal() - _EPOCH) * _DAY
_HIGHEST = (date(YEAR_MAX + 1, 1, 1).toordinal() - _EPOCH) * _DAY


def rfc3339(text: str) -> tuple[int | None, str | None]:
    """Read a report's date-time (RFC 8460 §4.4: RFC 3339 §5.6).

    Returns
    -------
    tuple
        The instant (None: unreadable) and the code of the tolerance that was needed, None where the
        text is what the RFC asks for.

    Examples
    --------
    >>> rfc3339("2026-01-01T00:00:01Z")
    (1767225601000000, None)
    >>> rfc3339("2026-01-01T00:00:01")
    (1767225601000000, 'date-without-zone')
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        return _loose(text)
    year, month, day, sep, hour, minute, second, fraction, zulu, sign, east, rest = found.groups()
    offset = 0
    if sign:
        offset = int(east) * 60 + int(rest)
        if int(rest) > 59 or offset >= 24 * 60:
            return None, "date-unreadable"
        offset = -offset if sign == "-" else offset
    instant = _microseconds(
        int(year), int(month), int(day), int(hour), int(minute), int(second), offset
    )
    if instant is None:
        return None, "date-unreadable"
    if fraction:
        instant += int(fraction[:6].ljust(6, "0"))
    if not in_range(instant):
        return None, "date-out-of-range"
    if not zulu and not sign:
        return instant, "date-without-zone"
    if (
        sep == " " or hour == "24" or (sign and text[-3] != ":")
        # §5.7: a leap second is the last of a day in UTC; which days had one is not asked.
        or (second == "60" and instant % _DAY >= SECOND)
    ):  # fmt: skip
        return instant, "date-form"
    return instant, None


def _loose(text: str) -> tuple[int | None, str | None]:
    """Read what is a date beyond doubt, but not in RFC 3339's form."""
    if not (text.isascii() and text.isprintable()):  # fromisoformat() passes over a NUL
        return None, "date-unreadable"
    text = text.strip()
    if not _ISO8601.fullmatch(text):
        return None, "date-unreadable"
    try:
        moment = datetime.fromisoformat(text)
        instant = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _START
    except (ValueError, OverflowError):
        return None, "date-unreadable"
    value = instant // timedelta(microseconds=1)
    return (value, "date-form") if in_range(value) else (None, "date-out-of-range")


_START = datetime(1970, 1, 1, tzinfo=UTC)


def rfc5322(field: bytes) -> int | None:
    """Read a mail's Date field; None where it holds no date of our years.

    Examples
    --------
    >>> rfc5322(b"Fri, 02 Jan 1970 02:00:00 +0200") is None  # before 1990: no report is that old
    True
    >>> rfc5322(b"Thu, 1 Jan 2026 00:00:01 +0000")
    1767225601000000
    """
    # Most senders write "Thu, 01 Jan 2026 00:00:01 +0000": its day and its clock are each read once.
    day_and_zone, clock = (field[:17], field[25:]), field[17:25]
    base, passed = _days.get(day_and_zone), _clocks.get(clock)
    if base is not None and passed is not None:
        return base + passed
    found = _RFC5322.search(field, 0, 200)
    if found is None:
        return None
    day, year, hour, minute, second, zone, zone_name = found.groups()
    number, name = day.split()
    month = _MONTHS.get(name.lower())
    midnight = _microseconds(int(year), month, int(number), 0, 0, 0, 0) if month else None
    if midnight is None or not in_range(midnight):
        return None
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second or 0)
    if seconds > 86_400 or int(minute) > 59 or int(second or 0) > 60:
        return None
    east = 3600 * _ZONES.get((zone_name or b"").lower(), 0)
    if zone:
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        if hours > 23 or minutes > 59:
            return None
        east = (hours * 3600 + minutes * 60) * (-1 if zone[0] == 0x2D else 1)
    if (found.start(3), found.end(5)) == (17, 25) and len(field) < 60:
        if len(_days) >= _MOST:
            _days.clear()
        _days[day_and_zone] = midnight - east * SECOND
        if _CLOCK.fullmatch(clock):
            _clocks[clock] = seconds * SECOND
    return midnight + (seconds - east) * SECOND


_CLOCK = re.compile(rb"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d")
_MOST = 10_000
_days: dict[tuple[bytes, bytes], int] = {}
_clocks: dict[bytes, int] = {}
"""No more than a day has seconds."""
