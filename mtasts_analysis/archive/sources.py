"""Anything that may hold reports → its items, recognised by content and never by name or media type.

::

    path ─► Stream ─► sniff ─┬─ gzip, bzip2, xz, zlib, lzma ─► inflated Stream ─► sniff ...
                             ├─ zip, tar ─► each member ─► sniff ...
                             ├─ base64, uuencode, UTF-16, lines that end in CR ─► as they should be ─► sniff ...
                             ├─ mbox, MMDF, Babyl ─► each mail ─┐
                             ├─ mail ───────────────────────────┴─► each part ─► sniff ...
                             ├─ JSON, JSON Lines ─► REPORT
                             └─ anything else ─► a zip, gzip or report inside it ─► sniff ..., or OTHER

An item is the least thing that is counted: a report, or what stands where one might have stood.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from mtasts_analysis.archive import lines, mboxes, outlook, plain, tars, zips
from mtasts_analysis.archive import mail as mime
from mtasts_analysis.archive.forms import (
    BLANKS,
    CONTAINERS,
    ENCODED,
    HEAD,
    HINTS,
    HOLDERS,
    INSIDE,
    LEAST,
    MAY_HOLD,
    PACKED,
    QUOTED,
    SPEAKS,
    WRITTEN,
    encoded,
    holds,
    is_lines,
    is_tar,
    sniff,
    until,
    until_packed,
)
from mtasts_analysis.archive.items import (
    MAIL,
    MEMBER,
    NO_FACTS,
    NOTE,
    ORIGIN,
    OTHER,
    REFUSED,
    REPORT,
    RUN,
    Budget,
    Item,
    Openings,
    one_too_many,
    over,
    run,
    shown,
    together,
)
from mtasts_analysis.archive.streams import Expansion, Fault, Inflated, Stream, passed_over
from mtasts_analysis.limits import DEFAULT, MIB, Limits

Verify = Callable[[bytes, mime.Facts], str]
"""A mail and its facts → the verdict on its DKIM signature."""


class _Short(Struct, frozen=True, gc=False):
    """Mails in a row, each too short for one of a report: where a few bytes part mails, there may be millions."""

    count: int


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads items; holds what a run has in common."""

    limits: Limits = DEFAULT
    verify: Verify | None = None
    expansion: Expansion = field(init=False)
    openings: Openings = field(init=False)
    plainly: bool = field(init=False)
    """Whether plain mails are read in one step."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "expansion", Expansion(self.limits))
        object.__setattr__(self, "openings", Openings(self.limits.openings))
        object.__setattr__(self, "plainly", plain.allowed(self.limits))

    def unread(self, item: Item) -> Iterator[Item]:
        """Give the items of a mail or member that a :class:`Splitter` left unread."""
        if item.form == MAIL:
            yield from self._mail(item.data, item.origin, item.layer)
        else:
            fault = Fault()
            fault.set(item.code, item.detail)
            yield from self._content(item.data, fault, item.origin, item.layer)

    def most(self, packed: bytes) -> int:
        """Say what a gzip may give in one step: what expands more goes the general way, and is counted."""
        limits = self.limits
        return min(limits.report_bytes, limits.nested_bytes, limits.expansion * len(packed))

    def _budget(self, layer: int) -> Budget:
        return Budget(self.limits.nested_bytes, self.limits.nested_entries, layer)

    def items(
        self, stream: Stream, origin: str, layer: int = 0, budget: Budget | None = None
    ) -> Iterator[Item]:
        """Give the items of a stream, whatever it is, and whatever stands behind it."""
        for number in range(1, _JOINED + 1):
            where = origin if number == 1 else f"{origin}+{number}"
            found = self._first(stream, where, layer, budget)
            ended = yield from found if number == 1 else self.openings.watched(found, where)
            if not ended:
                return
            if not self.openings.may(stream, number):
                if stream.peek(LEAST).strip():
                    yield Item(NOTE, where, b"", "limit-openings", _NOT_LOOKED)
                return
            if not stream.seek(*INSIDE, most=_BEFORE):
                return
        detail = f"more than {_JOINED} files joined in one: the rest is left"
        yield Item(REFUSED, origin, b"", "joined", detail)

    def _first(
        self, stream: Stream, origin: str, layer: int, budget: Budget | None
    ) -> Generator[Item, None, bool]:
        """Give the items of what a stream begins with; tell whether it told its own end."""
        head = stream.peek(HEAD)
        form = sniff(head)
        while form == "empty" and len(head) == HEAD:  # blank so far
            stream.skip(HEAD)
            head = stream.peek(HEAD)
            form = sniff(head)
        may_hold = form in MAY_HOLD and len(head) > LEAST
        may_look = may_hold and self.openings.may(stream)
        deep = budget is not None and layer - budget.layer >= _DEEP and form in CONTAINERS
        if form in CONTAINERS and layer >= self.limits.layers:
            detail = f"containers inside each other, more than {self.limits.layers} (limit: layers)"
            yield Item(REFUSED, origin, b"", "limit-layers", detail)
        elif deep and not self.openings.deep(stream):
            yield Item(REFUSED, origin, b"", "limit-openings", _NOT_LOOKED)
        elif form == "json":
            return (yield from self._json(stream, origin, budget))
        elif form == "mail":
            yield from self._whole_mail(stream, origin, layer)
        elif form in mboxes.SEPARATORS:
            yield from self.mbox(stream, origin, layer, form=form)
        elif form in PACKED:
            _skip_blanks(stream)
            return (yield from self._inflated(stream, form, origin, layer, budget))
        elif form == "zip":
            _skip_blanks(stream)
            found = zips.members(stream, self.limits, self.expansion)
            return (yield from self._members(stream, found, origin, layer, budget))
        elif form == "tar":
            if not is_tar(head):
                _skip_blanks(stream)
            return (yield from self._members(stream, tars.members(stream), origin, layer, budget))
        elif form == "msg":
            yield from self._outlook(stream, origin, layer)
        elif form in ENCODED:
            return (yield from self._encoded(stream, form, origin, layer, budget))
        elif form in WRITTEN:
            read = WRITTEN[form](stream)
            yield from self.items(Stream(read=read, fault=stream.fault), origin, layer + 1, budget)
        elif (
            may_look
            and stream.seek(*INSIDE, most=_BEFORE)
            and sniff(stream.peek(HEAD))
            not in MAY_HOLD  # what only looks so would be looked for again
        ):
            yield Item(NOTE, origin, b"", "leading-bytes", "what stands before it is passed over")
            yield from self.openings.watched(self.items(stream, origin, layer, budget), origin)
        else:
            fault = stream.fault
            if fault and not head:
                yield Item(REFUSED, origin, b"", fault.code, fault.detail)
            else:
                detail = _NOT_LOOKED if may_hold and not may_look else HINTS.get(form, "")
                yield Item(OTHER, origin, b"", form, detail)
        return False

    def _json(
        self, stream: Stream, origin: str, budget: Budget | None
    ) -> Generator[Item, None, bool]:
        most = self.limits.report_bytes
        text, followed = until_packed(stream, most + 1)
        if followed:
            stream = Stream()  # what follows, and what is wrong with it, is for whoever reads that
        if is_lines(text):
            stream.push_back(text)
            del text
            yield from lines.items(stream, origin, self.limits, budget)
        elif len(text) > most and not lines.listed(text):
            yield Item(REFUSED, origin, b"", "limit-report-bytes", over(most, "report_bytes"))
        elif len(text) > most or (
            not stream.fault.code.endswith("-checksum") and lines.crowded(text, self.limits)
        ):
            stream.push_back(text)
            del text
            yield from lines.pieces(stream, origin, self.limits, budget)
        else:
            fault = stream.fault
            if fault.code.endswith("-checksum"):
                # Bytes that are proven wrong give no figures, however well they read.
                proven = text[: max(0, len(text) - fault.unproven)]
                if proven.strip():
                    yield Item(REPORT, origin, proven)
                yield Item(REFUSED, origin, b"", fault.code, fault.detail)
            else:
                yield Item(REPORT, origin, text, fault.code, fault.detail)
        return followed

    def _encoded(
        self, stream: Stream, form: str, origin: str, layer: int, budget: Budget | None
    ) -> Generator[Item, None, bool]:
        """Give the items of a text that some bytes are written as."""
        most = self.limits.mail_bytes
        _skip_blanks(stream)
        text = encoded(stream, form, most + 1)
        if len(text) > most:
            yield Item(REFUSED, origin, b"", "limit-mail-bytes", over(most, "mail_bytes"))
            return False
        data = mime.decoded(text, form.encode())
        yield from self.items(Stream(data, fault=stream.fault), origin, layer + 1, budget)
        return True

    def mbox(
        self,
        stream: Stream,
        origin: str,
        layer: int,
        part: mboxes.Part | None = None,
        form: str = "mbox",
    ) -> Iterator[Item]:
        """Give the items of an mbox or the like, or of a part of it, numbered from its own first mail."""
        most = self.limits.mail_bytes
        count = short = 0
        # It is read in ranges, in which runs would be counted apart.
        each = form == "mbox"
        whole = self._whole if each and self.plainly else None
        mails = mboxes.mails(stream, most, part, form, whole)
        for batch in together(_numbered(mails, 0 if each else RUN), _length):
            named = [(f"{origin}#{number}", mail) for number, mail in batch]
            read = zip(batch, named, self._plain(named), strict=True)
            self.expansion.opened(len(batch))
            for (number, _), (where, mail), item in read:
                count = number
                if isinstance(mail, _Short):
                    count += mail.count - 1
                    self.expansion.opened(mail.count - 1)
                    if each:
                        yield Item(OTHER, origin, b"", "mail", count=mail.count, first=number)
                    else:
                        short += mail.count
                    continue
                if short:
                    yield run(origin, number, short, "mail")
                    short = 0
                if isinstance(item, Item):
                    yield item
                elif isinstance(mail, int):
                    detail = f"a mail of {mail} bytes; {over(most, 'mail_bytes')}"
                    yield Item(REFUSED, where, b"", "limit-mail-bytes", detail)
                elif isinstance(mail, plain.Common):
                    yield from self._any(mail.mail, where, layer + 1, tried=item)
                elif form == "joined" and _in_a_row(mime.header(mail, self.limits)):
                    # One without parts has no closing delimiter, at which this was cut.
                    yield from self._mails_in_a_row(Stream(mail), where, layer)
                else:
                    yield from self._any(mail, where, layer + 1, tried=item)
        if short:
            yield run(origin, count + 1, short, "mail")
        if not count and part is None:
            yield Item(OTHER, origin, b"", "empty", "a mailbox without mails")
        if stream.fault:
            yield Item(NOTE, origin, b"", stream.fault.code, stream.fault.detail)

    def _whole_mail(self, stream: Stream, origin: str, layer: int) -> Iterator[Item]:
        most = self.limits.mail_bytes
        text = stream.take(most + 1)
        header = mime.header(text, self.limits)
        form = mboxes.joined(text, mime.end(header))
        in_a_row = form != "mbox" and _in_a_row(header)
        if form or in_a_row:
            stream.push_back(text)
            del text, header
            yield from (
                self._mails_in_a_row(stream, origin, layer)
                if in_a_row
                else self.mbox(stream, origin, layer, form=form)
            )
            return
        if len(text) > most:
            yield Item(REFUSED, origin, b"", "limit-mail-bytes", over(most, "mail_bytes"))
            return
        yield from self._mail(text.lstrip(BLANKS), origin, layer + 1)
        if stream.fault:
            yield Item(NOTE, origin, b"", stream.fault.code, stream.fault.detail)

    def _mails_in_a_row(self, stream: Stream, origin: str, layer: int) -> Iterator[Item]:
        """Give the items of mails that are nothing but base64, joined without separators."""
        number = 1
        while True:
            text, more = until(
                stream,
                lambda text, _: mime.next_in_a_row(mime.header(text, self.limits)),
                self.limits.mail_bytes + 1,
            )
            where = f"{origin}#{number}"
            if not more:
                stream.push_back(text)
                yield from self._whole_mail(stream, where, layer)
                return
            yield from self._mail(text.lstrip(BLANKS), where, layer + 1)
            number += 1

    def _mail(self, mail: bytes, origin: str, layer: int) -> Iterator[Item]:
        """Give the reports of a mail; a mail without one is an item of its own kind."""
        (item,) = self._plain([(origin, mail)])
        if isinstance(item, Item):
            yield item
        else:
            yield from self._any(mail, origin, layer, tried=item)

    def _whole(self, text: bytes, start: int) -> plain.Common | None:
        return plain.begun(text, start, self.limits)

    def _plain(
        self, mails: list[tuple[str, bytes | int | plain.Common | _Short]]
    ) -> list[Item | bool]:
        """Give the reports of plain mails; of others, which go the general way, whether its gzip was tried."""
        limits = self.limits
        if not self.plainly:
            return [False] * len(mails)
        found = [
            mail
            if isinstance(mail, plain.Common)
            else plain.read(mail, limits)
            if isinstance(mail, bytes) and len(mail) >= LEAST
            else None
            for _, mail in mails
        ]
        found = [
            one if one is not None and (one.text is None or _quiet(*one.text, limits)) else None
            for one in found
        ]
        texts = [
            None if one is None else plain.document(one.packed, self.most(one.packed))
            for one in found
        ]
        return [
            Item(
                REPORT, f"{origin}/{one.path}", text, "", "",
                self._verified(one, one.facts(limits)), len(one.packed),
            )
            if one is not None and text is not None
            else one is not None
            for (origin, _), one, text in zip(mails, found, texts, strict=True)
        ]  # fmt: skip

    def _any(self, mail: bytes, origin: str, layer: int, *, tried: bool = False) -> Iterator[Item]:
        limits = self.limits
        top = mime.header(mail, limits)
        budget = self._budget(layer)
        of: mime.Header | None = None
        facts = NO_FACTS
        kind = hint = ""
        found = False
        for leaf in mime.leaves(top, limits):
            where = f"{origin}/{leaf.path}"
            payload, header = leaf.payload, leaf.header
            if leaf.refused is not None:
                found = True
                yield Item(REFUSED, where, b"", *leaf.refused)
                continue
            if not tried and payload[:2] == b"\x1f\x8b":
                # The common case, in one step; what is not as plain goes the general way.
                text = plain.document(payload, min(self.most(payload), budget.size))
                if text is not None:
                    budget.size -= len(text)
                    if of is not header:
                        of, facts = header, self._facts(header)
                    found = True
                    yield Item(REPORT, where, text, "", "", facts, len(payload))
                    continue
            elif not leaf.claims:
                form = sniff(payload[:HEAD])
                if form not in HOLDERS and not holds(payload):
                    kind, hint = (form, HINTS[form]) if form in HINTS else (kind, hint)
                    continue
            others: list[Item] = []
            held = False
            for item in self._part(payload, leaf.claims, where, layer, budget):
                if item.form == OTHER and not held:
                    others.append(item)
                    continue
                if not held and item.form in (REPORT, REFUSED):
                    # Beside a report, what an archive holds is counted as anywhere; without, it is the mail's.
                    held = found = True
                    yield from others
                # A mail attached as a file has brought facts of its own.
                if item.form == REPORT and item.facts is NO_FACTS:
                    if of is not header:
                        of, facts = header, self._facts(header)
                    yield replace(item, facts=facts)
                else:
                    yield item
            if held:
                continue
            inside = others[0].code if others else ""
            if leaf.claims:
                found = True
                why = others[0].detail if others else ""
                detail = _PART_UNREADABLE.format(f"{inside or 'empty'}{why and f': {why}'}")
                yield Item(REFUSED, where, b"", "part-unreadable", detail)
            kind = kind or inside
        if not found and not top.fields:
            # A mail without a header is what its separator stands before.
            form = sniff(mail[:HEAD])
            if form in HOLDERS and form != "mail" and form not in mboxes.SEPARATORS:
                yield from self.items(Stream(mail), origin, layer, budget)
                return
        if not found:
            own = mime.kind(top)
            if own == "mail" and (hint or kind == "dmarc-report"):
                own = kind
            yield Item(OTHER, origin, b"", own, hint)

    def _facts(self, header: mime.Header) -> mime.Facts:
        return self._verified(header, mime.facts(header, self.limits))

    def _verified(self, of: mime.Header | plain.Common, facts: mime.Facts) -> mime.Facts:
        if self.verify is None:
            return facts
        return replace(facts, dkim=self.verify(of.mail, facts))

    def _part(
        self, payload: bytes, claims: bool, where: str, layer: int, budget: Budget
    ) -> Iterator[Item]:
        """Give the items of one part of a mail, where it holds any."""
        form = sniff(payload[:HEAD])
        if form == "json":
            # A human's text may begin with a bracket: it must speak as a report does.
            if claims or SPEAKS.search(payload.replace(b"\0", b"")):  # in UTF-16 as well
                yield from self.items(Stream(payload), where, layer, budget)
        elif form in ("mail", "mbox"):
            # A human's text may begin as a header does.
            if QUOTED.search(payload) or holds(payload):
                yield from self.items(Stream(payload), where, layer, budget)
        elif form in CONTAINERS or (form in MAY_HOLD and holds(payload)):
            yield from self.items(Stream(payload), where, layer, budget)
        else:
            yield Item(OTHER, where, b"", form, HINTS.get(form, ""))

    def _inflated(
        self, stream: Stream, form: str, origin: str, layer: int, budget: Budget | None
    ) -> Generator[Item, None, bool]:
        nested = budget or (self._budget(layer) if layer else None)
        inflated = Inflated(stream, form, self.limits, self.expansion, INSIDE)
        found = self.items(_bounded(inflated, nested), origin, layer + 1, nested)
        yield from self._out_of(inflated, found)
        if inflated.passed:
            detail = passed_over(inflated.passed, self.limits)
            yield Item(REFUSED, origin, b"", "limit-items", detail)
        if inflated.trailing and not inflated.followed:
            detail = f"bytes after the {form} data are left out"
            yield Item(NOTE, origin, b"", f"{form}-trailing", detail)
        return inflated.followed or inflated.damaged

    def _out_of(self, inflated: Inflated, items: Iterator[Item]) -> Iterator[Item]:
        """Give the items of compressed data, each with its share of what that took."""
        self.expansion.layers += 1
        try:
            for item in items:
                yield _packed(item, inflated)
                inflated.item(item.count)
        finally:
            self.expansion.layers -= 1

    def _members(
        self,
        stream: Stream,
        members: Iterator[zips.Member],
        origin: str,
        layer: int,
        budget: Budget | None,
    ) -> Generator[Item, None, bool]:
        number = 0
        for number, member in enumerate(members, 1):  # noqa: B007  # counted for the empty archive
            self.expansion.opened()
            name = f"{origin}!{shown(member.name)}"
            if len(name) > ORIGIN:  # names in names, each of them long
                name = shown(name)
            refusal = one_too_many(budget, origin, self.limits)
            if refusal:
                yield refusal
                return False
            if budget is not None and budget.size <= 0:
                yield Item(REFUSED, name, b"", "limit-nested-bytes", _NESTED_BYTES)
                return False
            if member.refused:
                yield Item(REFUSED, name, b"", *member.refused)
            elif member.stream is not None:
                if budget is None:
                    items = self._member(member.stream, name, layer + 1)
                else:
                    items = self.items(_bounded(member.stream, budget), name, layer + 1, budget)
                inflated = member.inflated
                if inflated is None:
                    yield from items
                else:
                    yield from self._out_of(inflated, items)
        if stream.fault:  # cut or broken, here or underneath
            yield Item(NOTE, origin, b"", stream.fault.code, stream.fault.detail)
        if not number:
            yield Item(OTHER, origin, b"", "empty", "an archive without files")
        return True

    def _member(self, stream: Stream, name: str, layer: int) -> Iterator[Item]:
        """Give the items of a member of an archive that lies in no other."""
        content = stream.take(_SMALL + 1)
        if len(content) <= _SMALL:
            yield from self._content(content, stream.fault, name, layer)
        else:
            stream.push_back(content)
            yield from self.items(stream, name, layer, self._budget(layer))

    def _content(self, content: bytes, fault: Fault, name: str, layer: int) -> Iterator[Item]:
        """Give the items of a member that was taken whole: of a plain gzip, as most are, in one step."""
        text = None
        if content[:2] == b"\x1f\x8b" and not fault and layer < self.limits.layers:
            text = plain.document(content, self.most(content))
        if text is None:
            yield from self.items(Stream(content, fault=fault), name, layer, self._budget(layer))
        else:
            yield Item(REPORT, name, text, packed=len(content))

    def _outlook(self, stream: Stream, origin: str, layer: int) -> Iterator[Item]:
        """Give the reports of an Outlook .msg."""
        most = self.limits.mail_bytes
        data = stream.take(most + 1)
        if len(data) > most:
            yield Item(REFUSED, origin, b"", "limit-mail-bytes", over(most, "mail_bytes"))
            return
        found = False
        budget = self._budget(layer)
        try:
            attached = outlook.attachments(data, self.limits.header_bytes)
            for number, (header, payload, fault) in enumerate(attached, 1):
                where = f"{origin}/{number}"
                if fault:
                    found = True
                    yield Item(REFUSED, where, b"", "part-unreadable", fault)
                    continue
                facts = mime.facts(mime.header(header, self.limits), self.limits)
                for item in self.items(Stream(payload), where, layer + 1, budget):
                    if item.form != OTHER:
                        found = True
                        own = item.form == REPORT and item.facts is NO_FACTS
                        yield replace(item, facts=facts) if own else item
        except ValueError as error:
            yield Item(REFUSED, origin, b"", "msg-unreadable", str(error))
            return
        if not found:
            yield Item(OTHER, origin, b"", "mail")


class Splitter(Reader):
    """Opens containers, and leaves the mails and the small members in them unread: others do that."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "plainly", False)

    def _any(self, mail: bytes, origin: str, layer: int, *, tried: bool = False) -> Iterator[Item]:  # noqa: ARG002  # as its base has it
        yield Item(MAIL, origin, mail, layer=layer)

    def _member(self, stream: Stream, name: str, layer: int) -> Iterator[Item]:
        content = stream.take(_SMALL + 1)
        if len(content) <= _SMALL:
            fault = stream.fault
            yield Item(MEMBER, name, content, fault.code, fault.detail, layer=layer)
        else:
            stream.push_back(content)
            yield from self.items(stream, name, layer, self._budget(layer))

    def _outlook(self, stream: Stream, origin: str, layer: int) -> Iterator[Item]:
        content = stream.take(self.limits.mail_bytes + 1)
        yield Item(MEMBER, origin, content, layer=layer)


def _in_a_row(of: mime.Header) -> bool:
    """Tell whether a mail is nothing but base64, and another one follows it without a separator."""
    return mime.next_in_a_row(of) < len(of.mail)


def _skip_blanks(stream: Stream) -> None:
    head = stream.peek(HEAD)
    stream.skip(len(head) - len(head.lstrip(BLANKS)))


def _numbered(
    mails: Iterator[bytes | int | plain.Common], alone: int
) -> Iterator[tuple[int, bytes | int | plain.Common | _Short]]:
    """Number mails; of those in a row that are too short for one of a report all but some come together."""
    number, short = 1, 0
    for mail in mails:
        if type(mail) is bytes and len(mail) < LEAST:
            short += 1
            if short > alone:
                if short - alone == _SHORTS:
                    yield number, _Short(_SHORTS)
                    number += _SHORTS
                    short = alone
                continue
        elif short:
            if short > alone:
                yield number, _Short(short - alone)
                number += short - alone
            short = 0
        yield number, mail
        number += 1
    if short > alone:
        yield number, _Short(short - alone)


_SHORTS = 1_000
"""So many of them come together: what they take is counted meanwhile."""


def _length(numbered: tuple[int, bytes | int | plain.Common | _Short]) -> int:
    mail = numbered[1]
    if isinstance(mail, plain.Common):
        return mail.end - mail.start
    if isinstance(mail, bytes):
        return len(mail)
    return mail if isinstance(mail, int) else 0


def _packed(item: Item, inflated: Inflated) -> Item:
    """Say of a report how much of the input it took."""
    if item.form != REPORT:
        return item
    return replace(item, packed=inflated.packed(item.packed or len(item.data)) or 1)


def _quiet(header: bytes, body: bytes, limits: Limits) -> bool:
    """Tell whether a text part is just that: it claims no report, and holds none."""
    # A sender writes the same text in each of its mails.
    short = len(header) + len(body) < _SHORT_TEXT
    key = header, body, limits.field_bytes
    known = _texts.get(key) if short else None
    if known is not None:
        return known
    text = mime.harmless(header, body, limits)
    quiet = text is not None and sniff(text[:HEAD]) not in HOLDERS and not holds(text)
    if short:
        if len(_texts) >= _KEPT:
            _texts.clear()
        _texts[key] = quiet
    return quiet


_SHORT_TEXT, _KEPT = 2_000, 2_000
_texts: dict[tuple[bytes, bytes, int], bool] = {}


def _bounded(source: Inflated | Stream, budget: Budget | None) -> Stream:
    """Give what a source gives, as far as the budget reaches."""

    def read(size: int) -> bytes:
        if budget is None:
            return source.read(size)
        if budget.size <= 0:
            source.fault.set("limit-nested-bytes", _NESTED_BYTES)
            return b""
        piece = source.read(size)
        budget.size -= len(piece)
        return piece

    return Stream(read=read, fault=source.fault)


_SMALL = 1 << 20
"""Up to here a member of an archive is taken whole: its own way of reading, and another process's load."""
_DEEP = 2
"""Containers around another one in a member or part, from where on small ones are counted."""
_BEFORE = 64 * MIB
"""How far something readable is looked for."""
_JOINED = 100
"""Files of several kinds, or damaged ones, one behind the other."""
_NESTED_BYTES = "the archives inside inflate to too much (limit: nested_bytes)"
_NOT_LOOKED = "what stands in it is not looked for any more (limit: openings)"
_PART_UNREADABLE = "its media type or name says TLS report; it holds none, packed or not: {}"
