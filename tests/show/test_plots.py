"""Pictures: whatever the frame holds, they draw, stay readable and read nothing as a formula."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from io import BytesIO
from itertools import combinations
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib.font_manager import get_font_names
from PIL import Image

import mtasts_analysis as ma
from benchmarks.panel import archive
from mtasts_analysis.archive.items import NOTE, REFUSED, REPORT, Item
from mtasts_analysis.show import notebooks, style
from mtasts_analysis.show.cards import check_html, check_text
from mtasts_analysis.show.drawing import marks
from mtasts_analysis.show.frames import cell, frame_html, sparkline
from mtasts_analysis.show.progress import Progress
from mtasts_analysis.show.views import VIEWS
from tests.analysis.world import load, policy, report

NASTY = [
    "$\\frac{", "$$", "$\\nosuch$", "<img src=x onerror=alert(1)>", '=HYPERLINK("x")', "x" * 5_000,
    "\u202emoc.elpmaxe", "שלום עולם", "\x1b[31m", "a\nb", "日本語", "%s %d {0}", "_^{}",
]  # fmt: skip


@pytest.fixture(scope="module")
def nasty():
    days = []
    for n, name in enumerate(NASTY):
        mx = [("certificate-expired", name, 3), (name, "mx1.d.example", 2), (name, name, 1)]
        days += [report(d, [policy(9, mx, domain=f"d{n}.example")], sender=name) for d in (0, 3)]
    return load(days)


@pytest.fixture(scope="module")
def large():
    return archive(60_000)


def pictures(data, where=None):
    where = where or ma.Filter()
    for name, view in VIEWS.items():
        frame = view.measure(data, where, "day")
        if view.picture:
            yield name, view.picture(frame, where)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_nothing_a_stranger_wrote_acts(nasty, kind):
    for name, plot in pictures(nasty):
        made = plot.image(kind)
        if kind == "png":
            assert Image.open(BytesIO(made)).size[0] > 800, name
            continue
        root = ET.fromstring(made)
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
        assert "onerror" not in "".join(k for e in root.iter() for k in e.attrib)
        words = "".join(root.itertext())
        assert "x" * 60 not in words, "a long name is cut"
        assert "\x1b" not in words


def test_dollars_are_dollars(nasty):
    words = "".join(ET.fromstring(dict(pictures(nasty))["senders"].image("svg")).itertext())
    assert "$\\frac{" in words
    assert "$$" in words


def test_fonts_are_there():
    """Matplotlib complains at each letter of a font that it does not find."""
    first, *more = style._FONTS
    assert first == "DejaVu Sans"
    assert set(more) <= set(get_font_names())


def test_sixty_senders_and_a_year(large):
    for name, plot in pictures(large):
        width, height = Image.open(BytesIO(plot.image())).size
        assert 900 < width < 1400, name
        assert 250 < height < 1600, name


def words_collide(plot):
    """Find two texts of a picture that overlap, or one that leaves the sheet."""
    plot.image()
    texts = [t for axes in plot.axes for t in (*axes.get_xticklabels(), *axes.texts)]
    texts += [t for axes in plot.axes if axes.get_legend() for t in axes.get_legend().get_texts()]
    boxes = [(t.get_text(), t.get_window_extent()) for t in (*texts, *plot.texts) if t.get_text()]
    for word, box in boxes:
        if box.x0 < 0 or box.y0 < 0 or box.x1 > plot.bbox.x1 or box.y1 > plot.bbox.y1:
            return word
    for (word, one), (other_word, other) in combinations(boxes, 2):
        across = min(one.x1, other.x1) - max(one.x0, other.x0)
        if across > 1 and min(one.y1, other.y1) - max(one.y0, other.y0) > 2:
            return word, other_word
    return None


@pytest.mark.parametrize("days", [1, 2, 9, 40, 365, 3000])
def test_dates_do_not_overlap(days):
    data = load(
        [report(d, [policy(9, [("dns-error", "mx", 1)])]) for d in sorted({0, days // 2, days - 1})]
    )
    for name, plot in pictures(data):
        assert words_collide(plot) is None, name


@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_no_words_collide(nasty, large, by):
    sample = ma.load(ma.sample_archive(), progress=False)
    for data in (sample, nasty, large):
        for name, view in VIEWS.items():
            if view.picture:
                plot = view.picture(view.measure(data, ma.Filter(), by), ma.Filter())
                assert words_collide(plot) is None, name


WIDE = [
    "W" * 40,
    "W W " * 9,
    "@" * 40,
    "DEUTSCHE BANKEN RECHENZENTRUM AG",
    "e" + "\u0300" * 40,
    "社" * 40,
]


def test_wide_letters_and_towers_of_marks_stay_in_their_place():
    days = [
        report(day, [policy(9, [(name, name, 3) for name in WIDE], domain=domain)], sender=name)
        for day in (0, 3)
        for name, domain in zip(WIDE, [*WIDE[1:], WIDE[0]], strict=True)
    ]
    for name, plot in pictures(load(days)):
        assert words_collide(plot) is None, name


def test_counts_of_twenty_digits_stay_on_the_sheet():
    most = 2**63 - 1
    failed = [
        ("certificate-host-mismatch", "mx1.d.example", most),
        ("dns-error", "mx2.d.example", most),
    ]
    data = load(
        [report(day, [policy(most, failed)], sender=name) for day in range(9) for name in "ABC"]
    )
    for name, plot in pictures(data):
        assert words_collide(plot) is None, name


def test_a_gap_is_not_zero():
    data = load([report(d, [policy(9, [("dns-error", "mx", 1)])]) for d in (0, 1, 5, 6)])
    (_, low) = dict(pictures(data))["sessions"].axes
    rates = low.lines[0].get_ydata()
    assert np.isnan(rates).tolist() == [False, False, True, True, True, False, False]
    cells = dict(pictures(data))["sender × time"].axes[0].images[0].get_array()[0]
    assert [cell[3] == 0 for cell in cells] == [False, False, True, True, True, False, False]
    for name in ("sessions", "failures"):
        grey = next(
            band
            for band in dict(pictures(data))[name].axes[0].collections
            if band.get_label() == "no report"
        )
        high = {x for path in grey.get_paths() for x, y in path.vertices if y == 1}
        assert (min(high), max(high)) == (2, 5), name


def test_days_without_failures_are_on_the_clock():
    """Failures are drawn over all days with reports, so that two pictures have one clock."""
    data = load(
        [report(d, [policy(9, [("dns-error", "mx", 1)] if d == 5 else [])]) for d in range(10)]
    )
    found = dict(pictures(data))
    assert found["failures"].axes[0].get_xlim() == found["sessions"].axes[1].get_xlim()


def test_a_day_with_one_session_is_not_the_worst():
    days = [report(0, [policy(0, [("dns-error", "mx", 1)])], sender="Tiny")]
    days += [report(0, [policy(90, [("dns-error", "mx", 30)])], sender="Large")]
    assert (
        "Large, 2026-03-01, 30 of 120 sessions" in dict(pictures(load(days)))["sender × time"].alt
    )


def test_what_is_drawn_is_what_was_counted():
    data = load([report(0, [policy(7, [("dns-error", "mx", 3)])]), report(1, [policy(5)])])
    plot = dict(pictures(data))["sessions"]
    assert plot.alt == "3 of 15 sessions failed (20.00%); all reports; DANE apart"
    bands = plot.axes[0].collections
    tops = [max(y for _, y in band.get_paths()[0].vertices) for band in bands]
    assert tops == [7, 10]  # successful, and failed on top of them


def footer(plot):
    return next(text for text in plot.texts if text.get_gid() == "filter").get_text()


def test_what_is_not_drawn_is_said_so_that_picture_and_table_agree():
    """A report of a week belongs to no day: 7 of 17 failed sessions, and 70 of 190, stand in the tables only."""
    data = load(
        [
            report(0, [policy(110, [("dns-error", "mx", 10)])], sender="Daily"),
            report(1, [policy(63, [("dns-error", "mx", 7)])], sender="Weekly", days=7),
        ]
    )
    drawn = {name: footer(plot) for name, plot in pictures(data)}
    for name in ("sessions", "sender × time", "sender charts"):
        said = "not drawn: 70 sessions of reports that no single day holds"
        assert drawn[name] == f"all reports; DANE apart; {said}", name
    for name in ("failures", "effects"):
        said = "not drawn: 7 failed sessions of reports that no single day holds"
        assert drawn[name] == f"all reports; {said}", name
    assert int(ma.senders(data)["sessions"].sum()) == 190
    assert int(ma.failure_types(data)["sessions"].sum()) == 17
    alone = ma.Filter(senders="Weekly")
    for name, plot in pictures(data, alone):
        nothing = "nothing to show for this filter" in [
            t.get_text() for axes in plot.axes for t in axes.texts
        ]
        assert ("not drawn" in footer(plot)) == nothing, name
    month = ma.plots.sessions(ma.over_time(data, by="month"))
    assert footer(month) == "all reports; DANE apart", "which holds it whole"


def test_no_picture_claims_a_filter_that_its_figures_do_not_follow(large):
    """Its figures are the same for one result type as for all of them: so it must not say that it is of one."""
    where = ma.Filter(domains="d1.example", policy_types="sts")
    kind = ma.failure_types(large, where)["result_type"].iloc[0]
    one = where.but(result_types=kind)
    plots = dict(pictures(large, one))
    for name, plot in plots.items():
        assert (f"; not applied: result type {kind}" in footer(plot)) == VIEWS[name].whole, name
        assert footer(plot).startswith(str(where if VIEWS[name].whole else one)), name
        assert (f"{where}; " in plot.alt) == VIEWS[name].whole, name
    found = ma.plots.top(ma.failures_by_mx(large, one), "mx_host", one)
    assert footer(found) == str(one), "details do follow it"


def test_dane_apart_is_said_where_it_is():
    """Of a sender that reports DANE alone no session counts, unless its policy type is asked for."""
    data = load([report(0, [policy(532, kind="tlsa")]), report(0, [policy(9)], sender="B")])
    for where, said in (
        (ma.Filter(), "all reports; DANE apart"),
        (ma.Filter(policy_types=["sts", "tlsa"]), "policy types sts and tlsa"),
    ):
        plot = ma.plots.top(ma.senders(data, where), "sender", where)
        assert footer(plot) == said
    assert "DANE" not in footer(dict(pictures(data))["policies"]), "which tells of MTA-STS alone"


def test_a_footer_of_two_lines_stays_on_the_sheet():
    senders = [f"A sender with a long name, number {n}" for n in range(4)]
    data = load(
        [
            report(d, [policy(9, [("dns-error", "mx1.d.example", 1)])], sender=s, days=days)
            for s in senders for d, days in ((0, 1), (1, 7))
        ]
    )  # fmt: skip
    where = ma.Filter(senders=senders, domains="d.example", mx_hosts="mx1.d.example")
    for name, plot in pictures(data, where):
        assert words_collide(plot) is None, name
        assert footer(plot).count("\n") == (name != "MX hosts"), name


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda data: ma.plots.sessions(ma.senders(data)), "as over_time gives it"),
        (lambda data: ma.plots.sessions(ma.over_time(data, split="sender")), "without a split"),
        (lambda data: ma.plots.failures(ma.over_time(data)), "as failures_over_time gives it"),
        (lambda data: ma.plots.types_by_mx(ma.failure_types(data)), "as failures_by_mx gives it"),
        (lambda data: ma.plots.sender_days(ma.over_time(data)), r'over_time\(split="sender"\)'),
        (lambda data: ma.plots.senders(ma.senders(data)), "got one with sender, organization_names"),
        (lambda data: ma.plots.policies(ma.senders(data)), "as policy_history gives it"),
        (lambda data: ma.plots.impact(ma.senders(data)), "as replay"),
        (lambda data: ma.plots.top(ma.senders(data), "mx_host"), "with mx_host, sessions; got one with sender"),
        (lambda data: ma.plots.top(ma.senders(data), "sender", value="x"), "with sender, x; got one with sender"),
        (lambda data: ma.plots.top(ma.senders(data), "sender", value="trend"), "value: expected a column that can be added up: .*; got 'trend'"),
        (ma.plots.sessions, "as over_time gives it; got a Archive"),
        (lambda data: ma.plots.sessions(pd.DataFrame(dict(ma.over_time(data)))), "day, week or month"),
    ],
)  # fmt: skip
def test_a_frame_of_another_measure_is_refused(draw, expected):
    with pytest.raises(ma.InputError, match=expected):
        draw(load([report(0, [policy(9, [("dns-error", "mx", 1)])], sender=s) for s in "AB"]))


def test_charts_of_senders_tell_their_period_and_year():
    data = load([report(d, [policy(9)], sender=s) for d in range(21) for s in "AB"])
    (axes,) = ma.plots.senders(ma.over_time(data, by="week", split="sender")).axes
    words = [text.get_text() for text in axes.texts]
    assert "failed, % of sessions per week (UTC, from Monday)" in words
    assert words.count("23 Feb\n2026") == 2, "once in each chart"
    (axes,) = ma.plots.sender_days(ma.over_time(data, by="week", split="sender")).axes
    assert "failed share per week" in [t.get_text() for t in axes.texts]


def test_policies_stand_in_the_order_of_their_table():
    data = load(
        [
            report(d, [policy(9 * (1 + d), domain=f"{domain}.example")], sender=sender)
            for d in range(3)
            for sender, domain in (("B", "z"), ("A", "z"), ("C", "a"))
        ]
    )
    history = ma.policy_history(data)
    words = [text.get_text() for text in ma.plots.policies(history).axes[0].texts]
    assert words == [f"{row.domain}, {row.sender}" for row in history.itertuples()]


def test_the_rest_is_summed_as_other():
    data = load([report(0, [policy(0, [("dns-error", f"mx{n}", n) for n in range(1, 31)])])])
    plot = ma.plots.top(ma.failures_by_mx(data), "mx_host", n=4)
    widths = [bar.get_width() for bar in plot.axes[0].patches]
    assert widths == [30, 29, 28, 465 - 87]
    assert "other (27)" in [text.get_text() for text in plot.axes[0].texts]


@pytest.mark.parametrize(
    ("mended", "title"),
    [
        (20, "1 of 2 senders still sees an old policy"),
        (15, "1 of 2 senders saw an old policy past its max_age; none does now"),
        (11, "No sender sees an old policy"),
    ],
)
def test_who_moved_on_no_longer_sees_an_old_policy(mended, title):
    newer = ["version: STSv1", "mode: enforce", "mx: mx1.d.example", "max_age: 86400"]
    days = [
        report(d, [policy(9, **({"text": newer} if d >= since else {}))], sender=sender)
        for sender, since in (("Quick", 10), ("Late", mended))
        for d in range(20)
    ]
    data = load(days)
    plot = ma.plots.policies(ma.policy_history(data))
    assert plot.alt.startswith(f"{title}; all reports; ")
    hatched = [c for c in plot.axes[0].collections if c.get_hatch()]
    across = {x for c in hatched for path in c.get_paths() for x in path.vertices[:, 0]}
    assert across == ({12, mended} if mended > 12 else set()), "only the days past its max_age"


def test_one_of_one_does_not_lead():
    """Where there is nothing beside it, a title does not compare."""
    data = load([report(0, [policy(7, [("dns-error", "mx", 3)])])])
    alts = {name: plot.alt.partition(";")[0] for name, plot in pictures(data)}
    assert alts["failures"] == "All 3 failed sessions: dns-error"
    assert alts["effects"] == "All 3 failed sessions: unknown under enforce"
    assert alts["MX hosts"] == "All 3 failed sessions: mx"
    assert alts["senders"] == "All 10 sessions: A"
    one = load([report(0, [policy(0, [("dns-error", "mx", 1)])])])
    assert dict(pictures(one))["failures"].alt.startswith("The only failed session: dns-error")


@pytest.mark.parametrize(
    ("by", "when"),
    [
        ("day", "day: A, 2026-03-10"),
        ("week", "week: A, from 2026-03-09"),
        ("month", "month: A, 2026-03"),
    ],
)
def test_a_period_is_named_as_what_it_is(by, when):
    data = load([report(9, [policy(7, [("dns-error", "mx", 3)])])])
    plot = ma.plots.sender_days(ma.over_time(data, by=by, split="sender"))
    assert plot.alt.startswith(f"Most failures in one {when}, 3 of 10")


def test_nothing_to_show_says_so(nasty):
    nobody = ma.Filter(domains="nobody.example")
    for name, plot in pictures(nasty, nobody):
        words = [t.get_text() for axes in plot.axes for t in axes.texts]
        assert words == ["nothing to show for this filter"], name
        assert plot.alt.lower().startswith("no "), name
        assert "nobody.example" in plot.alt


def test_the_filter_stands_under_every_picture(large):
    where = ma.Filter(domains="d1.example", start="2026-02-01")
    for name, plot in pictures(large, where):
        below = next(text for text in plot.texts if text.get_gid() == "filter")
        assert below.get_text().startswith("domain d1.example, from 2026-02-01"), name


def test_a_picture_has_its_words_for_who_cannot_see_it(nasty):
    for _, plot in pictures(nasty):
        html = plot._repr_html_()
        assert html.startswith('<img alt="')
        assert "<img src=x" not in html


def test_saved_whole_or_not_at_all(large, tmp_path):
    plot = dict(pictures(large))["sessions"]
    plot.save(tmp_path / "a.svg")
    plot.save(tmp_path / "a.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "a.svg"]
    (tmp_path / "file").write_text("")
    with pytest.raises(ma.OutputError):
        plot.save(tmp_path / "file" / "a.png")


@pytest.mark.parametrize("name", ["a.pdf", "a", "a.svgz"])
def test_a_picture_of_another_kind(large, tmp_path, name):
    """A PNG under such a name would open nowhere."""
    plot = dict(pictures(large))["sessions"]
    with pytest.raises(ma.InputError, match=r"expected a name that ends in \.png or \.svg"):
        plot.save(tmp_path / name)
    assert not list(tmp_path.iterdir())
    plot.save(tmp_path / "A.SVG")
    assert (tmp_path / "A.SVG").read_bytes().startswith(b"<?xml")


def test_tables_escape(nasty):
    html = frame_html(ma.failure_types(nasty))
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror" in html
    assert "x" * 400 not in html
    assert "\x1b" not in html


def test_two_notes_on_a_table_do_not_run_together():
    frame = pd.DataFrame({"sender": list("ABC")})
    said = "<small>the first 2 of 3 rows; more columns: Export</small>"
    assert said in frame_html(frame, "Senders", note="more columns: Export", rows=2)
    empty = frame_html(frame.head(0), note="more columns: Export")
    assert "nothing for this filter" in empty and "Export" not in empty


def test_the_start_day_of_the_last_report_is_not_called_the_last_day():
    assert "<th>last report</th>" in frame_html(pd.DataFrame({"last_day": ["x"]}))


def test_a_hyphen_ends_no_line():
    """A command is copied from its cell: it may break between its words only."""
    command = 'openssl s_client -connect MX:25 -servername MX </dev/null # "a-b" <b>-x</b>'
    html = frame_html(pd.DataFrame({"verify": [command]}))
    assert '<span class="whole">-servername</span> MX' in html
    assert 'class="long command"' in html
    seen = re.sub(
        r"</?(?:span|bdi|div)\b[^>]*>", "", html.partition("<td>")[2].partition("</td>")[0]
    )
    assert unescape(seen) == command, "and is whole"


def test_a_sparkline_breaks_at_gaps():
    assert sparkline([0.1, 0.2, None, 0.3, 0.1]).count("<polyline") == 2
    assert sparkline([]).count("<polyline") == 0


# --- more than fits, and less than there should be -------------------------------------------------------


def test_more_policies_than_the_key_holds():
    """Eight are named; that there are more is said, or the colours would be read as all."""
    lines = [
        ["version: STSv1", "mode: testing", f"mx: mx{n}.d.example", f"max_age: {86400 + n}"]
        for n in range(11)
    ]
    data = load([report(n, [policy(9, text=text)], sender=f"S{n}") for n, text in enumerate(lines)])
    plot = ma.plots.policies(ma.policy_history(data))
    words = [t.get_text() for axes in plot.axes for t in axes.get_legend().get_texts()]
    assert len(words) == 9 and words[-1] == "and 3 more"


def test_an_impact_of_long_reports_alone_has_no_days_to_draw():
    """A report of a week belongs to no day: the sum is said, and no empty clock is drawn."""
    long = [
        report(
            7 * n, [policy(90, [("certificate-expired", "mx1.d.example", 10)])], days=7, sender=s
        )
        for n in range(4)
        for s in "ABC"
    ]
    found = ma.assess(load(long), "d.example", as_of="2026-03-29")
    plot = ma.plots.impact(found.impact.cells, found.impact.where)
    assert plot.alt.startswith("refused under enforce: 120 of 1,200 sessions")
    assert plot.alt.endswith("not drawn: 1,200 sessions of reports that no single day holds")
    assert "nothing to show for this filter" in [
        t.get_text() for axes in plot.axes for t in axes.texts
    ]


def test_where_no_session_failed_no_worst_day_is_named():
    data = load([report(day, [policy(9)]) for day in range(5)])
    plot = ma.plots.sender_days(ma.over_time(data, split="sender"))
    assert plot.alt.startswith("No session failed")


@pytest.mark.parametrize("days", [1, 2, 9, 10, 11, 40, 400, 4_000, 40_000, 80_000])
@pytest.mark.parametrize("freq", ["D", "7D"])
def test_any_span_has_its_marks(days, freq):
    """From a day to two centuries, 1990 to 2200 as dates go: some marks, in order, in their place, not too many."""
    days = min(days, 11_000 if freq == "7D" else 80_000)
    every = pd.date_range("1990-01-01", periods=days, freq=freq, unit="us")
    found = marks(every)
    places = [at for at, _ in found]
    assert min(days, 2) <= len(found) <= 22
    assert places == sorted(places) and places[0] >= 0 and places[-1] <= days
    assert all(text for _, text in found)


def test_a_number_in_a_table_is_short():
    assert cell("seconds", np.float64(1234.5678)) == "1,235"
    assert cell("seconds", 0.000123456) == "0.0001235"


def test_a_yes_or_no_of_a_policy_is_told():
    """An MX that the policy does not list must be seen to be none of it; marks of senders stay few."""
    assert [cell("in_policy", v) for v in (True, False, None)] == ["yes", "no", "–"]
    assert [cell("silent", v) for v in (True, False)] == ["yes", ""]


def test_an_action_of_several_lines_is_one_cell():
    assert cell("action", "then look:\ndig MX d.example") == "then look: dig MX d.example"
    assert cell("text", "a\nforged line") == "a\ufffdforged line", (
        "a stranger's line end stays seen"
    )


def test_an_overview_of_long_reports_alone():
    """No week holds them whole: no sparkline, and the page is there all the same."""
    data = load([report(0, [policy(90)], days=20, sender=s) for s in "AB"])
    page = ma.overview(data)._repr_html_()
    assert "A" in page and "<svg" not in page.partition("Senders")[2].partition("</table>")[0]


def test_a_domain_that_takes_no_mail_has_no_table_of_hosts():
    check = replace(ma.live.recorded_check(), mx=(), null_mx=True)
    page, plain = check_html(check), check_text(check)
    assert "accepts no mail (null MX)" in page and "accepts no mail (null MX)" in plain
    assert "MX hosts" not in page


@pytest.mark.parametrize(
    ("hosts", "said"),
    [(1, "its MX host"), (2, "both MX hosts"), (3, "all 3 MX hosts")],
)
def test_a_card_counts_hosts_as_people_do(hosts, said):
    check = ma.live.recorded_check()
    card = check_text(replace(check, mx=(check.mx * 2)[:hosts]))
    assert f"Under enforce, {said} would be accepted." in card


def test_a_summary_of_many_domains_says_how_many_more():
    data = load(
        [report(0, [policy(9, domain=f"d{n:02}.example")], sender=f"S{n}") for n in range(45)]
    )
    said = str(data)
    assert "... and 5 rows more" in said and said.count(".example ") == 40


def test_a_bar_tells_what_was_rejected():
    """While an archive is read: a person who sees it stops a load of the wrong folder."""
    told = []
    bar = SimpleNamespace(set_postfix=lambda words, refresh: told.append(words), update=None)
    items = [Item(REFUSED if n % 5 == 0 else REPORT, "x", b"") for n in range(1_200)]
    assert list(Progress(bar).watch([*items, Item(NOTE, "x", b"")])) == [
        *items,
        Item(NOTE, "x", b""),
    ]
    assert [(words["reports"], words["rejected"]) for words in told] == [
        ("400", "100"),
        ("800", "200"),
    ]


def test_a_notebook_without_a_cell_for_parameters(tmp_path):
    source = tmp_path / "own.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), source)
    with pytest.raises(ma.InputError, match="a cell tagged parameters; it has none"):
        notebooks.run(source, tmp_path / "own.html", tmp_path, parameters={"archive": "x"})
