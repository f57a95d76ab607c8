"""Counts up to 2^63-1 in many reports: no sum wraps or is a float, nothing raises, wherever it is shown."""

import json
from datetime import date

import pandas as pd
import pyarrow as pa
import pytest

import mtasts_analysis as ma
from mtasts_analysis.analysis.bi import sessions as flat
from mtasts_analysis.cli import main
from mtasts_analysis.readiness.publish import inventory
from mtasts_analysis.show.views import VIEWS
from tests.analysis.world import load, policy, report

MOST = 2**63 - 1
MX1, MX2 = "mx1.d.example", "mx2.d.example"
DAYS = 28
LOST = "certificate-expired"

# Of each hostile report: its sender, its day, the sessions that passed, those of its details and those that its
# summary says failed.
WORLDS = {
    "one": [("A", 26, MOST, (1,), 1)],
    "half": [("A", 26, 2**62, (2**62,), 2**62), ("B", 26, 2**62, (2**62,), 2**62)],
    "past 2^63": [("A", 26, 0, (MOST,), MOST), ("B", 27, 0, (MOST,), MOST)],
    "past 2^64": [(s, d, MOST, (MOST,), MOST) for s in ("A", "B") for d in range(20, 28)],
    "two details": [("A", d, MOST, (MOST, MOST), MOST) for d in range(20, 28)],
    "no summary": [("A", d, 5, (MOST, MOST), 0) for d in range(20, 28)],
}


def hostile(rows):
    """40 ordinary reports and some that are not."""
    made = [
        report(n % DAYS, [policy(1000 + n, [(LOST, MX1, 3)])], sender=f"S{n // DAYS}")
        for n in range(40)
    ]
    for sender, day, passed, details, failed in rows:
        lost = [(LOST, MX1, details[0]), *((LOST, MX2, count) for count in details[1:])]
        made.append(report(day, [policy(passed, lost, total=failed)], sender=sender))
    return made


def figures(made):
    """What the reports say, one by one: sender, day, passed, failed, and the details by MX."""
    for one in made:
        (block,) = one["policies"]
        day = (date.fromisoformat(one["date-range"]["start-datetime"][:10]) - date(2026, 3, 1)).days
        yield (
            one["organization-name"], day, block["summary"]["total-successful-session-count"],
            block["summary"]["total-failure-session-count"],
            {d["receiving-mx-hostname"]: d["failed-session-count"] for d in block["failure-details"]},
        )  # fmt: skip


@pytest.fixture(scope="module", params=WORLDS)
def world(request, tmp_path_factory):
    made = hostile(WORLDS[request.param])
    folder = tmp_path_factory.mktemp("sums")
    path = folder / "reports.json"
    path.write_text(json.dumps(made))
    store = ma.Store(folder / "store")
    store.ingest(path)
    return {"load": load(made), "store": store}, list(figures(made)), path


@pytest.fixture(params=["load", "store"])
def asked(request, world):
    data, truth, _ = world
    return data[request.param], truth


def added(column):
    """A column's sum by Python; and pandas gives the same."""
    values = [0 if pd.isna(value) else int(value) for value in column]
    assert int(column.sum()) == sum(values)
    return sum(values)


def by(truth, key, value):
    found = {}
    for row in truth:
        found[key(row)] = found.get(key(row), 0) + value(row)
    return found


def told(frame, key, value):
    return dict(zip(frame[key], map(int, frame[value]), strict=True))


def test_measures(asked):
    data, truth = asked
    passed, failed = (sum(row[at] for row in truth) for at in (2, 3))
    detailed = {mx: sum(row[4].get(mx, 0) for row in truth) for mx in (MX1, MX2)}
    detailed = {mx: count for mx, count in detailed.items() if count}
    lost = sum(detailed.values())
    for period in ("day", "week", "month"):
        for split in (None, "sender", "domain", "policy_type", "mode"):
            frame = ma.over_time(data, by=period, split=split)
            sums = [added(frame[name]) for name in ("successful", "failed", "sessions")]
            assert sums == [passed, failed, passed + failed]
        for split in ("result_type", "effect", "mx_host"):
            assert added(ma.failures_over_time(data, by=period, split=split)["sessions"]) == lost
    found = ma.over_time(data, split="sender", by="month")
    assert told(found, "sender", "failed") == by(truth, lambda r: r[0], lambda r: r[3])
    found = ma.senders(data)
    assert told(found, "sender", "sessions") == by(truth, lambda r: r[0], lambda r: r[2] + r[3])
    assert told(found, "sender", "failed") == by(truth, lambda r: r[0], lambda r: r[3])
    assert added(found["sessions"]) == passed + failed
    for measure in (ma.failure_types, ma.effects, ma.failures_by_mx, ma.failures_by_address):
        assert added(measure(data)["sessions"]) == lost
    assert ma.failure_types(data)["share"].tolist() == [1.0]
    assert told(ma.failures_by_mx(data), "mx_host", "sessions") == detailed
    outside = ma.failure_types(data)["not_in_policy"]
    assert added(outside) == detailed.get(MX2, 0)
    row = ma.unexplained(data).iloc[0]
    gaps = [row[3] - sum(row[4].values()) for row in truth]
    assert [int(row[n]) for n in ("failed", "detailed", "unexplained", "overlapping")] == [
        failed, lost, sum(g for g in gaps if g > 0), -sum(g for g in gaps if g < 0),
    ]  # fmt: skip
    assert added(ma.policy_history(data)["sessions"]) == passed + failed
    face = (data.summary if isinstance(data, ma.Archive) else data.summary()).sessions
    assert (added(face["successful"]), added(face["failed"])) == (passed, failed)


def test_changes_and_sides(asked):
    data, truth = asked

    def lost(mx, first, last):
        return sum(row[4].get(mx, 0) for row in truth if first <= row[1] <= last)

    for row in ma.change_points(data).to_dict("records"):
        first, cut, last = (
            (row[name].date() - date(2026, 3, 1)).days for name in ("first_day", "day", "last_day")
        )
        assert int(row["failed_before"]) == lost(row["mx_host"], first, cut - 1)
        assert int(row["failed_after"]) == lost(row["mx_host"], cut, last)
    for row in ma.compare(data, "2026-03-21", days=20).to_dict("records"):
        assert int(row["failed_before"]) == lost(row["mx_host"], 0, 19)
        assert int(row["failed_after"]) == lost(row["mx_host"], 20, 27)
        for name, days in (("before", range(20)), ("after", range(20, 28))):
            assert int(row[f"sessions_{name}"]) == sum(r[2] + r[3] for r in truth if r[1] in days)


def test_judgements(asked, tmp_path):
    data, truth = asked
    # Where a summary says that nothing failed, the details are all there is.
    failed = sum(row[3] or sum(row[4].values()) for row in truth)
    whole = sum(row[2] for row in truth) + failed
    found = ma.assess(data, "d.example", as_of="2026-03-29")
    assert (found.impact.sessions, found.impact.refused) == (whole, failed)
    for frame in (found.impact.cells, found.impact.by_day, found.impact.by_sender):
        assert (added(frame["sessions"]), added(frame["refused"])) == (whole, failed)
    assert added(ma.assess_all(data, as_of="2026-03-29").frame["sessions"]) == whole
    hosts = inventory("d.example", data)
    lost = sum(sum(row[4].values()) for row in truth)
    assert added(hosts["failed_sessions"]) == lost
    for name in ("html", "md", "docx", "pdf"):
        assert found.write_up(tmp_path / f"readiness.{name}", author="A. Analyst").stat().st_size
    assert f"{whole:,}" in (tmp_path / "readiness.md").read_text(encoding="utf-8")
    texts = [a.text for a in ma.alerts(data, "2026-03-20", today=date(2026, 3, 29))]
    recent = sum(sum(row[4].values()) for row in truth if row[1] >= 19)
    assert any(f"{recent:,} sessions" in text for text in texts)


def test_pages(asked):
    data, truth = asked
    whole = sum(row[2] + row[3] for row in truth)
    page = ma.overview(data)
    assert f"of {whole:,} sessions failed" in repr(page)
    assert f"{whole:,}" in page._repr_html_()
    for view in VIEWS.values():
        for period in ("day", "week"):
            frame = view.measure(data, ma.Filter(), period)
            assert ma.table(frame)._repr_html_()
            if view.picture is not None and len(frame):
                assert view.picture(frame, ma.Filter()).image()
    panel = ma.explore(data)
    for name in VIEWS:
        panel.show(ma.Filter(), view=name)
    judged = ma.assess(data, "d.example", as_of="2026-03-29")
    picture = ma.plots.impact(judged.impact.cells)
    assert picture.image()
    assert any(f"of {judged.impact.sessions:,} sessions" in t.get_text() for t in picture.texts)
    for shown in (judged, ma.assess_all(data), data):
        assert repr(shown) and shown._repr_html_()
    ma.assess_panel(data, "d.example", as_of="2026-03-29")


def test_exports(world, tmp_path, capsys):
    data, truth, path = world
    held = data["load"]
    held.to_parquet(tmp_path / "parquet")
    back = ma.read_parquet(tmp_path / "parquet")
    failed = sum(row[3] for row in truth)
    assert sum(back.tables["policies"]["total_failure_session_count"].to_pylist()) == failed
    for form in ("csv", "jsonl", "xlsx"):
        held.export(tmp_path / form, form)
    assert max(flat(held)["detailed_session_count"].to_pylist()) <= MOST
    for codes, *arguments in (
        ((0,), "load", path, "-o", tmp_path / "out"),
        ((0,), "summary", path.parent / "store"),
        ((4, 5), "assess", path),
        ((4, 5), "assess", path.parent / "store", "--domain", "d.example"),
        ((4,), "alert", path, "--since", "2026-03-20"),
    ):
        assert main(list(map(str, arguments))) in codes, capsys.readouterr().err


def test_signed_sessions_are_added_exactly(world):
    """Half of the hostile sessions stand in signed reports: once 2^62 and 2^62 gave a share of less than 0."""
    data, truth, _ = world
    tables = dict(data["load"].tables)
    names = tables["reports"]["organization_name"].to_pylist()
    verdicts = ["pass" if name == "A" else "fail" for name in names]
    at = tables["reports"].schema.get_field_index("dkim")
    field = tables["reports"].schema.field(at)
    tables["reports"] = tables["reports"].set_column(at, field, pa.array(verdicts).cast(field.type))
    found = ma.assess(ma.Archive(tables, data["load"].accounting), "d.example", as_of="2026-03-29")
    whole = sum(row[2] + row[3] for row in truth)
    share = sum(row[2] + row[3] for row in truth if row[0] == "A") / whole
    assert found.gate("evidence-authentic").clause.endswith(
        f"{share:.0%} of sessions stand in reports whose signature is valid"
    )
