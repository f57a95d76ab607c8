"""JSON → report: the strict reader, every tolerance, and that the two readers agree."""

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mtasts_analysis as ma
from mtasts_analysis.archive import reports, tables, tolerant, wire
from mtasts_analysis.archive.mail import Facts
from tests.archive.building import STRICT, report, text


def changed(path, value):
    """The strict report with one value set (or, `...`, taken out)."""
    made = report()
    *way, last = path
    at = made
    for step in way:
        at = at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return made


P = ("policies", 0)
POLICY = (*P, "policy")
SUMMARY = (*P, "summary")
DETAIL = (*P, "failure-details", 0)
OK, BAD = "total-successful-session-count", "total-failure-session-count"

# code: (path, value, the column it lands in, what stands there, why)
QUIRKS = [
    ("date-without-zone", ("date-range", "start-datetime"), "2026-02-01T00:00:00", "reports.start", "2026-02-01 00:00:00+00:00", "Microsoft 2023"),
    ("date-form", ("date-range", "start-datetime"), "2026-02-01 00:00:00Z", "reports.start", "2026-02-01 00:00:00+00:00", "a space for T"),
    ("date-form", ("date-range", "end-datetime"), "2026-02-01T24:00:00Z", "reports.end", "2026-02-02 00:00:00+00:00", "ISO 8601's midnight"),
    ("date-unreadable", ("date-range", "start-datetime"), "yesterday", "reports.start", None, "no date"),
    ("date-unreadable", ("date-range", "start-datetime"), "2026-02-30T00:00:00Z", "reports.start", None, "no such day"),
    ("date-out-of-range", ("date-range", "start-datetime"), "0001-01-01T00:00:00Z", "reports.start", None, "would raise in ns"),
    ("date-out-of-range", ("date-range", "start-datetime"), "9999-12-31T23:59:59Z", "reports.start", None, "would raise in ns"),
    ("date-range-reversed", ("date-range", "end-datetime"), "2026-01-01T00:00:00Z", "reports.end", "2026-01-01 00:00:00+00:00", "kept"),
    ("date-range-missing", ("date-range",), ..., "reports.start", None, "absent"),
    ("organization-name-missing", ("organization-name",), ..., "reports.organization_name", None, "absent"),
    ("contact-info-missing", ("contact-info",), ..., "reports.contact_info", None, "absent"),
    ("contact-info-null", ("contact-info",), None, "reports.contact_info", None, "Stalwart"),
    ("report-id-missing", ("report-id",), ..., "reports.report_id", None, "absent"),
    ("policies-missing", ("policies",), ..., "reports.policy_count", 0, "a report all the same"),
    ("policies-not-array", ("policies",), STRICT["policies"][0], "policies.total_successful_session_count", 10, "one object"),
    ("policy-missing", POLICY, ..., "policies.policy_type", None, "absent"),
    ("policy-type-missing", (*POLICY, "policy-type"), ..., "policies.policy_type", None, "absent"),
    ("policy-type-case", (*POLICY, "policy-type"), "STS", "policies.policy_type", "sts", "small senders"),
    ("unknown-policy-type", (*POLICY, "policy-type"), "pqc", "policies.policy_type", "pqc", "verbatim"),
    ("policy-domain-missing", (*POLICY, "policy-domain"), ..., "policies.domain", None, "Postfix"),
    ("domain-not-normal", (*POLICY, "policy-domain"), "D.Example.", "policies.domain", "d.example", "compared as DNS does"),
    ("domain-not-normal", (*POLICY, "policy-domain"), "D.Example.", "policies.policy_domain", "D.Example.", "verbatim"),
    ("domain-not-a-label", (*POLICY, "policy-domain"), "bücher.example", "policies.domain", "xn--bcher-kva.example", "RFC 8460 §4.4 MUST A-labels"),
    ("domain-not-a-label", (*POLICY, "policy-domain"), "a..b", "policies.domain", "a..b", "no name: verbatim"),
    ("policy-string-not-array", (*POLICY, "policy-string"), "version: STSv1\nmode: enforce", "policies.mode", "enforce", "one string"),
    ("policy-string-double-encoded", (*POLICY, "policy-string"), ['["mode: enforce"]'], "policies.mode", "enforce", "Microsoft"),
    ("mx-host-prefix", (*POLICY, "mx-host"), ["mx: mx1.d.example"], "policies.mx_host", ["mx: mx1.d.example"], "verbatim"),
    ("summary-missing", SUMMARY, ..., "policies.total_successful_session_count", None, "null, never 0"),
    ("count-missing", (*SUMMARY, OK), ..., "policies.total_successful_session_count", None, "null, never 0"),
    ("count-missing", (*SUMMARY, OK), None, "policies.total_successful_session_count", None, "null, never 0"),
    ("count-as-string", (*SUMMARY, OK), "12", "policies.total_successful_session_count", 12, "small senders"),
    ("count-as-float", (*SUMMARY, OK), 12.0, "policies.total_successful_session_count", 12, "a whole number"),
    ("count-unreadable", (*SUMMARY, OK), -1, "policies.total_successful_session_count", None, "negative"),
    ("count-unreadable", (*SUMMARY, OK), 1.5, "policies.total_successful_session_count", None, "fractional"),
    ("count-unreadable", (*SUMMARY, OK), True, "policies.total_successful_session_count", None, "true would sum as 1"),
    ("count-unreadable", (*SUMMARY, OK), "-5", "policies.total_successful_session_count", None, "no digits"),
    ("count-unreadable", (*SUMMARY, OK), "٧", "policies.total_successful_session_count", None, "no ASCII digit"),
    ("count-unreadable", (*SUMMARY, OK), 2**63, "policies.total_successful_session_count", None, "would wrap"),
    ("count-unreadable", (*SUMMARY, OK), float("nan"), "policies.total_successful_session_count", None, "NaN"),
    ("count-unreadable", (*SUMMARY, OK), float("inf"), "policies.total_successful_session_count", None, "1e400"),
    ("count-unreadable", (*SUMMARY, OK), [3], "policies.total_successful_session_count", None, "a list"),
    ("failed-session-count-missing", (*DETAIL, "failed-session-count"), ..., "failures.failed_session_count", None, "several"),
    ("failure-details-null", (*P, "failure-details"), None, "policies.total_failure_session_count", 3, "several"),
    ("failure-details-not-array", (*P, "failure-details"), STRICT["policies"][0]["failure-details"][0], "failures.failed_session_count", 3, "one object"),
    ("result-type-missing", (*DETAIL, "result-type"), ..., "failures.result_type", None, "absent"),
    ("unknown-result-type", (*DETAIL, "result-type"), "dns-error", "failures.result_type", "dns-error", "the guide's: verbatim"),
    ("empty-string", (*DETAIL, "receiving-ip"), "", "failures.receiving_ip", None, "Microsoft"),
    ("null-value", (*DETAIL, "receiving-ip"), None, "failures.receiving_ip", None, "several"),
    ("not-a-string", (*DETAIL, "failure-reason-code"), 42, "failures.failure_reason_code", "42", "its digits"),
    ("not-an-object", DETAIL, "broken", "failures.result_type", None, "a string for an object"),
    ("string-cut", (*DETAIL, "failure-reason-code"), "x" * 70_000, "failures.failure_reason_code", "x" * 65_536, "a limit"),
    ("lone-surrogate", (*DETAIL, "failure-reason-code"), "a\ud800b", "failures.failure_reason_code", "a\ufffdb", "no Unicode"),
    ("unknown-key", ("extension",), 1, "reports.policy_count", 1, "extensions"),
]  # fmt: skip

ALIASES = {
    "mx-host-pattern": ((*POLICY,), "mx-host", "policies.mx_host", ["mx1.d.example"]),
    "failure-error-code": ((*DETAIL,), "failure-reason-code", "failures.failure_reason_code", "E"),
    "additional-info-uri": (
        (*DETAIL,),
        "additional-information",
        "failures.additional_information",
        "E",
    ),
}


def value_in(data, column):
    table, name = column.split(".")
    found = getattr(data, table)[name].iloc[0]
    if isinstance(found, str) or not hasattr(found, "__len__"):
        return None if pd.isna(found) else found
    return list(found)


@pytest.mark.parametrize(
    ("code", "path", "value", "column", "expected", "why"),
    QUIRKS,
    ids=[f"{q[0]}: {q[-1]}" for q in QUIRKS],
)
def test_quirk(code, path, value, column, expected, why):
    data = ma.load(json.dumps(changed(path, value)).encode())
    assert data.accounting.reports == 1, data.problems
    got = value_in(data, column)
    assert (str(got) if hasattr(got, "tz") else got) == expected, why
    assert code in set(data.problems["code"]), data.problems
    assert data.problems["report_key"].notna().all()


@pytest.mark.parametrize("alias", ALIASES)
def test_alias(alias):
    way, key, column, expected = ALIASES[alias]
    made = report()
    at = made
    for step in way:
        at = at[step]
    at.pop(key, None)
    at[alias] = expected
    data = ma.load(json.dumps(made).encode())
    assert value_in(data, column) == expected
    assert data.problems["code"].tolist() == ["key-alias"]


def test_the_strict_report_leaves_no_problem():
    for type_ in wire.RESULT_TYPES:
        data = ma.load(json.dumps(changed((*DETAIL, "result-type"), type_)).encode())
        assert len(data.problems) == 0
    for form in ("*.d.example", ["*.d.example"]):  # the RFC's own example, and erratum 6241
        data = ma.load(json.dumps(changed((*POLICY, "mx-host"), form)).encode())
        assert len(data.problems) == 0
        assert data.policies["mx_host"].iloc[0] == ["*.d.example"]
    for stamp in (
        "2026-02-01T01:00:00+01:00",
        "2026-02-01t00:00:00z",
        "2026-02-01T00:00:00.000Z",
    ):  # RFC 3339
        data = ma.load(json.dumps(changed(("date-range", "start-datetime"), stamp)).encode())
        assert len(data.problems) == 0
        assert str(data.reports["start"].iloc[0]) == "2026-02-01 00:00:00+00:00"


RAW = {
    "byte-order-mark": b"\xef\xbb\xbf" + text(),
    "not-utf-8": text().decode().encode("utf-16"),
    "duplicate-key": text().replace(b'"report-id":', b'"report-id": "other", "report-id":'),
    "json-comment": b'{ // a "quoted\n /* and, ] another */' + text()[1:] + b" // end",
    "json-trailing-comma": text().replace(b"}]", b"} /* none, */ , \n]")[:-1] + b",}",
    "report-wrapped": b'{"id": 1, "found": [{"source": ' + text() + b"}]}",
    "parsedmarc-json": json.dumps(
        {
            "organization_name": "Sender A", "begin_date": "2026-02-01T00:00:00Z", "end_date": "2026-02-01T23:59:59Z",
            "contact_info": "tls@a.example", "report_id": STRICT["report-id"] + "-0",
            "policies": [{
                "policy_domain": "d.example", "policy_type": "sts", "policy_strings": STRICT["policies"][0]["policy"]["policy-string"],
                "mx_host_patterns": ["mx1.d.example"], "successful_session_count": 10, "failed_session_count": 3,
                "failure_details": [{
                    "result_type": "certificate-expired", "failed_session_count": 3, "sending_mta_ip": "198.51.100.1",
                    "receiving_ip": "192.0.2.1", "receiving_mx_hostname": "mx1.d.example",
                }],
            }],
        }
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("code", RAW)
def test_text(code):
    """Another text, the same report: the same key as the strict one."""
    data = ma.load(RAW[code])
    assert code in set(data.problems["code"])
    assert data.reports["report_key"].tolist() == ma.load(text()).reports["report_key"].tolist()


def test_a_control_character_stays_in_its_string():
    data = ma.load(text().replace(b"Sender A", b"Sender\n\tA"))
    assert data.problems["code"].tolist() == ["json-control-character"]
    assert data.reports["organization_name"].tolist() == ["Sender\n\tA"]


def test_what_looks_like_a_liberty_inside_a_string_is_its_text():
    name = b"A ,} // x /* y */ ,]"
    for raw in (text(), text()[:-1] + b",}"):
        data = ma.load(raw.replace(b"Sender A", name))
        assert data.reports["organization_name"].tolist() == [name.decode()]


def test_hidden_duplicate_key():
    raw = text().replace(b'"policies":', b'"\\u0070olicies": [], "policies":')
    assert "duplicate-key" in set(ma.load(raw).problems["code"])


def test_every_tolerance_is_forced_and_argued():
    forced = (
        {q[0] for q in QUIRKS} | set(RAW) | {"key-alias", "more-notes", "json-control-character"}
    )
    assert forced == set(reports.TOLERANCES)
    for code, (severity, rule, seen, reference) in reports.TOLERANCES.items():
        assert severity in ("deviation", "info"), code
        assert rule and seen and reference, code


def test_notes_are_bounded():
    made = report(**{f"key{n}": n for n in range(500)})
    data = ma.load(json.dumps(made).encode())
    assert len(data.problems) == ma.Limits().notes + 1
    assert data.problems["code"].iloc[-1] == "more-notes"


MALFORMED = {
    "cut": (text()[:100], 1),
    "deep": (b"[" * 100_000, 1),
    "nothing but a bracket": (b"{", 1),
    "a broken one among two": (text(0) + b"\n{broken\n" + text(1), 1),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name):
    raw, rejected = MALFORMED[name]
    data = ma.load(raw)
    assert data.accounting.rejected == rejected
    assert data.accounting.reports == (2 if "two" in name else 0)


def test_a_million_values_end():
    data = ma.load(b'{"report-id": "x", "policies": [' + b"{}," * 5_000_000 + b"{}]}")
    assert data.problems["code"].tolist() == ["limit-json-values"]


counts = st.integers(0, 2**63 - 1)
words = st.text(max_size=12) | st.sampled_from(
    ["sts", "tlsa", "no-policy-found", "", "d.example", "mx: a"]
)
dates = st.sampled_from(
    ["2026-02-01T00:00:00Z", "2026-02-01T00:00:00", "x", "2026-02-02T00:00:00+02:00"]
)
details = st.fixed_dictionaries(
    {"result-type": st.sampled_from([*wire.RESULT_TYPES, "new"]), "failed-session-count": counts},
    optional={"receiving-ip": words, "receiving-mx-helo": st.none() | words, "more": counts},
)
policies = st.fixed_dictionaries(
    {
        "policy": st.fixed_dictionaries(
            {"policy-type": words, "policy-domain": words},
            optional={
                "policy-string": st.lists(words, max_size=3),
                "mx-host": st.lists(words, max_size=2) | words,
            },
        ),
        "summary": st.fixed_dictionaries({OK: counts, BAD: counts}),
    },
    optional={"failure-details": st.lists(details, max_size=3)},
)
any_report = st.fixed_dictionaries(
    {
        "organization-name": words,
        "date-range": st.fixed_dictionaries({"start-datetime": dates, "end-datetime": dates}),
        "contact-info": words,
        "report-id": words,
        "policies": st.lists(policies, max_size=3),
    }
)


def rows(parsed):
    """All that the tables take from a report."""
    builder = tables.Builder()
    builder.report("x", parsed, Facts(report_domain="d.example"))
    return {name: table.to_pylist() for name, table in builder.take().items()}


@settings(max_examples=300, deadline=None)
@given(any_report, st.sampled_from([None, 1]), st.booleans())
def test_the_two_readers_agree(made, indent, escaped):
    raw = json.dumps(made, indent=indent, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    strict = reports.strict(raw)
    (read,) = reports.read(raw)
    outcome = read[1]
    assert isinstance(outcome, reports.Parsed)
    assert {code for code, _ in outcome.notes} <= set(reports.TOLERANCES)
    if strict is not None:
        assert rows(strict) == rows(outcome)


ODDITIES = st.sampled_from(
    [
        lambda raw: raw,
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw.replace(b"/", rb"\/"),
        lambda raw: raw.replace(b'"report-id"', b'"report-id":"\\"\\\\","report-id"'),
        lambda raw: raw.replace(b'"report-id"', b'"x":{"a":[],"a":[{}]},"report-id"'),
        lambda raw: raw.replace(b'"report-id"', b'"x":[1.0,-0,1e400,"\\u0022",' + b"9" * 50 + b'],"report-id"'),
        lambda raw: raw.replace(b'"policies": [', b'"policies": [7,{},null,'),
        lambda raw: b"[" + raw + b"," + raw + b",1]",
        lambda raw: b'{"a":{"b":[' + raw + b"]}}",
        lambda raw: raw + b"\n" + raw,
        lambda raw: raw.replace(b"}", b",}"),
        lambda raw: raw.replace(b": ", b': /* " */', 3),
        lambda raw: raw[:-3],
        lambda raw: raw.decode("utf-8", "replace").encode("utf-16"),
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(any_report, st.booleans(), ODDITIES)
def test_quick_and_slow_decoding_agree(made, escaped, spoilt):
    """What msgspec decodes in one step means what it means read piece by piece, oddities and all."""
    raw = spoilt(json.dumps(made, ensure_ascii=escaped).encode("utf-8", "surrogatepass"))
    limits = ma.Limits()
    assert list(tolerant.documents(raw, limits)) == list(tolerant.documents(raw, limits, None, []))


@pytest.mark.parametrize(
    ("raw", "sound"),
    [
        (b'{"a": 1}', True),
        (b"\xef\xbb\xbf[] \n", True),
        (rb'{"a\"": "\\", "a": "\u0022"}', True),
        (b'{"a": 1, "a": 1}', False),
        (rb'{"a": 1, "\u0061": 1}', False),
        (rb'{"\\": 1, "\\": "\""}', False),
        (b"{} {}", False),
        (b"[1,]", False),
        (b"[NaN]", False),
        (rb'["\ud800"]', False),
        (b"[" * 100_000, False),
        (b"", False),
    ],
)
def test_what_is_sound(raw, sound):
    """One JSON value, each key once: a key that is given twice leaves fewer quotes than were written."""
    assert bool(tolerant.sound(raw, ma.Limits())) is sound


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 4))
def test_key_depends_on_content_alone(rng, indent):
    """Key order, white space and escapes are no content."""

    def shuffled(value):
        if isinstance(value, dict):
            items = [(k, shuffled(v)) for k, v in value.items()]
            rng.shuffle(items)
            return dict(items)
        return [shuffled(v) for v in value] if isinstance(value, list) else value

    raw = json.dumps(shuffled(STRICT), indent=indent).replace("/", r"\/")
    (read,) = reports.read(raw.encode())
    assert read[1].key == reports.strict(json.dumps(STRICT).encode()).key


def test_key_parts():
    base = reports.strict(text()).key
    other_count = reports.strict(json.dumps(changed((*SUMMARY, OK), 11)).encode()).key
    other_id = reports.strict(text(1)).key
    assert len(base) == 32
    assert other_count[:16] == base[:16] and other_count[16:] != base[16:]
    assert other_id[:16] != base[:16]
    # Pinned: a key that changes between versions would count every report twice in a store.
    assert base == PINNED


def test_the_order_of_policies_is_no_identity():
    """A sender that lists its policies anew, or one domain under two of them, is in conflict with itself, not two reports."""

    def key(*domains):
        made = report()
        made["policies"] = [changed((*POLICY, "policy-domain"), d)["policies"][0] for d in domains]
        return reports.strict(json.dumps(made).encode()).key

    one, other = key("a.example", "b.example"), key("b.example", "a.example")
    assert one[:16] == other[:16] and one[16:] != other[16:]
    twice = key("a.example", "a.example")
    assert twice[:16] == key("a.example")[:16] != one[:16]


def test_after_a_broken_report_the_next_is_read():
    found = list(reports.read(b"{]\n" + text(1) + b"\n{]\n" + text(2)))
    assert [isinstance(got, reports.Parsed) for _, got in found] == [False, True, False, True]


PINNED = "b3b383b48ee21f90b59a4f70e660d5ca"


def test_sums_are_exact():
    made = [report(n) for n in range(3)]
    for one in made:
        one["policies"][0]["summary"][OK] = 2**63 - 1
    data = ma.load(json.dumps(made).encode())
    assert data.summary.sessions["successful"].tolist() == [3 * (2**63 - 1)]


def test_tolerant_work_is_bounded():
    """Broken documents, one a line: each must not be scanned to the end again."""
    raw = b'\n{"a": [' * 20_000
    outcomes = list(tolerant.documents(raw, ma.Limits()))
    assert all(isinstance(outcome, tolerant.Refusal) for _, outcome in outcomes)
