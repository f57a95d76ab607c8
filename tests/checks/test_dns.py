"""What DNS says of a question: an answer, that there is none, or nothing; each reply from a server on loopback."""

import asyncio

import pytest

from mtasts_analysis.checks.dns import Answer, Asker

SOA = "example. 60 IN SOA a. b. 1 1 1 1 1"
NS = "example. 60 IN NS ns.example."
ALIAS = "q.example. 60 IN CNAME there.example."
FAR = "q.example. 60 IN CNAME there.test."
LOOP = "q.example. 60 IN CNAME back.example."
TXT = '60 IN TXT "a"'


def reply(answer="", authority="", flags="QR RD RA", rcode="NOERROR"):
    lines = ["id 1", "opcode QUERY", f"rcode {rcode}", f"flags {flags}", ";QUESTION"]
    return "\n".join(filter(None, [*lines, ";ANSWER", answer, ";AUTHORITY", authority]))


# RFC 2308 §2.2's three kinds of NODATA and the referral beside them, and what is none of these.
ONE = [
    (reply(authority=f"{SOA}\n{NS}"), "nodata", "", "type 1"),
    (reply(authority=SOA), "nodata", "", "type 2"),
    (reply(), "nodata", "", "type 3: dnsmasq and home routers give no more"),
    (reply(flags="QR AA"), "nodata", "", "type 3, of a server that has the zone"),
    (reply(authority=NS, flags="QR AA"), "nodata", "", "its own NS, of a server that has the zone"),
    (reply(authority=NS), "failed", "a referral to the servers of example.", "NS and no SOA"),
    (reply(authority=NS, flags="QR"), "failed", "a referral", "a server that is no resolver"),
    (reply(flags="QR TC"), "failed", "cut short (TC)", "empty for want of room, over TCP too"),
    (reply(authority=SOA, flags="QR TC"), "failed", "cut short", "whatever is left of it"),
    (reply(f"q.example. {TXT}", flags="QR TC"), "failed", "cut short", "others may be missing"),
    (reply(rcode="NXDOMAIN", flags="QR TC"), "failed", "cut short", "that of a name, too"),
    (reply(f"z.example. {TXT}"), "failed", "something else was answered: TXT of z.example.", "another's"),
    (reply("z.example. 60 IN CNAME q.example."), "failed", "CNAME of z.example.", "another's alias"),
    (reply("q.example. 60 IN A 192.0.2.1"), "failed", "A of q.example.", "what a captive portal says to all"),
    (reply(f"z.example. {TXT}", rcode="NXDOMAIN"), "failed", "TXT of z.example.", "and no such name?"),
    (reply(f"q.example. {TXT}", rcode="NXDOMAIN"), "failed", "NXDOMAIN", "the name is there, and is not"),
    (reply(rcode="NXDOMAIN"), "nxdomain", "", "the code alone says it (§2.1)"),
    (reply(authority=NS, rcode="NXDOMAIN"), "nxdomain", "", "NXDOMAIN's type 4 has NS and no SOA"),
    (reply(f"q.example. {TXT}", authority=NS), "ok", "", "an answer, with the zone's servers"),
    (reply(f"{ALIAS}\nexample. 60 IN DNAME x.\nthere.example. {TXT}"), "ok", "", "DNAME beside it"),
    (reply(ALIAS, SOA), "nodata", "", "the SOA is of the zone where the alias leads"),
    (reply(ALIAS, rcode="NXDOMAIN"), "nxdomain", "", "§2.1: of the name where the alias leads"),
]  # fmt: skip
# A lone alias: the question is put again, where it leads.
TWO = [
    (FAR, "there.test.", reply(f"there.test. {TXT}"), "ok", "", "it has the records"),
    (FAR, "there.test.", reply(), "nodata", "", "it has none: dnsmasq says both so"),
    (FAR, "there.test.", reply(rcode="NXDOMAIN"), "nxdomain", "", "it is not there"),
    (FAR, "there.test.", reply(authority="test. 60 IN NS ns."), "failed", "a referral", "nobody knows"),
    (FAR, "there.test.", reply(rcode="SERVFAIL"), "failed", "SERVFAIL", "nobody knows"),
    (LOOP, "back.example.", reply("back.example. 60 IN CNAME q.example."), "failed", "its alias leads to", "a loop, a step a reply"),
]  # fmt: skip


@pytest.fixture
def ask(lab):
    async def asked(kind):
        return await Asker(lab.config(), asyncio.Semaphore(1)).ask("q.example", kind)

    yield lambda kind="TXT": asyncio.run(asked(kind))
    lab.replies.clear()


@pytest.mark.parametrize(("text", "status", "said", "why"), ONE)
def test_a_reply(lab, ask, text, status, said, why):
    lab.replies["q.example"] = text
    answer = ask()
    assert answer.status == status, why
    assert said in answer.detail and len(answer.detail) <= 200
    assert bool(answer.records) == (status == "ok")


@pytest.mark.parametrize(("alias", "name", "text", "status", "said", "why"), TWO)
@pytest.mark.parametrize("authority", ["", SOA, "test. 60 IN NS ns."], ids=["bare", "soa", "ns"])
def test_an_alias_that_is_not_followed(lab, ask, alias, name, text, status, said, why, authority):
    if name.endswith("example.") and authority == SOA:
        return  # that is NODATA
    lab.replies.update({"q.example": reply(alias, authority), name.removesuffix("."): text})
    lab.asked.clear()
    answer = ask()
    assert answer.status == status, why
    assert said in answer.detail and len(lab.asked) < 20
    assert status == "failed" or answer.chain == ("there.test",)


def test_dnssec_vouches_for_the_whole_way(lab, ask):
    for first, second, secure in [("AD", "AD", True), ("AD", "", False), ("", "AD", False)]:
        lab.replies["q.example"] = reply(FAR, flags=f"QR {first}")
        lab.replies["there.test"] = reply(f"there.test. {TXT}", flags=f"QR {second}")
        assert ask() == Answer("ok", ("a",), ("there.test",), secure)


@pytest.mark.parametrize(
    "text", [reply(authority=NS), reply(flags="QR TC"), reply(f"z.example. {TXT}")]
)
def test_no_finding_says_that_there_is_none(lab, check, text):
    """Of the records, the policy host, the MX and its address alike."""
    lab.domain("odd.example")
    names = ("odd.example", "_mta-sts.odd.example", "_smtp._tls.odd.example", "mta-sts.odd.example")
    lab.replies.update(dict.fromkeys(names, text))
    found = check("odd.example")
    lab.replies.clear()
    assert found.state == "unknown"
    assert {f.code for f in found.findings} == {
        "sts-record-dns-failed", "tlsrpt-record-dns-failed", "policy-host-dns-failed", "mx-dns-failed"
    }  # fmt: skip
