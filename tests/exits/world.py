"""An archive and a live check in which strangers wrote hostile strings, wherever one can stand."""

import io
import json
import zipfile
from dataclasses import replace

import mtasts_analysis as ma
from mtasts_analysis.findings import Finding
from tests.analysis.world import report
from tests.archive.building import mail
from tests.exits.strings import ALL
from tests.readiness.worlds import live

BATCHES = [ALL[at : at + 12] for at in range(0, len(ALL), 12)]
"""So few at a time that no table and no picture leaves one out."""

DAYS = (0, 3, 9)


def told(one, day, domain="d.example", kind="sts"):
    """A report in which a string stands in every field that takes one."""
    text = one.text

    def detail(result, mx, count):
        return {
            "result-type": result, "receiving-mx-hostname": mx, "failed-session-count": count, "receiving-ip": text,
            "sending-mta-ip": text, "receiving-mx-helo": text, "additional-information": text,
            "failure-reason-code": text,
        }  # fmt: skip

    found = {
        "policy": {
            "policy-type": kind,
            "policy-domain": domain,
            "policy-string": ["version: STSv1", "mode: testing", f"mx: {text}", "mx: mx1.d.example", "max_age: 86400", text],
            "mx-host": [text],
        },
        "summary": {"total-successful-session-count": 9, "total-failure-session-count": 6},
        "failure-details": [
            detail("certificate-expired", text, 3),
            detail(text, "mx1.d.example", 2),
            detail(text, text, 1),
        ],
    }  # fmt: skip
    made = report(day, [found], sender=text)
    return made | {"contact-info": text, "report-id": f"{text}{day}{domain}{kind}"}


def archive(batch, only=""):
    """A zip whose members' names are strangers', too, one of them cut."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as made:
        for one in batch:
            named = one.text.encode("utf-8", "replace").decode()
            for end, content in (
                (".json", json.dumps([told(one, day) for day in DAYS]).encode()),
                (".own", json.dumps(told(one, 3, domain=one.text)).encode()),
                (".kind", json.dumps(told(one, 3, kind=one.text)).encode()),
                (".eml", letter(one)),
                (".cut", b'{"policies": ['),
            ):
                if only and end != only:
                    continue
                entry = zipfile.ZipInfo("x")
                entry.filename = named + end
                made.writestr(entry, content)
    return raw.getvalue()


def letter(one):
    """A mail whose headers hold it, as far as a header can."""
    word = "".join(c for c in one.text if c >= " " and ord(c) < 256)
    made = mail(
        json.dumps(told(one, 5)).encode(), media="application/tlsrpt+json", name=word.replace('"', ""),
        headers=f"Subject: {word}\nX-Note: {word}\n",
    )  # fmt: skip
    heads = {"<1@a.example>": f"<{word}@a.example>", "Submitter: a.example": f"Submitter: {word}"}
    for usual, strange in heads.items():
        made = made.replace(usual.encode(), strange.encode("latin-1"))
    return made


def loaded(batch):
    """The archive, read."""
    return ma.load(archive(batch), progress=False)


def checked(batch):
    """A live check of d.example whose servers said hostile things."""
    made = live()
    texts = [one.read for one in batch]  # decoded from bytes, so without lone surrogates
    host, session = made.mx[0], made.mx[0].sessions[0]
    hosts = tuple(
        replace(
            host,
            host=text,
            provider=text,
            covered=False,
            sessions=(replace(session, host=text, outcome="tls-failed", detail=text, presented=None),),
        )
        for text in texts
    )  # fmt: skip
    findings = tuple(Finding(text, "error", text, text, f"{text}\n{text}", text) for text in texts)
    return replace(
        made,
        mx=hosts,
        policy=replace(made.policy, mx=tuple(texts)),
        sts_record=replace(made.sts_record, text=" ".join(texts)[:250]),
        findings=findings,
        note=texts[0],
    )
