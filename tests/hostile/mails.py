"""Mails and mailboxes made to break their reader."""

import base64
import binascii
import gzip
from collections.abc import Iterator

from tests.archive.building import mail, mbox, packed, text, zipped
from tests.hostile.inputs import Hostile, table

SEPARATOR = b"From a@a.example Mon Feb  2 04:05:06 2026\n"
PLAIN = b"From: a@a.example\nSubject: lunch\n\nnoon?\n"


def headed(field: bytes) -> bytes:
    """A good report mail with a field in front of all others."""
    return field + b"\n" + mail(packed())


def typed(content_type: bytes, body: bytes = b"", encoding: bytes = b"base64") -> bytes:
    """A mail that is nothing but a report, under some Content-Type."""
    return (
        b"From: a@a.example\nContent-Transfer-Encoding: " + encoding + b"\nContent-Type: " + content_type
        + b"\n\n" + (body or base64.encodebytes(packed()))
    )  # fmt: skip


def multipart(parts: list[bytes], boundary: bytes = b"b1", kind: bytes = b"mixed") -> bytes:
    return (
        b"From: a@a.example\nContent-Type: multipart/" + kind + b'; boundary="' + boundary + b'"\n\n'
        + b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts)
        + b"--" + boundary + b"--\n"
    )  # fmt: skip


def attached(n: int = 0) -> bytes:
    return (
        b"Content-Type: application/tlsrpt+gzip\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(packed(n))
    )


def levels(count: int, inner: bytes) -> bytes:
    """Multiparts inside each other."""
    head = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(count)
    )
    return b"From: a@a.example\n" + head + inner


def forwarded(times: int) -> bytes:
    return b"From: b@b.example\nContent-Type: message/rfc822\n\n" * times + mail(packed())


def encoded(content: bytes, encoding: str, media: str = "application/tlsrpt+gzip") -> bytes:
    """A mail whose report part is these very bytes."""
    return mail(content, media=media, encoding=encoding)


def several(count: int) -> bytes:
    return multipart([attached(n) for n in range(count)])


def long_lines(newline: bytes) -> bytes:
    return mail(packed()).replace(
        base64.encodebytes(packed()), base64.b64encode(packed()) + newline
    )


def inputs() -> Iterator[Hostile]:
    yield from table(
        "header",
        ("From: <", lambda: mail(packed()).replace(b"Sender A <tls@a.example>", b"<"), 1, ""),
        ("From of 100,000 brackets", lambda: headed(b"From: " + b"<" * 100_000), 1, ""),
        ("a Date of year 99999999999", lambda: headed(b"Date: Mon, 02 Feb 99999999999 04:05:06 +0000"), 1, ""),
        ("a Date of 32 February", lambda: headed(b"Date: Mon, 32 Feb 2026 04:05:06 +0000"), 1, ""),
        ("a Date in zone +9999", lambda: headed(b"Date: Mon, 02 Feb 2026 04:05:06 +9999"), 1, ""),
        ("a Date of digits", lambda: headed(b"Date: " + b"1 " * 100_000), 1, ""),
        ("a Subject of encoded words", lambda: headed(b"Subject: " + b"=?utf-8?q?=61?= " * 28_000), 1, ""),
        ("encoded words without an end", lambda: headed(b"Subject: " + b"=?" * 200_000), 1, ""),
        ("a Message-ID of 1 MB", lambda: headed(b"Message-ID: <" + b"x" * 10_000), 1, ""),
        ("a field of 500 KB", lambda: headed(b"X-Long: " + b"x" * 500_000), 1, ""),
        ("a field folded 50,000 times", lambda: headed(b"Subject: x" + b"\n  y" * 50_000), 1, ""),
        ("50,000 fields", lambda: headed(b"\n".join(b"X-%d: y" % n for n in range(50_000))), 1, ""),
        ("50,000 Received", lambda: headed(b"\n".join([b"Received: by a"] * 50_000)), 1, ""),
        ("a NUL in a name", lambda: headed(b"X\0Y: z"), 1, ""),
        ("bytes past ASCII", lambda: headed(b"Subject: \xff\xfe\xfd"), 1, ""),
        ("no colon", lambda: headed(b"X-First: 1\nthis is no field at all"), 1, ""),
        ("a colon alone", lambda: headed(b"X-First: 1\n: value"), 1, ""),
        ("3 MB without an end", lambda: b"X: " + b"a" * 3_000_000 + b"\n\n", 0, "not-a-report"),
        ("a header past the limit, report after", lambda: headed(b"X: " + b"a" * 1_100_000), 1, "leading-bytes"),
        ("no blank line", lambda: b"From: a@a.example\nContent-Type: application/tlsrpt+gzip\n", 0, "part-unreadable"),
        ("only fields", lambda: b"Subject: x", 0, "not-a-report"),
        ("the first Content-Type counts", lambda: typed(b"application/tlsrpt+gzip\nContent-Type: multipart/mixed; boundary=zz"), 1, ""),
        ("upper case", lambda: typed(b"APPLICATION/TLSRPT+GZIP").replace(b"base64", b"BASE64"), 1, ""),
        ("CR alone", lambda: PLAIN.replace(b"\n", b"\r"), 0, "not-a-report"),
        ("CR CR LF", lambda: mail(packed()).replace(b"\n", b"\r\r\n"), 1, ""),
    )  # fmt: skip
    yield from table(
        "content type",
        ("64 KB of ;", lambda: typed(b"application/tlsrpt+gzip" + b";" * 65_536), 1, ""),
        ('64,000 pairs of \\";', lambda: typed(b"application/tlsrpt+gzip; name=" + b'\\";' * 64_000), 1, ""),
        ("50,000 open quotes", lambda: typed(b"application/tlsrpt+gzip" + b';a="' * 50_000), 1, ""),
        ("quoted backslashes", lambda: typed(b'application/tlsrpt+gzip; name="' + b"\\" * 100_000), 1, ""),
        ("10,000 sections", lambda: typed(b"application/tlsrpt+gzip" + b"".join(b"; name*%d=x" % n for n in range(10_000))), 1, ""),
        ("section 10^9", lambda: typed(b"application/tlsrpt+gzip; name*1000000000=x"), 1, ""),
        ("percents", lambda: typed(b"application/octet-stream; name*=utf-8''" + b"%" * 50_000), 1, ""),
        ("nested comments", lambda: typed(b"application/tlsrpt+gzip " + b"(" * 50_000), 1, ""),
        ("no subtype", lambda: typed(b"application"), 1, ""),
        ("nothing", lambda: typed(b""), 1, ""),
        ("an image", lambda: typed(b"image/png"), 1, ""),
        ("message/partial", lambda: typed(b"message/partial; number=1; total=99"), 1, ""),
        ("message/external-body", lambda: typed(b"message/external-body; access-type=URL; URL=file:///etc/passwd"), 1, ""),
        ("message/rfc822 of nothing", lambda: typed(b"message/rfc822", b"\n", b"7bit"), 0, "not-a-report"),
        ("a charset that is none", lambda: typed(b"application/tlsrpt+gzip; charset=../../x"), 1, ""),
        ("a path for a name", lambda: typed(b'application/gzip; name="../../../etc/cron.d/x.json.gz"'), 1, ""),
    )  # fmt: skip
    yield from table(
        "multipart",
        ("no boundary", lambda: multipart([attached()]).replace(b'; boundary="b1"', b""), 1, ""),
        ("an empty boundary", lambda: multipart([attached()]).replace(b'"b1"', b'""'), 1, ""),
        ("another boundary", lambda: multipart([attached()]).replace(b'"b1"', b'"zz"'), 1, ""),
        ("a boundary of pattern signs", lambda: multipart([attached()], b"(.*)+[a-z]{9}$"), 1, ""),
        ("a boundary of 60,000 bytes", lambda: multipart([attached()], b"b" * 60_000), 1, "leading-bytes"),
        ("a boundary of 7,000 bytes", lambda: multipart([attached()], b"b" * 7_000), 1, ""),
        ("a boundary that begins another", lambda: multipart([multipart([attached()], b"b11"), attached(1)]), 2, ""),
        ("one boundary for two levels", lambda: multipart([multipart([attached()])]), 1, ""),
        ("a boundary of dashes", lambda: multipart([attached()], b"--"), 1, ""),
        ("never closed", lambda: multipart([attached()])[:-8], 1, ""),
        ("closed first", lambda: multipart([attached()]).replace(b"\n\n--b1", b"\n\n--b1--\n--b1", 1), 1, ""),
        ("only delimiters", lambda: multipart([]) + b"--b1\n" * 1_500, 0, "not-a-report"),
        ("3,000 empty parts", lambda: multipart([b""] * 3_000), 0, "limit-mime-parts"),
        ("500,000 empty parts", lambda: multipart([b""] * 500_000), 0, "limit-mime-parts"),
        ("a report, then 3,000 parts", lambda: multipart([attached(), *[b"\n"] * 3_000]), 1, "limit-mime-parts"),
        ("19 levels", lambda: levels(19, attached()), 1, ""),
        ("900 levels", lambda: levels(900, attached()), 0, "limit-mime-depth"),
        ("900 levels beside a report", lambda: multipart([attached(), levels(900, b"")]), 1, "limit-mime-depth"),
        ("900 levels of 30 parts", lambda: levels(900, b"\n--b0\n" * 30), 0, "limit-mime-depth"),
        ("10,000 lines that begin a delimiter", lambda: multipart([b"\n" + b"--b1x\n" * 10_000, attached()]), 1, ""),
        ("100,000 half delimiters", lambda: multipart([b"\n" + b"\n--b" * 100_000, attached()]), 1, ""),
        ("white space after a delimiter", lambda: multipart([attached()]).replace(b"--b1\n", b"--b1 \t \n"), 1, ""),
        ("100 reports", lambda: several(100), 100, ""),
        ("multipart/tlsrpt without parts", lambda: b"From: a@a.example\nContent-Type: multipart/tlsrpt\n\n", 0, "part-unreadable"),
        ("base64 on a multipart", lambda: multipart([attached()]).replace(b"From:", b"Content-Transfer-Encoding: base64\nFrom:", 1), 1, ""),
        ("forwarded 5 times", lambda: forwarded(5), 1, ""),
        ("forwarded 100 times", lambda: forwarded(100), 0, "limit-mime-depth"),
        ("forwarded 10,000 times", lambda: forwarded(10_000), 0, "limit-mime-depth"),
    )  # fmt: skip
    yield from table(
        "part",
        ("no base64", lambda: encoded(b"\xff\xfe*** not ***", "7bit").replace(b": 7bit", b": base64"), 0, "part-unreadable"),
        ("base64 of one letter", lambda: typed(b"application/tlsrpt+gzip", b"A"), 0, "part-unreadable"),
        ("base64 without padding", lambda: typed(b"application/tlsrpt+gzip", base64.b64encode(packed()).rstrip(b"=")), 1, ""),
        ("base64 in one line", lambda: long_lines(b"\n"), 1, ""),
        ("base64 with junk between", lambda: typed(b"application/tlsrpt+gzip", base64.encodebytes(packed()).replace(b"\n", b" !*\n")), 1, ""),
        ("base64 of 4 MB of junk", lambda: typed(b"application/tlsrpt+gzip", b"*" * 4_000_000), 0, "part-unreadable"),
        ("a footer after the base64", lambda: typed(b"application/tlsrpt+gzip", base64.encodebytes(packed() + b"\0") + b"\n-- \n_____\n"), 1, "gzip-trailing"),
        ("quoted-printable of gzip", lambda: typed(b"application/tlsrpt+gzip", binascii.b2a_qp(packed(), istext=False), b"quoted-printable"), 1, ""),
        ("1 MB of =", lambda: typed(b"application/tlsrpt+json", b"=" * 1_000_000, b"quoted-printable"), 0, "part-unreadable"),
        ("an encoding that is none", lambda: typed(b"application/tlsrpt+json", text(), b"x-rot13"), 1, ""),
        ("binary", lambda: typed(b"application/tlsrpt+gzip", packed(), b"binary"), 1, ""),
        ("a bomb", lambda: mail(gzip.compress(b"{" + b" " * 100_000_000)), 0, "limit-report-bytes"),
        ("a gzip cut", lambda: mail(packed()[:80]), 0, "gzip-truncated"),
        ("gzip of 100,000 brackets", lambda: mail(gzip.compress(b"[" * 100_000)), 0, "json-too-deep"),
        ("PDF", lambda: mail(b"%PDF-1.7 ...", name="invoice.pdf", media="application/pdf"), 0, "not-a-report"),
        ("PDF that claims to be a report", lambda: mail(b"%PDF-1.7 ..."), 0, "part-unreadable"),
        ("three killers and a report", lambda: multipart([attached(), *[attached().replace(b"H4sI", b"####")] * 3]), 1, "part-unreadable"),
        ("a report quoted by a human", lambda: b"From: a@a.example\n\n> " + text() + b"\n", 0, "not-a-report"),
        ("a report forwarded in the text", lambda: b"From: a@a.example\nContent-Type: text/plain\n\n" + text(), 1, ""),
    )  # fmt: skip
    yield from table(
        "mbox",
        ("no separator date", lambda: b"From nobody\n" + mail(packed(1)) + b"\nFrom nobody\n" + mail(packed(2)), 2, ""),
        ("only separators", lambda: SEPARATOR * 5_000, 0, "not-a-report"),
        ("a separator that is no UTF-8", lambda: mbox([mail(packed(1)), mail(packed(2))], b"From \xff\xfe@\xc0 Mon Feb  2 04:05:06 2026\n"), 2, ""),
        ("a separator of 900 bytes", lambda: mbox([mail(packed(1)), mail(packed(2))], b"From " + b"a" * 850 + b" Mon Feb  2 04:05:06 2026\n"), 2, ""),
        ("a separator of 5,000 bytes", lambda: mbox([mail(packed(1))]) + b"From " + b"a" * 5_000 + b"\n" + mail(packed(2)), 2, ""),
        ("CR LF", lambda: mbox([mail(packed(n), newline="\r\n") for n in (1, 2)], SEPARATOR.replace(b"\n", b"\r\n")), 2, ""),
        ("a byte order mark", lambda: b"\xef\xbb\xbf" + mbox([mail(packed(1)), mail(packed(2))]), 2, ""),
        ("garbage first", lambda: b"\n\n" + mbox([mail(packed(1))]), 1, ""),
        ("NULs between", lambda: mbox([mail(packed(1)), b"\0" * 100_000, mail(packed(2))]), 2, "not-a-report"),
        ("100,000 From in a body", lambda: mbox([PLAIN + b"From here\n" * 100_000, mail(packed(2))]), 1, "not-a-report"),
        ("quoted From", lambda: mbox([mail(packed(1)).replace(b"This is", b">From us, this is"), mail(packed(2))]), 2, ""),
        ("an mbox in a mail", lambda: multipart([b"Content-Type: application/mbox\n\n" + mbox([mail(packed(1)), mail(packed(2))])], b"outer"), 2, ""),
        ("an endless line", lambda: mbox([mail(packed(1)), b"X: y\n\n" + b"x" * 5_000_000, mail(packed(2))]), 2, "not-a-report"),
        ("one mail three times", lambda: mbox([mail(packed(1))] * 3), 1, "duplicate"),
        ("two that conflict", lambda: mbox([mail(packed(1)), mail(gzip.compress(text(1).replace(b"10", b"11")))]), 2, "conflict"),
    )  # fmt: skip
    yield from table(
        "mbox",
        ("45 MB in one mail", lambda: mbox([mail(packed(1)), b"X: y\n\n" + b"x" * 45_000_000, mail(packed(2))]), 2, "limit-mail-bytes"),
        ("39 MB in one mail", lambda: mbox([mail(packed(1)), b"X: y\n\n" + b"x\n" * 19_500_000, mail(packed(2))]), 2, "not-a-report"),
        ("200,000 mails of one byte", lambda: mbox([b"x"] * 200_000 + [mail(packed(1))]), 1, "not-a-report"),
        slow=True,
    )  # fmt: skip
    yield from table(
        "mail",
        ("a zip of 110,000 files", lambda: mail(many_files(110_000)), 50_001,
         "limit-items zip-truncated contact-info-missing date-range-missing organization-name-missing"),
        ("nested archives of 600 MB", lambda: mail(zipped({f"{n}.json": b"[" + b" " * 30_000_000 + b"1]" for n in range(20)})), 0,
         "not-a-report limit-expansion limit-odd"),
        ("a million fields", lambda: headed(b"\n".join([b"X: y"] * 150_000)), 1, ""),
        slow=True,
    )  # fmt: skip


def many_files(count: int) -> bytes:
    from tests.hostile.containers import local

    short = b'{"report-id": "%d", "policies": []}'
    return b"".join(local(b"%d" % n, short % n) for n in range(count))
