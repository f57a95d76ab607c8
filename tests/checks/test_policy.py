"""The policy file: the grammar line by line, and what the policy means beside the MX hosts."""

import pytest

from mtasts_analysis.checks.coverage import advice, coverage, covers
from mtasts_analysis.checks.policy import Policy, read_policy
from mtasts_analysis.checks.providers import PROVIDERS, provider_of

GOOD = b"version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 604800\n"
VALID = [
    (GOOD, "as it should be"),
    (GOOD.replace(b"\n", b"\r\n"), "CRLF"),
    (GOOD.replace(b"\n", b"\r\n", 2), "mixed: each term is LF or CRLF"),
    (GOOD[:-1], "no end of the last line"),
    (GOOD.replace(b": ", b":"), "no space after the colon"),
    (GOOD.replace(b": ", b":\t  "), "*WSP after the colon"),
    (GOOD.replace(b"\n", b" \t\n"), "*WSP after a field"),
    (GOOD + b"x-note: caf\xc3\xa9 au lait\n", "an extension in UTF-8"),
    (GOOD + b"mode: banana\n", "a repeated field is ignored, whatever it holds"),
    (GOOD + b"Mode: banana\n", "names are case-sensitive: this one is an extension"),
    (GOOD.replace(b"604800", b"0"), "the least max_age"),
    (GOOD.replace(b"604800", b"31557600"), "the greatest max_age"),
    (b"max_age: 1\nversion: STSv1\nmode: none", "any order; none needs no mx"),
    (GOOD.replace(b"mail.example.com", b".".join([b"a" * 63] * 4)), "255 characters"),
]
INVALID = [
    (b"", 1, "the file is empty"),
    (GOOD.replace(b"\n", b"\r"), 1, "CR"),
    (b"\xef\xbb\xbf" + GOOD, 1, "byte order mark"),
    (GOOD + b"\n", 6, "empty line"),
    (GOOD.replace(b"mode", b"\nmode"), 2, "empty line"),
    (b" " + GOOD, 1, "white space"),
    (GOOD.replace(b"mode:", b"mode :"), 2, "before the colon"),
    (GOOD.replace(b"mode: enforce", b"mode enforce"), 2, "no 'name: value'"),
    (GOOD.replace(b"STSv1", b"stsv1"), 1, "STSv1"),
    (GOOD.replace(b"enforce", b"Enforce"), 2, "small letters"),
    (GOOD.replace(b"604800", b"31557601"), 5, "maximum"),
    (GOOD.replace(b"604800", b"1w"), 5, "digits"),
    (GOOD.replace(b"604800", b"-1"), 5, "digits"),
    (GOOD.replace(b"604800", "٣".encode()), 5, "digits"),  # a digit to str.isdigit(), none in ABNF
    (GOOD.replace(b"604800", b"00000000001"), 5, "1 to 10 digits"),
    (GOOD.replace(b"604800", b""), 5, "digits"),
    (GOOD.replace(b"max_age: 604800\n", b""), 0, "'max_age' is missing"),
    (GOOD.replace(b"version: STSv1\n", b""), 0, "'version' is missing"),
    (b"version: STSv1\nmode: testing\nmax_age: 1", 0, "no mx field"),
    (GOOD.replace(b"mail.example.com", b"mail.example.com."), 3, "ends in a dot"),
    (GOOD.replace(b"mail.example.com", "münchen.example".encode()), 3, "'xn--mnchen-3ya.example'"),
    (GOOD.replace(b"*.example.net", "*.münchen.example".encode()), 4, "'*.xn--mnchen-3ya.example'"),
    (GOOD.replace(b"mail.example.com", b"[192.0.2.1]"), 3, "IP literal"),
    (GOOD.replace(b"mail.example.com", b"2001:db8::1"), 3, "IP literal"),
    (GOOD.replace(b"mail.example.com", b"a.example, b.example"), 3, "own mx line"),
    (GOOD.replace(b"*.example.net", b"mx*.example.net"), 4, "whole first label"),
    (GOOD.replace(b"*.example.net", b"*.*.example.net"), 4, "whole first label"),
    (GOOD.replace(b"*.example.net", b".example.net"), 4, "*.example.net is meant"),
    (GOOD.replace(b"mail.example.com", b"my_mx.example.com"), 3, "'_'"),
    (GOOD.replace(b"mail.example.com", b""), 3, "mx is empty"),
    (GOOD + b"x: \xff\n", 6, "not UTF-8"),
    ((GOOD + b"x: ").decode() + "\ud800\n", 6, "not UTF-8"),
    (GOOD + b"x: a\x00b\n", 6, "control character"),
    (GOOD + b"x:\n", 6, "is empty"),
    (GOOD + b"mode:\n", 6, "the value of 'mode' is empty"),  # a repeated field is one by its form
    (GOOD + b"version: \x01\n", 6, "holds a control character"),
    (GOOD + b"max_age: 1\t2\n", 6, "holds a control character"),
    (GOOD + b"_x: 1\n", 6, "no field name"),
    (GOOD + b"a" * 33 + b": 1\n", 6, "no field name"),
    (GOOD[:-1] + b"\r", 5, "CR inside"),  # no LF follows: it ends no line
    (GOOD.replace(b"mail.example.com", b"[IPv6:2001:db8::1]"), 3, "IP literal"),
    (GOOD.replace(b"mail.example.com", b"mail.example.com_"), 3, "'_'"),
    (GOOD.replace(b"mail.example.com", b"mail.example.com.."), 3, "is no domain name"),
    (GOOD.replace(b"mail.example.com", b"a."), 3, "ends in a dot"),
    (GOOD.replace(b"mail.example.com", b"mail.example.com;"), 3, "own mx line"),
    (
        GOOD.replace(b"mail.example.com", b".".join([b"a" * 63] * 4) + b"a"),
        3,
        "is no domain name",
    ),  # 256
    (b"<html><body>404</body></html>", 1, "no 'name: value'"),
]


@pytest.mark.parametrize(("body", "why"), VALID)
def test_valid(body, why):
    policy, found = read_policy(body)
    assert policy is not None, why
    assert all(f.severity != "error" for f in found)
    assert read_policy(str(policy))[0] == Policy(policy.mode, policy.max_age, policy.mx)


@pytest.mark.parametrize(("body", "line", "said"), INVALID)
def test_invalid(body, line, said):
    policy, found = read_policy(body)
    assert policy is None
    faults = [f for f in found if f.severity == "error"]
    assert all(f.code == "policy-invalid" for f in faults)
    where = f"line {line}: " if line else ""
    assert any(f.evidence.startswith(where) and said in f.evidence for f in faults), faults
    proposed = faults[0].action.partition("\n")[2]
    assert read_policy(proposed)[0] is not None, "what is proposed must itself be valid"


def test_every_fault_is_told_with_its_line():
    _, found = read_policy(b"version: STSv2\n\nmode: bogus\njunk\nmax_age: x\n")
    assert [f.evidence[:7] for f in found if f.severity == "error"] == ["line 1:", "line 2:", "line 3:", "line 4:", "line 5:", "no mx f"]  # fmt: skip


# A policy host is a stranger's: a line of 60 kB does not fill a card, and 100 characters tell which line it is.
SHOWN = [
    (GOOD + b" " + b"a" * 500 + b": 1\n", f"begins with white space: {' ' + 'a' * 99!r}"),
    (GOOD + b"a" * 500 + b"\n", f"no 'name: value': {'a' * 100!r}"),
    (GOOD + b"a" * 500 + b" : 1\n", f"white space before the colon: {'a' * 100!r}"),
    (GOOD + b"a" * 500 + b": 1\n", f"{'a' * 100!r} is no field name"),
    (GOOD + b"x: " + b"a" * 500 + b"\x00b\n", f"{'a' * 100!r} holds a control character"),
    (GOOD + b"x: " + b"a" * 500 + b"\xff\n", f"not UTF-8: {b'x: ' + b'a' * 97!r}"),
    (GOOD.replace(b"STSv1", b"a" * 500), f"version {'a' * 100!r} must be STSv1"),
    (GOOD.replace(b"enforce", b"a" * 500), f"mode {'a' * 100!r} must be"),
    (GOOD.replace(b"604800", b"a" * 500), f"max_age {'a' * 100!r} must be"),
    (GOOD.replace(b"*.example.net", b"." + b"a" * 500), f"mx {'.' + 'a' * 99!r} begins with a dot; *.{'a' * 99} is meant?"),
    (GOOD.replace(b"*.example.net", "é".encode() * 500), f"mx {'é' * 100!r} holds letters outside of ASCII"),
    (GOOD + b"mx: " + b"a" * 200 + b"\n", f"mx {'a' * 100!r} has one label"),
    (GOOD + b"x: " + b"a" * 500 + b"\nmode: none\n", "mode is given again; the first, 'enforce', counts"),
    (GOOD.replace(b"enforce", b"a" * 500) + b"mode: none\n", f"the first, {'a' * 100!r}, counts"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said"), SHOWN, ids=[said[:30] for _, said in SHOWN])
def test_so_much_of_a_line_is_shown(body, said):
    _, found = read_policy(body)
    assert any(said in f.evidence for f in found), [f.evidence for f in found]
    assert all(len(f.evidence) < 350 for f in found)


def test_so_many_faults_are_told_and_those_of_the_whole_file_come_last():
    """50 of 100, by line; what is missing altogether after what is wrong in a line, however many lines there are."""
    _, found = read_policy(b"junk\n" * 100)
    assert [f.evidence[:8] for f in found] == [f"line {n}: "[:8] for n in range(1, 51)]
    _, found = read_policy(GOOD.replace(b"mode: enforce\n", b"") + b"x: 1\n" * 1_997)
    evidence = [f.evidence for f in found if f.severity == "error"]
    assert evidence == [
        "line 2000: more than 2,000 lines; the rest was not read",
        "the required field 'mode' is missing",
    ]
    _, found = read_policy(GOOD + b"nmx: a.example\n" * 100)
    assert [f.code for f in found] == ["policy-field-typo"] * 50


def test_of_a_repeated_field_the_first_counts():
    policy, found = read_policy(GOOD.replace(b"mode: enforce", b"mode: testing\nmode: enforce"))
    assert policy is not None and policy.mode == "testing"
    assert [f.code for f in found] == ["policy-duplicate-field"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("nmx: mail2.example.com", "policy-field-typo"),
        ("MX: mail2.example.com", "policy-field-typo"),
        ("max-age: 1", "policy-field-typo"),
        ("mx: MAIL.example.com", "policy-duplicate-mx"),
        ("mx: 192.0.2.1", "policy-mx-odd"),
        ("mx: localhost", "policy-mx-odd"),
        ("mx: *.localhost", "policy-mx-odd"),
    ],
)
def test_what_is_valid_but_a_slip(line, code):
    policy, found = read_policy(GOOD + line.encode() + b"\n")
    assert policy is not None
    assert [(f.code, f.severity) for f in found] == [(code, "warning")]
    assert found[0].evidence.startswith("line 6: ")


# Exactly what is said, in this order: by line, and last what is nowhere.
TOLD = [
    (b"version: STSv1\n", ["the required field 'mode' is missing", "the required field 'max_age' is missing", "no mx field; one at least is required unless mode is none"]),
    (GOOD.replace(b"mail.example.com", b"a_b").replace(b"mx: *.example.net\n", b""), ["line 3: mx 'a_b' holds '_', which no host name has"]),
    (b"\xef\xbb\xbf" + GOOD, ["line 1: a byte order mark (EF BB BF) before the first field; save the file as UTF-8 without BOM"]),
    (
        GOOD.replace(b"enforce", b"enf\xff").replace(b"604800", b"x"),
        ["line 2: not UTF-8: b'mode: enf\\xff'", "line 2: mode 'enf\xff' must be testing, enforce or none, in small letters", "line 5: max_age 'x' must be seconds, 1 to 10 digits"],
    ),
    (b"mode: none\nmax_age: x\n", ["line 2: max_age 'x' must be seconds, 1 to 10 digits", "the required field 'version' is missing"]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said"), TOLD)
def test_told_whole(body, said):
    _, found = read_policy(body)
    assert [f.evidence for f in found] == said
    assert {(f.severity, f.subject) for f in found} == {("error", "mta-sts.txt")}


# What is published instead keeps what was meant, and nothing else.
REPAIRS = [
    (GOOD.replace(b"STSv1", b"stsv1"), "enforce", ["mail.example.com", "*.example.net"], 604_800, "the version alone"),
    (GOOD.replace(b"enforce", b"Enforce"), "testing", ["mail.example.com", "*.example.net"], 604_800, "an unknown mode is testing"),
    (GOOD.replace(b"604800", b"1w"), "enforce", ["mail.example.com", "*.example.net"], 86_400, "an unknown age is a day"),
    (GOOD.replace(b"max_age: 604800\n", b""), "enforce", ["mail.example.com", "*.example.net"], 86_400, "no age"),
    (b"version: STSv1\nmode: testing\nmax_age: 1", "testing", ["mail.example.com"], 1, "no mx: an example"),
    (GOOD.replace(b"mx: mail.example.com", b"nmx: mail.example.com") + b"x:\n", "enforce", ["mail.example.com", "*.example.net"], 604_800, "a slip of mx is one"),
    (GOOD.replace(b"mail.example.com", b"A.example., b.example;[c.example]"), "enforce", ["a.example", "b.example", "c.example", "*.example.net"], 604_800, "several in one line"),
    (GOOD.replace(b"*.example.net", "*.münchen.example".encode()), "enforce", ["mail.example.com", "*.xn--mnchen-3ya.example"], 604_800, "as an A-label"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "mode", "mx", "age", "why"), REPAIRS)
def test_what_is_published_instead(body, mode, mx, age, why):
    _, found = read_policy(body)
    instead = next(f for f in found if f.severity == "error").action.partition("\n")[2]
    assert read_policy(instead) == (Policy(mode, age, tuple(mx)), []), why


SLIPS = {"nmx": "mx", "MXs": "mx", "mx-host": "mx", "max-age": "max_age", "ttl": "max_age", "Mode": "mode", "modes": "mode", "versions": "version", "V": "version"}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_what_a_slip_meant(slip):
    _, (said,) = read_policy(GOOD + f"{slip}: 1\n".encode())
    assert said.evidence == f"line 6: {slip!r} is no field; {SLIPS[slip]!r} is meant?"
    assert read_policy(GOOD + b"mta: 1\n")[1] == [], "any other name is an extension"


def test_what_is_kept_of_a_policy():
    policy, found = read_policy(GOOD + b"x: 1\nmx: MAIL.example.com\ny: a b\n")
    assert policy == Policy(
        "enforce", 604_800, ("mail.example.com", "*.example.net"), (("x", "1"), ("y", "a b"))
    )
    assert found[0].action == "remove the second line"


def test_the_bounds_to_the_byte():
    def of(size):
        return GOOD + b"x: " + b"a" * (size - len(GOOD) - 4) + b"\n"

    # RFC 8461 §3.3 suggests 64 kilobytes: 64,000 or 65,536 bytes, as one counts.
    assert [f.code for f in read_policy(of(64_000))[1]] == []
    assert [(f.code, f.severity) for f in read_policy(of(64_001))[1]] == [
        ("policy-near-limit", "warning")
    ]
    assert read_policy(of(65_536))[0] is not None
    policy, (said,) = read_policy(of(65_537))
    assert policy is None and (said.code, said.severity) == ("policy-too-large", "error")
    lines = b"".join(b"x%d: 1\n" % n for n in range(1_996))  # 2,000 with the three and the mx
    short = b"version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 1\n"
    assert read_policy(short + lines)[0] is not None
    policy, (said,) = read_policy(short + lines + b"y: 1\n")
    assert policy is None
    assert said.evidence == "line 2000: more than 2,000 lines; the rest was not read"


def test_size():
    assert [f.code for f in read_policy(GOOD + b"x: " + b"a" * 66_000)[1]] == ["policy-too-large"]
    policy, found = read_policy(GOOD + b"x: " + b"a" * 64_500)
    assert policy is not None and [f.code for f in found] == ["policy-near-limit"]
    policy, found = read_policy(b"\n" * 60_000)  # many faults are told in few findings
    assert policy is None and len(found) < 100


def enforce(*patterns, mode="enforce", max_age=1_209_600):
    return Policy(mode, max_age, patterns)


def codes(found, *without):
    return [f.code for f in found if f.code not in without]


def test_coverage():
    hosts = ["mx1.example.com", "backup.example.net"]
    (said,) = coverage(enforce("mx1.example.com"), hosts, "u")
    assert (said.code, said.severity, said.subject) == ("mx-not-in-policy", "error", hosts[1])
    assert "backup MX" in said.evidence and said.action.endswith("mx: backup.example.net")
    assert coverage(enforce(*hosts), hosts, "u") == []
    (said,) = coverage(enforce("mx1.example.com", mode="testing"), hosts, "u")
    assert said.severity == "warning" and "under enforce" in said.evidence
    (said,) = coverage(enforce("mx1.example.com"), hosts, "u", in_force=False)
    assert said.severity == "warning", "without a record no sender refuses anything"
    assert coverage(enforce(mode="none"), hosts, "u") == []
    assert codes(coverage(enforce(*hosts, "old.example.com"), hosts, "u")) == ["policy-mx-unused"]
    wide = coverage(enforce("*.example.com", "backup.example.net"), hosts, "u")
    assert codes(wide) == ["policy-wildcard-broad"] and wide[0].action.endswith("mx1.example.com")


MISSES = [
    ("aspmx.l.google.com", "*.google.com", True, "the guide's own erratum: two labels"),
    ("example.com", "*.example.com", True, "no label"),
    ("mx.example.com", "example.com", True, "the domain for its host"),
    ("a.b.c.example.com", "*.example.com", False, "two labels too many"),
    ("mx.other.com", "*.example.com", False, "another domain"),
    ("mx.notexample.com", "*.example.com", False, "no label's edge"),
]


@pytest.mark.parametrize(("host", "pattern", "by_one", "why"), MISSES)
def test_misses_by_one_label(host, pattern, by_one, why):
    assert not covers(enforce(pattern), host)
    said = next(f for f in coverage(enforce(pattern), [host], "u") if f.code == "mx-not-in-policy")
    assert ("misses by one label" in said.evidence) == by_one, why


@pytest.mark.parametrize(
    ("host", "name", "line"),
    [
        ("aspmx.l.google.com", "Google Workspace", "aspmx.l.google.com"),
        ("smtp.google.com", "Google Workspace", "smtp.google.com"),
        ("x-com.mail.protection.outlook.com", "Microsoft 365", "*.mail.protection.outlook.com"),
        ("x-com.o-v1.mx.microsoft", "Microsoft 365", "*.o-v1.mx.microsoft"),
        ("x-com.mx.microsoft", "Microsoft 365", "*.mx.microsoft"),
        ("mx0a-001.pphosted.com", "Proofpoint", "*.pphosted.com"),
        ("mxa-001.gslb.pphosted.com", "Proofpoint", "*.gslb.pphosted.com"),
    ],
)
def test_providers(host, name, line):
    provider = provider_of(host)
    assert provider is not None and provider.name == name
    found = coverage(enforce(line), [host], "u")
    assert codes(found) == ["provider-recognised"], "a provider's wildcard is not called broad"
    assert f"mx: {line}" in found[0].evidence
    (missing, told) = coverage(enforce("mx.example.com"), [host], "u")[0::2]
    assert missing.action.endswith(f"mx: {line}") and "leaves out" in told.evidence


def test_no_preset_fails_its_own_hosts():
    """The guide's presets did: each pattern we propose must match by §4.1."""
    for provider in PROVIDERS:
        for pattern in provider.hosts:
            host = pattern.replace("*", "customer")
            assert covers(enforce(provider.lines(host)), host)


@pytest.mark.parametrize(
    ("mode", "age", "want"),
    [
        ("enforce", 1_209_600, []),
        ("enforce", 604_800, ["policy-max-age-short"]),
        ("enforce", 86_400, ["policy-max-age-short"]),
        ("enforce", 3_600, ["policy-max-age-short"]),
        ("testing", 86_400, ["policy-mode-testing"]),
        ("testing", 3_600, ["policy-mode-testing", "policy-max-age-short"]),
        ("testing", 31_557_600, ["policy-mode-testing", "policy-max-age-long"]),
        ("none", 86_400, ["policy-mode-none"]),
    ],
)
def test_advice(mode, age, want):
    found = advice(enforce("a.example", mode=mode, max_age=age), "u")
    assert codes(found) == want
    assert all(
        f.severity == ("warning" if age < 86_400 and "age" in f.code else "info") for f in found
    )
