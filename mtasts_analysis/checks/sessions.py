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
    _silent: dict[int, asyncio.Task[tuple[str, ...] | None]] = field(default_factory=dict)
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
        if known and known.done() and (silent := known.result()) and not refusal(address):
            # Nor does it wait for a time-out.
            return Session(host, address, "not-tested", self._blocked(silent, family)), ()
        async with self._locks[address], self.sockets:
            session, ders = await probe(host, address, self.config, self.trust)
        if session.greeting:
            self._answered.add(family)
        if session.outcome != "unreachable" or family in self._answered or not self.config.canary:
            return session, ders
        # Asked once a run, and only when a host did not answer.
        if family not in self._silent:
            self._silent[family] = asyncio.create_task(self._canaries(family))
        silent = await asyncio.shield(self._silent[family])
        if silent is None:
            return session, ders
        detail = (
            self._blocked(silent, family)
            if silent
            else f"no connection ({session.detail}), and whether port {self.config.smtp_port} is open here is not"
            f" known: no IPv{family} address of {', '.join(self.config.canary)} was to be had"
        )
        return Session(host, address, "not-tested", detail), ()

    def _blocked(self, silent: tuple[str, ...], family: int) -> str:
        asked = f"{', '.join(silent)} {'do' if len(silent) > 1 else 'does'}"
        return f"port {self.config.smtp_port} is blocked here: over IPv{family} {asked} not answer either"

    async def _canaries(self, family: int) -> tuple[str, ...] | None:
        """Give the canaries that were tried and are silent; None if one answers.

        One without an address of the family, or whose name could not be looked up, says nothing.
        """
        silent = []
        for host in self.config.canary:
            answer = await self.asker.ask(host, "A" if family == 4 else "AAAA")
            tried = [a for a in answer.records[:2] if not refusal(a, self.config.allow_networks)]
            for address in tried:
                async with self.sockets:
                    if await greets(address, self.config):
                        return None
            silent += [host] if tried else []
        return tuple(silent)

    async def close(self) -> None:
        """Stop what is still under way."""
        tasks = [*self._probes.values(), *self._silent.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
