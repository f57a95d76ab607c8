"""What is new since a day and deserves a look: each thing told once."""

import hashlib
import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path

from mtasts_analysis.analysis.effects import LATENT, REFUSED, REFUSED_ALREADY, UNKNOWN, UNPROTECTED
from mtasts_analysis.analysis.facts import Data
from mtasts_analysis.analysis.failures import failure_types, failures_by_mx
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.interception import interception_leads
from mtasts_analysis.analysis.senders import senders
from mtasts_analysis.analysis.trends import change_points
from mtasts_analysis.checks.facts import Check
from mtasts_analysis.errors import InputError

_BAD = (REFUSED, REFUSED_ALREADY, UNPROTECTED, UNKNOWN, LATENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which alerts there are, and from where on."""

    refused_sessions: int = 1
    """Refused or unknown sessions since the day, of one domain, MX host and type; 0 switches it off."""
    new_mx: bool = True
    """An MX host that failed for the first time."""
    rises: bool = True
    """A change point upwards."""
    silent_senders: bool = True
    """A sender that used to report and stopped."""
    interception: bool = True
    """A lead to interception."""
    certificate_days: int = 30
    """A certificate of a live check with fewer days left; 0 switches it off."""


def read_rules(path: str | os.PathLike[str]) -> Rules:
    """Read rules from a TOML file whose keys are the fields of :class:`Rules`.

    Raises
    ------
    InputError
        The file is missing, no TOML, or holds a key or value that is none.
    """
    file = Path(path)
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file}: expected a TOML file of rules; {error}") from error
    known = {field.name: type(field.default) for field in fields(Rules)}
    for name, value in given.items():
        if name not in known:
            raise InputError(f"{file}: expected keys of {', '.join(known)}; got {name}")
        if type(value) is not known[name] or (isinstance(value, int) and value < 0):
            raise InputError(
                f"{file}: {name}: expected {known[name].__name__} of 0 or more; got {value!r}"
            )
    return Rules(**given)


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to look at.

    Attributes
    ----------
    code : str
        `refused`, `new-mx`, `rise`, `silent-sender`, `interception` or `certificate`.
    domain, subject, text, action : str
        Whom and what it is about, a sentence, and what to do. They hold a stranger's text.
    day : datetime.date
        The day on which it was last seen.
    """

    code: str
    domain: str
    subject: str
    text: str
    action: str
    day: date

    @property
    def key(self) -> str:
        """What tells it from any other alert, so that each is told once."""
        whole = f"{self.code}\x1f{self.domain}\x1f{self.subject}"
        return hashlib.blake2b(whole.encode("utf-8", "replace"), digest_size=12).hexdigest()


def alerts(
    data: Data, since: date, rules: Rules | None = None, checks: Iterable[Check] = ()
) -> tuple[Alert, ...]:
    """Give what is new since a day, by domain.

    Parameters
    ----------
    data
        A loaded archive, with the days before too: what is new is told by them.
    since
        The first UTC day that counts.
    rules
        Which alerts.
    checks
        Live checks, for the certificates.

    Returns
    -------
    tuple of Alert

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = alerts(data, date(2026, 4, 25))
    >>> sorted({a.code for a in found}), {a.domain for a in found if a.code == "refused"}
    (['refused'], {'bakery.example'})
    """
    rules = rules or Rules()
    found: list[Alert] = []
    for domain in data.facts.domain.words:
        found += _of(data, domain, since, rules)
    for check in checks:
        found += _certificates(check, rules.certificate_days)
    return tuple(found)


def _of(data: Data, domain: str, since: date, rules: Rules) -> list[Alert]:
    found: list[Alert] = []
    recent = Filter(domains=domain, start=since)
    before = Filter(domains=domain, end=since - timedelta(days=1))
    if rules.refused_sessions:
        kinds = failure_types(data, recent.but(effects=(REFUSED, UNKNOWN)))
        for row in kinds[kinds["sessions"] >= rules.refused_sessions].to_dict("records"):
            text = f"{row['sessions']:,} sessions {row['effect']}: {row['result_type']}, {row['senders']} senders"
            subject = f"{row['result_type']} {row['effect']}"
            found.append(
                Alert("refused", domain, subject, text, row["action"], row["last_day"].date())
            )
    if rules.new_mx:
        known = set(failures_by_mx(data, before)["mx_host"].dropna())
        new = failures_by_mx(data, recent.but(effects=_BAD)).dropna(subset=["mx_host"])
        for row in new[~new["mx_host"].isin(known)].drop_duplicates("mx_host").to_dict("records"):
            text = f"{row['mx_host']} failed for the first time: {row['result_type']}"
            action = "check that MX, and whether the policy lists it"
            found.append(
                Alert("new-mx", domain, row["mx_host"], text, action, row["last_day"].date())
            )
    if rules.rises:
        changes = change_points(data, Filter(domains=domain))
        own = changes[(changes["change"] == "rise") & (changes["day"].dt.date >= since)]
        for row in own.to_dict("records"):
            subject = f"{row['result_type']} at {row['mx_host']} {row['day']:%Y-%m-%d}"
            action = "find what changed on that day; compare(data, day) tells whether a mend worked"
            found.append(Alert("rise", domain, subject, row["text"], action, row["day"].date()))
    if rules.silent_senders:
        quiet = senders(data, Filter(domains=domain))
        quiet = quiet[quiet["silent"] & (quiet["last_day"].dt.date >= since - timedelta(days=7))]
        for row in quiet.to_dict("records"):
            last = row["last_day"].date()
            text = f"{row['sender']} used to report every {row['usual_gap']:.0f} days, and has not since {last}"
            found.append(
                Alert(
                    "silent-sender",
                    domain,
                    f"{row['sender']} {last}",
                    text,
                    "ask why; check the TLSRPT record",
                    last,
                )
            )
    if rules.interception:
        for row in interception_leads(data, recent).to_dict("records"):
            subject = f"{row['lead']} at {row['mx_host']}"
            action = "look at that path with the sender's operator"
            found.append(
                Alert("interception", domain, subject, row["text"], action, row["last_day"].date())
            )
    return found


def _certificates(check: Check, days: int) -> list[Alert]:
    found: list[Alert] = []
    for mx in check.mx if days else ():
        certificate = mx.certificate
        if certificate is None:
            continue
        left = (certificate.not_after - check.checked_at).days
        if left < days:
            text = f"the certificate of {mx.host} has {left} days left"
            subject = f"{mx.host} {certificate.not_after:%Y-%m-%d}"
            found.append(
                Alert(
                    "certificate", check.domain, subject, text, "renew it", check.checked_at.date()
                )
            )
    return found
