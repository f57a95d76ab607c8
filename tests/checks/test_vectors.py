"""Other implementations' own test vectors, read in place: we follow the RFC, and say where somebody does not."""

import json

import pytest

from mtasts_analysis.checks.fetch import is_text_plain
from mtasts_analysis.checks.policy import BODY_MOST, read_policy
from mtasts_analysis.checks.records import read_sts, read_tlsrpt
from mtasts_analysis.names import a_label, mx_matches
from tests.conftest import SHARED

VECTORS = SHARED / "vectors"
pytestmark = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the vectors are not part of the project"
)

# Where our verdict is not the vector's rfc_valid, and why ours stands.
ARGUED = {
    (
        "fetch",
        "<64016 bytes>",
    ): "§3.3 suggests '64 kilobytes': 65,536 to most senders, 64,000 to one. We read it, and"
    " warn (policy-near-limit) from 64,000 on, since some sender refuses it."
}


def vectors(name):
    if not VECTORS.is_dir():
        return []
    return [
        v for v in json.loads((VECTORS / f"{name}.json").read_text()) if v["rfc_valid"] is not None
    ]


def name_of(vector):
    return f"{vector['source_repo'].partition('/')[2]}-{vector['kind']}"


@pytest.mark.parametrize("vector", vectors("mta_sts_record"), ids=name_of)
def test_mta_sts_record(vector):
    given = vector["input"]
    if isinstance(given, str) and vector["kind"] == "rrset":
        return  # NODATA, SERVFAIL ...: test_dns.py
    record, found = read_sts(given if isinstance(given, list) else [given])
    assert (record is not None) == vector["rfc_valid"]
    assert record is not None or found


@pytest.mark.parametrize("vector", vectors("tlsrpt_record"), ids=name_of)
def test_tlsrpt_record(vector):
    given = vector["input"]
    if isinstance(given, dict):
        given = f"v=TLSRPTv1; rua={given['rua_uri']}"
    record, found = read_tlsrpt(given if isinstance(given, list) else [given])
    assert (record is not None) == vector["rfc_valid"]
    assert record is not None or found


def file_with(vector):
    """A whole policy file around what a vector holds."""
    given = vector["input"]
    if vector["kind"] == "mx_value":
        return f"version: STSv1\nmode: enforce\nmx: {given['mx_value']}\nmax_age: 1\n"
    if vector["kind"] == "line":
        line = given["line"]
        rest = {"version": "STSv1", "mode": "none", "mx": "a.example", "max_age": "1"}
        rest.pop(line.partition(":")[0], None)
        return "\n".join([line, *(f"{k}: {v}" for k, v in rest.items())])
    return given


@pytest.mark.parametrize("vector", vectors("policy"), ids=name_of)
def test_policy(vector):
    given = vector["input"]
    if vector["kind"] == "content_type":
        got = is_text_plain(given["content_type"])
    elif vector["kind"] == "fetch":
        body = given.get("body", "version: STSv1\nmode: none\nmax_age: 1")
        if (vector["kind"], body) in ARGUED:
            _, found = read_policy(b"version: STSv1\nmode: none\nmax_age: 1\nx: " + b"a" * 63_970)
            assert [f.code for f in found] == ["policy-near-limit"]
            return
        if body and body.endswith('KB of "a">'):
            body = "a" * (2 * BODY_MOST)
        got = (
            given["http_status"] == 200
            and is_text_plain(given.get("content_type", "text/plain"))
            and given.get("cert", "ok") == "ok"
            and given.get("tls_handshake", True)
            and read_policy(body or "")[0] is not None
        )
    else:
        got = read_policy(file_with(vector))[0] is not None
    assert got == vector["rfc_valid"]


@pytest.mark.parametrize("vector", vectors("mx_match"), ids=name_of)
def test_mx_match(vector):
    given = vector["input"]

    def labels(name):
        wild = "*." if name.startswith("*.") else ""
        try:
            return wild + a_label(name.removeprefix("*."))
        except ValueError:
            return name

    got = any(mx_matches(labels(given["host"]), labels(p)) for p in given["patterns"])
    assert got == vector["rfc_valid"]
