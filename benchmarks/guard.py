"""A guard against a slower loader: its instructions beside `floor_arrow`'s, counted by valgrind.

    python -m benchmarks.guard

Fails where the loader takes more than 2.9 times the floor's instructions. Instructions, not seconds: they are the
same on a busy machine, and nearly the same on another. Processor time is what `benchmarks.load` compares.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import mtasts_analysis as ma
from benchmarks import corpus, floors

MAILS, WARM, BAR = 4_000, 200, 2.9


def _load(path: str) -> int:
    data = ma.load(path, progress=False)
    return len([data.reports, data.policies, data.failures, data.problems][0])


CONTENDERS = {"floor": floors.arrow, "loader": _load}


def _counted(name: str, folder: Path) -> None:
    """Run a contender, and count it once what is imported and read but once is there."""
    work = CONTENDERS[name]
    work(str(folder / "warm.mbox"))
    count = ["callgrind_control", str(os.getpid()), "-i"]
    subprocess.run([*count, "on"], check=True, capture_output=True)
    found = work(str(folder / "corpus.mbox"))
    subprocess.run([*count, "off"], check=True, capture_output=True)
    if found != MAILS:
        raise SystemExit(f"expected {MAILS} reports, found {found}")


def _start(name: str, folder: Path) -> "subprocess.Popen[str]":
    tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null"]
    ours = [sys.executable, "-m", "benchmarks.guard", name, str(folder)]
    still = os.environ | {"PYTHONHASHSEED": "0"}
    return subprocess.Popen([*tool, *ours], stderr=subprocess.PIPE, text=True, env=still)


def _instructions(run: "subprocess.Popen[str]") -> int:
    said = run.communicate()[1]
    found = re.search(r"Collected : (\d+)", said)
    if run.returncode or not found:
        raise SystemExit(f"expected a count of instructions from valgrind; it said:\n{said}")
    return int(found[1])


def main() -> None:
    """Say the ratio; exit with 1 where it is above the bar."""
    if not shutil.which("valgrind"):
        print("NOT GUARDED: valgrind is not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus.write_mbox(folder / "warm.mbox", WARM)
        corpus.write_mbox(folder / "corpus.mbox", MAILS)
        runs = [_start(contender, folder) for contender in CONTENDERS]
        floor, loader = (_instructions(run) for run in runs)
    print(
        f"{loader / floor:.2f} times floor_arrow's instructions (bar {BAR}):"
        f" {loader / MAILS:,.0f} for a mail beside {floor / MAILS:,.0f}"
    )
    if loader > BAR * floor:
        raise SystemExit(
            "the loader has become slower: profile it, or say in docs/performance.md why it may"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _counted(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
