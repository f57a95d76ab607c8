"""The mail that nearly every sender writes, read in one match.

RFC 8460 §5.3's own form: a header, a text part, and a gzipped report in base64. One pattern says what is
plain about it; a mail that it does not match, or whose parts are not what they seem, is read by
:mod:`~mtasts_analysis.archive.mail`, and a property test holds that both read the same.

Linear, whatever the mail holds: no line can be read in two ways, so that nothing is tried twice.
"""

import binascii
import re

from msgspec import Struct
from pybase64 import b64decode

from mtasts_analysis.archive import mail as mime
from mtasts_analysis.archive.forms import is_lines
from mtasts_analysis.archive.streams import inflate
from mtasts_analysis.limits import MIB, Limits

_REST = r".*+(?:\n[ \t].*+)*+"
"""The rest of a field, with its folded lines (RFC 5322 §2.2.3)."""

_SPACE = r"(?:[ \t]|\r?\n(?=[ \t])){0,99}"


def _field(group: int, name: str) -> str:
    """Give a field whose value is wanted; of one given twice the first counts: it was added last."""
    return rf"(?i:{name}):(?({group}){_REST}|({_REST}))\n"


_LINES = rf"""(?:
  [^cdfmtCDFMT\r\n].*+\n(?:[ \t].*+\n)*+
  |{_field(1, "date")}|{_field(2, "from")}|{_field(3, "message-id")}
  |{_field(4, "tls-report-domain")}|{_field(5, "tls-report-submitter")}
  |(?i:content-type):(?(7)(?!))[ \t]{{0,9}}(?i:multipart/)[A-Za-z]{{1,20}};{_SPACE}
    (?:(?i:report-type)="?(?i:tlsrpt)"?;{_SPACE})?
    (?i:boundary)=("?+)([^"\s;\\*]{{1,200}})\6(?=[;\s]){_REST}\n
  |(?!(?i:date|from|message-id|tls-report-|content-type))[cdfmtCDFMT].*+\n
){{1,300}}+\r?\n"""
"""A mail's header. Every line is one of these and of no other kind."""
_TEXT = r"""--\7\r?(\n(?:(?!From[ ])[^\r\n-].*+\n){1,30}\r?\n)((?:(?!--|From[ ]).*+\n){1,300})"""
_REPORT = rf"""--\7\r?\n(?:
  (?i:content-transfer-encoding):[ \t]{{0,9}}((?i:base64))[ \t]*+\r?\n
  |(?i:content-type):[ \t]*+(?i:application/){_REST}\n
  |(?!(?i:content-t)|From[ ])[^\r\n-].*+\n
){{1,30}}\r?\n(?(10)|(?!))([^-]*+)(?<=\n)"""
_END = r"--\7--\s*+(?:\Z|(?<=\n)(?=From ))"
_MAIL = re.compile(re.sub(r"\n *", "", rf"{_LINES}(?:\r?\n)*+(?:{_TEXT})?{_REPORT}{_END}").encode())
"""None of its lines may part mails (`From `)."""
_LEAST = Limits(mime_depth=1, mime_parts=3, field_bytes=500)
"""What such a mail needs; the pattern asks for no longer a field."""


class Common(Struct, frozen=True, gc=False):
    """A plain report mail."""

    fields: tuple[bytes | None, ...]
    """The values of `mail.FIELDS`, as written."""
    text: tuple[bytes, bytes] | None
    """The text part: its header, with the line breaks around it, and its body."""
    packed: bytes
    """What should be a gzipped report."""
    path: str
    """The number of its part."""
    within: bytes
    start: int
    end: int
    """Where it stands: in what text, from where to where."""

    @property
    def mail(self) -> bytes:
        """The mail itself."""
        return self.within[self.start : self.end]

    def facts(self, limits: Limits) -> mime.Facts:
        """Read the fields."""
        return mime.facts_of(self.fields, limits)


def allowed(limits: Limits) -> bool:
    """Tell whether the bounds of a run leave room for such mails: else none is to be read here."""
    return (
        limits.mime_depth >= _LEAST.mime_depth
        and limits.mime_parts >= _LEAST.mime_parts
        and limits.field_bytes >= _LEAST.field_bytes
    )


def read(mail: bytes, limits: Limits) -> Common | None:
    """Read a plain mail; None for any other."""
    found = begun(mail, 0, limits)
    return found if found is not None and found.end == len(mail) else None


def begun(text: bytes, start: int, limits: Limits) -> Common | None:
    """Read a plain mail that begins at a place in a text, and ends with it or before a line that begins `From `."""
    found = _MAIL.match(text, start)
    if found is None or found.end() - start > limits.header_bytes:
        return None
    *fields, header, body, packed = found.group(1, 2, 3, 4, 5, 8, 9, 11)
    try:
        payload = b64decode(packed.replace(b"\n", b"").replace(b"\r", b""), None, True)
    except binascii.Error:
        return None
    quiet, path = (None, "1") if header is None else ((header, body), "2")
    return Common(tuple(fields), quiet, payload, path, text, start, found.end())


def document(packed: bytes, most: int) -> bytes | None:
    """Give the one JSON document of a plain gzip; None for anything else, which goes the general way."""
    text = inflate(packed, most)
    if text is None or len(text) > MIB or text[:1] not in (b"{", b"[") or is_lines(text):
        return None
    # What stands behind it is for the general way, too.
    return text if text[-1:] == b"}" or text[-9:].rstrip()[-1:] in (b"}", b"]") else None
