"""One mail → its leaf parts, decoded, and the header fields that the tables keep.

A small MIME reader (RFC 2045, 2046) that is linear in the mail's size, whatever the mail holds, and
bounded in depth, parts and header size. The standard library's reads more of RFC 5322 than reports
need, and takes time quadratic in a hostile header; a test compares the two on ordinary mail.
"""

import binascii
import io
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from mtasts_analysis.archive import instants
from mtasts_analysis.archive.mboxes import HEADED
from mtasts_analysis.limits import KIB, Limits


class Facts(Struct, frozen=True, gc=False):
    """What a report mail's header says (RFC 8460 §5.3); None is absent."""

    received: int | None = None
    report_domain: str | None = None
    submitter: str | None = None
    message_id: str | None = None
    header_from: str | None = None
    dkim: str = "not-checked"


class Header(Struct, frozen=True, gc=False):
    """The header of a mail or part: the fields that are read here, and where its body starts."""

    mail: bytes
    fields: dict[bytes, bytes]
    body: int


class _Shape(Struct, frozen=True, gc=False):
    """What an entity's header says of its body."""

    media: bytes
    """Its media type, with parameters, in lower case."""
    boundary: bytes
    encoding: bytes
    claims: bool
    """Its media type or file name says that it is a report."""


class Leaf(Struct, frozen=True, gc=False):
    """A part without parts."""

    path: str
    """As IMAP counts (RFC 3501 §6.4.5): `2`, `2.1`."""
    payload: bytes
    claims: bool
    """Its media type or file name says that it is a report."""
    header: Header
    """Of the mail it stands in: the innermost, where mails are forwarded."""
    refused: tuple[str, str] | None = None
    """A limit that was hit here: code and detail."""


_PARAMETER = re.compile(
    # name[*[n[*]]]=value: RFC 2045 §5.1 and RFC 2231 §3. An open quote runs to the end: were it to
    # fail there, each `;name="` would read to the end again.
    rb";[ \t\r\n]*([a-z0-9_-]+(?:\*[0-9]{1,3})?\*?)[ \t\r\n]*=[ \t\r\n]*"
    rb'(?:"((?:[^"\\]|\\.)*)(?:"|\\?\Z)|([^;\s"]*))',
    re.IGNORECASE | re.DOTALL,
)
# Of two minuses alone, as an empty boundary leaves them, those that a part's header follows: a signature has none.
_DELIMITER = re.compile(rb"(?:^|\n)--(?:([!-~][ -~]{0,69})\r?\n|\r?\n(?=(?i:content-)))")
_REST = rb"(?:--)?[ \t\r\v\f]*+(?:\n|\Z)"
"""What may follow a boundary in its line."""
_SMALL = 64 * KIB
"""So many bytes of a mail may be searched once more, however deep they lie."""
_PREAMBLE = 64 * KIB
"""How far a boundary that nobody named is looked for."""
_LF, _CR = b"\n\r"  # a number is looked for in bytes at once; bytes are tried as a number first
_COMMENT = re.compile(rb"\([^()]*\)")
"""RFC 822 §3.4.3: what a reader of a structured field passes over."""
_ADDRESS = re.compile(rb"<([^<>]*)>[^<>]*$")
_CLAIMING_NAMES = (b".json", b".json.gz", b".json.zip", b".json.gzip")  # RFC 8460 §5.1, and seen
_BLANK = re.compile(rb"\n\r*+\n")  # CR CR LF: what passed twice through a text mode
_NEXT = re.compile(rb"\n" + HEADED)
_LEAST = 256
"""No mail of a report is smaller."""
_SOMETHING = re.compile(rb"\S")
_JOINED = re.compile(rb"\n(?i:content-type)[ \t]*:\s{0,99}(?i:multipart/)")
"""In the header of a mail that was joined to another."""
_HEADER = 16 * KIB
"""How far that is looked for: to the end it would be once for each level of parts."""
_ENDED = re.compile(rb"\n(?![!-9;-~]{1,120}+[ \t]*+:|[ \t]++[^ \t\r\n])(?:[ \t]*+\r?\n)?")
"""A line that is no field and none's end: without a blank line, or with one that holds blanks, the body begins."""
_FIELDS = re.compile(
    # A field and its folded lines (RFC 5322 §2.2.3). Each step reads on and none goes back: linear.
    rb"\n(?=[cdfmrst])(content-(?:type|transfer-encoding|disposition)|date|from|message-id|subject"
    rb"|return-path|tls-report-(?:domain|submitter))[ \t]*+:(.*+(?:\n[ \t].*+)*+)",
    re.IGNORECASE,
)


def header(mail: bytes, limits: Limits) -> Header:
    """Read a mail's header; without a blank line all there is is header."""
    block = b"\n" + mail[: limits.header_bytes]
    body = _body(block, 0, len(block))
    return Header(mail, _fields(block, 0, body, limits), body - 1)


def _body(mail: bytes, start: int, stop: int) -> int:
    """Say where the body begins of what is headed by the lines after the line break at `start`."""
    blank = _BLANK.search(mail, start, stop)
    return blank.end() if blank else stop


def _fields(mail: bytes, start: int, body: int, limits: Limits) -> dict[bytes, bytes]:
    """Give the fields' values by their names in lower case, unfolded and bounded."""
    found = _FIELDS.findall(mail, start, body)
    found.reverse()  # of a field given twice the first counts: it is the one added last
    return {name.lower(): _unfolded(value, limits) for name, value in found}


def _unfolded(value: bytes, limits: Limits) -> bytes:
    """Take the line breaks out of a field; the white space stays (RFC 5322 §2.2.3)."""
    if _LF not in value and len(value) <= limits.field_bytes:
        return value.strip()
    return value[: limits.field_bytes].replace(b"\r", b"").replace(b"\n", b"").strip()


FIELDS = (b"date", b"from", b"message-id", b"tls-report-domain", b"tls-report-submitter")
"""What the `reports` table keeps."""


def facts(of: Header, limits: Limits) -> Facts:
    """Read the fields that the `reports` table keeps from a mail's header."""
    return facts_of(tuple(map(of.fields.get, FIELDS)), limits)


def facts_of(fields: tuple[bytes | None, ...], limits: Limits) -> Facts:
    """Read the values of :data:`FIELDS`, as written or unfolded."""
    date, sender, message_id, domain, submitter = fields
    written = (domain, submitter, sender, limits.field_bytes)
    named = _named.get(written)
    if named is None:
        address = _ADDRESS.search(_unfolded(sender, limits)) if sender else None
        named = (
            _word(domain, limits),
            _word(submitter, limits),
            address[1].decode("utf-8", "replace") or None if address else _word(sender, limits),
        )
        # All mails of a sender for a domain have them in common.
        if len(domain or b"") + len(submitter or b"") + len(sender or b"") < _LONG:
            if len(_named) >= _KEPT:
                _named.clear()
            _named[written] = named
    return Facts(
        instants.rfc5322(_unfolded(date, limits)) if date else None,
        named[0],
        named[1],
        _word(message_id, limits),
        named[2],
    )


_LONG = 500
_named: dict[
    tuple[bytes | None, bytes | None, bytes | None, int], tuple[str | None, str | None, str | None]
] = {}


def _word(value: bytes | None, limits: Limits) -> str | None:
    return _unfolded(value, limits).decode("utf-8", "replace") or None if value else None


def kind(of: Header) -> str:
    """Tell what a mail without a report is: `bounce`, `dmarc-report` or `mail`."""
    fields = of.fields
    content_type = fields.get(b"content-type", b"").lower()
    # RFC 3464 §2: a delivery status notification; RFC 5321 §4.5.5: its empty return path.
    if b"delivery-status" in content_type or fields.get(b"return-path", b"") == b"<>":
        return "bounce"
    # RFC 7489 §7.2.1.1: DMARC's own subject; TLSRPT's differs in case ("Report Domain:").
    if fields.get(b"subject", b"").startswith(b"Report domain:"):
        return "dmarc-report"
    return "mail"


def leaves(of: Header, limits: Limits) -> list[Leaf]:
    """Give each leaf part of a mail, and of the mails forwarded in it, decoded."""
    found: list[Leaf] = []
    most = len(of.mail) * (1 + limits.mime_depth // 5) + _SMALL
    left = [limits.mime_parts, limits.mime_depth, most]
    shape = _shape(of.fields)
    _walk(shape, of.body, len(of.mail), "", of, limits, found, left)
    # RFC 2046 §5.1.1: what stands outside of the parts is to be passed over; here it may be more than a note.
    first, last = _outside(of, shape.boundary)
    for name, text in (("preamble", of.mail[of.body : first]), ("epilogue", of.mail[last:])):
        if text.strip():
            found.append(Leaf(name, text, False, of))
    return found


def end(of: Header) -> int:
    """Say where a mail may end, for all that it says of itself: at its closing delimiter, if it has parts."""
    boundary = _shape(of.fields).boundary
    closing = of.mail.find(b"\n--" + boundary + b"--", of.body) if boundary else -1
    return max(closing, of.body)


def next_in_a_row(of: Header) -> int:
    """Say where, in a mail that is nothing but base64, the fields of another one begin; its end where none do."""
    shape = _shape(of.fields)
    if shape.media.startswith(b"multipart/") or not shape.encoding.startswith(b"base64"):
        return len(of.mail)
    found = _NEXT.search(of.mail, max(of.body, _LEAST))  # base64 has no colon
    return found.end() if found else len(of.mail)


def _outside(of: Header, boundary: bytes) -> tuple[int, int]:
    """Say where a mail's first delimiter stands, and what stands behind its last, where that closes it."""
    delimiter = b"\n--" + boundary
    first = of.mail.find(delimiter, of.body - 1) if boundary else -1
    if first < 0:
        return of.body, len(of.mail)
    last = of.mail.rfind(delimiter, of.body - 1)
    line = of.mail.find(b"\n", last + 1)
    closes = of.mail.startswith(b"--", last + len(delimiter))
    return first, line if line >= 0 and closes else len(of.mail)


def _shape(fields: dict[bytes, bytes]) -> _Shape:
    """Read what an entity's header says of its body."""
    content_type = fields.get(b"content-type", b"")
    media = content_type.lower()
    boundary = b""
    if media.startswith(b"multipart/"):
        boundary = _parameter(content_type, media, b"boundary")
    claims = b"tlsrpt" in media
    if not claims and (b"name" in media or b"content-disposition" in fields):
        disposition = fields.get(b"content-disposition", b"")
        file_name = _parameter(disposition, disposition.lower(), b"filename") or _parameter(
            content_type, media, b"name"
        )
        claims = file_name.lower().endswith(_CLAIMING_NAMES)
    encoding = fields.get(b"content-transfer-encoding", b"").lower()
    if b"(" in encoding:
        encoding = _COMMENT.sub(b"", encoding)
    return _Shape(media, boundary, encoding.strip(b'" \t'), claims)


def _part(mail: bytes, first: int, last: int, limits: Limits) -> tuple[_Shape, int]:
    """Read the header of a part that lies between `first` and `last`, and say where its body begins."""
    stop = min(last, first + limits.header_bytes)
    body = _body(mail, first - 1, stop)
    if not _SOMETHING.search(mail, body, last):
        ended = _ENDED.search(mail, first - 1, stop)
        body = ended.end() if ended else body
    return _part_shape(mail[first - 1 : body], limits), body


def _part_shape(block: bytes, limits: Limits) -> _Shape:
    # A sender's text part has the same short header in each of its mails.
    key = (block, limits.field_bytes) if len(block) < _SHORT else None
    shape = _shapes.get(key) if key else None
    if shape is None:
        shape = _shape(_fields(block, 0, len(block), limits))
        if key:
            if len(_shapes) >= _KEPT:
                _shapes.clear()
            _shapes[key] = shape
    return shape


_SHORT, _KEPT = 200, 5_000
_shapes: dict[tuple[bytes, int], _Shape] = {}


def harmless(header: bytes, body: bytes, limits: Limits) -> bytes | None:
    """Decode a part whose own header claims no report; None where it claims one or holds parts.

    Parameters
    ----------
    header
        Its header, with the line breaks before and after it.
    body
        Its body.
    limits
        The bounds to keep.
    """
    shape = _part_shape(header, limits)
    if shape.claims or shape.media.startswith((b"multipart/", b"message/rfc822")):
        return None
    return decoded(body, shape.encoding)


def _walk(
    shape: _Shape,
    body: int,
    end: int,
    path: str,
    outer: Header,
    limits: Limits,
    found: list[Leaf],
    left: list[int],
) -> None:
    """Find the leaves of the entity whose body lies between `body` and `end` of `outer`'s mail.

    `left` holds how many entities and how many levels there may still be, and how many bytes may still be searched
    for delimiters: at each level all that lies within is searched again.
    """
    levels = 0
    # A mail in a mail is a turn of the loop, which lets go of the outer one: twenty copies of 40 MB else.
    while True:
        left[0] -= 1
        media, boundary = shape.media, shape.boundary
        multipart = media.startswith(b"multipart/")
        deep = left[1] < 0 or (multipart and end - body > left[2])
        if left[0] < 0 or deep:
            name = "mime_depth" if deep else "mime_parts"
            detail = f"the limit is {getattr(limits, name)} (limit: {name})"
            refused = (f"limit-{name.replace('_', '-')}", detail)
            found.append(Leaf(path or "1", b"", False, outer, refused))
            break
        if multipart:
            left[2] -= end - body
            spans = _spans(outer.mail, body, end, boundary, limits)
            if spans:
                prefix = f"{path}." if path else ""
                left[1] -= 1
                for number, (first, last) in enumerate(spans, 1):
                    inside, begin = _part(outer.mail, first, last, limits)
                    _walk(inside, begin, last, f"{prefix}{number}", outer, limits, found, left)
                    if left[0] < 0:
                        break
                left[1] += 1
                break
        payload = decoded(outer.mail[body:end], shape.encoding)
        # A report may be labelled as a mail that it is not.
        if not media.startswith(b"message/rfc822") or not _MAIL.match(payload):
            found.append(Leaf(path or "1", payload, shape.claims, outer))
            break
        outer = header(payload.lstrip(b"\r\n"), limits)
        del payload
        shape, body, end = _shape(outer.fields), outer.body, len(outer.mail)
        left[1] -= 1
        levels += 1
    left[1] += levels


def _spans(
    mail: bytes, body: int, end: int, boundary: bytes, limits: Limits
) -> list[tuple[int, int]]:
    """Give the spans of a multipart's parts."""
    spans = _parts(mail, body, end, boundary, limits) if boundary else []
    if not spans:
        # A boundary that is missing or occurs nowhere: the first line that looks like one.
        guess = _DELIMITER.search(mail, max(body - 1, 0), min(end, body + _PREAMBLE))
        if guess:
            spans = _parts(mail, body, end, (guess[1] or b"").rstrip(), limits)
    return spans


def _parts(
    mail: bytes, start: int, end: int, boundary: bytes, limits: Limits
) -> list[tuple[int, int]]:
    """Give the spans between a boundary's delimiter lines (RFC 2046 §5.1.1)."""
    delimiter = b"\n--" + boundary
    size = len(delimiter)
    spans: list[tuple[int, int]] = []
    opened, closed, behind = -1, 0, False
    longer = 0
    whole: re.Pattern[bytes] | None = None
    # The body's first line may be the delimiter: the line break before it is the header's.
    at = mail.find(delimiter, start - 1, end)
    while at >= 0:
        after = at + size
        line = mail.find(b"\n", after, end)
        if line < 0:
            line = end
        closing = mail.startswith(b"--", after)
        rest = mail[after + 2 : line] if closing else mail[after:line]
        # A longer boundary may begin as this one does: only white space may follow (§5.1.1).
        if rest and rest.strip():
            longer += 1
            if longer > limits.mime_parts:
                # Millions of them, at each of twenty levels, are passed over in one step.
                whole = whole or re.compile(re.escape(delimiter) + _REST)
                found = whole.search(mail, after, end)
                at = found.start() if found else -1
            else:
                at = mail.find(delimiter, after, end)
            continue
        if opened >= 0 and not (behind and _is_empty(mail, opened, at)):
            spans.append((opened, at - 1 if mail[at - 1] == _CR else at))
            if len(spans) > limits.mime_parts:
                return spans
        # Parts may stand behind a closing delimiter that came too soon, with something between.
        closed += closing
        if closed > limits.mime_parts:
            return spans
        opened, behind = min(line + 1, end), closing
        at = mail.find(delimiter, line, end)
    if opened >= 0 and not behind:  # cut before its closing delimiter: what is there is given
        spans.append((opened, end))
    return spans


def _is_empty(mail: bytes, start: int, end: int) -> bool:
    """Tell whether nothing stands between two parts: blanks, or the header of a mail joined to this one."""
    return not _SOMETHING.search(mail, start, end) or bool(
        _JOINED.search(mail, start - 1, min(end, start + _HEADER))
    )


def _parameter(value: bytes, lower: bytes, name: bytes) -> bytes:
    """Give a parameter of a structured field, RFC 2231's continuations and encodings joined."""
    at = lower.find(name)
    if at < 0:
        return b""
    if b"*" not in value and b"\\" not in value:
        # Plain and quoted, as nearly all are.
        after = at + len(name) + 2
        if lower.startswith(b'="', after - 2) and lower[at - 1 : at] in (b" ", b";", b"\t"):
            end = value.find(b'"', after)
            if end >= 0:
                return value[after:end]
    sections: dict[int, bytes] = {}
    for key, quoted, plain in _PARAMETER.findall(value):
        base, *rest = key.lower().split(b"*")
        if base != name:
            continue
        text = re.sub(rb"\\(.)", rb"\1", quoted, flags=re.DOTALL) if quoted else plain
        index = int(rest[0]) if rest and rest[0].isdigit() else 0
        if key.endswith(b"*"):
            # RFC 2231 §4: charset'language'percent-encoded, the first two in the first section only.
            text = text.rpartition(b"'")[2] if index == 0 else text
            text = re.sub(rb"%([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), text)
        sections.setdefault(index, text)
    return b"".join(sections[index] for index in sorted(sections))


_NOT_ENCODED = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:[{\[]|\x1f\x8b\x08|PK\x03\x04)")
"""How a report begins that is not encoded, whatever the header says."""
_MAIL = re.compile(rb"\s*(?![{\[])(?:>?From |[!-9;-~]{1,120}[ \t]*:)")
"""How a mail begins (RFC 5322 §2.2), or what an mbox's separator left of it."""
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"  # RFC 4648 §4
_NO_LETTERS = bytes(set(range(256)) - set(_LETTERS))
URLSAFE = bytes.maketrans(b"-_", b"+/")  # RFC 4648 §5
_PADDED_LINE = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")
"""RFC 2045 §6.7: white space at a line's end was put there on the way."""
_PADDED = re.compile(rb"[^=]*+=*+")
_PADDING = 8
"""How near its end a text in base64 is padded, with the line break after it."""
_UUENCODE = (b"x-uuencode", b"uuencode", b"x-uue", b"uue")


def _uu(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return b""  # no line of data


def _joined(pieces: Iterable[bytes], most: int) -> bytes:
    """Join pieces as they come, as far as they are no more than they were made of.

    There may be ten million, and a list of them takes ten times the room.
    """
    whole = bytearray()
    for piece in pieces:
        whole += piece
        if len(whole) > most:  # a line of uuencode that is cut is filled up: 2 bytes to 63
            break
    return bytes(whole)


def _blocks(text: bytes) -> Iterator[bytes]:
    """Cut a text at ends of lines: all places in it where a pattern matches take ten times its room, at once."""
    at = 0
    while at < len(text):
        end = text.find(b"\n", at + _BLOCK) + 1 or len(text)
        yield text[at:end]
        at = end


_BLOCK = 64 * KIB


def decoded(body: bytes, encoding: bytes) -> bytes:
    """Undo a content-transfer-encoding (RFC 2045 §6); an unknown one is taken as none (§6.4)."""
    if not encoding:
        return body
    if encoding in _UUENCODE and not _NOT_ENCODED.match(body):
        lines = io.BytesIO(body.partition(b"begin ")[2])
        lines.readline()
        return _joined(map(_uu, lines), len(body))
    if encoding.startswith(b"base64"):
        if _NOT_ENCODED.match(body):
            return body
        if (b"-" in body or b"_" in body) and b"+" not in body and b"/" not in body:
            body = body.translate(URLSAFE)
        try:
            if b"=" in body[:-_PADDING]:  # encoded in pieces, each of them padded
                pieces = (binascii.a2b_base64(piece[0]) for piece in _PADDED.finditer(body))
                return _joined(pieces, len(body))
            return binascii.a2b_base64(body)
        except binascii.Error:
            # Cut, or padded wrongly: every whole byte before the fault.
            letters = body.translate(None, _NO_LETTERS)
            if len(letters) % 4 == 1:
                letters = letters[:-1]
            return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
    if encoding.startswith((b"quoted", b"qp")):
        stripped = (_PADDED_LINE.sub(b"", block) for block in _blocks(body))
        return binascii.a2b_qp(_joined(stripped, len(body)))
    return body
