"""The two TXT records: tables of good and bad ones, each with why."""

import pytest

from mtasts_analysis.checks.records import read_sts, read_tlsrpt

ID = "20160831085700Z"
STS_GOOD = [
    ([f"v=STSv1; id={ID};"], "RFC 8461 §3.1's example"),
    ([f"v=STSv1;id={ID}"], "spaces and the last ';' are optional"),
    ([f"v=STSv1; a=b; id={ID}"], "the order of the other fields does not count"),
    ([f"v=STSv1; id={ID}; x-1_a.b=!:<>~"], "an extension with every odd character that is allowed"),
    ([f"v=STSv1; id={ID}; v=STSv1"], "'v' again is an extension field by the grammar"),
    ([f"v=STSv1\t;\tid={ID}\t;\t"], "WSP is space or tab"),
    (["verification=1", f"v=STSv1; id={ID};", "V=STSv1; id=x"], "others are discarded"),
]
STS_BAD = [
    ([], "sts-record-missing", "nothing"),
    (["google-site-verification=x"], "sts-record-missing", "another record"),
    (["a=1", "b=2"], "sts-record-missing", "several others"),
    (["v=spf1 include:hosts.example -all"], "sts-record-missing", "a wildcard's SPF: 'hosts' is no STS"),
    (["v=DMARC1; p=none; rua=mailto:lists@x.example"], "sts-record-missing", "nor is 'lists'"),
    (["STSv1; id=a"], "sts-record-invalid", "the 'v=' is missing"),
    (["_mta-sts.d.example TXT v=STSv1; id=a"], "sts-record-invalid", "a zone line in the value"),
    (["v=STSv1; id=a", "v=STSv1; id=b"], "sts-record-several", "two valid ones"),
    (["v=STSv1; id=a", "v=STSv1;"], "sts-record-several", "a broken second one counts all the same"),
    (["v=STSv1"], "sts-record-invalid", "no field"),
    (["v=STSv1;"], "sts-record-invalid", "no field"),
    (["v=STSv1; a=b"], "sts-record-invalid", "no id"),
    (["v=STSv1; ID=a"], "sts-record-invalid", '%s"id=" is case-sensitive'),
    (["v=stsv1; id=a"], "sts-record-invalid", '%s"v=STSv1" is case-sensitive'),
    (["V=STSv1; id=a"], "sts-record-invalid", "the same"),
    ([" v=STSv1; id=a"], "sts-record-invalid", "must begin with it"),
    (["v=STSv1; id=a "], "sts-record-invalid", "space at the end without ';'"),
    (["v=STSv1; id=a;;"], "sts-record-invalid", "an empty field"),
    (["v=STSv1; id = a"], "sts-record-invalid", "spaces around '='"),
    (["v=STSv1; id=2024-01-01"], "sts-record-invalid", "'-' in the id: the commonest error"),
    (["v=STSv1; id=" + "1" * 33], "sts-record-invalid", "33 characters"),
    (["v=STSv1; id=é"], "sts-record-invalid", "not ASCII"),
    (["v=STSv1 id=a"], "sts-record-invalid", "no delimiter"),
    (["v=STSv1; id=a; x=b c"], "sts-record-invalid", "a space in an extension's value"),
    (["v=STSv1; id=a; x=b=c"], "sts-record-invalid", "'=' in an extension's value"),
    (['"v=STSv1; id=a"'], "sts-record-invalid", "quotes that a DNS form added"),
    (["v=STSv1 ; id=a", "x"], "sts-record-invalid", "beside another record the literal prefix is asked for"),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "why"), STS_GOOD)
def test_sts_good(texts, why):
    record, found = read_sts(texts)
    assert record is not None and record.id == ID, why
    assert all(f.severity != "error" for f in found)


@pytest.mark.parametrize(("texts", "code", "why"), STS_BAD)
def test_sts_bad(texts, code, why):
    record, found = read_sts(texts, "_mta-sts.d.example")
    assert record is None, why
    assert [f.code for f in found if f.code == code], why
    said = next(f for f in found if f.code == code)
    assert said.subject == "_mta-sts.d.example" and "RFC 8461 §3.1" in said.reference
    proposed = said.action.partition('TXT "')[2].rstrip('"')
    assert read_sts([proposed])[0] is not None, "what is proposed must itself be valid"


def test_the_proposal_keeps_the_id():
    _, (found,) = read_sts(["v=STSv1; id=2024-01-01;"])
    assert '"v=STSv1; id=20240101;"' in found.action


def test_the_first_id_counts():
    record, found = read_sts(["v=STSv1; id=a; id=b"])
    assert record is not None and record.id == "a"
    assert [f.code for f in found] == ["sts-record-duplicate-id"]


def test_space_before_the_first_semicolon():
    record, found = read_sts(["v=STSv1 ; id=a"])
    assert record is not None and [f.code for f in found] == ["sts-record-spaced"]


RPT_GOOD = [
    ("v=TLSRPTv1;rua=mailto:reports@example.com", ("mailto:reports@example.com",), "§3.1.1"),
    ("v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt", ("https://reporting.example.com/v1/tlsrpt",), "§3.1.2"),
    ("v=TLSRPTv1; rua=mailto:a@b.example , https://x.example/", ("mailto:a@b.example", "https://x.example/"), "space around a comma"),
    ("v=TLSRPTv1; rua=MAILTO:a@b.example;", ("MAILTO:a@b.example",), "a scheme has no case"),
    ("v=TLSRPTv1; rua=mailto:a%21b%2Cc%3Bd@b.example", ("mailto:a%21b%2Cc%3Bd@b.example",), "! , ; encoded"),
    ("v=TLSRPTv1; rua=https://[2001:db8::1]/r; ext=1", ("https://[2001:db8::1]/r",), "an IP literal is a URI"),
    ("v=TLSRPTv1; rua=https://x.example:1/", ("https://x.example:1/",), "the least port"),
    ("v=TLSRPTv1; rua=https://x.example/X#a", ("https://x.example/X#a",), "one fragment"),
    ("v=TLSRPTv1; rua=mailto:a.b+c=d&e%2Ff@b.example", ("mailto:a.b+c=d&e%2Ff@b.example",), "RFC 6068 §2: '/' encoded; '&' and '=' as erratum 7919 lets them"),
    ("v=TLSRPTv1; rua=mailto:%22a..b%22@b.example", ("mailto:%22a..b%22@b.example",), "a quoted string, encoded, where dots may stand together"),
    ("v=TLSRPTv1; rua=mailto:a@b.example?subject=X@Y", ("mailto:a@b.example?subject=X@Y",), "RFC 6068's header fields"),
]  # fmt: skip
RPT_BAD = [
    ("v=TLSRPTv1", "no field"),
    ("v=TLSRPTv1; rua=", "no URI"),
    ("v=TLSRPTv1; ruf=mailto:a@b.example", "DMARC's word"),
    ("v=TLSRPTv1; rua=a@b.example", "no mailto:"),
    ("v=TLSRPTv1; rua=mailto:a@b.example,", "a comma at the end"),
    ("v=TLSRPTv1; rua= mailto:a@b.example", "space after '='"),
    ("v=TLSRPTv1; rua=http://x.example/", "http"),
    ("v=TLSRPTv1; rua=https://x.example/a!10m", "'!' not encoded, as DMARC's size limit"),
    ("v=TLSRPTv1; rua=https:///x", "no host"),
    ("v=TLSRPTv1; rua=https://x.example:99999/", "no port"),
    ("v=TLSRPTv1; rua=https://x.example:0/", "no port either"),
    ("_smtp._tls.d.example TXT v=TLSRPTv1; rua=mailto:a@b.example", "a zone line in the value"),
    ("v=TLSRPTv1; rua=https://x.example/[a]", "brackets stand around an IP literal only"),
    ("v=TLSRPTv1; rua=https://x.example/#a#b", "two fragments"),
    ("v=TLSRPTv1; rua=mailto:a@@b.example", "two @"),
    ("v=TLSRPTv1; rua=mailto:a;b@x.example", "';' not encoded"),
    ("v=TLSRPTv1; rua=mailto:a..b@x.example", "a dot-atom has text between its dots"),
    ("v=TLSRPTv1; rua=mailto:.a@x.example", "and before the first"),
    ("v=TLSRPTv1; rua=mailto:a.@x.example", "and after the last"),
    ("v=TLSRPTv1; rua=mailto:a/b@x.example", "'/' not encoded"),
    ("v=TLSRPTv1; rua=mailto://a@x.example", "nor after a slip of https"),
    ("v=tlsrptv1; rua=mailto:a@b.example", "case"),
    ("v=TLSRPTv1 rua=mailto:a@b.example", "no delimiter"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rua", "why"), RPT_GOOD)
def test_tlsrpt_good(text, rua, why):
    record, found = read_tlsrpt([text])
    assert record is not None and record.rua == rua, why
    assert all(f.severity == "info" for f in found)


@pytest.mark.parametrize(("text", "why"), RPT_BAD)
def test_tlsrpt_bad(text, why):
    record, found = read_tlsrpt([text])
    assert record is None, why
    (said,) = [f for f in found if f.severity == "error"]
    assert said.code == "tlsrpt-record-invalid"
    assert read_tlsrpt([said.action.partition('TXT "')[2].rstrip('"')])[0] is not None


def test_tlsrpt_what_lenient_senders_make_of_it():
    _, (said,) = read_tlsrpt(["v=TLSRPTv1; rua=oops@x.example,mailto:a@x.example"])
    assert said.action.endswith('rua=mailto:a@x.example,mailto:oops@x.example"'), (
        "what was meant, too"
    )
    assert "(lenient" not in said.evidence and "('mailto:a@x.example')" in said.evidence


def test_tlsrpt_several_and_missing():
    two = ["v=TLSRPTv1; rua=mailto:a@b.example", "v=TLSRPTv1; rua=mailto:c@b.example"]
    assert [f.code for f in read_tlsrpt(two)[1]] == ["tlsrpt-record-several"]
    assert [f.code for f in read_tlsrpt([])[1]] == ["tlsrpt-record-missing"]


def test_tlsrpt_at_the_domain_itself_is_no_fault():
    record, (said,) = read_tlsrpt(["v=TLSRPTv1; rua=mailto:a@D.example"], domain="d.example")
    assert record is not None
    assert (said.code, said.severity, said.action) == ("tlsrpt-rua-own-domain", "info", "")


def test_tlsrpt_repeated_rua():
    record, (said,) = read_tlsrpt(["v=TLSRPTv1; rua=mailto:a@b.example; rua=https://c.example/"])
    assert record is not None and len(record.rua) == 2
    assert 'rua=mailto:a@b.example,https://c.example/"' in said.action


def test_a_long_record_is_cut_in_the_finding():
    _, (said,) = read_sts(["v=STSv1; id=" + "-" * 60_000])
    assert len(said.evidence) < 1000


# Each fault is told in its own words, with the text that bears it.
REASONS = [
    (read_sts, "v=STSv1;", "no field follows the version"),
    (read_sts, "v=STSv1; id=é", "a character outside of printable US-ASCII"),
    (read_sts, "v=STSv1; id=a;;", "an empty field (';;')"),
    (read_sts, "v=STSv1; id", "'id' is no name=value without spaces"),
    (read_sts, "v=STSv1; id = a", "'id = a' is no name=value without spaces"),
    (read_sts, "v=STSv1; =a", "'=a' is no name=value without spaces"),
    (read_sts, "v=STSv1; a=b", "the required field id= is missing"),
    (read_sts, "v=STSv1; id=2024-01-01", "id='2024-01-01' has 10 characters"),
    (read_sts, "v=STSv1; id=a; x=b c", "x='b c' is no name=value of printable characters"),
    (read_sts, "v=STSv1; id=a ", "white space at the end, with no ';' before it"),
    (read_sts, "v=STSv1 id=a", "must begin with v=STSv1 and ';', not 'v=STSv1 id=a'"),
    (read_tlsrpt, "v=TLSRPTv1; rua=a@b.example", "'a@b.example': a mail address needs mailto: before it"),
    (read_tlsrpt, "v=TLSRPTv1; rua=mailto:a/b@b.example", "'mailto:a/b@b.example': '/' in a mail address must be written %2F"),
    (read_tlsrpt, "v=TLSRPTv1; rua=mailto:a..b@b.example", "'mailto:a..b@b.example': expected mailto:name@domain"),
    (read_tlsrpt, "v=TLSRPTv1; rua=b.example", "'b.example': the scheme must be mailto or https"),
    (read_tlsrpt, "v=TLSRPTv1; rua=", "an empty URI in rua="),
    (read_tlsrpt, "v=TLSRPTv1; rua=https://x.example/a!10m", "'!' must be written %21"),
    (read_tlsrpt, "v=TLSRPTv1; ruf=mailto:a@b.example", "rua= is missing"),
    (read_tlsrpt, "v=TLSRPTv1; rua=x", "Nothing usable is left: no sender reports"),
    (read_tlsrpt, "v=TLSRPTv1; rua=x,mailto:a@b.example,mailto:c@b.example", "what is left ('mailto:a@b.example, mailto:c@b.example')"),
    (read_tlsrpt, "v=TLSRPTv1; rua=1,2,3,4,5,6", "'5': the scheme must be mailto or https: 'v="),
]  # fmt: skip


@pytest.mark.parametrize(("read", "text", "words"), REASONS)
def test_each_fault_is_told(read, text, words):
    record, (said,) = read([text])
    assert record is None and said.severity == "error"
    assert words in said.evidence
    assert repr(text) in said.evidence


# What stands there, and how grave each finding is.
GRAVE = [
    (read_sts, [], [("sts-record-missing", "warning", "no TXT record")]),
    (read_sts, ["a=1", "b=2"], [("sts-record-missing", "warning", "2 other TXT records, none of them this")]),
    (read_sts, ["V=STSv1; id=a", "b=2"], [("sts-record-invalid", "error", "does not begin with v=STSv1;")]),
    (read_sts, ["v=STSv1; id=a", "v=STSv1; id=b"], [("sts-record-several", "error", "2 records begin with v=STSv1;")]),
    (read_sts, ["v=STSv1; id=a", "V=STSv1; id=b"], [("sts-record-discarded", "info", "'V=STSv1; id=b'")]),
    (read_sts, ["v=STSv1; id=a; id=b"], [("sts-record-duplicate-id", "warning", "2 times; the first, a, counts")]),
    (read_sts, ["v=STSv1 ; id=a"], [("sts-record-spaced", "warning", "white space before the first ';'")]),
    (read_tlsrpt, [], [("tlsrpt-record-missing", "warning", "no TXT record")]),
    (
        read_tlsrpt,
        ["v=TLSRPTv1; rua=mailto:a@b.example; rua=https://c.example/"],
        [("tlsrpt-rua-repeated", "warning", "2 rua= fields")],
    ),
    (
        read_tlsrpt,
        ["v=TLSRPTv1; rua=mailto:a@example.com?subject=x"],
        [("tlsrpt-rua-own-domain", "info", "'mailto:a@example.com?subject=x' is at the domain itself")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("read", "texts", "expected"), GRAVE)
def test_how_grave(read, texts, expected):
    _, found = read(texts)
    assert [(f.code, f.severity) for f in found] == [(code, grave) for code, grave, _ in expected]
    for finding, (_, _, words) in zip(found, expected, strict=True):
        assert words in finding.evidence
        # Where to publish it, for a reader who gave no names.
        name = "_mta-sts.example.com" if read is read_sts else "_smtp._tls.example.com"
        assert finding.subject == name


def test_the_other_fields_are_kept():
    record, _ = read_sts(["v=STSv1; id=a; x=1; id=b; y=2"])
    assert record is not None and record.extensions == (("x", "1"), ("y", "2"))
    report, _ = read_tlsrpt(["v=TLSRPTv1; x=1; rua=mailto:a@b.example; y=2"])
    assert report is not None and report.extensions == (("x", "1"), ("y", "2"))


def test_what_is_proposed_whole():
    (said,) = read_sts([])[1]
    assert said.action == '_mta-sts.example.com. IN TXT "v=STSv1; id=20250108120000;"'
    (said,) = read_sts(["v=STSv1; id=x-y; z=1"])[1]
    assert said.action == '_mta-sts.example.com. IN TXT "v=STSv1; id=xy;"', (
        "the id's own characters"
    )
    (said,) = read_tlsrpt([])[1]
    assert (
        said.action == '_smtp._tls.example.com. IN TXT "v=TLSRPTv1; rua=mailto:tlsrpt@example.com"'
    )
    (said,) = read_tlsrpt(["v=TLSRPTv1; rua=x,mailto:a@b.example,mailto:c@b.example"])[1]
    assert said.action.endswith('rua=mailto:a@b.example,mailto:c@b.example"')


def test_a_record_is_shown_whole_up_to_the_bound():
    text = "v=STSv1; a=" + "b" * 289
    assert len(text) == 300
    assert repr(text) in read_sts([text])[1][0].evidence
    assert repr(text + "…") in read_sts([text + "b"])[1][0].evidence


LONG = "z" * 500
# Of each part of a stranger's record 100 characters: enough to find it, and no 60 kB in a card.
PARTS = [
    (read_sts, f"v=STSv1; id={LONG}", f"id={'z' * 100!r} has 500 characters"),
    (read_sts, f"v=STSv1; id=a; {LONG}={LONG} {LONG}", f"{'z' * 100}={'z' * 100!r} is no name=value of printable"),
    (read_sts, f"v=STSv1{LONG}; id=a", f"must begin with v=STSv1 and ';', not {'v=STSv1' + 'z' * 93!r}"),
    (read_sts, f"v=STSv1; {LONG}", f"{'z' * 100!r} is no name=value without spaces"),
    (read_tlsrpt, f"v=TLSRPTv1; rua={LONG}", f"{'z' * 100!r}: the scheme must be"),
    (read_tlsrpt, f"v=TLSRPTv1; rua=mailto:a@b.example; {LONG}={LONG} {LONG}", f"{'z' * 100}={'z' * 100!r} is no name=value"),
]  # fmt: skip


@pytest.mark.parametrize(("read", "text", "said"), PARTS)
def test_so_much_of_a_part_is_shown(read, text, said):
    _, found = read([text])
    (fault,) = [f for f in found if f.severity == "error"]
    assert fault.evidence.startswith(said)
    assert len(fault.evidence) < 1_000


def test_five_records_and_five_faults_are_told():
    _, (said,) = read_sts([f"v=STSv1; id={n}" for n in range(9)])
    assert said.evidence.startswith("9 records begin with v=STSv1;")
    assert said.evidence.endswith("'v=STSv1; id=4'") and said.evidence.count("id=") == 5
    _, (said,) = read_tlsrpt(["v=TLSRPTv1; rua=" + ",".join(f"u{n}" for n in range(9))])
    assert said.evidence.count("the scheme must be mailto or https") == 5


@pytest.mark.parametrize(
    ("character", "valid"),
    [("~", True), ("!", True), ("\x7f", False), ("\x1f", False), ("é", False)],
)
def test_what_is_printable(character, valid):
    assert (read_sts([f"v=STSv1; id=a; x={character}"])[0] is not None) == valid
