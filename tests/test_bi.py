"""docs/bi.md: its Python and its SQL run, and say what truth.json says."""

import json
import re

import duckdb
import pytest

import mtasts_analysis as ma
from tests.analysis.world import load, policy, report
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "bi.md").read_text()
TRUTH = json.loads((ROOT / "data" / "truth.json").read_text())


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bi")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
            exec(compile(block, "bi.md", "exec"), {})
        return [
            duckdb.connect().sql(sql).fetchall()
            for sql in re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
        ]


def test_the_share_by_domain_and_month(answers):
    failed = {}
    for domain, _, count, _ in answers[0]:
        failed[f"{domain} sts"] = failed.get(f"{domain} sts", 0) + int(count)
    assert failed == {k: v[1] for k, v in TRUTH["sessions"].items() if k.endswith(" sts")}


def test_what_enforce_would_refuse(answers):
    found = {(domain, effect): int(n) for domain, effect, n in answers[1]}
    types = TRUTH["failed_sessions_by_type"]
    assert found["clinic.example", "refused"] == sum(
        n for k, n in types.items() if k.startswith("clinic.example") and "too-old" not in k
    )
    assert found["clinic.example", "unknown"] == types["clinic.example tls-version-too-old"]


def test_mx_hosts(answers):
    expected = TRUTH["failed_sessions_by_type"]["clinic.example certificate-expired"]
    assert ("mx2.clinic.example", "certificate-expired", expected) == answers[2][0]


def test_modes_by_sender(answers):
    modes = {(domain, sender): set() for domain, sender, *_ in answers[3]}
    for domain, sender, mode, *_ in answers[3]:
        modes[domain, sender].add(mode)
    assert modes["bakery.example", "Old MTA Ltd"] == {
        "testing"
    }  # the sender of the story that keeps the old policy
    # Two days without a policy: the outage of the policy host.
    assert modes["bakery.example", "Gogol LLC"] == {"testing", "enforce", None}


def test_the_last_week(answers):
    assert answers[4]
    assert all(count > 0 for *_, count in answers[4])


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_totals_stand_once(tmp_path, kind):
    data = load(
        [
            report(0, [policy(5, [("dns-error", "=mx", 2), ("validation-failure", "mx", 1)])]),
            report(1, [policy(7)]),
        ]
    )
    data.export(tmp_path, format=kind)
    read = {"parquet": "read_parquet", "csv": "read_csv", "jsonl": "read_json"}[kind]
    path = tmp_path / f"sessions.{kind}"
    sums = (
        duckdb.connect()
        .sql(
            "SELECT count(*), sum(total_successful_session_count), sum(total_failure_session_count),"
            f" sum(detailed_session_count) FROM {read}('{path}')"
        )
        .fetchall()[0]
    )
    assert tuple(map(int, sums)) == (2, 12, 3, 3)


@pytest.mark.parametrize(
    "text", ["=1+1", "'=1+1", "''@x", "-1", "+x", "@x", "\tx", "\rx", "'plain", "a=b", "", None]
)
def test_a_csv_cell_is_inert_and_comes_back(tmp_path, text):
    data = load([{**report(0, [policy(1)]), "organization-name": text, "contact-info": text}])
    data.export(tmp_path, format="csv")
    written = (tmp_path / "reports.csv").read_text()
    for cell in re.findall(r'(?:^|,)"?([^",]*)', written):
        assert not cell.startswith(("=", "@", "+", "\t", "\r"))
        assert not cell.startswith("-")
    back = ma.read_csv(tmp_path)
    for name, table in data.tables.items():
        assert back.tables[name].to_pylist() == table.to_pylist(), name


def test_a_csv_that_is_none(tmp_path):
    with pytest.raises(ma.InputError, match=r"reports\.csv: expected a CSV"):
        ma.read_csv(tmp_path)
