"""Which addresses may be connected to: a stranger's domain must not make this a scanner of the inside."""

import ipaddress
from collections.abc import Sequence

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291 §2.5.5.1
_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291 §2.4, as IANA hands it out
_NEVER = tuple(
    ipaddress.ip_network(n)
    for n in (
        "100.64.0.0/10",  # RFC 6598: neither private nor global to `ipaddress`
        "192.88.99.0/24",  # RFC 7526: 6to4 relays
        "2001::/23",  # protocol assignments, Teredo among them
        "3fff::/20",  # RFC 9637: documentation
    )
)


def refusal(address: str, allowed: Sequence[str] = ()) -> str:
    """Say why an address is not connected to.

    `ipaddress.is_global` calls `64:ff9b::7f00:1`, `2002:7f00:1::`, `::127.0.0.1`, `fec0::1` and `224.0.0.1`
    global: so embedded IPv4 addresses are unwrapped, and the rest is refused by name.

    Parameters
    ----------
    address
        An IP address.
    allowed
        Networks that are allowed all the same.

    Returns
    -------
    str
        The reason; empty if it may be connected to.

    Examples
    --------
    >>> refusal("64:ff9b::7f00:1")
    '127.0.0.1, inside of 64:ff9b::7f00:1, is not a public address'
    >>> refusal("8.8.8.8"), refusal("10.1.2.3", ["10.0.0.0/8"])
    ('', '')
    """
    try:
        whole = ipaddress.ip_address(address)
    except ValueError:
        return f"{address!r} is no IP address"
    for inner in (whole, *_inside(whole)):
        if any(inner in ipaddress.ip_network(n) for n in allowed):
            return ""
    for inner in (*_inside(whole), whole):
        if not _public(inner):
            where = f", inside of {whole}," if inner != whole else ""
            return f"{inner}{where} is not a public address"
    return ""


def is_address(text: str) -> bool:
    """Tell whether a text reads as an IP address.

    Examples
    --------
    >>> is_address("192.0.2.1"), is_address("mx.example.com")
    (True, False)
    """
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _public(address: _Address) -> bool:
    if address in _NAT64:
        return True  # what it leads to is judged by itself
    if address.version == 6 and address not in _UNICAST:
        return False
    listed = any(address in n for n in _NEVER if n.version == address.version)
    return address.is_global and not (address.is_multicast or address.is_reserved or listed)


def _inside(address: _Address) -> list[_Address]:
    """Give the IPv4 addresses that an IPv6 address leads to."""
    if not isinstance(address, ipaddress.IPv6Address):
        return []
    found: list[_Address] = [a for a in (address.ipv4_mapped, address.sixtofour) if a]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found
