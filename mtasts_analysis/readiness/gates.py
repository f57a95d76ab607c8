"""The gates between a domain and `enforce`, judged one by one."""

from dataclasses import fields

from mtasts_analysis.readiness.gate import LITTLE, PASS, Evidence, Found, Gate, Rule
from mtasts_analysis.readiness.on_checks import ON_CHECKS
from mtasts_analysis.readiness.on_reports import ON_REPORTS

RULES: tuple[Rule, ...] = (*ON_REPORTS, *ON_CHECKS)
"""Every gate's rule; docs/readiness.md lists them."""


def gates(of: Evidence) -> tuple[Gate, ...]:
    """Judge every gate.

    Parameters
    ----------
    of
        The evidence.

    Returns
    -------
    tuple of Gate
        In the order of :data:`RULES`; one whose half of the evidence is missing says what is to be done for it.
    """
    return tuple(_judge(rule, of) for rule in RULES)


def _judge(rule: Rule, of: Evidence) -> Gate:
    if rule.half == "reports" and of.data is None:
        action = "load the domain's TLS reports; if none come, publish a TLSRPT record"
        found = Found(LITTLE, "no reports were loaded", "", action)
    elif rule.half == "live" and of.check is None:
        found = Found(LITTLE, "no live check was made", "", f"make a live check of {of.domain}")
    else:
        found = rule.judge(of)
    if rule.needs_sessions and found.status == PASS and not of.sts_sessions:
        clause = f"no session of a sender that saw the policy was reported in {of.config.recent_days} days"
        found = Found(
            LITTLE, clause, "", "wait for reports", rows=found.rows, subjects=found.subjects
        )
    values = {f.name: getattr(of.config, f.name) for f in fields(of.config)}
    return Gate(
        code=rule.code,
        question=rule.question.format(**values),
        status=found.status,
        clause=found.clause,
        figures=found.figures or found.clause,
        action=found.action,
        reference=rule.reference,
        half=rule.half,
        clear_on=found.clear_on,
        evidence=found.rows,
        subjects=tuple(found.subjects),
    )
