"""Other implementations' own test vectors, read in place: we follow the RFC, and say where somebody does not."""

import json

import pytest

from mtasts_analysis.checks.fetch import is_text_plain
from mtasts_analysis.checks.policy import BODY_MOST, read_policy
from mtasts_analysis.checks.records import read_sts, read_tlsrpt
from mtasts_analysis.names import a_label, mx_matches
from tests.conftest import SHARED

VECTORS = SHARED / "vectors"
FILES = ("mta_sts_record", "tlsrpt_record", "policy", "mx_match")
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


def in_dns(vector):
    """A vector that is no text but what DNS does: NODATA, SERVFAIL and the like."""
    return vector["kind"] == "rrset" and isinstance(vector["input"], str)


@pytest.mark.parametrize("vector", vectors("mta_sts_record"), ids=name_of)
def test_mta_sts_record(vector, lab, check):
    given = vector["input"]
    if in_dns(vector):
        state = dns_does(lab, check, "_mta-sts", given).state
        assert state == ("absent" if given in ("NODATA", "NXDOMAIN") else "unknown")
        return
    record, found = read_sts(given if isinstance(given, list) else [given])
    assert (record is not None) == vector["rfc_valid"]
    wanted = vector["expected_fields"] or {}
    if record is not None and "id" in wanted:
        assert record.id == wanted["id"]
    assert record is not None or found


def dns_does(lab, check, label, given):
    domain = f"{given.lower()}.vectors.example"
    lab.domain(domain)
    name = f"{label}.{domain}"
    if given in ("NODATA", "NXDOMAIN"):
        lab.zone.pop((name, "TXT"))
        if given == "NODATA":
            lab.records(name, "A", "127.0.0.1")
    else:
        lab.status[name] = given
    try:
        return check(domain, smtp=False)
    finally:
        lab.status.pop(name, None)
        lab.zone.pop((name, "A"), None)


@pytest.mark.parametrize("vector", vectors("tlsrpt_record"), ids=name_of)
def test_tlsrpt_record(vector, lab, check):
    given = vector["input"]
    if in_dns(vector):
        found = dns_does(lab, check, "_smtp._tls", given).findings
        absent = given in ("NODATA", "NXDOMAIN")
        assert f"tlsrpt-record-{'missing' if absent else 'dns-failed'}" in [f.code for f in found]
        return
    if isinstance(given, dict):
        given = f"v=TLSRPTv1; rua={given['rua_uri']}"
    record, found = read_tlsrpt(given if isinstance(given, list) else [given])
    assert (record is not None) == vector["rfc_valid"]
    wanted = vector["expected_fields"] or {}
    if record is not None and "uris" in wanted:
        assert len(record.rua) == wanted["uris"]
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
        policy, _ = read_policy(file_with(vector))
        got = policy is not None
        for name in {"mode", "max_age"} & set(vector["expected_fields"] or {}) if policy else ():
            assert getattr(policy, name) == vector["expected_fields"][name]
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


def test_how_many():
    """Each is asked, but for those that are no question of validity: those must do no harm."""
    every = [v for n in FILES for v in json.loads((VECTORS / f"{n}.json").read_text())]
    asked = [v for n in FILES for v in vectors(n)]
    others = [v for v in every if v["rfc_valid"] is None]
    differ = [v for v in asked if v["expected_valid"] != v["rfc_valid"]]
    for vector in others:
        given = vector["input"]
        if isinstance(given, str):
            for read in (lambda t: read_sts([t]), lambda t: read_tlsrpt([t]), read_policy):
                assert read(given)[0] is not None or read(given)[1]
    assert len(asked) + len(others) == len(every) and len(asked) > 400
    print(
        f"{len(every)} vectors of {len({v['source_repo'] for v in every})} projects: {len(asked)} asked,"
        f" {len(ARGUED)} judged otherwise and argued, {len(others)} are no question of validity;"
        f" in {len(differ)} the project itself departs from the RFC, and we follow the RFC"
    )
