"""JSON that a stranger wrote."""

import json
from collections.abc import Iterator
from functools import partial

from tests.archive.building import report, text
from tests.hostile.inputs import Hostile, table

OK = "total-successful-session-count"


def put(raw: str, *way: str | int) -> bytes:
    """The strict report with raw JSON text at one place."""
    made = report()
    at = made
    for step in way[:-1]:
        at = at[step]
    at[way[-1]] = "@@"
    return json.dumps(made).replace('"@@"', raw).encode("utf-8", "surrogatepass")


def count(raw: str) -> bytes:
    return put(raw, "policies", 0, "summary", OK)


def start(raw: str) -> bytes:
    return put(raw, "date-range", "start-datetime")


def organization(raw: str) -> bytes:
    return put(raw, "organization-name")


def domain(raw: str) -> bytes:
    return put(raw, "policies", 0, "policy", "policy-domain")


# What is written for a count, the integer that must stand in the table (None: null), and the code.
COUNTS = [
    ("zero", "0", 0, ""),
    ("the largest", "9223372036854775807", 2**63 - 1, ""),
    ("one more than the largest", "9223372036854775808", None, "count-unreadable"),
    ("2^64", "18446744073709551616", None, "count-unreadable"),
    ("negative", "-1", None, "count-unreadable"),
    ("minus zero", "-0", 0, ""),
    ("the smallest of 64 bits", "-9223372036854775808", None, "count-unreadable"),
    ("a fraction", "1.5", None, "count-unreadable"),
    ("a whole float", "7.0", 7, "count-as-float"),
    ("an exponent", "1e3", 1000, "count-as-float"),
    ("a float past exactness", "9007199254740993.0", None, "count-unreadable"),
    ("1e400", "1e400", None, "count-unreadable"),
    ("NaN", "NaN", None, "count-unreadable"),
    ("Infinity", "Infinity", None, "count-unreadable"),
    ("-Infinity", "-Infinity", None, "count-unreadable"),
    ("true", "true", None, "count-unreadable"),
    ("false", "false", None, "count-unreadable"),
    ("null", "null", None, "count-missing"),
    ("a string of digits", '"12"', 12, "count-as-string"),
    ("a padded string", '" 12 "', 12, "count-as-string"),
    ("a huge string of digits", '"9223372036854775808"', None, "count-as-string count-unreadable"),
    ("a signed string", '"+12"', None, "count-unreadable"),
    ("a hexadecimal string", '"0x10"', None, "count-unreadable"),
    ("digits with underscores", '"1_000"', None, "count-unreadable"),
    ("digits with commas", '"1,000"', None, "count-unreadable"),
    ("full-width digits", '"１２"', None, "count-unreadable"),
    ("superscript", '"²"', None, "count-unreadable"),
    ("an empty string", '""', None, "count-unreadable"),
    ("a word", '"many"', None, "count-unreadable"),
    ("a list", "[1]", None, "count-unreadable"),
    ("an object", '{"n": 1}', None, "count-unreadable"),
    ("5,000 digits", "9" * 5_000, None, "count-unreadable"),
    ("a million digits", "9" * 1_000_000, None, "count-unreadable"),
    ("a million digits after the point", "0." + "9" * 1_000_000, None, "count-unreadable"),
    ("what rounds to a whole float", "4503599627370497.5", None, "count-unreadable"),
    ("a fraction that rounds to 0", "1e-400", None, "count-unreadable"),
    ("an exponent past Decimal", "0e-99999999999999999999999", None, "count-unreadable"),
    ("a string of a million digits", '"' + "9" * 1_000_000 + '"', None, "count-unreadable"),
]

DATES = [
    ("year 1", '"0001-01-01T00:00:00Z"', "date-out-of-range"),
    ("year 0", '"0000-01-01T00:00:00Z"', "date-unreadable"),
    ("year 9999", '"9999-12-31T23:59:59Z"', "date-out-of-range"),
    ("year 99999", '"99999-12-31T23:59:59Z"', "date-unreadable"),
    ("year -1", '"-1"', "date-unreadable"),
    ("no such month", '"2026-13-01T00:00:00Z"', "date-unreadable"),
    ("no such day", '"2026-02-30T00:00:00Z"', "date-unreadable"),
    ("an offset of 99 minutes", '"2026-01-31T00:00:00+05:99"', "date-unreadable"),
    ("hour 24", '"2026-01-31T24:00:00Z"', "date-form"),
    ("hour 25", '"2026-01-31T25:00:00Z"', "date-unreadable"),
    ("second 61", '"2026-01-31T00:00:61Z"', "date-unreadable"),
    ("an offset of 99 hours", '"2026-01-31T00:00:00+99:00"', "date-unreadable"),
    ("a number", "1769904000", "not-a-string date-unreadable"),
    ("a float", "1769904000.5", "not-a-string"),
    ("an object", '{"$date": 0}', "not-a-string"),
    ("a boolean", "true", "not-a-string"),
    ("null", "null", "null-value"),
    ("empty", '""', "empty-string"),
    ("full-width digits", '"２０２６-01-31T00:00:00Z"', "date-unreadable"),
    ("a NUL inside", '"2026-01-31T00:00:00Z\\u0000"', "date-unreadable"),
    ("100,000 digits", '"' + "2" * 100_000 + '"', "string-cut date-unreadable"),
    ("60,000 fraction digits", '"2026-01-31T00:00:00.' + "1" * 60_000 + 'Z"', "date-form"),
    ("reversed", '"2026-03-01T00:00:00Z"', "date-range-reversed"),
    ("a leap second", '"2016-12-31T23:59:60Z"', ""),
    ("a leap second east of UTC", '"2017-01-01T05:29:60.5+05:30"', ""),
    ("second 60 in the middle of a day", '"2026-01-31T12:30:60Z"', "date-form"),
    ("second 60 that is none in UTC", '"2026-01-31T23:59:60+01:00"', "date-form"),
    ("a day with a zone, as XML has it", '"2026-01-31+05:00"', "date-unreadable"),
    ("a day with a zone in four digits", '"2026-01-31+0530"', "date-unreadable"),
    ("13 digits", '"2026013112345"', "date-unreadable"),
    ("a letter for T", '"2026-01-31x10:00"', "date-unreadable"),
    ("a day", '"2026-01-31"', "date-form"),
    ("a week's day", '"2026-W05-6"', "date-form"),
    ("lower case", '"2026-01-31t00:00:00z"', ""),
]

STRINGS = [
    # name, JSON text, what must stand in the table, code
    ("a script", '"<script>alert(1)</script>"', "<script>alert(1)</script>", ""),
    ("a formula", '"=cmd|\' /C calc\'!A0"', "=cmd|' /C calc'!A0", ""),
    ("an escape sequence", '"\\u001b[31mred"', "\x1b[31mred", ""),
    ("bidi override", '"\\u202egnp.exe"', "\u202egnp.exe", ""),
    ("mathtext", '"$\\\\nosuch$"', "$\\nosuch$", ""),
    ("a NUL", '"a\\u0000b"', "a\x00b", ""),
    ("a line break", '"a\\nb"', "a\nb", ""),
    ("a lone surrogate", '"a\\ud800b"', "a\ufffdb", "lone-surrogate"),
    ("a lone low surrogate", '"a\\udc00b"', "a\ufffdb", "lone-surrogate"),
    ("surrogates the wrong way", '"\\udc00\\ud800"', "\ufffd\ufffd", "lone-surrogate"),
    ("a pair of surrogates", '"\\ud83d\\ude00"', "\U0001f600", ""),
    ("a noncharacter", '"\\uffff"', "\uffff", ""),
    ("combining marks", '"a' + "\\u0301" * 1_000 + '"', "a" + "\u0301" * 1_000, ""),
    ("a megabyte", '"' + "x" * 1_000_000 + '"', "x" * 65_536, "string-cut"),
    ("at the limit", '"' + "x" * 65_536 + '"', "x" * 65_536, ""),
    ("past the limit by one", '"' + "x" * 65_537 + '"', "x" * 65_536, "string-cut"),
    ("empty", '""', None, "empty-string"),
    ("null", "null", None, "organization-name-missing"),
    ("a number", "42", "42", "not-a-string"),
    ("a fraction", "4.2", None, "not-a-string"),
    ("a list of one", '["A"]', "A", "not-a-string"),
    ("a list of two", '["A", "B"]', None, "not-a-string"),
    ("an object", '{"a": 1}', None, "not-a-string"),
    ("a boolean", "true", None, "not-a-string"),
]  # fmt: skip


def repeated(key: str, values: int) -> bytes:
    return b"{" + b",".join(b'"%s": %d' % (key.encode(), n) for n in range(values)) + b"}"


def with_keys(count: int) -> bytes:
    """A good report with so many keys that nobody knows."""
    more = ",".join(f'"x{n}": {n}' for n in range(count))
    return text()[:-1] + b", " + more.encode() + b"}"


def policies(piece: bytes, times: int) -> bytes:
    return put("[" + ",".join([piece.decode()] * times) + "]", "policies")


def details(piece: str, times: int) -> bytes:
    return put("[" + ",".join([piece] * times) + "]", "policies", 0, "failure-details")


def given_twice(first: str, raw: bytes) -> bytes:
    return raw.replace(b"{", b"{" + first.encode() + b", ", 1)


def inputs() -> Iterator[Hostile]:
    yield from table("count", *((n, partial(count, raw), 1, code) for n, raw, _, code in COUNTS))
    yield from table("date", *((n, partial(start, raw), 1, code) for n, raw, code in DATES))
    yield from table("string", *((n, partial(organization, raw), 1, c) for n, raw, _, c in STRINGS))
    yield from table(
        "domain",
        ("empty label", lambda: domain('"a..example"'), 1, "domain-not-a-label"),
        ("1,000 labels", lambda: domain('"' + "a." * 1_000 + 'example"'), 1, "domain-not-a-label"),
        ("60,000 non-ASCII", lambda: domain('"' + "ü" * 60_000 + '"'), 1, "domain-not-a-label"),
        ("a path", lambda: domain('"../../etc/passwd"'), 1, "domain-not-a-label"),
        ("an address", lambda: domain('"127.0.0.1"'), 1, ""),
        ("a URL", lambda: domain('"http://127.0.0.1/"'), 1, "domain-not-a-label"),
        ("a bad A-label", lambda: domain('"xn--zzzzzzzzzzzz.example"'), 1, ""),
        ("a right-to-left name", lambda: domain('"\u05d0\u05d1.example"'), 1, "domain-not-a-label"),
        ("a zero-width joiner", lambda: domain('"a\u200db.example"'), 1, "domain-not-a-label"),
        ("a dot that is none", lambda: domain('"d\u3002example"'), 1, "domain-not-a-label"),
    )
    yield from table(
        "shape",
        ("lists 100,000 deep", lambda: b"[" * 100_000, 0, "json-too-deep"),
        ("objects 100,000 deep", lambda: b'{"a":' * 100_000, 0, "json-too-deep"),
        ("a deep value in a report", lambda: put("[" * 50_000 + "]" * 50_000, "x"), 0, "json-too-deep"),
        ("a value 100 deep in a report", lambda: put("[" * 100 + "]" * 100, "x"), 1, "unknown-key"),
        ("deep policies", lambda: put("[" * 100 + "]" * 100, "policies"), 1, "not-an-object policy-missing summary-missing"),
        ("policies is a number", lambda: put("7", "policies"), 1, "policies-not-array not-an-object policy-missing summary-missing"),
        ("policies is a string", lambda: put('"x"', "policies"), 1, "policies-not-array not-an-object policy-missing summary-missing"),
        ("policies is empty", lambda: put("[]", "policies"), 1, ""),
        ("policies holds nulls", lambda: put("[null]", "policies"), 1, "not-an-object policy-missing summary-missing"),
        ("a policy is a list", lambda: put("[]", "policies", 0, "policy"), 1,
         "not-an-object policy-type-missing policy-domain-missing"),
        ("a summary is a list", lambda: put("[]", "policies", 0, "summary"), 1, "not-an-object count-missing"),
        ("a date range is a list", lambda: put("[]", "date-range"), 1, "not-an-object date-range-missing"),
        ("a date range is null", lambda: put("null", "date-range"), 1, "not-an-object date-range-missing"),
        ("details is a number", lambda: put("7", "policies", 0, "failure-details"), 1,
         "failure-details-not-array not-an-object result-type-missing failed-session-count-missing"),
        ("policy-string is an object", lambda: put("{}", "policies", 0, "policy", "policy-string"), 1, "policy-string-not-array"),
        ("policy-string of numbers", lambda: put("[1, 2]", "policies", 0, "policy", "policy-string"), 1, "not-a-string"),
        ("policy-string in a string in a string", lambda: put(json.dumps(json.dumps(json.dumps(["mode: none"]))), "policies", 0, "policy", "policy-string"),
         1, "policy-string-not-array"),
        ("deep policy-string in a string", lambda: put('"' + "[" * 60_000 + '"', "policies", 0, "policy", "policy-string"), 1, "policy-string-not-array"),
        ("mx-host is a number", lambda: put("1", "policies", 0, "policy", "mx-host"), 1, "not-a-string"),
        ("mx-host of 50,000", lambda: put(json.dumps(["*.d.example"] * 50_000), "policies", 0, "policy", "mx-host"), 1, ""),
        ("policy-string of 50,000 lines", lambda: put(json.dumps(["mx: a.d.example"] * 50_000), "policies", 0, "policy", "policy-string"), 1, ""),
        ("max_age of 60,000 digits", lambda: put(json.dumps(["version: STSv1", "max_age: " + "9" * 60_000]), "policies", 0, "policy", "policy-string"), 1, ""),
        ("a top-level string", lambda: b'["policies"]', 0, "not-a-report"),
        ("a top-level list of lists", lambda: b"[[[]]]", 0, "not-a-report"),
        ("an empty object", lambda: b"{}", 0, "not-a-report"),
        ("an empty list", lambda: b"[]", 0, "not-a-report"),
        ("a DMARC report as JSON", lambda: b'{"report_metadata": {}, "policy_published": {}}', 0, "not-a-report"),
        ("a list with one report among others", lambda: b"[1, " + text() + b', {}, "x"]', 1, "not-a-report"),
        ("10,000 empty objects", lambda: b"{}" * 10_000, 0, "not-a-report"),
        ("parsedmarc of the wrong types", lambda: b'{"begin_date": 1, "end_date": [], "policies": {"a": 1}, "report_id": {}}', 1,
         ("parsedmarc-json date-unreadable not-a-string organization-name-missing contact-info-null"
          " policies-not-array policy-type-missing policy-domain-missing count-missing")),
    )  # fmt: skip
    yield from table(
        "keys",
        ("given twice", lambda: given_twice('"organization-name": "B"', text()), 1, "duplicate-key"),
        ("given twice with null", lambda: given_twice('"organization-name": null', text()), 1, "duplicate-key"),
        ("given 10,000 times", lambda: given_twice(", ".join(['"report-id": "x"'] * 10_000), text()), 1, "duplicate-key"),
        ("twice by an escape", lambda: given_twice('"report-\\u0069d": "x"', text()), 1, "duplicate-key"),
        ("a count given twice", lambda: text().replace(b'"summary": {', b'"summary": {"total-successful-session-count": 99, '), 1, "duplicate-key"),
        ("10,000 unknown", lambda: with_keys(10_000), 1, "unknown-key more-notes"),
        ("the empty key", lambda: put("1", ""), 1, "unknown-key"),
        ("__proto__", lambda: put('{"a": 1}', "__proto__"), 1, "unknown-key"),
        ("a megabyte long", lambda: put("1", "k" * 1_000_000), 1, "unknown-key"),
        ("with a lone surrogate", lambda: given_twice('"\\ud800": 1', text()), 1, "unknown-key"),
        ("with a NUL", lambda: given_twice('"a\\u0000": 1', text()), 1, "unknown-key"),
        ("an alias beside its key", lambda: put('["x.example"]', "policies", 0, "policy", "mx-host-pattern"), 1, "unknown-key"),
    )  # fmt: skip
    yield from table(
        "text",
        ("UTF-16 with a mark", lambda: text().decode().encode("utf-16"), 1, "not-utf-8"),
        ("UTF-16 LE", lambda: text().decode().encode("utf-16-le"), 1, "not-utf-8"),
        ("UTF-16 BE", lambda: text().decode().encode("utf-16-be"), 1, "not-utf-8"),
        ("UTF-32 LE", lambda: text().decode().encode("utf-32-le"), 1, "not-utf-8"),
        ("UTF-32 BE", lambda: text().decode().encode("utf-32-be"), 1, "not-utf-8"),
        ("UTF-16 cut in a unit", lambda: text().decode().encode("utf-16-le")[:-1], 0, "json-malformed"),
        ("Latin-1", lambda: organization('"B\u00fccher"').decode().encode("latin-1"), 1, "not-utf-8"),
        ("overlong UTF-8", lambda: organization('"@"').replace(b"@", b"\xc0\xaf"), 1, "not-utf-8"),
        ("surrogates in UTF-8", lambda: organization('"@"').replace(b"@", b"\xed\xa0\x80"), 1, "not-utf-8"),
        ("a byte order mark", lambda: b"\xef\xbb\xbf" + text(), 1, "byte-order-mark"),
        ("NULs after", lambda: text() + b"\0" * 1_000, 1, ""),
        ("two reports in a row", lambda: text(1) + text(2), 2, ""),
        ("bytes after", lambda: text() + b"garbage", 1, "json-malformed"),
        ("cut", lambda: text()[:-20], 0, "json-malformed"),
        ("single quotes", lambda: text().replace(b'"', b"'"), 0, "json-malformed"),
        ("a trailing comma", lambda: text()[:-1] + b",}", 1, "json-trailing-comma"),
        ("a comment", lambda: b"{/* hello */" + text()[1:], 1, "json-comment"),
        ("a raw line break in a string", lambda: organization('"a\nb"'), 1, "json-control-character"),
        ("broken lines between good ones", lambda: b"\n".join([text(1), b'{"broken', text(2), b"}", text(3)]), 3, "json-malformed"),
        ("20,000 broken lines", lambda: b'\n{"a": [' * 20_000, 0, "json-malformed json-too-deep"),
        ("a good one in several lines after one in one", lambda: text(1) + b"\n" + json.dumps(report(2), indent=2).encode() + b"\n" + text(3), 3, ""),
        ("blanks only", lambda: b" \n\t" * 1_000, 0, "not-a-report"),
        ("a million blanks first", lambda: b" " * 500 + b"\n" * 50 + text(), 1, ""),
    )  # fmt: skip
    yield from table(
        "size",
        ("200,000 policies", lambda: policies(b"{}", 200_000), 1, "policy-missing summary-missing"),
        ("200,000 details", lambda: details('{"result-type":"certificate-expired","failed-session-count":1}', 200_000), 1, ""),
        ("five million values", lambda: put("[" + "0," * 5_000_000 + "0]", "x"), 0, "limit-json-values"),
        ("34 MiB", lambda: text()[:-1] + b" " * (34 * 2**20) + b"}", 0, "limit-report-bytes"),
        ("34 MiB of one string", lambda: organization('"' + "x" * (34 * 2**20) + '"'), 0, "limit-report-bytes"),
        ("30 MiB of one string", lambda: organization('"' + "x" * (30 * 2**20) + '"'), 1, "string-cut"),
        ("a million policies", lambda: policies(b"{}", 1_000_000), 1, "policy-missing summary-missing"),
        slow=True,
    )  # fmt: skip
