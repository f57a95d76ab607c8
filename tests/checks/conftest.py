"""The lab, a way to check domains in it, and the page to which every finding is held."""

import asyncio
import re

import pytest

from mtasts_analysis.checks.domain import Run
from mtasts_analysis.findings import Finding
from tests.checks.lab import Lab
from tests.conftest import ROOT

CODES = {
    code: set(severities.split(", "))
    for code, severities in re.findall(
        r"^\| `([a-z0-9.-]+)` \| ([a-z, ]+) \|",
        (ROOT / "docs" / "checks.md").read_text(),
        re.MULTILINE,
    )
}


@pytest.fixture(autouse=True)
def as_documented(monkeypatch):
    """Each finding that any test here brings about stands in docs/checks.md, with that severity."""
    made = []
    init = Finding.__init__

    def noted(self, *args, **named):
        init(self, *args, **named)
        made.append(self)

    monkeypatch.setattr(Finding, "__init__", noted)
    yield
    for finding in made:
        assert finding.severity in CODES[finding.code], finding
        assert finding.reference or finding.code == "check-failed", finding
        assert finding.action or finding.severity == "info" or finding.code == "domain-invalid", (
            finding
        )


@pytest.fixture(scope="module")
def lab():
    with Lab() as made:
        yield made


@pytest.fixture
def check(lab):
    async def run(domain, config):
        return [found async for found in Run(config).check_all([domain])]

    def checked(domain, **changed):
        (found,) = asyncio.run(run(domain, lab.config(**changed)))
        return found

    return checked
