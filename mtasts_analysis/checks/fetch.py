"""The policy fetch (RFC 8461 §3.3): HTTPS only, no redirects, bounded in bytes and time as a whole."""

import asyncio
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import h11

from mtasts_analysis.checks.addresses import refusal
from mtasts_analysis.checks.certificates import Presented, judge
from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.checks.policy import BODY_MOST
from mtasts_analysis.checks.wire import (
    NO_ROUTE,
    Trust,
    Wire,
    certificate_fault,
    connect,
    present,
    presented_by,
    sent_chain,
)
from mtasts_analysis.findings import Finding

_REF = "RFC 8461 §3.3"
_EARLY_MOST = 20
WELL_KNOWN = "/.well-known/mta-sts.txt"
# `types { }`: the ending of the file must not choose another type.
_NGINX = (
    f"location = {WELL_KNOWN} {{ root /var/www/mta-sts; types {{ }} default_type text/plain; }}"
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a policy host gave."""

    url: str
    address: str = ""
    status: int | None = None
    content_type: str | None = None
    body: bytes | None = None
    """The file, from a 200; at most one byte more than a sender reads."""
    presented: Presented | None = None
    reachable: bool = False
    """A connection came about."""


def is_text_plain(content_type: str | None) -> bool:
    """Tell whether a media type is text/plain; parameters are ignored (RFC 8461 §3.2).

    Examples
    --------
    >>> is_text_plain("Text/Plain; charset=utf-8"), is_text_plain("text/html"), is_text_plain(None)
    (True, False, False)
    """
    return (content_type or "").partition(";")[0].strip().lower() == "text/plain"


async def fetch(
    host: str,
    addresses: Sequence[str],
    config: CheckConfig,
    trust: Trust,
    sockets: asyncio.Semaphore,
) -> tuple[Fetched, list[Finding]]:
    """Fetch a policy as a sender does, and tell why it cannot be had.

    Parameters
    ----------
    host
        `mta-sts.` and the domain.
    addresses
        Its addresses: the first that answers is asked.
    config
        Ports, time-outs and what may be connected to.
    trust
        TLS contexts.
    sockets
        Guards the number of sockets that are open.
    """
    port = "" if config.https_port == 443 else f":{config.https_port}"
    url = f"https://{host}{port}{WELL_KNOWN}"
    allowed = [a for a in addresses if not refusal(a, config.allow_networks)]
    if not allowed:
        reason = refusal(addresses[0], config.allow_networks)
        evidence = f"not fetched: {reason}"
        return Fetched(url), [
            Finding(
                "policy-host-address-refused",
                "error",
                host,
                evidence,
                "publish a public address; to check inside of a network:"
                f" --allow-network {addresses[0]}",
                _REF,
            )
        ]
    failures = []
    slow, routed = True, False
    loop = asyncio.get_running_loop()
    # For all addresses together; waiting for a socket is not the host's time.
    left = config.https_timeout
    for address in allowed[: config.addresses_most]:
        if left <= 0:
            break
        try:
            async with sockets:
                begun = loop.time()
                try:
                    async with asyncio.timeout(left) as whole:
                        return await _fetch(url, host, address, config, trust)
                finally:
                    left -= loop.time() - begun
        except TimeoutError as error:
            failures.append((address, _limit(whole.expired(), error, config)))
            routed = True
        except h11.RemoteProtocolError as error:
            failures.append((address, f"no HTTP/1.1: {error}"[:200]))
            slow, routed = False, True
        except OSError as error:
            failures.append((address, _why(error)))
            slow = False
            routed = routed or error.errno not in NO_ROUTE
    tried = "; ".join(f"{a}: {why}" for a, why in failures)
    fetched = Fetched(url, failures[0][0])
    if all(":" in a for a, _ in failures) and not routed:
        evidence = f"its addresses are IPv6 only, and there is no IPv6 here: {tried}"
        action = f"try it where there is:\ncurl -6 -v {url}"
        return fetched, [Finding("policy-host-no-route", "unknown", url, evidence, action, _REF)]
    code = "policy-host-timeout" if slow else "policy-host-unreachable"
    action = f"make it answer:\ncurl -v {url}"
    return fetched, [Finding(code, "error", url, tried, action, _REF)]


async def _fetch(
    url: str, host: str, address: str, config: CheckConfig, trust: Trust
) -> tuple[Fetched, list[Finding]]:
    # By address, so that what was judged is what is connected to; SNI and the certificate are the host's.
    wire = await connect(address, config.https_port, config)
    try:
        tls = await wire.start_tls(trust.strict, host)
        return await _get(wire, tls, url, host, address, config)
    except ssl.SSLError as error:
        if not certificate_fault(error):
            raise
        refused = error
    finally:
        wire.close()
    return await _refused(url, host, address, config, trust, refused)


async def _get(
    wire: Wire, tls: ssl.SSLObject, url: str, host: str, address: str, config: CheckConfig
) -> tuple[Fetched, list[Finding]]:
    presented = presented_by(tls, sent_chain(tls), verified=True, trusted=True)
    found = judge(
        presented, host, host, prefix="policy-host-", reference=_REF, expiry_days=config.expiry_days
    )
    talk = h11.Connection(h11.CLIENT)  # it bounds the head of a response at 16 KiB
    headers = [
        ("Host", host if config.https_port == 443 else f"{host}:{config.https_port}"),
        ("Accept", "text/plain"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", "mtasts-analysis"),
        ("Connection", "close"),
    ]
    request = talk.send(h11.Request(method="GET", target=WELL_KNOWN, headers=headers)) or b""
    await wire.send(request + (talk.send(h11.EndOfMessage()) or b""))
    response = await _response(talk, wire)
    # Of a header that is given twice, the first; names come in small letters.
    given = {k: v.decode("latin-1")[:200] for k, v in reversed(list(response.headers))}
    status, kind = response.status_code, given.get(b"content-type")
    coding = given.get(b"content-encoding", "identity")[:40]
    body = None

    def say(code: str, evidence: str, action: str) -> None:
        found.append(Finding(code, "error", url, evidence, action, _REF))

    look = f"curl -sS -D - {url}"
    if 300 <= status < 400:
        where = given.get(b"location", "")
        evidence = f"HTTP {status} to {where!r}; senders must not follow it"
        say(
            "policy-redirect",
            evidence,
            f"serve the file itself there, then look:\n{look}",
        )
    elif status != 200:
        evidence = f"HTTP {status}; only 200 counts"
        say("policy-http-status", evidence, f"serve the file there, then look:\n{look}")
    elif coding.lower() not in ("", "identity"):
        evidence = f"content-encoding {coding!r}, though only identity was asked for"
        say(
            "policy-content-encoding",
            evidence,
            f"send it as it is (nginx: gzip off;), then look:\n{look}",
        )
    else:
        body = await _body(talk, wire)
        if not is_text_plain(kind):
            evidence = f"content type {kind!r}; senders should take text/plain only"
            say(
                "policy-content-type",
                evidence,
                f"send it as text/plain (nginx: the first line), then look:\n{_NGINX}\n{look}",
            )
    return Fetched(url, address, status, kind, body, presented, reachable=True), found


async def _response(talk: h11.Connection, wire: Wire) -> h11.Response:
    early = 0
    while early <= _EARLY_MOST:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            talk.receive_data(await wire.receive())
        elif isinstance(event, h11.Response):
            return event
        else:  # before it, early hints may come, in any number (RFC 9110 §15.2)
            early += 1
    raise h11.RemoteProtocolError(f"more than {_EARLY_MOST} early answers, and none that counts")


async def _body(talk: h11.Connection, wire: Wire) -> bytes:
    """Read what a sender reads, and one byte more where there is more."""
    body = bytearray()
    while len(body) <= BODY_MOST:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            talk.receive_data(await wire.receive())
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            break
    return bytes(body[: BODY_MOST + 1])


async def _refused(
    url: str, host: str, address: str, config: CheckConfig, trust: Trust, error: ssl.SSLError
) -> tuple[Fetched, list[Finding]]:
    """Look at a certificate that a sender refuses: RFC 8460's sts-webpki-invalid."""
    presented, _ = await present(
        lambda: connect(address, config.https_port, config), host, trust, config.connect_timeout
    )
    found = judge(
        presented, host, host, prefix="policy-host-", reference=_REF, expiry_days=config.expiry_days
    )
    if not any(f.severity == "error" for f in found):
        evidence = f"refused at the first handshake, accepted at the second: {error}"
        action = "have each server behind the name present the same valid certificate"
        found.append(
            Finding("policy-host-certificate-unsteady", "error", host, evidence, action, _REF)
        )
    return Fetched(url, address, presented=presented, reachable=True), found


def _limit(whole: bool, error: TimeoutError, config: CheckConfig) -> str:
    """Say which of the limits was reached."""
    if whole:
        return f"no complete answer in time (the fetch may take {config.https_timeout:g} s)"
    if error.errno:  # the system's own
        return os.strerror(error.errno)
    return f"no answer in {config.connect_timeout:g} s, the limit for a connection"


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"TLS does not come about: {error.reason.lower().replace('_', ' ')}"[:200]
    return os.strerror(error.errno) if error.errno else str(error)[:200]
