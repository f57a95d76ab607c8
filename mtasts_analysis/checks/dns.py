"""DNS questions, asked so that `there is none` and `it could not be told` never look alike."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.resolver

from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.errors import InputError

Status = Literal["ok", "nodata", "nxdomain", "failed"]

_CHAIN_MOST = 16  # as dnspython's own; a DNS message's 64 KB bound the number of records


@dataclass(frozen=True, slots=True)
class Answer:
    """What DNS said."""

    status: Status
    """`nxdomain`: the name is not there. `nodata`: it is, without such records. `failed`: nobody knows."""
    records: tuple[str, ...] = ()
    """The records as text; TXT as its strings put together, each octet one character."""
    chain: tuple[str, ...] = ()
    """The names that CNAMEs led to, the last one the owner of the records."""
    secure: bool = False
    """The resolver says, by the AD bit, that DNSSEC vouches for all of it, absence included."""
    detail: str = ""
    """Why it failed."""

    @property
    def absent(self) -> bool:
        """There is none, and DNS says so."""
        return self.status in ("nodata", "nxdomain")

    @property
    def owner(self) -> str:
        """Where CNAMEs led to; empty if there were none."""
        return self.chain[-1] if self.chain else ""


@dataclass(slots=True)
class Asker:
    """Asks one resolver, each question once, so many at a time as the sockets allow.

    Parameters
    ----------
    config
        Resolvers and time-outs.
    sockets
        Guards the number of sockets that are open.
    """

    config: CheckConfig
    sockets: asyncio.Semaphore
    _resolver: dns.asyncresolver.Resolver = field(init=False)
    _asked: dict[tuple[str, str], asyncio.Task[Answer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            resolver = dns.asyncresolver.Resolver(configure=not self.config.resolvers)
        except dns.resolver.NoResolverConfiguration as error:
            raise InputError(
                "expected a resolver in the system's configuration; there is none:"
                " CheckConfig(resolvers=('9.9.9.9',)) names one"
            ) from error
        if self.config.resolvers:
            resolver.nameservers = list(self.config.resolvers)
            resolver.port = self.config.resolver_port
        resolver.lifetime = self.config.dns_timeout
        resolver.timeout = max(self.config.dns_timeout / 3, 0.2)
        # AD in the question asks for AD in the answer (RFC 6840 §5.7); 1232 octets pass any path.
        resolver.flags = dns.flags.RD | dns.flags.AD
        resolver.use_edns(0, 0, 1232)
        resolver.cache = None
        self._resolver = resolver

    async def ask(self, name: str, kind: str) -> Answer:
        """Ask a question, once for all that want to know.

        Parameters
        ----------
        name
            A domain name in A-labels.
        kind
            A record type.
        """
        key = (name.lower().removesuffix("."), kind)
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._ask(*key))
        return await asyncio.shield(task)

    async def _ask(self, name: str, kind: str) -> Answer:
        try:
            full = dns.name.from_text(name or ".")
        except dns.exception.DNSException as error:
            return Answer("failed", detail=f"{name!r} cannot be asked: {error}")
        async with self.sockets:
            answer = await self._resolve(full, kind)
            await asyncio.sleep(
                0
            )  # asyncio closes a datagram's socket in the next turn of its loop
        return answer

    async def _resolve(self, full: dns.name.Name, kind: str) -> Answer:
        try:
            # The whole question, whatever its attempts add up to.
            async with asyncio.timeout(self.config.dns_timeout + 1):
                found = await self._resolver.resolve(
                    full, kind, raise_on_no_answer=False, search=False
                )
        except dns.resolver.NXDOMAIN as error:
            responses = error.responses().values()  # type: ignore[no-untyped-call]  # untyped there
            secure = any(r.flags & dns.flags.AD for r in responses)
            return Answer("nxdomain", chain=_chain(responses, full), secure=secure)
        except (TimeoutError, dns.exception.Timeout):
            return Answer("failed", detail=f"no answer in {self.config.dns_timeout:g} s (time-out)")
        except dns.resolver.NoNameservers as error:
            return Answer("failed", detail=_reason(error))
        except (dns.exception.DNSException, OSError, ValueError) as error:
            return Answer("failed", detail=f"{type(error).__name__}: {error}"[:200])
        response = found.response
        secure = bool(response.flags & dns.flags.AD)
        chain = _chain([response], full)
        if found.rrset is None:
            return Answer("nodata", chain=chain, secure=secure)
        records = sorted(_text(r, kind) for r in found.rrset)
        return Answer("ok", tuple(records), chain, secure)

    async def addresses(self, name: str) -> tuple[Answer, Answer]:
        """Ask for A and AAAA."""
        a, aaaa = await asyncio.gather(self.ask(name, "A"), self.ask(name, "AAAA"))
        return a, aaaa

    async def validates(self) -> bool | None:
        """Tell whether the resolver validates DNSSEC; None if it cannot be told."""
        probe = await self.ask(self.config.dnssec_probe, "SOA")
        return probe.secure if probe.status == "ok" else None


def unanswered(addresses: Sequence[Answer]) -> tuple[str, str] | None:
    """Give which of A and AAAA could not be looked up, and why; None where both could.

    Examples
    --------
    >>> unanswered([Answer("ok", ("192.0.2.1",)), Answer("failed", detail="SERVFAIL")])
    ('AAAA', 'SERVFAIL')
    """
    kinds = zip(("A", "AAAA"), addresses, strict=True)
    return next(((kind, a.detail) for kind, a in kinds if a.status == "failed"), None)


def _text(record: object, kind: str) -> str:
    if kind == "TXT":
        # Strings are put together without spaces (RFC 8461 §3.1); the octets are nobody's charset.
        return b"".join(getattr(record, "strings", ())).decode("latin-1")
    return str(record)


def _chain(responses: Iterable[dns.message.Message], name: dns.name.Name) -> tuple[str, ...]:
    """Follow the CNAMEs of answers, each name once."""
    targets = {
        rrset.name: rrset[0].target
        for response in responses
        for rrset in response.answer
        if rrset.rdtype == dns.rdatatype.CNAME
    }
    chain: list[str] = []
    while name in targets and len(chain) < _CHAIN_MOST:
        name = targets.pop(name)
        chain.append(str(name).lower().removesuffix("."))
    return tuple(chain)


def _reason(error: dns.resolver.NoNameservers) -> str:
    """Say what each server answered: `SERVFAIL` and the like."""
    said = []
    for attempt in error.kwargs.get("errors", ()):
        what = attempt[3] if len(attempt) > 3 else attempt
        response = attempt[4] if len(attempt) > 4 else None
        # RFC 8914: an extended error says why, as "DNSSEC Bogus".
        ede = [str(o) for o in getattr(response, "options", ()) if o.otype == 15]
        said.append(" ".join([str(what) or type(what).__name__, *ede]))
    return ("; ".join(dict.fromkeys(said)) or "no server answered")[:200]
