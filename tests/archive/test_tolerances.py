"""What the tolerant reader says of each liberty: the code, where in the report, and the value that stands there."""

import itertools
import json

import pytest

from mtasts_analysis.archive import reports, tolerant, wire
from mtasts_analysis.limits import COUNT_MAX, Limits
from tests.archive.building import STRICT, report
from tests.archive.test_reports import BAD, DETAIL, OK, POLICY, QUIRKS, SUMMARY, P, changed

HERE = "policies[].policy"
THERE = "policies[].failure-details[]"


def read(raw, limits=None):
    """The outcome of each document: where, and a report or the reason why there is none."""
    return list(tolerant.documents(raw, limits or Limits()))


def only(path, value):
    """The report with one value set, as read; it has one note at most."""
    ((where, outcome),) = read(json.dumps(changed(path, value)).encode())
    assert where == ""
    return outcome.report, outcome.notes


def place(code, path, value):
    """Where a note must point, worked out from what was changed."""
    steps = "".join("[]" if step == 0 else f".{step}" for step in path).strip(".")
    parent = steps.rpartition(".")[0]
    if code == "unknown-result-type":
        return value  # counted by type: where it stood is no news
    if code.startswith(("unknown-policy", "domain-")):
        return f"{steps}: {ascii(value)[1:-1]}"
    if code in ("failed-session-count-missing", "count-missing"):
        return steps
    if code.endswith("-missing") or code in ("date-range-reversed", "contact-info-null"):
        return parent  # the code names the key
    return "" if code == "policies-not-array" else steps


@pytest.mark.parametrize(("code", "path", "value"), [q[:3] for q in QUIRKS], ids=[f"{q[0]}: {q[5]}" for q in QUIRKS])  # fmt: skip
def test_where_it_happened(code, path, value):
    _, notes = only(path, value)
    assert notes[0] == (code, place(code, path, value))
    if code != "not-an-object":
        assert len(notes) == 1, "one liberty, one note"


def at(found, path):
    """The value in a report as read."""
    for step in path:
        found = found[step] if isinstance(step, int) else getattr(found, step.replace("-", "_"))
    return found


IP = (*DETAIL, "receiving-ip")
REASON = (*DETAIL, "failure-reason-code")
GOOD = (*SUMMARY, OK)
LINES = (*POLICY, "policy-string")
HOSTS = (*POLICY, "mx-host")
COUNTS = "policies[].summary.total-successful-session-count"
# (path, value as written, value as read, notes)
VALUES = [
    (IP, "x" * 65_536, "x" * 65_536, []),
    (IP, "x" * 65_537, "x" * 65_536, [("string-cut", f"{THERE}.receiving-ip")]),
    (IP, ["a"], "a", [("not-a-string", f"{THERE}.receiving-ip")]),
    (IP, ["a", "b"], None, [("not-a-string", f"{THERE}.receiving-ip")]),
    (IP, True, None, [("not-a-string", f"{THERE}.receiving-ip")]),
    (IP, 1.5, None, [("not-a-string", f"{THERE}.receiving-ip")]),
    (IP, {}, None, [("not-a-string", f"{THERE}.receiving-ip")]),
    (IP, [7], "7", [("not-a-string", f"{THERE}.receiving-ip (2 times)")]),
    (IP, "\udfff", "\ufffd", [("lone-surrogate", f"{THERE}.receiving-ip")]),
    (IP, "\ud7ff\ue000\U0001f600", "\ud7ff\ue000\U0001f600", []),  # beside the surrogates, and a pair of them
    (GOOD, 0, 0, []),
    (GOOD, COUNT_MAX, COUNT_MAX, []),
    (GOOD, " 12\n", 12, [("count-as-string", COUNTS)]),
    (GOOD, "0" * 38 + "7", 7, [("count-as-string", COUNTS)]),
    (GOOD, "0" * 39 + "7", None, [("count-unreadable", COUNTS)]),
    (GOOD, str(COUNT_MAX + 1), None, [("count-as-string", COUNTS), ("count-unreadable", COUNTS)]),
    (GOOD, "", None, [("count-unreadable", COUNTS)]),
    (GOOD, "²", None, [("count-unreadable", COUNTS)]),
    (GOOD, float(2**53 - 1), 2**53 - 1, [("count-as-float", COUNTS)]),
    (GOOD, float(2**53), None, [("count-unreadable", COUNTS)]),  # 2^53+1 is written so, too
    (GOOD, -1.0, None, [("count-as-float", COUNTS), ("count-unreadable", COUNTS)]),
    ((*SUMMARY, BAD), ..., None, [("count-missing", "policies[].summary.total-failure-session-count")]),
    (LINES, ..., None, []),
    (LINES, None, None, [("null-value", f"{HERE}.policy-string")]),
    (LINES, [], [], []),
    (LINES, 7, None, [("policy-string-not-array", f"{HERE}.policy-string")]),
    (LINES, "\na: 1\r\nb: 2\n\n", ["a: 1", "b: 2"], [("policy-string-not-array", f"{HERE}.policy-string")]),
    (LINES, ' ["a: 1", "b: 2"]', ["a: 1", "b: 2"], [("policy-string-double-encoded", f"{HERE}.policy-string")]),
    (LINES, ["[not JSON"], ["[not JSON"], []),
    (LINES, ["{}"], ["{}"], []),
    (LINES, ['["a"]', '["b"]'], ['["a"]', '["b"]'], []),  # two lines are no array in a text
    (LINES, ["[" * 100_000], ["[" * 65_536], [("string-cut", f"{HERE}.policy-string[]")]),
    (LINES, ["a", None, "b"], ["a", "b"], [("null-value", f"{HERE}.policy-string[]")]),
    (HOSTS, None, None, [("null-value", f"{HERE}.mx-host")]),
    (HOSTS, ..., None, []),
    (HOSTS, "a.example", ["a.example"], []),
    (HOSTS, ["a.example", "mx: b.example"], ["a.example", "mx: b.example"], [("mx-host-prefix", f"{HERE}.mx-host")]),
    ((*POLICY, "policy-type"), " Sts ", "sts", [("policy-type-case", f"{HERE}.policy-type")]),
    ((*POLICY, "policy-type"), None, None, [("policy-type-missing", HERE)]),
    ((*DETAIL, "result-type"), None, None, [("result-type-missing", THERE)]),
    ((*DETAIL, "result-type"), "é" * 100, "é" * 100, [("unknown-result-type", "\\xe9" * 80)]),
    (("organization-name",), None, None, [("organization-name-missing", "")]),
    (("date-range", "start-datetime"), ..., None, [("date-range-missing", "date-range.start-datetime")]),
    (("date-range", "end-datetime"), None, None, [("null-value", "date-range.end-datetime")]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "written", "expected", "notes"), VALUES, ids=[f"{v[0][-1]} {str(v[1])[:20]!r}" for v in VALUES])  # fmt: skip
def test_value(path, written, expected, notes):
    found, told = only(path, written)
    assert list(told) == notes
    assert at(found, path) == expected
    assert type(at(found, path)) is type(expected)


# A number as JSON writes it, which json.dumps would not.
NUMBERS = [
    ("0.99999999999999999999", None, [("count-unreadable", COUNTS)], "it rounds to 1"),
    ("1e2", 100, [("count-as-float", COUNTS)], "whole"),
    ("12.000", 12, [("count-as-float", COUNTS)], "whole"),
    ("0e99999999999999999999", None, [("count-unreadable", COUNTS)], "no Decimal holds it"),
    ("1e400", None, [("count-unreadable", COUNTS)], "infinite"),
    ("-0", 0, [], "zero"),
    ("9" * 39, None, [("count-unreadable", COUNTS)], "past 2^63"),
    ("9" * 5_000, None, [("count-unreadable", COUNTS)], "Python raises"),
]


@pytest.mark.parametrize(("number", "expected", "notes", "why"), NUMBERS)
def test_number(number, expected, notes, why):
    raw = json.dumps(changed(GOOD, 123456)).replace("123456", number).encode()
    ((_, outcome),) = read(raw)
    assert at(outcome.report, GOOD) == expected, why
    assert list(outcome.notes) == notes


def test_a_number_for_a_text_keeps_its_digits():
    raw = json.dumps(changed(REASON, 123456)).replace("123456", "9" * 39).encode()
    ((_, outcome),) = read(raw)
    assert at(outcome.report, REASON) == "9" * 39
    ((_, outcome),) = read(raw.replace(b"9" * 39, b"9" * 40))
    assert at(outcome.report, REASON) is None, "past 39 digits it is no number here"


PARSEDMARC = {
    "organization_name": "O", "begin_date": "2026-02-01T00:00:00Z", "end_date": "2026-02-02T00:00:00Z", "contact_info": "c",
    "report_id": "r", "policies": [{"policy_domain": "d.example", "policy_type": "sts", "successful_session_count": 1, "failed_session_count": 2}],
}  # fmt: skip
R = json.dumps(STRICT).encode()
ROW = json.dumps(PARSEDMARC).encode()
# text → where each document stands and what became of it ("": a report)
DOCUMENTS = [
    (R, [("", "")]),
    (b"\r\n " + R + b"\n\x00", [("", "")]),
    (R + b"\n" + R, [("[0]", ""), ("[1]", "")]),
    (R + b" , " + R, [("[0]", ""), ("[1]", "")]),
    (b"[" + R + b"," + R + b"]", [("[0]", ""), ("[1]", "")]),
    (b"[" + R + b"] [" + R + b"]", [("[0][0]", ""), ("[1][0]", "")]),
    (b"[3]", [("[0]", "json-other: JSON, but no object: int")]),
    (b'"x"', [("", "json-other: JSON, but no object: str")]),
    (b"[]", [("", "json-other: an empty JSON list")]),
    (b'{"a": 1}', [("", "json-other: JSON, but not two of a report's keys")]),
    (b'{"report-id": 1}', [("", "json-other: JSON, but not two of a report's keys")]),
    (b'{"report-id": "r", "policies": []}', [("", "")]),
    (b'{"smtp_tls_reports": [' + ROW + b"," + ROW + b"]}", [("[0]", ""), ("[1]", "")]),
    (b'{"of": "a queue", "reports": [' + R + b", {}, [" + R + b"]]}", [("[0]", ""), ("[1]", "")]),
    (b'{"smtp_tls_reports": 1}', [("", "json-other: JSON, but not two of a report's keys")]),
    (b"{]", [("", "json-malformed: Expecting property name enclosed in double quotes at character 1")]),
    (b"{]\n" + R, [("[0]", "json-malformed: Expecting property name enclosed in double quotes at character 1"), ("[1]", "")]),
    (R + b"\n junk\n\t{]\n" + R, [("[0]", ""), ("[1]", "json-malformed: Expecting value at character AT"), ("[2]", "json-malformed: Expecting property name enclosed in double quotes at character AT2"), ("[3]", "")]),
    (b'{"a": 1, /* no report */ "b": 2}', [("", "json-malformed: Expecting property name enclosed in double quotes at character 9")]),
    # Read without its comment it is no better: what is said is of the text as it came.
    (b'{"report-id": /* x */ ]', [("", "json-malformed: Expecting value at character 14")]),
    # Without it one more report is there, though as much is broken.
    (R[:-1] + b" /* x */} {]", [("[0]", ""), ("[1]", "json-malformed: Expecting property name enclosed in double quotes at character AT2")]),
    (b"[" * 100_000, [("", "json-too-deep: nested deeper than any report")]),
    (b"[" * 100_000 + b"\n" + R, [("[0]", "json-too-deep: nested deeper than any report"), ("[1]", "")]),
    (b"", []),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "expected"), DOCUMENTS, ids=[repr(d[0][:30]) for d in DOCUMENTS])
def test_documents(raw, expected):
    places = {"AT": raw.find(b"junk"), "AT2": raw.find(b"{]") + 1}
    wanted = [
        (where, said.replace("AT2", str(places["AT2"])).replace("AT", str(places["AT"])))
        for where, said in expected
    ]
    found = [
        (where, f"{got.code}: {got.detail}" if isinstance(got, tolerant.Refusal) else "")
        for where, got in read(raw)
    ]
    assert found == wanted
    # Other JSON is no report that was lost; a broken text may have been one.
    for _, got in read(raw):
        if isinstance(got, tolerant.Refusal):
            assert got.kind == ("other-json" if got.code == "json-other" else None)


def test_parsedmarc_s_own_list_is_no_wrapping_to_be_told():
    """It is noted once, as what it is."""
    both = read(b'{"smtp_tls_reports": [' + ROW + b"," + ROW + b"]}")
    assert [{code for code, _ in got.notes} for _, got in both] == [{"parsedmarc-json"}] * 2
    ((_, none),) = read(b'{"smtp_tls_reports": []}')
    assert none.detail == "an empty JSON list"


def test_what_a_report_was_wrapped_in_is_noted_and_names_no_place():
    for raw, count in (
        (b'{"of": "a queue", "it": ' + R + b"}", 1),
        (b'{"a": ' + R + b', "b": ' + R + b"}", 2),
    ):
        assert [got.notes for _, got in read(raw)] == [(("report-wrapped", ""),)] * count
        assert [where for where, _ in read(raw)] == ([""] if count == 1 else ["[0]", "[1]"])


TOP = ("organization-name", "date-range", "contact-info", "report-id", "policies")


@pytest.mark.parametrize("keys", list(itertools.combinations(TOP, 2)), ids=" and ".join)
def test_any_two_keys_tell_a_report(keys):
    """A sender that leaves out all but two of them is read, and told what is missing; with one it is any JSON."""
    ((_, outcome),) = read(json.dumps({key: STRICT[key] for key in keys}).encode())
    assert isinstance(outcome, tolerant.Document)
    ((_, other),) = read(json.dumps({keys[0]: STRICT[keys[0]], "x": 1}).encode())
    assert isinstance(other, tolerant.Refusal)


def test_a_policy_in_one_string_keeps_every_letter_of_its_lines():
    written = "\nXversion: STSv1\r\nmx: *.X\n\n"
    ((_, outcome),) = read(json.dumps(changed(LINES, written)).encode())
    assert at(outcome.report, LINES) == ["Xversion: STSv1", "mx: *.X"]


def test_a_date_range_that_is_none_is_noted_where_it_stands():
    ((_, outcome),) = read(json.dumps(changed(("date-range",), "yesterday")).encode())
    assert ("not-an-object", "date-range") in outcome.notes
    assert (outcome.start, outcome.end) == (None, None)


def test_a_comment_is_noted_once_and_names_no_place():
    ((_, outcome),) = read(R[:-1] + b" /* x */ /* y */}")
    assert outcome.notes == (("json-comment", ""),)


@pytest.mark.parametrize(
    ("written", "note", "results", "details"),
    [
        ({"policies": [5, *PARSEDMARC["policies"]]}, ("not-an-object", "policies[]"), 2, 0),
        ({"policies": 5}, ("policies-not-array", ""), 1, 0),
        (
            {"policies": [PARSEDMARC["policies"][0] | {"failure_details": ["x"]}]},
            ("not-an-object", THERE),
            1,
            1,
        ),
        (
            {"policies": [PARSEDMARC["policies"][0] | {"failure_details": {"result_type": "a"}}]},
            ("failure-details-not-array", THERE[:-2]),
            1,
            1,
        ),
        (
            {"policies": [PARSEDMARC["policies"][0] | {"failure_details": None}]},
            ("parsedmarc-json", ""),
            1,
            0,
        ),
    ],
)
def test_nothing_of_parsedmarc_s_is_dropped_without_a_word(written, note, results, details):
    ((_, outcome),) = read(json.dumps(PARSEDMARC | written).encode())
    assert note in outcome.notes
    assert len(outcome.report.policies) == results
    assert sum(len(result.failure_details or ()) for result in outcome.report.policies) == details


# A list of reports that is broken: how many reports are in it still, and how many texts were none.
LISTS = [
    (b"[R, R, ", 2, 1, "cut: the list has no end"),
    (b"[R, R", 2, 1, "cut before the bracket"),
    (b"[R, R,]", 2, 0, "a comma too many, which is noted"),
    (b"[R R]", 2, 1, "a comma too few"),
    (b"[R, {], R]\nR", 3, 2, "one that is broken in the list, and one report behind it"),
    (b"[\n  R,\n  R,\n  {]\n]\nR\nR", 4, 1, "broken at its end, in lines"),
    (b"[{]]\n[R]\n[{]]\n[R, R]", 3, 2, "each list by itself"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "whole", "broken", "why"), LISTS)
def test_what_is_whole_in_a_broken_list_is_read(raw, whole, broken, why):
    found = [got for _, got in read(raw.replace(b"R", R))]
    refused = [got for got in found if isinstance(got, tolerant.Refusal)]
    assert (len(found) - len(refused), len(refused)) == (whole, broken), why
    assert {got.code for got in refused} <= {"json-malformed"}


def test_what_is_counted_as_a_value():
    """Commas and brackets, and no letters: a long name is no million values."""
    made = changed(("organization-name",), "X" * 200)
    ((_, outcome),) = read(json.dumps(made).encode(), Limits(json_values=150))
    assert outcome.notes == ()


def test_bounds():
    limits = Limits(json_documents=3)
    assert [getattr(got, "code", "") for _, got in read(R * 3, limits)] == ["", "", ""]
    found = read(R * 4, limits)
    assert [getattr(got, "code", "") for _, got in found] == ["", "", "", "limit-json-documents"]
    assert found[3][1].detail == "more than 3 documents (limit: json_documents)"
    values = sum(map(R.count, (b",", b"[", b"{")))
    assert read(R, Limits(json_values=values))[0][1].notes == ()
    ((where, refused),) = read(R, Limits(json_values=values - 1))
    assert (where, refused.code) == ("", "limit-json-values")
    assert refused.detail == f"more than {values - 1} JSON values (limit: json_values)"


def test_names_outside_ascii_are_counted_once_each():
    """Over all texts of a run; names in ASCII are not counted, and the report with one too many is refused."""
    spent = tolerant.Spent()

    def codes(*domains):
        made = [changed(("policies", 0, "policy", "policy-domain"), domain) for domain in domains]
        raw = "\n".join(json.dumps(one, ensure_ascii=False) for one in made).encode()
        found = tolerant.documents(raw, Limits(names=2), spent)
        return [getattr(outcome, "code", "") for _, outcome in found]

    assert codes("bücher.example", "d.example", "bücher.example", "größe.example") == [""] * 4
    assert codes("ärger.example", "größe.example") == ["limit-names", ""]


def test_broken_documents_are_given_up_before_they_cost_too_much():
    """Each is scanned to its end from its start: n of them would else cost n²."""
    raw = b"\n".join([b'{"a": [' + b"1, " * 400] * 1_000)
    found = read(raw)
    assert found[-1][1].detail == "too many broken documents in one text: the rest is left"
    assert found[-1][1].code == "json-malformed"
    assert 4 < len(found) < 20


def test_a_text_of_more_comments_than_values_may_be_is_refused_beside_what_is_read():
    found = read(R + b"\n{" + b"/*a*/" * 60 + b"}", Limits(json_values=50))
    assert found[0][1].report.report_id == STRICT["report-id"]
    assert [got.code for _, got in found[1:]] == ["json-malformed", "limit-json-values"]
    assert "limit: json_values" in found[-1][1].detail


def test_a_report_that_stands_as_text_in_other_json_is_read():
    """Queues and logs keep it so; a text that names no policies is not looked into."""
    lines = json.dumps({"n": 1, "message": R.decode(), "other": '{"report-id": "no"}'}).encode()
    ((_, outcome),) = read(lines)
    assert outcome.report.report_id == STRICT["report-id"]
    assert outcome.notes == (("report-wrapped", ""),)


def test_the_place_of_a_fault_far_into_a_text():
    raw = (b'{"a":1}\n' * 40_000) + b"junk\n" + b"{]\n" + R
    found = read(raw)
    told = [got.detail for _, got in found if getattr(got, "code", "") == "json-malformed"]
    assert [int(detail.rpartition(" ")[2]) for detail in told] == [320_000, 320_006]
    assert found[-1][1].report.report_id == STRICT["report-id"]


def test_twice():
    raw = R.replace(b'"report-id":', b'"x": 1, "x": 2, "x": 3, "report-id": "other", "report-id":')
    ((_, outcome),) = read(raw)
    assert outcome.notes == (
        ("duplicate-key", "x"),
        ("duplicate-key", "report-id"),
        ("unknown-key", "x"),
    )
    raw = R.replace(b'"policy-type":', b'"policy-type": "tlsa", "policy-type":')
    ((_, outcome),) = read(raw)
    assert outcome.notes == (("duplicate-key", f"{HERE}.policy-type"),)
    assert outcome.report.policies[0].policy.policy_type == "sts", "the last one counts"


def test_an_alias_beside_its_key_is_an_unknown_key():
    found, notes = only((*POLICY, "mx-host-pattern"), ["other.example"])
    assert notes == (("unknown-key", f"{HERE}.mx-host-pattern"),)
    assert found.policies[0].policy.mx_host == STRICT["policies"][0]["policy"]["mx-host"]
    _, notes = only((*SUMMARY, "mx-host-pattern"), 1)
    assert notes == (("unknown-key", "policies[].summary.mx-host-pattern"),)


def test_notes_count_up_to_the_bound():
    made = report()
    made["policies"] *= 3
    for policy in made["policies"]:
        policy["policy"]["policy-type"] = "STS"
    ((_, outcome),) = read(json.dumps(made).encode(), Limits(notes=1))
    assert outcome.notes == (("policy-type-case", f"{HERE}.policy-type (3 times)"),)
    made["x"] = made["y"] = 1
    ((_, outcome),) = read(json.dumps(made).encode(), Limits(notes=1))
    assert outcome.notes[1:] == (("more-notes", "(3 times)"),) or outcome.notes == (
        ("unknown-key", "x"),
        ("more-notes", "(4 times)"),
    )


ENCODINGS = [
    (R.decode().encode("utf-16-le"), (("not-utf-8", "utf-16-le"),)),
    (R.decode().encode("utf-32"), (("not-utf-8", "utf-32"),)),
    (b"\xef\xbb\xbf" + R, (("byte-order-mark", ""),)),
    (R.replace(b"Sender", b"S\xffnder"), (("not-utf-8", "not utf-8 throughout"),)),
]


@pytest.mark.parametrize(("raw", "notes"), ENCODINGS)
def test_encoding(raw, notes):
    ((_, outcome),) = read(raw)
    assert outcome.notes == notes
    assert outcome.report.report_id == STRICT["report-id"]


def test_parsedmarc_by_value():
    detail = {"result_type": "validation-failure", "failed_session_count": 2, "additional_info_uri": "u", "failure_reason_code": "c", "receiving_mx_helo": "h", "receiving_ip": None}  # fmt: skip
    row = json.loads(ROW)
    row["policies"][0] |= {"policy_strings": ["mode: testing"], "mx_host_patterns": ["a.example"], "failure_details": [detail, 3]}  # fmt: skip
    ((_, outcome),) = read(json.dumps(row).encode())
    found = outcome.report
    assert (found.organization_name, found.contact_info, found.report_id) == ("O", "c", "r")
    assert found.date_range.start_datetime == "2026-02-01T00:00:00Z"
    assert found.date_range.end_datetime == "2026-02-02T00:00:00Z"
    (result,) = found.policies
    assert (result.policy.policy_domain, result.policy.policy_type) == ("d.example", "sts")
    assert (result.policy.policy_string, result.policy.mx_host) == (
        ["mode: testing"],
        ["a.example"],
    )
    summary = result.summary
    assert (summary.total_successful_session_count, summary.total_failure_session_count) == (1, 2)
    told = result.failure_details[0]
    assert (told.result_type, told.failed_session_count) == ("validation-failure", 2)
    assert (told.additional_information, told.failure_reason_code) == ("u", "c")
    assert (told.receiving_mx_helo, told.receiving_ip) == ("h", None)
    assert outcome.notes[0] == ("parsedmarc-json", "")


def test_where_policies_are_many():
    """The place of a note is of its kind; the path of what was read is not mixed up between policies."""
    made = report()
    made["policies"] = [json.loads(json.dumps(made["policies"][0])) for _ in range(3)]
    made["policies"][1]["summary"][OK] = "5"
    made["policies"][2][P[0]] = 1
    ((_, outcome),) = read(json.dumps(made).encode())
    assert [p.summary.total_successful_session_count for p in outcome.report.policies] == [
        10,
        5,
        10,
    ]
    assert outcome.notes == (
        ("count-as-string", COUNTS),
        ("unknown-key", "policies[].policies"),
    )


def test_what_the_strict_reader_keeps_is_bounded(monkeypatch):
    monkeypatch.setattr(wire, "KEPT", 4)
    reports._days.clear()
    reports._policies.clear()
    for day in range(1, 29):
        made = changed(("date-range", "start-datetime"), f"2026-01-{day:02}T00:00:00Z")
        made["policies"][0]["policy"]["policy-domain"] = f"d{day}.example"
        found = reports.strict(json.dumps(made).encode())
        assert found is not None, "read at once, not only when its day is known"
        assert found.applied[0].domain == f"d{day}.example"
        assert 0 < len(reports._days) <= 4
        assert 0 < len(reports._policies) <= 4
        if day == 3:  # two days a report, and one policy
            assert len(reports._policies) == 3
    assert len(reports._days) > 1
    long = changed(("policies", 0, "policy", "policy-string"), ["x" * wire.LONG])
    reports._policies.clear()
    assert reports.strict(json.dumps(long).encode()) is not None
    assert reports._policies == {}, "a long policy is no use to keep"
    # A string counts its characters and 64 more; mx-host holds one, "mx1.d.example".
    for size, kept in ((wire.LONG - 1, 1), (wire.LONG, 0)):
        reports._policies.clear()
        line = "x" * (size - 64 - 64 - len("mx1.d.example"))
        assert reports.strict(json.dumps(changed(LINES, [line])).encode()) is not None
        assert len(reports._policies) == kept, "so much of a policy, and no more"
    for lines, kept in ((["x"] * 60, 1), (["x"] * 61, 0)):
        reports._policies.clear()
        wire._applied.clear()
        made = changed(LINES, ["version: STSv1", *lines])
        assert list(reports.read(json.dumps(made).encode()))
        assert len(wire._applied) == kept, "a string takes its room, however short it is"


def test_a_bound_on_strings_that_is_lower_holds_for_what_is_strict_too():
    """The types know the usual bound only: a report that could hold a longer string goes the tolerant way."""
    raw = json.dumps(STRICT).encode()
    assert reports.strict(raw, Limits(string_chars=len(raw))) is not None, (
        "no string in it is as long"
    )
    assert reports.strict(raw, Limits(string_chars=len(raw) - 1)) is None
    ((_, outcome),) = reports.read(raw, Limits(string_chars=8))
    assert "string-cut" in {code for code, _ in outcome.notes}
    assert len(outcome.organization_name) <= 8
    long = json.dumps(changed(LINES, ["x" * 60_000, "y" * 60_000])).encode()
    assert len(long) > Limits().string_chars
    assert reports.strict(long) is not None, "by the usual bound its types hold it"


def test_a_report_of_one_instant_is_strict():
    made = changed(("date-range", "end-datetime"), STRICT["date-range"]["start-datetime"])
    assert reports.strict(json.dumps(made).encode()) is not None
