"""What the gates on a live check say: of each kind of finding, of what is not there and of what could not be looked at.

Without reports and their sessions: `tests/readiness/test_gates.py` has the worlds.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from mtasts_analysis.readiness.gate import FAIL, LITTLE, PASS, WARN
from mtasts_analysis.readiness.on_checks import home
from tests.checks.conftest import CODES
from tests.readiness.test_gates import gate, said
from tests.readiness.test_scenarios import error
from tests.readiness.worlds import AS_OF, MX1, MX2, live

HOMES = {
    "dns-records": "sts-record-missing sts-record-dns-failed sts-record-invalid sts-record-several sts-record-discarded sts-record-spaced sts-record-duplicate-id sts-record-delegated domain-not-found mx-dns-failed mx-missing null-mx implicit-mx mx-is-address mx-name-odd mx-is-alias mx-unresolvable mx-many mx-address-refused id-changed-same-policy domain-invalid check-failed",
    "tlsrpt-record": "tlsrpt-record-missing tlsrpt-record-dns-failed tlsrpt-record-invalid tlsrpt-record-several tlsrpt-record-discarded tlsrpt-record-delegated tlsrpt-rua-repeated tlsrpt-rua-own-domain",
    "policy-published": "policy-host-missing policy-host-dns-failed policy-host-address-refused policy-host-no-route policy-host-timeout policy-host-unreachable policy-host-delegated policy-host-certificate-expired policy-host-certificate-not-yet-valid policy-host-certificate-host-mismatch policy-host-certificate-not-trusted policy-host-certificate-chain-incomplete policy-host-certificate-weak policy-host-certificate-invalid policy-host-certificate-unsteady policy-redirect policy-http-status policy-content-encoding policy-content-type policy-too-large policy-near-limit policy-invalid policy-duplicate-field policy-duplicate-mx policy-field-typo policy-mx-odd policy-without-record policy-mode-testing policy-mode-none policy-max-age-short policy-max-age-long policy-mx-unused policy-wildcard-broad provider-recognised policy-changed-same-id record-before-policy withdrawn-without-none",
    "certificates-last": "policy-host-certificate-expires-soon certificate-expires-soon",
    "mx-in-policy": "mx-not-in-policy",
    "mx-certificates": "mx-unreachable starttls-not-supported starttls-refused validation-failure certificate-expired certificate-not-yet-valid certificate-host-mismatch certificate-not-trusted certificate-chain-incomplete certificate-weak certificate-invalid starttls-injection tls-old-versions tls-no-1.3 smtp-inconclusive smtp-not-tested certificate-covers certificate-trust-unknown",
    "dane": "tlsa-match tlsa-invalid tlsa-without-tls tlsa-unusable tlsa-insecure tlsa-lookup-failed dane-not-judged mx-insecure",
}  # fmt: skip


def test_each_finding_has_its_gate():
    """By what it is about: a certificate of the policy host that ends soon is one that ends soon."""
    assert sorted(code for codes in HOMES.values() for code in codes.split()) == sorted(CODES)
    for gate_code, codes in HOMES.items():
        for code in codes.split():
            assert home(code) == gate_code, code


@pytest.mark.parametrize(
    ("left", "status", "clause"),
    [
        (30, PASS, "every certificate lasts 30 days or more"),
        (29, WARN, "the certificate of mta-sts.d.example has 29 days left, until 2026-05-11"),
        (7, WARN, "the certificate of mta-sts.d.example has 7 days left, until 2026-04-19"),
        (6, FAIL, "the certificate of mta-sts.d.example has 6 days left, until 2026-04-18"),
        (1, FAIL, "the certificate of mta-sts.d.example has 1 day left, until 2026-04-13"),
        (-3, FAIL, "the certificate of mta-sts.d.example expired on 2026-04-09"),
    ],
)
def test_days_of_a_certificate(left, status, clause):
    found = gate("certificates-last", None, live(days_left=left))
    assert (found.status, found.clause) == (status, clause)
    assert found.clear_on == (AS_OF + timedelta(days=1) if status == FAIL else None)
    assert found.evidence.columns.tolist() == ["host", "days_left", "not_after"]
    assert found.evidence["host"].tolist() == ["mta-sts.d.example", MX1, MX2]
    assert found.evidence["days_left"].tolist() == [left] * 3


# --- what a check found --------------------------------------------------------------------------------


def finding(code, severity, subject="d.example", evidence="seen so", action="mend it"):
    return replace(error(code, subject, severity), evidence=evidence, action=action)


GRADES = [
    ("dns-records", "mx-is-alias"),
    ("policy-published", "policy-content-type"),
    ("tlsrpt-record", "tlsrpt-rua-odd"),
]


@pytest.mark.parametrize(("code", "of"), GRADES)
@pytest.mark.parametrize(
    ("severities", "status"),
    [
        (["error"], FAIL), (["warning"], WARN), (["unknown"], LITTLE), (["info"], PASS),
        (["unknown", "warning", "error"], FAIL), (["info", "unknown", "warning"], WARN),
    ],
)  # fmt: skip
def test_the_worst_finding_is_the_gate_s(code, of, severities, status):
    own = tuple(
        finding(of, severity, f"{severity}.example", f"seen {n}")
        for n, severity in enumerate(severities)
    )
    found = gate(code, None, live(findings=(*own, finding("certificate-expired", "error"))))
    assert found.status == status
    assert len(found.evidence) == len(severities), "its own findings, and no other gate's"
    assert found.evidence["severity"].tolist() == severities
    if status != PASS:
        worst = {FAIL: "error", WARN: "warning", LITTLE: "unknown"}[status]
        at = severities.index(worst)
        assert said(found)[1:] == (f"{worst}.example: seen {at}",) * 2 + ("mend it",)


def test_all_errors_stand_in_the_figures():
    both = (
        finding("mx-name-odd", "error", "a", "one"),
        finding("mx-name-odd", "error", "b", "two"),
    )
    found = gate("dns-records", None, live(findings=both))
    assert (found.clause, found.figures) == ("a: one", "a: one; b: two")


def unknown(check):
    return replace(check, sts_answer=replace(check.sts_answer, status="failed"))


def test_a_record_that_is_not_there_and_one_that_could_not_be_looked_up():
    absent = live(sts_record=None, findings=())
    found = gate("dns-records", None, absent)
    assert said(found)[:2] == (
        FAIL,
        "there is no usable record at _mta-sts.d.example: no sender looks for a policy",
    )
    assert found.action.startswith("publish it: ma.publish.publication()")
    failed = unknown(live(sts_record=None, findings=(finding("sts-record-dns-failed", "unknown"),)))
    assert gate("dns-records", None, failed).status == LITTLE, (
        "DNS failed: nothing is said to be absent"
    )
    broken = live(
        sts_record=None,
        findings=(finding("sts-record-invalid", "error", evidence="id has a dash"),),
    )
    assert gate("dns-records", None, broken).clause == "d.example: id has a dash", (
        "the reason, where there is one"
    )


def test_a_policy_that_is_not_there_and_one_that_could_not_be_looked_at():
    gone = live(policy=None, findings=())
    assert gone.state != "unknown"
    found = gate("policy-published", None, gone)
    assert said(found)[:2] == (FAIL, "no policy can be fetched from mta-sts.d.example")
    assert found.action == "publish the policy file: ma.publish.hosting() shows how"
    warned = gate(
        "policy-published", None, live(policy=None, findings=(finding("policy-x", "warning"),))
    )
    assert said(warned) == (
        FAIL,
        "no policy can be fetched from mta-sts.d.example",
        "d.example: seen so",
        "mend it",
    )
    dark = unknown(live(policy=None, sts_record=None, fetched=None, findings=()))
    assert dark.state == "unknown"
    found = gate("policy-published", None, dark)
    assert said(found)[:2] == (LITTLE, "the policy could not be looked at")
    why = (finding("policy-host-dns-failed", "unknown", "mta-sts.d.example", "SERVFAIL"),)
    found = gate("policy-published", None, replace(dark, findings=why))
    assert said(found) == (
        LITTLE,
        "mta-sts.d.example: SERVFAIL",
        "mta-sts.d.example: SERVFAIL",
        "mend it",
    )


def test_no_report_address_and_one_that_could_not_be_looked_up():
    check = live(tlsrpt_record=None)
    failed = replace(check, tlsrpt_answer=replace(check.tlsrpt_answer, status="failed"))
    assert gate("tlsrpt-record", None, failed).status == PASS, "the finding is what says so"
    told = replace(failed, findings=(finding("tlsrpt-record-dns-failed", "unknown"),))
    assert gate("tlsrpt-record", None, told).status == LITTLE
    broken = live(
        tlsrpt_record=None,
        findings=(finding("tlsrpt-record-invalid", "error", action="write rua"),),
    )
    found = gate("tlsrpt-record", None, broken)
    assert (found.status, found.action, found.clear_on) == (
        FAIL,
        "write rua",
        AS_OF + timedelta(days=1),
    )
    assert found.figures == "d.example: seen so"


def test_dane_never_holds_enforce_up():
    for severity, status in (
        ("error", WARN),
        ("warning", WARN),
        ("unknown", LITTLE),
        ("info", PASS),
    ):
        found = gate("dane", None, live(findings=(finding("tlsa-invalid", severity, MX1),)))
        assert found.status == status
    assert gate("dane", None, live()).clause == "nothing about DANE stands in the way"


def fates(**of):
    """A check at which MX hosts are refused or unknown, for the reasons that are given."""
    check = live()
    hosts = []
    for mx, name in zip(check.mx, ("mx1", "mx2"), strict=True):
        outcome = of.get(name)
        sessions = (
            tuple(replace(s, outcome=outcome, presented=None) for s in mx.sessions)
            if outcome
            else mx.sessions
        )
        hosts.append(replace(mx, sessions=sessions))
    return replace(check, mx=tuple(hosts), findings=of.get("findings", ()))


def test_why_an_mx_would_be_refused():
    why = (
        finding("smtp-not-tested", "unknown", "elsewhere.example", "not this one", "look"),
        finding("starttls-not-supported", "error", f"{MX2} (192.0.2.2)", "no STARTTLS", "offer it"),
        finding("certificate-expired", "error", f"{MX2} (192.0.2.3)", "later", "later"),
    )
    found = gate("mx-certificates", None, fates(mx2="no-starttls", findings=why[1:] + why[:1]))
    assert said(found) == (
        FAIL, f"under enforce {MX2} would be refused (no STARTTLS)", f"{MX1}: accepted, {MX2}: refused", "offer it",
    )  # fmt: skip
    assert len(found.evidence) == 3
    bare = gate("mx-certificates", None, fates(mx2="no-starttls"))
    assert bare.action == "see the gate on the policy's MX lines"


def test_of_many_hosts_twelve_stand_in_the_figures():
    check = live()
    many = tuple(replace(check.mx[0], host=f"h{n:02}.d.example") for n in range(14))
    found = gate("mx-certificates", None, replace(check, mx=many))
    assert found.clause.startswith("all 14 MX hosts present")
    assert found.figures == ", ".join(f"h{n:02}.d.example: accepted" for n in range(12))


def test_what_becomes_of_an_mx_that_was_not_reached():
    why = (finding("mx-unreachable", "unknown", f"{MX1} (192.0.2.1)", "time-out", "open port 25"),)
    found = gate("mx-certificates", None, fates(mx1="unreachable", findings=why))
    assert said(found) == (
        LITTLE, f"what becomes of {MX1} is not known (time-out)", f"{MX1}: unknown, {MX2}: accepted", "open port 25",
    )  # fmt: skip
    bare = gate("mx-certificates", None, fates(mx1="unreachable"))
    assert said(bare)[1::2] == (
        f"what becomes of {MX1} is not known",
        "run the check where port 25 is open",
    )


@pytest.mark.parametrize(
    ("severity", "status"), [("error", FAIL), ("warning", WARN), ("info", PASS)]
)
def test_a_finding_about_hosts_that_are_accepted(severity, status):
    found = gate(
        "mx-certificates",
        None,
        live(findings=(finding("tls-old-versions", severity, MX1, "TLS 1.0"),)),
    )
    assert found.status == status and len(found.evidence) == 1
    if status == PASS:
        assert (
            found.clause == "both MX hosts present a valid certificate over TLS 1.2 or newer"
            and not found.action
        )
    else:
        assert said(found)[1::2] == (f"{MX1}: TLS 1.0", "mend it")
