"""A few of the kills that `python -m tests.crash.run` does by the hundred; and each call that fails in turn."""

import errno
import gc
import os
import shutil
import subprocess
import sys

import pytest

import mtasts_analysis as ma
from mtasts_analysis.store import manifest
from tests.archive.building import text
from tests.archive.test_files import NEW, OLD, Failing, is_one_of, leftovers
from tests.conftest import ROOT
from tests.crash import run


@pytest.mark.slow
@pytest.mark.parametrize("act", run.ACTS)
def test_kills(act):
    """In a process of its own, which forks: pytest's has threads."""
    call = [sys.executable, "-W", "ignore", "-m", "tests.crash.run", act, "--kills", "12"]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split(", ")[1].split()[0]) > 2, done.stdout


def test_the_judge_sees_a_torn_file(tmp_path):
    """What it is there for: an act that writes in place."""

    def torn(place):
        path = place / "told.json"
        raw = path.read_bytes()
        path.write_bytes(raw[: len(raw) // 2])

    act = run.Act(
        run.before_alert, torn, lambda place: (place / "told.json").read_bytes(), run.left_hidden
    )
    (tmp_path / "place").mkdir()
    act.lay_out(tmp_path / "place")
    old = act.state(tmp_path / "place")
    torn(tmp_path / "place")
    with pytest.raises(ma.InputError):
        run.told(tmp_path / "place")
    assert act.state(tmp_path / "place") != old


def test_what_a_kill_before_the_cleaning_left_goes_with_the_next_compact(tmp_path, monkeypatch):
    """Even where that has nothing else to do: the state is compact already."""
    monkeypatch.setattr(run, "in_small_steps", lambda: None)  # they would stay in this process
    run.before_compact(tmp_path)
    stray = tmp_path / "store" / manifest.FOLDER / ".00000001.json.0.part"
    stray.write_bytes(b"{")
    with monkeypatch.context() as killed:
        killed.setattr(manifest, "clean", lambda *_: None)
        run.do_compact(tmp_path)
    state = run.stored(tmp_path)
    assert stray.name in run.left_of_store(tmp_path)
    run.do_compact(tmp_path)
    assert run.left_of_store(tmp_path) == [] and run.stored(tmp_path) == state


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EMFILE], ids=errno.errorcode.get)
@pytest.mark.parametrize("name", ["ingest", "compact", "alert"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a listing cut off
def test_each_call_fails_in_turn(name, code, tmp_path, monkeypatch):
    act = run.ACTS[name]
    monkeypatch.setattr(run, "in_small_steps", lambda: None)
    place, start = tmp_path / "place", tmp_path / "start"
    place.mkdir()
    act.lay_out(place)
    old = act.state(place)
    shutil.copytree(place, start)
    act.do(place)
    new = act.state(place)
    told = 0
    for k in range(1, 400):
        shutil.rmtree(place)
        shutil.copytree(start, place)
        with monkeypatch.context() as patch:
            failing = Failing(patch, k, code)
            try:
                act.do(place)
            except ma.MtastsAnalysisError as error:
                assert "\n" not in str(error)
                assert os.strerror(code) in str(error), error
                told += 1
            over = failing.left > 0
        found = act.state(place)
        assert found in (old, new) or (act.steps and run.between(old, found, new)), k
        act.do(place)
        assert act.state(place) == new, k
        if over:
            break
    gc.collect()
    assert over
    assert told > 3


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 kB."""
    if os.geteuid() or not sys.platform.startswith("linux"):
        pytest.skip("only root mounts a disk")
    path = tmp_path / "disk"
    path.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path], check=False)
    if made.returncode:
        pytest.skip("no disk may be mounted here")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl", "xlsx"])
def test_a_full_disk(kind, small_disk, monkeypatch):
    ignored = []  # what Python complains of where nobody can catch it; XlsxWriter's open files aside
    monkeypatch.setattr(sys, "unraisablehook", lambda of: ignored.append(of.exc_value))
    before = {}
    if kind in ("csv", "jsonl"):  # the others' first write needs more than there is
        OLD.export(small_disk, format=kind)
        before = {p.name: p.read_bytes() for p in small_disk.iterdir()}
    large = ma.load(b"\n".join(text(n) for n in range(400)))
    with pytest.raises(ma.OutputError, match="No space left on device"):
        large.export(small_disk, format=kind)
    assert {p.name: p.read_bytes() for p in small_disk.iterdir()} == before
    assert leftovers(small_disk) == []
    gc.collect()
    assert [error for error in ignored if not isinstance(error, ResourceWarning)] == []


@pytest.mark.parametrize("act", ["ingest", "compact"])
def test_a_disk_that_a_store_fills(act, small_disk, tmp_path):
    """By its files, not its manifest: it is told with the file, and what was committed holds."""
    few, many = tmp_path / "few.json", tmp_path / "many.jsonl"
    few.write_bytes(text(0))
    many.write_bytes(b"\n".join(text(n) for n in range(1_500)))
    store = ma.Store(small_disk / "store")
    if act == "compact":
        store = ma.Store(tmp_path / "store")
        for path in (few, many):
            store.ingest(path, progress=False)
        shutil.copytree(tmp_path / "store", small_disk / "store", copy_function=os.symlink)
        store = ma.Store(small_disk / "store")
    else:
        store.ingest(few, progress=False)
    before = len(store.read().reports)
    with pytest.raises(
        ma.OutputError, match=r"-0000000\d-\w+\.parquet: .*No space left.*run it again"
    ):
        store.compact() if act == "compact" else store.ingest(many, progress=False)
    assert len(ma.Store(small_disk / "store").read().reports) == before
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    store.ingest(many, progress=False)
    assert len(store.read().reports) == store.accounting.reports == 1_500
    store.compact()
    assert run.left_of_store(small_disk) == []


def test_a_disk_that_is_read_only(small_disk):
    (small_disk / "out").mkdir()
    few = ma.load(text())
    few.export(small_disk / "out", format="csv")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(ma.OutputError, match="Read-only file system"):
        NEW.export(small_disk / "out", format="csv")
    assert is_one_of(ma.read_csv(small_disk / "out"), few)
    with pytest.raises(ma.OutputError, match="Read-only file system"):
        ma.Store(small_disk / "store").ingest(ROOT / "data/sample", progress=False)
