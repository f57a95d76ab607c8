"""Every measure on a store equals the one on the archive: the cubes are exact."""

import json
import random

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import mtasts_analysis as ma
from mtasts_analysis.analysis import cubes
from mtasts_analysis.bundled import notebooks
from mtasts_analysis.store import ingest
from tests.archive.building import report

WHERES = [
    ma.Filter(),
    ma.Filter(domains="clinic.example"),
    ma.Filter(policy_types="tlsa"),
    ma.Filter(policy_types=["sts", None], modes=["testing", None]),
    ma.Filter(start="2026-03-01", end="2026-03-20"),
    ma.Filter(result_types="certificate-expired"),
    ma.Filter(senders="Google LLC"),
    ma.Filter(effects="refused", mx_hosts="mx2.clinic.example"),
]
MEASURES = {
    "failure_types": ma.failure_types,
    "effects": ma.effects,
    "failures_by_mx": ma.failures_by_mx,
    "failures_by_address": ma.failures_by_address,
    "unexplained": ma.unexplained,
    "senders": ma.senders,
    "over_time": ma.over_time,
    "by week and sender": lambda d, w: ma.over_time(d, w, "week", "sender"),
    "by month and mode": lambda d, w: ma.over_time(d, w, "month", "mode"),
    "failures_over_time": ma.failures_over_time,
    "change_points": ma.change_points,
    "policy_history": ma.policy_history,
    "interception_leads": ma.interception_leads,
    "replay": lambda d, w: ma.replay(d, w).cells,
    "replay details": lambda d, w: ma.replay(d, w).details,
    "replay of a draft": lambda d, w: ma.replay(d, w, DRAFT).cells,
}
DRAFT = "version: STSv1\nmode: enforce\nmx: mx1.clinic.example\nmax_age: 86400\n"


def in_order(frame):
    """A frame in an order of its own: equal rows may tie."""
    if frame.empty:
        return frame
    keys = [column for column in frame.columns if column != "text"]
    by = frame[keys].astype("str")
    return frame.loc[by.sort_values(keys).index].reset_index(drop=True)


def equal(one, other):
    assert_frame_equal(in_order(one), in_order(other), check_categorical=False, rtol=1e-12)


def filled(tmp_path, paths, monkeypatch, flush=300):
    monkeypatch.setattr(ingest, "FLUSH", flush)
    monkeypatch.setattr(ingest, "CHECKPOINT", 2 * flush)
    store = ma.Store(tmp_path / "store")
    store.ingest(paths)
    return store


@pytest.fixture(scope="module")
def sample():
    return ma.load(ma.sample_archive())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return filled(tmp_path_factory.mktemp("sample"), ma.sample_archive(), patch)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Reports of several policy results, overlapping details, long spans, no dates, great counts."""
    rng = random.Random(7)
    path = tmp_path_factory.mktemp("mixed") / "a.jsonl"
    with path.open("w") as file:
        for n in range(400):
            file.write(json.dumps(made(rng, n)) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        return filled(path.parent, path, patch, flush=150), ma.load(path)


def made(rng, n):
    day = f"2026-{rng.randrange(1, 4):02}-{rng.randrange(1, 6):02}"
    end = "2026-03-31T00:00:00Z" if rng.random() < 0.05 else f"{day}T23:59:59Z"
    policies = []
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        one = report()["policies"][0]
        domain = rng.choice(["a.example", "b.example", "mx1.d.example"])
        one["policy"]["policy-domain"] = domain
        one["policy"]["policy-type"] = rng.choice(["sts", "sts", "tlsa", "no-policy-found", "odd"])
        if rng.random() < 0.3:
            one["policy"]["policy-string"][1] = "mode: enforce"
        details = [
            {
                "result-type": rng.choice(["certificate-expired", "validation-failure", "new-type"]),
                "receiving-mx-hostname": rng.choice(["mx1.d.example", "MX1.d.example.", "other.example"]),
                "receiving-ip": f"192.0.2.{rng.randrange(3)}",
                "failed-session-count": rng.choice([1, 2, 5, 2**62 if rng.random() < 0.02 else 3]),
            }
            for _ in range(rng.choice([0, 0, 1, 2, 3]))
        ]  # fmt: skip
        one["failure-details"] = details
        failed = rng.choice([0, 3, 10, 40])
        one["summary"] = {
            "total-successful-session-count": rng.choice([0, 10, 500]),
            "total-failure-session-count": failed,
        }
        if rng.random() < 0.05:
            del one["summary"]["total-failure-session-count"]
        policies.append(one)
    found = report(
        n, policies=policies, **{"organization-name": rng.choice(["A Inc.", "A", "B", ""])}
    )
    found["date-range"] = {"start-datetime": f"{day}T00:00:00Z", "end-datetime": end}
    if rng.random() < 0.03:
        del found["date-range"]
    return found


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("where", WHERES, ids=str)
def test_on_the_sample(name, where, sample, store):
    equal(MEASURES[name](store, where), MEASURES[name](sample, where))


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("where", [ma.Filter(), ma.Filter(domains="a.example"), ma.Filter(policy_types=["tlsa", "odd"]), ma.Filter(senders=["B", None], mx_hosts="mx1.d.example")], ids=str)  # fmt: skip
def test_on_what_no_sum_keeps(name, where, mixed):
    store, data = mixed
    equal(MEASURES[name](store, where), MEASURES[name](data, where))


def test_compare_and_the_whole_page(sample, store):
    where = ma.Filter(domains="clinic.example")
    equal(ma.compare(store, "2026-03-17", where), ma.compare(sample, "2026-03-17", where))
    assert repr(ma.overview(store)) == repr(ma.overview(sample))


def test_the_summary(sample, store, mixed):
    for one, other in ((store, sample), mixed):
        left, right = one.summary(), other.summary
        assert (left.reports, left.first, left.last, left.senders) == (
            right.reports,
            right.first,
            right.last,
            right.senders,
        )
        assert left.accounting == right.accounting
        equal(left.sessions, right.sessions)
        equal(left.problems, right.problems)
    assert repr(store).splitlines()[0] == repr(sample).splitlines()[0]


def test_the_assessment(sample, store):
    for domain in ("clinic.example", "harbour.example", "bakery.example"):
        one, other = ma.assess(store, domain), ma.assess(sample, domain)
        assert one.sentence == other.sentence
        assert repr(one) == repr(other)
        assert_frame_equal(one.table.drop(columns="evidence", errors="ignore"), other.table.drop(columns="evidence", errors="ignore"))  # fmt: skip
    assert repr(ma.assess_all(store)) == repr(ma.assess_all(sample))


def test_the_write_up(sample, store, tmp_path):
    for name, data in (("a", store), ("b", sample)):
        ma.assess(data, "clinic.example").write_up(tmp_path / f"{name}.md")
    assert (tmp_path / "a.md").read_text() == (tmp_path / "b.md").read_text()


def test_the_panel(sample, store):
    panels = [
        ma.explore(data, ma.Filter(), name=f"store {n}") for n, data in enumerate((store, sample))
    ]
    for view in ("sessions", "failures", "senders", "policies"):
        for panel in panels:
            panel.show(ma.Filter(domains="clinic.example"), view=view)
        equal(panels[0].frame, panels[1].frame)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["00_start_here", "02_failure_types", "03_sender_trends", "05_enforcement_readiness", "06_monthly_write_up"])  # fmt: skip
def test_the_notebooks(name, store, tmp_path, monkeypatch):
    """What a notebook does with an archive it does with a store; 01 is about rows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ma, "load", lambda *_, **__: store)
    (path,) = (one for one in notebooks() if one.stem == name)
    names = {}
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert names["data"] is store


def test_problems_and_filter(sample, store):
    one, other = (x.problems.sort_values(["origin", "code", "detail"]) for x in (store, sample))
    assert one.astype("str").to_numpy().tolist() == other.astype("str").to_numpy().tolist()
    assert list(store.problems.dtypes) == list(sample.problems.dtypes)
    where = ma.Filter(domains="clinic.example")
    assert len(store.filter(where).failures) == len(sample.filter(where).failures)


@pytest.mark.parametrize(
    "where",
    [
        *WHERES,
        ma.Filter(senders=["Gogol LLC", "reflux.example", "nobody"]),
        ma.Filter(senders="nobody"),
        ma.Filter(domains=["harbour.example", None], policy_types="tlsa"),
        ma.Filter(start="2027-01-01"),
    ],
    ids=str,
)
def test_rows_of_a_filter(where, sample, store):
    """What is read with the filter pushed down is what the filter chooses of the whole."""
    chosen = sample.filter(where)
    found = store.read(where)
    for name, keys in (("reports", "report_key"), ("policies", "policy_key"), ("failures", "failure_key"), ("problems", ["origin", "code", "detail"])):  # fmt: skip
        one, other = (
            getattr(x, name).sort_values(keys, ignore_index=True) for x in (found, chosen)
        )
        for column in other.columns:
            assert one[column].astype("str").tolist() == other[column].astype("str").tolist()
    for columns in SOME:
        some = store.read(where, columns=columns)
        assert {name: table.column_names for name, table in some.items()} == columns
        for name, table in some.items():
            assert table.equals(found.tables[name].select(columns[name]))


SOME = [
    {"policies": ["domain", "mode"]},
    {"policies": ["mode"], "failures": ["failed_session_count", "failure_key"]},
    {"problems": ["code"]},
    {"problems": ["detail", "report_key"], "reports": ["organization_name"]},
    {"reports": ["span_hours"]},
    {},
]


def test_only_what_is_wanted_is_read(store, monkeypatch):
    """Of ten million reports two columns are in memory, not all of them."""
    read = []
    monkeypatch.setattr(store, "_table", watching(store._table, read))
    store.read(columns={"policies": ["domain", "max_age"], "failures": ["result_type"]})
    assert {(name, *columns) for name, columns in read} == {
        (
            "policies",
            "domain",
            "max_age",
            "policy_type",
        ),  # the type tells which domains are to be mapped
        ("failures", "result_type"),
    }


def watching(work, read):
    def watched(file, schema, expression=None):
        read.append((file.name.partition("/")[2].partition("-")[0], schema.names))
        return work(file, schema, expression)

    return watched


def test_columns_that_are_none(store):
    for columns in (["policies"], {"policies": "domain"}, {"policies": None}):
        with pytest.raises(
            ma.InputError, match=r'expected tables with lists of columns, as \{"pol'
        ):
            store.read(columns=columns)
    with pytest.raises(ma.InputError, match="columns: expected"):
        store.read(columns={"policies": ["nonsense"]})
    with pytest.raises(ma.InputError, match="columns: expected"):
        store.read(columns={"nonsense": []})
    with pytest.raises(ma.InputError, match="expected each column once; got domain, domain"):
        store.read(columns={"policies": ["domain", "domain"]})
    found = store.read(columns={"policies": iter(["domain"])})["policies"]
    assert found.column_names == ["domain"] and found.num_rows


def test_files_for_other_programs(sample, store):
    import duckdb

    query = "select sum(total_successful_session_count) from read_parquet(?)"
    ((found,),) = duckdb.connect().execute(query, [store.files("policies")]).fetchall()
    assert found == sample.policies["total_successful_session_count"].sum()


def test_alike_is_one_row():
    """A hundred reports that say the same of one day are one row that stands for a hundred."""
    data = ma.load("\n".join(json.dumps(report(n)) for n in range(100)).encode())
    found = cubes.cube(data.tables)
    assert {name: len(table) for name, table in found.items()} == dict.fromkeys(found, 1)
    assert found["reports"]["reports"].to_pylist() == [100]
    assert found["failures"]["details"].to_pylist() == [100]
    assert found["policies"]["total_failure_session_count"].to_pylist() == [300]
    twice = cubes.cube(cubes.joined([found, found]))
    assert twice["reports"]["reports"].to_pylist() == [200]
    assert np.isin([600], pd.array(twice["failures"]["failed_session_count"].to_pylist())).all()


def test_no_cube_of_nothing():
    found = cubes.cube(cubes.empty())
    assert not any(len(table) for table in found.values())
