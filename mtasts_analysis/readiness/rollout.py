"""The guide's weeks as dated steps from where a domain stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mtasts_analysis import arguments
from mtasts_analysis.checks.coverage import DAY, WEEK
from mtasts_analysis.checks.policy import Policy, read_policy
from mtasts_analysis.errors import InputError
from mtasts_analysis.readiness.config import ReadinessConfig
from mtasts_analysis.readiness.stages import SET_UP_DAYS, Stage

WATCH_DAYS = 7
"""The guide: a week of enforce with a max_age of a day before it is raised."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a rollout.

    Attributes
    ----------
    name : str
        The stage that begins with it; `review` where the one before enforce has begun already.
    earliest : datetime.date
        The first day on which it may be taken, if its gate holds.
    gate : str
        What must hold before.
    policy : str
        The policy file's text; empty where no MX is known.
    id : str
        Of the `_mta-sts` record; empty where the policy does not change.
    records : tuple of str
        DNS records to publish, in zone-file form.
    roll_back : str
        What undoes it.
    """

    name: str
    earliest: date
    gate: str
    policy: str
    id: str
    records: tuple[str, ...]
    roll_back: str

    def __str__(self) -> str:
        records = "\n".join(self.records)
        return (
            f"# {self.name}, not before {self.earliest}, if {self.gate}\n{self.policy}{records}\n"
        )


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
    such_as = 'MX patterns, such as ["mx1.example.com"]'
    mx = arguments.several("mx", mx, str, such_as)
    given = Policy(mode, max_age, tuple(dict.fromkeys(host.lower() for host in mx)))
    text = str(given)
    policy, findings = read_policy(text)
    if policy != given:  # what holds a line end, too, says something else than what was given
        faults = "; ".join(f.evidence for f in findings) or "a value holds more than one line"
        raise InputError(f"expected values of a valid policy (RFC 8461 §3.2); {faults}")
    return text


def fresh_id(now: datetime, *taken: str | None) -> str:
    """Give an id for the `_mta-sts` record: the time in UTC, 14 digits (RFC 8461 §3.1 allows 32).

    Parameters
    ----------
    now
        The time.
    taken
        The ids that are published, or given to another policy: none of them is given.

    Examples
    --------
    >>> fresh_id(datetime(2026, 5, 14, 9, 30)), fresh_id(datetime(2026, 5, 14), "20260514000000")
    ('20260514093000', '20260514000001')
    """
    while (made := f"{now:%Y%m%d%H%M%S}") in taken:
        now += timedelta(seconds=1)
    return made


def plan(
    domain: str,
    stage: Stage,
    mx: Sequence[str],
    as_of: date,
    config: ReadinessConfig,
    *,
    not_before: date | None = None,
    live_id: str | None = None,
    ready: bool = False,
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
    not_before
        The day before which the gates cannot all pass.
    live_id
        The id that is published.
    ready
        The review before enforce has been made, and every gate passed.

    Returns
    -------
    tuple of Step
        Empty in production.
    """
    steps: list[Step] = []

    def step(name: str, day: date, gate: str, mode: str, age: int, back: str) -> None:
        had = (steps[-1].policy if steps else "") or (
            str(Policy(stage.mode, stage.max_age, tuple(mx)))
            if stage.mode is not None and stage.max_age is not None
            else ""
        )
        text = policy_text(mode, mx, age) if mx else ""
        changes = not text or text != had
        midnight = datetime.combine(day, datetime.min.time())
        # Two policies may fall on one day: each has an id of its own (RFC 8461 §3.1).
        stamp = fresh_id(midnight, live_id, *(s.id for s in steps)) if changes else ""
        records = (f'_mta-sts.{domain}. 3600 IN TXT "v=STSv1; id={stamp};"',) if changes else ()
        if name == "set-up":
            report = f'_smtp._tls.{domain}. 3600 IN TXT "v=TLSRPTv1; rua=mailto:tlsrpt@{domain}"'
            records = (*records, report)
        steps.append(Step(name, day, gate, text, stamp, records, back))

    began = stage.mode_since if stage.mode == "testing" and stage.mode_since else as_of
    if stage.before("set-up"):
        step(
            "set-up", as_of, "every MX has a valid certificate of its name and takes TLS 1.2 or newer",
            "testing", DAY, "publish mode none with a new id; remove the records once max_age is over",
        )  # fmt: skip
    if stage.before("monitoring"):
        step(
            "monitoring", max(as_of, began + timedelta(days=SET_UP_DAYS)),
            "the live check finds nothing to mend, and the first reports have come",
            "testing", DAY, "nothing to undo: nothing new is published",
        )  # fmt: skip
    reviewed = max(as_of, began + timedelta(days=config.days_in_testing), not_before or as_of)
    if stage.before("enforce") and not ready:
        step(
            "preparation" if stage.before("preparation") else "review", reviewed,
            "the reports were read, and this assessment, made anew, still says so",
            "testing", DAY, "nothing to undo: nothing new is published",
        )  # fmt: skip
    if stage.before("enforce"):
        step(
            "enforce", reviewed, "every gate that must pass does on that day",
            "enforce", DAY,
            "publish mode testing with a new id; senders that cached enforce may keep it for a day (max_age)",
        )  # fmt: skip
    if stage.before("production"):
        first = stage.since if stage.name == "enforce" and stage.since else reviewed
        step(
            "production", max(as_of, first + timedelta(days=WATCH_DAYS), not_before or as_of),
            "in a week of enforce, no session was refused by fault of yours", "enforce", WEEK,
            "publish mode testing with max_age 86400 and a new id; senders that cached enforce may keep it for"
            " a week",
        )  # fmt: skip
    return tuple(steps)


__all__ = ["WATCH_DAYS", "Policy", "Step", "fresh_id", "plan", "policy_text"]
