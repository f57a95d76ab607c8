"""A domain's check as an HTML card and as text. Every string came from a stranger's server: escaped, bounded."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

import pandas as pd

from mtasts_analysis.checks.config import DEFAULT
from mtasts_analysis.checks.facts import Check, MxHost
from mtasts_analysis.checks.smtp import Session
from mtasts_analysis.findings import SEVERITIES, Finding
from mtasts_analysis.show.html import element, table, text, unbroken
from mtasts_analysis.show.text import columns, plain, wrapped
from mtasts_analysis.wording import every

CARD = """
.mtasts .warning { color: #a15c00; color: color-mix(in srgb, #a15c00 70%, currentColor); font-weight: 600; }
.mtasts .unknown { color: #5c6670; color: color-mix(in srgb, #5c6670 70%, currentColor); font-weight: 600;
  font-style: italic; }
.mtasts .good { color: #00735a; color: color-mix(in srgb, #00735a 70%, currentColor); font-weight: 600; }
.mtasts .facts thead { display: none; }
.mtasts .facts td { white-space: normal; overflow-wrap: anywhere; }
.mtasts .facts td:first-child { white-space: nowrap; }
.mtasts .finding { border-left: 3px solid #8a939c; padding: 0 0 0 .8em; margin: 0 0 .9em; overflow-wrap: anywhere; }
.mtasts .finding.is-error { border-color: #b3261e; }
.mtasts .finding.is-warning { border-color: #d98a00; }
.mtasts .finding p { margin: 0; opacity: 1; }
.mtasts .finding small { opacity: .7; }
.mtasts .finding pre { margin: .25em 0 0; padding: .35em .6em; white-space: pre-wrap; word-break: normal;
  font-size: .95em; background: rgba(128,128,128,.12); border-radius: 3px; }
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
_OUTCOMES = {
    "no-starttls": ("error", "not offered"),
    "starttls-refused": ("error", "offered, then refused"),
    "tls-failed": ("error", "TLS fails"),
    "inconclusive": ("unknown", "inconclusive"),
    "unreachable": ("warning", "no connection"),
    "not-public": ("warning", "no public address"),
    "not-tested": ("unknown", "not tested"),
}
_DANE = {
    "none": ("", "no TLSA"),
    "match": ("good", "matches"),
    "mismatch": ("error", "does not match"),
    "unusable": ("warning", "not usable"),
    "insecure": ("warning", "not signed"),
    "failed": ("unknown", "not known"),
    "not-tested": ("", "not compared"),
}
_FINDINGS = 100
_DEEP = " " * 11
"""Before what is said of a finding."""


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
    tone = "error" if any(f.severity == "error" for f in check.findings) else tone
    said = f"<p><b>{text(note, 400)}</b></p>" if note else ""
    when = f"{check.checked_at:%Y-%m-%d %H:%M} UTC"
    parts = [
        said,
        f'<h3>{text(check.domain, 253)} <span class="{tone}">{escape(check.state)}</span></h3>',
        f"<p>{escape(sentence)} <b>{escape(_outlook(check))}</b>",
        f"<br>{_counted(check.findings)}; checked {when}</p>",
        '<div class="facts">'
        + table(
            "What is published",
            ["", ""],
            [[escape(k), text(v, 400)] for k, v in _facts(check)],
            set(),
        )
        + "</div>",
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
                [[_cell(c) for c in _mx_row(m, check.checked_at)] for m in check.mx],
                {0},
            )
        )
    parts.append(findings_html(check.findings))
    return element(*parts, style=CARD)


def findings_html(findings: Sequence[Finding], title: str = "What is to be done") -> str:
    """Give findings as HTML, one below the other, the action in a form to copy."""
    if not findings:
        return ""
    blocks = []
    for group in _grouped(findings[:_FINDINGS]):
        first = group[0]
        seen = "<br>".join(text(f.evidence, 700) for f in group)
        action = f"<pre>{_lines(first.action)}</pre>" if first.action else ""
        blocks.append(
            f'<div class="finding is-{escape(first.severity)}"><p>'
            f'<span class="{escape(first.severity)}">{escape(first.severity)}</span>'
            f" <b>{text(first.subject, 253)}</b> <small><code>{text(first.code, 60)}</code>"
            f" {text(first.reference, 80)}</small></p><p>{seen}</p>{action}</div>"
        )
    more = len(findings) - _FINDINGS
    blocks += [f"<p>and {more:,} more</p>"] if more > 0 else []
    return f"<h3>{escape(title)}</h3>{''.join(blocks)}"


def _grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Put together what one action mends, as each wrong line of a policy file."""
    groups: dict[object, list[Finding]] = {}
    for at, f in enumerate(findings):
        key = (f.severity, f.code, f.subject, f.action) if f.action else at
        groups.setdefault(key, []).append(f)
    return list(groups.values())


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
    lines = [wrapped(plain(note, 400))] if note else []
    lines += [
        f"{plain(check.domain, 253)}: {check.state}",
        wrapped(f"{sentence} {_outlook(check)}".strip()),
        "",
    ]
    lines += [columns([[k, plain(v, 300)] for k, v in _facts(check)], set(), "  ")]
    if check.mx:
        head = [
            "MX",
            "addresses",
            "in policy",
            "STARTTLS",
            "certificate",
            "DANE",
            "under enforce",
        ]
        rows = [[plain(said, 80) for _, said in _mx_row(mx, check.checked_at)] for mx in check.mx]
        rows = [[f"{row[0]} {row[1]}", *row[2:]] for row in rows]
        lines += ["", columns([head, *rows], set(), "  ")]
    lines += ["", _counted(check.findings) + (":" if check.findings else "")]
    for group in _grouped(check.findings[:_FINDINGS]):
        first = group[0]
        lines.append(f"  {first.severity:8} {plain(first.code)}  {plain(first.subject, 253)}")
        for f in group:
            said = f"{_DEEP}{plain(f.evidence, 700)} [{plain(f.reference, 80)}]"
            lines.append(wrapped(said, _DEEP))
        # To be copied: these lines are broken by nobody but the terminal.
        lines += [f"{_DEEP}> {plain(line, 700)}" for line in first.action.splitlines()]
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
        + [plain(v, 120) for v in (row.host, row.address, row.role)]
        + [plain(row.problem, 300)]
        for row in frame.itertuples()
    ]
    return columns([["days left", "host", "address", "role", "problem"], *rows], {0})


def _outlook(check: Check) -> str:
    """Say in a sentence what becomes of mail."""
    fates = [mx.under_enforce for mx in check.mx]
    refused, unknown, whole = fates.count("refused"), fates.count("unknown"), len(fates)
    if not whole or check.state == "unknown":
        return ""
    now = check.state == "enforce"
    hosts = "its MX host" if whole == 1 else f"{refused} of {whole} MX hosts"
    if refused:
        said = (
            f"{hosts} {'are' if whole > 1 else 'is'} refused"
            if now
            else f"{hosts} would be refused"
        )
        if now and refused == whole:
            said += ": such senders keep the mail back and try again"
    elif unknown:
        said = f"of {unknown} of {whole} MX hosts it could not be told"
    else:
        hosts = "its MX host" if whole == 1 else every(whole, "MX host")
        said = f"{hosts} {('is' if whole == 1 else 'are') if now else 'would be'} accepted"
    return f"{'Now' if now else 'Under enforce'}, {said}."


def _facts(check: Check) -> list[tuple[str, str]]:
    def fault(*starts: str) -> str:
        """Say why there is none: what the worst finding about it saw."""
        worst = next((f for s in starts for f in check.findings if f.code.startswith(s)), None)
        if worst is None and check.sts_answer.status == "failed":  # the check never got to it
            return f"not known: {check.sts_answer.detail}"
        if worst is None or worst.code.endswith("record-missing"):
            return "none"
        # What could not be looked up is not absent.
        head = "not known" if worst.severity == "unknown" else "none that can be used"
        return f"{head}: {worst.evidence}"[:300]

    record = check.sts_record.text if check.sts_record else fault("sts-record")
    rows = [("_mta-sts record", record)]
    if check.policy:
        days = check.policy.max_age / 86_400
        age = f"{days:.3g} days" if days >= 2 else f"{days * 24:.3g} h"
        said = f"mode {check.policy.mode}, max_age {check.policy.max_age:,} s ({age})"
        rows.append(("policy", f"{said}, mx {', '.join(check.policy.mx) or 'none'}"))
    elif check.fetched and check.fetched.reachable:
        rows.append(("policy", fault("policy-")))
    else:  # an address that DNS did not give may answer
        rows.append(("policy", fault("policy-host-dns-failed", "policy-")))
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
    rua = check.tlsrpt_record and ", ".join(check.tlsrpt_record.rua)
    rows.append(("_smtp._tls record", rua or fault("tlsrpt-record")))
    validates = {
        True: "validates DNSSEC",
        False: "does not validate DNSSEC",
        None: "whether it validates DNSSEC could not be told",
    }
    rows.append(("resolver", validates[check.resolver_validates]))
    if check.null_mx:
        rows.append(("MX", "accepts no mail (null MX)"))
    if check.mx_answer.status == "failed":
        rows.append(("MX", f"not known: {check.mx_answer.detail}"))
    return rows


_Cell = tuple[str, str]  # the tone, and a stranger's text


def _mx_row(mx: MxHost, now: datetime) -> list[_Cell]:
    covered = {True: ("good", "yes"), False: ("error", "no"), None: ("", "–")}[mx.covered]
    leaf = mx.certificate
    verified = [s.presented.verified for s in mx.sessions if s.presented]
    state = f"until {leaf.not_after:%Y-%m-%d}" if leaf else "–"
    soon = leaf is not None and leaf.days_left(now) < DEFAULT.expiry_days
    if not verified:
        certificate = ("", "–")
    elif not all(verified):
        certificate = ("error", f"invalid, {state}")
    else:
        certificate = ("warning" if soon else "good", state)
    name = f"{mx.host} ({mx.provider})" if mx.provider else mx.host
    tls = sorted({_said(s) for s in mx.sessions}) or [("unknown", "not tested")]
    tones = [tone for tone, _ in tls]
    # What could not be looked up is not absent, here neither.
    others = "others not known" if mx.addresses else "not known"
    addresses = [*mx.addresses] if mx.all_addresses else [*mx.addresses, others]
    unseen = mx.dane is not None and mx.dane.verdict == "none" and mx.dane.detail
    return [
        ("", str(mx.preference)),
        ("", name),
        ("", ", ".join(addresses) or "none"),
        covered,
        (
            next((w for w in ("error", "warning", "unknown") if w in tones), "good"),
            ", ".join(s for _, s in tls),
        ),
        certificate,
        _DANE["failed" if unseen else mx.dane.verdict] if mx.dane else ("", "–"),
        _FATES[mx.under_enforce],
    ]


def _said(session: Session) -> _Cell:
    if session.presented:
        return "good", session.presented.version or "TLS"
    return _OUTCOMES[session.outcome]


def _cell(cell: _Cell) -> str:
    tone, said = cell
    return f'<span class="{tone}">{text(said, 300)}</span>' if tone else text(said, 300)


def _lines(action: str) -> str:
    return "<br>".join(unbroken(text(line, 700)) for line in action.splitlines()[:60])


def _counted(findings: Sequence[Finding]) -> str:
    words = {
        "error": ("error", "errors"),
        "warning": ("warning", "warnings"),
        "unknown": ("could not be told", "could not be told"),
        "info": ("remark", "remarks"),
    }
    counts = {s: sum(f.severity == s for f in findings) for s in SEVERITIES}
    said = [f"{n} {words[s][n > 1]}" for s, n in counts.items() if n]
    return ", ".join(said) or "nothing to do"
