"""What is to be published: valid by our own readers, and by strangers' (dnspython's zone parser)."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dns.zone
import pandas as pd
import pytest

import mtasts_analysis as ma
from mtasts_analysis.checks.dns import Answer
from mtasts_analysis.checks.policy import Policy, read_policy
from mtasts_analysis.checks.providers import PROVIDERS
from mtasts_analysis.checks.records import read_sts, read_tlsrpt
from mtasts_analysis.findings import Finding
from mtasts_analysis.names import mx_matches
from mtasts_analysis.readiness import publish
from mtasts_analysis.readiness.publish import Task
from tests.readiness.worlds import MX1, MX2, PRODUCTION, TESTING, live, world

NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
MX = ("mx1.d.example", "mx2.d.example")


def made(mode="testing", mx=MX, max_age=86400, **named):
    return publish.publication("d.example", mode, mx, max_age, now=NOW, **named)


def zone(records):
    """Read records as a name server would."""
    text = "$ORIGIN d.example.\n@ 3600 IN SOA ns. a. 1 1 1 1 1\n@ 3600 IN NS ns.\n" + "\n".join(
        records
    )
    return dns.zone.from_text(text, origin="d.example", relativize=False)


def texts(records, name):
    return [
        b"".join(rdata.strings).decode()
        for rdata in zone(records).find_rdataset(f"{name}.d.example.", "TXT")
    ]


@pytest.mark.parametrize("mode", ["testing", "enforce", "none"])
def test_policy_and_records_are_valid(mode):
    found = made(mode, rua=["mailto:tls@d.example", "https://r.example/v1"], host="192.0.2.9")
    policy, findings = read_policy(found.text.encode())
    assert findings == []
    assert policy == found.policy
    assert (policy.mode, policy.mx) == (mode, MX)
    assert found.text.endswith("\r\n")
    assert read_sts(texts(found.records, "_mta-sts"))[0].id == found.id == "20260514093000"
    assert read_tlsrpt(texts(found.records, "_smtp._tls"))[0].rua == (
        "mailto:tls@d.example", "https://r.example/v1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("host", "kind", "target"),
    [
        ("192.0.2.9", "A", "192.0.2.9"),
        ("2001:DB8::9", "AAAA", "2001:db8::9"),
        ("pages.host.example", "CNAME", "pages.host.example."),
        ("pages.host.example.", "CNAME", "pages.host.example."),
    ],
)
def test_the_hosts_record(host, kind, target):
    rdataset = zone(made(host=host).records).find_rdataset("mta-sts.d.example.", kind)
    assert [str(rdata) for rdata in rdataset] == [target]


def test_long_records_are_split_where_dns_must():
    """RFC 1035 §3.3: a string has at most 255 octets; the strings are joined again without a space."""
    rua = [f"mailto:tls-reports-{n}@a-rather-long-name.example" for n in range(12)]
    found = made(rua=rua)
    assert read_tlsrpt(texts(found.records, "_smtp._tls"))[0].rua == tuple(rua)
    assert found.records[-1].count('" "') == 2


def test_what_an_address_must_not_hold_is_encoded():
    found = made(rua=["mailto:a!b,c@d.example"])
    assert "mailto:a%21b%2Cc@d.example" in found.records[-1]
    assert read_tlsrpt(texts(found.records, "_smtp._tls"))[0] is not None


def test_an_id_is_never_the_published_one():
    assert made(live_id="20260514093000").id == "20260514093001"


def test_names_become_a_labels():
    found = publish.publication("Bücher.example", "testing", ["mx.bücher.example"], now=NOW)
    assert found.domain == "xn--bcher-kva.example"
    assert found.policy.mx == ("mx.xn--bcher-kva.example",)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"mode": "enforced"}, "mode"),
        ({"mx": ()}, "mx"),
        ({"mx": ["mx1.d.example."]}, "dot"),
        ({"mx": ["mx1.d.example\r\nmode: none"]}, "valid policy"),
        ({"max_age": 31557601}, "max_age"),
        ({"rua": ["tls@d.example"]}, "mailto:"),
        ({"rua": ['mailto:a@d.example" "v=x']}, "rua"),
        ({"host": "192.0.2"}, "host"),
        ({"host": "x y"}, "host"),
    ],
)
def test_what_makes_no_valid_record(wrong, said):
    with pytest.raises(ma.InputError, match=said):
        made(**wrong)
    with pytest.raises(ma.InputError, match="domain"):
        publish.publication("a..b", "testing", MX)


# Names that these providers give to customers' MX records, as their setup pages print them.
REAL = {
    "Google Workspace": [
        "aspmx.l.google.com", "alt1.aspmx.l.google.com", "alt4.aspmx.l.google.com", "smtp.google.com",
        "aspmx2.googlemail.com", "aspmx5.googlemail.com",
    ],
    "Gmail": ["gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com"],
    "Microsoft 365": ["contoso-com.mail.protection.outlook.com", "contoso-com.o-v1.mx.microsoft"],
    "Outlook.com": ["outlook-com.olc.protection.outlook.com"],
    "Proofpoint": ["mxa-00123401.gslb.pphosted.com", "mx1-us1.ppe-hosted.com"],
    "Mimecast": ["eu-smtp-inbound-1.mimecast.com", "za-smtp-inbound-2.mimecast.co.za"],
    "Barracuda": ["d123456a.ess.barracudanetworks.com", "d123456b.ess.de.barracudanetworks.com"],
    "Cloudflare Email Routing": ["route1.mx.cloudflare.net", "route3.mx.cloudflare.net"],
    "Fastmail": ["in1-smtp.messagingengine.com", "in2-smtp.messagingengine.com"],
    "Proton Mail": ["mail.protonmail.ch", "mailsec.protonmail.ch"],
    "Zoho Mail": ["mx.zoho.com", "mx2.zoho.com", "mx3.zoho.eu"],
    "Yandex": ["mx.yandex.net"],
    "mailbox.org": ["mxext1.mailbox.org", "mxext3.mailbox.org"],
    "Migadu": ["aspmx1.migadu.com", "aspmx2.migadu.com"],
    "iCloud Mail": ["mx01.mail.icloud.com", "mx02.mail.icloud.com"],
}  # fmt: skip


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda p: p.name)
def test_each_preset_covers_its_hosts_and_is_valid(provider):
    patterns = publish.preset(provider.name.upper())
    policy = made(mx=patterns).policy
    for host in REAL[provider.name]:
        assert any(mx_matches(host, p) for p in policy.mx), host
    for p in patterns:
        assert p.removeprefix("*.").count(".") >= 1, (
            "a wildcard over a whole suffix lets anybody in"
        )


def test_the_guides_presets_are_not_copied():
    """RFC 8461 §4.1: `*` is one label. So its wildcards for Google and Proofpoint would refuse mail."""
    for wrong, host in (
        ("*.google.com", "aspmx.l.google.com"),
        ("*.mail.google.com", "aspmx.l.google.com"),
        ("*.pphosted.com", "mxa-00123401.gslb.pphosted.com"),
    ):
        assert not mx_matches(host, wrong)
    assert "*.google.com" not in publish.preset("Google Workspace")
    assert not any(p.startswith("*") for p in publish.preset("Google Workspace"))
    with pytest.raises(ma.InputError, match="expected one of Google Workspace"):
        publish.preset("Hotmail")


@pytest.mark.parametrize("how", publish.HOSTS)
def test_hosting(how):
    files = publish.hosting(made(), how)
    assert files[publish.WELL_KNOWN] == made().text
    assert "mta-sts.d.example" in files["README"]
    if how == "github-pages":
        assert files[".nojekyll"] == "", "else Pages does not serve .well-known"
    if how == "nginx":
        conf = files["mta-sts.d.example.conf"]
        assert conf.count("{") == conf.count("}")
        assert "NAME" not in conf
        assert "return 404" in conf
        assert "return 301" not in conf, "senders follow no redirect (RFC 8461 §3.3)"
        assert re.search(r"default_type text/plain;", conf)
    with pytest.raises(ma.InputError, match="how: expected one of nginx"):
        publish.hosting(made(), "ftp")


def test_an_update_in_order():
    """RFC 8461 §8.1: the policy before the id, then the record's TTL, then what was cached."""
    old = Policy("testing", 604800, ("mx1.d.example", "old.d.example"))
    tasks = publish.update(made("enforce"), old, ttl=300, mx_ttl=600)
    words = [task.do.split(" ")[0] for task in tasks]
    assert words == ["take", "publish", "publish", "wait", "only", "look"]
    assert "old.d.example" in tasks[0].do
    assert tasks[2].do.endswith("id=20260514093000")
    assert "mx2.d.example" in tasks[4].do
    assert [task.wait.total_seconds() for task in tasks] == [600, 0, 300, 604800, 0, 0]


def test_a_first_publication_waits_for_no_cache():
    tasks = publish.update(made())
    assert [task.wait.total_seconds() for task in tasks] == [0, 3600, 0]


def test_a_withdrawal_waits_for_the_longest_max_age_ever_served():
    """RFC 8461 §8.3: none with a small max_age, a new id, then the longest max_age, then remove."""
    found, tasks = publish.withdrawal("d.example", 1209600, ttl=300, now=NOW)
    assert (found.policy.mode, found.policy.max_age, found.policy.mx) == ("none", 86400, ())
    assert [t.wait.total_seconds() for t in tasks] == [0, 300, 1209600, 0, 0]
    assert ["mode none" in tasks[0].do, "id=20260514093000" in tasks[1].do] == [True, True]
    assert tasks[3].do == "remove the _mta-sts.d.example record", (
        "before the file, or senders look for one in vain"
    )
    _, short = publish.withdrawal("d.example", 60)
    assert short[2].wait == timedelta(days=1), "the max_age of mode none itself"
    with pytest.raises(ma.InputError, match="longest"):
        publish.withdrawal("d.example", -1)


def test_the_longest_max_age_of_a_table():
    """As documented: Small saw a week's policy, all others a day's; a table of null has no longest."""

    def longest(data):
        return ma.policy_history(data, ma.Filter(domains="d.example"))["max_age"].max()

    data = world(text=lambda day, s: PRODUCTION if s == "Small" else TESTING)
    _, tasks = publish.withdrawal("d.example", longest(data))
    assert tasks[2].wait == timedelta(days=7)
    untold = world(text=lambda day, s: TESTING[:-1])
    with pytest.raises(
        ma.InputError, match="longest: expected 0 to 31,557,600, a whole number; got a NAType"
    ):
        publish.withdrawal("d.example", longest(untold))


def test_a_wait_in_words():
    assert (
        str(Task("do", timedelta(days=14, hours=1, seconds=61)))
        == "do; then wait 14 days 1 h 2 min"
    )
    assert str(Task("do")) == "do"


def test_a_draft_beside_what_is_live():
    found = publish.diff(
        Policy("enforce", 604800, ("mx1.d.example", "mx3.d.example")),
        "version: STSv1\nmode: testing\nmx: mx1.d.example\nmx: mx2.d.example\nmax_age: 86400\n",
        ["mx1.d.example", "mx2.d.example", "mx3.d.example", "mx4.d.example"],
    )
    assert (found.gained, found.lost) == (("mx3.d.example",), ("mx2.d.example",))
    assert found.uncovered == ("mx2.d.example", "mx4.d.example")
    assert [c.split(":")[0] for c in found.changed] == ["mode", "max_age", "mx"]
    assert found.new_id
    same = Policy("enforce", 86400, MX)
    assert publish.diff(same, str(same), MX) == publish.Difference((), (), (), (), new_id=False)
    with pytest.raises(ma.InputError, match="draft"):
        publish.diff("nonsense", same, MX)


def test_the_inventory_forgets_no_mx():
    data = world(
        lambda day, s: [("validation-failure", "backup.d.example", 2)] if day == 40 else []
    )
    found = publish.inventory("d.example", data, live(mx=[MX1])).set_index("mx_host")
    assert found.index.tolist() == [MX1, MX2, "backup.d.example"]
    assert found["in_dns"].tolist() == [True, True, False]
    assert found["in_policy"].tolist() == [True, False, False]
    assert found["named"].tolist() == [True, True, False]
    assert found["failed_sessions"].tolist() == [0, 0, 8]
    assert found["under_enforce"].tolist()[:2] == ["accepted", "refused"]
    assert found["certificate_until"].notna().tolist() == [True, True, False]
    by_reports = publish.inventory("d.example", data)
    assert by_reports["in_dns"].isna().all()
    assert not by_reports.set_index("mx_host").loc["backup.d.example", "in_policy"]
    assert publish.inventory("d.example").empty


def test_what_the_inventory_does_not_know_is_not_no():
    """A host of the reports is not in DNS, but where DNS did not answer."""
    data = world(
        lambda day, s: [("validation-failure", "backup.d.example", 2)] if day == 40 else []
    )

    def in_dns(**changes):
        found = publish.inventory("d.example", data, replace(live(mx=[MX1]), **changes))
        return dict(zip(found["mx_host"], found["in_dns"], strict=True))

    assert not in_dns()["backup.d.example"]
    failed = Answer("failed", detail="SERVFAIL")
    assert in_dns(mx_answer=failed, mx=())["backup.d.example"] is pd.NA
    # No MX record, and whether the domain itself has an address is not known.
    why = Finding("mx-dns-failed", "unknown", "d.example", "SERVFAIL", "dig A d.example")
    assert in_dns(mx_answer=Answer("nodata"), findings=(why,), mx=())["backup.d.example"] is pd.NA


def test_the_inventory_has_the_mx_hosts_that_a_check_left_out():
    """Three records, one of them looked at (`mx_most=1`): the others are in DNS all the same."""
    records = (f"10 {MX1}.", f"20 {MX2}.", "30 mx3.d.example.")
    check = live()
    check = replace(check, mx=check.mx[:1], mx_answer=Answer("ok", records))
    found = publish.inventory("d.example", check=check)
    assert found["mx_host"].tolist() == [MX1, MX2, "mx3.d.example"]
    assert found["in_dns"].tolist() == [True, True, True]
    assert found["preference"].tolist() == [10, 20, 30]
    assert found["under_enforce"].isna().tolist() == [False, True, True]


def test_exact_hosts_from_live_mx():
    assert publish.exact_hosts(live()) == (MX1, MX2)
    with pytest.raises(ma.InputError, match="saw none"):
        publish.exact_hosts(replace(live(), mx=()))
