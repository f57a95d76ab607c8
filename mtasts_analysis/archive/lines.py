"""JSON Lines → each document that begins a line: what is broken, or in several lines, costs no other."""

import re
from collections.abc import Iterator

from mtasts_analysis.archive.forms import MAY_SPEAK, speaks
from mtasts_analysis.archive.items import NOTE, REFUSED, REPORT, RUN, Budget, Item, over, run
from mtasts_analysis.archive.streams import Stream
from mtasts_analysis.limits import NO_REPORT, Limits

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
        piece = stream.read()
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
            if len(document) < NO_REPORT and not quiet and not overlong:
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
                    f"more than {limits.items} lines, each of less than {NO_REPORT} bytes: "
                    "no report is so short (limit: items)",
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
                if budget is not None:
                    budget.entries -= 1
                    if budget.entries < 0:
                        yield Item(
                            REFUSED, origin, b"", "limit-nested-entries",
                            over(limits.nested_entries, "nested_entries"),
                        )  # fmt: skip
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
