"""The views of an archive: a question, the measure that answers it, and its picture."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from mtasts_analysis.analysis.facts import Data
from mtasts_analysis.analysis.failures import (
    failure_types,
    failures_by_address,
    failures_by_mx,
    unexplained,
)
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.interception import interception_leads
from mtasts_analysis.analysis.policies import policy_history
from mtasts_analysis.analysis.senders import senders
from mtasts_analysis.analysis.trends import (
    Period,
    change_points,
    failures_over_time,
    over_time,
)
from mtasts_analysis.show import plots
from mtasts_analysis.show.style import Plot


@dataclass(frozen=True, slots=True)
class View:
    """A question about an archive.

    Attributes
    ----------
    question
        In words.
    measure
        Archive, filter, period → frame.
    picture
        Frame, filter → figure; None where the table is the answer.
    columns
        Those that a table on a page shows, as many as fit beside the controls; all where there are none.
    whole
        It counts whole sessions, whichever failures the filter chooses.
    """

    question: str
    measure: Callable[[Data, Filter, Period], pd.DataFrame]
    picture: Callable[[pd.DataFrame, Filter], Plot] | None
    columns: tuple[str, ...] = ()
    whole: bool = False


def _top_senders(frame: pd.DataFrame, where: Filter) -> Plot:
    return plots.top(frame, "sender", where, value="sessions")


VIEWS: dict[str, View] = {
    "sessions": View(
        "How many sessions, and what share failed?",
        over_time,
        plots.sessions,
        whole=True,
    ),
    "failures": View(
        "Which failures, when?",
        failures_over_time,
        plots.failures,
    ),
    "failure types": View(
        "What fails, and what is to be done?",
        lambda data, where, _: failure_types(data, where),
        None,
        (
            "result_type", "policy_type", "effect", "sessions", "last_day", "action", "verify",
        ),
    ),
    "effects": View(
        "What would enforce have made of them, when?",
        lambda data, where, by: failures_over_time(data, where, by, "effect"),
        plots.failures,
    ),
    "MX hosts": View(
        "Which MX host fails in which way?",
        lambda data, where, _: failures_by_mx(data, where),
        plots.types_by_mx,
        ("mx_host", "result_type", "sessions", "senders", "first_day", "last_day", "not_in_policy"),
    ),
    "addresses": View(
        "Between which addresses do sessions fail?",
        lambda data, where, _: failures_by_address(data, where),
        None,
        (
            "sending_mta_ip", "receiving_ip", "result_type", "sessions", "senders", "first_day", "last_day",
        ),
    ),
    "senders": View(
        "Who sends, who fails, who fell silent?",
        lambda data, where, _: senders(data, where),
        _top_senders,
        (
            "sender", "sessions", "failed", "failure_share", "low", "high", "trend", "last_day", "silent", "new",
        ),
        whole=True,
    ),
    "sender × time": View(
        "Whose sessions failed when?",
        lambda data, where, by: over_time(data, where, by, "sender"),
        plots.sender_days,
        whole=True,
    ),
    "sender charts": View(
        "How does each sender fare?",
        lambda data, where, by: over_time(data, where, by, "sender"),
        plots.senders,
        whole=True,
    ),
    "policies": View(
        "Which policy did each sender see?",
        lambda data, where, _: policy_history(data, where),
        plots.policies,
        (
            "domain", "sender", "policy", "mode", "max_age", "first_day", "last_day", "stale", "mx_patterns",
        ),
        whole=True,
    ),
    "changes": View(
        "On which day did something change?",
        lambda data, where, _: change_points(data, where),
        None,
        ("day", "text", "before", "after", "failed_before", "failed_after"),
    ),
    "leads": View(
        "Could someone be on the path? Leads, not verdicts",
        lambda data, where, _: interception_leads(data, where),
        None,
        ("lead", "text", "senders", "other_senders", "sessions", "first_day", "last_day"),
    ),
    "unexplained": View(
        "How far do details account for the failures?",
        lambda data, where, _: unexplained(data, where),
        None,
        whole=True,
    ),
}  # fmt: skip
"""What the panel offers, in its order."""
