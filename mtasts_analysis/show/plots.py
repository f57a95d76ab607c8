"""The pictures: each takes a measure's tidy frame and gives a figure.

Titles say the finding, the line below says what was looked at, axes carry units. What a stranger wrote is
cut short and never read as a formula. A gap is not zero: where nobody reported, nothing is drawn.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.patches import Patch
from matplotlib.ticker import (
    FixedFormatter,
    FixedLocator,
    FuncFormatter,
    MaxNLocator,
    PercentFormatter,
)

from mtasts_analysis.analysis.filters import EVERYTHING, Filter
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
    canvas,
    label,
    styled,
)
from mtasts_analysis.show.text import share

TOP = 8
"""Bands of a stack, and lines of a chart, before the rest is summed as `other (n)`."""

ROWS = 30
"""Rows of a heat map before the rest is left to a filter."""

_WIDTH = 9.6
_HEAT = LinearSegmentedColormap.from_list(
    "share", ["#eef3f7", "#fbe3c8", ORANGE, VERMILION, "#7a2f00"]
)


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

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.sessions(ma.over_time(data))
    <Plot: 1,701 of 96,764 sessions failed (1.76%); everything>
    """
    failed, whole = _sum(frame["failed"]), _sum(frame["sessions"])
    rate = share(failed / whole if whole else None)
    out = _sum(frame["left_out"])
    left_out = f"{out:,} results of longer reports left out" if out else ""
    figure = _begin(4.6, f"{failed:,} of {whole:,} sessions failed ({rate})", where, left_out)
    if not whole:
        return _nothing(figure)
    with styled():
        top, low = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        at, edges = _steps(frame["period"])
        passed, lost = _floats(frame["successful"]), _floats(frame["failed"])
        _stack(top, edges, passed, 0 * passed, SKY, "", "successful")
        _stack(top, edges, lost, passed, VERMILION, "", "failed")
        top.set_ylabel("sessions")
        _counts_on(top)
        _legend(top, 2)
        part = _floats(frame["failure_share"])
        low.plot(
            at,
            part,
            color=VERMILION,
            linewidth=1.6,
            marker="o" if len(at) < 45 else None,
            markersize=3,
        )
        low.fill_between(at, part, color=VERMILION, alpha=0.15, linewidth=0)
        _alone(low, at, part)
        low.set_ylabel("failed, % of sessions")
        low.set_ylim(0, max(0.001, 1.15 * float(np.nanmax(part, initial=0))))
        low.yaxis.set_major_formatter(PercentFormatter(1, symbol="%"))
        if changes is not None and len(changes):
            for day in sorted(set(date2num(changes["day"].dt.tz_localize(None)))):
                low.axvline(day, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
            low.annotate(
                "dashed: a change", (1, 1), xycoords="axes fraction", ha="right", va="bottom",
                fontsize=8, color=SOFT,
            )  # fmt: skip
        _clock(low, frame["period"])
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

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.failures(ma.failures_over_time(data))
    <Plot: certificate-expired leads with 996 of 1,701 failed sessions; everything>
    """
    split = str(frame.columns[1])
    folded, order = _fold(frame, split, "sessions")
    whole = _sum(frame["sessions"])
    if not whole:
        return _nothing(_begin(3.4, "no failed sessions in the details", where))
    named = [name for name in order if not name.startswith("other (")] or order
    figure = _begin(
        3.9,
        f"{label(named[0])} leads with {_sum(folded.loc[folded[split] == named[0], 'sessions']):,}"
        f" of {whole:,} failed sessions",
        where,
    )
    with styled():
        axes = figure.subplots()
        table = folded.pivot_table(
            index="period", columns=split, values="sessions", aggfunc="sum", observed=True
        )
        whole_axis = _every(frame)
        _, edges = _steps(pd.Series(whole_axis))
        below = np.zeros(len(whole_axis))
        for place, name in enumerate(order):
            height = np.nan_to_num(_floats(table[name].reindex(whole_axis)))
            _stack(axes, edges, height, below, *_colour(name, place), label(name))
            below = below + height
        axes.set_ylabel("failed sessions (details)")
        _counts_on(axes)
        _clock(axes, pd.Series(whole_axis))
        _legend(axes, 3)
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

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.types_by_mx(ma.failures_by_mx(data))
    <Plot: mx2.clinic.example fails most: 1,070 of 1,775 failed sessions; everything>
    """
    if not _sum(frame["sessions"]):
        return _nothing(_begin(3.0, "no failed sessions in the details", where))
    hosts, order = _fold(frame, "mx_host", "sessions", 12)
    hosts, kinds = _fold(hosts, "result_type", "sessions", 12)
    by_host = hosts.groupby("mx_host")["sessions"].sum()
    most = str(by_host.astype("float").idxmax())
    figure = _begin(
        1.9 + 0.36 * len(order),
        f"{label(most)} fails most: {int(by_host[most]):,} of {_sum(frame['sessions']):,} failed sessions",
        where,
    )
    table = hosts.pivot_table(
        index="mx_host", columns="result_type", values="sessions", aggfunc="sum", observed=True
    )
    values = np.array(table.reindex(index=order, columns=kinds).astype("float64"))
    with styled():
        axes = figure.subplots()
        top = max(10.0, float(np.nanmax(values, initial=1)))
        axes.imshow(
            np.where(values > 0, values, np.nan), aspect="auto", cmap=_HEAT, norm=LogNorm(1, top)
        )
        for (row, column), value in np.ndenumerate(values):
            if value == value:  # noqa: PLR0124  # not NaN
                dark = np.log(max(value, 1)) > 0.72 * np.log(top)
                axes.text(
                    column, row, f"{value:,.0f}", ha="center", va="center", fontsize=8.5,
                    color="white" if dark else INK,
                )  # fmt: skip
        axes.set_xticks(range(len(kinds)), [_wrap(label(k)) for k in kinds])
        axes.set_yticks(range(len(order)), [label(h) for h in order])
        axes.tick_params(length=0)
        axes.tick_params(axis="x", labelsize=8.5)
        axes.grid(visible=False)
        axes.set_xlabel("failed sessions (details), by result type")
        axes.spines[:].set_visible(False)
    return figure


def sender_days(frame: pd.DataFrame, where: Filter = EVERYTHING) -> Plot:
    """Show who reported when, and how much failed for them: white is no report, pale blue no failure.

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

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.sender_days(ma.over_time(data, split="sender"))
    <Plot: Worst: Pochta on 2026-04-08, 71.79% of its sessions failed; everything>
    """
    frame = frame[_floats(frame["sessions"]) > 0]
    if frame.empty:
        return _nothing(_begin(3.0, "no sessions", where))
    folded, order = _fold(frame, "sender", "sessions", ROWS)
    grouped = (
        folded.assign(failed=_floats(folded["failed"]), sessions=_floats(folded["sessions"]))
        .groupby(["sender", "period"], as_index=False, observed=True)[["failed", "sessions"]]
        .sum()
    )
    every = _every(frame)
    rows, days = {name: i for i, name in enumerate(order)}, {p: i for i, p in enumerate(every)}
    values = np.full((len(order), len(every)), np.nan)
    values[grouped["sender"].map(rows), grouped["period"].map(days)] = (
        grouped["failed"] / grouped["sessions"]
    )
    worst = float(np.nanmax(values, initial=0))
    figure = _begin(
        1.7 + 0.24 * len(order),
        _worst_cell(order, every, values),
        where,
    )
    with styled():
        axes = figure.subplots()
        _, edges = _steps(pd.Series(every))
        mesh = axes.pcolormesh(
            edges, np.arange(len(order) + 1) - 0.5, values,
            cmap=_HEAT, vmin=0, vmax=max(0.01, min(1.0, worst)), rasterized=True,
        )  # fmt: skip
        axes.set_yticks(range(len(order)), [label(name) for name in order])
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False)
        bar = figure.colorbar(mesh, ax=axes, pad=0.01, fraction=0.03)
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1))
        bar.set_label("failed, % of sessions (white: no report)")
        bar.outline.set_visible(False)
        _clock(axes, pd.Series(every))
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

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.senders(ma.over_time(data, by="week", split="sender"))
    <Plot: Failed share by sender, most sessions first; everything>
    """
    frame = frame[_floats(frame["sessions"]) > 0]
    if frame.empty:
        return _nothing(_begin(3.0, "no sessions", where))
    folded, order = _fold(frame, "sender", "sessions", 9)
    across = min(3, len(order))
    down = -(-len(order) // across)
    height = 1.1 + 1.35 * down
    title = "Failed share by sender, most sessions first"
    # Fitting nine charts to their labels takes longer than drawing them: margins are in inches here.
    figure = _begin(height, title, where, fitted=False)
    figure.subplots_adjust(
        left=0.06, right=0.99, top=1 - 0.62 / height, bottom=0.62 / height, wspace=0.1, hspace=0.38
    )
    every = _every(frame)
    at, _ = _steps(pd.Series(every))
    highest = 0.001
    with styled():
        grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        ticks, words = _ticks(every)
        for axes, name in zip(grid.flat, order, strict=False):
            own = (
                folded[folded["sender"] == name]
                .groupby("period", observed=True)[["failed", "sessions"]]
                .sum()
            )
            own = own.reindex(every)
            rate = _floats(own["failed"]) / _floats(own["sessions"])
            axes.plot(at, rate, color=VERMILION, linewidth=1.3)
            axes.fill_between(at, rate, color=VERMILION, alpha=0.15, linewidth=0)
            _alone(axes, at, rate)
            axes.set_title(label(name, 26), fontsize=9, fontweight="normal", pad=3)
            total = _sum(own["sessions"])
            axes.annotate(
                f"{total:,} sessions", (1, 1), xycoords="axes fraction", ha="right", va="top",
                fontsize=7.5, color=SOFT,
            )  # fmt: skip
            highest = max(highest, float(np.nanmax(rate)))
            axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
            axes.xaxis.set_major_formatter(FixedFormatter(words))
        grid[0][0].set_ylim(0, 1.2 * highest)
        marks = [m for m in MaxNLocator(3).tick_values(0, 1.1 * highest) if 0 <= m <= 1.2 * highest]
        for axes in grid.flat:
            axes.yaxis.set_major_locator(FixedLocator(marks))
            axes.yaxis.set_major_formatter(PercentFormatter(1))
        for axes in list(grid.flat)[len(order) :]:
            axes.set_visible(False)
        for column in range(across):  # the lowest chart of each column carries the dates
            lowest = max(row for row in range(down) if row * across + column < len(order))
            grid[lowest][column].tick_params(labelbottom=True)
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

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> ma.plots.top(ma.senders(data), "sender", value="failed")
    <Plot: Gogol LLC leads with 762 of 1,775 failed sessions; everything>
    """
    folded, order = _fold(frame, of, value, n)
    whole = _sum(frame[value])
    if not whole:
        return _nothing(_begin(3.0, f"no {value.replace('_', ' ')}", where))
    sums = [_sum(folded.loc[folded[of] == name, value]) for name in order]
    figure = _begin(
        1.1 + 0.3 * len(order),
        f"{label(order[0])} leads with {sums[0]:,} of {whole:,} {_unit(value)}",
        where,
    )
    with styled():
        axes = figure.subplots()
        colours = [GREY if name.startswith("other (") else _colour(name, -1)[0] for name in order]
        axes.barh(range(len(order)), [float(s) for s in sums], color=colours, height=0.72)
        for place, count in enumerate(sums):
            axes.annotate(
                f" {count:,} ({count / whole:.1%})", (float(count), place), va="center", fontsize=8.5,
                color=SOFT,
            )  # fmt: skip
        axes.set_yticks(range(len(order)), [label(name) for name in order])
        axes.invert_yaxis()
        axes.margins(x=0.16)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False)
        axes.set_xlabel(_unit(value))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
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
        A line for each domain and sender, coloured by policy, hatched where it is stale.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> where = ma.Filter(domains="bakery.example")
    >>> ma.plots.policies(ma.policy_history(data, where), where)
    <Plot: 1 of 6 senders still sees an old policy; domain bakery.example>
    """
    if frame.empty:
        return _nothing(_begin(3.0, "no sender saw a policy", where))
    pairs = frame.groupby(["domain", "sender"], dropna=False, sort=False)
    stale, every = int(pairs["stale"].any().sum()), pairs.ngroups
    see = "sees" if stale == 1 else "see"
    title = f"{stale:,} of {every:,} senders still {see} an old policy"
    if not stale:
        title = f"No sender of {every:,} sees an old policy"
    keys: list[Any] = list(pairs.groups)[:ROWS]
    figure = _begin(1.5 + 0.27 * len(keys), title, where)
    several = len(frame["domain"].unique()) > 1
    palette = [SKY, BLUE, GREEN, YELLOW, ORANGE, PINK]
    seen: dict[str, Patch] = {}
    with styled():
        axes = figure.subplots()
        names = []
        for place, key in enumerate(keys):
            domain, sender = key
            run: Any
            for run in pairs.get_group(key).itertuples():
                number = int(str(run.policy)[1:])
                colour = palette[(number - 1) % len(palette)]
                first = date2num(run.first_day.tz_localize(None))
                last = date2num(run.last_day.tz_localize(None)) + 1
                axes.barh(
                    place, last - first, left=first, height=0.7, color=colour, edgecolor="white",
                    hatch="////" if run.stale else None, linewidth=0,
                )  # fmt: skip
                name = f"{run.policy}: {label(run.mode)}"
                if pd.notna(run.max_age):
                    name += f", max_age {int(run.max_age):,}"
                if several:
                    name = f"{run.policy}"
                seen.setdefault(name, Patch(facecolor=colour, label=name))
            names.append(f"{label(sender, 22)}, {label(domain, 22)}" if several else label(sender))
        if stale:
            seen["stale"] = Patch(
                facecolor=GREY, hatch="////", edgecolor="white", label="past its max_age"
            )
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False)
        _clock(axes, pd.concat([frame["first_day"], frame["last_day"]]))
        handles = sorted(seen.values(), key=lambda patch: str(patch.get_label()))[:9]
        axes.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(0, -0.09 - 0.5 / (1 + len(keys))),
            ncols=3,
        )
        if len(list(pairs.groups)) > ROWS:
            axes.set_xlabel(f"the first {ROWS} of {every:,}; a filter shows the others")
    return figure


def impact(frame: pd.DataFrame, where: Filter = EVERYTHING) -> Plot:
    """Show how many sessions enforce would have refused, day by day.

    Parameters
    ----------
    frame
        `Impact.by_day` of :func:`mtasts_analysis.replay`.
    where
        What was replayed.

    Returns
    -------
    Plot
        Bars of refused sessions, and of unknown ones on top of them.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.replay(data, ma.Filter(domains="clinic.example", start="2026-03-10", end="2026-03-20"))
    >>> ma.plots.impact(found.by_day, found.where)
    <Plot: enforce would have refused 996 of 8,104 sessions; domain clinic.example, 2026-03-10 to 2026-03-20>
    """
    refused, whole = _sum(frame["refused"]), _sum(frame["sessions"])
    figure = _begin(3.2, f"enforce would have refused {refused:,} of {whole:,} sessions", where)
    if not whole:
        return _nothing(figure)
    daily = frame.groupby("day")[["sessions", "refused", "cautious"]].sum()
    every = pd.date_range(daily.index.min(), daily.index.max(), freq="D", unit="us")
    daily = daily.reindex(every)
    with styled():
        axes = figure.subplots()
        _, edges = _steps(pd.Series(every))
        certain = np.nan_to_num(_floats(daily["refused"]))
        unsure = np.maximum(np.nan_to_num(_floats(daily["cautious"])) - certain, 0)
        _stack(axes, edges, certain, 0 * certain, VERMILION, "", "refused")
        _stack(axes, edges, unsure, certain, GREY, "///", "unknown: counted in the cautious figure")
        axes.set_ylabel("sessions")
        _counts_on(axes)
        if not (certain + unsure).any():
            axes.set_ylim(0, 1)
        _clock(axes, pd.Series(every))
        _legend(axes, 2)
    return figure


# --- What they share --------------------------------------------------------------------------------


def _begin(
    height: float, title: str, where: Filter, note: str = "", *, fitted: bool = True
) -> Plot:
    with styled():
        figure = canvas(_WIDTH, height, fitted=fitted)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        below = f"{label(str(where), 150)}; {note}" if note else label(str(where), 150)
        figure.supxlabel(below, x=0.01, ha="left", fontsize=8.5, color=SOFT)
    figure.alt = f"{title}; {where}"
    return figure


def _worst_cell(order: list[str], every: pd.DatetimeIndex, values: Any) -> str:
    worst = float(np.nanmax(values, initial=0))
    if not worst:
        return f"No session of {len(order):,} senders failed"
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    day = every[int(column)]
    return (
        f"Worst: {label(order[int(row)])} on {day:%Y-%m-%d}, {share(worst)} of its sessions failed"
    )


def _nothing(figure: Plot) -> Plot:
    with styled():
        axes = figure.subplots()
        axes.set_axis_off()
        axes.text(0.5, 0.5, "nothing to show for this filter", ha="center", va="center", color=SOFT)
    return figure


def _unit(value: str) -> str:
    return "failed sessions" if value == "failed" else value.replace("_", " ")


def _sum(column: "pd.Series[Any]") -> int:
    return sum(map(int, column.dropna()))


def _floats(column: "pd.Series[Any]") -> "np.ndarray[Any, np.dtype[np.float64]]":
    return column.astype("object").where(column.notna(), np.nan).to_numpy(dtype=np.float64)


def _fold(
    frame: pd.DataFrame, column: str, value: str, n: int = TOP
) -> tuple[pd.DataFrame, list[str]]:
    """Give the frame with a column's smallest values as `other (n)`, and the order, largest first."""
    frame = frame.assign(
        **{column: frame[column].astype("object").where(frame[column].notna(), "not named")}
    )
    sums = (
        frame.assign(_v=_floats(frame[value]))
        .groupby(column)["_v"]
        .sum()
        .sort_values(ascending=False, kind="stable")
    )
    names = [str(name) for name in sums.index]
    if len(names) <= n:
        return frame, names
    rest = set(names[n - 1 :])
    other = f"other ({len(rest):,})"
    folded = frame.assign(**{column: [other if name in rest else name for name in frame[column]]})
    return folded, [*names[: n - 1], other]


def _colour(name: str, place: int) -> tuple[str, str]:
    known = TYPE_COLOURS.get(name) or EFFECT_COLOURS.get(name)
    if known:
        return known
    if name.startswith("other (") or place < 0:
        return (GREY if place >= 0 else SKY, "")
    palette = [VERMILION, BLUE, ORANGE, GREEN, PINK, SKY, YELLOW]
    return palette[place % len(palette)], "" if place < len(palette) else "///"


def _wrap(name: str) -> str:
    """Break a result type at its hyphens, so that labels stay level."""
    lines: list[str] = [""]
    for part in name.replace("-", "- ").split():
        if len(lines[-1]) + len(part) > 13 and lines[-1]:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines[:4])


def _every(frame: pd.DataFrame) -> pd.DatetimeIndex:
    """Give every period from the first to the last, gaps too."""
    freq = {"day": "D", "week": "7D", "month": "MS"}[frame.attrs["by"]]
    return pd.date_range(frame["period"].min(), frame["period"].max(), freq=freq, unit="us")


def _steps(periods: "pd.Series[Any]") -> tuple[Any, Any]:
    """Give the middle of each period and the edges of all, in days."""
    at = date2num(pd.DatetimeIndex(periods).tz_localize(None))
    edges = np.append(at, at[-1] + (at[-1] - at[-2] if len(at) > 1 else 1.0))
    return (edges[:-1] + edges[1:]) / 2, edges


def _stack(
    axes: Axes, edges: Any, height: Any, below: Any, colour: str, hatch: str, name: str
) -> None:
    """Draw one band of a stack as steps: one shape, however many days it has."""
    base, topmost = np.nan_to_num(below), np.nan_to_num(below + height)
    axes.fill_between(
        edges, np.append(base, base[-1]), np.append(topmost, topmost[-1]), step="post",
        facecolor=colour, hatch=hatch or None, edgecolor="white", linewidth=0, label=name,
    )  # fmt: skip


def _clock(axes: Axes, periods: "pd.Series[Any]", ticks: int = 8) -> None:
    locator = AutoDateLocator(minticks=2, maxticks=ticks)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    at = date2num(pd.DatetimeIndex(periods).tz_localize(None))
    step = float(np.diff(np.unique(at)).min()) if len(np.unique(at)) > 1 else 1.0
    axes.set_xlim(at.min() - 0.4 * step, at.max() + 1.4 * step)


def _ticks(every: pd.DatetimeIndex) -> tuple[list[float], list[str]]:
    """Give few dates for a narrow axis, worked out once for all of them."""
    places = np.unique((np.array([0.12, 0.5, 0.88]) * (len(every) - 1)).round().astype(int))
    few = every[places]
    return [float(x) for x in date2num(few.tz_localize(None))], [f"{day:%d %b %y}" for day in few]


def _alone(axes: Axes, at: Any, values: Any) -> None:
    """Mark the points that a line would not show, for want of a neighbour."""
    there = ~np.isnan(values)
    left, right = np.r_[False, there[:-1]], np.r_[there[1:], False]
    lone = there & ~left & ~right
    if lone.any():
        axes.plot(at[lone], values[lone], "o", color=VERMILION, markersize=3)


def _counts_on(axes: Axes) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.margins(y=0.06)
    axes.set_ylim(bottom=0)


def _legend(axes: Axes, columns: int) -> None:
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, handlelength=1.1, columnspacing=1.4,
        borderaxespad=0.2, fontsize=8.5,
    )  # fmt: skip
    axes.grid(visible=True, axis="y", color=GRID)
