"""The bundled archive: the same bytes at every run, and what was put in comes out."""

import importlib.util
import json

import pytest

import mtasts_analysis as ma
from tests.conftest import ROOT

TRUTH = json.loads((ROOT / "data" / "truth.json").read_text())


@pytest.fixture(scope="module")
def data():
    return ma.load(ROOT / "data" / "sample", progress=False)


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_made_again_byte_for_byte(tmp_path):
    spec = importlib.util.spec_from_file_location("make_sample", ROOT / "data" / "make_sample.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(tmp_path)
    assert files(tmp_path / "sample") == files(ROOT / "data" / "sample")
    assert json.loads((tmp_path / "truth.json").read_text()) == TRUTH
    assert sum(map(len, files(tmp_path / "sample").values())) < 1_000_000


def test_accounting(data):
    account = data.accounting
    for name in ("items", "reports", "duplicates", "conflicts", "rejected", "not_reports_by_kind"):
        assert getattr(account, name) == TRUTH[name], name
    assert (len(data.policies), len(data.failures)) == (TRUTH["policies"], TRUTH["failures"])


def sums(frame, keys):
    names = ["total_successful_session_count", "total_failure_session_count"]
    grouped = frame.groupby(keys, observed=True)[names].sum()
    return {
        " ".join(map(str, k)): [int(a), int(b)]
        for k, (a, b) in zip(grouped.index, grouped.values, strict=True)
    }


def test_sessions(data):
    assert sums(data.policies, ["domain", "policy_type"]) == TRUTH["sessions"]
    named = data.policies.merge(data.reports[["report_key", "organization_name"]], on="report_key")
    assert (
        sums(named, ["domain", "organization_name", "policy_type"]) == TRUTH["sessions_by_sender"]
    )


def test_failures(data):
    rows = data.failures.merge(data.policies[["policy_key", "domain"]], on="policy_key")
    found = rows.groupby(["domain", "result_type"], observed=True)["failed_session_count"].sum()
    assert {" ".join(k): int(v) for k, v in found.items()} == TRUTH["failed_sessions_by_type"]


def test_it_needs_no_real_sample(data):
    """The made-up senders force the tolerances that real ones do."""
    assert set(data.problems["code"]) >= {
        "contact-info-null", "count-as-string", "date-without-zone", "domain-not-normal", "duplicate", "conflict",
        "gzip-truncated", "mx-host-prefix", "policy-domain-missing", "policy-string-double-encoded",
        "policy-type-case", "unknown-result-type", "not-a-report",
    }  # fmt: skip
