"""Fuzz the parsers by coverage, with atheris (`pip install atheris`), each in a process of its own.

::

    python -m tests.fuzz.run [--runs N] [TARGET ...]

A crash is written to out/fuzz/ and ends the run of its target: minimise it, mend the parser, and put it into
tests/fuzz/corpus/TARGET/, where test_parsers.py keeps it for ever.
"""

import argparse
import random
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

OUT = ROOT / "out" / "fuzz"
CORPUS = Path(__file__).parent / "corpus"


def one(name: str, options: list[str]) -> None:
    """Fuzz one target until its runs are over: libFuzzer then ends the process."""
    import atheris

    with atheris.instrument_imports(include=["mtasts_analysis"]):
        from tests.fuzz.targets import TARGETS
    from tests.fuzz.mutate import edited, mutate

    target = TARGETS[name]
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    for n, seed in enumerate(target.seeds):
        (folder / f"seed-{n}").write_bytes(seed)

    def plain(data: bytes, dice: random.Random) -> bytes:
        if dice.random() < 0.5:
            return edited(data, dice)
        return atheris.Mutate(data, max(2 * len(data), 64))

    def custom(data: bytes, most: int, seed: int) -> bytes:
        return mutate(data, random.Random(seed), plain)[:most]

    atheris.Setup(
        [name, "-max_len=16384", f"-artifact_prefix={OUT}/{name}-", "-timeout=20", "-rss_limit_mb=2048", *options, str(folder)],
        target.run, custom_mutator=custom,
    )  # fmt: skip
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--one", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    options = [f"-runs={given.runs}", f"-max_total_time={given.seconds}", f"-seed={given.seed}"]
    if given.one:
        one(given.targets[0], options)
        return 0
    from tests.fuzz.targets import TARGETS

    failed = total = 0
    for name in given.targets or TARGETS:
        call = [sys.executable, "-m", "tests.fuzz.run", "--one", name, "--runs", str(given.runs), "--seconds", str(given.seconds), "--seed", str(given.seed)]  # fmt: skip
        done = subprocess.run(call, capture_output=True, text=True, check=False, errors="replace")
        runs = [int(n) for n in re.findall(r"^(?:#|Done )(\d+)", done.stderr, re.MULTILINE)]
        total += max(runs, default=0)
        failed += done.returncode != 0
        tail = "" if done.returncode == 0 else done.stderr[-3_000:]
        print(
            f"{name:10} {max(runs, default=0):>10,} runs, exit {done.returncode} {tail}", flush=True
        )
    print(f"{total:,} runs in all, {failed} targets failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
