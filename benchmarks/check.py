"""The live checks beside checkdmarc, in one run, in a lab on loopback whose every answer takes 30 ms.

    python -m benchmarks.check [--checkdmarc PYTHON] [--domains 200] [--rounds 3] [--full 1000]

`--checkdmarc` names the python of an environment that has checkdmarc 6.0.4. The lab (tests/checks/lab.py) is a
process of its own: DNS, policy hosts and MX hosts of the domains, some of them broken. Each contender runs in a
fresh process, rounds interleaved; the best round of each counts; their verdicts must be equal.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DELAY = 0.03
SHARE = 10
"""Domains that share an MX host."""

# What each domain is: by turns, most of them in order.
_KINDS = (
    "ok", "testing", "ok", "none", "ok", "norecord", "ok", "badid", "ok", "redirect", "ok", "notfound", "ok",
    "badpolicy", "ok", "expired", "ok", "norpt", "ok", "badrpt",
)  # fmt: skip

_LAB = """
import json, sys
from tests.checks.lab import GOOD, Lab
count, hosts, kinds, delay = json.loads(sys.argv[1])
class Quick(Lab):
    # Each answer is worked out once: it is the delay that is to count, not this lab.
    known = {}
    def answer(self, wire, *, tcp):
        if wire[2:] not in self.known:
            self.known[wire[2:]] = super().answer(wire, tcp=tcp)[2:]
        return wire[:2] + self.known[wire[2:]]
with Quick(delay=delay) as lab:
    names = []
    for n in range(count):
        kind, name = kinds[n % len(kinds)], f"d{n}.example"
        mx = f"mx{n % hosts}.provider.example"
        lab.domain(name, mx=mx)
        body = GOOD.format(mx=mx)
        if kind in ("testing", "none"):
            lab.policy(name, body.replace("enforce", kind))
        if kind == "norecord":
            lab.zone.pop((f"_mta-sts.{name}", "TXT"))
        if kind == "badid":
            lab.records(f"_mta-sts.{name}", "TXT", '"v=STSv1; id=2026-01-01"')
        if kind == "redirect":
            lab.policy(name, body, status="301 Moved", headers={"Location": "https://x.example/"})
        if kind == "notfound":
            lab.policy(name, body, status="404 Not Found")
        if kind == "badpolicy":
            lab.policy(name, body.replace("max_age", "max-age"))
        if kind == "expired":
            lab.policy(name, body, certificate=lab.leaf(f"mta-sts.{name}", days=-3))
        if kind == "norpt":
            lab.zone.pop((f"_smtp._tls.{name}", "TXT"))
        if kind == "badrpt":
            lab.records(f"_smtp._tls.{name}", "TXT", '"v=TLSRPTv1; rua=http://x.example/"')
        names.append(name)
    ports = {"dns": lab.dns_port, "https": lab.https_port, "smtp": lab.smtp_port}
    print(json.dumps(ports | {"domains": names, "ca": str(lab.ca_file)}), flush=True)
    sys.stdin.read()
"""

_OURS = """
import json, os, resource, sys, threading, time
import mtasts_analysis as ma
import mtasts_analysis.live, mtasts_analysis.checks.domain, pandas
lab, smtp = json.loads(sys.argv[1]), sys.argv[2] == "smtp"
config = ma.CheckConfig(
    resolvers=("127.0.0.1",), resolver_port=lab["dns"], ca_file=lab["ca"], https_port=lab["https"],
    smtp_port=lab["smtp"], allow_networks=("127.0.0.0/8",), canary=(), ehlo_name="checker.example", smtp=smtp,
)
most, over = 0, threading.Event()
def watch():
    global most
    before = len(os.listdir("/proc/self/fd"))
    while not over.wait(0.002):
        # asyncio's own selector and pair of sockets aside
        most = max(most, len(os.listdir("/proc/self/fd")) - before - 3)
if smtp:
    threading.Thread(target=watch, daemon=True).start()
before, used = time.perf_counter(), time.process_time()
results = ma.check_domains(lab["domains"], config=config, progress=False)
seconds = time.perf_counter() - before
cpu = time.process_time() - used
over.set()
verdicts = {}
for c in results:
    usable = c.state in ("enforce", "testing", "none")
    verdicts[c.domain] = [
        c.state if usable else None, sorted(c.policy.mx) if usable else None,
        c.sts_record.id if usable else None, c.tlsrpt_record is not None,
    ]
mx = {s.outcome for c in results for m in c.mx for s in m.sessions}
print(json.dumps({
    "seconds": seconds, "cpu": cpu, "verdicts": verdicts, "sockets": most, "bound": config.sockets,
    "outcomes": sorted(mx), "sessions": sum(len(m.sessions) for c in results for m in c.mx),
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""

# Its own two checks, one domain after the other: it has no other mode. Host names are looked up in the lab's DNS.
_CHECKDMARC = """
import json, os, socket, sys, time
lab = json.loads(sys.argv[1])
os.environ["REQUESTS_CA_BUNDLE"] = lab["ca"]
import dns.resolver
from checkdmarc.mta_sts import check_mta_sts
from checkdmarc.smtp_tls_reporting import check_smtp_tls_reporting
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers, resolver.port = ["127.0.0.1"], lab["dns"]
def looked_up(host, port, *_, **__):
    address = str(resolver.resolve(host, "A")[0])
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, lab["https"]))]
socket.getaddrinfo = looked_up
before, used = time.perf_counter(), time.process_time()
verdicts = {}
for domain in lab["domains"]:
    sts = check_mta_sts(domain, resolver=resolver)
    rpt = check_smtp_tls_reporting(domain, resolver=resolver)
    valid = sts["valid"]
    verdicts[domain] = [
        sts["policy"]["mode"] if valid else None, sorted(sts["policy"]["mx"]) if valid else None,
        sts["id"] if valid else None, rpt["valid"],
    ]
seconds, cpu = time.perf_counter() - before, time.process_time() - used
print(json.dumps({"seconds": seconds, "cpu": cpu, "verdicts": verdicts}))
"""


@contextmanager
def lab(domains: int) -> Iterator[str]:
    """Run the lab in a process of its own; gives, as JSON, where it is."""
    given = json.dumps([domains, domains // SHARE, _KINDS, DELAY])
    with subprocess.Popen(
        [sys.executable, "-c", _LAB, given],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            yield server.stdout.readline()
        finally:
            server.stdin.close()


def _run(python: str, code: str, *given: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [python, "-c", code, *given],
            env=os.environ | {"HOME": home},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(done.stderr)
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def compared(domains: int, rounds: int, checkdmarc: str | None) -> None:
    """MTA-STS and TLS-RPT alone, side by side."""
    best: dict[str, dict[str, Any]] = {}
    with lab(domains) as where:
        for _ in range(rounds):
            made = {"mtasts_analysis": _run(sys.executable, _OURS, where, "records")}
            if checkdmarc:
                made["checkdmarc"] = _run(checkdmarc, _CHECKDMARC, where)
                ours, theirs = (m["verdicts"] for m in made.values())
                differ = [(d, v, theirs[d]) for d, v in ours.items() if v != theirs[d]]
                if differ:
                    raise SystemExit(f"verdicts differ, ours and theirs: {differ[:5]}")
            for name, one in made.items():
                if name not in best or one["seconds"] < best[name]["seconds"]:
                    best[name] = one
    print(f"{domains:,} domains, MTA-STS and TLS-RPT alone")
    for name, one in best.items():
        rate = domains / one["seconds"]
        print(
            f"  {name:15} {one['seconds']:7.2f} s, {rate:6.1f} domains/s, {one['cpu']:.2f} s of CPU"
        )
    if checkdmarc:
        ratio = best["checkdmarc"]["seconds"] / best["mtasts_analysis"]["seconds"]
        print(f"  all {domains:,} verdicts equal")
        print(f"{ratio:6.1f} times checkdmarc (bar ≥ 30): {'holds' if ratio >= 30 else 'MISSED'}")


def full(domains: int) -> None:
    """Everything, SMTP too: sockets and memory."""
    peaks = {}
    for count in (domains // 10, domains):
        with lab(count) as where:
            made = _run(sys.executable, _OURS, where, "smtp")
        peaks[count] = made["peak"]
        print(f"{count:,} domains, all checks, {count // SHARE} MX hosts")
        print(
            f"  {made['seconds']:.2f} s, {count / made['seconds']:.1f} domains/s; sessions {made['outcomes']}"
        )
        good = made["sockets"] <= made["bound"]
        print(
            f"  {made['sockets']} sockets at most (bar ≤ {made['bound']}): {'holds' if good else 'MISSED'}"
        )
    more = peaks[domains] - peaks[domains // 10]
    print(
        f"  peak memory {peaks[domains]:.0f} MiB, {more * 1024 / (domains * 0.9):.0f} KiB for each domain more"
    )


def main() -> None:
    """Print the figures and how they stand to the bars."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--domains", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full", type=int, default=1000)
    parser.add_argument("--checkdmarc", metavar="PYTHON")
    given = parser.parse_args()
    compared(given.domains, given.rounds, given.checkdmarc)
    if given.full:
        full(given.full)


if __name__ == "__main__":
    main()
