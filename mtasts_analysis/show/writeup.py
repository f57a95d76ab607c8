"""The readiness write-up: what an analyst hands in, for a reader who was not there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pandas as pd

import mtasts_analysis
from mtasts_analysis.analysis.effects import RULES_VERSION
from mtasts_analysis.analysis.facts import NO_DAY, dates
from mtasts_analysis.analysis.failures import failure_types
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.senders import senders
from mtasts_analysis.archive.redaction import redacted
from mtasts_analysis.findings import one_line
from mtasts_analysis.readiness.acknowledged import unmatched_said
from mtasts_analysis.readiness.config import DEFAULT, MEANINGS
from mtasts_analysis.readiness.gate import named
from mtasts_analysis.readiness.impact import Impact
from mtasts_analysis.readiness.judgement import VERDICTS, Judgement
from mtasts_analysis.readiness.publish import inventory
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
from mtasts_analysis.show.frames import cell, headed
from mtasts_analysis.wording import capital, percent, several

TONES = {
    "ready": "good", "ready by reports": "good", "enforcing": "good",
    "not yet": "bad", "enforcing, failing": "bad",
    "not enough evidence": "open", "enforcing, little evidence": "open",
}  # fmt: skip
_ROWS, _WHOLE = 15, 100_000

_INTRODUCTION = (
    "MTA-STS lets a domain ask that mail to it travels encrypted. Under a policy in testing, senders deliver all"
    " the same and report what failed; under one in enforce, they do not deliver where the connection is not"
    " encrypted or the certificate is not valid (RFC 8461 §5). A session is one connection of a sender's mail"
    " server to an MX, a host that takes your mail; STARTTLS turns encryption on in it."
)
_METHOD = (
    (
        "Counted are sessions, not messages: a refused session's mail may still arrive by another MX or on a retry"
        " (RFC 8461 §5.1)."
    ),
    (
        "What enforce would have refused is read from the failures reported, as if every MTA-STS policy had said"
        " enforce. What DANE refuses is refused already, stands apart, and is no evidence for or against."
    ),
    (
        "The refused share is that of the sessions reported. The range is a forecast: it draws senders and days"
        " anew many times, because failures come in spells and by sender, and allows for a day's outage that has"
        " not come up yet."
    ),
    (
        "Perhaps refused are failures of a type that no rule speaks of, and failures that a report counts without"
        " a detail."
    ),
    "Reports name an MX only where a session failed; only senders that report are seen.",
    "Anyone can mail a report: unless signatures were checked, the figures may be forged (RFC 8460 §3).",
    "A report counts from the day on which it begins; one over more than 25 hours is drawn on no single day.",
    "Details may overlap, or leave failures out (RFC 8460 §4); the figures are as reported.",
    (
        "Where a rule names the guide, it is the guide to MTA-STS and TLS-RPT whose steps and weeks the plan"
        " follows; the RFCs stand above it."
    ),
)
ORDER = {"fail": 0, "warn": 1, "not enough evidence": 2, "pass": 3}
"""Statuses, what needs work first."""


_VERBS = {
    "fail": ("fails", "fail"), "warn": ("warns", "warn"),
    "not enough evidence": ("lacks evidence", "lack evidence"), "pass": ("passes", "pass"),
}  # fmt: skip


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
    made = [
        Heading(1, f"MTA-STS readiness of {of.domain}"),
        Paragraph(f"As of {of.as_of}" + (f", by {author}. " if author else ". ") + standing(of)),
        Banner(of.sentence, TONES[of.verdict]),
        *([Paragraph(note)] if note else []),
        Paragraph(_INTRODUCTION),
        Heading(2, "Why"),
        Points(why(of)),
        Heading(2, "What next"),
        Paragraph(next_step(of)),
        *_impact(of),
        *_gates(of),
        *_failures(of),
        *_live(of),
        *_plan(of),
        *_acknowledged(of),
        Heading(2, "Method and limits"),
        Points(_METHOD),
        *_source(of),
        Heading(2, "Thresholds"),
        Grid(
            ("threshold", "value", "by default", "name in ReadinessConfig"),
            tuple(
                (MEANINGS[f.name], *(_bound(getattr(c, f.name)) for c in (of.config, DEFAULT)), f.name)
                for f in fields(of.config)
            ),
        ),
        Paragraph(
            f"Made by mtasts_analysis {mtasts_analysis.__version__}, rules of effects version {RULES_VERSION},"
            f" on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."
        ),
    ]  # fmt: skip
    return [_redacted(block) for block in made] if redact else made


def standing(of: Judgement) -> str:
    """Give where the domain stands, and since when."""
    return f"Stage: {of.stage.name}" + (f", since {of.stage.since}." if of.stage.since else ".")


def why(of: Judgement) -> tuple[str, ...]:
    """Give the reasons, with every figure where the verdict's sentence has told the rest."""
    told = []
    for reason in of.reasons:
        clause = reason.removesuffix(".")
        if clause.lower() in of.sentence.lower():
            figures = [g.figures for g in of.gates if g.clause.lower() == clause.lower()]
            clause = next((capital(f) for f in figures if f.lower() != clause.lower()), "")
        told += [f"{clause}."] if clause else []
    passed = sum(gate.status == "pass" for gate in of.gates)
    return (*told, f"{passed} of {len(of.gates)} gates, the conditions for enforce, pass.")


def next_step(of: Judgement) -> str:
    """Give what to do next, and when the stage after it may begin."""
    text = f"{capital(of.next_step)}."
    if of.next_date is None:
        return text
    what = "enforce" if of.stage.before("enforce") else "a longer max_age"
    what = what if of.plan else "every gate to pass"
    return f"{text} Earliest day for {what}, if that is done now: {of.next_date}."


def _impact(of: Judgement) -> list[Block]:
    impact = of.impact
    done = impact is not None and _enforced(impact)
    made: list[Block] = [
        Heading(2, "What enforce refused" if done else "If the policy had said enforce")
    ]
    if of.draft is not None:
        made += [
            Paragraph("Judged is this draft, not the policy that senders saw:"),
            Code(str(of.draft)),
        ]
    if impact is None:
        return [*made, Paragraph("There are no reports to replay.")]
    made.append(Paragraph(impact_text(impact)))
    if not impact.sessions:
        return made
    plot = plots.impact(impact.cells, impact.where, of.config.refused_most)
    made.append(Picture(plot.image(), plot.alt))
    if len(impact.details):
        names = ["mx_host", "result_type", "effect", "sessions", "senders", "in_policy"]
        made.append(_grid(impact.details, names))
    worst = impact.by_sender[impact.by_sender["cautious"] > 0]
    if len(worst):
        worst = worst.rename(columns={"cautious": "refused or unknown"})
        made.append(_grid(worst, ["sender", "sessions", "refused", "refused or unknown"]))
    return made


def _enforced(impact: Impact) -> bool:
    """Tell whether all of the refused were refused in truth: their policies said enforce."""
    return impact.policy is None and impact.already == impact.refused > 0


def impact_text(impact: Impact) -> str:
    """Give a replay in sentences."""
    where, forecast = impact.where, impact.forecast
    if not impact.sessions:
        return (
            f"From {where.start} to {where.end} no session of a sender that saw a policy was reported:"
            " nothing can be replayed."
        )
    perhaps = impact.cautious - impact.refused
    refused = "refused" if _enforced(impact) else "would have refused"
    under = (
        "; the draft is judged, not the policy that they saw"
        if impact.policy
        else " under the policy"
    )
    said = [
        f"From {where.start} to {where.end}, {impact.sessions:,} sessions were reported{under}. Enforce"
        f" {refused} {impact.refused:,} of them ({cell('share', impact.share)})"
        + (f", and perhaps {perhaps:,} more." if perhaps else "."),
        (
            f"The share to expect lies between {cell('share', forecast.low)} and {cell('share', forecast.high)}"
            f" (95% interval), judging by {impact.sender_days:,} daily figures, one for each sender and day."
        )
        if forecast.high is not None
        else f"Too few daily figures for a forecast: {impact.sender_days:,}, one for each sender and day.",
    ]
    if impact.already and not _enforced(impact):
        said.append(f"{impact.already:,} were refused already: their policy said enforce.")
    if impact.latent:
        said.append(
            f"{impact.latent:,} sessions failed for senders that found no policy: they would be refused once"
            " these find it."
        )
    if impact.left_out:
        which = "draft" if impact.policy else "policy"
        said.append(f"Not in the {which}: {named(impact.left_out, 6)}.")
        if (
            impact.policy
        ):  # under a policy that senders saw, none that went elsewhere counts as a success
            said.append(
                "Reports do not tell how many of the sessions that succeeded went there: at worst all."
            )
    return " ".join(said)


def _gates(of: Judgement) -> list[Block]:
    count: Counter[str] = Counter(gate.status for gate in of.gates)
    tally = ", ".join(
        f"{count[status]} {once if count[status] == 1 else often}"
        for status, (once, often) in _VERBS.items()
        if count[status]
    )
    meaning = f"The verdict “{of.verdict}” means: {VERDICTS[of.verdict]}."
    return [
        Heading(2, "Gates"),
        Paragraph(f"Of {len(of.gates)} gates, {tally}. {meaning} {of.missing}".strip()),
        Grid(
            ("gate", "status", "what was found", "next action", "rule"),
            tuple(
                (g.question, g.status, g.figures, g.action, g.reference)
                for g in sorted(of.gates, key=lambda gate: ORDER[gate.status])
            ),
        ),
    ]


def _failures(of: Judgement) -> list[Block]:
    if of.data is None:
        return []
    kinds, found = failure_types(of.data, of.where), senders(of.data, of.where)
    kinds["verify"] = kinds["verify"].str.replace("DOMAIN", of.domain, regex=False)
    made: list[Block] = [Heading(2, "Failures by type, and what to do")]
    if len(kinds):
        names = ["result_type", "effect", "sessions", "likely_cause", "action", "verify"]
        made.append(_grid(kinds, names))
        made.append(Paragraph("In a command, MX stands for the name of the host that failed."))
    else:
        made.append(Paragraph("No failure was reported in these days."))
    made.append(Heading(2, "Senders"))
    if len(found):
        names = ["sender", "reports", "sessions", "failed", "failure_share", "last_day"]
        made.append(_grid(found, [*names, "silent"] if found["silent"].any() else names))
    else:
        made.append(Paragraph("Nobody reported in these days."))
    return made


def _live(of: Judgement) -> list[Block]:
    made: list[Block] = [Heading(2, "Live findings")]
    check = of.check
    if check is None:
        text = "No live check was made: DNS, the policy file and the certificates of today are not judged."
        made.append(Paragraph(text))
    else:
        apart = abs((check.checked_at.date() - of.as_of).days)
        made.append(
            Paragraph(
                f"Checked at {check.checked_at:%Y-%m-%d %H:%M} UTC"
                + (f", {apart} days apart from the day of the judgement" if apart > 7 else "")
                + f". {getattr(check, 'note', '')}"
            )
        )
        found = [f for f in check.findings if f.severity != "info"]
        if found:
            head = ("severity", "subject", "what was seen", "action", "rule")
            rows = [
                (f.severity, f.subject, f.evidence, one_line(f.action), f.reference) for f in found
            ]
            made.append(Grid(head, tuple(rows[:_ROWS])))
            made += _more(len(found))
        else:
            made.append(Paragraph("Nothing to mend was found."))
    last = of.as_of - timedelta(days=1)
    hosts = inventory(of.domain, of.data, check, last)
    if len(hosts):
        names = ["mx_host", "in_dns", "in_policy", "failed_sessions", "certificate_until"]
        kept = [name for name in names if hosts[name].notna().any()]
        made.append(Heading(2, "Known MX hosts"))
        if of.data is not None:
            made.append(
                Paragraph(f"Failed sessions are counted from the archive's first day to {last}.")
            )
        made.append(_grid(hosts, kept))
    return made


def _plan(of: Judgement) -> list[Block]:
    made: list[Block] = [Heading(2, "Plan")]
    if of.stage.history:
        been = ", ".join(f"{name} from {day}" for day, name in of.stage.history)
        made.append(Paragraph(f"Stages so far: {been}."))
    if not of.plan:
        first = (
            ""
            if of.verdict != "enforcing, failing"
            else "do first what stands under “What next”; then "
        )
        made.append(
            Paragraph(f"In production: {first}review the reports weekly, and keep alerts on.")
        )
        return made
    rows = [(s.name, str(s.earliest), s.gate, s.roll_back) for s in of.plan]
    made.append(Grid(("step", "not before", "if", "to undo it"), tuple(rows)))
    for step in of.plan:
        if step.records:
            made += [
                Paragraph(f"To publish for {step.name}, the policy file first, then the records:"),
                Code("\n".join([*step.policy.splitlines(), "", *step.records]).strip()),
            ]
    return made


def _acknowledged(of: Judgement) -> list[Block]:
    if not of.acknowledged:
        return []
    rows = tuple((a.code, a.subject, a.reason, str(a.until)) for a in of.acknowledged)
    said = unmatched_said(of.unmatched)
    return [
        Heading(2, "Acknowledged"),
        Grid(("gate", "subject", "reason", "until"), rows),
        *([Paragraph(said)] if said else []),
    ]


def _source(of: Judgement) -> list[Block]:
    made: list[Block] = [Heading(2, "Data")]
    if of.data is None:
        return [*made, Paragraph("No reports were loaded.")]
    facts = of.data.facts
    days = facts.day[
        facts.policies_where(Filter(domains=of.domain, end=of.as_of - timedelta(days=1)))
    ]
    days = days[days != NO_DAY]
    text = "No report is about the domain."
    if len(days):
        first, last = dates([days.min(), days.max()])
        text = f"The reports about the domain run from {first:%Y-%m-%d} to {last:%Y-%m-%d}."
    severities = {name: sum(codes.values()) for name, codes in of.data.problem_counts.items()}
    by_count = sorted(severities.items(), key=lambda one: (-one[1], one[0]))
    nouns = {"info": "remark"}
    counted = ", ".join(several(n, nouns.get(name, name)) for name, n in by_count) or "none"
    held = several(of.data.facts.report_count, "report")
    archive = f"The archive holds {held}; noted while it was read: {counted}."
    return [*made, Paragraph(f"{text} {archive}")]


def _grid(frame: pd.DataFrame, names: Sequence[str]) -> Grid:
    rows = tuple(
        # Whole: an address that is cut is not known for one when the rest is redacted.
        tuple(cell(name, value, _WHOLE) for name, value in zip(names, row, strict=True))
        for row in frame[list(names)].head(_ROWS).itertuples(index=False, name=None)
    )
    more = len(frame) - _ROWS
    if more > 0:
        rows = (*rows, (f"and {more:,} more", *[""] * (len(names) - 1)))
    return Grid(tuple(map(headed, names)), rows)


def _bound(value: float) -> str:
    return percent(value) if isinstance(value, float) else f"{value}"


def _more(size: int) -> list[Block]:
    return [Paragraph(f"And {size - _ROWS:,} more.")] if size > _ROWS else []


def _redacted(block: Block) -> Block:
    match block:
        case Heading(level, text):
            return Heading(level, redacted(text))
        case Paragraph(text):
            return Paragraph(redacted(text))
        case Banner(text, tone):
            return Banner(redacted(text), tone)
        case Points(texts):
            return Points(tuple(map(redacted, texts)))
        case Grid(head, rows):
            return Grid(head, tuple(tuple(map(redacted, row)) for row in rows))
        case Picture(png, alt):
            return Picture(png, redacted(alt))
        case Code(text):
            return Code(redacted(text))
