"""Worlds whose answer is known by construction: each gives the stage, the gates and the verdict that it must."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

import mtasts_analysis as ma
from mtasts_analysis.readiness import impact as module
from mtasts_analysis.readiness.acknowledged import Acknowledged
from mtasts_analysis.readiness.config import ReadinessConfig
from tests.analysis.world import FIRST, load, policy, report

DAYS = 42
AS_OF = (FIRST + timedelta(days=DAYS)).isoformat()
MX1, MX2 = "mx1.d.example", "mx2.d.example"
TESTING = ["version: STSv1", "mode: testing", f"mx: {MX1}", f"mx: {MX2}", "max_age: 86400"]
ENFORCE = ["version: STSv1", "mode: enforce", f"mx: {MX1}", f"mx: {MX2}", "max_age: 86400"]
PRODUCTION = [*ENFORCE[:-1], "max_age: 604800"]
SENDERS = {"Big": 400, "Large": 300, "Middle": 120, "Small": 40}


def world(
    failing=lambda day, sender: (),
    *,
    days=DAYS,
    text=lambda day, sender: TESTING,
    kind=lambda day, sender: "sts",
    senders=SENDERS,
    total=None,
):
    """Each sender reports each day; what fails, and which policy it sees, is said by day and sender."""
    made = []
    for day in range(days):
        for sender, volume in senders.items():
            bad = failing(day, sender)
            lost = sum(n for _, _, n, *_ in bad)
            made.append(
                report(
                    day,
                    [
                        policy(
                            volume - lost,
                            bad,
                            text=text(day, sender),
                            kind=kind(day, sender),
                            total=total,
                        )
                    ],
                    sender=sender,
                )
            )
    return load(made)


def assess(data, **named):
    return ma.assess(data, "d.example", as_of=AS_OF, **named)


def failing(found):
    return {gate.code for gate in found.gates if gate.status == "fail"}


def test_ready():
    found = assess(world())
    assert found.verdict == "ready by reports"
    assert failing(found) == set()
    assert found.stage.name == "preparation"
    assert found.next_step == "make a live check and assess again"
    assert (found.impact.sessions, found.impact.refused) == (14 * 860, 0)


def test_an_expired_certificate_at_one_mx():
    found = assess(
        world(
            lambda day, s: [("certificate-expired", MX2, 20)] if day >= 35 and s != "Small" else []
        )
    )
    assert found.verdict == "not yet"
    assert {"refused-share", "open-change"} <= failing(found)
    assert found.impact.refused == 7 * 3 * 20
    assert (
        "certificate-expired at mx2.d.example rose on 2026-04-05"
        in found.gate("open-change").figures
    )
    assert "renew it" in found.next_step
    assert set(found.gate("refused-share").evidence["mx_host"]) == {MX2}


def test_the_outage_that_is_over():
    found = assess(
        world(lambda day, s: [("certificate-expired", MX2, 20)] if 5 <= day < 12 else [])
    )
    assert found.verdict == "ready by reports"
    assert found.gate("open-change").status == "pass", "it fell again"


def test_falling_is_asked_only_above_the_bound():
    found = assess(
        world(lambda day, s: [("certificate-expired", MX2, 20)] if 28 <= day < 33 else [])
    )
    assert found.gate("refused-share").status == "warn"
    assert found.gate("refused-share").figures.endswith("falling")


def test_a_forgotten_backup_mx():
    """The sender borrows a type; what is to be done is to list the MX."""
    found = assess(
        world(lambda day, s: [("validation-failure", "backup.d.example", 9)] if day % 2 else [])
    )
    assert found.verdict == "not yet"
    assert "mx-in-policy" in failing(found)
    assert "mx: backup.d.example" in found.gate("mx-in-policy").action


def test_what_if_an_mx_is_left_out():
    """A draft's answer in numbers: failures at a host that it does not list are refused, whatever their type."""
    data = world(lambda day, s: [("sts-policy-fetch-error", MX2, 1)] if s == "Big" else [])
    found = assess(data)
    assert found.impact.refused == 0
    draft = "version: STSv1\nmode: enforce\nmx: mx1.d.example\nmax_age: 86400\n"
    assert found.replay(draft).refused == 14
    assert found.replay(draft.replace("mx1", "*")).refused == 0
    with pytest.raises(ma.InputError, match="expected a valid policy file"):
        found.replay("mode: enforce")


def test_a_draft_that_lists_the_forgotten_mx():
    data = world(lambda day, s: [("validation-failure", "backup.d.example", 2)])
    seen = assess(data)
    drafted = seen.replay("\n".join([*ENFORCE[:-1], "mx: backup.d.example", "max_age: 86400", ""]))
    assert seen.impact.refused == 14 * 4 * 2
    # Its own certificate was never judged: unknown, and so in the cautious figure only.
    assert (drafted.refused, drafted.cautious) == (0, 14 * 4 * 2)


def test_one_noisy_sender():
    found = assess(world(lambda day, s: [("validation-failure", MX1, 30)] if s == "Small" else []))
    assert found.verdict == "not yet"
    assert found.impact.by_sender.loc[0, ["sender", "refused"]].tolist() == ["Small", 14 * 30]
    assert found.impact.forecast.high > 2 * found.impact.share, (
        "it may be one of few: the forecast is wide"
    )


def test_no_reports():
    data = load([report(0, [policy(5, domain="other.example")])])
    found = assess(data)
    assert found.verdict in ("not yet", "not enough evidence")
    assert found.stage.name == "none"
    assert found.gate("refused-share").status == "not enough evidence"
    assert "ready" not in found.sentence


def test_only_no_policy_found():
    found = assess(
        world(
            lambda day, s: [("starttls-not-supported", MX1, 2)],
            kind=lambda day, s: "no-policy-found",
        )
    )
    assert found.verdict == "not yet"
    assert found.stage.name == "none"
    assert found.gate("policy-honoured").status == "fail"
    assert found.impact.latent == 14 * 4 * 2
    assert found.impact.refused == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (ENFORCE, "enforce"),
        (PRODUCTION, "production"),
        ([*TESTING[:1], "mode: none", "max_age: 86400"], "none"),
    ],
)
def test_a_stage_from_the_policy_seen(text, name):
    found = assess(world(text=lambda day, s: TESTING if day < 30 else text))
    assert found.stage.name == name
    assert [stage for _, stage in found.stage.history][:3] == (
        ["set-up", "monitoring", "preparation"] if name != "none" else []
    )
    if name != "none":
        assert found.verdict == "enforcing"
        assert str(found.stage.mode_since) == "2026-03-31"


@pytest.mark.parametrize(
    ("days", "name"),
    [(3, "set-up"), (6, "set-up"), (7, "monitoring"), (27, "monitoring"), (28, "preparation")],
)
def test_the_guides_weeks(days, name):
    data = world(days=days)
    found = ma.assess(data, "d.example")
    assert found.stage.name == name
    assert str(found.as_of) == str(FIRST + timedelta(days=days))


def test_enforce_already_and_failing():
    found = assess(
        world(
            lambda day, s: [("certificate-expired", MX2, 20)] if day > 36 else [],
            text=lambda day, s: ENFORCE,
        )
    )
    assert found.verdict == "enforcing, failing"
    assert f"{5 * 4 * 20:,} sessions were refused" in found.sentence


def test_certificate_failures_only_are_no_transport_trouble():
    """One peer lets them pass its gate: exactly the sessions that enforce refuses."""
    kinds = ("certificate-host-mismatch", "certificate-expired", "certificate-not-trusted")
    for kind in kinds:
        found = assess(world(lambda day, s, kind=kind: [(kind, MX1, 15)]))
        assert found.verdict == "not yet"
        assert found.impact.refused == 14 * 4 * 15


def test_interception_is_open_until_it_is_acknowledged():
    victims = {**SENDERS, "Victim": 30}
    data = world(
        lambda day, s: [("starttls-not-supported", MX1, 1, "203.0.113.9")] if s == "Victim" else [],
        senders=victims,
    )
    found = assess(data)
    assert failing(found) == {"interception"}
    known = Acknowledged(
        "interception", f"starttls-for-few at {MX1}", "its lab", date(2026, 12, 31)
    )
    assert failing(assess(data, acknowledged=[known])) == set()
    assert (
        "acknowledged: starttls-for-few"
        in assess(data, acknowledged=[known]).gate("interception").figures
    )
    over = replace(known, until=date(2026, 4, 1))
    assert failing(assess(data, acknowledged=[over])) == {"interception"}


def test_a_sender_on_an_old_policy():
    newer = [*TESTING[:-2], "mx: mx2.d.example", "mx: mx9.d.example", "max_age: 86400"]
    found = assess(world(text=lambda day, s: TESTING if day < 20 or s == "Small" else newer))
    assert found.gate("policy-seen").status == "warn"
    assert "Small" in found.gate("policy-seen").figures


def test_failures_that_overlap_are_not_counted_twice():
    """RFC 8460 §4: details may count a session twice. No more sessions are refused than failed."""
    data = world(
        lambda day, s: (
            [("certificate-expired", MX2, 2), ("certificate-not-trusted", MX2, 2)]
            if s == "Big"
            else []
        ),
        total=2,
    )
    found = assess(data)
    assert found.impact.refused == 14 * 2
    assert (
        found.impact.cautious == 14 * 4 + 14 * 3 * 2
    )  # both, and what the other senders left unexplained


def test_unknown_types_count_in_the_cautious_figure():
    found = assess(world(lambda day, s: [("a-new-type", MX1, 30)]))
    assert (found.impact.refused, found.impact.cautious) == (0, 14 * 4 * 30)
    assert found.verdict == "not yet"


def test_dane_is_no_evidence():
    found = assess(world(kind=lambda day, s: "tlsa"))
    assert found.impact.sessions == 0
    assert found.verdict != "ready by reports"


def test_too_few_days_say_how_many_more():
    found = ma.assess(world(days=5), "d.example")
    gate = found.gate("days-with-reports")
    assert (gate.status, gate.clear_on) == ("not enough evidence", found.as_of + timedelta(days=9))
    one = ma.assess(world(senders={"Big": 900}), "d.example")
    assert one.gate("refused-share").status == "not enough evidence"
    assert one.gate("refused-share").clear_on > one.as_of
    assert one.verdict == "not enough evidence"


def test_policy_fetch_errors():
    found = assess(world(lambda day, s: [("sts-policy-fetch-error", None, 3)] if day == 40 else []))
    assert failing(found) == {"policy-fetch"}
    assert found.gate("policy-fetch").clear_on == FIRST + timedelta(days=40 + 15)


def test_unsigned_evidence_never_passes():
    assert assess(world()).gate("evidence-authentic").status == "not enough evidence"


def test_thresholds_are_config():
    noisy = world(lambda day, s: [("validation-failure", MX1, 1)] if s == "Big" else [])
    assert assess(noisy).gate("refused-share").status == "pass"
    strict = assess(noisy, config=ReadinessConfig(refused_most=0.0001))
    assert strict.gate("refused-share").status == "fail"


def test_all_domains_worst_first():
    data = load(
        [
            report(
                d, [policy(90, [("certificate-expired", "mx", 30)], domain="bad.example")], sender=s
            )
            for d in range(30)
            for s in "ABC"
        ]
        + [
            report(d, [policy(90, domain="good.example")], sender=s)
            for d in range(30)
            for s in "ABC"
        ]
        + [report(0, [policy(1, domain="<img src=x>")])]
    )
    found = ma.assess_all(data).frame
    assert found["domain"].tolist() == ["bad.example", "good.example"]
    assert found["verdict"].tolist() == ["not yet", "ready by reports"]


@pytest.mark.parametrize(
    "wrong",
    [{"data": None}, {"domain": "a..b"}, {"as_of": "May"}],
)
def test_what_cannot_be_judged(wrong):
    given = {"data": world(days=1), "domain": "d.example"} | wrong
    with pytest.raises(ma.InputError, match="expected"):
        ma.assess(**given)


GOOD = '[[acknowledged]]\ncode = "interception"\nsubject = "x at y"\nreason = "known"\nuntil = 2026-12-31\n'


def test_acknowledged_toml(tmp_path):
    path = tmp_path / "acknowledged.toml"
    path.write_text(GOOD)
    assert ma.read_acknowledged(path) == (
        Acknowledged("interception", "x at y", "known", date(2026, 12, 31)),
    )
    for bad in (
        "[[acknowledged]]\n",
        GOOD.replace("2026-12-31", '"soon"'),
        "not toml",
        GOOD.replace("reason", "why"),
    ):
        path.write_text(bad)
        with pytest.raises(ma.InputError, match=r"acknowledged\.toml"):
            ma.read_acknowledged(path)
    with pytest.raises(ma.InputError):
        ma.read_acknowledged(tmp_path / "none.toml")


@pytest.mark.slow
def test_the_forecast_covers():
    """Of simulated months at nominal 95 %, the interval holds the true share in 90 % or more.

    Months with one dominant sender among six, steady failures that vary by sender and day, and shared outages
    that hit all senders on some days. The true share is that of the process, not of the month.
    """
    rng = np.random.default_rng(84)
    config = ReadinessConfig(resamples=400)
    held = months = 0
    volume = np.array([2000, 300, 150, 80, 40, 20])
    for _ in range(300):
        base = rng.choice([0.0, 0.002, 0.01, 0.05])
        outage, depth = rng.choice([0.0, 0.1, 0.25]), 0.3
        true = base * (1 - outage) + (base * (1 - depth) + depth) * outage if outage else base
        sender, day = np.meshgrid(np.arange(6), np.arange(28), indexing="ij")
        sessions = rng.poisson(volume[:, None] * rng.lognormal(0, 0.3, (6, 28))).astype(float)
        level = np.clip(rng.gamma(2.0, base / 2.0 if base else 1e-12, (6, 28)), 0, 1)
        bad_day = rng.random(28) < outage
        level = np.where(bad_day, level * (1 - depth) + depth, level)
        failed = rng.binomial(sessions.astype(int), level).astype(float)
        found = module._forecast(
            sender.ravel(), day.ravel(), sessions.ravel(), failed.ravel(), config
        )
        held += found.low <= true <= found.high
        months += 1
    print(f"covered {held / months:.1%}")
    assert held / months >= 0.90
