"""The plain functions: many domains, frames, history, certificates before they are deployed, the command line."""

import asyncio
import json
import re
import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import mtasts_analysis as ma
from mtasts_analysis import cli
from mtasts_analysis.checks.domain import Run
from mtasts_analysis.checks.running import run
from mtasts_analysis.show.cards import check_html, check_text
from tests.checks.lab import GOOD


@pytest.fixture(scope="module")
def three(lab):
    lab.mx("mx.shared.example")
    for name in ("one.example", "two.example"):
        lab.domain(name, mx="mx.shared.example")
    lab.mx("mx.three.example", certificate=lab.leaf("mx.three.example", days=-4))
    lab.domain("three.example")
    return [
        "two.example",
        "One.Example.",
        "three.example",
        "one.example",
        "no domain",
        "192.0.2.1",
        "*.x.example",
    ]


def test_many(lab, three):
    seen = lab.mails[lab.zone["mx.shared.example", "A"][0]].seen
    seen.clear()
    told = []
    results = ma.check_domains(three, config=lab.config(), progress=told.append)
    assert [c.domain for c in results] == ["two.example", "one.example", "three.example"]
    assert sorted(c.domain for c in told) == ["one.example", "three.example", "two.example"]
    assert [f.subject for f in results.rejected] == ["no domain", "192.0.2.1", "*.x.example"]
    assert seen.count("STARTTLS") == 1, "an MX that two domains share is asked once"
    assert results["ONE.example"].state == "enforce"
    for other in ("four.example", "not a domain"):
        with pytest.raises(KeyError):
            _ = results[other]


def test_frames(lab, three, tmp_path):
    results = ma.check_domains(three, config=lab.config(), progress=False)
    for frame in (results.findings, results.facts, results.certificates):
        assert "object" not in set(map(str, frame.dtypes))
    assert results.findings.loc[results.findings["severity"] == "error", "code"].tolist() == [
        "domain-invalid", "domain-invalid", "domain-invalid", "certificate-expired",
    ]  # fmt: skip
    facts = results.facts.set_index("domain")
    assert facts["mx_refused"].to_dict() == {"two.example": 0, "one.example": 0, "three.example": 1}
    assert facts["max_age"].tolist() == [1_209_600] * 3
    soonest = results.certificates.iloc[0]
    assert (soonest["host"], soonest["days_left"], soonest["accepted"]) == (
        "mx.three.example",
        -4,
        False,
    )
    paths = results.to_parquet(tmp_path)
    for path, frame in zip(
        paths, (results.findings, results.facts, results.certificates), strict=True
    ):
        pd.testing.assert_frame_equal(pd.read_parquet(path), frame, check_dtype=False, check_categorical=False)  # fmt: skip


def test_nothing_at_all():
    results = ma.check_domains([])
    assert (len(results), len(results.findings), len(results.facts), len(results.certificates)) == (0, 0, 0, 0)  # fmt: skip
    assert str(results) == "" and "0 domains" in results._repr_html_()


def test_json_and_back(lab, three):
    check = ma.check_domain("three.example", config=lab.config(tls_versions=True))
    text = json.dumps(check.to_dict())
    back = ma.DomainCheck.from_dict(json.loads(text))
    assert back == check
    made = json.loads(text)
    assert made["state"] == "enforce" and made["mx"][0]["under_enforce"] == "refused"
    with pytest.raises(ma.InputError, match="to_dict"):
        ma.DomainCheck.from_dict({"domain": 1})


def test_inside_a_running_loop(lab, three):
    """As in Jupyter."""

    async def cell():
        return ma.check_domain("one.example", config=lab.config())

    assert asyncio.run(cell()).state == "enforce"

    async def wrong():
        return ma.check_domain("one.example", config=lab.config(ca_file="/nowhere"))

    with pytest.raises(ma.InputError, match="ca_file"):
        asyncio.run(wrong())


def test_the_stop_button_ends_the_checks():
    """A notebook's interrupt reaches the thread in which the checks run."""
    ended, main = [], threading.get_ident()

    async def work():
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(True)

    async def cell():
        threading.Timer(0.3, signal.pthread_kill, [main, signal.SIGINT]).start()
        run(work())

    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    begun = time.monotonic()
    try:
        with asyncio.Runner() as runner, pytest.raises(KeyboardInterrupt):
            loop = runner.get_loop()
            loop.run_until_complete(cell())
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended == [True] and time.monotonic() - begun < 10


@pytest.mark.parametrize(
    "domain", ["", "a b", "x" * 300, "a..b", "192.0.2.1", "*.example", "\x00", None]
)
def test_no_domain_name(domain):
    with pytest.raises(ma.InputError, match="expected a domain name"):
        ma.check_domain(domain)


def test_a_u_label(lab):
    lab.domain("xn--bcher-kva.example")
    assert ma.check_domain("Bücher.example", config=lab.config()).state == "enforce"


def test_sockets_are_bounded(lab):
    for n in range(12):
        lab.mx(f"mx.s{n}.example", greeting_delay=0.1)
        lab.domain(f"s{n}.example")
    lab.open_most = 0
    domains = [f"s{n}.example" for n in range(12)]
    results = ma.check_domains(domains, config=lab.config(sockets=3), progress=False)
    assert {c.state for c in results} == {"enforce"} and 1 < lab.open_most <= 3


HOSTILE = "</td><script>alert(1)</script>\x1b[31m\u202egnp.exe"


def test_hostile_servers_in_cards(lab):
    host = "mx.hostile.example"
    lab.mx(
        host,
        ehlo=b"250-<img src=x onerror=alert(1)>\x1b[2J\r\n250 SIZE\r\n",
        greeting=b'220 "><script>\r\n',
    )
    lab.domain("hostile.example")
    lab.policy("hostile.example", GOOD.format(mx=host) + f"mx: {HOSTILE}\n")
    lab.records("_smtp._tls.hostile.example", "TXT", '"v=TLSRPTv1; rua=<script>alert(2)</script>"')
    check = ma.check_domain("hostile.example", config=lab.config())
    page, text = check_html(check), check_text(check)
    assert "<script" not in page and "<img" not in page and "&lt;script&gt;" in page
    for bad in ("\x1b", "\u202e"):
        assert bad not in page and bad not in text
    assert check._repr_html_() == page and str(check) == repr(check) == text


# What could not be looked up is never "none": the names that DNS fails for, the cell's line, what it says.
NOT_KNOWN = [
    (["_mta-sts.{}"], "_mta-sts record ", "not known: TXT could not be looked up: SERVFAIL"),
    (["_smtp._tls.{}"], "_smtp._tls record ", "not known: TXT could not be looked up: SERVFAIL"),
    (["mta-sts.{}"], "policy ", "not known: A of the policy host could not be looked up"),
    (["mta-sts.{} A"], "policy ", "not known: A of the policy host could not be looked up"),
    (["{} MX"], "MX ", "not known: SERVFAIL"),
    (["mx.{}"], "10 mx.{} ", " not known "),
    (["mx.{} AAAA"], "10 mx.{} ", ", others not known "),
    (["_25._tcp.mx.{} TLSA"], "10 mx.{} ", " not known "),
]


@pytest.mark.parametrize(("failing", "row", "said"), NOT_KNOWN)
def test_what_was_not_looked_up_is_not_absent_in_a_card(lab, failing, row, said):
    domain = f"d{NOT_KNOWN.index((failing, row, said))}.unknown.example"
    lab.domain(domain)
    # The policy host has an IPv6 address where nobody listens; the MX host's is not signed.
    lab.records(f"mta-sts.{domain}", "AAAA", "::1")
    lab.insecure.add(f"mx.{domain}")
    lab.status.update({name.format(domain): "SERVFAIL" for name in failing})
    check = ma.check_domain(domain, config=lab.config(https_port=1))
    card = check_text(check)
    (line,) = [w for w in card.splitlines() if w.startswith("  " + row.format(domain))]
    assert said in line, card
    assert not re.search(r"\bnone\b", line) and ("TLSA" not in failing[0] or "no TLSA" not in line)
    if failing == ["mta-sts.{} A"]:
        assert "policy-host-unreachable" in [f.code for f in check.findings], (
            "what was known was asked"
        )
    assert said.strip(" ,") in check_html(check)


def test_the_card_of_a_check_that_broke_off(lab, monkeypatch):
    async def breaks(self, domain):
        raise RuntimeError("met something new")

    monkeypatch.setattr(Run, "check", breaks)
    card = check_text(ma.check_domain("broken.example", config=lab.config()))
    for row in ("_mta-sts record", "policy", "_smtp._tls record", "MX"):
        assert re.search(rf"^  {row} +not known: the check broke off$", card, re.MULTILINE), card


def test_every_finding_is_shown_and_explained(lab, three):
    check = ma.check_domain("three.example", config=lab.config())
    page, text = check_html(check), check_text(check)
    for finding in check.findings:
        assert finding.code in page and finding.code in text
        assert finding.reference
        assert finding.action or finding.severity == "info"
    assert "under enforce" in text and "refused" in text


# --- what has changed since the last check --------------------------------------------------------


def drifted(lab, domain, tmp_path, change):
    history = tmp_path / "checks.parquet"
    first = ma.check_domain(domain, config=lab.config(), history=history)
    assert not {"policy-changed-same-id", "id-changed-same-policy", "record-before-policy"} & {f.code for f in first.findings}  # fmt: skip
    change()
    second = ma.check_domain(domain, config=lab.config(), history=history)
    assert len(pd.read_parquet(history)) == 2
    return {f.code for f in second.findings}


def test_body_changed_under_the_same_id(lab, tmp_path):
    lab.domain("body.drift.example")
    new = GOOD.format(mx="mx.body.drift.example").replace("1209600", "604800")
    assert "policy-changed-same-id" in drifted(lab, "body.drift.example", tmp_path, lambda: lab.policy("body.drift.example", new))  # fmt: skip


def test_id_changed_over_the_same_body(lab, tmp_path):
    lab.domain("id.drift.example")
    found = drifted(lab, "id.drift.example", tmp_path, lambda: lab.records("_mta-sts.id.drift.example", "TXT", '"v=STSv1; id=b"'))  # fmt: skip
    assert "id-changed-same-policy" in found and "policy-changed-same-id" not in found


def test_both_changed_is_as_it_should_be(lab, tmp_path):
    lab.domain("both.drift.example")

    def change():
        lab.policy("both.drift.example", GOOD.format(mx="mx.both.drift.example") + "x: y\n")
        lab.records("_mta-sts.both.drift.example", "TXT", '"v=STSv1; id=b"')

    assert not {"id-changed-same-policy", "policy-changed-same-id"} & drifted(lab, "both.drift.example", tmp_path, change)  # fmt: skip


def test_record_before_policy(lab, tmp_path):
    lab.domain("early.drift.example")
    record = lab.zone.pop(("_mta-sts.early.drift.example", "TXT"))
    address = lab.zone.pop(("mta-sts.early.drift.example", "A"))
    assert address
    found = drifted(lab, "early.drift.example", tmp_path, lambda: lab.records("_mta-sts.early.drift.example", "TXT", *record))  # fmt: skip
    assert "record-before-policy" in found


def test_withdrawn_without_none(lab, tmp_path):
    lab.domain("gone.drift.example")
    found = drifted(lab, "gone.drift.example", tmp_path, lambda: lab.zone.pop(("_mta-sts.gone.drift.example", "TXT")))  # fmt: skip
    assert "withdrawn-without-none" in found


def test_a_check_that_could_not_tell_is_no_history(lab, tmp_path):
    lab.domain("fails.drift.example")
    history = tmp_path / "h.parquet"
    ma.check_domain("fails.drift.example", config=lab.config(), history=history)
    lab.status["_mta-sts.fails.drift.example"] = "SERVFAIL"
    assert (
        ma.check_domain("fails.drift.example", config=lab.config(), history=history).state
        == "unknown"
    )
    assert len(pd.read_parquet(history)) == 1


def test_a_fetch_that_failed_hides_nothing(lab, tmp_path):
    """Seen, then unreachable, then seen with another body under the same id: the change is told."""
    domain, history = "hidden.drift.example", tmp_path / "h.parquet"
    lab.domain(domain)
    ma.check_domain(domain, config=lab.config(), history=history)
    web = lab.webs[f"mta-sts.{domain}"]
    web.status = "503 Busy"
    assert ma.check_domain(domain, config=lab.config(), history=history).state == "broken"
    web.status, web.body = "200 OK", GOOD.format(mx=f"mx.{domain}").replace("1209600", "604800")
    found = ma.check_domain(domain, config=lab.config(), history=history)
    assert "policy-changed-same-id" in {f.code for f in found.findings}
    web.status = "503 Busy"
    ma.check_domain(domain, config=lab.config(), history=history)
    lab.zone.pop((f"_mta-sts.{domain}", "TXT"))
    for _ in range(2):  # as long as senders may hold it
        found = ma.check_domain(domain, config=lab.config(), history=history)
        assert "withdrawn-without-none" in {f.code for f in found.findings}


def test_a_foreign_history(lab, tmp_path):
    (tmp_path / "no.parquet").write_text("no")
    with pytest.raises(ma.InputError, match="history"):
        ma.check_domain("x.example", history=tmp_path / "no.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(ma.SchemaError, match="check_domain"):
        ma.check_domain("x.example", history=tmp_path / "other.parquet")


# --- a certificate before it is deployed ----------------------------------------------------------


def pem(leaf):
    return b"".join(p.bytes() for p in leaf.cert_chain_pems)


def test_certificate_before_it_is_deployed(lab):
    lab.domain("plan.example")
    config = lab.config()

    def codes(leaf, *severities, **more):
        found = ma.check_certificate(pem(leaf), "plan.example", config=config, **more).findings
        return [
            f.code for f in found if f.severity in (severities or ("error", "warning", "unknown"))
        ]

    assert codes(lab.leaf("mx.plan.example", "mta-sts.plan.example")) == []
    assert codes(lab.leaf("mx.plan.example")) == []
    assert codes(lab.leaf("mx.plan.example"), "info") == ["certificate-covers"]
    assert codes(lab.leaf("mx.plan.example", days=-1)) == ["certificate-expired"]
    assert codes(lab.leaf("mx.plan.example", days=5)) == ["certificate-expires-soon"]
    assert codes(lab.leaf("mx.plan.example", ca=lab.other_ca)) == ["certificate-not-trusted"]
    assert codes(lab.orphan("mx.plan.example")) == ["certificate-chain-incomplete"]
    mismatch = "certificate-host-mismatch"
    assert codes(lab.leaf("www.elsewhere.example")) == [mismatch, f"policy-host-{mismatch}"]
    assert codes(lab.leaf("mx.plan.example"), hosts=["mx.plan.example", "a.example"]) == ["certificate-host-mismatch"]  # fmt: skip


def test_a_certificate_of_the_policy_host_is_judged_as_one_of_https(lab):
    """RFC 8461 §3.3, not §4.2; and it is looked at on port 443, without STARTTLS."""
    lab.domain("web.plan.example")
    host = "mta-sts.web.plan.example"
    check = ma.check_certificate(pem(lab.leaf(host, days=-1)), "web.plan.example", config=lab.config())  # fmt: skip
    (said,) = [f for f in check.findings if f.severity == "error"]
    assert (said.code, said.reference) == ("policy-host-certificate-expired", "RFC 8461 §3.3")
    assert f"-connect {host}:443 " in said.action and "starttls" not in said.action


def test_a_certificate_with_an_extension_that_nobody_can_read(lab, tmp_path):
    """It parses as a certificate, and its names do not: the file is named, and the error is ours."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.d.example")])
    now = datetime.now(UTC)
    names = x509.UnrecognizedExtension(x509.OID_SUBJECT_ALTERNATIVE_NAME, bytes.fromhex("3002a300"))
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(9))
        .add_extension(names, critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path / "odd.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(ma.InputError, match=re.escape(str(path))):
        ma.check_certificate(path, "d.example", config=lab.config())
    with pytest.raises(ma.InputError, match="the text given"):
        ma.check_certificate(path.read_bytes(), "d.example", config=lab.config())


def test_certificate_where_the_trusted_authorities_cannot_be_listed(lab, monkeypatch):
    """A store that is a folder of hashes: nothing is said about trust, and that is said."""
    lab.domain("store.example")
    monkeypatch.setattr("ssl.SSLContext.get_ca_certs", lambda *_, **__: [])
    check = ma.check_certificate(pem(lab.leaf("mx.store.example")), "store.example", config=lab.config())  # fmt: skip
    assert [f.code for f in check.findings if f.severity == "unknown"] == ["certificate-trust-unknown"]  # fmt: skip


def test_certificate_against_tlsa(lab):
    """The rollover that DANE breaks: the new key is not in DNS yet."""
    lab.domain("tlsa.example")
    new = lab.leaf("mx.tlsa.example")
    lab.records("_25._tcp.mx.tlsa.example", "TLSA", f"3 1 1 {'00' * 32}")
    found = ma.check_certificate(pem(new), "tlsa.example", config=lab.config()).findings
    (said,) = [f for f in found if f.severity == "error"]
    assert said.code == "tlsa-invalid"
    lab.records("_25._tcp.mx.tlsa.example", "TLSA", said.action.partition("TLSA ")[2])
    found = ma.check_certificate(pem(new), "tlsa.example", config=lab.config()).findings
    assert [f.code for f in found] == ["tlsa-match", "certificate-covers"][::-1]
    # A backup MX keeps its own certificate: its records say nothing about this one.
    lab.mx("backup.tlsa.example")
    lab.records("tlsa.example", "MX", "10 mx.tlsa.example.", "20 backup.tlsa.example.")
    lab.records("_25._tcp.backup.tlsa.example", "TLSA", f"3 1 1 {'00' * 32}")
    found = ma.check_certificate(pem(new), "tlsa.example", config=lab.config()).findings
    assert [f.code for f in found] == ["certificate-covers", "tlsa-match"]


def test_certificate_files(lab, tmp_path):
    lab.domain("file.example")
    path = tmp_path / "fullchain.pem"
    leaf = lab.leaf("mx.file.example")
    path.write_bytes(leaf.private_key_pem.bytes() + pem(leaf))
    for given in (path, str(path), path.read_text(), path.read_bytes()):
        check = ma.check_certificate(given, "file.example", config=lab.config())
        assert check.hosts == ("mx.file.example",) and "nothing" not in str(check)
        assert check.certificate.serial == f"{x509.load_pem_x509_certificate(pem(leaf)).serial_number:x}"  # fmt: skip
    for wrong in (
        b"",
        "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----",
        str(tmp_path / "none"),
    ):
        with pytest.raises(ma.InputError, match="pem: expected"):
            ma.check_certificate(wrong, "file.example", config=lab.config())


# --- the command line -----------------------------------------------------------------------------


@pytest.fixture
def command(lab, monkeypatch, capsys):
    """Run the command line with the lab as its Internet."""

    def config(**given):
        given = {k: v for k, v in given.items() if v not in (None, ())}
        return lab.config(**given)

    monkeypatch.setattr("mtasts_analysis.checks.config.CheckConfig", config)

    def run(*arguments):
        code = cli.main(list(arguments))
        return code, capsys.readouterr()

    return run


def test_check_command(lab, three, command, tmp_path):
    code, said = command("check", "one.example")
    assert code == 0 and said.out.startswith("one.example: enforce\n") and said.err == ""
    listed = tmp_path / "domains.txt"
    listed.write_text("# ours\none.example\n\nthree.example  # the third\n")
    code, said = command("check", "--file", str(listed), "--json", "-o", str(tmp_path / "out"))
    assert code == 4
    assert [c["domain"] for c in json.loads(said.out)["checks"]] == ["one.example", "three.example"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["certificates.parquet", "facts.parquet", "findings.parquet"]  # fmt: skip
    assert command("check", "three.example", "--no-smtp")[0] == 0
    lab.domain("dunno.example")
    lab.status["_mta-sts.dunno.example"] = "TIMEOUT"
    assert command("check", "dunno.example")[0] == 5
    assert command("check")[0] == 1
    code, said = command("check", "one.example", "--allow-network", "192.0.2.0/24")
    assert "not a public address" in said.out, "only what is named is allowed"
    assert "--allow-network 127.0.0." in said.out
    code, said = command("check", "one.example", "--allow-network", "10.0.0.1/8")
    assert code == 1 and "allow_networks" in said.err
    code, said = command("check", "--file", str(tmp_path / "none.txt"))
    assert code == 1 and "--file" in said.err


def test_monitor_command(lab, three, command):
    code, said = command("monitor", "one.example")
    assert code == 0
    assert [line.split()[0] for line in said.out.splitlines()[1:]] == ["90", "90"]
    assert command("monitor", "one.example", "--days", "120")[0] == 4
    code, said = command("monitor", "three.example", "one.example")
    assert code == 4
    assert said.out.splitlines()[1].split()[:2] == ["-4", "mx.three.example"]
    code, said = command("monitor", "one.example", "nowhere.test")
    assert code == 5 and "nowhere.test" in said.out
    code, said = command("monitor", "one.example", "not a domain")
    assert code == 5 and "no domain name" in said.out
    assert said.err.startswith("mtasts-analysis: domain: expected a domain name; 'not a domain'")
    assert said.err.count("\n") == 1


def test_what_monitor_could_not_see_has_a_row(lab):
    """A name that is none; hosts whose lookup failed: `days_left` is missing, and the reason is said."""
    lab.domain("dim.monitor.example")
    lab.status["dim.monitor.example MX"] = "SERVFAIL"
    lab.status["mta-sts.dim.monitor.example"] = "SERVFAIL"
    lab.domain("web.monitor.example")
    lab.status["mta-sts.web.monitor.example"] = "SERVFAIL"
    names = ["10.0.0.1", "dim.monitor.example", "web.monitor.example"]
    found = ma.monitor(names, config=lab.config(), progress=False)
    unseen = found[found["days_left"].isna()]
    rows = {(r.domain, r.role): r.problem for r in unseen.itertuples()}
    assert set(rows) == {
        ("10.0.0.1", "no domain name"),
        ("dim.monitor.example", "policy host"),
        ("dim.monitor.example", "MX"),
        ("web.monitor.example", "policy host"),
    }
    assert "expected a domain name" in rows["10.0.0.1", "no domain name"]
    looked_up = [why for (_, role), why in rows.items() if role != "no domain name"]
    assert all("could not be looked up: SERVFAIL" in why for why in looked_up)
    assert set(found.loc[found["days_left"].notna(), "host"]) == {"mx.web.monitor.example"}


def test_one_name_is_one_domain_and_what_was_not_seen_has_a_row(lab):
    """A string is a name, not its letters; and an MX without an address does not drop out of the table."""
    lab.domain("one-name.example")
    lab.records("one-name.example", "MX", "10 mx.one-name.example.", "20 gone.test.")
    results = ma.check_domains("one-name.example", config=lab.config())
    assert [check.domain for check in results] == ["one-name.example"]
    rows = results.certificates.set_index("host")
    assert set(rows.index) == {"mta-sts.one-name.example", "mx.one-name.example", "gone.test"}
    assert rows.loc["gone.test", "problem"] == "no address, or not connected to"


def test_the_recorded_check():
    check = ma.live.recorded_check()
    assert "recorded" in check.note and check.note in str(check)
    assert check.note in check._repr_html_()
    assert check.state == "testing"


def test_what_could_not_be_looked_up_is_never_shown_as_absent(lab):
    lab.domain("dark.example")
    for name in ("_mta-sts.dark.example", "_smtp._tls.dark.example"):
        lab.status[name] = "SERVFAIL"
    shown = str(ma.check_domain("dark.example", config=lab.config()))
    assert (
        shown.count("not known: TXT could not be looked up") == 2 and "none that can" not in shown
    )
    plain = str(ma.check_domain("nowhere.test", config=lab.config()))
    assert re.search(r"_mta-sts record +none$", plain, re.MULTILINE)


def test_a_table_of_many_says_whose_errors_stand_below(lab):
    """An MX host's name does not tell whose it is; so many domains as can be read are shown."""
    names = [f"d{n}.many.example" for n in range(22)]
    lab.mx("mx.shared.example", certificate=lab.leaf("mx.shared.example", days=-3))
    for name in names:
        lab.domain(name, mx="mx.shared.example")
    patient = lab.config(dns_timeout=20, https_timeout=30, smtp_timeout=20, smtp_deadline=30)
    page = ma.check_domains(names, config=patient, progress=False)._repr_html_()
    assert page.count("certificate-expired") == 20 and "Errors of 2 more domains" in page
    assert "<h3>d19.many.example</h3>" in page and "is-error" in page and ".is-error {" in page
