"""The panel without a kernel: setting a control's value does what a click does."""

import io
import json
import threading
from dataclasses import replace

import pandas as pd
import pytest

import mtasts_analysis as ma
from mtasts_analysis.analysis.facets import facets
from mtasts_analysis.analysis.filters import PLURALS
from mtasts_analysis.show import panel as module
from mtasts_analysis.show.views import VIEWS
from tests.analysis.world import load, policy, report


@pytest.fixture(autouse=True)
def forget():
    module._KEPT.clear()


@pytest.fixture(scope="module")
def data():
    return ma.load(ma.sample_archive(), progress=False)


def test_every_control_filters(data):
    panel = ma.explore(data)
    panel._facets["domains"].value = ("clinic.example",)
    panel._facets["senders"].value = ("Pochta",)
    panel._start.value = pd.Timestamp("2026-04-08").date()
    panel._by.value = "week"
    panel._view.value = "failures"
    where = ma.Filter(domains="clinic.example", senders="Pochta", start="2026-04-08")
    assert panel.where == where
    pd.testing.assert_frame_equal(panel.frame, ma.failures_over_time(data, where, "week"))
    assert eval(panel._code.value, {"ma": ma}) == where
    assert str(where) in panel._head.value
    panel._reset.click()
    assert panel.where == ma.Filter()
    assert panel._facets["domains"].value == ()


def test_days_in_the_wrong_order_are_turned_round_and_that_is_said(data):
    panel = ma.explore(data)
    panel._start.value = pd.Timestamp("2026-04-08").date()
    panel._end.value = pd.Timestamp("2026-04-01").date()
    assert panel.where == ma.Filter(start="2026-04-01", end="2026-04-08")
    assert "turned round: from was after to" in panel._days.value
    panel._by.value = "week"
    assert "turned round" not in panel._days.value, "said once"


def test_a_table_that_is_cut_shows_the_newest_days(data):
    panel = ma.explore(data)
    for by in ("day", "week", "month"):
        panel._by.value = by
        last = f"{panel.frame['period'].iloc[-1]:%Y-%m-%d}"
        assert "the newest first" in panel._table.value
        assert f"<tbody><tr><td><bdi>{last}</bdi>" in panel._table.value
        assert panel.frame["period"].is_monotonic_increasing, "an export is in order"


def test_what_is_counted_is_named(data):
    labels = {name: label.value for name, label in ma.explore(data)._labels.items()}
    assert "(policy results)" in labels["senders"]
    assert "(failure details)" in labels["result_types"]


@pytest.mark.parametrize("name", PLURALS)
def test_counts_are_those_under_the_other_parts(data, name):
    """Choosing an option leaves as many rows as its count said."""
    where = (
        ma.Filter(domains="clinic.example") if name != "domains" else ma.Filter(senders="Pochta")
    )
    for value, count in facets(data, where)[name]:
        chosen = where.but(**{name: (value,)})
        facts = data.facts
        of_failures = name in ("result_types", "mx_hosts", "effects")
        mask = facts.failures_where(chosen) if of_failures else facts.policies_where(chosen)
        assert int(mask.sum()) == count > 0, (name, value)


def test_a_cell_that_is_run_again_keeps_its_selections(data):
    ma.explore(data).show(ma.Filter(domains="clinic.example"), view="senders", by="week")
    again = ma.explore(data)
    assert (again.where, again._view.value, again._by.value) == (
        ma.Filter(domains="clinic.example"),
        "senders",
        "week",
    )
    assert ma.explore(data, name="another").where == ma.Filter()
    assert ma.explore(data, ma.Filter(senders="Pochta")).where == ma.Filter(senders="Pochta")


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_shown_is_what_is_exported(data, view):
    panel = ma.explore(data)
    panel.show(ma.Filter(domains="clinic.example"), view=view)
    back = pd.read_parquet(io.BytesIO(panel.shown_as("parquet")))
    assert len(back) == len(panel.frame)
    assert back.astype("str").equals(panel.frame.astype("str"))
    assert len(pd.read_csv(io.BytesIO(panel.shown_as("csv")))) == len(panel.frame)
    assert len(pd.read_excel(io.BytesIO(panel.shown_as("xlsx")))) == len(panel.frame)
    if VIEWS[view].picture:
        assert panel.shown_as("png").startswith(b"\x89PNG")
        assert panel.shown_as("svg").startswith(b"<?xml")
    else:
        panel._format.value = "PNG"
        panel._export.click()
        assert "no picture" in panel._link.value


def upload(panel, **files):
    panel._upload.value = tuple(
        {
            "name": name,
            "type": "",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": pd.Timestamp(0, tz="UTC").to_pydatetime(),
        }
        for name, content in files.items()
    )


def test_an_upload_shows_its_archive_and_its_problems(data):
    panel = ma.explore(data)
    mail = (ma.sample_archive() / "contoso.zip").read_bytes()
    upload(panel, **{"<b>x.zip": mail})
    assert panel.data is not data
    assert panel.data.accounting.reports > 100
    assert "&lt;b&gt;x.zip" in panel._note.value
    assert "date-without-zone" in panel._note.value
    assert panel._bar.value == len(mail)
    panel.show(ma.Filter(domains="clinic.example"))
    upload(panel, **{"x.txt": b"no"})
    assert panel.data.accounting.reports > 100, "what holds no report replaces nothing"
    assert panel.where == ma.Filter(domains="clinic.example")
    assert "no report in it" in panel._note.value
    assert panel._bar.layout.visibility == "hidden"


def test_files_dropped_together_are_one_archive(data):
    panel = ma.explore(data)
    one, other = (
        json.dumps([report(d, [policy(9)], sender=sender) for d in days]).encode()
        for sender, days in (("A", (0, 1)), ("B", (0, 1, 2)))
    )
    upload(panel, **{"a.json": one, "b.json": other, "again.json": one})
    account = panel.data.accounting
    assert (account.reports, account.duplicates) == (5, 2), "a report in two of them counts once"
    assert set(panel.data.reports["organization_name"]) == {"A", "B"}
    assert any("b.json" in origin for origin in panel.data.reports["origin"])


def test_two_clicks_at_once_are_drawn_one_after_the_other(data, monkeypatch):
    """JupyterLab 4.4 hands them to threads; the later one must not be lost, nor half drawn."""
    panel = ma.explore(data)
    drawing, go_on = threading.Event(), threading.Event()
    slow = VIEWS["failures"]

    def measure(*asked):
        drawing.set()
        assert go_on.wait(30)
        return slow.measure(*asked)

    monkeypatch.setitem(VIEWS, "failures", replace(slow, measure=measure))
    first = threading.Thread(target=lambda: setattr(panel._view, "value", "failures"))
    first.start()
    assert drawing.wait(30)
    second = threading.Thread(
        target=lambda: setattr(panel._facets["domains"], "value", ("clinic.example",))
    )
    second.start()
    second.join(0.3)
    assert second.is_alive(), "it waits for its turn"
    go_on.set()
    first.join(30)
    second.join(30)
    where = ma.Filter(domains="clinic.example")
    assert (panel.where, panel.state.view) == (where, "failures")
    assert panel._facets["domains"].value == ("clinic.example",)
    assert str(where) in panel._head.value
    assert f"; {where}; not drawn" in panel.plot.alt


def test_an_upload_that_fails_says_so(data):
    def fails(files, advance):
        raise ma.InputError("expected <b>reports")

    panel = module.Panel(data, None, "fails", fails)
    upload(panel, **{"x.txt": b"no"})
    assert "expected &lt;b&gt;reports" in panel._note.value
    assert panel._bar.layout.visibility == "hidden"
    assert panel.data is data


def test_a_stranger_writes_no_markup():
    text = "<img src=x onerror=alert(1)>"
    data = load([report(0, [policy(9, [(text, text, 3)], domain="d.example")], sender=text)])
    panel = ma.explore(data)
    for view in VIEWS:
        panel.show(view=view)
        panel._facets["senders"].value = (text,)
        assert "<img src=x" not in panel.static() + panel._code.value.replace(repr(text), "")


def test_a_page_without_a_kernel_shows_it_too(data):
    bundle, _ = ma.explore(data)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "<img alt=" in bundle["text/html"]


def test_what_no_choice_of_failures_divides_is_said(data):
    """A view counts whole sessions if its figures are the same for one result type as for all of them."""
    where = ma.Filter(domains="clinic.example")
    one = where.but(result_types="certificate-expired")
    said = "no report tells successes by type"
    for name, view in VIEWS.items():
        assert view.whole == view.measure(data, where, "day").equals(
            view.measure(data, one, "day")
        ), name
        panel = ma.explore(data, one)
        panel.show(one, view=name)
        assert (said in panel.static()) == view.whole
    panel.show(where, view="sessions")
    assert said not in panel.static()
