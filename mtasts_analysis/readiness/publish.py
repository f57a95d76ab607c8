"""What to publish, and in which order: policy, records, hosting; checked by the package's own readers.

hosts = exact_hosts(check)                      # or preset("Google Workspace"), or a list
made = publication("example.com", "testing", hosts, rua=["mailto:tls@example.com"], host="192.0.2.9")
hosting(made, "nginx")                          # the files and settings that serve it
update(made, check.policy)                      # the steps, in order, each with its wait
withdrawal("example.com", longest=604800)       # back out (RFC 8461 §8.3)
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from mtasts_analysis import arguments
from mtasts_analysis.analysis.facts import Data, counts
from mtasts_analysis.analysis.failures import failures_by_mx
from mtasts_analysis.analysis.filters import Filter
from mtasts_analysis.analysis.policies import policy_history
from mtasts_analysis.checks.coverage import DAY, covers
from mtasts_analysis.checks.facts import Check
from mtasts_analysis.checks.mx import named_by
from mtasts_analysis.checks.policy import MAX_AGE_MOST, Policy, read_policy
from mtasts_analysis.checks.providers import PROVIDERS, provider_of
from mtasts_analysis.checks.records import read_sts, read_tlsrpt
from mtasts_analysis.errors import InputError
from mtasts_analysis.findings import Finding
from mtasts_analysis.limits import YEARS
from mtasts_analysis.names import a_label
from mtasts_analysis.readiness.impact import given_policy
from mtasts_analysis.readiness.rollout import fresh_id, policy_text
from mtasts_analysis.wording import several

WELL_KNOWN = ".well-known/mta-sts.txt"
HOSTS = ("nginx", "cloudflare-pages", "s3-cloudfront", "github-pages")
"""The ways to serve the policy that :func:`hosting` knows."""

_TTL = 3_600
_TTL_MOST = 2**31 - 1  # RFC 2181 §8
_CHECK = "what check_domain() gives"
_PUBLICATION = "what publication() gives"
_HOSTS = 'MX hosts or patterns, such as ["mx1.example.com"]'
_STRING_MOST = 255  # RFC 1035 §3.3: octets of one string of a TXT record


@dataclass(frozen=True, slots=True)
class Publication:
    """What a domain publishes; made by :func:`publication`.

    Attributes
    ----------
    domain : str
        In A-labels.
    policy : Policy
        As the package's own reader reads the text.
    text : str
        Of `https://mta-sts.DOMAIN/.well-known/mta-sts.txt`; lines end in CRLF (RFC 8461 §3.2).
    records : tuple of str
        DNS records in zone-file form: the `mta-sts` host, `_mta-sts` and `_smtp._tls`.
    id : str
        Of the `_mta-sts` record.

    Examples
    --------
    >>> made = publication("example.com", "testing", ["mx1.example.com"], now=datetime(2026, 5, 14))
    >>> print(made)
    version: STSv1
    mode: testing
    mx: mx1.example.com
    max_age: 86400
    <BLANKLINE>
    _mta-sts.example.com. 3600 IN TXT "v=STSv1; id=20260514000000;"
    """

    domain: str
    policy: Policy
    text: str
    records: tuple[str, ...]
    id: str

    def __str__(self) -> str:
        return "\n".join([self.text.replace("\r\n", "\n"), *self.records])


def publication(
    domain: str,
    mode: str,
    mx: Sequence[str],
    max_age: int = DAY,
    *,
    rua: Sequence[str] = (),
    host: str = "",
    live_id: str | None = None,
    now: datetime | None = None,
) -> Publication:
    """Give the policy and the DNS records of a domain.

    Parameters
    ----------
    domain
        The domain.
    mode
        `testing`, `enforce` or `none`.
    mx
        MX patterns: :func:`exact_hosts` of a live check, :func:`preset`, or a list.
    max_age
        Seconds, at most 31557600; a day while testing (the guide).
    rua
        Where reports go: `mailto:` or `https:` (RFC 8460 §3); none leaves the TLSRPT record out.
    host
        What `mta-sts.DOMAIN` points to: an address, or a name for a CNAME; none leaves that record out.
    live_id
        The id that is published, so that another is given.
    now
        The time that makes the id.

    Returns
    -------
    Publication
        The policy's text and the records; `print` shows both.

    Raises
    ------
    InputError
        The values make no valid policy or record.

    Examples
    --------
    >>> made = publication("example.com", "testing", ["mx1.example.com"], rua=["mailto:tls@example.com"],
    ...     now=datetime(2026, 5, 14))
    >>> for record in made.records:
    ...     print(record)
    _mta-sts.example.com. 3600 IN TXT "v=STSv1; id=20260514000000;"
    _smtp._tls.example.com. 3600 IN TXT "v=TLSRPTv1; rua=mailto:tls@example.com"
    """
    name = arguments.domain("domain", domain)
    hosts = arguments.several("mx", mx, str, _HOSTS)
    reports = arguments.several("rua", rua, str, 'addresses, such as ["mailto:tls@example.com"]')
    arguments.instance("host", host, str, "an address or a name")
    if live_id is not None:
        arguments.instance("live_id", live_id, str, "the id that is published, as text")
    if now is not None:
        arguments.instance("now", now, datetime, "a time, such as datetime.now(UTC)")
        arguments.day("now", now, YEARS)
    text = policy_text(mode, [m if m.isascii() else _name(m, "mx") for m in hosts], max_age)
    policy, _ = read_policy(text)
    assert policy is not None  # policy_text has read it
    records = [_host_record(name, host)] if host else []
    stamp = fresh_id(now or datetime.now(UTC), live_id)
    sts = f"v=STSv1; id={stamp};"
    _checked(read_sts([sts], f"_mta-sts.{name}"), "id")
    records.append(f"_mta-sts.{name}. {_TTL} IN TXT {_strings(sts)}")
    if reports:
        # RFC 8460 §3: in an address, "!", "," and ";" are percent-encoded.
        encoded = [u.replace("!", "%21").replace(",", "%2C").replace(";", "%3B") for u in reports]
        report = f"v=TLSRPTv1; rua={','.join(encoded)}"
        _checked(read_tlsrpt([report], f"_smtp._tls.{name}", name), "rua")
        records.append(f"_smtp._tls.{name}. {_TTL} IN TXT {_strings(report)}")
    return Publication(name, policy, text.replace("\n", "\r\n"), tuple(records), stamp)


def exact_hosts(check: Check) -> tuple[str, ...]:
    """Give the MX hosts of a live check, the preferred first: exact names, which match nothing else.

    Returns
    -------
    tuple of str
        Each host once.

    Raises
    ------
    InputError
        The check saw no MX host.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> exact_hosts(ma.live.recorded_check())
    ('mx1.clinic.example', 'mx2.clinic.example')
    """
    arguments.instance("check", check, Check, _CHECK)
    if not check.mx:
        raise InputError(f"check: expected MX hosts of {check.domain}; it saw none")
    return tuple(dict.fromkeys(mx.host for mx in check.mx))


def preset(provider: str) -> tuple[str, ...]:
    """Give the MX patterns of a provider, such as `Google Workspace` or `Microsoft 365`.

    Where each customer has a host of its own, they are wildcards: :func:`exact_hosts` is narrower.

    Returns
    -------
    tuple of str
        The patterns, for :func:`publication`.

    Raises
    ------
    InputError
        No such provider.

    Examples
    --------
    >>> preset("google workspace")[1]
    'aspmx.l.google.com'
    """
    arguments.instance("provider", provider, str, "the name of a provider")
    for known in PROVIDERS:
        if known.name.casefold() == provider.strip().casefold():
            return known.hosts
    raise InputError(
        f"provider: expected one of {', '.join(p.name for p in PROVIDERS)}; got {provider!r}"
    )


def inventory(
    domain: str, data: Data | None = None, check: Check | None = None, end: date | None = None
) -> pd.DataFrame:
    """List every MX host that is known of a domain, so that none is forgotten in the policy.

    Parameters
    ----------
    domain
        The domain.
    data
        A loaded archive: hosts at which sessions failed, and those that policies named.
    check
        A live check: the MX records, with what was met there.
    end
        The last day of reports that counts; by default all do.

    Returns
    -------
    pandas.DataFrame
        A row for each host, those in DNS first: `mx_host`, `in_dns` (null without a check, and where the check
        could not look the MX hosts up), `preference`, `provider`, `in_policy` (the published policy covers it;
        without a check, the one seen last), `named` (a policy that senders saw names it), `failed_sessions`,
        `last_failed` (UTC), `under_enforce` (null, too, for those in DNS beyond the check's `mx_most`),
        `certificate_until` (UTC).

    Raises
    ------
    InputError
        It is no domain name, archive, check or day.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> data = ma.load(ma.sample_archive(), progress=False)
    >>> found = inventory("bakery.example", data)
    >>> found.loc[~found["in_policy"], "mx_host"].tolist()
    ['mx3.bakery.example']
    """
    name = arguments.domain("domain", domain)
    if check is not None:
        arguments.instance("check", check, Check, _CHECK)
    rows: dict[str, dict[str, Any]] = {}
    policy = None if check is None else check.policy
    named = {} if check is None or check.null_mx else named_by(check.mx_answer)
    for mx_host, preference in named.items():  # more than the check looked at, where there are many
        if mx_host:
            rows[mx_host] = {"in_dns": True, "preference": preference}
    for mx in check.mx if check is not None else ():
        certificate = mx.certificate
        rows[mx.host] = {
            "in_dns": True,
            "preference": mx.preference,
            "under_enforce": mx.under_enforce,
            "certificate_until": None if certificate is None else certificate.not_after,
        }
    if data is not None:
        where = Filter(domains=name, end=end)
        history = policy_history(data, where).dropna(subset=["mx_patterns"])
        history = history.sort_values("last_day", kind="stable")
        if policy is None and len(history):
            latest = history.iloc[-1]
            policy = Policy(str(latest["mode"]), 0, tuple(latest["mx_patterns"].split(", ")))
        for pattern in ", ".join(history["mx_patterns"]).lower().split(", "):
            if pattern and not pattern.startswith("*"):
                rows.setdefault(pattern, {})["named"] = True
        failed = failures_by_mx(data, where).dropna(subset=["mx_host"])
        for host, own in failed.groupby("mx_host"):
            rows.setdefault(str(host), {}).update(
                failed_sessions=int(own["sessions"].sum()), last_failed=own["last_day"].max()
            )
    # Without MX records the domain itself may be the host, where its address could not be looked up.
    looked_up = (
        check is not None
        and check.mx_answer.status != "failed"
        and (bool(check.mx) or "mx-dns-failed" not in {f.code for f in check.findings})
    )
    found: list[dict[str, Any]] = [
        {
            "mx_host": host,
            "in_dns": False if looked_up else None,
            "named": False,
            "failed_sessions": 0,
            "provider": p.name if (p := provider_of(host)) else None,
            "in_policy": None if policy is None else covers(policy, host),
            **row,
        }
        for host, row in rows.items()
    ]
    dtypes = {
        "mx_host": "str", "in_dns": "boolean", "preference": "Int64", "provider": "str",
        "in_policy": "boolean", "named": "boolean", "failed_sessions": "object",
        "last_failed": "datetime64[us, UTC]", "under_enforce": "str",
        "certificate_until": "datetime64[us, UTC]",
    }  # fmt: skip
    columns = {n: pd.Series([r.get(n) for r in found], dtype=kind) for n, kind in dtypes.items()}
    failed_sessions = np.array([row["failed_sessions"] for row in found], dtype=object)
    columns["failed_sessions"] = counts(failed_sessions)
    return pd.DataFrame(columns)


def hosting(made: Publication, how: str) -> dict[str, str]:
    """Give the files and settings that serve a policy.

    Parameters
    ----------
    made
        What :func:`publication` gave.
    how
        One of :data:`HOSTS`.

    Returns
    -------
    dict of str to str
        File name → content; `README` says what to do with them.

    Raises
    ------
    InputError
        Another way.

    Examples
    --------
    >>> made = publication("example.com", "testing", ["mx1.example.com"])
    >>> sorted(hosting(made, "github-pages"))
    ['.nojekyll', '.well-known/mta-sts.txt', 'CNAME', 'README']
    """
    arguments.instance("made", made, Publication, _PUBLICATION)
    arguments.one_of("how", how, HOSTS)
    name = f"mta-sts.{made.domain}"
    files = {WELL_KNOWN: made.text}
    if how == "nginx":
        files[f"{name}.conf"] = _NGINX.replace("NAME", name)
        note = (
            f"Put the policy under /var/www/{name}, the server blocks beside the others (as"
            f" /etc/nginx/conf.d/{name}.conf), get a certificate for {name}, and reload nginx."
        )
    elif how == "cloudflare-pages":
        files["_headers"] = f"/{WELL_KNOWN}\n  Content-Type: text/plain; charset=utf-8\n"
        note = (
            f"Deploy this folder as a Pages project and give it the custom domain {name}. Add no redirect rule for"
            " it: senders follow none (RFC 8461 §3.3)."
        )
    elif how == "s3-cloudfront":
        note = (
            f"aws s3 cp {WELL_KNOWN} s3://BUCKET/{WELL_KNOWN} --content-type text/plain\n"
            f"CloudFront: the bucket as origin (origin access control), {name} as alternate domain name with an\n"
            "ACM certificate in us-east-1, managed cache policy CachingDisabled (else an update is served late),\n"
            "no redirect rule: senders follow none (RFC 8461 §3.3)."
        )
    else:
        files |= {".nojekyll": "", "CNAME": f"{name}\n"}
        note = (
            f"Push this folder to a repository with Pages on, custom domain {name}, HTTPS enforced. Without"
            " .nojekyll the folder .well-known is not served."
        )
    test = f"Then: curl -sSi https://{name}/{WELL_KNOWN} must say 200 and text/plain, without a redirect."
    return {**files, "README": f"{note}\n{test}\n"}


_NGINX = f"""\
server {{
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name NAME;
    ssl_certificate /etc/letsencrypt/live/NAME/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/NAME/privkey.pem;
    root /var/www/NAME;
    location = /{WELL_KNOWN} {{
        types {{ }}
        default_type text/plain;
    }}
    location / {{
        return 404;
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a procedure.

    Attributes
    ----------
    do : str
        What to do.
    wait : datetime.timedelta
        How long to wait after it, before the next.
    """

    do: str
    wait: timedelta = timedelta()

    def __str__(self) -> str:
        return f"{self.do}; then wait {_span(self.wait)}" if self.wait else self.do


def update(
    after: Publication,
    before: Policy | str | None = None,
    *,
    ttl: int = _TTL,
    mx_ttl: int = _TTL,
) -> tuple[Task, ...]:
    """Give the steps of a policy change, in order (RFC 8461 §8.1; the guide's update procedure).

    Parameters
    ----------
    after
        What :func:`publication` gave.
    before
        The policy that is live, or its text; None for a first one.
    ttl
        Of the `_mta-sts` record, in seconds.
    mx_ttl
        Of the MX records, in seconds.

    Returns
    -------
    tuple of Task
        Policy first, then the id, then what TTL and max_age say. MX hosts that the policy gains come into DNS
        after it, those that it loses leave DNS before it: no sender then dials a host that its policy lacks.

    Raises
    ------
    InputError
        What came before is no valid policy, or a TTL is none.

    Examples
    --------
    >>> made = publication("example.com", "enforce", ["mx1.example.com"])
    >>> for task in update(made, Policy("testing", 86400, ("mx1.example.com",))):
    ...     print(task)  # doctest: +ELLIPSIS
    publish the policy file, and fetch it: status 200, text/plain, no redirect
    publish the _mta-sts record with id=...; then wait 1 h
    wait for senders that cached the policy before and look for no newer one; then wait 1 day
    look into the reports: each names the policy that its sender saw
    """
    arguments.instance("after", after, Publication, _PUBLICATION)
    if before is not None:
        before = given_policy(before, "before")
    ttl = arguments.number("ttl", ttl, 0, _TTL_MOST)
    mx_ttl = arguments.number("mx_ttl", mx_ttl, 0, _TTL_MOST)
    old = () if before is None else before.mx
    lost = [p for p in old if p.lower() not in map(str.lower, after.policy.mx)]
    gained = [p for p in after.policy.mx if p.lower() not in map(str.lower, old)] if old else []
    leaves = lost and after.policy.mode != "none"
    made = []
    if leaves:
        text = f"take MX hosts that only {', '.join(lost)} covers out of DNS"
        made.append(Task(text, timedelta(seconds=mx_ttl)))
    made += [
        Task("publish the policy file, and fetch it: status 200, text/plain, no redirect"),
        Task(f"publish the _mta-sts record with id={after.id}", timedelta(seconds=ttl)),
    ]
    if before is not None:
        text = "wait for senders that cached the policy before and look for no newer one"
        made.append(Task(text, timedelta(seconds=before.max_age)))
    if gained:
        made.append(Task(f"only now put new MX hosts that {', '.join(gained)} covers into DNS"))
    made.append(Task("look into the reports: each names the policy that its sender saw"))
    return tuple(made)


def withdrawal(
    domain: str,
    longest: int,
    *,
    ttl: int = _TTL,
    live_id: str | None = None,
    now: datetime | None = None,
) -> tuple[Publication, tuple[Task, ...]]:
    """Give what takes MTA-STS back without a sender being left with an old policy (RFC 8461 §8.3).

    Parameters
    ----------
    domain
        The domain.
    longest
        The longest max_age that was ever served, in seconds:
        `policy_history(data, Filter(domains=domain))["max_age"].max()` is the longest that senders reported.
    ttl
        Of the `_mta-sts` record, in seconds.
    live_id, now
        As :func:`publication` takes them.

    Returns
    -------
    tuple
        The policy with mode `none` and a max_age of a day, its record with a fresh id, and the steps.

    Raises
    ------
    InputError
        `longest` is no max_age, or null: no report told one. Or as :func:`publication` raises it.

    Examples
    --------
    >>> made, tasks = withdrawal("example.com", 1209600)
    >>> made.policy.mode, [str(task.wait) for task in tasks]
    ('none', ['0:00:00', '1:00:00', '14 days, 0:00:00', '0:00:00', '0:00:00'])
    """
    # A maximum over a table is null where no report told one, and a numpy integer, which is no length of time.
    longest = arguments.number("longest", longest, 0, MAX_AGE_MOST)  # RFC 8461 §3.2
    ttl = arguments.number("ttl", ttl, 0, _TTL_MOST)
    made = publication(domain, "none", (), DAY, live_id=live_id, now=now)
    tasks = (
        Task("publish the policy file with mode none and a max_age of a day, and fetch it"),
        Task(f"publish the _mta-sts record with id={made.id}", timedelta(seconds=ttl)),
        Task(
            "keep both as they are: some senders go by the policy that they cached",
            timedelta(seconds=max(longest, DAY)),
        ),
        Task(f"remove the _mta-sts.{made.domain} record"),
        Task(f"remove the policy file, and last the host mta-sts.{made.domain}"),
    )
    return made, tasks


@dataclass(frozen=True, slots=True)
class Difference:
    """A draft beside what is live.

    Attributes
    ----------
    gained, lost : tuple of str
        MX hosts that only the draft, or only the live policy, covers.
    uncovered : tuple of str
        MX hosts that the draft does not cover: under enforce, sessions with them are refused.
    changed : tuple of str
        What else differs, in words.
    new_id : bool
        The record needs a new id: senders would else keep the policy that they cached.
    """

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    uncovered: tuple[str, ...]
    changed: tuple[str, ...]
    new_id: bool


def diff(draft: Policy | str, live: Policy | str, mx: Sequence[str]) -> Difference:
    """Compare a draft with what is live, over the MX hosts that there are.

    Parameters
    ----------
    draft, live
        Policies, or their texts.
    mx
        The domain's MX hosts: `exact_hosts(check)`, or `inventory(...)["mx_host"]`.

    Returns
    -------
    Difference
        What the draft gains, loses and leaves uncovered of these hosts, and what else differs.

    Raises
    ------
    InputError
        One of them is no valid policy.

    Examples
    --------
    >>> found = diff(Policy("enforce", 86400, ("*.example.com",)), Policy("testing", 86400, ("mx1.example.com",)),
    ...     ["mx1.example.com", "mx2.example.com"])
    >>> found.gained, found.lost, found.changed, found.new_id
    (('mx2.example.com',), (), ('mode: testing → enforce', 'mx: mx1.example.com → *.example.com'), True)
    """
    new, old = given_policy(draft, "draft"), given_policy(live, "live")
    mx = arguments.several("mx", mx, str, _HOSTS)
    changed = [
        f"{name}: {before} → {after}"
        for name, before, after in (
            ("mode", old.mode, new.mode),
            ("max_age", old.max_age, new.max_age),
            ("mx", ", ".join(old.mx), ", ".join(new.mx)),
        )
        if before != after
    ]
    return Difference(
        tuple(host for host in mx if covers(new, host) and not covers(old, host)),
        tuple(host for host in mx if covers(old, host) and not covers(new, host)),
        tuple(host for host in mx if not covers(new, host)),
        tuple(changed),
        new != old,
    )


def _name(given: str, which: str) -> str:
    try:
        return a_label(given)
    except ValueError as error:
        raise InputError(f"{which}: expected a domain name; {error}") from error


def _checked(read: tuple[object | None, list[Finding]], which: str) -> None:
    record, findings = read
    if record is None:
        faults = "; ".join(f.evidence for f in findings if f.severity == "error")
        raise InputError(f"{which}: expected what makes a valid record; {faults}")


def _host_record(name: str, host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if re.fullmatch(r"[\d.]+", host):
            raise InputError(f"host: expected an address or a name; got {host!r}") from None
        return f"mta-sts.{name}. {_TTL} IN CNAME {_name(host, 'host')}."
    kind = "A" if address.version == 4 else "AAAA"
    return f"mta-sts.{name}. {_TTL} IN {kind} {address}"


def _strings(text: str) -> str:
    """Give a TXT record's strings, which senders join without a space (RFC 8461 §3.1)."""
    parts = [text[at : at + _STRING_MOST] for at in range(0, len(text), _STRING_MOST)]
    return " ".join(f'"{part}"' for part in parts)


def _span(wait: timedelta) -> str:
    days, hours, minutes = wait.days, wait.seconds // 3600, -(-(wait.seconds % 3600) // 60)
    parts = [several(days, "day")] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes else []
    return " ".join(parts)
