"""Archives of every form in one folder, hostile things among them."""

import gzip
from pathlib import Path

import mtasts_analysis as ma
from tests.archive.building import mail, mbox, packed, report, tarred, text, zipped
from tests.conftest import ROOT
from tests.hostile import inputs

NOTE = b"From: a@b.example\nSubject: hello\n\nFrom our side, all is well.\n\nFrom there: too\n"
LONG = b"From: a@b.example\n\n" + b"x" * 5_000 + b"\n"


def mails(count: int) -> list[bytes]:
    """Report mails, copies and conflicts among them, and mails without a report."""
    found = []
    for n in range(count):
        found.append(mail(packed(n // 2 if n % 7 == 0 else n)))
        if n % 5 == 0:
            found.append(NOTE)
        if n % 11 == 0:
            found.append(mail(b"\x1f\x8bbroken"))
        if n % 13 == 0:
            other = ma_text(report(n, **{"contact-info": "other@a.example"}))
            found.append(mail(gzip.compress(other, mtime=0)))
    return found


def ma_text(value: object) -> bytes:
    import json

    return json.dumps(value).encode()


def lay_out(folder: Path, hostile: bool = False) -> Path:
    """Write the archives, in a stable order."""
    folder.mkdir(parents=True, exist_ok=True)
    many = mails(30)
    plain = mbox(many) + mbox([LONG, mail(packed(200))])
    files = {f"{n}.json.gz": packed(n) for n in range(300, 310)}
    files |= {"notes.txt": b"nothing here", "in.mbox": plain, "empty": b""}
    for name, content in {
        "a.mbox": plain,
        "b.zip": zipped(files),
        "c.tar.gz": tarred(files | {"d.zip": zipped(files)}, "w:gz"),
        "d.jsonl": b"\n".join(text(n) for n in range(400, 420)) + b"\n{}\n[]\nnonsense",
        "e.mbox.gz": gzip.compress(plain),
        "f.mbox": b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n"),
        "g.mbox": b"Received: by a\nFrom: a@a.example\n\nno separator before it\n\n" + plain,
        "h.tar": tarred({f"{n}.eml": mail(packed(n)) for n in range(500, 510)})[:-3_000],
        "i.zip": zipped(files)[:-2_000],
    }.items():
        (folder / name).write_bytes(content)
    (folder / "link").symlink_to(folder / "a.mbox")
    if hostile:
        named = folder / "hostile"
        named.mkdir(exist_ok=True)
        for number, one in enumerate(inputs.named()):
            if not one.slow:
                (named / f"{number:03}").write_bytes(one.make())
    return folder


def same(one: ma.Archive, other: ma.Archive) -> None:
    """Hold that two archives are the same, row by row and word by word."""
    assert one.accounting == other.accounting
    for name, table in one.tables.items():
        assert table.schema.equals(other.tables[name].schema)
        for column in table.column_names:
            left, right = (x.tables[name][column].combine_chunks() for x in (one, other))
            assert left.equals(right), f"{name}.{column}"


__all__ = ["ROOT", "lay_out", "mails", "same"]
