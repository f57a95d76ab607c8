"""A report as RFC 8460 §4.4 lays it out, in types: the schema is the check.

The order of the fields is the canonical order of a report's content, over which its key is made.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from mtasts_analysis import names
from mtasts_analysis.limits import COUNT_MAX, DEFAULT

POLICY_TYPES = ("tlsa", "sts", "no-policy-found")  # §4.4
RESULT_TYPES = (
    # §4.3.1, TLS negotiation
    "starttls-not-supported",
    "certificate-host-mismatch",
    "certificate-expired",
    "certificate-not-trusted",
    "validation-failure",  # §4.3.3
    # §4.3.2.1, DANE
    "tlsa-invalid",
    "dnssec-invalid",
    "dane-required",
    # §4.3.2.2, MTA-STS
    "sts-policy-fetch-error",
    "sts-policy-invalid",
    "sts-webpki-invalid",
)

Text = Annotated[str, Meta(min_length=1, max_length=DEFAULT.string_chars)]
if TYPE_CHECKING:
    # The tolerant reader says None of what is unread, which no decoder asks about.
    Needed = str | None
    Count = int | None
    ResultType = str | None
else:
    Needed = Text
    Count = Annotated[int, Meta(ge=0, le=COUNT_MAX)]
    ResultType = Literal[RESULT_TYPES]


class Keyed(Struct, rename="kebab", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """RFC 8460's own keys and no others. A field without a default must be there."""


class DateRange(Keyed):
    """`date-range`."""

    start_datetime: Needed
    end_datetime: Needed


class Policy(Keyed):
    """`policy`: what the sender applied."""

    policy_type: Needed
    policy_domain: Needed
    policy_string: list[Text] | None = None
    # §4.4's text asks for an array, its own example (appendix B) is a string: erratum 6241.
    mx_host: list[Text] | Text | None = None


class Summary(Keyed):
    """`summary`."""

    total_successful_session_count: Count
    total_failure_session_count: Count


class Detail(Keyed):
    """One of `failure-details`."""

    result_type: ResultType
    failed_session_count: Count
    sending_mta_ip: Text | None = None
    receiving_mx_hostname: Text | None = None
    receiving_mx_helo: Text | None = None
    receiving_ip: Text | None = None
    additional_information: Text | None = None
    failure_reason_code: Text | None = None


class PolicyResult(Keyed):
    """One of `policies`."""

    policy: Policy
    summary: Summary
    failure_details: list[Detail] | None = None


class Report(Keyed):
    """A report."""

    organization_name: Needed
    date_range: DateRange
    contact_info: Needed
    report_id: Needed
    policies: list[PolicyResult]


# ---------------------------------------------------------------------------------------------------
# What the fields say. An archive has few policies, names and days, each in thousands of reports: read
# once and kept, up to a bound, since hostile input makes them all different.

KEPT, LONG = 20_000, 4_096
"""How many are kept, and of how many characters at most."""


class Applied(Struct, frozen=True, eq=False):
    """A policy as a sender applied it: verbatim, and what its lines say."""

    policy_type: str | None
    policy_domain: str | None
    policy_string: tuple[str, ...] | None
    mx_host: tuple[str, ...] | None
    domain: str | None
    """`policy_domain` as it is compared."""
    mode: str | None
    max_age: int | None
    mx_patterns: tuple[str, ...] | None
    strict: bool
    """A type of §4.4, no `mx: ` prefix in mx-host, and a domain as it is compared."""


def applied(policy: Policy) -> Applied:
    """Read mode, max_age and MX patterns from an MTA-STS policy's lines (RFC 8461 §3.2)."""
    lines, hosts = policy.policy_string, policy.mx_host
    if isinstance(hosts, str):
        hosts = [hosts]
    key = (
        policy.policy_type,
        policy.policy_domain,
        None if lines is None else tuple(lines),
        None if hosts is None else tuple(hosts),
    )
    found = _applied.get(key)
    if found is not None:
        return found
    mode: str | None = None
    max_age: int | None = None
    patterns: list[str] = []
    if policy.policy_type == "sts":
        for line in lines or ():
            name, _, value = line.partition(":")
            name, value = name.strip().lower(), value.strip()
            # RFC 8461 §3.2: of a field given twice, the first counts; `mx` may stand many times.
            if name == "mode" and mode is None:
                mode = value.lower() or None
            elif name == "max_age" and max_age is None and value.isascii() and value.isdigit():
                max_age = int(value) if len(value) <= 10 else None  # the RFC's limit has 8 digits
            elif name == "mx" and value:
                patterns.append(value.lower().removesuffix("."))
        if not patterns:
            # Erratum 6241: mx-host is the list of the policy's patterns.
            patterns = [
                h.removeprefix("mx:").strip().lower().removesuffix(".") for h in hosts or ()
            ]
    name_of = None if policy.policy_domain is None else domain(policy.policy_domain)
    found = Applied(
        *key,
        domain=None if name_of is None else name_of.key,
        mode=mode,
        max_age=max_age,
        mx_patterns=tuple(patterns) or None,
        strict=policy.policy_type in POLICY_TYPES
        and not any(h.startswith("mx:") for h in hosts or ())
        and name_of is not None
        and name_of.normal,
    )
    if light(lines, hosts):
        if len(_applied) >= KEPT:
            _applied.clear()
        _applied[key] = found
    return found


def light(*lists: Sequence[str] | None) -> bool:
    """Tell whether texts are few and short enough to be kept: a string of two letters takes 51 bytes."""
    return sum(_STRING * len(texts) + sum(map(len, texts)) for texts in lists if texts) < LONG


_STRING = 64


class DomainName(NamedTuple):
    """A domain as written, judged."""

    key: str
    """The name under which it is compared; verbatim where IDNA refuses it."""
    valid: bool
    normal: bool
    """It is written as it is compared."""


def domain(name: str) -> DomainName:
    """Judge a domain name."""
    found = _domains.get(name)
    if found is None:
        try:
            key = names.a_label(name)
        except ValueError:
            found = DomainName(name, valid=False, normal=False)
        else:
            found = DomainName(key, valid=True, normal=key == name)
        if len(_domains) >= KEPT:
            _domains.clear()
        _domains[name] = found
    return found


_applied: dict[
    tuple[str | None, str | None, tuple[str, ...] | None, tuple[str, ...] | None], Applied
] = {}
_domains: dict[str, DomainName] = {}
