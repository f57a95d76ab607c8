"""Compressed data and archives made to break their reader."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from tests.archive.building import packed, tarred, text, zipped, zstandard
from tests.hostile.inputs import Hostile, table

GOOD = {"a.json": text(1), "b.json": text(2)}


def member(n: int, flags: int = 0, extra: bytes = b"") -> bytes:
    """A gzip member with the header fields that flags ask for (RFC 1952 §2.3)."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflater.compress(text(n)) + deflater.flush()
    tail = struct.pack("<2L", zlib.crc32(text(n)), len(text(n)))
    return b"\x1f\x8b\x08" + bytes([flags]) + b"\0" * 6 + extra + body + tail


def nested(times: int) -> bytes:
    raw = text()
    for _ in range(times):
        raw = gzip.compress(raw)
    return raw


def local(
    name: bytes,
    content: bytes,
    *,
    method: int = 0,
    flags: int = 0,
    packed_size: int | None = None,
    size: int | None = None,
    crc: int | None = None,
    extra: bytes = b"",
    extra_size: int | None = None,
    tail: bytes = b"",
) -> bytes:
    """A zip's local header and member (APPNOTE.TXT 4.3.7), each field as one likes."""
    body = content
    if method == 8:
        deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = deflater.compress(content) + deflater.flush()
    return (
        struct.pack(
            "<4s5H3L2H",
            b"PK\x03\x04", 20, flags, method, 0, 0,
            zlib.crc32(content) if crc is None else crc,
            len(body) if packed_size is None else packed_size,
            len(content) if size is None else size,
            len(name),
            len(extra) if extra_size is None else extra_size,
        )
        + name + extra + body + tail
    )  # fmt: skip


def raw(method: int, content: bytes) -> bytes:
    """A member that is packed already, and does not tell what it gives."""
    head = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 2, method, 0, 0, 0, len(content), 0, 1, 0)
    return head + b"x" + content


A, B = local(b"a.json", text(1)), local(b"b.json", text(2))
END = b"PK\x05\x06" + b"\0" * 18


def described(n: int, signature: bytes = b"PK\x07\x08") -> bytes:
    """A member whose sizes stand behind it (4.3.9)."""
    content = text(n)
    tail = signature + struct.pack("<3L", zlib.crc32(content), len(content), len(content))
    return local(
        b"%d.json" % n, content, method=8, flags=8, packed_size=0, size=0, crc=0, tail=tail
    )


def overlapping(count: int) -> bytes:
    """Entries that all name one kernel in the directory: what declares gigabytes (D. Fifield, 2019)."""
    kernel = local(b"a.json", b"{" + b" " * 1_000_000 + b"}", method=8)
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(kernel), 10**6, 6, 0, 0, 0, 0, 0, 0
    )
    directory = (entry + b"a.json") * count
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(kernel), 0)
    return kernel + directory + end


def zip_link() -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.json", text(1))
    return raw.getvalue()


def zip_nested(times: int) -> bytes:
    raw = text()
    for n in range(times):
        raw = zipped({f"{n}.zip": raw})
    return raw


def header(name: bytes = b"a.json", size: bytes = b"0000000000", kind: bytes = b"0") -> bytes:
    """A tar header whose checksum holds, each field as one likes."""
    block = bytearray(512)
    block[: len(name)] = name[:100]
    block[100:108] = b"0000644\0"
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def entry(name: bytes, content: bytes, kind: bytes = b"0") -> bytes:
    return header(name, b"%011o" % len(content), kind) + content + b"\0" * (-len(content) % 512)


T1, T2 = entry(b"1.json", text(1)), entry(b"2.json", text(2))
STOP = b"\0" * 1024


def pax(*records: bytes) -> bytes:
    return entry(b"pax", b"".join(records), b"x")


def tar_links() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, kind, target in (
            ("loop", tarfile.SYMTYPE, "loop"),
            ("up", tarfile.SYMTYPE, "../../../etc/passwd"),
            ("hard", tarfile.LNKTYPE, "/etc/passwd"),
            ("device", tarfile.CHRTYPE, ""),
            ("pipe", tarfile.FIFOTYPE, ""),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            archive.addfile(link)
        plain = tarfile.TarInfo("a.json")
        plain.size = len(text(1))
        archive.addfile(plain, io.BytesIO(text(1)))
    return raw.getvalue()


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :]


def inputs() -> Iterator[Hostile]:
    yield from table(
        "gzip",
        ("cut in the header", lambda: packed()[:6], 0, "gzip-truncated"),
        ("cut in the data", lambda: packed()[:100], 0, "gzip-truncated"),
        ("cut in the checksum", lambda: packed()[:-3], 1, "gzip-truncated"),
        ("a wrong checksum", lambda: flipped(packed(), -6), 0, "gzip-checksum"),
        ("a wrong length", lambda: flipped(packed(), -2), 0, "gzip-checksum"),
        ("broken data", lambda: b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 200, 0, "gzip-corrupt"),
        ("an unknown method", lambda: b"\x1f\x8b\x09" + packed()[3:], 0, "gzip-corrupt"),
        ("only the magic", lambda: b"\x1f\x8b", 0, "gzip-truncated"),
        ("CRLF after", lambda: packed() + b"\r\n", 1, "gzip-trailing"),
        ("zeros after", lambda: packed() + b"\0" * 512, 1, "gzip-trailing"),
        ("text after", lambda: packed() + b"-- \nmailing list footer", 1, "gzip-trailing"),
        ("two members, one report", lambda: gzip.compress(text()[:100]) + gzip.compress(text()[100:]), 1, ""),
        ("two members, two reports", lambda: packed(1) + packed(2), 2, ""),
        ("a broken second member", lambda: packed(1) + b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 50, 1, "gzip-corrupt"),
        ("10,000 empty members", lambda: gzip.compress(b"") * 10_000 + packed(), 1, ""),
        ("an extra field of 64 KiB", lambda: member(1, 4, b"\xff\xff" + b"x" * 65_535), 1, ""),
        ("a name of 1 MiB", lambda: member(1, 8, b"n" * 2**20 + b"\0"), 1, ""),
        ("a name without an end", lambda: b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"n" * 100_000, 0, "gzip-truncated"),
        ("name and comment", lambda: member(1, 24, b"../../etc/passwd\0=cmd\0"), 1, ""),
        ("empty inside", lambda: gzip.compress(b""), 0, "not-a-report"),
        ("three layers", lambda: nested(3), 1, ""),
        ("twelve layers", lambda: nested(12), 0, "limit-layers"),
        ("a bomb of zeros", lambda: gzip.compress(b"\0" * 20_000_000), 0, "not-a-report"),
        ("bzip2 cut in its end", lambda: bz2.compress(text())[:-10], 1, "bzip2-truncated"),
        ("bzip2 broken", lambda: b"BZh9" + b"\xff" * 200, 0, "bzip2-corrupt"),
        ("bzip2 of 45 bytes to 20 MB", lambda: bz2.compress(b" " * 20_000_000), 0, "not-a-report"),
        ("xz cut", lambda: lzma.compress(text())[:-30], 1, "xz-truncated"),
        ("xz broken", lambda: flipped(lzma.compress(text()), 40), 0, "xz-corrupt"),
        ("xz that wants 4 GiB", lambda: lzma.compress(text(), format=lzma.FORMAT_XZ, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 0x30000000}])
         , 0, "xz-corrupt"),
    )  # fmt: skip
    yield from table(
        "bomb",
        ("gzip, 300 MB of JSON blanks", lambda: gzip.compress(b"[" + b" " * 300_000_000), 0, "limit-report-bytes"),
        ("gzip, lines", lambda: gzip.compress(b"{}\n" * 70_000_000), 0, "limit-expansion not-a-report"),
        ("zstandard cut", lambda: zstandard(text(1) + b"\n") + zstandard(text(2))[:-30], 1, "zstd-truncated"),
        ("zstandard of a mark", lambda: b"\x28\xb5\x2f\xfd\0\0", 0, "zstd-truncated"),
        ("zstandard broken", lambda: flipped(zstandard(text(1)), 60), 0, "zstd-checksum"),
        ("zstandard of 30 bytes to 20 MB", lambda: zstandard(b" " * 20_000_000), 0, "not-a-report"),
        ("zstandard that wants 2 GiB", lambda: b"\x28\xb5\x2f\xfd\x00\xa8" + bytes(99), 0, "zstd-corrupt"),
        ("zstandard, 300 MB", lambda: zstandard(b"[" + b" " * 300_000_000), 0, "limit-report-bytes"),
        ("bzip2, 300 MB", lambda: bz2.compress(b"[" + b" " * 300_000_000), 0, "limit-report-bytes"),
        ("xz, 300 MB", lambda: lzma.compress(b"[" + b" " * 300_000_000, preset=0), 0, "limit-report-bytes"),
        ("gzip of gzip, 300 MB", lambda: gzip.compress(gzip.compress(b"[" + b" " * 300_000_000)), 0, "limit-report-bytes"),
        ("zip, 300 MB beside a good one", lambda: zipped({"z.json": b"[" + b" " * 300_000_000, "a.json": text(1)}), 1, "limit-report-bytes"),
        ("tar.gz, 300 MB beside a good one", lambda: tarred({"a.json": text(1), "z.json": b"[" + b" " * 300_000_000}, "w:gz"), 1, "limit-report-bytes limit-expansion"),
        ("an mbox of one long line", lambda: gzip.compress(b"From a Mon Jan  1 00:00:00 2026\n" + b"x" * 300_000_000), 0, "limit-mail-bytes limit-expansion"),
        slow=True,
    )  # fmt: skip
    yield from table(
        "zip",
        ("no directory", lambda: A + B, 2, "zip-truncated"),
        ("a directory alone", lambda: END, 0, "not-a-report"),
        ("cut in a member", lambda: A + B[:-100], 1, "zip-truncated"),
        ("cut in a header", lambda: A + B[:10], 1, "zip-truncated"),
        ("cut in a name", lambda: A + B[:33], 1, "zip-truncated"),
        ("a wrong checksum", lambda: local(b"a.json", text(1), crc=1) + B + END, 1, "zip-checksum"),
        ("a packed size too small", lambda: local(b"a.json", text(1), packed_size=10) + B + END, 1, "zip-checksum zip-corrupt"),
        ("a packed size too large", lambda: local(b"a.json", text(1), packed_size=2**31) + B + END, 2, ""),
        ("a deflated size too large", lambda: local(b"a.json", text(1), method=8, packed_size=2**31) + B + END, 2, ""),
        ("an unpacked size of 4 GiB", lambda: local(b"a.json", text(1), method=8, size=2**32 - 2) + B + END, 2, ""),
        ("an extra field that lies", lambda: local(b"a.json", text(1), extra=b"\1\0\xff\xff\0\0") + B + END, 2, ""),
        ("an extra size that lies", lambda: A + local(b"c.json", text(3), extra_size=0xFFFF), 1, "zip-truncated"),
        ("a zip64 size of 2^63", lambda: A + local(b"c", text(3), packed_size=2**32 - 1, size=2**32 - 1, extra=struct.pack("<2H2Q", 1, 16, 2**63, 2**63)), 2,
         "zip-truncated"),
        ("encrypted", lambda: local(b"s.json", b"x" * 100, flags=1) + A + B + END, 2, "zip-encrypted"),
        ("an unknown method", lambda: local(b"s.json", b"x" * 100, method=99) + A + B + END, 2, "zip-method"),
        ("stored with a descriptor", lambda: local(b"s.json", text(3), flags=8, packed_size=0, size=0, tail=b"PK\x07\x08" + b"\0" * 12) + A + END, 1, "zip-unsized"),
        ("descriptors", lambda: described(1) + described(2) + END, 2, ""),
        ("descriptors without signature", lambda: described(1, b"") + described(2, b"") + END, 2, ""),
        ("garbage between members", lambda: A + b"garbage" * 1_000 + B + END, 2, "zip-corrupt"),
        ("a spanning marker", lambda: b"PK00" + A + B + END, 2, ""),
        ("overlapping entries", lambda: overlapping(10_000), 0, "not-a-report"),
        ("paths that lead out", lambda: zipped({"../../etc/passwd": text(1), "/abs": text(2), "C:\\x": text(3)}), 3, ""),
        ("a name with escapes", lambda: local(b"\x1b[31m\n\r\t.json", text(1)) + B + END, 2, ""),
        ("a name of 65,535 bytes", lambda: local(b"n" * 65_535, text(1)) + B + END, 2, ""),
        ("a name that is no UTF-8", lambda: local(b"\xff\xfe\xc0", text(1), flags=0x800) + B + END, 2, ""),
        ("no names", lambda: local(b"", text(1)) + local(b"", text(2)) + END, 2, ""),
        ("one name twice", lambda: local(b"a", text(1)) + local(b"a", text(2)) + END, 2, ""),
        ("a symbolic link", zip_link, 1, "not-a-report"),
        ("a folder with content", lambda: local(b"d/", text(1)) + B + END, 2, ""),
        ("20,000 empty members", lambda: local(b"e", b"") * 20_000 + B + END, 1, "not-a-report"),
        ("a signature inside a member", lambda: local(b"x", b"PK\x03\x04" * 100) + B + END, 1, "zip-truncated"),
        ("four layers", lambda: zip_nested(4), 1, ""),
        ("ten layers", lambda: zip_nested(10), 0, "limit-layers"),
        ("broken deflate", lambda: local(b"a", b"\xff" * 100)[:8] + b"\x08\0" + local(b"a", b"\xff" * 100)[10:] + B + END, 1, "zip-corrupt"),
        ("bzip2 inside", lambda: local(b"a.json", bz2.compress(text(1)), method=12, crc=zlib.crc32(text(1))) + B + END, 2, ""),
    )  # fmt: skip
    yield from table(
        "tar",
        ("no end", lambda: T1 + T2, 2, "tar-truncated"),
        ("cut in a member", lambda: T1 + T2[:-600], 1, "tar-truncated"),
        ("cut in a header", lambda: T1 + T2[:300], 1, "tar-truncated"),
        ("a negative size", lambda: T1 + header(b"n", b"\xff" * 12) + T2 + STOP, 2, "tar-corrupt"),
        ("a signed size", lambda: T1 + header(b"n", b"-0000000001") + T2 + STOP, 2, "tar-corrupt"),
        ("a size that is no number", lambda: T1 + header(b"n", b"zzzz") + T2 + STOP, 2, "tar-corrupt"),
        ("a size of 2^88", lambda: T1 + header(b"n.json", b"\x80" + b"\xff" * 11) + T2 + STOP, 2, "tar-corrupt"),
        ("a size with blanks", lambda: T1 + header(b"n", b"          0 ") + T2 + STOP, 2, "not-a-report"),
        ("a wrong checksum", lambda: T1 + flipped(entry(b"x", b"y"), 0) + T2 + STOP, 2, "tar-corrupt"),
        ("garbage between members", lambda: T1 + b"\xff" * 5_120 + T2 + STOP, 2, "tar-corrupt"),
        ("zeros between members", lambda: T1 + b"\0" * 5_120 + T2 + STOP, 2, ""),
        ("links, devices, pipes", tar_links, 1, ""),
        ("paths that lead out", lambda: entry(b"../../etc/passwd", text(1)) + entry(b"/abs", text(2)) + STOP, 2, ""),
        ("a pax path", lambda: pax(b"30 path=../../../etc/x/y/z.js\n") + T1 + STOP, 1, ""),
        ("a pax size of 20,000 digits", lambda: pax(b"20011 size=" + b"9" * 19_999 + b"\n") + T1 + T2 + STOP, 2, ""),
        ("a pax length of 64,000 digits", lambda: pax(b"9" * 64_000 + b" size=1\n") + T1 + T2 + STOP, 2, ""),
        ("a pax length of nothing", lambda: pax(b"0 path=x\n" * 1_000) + T1 + T2 + STOP, 2, ""),
        ("a pax size that lies", lambda: T2 + pax(b"19 size=9999999999\n") + T1 + STOP, 2, "tar-truncated"),
        ("a pax header of 2 MiB", lambda: pax(b"x" * 2**21) + T1 + STOP, 1, "tar-corrupt"),
        ("a pax header of 8 GiB", lambda: T1 + header(b"p", b"77777777777", b"x") + T2 + STOP, 2, "tar-corrupt"),
        ("a global header", lambda: entry(b"g", b"30 path=/global/name/of/allxx\n", b"g") + T1 + STOP, 1, ""),
        ("a long name", lambda: entry(b"././@LongLink", b"n" * 100_000, b"L") + T1 + STOP, 1, ""),
        ("a long link", lambda: entry(b"././@LongLink", b"n" * 100_000, b"K") + T1 + STOP, 1, ""),
        ("a sparse file", lambda: header(b"s", b"00000000000", b"S") + T1 + STOP, 1, "tar-partial"),
        ("an unknown kind", lambda: entry(b"u", b"x" * 700, b"Z") + T1 + STOP, 1, "not-a-report"),
        ("a name that is no UTF-8", lambda: entry(b"\xff\xfe\x1b[31m", text(1)) + STOP, 1, ""),
        ("20,000 empty members", lambda: header(b"e") * 20_000 + T1 + STOP, 1, "not-a-report"),
        ("10,000 pax headers in a row", lambda: pax(b"11 path=abc\n") * 10_000 + T1 + STOP, 1, ""),
        ("only zeros", lambda: STOP * 20, 0, "not-a-report"),
        ("a tar in a tar in a tar", lambda: tarred({"x": tarred({"y": tarred(GOOD)})}), 2, ""),
    )  # fmt: skip
    yield from table(
        "other",
        ("nothing", lambda: b"", 0, "not-a-report"),
        ("a NUL", lambda: b"\0", 0, "not-a-report"),
        ("a megabyte of NULs", lambda: b"\0" * 2**20, 0, "not-a-report"),
        ("an Outlook message that is none", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 5_000, 0, "msg-unreadable"),
        ("an Outlook data file", lambda: b"!BDN" + b"\0" * 600, 0, "not-a-report"),
        ("7-Zip", lambda: b"7z\xbc\xaf\x27\x1c" + b"\0" * 100, 0, "not-a-report"),
        ("RAR", lambda: b"Rar!\x1a\x07\x01\0", 0, "not-a-report"),
        ("Parquet", lambda: b"PAR1" + b"\0" * 100 + b"PAR1", 0, "not-a-report"),
        ("XML entities", lambda: b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><feedback>&b;</feedback>', 0, "not-a-report"),
        ("HTML", lambda: b"<html><script>alert(1)</script></html>", 0, "not-a-report"),
        ("a pickle", lambda: b"\x80\x04\x95\x1e\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.", 0, "not-a-report"),
    )  # fmt: skip
