"""The readiness write-up: what an analyst hands in, for a reader who was not there."""

import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pandas as pd

import mtasts_analysis
from mtasts_analysis.analysis.effects import RULES_VERSION
from mtasts_analysis.analysis.facts import NO_DAY, dates
from mtasts_analysis.analysis.failures import failure_types
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.senders import senders
from mtasts_analysis.readiness.judgement import Judgement
from mtasts_analysis.show import plots
from mtasts_analysis.show.document import (
    Banner,
    Block,
    Code,
    Grid,
    Heading,
    Paragraph,
    Picture,
    Points,
)
from mtasts_analysis.show.frames import cell

_TONES = {
    "ready": "good", "ready by reports": "good", "enforcing": "good",
    "not yet": "bad", "enforcing, failing": "bad", "not enough evidence": "open",
}  # fmt: skip
_ROWS = 15

_METHOD = (
    "Counted are sessions, not messages: mail whose session is refused may arrive by another MX or a retry (§5.1).",
    "Impact replays the failure details as if every sts policy had said enforce. What DANE refuses stands apart.",
    "The share is a census of what was reported. The interval is a forecast that resamples senders and days.",
    "Where nothing was refused, the forecast rests on the effective number of sender-days.",
    "Only senders that report are seen, and only those that find the policy speak for enforce.",
    "Anyone can mail a report: unless signatures were checked, the figures may be forged (RFC 8460 §3).",
    "Reports over 25 hours are left out of daily figures.",
    "Details may overlap or leave failures out (RFC 8460 §4); nothing was mended.",
)
_ORDER = {"fail": 0, "warn": 1, "not enough evidence": 2, "pass": 3}


def blocks(of: Judgement, author: str = "", note: str = "", *, redact: bool = False) -> list[Block]:
    """Give the write-up's content.

    Parameters
    ----------
    of
        The judgement.
    author
        Who hands it in.
    note
        What the author adds.
    redact
        Put `[address]` in the place of every IP address and mail address.

    Returns
    -------
    list of Block
        The same for every format.
    """
    made: list[Block] = [
        Heading(1, f"MTA-STS readiness of {of.domain}"),
        Paragraph(
            f"As of {of.as_of}" + (f", by {author}" if author else "")
            + f". Stage: {of.stage.name}" + (f", since {of.stage.since}." if of.stage.since else ".")
        ),
        Banner(of.sentence, _TONES[of.verdict]),
        *([Paragraph(note)] if note else []),
        Heading(2, "Why"),
        Points(of.reasons),
        Heading(2, "What next"),
        Paragraph(of.next_step + (f" (not before {of.next_date})" if of.next_date else "")),
        *_impact(of),
        Heading(2, "Gates"),
        Grid(
            ("gate", "status", "what was found", "next action", "rule"),
            tuple(
                (g.question, g.status, g.figures, g.action, g.reference)
                for g in sorted(of.gates, key=lambda gate: _ORDER[gate.status])
            ),
        ),
        *_failures(of),
        *_live(of),
        *_plan(of),
        *_acknowledged(of),
        Heading(2, "Method and limits"),
        Points(_METHOD),
        *_source(of),
        Heading(2, "Thresholds"),
        Grid(
            ("threshold", "value"),
            tuple((f.name.replace("_", " "), str(getattr(of.config, f.name))) for f in fields(of.config)),
        ),
        Paragraph(
            f"Made by mtasts_analysis {mtasts_analysis.__version__}, rules of effects version {RULES_VERSION},"
            f" on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."
        ),
    ]  # fmt: skip
    return [_redacted(block) for block in made] if redact else made


def _impact(of: Judgement) -> list[Block]:
    impact = of.impact
    if impact is None:
        return [
            Heading(2, "If the policy had said enforce"),
            Paragraph("There are no reports to replay."),
        ]
    if not impact.sessions:
        text = "No session of a sender that saw a policy was reported in these days: nothing can be replayed."
        return [Heading(2, "If the policy had said enforce"), Paragraph(f"{impact.where}. {text}")]
    forecast = impact.forecast
    likely = (
        f"The share to expect lies between {cell('share', forecast.low)} and {cell('share', forecast.high)}"
        f" (95 %), from {impact.sender_days:,} sender-days."
        if forecast.high is not None
        else f"{impact.sender_days:,} sender-days are too few for a forecast."
    )
    unknown = impact.cautious - impact.refused
    text = (
        f"{impact.where}: of {impact.sessions:,} sessions reported under the policy, {impact.refused:,}"
        f" ({cell('share', impact.share)}) would have been refused"
        + (f", and {unknown:,} more may have been" if unknown else "")
        + f". {likely}"
        + (f" {impact.already:,} of them were refused already." if impact.already else "")
        + (
            f" {impact.latent:,} failed sessions of senders that found no policy would join them once those see it."
            if impact.latent
            else ""
        )
    )
    plot = plots.impact(impact.by_day, impact.where)
    made: list[Block] = [
        Heading(2, "If the policy had said enforce"),
        Paragraph(text),
        Picture(plot.image(), plot.alt),
    ]
    if len(impact.details):
        made.append(
            _grid(impact.details, ["mx_host", "result_type", "effect", "sessions", "senders"])
        )
    return made


def _failures(of: Judgement) -> list[Block]:
    if of.data is None:
        return []
    where = Filter(domains=of.domain, start=of.where.start, end=of.where.end)
    kinds, found = failure_types(of.data, where), senders(of.data, where)
    made: list[Block] = [Heading(2, "Failures by type, and what to do")]
    if len(kinds):
        made.append(
            _grid(
                kinds,
                ["result_type", "effect", "sessions", "likely_cause", "action", "verify"],
            )
        )
    else:
        made.append(Paragraph("No failure was reported in these days."))
    made += [
        Heading(2, "Senders"),
        _grid(
            found,
            ["sender", "reports", "sessions", "failed", "failure_share", "last_day", "silent"],
        ),
    ]
    return made


def _live(of: Judgement) -> list[Block]:
    made: list[Block] = [Heading(2, "Live findings")]
    if of.check is None:
        made.append(
            Paragraph(
                "No live check was made: DNS, the policy file and the certificates of today are not judged."
            )
        )
        return made
    found = [f for f in of.check.findings if f.severity != "info"]
    made.append(Paragraph(f"Checked at {of.check.checked_at:%Y-%m-%d %H:%M} UTC."))
    if found:
        made.append(
            Grid(
                ("severity", "subject", "what was seen", "action", "rule"),
                tuple((f.severity, f.subject, f.evidence, f.action, f.reference) for f in found),
            )
        )
    else:
        made.append(Paragraph("Nothing to mend was found."))
    return made


def _plan(of: Judgement) -> list[Block]:
    if not of.plan:
        return [
            Heading(2, "Plan"),
            Paragraph("In production: review the reports weekly, and keep alerts on."),
        ]
    made: list[Block] = [Heading(2, "Plan")]
    for step in of.plan:
        made += [
            Paragraph(
                f"{step.name}, not before {step.earliest}, if {step.gate}. To undo it: {step.roll_back}."
            ),
            Code("\n".join([*step.policy.splitlines(), "", *step.records]).strip()),
        ]
    return made


def _acknowledged(of: Judgement) -> list[Block]:
    if not of.acknowledged:
        return []
    return [
        Heading(2, "Acknowledged"),
        Grid(
            ("gate", "subject", "reason", "until"),
            tuple((a.code, a.subject, a.reason, str(a.until)) for a in of.acknowledged),
        ),
    ]


def _source(of: Judgement) -> list[Block]:
    if of.data is None:
        return []
    facts = of.data.facts
    until = Filter(domains=of.domain, end=of.as_of - timedelta(days=1))
    days = facts.day[facts.policies_where(until)]
    days = days[days != NO_DAY]
    text = "No report is about the domain."
    if len(days):
        first, last = dates([days.min(), days.max()])
        text = f"Used are reports about the domain from {first:%Y-%m-%d} to {last:%Y-%m-%d}."
    problems = of.data.tables["problems"]
    severities = pd.Series(problems["severity"].to_pylist(), dtype="str").value_counts()
    counted = ", ".join(f"{count:,} {name}" for name, count in severities.items()) or "none"
    return [
        Heading(2, "Data"),
        Paragraph(
            f"{text} {len(of.data.reports):,} reports in the archive. Problems noted: {counted}."
        ),
    ]


def _grid(frame: pd.DataFrame, names: list[str]) -> Grid:
    shown = frame[names].head(_ROWS)
    rows = tuple(
        tuple(cell(name, value) for name, value in zip(names, row, strict=True))
        for row in shown.itertuples(index=False, name=None)
    )
    return Grid(tuple(name.replace("_", " ") for name in names), rows)


_PRIVATE = re.compile(
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b|(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])|[\w.+-]+@[\w.-]+\w"
)


def _redacted(block: Block) -> Block:
    def clean(text: str) -> str:
        return _PRIVATE.sub("[address]", text)

    match block:
        case Heading(level, text):
            return Heading(level, clean(text))
        case Paragraph(text):
            return Paragraph(clean(text))
        case Banner(text, tone):
            return Banner(clean(text), tone)
        case Points(texts):
            return Points(tuple(map(clean, texts)))
        case Grid(head, rows):
            return Grid(head, tuple(tuple(map(clean, row)) for row in rows))
        case _:
            return block
