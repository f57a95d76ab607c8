"""A guard against a slower loader: beside `floor_arrow`, in one process.

    python -m benchmarks.guard

Fails where the loader takes more than 2.2 times the floor's processor time. The two take turns and the best
of each counts, so other work on the machine does not fail it; it ends as soon as the bar is held.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mtasts_analysis as ma
from benchmarks import corpus, floors

MAILS, BAR, ROUNDS = 12_000, 2.2, 12


def _load(path: str) -> int:
    data = ma.load(path, progress=False)
    return len([data.reports, data.policies, data.failures, data.problems][0])


def main() -> None:
    """Say the ratio; exit with 1 where it is above the bar."""
    floor = ours = ratio = float("inf")
    turn = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.mbox"
        corpus.write_mbox(path, MAILS)
        for turn in range(ROUNDS + 1):
            least, taken = _seconds(floors.arrow, path), _seconds(_load, path)
            if not turn:  # it warms up: imports, and what is read once
                continue
            floor, ours = min(floor, least), min(ours, taken)
            ratio = ours / floor
            if turn > 2 and ratio <= BAR:  # three turns, for a floor worth its name
                break
    print(f"{ratio:.2f} times floor_arrow's processor time after {turn} turns (bar {BAR})")
    if ratio > BAR:
        raise SystemExit(
            "the loader has become slower: profile it, or say in docs/performance.md why it may"
        )


def _seconds(work: Callable[[str], int], path: Path) -> float:
    before = time.process_time()
    found = work(str(path))
    if found != MAILS:
        raise SystemExit(f"expected {MAILS} reports, found {found}")
    return time.process_time() - before


if __name__ == "__main__":
    main()
