"""No parser raises, whatever bytes it is given: by hypothesis, and over all that ever failed."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutate import edited, mutate
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
FAILED = sorted(CORPUS.glob("*/*"))


@pytest.mark.parametrize("case", FAILED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_once_failed(case):
    TARGETS[case.parent.name].run(case.read_bytes())


def test_the_corpus_names_targets():
    assert {case.parent.name for case in FAILED} <= TARGETS.keys()


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name):
    """What fuzzing begins with is what the parser is for."""
    for seed in TARGETS[name].seeds:
        TARGETS[name].run(seed)


def changed(seeds):
    """A seed, changed some times, in some layer of it."""

    def change(seed, times, chance):
        dice = random.Random(chance)
        for _ in range(times):
            seed = mutate(seed, dice, edited)
        return seed

    return st.builds(change, st.sampled_from(seeds), st.integers(1, 6), st.integers(0, 2**32))


SLOW = {"rows": 60, "loaded": 60, "archive": 200}


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes(name):
    target = TARGETS[name]

    @settings(
        max_examples=SLOW.get(name, 400), deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.one_of(st.binary(max_size=400), changed(target.seeds), changed(target.seeds)))
    def never_raises(raw):
        target.run(raw)

    never_raises()


TEXT = st.text(st.characters(codec=None), max_size=200)


@pytest.mark.parametrize("name", ["dates", "domain", "txt", "policy", "tlsa", "json"])
def test_any_text(name):
    """Whatever Unicode has: digits of all scripts, joiners, surrogates, marks of direction."""
    target = TARGETS[name]

    @settings(max_examples=300, deadline=None)
    @given(TEXT)
    def never_raises(text):
        target.run(text.encode("utf-8", "surrogatepass"))

    never_raises()


def test_a_change_reaches_what_is_packed():
    """The mutator is worth its name: most of what it makes of a packed report unpacks again."""
    from mtasts_analysis.archive.sources import Reader
    from mtasts_analysis.archive.streams import Stream
    from tests.archive.building import mail, packed, tarred, text, zipped

    dice = random.Random(8460)
    files = {"a.json": text()}
    for raw in (packed(), zipped(files), tarred(files), mail(packed())):
        changed_ = [mutate(raw, dice, edited) for _ in range(100)]
        texts = {
            i.data
            for one in changed_
            for i in Reader().items(Stream(one), "x")
            if i.form == "report"
        }
        assert len(texts - {text()}) > 20
