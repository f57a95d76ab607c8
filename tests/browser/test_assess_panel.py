"""The readiness notebook as a person uses it: real JupyterLab, real browser, the panel's controls."""

import os
import shutil

import pytest

import mtasts_analysis as ma
from mtasts_analysis.bundled import notebooks, sample_archive
from mtasts_analysis.show.cards import CARD
from tests.browser.lab import CHROMIUM, chromium, jupyterlab, open_and_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="system package missing: chromium"),
    pytest.mark.xdist_group("browser"),
]

_SENTENCE = ".jp-OutputArea-output .widget-html .mtasts p"


def sentence(page):
    return page.locator(_SENTENCE).first.inner_text()


def changed(page, before):
    page.wait_for_function(
        "([path, before]) => { const p = document.querySelector(path); return p && p.innerText !== before; }",
        arg=[_SENTENCE, before],
    )
    return sentence(page)


def test_verdict_gates_and_picture_follow_the_controls(tmp_path):
    (source,) = [p for p in notebooks() if p.stem == "05_enforcement_readiness"]
    text = source.read_text().replace("ma.sample_archive()", repr(str(sample_archive())))
    (tmp_path / "05.ipynb").write_text(text)
    with jupyterlab(tmp_path) as (address, token), chromium() as browser:
        page = browser.new_page(viewport={"width": 1500, "height": 1100})
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        open_and_run(page, address, token, "05.ipynb")
        page.locator(_SENTENCE).first.wait_for()
        first = sentence(page)
        assert first.startswith(
            "clinic.example may not go to enforce yet: enforce would have refused 1,070"
        )
        picture = page.locator(".jp-OutputArea-output .widget-html img").first.get_attribute("alt")

        day = page.locator(".widget-datepicker input[type=date]").first
        day.fill("2026-03-11")
        day.dispatch_event("change")
        day.blur()
        second = changed(page, first)
        assert second.startswith("By reports up to 2026-03-10, clinic.example may go to enforce")
        assert (
            page.locator(".jp-OutputArea-output .widget-html img").first.get_attribute("alt")
            != picture
        )

        page.locator(".widget-text input[type=number]").first.fill("0")
        page.keyboard.press("Tab")
        third = changed(page, second)
        assert third.startswith("clinic.example may not go to enforce yet"), (
            "3 of 19,000 are more than none"
        )

        page.get_by_role("button", name="Reset").last.click()
        assert changed(page, third) == first
        page.locator(".widget-dropdown select").first.select_option("harbour.example")
        assert "harbour.example" in changed(page, first)

        draft = page.locator(".widget-textarea textarea").first
        draft.fill("mode: enforce")
        draft.blur()
        page.locator(".widget-html", has_text="expected a valid policy file").first.wait_for()
        shot = os.environ.get("MTASTS_SHOT")
        if shot:
            page.locator(
                ".jp-OutputArea-output .widget-dropdown"
            ).first.scroll_into_view_if_needed()
            page.screenshot(path=shot)
        assert faults == []
        assert (
            page.locator(
                ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']"
            ).count()
            == 0
        )
    shutil.rmtree(tmp_path / ".private", ignore_errors=True)


_CONTRASTS = """
() => {
  const pixel = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const light = colour => {
    pixel.fillStyle = getComputedStyle(document.body).backgroundColor;
    pixel.fillRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...pixel.getImageData(0, 0, 1, 1).data].map(
      v => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const ground = light('transparent');
  return [...document.querySelectorAll('td b, .error, .conflict, .warning, .unknown, .good')].map(e => {
    const ink = light(getComputedStyle(e).color);
    return [e.innerText, Math.max(ink, ground) / Math.min(ink, ground)];
  });
}
"""


@pytest.mark.parametrize(
    "ground", ["background: #fff; color: rgba(0, 0, 0, .87)", "background: #111; color: #fff"]
)
def test_colours_are_read_in_a_light_and_in_a_dark_theme(ground):
    data = ma.load(ma.sample_archive(), progress=False)
    tones = [f'<b class="{tone}">{tone}</b>' for tone in ("warning", "unknown", "good")]
    card = f'<style>{CARD}</style><p class="mtasts">{"".join(tones)}</p>'
    html = ma.assess(data, "bakery.example")._repr_html_() + data._repr_html_() + card
    with chromium() as browser:
        page = browser.new_page()
        page.set_content(f'<body style="{ground}">{html}')
        found = dict(page.evaluate(_CONTRASTS))
    assert {"fail", "warn", "pass", "not enough evidence", "error", "conflict"} <= set(found)
    assert {"warning", "unknown", "good"} <= set(found)
    assert min(found.values()) > 4.5, found  # WCAG 2, AA
