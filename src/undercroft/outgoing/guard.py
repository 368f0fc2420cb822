"""Which addresses the server may connect to on behalf of users, against server-side request forgery (design, section 9).

A name is resolved once, each of its addresses is classified, and the caller connects to one of those that passed: there is no
second look-up in which the name could mean something else. Addresses that are written in other ways (decimal, octal, with
fewer dots) are what the resolver makes of them, so they need no rule of their own.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from undercroft import limits
from undercroft.outgoing.contract import TargetError, TargetRefused
from undercroft.threads import Threads

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The IANA's special-purpose registry of 2025, in full, so that no version of Python decides what is private.
_REFUSED_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/4", "240.0.0.0/4",
            "168.63.129.16/32",  # Azure's own services for its machines, at an address that looks like any other.
        ),
    )
)  # fmt: skip
# Of IPv6, only global unicast is public, less what of it is not what it seems: Teredo and its like, 6to4, documentation.
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether anybody may ask us to connect there: an address of the Internet, and no way back into a private network."""
    plain = _without_wrapping(address)
    if isinstance(plain, ipaddress.IPv4Address):
        return not any(plain in network for network in _REFUSED_V4)
    return plain in _PUBLIC_V6 and not any(plain in network for network in _REFUSED_V6)


def _without_wrapping(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, mapped or through NAT64; else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


class Guard:
    """Lets public addresses pass, and those that the operator allows besides."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        """`allowed` are networks in CIDR notation."""
        self._allowed = tuple(map(ipaddress.ip_network, allowed))
        # Not those of the event loop, which are few: a name server that does not answer keeps them for half a minute.
        self._threads = Threads(limits.TARGET_LOOKUPS_AT_ONCE, "look-up")

    def passes(self, address: Address) -> bool:
        """Whether a connection to this address may be made."""
        forms = (address, _without_wrapping(address))
        return is_public(address) or any(form in network for network in self._allowed for form in forms)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be connected to, in the resolver's order; at least one.

        Raises `TargetError` for a host that has none, and `TargetRefused` where none of them passes.
        """
        try:
            found = await self._threads.run(_look_up, host, port)
        except (OSError, UnicodeError):
            raise TargetError(f"The host {host} is not known") from None
        passed = [one for one in found if self.passes(ipaddress.ip_address(one.partition("%")[0]))]
        if not passed:
            raise TargetRefused(f"The address of {host} is not allowed as a target")
        return passed


def _look_up(host: str, port: int) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
