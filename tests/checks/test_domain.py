"""Whole checks in the embedded lab: each domain is in order but for one thing, which must be what is found."""

import asyncio
import errno
import ssl
import time
from types import SimpleNamespace

import pytest

from mtasts_analysis.checks.domain import Run
from mtasts_analysis.checks.mx import mx_hosts
from mtasts_analysis.checks.wire import connect
from tests.checks.lab import GOOD, WEB


def codes(check, *severities):
    wanted = severities or ("error", "warning", "unknown")
    return [f.code for f in check.findings if f.severity in wanted]


def test_in_order(lab, check):
    lab.domain("ok.example")
    found = check("ok.example", tls_versions=True)
    assert codes(found) == [] and found.state == "enforce"
    assert found.sts_record.id == "20260101T000000"
    assert found.fetched.status == 200 and found.fetched.presented.version == "TLSv1.3"
    (mx,) = found.mx
    assert (mx.host, mx.covered, mx.under_enforce) == ("mx.ok.example", True, "accepted")
    assert dict(mx.sessions[0].versions) == {"TLSv1": False, "TLSv1.1": False, "TLSv1.2": True, "TLSv1.3": True}  # fmt: skip
    assert lab.mails[mx.addresses[0]].seen[:2] == ["EHLO checker.example", "STARTTLS"]


def test_a_real_mail_server(lab, check):
    lab.mx("mx.real.example", real=True)
    lab.domain("real.example")
    found = check("real.example")
    assert codes(found) == [] and found.mx[0].under_enforce == "accepted"


# --- DNS: missing, failing and broken are three verdicts -----------------------------------------

DNS = [
    ("missing", lambda lab, d: lab.zone.pop((f"_mta-sts.{d}", "TXT")), "sts-record-missing", "absent"),
    ("empty", lambda lab, d: lab.records(f"_mta-sts.{d}", "TXT"), "sts-record-missing", "absent"),
    ("servfail", lambda lab, d: lab.status.update({f"_mta-sts.{d}": "SERVFAIL"}), "sts-record-dns-failed", "unknown"),
    ("refused", lambda lab, d: lab.status.update({f"_mta-sts.{d}": "REFUSED"}), "sts-record-dns-failed", "unknown"),
    ("timeout", lambda lab, d: lab.status.update({f"_mta-sts.{d}": "TIMEOUT"}), "sts-record-dns-failed", "unknown"),
    ("broken", lambda lab, d: lab.records(f"_mta-sts.{d}", "TXT", '"v=STSv1; id=a-b"'), "sts-record-invalid", "broken"),
    ("two", lambda lab, d: lab.records(f"_mta-sts.{d}", "TXT", '"v=STSv1; id=a"', '"v=STSv1; id=b"'), "sts-record-several", "broken"),
    ("rptfail", lambda lab, d: lab.status.update({f"_smtp._tls.{d}": "SERVFAIL"}), "tlsrpt-record-dns-failed", "enforce"),
    ("hostfail", lambda lab, d: lab.status.update({f"mta-sts.{d}": "SERVFAIL"}), "policy-host-dns-failed", "unknown"),
    ("hosthalf", lambda lab, d: lab.status.update({f"mta-sts.{d} AAAA": "SERVFAIL"}), "policy-host-dns-failed", "enforce"),
    ("hostgone", lambda lab, d: lab.zone.pop((f"mta-sts.{d}", "A")), "policy-host-missing", "broken"),
    ("mxfail", lambda lab, d: lab.status.update({f"{d} MX": "SERVFAIL"}), "mx-dns-failed", "enforce"),
    ("noaddr", lambda lab, d: (lab.zone.pop((d, "MX")), lab.status.update({f"{d} A": "SERVFAIL"})), "mx-dns-failed", "enforce"),
    ("mxhalf", lambda lab, d: lab.status.update({f"mx.{d} AAAA": "SERVFAIL"}), "mx-dns-failed", "enforce"),
    ("mxaddr", lambda lab, d: lab.status.update({f"mx.{d}": "TIMEOUT"}), "mx-dns-failed", "enforce"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "breaks", "code", "state"), DNS, ids=[d[0] for d in DNS])
def test_dns(lab, check, name, breaks, code, state):
    domain = f"{name}.dns.example"
    lab.domain(domain)
    breaks(lab, domain)
    found = check(domain)
    assert code in codes(found) and found.state == state
    failed = [f for f in found.findings if f.code.endswith("dns-failed")]
    assert all(f.severity == "unknown" for f in failed)
    said = " ".join(f.evidence for f in found.findings)
    if failed:
        assert "no TXT record" not in said and "neither A" not in said, "a failure is no absence"


def test_half_of_the_addresses_is_not_the_whole(lab, check):
    """A answers, AAAA is SERVFAIL: a sender that goes by IPv6 meets what nobody saw here."""
    domain = "half.dns.example"
    lab.domain(domain)
    assert check(domain).mx[0].under_enforce == "accepted"
    lab.status[f"mx.{domain} AAAA"] = "SERVFAIL"
    found = check(domain)
    (said,) = [f for f in found.findings if f.code == "mx-dns-failed"]
    assert said.evidence == "AAAA could not be looked up: SERVFAIL; other addresses may be there"
    assert said.action == f"dig AAAA mx.{domain}"
    assert found.mx[0].sessions[0].outcome == "tls" and found.mx[0].under_enforce == "unknown"
    lab.mails[found.mx[0].addresses[0]].certificate = lab.leaf(f"mx.{domain}", days=-3)
    assert check(domain).mx[0].under_enforce == "refused", "one bad address is enough"


def test_half_of_a_policy_host_that_does_not_answer(lab, check):
    """The address that is known is dead, the others are not known: whether there is a policy is not known."""
    domain = "halfdead.dns.example"
    lab.domain(domain)
    lab.records(f"mta-sts.{domain}", "A", "127.0.0.249")
    assert check(domain).state == "broken"
    lab.status[f"mta-sts.{domain} AAAA"] = "SERVFAIL"
    assert check(domain).state == "unknown"
    lab.records(f"mta-sts.{domain}", "A", WEB)
    lab.policy(domain, "", status="404 Not Found")
    assert check(domain).state == "broken", "it answers, with no policy"
    lab.records(f"_mta-sts.{domain}", "TXT", '"v=STSv1; id=a-b"')
    assert check(domain).state == "broken", "there is a record: not absent"


def test_an_alias_of_the_tls_reports_record_is_no_mta_sts_delegation(lab, check):
    """RFC 8461 §8.2 delegates `_mta-sts` and the policy host; RFC 8460 has no word on CNAMEs."""
    lab.domain("rptalias.example")
    record = lab.zone.pop(("_smtp._tls.rptalias.example", "TXT"))
    lab.records("_smtp._tls.rptalias.example", "CNAME", "rpt.provider.example.")
    lab.records("rpt.provider.example", "TXT", *record)
    (said,) = [f for f in check("rptalias.example").findings if f.code.endswith("-delegated")]
    assert (said.code, said.reference) == ("tlsrpt-record-delegated", "RFC 1034 §3.6.2")


def test_split_strings_and_delegation(lab, check):
    lab.domain("split.example")
    del lab.zone["_mta-sts.split.example", "TXT"]
    lab.records("_mta-sts.split.example", "CNAME", "one.provider.example.")
    lab.records("one.provider.example", "CNAME", "two.provider.example.")
    lab.records("two.provider.example", "TXT", '"v=STSv1; i" "d=2026" "0102;"')
    found = check("split.example")
    assert codes(found) == [] and found.sts_record.id == "20260102"
    assert found.sts_answer.chain == ("one.provider.example", "two.provider.example")
    assert "sts-record-delegated" in codes(found, "info")


def test_a_long_answer_comes_by_tcp(lab, check):
    lab.domain("big.example")
    lab.big.add("_mta-sts.big.example")
    assert codes(check("big.example")) == []


def test_no_such_domain(check):
    found = check("nowhere.test")
    assert codes(found, "error") == ["domain-not-found"] and found.state == "absent"


# --- the policy host ------------------------------------------------------------------------------

BODY = GOOD.format(mx="mx.{d}")
WEBS = [
    ("redirect", {"status": "301 Moved", "headers": {"Location": "https://x.example/"}}, "policy-redirect", "broken"),
    ("notfound", {"status": "404 Not Found"}, "policy-http-status", "broken"),
    ("created", {"status": "201 Created"}, "policy-http-status", "broken"),
    ("html", {"headers": {"Content-Type": "text/html"}}, "policy-content-type", "broken"),
    ("notype", {"headers": {}}, "policy-content-type", "broken"),
    ("gzip", {"headers": {"Content-Type": "text/plain", "Content-Encoding": "gzip"}}, "policy-content-encoding", "broken"),
    ("big", {"body": BODY + "x: " + "a" * 70_000}, "policy-too-large", "broken"),
    ("bigchunked", {"body": BODY + "x: " + "a" * 5_000_000, "chunked": True}, "policy-too-large", "broken"),
    ("drip", {"drip": 0.2}, "policy-host-timeout", "broken"),
    ("silent", {"silent": True}, "policy-host-timeout", "broken"),
    ("bom", {"body": "\ufeff" + BODY}, "policy-invalid", "broken"),
    ("testing", {"body": BODY.replace("enforce", "testing")}, None, "testing"),
    ("none", {"body": "version: STSv1\nmode: none\nmax_age: 86400\n"}, None, "none"),
    ("crlf", {"body": BODY.replace("\n", "\r\n")}, None, "enforce"),
    ("chunked", {"chunked": True}, None, "enforce"),
    ("early", {"early": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"}, None, "enforce"),
    ("cut", {"cut": True}, "policy-host-unreachable", "broken"),
    ("nolength", {"drip": 0.0001}, None, "enforce"),
    ("hangup", {"hangs_up": True}, "policy-host-unreachable", "broken"),
    ("unknown", {"unknown": True}, "policy-host-unreachable", "broken"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "how", "code", "state"), WEBS, ids=[w[0] for w in WEBS])
def test_policy_host(lab, check, name, how, code, state):
    domain = f"{name}.web.example"
    lab.domain(domain)
    how = {"body": BODY} | how
    lab.policy(domain, how.pop("body").format(d=domain), **how)
    begun = time.monotonic()
    found = check(domain)
    assert time.monotonic() - begun < 20, "an overall deadline, not one for each read"
    assert codes(found, "error") == ([code] if code else []) and found.state == state


CERTIFICATES = [
    ("expired", {"days": -5}, ["certificate-expired"]),
    ("wrongname", {"names": ("www.elsewhere.example",)}, ["certificate-host-mismatch"]),
    ("untrusted", {"ca": "other"}, ["certificate-not-trusted"]),
    ("allthree", {"days": -5, "names": ("www.elsewhere.example",), "ca": "other"}, ["certificate-expired", "certificate-host-mismatch", "certificate-not-trusted"]),
    ("both", {"days": -5, "names": ("www.elsewhere.example",)}, ["certificate-expired", "certificate-host-mismatch"]),
    ("incomplete", {"ca": "cut"}, ["certificate-chain-incomplete"]),
    ("cnonly", {"names": (), "common_name": "{h}"}, ["certificate-host-mismatch"]),
    ("wild", {"names": ("*.{p}",)}, []),
]  # fmt: skip


def made(lab, host, how):
    how = dict(how)
    names = how.pop("names", ("{h}",))
    names = [n.format(h=host, p=host.partition(".")[2]) for n in names]
    if "common_name" in how:
        how["common_name"] = how["common_name"].format(h=host)
        names = ["unrelated@mail.example"]  # an e-mail SAN: no DNS name at all
    ca = how.pop("ca", None)
    if ca == "cut":
        return lab.orphan(*names)
    return lab.leaf(*names, ca=lab.other_ca if ca else None, **how)


@pytest.mark.parametrize(("name", "how", "want"), CERTIFICATES, ids=[c[0] for c in CERTIFICATES])
def test_policy_host_certificate(lab, check, name, how, want):
    domain = f"{name}.pc.example"
    lab.domain(domain)
    certificate = made(lab, f"mta-sts.{domain}", how)
    lab.policy(domain, GOOD.format(mx=f"mx.{domain}"), certificate=certificate)
    found = check(domain)
    assert codes(found, "error") == [f"policy-host-{c}" for c in want]
    assert found.state == ("broken" if want else "enforce")
    assert (found.policy is None) == bool(want), "nothing is read from a host that is not trusted"
    assert found.fetched.presented.chain, "what was shown is shown"


@pytest.mark.parametrize(("name", "how", "want"), CERTIFICATES, ids=[c[0] for c in CERTIFICATES])
def test_mx_certificate(lab, check, name, how, want):
    """The same faults at the MX; and never `no STARTTLS`."""
    domain = f"{name}.mc.example"
    lab.mx(f"mx.{domain}", certificate=made(lab, f"mx.{domain}", how))
    lab.domain(domain)
    found = check(domain)
    assert codes(found, "error") == want
    assert found.mx[0].under_enforce == ("refused" if want else "accepted")
    lab.policy(domain, GOOD.format(mx=f"mx.{domain}").replace("enforce", "testing"))
    assert codes(check(domain), "error") == [] and codes(check(domain), "warning") == want


def test_days_left(lab, check):
    lab.mx("mx.soon.example", certificate=lab.leaf("mx.soon.example", days=29))
    lab.domain("soon.example")
    lab.policy("soon.example", GOOD.format(mx="mx.soon.example"), certificate=lab.leaf("mta-sts.soon.example", days=2))  # fmt: skip
    found = check("soon.example")
    assert codes(found) == ["policy-host-certificate-expires-soon", "certificate-expires-soon"]
    assert found.state == "enforce" and found.mx[0].certificate.days_left() == 29


def test_ipv6_only_policy_host(lab, check):
    if not lab.ipv6:
        pytest.skip("no IPv6 on this loopback")
    lab.domain("six.example")
    del lab.zone["mta-sts.six.example", "A"]
    lab.records("mta-sts.six.example", "AAAA", "::1")
    assert codes(check("six.example")) == []


def test_addresses_of_the_inside_are_refused(lab, check):
    lab.domain("inside.example")
    found = check("inside.example", allow_networks=())
    assert "policy-host-address-refused" in codes(found)
    assert found.mx[0].sessions[0].outcome == "not-public" and "mx-address-refused" in codes(found)
    assert lab.mails[found.mx[0].addresses[0]].seen == [], "not one byte was sent"
    found = check("inside.example", allow_networks=(f"{WEB}/32",))
    assert found.fetched.status == 200 and found.mx[0].sessions[0].outcome == "not-public"


def test_no_cookie_and_no_credentials_travel(lab, check, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    lab.domain("cookie.example")
    lab.webs["mta-sts.cookie.example"].headers["Set-Cookie"] = "a=b"
    assert codes(check("cookie.example")) == [], "no proxy of the environment either"


# --- MX -------------------------------------------------------------------------------------------


def test_mx_order_and_backup(lab, check):
    lab.domain("order.example")
    lab.mx("backup.order.example")
    lab.records("order.example", "MX", "20 backup.order.example.", "10 mx.order.example.")
    found = check("order.example")
    assert [m.host for m in found.mx] == ["mx.order.example", "backup.order.example"]
    (said,) = [f for f in found.findings if f.severity == "error"]
    assert (said.code, said.subject) == ("mx-not-in-policy", "backup.order.example")
    assert "backup MX" in said.evidence and "mx: backup.order.example" in said.action
    assert [m.under_enforce for m in found.mx] == ["accepted", "refused"]


def test_hosts_of_equal_preference_are_no_backups(lab, check):
    lab.domain("equal.example")
    for n in (1, 2, 3):
        lab.mx(f"mx{n}.equal.example")
    lab.records("equal.example", "MX", "10 mx1.equal.example.", "10 mx2.equal.example.", "20 mx3.equal.example.")  # fmt: skip
    said = {f.subject: f.evidence for f in check("equal.example").findings if f.code == "mx-not-in-policy"}  # fmt: skip
    ranks = {host: evidence.split(" MX ")[0].rpartition(" ")[2] for host, evidence in said.items()}
    assert ranks == {
        "mx1.equal.example": "preferred",
        "mx2.equal.example": "preferred",
        "mx3.equal.example": "backup",
    }


def test_a_host_in_two_mx_records_is_one_host(lab, check):
    lab.domain("twice.example")
    lab.records("twice.example", "MX", "20 mx.twice.example.", "10 MX.twice.example.", "10 gone.test.")  # fmt: skip
    found = check("twice.example", mx_most=2)
    assert [(m.host, m.preference) for m in found.mx] == [("gone.test", 10), ("mx.twice.example", 10)]  # fmt: skip
    assert "mx-many" not in codes(found)


def test_findings_of_mx_hosts_come_in_the_order_of_the_hosts(lab):
    """Whichever host's DNS answers first."""
    lab.records("late.example", "MX", "10 slow.test.", "20 fast.test.")

    async def hosts(slow):
        run = Run(lab.config())
        ask = run.asker.ask

        async def delayed(name, kind):
            await asyncio.sleep(0.2 if name == slow else 0)
            return await ask(name, kind)

        run.asker = SimpleNamespace(ask=delayed, addresses=None)

        async def addresses(name):
            return await delayed(name, "A"), await delayed(name, "AAAA")

        run.asker.addresses = addresses
        _, _, found = await mx_hosts(run.asker, "late.example", run.config)
        return [f.subject for f in found]

    for slow in ("slow.test", "fast.test"):
        assert asyncio.run(hosts(slow)) == ["slow.test", "fast.test"]


MX = [
    ("null", ["0 ."], [], "null-mx"),
    ("nullplus", ["0 .", "10 mx.nullplus.mx.example."], ["null-mx"], None),
    ("gone", ["10 nowhere.test."], ["mx-not-in-policy", "mx-unresolvable"], None),
    ("literal", ["10 192.0.2.1."], ["mx-is-address", "mx-not-in-policy"], None),
]


@pytest.mark.parametrize(("name", "records", "errors", "info"), MX, ids=[m[0] for m in MX])
def test_mx_records(lab, check, name, records, errors, info):
    domain = f"{name}.mx.example"
    lab.domain(domain)
    lab.records(domain, "MX", *records)
    found = check(domain)
    assert sorted(codes(found, "error")) == errors
    assert info is None or info in codes(found, "info")
    assert found.null_mx == (name == "null")


def test_implicit_mx_and_none_at_all(lab, check):
    lab.domain("implicit.example", mx="implicit.example")
    del lab.zone["implicit.example", "MX"]
    found = check("implicit.example")
    assert codes(found) == [] and "implicit-mx" in codes(found, "info")
    lab.records("nomail.example", "TXT", '"x"')
    assert "mx-missing" in codes(check("nomail.example"), "error")


def test_cname_mx(lab, check):
    lab.domain("alias.example")
    address = lab.zone.pop(("mx.alias.example", "A"))
    lab.records("mx.alias.example", "CNAME", "host.alias.example.")
    lab.records("host.alias.example", "A", *address)
    found = check("alias.example")
    assert codes(found) == ["mx-is-alias"]
    assert found.mx[0].covered, "RFC 8461 §4.1 matches the name in the MX record"


def test_bounds(lab, check):
    lab.domain("many.example")
    lab.records("many.example", "MX", *(f"{n} mx.many.example." if n == 1 else f"{n} m{n}.test." for n in range(1, 9)))  # fmt: skip
    found = check("many.example", mx_most=2)
    assert len(found.mx) == 2 and "mx-many" in codes(found, "unknown")


# --- STARTTLS in every broken form ----------------------------------------------------------------

TLS12, TLS10 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1
SMTP = [
    ("multiline", {"greeting": b"220-mx\r\n220-welcome\r\n220 ESMTP\r\n"}, "tls", None),
    ("slow", {"greeting_delay": 0.7}, "tls", None),
    ("lf", {"greeting": b"220 mx\n", "ehlo": b"250-mx\n250 STARTTLS\n"}, "tls", None),
    ("lower", {"ehlo": b"250-mx\r\n250 starttls\r\n"}, "tls", None),
    ("notls", {"ehlo": b"250-mx\r\n250 SIZE\r\n"}, "no-starttls", "starttls-not-supported"),
    ("nohelo", {"ehlo": b"502 no EHLO here\r\n"}, "no-starttls", "starttls-not-supported"),
    ("noehlo", {"ehlo": b"500 command unrecognized\r\n"}, "no-starttls", "starttls-not-supported"),
    ("alike", {"ehlo": b"250-mx\r\n250 XSTARTTLS\r\n"}, "no-starttls", "starttls-not-supported"),
    ("refused", {"starttls": b"454 TLS not available\r\n"}, "starttls-refused", "starttls-refused"),
    ("drop", {"drop_at_tls": True}, "tls-failed", "validation-failure"),
    ("garbage", {"starttls": b"220 ok\r\n", "drop_at_tls": True}, "tls-failed", "validation-failure"),
    ("old", {"minimum": TLS10, "maximum": TLS10}, "tls-failed", "validation-failure"),
    ("421", {"greeting": b"421 busy\r\n"}, "inconclusive", "smtp-inconclusive"),
    ("grey", {"greeting": b"450 greylisted\r\n"}, "inconclusive", "smtp-inconclusive"),
    ("banned", {"greeting": b"554 go away\r\n"}, "inconclusive", "smtp-inconclusive"),
    ("ehlo421", {"ehlo": b"421 too many\r\n"}, "inconclusive", "smtp-inconclusive"),
    ("ehlo501", {"ehlo": b"501 5.5.4 Invalid domain name\r\n"}, "inconclusive", "smtp-inconclusive"),
    ("ehlo504", {"ehlo": b"504 5.5.2 need fully-qualified hostname\r\n"}, "inconclusive", "smtp-inconclusive"),
    ("ehlo530", {"ehlo": b"530 authenticate first\r\n"}, "inconclusive", "smtp-inconclusive"),
    ("tls421", {"starttls": b"421 too busy\r\n"}, "inconclusive", "smtp-inconclusive"),
    ("tarpit", {"greeting_delay": 30}, "inconclusive", "smtp-inconclusive"),
    ("nosmtp", {"greeting": b"HTTP/1.1 400 Bad Request\r\n"}, "inconclusive", "smtp-inconclusive"),
    ("endless", {"greeting": b"220-" + b"x" * 100_000}, "inconclusive", "smtp-inconclusive"),
    ("manylines", {"greeting": b"220-x\r\n" * 20_000}, "inconclusive", "smtp-inconclusive"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "how", "outcome", "code"), SMTP, ids=[s[0] for s in SMTP])
def test_starttls(lab, check, name, how, outcome, code):
    domain = f"{name}.smtp.example"
    lab.mx(f"mx.{domain}", **how)
    lab.domain(domain)
    begun = time.monotonic()
    found = check(domain)
    assert time.monotonic() - begun < 20
    (session,) = found.mx[0].sessions
    assert session.outcome == outcome, session
    assert codes(found) == ([code] if code else [])
    severity = "unknown" if outcome == "inconclusive" else "error"
    assert all(f.severity == severity for f in found.findings if f.code == code)
    assert len(session.greeting) <= 200 and len(session.detail) < 400


def test_a_server_that_does_not_take_our_name(lab, check):
    """To wait would not help: another name would."""
    lab.mx("mx.name.example", ehlo=b"501 5.5.4 Invalid domain name\r\n")
    lab.domain("name.example")
    (said,) = [f for f in check("name.example").findings if f.code == "smtp-inconclusive"]
    assert said.evidence.endswith("EHLO: 501 5.5.4 Invalid domain name")
    assert "ehlo_name" in said.action


def test_plaintext_after_the_220(lab, check):
    lab.mx("mx.inject.example", starttls=b"220 go\r\n250 fed\r\n")
    lab.domain("inject.example")
    found = check("inject.example")
    assert codes(found) == ["starttls-injection"] and found.mx[0].under_enforce == "accepted"


def test_versions(lab, check):
    lab.mx("mx.v.example", minimum=TLS10, maximum=TLS12)
    lab.domain("v.example")
    found = check("v.example", tls_versions=True)
    assert codes(found, "info") == ["tls-old-versions", "tls-no-1.3"] and codes(found) == []
    lab.mx("mx.v10.example", minimum=TLS10, maximum=TLS10)
    lab.domain("v10.example")
    (said,) = [f for f in check("v10.example", tls_versions=True).findings if f.severity == "error"]
    assert "takes TLSv1" in said.evidence


def test_a_second_connection_that_is_refused_changes_no_verdict(lab, check):
    """The first handshake finds an expired certificate; the details cannot be had any more."""
    lab.mx("mx.once.example", connections=2, certificate=lab.leaf("mx.once.example", days=-3))
    lab.domain("once.example")
    found = check("once.example", tls_versions=True)
    assert codes(found, "error") == ["certificate-invalid"]
    assert "expired" in found.findings[0].evidence
    assert found.mx[0].under_enforce == "refused"


def test_a_policy_without_a_record_refuses_nothing(lab, check):
    """Enforce in a file that no sender looks for: a warning, not an error."""
    lab.mx("mx.norec.example", certificate=lab.leaf("mx.norec.example", days=-3))
    lab.domain("norec.example")
    lab.policy("norec.example", GOOD.format(mx="other.norec.example"))
    assert codes(check("norec.example"), "error") == ["mx-not-in-policy", "certificate-expired"]
    lab.status["_mta-sts.norec.example"] = "SERVFAIL"
    found = check("norec.example")
    assert codes(found, "error") == ["mx-not-in-policy", "certificate-expired"], "it may be cached"
    del lab.status["_mta-sts.norec.example"]
    lab.zone.pop(("_mta-sts.norec.example", "TXT"))
    found = check("norec.example")
    assert codes(found, "error") == [] and found.state == "absent"
    assert {"mx-not-in-policy", "certificate-expired", "policy-without-record"} <= set(codes(found, "warning"))  # fmt: skip


def test_what_is_blocked_is_not_waited_for_again(lab):
    """Once the canaries are silent, hosts of the Internet are not tried any more: a thousand time-outs less."""

    async def blocked():
        run = Run(lab.config(canary=("silent.example",)))
        run.sessions._silent[4] = asyncio.get_running_loop().create_future()
        run.sessions._silent[4].set_result(("silent.example",))
        return await run.sessions.probe("mx.example", "8.8.8.8")

    session, ders = asyncio.run(blocked())
    assert session.outcome == "not-tested" and "blocked here" in session.detail and ders == ()


def test_a_fault_of_ours_costs_one_domain(lab, monkeypatch):
    lab.domain("fine.example")
    lab.domain("bad.example")
    judged = Run.check

    async def check(self, domain):
        if domain == "bad.example":
            raise RuntimeError("met something new")
        return await judged(self, domain)

    monkeypatch.setattr(Run, "check", check)

    async def both():
        return [c async for c in Run(lab.config()).check_all(["bad.example", "fine.example"])]

    found = {c.domain: c for c in asyncio.run(both())}
    assert found["fine.example"].state == "enforce"
    assert codes(found["bad.example"]) == ["check-failed"] and found["bad.example"].state == "unknown"  # fmt: skip
    assert "RuntimeError: met something new" in found["bad.example"].findings[0].evidence


def test_unreachable_and_the_canary(lab, check):
    lab.records("mx.dead.example", "A", "127.0.0.250")
    lab.domain("dead.example", mx="mx.dead.example")
    assert codes(check("dead.example")) == ["mx-unreachable"]
    lab.mx("canary.example")
    found = check("dead.example", canary=("canary.example",))
    assert codes(found) == ["mx-unreachable"], "the canary answers: it is the host"
    lab.records("silent.example", "A", "127.0.0.251")
    found = check("dead.example", canary=("silent.example",))
    assert codes(found) == ["smtp-not-tested"] and found.mx[0].under_enforce == "unknown"
    assert "blocked here" in found.mx[0].sessions[0].detail


def test_a_canary_that_nobody_connected_to_says_nothing(lab, check):
    """Its name cannot be looked up, or has no public address: whether port 25 is open here is not known."""
    lab.records("mx.dead2.example", "A", "127.0.0.248")
    lab.domain("dead2.example", mx="mx.dead2.example")
    lab.records("noaddress.example", "TXT", '"x"')
    lab.records("servfail.example", "A", "127.0.0.251")
    lab.status["servfail.example"] = "SERVFAIL"
    lab.records("private.example", "A", "10.0.0.1")
    for canary in ("noaddress.example", "servfail.example", "private.example"):
        found = check("dead2.example", canary=(canary,))
        (session,) = found.mx[0].sessions
        assert session.outcome == "not-tested" and "blocked" not in session.detail
        assert "not known: no IPv4 address of" in session.detail and canary in session.detail
        assert "refused" in session.detail, "what was met is said"
        assert codes(found) == ["smtp-not-tested"]
    lab.records("silent2.example", "A", "127.0.0.251")
    found = check("dead2.example", canary=("servfail.example", "silent2.example"))
    detail = found.mx[0].sessions[0].detail
    assert "silent2.example does not answer either" in detail and "servfail" not in detail


def test_a_policy_host_that_takes_no_connection_in_time(lab, check, monkeypatch):
    """The limit that was reached is the connection's, not that of the whole fetch."""
    lab.domain("blackhole.example")
    lab.records("mta-sts.blackhole.example", "A", "127.0.0.247")
    loop_class = asyncio.selector_events.BaseSelectorEventLoop
    sock_connect = loop_class.sock_connect

    async def swallowed(loop, sock, to):
        if to[0] == "127.0.0.247":
            await asyncio.sleep(60)
        return await sock_connect(loop, sock, to)

    monkeypatch.setattr(loop_class, "sock_connect", swallowed)

    def said(**limits):
        found = check("blackhole.example", **limits)
        (one,) = [f for f in found.findings if f.code == "policy-host-timeout"]
        return one.evidence

    short = said(connect_timeout=0.5, https_timeout=9)
    assert short == "127.0.0.247: no answer in 0.5 s, the limit for a connection"
    whole = said(connect_timeout=9, https_timeout=0.5)
    assert whole == "127.0.0.247: no complete answer in time (the fetch may take 0.5 s)"


def test_every_address_of_every_mx(lab, check):
    good = lab.mx("mx.two.example")
    bad = lab.mx("mx.two.example", certificate=lab.leaf("mx.two.example", days=-1))
    lab.records("mx.two.example", "A", good, bad)
    lab.domain("two.example")
    found = check("two.example")
    (said,) = [f for f in found.findings if f.severity == "error"]
    assert said.code == "certificate-expired" and bad in said.subject
    assert found.mx[0].under_enforce == "refused"


def test_one_connection_to_an_address_at_a_time(lab, monkeypatch):
    """Two names for one server, asked by many domains, TLS versions and all."""
    address = lab.mx("a.once.example", certificate=lab.leaf("*.once.example"), greeting_delay=0.05)
    lab.records("b.once.example", "A", address)
    for n in range(4):
        lab.domain(f"o{n}.once.example", mx="ab"[n % 2] + ".once.example")

    open_now, most = 0, 0

    async def counted(*given):
        nonlocal open_now, most
        wire = await connect(*given)
        open_now, most = open_now + 1, max(most, open_now + 1)
        close = wire.close

        def closed():
            nonlocal open_now
            open_now -= 1
            close()

        wire.close = closed
        return wire

    monkeypatch.setattr("mtasts_analysis.checks.smtp.connect", counted)

    async def every():
        run = Run(lab.config(tls_versions=True))
        return [c async for c in run.check_all([f"o{n}.once.example" for n in range(4)])]

    assert {c.mx[0].under_enforce for c in asyncio.run(every())} == {"accepted"}
    assert (most, lab.mails[address].arrived) == (1, 8)


def test_an_mx_by_ipv6(lab, check):
    if not lab.ipv6:
        pytest.skip("no IPv6 on this loopback")
    address = lab.mx("mx.six.mx.example", at="::1")
    assert address == "::1" and ("mx.six.mx.example", "A") not in lab.zone
    lab.domain("six.mx.example")
    found = check("six.mx.example")
    assert codes(found) == [] and found.mx[0].sessions[0].address == "::1"
    assert found.mx[0].under_enforce == "accepted"


def test_without_smtp(lab, check):
    lab.domain("nosmtp.example")
    found = check("nosmtp.example", smtp=False)
    assert codes(found) == [] and found.mx[0].under_enforce == "unknown"
    assert lab.mails[found.mx[0].addresses[0]].seen == []


def test_nothing_was_left_out_where_there_is_no_host(lab, check):
    """`smtp=False` left no MX host out of a domain that has none: nothing is to be told of it."""
    lab.records("nohost.example", "TXT", '"x"')
    assert "smtp-not-tested" not in codes(check("nohost.example", smtp=False), "info")


def test_a_certificate_that_another_server_behind_the_name_does_not_show(lab, check):
    """One of two servers has the old certificate: senders fail now and then, and the second look finds nothing."""
    lab.domain("unsteady.example")
    lab.policy(
        "unsteady.example",
        GOOD.format(mx="mx.unsteady.example"),
        certificate=lab.leaf("mta-sts.unsteady.example", days=-3),
        then=lab.leaf("mta-sts.unsteady.example"),
    )
    found = check("unsteady.example")
    assert codes(found, "error") == ["policy-host-certificate-unsteady"]
    assert found.state == "broken" and "expired" in found.findings[0].evidence


def no_route(*_):
    raise OSError(errno.ENETUNREACH, "Network is unreachable")


def test_without_ipv6_here_nothing_is_said_against_hosts_that_have_only_that(
    lab, check, monkeypatch
):
    """The machine that checks has no IPv6: the domain must not be blamed for it."""
    lab.domain("six6.example", mx="mx.six6.example")
    for host in ("mta-sts.six6.example", "mx.six6.example"):
        del lab.zone[host, "A"]
        lab.records(host, "AAAA", "::1")
    monkeypatch.setattr("mtasts_analysis.checks.fetch.connect", no_route)
    monkeypatch.setattr("mtasts_analysis.checks.smtp.connect", no_route)
    found = check("six6.example")
    assert codes(found, "error") == [] and found.state == "unknown"
    assert {"policy-host-no-route", "smtp-not-tested"} <= set(codes(found, "unknown"))
    assert found.mx[0].sessions[0].outcome == "not-tested"


def test_a_host_that_drops_packets_is_unreachable(lab, check, monkeypatch):
    """Nothing comes back, not even a refusal: no word about TLS."""

    async def dropped(*_):
        raise TimeoutError

    lab.domain("dropped.example")
    monkeypatch.setattr("mtasts_analysis.checks.smtp.connect", dropped)
    found = check("dropped.example")
    assert codes(found) == ["mx-unreachable"]
    assert found.mx[0].sessions[0].detail == "time-out"


def test_checks_that_are_left_stop(lab):
    """Whoever takes the first domain and goes leaves no task and no socket behind."""
    lab.domain("first.example")
    lab.domain("slow.example")
    lab.webs["mta-sts.slow.example"].silent = True

    async def first():
        checks = Run(lab.config(https_timeout=60)).check_all(["slow.example", "first.example"])
        check = await anext(checks)
        await checks.aclose()
        return check.domain, asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(first()) == ("first.example", set())
