"""A store of ten million reports: how long it takes to open, and to answer a filter in the panel.

    python -m benchmarks.store [--reports 10000000] [--domains 50] [--one-each] [--folder FOLDER]

The reports are made as tables and go the way of every ingest from there: copies, months, cubes, commits.
Bar: the panel answers a filter in ≤ 500 ms, the best of three, for neighbours on the machine take their part.
What counts is how many days, senders and domains differ: `--one-each --domains 1000` is the hardest there is,
of which no two reports are alike.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import mtasts_analysis as ma
from benchmarks import panel
from mtasts_analysis.analysis.facets import facets
from mtasts_analysis.archive.tables import FAILURES, SCHEMAS
from mtasts_analysis.archive.units import Done, Unit
from mtasts_analysis.show.views import VIEWS
from mtasts_analysis.store.ingest import Run, running
from mtasts_analysis.store.known import Known
from mtasts_analysis.store.manifest import newest
from mtasts_analysis.store.places import place
from mtasts_analysis.store.sources import Sources, sorted_identities

PART = 100_000
"""Reports of a unit."""


def fill(folder: str, reports: int, domains: int, *, one_each: bool) -> None:
    """Take made tables in as units of an ingest."""
    there = place(folder)
    seen = Sources(sorted_identities([]), {}, {})

    def held(month: str, columns: list[str]) -> pa.Table:
        files = run.state.months.get(month, {}).get("reports", ())
        parts = [pq.read_table(f"{folder}/{file.name}", columns=columns) for file in files]
        schema = pa.schema([SCHEMAS["reports"].field(name) for name in columns])
        return pa.concat_tables([schema.empty_table(), *parts])

    run = Run(there, newest(there), Known(held), seen)
    with running(run):
        for first in range(0, reports, PART):
            data = panel.archive(min(PART, reports - first), first, domains, one_each=one_each)
            policies = data.tables["policies"]
            failing = pc.greater(policies["total_failure_session_count"], 0)
            made = policies.append_column(FAILURES, failing.cast(pa.int64()))
            run.add(Unit("made"), Done(data.tables | {"policies": made}, len(policies), 0))
        run.commit()


def timed(what: str, work: Callable[[], object], rounds: int = 1) -> tuple[float, float]:
    """Time something, print it, and give the best of wall and processor time, in ms."""
    times = []
    for _ in range(rounds):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - processor))
    wall, processor = (1000 * min(found) for found in zip(*times, strict=True))
    print(f"{what:62}{wall:10,.0f} ms{processor:10,.0f} ms of processor", flush=True)
    return float(wall), float(processor)


def ask(folder: str) -> None:
    """Open the store, and ask it everything."""
    import pandas  # noqa: F401, ICN001  # its import is not the store's
    from matplotlib import pyplot as plt  # noqa: F401

    import mtasts_analysis.judging
    import mtasts_analysis.show.panel  # noqa: F401

    before = panel.rss()
    store = ma.Store(folder)
    where = ma.Filter(domains="d1.example")
    timed("open: cubes read, words to codes", lambda: store.facts)
    print({name: f"{len(table):,}" for name, table in store.tables.items()})
    shown = ma.explore(store, where)
    timed("the panel, first sight", lambda: shown.show(where, view="sessions"))
    timed("summary", store.summary, 3)
    timed("overview of a domain", lambda: ma.overview(store, where))
    timed(
        "assessment of a domain",
        lambda: ma.assess(store, "d1.example", as_of="2026-12-01").sentence,
    )
    timed(
        "read: a domain's rows of a week",
        lambda: store.read(where.but(start="2026-06-01", end="2026-06-07")),
    )
    slowest = {"measure": (0.0, 0.0), "redraw": (0.0, 0.0)}
    for name, view in VIEWS.items():
        for chosen in (ma.Filter(), where):

            def measured(where: ma.Filter = chosen, view: object = view) -> None:
                facets(store, where)
                view.measure(store, where, "day")  # type: ignore[attr-defined]

            for what, work in (
                ("measure", measured),
                ("redraw", partial(shown.show, chosen, view=name)),
            ):
                took = timed(f"{what}, {name}, {chosen}"[:61], work, 3)
                slowest[what] = max(slowest[what][0], took[0]), max(slowest[what][1], took[1])
    for what, (wall, processor) in slowest.items():
        print(f"slowest {what}: {wall:,.0f} ms, {processor:,.0f} ms of processor (bar 500)")
    print(f"memory {panel.rss():,.0f} MiB at the most ({before:,.0f} before)")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=10_000_000)
    parser.add_argument("--domains", type=int, default=50)
    parser.add_argument("--one-each", action="store_true")
    parser.add_argument("--folder", help="keep the store there, and use it if it is there")
    parser.add_argument("--ask", action="store_true", help="only ask the store in the folder")
    given = parser.parse_args()
    if given.ask:
        ask(given.folder)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or made
        if not ma.Store(folder).months:
            begun = time.perf_counter()
            fill(folder, given.reports, given.domains, one_each=given.one_each)
            print(f"filled in {time.perf_counter() - begun:,.0f} s", flush=True)
            timed("compact", ma.Store(folder).compact)
        files = [
            os.path.getsize(name)
            for kind in ("reports", "policies", "failures")
            for name in ma.Store(folder).files(kind)
        ]
        print(
            f"{ma.Store(folder).accounting.reports:,} reports in {len(files)} files of {sum(files) / 1e6:,.0f} MB"
        )
        subprocess.run(
            [sys.executable, "-m", "benchmarks.store", "--ask", "--folder", folder], check=True
        )


if __name__ == "__main__":
    main()
