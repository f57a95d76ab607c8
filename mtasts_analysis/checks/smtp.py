"""One SMTP session as far as TLS, at one address of one MX host: bounded, and exact about why it ended."""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from mtasts_analysis.checks.certificates import Presented
from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.checks.wire import NO_ROUTE, RefusedAddressError, Trust, Wire, connect, present

Outcome = Literal[
    "tls",  # a handshake came about, or failed for nothing but the certificate
    "no-starttls",  # EHLO does not offer it
    "starttls-refused",  # it is offered, and then refused
    "tls-failed",  # TLS does not come about, for another reason than the certificate
    "inconclusive",  # 421, greylisting, a tarpit, a refusal of us: nothing is known about TLS
    "unreachable",  # no TCP connection
    "not-public",  # an address that may not be connected to, nor can senders on the Internet
    "not-tested",  # nothing was learned about the domain: port 25 is, or may be, blocked here, or nobody asked
]

WITHOUT_TLS: tuple[Outcome, ...] = ("no-starttls", "starttls-refused", "tls-failed")

_LINE_MOST = 4_096  # RFC 5321 §4.5.3.1.5: 512 octets


@dataclass(frozen=True, slots=True)
class Session:
    """What an MX host did at one of its addresses."""

    host: str
    address: str
    outcome: Outcome
    detail: str = ""
    """Why, where the outcome is no `tls`: the reply, the error."""
    greeting: str = ""
    extensions: tuple[str, ...] = ()
    """The keywords of the EHLO reply."""
    presented: Presented | None = None
    plaintext_after_220: bool = False
    """Bytes came with the reply to STARTTLS: a client that keeps them can be fed an attacker's words."""
    versions: tuple[tuple[str, bool | None], ...] = ()
    """Each TLS version and whether the server takes it; None where it did not answer that time."""


class _EndError(ConnectionError):
    """The session ended before TLS."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome, self.detail = outcome, detail


@dataclass(slots=True)
class _Talk:
    """What one conversation showed before TLS."""

    greeting: str = ""
    extensions: tuple[str, ...] = ()
    plaintext: bool = False
    tls_begun: bool = False


async def probe(
    host: str, address: str, config: CheckConfig, trust: Trust
) -> tuple[Session, tuple[bytes, ...]]:
    """Hold the sessions that are needed with one address, one at a time.

    Parameters
    ----------
    host
        The MX host: SNI, and the name that its certificate must have.
    address
        One of its addresses.
    config
        Ports, time-outs, the name for EHLO.
    trust
        TLS contexts.

    Returns
    -------
    tuple
        What was seen, and the certificates that the server sent, as DER.
    """
    talk = _Talk()

    async def ready() -> Wire:
        wire = await connect(address, config.smtp_port, config)
        try:
            await _begin(wire, talk, config)
        except _EndError:
            wire.close()
            raise
        except OSError as error:
            # Reset before TLS began: as if it had hung up politely, no word about TLS.
            wire.close()
            raise _EndError("inconclusive", f"hung up: {error}") from error
        except BaseException:
            wire.close()
            raise
        return wire

    def ended(outcome: Outcome, detail: str) -> Session:
        return Session(
            host, address, outcome, detail, talk.greeting, talk.extensions, None, talk.plaintext
        )

    try:
        presented, ders = await present(ready, host, trust, config.smtp_deadline)
    except _EndError as end:
        return ended(end.outcome, end.detail), ()
    except RefusedAddressError as error:
        return ended("not-public", str(error)), ()
    except TimeoutError:
        if talk.greeting or talk.plaintext:
            return ended("inconclusive", "too slow: the session took longer than it may"), ()
        return ended("unreachable", "time-out"), ()
    except OSError as error:
        if talk.tls_begun:
            reason = error.reason if isinstance(error, ssl.SSLError) else None
            session = ended(
                "tls-failed", reason.lower().replace("_", " ") if reason else str(error)
            )
            return replace(session, versions=await _versions(ready, host, config, trust)), ()
        outcome: Outcome = "unreachable"
        if error.errno in NO_ROUTE:
            outcome = "not-tested"
        return ended(outcome, os.strerror(error.errno) if error.errno else str(error)), ()
    versions = await _versions(ready, host, config, trust, presented.version)
    session = Session(
        host,
        address,
        "tls",
        "",
        talk.greeting,
        talk.extensions,
        presented,
        talk.plaintext,
        versions,
    )
    return session, ders


async def greets(address: str, config: CheckConfig) -> bool:
    """Tell whether anything that speaks SMTP answers at an address."""
    try:
        async with asyncio.timeout(config.connect_timeout + config.smtp_timeout):
            wire = await connect(address, config.smtp_port, config)
            try:
                reply, _ = await _reply(wire, bytearray(), config)
            finally:
                wire.close()
    except (OSError, TimeoutError, _EndError):
        return False
    return reply.isdigit()


async def _begin(wire: Wire, talk: _Talk, config: CheckConfig) -> None:
    """Greeting, EHLO, STARTTLS: up to where TLS begins."""
    buffer = bytearray()
    code, lines = await _reply(wire, buffer, config)
    talk.greeting = " ".join(lines)[:200]
    if code != "220":
        # 4xx is greylisting or load, 5xx a judgement about us: neither says anything about TLS.
        raise _EndError("inconclusive", f"greeting: {code} {talk.greeting}")
    code, lines = await _command(wire, buffer, f"EHLO {config.helo}", config)
    if code not in ("250", "500", "502"):
        # RFC 5321 §3.2, §4.3.2: 500 and 502 are a server without EHLO, so without STARTTLS. All else is load or
        # a judgement about us, as "501 Invalid domain name" for the name we gave: no word about TLS.
        raise _EndError("inconclusive", f"EHLO: {code} {' '.join(lines)[:200]}")
    talk.extensions = tuple(line.upper()[:60] for line in lines[1:]) if code == "250" else ()
    if not any(e.split(" ")[0] == "STARTTLS" for e in talk.extensions):
        await wire.send(b"QUIT\r\n")
        detail = f"EHLO: {code} {', '.join(lines)[:200]}" if code != "250" else ""
        raise _EndError("no-starttls", detail)
    code, lines = await _command(wire, buffer, "STARTTLS", config)
    if code == "421":  # RFC 5321 §3.8: it shuts down, whatever was asked
        raise _EndError("inconclusive", f"STARTTLS: {code} {' '.join(lines)[:200]}")
    if code != "220":  # RFC 3207 §4: as "454 TLS not available due to temporary reason"
        raise _EndError("starttls-refused", f"{code} {' '.join(lines)[:200]}")
    # RFC 3207 §4.2: what is known from before TLS is discarded; so is what came along with the 220.
    talk.plaintext = talk.plaintext or bool(buffer)
    talk.tls_begun = True


async def _command(
    wire: Wire, buffer: bytearray, line: str, config: CheckConfig
) -> tuple[str, list[str]]:
    await wire.send(f"{line}\r\n".encode("ascii"))
    return await _reply(wire, buffer, config)


async def _reply(wire: Wire, buffer: bytearray, config: CheckConfig) -> tuple[str, list[str]]:
    """Read one reply (RFC 5321 §4.2.1); what comes after it stays in the buffer."""
    lines: list[str] = []
    size = 0
    try:
        async with asyncio.timeout(config.smtp_timeout):
            while True:
                at = buffer.find(b"\n")
                if at < 0:
                    if len(buffer) > _LINE_MOST or size > config.smtp_reply_bytes:
                        raise _EndError("inconclusive", "an endless reply")
                    data = await wire.receive()
                    if not data:
                        raise _EndError("inconclusive", "the server hung up before it answered")
                    buffer += data
                    continue
                line = bytes(buffer[:at]).rstrip(b"\r").decode("ascii", "replace")
                del buffer[: at + 1]
                size += at + 1
                if not (line[:3].isdigit() and line[3:4] in ("", " ", "-")):
                    raise _EndError("inconclusive", f"no SMTP reply: {line[:80]!r}")
                lines.append(line[4:])
                if size > config.smtp_reply_bytes:
                    raise _EndError("inconclusive", "an endless reply")
                if line[3:4] != "-":
                    return line[:3], lines
    except TimeoutError:
        raise _EndError(
            "inconclusive", f"no complete reply in {config.smtp_timeout:g} s (a tarpit?)"
        ) from None


async def _versions(
    ready: Callable[[], Awaitable[Wire]],
    host: str,
    config: CheckConfig,
    trust: Trust,
    known: str = "",
) -> tuple[tuple[str, bool | None], ...]:
    """Ask for each TLS version by itself: whoever takes TLS 1.3 does not say what else he takes."""
    if not config.tls_versions:
        return ((known, True),) if known else ()
    found: list[tuple[str, bool | None]] = []
    for name, context in trust.one.items():
        taken: bool | None = True
        if name != known:
            try:
                async with asyncio.timeout(config.smtp_deadline):
                    taken = await _takes(ready, host, context)
            except (OSError, TimeoutError):
                taken = None  # it does not answer another time
        found.append((name, taken))
    return tuple(found)


async def _takes(ready: Callable[[], Awaitable[Wire]], host: str, context: ssl.SSLContext) -> bool:
    wire = await ready()
    try:
        await wire.start_tls(context, host)
    except (ssl.SSLError, ConnectionError):
        return False
    finally:
        wire.close()
    return True
