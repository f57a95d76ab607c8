"""Certificates: names as OpenSSL matches them, and each reason told apart."""

import asyncio
import datetime as dt
import ssl

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from mtasts_analysis.checks.certificates import (
    Certificate,
    Presented,
    judge,
    names_match,
    read_certificate,
)
from mtasts_analysis.checks.config import CheckConfig
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
        ([certificate(signature="sha1")], {}, ["certificate-weak"]),
        ([certificate(key="RSA 512")], {"verified": False, "trusted": None, "verify_code": 66}, ["certificate-weak"]),
        ([certificate(), certificate(subject="CN=ca", issuer="CN=root", not_after=NOW - dt.timedelta(1))], {"verified": False, "verify_code": 10}, ["certificate-expired"]),
        ([certificate(issuer="CN=mx")], {"verified": False, "trusted": None, "verify_code": 18}, ["certificate-not-trusted"]),
        ([certificate()], {"verified": False, "trusted": None, "verify_code": 20}, ["certificate-not-trusted"]),
        ([certificate(issuer_url="http://ca")], {"verified": False, "trusted": None, "verify_code": 20}, ["certificate-chain-incomplete"]),
        ([certificate(issuer_url="http://ca"), certificate(subject="CN=ca", issuer="CN=ca")], {"verified": False, "trusted": None, "verify_code": 19}, ["certificate-not-trusted"]),
        ([certificate()], {"verified": False, "trusted": None, "verify_code": 23}, ["certificate-invalid"]),
        ([], {"verified": False, "trusted": None, "verify_code": 10, "said": "expired"}, ["certificate-invalid"]),
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
