"""The mail read in one match, and the general reader: whatever the mail, both give the same items."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks import corpus
from mtasts_analysis.archive import mboxes, plain, sources
from mtasts_analysis.archive.streams import Stream
from mtasts_analysis.limits import DEFAULT, Limits
from tests.archive.building import mail, packed, text
from tests.archive.test_containers import KILLERS, MANY, ONE

PLAIN = {
    "as RFC 8460 has it": mail(packed()),
    "CRLF": mail(packed(), newline="\r\n"),
    "without a text part": re.sub(rb"--b1\nContent-Type: text/plain.*?(?=--b1)", b"", mail(packed()), flags=re.DOTALL),
    "boundary without quotes, first": mail(packed()).replace(b'report-type="tlsrpt"; boundary="b1"', b"boundary=b1; report-type=tlsrpt"),
    "folded": mail(packed()).replace(b"; report-type", b";\n\treport-type").replace(b"Message-ID: ", b"Message-ID:\n "),
    "another case": mail(packed()).replace(b"Content-", b"content-").replace(b"TLS-Report-Domain", b"Tls-Report-domain"),
    "given twice": mail(packed(), headers="TLS-Report-Domain: other.example\nDate: Tue, 3 Feb 2026 00:00:00 +0000\n"),
    "received": mail(packed(), headers="Received: from a\n by b; today\nDKIM-Signature: v=1;\n b=x\nCc: c\nTo: d\n"),
    "no line break at the end": mail(packed()).rstrip(b"\n"),
    **{f"corpus {made[0]}": corpus.mail(*made).partition(b"\n")[2] for made in corpus.reports(5)},
}  # fmt: skip


BEHIND = {
    "a closing delimiter, and a part": b"an epilogue\n--b1\nContent-Type: text/plain\n\nx",
    "JSON": text(7),
    "a footer": b"-- \na list\n",
}


@pytest.mark.parametrize("name", BEHIND)
def test_what_has_something_behind_it_is_not_plain(name):
    """It may be a report."""
    assert plain.read(mail(packed()) + BEHIND[name], DEFAULT) is None


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_plain_is_read_in_one_match(name):
    """Else the loader would be right, and slow."""
    assert plain.read(PLAIN[name], DEFAULT) is not None


@pytest.fixture(scope="module")
def both():
    def compare(raw, limits=DEFAULT):
        reader = sources.Reader(limits)
        fast = list(reader.items(Stream(raw), "x"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plain, "read", lambda *_: None)
            patch.setattr(plain, "begun", lambda *_: None)
            assert fast == list(reader.items(Stream(raw), "x"))

    return compare


@pytest.mark.parametrize("name", [*PLAIN, *ONE, *MANY, *KILLERS])
def test_fixtures(name, both):
    both({**PLAIN, **ONE, **MANY, **KILLERS}[name])


@pytest.mark.parametrize(
    "limits",
    [
        Limits(mime_parts=2), Limits(mime_parts=1), Limits(mime_depth=0), Limits(header_bytes=150),
        Limits(field_bytes=10), Limits(report_bytes=100), Limits(nested_bytes=100), Limits(nested_entries=0),
    ],
    ids=str,
)  # fmt: skip
def test_limits(limits, both):
    both(mail(packed()), limits)


PIECES = [
    b"--b1\n", b"--b1--\n", b"--b1 \n", b"--b12\n", b"\n", b"\r\n", b"\r", b" ", b"\t", b"--", b"=", b"x",
    b"Content-Type: text/plain\n", b"Content-Type: multipart/mixed; boundary=b1\n", b"Content-Type: message/rfc822\n",
    b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: 7bit\n", b"Content-Disposition: attachment; filename=a.json\n",
    b"Date: Tue, 3 Mar 2026 1:02 EST\n", b"From: <x@y.example>\n", b"From : z\n", b"TLS-Report-Domain: e.example\n",
    b"\xff", b"\0", b'"', b";", b"boundary=", b"PK\x03\x04", b"{", b"From a Mon Feb  2 04:05:06 2026\n", b"H4sI", b";\nboundary=b1;", b"UEsDBA==",
]  # fmt: skip


@example("CRLF", [(0.96875, 0, b"boundary=")], True)  # letters behind the padding
@settings(max_examples=1_000, deadline=None)
@given(
    st.sampled_from(sorted(PLAIN)),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(PIECES) | st.just(b"")),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_damaged_mails(both, name, edits, lines):
    """Pieces put in, taken out or put in place of others: mostly where a line begins."""
    raw = PLAIN[name]
    for at, gone, piece in edits:
        where = int(at * len(raw))
        if lines:
            where = raw.find(b"\n", where) + 1
        raw = raw[:where] + piece + raw[where + gone :]
    both(raw)


BETWEEN = b"\nFrom a@b.example Mon Feb  2 04:05:06 2026\n"


def test_a_plain_mail_of_an_mbox_is_read_where_it_stands():
    """Else the loader would be right, and slow: a separator would be looked for in each. The last has none behind it."""
    raw = (
        BETWEEN + BETWEEN.join([*PLAIN.values(), b"X: y\n\nno report\n", mail(packed())])
    ).lstrip()
    found = list(
        mboxes.mails(Stream(raw), 10**6, whole=lambda text, at: plain.begun(text, at, DEFAULT))
    )
    assert [isinstance(one, plain.Common) for one in found] == [True] * len(PLAIN) + [False] * 2
    alone = list(mboxes.mails(Stream(raw), 10**6))
    assert [one.mail if isinstance(one, plain.Common) else one for one in found] == alone


@pytest.mark.parametrize("limit", [2_000, 10**6])
def test_a_plain_mail_past_the_limit_is_refused_in_an_mbox_too(limit):
    raw = (
        BETWEEN + BETWEEN.join([mail(packed(), headers=f"X: {'x' * 900}\n" * 2), mail(packed())])
    ).lstrip()
    found = list(
        mboxes.mails(Stream(raw), limit, whole=lambda text, at: plain.begun(text, at, DEFAULT))
    )
    assert [isinstance(one, int) for one in found] == [limit == 2_000, False]


@example(["CRLF", "folded"], [(0.9, 0, b"From a Mon Feb  2 04:05:06 2026\n")])
@example(["CRLF", "folded"], [(0.2, 0, b"\n\nFrom a\nX: y\n")])
@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(PLAIN)), min_size=2, max_size=4),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from([*PIECES, BETWEEN])), max_size=4),
)  # fmt: skip
def test_damaged_mailboxes(both, names, edits):
    """The mails, however they are parted, and what is in them."""
    raw = (BETWEEN + BETWEEN.join(PLAIN[name] for name in names)).lstrip()
    for at, gone, piece in edits:
        where = raw.find(b"\n", int(at * len(raw))) + 1
        raw = raw[:where] + piece + raw[where + gone :]
    both(raw)


def test_a_hostile_mail_takes_linear_time():
    """Each would take hours, were a line read in two ways."""
    for line in (
        b"date: x\n",
        b"Delivered-To: x\n",
        b"X: y\n",
        b"content-type: multipart/x; x\n",
        b"From: <\n <\n",
    ):
        assert plain.read(line * 299 + b"no blank line", DEFAULT) is None
        assert plain.read(line * 100_000, DEFAULT) is None
    head = mail(b"").partition(b"--b1")[0]
    for line in (
        b"--b1\nx\n\n",
        b"\n",
        b"--b1 \n",
        b"a\n",
        b"--b1\nContent-Transfer-Encoding: base64\n\n-",
    ):
        assert plain.read(head + line * 100_000, DEFAULT) is None
        many = BETWEEN + BETWEEN.join([head + line] * 3_000)
        whole = [
            len(one)
            for one in mboxes.mails(
                Stream(many), 10**6, whole=lambda text, at: plain.begun(text, at, DEFAULT)
            )
        ]
        assert len(whole) == 3_000
