"""One TCP connection, bounded: what is read, how long it takes, where it goes; and TLS on it when asked for.

Not asyncio's streams: after STARTTLS it must be seen whether plaintext was sent along with the 220, and the whole
chain must be read also where it does not verify.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mtasts_analysis.checks.addresses import refusal
from mtasts_analysis.checks.certificates import (
    EXPIRED,
    HOST_MISMATCH,
    NOT_YET_VALID,
    WEAK,
    Presented,
    read_certificate,
)
from mtasts_analysis.checks.config import CheckConfig
from mtasts_analysis.errors import InputError

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
NO_ROUTE = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""There is no such network here, as IPv6: no fault of the other side."""

_CHUNK = 16_384
_CHAIN_MOST = 10
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME; the ssl module has no name for it


class RefusedAddressError(OSError):
    """An address that may not be connected to; the message says why."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The ways to shake hands: as a sender does, without dates and name, without any check, one version only."""

    strict: ssl.SSLContext
    untimed: ssl.SSLContext
    blind: ssl.SSLContext
    one: dict[str, ssl.SSLContext]

    @classmethod
    def of(cls, config: CheckConfig) -> "Trust":
        """Make the contexts.

        Raises
        ------
        InputError
            The file of trusted CAs cannot be read, or there are none.
        """
        strict, untimed = _context(config), _context(config)
        untimed.check_hostname = False
        untimed.verify_flags = ssl.VerifyFlags(untimed.verify_flags | _NO_CHECK_TIME)
        one = {}
        for name, version in VERSIONS.items():
            if getattr(ssl, f"HAS_{name.replace('.', '_')}"):
                one[name] = _blind(version)
        return cls(strict, untimed, _blind(None), one)


def _context(config: CheckConfig) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8461 §7.2
    context.hostname_checks_common_name = False  # §4.2: a DNS-ID in the SAN, nothing else
    # Python 3.13 adds checks (X509_STRICT) that no mail server makes.
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    if config.ca_file is not None:
        try:
            context.load_verify_locations(config.ca_file)
        except OSError as error:  # SSLError is one; its own words name OpenSSL's line of code
            said = "no certificates in PEM" if isinstance(error, ssl.SSLError) else error.strerror
            raise InputError(
                f"ca_file: expected a PEM file of trusted CAs; {config.ca_file}: {said}"
            ) from error
        return context
    context.load_default_certs()
    paths = ssl.get_default_verify_paths()
    if not context.cert_store_stats()["x509_ca"] and not paths.capath:
        raise InputError(
            "expected trusted CAs in the system's store; there are none, so every certificate would look"
            " untrusted: install the package ca-certificates, or set CheckConfig(ca_file=...)"
        )
    return context


def _blind(version: ssl.TLSVersion | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # Else the local OpenSSL refuses old versions and weak keys, and the server seems not to offer them.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 is asked for, not used
        context.minimum_version = version or ssl.TLSVersion.TLSv1
        if version:
            context.maximum_version = version
    return context


class Wire:
    """A connection to an address."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()

    async def receive(self) -> bytes:
        """Read what has come; empty at the end.

        Raises
        ------
        ConnectionError
            The end came without TLS's closure alert, as anybody on the way can have it: "an incomplete close in TLS
            would leave the response incomplete" (RFC 9112 §8).
        """
        if self._tls is None:
            return await self._received()
        while True:
            try:
                return self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                if not await self._fill():
                    raise ConnectionResetError(
                        "hung up without TLS's closure alert: the answer may be cut"
                    ) from None
            except ssl.SSLZeroReturnError:
                return b""

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        if self._tls is None:
            await self._loop.sock_sendall(self._socket, data)
        else:
            self._tls.write(data)
            await self._flush()

    async def start_tls(self, context: ssl.SSLContext, name: str) -> ssl.SSLObject:
        """Shake hands, with the name as SNI (RFC 8461 §7.1).

        Raises
        ------
        ssl.SSLError
            The handshake failed; of kind `SSLCertVerificationError` where the certificate is at fault.
        ConnectionError
            The server hung up.
        """
        tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if not await self._fill():
                    raise ConnectionResetError(
                        "the server closed the connection during TLS"
                    ) from None
            finally:
                with contextlib.suppress(OSError):  # an alert that nobody takes
                    await self._flush()
        self._tls = tls
        return tls

    async def _fill(self) -> bool:
        await self._flush()
        data = await self._received()
        self._in.write(data)
        return bool(data)

    async def _received(self) -> bytes:
        # What is there already comes without a turn of the loop: while somebody sends faster than he is read, no
        # deadline would be seen, and nobody else would have a turn.
        await asyncio.sleep(0)
        return await self._loop.sock_recv(self._socket, _CHUNK)

    async def _flush(self) -> None:
        data = self._out.read()
        if data:
            await self._loop.sock_sendall(self._socket, data)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


async def connect(address: str, port: int, config: CheckConfig) -> Wire:
    """Connect to an address, which is judged here once more: this is the one place where connections are opened.

    Raises
    ------
    RefusedAddressError
        It is no public address, nor allowed.
    OSError, TimeoutError
        It does not answer.
    """
    reason = refusal(address, config.allow_networks)
    if reason:
        raise RefusedAddressError(reason)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        async with asyncio.timeout(config.connect_timeout):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return Wire(sock)


def certificate_fault(error: ssl.SSLError) -> bool:
    """Tell whether a handshake failed for the certificate; one too weak for OpenSSL has an error of its own."""
    # Not DH_KEY_TOO_SMALL: that is the key exchange's.
    weak = ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK")
    return isinstance(error, ssl.SSLCertVerificationError) or str(error.reason) in weak


async def present(
    ready: Callable[[], Awaitable[Wire]], name: str, trust: Trust, seconds: float
) -> tuple[Presented, tuple[bytes, ...]]:
    """See what a server shows for a name: one handshake if all is well, up to three to tell what is not.

    Parameters
    ----------
    ready
        Opens a connection on which TLS can begin; asked again for each further handshake.
    name
        The server's name.
    trust
        The contexts.
    seconds
        For each handshake, with what comes before it.

    Returns
    -------
    tuple
        What was seen, and the chain's certificates as DER.

    Raises
    ------
    ssl.SSLError, OSError, TimeoutError
        TLS does not come about, for a reason other than the certificate.
    """
    try:
        tls, ders = await _shake(ready, name, trust.strict, seconds)
        return presented_by(tls, ders, verified=True, trusted=True), ders
    except ssl.SSLError as error:
        if not certificate_fault(error):
            raise
        code = getattr(error, "verify_code", WEAK)
        said = getattr(error, "verify_message", str(error.reason).lower().replace("_", " "))
    trusted: bool | None = None
    if code in (EXPIRED, NOT_YET_VALID, HOST_MISMATCH):
        # One fault hides the others: is the chain at least trusted?
        try:
            tls, ders = await _shake(ready, name, trust.untimed, seconds)
            return presented_by(tls, ders, verified=False, trusted=True, code=code, said=said), ders
        except ssl.SSLCertVerificationError as error:
            trusted, said = False, error.verify_message
        except (OSError, TimeoutError):
            pass
    try:
        tls, ders = await _shake(ready, name, trust.blind, seconds)
    except (OSError, TimeoutError):
        # It does not answer a second time: what is known still stands.
        return Presented(
            "", "", (), verified=False, trusted=trusted, verify_code=code, said=said
        ), ()
    return presented_by(tls, ders, verified=False, trusted=trusted, code=code, said=said), ders


async def _shake(
    ready: Callable[[], Awaitable[Wire]], name: str, context: ssl.SSLContext, seconds: float
) -> tuple[ssl.SSLObject, tuple[bytes, ...]]:
    async with asyncio.timeout(seconds):
        wire = await ready()
        try:
            tls = await wire.start_tls(context, name)
            return tls, sent_chain(tls)
        finally:
            wire.close()


def sent_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """Give the certificates that the server sent, as DER, the leaf first."""
    public = getattr(tls, "get_unverified_chain", None)  # Python 3.13
    if public is not None:
        return tuple(public()[:_CHAIN_MOST])
    inner = tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001  # private until then
    # ENCODING_DER of the private module is 2.
    return tuple(c.public_bytes(2) for c in (inner.get_unverified_chain() or ())[:_CHAIN_MOST])


def presented_by(
    tls: ssl.SSLObject,
    ders: tuple[bytes, ...],
    *,
    verified: bool,
    trusted: bool | None,
    code: int = 0,
    said: str = "",
) -> Presented:
    """Put together what a handshake showed."""
    chain = []
    for der in ders:
        try:
            chain.append(read_certificate(der))
        except ValueError:
            break
    cipher = tls.cipher()
    return Presented(
        tls.version() or "",
        cipher[0] if cipher else "",
        tuple(chain),
        verified,
        trusted,
        code,
        said,
    )
