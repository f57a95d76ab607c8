"""DANE: what a TLSA record matches, and what a sender makes of it, by RFC 7672."""

import datetime as dt
import hashlib

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mtasts_analysis.checks.dane import compare, judge_dane, proposal
from mtasts_analysis.checks.dns import Answer

CA, OTHER = trustme.CA(), trustme.CA()
BETWEEN = CA.create_child_ca()
HOST = "mx.d.example"


def der(pem):
    return x509.load_pem_x509_certificate(pem.bytes()).public_bytes(Encoding.DER)


def spki(raw):
    key = x509.load_der_x509_certificate(raw).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def chain(*names, days=90):
    now = dt.datetime.now(dt.UTC)
    made = BETWEEN.issue_cert(
        *names, not_before=now - dt.timedelta(400), not_after=now + dt.timedelta(days)
    )
    return [der(made.cert_chain_pems[0]), der(BETWEEN.cert_pem), der(CA.cert_pem)]


GOOD = chain(HOST)
EXPIRED = chain(HOST, days=-3)
ELSEWHERE = chain("www.elsewhere.example")
LEAF, MID, ROOT = GOOD
SHA256, SHA512 = (
    (lambda b: hashlib.sha256(b).hexdigest()),
    (lambda b: hashlib.sha512(b).hexdigest()),
)

TABLE = [
    (f"3 1 1 {SHA256(spki(LEAF))}", GOOD, "match", "the form to publish"),
    (f"3 0 1 {SHA256(LEAF)}", GOOD, "match", "the whole certificate"),
    (f"3 1 2 {SHA512(spki(LEAF))}", GOOD, "match", "SHA-512"),
    (f"3 1 0 {spki(LEAF).hex()}", GOOD, "match", "full key"),
    (f"3 0 0 {LEAF.hex()}", GOOD, "match", "full certificate"),
    (f"3 1 1 {SHA256(LEAF)}", GOOD, "mismatch", "the wrong selector"),
    (f"3 1 1 {SHA256(spki(MID))}", GOOD, "mismatch", "usage 3 is the leaf alone"),
    (f"3 1 1 {SHA256(spki(EXPIRED[0]))}", EXPIRED, "match", "§3.1.1: dates MUST be ignored"),
    (f"3 1 1 {SHA256(spki(ELSEWHERE[0]))}", ELSEWHERE, "match", "§3.2.1: names MUST NOT be checked"),
    (f"2 0 1 {SHA256(MID)}", GOOD, "match", "the intermediate as trust anchor"),
    (f"2 0 1 {SHA256(ROOT)}", GOOD, "match", "the root, sent along"),
    (f"2 1 1 {SHA256(spki(ROOT))}", GOOD, "match", "by its key"),
    (f"2 0 1 {SHA256(ROOT)}", GOOD[:2], "mismatch", "§3.1.2: the anchor must be sent"),
    (f"2 0 1 {SHA256(ROOT)}", [LEAF, ROOT], "mismatch", "the chain does not lead to it"),
    (f"2 0 1 {SHA256(der(OTHER.cert_pem))}", [*GOOD, der(OTHER.cert_pem)], "mismatch", "sent, but issued nothing of it"),
    (f"2 0 1 {SHA256(MID)}", EXPIRED, "mismatch", "usage 2 checks dates"),
    (f"2 0 1 {SHA256(MID)}", ELSEWHERE, "mismatch", "usage 2 checks names"),
    (f"1 1 1 {SHA256(spki(LEAF))}", GOOD, "unusable", "§3.1.3: undefined for SMTP"),
    (f"0 0 1 {SHA256(ROOT)}", GOOD, "unusable", "§3.1.3"),
    (f"3 2 1 {SHA256(LEAF)}", GOOD, "unusable", "no such selector"),
    (f"3 1 3 {SHA256(LEAF)}", GOOD, "unusable", "no such matching type"),
    (f"4 1 1 {SHA256(LEAF)}", GOOD, "unusable", "no such usage"),
    ("3 1 1 abcd", GOOD, "unusable", "a digest of the wrong length"),
    ("3 1 1", GOOD, "unusable", "cannot be read"),
    (f"3 1 1 {SHA256(spki(LEAF))}", [], "not-tested", "no certificate was seen"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "sent", "verdict", "why"), TABLE, ids=[f"{t[0][:5]}-{t[3]}" for t in TABLE]
)
def test_compare(record, sent, verdict, why):
    answer = Answer("ok", (record,), secure=True)
    assert compare(HOST, answer, True, sent, [HOST]).verdict == verdict, why
    insecure = Answer("ok", (record,), secure=False)
    assert compare(HOST, insecure, True, sent, [HOST]).verdict == "insecure"
    assert compare(HOST, answer, False, sent, [HOST]).verdict == "insecure"


def test_one_of_several_is_enough():
    """A rollover publishes the next key beside the present one (RFC 7671 §8.1)."""
    records = (f"3 1 1 {'00' * 32}", f"3 1 1 {SHA256(spki(LEAF))}")
    found = compare(HOST, Answer("ok", records, secure=True), True, GOOD, [HOST])
    assert found.verdict == "match" and [r.matches for r in found.records] == [False, True]


def test_failing_is_not_absent():
    failed = Answer("failed", detail="SERVFAIL")
    assert compare(HOST, failed, True, GOOD, [HOST]).verdict == "failed"
    assert compare(HOST, failed, False, GOOD, [HOST]).verdict == "none", "§2.2.2: nobody asks"
    assert compare(HOST, Answer("nodata"), True, GOOD, [HOST]).verdict == "none"


def test_the_proposal_matches():
    record = proposal(HOST, LEAF).partition("TLSA ")[2]
    assert (
        compare(HOST, Answer("ok", (record,), secure=True), True, GOOD, [HOST]).verdict == "match"
    )


@pytest.mark.parametrize(
    ("verdict", "validates", "want"),
    [
        ("match", True, [("tlsa-match", "info")]),
        ("mismatch", True, [("tlsa-invalid", "error")]),
        ("unusable", True, [("tlsa-unusable", "warning")]),
        ("insecure", True, [("tlsa-insecure", "warning")]),
        ("insecure", False, [("dane-not-judged", "unknown")]),
        ("insecure", None, [("dane-not-judged", "unknown")]),
        ("failed", True, [("tlsa-lookup-failed", "unknown")]),
        ("none", True, []),
    ],
)
def test_judge(verdict, validates, want):
    from mtasts_analysis.checks.dane import Dane, Tlsa

    record = Tlsa("3 1 1 ab", verdict != "unusable", verdict == "match", "why")
    found = judge_dane(Dane(HOST, verdict, (record,), True), HOST, True, validates)
    assert [(f.code, f.severity) for f in found] == want


def tlsa(lab, host):
    leaf = der(lab.mails[lab.zone[host, "A"][0]].certificate.cert_chain_pems[0])
    return f"3 1 1 {SHA256(spki(leaf))}"


def test_in_the_lab(lab, check):
    lab.domain("dane.example")
    lab.records("_25._tcp.mx.dane.example", "TLSA", tlsa(lab, "mx.dane.example"))
    found = check("dane.example")
    assert found.mx[0].dane.verdict == "match" and found.resolver_validates
    assert [f.code for f in found.findings if "tlsa" in f.code] == ["tlsa-match"]
    lab.insecure.add("dane.example")  # the MX RRset
    assert "mx-insecure" in [f.code for f in check("dane.example").findings]
    lab.insecure.add("mx.dane.example")  # the addresses
    assert check("dane.example").mx[0].dane.verdict == "insecure"


def test_mismatch_and_failure_in_the_lab(lab, check):
    lab.domain("roll.example")
    lab.records("_25._tcp.mx.roll.example", "TLSA", f"3 1 1 {'00' * 32}")
    (said,) = [f for f in check("roll.example").findings if f.severity == "error"]
    assert said.code == "tlsa-invalid" and tlsa(lab, "mx.roll.example") in said.action
    lab.status["_25._tcp.mx.roll.example"] = "SERVFAIL"
    assert check("roll.example").mx[0].dane.verdict == "failed"


def test_tlsa_through_cnames(lab, check):
    """§2.2.2: at the expanded name first; and the record itself may be an alias (§3.1.2)."""
    lab.domain("cname.example")
    address = lab.zone.pop(("mx.cname.example", "A"))
    lab.records("mx.cname.example", "CNAME", "host.provider.example.")
    lab.records("host.provider.example", "A", *address)
    record = tlsa(lab, "host.provider.example")
    lab.records("_25._tcp.host.provider.example", "CNAME", "tlsa._dane.provider.example.")
    lab.records("tlsa._dane.provider.example", "TLSA", record)
    dane = check("cname.example").mx[0].dane
    assert (dane.verdict, dane.base) == ("match", "host.provider.example")
    del lab.zone["_25._tcp.host.provider.example", "CNAME"]
    lab.records("_25._tcp.mx.cname.example", "TLSA", record)
    dane = check("cname.example").mx[0].dane
    assert (dane.verdict, dane.base) == ("match", "mx.cname.example")


def test_usage_3_where_mta_sts_refuses(lab, check):
    """An expired certificate: MTA-STS refuses, DANE delivers."""
    lab.mx("mx.ex.example", certificate=lab.leaf("mx.ex.example", days=-3))
    lab.domain("ex.example")
    lab.records("_25._tcp.mx.ex.example", "TLSA", tlsa(lab, "mx.ex.example"))
    found = check("ex.example")
    assert found.mx[0].dane.verdict == "match" and found.mx[0].under_enforce == "refused"


def test_a_resolver_that_does_not_validate(lab, check):
    lab.domain("plain.example")
    lab.records("_25._tcp.mx.plain.example", "TLSA", f"3 1 1 {'00' * 32}")
    lab.validates = False
    try:
        found = check("plain.example")
    finally:
        lab.validates = True
    assert found.resolver_validates is False
    assert [f.code for f in found.findings if f.severity == "unknown"] == ["dane-not-judged"]
    assert not [f for f in found.findings if f.severity == "error"], "nothing is held against it"
