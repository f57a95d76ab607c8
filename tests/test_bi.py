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
QUESTIONS = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def bi(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bi")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
            exec(compile(block, "bi.md", "exec"), {})
    return folder


def asked(folder, sql, zone="UTC"):
    with pytest.MonkeyPatch.context() as patch, duckdb.connect() as session:
        patch.chdir(folder)
        session.sql(f"SET TimeZone = '{zone}'")
        return session.sql(sql).fetchall()


@pytest.fixture(scope="module", params=["UTC", "America/New_York", "Asia/Tokyo"])
def answers(bi, request):
    return [asked(bi, sql, request.param) for sql in QUESTIONS]


def test_the_share_by_domain_and_month(answers):
    failed, months = {}, {}
    for domain, month, count, share in answers[0]:
        key = f"{domain} sts"
        failed[key] = failed.get(key, 0) + int(count)
        months.setdefault(domain, []).append(f"{month:%Y-%m}")
        assert 0 <= share < 0.1
    assert failed == {k: v[1] for k, v in TRUTH["sessions"].items() if k.endswith(" sts")}
    assert months["bakery.example"] == ["2026-02", "2026-03", "2026-04", "2026-05"]


def test_a_count_that_is_not_there_counts_as_none(tmp_path):
    """It must not take what failed beside it out of the whole."""
    silent = report(0, [policy(0, [("dns-error", "mx", 1)])])
    del silent["policies"][0]["summary"]["total-successful-session-count"]
    load([silent, report(1, [policy(2, [("dns-error", "mx", 1)])])]).export(tmp_path / "bi")
    ((*_, failed, share),) = asked(tmp_path, QUESTIONS[0])
    assert (failed, share) == (2, 0.5)


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
    data = ma.load(ma.sample_archive(), progress=False)
    week = ma.Filter(start="2026-04-25")  # the last start day is 1 May
    expected = {
        (sender, kind): sessions
        for sender in ma.senders(data, week)["sender"]
        for kind, sessions in ma.failure_types(data, week.but(senders=sender))
        .groupby("result_type")["sessions"]
        .sum()
        .items()
    }
    assert {(sender, kind): int(n) for sender, kind, n in answers[4]} == expected
    assert expected["Gogol LLC", "validation-failure"] == 36


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
