"""Text on a terminal: nothing is broken inside a word, and nothing is left out for want of room."""

import sys

import pandas as pd
import pytest

import mtasts_analysis as ma
from mtasts_analysis.show import text
from mtasts_analysis.show.frames import frame_text

GATES = [
    ["code", "figures"],
    ["refused-share", "18 of 10,339 sessions; the forecast's upper end is 13.5%"],
]
DOMAINS = [
    ["domain", "modes", "failed"],
    ["harbour.clinic.example", "testing, enforce", "12"],
    ["harbour.clinic.example", "testing", "9"],
]


@pytest.mark.parametrize(
    ("rows", "width", "lines", "why"),
    [
        (GATES, 999, [
            "code           figures",
            "refused-share  18 of 10,339 sessions; the forecast's upper end is 13.5%",
        ], "it fits"),
        (GATES, 52, [
            "code           figures",
            "refused-share  18 of 10,339 sessions; the forecast's",
            "               upper end is 13.5%",
        ], "the last column goes on below itself"),
        (DOMAINS, 40, [
            "domain                  modes     failed",
            "harbour.clinic.example  testing,      12",
            "                        enforce",
            "harbour.clinic.example  testing        9",
        ], "a column of words gives way before one of figures"),
        (DOMAINS, 30, [
            "domain",
            "  modes             failed",
            "harbour.clinic.example",
            "  testing, enforce      12",
            "  testing                9",
        ], "the first column has lines of its own, each name once"),
        (DOMAINS, 3, [
            "domain",
            "  modes     failed",
            "harbour.clinic.example",
            "  testing,      12",
            "  enforce",
            "  testing        9",
        ], "no word is broken, however narrow"),
        ([["what changed on that day"], [""]], 12, ["what changed", "on that day", ""], "one column"),
    ],
)  # fmt: skip
def test_a_table_in_a_narrow_place(rows, width, lines, why):
    assert text.columns(rows, {2}, width=width).split("\n") == lines, why


def test_a_margin_counts():
    assert text.columns([["a", "b c"]], set(), "    ", 9) == "    a  b\n       c"


@pytest.fixture
def terminal(monkeypatch):
    """Give a terminal of so many columns."""

    def of(width):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        monkeypatch.setenv("COLUMNS", str(width))

    return of


def test_on_a_terminal_no_line_is_wider(terminal, sample_folder):
    """What is printed is what a pipe gets, in other lines; but for a name that came once instead of thrice."""
    data = ma.load(sample_folder, progress=False)
    found = ma.assess(data, "clinic.example", ma.live.recorded_check())
    shown = (data, found, ma.assess_all(data))
    wide = [str(one) for one in shown]
    terminal(80)
    for one, whole in zip(shown, wide, strict=True):
        assert max(map(len, whole.split("\n"))) > 80
        said = str(one)
        assert max(map(len, said.split("\n"))) <= 80
        assert set(said.split()) == set(whole.split())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((pd.DataFrame({"a": [1], "b": [2]}), ["nosuch"]), r"columns: .* a, b; got \['nosuch'\]"),
        ((pd.DataFrame({"a": [1], "b": [2]}), "a"), "columns: expected a list of a, b; got 'a'"),
        ((5,), "frame: expected a DataFrame; got 5"),
    ],
)
def test_a_table_that_cannot_be(given, said):
    with pytest.raises(ma.InputError, match=said):
        ma.table(*given)


def test_the_figures_of_a_gate_are_told_whole():
    long = "; ".join(f"{n} of 10,339 sessions" for n in range(20))
    frame = pd.DataFrame({"code": ["x" * 200], "figures": [long]})
    said = frame_text(frame, 40)
    assert long in said
    assert "x" * 109 + "…" in said, "but what is no sentence is cut"
