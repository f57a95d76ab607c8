"""Every verdict on a signature, on mail that the test signs itself; live DNS from a server on loopback."""

import base64
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import dkim
import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

import mtasts_analysis as ma
from mtasts_analysis.archive import dkim as signatures
from mtasts_analysis.archive import mail as mime
from mtasts_analysis.archive.sources import Reader
from mtasts_analysis.archive.streams import Stream
from tests.archive.building import mail, mbox, packed, tarred, text, zipped

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = RSA.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
)
PUBLIC = base64.b64encode(
    RSA.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
)
ED = ed25519.Ed25519PrivateKey.generate()
ED_PRIVATE = base64.b64encode(ED.private_bytes_raw())
ED_PUBLIC = base64.b64encode(ED.public_key().public_bytes_raw())
RECEIVED = 1770001506  # Mon, 02 Feb 2026 04:05:06 +0100, in the fixtures' Date


def keys(**records):
    def source(name):
        record = records.get(name.split(".")[0], b"v=DKIM1; k=rsa; p=" + PUBLIC)
        if isinstance(record, Exception):
            raise record
        return record

    return source


def signed(
    raw=None, *, domain=b"a.example", selector=b"s1", algorithm=b"rsa-sha256", key=PEM, **options
):
    raw = mail(packed(), newline="\r\n") if raw is None else raw
    return (
        dkim.sign(
            raw,
            selector,
            domain,
            key,
            signature_algorithm=algorithm,
            include_headers=HEADERS,
            **options,
        )
        + raw
    )


HEADERS = [b"from", b"date", b"subject", b"message-id", b"tls-report-domain"]


def with_expiry(expires):
    """Sign as Google does, with x=, which dkimpy does not write."""
    raw = mail(packed(), newline="\r\n")
    signer = dkim.DKIM(raw)
    original = signer.gen_header
    signer.gen_header = lambda fields, *rest: original(
        [
            *(f for f in fields if f[0] != b"x" and f[0] != b"b"),
            (b"x", b"%d" % expires),
            *(f for f in fields if f[0] == b"b"),
        ],
        *rest,
    )
    return signer.sign(b"s1", b"a.example", PEM, include_headers=HEADERS) + raw


def judged(raw, source=None):
    header = mime.header(raw, ma.Limits())
    return str(signatures.verify(raw, mime.facts(header, ma.Limits()), source or keys()))


def tampered(raw):
    return raw.replace(b"This is a report.", b"This is no report.")


CASES = [
    ("pass", lambda: judged(signed()), "RSA, as most"),
    ("pass", lambda: judged(signed(key=ED_PRIVATE, algorithm=b"ed25519-sha256"), keys(s1=b"v=DKIM1; k=ed25519; p=" + ED_PUBLIC)), "Ed25519"),
    ("pass", lambda: judged(signed(), keys(s1=b"v=DKIM1; s=tlsrpt; p=" + PUBLIC)), "the service of RFC 8460 §3"),
    ("pass", lambda: judged(signed(), keys(s1=b"v=DKIM1; s=email:tlsrpt; p=" + PUBLIC)), "a list that holds it"),
    ("pass", lambda: judged(signed(), keys(s1=b"v=DKIM1; s=*; p=" + PUBLIC)), "any service"),
    ("no-key", lambda: judged(signed(), keys(s1=b"v=DKIM1; s=other; p=" + PUBLIC)), "a key for another service"),
    ("fail", lambda: judged(tampered(signed())), "the body was changed"),
    ("no-key", lambda: judged(signed(), keys(s1=None)), "no such record"),
    ("no-key", lambda: judged(signed(), keys(s1=b"v=DKIM1; p=")), "a revoked key"),
    ("no-signature", lambda: judged(mail(packed())), "unsigned"),
    ("misaligned", lambda: judged(signed(domain=b"other.example")), "signed by someone else"),
    ("pass", lambda: judged(signed(mail(packed(), newline="\r\n").replace(b"tls@a.example", b"tls@mail.a.example"), domain=b"a.example")), "a parent domain"),
    ("misaligned", lambda: judged(signed(domain=b"example")), "a public suffix is no organization"),
    ("l-tag", lambda: judged(signed(length=True)), "RFC 8460 §3: MUST NOT"),
    ("not-checked", lambda: judged(signed(), keys(s1=signatures.TemporaryError("SERVFAIL"))), "DNS failed: nothing is known"),
    ("pass", lambda: judged(with_expiry(RECEIVED + 604800)), "x= a week after receipt, long past today"),
    ("expired-at-receipt", lambda: judged(with_expiry(RECEIVED - 60)), "x= before receipt"),
    ("pass", lambda: judged(signed(signed(selector=b"s1"), selector=b"s2"), keys(s2=None)), "the second of two holds"),
]  # fmt: skip


@pytest.mark.parametrize(("verdict", "judge", "why"), CASES, ids=[f"{c[0]}: {c[2]}" for c in CASES])
def test_verdict(verdict, judge, why):
    assert judge() == verdict, why


def test_threads_that_verify_at_once_leave_the_library_as_it_was(monkeypatch):
    """dkimpy's check of x= is taken out meanwhile: by one thread at a time, or the last one puts back a patched one."""
    checked = dkim.validate_signature_fields
    raw = with_expiry(RECEIVED + 604800)
    real = dkim.DKIM.verify

    def slow(*given, **named):
        time.sleep(0.02)  # so that others begin before this one ends
        return real(*given, **named)

    monkeypatch.setattr(dkim.DKIM, "verify", slow)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(judged, [raw] * 12)) == {"pass"}
    assert dkim.validate_signature_fields is checked


def test_without_a_resolver_it_says_so(monkeypatch):
    def none(*_, **__):
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", none)
    with pytest.raises(ma.InputError, match="expected a resolver"):
        signatures.Judge()


def test_mbox_quoting_is_undone():
    raw = mail(packed(), newline="\r\n").replace(b"This is a report.", b"From here on.")
    quoted = signed(raw).replace(b"From here on.", b">From here on.")
    assert judged(quoted) == "pass"


@pytest.mark.parametrize(
    "raw",
    [
        b"From: <\nDKIM-Signature: v=1; d=; s=\n\nx",
        b"DKIM-Signature: " + b"x=1;" * 1000 + b"\n\n",
        b"DKIM-Signature: v=1; d=a.example; s=s1\n" * 1000 + b"From: a@a.example\n\n",
        b"DKIM-Signature: v=1; d=a.example; s=s1; c=relaxed/relaxed\nFrom: a@a.example\n\n"
        + b" " * 80_000
        + b"x",
        b"DKIM-Signature: \xff\xfe; d=\xc3; s=\x00\nFrom: \xff@\xff\n\n",
    ],
)
def test_hostile_mail_raises_nothing(raw):
    assert judged(raw) in {str(v) for v in signatures.Verdict}


class Server:
    """A DNS server on loopback: TXT by name, NXDOMAIN, SERVFAIL, or silence; it counts questions."""

    def __init__(self):
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(data)
            name = query.question[0].name
            self.asked.append(str(name))
            answer = dns.message.make_response(query)
            kind = str(name).split(".")[0]
            if kind == "silent":
                continue
            if kind == "broken":
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif kind == "none":
                answer.set_rcode(dns.rcode.NXDOMAIN)
            else:
                long = PUBLIC.decode()
                answer.answer.append(
                    dns.rrset.from_text(
                        name, 60, "IN", "TXT", f'"v=DKIM1; k=rsa; p={long[:200]}" "{long[200:]}"'
                    )
                )
            self.socket.sendto(answer.to_wire(), peer)


@pytest.fixture
def server():
    made = Server()
    yield made
    made.socket.close()


@pytest.fixture
def live(server):
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = server.port
    return signatures.DnsKeys(resolver, deadline=1.0)


def test_live_dns(server, live):
    assert judged(signed(), live) == "pass"
    assert judged(signed(selector=b"none"), live) == "no-key"
    assert (
        judged(signed(selector=b"broken"), live) == "not-checked"
    )  # SERVFAIL says nothing of a key
    assert judged(signed(selector=b"silent"), live) == "not-checked"
    count = len(server.asked)
    assert judged(signed(), live) == "pass"
    assert len(server.asked) == count  # each name is asked once


def test_the_column(live):
    raw = mbox([signed(), mail(packed(1)), signed(selector=b"none")])
    judge = signatures.Judge(live)
    items = list(judge.judged(Reader(verify=judge).items(Stream(raw), "x")))
    assert [item.facts.dkim for item in items] == ["pass", "no-signature", "no-key"]
    assert judge._held == {}


def test_keys_are_asked_for_together():
    """Sixteen slow answers take about as long as one."""
    asked = []

    class Slow(signatures.DnsKeys):
        def _answer(self, name):
            asked.append(time.monotonic())
            time.sleep(0.3)

    keys = Slow()
    raw = mbox([signed(selector=b"s%d" % n) for n in range(16)])
    judge = signatures.Judge(keys)
    items = list(judge.judged(Reader(verify=judge).items(Stream(raw), "x")))
    assert [item.facts.dkim for item in items] == ["no-key"] * 16
    assert max(asked) - min(asked) < 0.3, "none waited for another"


def test_keys_are_asked_for_within_a_bound():
    """A mailer who signs each mail by another selector makes no flood of queries; nor does one not aligned."""
    asked = []

    class Counted(signatures.DnsKeys):
        def _answer(self, name):
            asked.append(name)

    raw = mbox(
        [signed(domain=b"other.example")]
        + [signed(selector=b"s%d" % n) for n in range(4)]
        + [signed(selector=b"s0")]
    )
    judge = signatures.Judge(Counted(most=2))
    items = list(judge.judged(Reader(verify=judge).items(Stream(raw), "x")))
    assert [item.facts.dkim for item in items] == [
        "misaligned", "no-key", "no-key", "not-checked", "not-checked", "no-key",
    ]  # fmt: skip
    assert sorted(asked) == ["s0._domainkey.a.example.", "s1._domainkey.a.example."]
    assert judge._held == {}


def test_the_verdict_goes_to_the_reports_of_its_own_mail_and_to_no_other(monkeypatch):
    """By keys that are at hand; a report that came without a mail beside one with two reports; and few are read ahead."""
    two = mail(zipped({"1": text(1), "2": text(2)}), newline="\r\n")
    raw = tarred(
        {
            "a.eml": signed(two),
            "b.json": text(3),
            "c.eml": mail(packed(4)),
            "d.eml": tampered(signed(two)),
        }
    )
    monkeypatch.setattr(signatures, "_AHEAD", 1)
    judge = signatures.Judge(keys())
    given = 0

    def counted():
        nonlocal given
        for item in Reader(verify=judge).items(Stream(raw), "x"):
            given += 1
            yield item

    found = []
    for item in judge.judged(counted()):
        found.append((item.origin.partition("!")[2][:1], item.facts.dkim))
        assert given <= len(found) + 2, "one is read ahead"
    assert found == [
        ("a", "pass"), ("a", "pass"), ("b", "not-checked"), ("c", "no-signature"), ("d", "fail"), ("d", "fail"),
    ]  # fmt: skip
    assert judge._held == {}
