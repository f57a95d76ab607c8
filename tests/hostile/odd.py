"""What is no attack, only odd: old mailboxes, other packers, files that tools and people have touched."""

import base64
import binascii
import bz2
import gzip
import io
import json
import lzma
import quopri
import struct
import zipfile
import zlib
from collections.abc import Iterator

from tests.archive.building import mail, mbox, packed, report, tarred, text, zipped, zstandard
from tests.hostile.containers import END, STOP, T1, T2, A, B, entry, flipped, header, local, pax
from tests.hostile.inputs import Hostile, table
from tests.hostile.mails import SEPARATOR, attached, levels, multipart, typed

TWO = {"a.json": text(1), "b.json": text(2)}


def mails(count: int = 3) -> list[bytes]:
    return [mail(packed(n)) for n in range(count)]


def bounded(n: int) -> bytes:
    """A mail whose boundary no other has, as senders make it."""
    return mail(packed(n)).replace(b"b1", b"b%d-x" % n)


def part(content: bytes) -> bytes:
    """A part that says that it is a report."""
    return (
        b"Content-Type: application/tlsrpt+gzip\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(content)
    )


BULK = b"Content-Type: text/plain\n\n" + b"A line of a text that is long.\n" * 10_000


def forwards_of(one: bytes, times: int) -> bytes:
    """A mail as an attachment of a mail, so many times."""
    for n in range(times):
        one = multipart([b"\nsee below\n", b"Content-Type: message/rfc822\n\n" + one], b"f%d" % n)
    return one


FIRST = {
    "a gzip": packed(1) + packed(2),
    "a bzip2": bz2.compress(text(1)) + bz2.compress(text(2)),
    "an xz": lzma.compress(text(1) + b"\n" + text(2)),
    "zstandard": zstandard(text(1)) + zstandard(text(2)),
    "a zip": zipped(TWO),
    "a tar": T1 + T2 + STOP,
    "two mails": bounded(1) + bounded(2),
}
BEHIND = {
    "JSON": text(3),
    "a blank line and JSON": b"\r\n" + text(3),
    "a gzip": packed(3),
    "a zip": zipped({"x": text(3)}),
    "an mbox": b"\n" + mbox([mail(packed(3))]),
}


class Pipe(io.RawIOBase):
    """What cannot be gone back in: a zip that is written to it has sizes behind its members."""

    def __init__(self) -> None:
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        self.held += data
        return len(data)


def streamed_zip(method: int, files: dict[str, bytes]) -> bytes:
    """A zip as a pipe gets it."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return bytes(pipe.held)


def mmdf(pieces: list[bytes], fence: bytes = b"\1\1\1\1\n") -> bytes:
    return b"".join(fence + piece + fence for piece in pieces)


def babyl(pieces: list[bytes]) -> bytes:
    """As Emacs' Rmail kept mail until version 23; the first is as it came, the rest are pruned."""
    raw = b"BABYL OPTIONS: -*- rmail -*-\nVersion: 5\nLabels:\nNote:   This is the header.\n\x1f"
    for number, piece in enumerate(pieces):
        head, _, body = piece.partition(b"\n\n")
        raw += (
            b"\x0c\n1,,\n" + head + b"\n\n*** EOOH ***\nFrom: a\n\n"
            if number
            else b"\x0c\n0,,\n*** EOOH ***\n" + head + b"\n\n"
        )
        raw += body + b"\x1f"
    return raw  # fmt: skip


def emlx(piece: bytes) -> bytes:
    return b"%-10d\n" % len(piece) + piece + b'<?xml version="1.0"?>\n<plist><dict/></plist>\n'


def sized(pieces: list[bytes]) -> bytes:
    """An mbox with Content-Length, where no From is quoted."""
    return b"".join(
        SEPARATOR + b"Content-Length: %d\n" % len(piece.partition(b"\n\n")[2]) + piece + b"\n"
        for piece in pieces
    )


def member(method: int, content: bytes) -> bytes:
    """A zip's member that is packed already."""
    return local(b"x.json", content, method=method, crc=zlib.crc32(text(9)), size=len(text(9)))


def greedy(flags: int) -> bytes:
    """A member of LZMA that asks for a dictionary of 4 GiB (5.8.8); bit 1: it has a mark at its end (5.8.9)."""
    alone = lzma.compress(text(9), format=lzma.FORMAT_ALONE)
    content = b"\x09\x04\x05\0" + alone[:1] + b"\xff" * 4 + alone[13:]
    found = bytearray(member(14, content))
    found[6] |= flags
    return bytes(found)


def by_zipfile(method: int) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        for name, content in TWO.items():
            archive.writestr(name, content)
    return raw.getvalue()


def long_head(method: int, at: int, by: int) -> bytes:
    """A zip whose first member's name (26) or extra field (28) is longer by its header than it is (4.3.7)."""
    raw = bytearray(by_zipfile(method))
    raw[at : at + 2] = (int.from_bytes(raw[at : at + 2], "little") + by).to_bytes(2, "little")
    return bytes(raw)


def without_sizes() -> bytes:
    """A zip whose sizes and checksums stand in its directory alone."""
    raw = bytearray(zipped(TWO))
    for found in zipfile.ZipFile(io.BytesIO(bytes(raw))).infolist():
        raw[found.header_offset + 14 : found.header_offset + 26] = bytes(12)
    return bytes(raw)


def alone(*, size: bool) -> bytes:
    """An .lzma file, with its size in the header or with a mark at its end."""
    raw = lzma.compress(text(1), format=lzma.FORMAT_ALONE)
    return raw[:5] + struct.pack("<Q", len(text(1))) + raw[13:] if size else raw


def uuencoded(raw: bytes) -> bytes:
    lines = [binascii.b2a_uu(raw[at : at + 45]) for at in range(0, len(raw), 45)]
    return b"begin 644 a.json.gz\n" + b"".join(lines) + b"`\nend\n"


def pretty(n: int) -> bytes:
    return json.dumps(report(n), indent=2).encode()


def in_base64(raw: bytes) -> bytes:
    return base64.encodebytes(raw)


def wrong_sum(n: int) -> bytes:
    return flipped(packed(n), -6)


def sent_as(content: bytes, encoding: bytes) -> bytes:
    """A report that is not encoded as its header says."""
    return mail(content, encoding="8bit").replace(b": 8bit", b": " + encoding)


def inputs() -> Iterator[Hostile]:
    yield from table(
        "mailbox",
        ("MMDF", lambda: mmdf(mails()), 3, ""),
        ("MMDF with CR LF", lambda: mmdf([mail(packed(n), newline="\r\n") for n in range(3)], b"\1\1\1\1\r\n"), 3, ""),
        ("MMDF with CR", lambda: mmdf(mails()).replace(b"\n", b"\r"), 3, ""),
        ("MMDF with separators of mbox", lambda: mmdf([SEPARATOR + one for one in mails()]), 3, ""),
        ("MMDF where a body has one", lambda: mmdf([one.replace(b"This is", SEPARATOR + b"is") for one in mails()]), 3, ""),
        ("MMDF without a last fence", lambda: mmdf(mails())[:-5], 3, ""),
        ("MMDF, packed", lambda: zipped({"in": gzip.compress(mmdf(mails()))}), 3, ""),
        ("Babyl", lambda: babyl(mails()), 3, "not-a-report"),
        ("mbox with CR", lambda: mbox(mails()).replace(b"\n", b"\r"), 3, ""),
        ("mbox with CR, JSON in several lines", lambda: mbox(
            [mail(pretty(n), media="application/tlsrpt+json", encoding="7bit") for n in range(3)]).replace(b"\n", b"\r"), 3, ""),
        ("mbox with Content-Length", lambda: sized(mails()), 3, ""),
        ("mbox with Content-Length and From in bodies", lambda: sized([one.replace(b"This is", b"From me\n\nFrom you and me\nThis is") for one in mails()]), 3, ""),
        ("mbox with From quoted twice", lambda: mbox([one.replace(b"This is", b">From me\n>>From you") for one in mails()]), 3, ""),
        ("mbox behind a comment", lambda: b"# inbox\n" + mbox(mails()), 3, "not-a-report"),
        ("mbox with zones in separators", lambda: mbox(mails(), b"From a@a.example Mon Feb  2 04:05:06 +0100 2026\n"), 3, ""),
        ("mbox in UTF-16", lambda: mbox(mails()).decode().encode("utf-16"), 3, ""),
        ("a mail in UTF-16", lambda: mail(packed()).decode().encode("utf-16"), 1, ""),
        ("emlx", lambda: emlx(mail(packed())), 1, ""),
        ("emlx of one part", lambda: emlx(typed(b"application/tlsrpt+gzip", in_base64(packed()))), 1, "gzip-trailing"),
        ("emlx in a zip", lambda: zipped({f"{n}.emlx": emlx(one) for n, one in enumerate(mails())}), 3, ""),
        ("an answer of IMAP", lambda: b"* 1 FETCH (BODY[] {9}\r\n" + mail(packed(), newline="\r\n") + b")\r\n", 1, ""),
        ("a request of HTTP", lambda: b"POST /v1/tlsrpt HTTP/1.1\r\nContent-Type: application/tlsrpt+gzip\r\n\r\n" + packed(), 1, ""),
        ("a mail behind blank lines", lambda: b"\n\n" + mail(packed()), 1, ""),
        ("an Outlook data file in a mail", lambda: mail(b"!BDN" + bytes(600), media="application/octet-stream", name="a.pst"), 0, "not-a-report"),
        ("winmail.dat", lambda: mail(b"\x78\x9f\x3e\x22" + bytes(600), media="application/ms-tnef", name="winmail.dat"), 0, "not-a-report"),
        ("OpenPGP", lambda: mail(b"-----BEGIN PGP MESSAGE-----\n\nx\n", media="text/plain", encoding="7bit", name="a.asc"), 0, "not-a-report"),
    )  # fmt: skip
    yield from table(
        "packed",
        ("a zip behind a script", lambda: b"#!/bin/sh\nexec unzip $0\n" + zipped(TWO), 2, "leading-bytes"),
        ("a zip behind a program of 3 MB", lambda: b"MZ" + bytes(3_000_000) + zipped(TWO), 2, "leading-bytes"),
        ("a zip behind line breaks", lambda: b"\r\n\r\n" + zipped(TWO), 2, ""),
        ("a zip behind a byte order mark", lambda: b"\xef\xbb\xbf" + zipped(TWO), 2, ""),
        ("a zip before other bytes", lambda: zipped(TWO) + b"signature" * 999, 2, ""),
        ("a zip of LZMA", lambda: by_zipfile(zipfile.ZIP_LZMA), 2, ""),
        ("a zip of bzip2", lambda: by_zipfile(zipfile.ZIP_BZIP2), 2, ""),
        ("a zip with XZ in it", lambda: member(95, lzma.compress(text(9))) + A + B + END, 3, ""),
        ("a zip with Deflate64 in it", lambda: member(9, b"\1\2\3" * 9) + A + B + END, 2, "zip-method"),
        ("a zip's member of XZ streams with bytes between", lambda: local(
            b"x.jsonl", lzma.compress(text(3) + b"\n") + b"x" + lzma.compress(text(4)), method=95, crc=zlib.crc32(text(3) + b"\n" + text(4)),
            size=len(text(3)) * 2 + 1) + A + END, 3, ""),
        ("a zip with zstandard in it", lambda: member(93, zstandard(text(9))) + A + B + END, 3, ""),
        ("a zip with broken zstandard in it", lambda: member(93, b"\1\2\3" * 9) + A + B + END, 2, "zstd-corrupt"),
        ("zstandard", lambda: zstandard(text(1)), 1, ""),
        ("zstandard in frames, as pzstd has it", lambda: b"".join(b"\x50\x2a\x4d\x18\4\0\0\0abcd" + zstandard(piece) for piece in (text(1) + b"\n", text(2))), 2, ""),
        ("frames with bytes between", lambda: zstandard(text(1)) + b"x" * 99 + zstandard(text(2)), 2, "zstd-trailing"),
        ("an mbox in zstandard", lambda: zstandard(mbox(mails())), 3, ""),
        ("a tar of mails in zstandard, as Dovecot keeps them", lambda: tarred({"cur/1:2,S": zstandard(mail(packed(1))), "cur/2:2,S": zstandard(mail(packed(2)))}), 2, ""),
        ("a mail with zstandard in it", lambda: mail(zstandard(text(1)), media="application/zstd", name=None), 1, ""),
        ("a zip with broken LZMA in it", lambda: member(14, b"\xff" * 99) + A + B + END, 2, "lzma-corrupt"),
        ("a zip with LZMA that asks for 4 GiB", lambda: greedy(0) + A + B + END, 3, ""),
        ("a zip with LZMA that asks for 4 GiB and tells no size", lambda: greedy(2) + A + B + END, 3, ""),
        ("a zip with empty LZMA in it", lambda: member(14, b"") + A + B + END, 2, "lzma-corrupt"),
        ("a zip with sizes in its directory alone", without_sizes, 2, ""),
        (".lzma", lambda: alone(size=False), 1, ""),
        (".lzma with its size", lambda: alone(size=True), 1, ""),
        (".lzma, cut", lambda: alone(size=False)[:100], 0, "lzma-truncated"),
        (".tar.lzma", lambda: lzma.compress(tarred(TWO), format=lzma.FORMAT_ALONE), 2, ""),
        ("zlib", lambda: zlib.compress(text()), 1, ""),
        ("zlib, fast", lambda: zlib.compress(text(), 1), 1, ""),
        ("zlib, best", lambda: zlib.compress(text(), 9), 1, ""),
        ("zlib with a wrong checksum", lambda: flipped(zlib.compress(text()), -2), 0, "zlib-checksum"),
        ("zlib with bytes after", lambda: zlib.compress(text()) + b"x", 1, "zlib-trailing"),
        ("zlib in a mail", lambda: mail(zlib.compress(text())), 1, ""),
        ("gzip behind a byte order mark", lambda: b"\xef\xbb\xbf" + packed(), 1, ""),
        ("gzip behind line breaks", lambda: b"\r\n \r\n" + packed(), 1, ""),
        ("gzip behind a kilobyte of blanks", lambda: b" " * 1_000 + packed(), 1, ""),
        ("gzip behind other bytes", lambda: b"\xff" * 50 + packed(), 1, "leading-bytes"),
        ("gzip members with line breaks between", lambda: packed(1) + b"\r\n" + packed(2), 2, "gzip-trailing"),
        ("gzip members with bytes between", lambda: packed(1) + b"\xff" * 5_000 + packed(2) + b"x", 2, "gzip-trailing"),
        ("bzip2 streams with bytes between", lambda: bz2.compress(text(1)) + b"x" + bz2.compress(text(2)), 2, "bzip2-trailing"),
        ("xz streams with bytes between", lambda: lzma.compress(text(1)) + b"x" + lzma.compress(text(2)), 2, "xz-trailing"),
        ("gzip cut before a good member", lambda: packed(1)[:-60] + packed(2), 1, "gzip-checksum"),
        ("gzip with a wrong checksum before a good member", lambda: wrong_sum(1) + packed(2), 1, "gzip-checksum"),
        ("gzip with a wrong checksum after a good member", lambda: packed(1) + wrong_sum(2), 1, "gzip-checksum"),
        ("gzip with a wrong checksum between good members", lambda: packed(1) + wrong_sum(2) + packed(3), 2, "gzip-checksum"),
        ("gzip broken before a good member", lambda: packed(1)[:40] + b"\xff" * 60 + packed(2), 1, "gzip-corrupt"),
        ("gzips with wrong checksums, 300", lambda: wrong_sum(1) * 300 + packed(2), 0, "gzip-checksum joined"),
        ("lzip", lambda: b"LZIP\1" + bytes(30), 0, "not-a-report"),
    )  # fmt: skip
    yield from table(
        "written",
        ("base64 of gzip", lambda: in_base64(packed()), 1, ""),
        ("base64 of gzip in one line", lambda: base64.b64encode(packed()), 1, ""),
        ("base64 for URLs", lambda: base64.urlsafe_b64encode(packed()), 1, ""),
        ("base64 of zip", lambda: in_base64(zipped(TWO)), 2, ""),
        ("base64 of bzip2", lambda: in_base64(bz2.compress(text())), 1, ""),
        ("base64 of JSON", lambda: in_base64(pretty(1)), 1, ""),
        ("base64 of a mail", lambda: in_base64(mail(packed())), 1, ""),
        ("base64 of gzip in a zip", lambda: zipped({"a": in_base64(packed(1)), "b": in_base64(packed(2))}), 2, ""),
        ("a short word like base64", lambda: b"ewok", 0, "not-a-report"),
        ("uuencode as a file", lambda: uuencoded(packed()), 1, ""),
        ("uuencode behind a greeting", lambda: b"Hello,\n\n" + uuencoded(packed()), 1, "leading-bytes"),
        ("uuencode in the text of a mail", lambda: b"From: a@a.example\n\nHello,\n\n" + uuencoded(packed()), 1, "leading-bytes"),
        ("base64 in pieces, each of them padded", lambda: typed(
            b"application/tlsrpt+gzip", b"\n".join(base64.b64encode(packed()[at : at + 50]) for at in range(0, 999, 50))), 1, ""),
        ("base64 that is gzip", lambda: sent_as(packed(), b"base64"), 1, ""),
        ("base64 that is JSON", lambda: sent_as(text(), b"base64"), 1, ""),
        ("quoted-printable that is base64", lambda: mail(packed()).replace(b": base64", b": quoted-printable"), 1, ""),
        ("JSON in the text of a mail", lambda: b"From: a@a.example\n\nHello,\n\n" + pretty(1) + b"\n-- \nA\n", 1, "leading-bytes json-malformed"),
        ("JSON alone in the text of a mail", lambda: b"From: a@a.example\n\n" + pretty(1), 1, ""),
        ("mails forwarded beside each other", lambda: multipart([b"Content-Type: message/rfc822\n\n" + one for one in mails()], b"outer"), 3, ""),
        ("a digest", lambda: multipart([b"\n" + one for one in mails()], b"outer", b"digest"), 3, ""),
        ("mails in a zip in a mail", lambda: mail(zipped({f"{n}.eml": one for n, one in enumerate(mails())})), 3, ""),
    )  # fmt: skip
    yield from table(
        "json",
        ("comments", lambda: pretty(1).replace(b"{\n", b'{ // "by hand\n', 1) + b"/* end, */", 1, "json-comment"),
        ("a comment before", lambda: b"/* by hand */\n" + text(), 1, "json-comment"),
        ("an open comment", lambda: text(1) + b"\n/*\n" + text(2), 2, "json-malformed"),
        ("trailing commas", lambda: pretty(1).replace(b"\n}", b",\n}").replace(b"\n  ]", b",\n  ]"), 1, "json-trailing-comma"),
        ("two commas", lambda: text()[:-1] + b",,}", 0, "json-malformed"),
        ("a tab in a string", lambda: text().replace(b"Sender", b"\t"), 1, "json-control-character"),
        ("a comment, a comma and a tab", lambda: b"{/**/" + text()[1:-1].replace(b"Sender", b"\t") + b",}", 1,
         "json-comment json-trailing-comma json-control-character"),
        ("a report in an object", lambda: b'{"report": ' + text() + b"}", 1, "report-wrapped"),
        ("reports in a list in an object", lambda: b'{"reports": [' + text(1) + b"," + text(2) + b"]}", 2, "report-wrapped"),
        ("reports deep in an answer", lambda: b'{"hits": {"hits": [{"_source": ' + text(1) + b'}, {"_source": ' + text(2) + b"}]}}", 2, "report-wrapped"),
        ("lines of wrapped reports", lambda: b"\n".join(b'{"report": ' + text(n) + b"}" for n in range(3)), 3, "report-wrapped"),
        ("reports as text in an object", lambda: json.dumps({"Records": [{"body": text(n).decode()} for n in range(2)]}).encode(), 2, "report-wrapped"),
        ("a list of reports as text", lambda: json.dumps([text(n).decode() for n in range(2)]).encode(), 2, "report-wrapped"),
        ("lists in a list", lambda: b"[[" + text(1) + b"],[" + text(2) + b"]]", 2, "report-wrapped"),
        ("a list of reports", lambda: b"[" + text(1) + b"," + text(2) + b"]", 2, ""),
        ("a list with a broken one between", lambda: b"[" + text(1) + b"," + text(2)[:-30] + b"," + text(3) + b"]", 2, "json-malformed"),
        ("a broken one before a good one on its line", lambda: text(1)[:-30] + text(2), 1, "json-malformed"),
        ("other bytes between", lambda: text(1) + b"; x; " + text(2) + b";" + pretty(3), 3, "json-malformed"),
        ("commas between", lambda: text(1) + b"," + text(2) + b",\n" + pretty(3), 3, ""),
        ("lines of a log", lambda: b"".join(b"2026-02-03T00:00:00 INFO report=" + text(n) + b"\n" for n in range(3)), 3,
         "leading-bytes json-malformed not-a-report"),
        ("behind a word", lambda: b"var report = " + text(), 1, "leading-bytes"),
        ("a sequence with one cut", lambda: b"\x1e" + text(1)[:90] + b"\x1e" + text(2) + b"\n", 1, "json-malformed"),
        ("UTF-32 with a mark, big end first", lambda: b"\0\0\xfe\xff" + text().decode().encode("utf-32-be"), 1, "not-utf-8"),
        ("UTF-16 behind blanks", lambda: (" \n" + text().decode()).encode("utf-16-le"), 1, "not-utf-8"),
        ("UTF-16 lines", lambda: b"\n".join(map(text, range(3))).decode().encode("utf-16"), 3, "not-utf-8"),
        ("lines, each with a byte order mark", lambda: b"\n".join(b"\xef\xbb\xbf" + text(n) for n in range(3)), 3, "byte-order-mark"),
    )  # fmt: skip
    yield from table(
        "torn",  # what was lost, silently for the most part, until somebody looked with fresh eyes
        ("an mbox behind a whole mail", lambda: mail(packed(1)) + b"\n" + mbox([mail(packed(2)), mail(packed(3))]), 3, ""),
        ("the same with CR LF", lambda: (mail(packed(9)) + b"\n" + mbox(mails())).replace(b"\n", b"\r\n"), 4, ""),
        *((f"labelled as a mail, beside a good one: {kind}", lambda data=data: multipart(
            [attached(7), b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(data())], b"outer"), 2, "")
          for kind, data in (("bzip2", lambda: bz2.compress(text(1))), ("XZ", lambda: lzma.compress(text(1))), ("zlib", lambda: zlib.compress(text(1))),
                             ("zstandard", lambda: zstandard(text(1))), ("tar", lambda: tarred({"a": text(1)})), ("base64", lambda: base64.encodebytes(packed(1))),
                             ("JSON behind a blank", lambda: b" " + text(1)))),
        ("junk under a report's name, labelled as a mail, beside a good one", lambda: multipart(
            [attached(7), b'Content-Type: message/rfc822; name="a.json.gz"\n\n\xff\xfe\xfd no field\n'], b"outer"), 1, "part-unreadable"),
        ("an mbox behind a field", lambda: b"Received: x\n" + mbox(mails()), 3, "not-a-report"),
        ("an mbox without its first letter", lambda: mbox(mails())[1:], 3, ""),
        ("an mbox behind NULs", lambda: bytes(4_096) + mbox(mails()), 3, "leading-bytes"),
        ("an mbox in a part of a mail, between others", lambda: multipart(
            [attached(7), b"Content-Type: application/mbox\n\n" + mbox(mails()), attached(8)], b"outer"), 5, ""),
        ("a mail with a tar's mark", lambda: SEPARATOR + b"X-Pad: " + b"a" * (250 - len(SEPARATOR)) + b"ustar\n" + mail(packed(9)) + b"\n" + mbox(mails()), 4, ""),
        ("lines that begin with a word", lambda: b"".join(b"data: " + text(n) + b"\n\n" for n in range(3)), 3, "leading-bytes json-malformed"),
        ("lines behind a word and a colon", lambda: b"key: value\n" + text(1) + b"\n" + text(2), 2, "leading-bytes"),
        ("lines cut at their front", lambda: b"\n".join(map(text, range(3)))[3:], 2, "leading-bytes"),
        ("an empty element in a list", lambda: b"[" + text(1) + b",," + text(2) + b",\0," + text(3) + b"]", 3, "json-malformed"),
        ("keys nested too deep", lambda: b'{"policies":' * 1_100 + b"\n" + text(1) + b"\n" + text(2), 2, "json-too-deep"),
        ("a list nested too deep in a list", lambda: b"[" + b"[" * 9_000 + b"]" * 9_000 + b"," + text(1) + b"]", 1, "json-too-deep json-malformed"),
        ("open comments behind commas", lambda: text(1) + b'\n{"report-id" ' + b",/*" * 60_000 + b"\n" + text(2), 2, "json-malformed"),
        *((f"a tar's {kind!r} whose size lies", lambda kind=kind: T1 + header(b"g", b"00000100000\0", kind) + T2 + STOP, 2, "tar-corrupt") for kind in (b"x", b"g", b"L", b"K")),
        ("a tar's folder whose size lies", lambda: T1 + header(b"d/", b"00000100000\0", b"0") + T2 + STOP, 2, "tar-corrupt"),
        ("a tar's file of an unknown kind", lambda: T1 + entry(b"u", text(7), b"Z") + STOP, 2, ""),
        ("a tar's file without a name of its own", lambda: T1 + pax(b"15 path=x.json\n") + entry(b"", text(7)) + STOP, 2, ""),
        *((f"a zip's record {kind!r} between members", lambda kind=kind: A + kind + b"\xff" * 42 + B + END, 2, "") for kind in (b"PK\1\2", b"PK\5\6", b"PK\6\6")),
        ("a zip's member with a damaged signature", lambda: A + b"QK" + local(b"c", text(9))[2:] + B + END, 2, "zip-corrupt"),
        ("a zip's extra field that is too long", lambda: A + local(b"c", text(9), extra_size=0xFFFF) + B + END, 2, "zip-truncated"),
        *((f"a zip's member of {form} behind {field} that is {by} too long", lambda method=method, at=at, by=by: long_head(method, at, by), 1, f"{form}-corrupt")
          for form, method in (("zip", 8), ("bzip2", 12), ("lzma", 14)) for field, at in (("a name", 26), ("an extra field", 28)) for by in (3, 100, 200)),
        ("a zip's encrypted member whose size lies", lambda: A + local(b"s", b"x" * 100, flags=1, packed_size=2**31, size=2**31) + B + END, 2, "zip-encrypted"),
        *((f"a zip's stored member that is {more} too long", lambda more=more: local(b"x", text(9), packed_size=len(text(9)) + more, size=len(text(9)) + more) + A + B + END, 3, "") for more in (1, 4, 40, 9_999)),
        ("base64 for addresses of the web", lambda: mail(packed(1)).replace(
            base64.encodebytes(packed(1)), base64.urlsafe_b64encode(packed(1)) + b"\n"), 1, ""),
        ("a gzip that is labelled a mail", lambda: multipart(
            [b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(packed(1))]), 1, ""),
        *((f"{kind} behind {first}", lambda kind=kind, first=first: FIRST[first] + BEHIND[kind], 3, "")
          for first in FIRST for kind in BEHIND),
        ("a report behind bytes behind a zip", lambda: zipped(TWO) + b"x" * 999 + text(3), 3, ""),
        ("files of four kinds in a row", lambda: packed(1) + zipped({"x": text(4)}) + bz2.compress(text(5)) + packed(3) + text(2), 5, ""),
        ("more files joined than any hand joins", lambda: (zipped({"x": text(4)}) + packed(3)) * 60, 2, "joined duplicate"),
        ("mails joined without a separator", lambda: b"".join(bounded(n) for n in range(5)), 5, ""),
        ("mails joined so, with CR LF", lambda: b"\n".join(bounded(n) for n in range(5)).replace(b"\n", b"\r\n"), 5, ""),
        ("a closing delimiter that came too soon", lambda: mail(packed(1)).replace(b"--b1\nContent-Type: app", b"--b1--\n\n--b1\nContent-Type: app"), 1, ""),
        *((f"{kind} where a part says it is a report", lambda held=held: multipart([part(packed(1)), part(held), part(packed(2))]), 2, "part-unreadable")
          for kind, held in (("HTML", gzip.compress(b"<html>")), ("nothing", gzip.compress(b"")), ("a zip of a text", zipped({"a.txt": b"hi"})),
                             ("a mail that is cut", mail(packed(9))[:300]), ("a byte order mark", b"\xff\xfe"))),
        ("HTML in the only part, which says it is a report", lambda: multipart([part(gzip.compress(b"<html>"))]), 0, "part-unreadable"),
        *((f"{kind} beside a report in a mail's zip", lambda held=held: mail(zipped({"0.json": text(1), "1": held})), 1, "not-a-report")
          for kind, held in (("7-Zip", b"7z\xbc\xaf\x27\x1c" + bytes(50)), ("HTML", b"<html>"), ("nothing", b""))),
        ("three forwards of a large mail, each as a part", lambda: forwards_of(multipart([part(packed(1)), BULK]), 3), 1, ""),
        ("multiparts that are nearly the whole mail, before a forwarded report", lambda: multipart(
            [levels(15, BULK), b"Content-Type: message/rfc822\n\n" + mail(packed(1))], b"out"), 1, "limit-mime-depth"),
        ("a report before the first part", lambda: multipart([part(packed(1))]).replace(b"\n\n--", b"\n\n" + text(3) + b"\n--", 1), 2, ""),
        ("the letters of a bzip2 in a string of a list", lambda: json.dumps([report(n, **{"organization-name": "x BZh91AY&SY x"}) for n in range(3)]).encode(), 3, ""),
        ("the letters of a bzip2 in a string of a line", lambda: b"\n".join([text(1), text(2).replace(b"Sender", b"BZh91AY&SY"), text(3)]), 3, ""),
        *((f"a gzip behind {first}", lambda junk=junk: junk + packed(2), 1, code)
          for first, junk, code in (("the letters of a bzip2", b"BZh91AY&SYxx", "bzip2-corrupt"), ("a damaged bzip2", flipped(bz2.compress(text(1)), 60), "bzip2-corrupt"),
                                    ("a damaged XZ", flipped(lzma.compress(text(1)), 60), "xz-corrupt"))),
        ("a gzip behind a gzip and the letters of a bzip2", lambda: packed(1) + b"BZh91AY&SYxx" + packed(2), 2, "bzip2-corrupt"),
        ("a line with a gzip's mark", lambda: text(1) + b'\n{"a":"\x1f\x8b\x08\0\0\0\0\0\0\x03 x"}\n' + text(2) + b"\n" + text(3), 3, "gzip-corrupt json-malformed"),
        ("a line that begins as uuencode does", lambda: text(1) + b"\nbegin 644 x.txt\n" + text(2) + b"\n" + text(3), 3, "json-malformed"),
        ("words that begin as uuencode does", lambda: typed(b"text/plain", b"We will\nbegin 100 things\n\n" + text(1) + b"\n", b"7bit"), 1, "leading-bytes"),
        *((f"{kind} in a streamed zip of {name}", lambda method=method, first=first: streamed_zip(method, {"a": first, "b": text(2), "c": packed(3)}), loads, code)
          for name, method in (("bzip2", zipfile.ZIP_BZIP2), ("LZMA", zipfile.ZIP_LZMA), ("deflate", zipfile.ZIP_DEFLATED))
          for kind, first, loads, code in (("7-Zip", b"7z\xbc\xaf\x27\x1c" + b"q" * 100, 2, "not-a-report"), ("a report", text(1), 3, ""), ("another zip", zipped({"x": text(1)}), 3, ""))),
        ("JSON between a closing delimiter and a part", lambda: multipart([part(packed(1)), part(packed(3))]).replace(
            b"\n--b1\n" + part(packed(3)), b"\n--b1--\n\n" + text(2) + b"\n--b1\n" + part(packed(3))), 3, ""),
        ("a stored gzip of JSON with a wrong checksum", lambda: gzip.compress(text(1), 0).replace(b"2026-02-01", b"2026-02-02"), 0, "gzip-checksum"),
        ("a stored gzip with a wrong checksum before another gzip", lambda: gzip.compress(text(1), 0).replace(b"2026-02-01", b"2026-02-02") + packed(2), 1, "gzip-checksum"),
        *((f"uuencode under a name of {size} letters", lambda size=size: b"begin 644 " + b"n" * size + b"\n" + b"".join(
            binascii.b2a_uu(packed(1)[at : at + 45]) for at in range(0, len(packed(1)), 45)) + b"`\nend\n", 1, "") for size in (12, 130, 255)),
        *((f"{head!r} and delimiters of two minuses", lambda head=head: multipart([part(packed(1)), part(packed(2))]).replace(
            b'; boundary="b1"', head).replace(b"--b1", b"--"), 2, "") for head in (b"", b'; boundary=""')),
        ("a signature where no boundary is named", lambda: b"From: a@a.example\nContent-Type: multipart/mixed\n\n" + text(1) + b"\n-- \nA. Sender\n", 1, "json-malformed"),
        ("a delimiter right behind a closing one", lambda: multipart([part(packed(1)), part(packed(2))]).replace(
            b"\n--b1\n" + part(packed(2)), b"\n--b1--\n--b1\n" + part(packed(2))), 2, ""),
        ("fences without mails", lambda: b"\1\1\1\1\n" * 2, 0, "not-a-report"),
        ("quoted-printable that was padded on its way", lambda: (
            b"Content-Type: application/tlsrpt+json\nContent-Transfer-Encoding: quoted-printable\n\n"
            + quopri.encodestring(text(1)).replace(b"=\n", b"= \t\n")), 1, ""),
        ("a part whose blank line holds a blank", lambda: multipart([part(packed(1)).replace(b"base64\n\n", b"base64\n \n"), part(packed(2))]), 2, ""),
        ("open strings that end in a backslash", lambda: text(1) + b'\n{"report-id":' + b'"\\' * 200_000, 1, "json-malformed"),
        ("a part without a blank line", lambda: multipart([part(packed(1)).replace(b"base64\n\n", b"base64\n"), part(packed(2))]), 2, ""),
        ("JSON behind an mbox's separator", lambda: SEPARATOR + text(1) + b"\n\n" + SEPARATOR + mail(packed(2)), 2, ""),
        ("base64 behind an mbox's separator", lambda: SEPARATOR + base64.encodebytes(packed(1)) + b"\n", 1, ""),
        ("lines behind a report of DMARC", lambda: b"<feedback></feedback>\n" + text(1) + b"\n" + text(2), 2, "leading-bytes"),
        ("what looks like base64 inside, and is prose", lambda: b"x\n" * 30 + b"UEsDB" + b"a" * 36 + b" hello", 0, "not-a-report"),
        ("the same in a part", lambda: multipart([b"Content-Type: text/plain\n\n" + b"H4sI\n" + b"x\n" * 30 + b"UEsDB" + b"a" * 36 + b" hello", part(packed(1))]), 1, ""),
        ("base64 behind a byte order mark", lambda: b"\xef\xbb\xbf" + base64.encodebytes(packed(1)), 1, ""),
        ("base64, and then JSON", lambda: base64.b64encode(packed(1)) + b"\n" + text(2) + b"\n" + text(3), 3, ""),
        ("NULs behind a list's bracket", lambda: b"[" + bytes(50) + b",\n" + text(1) + b",\n" + text(2) + b"]", 2, "json-malformed"),
        *((f"base64 behind {first[:12]!r}", lambda first=first, last=last: first + base64.encodebytes(packed(1)) + last, 1, "leading-bytes")
          for first, last in ((b"-----BEGIN TLSRPT-----\n", b"-----END TLSRPT-----\n"), (b"begin-base64 644 a.gz\n", b"====\n"), (b"Report below:\n\n", b""))),
        ("base64 behind a greeting in a mail", lambda: b"From: a@a.example\nSubject: x\n\nHello,\n\n" + base64.encodebytes(packed(1)) + b"\n-- \nx\n", 1, "leading-bytes"),
        ("JSON between gzips", lambda: packed(1) + text(5) + packed(2) + packed(3), 4, ""),
        ("JSON that is cut between gzips", lambda: packed(1) + text(5)[:100] + packed(2) + packed(3), 3, "json-malformed"),
        *((f"tars with {gap[:1]!r} between, out of step", lambda gap=gap: T1 + STOP + gap * 700 + T2 + STOP, 2, "tar-corrupt") for gap in (b"\0", b"\xff")),
        ("a tar with a byte too many", lambda: T1[:-9] + b"x" + T1[-9:] + T2 + entry(b"3", text(3)) + STOP, 3, "tar-corrupt"),
        ("a gzip behind other bytes in a mail", lambda: mail(b"\xff" * 50 + packed(1)), 1, "leading-bytes"),
        *((f"{kind} as whole mails, joined without a separator", lambda made=made: b"".join(
            typed(b"application/octet-stream", base64.encodebytes(made(n))) for n in range(4)), 4, "")
          for kind, made in (("zips", lambda n: zipped({"x": text(n)})), ("gzips", packed), ("JSON", text))),
        *((f"mails joined, each beginning with {field!r}", lambda field=field: b"".join(
            field + b": x\n" + bounded(n) for n in range(9)), 9, "")
          for field in (b"To", b"X-Original-To", b"Authentication-Results", b"ARC-Seal", b"TLS-Report-Domain", b"Sender", b"Status", b"Envelope-To",
                        b"Delivery-Date", b"Resent-From", b"Cc", b"Thread-Topic", b"Importance", b"User-Agent", b"Old-Return-Path", b"Lines")),
        ("mails with and without parts joined", lambda: b"".join(
            typed(b"application/tlsrpt+gzip", base64.encodebytes(packed(n))) + bounded(n + 50) for n in range(9)), 18, ""),
        ("the same, those with parts first", lambda: b"".join(
            bounded(n + 50) + typed(b"application/tlsrpt+gzip", base64.encodebytes(packed(n))) for n in range(9)), 18, ""),
        *((f"{kind} under {label!r} {where}", lambda held=held, label=label, head=head: head + label + held, 1, "leading-bytes")
          for kind, held in (("base64", base64.encodebytes(packed(1))), ("a uuencoded file", uuencoded(packed(1))))
          for label in (b"Report:\n", b"File: a.json.gz\nSize: 300\n")
          for where, head in (("alone", b""), ("in a mail", b"From: a@a.example\nSubject: x\n\n"))),
        ("base64 twice in a text", lambda: b"Hello,\n\n" + in_base64(packed(1)) + b"\nand\n\n" + in_base64(packed(2)), 2, "leading-bytes"),
        *((f"quoted-printable called {name!r}", lambda name=name: typed(
            b"application/tlsrpt+json", quopri.encodestring(text(1))).replace(b": base64", b": " + name), 1, "")
          for name in (b"quoted-printable (by hand)", b"(by hand) quoted-printable", b"Quoted_Printable", b"qp")),
        ("base64 with a comment", lambda: mail(packed()).replace(b": base64", b": (RFC 822) base64"), 1, ""),
        *((f"{what} that is labelled {encoding!r}", lambda held=held, encoding=encoding: sent_as(held, encoding), 1, code)
          for what, held, code in (("JSON", text(1), ""), ("JSON with a mark", b"\xef\xbb\xbf" + text(1), "byte-order-mark"), ("a list", b"[" + text(1) + b"]", ""))
          for encoding in (b"base64", b"x-uuencode")),
        *((f"a zip of version {version!r} behind other bytes", lambda version=version: b"hello\n" + (A + END).replace(
            b"PK\3\4\x14\0", b"PK\3\4" + version), 1, "leading-bytes") for version in (b"\0\0", b"\x14\3")),
        ("a tar behind a line break", lambda: b"\n" + T1 + T2 + STOP, 2, ""),
        ("mails joined by form feeds", lambda: b"\n\f\n".join(bounded(n) for n in range(9)), 9, ""),
        *((f"{kind} behind JSON", lambda held=held: text(1) + b"\n" + held, 2, "")
          for kind, held in (("an mbox", mbox([mail(packed(2))])), ("base64", base64.encodebytes(packed(2))), ("a uuencoded file", uuencoded(packed(2))),
                             ("bzip2", bz2.compress(text(2))), ("xz", lzma.compress(text(2))), ("zstandard", zstandard(text(2))))),
        ("an mbox behind JSON in a gzip", lambda: gzip.compress(text(1) + b"\n" + mbox([mail(packed(2)), mail(packed(3))])), 3, ""),
        *((f"{kind} behind {first}", lambda held=held, raw=raw: raw + held, 2, "")
          for first, raw in (("zlib", zlib.compress(text(1))), ("lzma", lzma.compress(text(1), lzma.FORMAT_ALONE)))
          for kind, held in (("a gzip", packed(2)), ("JSON", text(2)))),
        *((f"{banner!r} above {kind}", lambda banner=banner, held=held: b"From: a@a.example\nSubject: x\n\n" + banner + b"\n\n" + held, 1, "leading-bytes")
          for banner in (b"[EXTERNAL] careful!", b"{Spam?}")
          for kind, held in (("a uuencoded file", uuencoded(packed(1))), ("base64", base64.encodebytes(packed(1))))),
        ("base64 of a zip in the text of a mail", lambda: b"From: a@a.example\nSubject: x\n\nHello,\n\n" + base64.encodebytes(zipped({"x": text(1)})) + b"\n-- \nx\n", 1, "leading-bytes"),
        ("a boundary that nobody named, far down", lambda: multipart([part(text(1))]).replace(b'; boundary="b1"', b"").replace(b"\n\n--b1", b"\n\n" + b"words\n" * 5_000 + b"--b1", 1), 1, ""),
        ("two zips in base64 in what a form posts", lambda: b"".join(
            b"------form\r\nContent-Disposition: form-data; name=x\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(zipped({"x": text(n)})) for n in range(2)) + b"------form--\r\n", 2, ""),
    )  # fmt: skip
