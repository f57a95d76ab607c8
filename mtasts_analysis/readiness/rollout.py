"""The guide's weeks as dated steps from where a domain stands."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mtasts_analysis.checks.policy import Policy, read_policy
from mtasts_analysis.errors import InputError
from mtasts_analysis.readiness.config import DAY, WEEK, ReadinessConfig
from mtasts_analysis.readiness.stages import STAGES, Stage


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a rollout.

    Attributes
    ----------
    name : str
        The stage that begins with it.
    earliest : datetime.date
        The first day on which it may be taken, if its gate holds.
    gate : str
        What must hold before.
    policy : str
        The policy file's text.
    records : tuple of str
        DNS records in zone-file form; the `_mta-sts` record has a fresh id.
    roll_back : str
        What undoes it.
    """

    name: str
    earliest: date
    gate: str
    policy: str
    records: tuple[str, ...]
    roll_back: str


def policy_text(mode: str, mx: Sequence[str], max_age: int) -> str:
    r"""Give a policy file's text, checked by the package's own reader (RFC 8461 §3.2).

    Parameters
    ----------
    mode
        `testing`, `enforce` or `none`.
    mx
        MX patterns, in order; exact hosts are better than wildcards, which also match what is not yours.
    max_age
        Seconds, at most 31557600.

    Raises
    ------
    InputError
        The values make no valid policy.

    Examples
    --------
    >>> print(policy_text("testing", ["mx1.example.com"], 86400), end="")
    version: STSv1
    mode: testing
    mx: mx1.example.com
    max_age: 86400
    """
    text = "\n".join(
        [
            "version: STSv1",
            f"mode: {mode}",
            *(f"mx: {host}" for host in mx),
            f"max_age: {max_age}",
            "",
        ]
    )
    policy, findings = read_policy(text)
    if policy is None:
        faults = "; ".join(f.evidence for f in findings if f.severity == "error")
        raise InputError(f"expected values of a valid policy (RFC 8461 §3.2); {faults}")
    return text


def fresh_id(now: datetime) -> str:
    """Give an id for the `_mta-sts` record: the time in UTC, 14 digits (RFC 8461 §3.1 allows 32).

    Examples
    --------
    >>> fresh_id(datetime(2026, 5, 14, 9, 30))
    '20260514093000'
    """
    return f"{now:%Y%m%d%H%M%S}"


def plan(
    domain: str, stage: Stage, mx: Sequence[str], as_of: date, config: ReadinessConfig
) -> tuple[Step, ...]:
    """Give the steps that are left, each dated at the earliest.

    Parameters
    ----------
    domain
        The domain, in A-labels.
    stage
        Where it stands.
    mx
        The MX patterns that the policies will list.
    as_of
        The day of the judgement.
    config
        The days in testing.

    Returns
    -------
    tuple of Step
        Empty in production.
    """
    at = STAGES.index(stage.name)
    steps = []
    day = as_of
    if at == 0:
        gate = "every MX has a valid certificate of its name and TLS 1.2 or newer"
        steps.append(_step(domain, "set-up", day, gate, "testing", mx, DAY))
    if at < STAGES.index("enforce"):
        began = stage.mode_since if stage.mode == "testing" and stage.mode_since else as_of
        day = max(as_of, began + timedelta(days=config.days_in_testing))
        steps.append(
            _step(domain, "enforce", day, "every gate of the assessment passes", "enforce", mx, DAY)
        )
    if at < STAGES.index("production"):
        day = max(day, stage.since or day) if stage.name == "enforce" else day
        steps.append(
            _step(
                domain, "production", day + timedelta(days=7), "a week of enforce without refused sessions",
                "enforce", mx, WEEK,
            )
        )  # fmt: skip
    return tuple(steps)


def _step(
    domain: str, name: str, day: date, gate: str, mode: str, mx: Sequence[str], max_age: int
) -> Step:
    stamp = re.sub(r"\D", "", day.isoformat()) + "000000"
    back = {
        "set-up": "publish mode none with a new id; remove the records once the longest max_age served is over",
        "enforce": "publish mode testing with a new id: senders that cached enforce keep it for up to max_age",
        "production": "publish mode testing with max_age 86400 and a new id, and wait for the week that was cached",
    }[name]  # fmt: skip
    text = policy_text(mode, mx, max_age) if mx else ""
    return Step(
        name, day, gate, text, (f'_mta-sts.{domain}. 3600 IN TXT "v=STSv1; id={stamp};"',), back
    )


__all__ = ["Policy", "Step", "fresh_id", "plan", "policy_text"]
