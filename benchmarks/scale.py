"""From a laptop's mailbox to a provider's years: workers, and a store that is filled and filled again.

    python -m benchmarks.scale [--reports 1000000] [--only WORKERS,STORE]

The corpus is made on the spot (3 GB of mbox at a million reports) in a temporary folder and taken away
after. Bars: two workers ≥ 1.7 times one; ten times the reports ≤ 10.5 times the time; all processes
together ≤ 700 MB, and at ten times the reports ≤ 1.10 times as much; `policies` ≤ 60 bytes a row on disk, keys
left out; the same mailbox and 1 % more ≤ 3 % of the first run's time.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from benchmarks import corpus

MAIL = 3_300
"""Bytes of a mail of the corpus, rounded up."""
EVERY = 0.1
"""Seconds between two looks at the memory."""

_TIMED = """
import json, resource, sys, time
import mtasts_analysis as ma
import pandas, pyarrow, msgspec, isal.igzip_lib, mtasts_analysis.data, mtasts_analysis.store.dataset
def processor():
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in found)
wall, cpu = time.perf_counter(), processor()
{work}
print(json.dumps([time.perf_counter() - wall, processor() - cpu, count]))
"""
_LOAD = """
data = ma.load({path!r}, progress=False, workers={workers})
count = len(data.reports)
frames = data.policies, data.failures, data.problems
"""
_INGEST = """
count = ma.Store({store!r}).ingest({path!r}, progress=False).accounting.reports
"""


class Took(NamedTuple):
    """What a run took: seconds, and MB of all its processes together at the worst moment."""

    wall: float
    processor: float
    reports: int
    memory: float

    def __str__(self) -> str:
        return (
            f"{self.reports:>9,} reports {self.wall:>8.2f} s {self.processor:>8.2f} s of processors"
            f" {self.reports / self.wall:>9,.0f}/s {self.memory:>6,.0f} MB"
        )


def run(work: str, **given: Any) -> Took:
    """Time something in a fresh process, and watch the memory of it and of its children."""
    code = _TIMED.format(work=work.format(**given))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    with _watched(process.pid) as most:
        out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(process.returncode)
    wall, processor, reports = json.loads(out)
    return Took(wall, processor, reports, most[0] / 1e6)


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Give the most bytes that a process and its descendants held together.

    Pages that are shared count once (proportional set size): a sum of RSS would count libraries in each.
    """
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(EVERY):
            most[0] = max(most[0], sum(map(_pss, _tree(pid))))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:
            continue
        for child in found:
            yield from _tree(int(child))


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def bytes_a_row(store: Path, table: str = "policies") -> float:
    """Give the bytes on disk of a row of a store's table, without its keys."""
    size = rows = 0
    for file in store.glob(f"month=*/{table}-*.parquet"):
        told = pq.ParquetFile(file).metadata
        rows += told.num_rows
        for group in range(told.num_row_groups):
            columns = [told.row_group(group).column(n) for n in range(told.num_columns)]
            size += sum(
                column.total_compressed_size
                for column in columns
                if not column.path_in_schema.endswith("_key")
            )
    return size / rows


def write(folder: Path, count: int) -> tuple[Path, Path, Path]:
    """Write an mbox, its first tenth as another, and 1 % of new mail."""
    small, large, more = (folder / f"{name}.mbox" for name in ("small", "large", "more"))
    with small.open("wb") as tenth, large.open("wb") as whole, more.open("wb") as new:
        for made in corpus.reports(count + count // 100):
            mail = corpus.mail(*made)
            if made[0] >= count:
                new.write(mail)
                continue
            whole.write(mail)
            if made[0] < count // 10:
                tenth.write(mail)
    return small, large, more


def said(what: str, figure: float, bar: float, *, least: bool = False, unit: str = "") -> None:
    """Print a figure beside its bar."""
    holds = figure >= bar if least else figure <= bar
    sign = "≥" if least else "≤"
    print(f"{what:58} {figure:8.3f}{unit} {sign} {bar}{unit} {'holds' if holds else 'MISSED'}")


def workers(path: Path, rounds: int) -> None:
    """Load with one process and with two, in turn."""
    found: dict[int, list[Took]] = {1: [], 2: []}
    for _ in range(rounds):
        for count, times in found.items():
            times.append(run(_LOAD, path=str(path), workers=count))
            print(f"load, {count} workers      {times[-1]}", flush=True)
    one, two = (min(took.wall for took in times) for times in found.values())
    said("two workers are so many times as fast as one", one / two, 1.7, least=True)


def store(folder: Path, small: Path, large: Path, more: Path) -> None:
    """Fill a store with a tenth, with the whole, with a tenth again; then with the whole and 1 %."""

    def filled(name: str, path: Path, what: str) -> Took:
        took = run(_INGEST, store=str(folder / name), path=str(path))
        print(f"ingest, {what:12} {took}", flush=True)
        return took

    one = filled("tenth", small, "a tenth")
    whole = filled("whole", large, "the whole")
    other = filled("again", small, "a tenth")
    per_row = bytes_a_row(folder / "whole")
    with large.open("ab") as grown, more.open("rb") as new:
        shutil.copyfileobj(new, grown)
    again = filled("whole", large, "1 % more")
    filled("whole", large, "nothing new")
    wall, processor, _, memory = (sum(pair) / 2 for pair in zip(one, other, strict=True))
    said("ten times the reports take so many times as long", whole.wall / wall, 10.5)
    said("ten times the reports, in time of processors", whole.processor / processor, 10.5)
    said("of all processes together at the most", whole.memory, 700, unit=" MB")
    said("memory, the whole beside a tenth", whole.memory / memory, 1.10)
    said("bytes a row of policies on disk, keys left out", per_row, 60)
    said("1 % of new mail, beside the first run's time", again.wall / whole.wall, 0.03)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="workers,store")
    parser.add_argument("--folder", help="where the corpus is made for the time of the run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        folder = Path(made)
        wanted, free = 2 * MAIL * given.reports, shutil.disk_usage(folder).free
        if free < wanted:
            raise SystemExit(f"{folder}: expected {wanted:,} bytes to be free; {free:,} are")
        small, large, more = write(folder, given.reports)
        print(f"{given.reports:,} reports, {large.stat().st_size / 1e9:.2f} GB of mbox", flush=True)
        if "workers" in given.only:
            workers(small, given.rounds)
            workers(large, min(given.rounds, 2))
        if "store" in given.only:
            store(folder, small, large, more)


if __name__ == "__main__":
    main()
