"""A seeded corpus of report mails, as large as is asked for, written as it is made.

    python -m benchmarks.corpus FOLDER [MAILS]

Mostly one policy with no to three failure details; one report in twenty is large (10 to 60 details).
Mails are as those of large senders: 1.5 kB of headers, a human part, and a gzipped report in base64.
"""

import base64
import gzip
import json
import random
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SENDERS, DOMAINS = 40, 50
_TYPES = (
    "certificate-expired",
    "starttls-not-supported",
    "certificate-host-mismatch",
    "validation-failure",
)

_HEADERS = """\
Return-Path: <noreply-smtp-tls-reporting@s{s}.example>
Delivered-To: tlsrpt@d{d}.example
Received: from mail-{n}.s{s}.example (mail-{n}.s{s}.example [198.51.100.{s}])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)
\t(No client certificate requested)
\tby mx1.d{d}.example (Postfix) with ESMTPS id 4XyZ{n:08d}
\tfor <tlsrpt@d{d}.example>; {date}
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
        d=s{s}.example; s=20260101; t=1767225600; x=1767830400; darn=d{d}.example;
        h=message-id:from:to:date:subject:mime-version:from:to:cc:subject
         :date:message-id:reply-to;
        bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
        b=jbYxXdVJbS9T6mY7RZJ4xL1m0g1P1C0cAVdZ3c3HbE2kJgk3iT1cYxg0s2kq9m3GkN
         Q1r9b5n8z0m3w5T7Yh1d2aLz6C5n4bV3xZ2aQ1sWvE4dR5fT6gY7hU8iJ9oK0lPzMxNc
         BvLkJhGfDsAqWeRtYuIoPmNbVcXzLkJhGfDsAqWeRtYuIoPmNbVcXzQwErTyUiOpAsDf
         ==
X-Received: by 2002:a05:600c:4f4d:b0:439:9fde:da76 with SMTP id {n}-20020a05;
        {date}
MIME-Version: 1.0
Date: {date}
Message-ID: <{n}@s{s}.example>
Subject: Report Domain: d{d}.example Submitter: s{s}.example Report-ID: <{id}@s{s}.example>
From: TLS Reporting <noreply-smtp-tls-reporting@s{s}.example>
To: tlsrpt@d{d}.example
TLS-Report-Domain: d{d}.example
TLS-Report-Submitter: s{s}.example
Content-Type: multipart/report; boundary="00000000000{s:04d}"; report-type="tlsrpt"

--00000000000{s:04d}
Content-Type: text/plain; charset="UTF-8"; format=flowed; delsp=yes
Content-Transfer-Encoding: base64

VGhpcyBpcyBhIFRMUyByZXBvcnQu

--00000000000{s:04d}
Content-Type: application/tlsrpt+gzip; name="{name}"
Content-Disposition: attachment; filename="{name}"
Content-Transfer-Encoding: base64

"""


def reports(count: int, seed: int = 8460) -> Iterator[tuple[int, int, int, dict[str, Any]]]:
    """Make reports; each comes with its number, sender and domain."""
    rng = random.Random(seed)
    for n in range(count):
        d, s, day = rng.randrange(DOMAINS), rng.randrange(SENDERS), rng.randrange(365)
        date = f"2026-{1 + day // 31:02d}-{1 + day % 28:02d}"
        size = rng.choice([0, 0, 0, 1, 2, 3]) if rng.random() > 0.05 else rng.randrange(10, 61)
        details: list[dict[str, Any]] = [
            {
                "result-type": rng.choice(_TYPES),
                "sending-mta-ip": f"203.0.113.{rng.randrange(250)}",
                "receiving-ip": f"192.0.2.{rng.randrange(1, 4)}",
                "receiving-mx-hostname": f"mx{rng.randrange(1, 4)}.d{d}.example",
                "failed-session-count": rng.randrange(1, 40),
            }
            for _ in range(size)
        ]
        policy: dict[str, Any] = {
            "policy": {
                "policy-type": "sts",
                "policy-string": ["version: STSv1", "mode: enforce", f"mx: *.d{d}.example", "max_age: 604800"],
                "policy-domain": f"d{d}.example",
                "mx-host": [f"*.d{d}.example"],
            },
            "summary": {
                "total-successful-session-count": rng.randrange(5_000),
                "total-failure-session-count": sum(int(x["failed-session-count"]) for x in details),
            },
        }  # fmt: skip
        if details:
            policy["failure-details"] = details
        yield n, s, d, {
            "organization-name": f"Sender {s} Inc.",
            "date-range": {"start-datetime": f"{date}T00:00:00Z", "end-datetime": f"{date}T23:59:59Z"},
            "contact-info": f"smtp-tls-reporting@s{s}.example",
            "report-id": f"{date}T00:00:00Z_d{d}.example_{n}",
            "policies": [policy],
        }  # fmt: skip


def mail(n: int, s: int, d: int, report: dict[str, Any]) -> bytes:
    """Give a report as its sender mails it (RFC 8460 §5.3), with an mbox separator in front."""
    day = report["date-range"]["start-datetime"][:10]
    head = _HEADERS.format(
        n=n, s=s, d=d, id=report["report-id"], date="Mon, 02 Feb 2026 04:05:06 +0000",
        name=f"s{s}.example!d{d}.example!{day}!{day}!{n}.json.gz",
    )  # fmt: skip
    body = base64.encodebytes(gzip.compress(json.dumps(report).encode(), 6, mtime=0))
    separator = f"From noreply@s{s}.example Mon Feb  2 04:05:06 2026\n"
    return b"".join(
        (separator.encode(), head.encode(), body, f"\n--00000000000{s:04d}--\n\n".encode())
    )


def write_mbox(path: Path, count: int, seed: int = 8460) -> None:
    """Write an mbox, mail by mail."""
    with path.open("wb") as file:
        for made in reports(count, seed):
            file.write(mail(*made))


def write_all(folder: Path, count: int) -> None:
    """Write the same reports as an mbox, a folder of .json.gz and a zip of them."""
    packed = folder / "json.gz"
    packed.mkdir(parents=True, exist_ok=True)
    write_mbox(folder / "corpus.mbox", count)
    with zipfile.ZipFile(folder / "corpus.zip", "w", zipfile.ZIP_STORED) as archive:
        for n, _, _, report in reports(count):
            content = gzip.compress(json.dumps(report).encode(), 6, mtime=0)
            (packed / f"{n}.json.gz").write_bytes(content)
            archive.writestr(f"{n}.json.gz", content)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20_000)
