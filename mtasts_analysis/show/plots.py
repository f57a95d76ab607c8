"""The pictures: each takes a measure's tidy frame and gives a figure.

Titles say the finding, the line below says what was looked at, axes carry units. What a stranger wrote is
cut short and never read as a formula. A gap is not zero: where nobody reported, nothing is drawn.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.patches import Patch

from mtasts_analysis import arguments
from mtasts_analysis.analysis.filters import EVERYTHING, Filter, chosen
from mtasts_analysis.errors import InputError
from mtasts_analysis.show.drawing import (
    RIGHT,
    SMALL,
    WIDTH,
    Values,
    band,
    bare,
    begin,
    box,
    clock,
    counts,
    curve,
    key,
    margin,
    marks,
    named,
    nothing,
    share_marks,
    shares,
    short,
    unit,
    unreported,
    wrapped,
)
from mtasts_analysis.show.style import (
    BLUE,
    EFFECT_COLOURS,
    GREEN,
    GREY,
    GRID,
    INK,
    ORANGE,
    PINK,
    SKY,
    SOFT,
    TYPE_COLOURS,
    VERMILION,
    YELLOW,
    Plot,
    label,
    styled,
    width,
)
from mtasts_analysis.show.text import share
from mtasts_analysis.wording import percent, several

TOP = 8
"""Bands of a stack, and lines of a chart, before the rest is summed as `other (n)`."""

ROWS = 30
"""Rows of a heat map before the rest is left to a filter."""

_HEAT = LinearSegmentedColormap.from_list(
    "share", ["#fdeed8", "#f6c886", ORANGE, VERMILION, "#7a2f00"]
)
_PASSED = "#c5dff0"
_NOT_NAMED = "not named"


def sessions(
    frame: pd.DataFrame, where: Filter = EVERYTHING, changes: pd.DataFrame | None = None
) -> Plot:
    """Show how many sessions there were, and what share failed.

    Parameters
    ----------
    frame
        What :func:`mtasts_analysis.over_time` gives, without a split.
    where
        What the frame is about; it stands under the picture.
    changes
        What :func:`mtasts_analysis.change_points` gives: each day gets a mark.

    Returns
    -------
    Plot
        Two axes with one clock: sessions, and the failed share in percent.

    Raises
    ------
    InputError
        A frame of another measure.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.sessions(ma.over_time(data))  # doctest: +ELLIPSIS
    <Plot: 1,701 of 96,764 sessions failed (1.76%); all reports; DANE apart; not drawn: 2,481 sessions ...>
    """
    where = _expect(frame, where, "over_time", _OVER_TIME)
    if changes is not None:
        _expect(changes, where, "change_points", ("day",))
    if not frame["period"].is_unique:
        raise InputError("expected what over_time gives without a split: a row for each period")
    failed, whole = _sum(frame["failed"]), _sum(frame["sessions"])
    rate = share(failed / whole if whole else None)
    title = f"{failed:,} of {whole:,} sessions failed ({rate})"
    about = _of_sessions(where, _left_out(frame))
    if not whole:
        return nothing("no sessions", *about)
    figure = begin(4.3, title, *about)
    every = pd.DatetimeIndex(frame["period"])
    per = _per(frame)
    with styled():
        top = box(figure, top=0.68, bottom=1.95)
        low = box(figure, top=2.75, bottom=0.72)
        passed, lost = _floats(frame["successful"]), _floats(frame["failed"])
        there = ~np.isnan(passed)
        unreported(top, there)
        band(top, passed, 0 * passed, SKY, name="successful")
        band(top, lost, passed, VERMILION, name="failed")
        counts(top, f"sessions {per}")
        key(top, 3)
        part = _floats(frame["failure_share"])
        unreported(low, there)
        curve(low, _middles(len(every)), part)
        shares(low, f"failed, % of sessions {per}", float(np.nanmax(part, initial=0)))
        if changes is not None and len(changes):
            days = pd.DatetimeIndex(changes["day"]).unique()
            at = every.searchsorted(days, side="right") - 1
            for place in sorted(set(at.tolist())):
                low.axvline(place, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
            low.annotate(
                "dashed: a change", (1, 1), xytext=(0, 4), xycoords="axes fraction", ha="right",
                va="bottom", textcoords="offset points", fontsize=SMALL, color=SOFT,
            )  # fmt: skip
        clock(top, every, dated=False)
        clock(low, every)
    return figure


def failures(frame: pd.DataFrame, where: Filter = EVERYTHING) -> Plot:
    """Show which failures there were in each period, stacked.

    Parameters
    ----------
    frame
        What :func:`mtasts_analysis.failures_over_time` gives, split as you like.
    where
        What the frame is about.

    Returns
    -------
    Plot
        Bars of failed sessions; the smallest kinds are one band, `other (n)`.

    Raises
    ------
    InputError
        A frame of another measure.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.failures(ma.failures_over_time(data))  # doctest: +ELLIPSIS
    <Plot: certificate-expired leads with 996 of 1,701 failed sessions; all reports; not drawn: 74 failed ...>
    """
    where = _expect(frame, where, "failures_over_time", ("period", "failures", "sessions"))
    split = str(frame.columns[1])
    out = _left_out(frame, "failed session")
    folded, order = _fold(frame, split, "sessions")
    whole = _sum(frame["sessions"])
    if not whole:
        return nothing("no failed sessions in the details", where, out)
    first = next((name for name in order if not _is_rest(name)), order[0])
    lead = _sum(folded.loc[folded[split] == first, "sessions"])
    lines = -(-len(order) // 3)
    title = f"{label(first)} leads with {lead:,} of {whole:,} failed sessions"
    if split == "effect":
        title = f"{lead:,} of {whole:,} failed sessions: {first} under enforce"
    if lead == whole:
        title = f"{_all(whole, 'failed sessions')}: {label(first)}"
        title += " under enforce" if split == "effect" else ""
    figure = begin(3.2 + 0.2 * lines, title, where, out)
    with styled():
        axes = box(figure, top=0.72 + 0.2 * lines, bottom=0.72)
        table = folded.pivot_table(
            index="period", columns=split, values="sessions", aggfunc="sum", observed=True
        )
        every, there = _reported(frame)
        unreported(axes, there)
        below = np.zeros(len(every))
        for place, name in enumerate(order):
            height = np.nan_to_num(_floats(table[name].reindex(every)))
            band(axes, height, below, *_colour(name, place), label(name))
            below = below + height
        counts(axes, f"failed sessions {_per(frame)}, of the details")
        clock(axes, every)
        key(axes, 3, rise=13)
    return figure


def types_by_mx(frame: pd.DataFrame, where: Filter = EVERYTHING) -> Plot:
    """Show which MX host fails in which way.

    Parameters
    ----------
    frame
        What :func:`mtasts_analysis.failures_by_mx` gives.
    where
        What the frame is about.

    Returns
    -------
    Plot
        A heat map of failed sessions, result type × MX host, each cell with its number.

    Raises
    ------
    InputError
        A frame of another measure.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.types_by_mx(ma.failures_by_mx(data))
    <Plot: mx2.clinic.example fails most: 1,070 of 1,775 failed sessions; all reports>
    """
    where = _expect(frame, where, "failures_by_mx", ("mx_host", "result_type", "sessions"))
    if not _sum(frame["sessions"]):
        return nothing("no failed sessions in the details", where)
    hosts, order = _fold(frame, "mx_host", "sessions", 12)
    hosts, kinds = _fold(hosts, "result_type", "sessions", 12)
    table = hosts.pivot_table(
        index="mx_host", columns="result_type", values="sessions", aggfunc="sum", observed=True
    )
    values = np.array(table.reindex(index=order, columns=kinds).astype("float64"))
    first = next((name for name in order if not _is_rest(name)), order[0])
    lead = _sum(frame.loc[frame["mx_host"].fillna(_NOT_NAMED) == first, "sessions"])
    who = "sessions whose MX is not named fail" if first == _NOT_NAMED else f"{label(first)} fails"
    whole = _sum(frame["sessions"])
    title = f"{who} most: {lead:,} of {whole:,} failed sessions"
    if lead == whole:
        named_ = "no MX is named" if first == _NOT_NAMED else label(first)
        title = f"{_all(whole, 'failed sessions')}: {named_}"
    figure = begin(1.45 + 0.34 * len(order), title, where)
    words = [label(name) for name in order]
    with styled():
        left = margin(words)
        axes = box(figure, top=0.68, bottom=0.77, left=left)
        # What is summed as the rest is no host and no type: the scale is that of the others.
        own = values[np.ix_(*([not _is_rest(n) for n in names] for names in (order, kinds)))]
        top = np.log(max(10.0, float(np.nanmax(own, initial=1))))
        strength = np.log(np.maximum(values, 1)) / top
        axes.imshow(
            np.where(values > 0, strength, np.nan), aspect="auto", cmap=_HEAT, vmin=0, vmax=1,
            interpolation="nearest",
        )  # fmt: skip
        bare(axes)
        for row, column in np.argwhere(values > 0).tolist():
            axes.text(
                column, row, f"{values[row, column]:,.0f}", ha="center", va="center",
                fontsize=SMALL, color="white" if strength[row, column] > 0.72 else INK,
            )  # fmt: skip
        named(axes, words)
        room = int((WIDTH - left - RIGHT) / len(kinds) / 0.068)
        for column, kind in enumerate(kinds):
            axes.annotate(
                wrapped(label(kind), max(room, 5)), (column, 0), xytext=(0, -5), ha="center", va="top",
                xycoords=axes.get_xaxis_transform(), textcoords="offset points", fontsize=8,
                color=INK,
            )  # fmt: skip
        axes.set_xlim(-0.5, len(kinds) - 0.5)
        unit(axes, "failed sessions of the details, by MX host and result type")
    return figure


def sender_days(frame: pd.DataFrame, where: Filter = EVERYTHING) -> Plot:
    """Show who reported when, and how much failed for them: white is no report, blue no failure.

    Parameters
    ----------
    frame
        What :func:`mtasts_analysis.over_time` gives with ``split="sender"``.
    where
        What the frame is about.

    Returns
    -------
    Plot
        A heat map, sender × period; the colour is the failed share.

    Raises
    ------
    InputError
        A frame of another measure.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.sender_days(ma.over_time(data, split="sender"))  # doctest: +ELLIPSIS
    <Plot: Most failures in one day: Gogol LLC, 2026-03-13, 218 of 853 sessions (25.56%); all reports; ...>
    """
    where = _expect(frame, where, 'over_time(split="sender")', ("sender", *_OVER_TIME))
    about = _of_sessions(where, _left_out(frame))
    frame = frame[_floats(frame["sessions"]) > 0]
    if frame.empty:
        return nothing("no sessions", *about)
    folded, order = _fold(frame, "sender", "sessions", ROWS)
    every = _every(frame)
    failed, whole = _grid(folded, order, every)
    with np.errstate(invalid="ignore"):
        values = failed / whole
    title = _worst_cell(order, every, _by(frame), failed, whole)
    figure = begin(1.5 + 0.24 * len(order), title, *about)
    words = [label(name) for name in order]
    with styled():
        axes = box(figure, top=0.75, bottom=0.72, left=margin(words))
        # One scale for every picture, so that two can be compared; roots, so that 1 % is seen.
        colours = _HEAT(np.sqrt(values))
        colours[values == 0] = to_rgba(_PASSED)
        colours[np.isnan(values)] = 0
        axes.imshow(
            colours, aspect="auto", interpolation="nearest",
            extent=(0, len(every), len(order) - 0.5, -0.5),
        )  # fmt: skip
        bare(axes)
        named(axes, words)
        clock(axes, every)
        unit(axes, f"failed share per {_by(frame)}")
        steps = [
            Patch(facecolor=_HEAT(value**0.5), label=f"{value:.0%}")
            for value in (0.01, 0.05, 0.2, 0.5, 1)
        ]
        none = [
            Patch(facecolor="white", edgecolor=GREY, label="no report"),
            Patch(facecolor=_PASSED, label="0%"),
        ]
        key(axes, 7, [*none, *steps])
    return figure


def senders(frame: pd.DataFrame, where: Filter = EVERYTHING) -> Plot:
    """Show the failed share of each sender in a chart of its own, on one scale.

    Parameters
    ----------
    frame
        What :func:`mtasts_analysis.over_time` gives with ``split="sender"``.
    where
        What the frame is about.

    Returns
    -------
    Plot
        Small multiples, the senders with the most sessions first.

    Raises
    ------
    InputError
        A frame of another measure.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.senders(ma.over_time(data, by="week", split="sender"))  # doctest: +ELLIPSIS
    <Plot: Failed share by sender, most sessions first; all reports; DANE apart; not drawn: 2,481 ...>
    """
    where = _expect(frame, where, 'over_time(split="sender")', ("sender", *_OVER_TIME))
    about = _of_sessions(where, _left_out(frame))
    frame = frame[_floats(frame["sessions"]) > 0]
    if frame.empty:
        return nothing("no sessions", *about)
    folded, order = _fold(frame, "sender", "sessions", 9)
    every = _every(frame)
    failed, whole = _grid(folded, order, every)
    with np.errstate(invalid="ignore"):
        rates = failed / whole
    top = max(0.001, 1.1 * float(np.nanmax(rates, initial=0)))
    across = min(3, len(order))
    down = -(-len(order) // across)
    figure = begin(1.2 + 1.25 * down, "Failed share by sender, most sessions first", *about)
    # All charts are drawn into one: each a unit high, in a cell that is a half higher.
    wide, high = 1.08, 1.5
    n = len(every)
    with styled():
        axes = box(figure, top=0.6, bottom=0.7, left=0.55)
        bare(axes)
        unit(axes, f"failed, % of sessions {_per(frame)}")
        axes.set_xlim(0, n * (wide * across - wide + 1))
        axes.set_ylim(-0.04, high * down - 0.1)  # a mark at nought is drawn whole
        lines = []
        for place, name in enumerate(order):
            left, base = place % across * wide * n, (down - 1 - place // across) * high
            curve(axes, left + _middles(n), rates[place] / top, base, 1.2)
            for mark in share_marks(top / 1.1):
                lines.append([(left, base + mark / top), (left + n, base + mark / top)])
                if not place % across:
                    axes.annotate(
                        percent(mark), (left, base + mark / top), xytext=(-4, 0), ha="right",
                        va="center", textcoords="offset points", fontsize=8, color=SOFT,
                    )  # fmt: skip
            axes.text(left, base + 1.1, label(name, 20), fontsize=9)
            axes.text(
                left + n, base + 1.1, f"{short(float(np.nansum(whole[place])))} sessions", ha="right",
                fontsize=7.5, color=SOFT,
            )  # fmt: skip
            if place + across >= len(order):
                for at, text in _few(every):
                    axes.annotate(
                        text, (left + at, base), xytext=(0, -4), textcoords="offset points",
                        ha="center", va="top", fontsize=8, color=SOFT,
                    )  # fmt: skip
        axes.add_collection(LineCollection(lines, colors=GRID, linewidths=0.8, zorder=0))
    return figure


def top(
    frame: pd.DataFrame, of: str, where: Filter = EVERYTHING, value: str = "sessions", n: int = 15
) -> Plot:
    """Show what is largest, with the rest summed as `other (n)`.

    Parameters
    ----------
    frame
        Any measure's frame.
    of
        The column whose values are ranked.
    where
        What the frame is about.
    value
        The column that is added up.
    n
        How many bars.

    Returns
    -------
    Plot
        Horizontal bars with their figures.

    Raises
    ------
    InputError
        The frame has no such column, or what stands in `value` cannot be added up.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.top(ma.senders(data), "sender", value="failed")
    <Plot: Gogol LLC leads with 762 of 1,775 failed sessions; all reports; DANE apart>
    """
    for name, column in (("of", of), ("value", value)):
        arguments.instance(name, column, str, "the name of a column")
    where = _expect(frame, where, "a measure", (of, value))
    n = arguments.number("n", n, 1)
    if value not in _numbers(frame):
        numbers = ", ".join(_numbers(frame)) or "none"
        raise InputError(f"value: expected a column that can be added up: {numbers}; got {value!r}")
    about: tuple[Filter, *tuple[str, ...]] = (where,)
    if "failures" not in frame:  # no details: whole sessions
        about = _of_sessions(where) if "failure_share" in frame else _undivided(where)
    folded, order = _fold(frame, of, value, n)
    whole = _sum(frame[value])
    if not whole:
        return nothing(f"no {_unit(value)}", *about)
    sums = [_sum(folded.loc[folded[of] == name, value]) for name in order]
    first = 1 if _is_rest(order[0]) and len(order) > 1 else 0
    title = f"{label(order[first])} leads with {sums[first]:,} of {whole:,} {_unit(value)}"
    if sums[first] == whole:
        title = f"{_all(whole, _unit(value))}: {label(order[first])}"
    figure = begin(0.85 + 0.28 * len(order), title, *about)
    words = [label(name) for name in order]
    with styled():
        left = margin(words)
        axes = box(figure, top=0.45, bottom=0.4, left=left)
        bare(axes)
        colours = [GREY if _is_rest(name) else _colour(name, -1)[0] for name in order]
        axes.barh(range(len(order)), [float(s) for s in sums], color=colours, height=0.72)
        told = [f" {count:,} ({count / whole:.1%})" for count in sums]
        for place, count in enumerate(sums):
            axes.annotate(
                told[place], (float(count), place), va="center", fontsize=SMALL, color=INK
            )
        beside = max(width(words, SMALL) for words in told) / (WIDTH - left - RIGHT)
        axes.set_xlim(0, max(1.22, 1 / (1 - beside)) * float(max(sums)))
        named(axes, words)
    return figure


def policies(frame: pd.DataFrame, where: Filter = EVERYTHING) -> Plot:
    """Show which policy each sender saw, and who is still on an old one.

    Parameters
    ----------
    frame
        What :func:`mtasts_analysis.policy_history` gives.
    where
        What the frame is about.

    Returns
    -------
    Plot
        A line for each domain and sender, coloured by policy, hatched where it is past its max_age.

    Raises
    ------
    InputError
        A frame of another measure.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> where = ma.Filter(domains="bakery.example")
    >>> ma.plots.policies(ma.policy_history(data, where), where)  # doctest: +ELLIPSIS
    <Plot: 1 of 6 senders still sees an old policy; domain bakery.example; a line ends on the day ...>
    """
    where = _expect(frame, where, "policy_history", _HISTORY)
    about = _undivided(where, "a line ends on the day on which its last report began")
    if frame.empty:
        return nothing("no sender saw a policy", *about)
    pairs = frame.assign(
        first=frame["first_day"], runs=1, sessions=frame["sessions"].astype("float64")
    ).groupby(["domain", "sender"], dropna=False, sort=False, as_index=False)
    rows = pairs.agg(
        {"stale": "any", "runs": "sum", "sessions": "sum", "first": "min"}
    ).sort_values(["stale", "runs", "sessions"], ascending=False, kind="stable", ignore_index=True)
    title = _old_policies(frame)
    several = len(frame["domain"].unique()) > 1
    rest = len(rows) - ROWS
    rows = rows.head(ROWS).sort_values(["domain", "sender"], ignore_index=True)
    note = f"the {ROWS} rows most worth a look, {rest:,} more by a filter" if rest > 0 else ""
    shown = frame.merge(
        rows[["domain", "sender"]].assign(row=range(len(rows))), on=["domain", "sender"]
    )
    every = pd.date_range(frame["first_day"].min(), frame["last_day"].max(), freq="D", unit="us")
    words = [
        f"{label(d, 22)}, {label(s, 22)}" if several else label(s)
        for d, s in zip(rows["domain"], rows["sender"], strict=True)
    ]
    names = [_policy_name(run, several) for run in shown.itertuples()]
    colours = {
        name: _MODES.get(name) or _POLICIES[at % len(_POLICIES)]
        for at, name in enumerate(sorted(set(names)))
    }
    patches = [Patch(facecolor=colours[name], label=name) for name in sorted(colours)[:8]]
    if len(colours) > 8:
        patches.append(Patch(facecolor="white", label=f"and {len(colours) - 8:,} more"))
    if shown["stale"].any():
        patches.append(
            Patch(facecolor=GREY, hatch="////", edgecolor="white", label="past its max_age")
        )
    lines = -(-len(patches) // 3)
    figure = begin(1.2 + 0.2 * lines + 0.25 * len(rows), title, *about, note)
    with styled():
        axes = box(figure, top=0.48 + 0.2 * lines, bottom=0.72, left=margin(words))
        bare(axes)
        day = pd.Timedelta(days=1)
        low = ((shown["first_day"] - every[0]) // day).to_numpy()
        high = ((shown["last_day"] - every[0]) // day).to_numpy() + 1
        row = shown["row"].to_numpy()
        shapes = np.stack(
            [np.stack([x, row + y], axis=1) for x, y in ((low, -0.36), (high, -0.36), (high, 0.36), (low, 0.36))],
            axis=1,
        )  # fmt: skip
        axes.add_collection(
            PolyCollection(
                list(shapes),
                facecolors=[colours[n] for n in names],
                edgecolors="white",
                linewidths=0.6,
            )
        )
        past = shown["stale_from"].notna().to_numpy()
        shapes[:, (0, 3), 0] = (
            ((shown["stale_from"] - every[0]) // day).fillna(0).to_numpy()[:, None]
        )
        axes.add_collection(
            PolyCollection(
                list(shapes[past]),
                facecolors="none",
                edgecolors="white",
                hatch="////",
                linewidths=0,
            )
        )
        named(axes, words)
        clock(axes, every)
        key(axes, 3, patches)
    return figure


def _old_policies(frame: pd.DataFrame) -> str:
    """Say how many senders see an old policy; one that has moved on since does not *still* see it."""
    senders = frame["sender"].nunique(dropna=False)
    old = frame[frame["stale"]]
    pairs = frame.groupby(["domain", "sender"], dropna=False)["last_day"]
    last = pairs.transform("max")[old.index] == old["last_day"]
    still = old.loc[last, "sender"].nunique(dropna=False)
    if still:
        return f"{still:,} of {senders:,} senders still {'sees' if still == 1 else 'see'} an old policy"
    ever = old["sender"].nunique(dropna=False)
    if ever:
        return f"{ever:,} of {senders:,} senders saw an old policy past its max_age; none does now"
    return "No sender sees an old policy"


_POLICIES = [SKY, BLUE, GREEN, YELLOW, ORANGE, PINK]
_MODES = {"testing": SKY, "enforce": BLUE, "none": GREY}


def _left_out(frame: pd.DataFrame, what: str = "session") -> str:
    return _not_drawn(frame.attrs.get("left_out_sessions", 0), what, _by(frame))


def _not_drawn(number: int, what: str, by: str) -> str:
    """Say what a picture lacks beside the table of the same filter.

    Examples
    --------
    >>> _not_drawn(2_481, "session", "week"), _not_drawn(0, "session", "week")
    ('not drawn: 2,481 sessions of reports that no single week holds', '')
    """
    return (
        f"not drawn: {several(number, what)} of reports that no single {by} holds" if number else ""
    )


def _undivided(where: Filter, *notes: str) -> tuple[Filter, *tuple[str, ...]]:
    """Give the part of a filter that whole sessions follow, and notes, the part that they do not among them.

    Examples
    --------
    >>> _undivided(Filter(domains="a.example", mx_hosts="mx1.a.example"))
    (Filter(domains=('a.example',)), 'not applied: MX host mx1.a.example')
    """
    apart = Filter(result_types=where.result_types, mx_hosts=where.mx_hosts, effects=where.effects)
    unused = (f"not applied: {label(str(apart), 60)}",) if apart else ()
    return where.but(result_types=(), mx_hosts=(), effects=()), *notes, *unused


def _of_sessions(where: Filter, *notes: str) -> tuple[Filter, *tuple[str, ...]]:
    """Give the same for sums of sessions, which leave `tlsa` out unless policy types are named."""
    return _undivided(where, *(() if where.policy_types else ("DANE apart",)), *notes)


def _policy_name(run: Any, several: bool) -> str:
    mode = label(run.mode) if isinstance(run.mode, str) else "no mode"
    if several:  # the P1 of one domain is not that of another
        return mode
    age = f", max_age {int(run.max_age):,}" if pd.notna(run.max_age) else ""
    return f"{run.policy}: {mode}{age}"


def impact(frame: pd.DataFrame, where: Filter = EVERYTHING, bound: float | None = None) -> Plot:
    """Show how many sessions enforce would have refused, day by day, and which share that was.

    Parameters
    ----------
    frame
        `Impact.cells` of :func:`mtasts_analysis.replay`.
    where
        What was replayed.
    bound
        A share that may be refused, drawn as a line.

    Returns
    -------
    Plot
        Above, sessions, the refused among them; below, the refused share. Unknown ones stand on top of both.

    Raises
    ------
    InputError
        A frame of another measure.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.replay(data, ma.Filter(domains="clinic.example", start="2026-03-10", end="2026-03-20"))
    >>> print(ma.plots.impact(found.cells, found.where).alt.partition(";")[0])
    refused under enforce: 1,070 of 8,308 sessions, and perhaps 1 more
    """
    where = _expect(
        frame, where, "replay (its cells)", ("day", "long", "sessions", "refused", "cautious")
    )
    if bound is not None:
        bound = arguments.number("bound", bound, 0, 1, whole=False)
    refused, whole = _sum(frame["refused"]), _sum(frame["sessions"])
    perhaps = _sum(frame["cautious"]) - refused
    drafted = frame.attrs.get("draft", False)
    under = "the draft" if drafted else "enforce"
    title = f"refused under {under}: {refused:,} of {whole:,} sessions"
    title += f", and perhaps {perhaps:,} more" if perhaps else ""
    daily = frame[~frame["long"]]
    out = _not_drawn(whole - _sum(daily["sessions"]), "session", "day")
    if daily.empty:
        return nothing(title, where, out)
    figure = begin(4.3, title, where, out)
    by_day = daily.groupby("day")[["sessions", "refused", "cautious"]].sum()
    every = pd.date_range(by_day.index.min(), by_day.index.max(), freq="D", unit="us")
    by_day = by_day.reindex(every)
    there = by_day["sessions"].notna().to_numpy()
    with styled():
        top = box(figure, top=0.68, bottom=1.95)
        low = box(figure, top=2.75, bottom=0.72)
        passed = np.nan_to_num(_floats(by_day["sessions"]))
        certain = np.nan_to_num(_floats(by_day["refused"]))
        unsure = np.maximum(np.nan_to_num(_floats(by_day["cautious"])) - certain, 0)
        for axes, whole_day in ((top, np.ones(len(every))), (low, np.maximum(passed, 1))):
            unreported(axes, there)
            band(axes, certain / whole_day, 0 * certain, VERMILION, name="refused")
            if perhaps:
                band(axes, unsure / whole_day, certain / whole_day, GREY, "///", "may be refused")
        rest = np.maximum(passed - certain - unsure, 0)
        missed = drafted and frame.attrs.get("elsewhere")
        # Where sessions that succeeded went no report tells.
        band(
            top,
            rest,
            certain + unsure,
            _PASSED,
            name="accepted, or at an MX left out" if missed else "accepted",
        )
        counts(top, "sessions per day")
        key(top, 4)
        highest = float(np.max((certain + unsure) / np.maximum(passed, 1), initial=0))
        shares(low, "refused, % of sessions per day", max(highest, 2 * (bound or 0)))
        if bound:
            low.axhline(bound, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
            low.annotate(
                f"dashed: the {percent(bound)} that may be refused", (1, 1), xytext=(0, 4), ha="right",
                xycoords="axes fraction", va="bottom", textcoords="offset points", fontsize=SMALL,
                color=SOFT,
            )  # fmt: skip
        clock(top, every, dated=False)
        clock(low, every)
    return figure


# --- What they share --------------------------------------------------------------------------------


_OVER_TIME = ("period", "sessions", "successful", "failed", "failure_share")
_HISTORY = (
    "domain", "sender", "policy", "mode", "max_age", "first_day", "last_day", "sessions", "stale", "stale_from",
)  # fmt: skip


def _expect(frame: pd.DataFrame, where: Filter, measure: str, columns: tuple[str, ...]) -> Filter:
    """Refuse a frame that another measure gave, and what is none; give the filter, where it is one."""
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"expected a frame as {measure} gives it; got a {type(frame).__name__}")
    if not set(columns) <= set(frame.columns):
        raise InputError(
            f"expected a frame as {measure} gives it, with {', '.join(columns)};"
            f" got one with {', '.join(map(str, frame.columns)) or 'no column'}"
        )
    return chosen(where)


def _numbers(frame: pd.DataFrame) -> list[str]:
    """Give the columns that can be added up; sums past 2^63-1 are objects."""
    return [
        str(name)
        for name, column in frame.items()
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_object_dtype(column)
    ]


_FREQUENCIES = {"day": "D", "week": "7D", "month": "MS"}


def _by(frame: pd.DataFrame) -> str:
    by = frame.attrs.get("by")
    if by not in _FREQUENCIES:
        raise InputError(
            f"expected frame.attrs['by'] to say day, week or month, as its measure set it; got {by!r}"
        )
    return str(by)


def _per(frame: pd.DataFrame) -> str:
    by = _by(frame)
    return f"per {by} (UTC{', from Monday' if by == 'week' else ''})"


def _worst_cell(
    order: list[str], every: pd.DatetimeIndex, by: str, failed: Values, whole: Values
) -> str:
    """Name the period of a sender with the most failed sessions: the highest share may be one of one."""
    if not np.nanmax(failed, initial=0):
        return "No session failed"
    own = np.where([[_is_rest(name)] for name in order], -1, np.nan_to_num(failed, nan=-1))
    row, column = np.unravel_index(int(np.argmax(own)), own.shape)
    lost, sessions = failed[row, column], whole[row, column]
    return (
        f"Most failures in one {by}: {label(order[int(row)], 24)}, {_named_period(every[int(column)], by)},"
        f" {lost:,.0f} of {sessions:,.0f} sessions ({share(float(lost / sessions))})"
    )


def _named_period(period: pd.Timestamp, by: str) -> str:
    if by == "month":
        return f"{period:%Y-%m}"
    return f"{'from ' if by == 'week' else ''}{period:%Y-%m-%d}"


def _all(whole: int, what: str) -> str:
    return f"All {whole:,} {what}" if whole > 1 else f"The only {what.removesuffix('s')}"


def _unit(value: str) -> str:
    return "failed sessions" if value == "failed" else value.replace("_", " ")


def _sum(column: "pd.Series[Any]") -> int:
    return sum(map(int, column.dropna()))


def _floats(column: "pd.Series[Any]") -> Values:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _fold(
    frame: pd.DataFrame, column: str, value: str, n: int = TOP
) -> tuple[pd.DataFrame, list[str]]:
    """Give the frame with a column's smallest values as `other (n)`, and the order, largest first."""
    words = frame[column].astype("str").fillna(_NOT_NAMED)
    sums = (
        pd.Series(_floats(frame[value]), index=frame.index)
        .groupby(words)
        .sum()
        .sort_values(ascending=False, kind="stable")
    )
    names = [str(name) for name in sums.index]
    if len(names) > n:
        rest = set(names[n - 1 :])
        other = f"{_REST}({len(rest):,})"
        words = words.map({name: other if name in rest else name for name in names})
        names = [*names[: n - 1], other]
    return frame.assign(**{column: words}), names


_REST = "other "


def _is_rest(name: str) -> bool:
    return name.startswith(f"{_REST}(")


def _grid(folded: pd.DataFrame, order: list[str], every: pd.DatetimeIndex) -> tuple[Values, Values]:
    """Give failed and all sessions by sender and period; NaN where there are none."""
    row = pd.Index(order).get_indexer(pd.Index(folded["sender"]))
    column = every.get_indexer(pd.DatetimeIndex(folded["period"]))
    at, size = row * len(every) + column, len(order) * len(every)
    failed, whole = (
        np.bincount(at, weights=_floats(folded[name]), minlength=size).reshape(len(order), -1)
        for name in ("failed", "sessions")
    )
    none = whole == 0
    return np.where(none, np.nan, failed), np.where(none, np.nan, whole)


def _colour(name: str, place: int) -> tuple[str, str]:
    known = TYPE_COLOURS.get(name) or EFFECT_COLOURS.get(name)
    if known:
        return known
    if _is_rest(name) or place < 0:
        return (GREY if place >= 0 else SKY, "")
    palette = [VERMILION, BLUE, ORANGE, GREEN, PINK, SKY, YELLOW]
    return palette[place % len(palette)], "" if place < len(palette) else "///"


def _every(frame: pd.DataFrame) -> pd.DatetimeIndex:
    """Give every period from the first to the last, gaps too."""
    return _between(frame, frame["period"].min(), frame["period"].max())


def _between(frame: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
    return pd.date_range(first, last, freq=_FREQUENCIES[_by(frame)], unit="us")


def _reported(
    frame: pd.DataFrame,
) -> "tuple[pd.DatetimeIndex, np.ndarray[Any, np.dtype[np.bool_]]]":
    """Give every period of which there may be reports, and whether there are."""
    days = pd.DatetimeIndex(frame.attrs.get("reported", []), tz="UTC").as_unit("us")
    days = days.union(pd.DatetimeIndex(frame["period"].unique()))
    every = _between(frame, days.min(), days.max())
    return every, np.asarray(every.isin(days))


def _middles(periods: int) -> Values:
    return np.arange(periods, dtype=np.float64) + 0.5


def _few(every: pd.DatetimeIndex) -> list[tuple[float, str]]:
    """Give few dates for a narrow chart."""
    found = marks(every)
    if len(found) > 3:
        found = (
            [found[0], found[len(found) // 2]]
            if len(found) < 6
            else found[1 :: -(-len(found) // 3)]
        )
    days = [(at, every[min(int(at), len(every) - 1)]) for at, _ in found]
    if every.freqstr == "MS" or every[-1] - every[0] > pd.Timedelta(days=200):
        return [(at, f"{day:%b}\n{day:%Y}") for at, day in days]
    told = [None, *(day.year for _, day in days)]
    return [
        (at, f"{day.day} {day:%b}" + (f"\n{day.year}" if day.year != before else ""))
        for (at, day), before in zip(days, told, strict=False)
    ]
