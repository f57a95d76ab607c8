"""The assessment's card and panel: what the controls say is what is judged and shown."""

from dataclasses import replace
from datetime import date

import pytest

import mtasts_analysis as ma
from mtasts_analysis.readiness.config import ReadinessConfig
from mtasts_analysis.show.assessment import Settings, card
from tests.analysis.world import load, policy, report
from tests.readiness.worlds import AS_OF, MX1, MX2, assess, live, world


@pytest.fixture(scope="module")
def data():
    return world(lambda day, s: [("certificate-expired", MX2, 2)] if s == "Big" else [])


@pytest.fixture
def panel(data):
    return ma.assess_panel(data, "d.example", live(), AS_OF)


def shown(panel):
    return panel._html.value


def test_it_begins_with_what_assess_gives(data, panel):
    found = ma.assess(data, "d.example", live(), AS_OF)
    assert panel.assessment.sentence == found.sentence
    assert found.verdict == "ready"
    assert "d.example may go to enforce." in shown(panel)
    assert "refused under enforce: 56 of 24,080 sessions" in shown(panel)


def test_a_threshold_changes_the_verdict(panel):
    panel._thresholds["refused_most"].value = 0.1  # percent
    assert panel.settings.config.refused_most == pytest.approx(0.001)
    assert panel.assessment.verdict == "not yet"
    assert "d.example may not go to enforce yet" in shown(panel)
    panel._thresholds["refused_most"].value = 0.5
    assert panel.assessment.verdict == "ready"
    for name, value in (("days_in_testing", 60), ("fewest_senders", 9), ("forecast_most", 5.0)):
        panel._thresholds[name].value = value
        assert panel.assessment.verdict != "ready", name
        panel._reset.click()
        assert panel.assessment.verdict == "ready"


def test_a_day_and_a_domain(data, panel):
    panel._as_of.value = date(2026, 3, 10)
    assert panel.assessment.as_of == date(2026, 3, 10)
    assert panel.assessment.stage.name == "monitoring"
    both = load(
        [report(d, [policy(50, domain=n)], sender=s) for d in range(30) for s in "ABC" for n in ("a.example", "b.example")]
    )  # fmt: skip
    other = ma.assess_panel(both, "a.example")
    other._domain.value = "b.example"
    assert other.assessment.domain == "b.example"


def test_the_check_counts_for_its_own_domain_only():
    both = load(
        [report(d, [policy(50, domain=n)]) for d in range(3) for n in ("d.example", "b.example")]
    )
    panel = ma.assess_panel(both, "d.example", live(), AS_OF)
    assert panel.assessment.check is not None
    panel._domain.value = "b.example"
    assert panel.assessment.check is None


def test_a_draft_is_judged_and_a_bad_one_explained(panel):
    panel._draft.value = f"version: STSv1\nmode: enforce\nmx: {MX1}\nmax_age: 86400"
    assert panel.assessment.verdict == "not yet"
    assert f"{MX2} is not in the draft" in shown(panel)
    panel._draft.value = "mode: enforce"
    assert panel.assessment is None
    assert "expected a valid policy file" in shown(panel)
    panel._draft.value = ""
    assert panel.assessment.verdict == "ready"


def test_settings_from_code(panel):
    config = ReadinessConfig(refused_most=0.0001)
    panel.show(Settings("d.example", AS_OF, config))
    assert panel._thresholds["refused_most"].value == pytest.approx(0.01)
    assert panel.assessment.verdict == "not yet"


def test_a_page_without_a_kernel_shows_it_too(panel):
    bundle, _ = panel._repr_mimebundle_()
    assert bundle["text/html"] == panel.static() == shown(panel)
    assert "<img alt=" in bundle["text/html"]


@pytest.mark.parametrize("check", [None, live()])
def test_a_card_of_half_the_evidence(check):
    nothing = None if check is not None else world(days=1)
    page = card(assess(nothing, check))
    assert "it would have answered" in page
    assert "<script" not in page


def test_strangers_words_stay_words():
    nasty = '<img src=x onerror="alert(1)">'
    found = assess(world(lambda day, s: [(nasty, nasty, 30)] if day > 30 else []))
    named = replace(found, sentence=nasty, reasons=(nasty,), next_step=nasty)
    assert "<img src" not in card(named).replace('<img alt="', "").replace(' src="data:image', "")
    assert "&lt;img src=x" in card(named)
