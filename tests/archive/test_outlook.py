"""Outlook's .msg: each attachment that is a report, with the facts of the message that it hangs on."""

import gzip
import json
import struct

import pytest

import mtasts_analysis as ma
from tests.archive.building import mail, packed, report
from tests.archive.ole import SECTOR, message, ole

HEADER = (
    "Received: from mx.sender.example\r\n\tby mx.d.example; Sun, 1 Feb 2026 03:00:00 +0000\r\n"
    "Date: Sun, 1 Feb 2026 02:00:00 +0000\r\nFrom: Sender <tls@sender.example>\r\n"
    "Message-ID: <1@sender.example>\r\nTLS-Report-Domain: d.example\r\n"
    "TLS-Report-Submitter: sender.example\r\n\r\n"
)


def numbered(count):
    return [packed(n) for n in range(count)]


def ids(data):
    return [f"r{name.rpartition('-')[2]}" for name in data.reports["report_id"]]


@pytest.mark.parametrize("encoding", ["utf-16-le", "latin-1"])
def test_a_report_has_the_facts_of_its_message(encoding):
    data = ma.load(ole(message(HEADER, numbered(1), encoding=encoding)))
    (row,) = data.reports.to_dict("records")
    assert (row["report_domain"], row["submitter"]) == ("d.example", "sender.example")
    assert (row["message_id"], row["header_from"]) == ("<1@sender.example>", "tls@sender.example")
    assert str(row["received"]) == "2026-02-01 02:00:00+00:00"
    assert not len(data.problems)


def test_a_message_that_was_never_sent_has_no_header():
    data = ma.load(ole(message(None, numbered(1))))
    assert ids(data) == ["r0"] and data.reports["received"].isna().all()


def test_every_attachment_and_those_of_messages_within():
    many = numbered(30)
    inner = message(HEADER.replace("d.example", "inner.example"), many[20:])
    data = ma.load(ole(message(HEADER, [*many[:20], b"a picture", inner])))
    assert ids(data) == [f"r{n}" for n in range(30)], "in the order of the attachments"
    assert list(data.reports["report_domain"]) == ["d.example"] * 20 + ["inner.example"] * 10


def test_an_attached_mail_keeps_its_own_facts():
    data = ma.load(ole(message(HEADER, [mail(packed())])))
    assert list(data.reports["message_id"]) == ["<1@a.example>"]


def test_a_large_attachment_and_an_empty_one():
    large = json.dumps(report(policies=report()["policies"] * 400)).encode()
    data = ma.load(ole(message(HEADER, [b"", large, gzip.compress(large, 0)])))
    assert len(data.policies) == 400 and data.accounting.duplicates == 1


def test_without_a_report_it_is_a_mail():
    data = ma.load(ole(message(HEADER, [b"a picture"])))
    assert data.accounting.not_reports_by_kind == {"mail": 1}


def bad(name):
    """A good report, and what else is there: what must be said of it."""
    whole = ole(message(HEADER, [numbered(1)[0], numbered(2)[1].ljust(5_000, b"\0")]))
    entry = whole.index("__attach_version1.0_#00000001".encode("utf-16-le"))
    data = whole.index("__substg1.0_37010102".encode("utf-16-le"), entry)
    if name == "its sectors lie past the end":
        return whole[: data + 116] + struct.pack("<I", 9_999) + whole[data + 120 :]
    if name == "larger than the file":
        return whole[: data + 120] + struct.pack("<I", 2**31 - 1) + whole[data + 124 :]
    raise AssertionError(name)


@pytest.mark.parametrize("name", ["its sectors lie past the end", "larger than the file"])
def test_a_broken_attachment_costs_no_other(name):
    data = ma.load(bad(name))
    assert ids(data) == ["r0"]
    assert list(data.problems["code"]) == ["part-unreadable"]
    assert list(data.problems["severity"]) == ["error"]


@pytest.mark.parametrize("name", ["a document", "cut", "noise"])
def test_what_is_no_message_is_said(name):
    whole = ole(message(HEADER, numbered(1)))
    data = {
        "a document": ole({"WordDocument": b"x" * 100}),
        "cut": whole[: 2 * SECTOR],
        "noise": whole[:8] + b"\xff" * 5_000,
    }[name]
    found = ma.load(data)
    assert list(found.problems["code"]) == ["msg-unreadable"] and not len(found.reports)
