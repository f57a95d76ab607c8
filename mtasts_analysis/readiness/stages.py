"""Where a domain stands on the guide's timeline, and since when."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from mtasts_analysis.readiness.config import ReadinessConfig

STAGES = ("none", "set-up", "monitoring", "preparation", "enforce", "production")
"""In the order of the guide's weeks."""

_SET_UP_DAYS, _MONITORING_DAYS = 7, 28


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage and the days behind it.

    Attributes
    ----------
    name : str
        One of :data:`STAGES`.
    since : datetime.date or None
        The day on which it began.
    mode, max_age
        Of the policy that most sessions saw last, or that is published now.
    mode_since : datetime.date or None
        The day from which this mode was seen without a break.
    history : tuple of (date, str)
        The day on which each earlier stage began.
    """

    name: str
    since: date | None
    mode: str | None
    max_age: int | None
    mode_since: date | None
    history: tuple[tuple[date, str], ...] = ()


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
        Mode and max_age of a live check.

    Returns
    -------
    Stage
        `none` where no policy was seen, none is published, or its mode is none.
    """
    seen = _by_day(history, as_of)
    if published is not None and (not seen or seen[-1][1:] != published):
        seen.append((as_of, *published))
    runs: list[tuple[date, str, int]] = []
    for day, mode, age in seen:
        if not runs or (mode, age >= config.production_max_age) != (
            runs[-1][1],
            runs[-1][2] >= config.production_max_age,
        ):
            runs.append((day, mode, age))
    if not runs or runs[-1][1] == "none":
        return Stage("none", runs[-1][0] if runs else None, "none" if runs else None, None, None)
    stages: list[tuple[date, str]] = []
    for number, (day, mode, age) in enumerate(runs):
        end = runs[number + 1][0] if number + 1 < len(runs) else as_of + timedelta(days=1)
        if mode == "testing":
            began = next((d for d, name in reversed(stages) if name == "set-up"), day)
            for name, after in (
                ("set-up", 0),
                ("monitoring", _SET_UP_DAYS),
                ("preparation", _MONITORING_DAYS),
            ):
                if max(day, began + timedelta(days=after)) < end:
                    stages.append((max(day, began + timedelta(days=after)), name))
        elif mode == "enforce":
            stages.append((day, "production" if age >= config.production_max_age else "enforce"))
        else:
            stages.append((day, "none"))
    _, mode, age = runs[-1]
    mode_since = runs[-1][0]
    for day, earlier, _ in reversed(runs):
        if earlier != mode:
            break
        mode_since = day
    return Stage(stages[-1][1], stages[-1][0], mode, seen[-1][2], mode_since, tuple(stages))


def _by_day(history: pd.DataFrame, as_of: date) -> list[tuple[date, str, int]]:
    """Give the mode and max_age that most senders' runs name on each day, where it changes.

    A sender on an old cached policy must not hold the stage back: stale runs do not count.
    """
    runs = history[~history["stale"] & history["mode"].notna()]
    weight: dict[date, dict[tuple[str, int], int]] = {}
    for run in runs.itertuples():
        first: pd.Timestamp = run.first_day  # type: ignore[assignment]  # a column of times
        last: pd.Timestamp = run.last_day  # type: ignore[assignment]
        age: Any = run.max_age
        known = (str(run.mode), 0 if pd.isna(age) else int(age))
        sessions: Any = run.sessions
        day = first.date()
        while day <= min(last.date(), as_of):
            votes = weight.setdefault(day, {})
            votes[known] = votes.get(known, 0) + sessions
            day += timedelta(days=1)
    seen: list[tuple[date, str, int]] = []
    for day in sorted(weight):
        mode, age = max(weight[day], key=lambda known, votes=weight[day]: (votes[known], known))  # type: ignore[misc]
        if not seen or seen[-1][1:] != (mode, age):
            seen.append((day, mode, age))
    return seen
