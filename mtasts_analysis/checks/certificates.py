"""Certificates: what they say, and whether a sender would take them for a host. Pure; OpenSSL gives the trust."""

import contextlib
import re
import shlex
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID

from mtasts_analysis.findings import Finding, Severity

# OpenSSL's verify codes (x509_vfy.h) that say nothing about the chain's trust but about time or name.
EXPIRED, NOT_YET_VALID, HOST_MISMATCH = 10, 9, 62
WEAK = 66
_TRUST_CODES = {2, 18, 19, 20, 21, 24, 79}  # issuer unknown, self-signed, no CA
_WEAK_CODES = {WEAK, 67, 68}  # EE key, CA key, CA digest too weak for the local OpenSSL
# That a finding shows; all of them count, of which OpenSSL takes no more than 100 KB of a chain.
_NAMES_MOST, _NAMES_LONG = 8, 300
_URL = re.compile(r"[!-~]{1,200}")  # RFC 3986 §2: no space, no control


@dataclass(frozen=True, slots=True)
class Certificate:
    """What one certificate says."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """DNS names of the subject alternative name: the only ones that count (RFC 8461 §3.3, §4.2)."""
    not_before: datetime
    not_after: datetime
    key: str
    """As `RSA 2048` or `EC secp256r1`."""
    signature: str
    """The digest of its signature, as `sha256`; empty where the algorithm has none (Ed25519)."""
    serial: str
    sha256: str
    """Fingerprint."""
    issuer_url: str = ""
    """Where the issuer's certificate can be had (AIA): public CAs name it, private ones mostly do not."""

    @property
    def self_issued(self) -> bool:
        """Issued in its own name: a root, or self-signed."""
        return self.subject == self.issuer

    def days_left(self, now: datetime | None = None) -> int:
        """Whole days until it expires; negative once it has."""
        return (self.not_after - (now or datetime.now(UTC))) // timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Presented:
    """What a TLS server showed, and what OpenSSL made of it."""

    version: str
    """As `TLSv1.3`."""
    cipher: str
    chain: tuple[Certificate, ...]
    """As sent, the leaf first; empty where it could not be read."""
    verified: bool
    """OpenSSL accepts it for this host, today, by the trusted CAs."""
    trusted: bool | None
    """The chain leads to a trusted CA, name and dates aside; None where that is not known."""
    verify_code: int = 0
    said: str = ""
    """OpenSSL's words, where it did not accept."""


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate.

    Raises
    ------
    ValueError
        It cannot be read.
    """
    with _as_value_error():
        return _read(x509.load_der_x509_certificate(der))


def load(der: bytes) -> x509.Certificate:
    """Parse a certificate; as `read_certificate` in what it raises."""
    with _as_value_error():
        return x509.load_der_x509_certificate(der)


@contextlib.contextmanager
def _as_value_error() -> Iterator[None]:
    """Have one kind of failure; and no warnings on what servers have all the same, as a serial number of 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (
            x509.DuplicateExtension,
            x509.InvalidVersion,
            x509.UnsupportedGeneralNameType,
            TypeError,  # a name's attribute of an odd type,
            KeyError,  # or of one that ASN.1 has not
        ) as error:
            raise ValueError(f"a certificate that cannot be read: {error}") from error


def _read(made: x509.Certificate) -> Certificate:
    try:
        san = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(san.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        names = ()
    try:
        key = made.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            said = f"RSA {key.key_size}"
        elif isinstance(key, ec.EllipticCurvePublicKey):
            said = f"EC {key.curve.name}"
        else:
            said = type(key).__name__.removesuffix("PublicKey").lstrip("_")
    except (ValueError, UnsupportedAlgorithm):
        said = "unknown"
    try:
        digest = made.signature_hash_algorithm
    except UnsupportedAlgorithm:
        digest = None
    return Certificate(
        made.subject.rfc4514_string()[:300],
        made.issuer.rfc4514_string()[:300],
        names,
        made.not_valid_before_utc,
        made.not_valid_after_utc,
        said,
        digest.name if digest else "",
        f"{made.serial_number:x}",
        made.fingerprint(hashes.SHA256()).hex(),
        _issuer_url(made),
    )


def _issuer_url(made: x509.Certificate) -> str:
    try:
        access = made.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ""
    urls = (
        d.access_location.value
        for d in access
        if d.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(d.access_location, x509.UniformResourceIdentifier)
    )
    # It comes into an action, of which each line is there to be copied: a line end in it would begin another.
    return next((u for u in urls if _URL.fullmatch(u)), "")


def names_match(names: Sequence[str], host: str) -> bool:
    """Tell whether a DNS-ID of a certificate matches a host (RFC 6125 §6.4; `*` only as the whole first label).

    Examples
    --------
    >>> names_match(["*.example.com"], "mx.example.com"), names_match(["*.example.com"], "a.b.example.com")
    (True, False)
    """
    wanted = host.lower().removesuffix(".")
    for name in names:
        given = name.lower().removesuffix(".")
        if given == wanted:
            return True
        rest = wanted.partition(".")[2]
        # As OpenSSL: a wildcard stands before two labels at least.
        if given.startswith("*.") and rest == given[2:] and "." in rest and "*" not in rest:
            return True
    return False


def judge(
    presented: Presented,
    host: str,
    subject: str,
    *,
    prefix: str = "",
    severity: Severity = "error",
    reference: str = "RFC 8461 §4.2",
    expiry_days: int = 30,
    now: datetime | None = None,
) -> list[Finding]:
    """Tell apart what is wrong with a certificate for a host: each reason by itself, all at once.

    Parameters
    ----------
    presented
        What the server showed.
    host
        The name that it must be valid for.
    subject
        Whom the findings are about.
    prefix
        Before each code: `policy-host-` for the policy's server.
    severity
        Of what a sender refuses.
    reference
        The RFC's line.
    expiry_days
        With fewer days left, a warning.
    now
        The time.
    """
    now = now or datetime.now(UTC)
    found: list[Finding] = []

    def say(code: str, level: Severity, evidence: str, action: str) -> None:
        found.append(Finding(prefix + code, level, subject, evidence, action, reference))

    # A stranger names the host: it is quoted, since what is shown here is pasted into a shell.
    at = f"{host}:443" if prefix else f"{host}:25"
    smtp = "" if prefix else " -starttls smtp"
    look = (
        f"openssl s_client -connect {shlex.quote(at)}{smtp} -servername {shlex.quote(host)} </dev/null"
        " | openssl x509 -noout -subject -issuer -dates -ext subjectAltName"
    )
    if not presented.chain:
        if not presented.verified:
            evidence = f"OpenSSL: {presented.said}"
            say("certificate-invalid", severity, evidence, f"look at the chain:\n{look}")
        return found
    leaf = presented.chain[0]
    left = leaf.days_left(now)
    renew = f"renew the certificate of {host}, and have the server reload it"
    if now > leaf.not_after:
        evidence = (
            f"expired on {leaf.not_after:%Y-%m-%d}, {-left} {'day' if left == -1 else 'days'} ago"
        )
        say("certificate-expired", severity, evidence, f"{renew}; then look:\n{look}")
    elif now < leaf.not_before:
        evidence = f"valid only from {leaf.not_before:%Y-%m-%d %H:%M} UTC"
        say("certificate-not-yet-valid", severity, evidence, "use the one before until then")
    elif left < expiry_days:
        evidence = f"{left} days left, until {leaf.not_after:%Y-%m-%d}"
        say(
            "certificate-expires-soon",
            "warning",
            evidence,
            f"{renew}; automate it; then look:\n{look}",
        )
    if not names_match(leaf.names, host):
        given = ", ".join(leaf.names[:_NAMES_MOST])
        more = " …" if len(leaf.names) > _NAMES_MOST or len(given) > _NAMES_LONG else ""
        evidence = (
            f"valid for {given[:_NAMES_LONG]}{more}, not for {host}"
            if leaf.names
            else f"no DNS name in the subject alternative name; the CN ({leaf.subject}) does not count"
        )
        action = f"reissue it with {host} as a subject alternative name, then look:\n{look}"
        say("certificate-host-mismatch", severity, evidence, action)
    late = [c for c in presented.chain[1:] if not c.self_issued and now > c.not_after]
    if late and presented.verify_code == EXPIRED and now <= leaf.not_after:
        evidence = f"the intermediate {late[0].subject} expired on {late[0].not_after:%Y-%m-%d}"
        say(
            "certificate-expired",
            severity,
            evidence,
            f"send the CA's current intermediate, then look:\n{look}",
        )
    stronger = "reissue it with RSA 2048 or EC P-256, and SHA-256"
    if presented.trusted is False or presented.verify_code in _TRUST_CODES:
        say(*_untrusted(presented, severity))
    elif presented.verify_code in _WEAK_CODES:
        evidence = f"{leaf.key}, {leaf.signature}: OpenSSL refuses it: {presented.said}"
        say("certificate-weak", severity, evidence, stronger)
    elif not presented.verified and not found:
        evidence = f"OpenSSL refuses it: {presented.said}"
        say("certificate-invalid", severity, evidence, f"reissue it, then look:\n{look}")
    weak = _weak(leaf)
    if presented.verified and weak:
        say("certificate-weak", "warning", weak, stronger)
    return found


def _untrusted(presented: Presented, severity: Severity) -> tuple[str, Severity, str, str]:
    leaf = presented.chain[0]
    top = _top(presented.chain)
    public = "use a certificate of a public CA"
    if leaf.self_issued:
        return "certificate-not-trusted", severity, f"self-signed ({leaf.issuer})", public
    if top.issuer_url and not top.self_issued:
        evidence = (
            f"of {len(presented.chain)} certificate(s) sent, none is the issuer's, {top.issuer}"
        )
        action = (
            "configure the full chain (fullchain.pem), the leaf first, then the intermediates;"
            f" the missing one: {top.issuer_url}"
        )
        return "certificate-chain-incomplete", severity, evidence, action
    evidence = f"leads to {top.issuer}, which is no trusted CA (OpenSSL: {presented.said})"
    return "certificate-not-trusted", severity, evidence, public


def _top(chain: Sequence[Certificate]) -> Certificate:
    """Go from the leaf up as far as what was sent leads."""
    by_subject = {c.subject: c for c in reversed(chain[1:])}
    at = chain[0]
    for _ in chain:
        if at.self_issued or at.issuer not in by_subject:
            break
        at = by_subject[at.issuer]
    return at


def _weak(leaf: Certificate) -> str:
    """Say what is weak about a key or signature by today's measure (RFC 9325 §4.5: 2048 bits, SHA-256)."""
    kind, _, size = leaf.key.partition(" ")
    if kind == "RSA" and int(size) < 2048:
        return f"an RSA key of {size} bits; 2048 is the least"
    if kind == "EC" and size in ("secp160r1", "secp192r1", "prime192v1"):
        return f"an EC key on {size}; 224 bits are the least"
    if leaf.signature in ("md5", "sha1") and not leaf.self_issued:
        return f"signed with {leaf.signature}"
    return ""
