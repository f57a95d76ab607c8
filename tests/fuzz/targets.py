"""Every parser of a stranger's bytes, as one function that must not raise, whatever it is given.

What a target asserts beside that is what must hold of any result. `tests/fuzz/run.py` drives them by
coverage, `test_parsers.py` by hypothesis and over the corpus of everything that ever failed.
"""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass

import dns.exception
import dns.message
import msgspec

from mtasts_analysis import names
from mtasts_analysis.archive import (
    forms,
    instants,
    mboxes,
    plain,
    reports,
    sources,
    tables,
    tars,
    tolerant,
    zips,
)
from mtasts_analysis.archive import mail as mime
from mtasts_analysis.archive.load import load_tables
from mtasts_analysis.archive.streams import Inflated, Stream
from mtasts_analysis.checks import dane, policy, records, smtp
from mtasts_analysis.checks import dns as resolving
from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.checks.dns import Answer
from mtasts_analysis.limits import COUNT_MAX, KIB, MIB, Limits
from tests.archive import building

SMALL = Limits(
    report_bytes=1 * MIB, mail_bytes=1 * MIB, header_bytes=8 * KIB, field_bytes=1 * KIB,
    mime_depth=5, mime_parts=20, layers=4, nested_bytes=4 * MIB, nested_entries=100,
    expansion_from=1 * MIB, items=100, json_values=10_000, json_documents=100, string_chars=1_000,
    notes=20, problem_bytes=10_000,
)  # fmt: skip
"""So that every limit is within a fuzzer's reach."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parser, and inputs to begin with."""

    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def whole(stream: Stream) -> bytes:
    read = b""
    while piece := stream.read():
        read += piece
    return read


def json(raw: bytes) -> None:
    """Both readers: what the strict one takes, the tolerant one reads the same, without a note."""
    found = list(reports.read(raw, SMALL))
    strict = reports.strict(raw)
    if strict is not None and len(raw) < SMALL.string_chars:
        ((where, parsed),) = found
        assert where == ""
        for name in (
            "organization_name",
            "contact_info",
            "report_id",
            "start",
            "end",
            "key",
            "notes",
        ):
            assert getattr(parsed, name) == getattr(strict, name), name
        for ours, theirs in zip(parsed.applied, strict.applied, strict=True):
            assert msgspec.structs.astuple(ours) == msgspec.structs.astuple(theirs)
        for ours, theirs in zip(parsed.results, strict.results, strict=True):
            assert ours.summary == theirs.summary
            assert ours.failure_details == theirs.failure_details
    for _, outcome in found:
        if isinstance(outcome, tolerant.Refusal):
            assert outcome.code
            continue
        assert len(outcome.key) == 32
        assert all(code in reports.TOLERANCES for code, _ in outcome.notes)
        assert len(outcome.notes) <= SMALL.notes + 1
        for when in (outcome.start, outcome.end):
            assert when is None or (type(when) is int and instants.in_range(when))
        for result in outcome.results:
            counts = [
                result.summary.total_successful_session_count,
                result.summary.total_failure_session_count,
                *(detail.failed_session_count for detail in result.failure_details or ()),
            ]
            assert all(c is None or (type(c) is int and 0 <= c <= COUNT_MAX) for c in counts)


def rows(raw: bytes) -> None:
    """JSON as far as Arrow: every row is valid, and sums are those of Python's integers."""
    builder = tables.Builder()
    expected = 0
    for where, outcome in reports.read(raw, SMALL):
        if isinstance(outcome, tolerant.Refusal):
            builder.problem(where, None, "error", outcome.code, outcome.detail)
            continue
        builder.report(where, outcome, mime.Facts())
        expected += sum(r.summary.total_successful_session_count or 0 for r in outcome.results)
    found = builder.take()
    for table in found.values():
        table.validate(full=True)
    counts = found["policies"]["total_successful_session_count"].to_pylist()
    assert sum(count or 0 for count in counts) == expected


def mail(raw: bytes) -> None:
    top = mime.header(raw, SMALL)
    mime.facts(top, SMALL)
    mime.kind(top)
    leaves = mime.leaves(top, SMALL)
    assert len(leaves) <= SMALL.mime_parts + 2
    common = plain.read(raw, SMALL)
    if common is not None:
        common.facts(SMALL)
    for leaf in leaves:
        forms.sniff(leaf.payload[:600])
        # Nothing that is decoded grows: base64 and quoted-printable only shrink.
        assert len(leaf.payload) <= len(raw) + 2


def mbox(raw: bytes) -> None:
    """However it is cut into pieces, the mails are the same."""
    once = list(mboxes.mails(Stream(raw), SMALL.mail_bytes))
    at = 0

    def read(size: int) -> bytes:
        nonlocal at
        piece = raw[at : at + min(size, 7 + len(raw) // 64)]
        at += len(piece)
        return piece

    assert list(mboxes.mails(Stream(read=read), SMALL.mail_bytes)) == once
    assert sum(len(m) if isinstance(m, bytes) else m for m in once) <= len(raw)


def archive(raw: bytes) -> None:
    """Anything at all, as far as items; each has a code where it must."""
    for item in sources.Reader(SMALL).items(Stream(raw), "x"):
        assert item.form in {"report", "other", "refused", "note"}
        assert item.code or item.form == "report"
        assert item.origin.isprintable()


def loaded(raw: bytes) -> None:
    """Anything at all, as far as the tables: the account adds up."""
    found, account = load_tables(
        sources.Reader(SMALL).items(Stream(raw), "x"),
        drop_duplicates=True, raise_problems=False, limits=SMALL,
    )  # fmt: skip
    assert account.items == account.reports + account.duplicates + account.not_reports + account.rejected  # fmt: skip
    assert len(found["reports"]) == account.reports
    assert account.items >= 1
    for table in found.values():
        table.validate(full=True)


def zip_members(raw: bytes) -> None:
    for member in zips.members(Stream(raw), SMALL):
        assert member.stream is None or len(whole(member.stream)) <= 4 * MIB


def tar_members(raw: bytes) -> None:
    for member in tars.members(Stream(raw)):
        assert member.stream is None or len(whole(member.stream)) <= len(raw)


def inflated(raw: bytes) -> None:
    for form in ("gzip", "bzip2", "xz", "zstd", "deflate"):
        machine = Inflated(Stream(raw), form, SMALL)
        assert len(whole(Stream(read=machine.read, fault=machine.fault))) < 8 * MIB


def dates(raw: bytes) -> None:
    instant, code = instants.rfc3339(raw.decode("utf-8", "surrogateescape"))
    assert instant is None or instants.in_range(instant)
    assert code is not None or instant is not None
    assert code is None or code in reports.TOLERANCES
    instants.rfc5322(raw)


def domain(raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    try:
        label = names.a_label(text)
    except ValueError:
        return
    assert label.isascii()
    assert label == names.a_label(label)  # an A-label is its own
    assert names.mx_matches(label, label)


def txt(raw: bytes) -> None:
    texts = [piece.decode("utf-8", "replace") for piece in raw.split(b"\0")]
    for read in (records.read_sts, records.read_tlsrpt):
        record, findings = read(texts)
        assert record is not None or findings
        for finding in findings:
            assert finding.code and finding.subject


def policy_file(raw: bytes) -> None:
    found, findings = policy.read_policy(raw)
    if found is None:
        assert any(f.severity == "error" for f in findings)
    else:
        assert found.mode in {"enforce", "testing", "none"}
        assert found.max_age >= 0


def tlsa(raw: bytes) -> None:
    first, _, der = raw.partition(b"\0")
    answer = Answer("ok", (first.decode("utf-8", "replace"),), secure=True)
    dane.compare("_25._tcp.mx.example", answer, True, [der] if der else [], ["mx.example"])


def dns_reply(raw: bytes) -> None:
    try:
        response = dns.message.from_wire(raw, ignore_trailing=True)
        if not isinstance(response, dns.message.QueryMessage):
            return
        answer, more = resolving._read(response)
    except dns.exception.DNSException:
        return  # which the resolver tells as a failure
    assert bool(answer.records) == (answer.status == "ok")
    assert bool(answer.detail) == (answer.status == "failed")
    assert more is None or (answer.status == "failed" and answer.chain)


class _Wire:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    async def receive(self) -> bytes:
        piece, self._raw = self._raw[:100], self._raw[100:]
        return piece


_CONFIG = CheckConfig()


def smtp_reply(raw: bytes) -> None:
    async def read() -> None:
        buffer = bytearray()
        wire = _Wire(raw)
        while True:
            code, lines = await smtp._reply(wire, buffer, _CONFIG)
            assert code.isdigit() and lines

    try:
        _LOOP.run_until_complete(read())
    except smtp._EndError as end:
        assert end.args


_LOOP = asyncio.new_event_loop()

GOOD = building.text()
MAIL = building.mail(building.packed())
BOTH = {"a.json": GOOD, "b.eml": MAIL}
PACKED = building.packed()
# Files that somebody joined, and what is told among other bytes.
JOINED = (
    PACKED + GOOD + PACKED,
    building.zipped(BOTH) + building.zstandard(GOOD) + GOOD,
    building.tarred(BOTH) + PACKED,
    b"Hello,\n\n" + base64.encodebytes(PACKED) + GOOD,
    MAIL + MAIL.replace(b"b1", b"b2") + GOOD,
)
TARGETS: dict[str, Target] = {
    "json": Target(json, (GOOD, b"[" + GOOD + b"," + GOOD + b"]", GOOD + b"\n" + GOOD, GOOD.decode().encode("utf-16"), b'{"begin_date":"","policies":[{}]}')),
    "rows": Target(rows, (GOOD, GOOD + b"\n" + GOOD)),
    "mail": Target(mail, (MAIL, MAIL.replace(b"base64", b"quoted-printable"), b"From: a\nContent-Type: message/rfc822\n\n" + MAIL)),
    "mbox": Target(mbox, (building.mbox([b"a: b\n\nx\n", b"a: b\n\ny\n"]), b"From x\n\nFrom a Mon 0:00\nx: y\n\n")),
    "archive": Target(archive, (GOOD, MAIL, building.mbox([MAIL, MAIL]), building.zipped(BOTH), building.tarred(BOTH), building.tarred(BOTH, "w:gz"), building.packed(), *JOINED)),
    "loaded": Target(loaded, (GOOD, MAIL, building.mbox([MAIL, MAIL]), building.zipped(BOTH), building.packed(), *JOINED)),
    "zip": Target(zip_members, (building.zipped(BOTH),)),
    "tar": Target(tar_members, (building.tarred({"a.json": GOOD}),)),
    "inflated": Target(inflated, (building.packed(),)),
    "dates": Target(dates, (b"2026-01-31T00:00:00Z", b"2026-01-31 24:00:00.5+01:00", b"Mon, 02 Feb 2026 04:05:06 +0100", b"20260131T000000")),
    "domain": Target(domain, (b"mx1.example.com", "bücher.example.".encode(), b"xn--bcher-kva.example", b"*.example.com")),
    "txt": Target(txt, (b"v=STSv1; id=20250108120000;", b"v=TLSRPTv1; rua=mailto:a@example.com,https://example.com/x", b"v=STSv1;id=1\0v=STSv1;id=2")),
    "policy": Target(policy_file, (b"version: STSv1\r\nmode: enforce\r\nmx: *.example.com\r\nmax_age: 86400\r\n",)),
    "tlsa": Target(tlsa, (b"3 1 1 " + b"ab" * 32 + b"\0\x30\x03\x02\x01\x01", b"2 0 0 00\0x")),
    "dns": Target(dns_reply, (b"\0\1\x81\x80\0\1\0\2\0\1\0\0\1q\7example\0\0\x10\0\1\xc0\x0c\0\5\0\1\0\0\0<\0\4\1a\xc0\x0e\xc0'\0\x10\0\1\0\0\0<\0\2\1v\xc0\x0e\0\2\0\1\0\0\0<\0\5\2ns\xc0\x0e",)),
    "smtp": Target(smtp_reply, (b"220 mx ESMTP\r\n250-mx\r\n250-STARTTLS\r\n250 SIZE\r\n", b"454 later\r\n")),
}  # fmt: skip
