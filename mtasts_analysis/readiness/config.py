"""Every threshold of the judgement, in one value that the write-up prints."""

from dataclasses import dataclass, fields

from mtasts_analysis import arguments
from mtasts_analysis.checks.coverage import WEEK
from mtasts_analysis.limits import DAYS_MOST

_MOST = {"resamples": 1_000_000}
"""They are in memory together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessConfig:
    """The thresholds of :func:`mtasts_analysis.assess`.

    Raises
    ------
    InputError
        A threshold that is no number, or no whole one where days are counted; below nought; a share above one;
        days of more than a century.

    Examples
    --------
    >>> ReadinessConfig(refused_most=0.001).refused_most
    0.001
    """

    days_in_testing: int = 21
    """Days in testing before enforce; the guide: weeks 2 to 4."""
    days_with_reports: int = 14
    """Days with reports, of the last 28."""
    silence_most: int = 7
    """Days without any report, after which reporting itself is taken for broken."""
    fewest_senders: int = 3
    """Reporting senders under which the figures speak for nobody else."""
    big_sender: float = 0.05
    """A sender with this share of the sessions is named."""
    honouring: float = 0.5
    """Share of sessions whose sender saw an `sts` policy, under which enforce would protect little."""
    recent_days: int = 14
    """The window that is judged; its second half must be as good."""
    refused_most: float = 0.005
    """Refused share, unknown types counted in, that passes: the guide's "near-zero failures"."""
    forecast_days: int = 28
    """The window of the impact and its forecast."""
    forecast_most: float = 0.2
    """Upper bound of the forecast that passes; 28 days without a failure bound it at 12 %, 21 days at 16 %."""
    certificate_days: int = 30
    """Days left under which a certificate is warned of (the guide)."""
    certificate_days_least: int = 7
    """Days left under which a certificate would expire in the first week of enforce."""
    authenticated: float = 0.8
    """Share of sessions that must come from reports with a valid DKIM signature (RFC 8460 §3)."""
    production_max_age: int = WEEK
    """From this max_age on, enforce is production (the guide, week 6)."""
    resamples: int = 2_000
    """Of the forecast."""
    seed: int = 8461
    """The same archive gives the same interval."""

    def __post_init__(self) -> None:
        for field in fields(self):
            share = isinstance(field.default, float)
            least = 2 if field.name in ("recent_days", "forecast_days", "resamples") else 0
            most = (
                1 if share else _MOST.get(field.name, DAYS_MOST if "days" in field.name else None)
            )
            given = getattr(self, field.name)
            value = arguments.number(field.name, given, least, most, whole=not share)
            object.__setattr__(self, field.name, value)


MEANINGS = {
    "days_in_testing": "days in testing before enforce, at least",
    "days_with_reports": "days with reports among the last 28, at least",
    "silence_most": "days without any report, at most",
    "fewest_senders": "senders that report, at least",
    "big_sender": "share of the sessions of a sender that is named as a big one, at least",
    "honouring": "share of the sessions whose sender saw the policy, at least",
    "recent_days": "days that are judged, up to the day of the judgement",
    "refused_most": "share of the sessions that enforce would refuse, at most",
    "forecast_days": "days that the forecast rests on, up to the same day",
    "forecast_most": "upper end of the forecast, at most",
    "certificate_days": "days left to each certificate, or its gate warns",
    "certificate_days_least": "days left to each certificate, or its gate fails",
    "authenticated": "share of the sessions in reports with a valid signature, at least",
    "production_max_age": "max_age of a policy in enforce that counts as production, in seconds, at least",
    "resamples": "times that the forecast draws senders and days anew",
    "seed": "seed of these draws: the same reports give the same forecast",
}
"""What each threshold bounds, for a reader who does not know its name."""

DEFAULT = ReadinessConfig()
"""The thresholds where none are given."""


def expect(config: object) -> None:
    """Refuse what are no thresholds."""
    such_as = "a ReadinessConfig, such as ReadinessConfig(refused_most=0.001)"
    arguments.instance("config", config, ReadinessConfig, such_as)
