"""Everything about an archive on one page: HTML in a notebook, text on a terminal."""

from dataclasses import dataclass

import pandas as pd

from mtasts_analysis.analysis.facts import Data
from mtasts_analysis.analysis.failures import effects, failure_types, failures_by_mx, unexplained
from mtasts_analysis.analysis.filters import EVERYTHING, Filter, chosen
from mtasts_analysis.analysis.interception import interception_leads
from mtasts_analysis.analysis.policies import policy_history
from mtasts_analysis.analysis.senders import senders
from mtasts_analysis.analysis.trends import change_points, failures_over_time, over_time
from mtasts_analysis.show import plots
from mtasts_analysis.show.frames import cell, frame_html, frame_text, sparkline
from mtasts_analysis.show.html import element, text
from mtasts_analysis.show.text import wrapped

_ROWS = 12

_TYPES = [
    "policy_type",
    "result_type",
    "effect",
    "sessions",
    "share",
    "senders",
    "last_day",
    "action",
]
_STALE = ["domain", "sender", "policy", "mode", "max_age", "stale_from", "last_day", "sessions"]
_SENDERS = [
    "sender", "sessions", "failed", "failure_share", "low", "high", "trend", "last_day", "silent", "new",
]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Overview:
    """The measures of an archive, or of the part that a filter chooses; made by :func:`overview`.

    Attributes
    ----------
    where : Filter
        What it is about.
    sessions, failures, types, effects, mx_hosts, senders, changes, policies, leads, unexplained : pandas.DataFrame
        What the measures of these names give.
    weekly : pandas.DataFrame
        Sessions by week and sender, which the sparklines draw.
    """

    where: Filter
    sessions: pd.DataFrame
    failures: pd.DataFrame
    types: pd.DataFrame
    effects: pd.DataFrame
    mx_hosts: pd.DataFrame
    senders: pd.DataFrame
    weekly: pd.DataFrame
    changes: pd.DataFrame
    policies: pd.DataFrame
    leads: pd.DataFrame
    unexplained: pd.DataFrame

    def _repr_html_(self) -> str:
        stale = self.policies[self.policies["stale"]]
        parts = [
            element(f"<h3>Overview</h3><p>{text(str(self.where), 400)}</p>"),
            plots.sessions(self.sessions, self.where, self.changes)._repr_html_(),
            plots.failures(self.failures, self.where)._repr_html_(),
            frame_html(self.effects, "What enforce would do to the failed sessions"),
            frame_html(self.types, "What fails, and what to do", columns=_TYPES, rows=_ROWS),
            frame_html(self.mx_hosts, "Where it fails", rows=_ROWS),
            frame_html(self.changes, "What changed", columns=["day", "text"], rows=_ROWS),
            frame_html(
                self.senders, "Who sends", columns=_SENDERS, rows=25, extra={"failed by week": self._lines()}
            ),
            frame_html(stale, "Senders that saw an old policy past its max_age", columns=_STALE, rows=_ROWS),
            frame_html(self.leads, "Leads to interception: leads, not verdicts", columns=["text"], rows=_ROWS),
            frame_html(self.unexplained, "Failures that no detail explains, and details that overlap"),
        ]  # fmt: skip
        return "\n".join(parts)

    def _lines(self) -> list[str]:
        weeks = self.weekly["period"].drop_duplicates().sort_values()
        if weeks.empty:
            return ["" for _ in range(len(self.senders))]
        every = pd.date_range(weeks.iloc[0], weeks.iloc[-1], freq="7D", unit="us")
        rates = self.weekly.pivot_table(
            index="sender", columns="period", values="failure_share", aggfunc="first"
        ).reindex(columns=every)
        found = []
        for name in self.senders["sender"]:
            row = rates.loc[name] if name in rates.index else []
            found.append(sparkline([None if pd.isna(v) else float(v) for v in row]))
        return found

    def __repr__(self) -> str:
        failed, whole = (
            sum(map(int, self.sessions[name].dropna())) for name in ("failed", "sessions")
        )
        rate = cell("share", failed / whole) if whole else "–"
        parts = [
            wrapped(f"Overview: {self.where}"),
            wrapped(
                f"{failed:,} of {whole:,} sessions failed ({rate}); DANE apart, reports over 25 hours left out"
            ),
            _text("what enforce would do", self.effects, ["effect", "sessions", "senders"]),
            _text("what fails", self.types, ["result_type", "effect", "sessions", "last_day", "action"]),
            _text("where", self.mx_hosts, ["mx_host", "result_type", "sessions", "senders"]),
            _text("what changed", self.changes, ["text"]),
            _text(
                "who sends", self.senders,
                ["sender", "sessions", "failed", "failure_share", "last_day", "silent", "new"],
            ),
            _text(
                "senders that saw an old policy past its max_age",
                self.policies[self.policies["stale"]], _STALE,
            ),
            _text("leads to interception", self.leads, ["text"]),
            _text(
                "failures that no detail explains, and details that overlap", self.unexplained,
                ["domain", "policy_type", "failed", "detailed", "unexplained", "overlapping"],
            ),
        ]  # fmt: skip
        return "\n".join(parts)


def _text(heading: str, frame: pd.DataFrame, names: list[str]) -> str:
    if frame.empty:
        return f"\n{heading}: nothing"
    return f"\n{heading}\n{frame_text(frame[names], _ROWS)}"


def overview(data: Data, where: Filter = EVERYTHING) -> Overview:
    """Put everything about an archive on one page.

    Parameters
    ----------
    data
        A loaded archive.
    where
        What to look at.

    Returns
    -------
    Overview
        Shows itself as HTML in a notebook and as text on a terminal; its attributes are the frames.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> print(ma.overview(data, ma.Filter(domains="harbour.example")))  # doctest: +ELLIPSIS
    Overview: domain harbour.example
    9 of 22,206 sessions failed (0.04%); DANE apart, reports over 25 hours left out
    ...
    """
    where = chosen(where)
    return Overview(
        where=where,
        sessions=over_time(data, where),
        failures=failures_over_time(data, where),
        types=failure_types(data, where),
        effects=effects(data, where),
        mx_hosts=failures_by_mx(data, where),
        senders=senders(data, where),
        weekly=over_time(data, where, "week", "sender"),
        changes=change_points(data, where),
        policies=policy_history(data, where),
        leads=interception_leads(data, where),
        unexplained=unexplained(data, where),
    )
