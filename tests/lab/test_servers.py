"""Whole checks against real servers: knot signs, unbound validates, nginx serves policies, postfix takes the mail."""

import datetime as dt
import hashlib
import re
import socket

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import mtasts_analysis as ma
from tests.lab.servers import WEB, Mx, Servers, Web, missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(missing()), reason=f"the servers of the lab want: {', '.join(missing())}"
    ),
]

POLICY = "version: STSv1\r\nmode: enforce\r\nmx: {mx}\r\nmax_age: 1209600\r\n"
RECORD = "v=STSv1; id=20260101;"

# How each MX is served, what its session comes to, and the findings under enforce.
MXS = [
    ("good", {}, "tls", []),
    ("expired", {"days": -3}, "tls", ["certificate-expired"]),
    ("othername", {"names": ("www.elsewhere.test",)}, "tls", ["certificate-host-mismatch"]),
    ("otherca", {"other": True}, "tls", ["certificate-not-trusted"]),
    ("notls", None, "no-starttls", ["starttls-not-supported"]),
    ("soon", {"days": 5}, "tls", ["certificate-expires-soon"]),
    ("cnonly", {"names": ("a@mail.test",), "common_name": "mx-cnonly.signed.test"}, "tls", ["certificate-host-mismatch"]),
    ("tls12", {"options": "-o smtpd_tls_protocols=TLSv1.2"}, "tls", []),
]  # fmt: skip

# How each policy host answers, and what is found.
WEBS = [
    ("lf", POLICY.replace("\r", ""), "default_type text/plain;", {}, [], "enforce"),
    ("charset", POLICY, 'default_type "text/plain; charset=utf-8";', {}, [], "enforce"),
    ("bom", "\ufeff" + POLICY, "default_type text/plain;", {}, ["policy-invalid"], "broken"),
    ("blank", POLICY.replace("max_age", "\r\nmax_age"), "default_type text/plain;", {}, ["policy-invalid"], "broken"),
    ("moved", POLICY, f"return 301 https://{WEB}/;", {}, ["policy-redirect"], "broken"),
    ("html", POLICY, "default_type text/html;", {}, ["policy-content-type"], "broken"),
    ("gone", POLICY, "return 404;", {}, ["policy-http-status"], "broken"),
    ("big", POLICY + "x: " + "y" * 70_000, "default_type text/plain;", {}, ["policy-too-large"], "broken"),
    ("drip", POLICY + "x: " + "y" * 50_000, "default_type text/plain; limit_rate 200;", {}, ["policy-host-timeout"], "broken"),
    ("gzip", POLICY + "x: " + "y" * 5_000, "default_type text/plain; add_header Content-Encoding gzip;", {}, ["policy-content-encoding"], "broken"),
    ("webexpired", POLICY, "default_type text/plain;", {"days": -3}, ["policy-host-certificate-expired"], "broken"),
    ("webname", POLICY, "default_type text/plain;", {"names": ("mta-sts.signed.test",)}, ["policy-host-certificate-host-mismatch"], "broken"),
    ("webca", POLICY, "default_type text/plain;", {"other": True}, ["policy-host-certificate-not-trusted"], "broken"),
    ("six", POLICY, "default_type text/plain;", {}, [], "enforce"),
]  # fmt: skip


def ipv6():
    try:
        with socket.socket(socket.AF_INET6) as made:
            made.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def lab():
    servers = Servers()
    now = dt.datetime.now(dt.UTC)

    def leaf(host, how):
        how = dict(how)
        days, other = how.pop("days", 90), how.pop("other", False)
        how.pop("options", None)
        names = how.pop("names", (host,))
        ca = servers.other_ca if other else servers.ca
        dates = {"not_before": now - dt.timedelta(400), "not_after": now + dt.timedelta(days, 3600)}
        return ca.issue_cert(*names, **dates, **how)

    zone, plain, bogus = (servers.zones[z] for z in ("signed.test", "plain.test", "bogus.test"))

    def domain(name, mx, *, at=zone, origin="signed.test", web=WEB):
        at += [
            f'_mta-sts.{name} TXT "{RECORD}"',
            f'_smtp._tls.{name} TXT "v=TLSRPTv1; rua=mailto:tls@reports.test"',
            f"{name} MX 10 {mx}",
        ]
        if web:
            at.append(f"mta-sts.{name} {'AAAA' if ':' in web else 'A'} {web}")
            host = f"mta-sts.{name}.{origin}"
            servers.webs.setdefault(host, Web(POLICY.format(mx=mx.removesuffix(".")).encode()))

    for at, (name, how, _, _) in enumerate(MXS, 11):
        host = f"mx-{name}.signed.test"
        address = f"127.0.0.{at}"
        certificate = None if how is None else leaf(host, how)
        servers.mxs[host] = Mx(address, certificate, (how or {}).get("options", ""))
        zone.append(f"mx-{name} A {address}")
        domain(name, f"{host}.")
    for name, body, directives, certificate, _, _ in WEBS:
        host = f"mta-sts.{name}.signed.test"
        made = body.format(mx="mx-good.signed.test").encode()
        servers.webs[host] = Web(made, directives, leaf(host, certificate))
        domain(name, "mx-good.signed.test.", web="::1" if name == "six" else WEB)

    made = x509.load_pem_x509_certificate(servers.mxs["mx-good.signed.test"].certificate.cert_chain_pems[0].bytes())  # fmt: skip
    key = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    servers.good = f"3 1 1 {hashlib.sha256(key).hexdigest()}"
    zone += [
        f"_25._tcp.mx-good TLSA {servers.good}",
        f"_25._tcp.mx-expired TLSA 3 1 1 {'00' * 32}",
        "_25._tcp.mx-notls CNAME tlsa._dane",
        f"tlsa._dane TLSA {servers.good}",
        "mx-alias CNAME mx-good",
        # delegation of the record, split strings, and none of it
        "delegated MX 10 mx-good",
        "_mta-sts.delegated CNAME _mta-sts.provider",
        '_mta-sts.provider TXT "v=STSv1; i" "d=20260101;"',
        "mta-sts.delegated CNAME mta-sts.good",
        "null MX 0 .",
        "absent MX 10 mx-good",
        "half MX 10 mx.bogus.test.",
    ]
    servers.webs["mta-sts.delegated.signed.test"] = Web(POLICY.format(mx="mx-good.signed.test").encode())  # fmt: skip
    domain("alias", "mx-alias.signed.test.")
    # Signed, but by a key that the trust anchor does not know: bogus. And not signed at all.
    domain("d", "mx-good.signed.test.", at=bogus, origin="bogus.test")
    bogus.append("mx A 127.0.0.11")
    domain("d", "mx-good.signed.test.", at=plain, origin="plain.test")
    plain += ["mx A 127.0.0.11", f"_25._tcp.mx TLSA {servers.good}"]
    domain("own", "mx.plain.test.", at=plain, origin="plain.test")
    domain("bogusdane", "mx.bogus.test.")
    with servers:
        yield servers


@pytest.fixture(scope="module")
def checks(lab):
    names = [f"{name}.signed.test" for name, *_ in MXS + WEBS]
    names += [f"{n}.signed.test" for n in ("delegated", "null", "absent", "half", "alias", "bogusdane")]  # fmt: skip
    names += [
        "d.bogus.test",
        "d.plain.test",
        "own.plain.test",
        "nowhere.signed.test",
        "no.such.test",
    ]
    return ma.check_domains(names, config=lab.config(), progress=False)


def codes(check, *severities):
    wanted = severities or ("error", "warning", "unknown")
    own = [f.code for f in check.findings if f.severity in wanted]
    # what DANE adds is asked by itself
    return [c for c in own if not c.startswith("tlsa-")]


@pytest.mark.parametrize(("name", "how", "outcome", "want"), MXS, ids=[m[0] for m in MXS])
def test_mx(checks, name, how, outcome, want):
    check = checks[f"{name}.signed.test"]
    (session,) = check.mx[0].sessions
    assert session.outcome == outcome and codes(check) == want
    refused = want and want != ["certificate-expires-soon"]
    assert check.mx[0].under_enforce == ("refused" if refused else "accepted")
    if outcome == "tls":
        newest = "TLSv1.2" if name == "tls12" else "TLSv1.3"
        assert session.presented.version == newest and dict(session.versions)["TLSv1.2"]
        assert not dict(session.versions)["TLSv1"]


@pytest.mark.parametrize(
    ("name", "_1", "_2", "_3", "want", "state"), WEBS, ids=[w[0] for w in WEBS]
)
def test_policy_host(checks, name, _1, _2, _3, want, state):
    if name == "six" and not ipv6():
        pytest.skip("no IPv6 on this loopback")
    check = checks[f"{name}.signed.test"]
    assert codes(check) == want and check.state == state


def test_dnssec(checks):
    good = checks["good.signed.test"]
    assert good.resolver_validates and good.mx_answer.secure and good.sts_answer.secure
    plain = checks["d.plain.test"]
    assert not plain.sts_answer.secure and not plain.mx_answer.secure
    assert codes(plain) == [] and plain.state == "enforce", "unsigned is no fault of MTA-STS"
    bogus = checks["d.bogus.test"]
    assert bogus.state == "unknown" and bogus.sts_record is None
    assert set(codes(bogus)) == {"sts-record-dns-failed", "tlsrpt-record-dns-failed", "policy-host-dns-failed", "mx-dns-failed"}  # fmt: skip
    assert "SERVFAIL" in bogus.sts_answer.detail and "EDE" in bogus.sts_answer.detail, (
        "RFC 8914 says why"
    )


def test_absent_is_not_failing(checks):
    absent, nowhere = checks["absent.signed.test"], checks["nowhere.signed.test"]
    assert absent.state == "absent" and absent.sts_answer.status == "nxdomain" and absent.sts_answer.secure  # fmt: skip
    assert "sts-record-missing" in codes(absent) and "domain-not-found" in codes(nowhere)
    assert "domain-not-found" in codes(checks["no.such.test"])
    assert checks["null.signed.test"].null_mx


def test_delegation(checks):
    check = checks["delegated.signed.test"]
    assert codes(check) == ["tlsrpt-record-missing"] and check.sts_record.id == "20260101"
    assert check.sts_answer.chain == ("_mta-sts.provider.signed.test",)


DANE = [
    ("good.signed.test", "match", "tlsa-match", "info"),
    ("expired.signed.test", "mismatch", "tlsa-invalid", "error"),
    ("notls.signed.test", "not-tested", "tlsa-without-tls", "error"),
    ("alias.signed.test", "match", "tlsa-match", "info"),
    ("d.plain.test", "match", "mx-insecure", "info"),
    ("own.plain.test", "insecure", "tlsa-insecure", "warning"),
    ("soon.signed.test", "none", None, None),
]


@pytest.mark.parametrize(("domain", "verdict", "code", "severity"), DANE, ids=[d[0] for d in DANE])
def test_dane(checks, domain, verdict, code, severity):
    check = checks[domain]
    assert check.mx[0].dane.verdict == verdict
    if code:
        assert (code, severity) in [(f.code, f.severity) for f in check.findings]
    else:
        assert not [f for f in check.findings if f.code.startswith("tlsa")]


def test_an_mx_in_a_bogus_zone_could_not_be_told(checks):
    for name in ("half", "bogusdane"):
        check = checks[f"{name}.signed.test"]
        assert "mx-dns-failed" in codes(check, "unknown") and "mx-unresolvable" not in codes(check)


def test_monitor(lab):
    frame = ma.monitor([f"{n}.signed.test" for n in ("good", "soon", "expired")], config=lab.config())  # fmt: skip
    mx = frame[frame["role"] == "MX"]
    assert mx["days_left"].tolist() == [-3, 5, 90]
    assert mx["accepted"].tolist() == [False, True, True]


def test_a_certificate_before_it_is_deployed(lab):
    """A new key that the published TLSA records do not know yet."""
    new = lab.ca.issue_cert("mx-good.signed.test")
    chain = b"".join(p.bytes() for p in new.cert_chain_pems)
    found = ma.check_certificate(chain, "good.signed.test", config=lab.config()).findings
    assert [f.code for f in found if f.severity == "error"] == ["tlsa-invalid"]


def test_nothing_is_asked_beyond_loopback(lab, checks):
    """Whom the resolver asked: its log names each query that left it."""
    log = (lab.folder / "unbound.out").read_text()
    asked = re.findall(r"sending to target: <[^>]*> (\S+)#(\d+)", log)
    assert len(asked) > 50
    assert set(asked) == {("127.0.0.1", str(lab.dns_port))}
