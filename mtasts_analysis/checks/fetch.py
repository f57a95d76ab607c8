"""The policy fetch (RFC 8461 §3.3): HTTPS only, no redirects, bounded in bytes and time as a whole."""

import asyncio
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from mtasts_analysis.checks.addresses import refusal
from mtasts_analysis.checks.certificates import Presented, judge
from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.checks.policy import BODY_MOST
from mtasts_analysis.checks.wire import (
    NO_ROUTE,
    Trust,
    certificate_fault,
    connect,
    present,
    presented_by,
    sent_chain,
)
from mtasts_analysis.findings import Finding

_REF = "RFC 8461 §3.3"
WELL_KNOWN = "/.well-known/mta-sts.txt"


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
                f" CheckConfig(allow_networks=('{addresses[0]}',))",
                _REF,
            )
        ]
    failures = []
    routed = False
    loop = asyncio.get_running_loop()
    left = (
        config.https_timeout
    )  # for all addresses together; waiting for a socket is not the host's time
    for address in allowed[: config.addresses_most]:
        if left <= 0:
            break
        try:
            async with sockets:
                begun = loop.time()
                try:
                    async with asyncio.timeout(left):
                        return await _fetch(url, host, address, config, trust)
                finally:
                    left -= loop.time() - begun
        except TimeoutError:
            failures.append((address, f"no complete answer in {config.https_timeout:g} s"))
            routed = True
        except (OSError, httpx2.HTTPError) as error:
            why = _plainly(error)
            failures.append((address, why))
            routed = routed or not any(os.strerror(n) in why for n in NO_ROUTE)
    tried = "; ".join(f"{a}: {why}" for a, why in failures)
    slow = all("no complete answer" in why for _, why in failures)
    fetched = Fetched(url, failures[0][0])
    if all(":" in a for a, _ in failures) and not slow and not routed:
        evidence = f"its addresses are IPv6 only, and there is no IPv6 here: {tried}"
        action = f"try it where there is: curl -6 -v {url}"
        return fetched, [Finding("policy-host-no-route", "unknown", url, evidence, action, _REF)]
    code = "policy-host-timeout" if slow else "policy-host-unreachable"
    action = f"make it answer: curl -v {url}"
    return fetched, [Finding(code, "error", url, tried, action, _REF)]


async def _fetch(
    url: str, host: str, address: str, config: CheckConfig, trust: Trust
) -> tuple[Fetched, list[Finding]]:
    # By address, so that what was judged is what is connected to; SNI and the certificate are the host's.
    literal = f"[{address}]" if ":" in address else address
    request_url = f"https://{literal}:{config.https_port}{WELL_KNOWN}"
    headers = {
        "Host": host if config.https_port == 443 else f"{host}:{config.https_port}",
        "Accept": "text/plain",
        "Accept-Encoding": "identity",
        "User-Agent": "mtasts-analysis",
    }
    limit = httpx2.Timeout(config.https_timeout, connect=config.connect_timeout)
    # A client of its own, so that no cookie is carried from host to host; nothing from the environment.
    async with httpx2.AsyncClient(
        verify=trust.strict, trust_env=False, follow_redirects=False, timeout=limit
    ) as client:
        client.headers.clear()
        request = client.build_request(
            "GET", request_url, headers=headers, extensions={"sni_hostname": host}
        )
        try:
            response = await client.send(request, stream=True)
        except httpx2.HTTPError as error:
            cause = _certificate_error(error)
            if cause is None:
                raise
            return await _refused(url, host, address, config, trust, cause)
        try:
            return await _read(response, url, host, address, config)
        finally:
            await response.aclose()


async def _read(
    response: httpx2.Response, url: str, host: str, address: str, config: CheckConfig
) -> tuple[Fetched, list[Finding]]:
    found: list[Finding] = []
    tls = response.extensions["network_stream"].get_extra_info("ssl_object")
    presented = presented_by(tls, sent_chain(tls), verified=True, trusted=True)
    found += judge(
        presented, host, host, prefix="policy-host-", reference=_REF, expiry_days=config.expiry_days
    )
    status, kind = response.status_code, response.headers.get("content-type")
    kind = kind[:200] if kind is not None else None
    body = None

    def say(code: str, evidence: str, action: str) -> None:
        found.append(Finding(code, "error", url, evidence, action, _REF))

    coding = response.headers.get("content-encoding", "identity")[:40]
    if 300 <= status < 400:
        where = response.headers.get("location", "")[:200]
        evidence = f"HTTP {status} to {where!r}; senders must not follow it"
        say("policy-redirect", evidence, f"serve the file itself at {url}")
    elif status != 200:
        say(
            "policy-http-status",
            f"HTTP {status}; only 200 counts",
            f"serve the file: curl -v {url}",
        )
    elif coding.lower() not in ("", "identity"):
        evidence = f"content-encoding {coding!r}, though only identity was asked for"
        say("policy-content-encoding", evidence, "send it uncompressed")
    else:
        parts, size = [], 0
        async for part in response.aiter_raw():
            parts.append(part)
            size += len(part)
            if size > BODY_MOST:
                break
        body = b"".join(parts)[: BODY_MOST + 1]
        if not is_text_plain(kind):
            evidence = f"content type {kind!r}; senders should take text/plain only"
            say("policy-content-type", evidence, "send Content-Type: text/plain")
    return Fetched(url, address, status, kind, body, presented, reachable=True), found


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


def _certificate_error(error: BaseException | None) -> ssl.SSLError | None:
    """Find, among an error's causes, that a certificate was refused."""
    for _ in range(10):
        if isinstance(error, ssl.SSLError) and certificate_fault(error):
            return error
        if error is None:
            return None
        error = error.__cause__ or error.__context__
    return None


def _plainly(error: BaseException) -> str:
    """Give an error's innermost words."""
    said = ""
    at: BaseException | None = error
    for _ in range(10):
        if at is None:
            break
        said = str(at) or said or type(at).__name__
        at = at.__cause__ or at.__context__
    return said[:200]
