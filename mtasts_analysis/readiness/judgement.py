"""The judgement: may this domain go to `enforce`, why, and what is next?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from mtasts_analysis import arguments
from mtasts_analysis.analysis.facts import NO_DAY, Data, counts, dates, facts_of
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.policies import policy_history
from mtasts_analysis.analysis.trends import over_time
from mtasts_analysis.checks.coverage import DAY, WEEK
from mtasts_analysis.checks.facts import Check
from mtasts_analysis.checks.policy import Policy, read_policy
from mtasts_analysis.errors import InputError
from mtasts_analysis.limits import YEARS
from mtasts_analysis.readiness.acknowledged import Acknowledged
from mtasts_analysis.readiness.config import DEFAULT, ReadinessConfig, expect
from mtasts_analysis.readiness.gate import FAIL, LITTLE, PASS, WARN, Evidence, Gate, Status
from mtasts_analysis.readiness.gates import gates
from mtasts_analysis.readiness.impact import Impact, read_draft, replay
from mtasts_analysis.readiness.rollout import WATCH_DAYS, Step, plan, policy_text
from mtasts_analysis.readiness.stages import Stage, stage
from mtasts_analysis.wording import capital

VERDICTS = {
    "enforcing, failing": "the policy says enforce, and a gate fails",
    "not yet": "a gate fails, or failures fell too lately to rely on it",
    "ready": "every gate that must pass does, on reports and on a live check",
    "ready by reports": "every gate that must pass does, as far as reports tell: no live check was made",
    "not enough evidence": "no gate fails, but what must be known is not",
    "enforcing, little evidence": "the policy says enforce, and too little is known of how it fares",
    "enforcing": "the policy says enforce, and nothing speaks against it",
}
"""What a verdict can be, in the order of what to do first."""

_ESSENTIAL = (
    "days-in-testing", "days-with-reports", "policy-honoured", "refused-share", "senders-seen",
)  # fmt: skip
"""Without these, where reports were loaded or not, there is no judgement but opinion."""

_STRONGEST = (
    "dns-records", "policy-published", "policy-honoured", "refused-share", "mx-certificates", "mx-in-policy",
    "open-change", "interception", "policy-fetch", "certificates-last", "tlsrpt-record", "days-in-testing",
    "days-with-reports", "senders-seen", "policy-seen", "evidence-authentic", "dane",
)  # fmt: skip
"""Which gate speaks first against: what keeps a policy from working at all, then what refuses mail, then time."""

_FIRST = ("refused-share", "mx-certificates", "mx-in-policy", "senders-seen", "days-in-testing")
_BEST = (*_FIRST, *(code for code in _STRONGEST if code not in _FIRST))
"""Which gate speaks first for it."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """The judgement of one domain.

    Attributes
    ----------
    domain : str
        In A-labels.
    as_of : datetime.date
        The day of the judgement: reports up to the day before count.
    verdict : str
        One of :data:`VERDICTS`.
    sentence : str
        The verdict, plainly. It may hold a stranger's text.
    reasons : tuple of str
        The three strongest.
    next_step : str
        What to do next.
    next_date : datetime.date or None
        The earliest day, if that is done now, for the policy's next change; in production, for every gate to
        pass, or None.
    stage : Stage
        Where the domain stands, since when.
    gates : tuple of Gate
        Each condition with its evidence.
    impact : Impact or None
        The replay of the last `forecast_days`; None without reports.
    plan : tuple of Step
        The dated steps that are left.
    data : the archive, or None
    check : the live check, or None
    config : ReadinessConfig
    acknowledged : tuple of Acknowledged
    draft : Policy or None
        The policy that was judged in place of the one seen.
    """

    domain: str
    as_of: date
    verdict: str
    sentence: str
    reasons: tuple[str, ...]
    next_step: str
    next_date: date | None
    stage: Stage
    gates: tuple[Gate, ...]
    impact: Impact | None
    plan: tuple[Step, ...]
    data: Data | None
    check: Check | None
    config: ReadinessConfig
    acknowledged: tuple[Acknowledged, ...]
    draft: Policy | None

    def gate(self, code: str) -> Gate:
        """Give a gate by its code.

        Raises
        ------
        InputError
            There is no such gate.
        """
        for gate in self.gates:
            if gate.code == code:
                return gate
        raise InputError(
            f"gate: expected one of {', '.join(g.code for g in self.gates)}; got {code!r}"
        )

    @property
    def table(self) -> pd.DataFrame:
        """The gates: `code`, `gate`, `status`, `figures`, `action`, `reference`."""
        return pd.DataFrame(
            [(g.code, g.question, g.status, g.figures, g.action, g.reference) for g in self.gates],
            columns=["code", "gate", "status", "figures", "action", "reference"],
        ).astype("str")

    @property
    def missing(self) -> str:
        """What the half of the evidence that is not there would have told; empty where both are."""
        for half, there, how in (
            ("live", self.check is not None, "No live check was made"),
            ("reports", self.data is not None, "No reports were loaded"),
        ):
            if not there:
                asked = " ".join(g.question for g in self.gates if g.half == half)
                return f"{how}; it would have answered: {asked}"
        return ""

    @property
    def unmatched(self) -> tuple[Acknowledged, ...]:
        """The acknowledged entries whose subject no gate names; none where there are no reports to name it."""
        if self.data is None:
            return ()
        named = {(g.code, subject) for g in self.gates for subject in g.subjects}
        return tuple(a for a in self.acknowledged if (a.code, a.subject) not in named)

    @property
    def where(self) -> Filter:
        """The days of the impact."""
        return Filter(
            domains=self.domain,
            start=self.as_of - timedelta(days=self.config.forecast_days),
            end=self.as_of - timedelta(days=1),
        )

    def replay(self, policy: Policy | str | None = None) -> Impact:
        """Replay these days under another policy; see :func:`mtasts_analysis.replay`."""
        if self.data is None:
            raise InputError(
                "expected reports to replay; this assessment was made from a live check only"
            )
        return replay(self.data, self.where, policy, self.config)


def judge(
    data: Data | None,
    domain: str,
    check: Check | None = None,
    as_of: date | str | None = None,
    config: ReadinessConfig = DEFAULT,
    acknowledged: Sequence[Acknowledged] = (),
    policy: Policy | str | None = None,
) -> Judgement:
    """Judge whether a domain may go to `enforce`.

    Parameters
    ----------
    data
        A loaded archive, or None to judge by a live check alone.
    domain
        The domain.
    check
        What :func:`mtasts_analysis.check_domain` gave, or None to judge by reports alone. Each half says what
        the missing one would have told.
    as_of
        The day of the judgement; by default the day of the check or the one after the last report about the
        domain, whichever is later, or today.
    config
        The thresholds.
    acknowledged
        What :func:`mtasts_analysis.read_acknowledged` gave: leads and changes that are understood.
    policy
        A draft, to be judged in place of the policy that senders saw.

    Returns
    -------
    Judgement
        Verdict, reasons, gates with their evidence, impact, and the plan.

    Raises
    ------
    InputError
        Neither reports nor a check, an impossible domain or day, a draft that is no policy, or what is of another
        type.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = judge(data, "clinic.example", as_of="2026-03-15")
    >>> found.verdict, found.gate("refused-share").status
    ('not yet', 'fail')
    """
    if data is None and check is None:
        raise InputError("expected reports, a live check, or both; got neither")
    if data is not None:
        facts_of(data)
    if check is not None:
        arguments.instance("check", check, Check, "what check_domain() gives")
    _expect_settings(config, acknowledged)
    name = arguments.domain("domain", domain)
    day = _day(data, check, name) if as_of is None else arguments.day("as_of", as_of, YEARS)
    if check is not None and check.domain != name:
        raise InputError(f"check: expected a check of {name}; it is of {check.domain}")
    draft = read_draft(policy)
    history = (
        policy_history(data, Filter(domains=name, end=day - timedelta(days=1)))
        if data is not None
        else pd.DataFrame(_NO_HISTORY)
    )
    standing = stage(history, day, config, _published(check))
    evidence = Evidence(
        data, name, check, day, standing, history, config, tuple(acknowledged), draft
    )
    judged = gates(evidence)
    impact = (
        None if data is None else replay(data, evidence.last(config.forecast_days), draft, config)
    )
    against, unknown = _against(judged), _unknown(judged, check)
    holding = against or unknown
    if data is not None and data.facts.domain.words and name not in data.facts.domain.words:
        holding.sort(key=lambda gate: gate.code != "days-with-reports")  # a mistyped name, maybe
    verdict = _verdict(standing, against, unknown, check)
    first = holding[0] if holding else None
    step, when = _next(verdict, holding, standing, day)
    mx = list(draft.mx) if draft is not None else _patterns(history, check)
    live = None if check is None or check.sts_record is None else check.sts_record.id
    steps = plan(
        name, standing, mx, day, config, not_before=when, live_id=live, ready=verdict == "ready"
    )
    # The day that is told is the plan's own: that of the next change of the policy.
    when = next((s.earliest for s in steps if s.name in ("enforce", "production")), when)
    return Judgement(
        domain=name,
        as_of=day,
        verdict=verdict,
        sentence=_plainly(verdict, name, day, standing, first, _mind(judged), draft),
        reasons=_reasons(judged, against, unknown),
        next_step=step,
        next_date=when,
        stage=standing,
        gates=judged,
        impact=impact,
        plan=steps,
        data=data,
        check=check,
        config=config,
        acknowledged=tuple(acknowledged),
        draft=draft,
    )


def _expect_settings(config: ReadinessConfig, acknowledged: Sequence[Acknowledged]) -> None:
    expect(config)
    read = 'what read_acknowledged("acknowledged.toml") gives'
    arguments.several("acknowledged", acknowledged, Acknowledged, read)


_NO_HISTORY: dict[str, "pd.Series[str]"] = {
    **{
        name: pd.Series([], dtype="str")
        for name in ("domain", "sender", "policy", "mode", "mx_patterns")
    },
    **{name: pd.Series([], dtype="Int64") for name in ("max_age", "results", "sessions")},
    **{name: pd.Series([], dtype="datetime64[us, UTC]") for name in ("first_day", "last_day")},
    "stale": pd.Series([], dtype="bool"),
}


def _day(data: Data | None, check: Check | None, domain: str) -> date:
    known = [] if check is None else [check.checked_at.date()]
    if data is not None:
        facts = data.facts
        days = facts.day[facts.policies_where(Filter(domains=domain))]
        days = days[days != NO_DAY]
        if len(days):
            known.append(dates([int(days.max()) + 1])[0].date())
    return max(known, default=datetime.now().astimezone().date())


def _published(check: Check | None) -> tuple[str, int] | None:
    """Give the mode and max_age that a check found, or that there is no policy; None where it could not tell."""
    if check is None:
        return None
    if check.state == "absent":
        return "none", 0
    return None if check.policy is None else (check.policy.mode, check.policy.max_age)


def _patterns(history: pd.DataFrame, check: Check | None) -> list[str]:
    """Give the MX patterns that a policy should list: the live MX hosts, else what was seen last."""
    patterns = [] if check is None else [mx.host for mx in check.mx]
    seen = history.dropna(subset=["mx_patterns"]).sort_values("last_day", kind="stable")
    if not patterns and len(seen):
        patterns = str(seen["mx_patterns"].iloc[-1]).split(", ")
    # A stranger wrote them: what makes no valid policy, or another than itself, is not proposed as one.
    drafts = {p: Policy("testing", DAY, (p.lower(),)) for p in patterns}
    kept = [p for p, draft in drafts.items() if read_policy(str(draft))[0] == draft]
    try:
        policy_text("testing", kept, WEEK)
    except InputError:  # none is left, or more than a policy file holds
        return []
    return kept


def _ranked(judged: Sequence[Gate], *statuses: Status) -> list[Gate]:
    """Give the gates of some statuses, the strongest reason first."""
    order = _BEST if statuses == (PASS,) else _STRONGEST
    chosen = [g for g in judged if g.status in statuses]
    return sorted(chosen, key=lambda g: (statuses.index(g.status), order.index(g.code)))


def _against(judged: Sequence[Gate]) -> list[Gate]:
    """Give what says no: gates that fail, and a refused share that fell but is to be waited for."""
    found = _ranked(judged, FAIL, WARN)
    return [g for g in found if g.status == FAIL or g.code == "refused-share"]


def _unknown(judged: Sequence[Gate], check: Check | None) -> list[Gate]:
    """Give what must be known and is not. DANE is no condition for enforce."""
    live = (
        () if check is None else [g.code for g in judged if g.half == "live" and g.code != "dane"]
    )
    return [g for g in _ranked(judged, LITTLE) if g.code in (*_ESSENTIAL, *live)]


def _verdict(standing: Stage, against: list[Gate], unknown: list[Gate], check: Check | None) -> str:
    if standing.mode == "enforce":
        if against:
            return "enforcing, failing"
        return "enforcing, little evidence" if unknown else "enforcing"
    if against:
        return "not yet"
    if unknown:
        return "not enough evidence"
    return "ready" if check is not None else "ready by reports"


def _plainly(
    verdict: str,
    domain: str,
    day: date,
    standing: Stage,
    first: Gate | None,
    mind: str,
    draft: Policy | None,
) -> str:
    """Give the verdict in one sentence, with its strongest reason; a good one with what to mind."""
    why = first.clause if first is not None else ""
    since = f"{domain} has enforced since {standing.mode_since}"
    last = day - timedelta(days=1)
    said = {
        "not yet": f"{domain} may not go to enforce yet: {why}.",
        "not enough evidence": f"There is not enough evidence to let {domain} go to enforce: {why}.",
        "ready by reports": f"By reports up to {last}, {domain} may go to enforce; a live check must still"
        f" confirm it.{mind}",
        "ready": f"{domain} may go to enforce.{mind}",
        "enforcing, failing": f"{since}, but {why}.",
        "enforcing, little evidence": f"{since}; how it fares is not known: {why}.",
        "enforcing": f"{since}, and no gate fails.{mind}",
    }[verdict]
    if draft is None:
        return said
    return (
        f"With the draft given: {said if said.startswith(domain) else said[:1].lower() + said[1:]}"
    )


def _mind(judged: Sequence[Gate]) -> str:
    """Give what a reader of a good verdict must know all the same."""
    warned = [g.clause for g in _ranked(judged, WARN)]
    unsigned = [g.clause for g in judged if g.code == "evidence-authentic" and g.status == LITTLE]
    said = [*warned[:2], *unsigned]
    return f" Mind: {'; '.join(said)}." if said else ""


def _reasons(judged: Sequence[Gate], against: list[Gate], unknown: list[Gate]) -> tuple[str, ...]:
    """Give the three strongest reasons for the verdict; what speaks for the other side is no reason."""
    chosen = [*against, *unknown] or _ranked(judged, PASS)
    if against or unknown:  # a warning, and what else is not known, say the same more softly
        chosen += [g for g in _ranked(judged, WARN, LITTLE) if g not in chosen]
    return tuple(dict.fromkeys(f"{capital(g.clause)}." for g in chosen))[:3]


def _next(verdict: str, holding: list[Gate], standing: Stage, day: date) -> tuple[str, date | None]:
    if holding:
        step = next((g.action for g in holding if g.action), "look at the gates")
        return step, max([day, *(g.clear_on for g in holding if g.clear_on)])
    if verdict == "ready by reports":
        return "make a live check and assess again", day
    if verdict == "ready":
        text = "publish the policy with mode enforce and max_age 86400, then a new id; watch for a week"
        return text, day
    if standing.name == "enforce":
        text = "raise max_age to 604800 after a week of enforce without refused sessions"
        return text, max(day, (standing.since or day) + timedelta(days=WATCH_DAYS))
    return "review the reports weekly, and keep alerts on", None


def judge_all(
    data: Data,
    as_of: date | str | None = None,
    config: ReadinessConfig = DEFAULT,
    acknowledged: Sequence[Acknowledged] = (),
) -> pd.DataFrame:
    """Judge every domain of an archive by its reports, what needs work first.

    Parameters
    ----------
    data
        A loaded archive.
    as_of, config, acknowledged
        As :func:`judge` takes them.

    Returns
    -------
    pandas.DataFrame
        A row for each domain, and none for what is no domain name: `domain`, `stage`, `verdict`, `sessions` (of
        the impact's days), `refused_share`, `high` (the forecast's upper bound), `failing` (gates), `next_step`,
        `next_date`, and `weekly` (the failed share by week, for a sparkline).

    Raises
    ------
    InputError
        An impossible day.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> list(judge_all(data)["domain"])
    ['bakery.example', 'clinic.example', 'harbour.example']
    """
    facts = facts_of(data)
    _expect_settings(config, acknowledged)
    day = None if as_of is None else arguments.day("as_of", as_of, YEARS)
    rows: list[dict[str, Any]] = []
    for name in facts.domain.words:
        try:
            arguments.domain("domain", name)
        except InputError:  # a stranger's report may name anything a domain
            continue
        found = judge(data, name, None, day, config, acknowledged)
        impact = found.impact
        assert impact is not None  # there are reports
        weekly = over_time(data, Filter(domains=name), "week")["failure_share"]
        rows.append(
            {
                "domain": name,
                "stage": found.stage.name,
                "verdict": found.verdict,
                "sessions": impact.sessions,
                "refused_share": impact.share,
                "high": impact.forecast.high,
                "failing": ", ".join(g.code for g in found.gates if g.status == FAIL),
                "next_step": found.next_step,
                "next_date": found.next_date,
                "weekly": [None if pd.isna(v) else float(v) for v in weekly],
            }
        )
    urgency = list(VERDICTS)
    rows.sort(key=lambda row: (urgency.index(row["verdict"]), -row["sessions"], row["domain"]))
    names = ("domain", "stage", "verdict", "failing", "next_step")
    frame = pd.DataFrame({name: pd.Series([r[name] for r in rows], dtype="str") for name in names})
    frame.insert(3, "sessions", counts(np.array([r["sessions"] for r in rows], dtype=object)))
    frame.insert(4, "refused_share", pd.Series([r["refused_share"] for r in rows], dtype="Float64"))
    frame.insert(5, "high", pd.Series([r["high"] for r in rows], dtype="Float64"))
    frame["next_date"] = pd.to_datetime(
        pd.Series([r["next_date"] for r in rows], dtype="object"), utc=True
    )
    frame["weekly"] = pd.Series([r["weekly"] for r in rows], dtype="object")
    return frame
