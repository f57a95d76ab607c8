"""DNS questions, asked so that `there is none` and `it could not be told` never look alike."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.errors import InputError

Status = Literal["ok", "nodata", "nxdomain", "failed"]

_CHAIN_MOST = 16  # as dnspython's own; a DNS message's 64 KB bound the number of records
_ALIASES = (dns.rdatatype.CNAME, dns.rdatatype.DNAME, dns.rdatatype.RRSIG)


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

    async def _resolve(self, name: dns.name.Name, kind: str) -> Answer:
        chain: tuple[str, ...] = ()
        secure = True
        try:
            # The whole question, whatever its attempts add up to.
            async with asyncio.timeout(self.config.dns_timeout + 1):
                while True:
                    answer, more = _read(await self._response(name, kind))
                    chain += answer.chain
                    secure = secure and answer.secure
                    if more is None or len(chain) > _CHAIN_MOST:
                        return replace(answer, chain=chain, secure=secure)
                    name = more
        except (TimeoutError, dns.exception.Timeout):
            return Answer("failed", detail=f"no answer in {self.config.dns_timeout:g} s (time-out)")
        except dns.resolver.NoNameservers as error:
            return Answer("failed", detail=_reason(error))
        except (dns.exception.DNSException, OSError, ValueError) as error:
            return Answer("failed", detail=f"{type(error).__name__}: {error}"[:200])

    async def _response(self, name: dns.name.Name, kind: str) -> dns.message.QueryMessage:
        try:
            found = await self._resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            return error.response(name)  # type: ignore[no-any-return, no-untyped-call]  # untyped there
        return found.response

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


def _read(response: dns.message.QueryMessage) -> tuple[Answer, dns.name.Name | None]:
    """Tell what a response says; and the name to ask about next, where it stops at an alias.

    RFC 2308 §2.2: NODATA holds "an SOA record, or there will be no NS records"; in some cases "it can be necessary
    to send another query". What is neither that nor an answer is no word that there is none.
    """
    read = response.resolve_chaining()
    last = read.canonical_name
    chain = tuple(str(c[0].target).lower().removesuffix(".") for c in read.cnames)
    secure = bool(response.flags & dns.flags.AD)

    def failed(detail: str) -> Answer:
        return Answer("failed", (), chain, secure, detail[:200])

    if response.flags & dns.flags.TC:  # RFC 2181 §9: such a reply is to be ignored
        return failed("the answer is cut short (TC), over TCP too"), None
    if read.answer is not None:
        kind = dns.rdatatype.to_text(read.answer.rdtype)
        return Answer("ok", tuple(sorted(_text(r, kind) for r in read.answer)), chain, secure), None
    for other in response.answer:
        if not chain or other.rdtype not in _ALIASES:
            kind = dns.rdatatype.to_text(other.rdtype)
            return failed(f"something else was answered: {kind} of {other.name}"), None
    if response.rcode() == dns.rcode.NXDOMAIN:
        return Answer("nxdomain", (), chain, secure), None
    given = {r.name for r in response.authority if r.rdtype == dns.rdatatype.SOA}
    if not any(last.is_subdomain(zone) for zone in given):
        if chain:  # RFC 1034 §5.3.3, 4c: the question is put again, for the canonical name
            return failed(f"its alias leads to {last}, of which nothing was answered"), last
        servers = [r.name for r in response.authority if r.rdtype == dns.rdatatype.NS]
        if servers and not response.flags & dns.flags.AA:
            return failed(f"no answer, but a referral to the servers of {servers[0]}"), None
    return Answer("nodata", (), chain, secure), None


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
