"""Builders of fixtures: a strict report, and the mails and containers it may come in."""

import base64
import copy
import errno
import gzip
import io
import json
import sys
import tarfile
import zipfile
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STRICT: dict[str, Any] = {
    "organization-name": "Sender A",
    "date-range": {
        "start-datetime": "2026-02-01T00:00:00Z",
        "end-datetime": "2026-02-01T23:59:59Z",
    },
    "contact-info": "tls@a.example",
    "report-id": "2026-02-01T00:00:00Z_d.example",
    "policies": [
        {
            "policy": {
                "policy-type": "sts",
                "policy-string": [
                    "version: STSv1",
                    "mode: testing",
                    "mx: mx1.d.example",
                    "max_age: 86400",
                ],
                "policy-domain": "d.example",
                "mx-host": ["mx1.d.example"],
            },
            "summary": {"total-successful-session-count": 10, "total-failure-session-count": 3},
            "failure-details": [
                {
                    "result-type": "certificate-expired",
                    "sending-mta-ip": "198.51.100.1",
                    "receiving-mx-hostname": "mx1.d.example",
                    "receiving-ip": "192.0.2.1",
                    "failed-session-count": 3,
                }
            ],
        }
    ],
}


def report(n: int = 0, **changed: Any) -> dict[str, Any]:
    """A strict report; `n` makes it another one."""
    made = copy.deepcopy(STRICT)
    made["report-id"] = f"{made['report-id']}-{n}"
    made.update(changed)
    return made


def text(n: int = 0) -> bytes:
    return json.dumps(report(n)).encode()


def mail(
    content: bytes,
    *,
    media: str = "application/tlsrpt+gzip",
    encoding: str = "base64",
    name: str | None = "a.example!d.example!1!2.json.gz",
    headers: str = "",
    newline: str = "\n",
) -> bytes:
    """A report mail as RFC 8460 §5.3 lays it out."""
    body = (
        base64.encodebytes(content).decode("ascii")
        if encoding == "base64"
        else content.decode("latin-1")
    )
    named = f'; name="{name}"' if name else ""
    made = (
        "From: Sender A <tls@a.example>\nDate: Mon, 02 Feb 2026 04:05:06 +0100\n"
        "Message-ID: <1@a.example>\nTLS-Report-Domain: d.example\nTLS-Report-Submitter: a.example\n"
        f"{headers}MIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type="tlsrpt"; boundary="b1"\n\n'
        "--b1\nContent-Type: text/plain\n\nThis is a report.\n\n"
        f"--b1\nContent-Type: {media}{named}\nContent-Transfer-Encoding: {encoding}\n\n{body}\n--b1--\n"
    )
    return made.replace("\n", newline).encode("latin-1")


def zstandard(content: bytes, checksum: bool = True) -> bytes:
    """One frame, as the command makes it."""
    return zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: int(checksum)})


def packed(n: int = 0) -> bytes:
    return gzip.compress(text(n), mtime=0)


def mbox(
    mails: list[bytes], separator: bytes = b"From a@a.example Mon Feb  2 04:05:06 2026\n"
) -> bytes:
    return b"".join(separator + m + b"\n" for m in mails)


def zipped(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return raw.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return raw.getvalue()


class FailingDisk(io.BytesIO):
    """A file of which the bytes past its own cannot be read."""

    def read(self, size=-1):
        piece = super().read(size)
        if not piece:
            raise OSError(errno.EIO, "Input/output error")
        return piece
