"""An Outlook .msg → its attachments, and the internet header of the message that each hangs on.

[MS-OXMSG] §2: a file of named streams. A message's transport header and an attachment's data are one stream
each, under a name that is the property's number and type; a message within a message is a folder of the same.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

import olefile

_DATA = "__substg1.0_37010102"  # PidTagAttachDataBinary, [MS-OXPROPS] §2.580
_HEADER = "__substg1.0_007D00"  # PidTagTransportMessageHeaders, §2.1068; then 1F (UTF-16) or 1E
_MESSAGE = "__properties_version1.0"  # [MS-OXMSG] §2.4: in every message


_Streams = dict[tuple[str, ...], Any]
"""olefile's entries by their paths."""


class Attached(NamedTuple):
    """An attachment."""

    header: bytes
    """Of the message it hangs on; empty where that was never sent."""
    payload: bytes
    fault: str
    """Why there is no payload."""


def attachments(data: bytes, header_bytes: int) -> Iterator[Attached]:
    """Give each attachment of a .msg, in the order of its folders, with so much of its message's header.

    Raises
    ------
    ValueError
        The file is no .msg that can be read.
    """
    try:
        file = _File(BytesIO(data))
        streams = _streams(file.root)
    except Exception as error:
        # A stranger's file meets a parser that is not ours: whatever it raises is that file's fault.
        raise ValueError(f"no readable .msg: {type(error).__name__}") from error
    if (_MESSAGE,) not in streams:
        raise ValueError("no .msg: an OLE file without a message")
    headers: dict[tuple[str, ...], bytes] = {}
    left = len(
        data
    )  # streams that share their bytes are no attachments, and may be 10,000 times the file
    for path in sorted(streams):
        if path[-1] != _DATA:
            continue
        payload, fault = b"", ""
        try:
            size = streams[path].size
            left -= size
            if left < 0:
                fault = "its attachments are larger than the file"
            else:
                payload = _opened(file, streams[path]).read()
                fault = "its data is missing" if size and not payload else ""
        except Exception as error:  # noqa: BLE001  # as above
            fault = f"no readable attachment: {type(error).__name__}"
        message = path[:-2]
        if message not in headers:
            headers[message] = _header(file, streams, message, header_bytes)
        yield Attached(headers[message], payload, fault)
        if left < 0:
            return


class _File(olefile.OleFileIO):  # type: ignore[misc]  # olefile has no types
    def _check_duplicate_stream(self, first_sect: int, minifat: bool = False) -> None:
        """Look for no stream that is there twice: among all before it, of which 100,000 may be."""


def _streams(root: Any) -> _Streams:
    """Give the streams by their paths: olefile looks each up among its neighbours, of which 100,000 may be."""
    found: _Streams = {}
    pending: list[tuple[tuple[str, ...], Any]] = [((), root)]
    while pending:
        path, folder = pending.pop()
        for entry in folder.kids:
            if entry.entry_type == olefile.STGTY_STREAM:
                found.setdefault((*path, entry.name), entry)
            elif entry.entry_type == olefile.STGTY_STORAGE:
                pending.append(((*path, entry.name), entry))
    return found


def _opened(file: olefile.OleFileIO, entry: Any) -> BinaryIO:
    stream: BinaryIO = file._open(entry.isectStart, entry.size)  # noqa: SLF001  # as openstream() does, once it has found it
    return stream


def _header(
    file: olefile.OleFileIO, streams: _Streams, message: tuple[str, ...], most: int
) -> bytes:
    for kind, encoding in (("1F", "utf-16-le"), ("1E", "latin-1")):
        entry = streams.get((*message, _HEADER + kind))
        try:
            if entry is not None:
                text = _opened(file, entry).read(2 * most).decode(encoding, "replace")
                return text.replace("\0", "").encode("utf-8", "replace")
        except Exception:  # noqa: BLE001, S112  # as above: a report without a mail's header is one still
            continue
    return b""
