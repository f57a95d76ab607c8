"""What share of sessions enforce would refuse, as a forecast: failures cluster by sender and by day."""

from math import ceil, log
from typing import Any

import numpy as np
import numpy.typing as npt

from mtasts_analysis.analysis.intervals import Share, effective_sample, interval
from mtasts_analysis.readiness.config import ReadinessConfig

FEWEST = 7
"""Sender-days under which no forecast is made."""

_MISS = 0.025
"""A two-sided interval of 95 % misses so often on its upper side."""

_Array = npt.NDArray[Any]


def unseen(sample: float) -> float:
    """Give the largest share of sender-days that so many of them would all miss once in 40 times.

    Examples
    --------
    >>> round(unseen(30), 3)
    0.116
    """
    return float(1 - _MISS ** (1 / max(sample, 1.0)))


def sample_for(bound: float) -> float:
    """Give the effective sample without a failure that brings :func:`unseen` to a bound."""
    return log(_MISS) / log(1 - bound) if 0 < bound < 1 else 1.0


def more_days(sample: float, days: int, bound: float) -> int:
    """Give how many more days like so many would bring a forecast of no failures under its bound, at least 1.

    Examples
    --------
    >>> more_days(5.0, 5, 0.2)
    12
    """
    return max(1, ceil(days * (sample_for(bound) / max(sample, 1.0) - 1)))


def forecast(
    sender: _Array, day: _Array, sessions: _Array, refused: _Array, config: ReadinessConfig
) -> Share:
    """Give the share with a 95 % interval that resamples senders and days, each with replacement.

    A resampling only knows what it has seen; where no session was refused, it says [0, 0]. So the upper bound
    is never below :func:`unseen` of the effective sample (Σs)²/Σs², of sender-days or of days, whichever is
    less: an outage that strikes one sender for a day, or all of them, and happened not to come up. (By sender-days
    alone, rare outages of everybody were covered in 59 % of simulated months.) One refused session more
    therefore never narrows the forecast. Both bounds take in the interval by days too.

    Parameters
    ----------
    sender, day, sessions, refused
        Of each day of a sender: codes, all sessions, and those refused.
    config
        The number of resamples and the seed.

    Returns
    -------
    Share
        Its bounds are None under :data:`FEWEST` sender-days.
    """
    there = sessions > 0
    sender, day = sender[there], day[there]
    sessions, refused = sessions[there].astype(np.float64), refused[there].astype(np.float64)
    whole = float(sessions.sum())
    if not whole:
        return Share(None, None, None)
    share = min(1.0, float(refused.sum()) / whole)
    if len(sessions) < FEWEST:
        return Share(share, None, None)
    senders, at_sender = np.unique(sender, return_inverse=True)
    days, at_day = np.unique(day, return_inverse=True)
    all_of = np.zeros((len(senders), len(days)))
    bad_of = np.zeros_like(all_of)
    np.add.at(all_of, (at_sender, at_day), sessions)
    np.add.at(bad_of, (at_sender, at_day), refused)
    sample = min(effective_sample(all_of.ravel()), effective_sample(all_of.sum(axis=0)))
    top = unseen(sample)
    if not refused.any():
        return Share(0.0, 0.0, top, sample)
    rng = np.random.default_rng(config.seed)
    times = config.resamples
    of_senders = rng.multinomial(len(senders), np.full(len(senders), 1 / len(senders)), times)
    of_days = rng.multinomial(len(days), np.full(len(days), 1 / len(days)), times)
    drawn = ((of_senders @ all_of) * of_days).sum(axis=1)
    bad = ((of_senders @ bad_of) * of_days).sum(axis=1)
    low, high = np.quantile(bad[drawn > 0] / drawn[drawn > 0], [_MISS, 1 - _MISS])
    by_day = interval(bad_of.sum(axis=0), all_of.sum(axis=0))
    lows = [float(low), share, *([] if by_day.low is None else [by_day.low])]
    highs = [float(high), share, top, *([] if by_day.high is None else [by_day.high])]
    return Share(share, min(lows), min(1.0, max(highs)), sample)
