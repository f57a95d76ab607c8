"""The tolerant reader: any JSON that means a report → the same structures, and a note for each liberty.

What is accepted, and who forced it, stands in :data:`mtasts_analysis.archive.reports.TOLERANCES`.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import msgspec

from mtasts_analysis.archive import instants, wire
from mtasts_analysis.limits import COUNT_MAX, Limits

Note = tuple[str, str]
"""A code of the table of tolerances, and where in the report."""


class Refusal(NamedTuple):
    """Why a JSON text or document gives no report.

    `kind` is set where it is no report at all (other JSON), and None where it should have been one.
    """

    code: str
    detail: str
    kind: str | None = None


class Document(NamedTuple):
    """A report, its span and the liberties taken."""

    report: wire.Report
    start: int | None
    end: int | None
    notes: tuple[Note, ...]


_TOP_KEYS = {"organization-name", "date-range", "contact-info", "report-id", "policies"}
_ALIASES = {
    # The value's name in §4.4's schema, taken for the key.
    "mx-host-pattern": "mx-host",
    "additional-info-uri": "additional-information",
    "failure-error-code": "failure-reason-code",
}
_KEY = re.compile(f'"(?:{"|".join(sorted(_TOP_KEYS))})"')
_HUGE = float("inf")


@dataclass(slots=True)
class Spent:
    """What the bounds on a whole run are counted by."""

    names: set[str] = field(default_factory=set)
    """Domain names outside ASCII that were seen."""
    looked: int = 0
    """Lists and objects in which a report was looked for that is wrapped in other JSON."""


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys were given twice."""

    __slots__ = ("twice",)
    twice: tuple[str, ...]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    # Of millions of keys there is no room for two more copies.
    found = _Object()
    twice: dict[str, None] = {}
    pairs.reverse()
    while pairs:
        key, value = pairs.pop()
        if key in found:
            twice[key] = None
        found[key] = value
    found.twice = tuple(twice)
    return found


def _integer(digits: str) -> int | float:
    # Python raises beyond 4,300 digits; nothing past 2^63 is a count in any case.
    return int(digits) if len(digits) <= 40 else _HUGE


def _float(text: str) -> float:
    value = float(text)
    # 0.99…9 rounds to 1.0, but is not a whole number, and no count.
    if value.is_integer() and abs(value) < _EXACT:
        try:
            return value if Decimal(text) == Decimal(value) else _NO_NUMBER
        except InvalidOperation:  # an exponent that not even Decimal holds
            return _NO_NUMBER
    return value


_EXACT = 2**53
_NO_END = 2**63
_LONGEST = 10**39
_NO_NUMBER = float("nan")
_JSON, _LOOSE = (
    json.JSONDecoder(
        object_pairs_hook=_object, parse_int=_integer, parse_float=_float, strict=strict
    )
    for strict in (True, False)
)
_SOUND = msgspec.json.Decoder(float_hook=_float)
_ENCODER = msgspec.json.Encoder()
# With the marks that joined files (RFC 8259 §8.1) and sequences (RFC 7464 §2.2) put before each text.
_BLANK = re.compile(r"[ \t\r\n\x00\x1e\ufeff]*")
_LIST = re.compile(r"\[[ \t\r\n]{0,65535}+(?=\{)")
_GAP = re.compile(r"[ \t\r\n\x00\x1e\ufeff,]*")
_LIST_END = re.compile(r"[ \t\r\n,]*\]?")
_OPENINGS = (
    # Where to go on after what is broken: a line that opens a value, or what opens a report.
    ("\n", re.compile(r"\n[ \t\r]*+[{\[]")),
    (
        "{",
        re.compile(rf"\{{(?=\s{{0,40}}{_KEY.pattern})"),
    ),
)
"""Each with the letter that it begins with: a letter is found faster than a pattern."""
_COMMENT = r"/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|//[^\n]*+"  # one that is not closed ends it all, and is met once
_TAIL = rf"(?=(?:\s|{_COMMENT})*+[}}\]])"
_LIBERTIES = re.compile(
    # What JSON has, as far as it goes; and what it has not. No two ways to read anything: linear.
    rf'(?:[^"/,]++|"(?:[^"\\\x00-\x1f]|\\.)*+"|/(?![/*])|,(?!{_TAIL}))++'
    rf"|(?P<comment>{_COMMENT})"
    r'|(?P<control>"(?:[^"\\]|\\.)*+(?:"|\\?\Z))'
    rf"|(?P<comma>,){_TAIL}|.",
    re.DOTALL,
)
_NAMES = {
    "comment": "json-comment",
    "comma": "json-trailing-comma",
    "control": "json-control-character",
}


def documents(
    raw: bytes,
    limits: Limits,
    spent: Spent | None = None,
    values: list[Any] | None = None,
) -> Iterator[tuple[str, Document | Refusal]]:
    """Read every JSON document in a text as a report.

    `spent` counts over a whole run; `values` is what :func:`sound` gave, if it was asked.

    Yields
    ------
    tuple
        Where in the text (`""` for the only document, else `[index]`), and what it was.
    """
    spent = spent or Spent()
    notes: list[Note] = []
    values = sound(raw, limits) if values is None else values
    if values:
        if not raw.isascii() or b"\0" in raw[:4]:
            _text(raw, notes)
    elif _too_many(raw, limits):
        most = limits.json_values
        yield "", Refusal("limit-json-values", f"more than {most} JSON values (limit: json_values)")
        return
    else:
        text = _text(raw, notes)
        values = list(_values(text, limits))
        if _refusals(values) and _KEY.search(text, max(text.find('"'), 0)):  # a letter is faster
            values = _loosened(text, values, notes, limits)
    several = len(values) > 1
    for index, value in enumerate(values):
        where = f"[{index}]" if several else ""
        elements = value
        if isinstance(value, dict) and isinstance(value.get("smtp_tls_reports"), list):
            elements = value["smtp_tls_reports"]  # parsedmarc, all kinds
        if isinstance(value, Refusal):
            yield where, value
        elif isinstance(elements, list):
            told = False
            for inner, element in enumerate(elements):
                wrapped = not _is_report(element)
                if told and wrapped:
                    continue
                yield from _outcomes(element, f"{where}[{inner}]", notes, limits, spent)
                told = (wrapped and spent.looked > limits.wrappings) or told
            if not elements:
                yield where, Refusal("json-other", "an empty JSON list", "other-json")
        else:
            yield from _outcomes(value, where, notes, limits, spent)


def _too_many(raw: bytes, limits: Limits) -> bool:
    most = limits.json_values
    return len(raw) > most and sum(map(raw.count, (b",", b"[", b"{"))) > most


def sound(raw: bytes, limits: Limits) -> list[Any]:
    """Decode a text that is one sound JSON value (RFC 8259), each key given once (RFC 7493 §2.3).

    Returns
    -------
    list
        The value; empty where it takes :func:`_values`, many times slower, to tell what the text holds.
    """
    if _too_many(raw, limits):
        return []
    found = _at_once(raw.removeprefix(BOM_UTF8))
    if not found:
        notes: list[Note] = []
        text = _text(raw, notes)
        # A letter of Latin-1 is no reason to go slowly.
        if any(code == "not-utf-8" for code, _ in notes):
            found = _at_once(text.encode())
    return found


def _at_once(raw: bytes) -> list[Any]:
    try:
        value = _SOUND.decode(raw)
        return [value] if _quotes(_ENCODER.encode(value)) == _quotes(raw) else []
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return []


def _quotes(text: bytes) -> int:
    """Count the quotes around strings: two for each, and for each key that is kept."""
    if b"\\" in text:
        text = text.replace(rb"\\", b"")
        return text.count(b'"') - text.count(rb"\"")
    return text.count(b'"')


def _loosened(text: str, values: list[Any], notes: list[Note], limits: Limits) -> list[Any]:
    """Read a text anew without comments and commas that JSON has not, where that gives more."""
    found: dict[str, None] = {}

    def blank(match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind is None:
            return match[0]
        found[_NAMES[kind]] = None
        return match[0] if kind == "control" else " " * len(match[0])

    most = limits.json_values
    loose, count = _LIBERTIES.subn(blank, text, most)
    if not found:
        return values
    if count == most:
        detail = f"more than {most} comments, commas and pieces between (limit: json_values)"
        return [*values, Refusal("limit-json-values", detail)]
    reports, refusals = _reports(values), _refusals(values)
    values.clear()  # there is room for one of them only
    again = sound(loose.encode(), limits) or list(_values(loose, limits, _LOOSE))
    if (_reports(again), refusals) <= (reports, _refusals(again)):
        again.clear()
        return list(_values(text, limits))
    notes += ((code, "") for code in found)
    return again


def _reports(values: list[Any]) -> int:
    return sum(1 for _ in _within(values, Spent(), _NO_END))


def _refusals(values: list[Any]) -> int:
    return sum(isinstance(value, Refusal) for value in values)


def _within(value: Any, spent: Spent, most: int) -> Iterator[dict[str, Any]]:
    """Give each report in a JSON value, in order, however it is wrapped."""
    pending = [value]
    while pending and spent.looked <= most:
        one = pending.pop()
        spent.looked += 1
        if _is_report(one):
            yield one
            continue
        if isinstance(one, dict):
            one = list(one.values())
        elif isinstance(one, str):  # JSON as text in JSON, as queues and logs keep it
            one = _decoded(one)
        if isinstance(one, list):
            pending.extend(inner for inner in reversed(one) if _may_hold(inner))


def _may_hold(value: Any) -> bool:
    return isinstance(value, (dict, list)) or (isinstance(value, str) and '"policies"' in value)


def _decoded(text: str) -> list[Any]:
    try:
        return [_JSON.decode(text)]
    except (ValueError, RecursionError):
        return []


_ENOUGH = 2
"""Keys of a report by which one is told."""


def _is_report(value: Any) -> bool:
    return isinstance(value, dict) and (
        len(_TOP_KEYS & value.keys()) >= _ENOUGH or _is_parsedmarc(value)
    )


def _is_parsedmarc(value: dict[str, Any]) -> bool:
    return "begin_date" in value and "policies" in value


def _outcomes(
    value: Any, where: str, notes: list[Note], limits: Limits, spent: Spent
) -> Iterator[tuple[str, Document | Refusal]]:
    """Read a document as a report, or as what reports are wrapped in."""
    own = _is_report(value)
    reports = [value] if own else list(_within(value, spent, limits.wrappings))
    if not own and spent.looked > limits.wrappings:
        most = limits.wrappings
        detail = f"more than {most} lists and objects around reports (limit: wrappings)"
        yield where, Refusal("limit-wrappings", detail)
    elif not reports and isinstance(value, dict):
        yield where, Refusal("json-other", "JSON, but not two of a report's keys", "other-json")
    elif not reports:
        detail = f"JSON, but no object: {type(value).__name__}"
        yield where, Refusal("json-other", detail, "other-json")
    for index, report in enumerate(reports):
        wrapped = [] if report is value else [("report-wrapped", "")]
        at = f"{where}[{index}]" if len(reports) > 1 else where
        yield at, _document(report, [*notes, *wrapped], limits, spent.names)


def _text(raw: bytes, notes: list[Note]) -> str:
    encoding = json.detect_encoding(raw[:4])
    if raw[4:8] == bytes(4):
        encoding = "utf-8"  # NULs behind a bracket: no text has so many, however wide
    if encoding == "utf-8-sig":
        notes.append(("byte-order-mark", ""))
    elif encoding != "utf-8":
        notes.append(("not-utf-8", encoding))
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        notes.append(("not-utf-8", f"not {encoding} throughout"))
        return raw.decode(encoding, "replace")


def _values(text: str, limits: Limits, decoder: json.JSONDecoder = _JSON) -> Iterator[Any]:
    """Give each JSON value of a text; after one that is broken, go on at the next line that opens one."""
    text = _Unnumbered(text)
    at = _end(_BLANK, text, 0)
    # A broken value may be scanned again and again from every line in it: a bound keeps that linear.
    work = 4 * len(text) + 100_000
    given = 0
    deep = 0
    openings = [0] * len(_OPENINGS)  # the next of each kind, once it was looked for
    broken: Refusal | None = None  # a list that is read object by object
    while at < len(text) or broken:
        if given >= limits.json_documents:
            yield Refusal(
                "limit-json-documents",
                f"more than {limits.json_documents} documents (limit: json_documents)",
            )
            return
        given += 1
        try:
            value, end = decoder.raw_decode(text, at)
        except RecursionError:
            yield Refusal("json-too-deep", "nested deeper than any report")
            reached = len(text)
            deep += 1
        except json.JSONDecodeError as error:
            why = Refusal("json-malformed", f"{error.msg} at character {error.pos}")
            reached = error.pos
            inside = _end(_LIST, text, at)
            if inside > at and work > reached:
                # What is whole in a list that is cut, or has a comma too many, is still a report.
                work -= max(reached - at, 1)
                at, broken = inside, why
                continue
            if broken:
                at = _end(_LIST_END, text, at)
            yield broken or why
            broken = None
        else:
            yield value
            at = _end(_BLANK, text, end)
            if text[at : at + 1] == ",":
                at = _end(_GAP, text, at + 1)
            continue
        work -= max(reached - at, 1)
        for kind, (letter, pattern) in enumerate(_OPENINGS):
            if openings[kind] <= at:
                first = text.find(letter, at + 1)
                following = pattern.search(text, first) if first >= 0 else None
                openings[kind] = following.end() - 1 if following else len(text)
        # What is nested too deep is so again from each of its keys on: soon only lines are tried.
        next_at = openings[0] if deep > _DEEP else min(openings)
        if next_at == len(text):
            return
        if work < 0:
            yield Refusal(
                "json-malformed", "too many broken documents in one text: the rest is left"
            )
            return
        at = next_at


_DEEP = 2


class _Unnumbered(str):
    """A text in which an error counts no lines: Python's counts all before it, each time, and nobody asks."""

    __slots__ = ()

    def count(self, *_: object) -> int:
        return 0

    def rfind(self, *_: object) -> int:
        return -1


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _document(
    value: dict[str, Any], text_notes: list[Note], limits: Limits, names: set[str]
) -> Document | Refusal:
    reader = _Reader(limits, names)
    for code, where in text_notes:
        reader.note(code, where)
    try:
        if _is_parsedmarc(value):
            reader.note("parsedmarc-json", "")
            return reader.document(_from_parsedmarc(value), _policy_from_parsedmarc)
        return reader.document(value)
    except _TooMany:
        return Refusal("limit-names", too_many_names(limits))


def known(domain: str, names: set[str], limits: Limits) -> bool:
    """Tell whether IDNA may be asked about a domain name: a run may ask about so many."""
    if domain.isascii() or domain in names:
        return True
    if len(names) >= limits.names:
        return False
    names.add(domain)
    return True


def too_many_names(limits: Limits) -> str:
    """Say that there were."""
    return f"more than {limits.names} domain names outside ASCII (limit: names)"


class _TooMany(Exception):  # noqa: N818  # no error: the way out of a report
    """There are too many domain names that IDNA would have to convert."""


class _Reader:
    """Reads one report, gathering notes: one for each code and key, however often it happens."""

    def __init__(self, limits: Limits, names: set[str]) -> None:
        self._limits = limits
        self._notes: dict[Note, int] = {}
        self._names = names

    def note(self, code: str, where: str) -> None:
        # policies[].failure-details[].receiving-ip: the same quirk at another index is no news.
        spot = (code, where)
        if spot in self._notes or len(self._notes) < self._limits.notes:
            self._notes[spot] = self._notes.get(spot, 0) + 1
        else:
            self._notes["more-notes", ""] = self._notes.get(("more-notes", ""), 0) + 1

    def notes(self) -> tuple[Note, ...]:
        return tuple(
            (code, f"{where} ({times} times)".strip() if times > 1 else where)
            for (code, where), times in self._notes.items()
        )

    # -- values -------------------------------------------------------------------------------------

    def object(self, value: Any, where: str, known: frozenset[str]) -> dict[str, Any]:
        """Give an object under RFC 8460's own keys."""
        if type(value) is dict and value.keys() <= known:  # as nearly all are
            return value
        if not isinstance(value, dict):
            self.note("not-an-object", where)
            return {}
        for key in getattr(value, "twice", ()):
            self.note("duplicate-key", _path(where, _shown(key)))
        found: dict[str, Any] = {}
        for key, item in value.items():
            name = _ALIASES.get(key, key)
            if name is not key and name in known and name not in value:
                self.note("key-alias", _path(where, key))
                found[name] = item
            elif key in known:
                found[key] = item
            else:
                self.note("unknown-key", _path(where, _shown(key)))
        return found

    def text(self, value: Any, where: str, key: str = "") -> str | None:
        """Give a string, or None for what is none; it stands at a place, or there under a key."""
        if type(value) is str and 0 < len(value) <= self._limits.string_chars and value.isascii():
            return value  # as nearly all are
        where = _path(where, key) if key else where
        if value is None:
            self.note("null-value", where)
            return None
        if isinstance(value, list) and len(value) == 1:
            self.note("not-a-string", where)
            value = value[0]
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LONGEST:
            self.note("not-a-string", where)
            value = str(value)
        if not isinstance(value, str):
            self.note("not-a-string", where)
            return None
        if not value:
            self.note("empty-string", where)
            return None
        if len(value) > self._limits.string_chars:
            self.note("string-cut", where)
            value = value[: self._limits.string_chars]
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            self.note("lone-surrogate", where)
            value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return str(value)

    def texts(self, value: Any, where: str) -> list[str]:
        """Give an array of strings, without what is none."""
        return [text for item in value if (text := self.text(item, f"{where}[]")) is not None]

    def count(self, value: Any, where: str, key: str) -> int | None:
        """Give a count, or None for what is none: never 0, never wrapped, never a bool."""
        if isinstance(value, str):
            digits = value.strip()
            if digits.isascii() and digits.isdigit() and len(digits) < 40:
                self.note("count-as-string", _path(where, key))
                value = int(digits)
        elif isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
            self.note("count-as-float", _path(where, key))
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= COUNT_MAX:
            return value
        self.note("count-unreadable", _path(where, key))
        return None

    def required_count(self, found: dict[str, Any], key: str, where: str, code: str) -> int | None:
        if found.get(key) is None:
            self.note(code, _path(where, key))
            return None
        return self.count(found[key], where, key)

    def optional(self, found: dict[str, Any], key: str, where: str) -> str | None:
        return self.text(found[key], where, key) if key in found else None

    def required(self, found: dict[str, Any], key: str, where: str) -> str | None:
        """Give a string that RFC 8460 §4.4 asks for."""
        if key not in found or (found[key] is None and f"{key}-null" not in _NULLS):
            self.note(f"{key}-missing", where)
            return None
        if found[key] is None:
            self.note(f"{key}-null", where)
            return None
        return self.text(found[key], where, key)

    # -- the report ---------------------------------------------------------------------------------

    def document(
        self, value: dict[str, Any], policy: Callable[[Any], Any] | None = None
    ) -> Document:
        """Read a report; `policy` turns another form's policy into RFC 8460's, one at a time."""
        top = self.object(value, "", _REPORT)
        organization = self.required(top, "organization-name", "")
        start_text, start, end_text, end = self.span(top)
        contact = self.required(top, "contact-info", "")
        report_id = self.required(top, "report-id", "")
        policies = top.get("policies")
        if policies is None:
            self.note("policies-missing", "")
            policies = []
        elif not isinstance(policies, list):
            self.note("policies-not-array", "")
            policies = [policies]
        results = [self.result(policy(item) if policy else item, "policies[]") for item in policies]
        report = wire.Report(
            organization_name=organization,
            date_range=wire.DateRange(start_datetime=start_text, end_datetime=end_text),
            contact_info=contact,
            report_id=report_id,
            policies=results,
        )
        return Document(report, start, end, self.notes())

    def span(self, top: dict[str, Any]) -> tuple[str | None, int | None, str | None, int | None]:
        if "date-range" not in top:
            self.note("date-range-missing", "")
            return None, None, None, None
        dates = self.object(top["date-range"], "date-range", _DATES)
        start_text, start = self.instant(dates, "start-datetime")
        end_text, end = self.instant(dates, "end-datetime")
        if start is not None and end is not None and start > end:
            self.note("date-range-reversed", "date-range")
        return start_text, start, end_text, end

    def instant(self, dates: dict[str, Any], key: str) -> tuple[str | None, int | None]:
        where = f"date-range.{key}"
        if key not in dates:
            self.note("date-range-missing", where)
            return None, None
        text = self.text(dates[key], where)
        if text is None:
            return None, None
        instant, code = instants.rfc3339(text)
        if code is not None:
            self.note(code, where)
        return text, instant

    def result(self, value: Any, where: str) -> wire.PolicyResult:
        found = self.object(value, where, _RESULT)
        if "policy" not in found:
            self.note("policy-missing", where)
            policy = wire.Policy(policy_type=None, policy_domain=None)
        else:
            policy = self.policy(found["policy"], f"{where}.policy")
        if "summary" not in found:
            self.note("summary-missing", where)
            successful = failed = None
        else:
            at = f"{where}.summary"
            counts = self.object(found["summary"], at, _SUMMARY)
            successful = self.required_count(
                counts, "total-successful-session-count", at, "count-missing"
            )
            failed = self.required_count(counts, "total-failure-session-count", at, "count-missing")
        return wire.PolicyResult(
            policy=policy,
            summary=wire.Summary(
                total_successful_session_count=successful, total_failure_session_count=failed
            ),
            failure_details=self.details(found, where),
        )

    def policy(self, value: Any, where: str) -> wire.Policy:
        found = self.object(value, where, _POLICY)
        policy_type = self.required(found, "policy-type", where)
        if policy_type is not None and policy_type not in wire.POLICY_TYPES:
            if policy_type.strip().lower() in wire.POLICY_TYPES:
                self.note("policy-type-case", f"{where}.policy-type")
                policy_type = policy_type.strip().lower()
            else:
                self.note("unknown-policy-type", f"{where}.policy-type: {_shown(policy_type)}")
        domain = self.required(found, "policy-domain", where)
        if domain is not None:
            if not known(domain, self._names, self._limits):
                raise _TooMany
            name = wire.domain(domain)
            if not name.valid or not domain.isascii():
                self.note("domain-not-a-label", f"{where}.policy-domain: {_shown(domain)}")
            elif not name.normal:
                self.note("domain-not-normal", f"{where}.policy-domain: {_shown(domain)}")
        return wire.Policy(
            policy_type=policy_type,
            policy_domain=domain,
            policy_string=self.lines(found, where),
            mx_host=self.hosts(found, where),
        )

    def lines(self, found: dict[str, Any], where: str) -> list[str] | None:
        """Read policy-string: an array; or one string; or an array in a string (in an array)."""
        value = found.get("policy-string")
        where = f"{where}.policy-string"
        if value is None:
            if "policy-string" in found:
                self.note("null-value", where)
            return None
        inner = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(inner, str) and inner.lstrip().startswith("["):
            for decoded in _decoded(inner):
                if isinstance(decoded, list):
                    self.note("policy-string-double-encoded", where)
                    return self.texts(decoded, where)
        if isinstance(value, str):
            self.note("policy-string-not-array", where)
            value = value.replace("\r\n", "\n").strip("\n").split("\n")
        if not isinstance(value, list):
            self.note("policy-string-not-array", where)
            return None
        return self.texts(value, where)

    def hosts(self, found: dict[str, Any], where: str) -> list[str] | None:
        value = found.get("mx-host")
        where = f"{where}.mx-host"
        if value is None:
            if "mx-host" in found:
                self.note("null-value", where)
            return None
        # A string is the form of RFC 8460's own example (appendix B); the array that of erratum 6241.
        hosts = self.texts(value if isinstance(value, list) else [value], where)
        if any(host.startswith("mx:") for host in hosts):
            self.note("mx-host-prefix", where)
        return hosts

    def details(self, found: dict[str, Any], where: str) -> list[wire.Detail] | None:
        value = found.get("failure-details")
        where = f"{where}.failure-details"
        if value is None:
            if "failure-details" in found:
                self.note("failure-details-null", where)
            return None
        if not isinstance(value, list):
            self.note("failure-details-not-array", where)
            value = [value]
        return [self.detail(item, f"{where}[]") for item in value]

    def detail(self, value: Any, where: str) -> wire.Detail:
        found = self.object(value, where, _DETAIL)
        result_type = self.required(found, "result-type", where)
        if result_type is not None and result_type not in wire.RESULT_TYPES:
            self.note("unknown-result-type", _shown(result_type))
        return wire.Detail(
            result_type=result_type,
            failed_session_count=self.required_count(
                found, "failed-session-count", where, "failed-session-count-missing"
            ),
            sending_mta_ip=self.optional(found, "sending-mta-ip", where),
            receiving_mx_hostname=self.optional(found, "receiving-mx-hostname", where),
            receiving_mx_helo=self.optional(found, "receiving-mx-helo", where),
            receiving_ip=self.optional(found, "receiving-ip", where),
            additional_information=self.optional(found, "additional-information", where),
            failure_reason_code=self.optional(found, "failure-reason-code", where),
        )


def _keys(structure: type[Any]) -> frozenset[str]:
    return frozenset(structure.__struct_encode_fields__)


_REPORT, _DATES, _RESULT = _keys(wire.Report), _keys(wire.DateRange), _keys(wire.PolicyResult)
_POLICY, _SUMMARY, _DETAIL = _keys(wire.Policy), _keys(wire.Summary), _keys(wire.Detail)
_NULLS = {"contact-info-null"}


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _shown(text: str) -> str:
    """Give a stranger's word for a note: short, printable, without surrogates."""
    return ascii(text[:80])[1:-1]


# parsedmarc writes RFC 8460's values under names of its own.
_PARSEDMARC_DETAIL = {"additional_info_uri": "additional-information"}


def _from_parsedmarc(value: dict[str, Any]) -> dict[str, Any]:
    """Give a report of parsedmarc's JSON output under RFC 8460's keys."""
    return {
        "organization-name": value.get("organization_name"),
        "date-range": {
            "start-datetime": value.get("begin_date"),
            "end-datetime": value.get("end_date"),
        },
        "contact-info": value.get("contact_info"),
        "report-id": value.get("report_id"),
        "policies": value.get("policies"),
    }


def _policy_from_parsedmarc(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    policy = {"policy-type": value.get("policy_type"), "policy-domain": value.get("policy_domain")}
    for theirs, ours in (("policy_strings", "policy-string"), ("mx_host_patterns", "mx-host")):
        if value.get(theirs) is not None:
            policy[ours] = value[theirs]
    details = value.get("failure_details") or []
    return {
        "policy": policy,
        "summary": {
            "total-successful-session-count": value.get("successful_session_count"),
            "total-failure-session-count": value.get("failed_session_count"),
        },
        "failure-details": [_detail_from_parsedmarc(d) for d in details]
        if isinstance(details, list)
        else details,
    }


def _detail_from_parsedmarc(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        _PARSEDMARC_DETAIL.get(k, k.replace("_", "-")): v for k, v in value.items() if v is not None
    }
