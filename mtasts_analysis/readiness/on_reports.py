"""The gates that reports decide; a live check sharpens some."""

from collections.abc import Hashable
from datetime import timedelta
from math import ceil
from typing import Any

import pandas as pd

from mtasts_analysis.analysis.effects import CAUTIOUS, UNPROTECTED
from mtasts_analysis.analysis.facts import total
from mtasts_analysis.analysis.failures import failure_types, failures_by_mx
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.interception import interception_leads
from mtasts_analysis.analysis.senders import senders
from mtasts_analysis.analysis.trends import change_points, failure
from mtasts_analysis.checks.coverage import covers
from mtasts_analysis.checks.policy import Policy
from mtasts_analysis.readiness.forecast import FEWEST, more_days, unseen
from mtasts_analysis.readiness.gate import FAIL, LITTLE, PASS, WARN, Evidence, Found, Rule, named
from mtasts_analysis.readiness.impact import Impact, replay
from mtasts_analysis.wording import every, percent, several

_MONTH = 28


def _testing(of: Evidence) -> Found:
    need, mode, since = of.config.days_in_testing, of.stage.mode, of.stage.mode_since
    rows = of.history
    if mode == "enforce":
        return _enforced(of)
    if mode != "testing" or since is None:
        publish = "publish a policy in mode testing with max_age 86400 and its _mta-sts record"
        known = of.check is not None or (
            of.data is not None and of.data.facts.policies_where(of.last(_MONTH)).any()
        )
        if not known:
            return Found(LITTLE, "nothing tells whether a policy is published", action=publish)
        return Found(FAIL, "no policy is in testing", "", publish, of.within(need), rows)
    if of.data is None:
        clause = "a live check alone does not tell since when the policy is in testing"
        return Found(LITTLE, clause, action="load the reports since then", rows=rows)
    if of.check is None and (of.as_of - (last := rows["last_day"].max().date())).days > _MONTH:
        clause = f"no sender has reported the policy since {last}"
        action = "load the reports since then, or make a live check"
        return Found(LITTLE, clause, "", action, rows=rows)
    days, clear = (of.as_of - since).days, since + timedelta(days=need)
    clause = f"the policy has been in testing for {days} of {need} days"
    if days < need:
        return Found(FAIL, clause, "", f"go on in testing until {clear}", clear, rows)
    return Found(PASS, f"the policy has been in testing for {days} days, since {since}", rows=rows)


def _enforced(of: Evidence) -> Found:
    """Judge a policy that says enforce by the days in testing before, or those that enforce has lasted."""
    since = of.stage.mode_since
    said = f"the policy has said enforce since {since}"
    if of.data is None or since is None:
        return Found(PASS, said, rows=of.history)
    began = since
    for day, name in reversed(of.stage.history):
        if name == "none":
            break
        began = min(began, day)
    tested = (since - began).days
    if tested:
        said = f"{said}, after {tested} days in testing"
    if (of.as_of - began).days >= of.config.days_in_testing:
        return Found(PASS, said, rows=of.history)
    # No rule forbids it (RFC 8461 §5), and an archive may begin too late to show it: a warning, while it is new.
    clause = f"the policy has said enforce since {since}, and reports show {tested or 'no'} days in testing before"
    action = "read the reports every day; back to testing, with a new id, if sessions are refused by fault of yours"
    return Found(WARN, clause, "", action, rows=of.history)


def _reporting(of: Evidence) -> Found:
    need, most = of.config.days_with_reports, of.config.silence_most
    facts = of.reports.facts
    chosen = facts.policies_where(of.last(_MONTH))
    days = sorted({int(day) for day in facts.day[chosen]})
    rows = of.reports.reports.iloc[sorted(set(facts.report[chosen].tolist()))]
    look = "check that the TLSRPT record is published, and that its mailbox accepts mail"
    if facts.domain.words and of.domain not in facts.domain.words:
        clause = f"no report is about {of.domain}; the archive is about {named(facts.domain.words)}"
        return Found(
            LITTLE,
            clause,
            "",
            "look whether the name is right; else wait for reports",
            of.within(need),
            rows,
        )
    if not days:
        return Found(LITTLE, f"no report came in {_MONTH} days", "", look, of.within(need), rows)
    clause = f"reports came on {len(days)} of {_MONTH} days"
    quiet = (pd.Timestamp(of.as_of) - pd.Timestamp(days[-1], unit="D")).days - 1
    if quiet > most:
        said = f"no report came in the last {quiet} days"
        return Found(LITTLE, said, f"{clause}; {said}", look, of.within(need), rows)
    if len(days) < need:
        more = need - len(days)
        return Found(
            LITTLE,
            clause,
            "",
            f"wait for {several(more, 'more day')} with reports",
            of.within(more),
            rows,
        )
    return Found(PASS, clause, rows=rows)


def _senders(of: Evidence) -> Found:
    found = senders(of.reports, of.last(_MONTH))
    whole = found["sessions"].sum()
    big = found[found["sessions"] >= of.config.big_sender * whole] if whole else found.iloc[:0]
    figures = (
        f"{several(len(found), 'sender')} in {_MONTH} days; with {percent(of.config.big_sender)} or more of"
        f" the sessions: {named(big['sender'], 6) or 'none'}"
    )
    if len(found) < of.config.fewest_senders:
        who = f", {named(found['sender'])}" if len(found) else ""
        reporting = "1 sender reports" if len(found) == 1 else f"{len(found)} senders report"
        clause = f"only {reporting}{who}: that speaks for nobody else"
        action = "wait for more senders; if these are all who write to you, lower the threshold fewest_senders"
        return Found(LITTLE, clause, figures, action, of.within(1), found)
    silent = found[found["silent"]]
    if len(silent):
        clause = f"{named(silent['sender'])} stopped reporting"
        action = f"find out why {clause}: their failures are no longer seen"
        return Found(WARN, clause, f"{figures}; {clause}", action, rows=found)
    return Found(PASS, f"{len(found)} senders report", figures, rows=found)


def _honouring(of: Evidence) -> Found:
    days = of.config.recent_days
    sts, none = of.sts_sessions, of.sessions("no-policy-found", days)
    rows = of.reports.policies[of.reports.facts.policies_where(of.last(days))]
    if not sts + none:
        return Found(
            LITTLE, f"no session was reported in {days} days", "", "wait for reports", rows=rows
        )
    share = sts / (sts + none)
    figures = f"{share:.1%} of {sts + none:,} sessions were of senders that saw an MTA-STS policy"
    if not sts:
        clause = f"no sender saw a policy in {days} days"
        action = "publish the policy and its _mta-sts record, or mend them"
        return Found(FAIL, clause, figures, action, of.within(1), rows)
    if share < of.config.honouring:
        clause = f"only {share:.0%} of sessions were of senders that saw the policy"
        action = "look who finds no policy, and why: enforce protects only the others"
        return Found(WARN, clause, figures, action, rows=rows)
    return Found(
        PASS, f"{share:.0%} of sessions were of senders that saw the policy", figures, rows=rows
    )


def _refused(of: Evidence) -> Found:
    most, bound, days = of.config.refused_most, of.config.forecast_most, of.config.recent_days
    month, half = (
        replay(of.reports, of.last(n), of.draft, of.config)
        for n in (of.config.forecast_days, days // 2)
    )
    whole = of.recent
    rows, high, sample = whole.details, month.forecast.high, month.forecast.sample
    if high is None or sample is None or not half.sessions:
        daily = f"{whole.sender_days} in {days} days, one for each sender and day"
        clause = f"too few daily figures to judge by: {daily}"
        more = max(1, ceil((FEWEST - month.sender_days) * days / max(whole.sender_days, days)))
        action = f"wait for about {several(more, 'more day')} with reports"
        return Found(LITTLE, clause, "", action, of.within(more), rows)
    # What a policy in enforce refused, and what one in testing would have.
    did = "refused" if whole.already == whole.refused > 0 else "would have refused"
    clause = f"enforce {did} {_census(whole)} in {days} days"
    figures = (
        f"refused under enforce in the last {days} days: {_census(whole)}; in the last {days // 2}:"
        f" {_census(half)}; the forecast's upper end is {high:.1%} (up to {percent(bound)} passes)"
    )
    if whole.latent:
        figures += f"; {whole.latent:,} more failed for senders that found no policy yet"
    earlier, later = whole.cautious_share, half.cautious_share
    if max(earlier, later) <= most and high <= bound:
        if of.at_risk:
            missed = f"the draft leaves out {named(of.at_risk)}"
            clause = f"{missed}: any of {whole.sessions:,} sessions may have gone there"
            return Found(LITTLE, clause, f"{figures}; {clause}", _put(of, of.at_risk), None, rows)
        return Found(PASS, clause, figures, rows=rows)
    if max(earlier, later) <= most and unseen(sample) > bound:
        known = of.as_of - month.cells["day"].min().date()
        more = more_days(sample, known.days, bound)
        clause = f"few sessions would be refused, but {known.days} days are too few to rely on that"
        action = f"wait for about {several(more, 'more day')} like these"
        if known.days + more > of.config.forecast_days:
            clause = (
                f"few sessions would be refused, but too few days with reports in {known.days} days"
            )
            action = "wait for more senders: so few reports bear no forecast"
        return Found(LITTLE, clause, figures, action, of.within(more), rows)
    if max(earlier, later) <= most:
        clause = (
            f"few sessions would be refused lately, but as earlier ones scatter {high:.0%} may be"
        )
        action = _mend(of, of.config.forecast_days)
        return Found(LITTLE, clause, figures, action, of.within(days // 2), month.details)
    # "Falling" is asked only here: under the bound, what falls to nothing is no news.
    if later <= most:
        clause = f"{clause}, {_census(half)} in the last {days // 2}: falling, and to be waited for"
        return Found(
            WARN, clause, f"{figures}; falling", _mend(of, days), of.within(days // 2), rows
        )
    return Found(FAIL, clause, figures, _mend(of, days), of.within(days), rows)


def _census(impact: Impact) -> str:
    """Say what would be refused; what is unknown is said, not added."""
    unknown = impact.cautious - impact.refused
    shares = f" ({impact.cautious_share:.1%})" if impact.cautious else ""
    text = f"{impact.refused:,} of {impact.sessions:,} sessions"
    return f"{text} and perhaps {unknown:,} more{shares}" if unknown else text + shares


def _mend(of: Evidence, days: int) -> str:
    where = of.last(days).but(effects=CAUTIOUS, policy_types=("sts",))
    kinds = failure_types(of.reports, where)
    if not len(kinds):
        return "ask the senders what the failures without details were"
    worst = kinds.iloc[0]
    own = where.but(result_types=Filter.of(worst).result_types)
    hosts = failures_by_mx(of.reports, own)["mx_host"].dropna()
    if len(hosts):
        first = hosts.iloc[0]
        if not of.may_be_mx(first):
            return f"find out why senders still dial {first}, which is no MX"
        if of.draft is not None and not covers(of.draft, first):
            return _put(of, [host for host in hosts if not covers(of.draft, host)])
    at = named(hosts, 2) if len(hosts) else None
    return f"mend {failure(worst['result_type'], at)} first: {worst['action']}"


def _put(of: Evidence, hosts: list[str]) -> str:
    """Say what to do with hosts that a policy should list; only a check knows whether they are the domain's."""
    lines = "; ".join(f"mx: {host}" for host in hosts[:6])
    if of.draft is not None:
        doubt = "" if of.live else ", or make a live check if that is no MX of yours any more"
        return f"add to the draft: {lines}{doubt}"
    doubt = "" if of.live else "if that is an MX of yours, "
    return f"{doubt}add to the policy file, then give the record a new id: {lines}"


def _not_in_policy(of: Evidence) -> Found:
    days = of.config.recent_days
    policy = of.draft or (None if of.check is None else of.check.policy)
    live, which = of.live, "policy" if of.draft is None else "draft"
    rows, reported = pd.DataFrame(), []
    if of.data is not None:
        rows = failures_by_mx(of.data, of.last(days).but(policy_types=("sts",)))
        rows = rows[rows["mx_host"].notna()]
        if policy is None:
            rows = rows[rows["not_in_policy"] > 0]
        else:
            rows = rows[~rows["mx_host"].map(lambda host: covers(policy, host)).astype(bool)]
        reported = list(dict.fromkeys(rows["mx_host"]))
    missing = [host for host in live if policy is not None and not covers(policy, host)]
    reported += [host for host in of.at_risk if host not in reported]
    missing += [h for h in reported if h not in missing and (policy is None or of.may_be_mx(h))]
    retired = [host for host in reported if host not in missing]
    if missing:
        clause = f"{named(missing)} {'is' if len(missing) == 1 else 'are'} not in the {which}"
        failed = int(rows["sessions"].sum()) if len(rows) else 0
        figures = f"{clause}; {failed:,} failed sessions there in {days} days"
        if of.at_risk:
            figures += (
                "; reports do not tell how many of those that succeeded went there: at worst all"
            )
        return Found(FAIL, clause, figures, _put(of, missing), of.within(days // 2), rows)
    if retired:
        clause = f"senders still dialled {named(retired)}, which is no MX and not in the {which}"
        return Found(WARN, clause, "", "find out whether it is a forgotten backup MX", rows=rows)
    if live and policy is not None:
        clause = f"{every(len(live), 'MX host')} {'is' if len(live) == 1 else 'are'} in the {which}"
        return Found(PASS, clause, rows=rows)
    clause = (
        "no session failed at an MX outside the policy, but reports name no MX where sessions pass"
    )
    return Found(LITTLE, clause, "", "make a live check: it compares every MX", rows=rows)


def _fetch(of: Evidence) -> Found:
    days = of.config.recent_days
    rows = failure_types(of.reports, of.last(days).but(effects=UNPROTECTED))
    if not len(rows):
        return Found(PASS, f"no policy fetch failed in {days} days", rows=rows)
    sessions, last = int(rows["sessions"].sum()), rows["last_day"].max().date()
    kinds = named(rows["result_type"])
    clause = f"senders could not get the policy ({kinds}, {sessions:,} sessions, last on {last})"
    action, clear = str(rows["action"].iloc[0]), last + timedelta(days=days + 1)
    share = sessions / (of.sts_sessions + of.sessions("no-policy-found", days) or 1)
    # One sender's trouble is its path; what several met, or many sessions, is the policy host.
    alone = int(rows["senders"].max()) == 1 and share <= of.config.refused_most
    return Found(WARN if alone else FAIL, clause, "", action, None if alone else clear, rows)


def _changes(of: Evidence) -> Found:
    where = Filter(domains=of.domain, effects=CAUTIOUS, end=of.as_of - timedelta(days=1))
    found = change_points(of.reports, where)
    latest = found.drop_duplicates(["policy_type", "mx_host", "result_type"])  # the latest first
    rises = latest[latest["change"] == "rise"]
    subjects = [
        failure(kind, mx) for kind, mx in zip(rises["result_type"], rises["mx_host"], strict=True)
    ]
    still = of.open("open-change", subjects)
    if not still:
        clause = f"no rise is unexplained{_closed(subjects)}"
        return Found(PASS, clause, rows=rises, subjects=subjects)
    first = next(i for i, s in enumerate(subjects) if s in still)
    texts = [str(t) for t, s in zip(rises["text"], subjects, strict=True) if s in still]
    action = (
        f"find the cause of {subjects[first]} and mend it; or acknowledge it once it is understood"
    )
    return Found(
        FAIL,
        texts[0],
        "; ".join(texts[:3]),
        action,
        of.within(of.config.recent_days),
        rises,
        subjects,
    )


def _closed(subjects: list[str]) -> str:
    return f"; acknowledged: {named(subjects)}" if subjects else ""


def _seen(of: Evidence) -> Found:
    recent = of.history["last_day"].dt.date >= of.as_of - timedelta(days=of.config.recent_days)
    rows = of.history[recent]
    if not len(rows):
        clause = "no sender reported a policy lately"
        return Found(LITTLE, clause, "", "publish one, and wait for reports", rows=rows)
    stale = rows[rows["stale"]]
    published = None if of.check is None else of.check.policy
    last = rows[rows["last_day"] == rows["last_day"].max()]
    same: list[bool | None] = []
    if published is not None:
        same = [_is(published, row) for row in last.to_dict("records")]
        if not any(same) and None not in same:
            clause = f"senders last saw another policy than the one published ({published.mode})"
            action = "give the _mta-sts record a new id if it still has the old one, and wait for max_age"
            return Found(WARN, clause, "", action, rows=last)
    if len(stale):
        clause = f"{named(stale['sender'].unique())} kept an old policy past its max_age"
        return Found(
            WARN, clause, "", "ask them to fetch it: enforce does nothing for them yet", rows=stale
        )
    if published is None:
        clause = "no sender is on an old policy; which one is published, a live check tells"
        return Found(LITTLE, clause, "", "make a live check: it compares the two", rows=rows)
    if not any(same):
        clause = "reports leave out a part of the policy: none tells whether senders saw the published one"
        return Found(LITTLE, clause, "", "wait for reports that tell the whole policy", rows=last)
    return Found(PASS, "senders see the policy that is published", rows=rows)


def _is(policy: Policy, row: dict[Hashable, Any]) -> bool | None:
    """Tell whether a sender saw a policy; None where what its report tells agrees, but is not all."""
    listed = [] if pd.isna(row["mx_patterns"]) else row["mx_patterns"].split(", ")
    parts = [
        None if pd.isna(row["mode"]) else row["mode"] == policy.mode,
        None if pd.isna(row["max_age"]) else row["max_age"] == policy.max_age,
        None if policy.mx and not listed else set(listed) == {p.lower() for p in policy.mx},
    ]
    return False if False in parts else None if None in parts else True


def _interception(of: Evidence) -> Found:
    addresses = None
    if of.check is not None:
        addresses = {mx.host: mx.addresses for mx in of.check.mx if mx.addresses}
    rows = interception_leads(of.reports, of.last(_MONTH), addresses)
    subjects = [f"{lead} at {mx}" for lead, mx in zip(rows["lead"], rows["mx_host"], strict=True)]
    still = of.open("interception", subjects)
    if not still:
        clause = f"no lead is unexplained in {_MONTH} days{_closed(subjects)}"
        return Found(PASS, clause, rows=rows, subjects=subjects)
    texts = [str(t) for t, s in zip(rows["text"], subjects, strict=True) if s in still]
    action = (
        "look with the sender's operator at what lies on its way to you, for somebody may be listening there;"
        " acknowledge the lead once it is understood"
    )
    return Found(FAIL, texts[0], "; ".join(texts[:2]), action, rows=rows, subjects=subjects)


def _authentic(of: Evidence) -> Found:
    facts = of.reports.facts
    mask = facts.sessions_where(of.last(_MONTH))
    verdicts = of.reports.reports["dkim"].astype("str").to_numpy()[facts.report[mask]]
    kept = ["dkim", "submitter", "origin"]
    rows = of.reports.reports[kept].iloc[sorted(set(facts.report[mask].tolist()))]
    failed, successful = facts.failed[mask], facts.successful[mask]

    def sessions(chosen: Any = slice(None)) -> int:
        return total(failed[chosen]) + total(successful[chosen])

    whole, unchecked = sessions(), sessions(verdicts == "not-checked")
    if not whole or unchecked == whole:
        clause = "no report's signature was checked"
        return Found(
            LITTLE,
            clause,
            "",
            "load the archive again with dkim=True: signatures are verified by live DNS",
            rows=rows,
        )
    share = sessions(verdicts == "pass") / whole
    clause = f"{share:.0%} of sessions stand in reports whose signature is valid"
    if share >= of.config.authenticated:
        return Found(PASS, clause, rows=rows)
    action = "read data.reports['dkim']: a key that rotated away is no forgery, a failed body is"
    clause = f"only {clause}" if share else "no session stands in a report whose signature is valid"
    return Found(WARN, clause, "", action, rows=rows)


_GUIDE = "guide, Deployment Strategy"
ON_REPORTS = (
    Rule(
        "days-in-testing", "Was the policy in testing for {days_in_testing} days?",
        f"{_GUIDE}, weeks 2-4", "either", ("days_in_testing",), _testing,
    ),
    Rule(
        "days-with-reports", "Did reports come on {days_with_reports} of the last 28 days, lately too?",
        f"{_GUIDE}: monitor reports daily", "reports", ("days_with_reports", "silence_most"), _reporting,
    ),
    Rule(
        "senders-seen", "Do enough senders report, the big ones among them?",
        "RFC 8460 §1: only senders that report are seen", "reports", ("fewest_senders", "big_sender"), _senders,
    ),
    Rule(
        "policy-honoured", "Do senders see the policy?",
        "RFC 8460 §4.4: policy-type sts against no-policy-found", "reports", ("honouring", "recent_days"),
        _honouring,
    ),
    Rule(
        "refused-share", "Would enforce refuse at most {refused_most:.1%} of sessions?",
        f"RFC 8461 §5; {_GUIDE}, week 5: near-zero failures", "reports",
        ("refused_most", "recent_days", "forecast_days", "forecast_most"), _refused, needs_sessions=True,
    ),
    Rule(
        "mx-in-policy", "Is every MX in the policy?",
        "RFC 8461 §4.1; guide: document all MX servers", "either", ("recent_days",), _not_in_policy,
    ),
    Rule(
        "policy-fetch", "Can senders fetch the policy?",
        "RFC 8461 §3.3, §5.1", "reports", ("recent_days", "refused_most"), _fetch, needs_sessions=True,
    ),
    Rule(
        "open-change", "Is every rise of failures explained?",
        f"{_GUIDE}: investigate any failure-details", "reports", (), _changes, needs_sessions=True,
    ),
    Rule(
        "policy-seen", "Do senders see the policy that is published?",
        "RFC 8461 §3.3: a policy is cached for max_age", "reports", ("recent_days",), _seen,
    ),
    Rule(
        "interception", "Is every lead to interception explained?",
        "guide: downgrade attacks; leads, not verdicts", "reports", (), _interception, needs_sessions=True,
    ),
    Rule(
        "evidence-authentic", "Are the reports authenticated?",
        "RFC 8460 §3: reports MUST be DKIM-signed, others ignored", "reports", ("authenticated",), _authentic,
    ),
)  # fmt: skip
"""The rules, in the order in which they are shown."""
