"""Everything about a check that a site may want otherwise, in one value."""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import Field, dataclass, fields
from typing import Any

from mtasts_analysis import arguments
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
        for field in fields(self):
            object.__setattr__(self, field.name, _told(field, getattr(self, field.name)))
        for address in self.resolvers:
            _checked("resolvers", address, ipaddress.ip_address)
        for network in self.allow_networks:
            _checked("allow_networks", network, ipaddress.ip_network)
        helo = self.helo
        if not (helo.isascii() and helo.isprintable() and " " not in helo):
            raise InputError(f"ehlo_name: expected a host name in ASCII; got {helo!r}")

    @property
    def helo(self) -> str:
        """The name for EHLO."""
        # Not getfqdn(): it asks DNS, and may wait for it long.
        return self.ehlo_name or socket.gethostname() or "localhost"


_SUCH_AS = {
    "resolvers": 'addresses in a tuple, such as ("9.9.9.9",)',
    "allow_networks": 'networks in a tuple, such as ("10.0.0.0/8",)',
    "canary": 'hosts in a tuple, such as ("mx1.smtp.goog",)',
}
_SECONDS = 0.001, 86_400
"""Of a time-out: an endless one would hold up a run for ever."""


def _told(field: "Field[Any]", given: Any) -> Any:
    """Give a field's value, of the type that its default is of."""
    name, default = field.name, field.default
    if isinstance(default, tuple):
        return arguments.several(name, given, str, _SUCH_AS[name])
    if isinstance(default, bool):
        arguments.instance(name, given, bool, "True or False")
    elif isinstance(default, float):
        return arguments.number(name, given, *_SECONDS, whole=False)
    elif isinstance(default, int):
        least = 0 if name == "expiry_days" else 1
        return arguments.number(name, given, least, 65_535 if "port" in name else None)
    elif name == "ca_file" and given is not None:
        return str(arguments.path(name, given, "a PEM file of trusted CAs"))
    elif given is not None or default is not None:
        arguments.instance(name, given, str, "a name as text")
        if not given:
            raise arguments.wrong(name, "a name, not an empty text", given)
    return given


def _checked(field: str, value: str, kind: Callable[[str], object]) -> None:
    try:
        kind(value)
    except ValueError as error:
        raise InputError(f"{field}: expected IP addresses or networks; {error}") from error


DEFAULT = CheckConfig()
