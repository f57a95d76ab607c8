"""The form for live checks as a person uses it: a real JupyterLab, a real browser, the embedded lab as the Internet."""

import os

import nbformat
import pytest

from tests.browser.lab import CHROMIUM, chromium, jupyterlab, open_and_run
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="system package missing: chromium"),
]

CELLS = [
    f"""import sys
sys.path.insert(0, {str(ROOT)!r})
import mtasts_analysis as ma
from tests.checks.lab import GOOD, Lab
lab = Lab().__enter__()
lab.domain("good.example")
lab.mx("mx.broken.example", certificate=lab.leaf("mx.broken.example", days=-3), greeting_delay=1.5)
lab.domain("broken.example")
lab.mx("mx.nasty.example", ehlo=b"250-<img src=x onerror=window.hacked=1>\\r\\n250 SIZE\\r\\n")
lab.domain("nasty.example")
lab.policy("nasty.example", GOOD.format(mx="mx.nasty.example") + "mx: <script>window.hacked=1</script>\\n")""",
    "form = ma.live.check_form(config=lab.config(smtp_timeout=5, smtp_deadline=10))\nform",
    "alone = ma.live.check_form(config=lab.config(resolver_port=1, dns_timeout=0.5))\nalone",
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("form")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    book.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(book, folder / "form.ipynb")
    with jupyterlab(folder) as (address, token), chromium() as browser:
        page = browser.new_page(viewport={"width": 1500, "height": 1400})
        page.faults, page.asked, page.folder = [], [], folder
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        open_and_run(page, address, token, "form.ipynb")
        page.locator(".widget-textarea textarea").nth(1).wait_for()
        yield page


def output(page, at):
    return page.locator(".jp-OutputArea-output:has(.widget-textarea)").nth(at)


def check(page, at, text, until):
    form = output(page, at)
    form.locator("textarea").fill(text)
    form.locator("textarea").blur()
    form.get_by_role("button", name="Check").click()
    form.locator("h3", has_text=until).first.wait_for()
    return form


def test_before_a_domain_is_typed_a_recorded_check_is_shown_and_says_so(page):
    said = output(page, 0).inner_text()
    assert "clinic.example" in said and "A recorded check of the made-up domain" in said


def test_typed_domains_are_checked_and_read(page):
    form = output(page, 0)
    form.locator("textarea").fill("good.example\nbroken.example\nno..domain")
    form.locator("textarea").blur()
    form.get_by_role("button", name="Check").click()
    bar = form.locator(".widget-hprogress")
    bar.wait_for(state="visible")
    form.locator("h3", has_text="broken.example").wait_for()
    said = form.inner_text()
    assert "clinic.example" not in said, "the recorded card is gone"
    assert "Now, its MX host is accepted." in said and "Now, its MX host is refused" in said
    assert "certificate-expired" in said and "renew the certificate of mx.broken.example" in said
    assert "expected a domain name; 'no..domain'" in said, "the bad one is told, the good ones stay"
    bar.wait_for(state="hidden")
    assert form.get_by_role("button", name="Check").is_enabled()


def test_what_to_publish_is_in_sight(page):
    """No sideways scrolling: the fix stands within the page's width."""
    boxes = [b.bounding_box() for b in output(page, 0).locator(".finding pre").all()]
    assert boxes and all(b["x"] + b["width"] <= 1500 and b["height"] < 200 for b in boxes)


def test_nothing_a_server_wrote_acts(page):
    form = check(page, 0, "nasty.example", "nasty.example")
    assert "<script>window.hacked=1</script>" in form.inner_text()
    assert page.evaluate("window.hacked") is None


def test_with_no_network_it_says_so(page):
    form = output(page, 1)
    form.locator("textarea").fill("example.com")
    form.locator("textarea").blur()
    form.get_by_role("button", name="Check").click()
    form.get_by_text("There is no network here, so nothing was checked.").wait_for()
    assert "clinic.example" in form.inner_text()


def test_nothing_failed_and_nothing_left_the_machine(page):
    page.screenshot(path=page.folder / "form.png")
    assert page.faults == []
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert all(url.startswith(("http://127.0.0.1", "data:", "blob:", "ws://127.0.0.1")) for url in page.asked)  # fmt: skip
