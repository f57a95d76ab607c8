"""A store read by a filter gives the rows of the archive filtered, whatever its months hold."""

import json
from itertools import combinations

import pytest

import mtasts_analysis as ma
from tests.archive.building import report

PARTS = {
    "domains": "d.example",
    "policy_types": "sts",
    "modes": "testing",
    "result_types": "certificate-expired",
    "mx_hosts": "mx1.d.example",
    "effects": "refused",
    "start": "2026-01-01",
    "end": "2026-02-28",
}
"""Each part of a filter beside its senders; every report of the world is chosen by it."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A reports in January and February, B in January alone: as an archive and as a store."""
    folder = tmp_path_factory.mktemp("months")
    given = [("A", 1), ("B", 1), ("A", 2)]
    made = [
        report(n, **{"organization-name": sender, "date-range": {
            "start-datetime": f"2026-0{month}-01T00:00:00Z", "end-datetime": f"2026-0{month}-01T23:59:59Z",
        }})
        for n, (sender, month) in enumerate(given)
    ]  # fmt: skip
    path = folder / "reports.jsonl"
    path.write_text("\n".join(map(json.dumps, made)))
    store = ma.Store(folder / "store")
    store.ingest(path)
    return ma.load(path), store


@pytest.mark.parametrize(("sender", "reports"), [("A", 2), ("B", 1), ("nobody", 0)])
def test_a_month_without_a_report_of_the_sender_is_no_error(world, sender, reports):
    archive, store = world
    assert sorted(store.months) == ["2026-01", "2026-02"]
    for size in range(3):
        for names in combinations(PARTS, size):
            where = ma.Filter(senders=sender, **{name: PARTS[name] for name in names})
            whole, part = archive.filter(where), store.read(where)
            for name in ("reports", "policies", "failures"):
                assert part.tables[name].equals(whole.tables[name]), (where, name)
                assert part.tables[name].num_rows == reports, (where, name)
