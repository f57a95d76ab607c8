"""JSON Lines → each document that begins a line; a large list, or reports in a row → each report.

What is broken, or in several lines, costs no other.
"""

import re
from collections.abc import Iterator

import msgspec

from mtasts_analysis.archive.forms import KEY, MAY_SPEAK, speaks
from mtasts_analysis.archive.items import (
    NOTE,
    OTHER,
    REFUSED,
    REPORT,
    RUN,
    Budget,
    Item,
    one_too_many,
    over,
    run,
    too_short,
)
from mtasts_analysis.archive.streams import Stream
from mtasts_analysis.limits import CHUNK, NO_TEXT, Limits

_LINE = re.compile(rb"\n(?=[{\[])")
_SHORT, _RUN_MOST = 256, 50_000


def items(stream: Stream, origin: str, limits: Limits, budget: Budget | None) -> Iterator[Item]:
    """Give each document that begins a line: what is broken, or in several lines, costs no other.

    Of short lines in a row that name no two keys of a report, those after the first hundred are one
    item, up to 50,000: 64 MiB hold 22 million `{}`. So are those too short for a report, past `items`.
    """
    most = limits.report_bytes
    number = 1
    overlong = said = False
    short = tiny = 0
    text = b""
    while True:
        # In full: members of a gzip may be small, and a line of 30 MB one.
        piece = stream.take(CHUNK)
        if short >= RUN and not overlong and piece and not MAY_SPEAK.search(text + piece):
            # Nothing in it can be a report: it is counted in one step.
            whole = text + piece
            begins = whole.rfind(b"\n{")
            if begins >= 0 and len(whole) - begins < _SHORT:
                short += len(_LINE.findall(whole, 0, begins + 1))
                number += whole.count(b"\n", 0, begins + 1)
                text = whole[begins + 1 :]
                if short > _RUN_MOST:
                    yield run(origin, number, short - RUN)
                    short = RUN
                continue
        *documents, text = _LINE.split(text + piece)
        if not piece:
            documents.append(text)
        for document in documents:
            quiet = len(document) < _SHORT and not speaks(document)
            if len(document) < NO_TEXT and not quiet and not overlong:
                tiny += 1
                quiet = tiny > limits.items
            if overlong:
                overlong = False
            elif quiet and tiny > limits.items and not said:
                if short > RUN:
                    yield run(origin, number, short - RUN)
                said, short = True, RUN
                yield Item(
                    REFUSED, f"{origin}#{number}", b"", "limit-items",
                    too_short("lines", limits),
                )  # fmt: skip
            elif short >= RUN and quiet:
                short += 1
                if short > _RUN_MOST:
                    yield run(origin, number, short - RUN)
                    short = RUN
            elif document and not document.isspace():
                if short > RUN:
                    yield run(origin, number, short - RUN)
                short = short + 1 if quiet else RUN if said else 0
                refusal = one_too_many(budget, origin, limits)
                if refusal:
                    yield refusal
                    return
                yield Item(REPORT, f"{origin}#{number}", document)
            number += document.count(b"\n") + 1
        if not piece:
            break
        if len(text) > most:
            if not overlong:
                where, detail = f"{origin}#{number}", over(most, "report_bytes")
                yield Item(REFUSED, where, b"", "limit-report-bytes", detail)
            overlong = True
            number += text.count(b"\n", 0, -1)
            text = text[-1:]  # it may be the line break before the next
    if short > RUN:
        yield run(origin, number, short - RUN)
    if stream.fault:
        yield Item(NOTE, origin, b"", stream.fault.code, stream.fault.detail)


_NAMED = re.compile(rb'(?!"smtp_tls_reports")' + KEY.pattern)
_OPENS = re.compile(rb"\{(?=\s{0,40}" + _NAMED.pattern + rb")")
_BETWEEN = b",] \t\r\n\x1e\0"
_BRACKETS = _BETWEEN + b"[}"
_FAR = 120
"""How long an opening is at most."""


def crowded(text: bytes, limits: Limits) -> bool:
    """Tell whether a JSON text has more values than one report may have."""
    most = limits.json_values
    if b"\0" in text[:4]:  # in UTF-16 no report's key is found, to cut at
        return False
    return len(text) > most and sum(map(text.count, (b",", b"[", b"{"))) > most


def listed(text: bytes) -> bool:
    """Tell whether a JSON text is a report with something behind it, or several."""
    return _OPENS.search(text) is not None


def pieces(stream: Stream, origin: str, limits: Limits, budget: Budget | None) -> Iterator[Item]:
    """Give each report of a JSON text that is too large for one report: it is cut where a report opens."""
    most = limits.report_bytes
    text = b""
    given = tiny = 0
    overlong = words = False
    while True:
        piece = stream.take(CHUNK)
        seek = max(1, len(text) - _FAR)
        text += piece
        cuts = [found.start() for found in _OPENS.finditer(text, seek)]
        ends = cuts if piece else [*cuts, len(text)]
        for start, end in zip([0, *cuts], ends, strict=False):
            if overlong:
                overlong = False
                continue
            left: bytes | None = text[start:end]
            if tiny > limits.items and end - start < NO_TEXT:
                continue
            while left:
                document, left, said = _first(left)
                words = words or said
                tiny += 0 < len(document) < NO_TEXT
                if not document:
                    continue
                refusal = one_too_many(budget, origin, limits)
                if refusal:
                    yield refusal
                    return
                yield _piece(document, f"{origin}[{given}]", most)
                given += 1
        text = text[cuts[-1] :] if cuts else text
        if not piece:
            break
        if len(text) > most:
            document, left, said = _first(text)
            if left is not None and len(document) <= most:  # behind it is padding, or another
                words = words or said
                if document:
                    yield _piece(document, f"{origin}[{given}]", most)
                    given += 1
                text = left
                continue
            if not overlong:
                yield _piece(text, f"{origin}[{given}]", most)
                given += 1
            overlong = True
            text = text[-_FAR:]
    if tiny > limits.items:
        yield Item(REFUSED, origin, b"", "limit-items", too_short("reports", limits))
    if words:
        yield Item(NOTE, origin, b"", "leading-bytes", "what stands between reports is passed over")
    fault = stream.fault
    if fault:
        yield Item(NOTE if given else REFUSED, origin, b"", fault.code, fault.detail)
    elif not given:
        yield Item(OTHER, origin, b"", "other-json", "brackets and blanks")


def _piece(document: bytes, where: str, most: int) -> Item:
    if len(document) > most:
        return Item(REFUSED, where, b"", "limit-report-bytes", over(most, "report_bytes"))
    return Item(REPORT, where, document)


def _first(text: bytes) -> tuple[bytes, bytes | None, bool]:
    """Part the first document from what else names a report's key, and tell whether words are left out.

    The rest is None where the document is broken, or cut.
    """
    text = text.rstrip(_BETWEEN)
    if not _NAMED.search(text):
        return b"", b"", bool(text.strip(_BRACKETS))
    try:
        end = _end(text)
    except (msgspec.DecodeError, RecursionError):
        return text, None, False
    rest = text[end:]
    if _NAMED.search(rest):
        return text[:end], rest[max(rest.find(b"{"), 0) :], False
    return text[:end], b"", bool(rest.strip(_BRACKETS))


def _end(text: bytes) -> int:
    """Say where the first document ends; nothing of it is built, which would take 20 times as long and 700 MB.

    Raises
    ------
    msgspec.DecodeError
        It is broken, or cut.
    RecursionError
        It is too deep.
    """
    try:
        _ONE.decode(text)
    except msgspec.DecodeError as error:
        behind = _BEHIND.search(str(error))
        if behind is None:
            raise
        return len(text[: int(behind[1]) - 1].rstrip())
    return len(text)


_ONE = msgspec.json.Decoder(msgspec.Raw)
_BEHIND = re.compile(r"trailing characters \(byte (\d+)\)")
"""How msgspec says what it has just read that is no more of it."""
