"""What each gate says, not only how it stands: the figures, the day and the next step that a person acts on.

The worlds are those of the scenarios, whose sessions are 400, 300, 120 and 40 a day. So 14 days hold 12,040, seven
hold 6,020; `expired(range(35, 42))` fails 7 days x 4 senders x 20 = 560; a month of n days without a failure bounds the
forecast at 1 - 0.025^(1/n): 12.3 % for 28, 21.8 % for 15, 52.2 % for 5. The judgement is of 2026-04-12: 14 days on is
the 26th, 21 days on is 3 May.
"""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import pandas as pd
import pytest

from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.policies import policy_history
from mtasts_analysis.readiness.acknowledged import Acknowledged
from mtasts_analysis.readiness.config import DEFAULT
from mtasts_analysis.readiness.gate import FAIL, LITTLE, PASS, WARN, Evidence, named
from mtasts_analysis.readiness.gates import RULES, _judge
from mtasts_analysis.readiness.judgement import _NO_HISTORY, _published
from mtasts_analysis.readiness.stages import stage
from tests.analysis.world import FIRST
from tests.readiness.test_scenarios import DAYS, SCENARIOS, expired
from tests.readiness.worlds import AS_OF, ENFORCE, MX1, MX2, SENDERS, TESTING, live, signed, world

RULE = {rule.code: rule for rule in RULES}


def evidence(data, check=None, as_of=AS_OF, config=DEFAULT, acknowledged=()):
    """What the gates look at, as a judgement gathers it."""
    before = Filter(domains="d.example", end=as_of - timedelta(days=1))
    history = pd.DataFrame(_NO_HISTORY) if data is None else policy_history(data, before)
    standing = stage(history, as_of, config, _published(check))
    return Evidence(data, "d.example", check, as_of, standing, history, config, acknowledged)


@cache
def of_scenario(name):
    make, check, *_ = SCENARIOS[name]
    days = DAYS.get(name)
    as_of = AS_OF if days is None else FIRST + timedelta(days=days)
    return evidence(make(), check and check(), as_of)


def gate(code, *given, **more):
    return _judge(RULE[code], evidence(*given, **more))


def said(found):
    return found.status, found.clause, found.figures, found.action


TABLE = [
    # scenario, gate, status, what was found; with every figure where that is more; the next step; the day; rows
    ("ready", "days-in-testing", PASS,
     "the policy has been in testing for 42 days, since 2026-03-01",
     "", "", None, 4),
    ("ready", "days-with-reports", PASS,
     "reports came on 28 of 28 days",
     "", "", None, 112),
    ("ready", "senders-seen", PASS,
     "4 senders report",
     "4 senders in 28 days; with 5% or more of the sessions: Big, Large, Middle", "", None, 4),
    ("ready", "policy-honoured", PASS,
     "100% of sessions were of senders that saw the policy",
     "100.0% of 12,040 sessions were of senders that saw an MTA-STS policy", "", None, 56),
    ("ready", "refused-share", PASS,
     "enforce would have refused 0 of 12,040 sessions in 14 days",
     "refused under enforce in the last 14 days: 0 of 12,040 sessions; in the last 7: 0 of 6,020 sessions; the forecast's upper end is 12.3% (up to 20% passes)", "", None, 0),
    ("ready", "mx-in-policy", PASS,
     "both MX hosts are in the policy",
     "", "", None, 0),
    ("ready", "policy-fetch", PASS,
     "no policy fetch failed in 14 days",
     "", "", None, 0),
    ("ready", "open-change", PASS,
     "no rise is unexplained",
     "", "", None, 0),
    ("ready", "policy-seen", PASS,
     "senders see the policy that is published",
     "", "", None, 4),
    ("ready", "interception", PASS,
     "no lead is unexplained in 28 days",
     "", "", None, 0),
    ("ready", "dns-records", PASS,
     "the _mta-sts record and the MX records are in order",
     "", "", None, 0),
    ("ready", "policy-published", PASS,
     "a valid policy is published: testing, max_age 86400",
     "", "", None, 1),
    ("ready", "mx-certificates", PASS,
     "both MX hosts present a valid certificate over TLS 1.2 or newer",
     "mx1.d.example: accepted, mx2.d.example: accepted", "", None, 0),
    ("ready", "certificates-last", PASS,
     "every certificate lasts 60 days or more",
     "", "", None, 3),
    ("ready", "tlsrpt-record", PASS,
     "the TLSRPT record is in order",
     "", "", None, 0),
    ("ready", "dane", PASS,
     "nothing about DANE stands in the way",
     "", "", None, 0),
    ("one report in four has a bad signature", "evidence-authentic", WARN,
     "only 53% of sessions stand in reports whose signature is valid",
     "", "read data.reports['dkim']: a key that rotated away is no forgery, a failed body is", None, 112),
    ("ready as far as reports tell", "mx-in-policy", LITTLE,
     "no session failed at an MX outside the policy, but reports name no MX where sessions pass",
     "", "make a live check: it compares every MX", None, 0),
    ("ready as far as reports tell", "policy-seen", LITTLE,
     "no sender is on an old policy; which one is published, a live check tells",
     "", "make a live check: it compares the two", None, 4),
    ("one MX with an expired certificate", "refused-share", FAIL,
     "enforce would have refused 560 of 12,040 sessions (4.7%) in 14 days",
     "refused under enforce in the last 14 days: 560 of 12,040 sessions (4.7%); in the last 7: 560 of 6,020 sessions (9.3%); the forecast's upper end is 12.3% (up to 20% passes)", "mend certificate-expired at mx2.d.example first: renew the certificate, reload the mail server, and watch the days left", "2026-04-26", 1),
    ("one MX with an expired certificate", "open-change", FAIL,
     "certificate-expired at mx2.d.example rose on 2026-04-05 from 0% to 9.3% of the sessions of d.example under MTA-STS",
     "", "find the cause of certificate-expired at mx2.d.example and mend it; or acknowledge it once it is understood", "2026-04-26", 1),
    ("an outage of twelve days, over for two weeks, which the forecast remembers", "refused-share", LITTLE,
     "few sessions would be refused lately, but as earlier ones scatter 23% may be",
     "refused under enforce in the last 14 days: 0 of 12,040 sessions; in the last 7: 0 of 6,020 sessions; the forecast's upper end is 23.2% (up to 20% passes)", "mend certificate-expired at mx2.d.example first: renew the certificate", "2026-04-19", 1),
    ("an outage that is just over", "refused-share", WARN,
     "enforce would have refused 400 of 12,040 sessions (3.3%) in 14 days, 0 of 6,020 sessions in the last 7: falling, and to be waited for",
     "refused under enforce in the last 14 days: 400 of 12,040 sessions (3.3%); in the last 7: 0 of 6,020 sessions; the forecast's upper end is 12.3% (up to 20% passes); falling", "mend certificate-expired at mx2.d.example first: renew the certificate, reload the mail server, and watch the days left", "2026-04-19", 1),
    ("a forgotten backup MX, which the senders find", "refused-share", FAIL,
     "enforce would have refused 252 of 12,040 sessions (2.1%) in 14 days",
     "refused under enforce in the last 14 days: 252 of 12,040 sessions (2.1%); in the last 7: 144 of 6,020 sessions (2.4%); the forecast's upper end is 12.3% (up to 20% passes)", "mend validation-failure at backup.d.example first: put the MX into the policy file, give the _mta-sts record a new id, and wait for max_age", "2026-04-26", 1),
    ("a forgotten backup MX, which the senders find", "mx-in-policy", FAIL,
     "backup.d.example is not in the policy",
     "backup.d.example is not in the policy; 252 failed sessions there in 14 days", "if that is an MX of yours, add to the policy file, then give the record a new id: mx: backup.d.example", "2026-04-19", 1),
    ("a forgotten backup MX, which only the check finds", "mx-in-policy", FAIL,
     "mx2.d.example is not in the policy",
     "mx2.d.example is not in the policy; 0 failed sessions there in 14 days", "add to the policy file, then give the record a new id: mx: mx2.d.example", "2026-04-19", 0),
    ("a forgotten backup MX, which only the check finds", "policy-seen", WARN,
     "senders last saw another policy than the one published (testing)",
     "", "give the _mta-sts record a new id if it still has the old one, and wait for max_age", None, 4),
    ("a forgotten backup MX, which only the check finds", "mx-certificates", FAIL,
     "under enforce mx2.d.example would be refused (it is not in the policy)",
     "mx1.d.example: accepted, mx2.d.example: refused", "see the gate on the policy's MX lines", None, 0),
    ("senders dial an MX that was retired", "mx-in-policy", WARN,
     "senders still dialled old.d.example, which is no MX and not in the policy",
     "", "find out whether it is a forgotten backup MX", None, 1),
    ("one noisy sender", "refused-share", FAIL,
     "enforce would have refused 420 of 12,040 sessions (3.5%) in 14 days",
     "refused under enforce in the last 14 days: 420 of 12,040 sessions (3.5%); in the last 7: 210 of 6,020 sessions (3.5%); the forecast's upper end is 21.4% (up to 20% passes)", "mend validation-failure at mx1.d.example first: read the sender's reason (failure_reason_code), offer TLS 1.2 and 1.3, and check the whole chain", "2026-04-26", 1),
    ("no reports about the domain", "days-in-testing", LITTLE,
     "nothing tells whether a policy is published",
     "", "publish a policy in mode testing with max_age 86400 and its _mta-sts record", None, 0),
    ("no reports about the domain", "days-with-reports", LITTLE,
     "no report came in 28 days",
     "", "check that the TLSRPT record is published, and that its mailbox accepts mail", "2026-04-26", 0),
    ("no reports about the domain", "senders-seen", LITTLE,
     "only 0 senders report: that speaks for nobody else",
     "0 senders in 28 days; with 5% or more of the sessions: none", "wait for more senders; if these are all who write to you, lower the threshold fewest_senders", "2026-04-13", 0),
    ("no reports about the domain", "policy-honoured", LITTLE,
     "no session was reported in 14 days",
     "", "wait for reports", None, 0),
    ("no reports about the domain", "refused-share", LITTLE,
     "too few daily figures to judge by: 0 in 14 days, one for each sender and day",
     "", "wait for about 7 more days with reports", "2026-04-19", 0),
    ("no reports about the domain", "policy-fetch", LITTLE,
     "no session of a sender that saw the policy was reported in 14 days",
     "", "wait for reports", None, 0),
    ("no reports about the domain", "open-change", LITTLE,
     "no session of a sender that saw the policy was reported in 14 days",
     "", "wait for reports", None, 0),
    ("no reports about the domain", "policy-seen", LITTLE,
     "no sender reported a policy lately",
     "", "publish one, and wait for reports", None, 0),
    ("no reports about the domain", "interception", LITTLE,
     "no session of a sender that saw the policy was reported in 14 days",
     "", "wait for reports", None, 0),
    ("no reports loaded", "days-in-testing", LITTLE,
     "a live check alone does not tell since when the policy is in testing",
     "", "load the reports since then", None, 0),
    ("only no-policy-found", "days-in-testing", FAIL,
     "no policy is in testing",
     "", "publish a policy in mode testing with max_age 86400 and its _mta-sts record", "2026-05-03", 0),
    ("only no-policy-found", "policy-honoured", FAIL,
     "no sender saw a policy in 14 days",
     "0.0% of 12,040 sessions were of senders that saw an MTA-STS policy", "publish the policy and its _mta-sts record, or mend them", "2026-04-13", 56),
    ("most senders find no policy", "policy-honoured", WARN,
     "only 19% of sessions were of senders that saw the policy",
     "18.6% of 12,040 sessions were of senders that saw an MTA-STS policy", "look who finds no policy, and why: enforce protects only the others", None, 56),
    ("enforce already", "days-in-testing", PASS,
     "the policy has said enforce since 2026-03-31, after 30 days in testing",
     "", "", None, 8),
    ("enforce already", "policy-published", PASS,
     "a valid policy is published: enforce, max_age 86400",
     "", "", None, 1),
    ("enforce already, and failing", "refused-share", FAIL,
     "enforce refused 400 of 12,040 sessions (3.3%) in 14 days",
     "refused under enforce in the last 14 days: 400 of 12,040 sessions (3.3%); in the last 7: 400 of 6,020 sessions (6.6%); the forecast's upper end is 12.3% (up to 20% passes)", "mend certificate-expired at mx2.d.example first: renew the certificate, reload the mail server, and watch the days left", "2026-04-26", 1),
    ("enforce already, and failing", "open-change", FAIL,
     "certificate-expired at mx2.d.example rose on 2026-04-07 from 0% to 9.3% of the sessions of d.example under MTA-STS",
     "", "find the cause of certificate-expired at mx2.d.example and mend it; or acknowledge it once it is understood", "2026-04-26", 1),
    ("testing, but the record was removed", "dns-records", FAIL,
     "there is no usable record at _mta-sts.d.example: no sender looks for a policy",
     "d.example: seen so", "mend it", None, 1),
    ("testing for two weeks", "days-in-testing", FAIL,
     "the policy has been in testing for 15 of 21 days",
     "", "go on in testing until 2026-03-22", "2026-03-22", 4),
    ("testing for two weeks", "refused-share", LITTLE,
     "few sessions would be refused, but 15 days are too few to rely on that",
     "refused under enforce in the last 14 days: 0 of 12,040 sessions; in the last 7: 0 of 6,020 sessions; the forecast's upper end is 21.8% (up to 20% passes)", "wait for about 2 more days like these", "2026-03-18", 0),
    ("testing for five days", "days-in-testing", FAIL,
     "the policy has been in testing for 5 of 21 days",
     "", "go on in testing until 2026-03-22", "2026-03-22", 4),
    ("testing for five days", "days-with-reports", LITTLE,
     "reports came on 5 of 28 days",
     "", "wait for 9 more days with reports", "2026-03-15", 20),
    ("testing for five days", "refused-share", LITTLE,
     "few sessions would be refused, but 5 days are too few to rely on that",
     "refused under enforce in the last 14 days: 0 of 4,300 sessions; in the last 7: 0 of 4,300 sessions; the forecast's upper end is 52.2% (up to 20% passes)", "wait for about 12 more days like these", "2026-03-18", 0),
    ("only certificate failures, which one tool lets pass", "refused-share", FAIL,
     "enforce would have refused 840 of 12,040 sessions (7.0%) in 14 days",
     "refused under enforce in the last 14 days: 840 of 12,040 sessions (7.0%); in the last 7: 420 of 6,020 sessions (7.0%); the forecast's upper end is 18.8% (up to 20% passes)", "mend certificate-expired at mx1.d.example first: renew the certificate, reload the mail server, and watch the days left", "2026-04-26", 2),
    ("interception", "interception", FAIL,
     "203.0.113.9, none of the addresses seen for mx1.d.example, failed for Victim (starttls-not-supported, 28 sessions, 2026-03-15 to 2026-04-11)",
     "203.0.113.9, none of the addresses seen for mx1.d.example, failed for Victim (starttls-not-supported, 28 sessions, 2026-03-15 to 2026-04-11); mx1.d.example offered no STARTTLS to Victim (28 sessions, 2026-03-15 to 2026-04-11), while 4 other senders had sessions with d.example on those days", "look with the sender's operator at what lies on its way to you, for somebody may be listening there; acknowledge the lead once it is understood", None, 2),
    ("a rise that stays small", "open-change", FAIL,
     "validation-failure at mx1.d.example rose on 2026-03-22 from 0% to 0.3% of the sessions of d.example under MTA-STS",
     "", "find the cause of validation-failure at mx1.d.example and mend it; or acknowledge it once it is understood", "2026-04-26", 1),
    ("a sender still on an old policy", "policy-seen", WARN,
     "Small kept an old policy past its max_age",
     "", "ask them to fetch it: enforce does nothing for them yet", None, 1),
    ("a type that nobody knows", "refused-share", FAIL,
     "enforce would have refused 0 of 12,040 sessions and perhaps 1,680 more (14.0%) in 14 days",
     "refused under enforce in the last 14 days: 0 of 12,040 sessions and perhaps 1,680 more (14.0%); in the last 7: 0 of 6,020 sessions and perhaps 840 more (14.0%); the forecast's upper end is 37.5% (up to 20% passes)", "mend a-new-type at mx1.d.example first: read the sender's reason (failure_reason_code, additional_information), or ask it (contact_info)", "2026-04-26", 1),
    ("the policy host fails", "policy-fetch", FAIL,
     "senders could not get the policy (sts-policy-fetch-error, 12 sessions, last on 2026-04-10)",
     "", "serve the file by HTTPS with status 200, without redirects, and watch the host", "2026-04-25", 1),
    ("one sender could not fetch the policy", "policy-fetch", WARN,
     "senders could not get the policy (sts-policy-fetch-error, 1 sessions, last on 2026-04-10)",
     "", "serve the file by HTTPS with status 200, without redirects, and watch the host", None, 1),
    ("one sender alone", "senders-seen", LITTLE,
     "only 1 sender reports, Big: that speaks for nobody else",
     "1 sender in 28 days; with 5% or more of the sessions: Big", "wait for more senders; if these are all who write to you, lower the threshold fewest_senders", "2026-04-13", 1),
    ("a sender fell silent", "senders-seen", WARN,
     "Large stopped reporting",
     "4 senders in 28 days; with 5% or more of the sessions: Big, Large, Middle, Small; Large stopped reporting", "find out why Large stopped reporting: their failures are no longer seen", None, 4),
    ("reports stopped ten days ago", "days-with-reports", LITTLE,
     "no report came in the last 10 days",
     "reports came on 18 of 28 days; no report came in the last 10 days", "check that the TLSRPT record is published, and that its mailbox accepts mail", "2026-04-26", 72),
    ("reports stopped ten days ago", "refused-share", LITTLE,
     "too few daily figures to judge by: 16 in 14 days, one for each sender and day",
     "", "wait for about 1 more day with reports", "2026-04-13", 0),
    ("the MX hosts could not be reached from here", "mx-certificates", LITTLE,
     "what becomes of mx1.d.example, mx2.d.example is not known",
     "mx1.d.example: unknown, mx2.d.example: unknown", "run the check where port 25 is open", None, 0),
    ("the MX hosts could not be reached from here", "certificates-last", LITTLE,
     "no certificate was seen",
     "", "run the check where port 25 is open", None, 0),
    ("a certificate with twenty days left", "certificates-last", WARN,
     "the certificate of mta-sts.d.example has 20 days left, until 2026-05-02",
     "", "renew the certificate of mta-sts.d.example, have the server load it, and automate both", None, 3),
    ("a certificate with three days left", "certificates-last", FAIL,
     "the certificate of mta-sts.d.example has 3 days left, until 2026-04-15",
     "", "renew the certificate of mta-sts.d.example, have the server load it, and automate both", "2026-04-13", 3),
    ("the domain takes no mail", "dns-records", WARN,
     "d.example accepts no mail (null MX)",
     "", "", None, 0),
    ("the domain takes no mail", "mx-certificates", LITTLE,
     "no MX host was seen",
     "no MX host", "run the check where port 25 is open", None, 0),
    ("the file withdraws the policy, while senders still hold it", "policy-seen", WARN,
     "senders last saw another policy than the one published (none)",
     "", "give the _mta-sts record a new id if it still has the old one, and wait for max_age", None, 4),
    ("the file withdraws the policy, while senders still hold it", "policy-published", FAIL,
     "the published policy says none: MTA-STS is withdrawn",
     "", "publish a policy in mode testing", None, 1),
    ("no TLSRPT record", "tlsrpt-record", FAIL,
     "without a usable TLSRPT record no failure under enforce would be reported",
     "", "publish it: ma.publish.publication(..., rua=...) gives its text", "2026-04-13", 0),
    ("the policy file cannot be fetched", "policy-published", FAIL,
     "d.example: seen so",
     "", "mend it", None, 1),
    ("TLSA records match nothing", "dane", WARN,
     "mx1.d.example: seen so",
     "", "mend it", None, 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("scenario", "code", "status", "clause", "figures", "action", "clear_on", "rows"),
    TABLE,
    ids=[f"{row[1]}: {row[0]}" for row in TABLE],
)
def test_what_a_gate_says(scenario, code, status, clause, figures, action, clear_on, rows):
    found = _judge(RULE[code], of_scenario(scenario))
    assert (found.status, found.clause, found.figures) == (status, clause, figures or clause)
    assert found.action.startswith(action) and bool(found.action) == bool(action)
    assert found.clear_on == (clear_on and date.fromisoformat(clear_on))
    assert len(found.evidence) == rows
    rule = RULE[code]
    assert (found.code, found.half, found.reference) == (code, rule.half, rule.reference)


def test_every_gate_is_met_in_each_state_it_has():
    assert {row[1] for row in TABLE} == set(RULE)


# --- the half that is missing --------------------------------------------------------------------------


@pytest.mark.parametrize("code", [rule.code for rule in RULES if rule.half == "live"])
def test_without_a_check(code):
    found = gate(code, world(days=1))
    clause = "no live check was made"
    assert said(found) == (LITTLE, clause, clause, "make a live check of d.example")
    assert found.clear_on is None


@pytest.mark.parametrize("code", [rule.code for rule in RULES if rule.half == "reports"])
def test_without_reports(code):
    found = gate(code, None, live())
    clause = "no reports were loaded"
    action = "load the domain's TLS reports; if none come, publish a TLSRPT record"
    assert said(found) == (LITTLE, clause, clause, action)


def test_questions_name_the_thresholds():
    config = replace(DEFAULT, refused_most=0.01, certificate_days=45)
    assert (
        gate("refused-share", world(), config=config).question
        == "Would enforce refuse at most 1.0% of sessions?"
    )
    assert (
        gate("certificates-last", None, live(), config=config).question
        == "Does every certificate last 45 days?"
    )


# --- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("", ""),
        ("a", "a"),
        ("abcd", "a, b, c, d"),
        ("abcde", "a, b, c, d and 1 more"),
        ([None, "a"], "not named, a"),
    ],
)
def test_names_are_so_many(values, words):
    assert named(values) == words


def test_many_forgotten_hosts_are_all_counted():
    """Eight hosts: the clause names four, the action writes six lines, and none is left out of the figure."""
    hosts = [f"b{n}.d.example" for n in range(8)]
    data = world(
        lambda day, s: (
            [("validation-failure", host, 1) for host in hosts] if s == "Big" and day == 40 else []
        )
    )
    found = gate("mx-in-policy", data)
    assert (
        found.clause
        == "b0.d.example, b1.d.example, b2.d.example, b3.d.example and 4 more are not in the policy"
    )
    assert found.figures == f"{found.clause}; 8 failed sessions there in 14 days"
    assert found.action.endswith("mx: b4.d.example; mx: b5.d.example")
    assert len(found.evidence) == 8


# --- what was acknowledged -----------------------------------------------------------------------------


def risen(day, sender):
    """Two rises in the last days, the one at MX2 the larger."""
    return [("certificate-expired", MX2, 20), ("validation-failure", MX1, 8)] if day >= 35 else []


def known(code, subject, until=date(2026, 12, 31)):
    return Acknowledged(code, subject, "known", until)


def test_of_two_rises_the_one_that_is_not_acknowledged_counts():
    data = world(risen)
    both = gate("open-change", data)
    assert both.status == FAIL and both.figures.count(" rose on 2026-04-05 ") == 2
    one = gate(
        "open-change", data, acknowledged=(known("open-change", f"certificate-expired at {MX2}"),)
    )
    assert one.status == FAIL and one.clause.startswith(f"validation-failure at {MX1} rose")
    assert one.figures == one.clause
    assert one.action.startswith(f"find the cause of validation-failure at {MX1} and mend it")
    other = gate(
        "open-change", data, acknowledged=(known("open-change", f"validation-failure at {MX1}"),)
    )
    assert other.action.startswith(f"find the cause of certificate-expired at {MX2} and mend it")
    done = (
        known("open-change", f"certificate-expired at {MX2}"),
        known("open-change", f"validation-failure at {MX1}"),
    )
    found = gate("open-change", data, acknowledged=done)
    assert found.status == PASS and len(found.evidence) == 2
    assert (
        found.clause.startswith("no rise is unexplained; acknowledged: ")
        and found.clause.count(" at mx") == 2
    )


def test_what_is_acknowledged_until_a_day_is_open_after_it():
    data = world(risen)
    subject = f"certificate-expired at {MX2}"
    for until, status in ((AS_OF, PASS), (AS_OF - timedelta(days=1), FAIL)):
        others = known("open-change", f"validation-failure at {MX1}")
        found = gate(
            "open-change", data, acknowledged=(known("open-change", subject, until), others)
        )
        assert found.status == status, until


def test_the_day_of_the_judgement_is_not_over():
    """What failed today, in a report of an hour, is not weighed against a part of a day's sessions."""
    data = world(expired(range(42, 43), count=40), days=43)
    found = gate("refused-share", data)
    assert found.clause == "enforce would have refused 0 of 12,040 sessions in 14 days"
    assert gate("policy-honoured", data).figures.startswith("100.0% of 12,040 sessions")


def test_a_rise_of_the_last_day_and_of_another_domain():
    """What failed today is not over; what enforce does not refuse is no rise that holds it up."""
    fetching = world(lambda day, s: [("sts-policy-fetch-error", None, 20)] if day >= 35 else [])
    assert gate("open-change", fetching).status == PASS
    early = gate("open-change", world(risen), as_of=FIRST + timedelta(days=35))
    assert early.status == PASS, "the first failing day is the day of the judgement"


def test_a_lead_that_is_acknowledged_is_named():
    data = world(
        lambda day, s: [("starttls-not-supported", MX1, 1, "203.0.113.9")] if s == "V" else [],
        senders={**SENDERS, "V": 30},
    )
    found = gate(
        "interception", data, acknowledged=(known("interception", f"starttls-for-few at {MX1}"),)
    )
    assert found.status == PASS and len(found.evidence) == 1
    assert (
        found.clause
        == f"no lead is unexplained in 28 days; acknowledged: starttls-for-few at {MX1}"
    )


# --- thresholds, at and beside ---------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "status"), [(20, FAIL), (21, PASS)])
def test_days_in_testing(days, status):
    found = gate("days-in-testing", world(days=days), as_of=FIRST + timedelta(days=days))
    assert found.status == status
    assert found.clear_on == (None if status == PASS else FIRST + timedelta(days=21))


@pytest.mark.parametrize(
    ("tested", "days", "status", "clause"),
    [
        (30, 42, PASS, "the policy has said enforce since 2026-03-31, after 30 days in testing"),
        (
            5,
            12,
            WARN,
            "the policy has said enforce since 2026-03-06, and reports show 5 days in testing before",
        ),
        (
            0,
            20,
            WARN,
            "the policy has said enforce since 2026-03-01, and reports show no days in testing before",
        ),
        (5, 21, PASS, "the policy has said enforce since 2026-03-06, after 5 days in testing"),
        (0, 21, PASS, "the policy has said enforce since 2026-03-01"),
    ],
)
def test_enforce_without_weeks_of_testing(tested, days, status, clause):
    """A warning until the policy was seen for 21 days, in testing or not; the first day is 2026-03-01."""
    data = world(days=days, text=lambda day, s: TESTING if day < tested else ENFORCE)
    found = gate("days-in-testing", data, as_of=FIRST + timedelta(days=days))
    assert (found.status, found.clause) == (status, clause)
    assert bool(found.action) == (status == WARN)


@pytest.mark.parametrize(("days", "status"), [(13, LITTLE), (14, PASS)])
def test_days_with_reports(days, status):
    found = gate("days-with-reports", world(reports=lambda day, s: day >= 42 - days))
    assert (found.status, found.clause) == (status, f"reports came on {days} of 28 days")


@pytest.mark.parametrize(("quiet", "status"), [(7, PASS), (8, LITTLE)])
def test_days_of_silence(quiet, status):
    found = gate("days-with-reports", world(reports=lambda day, s: day < 42 - quiet))
    assert found.status == status


@pytest.mark.parametrize(("volume", "who"), [(30, "A, B"), (29, "A, B"), (100, "A, B, C")])
def test_who_is_big(volume, who):
    """5 % of the sessions: 30 of 600 + 30 are less, 100 of 700 more."""
    found = gate("senders-seen", world(senders={"A": 300, "B": 300, "C": volume}))
    assert found.status == PASS and found.figures.endswith(f"of the sessions: {who}")


@pytest.mark.parametrize(("sts", "status"), [(500, PASS), (499, WARN), (0, FAIL)])
def test_half_must_see_the_policy(sts, status):
    data = world(
        kind=lambda day, s: "sts" if s == "Seeing" else "no-policy-found",
        senders={**({"Seeing": sts} if sts else {}), "Blind": 1000 - sts},
    )
    found = gate("policy-honoured", data)
    assert found.status == status
    assert (
        found.figures
        == f"{sts / 1000:.1%} of 14,000 sessions were of senders that saw an MTA-STS policy"
    )


@pytest.mark.parametrize(
    ("failing", "status", "why"),
    [
        ({"Big": 10}, WARN, "one sender, 10 of 2,000: its path"),
        ({"Big": 11}, FAIL, "one sender, but more than 0.5 %"),
        ({"Big": 1, "Small": 1}, FAIL, "two senders: the host"),
    ],
)
def test_whose_trouble_a_fetch_is(failing, status, why):
    data = world(
        lambda day, s: (
            [("sts-policy-fetch-error", None, failing[s])] if day == 41 and s in failing else []
        ),
        reports=lambda day, s: day >= 40,
        senders={"Big": 600, "Small": 400},
    )
    assert gate("policy-fetch", data).status == status, why


def test_sessions_without_a_policy_count_where_a_fetch_failed():
    """10 of 2,000 sessions, 800 of which found no policy at all: of those that had one it would be more than 0.5 %."""
    data = world(
        lambda day, s: [("sts-policy-fetch-error", None, 10)] if (day, s) == (41, "Big") else [],
        kind=lambda day, s: "no-policy-found" if s == "Small" else "sts",
        text=lambda day, s: None if s == "Small" else TESTING,
        reports=lambda day, s: day >= 40,
        senders={"Big": 600, "Small": 400},
    )
    assert gate("policy-fetch", data).status == WARN


def test_a_failed_session_weighs_as_one_that_passed():
    """One sender of ten is not signed; that most of its sessions failed makes it no more and no less."""
    data = signed(
        world(
            lambda day, s: [("certificate-expired", MX1, 80)] if s == "S9" else [],
            senders={f"S{n}": 100 for n in range(10)},
        ),
        ["pass"] * 9 + ["fail"],
    )
    assert gate("evidence-authentic", data).clause.startswith("90% of sessions")


@pytest.mark.parametrize(("passing", "status"), [(8, PASS), (7, WARN)])
def test_eight_in_ten_must_be_signed(passing, status):
    verdicts = ["pass"] * passing + ["fail"] * (10 - passing)
    data = signed_by_session(verdicts)
    found = gate("evidence-authentic", data)
    assert found.status == status and len(found.evidence) == 280
    assert f"{passing}0% of sessions stand in reports whose signature is valid" in found.clause


def signed_by_session(verdicts):
    return signed(world(senders={f"S{n}": 100 for n in range(10)}), verdicts)


def test_reports_that_were_not_checked_are_no_forgeries():
    half = gate("evidence-authentic", signed_by_session(["pass"] * 9 + ["not-checked"]))
    assert half.status == PASS
    none = gate("evidence-authentic", signed_by_session(["not-checked"]))
    assert said(none)[:2] == (LITTLE, "no report's signature was checked")
    assert none.action.startswith("load the archive again with dkim=True")


# --- reports beside a check ---------------------------------------------------------------------------


def test_a_check_of_a_policy_in_any_case():
    """Patterns are names: capitals and their order make no other policy."""
    for mx, status in (
        ((MX2.upper(), MX1), PASS),
        ((MX1,), WARN),
        ((MX1, MX2, "mx3.d.example"), WARN),
    ):
        check = live()
        shown = replace(check, policy=replace(check.policy, mx=mx))
        assert gate("policy-seen", world(), shown).status == status, mx
    assert gate("policy-seen", world(), live(mode="enforce")).status == WARN


UNTOLD = "reports leave out a part of the policy: none tells whether senders saw the published one"
OTHER = "senders last saw another policy than the one published"


@pytest.mark.parametrize(
    ("text", "status", "clause"),
    [
        (TESTING[:-1], LITTLE, UNTOLD),
        ([*TESTING[:2], TESTING[-1]], LITTLE, UNTOLD),
        (TESTING[:1], LITTLE, UNTOLD),
        (ENFORCE[:-1], WARN, OTHER),
        ([TESTING[0], *TESTING[2:4], "max_age: 604800"], WARN, OTHER),
        ([*TESTING[:3]], WARN, OTHER),
    ],
    ids=["no max_age", "no mx", "nothing", "another mode", "another max_age", "another mx"],
)
def test_what_a_report_leaves_out_is_no_other_policy(text, status, clause):
    found = gate("policy-seen", world(text=lambda day, s: text), live())
    assert found.status == status and found.clause.startswith(clause)
    # One sender that tells the whole policy is enough, while the others may have cached another: a day's max_age.
    some = world(text=lambda day, s: TESTING if s == "Big" else text, days=2)
    assert gate("policy-seen", some, live(), as_of=FIRST + timedelta(days=2)).status == PASS


def test_a_policy_in_mode_none_lists_no_mx():
    none = ["version: STSv1", "mode: none", "max_age: 86400"]
    found = gate("policy-seen", world(text=lambda day, s: none), live(mode="none", mx=()))
    assert found.status == PASS


def test_a_failure_at_an_mx_that_the_policy_lists_is_no_gap():
    data = world(expired(range(35, 42)))
    assert gate("mx-in-policy", data, live()).clause == "both MX hosts are in the policy"
    both = gate("mx-in-policy", data, live(mx=[MX1]))
    assert both.figures == f"{MX2} is not in the policy; 560 failed sessions there in 14 days"
