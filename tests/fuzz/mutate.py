"""Mutation that knows what it mutates: inside gzip, zip, tar and base64, then packed again.

A flipped bit in a gzip is a wrong checksum and no more; what is to be tried lies within.
"""

import base64
import gzip
import io
import random
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable

_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{20,}={0,2}\r?\n)+")

Plain = Callable[[bytes, random.Random], bytes]
"""How bytes without structure are mutated."""


def mutate(data: bytes, dice: random.Random, plain: Plain, depth: int = 0) -> bytes:
    """Change one thing in some bytes, at a layer that chance decides."""
    if depth > 4 or dice.random() < 0.2:
        return plain(data, dice)
    inside: Plain = lambda inner, dice: mutate(inner, dice, plain, depth + 1)  # noqa: E731
    try:
        if data[:2] == b"\x1f\x8b":
            return gzip.compress(inside(zlib.decompress(data, 31), dice), 1, mtime=0)
        if data[:4] == b"PK\x03\x04":
            return _zip(data, dice, inside)
        if data[257:262] == b"ustar":
            return _tar(data, dice, inside)
    except (
        OSError,
        ValueError,
        zlib.error,
        zipfile.BadZipFile,
        tarfile.TarError,
        NotImplementedError,
        RuntimeError,
        EOFError,
    ):
        return plain(data, dice)
    found = _BASE64.search(data)
    if found and dice.random() < 0.7:
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", found[0])
        inner = inside(base64.b64decode(letters[: len(letters) & ~3]), dice)
        return data[: found.start()] + base64.encodebytes(inner) + data[found.end() :]
    return plain(data, dice)


def _zip(data: bytes, dice: random.Random, inside: Plain) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = [(info.filename, archive.read(info)) for info in archive.infolist()]
    chosen = dice.randrange(len(files)) if files else 0
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for n, (name, content) in enumerate(files):
            how = dice.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
            archive.writestr(name, inside(content, dice) if n == chosen else content, how)
    return raw.getvalue()


def _tar(data: bytes, dice: random.Random, inside: Plain) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        files = [(m.name, f.read()) for m in archive if (f := archive.extractfile(m))]
    chosen = dice.randrange(len(files)) if files else 0
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for n, (name, content) in enumerate(files):
            kept = inside(content, dice) if n == chosen else content
            entry = tarfile.TarInfo(name)
            entry.size = len(kept)
            archive.addfile(entry, io.BytesIO(kept))
    return raw.getvalue()


WORDS = (
    b"\0", b"\xff", b"\n", b"\r\n", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"=", b";", b" ", b"--", b"null", b"true", b"-1",
    b"1e400", b"NaN", b"9223372036854775808", b"\\ud800", b"\\u0000", b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08",
    b"From a Mon 0:00\n", b"\n\nFrom ", b"Content-Type: multipart/mixed; boundary=b\n\n--b\n", b"Content-Transfer-Encoding: base64\n",
    b"message/rfc822", b"policies", b"policy-string", b"summary", b"failure-details", b"report-id", b"0001-01-01", b"9999-12-31", b"+99:99",
    b"v=STSv1", b"v=TLSRPTv1", b"rua=", b"mailto:", b"https://", b"id=", b"max_age", b"mode", b"mx", b"xn--", b"*.", "\u202e".encode(), b"250-",
)  # fmt: skip


def edited(data: bytes, dice: random.Random) -> bytes:
    """Make some edits, each small: a byte, a word of the field's own, a piece doubled, moved or cut."""
    raw = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        at = dice.randrange(len(raw) + 1)
        to = min(len(raw), at + dice.choice((1, 2, 8, 64)))
        what = dice.randrange(6)
        if what == 0:
            raw[at:at] = dice.choice(WORDS)
        elif what == 1:
            raw[at:to] = dice.choice(WORDS)
        elif what == 2:
            raw[at:to] = b""
        elif what == 3:
            raw[at:at] = raw[at:to] * dice.choice((1, 2, 50))
        elif what == 4 and at < len(raw):
            raw[at] ^= 1 << dice.randrange(8)
        elif what == 5:
            other = dice.randrange(len(raw) + 1)
            raw[other:other] = raw[at:to]
    return bytes(raw)
