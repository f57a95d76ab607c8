"""The SMTP sessions of a run: each address of each MX host once, one connection at a time to an address."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from mtasts_analysis.checks.addresses import refusal
from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.checks.dns import Asker
from mtasts_analysis.checks.smtp import Session, greets, probe
from mtasts_analysis.checks.wire import Trust

Probed = tuple[Session, tuple[bytes, ...]]


@dataclass(slots=True)
class Sessions:
    """Shared by all domains of a run.

    Parameters
    ----------
    config
        Ports, time-outs, canaries.
    asker
        The resolver.
    trust
        TLS contexts.
    sockets
        Guards the number of sockets that are open.
    """

    config: CheckConfig
    asker: Asker
    trust: Trust
    sockets: asyncio.Semaphore
    _locks: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )
    _probes: dict[tuple[str, str], asyncio.Task[Probed]] = field(default_factory=dict)
    _silent: dict[int, asyncio.Task[bool]] = field(default_factory=dict)
    _answered: set[int] = field(default_factory=set)

    async def probe(self, host: str, address: str) -> Probed:
        """Give what an MX host did at an address, and the certificates it sent."""
        key = (host, address)
        if key not in self._probes:
            self._probes[key] = asyncio.create_task(self._probe(host, address))
        return await asyncio.shield(self._probes[key])

    async def _probe(self, host: str, address: str) -> Probed:
        family = 6 if ":" in address else 4
        known = self._silent.get(family)
        if known and known.done() and known.result() and not refusal(address):
            return self._not_tested(host, address, family), ()  # nor does it wait for a time-out
        async with self._locks[address], self.sockets:
            session, ders = await probe(host, address, self.config, self.trust)
        if session.greeting:
            self._answered.add(family)
        if (
            session.outcome == "unreachable"
            and family not in self._answered
            and await self._blocked(family)
        ):
            return self._not_tested(host, address, family), ()
        return session, ders

    def _not_tested(self, host: str, address: str, family: int) -> Session:
        asked = ", ".join(self.config.canary)
        detail = f"port {self.config.smtp_port} is blocked here: over IPv{family} {asked} do not answer either"
        return Session(host, address, "not-tested", detail)

    async def _blocked(self, family: int) -> bool:
        """Tell whether port 25 is blocked here: asked once a run, and only when a host did not answer."""
        if not self.config.canary:
            return False
        if family not in self._silent:
            self._silent[family] = asyncio.create_task(self._canaries(family))
        return await asyncio.shield(self._silent[family])

    async def _canaries(self, family: int) -> bool:
        for host in self.config.canary:
            answer = await self.asker.ask(host, "A" if family == 4 else "AAAA")
            for address in answer.records[:2]:
                async with self.sockets:
                    if await greets(address, self.config):
                        return False
        return True

    async def close(self) -> None:
        """Stop what is still under way."""
        tasks = [*self._probes.values(), *self._silent.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
