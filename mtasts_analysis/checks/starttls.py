"""What a session with an MX host means for mail: findings from facts."""

import shlex
from collections.abc import Sequence

from mtasts_analysis.checks.certificates import judge
from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.checks.smtp import Session
from mtasts_analysis.findings import Finding, Severity

_TLS = "RFC 8461 §4.2"
_OLD = ("TLSv1", "TLSv1.1")
_POSTFIX = (
    "postconf -e 'smtpd_tls_security_level = may'"
    " 'smtpd_tls_chain_files = /etc/ssl/private/mail.key, /etc/ssl/certs/mail.fullchain.pem' && postfix reload"
)


def judge_session(session: Session, mode: str | None, config: CheckConfig) -> list[Finding]:
    """Say what a sender that honours MTA-STS meets at one address of an MX host.

    Parameters
    ----------
    session
        What was seen.
    mode
        The policy's mode; None where there is no policy. Under `enforce` a fault is an error, since mail is
        refused; else a warning.
    config
        The threshold of days.
    """
    severity: Severity = "error" if mode == "enforce" else "warning"
    # A stranger who has the name but not the address reads which of several is meant.
    subject = f"{session.host} [{session.address}]"
    # A stranger names the host: it is quoted, since what is shown here is pasted into a shell.
    host, port = shlex.quote(session.host), shlex.quote(f"{session.host}:25")
    command = f"openssl s_client -connect {port} -starttls smtp -servername {host} </dev/null"
    found: list[Finding] = []

    def say(code: str, level: Severity, evidence: str, action: str, reference: str) -> None:
        found.append(Finding(code, level, subject, evidence, action, reference))

    if session.outcome == "no-starttls":
        evidence = (
            f"STARTTLS is not offered: {session.detail}"
            if session.detail
            else "EHLO offers no STARTTLS"
        )
        say(
            "starttls-not-supported",
            severity,
            evidence,
            f"switch STARTTLS on (Postfix: the first line, with your files), then look:\n{_POSTFIX}\n{command}",
            "RFC 8461 §4",
        )
    elif session.outcome == "starttls-refused":
        evidence = f"STARTTLS is offered, then refused: {session.detail}"
        action = f"give the server a certificate and key that it can read (its log tells), then look:\n{command}"
        say("starttls-refused", severity, evidence, action, "RFC 3207 §4; RFC 8461 §4")
    elif session.outcome == "tls-failed":
        evidence = f"TLS does not come about (certificate aside): {session.detail}"
        offered = [n for n, taken in session.versions if taken]
        if offered:
            evidence += f"; the server takes {', '.join(offered)}"
        say(
            "validation-failure",
            severity,
            evidence,
            f"offer TLS 1.2 or 1.3, then look:\n{command}",
            "RFC 8461 §7.2",
        )
    elif session.outcome == "unreachable":
        evidence = f"no connection: {session.detail}"
        action = f"make port 25 answer there, or take the address out of DNS; then look:\n{command}"
        say("mx-unreachable", "warning", evidence, action, "RFC 5321 §5.1")
    elif session.outcome == "not-public":
        evidence = f"not connected to, nor can senders on the Internet: {session.detail}"
        action = (
            "publish a public address, or take this one out of DNS; to check inside of a network:"
            f" --allow-network {session.address}"
        )
        say("mx-address-refused", "warning", evidence, action, "RFC 5321 §5.1; RFC 6890")
    elif session.outcome == "inconclusive":
        evidence = f"nothing was learned about TLS: {session.detail}"
        action = f"try again later:\n{command}"
        if session.detail.startswith(("EHLO: 501", "EHLO: 504")):
            # For good, and about the name that we gave.
            action = "say another name: --ehlo this.host.example, CheckConfig(ehlo_name=...)"
        say("smtp-inconclusive", "unknown", evidence, action, "RFC 5321 §4.2")
    elif session.outcome == "not-tested":
        evidence = f"not tested from here: {session.detail}"
        action = f"check from a host whose port 25 is open, as the mail server:\n{command}"
        say("smtp-not-tested", "unknown", evidence, action, "RFC 8461 §4")
    if session.plaintext_after_220:
        evidence = "bytes come along with the reply to STARTTLS: clients that keep them can be fed commands"
        say(
            "starttls-injection",
            "warning",
            evidence,
            "update the mail server: it must discard what comes before TLS",
            "RFC 3207 §4.2; CVE-2011-0411",
        )
    if session.presented is not None:
        found += judge(
            session.presented,
            session.host,
            subject,
            severity=severity,
            reference=_TLS,
            expiry_days=config.expiry_days,
        )
        found += _versions(session.versions, subject, command)
    return found


def _versions(
    versions: Sequence[tuple[str, bool | None]], subject: str, command: str
) -> list[Finding]:
    taken = {name for name, yes in versions if yes}
    found = []
    if taken & set(_OLD):
        evidence = f"also takes {', '.join(v for v in _OLD if v in taken)}, which are deprecated"
        action = (
            "once no sender needs them (an old TLS is still better than none), switch them off; Postfix:\n"
            "postconf -e 'smtpd_tls_protocols = >=TLSv1.2' && postfix reload"
        )
        found.append(
            Finding(
                "tls-old-versions", "info", subject, evidence, action, "RFC 8996; guide, Step 1"
            )
        )
    if dict(versions).get("TLSv1.3") is False:
        evidence = "does not take TLS 1.3"
        action = f"switch it on (OpenSSL 1.1.1 or later has it), then look:\n{command} -tls1_3"
        found.append(Finding("tls-no-1.3", "info", subject, evidence, action, "guide, Step 1"))
    return found
