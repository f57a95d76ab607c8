"""Domains whose answer is known because every session of theirs is written here."""

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pyarrow as pa

import mtasts_analysis as ma
from tests.analysis.world import FIRST, load, policy, report

DAYS = 42
AS_OF = FIRST + timedelta(days=DAYS)
MX1, MX2 = "mx1.d.example", "mx2.d.example"
TESTING = ["version: STSv1", "mode: testing", f"mx: {MX1}", f"mx: {MX2}", "max_age: 86400"]
ENFORCE = ["version: STSv1", "mode: enforce", f"mx: {MX1}", f"mx: {MX2}", "max_age: 86400"]
PRODUCTION = [*ENFORCE[:-1], "max_age: 604800"]
SENDERS = {"Big": 400, "Large": 300, "Middle": 120, "Small": 40}
ALL = sum(SENDERS.values())


def world(
    failing=lambda day, sender: (),
    *,
    days=DAYS,
    text=lambda day, sender: TESTING,
    kind=lambda day, sender: "sts",
    senders=SENDERS,
    total=None,
    reports=lambda day, sender: True,
):
    """Each sender reports each day; what fails, and which policy it sees, is said by day and sender."""
    made = []
    for day in range(days):
        for sender, volume in senders.items():
            if not reports(day, sender):
                continue
            bad = failing(day, sender)
            lost = sum(n for _, _, n, *_ in bad)
            found = policy(
                volume - lost, bad, text=text(day, sender), kind=kind(day, sender), total=total
            )
            made.append(report(day, [found], sender=sender))
    return load(made)


def live(
    *, mode="testing", max_age=86400, mx=(MX1, MX2), days_left=60, at=AS_OF, reached=True, **changes
):
    """A live check at which everything is in order, but for what is asked to be otherwise."""
    text = json.dumps(ma.live.recorded_check().to_dict()).replace("clinic.example", "d.example")
    made = ma.live.DomainCheck.from_dict(json.loads(text))
    now = datetime.combine(at, time(9), UTC)

    def lasting(chain):
        return (replace(chain[0], not_after=now + timedelta(days=days_left)), *chain[1:])

    def renewed(presented):
        return replace(presented, chain=lasting(presented.chain))

    hosts = tuple(
        replace(
            host,
            covered=host.host in mx,
            sessions=tuple(
                replace(s, presented=renewed(s.presented)) for s in host.sessions if reached
            ),
        )
        for host in made.mx
    )
    given = {
        "checked_at": now,
        "mx": hosts,
        "policy": replace(made.policy, mode=mode, max_age=max_age, mx=tuple(mx)),
        "fetched": replace(made.fetched, presented=renewed(made.fetched.presented))
        if reached
        else None,
        "findings": tuple(f for f in made.findings if f.severity == "info"),
    }
    return replace(made, **given | changes)


def assess(data, check=None, **named):
    return ma.assess(data, "d.example", check, **{"as_of": AS_OF} | named)


def statuses(found, status):
    return {gate.code for gate in found.gates if gate.status == status}


def signed(data, verdicts):
    """The same archive, its reports' signatures verified: a verdict for each report, in turn."""
    reports = data.tables["reports"]
    at = reports.schema.get_field_index("dkim")
    given = [verdicts[n % len(verdicts)] for n in range(reports.num_rows)]
    column = pa.array(given, pa.string()).cast(reports.schema.field(at).type)
    changed = reports.set_column(at, reports.schema.field(at), column)
    return replace(data, tables=data.tables | {"reports": changed})
