"""The one form in which checks and judgements speak: what is so, how bad, where, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mtasts_analysis.printable import printable

Severity = Literal["error", "warning", "unknown", "info"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "unknown", "info")
"""Worst first. `unknown` is what could not be told: it is never counted as good nor as bad."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Attributes
    ----------
    code : str
        Stable, kebab-case; RFC 8460 §4.3's own name where a sender would report it by one.
    severity : str
        `error` (mail is refused, or a protection that is published does not work), `warning` (works today, but
        would be refused under enforce, will break, or falls short), `unknown` (could not be told, and why), `info`.
    subject : str
        What it is about: a DNS name, a URL, an MX host, an address.
    evidence : str
        What was seen. It may hold a stranger's text: escape it where it is shown.
    action : str
        The DNS record, policy line or command that cures it; empty where there is nothing to do.
    reference : str
        The line of the RFC or guide.

    Examples
    --------
    >>> print(Finding("null-mx", "info", "d.example", "MX 0 .", "", "RFC 7505 §3"))
    info     null-mx  d.example: MX 0 . [RFC 7505 §3]
    """

    code: str
    severity: Severity
    subject: str
    evidence: str
    action: str = ""
    reference: str = ""

    def __str__(self) -> str:
        reference = f" [{self.reference}]" if self.reference else ""
        said = f"{self.severity:8} {self.code}  {self.subject}: {self.evidence}{reference}"
        todo = [f"         -> {printable(line)}" for line in self.action.splitlines()]
        return "\n".join([printable(said), *todo])


def one_line(action: str) -> str:
    r"""Give an action as a part of a sentence: what it gives to copy stands on lines of its own.

    Examples
    --------
    >>> one_line("publish:\nd.example. IN MX 0 .")
    'publish: d.example. IN MX 0 .'
    """
    return action.replace("\n", " ")


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by severity, else as found; each finding once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda f: SEVERITIES.index(f.severity)))
