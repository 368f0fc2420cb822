"""Where a request came from and which address of ours it was sent to, as far as the headers can be believed.

The headers of proxies count only from proxies that the operator named; from anyone else they are a client's invention.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from undercroft.http.request import Request

if TYPE_CHECKING:
    from undercroft.settings import Address, Settings

_AUTHORITY = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?\Z")
_SCHEMES = frozenset({"http", "https"})
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def origin_of(request: Request, settings: Settings) -> str:
    """The scheme and authority of the URLs to hand out, without a slash at the end.

    The operator's `--public-url` decides where it is set; else the scheme and Host of the request, as a trusted proxy
    forwards them; else, where the request named no usable host, the address we listen on.
    """
    return settings.public_url or addressed_to(request, settings, settings.listen)


def addressed_to(request: Request, settings: Settings, listen: Address) -> str:
    """The origin that the request names itself, as a trusted proxy forwards it; `listen` where it names no usable host."""
    scheme, host = request.scheme, request.host
    if settings.trusted_proxy and settings.trusts(request.client):
        forwarded_scheme = _last(request, "x-forwarded-proto").lower()
        scheme = forwarded_scheme if forwarded_scheme in _SCHEMES else scheme
        forwarded_host = _last(request, "x-forwarded-host")
        host = forwarded_host if _is_authority(forwarded_host) else host
    if not _is_authority(host):
        host = str(listen)
    return f"{scheme}://{host}"


def console_origin_of(request: Request, settings: Settings) -> str:
    """The origin that pages of the console have for whoever reaches the API as this request does.

    The operator's `--console-url` decides where it is set; else the console is at the same host, at its own port.
    """
    if settings.console_url is not None:
        return at_port(settings.console_url, None)
    return at_port(origin_of(request, settings), settings.console_listen.port)


def at_port(origin: str, port: int | None) -> str:
    """The origin as a browser says it, at another port where one is given: in lower case, without the scheme's own port."""
    scheme, _, authority = origin.lower().partition("://")
    match = _AUTHORITY.match(authority)
    assert match is not None, "Origins come from `origin_of` or from the settings, which have looked."
    suffix = match[2] or "" if port is None else f":{port}"
    return f"{scheme}://{match[1]}" + ("" if suffix == _DEFAULT_PORTS[scheme] else suffix)


def client_of(request: Request, settings: Settings) -> str:
    """The client's address: the peer's, or the nearest that is no trusted proxy of those that one names."""
    client = request.client
    if not (settings.trusted_proxy and settings.trusts(client)):
        return client
    for hop in reversed((request.header("x-forwarded-for") or "").split(",")):
        address = hop.strip()
        try:
            ipaddress.ip_address(address)
        except ValueError:
            return client
        client = address
        if not settings.trusts(address):
            return client
    return client


def _is_authority(text: str) -> bool:
    """Whether this can stand in a URL: what looks like an IPv6 address has to be one, or nothing that reads the URL takes it."""
    match = _AUTHORITY.match(text)
    if match is None or not match[1].startswith("["):
        return match is not None
    try:
        ipaddress.IPv6Address(match[1][1:-1])
    except ValueError:
        return False
    return True


def is_forwarded(request: Request) -> bool:
    """Whether some proxy, trusted or not, says that it sent the request on."""
    headers = request.header_map
    return b"x-forwarded-for" in headers or b"forwarded" in headers


def _last(request: Request, name: str) -> str:
    """The last value of a list header: what the nearest proxy added. Earlier ones may be the client's."""
    return (request.header(name) or "").rpartition(",")[2].strip()
