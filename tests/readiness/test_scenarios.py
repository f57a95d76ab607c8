"""Worlds whose answer is known by construction: each gives the stage, every gate and the verdict that it must."""

import re
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from mtasts_analysis.findings import Finding
from mtasts_analysis.readiness.gate import Found
from mtasts_analysis.readiness.gates import RULES
from mtasts_analysis.readiness.judgement import VERDICTS
from mtasts_analysis.readiness.on_checks import home
from tests.analysis.world import FIRST
from tests.conftest import ROOT
from tests.readiness.worlds import (
    AS_OF,
    ENFORCE,
    MX1,
    MX2,
    PRODUCTION,
    SENDERS,
    TESTING,
    assess,
    live,
    signed,
    world,
)

DATA = world()
FAIL, WARN, LITTLE = "fail", "warn", "not enough evidence"
UNSIGNED = {"evidence-authentic": LITTLE}
NO_CHECK = dict.fromkeys(
    ["mx-in-policy", "policy-seen", *(r.code for r in RULES if r.half == "live")], LITTLE
)
NO_REPORTS = dict.fromkeys((r.code for r in RULES if r.half == "reports"), LITTLE)
NOTHING_SEEN = dict.fromkeys(
    ["refused-share", "policy-fetch", "open-change", "interception", "policy-seen"], LITTLE
)
NONE = ["version: STSv1", "mode: none", "max_age: 86400"]
NEWER = [*TESTING[:-2], "mx: mx2.d.example", "mx: mx9.d.example", "max_age: 86400"]
VICTIM = {**SENDERS, "Victim": 30}


def error(code, subject="d.example", severity="error"):
    return Finding(code, severity, subject, "seen so", "mend it", "RFC")


def expired(days, host=MX2, who=SENDERS, count=20):
    return lambda day, s: [("certificate-expired", host, count)] if day in days and s in who else []


SCENARIOS = {
    # name: (reports, live check, stage, what does not pass, verdict)
    "ready": (world, live, "preparation", UNSIGNED, "ready"),
    "ready, all reports signed": (
        lambda: signed(world(), ["pass"]), live, "preparation", {}, "ready",
    ),
    "one report in four has a bad signature": (
        lambda: signed(world(), ["fail", "pass", "pass", "pass"]), live, "preparation",
        {"evidence-authentic": WARN}, "ready",
    ),
    "ready as far as reports tell": (
        world, None, "preparation", UNSIGNED | NO_CHECK, "ready by reports",
    ),
    "one MX with an expired certificate": (
        lambda: world(expired(range(35, 42))), live, "preparation",
        UNSIGNED | {"refused-share": FAIL, "open-change": FAIL}, "not yet",
    ),
    "an outage that is over": (
        lambda: world(expired(range(5, 12))), live, "preparation", UNSIGNED, "ready",
    ),
    "an outage of twelve days, over for two weeks, which the forecast remembers": (
        lambda: world(expired(range(14, 26), count=40)), live, "preparation", UNSIGNED | {"refused-share": LITTLE},
        "not enough evidence",
    ),
    "an outage that is just over": (
        lambda: world(expired(range(28, 33))), live, "preparation",
        UNSIGNED | {"refused-share": WARN}, "not yet",
    ),
    "a forgotten backup MX, which the senders find": (
        lambda: world(
            lambda day, s: [("validation-failure", "backup.d.example", 9)] if day % 2 else []
        ),
        None, "preparation",
        UNSIGNED | NO_CHECK | {"mx-in-policy": FAIL, "refused-share": FAIL}, "not yet",
    ),
    "a forgotten backup MX, which only the check finds": (
        world, lambda: live(mx=[MX1]), "preparation",
        UNSIGNED | {"mx-in-policy": FAIL, "mx-certificates": FAIL, "policy-seen": WARN}, "not yet",
    ),
    "senders dial an MX that was retired": (
        lambda: world(lambda day, s: [("validation-failure", "old.d.example", 1)] if s == "Big" else []),
        live, "preparation", UNSIGNED | {"mx-in-policy": WARN}, "ready",
    ),
    "one noisy sender": (
        lambda: world(lambda day, s: [("validation-failure", MX1, 30)] if s == "Small" else []),
        live, "preparation", UNSIGNED | {"refused-share": FAIL}, "not yet",
    ),
    "no reports about the domain": (
        lambda: world(days=1, senders={}), None, "none",
        UNSIGNED | NO_CHECK | NO_REPORTS | {"days-in-testing": LITTLE}, "not enough evidence",
    ),
    "no reports loaded": (
        lambda: None, live, "set-up", NO_REPORTS | {"days-in-testing": LITTLE}, "not enough evidence",
    ),
    "only no-policy-found": (
        lambda: world(
            lambda day, s: [("starttls-not-supported", MX1, 2)], kind=lambda day, s: "no-policy-found"
        ),
        None, "none",
        UNSIGNED | NO_CHECK | NOTHING_SEEN | {"days-in-testing": FAIL, "policy-honoured": FAIL}, "not yet",
    ),
    "only DANE": (
        lambda: world(kind=lambda day, s: "tlsa"), None, "none",
        UNSIGNED | NO_CHECK | NOTHING_SEEN | {"days-in-testing": FAIL, "policy-honoured": LITTLE}, "not yet",
    ),
    "most senders find no policy": (
        lambda: world(kind=lambda day, s: "no-policy-found" if s in ("Big", "Large") else "sts"),
        live, "preparation", UNSIGNED | {"policy-honoured": WARN}, "ready",
    ),
    "enforce already": (
        lambda: world(text=lambda day, s: TESTING if day < 30 else ENFORCE),
        lambda: live(mode="enforce"), "enforce", UNSIGNED, "enforcing",
    ),
    "production": (
        lambda: world(text=lambda day, s: TESTING if day < 30 else PRODUCTION),
        lambda: live(mode="enforce", max_age=604800), "production", UNSIGNED, "enforcing",
    ),
    "enforce already, and failing": (
        lambda: world(expired(range(37, 42)), text=lambda day, s: ENFORCE), None, "enforce",
        UNSIGNED | NO_CHECK | {"refused-share": FAIL, "open-change": FAIL}, "enforcing, failing",
    ),
    "enforce, and nobody reports": (
        lambda: None, lambda: live(mode="enforce"), "enforce", NO_REPORTS, "enforcing, little evidence",
    ),
    "withdrawn": (
        lambda: world(text=lambda day, s: TESTING if day < 30 else NONE), None, "none",
        UNSIGNED | NO_CHECK | {"days-in-testing": FAIL}, "not yet",
    ),
    "testing, but the record was removed": (
        world,
        lambda: live(sts_record=None, findings=(error("sts-record-missing", severity="warning"),)),
        "none", UNSIGNED | {"days-in-testing": FAIL, "dns-records": FAIL}, "not yet",
    ),
    "testing for two weeks": (
        lambda: world(days=15), None, "monitoring",
        # 15 days without a failure bound the forecast at 1 - 0.025^(1/15) = 22 %.
        UNSIGNED | NO_CHECK | {"days-in-testing": FAIL, "refused-share": LITTLE}, "not yet",
    ),
    "testing for five days": (
        lambda: world(days=5), None, "set-up",
        UNSIGNED | NO_CHECK
        | {"days-in-testing": FAIL, "days-with-reports": LITTLE, "refused-share": LITTLE}, "not yet",
    ),
    "only certificate failures, which one tool lets pass": (
        lambda: world(
            lambda day, s: [(("certificate-host-mismatch", "certificate-expired")[day % 2], MX1, 15)]
        ),
        live, "preparation", UNSIGNED | {"refused-share": FAIL}, "not yet",
    ),
    "interception": (
        lambda: world(
            lambda day, s: [("starttls-not-supported", MX1, 1, "203.0.113.9")] if s == "Victim" else [],
            senders=VICTIM,
        ),
        live, "preparation", UNSIGNED | {"interception": FAIL}, "not yet",
    ),
    "a rise that stays small": (
        lambda: world(lambda day, s: [("validation-failure", MX1, 3)] if s == "Big" and day > 20 else []),
        live, "preparation", UNSIGNED | {"open-change": FAIL}, "not yet",
    ),
    "a sender still on an old policy": (
        lambda: world(text=lambda day, s: TESTING if day < 20 or s == "Small" else NEWER), None,
        "preparation", UNSIGNED | NO_CHECK | {"policy-seen": WARN}, "ready by reports",
    ),
    "all senders on another policy than the one published": (
        world, lambda: live(max_age=604800), "preparation",
        UNSIGNED | {"policy-seen": WARN}, "ready",
    ),
    "failures that overlap": (
        lambda: world(
            lambda day, s: [("certificate-expired", MX2, 1), ("certificate-not-trusted", MX2, 1)]
            if s == "Big" else [],
            total=1,
        ),
        live, "preparation", UNSIGNED, "ready",
    ),
    "a type that nobody knows": (
        lambda: world(lambda day, s: [("a-new-type", MX1, 30)]), live, "preparation",
        UNSIGNED | {"refused-share": FAIL}, "not yet",
    ),
    "the policy host fails": (
        lambda: world(lambda day, s: [("sts-policy-fetch-error", None, 3)] if day == 40 else []),
        live, "preparation", UNSIGNED | {"policy-fetch": FAIL}, "not yet",
    ),
    "one sender could not fetch the policy": (
        lambda: world(
            lambda day, s: [("sts-policy-fetch-error", None, 1)] if (day, s) == (40, "Small") else []
        ),
        live, "preparation", UNSIGNED | {"policy-fetch": WARN}, "ready",
    ),
    "one sender alone": (
        lambda: world(senders={"Big": 900}), live, "preparation",
        UNSIGNED | {"senders-seen": LITTLE}, "not enough evidence",
    ),
    "a sender fell silent": (
        lambda: world(reports=lambda day, s: s != "Large" or day < 34), live, "preparation",
        UNSIGNED | {"senders-seen": WARN}, "ready",
    ),
    "reports stopped ten days ago": (
        lambda: world(reports=lambda day, s: day < 32), live, "preparation",
        UNSIGNED | {"days-with-reports": LITTLE, "refused-share": LITTLE}, "not enough evidence",
    ),
    "the MX hosts could not be reached from here": (
        world, lambda: live(reached=False), "preparation",
        UNSIGNED | {"mx-certificates": LITTLE, "certificates-last": LITTLE}, "not enough evidence",
    ),
    "a certificate with twenty days left": (
        world, lambda: live(days_left=20), "preparation",
        UNSIGNED | {"certificates-last": WARN}, "ready",
    ),
    "a certificate with three days left": (
        world, lambda: live(days_left=3), "preparation",
        UNSIGNED | {"certificates-last": FAIL}, "not yet",
    ),
    "the domain takes no mail": (
        world, lambda: replace(live(), mx=(), null_mx=True), "preparation",
        UNSIGNED | {"dns-records": WARN, "mx-certificates": LITTLE, "mx-in-policy": LITTLE},
        "not enough evidence",
    ),
    "the file withdraws the policy, while senders still hold it": (
        world, lambda: live(mode="none"), "none",
        UNSIGNED | {"days-in-testing": FAIL, "policy-published": FAIL, "policy-seen": WARN}, "not yet",
    ),
    "no TLSRPT record": (
        world, lambda: live(tlsrpt_record=None), "preparation",
        UNSIGNED | {"tlsrpt-record": FAIL}, "not yet",
    ),
    "the policy file cannot be fetched": (
        world,
        lambda: live(policy=None, fetched=None, findings=(error("policy-http-status"),)), "preparation",
        UNSIGNED | {"policy-published": FAIL, "mx-in-policy": LITTLE, "policy-seen": LITTLE}, "not yet",
    ),
    "TLSA records match nothing": (
        world, lambda: live(findings=(error("tlsa-invalid", MX1),)), "preparation",
        UNSIGNED | {"dane": WARN}, "ready",
    ),
}  # fmt: skip


DAYS = {"testing for two weeks": 15, "testing for five days": 5}
"""How long those scenarios last that are judged earlier than the others."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    make, check, stage, expected, verdict = SCENARIOS[name]
    data = make()
    days = DAYS.get(name)
    as_of = AS_OF if days is None else FIRST + timedelta(days=days)
    found = assess(data, None if check is None else check(), as_of=as_of)
    assert found.stage.name == stage
    assert {g.code: g.status for g in found.gates if g.status != "pass"} == expected
    assert found.verdict == verdict
    if not verdict.startswith("ready"):
        assert "may go" not in found.sentence
    changes = [step.earliest for step in found.plan if step.name in ("enforce", "production")]
    assert (found.next_date in changes[:1]) if changes else found.stage.name == "production"
    for gate in found.gates:
        assert gate.clause
        assert isinstance(gate.evidence, pd.DataFrame)
        if gate.status in (FAIL, LITTLE):
            assert gate.action, "what does not pass says what to do"


def test_each_verdict_and_each_gate_is_met():
    assert {verdict for *_, verdict in SCENARIOS.values()} == set(VERDICTS)
    spoken = {c for *_, e, _ in SCENARIOS.values() for c, s in e.items() if s in (FAIL, WARN)}
    assert spoken == {rule.code for rule in RULES} - {"days-with-reports"}, (
        "which knows too little, or enough"
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_no_gate_is_idle(rule, monkeypatch):
    """With a gate's rule taken away, a scenario that it decides, or warns in, ends otherwise."""
    idle = replace(rule, judge=lambda of: Found("pass", "nothing is asked"), needs_sessions=False)
    without = tuple(idle if r is rule else r for r in RULES)
    decided = (
        (make(), check and check())
        for name, (make, check, _, expected, _) in SCENARIOS.items()
        if rule.code in expected and name not in DAYS and (check or rule.half != "live")
    )

    def said(given):
        found = assess(*given)
        return found.sentence, found.reasons

    def moves(given):
        before = said(given)
        with monkeypatch.context() as patch:
            patch.setattr("mtasts_analysis.readiness.gates.RULES", without)
            return said(given) != before

    assert any(map(moves, decided))


# Every code that a check can give, as its source writes it.
CODES = sorted(
    {
        code
        for path in (ROOT / "mtasts_analysis" / "checks").glob("*.py")
        for code in re.findall(
            r"""(?:Finding|say)\(\s*f?"([a-z0-9.-]+)"|^\s+"([a-z]+(?:-[a-z0-9.]+)+)",$""",
            path.read_text(),
            re.MULTILINE,
        )
        for code in code
        if "-" in code
    }
)


def test_the_codes_are_found():
    assert len(CODES) > 40
    assert {
        "policy-http-status",
        "mx-unresolvable",
        "certificate-expired",
        "record-before-policy",
    } <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_no_error_of_a_check_is_lost(code):
    """Whatever a check calls an error keeps a domain from being called ready; DANE's alone are only named."""
    found = assess(DATA, live(findings=(error(code),)))
    if home(code) == "dane":
        assert (found.verdict, found.gate("dane").status) == ("ready", WARN)
    elif home(code) not in ("mx-in-policy", "certificates-last"):  # which look for themselves
        assert found.gate(home(code)).status == FAIL
        assert found.verdict == "not yet"
