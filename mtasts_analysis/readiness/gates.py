"""The gates between a domain and `enforce`: each a rule, its figures, the rows behind it, the next action."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil, log
from typing import Literal

import pandas as pd

from mtasts_analysis.analysis.effects import REFUSED, UNKNOWN, UNPROTECTED
from mtasts_analysis.analysis.facts import Data, total
from mtasts_analysis.analysis.failures import failure_types, failures_by_mx
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.interception import interception_leads
from mtasts_analysis.analysis.senders import senders
from mtasts_analysis.analysis.trends import change_points
from mtasts_analysis.checks.facts import Check
from mtasts_analysis.findings import Finding
from mtasts_analysis.readiness.acknowledged import Acknowledged
from mtasts_analysis.readiness.config import ReadinessConfig
from mtasts_analysis.readiness.impact import Impact, replay
from mtasts_analysis.readiness.stages import Stage

Status = Literal["pass", "warn", "fail", "not enough evidence"]

PASS: Status = "pass"  # noqa: S105  # no password
WARN: Status = "warn"
FAIL: Status = "fail"
LITTLE: Status = "not enough evidence"


@dataclass(frozen=True, eq=False)
class Gate:
    """One condition for enforce.

    Attributes
    ----------
    code : str
        Stable, kebab-case.
    question : str
        What it asks.
    status : str
        `pass`, `warn`, `fail` or `not enough evidence`.
    figures : str
        What was found, in a sentence.
    action : str
        What to do next; empty where there is nothing.
    reference : str
        The rule's source.
    half : str
        `reports` or `live`: which half of the evidence it rests on.
    clear_on : datetime.date or None
        The day on which it could pass at the earliest, where that is known.
    evidence : pandas.DataFrame
        The rows behind it.
    """

    code: str
    question: str
    status: Status
    figures: str
    action: str = ""
    reference: str = ""
    half: str = "reports"
    clear_on: date | None = None
    evidence: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


@dataclass(frozen=True)
class Evidence:
    """What the gates of one domain look at."""

    data: Data | None
    domain: str
    check: Check | None
    as_of: date
    stage: Stage
    history: pd.DataFrame
    config: ReadinessConfig
    acknowledged: tuple[Acknowledged, ...] = ()

    def last(self, days: int) -> Filter:
        """Give the domain's days up to the day of the judgement, which is not over."""
        return Filter(
            domains=self.domain,
            start=self.as_of - timedelta(days=days),
            end=self.as_of - timedelta(days=1),
        )

    def open(self, code: str, subjects: Iterable[str]) -> list[str]:
        """Give the subjects that nobody has acknowledged."""
        return [
            s for s in subjects if not any(a.closes(code, s, self.as_of) for a in self.acknowledged)
        ]


def gates(of: Evidence) -> tuple[Gate, ...]:
    """Judge every gate.

    Parameters
    ----------
    of
        The evidence.

    Returns
    -------
    tuple of Gate
        Those on reports first; what cannot be judged says what is missing.
    """
    data = of.data
    action = "publish a TLSRPT record and load its reports"
    found = [
        Gate(code, question, LITTLE, "there are no reports", action)
        if data is None
        else judge(of, data)
        for code, question, judge in _ON_REPORTS
    ]
    return (*found, *(_live(of, *rule) for rule in _LIVE))


# --- On reports -------------------------------------------------------------------------------------


def _testing(of: Evidence, _: Data) -> Gate:
    need = of.config.days_in_testing
    code, question = "days-in-testing", f"Was the policy in testing for {need} days?"
    reference = "guide: deployment timeline, weeks 2-4"
    rows = of.history
    if of.stage.mode == "enforce":
        return Gate(
            code,
            question,
            PASS,
            f"the policy says enforce since {of.stage.mode_since}",
            "",
            reference,
            evidence=rows,
        )
    if of.stage.mode != "testing" or of.stage.mode_since is None:
        return Gate(
            code, question, FAIL, "no sender saw a policy in testing",
            "publish a policy in mode testing with max_age 86400", reference, evidence=rows,
        )  # fmt: skip
    days = (of.as_of - of.stage.mode_since).days
    clear = of.stage.mode_since + timedelta(days=need)
    figures = f"{days} days in testing, since {of.stage.mode_since}"
    if days >= need:
        return Gate(code, question, PASS, figures, "", reference, evidence=rows)
    return Gate(
        code,
        question,
        FAIL,
        figures,
        f"go on in testing until {clear}",
        reference,
        clear_on=clear,
        evidence=rows,
    )


def _reporting(of: Evidence, data: Data) -> Gate:
    need = of.config.days_with_reports
    code, question = "days-with-reports", f"Did reports come on {need} of the last 28 days?"
    reference = "guide: monitor reports daily"
    facts = data.facts
    chosen = facts.policies_where(of.last(28))
    days = len(set(facts.day[chosen].tolist()))
    rows = data.reports.iloc[sorted(set(facts.report[chosen].tolist()))]
    figures = f"reports on {days} of the last 28 days"
    if days >= need:
        return Gate(code, question, PASS, figures, "", reference, evidence=rows)
    clear = of.as_of + timedelta(days=need - days)
    action = f"wait for {need - days} more days with reports" if days else (
        "check that the TLSRPT record is published and that its mailbox accepts mail"
    )  # fmt: skip
    return Gate(code, question, LITTLE, figures, action, reference, clear_on=clear, evidence=rows)


def _senders(of: Evidence, data: Data) -> Gate:
    code, question = "senders-seen", "Do enough senders report, the big ones among them?"
    reference = "RFC 8460 §1: only senders that report are seen"
    found = senders(data, of.last(28))
    whole = found["sessions"].sum()
    big = found[found["sessions"] >= of.config.big_sender * whole] if whole else found.iloc[:0]
    names = ", ".join(str(n) for n in big["sender"].head(6))
    silent = found[found["silent"]]
    figures = f"{len(found)} senders in 28 days; {of.config.big_sender:.0%} or more each: {names or 'none'}"
    if len(found) < of.config.fewest_senders:
        return Gate(
            code, question, LITTLE, figures,
            "wait for more senders, or read this with care: the figures speak for those that report", reference,
            evidence=found,
        )  # fmt: skip
    if len(silent):
        names = ", ".join(str(n) for n in silent["sender"].head(4))
        return Gate(
            code, question, WARN, f"{figures}; silent: {names}",
            "find out why they stopped: their failures are no longer seen", reference, evidence=found,
        )  # fmt: skip
    return Gate(code, question, PASS, figures, "", reference, evidence=found)


def _honouring(of: Evidence, data: Data) -> Gate:
    code, question = "policy-honoured", "Do senders see the policy?"
    reference = "RFC 8460 §4.4: policy-type sts against no-policy-found"
    facts = data.facts
    recent = of.last(of.config.recent_days)
    sums = {}
    for kind in ("sts", "no-policy-found"):
        mask = facts.policies_where(recent.but(policy_types=kind))
        sums[kind] = total(facts.successful[mask]) + total(facts.failed[mask])
    whole = sum(sums.values())
    rows = data.policies[facts.policies_where(recent)]
    if not whole:
        return Gate(
            code, question, LITTLE, f"no sessions in the last {of.config.recent_days} days",
            "wait for reports", reference, evidence=rows,
        )  # fmt: skip
    share = sums["sts"] / whole
    figures = f"{share:.1%} of {whole:,} sessions were of senders that saw an sts policy"
    if not sums["sts"]:
        return Gate(
            code, question, FAIL, figures,
            "no sender sees a policy: publish it and its _mta-sts record, or mend them", reference, evidence=rows,
        )  # fmt: skip
    if share < of.config.honouring:
        return Gate(
            code, question, WARN, figures,
            "enforce would protect little: look at who finds no policy, and why", reference, evidence=rows,
        )  # fmt: skip
    return Gate(code, question, PASS, figures, "", reference, evidence=rows)


def _refused(of: Evidence, data: Data) -> Gate:
    most, bound, days = of.config.refused_most, of.config.forecast_most, of.config.recent_days
    code = "refused-share"
    question = f"Would enforce refuse less than {most:.1%} of sessions?"
    reference = "RFC 8461 §5; guide: near-zero failures before enforce"
    whole = replay(data, of.last(days), config=of.config)
    half = replay(data, of.last(days // 2), config=of.config)
    rows = whole.details
    if whole.forecast.high is None or not half.sessions:
        more = max(1, 7 - whole.sender_days)
        return Gate(
            code, question, LITTLE, f"{whole.sender_days} days of senders in the last {days} days are too few",
            f"wait for about {more} more days with reports", reference,
            clear_on=of.as_of + timedelta(days=more), evidence=rows,
        )  # fmt: skip
    figures = (
        f"last {days} days: {_census(whole)}; the forecast reaches {whole.forecast.high:.2%}. "
        f"Last {days // 2} days: {_census(half)}"
    )
    census, later = whole.cautious / max(whole.sessions, 1), half.cautious / max(half.sessions, 1)
    kinds = failure_types(data, of.last(days).but(effects=(REFUSED, UNKNOWN)))
    action = (
        str(kinds["action"].iloc[0]) if len(kinds) else "ask what the failures without details were"
    )
    if max(census, later) <= most:
        if whole.forecast.high <= bound:
            return Gate(code, question, PASS, figures, "", reference, evidence=rows)
        need = _days_needed(whole, bound, days)
        return Gate(
            code, question, LITTLE,
            f"{figures}: few enough, but too few sender-days to expect less than {bound:.0%}",
            f"wait for about {need} more days of this kind", reference,
            clear_on=of.as_of + timedelta(days=need), evidence=rows,
        )  # fmt: skip
    falling = later <= most and later < census
    status = WARN if falling else FAIL
    clear = of.as_of + timedelta(days=days // 2 if falling else days)
    figures = f"{figures}; falling" if falling else figures
    return Gate(code, question, status, figures, action, reference, clear_on=clear, evidence=rows)


def _days_needed(impact: Impact, bound: float, days: int) -> int:
    """Give how many more days like these would bring the forecast of no failures under its bound."""
    sample = impact.forecast.sample or 1.0
    wanted = log(0.025) / log(1 - bound)  # 1 - 0.025^(1/n) = bound
    return max(1, ceil(days * wanted / sample) - days)


def _census(impact: Impact) -> str:
    unknown = impact.cautious - impact.refused
    text = f"{impact.refused:,} of {impact.sessions:,} sessions refused"
    return f"{text} and {unknown:,} unknown" if unknown else text


def _not_in_policy(of: Evidence, data: Data) -> Gate:
    code, question = "mx-in-policy", "Is every MX that senders dialled in the policy?"
    reference = "RFC 8461 §4.1"
    rows = failures_by_mx(data, of.last(of.config.recent_days))
    rows = rows[rows["not_in_policy"] > 0]
    hosts = list(dict.fromkeys(rows["mx_host"].dropna()))
    live = [] if of.check is None else [mx.host for mx in of.check.mx if mx.covered is False]
    missing = list(dict.fromkeys([*live, *hosts]))
    if missing:
        failed = int(rows["not_in_policy"].sum())
        figures = f"not in the policy: {', '.join(missing[:6])} ({failed:,} failed sessions)"
        lines = "; ".join(f"mx: {host}" for host in missing[:6])
        return Gate(
            code, question, FAIL, figures, f"add to the policy file, then give the record a new id: {lines}",
            reference, clear_on=of.as_of + timedelta(days=7), evidence=rows,
        )  # fmt: skip
    if of.check is None:
        figures = "no session failed at an MX outside the policy; where sessions passed, reports name no MX"
        return Gate(
            code,
            question,
            PASS,
            figures,
            "a live check compares every MX",
            reference,
            evidence=rows,
        )
    covered = [mx.host for mx in of.check.mx if mx.covered]
    figures = (
        f"all {len(covered)} MX hosts are in the policy" if covered else "no policy to compare with"
    )
    return Gate(code, question, PASS if covered else LITTLE, figures, "", reference, evidence=rows)


def _fetch(of: Evidence, data: Data) -> Gate:
    code, question = "policy-fetch", "Can senders fetch the policy?"
    reference = "RFC 8461 §3.3, §5.1"
    days = of.config.recent_days
    rows = failure_types(data, of.last(days).but(effects=UNPROTECTED))
    sessions = int(rows["sessions"].sum())
    if not len(rows):
        return Gate(
            code,
            question,
            PASS,
            f"no fetch failed in the last {days} days",
            "",
            reference,
            evidence=rows,
        )
    kinds = ", ".join(str(k) for k in rows["result_type"])
    last = rows["last_day"].max().date()
    return Gate(
        code, question, FAIL, f"{kinds}: {sessions:,} sessions, last on {last}",
        str(rows["action"].iloc[0]), reference,
        clear_on=last + timedelta(days=days + 1), evidence=rows,
    )  # fmt: skip


def _changes(of: Evidence, data: Data) -> Gate:
    code, question = "open-change", "Is there a rise that has not been undone?"
    reference = "guide: investigate any failure-details"
    where = Filter(domains=of.domain, effects=(REFUSED, UNKNOWN), end=of.as_of - timedelta(days=1))
    found = change_points(data, where)
    latest = found.drop_duplicates(["policy_type", "mx_host", "result_type"])  # the latest first
    rises = latest[latest["change"] == "rise"]
    subjects = [
        f"{kind} at {mx}" for kind, mx in zip(rises["result_type"], rises["mx_host"], strict=True)
    ]
    still = of.open(code, subjects)
    if not still:
        closed = f"; acknowledged: {', '.join(subjects)}" if subjects else ""
        return Gate(code, question, PASS, f"no open rise{closed}", "", reference, evidence=rises)
    first = next(i for i, s in enumerate(subjects) if s in still)
    return Gate(
        code, question, FAIL, "; ".join(str(t) for t in rises["text"].head(3)),
        f"find the cause of {subjects[first]}, mend it, and compare(data, the day)", reference,
        clear_on=of.as_of + timedelta(days=of.config.recent_days), evidence=rises,
    )  # fmt: skip


def _seen(of: Evidence, _: Data) -> Gate:
    code, question = "policy-seen", "Do senders see the policy that is published?"
    reference = "RFC 8461 §3.3: a policy is cached for max_age"
    rows = of.history[
        of.history["stale"]
        & (of.history["last_day"].dt.date >= of.as_of - timedelta(days=of.config.recent_days))
    ]
    published = None if of.check is None or of.check.policy is None else of.check.policy
    if published is not None and of.stage.mode is not None and of.history["mode"].notna().any():
        recent = of.history[of.history["last_day"] == of.history["last_day"].max()]
        others = recent[recent["mode"] != published.mode]
        if len(others) == len(recent):
            return Gate(
                code, question, WARN, f"published is {published.mode}; senders last saw {others['mode'].iloc[0]}",
                "wait for max_age; give the _mta-sts record a new id if it still has the old one", reference,
                evidence=others,
            )  # fmt: skip
    if len(rows):
        names = ", ".join(str(n) for n in rows["sender"].unique()[:4])
        return Gate(
            code, question, WARN, f"on an old policy past its max_age: {names}",
            "ask them to fetch it: enforce does nothing for them yet", reference, evidence=rows,
        )  # fmt: skip
    if not len(of.history):
        return Gate(code, question, LITTLE, "no sender reported a policy", "publish one", reference)
    text = "" if published is not None else " (what is published: a live check tells)"
    return Gate(
        code,
        question,
        PASS,
        f"no sender is on an old policy{text}",
        "",
        reference,
        evidence=of.history,
    )


def _interception(of: Evidence, data: Data) -> Gate:
    code, question = "interception", "Is there an open lead to interception?"
    reference = "guide: downgrade and interception; leads, not verdicts"
    addresses = None
    if of.check is not None:
        addresses = {mx.host: mx.addresses for mx in of.check.mx if mx.addresses}
    rows = interception_leads(data, of.last(28), addresses)
    subjects = [f"{lead} at {mx}" for lead, mx in zip(rows["lead"], rows["mx_host"], strict=True)]
    still = of.open(code, subjects)
    if not still:
        closed = f"; acknowledged: {', '.join(subjects)}" if subjects else ""
        return Gate(
            code, question, PASS, f"no open lead in 28 days{closed}", "", reference, evidence=rows
        )
    return Gate(
        code, question, FAIL, "; ".join(str(t) for t in rows["text"].head(2)),
        "look at that sender's path with its operator; acknowledge it once it is understood",
        reference, evidence=rows,
    )  # fmt: skip


def _authentic(of: Evidence, data: Data) -> Gate:
    code, question = "evidence-authentic", "Are the reports authenticated?"
    reference = "RFC 8460 §3: reports MUST be DKIM-signed; unsigned ones MUST be ignored"
    facts = data.facts
    mask = facts.sessions_where(of.last(28))
    verdicts = data.reports["dkim"].astype("str").to_numpy()[facts.report[mask]]
    weights = (facts.failed + facts.successful)[mask]
    whole = total(weights)
    passed = total(weights[verdicts == "pass"])
    unchecked = total(weights[verdicts == "not-checked"])
    rows = data.reports[["dkim", "submitter", "origin"]].iloc[
        sorted(set(facts.report[mask].tolist()))
    ]
    if not whole or unchecked == whole:
        return Gate(
            code, question, LITTLE, "no signature was checked",
            "load(..., dkim=True) verifies them by live DNS", reference,
            evidence=rows,
        )  # fmt: skip
    share = passed / whole
    figures = f"{share:.1%} of sessions stand in reports whose signature is valid"
    status = PASS if share >= of.config.authenticated else WARN
    action = (
        ""
        if status == PASS
        else "read the verdicts in data.reports['dkim']: keys that rotated away are no forgery"
    )
    return Gate(code, question, status, figures, action, reference, evidence=rows)


_ON_REPORTS: tuple[tuple[str, str, Callable[[Evidence, Data], Gate]], ...] = (
    ("days-in-testing", "Was the policy in testing long enough?", _testing),
    ("days-with-reports", "Did reports come on enough days?", _reporting),
    ("senders-seen", "Do enough senders report, the big ones among them?", _senders),
    ("policy-honoured", "Do senders see the policy?", _honouring),
    ("refused-share", "Would enforce refuse few enough sessions?", _refused),
    ("mx-in-policy", "Is every MX that senders dialled in the policy?", _not_in_policy),
    ("policy-fetch", "Can senders fetch the policy?", _fetch),
    ("open-change", "Is there a rise that has not been undone?", _changes),
    ("policy-seen", "Do senders see the policy that is published?", _seen),
    ("interception", "Is there an open lead to interception?", _interception),
    ("evidence-authentic", "Are the reports authenticated?", _authentic),
)


# --- On a live check --------------------------------------------------------------------------------

_LIVE: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (
        "dns-records", "Are the _mta-sts record and the MX records in order?",
        ("sts-record", "mx-record", "mx-", "null-mx", "implicit-mx"), "RFC 8461 §3.1",
    ),
    ("policy-published", "Can the published policy be used?", ("policy-",), "RFC 8461 §3.2, §3.3"),
    (
        "mx-certificates", "Would every MX be accepted under enforce?",
        ("certificate-", "starttls", "tls-", "smtp-", "validation-failure", "session-"), "RFC 8461 §4.2",
    ),
    ("tlsrpt-record", "Is the TLSRPT record in order?", ("tlsrpt-", "rua-"), "RFC 8460 §3"),
    ("dane", "Is DANE in order, where it is published?", ("tlsa-", "dane-", "dnssec-"), "RFC 7672; RFC 8461 §2"),
)  # fmt: skip


def _live(of: Evidence, code: str, question: str, prefixes: Sequence[str], reference: str) -> Gate:
    if of.check is None:
        return Gate(
            code, question, LITTLE, "no live check was made", f"make a live check of {of.domain}",
            reference, "live",
        )  # fmt: skip
    own = [f for f in of.check.findings if f.code.startswith(tuple(prefixes))]
    rows = pd.DataFrame(
        [(f.code, f.severity, f.subject, f.evidence, f.action, f.reference) for f in own],
        columns=["code", "severity", "subject", "evidence", "action", "reference"],
    ).astype("str")
    status, worst = _worst(own)
    if code == "mx-certificates":
        fates = [mx.under_enforce for mx in of.check.mx]
        if "refused" in fates:
            status = FAIL
        elif not fates or "unknown" in fates:
            status = LITTLE if status == PASS else status
        figures = (
            ", ".join(f"{mx.host}: {mx.under_enforce}" for mx in of.check.mx[:6]) or "no MX host"
        )
    else:
        figures = f"{worst.subject}: {worst.evidence}" if worst else "nothing to mend"
    return Gate(
        code, question, status, figures, worst.action if worst and status != PASS else "", reference, "live",
        evidence=rows,
    )  # fmt: skip


def _worst(findings: Sequence[Finding]) -> tuple[Status, Finding | None]:
    ranked: tuple[tuple[str, Status], ...] = (
        ("error", FAIL),
        ("warning", WARN),
        ("unknown", LITTLE),
    )
    for severity, status in ranked:
        for finding in findings:
            if finding.severity == severity:
                return status, finding
    return PASS, None
