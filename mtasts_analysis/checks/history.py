"""What the last check of a domain saw, kept in one Parquet file, and what has changed since."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mtasts_analysis import arguments
from mtasts_analysis.archive.files import replacing
from mtasts_analysis.checks.facts import Check
from mtasts_analysis.errors import InputError, SchemaError
from mtasts_analysis.findings import Finding, worst_first

_SCHEMA = pa.schema(
    [
        pa.field("domain", pa.string(), nullable=False),
        pa.field("checked_at", pa.timestamp("us", tz="UTC"), nullable=False),
        ("state", pa.string()),
        ("record_id", pa.string()),
        ("body_sha256", pa.string()),
        ("mode", pa.string()),
        ("max_age", pa.int64()),
    ],
    metadata={b"mtasts_analysis": b'{"table": "checks", "schema_version": 1}'},
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one check saw of a domain's policy."""

    domain: str
    checked_at: datetime
    state: str
    record_id: str | None
    body_sha256: str | None
    mode: str | None
    max_age: int | None

    @classmethod
    def of(cls, check: Check) -> "Seen":
        """Take from a check what is kept."""
        body = check.fetched.body if check.fetched else None
        return cls(
            check.domain,
            check.checked_at,
            check.state,
            check.sts_record.id if check.sts_record else None,
            hashlib.sha256(body).hexdigest() if body is not None else None,
            check.policy.mode if check.policy else None,
            check.policy.max_age if check.policy else None,
        )


def drift(last: Seen, check: Check) -> list[Finding]:
    """Compare a check with the last one.

    Parameters
    ----------
    last
        What was seen then.
    check
        What is so now.

    Returns
    -------
    list of Finding
        A policy that changed under the same id, an id that changed over the same policy, and MTA-STS taken away
        while senders may still hold a policy.
    """
    now = Seen.of(check)
    subject = check.domain
    since = f"since {last.checked_at:%Y-%m-%d %H:%M} UTC"
    found = []
    same_id = now.record_id is not None and now.record_id == last.record_id
    bodies = now.body_sha256 is not None and last.body_sha256 is not None
    if same_id and bodies and now.body_sha256 != last.body_sha256:
        evidence = f"the policy has changed {since} under the same id {now.record_id}: senders keep the old one"
        action = f'_mta-sts.{subject}. IN TXT "v=STSv1; id={check.checked_at:%Y%m%d%H%M%S};"'
        found.append(
            Finding(
                "policy-changed-same-id",
                "warning",
                subject,
                evidence,
                action,
                "RFC 8461 §3.1, §8.1",
            )
        )
    if (
        now.record_id
        and last.record_id
        and not same_id
        and bodies
        and now.body_sha256 == last.body_sha256
    ):
        evidence = (
            f"the id has changed {since}, from {last.record_id} to {now.record_id}, the policy file has not:"
            " either nothing was to change, or the record was published before the policy"
        )
        action = (
            "publish the file first, then the record: senders that come between keep the old file"
        )
        found.append(
            Finding("id-changed-same-policy", "info", subject, evidence, action, "RFC 8461 §8.1")
        )
    if now.record_id and not same_id and check.policy is None and check.state == "broken":
        evidence = (
            "the record is new, and no valid policy is there: it was published before the policy"
        )
        found.append(
            Finding(
                "record-before-policy",
                "error",
                subject,
                evidence,
                f"publish the file now, then look:\ncurl -sS -D - https://mta-sts.{subject}/.well-known/mta-sts.txt",
                "RFC 8461 §8.1",
            )
        )
    held = last.max_age is not None and last.checked_at + timedelta(seconds=last.max_age)
    if (
        now.state == "absent"
        and held
        and last.mode in ("enforce", "testing")
        and held > check.checked_at
    ):
        evidence = (
            f"MTA-STS was taken away {since}; senders may hold the old policy ({last.mode}) until"
            f" {held:%Y-%m-%d %H:%M} UTC and go on applying it"
        )
        action = (
            "publish record and file again as these until then, and only then remove them:\n"
            f'_mta-sts.{subject}. IN TXT "v=STSv1; id={check.checked_at:%Y%m%d%H%M%S};"\n'
            "version: STSv1\nmode: none\nmax_age: 86400"
        )
        found.append(
            Finding("withdrawn-without-none", "warning", subject, evidence, action, "RFC 8461 §8.3")
        )
    return found


def with_drift(check: Check, last: dict[str, Seen]) -> Check:
    """Give a check with what has changed since the last one."""
    seen = last.get(check.domain)
    if seen is None:
        return check
    return replace(check, findings=worst_first([*check.findings, *drift(seen, check)]))


def last_seen(path: str | os.PathLike[str]) -> dict[str, Seen]:
    """Read what the last check of each domain saw; nothing if the file is not there yet.

    A check that saw no policy file hides none that an earlier one saw: senders still hold that.

    Raises
    ------
    InputError
        The file is there and cannot be read.
    SchemaError
        It is no such file.
    """
    table = _read(arguments.path("history", path, "a Parquet file"))
    rows = table.sort_by("checked_at").to_pylist()
    seen: dict[str, Seen] = {}
    for row in rows:
        now = Seen(**row)
        if (
            now.body_sha256 is not None
            or now.domain not in seen
            or not seen[now.domain].body_sha256
        ):
            seen[now.domain] = now
    return seen


def append(path: str | os.PathLike[str], checks: Iterable[Check]) -> None:
    """Add checks to the file; it is replaced whole or not at all.

    A check that could not tell (state `unknown`) is no knowledge to compare with, and is not kept. Of two runs that
    add at the same moment, the rows of one are lost.

    Raises
    ------
    InputError, SchemaError
        As for :func:`last_seen`: it is read once more.
    OutputError
        It cannot be written.
    """
    target = arguments.path("history", path, "a Parquet file")
    rows = [Seen.of(c) for c in checks if c.state != "unknown"]
    new = pa.Table.from_pylist(
        [{n: getattr(r, n) for n in _SCHEMA.names} for r in rows], schema=_SCHEMA
    )
    table = pa.concat_tables([_read(target), new])
    table = table.take(
        pc.sort_indices(table, [("domain", "ascending"), ("checked_at", "ascending")])
    )
    with replacing(target.parent, [target.name]) as (part,):
        pq.write_table(table.replace_schema_metadata(_SCHEMA.metadata), part, compression="zstd")


def _read(path: Path) -> pa.Table:
    if not path.exists():
        return _SCHEMA.empty_table()
    try:
        table = pq.read_table(path, memory_map=False)
    except (OSError, pa.ArrowException) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else "no Parquet"
        raise InputError(
            f"{path}: expected the history of earlier checks (Parquet); {said}. Name another file."
        ) from error
    if not table.schema.equals(_SCHEMA):
        raise SchemaError(
            f"{path}: expected a history that check_domain() wrote; got the columns {table.schema.names}"
        )
    return table
