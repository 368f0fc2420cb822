"""The listening sockets: bound once by the supervisor, shared by the processes that accept on them."""

from __future__ import annotations

import errno
import socket

from undercroft import limits
from undercroft.serve.exits import StartError
from undercroft.settings import Address


def listen(address: Address, flag: str) -> list[socket.socket]:
    """Sockets that listen on every address that the host stands for. Raises `StartError` where none can.

    A port of 0 is chosen by the system, the same for all. `flag` names the option in messages.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise StartError(f"{flag}: {address.host} has no address: {error}") from None
    sockets: list[socket.socket] = []
    refused: OSError | None = None
    port = address.port
    for family, _, _, _, target in dict.fromkeys(found[: limits.LISTENERS_MAX]):
        try:
            listener = _listen(family, (target[0], port))
        except OSError as error:
            # A name may stand for an address that this machine does not have, such as ::1 without IPv6.
            refused = error
            if error.errno == errno.EADDRINUSE:
                break
            continue
        port = listener.getsockname()[1]
        sockets.append(listener)
    if refused is not None and (not sockets or refused.errno == errno.EADDRINUSE):
        for listener in sockets:
            listener.close()
        raise StartError(f"{flag}: cannot listen on {address}: {_reason(refused)}") from None
    return sockets


def _listen(family: socket.AddressFamily, target: tuple[object, int]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Connections of a server that stopped a moment ago must not keep the next one from starting.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Accepted sockets inherit it: an answer's last small piece does not wait for the acknowledgement of the one before.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(target)
        listener.listen(limits.LISTEN_BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program listens there already"
    if error.errno == errno.EACCES:
        return "ports below 1024 need a privilege"
    return error.strerror or str(error)
