"""The parsers against grammars written a second time, straight from the RFCs' ABNF; and against anything at all."""

import asyncio
import contextlib
import itertools
import re

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mtasts_analysis.checks import smtp
from mtasts_analysis.checks.certificates import read_certificate
from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.checks.dane import _public_key, compare
from mtasts_analysis.checks.dns import Answer
from mtasts_analysis.checks.policy import read_policy
from mtasts_analysis.checks.records import read_sts, read_tlsrpt

MANY = settings(max_examples=600, deadline=None)


def texts(*tokens):
    """Strings that are nearly right: the grammar's own words in any order, with a stranger now and then."""
    odd = st.sampled_from([" ", "\t", "", "=", "\x00", "é", "\ufeff", '"', "\\", ",", "\r"])
    words = st.one_of(st.sampled_from(tokens), st.sampled_from(tokens), odd)
    return st.lists(words, max_size=14).map("".join)


# --- RFC 8461 §3.1 --------------------------------------------------------------------------------

NAME = r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,31}"
VALUE = r"[\x21-\x3a\x3c\x3e-\x7e]+"
STS = re.compile(rf"v=STSv1(?:[ \t]*;[ \t]*{NAME}={VALUE})+(?:[ \t]*;[ \t]*)?", re.ASCII)


def sts_by_the_abnf(text):
    """The id, or None. Of several id= the first counts (§3.2), and it must be an sts-id."""
    if not STS.fullmatch(text):
        return None
    ids = re.findall(r";[ \t]*id=([^ \t;]*)", text)
    return ids[0] if ids and re.fullmatch(r"[A-Za-z0-9]{1,32}", ids[0], re.ASCII) else None


@MANY
@given(
    texts(
        "v=STSv1",
        ";",
        "; ",
        " ;",
        "id=",
        "id=a1",
        "x_1=",
        "ab",
        "1" * 33,
        "v=",
        "STSv1",
        "ID=b",
        "-",
    )
)
@example("v=STSv1;id=a")
@example("v=STSv1;id=a;id=-")
@example("v=STSv1;id=" + "1" * 32)
@example("v=STSv1;id=" + "1" * 33)
def test_sts_record(text):
    record, found = read_sts([text])
    assert (record.id if record else None) == sts_by_the_abnf(text)
    assert record is not None or any(f.severity in ("error", "warning") for f in found)
    for finding in found:
        if 'TXT "' in finding.action:
            proposed = finding.action.partition('TXT "')[2].rstrip('"')
            assert sts_by_the_abnf(proposed), "what is proposed must itself be valid"


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_txt_records(given_texts):
    for read in (read_sts, read_tlsrpt):
        record, found = read(given_texts)
        assert record is not None or found
        if record is not None:
            assert record.text in given_texts


# --- RFC 8460 §3 ----------------------------------------------------------------------------------

RPT = re.compile(rf"v=TLSRPTv1(?:[ \t]*;[ \t]*(?:rua=[^;\t ][^;]*?|{NAME}={VALUE}))+(?:[ \t]*;[ \t]*)?", re.ASCII)  # fmt: skip


@MANY
@given(texts("v=TLSRPTv1", ";", "; ", "rua=", "mailto:a@b.example", "https://c.example/r", ",", " , ", "x=1", "!", "%21", "http://d.example", "#", "["))  # fmt: skip
@example("v=TLSRPTv1;rua=mailto:a@b.example")
def test_tlsrpt_record(text):
    record, found = read_tlsrpt([text])
    if record is not None:
        assert RPT.fullmatch(text), "whatever we take, the grammar takes"
        assert record.rua and all(re.match(r"(mailto:|https://)", u) for u in record.rua)
        assert not any(set(u) & set("!,; \t") for u in record.rua)
    else:
        assert any(f.severity in ("error", "warning") for f in found)


@MANY
@given(
    st.lists(
        st.sampled_from(
            ["mailto:a@b.example", "https://c.example/r?x=%2C", "MAILTO:x+y@d.example"]
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([",", " ,", ", ", "\t,\t "]),
    st.sampled_from([";", "; ", " ;\t"]),
    st.booleans(),
)
def test_every_tlsrpt_record_of_the_grammar(uris, comma, delim, ends):
    text = f"v=TLSRPTv1{delim}a.b_c={delim.strip() and 'x'}{delim}rua={comma.join(uris)}" + (delim if ends else "")  # fmt: skip
    if not text.startswith("v=TLSRPTv1;"):
        text = text.replace("v=TLSRPTv1" + delim, "v=TLSRPTv1;", 1)
    record, _ = read_tlsrpt([text])
    assert record is not None and record.rua == tuple(uris)


# --- RFC 8461 §3.2 --------------------------------------------------------------------------------

VCHAR = r"[^\x00-\x20\x7f]"
FIELD = re.compile(rf"({NAME}):[ \t]*({VCHAR}(?:[^\x00-\x1f\x7f]*{VCHAR})?)[ \t]*")
SUB = r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?"
KNOWN = {
    "version": re.compile("STSv1"),
    "mode": re.compile("testing|enforce|none"),
    "max_age": re.compile("[0-9]{1,10}"),
    "mx": re.compile(rf"(?:\*\.)?{SUB}(?:\.{SUB})*"),
}


def policy_by_the_abnf(body):
    """Mode, max_age and mx, or None."""
    text = re.sub(r"\r?\n\Z", "", body, count=1)
    fields = []
    for line in re.split(r"\r?\n", text):
        match = FIELD.fullmatch(line)
        if not match:
            return None
        fields.append(match.groups())
    first = {}
    for name, value in fields:
        if name == "mx" or (name in KNOWN and name not in first):
            if not KNOWN[name].fullmatch(value):
                return None
            first.setdefault(name, value)
    if not {"version", "mode", "max_age"} <= set(first) or int(first["max_age"]) > 31_557_600:
        return None
    patterns = {v.lower(): None for n, v in fields if n == "mx"}
    if not patterns and first["mode"] != "none":
        return None
    return first["mode"], int(first["max_age"]), list(patterns)


LINES = ["version: STSv1", "mode: enforce", "mode: none", "mode:testing ", "mx: a.example", "mx:*.b.example\t", "max_age: 86400", "max_age: 99999999999", "x-y: z w", "Mode: x", "mx: A.example", "mx: a.example.", "version:\tSTSv2", ": x", "max_age : 1", "mode: é", "1_: é"]  # fmt: skip


@MANY
@given(
    st.permutations(["version: STSv1", "mode: enforce", "mx: a.example", "max_age: 86400"]),
    st.lists(st.one_of(st.sampled_from(LINES), st.text(max_size=12)), max_size=3),
    st.sampled_from(["\n", "\r\n", "\n\n", "\r"]),
    st.sampled_from(["", "\n", "\r\n", " ", "\n\n", "\n "]),
    st.integers(0, 5),
)
def test_policy(must, more, term, end, at):
    body = term.join([*must[:at], *more, *must[at:]]) + end
    try:
        raw = body.encode()
    except UnicodeEncodeError:
        return
    policy, found = read_policy(raw)
    want = policy_by_the_abnf(body)
    got = policy and (policy.mode, policy.max_age, [p.lower() for p in policy.mx])
    assert got == want, found
    if policy is None:
        assert any(f.severity == "error" for f in found)
        proposed = found[0].action.partition("\n")[2]
        assert policy_by_the_abnf(proposed), "what is proposed must itself be valid"


@given(st.binary(max_size=300))
def test_any_bytes_as_a_policy(raw):
    policy, found = read_policy(raw)
    assert policy is not None or found


# --- RFC 5321 §4.2: SMTP replies ------------------------------------------------------------------


class Heard:
    """A wire on which these chunks come, and then the end."""

    def __init__(self, chunks):
        self.chunks, self.sent = list(chunks), b""

    async def receive(self):
        return self.chunks.pop(0) if self.chunks else b""

    async def send(self, data):
        self.sent += data


def cut(raw, places):
    edges = sorted({0, len(raw), *(p % (len(raw) + 1) for p in places)})
    return [raw[a:b] for a, b in itertools.pairwise(edges)]


@MANY
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["220", "250", "421", "999"]),
            st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=20),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([b"\r\n", b"\n"]),
    st.lists(st.integers(0, 10_000), max_size=6),
    st.binary(max_size=10),
)
def test_a_reply_however_it_is_cut(lines, end, places, rest):
    raw = b"".join(
        f"{code}{'-' if at < len(lines) else ' '}{text}".encode() + end
        for at, (code, text) in enumerate(lines, 1)
    )
    buffer = bytearray()
    wire = Heard(cut(raw + rest, places))
    code, said = asyncio.run(smtp._reply(wire, buffer, CheckConfig()))
    assert code == lines[-1][0] and said == [text for _, text in lines]
    assert bytes(buffer) + b"".join(wire.chunks) == rest, "what follows is kept, to be seen"


@MANY
@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([b"220 x\r\n", b"250-x\r\n", b"250 STARTTLS\r\n", b"220 go\r\n", b"421 no\r\n"])), max_size=8))  # fmt: skip
def test_any_bytes_as_a_conversation(chunks):
    talk = smtp._Talk()
    wire = Heard([c for c in chunks if c])
    try:
        asyncio.run(smtp._begin(wire, talk, CheckConfig(ehlo_name="me.example")))
    except smtp._EndError as end:
        assert end.outcome in ("inconclusive", "no-starttls", "starttls-refused")
        assert len(end.detail) < 400
    else:
        assert talk.tls_begun and any(e.startswith("STARTTLS") for e in talk.extensions)
    assert wire.sent in (b"", b"EHLO me.example\r\n", b"EHLO me.example\r\nSTARTTLS\r\n", b"EHLO me.example\r\nQUIT\r\n")  # fmt: skip


# --- certificates and TLSA ------------------------------------------------------------------------

DER = x509.load_pem_x509_certificate(
    trustme.CA().issue_cert("mx.d.example").cert_chain_pems[0].bytes()
).public_bytes(Encoding.DER)


@MANY
@given(st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), max_size=4))
def test_certificates_that_were_tampered_with(changes):
    raw = bytearray(DER)
    for at, byte in changes:
        raw[at] = byte
    for read in (read_certificate, _public_key):
        with contextlib.suppress(ValueError):  # the one way to fail
            read(bytes(raw))
    zeros = Answer("ok", ("2 1 1 " + "00" * 32, "3 1 1 " + "00" * 32), secure=True)
    dane = compare("mx.d.example", zeros, True, [bytes(raw), DER], ["mx.d.example"])
    assert dane.verdict != "match", "no key has a digest of zeros"


@pytest.mark.parametrize("kind", range(256))
def test_names_of_every_type(kind):
    """The value of a name's attribute is of a type that its first byte tells, whether ASN.1 has that type or not."""
    organization = b"\x06\x03\x55\x04\x0a"
    raw = DER.replace(organization + b"\x0c", organization + bytes([kind]))
    assert raw != DER or kind == 0x0C
    with contextlib.suppress(ValueError):
        assert read_certificate(raw).key


@given(st.text(max_size=80))
def test_any_text_as_tlsa(text):
    dane = compare("mx.d.example", Answer("ok", (text,), secure=True), True, [DER], [])
    assert dane.verdict in ("match", "mismatch", "unusable")


@pytest.mark.parametrize("text", ["3 1 1 ²", "٣ 1 1 " + "00" * 32, "3 1 1 " + "0" * 63])
def test_tlsa_numbers(text):
    dane = compare("h", Answer("ok", (text,), secure=True), True, [DER], [])
    assert dane.verdict in ("unusable", "mismatch")
