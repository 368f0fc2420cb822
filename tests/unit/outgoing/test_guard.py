"""Where the server may be made to connect, and where not."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.asynchronous import asynchronous
from undercroft.outgoing.contract import TargetError, TargetRefused
from undercroft.outgoing.guard import Guard, is_public

PUBLIC = ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"]
PUBLIC += ["::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
PRIVATE = {
    "this host": ["0.0.0.0", "0.1.2.3", "::"],
    "loopback": ["127.0.0.1", "127.255.255.255", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12::1"],
    "shared": ["100.64.0.1", "100.127.255.255"],
    "link-local": ["169.254.1.1", "fe80::1"],
    "metadata": ["169.254.169.254", "fd00:ec2::254", "168.63.129.16", "100.100.100.200", "192.0.0.192"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": [
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "192.88.99.1",
    ],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"],
    "compatible": ["::127.0.0.1", "::10.0.0.1"],
    "NAT64": ["64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "documentation": ["2001:db8::1", "3fff::1"],
    "site-local": ["fec0::1"],
    "discard": ["100::1"],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_passes(address):
    assert Guard().passes(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", [address for addresses in PRIVATE.values() for address in addresses])
def test_an_address_that_is_not_of_the_internet_is_refused(address):
    assert not Guard().passes(ipaddress.ip_address(address))


@given(st.ip_addresses())
def test_no_address_that_python_calls_private_is_public(address):
    if is_public(address):
        assert not address.is_loopback
        assert not address.is_multicast
        mapped = getattr(address, "ipv4_mapped", None)
        assert mapped is not None or not address.is_private or address in ipaddress.ip_network("64:ff9b::/96")


@pytest.mark.parametrize(
    ("allowed", "address", "passes"),
    [
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.0/8", "::ffff:127.0.0.1", True),
        ("127.0.0.0/8", "::1", False),
        ("127.0.0.0/8", "10.0.0.1", False),
        ("10.1.0.0/16", "10.1.255.255", True),
        ("10.1.0.0/16", "10.2.0.0", False),
        ("fd00::/8", "fd12::1", True),
        ("::1/128", "::1", True),
    ],
)
def test_the_operator_may_allow_networks_and_nothing_beside_them(allowed, address, passes):
    assert Guard([allowed]).passes(ipaddress.ip_address(address)) is passes


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "127.1", "127.0.1", "0", "::1"],
)
@asynchronous
async def test_this_machine_is_refused_however_it_is_written(host):
    with pytest.raises(TargetRefused) as refused:
        await Guard().addresses(host, 443)
    if host == "localhost":
        assert "127." not in str(refused.value)  # Nobody learns how names of our network resolve.


@asynchronous
async def test_a_host_that_is_not_known_is_an_error_of_the_target():
    for host in ("no-such-host.invalid", "a" * 300, "a..b"):
        with pytest.raises(TargetError):
            await Guard().addresses(host, 443)


def resolving(*addresses: str):
    """What the system's resolver says of a host that has these addresses."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]


@asynchronous
async def test_of_several_addresses_only_those_that_pass_are_connected_to(monkeypatch):
    found = resolving("10.0.0.1", "8.8.8.8", "127.0.0.1", "1.1.1.1")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert await Guard().addresses("mixed.example.com", 443) == ["8.8.8.8", "1.1.1.1"]


@asynchronous
async def test_names_that_nobody_answers_for_hold_up_no_other(monkeypatch):
    answered = threading.Event()

    def resolve(host, *_, **__):
        if host == "silent.example.com":
            answered.wait()
        return resolving("8.8.8.8")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    guard = Guard()
    silent = [asyncio.ensure_future(guard.addresses("silent.example.com", 443)) for _ in range(32)]
    try:
        async with asyncio.timeout(10):
            assert await guard.addresses("quick.example.com", 443) == ["8.8.8.8"]
        assert not any(one.done() for one in silent)
    finally:
        answered.set()
    assert await asyncio.gather(*silent) == [["8.8.8.8"]] * 32
