"""Pictures: whatever the frame holds, they draw, stay readable and read nothing as a formula."""

import xml.etree.ElementTree as ET
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

import mtasts_analysis as ma
from benchmarks.panel import archive
from mtasts_analysis.show.frames import frame_html, sparkline
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


def test_sixty_senders_and_a_year(large):
    for name, plot in pictures(large):
        width, height = Image.open(BytesIO(plot.image())).size
        assert 900 < width < 1400, name
        assert 250 < height < 1600, name


def labels_overlap(plot):
    plot.image()
    for axes in plot.axes:
        boxes = [
            t.get_window_extent()
            for t in axes.get_xticklabels()
            if t.get_text() and t.get_visible()
        ]
        for one, other in pairwise(boxes):
            if one.overlaps(other):
                return True
    return False


@pytest.mark.parametrize("days", [1, 2, 9, 40, 365, 3000])
def test_dates_do_not_overlap(days):
    data = load(
        [report(d, [policy(9, [("dns-error", "mx", 1)])]) for d in sorted({0, days // 2, days - 1})]
    )
    for name, plot in pictures(data):
        if name != "MX hosts":
            assert not labels_overlap(plot), name


def test_a_gap_is_not_zero():
    data = load([report(d, [policy(9, [("dns-error", "mx", 1)])]) for d in (0, 1, 5, 6)])
    (_, low) = dict(pictures(data))["sessions"].axes
    rates = low.lines[0].get_ydata()
    assert np.isnan(rates).tolist() == [False, False, True, True, True, False, False]
    mesh = dict(pictures(data))["sender × time"].axes[0].collections[0]
    assert np.ma.getmaskarray(mesh.get_array()).ravel().tolist() == [
        False,
        False,
        True,
        True,
        True,
        False,
        False,
    ]


def test_what_is_drawn_is_what_was_counted():
    data = load([report(0, [policy(7, [("dns-error", "mx", 3)])]), report(1, [policy(5)])])
    plot = dict(pictures(data))["sessions"]
    assert plot.alt == "3 of 15 sessions failed (20.00%); everything"
    bands = plot.axes[0].collections
    tops = [max(y for _, y in band.get_paths()[0].vertices) for band in bands]
    assert tops == [7, 10]  # successful, and failed on top of them


def test_the_rest_is_summed_as_other():
    data = load([report(0, [policy(0, [("dns-error", f"mx{n}", n) for n in range(1, 31)])])])
    plot = ma.plots.top(ma.failures_by_mx(data), "mx_host", n=4)
    widths = [bar.get_width() for bar in plot.axes[0].patches]
    assert widths == [30, 29, 28, 465 - 87]
    assert plot.axes[0].get_yticklabels()[3].get_text() == "other (27)"


def test_nothing_to_show_says_so(nasty):
    nobody = ma.Filter(domains="nobody.example")
    for name, plot in pictures(nasty, nobody):
        words = [t.get_text() for axes in plot.axes for t in axes.texts]
        assert words == ["nothing to show for this filter"], name
        assert "nobody.example" in plot.alt


def test_the_filter_stands_under_every_picture(large):
    where = ma.Filter(domains="d1.example", start="2026-02-01")
    for name, plot in pictures(large, where):
        assert plot._supxlabel.get_text().startswith("domain d1.example, from 2026-02-01"), name


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


def test_tables_escape(nasty):
    html = frame_html(ma.failure_types(nasty))
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror" in html
    assert "x" * 400 not in html
    assert "\x1b" not in html


def test_a_sparkline_breaks_at_gaps():
    assert sparkline([0.1, 0.2, None, 0.3, 0.1]).count("<polyline") == 2
    assert sparkline([]).count("<polyline") == 0
