"""Where a domain stands on the guide's timeline, and since when."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from mtasts_analysis.readiness.config import ReadinessConfig

STAGES = ("none", "set-up", "monitoring", "preparation", "enforce", "production")
"""In the order of the guide's weeks."""

SET_UP_DAYS, MONITORING_DAYS = 7, 28
"""Days in testing from which on the guide's weeks 2 to 4, and its week 5, have come."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage and the days behind it.

    Attributes
    ----------
    name : str
        One of :data:`STAGES`.
    since : datetime.date or None
        The day on which it began; None where no policy was ever seen.
    mode : str or None
        Of the policy that most sessions saw last, or that is published now; None where none was seen.
    max_age : int or None
        Of the same policy, in seconds.
    mode_since : datetime.date or None
        The day from which this mode was seen without a break.
    history : tuple of (date, str)
        The day on which each stage began, the first first.
    """

    name: str
    since: date | None
    mode: str | None
    max_age: int | None
    mode_since: date | None
    history: tuple[tuple[date, str], ...] = ()

    def before(self, other: str) -> bool:
        """Tell whether it comes before another stage."""
        return STAGES.index(self.name) < STAGES.index(other)


def stage(
    history: pd.DataFrame,
    as_of: date,
    config: ReadinessConfig,
    published: tuple[str, int] | None = None,
) -> Stage:
    """Derive the stage from the policies that senders saw, and the one published now.

    Parameters
    ----------
    history
        What :func:`mtasts_analysis.policy_history` gives for one domain.
    as_of
        The day of the judgement.
    config
        From which max_age on enforce is production.
    published
        Mode and max_age of a live check; `("none", 0)` where it found that there is no policy.

    Returns
    -------
    Stage
        `none` where no policy was seen, none is published, or its mode is none.
    """
    runs = _by_day(history, as_of)
    if published is not None and (not runs or runs[-1][1:] != published):
        runs.append((as_of, *published))
    if not runs:
        return Stage("none", None, None, None, None)
    stages: list[tuple[date, str]] = []
    for number, (day, mode, age) in enumerate(runs):
        end = runs[number + 1][0] if number + 1 < len(runs) else as_of + timedelta(days=1)
        for began, name in _stages(day, mode, age, stages, config):
            if began < end and (not stages or stages[-1][1] != name):
                stages.append((began, name))
    _, mode, age = runs[-1]
    mode_since = runs[-1][0]
    for day, earlier, _ in reversed(runs):
        if earlier != mode:
            break
        mode_since = day
    since, name = stages[-1]
    return Stage(name, since, mode, age, mode_since, tuple(stages))


def _stages(
    day: date, mode: str, age: int, before: list[tuple[date, str]], config: ReadinessConfig
) -> list[tuple[date, str]]:
    """Give the stages that a policy passes through from its first day on, each with its day."""
    if mode == "enforce":
        return [(day, "production" if age >= config.production_max_age else "enforce")]
    if mode != "testing":
        return [(day, "none")]
    # Back from enforce, or another max_age: the weeks of testing count from when it first began.
    began = day
    for at, name in reversed(before):
        if name == "none":
            break
        began = at if name == "set-up" else began
    weeks = (("set-up", 0), ("monitoring", SET_UP_DAYS), ("preparation", MONITORING_DAYS))
    dated = [(began + timedelta(days=after), name) for name, after in weeks]
    current = [name for at, name in dated if at <= day][-1]
    return [(day, current), *((at, name) for at, name in dated if at > day)]


def _by_day(history: pd.DataFrame, as_of: date) -> list[tuple[date, str, int]]:
    """Give the mode and max_age that most sessions saw, with the day on which each began.

    A sender on an old cached policy must not hold the stage back: stale runs do not count.
    """
    runs = history[~history["stale"] & history["mode"].notna()]
    weight: dict[date, dict[tuple[str, int], int]] = {}
    for run in runs.to_dict("records"):
        age: Any = run["max_age"]
        known = (str(run["mode"]), 0 if pd.isna(age) else int(age))
        first, last = run["first_day"].date(), run["last_day"].date()
        daily = max(1, run["sessions"] // ((last - first).days + 1))
        for at in range((min(last, as_of) - first).days + 1):
            votes = weight.setdefault(first + timedelta(days=at), {})
            votes[known] = votes.get(known, 0) + daily
    seen: list[tuple[date, str, int]] = []
    for day in sorted(weight):
        mode, age = max(weight[day], key=lambda known, votes=weight[day]: (votes[known], known))  # type: ignore[misc]
        if not seen or seen[-1][1:] != (mode, age):
            seen.append((day, mode, age))
    return seen
