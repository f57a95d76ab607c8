"""Archives whose figures are known because they are written here, day by day."""

import json
from datetime import date, timedelta

import mtasts_analysis as ma

FIRST = date(2026, 3, 1)

POLICY = ["version: STSv1", "mode: testing", "mx: mx1.d.example", "max_age: 86400"]


def policy(successful, failed=(), *, kind="sts", domain="d.example", text=POLICY, total=None):
    """A policy result; `failed` holds (result type, MX, sessions) with an optional receiving IP."""
    details = [
        {
            "result-type": result,
            "receiving-mx-hostname": mx,
            "failed-session-count": count,
            **({"receiving-ip": rest[0]} if rest else {}),
        }
        for result, mx, count, *rest in failed
    ]
    summed = sum(d["failed-session-count"] for d in details) if total is None else total
    block = {"policy-type": kind, "policy-domain": domain}
    if text and kind == "sts":
        block["policy-string"] = text
    return {
        "policy": block,
        "summary": {
            "total-successful-session-count": successful,
            "total-failure-session-count": summed,
        },
        "failure-details": details,
    }


def report(day, policies, *, sender="A", days=1):
    """A report of one sender; `day` counts from FIRST."""
    start = FIRST + timedelta(days=day)
    end = start + timedelta(days=days - 1)
    return {
        "organization-name": sender,
        "date-range": {
            "start-datetime": f"{start}T00:00:00Z",
            "end-datetime": f"{end}T23:59:59Z",
        },
        "contact-info": "x@a.example",
        "report-id": f"{sender}-{day}-{days}",
        "policies": policies,
    }


def load(reports):
    return ma.load(json.dumps(reports).encode(), progress=False)
