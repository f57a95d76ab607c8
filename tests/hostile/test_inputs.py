"""Each hostile input alone: nothing raises, what is good loads, and all of it is accounted for."""

import dataclasses
import re

import pyarrow as pa
import pytest

import mtasts_analysis as ma
from tests.hostile import inputs, texts

ALL = inputs.named()
LIMITS = ma.Limits()


def params(found):
    return [
        pytest.param(one, id=one.name, marks=pytest.mark.slow if one.slow else ()) for one in found
    ]


def accounted(data):
    """Every item is something, and every table agrees with the account."""
    a = data.accounting
    assert a.items == a.reports + a.duplicates + a.not_reports + a.rejected
    assert a.items >= 1
    assert len(data.tables["reports"]) == a.reports
    codes = data.tables["problems"]["code"].to_pylist()
    assert codes.count("not-a-report") == a.not_reports
    assert codes.count("duplicate") == a.duplicates
    assert data.tables["problems"]["severity"].to_pylist().count("error") == a.rejected
    return a


def joined(data):
    """The star's keys hold: no row belongs to nothing, none stands twice."""
    keys = {}
    for table, key, outer, of in (
        ("reports", "report_key", None, None),
        ("policies", "policy_key", "report_key", "reports"),
        ("failures", "failure_key", "policy_key", "policies"),
    ):
        found = data.tables[table][key].to_pylist()
        keys[table] = set(found)
        assert len(found) == len(keys[table])
        if of is not None:
            assert set(data.tables[table][outer].to_pylist()) <= keys[of]


def test_each_refusal_names_its_limit():
    """And so the option that raises it: `load(limits=Limits(<name>=...))`."""
    names = {field.name for field in dataclasses.fields(LIMITS)}
    told = 0
    for one in ALL:
        if any(code.startswith("limit-") for code in one.codes) and not one.slow:
            for row in ma.load(one.make()).tables["problems"].to_pylist():
                if row["code"].startswith("limit-"):
                    told += 1
                    name = re.search(r"\(limit: (\w+)\)", row["detail"])
                    assert name, row
                    assert name[1] in names
    assert told > 10


def test_there_are_enough():
    assert len(ALL) >= 200


@pytest.mark.parametrize("one", params(ALL))
def test_alone(one, tmp_path):
    data = ma.load(one.make())
    assert accounted(data).reports == one.loads
    assert set(data.tables["problems"]["code"].to_pylist()) == one.codes
    joined(data)
    for table in data.tables.values():
        table.validate(full=True)
    # It reaches disk, and comes back the same.
    data.to_parquet(tmp_path)
    again = ma.read_parquet(tmp_path)
    for name, table in data.tables.items():
        assert again.tables[name].equals(table), name
    assert repr(data)
    assert data._repr_html_()


@pytest.mark.parametrize(
    ("name", "raw", "value", "_code"), texts.COUNTS, ids=[c[0] for c in texts.COUNTS]
)
def test_count(name, raw, value, _code):
    data = ma.load(texts.count(raw))
    column = data.tables["policies"]["total_successful_session_count"]
    assert column.type == pa.int64()
    assert column.to_pylist() == [value]


@pytest.mark.parametrize(
    ("name", "raw", "value", "_code"), texts.STRINGS, ids=[s[0] for s in texts.STRINGS]
)
def test_string(name, raw, value, _code):
    data = ma.load(texts.organization(raw))
    assert data.tables["reports"]["organization_name"].to_pylist() == [value]


def test_sums_are_those_of_python():
    """Every count in one archive: no sum wraps, none is a float, none counts a bool."""
    reports = []
    for n, (_, raw, _, _) in enumerate(texts.COUNTS):
        reports.append(texts.count(raw).replace(b'd.example"', b'd.example-%d"' % n, 1))
    data = ma.load(b"\n".join(reports))
    expected = sum(value for _, _, value, _ in texts.COUNTS if value is not None)
    assert data.accounting.reports == len(texts.COUNTS)
    assert expected > 2**63
    assert data.summary.sessions["successful"].tolist() == [expected]


@pytest.mark.parametrize("byte", range(256))
def test_one_byte(byte):
    assert accounted(ma.load(bytes([byte]))).reports == 0
