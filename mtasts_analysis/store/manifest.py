"""A store's state: one JSON file that names every file of it; the next state is the next number.

Files are written under names that no state has, and then the next manifest is created, whole and only if
it is not there. So a crash leaves the old state; of two writers, one commits; a reader sees one state. A
file's name holds the number of the state that it was written for: once that state, or a later one, is
there without it, nobody will ever name it, and it is taken away.
"""

import json
import re
import uuid
from dataclasses import asdict, dataclass, field, replace

from mtasts_analysis.archive.load import Accounting
from mtasts_analysis.archive.parquet import SCHEMA_VERSION
from mtasts_analysis.errors import SchemaError, StoreError
from mtasts_analysis.store.places import Place

FOLDER = "_manifest"
KEPT = 2
"""Manifests that are kept with their files: a reader may just have opened the last but one."""
TRIES = 20
_NUMBER = re.compile(r"^(\d{8})\.json$")
_OF = re.compile(r"-(\d{8})-[0-9a-f]{12}\.parquet$")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a store."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class Mbox:
    """How far an mbox was read."""

    end: int
    """Bytes."""
    mails: int
    last: int
    """Where the last mail begins."""
    head: str
    """A hash of its first bytes, and of those before the end: so a mailbox that only grew is known."""
    tail: str
    cut: bool = False
    """There was more to read when the state was committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a manifest says."""

    number: int = 0
    months: dict[str, dict[str, tuple[File, ...]]] = field(default_factory=dict)
    """Of each month of report start: the files of each table. Reports without a start are `none`."""
    accounting: Accounting = field(default_factory=Accounting)
    problems: dict[str, dict[str, int]] = field(default_factory=dict)
    """Rows by severity and code."""
    mboxes: dict[str, Mbox] = field(default_factory=dict)
    opened: dict[str, int] = field(default_factory=dict)
    """Of a container that is not done: how many of its units are."""
    seen: tuple[File, ...] = ()
    """Files with the identities of files that were read."""

    def files(self) -> set[str]:
        """Name every file."""
        return {file.name for file in self.seen} | {
            file.name
            for tables in self.months.values()
            for files in tables.values()
            for file in files
        }


def name(table: str, number: int) -> str:
    """Give a name that no other file has."""
    return f"{table}-{number:08}-{uuid.uuid4().hex[:12]}.parquet"


def newest(place: Place) -> State:
    """Give the newest state; the empty one where there is none.

    Raises
    ------
    SchemaError
        It was written by a newer version, or is no manifest.
    StoreError
        There are files of a store, but no manifest.
    """
    for _ in range(TRIES):
        numbers = _numbers(place)
        if not numbers:
            _refuse_lost(place)
            return State()
        try:
            return _read(place, numbers[-1])
        except FileNotFoundError:
            continue  # a writer took it away between the two steps: there is a newer one
    raise StoreError(f"{place.url}: expected to read its newest manifest; it changed {TRIES} times")


def _refuse_lost(place: Place) -> None:
    """Refuse files of later states than the first without one: that may have been cut off, they cannot."""
    for folder in place.folders():
        for found in place.names(folder):
            of = _OF.search(found)
            if of and int(of[1]) > 1 and not _numbers(place):
                raise StoreError(
                    f"{place.url}: expected the state of a store in {FOLDER}; there are files of a store, but"
                    f" no state. Put {FOLDER} back from a backup, or fill a new store"
                )


def _numbers(place: Place) -> list[int]:
    return sorted(int(found[1]) for n in place.names(FOLDER) if (found := _NUMBER.match(n)))


def _read(place: Place, number: int) -> State:
    where = f"{place.url}/{FOLDER}/{number:08}.json"
    try:
        told = json.loads(place.read(f"{FOLDER}/{number:08}.json"))
        version = told.pop("schema_version")
        if version > SCHEMA_VERSION:
            raise SchemaError(
                f"{where}: written with schema {version}, this version reads up to {SCHEMA_VERSION}:"
                " upgrade mtasts-analysis"
            )
        return State(
            number=told["number"],
            months={
                month: {table: _files(files) for table, files in tables.items()}
                for month, tables in told["months"].items()
            },
            accounting=Accounting(**told["accounting"]),
            problems=told["problems"],
            mboxes={path: Mbox(**mbox) for path, mbox in told["mboxes"].items()},
            opened=told["opened"],
            seen=_files(told["seen"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SchemaError(
            f"{where}: expected the manifest of a store; {error!r}. Put it back from a backup; or take it"
            " away, if there is one before it: that holds then, and the next run reads what it lacks"
        ) from error


def _files(found: list[list[object]]) -> tuple[File, ...]:
    return tuple(File(str(name), int(str(rows))) for name, rows in found)


def commit(place: Place, state: State) -> State:
    """Make a state the newest: the one that follows the state it was made from.

    Raises
    ------
    StoreError
        Another writer committed meanwhile.
    """
    following = replace(state, number=state.number + 1)
    told = {
        "schema_version": SCHEMA_VERSION,
        "number": following.number,
        "months": {
            month: {table: [[f.name, f.rows] for f in files] for table, files in tables.items()}
            for month, tables in sorted(following.months.items())
        },
        "accounting": asdict(following.accounting),
        "problems": following.problems,
        "mboxes": {path: asdict(mbox) for path, mbox in following.mboxes.items()},
        "opened": following.opened,
        "seen": [[f.name, f.rows] for f in following.seen],
    }
    made = f"{FOLDER}/{following.number:08}.json"
    created = place.create(made, json.dumps(told).encode())
    if not _holds(place, following, created=created):
        raise StoreError(
            f"{place.url}: expected to be its only writer; another one committed meanwhile. What is in"
            " the store is whole: run it again, and it reads what is missing"
        )
    return following


def _holds(place: Place, state: State, *, created: bool) -> bool:
    """Tell whether a state is the newest, or went into it; else take it away, if it was created.

    Others may have committed its number long ago, and taken it away since: nobody looks there any more.
    And one that was there already may be this one: who asks a bucket again, for its answer was lost, is refused.
    """
    latest = newest(place)
    own = {
        file for file in state.files() if (of := _OF.search(file)) and int(of[1]) == state.number
    }
    if own and own <= latest.files():
        return True
    if created and latest.number == state.number:
        return True
    if created:
        place.delete(f"{FOLDER}/{state.number:08}.json")
    return False


def clean(place: Place, state: State) -> None:
    """Take away what no state names any more, and the manifests before the last but one."""
    kept = state.files()
    for number in _numbers(place)[:-KEPT]:
        place.delete(f"{FOLDER}/{number:08}.json")
    for number in _numbers(place)[-KEPT:-1]:
        try:
            kept |= _read(place, number).files()
        except FileNotFoundError:
            return  # another writer committed, and cleans up
    for folder in place.folders():
        for found in place.names(folder):
            of = _OF.search(found)
            nobodys = of and int(of[1]) <= state.number and f"{folder}/{found}" not in kept
            if nobodys or (folder == FOLDER and found.endswith(".part")):
                place.delete(f"{folder}/{found}")
