"""What a gate is: a rule, what it looked at, and what it found."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal

import pandas as pd

from mtasts_analysis.analysis.facts import Data, total
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.checks.certificates import Certificate
from mtasts_analysis.checks.facts import Check
from mtasts_analysis.checks.policy import Policy
from mtasts_analysis.readiness.acknowledged import Acknowledged
from mtasts_analysis.readiness.config import ReadinessConfig
from mtasts_analysis.readiness.impact import Impact, replay
from mtasts_analysis.readiness.stages import Stage
from mtasts_analysis.wording import several

Status = Literal["pass", "warn", "fail", "not enough evidence"]
Half = Literal["reports", "live", "either"]

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
    clause : str
        What was found, as a clause of a sentence. It may hold a stranger's text.
    figures : str
        What was found, with every figure.
    action : str
        What to do next; empty where there is nothing.
    reference : str
        The rule's source.
    half : str
        `reports`, `live` or `either`: which half of the evidence it rests on.
    clear_on : datetime.date or None
        The day on which it could pass at the earliest, where that is known.
    evidence : pandas.DataFrame
        The rows behind it.
    subjects : tuple of str
        The leads or changes that it names, acknowledged or not.
    """

    code: str
    question: str
    status: Status
    clause: str
    figures: str
    action: str
    reference: str
    half: Half
    clear_on: date | None
    evidence: pd.DataFrame = field(repr=False)
    subjects: tuple[str, ...] = ()


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
    draft: Policy | None = None

    @property
    def reports(self) -> Data:
        """The archive; a rule that asks for it is only asked where there is one."""
        assert self.data is not None
        return self.data

    def last(self, days: int) -> Filter:
        """Give the domain's days up to the day of the judgement, which is not over."""
        return Filter(
            domains=self.domain,
            start=self.as_of - timedelta(days=days),
            end=self.as_of - timedelta(days=1),
        )

    def within(self, days: int) -> date:
        """Give the day that is so many days after the judgement."""
        return self.as_of + timedelta(days=days)

    @cached_property
    def sts_sessions(self) -> int:
        """Sessions of the days judged whose sender saw an `sts` policy: what a pass must rest on."""
        return 0 if self.data is None else self.sessions("sts", self.config.recent_days)

    @cached_property
    def recent(self) -> Impact:
        """The replay of the days judged."""
        return replay(self.reports, self.last(self.config.recent_days), self.draft, self.config)

    @property
    def at_risk(self) -> list[str]:
        """MX hosts that senders knew and the draft does not list: any number of sessions may have gone there."""
        if self.draft is None or self.data is None:
            return []
        return [host for host in self.recent.left_out if self.may_be_mx(host)]

    @property
    def live(self) -> list[str]:
        """The MX hosts that the check found."""
        return [] if self.check is None else [mx.host for mx in self.check.mx]

    def may_be_mx(self, host: str) -> bool:
        """Tell whether a host may be an MX of the domain: without a check that found some, any may."""
        return not self.live or host in self.live

    def sessions(self, policy_type: str, days: int) -> int:
        """Give the sessions under a policy type in the last days."""
        facts = self.reports.facts
        mask = facts.policies_where(self.last(days).but(policy_types=(policy_type,)))
        return total(facts.successful[mask]) + total(facts.failed[mask])

    def open(self, code: str, subjects: Iterable[str]) -> list[str]:
        """Give the subjects that nobody has acknowledged."""
        return [
            s for s in subjects if not any(a.closes(code, s, self.as_of) for a in self.acknowledged)
        ]


@dataclass(frozen=True, eq=False)
class Found:
    """What a rule found; the fields are a gate's."""

    status: Status
    clause: str
    figures: str = ""
    action: str = ""
    clear_on: date | None = None
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    subjects: Sequence[str] = ()


@dataclass(frozen=True)
class Rule:
    """A gate before it is judged.

    Attributes
    ----------
    code, reference, half
        As the gate's.
    question : str
        May hold fields of the config in braces.
    thresholds : tuple of str
        The fields of the config that it reads.
    judge
        Evidence → what was found.
    needs_sessions : bool
        It passes only where sessions of senders that saw the policy were reported: no news is no good news.
    """

    code: str
    question: str
    reference: str
    half: Half
    thresholds: tuple[str, ...]
    judge: Callable[[Evidence], Found]
    needs_sessions: bool = False


def certificates(check: Check) -> list[tuple[str, Certificate]]:
    """Give each certificate that a check saw, with the name of its host."""
    found = [(mx.host, mx.certificate) for mx in check.mx if mx.certificate is not None]
    shown = check.fetched.presented if check.fetched else None
    if shown is not None and shown.chain:
        found.append((f"mta-sts.{check.domain}", shown.chain[0]))
    return found


def lasts(host: str, certificate: Certificate, now: datetime) -> str:
    """Say how long a host's certificate lasts, as a clause."""
    left, until = certificate.days_left(now), f"{certificate.not_after:%Y-%m-%d}"
    if left < 0:
        return f"the certificate of {host} expired on {until}"
    return f"the certificate of {host} has {several(left, 'day')} left, until {until}"


_LONGEST = 100
"""Of a stranger's name in a sentence: one of a page's length would push a verdict's reasons off it."""


def named(values: Iterable[object], most: int = 4) -> str:
    """Give some values as a list of words; how many more there are is said.

    Examples
    --------
    >>> named("abcdef", 2), named([None])
    ('a, b and 4 more', 'not named')
    >>> len(named(["x" * 300]))
    100
    """
    words = [
        "not named" if not isinstance(value, str)
        else value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
        for value in values
    ]  # fmt: skip
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")
