"""What is new since a day and deserves a look."""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from os import PathLike
from typing import Any

import pandas as pd

from mtasts_analysis import arguments
from mtasts_analysis.analysis.compare import compare
from mtasts_analysis.analysis.effects import CAUTIOUS, REFUSED
from mtasts_analysis.analysis.facts import NO_DAY, Data, dates, facts_of, grouped
from mtasts_analysis.analysis.failures import failure_types, failures_by_mx
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.interception import interception_leads
from mtasts_analysis.analysis.senders import FEWEST_DAYS, SILENT_GAPS, senders
from mtasts_analysis.analysis.trends import change_points, failure
from mtasts_analysis.checks.facts import Check
from mtasts_analysis.errors import InputError
from mtasts_analysis.limits import YEARS
from mtasts_analysis.readiness.gate import certificates, lasts, named
from mtasts_analysis.wording import plainly, several

MOST = 20
"""Alerts of one kind about one domain; how many more there are is one alert. Strangers make up names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRules:
    """Which alerts there are, and from where on; nought or false switches one off.

    Raises
    ------
    InputError
        A value that is neither a whole number of 0 or more, nor true or false: as its default is.

    Examples
    --------
    >>> rules = AlertRules(refused_sessions=5, interception=False)
    >>> rules.refused_sessions, rules.rises
    (5, True)
    """

    refused_sessions: int = 1
    """Sessions that enforce refuses, or of an unknown type, of one domain and result type since the day."""
    new_mx: bool = True
    """An MX host at which sessions failed for the first time."""
    new_senders: bool = True
    """A sender whose sessions failed for the first time."""
    rises: bool = True
    """A change point upwards."""
    silent_senders: bool = True
    """A sender that used to report and stopped."""
    silent_days: int = 3
    """Days without any report about a domain that used to have them."""
    interception: bool = True
    """A lead to interception."""
    certificate_days: int = 30
    """A certificate of a live check with fewer days left."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, bool):
                arguments.instance(field.name, value, bool, "true or false")
            else:
                arguments.number(field.name, value, 0)


def read_rules(path: str | PathLike[str]) -> AlertRules:
    """Read rules from a TOML file whose keys are the fields of :class:`AlertRules`.

    Raises
    ------
    InputError
        The file is missing, no TOML, or holds a key or value that is none.
    """
    file = arguments.path("path", path, "a TOML file of rules")
    try:
        given: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file}: expected a TOML file of rules; {plainly(error)}") from error
    known = [field.name for field in fields(AlertRules)]
    for name in given:
        if name not in known:
            raise InputError(f"{file}: expected keys of {', '.join(known)}; got {name}")
    try:
        return AlertRules(**given)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to look at.

    Attributes
    ----------
    code : str
        `refused`, `new-mx`, `new-sender`, `rise`, `silent-sender`, `no-reports`, `interception` or `certificate`.
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
    data: Data,
    since: date | str,
    rules: AlertRules | None = None,
    checks: Iterable[Check] = (),
    today: date | None = None,
) -> tuple[Alert, ...]:
    """Give what is new since a day, by domain.

    Parameters
    ----------
    data
        A loaded archive, with the days before too: what is new is told by them.
    since
        The first UTC day that counts.
    rules
        Which alerts; all by default.
    checks
        Live checks, for the certificates.
    today
        The day by which silence is told; today by default.

    Returns
    -------
    tuple of Alert
        At most :data:`MOST` of a kind about a domain, and one that counts the others.

    Raises
    ------
    InputError
        A day that is none, or what is of another type.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = ma.alerts(data, "2026-04-25", today=date(2026, 5, 2))
    >>> [(a.code, a.domain) for a in found]
    [('refused', 'bakery.example'), ('refused', 'bakery.example')]
    """
    facts = facts_of(data)
    first = arguments.day("since", since, YEARS)
    rules = AlertRules() if rules is None else rules
    such_as = "AlertRules, such as AlertRules(refused_sessions=5)"
    arguments.instance("rules", rules, AlertRules, such_as)
    checks = arguments.several("checks", checks, Check, "what check_domains() gives")
    now = datetime.now(UTC).date() if today is None else arguments.day("today", today, YEARS)
    found: list[Alert] = []
    for domain in facts.domain.words:
        for kind in _of(data, domain, first, now, rules):
            found += kind[:MOST]
            if len(kind) > MOST:
                text = f"and {len(kind) - MOST:,} more of this kind"
                found.append(
                    Alert(kind[0].code, domain, "more", text, "look at the measures", first)
                )
    for check in checks:
        found += _certificates(check, rules.certificate_days)
    return tuple(found)


def _of(
    data: Data, domain: str, since: date, today: date, rules: AlertRules
) -> Iterator[Sequence[Alert]]:
    everything = Filter(domains=domain, end=max(since, today))
    recent = everything.but(start=since)
    before = everything.but(end=since - timedelta(days=1))
    if rules.refused_sessions:
        yield _refused(data, domain, recent, rules.refused_sessions)
    if rules.new_mx:
        yield _new_mx(data, domain, recent, before)
    if rules.new_senders:
        yield _new_senders(data, domain, recent, before)
    if rules.rises:
        yield _rises(data, domain, everything, since)
    if rules.silent_senders:
        yield _silent(data, domain, everything, since)
    if rules.silent_days:
        yield _no_reports(data, domain, everything, today, rules.silent_days)
    if rules.interception:
        yield _leads(data, domain, recent)


def _refused(data: Data, domain: str, recent: Filter, least: int) -> list[Alert]:
    found = []
    kinds = failure_types(data, recent.but(effects=CAUTIOUS))
    for row in kinds[kinds["sessions"] >= least].to_dict("records"):
        what = "that enforce refuses" if row["effect"] == REFUSED else "of a type without a rule"
        day = row["last_day"].date()
        where = f" at {several(row['mx_hosts'], 'MX host')}" if row["mx_hosts"] else ""
        text = (
            f"{several(row['sessions'], 'session')} {what}: {named([row['result_type']])}"
            f"{where}, met by {several(row['senders'], 'sender')}, last on {day}"
        )
        subject = f"{row['policy_type']} {row['result_type']} {row['effect']}"
        found.append(Alert("refused", domain, subject, text, row["action"], day))
    return found


def _new_mx(data: Data, domain: str, recent: Filter, before: Filter) -> list[Alert]:
    known = set(failures_by_mx(data, before)["mx_host"].dropna())
    rows = failures_by_mx(data, recent.but(effects=CAUTIOUS)).dropna(subset=["mx_host"])
    rows = rows[~rows["mx_host"].isin(known)].drop_duplicates("mx_host")
    action = "check that MX: certificate, STARTTLS, and whether the policy lists it"
    return [
        Alert(
            "new-mx", domain, row["mx_host"],
            f"sessions failed at {row['mx_host']} for the first time: {named([row['result_type']])}",
            action, row["last_day"].date(),
        )
        for row in rows.to_dict("records")
    ]  # fmt: skip


def _new_senders(data: Data, domain: str, recent: Filter, before: Filter) -> list[Alert]:
    facts = data.facts

    def failing(where: Filter) -> dict[int, int]:
        """Give the senders that met such failures, each with the last day."""
        rows = facts.of[facts.failures_where(where.but(effects=CAUTIOUS))]
        rows = rows[facts.dated[rows] & (facts.policy_sender[rows] >= 0)]
        groups = grouped((facts.policy_sender[rows], len(facts.sender.words)))
        last = pd.Series(facts.day[rows]).groupby(groups.place).max()
        return dict(zip(groups.codes[0].tolist(), last.tolist(), strict=True))

    known = failing(before)
    action = "look whether it is that sender's path or client, or the first to see a fault of yours"
    return [
        Alert(
            "new-sender", domain, facts.sender.words[code],
            f"sessions of {facts.sender.words[code]} failed for the first time",
            action, dates([day])[0].date(),
        )
        for code, day in failing(recent).items()
        if code not in known
    ]  # fmt: skip


def _rises(data: Data, domain: str, everything: Filter, since: date) -> list[Alert]:
    found = []
    changes = change_points(data, everything)
    for row in changes[changes["change"] == "rise"].to_dict("records"):
        day = row["day"].date()
        if day < since:
            continue
        # The two parts that the change was found between, whole: the days right before it may have no report.
        length = (row["last_day"] - row["first_day"]).days + 1
        compared = compare(data, day, Filter.of(row), days=length).to_dict("records")
        range_ = "".join(
            f" (95% interval: {one['after_low']:.1%} to {one['after_high']:.1%})"
            for one in compared[:1]
            if not pd.isna(one["after_low"])
        )
        subject = f"{failure(row['result_type'], row['mx_host'])} {day}"
        action = "find what changed on that day; compare(data, day) tells whether a mend worked"
        found.append(Alert("rise", domain, subject, f"{row['text']}{range_}", action, day))
    return found


def _silent(data: Data, domain: str, everything: Filter, since: date) -> list[Alert]:
    found = []
    quiet = senders(data, everything)
    for row in quiet[quiet["silent"]].to_dict("records"):
        last = row["last_day"].date()
        fell_silent = last + timedelta(
            days=int(max(SILENT_GAPS * row["usual_gap"], SILENT_GAPS)) + 1
        )
        if fell_silent < since:
            continue
        name = named([row["sender"]])
        rhythm = "day" if row["usual_gap"] < 1.5 else f"{row['usual_gap']:.0f} days"
        text = f"{name} used to report every {rhythm}, and has not since {last}"
        action = "find out why: its failures are no longer seen"
        found.append(Alert("silent-sender", domain, f"{name} {last}", text, action, last))
    return found


def _no_reports(data: Data, domain: str, everything: Filter, today: date, most: int) -> list[Alert]:
    facts = data.facts
    seen = facts.report[facts.policies_where(everything)]
    days = facts.report_last[seen]
    days = days[days != NO_DAY]
    if len(set(days.tolist())) < FEWEST_DAYS:
        return []
    last = dates([int(days.max())])[0].date()
    quiet = (today - last).days - 1
    # A report is sent on the day after the one it is about (RFC 8460 §4.1), so the first quiet day is none.
    if quiet <= most:
        return []
    text = f"no report at all covers the {quiet} days since {last}"
    action = "check that the TLSRPT record is published, and that its mailbox accepts mail"
    return [Alert("no-reports", domain, f"{last}", text, action, last)]


def _leads(data: Data, domain: str, recent: Filter) -> list[Alert]:
    action = "look with the sender's operator at what lies on its way to you, for somebody may be listening there"
    return [
        Alert(
            "interception", domain, f"{row['lead']} at {row['mx_host']}", row["text"], action,
            row["last_day"].date(),
        )
        for row in interception_leads(data, recent).to_dict("records")
    ]  # fmt: skip


def _certificates(check: Check, days: int) -> list[Alert]:
    found = []
    for host, certificate in certificates(check) if days else ():
        if certificate.days_left(check.checked_at) < days:
            subject = f"{host} {certificate.not_after:%Y-%m-%d}"
            text = lasts(host, certificate, check.checked_at)
            action = "renew it, and have the server load it"
            day = check.checked_at.date()
            found.append(Alert("certificate", check.domain, subject, text, action, day))
    return found
