"""The lab, and a way to check domains in it."""

import asyncio

import pytest

from mtasts_analysis.checks.domain import Run
from tests.checks.lab import Lab


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
