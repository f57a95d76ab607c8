"""Every form that reports come in, and that one bad item never costs a good one."""

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import random
import zipfile
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mtasts_analysis as ma
from mtasts_analysis.archive import finding, forms, lines, mboxes
from mtasts_analysis.archive.streams import Stream
from mtasts_analysis.archive.zips import members
from mtasts_analysis.limits import DEFAULT
from tests.archive.building import mail, mbox, packed, report, tarred, text, zipped, zstandard


def ids(data):
    return sorted(int(i.rsplit("-", 1)[1]) for i in data.reports["report_id"])


def codes(data):
    return data.problems["code"].tolist()


def add_up(data):
    a = data.accounting
    assert a.items == a.reports + a.duplicates + a.not_reports + a.rejected
    return a


ONE = {
    "json": text(),
    "pretty json": json.dumps(report(), indent=2).encode(),
    "json with a byte order mark": b"\xef\xbb\xbf" + text(),
    "utf-16 json": text().decode().encode("utf-16"),
    "gzip": packed(),
    "bzip2": bz2.compress(text()),
    "xz": lzma.compress(text()),
    "zstandard": zstandard(text()),
    "gzip in gzip": gzip.compress(packed()),
    "zip of json": zipped({"a.json": text()}),
    "zip of gzip": zipped({"a.json.gz": packed()}),
    "zip of a mail": zipped({"a.eml": mail(packed())}),
    "zip in zip": zipped({"in.zip": zipped({"a": text()})}),
    "tar": tarred({"a.json": text()}),
    "tar.gz": tarred({"a.json": text()}, "w:gz"),
    "tar.xz of a mail": tarred({"a.eml": mail(packed())}, "w:xz"),
    "tar.gz of an mbox": tarred({"Mail/box": mbox([mail(packed())])}, "w:gz"),
    "mail": mail(packed()),
    "mail with CRLF": mail(packed(), newline="\r\n"),
    "mail of octet-stream": mail(packed(), media="application/octet-stream", name=None),
    "mail of text/plain gzip": mail(packed(), media="text/plain", name=None),
    "gzip labelled json": mail(packed(), media="application/tlsrpt+json"),
    "json labelled gzip": mail(text(), media="application/tlsrpt+gzip"),
    "zip labelled gzip": mail(zipped({"a.json": text()}), media="application/gzip"),
    "tlsrpt+zip": mail(zipped({"a.json": text()}), media="application/tlsrpt+zip"),
    "7bit json": mail(text(), media="application/tlsrpt+json", encoding="7bit"),
    "8bit json without a claim": mail(text(), media="text/plain", encoding="8bit", name=None),
    "UTF-16 json without a claim": mail(text().decode().encode("utf-16"), media="text/plain", name=None),
    "quoted-printable json": mail(
        text().replace(b"=", b"=3D").replace(b"-", b"=2D"), media="application/tlsrpt+json", encoding="quoted-printable"
    ),
    "CRLF after the gzip": mail(packed() + b"\r\n"),
    "RFC 2231 name": mail(
        packed(), media="application/octet-stream; name*0*=us-ascii''a.exam; name*1=ple!d.json.gz", name=None
    ),
    "forwarded": b"From: b@b.example\nContent-Type: message/rfc822\n\n" + mail(packed()),
    "no closing delimiter": mail(packed()).replace(b"--b1--\n", b""),
    "boundary not given": mail(packed()).replace(b'; boundary="b1"', b""),
    "no blank line in front of mbox": b"From - Mon Feb  2 04:05:06 2026\n" + mail(packed()),
    "mbox with CRLF": mbox([mail(packed(), newline="\r\n")], b"From a Mon Feb  2 04:05:06 2026\r\n"),
    "json lines": text() + b"\n",
    "a list": b"[" + text() + b"]",
}  # fmt: skip


WRITTEN = {
    "a list": lambda pieces: b"[" + b",".join(pieces) + b"]",
    "a list of lines": lambda pieces: b"[\n" + b",\n".join(pieces) + b"\n]\n",
    "one behind the other": b"".join,
    "texts with marks": lambda pieces: b"".join(b"\x1e" + piece + b"\n" for piece in pieces),
    "lines with a blank": b"\n ".join,
    "a log": lambda pieces: b"".join(
        b"Mar 1 12:00:00 host app: " + piece + b"\n" for piece in pieces
    ),
    "parsedmarc's file": lambda pieces: (
        b'{"aggregate_reports": [], "smtp_tls_reports": [' + b", ".join(pieces) + b"]}"
    ),
    "an object": lambda pieces: b'{"smtp_tls_reports": [' + b",".join(pieces) + b"]}",
    "pretty": lambda pieces: json.dumps([json.loads(piece) for piece in pieces], indent=2).encode(),
}


@pytest.mark.parametrize("chunk", [64, 700, 2**20])
@pytest.mark.parametrize("written", WRITTEN)
def test_a_list_larger_than_a_report_may_be(written, chunk, monkeypatch):
    """It is read report by report: each is there, in order, with its own figures, wherever a read ends."""
    monkeypatch.setattr(lines, "CHUNK", chunk)
    raw = WRITTEN[written](list(map(text, range(20))))
    bound = ma.Limits(report_bytes=4_000)
    assert len(raw) > 3 * bound.report_bytes > 3 * len(json.dumps(report(), indent=4))
    data, whole = ma.load(raw, limits=bound), ma.load(raw)
    assert list(data.reports["report_id"]) == [report(n)["report-id"] for n in range(20)]
    assert data.policies["policy_key"].equals(whole.policies["policy_key"])
    assert data.failures["failure_key"].equals(whole.failures["failure_key"])
    assert data.reports["origin"].is_unique
    assert set(data.problems["code"]) <= {"leading-bytes"}
    assert add_up(data).items == 20


def test_a_report_that_is_too_large_in_a_list_costs_no_other():
    large = json.dumps(report(7) | {"contact-info": "x" * 5_000}).encode()
    raw = b"[" + b",".join([text(0), large, text(1), large, text(2) + b" " * 9_000, text(3)]) + b"]"
    data = ma.load(raw, limits=ma.Limits(report_bytes=4_000))
    assert ids(data) == [0, 1, 2, 3]
    assert list(data.problems["code"]) == ["limit-report-bytes"] * 2
    assert list(data.problems["origin"]) == ["bytes[1]", "bytes[3]"]


def test_padding_in_a_list_costs_nothing():
    """Neither what is padded nor what stands behind it, whichever key that begins with."""
    other = b'{"version": 1, ' + text(4)[1:]
    pad = b" " * 9_000
    bound = ma.Limits(report_bytes=4_000, items=2)
    data = ma.load(b"[" + text(0) + pad + b"," + other + b"," + text(2) + b"]", limits=bound)
    assert ids(data) == [0, 2, 4]
    assert list(data.problems["detail"]) == ["version: left out"]
    tiny = b'{"report-id":1},' * 9
    data = ma.load(
        b"[" + tiny + text(0) + pad + b"," + text(1) + b"," + text(2) + b"]", limits=bound
    )
    assert ids(data) == [0, 1, 2] and "limit-items" in set(data.problems["code"])


def test_utf_16_is_not_cut_at_reports():
    """What has too many values is refused by its limit, not taken for words and brackets."""
    raw = b"[" + b",".join(map(text, range(9))) + b"]"
    data = ma.load(raw.decode().encode("utf-16"), limits=ma.Limits(json_values=50))
    assert list(data.problems["code"]) == ["limit-json-values"] and not len(data.reports)
    assert ids(ma.load(raw, limits=ma.Limits(json_values=50))) == list(range(9))


def test_a_checksum_refuses_what_is_read_piece_by_piece_too():
    packed_ = bytearray(gzip.compress(b"[" + b",".join(map(text, range(9))) + b"]"))
    packed_[-8] ^= 1
    data = ma.load(bytes(packed_), limits=ma.Limits(json_values=50))
    assert not len(data.reports) and list(data.problems["code"]) == ["gzip-checksum"]


def test_a_large_list_is_the_same_in_a_mail():
    raw = b"[" + b",".join(map(text, range(2_000))) + b"]"
    assert len(raw) > 2**20
    bound = ma.Limits(json_values=1_000)
    for one in (raw, gzip.compress(raw), mail(gzip.compress(raw))):
        assert ma.load(one, limits=bound).accounting.reports == 2_000


FOOTED = {
    "an address behind base64": b"https://list.example/archive\n",
    "a remark behind base64": b"Note: scanned\n",
}


@pytest.mark.parametrize("footer", FOOTED)
def test_a_footer_is_no_mail(footer):
    raw = mail(packed(1)) + b"\n\n" + FOOTED[footer]
    alone = (
        b"TLS-Report-Domain: d.example\nContent-Transfer-Encoding: base64\n"
        b"Content-Type: application/tlsrpt+gzip\n\n" + base64.encodebytes(packed(1))
    )
    for one in (raw, alone + FOOTED[footer]):
        data = ma.load(one)
        assert ids(data) == [1] and add_up(data).items == 1


def test_encoded_as_a_whole_a_multipart_is_one_mail():
    raw = mail(packed(1)).replace(
        b"MIME-Version", b"Content-Transfer-Encoding: base64\nMIME-Version", 1
    )
    raw = raw.replace(b'; boundary="b1"', b"")
    data = ma.load(raw)
    assert ids(data) == [1] and add_up(data).items == 1
    assert list(data.reports["report_domain"]) == list(
        ma.load(mail(packed(1))).reports["report_domain"]
    )


@pytest.mark.parametrize("before", [b"[External]\n", b"[INFO] starting\n", b"{Spam?}\n\n"])
def test_a_banner_above_json(before):
    """A report is found there by its own bracket, though another key comes first."""
    raw = before + b'{"version": 1, ' + text(1)[1:] + b"\n"
    for one in (raw, gzip.compress(raw)):
        assert ids(ma.load(one)) == [1]


def test_a_style_sheet_is_no_json():
    data = ma.load(b"/* style */\n[data-x] { color: red }\n")
    assert add_up(data).not_reports == 1 and add_up(data).rejected == 0


def test_more_values_than_a_report_may_have_in_a_list_of_them():
    raw = b"[" + b",".join(map(text, range(50))) + b"]"
    data = ma.load(raw, limits=ma.Limits(json_values=200))
    assert len(ids(data)) == 50 and not len(data.problems)


def test_names_outside_ascii_are_bounded():
    """Each costs a conversion: what comes past the bound is refused, and what has none of them is read."""

    def about(n, *names):
        made = report(n)
        made["policies"] = [
            made["policies"][0]
            | {"policy": made["policies"][0]["policy"] | {"policy-domain": name}}
            for name in names
        ]
        return json.dumps(made, ensure_ascii=n % 2 == 0).encode()

    bound = ma.Limits(names=5)
    many = [
        about(9, *(f"q{n}\u00fc.example" for n in range(6))),
        about(8, *(f"r{n}\u00fc.example" for n in range(6))),
    ]
    data = ma.load(b"\n".join([text(0), *many, text(1)]), limits=bound)
    assert ids(data) == [0, 1] and list(data.problems["code"]) == ["limit-names"] * 2
    one_each = [about(n, f"s{n}\u00fc.example") for n in range(2, 102)]
    data = ma.load(b"\n".join([text(0), *one_each, text(1)]), limits=ma.Limits(names=40))
    found = ids(data)
    assert found == list(range(len(found)))
    assert 40 - 16 < len(found) - 2 <= 41  # they are looked at sixteen at a time
    assert list(data.problems["code"]).count("limit-names") == 102 - len(found)
    assert "xn--s2-yka.example" in set(data.policies["domain"])


def test_what_is_looked_for_in_vain_is_bounded():
    """A mail is not looked through for ever; what stands where reports stand is read all the same."""
    fake = b"From: a@a.example\n\nx\n" + (b"H4sI" + b"A" * 36 + b"\n.\n") * 10
    raw = mbox([mail(packed(0)), *[fake] * 30, mail(packed(1))])
    data = ma.load(raw, limits=ma.Limits(openings=50))
    assert ids(data) == [0, 1] and list(data.problems["code"]).count("limit-openings") == 1
    assert list(data.problems["code"]).count("gzip-corrupt") <= 90  # and once for each mail
    data = ma.load(raw)
    assert ids(data) == [0, 1] and list(data.problems["code"]).count("gzip-corrupt") == 300


def test_small_things_packed_many_times_are_bounded():
    """Past the limit none of less than 512 bytes is opened below two others; all else is, and what is above them."""
    tiny, noise = text(5), b" " + base64.b64encode(random.Random(1).randbytes(600))
    junk = gzip.compress(gzip.compress(gzip.compress(b'{"x":1}' + noise[:200])))
    twice = gzip.compress(gzip.compress(tiny))
    thrice = gzip.compress(twice)
    large = gzip.compress(gzip.compress(gzip.compress(text(6) + b"\n" + noise)))
    assert len(thrice) < 512 < len(large)
    files = {f"{n}.gz": junk for n in range(20)}
    for pack in (zipped, tarred):
        raw = pack(
            {"first.gz": thrice} | files | {"two.gz": twice, "three.gz": thrice, "large.gz": large}
        )
        data = ma.load(raw, limits=ma.Limits(openings=10), duplicates="keep")
        add_up(data)
        where = [origin.partition("!")[2].partition("[")[0] for origin in data.reports["origin"]]
        assert where == ["first.gz", "two.gz", "large.gz"]
        refused = data.problems.query("code == 'limit-openings'")["origin"].tolist()
        # The first ten are opened: one report's, and nine of the twenty.
        assert refused == [f"bytes!{n}.gz" for n in range(9, 20)] + ["bytes!three.gz"]
        assert len(ma.load(raw, duplicates="keep").reports) == 4


@pytest.mark.parametrize("form", ONE)
def test_one_report_in_every_form(form):
    data = ma.load(ONE[form])
    assert add_up(data).reports == 1, data.problems
    assert data.accounting.rejected == 0
    assert data.policies["total_successful_session_count"].tolist() == [10]
    assert data.failures["failed_session_count"].tolist() == [3]


MANY = {
    "mbox": mbox([mail(packed(n)) for n in range(3)]),
    "mbox without blank lines": mbox([mail(packed(n)) for n in range(3)]).replace(b"\n\nFrom ", b"\nFrom "),
    "zip": zipped({f"{n}.json": text(n) for n in range(3)}),
    "tar": tarred({f"{n}.json": text(n) for n in range(3)}),
    "json lines": b"\n".join(text(n) for n in range(3)),
    "list": b"[" + b",".join(text(n) for n in range(3)) + b"]",
    "in a row": b"".join(json.dumps(report(n), indent=1).encode() for n in range(3)),
    "gzip members of lines": b"".join(gzip.compress(text(n) + b"\n") for n in range(3)),
    "three in one zip in a mail": mail(zipped({f"{n}.json": text(n) for n in range(3)})),
    "three parts": mail(packed(0)).replace(
        b"--b1--", b"--b1\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n"
        + __import__("base64").encodebytes(packed(1))
        + b"\n--b1\nContent-Type: application/json\n\n" + text(2) + b"\n--b1--",
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", MANY)
def test_several_reports(form):
    data = ma.load(MANY[form])
    assert ids(data) == [0, 1, 2], data.problems
    assert add_up(data).rejected == 0
    assert data.reports["origin"].is_unique


KILLERS = {
    "cut gzip": mail(packed(99)[:60]),
    "no gzip": mail(b"\x1f\x8b" + b"\0" * 50),
    "no base64": mail(packed(99)).replace(b"H4sI", b"####"),
    "deep json": mail(gzip.compress(b"[" * 100_000)),
    "huge header": b"X: " + b"a" * 3_000_000 + b"\n\n",
    "no header": b"\0\1\2\3 From nobody",
    "bad json": mail(b'{"policies": [', media="application/tlsrpt+json"),
    "bomb": mail(gzip.compress(b"\0" * 200_000_000, compresslevel=9)),
    "from in the body": b"Subject: x\n\nFrom our side\nFrom here: on\n",
    "a number of many digits": mail(
        b'{"policies": [], "report-id": ' + b"9" * 10_000 + b"}", media="x/tlsrpt"
    ),
}


@pytest.mark.parametrize("killer", KILLERS)
@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_bad_mail_costs_no_good_one(killer, at):
    mails = [mail(packed(n)) for n in range(4)]
    mails.insert(at, KILLERS[killer])
    for name, whole in {
        "mbox": mbox(mails),
        "zip": zipped({f"{n}.eml": m for n, m in enumerate(mails)}),
        "tar": tarred({f"{n}.eml": m for n, m in enumerate(mails)}),
    }.items():
        data = ma.load(whole)
        assert [i for i in range(4) if any(r.endswith(f"-{i}") for r in data.reports["report_id"].dropna())] == [
            0, 1, 2, 3,
        ], (name, data.problems)  # fmt: skip
        assert add_up(data).items >= 5


@pytest.mark.parametrize("container", ["zip", "tar", "mbox", "jsonl"])
def test_cut_at_every_byte(container):
    """What came whole before the cut is there."""
    pieces = [text(n) for n in range(3)]
    whole = {
        "zip": zipped({f"{n}.json": p for n, p in enumerate(pieces)}),
        "tar": tarred({f"{n}.json": p for n, p in enumerate(pieces)}),
        "mbox": mbox([mail(packed(n)) for n in range(3)]),
        "jsonl": b"\n".join(pieces),
    }[container]
    ends = {
        "zip": [i.header_offset + 30 + len(i.filename) + i.compress_size for i in zipfile.ZipFile(io.BytesIO(whole)).infolist()]
        if container == "zip" else [],
        "tar": [(n + 1) * (512 + -(-len(pieces[0]) // 512) * 512) - (-len(pieces[0]) % 512) for n in range(3)],
        "mbox": [m.end() for m in __import__("re").finditer(rb"--b1--", whole)],
        "jsonl": [(n + 1) * len(pieces[0]) + n for n in range(3)],
    }[container]  # fmt: skip
    for cut in range(1, len(whole) + 1, 7 if container != "jsonl" else 11):
        data = ma.load(whole[:cut])
        add_up(data)
        assert set(ids(data)) >= {n for n, end in enumerate(ends) if end <= cut}, cut


def test_kinds_of_what_is_no_report():
    feedback = gzip.compress(b"<?xml version='1.0'?><feedback></feedback>")
    table = {
        "dmarc-report": mail(feedback, media="application/gzip", name="a.xml.gz"),
        "bounce": b"Return-Path: <>\nSubject: Undelivered\n\nsorry",
        "mail": b"From: a@a.example\nSubject: lunch\n\nnoon?",
        "other-json": b'{"a": 1}',
        "empty": b"",
        "other-file": b"\x89PNG....",
        "xml": b"<html></html>",
        "pst": b"!BDN....",
    }
    for kind, raw in table.items():
        assert add_up(ma.load(raw)).not_reports_by_kind == {kind: 1}, kind


def test_a_pattern_reads_behind_a_link_that_it_matches(tmp_path):
    """A folder follows none; a pattern names each, and `**` matches what is behind."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.json").write_bytes(text(2))
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.json").write_bytes(text(1))
    (tmp_path / "in" / "deep" / "link").symlink_to(tmp_path / "other")
    for pattern, found in (
        ("in", [1]),
        ("in/**", [1, 2]),
        ("in/**/*", [1, 2]),
        ("in/deep/*", [1, 2]),
        ("in/**/*.json", [1, 2]),
    ):
        data = ma.load(str(tmp_path / pattern))
        assert ids(data) == found, pattern
        assert add_up(data).duplicates == 0, "and nothing twice"


def test_a_folder(tmp_path, monkeypatch):
    for name, content in {
        "b/a.json": text(1),
        "a.eml": mail(packed(2)),
        "box/cur/1": mail(packed(3)),
        "box/new/2": mail(packed(4)),
        "box/tmp/3": mail(packed(5)),  # still being written
        "notes.txt": b"nothing here",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe")  # would block for ever
    (tmp_path / "link").symlink_to(tmp_path / "a.eml")
    data = ma.load(tmp_path)
    assert ids(data) == [1, 2, 3, 4]
    assert data.accounting.not_reports_by_kind == {"other-file": 1}
    assert set(data.problems["code"]) == {"not-a-report", "symlink", "not-a-file"}
    assert ids(ma.load(str(tmp_path / "**" / "*.json"))) == [1]
    assert ids(ma.load([tmp_path / "a.eml", tmp_path / "b"])) == [1, 2]


def test_a_pattern_gives_rows_as_a_folder_does(tmp_path, monkeypatch):
    """For a link that leads nowhere, a file that is gone by then, and a path that is too long."""
    (tmp_path / "a.json").write_bytes(text(1))
    (tmp_path / "[a].json").symlink_to("nothing")  # as a pattern it would match the other one
    (tmp_path / "b" / "b").mkdir(parents=True)
    (tmp_path / "b" / "b" / "b.json").write_bytes(text(2))
    data = ma.load(str(tmp_path / "*"))
    assert ids(data) == [1, 2] and codes(data) == ["symlink"]
    assert codes(ma.load(str(tmp_path / "**"))) == ["symlink"], (
        "what is in a folder is read with it"
    )
    (tmp_path / "-").write_bytes(text(3))
    monkeypatch.chdir(tmp_path)
    assert ids(ma.load("*")) == [1, 2, 3], "not the standard input"
    gone, long = str(tmp_path / "gone.json"), str(tmp_path / ("x" * 300))
    monkeypatch.setattr(
        finding.glob, "iglob", lambda *_, **__: [gone, long, str(tmp_path / "a.json")]
    )
    data = ma.load("*")
    assert ids(data) == [1] and codes(data) == ["file-unreadable"] * 2
    assert set(data.problems["detail"]) == {"No such file or directory", "File name too long"}


def test_a_pattern_over_folders_too_deep_for_it(tmp_path, monkeypatch):
    """Python 3.11's `glob` recurses; what it found until then is read, and a row says that there was more."""
    (tmp_path / "a.json").write_bytes(text(1))

    def walked(*_, **__):
        yield str(tmp_path / "a.json")
        raise RecursionError

    monkeypatch.setattr(finding.glob, "iglob", walked)
    data = ma.load(str(tmp_path / "**" / "*.json"))
    assert ids(data) == [1] and codes(data) == ["file-unreadable"]


@pytest.mark.parametrize("path", ["nowhere.mbox", "no*where"])
def test_a_path_that_leads_nowhere(path):
    with pytest.raises(ma.InputError, match=r"expected .*(nothing is there|matches none)"):
        ma.load(path)


def test_raise_on_problem():
    with pytest.raises(ma.ProblemError, match="gzip-truncated"):
        ma.load(packed()[:50], on_problem="raise")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("ab\nFrom >:", max_size=60), min_size=1, max_size=6),
    st.integers(1, 50),
)
def test_mbox_gives_back_what_was_put_in(bodies, chunk):
    """However the file is cut into chunks; bodies are quoted as mboxrd quotes."""
    mails = [b"Subject: x\n\n" + b.encode().replace(b"From ", b">From ") + b"\n" for b in bodies]
    raw = io.BytesIO(mbox(mails))
    found = list(mboxes.mails(Stream(read=lambda n: raw.read(min(n, chunk))), 10**6))
    assert found == [m + b"\n" for m in mails]


def test_an_overlong_mail_is_passed_over():
    small = mail(packed(1))
    data = ma.load(
        mbox([small, b"X: y\n\n" + b"x" * 5_000_000, mail(packed(2))]),
        limits=ma.Limits(mail_bytes=1_000_000),
    )
    assert ids(data) == [1, 2]
    assert data.problems["code"].tolist() == ["limit-mail-bytes"]


def test_a_bomb_is_refused_by_its_ratio():
    data = ma.load(gzip.compress(b"[" + b" " * 300_000_000, compresslevel=9))
    assert data.accounting.rejected == 1
    data = ma.load(mail(gzip.compress(b"{" + b" " * 100_000_000)))
    assert data.accounting.rejected == 1


def test_layers_have_an_end():
    raw = text()
    for _ in range(12):
        raw = gzip.compress(raw)
    assert ma.load(raw).problems["code"].tolist() == ["limit-layers"]


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b'{"a', "json"), (b" \n[", "json"), (b"\x1f\x8b\x08", "gzip"), (b"PK\x03\x04", "zip"), (b"BZh9", "bzip2"),
        (b"From a Mon", "mbox"), (b"Received: by", "mail"), (b"\xef\xbb\xbfFrom: a", "mail"), (b"", "empty"),
        (b"<?xml?><feedback>", "dmarc-report"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "msg"), (b"a,b,c\n", "other-file"),
    ],
)  # fmt: skip
def test_sniff(head, form):
    assert forms.sniff(head) == form


@pytest.mark.parametrize("piece", [1, 7, 41, 42, 43, 64, 1000])
def test_a_zip_reads_the_same_in_pieces_of_any_size(piece):
    """Nothing asked for (a member without an extra field) is no end, wherever a piece ends."""
    raw = zipped({f"{n}.json": text(n) for n in range(12)})
    stream = Stream(read=partial(_at_most, io.BytesIO(raw), piece))
    found = [(member.name, _all(member.stream)) for member in members(stream, DEFAULT)]
    assert found == [(f"{n}.json", text(n)) for n in range(12)]


def _at_most(file, piece, size):
    return file.read(min(piece, size))


def _all(stream):
    read = b""
    while more := stream.read():
        read += more
    assert not stream.fault
    return read
