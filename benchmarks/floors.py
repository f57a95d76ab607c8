"""What no loader can beat by much: the bare steps, without a single check.

`decode` finds the attachment, decodes base64, inflates, and decodes typed JSON; `arrow` puts the same into
Arrow columns; `decode_gz` does without the mail. They read what `corpus` writes and nothing else.
"""

import binascii
import gc
import os
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
    was = gc.isenabled()
    gc.disable()  # as the loader does
    reports = list(_reports(path))
    results = [result for report in reports for result in report.policies]
    details = [detail for result in results for detail in result.failure_details or ()]
    columns = [
        [r.organization_name for r in reports],
        [r.contact_info for r in reports],
        [r.report_id for r in reports],
        [r.date_range.start_datetime for r in reports],
        [r.date_range.end_datetime for r in reports],
        [len(r.policies) for r in reports],
        [r.policy.policy_domain for r in results],
        [r.policy.policy_type for r in results],
        [r.policy.policy_string for r in results],
        [r.policy.mx_host for r in results],
        [r.summary.total_successful_session_count for r in results],
        [r.summary.total_failure_session_count for r in results],
        [len(r.failure_details or ()) for r in results],
        [d.result_type for d in details],
        [d.sending_mta_ip for d in details],
        [d.receiving_mx_hostname for d in details],
        [d.receiving_mx_helo for d in details],
        [d.receiving_ip for d in details],
        [d.failed_session_count for d in details],
        [d.additional_information for d in details],
        [d.failure_reason_code for d in details],
    ]
    found = [pa.array(column) for column in columns]
    if was:
        gc.enable()
    return len(found[0])


def decode_gz(folder: str) -> int:
    """Open, inflate and decode every report of a folder of .json.gz and count them."""
    count = 0
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb", buffering=0) as file:
            _DECODER.decode(isal_zlib.decompress(file.read(), 31))
        count += 1
    return count
