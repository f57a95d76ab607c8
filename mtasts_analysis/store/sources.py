"""What a store has read already: files by what they are, a growing mbox by how far."""

import os
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from mtasts_analysis.archive import mboxes
from mtasts_analysis.archive.forms import HEAD, sniff
from mtasts_analysis.archive.items import Item, shown
from mtasts_analysis.archive.units import Done, Unit
from mtasts_analysis.limits import KIB
from mtasts_analysis.store.manifest import Mbox

EDGE = 64 * KIB
"""Bytes at an mbox's start and before its end that must be as they were."""
_NO_MBOX = (
    ".json", ".jsonl", ".gz", ".tgz", ".zip", ".tar", ".bz2", ".xz", ".eml", ".msg", ".xml", ".gzip",
)  # fmt: skip


@dataclass(slots=True)
class Sources:
    """What is to be read, and what was."""

    known: npt.NDArray[np.bytes_]
    """Identities of files that were read, sorted."""
    mboxes: dict[str, Mbox]
    opened: dict[str, int]
    starts: dict[str, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)
    """Mails of an mbox before the start."""
    skips: dict[str, int] = field(default_factory=dict)
    """Units of a container that are done."""
    skipped: int = 0
    """Files that were left out: they are in the store."""
    fresh: list[bytes] = field(default_factory=list)
    """Identities of files that are done, since the last commit."""
    _identities: dict[str, list[bytes]] = field(default_factory=dict)
    _chosen: dict[str, tuple[int, tuple[str, str]]] = field(default_factory=dict)
    """Of an mbox: its size and edges when it was chosen."""
    _spoilt: set[str] = field(default_factory=set)
    """Files of which a part could not be read, or that were rewritten meanwhile: no more of them is noted."""

    def choose(self, found: list[str | Item], *, mboxes: bool) -> list[str | Item]:
        """Give what is to be read of what was found."""
        wanted: list[str | Item] = []
        for file in found:
            if isinstance(file, Item):  # a link, say, that is not followed: noted once
                identity = _hash(f"{file.origin} {file.code}")
                if not self._has(identity):
                    self._identities[file.origin] = [identity]
                    wanted.append(file)
                continue
            try:
                told = None if file == "-" else os.stat(file)
            except OSError:
                told = None
            if told is None:
                wanted.append(file)
                continue
            # A file is told by its place on the disk, size, time and name: what was unpacked where another
            # one was taken away may share all but the name. A Maildir adds its flags to that.
            place = f"{told.st_dev} {told.st_ino} {told.st_size} {told.st_mtime_ns}"
            identity = _hash(f"{place} {os.path.basename(file).partition(':2,')[0]}")
            identities = [identity]
            if not self._has(identity) and mboxes and _may_be_mbox(file):
                # Before all else: should it be rewritten from here on, these are not its edges at the end.
                self._chosen[file] = told.st_size, _edges(file, told.st_size)
                identities.append(_hash(f"{place} {self._chosen[file]}"))  # it may be renamed
            if any(map(self._has, identities)):
                self.skipped += 1
                continue
            self._identities[file] = identities
            if file in self._chosen:
                self._mbox(file, told.st_size)
            self.skips[file] = self.opened.get(identity.hex(), 0)
            wanted.append(file)
        return wanted

    def _has(self, identity: bytes) -> bool:
        at = int(np.searchsorted(self.known, np.bytes_(identity)))
        return at < len(self.known) and self.known[at] == np.bytes_(identity)

    def _mbox(self, file: str, size: int) -> None:
        start = mails = 0
        past = self.mboxes.get(os.path.abspath(file))
        if (
            past is not None
            and past.end <= size
            and _edges(file, past.end) == (past.head, past.tail)
        ):
            start, mails = _start(file, past)
        self.starts[file], self.before[file] = start, mails

    def done(self, unit: Unit, done: Done, unread: list[str]) -> None:
        """Note that a unit was taken in; a file that could not be read is tried again the next time."""
        whole = unit.mbox or unit.source
        if shown(whole) in unread:
            self._spoilt.add(whole)
        if whole in self._spoilt:
            return
        if unit.mbox:
            path = os.path.abspath(unit.mbox)
            mails = self.before.get(unit.mbox, 0) + done.mails
            self.before[unit.mbox] = mails
            past = self.mboxes.get(path)
            begins = done.last if done.mails or past is None else past.last
            end = done.end if unit.last else (unit.stop or 0)
            edges = _edges(unit.mbox, end)
            if not self._only_grew(unit.mbox):  # asked last: the edges are those of what was read
                self.mboxes.pop(path, None)
                self._spoilt.add(unit.mbox)
                return
            self.mboxes[path] = Mbox(end, mails, begins, *edges, not unit.last)
            if unit.last:
                self._mark(unit.mbox)
        elif unit.source and unit.source in self._identities:
            identity = self._identities[unit.source][0].hex()
            self.opened[identity] = unit.number
            if unit.last:
                self.opened.pop(identity)
                self._mark(unit.source)
        for file in unit.files:
            name = file.origin if isinstance(file, Item) else file
            if shown(name) not in unread:
                self._mark(name)

    def _mark(self, file: str) -> None:
        self.fresh += self._identities.pop(file, ())

    def _only_grew(self, mbox: str) -> bool:
        """Tell whether an mbox is as it was when it was chosen, but for what was added."""
        if mbox not in self._chosen:  # by its name it is none: it has no past, and is read whole
            return True
        size, edges = self._chosen[mbox]
        return "" not in edges and _edges(mbox, size) == edges

    def committed(self) -> None:
        """Note that what was done is in a manifest."""
        self.known = np.union1d(self.known, sorted_identities(self.fresh))
        self.fresh = []


def sorted_identities(found: list[bytes]) -> npt.NDArray[np.bytes_]:
    """Give identities as the store keeps them."""
    return np.sort(np.array(found, dtype="S32"))


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest().encode()


def _may_be_mbox(file: str) -> bool:
    """Tell an mbox by its content; what its name says is something else is not opened for it."""
    if file.lower().endswith(_NO_MBOX) or os.path.basename(os.path.dirname(file)) in ("cur", "new"):
        return False
    try:
        with open(file, "rb") as opened:
            return sniff(opened.read(HEAD)) == "mbox"
    except OSError:
        return False


def _edges(file: str, end: int) -> tuple[str, str]:
    """Give the hashes of an mbox's first bytes and of those before an end."""
    try:
        with open(file, "rb") as opened:
            head = opened.read(min(EDGE, end))
            opened.seek(max(0, end - EDGE))
            tail = opened.read(min(EDGE, end))
    except OSError:
        return "", ""
    return (
        blake2b(head, digest_size=16).hexdigest(),
        blake2b(tail, digest_size=16).hexdigest(),
    )


def _start(file: str, past: Mbox) -> tuple[int, int]:
    """Give where to go on, and the mails before: at the end, or at the last mail where that has grown."""
    if past.cut:
        return past.end, past.mails
    with open(file, "rb") as opened:
        opened.seek(max(0, past.end - mboxes.BEFORE))
        text = opened.read(mboxes.AHEAD + 16)
    if mboxes.goes_on(text, min(past.end, mboxes.BEFORE)):
        return past.end, past.mails
    return past.last, max(0, past.mails - 1)
