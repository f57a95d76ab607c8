"""What bytes are, told by how they begin and never by a name or media type; and whether they may hold a report."""

import codecs
import re
from collections.abc import Callable

from mtasts_analysis.archive import mboxes, tars, zips
from mtasts_analysis.archive.streams import BZIP2, GZIP, XZ, ZSTD, Stream
from mtasts_analysis.limits import KIB

HEAD = 600
"""Bytes by which a thing is told."""
BLANKS = b"\xef\xbb\xbf\r\n\t "
# RFC 5322 §3.6.8 allows names of signs too; what begins so in fact is a log, or JSON behind a word.
_FIELD = re.compile(rb"[A-Za-z][!#-9;-z|}~]{0,119}[ \t]*:")
_LATER = re.compile(
    # A mail whose first line is damaged.
    rb"\n(?:received|from|to|date|subject|message-id|mime-version|content-type)[ \t]*:",
    re.IGNORECASE,
)
_PROSE = re.compile(rb"(?!From |begin [0-7]{3,4} )[A-Za-z]++ (?![ \t]*:)")
SPEAKS = re.compile(rb'"(?:policies|date-range|report-id|smtp_tls_reports|policy-type)"')
_IN_BASE64 = rb"(?:H4sI|UEsDB)[\w+/-]{36}"
"""How a gzip and a zip begin in base64."""
_BASE64 = re.compile(
    _IN_BASE64
    + rb"|(?=[\w+/=\r\n-]{40,}\Z)(?:H4sI|UEsDB|QlpoO|/Td6W|RnJvb|eyJ|ewo|ew0K|W3s|SDRzS)",
    re.ASCII,
)
"""How gzip, zip, bzip2, xz, mail, JSON, and base64 of gzip begin in base64; the first two are like nothing else."""
KEY = re.compile(
    rb'"(?:organization[-_]name|date-range|contact-info|report-id|policies|begin_date|smtp_tls_reports)"'
)
_UU = rb" [0-7]{3,4} [^\n]{1,255}\n(?=[!-`][ -`]{3})"
"""What follows `begin` where uuencode begins: a name, then a line of its letters, of which none is a small one."""
MAY_SPEAK = re.compile(KEY.pattern + rb"|\\")
INSIDE = (
    re.compile(
        # What is packed, an mbox's separator, a uuencoded file, and a report, unless a human quotes it.
        # Each begins with a letter, and looks back from behind it: so that the search is for one of a few letters.
        b"|".join((zips.HEAD, GZIP, BZIP2, XZ, ZSTD))
        + rb"|F(?<![^\n\0]F)rom (?=[^\n]{1,60}?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [^\n]{0,30}?\d:\d\d)"
        + rb"|H(?<![^\n,]H)4sI(?=[\w+/-]{36})|U(?<![^\n,]U)EsDB(?=[\w+/-]{36})"
        + rb"|\nbegin(?="
        + _UU
        + rb")|\{(?<!\n>\{)(?<!\n> \{)(?<!\A>\{)(?<!\A> \{)(?=\s{0,40}"
        + KEY.pattern
        + rb")"
    ),
    280,
)
"""How what can be read begins among other bytes, and in how many."""
_NEAR = 4 * KIB
_PACKED_INSIDE = (
    # Each with how it begins, which is found ten times faster than a pattern, and with a letter of that which
    # JSON seldom has: a letter is found ten times faster again.
    (b"\x03", b"PK\x03\x04", re.compile(zips.HEAD)),
    (b"\x1f", b"\x1f\x8b\x08", re.compile(GZIP)),
    (b"Z", b"BZh", re.compile(BZIP2)),
    (b"\xfd", b"\xfd7zXZ", re.compile(XZ)),
    (b"\xfd", b"\x28\xb5\x2f\xfd", re.compile(ZSTD)),
    (b"\n", b"\nFrom ", mboxes.SEPARATORS["mbox"]),
    (b"\n", b"\nH4sI", re.compile(rb"\nH4sI[\w+/-]{36}")),
    (b"\n", b"\nUEsDB", re.compile(rb"\nUEsDB[\w+/-]{36}")),
    (b"\n", b"\nbegin ", re.compile(rb"\nbegin" + _UU)),
)
_SAID = re.compile(
    rb"(?:[^\r\n]+\r?\n)*?(?:[^\r\n{]*+\{(?=\s{0,40}"
    + KEY.pattern
    + rb")|"
    + _IN_BASE64
    + rb"|begin"
    + _UU
    + rb")"
)
"""A report behind words, or packed below them, before any blank line."""
LEAST = 40
"""Nothing shorter holds anything."""


def speaks(document: bytes) -> bool:
    """Tell whether a document may name two keys of a report: an escape may hide one."""
    found = MAY_SPEAK.search(document)
    return found is not None and (
        b"\\" in document
        or b"smtp_tls_reports" in document
        or KEY.search(document, found.end()) is not None
    )


QUOTED = re.compile(
    rb"^(?:content-type|tls-report-domain|mime-version)[ \t]*:", re.IGNORECASE | re.MULTILINE
)


def holds(payload: bytes) -> bool:
    """Tell whether a part that is something else, as a human's text, may have a report in it."""
    return (
        b'"policies"' in payload
        or b"\nbegin " in payload
        or b"H4sI" in payload
        or b"UEsDB" in payload
        or b"\x1f\x8b\x08" in payload
        or b"PK\x03\x04" in payload
    )


PACKED = frozenset(("gzip", "bzip2", "xz", "zstd", "zlib", "lzma"))
ENCODED = frozenset(("base64", "uuencode"))
MAY_HOLD = frozenset(("other-file", "xml", "dmarc-report"))


def _in_cr(stream: Stream) -> Callable[[int], bytes]:
    """Read lines that end as on old Macs."""
    return lambda size: stream.read(size).replace(b"\r", b"\n")


def _in_utf16(stream: Stream) -> Callable[[int], bytes]:
    """Read UTF-16 or UTF-32 with its mark, as Windows writes text."""
    wide = stream.peek(4) in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
    decoder = codecs.getincrementaldecoder("utf-32" if wide else "utf-16")("replace")

    def read(size: int) -> bytes:
        while piece := stream.read(size):
            if text := decoder.decode(piece):
                return text.encode("utf-8", "replace")
        return b""

    return read


WRITTEN = {"cr": _in_cr, "utf-16": _in_utf16}
CONTAINERS = frozenset(
    (*PACKED, *ENCODED, *WRITTEN, *mboxes.SEPARATORS, "zip", "tar", "mail", "msg")
)
HOLDERS = CONTAINERS | {"json"}
HINTS = {
    "pst": "an Outlook data file: export the folder as .eml or mbox, or convert it with `readpst`",
    "7z": "a 7-Zip archive: unpack it first",
    "rar": "a RAR archive: unpack it first",
    "lzip": "lzip data: unpack it first",
    "compress": "compressed by `compress`: unpack it first",
    "tnef": "an Outlook winmail.dat: unpack it with `tnef`, or have the sender's Outlook write plain mail",
    "pgp": "encrypted by OpenPGP: decrypt it first",
}
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08PK\x03\x04", "zip"),
    (b"PK00PK\x03\x04", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "msg"),
    (b"!BDN", "pst"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x50\x2a\x4d\x18", "zstd"),
    (b"PAR1", "parquet"),
    (b"LZIP", "lzip"),
    (b"\x1f\x9d", "compress"),
    (b"\x78\x9f\x3e\x22", "tnef"),
    (b"-----BEGIN PGP MESSAGE-----", "pgp"),
    (b"\x01\x01\x01\x01\n", "mmdf"),
    (b"\x01\x01\x01\x01\r\n", "mmdf"),
    (b"BABYL OPTIONS:", "babyl"),
    # RFC 1950 §2.2: a window of 32 KiB, and no dictionary.
    (b"\x78\x01", "zlib"),
    (b"\x78\x5e", "zlib"),
    (b"\x78\x9c", "zlib"),
    (b"\x78\xda", "zlib"),
    (b"\x5d\0\0", "lzma"),
)
_MAGICS = tuple(magic for magic, _ in _MAGIC)


def sniff(head: bytes) -> str:
    """Tell what bytes are by how they begin.

    Examples
    --------
    >>> sniff(b'{"organization-name"'), sniff(b"From: a@b.example"), sniff(b"From a Mon Jan  1")
    ('json', 'mail', 'mbox')
    """
    if head[:1] in (b"{", b"[") and not _BANNER.match(head):
        return "json"
    if len(head) < 512 and _PROSE.match(head) and not _LATER.search(head):
        return "other-file"  # a human's text, as most parts of mails are
    text = head.lstrip(BLANKS)
    if text.startswith(_MAGICS):
        return next(form for magic, form in _MAGIC if text.startswith(magic))
    if is_tar(head) or (len(text) < len(head) and is_tar(text)):
        return "tar"
    if not text:
        return "empty"
    begins = text.startswith((b"{", b"[", b"\x1e{")) and not _BANNER.match(text)
    if begins or _UTF16.match(head) or (_COMMENTED.match(text) and KEY.search(text)):
        return "json"
    if head.startswith(_WIDE):
        return "utf-16"
    if b"\r" in text and b"\n" not in text:
        form = sniff(text.replace(b"\r", b"\n"))
        return "cr" if form in mboxes.SEPARATORS or form == "mail" else form
    if text.startswith(b"From "):
        return "mbox"
    if text.startswith(b"begin ") and _UUENCODE.match(text):
        return "uuencode"
    if _BASE64.match(text):
        return "base64"
    if text.startswith(b"<"):
        return "dmarc-report" if b"<feedback" in text else "xml"
    if _FIELD.match(text) or text.startswith(b">From "):
        # `data: {"report-id": ...`: what writes a word before each line.
        return "other-file" if _SAID.match(text) else "mail"
    if _LATER.search(text):  # after a line that is none
        return "mbox" if mboxes.dated(text) else "mail"
    return "other-file"


def is_tar(head: bytes) -> bool:
    """Tell whether a tar begins here."""
    # A mail may have a tar's mark where a tar has it: no name of a file has a line break.
    return (
        len(head) >= tars.BLOCK
        and b"\n" not in head[:100].rstrip(b"\n")
        and (head[257:262] == b"ustar" or tars.is_header(head[: tars.BLOCK]))
    )


_BANNER = re.compile(
    # `[EXTERNAL] ...` and `{Spam?} ...`, as gateways put before a text; but no word of JSON in a list.
    rb"[\[{][ \t]{0,9}+(?!(?:true|false|null|NaN|Infinity)[ \t]{0,9}\])"
    rb'[A-Za-z][^\[\]{}":,\r\n]{0,60}[\]}][^\r\n]{0,300}\r?\n(?!\s*[\[{])'
)
_COMMENTED = re.compile(rb"(?:(?://[^\n]*+\n|/\*(?:[^*]|\*(?!/))*+\*/)\s*+)++[{\[]")
_UTF16 = re.compile(
    rb"(?:\xff\xfe)?(?:[\r\n\t ]\x00)*[{\[]\x00|(?:\xfe\xff)?(?:\x00[\r\n\t ])*\x00[{\[]\x00"
    rb"|(?:\xff\xfe\x00\x00)?[{\[]\x00|(?:\x00\x00\xfe\xff)?\x00\x00\x00[{\[]"
)
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_UUENCODE = re.compile(rb"begin" + _UU)


def until_packed(stream: Stream, most: int) -> tuple[bytes, bool]:
    """Take JSON up to what it cannot hold, something packed or an mbox; tell whether that follows."""
    return until(stream, _packed_inside, most)


def _packed_inside(text: bytes, at: int) -> int:
    # A line of ASCII, as most JSON is, holds none of them but these two.
    if text.isascii() and b"\n" not in text and b"\x03" not in text and b"BZh" not in text:
        return len(text)
    ends = len(text)
    at = max(at, 1)
    for letter, mark, whole in _PACKED_INSIDE:
        first = text.find(letter, at)
        if first >= 0:
            found = mboxes.marked(whole, mark, text, max(at, first - len(mark)))
            ends = min(ends, found.start()) if found else ends
    return ends


def encoded(stream: Stream, form: str, most: int) -> bytes:
    """Take what is written in base64 or by uuencode, up to what follows it."""
    ends = _ENDS[form]

    def end(text: bytes, at: int) -> int:
        found = ends.search(text, at)
        return found.start() if found else len(text)

    return until(stream, end, most)[0]


_ENDS = {
    # A line of minuses, another one of them, or what base64 has no letter for; and uuencode's own last line.
    "base64": re.compile(rb"\n--|\n(?=" + _IN_BASE64 + rb")|[^\w+/=\r\n\t -]", re.ASCII),
    "uuencode": re.compile(rb"\nend"),
}
_REACH = 1_000
"""How long what is looked for is at most."""


def until(stream: Stream, place: Callable[[bytes, int], int], most: int) -> tuple[bytes, bool]:
    """Take a text up to a place in it, or to its end; tell whether something follows.

    `place` says where that is in what was taken so far, looked at from an index on; its length where it is not.
    """
    text, seen = stream.take(min(_NEAR, most)), 0
    while True:
        at = place(text, seen)
        if at < len(text):
            stream.push_back(text[at:])
            return text[:at], True
        more = stream.take(min(3 * len(text), most - len(text)))
        if not more:
            return text, False
        seen = max(0, len(text) - _REACH)
        text += more


def is_lines(text: bytes) -> bool:
    """Tell whether a JSON text is JSON Lines: an object that ends its line, and another after it."""
    end = text.find(b"\n")
    if end < 0:
        return False
    first = text[:end].strip(BLANKS)
    if not (first.startswith(b"{") and first.endswith(b"}")):
        return False
    return text[end : end + 4096].lstrip(b"\r\n").startswith(b"{")
