"""Checks cannot be turned on the inside, nor held up, nor filled: each attack with a server that makes it."""

import asyncio
import shlex
import socket
import time

import pytest

from mtasts_analysis.checks.policy import BODY_MOST
from mtasts_analysis.checks.wire import Wire
from tests.checks.lab import GOOD, WEB


def codes(check, *severities):
    wanted = severities or ("error", "warning", "unknown")
    return [f.code for f in check.findings if f.severity in wanted]


def in_time(check, domain, seconds=20, **changed):
    begun = time.monotonic()
    found = check(domain, **changed)
    assert time.monotonic() - begun < seconds
    return found


# --- where it connects to -------------------------------------------------------------------------

INSIDE = [
    ("v4", "A", "127.0.0.1", "loopback"),
    ("rfc1918", "A", "10.0.0.5", "a private network"),
    ("metadata", "A", "169.254.169.254", "a cloud's metadata service"),
    ("zero", "A", "0.0.0.0", "this host, on Linux"),
    ("cgn", "A", "100.64.0.1", "shared address space"),
    ("mapped", "AAAA", "::ffff:127.0.0.1", "IPv4-mapped: would reach 127.0.0.1"),
    ("sixtofour", "AAAA", "2002:7f00:1::", "6to4, global to ipaddress"),
    ("nat64", "AAAA", "64:ff9b::7f00:1", "NAT64, global to ipaddress"),
    ("ula", "AAAA", "fd00::1", "unique local"),
]


@pytest.mark.parametrize(("name", "kind", "address", "why"), INSIDE, ids=[i[0] for i in INSIDE])
def test_private_addresses_after_dns(lab, check, monkeypatch, name, kind, address, why):
    """A stranger's zone names an address of the inside, for the policy host and for the MX."""
    domain = f"{name}.inside.example"
    lab.domain(domain)
    for host in (f"mta-sts.{domain}", f"mx.{domain}"):
        lab.zone.pop((host, "A"))
        lab.records(host, kind, address)
    asked = []

    async def never(_, sock, to):
        asked.append(to)
        raise AssertionError(to)

    monkeypatch.setattr("asyncio.selector_events.BaseSelectorEventLoop.sock_connect", never)
    found = check(domain, allow_networks=())
    assert codes(found) == ["policy-host-address-refused", "mx-address-refused"], why
    assert asked == [] and found.mx[0].under_enforce == "unknown"
    assert "is not a public address" in found.mx[0].sessions[0].detail


def test_of_several_addresses_only_the_public_ones(lab, check):
    lab.domain("mixed.example")
    inside = lab.mx("victim.example")
    good = lab.zone["mx.mixed.example", "A"][0]
    lab.records("mx.mixed.example", "A", inside, good)
    lab.records("mta-sts.mixed.example", "A", "127.0.0.99", WEB)
    found = check("mixed.example", allow_networks=(f"{good}/32", f"{WEB}/32"))
    assert found.fetched.status == 200 and found.fetched.address == WEB
    assert {s.address: s.outcome for s in found.mx[0].sessions} == {good: "tls", inside: "not-public"}  # fmt: skip
    assert lab.mails[inside].arrived == 0, "not one connection"


def test_rebinding_between_check_and_connect(lab, check):
    """The first answer is public, every later one is of the inside: the name is not looked up again."""
    lab.domain("rebind.example")
    good = lab.zone["mx.rebind.example", "A"][0]
    victim = lab.mx("victim2.example")
    lab.next["mx.rebind.example", "A"] = [victim]
    lab.next["mta-sts.rebind.example", "A"] = ["127.0.0.1"]
    found = check("rebind.example", allow_networks=(f"{good}/32", f"{WEB}/32"), tls_versions=True)
    assert codes(found) == [] and found.fetched.address == WEB
    assert lab.mails[victim].arrived == 0
    assert lab.asked.count(("mx.rebind.example", "A")) == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirects_to_the_inside(lab, check, status):
    domain = f"r{status[:3]}.redirect.example"
    lab.domain(domain)
    lab.domain(f"victim.{domain}")
    victim = lab.webs[f"mta-sts.victim.{domain}"]
    where = f"https://mta-sts.victim.{domain}:{lab.https_port}/.well-known/mta-sts.txt"
    lab.policy(domain, GOOD.format(mx=f"mx.{domain}"), status=status, headers={"Location": where})
    found = check(domain)
    assert codes(found) == ["policy-redirect"] and found.state == "broken"
    assert victim.requests == 0 and lab.webs[f"mta-sts.{domain}"].requests == 1


# --- how much it takes, and how long ----------------------------------------------------------------

TAKEN = 20_000_000  # what stands in the kernel's buffers between the two


@pytest.mark.parametrize("what", ["body", "head", "early"])
def test_a_policy_host_that_never_ends(lab, check, what):
    domain = f"{what}.endless.example"
    lab.domain(domain)
    web = lab.policy(domain, "", endless=what)
    found = in_time(check, domain)
    assert codes(found) == ["policy-too-large" if what == "body" else "policy-host-unreachable"]
    assert web.taken < TAKEN
    assert len(found.fetched.body or b"") <= BODY_MOST + 1


def test_who_sends_faster_than_he_is_read_keeps_nobody_waiting():
    """What is there at once is read without a turn of the loop: then no deadline would be seen."""

    async def read_on():
        near, far = socket.socketpair()
        near.setblocking(False)
        wire = Wire(near)
        with near, far:
            far.sendall(bytes(100_000))
            far.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(0):
                while await wire.receive():
                    pass
            pytest.fail("all of it was read first")

    with pytest.raises(TimeoutError):
        asyncio.run(read_on())


def test_a_compressed_body(lab, check):
    """300 MB in 300 kB, sent though identity was asked for: not one byte is inflated."""
    import gzip

    lab.domain("bomb.example")
    bomb = gzip.compress(bytes(30_000_000), 9)
    headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    lab.policy("bomb.example", bomb, headers=headers)
    found = in_time(check, "bomb.example")
    assert codes(found) == ["policy-content-encoding"] and found.fetched.body is None


def test_the_deadline_is_for_all_addresses_together(lab, check):
    """Eight addresses of a policy host that answers nothing cost one time-out, not eight."""
    lab.domain("eight.example")
    lab.policy("eight.example", "", silent=True)
    lab.records("mta-sts.eight.example", "A", *[WEB] * 1, *(f"127.0.1.{n}" for n in range(200, 207)))  # fmt: skip
    found = in_time(check, "eight.example", 6, https_timeout=1)
    assert found.state == "broken"


BANNERS = [
    ("lines", {"endless": b"220-" + b"x" * 996 + b"\r\n"}, "an endless reply"),
    ("noline", {"endless": b"x" * 1000}, "an endless reply"),
    ("nothing", {"endless": b"\r\n" * 500}, "no SMTP reply"),
    ("drip", {"drip": 0.3, "greeting": b"220-" + b"x" * 900}, "no complete reply in 1 s"),
    ("silent", {"greeting_delay": 30}, "no complete reply in 1 s"),
    ("ehlodrip", {"ehlo": b"250-mx\r\n"}, "no complete reply in 1 s"),
    ("deaf", {"starttls": b""}, "no complete reply in 1 s"),
    ("resetehlo", {"reset_at": "EHLO"}, "hung up"),
    ("resettls", {"reset_at": "STARTTLS"}, "hung up"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "how", "said"), BANNERS, ids=[b[0] for b in BANNERS])
def test_an_mx_that_never_comes_to_the_point(lab, check, name, how, said):
    """Bounded, and never called a server without STARTTLS: nothing was learned about it."""
    domain = f"{name}.banner.example"
    lab.mx(f"mx.{domain}", **how)
    lab.domain(domain)
    found = in_time(check, domain)
    (session,) = found.mx[0].sessions
    assert session.outcome == "inconclusive" and said in session.detail
    assert codes(found) == ["smtp-inconclusive"] and found.mx[0].under_enforce == "unknown"
    assert lab.mails[session.address].taken < TAKEN


def test_a_reset_before_the_greeting_is_no_word_about_tls(lab, check):
    lab.mx("mx.rst.example", reset_at="CONNECT")
    lab.domain("rst.example")
    # Which of the two the kernel tells depends on when the RST arrives.
    assert codes(check("rst.example")) in (["smtp-inconclusive"], ["mx-unreachable"])


def test_the_bounds_are_the_configuration_s(lab, check):
    lab.mx("mx.bounds.example", greeting=b"220-x\r\n" * 50 + b"220 x\r\n")
    lab.domain("bounds.example")
    assert codes(check("bounds.example")) == []
    assert codes(check("bounds.example", smtp_reply_bytes=200)) == ["smtp-inconclusive"]


def test_connections_that_are_refused_say_nothing_about_versions(lab, check):
    """A rate limit answers by RST: that is no `does not take TLS 1.3`."""
    lab.mx("mx.rate.example", resets_after=1, maximum=__import__("ssl").TLSVersion.TLSv1_2)
    lab.domain("rate.example")
    found = check("rate.example", tls_versions=True)
    versions = dict(found.mx[0].sessions[0].versions)
    assert versions == {"TLSv1": None, "TLSv1.1": None, "TLSv1.2": True, "TLSv1.3": None}
    assert codes(found, "error", "warning", "info") == []


NEVER_CLOSES = [
    ("length", {"holds": "length"}, {}, []),
    ("nolength", {"holds": "none"}, {}, ["policy-host-timeout"]),
    ("quit", {}, {"holds": True}, []),
    ("notls", {}, {"holds": True, "ehlo": b"250 mx\r\n"}, ["starttls-not-supported"]),
    ("handshake", {}, {"silent_tls": True}, ["smtp-inconclusive"]),
]


@pytest.mark.parametrize(
    ("name", "web", "mail", "want"), NEVER_CLOSES, ids=[n[0] for n in NEVER_CLOSES]
)
def test_a_server_that_never_closes(lab, check, name, web, mail, want):
    """What it said whole counts; for the rest there is a deadline; and its connection is closed from here."""
    domain = f"{name}.holds.example"
    lab.mx(f"mx.{domain}", **mail)
    lab.domain(domain)
    lab.policy(domain, GOOD.format(mx=f"mx.{domain}"), **web)
    assert codes(in_time(check, domain, 8)) == want


SANS = [
    ("many", 150, [], "as those of a large mail service"),
    ("thousand", 1_000, [], "as OpenSSL takes them"),
    ("flood", 10_000, ["validation-failure", "policy-host-unreachable"], "OpenSSL takes 100 KB of certificates, no more"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "number", "want", "why"), SANS, ids=[s[0] for s in SANS])
def test_a_certificate_of_many_names(lab, check, name, number, want, why):
    """The last one counts as the first does; the policy host's and the MX host's alike."""
    domain = f"{name}.san.example"
    hosts = [f"mx.{domain}", f"mta-sts.{domain}"]
    leaf = lab.leaf(*(f"n{n}.other.example" for n in range(number)), *hosts)
    lab.mx(hosts[0], certificate=leaf)
    lab.domain(domain)
    lab.policy(domain, GOOD.format(mx=hosts[0]), certificate=leaf)
    assert set(codes(in_time(check, domain))) == set(want), why
    bare = lab.leaf(*("n" * 50 + f"{n}.other.example" for n in range(number)))
    lab.policy(domain, GOOD.format(mx=hosts[0]), certificate=bare)
    said = [f.evidence for f in check(domain).findings if f.code.endswith("host-mismatch")]
    assert all(len(s) < 400 and "…, not for" in s for s in said)
    assert bool(said) == (not want)


def test_a_policy_host_that_takes_the_connection_and_never_shakes_hands(lab, check):
    lab.domain("mute.example")
    with socket.create_server(("127.0.98.1", lab.https_port)):
        lab.records("mta-sts.mute.example", "A", "127.0.98.1")
        found = in_time(check, "mute.example", 8, https_timeout=1)
    assert codes(found) == ["policy-host-timeout"] and found.state == "broken"


# --- DNS --------------------------------------------------------------------------------------------


def test_loops_of_cnames(lab, check):
    lab.domain("loop.example")
    for name in ("_mta-sts.loop.example", "mta-sts.loop.example", "mx.loop.example"):
        for kind in ("A", "TXT"):
            lab.zone.pop((name, kind), None)
        lab.records(name, "CNAME", f"a.{name}.")
        lab.records(f"a.{name}", "CNAME", f"{name}.")
    found = in_time(check, "loop.example")
    assert found.state == "unknown" and found.mx[0].addresses == ()
    assert codes(found, "error") == [], "it could not be told: never 'there is none'"
    assert {"sts-record-dns-failed", "policy-host-dns-failed", "mx-dns-failed"} <= set(codes(found))


def test_a_thousand_mx_records(lab, check):
    lab.domain("thousand.example")
    lab.big.add("thousand.example")
    records = [f"{n} m{n}.nowhere.test." for n in range(1000, 1, -1)] + ["1 mx.thousand.example."]
    lab.records("thousand.example", "MX", *records)
    lab.asked.clear()
    found = in_time(check, "thousand.example", dns_timeout=10)
    assert [m.host for m in found.mx][:3] == ["mx.thousand.example", "m2.nowhere.test", "m3.nowhere.test"]  # fmt: skip
    assert len(found.mx) == 20 and len(lab.asked) < 120
    (said,) = [f for f in found.findings if f.code == "mx-many"]
    assert said.evidence.startswith("1000 MX hosts"), "and those that are preferred are the ones"


def test_a_thousand_addresses_and_texts(lab, check):
    lab.domain("crowd.example")
    for name in ("mx.crowd.example", "_mta-sts.crowd.example", "mta-sts.crowd.example"):
        lab.big.add(name)
    lab.records("mx.crowd.example", "A", *(f"127.9.{n // 250}.{n % 250 + 1}" for n in range(1000)))
    lab.records("mta-sts.crowd.example", "A", *(f"127.8.{n // 250}.{n % 250 + 1}" for n in range(1000)))  # fmt: skip
    lab.records("_mta-sts.crowd.example", "TXT", *(f'"x{n}"' for n in range(1000)), '"v=STSv1; id=a"')  # fmt: skip
    found = in_time(check, "crowd.example", dns_timeout=10)
    assert found.sts_record.id == "a", "the one among a thousand"
    assert len(found.mx[0].sessions) == 8 and "mx-many" in codes(found)
    assert len(str(found)) < 200_000 and all(len(f.evidence) < 2_000 for f in found.findings)


ODD = [r"a\.b.example.", r"\000\001.example.", "x" * 63 + "." + "y" * 63 + ".example.", "_.example.", "-.example.", r"\"<script>.example.", "*.example."]  # fmt: skip


def test_names_that_no_host_has(lab, check):
    lab.domain("odd.example")
    lab.records("odd.example", "MX", *(f"{n} {name}" for n, name in enumerate(ODD, 1)))
    address = lab.zone["mx.odd.example", "A"]
    for name in ODD:
        lab.records(name.removesuffix("."), "A", *address)
    found = in_time(check, "odd.example")
    assert "check-failed" not in codes(found) and len(found.mx) == len(ODD)


SHELL = [
    "`touch x`.example.",
    r"\$\(id\).example.",
    "a|id.example.",
    "a&id.example.",
    "a'b.example.",
]


@pytest.mark.parametrize("name", SHELL)
def test_a_name_that_a_shell_would_run(lab, check, name):
    """What a finding offers to be pasted into a shell holds a stranger's name as one word, which does nothing."""
    domain = f"s{SHELL.index(name)}.shell.example"
    lab.mx(f"mx.{domain}", certificate=lab.leaf(f"mx.{domain}", days=-3))
    lab.domain(domain)
    name = name.replace(" ", r"\032")
    lab.records(domain, "MX", f"10 {name}")
    for address in ([], lab.zone[f"mx.{domain}", "A"], ["127.0.99.99"]):
        lab.records(name.removesuffix("."), "A", *address)
        found = check(domain, dns_timeout=10, smtp_timeout=10, smtp_deadline=20)
        host = found.mx[0].host
        commands = [
            line
            for f in found.findings
            for line in f.action.splitlines()
            if line.startswith(("openssl", "dig", "curl"))
        ]
        assert commands or not address
        for command in commands:
            assert shlex.quote(host) in command.replace(":25", ""), command
            assert host not in command.replace(shlex.quote(host), "").replace(
                shlex.quote(f"{host}:25"), ""
            )
