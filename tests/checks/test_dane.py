"""DANE: what a TLSA record matches, and what a sender makes of it, by RFC 7672."""

import datetime as dt
import hashlib

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from mtasts_analysis.checks.dane import _public_key, compare, judge_dane, proposal
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


def test_a_record_that_senders_skip_beside_one_that_matches():
    """It breaks nothing, and does nothing: to be told, but as no fault."""
    records = (f"3 1 1 {SHA256(spki(LEAF))}", f"1 1 1 {SHA256(spki(LEAF))}")
    dane = compare(HOST, Answer("ok", records, secure=True), True, GOOD, [HOST])
    found = judge_dane(dane, HOST, True, True)
    assert [(f.code, f.severity) for f in found] == [
        ("tlsa-match", "info"),
        ("tlsa-unusable", "info"),
    ]
    assert found[1].evidence.startswith("1 TLSA record(s) that senders skip")


def test_the_key_is_compared_as_it_was_sent():
    """Read and written again, an RSA-PSS key becomes a plain RSA key, and its digest another."""
    for made in (GOOD[0], GOOD[1], GOOD[2]):
        assert _public_key(made) == spki(made)
    key = rsa.generate_private_key(65537, 2048)
    now = dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    plain = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(9))
        .sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    )  # fmt: skip
    usual = bytes.fromhex("300d06092a864886f70d0101010500")  # rsaEncryption, NULL
    own = spki(plain)
    assert _public_key(plain) == own and plain.count(own) == 1 and own.count(usual) == 1
    # id-RSASSA-PSS without parameters: two octets shorter, in the key and in all that holds it.
    pss = shorter(own.replace(usual, bytes.fromhex("300b06092a864886f70d01010a")))
    made = bytearray(plain.replace(own, pss))
    for at in (0, 4):  # Certificate, TBSCertificate
        made[at : at + 4] = shorter(bytes(made[at : at + 4]))
    assert _public_key(bytes(made)) == pss != spki(bytes(made))


def shorter(der):
    """A DER element whose header still counts two octets that are gone."""
    assert der[1] == 0x82
    return der[:2] + (int.from_bytes(der[2:4]) - 2).to_bytes(2) + der[4:]


def test_usage_2_takes_the_common_name_where_there_is_no_dns_name():
    """§3.2.3, unlike MTA-STS."""
    made = BETWEEN.issue_cert("unrelated@mail.example", common_name=HOST)
    sent = [der(made.cert_chain_pems[0]), MID]
    answer = Answer("ok", (f"2 0 1 {SHA256(MID)}",), secure=True)
    assert compare(HOST, answer, True, sent, [HOST]).verdict == "match"
    assert compare(HOST, answer, True, sent, ["other.example"]).verdict == "mismatch"


def test_usage_2_at_a_certificate_whose_name_nobody_can_read():
    """A value of a type that ASN.1 has not: the one who sends it says in its TLSA that it is the anchor, too."""
    organization = b"\x06\x03\x55\x04\x0a"
    made = LEAF.replace(organization + b"\x0c", organization + b"\x00")
    answer = Answer("ok", (f"2 0 1 {SHA256(made)}",), secure=True)
    assert made != LEAF
    found = compare(HOST, answer, True, [made], ["other.example"])
    assert found.verdict == "mismatch" and "cannot be read" in found.records[0].why


def test_a_certificate_whose_key_nobody_can_read_gives_no_proposal():
    assert proposal(HOST, b"\x30\x03\x02\x01\x00") == ""


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


def aliased(lab, domain, target):
    """Make a domain whose MX host is an alias of another."""
    lab.domain(domain)
    address = lab.zone.pop((f"mx.{domain}", "A"))
    lab.records(f"mx.{domain}", "CNAME", f"{target}.")
    lab.records(target, "A", *address)


def test_tlsa_through_cnames(lab, check):
    """§2.2.2: at the expanded name first; and the record itself may be an alias (§3.1.2)."""
    aliased(lab, "cname.example", "host.provider.example")
    record = tlsa(lab, "host.provider.example")
    lab.records("_25._tcp.host.provider.example", "CNAME", "tlsa._dane.provider.example.")
    lab.records("tlsa._dane.provider.example", "TLSA", record)
    dane = check("cname.example").mx[0].dane
    assert (dane.verdict, dane.base) == ("match", "host.provider.example")
    del lab.zone["_25._tcp.host.provider.example", "CNAME"]
    lab.records("_25._tcp.mx.cname.example", "TLSA", record)
    dane = check("cname.example").mx[0].dane
    assert (dane.verdict, dane.base) == ("match", "mx.cname.example")


def test_an_alias_that_is_signed_into_a_zone_that_is_not(lab, check):
    """§2.2.2 "Insecure CNAME": the addresses are not secure, but DANE applies to the alias's own name."""
    aliased(lab, "half.example", "host.unsigned.example")
    lab.insecure.add("host.unsigned.example")
    lab.records("_25._tcp.mx.half.example", "TLSA", tlsa(lab, "host.unsigned.example"))
    dane = check("half.example").mx[0].dane
    assert (dane.verdict, dane.base) == ("match", "mx.half.example")
    lab.insecure.add("mx.half.example")
    assert check("half.example").mx[0].dane.verdict == "insecure"


def test_an_address_that_cannot_be_looked_up_is_a_failure_of_dane(lab, check):
    """§2.2.2: errors "for any query in the process MUST result in delaying": a secure A does not make up for AAAA."""
    lab.domain("bogus.example")
    lab.records("_25._tcp.mx.bogus.example", "TLSA", tlsa(lab, "mx.bogus.example"))
    lab.status["mx.bogus.example AAAA"] = "SERVFAIL"
    found = check("bogus.example")
    assert found.mx[0].dane.verdict == "failed"
    (said,) = [f for f in found.findings if "tlsa" in f.code]
    assert said.code == "tlsa-lookup-failed"
    assert said.evidence.startswith("mx.bogus.example AAAA: SERVFAIL; while this lasts")
    lab.insecure.add(
        "mx.bogus.example"
    )  # §2.2.2: nobody asks for TLSA where the addresses are not signed
    assert check("bogus.example").mx[0].dane.verdict == "insecure"


def test_an_alias_that_cannot_be_looked_up_is_not_unsigned(lab, check):
    """The addresses are not secure, so that the alias is asked for (§2.1.3); its answer does not come."""
    aliased(lab, "dim.example", "host.dim.test")
    lab.insecure.add("host.dim.test")
    lab.records("_25._tcp.mx.dim.example", "TLSA", tlsa(lab, "host.dim.test"))
    assert check("dim.example").mx[0].dane.verdict == "match"
    lab.status["mx.dim.example CNAME"] = "SERVFAIL"
    found = check("dim.example")
    assert found.mx[0].dane.verdict == "failed"
    (said,) = [f for f in found.findings if "tlsa" in f.code]
    assert said.evidence.startswith("mx.dim.example CNAME: SERVFAIL; while this lasts")


def test_the_first_secure_records_count(lab, check):
    """§2.2.3: records at the expanded name that nobody vouches for do not hide those at the host's own."""
    lab.domain("two.dane.example")
    address = lab.zone.pop(("mx.two.dane.example", "A"))
    lab.records("mx.two.dane.example", "CNAME", "host.two.dane.example.")
    lab.records("host.two.dane.example", "A", *address)
    lab.records("_25._tcp.host.two.dane.example", "TLSA", f"3 1 1 {'00' * 32}")
    lab.records("_25._tcp.mx.two.dane.example", "TLSA", tlsa(lab, "host.two.dane.example"))
    assert check("two.dane.example").mx[0].dane.verdict == "mismatch"
    lab.insecure.add("_25._tcp.host.two.dane.example")
    dane = check("two.dane.example").mx[0].dane
    assert (dane.verdict, dane.base) == ("match", "mx.two.dane.example")


@pytest.mark.parametrize(
    "how", [{"ehlo": b"250 mx\r\n"}, {"starttls": b"454 no\r\n"}, {"drop_at_tls": True}]
)
def test_tlsa_where_there_is_no_tls(lab, check, how):
    """§2.2: a DANE sender does not deliver in the clear; without TLSA it would."""
    name = f"bare{len(str(how))}.example"
    lab.mx(f"mx.{name}", **how)
    lab.domain(name)
    assert "tlsa-without-tls" not in [f.code for f in check(name).findings]
    lab.records(f"_25._tcp.mx.{name}", "TLSA", tlsa(lab, f"mx.{name}"))
    (said,) = [f for f in check(name).findings if f.code == "tlsa-without-tls"]
    assert said.severity == "error" and lab.zone[f"mx.{name}", "A"][0] in said.evidence
    lab.insecure.add(f"_25._tcp.mx.{name}")
    assert "tlsa-without-tls" not in [f.code for f in check(name).findings]


def test_usage_2_and_the_names_that_count(lab, check):
    """§3.2.2: a certificate for the domain itself serves where the MX records are signed, and else does not."""
    leaf = lab.leaf("names.example")
    sent = trustme.LeafCert(
        leaf.private_key_pem.bytes(), leaf.cert_chain_pems[0].bytes(), [lab.ca.cert_pem.bytes()]
    )
    lab.mx("mx.names.example", certificate=sent)
    lab.domain("names.example")
    lab.records("_25._tcp.mx.names.example", "TLSA", f"2 0 1 {SHA256(der(lab.ca.cert_pem))}")
    assert check("names.example").mx[0].dane.verdict == "match"
    lab.insecure.add("names.example")
    assert check("names.example").mx[0].dane.verdict == "mismatch"


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
