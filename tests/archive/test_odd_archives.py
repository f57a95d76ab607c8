"""Archives that no tool of today writes, but that lie in archives: what is whole in them is read, and nothing is guessed."""

import gzip
import io
import json
import lzma
import random
import re
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from datetime import datetime

import pytest

import mtasts_analysis as ma
from mtasts_analysis.archive import instants, sources, zips
from mtasts_analysis.archive import mail as mime
from mtasts_analysis.archive.items import together
from mtasts_analysis.archive.sources import Reader
from mtasts_analysis.archive.streams import Expansion, Inflated, Stream
from mtasts_analysis.limits import Limits
from tests.archive.building import mail, mbox, packed, report, tarred, text, zipped
from tests.archive.ole import message, ole
from tests.archive.test_containers import add_up, ids
from tests.hostile import large


def codes(data):
    return data.problems["code"].tolist()


def raw_tar(*members):
    """A tar, header by header, each with its name, kind and content."""
    out = b""
    for name, kind, content in members:
        info = tarfile.TarInfo(name)
        info.type, info.size = kind, len(content)
        out += info.tobuf(tarfile.USTAR_FORMAT) + content + b"\0" * (-len(content) % 512)
    return out + b"\0" * 1024


def local(name, content, *, method=0, flags=0, size=None, packed_size=None, extra=b"", crc=None):
    """A zip's member: its local header (4.3.7) and its content."""
    crc = zlib.crc32(content) if crc is None else crc
    size = len(content) if size is None else size
    packed_size = len(content) if packed_size is None else packed_size
    head = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 20, flags, method, 0, 0, crc, packed_size, size, len(name), len(extra)
    )  # fmt: skip
    return head + name + extra + content


GOOD = zipped({"good.json": text(7)})


def test_an_old_tar_s_folder_is_no_file():
    """Before ustar a folder was a regular member whose name ends with a slash."""
    data = ma.load(raw_tar(("box/", b"0", b""), ("box/a.json", b"0", text(1))))
    assert ids(data) == [1] and add_up(data).items == 1


@pytest.mark.parametrize(
    ("first", "said", "why"),
    [
        (local(b"a", text(1), flags=1), "zip-encrypted", "its size is known: the next begins after it"),
        (local(b"a", b"x" * 50, method=9), "zip-method", "Deflate64"),
        (local(b"a", b"y" * 50, method=9, flags=8, size=0, packed_size=0), "zip-method",
         "its size is not known: the next is looked for"),
    ],
)  # fmt: skip
def test_a_member_that_cannot_be_read_costs_no_other(first, said, why):
    data = ma.load(first + GOOD)
    assert ids(data) == [7], why
    assert codes(data) == [said] and add_up(data).rejected == 1


def test_a_zip_cut_in_a_member_that_is_passed_over():
    """It ends within what was not to be read: the refusal stands, and the end is said."""
    data = ma.load(local(b"a", text(1), flags=1)[:-20])
    assert codes(data)[0] == "zip-encrypted" and add_up(data).items == 1


def test_a_zip_cut_where_a_descriptor_should_stand():
    made = io.BytesIO()
    with zipfile.ZipFile(_Unseekable(made), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", text(1))
    whole = made.getvalue()
    cut = whole.index(b"PK\x07\x08")
    data = ma.load(whole[:cut])
    assert ids(data) == [1], "its data are whole; only their checksum and the directory are gone"


class _Unseekable(io.RawIOBase):
    """A pipe: zipfile then writes sizes after the data."""

    def __init__(self, into):
        self.into = into

    def writable(self):
        return True

    def write(self, data):
        return self.into.write(bytes(data))


def test_a_stored_member_of_unknown_size_that_never_ends():
    """No descriptor tells its end: it is refused, and what came before it stands."""
    data = ma.load(
        local(b"g.json", text(1)) + local(b"a", b"z" * 5_000, flags=8, size=0, packed_size=0, crc=0)
    )
    assert ids(data) == [1]
    assert "zip-unsized" in codes(data) and add_up(data).rejected == 1


@pytest.mark.parametrize("both", [True, False], ids=["both sizes", "the packed size"])
def test_sizes_in_the_zip64_field(both):
    """4.5.3: the field holds only the sizes that are 2^32-1 in the header; unknown fields may stand before it."""
    content = text(1)
    sizes = struct.pack("<Q", len(content)) * (2 if both else 1)
    extra = struct.pack("<2H", 0x5455, 4) + b"time" + struct.pack("<2H", 1, len(sizes)) + sizes
    full = 2**32 - 1
    raw = local(
        b"a.json", content, size=full if both else len(content), packed_size=full, extra=extra
    )
    assert ids(ma.load(raw + GOOD)) == [1, 7]


@pytest.mark.parametrize("held", [b"", b"\x01\x00"], ids=["empty", "shorter than it says"])
def test_a_zip64_field_that_holds_no_size(held):
    """A lie about 4 GiB: nothing is asked for that is not there."""
    extra = struct.pack("<2H", 1, 8) + held
    raw = local(b"a.json", text(1), packed_size=2**32 - 1, extra=extra)
    assert ids(ma.load(raw)) == [1], "stored, the smaller size counts"


def test_a_member_is_judged_once_however_often_its_end_is_asked_for():
    member = next(zips.members(Stream(zipped({"a": b"abc"})), Limits()))
    assert (member.stream.take(9), member.stream.read(1), member.stream.read(1)) == (
        b"abc",
        b"",
        b"",
    )


def test_a_stored_zip_inside_of_a_gzip_that_is_cut():
    """The fault underneath is what is told of the member, not a checksum."""
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("a.json", text(1) + b" " * 50_000)
    data = ma.load(gzip.compress(stored.getvalue(), 0)[:20_000])
    assert "gzip-truncated" in codes(data) and "zip-checksum" not in codes(data)


def test_members_that_do_not_tell_their_size_are_looked_through_within_a_bound(monkeypatch):
    """Each is read to its end to find it: a zip of many would be read many times over."""
    made = io.BytesIO()
    with zipfile.ZipFile(_Unseekable(made), "w") as archive:
        archive.writestr("small.json", text(1))
        archive.writestr("large.json", text(2) + b" " * 400_000)
    assert ids(ma.load(made.getvalue())) == [1, 2]
    monkeypatch.setattr(zips, "_UNSIZED_MOST", 200_000)
    data = ma.load(made.getvalue())
    assert ids(data) == [1] and codes(data)[0] == "zip-unsized"


# --- archives in a mail ------------------------------------------------------------------------------


def test_a_mail_s_archive_inflates_within_its_bound():
    """A mail's zip has so much for all its members together; what is over it is said, and the reports before it are kept."""
    inside = zipped(
        {"a.json": text(1), "b": bytes(range(256)) * 8_000, "c.json": text(2), "d.json": text(3)}
    )
    data = ma.load(mail(inside, media="application/zip"), limits=Limits(nested_bytes=1_000_000))
    assert ids(data) == [1]
    assert codes(data).count("limit-nested-bytes") == 1 and add_up(data).rejected >= 1


def test_a_mail_s_json_lines_are_counted_within_the_same_bound():
    lines = b"\n".join(text(n) for n in range(30))
    data = ma.load(mail(gzip.compress(lines)), limits=Limits(nested_entries=20))
    assert ids(data) == list(range(20))
    assert codes(data) == ["limit-nested-entries"]


def test_a_line_that_is_no_report_in_length():
    """A line past the limit is refused once, whatever its length, and the next is read."""
    limits = Limits(report_bytes=300_000)
    raw = text(1) + b"\n{" + b"x" * 3_000_000 + b"\n" + text(2)
    for whole in (raw, gzip.compress(raw)):
        data = ma.load(whole, limits=limits)
        assert ids(data) == [1, 2] and codes(data) == ["limit-report-bytes"]
        assert data.problems["origin"].str.endswith("#2").all(), "by the number of its line"


def test_a_part_that_claims_a_report_and_holds_none():
    """A picture under the name of a report: something was lost, and that is a row."""
    data = ma.load(mail(b"\x89PNG....", media="application/tlsrpt+gzip"))
    assert codes(data) == ["part-unreadable"] and add_up(data).rejected == 1
    data = ma.load(mail(b"\x89PNG....", media="image/png", name=None))
    assert add_up(data).not_reports_by_kind == {"mail": 1}, "what claims nothing is no loss"


def test_a_message_of_outlook_past_the_limit_of_a_mail():
    whole = ole(message(None, [text(1)]))
    data = ma.load(whole, limits=Limits(mail_bytes=len(whole) - 1))
    assert codes(data) == ["limit-mail-bytes"] and add_up(data).rejected == 1
    assert ids(ma.load(whole, limits=Limits(mail_bytes=len(whole)))) == [1]


def test_blank_lines_are_no_documents():
    data = ma.load(b"\n \n\n" + text(1) + b"\n\n\n" + text(2) + b"\n")
    assert ids(data) == [1, 2] and add_up(data).items == 2


def test_what_is_kept_of_senders_mixes_none_of_them_up(monkeypatch):
    """Names, shapes of parts and days are kept while reading, so many and no more: what is let go is read anew."""
    mails = [
        mail(packed(n))
        .replace(b"a.example", b"s%d.example" % (n % 5))
        .replace(b"Feb 2026", b"Feb %d" % (2020 + n % 3))
        for n in range(30)
    ]
    columns = ["submitter", "header_from", "received"]
    apart = [ma.load(each).reports[columns].iloc[0].tolist() for each in mails]
    for kept in (mime._named, mime._shapes, instants._days, sources._texts):
        kept.clear()
    for module, name, most in ((mime, "_KEPT", 2), (instants, "_MOST", 2), (sources, "_KEPT", 2)):
        monkeypatch.setattr(module, name, most)
    together = ma.load(mbox(mails))
    assert together.reports[columns].to_numpy().tolist() == apart
    assert len(mime._named) <= 2 and len(instants._days) <= 2, "so many are kept at most"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"A=\n" * 300_000, b"base64"),
        (b"H4sI" + b"A" * 36 + b"\n" + b"A==\n" * 300_000, b"base64"),
        (b"-A=_" * 300_000, b"base64"),
        (b"xy \n" * 300_000, b"quoted-printable"),
        (b"begin 644 x\n" + b"_\n" * 300_000, b"x-uuencode"),
    ],
    ids=["padded base64", "a beginning, and padded", "letters of two kinds", "padded lines", "lines that are cut"],
)  # fmt: skip
def test_what_is_decoded_takes_no_more_room_than_it_has(body, encoding):
    """A list of all the places where a pattern matches would take eighty times the room."""
    tracemalloc.start()
    try:
        found = mime.decoded(body, encoding)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) <= len(body) + 63, "a line of uuencode gives so many"
    assert peak < 6 * len(body)


def test_what_a_zip_s_member_held_is_not_looked_for_again():
    """Its checksum is wrong, but it came to its own end: the headers in it are those of a zip within."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        inner = zipped({"a.json": text(1), "b.json": text(2)})
        archive.writestr("in.zip", inner, zipfile.ZIP_DEFLATED, compresslevel=0)  # as it is
    torn = bytearray(raw.getvalue())
    torn[14] ^= 1  # a byte of the CRC
    data = ma.load(bytes(torn), duplicates="keep")
    assert ids(data) == [1, 2]
    assert "zip-checksum" in codes(data)


def test_domains_of_headers_are_bounded_too():
    """A report that names no domain is about that of its mail's header: IDNA is asked about so many."""

    def one(n):
        made = report(n)
        del made["policies"][0]["policy"]["policy-domain"]
        return re.sub(
            rb"TLS-Report-Domain: [^\n]*",
            f"TLS-Report-Domain: é{n % 4}.example".encode(),
            mail(gzip.compress(json.dumps(made).encode())),
        )

    data = ma.load(mbox([one(n) for n in range(8)]), limits=Limits(names=3))
    assert ids(data) == [0, 1, 2, 4, 5, 6], "what is known may come again"
    assert codes(data).count("limit-names") == 2 and add_up(data).rejected == 2
    assert "more than 3 domain names outside ASCII (limit: names)" in set(data.problems["detail"])


@pytest.mark.parametrize(
    ("date", "instant"),
    [
        (b"Fri, 02 Jan 2026 23:59:60 +0000", "2026-01-03T00:00:00"),  # a leap second
        (b"Fri, 02 Jan 2026 24:00:00 +0000", "2026-01-03T00:00:00"),
        (b"Fri, 02 Jan 2026 24:00:01 +0000", None),
        (b"Fri, 02 Jan 2026 99:00:00 +0000", None),
        (b"Fri, 02 Jan 2026 10:99:99 +0000", None),
        (b"Fri, 02 Jan 2026 10:00:61 +0000", None),
        *(
            (b"Fri, 02 Jan 2026 10:00:00" + zone, "2026-01-02T08:00:00")
            for zone in (
                b" +0200",
                b" +02:00",
                b"+0200",
                b" GMT+0200",
                b" CET +0200",
                b".123 +0200",
                b" (x) +0200",
                b" +0200 (EET)",
                b"\t+0200",
            )
        ),
        *(
            (b"Fri, 02 Jan 2026 10:00:00" + zone, "2026-01-02T10:00:00")
            for zone in (b"", b" ", b" -0000", b" GMT", b" Z", b" CET", b" (CET)", b" UTC (x)")
        ),
        *(
            (b"Fri, 02 Jan 2026 10:00:00" + zone, None)
            for zone in (
                b" +0299",
                b" +9999",
                b" +2400",
                b" +200",
                b" +02000",
                b" UTC+2",
                b" PM",
                b"pm +0000",
                b" P.M.",
                b"0 +0200",
                b" \xe2\x88\x920800",
                b" Pacific Time",
                b" EST5EDT",
            )
        ),
        (b"Fri, 02 Jan 2026 10:00 -08:00", "2026-01-02T18:00:00"),
        (b"Fri, 102 Jan 2026 10:00:00 +0000", None),
    ],
)
def test_clocks_and_zones(date, instant):
    """And again, when the day and the clock are known: what is kept makes no clock of what is none."""
    for _ in range(2):
        found = instants.rfc5322(date)
        assert found == (
            instant and 1_000_000 * int(datetime.fromisoformat(instant + "+00:00").timestamp())
        )


# --- what holds nothing ------------------------------------------------------------------------------


def test_what_expands_often_ends_past_a_bound():
    """80 MB of blanks between two reports of a gzip; what came before is kept."""
    raw = text(1) + b"\n" + b" \n" * 4_000_000 + text(2)
    data = ma.load(
        gzip.compress(raw),
        limits=Limits(unpacked=2_000_000, expansion_from=1_000_000, expansion=10**9),
    )
    assert ids(data) == [1] and codes(data) == ["limit-expansion"]
    assert "limit: unpacked" in data.problems["detail"][0]
    assert ids(ma.load(gzip.compress(raw))) == [1, 2], "within the usual bound it is read"


def test_only_what_expands_often_ends_past_the_bound():
    """No more than thirty times what was taken, by all or by the one that goes on: that is text, no bomb."""
    expansion = Expansion(Limits(unpacked=1_000, expansion_from=1_000, expansion=10**9))
    expansion.given, expansion.taken = 30_000, 1_000
    assert expansion.excess(100, 20_000) == ""
    expansion.given += 1
    assert "limit: unpacked" in expansion.excess(100, 20_000)
    assert expansion.excess(1_000, 30_000) == "", "one that stands behind the bombs"


def test_items_end_where_so_little_data_holds_more_of_them():
    """Ten for nothing and one more for each 64 bytes; what stands behind them has room of its own."""
    expansion = Expansion(Limits(packed_items=10_000))
    expansion.taken = 64_000
    assert expansion.item(11_000, 11_000, 64_000) == ""
    assert "limit: packed_items" in expansion.item(1, 11_001, 64_000)
    assert expansion.item(1, 1, 100) == "", "a stream of few items"
    assert expansion.item(1, 2_000, 128_000) == "", (
        "a stream in which each takes as much as anywhere"
    )
    assert "limit: packed_items" in expansion.item(1, 2_001, 128_000)
    assert "limit: packed_items" in expansion.item(5_000, 1_000, 100), (
        "the room behind has an end too"
    )


def test_mails_and_files_count_three_times_where_they_are_packed():
    one = Expansion(Limits(packed_items=3_000))
    one.opened(1_000)
    assert one.item(1_000, 2_000, 0) == "", "a zip's own members are not in compressed data"
    two = Expansion(Limits(packed_items=3_000))
    two.layers = 1
    two.opened(1_000)
    assert two.item(1_000, 1_001, 0) == ""
    assert "limit: packed_items" in two.item(1, 1_001, 0)


def test_what_is_packed_in_what_is_packed_takes_nothing():
    """Else a bomb would be told from text by bytes that it made itself."""
    inner = gzip.compress(bytes(random.Random(1).randbytes(100_000)))
    outer = gzip.compress(inner)
    reader = Reader(Limits())
    for _ in reader.items(Stream(outer), "x"):
        pass
    assert reader.expansion.taken == len(outer)
    assert reader.expansion.given == len(inner) + 100_000
    assert reader.expansion.layers == 0


def test_what_a_gzip_held_before_its_damage_is_given_to_the_last_byte():
    whole = gzip.compress(b"\n".join(text(n) for n in range(40)))
    broken = bytearray(whole)
    broken[len(whole) // 2 :] = b"\xff" * (len(whole) - len(whole) // 2)
    source = Stream(bytes(broken))
    inflated = Inflated(source, "gzip", Limits())
    held = b""
    while piece := inflated.read(4_096):
        held += piece
    try:
        floor = zlib.decompressobj(31).decompress(whole[: len(whole) // 2 - 8])
    except zlib.error:
        raise AssertionError("the floor is whole data") from None
    assert held.startswith(floor)
    assert inflated.fault.code == "gzip-corrupt"


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda raw: zipped({"a.json": raw})], ids=["gzip", "zip"]
)
def test_short_lines_count_though_they_are_one_item(pack):
    """A hundred million of them in 50 MB would take minutes; 400,000 are read, unless the limit says otherwise."""
    raw = text(1) + b"\n" + b'{"policies":[]}\n' * 400_000 + text(2)
    stopped = ma.load(pack(raw), limits=Limits(items=50_000, report_bytes=1_000_000))
    assert ids(stopped) == [1] and "limit-expansion" in codes(stopped)
    assert stopped.problems["detail"].str.contains("limit: items").any()
    more = Limits(items=500_000, packed_items=500_000, report_bytes=1_000_000)
    data = ma.load(pack(raw), limits=more)
    assert ids(data) == [1, 2]
    told = data.problems["detail"].str.extract(r"(\d+) more short")[0].dropna().astype(int)
    assert told.sum() + data.accounting.not_reports - len(told) == 400_000


def test_lines_too_short_for_a_report_end():
    """Beyond a limit they are counted in one row; a report behind them is read."""
    tiny = [b'{"policies":[],"report-id":"%d"}' % n for n in range(60)]
    raw = b"\n".join([text(1), *tiny, text(2), tiny[0], text(3)])
    data = ma.load(raw, limits=Limits(items=50))
    assert [r.rpartition("-")[2] for r in data.reports["report_id"] if "-" in r] == ["1", "2", "3"]
    assert len(data.reports) == 3 + 50
    assert data.accounting.rejected == 1
    rows = data.problems.query("severity in ('error', 'info')")
    assert rows[["origin", "code"]].values.tolist() == [
        ["bytes#52", "limit-items"], ["bytes#53", "not-a-report"], ["bytes#63", "not-a-report"],
    ]  # fmt: skip
    assert [d.split()[1] for d in rows["detail"][1:]] == ["9", "1"]
    assert len(ma.load(raw).reports) == 3 + 60


@pytest.mark.parametrize(
    "name",
    ["zip: files of a byte", "zip: empty files", "zip: deflated empty files", "zip: descriptors",
     "gzip: empty members", "gzip: bytes between members"],
)  # fmt: skip
def test_members_too_small_for_a_report_are_passed_over(name):
    """Beyond a limit they are counted in one row; a report behind them is read."""
    make, _ = large.CONTAINER_ATTACKS[name]
    raw = make(8_000)
    whole = ma.load(raw)
    assert ids(whole) == [1, 2]
    assert "limit-items" not in set(whole.problems["code"])
    data = ma.load(raw, limits=Limits(items=50))
    assert ids(data) == [1, 2]
    (row,) = data.problems.query("code == 'limit-items'")["detail"]
    assert "of more than 50 members, each of less than 128 bytes, are passed over" in row
    if name.startswith("zip"):
        assert int(row.split()[0]) == len(whole.problems.query("code == 'not-a-report'")) - 50


def test_a_damaged_xz_gives_what_stands_before_the_damage():
    """As much as a decompressor gives that is fed byte by byte: a call that fails gives nothing."""
    tar = tarred({f"{n}.json": text(n) + b" " * 1_500 for n in range(20)})
    raw = bytearray(lzma.compress(tar))
    raw[len(raw) * 8 // 10] ^= 0x10
    machine, given = lzma.LZMADecompressor(), 0
    with pytest.raises(lzma.LZMAError):
        for byte in raw:
            given += len(machine.decompress(bytes([byte])))
    whole = sum(tar.index(text(n)) + len(text(n)) + 1_500 <= given for n in range(20))
    assert 5 < whole < 20
    assert len(ma.load(bytes(raw)).reports) >= whole - 1  # what is read at a time may end in one


@pytest.mark.parametrize("blanks", [100, 30_000], ids=["seen at once", "seen in pieces"])
def test_a_damaged_gzip_gives_what_stands_behind_an_archive_in_it(blanks):
    """Its checksum is wrong: of that the row tells, and no report is left out without a word."""
    lines = b"\n".join(text(n) + b" " * blanks for n in range(2, 12))
    raw = bytearray(gzip.compress(zipped({"a": text(1)}) + lines))
    raw[-6] ^= 1
    data = ma.load(bytes(raw))
    assert sorted(ids(data)) == list(range(1, 12))
    assert set(data.problems["code"]) == {"gzip-checksum"}


def test_large_things_are_not_held_together():
    """What is given late is counted late, by the limits on what is packed too."""
    sizes = [10, 20, 300_000, 5, 41 * 2**20, 7]
    assert list(together(sizes, int)) == [[10, 20, 300_000], [5, 41 * 2**20], [7]]
    assert sources._length((1, 41 * 2**20)) == 41 * 2**20, "an overlong mail is told by its length"


def test_what_is_stored_counts_for_nothing_that_is_packed():
    """Stored reports take none of the input that a gzip beside them is measured by."""
    files = {f"{n}.json": text(n) for n in range(99)} | {"z.json.gz": gzip.compress(text(99))}
    assert ids(ma.load(tarred(files), limits=Limits(items=5))) == list(range(100))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_mail_whose_body_is_json_keeps_its_header_s_facts(newline):
    """No words before JSON: its header ends at the blank line."""
    fields = (
        "From: a@a.example",
        "TLS-Report-Domain: d.example",
        "Content-Type: application/tlsrpt+json",
    )
    data = ma.load(newline.join((*fields, "", "")).encode() + text())
    assert list(data.reports["report_domain"]) == ["d.example"] and not codes(data)
