"""The forecast against simulated months whose true share is known."""

import numpy as np
import pytest

from mtasts_analysis.readiness.config import ReadinessConfig
from mtasts_analysis.readiness.forecast import forecast, more_days, sample_for, unseen

VOLUMES = {
    "one dominant sender": (2000, 300, 150, 80, 40, 20),
    "six equal senders": (200,) * 6,
    "two senders": (900, 60),
}
# Steady share of failures; probability that a day is an outage; what part of sessions it strikes; for whom.
TROUBLES = {
    "steady, small": (0.002, 0.0, 0.0, "all"),
    "steady, large": (0.05, 0.0, 0.0, "all"),
    "shared outages": (0.002, 0.1, 0.3, "all"),
    "shared outages, seldom": (0.0, 0.03, 0.5, "all"),
    "outages beside noise, seldom": (0.002, 0.02, 0.5, "all"),
    "total outages, seldom": (0.0, 0.03, 1.0, "all"),
    "total outages": (0.0, 0.1, 1.0, "all"),
    "a sender's own outages": (0.0, 0.1, 1.0, "each"),
    "one sender fails always": (0.0, 0.0, 0.0, "last"),
    "hardly ever anything": (0.0, 0.002, 0.5, "all"),
}
MONTHS, DAYS = 120, 28


def months(rng, volumes, trouble, days=DAYS):
    """Simulate months; gives sessions and failures by month, sender and day, and the true share."""
    base, often, depth, whom = trouble
    mean = np.array(volumes, dtype=float)
    shape = (MONTHS, len(mean), days)
    sessions = rng.poisson(mean[:, None] * rng.lognormal(0, 0.3, shape)).astype(float)
    level = np.clip(rng.gamma(2.0, base / 2, shape), 0, 1) if base else np.zeros(shape)
    struck = rng.random((MONTHS, 1, days) if whom == "all" else shape) < often
    level = np.where(struck, level * (1 - depth) + depth, level)
    true = base * (1 - often) + often * (base * (1 - depth) + depth)
    if whom == "last":
        level[:, -1, :] = 0.5
        true = 0.5 * mean[-1] / mean.sum()
    return sessions, rng.binomial(sessions.astype(int), level).astype(float), true


@pytest.mark.slow
def test_the_interval_covers_the_true_share():
    """In 90 % or more of simulated months at nominal 95 %, whatever the volumes and the trouble.

    Measured with this seed over 30 x 120 months: 99.6 % in all, 97.5 % where it is worst (shared outages), and
    100 % of the 657 months without any failure. It errs on the wide side: it forecasts what was not seen.
    """
    rng = np.random.default_rng(84)
    config = ReadinessConfig(resamples=400)
    covered, silent = {}, []
    for which, volumes in VOLUMES.items():
        sender, day = np.meshgrid(np.arange(len(volumes)), np.arange(DAYS), indexing="ij")
        for trouble, given in TROUBLES.items():
            sessions, failed, true = months(rng, volumes, given)
            held = []
            for s, f in zip(sessions, failed, strict=True):
                found = forecast(sender.ravel(), day.ravel(), s.ravel(), f.ravel(), config)
                held.append(found.low <= true <= found.high)
                if not f.any():
                    silent.append(held[-1])
            covered[which, trouble] = np.mean(held)
    whole = np.mean(list(covered.values()))
    worst = min(covered, key=covered.get)
    print(
        f"covered {whole:.1%}; worst {covered[worst]:.1%} ({', '.join(worst)}); {len(silent)} silent months"
    )
    print(f"of the months without any failure: {np.mean(silent):.1%}")
    assert covered[worst] >= 0.90, worst
    assert np.mean(silent) >= 0.90
    assert len(silent) > 300


def cells(failed, days=28):
    """Two senders a day, 100 sessions each; so many failed on the first day."""
    sender, day = np.meshgrid(np.arange(2), np.arange(days), indexing="ij")
    bad = np.zeros((2, days))
    bad[0, 0] = failed
    return sender.ravel(), day.ravel(), np.full(2 * days, 100.0), bad.ravel()


def test_no_failure_is_no_certainty():
    found = forecast(*cells(0), ReadinessConfig())
    assert (found.share, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 28)), "28 days of one size"


def test_a_sender_that_does_not_come_every_day_is_few_sender_days():
    sender = np.array([0] * 14 + [1] * 14)
    sessions = np.where(sender == 0, 1000.0, 1.0)
    found = forecast(sender, np.arange(28), sessions, np.zeros(28), ReadinessConfig())
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 14), rel=0.01)


@pytest.mark.parametrize("failed", [1, 5, 50, 100])
def test_one_failure_more_never_narrows_the_forecast(failed):
    none, some = (forecast(*cells(n), ReadinessConfig()) for n in (0, failed))
    assert some.high >= none.high
    assert some.low <= some.share <= some.high


def test_too_little_is_no_forecast():
    assert forecast(*cells(0, days=3), ReadinessConfig()).high is None
    assert forecast(*cells(0, days=4), ReadinessConfig()).high is not None
    nothing = np.zeros(0)
    assert forecast(nothing, nothing, nothing, nothing, ReadinessConfig()).share is None


def test_how_many_more_days():
    assert unseen(sample_for(0.2)) == pytest.approx(0.2)
    # log(0.025) / log(0.8) = 16.5 effective days bound it at 20 %; 15 days gave 15, so 2 more.
    assert more_days(15.0, 15, 0.2) == 2
    assert more_days(1000.0, 14, 0.2) == 1
