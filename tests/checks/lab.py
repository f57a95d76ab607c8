"""A small Internet on loopback: DNS on dnspython, HTTPS and SMTP with trustme's certificates, in every broken form.

Pip only. Everything runs in one thread's loop; a test asks it through the project's own configuration.
"""

import asyncio
import datetime as dt
import logging
import socket
import ssl
import struct
import tempfile
import threading
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import trustme
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID

from mtasts_analysis.checks.config import CheckConfig

WEB, MX0 = "127.0.0.2", 11  # the web server's address; the MX hosts' begin at 127.0.0.12
GOOD = "version: STSv1\nmode: enforce\nmx: {mx}\nmax_age: 1209600\n"


@dataclass
class Web:
    """How one policy host behaves."""

    body: bytes | str = b""
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/plain"})
    certificate: trustme.LeafCert | None = None
    drip: float = 0
    """Seconds between bytes."""
    silent: bool = False
    chunked: bool = False
    endless: str = ""
    """What never ends: `body`, `head` or `early`, the answers before the answer."""
    taken: int = 0
    """Bytes of what never ends that the client took."""
    holds: str = ""
    """It never closes, `length` said or not (`none`): the client must not wait for its end."""
    requests: int = 0
    context: ssl.SSLContext | None = None
    then: trustme.LeafCert | None = None
    """Its certificate from the second handshake on."""
    unknown: bool = False
    """It knows no such name, and says so by an alert in the handshake."""
    early: bytes = b""
    """Sent before the answer."""
    cut: bool = False
    """It says no length, and the connection ends behind the body, without a word of TLS's end."""
    hangs_up: bool = False
    """It takes the question and goes, without a word of TLS's end."""


@dataclass
class Mail:
    """How one MX address behaves."""

    certificate: trustme.LeafCert | None = None
    greeting: bytes = b"220 mx ESMTP\r\n"
    greeting_delay: float = 0
    ehlo: bytes = b"250-mx\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
    starttls: bytes = b"220 go ahead\r\n"
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    drop_at_tls: bool = False
    silent_tls: bool = False
    """It says `go ahead`, and nothing more."""
    holds: bool = False
    """It never closes, whatever it is told."""
    connections: int = 0
    """So many more are answered; then 421."""
    real: bool = False
    """aiosmtpd answers, not this script."""
    reset_at: str = ""
    """The verb at which the connection is reset, as `STARTTLS`; `CONNECT` for before the greeting."""
    resets_after: int = 0
    """So many connections are served; those after them are reset at once."""
    endless: bytes = b""
    """Sent again and again in the place of a greeting, for ever."""
    drip: float = 0
    """Seconds between bytes of the greeting."""
    taken: int = 0
    """Bytes of what never ends that the client took."""
    arrived: int = 0
    seen: list[str] = field(default_factory=list)
    ciphers: str = ""


class Lab:
    """The lab; a context manager."""

    def __init__(self, *, validates: bool = True, delay: float = 0) -> None:
        self.ca, self.other_ca = trustme.CA(), trustme.CA(organization_name="Another CA")
        self.validates, self.delay = validates, delay
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.status: dict[str, str] = {}
        """A name that answers SERVFAIL, REFUSED, or nothing (TIMEOUT)."""
        self.insecure: set[str] = set()
        self.big: set[str] = set()
        self.next: dict[tuple[str, str], list[str]] = {}
        """What a question is answered from the second time on."""
        self.replies: dict[str, str] = {}
        """A name whose reply is this, as dnspython writes messages, whatever the zone holds."""
        self.asked: list[tuple[str, str]] = []
        self.webs: dict[str, Web] = {}
        self.mails: dict[str, Mail] = {}
        self.open = self.open_most = 0
        self.loop = asyncio.new_event_loop()
        # What a client breaks off is what these servers are for.
        self.loop.set_exception_handler(lambda *_: None)
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._next = MX0
        self.folder = tempfile.TemporaryDirectory()
        self.ca_file = Path(self.folder.name) / "ca.pem"
        self.ca.cert_pem.write_to_path(self.ca_file)
        self.records(".", "SOA", "a.root. b.root. 1 1 1 1 1")
        self.records(".", "NS", "a.root.")

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()
        self.folder.cleanup()

    def config(self, **changed: object) -> CheckConfig:
        """A configuration under which this lab is the Internet."""
        base = CheckConfig(
            resolvers=("127.0.0.1",),
            resolver_port=self.dns_port,
            ca_file=str(self.ca_file),
            https_port=self.https_port,
            smtp_port=self.smtp_port,
            allow_networks=("127.0.0.0/8", "::1/128"),
            ehlo_name="checker.example",
            canary=(),
            dns_timeout=1,
            connect_timeout=2,
            https_timeout=2,
            smtp_timeout=1,
            smtp_deadline=3,
            tls_versions=False,
        )
        return replace(base, **changed)

    # --- what is in it ---

    def records(self, name: str, kind: str, *values: str) -> None:
        self.zone[(name.lower(), kind)] = list(values)

    def leaf(self, *names: str, ca: trustme.CA | None = None, days: float = 90, **more: object):
        now = dt.datetime.now(dt.UTC)
        return (ca or self.ca).issue_cert(
            *names,
            not_before=now - dt.timedelta(days=400),
            not_after=now + dt.timedelta(days=days, hours=1),
            **more,
        )

    def orphan(self, *names: str, days: float = 90) -> trustme.LeafCert:
        """A leaf of an intermediate that is not sent along, but named, as public CAs name it."""
        between = self.ca.create_child_ca()
        issuer = x509.load_pem_x509_certificate(between.cert_pem.bytes())
        signer = serialization.load_pem_private_key(between.private_key_pem.bytes(), None)
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        url = x509.UniformResourceIdentifier("http://ca.example/between.der")
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False
            )
            .add_extension(
                x509.AuthorityInformationAccess(
                    [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, url)]
                ),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        private = key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return trustme.LeafCert(private, made.public_bytes(pem), [])

    def mx(self, host: str, at: str = "", **how: object) -> str:
        """Set up an MX host at the next address, or at that; give the address."""
        address = at or f"127.0.{self._next // 250}.{self._next % 250 + 1}"
        self._next += not at
        how.setdefault("certificate", self.leaf(host))
        self.mails[address] = Mail(**how)
        asyncio.run_coroutine_threadsafe(self._listen(address), self.loop).result(10)
        self.records(host, "AAAA" if ":" in address else "A", address)
        return address

    def policy(self, domain: str, body: str | bytes, **how: object) -> Web:
        host = f"mta-sts.{domain}"
        how.setdefault("certificate", self.leaf(host))
        web = self.webs[host] = Web(body, **how)
        self.records(host, "A", WEB)
        return web

    def domain(self, domain: str, *, mx: str | None = None, policy: str | None = None) -> None:
        """Set up a domain that is in order; tests then break one thing."""
        mx = mx or f"mx.{domain}"
        if not {(mx, "A"), (mx, "AAAA")} & set(self.zone):
            self.mx(mx)
        self.records(domain, "MX", f"10 {mx}.")
        self.records(f"_mta-sts.{domain}", "TXT", '"v=STSv1; id=20260101T000000;"')
        self.records(f"_smtp._tls.{domain}", "TXT", '"v=TLSRPTv1; rua=mailto:tls@reports.example"')
        self.policy(domain, policy or GOOD.format(mx=mx))

    # --- servers ---

    async def _start(self) -> None:
        for _ in range(20):
            self._udp, _ = await self.loop.create_datagram_endpoint(
                lambda: _Datagrams(self), local_addr=("127.0.0.1", 0)
            )
            self.dns_port = self._udp.get_extra_info("sockname")[1]
            try:
                server = await asyncio.start_server(self._dns_tcp, "127.0.0.1", self.dns_port)
            except OSError:  # somebody has that port for TCP
                self._udp.close()
                continue
            self._servers.append(server)
            break
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.leaf("default.example").configure_cert(tls)
        tls.sni_callback = self._sni
        web = await asyncio.start_server(self._https, WEB, 0, ssl=tls)
        self.https_port = web.sockets[0].getsockname()[1]
        self._servers.append(web)
        try:
            self._servers.append(
                await asyncio.start_server(self._https, "::1", self.https_port, ssl=tls)
            )
            self.ipv6 = True
        except OSError:
            self.ipv6 = False
        self.smtp_port = 0
        self.smtp_port = await self._listen("127.0.0.10")

    async def _listen(self, address: str) -> int:
        server = await asyncio.start_server(self._smtp, address, self.smtp_port)
        self._servers.append(server)
        return server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._udp.close()
        for server in self._servers:
            server.close()
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def answer(self, wire: bytes, *, tcp: bool) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name, dns.rdatatype.to_text(question.rdtype)
        self.asked.append((_plain(name), kind))
        if _plain(name) in self.replies:
            given = dns.message.from_text(self.replies[_plain(name)])
            given.id, given.question = query.id, query.question
            return given.to_wire(max_size=65_535)
        reply = dns.message.make_response(query, recursion_available=True)
        secure = self.validates
        for _ in range(20):
            text = _plain(name)
            status = self.status.get(text) or self.status.get(f"{text} {kind}")
            secure = secure and text not in self.insecure
            if status == "TIMEOUT":
                return None
            if status:
                reply.set_rcode(dns.rcode.from_text(status))
                return reply.to_wire()
            values = self.zone.get((text, kind))
            if (text, kind) in self.next:
                self.zone[(text, kind)] = self.next[(text, kind)]
            alias = self.zone.get((text, "CNAME"))
            if values is None and alias:
                reply.answer.append(_rrset(name, "CNAME", alias))
                name = dns.name.from_text(alias[0])
                continue
            if values:
                reply.answer.append(_rrset(name, kind, values))
            elif not any(n == text or n.endswith(f".{text}") for n, _ in self.zone):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            break
        if secure:
            reply.flags |= dns.flags.AD
        if text in self.big and not tcp:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
        return reply.to_wire(max_size=65_535)

    async def _dns_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            size = int.from_bytes(await reader.readexactly(2), "big")
            reply = self.answer(await reader.readexactly(size), tcp=True)
            if reply:
                writer.write(len(reply).to_bytes(2, "big") + reply)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _sni(self, obj: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        web = self.webs.get(name or "")
        if web and web.unknown:
            return ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if web and web.certificate:
            if web.context is None:
                web.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                web.certificate.configure_cert(web.context)
            obj.context = web.context
            if web.then:
                web.certificate, web.then, web.context = web.then, None, None
        return None

    async def _https(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.lower().split("\r\n")
            host = next(line[6:] for line in lines if line.startswith("host: "))
            web = self.webs.get(host.partition(":")[0], Web(status="421 Misdirected Request"))
            web.requests += 1
            if web.silent:
                await asyncio.sleep(60)
            if web.hangs_up:
                writer.transport.abort()
                return
            writer.write(web.early)
            while web.endless == "early" and not writer.transport.is_closing():
                writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 40)
                await writer.drain()
                await asyncio.sleep(0)
                web.taken += 1040
            if web.endless:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
                if web.endless == "body":
                    writer.write(b"\r\n")
                while not writer.transport.is_closing():
                    writer.write(b"x: " + b"y" * 997 + b"\r\n")
                    await writer.drain()
                    await asyncio.sleep(0)
                    web.taken += 1002
            body = web.body.encode() if isinstance(web.body, str) else web.body
            headers = dict(web.headers)
            if web.chunked:
                headers["Transfer-Encoding"] = "chunked"
                body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            elif not web.drip and not web.cut and web.holds != "none":
                headers["Content-Length"] = str(len(body))
            out = f"HTTP/1.1 {web.status}\r\nConnection: close\r\n"
            out += "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
            writer.write(out.encode())
            if web.drip:
                for byte in body:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(web.drip)
            else:
                writer.write(body)
            await writer.drain()
            if web.holds:
                await asyncio.sleep(60)
            if web.cut:
                await asyncio.sleep(0.1)
                writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError, StopIteration):
            pass
        finally:
            writer.close()

    async def _smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.open_most = max(self.open_most, self.open)
        try:
            mail = self.mails.get(writer.get_extra_info("sockname")[0])
            if mail is None:
                return
            if self.delay:
                await asyncio.sleep(self.delay)
            mail.arrived += 1
            if mail.reset_at == "CONNECT" or 0 < mail.resets_after < mail.arrived:
                _reset(writer)
                return
            while mail.endless and not writer.transport.is_closing():
                writer.write(mail.endless)
                await writer.drain()
                await asyncio.sleep(0)
                mail.taken += len(mail.endless)
            if mail.connections:
                mail.connections -= 1
                if not mail.connections:
                    mail.greeting = b"421 too many connections\r\n"
            if mail.real:
                await self._aiosmtpd(mail, reader, writer)
            else:
                await _script(mail, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _aiosmtpd(
        self, mail: Mail, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Hand the connection over to aiosmtpd."""
        transport = writer.transport
        server = SMTP(None, tls_context=context(mail), loop=self.loop, hostname="mx.example")
        transport.set_protocol(server)
        server.connection_made(transport)
        while not transport.is_closing():  # noqa: ASYNC110  # aiosmtpd tells nobody
            await asyncio.sleep(0.01)


def context(mail: Mail) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_ciphers(mail.ciphers or "ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version, made.maximum_version = mail.minimum, mail.maximum
    assert mail.certificate is not None
    mail.certificate.configure_cert(made)
    return made


async def _script(mail: Mail, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(mail.greeting_delay)
    for byte in mail.greeting if mail.drip else b"":
        writer.write(bytes([byte]))
        await asyncio.sleep(mail.drip)
    writer.write(b"" if mail.drip else mail.greeting)
    while line := await reader.readline():
        said = line.decode("ascii", "replace").strip()
        mail.seen.append(said)
        verb = said.partition(" ")[0].upper()
        if verb == mail.reset_at:
            _reset(writer)
            return
        if verb == "EHLO":
            writer.write(mail.ehlo)
        elif verb == "STARTTLS":
            writer.write(mail.starttls)
            await writer.drain()
            if not mail.starttls.startswith(b"220"):
                continue
            if mail.drop_at_tls:
                return
            if mail.silent_tls:
                await asyncio.sleep(60)
            await writer.start_tls(context(mail))
        elif verb == "QUIT" and not mail.holds:
            writer.write(b"221 bye\r\n")
            return
    if mail.holds:
        await asyncio.sleep(60)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Hang up by RST, as a firewall does."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        reply = self.lab.answer(data, tcp=False)
        if reply:
            self.lab.loop.call_later(self.lab.delay, self.transport.sendto, reply, address)


def _plain(name: dns.name.Name) -> str:
    return str(name).lower().removesuffix(".") or "."


def _rrset(name: dns.name.Name, kind: str, values: list[str]) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(name, 60, "IN", kind, values)
