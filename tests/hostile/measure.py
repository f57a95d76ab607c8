"""What the attacks cost: each in a process of its own, its time and its memory.

::

    python -m tests.hostile.measure [--size MB] [--exports FORMAT ...] [NAME ...]
    python -m tests.hostile.measure --linear [NAME ...]

With `--linear` each is loaded at half its size too: twice as much may take 2.5 times as long.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.hostile.large import attacks

CHILD = """
import json, resource, sys, time
import mtasts_analysis as ma
import pandas
ma.load(b"{}")
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
t = time.process_time()
data = ma.load(sys.argv[1], progress=False)
took = time.process_time() - t
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
a = data.accounting
assert a.items == a.reports + a.duplicates + a.not_reports + a.rejected
told = {"load": took, "mib": peak // 1024, "base": base // 1024, "reports": a.reports, "items": a.items,
        "problems": len(data.tables["problems"]), "codes": sorted(set(data.tables["problems"]["code"].to_pylist()))}
if sys.argv[2:]:
    for name in sys.argv[3:]:
        t = time.process_time()
        try:
            if name == "parquet": data.to_parquet(sys.argv[2])
            elif name == "repr": repr(data); data._repr_html_()
            else: data.export(sys.argv[2], format=name)
        except ma.MtastsAnalysisError as error:
            told[name + "_error"] = str(error)[:100]
        told[name] = time.process_time() - t
    told["mib_shown"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps(told))
"""


def measured(name: str, size: int, timeout: float, exports: list[str]) -> dict:
    """Make an attack in one process and load it in another: a child's peak begins at its parent's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "attack"
        make = [
            sys.executable,
            "-m",
            "tests.hostile.measure",
            "--make",
            str(path),
            "--bytes",
            str(size),
        ]
        subprocess.run([*make, name], check=True)
        call = [sys.executable, "-c", CHILD, str(path)]
        if exports:
            call += [f"{folder}/out", *exports]
        began = time.monotonic()
        try:
            done = subprocess.run(
                call, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            return {"failed": f"hang: more than {timeout} s"}
        if done.returncode:
            tail = done.stderr.strip().splitlines()[-1:] or [""]
            return {
                "failed": f"exit {done.returncode}: {tail[0][:200]}",
                "wall": time.monotonic() - began,
            }
        return json.loads(done.stdout) | {"bytes": path.stat().st_size}


BAR, LEAST = 2.5, 1.0
"""How many times as long twice as much may take; seconds below which a clock says nothing."""


def linear(name: str, size: int, timeout: float) -> tuple[list[str], dict]:
    """Load an attack at a size and at half of it."""
    half, whole = (measured(name, n, timeout, []) for n in (size // 2, size))
    if "failed" in half or "failed" in whole:
        return [half.get("failed", "") or whole["failed"]], {}
    ratio = whole["load"] / max(half["load"], 1e-3)
    wrong = ["NOT LINEAR"] if whole["load"] > LEAST and ratio > BAR else []
    return wrong, {"half": half["load"], "load": whole["load"], "ratio": round(ratio, 2)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--size", type=float, default=50.0, help="MB")
    parser.add_argument("--timeout", type=float, default=400.0)
    parser.add_argument("--exports", nargs="*", default=[])
    parser.add_argument("--after", metavar="NAME", help="go on after this one")
    parser.add_argument("--linear", action="store_true")
    parser.add_argument("--make")
    parser.add_argument("--bytes", type=int)
    given = parser.parse_args()
    if given.make:
        (attack,) = [one for one in attacks() if one.name == given.names[0]]
        Path(given.make).write_bytes(attack.make(given.bytes))
        return
    resource.setrlimit(resource.RLIMIT_AS, (12 * 2**30, 12 * 2**30))
    bad = 0
    every = list(attacks())
    if given.after:
        every = every[[one.name for one in every].index(given.after) + 1 :]
    for attack in every:
        if given.names and not any(name in attack.name for name in given.names):
            continue
        size = min(attack.most, int(given.size * 1e6))
        if given.linear:
            wrong, told = linear(attack.name, size, given.timeout)
            bad += bool(wrong)
            print(f"{attack.name:45} {' '.join(wrong):20} {json.dumps(told)}", flush=True)
            continue
        told = measured(attack.name, size, given.timeout, given.exports)
        wrong = []
        if "failed" in told:
            wrong.append(told["failed"])
        else:
            if told["load"] > 20:
                wrong.append("SLOW")
            if told["mib"] > 1024:
                wrong.append("MEMORY")
            if told["reports"] < attack.loads and not any(
                c.startswith("limit") for c in told["codes"]
            ):
                wrong.append("LOST")
            if told.get("mib_shown", 0) > 1024:
                wrong.append("MEMORY OF EXPORTS")
        bad += bool(wrong)
        print(
            f"{attack.name:45} {told.pop('bytes', 0) / 1e6:7.1f} MB {' '.join(wrong):20} {json.dumps(told)}",
            flush=True,
        )
    print(f"{bad} failed")


if __name__ == "__main__":
    main()
