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
    ("v=TLSRPTv1; rua=https://x.example/[a]", "brackets stand around an IP literal only"),
    ("v=TLSRPTv1; rua=https://x.example/#a#b", "two fragments"),
    ("v=TLSRPTv1; rua=mailto:a@@b.example", "two @"),
    ("v=TLSRPTv1; rua=mailto:a;b@x.example", "';' not encoded"),
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
    assert "mailto:a@x.example" in said.action and "oops" not in said.action


def test_tlsrpt_several_and_missing():
    two = ["v=TLSRPTv1; rua=mailto:a@b.example", "v=TLSRPTv1; rua=mailto:c@b.example"]
    assert [f.code for f in read_tlsrpt(two)[1]] == ["tlsrpt-record-several"]
    assert [f.code for f in read_tlsrpt([])[1]] == ["tlsrpt-record-missing"]


def test_tlsrpt_at_the_domain_itself_is_no_fault():
    record, (said,) = read_tlsrpt(["v=TLSRPTv1; rua=mailto:a@D.example"], domain="d.example")
    assert record is not None
    assert (said.code, said.severity) == ("tlsrpt-rua-own-domain", "info")


def test_tlsrpt_repeated_rua():
    record, (said,) = read_tlsrpt(["v=TLSRPTv1; rua=mailto:a@b.example; rua=https://c.example/"])
    assert record is not None and len(record.rua) == 2
    assert 'rua=mailto:a@b.example,https://c.example/"' in said.action


def test_a_long_record_is_cut_in_the_finding():
    _, (said,) = read_sts(["v=STSv1; id=" + "-" * 60_000])
    assert len(said.evidence) < 1000
