"""What an adversary's generator once lost: each must load for good."""

import base64
import binascii
import gzip
import json
import struct
import zlib
from collections.abc import Iterator

from tests.archive.building import mail, packed, tarred, text, zipped
from tests.hostile.inputs import Hostile, table


def described(content: bytes, *, stored: bool, signed: bool = True, wide: bool = False) -> bytes:
    """A zip's member whose size stands behind it."""
    if stored:
        body = content
    else:
        machine = zlib.compressobj(9, zlib.DEFLATED, -15)
        body = machine.compress(content) + machine.flush()
    head = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 8, 0 if stored else 8, 0, 33, 0, 0, 0, 1, 0)
    sizes = struct.pack("<L2Q" if wide else "<3L", zlib.crc32(content), len(body), len(content))
    return head + b"a" + body + (b"PK\x07\x08" if signed else b"") + sizes


END = b"PK\x05\x06" + bytes(18)
BROKEN = (
    struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 8, 8, 0, 33, 0, 0, 0, 1, 0)
    + b"a" + b"\xff" * 500 + b"PK\x07\x08" + bytes(12)
)  # fmt: skip


def of_old_tar() -> bytes:
    """A name past ASCII, and a checksum over signed bytes."""
    raw = tarred({"a": text()})
    head = b"\xe9\xe9".ljust(100, b"\0") + raw[100:148] + b" " * 8 + raw[156:512]
    total = sum(byte - 256 if byte > 127 else byte for byte in head)
    return head[:148] + b"%06o\0 " % total + head[156:] + raw[512:]


def damaged() -> bytes:
    """A tar.gz of twenty reports that do not pack, broken in its middle."""
    made = [
        json.dumps({**json.loads(text(n)), "x": _noise(n)}).encode() for n in range(20)
    ]  # fmt: skip
    raw = gzip.compress(tarred({f"{n}": one for n, one in enumerate(made)}), mtime=0)
    at = len(raw) // 2
    return raw[:at] + b"\xff" * 30 + raw[at + 30 :]


def _noise(n: int) -> str:
    import random

    return random.Random(n).randbytes(1_000).hex()


def uuencoded() -> bytes:
    raw = packed()
    lines = [binascii.b2a_uu(raw[at : at + 45]) for at in range(0, len(raw), 45)]
    body = b"begin 644 a.json.gz\n" + b"".join(lines) + b"`\nend\n"
    return mail(b"").replace(b": base64\n\n", b": x-uuencode\n\n" + body)


def inputs() -> Iterator[Hostile]:
    array = b"[" + text(1) + b", " + text(2)
    yield from table(
        "found",
        ("a gzip padded with zeros between members", lambda: packed(1) + bytes(512) + packed(2), 2, ""),
        ("a tar.gz broken in its middle", damaged, 9, "gzip-checksum tar-truncated json-malformed unknown-key"),
        ("two zips in a row", lambda: zipped({"a": text(1)}) + zipped({"b": text(2)}), 2, ""),
        ("a stored member before its size", lambda: described(text(1), stored=True) + described(text(2), stored=True) + END, 2, ""),
        ("the same in Zip64", lambda: described(text(1), stored=True, wide=True) + described(text(2), stored=True, wide=True) + END, 2, ""),
        ("the same without signatures", lambda: described(text(1), stored=True, signed=False) + described(text(2), stored=False) + b"PK\x01\x02" + bytes(42) + END, 2, ""),
        ("a stored member in a stored one", lambda: described(zipped({"a": text(1), "b": text(3)}), stored=True) + described(text(2), stored=True) + END, 3, ""),
        ("a stored member that never tells its size", lambda: described(text(1), stored=True)[:-12] + described(text(2), stored=False) + END, 1, "zip-unsized"),
        ("broken data of unknown size", lambda: described(text(1), stored=False) + BROKEN + described(text(2), stored=False) + END, 2, "zip-corrupt"),
        ("a tar with a signed checksum", of_old_tar, 1, ""),
        ("a list that is cut", lambda: array, 2, "json-malformed"),
        ("a list with a comma too many", lambda: array + b",]", 2, "json-trailing-comma"),
        ("a list cut in an object", lambda: array + b", " + text(3)[:90], 2, "json-malformed"),
        ("marks before each document", lambda: b"\xef\xbb\xbf" + text(1) + b"\n\xef\xbb\xbf" + text(2), 2, "byte-order-mark"),
        ("a JSON text sequence", lambda: b"\x1e" + text(1) + b"\n\x1e" + text(2) + b"\n", 2, ""),
        ("a megabyte of blanks before", lambda: b" \n" * 500_000 + text(), 1, ""),
        ("uuencode", uuencoded, 1, ""),
        ("base64 of base64", lambda: mail(base64.encodebytes(packed())), 1, ""),
        ("base64 that no header names", lambda: mail(packed()).replace(b"Content-Transfer-Encoding: base64\n", b""), 1, ""),
        ("base64 in quotes", lambda: mail(packed()).replace(b": base64", b': "base64"'), 1, ""),
        ("a mail whose lines end in CR", lambda: mail(packed(), newline="\r"), 1, ""),
    )  # fmt: skip
