"""HEAD and DELETE, whose answers have no body: wrk waits for the bytes that the answer to a HEAD only announces.

Signed requests are written to as many connections as there are clients, each the next one as soon as its answer is there. Every
status is looked at, and every request is sent exactly once.
"""

from __future__ import annotations

import select
import socket
import statistics
import time
from collections.abc import Iterator
from typing import Any

from targets import Invalid, Target

END_OF_HEAD = b"\r\n\r\n"
ANSWER_MAX_BYTES = 65_536
ANSWER_TIMEOUT_S = 30


class _Client:
    """One connection with one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._received = b""

    def send(self, request: bytes) -> None:
        """Begins with the next request."""
        self._received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def has_answer(self, status: bytes) -> bool:
        """Reads what is there. True when the whole head is, with the status that it must have."""
        piece = self.socket.recv(ANSWER_MAX_BYTES)
        self._received += piece
        if self._received.endswith(END_OF_HEAD):
            if self._received[9:12] != status:
                raise Invalid(f"answered {self._received.partition(END_OF_HEAD)[0][:100].decode(errors='replace')}")
            return True
        if not piece or len(self._received) > ANSWER_MAX_BYTES or END_OF_HEAD in self._received:
            raise Invalid(f"{len(self._received)} bytes instead of the head of an answer")
        return False


def ask_all(
    target: Target, method: str, signed: Iterator[str], *, clients: int, status: int, seconds: float
) -> dict[str, Any]:
    """Asks until the paths or the seconds are over, and gives back what `small.wrk` does.

    Raises `Invalid` at the first answer that is not what it must be.
    """
    form = f"{method} %s HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n\r\n"
    expected = str(status).encode()
    poll, under_way, latencies = select.epoll(), {}, []
    before, began = target.cpu_s(), time.perf_counter()
    try:
        for _ in range(clients):
            client = _Client(target.port)
            under_way[client.socket.fileno()] = client
            poll.register(client.socket, select.EPOLLIN)
            client.send((form % next(signed)).encode())
        while under_way:
            ready = poll.poll(ANSWER_TIMEOUT_S)
            if not ready:
                raise Invalid(f"no answer within {ANSWER_TIMEOUT_S} s")
            for number, _ in ready:
                client = under_way[number]
                if not client.has_answer(expected):
                    continue
                now = time.perf_counter()
                latencies.append(now - client.sent_at)
                path = next(signed, None) if now - began < seconds else None
                if path is not None:
                    client.send((form % path).encode())
                else:
                    del under_way[number]
                    client.socket.close()
        duration = time.perf_counter() - began
    finally:
        for client in under_way.values():
            client.socket.close()
        poll.close()
    return {
        "requests": len(latencies),
        "duration_us": duration * 1e6,
        "p50_us": statistics.median(latencies) * 1e6,
        "p99_us": sorted(latencies)[len(latencies) * 99 // 100] * 1e6,
        "cpu_s": target.cpu_s() - before,
    }
