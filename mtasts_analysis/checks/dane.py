"""DANE: the TLSA records of an MX host, whether DNSSEC vouches for them, and what they match (RFC 7672)."""

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from mtasts_analysis.checks.certificates import load, names_match, read_certificate
from mtasts_analysis.checks.dns import Answer, Asker, unanswered
from mtasts_analysis.findings import Finding

Verdict = Literal[
    "none",  # no TLSA record
    "match",
    "mismatch",  # a DANE sender does not deliver
    "unusable",  # there are records, but none that a sender can use
    "insecure",  # DNSSEC does not vouch for them: senders ignore them
    "failed",  # DNS did not answer: a DANE sender does not deliver for now
    "not-tested",  # no certificate to compare with
]
_DIGESTS = {1: ("sha256", 32), 2: ("sha512", 64)}
_RECORDS_MOST = 20


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One TLSA record, and what came of it."""

    text: str
    usable: bool
    matches: bool | None
    """None where it was not compared."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Dane:
    """DANE at one MX host."""

    base: str
    """The TLSA base domain: the host, or where its CNAMEs lead (RFC 7672 §2.2.2)."""
    verdict: Verdict
    records: tuple[Tlsa, ...] = ()
    secure: bool = False
    detail: str = ""


async def look_up(asker: Asker, host: str, addresses: Sequence[Answer]) -> tuple[str, Answer, bool]:
    """Find an MX host's TLSA records.

    Parameters
    ----------
    asker
        The resolver.
    host
        The MX host.
    addresses
        Its A and AAAA answers: RFC 7672 §2.2.2 asks for TLSA only where these are secure.

    Returns
    -------
    tuple
        The base domain, the answer, and whether DNSSEC vouches for the addresses. Where one of the questions on
        the way failed, the answer is that failure, and its detail names the question: §2.2.2, "errors ... for any
        query in the process MUST result in delaying or abandoning delivery".
    """
    there = [a for a in addresses if a.status == "ok"]
    vouched = bool(there) and all(a.secure for a in there)
    expanded = next((a.owner for a in there if a.owner), "")
    # §2.2.2: the fully expanded name first if the whole chain is secure, then the name in the MX record.
    bases = [expanded, host] if expanded and vouched else [host]
    if expanded and not vouched:
        # "Insecure CNAME": where the alias itself is signed, DANE applies to its own name all the same.
        alias = await asker.ask(host, "CNAME")
        if alias.status == "failed":
            return host, replace(alias, detail=f"{host} CNAME: {alias.detail}"), True
        vouched = alias.secure
    failed = unanswered(addresses)
    if failed and vouched:
        kind, why = failed
        return host, Answer("failed", detail=f"{host} {kind}: {why}"), True
    given = []
    for base in bases:
        name = f"_25._tcp.{base}"
        answer = await asker.ask(name, "TLSA")
        if answer.status == "failed":
            return base, replace(answer, detail=f"{name} TLSA: {answer.detail}"), vouched
        if answer.status == "ok" and answer.secure:
            return base, answer, vouched  # §2.2.3: the first *secure* records count
        given.append((base, answer))
    base, answer = next((g for g in given if not g[1].absent), given[-1])
    return base, answer, vouched


def compare(
    base: str, answer: Answer, vouched: bool, ders: Sequence[bytes], references: Sequence[str]
) -> Dane:
    """Compare TLSA records with the chain that a server sent.

    Parameters
    ----------
    base
        The TLSA base domain.
    answer
        The TLSA records.
    vouched
        DNSSEC vouches for the host's addresses.
    ders
        The chain as sent, the leaf first; empty where none was seen.
    references
        The names of which the certificate must have one under usage 2 (§3.2.2).
    """
    if answer.status == "failed":
        # §2.2.2: where the addresses are not secure, nobody asks for TLSA, and no failure matters.
        return Dane(base, "failed" if vouched else "none", detail=answer.detail)
    if answer.absent:
        return Dane(base, "none", secure=vouched and answer.secure)
    secure = vouched and answer.secure
    records = tuple(_compare(text, ders, references) for text in answer.records[:_RECORDS_MOST])
    if not secure:
        verdict: Verdict = "insecure"
    elif not any(r.usable for r in records):
        verdict = "unusable"
    elif not ders:
        verdict = "not-tested"
    else:
        verdict = "match" if any(r.matches for r in records) else "mismatch"
    return Dane(base, verdict, records, secure)


def _compare(text: str, ders: Sequence[bytes], references: Sequence[str]) -> Tlsa:
    shown = text[:200]
    try:
        usage, selector, matching, data = text.split(" ", 3)
        fields = int(usage), int(selector), int(matching)
        wanted = bytes.fromhex(data.replace(" ", ""))
    except ValueError:
        return Tlsa(shown, usable=False, matches=None, why="cannot be read")
    if fields[0] in (0, 1):
        why = "usage 0 and 1 are undefined for SMTP, senders may skip them (§3.1.3)"
        return Tlsa(shown, usable=False, matches=None, why=why)
    if min(fields) < 0 or fields[0] > 3 or fields[1] > 1 or fields[2] > 2:
        return Tlsa(
            shown, usable=False, matches=None, why="an unknown usage, selector or matching type"
        )
    if fields[2] and len(wanted) != _DIGESTS[fields[2]][1]:
        return Tlsa(shown, usable=False, matches=None, why="the digest has the wrong length")
    if not ders:
        return Tlsa(shown, usable=True, matches=None)
    try:
        if fields[0] == 3:
            # §3.1.1: the leaf alone; its names and dates MUST be ignored.
            same = _digest(ders[0], fields[1], fields[2]) == wanted
            return Tlsa(shown, usable=True, matches=same, why="" if same else "is not the leaf's")
        return _anchored(shown, fields, wanted, ders, references)
    except (ValueError, UnsupportedAlgorithm) as error:
        return Tlsa(
            shown, usable=True, matches=False, why=f"the chain cannot be read: {error}"[:200]
        )


def _anchored(
    shown: str,
    fields: tuple[int, int, int],
    wanted: bytes,
    ders: Sequence[bytes],
    references: Sequence[str],
) -> Tlsa:
    """Usage 2: a certificate of the sent chain is the trust anchor, and leaf, dates and name are good (§3.1.2)."""
    at = next((i for i, der in enumerate(ders) if _digest(der, *fields[1:]) == wanted), None)
    if at is None:
        why = "no certificate of the chain as sent; the trust anchor must be sent along (§3.1.2)"
        return Tlsa(shown, usable=True, matches=False, why=why)
    leaf = read_certificate(ders[0])  # which tells, too, whether its names can be read at all
    chain = [load(der) for der in ders[: at + 1]]
    for child, parent in pairwise(chain):
        try:
            child.verify_directly_issued_by(parent)
        except (InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm):
            return Tlsa(
                shown,
                usable=True,
                matches=False,
                why="the chain does not lead to it in the order sent",
            )
    now = datetime.now(UTC)
    if not all(c.not_valid_before_utc <= now <= c.not_valid_after_utc for c in chain):
        why = "a certificate of the chain has expired or is not valid yet, which usage 2 forbids"
        return Tlsa(shown, usable=True, matches=False, why=why)
    # §3.2.3: the CN counts where there is no DNS name in the subject alternative name.
    cn = [str(a.value) for a in chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    names = leaf.names or cn
    if not any(names_match(names, name) for name in references):
        why = f"the certificate has none of the names {', '.join(references)} (§3.2.2)"
        return Tlsa(shown, usable=True, matches=False, why=why)
    return Tlsa(shown, usable=True, matches=True)


def _digest(der: bytes, selector: int, matching: int) -> bytes:
    if selector == 1:
        der = _public_key(der)
    return hashlib.new(_DIGESTS[matching][0], der).digest() if matching else der


def _public_key(der: bytes) -> bytes:
    """Cut out SubjectPublicKeyInfo as it was sent: read and written again it may differ, as RSA-PSS keys do.

    RFC 5280 §4.1: TBSCertificate ::= [version] serial signature issuer validity subject SubjectPublicKeyInfo ...
    """
    tbs = load(der).tbs_certificate_bytes
    at, _ = _element(tbs, 0)
    for _ in range(6 if tbs[at] == 0xA0 else 5):
        _, at = _element(tbs, at)
    return tbs[at : _element(tbs, at)[1]]


def _element(der: bytes, at: int) -> tuple[int, int]:
    """Say where the content of a DER element begins, and where it ends."""
    size, begins = der[at + 1], at + 2
    if size > 0x7F:
        begins += size & 0x7F
        size = int.from_bytes(der[at + 2 : begins])
    return begins, begins + size


def proposal(base: str, der: bytes) -> str:
    """Give the record that fits most: `3 1 1` of a leaf (§3.1.1); empty if the certificate cannot be read."""
    try:
        key = _digest(der, 1, 1)
    except ValueError:
        return ""
    return f"_25._tcp.{base}. IN TLSA 3 1 1 {key.hex()}"


def judge_dane(
    dane: Dane,
    host: str,
    mx_secure: bool,
    validates: bool | None,
    fix: str = "",
    without_tls: Sequence[str] = (),
) -> list[Finding]:
    """Say what a DANE sender meets at an MX host.

    Parameters
    ----------
    dane
        What was compared.
    host
        The MX host.
    mx_secure
        DNSSEC vouches for the MX records too.
    validates
        The resolver validates DNSSEC; None if that is unknown.
    fix
        A record that would match.
    without_tls
        Its addresses at which TLS does not come about.
    """
    name = f"_25._tcp.{dane.base}"
    reasons = "; ".join(f"{r.text[:40]}…: {r.why}" for r in dane.records if r.why)[:600]
    if dane.verdict == "none":
        return []
    if dane.verdict == "failed":
        evidence = f"{dane.detail}; while this lasts a DANE sender does not deliver to {host}"
        action = "\n".join(
            f"dig +dnssec {kind} {shlex.quote(asked)}"
            for kind, asked in (("TLSA", name), ("A", host), ("AAAA", host))
        )
        return [
            Finding(
                "tlsa-lookup-failed",
                "unknown",
                host,
                evidence,
                action,
                "RFC 7672 §2.1.2, §2.2.2",
            )
        ]
    if validates is not True:
        evidence = "TLSA records are there; the resolver asked does not validate DNSSEC, so they are not judged"
        action = "name one that does: CheckConfig(resolvers=('9.9.9.9',))"
        return [Finding("dane-not-judged", "unknown", host, evidence, action, "RFC 7672 §2.1.1")]
    if dane.verdict == "insecure":
        evidence = f"TLSA records at {name} without DNSSEC on them or on {host}'s addresses: senders ignore them"
        return [
            Finding("tlsa-insecure", "warning", host, evidence, "sign the zone", "RFC 7672 §2.2.2")
        ]
    found = []
    if dane.verdict == "match":
        evidence = f"TLSA matches: {next(r.text for r in dane.records if r.matches)[:60]}"
        found.append(Finding("tlsa-match", "info", host, evidence, "", "RFC 7672 §3"))
    elif dane.verdict == "mismatch":
        evidence = f"no usable TLSA record matches the server's chain: {reasons}; DANE senders do not deliver"
        action = f"publish the new record before the certificate changes, remove the old one later:\n{fix}"
        found.append(
            Finding("tlsa-invalid", "error", host, evidence, action, "RFC 7672 §3.2; §8.1")
        )
    elif dane.verdict == "unusable":
        usual = f"{name}. IN TLSA 3 1 1 <SHA-256 of the server's public key>"
        evidence = (
            f"no TLSA record is usable: {reasons}; DANE senders then use TLS without authentication"
        )
        found.append(
            Finding(
                "tlsa-unusable", "warning", host, evidence, fix or usual, "RFC 7672 §2.2, §3.1.3"
            )
        )
    odd = [r for r in dane.records if not r.usable]
    if odd and dane.verdict != "unusable":
        evidence = f"{len(odd)} TLSA record(s) that senders skip: {reasons}"
        found.append(
            Finding("tlsa-unusable", "info", host, evidence, "remove them", "RFC 7672 §3.1.3")
        )
    if without_tls:
        evidence = (
            f"TLSA records promise TLS, and there is none at {', '.join(without_tls)[:200]}:"
            " DANE senders do not deliver there"
        )
        action = f"make STARTTLS work there, or remove the TLSA records at {name}"
        found.append(Finding("tlsa-without-tls", "error", host, evidence, action, "RFC 7672 §2.2"))
    if not mx_secure:
        evidence = "the domain's MX records are not signed: an attacker can name another host"
        found.append(
            Finding(
                "mx-insecure",
                "info",
                host,
                evidence,
                "sign the domain's own zone",
                "RFC 7672 §2.2.1",
            )
        )
    return found
