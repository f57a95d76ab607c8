"""What to publish, and in which order: policy, records, hosting; checked by the package's own readers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mtasts_analysis.checks.coverage import covers
from mtasts_analysis.checks.policy import Policy, read_policy
from mtasts_analysis.checks.providers import PROVIDERS
from mtasts_analysis.checks.records import read_sts, read_tlsrpt
from mtasts_analysis.errors import InputError
from mtasts_analysis.names import a_label
from mtasts_analysis.readiness.config import DAY
from mtasts_analysis.readiness.rollout import fresh_id, policy_text

HOSTS = ("nginx", "cloudflare-pages", "s3-cloudfront", "github-pages")
"""The ways to serve the policy that :func:`hosting` knows."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What a domain publishes.

    Attributes
    ----------
    domain : str
        In A-labels.
    policy : str
        The text of `https://mta-sts.DOMAIN/.well-known/mta-sts.txt`, lines ending in CRLF (RFC 8461 §3.2).
    records : tuple of str
        DNS records in zone-file form: `mta-sts` host, `_mta-sts` and `_smtp._tls`.
    id : str
        Of the `_mta-sts` record.
    """

    domain: str
    policy: str
    records: tuple[str, ...]
    id: str


def publication(
    domain: str,
    mode: str,
    mx: Sequence[str],
    max_age: int = DAY,
    *,
    rua: Sequence[str] = (),
    host: str = "",
    now: datetime | None = None,
) -> Publication:
    """Give the policy and the DNS records of a domain.

    Parameters
    ----------
    domain
        The domain.
    mode, mx, max_age
        As :func:`~mtasts_analysis.readiness.rollout.policy_text` takes them; `mx` may be the name of one provider's
        preset (:func:`preset`) given out.
    rua
        Where reports go: `mailto:` or `https:` (RFC 8460 §3); none leaves the TLSRPT record out.
    host
        What `mta-sts.DOMAIN` points to: an address, or a name for a CNAME.
    now
        The time that makes the id.

    Returns
    -------
    Publication

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
    try:
        name = a_label(domain)
    except ValueError as error:
        raise InputError(f"domain: expected a domain name; {error}") from error
    text = policy_text(mode, [a_label(m) if not m.isascii() else m for m in mx], max_age)
    stamp = fresh_id(now or datetime.now(UTC))
    sts = f"v=STSv1; id={stamp};"
    if read_sts([sts], f"_mta-sts.{name}")[0] is None:
        raise InputError(f"expected a valid _mta-sts record; made {sts!r}")
    records = []
    if host:
        kind = "AAAA" if ":" in host else "A" if host.replace(".", "").isdigit() else "CNAME"
        target = f"{host.removesuffix('.')}." if kind == "CNAME" else host
        records.append(f"mta-sts.{name}. 3600 IN {kind} {target}")
    records.append(f'_mta-sts.{name}. 3600 IN TXT "{sts}"')
    if rua:
        # RFC 8460 §3: in an address, "!", "," and ";" are percent-encoded.
        encoded = [u.replace("!", "%21").replace(",", "%2C").replace(";", "%3B") for u in rua]
        report = f"v=TLSRPTv1; rua={','.join(encoded)}"
        record, findings = read_tlsrpt([report], f"_smtp._tls.{name}")
        if record is None:
            faults = "; ".join(f.evidence for f in findings)
            raise InputError(f"rua: expected mailto: or https: addresses (RFC 8460 §3); {faults}")
        records.append(f'_smtp._tls.{name}. 3600 IN TXT "{report}"')
    return Publication(name, text.replace("\n", "\r\n"), tuple(records), stamp)


def preset(provider: str) -> tuple[str, ...]:
    """Give the MX patterns of a provider, such as `Google Workspace` or `Microsoft 365`.

    Raises
    ------
    InputError
        No such provider.

    Examples
    --------
    >>> preset("google workspace")[1]
    'aspmx.l.google.com'
    """
    for known in PROVIDERS:
        if known.name.casefold() == provider.casefold():
            return known.hosts
    raise InputError(
        f"provider: expected one of {', '.join(p.name for p in PROVIDERS)}; got {provider!r}"
    )


def hosting(domain: str, policy: str, how: str) -> dict[str, str]:
    """Give the files and settings that serve a policy.

    Parameters
    ----------
    domain
        The domain, in A-labels.
    policy
        The policy's text.
    how
        One of :data:`HOSTS`.

    Returns
    -------
    dict
        File name → content; `README` says what to do with them.

    Raises
    ------
    InputError
        Another way, or no valid policy.

    Examples
    --------
    >>> text = policy_text("testing", ["mx1.example.com"], 86400)
    >>> sorted(hosting("example.com", text, "github-pages"))
    ['.nojekyll', '.well-known/mta-sts.txt', 'CNAME', 'README']
    """
    if read_policy(policy)[0] is None:
        raise InputError("policy: expected a valid policy file (RFC 8461 §3.2)")
    name = f"mta-sts.{domain}"
    path = ".well-known/mta-sts.txt"
    if how == "nginx":
        server = (
            f"server {{\n    listen 443 ssl;\n    listen [::]:443 ssl;\n    server_name {name};\n"
            f"    ssl_certificate /etc/letsencrypt/live/{name}/fullchain.pem;\n"
            f"    ssl_certificate_key /etc/letsencrypt/live/{name}/privkey.pem;\n"
            f"    root /var/www/{name};\n    location = /{path} {{\n        types {{ }}\n"
            "        default_type text/plain;\n    }\n    location / { return 404; }\n}\n"
        )
        note = f"Put the policy under /var/www/{name}, the server block beside the others, and reload nginx."
        return {path: policy, f"{name}.conf": server, "README": note}
    if how == "cloudflare-pages":
        note = f"Deploy the folder as a Pages project and give it the custom domain {name}."
        return {path: policy, "_headers": f"/{path}\n  Content-Type: text/plain\n", "README": note}
    if how == "s3-cloudfront":
        note = (
            f"aws s3 cp mta-sts.txt s3://BUCKET/{path} --content-type text/plain\n"
            f"CloudFront: the bucket as origin (origin access control), {name} as alternate name with an ACM\n"
            "certificate from us-east-1, HTTPS only, no redirect rules: senders follow none (RFC 8461 §3.3)."
        )
        return {path: policy, "README": note}
    if how == "github-pages":
        note = (
            f"Push to a repository with Pages on, custom domain {name}, HTTPS enforced; .nojekyll keeps"
            " .well-known."
        )
        return {path: policy, ".nojekyll": "", "CNAME": f"{name}\n", "README": note}
    raise InputError(f"how: expected one of {', '.join(HOSTS)}; got {how!r}")


def update(before: Policy | None, after: Policy, *, ttl: int = 3600) -> tuple[str, ...]:
    """Give the steps of a policy change in order (RFC 8461 §5.1, §8.3; the guide's update procedure).

    Parameters
    ----------
    before
        The policy that is live; None for a first one.
    after
        The policy to come; mode `none` withdraws.
    ttl
        Of the `_mta-sts` record, in seconds.

    Examples
    --------
    >>> old, new = Policy("testing", 86400, ("mx1.example.com",)), Policy("none", 86400, ())
    >>> len(update(old, new))
    5
    """
    wait = _span(max(before.max_age if before else 0, after.max_age) + ttl)
    steps = [
        "publish the new policy file, and fetch it once yourself: status 200, text/plain, no redirect",
        "give the _mta-sts record a new id, after the file: a sender that sees the new id fetches at once",
    ]
    if before is not None:
        old = _span(before.max_age + ttl)
        steps.append(
            f"wait {old}: until then some senders go by the policy that they cached (max_age plus TTL)"
        )
    if after.mode == "none":
        return (
            *steps,
            f"keep mode none published for {wait}, the longest max_age ever served (RFC 8461 §8.3)",
            "then remove the _mta-sts record, and last the policy file and its host",
        )
    return (*steps, "watch the reports: the policy that senders saw stands in them")


def _span(seconds: int) -> str:
    whole = timedelta(seconds=seconds)
    return (
        f"{whole.days} days and {whole.seconds // 3600} h" if whole.days else f"{seconds // 3600} h"
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """A draft beside what is live.

    Attributes
    ----------
    gained, lost : tuple of str
        MX hosts that only the draft, or only the live policy, covers.
    changed : tuple of str
        What else differs, in words.
    new_id : bool
        The record needs a new id: the text differs.
    """

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    changed: tuple[str, ...]
    new_id: bool


def diff(draft: Policy | str, live: Policy | str, mx: Sequence[str]) -> Difference:
    """Compare a draft with what is live, over the MX hosts that there are.

    Parameters
    ----------
    draft, live
        Policies, or their texts.
    mx
        The domain's MX hosts.

    Raises
    ------
    InputError
        One of them is no valid policy.

    Examples
    --------
    >>> found = diff(Policy("enforce", 86400, ("*.example.com",)), Policy("testing", 86400, ("mx1.example.com",)),
    ...     ["mx1.example.com", "mx2.example.com"])
    >>> found.gained, found.lost, found.changed
    (('mx2.example.com',), (), ('mode: testing → enforce',))
    """
    one, two = _read(draft, "draft"), _read(live, "live")
    changed = [
        f"{name}: {getattr(two, name)} → {getattr(one, name)}"
        for name in ("mode", "max_age")
        if getattr(one, name) != getattr(two, name)
    ]
    return Difference(
        tuple(host for host in mx if covers(one, host) and not covers(two, host)),
        tuple(host for host in mx if covers(two, host) and not covers(one, host)),
        tuple(changed),
        one != two,
    )


def _read(given: Policy | str, which: str) -> Policy:
    if isinstance(given, Policy):
        return given
    policy, findings = read_policy(given, which)
    if policy is None:
        faults = "; ".join(f.evidence for f in findings if f.severity == "error")
        raise InputError(f"{which}: expected a valid policy file (RFC 8461 §3.2); {faults}")
    return policy
