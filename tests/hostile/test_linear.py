"""Twice as much of an attack takes twice the work, not four times.

Work is counted, not timed: calls, and bytes that pass through a stream. `python -m tests.hostile.measure
--linear` times the same attacks at sizes where a clock says something.
"""

import sys

import pytest

import mtasts_analysis as ma
from mtasts_analysis.archive import streams, zips
from tests.hostile.large import attacks

ATTACKS = {one.name: one for one in attacks()}
# Their size is not what grows, or what is asked for is beyond a limit at once.
FIXED = {"60 zips in each other", "zips in zips in zips", "tars in tars.gz", "mail: zips in zips", "mail: tars in tar.gz"}  # fmt: skip


class Work:
    """Counts what a load does."""

    def __init__(self, monkeypatch):
        self.done = 0
        for name in ("read", "peek", "take", "push_back", "at_hand"):
            monkeypatch.setattr(streams.Stream, name, self.counting(getattr(streams.Stream, name)))

    def counting(self, method):
        def counted(stream, *given):
            result = method(stream, *given)
            passed = len(result) if isinstance(result, bytes) else len(given[0])
            self.done += passed // 64
            return result

        return counted

    def of(self, raw):
        self.done = 0

        def event(frame, kind, argument):
            if kind in {"call", "c_call"}:
                self.done += 1

        sys.setprofile(event)
        try:
            data = ma.load(raw)
        finally:
            sys.setprofile(None)
        assert data.accounting.items
        return self.done


# Looked through in steps, each four times the last: linear, but not between any two sizes. It has its own test.
STEPS = {"zip: false ends"}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - FIXED - STEPS))
def test_work(name, monkeypatch):
    work = Work(monkeypatch)
    make = ATTACKS[name].make
    size = (
        10_000 if "diluted" in name or "more policies than bytes" in name else 40_000
    )  # they hold much in little
    work.of(make(1_000))  # what is done once
    small, large = make(size), make(2 * size)
    once, twice = work.of(small), work.of(large)
    assert twice <= 2.5 * once + 2_000, (once, twice, len(small), len(large))


def test_the_count_sees_a_quadratic_reader(monkeypatch):
    """What it is there for: a reader that puts everything back after each byte."""

    def slow(reader, stream, origin, layer=0, budget=None):
        while stream.peek(1):
            rest = stream.take(10**9)
            stream.push_back(rest[100:])
        yield ma.archive.items.Item("other", origin, b"", "slow")

    from mtasts_analysis.archive import sources

    monkeypatch.setattr(sources.Reader, "items", slow)
    work = Work(monkeypatch)
    assert work.of(b"x" * 80_000) > 2.5 * work.of(b"x" * 40_000)


def test_a_member_of_false_ends_is_summed_once(monkeypatch):
    """Each end tells the size of all before it: to sum that anew for each would be quadratic."""
    summed, crc32 = [], zips.zlib.crc32

    class Counted:
        crc32 = staticmethod(lambda data, crc=0: summed.append(len(data)) or crc32(data, crc))

    monkeypatch.setattr(zips, "zlib", Counted)
    raw = ATTACKS["zip: false ends"].make(100_000)
    assert len(ma.load(raw).reports) == 1
    assert len(summed) > 5_000, "the ends were looked at"
    assert sum(summed) < 20 * len(raw)
