"""One request and its answer on a connection: the side of `protocol.py` that faces the application.

An application of ours takes the exchange as it is (`Adapter.serve`); any other is served by ASGI.

The head of an answer waits for the first bytes of its body, so a small answer leaves in one write. The body of a request
is handed over in the pieces in which it came, without copying.
"""

from __future__ import annotations

import asyncio
import http
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

import structlog

from undercroft import limits
from undercroft.http.errors import BodyStalled
from undercroft.http.response import Headers

if TYPE_CHECKING:
    from undercroft.http.protocol import HTTPProtocol

Message = MutableMapping[str, Any]
Serve = Callable[["Exchange"], Awaitable[None]]  # An application: it answers the exchange.
ANSWER = "undercroft.answer"  # The extension of ASGI that `Exchange.answer` is.

_STATUS_LINE = {status.value: f"HTTP/1.1 {status.value} {status.phrase}".encode() for status in http.HTTPStatus}
_FIELD = b": ".join
_LINE_END = b"\r\n"
_HEAD_END = b"\r\n\r\n"
_CONTROLS = bytes(range(0x09)) + bytes(range(0x0A, 0x20)) + b"\x7f"
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"  # Names are in lower case: see `Response`.
_ASGI = {"version": "3.0", "spec_version": "2.4"}
_BODILESS = frozenset({204, 304})
_READS = frozenset({"GET", "HEAD"})

_log = structlog.get_logger(__name__)


class ClientGone(OSError):
    """The client closed the connection, or was cut off for reading nothing; nobody is left to answer."""


class BadAnswer(Exception):
    """The application's answer cannot be sent on: its body differs from the length that its head promised."""


class BadHead(BadAnswer):
    """The head of an answer would break the framing. Nothing has been sent, so another answer can be."""


@lru_cache(maxsize=limits.HEADER_NAMES_CACHED)
def _are_tokens(names: tuple[bytes, ...]) -> bool:
    """Whether headers may have these names. Most answers have those of another one."""
    return not b"".join(names).translate(None, _TOKEN)


async def within(timeout_s: float, waiter: asyncio.Future[bool]) -> bool:
    """Wait until the waiter is set to true. False when that takes longer.

    A timer is all that this needs; `asyncio.timeout` costs several times as much, and every piece of a body waits so.
    """
    timer = waiter.get_loop().call_later(timeout_s, _expire, waiter)
    try:
        return await waiter
    finally:
        timer.cancel()


def _expire(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)


class Exchange:
    """The receive and send of one request. `keep_alive` tells whether the connection outlives the answer.

    `more_body` is true while bytes of the request are still to come; `expects_continue` while the client waits for
    leave to send them.
    """

    __slots__ = (
        "_buffered", "_chunks", "_delivered_end", "_ends_by", "_head", "_head_only", "_left_to_receive", "_left_to_send", "_protocol",
        "_version", "_waiter", "disconnected", "expects_continue", "headers", "keep_alive", "method", "more_body", "raw_path",
        "raw_query", "response_complete", "response_started",
    )  # fmt: skip

    def __init__(
        self,
        protocol: HTTPProtocol,
        method: str,
        raw_path: bytes,
        raw_query: bytes,
        headers: list[tuple[bytes, bytes]],
        *,
        version: str,
        keep_alive: bool,
        expects_continue: bool,
        content_length: int | None,
    ) -> None:
        self._protocol = protocol
        self.method = method
        self.raw_path = raw_path
        self.raw_query = raw_query
        self.headers = headers
        self._version = version
        self.keep_alive = keep_alive
        self.expects_continue = expects_continue
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False
        self._head: bytes | None = None
        self._head_only = method == "HEAD"
        self._ends_by: Literal["length", "chunk", "close"] = "length"  # What tells where the answer ends.
        self._left_to_send = 0  # Bytes of the answer's body that its Content-Length still promises.
        self._left_to_receive = content_length  # None: the request's body is chunked.
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._delivered_end = False
        self._waiter: asyncio.Future[bool] | None = None

    # -- What the connection tells ------------------------------------------------------------------------------------
    def body_arrived(self, chunk: bytes) -> bool:
        """Keep a piece of the request's body. True when enough is waiting that reading should pause."""
        self.expects_continue = False
        self._chunks.append(chunk)
        self._buffered += len(chunk)
        if self._left_to_receive is not None:
            self._left_to_receive -= len(chunk)
        self._wake()
        return self._buffered >= limits.RECEIVE_BUFFER_BYTES

    def body_ended(self) -> None:
        """The request's body is complete."""
        self.more_body = False
        self._wake()

    def connection_lost(self) -> None:
        """The client is gone."""
        self.disconnected = True
        self._wake()

    @property
    def is_read(self) -> bool:
        """Whether the request changes nothing."""
        return self.method in _READS

    @property
    def scheme(self) -> str:
        """How the request came."""
        return self._protocol.scheme

    @property
    def client(self) -> tuple[str, int] | None:
        """The address of whoever sent it, as far as the connection tells."""
        return self._protocol.client

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(True)

    # -- The application ----------------------------------------------------------------------------------------------
    async def run(self, serve: Serve) -> None:
        """Run the application to its end; whatever it leaves undone cuts the connection."""
        try:
            await serve(self)
        except ClientGone:
            pass  # Nobody is left to be told; the connection is cut below.
        except Exception:  # noqa: BLE001 - the outermost handler; what the application did not foresee cuts the connection.
            _log.exception("request_failed", method=self.method)
        finally:
            if not self.response_complete and not self.disconnected:
                self._protocol.abort()

    async def serve_asgi(self, app: Any) -> None:
        """Have an ASGI application answer."""
        path = self.raw_path.decode("ascii")
        scope: Message = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": self._version,
            "method": self.method,
            "scheme": self.scheme,
            "path": unquote(path) if "%" in path else path,
            "raw_path": self.raw_path,
            "query_string": self.raw_query,
            "root_path": "",
            "headers": self.headers,
            "client": self.client,
            "server": self._protocol.server,
            "state": self._protocol.app_state,
            "extensions": {ANSWER: self.answer},
        }
        try:
            await app(scope, self.receive, self.send)
        finally:
            del scope["extensions"]  # It refers to this exchange; without the circle, no collector has work.

    async def receive(self) -> Message:
        """The next piece of the request's body, or word that the client has gone or has been answered.

        Raises `BodyStalled` when nothing arrives for `BODY_STALL_TIMEOUT_S`.
        """
        if self.expects_continue and not self.disconnected:
            self.expects_continue = False
            self._protocol.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self._chunks and not self.disconnected and not self.response_complete:
            if not self.more_body and not self._delivered_end:
                break
            self._protocol.resume_reading()
            self._waiter = self._protocol.loop.create_future()
            try:
                if not await within(limits.BODY_STALL_TIMEOUT_S, self._waiter):
                    raise BodyStalled("The request body stopped arriving.")
            finally:
                self._waiter = None
        if self._chunks and not (self.disconnected and self.more_body):
            chunk = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
            self._chunks.clear()
            self._buffered = 0
            if self.more_body:
                self._protocol.resume_reading()
            else:
                self._delivered_end = True
            return {"type": "http.request", "body": chunk, "more_body": self.more_body}
        if self.more_body or self._delivered_end:
            return {"type": "http.disconnect"}
        self._delivered_end = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        """Send the head or a piece of the body. Raises `ClientGone`, and `BadAnswer` before anything wrong leaves."""
        if self.disconnected:
            raise ClientGone("The client closed the connection.")
        if not self.response_started:
            assert message["type"] == "http.response.start", message["type"]
            self._head = self._make_head(message["status"], message["headers"], None)
            self.response_started = True
            return
        assert message["type"] == "http.response.body", message["type"]
        self._send_body(message.get("body", b""), more=message.get("more_body", False))
        if not self.response_complete and self._protocol.write_paused:
            await self._protocol.drained()

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer in one step; it gets a Content-Length where it has none. Raises what `send` raises.

        Under ASGI this is an extension, since most answers are small and a pair of awaited messages costs as much as the
        rest of the way.
        """
        if self.disconnected:
            raise ClientGone("The client closed the connection.")
        assert not self.response_started, "The answer was begun already."
        head = self._make_head(status, headers, len(body))
        self.response_started = True
        if self._head_only or status in _BODILESS:
            body = b""
        elif len(body) != self._left_to_send:
            raise BadAnswer("The answer's body differs from its Content-Length.")
        self._protocol.transport.write(head + body)
        self._complete()

    def _send_body(self, body: bytes | bytearray, *, more: bool) -> None:
        assert not self.response_complete, "The answer was complete already."
        if self._head_only:
            body = b""
        elif self._ends_by == "chunk":
            body = (b"".join((b"%x\r\n" % len(body), body, b"\r\n")) if body else b"") + (b"" if more else b"0\r\n\r\n")
        elif self._ends_by == "length":
            self._left_to_send -= len(body)
            if self._left_to_send < 0 or (self._left_to_send and not more):
                raise BadAnswer("The answer's body differs from its Content-Length.")
        if self._head is None:
            if body:
                self._protocol.transport.write(body)
        else:
            self._protocol.transport.write(self._head + body)
            self._head = None
        if not more:
            self._complete()

    def _complete(self) -> None:
        self.response_complete = True
        self._chunks.clear()
        if self._waiter is not None:
            self._wake()
        self._protocol.response_complete(self)

    def _make_head(self, status: int, headers: Headers, body_bytes: int | None) -> bytes:
        """The status line and headers.

        Raises `BadHead` for a header that would split the answer, and where neither a length nor `transfer-encoding: chunked` is.
        """
        fields = [*self._protocol.server_state.default_headers, *headers]
        values = dict(fields)  # The two that matter here are our own, in lower case, and never repeated.
        lines = [_STATUS_LINE.get(status) or b"HTTP/1.1 %d " % status, *map(_FIELD, fields)]
        if status in _BODILESS:
            length = 0
        elif b"content-length" in values:
            length = int(values[b"content-length"])
        elif body_bytes is not None:
            length = body_bytes
            lines.append(b"content-length: %d" % length)
        elif self._head_only:
            length = 0
        elif values.get(b"transfer-encoding") == b"chunked":
            length = 0
            self._begin_chunks(lines)
        else:
            raise BadHead("The answer has no Content-Length.")
        self._left_to_send = length
        says_close = b"connection" in values and b"close" in values[b"connection"]
        if says_close or ((self.more_body or self.expects_continue) and self._must_close()):
            self.keep_alive = False
        if not self.keep_alive and not says_close:
            lines.append(b"connection: close")
        elif self.keep_alive and self._version == "1.0":
            lines.append(b"connection: keep-alive")
        head = _LINE_END.join(lines)
        controls = len(head) - len(head.translate(None, _CONTROLS))
        if controls != 2 * (len(lines) - 1) or not _are_tokens(tuple(values)):
            raise BadHead("The answer has a header with a character that headers cannot have.")
        return head + _HEAD_END

    def _begin_chunks(self, lines: list[bytes]) -> None:
        """Let the answer end with its last chunk, or, for a client of HTTP/1.0, with the connection (RFC 9112, 6.3)."""
        if self._version == "1.0":
            lines.remove(b"transfer-encoding: chunked")
            self.keep_alive = False
            self._ends_by = "close"
        else:
            self._ends_by = "chunk"

    def _must_close(self) -> bool:
        """Whether what is left of the request's body is more than is worth reading for the sake of the connection.

        A client that still waits for leave to send its body may or may not send it after the answer, so what follows on
        the connection could be taken for the body: such a connection ends too (RFC 9110, 10.1.1).
        """
        if self.expects_continue:
            return True
        return self.more_body and (self._left_to_receive or 0) > limits.DRAIN_MAX_BYTES
