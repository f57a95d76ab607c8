"""What may be connected to: `ipaddress.is_global` alone lets a stranger's DNS reach the inside."""

import pytest

from mtasts_analysis.checks.addresses import refusal

REFUSED = [
    ("127.0.0.1", "loopback"),
    ("10.0.0.1", "private"),
    ("172.16.0.1", "private"),
    ("192.168.1.1", "private"),
    ("169.254.169.254", "link-local: a cloud's metadata"),
    ("100.64.0.1", "neither private nor global to ipaddress"),
    ("0.0.0.0", "this host"),
    ("224.0.0.1", "multicast, global to ipaddress"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("192.0.2.1", "documentation"),
    ("198.18.0.1", "benchmarks"),
    ("192.88.99.1", "6to4 relay"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "with a zone"),
    ("fc00::1", "unique local"),
    ("fec0::1", "site-local, global to ipaddress"),
    ("ff02::1", "multicast"),
    ("2001:db8::1", "documentation"),
    ("3fff::1", "documentation since RFC 9637, global to ipaddress"),
    ("2001::1", "Teredo"),
    ("::ffff:127.0.0.1", "IPv4-mapped"),
    ("::127.0.0.1", "IPv4-compatible, global to ipaddress"),
    ("64:ff9b::7f00:1", "NAT64 of loopback, global to ipaddress"),
    ("64:ff9b::a00:1", "NAT64 of 10.0.0.1"),
    ("64:ff9b:1::1", "local NAT64"),
    ("2002:7f00:1::", "6to4 of loopback, global to ipaddress"),
    ("2002:a9fe:a9fe::", "6to4 of a cloud's metadata"),
    ("5f00::1", "segment routing"),
    ("mail.example", "no address"),
    ("", "nothing"),
]


@pytest.mark.parametrize(("address", "why"), REFUSED)
def test_refused(address, why):
    assert refusal(address), why


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_public(address):
    assert refusal(address) == ""


def test_allowed():
    assert refusal("10.1.2.3", ["10.0.0.0/8"]) == ""
    assert refusal("64:ff9b::a01:203", ["10.0.0.0/8"]) == ""
    assert refusal("10.1.2.3", ["10.0.0.0/16"])
    assert refusal("::1", ["127.0.0.0/8"])
