"""A store holds what a load of the same files gives, however often it was run, stopped or killed."""

import contextlib
import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mtasts_analysis as ma
from mtasts_analysis import cli
from mtasts_analysis.archive import units
from mtasts_analysis.store import dataset, ingest, manifest
from mtasts_analysis.store.places import Folder
from tests.archive.building import FailingDisk, mail, mbox, packed, report, text, zipped
from tests.scale.mixed import LONG, NOTE, lay_out

KEYS = {
    "reports": ["report_key", "origin"],
    "policies": ["policy_key"],
    "failures": ["failure_key"],
    "problems": ["origin", "code", "detail", "severity"],
}


def rows(tables):
    """The rows of each table in an order of their own, words as strings."""
    return {
        name: tables[name]
        .cast(
            pa.schema(
                [
                    pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type)
                    for f in tables[name].schema
                ]
            )
        )
        .sort_by([(key, "ascending") for key in keys])
        .combine_chunks()
        for name, keys in KEYS.items()
    }


def alike(store, data):
    """Hold that a store has the rows and the account of an archive."""
    assert store.accounting == data.accounting
    one, other = rows(store.read().tables), rows(data.tables)
    for name, table in other.items():
        assert one[name].num_rows == table.num_rows, name
        for column in table.column_names:
            assert one[name][column].equals(table[column]), f"{name}.{column}"


def named(path):
    """The files that the manifests name."""
    place = Folder(str(path))
    return set().union(*(manifest._read(place, n).files() for n in manifest._numbers(place)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="module")
def whole(folder):
    return ma.load(folder, workers=1)


@pytest.mark.parametrize(("flush", "checkpoint", "shard"), [(10**6, 10**6, 10**7), (40, 50, 4_000), (1, 1, 30_000)])  # fmt: skip
def test_a_store_is_the_load(folder, whole, tmp_path, monkeypatch, flush, checkpoint, shard):
    monkeypatch.setattr(ingest, "FLUSH", flush)
    monkeypatch.setattr(ingest, "CHECKPOINT", checkpoint)
    monkeypatch.setattr(units.plan, "__defaults__", (shard, None, None))
    store = ma.Store(tmp_path / "store")
    done = store.ingest(folder)
    assert done.accounting == whole.accounting
    alike(store, whole)
    again = store.ingest(folder)
    assert again.accounting.items == 0
    alike(ma.Store(tmp_path / "store"), whole)
    store.compact()
    alike(store, whole)
    assert all(len(files) == 1 for held in store._state.months.values() for files in held.values())
    # What no state names is gone.
    there = {f"{p.parent.name}/{p.name}" for p in (tmp_path / "store").rglob("*.parquet")}
    assert there <= named(tmp_path / "store")


def test_workers_fill_it_the_same(folder, whole, tmp_path):
    store = ma.Store(tmp_path / "store")
    store.ingest(folder, workers=2)
    alike(store, whole)


MAILS = st.sampled_from(
    [mail(packed(n)) for n in range(4)]
    + [
        mail(packed(9), newline="\r\n"),
        NOTE,
        LONG,
        mail(b"\x1f\x8bbroken"),
        mail(text(50), media="application/tlsrpt+json", encoding="8bit"),
    ]
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(MAILS, min_size=1, max_size=4), min_size=2, max_size=4), st.booleans())
def test_a_growing_mailbox(tmp_path_factory, steps, blank_before):
    """After each delivery only the new part is read, and the store is the load of the whole."""
    folder = tmp_path_factory.mktemp("growing")
    path = folder / "box"
    store = ma.Store(folder / "store")
    for number, mails in enumerate(steps):
        more = mbox(mails)
        if blank_before and number:  # some writers put the blank line before the separator
            more = b"\n" + more
        with path.open("ab") as file:
            file.write(more)
        done = store.ingest(path)
        assert done.accounting.items >= len(mails)
        # The least part is read: an item for each mail, not those of the mails before.
        assert done.read <= len(more)
    alike(store, ma.load(path))


def test_a_mailbox_that_was_rewritten_is_read_again(tmp_path):
    path = tmp_path / "box"
    path.write_bytes(mbox([mail(packed(n)) for n in range(5)]))
    store = ma.Store(tmp_path / "store")
    store.ingest(path)
    path.write_bytes(mbox([mail(packed(n)) for n in range(2, 9)]))  # the first two were deleted
    done = store.ingest(path)
    assert (done.accounting.reports, done.accounting.duplicates) == (4, 3)
    assert store.accounting.reports == 9
    assert sorted(store.read().tables["problems"]["detail"].to_pylist()) == [
        f"the same report as {path}#{n}/2" for n in (3, 4, 5)
    ]


@pytest.mark.parametrize("shard", [units.SIZE, 4_000])
@pytest.mark.parametrize("aside", [False, True], ids=["in place", "renamed over it"])
def test_a_mailbox_that_is_rewritten_while_it_is_read_loses_nothing(
    tmp_path, monkeypatch, shard, aside
):
    """A mail client expunges and delivers at once; only after the first part was read."""
    monkeypatch.setattr(units.plan, "__defaults__", (shard, None, None))
    mails = [mail(packed(n)) for n in range(30)]
    path, store = tmp_path / "box", ma.Store(tmp_path / "store")
    path.write_bytes(mbox(mails[:20]))

    def rewriting(_size):
        if path.read_bytes() == mbox(mails[:20]):
            written = tmp_path / "aside" if aside else path
            written.write_bytes(mbox(mails[7:27]))
            written.replace(path)

    store.ingest(path, progress=rewriting)
    store.ingest(path)
    with path.open("ab") as file:
        file.write(mbox(mails[27:]))
    store.ingest(path)
    held = set(store.read().tables["reports"]["report_key"].to_pylist())
    assert held >= set(ma.load(path).tables["reports"]["report_key"].to_pylist())
    assert store.ingest(path).skipped == 1, "and then it is known"


def test_a_mailbox_that_grows_while_it_is_read_is_read_once(tmp_path):
    path, store = tmp_path / "box", ma.Store(tmp_path / "store")
    path.write_bytes(mbox([mail(packed(1))]))
    more = iter([mbox([mail(packed(2))])])

    def growing(_size):
        with path.open("ab") as file:
            file.write(next(more, b""))

    store.ingest(path, progress=growing)
    assert store.ingest(path).accounting.items == 1
    alike(store, ma.load(path))


def test_a_part_of_a_mailbox_that_cannot_be_read_is_read_the_next_time(tmp_path, monkeypatch):
    """The disk fails once, in the middle: what follows is taken in, and the middle is not taken for read."""
    monkeypatch.setattr(units.plan, "__defaults__", (4_000, None, None))
    path, store = tmp_path / "box", ma.Store(tmp_path / "store")
    path.write_bytes(mbox([mail(packed(n)) for n in range(30)]))
    real, count = units.read, iter(range(100))

    def failing(unit, settings):
        if next(count) != 1:
            return real(unit, settings)
        with monkeypatch.context() as patch:
            patch.setattr("builtins.open", lambda *_, **__: FailingDisk(b""))
            return real(unit, settings)

    monkeypatch.setattr(units, "read", failing)
    assert store.ingest(path).unread == (str(path),)
    assert store.accounting.reports < 30
    store.ingest(path)
    assert store.accounting.reports == 30


def test_another_file_in_a_files_place_is_read(tmp_path):
    """As `rm`, `unzip` do it: the same place on the disk, the same size, and a time that was set."""
    path, store = tmp_path / "a.json", ma.Store(tmp_path / "store")
    for n, name in enumerate(("a.json", "b.json")):
        path = path.rename(tmp_path / name) if n else path
        path.write_bytes(text(n))  # an inode that is kept for sure
        os.utime(path, (315532800, 315532800))
        assert store.ingest(path).accounting.reports == 1


def test_a_mailbox_that_was_renamed_is_not_read_again(tmp_path):
    path, store = tmp_path / "box", ma.Store(tmp_path / "store")
    path.write_bytes(mbox([mail(packed(1))]))
    store.ingest(path)
    rotated = path.rename(tmp_path / "box.1")
    path.write_bytes(mbox([mail(packed(2))]))
    os.link(rotated, tmp_path / "box.2")
    done = store.ingest([path, rotated, tmp_path / "box.2"])
    assert (done.accounting.items, done.skipped) == (1, 2)


def test_a_mail_that_was_cut_is_read_when_it_is_whole(tmp_path):
    """A mailbox that is read while a mail is being written."""
    path = tmp_path / "box"
    box = mbox([mail(packed(0)), mail(packed(1))])
    path.write_bytes(box[:-400])
    store = ma.Store(tmp_path / "store")
    assert store.ingest(path).accounting.reports == 1
    with path.open("ab") as file:
        file.write(box[-400:])
    assert store.ingest(path).accounting.reports == 1
    assert store.accounting.reports == 2
    assert store.accounting.rejected + store.accounting.not_reports == 1  # what it was before
    assert store.read().tables["reports"]["origin"].to_pylist() == [f"{path}#{n}/2" for n in (1, 2)]


def test_copies_and_conflicts_across_runs(tmp_path):
    store = ma.Store(tmp_path / "store")
    (tmp_path / "a.json").write_bytes(text(1))
    (tmp_path / "b.json").write_bytes(text(1))
    (tmp_path / "c.json").write_bytes(
        json.dumps(report(1, **{"contact-info": "x@y.example"})).encode()
    )
    for name in "abc":
        store.ingest(tmp_path / f"{name}.json")
    alike(store, ma.load([tmp_path / f"{name}.json" for name in "abc"]))
    assert (store.accounting.duplicates, store.accounting.conflicts) == (1, 1)


def test_a_file_that_cannot_be_read_is_told_and_tried_again(tmp_path, monkeypatch):
    """Nothing of it stays in the store: once it is read, the store is as if it always had been."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a\n.json").write_bytes(text(1))
    (tmp_path / "in" / "b.json").write_bytes(text(2))
    store = ma.Store(tmp_path / "store")

    def failing(real):
        def fails(path, *given, **named):
            if str(path).endswith("a\n.json"):
                raise OSError(5, "Input/output error")
            return real(path, *given, **named)

        return fails

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", failing(os.open))
        patch.setattr("builtins.open", failing(open))
        done = [store.ingest(tmp_path / "in", progress=False) for _ in range(2)]
    assert [len(one.unread) for one in done] == [1, 1]
    assert done[0].accounting.items == 1
    assert str(done[1]).endswith(
        "tried again the next time: " + str(tmp_path / "in" / "a\ufffd.json")
    )
    assert store.ingest(tmp_path / "in", progress=False).accounting.reports == 1
    assert store.accounting == ma.load(tmp_path / "in").accounting
    assert store.read().tables["problems"].num_rows == 0


def test_a_file_that_was_read_in_part_leaves_no_problem_once_it_is_whole(tmp_path, monkeypatch):
    """What was cut by the disk's failure is no fault of the file's; what stood before it is taken in."""

    whole = mbox([mail(packed(n)) for n in range(400)])
    cut = whole.index(mail(packed(300))) + 700  # within its base64
    box, beside = tmp_path / "in" / "a.mbox", tmp_path / "in" / "a.mbox.json"
    box.parent.mkdir()
    box.write_bytes(whole)
    beside.write_bytes(b"{")
    real = open

    def fails(path, *given, **named):
        return FailingDisk(whole[:cut]) if str(path) == str(box) else real(path, *given, **named)

    store = ma.Store(tmp_path / "store")
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", fails)
        done = store.ingest(box.parent, progress=False)
    assert done.unread == (str(box),)
    assert (done.accounting.reports, done.accounting.rejected) == (300, 1)  # the one beside it
    assert [row["origin"] for row in store.read().tables["problems"].to_pylist()] == [str(beside)]
    done = store.ingest(box.parent, progress=False)
    assert (done.accounting.reports, done.accounting.duplicates) == (100, 300)
    assert done.unread == () and len(store.read().tables["problems"]) == 301
    assert sorted(store.read().reports["report_id"]) == sorted(ma.load(box).reports["report_id"])


def test_a_maildir_renames_its_files(tmp_path):
    for name in ("cur", "new", "tmp"):
        (tmp_path / "md" / name).mkdir(parents=True)
    (tmp_path / "md/new/1.a.host").write_bytes(mail(packed(1)))
    store = ma.Store(tmp_path / "store")
    store.ingest(tmp_path / "md")
    (tmp_path / "md/new/1.a.host").rename(tmp_path / "md/cur/1.a.host:2,S")
    done = store.ingest(tmp_path / "md")
    assert (done.accounting.items, done.skipped) == (0, 1)


FILL = """
import sys
import mtasts_analysis as ma
from mtasts_analysis.store import ingest
from mtasts_analysis.archive import units
ingest.FLUSH, ingest.CHECKPOINT = 40, 60
units.plan.__defaults__ = (5_000, None, None)
print("ready", flush=True)
"""
BY_CALL = "print(ma.Store(sys.argv[1]).ingest(sys.argv[2], progress=False), flush=True)"
BY_COMMAND = "from mtasts_analysis import cli; sys.exit(cli.main(['ingest', *sys.argv[1:]]))"


def filling(store, folder, how=BY_CALL):
    process = subprocess.Popen(
        [sys.executable, "-c", FILL + how, str(store), str(folder)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
def test_killed_at_any_moment(folder, whole, tmp_path):
    """Each time it is killed, what is there is a committed state; the next run goes on from it."""
    path = tmp_path / "store"
    numbers, seconds = [], 0.02
    for attempt in range(14):
        process = filling(path, folder)
        time.sleep(seconds * (attempt % 7 + 1))
        process.kill()
        process.communicate()
        store = ma.Store(path)
        found = store.read()
        assert len(found.tables["reports"]) == store.accounting.reports
        assert found.tables["reports"]["report_key"].combine_chunks().unique() is not None
        assert len(found.reports["report_key"].unique()) == store.accounting.reports
        assert ma.over_time(store) is not None
        numbers.append(store._state.number)
    assert numbers == sorted(numbers)
    process = filling(path, folder)
    assert process.communicate(timeout=60)[0]
    alike(ma.Store(path), whole)
    # Nothing of the killed runs is left, but the files of the last state and the one before.
    ma.Store(path).compact()
    assert {f"{p.parent.name}/{p.name}" for p in path.rglob("*.parquet")} <= named(path)
    assert not list(path.rglob("*.part"))


@pytest.mark.slow
@pytest.mark.parametrize(("how", "code"), [(BY_CALL, 0), (BY_COMMAND, 130)])
def test_ctrl_c_keeps_what_was_read(tmp_path, how, code):
    path = tmp_path / "box"
    path.write_bytes(mbox([mail(packed(n)) for n in range(3_000)]))
    process = filling(tmp_path / "store", path, how)
    deadline = time.monotonic() + 30
    while not list((tmp_path / "store").glob("_manifest/*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == code
    assert "interrupted: run it again for the rest" in said
    store = ma.Store(tmp_path / "store")
    assert 0 < store.accounting.reports < 3_000
    assert store.ingest(path).complete
    alike(store, ma.load(path))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("last", [False, True])
def test_ctrl_c_in_the_last_part_interrupts_nothing(tmp_path, monkeypatch, workers, last):
    """All was read: there is no rest to run it again for."""
    monkeypatch.setattr(units.plan, "__defaults__", (5_000, None, None))
    path = tmp_path / "box"
    path.write_bytes(mbox([mail(packed(n)) for n in range(30)]))
    left = [path.stat().st_size]

    def pressing(size):
        first = left[0] == path.stat().st_size
        left[0] -= size
        if (left[0] == 0) if last else first:
            signal.raise_signal(signal.SIGINT)

    store = ma.Store(tmp_path / "store")
    done = store.ingest(path, progress=pressing, workers=workers)
    assert done.complete == last and ("run it again" not in str(done)) == last
    assert (store.accounting.reports == 30) == last
    assert store.ingest(path).complete and store.accounting.reports == 30


def test_a_bar_comes_to_its_end(tmp_path, monkeypatch):
    """Also where a mailbox grew, or a container is taken up where it was left."""
    tqdm = pytest.importorskip("tqdm.auto")
    monkeypatch.setattr(units.plan, "__defaults__", (2_000, None, None))
    ended = []

    class Watched(tqdm.tqdm):
        def close(self):
            if not self.disable:
                ended.append((self.n, self.total))
            super().close()

    box, packs = tmp_path / "box", tmp_path / "a.zip"
    box.write_bytes(mbox([mail(packed(n)) for n in range(20)]))
    packs.write_bytes(zipped({f"{n}.json": text(n) for n in range(100, 140)}))
    store = ma.Store(tmp_path / "store")
    pressed = iter([signal.SIGINT])
    store.ingest(packs, progress=lambda _: [signal.raise_signal(one) for one in pressed])
    assert 0 < store.accounting.reports < 40
    store.ingest(box)
    with box.open("ab") as file:
        file.write(mbox([mail(packed(20))]))
    monkeypatch.setattr(tqdm, "tqdm", Watched)
    for path in (box, packs):
        store.ingest(path, progress=True)
    assert store.accounting.reports == 61
    assert len(ended) == 2 and all(read == total > 0 for read, total in ended)


def test_a_person_is_told_at_once_that_it_stops(monkeypatch):
    """A part may take a second or two more; who sees nothing presses again, and loses it."""
    said = []
    monkeypatch.setattr(os, "write", lambda file, text: said.append((file, text)))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with dataset._interrupted() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    ((file, text),) = said
    assert file == 2
    assert b"Ctrl-C again stops at once" in text


def test_a_second_writer_is_refused(tmp_path):
    """The lock is that of another process: one holds it, the other is told."""
    code = (
        "import sys, time; from mtasts_analysis.store.places import Folder\n"
        "with Folder(sys.argv[1]).alone(): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "store")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout.readline() == "held\n"
    (tmp_path / "a.json").write_bytes(text(1))
    store = ma.Store(tmp_path / "store")
    with pytest.raises(ma.StoreError, match="another process writes to it now"):
        store.ingest(tmp_path / "a.json")
    holder.communicate("")
    assert store.ingest(tmp_path / "a.json").accounting.reports == 1


def test_of_two_commits_one_holds(tmp_path):
    place = Folder(str(tmp_path))
    states, errors = [], []

    def committing():
        try:
            states.append(manifest.commit(place, manifest.State()))
        except ma.StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=committing) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(states), len(errors)) == (1, 7)
    assert manifest.newest(place).number == 1


@pytest.mark.parametrize("others", [1, 3, 6])
def test_a_slow_writer_loses_nothing(tmp_path, monkeypatch, others):
    """Without locks, as in a bucket: what others committed may be gone again, and its number free."""
    monkeypatch.setattr(Folder, "alone", lambda _: contextlib.nullcontext())
    for n in range(others + 2):
        (tmp_path / f"{n}.json").write_bytes(text(n))
    store, committing = ma.Store(tmp_path / "store"), manifest.commit
    store.ingest(tmp_path / "0.json")

    def late(there, state):
        monkeypatch.setattr(manifest, "commit", committing)
        for n in range(2, others + 2):
            ma.Store(tmp_path / "store").ingest(tmp_path / f"{n}.json")
        return committing(there, state)

    monkeypatch.setattr(manifest, "commit", late)
    with pytest.raises(ma.StoreError, match="another one committed meanwhile"):
        store.ingest(tmp_path / "1.json")
    assert len(list((tmp_path / "store/_manifest").iterdir())) == 2
    assert store.refresh().accounting.reports == others + 1
    store.ingest(tmp_path / "1.json")
    assert len(store.read().reports) == store.accounting.reports == others + 2


def test_a_writer_that_another_one_went_on_from_has_committed(tmp_path, monkeypatch):
    """Between its commit and its look at what is newest."""
    monkeypatch.setattr(Folder, "alone", lambda _: contextlib.nullcontext())
    for n in range(3):
        (tmp_path / f"{n}.json").write_bytes(text(n))
    store, looking = ma.Store(tmp_path / "store"), manifest._holds

    def late(there, state, **created):
        monkeypatch.setattr(manifest, "_holds", looking)
        for n in (1, 2):
            ma.Store(tmp_path / "store").ingest(tmp_path / f"{n}.json")
        return looking(there, state, **created)

    monkeypatch.setattr(manifest, "_holds", late)
    assert store.ingest(tmp_path / "0.json").accounting.reports == 1
    assert len(store.refresh().read().reports) == store.accounting.reports == 3


def test_of_two_who_clean_up_one_may_be_late(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_bytes(text(1))
    (tmp_path / "b.json").write_bytes(text(2))
    store = ma.Store(tmp_path / "store")
    store.ingest(tmp_path / "a.json")

    def gone(_place, number):
        raise FileNotFoundError(number)

    committing = manifest.commit

    def committed(there, state):
        made = committing(there, state)
        monkeypatch.setattr(manifest, "_read", gone)
        return made

    monkeypatch.setattr(manifest, "commit", committed)
    assert store.ingest(tmp_path / "b.json").accounting.reports == 1
    assert len(store.read().reports) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected the manifest of a store.*Put it back from a backup; or take it away"),
        (b"[]", "expected the manifest of a store"),
        (b"{}", "expected the manifest of a store"),
        (b'{"schema_version": 99}', "upgrade mtasts-analysis"),
    ],
)
def test_what_is_no_store_is_told(tmp_path, content, message):
    (tmp_path / "_manifest").mkdir()
    (tmp_path / "_manifest/00000001.json").write_bytes(content)
    with pytest.raises(ma.SchemaError, match=message):
        ma.Store(tmp_path)


def test_where_a_store_is(tmp_path, monkeypatch):
    """As a shell has it; an empty name, of a variable that is not set, is not the folder where one stands."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.json").write_bytes(text(1))
    ma.Store("~/store").ingest(tmp_path / "a.json")
    for name in ("store", "file://", "FILE://", "file://localhost"):
        where = tmp_path / name if name == "store" else f"{name}{tmp_path}/store"
        assert ma.Store(where).accounting.reports == 1
    with pytest.raises(ma.InputError, match="expected a folder or a URL for a store; got ''"):
        ma.Store("")
    for url in (None, 3, b"x", ["a"], "x\0y", "\ud800", "zip://a::none.zip"):
        with pytest.raises(ma.InputError, match=r"expected a (folder or a )?URL"):
            ma.Store(url)


def test_a_store_stays_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_bytes(text(1))
    (tmp_path / "elsewhere").mkdir()
    store = ma.Store("store")
    store.ingest("a.json")
    monkeypatch.chdir("elsewhere")
    assert len(store.read().reports) == store.refresh().accounting.reports == 1
    assert store.ingest("../a.json").skipped == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_first_run_that_finds_nothing_makes_a_store(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    path = tmp_path / "store"
    assert cli.main(["ingest", str(path), str(tmp_path / "in")]) == 0
    assert dataset.is_store(path)
    assert not dataset.is_store(tmp_path / "in") and not dataset.is_store(tmp_path / "none")
    assert cli.main(["summary", str(path)]) == 3
    assert "no TLS report was found" in capsys.readouterr().err


def test_years_of_fewer_digits(tmp_path):
    """As text, 900 is after 2026."""
    (tmp_path / "a.json").write_bytes(text(1))
    store = ma.Store(tmp_path / "store")
    store.ingest(tmp_path / "a.json")
    assert len(store.read(ma.Filter(start="0900-01-01")).reports) == 1
    assert len(store.read(ma.Filter(end="0900-01-01")).reports) == 0


def test_what_cannot_serve_is_told(tmp_path):
    store = ma.Store(tmp_path / "store")
    with pytest.raises(ma.InputError, match="got bytes"):
        store.ingest(b"{}")
    with pytest.raises(ma.InputError, match="nothing is there"):
        store.ingest(tmp_path / "none")
    with pytest.raises(ma.InputError, match="on_problem"):
        store.ingest(tmp_path, on_problem="shrug")
    with pytest.raises(ma.InputError, match=r"limits: expected Limits, such as .*; got None"):
        store.ingest(tmp_path, limits=None)
    with pytest.raises(ma.InputError, match="expected one of reports, policies"):
        store.files("nonsense")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ma.OutputError, match="expected a folder to write to"):
        ma.Store(tmp_path / "file/store").ingest(tmp_path / "file")


@pytest.fixture
def two_months(tmp_path):
    """A store of two months and two states."""
    for month in ("01", "02"):
        span = {f"{end}-datetime": f"2026-{month}-03T00:00:00Z" for end in ("start", "end")}
        made = [report(n, **{"date-range": span}) for n in range(30)]
        path = tmp_path / f"{month}.jsonl"
        path.write_text("\n".join(map(json.dumps, made)))
        ma.Store(tmp_path / "store").ingest(path, progress=False)
    return tmp_path / "store"


def asked(path):
    """All that a store's files say."""
    store = ma.Store(path)
    where = ma.Filter(domains="d.example", start="2026-02-01", end="2026-02-28")
    return (
        {name: table.to_pydict() for name, table in store.read().tables.items()},
        {name: table.to_pydict() for name, table in store.read(where).tables.items()},
        store.summary().sessions.to_json(),
        store._seen().tolist(),
    )


@pytest.mark.parametrize("name", ["reports", "policies", "failures", "cube-reports", "cube-policies", "cube-failures", "seen"])  # fmt: skip
def test_a_flipped_bit_gives_no_other_figure(two_months, name):
    """Anywhere in a file: it is told in one line that names the file, or says the same."""
    path = max(two_months.glob(f"*/{name}-0*"))
    want, whole, told = asked(two_months), path.read_bytes(), 0
    for at in range(0, len(whole), max(1, len(whole) // 80)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        try:
            assert asked(two_months) == want, at
        except ma.StoreError as error:
            assert f"expected {path.parent.name}/{path.name} to be as it was written" in str(error)
            assert "\n" not in str(error) and "from a backup" in str(error)
            told += 1
    assert told > 20, "of some 80 places: a bit that says nothing else is not told"


def test_a_file_in_anothers_place_is_told(two_months):
    """Of another month, table or store; put back from a backup by a wrong name."""
    one, other = (min(two_months.glob(f"month=2026-0{m}/policies-*")) for m in (1, 2))
    of_another_table = min(two_months.glob("month=2026-01/reports-*"))
    whole = one.read_bytes()
    for wrong in (other, of_another_table):
        one.write_bytes(wrong.read_bytes())
        for where in (ma.Filter(), ma.Filter(domains="d.example")):
            with pytest.raises(ma.StoreError, match=f"{one.name} to be .*; it is .*/{wrong.name}"):
                ma.Store(two_months).read(where)
    one.write_bytes(whole)
    assert len(ma.Store(two_months).read().reports) == 60


@pytest.mark.parametrize("content", [b"", b"PAR1", b"{}"])
def test_a_file_that_was_damaged_is_told(two_months, content):
    path = min(two_months.glob("month=2026-02/policies-*"))
    path.write_bytes(content)
    with pytest.raises(ma.StoreError, match=r"expected month=2026-02/policies-\S+ to be as it was"):
        ma.Store(two_months).read()


def test_a_file_that_is_gone_is_told(two_months):
    """By whom: refresh() does not bring back what somebody deleted."""
    store = ma.Store(two_months)
    path = min(two_months.glob("month=2026-02/policies-*"))
    kept = path.rename(two_months.parent / "kept")
    for seeing in (store, store.refresh()):
        with pytest.raises(ma.StoreError, match="which its newest state names; it is not there"):
            seeing.read()
    kept.rename(path)
    (two_months.parent / "a.json").write_bytes(text(99))
    for _ in range(2):
        ma.Store(two_months).compact()
        ma.Store(two_months).ingest(two_months.parent / "a.json")
    (two_months.parent / "b.json").write_bytes(text(98))
    ma.Store(two_months).ingest(two_months.parent / "b.json")
    path.unlink(missing_ok=True)
    with pytest.raises(ma.StoreError, match="taken away by a later run: refresh"):
        store.read()
    assert len(store.refresh().read().reports) == 62


def test_files_without_a_state_are_no_empty_store(two_months, capsys):
    shutil.rmtree(two_months / "_manifest")
    with pytest.raises(ma.StoreError, match="there are files of a store, but no state"):
        ma.Store(two_months)
    assert cli.main(["summary", str(two_months)]) == 1
    assert "there are files of a store, but no state" in capsys.readouterr().err
    (two_months / "a.json").write_bytes(text(1))
    assert not dataset.is_store(two_months), "a folder of other things is an archive"


def test_a_first_run_that_was_cut_off_leaves_an_empty_store(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_bytes(text(1))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(manifest, "commit", killed)
        with pytest.raises(KeyboardInterrupt):
            ma.Store(tmp_path / "store").ingest(tmp_path / "a.json")
    assert list((tmp_path / "store").glob("month=*/*"))
    assert ma.Store(tmp_path / "store").ingest(tmp_path / "a.json").accounting.reports == 1


def test_a_store_is_no_archive_and_an_archive_no_store(tmp_path):
    (tmp_path / "a.json").write_bytes(text(1))
    path = tmp_path / "store"
    ma.Store(path).ingest(tmp_path / "a.json")
    with pytest.raises(ma.InputError, match=r"this is a store.*mtasts_analysis\.Store\('"):
        ma.load(path)
    with pytest.raises(ma.InputError, match="this is a store"):
        ma.Store(tmp_path / "other").ingest([tmp_path / "a.json", path])
    with pytest.raises(ma.InputError, match=r"nothing is there.*a store is opened as"):
        ma.load("s3://bucket/prefix")
    with pytest.raises(ma.InputError, match=r"this is a file.*\.ingest\("):
        ma.Store(tmp_path / "a.json")
    with pytest.raises(ma.InputError, match=r"where: expected a Filter"):
        ma.Store(path).filter("d.example")
    for write in (ma.load(tmp_path / "a.json").to_parquet, ma.load(tmp_path / "a.json").export):
        with pytest.raises(ma.OutputError, match="expected a folder for tables; this is a store"):
            write(path)
    for kind in ("parquet", "csv", "jsonl", "xlsx"):
        ma.load(tmp_path / "a.json").export(tmp_path / kind, format=kind)
        held = sorted((tmp_path / kind).iterdir())
        with pytest.raises(ma.InputError, match="expected a store, or a new folder for one"):
            ma.Store(tmp_path / kind).ingest(tmp_path / "a.json")
        assert sorted((tmp_path / kind).iterdir()) == held
        shutil.rmtree(tmp_path / kind)
    # A folder that has both: the reports are read, and of the store one word is said.
    for found in (ma.load(tmp_path), ma.load(str(tmp_path / "*"))):
        assert found.accounting.items == found.accounting.reports == 1
        assert found.problems[["origin", "severity", "code"]].values.tolist() == [
            [str(path), "deviation", "store"]
        ]


def test_a_report_by_the_name_of_a_state_is_read(tmp_path):
    """A stranger's mail names its attachments: a folder they were saved to is no store for that."""
    (tmp_path / "_manifest").mkdir()
    (tmp_path / "_manifest/00000001.json").write_bytes(text(1))
    (tmp_path / "a.json").write_bytes(text(2))
    assert ma.load(tmp_path).accounting.reports == 2
    assert not dataset.is_store(tmp_path)
    (tmp_path / "_manifest/00000001.json").unlink()
    os.mkfifo(tmp_path / "_manifest/00000001.json")  # to open one waits for who writes into it
    assert ma.load(tmp_path).accounting.reports == 1


def test_a_store_inside_of_what_it_is_filled_from(tmp_path):
    """Each run finds the store, and says so once."""
    (tmp_path / "a.json").write_bytes(text(1))
    store = ma.Store(tmp_path / "store")
    for n in range(2, 5):
        store.ingest(tmp_path)
        (tmp_path / f"{n}.json").write_bytes(text(n))
    assert store.accounting.items == store.accounting.reports == 3
    assert store.problems["code"].tolist() == ["store"]


def test_strict_keeps_what_was_committed(tmp_path):
    (tmp_path / "box").write_bytes(mbox([mail(packed(1)), mail(b"\x1f\x8bbroken")]))
    store = ma.Store(tmp_path / "store")
    with pytest.raises(ma.ProblemError, match="box#2/2"):
        store.ingest(tmp_path / "box", on_problem="raise")
    assert ma.Store(tmp_path / "store").accounting.items == 0
    assert store.ingest(tmp_path / "box").accounting.reports == 1


def test_from_standard_input(tmp_path, monkeypatch):
    """What comes by a pipe has no identity on a disk: it is read each time, and copies are told by their keys."""
    store = ma.Store(tmp_path / "store")
    for reports, duplicates in ((2, 0), (0, 2)):
        pipe = io.TextIOWrapper(io.BytesIO(mbox([mail(packed(n)) for n in range(2)])))
        monkeypatch.setattr(sys, "stdin", pipe)
        done = store.ingest("-").accounting
        assert (done.reports, done.duplicates) == (reports, duplicates)
    assert store.accounting.reports == 2 and len(store.read().reports) == 2


def test_a_mailbox_and_a_zip_that_cannot_be_read_are_tried_again(tmp_path, monkeypatch):
    """Another program holds them: each is a row, and is read the next time."""
    paths = [tmp_path / "box", tmp_path / "a.zip"]
    paths[0].write_bytes(mbox([mail(packed(1))]))
    paths[1].write_bytes(zipped({"a.json": text(2)}))
    store = ma.Store(tmp_path / "store")

    def refusing(call):
        def called(path, *more, **named):
            if not isinstance(path, int) and Path(os.fspath(path)) in paths:
                raise PermissionError(13, "Permission denied")
            return call(path, *more, **named)

        return called

    with monkeypatch.context() as patch:
        for where in ("os.open", "builtins.open"):
            module, name = where.split(".")
            patch.setattr(where, refusing(getattr(sys.modules[module], name)))
        assert store.ingest(paths).accounting.reports == 0
    assert store.ingest(paths).accounting.reports == 2
    assert store.ingest(paths).skipped == 2


def test_in_a_thread_nobody_presses_ctrl_c(folder, whole, tmp_path):
    """A notebook's background thread fills a store as the main one does: it may set no signal."""
    store = ma.Store(tmp_path / "store")
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(store.ingest, folder, progress=False).result().complete
    alike(store, whole)


def test_memory_and_files_are_bounded_over_many_months(tmp_path, monkeypatch):
    """One open file of a table, one identity in memory, a row at a time when compacted: the rows are the same."""
    monkeypatch.setattr("mtasts_analysis.store.ingest.WRITERS", 1)
    monkeypatch.setattr("mtasts_analysis.store.known.MOST", 1)
    monkeypatch.setattr("mtasts_analysis.store.dataset.ROW_GROUP", 1)
    made = []
    for n in range(12):
        span = {
            f"{end}-datetime": f"2026-{1 + n % 4:02}-03T{hour}Z"
            for end, hour in (("start", "00:00:00"), ("end", "23:59:59"))
        }
        made.append(json.dumps(report(n, **{"date-range": span})).encode())
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([*made, *made[:5]]))
    store = ma.Store(tmp_path / "store")
    store.ingest(path)
    alike(store, ma.load(path))
    (tmp_path / "b.jsonl").write_bytes(b"\n".join(made[5:]))
    assert store.ingest(tmp_path / "b.jsonl").accounting.duplicates == 7, (
        "also what was let go of is known"
    )
    store.compact()
    assert [len(store.files(name)) for name in ("reports", "policies", "failures")] == [4, 4, 4]
    assert store.accounting.reports == 12 and len(store.read().reports) == 12


def test_without_hard_links_the_lock_must_do(tmp_path, monkeypatch):
    """A FAT disk, some network drives: a manifest is still made whole, and never over another."""

    def none(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    place = Folder(str(tmp_path))
    assert place.create("a.json", b"first")
    assert not place.create("a.json", b"second")
    assert (tmp_path / "a.json").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"], "and nothing is left aside"


def test_a_manifest_that_is_always_taken_away(tmp_path):
    """A writer that commits faster than this reader reads: an error, not an empty store."""

    class Fleeting(Folder):
        def read(self, name):
            raise FileNotFoundError(name)

    manifest.commit(Folder(str(tmp_path)), manifest.State())
    with pytest.raises(ma.StoreError, match="expected to read its newest manifest; it changed"):
        manifest.newest(Fleeting(str(tmp_path)))


def test_problems_past_their_bound_are_counted_in_a_store_too(tmp_path):
    """A mailbox of nothing but broken mails does not fill the disk; how many there were is said."""
    path = tmp_path / "box"
    path.write_bytes(mbox([mail(packed(n)[:60]) for n in range(50)]))
    limits = ma.Limits(problem_bytes=1_000)
    store = ma.Store(tmp_path / "store")
    assert store.ingest(path, limits=limits).accounting.rejected == 50
    details = store.problems["detail"]
    said = details[details.str.contains("limit: problem_bytes")]
    assert said.size and len(details) < 50
    left_out = said.str.extract(r"(\d+) more")[0].astype(int).sum()
    assert left_out + len(details) - said.size == 50
