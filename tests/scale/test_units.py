"""An archive read in parts is the archive read in one: row by row, for any size of part."""

import gzip
import io
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mtasts_analysis as ma
from mtasts_analysis.archive import finding, mboxes, tables, units, workers
from mtasts_analysis.archive.streams import Stream
from mtasts_analysis.errors import WorkerError
from mtasts_analysis.show.progress import Progress
from tests.archive.building import mail, mbox, packed, tarred, text, zipped
from tests.conftest import ROOT
from tests.scale.mixed import lay_out, same


def in_parts(paths, size, executor=None, limits=None, count=1, duplicates=True, strict=False):
    limits = limits or ma.Limits()
    plan = units.plan(list(finding.files([str(path) for path in paths])), limits, size)
    chosen = units.Settings(limits, raise_problems=strict)
    with workers.results(plan, chosen, count, executor) as results:
        tables, account = units.gathered(
            results, Progress(), drop_duplicates=duplicates, limits=limits
        )
    return ma.Archive(tables, account)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="module")
def whole(folder):
    return ma.load(folder, workers=1)


@pytest.mark.parametrize("size", [1_000, 8_191, 100_000, 10**9])
def test_any_size_of_part(folder, whole, size):
    same(in_parts([folder], size), whole)


@pytest.mark.slow
def test_hostile_things_in_processes(tmp_path):
    folder = lay_out(tmp_path / "mixed", hostile=True)
    same(in_parts([folder], 50_000, count=2), ma.load(folder, workers=1))


def test_threads(folder, whole):
    with ThreadPoolExecutor(3) as executor:
        same(in_parts([folder], 5_000, executor, count=3), whole)


# Whatever holds them: pieces of an archive, each of so many reports from a number on.
FORMS = {
    "file": lambda reports: text(reports[0]),
    "eml": lambda reports: mail(packed(reports[0])),
    "lines": lambda reports: b"\n".join(map(text, reports)),
    "lines.gz": lambda reports: gzip.compress(b"\n".join(map(text, reports))),
    "list": lambda reports: b"[" + b",".join(map(text, reports)) + b"]",
    "mbox": lambda reports: mbox([mail(packed(n)) for n in reports]),
    "mbox.gz": lambda reports: gzip.compress(mbox([mail(packed(n)) for n in reports])),
    "zip": lambda reports: zipped({f"{n}.json": text(n) for n in reports}),
    "zip of mbox": lambda reports: zipped({"a": mbox([mail(packed(n)) for n in reports]), "b": b"{}"}),
    "tar": lambda reports: tarred({f"{n}.eml": mail(packed(n)) for n in reports}),
    "tar.gz": lambda reports: tarred({f"{n}.json.gz": packed(n) for n in reports}, "w:gz"),
    "tar.xz of zip": lambda reports: tarred({"a.zip": zipped({f"{n}": text(n) for n in reports})}, "w:xz"),
    "cut tar": lambda reports: tarred({f"{n}": text(n) for n in reports})[:-5_000],
    "cut zip": lambda reports: zipped({f"{n}": text(n) for n in reports})[:-150],
    "cut tar.gz": lambda reports: tarred({f"{n}": text(n) for n in reports}, "w:gz")[:-9],
    "noise": bytes,
    "empty": lambda _: b"",
}  # fmt: skip
MIXED = st.lists(
    st.tuples(st.sampled_from(sorted(FORMS)), st.integers(0, 12), st.integers(1, 9), st.booleans()),
    min_size=1,
    max_size=7,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(MIXED, st.integers(1, 12_000), st.integers(1, 4), st.sampled_from([0, 1, 3]), st.booleans())
def test_anything_in_parts(monkeypatch, pieces, size, files, threads, drop):
    """Runs of files, members of zip and tar, lines and mails: for any size of part, whoever reads them.

    The numbers overlap, so copies stand in other parts and other files than what they are copies of.
    """
    with (
        tempfile.TemporaryDirectory() as made,
        monkeypatch.context() as patch,
        ExitStack() as stack,
    ):
        for number, (form, first, count, inside) in enumerate(pieces):
            folder = Path(made, str(number % 2)) if inside else Path(made)
            folder.mkdir(exist_ok=True)
            content = FORMS[form](range(first, first + count))
            (folder / f"{number}.{form}").write_bytes(content)
        kept = "drop" if drop else "keep"
        alone = ma.load(made, workers=1, duplicates=kept, progress=False)
        patch.setattr(units, "FILES", files)
        pool = stack.enter_context(ThreadPoolExecutor(threads)) if threads else None
        same(in_parts([made], size, pool, count=max(threads, 1), duplicates=drop), alone)


def test_the_forms_that_are_put_in_parts_hold_what_they_should():
    """Else the property might hold of nothing."""
    for form, make in FORMS.items():
        if form not in ("noise", "empty"):
            data = ma.load(make(range(5, 11)))
            found = sorted(int(word.rpartition("-")[2]) for word in data.reports["report_id"])
            whole = [5] if form in ("file", "eml") else [*range(5, 11)]
            assert found == whole[: len(found)], form
            assert len(found) == len(whole) or (form.startswith("cut") and len(found) >= 1), form


@pytest.mark.slow
def test_processes_of_others(folder, whole):
    """An executor of the standard library, whose processes import the package themselves."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        same(in_parts([folder], 20_000, executor, count=2), whole)
        same(ma.load(folder, executor=executor), whole)


def test_load_takes_workers_and_executors(whole, folder):
    same(ma.load(folder, workers=2), whole)
    with ThreadPoolExecutor(2) as executor:
        same(ma.load(folder, executor=executor), whole)
    kept = ma.load(folder, duplicates="keep", workers=1)
    same(ma.load(folder, duplicates="keep", workers=2), kept)
    sample = ma.sample_archive()
    same(ma.load(sample, workers=2), ma.load(sample))


def test_limits_hold_in_parts(folder):
    """An overlong mail is told at its own number; a limit of layers hits as it does in one."""
    for limits in (
        ma.Limits(mail_bytes=3_000),
        ma.Limits(layers=1),
        ma.Limits(layers=0),
        ma.Limits(problem_bytes=4_000),
        ma.Limits(problem_bytes=0),
    ):
        same(in_parts([folder], 900, limits=limits), ma.load(folder, limits=limits, workers=1))


@pytest.mark.parametrize("numbers", [[2_500, 1, 1_000], [999, 1_001], [0, 3]])
def test_mails_too_short_for_a_report_have_a_row_each(tmp_path, numbers):
    """They are read a thousand at a time: each keeps its number, in ranges too, and what has no row is counted."""
    path = tmp_path / "a.mbox"
    short, number, rows, good = b"From \nX: y\n\n", 0, [], []
    text = b""
    for n, count in enumerate(numbers):
        text += mbox([mail(packed(n))]) + short * count
        number += 1
        good.append(f"{path}#{number}/2")
        rows += [f"{path}#{number + more}" for more in range(1, count + 1)]
        number += count
    path.write_bytes(text)
    data = ma.load(path, workers=1)
    assert data.reports["origin"].tolist() == good
    assert data.problems["origin"].tolist() == rows
    assert set(data.problems["detail"]) <= {"mail"}
    assert data.accounting.not_reports_by_kind == ({"mail": len(rows)} if rows else {})
    same(in_parts([path], 4_000), data)
    room = ma.Limits(problem_bytes=(len(rows[0]) + len("mail") + tables._ROW) * 2)
    bounded = ma.load(path, workers=1, limits=room)
    assert bounded.accounting == data.accounting
    assert bounded.problems["origin"].tolist() == rows[:3]
    assert bounded.problems["detail"].iloc[2].startswith(f"{len(rows) - 2} more, from here on")
    same(in_parts([path], 4_000, limits=room), bounded)


def test_nothing_at_all(tmp_path):
    same(in_parts([tmp_path], 100), ma.load(tmp_path))


def test_strict_stops_at_the_same_item(tmp_path):
    path = tmp_path / "a.mbox"
    path.write_bytes(mbox([mail(packed(n)) for n in range(30)] + [mail(b"\x1f\x8bbroken")] * 2))
    with pytest.raises(ma.ProblemError) as alone:
        ma.load(path, on_problem="raise", workers=1)
    with pytest.raises(ma.ProblemError) as parted:
        in_parts([path], 2_000, strict=True)
    with pytest.raises(ma.ProblemError) as processes:
        ma.load(path, on_problem="raise", workers=2)
    assert str(alone.value) == str(parted.value) == str(processes.value)
    assert "a.mbox#31/" in str(alone.value)


PIECES = st.sampled_from(
    [
        b"From a@a.example Mon Feb  2 04:05:06 2026\n",
        b"From b\n",
        b"From our side, all is well\n",
        b"From: a@a.example\n",
        b"Subject: x\n\n",
        b"\n",
        b"\r\n",
        b"From a@a.example Mon Feb  2 04:05:06 2026\r\n",
        b"From " + b"y" * 1_200 + b" Mon 04:05\n",
        b"text\n",
        b">From c\n",
        b"z" * 700,
        b"From ",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25), st.integers(1, 3_000), st.integers(1, 2_000))
def test_an_mbox_in_ranges(pieces, size, limit):
    """Whatever stands in it, each mail is in one range, and its bytes are the same."""
    raw = b"".join(pieces)
    alone = list(mboxes.mails(Stream(raw), limit))
    parted, lasts = [], []
    for first in range(0, max(len(raw), 1), size):
        stop = first + size if first + size < len(raw) else None
        part = mboxes.Part(first, stop)
        file = io.BytesIO(raw)
        file.seek(max(0, first - mboxes.BEFORE))
        # In pieces, as a pipe gives them.
        found = list(mboxes.mails(Stream(read=lambda n, f=file: f.read(min(n, 300))), limit, part))
        assert part.mails == len(found)
        if found:
            lasts.append(part.last)
            assert first <= part.last < (stop or len(raw) + 1)
        parted += found
    assert parted == alone
    assert lasts == sorted(lasts)


@pytest.mark.parametrize("name", ["b.zip", "c.tar.gz", "e.mbox.gz", "a.mbox"])
def test_each_byte_is_read_once(folder, name):
    """Of a container the members are the units; together they are the file, once."""
    path = folder / name
    made = list(units.plan([str(path)], ma.Limits(), 900))
    assert len(made) > 3
    assert sum(unit.size for unit in made) == path.stat().st_size
    if name != "a.mbox":
        assert all(unit.items and unit.source == str(path) for unit in made)


def test_no_unit_waits_and_none_piles_up():
    """Units are made as they are wanted: no more of them at a time than `ahead`."""
    made = 0

    def plan():
        nonlocal made
        for n in range(50):
            made += 1
            yield units.Unit(str(n))

    taken = 0
    with ThreadPoolExecutor(2) as executor:
        for unit, _ in workers.in_order(plan(), units.Settings(), executor, 5):
            assert unit.origin == str(taken)
            taken += 1
            assert made - taken <= 5
    assert taken == 50


def test_what_an_executor_loses_is_read_here(folder, whole):
    """Dask's raises a TypeError of its own where a result is lost with the worker that had it."""

    class Losing(Executor):
        def submit(self, work, /, *given):
            future = Future()
            future.set_exception(TypeError("cannot unpack non-iterable Done object"))
            return future

    same(in_parts([folder], 3_000, Losing(), count=2), whole)


def test_a_worker_that_dies_is_replaced(folder, whole):
    """Processes are killed as units are on their way: nothing is lost, nothing stands twice."""
    plan = units.plan(list(finding.files([str(folder)])), ma.Limits(), 3_000)
    pool = workers.Workers(2)
    killed = []

    def watched(results):
        for number, result in enumerate(results):
            if number in (1, 6, 11):
                process = next(p for p in pool.processes.values() if p.returncode is None)
                process.kill()
                killed.append(process.pid)
            yield result

    results = workers.in_order(plan, units.Settings(), pool, 5)
    tables, account = units.gathered(watched(results), Progress(), drop_duplicates=True)
    pool.shutdown()
    assert len(killed) == 3
    same(ma.Archive(tables, account), whole)


@pytest.mark.parametrize("broken", ["_start", "_receive"])
def test_nobody_waits_for_a_worker_that_never_came(broken, folder, monkeypatch):
    """The system starts none (EAGAIN), or what a worker answers cannot be read: told, and no waiting for ever."""

    def fails(*_):
        if broken == "_start":
            raise OSError(11, "Resource temporarily unavailable")
        return b"no answer"

    monkeypatch.setattr(workers, broken, fails)
    with pytest.raises(Exception, match=r"Run it with fewer workers|invalid load key"):
        in_parts([folder], 2_000, count=2)


def test_a_missing_extra_comes_whole_out_of_a_worker():
    """An exception is made anew there, and an exception that cannot be is an answer that cannot be read."""
    error = ma.MissingExtraError("verifying DKIM signatures", "dkim")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))


def test_a_unit_that_kills_is_told():
    pool = workers.Workers(1)
    future = pool.submit(signal.raise_signal, signal.SIGKILL)
    with pytest.raises(WorkerError, match=r"3 processes died over it \(exit code -9"):
        future.result(timeout=60)
    assert pool.submit(len, "four").result(timeout=60) == 4
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        pool.submit(divmod, 1, 0).result(timeout=60)
    pool.shutdown()
    assert all(process.returncode is not None for process in pool.processes.values())


def test_no_worker_outlives_a_process_that_is_killed():
    """It ends with what it has, and without a word on the terminal of who was killed."""
    code = (
        "import os, time\nfrom mtasts_analysis.archive import workers\n"
        "pool = workers.Workers(1)\npool.submit(time.sleep, 0.3)\n"
        "while not pool.processes: time.sleep(0.01)\n"
        "time.sleep(0.1)\nos.kill(os.getpid(), 9)"
    )
    # The worker has the same standard error: that it is closed tells that it ended.
    done = subprocess.run(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (-9, b"")


def test_no_worker_outlives_a_load_that_is_left(folder, monkeypatch):
    pools = []
    made = workers.Workers

    def making(count):
        pools.append(made(count))
        return pools[0]

    monkeypatch.setattr(workers, "Workers", making)
    plan = units.plan(list(finding.files([str(folder)])), ma.Limits(), 3_000)
    with (
        pytest.raises(KeyboardInterrupt),
        workers.results(plan, units.Settings(), 2) as results,
    ):
        next(results)
        raise KeyboardInterrupt
    assert pools[0].processes
    assert all(process.poll() is not None for process in pools[0].processes.values())


def test_how_many(tmp_path):
    small = tmp_path / "small"
    small.write_bytes(b"{}")
    assert workers.wanted(None, None, [str(small)]) == 1
    with small.open("wb") as file:
        file.truncate(workers.LARGE)
    assert workers.wanted(None, None, [str(small)]) == workers.cores()
    for wrong in (0, "two", "2", 2.5):
        with pytest.raises(ma.InputError, match="workers: expected 1 or more"):
            ma.load(ROOT / "data/sample", workers=wrong)


def test_what_is_no_executor_is_told(tmp_path):
    (tmp_path / "a.json").write_bytes(text(1))
    shut = ThreadPoolExecutor(1)
    shut.shutdown()

    class Refusing(Executor):
        def submit(self, work, /, *given):
            raise OSError("no more")

    class Giving(Executor):
        def submit(self, work, /, *given):
            future = Future()
            future.set_result(None)
            return future

    for executor, error, message in (
        ("x", ma.InputError, "executor: expected a concurrent.futures.Executor; got 'x'"),
        (object(), ma.InputError, "executor: expected a concurrent.futures.Executor"),
        (ThreadPoolExecutor, ma.InputError, "executor: expected a concurrent.futures.Executor"),
        (shut, ma.WorkerError, "a.json: expected an executor that takes it .* not shut down"),
        (
            Refusing(),
            ma.WorkerError,
            "a.json: expected an executor that takes it .*OSError: no more",
        ),
        (Giving(), ma.WorkerError, "a.json: expected its reports .* the executor gave None"),
    ):
        with pytest.raises(error, match=message):
            ma.load(tmp_path, executor=executor)
        with pytest.raises(error, match=message):
            ma.Store(tmp_path.with_suffix(".store")).ingest(tmp_path, executor=executor)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows sends no SIGINT")
def test_ctrl_c_does_not_reach_a_worker_that_starts(monkeypatch, capfd):
    """A terminal sends it to all processes: also to one that has not yet come to say it wants none."""
    starting = workers._start

    def interrupted():
        process = starting()
        for _ in range(30):
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        return process

    monkeypatch.setattr(workers, "_start", interrupted)
    pool = workers.Workers(1)
    assert pool.submit(len, "four").result(timeout=60) == 4
    pool.shutdown()
    assert capfd.readouterr().err == ""


def test_a_container_is_taken_up_where_it_was_left(folder):
    """A store that was stopped in a large zip reads on: the units that are done are not made again."""
    path = str(folder / "b.zip")
    whole = list(units.plan([path], ma.Limits(), 900))
    assert len(whole) > 3
    for done in range(len(whole)):
        rest = list(units.plan([path], ma.Limits(), 900, skips={path: done}))
        assert rest[1:] == whole[done + 1 :] and rest[0].items == whole[done].items
        # What is left out is read over: the first stands for its bytes, and a bar comes to its end.
        assert sum(unit.size for unit in rest) == sum(unit.size for unit in whole)


def test_signatures_are_judged_where_units_are_read():
    """`dkim=True` reaches every worker: its reader verifies, by keys of its own."""
    alone, nobody = units.reader(units.Settings())
    verifying, judge = units.reader(units.Settings(dkim=True))
    assert (alone.verify, nobody) == (None, None) and verifying.verify is judge is not None


def test_processors_where_the_system_tells_no_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert workers.cores() == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert workers.cores() == 1, "unknown: one is there"


def test_a_pool_that_is_not_waited_for_still_does_what_it_took():
    """As concurrent.futures has it: `shutdown(wait=False)` returns at once, and the work is done all the same."""
    pool = workers.Workers(1)
    future = pool.submit(len, "four")
    pool.shutdown(wait=False)
    assert future.result(timeout=60) == 4
