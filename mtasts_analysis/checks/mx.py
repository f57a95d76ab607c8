"""The MX hosts of a domain, in the order in which senders try them (RFC 5321 §5.1)."""

import asyncio
import shlex

from mtasts_analysis.checks.addresses import is_address
from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.checks.dns import Answer, Asker, unanswered
from mtasts_analysis.checks.facts import MxHost
from mtasts_analysis.checks.providers import provider_of
from mtasts_analysis.findings import Finding, Severity

_REF = "RFC 5321 §5.1"


async def mx_hosts(
    asker: Asker, domain: str, config: CheckConfig
) -> tuple[Answer, list[MxHost], list[Finding]]:
    """Look up a domain's MX hosts and their addresses.

    Parameters
    ----------
    asker
        The resolver.
    domain
        In A-labels.
    config
        How many are looked at.

    Returns
    -------
    tuple
        The answer about MX; the hosts, the preferred first; findings.
    """
    answer = await asker.ask(domain, "MX")
    found: list[Finding] = []
    pairs = await _pairs(asker, answer, domain, found)
    if len(pairs) > config.mx_most:
        evidence = f"{len(pairs)} MX hosts; the {config.mx_most} preferred ones are looked at"
        action = "fewer would do; CheckConfig(mx_most=...) looks at more"
        found.append(Finding("mx-many", "unknown", domain, evidence, action, _REF))
    met = await asyncio.gather(
        *(_host(asker, p, h, domain, config) for p, h in pairs[: config.mx_most])
    )
    # Joined in the order of the hosts: DNS answers come in any.
    return answer, [host for host, _ in met], found + [f for _, of_host in met for f in of_host]


def is_null_mx(answer: Answer) -> bool:
    """Tell whether a domain says that it accepts no mail (RFC 7505 §3)."""
    return answer.status == "ok" and [_pair(r)[1] for r in answer.records] == [""]


def named_by(answer: Answer) -> dict[str, int]:
    """Give all the hosts that MX records name, the preferred first, each once at its best preference."""
    best: dict[str, int] = {}
    for preference, host in sorted(_pair(text) for text in answer.records):
        best.setdefault(host, preference)
    return best


async def _pairs(
    asker: Asker, answer: Answer, domain: str, found: list[Finding]
) -> list[tuple[int, str]]:
    def say(
        code: str, severity: Severity, evidence: str, action: str, reference: str = _REF
    ) -> None:
        found.append(Finding(code, severity, domain, evidence, action, reference))

    if answer.status == "failed":
        evidence = f"MX could not be looked up: {answer.detail}; no verdict on the MX hosts"
        say("mx-dns-failed", "unknown", evidence, f"dig MX {domain}")
        return []
    if answer.status == "nxdomain":
        say("domain-not-found", "error", "there is no such domain (NXDOMAIN)", f"dig MX {domain}")
        return []
    pairs = [(preference, host) for host, preference in named_by(answer).items()]
    if is_null_mx(answer):
        say("null-mx", "info", "MX 0 .: the domain accepts no mail", "", "RFC 7505 §3")
        return []
    if any(not host for _, host in pairs):
        evidence = "the null MX '.' stands beside others, which it must not"
        action = f"remove the others if no mail is to come, else this one:\n{domain}. IN MX 0 ."
        say("null-mx", "error", evidence, action, "RFC 7505 §3")
        pairs = [p for p in pairs if p[1]]
    if pairs:
        return pairs
    # Without MX records the domain itself is the host, if it has an address.
    addresses = await asker.addresses(domain)
    if any(a.status == "ok" for a in addresses):
        evidence = f"no MX record; {domain} itself takes the mail"
        say("implicit-mx", "info", evidence, f"{domain}. IN MX 10 {domain}.")
        return [(0, domain)]
    if any(a.status == "failed" for a in addresses):
        evidence = "no MX record, and the domain's own address could not be looked up"
        say("mx-dns-failed", "unknown", evidence, f"dig A {domain}")
    else:
        evidence = "neither MX record nor address: no mail can arrive"
        say("mx-missing", "error", evidence, f"{domain}. IN MX 10 mail.{domain}.")
    return []


async def _host(
    asker: Asker, preference: int, host: str, domain: str, config: CheckConfig
) -> tuple[MxHost, list[Finding]]:
    found: list[Finding] = []

    def say(code: str, severity: Severity, evidence: str, action: str) -> None:
        found.append(Finding(code, severity, host, evidence, action, _REF))

    provider = provider_of(host)
    name = provider.name if provider else None
    if is_address(host.strip("[]")):
        evidence = f"the MX record of {domain} names an address; it must name a host"
        say("mx-is-address", "error", evidence, f"{domain}. IN MX {preference} mail.{domain}.")
        return MxHost(host, preference, name), found
    if "\\" in host or not host.isascii():
        say("mx-name-odd", "warning", f"MX {host!r} is no host name in ASCII", "use its A-label")
    answers = await asker.addresses(host)
    addresses = tuple(r for a in answers for r in a.records)
    chain = next((a.chain for a in answers if a.chain), ())
    if chain:
        evidence = f"is an alias, {' -> '.join((host, *chain))}: an MX must be the host's own name"
        action = f"with a policy and a certificate that name it:\n{domain}. IN MX {preference} {chain[-1]}."
        say("mx-is-alias", "warning", evidence, action)
    failed = unanswered(answers)
    if failed:
        kind, why = failed
        evidence = f"{kind} could not be looked up: {why}; "
        evidence += "other addresses may be there" if addresses else "its addresses are not known"
        say("mx-dns-failed", "unknown", evidence, f"dig {kind} {shlex.quote(host)}")
    elif not addresses:
        evidence = f"neither A nor AAAA ({answers[0].status}): no mail reaches it"
        say(
            "mx-unresolvable",
            "error",
            evidence,
            "give it an address, with your own in place of this one, or remove the MX record:\n"
            f"{host}. IN A 203.0.113.10",
        )
    if len(addresses) > config.addresses_most:
        evidence = f"{len(addresses)} addresses; {config.addresses_most} are looked at"
        say("mx-many", "unknown", evidence, "CheckConfig(addresses_most=...) looks at more")
    made = MxHost(host, preference, name, chain, addresses, all_addresses=not failed)
    return made, found


def _pair(text: str) -> tuple[int, str]:
    preference, _, host = text.partition(" ")
    return int(preference), host.lower().removesuffix(".")
