"""Write the sample archive and its truth: made up, seeded, the same bytes at every run.

    python data/make_sample.py [FOLDER]

Three domains, a dozen senders with the quirks of real ones, ninety days, and five things that happen.
The truth is added up while the reports are made: what a loader must find is known by construction.
"""

import base64
import gzip
import io
import json
import random
import sys
import tarfile
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

FIRST, LAST = date(2026, 2, 1), date(2026, 5, 1)
EXPIRED = (date(2026, 3, 12), date(2026, 3, 16))  # mx2.clinic.example's certificate
NEW_MX = date(2026, 4, 2)  # mx3.bakery.example, which the policy forgets
OUTAGE = (date(2026, 2, 20), date(2026, 2, 21))  # mta-sts.bakery.example does not answer
ENFORCE = date(2026, 3, 20)  # bakery.example goes from testing to enforce
INTERCEPTED = (date(2026, 4, 8), date(2026, 4, 19))  # one sender's path to mx1.clinic.example
ZONED = date(2026, 3, 1)  # from here Contoso writes dates with a zone

Json = dict[str, Any]


@dataclass(frozen=True)
class Domain:
    """A recipient domain."""

    name: str
    hosts: tuple[str, ...]
    ips: tuple[str, ...]
    dane: bool = False

    def mode(self, day: date) -> str:
        """Give the policy's mode on a day."""
        return "enforce" if self.name == "bakery.example" and day >= ENFORCE else "testing"

    def policy(self, day: date) -> list[str]:
        """Give the policy's lines on a day."""
        age = 604800 if self.mode(day) == "enforce" else 86400
        return [
            "version: STSv1",
            f"mode: {self.mode(day)}",
            *(f"mx: {h}" for h in self.hosts),
            f"max_age: {age}",
        ]


BAKERY = Domain(
    "bakery.example", ("mx1.bakery.example", "mx2.bakery.example"), ("192.0.2.10", "192.0.2.11")
)
CLINIC = Domain(
    "clinic.example", ("mx1.clinic.example", "mx2.clinic.example"), ("192.0.2.20", "192.0.2.21")
)
HARBOUR = Domain("harbour.example", ("mail.harbour.example",), ("192.0.2.30",), dane=True)
DOMAINS = (BAKERY, CLINIC, HARBOUR)


@dataclass(frozen=True)
class Sender:
    """A reporting organization: how much it sends to whom, and how it writes."""

    key: str
    names: tuple[str, ...]
    host: str
    network: str
    volume: dict[str, int]
    quirk: str
    first: date = FIRST
    last: date = LAST
    every: int = 1


SENDERS = (
    Sender(
        "gogol",
        ("Gogol Inc.", "Gogol LLC"),
        "gogol.example",
        "198.51.100",
        {"bakery.example": 90, "clinic.example": 420, "harbour.example": 160},
        "end-of-day",
    ),
    Sender(
        "contoso",
        ("Contoso Corporation",),
        "contoso.example",
        "203.0.113",
        {"bakery.example": 60, "clinic.example": 310, "harbour.example": 120},
        "sts-and-tlsa",
    ),
    Sender(
        "pochta",
        ("Pochta",),
        "pochta.example",
        "198.51.100",
        {"clinic.example": 35},
        "next-midnight",
    ),
    Sender(
        "relay",
        ("relay.stal.example",),
        "stal.example",
        "203.0.113",
        {"bakery.example": 9, "harbour.example": 7},
        "contact-null",
    ),
    Sender(
        "sonne",
        ("sonne.post.example",),
        "post.example",
        "198.51.100",
        {"harbour.example": 6},
        "no-policy-domain",
        every=3,
    ),
    Sender(
        "deich",
        ("Deichpost",),
        "deich.example",
        "203.0.113",
        {"harbour.example": 14},
        "dane-by-host",
        every=2,
    ),
    Sender(
        "reflux",
        ("reflux.example",),
        "reflux.example",
        "198.51.100",
        {"bakery.example": 5, "clinic.example": 8},
        "mx-prefix",
        every=2,
    ),
    Sender(
        "tiny",
        ("Tiny Host",),
        "tiny.example",
        "203.0.113",
        {"clinic.example": 4},
        "strings",
        every=3,
    ),
    Sender(
        "altmail",
        ("AltMail",),
        "altmail.example",
        "198.51.100",
        {"clinic.example": 40},
        "end-of-day",
        last=date(2026, 3, 25),
    ),
    Sender(
        "nova",
        ("Nova Mail",),
        "nova.example",
        "203.0.113",
        {"clinic.example": 55, "bakery.example": 12},
        "end-of-day",
        first=date(2026, 4, 10),
    ),
    Sender(
        "weekly",
        ("Weekly Digest Co",),
        "weekly.example",
        "198.51.100",
        {"clinic.example": 70},
        "weekly",
        every=7,
    ),
    Sender(
        "oldmta",
        ("Old MTA Ltd",),
        "oldmta.example",
        "203.0.113",
        {"bakery.example": 11},
        "stale-policy",
    ),
)


@dataclass
class Truth:
    """What a loader must find."""

    reports: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    not_reports: Counter[str] = field(default_factory=Counter)
    sessions: dict[str, list[int]] = field(default_factory=dict)
    by_sender: dict[str, list[int]] = field(default_factory=dict)
    failed_by_type: Counter[str] = field(default_factory=Counter)
    policies: int = 0
    failures: int = 0

    def add(self, report: Json, domain: str) -> None:
        """Add one report about a domain."""
        self.reports += 1
        for result in report["policies"]:
            kind = str(result["policy"]["policy-type"]).lower()
            counts = [
                int(result["summary"][f"total-{w}-session-count"])
                for w in ("successful", "failure")
            ]
            sender = report["organization-name"]
            for table, key in (
                (self.sessions, f"{domain} {kind}"),
                (self.by_sender, f"{domain} {sender} {kind}"),
            ):
                had = table.setdefault(key, [0, 0])
                had[0] += counts[0]
                had[1] += counts[1]
            self.policies += 1
            for detail in result.get("failure-details") or []:
                self.failures += 1
                self.failed_by_type[f"{domain} {detail['result-type']}"] += int(
                    detail["failed-session-count"]
                )

    def as_json(self) -> Json:
        """Give the truth as JSON."""
        others = sum(self.not_reports.values())
        return {
            "items": self.reports + self.duplicates + others + self.rejected,
            "reports": self.reports,
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "rejected": self.rejected,
            "not_reports_by_kind": dict(sorted(self.not_reports.items())),
            "policies": self.policies,
            "failures": self.failures,
            "first_day": FIRST.isoformat(),
            "last_day": LAST.isoformat(),
            "sessions": dict(sorted(self.sessions.items())),
            "sessions_by_sender": dict(sorted(self.by_sender.items())),
            "failed_sessions_by_type": dict(sorted(self.failed_by_type.items())),
        }


# ---------------------------------------------------------------------------------------------------
# What happened between a sender and a domain on a day.


def within(day: date, span: tuple[date, date]) -> bool:
    """Tell whether a day lies in a span, both ends included."""
    return span[0] <= day <= span[1]


def happened(
    rng: random.Random, sender: Sender, domain: Domain, day: date
) -> tuple[int, list[Json]]:
    """Give the day's sessions, and the failures among them."""
    weekday = 0.35 if day.weekday() >= 5 else 1.0
    days = sender.every if sender.quirk == "weekly" else 1
    sessions = max(1, round(sender.volume[domain.name] * weekday * days * rng.uniform(0.75, 1.3)))
    details: list[Json] = []

    def fail(result: str, count: int, host: int | str, ip: str | None = None, **more: str) -> None:
        if count > 0:
            name = domain.hosts[host] if isinstance(host, int) else host
            details.append(
                {
                    "result-type": result,
                    "sending-mta-ip": f"{sender.network}.{rng.randrange(20, 60)}",
                    "receiving-mx-hostname": name,
                    "receiving-ip": ip
                    or (domain.ips[host] if isinstance(host, int) else "192.0.2.12"),
                    "failed-session-count": count,
                    **more,
                }
            )

    if domain is CLINIC and within(day, EXPIRED):
        share = rng.uniform(0.3, 0.42) if day > EXPIRED[0] else 0.1
        fail("certificate-expired", round(sessions * share), 1)
    if domain is CLINIC and sender.key == "pochta" and within(day, INTERCEPTED):
        fail("starttls-not-supported", max(1, round(sessions * 0.5)), 0, "203.0.113.199")
        fail("certificate-not-trusted", max(1, round(sessions * 0.2)), 0, "203.0.113.199")
    if domain is BAKERY and day >= NEW_MX and sender.key in ("gogol", "contoso", "nova"):
        reason = {"failure-reason-code": "mx-mismatch"} if sender.key == "contoso" else {}
        result = "validation-failure" if sender.key == "gogol" else "certificate-host-mismatch"
        fail(result, max(1, round(sessions * 0.06)), "mx3.bakery.example", **reason)
    if sender.key == "tiny" and day.day % 9 == 0:
        fail("tls-version-too-old", 1, 0)
    if sender.key == "gogol" and domain is HARBOUR and day.day == 17:
        fail("dns-error", 2, 0)
    if sender.key == "relay" and rng.random() < 0.05:
        fail("validation-failure", 1, 0, **{"receiving-mx-helo": "mail.bakery.example"})
    return max(sessions, sum(d["failed-session-count"] for d in details)), details


# ---------------------------------------------------------------------------------------------------
# How a sender writes it.


def report_of(rng: random.Random, sender: Sender, domain: Domain, day: date) -> Json:
    """Write one report as its sender would."""
    sessions, details = happened(rng, sender, domain, day)
    failed = sum(d["failed-session-count"] for d in details)
    quirk = sender.quirk
    end = day + timedelta(days=sender.every if quirk == "weekly" else 1)
    stamp = "Z" if quirk != "sts-and-tlsa" or day >= ZONED else ""
    last = (
        f"{end}T00:00:00"
        if quirk in ("next-midnight", "contact-null", "weekly")
        else f"{end - timedelta(days=1)}T23:59:59"
    )
    seen = FIRST if quirk == "stale-policy" else day
    policy: Json = {
        "policy-type": "sts",
        "policy-string": domain.policy(seen),
        "policy-domain": domain.name,
        "mx-host": list(domain.hosts),
    }
    result: Json = {
        "policy": policy,
        "summary": {
            "total-successful-session-count": sessions - failed,
            "total-failure-session-count": failed,
        },
    }
    if details:
        result["failure-details"] = details
    results = [result]
    contact: str | None = f"tls-reports@{sender.host}"
    name = sender.names[0] if day < date(2026, 3, 15) or len(sender.names) == 1 else sender.names[1]

    if quirk == "sts-and-tlsa":
        del policy["mx-host"]  # as Microsoft writes it
        if domain.dane:
            tlsa = {
                "policy-type": "tlsa",
                "policy-string": [
                    json.dumps(
                        ["3 1 1 0C72AC70B745AC19998811B131D662C9AC69DBDBE7CB23E5B514B56664C5D3D6"]
                    )
                ],
                "policy-domain": domain.name,
            }
            results.append({"policy": tlsa, "summary": dict(result["summary"])})
    if quirk in ("contact-null", "mx-prefix"):
        contact = None
        result.setdefault("failure-details", [])
    if quirk == "mx-prefix":
        policy["mx-host"] = [f"mx: {host}" for host in domain.hosts]
    if quirk == "no-policy-domain":
        results[0]["policy"] = {"policy-type": "no-policy-found"}
    if quirk == "dane-by-host":
        results[0]["policy"] = {
            "policy-type": "tlsa",
            "policy-string": [
                "3 1 1 0C72AC70B745AC19998811B131D662C9AC69DBDBE7CB23E5B514B56664C5D3D6"
            ],
            "policy-domain": domain.hosts[0],
            "mx-host": [domain.hosts[0]],
        }
    if quirk == "strings":
        policy["policy-type"] = "STS"
        policy["policy-domain"] = domain.name.title() + "."
        result["summary"] = {k: str(v) for k, v in result["summary"].items()}
    if domain is BAKERY and within(day, OUTAGE) and quirk in ("end-of-day", "sts-and-tlsa"):
        kind = "sts-policy-fetch-error" if quirk == "sts-and-tlsa" else "sts-webpki-invalid"
        results[0]["policy"] = {"policy-type": "sts", "policy-domain": domain.name}
        results[0]["summary"] = {
            "total-successful-session-count": 0,
            "total-failure-session-count": sessions,
        }
        results[0]["failure-details"] = [{"result-type": kind, "failed-session-count": sessions}]
    report: Json = {
        "organization-name": name,
        "date-range": {
            "start-datetime": f"{day}T00:00:00{stamp}",
            "end-datetime": f"{last}{stamp}",
        },
        "contact-info": contact,
        "report-id": f"{day}T00:00:00Z_{domain.name}"
        if quirk == "end-of-day"
        else f"{rng.getrandbits(48):012x}+{domain.name}",
        "policies": results,
    }
    return report


def packed(report: Json) -> bytes:
    """Give a report as .json.gz."""
    return gzip.compress(json.dumps(report).encode(), mtime=0)


def name_of(sender: Sender, domain: Domain, day: date) -> str:
    """Give the file name of RFC 8460 §5.1."""
    begin = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    return f"{sender.host}!{domain.name}!{begin}!{begin + 86400}.json.gz"


def mail(headers: list[str], body: str) -> bytes:
    """Give a mail."""
    return ("\n".join(headers) + "\n\n" + body).encode()


def report_mail(
    rng: random.Random,
    sender: Sender,
    domain: Domain,
    report: Json,
    day: date,
    content: bytes | None = None,
) -> bytes:
    """Give a report's mail (RFC 8460 §5.3)."""
    sent = datetime(day.year, day.month, day.day, 4, tzinfo=UTC) + timedelta(
        days=sender.every if sender.quirk == "weekly" else 1, seconds=rng.randrange(7200)
    )
    boundary = f"=_{rng.getrandbits(64):016x}"
    file = name_of(sender, domain, day)
    attached = base64.encodebytes(content if content is not None else packed(report)).decode()
    subject = (
        "TLS Aggregate Report"
        if sender.quirk == "contact-null"
        else f"Report Domain: {domain.name}\n Submitter: {sender.host}\n"
        f" Report-ID: <{report['report-id']}@{sender.host}>"
    )
    return mail(
        [
            f"Return-Path: <noreply@{sender.host}>",
            f"Received: from out.{sender.host} (out.{sender.host} [{sender.network}.25])",
            f"\tby mail.reports.example with ESMTPS; {sent:%a, %d %b %Y %H:%M:%S} +0000",
            f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={sender.host}; s=tls1;",
            "\th=from:to:subject:date; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;",
            f"\tb={base64.b64encode(rng.randbytes(48)).decode()}",
            f"From: noreply-tls@{sender.host}",
            "To: tls@reports.example",
            f"Date: {sent:%a, %d %b %Y %H:%M:%S} +0000",
            f"Subject: {subject}",
            f"Message-ID: <{rng.getrandbits(64):016x}@{sender.host}>",
            f"TLS-Report-Domain: {domain.name}",
            f"TLS-Report-Submitter: {sender.host}",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/report; report-type="tlsrpt"; boundary="{boundary}"',
        ],
        f"--{boundary}\nContent-Type: text/plain; charset=us-ascii\n\n"
        f"This is an aggregate TLS report from {sender.host}\n\n"
        f'--{boundary}\nContent-Type: application/tlsrpt+gzip; name="{file}"\n'
        "Content-Transfer-Encoding: base64\n"
        f'Content-Disposition: attachment; filename="{file}"\n\n{attached}\n--{boundary}--\n',
    )


def separated(mails: list[tuple[date, bytes]]) -> bytes:
    """Give mails as an mbox."""
    return b"".join(
        f"From tls@reports.example {day:%a %b %d} 04:00:00 {day.year}\n".encode() + text + b"\n"
        for day, text in mails
    )


OTHERS = (
    (
        "dmarc-report",
        mail(
            [
                "From: dmarc@gogol.example",
                "Date: Tue, 03 Feb 2026 05:00:00 +0000",
                "Subject: Report domain: bakery.example Submitter: gogol.example Report-ID: 77",
                "Content-Type: application/gzip; name=gogol.example!bakery.example!1!2.xml.gz",
                "Content-Transfer-Encoding: base64",
            ],
            base64.encodebytes(
                gzip.compress(b"<?xml version='1.0'?><feedback/>", mtime=0)
            ).decode(),
        ),
    ),
    (
        "bounce",
        mail(
            [
                "Return-Path: <>",
                "From: MAILER-DAEMON@reports.example",
                "Date: Tue, 03 Feb 2026 05:10:00 +0000",
                "Subject: Undelivered Mail Returned to Sender",
                'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
            ],
            "--b\nContent-Type: text/plain\n\nIt did not arrive.\n--b--\n",
        ),
    ),
    (
        "mail",
        mail(
            [
                "From: eva@bakery.example",
                "Date: Tue, 03 Feb 2026 06:00:00 +0000",
                "Subject: lunch?",
            ],
            "From noon on?\n",
        ),
    ),
)


def main(folder: Path) -> None:
    """Write the archive and its truth."""
    rng = random.Random(8460)
    truth = Truth()
    mails: list[tuple[date, bytes]] = []
    zipped: list[tuple[str, bytes]] = []
    posts: list[bytes] = []
    older: list[tuple[date, bytes]] = []
    singles: list[tuple[str, bytes]] = []
    day = FIRST
    while day <= LAST:
        for sender in SENDERS:
            if not sender.first <= day <= sender.last or (day - FIRST).days % sender.every:
                continue
            for domain in DOMAINS:
                if domain.name not in sender.volume:
                    continue
                report = report_of(rng, sender, domain, day)
                truth.add(report, domain.name)
                if sender.key == "contoso":
                    zipped.append((name_of(sender, domain, day), packed(report)))
                elif sender.key in ("nova", "relay", "reflux", "oldmta"):
                    posts.append(json.dumps(report).encode() + b"\n")
                elif sender.key in ("gogol", "altmail") and domain is not BAKERY:
                    older.append((day, report_mail(rng, sender, domain, report, day)))
                elif sender.key == "tiny":
                    name = name_of(sender, domain, day).removesuffix(".gz")
                    singles.append((name, json.dumps(report, indent=1).encode()))
                elif sender.key == "weekly":
                    singles.append(
                        (f"weekly-{day}.eml", report_mail(rng, sender, domain, report, day))
                    )
                else:
                    mails.append((day, report_mail(rng, sender, domain, report, day)))
        day += timedelta(days=1)

    # The same mail came twice, twice; and one report came again with other figures.
    for again in (mails[40], mails[200]):
        mails.append(again)
        truth.duplicates += 1
    gogol = SENDERS[0]
    report = report_of(rng, gogol, BAKERY, date(2026, 4, 30))
    truth.add(report, BAKERY.name)
    truth.conflicts += 1
    mails.append((LAST, report_mail(rng, gogol, BAKERY, report, date(2026, 4, 30))))
    # A report whose attachment was cut on its way, and three mails that are none.
    report = report_of(rng, gogol, HARBOUR, LAST)
    mails.append((LAST, report_mail(rng, gogol, HARBOUR, report, LAST, packed(report)[:150])))
    truth.rejected += 1
    for kind, text in OTHERS:
        mails.insert(100, (date(2026, 2, 3), text))
        truth.not_reports[kind] += 1

    sample = folder / "sample"
    (sample / "single").mkdir(parents=True, exist_ok=True)
    (sample / "tlsrpt.mbox").write_bytes(separated(mails))
    (sample / "https-posts.jsonl.gz").write_bytes(gzip.compress(b"".join(posts), mtime=0))
    with zipfile.ZipFile(sample / "contoso.zip", "w") as archive:
        for name, content in zipped:
            archive.writestr(zipfile.ZipInfo(name, (2026, 5, 2, 0, 0, 0)), content)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tape:
        box = separated(older)
        entry = tarfile.TarInfo("Mail/2026.mbox")
        entry.size = len(box)
        tape.addfile(entry, io.BytesIO(box))
    (sample / "backup.tar.gz").write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    for name, content in singles:
        (sample / "single" / name).write_bytes(content)
    (folder / "truth.json").write_text(json.dumps(truth.as_json(), indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
