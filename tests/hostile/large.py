"""Attacks that grow: each makes about as many bytes as it is asked for.

`python -m tests.hostile.measure` loads each in a process of its own and says what it took.
"""

import base64
import bz2
import gzip
import json
import lzma
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.archive import ole
from tests.archive.building import mail, mbox, packed, tarred, text, zipped, zstandard
from tests.hostile import containers, mails, odd
from tests.hostile.containers import END, STOP, T1, T2, A, B, entry, header, local


@dataclass(frozen=True, slots=True)
class Attack:
    """An input of any size."""

    name: str
    make: Callable[[int], bytes]
    """Gives about so many bytes."""
    loads: int
    """Reports that must be there, whatever the size."""
    most: int
    """The size past which a limit refuses the whole."""


BROKEN_DEFLATE = (
    zlib.compress(random.Random(2).randbytes(80_000).hex().encode(), 9)[2:-4] + b"\xff" * 900
)
BROKEN_GZIP = b"\x1f\x8b\x08" + bytes(7) + BROKEN_DEFLATE
# APPNOTE.TXT 5.8.8: version, size of the properties, properties, data.
LZMA = (
    b"\x09\x04\x05\0"
    + lzma.compress(b"x", format=lzma.FORMAT_ALONE)[:5]
    + lzma.compress(b"x", format=lzma.FORMAT_ALONE)[13:]
)
FIRST, LAST = mbox([mail(packed(1))]), mbox([mail(packed(2))])
RATIO = 95
"""What a stream may expand without being taken for a bomb: just below `Limits.expansion`."""


def filled(first: bytes, unit: bytes, last: bytes, size: int) -> bytes:
    """Repeat a unit between two ends."""
    return first + unit * max(1, (size - len(first) - len(last)) // len(unit)) + last


def numbered(first: bytes, unit: Callable[[int], bytes], last: bytes, size: int) -> bytes:
    """Repeat a unit that differs each time."""
    pieces, have, n = [first], len(first) + len(last), 0
    while have < size:
        pieces.append(unit(n))
        have += len(pieces[-1])
        n += 1
    return b"".join([*pieces, last])


def diluted(first: bytes, unit: bytes, size: int, mix: bytes = b"%b") -> bytes:
    """Make `size` bytes of gzip that expand `RATIO` times, so that no ratio gives them away.

    What does not compress stands between; `mix` says how it is dressed.
    """
    rest = random.Random(8460)
    noise = mix % base64.b64encode(rest.randbytes(7_000))
    block = unit * (RATIO * 10_000 // len(unit)) + noise
    packed_block = gzip.compress(block, 6)
    return filled(gzip.compress(first), packed_block, b"", size)


def report_with(key: str, piece: str, size: int, *, inside: bool = False) -> bytes:
    """A report whose array under a key is a piece, repeated."""
    made = json.loads(text())
    at = made["policies"][0] if inside else made
    at[key] = "@@"
    room = max(1, size // (len(piece) + 1))
    return json.dumps(made).replace('"@@"', "[" + ",".join([piece] * room) + "]").encode()


def in_report(raw: Callable[[int], str], key: str, size: int) -> bytes:
    made = json.loads(text())
    made[key] = "@@"
    return json.dumps(made).replace('"@@"', raw(size)).encode()


def gz(raw: bytes) -> bytes:
    return gzip.compress(raw, 6)


DEEP = b'{"x":"' + base64.b64encode(bytes(range(90))) + b'"}'


def layered(raw: bytes, *packers: Callable[[bytes], bytes]) -> bytes:
    """Pack something again and again."""
    for pack in packers:
        raw = pack(raw)
    return raw


def deep_parts() -> bytes:
    """A mail of an mbox, in which each part is packed four times."""
    deep = layered(DEEP, gz, lambda raw: zipped({"b": raw}), gz, lambda raw: zipped({"a": raw}))
    part = b"Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n"
    return mails.SEPARATOR + mails.multipart([part + base64.encodebytes(deep)] * 1_900) + b"\n"


def many_parts(part: bytes, size: int) -> bytes:
    """A report, then a part repeated, in one mail."""
    top = b"From: a@a.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
    return filled(top + mails.attached(1) + b"\n", b"--b\n" + part + b"\n", b"--b--\n", size)


def lookalikes(size: int) -> bytes:
    """A report, and multiparts in each other that all look for the same lines, of which none is theirs."""
    names = [b"b" * n for n in range(1, 19)]
    heads = [
        b"Content-Type: multipart/mixed; boundary=%s\n\n--%s\n" % (name, name) for name in names
    ]
    top = b"From: a@a.example\n" + heads[0] + mails.attached(1) + b"\n--b\n"
    return filled(top + b"".join(heads[1:]), b"\n--" + names[-1] + b"x", b"", size)


def reopened(size: int) -> bytes:
    """A report, and multiparts in each other that each begin behind a delimiter that closed the last too soon."""
    names = [b"q%d" % n for n in range(18)]
    media = b"Content-Type:" + b" " * 100 + b"multipart/mixed; boundary="
    heads = [media + name + b"\n\n--" + name + b"--\n" for name in names[1:]]
    top = b"From: a@a.example\nContent-Type: multipart/mixed; boundary=q0\n\n--q0\n"
    first = top + mails.attached(1) + b"\n--q0--\n" + b"".join(heads)
    return filled(first, b"x\n", b"".join(b"\n--" + name for name in names[::-1]) + b"\n", size)


def forwards(size: int) -> bytes:
    """Mails in mails, each level the whole mail again, and each to be stripped."""
    heads = b"Content-Type: message/rfc822\n\n\n\n" * 18
    return b"From: a@a.example\n" + heads + b"Subject: x\n\n" + b"x" * size


def quine_zip() -> bytes:
    """A zip that holds itself cannot be built in a line; what holds it 60 times over can."""
    raw = zipped({"a.json": text()})
    for n in range(60):
        raw = zipped({f"{n}": raw})
    return raw


def broad(size: int, wrap: Callable[[dict[str, bytes]], bytes], levels: int = 3) -> bytes:
    """Archives of equal archives: each level multiplies what is to be read."""
    raw = b"[" + b" " * 100_000
    width = min(max(2, size // 20_000), 50)
    for _ in range(levels):
        raw = wrap({f"{n}": raw for n in range(width)})
    return raw


def false_end(n: int) -> bytes:
    """The descriptor of a stored member that would end here, but for its checksum."""
    return b"PK\x07\x08" + struct.pack("<3L", 1, 16 * n, 16 * n)


def descriptor(n: int) -> bytes:
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflater.compress(b"x") + deflater.flush()
    tail = struct.pack("<3L", zlib.crc32(b"x"), len(body), 1)
    return local(b"x", b"x", method=8, flags=8, packed_size=0, size=0, crc=0, tail=b"PK\x07\x08" + tail)  # fmt: skip


def zip64(n: int) -> bytes:
    content = text(n)
    extra = struct.pack("<2H2Q", 1, 16, len(content), len(content))
    return local(b"a", content, packed_size=2**32 - 1, size=2**32 - 1, extra=extra)


def xz_blocks(size: int) -> bytes:
    """Streams of one small block each, in a row."""
    return filled(lzma.compress(text(1) + b"\n"), lzma.compress(b" "), lzma.compress(text(2)), size)


def padded_xz(size: int) -> bytes:
    return filled(lzma.compress(text(1) + b"\n"), b"\0\0\0\0", lzma.compress(text(2)), size)


def woven(
    first: bytes, unit: Callable[[int, bytes], bytes], last: bytes, size: int, noise: int
) -> bytes:
    """Make `size` bytes of one gzip out of units that each hold so much noise: what a unit takes is its author's choice."""
    rest = random.Random(8461)
    machine = zlib.compressobj(1, zlib.DEFLATED, 31)
    pieces, have, n = [machine.compress(first)], 0, 0
    while have < size:
        # Some units at a time, so that a small attack is not past its size at once.
        step = 1 + min(n // 8, 500)
        raw = b"".join(unit(k, rest.randbytes(noise).hex().encode()) for k in range(n, n + step))
        n += step
        pieces.append(machine.compress(raw) + machine.flush(zlib.Z_SYNC_FLUSH))
        have += len(pieces[-1])
    return b"".join([*pieces, machine.compress(last), machine.flush()])


def extended(n: int, noise: bytes) -> bytes:
    """A line of a report that has one key too many."""
    return text(n)[:-1] + b',"x":"' + noise + b'"}\n'


def loose(n: int, noise: bytes) -> bytes:
    """A line of a report with a date and a count in another form, and a word more."""
    return extended(n, noise).replace(b"T23:59:59Z", b"").replace(b'count": 3', b'count": "3"')


def strange(n: int, noise: bytes) -> bytes:
    """A line of a report whose details hold nothing but words that no other has."""
    words = [noise[at : at + 5] for at in range(0, len(noise) - 25, 5)]
    detail = b'{"result-type":"%b","sending-mta-ip":"%b","receiving-mx-hostname":"%b","receiving-ip":"%b","additional-information":"%b","failed-session-count":1}'
    details = b",".join(detail % tuple(words[at : at + 5]) for at in range(0, len(words) - 4, 5))
    return (
        text(n).replace(b'"failure-details": [', b'"failure-details": [' + details + b",") + b"\n"
    )


def fat(n: int, noise: bytes, what: bytes, times: int) -> bytes:
    """A line of a report of half a megabyte of something that no report has."""
    return b'{"report-id":"%x","policies":[],"y":"%b","x":[%b0]}\n' % (n, noise, what * times)


def wrapping(n: int, noise: bytes) -> bytes:
    """A line in which a report is wrapped, among two hundred thousand other lists."""
    return b'{"y":"%b","x":[%b%b]}\n' % (noise, b"[]," * 200_000, text(n))


def mailed(n: int, noise: bytes) -> bytes:
    """A mail of the same report."""
    return mails.SEPARATOR + b"X: %b\n" % noise + FIRST[len(mails.SEPARATOR) :]


def dense(n: int) -> bytes:
    """A report of 110,000 empty policies, that expands less than a bomb does."""
    noise = random.Random(n).randbytes(1_500).hex().encode()
    return b'{"report-id":"%d","x":"%b","policies":[' % (n, noise) + b"{}," * 110_000 + b"{}]}"


def crowded(n: int) -> bytes:
    """A line of a report of twenty policies, each new, of 800 short lines."""
    short = b",".join(b'"mx:%x"' % m for m in range(800))
    each = (
        b'{"policy":{"policy-type":"sts","policy-domain":"d.example","policy-string":["mx:%d.e",'
        + short
        + b"]}}"
    )
    return (
        b'{"report-id":"%d","policies":[' % n
        + b",".join(each % (n + i) for i in range(20))
        + b"]}\n"
    )


def nameless(n: int) -> bytes:
    """What stands in a mail of a report whose domain its header alone names."""
    return (
        b'Content-Type: x/tlsrpt\n\n{"report-id":"%d","policies":[{"policy":{"policy-type":"sts"}}]}\n'
        % n
    )


def sparse(size: int) -> bytes:
    """GNU sparse headers without number, then a file."""
    return filled(entry(b"1.json", text(1)), header(b"s", b"00000000000", b"S"), entry(b"2.json", text(2)) + STOP, size)  # fmt: skip


def deep_json(size: int) -> bytes:
    return b"[" * size


JSON_ATTACKS: dict[str, tuple[Callable[[int], bytes], int]] = {
    "policies {}": (lambda size: report_with("policies", "{}", size), 1),
    "policies []": (lambda size: report_with("policies", "[]", size), 1),
    "policies, whole": (lambda size: report_with("policies", json.dumps(json.loads(text())["policies"][0]), size), 1),
    "failure-details {}": (lambda size: report_with("failure-details", "{}", size, inside=True), 1),
    "failure-details of a count": (lambda size: report_with("failure-details", '{"failed-session-count":1}', size, inside=True), 1),
    "details, each type new": (lambda size: numbered(
        text()[: text().index(b'"failure-details"')] + b'"failure-details": [',
        lambda n: b'{"result-type":"t%d","failed-session-count":1},' % n, b"{}]}]}", size), 1),
    "policies, each domain new": (lambda size: numbered(
        text()[: text().index(b'"policies"')] + b'"policies": [',
        lambda n: b'{"policy":{"policy-type":"sts","policy-domain":"%d.example"}},' % n, b"{}]}", size), 1),
    "unknown keys": (lambda size: numbered(b"{", lambda n: b'"%x":0,' % n, text(1)[1:], size), 1),
    "unknown keys in details": (lambda size: numbered(
        text()[: text().index(b'"failure-details"')] + b'"failure-details": [{', lambda n: b'"%x":0,' % n, b'"a":0}]}]}', size), 1),
    "one key again and again": (lambda size: filled(b"{", b'"x":0,', text(1)[1:], size), 1),
    "lists 10^5 deep": (lambda size: b"[" * size, 0),
    "objects, deep": (lambda size: b'{"a":' * (size // 5), 0),
    "lists, deep and closed": (lambda size: b"[" * (size // 2) + b"]" * (size // 2), 0),
    "900 deep, again and again": (lambda size: filled(b"[", b"[" * 900 + b"]" * 900 + b",", b"0]", size), 0),
    "a number of digits": (lambda size: in_report(lambda s: "9" * s, "x", size), 1),
    "a fraction of digits": (lambda size: in_report(lambda s: "0." + "9" * s, "x", size), 1),
    "numbers of 4,000 digits": (lambda size: in_report(lambda s: "[" + ",".join(["9" * 4_000] * (s // 4_000)) + "]", "x", size), 1),
    "floats of 4,000 digits": (lambda size: in_report(lambda s: "[" + ",".join(["0." + "9" * 4_000] * (s // 4_000)) + "]", "x", size), 1),
    "floats 1e15": (lambda size: in_report(lambda s: "[" + ",".join(["1e15"] * (s // 5)) + "]", "x", size), 1),
    "one string": (lambda size: in_report(lambda s: '"' + "x" * s + '"', "organization-name", size), 1),
    "one string of escapes": (lambda size: in_report(lambda s: '"' + "\\u00e9" * (s // 6) + '"', "organization-name", size), 1),
    "one string of surrogates": (lambda size: in_report(lambda s: '"' + "\\ud800" * (s // 6) + '"', "organization-name", size), 1),
    "strings without number": (lambda size: in_report(lambda s: "[" + ",".join(['""'] * (s // 3)) + "]", "x", size), 1),
    "policy-string of empty lines": (lambda size: text().replace(b'["version', b'["",' * 1 + b'"",' * (size // 3) + b'"version'), 1),
    "policy-string as one text of line breaks": (lambda size: text().replace(b'["version: STSv1", "mode: testing", "mx: mx1.d.example", "max_age: 86400"]', b'"' + b"\\n" * (size // 2) + b'"'), 1),
    "mx-host of names": (lambda size: text().replace(b'["mx1.d.example"]', b"[" + b'"a.d.example",' * (size // 14) + b'"b"]'), 1),
    "opened lines": (lambda size: filled(text(1) + b"\n", b'{"a":[\n', text(2), size), 2),
    "lines of {}": (lambda size: filled(text(1) + b"\n", b"{}\n", text(2), size), 2),
    "lines of []": (lambda size: filled(text(1) + b"\n", b"[]\n", text(2), size), 1),
    "lines of policies": (lambda size: filled(text(1) + b"\n", b'{"policies":[]}\n', text(2), size), 2),
    "lines of policies, each new": (lambda size: numbered(text(1) + b"\n", lambda n: b'{"policies":[],"report-id":"%x"}\n' % n, text(2), size), 2),
    "lines of long junk": (lambda size: filled(text(1) + b"\n", b'{"policies":' + b"x" * 100 + b"\n", text(2), size), 2),
    "lines of one letter": (lambda size: filled(text(1) + b"\n{}\n", b"x\n", text(2), size), 2),
    "lines of a bracket": (lambda size: filled(text(1) + b"\n{}\n", b"{\n", text(2), size), 2),
    "{} without breaks": (lambda size: filled(text(1), b"{}", text(2), size), 1),
    "policies without breaks": (lambda size: filled(text(1), b'{"policies":[]}', text(2), size), 2),
    "a list of {}": (lambda size: filled(b"[" + text(1) + b",", b"{},", text(2) + b"]", size), 2),
    "a list of numbers": (lambda size: filled(b"[" + text(1) + b",", b"0,", text(2) + b"]", size), 0),
    "a list of policies": (lambda size: filled(b"[" + text(1) + b",", b'{"policies":[]},', text(2) + b"]", size), 2),
    "parsedmarc of {}": (lambda size: filled(b'{"smtp_tls_reports":[' + text(1) + b",", b"{},", text(2) + b"]}", size), 2),
    "parsedmarc of policies": (lambda size: filled(b'{"begin_date":"","policies":[', b"{},", b"{}]}", size), 1),
    "broken again and again": (lambda size: filled(text(1) + b"\n", b'\n[{"a":"', b"\n" + text(2), size), 1),
    "UTF-16": (lambda size: filled(text(1)[:-1], b" ", b"}", size // 2).decode().encode("utf-16"), 1),
    "UTF-32": (lambda size: filled(text(1)[:-1], b" ", b"}", size // 4).decode().encode("utf-32"), 1),
    "UTF-16 of {}": (lambda size: filled(text(1), b"{}\n", text(2), size // 2).decode().encode("utf-16"), 2),
    "bad UTF-8": (lambda size: filled(text(1)[:-1] + b', "x":"', b"\xff", b'"}', size), 1),
    "blanks": (lambda size: b" " * size, 0),
    "NULs after": (lambda size: text(1) + b"\0" * size, 1),
    "comments": (lambda size: filled(b"{", b"/**/", text(1)[1:], size), 1),
    "open comments behind commas": (lambda size: filled(text(1) + b'\n{"report-id" ', b",/*", b"\n" + text(2), size), 2),
    "open strings, and a backslash": (lambda size: filled(text(1) + b'\n{"report-id":', b'"\\', b"", size), 1),
    "words in brackets": (lambda size: filled(text(1) + b"\n", b"{Spam?} x\n", text(2), size), 1),
    "lines of a key": (lambda size: filled(text(1) + b"\n", b'{"report-id"\n', text(2), size), 1),
    "open comments": (lambda size: filled(text(1) + b"\n{", b"/*", b"\n" + text(2), size), 2),
    "commas": (lambda size: filled(text(1) + b"\n[", b",]", b"\n" + text(2), size), 2),
    "commas before comments": (lambda size: filled(text(1) + b"\n[", b",/**/", b"\n" + text(2), size), 2),
    "open strings": (lambda size: filled(text(1) + b"\n[", b'\\"', b"\n" + text(2), size), 2),
    "quotes": (lambda size: filled(text(1) + b"\n[", b'"\n', b"\n" + text(2), size), 2),
    "strings, and broken": (lambda size: filled(b"[", b'"",', text(1), size), 0),
    "openings of reports": (lambda size: filled(text(1) + b"\n", b'{"policies"', text(2), size), 1),
    "wrapped": (lambda size: filled(b'{"reports": [', b"[{}],", text(1) + b"]}", size), 1),
    "wrapped policies": (lambda size: filled(b'{"reports": [', b'{"policies":[],"report-id":""},', text(1) + b"]}", size), 1),
    "names past ASCII": (lambda size: numbered(b'{"report-id":"","policies":[', lambda n: '{"policy":{"policy-domain":"é%d.example"}},'.encode() % n, b"{}]}", size), 0),
    "lines of names past ASCII": (lambda size: numbered(text(1) + b"\n", lambda n: '{"report-id":"","policies":[{"policy":{"policy-domain":"ü%d.example"}}]}\n'.encode() % n, text(2), size), 2),
    "keys without values": (lambda size: filled(text(1) + b"\n", b'{"policies":', text(2), size), 1),
    "keys given twice, and a comment": (lambda size: filled(text(1)[:-1] + b',"x":[', b'{"":0,"":0},', b'0]} {"report-id":"q" /* c */, "policies":[]}', min(size, 11_800_000)), 2),
    "lines of reports in comments": (lambda size: numbered(text(1) + b"\n", lambda n: b'{"report-id":"%x","policies":[{"policy":{"policy-type":"sts","policy-domain":"a.b"},"summary":{"total-successful-session-count":1 /*x*/}}],"y":"%b"}\n' % (n, b"y" * 120), text(2), size), 2),
    "lines of loose reports": (lambda size: numbered(text(1) + b"\n", lambda n: b'{"report-id":"%x","policies":[{"policy":{"policy-type":"STS","policy-string":"a","mx-host":"a"},"summary":{"total-successful-session-count":"1"},"failure-details":[{"failed-session-count":"1"}]}],"y":"%b"}\n' % (n, b"y" * 60), text(2), size), 2),
    "a million keys, one given twice": (lambda size: text(1)[:-1] + b',"x":{' + b"".join(b'"%06x":0,' % n for n in range(size // 12)) + b'"":0,"":0},}', 1),
    "lines of policies of 800 short lines": (lambda size: numbered(text(1) + b"\n", lambda n: crowded(20 * n), text(2), size), 2),
    "double encoded": (lambda size: text().replace(b'["version: STSv1", "mode: testing", "mx: mx1.d.example", "max_age: 86400"]', b'"[' + b"0," * (size // 2) + b'0]"'), 1),
    "double encoded, strings": (lambda size: text().replace(b'["version: STSv1", "mode: testing", "mx: mx1.d.example", "max_age: 86400"]', b'"[' + rb'\"\",' * (size // 5) + b'0]"'), 1),
}  # fmt: skip

MAIL_ATTACKS: dict[str, tuple[Callable[[int], bytes], int]] = {
    "empty parts": (lambda size: many_parts(b"", size), 1),
    "parts of a letter": (lambda size: many_parts(b"\nx", size), 1),
    "parts with a header of 20 KB": (lambda size: many_parts(b"X: y\n" * 4_000 + b"\nx", size), 1),
    "parts with a header without end": (lambda size: many_parts(b"Content-Type: a\n" * 500, size), 1),
    "parts with 8 KB of ;": (lambda size: many_parts(b"Content-Type: application/json" + b";" * 8_100 + b"name\n\nx", size), 1),
    "parts with 8 KB of ;a": (lambda size: many_parts(b"Content-Type: application/json" + b";a" * 4_000 + b";name*1=\n\nx", size), 1),
    "parts with 8 KB of parameters": (lambda size: many_parts(b"Content-Type: application/json" + b";name*1=a" * 900 + b"\n\nx", size), 1),
    "parts with 8 KB of percents": (lambda size: many_parts(b"Content-Type: application/json;name*=''" + b"%41" * 2_700 + b"\n\nx", size), 1),
    "longer delimiters at each level": (lookalikes, 1),
    "delimiters that closed too soon at each level": (reopened, 1),
    "half delimiters": (lambda size: many_parts(b"\n" + b"--b-\n" * 1_000, size), 1),
    "delimiter, longer": (lambda size: filled(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + mails.attached(1) + b"\n--b\n\n", b"--bx\n", b"--b--\n", size), 1),
    "delimiter without line breaks": (lambda size: filled(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + mails.attached(1) + b"\n--b\n\n", b"--b", b"\n--b--\n", size), 1),
    "a boundary of dashes": (lambda size: filled(b'Content-Type: multipart/mixed; boundary="' + b"-" * 60 + b'"\n\n', b"\n" + b"-" * 61, b"\n", size), 0),
    "a boundary of 8 KB, nearly": (lambda size: filled(b'Content-Type: multipart/mixed; boundary="' + b"a" * 7_000 + b'"\n\n', b"\n--" + b"a" * 6_999 + b"b", b"\n", size), 0),
    "levels": (lambda size: mails.levels(18, b"\n" + b"x\n" * (size // 2)), 0),
    "levels of parts": (lambda size: mails.levels(18, b"\n" + b"".join(b"--b%d\n\n" % n for n in range(18)) * (size // 120)), 0),
    "forwards": (forwards, 0),
    "forwards in base64": (lambda size: b"From: a@a.example\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"Subject: x\n\n" + b"x" * (size // 2))), 0),
    "fields": (lambda size: filled(b"From: a@a.example\n", b"X: y\n", b"\nx", size), 0),
    "fields that are kept": (lambda size: filled(b"From: a@a.example\n", b"Date: y\n", b"\nx", size), 0),
    "folded": (lambda size: filled(b"Subject: x\n", b" y\n", b"\nx", size), 0),
    "one field": (lambda size: b"Subject: " + b"x" * size, 0),
    "line breaks": (lambda size: b"Subject: x" + b"\r\n" * (size // 2), 0),
    "CRs": (lambda size: b"Subject: x\n" + b"\r" * size, 0),
    "CR CR": (lambda size: b"Subject: x" + b"\n\r\r\r\r\r" * (size // 6), 0),
    "base64 in one line": (lambda size: mails.typed(b"application/tlsrpt+json", base64.b64encode(text(1)[:-1] + b" " * (size * 3 // 4) + b"}")), 1),
    "base64, each letter on a line": (lambda size: mails.typed(b"application/tlsrpt+json", b"\n".join(bytes([c]) for c in base64.b64encode(text(1)[:-1] + b" " * (size * 3 // 8) + b"}"))), 1),
    "base64 of junk": (lambda size: mails.typed(b"application/tlsrpt+gzip", b"*" * size), 0),
    "base64 of =": (lambda size: mails.typed(b"application/tlsrpt+gzip", b"=" * size), 0),
    "base64 of A=": (lambda size: mails.typed(b"application/tlsrpt+gzip", b"QQ==" * (size // 4)), 0),
    "base64, each letter padded": (lambda size: mails.typed(b"application/tlsrpt+gzip", b"A=\n" * (size // 3)), 0),
    "base64 in letters of two kinds, padded": (lambda size: mails.typed(b"application/tlsrpt+gzip", b"-A=_" * (size // 4)), 0),
    "quoted-printable, lines that were padded": (lambda size: mails.typed(b"text/plain", b"xy \n" * (size // 4), b"quoted-printable"), 0),
    "uuencode of lines that are cut": (lambda size: mails.typed(b"application/tlsrpt+gzip", b"begin 644 x\n" + b"_\n" * (size // 2), b"x-uuencode"), 0),
    "quoted-printable soft breaks": (lambda size: mails.typed(b"application/tlsrpt+json", text(1)[:-1].replace(b"=", b"=3D") + b"=\n" * (size // 2) + b"}", b"quoted-printable"), 1),
    "quoted-printable blanks": (lambda size: mails.typed(b"application/tlsrpt+json", text(1)[:-1] + b" " * size + b"}", b"quoted-printable"), 1),
    "quoted-printable =": (lambda size: mails.typed(b"application/tlsrpt+json", b"=" * size, b"quoted-printable"), 0),
    "text that quotes": (lambda size: mails.typed(b"text/plain", filled(b"", b"{ From: x\n", b"", size), b"7bit"), 0),
    "text like a mail": (lambda size: mails.typed(b"text/plain", filled(b"X: y\n", b"content-type: x\n", b"\nx", size), b"7bit"), 0),
    "text of braces": (lambda size: mails.typed(b"text/plain", filled(b'x "policies"\nbegin ', b"{ ", b"", size), b"7bit"), 0),
    "text of beginnings": (lambda size: mails.typed(b"text/plain", filled(b"x\n", b"\nbegin 644 ", b"", size), b"7bit"), 0),
    "uuencode of line breaks": (lambda size: mails.typed(b"application/tlsrpt+gzip", filled(b"begin 644 x\n", b"#ab\n", b"", size), b"x-uuencode"), 0),
    "zip of 30-byte files": (lambda size: mail(filled(local(b"1", text(1)), local(b"", b""), END, size * 2 // 3)), 1),
    "tar of empty files": (lambda size: mail(filled(entry(b"1", text(1)), header(b"e"), STOP, size * 2 // 3)), 1),
    "JSON lines": (lambda size: mail(filled(text(1) + b"\n", b'{"policies":[]}\n', b"", size * 2 // 3)), 1),
    "gzip of JSON lines": (lambda size: mail(gz(filled(text(1) + b"\n", b'{"policies":[]}\n', b"", size))), 1),
    "an mbox of small mails": (lambda size: mails.multipart([b"Content-Type: application/mbox\n\n" + filled(FIRST, mails.SEPARATOR + b"\nContent-Type: x\n", b"", size)], b"outer"), 1),
    "a gzip of an mbox": (lambda size: mail(gz(filled(FIRST, b"From a Mon 0:00\nx\n", b"", size))), 1),
    "zips in zips": (lambda size: mail(broad(size, zipped)), 0),
    "tars in tar.gz": (lambda size: mail(broad(size, lambda files: tarred(files, "w:gz"))), 0),
}  # fmt: skip

CONTAINER_ATTACKS: dict[str, tuple[Callable[[int], bytes], int]] = {
    "mbox: mails of a byte": (lambda size: filled(FIRST, mails.SEPARATOR + b"x\n", LAST, size), 2),
    "mbox: the shortest separators": (lambda size: filled(FIRST, b"From a Mon 0:00\n", LAST, size), 2),
    "mbox: mails of a field": (lambda size: filled(FIRST, b"From a Mon 0:00\nX: y\n\n", LAST, size), 2),
    "mbox: broken reports": (lambda size: filled(FIRST, mails.SEPARATOR + b"Content-Type: x/tlsrpt\n\nx\n", LAST, size), 2),
    "mbox: each mail another multipart": (lambda size: numbered(FIRST, lambda n: mails.SEPARATOR + b"Content-Type: multipart/x%d; boundary=b\n\n--b\nX-%d: y\n\n--b--\n" % (n, n), LAST, size), 2),
    "mbox: From in bodies": (lambda size: filled(FIRST, b"From x\n", LAST, size), 2),
    "mbox: From without end": (lambda size: filled(FIRST, b"\nFrom " + b"x" * 995, b"\n" + LAST, size), 2),
    "mbox: one line": (lambda size: FIRST + b"x" * size + b"\n" + LAST, 2),
    "mbox: line breaks": (lambda size: filled(FIRST, b"\n", LAST, size), 2),
    "mbox: reports of no policies": (lambda size: numbered(FIRST, lambda n: mails.SEPARATOR + b'Content-Type: x/tlsrpt\n\n{"report-id":"%d","policies":[]}\n' % n, LAST, size), 2),
    "mbox: copies of a report": (lambda size: filled(FIRST, FIRST, LAST, size), 2),
    "mbox: gzip of 1 MB each": (lambda size: filled(FIRST, mbox([mail(gz(b"{" + b" " * 1_000_000))]), LAST, size), 2),
    "mbox: gzips just below the ratio": (lambda size: filled(FIRST, mbox([mail(gz(filled(b"[", b" ", b"", 1_000_000 // 3) + random.Random(1).randbytes(3_000)))]), LAST, size), 2),
    "mbox: reports of more policies than bytes": (lambda size: numbered(FIRST, lambda n: mbox([mail(gz(dense(n)))]), LAST, size), 2),
    "zip: reports of more policies than bytes": (lambda size: numbered(local(b"1", text(1)), lambda n: local(b"x", dense(n), method=8), local(b"2", text(2)) + END, size), 2),
    "tar.gz: reports of more policies than bytes": (lambda size: numbered(gz(entry(b"1", text(1))), lambda n: gz(entry(b"x", dense(n))), gz(entry(b"2", text(2)) + STOP), size), 1),
    "lines of more policies than bytes": (lambda size: numbered(text(1) + b"\n", lambda n: b'{"report-id":"%d","policies":[' % n + b"{}," * 30_000 + b"{}]}\n", text(2), size), 2),
    "mbox: CR": (lambda size: filled(FIRST, mails.SEPARATOR + b"x\n", LAST, size).replace(b"\n", b"\r"), 2),
    "mbox: UTF-16": (lambda size: filled(FIRST, mails.SEPARATOR + b"x\n", LAST, size // 2).decode().encode("utf-16"), 2),
    "MMDF: fences": (lambda size: filled(odd.mmdf([mail(packed(1))]), b"\1\1\1\1\n", odd.mmdf([mail(packed(2))]), size), 2),
    "MMDF: mails of a byte": (lambda size: filled(odd.mmdf([mail(packed(1))]), b"x\n\1\1\1\1\n", odd.mmdf([mail(packed(2))]), size), 2),
    "Babyl: mails of a byte": (lambda size: filled(odd.babyl([mail(packed(1))]), b"\n\x1f\x0c\n1,\nx", b"\n" + odd.babyl([mail(packed(2))])[-2_000:], size), 1),
    "base64 of lines": (lambda size: base64.encodebytes(gz(filled(text(1) + b"\n", b'{"policies":[]}\n', text(2), size))), 2),
    "junk: braces": (lambda size: filled(b"\0" * 50, b"{", text(1), size), 0),
    "junk: blanks in braces": (lambda size: filled(b"\0" * 50, b"{" + b" " * 39, text(1), size), 0),
    "junk: heads of zips and gzips": (lambda size: filled(b"\0" * 50, b"PK\3\4\x1f\x8b\x08", text(1), size), 0),
    "gzip: members with a byte between": (lambda size: filled(gz(text(1)), b"x" + gzip.compress(b""), gz(text(2)), size), 2),
    "gzip: members with wrong checksums": (lambda size: filled(gz(text(1)), containers.flipped(gzip.compress(b" "), -6), gz(text(2)), size), 1),
    "gzip: broken members": (lambda size: filled(gz(text(1)), BROKEN_GZIP, gz(text(2)), size), 1),
    "gzip: heads of members": (lambda size: filled(gz(text(1)), b"\x1f\x8b\x08\0\0\0\0\0\0\3", gz(text(2)), size), 1),
    "gzip: empty members": (lambda size: filled(gz(text(1) + b"\n"), gzip.compress(b""), gz(text(2)), size), 2),
    "gzip: members of a blank": (lambda size: filled(gz(text(1) + b"\n"), gzip.compress(b" "), gz(text(2)), size), 2),
    "gzip: members of reports": (lambda size: numbered(gz(text(1) + b"\n"), lambda n: gzip.compress(b'{"policies":[],"report-id":"%d"}\n' % n, 1), gz(text(2)), size), 2),
    "gzip: long names": (lambda size: filled(containers.member(1), containers.member(3, 8, b"n" * 100_000 + b"\0"), containers.member(2), size), 3),
    "gzip: stored blocks of nothing": (lambda size: b"\x1f\x8b\x08" + b"\0" * 7 + b"\0\0\0\xff\xff" * (size // 5), 0),
    "gzip: fixed blocks of nothing": (lambda size: b"\x1f\x8b\x08" + b"\0" * 7 + b"\x02\x08\x20\x80\x00" * (size // 5), 0),
    "bzip2: empty streams": (lambda size: filled(bz2.compress(text(1) + b"\n"), bz2.compress(b""), bz2.compress(text(2)), size), 1),
    "bzip2: small streams": (lambda size: filled(bz2.compress(text(1) + b"\n"), bz2.compress(b" "), bz2.compress(text(2)), size), 2),
    "zstd: empty frames": (lambda size: filled(zstandard(text(1) + b"\n"), zstandard(b""), zstandard(text(2)), size), 1),
    "zstd: frames of a blank": (lambda size: filled(zstandard(text(1) + b"\n"), zstandard(b" "), zstandard(text(2)), size), 1),
    "zstd: marks of frames": (lambda size: filled(zstandard(text(1)), b"\x28\xb5\x2f\xfd", b"", size), 1),
    "zstd: bytes between frames": (lambda size: filled(zstandard(text(1) + b"\n"), zstandard(b"") + b"x", b"", size), 1),
    "gzip: bytes between members": (lambda size: filled(gz(text(1) + b"\n"), gzip.compress(b"") + b"x", gz(text(2)), size), 2),
    "zips and gzips in a row": (lambda size: filled(zipped({"x": text(1)}), gzip.compress(b"{}") + zipped({"x": b"{}"}), b"", size), 1),
    "mail: lines before the first part": (lambda size: mail(packed(1)).replace(b"\n\n--", b"\n\n" + b"x\n" * (size // 2) + b"--", 1), 0),
    "mbox: gzip's marks in each mail": (lambda size: filled(FIRST, mails.SEPARATOR + b"X: y\n\n" + b"xx" * 20 + (b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 6) * 100 + b"\n", LAST, size), 2),
    "mbox: zstandard's marks in each mail": (lambda size: filled(FIRST, mails.SEPARATOR + b"X: y\n\n" + b"xx" * 20 + b"PK\x03\x04\x28\xb5\x2f\xfd" * 100 + b"\n", LAST, size), 2),
    "mbox: beginnings of base64 in each mail": (lambda size: filled(FIRST, mails.SEPARATOR + b"X: y\n\nx\n" + (b"H4sI" + b"A" * 36 + b"\n.\n") * 100 + b"\n", LAST, size), 2),
    "mbox: names past ASCII": (lambda size: numbered(FIRST, lambda n: mails.SEPARATOR + 'Content-Type: x/tlsrpt\n\n{"report-id":"","policies":[{"policy":{"policy-domain":"ö%d.example"}}]}\n'.encode() % n, LAST, size), 2),
    "mbox: names past ASCII in headers": (lambda size: numbered(FIRST, lambda n: mails.SEPARATOR + f"TLS-Report-Domain: é{n}.{'é' * 25}.{'é' * 25}.{'é' * 25}\n".encode() + nameless(n), LAST, size), 2),
    "mbox: parts that do not end": (lambda size: filled(FIRST, mails.SEPARATOR + b"Content-Type: multipart/x; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\nAAAA\n", LAST, size), 2),
    "mail: clocks behind From": (lambda size: filled(b"Subject: x\n\n", b"\n\nFrom " + b" 0:00" * 190, b"\n", size), 0),
    "mail: nothing but base64, again and again": (lambda size: filled(b"", mails.typed(b"application/tlsrpt+gzip", b"QQ==\n"), b"", size), 0),
    "gzip: members of a line": (lambda size: filled(packed(1) + gz(b"\n{"), gz(b"x" * 1_000), gz(b"\n" + text(2)), min(size, 5_000_000)), 1),
    "mbox: separators without a date": (lambda size: b"From \nX:\n\n" * (size // 10), 0),
    "tar: marks of headers": (lambda size: filled(entry(b"1", text(1)), b"ustar", b"", size), 1),
    "tar: marks with a NUL behind": (lambda size: filled(T1, b"ustar\0", T2 + STOP, size), 2),
    "tar: marks with a checksum before": (lambda size: filled(T1, b"ustar0011122\0      ", T2 + STOP, size), 2),
    "base64: beginnings": (lambda size: filled(b"x\n", b"H4sI" + b"A" * 36 + b"\n", b"", size), 0),
    "JSON between gzips": (lambda size: filled(packed(1), text(2) + packed(1), b"", size), 2),
    "quoted-printable: blanks": (lambda size: b"Content-Type: application/tlsrpt+json\nContent-Transfer-Encoding: quoted-printable\n\n" + b" " * size, 0),
    "mail: closing delimiters": (lambda size: filled(mail(packed(1)), b"--b1--\n", b"", size), 1),
    "mail: joined without separators": (lambda size: filled(mail(packed(1)), b"From: a\n\n--x--\n", mail(packed(2)), size), 1),
    "xz: empty streams": (lambda size: filled(lzma.compress(text(1) + b"\n"), lzma.compress(b""), lzma.compress(text(2)), size), 2),
    "xz: small streams": (xz_blocks, 2),
    "xz: padding": (padded_xz, 2),
    "zip: empty files": (lambda size: filled(local(b"1", text(1)), local(b"", b""), local(b"2", text(2)) + END, size), 2),
    "zip: files of a byte": (lambda size: filled(local(b"1", text(1)), local(b"x", b"x"), local(b"2", text(2)) + END, size), 2),
    "zip: folders": (lambda size: filled(local(b"1", text(1)), local(b"/", b""), local(b"2", text(2)) + END, size), 2),
    "zip: broken members that say the next are theirs": (lambda size: filled(A, local(b"x", b"x" * 20, method=12, packed_size=250_000), B + END, size), 1),
    "zip: deflated empty files": (lambda size: filled(local(b"1", text(1)), local(b"", b"", method=8), local(b"2", text(2)) + END, size), 2),
    "zip: heads whose names are too long": (lambda size: filled(local(b"1", text(1)), local(b"", b"")[:26] + b"\xff\xff\0\0", b"", size), 1),
    "zip: descriptors": (lambda size: filled(local(b"1", text(1)), descriptor(0), local(b"2", text(2)) + END, size), 2),
    "zip: false ends": (lambda size: numbered(local(b"1", text(1)) + local(b"x", b"", flags=8, packed_size=0, size=0, crc=0), false_end, b"", size), 1),
    "zip: encrypted, size unknown": (lambda size: filled(local(b"1", text(1)), local(b"s", b"", flags=9, packed_size=0), local(b"2", text(2)) + END, size), 2),
    "zip: encrypted": (lambda size: filled(local(b"1", text(1)), local(b"s", b"x", flags=1), local(b"2", text(2)) + END, size), 2),
    "zip: unknown methods": (lambda size: filled(local(b"1", text(1)), local(b"s", b"x", method=99), local(b"2", text(2)) + END, size), 2),
    "zip: wrong checksums": (lambda size: filled(local(b"1", text(1)), local(b"s", b"{}", crc=1), local(b"2", text(2)) + END, size), 2),
    "zip: broken deflate": (lambda size: filled(local(b"1", text(1)), local(b"s", b"\xff" * 3)[:8] + b"\x08\0" + local(b"s", b"\xff" * 3)[10:], local(b"2", text(2)) + END, size), 2),
    "zip: broken deflate of 250 KB": (lambda size: filled(local(b"1", text(1)), containers.raw(8, BROKEN_DEFLATE), local(b"2", text(2)) + END, size), 2),
    "zip: LZMA files of a byte": (lambda size: filled(local(b"1", text(1)), containers.raw(14, LZMA), local(b"2", text(2)) + END, size), 2),
    "zip: LZMA files with dictionaries of 200 MB": (lambda size: filled(local(b"1", text(1)), containers.raw(14, LZMA[:5] + b"\0\0\0\x0c" + LZMA[9:]), local(b"2", text(2)) + END, size), 2),
    "zip: small gzips in gzips in gzips": (lambda size: filled(local(b"1", text(1)), local(b"x", layered(DEEP, gz, gz, gz, gz)), local(b"2", text(2)) + END, size), 2),
    "mbox: small zips of gzips of zips in parts": (lambda size: filled(FIRST, deep_parts(), LAST, size), 2),
    "zip: gzips of 1 MB each": (lambda size: filled(local(b"1", text(1)), local(b"x", gz(b"{" + b" " * 1_000_000)), local(b"2", text(2)) + END, size), 2),
    "zip: zips of bombs": (lambda size: filled(local(b"1", text(1)), local(b"x", zipped({str(n): b"[" + b" " * 30_000_000 for n in range(2)})), local(b"2", text(2)) + END, size), 2),
    "zip: names of 64 KB": (lambda size: filled(local(b"1", text(1)), local(b"n" * 65_535, b"{}"), local(b"2", text(2)) + END, size), 2),
    "zip: names of 64 KB past ASCII": (lambda size: filled(local(b"1", text(1)), local(b"\xff" * 65_535, b"{}"), local(b"2", text(2)) + END, size), 2),
    "zip: extra fields": (lambda size: filled(local(b"1", text(1)), local(b"x", b"x", packed_size=2**32 - 1, extra=b"\7\0\0\0" * 16_000), local(b"2", text(2)) + END, size), 1),
    "zip: signatures": (lambda size: filled(local(b"1", text(1)), b"PK", local(b"2", text(2)) + END, size), 2),
    "zip: P": (lambda size: filled(local(b"1", text(1)), b"P", local(b"2", text(2)) + END, size), 2),
    "zip: zip64": (lambda size: numbered(b"", zip64, END, size), 1),
    "zip: gzips of nothing": (lambda size: filled(local(b"1", text(1)), local(b"x", gzip.compress(b"")), local(b"2", text(2)) + END, size), 2),
    "zip: a directory": (lambda size: local(b"1", text(1)) + (b"PK\x01\x02" + b"\0" * 42) * (size // 46) + END, 1),
    "zip: reports": (lambda size: numbered(b"", lambda n: local(b"%d" % n, b'{"policies":[],"report-id":"%d"}' % n), END, size), 1),
    "zip: bombs of 10 MB": (lambda size: filled(local(b"1", text(1)), local(b"b", b"[" + b" " * 10_000_000, method=8), local(b"2", text(2)) + END, min(size, 2_000_000)), 2),
    "zip: bombs of 33 MB": (lambda size: filled(local(b"1", text(1)), local(b"b", b"[" + b" " * 33_600_000, method=8), local(b"2", text(2)) + END, size), 2),
    "zip: bombs of 60 MB": (lambda size: filled(local(b"1", text(1)), local(b"b", b"\0" * 60_000_000, method=8), local(b"2", text(2)) + END, size), 2),
    "tar: empty files": (lambda size: filled(entry(b"1", text(1)), header(b"e"), entry(b"2", text(2)) + STOP, size), 2),
    "tar: files of a byte": (lambda size: filled(entry(b"1", text(1)), entry(b"x", b"x"), entry(b"2", text(2)) + STOP, size), 2),
    "tar: zeros": (lambda size: filled(entry(b"1", text(1)), b"\0" * 512, entry(b"2", text(2)) + STOP, size), 2),
    "tar: garbage": (lambda size: filled(entry(b"1", text(1)), b"\xff" * 512, entry(b"2", text(2)) + STOP, size), 2),
    "tar: garbage and headers": (lambda size: filled(entry(b"1", text(1)), b"\xff" * 512 + header(b"e"), entry(b"2", text(2)) + STOP, size), 2),
    "tar: no sizes": (lambda size: filled(entry(b"1", text(1)), header(b"e", b"zzz"), entry(b"2", text(2)) + STOP, size), 2),
    "tar: links": (lambda size: filled(entry(b"1", text(1)), header(b"l", kind=b"2"), entry(b"2", text(2)) + STOP, size), 2),
    "tar: pax headers": (lambda size: filled(entry(b"1", text(1)), containers.pax(b"11 path=abc\n"), entry(b"2", text(2)) + STOP, size), 2),
    "tar: pax headers of 1 MB": (lambda size: filled(entry(b"1", text(1)), containers.pax(b"11 path=abc\n" * 80_000), entry(b"2", text(2)) + STOP, size), 2),
    "tar: pax headers of digits": (lambda size: filled(entry(b"1", text(1)), containers.pax(b"9" * 1_000_000), entry(b"2", text(2)) + STOP, size), 2),
    "tar: long names of 1 MB": (lambda size: filled(entry(b"1", text(1)), entry(b"l", b"n" * 1_000_000, b"L") + header(b"e"), entry(b"2", text(2)) + STOP, size), 2),
    "tar: sparse": (sparse, 2),
    "tar.gz: empty files": (lambda size: gz(filled(entry(b"1", text(1)), header(b"e"), STOP, min(size * RATIO, 10**9))), 1),
    "tar.gz: reports": (lambda size: gz(numbered(b"", lambda n: entry(b"%d" % n, b'{"policies":[],"report-id":"%d"}' % n), STOP, size * 8)), 1),
    "tar.xz: empty files": (lambda size: lzma.compress(filled(entry(b"1", text(1)), header(b"e"), STOP, min(size * RATIO, 10**9)), preset=0), 1),
    "gzip of a gzip of lines": (lambda size: gz(gz(filled(text(1) + b"\n", b'{"policies":[]}\n', text(2), size))), 2),
    "gzip, diluted: {}": (lambda size: diluted(text(1) + b"\n", b"{}\n", size, b'{"x":"%b"}\n'), 1),
    "gzip, diluted: quotes": (lambda size: diluted(text(1) + b"\n", b'{"":""}\n', size, b'{"x":"%b"}\n'), 1),
    "gzip, diluted: policies": (lambda size: diluted(text(1) + b"\n", b'{"policies":[]}\n', size, b'{"x":"%b"}\n'), 1),
    "gzip, diluted: long policies": (lambda size: diluted(text(1) + b"\n", b'{"policies":[' + b"0," * 200 + b"0]}\n", size, b'{"x":"%b"}\n'), 1),
    "gzip, diluted: reports": (lambda size: diluted(text(1) + b"\n", b'{"policies":[],"report-id":"x"}\n', size, b'{"x":"%b"}\n'), 1),
    "gzip, diluted: mbox": (lambda size: diluted(FIRST, b"From a Mon 0:00\nx\n", size), 1),
    "gzip, diluted: mbox of one line": (lambda size: diluted(FIRST, b"x" * 1_000, size), 1),
    "gzip: lines of reports with a key too many": (lambda size: woven(text(1) + b"\n", lambda n, x: extended(n + 9, x), text(2), size, 14), 2),
    "gzip: lines of loose reports": (lambda size: woven(text(1) + b"\n", lambda n, x: loose(n + 9, x), text(2), size, 14), 2),
    "gzip: lines of reports of strange words": (lambda size: woven(text(1) + b"\n", lambda n, x: strange(n + 9, x), text(2), size, 1_250), 2),
    "gzip: lines of half a megabyte of numbers": (lambda size: woven(text(1) + b"\n", lambda n, x: fat(n, x, b"0,", 250_000), text(2), size, 8_500), 2),
    "gzip: lines of half a megabyte of objects": (lambda size: woven(text(1) + b"\n", lambda n, x: fat(n, x, b'{"a":0},', 60_000), text(2), size, 8_500), 2),
    "gzip: lines of half a megabyte of comments": (lambda size: woven(text(1) + b"\n", lambda n, x: fat(n, x, b"0,/**/", 80_000), text(2), size, 8_500), 2),
    "gzip: lines of reports among lists": (lambda size: woven(text(1) + b"\n", wrapping, text(2), size, 10_000), 2),
    "gzip: a tar of small reports": (lambda size: woven(entry(b"1", text(1)), lambda n, x: entry(b"%x" % n, extended(n + 9, x)), entry(b"2", text(2)) + STOP, size, 12), 2),
    "gzip: a zip of small reports": (lambda size: woven(local(b"1", text(1)), lambda n, x: local(b"%x" % n, extended(n + 9, x)), local(b"2", text(2)) + END, size, 12), 2),
    "gzip: an mbox of one report": (lambda size: woven(FIRST, mailed, LAST, size, 22), 2),
    "gzip: an mbox of words": (lambda size: woven(FIRST, lambda n, x: mails.SEPARATOR + b"Subject: %x\n\n%b\n\n" % (n, x), LAST, size, 22), 2),
    "gzip: lines of millions of keys, one given twice": (lambda size: woven(text(1) + b"\n", lambda n, x: fat(n, x, b'{"":0,"":0},', 700_000), text(2), size, 60_000), 2),
    "gzip, diluted: tar of empty files": (lambda size: diluted(entry(b"1", text(1)), header(b"e"), size // 16, b"%.512b"), 1),
    "gzip, diluted: tar of zeros": (lambda size: diluted(entry(b"1", text(1)), b"\0" * 512, size, b"%.512b"), 1),
    "gzip, diluted: tar of garbage": (lambda size: diluted(entry(b"1", text(1)), b"\xff" * 512, size, b"%.512b"), 1),
    "gzip, diluted: tar of one file": (lambda size: diluted(entry(b"1", text(1)) + header(b"x", b"77777777777"), b"\xff" * 512, size), 1),
    "gzip, diluted: blanks": (lambda size: diluted(b"", b" " * 512, size), 0),
    "gzip, diluted: zip of empty files": (lambda size: diluted(local(b"1", text(1)), local(b"n" * 1_000, b""), size), 1),
    "gzip, diluted: zip signatures": (lambda size: diluted(local(b"1", text(1)), b"PK", size), 1),
    "gzip, diluted: text": (lambda size: diluted(b"x", b"text ", size), 0),
    "zips in zips in zips": (lambda size: broad(size // 10, zipped, 3), 0),
    "tars in tars.gz": (lambda size: broad(size // 10, lambda files: tarred(files, "w:gz"), 3), 0),
    "60 zips in each other": (lambda _: quine_zip(), 0),
    "msg: attachments without data": (lambda size: ole.ole(ole.message("X: y\n", [b""] * (min(size, 39_000_000) // 460))), 0),
    "msg: noise": (lambda size: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * (size // 256), 0),
    "msg: zeros": (lambda size: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * size, 0),
    "noise": (lambda size: bytes(range(255, -1, -1)) * (size // 256), 0),
    "line breaks": (lambda size: b"x\n" * (size // 2), 0),
}  # fmt: skip


REPORT_MOST, MAIL_MOST, FILE_MOST = 33_000_000, 41_000_000, 50_000_000


def attacks() -> Iterator[Attack]:
    """Give every attack."""
    for name, (make, loads) in JSON_ATTACKS.items():
        lines = name.startswith("lines of") and name != "lines of []"
        yield Attack(f"json: {name}", make, loads, FILE_MOST if lines else REPORT_MOST)
    for name, (make, loads) in MAIL_ATTACKS.items():
        yield Attack(f"mail: {name}", make, loads, MAIL_MOST)
    for name, (make, loads) in CONTAINER_ATTACKS.items():
        yield Attack(name, make, loads, FILE_MOST)
