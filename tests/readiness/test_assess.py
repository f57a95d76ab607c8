"""The judgement's parts: impact, stages, dates, sentences, acknowledgements, many domains."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

import mtasts_analysis as ma
from mtasts_analysis.findings import Finding
from mtasts_analysis.readiness.acknowledged import Acknowledged
from mtasts_analysis.readiness.config import ReadinessConfig
from mtasts_analysis.show.writeup import impact_text
from tests.analysis.world import FIRST, load, policy, report
from tests.readiness.worlds import (
    AS_OF,
    ENFORCE,
    MX1,
    MX2,
    SENDERS,
    TESTING,
    assess,
    live,
    statuses,
    world,
)

DRAFT = "version: STSv1\nmode: enforce\nmx: mx1.d.example\nmax_age: 86400\n"


# --- Impact -----------------------------------------------------------------------------------------


def test_the_replay_counts_sessions_by_day_sender_mx_and_type():
    data = world(
        lambda day, s: [("certificate-expired", MX2, 20)] if day >= 35 and s != "Small" else []
    )
    found = assess(data).impact
    assert (found.sessions, found.refused, found.cautious) == (28 * 860, 7 * 3 * 20, 7 * 3 * 20)
    assert found.by_day["refused"].tolist() == [0] * 21 + [60] * 7
    assert found.by_sender.set_index("sender")["refused"].to_dict() == {
        "Big": 140, "Large": 140, "Middle": 140, "Small": 0,
    }  # fmt: skip
    row = found.details.iloc[0]
    assert [row["mx_host"], row["result_type"], row["sessions"], row["senders"]] == [
        MX2, "certificate-expired", 420, 3,
    ]  # fmt: skip
    assert found.share == 420 / 24080


def test_what_if_an_mx_is_left_out():
    """Failures at a host that the draft does not list are refused, whatever their type; and it is named."""
    found = assess(world(lambda day, s: [("sts-policy-fetch-error", MX2, 1)] if s == "Big" else []))
    assert (found.impact.refused, found.impact.left_out) == (0, ())
    drafted = found.replay(DRAFT)
    assert (drafted.refused, drafted.left_out) == (28, (MX2,))
    assert found.replay(DRAFT.replace("mx1", "*")).refused == 0
    for wrong, said in (("mode: enforce", "a valid policy file"), (_none(), "mx lines")):
        with pytest.raises(ma.InputError, match=said):
            found.replay(wrong)


def _none():
    return "version: STSv1\nmode: none\nmax_age: 86400\n"


def test_an_mx_that_never_failed_is_known_from_the_policies():
    """Reports name an MX only where a session failed; a policy that lists it tells of it too."""
    assert assess(world()).replay(DRAFT).left_out == (MX2,)


def test_hosts_of_another_domain_are_none_of_these():
    """e.example's policy is the archive's first, and its host failed: a draft for d.example forgets none of them."""
    other = ["version: STSv1", "mode: testing", "mx: mx.e.example", "max_age: 86400"]
    bad = [("certificate-expired", "mx.e.example", 3)]
    data = load(
        [
            report(d, [policy(9, bad, domain="e.example", text=other), policy(9, text=TESTING)])
            for d in range(42)
        ]
    )
    assert assess(data, policy=DRAFT).impact.left_out == (MX2,)


def test_hosts_of_a_report_without_the_policy_s_text():
    """RFC 8460 §4.4: mx-host lists the patterns; some senders give it and no policy-string."""
    found = policy(9, text=None)
    found["policy"]["mx-host"] = [MX1, "old.d.example", "*.d.example"]
    data = load([report(0, [policy(9, text=ENFORCE)]), report(1, [found])])
    assert ma.assess(data, "d.example", policy=DRAFT).impact.left_out == (MX2, "old.d.example")


def test_a_draft_that_lists_the_forgotten_mx():
    data = world(lambda day, s: [("validation-failure", "backup.d.example", 2)])
    seen = assess(data)
    drafted = seen.replay("\n".join([*ENFORCE[:-1], "mx: backup.d.example", "max_age: 86400", ""]))
    assert (seen.impact.refused, seen.impact.left_out) == (28 * 4 * 2, ("backup.d.example",))
    # Its own certificate was never judged: unknown, and so in the cautious figure only.
    assert (drafted.refused, drafted.cautious, drafted.left_out) == (0, 28 * 4 * 2, ())


def test_a_draft_is_judged_whole():
    """Gates, impact and plan follow the draft."""
    data = world(lambda day, s: [("validation-failure", "backup.d.example", 9)])
    draft = "\n".join([*TESTING[:-1], "mx: backup.d.example", "max_age: 86400", ""])
    seen, drafted = assess(data, live()), assess(data, live(), policy=draft)
    assert seen.gate("mx-in-policy").status == "warn", "the host is no MX of today"
    assert drafted.gate("mx-in-policy").status == "pass"
    assert "mx: backup.d.example" in drafted.plan[-1].policy
    assert drafted.impact.policy == drafted.draft != seen.draft
    left = assess(world(), live(), policy=DRAFT)
    assert left.gate("mx-in-policy").clause == f"{MX2} is not in the draft"


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
    found = assess(data).impact
    assert found.refused == 28 * 2
    assert found.cautious == 28 * 2 + 28 * 3 * 2, (
        "what no detail explains is not taken for harmless"
    )


def test_a_failed_count_that_a_sender_leaves_out():
    """Some write details and a total of 0: the details count."""
    found = assess(world(lambda day, s: [("certificate-expired", MX2, 20)], total=0)).impact
    assert found.refused == 28 * 4 * 20


def test_unknown_types_count_in_the_cautious_figure():
    found = assess(world(lambda day, s: [("a-new-type", MX1, 30)]))
    assert (found.impact.refused, found.impact.cautious) == (0, 28 * 4 * 30)
    assert "perhaps 1,680 more" in found.sentence


def test_a_withdrawn_policy_is_replayed_as_if_it_said_enforce():
    none = ["version: STSv1", "mode: none", "max_age: 86400"]
    found = assess(
        world(lambda day, s: [("certificate-expired", MX2, 5)], text=lambda day, s: none)
    )
    assert found.impact.refused == 28 * 4 * 5


def test_weekly_reports_count_but_belong_to_no_day():
    data = load(
        [report(d, [policy(100)], sender=s) for d in range(42) for s in "ABC"]
        + [report(35, [policy(60, [("certificate-expired", MX2, 40)])], sender="W", days=7)]
    )
    found = assess(data).impact
    assert (found.sessions, found.refused) == (28 * 300 + 100, 40)
    assert found.by_day["refused"].sum() == 0
    assert found.by_sender.loc[0, ["sender", "refused"]].tolist() == ["W", 40]


def test_dane_and_no_policy_are_no_evidence():
    for kind in ("tlsa", "no-policy-found"):
        found = assess(
            world(
                lambda day, s: [("validation-failure", MX1, 2)], kind=lambda day, s, kind=kind: kind
            )
        )
        assert (found.impact.sessions, found.impact.refused) == (0, 0)
        assert found.impact.latent == (0 if kind == "tlsa" else 28 * 4 * 2)


def test_absurd_counts_are_added_exactly():
    most = 2**63 - 1
    data = load([report(d, [policy(most)], sender=s) for d in range(40, 42) for s in "ABCDE"])
    assert assess(data).impact.sessions == 2 * 5 * most


# --- Stages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "name"),
    [(3, "set-up"), (6, "set-up"), (7, "monitoring"), (27, "monitoring"), (28, "preparation")],
)
def test_the_guides_weeks(days, name):
    found = ma.assess(world(days=days), "d.example")
    assert found.stage.name == name
    assert found.as_of == FIRST + timedelta(days=days)


def test_the_day_on_which_each_stage_began():
    found = assess(world(text=lambda day, s: TESTING if day < 30 else ENFORCE))
    assert [(str(day), name) for day, name in found.stage.history] == [
        ("2026-03-01", "set-up"), ("2026-03-08", "monitoring"), ("2026-03-29", "preparation"),
        ("2026-03-31", "enforce"),
    ]  # fmt: skip
    assert str(found.stage.mode_since) == "2026-03-31"


def test_back_from_enforce_the_weeks_go_on_but_the_days_in_testing_begin_anew():
    found = assess(world(text=lambda day, s: ENFORCE if 30 <= day < 36 else TESTING))
    assert [name for _, name in found.stage.history][-2:] == ["enforce", "preparation"]
    assert found.gate("days-in-testing").clear_on == FIRST + timedelta(days=36 + 21)


def test_after_a_withdrawal_the_weeks_begin_anew():
    none = ["version: STSv1", "mode: none", "max_age: 86400"]
    found = assess(world(text=lambda day, s: none if 20 <= day < 30 else TESTING))
    assert [name for _, name in found.stage.history][-3:] == ["none", "set-up", "monitoring"]


def test_one_sender_on_an_old_policy_holds_no_stage_back():
    found = assess(world(text=lambda day, s: TESTING if day < 20 or s == "Small" else ENFORCE))
    assert found.stage.name == "enforce"


def test_what_is_published_now_counts_more_than_what_was_seen():
    found = assess(world(), live(mode="enforce"))
    assert (found.stage.name, found.stage.since) == ("enforce", AS_OF)


# --- Dates, steps, sentences ------------------------------------------------------------------------


def test_next_step_and_date():
    mended = assess(world(lambda day, s: [("certificate-expired", MX2, 20)] if day >= 35 else []))
    assert mended.next_step.startswith(
        "mend certificate-expired at mx2.d.example first: renew the certificate"
    )
    assert mended.next_date == AS_OF + timedelta(days=14), "not before the window is clean"
    young = ma.assess(world(days=15), "d.example")
    assert young.next_step == "go on in testing until 2026-03-22"
    assert young.next_date == date(2026, 3, 22)
    assert assess(world(), live()).next_date == AS_OF
    assert assess(world(), live()).next_step.startswith("publish the policy with mode enforce")
    assert assess(world()).next_step == "make a live check and assess again"


def test_the_plan_agrees_with_the_verdict():
    young = ma.assess(world(days=15), "d.example")
    assert [step.name for step in young.plan] == ["preparation", "enforce", "production"]
    assert [step.earliest for step in young.plan] == [
        young.next_date, young.next_date, young.next_date + timedelta(days=7),
    ]  # fmt: skip
    ids = [step.id for step in young.plan]
    assert ids == ["", "20260322000000", "20260329000000"], "a new id where the policy changes"
    assert young.plan[0].policy.splitlines() == TESTING
    assert young.plan[2].policy.splitlines()[-1] == "max_age: 604800"
    ready = assess(world(), live())
    assert [step.name for step in ready.plan] == ["enforce", "production"]
    failing = assess(world(lambda day, s: [("certificate-expired", MX2, 20)]))
    assert [step.name for step in failing.plan] == ["review", "enforce", "production"], (
        "28 days are over"
    )
    assert failing.plan[-2].earliest == failing.next_date
    enforcing = assess(world(text=lambda day, s: TESTING if day < 30 else ENFORCE))
    assert [step.earliest for step in enforcing.plan] == [AS_OF], "its week is over"
    assert enforcing.next_date == AS_OF
    missing = Finding("sts-record-missing", "warning", "d.example", "no TXT record", "publish it")
    new = assess(None, live(sts_record=None, policy=None, fetched=None, findings=(missing,)))
    assert [step.name for step in new.plan] == [
        "set-up", "monitoring", "preparation", "enforce", "production",
    ]  # fmt: skip
    assert any(r.startswith("_smtp._tls.d.example.") for r in new.plan[0].records)


def test_a_fresh_id_differs_from_the_published_one():
    check = live()
    record = replace(check.sts_record, id=f"{AS_OF:%Y%m%d}000000")
    assert assess(world(), replace(check, sts_record=record)).plan[0].id == f"{AS_OF:%Y%m%d}000001"


def test_what_a_stranger_lists_as_mx_is_not_proposed():
    text = ["version: STSv1", "mode: testing", "mx: evil..x y", "max_age: 99999999999999"]
    found = assess(world(text=lambda day, s: text))
    assert [step.policy for step in found.plan] == [""] * len(found.plan)


def test_more_mx_than_a_policy_file_holds():
    """A stranger's 2,500 patterns are no plan of ours, and no reason to judge nothing."""
    many = [f"mx: mx{n}.d.example" for n in range(2_500)]
    data = world(text=lambda day, s: [*TESTING[:2], *many, TESTING[-1]], days=3)
    assert [step.policy for step in ma.assess(data, "d.example").plan] == [""] * 4
    assert ma.assess_all(data).frame["domain"].tolist() == ["d.example"]


def test_each_policy_has_an_id_of_its_own():
    """RFC 8461 §3.1: by the id senders know that a policy is new. Here two are due on one day."""
    missing = Finding("sts-record-missing", "warning", "d.example", "no TXT record", "publish it")
    check = live(sts_record=None, policy=None, fetched=None, findings=(missing,))
    found = assess(None, check, config=ReadinessConfig(days_in_testing=0))
    assert [(step.name, step.id) for step in found.plan if step.id] == [
        ("set-up", "20260412000000"), ("enforce", "20260412000001"), ("production", "20260419000000"),
    ]  # fmt: skip


def test_the_sentence_names_the_strongest_reason():
    found = assess(world(lambda day, s: [("certificate-expired", MX2, 20)] if day >= 35 else []))
    assert found.sentence == (
        "d.example may not go to enforce yet: enforce would have refused 560 of 12,040 sessions (4.7%) in 14 days."
    )
    assert found.reasons[2] == "No live check was made."
    assert found.reasons[1].startswith("certificate-expired at mx2.d.example rose on 2026-04-05")
    enforcing = assess(
        world(lambda day, s: [("certificate-expired", MX2, 20)], text=lambda day, s: ENFORCE)
    )
    assert "enforce refused 1,120 of 12,040 sessions" in enforcing.sentence
    ready = assess(world(), live(days_left=20))
    assert ready.sentence == (
        "d.example may go to enforce. Mind: the certificate of mta-sts.d.example has 20 days left, until 2026-05-02;"
        " no report's signature was checked."
    )


def test_the_missing_half_is_named():
    assert "Would every MX be accepted under enforce?" in assess(world()).missing
    assert "Would enforce refuse" in assess(None, live()).missing
    assert assess(world(), live()).missing == ""


def test_the_day_of_the_judgement():
    data = world()
    assert ma.assess(data, "d.example").as_of == AS_OF
    later = live(at=AS_OF + timedelta(days=90))
    found = ma.assess(data, "d.example", later)
    assert found.as_of == AS_OF + timedelta(days=90), "old reports are not taken for news"
    assert found.verdict == "not enough evidence"


def test_too_few_days_say_how_many_more():
    found = ma.assess(world(days=5), "d.example")
    gate = found.gate("days-with-reports")
    assert (gate.status, gate.clear_on) == ("not enough evidence", found.as_of + timedelta(days=9))
    assert gate.action == "wait for 9 more days with reports"
    # log(0.025) / log(0.8) = 16.5: so many days without a failure bound the forecast at 20 %.
    young = ma.assess(world(days=15), "d.example").gate("refused-share")
    assert (young.status, young.action) == (
        "not enough evidence",
        "wait for about 2 more days like these",
    )
    few = assess(world(reports=lambda day, s: day % 7 == 0)).gate("refused-share")
    assert few.action == "wait for more senders: so few reports bear no forecast"


def test_falling_is_asked_only_above_the_bound():
    above = world(lambda day, s: [("certificate-expired", MX2, 20)] if 28 <= day < 33 else [])
    assert assess(above).gate("refused-share").figures.endswith("falling")
    below = world(lambda day, s: [("certificate-expired", MX2, 1)] if 28 <= day < 33 else [])
    assert "falling" not in assess(below).gate("refused-share").figures
    rising = world(lambda day, s: [("certificate-expired", MX2, 5)] if day >= 40 else [])
    found = assess(rising, config=ReadinessConfig(refused_most=0.004)).gate("refused-share")
    assert found.status == "fail", "40 of 12,040 in two weeks, but 40 of 6,020 in the second"


def test_evidence_is_the_rows_behind_a_gate():
    data = world(lambda day, s: [("certificate-expired", MX2, 20)] if day >= 35 else [])
    found = assess(data, live(days_left=20))
    assert found.gate("refused-share").evidence["sessions"].sum() == found.impact.refused
    assert len(found.gate("days-with-reports").evidence) == 28 * len(SENDERS)
    assert set(found.gate("senders-seen").evidence["sender"]) == set(SENDERS)
    assert found.gate("certificates-last").evidence["days_left"].tolist() == [20, 20, 20]
    assert "rise" in set(found.gate("open-change").evidence["change"])
    with pytest.raises(ma.InputError, match="expected one of"):
        found.gate("nonsense")


def test_thresholds_are_config():
    noisy = world(lambda day, s: [("validation-failure", MX1, 1)] if s == "Big" else [])
    assert assess(noisy).gate("refused-share").status == "pass"
    strict = assess(noisy, config=ReadinessConfig(refused_most=0.0001))
    assert strict.gate("refused-share").status == "fail"
    for wrong in ({"refused_most": 2.0}, {"days_in_testing": -1}, {"recent_days": 1}):
        with pytest.raises(ma.InputError, match="expected"):
            ReadinessConfig(**wrong)


# --- Acknowledged -----------------------------------------------------------------------------------


def test_a_lead_is_open_until_it_is_acknowledged():
    data = world(
        lambda day, s: [("starttls-not-supported", MX1, 1, "203.0.113.9")] if s == "Victim" else [],
        senders={**SENDERS, "Victim": 30},
    )
    known = Acknowledged(
        "interception", f"starttls-for-few at {MX1}", "its lab", date(2026, 12, 31)
    )
    closed = assess(data, acknowledged=[known])
    assert statuses(closed, "fail") == set()
    assert "acknowledged: starttls-for-few" in closed.gate("interception").figures
    for other in (
        replace(known, until=date(2026, 4, 1)),
        replace(known, subject="another"),
        replace(known, code="open-change"),
    ):
        assert statuses(assess(data, acknowledged=[other]), "fail") == {"interception"}


def test_a_change_can_be_acknowledged():
    data = world(lambda day, s: [("validation-failure", MX1, 3)] if s == "Big" and day > 20 else [])
    known = Acknowledged(
        "open-change", f"validation-failure at {MX1}", "one client", date(2026, 12, 31)
    )
    assert statuses(assess(data), "fail") == {"open-change"}
    assert statuses(assess(data, acknowledged=[known]), "fail") == set()


def test_what_is_acknowledged_and_named_by_no_gate_is_said(tmp_path):
    data = world(lambda day, s: [("validation-failure", MX1, 3)] if s == "Big" and day > 20 else [])
    known = Acknowledged(
        "open-change", f"validation-failure at {MX1}", "one client", date(2026, 12, 31)
    )
    over = replace(
        known, until=date(2026, 4, 1)
    )  # it closes nothing, but the gate that fails names it
    wrong = [
        replace(known, subject=f"validation-failure at {MX2}"),
        replace(known, code="interception"),
    ]
    found = ma.assess(data, "d.example", as_of=AS_OF, acknowledged=[known, over, *wrong])
    assert found.unmatched == tuple(wrong)
    page = found.write_up(tmp_path / "readiness.md").read_text(encoding="utf-8")
    for text in (" ".join(repr(found).split()), page.replace("\\", "")):
        line = text[text.index("named by no gate") :]
        assert all(f"{entry.code}: {entry.subject}" in line for entry in wrong)
    one = ma.assess(data, "d.example", as_of=AS_OF, acknowledged=[known])
    assert one.unmatched == () and "named by no gate" not in repr(one)
    assert replace(found, data=None).unmatched == ()  # nothing could name it


GOOD = '[[acknowledged]]\ncode = "interception"\nsubject = "x at y"\nreason = "known"\nuntil = 2026-12-31\n'


def test_acknowledged_toml(tmp_path):
    path = tmp_path / "acknowledged.toml"
    path.write_text(GOOD)
    assert ma.read_acknowledged(path) == (
        Acknowledged("interception", "x at y", "known", date(2026, 12, 31)),
    )
    for bad in (
        "[[acknowledged]]\n",
        "acknowledged = 3\n",
        GOOD.replace("[[acknowledged]]", "[[acknowledge]]"),
        GOOD.replace("interception", "refused-share"),
        GOOD.replace("2026-12-31", '"soon"'),
        "not toml",
        GOOD.replace("reason", "why"),
    ):
        path.write_text(bad)
        with pytest.raises(ma.InputError, match=r"acknowledged\.toml"):
            ma.read_acknowledged(path)
    with pytest.raises(ma.InputError):
        ma.read_acknowledged(tmp_path / "none.toml")


# --- Many domains, and mistakes ---------------------------------------------------------------------


def test_all_domains_what_to_do_first():
    bad = [("certificate-expired", "mx", 30)]
    data = load(
        [
            report(d, [policy(90, bad, domain="bad.example")], sender=s)
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
    found = ma.assess_all(data)
    assert found.frame["domain"].tolist() == ["bad.example", "good.example"]
    assert found.frame["verdict"].tolist() == ["not yet", "ready by reports"]
    assert found._repr_html_().count("<svg") == 2


@pytest.mark.parametrize(
    "wrong", [{"data": None}, {"domain": "a..b"}, {"as_of": "May"}, {"policy": "x"}]
)
def test_what_cannot_be_judged(wrong):
    given = {"data": world(days=1), "domain": "d.example"} | wrong
    with pytest.raises(ma.InputError, match="expected"):
        ma.assess(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"days_in_testing": "x"},
            "days_in_testing: expected 0 to 36,525, a whole number; got 'x'",
        ),
        (
            {"days_in_testing": 2.5},
            "days_in_testing: expected 0 to 36,525, a whole number; got 2.5",
        ),
        (
            {"days_in_testing": True},
            "days_in_testing: expected 0 to 36,525, a whole number; got True",
        ),
        ({"refused_most": None}, "refused_most: expected 0 to 1, a number; got None"),
        ({"refused_most": 2}, "refused_most: expected 0 to 1, a number; got 2"),
        ({"refused_most": float("nan")}, "refused_most: expected 0 to 1, a number; got nan"),
        ({"forecast_days": 10**9}, "forecast_days: expected 2 to 36,525"),
        ({"resamples": 10**9}, "resamples: expected 2 to 1,000,000"),
        ({"seed": None}, "seed: expected 0 or more, a whole number; got None"),
    ],
)
def test_a_threshold_that_is_none(given, said):
    with pytest.raises(ma.InputError, match=said):
        ma.ReadinessConfig(**given)


def test_a_draft_is_called_what_its_argument_is():
    for draft, said in (
        ("x", "policy: expected a valid policy file"),
        ("version: STSv1\nmode: none\nmax_age: 86400\n", "policy: expected a draft with mx lines"),
    ):
        with pytest.raises(ma.InputError, match=said):
            ma.assess(world(days=1), "d.example", policy=draft)


def test_a_day_that_is_none_is_no_ranking():
    """An empty ranking would look like good news."""
    with pytest.raises(ma.InputError, match="as_of: expected a day such as 2026-05-14; got 'soon'"):
        ma.assess_all(world(days=1), as_of="soon")


def test_a_check_of_another_domain_is_no_evidence():
    with pytest.raises(ma.InputError, match=r"expected a check of other\.example"):
        ma.assess(None, "other.example", live())


def test_reports_of_other_domains_do_not_set_the_day():
    """The latest report of another domain says nothing about this one: the check's day counts."""
    check = live(at=AS_OF + timedelta(days=5))
    data = load([report(day + 60, [policy(9, domain="e.example")]) for day in range(9)])
    assert ma.assess(data, "d.example", check).as_of == AS_OF + timedelta(days=5)


def test_nothing_to_replay_is_said():
    with pytest.raises(ma.InputError, match="made from a live check only"):
        assess(None, live()).replay()


def test_failures_that_wait_for_the_first_policy_are_said():
    """They count nowhere yet, and will be refused as soon as their senders honour the policy."""
    data = world(
        lambda day, s: [("starttls-not-supported", MX1, 3)] if s == "Small" else [],
        kind=lambda day, s: "no-policy-found" if s == "Small" else "sts",
    )
    gate = assess(data).gate("refused-share")
    assert gate.status == "pass"
    assert gate.figures.endswith("; 42 more failed for senders that found no policy yet")


def test_what_is_refused_lately_and_what_was_before_are_told_apart():
    """14 days without a failure, but 12 of the 14 before with 160 of 860 sessions: 8 % of the month."""
    data = world(lambda day, s: [("certificate-expired", MX2, 40)] if 14 <= day < 26 else [])
    gate = assess(data, live()).gate("refused-share")
    assert gate.clause.startswith(
        "few sessions would be refused lately, but as earlier ones scatter"
    )


def draft(*mx):
    return "\n".join(
        ["version: STSv1", "mode: enforce", *(f"mx: {host}" for host in mx), "max_age: 86400", ""]
    )


def expired_at_mx2(day, sender):
    return [("certificate-expired", MX2, 8)] if sender == "Large" and day > 34 else []


def without_mx2():
    check = live()
    return replace(check, mx=[mx for mx in check.mx if mx.host == MX1])


DRAFTS = [
    # what the draft lists, what failed, with a check; the verdict, the first next step
    # Reports name an MX only where a session failed: that none did says nothing of where the others went.
    ([MX1], None, None, "not yet", f"add to the draft: mx: {MX2}, or make a live check if that is no MX of yours any more"),
    (["wrong.example"], None, None, "not yet", f"add to the draft: mx: {MX1}; mx: {MX2}, or make a live check if that is no MX of yours any more"),
    ([MX1, MX2], None, None, "ready by reports", "make a live check and assess again"),
    (["*.d.example"], None, None, "ready by reports", "make a live check and assess again"),
    # The check knows which hosts are the domain's: one that left is no loss.
    ([MX1], None, without_mx2, "ready", "publish the policy with mode enforce and max_age 86400, then a new id; watch for a week"),
    ([MX1], None, live, "not yet", f"add to the draft: mx: {MX2}"),
    # To renew the certificate of a host that the draft leaves out would change nothing.
    ([MX1], expired_at_mx2, None, "not yet", f"add to the draft: mx: {MX2}, or make a live check if that is no MX of yours any more"),
    # Where a check shows it to be no MX any more, neither helps.
    ([MX1], expired_at_mx2, without_mx2, "not yet", f"find out why senders still dial {MX2}, which is no MX"),
    ([MX1, MX2], expired_at_mx2, None, "not yet", f"mend certificate-expired at {MX2} first: renew the certificate, reload the mail server, and watch the days left"),
]  # fmt: skip


@pytest.mark.parametrize(("listed", "failing", "check", "verdict", "step"), DRAFTS)
def test_a_draft_is_held_to_every_host_that_senders_knew(listed, failing, check, verdict, step):
    data = world(failing) if failing else world()
    found = assess(data, check and check(), policy=draft(*listed))
    assert (found.verdict, found.next_step) == (verdict, step)
    assert found.sentence.startswith("With the draft given: "), (
        "who reads it must know what was judged"
    )
    assert not assess(data, check and check()).sentence.startswith("With")


def test_what_a_draft_leaves_out_passes_no_gate():
    found = assess(world(), policy=draft(MX1))
    missed = f"the draft leaves out {MX2}: any of 12,040 sessions may have gone there"
    assert (found.gate("refused-share").status, found.gate("refused-share").clause) == (
        "not enough evidence",
        missed,
    )
    assert found.gate("mx-in-policy").clause == f"{MX2} is not in the draft"
    assert "at worst all" in found.gate("mx-in-policy").figures
    cells = found.impact.cells
    assert ma.plots.impact(cells).alt.startswith("refused under the draft: 0 of 24,080 sessions")
    assert cells.attrs["elsewhere"] == [MX2], "sessions that went there are not drawn as accepted"


@pytest.mark.parametrize(
    ("later", "status"), [(28, "pass"), (29, "not enough evidence"), (1_400, "not enough evidence")]
)
def test_days_that_nobody_saw_are_no_days_in_testing(later, status):
    """The last report is of the day before AS_OF; a live check sees the policy itself."""
    day = AS_OF + timedelta(days=later - 1)
    gate = assess(world(), as_of=day).gate("days-in-testing")
    assert gate.status == status
    if status != "pass":
        assert gate.clause == "no sender has reported the policy since 2026-04-11"
    assert assess(world(), live(at=day), as_of=day).gate("days-in-testing").status == "pass"


def test_a_name_that_no_report_is_about_is_told_first():
    """Most often it is mistyped; nothing else that is missing matters then."""
    found = ma.assess(world(), "d.exmaple")
    assert "no report is about d.exmaple; the archive is about d.example" in found.sentence
    assert found.next_step == "look whether the name is right; else wait for reports"


def test_a_judgement_of_a_day_knows_nothing_of_later_ones(tmp_path):
    """Hosts that failed, and policies that were seen, after the day of the judgement stand in no write-up of it."""
    data = world(
        lambda day, s: [("certificate-expired", "later.d.example", 5)] if day == 40 else [("certificate-expired", MX1, 1)] if day == 1 else [],
        text=lambda day, s: [*TESTING, "mx: new.d.example"] if day > 30 else TESTING,
    )  # fmt: skip
    page = assess(data, as_of=AS_OF - timedelta(days=20)).write_up(tmp_path / "r.md").read_text()
    assert "later.d.example" not in page and "new.d.example" not in page
    assert MX1 in page
    whole = assess(data).write_up(tmp_path / "w.md").read_text()
    assert "later.d.example" in whole and "new.d.example" in whole


def test_sessions_under_the_policy_that_was_seen_went_to_no_host_outside_of_it():
    """A sender tells a session elsewhere as failed; only of a draft is it unknown where those that succeeded went."""
    data = world(
        lambda day, s: [("validation-failure", "mx3.d.example", 2)] if s == "Large" else []
    )
    text = impact_text(assess(data).impact)
    assert "Not in the policy: mx3.d.example." in text and "at worst all" not in text
    assert "at worst all" in impact_text(assess(data, policy=draft(MX1)).impact)
