"""The gates that a live check decides."""

from collections.abc import Callable, Sequence

import pandas as pd

from mtasts_analysis.checks.facts import Check
from mtasts_analysis.findings import Finding, one_line
from mtasts_analysis.readiness.gate import (
    FAIL,
    LITTLE,
    PASS,
    WARN,
    Evidence,
    Found,
    Rule,
    Status,
    certificates,
    lasts,
    named,
)
from mtasts_analysis.wording import every, several

_HOMES = (
    ("policy-host-certificate-expires-soon", "certificates-last"),
    ("certificate-expires-soon", "certificates-last"),
    ("mx-not-in-policy", "mx-in-policy"),
    ("mx-unreachable", "mx-certificates"),
    ("tlsrpt-", "tlsrpt-record"),
    ("tlsa-", "dane"),
    ("dane-", "dane"),
    ("mx-insecure", "dane"),
    ("policy-", "policy-published"),
    ("provider-", "policy-published"),
    ("withdrawn-", "policy-published"),
    ("record-before-policy", "policy-published"),
    ("certificate-", "mx-certificates"),
    ("starttls-", "mx-certificates"),
    ("tls-", "mx-certificates"),
    ("smtp-", "mx-certificates"),
    ("validation-failure", "mx-certificates"),
)
"""Beginning of a finding's code → the gate that weighs it; the first that fits. `dns-records` has the rest."""


def home(code: str) -> str:
    """Give the gate that weighs a finding.

    Examples
    --------
    >>> home("certificate-expired"), home("sts-record-missing"), home("null-mx")
    ('mx-certificates', 'dns-records', 'dns-records')
    """
    return next((gate for start, gate in _HOMES if code.startswith(start)), "dns-records")


_GRADES: tuple[tuple[str, Status], ...] = (("error", FAIL), ("warning", WARN), ("unknown", LITTLE))


def _weigh(of: Evidence, code: str, good: str) -> Found:
    """Give what a gate's findings amount to: the worst of them."""
    assert of.check is not None
    own = [f for f in of.check.findings if home(f.code) == code]
    rows = _frame(own)
    for severity, status in _GRADES:
        worst = next((f for f in own if f.severity == severity), None)
        if worst is not None:
            figures = "; ".join(f"{f.subject}: {f.evidence}" for f in own if f.severity == severity)
            clause = f"{worst.subject}: {worst.evidence}"
            return Found(status, clause, figures, one_line(worst.action), rows=rows)
    return Found(PASS, good, rows=rows)


def _frame(findings: Sequence[Finding]) -> pd.DataFrame:
    names = ["code", "severity", "subject", "evidence", "action", "reference"]
    return pd.DataFrame(
        [[getattr(f, n) for n in names] for f in findings], columns=names, dtype="str"
    )


def _records(of: Evidence, check: Check) -> Found:
    found = _weigh(of, "dns-records", "the _mta-sts record and the MX records are in order")
    if check.sts_record is None and check.sts_answer.status != "failed" and found.status != FAIL:
        clause = f"there is no usable record at _mta-sts.{of.domain}: no sender looks for a policy"
        action = "publish it: ma.publish.publication() gives its text"
        return Found(FAIL, clause, found.figures, found.action or action, rows=found.rows)
    if check.null_mx:
        return Found(WARN, f"{of.domain} accepts no mail (null MX)", rows=found.rows)
    return found


def _published(of: Evidence, check: Check) -> Found:
    found = _weigh(of, "policy-published", "")
    policy = check.policy
    if policy is None and check.state != "unknown" and found.status != FAIL:
        clause = f"no policy can be fetched from mta-sts.{of.domain}"
        action = found.action or "publish the policy file: ma.publish.hosting() shows how"
        return Found(FAIL, clause, found.figures, action, rows=found.rows)
    if policy is None:
        status = LITTLE if found.status == PASS else found.status
        clause = found.clause or "the policy could not be looked at"
        return Found(status, clause, found.figures, found.action, rows=found.rows)
    if policy.mode == "none":
        clause = "the published policy says none: MTA-STS is withdrawn"
        return Found(FAIL, clause, "", "publish a policy in mode testing", rows=found.rows)
    if found.status == PASS:
        clause = f"a valid policy is published: {policy.mode}, max_age {policy.max_age}"
        return Found(PASS, clause, rows=found.rows)
    return found


def _certificates(of: Evidence, check: Check) -> Found:
    rows = _weigh(of, "mx-certificates", "").rows
    bad = [f for f in check.findings if home(f.code) == "mx-certificates" and f.severity != "info"]
    fates = {mx.host: mx.under_enforce for mx in check.mx}
    figures = (
        ", ".join(f"{host}: {fate}" for host, fate in list(fates.items())[:12]) or "no MX host"
    )
    action = next((one_line(f.action) for f in bad if f.action), "")
    told = {f.subject.partition(" ")[0]: f.evidence for f in reversed(bad)}
    refused = [host for host, fate in fates.items() if fate == "refused"]
    unknown = [host for host, fate in fates.items() if fate == "unknown"]
    if refused:
        why = told.get(refused[0], "it is not in the policy")
        clause = f"under enforce {named(refused)} would be refused ({why})"
        return Found(
            FAIL, clause, figures, action or "see the gate on the policy's MX lines", rows=rows
        )
    if unknown or not fates:
        clause = (
            f"what becomes of {named(unknown)} is not known" if unknown else "no MX host was seen"
        )
        why = told.get(unknown[0], "") if unknown else ""
        clause += f" ({why})" if why else ""
        return Found(
            LITTLE, clause, figures, action or "run the check where port 25 is open", rows=rows
        )
    presents = "presents" if len(fates) == 1 else "present"
    clause = f"{every(len(fates), 'MX host')} {presents} a valid certificate over TLS 1.2 or newer"
    if bad:
        status = FAIL if bad[0].severity == "error" else WARN  # the findings come the worst first
        return Found(status, f"{bad[0].subject}: {bad[0].evidence}", figures, action, rows=rows)
    return Found(PASS, clause, figures, rows=rows)


def _last(of: Evidence, check: Check) -> Found:
    now = check.checked_at
    seen = sorted(certificates(check), key=lambda one: (one[1].not_after, one[0]))
    rows = pd.DataFrame(
        [(host, shown.days_left(now), f"{shown.not_after:%Y-%m-%d}") for host, shown in seen],
        columns=["host", "days_left", "not_after"],
    ).astype({"host": "str", "days_left": "Int64", "not_after": "str"})
    if not seen:
        action = "run the check where port 25 is open"
        return Found(LITTLE, "no certificate was seen", "", action, rows=rows)
    host, first = seen[0]
    left, clause = first.days_left(now), lasts(host, first, now)
    renew = f"renew the certificate of {host}, have the server load it, and automate both"
    if left < of.config.certificate_days_least:
        return Found(FAIL, clause, "", renew, of.within(1), rows)
    if left < of.config.certificate_days:
        return Found(WARN, clause, "", renew, rows=rows)
    return Found(PASS, f"every certificate lasts {several(left, 'day')} or more", rows=rows)


def _tlsrpt(of: Evidence, check: Check) -> Found:
    found = _weigh(of, "tlsrpt-record", "the TLSRPT record is in order")
    if check.tlsrpt_record is None and check.tlsrpt_answer.status != "failed":
        clause = "without a usable TLSRPT record no failure under enforce would be reported"
        action = found.action or "publish it: ma.publish.publication(..., rua=...) gives its text"
        return Found(FAIL, clause, found.figures, action, of.within(1), found.rows)
    return found


def _dane(of: Evidence, _: Check) -> Found:
    found = _weigh(of, "dane", "nothing about DANE stands in the way")
    if found.status != FAIL:
        return found
    # It refuses mail already, whatever MTA-STS says (RFC 8461 §2): no reason to wait with enforce.
    return Found(WARN, found.clause, found.figures, found.action, rows=found.rows)


def _rule(
    code: str,
    question: str,
    reference: str,
    judge: Callable[[Evidence, Check], Found],
    *thresholds: str,
) -> Rule:
    def judged(of: Evidence) -> Found:
        assert of.check is not None
        return judge(of, of.check)

    return Rule(code, question, reference, "live", thresholds, judged)


ON_CHECKS = (
    _rule(
        "dns-records", "Are the _mta-sts record and the MX records in order?",
        "RFC 8461 §3.1; guide, Step 4", _records,
    ),
    _rule(
        "policy-published", "Can the published policy be used?", "RFC 8461 §3.2, §3.3; guide, Step 3",
        _published,
    ),
    _rule(
        "mx-certificates", "Would every MX be accepted under enforce?",
        "RFC 8461 §4.2; guide, Step 1", _certificates,
    ),
    _rule(
        "certificates-last", "Does every certificate last {certificate_days} days?",
        "guide, Automated Certificate Monitoring", _last, "certificate_days", "certificate_days_least",
    ),
    _rule("tlsrpt-record", "Would failures be reported?", "RFC 8460 §3", _tlsrpt),
    _rule("dane", "Is DANE in order, where it is published?", "RFC 7672; RFC 8461 §2", _dane),
)  # fmt: skip
"""The rules, in the order in which they are shown."""
