"""What a check of a domain found: values only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mtasts_analysis.checks.certificates import Certificate
from mtasts_analysis.checks.dane import Dane
from mtasts_analysis.checks.dns import Answer
from mtasts_analysis.checks.fetch import Fetched
from mtasts_analysis.checks.policy import Policy
from mtasts_analysis.checks.records import StsRecord, TlsRptRecord
from mtasts_analysis.checks.smtp import WITHOUT_TLS, Session
from mtasts_analysis.findings import Finding

State = Literal["enforce", "testing", "none", "absent", "broken", "unknown"]
Fate = Literal["accepted", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class MxHost:
    """One MX host of a domain."""

    host: str
    preference: int
    provider: str | None = None
    aliases: tuple[str, ...] = ()
    """Where its name leads by CNAMEs, which an MX host should not have."""
    addresses: tuple[str, ...] = ()
    covered: bool | None = None
    """A pattern of the policy matches it; None without a policy."""
    sessions: tuple[Session, ...] = ()
    dane: Dane | None = None
    all_addresses: bool = True
    """Both A and AAAA could be looked up; else there may be others."""

    @property
    def under_enforce(self) -> Fate:
        """What becomes of mail to it under an enforce policy like the domain's (RFC 8461 §4)."""
        if self.covered is False:
            return "refused"
        fates = {_fate(s) for s in self.sessions}
        if not self.all_addresses:
            fates.add("unknown")
        # One bad address is met by some senders; one that is not known leaves the whole unknown.
        return (
            "refused" if "refused" in fates else "accepted" if fates == {"accepted"} else "unknown"
        )

    @property
    def certificate(self) -> Certificate | None:
        """Its certificate that expires first."""
        leaves = [s.presented.chain[0] for s in self.sessions if s.presented and s.presented.chain]
        return min(leaves, key=lambda c: c.not_after, default=None)


def _fate(session: Session) -> Fate:
    if session.outcome == "tls" and session.presented is not None:
        return "accepted" if session.presented.verified else "refused"
    return "refused" if session.outcome in WITHOUT_TLS else "unknown"


@dataclass(frozen=True, kw_only=True)
class Check:
    """What a sender that honours MTA-STS would meet at a domain, at one time."""

    domain: str
    """In A-labels."""
    checked_at: datetime
    sts_answer: Answer
    sts_record: StsRecord | None
    tlsrpt_answer: Answer
    tlsrpt_record: TlsRptRecord | None
    policy_addresses: tuple[str, ...]
    fetched: Fetched | None
    policy: Policy | None
    mx_answer: Answer
    null_mx: bool
    mx: tuple[MxHost, ...]
    resolver_validates: bool | None
    findings: tuple[Finding, ...]

    @property
    def state(self) -> State:
        """The policy as senders find it.

        `absent`: no record, and DNS says so. `broken`: a record or a policy that cannot be used. `unknown`: DNS
        failed for the record, or for the policy host and no other address of it answered.
        """
        if self.sts_answer.status == "failed":
            return "unknown"
        codes = {f.code for f in self.findings}
        if self.sts_record is None:
            return "absent" if "sts-record-missing" in codes else "broken"
        answered = self.fetched is not None and self.fetched.reachable
        if "policy-host-dns-failed" in codes and not answered:
            return "unknown"
        refused = {f.code for f in self.findings if f.severity == "error"} & _UNUSABLE
        if self.policy is None or refused:
            return "unknown" if "policy-host-no-route" in codes else "broken"
        return self.policy.mode  # type: ignore[return-value]  # the grammar knows three


_UNUSABLE = {"policy-content-type", "policy-content-encoding"}
