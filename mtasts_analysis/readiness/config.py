"""Every threshold of the judgement, in one value that the write-up prints."""

from dataclasses import dataclass

DAY, WEEK = 86_400, 604_800


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessConfig:
    """The thresholds of :func:`mtasts_analysis.assess`.

    Examples
    --------
    >>> ReadinessConfig(refused_most=0.001).refused_most
    0.001
    """

    days_in_testing: int = 21
    """The guide: weeks 2 to 4 monitor a policy in testing."""
    days_with_reports: int = 14
    """Days with reports, of the last 28."""
    fewest_senders: int = 3
    """Senders under which nothing is said of senders as such."""
    big_sender: float = 0.05
    """A sender with this share of the sessions is named."""
    honouring: float = 0.5
    """Share of sessions whose sender saw an `sts` policy, under which enforce would protect little."""
    recent_days: int = 14
    """The window that is judged; its second half must not be worse."""
    refused_most: float = 0.005
    """Refused share, unknown types counted in, that passes: the guide's "near-zero failures"."""
    forecast_most: float = 0.15
    """Upper bound of the forecast that passes; 30 effective sender-days without a failure bound it at 12 %."""
    certificate_days: int = 30
    """The guide: warn when a certificate has less than this left."""
    authenticated: float = 0.5
    """Share of sessions that must come from reports with a valid DKIM signature (RFC 8460 §3)."""
    production_max_age: int = WEEK
    """From this max_age on, enforce is production."""
    resamples: int = 2_000
    """Of the forecast."""
    seed: int = 8461
    """The same archive gives the same interval."""
