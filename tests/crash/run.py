"""Kill -9 at random moments of ingest, compact, alert and export, as often as asked.

::

    python -m tests.crash.run [--kills 200] [--seed 8460] [ingest compact alert export]

Each act is forked, killed after a random part of the time it takes, and judged: what is there opens, holds
the old or the new state exactly, the act's next run gives the rows it gives unhindered, and of no dead
process a temporary file is left.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import mtasts_analysis as ma
from mtasts_analysis.archive import units
from mtasts_analysis.readiness.alerts import Alert
from mtasts_analysis.readiness.told import Told
from mtasts_analysis.store import ingest, manifest
from mtasts_analysis.store.places import Folder
from tests.archive.building import mail, mbox, packed, text

TABLES = ("reports", "policies", "failures", "problems")


@dataclass(frozen=True)
class Act:
    """What is killed: how its place is laid out, what is done there, and what then stands there."""

    lay_out: Callable[[Path], None]
    do: Callable[[Path], object]
    state: Callable[[Path], Any]
    """Opens what is there and gives all it holds; never raises."""
    temporaries: Callable[[Path], list[str]]
    steps: bool = False
    """It commits in several steps: between old and new, a part of the new may stand."""


def rows(tables: dict[str, Any]) -> dict[str, list[Any]]:
    """Give the rows of each table in an order of their own."""
    return {name: sorted(map(repr, tables[name].to_pylist())) for name in TABLES}


def stored(place: Path) -> dict[str, list[Any]]:
    store = ma.Store(place / "store")
    held = store.read()
    assert len(held.tables["reports"]) == store.accounting.reports
    return rows(held.tables)


def left_of_store(place: Path) -> list[str]:
    """Temporary files, and tables that neither of the last two manifests names."""
    store = place / "store"
    at = Folder(str(store))
    names = set().union(*(manifest._read(at, n).files() for n in manifest._numbers(at)))
    found = [p for p in store.rglob("*") if p.is_file()]
    return [
        p.name for p in found
        if p.suffix == ".part" or (p.suffix == ".parquet" and f"{p.parent.name}/{p.name}" not in names)
    ]  # fmt: skip


def box(first: int, after: int) -> bytes:
    return mbox([mail(packed(n)) for n in range(first, after)])


def before_ingest(place: Path) -> None:
    (place / "mail").mkdir()
    (place / "mail/a.mbox").write_bytes(box(0, 40))
    ma.Store(place / "store").ingest(place / "mail", progress=False, workers=1)
    (place / "mail/b.mbox").write_bytes(box(40, 120))
    (place / "mail/c.jsonl").write_bytes(b"\n".join(text(n) for n in range(200, 240)))


def in_small_steps() -> None:
    """Commit often: so that there are many moments to be killed at."""
    ingest.FLUSH, ingest.CHECKPOINT = 10, 20
    units.plan.__defaults__ = (5_000, None, None)


def do_ingest(place: Path) -> None:
    in_small_steps()
    ma.Store(place / "store").ingest(place / "mail", progress=False, workers=1)


def before_compact(place: Path) -> None:
    before_ingest(place)
    do_ingest(place)


def do_compact(place: Path) -> None:
    ma.Store(place / "store").compact()


ALERTS = [Alert("refused", f"{n}.example", "x", "", "", date(2026, 4, 1)) for n in range(300)]


def before_alert(place: Path) -> None:
    Told(place / "told.json").keep(ALERTS[:100])


def do_alert(place: Path) -> None:
    Told(place / "told.json").keep(ALERTS)


def told(place: Path) -> list[str]:
    held = Told(place / "told.json")
    new = {alert.key for alert in held.new(ALERTS)}
    return [alert.key for alert in ALERTS if alert.key not in new]


def left_hidden(place: Path) -> list[str]:
    return [p.name for p in place.rglob(".*")]


OLD = b"\n".join(text(n) for n in range(3))
NEW = b"\n".join(text(n) for n in range(10, 40))


def before_export(place: Path) -> None:
    ma.load(OLD).export(place / "out")


def do_export(place: Path) -> None:
    ma.load(NEW).export(place / "out")


def exported(place: Path) -> dict[str, list[Any]]:
    found = ma.read_parquet(place / "out")
    assert len(found.tables["reports"]) == found.accounting.reports
    return rows(found.tables)


ACTS = {
    "ingest": Act(before_ingest, do_ingest, stored, left_of_store, steps=True),
    "compact": Act(before_compact, do_compact, stored, left_of_store),
    "alert": Act(before_alert, do_alert, told, left_hidden),
    "export": Act(before_export, do_export, exported, left_hidden),
}


def child(act: Callable[[Path], object], place: Path) -> int:
    """Do it in a fork."""
    process = os.fork()
    if not process:
        code = 1
        try:
            act(place)
            code = 0
        finally:
            os._exit(code)
    return process


def crash(act: Act, kills: int, dice: random.Random) -> int:
    """Kill an act so often; give how often it was before its end."""
    midway = 0
    with tempfile.TemporaryDirectory() as folder:
        start, place = Path(folder) / "start", Path(folder) / "place"
        place.mkdir()
        act.lay_out(place)
        shutil.copytree(place, start)
        old = act.state(place)
        began = time.monotonic()
        assert os.waitpid(child(act.do, place), 0)[1] == 0
        took = time.monotonic() - began
        new = act.state(place)
        for kill in range(kills):
            if kill % 4 == 0:  # of four kills in a row, each falls on what the last one left
                shutil.rmtree(place)
                shutil.copytree(start, place)
            process = child(act.do, place)
            time.sleep(dice.uniform(0, took))
            os.kill(process, signal.SIGKILL)
            hit = os.WIFSIGNALED(os.waitpid(process, 0)[1])
            midway += hit
            took *= (
                1.1 if hit else 0.8
            )  # so that most kills hit, however fast the machine is just now
            found = act.state(place)
            assert found in (old, new) or (act.steps and between(old, found, new)), kill
            if kill % 4 == 3:
                assert os.waitpid(child(act.do, place), 0)[1] == 0, kill
                assert act.state(place) == new, kill
                if act.steps or act is ACTS["compact"]:
                    do_compact(place)  # removes what no state refers to
                    assert act.state(place) == new, kill
                assert act.temporaries(place) == [], kill
    return midway


def between(
    old: dict[str, list[Any]], found: dict[str, list[Any]], new: dict[str, list[Any]]
) -> bool:
    """Tell whether each row is one of the new state, and none of the old is lost."""
    return all(set(old[n]) <= set(found[n]) <= set(new[n]) for n in TABLES)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("acts", nargs="*", choices=[*ACTS, []])
    parser.add_argument("--kills", type=int, default=200, help="of each act")
    parser.add_argument("--seed", type=int, default=8460)
    given = parser.parse_args()
    for name in given.acts or ACTS:
        midway = crash(ACTS[name], given.kills, random.Random(given.seed))
        print(
            f"{name}: {given.kills} kills, {midway} before its end; nothing lost, nothing left",
            flush=True,
        )


if __name__ == "__main__":
    main()
    sys.exit()
