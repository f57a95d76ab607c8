"""What no loader can beat by much: the bare steps, without a single check.

`decode` finds the attachment, decodes base64, inflates, and decodes typed JSON; `arrow` puts the same into
Arrow columns. They read what `corpus` writes and nothing else.
"""

import binascii
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
from isal import isal_zlib


class _Detail(msgspec.Struct, rename="kebab", gc=False):
    result_type: str
    failed_session_count: int
    sending_mta_ip: str | None = None
    receiving_mx_hostname: str | None = None
    receiving_mx_helo: str | None = None
    receiving_ip: str | None = None
    additional_information: str | None = None
    failure_reason_code: str | None = None


class _Policy(msgspec.Struct, rename="kebab", gc=False):
    policy_type: str
    policy_domain: str
    policy_string: list[str] | None = None
    mx_host: list[str] | None = None


class _Summary(msgspec.Struct, rename="kebab", gc=False):
    total_successful_session_count: int
    total_failure_session_count: int


class _Result(msgspec.Struct, rename="kebab", gc=False):
    policy: _Policy
    summary: _Summary
    failure_details: list[_Detail] | None = None


class _Range(msgspec.Struct, rename="kebab", gc=False):
    start_datetime: str
    end_datetime: str


class _Report(msgspec.Struct, rename="kebab", gc=False):
    organization_name: str
    date_range: _Range
    contact_info: str
    report_id: str
    policies: list[_Result]


_DECODER = msgspec.json.Decoder(_Report)


def _reports(path: str) -> Iterator[_Report]:
    data = Path(path).read_bytes()
    at = 0
    while (at := data.find(b"\nContent-Type: application/tlsrpt+gzip", at)) >= 0:
        start = data.find(b"\n\n", at)
        end = data.find(b"\n--", start)
        yield _DECODER.decode(
            isal_zlib.decompress(binascii.a2b_base64(memoryview(data)[start:end]), 31)
        )
        at = end


def decode(path: str) -> int:
    """Decode every report of an mbox and count them."""
    return sum(1 for _ in _reports(path))


def arrow(path: str) -> int:
    """Decode every report of an mbox into Arrow columns and count them."""
    reports, policies, details = [], [], []
    for i, r in enumerate(_reports(path)):
        span = r.date_range
        reports.append(
            (
                r.organization_name, r.contact_info, r.report_id, span.start_datetime, span.end_datetime,
                len(r.policies),
            )
        )  # fmt: skip
        for j, result in enumerate(r.policies):
            p, s = result.policy, result.summary
            policies.append(
                (
                    i, j, p.policy_domain, p.policy_type, p.policy_string, p.mx_host,
                    s.total_successful_session_count, s.total_failure_session_count,
                )
            )  # fmt: skip
            for k, f in enumerate(result.failure_details or ()):
                details.append(
                    (
                        i, j, k, f.result_type, f.sending_mta_ip, f.receiving_mx_hostname, f.receiving_mx_helo,
                        f.receiving_ip, f.failed_session_count, f.additional_information, f.failure_reason_code,
                    )
                )  # fmt: skip
    columns = [
        [pa.array(column) for column in zip(*rows, strict=True)]
        for rows in (reports, policies, details)
    ]
    return len(columns[0][0])
