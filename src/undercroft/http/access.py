"""What an access log wants to know of a request and its answer, whatever the protocol; asked only where a bucket logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from undercroft.http.origin import client_of
from undercroft.http.request import Request
from undercroft.http.response import Response

if TYPE_CHECKING:
    from undercroft.settings import Settings


class Seen(NamedTuple):
    """The request as it came, unescaped."""

    method: str
    target: bytes
    address: str
    host: bytes
    referrer: bytes
    agent: bytes


def seen(request: Request, settings: Settings) -> Seen:
    """The request as it came; the address is the client's own, past the proxies that the operator trusts."""
    headers = request.header_map
    target = request.raw_path + b"?" + request.raw_query if request.raw_query else request.raw_path
    return Seen(
        method=request.method,
        target=target,
        address=client_of(request, settings),
        host=headers.get(b"host", b""),
        referrer=headers.get(b"referer", b""),
        agent=headers.get(b"user-agent", b""),
    )


def size_served(response: Response) -> int | None:
    """The size in bytes of the whole of which an answer is the bytes or a range of them."""
    headers = dict(response.headers)
    ranged = headers.get(b"content-range")
    size = headers.get(b"content-length", b"") if ranged is None else ranged.rpartition(b"/")[2]
    return int(size) if size.isdigit() else None
