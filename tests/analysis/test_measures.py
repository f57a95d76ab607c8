"""Every measure against a world whose answer stands in the test, and against a plain count by pandas."""

import hashlib
import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mtasts_analysis as ma
from mtasts_analysis.analysis import effects, facts, intervals, names, trends
from mtasts_analysis.analysis.effects import EFFECTS, effect
from tests.analysis.world import POLICY, load, policy, report
from tests.conftest import ROOT

TRUTH = json.loads((ROOT / "data" / "truth.json").read_text())
MX1, MX2, MX3 = "mx1.d.example", "mx2.d.example", "mx3.d.example"


@pytest.fixture(scope="module")
def sample():
    return ma.load(ma.sample_archive(), progress=False)


# --- effects: FIELD's table, row by row -------------------------------------------------------------

TLS = (
    "starttls-not-supported", "certificate-host-mismatch", "certificate-expired",
    "certificate-not-trusted", "validation-failure",
)  # fmt: skip
DANE = ("tlsa-invalid", "dnssec-invalid", "dane-required")
FETCH = ("sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid")
ODD = ("dns-error", "a-new-type", None)
KINDS = ("sts", "tlsa", "no-policy-found", "something-new", None)
MODES = ("testing", "enforce", "none", "odd", None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_the_effect_is_total(kind, mode):
    for result in TLS:
        expected = {
            "sts": "not refused" if mode == "none" else "refused",
            "tlsa": "refused already",
            "no-policy-found": "latent",
        }.get(kind, "unknown")
        assert effect(kind, result, mode) == expected, result
    for result in DANE:  # a DANE failure stands, whatever MTA-STS says: RFC 8461 §2
        assert effect(kind, result, mode) == "refused already"
    for result in FETCH:
        assert effect(kind, result, mode) == "unprotected"
    for result in ODD:
        expected = "not refused" if (kind, mode) == ("sts", "none") else "unknown"
        assert effect(kind, result, mode) == expected


def test_each_type_has_advice():
    for result in (*TLS, *DANE, *FETCH, "dns-error", "a-new-type", None):
        found = effects.advice(result)
        assert all((found.description, found.likely_cause, found.action, found.verify)), result
    assert set(effects.ADVICE) == {*TLS, *DANE, *FETCH, "dns-error"}
    assert effects.advice("a-new-type") is not effects.advice("dns-error")
    assert {
        effect(*x) for x in itertools.product(KINDS, (*TLS, *DANE, *FETCH, *ODD), MODES)
    } == set(EFFECTS)


def test_the_rules_have_a_version():
    """Whoever changes a row raises the version: exports carry it, and so differ to be told apart."""
    rows = [effect(*x) for x in itertools.product(KINDS, (*TLS, *DANE, *FETCH, *ODD), MODES)]
    digest = hashlib.sha256(",".join(rows).encode()).hexdigest()[:16]
    assert (effects.RULES_VERSION, digest) == (1, "738c1729f828769d")


# --- filters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        (ma.Filter(), "all reports"),
        (ma.Filter(domains=["a", "b"], modes="testing"), "domains a and b, mode testing"),
        (ma.Filter(start="2026-05-14", end="2026-05-14"), "on 2026-05-14"),
        (ma.Filter(start="2026-05-14", end="2026-05-15"), "2026-05-14 to 2026-05-15"),
        (ma.Filter(end="2026-05-14"), "until 2026-05-14"),
        (ma.Filter(senders=[None]), "sender not named"),
        (ma.Filter(mx_hosts=map(str, range(9))), "MX hosts 0, 1, 2, 3 and 5 more"),
    ],
)  # fmt: skip
def test_a_filter_reads_as_a_sentence_and_as_code(where, sentence):
    assert str(where) == sentence
    assert eval(repr(where), {"Filter": ma.Filter}) == where
    assert bool(where) == (sentence != "all reports")
    assert hash(where) == hash(where.but())


def test_names_are_taken_as_people_write_them():
    assert ma.Filter(domains="Bücher.Example.") == ma.Filter(domains="xn--bcher-kva.example")
    assert ma.Filter(mx_hosts=["MX1.d.example.", "mx1.d.example"]) == ma.Filter(mx_hosts=MX1)
    assert ma.Filter(domains=["no name at all", None]).domains == ("no name at all", None)
    data = load([report(0, [policy(5, [("dns-error", "MX1.d.example.", 2)])])])
    assert len(data.filter(domains="D.example.", mx_hosts="Mx1.D.example").failures) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"start": "14 May"}, "start: expected a day"),
        ({"start": "2026-05-15", "end": "2026-05-14"}, "expected start to be no later than end"),
        ({"domains": 5}, "domains: expected a text or several; got 5"),
        ({"modes": None}, "modes: expected a text or several; got None"),
        ({"senders": ["A", 5]}, "senders: expected a text or several; got 5"),
        ({"effects": "refusd"}, "effects: expected some of refused, .*; got 'refusd'"),
    ],
)
def test_a_filter_that_cannot_be(given, said):
    with pytest.raises(ma.InputError, match=said):
        ma.Filter(**given)


def test_what_is_no_part_of_a_filter_is_told():
    data = load([report(0, [policy(5)])])
    for where in (None, ma.Filter()):
        with pytest.raises(
            ma.InputError, match=r"bogus: expected some of domains, senders, .*start"
        ):
            data.filter(where, bogus=1)


@pytest.mark.parametrize("row", [pd.DataFrame({"sender": ["A"]}), "A", 5])
def test_what_is_no_row_has_no_evidence(row):
    """A whole frame would have chosen the rows that name no sender."""
    with pytest.raises(ma.InputError, match=r"row: expected one row of a measure, such as"):
        ma.Filter.of(row)


MEASURES = (
    ma.failure_types, ma.effects, ma.failures_by_mx, ma.failures_by_address, ma.unexplained, ma.senders,
    ma.over_time, ma.failures_over_time, ma.change_points, ma.policy_history, ma.interception_leads,
    ma.overview, lambda data, where=None: ma.compare(data, "2026-03-15", where or ma.Filter()),
)  # fmt: skip


@pytest.mark.parametrize("ask", [*MEASURES, ma.explore, lambda d, w: d.filter(w)])
def test_what_is_no_filter(sample, ask):
    with pytest.raises(ma.InputError, match=r"where: expected a Filter, such as .*; got a str"):
        ask(sample, "clinic.example")


@pytest.mark.parametrize(
    "ask", [*MEASURES, ma.explore, lambda data: ma.assess(data, "d.example"), ma.assess_all]
)
@pytest.mark.parametrize("wrong", [5, pd.DataFrame({"domain": []})])
def test_what_is_no_archive(ask, wrong):
    with pytest.raises(ma.InputError, match=r"data: expected a loaded archive or a store; got a "):
        ask(wrong)


@pytest.mark.parametrize("wrong", [5, None, [5], [b"a"], ["a", None]])
def test_what_is_no_path(wrong, tmp_path):
    for read in (ma.load, ma.Store(tmp_path).ingest):
        with pytest.raises(ma.InputError, match="paths: expected a file, a folder, a pattern, or"):
            read(wrong)


def test_what_a_filter_chooses():
    data = load(
        [
            report(0, [policy(5, [("certificate-expired", MX1, 2)]), policy(7, kind="tlsa")]),
            report(1, [policy(1, [("dns-error", MX2, 1)], domain="e.example")], sender="B"),
            report(2, [policy(3, kind="no-policy-found", domain="e.example")], sender="B"),
            {**report(3, []), "date-range": None},
        ]
    )
    rows = {
        (): 4,
        ("domains", "d.example"): 2,
        ("domains", "nobody.example"): 0,
        ("senders", "B"): 2,
        ("policy_types", ("sts", "tlsa")): 3,
        ("modes", "testing"): 2,
        ("modes", None): 2,
        ("start", "2026-03-02"): 2,
        ("end", "2026-03-02"): 3,
        ("mx_hosts", MX1): 4,  # it chooses details, not results
    }
    for given_, count in rows.items():
        name, value = given_ or ("domains", ())
        chosen = data.filter(**{name: (value,) if value is None else value})
        assert len(chosen.policies) == count, given_
    assert len(data.filter(mx_hosts=MX1).failures) == 1
    assert len(data.filter(effects="unknown").failures) == 1
    assert len(data.filter(result_types="dns-error", mx_hosts=MX1).failures) == 0
    chosen = data.filter(senders="B")
    assert set(chosen.failures["report_key"]) <= set(chosen.reports["report_key"])
    assert len(chosen.reports) == 2
    assert data.filter() is data


# --- senders' names --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Google Inc.", "Google LLC"),
        ("Microsoft Corporation", "microsoft"),
        ("Mail  GmbH", "mail"),
        ("Foo Co., Ltd.", "Foo"),
    ],
)
def test_spellings_of_one_organization(one, other):
    assert names.canonical(one) == names.canonical(other)


@pytest.mark.parametrize(("one", "other"), [("Inc", "LLC"), ("Google", "Goggle"), ("Coop", "op")])
def test_spellings_of_two(one, other):
    assert names.canonical(one) != names.canonical(other)


@pytest.mark.parametrize("unit", [", inc", "inc ", ",", "b.v."])
def test_a_name_of_nothing_but_legal_forms_is_compared_at_once(unit):
    """64 KiB of them took minutes: each step looked through the whole name."""
    name = "Google" + " " + unit * (65_536 // len(unit))
    assert names.canonical(name) == "google"


def test_two_submitters_of_one_name_stay_two():
    found = names.group([(("a.example", "Mail"), 1), (("b.example", "Mail"), 1), ((None, None), 1)])
    assert found[("a.example", "Mail")] == "Mail (a.example)"
    assert found[("b.example", "Mail")] == "Mail (b.example)"
    assert found[(None, None)] is None


# --- failures --------------------------------------------------------------------------------------


def test_failure_types():
    data = load(
        [
            report(
                0, [policy(90, [("certificate-expired", MX1, 6), ("validation-failure", MX3, 3)])]
            ),
            report(4, [policy(90, [("certificate-expired", MX1, 1)])], sender="B"),
            report(2, [policy(9, [("certificate-expired", MX1, 8)], kind="no-policy-found")]),
        ]
    )
    found = ma.failure_types(data).set_index(["policy_type", "result_type"])
    row = found.loc[("sts", "certificate-expired")]
    assert (row["effect"], row["failures"], row["sessions"], row["senders"]) == ("refused", 2, 7, 2)
    assert row["share"] == pytest.approx(0.7)
    assert (str(row["first_day"].date()), str(row["last_day"].date())) == (
        "2026-03-01",
        "2026-03-05",
    )
    assert found.loc[("no-policy-found", "certificate-expired"), "effect"] == "latent"
    # mx3 is in no pattern of the policy: whatever the type, that is what to mend (RFC 8461 §4.1).
    missed = found.loc[("sts", "validation-failure")]
    assert missed["not_in_policy"] == 3
    assert missed["action"] == effects.MX_NOT_IN_POLICY.action
    assert list(ma.failure_types(data)["sessions"]) == [8, 7, 3]


def test_unexplained_and_overlapping_do_not_cancel_out():
    data = load(
        [
            report(0, [policy(9, [("dns-error", MX1, 2)], total=5)]),
            report(1, [policy(9, [("dns-error", MX1, 9)], total=5)]),
        ]
    )
    found = ma.unexplained(data).iloc[0]
    assert [found[c] for c in ("failed", "detailed", "unexplained", "overlapping")] == [
        10,
        11,
        3,
        4,
    ]


def test_one_host_over_all_domains():
    data = load(
        [
            report(0, [policy(1, [("dns-error", "MX.shared.example.", 2)], domain="d.example")]),
            report(1, [policy(1, [("dns-error", "mx.shared.example", 3)], domain="e.example")]),
        ]
    )
    found = ma.failures_by_mx(data)
    assert found[["mx_host", "sessions", "domains"]].values.tolist() == [
        ["mx.shared.example", 5, 2]
    ]


def test_the_sample_adds_up(sample):
    """The same sums as truth.json, which the script that wrote the archive added up."""
    found = sample.facts
    for name, sessions in TRUTH["failed_sessions_by_type"].items():
        domain, result = name.split(" ")
        own = ma.failure_types(sample, ma.Filter(domains=domain, result_types=result))
        assert own["sessions"].sum() == sessions
    for name, (successful, failed) in TRUTH["sessions"].items():
        domain, kind = name.split(" ")
        mask = found.policies_where(ma.Filter(domains=domain, policy_types=kind))
        assert [int(found.successful[mask].sum()), int(found.failed[mask].sum())] == [
            successful,
            failed,
        ]


# --- over time -------------------------------------------------------------------------------------


def test_gaps_are_gaps_and_long_reports_are_left_out():
    data = load(
        [
            report(0, [policy(10)]),
            report(1, [policy(50, [("dns-error", MX1, 50)])], days=7, sender="W"),
            report(3, [policy(20, [("certificate-expired", MX1, 20)])]),
        ]
    )
    found = ma.over_time(data)
    assert [str(day.date()) for day in found["period"]] == [
        "2026-03-01",
        "2026-03-02",
        "2026-03-03",
        "2026-03-04",
    ]
    assert found["sessions"].tolist() == [10, pd.NA, pd.NA, 40]
    assert found["left_out"].tolist() == [0, 1, 0, 0]
    assert found.attrs["left_out_sessions"] == 100
    assert ma.over_time(data, split="sender").attrs["left_out_sessions"] == 100
    assert ma.failures_over_time(data).attrs["left_out_sessions"] == 50
    assert found["failure_share"].isna().tolist() == [False, True, True, False]
    # The week of Monday, 2 March holds the report of 2 to 8 March whole.
    weeks = ma.over_time(data, by="week").set_index("period")
    assert weeks.loc["2026-03-02", "sessions"] == 140
    assert (weeks["left_out"].sum(), weeks.attrs["left_out_sessions"]) == (0, 0)
    assert ma.over_time(data, by="month")["sessions"].tolist() == [150]
    assert ma.failures_over_time(data)["sessions"].tolist() == [20]
    assert ma.failures_over_time(data, by="week")["sessions"].sum() == 70


def test_sessions_under_tlsa_are_apart():
    """One session may be counted under both: RFC 8460 §4."""
    data = load([report(0, [policy(10), policy(10, kind="tlsa")])])
    assert ma.over_time(data)["sessions"].tolist() == [10]
    assert ma.over_time(data, ma.Filter(policy_types="tlsa"))["sessions"].tolist() == [10]
    assert ma.senders(data)["sessions"].tolist() == [10]


@pytest.mark.parametrize("wrong", [{"by": "year"}, {"split": "hour"}])
def test_an_unknown_period_or_split(sample, wrong):
    with pytest.raises(ma.InputError, match="expected"):
        ma.over_time(sample, **wrong)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40), st.sampled_from("ABC"), st.integers(0, 2**62), st.integers(0, 50),
            st.integers(1, 9),
        ),
        min_size=1, max_size=12,
    )
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_totals_are_those_of_plain_integers(rows):
    reports = [
        {
            **report(day, [policy(good, [("dns-error", MX1, bad)])], sender=who, days=span),
            "report-id": str(n),
        }
        for n, (day, who, good, bad, span) in enumerate(rows)
    ]
    data = load(reports)
    for by in ("day", "week", "month"):
        found = ma.over_time(data, by=by)
        kept = found["successful"].dropna()
        if by == "month":  # March and April 2026: whole unless it runs over the end of March
            expected = sum(r[2] for r in rows if (r[0] <= 30) == (r[0] + r[4] - 1 <= 30))
            assert sum(map(int, kept)) == expected
        assert int(found["results"].sum() + found["left_out"].sum()) == len(rows)
    assert sum(map(int, ma.senders(data)["sessions"])) == sum(r[2] + r[3] for r in rows)
    assert sum(map(int, ma.failure_types(data)["sessions"])) == sum(r[3] for r in rows)


# --- changes ---------------------------------------------------------------------------------------


def outage(failing, days=60, sessions=200, count=60):
    return [
        report(d, [policy(sessions - count, [("certificate-expired", MX2, count)]) if d in failing else policy(sessions)])
        for d in range(days)
    ]  # fmt: skip


def test_an_outage_has_two_ends():
    found = ma.change_points(load(outage(range(20, 25))))
    assert found[["change", "before", "after"]].values.tolist() == [
        ["fall", 0.3, 0.0],
        ["rise", 0.0, 0.3],
    ]
    assert [str(day.date()) for day in found["day"]] == ["2026-03-26", "2026-03-21"]
    assert found.loc[1, "text"] == (
        "certificate-expired at mx2.d.example rose on 2026-03-21 from 0% to 30% of the sessions of d.example under MTA-STS"
    )


def test_the_evidence_of_a_change():
    data = load(outage(range(20, 25)))
    rise = ma.change_points(data).iloc[1]
    assert data.filter(ma.Filter.of(rise)).failures["failed_session_count"].tolist() == [60] * 5


@pytest.mark.parametrize(
    ("failing", "why"),
    [
        ((), "nothing fails"),
        ((30,), "a single day is no change"),
        (range(0, 60, 7), "a sender that retries each Monday"),
        (range(60), "it always failed"),
        ((3, 17, 18, 31, 50), "now and then"),
    ],
)
def test_no_change(failing, why):
    assert ma.change_points(load(outage(set(failing)))).empty, why


def test_noise_alone_is_seldom_a_change():
    """Days that scatter around one share far more than coin tosses do: at most 5 series of 100 change."""
    found = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        sessions = rng.integers(50, 500, 120).astype(float)
        failed = rng.binomial(sessions.astype(int), rng.beta(1, 30, 120)).astype(float)
        found += bool(trends.changes(failed, sessions))
    assert found <= 5


# --- senders ---------------------------------------------------------------------------------------


def test_silence_and_newness():
    daily = [report(d, [policy(10)], sender="Daily") for d in range(70)]
    stopped = [report(d, [policy(10)], sender="Stopped") for d in range(40)]
    weekly = [report(d, [policy(10)], sender="Weekly") for d in range(0, 64, 7)]
    fresh = [report(d, [policy(10)], sender="Fresh") for d in range(60, 70)]
    found = ma.senders(load([*daily, *stopped, *weekly, *fresh])).set_index("sender")
    assert found["silent"].to_dict() == {
        "Daily": False,
        "Stopped": True,
        "Weekly": False,
        "Fresh": False,
    }
    assert found["new"].to_dict() == {
        "Daily": False,
        "Stopped": False,
        "Weekly": False,
        "Fresh": True,
    }
    assert found.loc["Weekly", "usual_gap"] == 7
    assert found.loc["Daily", ["reports", "days", "sessions"]].tolist() == [70, 70, 700]


def test_a_trend_is_what_intervals_agree_on():
    worse = [
        report(d, [policy(90, [("dns-error", MX1, 40 if d >= 46 else d % 2)])], sender="Worse")
        for d in range(60)
    ]
    same = [report(d, [policy(90, [("dns-error", MX1, d % 3)])], sender="Same") for d in range(60)]
    found = ma.senders(load([*worse, *same])).set_index("sender")
    assert found["trend"].to_dict() == {"Worse": "rising", "Same": "steady"}


# --- intervals -------------------------------------------------------------------------------------


def test_no_failure_is_no_certainty():
    found = intervals.interval([0] * 10, [1000] * 10)
    assert found.share == 0
    assert found.low == 0
    assert found.high > 0.2  # ten days speak as ten tosses at most: 3.84 / 13.84


def test_clusters_widen():
    even = intervals.interval([10] * 20, [100] * 20)
    bursts = intervals.interval([100] * 2 + [0] * 18, [100] * 20)
    assert even.share == bursts.share == pytest.approx(0.1)
    assert bursts.high - bursts.low > 3 * (even.high - even.low)


@pytest.mark.parametrize("days", [0, 1, 4])
def test_few_days_give_no_interval(days):
    found = intervals.interval([1] * days, [10] * days)
    assert (found.low, found.high) == (None, None)


@pytest.mark.slow
def test_the_interval_covers():
    """Nominally 95 %: over 400 simulated quarters of clustered failures it holds the true share in 90 % or more."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        share = rng.uniform(0.005, 0.2)
        sessions = rng.lognormal(4, 0.7, 90).astype(int) + 1
        failed = rng.binomial(sessions, rng.beta(share * 8, (1 - share) * 8, 90))
        found = intervals.interval(failed, sessions)
        held += found.low <= share <= found.high
    assert held >= 360, held


# --- compare, policies, leads ----------------------------------------------------------------------


def test_did_the_fix_work():
    days = [
        report(d, [policy(90, [
            *([("certificate-expired", MX1, 10)] if d < 14 else []),
            *([("validation-failure", MX2, 10)] if d >= 14 else []),
            ("dns-error", MX1, 1 + d % 2),
        ])])
        for d in range(28)
    ]  # fmt: skip
    found = ma.compare(load(days), "2026-03-15").set_index("result_type")
    assert found["change"].to_dict() == {
        "certificate-expired": "gone", "validation-failure": "new", "dns-error": "no clear change",
    }  # fmt: skip
    assert found.loc["certificate-expired", ["failed_before", "failed_after"]].tolist() == [140, 0]


def test_compare_says_what_is_missing(sample):
    with pytest.raises(ma.InputError, match="none starts in the 14 days from 2027-04-30"):
        ma.compare(sample, "2027-05-14")
    with pytest.raises(ma.InputError, match="days: expected 1 to 36,525, a whole number; got 0"):
        ma.compare(sample, "2026-03-14", days=0)


NEWER = ["version: STSv1", "mode: enforce", "mx: mx1.d.example", "max_age: 86400"]


def test_a_sender_on_an_old_policy():
    days = [
        report(d, [policy(9, text=POLICY if d < 10 else NEWER)], sender="Quick") for d in range(20)
    ]
    days += [
        report(d, [policy(9, text=POLICY if d < 11 else NEWER)], sender="Cached") for d in range(20)
    ]
    days += [report(d, [policy(9)], sender="Stale") for d in range(20)]
    found = ma.policy_history(load(days))
    assert found[["sender", "policy", "mode", "stale"]].values.tolist() == [
        ["Cached", "P1", "testing", False],  # max_age lets it
        ["Cached", "P2", "enforce", False],
        ["Quick", "P1", "testing", False],
        ["Quick", "P2", "enforce", False],
        ["Stale", "P1", "testing", True],
    ]
    assert found["sessions"].tolist() == [99, 81, 90, 90, 180]
    # The newer one is there on 11 March, so a day's max_age may carry the old one to the 12th.
    assert found["stale_from"].dt.strftime("%m-%d").fillna("").tolist() == [*[""] * 4, "03-13"]


def test_a_max_age_that_is_not_told_makes_nothing_old():
    """It is not nought: how long the sender may keep the policy is not known."""
    days = [report(d, [policy(9, text=POLICY[:-1])], sender="Untold") for d in range(20)]
    days += [report(d, [policy(9, text=NEWER)], sender="Quick") for d in range(10, 20)]
    found = ma.policy_history(load(days))
    assert found["max_age"].isna().tolist() == [False, True]
    assert not found["stale"].any() and found["stale_from"].isna().all()


def test_a_policy_that_is_written_otherwise_is_no_other():
    """Each sender quotes the file in its own way: nobody is on an old policy for another's spaces."""
    two = [*POLICY[:3], "mx: mx2.d.example", POLICY[3]]
    otherwise = ["mode:testing", "mx:mx2.d.example", "mx:mx1.d.example", "max_age:86400"]
    days = [report(d, [policy(9, text=two)], sender="A") for d in range(20)]
    days += [report(d, [policy(9, text=otherwise)], sender="B") for d in range(5, 20)]
    found = ma.policy_history(load(days))
    assert found[["sender", "policy", "stale"]].values.tolist() == [
        ["A", "P1", False], ["B", "P1", False],
    ]  # fmt: skip


def _said(mode, age, *hosts):
    return [
        "version: STSv1",
        f"mode: {mode}",
        *(f"mx: {host}" for host in hosts),
        f"max_age: {age}",
    ]


def _on_one_day(b_until):
    """Three policies of one first day, one written in two ways; failures that tie. B's is seen until a day."""
    old, kept = _said("testing", 86_400, MX1, MX2), _said("enforce", 86_400, MX1, MX2)
    seen = (
        (0, "A", old, "certificate-expired"),
        (4, "A", old, "validation-failure"),
        (0, "B", kept, None),
        (b_until, "B", kept, None),
        (0, "C", _said("testing", 86_400, MX2, MX1), "certificate-host-mismatch"),
        (0, "D", _said("enforce", 604_800, MX1, MX3), None),
    )
    return [
        report(day, [policy(9, [(kind, MX1, 1)] if kind else [], text=text)], sender=sender)
        for day, sender, text, kind in seen
    ]


def _stale(history):
    columns = ["policy", "sender", "mode", "max_age", "mx_patterns", "stale"]
    return list(history[columns].itertuples(index=False, name=None))


# D's is seen on the first day only, so the others outlive it by days; its max_age is a week.
@pytest.mark.parametrize(("b_until", "stale"), [(7, True), (5, False), (4, False)])
def test_of_two_policies_of_one_first_day_the_one_that_outlives_the_other_is_newer(b_until, stale):
    found = ma.policy_history(load(_on_one_day(b_until)))
    hosts = f"{MX1}, {MX2}"
    # By their last day; where that is one too, `enforce` stands before `testing`.
    testing, enforce = ("P3", "P2") if b_until == 4 else ("P2", "P3")
    assert _stale(found) == [
        (testing, "A", "testing", 86_400, hosts, stale),
        (enforce, "B", "enforce", 86_400, hosts, False),
        (testing, "C", "testing", 86_400, hosts, False),
        ("P1", "D", "enforce", 604_800, f"{MX1}, {MX3}", False),
    ]
    began = found["stale_from"].dropna().dt.strftime("%m-%d").tolist()
    assert began == (["03-03"] if stale else [])


@pytest.mark.parametrize("b_until", [7, 4])
def test_the_order_of_rows_changes_no_measure_and_no_judgement(b_until, tmp_path):
    draft = "\n".join(_said("enforce", 86_400, "mx4.d.example")) + "\n"

    def asked(data):
        found = ma.assess(data, "d.example", as_of="2026-03-10")
        return [
            ma.policy_history(data).to_csv(),
            ma.failure_types(data).to_csv(),
            ma.senders(data).to_csv(),
            (found.sentence, found.reasons, found.next_step, found.table.to_csv()),
            ma.replay(data, ma.Filter(), draft).left_out,
        ]

    made = _on_one_day(b_until)
    truth = asked(load(made))
    for at, rows in enumerate(itertools.permutations(made[1:])):
        data = load([*rows, made[0]])
        assert ma.policy_history(data).to_csv() == truth[0]
        if at % 10 == 7:
            assert asked(data) == truth
    # A store's months begin anew: what came first in a file need not come first in it.
    later = {**made[3], "report-id": "later", "date-range": report(40, [])["date-range"]}
    path = tmp_path / "reports.json"
    path.write_text(json.dumps([later, *made]))
    store = ma.Store(tmp_path / "store")
    store.ingest(path)
    assert asked(store) == asked(ma.load(path)) == asked(store.read())


def test_a_policy_that_came_back_is_not_old():
    """After a roll-back everybody sees the first policy again; who never left it was late, and is no more."""
    rolled = [
        report(d, [policy(9, text=NEWER if 10 <= d < 15 else POLICY)], sender=s)
        for d in range(25)
        for s in ("Quick", "Other")
    ]
    stayed = [report(d, [policy(9)], sender="Stayed") for d in range(25)]
    found = ma.policy_history(load([*rolled, *stayed]))
    assert not found["stale"].any()
    # While the newer one was in force, it was late.
    until = ma.policy_history(load([*rolled, *stayed]), ma.Filter(end="2026-03-15"))
    assert list(until.loc[until["stale"], "sender"]) == ["Stayed"]


def path_without_tls(victims, others):
    days = []
    for d in range(10):
        days += [
            report(
                d, [policy(5, [("starttls-not-supported", MX1, 4, "203.0.113.9")])], sender=f"V{n}"
            )
            for n in range(victims)
        ]
        days += [report(d, [policy(50)], sender=f"O{n}") for n in range(others)]
    return load(days)


def test_no_starttls_for_few_is_a_lead():
    found = ma.interception_leads(path_without_tls(1, 4))
    assert found[["lead", "sender", "other_senders", "sessions"]].values.tolist() == [
        ["starttls-for-few", "V0", 4, 40]
    ]


@pytest.mark.parametrize(("victims", "others"), [(4, 1), (1, 0), (1, 1)])
def test_no_starttls_for_all_is_the_mx(victims, others):
    assert ma.interception_leads(path_without_tls(victims, others)).empty


def test_addresses_from_dns_show_a_stranger():
    data = path_without_tls(1, 4)
    found = ma.interception_leads(data, addresses={"MX1.d.example.": ["192.0.2.1"]})
    assert set(found["lead"]) == {"unknown-address", "starttls-for-few"}
    known = ma.interception_leads(data, addresses={MX1: ["203.0.113.9"]})
    assert set(known["lead"]) == {"starttls-for-few"}


# --- an archive of nothing -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "archive", [b"{}", b'{"policies": []}', json.dumps(report(0, [])).encode()]
)
def test_nothing_is_an_answer(archive):
    data = ma.load(archive, progress=False)
    for measure in (
        ma.failure_types, ma.failures_by_mx, ma.failures_by_address, ma.unexplained, ma.effects, ma.senders,
        ma.over_time, ma.failures_over_time, ma.change_points, ma.policy_history, ma.interception_leads,
    ):  # fmt: skip
        found = measure(data)
        assert len(found) <= 1
        assert len(measure(data, ma.Filter(domains="d.example"))) == 0
        assert "object" not in set(map(str, found.dtypes)), measure


def test_sums_past_int64_are_integers_still():
    data = load([report(d, [policy(2**63 - 1)]) for d in range(3)])
    both = load([report(d, [policy(2**62, [("dns-error", MX1, 2**62 + 5)])]) for d in range(3)])
    for measure, times in ((ma.over_time, 3), (ma.senders, 3), (ma.policy_history, 3)):
        assert sum(map(int, measure(both)["sessions"])) == times * (2**63 + 5), measure
    assert facts.total(data.facts.successful) == 3 * (2**63 - 1)
    assert sum(map(int, ma.over_time(data)["successful"])) == 3 * (2**63 - 1)
    assert int(ma.senders(data)["sessions"].iloc[0]) == 3 * (2**63 - 1)


def test_few_days_show_no_change():
    """Two days on each side: whatever they show may be chance."""
    days = [report(d, [policy(90, [("certificate-expired", MX1, 10 * (d < 2))])]) for d in range(4)]
    found = ma.compare(load(days), "2026-03-03", days=2)
    assert found["change"].tolist() == ["not enough evidence"]


def test_compare_needs_a_day(sample):
    with pytest.raises(ma.InputError, match="day: expected a day"):
        ma.compare(sample, None)


def test_an_unknown_split_of_failures(sample):
    with pytest.raises(ma.InputError, match="split: expected one of result_type, effect, mx_host"):
        ma.failures_over_time(sample, split="sender")


@given(
    st.lists(st.tuples(*[st.integers(-1, 3)] * 3), min_size=1, max_size=30),
    st.sampled_from([4, 2**21, 2**31]),
)
@settings(deadline=None)
def test_groups_are_those_of_a_dictionary(rows, size):
    """However many words a column has: with 2^31 of them in three columns the combinations pass 2^63."""
    columns = np.array(rows).T
    found = facts.grouped(*((codes, size) for codes in columns))
    combinations = sorted(set(rows))
    assert [combinations[at] for at in found.place] == rows
    assert list(zip(*(codes.tolist() for codes in found.codes), strict=True)) == combinations
    assert found.size == len(combinations)


def test_a_share_that_never_moves_does_not_scatter():
    """All fail, or none: no two days differ, and the scatter is that of coin tosses."""
    same = np.full(6, 50.0)
    assert trends._dispersion(same, same, [0, 6]) == 1.0
    assert trends._dispersion(0 * same, same, [0, 6]) == 1.0
