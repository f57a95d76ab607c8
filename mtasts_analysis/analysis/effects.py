"""What a failure means for mail once the policy says `enforce`, and what to do about it.

MTA-STS asks a sender to refuse delivery on certain failures only. The effect of a failure row is a total
function of its policy type, result type and mode; nothing judged is stored in the tables, and exports
that add the effect carry :data:`RULES_VERSION`.
"""

from dataclasses import dataclass

RULES_VERSION = 1
"""Raised whenever a row could be given another effect than before."""

REFUSED = "refused"
REFUSED_ALREADY = "refused already"
UNPROTECTED = "unprotected"
LATENT = "latent"
UNKNOWN = "unknown"
NOT_REFUSED = "not refused"

EFFECTS: dict[str, str] = {
    REFUSED: "under enforce the session's mail is not delivered to that MX (RFC 8461 §5)",
    REFUSED_ALREADY: "a DANE failure stands whatever MTA-STS says (RFC 8461 §2)",
    UNPROTECTED: (
        "the sender had no valid policy: it delivers as if there were none, unless it holds a cached one"
        " (RFC 8461 §3.3, §5.1)"
    ),
    LATENT: (
        "delivered today, perhaps in the clear; refused once the sender honours an enforce policy"
    ),
    UNKNOWN: "a type without a rule: counted with the refused in the cautious figure",
    NOT_REFUSED: "the policy's mode is none: nothing is refused (RFC 8461 §5)",
}
"""Each effect, in the order in which it matters, with what it means."""

CAUTIOUS = (REFUSED, UNKNOWN)
"""The effects that the cautious figure of refused sessions counts."""

TLS_TYPES = frozenset(
    {
        "starttls-not-supported",
        "certificate-host-mismatch",
        "certificate-expired",
        "certificate-not-trusted",
        "validation-failure",
    }
)
"""Failures of the TLS negotiation, RFC 8460 §4.3.1."""

DANE_TYPES = frozenset({"tlsa-invalid", "dnssec-invalid", "dane-required"})
"""Failures of DANE, RFC 8460 §4.3.2.1."""

POLICY_TYPES = frozenset({"sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"})
"""Failures of the MTA-STS policy, RFC 8460 §4.3.2.2."""


def effect(policy_type: str | None, result_type: str | None, mode: str | None) -> str:
    """Tell what a failure does to mail if the policy says `enforce`.

    Parameters
    ----------
    policy_type
        `sts`, `tlsa`, `no-policy-found`, another, or none named.
    result_type
        A result type of RFC 8460 §4.3, another, or none named.
    mode
        The mode in the policy that the sender saw (RFC 8461 §3.2), if it saw one.

    Returns
    -------
    str
        A key of :data:`EFFECTS`.

    Examples
    --------
    >>> effect("sts", "certificate-expired", "testing")
    'refused'
    >>> effect("no-policy-found", "starttls-not-supported", None)
    'latent'
    >>> effect("sts", "dns-error", "testing")
    'unknown'
    """
    if result_type in DANE_TYPES or (policy_type == "tlsa" and result_type in TLS_TYPES):
        return REFUSED_ALREADY
    if result_type in POLICY_TYPES:
        return UNPROTECTED
    if policy_type == "sts" and mode == "none":
        return NOT_REFUSED
    if result_type in TLS_TYPES and policy_type == "sts":
        return REFUSED
    if result_type in TLS_TYPES and policy_type == "no-policy-found":
        return LATENT
    return UNKNOWN


@dataclass(frozen=True, slots=True)
class Advice:
    """What a result type says and what its operator does.

    Attributes
    ----------
    description
        What the sender met.
    likely_cause
        What is behind it most often.
    action
        What to do.
    verify
        The command that shows whether it is mended; MX, DOMAIN and IP stand for what the row names.
    reference
        Where the type is defined.
    """

    description: str
    likely_cause: str
    action: str
    verify: str
    reference: str


_STARTTLS = (
    "openssl s_client -starttls smtp -connect MX:25 -servername MX -verify_hostname MX </dev/null"
)
_POLICY = "curl -sSi https://mta-sts.DOMAIN/.well-known/mta-sts.txt"

ADVICE: dict[str, Advice] = {
    "starttls-not-supported": Advice(
        "the MX offered no STARTTLS to this sender",
        "TLS is switched off at one MX or address, or something on the path strips STARTTLS",
        "enable STARTTLS on every MX and address; where few senders see it, look for interception",
        _STARTTLS,
        "RFC 8460 §4.3.1",
    ),
    "certificate-host-mismatch": Advice(
        "the MX's certificate does not name the host that the sender dialled",
        "a certificate without the MX's name, or an MX that the policy does not list",
        "reissue the certificate with the MX's name among its subjectAltNames, or put the MX into the policy",
        _STARTTLS,
        "RFC 8460 §4.3.1",
    ),
    "certificate-expired": Advice(
        "the MX's certificate had expired",
        "a renewal that failed, or a renewed certificate that the mail server never loaded",
        "renew the certificate, reload the mail server, and watch the days left",
        _STARTTLS + " | openssl x509 -noout -enddate",
        "RFC 8460 §4.3.1",
    ),
    "certificate-not-trusted": Advice(
        "the MX's certificate leads to no authority that the sender trusts",
        "self-signed, a private authority, or an intermediate certificate that the server does not send",
        "use a certificate of a public authority and send the whole chain",
        _STARTTLS,
        "RFC 8460 §4.3.1",
    ),
    "validation-failure": Advice(
        "the TLS negotiation failed for another reason",
        "no protocol version or cipher in common, a broken chain, a connection cut",
        "read the sender's reason (failure_reason_code), offer TLS 1.2 and 1.3, and check the whole chain",
        _STARTTLS,
        "RFC 8460 §4.3.1",
    ),
    "tlsa-invalid": Advice(
        "no TLSA record of the MX matched the certificate it presented",
        "a certificate was renewed with a new key and the TLSA record stayed",
        "publish the TLSA record of the new key before it is used, and keep the old one for its TTL",
        "dig +dnssec TLSA _25._tcp.MX",
        "RFC 8460 §4.3.2.1",
    ),
    "dnssec-invalid": Advice(
        "no DNSSEC-valid answer was to be had for the MX",
        "signatures that ran out, or a DS record that does not match the zone's keys",
        "mend the chain of trust from the parent zone down",
        "delv MX DOMAIN; delv TLSA _25._tcp.MX",
        "RFC 8460 §4.3.2.1",
    ),
    "dane-required": Advice(
        "the sender was told to use DANE for this domain, and found no usable TLSA records",
        "the sender's own rule; TLSA records withdrawn, or unusable ones",
        "ask the sender, or publish TLSA records in a signed zone",
        "dig +dnssec TLSA _25._tcp.MX",
        "RFC 8460 §4.3.2.1",
    ),
    "sts-policy-fetch-error": Advice(
        "the sender could not fetch the policy file",
        "the policy host was down, slow, redirected, or answered another status than 200",
        "serve the file by HTTPS with status 200, without redirects, and watch the host",
        _POLICY,
        "RFC 8460 §4.3.2.2",
    ),
    "sts-policy-invalid": Advice(
        "the sender fetched a policy file that it could not use",
        "a typing error in the file, a missing key, a wrong media type",
        "correct the file and give the _mta-sts record a new id",
        _POLICY,
        "RFC 8460 §4.3.2.2",
    ),
    "sts-webpki-invalid": Advice(
        "the policy host's certificate could not be validated",
        "an expired certificate, or one without the name mta-sts.DOMAIN",
        "mend the certificate of the mta-sts host",
        "openssl s_client -connect mta-sts.DOMAIN:443 -servername mta-sts.DOMAIN -verify_hostname mta-sts.DOMAIN"
        " </dev/null",
        "RFC 8460 §4.3.2.2",
    ),
    "dns-error": Advice(
        "a DNS lookup failed; not a registered type, though some senders write it",
        "a name server that does not answer, or DNSSEC that is broken",
        "ask each of the zone's name servers",
        "dig +trace MX DOMAIN; dig TXT _mta-sts.DOMAIN",
        "the guide's table of failure types; not in the IANA registry",
    ),
}
"""What each result type of RFC 8460 §4.3, and `dns-error`, says."""

_UNKNOWN = Advice(
    "a result type that is in no registry known here",
    "a newer type, or a sender's own",
    "read the sender's reason (failure_reason_code, additional_information), or ask it (contact_info)",
    _STARTTLS,
    "RFC 8460 §4.3: the set of types may grow",
)

MX_NOT_IN_POLICY = Advice(
    "the MX that the sender dialled matches no `mx` pattern of the policy it saw",
    "an MX was added, renamed or moved to another provider, and the policy file was not",
    "put the MX into the policy file, give the _mta-sts record a new id, and wait for max_age",
    _POLICY + "; dig +short MX DOMAIN",
    "RFC 8461 §4.1; RFC 8460 has no result type for it, so senders borrow one",
)
"""What to do where the failing MX is not in the policy, whatever type was used."""


def advice(result_type: str | None) -> Advice:
    """Give what a result type says and what to do; an unknown type gets what can be said of it.

    Examples
    --------
    >>> advice("certificate-expired").action
    'renew the certificate, reload the mail server, and watch the days left'
    """
    return _UNKNOWN if result_type is None else ADVICE.get(result_type, _UNKNOWN)
