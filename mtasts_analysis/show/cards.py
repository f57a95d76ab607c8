"""A domain's check as an HTML card and as text. Every string came from a stranger's server: escaped, bounded."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from mtasts_analysis.checks.facts import Check, MxHost
from mtasts_analysis.checks.smtp import Session
from mtasts_analysis.findings import SEVERITIES, Finding
from mtasts_analysis.show.html import STYLE, table, text
from mtasts_analysis.show.text import columns, plain

_CARD = """
.mtasts .warning { color: #a15c00; font-weight: 600; }
.mtasts .unknown { color: #5c6670; font-weight: 600; font-style: italic; }
.mtasts .good { color: #00735a; font-weight: 600; }
.mtasts pre { margin: 0; white-space: pre-wrap; font-size: .92em; background: none; }
.mtasts td { vertical-align: top; max-width: 34em; overflow-wrap: anywhere; }
"""

_STATES = {
    "enforce": (
        "good",
        "MTA-STS is enforced: senders that honour it refuse an MX that fails a check.",
    ),
    "testing": (
        "warning",
        "MTA-STS is in testing: failures are reported, mail is delivered all the same.",
    ),
    "none": (
        "unknown",
        "MTA-STS is withdrawn (mode none): senders treat the domain as without a policy.",
    ),
    "absent": ("warning", "There is no MTA-STS policy: encryption can be stripped on the way."),
    "broken": ("error", "MTA-STS is published, but senders cannot use it: mail is not protected."),
    "unknown": (
        "unknown",
        "Whether there is a policy could not be told: DNS or the network failed.",
    ),
}
_FATES = {
    "accepted": ("good", "accepted"),
    "refused": ("error", "refused"),
    "unknown": ("unknown", "not known"),
}
_FINDINGS = 100


def check_html(check: Check, note: str = "") -> str:
    """Give a check as one HTML element.

    Parameters
    ----------
    check
        What was found.
    note
        A sentence that stands above, as plain text.

    Returns
    -------
    str
        HTML without scripts, and without anything that is fetched.
    """
    tone, sentence = _STATES[check.state]
    said = f"<p><b>{text(note, 400)}</b></p>" if note else ""
    when = f"{check.checked_at:%Y-%m-%d %H:%M} UTC"
    parts = [
        f"<style>{STYLE}{_CARD}</style>{said}",
        f'<h3>{text(check.domain, 253)} <span class="{tone}">{escape(check.state)}</span></h3>',
        f"<p>{escape(sentence)}<br>{_counted(check.findings)}; checked {when}</p>",
        table(
            "What is published",
            ["", ""],
            [[escape(k), text(v, 400)] for k, v in _facts(check)],
            set(),
        ),
    ]
    if check.mx:
        parts.append(
            table(
                "MX hosts <small>the last column: mail of senders that honour MTA-STS, under enforce</small>",
                [
                    "preference",
                    "host",
                    "addresses",
                    "in the policy",
                    "STARTTLS",
                    "certificate",
                    "DANE",
                    "under enforce",
                ],
                [[_cell(c) for c in _mx_row(m)] for m in check.mx],
                {0},
            )
        )
    parts.append(findings_html(check.findings))
    return f'<div class="mtasts">{"".join(parts)}</div>'


def findings_html(findings: Sequence[Finding]) -> str:
    """Give findings as an HTML table, the action in a form to copy."""
    if not findings:
        return "<p>Nothing to do.</p>"
    rows = [
        [
            f'<span class="{escape(f.severity)}">{escape(f.severity)}</span>',
            f"<code>{text(f.code, 60)}</code>",
            text(f.subject, 253),
            text(f.evidence, 700),
            f"<pre>{_lines(f.action)}</pre>" if f.action else "",
            text(f.reference, 80),
        ]
        for f in findings[:_FINDINGS]
    ]
    more = (
        f" <small>the first {_FINDINGS} of {len(findings):,}</small>"
        if len(findings) > _FINDINGS
        else ""
    )
    head = ["severity", "code", "about", "what was seen", "what to do", "reference"]
    return table(f"Findings{more}", head, rows, set())


def check_text(check: Check, note: str = "") -> str:
    """Give a check as text for a terminal.

    Parameters
    ----------
    check
        What was found.
    note
        A sentence that stands above.
    """
    _, sentence = _STATES[check.state]
    lines = [plain(note, 400)] if note else []
    lines += [f"{plain(check.domain, 253)}: {check.state}", sentence, ""]
    lines += [columns([[f"  {k}", plain(v, 300)] for k, v in _facts(check)], set())]
    if check.mx:
        head = [
            "  MX",
            "addresses",
            "in policy",
            "STARTTLS",
            "certificate",
            "DANE",
            "under enforce",
        ]
        rows = [[plain(said, 80) for _, said in _mx_row(mx)] for mx in check.mx]
        rows = [[f"  {row[0]} {row[1]}", *row[2:]] for row in rows]
        lines += ["", columns([head, *rows], set())]
    lines += ["", f"{_counted(check.findings)}:" if check.findings else "nothing to do"]
    for f in check.findings[:_FINDINGS]:
        lines.append(f"  {f.severity:8} {plain(f.code)}  {plain(f.subject, 253)}")
        lines.append(f"           {plain(f.evidence, 700)} [{plain(f.reference, 80)}]")
        lines += [f"           > {plain(line, 300)}" for line in f.action.splitlines()]
    return "\n".join(lines)


def certificates_text(frame: pd.DataFrame) -> str:
    """Give certificates as text, a line each.

    Parameters
    ----------
    frame
        What :func:`mtasts_analysis.monitor` gives.
    """
    rows = [
        ["?" if row.days_left is pd.NA else str(row.days_left)]
        + [plain(v, 120) for v in (row.host, row.address, row.role, row.problem)]
        for row in frame.itertuples()
    ]
    return columns([["days left", "host", "address", "role", "problem"], *rows], {0})


def _facts(check: Check) -> list[tuple[str, str]]:
    def looked(status: str, detail: str) -> str:
        return f"could not be looked up: {detail}" if status == "failed" else "none that is valid"

    rows = [
        (
            "_mta-sts record",
            check.sts_record.text
            if check.sts_record
            else looked(check.sts_answer.status, check.sts_answer.detail),
        )
    ]
    if check.policy:
        age = f"max_age {check.policy.max_age:,} s ({check.policy.max_age / 86_400:.3g} days)"
        rows.append(
            (
                "policy",
                f"mode {check.policy.mode}, {age}, mx {', '.join(check.policy.mx) or 'none'}",
            )
        )
    else:
        rows.append(("policy", "none that is valid"))
    shown = check.fetched.presented if check.fetched else None
    if shown and shown.chain:
        leaf = shown.chain[0]
        left = leaf.days_left(check.checked_at)
        rows.append(
            (
                "policy host",
                f"{shown.version}, certificate until {leaf.not_after:%Y-%m-%d} ({left} days)",
            )
        )
    rows.append(
        (
            "_smtp._tls record",
            ", ".join(check.tlsrpt_record.rua)
            if check.tlsrpt_record
            else looked(check.tlsrpt_answer.status, check.tlsrpt_answer.detail),
        )
    )
    validates = {
        True: "validates DNSSEC",
        False: "does not validate DNSSEC",
        None: "whether it validates DNSSEC could not be told",
    }
    rows.append(("resolver", validates[check.resolver_validates]))
    if check.null_mx:
        rows.append(("MX", "accepts no mail (null MX)"))
    return rows


_Cell = tuple[str, str]  # the tone, and a stranger's text


def _mx_row(mx: MxHost) -> list[_Cell]:
    covered = {True: ("good", "yes"), False: ("error", "no"), None: ("", "–")}[mx.covered]
    leaf = mx.certificate
    verified = [s.presented.verified for s in mx.sessions if s.presented]
    state = f"until {leaf.not_after:%Y-%m-%d}" if leaf else "–"
    certificate = (
        ("", "–")
        if not verified
        else ("good", state)
        if all(verified)
        else ("error", f"invalid, {state}")
    )
    name = f"{mx.host} ({mx.provider})" if mx.provider else mx.host
    tls = sorted({_said(s) for s in mx.sessions}) or ["not tested"]
    dane = mx.dane.verdict if mx.dane else "–"
    offered = bool(mx.sessions) and all(s.outcome == "tls" for s in mx.sessions)
    return [
        ("", str(mx.preference)),
        ("", name),
        ("", ", ".join(mx.addresses) or "none"),
        covered,
        ("good" if offered else "", ", ".join(tls)),
        certificate,
        ({"match": "good", "mismatch": "error"}.get(dane, ""), dane),
        _FATES[mx.under_enforce],
    ]


def _said(session: Session) -> str:
    return session.presented.version or "TLS" if session.presented else session.outcome


def _cell(cell: _Cell) -> str:
    tone, said = cell
    return f'<span class="{tone}">{text(said, 300)}</span>' if tone else text(said, 300)


def _lines(action: str) -> str:
    return "<br>".join(text(line, 400) for line in action.splitlines()[:60])


def _counted(findings: Sequence[Finding]) -> str:
    counts = {s: sum(f.severity == s for f in findings) for s in SEVERITIES}
    words = {
        "error": "errors",
        "warning": "warnings",
        "unknown": "could not be told",
        "info": "remarks",
    }
    return ", ".join(f"{counts[s]} {words[s]}" for s in SEVERITIES)
