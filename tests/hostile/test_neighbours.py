"""Nothing good is lost beside the bad: each killer at each position among ten good ones, in every container."""

import gzip
import io
import json
import lzma
import zlib

import pytest

import mtasts_analysis as ma
from mtasts_analysis.archive import opened, reports, tolerant
from mtasts_analysis.archive.sources import Reader
from mtasts_analysis.archive.streams import Stream
from tests.archive.building import (
    FailingDisk,
    mail,
    mbox,
    packed,
    report,
    tarred,
    text,
    zipped,
    zstandard,
)
from tests.hostile import inputs
from tests.hostile.test_inputs import accounted

TEN = range(100, 110)
KILLERS = [one for one in inputs.named() if not one.slow]


def whole(container, pieces):
    """Put pieces into a container, in order; None where it holds no such thing."""
    files = {f"{n:02}": piece for n, piece in enumerate(pieces)}
    if container == "zip":
        return zipped(files)
    if container == "tar":
        return tarred(files)
    if container == "tar.gz":
        raw = io.BytesIO()
        with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1) as file:
            file.write(tarred(files))
        return raw.getvalue()
    if container == "mbox":
        return mbox(pieces)
    return b"\n".join(pieces)


def there(data):
    found = {
        r.rsplit("-", 1)[1]
        for r in data.tables["reports"]["report_id"].to_pylist()
        if r and "-" in r
    }
    return {str(n) for n in TEN} <= found


@pytest.mark.slow
@pytest.mark.parametrize("killer", KILLERS, ids=lambda one: one.name)
@pytest.mark.parametrize("container", ["zip", "tar", "tar.gz", "mbox"])
def test_beside(killer, container):
    good = [mail(packed(n)) if container == "mbox" or n % 2 else text(n) for n in TEN]
    bad = killer.make()
    # What holds a report itself is no killer by its nature: the ends and the middle show as much.
    for at in range(11) if not killer.loads else (0, 5, 10):
        data = ma.load(whole(container, [*good[:at], bad, *good[at:]]))
        assert there(data), (at, data.problems)
        accounted(data)


def lines():
    """Give the killers that are one line of JSON."""
    for one in KILLERS:
        if one.name.startswith(("count", "date", "string", "shape", "keys", "text")):
            raw = one.make()
            if b"\n" not in raw and b"\0" not in raw:
                yield pytest.param(raw, id=one.name)


@pytest.mark.parametrize("bad", list(lines()))
def test_beside_as_a_line(bad):
    good = [text(n) for n in TEN]
    for at in range(11) if bad[:1] in (b"{", b"[") else range(1, 11):
        data = ma.load(b"\n".join([*good[:at], bad, *good[at:]]))
        assert there(data), (at, data.problems)
        accounted(data)


@pytest.mark.slow
def test_beside_in_a_folder(tmp_path):
    for n in TEN:
        (tmp_path / f"{2 * n:04}").write_bytes(text(n) if n % 2 else mail(packed(n)))
    every = range(199, 220, 2)
    for killer in KILLERS:
        raw = killer.make()
        # Alone at both ends and in the middle; and at each place at once, which leaves no good one two good neighbours.
        for places in ([199], [209], [219], every):
            for at in places:
                (tmp_path / f"{at:04}").write_bytes(raw)
            data = ma.load(tmp_path, workers=1)
            assert there(data), (killer.name, places)
            accounted(data)
            for at in places:
                (tmp_path / f"{at:04}").unlink()


@pytest.mark.parametrize("wrap", [gzip.compress, lambda raw: zipped({"a": raw}), lambda raw: raw])
def test_beside_reports_of_more_policies_than_bytes(wrap):
    """What a hundred kilobytes say in three million rows ends; what says as much as reports do stays."""
    made = [json.dumps(report(n, policies=[{}] * 2_000)).encode() for n in range(5)]
    mails = [mail(packed(n)) for n in TEN]
    raw = mbox([*mails[:5], *(mail(wrap(one)) for one in made), *mails[5:]])
    data = ma.load(raw, limits=ma.Limits(rows=1_000))
    assert there(data)
    assert accounted(data).rejected == 4  # the first one is let in: it told what to look for
    assert set(data.problems["code"]) >= {"limit-rows"}
    assert accounted(ma.load(raw)).rejected == 0


# ---------------------------------------------------------------------------------------------------
# Cut at every byte.


def ids(raw):
    """The reports in some bytes, by their last number."""
    found = set()
    for item in Reader().items(Stream(raw), "x"):
        if item.form != "report":
            continue
        for _, outcome in reports.read(item.data):
            if not isinstance(outcome, tolerant.Refusal):
                found.add(int(outcome.report_id.rsplit("-", 1)[1]))
    return found


def small(n):
    """A report in few bytes, so that an archive of several may be cut at each of them."""
    made = report(n)
    made["policies"][0].pop("failure-details")
    return json.dumps(made, separators=(",", ":")).encode()


def plain_length(cut, wbits):
    """How much of a cut gzip can be had at all, by another decompressor."""
    return len(zlib.decompressobj(wbits).decompress(cut))


def archives():
    """Each container of three reports, and the end of each report in it; `gz` where the end is in what it inflates to."""
    pieces = [small(n) for n in range(3)]
    files = {f"{n}.json": piece for n, piece in enumerate(pieces)}
    tar = tarred(files)
    tar_ends = [tar.index(piece) + len(piece) for piece in pieces]
    lines = b"\n".join(pieces) + b"\n"
    line_ends = [lines.index(piece) + len(piece) for piece in pieces]
    raw = zipped(files)
    from zipfile import ZipFile

    zip_ends = [i.header_offset + 30 + len(i.filename) + i.compress_size for i in ZipFile(io.BytesIO(raw)).infolist()]  # fmt: skip
    yield "zip", raw, zip_ends, None
    yield "tar", tar, tar_ends, None
    yield "tar.gz", gzip.compress(tar), tar_ends, 31
    yield "jsonl", lines, line_ends, None
    yield "jsonl.gz", gzip.compress(lines), line_ends, 31
    members = [gzip.compress(piece + b"\n") for piece in pieces]
    ends = [sum(map(len, members[: n + 1])) for n in range(3)]
    yield "gzip members", b"".join(members), ends, None
    members = [lzma.compress(piece + b"\n") for piece in pieces]
    ends = [sum(map(len, members[: n + 1])) for n in range(3)]
    yield "xz streams", b"".join(members), ends, None
    members = [zstandard(piece + b"\n") for piece in pieces]
    ends = [sum(map(len, members[: n + 1])) for n in range(3)]
    yield "zstandard frames", b"".join(members), ends, None
    mails = [mail(gzip.compress(piece)) for piece in pieces]
    box = mbox(mails)
    # The whole base64 is enough: the last line of a mail may be missing.
    yield "mbox", box, [box.index(m) + len(m) for m in mails], None


CUT = {name: rest for name, *rest in archives()}


@pytest.mark.slow
@pytest.mark.parametrize("container", CUT)
def test_cut_at_every_byte(container):
    raw, ends, wbits = CUT[container]
    assert ids(raw) == {0, 1, 2}
    for cut in range(1, len(raw)):
        piece = raw[:cut]
        reach = plain_length(piece, wbits) if wbits else cut
        found = ids(piece)
        assert found >= {n for n, end in enumerate(ends) if end <= reach}, cut
        assert found <= {0, 1, 2}


@pytest.mark.parametrize("container", CUT)
def test_a_read_that_fails_is_a_cut_and_a_row(container, monkeypatch):
    """What was read before a disk failed is given as if the file ended there, and the failure is said once."""
    raw = CUT[container][0]
    for cut in range(0, len(raw), 101):
        monkeypatch.setattr(
            "builtins.open", lambda *given, cut=cut, **named: FailingDisk(raw[:cut])
        )
        found = list(opened.path(Reader(), "x"))
        monkeypatch.undo()
        *before, last = found
        assert (last.form, last.origin, last.code) == ("refused", "x", "file-unreadable"), cut
        assert before == (list(Reader().items(Stream(raw[:cut]), "x")) if cut else []), cut


@pytest.mark.slow
@pytest.mark.parametrize("container", ["zip", "tar", "mbox", "jsonl", "gzip members"])
def test_the_account_adds_up_wherever_it_is_cut(container):
    raw = CUT[container][0]
    for cut in range(1, len(raw), 13):
        accounted(ma.load(raw[:cut]))
