"""A form in which domains are typed, progress is watched, and cards are read."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import ipywidgets as widgets

from mtasts_analysis.errors import MtastsAnalysisError
from mtasts_analysis.show.html import text

_CARDS = 50
"""Cards shown; the rest stands in the table."""


class Shown(Protocol):
    """What shows itself as HTML."""

    def _repr_html_(self) -> str: ...


Ask = Callable[[Sequence[str], Callable[[object], None]], tuple[Sequence[Shown], str]]
"""Checks domains, and tells as each is done; gives the cards, and a sentence on what it could not take."""


class CheckForm(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A form for live checks; made by :func:`mtasts_analysis.live.check_form`.

    Parameters
    ----------
    ask
        Checks domains.
    domains
        What stands in the form to begin with.
    first
        The cards shown to begin with.
    """

    def __init__(self, ask: Ask, domains: Sequence[str], first: Sequence[Shown]) -> None:
        self._ask = ask
        self.shown: Sequence[Shown] = first
        self._domains = widgets.Textarea(
            value="\n".join(domains),
            placeholder="domains that receive mail, one a line",
            rows=4,
            layout={"width": "340px"},
        )
        self._go = widgets.Button(description="Check", icon="search", button_style="primary")
        self._bar = widgets.IntProgress(layout={"width": "340px", "visibility": "hidden"})
        self._note, self._cards = widgets.HTML(), widgets.HTML()
        self._go.on_click(lambda _: self.check())
        super().__init__(
            [self._domains, widgets.HBox([self._go, self._bar]), self._note, self._cards]
        )
        self._show()

    def check(self) -> None:
        """Check what stands in the form; the button does this."""
        names = str(self._domains.value).split()
        self._bar.value, self._bar.max = 0, max(len(names), 1)
        self._bar.layout.visibility = "visible"
        self._go.disabled = True
        try:
            self.shown, note = self._ask(names, self._step)
            self._note.value = f"<p>{text(note, 600)}</p>" if note else ""
        except MtastsAnalysisError as error:
            self._note.value = f"<p>{text(str(error), 600)}</p>"
        finally:
            self._go.disabled = False
            self._bar.layout.visibility = "hidden"
        self._show()

    def _step(self, _: object) -> None:
        self._bar.value += 1

    def _show(self) -> None:
        more = len(self.shown) - _CARDS
        self._cards.value = self.static() + (f"<p>and {more:,} more</p>" if more > 0 else "")

    def static(self) -> str:
        """Give what is shown as HTML without controls, for a page that has no kernel."""
        return "".join(card._repr_html_() for card in self.shown[:_CARDS])  # Jupyter's own name

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {
            **data,
            "text/html": self.static(),
            "text/plain": "a form for live checks",
        }, metadata
