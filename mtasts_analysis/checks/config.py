"""Everything about a check that a site may want otherwise, in one value."""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass

from mtasts_analysis.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckConfig:
    """How live checks ask: resolver, trust, ports, time-outs, bounds.

    Raises
    ------
    InputError
        A value cannot serve.

    Examples
    --------
    >>> from mtasts_analysis import CheckConfig
    >>> CheckConfig(resolvers=("9.9.9.9",), smtp=False).dns_timeout
    5.0
    """

    resolvers: tuple[str, ...] = ()
    """Addresses of recursive resolvers; by default the system's. DANE needs one that validates DNSSEC."""
    resolver_port: int = 53
    ca_file: str | None = None
    """A PEM file of trusted CAs; by default the system's."""
    https_port: int = 443
    smtp_port: int = 25
    """Where MX hosts listen. TLSA records are looked up for port 25 whatever this is."""
    smtp: bool = True
    """Connect to the MX hosts; without it they are `not tested`."""
    tls_versions: bool = True
    """Ask each MX address for TLS 1.0 to 1.3, one connection each."""
    ehlo_name: str | None = None
    """What EHLO says; by default this host's name."""
    dns_timeout: float = 5.0
    """Seconds for a DNS answer, retries included."""
    connect_timeout: float = 10.0
    """Seconds for a TCP connection."""
    https_timeout: float = 60.0
    """Seconds for the whole policy fetch, whatever the host's addresses: RFC 8461 §3.3 suggests one minute."""
    smtp_timeout: float = 30.0
    """Seconds for one SMTP reply; some servers hold their greeting back for 20."""
    smtp_deadline: float = 60.0
    """Seconds for a whole SMTP session."""
    smtp_reply_bytes: int = 65_536
    """Bytes of one SMTP reply, however many lines it has."""
    domains_at_once: int = 50
    """Domains in flight."""
    sockets: int = 100
    """Sockets open at any moment, DNS included."""
    mx_most: int = 20
    """MX hosts of a domain that are looked at, the preferred first."""
    addresses_most: int = 8
    """Addresses of a host that are looked at."""
    expiry_days: int = 30
    """A certificate with fewer days left is a warning: the guide's threshold."""
    canary: tuple[str, ...] = ("gmail-smtp-in.l.google.com", "mx1.smtp.goog")
    """Hosts that surely answer on port 25: if none does, the port is blocked here. Empty: never asked."""
    dnssec_probe: str = "."
    """A signed name: if its SOA comes without the AD bit, the resolver does not validate."""
    allow_networks: tuple[str, ...] = ()
    """Networks that are no part of the public Internet and may be connected to all the same, as 10.0.0.0/8."""

    def __post_init__(self) -> None:
        for address in self.resolvers:
            _checked("resolvers", address, ipaddress.ip_address)
        for network in self.allow_networks:
            _checked("allow_networks", network, ipaddress.ip_network)
        for name in ("resolver_port", "https_port", "smtp_port"):
            if not 0 < getattr(self, name) < 65_536:
                raise InputError(
                    f"{name}: expected a port, 1 to 65535; got {getattr(self, name)!r}"
                )
        if self.expiry_days < 0:
            raise InputError(f"expiry_days: expected 0 or more; got {self.expiry_days!r}")
        for name in _ABOVE_ZERO:
            if getattr(self, name) <= 0:
                raise InputError(f"{name}: expected more than 0; got {getattr(self, name)!r}")
        helo = self.helo
        if not (helo.isascii() and helo.isprintable() and " " not in helo):
            raise InputError(f"ehlo_name: expected a host name in ASCII; got {helo!r}")

    @property
    def helo(self) -> str:
        """The name for EHLO."""
        # Not getfqdn(): it asks DNS, and may wait for it long.
        return self.ehlo_name or socket.gethostname() or "localhost"


_ABOVE_ZERO = (
    "dns_timeout",
    "connect_timeout",
    "https_timeout",
    "smtp_timeout",
    "smtp_deadline",
    "smtp_reply_bytes",
    "domains_at_once",
    "sockets",
    "mx_most",
    "addresses_most",
)


def _checked(field: str, value: str, kind: Callable[[str], object]) -> None:
    try:
        kind(value)
    except ValueError as error:
        raise InputError(f"{field}: expected IP addresses or networks; {error}") from error


DEFAULT = CheckConfig()
