"""A policy beside the MX hosts it must cover, and beside the guide's timeline."""

from collections.abc import Sequence

from mtasts_analysis.checks.policy import Policy
from mtasts_analysis.checks.providers import provider_of
from mtasts_analysis.findings import Finding, Severity
from mtasts_analysis.names import mx_matches

DAY, WEEK, FORTNIGHT = 86_400, 604_800, 1_209_600
_MATCH = "RFC 8461 §4.1"


def covers(policy: Policy, host: str) -> bool:
    """Tell whether one pattern of a policy matches an MX host."""
    return any(mx_matches(host, pattern) for pattern in policy.mx)


def coverage(
    policy: Policy,
    hosts: Sequence[str],
    subject: str,
    *,
    preferred: int = 1,
    in_force: bool = True,
) -> list[Finding]:
    """Compare the policy with the MX hosts.

    Parameters
    ----------
    policy
        A valid policy.
    hosts
        The names of the MX records, the preferred first; names as in the records, since §4.1 matches those and
        not what a CNAME leads to.
    subject
        The policy's URL.
    preferred
        So many of the hosts, from the first on, have the best preference; the others are backups.
    in_force
        There is a record, so that senders look for the policy.

    Returns
    -------
    list of Finding
        MX hosts that are not covered, patterns that match none, wildcards that are wider than the hosts need,
        and what the provider needs.

    Examples
    --------
    >>> found = coverage(Policy("enforce", 604800, ("*.google.com",)), ["aspmx.l.google.com"], "mta-sts.txt")
    >>> found[0].code, "misses by one label" in found[0].evidence
    ('mx-not-in-policy', True)
    """
    if policy.mode == "none":
        return []  # nothing is matched: §5, "as though it does not have any active policy"
    found = []
    refused = policy.mode == "enforce" and in_force
    severity: Severity = "error" if refused else "warning"
    for at, host in enumerate(hosts):
        if covers(policy, host):
            continue
        misses = [p for p in policy.mx if _by_one_label(host, p)]
        rank = "preferred" if at < preferred else "backup"
        evidence = f"no mx pattern of the policy matches the {rank} MX {host}"
        if misses:
            evidence += f"; {misses[0]} misses by one label: '*' stands for exactly one"
        evidence += (
            ": senders refuse to deliver to it"
            if refused
            else ": under enforce, senders would refuse to deliver to it"
        )
        provider = provider_of(host)
        line = provider.lines(host) if provider else host
        action = f"add this line to the policy file, then give the record a new id:\nmx: {line}"
        found.append(Finding("mx-not-in-policy", severity, host, evidence, action, _MATCH))
    for pattern in policy.mx:
        matched = [h for h in hosts if mx_matches(h, pattern)]
        if not matched and hosts:
            evidence = f"the policy's pattern {pattern} matches no MX host of today"
            action = f"remove this line, unless that MX host is about to come:\nmx: {pattern}"
            found.append(Finding("policy-mx-unused", "info", subject, evidence, action, _MATCH))
        elif pattern.startswith("*.") and not any(_own_name(h) for h in matched):
            needed = ", ".join(sorted(matched))
            evidence = (
                f"{pattern} allows any host under {pattern[2:]}; the MX set needs only {needed}"
            )
            action = "name the hosts instead:\n" + "\n".join(f"mx: {h}" for h in sorted(matched))
            found.append(
                Finding(
                    "policy-wildcard-broad",
                    "info",
                    subject,
                    evidence,
                    action,
                    "guide, Policy File Best Practices",
                )
            )
    for name in dict.fromkeys(p.name for p in map(provider_of, hosts) if p):
        needs = sorted({p.lines(h) for h in hosts if (p := provider_of(h)) and p.name == name})
        missing = [
            h for h in hosts if (p := provider_of(h)) and p.name == name and not covers(policy, h)
        ]
        evidence = (
            f"{name} runs {'these MX hosts' if len(needs) > 1 else 'the MX'}; its policy needs "
            + ", ".join(f"mx: {p}" for p in needs)
        )
        evidence += (
            "; this one covers them"
            if not missing
            else f"; this one leaves out {', '.join(missing)}"
        )
        found.append(Finding("provider-recognised", "info", subject, evidence, "", _MATCH))
    return found


def _own_name(host: str) -> bool:
    provider = provider_of(host)
    return provider is not None and provider.wildcards


def _by_one_label(host: str, pattern: str) -> bool:
    """Tell whether a host has just one label more or less than a pattern allows."""
    bare = pattern.lower().removeprefix("*.").removesuffix(".")
    host = host.lower().removesuffix(".")
    if pattern.startswith("*."):
        head = host.removesuffix(f".{bare}")
        return host == bare or (head != host and head.count(".") == 1)
    return host.partition(".")[2] == bare or bare.partition(".")[2] == host


def advice(policy: Policy, subject: str) -> list[Finding]:
    """Judge mode and max_age by the guide's timeline, and by the UK NCSC's.

    Parameters
    ----------
    policy
        A valid policy.
    subject
        Its URL.
    """

    def say(code: str, severity: Severity, evidence: str, action: str, reference: str) -> None:
        found.append(Finding(code, severity, subject, evidence, action, reference))

    found: list[Finding] = []
    age = policy.max_age
    if policy.mode == "none":
        say(
            "policy-mode-none",
            "info",
            "mode none withdraws MTA-STS: senders drop what they cached",
            "keep it",
            "RFC 8461 §8.3",
        )
        return found
    if policy.mode == "testing":
        say(
            "policy-mode-testing",
            "info",
            "mode testing: failures are reported, mail is delivered all the same, so an attacker is not stopped",
            "once the reports are clean for weeks, with a new id of the record:\nmode: enforce",
            "guide, Deployment Timeline",
        )
    if age < DAY:
        say(
            "policy-max-age-short",
            "warning",
            f"max_age {age} is less than a day: Google ignores such policies, and an attacker can wait it out",
            f"max_age: {DAY}" if policy.mode == "testing" else f"max_age: {WEEK}",
            "RFC 8461 §3.2, §10.2; UK NCSC",
        )
    elif policy.mode == "enforce" and age < WEEK:
        say(
            "policy-max-age-short",
            "info",
            f"max_age {age} is right for the first week of enforce (the guide: {DAY})",
            f"after a clean week, and {FORTNIGHT} later:\nmax_age: {WEEK}",
            "guide, Deployment Timeline",
        )
    elif policy.mode == "enforce" and age < FORTNIGHT:
        say(
            "policy-max-age-short",
            "info",
            f"max_age {age} suits the guide's production stage; the UK NCSC asks for {FORTNIGHT} or more",
            f"max_age: {FORTNIGHT}",
            "guide, Deployment Timeline; UK NCSC",
        )
    elif policy.mode == "testing" and age > FORTNIGHT:
        say(
            "policy-max-age-long",
            "info",
            f"max_age {age} in testing: senders keep this policy for {age // DAY} days, so fixing is slow",
            f"while testing:\nmax_age: {DAY}",
            "guide, Policy File Best Practices",
        )
    return found
