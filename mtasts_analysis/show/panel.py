"""The panel: filters on the left, the answer on the right, nothing computed that is not seen."""

import base64
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Protocol

import ipywidgets as widgets
import pandas as pd

from mtasts_analysis.analysis.facets import facets
from mtasts_analysis.analysis.facts import Data
from mtasts_analysis.analysis.filters import EVERYTHING, PLURALS, Filter
from mtasts_analysis.analysis.trends import Period
from mtasts_analysis.archive import export
from mtasts_analysis.archive.load import Accounting
from mtasts_analysis.errors import MtastsAnalysisError
from mtasts_analysis.show.frames import frame_html
from mtasts_analysis.show.html import element, text
from mtasts_analysis.show.style import Plot
from mtasts_analysis.show.text import plain
from mtasts_analysis.show.views import VIEWS

_OPTIONS = 200
"""Values offered of each kind, the most frequent first; a Filter can name any other."""

_WHOLE = (
    "<br><small>Counted are the sessions as a whole, failures of every type: no report tells successes by"
    " type, MX host or effect.</small>"
)

_MORE = "more columns: Export"

_NEWEST = "the newest first"

_DAYS = "<b>days (UTC)</b>"

_COUNTED = {
    name: "failure details" if name in ("result_types", "mx_hosts", "effects") else "policy results"
    for name in PLURALS
}
"""What the figures behind a filter's values count."""

_ONE_ROW = """
.mtasts-panel .widget-toggle-buttons .widget-toggle-button { padding: 0 7px; margin: 0 2px 2px 0; }
"""
"""All views beside each other where a page is 1,280 pixels wide."""

_LINK_MOST = 40_000_000
"""Bytes that a page carries as a download; more is for `Archive.export`."""


_UPLOAD_MOST = "<small>up to 10 MB; what is larger: <code>ma.load(path)</code></small>"
"""A Jupyter server closes the connection on a longer message, unless its settings say otherwise."""


class Loaded(Data, Protocol):
    """What a loader gives."""

    @property
    def problems(self) -> pd.DataFrame:
        """A row for each problem."""

    @property
    def accounting(self) -> Accounting:
        """What became of each item."""


Loader = Callable[[Sequence[tuple[str, bytes]], Callable[[int], None]], Loaded]
"""Files by name, and what is told how many bytes more were read → one archive."""


@dataclass(frozen=True, slots=True)
class State:
    """What a panel shows: enough to show it again."""

    where: Filter = EVERYTHING
    by: Period = "day"
    view: str = "sessions"


_KEPT: dict[str, State] = {}
"""The last state of each named panel, so that a cell that is run again keeps its selections."""


class Panel(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """An archive to look at from all sides; made by :func:`mtasts_analysis.explore`.

    Attributes
    ----------
    where : Filter
        The filter of the moment; paste its `repr` into code.
    frame : pandas.DataFrame
        The measure that is shown.
    plot : Plot or None
        The picture that is shown.
    """

    def __init__(
        self, data: Data, where: Filter | None, name: str, loader: Loader | None = None
    ) -> None:
        self.data, self.name, self._loader = data, name, loader
        kept = _KEPT.get(name, State())
        self.state = kept if where is None else replace(kept, where=where)
        self.frame = pd.DataFrame()
        self.plot: Plot | None = None
        self._quiet = False
        # JupyterLab hands clicks to threads of the kernel (subshells): one at a time is drawn.
        self._one = threading.RLock()
        self._offered: tuple[Data, Filter] | None = None
        self._make()
        super().__init__([self._view, widgets.HBox([self._controls, self._answer])])
        self.add_class("mtasts-panel")
        self._redraw()

    @property
    def where(self) -> Filter:
        """The filter of the moment."""
        return self.state.where

    def show(
        self, where: Filter | None = None, *, view: str | None = None, by: Period | None = None
    ) -> None:
        """Set what is shown from code.

        Parameters
        ----------
        where
            Another filter.
        view
            A key of :data:`mtasts_analysis.show.views.VIEWS`.
        by
            `day`, `week` or `month`.
        """
        with self._one:
            self.state = State(
                self.where if where is None else where, by or self.state.by, view or self.state.view
            )
            self._redraw()

    def static(self) -> str:
        """Give what is shown as HTML without controls, for a page that has no kernel."""
        note = "<p><small>The panel as it stood; its controls need a running notebook.</small></p>"
        return f"<div>{self._head.value}{self._picture.value}{self._table.value}{note}</div>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/html": self.static(), "text/plain": f"panel: {self.where}"}, metadata

    # --- Controls -----------------------------------------------------------------------------------

    def _make(self) -> None:
        wide = {"width": "240px"}
        self._view = widgets.ToggleButtons(
            options=list(VIEWS), value=self.state.view, style={"button_width": "auto"}
        )
        self._by = widgets.Dropdown(
            options=["day", "week", "month"], value=self.state.by, layout={"width": "90px"},
            tooltip="period, UTC",
        )  # fmt: skip
        self._reset = widgets.Button(description="Reset", icon="undo", layout={"width": "90px"})
        self._facets = {
            name: widgets.SelectMultiple(options=[], rows=4, layout=wide) for name in PLURALS
        }
        self._labels = {name: widgets.HTML(layout=wide) for name in PLURALS}
        self._days = widgets.HTML(_DAYS, layout=wide)
        self._start = widgets.DatePicker(description="from", layout=wide)
        self._end = widgets.DatePicker(description="to", layout=wide)
        self._code = widgets.Textarea(
            disabled=True, rows=3, layout=wide, tooltip="the filter, to paste into code"
        )
        self._format = widgets.Dropdown(
            options=["Parquet", "CSV", "XLSX", "PNG", "SVG"], layout={"width": "105px"}
        )
        self._export = widgets.Button(
            description="Export", icon="download", layout={"width": "105px"}
        )
        self._link = widgets.HTML()
        self._upload = widgets.FileUpload(
            multiple=True, description="Load an archive", layout={"width": "220px"}
        )
        self._bar = widgets.IntProgress(layout={"width": "240px", "visibility": "hidden"})
        self._note = widgets.HTML(layout=wide)
        self._head, self._picture, self._table = widgets.HTML(), widgets.HTML(), widgets.HTML()
        boxes: list[Any] = []
        for name, facet in self._facets.items():
            boxes += [self._labels[name], facet]
            facet.observe(self._changed, "value")
        for control in (self._view, self._by, self._start, self._end):
            control.observe(self._changed, "value")
        self._reset.on_click(lambda _: self.show(EVERYTHING))
        self._export.on_click(self._write)
        self._upload.observe(self._loaded, "value")
        loading = [self._upload, widgets.HTML(_UPLOAD_MOST, layout=wide), self._bar, self._note]
        self._controls = widgets.VBox(
            [
                widgets.HBox([self._by, self._reset]), *boxes,
                self._days, self._start, self._end,
                widgets.HTML("<b>this filter in code</b>"), self._code,
                widgets.HBox([self._format, self._export]), self._link,
                *(loading if self._loader else []),
            ],
            layout={"min_width": "260px", "max_width": "260px"},
        )  # fmt: skip
        self._answer = widgets.VBox(
            [self._head, self._picture, self._table], layout={"flex": "1 1 auto", "min_width": "0"}
        )

    def _changed(self, change: Any) -> None:
        def chosen(control: Any) -> Any:
            # What was drawn meanwhile may have set the control back.
            return change["new"] if control is change["owner"] else control.value

        with self._one:
            if self._quiet:
                return
            given = {name: chosen(facet) for name, facet in self._facets.items()}
            start, end = chosen(self._start), chosen(self._end)
            turned = bool(start and end and start > end)
            if turned:
                start, end = end, start
            where = Filter(**given, start=start, end=end)
            self.state = State(where, chosen(self._by), chosen(self._view))
            self._redraw()
            if turned:
                self._days.value = f"{_DAYS} <small>turned round: from was after to</small>"

    # --- The answer ---------------------------------------------------------------------------------

    def _redraw(self) -> None:
        _KEPT[self.name] = self.state
        view, where = VIEWS[self.state.view], self.where
        self._offer()
        self.frame = view.measure(self.data, where, self.state.by)
        self.plot = view.picture(self.frame, where) if view.picture else None
        chosen = where.result_types or where.mx_hosts or where.effects
        self._head.value = element(
            f"<h3>{escape(view.question)}</h3><p>{text(str(where), 400)}"
            f"{_WHOLE if view.whole and chosen else ''}</p>",
            style=_ONE_ROW,
        )
        self._picture.value = "" if self.plot is None else self.plot._repr_html_()
        columns = list(view.columns) or None
        # Of a table that is cut, the days that somebody looks for are the last.
        timed = "period" in self.frame
        self._table.value = frame_html(
            self.frame.sort_values("period", ascending=False, kind="stable")
            if timed
            else self.frame,
            note=_MORE if columns else _NEWEST if timed else "",
            columns=columns,
            rows=30,
        )
        self._link.value = ""
        self._days.value = _DAYS

    def _offer(self) -> None:
        """Set every control to the state, each option with its count under the other filters."""
        self._quiet = True
        try:
            asked = (self.data, self.where)
            found_of = {} if asked == self._offered else facets(*asked)
            self._offered = asked
            for name, found in found_of.items():
                chosen = getattr(self.where, name)
                offered = list(dict.fromkeys([*chosen, *(value for value, _ in found)]))
                counted = dict(found)
                options = [
                    (f"{plain(value, 34) or 'not named'} ({counted.get(value, 0):,})", value)
                    for value in offered[: _OPTIONS + len(chosen)]
                ]
                facet = self._facets[name]
                if facet.options != tuple(options):
                    facet.value = ()
                    facet.options = options
                facet.value = tuple(chosen)
                more = len(offered) - len(options)
                rest = f"; {more:,} values more" if more > 0 else ""
                self._labels[
                    name
                ].value = f"<b>{PLURALS[name][0]}</b> <small>({_COUNTED[name]}){rest}</small>"
            self._view.value, self._by.value = self.state.view, self.state.by
            self._start.value, self._end.value = self.where.start, self.where.end
            self._code.value = f"ma.{self.where!r}"
        finally:
            self._quiet = False

    # --- In and out ---------------------------------------------------------------------------------

    def shown_as(self, kind: str) -> bytes:
        """Give what is shown as a file: the table as `parquet`, `csv` or `xlsx`, the picture as `png` or `svg`."""
        if kind in ("png", "svg"):
            if self.plot is None:
                raise MtastsAnalysisError(
                    "this view has no picture: export it as Parquet, CSV or XLSX"
                )
            return self.plot.image(kind)
        return export.single(self.frame, self.state.view.replace(" ", "_"), kind)

    def _write(self, _: Any) -> None:
        kind = str(self._format.value).lower()
        try:
            content = self.shown_as(kind)
        except MtastsAnalysisError as error:
            self._link.value = f"<p>{escape(str(error))}</p>"
            return
        if len(content) > _LINK_MOST:
            self._link.value = (
                f"<p>{len(content):,} bytes are too many for a page: use "
                f"<code>data.filter({escape(repr(self.where))}).export(folder)</code></p>"
            )
            return
        name = f"{self.state.view.replace(' ', '_').replace('×', 'by')}.{kind}"
        encoded = base64.b64encode(content).decode("ascii")
        self._link.value = (
            f'<a style="text-decoration: underline" download="{name}"'
            f' href="data:application/octet-stream;base64,{encoded}">'
            f"Save {name} ({len(content):,} bytes)</a>"
        )

    def _loaded(self, change: Any) -> None:
        if not change["new"] or self._loader is None:
            return
        files = [(str(file["name"]), bytes(file["content"])) for file in change["new"]]
        names = text(", ".join(name for name, _ in files))
        self._bar.max, self._bar.value = sum(len(content) for _, content in files) or 1, 0
        self._bar.layout.visibility = "visible"
        self._note.value = f"<p>loading {names}</p>"
        try:
            data = self._loader(files, self._advance)
        except MtastsAnalysisError as error:
            self._note.value = f"<p>{names}: {text(str(error))}</p>"
            return
        finally:
            self._bar.layout.visibility = "hidden"
        codes = data.problems.groupby(["severity", "code"], observed=True).size().rename("rows")
        self._note.value = f"<p>{names}: {text(str(data.accounting))}</p>" + frame_html(
            codes.reset_index(), "Problems"
        )
        if len(data.reports):
            self.data = data
            self.show(EVERYTHING)
        else:
            self._note.value += "<p>no report in it: what was shown stays</p>"

    def _advance(self, size: int) -> None:
        self._bar.value += size
