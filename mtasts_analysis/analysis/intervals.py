"""How far a share of failed sessions can be trusted, when sessions are no coin tosses.

Failures cluster: one old client retries all day, one expired certificate fails everybody. So what varies
is the day of a sender, not the session, and an interval over sessions would be far too narrow.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

Z = 1.959964
"""The normal quantile of a two-sided 95 % interval."""

FEWEST = 5
"""Clusters (days of a sender) under which no interval is given."""


_Sums = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of sessions and its interval; None where there is too little to say."""

    share: float | None
    low: float | None
    high: float | None
    sample: float | None = None
    """The effective sample: as many coin tosses would say as much."""


def effective_sample(sessions: npt.NDArray[np.float64]) -> float:
    """Give Kish's effective sample of clusters: (Σs)²/Σs², their number if all are of one size.

    Examples
    --------
    >>> effective_sample(np.array([10.0, 10.0, 10.0])), effective_sample(np.array([1000.0, 1.0]))
    (3.0, 1.002)
    """
    squares = float((sessions**2).sum())
    return round(float(sessions.sum()) ** 2 / squares, 6) if squares else 0.0


def interval(failed: npt.ArrayLike, sessions: npt.ArrayLike) -> Share:
    """Give the share of failed sessions, with a 95 % interval that takes clusters as they come.

    Wilson's interval at an effective sample: the one at which a binomial would vary as the clusters do
    (the ratio estimator's linearised variance), and Kish's (Σs)²/Σs² where no failure, or nothing else,
    was seen: a resampling of no failures would say [0, 0], which is false.

    Parameters
    ----------
    failed, sessions
        Of each cluster: failed sessions, and all sessions.

    Returns
    -------
    Share
        Its bounds are None under :data:`FEWEST` clusters, the share too where there was no session.

    Examples
    --------
    >>> found = interval([0] * 30, [100] * 30)
    >>> found.share, round(found.high, 3)
    (0.0, 0.114)
    """
    f, s = (np.asarray(x, dtype=np.float64) for x in (failed, sessions))
    return intervals(np.zeros(len(f), dtype=np.int64), f, s, 1)[0]


def intervals(
    of: npt.NDArray[np.int64],
    failed: npt.NDArray[np.float64],
    sessions: npt.NDArray[np.float64],
    size: int,
) -> list[Share]:
    """Give what :func:`interval` gives, for several groups of clusters at once.

    Parameters
    ----------
    of
        Of each cluster: its group, from 0 up to `size`.
    failed, sessions
        Of each cluster: failed sessions, and all sessions.
    size
        How many groups there are.
    """
    there = sessions > 0
    of, f, s = of[there], failed[there], sessions[there]

    def summed(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.bincount(of, weights=values, minlength=size).astype(np.float64, copy=False)

    clusters, whole, lost = np.bincount(of, minlength=size), summed(s), summed(f)
    return from_sums(clusters, whole, lost, summed(s * s), summed(f * s), summed(f * f))


def from_sums(
    clusters: npt.NDArray[np.int64],
    sessions: _Sums,
    failed: _Sums,
    sessions_squared: _Sums,
    failed_by_sessions: _Sums,
    failed_squared: _Sums,
) -> list[Share]:
    """Give what :func:`interval` gives, for groups of which only sums over their clusters are known.

    Parameters
    ----------
    clusters
        How many clusters with sessions each group has.
    sessions, failed, sessions_squared, failed_by_sessions, failed_squared
        Of each group: Σs, Σf, Σs², Σfs, Σf² over its clusters.
    """
    there = sessions > 0
    share = np.minimum(1.0, np.divide(failed, sessions, out=np.zeros(len(sessions)), where=there))
    # Σ(f - ps)², which rounding may leave a little below 0
    scatter = failed_squared - share * (2 * failed_by_sessions - share * sessions_squared)
    return [
        _share(*sums)
        for sums in zip(
            clusters.tolist(),
            sessions.tolist(),
            share.tolist(),
            sessions_squared.tolist(),
            np.maximum(scatter, 0).tolist(),
            strict=True,
        )
    ]


def _share(
    clusters: int, sessions: float, share: float, sessions_squared: float, scatter: float
) -> Share:
    if not clusters:
        return Share(None, None, None)
    if clusters < FEWEST:
        return Share(share, None, None)
    sample = sessions * sessions / sessions_squared
    if 0 < share < 1:
        variance = scatter * clusters / (clusters - 1) / sessions**2
        sample = min(sessions, share * (1 - share) / variance) if variance > 0 else sessions
    sample = max(1.0, sample)
    return Share(share, *wilson(share, sample), sample)


def differ(
    before: Share, after: Share, sessions_before: float, sessions_after: float
) -> int | None:
    """Tell whether a share rose (1), fell (-1) or did not clearly change (0); None on too little evidence.

    Newcombe's interval of a difference (1998, method 10) from the two of Wilson. A side without any
    failure shows no scatter of its own: it borrows the other's effective sample per session.

    Examples
    --------
    >>> bad = interval([30, 28, 35, 20, 31, 27], [100] * 6)
    >>> good = interval([0] * 14, [100] * 14)
    >>> differ(bad, good, 600, 1400)
    -1
    """
    b, a = (
        _borrow(before, after, sessions_before, sessions_after),
        _borrow(after, before, sessions_after, sessions_before),
    )
    if b is None or a is None:
        return None
    (pb, lb, hb), (pa, la, ha) = b, a
    difference = pa - pb
    low = difference - sqrt((pa - la) ** 2 + (hb - pb) ** 2)
    high = difference + sqrt((ha - pa) ** 2 + (pb - lb) ** 2)
    return 1 if low > 0 else -1 if high < 0 else 0


def _borrow(
    own: Share, other: Share, sessions: float, others: float
) -> tuple[float, float, float] | None:
    if own.share is None or own.sample is None or other.sample is None:
        return None
    sample = own.sample
    if own.share == 0 and other.share:
        sample = max(sample, min(sessions, other.sample * sessions / others))
    return (own.share, *wilson(own.share, sample))


def wilson(share: float, sample: float) -> tuple[float, float]:
    """Give Wilson's score interval (1927) for a share of a sample.

    Examples
    --------
    >>> [round(bound, 4) for bound in wilson(0.5, 100)]
    [0.4038, 0.5962]
    """
    z2 = Z * Z
    middle = (share + z2 / (2 * sample)) / (1 + z2 / sample)
    half = Z / (1 + z2 / sample) * sqrt(share * (1 - share) / sample + z2 / (4 * sample * sample))
    return max(0.0, middle - half), min(1.0, middle + half)
