"""Units of work in other processes: in order, few at a time, none lost when a process dies.

A worker is a Python of its own that reads units from its standard input. Unlike a process of
`multiprocessing` it imports nothing of the program that started it, so a script needs no
`if __name__ == "__main__"`, a notebook needs nothing at all, and no lock of a thread is copied.
"""

import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, suppress
from typing import IO, Any, TypeVar

from mtasts_analysis import arguments
from mtasts_analysis.archive import units
from mtasts_analysis.archive.items import Item
from mtasts_analysis.archive.units import Done, Settings, Unit
from mtasts_analysis.errors import InputError, MtastsAnalysisError, WorkerError
from mtasts_analysis.limits import MIB
from mtasts_analysis.wording import plainly

LARGE = 64 * MIB
"""Input from which on all cores work, unless `workers` says otherwise: a second of one core."""
ATTEMPTS = 3
"""Tries that a unit gets: what kills three processes will kill a fourth."""
_AHEAD = 2
"""Units given to each worker ahead of what was taken: none waits, and memory stays bounded."""
_T = TypeVar("_T")


def cores() -> int:
    """Give the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    plan: Iterator[Unit], settings: Settings, executor: Executor, ahead: int
) -> Iterator[tuple[Unit, Done]]:
    """Give each unit and what it gave, in order; no more than `ahead` are on their way.

    Raises
    ------
    WorkerError
        The executor broke down, took no unit, or gave something else.
    """
    waiting: deque[tuple[Unit, Future[Done]]] = deque()

    def first() -> tuple[Unit, Done]:
        unit, future = waiting.popleft()
        try:
            return unit, _result(unit, future)
        except MtastsAnalysisError:
            raise
        except Exception:
            if isinstance(executor, Workers):
                raise
            # Dask's trips over a result that is lost with the worker that had it.
            return unit, units.read(unit, settings)

    try:
        for unit in plan:
            waiting.append((unit, _submitted(executor, unit, settings)))
            while len(waiting) >= ahead:
                yield first()
        while waiting:
            yield first()
    finally:
        for _, future in waiting:
            future.cancel()


def _submitted(executor: Executor, unit: Unit, settings: Settings) -> "Future[Done]":
    try:
        return executor.submit(units.read, unit, settings)
    except MtastsAnalysisError:  # one that reads at once
        raise
    except Exception as error:
        raise WorkerError(
            f"{unit.origin}: expected an executor that takes it to be read; {type(error).__name__}: {error}."
            " Give one that is not shut down"
        ) from error


def _result(unit: Unit, future: "Future[Done]") -> Done:
    try:
        done = future.result()
    except BrokenExecutor as error:
        raise WorkerError(
            f"{unit.origin}: expected its reports from a worker; the executor broke down: {error}."
            " Nothing was kept: run it again, perhaps with fewer workers"
        ) from error
    if not isinstance(done, Done):
        raise WorkerError(
            f"{unit.origin}: expected its reports from a worker; the executor gave {done!r}. Give one whose"
            " futures hold what the function returned"
        )
    return done


@contextmanager
def results(
    plan: Iterator[Unit], settings: Settings, workers: int, executor: Executor | None = None
) -> Iterator[Iterator[tuple[Unit, Done]]]:
    """Give each unit of a plan and what it gave, in order.

    Parameters
    ----------
    plan
        The units.
    settings
        What they have in common.
    workers
        How many processes; one is this one. With an executor: how many units it works on at a time.
    executor
        Where to have the units read instead.
    """
    if executor is not None:
        yield in_order(plan, settings, executor, _AHEAD * workers + 1)
    elif workers == 1:
        yield ((unit, units.read(unit, settings)) for unit in plan)
    else:
        pool = Workers(workers)
        try:
            yield in_order(plan, settings, pool, _AHEAD * workers + 1)
            pool.shutdown()
        finally:
            pool.shutdown(cancel_futures=True)


def wanted(
    workers: int | None,
    executor: Executor | None,
    found: list[str | Item],
    starts: dict[str, int] | None = None,
) -> int:
    """Give how many workers are to read what was found; of some files only from a byte on.

    Raises
    ------
    InputError
        The number is none, or below 1; or the executor is none.
    """
    if executor is not None and (
        isinstance(executor, type) or not callable(getattr(executor, "submit", None))
    ):
        raise InputError(f"executor: expected a concurrent.futures.Executor; got {executor!r}")
    if workers is not None:
        return int(arguments.number("workers", workers, 1))
    if executor is not None:
        return cores()
    files = [file for file in found if isinstance(file, str)]
    total = sum(units.size(file) - (starts or {}).get(file, 0) for file in files)
    return cores() if total >= LARGE else 1


class Workers(Executor):
    """Processes that each read one unit at a time; one that dies is replaced, its unit tried again.

    Parameters
    ----------
    count
        How many.
    """

    def __init__(self, count: int) -> None:
        self._tasks: queue.SimpleQueue[tuple[Future[Any], bytes, str] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        """The living ones, by their thread's number."""
        self._threads = [
            threading.Thread(target=self._serve, args=(number,), daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[..., _T], /, *given: Any, **more: Any) -> "Future[_T]":
        """Have a function of a module called by a worker."""
        future: Future[_T] = Future()
        name = given[0].origin if given and isinstance(given[0], Unit) else str(work)
        self._tasks.put((future, pickle.dumps((work, given, more), protocol=5), name))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes: at once where `cancel_futures`, else when what was submitted is done."""
        if cancel_futures:
            self._closing.set()
        for _ in self._threads:
            self._tasks.put(None)
        if cancel_futures:
            for process in list(self.processes.values()):
                process.kill()
        if wait:
            for thread in self._threads:
                thread.join()

    def _serve(self, number: int) -> None:
        if hasattr(signal, "pthread_sigmask"):
            # Its processes begin with what this thread blocks: Ctrl-C, before they can say so themselves.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        while (task := self._tasks.get()) is not None:
            future, sent, name = task
            if self._closing.is_set() or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            try:
                good, value = self._answer(number, sent, name)
            except Exception as error:  # noqa: BLE001  # told to the one who waits, whatever it is
                good, value = False, error
            if good:
                future.set_result(value)
            else:
                future.set_exception(value)
        if number in self.processes:
            _end(self.processes[number])

    def _answer(self, number: int, sent: bytes, name: str) -> tuple[bool, Any]:
        """Have a unit read, by a new process where there is none; say whether it went well, and what it gave."""
        for _ in range(ATTEMPTS):
            process = self.processes.get(number)
            if process is None or process.returncode is not None:
                try:
                    process = self.processes[number] = _start()
                except OSError as error:
                    raise WorkerError(
                        f"{name}: expected a process to read it; the system starts none"
                        f" ({plainly(error)}). Run it with fewer workers"
                    ) from error
            try:
                _send(process.stdin, sent)
                answer = _receive(process.stdout)
            except OSError:
                answer = None
            if answer is not None:
                good, value = pickle.loads(answer)  # noqa: S301  # from our own process
                return good, value
            code = _end(process)
            if self._closing.is_set():
                raise WorkerError(f"{name}: stopped")
        raise WorkerError(
            f"{name}: expected its reports from a worker; {ATTEMPTS} processes died over it"
            f" (exit code {code}, -9 is the system's out of memory). Run it with fewer workers"
        )


def _start() -> "subprocess.Popen[bytes]":
    code = "import sys; sys.path[:] = {!r}; from mtasts_analysis.archive import workers; workers.serve()"
    return subprocess.Popen(  # noqa: S603  # this Python, and a program of ours
        [sys.executable, "-c", code.format(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # numpy's threads for matrices, which a worker has none of, take an eighth of its start.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )


def _end(process: "subprocess.Popen[bytes]") -> int:
    """Have a process end, at the end of what it reads, and give its exit code."""
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with suppress(OSError):
            pipe.close()
    return process.wait()


class _WithoutPandas:
    """Says that there is no pandas: Arrow imports it only to ask whether a list is one of its own.

    A worker makes no frames, and starts in half the time and with 40 MB less.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        del path, target
        if name == "pandas":
            raise ModuleNotFoundError(name)


def serve() -> None:
    """Do what comes on standard input until it ends: a worker's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who reads the results
    sys.meta_path.insert(0, _WithoutPandas)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints does not print into the answers
    while (task := _receive(sys.stdin.buffer)) is not None:
        work, given, more = pickle.loads(task)  # noqa: S301  # from the process that started this one
        try:
            answer = True, work(*given, **more)
        except MtastsAnalysisError as error:
            answer = False, error
        except Exception as error:  # noqa: BLE001  # told to the one who asked, whatever it is
            answer = False, RuntimeError(f"{type(error).__name__}: {error}")
        try:
            _send(answers, pickle.dumps(answer, protocol=5))
        except BrokenPipeError:  # who asked is gone, killed perhaps
            os._exit(1)


_LENGTH = struct.Struct("<Q")


def _send(file: IO[bytes] | None, data: bytes) -> None:
    assert file is not None
    file.write(_LENGTH.pack(len(data)))
    file.write(data)
    file.flush()


def _receive(file: IO[bytes] | None) -> bytes | None:
    assert file is not None
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    size = _LENGTH.unpack(head)[0]
    data = file.read(size)
    return data if len(data) == size else None
