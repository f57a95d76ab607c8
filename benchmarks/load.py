"""This loader beside its peers and the floors, in one run.

    python -m benchmarks.load [--mails 20000] [--rounds 3] [--parsedmarc PYTHON] [--only 'NAME;NAME']

Each contender runs in a fresh process; rounds are interleaved, so that a noisy minute hits all of them, and
the best round of each counts, in processor time of all its threads. `--parsedmarc` names the python of an
environment that has parsedmarc 11.1.0.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import corpus

_TIMED = """
import json, resource, sys, time
{setup}
before = time.process_time()
count = work({path!r})
seconds = time.process_time() - before
print(json.dumps([count, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""

_OURS = """
import mtasts_analysis as ma
def work(path):
    data = ma.load(path, progress=False)
    frames = data.reports, data.policies, data.failures, data.problems
    return len(frames[0])
import pandas, pyarrow, msgspec, isal.igzip_lib, mtasts_analysis.data
"""

_PLAIN = """
import email, gzip, mailbox
from email import policy as rules
def work(path):
    count = 0
    for raw in mailbox.mbox(path):
        message = email.message_from_bytes(raw.as_bytes(), policy=rules.default)
        for part in message.walk():
            kind = part.get_content_type()
            if kind in ("application/json", "application/tlsrpt+json", "application/tlsrpt+gzip"):
                payload = part.get_payload(decode=True)
                if kind.endswith("+gzip") or payload[:2] == b"\\x1f\\x8b":
                    payload = gzip.decompress(payload)
                report = json.loads(payload)
                for policy in report.get("policies", []):
                    domain = policy["policy"].get("policy-domain", "Unknown")
                    for failure in policy.get("failure-details", []):
                        failure["result-type"], failure["failed-session-count"]
                count += 1
    return count
"""

_LOOP = """
import gzip, os
def work(path):
    count = 0
    for name in os.listdir(path):
        with open(os.path.join(path, name), "rb") as file:
            json.loads(gzip.decompress(file.read()))
        count += 1
    return count
"""

_OPENED = """
import gzip, os
def work(path):
    count = 0
    for name in os.listdir(path):
        with gzip.open(os.path.join(path, name)) as file:
            json.load(file)
        count += 1
    return count
"""

_PARSEDMARC = """
import logging, parsedmarc
logging.disable(logging.CRITICAL)
def work(path):
    return len(parsedmarc.get_dmarc_reports_from_mbox(path, offline=True)["smtp_tls_reports"])
"""

_FLOOR = "import pandas\nfrom benchmarks import floors\nwork = floors.{name}\n"


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that reads the corpus."""

    setup: str
    source: str
    share: float = 1.0
    """Which part of the mails it gets: the slow ones are measured on fewer."""


CONTENDERS = {
    "floor_decode": Contender(_FLOOR.format(name="decode"), "mbox"),
    "floor_arrow": Contender(_FLOOR.format(name="arrow"), "mbox"),
    "floor_decode, .json.gz": Contender(_FLOOR.format(name="decode_gz"), "json.gz"),
    "mtasts_analysis, mbox": Contender(_OURS, "mbox"),
    "mtasts_analysis, .json.gz": Contender(_OURS, "json.gz"),
    "mtasts_analysis, zip": Contender(_OURS, "zip"),
    "gzip + json loop, .json.gz": Contender(_LOOP, "json.gz"),
    "the same by gzip.open, .json.gz": Contender(_OPENED, "json.gz"),
    "plain script, mbox": Contender(_PLAIN, "mbox", 0.1),
    "parsedmarc, mbox": Contender(_PARSEDMARC, "mbox", 0.1),
}

_BARS: list[tuple[str, str, str, Callable[[float], bool], str]] = [
    ("mtasts_analysis, mbox", "plain script, mbox", "times the plain script", lambda r: r >= 25, "≥ 25"),
    ("mtasts_analysis, mbox", "parsedmarc, mbox", "times parsedmarc", lambda r: r >= 40, "≥ 40"),
    ("floor_arrow", "mtasts_analysis, mbox", "times floor_arrow's time", lambda r: r <= 1.6, "≤ 1.6"),
    (
        "mtasts_analysis, .json.gz", "gzip + json loop, .json.gz", "times the gzip + json loop",
        lambda r: r >= 2, "≥ 2",
    ),
]  # fmt: skip


def _run(python: str, contender: Contender, path: Path) -> tuple[int, float, float]:
    code = _TIMED.format(setup=contender.setup, path=str(path))
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    count, seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return count, seconds, peak


def _import_time() -> float:
    code = "import time; t = time.perf_counter(); import mtasts_analysis; print(time.perf_counter() - t)"
    times = [
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(5)
    ]
    return sorted(times)[2]


def main() -> None:
    """Print the figures and how they stand to the bars."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mails", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parsedmarc", metavar="PYTHON")
    parser.add_argument("--only", default="", metavar="NAME;NAME")
    given = parser.parse_args()
    wanted = [name for name in given.only.split(";") if name] or list(CONTENDERS)
    if not given.parsedmarc:
        wanted = [name for name in wanted if "parsedmarc" not in name]
    best: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        sizes = {CONTENDERS[name].share for name in wanted}
        for share in sizes:
            corpus.write_all(Path(folder) / str(share), round(given.mails * share))
        for _ in range(given.rounds):
            for name in wanted:
                contender = CONTENDERS[name]
                base = Path(folder) / str(contender.share)
                path = (
                    base / "json.gz"
                    if contender.source == "json.gz"
                    else base / f"corpus.{contender.source}"
                )
                python = given.parsedmarc if "parsedmarc" in name else sys.executable
                count, seconds, peak = _run(python, contender, path)
                expected = round(given.mails * contender.share)
                if count != expected:
                    raise SystemExit(f"{name}: expected {expected} reports, it found {count}")
                rate = count / seconds
                if name not in best or rate > best[name][0]:
                    best[name] = rate, peak
    print(f"{'':28} {'reports/s':>10} {'µs each':>8} {'peak MiB':>9}")
    for name, (rate, peak) in best.items():
        print(f"{name:28} {rate:10,.0f} {1e6 / rate:8.1f} {peak:9,.0f}")
    for one, other, words, holds, bar in _BARS:
        if one in best and other in best:
            ratio = best[one][0] / best[other][0]
            print(f"{ratio:6.2f} {words} (bar {bar}): {'holds' if holds(ratio) else 'MISSED'}")
    seconds = _import_time()
    print(f"{seconds:6.3f} s import (bar ≤ 0.15): {'holds' if seconds <= 0.15 else 'MISSED'}")


if __name__ == "__main__":
    main()
