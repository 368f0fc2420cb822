"""The HTTP/1.1 connection: httptools' parser with limits, deadlines and errors in the client's dialect.

It takes the place of uvicorn's own protocol class, under uvicorn's server. That one takes 20 MB of headers, waits for ever
for a half-sent one, answers what it cannot parse in text/plain, cannot take a path of raw UTF-8, loses the body of a
request that offers an upgrade (Java's client offers h2c), reads without limit what follows an early answer, and lets a
client that reads nothing hold its connection for ever.

A connection is in one of four states, each with its deadline, which one slow timer a connection checks:

* head: a request has begun, or is the first to come; `HEADERS_TIMEOUT_S` to the end of its headers;
* busy: a request is being answered; reading and writing have stall limits of their own, in `Request` and `drained`;
* idle: answered, kept alive for `KEEP_ALIVE_S`;
* leaving: closed after what is left to write, or answered before the request's body was read and now discarding it.

The file is longer than most, since every one of its methods changes the same state.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from undercroft import limits
from undercroft.http import eager, head, refusal
from undercroft.http.adapter import Adapter
from undercroft.http.exchange import ClientGone, Exchange, Serve, within
from undercroft.http.head import Refused
from undercroft.http.refusal import Refusal

_NEVER = float("inf")
_LINE_EXTRA_BYTES = 64  # The method and the version around the target.
_HOARD_MAX_BYTES = limits.HEADERS_MAX_BYTES + limits.URL_MAX_BYTES + _LINE_EXTRA_BYTES
_FRAMING = head.FRAMING
_HEADER_COUNT_MAX = limits.HEADER_COUNT_MAX


def _serving(app: Any) -> Serve:
    """How the application answers an exchange: ours as it is, any other by ASGI."""
    return app.serve if isinstance(app, Adapter) else lambda exchange: exchange.serve_asgi(app)


class HTTPProtocol(asyncio.Protocol):
    """One connection, made by uvicorn's server."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.loop = _loop or asyncio.get_running_loop()
        self.server_state = server_state
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)  # Set by connection_made.
        self.write_paused = False
        self._serve = _serving(config.loaded_app)
        self.app_state = app_state
        self._parser = httptools.HttpRequestParser(self)
        self._read_paused = False
        self._drain_waiter: asyncio.Future[bool] | None = None
        self.server: tuple[str, int | None] | None = None
        self.client: tuple[str, int] | None = None
        self.scheme = "http"
        self._over_cap = False
        # The request whose bytes are arriving.
        self._between = True  # No byte of it has come, or only a part of its first line.
        self._line = b""  # That part.
        self._in_head = False
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._framing: list[tuple[bytes, bytes]] = []  # Those of the headers that `_FRAMING` names.
        self._head_bytes = 0
        self._silent_bytes = 0  # Fed to the parser since it last called back: what it may be hoarding.
        self._receiving: Exchange | None = None
        # The request being answered, and those that came after it.
        self._answering: Exchange | None = None
        self._due: Exchange | None = None  # To be started when what has arrived is read.
        self._queue: deque[Exchange] = deque()
        # The end of the connection.
        self._parting: bytes | None = None  # A refusal that waits for the answers before it.
        self._leaving = False
        self._discarding: Exchange | None = None
        self._discarded = 0
        self._idle = False
        self._deadline = _NEVER
        self._timer: asyncio.TimerHandle | None = None

    # -- The connection -----------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=limits.SEND_BUFFER_BYTES)
        connections = cast("set[HTTPProtocol]", self.server_state.connections)
        connections.add(self)
        if len(connections) > 2 * limits.CONNECTIONS_PER_WORKER:
            self.transport.abort()  # Not even a polite refusal can be afforded.
            return
        self._over_cap = len(connections) > limits.CONNECTIONS_PER_WORKER
        self.server = get_local_addr(self.transport)
        self.client = get_remote_addr(self.transport)
        self.scheme = "https" if self.transport.get_extra_info("sslcontext") else "http"
        self._deadline = self.loop.time() + limits.HEADERS_TIMEOUT_S
        self._check_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        cast("set[HTTPProtocol]", self.server_state.connections).discard(self)
        self._leaving = True
        if self._timer is not None:
            self._timer.cancel()
        for exchange in (self._answering, self._receiving, *self._queue):
            if exchange is not None:
                exchange.connection_lost()
        self._queue.clear()
        self.resume_writing()

    def eof_received(self) -> bool:
        """The client sends no more, but may still read: what has come whole is answered. Whether to stay until then.

        Under TLS there is no half of a connection to close (asyncio does not keep one), and of what has not come whole there is
        nothing to answer.
        """
        if self.scheme == "https" or self._answering is None or self._receiving is not None:
            return False
        if self._parting is None:
            (self._queue[-1] if self._queue else self._answering).keep_alive = False
        return True

    def shutdown(self) -> None:
        """Finish what is being answered, then close: called by the server when it stops."""
        if self._answering is None:
            self._close()
            # Under TLS, closing waits for the client's word too, and one that is idle may not be there to give it.
            self._deadline = self.loop.time() + limits.DRAIN_TIMEOUT_S
        else:
            self._answering.keep_alive = False  # What waits behind it is not answered; its client knows to ask again.

    def abort(self) -> None:
        """Cut the connection, so that the client cannot take a part of an answer for the whole."""
        self._leaving = True
        self.transport.abort()

    def _close(self) -> None:
        self._leaving = True
        self._deadline = self.loop.time() + limits.SEND_STALL_TIMEOUT_S
        self.transport.close()

    def _check_deadline(self) -> None:
        now = self.loop.time()
        if now >= self._deadline:
            self._deadline = _NEVER
            self._overdue()
        delay = min(max(self._deadline - now, 0.0), limits.DEADLINE_CHECK_S)
        self._timer = self.loop.call_later(delay, self._check_deadline)

    def _overdue(self) -> None:
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.transport.abort()  # The client does not take what is left, or does not close its side.
        elif (self._in_head or self._line) and not self._leaving:
            self._refuse(refusal.HEADERS_TIMEOUT)
        else:
            self._close()

    # -- Reading ------------------------------------------------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        if self._leaving and self._discarding is None:
            self._discard(len(data))
            return
        try:
            if self._between:
                whole_line = self._with_clean_line(data)
                if whole_line is None:
                    return
                data = whole_line
            if self._silent_bytes > _HOARD_MAX_BYTES:
                raise Refused(refusal.HEADERS_TOO_LARGE)
            self._silent_bytes += len(data)
            self._feed(data)
        except Refused as refused:
            self._refuse(refused.reason)
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, Refused):
                raise  # A mistake of ours: the event loop logs it and closes the connection.
            self._refuse(error.__context__.reason)
        except httptools.HttpParserError:
            self._refuse(refusal.BAD_REQUEST)
        due, self._due = self._due, None
        if due is not None:
            self._start(due)

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self._parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # The request is served as plain HTTP; what follows it is the next one.
                data = data[upgrade.args[0] :]
                if not data or self._leaving:
                    return

    def _with_clean_line(self, data: bytes) -> bytes | None:
        """The data from the beginning of a request line, percent-encoded where it is not ASCII; None: more must come.

        The parser refuses raw UTF-8 in a target, which many simple clients send. An offer to upgrade is hidden from it,
        since it would take the request's body for the other protocol. A pipelined request, whose beginning is inside of
        what the parser is fed, does without both.
        """
        if self._line:
            data = self._line + data
            self._line = b""
        elif data.startswith((b"\r", b"\n")):
            data = data.lstrip(b"\r\n")
        if not data:
            return None
        if self._idle:
            self._idle = False
            self._deadline = self.loop.time() + limits.HEADERS_TIMEOUT_S
        end = data.find(b"\n")
        if end < 0 and not data[:1].isalpha():
            raise Refused(refusal.BAD_REQUEST)  # TLS on a plain port, for one, has no line to wait for.
        if (len(data) if end < 0 else end) > limits.URL_MAX_BYTES + _LINE_EXTRA_BYTES:
            # Also where the line is whole: to clean what is refused anyway would cost more than all the rest.
            self._url = data.partition(b" ")[2][: limits.URL_MAX_BYTES]
            raise Refused(refusal.URL_TOO_LONG)
        if end < 0:
            self._line = data
            return None
        if data.find(b" HTTP/", 0, end) < 0:
            raise Refused(refusal.BAD_REQUEST)  # The parser takes RTSP/1.0 and ICE/1.0 as well, and HTTP/0.9.
        self._between = False
        return head.clean(data, end)

    def on_message_begin(self) -> None:
        """Called by the parser, as are the other `on_…`."""
        self._between = False
        self._in_head = True
        self._url = b""
        self._headers = []
        self._framing = []
        self._head_bytes = self._silent_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._silent_bytes = 0
        self._url += url
        if len(self._url) > limits.URL_MAX_BYTES:
            raise Refused(refusal.URL_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._silent_bytes = 0
        size = self._head_bytes = self._head_bytes + len(name) + len(value) + 4
        if size > limits.HEADERS_MAX_BYTES:
            raise Refused(refusal.HEADERS_TOO_LARGE)
        if self._in_head:  # Trailers of a chunked body must not pass for headers; they are dropped.
            name = name.lower()
            headers = self._headers
            headers.append((name, value))
            if name in _FRAMING:
                self._framing.append((name, value))
            if len(headers) > _HEADER_COUNT_MAX:
                raise Refused(refusal.HEADERS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        if self.transport.is_closing():
            raise Refused(refusal.BAD_REQUEST)  # What follows a request that ended the connection.
        self._deadline = _NEVER
        if self._over_cap or len(self._queue) >= limits.PIPELINED_REQUESTS_MAX:
            raise Refused(refusal.TOO_MANY_CONNECTIONS)
        exchange = self._new_exchange()
        self._receiving = exchange
        if self._answering is None:
            self._answering = self._due = exchange
        else:
            self._queue.append(exchange)
            self._pause_reading()

    def _new_exchange(self) -> Exchange:
        version = self._parser.get_http_version()
        method = self._parser.get_method()
        framing = head.read_framing(self._framing, version)
        if self._parser.should_upgrade():
            if method == b"CONNECT":
                raise Refused(refusal.CONNECT_REFUSED)
            if framing.has_body:
                raise Refused(refusal.BAD_REQUEST)  # The parser would not give the body.
        raw_path, query, authority = head.split_target(self._url, method)
        if authority is not None:
            self._headers[:] = [one for one in self._headers if one[0] != b"host"]
            self._headers.append((b"host", authority))  # HTTP/1.0 may have come without one.
        return Exchange(
            self,
            method.decode("ascii"),
            raw_path,
            query,
            self._headers,
            version=version,
            keep_alive=self._parser.should_keep_alive(),
            expects_continue=framing.expects_continue,
            content_length=framing.content_length,
        )

    def on_body(self, body: bytes) -> None:
        self._silent_bytes = 0
        exchange = self._receiving
        assert exchange is not None
        if exchange is self._discarding or exchange.response_complete:
            self._discard(len(body))
        elif exchange.body_arrived(body):
            self._pause_reading()

    def on_message_complete(self) -> None:
        exchange = self._receiving
        assert exchange is not None
        self._receiving = None
        self._between = True
        self._head_bytes = 0
        exchange.body_ended()
        if exchange is self._discarding:
            self._discarding = None
            if exchange.keep_alive:
                self._leaving = False
                self._await_request()
            else:
                self._close()

    def _pause_reading(self) -> None:
        if not self._read_paused:
            self._read_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more from the client, unless requests are waiting for their turn already."""
        if self._read_paused and not self._queue and not self.transport.is_closing():
            self._read_paused = False
            self.transport.resume_reading()

    # -- Answering ----------------------------------------------------------------------------------------------------
    def _start(self, exchange: Exchange) -> None:
        """Run the application: a read at once, since most have no need to wait and so none of a task.

        A change waits in any case, for its commit, and those that begin together share one; so it does not begin before the
        others that have arrived are read too.
        """
        self._answering = exchange
        running = exchange.run(self._serve)
        task = eager.start(running, self.loop) if exchange.is_read else self.loop.create_task(running)
        if task is not None:
            self.server_state.tasks.add(task)
            task.add_done_callback(self.server_state.tasks.discard)

    def response_complete(self, exchange: Exchange) -> None:
        """The exchange's answer is written whole: go on with the next request, or part."""
        self.server_state.total_requests += 1
        self._answering = None
        if self.transport.is_closing():
            return
        if exchange.more_body:
            self._discarding = exchange
            self._leave(half_close=not exchange.keep_alive)
        elif not exchange.keep_alive:
            self._close()
        elif self._queue:
            self._answering = self._queue.popleft()
            self.loop.call_soon(self._start, self._answering)  # At once, it would run inside of the one before.
            self.resume_reading()
        elif self._parting is not None:
            self.transport.write(self._parting)
            self._leave(half_close=True)
        else:
            self._await_request()

    def _await_request(self) -> None:
        self._idle = not self._in_head and not self._line
        self._deadline = self.loop.time() + (limits.KEEP_ALIVE_S if self._idle else limits.HEADERS_TIMEOUT_S)
        self.resume_reading()

    def pause_writing(self) -> None:
        self.write_paused = True

    def resume_writing(self) -> None:
        self.write_paused = False
        if self._drain_waiter is not None and not self._drain_waiter.done():
            self._drain_waiter.set_result(True)

    async def drained(self) -> None:
        """Wait until the client has taken enough. Raises `ClientGone` when it takes nothing for `SEND_STALL_TIMEOUT_S`."""
        while self.write_paused:
            before = self.transport.get_write_buffer_size()
            self._drain_waiter = self.loop.create_future()
            try:
                moved = await within(limits.SEND_STALL_TIMEOUT_S, self._drain_waiter)
            finally:
                self._drain_waiter = None
            if not moved and self.transport.get_write_buffer_size() >= before:
                self.abort()
                raise ClientGone("The client stopped reading the answer.")

    # -- Refusing and parting -----------------------------------------------------------------------------------------
    def _refuse(self, reason: Refusal) -> None:
        """Answer what cannot be a request, after the answers that are due before it, and close."""
        if self.transport.is_closing():
            return
        head_only = bool(self._url) and self._parser.get_method() == b"HEAD"
        target = head.without_authority(self._url)
        parting = refusal.to_bytes(refusal.refuse(reason, target), head_only=head_only)
        broken = self._receiving
        if broken is not None and broken is self._answering:
            # The body of the request being answered is malformed: its reader learns that no more will come.
            broken.connection_lost()
            self._answering = self._due = None
            if broken.response_started:
                self.abort()
                return
        if self._discarding is not None:
            self._close()  # Answered already.
        elif self._answering is None:
            self.transport.write(parting)
            self._leave(half_close=True)
        else:
            if broken is not None:
                self._queue.remove(broken)
            self._parting = parting
            self._leaving = True
            self._pause_reading()

    def _leave(self, *, half_close: bool) -> None:
        """Close soon, but let the client send a little more, since closing on unread bytes would destroy the answer."""
        self._leaving = True
        self._discarded = 0
        self._deadline = self.loop.time() + limits.DRAIN_TIMEOUT_S
        if half_close and self.transport.can_write_eof():
            self.transport.write_eof()
        self.resume_reading()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > limits.DRAIN_MAX_BYTES:
            self._pause_reading()  # From here on the client's own sending blocks, until the deadline.
