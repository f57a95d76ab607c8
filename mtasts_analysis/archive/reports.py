"""JSON text → reports: the strict reader, and the one table of what is accepted beyond the RFC.

A report that is exactly what RFC 8460 asks for is decoded by msgspec straight into the types of
:mod:`~mtasts_analysis.archive.wire`. Whatever the strict reader declines goes to the tolerant one
(:mod:`~mtasts_analysis.archive.tolerant`), which gives the same structures and a note for each liberty
it took. Both give the same report for the same text; a property test holds them together.

Nothing is repaired: a count that cannot be a count is null, an unknown word stays as it is.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from mtasts_analysis.archive import instants, tolerant, wire
from mtasts_analysis.limits import DEFAULT, Limits

# ---------------------------------------------------------------------------------------------------
# What is accepted beyond the RFC. One table: a new quirk of a sender is a row here and a line below.


class Tolerance(NamedTuple):
    """One liberty: how grave, what is done with the value, who forced it, and what the RFC says."""

    severity: str
    rule: str
    seen: str
    reference: str


TOLERANCES: dict[str, Tolerance] = {
    code: Tolerance(*row)
    for code, *row in (
        # dates
        ("date-without-zone", "deviation", "read as UTC", "Microsoft 2023-24", "RFC 3339 §5.6"),
        ("date-form", "deviation", "read as ISO 8601", "small senders", "RFC 3339 §5.6"),
        ("date-unreadable", "deviation", "null", "defensive", "RFC 8460 §4.4"),
        ("date-out-of-range", "deviation", "null", "defensive", "RFC 8460 §4.4"),
        ("date-range-reversed", "deviation", "kept as written", "defensive", "RFC 8460 §4.4"),
        ("date-range-missing", "deviation", "null", "defensive", "RFC 8460 §4.4"),
        # the envelope
        ("organization-name-missing", "deviation", "null", "egressif", "RFC 8460 §4.4"),
        ("contact-info-missing", "deviation", "null", "Stalwart", "RFC 8460 §4.4"),
        ("contact-info-null", "deviation", "null", "Stalwart, egressif", "RFC 8460 §4.4"),
        ("report-id-missing", "deviation", "null", "defensive", "RFC 8460 §4.4"),
        ("policies-missing", "deviation", "a report of no policies", "defensive", "RFC 8460 §4.4"),
        ("policies-not-array", "deviation", "read as one policy", "defensive", "RFC 8460 §4.4"),
        # the policy
        ("policy-missing", "deviation", "its fields are null", "defensive", "RFC 8460 §4.4"),
        ("policy-type-missing", "deviation", "null", "defensive", "RFC 8460 §4.4"),
        ("policy-type-case", "deviation", "read in lower case", "small senders", "RFC 8460 §4.4"),
        ("unknown-policy-type", "info", "kept verbatim", "the set may grow", "RFC 8460 §4.4"),
        (
            "policy-domain-missing",
            "deviation",
            "domain is read from TLS-Report-Domain",
            "Postfix with tlsrpt-reporter, at no-policy-found",
            "RFC 8460 §4.4",
        ),
        (
            "domain-not-normal",
            "deviation",
            "compared in lower case, without the trailing dot; policy_domain stays verbatim",
            "small senders",
            "RFC 8460 §4.4",
        ),
        (
            "domain-not-a-label",
            "deviation",
            "U-labels are compared as A-labels; a name IDNA refuses stays verbatim",
            "defensive",
            "RFC 8460 §4.4, RFC 5891",
        ),
        (
            "policy-string-not-array",
            "deviation",
            "read as one line each",
            "several",
            "RFC 8460 §4.4",
        ),
        (
            "policy-string-double-encoded",
            "deviation",
            "the array inside the text is read",
            "Microsoft, at tlsa",
            "RFC 8460 §4.4",
        ),
        (
            "mx-host-prefix",
            "deviation",
            "'mx: ' is taken off for matching",
            "refluxstop, Stalwart",
            "§4.4",
        ),
        # the counts
        ("summary-missing", "deviation", "its counts are null", "defensive", "RFC 8460 §4.4"),
        ("count-missing", "deviation", "null, never 0", "defensive", "RFC 8460 §4.4"),
        ("failed-session-count-missing", "deviation", "null, never 0", "several", "RFC 8460 §4.4"),
        (
            "count-as-string",
            "deviation",
            "a string of digits is read",
            "small senders",
            "RFC 8460 §4.4",
        ),
        ("count-as-float", "deviation", "a whole number is read", "defensive", "RFC 8460 §4.4"),
        (
            "count-unreadable",
            "deviation",
            "null: negative, fractional, boolean, not a number, past 2^63-1, or a decimal from 2^53",
            "defensive",
            "RFC 8460 §4.4",
        ),
        # the details
        ("failure-details-null", "deviation", "none", "several", "RFC 8460 §4.4"),
        (
            "failure-details-not-array",
            "deviation",
            "read as one detail",
            "defensive",
            "RFC 8460 §4.4",
        ),
        ("result-type-missing", "deviation", "null", "defensive", "RFC 8460 §4.3"),
        ("unknown-result-type", "info", "kept verbatim", "the registry grows", "RFC 8460 §6.6"),
        # anywhere
        ("empty-string", "deviation", "null", "Microsoft, at IP addresses", "RFC 8460 §4.4"),
        ("null-value", "deviation", "null", "several", "RFC 8460 §4.4"),
        (
            "not-a-string",
            "deviation",
            "a number as its digits, else null",
            "defensive",
            "RFC 8460 §4.4",
        ),
        ("not-an-object", "deviation", "read as an empty object", "defensive", "RFC 8460 §4.4"),
        ("string-cut", "deviation", "cut at the limit string_chars", "defensive", "none: a limit"),
        ("lone-surrogate", "deviation", "read as U+FFFD", "defensive", "RFC 7493 §2.1"),
        (
            "key-alias",
            "deviation",
            "read as the key it stands for",
            "Microsoft and others",
            "RFC 8460 §4.4",
        ),
        ("unknown-key", "info", "left out", "extensions", "RFC 8460 §4.4"),
        ("duplicate-key", "deviation", "the last one counts", "defensive", "RFC 7493 §2.3"),
        # the text
        ("byte-order-mark", "deviation", "skipped", "defensive", "RFC 8259 §8.1"),
        (
            "not-utf-8",
            "deviation",
            "read as UTF-16, or bad bytes as U+FFFD",
            "defensive",
            "RFC 7493 §2.1",
        ),
        ("json-comment", "deviation", "passed over", "edited by hand", "RFC 8259 §2"),
        ("json-trailing-comma", "deviation", "passed over", "edited by hand", "RFC 8259 §4"),
        ("json-control-character", "deviation", "kept in its string", "defensive", "RFC 8259 §7"),
        (
            "report-wrapped",
            "deviation",
            "the report inside other JSON is read",
            "exports of logs and queues",
            "RFC 8460 §4.4",
        ),
        (
            "parsedmarc-json",
            "info",
            "its keys are read as RFC 8460's",
            "parsedmarc",
            "none: its own form",
        ),
        (
            "more-notes",
            "info",
            "only the first notes of a report are listed",
            "defensive",
            "none: a limit",
        ),
    )
}


class Result(wire.Keyed):
    """One of a report's policies: `policy` is left as text, which repeats from report to report."""

    policy: msgspec.Raw
    summary: wire.Summary
    failure_details: list[wire.Detail] | None = None


class _Report(wire.Keyed):
    """A report, read as far as it differs from others."""

    organization_name: wire.Text
    date_range: wire.DateRange
    contact_info: wire.Text
    report_id: wire.Text
    policies: list[Result]


class Parsed(msgspec.Struct, frozen=True, gc=False):
    """A report as read, and what the tables need beside it."""

    organization_name: str | None
    contact_info: str | None
    report_id: str | None
    start: int | None
    end: int | None
    applied: list[wire.Applied]
    results: Sequence[Result | wire.PolicyResult]
    """What was found under each of `applied`."""
    key: str
    notes: tuple[tolerant.Note, ...] = ()


_ESCAPE = ord("\\")
_DECODER = msgspec.json.Decoder(_Report)
_POLICY = msgspec.json.Decoder(wire.Policy)
_ENCODER = msgspec.json.Encoder()
_days: dict[str | None, int] = {}
_policies: dict[bytes, tuple[wire.Applied, msgspec.Raw]] = {}


def _instant(text: str | None) -> int | None:
    """Read a date-time that needs no tolerance; None for any other."""
    instant, code = instants.rfc3339(text or "")
    if instant is None or code is not None:
        return None
    if len(_days) >= wire.KEPT:
        _days.clear()
    _days[text] = instant
    return instant


def _policy(raw: bytes) -> tuple[wire.Applied, msgspec.Raw]:
    """Read a policy that needs no tolerance, and give it in canonical form.

    Raises
    ------
    msgspec.MsgspecError
        It needs one.
    """
    policy = _POLICY.decode(raw)
    if policy.policy_domain is not None and not policy.policy_domain.isascii():
        raise msgspec.ValidationError  # before IDNA is asked: that is slow, and bounded
    if isinstance(policy.mx_host, str):
        # The form of the RFC's own example: the array of erratum 6241 is the same content.
        policy.mx_host = [policy.mx_host]
    rule = wire.applied(policy)
    if not rule.strict:
        raise msgspec.ValidationError
    found = rule, msgspec.Raw(_ENCODER.encode(policy))
    if len(raw) < wire.LONG and wire.light(rule.policy_string, rule.mx_host):
        if len(_policies) >= wire.KEPT:
            _policies.clear()
        _policies[raw] = found
    return found


def strict(raw: bytes, limits: Limits = DEFAULT) -> Parsed | None:
    """Read one report that is what RFC 8460 §4.4 asks for; None for anything else.

    Parameters
    ----------
    raw
        JSON text.
    limits
        The bounds to keep.

    Returns
    -------
    Parsed or None
        None does not mean that the text is no report: :func:`read` tells.
    """
    # An escape may hide a lone surrogate, or a repeated key from the count of quotes below.
    if _ESCAPE in raw:
        return None
    # The types hold strings to the bound as it is by default.
    if len(raw) > limits.string_chars < DEFAULT.string_chars:
        return None
    applied = []
    domains = []
    try:
        report = _DECODER.decode(raw)
        dates = report.date_range
        start = _days.get(dates.start_datetime) or _instant(dates.start_datetime)
        end = _days.get(dates.end_datetime) or _instant(dates.end_datetime)
        if start is None or end is None or start > end:
            return None
        for result in report.policies:
            text = bytes(result.policy)
            rule, result.policy = _policies.get(text) or _policy(text)
            applied.append(rule)
            domains.append(rule.domain)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    content = _ENCODER.encode(report)
    # What decoding lost, a key given twice (RFC 7493 §2.3) or an optional one that is null, shows in
    # the quotes: with no escapes each string has two.
    if content.count(b'"') != raw.count(b'"'):
        return None
    organization, report_id = report.organization_name, report.report_id
    key = _key(organization, report_id, start, end, domains, content)
    return Parsed(
        organization, report.contact_info, report_id, start, end, applied, report.policies, key
    )


def read(
    raw: bytes,
    limits: Limits = DEFAULT,
    spent: tolerant.Spent | None = None,
    values: list[Any] | None = None,
) -> Iterator[tuple[str, Parsed | tolerant.Refusal]]:
    """Read every report in a JSON text: one, a list, several in a row, or parsedmarc's output.

    Parameters
    ----------
    raw
        JSON text in any encoding that JSON had; see :data:`TOLERANCES` for what is accepted.
    limits
        The bounds to keep.
    spent
        Counts what the limits `names` and `wrappings` bound, over several texts together.
    values
        What :func:`tolerant.sound` gave, where it was asked.

    Yields
    ------
    tuple
        Where in the text (`""` for the only document, else `[index]`), and the report or the reason
        why there is none.

    Examples
    --------
    >>> [(where, outcome.code) for where, outcome in read(b"{")]
    [('', 'json-malformed')]
    """
    for where, document in tolerant.documents(raw, limits, spent, values):
        if isinstance(document, tolerant.Refusal):
            yield where, document
            continue
        report, start, end, notes = document
        applied = [wire.applied(result.policy) for result in report.policies]
        key = _key(
            report.organization_name,
            report.report_id,
            start,
            end,
            [rule.domain for rule in applied if rule.domain is not None],
            _ENCODER.encode(report),
        )
        yield (
            where,
            Parsed(
                report.organization_name,
                report.contact_info,
                report.report_id,
                start,
                end,
                applied,
                report.policies,
                key,
                notes,
            ),
        )


def _key(
    organization: str | None,
    report_id: str | None,
    start: int | None,
    end: int | None,
    domains: list[str | None],
    content: bytes,
) -> str:
    """Make the report's key: 16 hex of its identity, then 16 hex of its content.

    Report-ids are unique only within an organization, and not always there: the identity is
    organization, report-id, date range and policy domains. So two deliveries of one report have one
    key, and two reports that conflict share its first half.
    """
    own = domains if len(domains) == 1 else sorted(set(domains))  # type: ignore[type-var]  # each is there
    identity = _ENCODER.encode((organization, report_id, start, end, own))
    return (
        blake2b(identity, digest_size=8).hexdigest() + blake2b(content, digest_size=8).hexdigest()
    )
