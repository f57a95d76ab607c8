"""An assessment as a card, and the panel whose controls it follows."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from html import escape
from typing import Any

import ipywidgets as widgets

from mtasts_analysis.errors import MtastsAnalysisError
from mtasts_analysis.readiness.config import ReadinessConfig
from mtasts_analysis.readiness.judgement import Judgement
from mtasts_analysis.show import plots
from mtasts_analysis.show.document import STATUS_COLOURS, TONE_COLOURS
from mtasts_analysis.show.html import element, table, text, unbroken
from mtasts_analysis.show.writeup import ORDER, TONES, impact_text, next_step, standing, why


@dataclass(frozen=True, slots=True)
class Settings:
    """What the panel's controls say."""

    domain: str
    as_of: date | None
    config: ReadinessConfig
    policy: str = ""


def card(of: Judgement, *, picture: bool = True) -> str:
    """Give an assessment as HTML: verdict, reasons, next step, impact, gates, plan; strangers' words escaped.

    Parameters
    ----------
    of
        The assessment.
    picture
        With the impact's picture.
    """
    edge, ground = TONE_COLOURS[TONES[of.verdict]]
    banner = (
        f'<p style="border-left: 8px solid #{edge}; background: #{ground}; color: #1b1f24; padding: 10px 14px;'
        f' font-size: 115%; font-weight: 600; opacity: 1">{unbroken(text(of.sentence, 600))}</p>'
    )
    reasons = "".join(f"<li>{text(reason, 400)}</li>" for reason in why(of))
    parts = [
        f"<p>{text(of.domain)} as of {of.as_of}. {escape(standing(of))}</p>",
        f"<ul>{reasons}</ul>",
        f"<p><b>Next.</b> {text(next_step(of), 600)}</p>",
    ]
    if of.impact is not None:
        parts.append(f"<p>{text(impact_text(of.impact), 900)}</p>")
        if picture and of.impact.sessions:
            bound = of.config.refused_most
            parts.append(plots.impact(of.impact.cells, of.impact.where, bound)._repr_html_())
    if of.missing:
        parts.append(f"<p>{text(of.missing, 900)}</p>")
    gates = [
        [
            _cell(gate.question),
            f'<b style="{_readable(STATUS_COLOURS[gate.status])}">{escape(gate.status)}</b>',
            _cell(gate.figures),
            _cell(gate.action),
        ]
        for gate in sorted(of.gates, key=lambda gate: ORDER[gate.status])
    ]
    steps = [[_cell(v) for v in (s.name, str(s.earliest), s.gate, s.roll_back)] for s in of.plan]
    tables = table("Gates", ["gate", "status", "what was found", "what to do"], gates, set())
    if steps:
        tables += table("Plan", ["step", "not before", "if", "to undo it"], steps, set())
    return element(banner, *parts, tables)


def _readable(colour: str) -> str:
    """Give a colour that is made for white paper, mixed with the text's own: a dark theme's is light."""
    return f"color: #{colour}; color: color-mix(in srgb, #{colour} 70%, currentColor)"


def _cell(value: str) -> str:
    shown = unbroken(text(value, 400))
    # Four columns fit beside the panel's controls.
    return shown if len(value) <= 20 else f'<div class="long" style="max-width: 17em">{shown}</div>'


class AssessmentPanel(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """An assessment that follows its controls; made by :func:`mtasts_analysis.assess_panel`.

    Attributes
    ----------
    assessment
        What is shown; None where the settings make none, and `note` says why.
    settings : Settings
        What the controls say.
    """

    def __init__(
        self,
        judge: Callable[[Settings], Judgement],
        domains: Sequence[str],
        settings: Settings,
    ) -> None:
        self._judge = judge
        self.settings = self._first = settings
        self.assessment: Judgement | None = None
        self.note = ""
        self._quiet = False
        self._one = threading.RLock()  # clicks may come in threads, as in the other panel
        self._make(domains)
        super().__init__([widgets.HBox([self._controls, self._answer])])
        self._redraw()

    def show(self, settings: Settings) -> None:
        """Set what is shown from code."""
        with self._one:
            self.settings = settings
            self._quiet = True
            try:
                self._domain.value, self._as_of.value = settings.domain, settings.as_of
                self._draft.value = settings.policy
                for name, control in self._thresholds.items():
                    value = getattr(settings.config, name)
                    control.value = 100 * value if name in _PERCENT else value
            finally:
                self._quiet = False
            self._redraw()

    def static(self) -> str:
        """Give what is shown as HTML without controls, for a page that has no kernel."""
        note = f"<p><b>{text(self.note, 600)}</b></p>" if self.note else ""
        return note + (card(self.assessment) if self.assessment is not None else "")

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/html": self.static(), "text/plain": "an assessment"}, metadata

    def _make(self, domains: Sequence[str]) -> None:
        wide = {"width": "300px"}
        first, label = self.settings, {"description_width": "150px"}
        self._domain = widgets.Dropdown(
            options=list(dict.fromkeys([first.domain, *domains])), value=first.domain,
            description="domain", layout=wide,
        )  # fmt: skip
        self._as_of = widgets.DatePicker(value=first.as_of, description="as of", layout=wide)
        self._thresholds = {
            "days_in_testing": widgets.IntSlider(max=90, description="days in testing"),
            "days_with_reports": widgets.IntSlider(max=28, description="days with reports"),
            "fewest_senders": widgets.IntSlider(min=1, max=20, description="fewest senders"),
            "refused_most": widgets.BoundedFloatText(max=100, step=0.1, description="refused at most, %"),
            "forecast_most": widgets.BoundedFloatText(max=100, step=1, description="forecast at most, %"),
            "honouring": widgets.BoundedFloatText(max=100, step=5, description="policy seen by, %"),
        }  # fmt: skip
        for name, control in self._thresholds.items():
            value = getattr(first.config, name)
            control.value = 100 * value if name in _PERCENT else value
            control.layout, control.style = wide, label
            if isinstance(control, widgets.IntSlider):
                control.continuous_update = False
        self._draft = widgets.Textarea(
            value=first.policy, rows=7, layout=wide, continuous_update=False,
            placeholder="a draft of mta-sts.txt, to be judged in place of the policy that senders saw",
        )  # fmt: skip
        self._reset = widgets.Button(description="Reset", icon="undo", layout={"width": "90px"})
        self._html = widgets.HTML()
        for control in (self._domain, self._as_of, self._draft, *self._thresholds.values()):
            control.observe(self._changed, "value")
        self._reset.on_click(lambda _: self.show(self._first))
        self._controls = widgets.VBox(
            [
                self._domain, self._as_of, widgets.HTML("<b>thresholds</b>"), *self._thresholds.values(),
                widgets.HTML("<b>a draft policy</b>"), self._draft, self._reset,
            ],
            layout={"min_width": "320px", "max_width": "320px"},
        )  # fmt: skip
        self._answer = widgets.VBox([self._html], layout={"flex": "1 1 auto", "min_width": "0"})

    def _changed(self, _: Any) -> None:
        with self._one:
            if self._quiet:
                return
            values = {
                name: control.value / 100 if name in _PERCENT else control.value
                for name, control in self._thresholds.items()
            }
            self.settings = Settings(
                self._domain.value,
                self._as_of.value,
                replace(self.settings.config, **values),
                str(self._draft.value),
            )
            self._redraw()

    def _redraw(self) -> None:
        try:
            self.assessment, self.note = self._judge(self.settings), ""
        except MtastsAnalysisError as error:
            self.assessment, self.note = None, str(error)
        self._html.value = self.static()


_PERCENT = ("refused_most", "forecast_most", "honouring")
