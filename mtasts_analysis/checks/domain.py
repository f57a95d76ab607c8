"""One domain's check, put together; and a run of many, that share resolver, MX hosts and sockets."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.checks.coverage import advice, coverage, covers
from mtasts_analysis.checks.dane import compare, judge_dane, look_up, proposal
from mtasts_analysis.checks.dns import Answer, Asker, unanswered
from mtasts_analysis.checks.facts import Check, MxHost
from mtasts_analysis.checks.fetch import Fetched, fetch
from mtasts_analysis.checks.mx import is_null_mx, mx_hosts
from mtasts_analysis.checks.policy import Policy, read_policy
from mtasts_analysis.checks.records import read_sts, read_tlsrpt
from mtasts_analysis.checks.sessions import Sessions
from mtasts_analysis.checks.smtp import WITHOUT_TLS
from mtasts_analysis.checks.starttls import judge_session
from mtasts_analysis.checks.wire import Trust
from mtasts_analysis.findings import Finding, worst_first


@dataclass(slots=True)
class Run:
    """What the checks of one run share. Each question is asked once, each MX address is tried once.

    Parameters
    ----------
    config
        How to ask.

    Raises
    ------
    InputError
        There is no resolver, or there are no trusted CAs.
    """

    config: CheckConfig
    sockets: asyncio.Semaphore = field(init=False)
    asker: Asker = field(init=False)
    trust: Trust = field(init=False)
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.sockets = asyncio.Semaphore(self.config.sockets)
        self.asker = Asker(self.config, self.sockets)
        self.trust = Trust.of(self.config)
        self.sessions = Sessions(self.config, self.asker, self.trust, self.sockets)

    async def check(self, domain: str) -> Check:
        """Check a domain, given in A-labels."""
        sts_name, rpt_name = f"_mta-sts.{domain}", f"_smtp._tls.{domain}"
        sts, rpt, (mx_answer, hosts, mx_found), policy_host = await asyncio.gather(
            self.asker.ask(sts_name, "TXT"),
            self.asker.ask(rpt_name, "TXT"),
            mx_hosts(self.asker, domain, self.config),
            self._policy(domain),
        )
        addresses, fetched, policy, policy_found = policy_host
        record = None
        found = _looked_up(sts, sts_name, "sts-record", "RFC 8461 §3.1", "RFC 8461 §8.2")
        if sts.status != "failed":
            record, more = read_sts(sts.records, sts_name, _stamp())
            found += more
        report = None
        # RFC 8460 says nothing of aliases: they are followed as for any name.
        found += _looked_up(rpt, rpt_name, "tlsrpt-record", "RFC 8460 §3", "RFC 1034 §3.6.2")
        if rpt.status != "failed":
            report, more = read_tlsrpt(rpt.records, rpt_name, domain)
            found += more
        if record is not None or sts.status == "failed" or fetched is not None:
            found += policy_found
        if record is None and sts.status != "failed" and policy is not None:
            evidence = f"a policy file is there ({policy.mode}), but no sender looks for it without a valid record"
            action = f'{sts_name}. IN TXT "v=STSv1; id={_stamp()};"'
            found.append(
                Finding(
                    "policy-without-record", "warning", domain, evidence, action, "RFC 8461 §3.1"
                )
            )
        found += mx_found
        if policy is not None and fetched is not None:
            found += advice(policy, fetched.url)
            in_force = record is not None or sts.status == "failed"
            # Those of equal preference are tried in any order (RFC 5321 §5.1): none is a backup.
            best = sum(h.preference == hosts[0].preference for h in hosts)
            found += coverage(
                policy, [h.host for h in hosts], fetched.url, preferred=best, in_force=in_force
            )
        validates = await self.asker.validates()
        if self.config.smtp:
            # Where DNS failed, senders apply what they cached.
            there = record is not None or sts.status == "failed"
            mode = policy.mode if policy is not None and there else None
            names = [domain, mx_answer.owner] if mx_answer.owner else [domain]
            judged = await asyncio.gather(
                *(self._host(h, names, mode, mx_answer.secure, validates) for h in hosts)
            )
            hosts = [host for host, _ in judged]
            found += [f for _, of_host in judged for f in of_host]
        elif hosts:
            evidence = "the MX hosts were not connected to, as asked (smtp=False)"
            found.append(Finding("smtp-not-tested", "info", domain, evidence, "", "RFC 8461 §4"))
        if policy is not None and policy.mode != "none":
            hosts = [replace(h, covered=covers(policy, h.host)) for h in hosts]
        return Check(
            domain=domain,
            checked_at=datetime.now(UTC),
            sts_answer=sts,
            sts_record=record,
            tlsrpt_answer=rpt,
            tlsrpt_record=report,
            policy_addresses=addresses,
            fetched=fetched,
            policy=policy,
            mx_answer=mx_answer,
            null_mx=is_null_mx(mx_answer),
            mx=tuple(hosts),
            resolver_validates=validates,
            findings=worst_first(found),
        )

    async def _policy(
        self, domain: str
    ) -> tuple[tuple[str, ...], Fetched | None, Policy | None, list[Finding]]:
        host = f"mta-sts.{domain}"
        answers = await self.asker.addresses(host)
        addresses = tuple(r for a in answers for r in a.records)
        reference = "RFC 8461 §3.3"
        found = []
        if failed := unanswered(answers):
            kind, why = failed
            evidence = f"{kind} of the policy host could not be looked up: {why}; "
            evidence += "other addresses may be there" if addresses else "no verdict on the policy"
            found.append(
                Finding(
                    "policy-host-dns-failed",
                    "unknown",
                    host,
                    evidence,
                    f"dig {kind} {host}",
                    reference,
                )
            )
        elif not addresses:
            evidence = f"neither A nor AAAA ({answers[0].status}): no sender gets the policy"
            action = (
                "one of these, with the address or the name of your web server:\n"
                f"{host}. IN A 203.0.113.10\n{host}. IN CNAME yourcdn.example.net."
            )
            found.append(Finding("policy-host-missing", "error", host, evidence, action, reference))
        if not addresses:
            return (), None, None, found
        fetched, faults = await fetch(host, addresses, self.config, self.trust, self.sockets)
        found += faults
        policy = None
        if fetched.body is not None:
            policy, faults = read_policy(fetched.body, fetched.url)
            found += faults
        alias = next((a for a in answers if a.chain), answers[0])
        found += _delegated(alias, host, "policy-host", "RFC 8461 §8.2")
        return addresses, fetched, policy, found

    async def _host(
        self,
        mx: MxHost,
        next_hops: Sequence[str],
        mode: str | None,
        mx_secure: bool,
        validates: bool | None,
    ) -> tuple[MxHost, list[Finding]]:
        """Talk to an MX host at each of its addresses, and compare its TLSA records with what it shows."""
        if not mx.addresses:
            return mx, []
        tried = mx.addresses[: self.config.addresses_most]
        probed = await asyncio.gather(*(self.sessions.probe(mx.host, a) for a in tried))
        found = [f for session, _ in probed for f in judge_session(session, mode, self.config)]
        answers = await self.asker.addresses(mx.host)
        base, answer, vouched = await look_up(self.asker, mx.host, answers)
        # RFC 7672 §3.2.2: the base domain; where the MX records are signed, the next-hop domain and its expansion.
        names = [base, *(next_hops if mx_secure else ())]
        compared = [compare(base, answer, vouched, ders, names) for _, ders in probed if ders]
        # A sender may come to any address: one that does not match is the verdict.
        dane = next((d for d in compared if d.verdict == "mismatch"), None) or (
            compared[0] if compared else compare(base, answer, vouched, (), names)
        )
        leaf = next((ders[0] for _, ders in probed if ders), None)
        fix = proposal(base, leaf) if leaf else ""
        bare = [s.address for s, _ in probed if s.outcome in WITHOUT_TLS]
        found += judge_dane(dane, mx.host, mx_secure, validates, fix, bare)
        return replace(mx, sessions=tuple(s for s, _ in probed), dane=dane), found

    async def _guarded(self, domain: str) -> Check:
        """Check a domain; a fault of ours, met at a stranger's server, costs none of the others."""
        try:
            return await self.check(domain)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told as a finding
            evidence = (
                f"this check broke off, a fault of this program: {type(error).__name__}: {error}"
            )
            action = "report it, with the domain's name"
            broken = Finding("check-failed", "unknown", domain, evidence[:300], action)
            failed = Answer("failed", detail="the check broke off")
            return Check(
                domain=domain,
                checked_at=datetime.now(UTC),
                sts_answer=failed,
                sts_record=None,
                tlsrpt_answer=failed,
                tlsrpt_record=None,
                policy_addresses=(),
                fetched=None,
                policy=None,
                mx_answer=failed,
                null_mx=False,
                mx=(),
                resolver_validates=None,
                findings=(broken,),
            )

    async def check_all(self, domains: Iterable[str]) -> AsyncGenerator[Check, None]:
        """Check domains, so many in flight as the configuration allows; each check as it is done."""
        waiting = iter(domains)
        flying: set[asyncio.Task[Check]] = set()
        try:
            while True:
                while len(flying) < self.config.domains_at_once and (
                    (domain := next(waiting, None)) is not None
                ):
                    flying.add(asyncio.create_task(self._guarded(domain)))
                if not flying:
                    return
                done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)
            await self.sessions.close()


def _looked_up(
    answer: Answer, name: str, code: str, reference: str, delegation: str
) -> list[Finding]:
    if answer.status == "failed":
        evidence = (
            f"TXT could not be looked up: {answer.detail}; whether there is a record is not known"
        )
        return [
            Finding(f"{code}-dns-failed", "unknown", name, evidence, f"dig TXT {name}", reference)
        ]
    return _delegated(answer, name, code, delegation)


def _delegated(answer: Answer, name: str, code: str, reference: str) -> list[Finding]:
    if not answer.chain:
        return []
    evidence = " -> ".join((name, *answer.chain))
    return [Finding(f"{code}-delegated", "info", name, evidence, "", reference)]


def _stamp() -> str:
    """Give an id for a record: the guide's timestamp."""
    return f"{datetime.now(UTC):%Y%m%d%H%M%S}"
