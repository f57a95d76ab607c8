"""The judgement: may this domain go to `enforce`, why, and what is next?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from mtasts_analysis.analysis.facts import NO_DAY, Data, dates
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.policies import policy_history
from mtasts_analysis.analysis.trends import over_time
from mtasts_analysis.checks.facts import Check
from mtasts_analysis.errors import InputError
from mtasts_analysis.names import a_label
from mtasts_analysis.readiness.acknowledged import Acknowledged
from mtasts_analysis.readiness.config import ReadinessConfig
from mtasts_analysis.readiness.gates import FAIL, LITTLE, PASS, WARN, Evidence, Gate, gates
from mtasts_analysis.readiness.impact import Impact, replay
from mtasts_analysis.readiness.rollout import Step, plan
from mtasts_analysis.readiness.stages import Stage, stage

VERDICTS = (
    "ready",
    "ready by reports",
    "not yet",
    "not enough evidence",
    "enforcing",
    "enforcing, failing",
)
"""What a verdict can be. `ready by reports` is ready as far as reports tell: no live check was made."""

# Without these there is no judgement, only opinion.
_ESSENTIAL = ("days-with-reports", "policy-honoured", "refused-share", "senders-seen")


@dataclass(frozen=True, eq=False)
class Judgement:
    """The judgement of one domain.

    Attributes
    ----------
    domain : str
    as_of : datetime.date
        The day of the judgement: reports up to the day before count.
    verdict : str
        One of :data:`VERDICTS`.
    sentence : str
        The verdict, plainly.
    reasons : tuple of str
        The three strongest.
    next_step : str
        What to do next.
    next_date : datetime.date or None
        When it can be taken at the earliest.
    stage : Stage
    gates : tuple of Gate
    impact : Impact or None
        The replay of the last days; None without reports.
    plan : tuple of Step
    data : the archive's tables, or None
    check : the live check, or None
    config : ReadinessConfig
    acknowledged : tuple of Acknowledged
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

    def gate(self, code: str) -> Gate:
        """Give a gate by its code."""
        return next(gate for gate in self.gates if gate.code == code)

    @property
    def table(self) -> pd.DataFrame:
        """The gates: `gate`, `status`, `figures`, `action`, `reference`."""
        return pd.DataFrame(
            [(g.code, g.question, g.status, g.figures, g.action, g.reference) for g in self.gates],
            columns=["gate", "question", "status", "figures", "action", "reference"],
        ).astype("str")

    @property
    def where(self) -> Filter:
        """The days that were judged."""
        return Filter(
            domains=self.domain,
            start=self.as_of - timedelta(days=self.config.recent_days),
            end=self.as_of - timedelta(days=1),
        )

    def replay(self, policy: str | None = None) -> Impact:
        """Replay the judged days under another policy; see :func:`mtasts_analysis.replay`."""
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
    config: ReadinessConfig | None = None,
    acknowledged: Sequence[Acknowledged] = (),
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
        The day of the judgement; by default the day after the archive's last report about the domain, or today.
    config
        The thresholds.
    acknowledged
        What :func:`mtasts_analysis.read_acknowledged` gave: leads and changes that are understood.

    Returns
    -------
    Judgement
        Verdict, reasons, gates with their evidence, impact, and the plan.

    Raises
    ------
    InputError
        Neither reports nor a check, or an impossible domain or day.

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
    try:
        name = a_label(domain)
    except ValueError as error:
        raise InputError(f"domain: expected a domain name; {error}") from error
    if check is not None and check.domain != name:
        raise InputError(f"check: expected a check of {name}; it is of {check.domain}")
    config = config or ReadinessConfig()
    day = Filter(start=as_of).start or _after_last(data, name)
    history = (
        policy_history(data, Filter(domains=name, end=day - timedelta(days=1)))
        if data is not None
        else pd.DataFrame(_NO_HISTORY)
    )
    published = (
        None if check is None or check.policy is None else (check.policy.mode, check.policy.max_age)
    )
    standing = stage(history, day, config, published)
    evidence = Evidence(data, name, check, day, standing, history, config, tuple(acknowledged))
    judged = gates(evidence)
    impact = (
        None if data is None else replay(data, evidence.last(config.recent_days), config=config)
    )
    verdict, sentence = _verdict(name, standing, judged, impact, check)
    step, when = _next(judged, standing, day, verdict)
    return Judgement(
        domain=name,
        as_of=day,
        verdict=verdict,
        sentence=sentence,
        reasons=_reasons(judged),
        next_step=step,
        next_date=when,
        stage=standing,
        gates=judged,
        impact=impact,
        plan=plan(name, standing, _patterns(history, check), day, config),
        data=data,
        check=check,
        config=config,
        acknowledged=tuple(acknowledged),
    )


_NO_HISTORY: dict[str, "pd.Series[str]"] = {
    **{
        name: pd.Series([], dtype="str")
        for name in ("domain", "sender", "policy", "mode", "mx_patterns")
    },
    **{name: pd.Series([], dtype="Int64") for name in ("max_age", "results", "sessions")},
    **{name: pd.Series([], dtype="datetime64[us, UTC]") for name in ("first_day", "last_day")},
    "stale": pd.Series([], dtype="bool"),
}


def _after_last(data: Data | None, domain: str) -> date:
    if data is not None:
        facts = data.facts
        days = facts.day[facts.policies_where(Filter(domains=domain))]
        days = days[days != NO_DAY]
        if len(days):
            return dates([int(days.max()) + 1])[0].date()
    return datetime.now().astimezone().date()


def _patterns(history: pd.DataFrame, check: Check | None) -> list[str]:
    """Give the MX patterns that a policy should list: the live MX hosts, else what was seen last."""
    if check is not None and check.mx:
        return [mx.host for mx in check.mx]
    seen = history.dropna(subset=["mx_patterns"]).sort_values("last_day")
    return str(seen["mx_patterns"].iloc[-1]).split(", ") if len(seen) else []


def _verdict(
    domain: str,
    standing: Stage,
    judged: tuple[Gate, ...],
    impact: Impact | None,
    check: Check | None,
) -> tuple[str, str]:
    failing = [gate for gate in judged if gate.status == FAIL]
    missing = [g for g in judged if g.status == LITTLE and g.code in _ESSENTIAL]
    if standing.name in ("enforce", "production"):
        since = f"{domain} enforces since {standing.mode_since}"
        if failing:
            refused = impact.already if impact is not None else 0
            lost = f": {refused:,} sessions were refused in the days judged" if refused else ""
            return "enforcing, failing", f"{since}, and something is wrong{lost}."
        return "enforcing", f"{since}, and nothing in the evidence speaks against it."
    if failing:
        return "not yet", f"{domain} may not go to enforce yet: {_plainly(failing[0])}."
    if missing:
        return (
            "not enough evidence",
            f"There is not enough evidence to let {domain} go to enforce: {_plainly(missing[0])}.",
        )
    if check is None:
        return (
            "ready by reports",
            f"As far as reports tell, {domain} may go to enforce; a live check must still confirm it.",
        )
    live = [g for g in judged if g.half == "live" and g.status == LITTLE and g.code != "dane"]
    if live:
        return (
            "not enough evidence",
            f"Reports let {domain} go to enforce, but the live check could not tell: {_plainly(live[0])}.",
        )
    return "ready", f"{domain} may go to enforce."


def _plainly(gate: Gate) -> str:
    return gate.figures.rstrip(".")


_WEIGHT = {FAIL: 0, LITTLE: 1, WARN: 2, PASS: 3}
_STRONGEST = (
    "refused-share", "mx-in-policy", "mx-certificates", "open-change", "policy-fetch", "interception",
    "policy-published", "policy-honoured", "days-in-testing",
)  # fmt: skip


def _reasons(judged: tuple[Gate, ...]) -> tuple[str, ...]:
    order = {code: place for place, code in enumerate(_STRONGEST)}
    ranked = sorted(
        (g for g in judged if g.status != LITTLE or g.half == "reports"),
        key=lambda g: (_WEIGHT[g.status], order.get(g.code, 99)),
    )
    return tuple(f"{g.question} {g.status}: {_plainly(g)}" for g in ranked[:3])


def _next(
    judged: tuple[Gate, ...], standing: Stage, day: date, verdict: str
) -> tuple[str, date | None]:
    for status in (FAIL, LITTLE):
        for gate in judged:
            if gate.status == status and gate.action and (status == FAIL or gate.half == "reports"):
                clears = [g.clear_on for g in judged if g.status == FAIL and g.clear_on]
                if status == LITTLE and verdict != "not enough evidence":
                    continue
                return gate.action, max([day, *clears, *([gate.clear_on] if gate.clear_on else [])])
    if verdict == "ready by reports":
        return "make a live check and assess again", day
    if verdict == "ready":
        return "publish mode enforce with max_age 86400 and a new id; watch for a week", day
    if standing.name == "enforce":
        return "raise max_age to 604800 after a week without refused sessions", day + timedelta(
            days=7
        )
    return "review reports weekly and set up alerts", day


def judge_all(
    data: Data,
    as_of: date | str | None = None,
    config: ReadinessConfig | None = None,
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
        A row for each domain: `domain`, `stage`, `verdict`, `sessions` (of the days judged), `refused_share`,
        `high` (the forecast's upper bound), `failing` (gates), `next_step`, `next_date`, and `weekly` (the failed
        share by week, for a sparkline).

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> list(judge_all(data)["domain"])
    ['bakery.example', 'clinic.example', 'harbour.example']
    """
    rows: list[dict[str, Any]] = []
    for name in data.facts.domain.words:
        try:
            found = judge(data, name, None, as_of, config, acknowledged)
        except InputError:  # a stranger's report may name anything a domain
            continue
        impact = found.impact
        assert impact is not None
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
    urgency = (
        "enforcing, failing",
        "not yet",
        "ready",
        "ready by reports",
        "not enough evidence",
        "enforcing",
    )
    rows.sort(key=lambda row: (urgency.index(row["verdict"]), -row["sessions"], row["domain"]))
    names = ("domain", "stage", "verdict", "failing", "next_step")
    frame = pd.DataFrame({name: pd.Series([r[name] for r in rows], dtype="str") for name in names})
    frame.insert(3, "sessions", pd.Series([r["sessions"] for r in rows], dtype="Int64"))
    frame.insert(4, "refused_share", pd.Series([r["refused_share"] for r in rows], dtype="Float64"))
    frame.insert(5, "high", pd.Series([r["high"] for r in rows], dtype="Float64"))
    frame["next_date"] = pd.to_datetime(
        pd.Series([r["next_date"] for r in rows], dtype="object"), utc=True
    )
    frame["weekly"] = pd.Series([r["weekly"] for r in rows], dtype="object")
    return frame
