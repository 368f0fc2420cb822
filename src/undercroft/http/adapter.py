"""The application that runs a handler of ours: a `Request` in, a `Response` out, sent as it should be.

What is left of a request's body after its answer is the connection's affair (`protocol.py`), which knows how much is still
to come and whether the client waits for leave to send it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

import structlog

from undercroft.http.errors import BodyBroken
from undercroft.http.exchange import ANSWER, BadHead, ClientGone, Exchange
from undercroft.http.metrics import RequestMeter
from undercroft.http.refusal import internal_error, new_request_id
from undercroft.http.request import Receive, Request
from undercroft.http.response import Headers, Response

Handler = Callable[[Request], Awaitable[Response]]
Scope = MutableMapping[str, Any]
Answer = Callable[[int, Headers, bytes], None]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = structlog.get_logger(__name__)


class Adapter:
    """The application of one handler, which counts its requests in `meter`. It speaks ASGI too.

    `answered` is told the status of each request for which the handler has said what it counts under (`Request.counted`).

    A handler turns its own errors into answers. One that it did not foresee is logged under an id and answered as a 500
    with that id, in the dialect that the request's path suggests; one in the middle of a streamed body cuts the connection.
    """

    def __init__(
        self, handler: Handler, meter: RequestMeter, answered: Callable[[Any, int], None] | None = None
    ) -> None:
        self._handler = handler
        self._meter = meter
        self._answered = answered

    def serve(self, exchange: Exchange) -> Awaitable[None]:
        """Serve the request of a connection of ours, without the detour over ASGI, which costs a fortieth of a small read."""
        request = Request(
            exchange.method,
            exchange.raw_path,
            exchange.raw_query,
            exchange.scheme,
            exchange.headers,
            exchange.client,
            exchange.receive,
        )
        return self._serve(request, exchange.answer, exchange.send)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request."""
        return self._serve(Request.of_scope(scope, receive), scope["extensions"][ANSWER], send)

    async def _serve(self, request: Request, answer: Answer, send: Send) -> None:
        began = perf_counter()
        meter = self._meter
        meter.in_flight += 1
        status = 499  # The client went away before it was answered; nginx has taught operators to read this number so.
        sent = 0
        try:
            try:
                response = await self._handler(request)
            except (BodyBroken, ClientGone):
                raise
            except Exception:  # noqa: BLE001 - the outermost handler of a request.
                response = self._fail(request)
            try:
                sent = await _send(request, response, answer, send)
            except BadHead:
                response = self._fail(request)
                sent = await _send(request, response, answer, send)
            status = response.status
        except BodyBroken as error:
            raise ClientGone(str(error)) from error
        finally:
            meter.in_flight -= 1
            seconds = perf_counter() - began
            meter.record(request.face, request.operation, status, seconds, received=request.body_bytes, sent=sent)
            if request.counted is not None and self._answered is not None:
                self._answered(request.counted, status)
            if request.when_finished is not None:
                request.when_finished(status, sent, seconds)

    def _fail(self, request: Request) -> Response:
        """Log the exception being handled, and the answer that names it by its id alone."""
        error_id = new_request_id()
        _log.exception(
            "unexpected_error", error_id=error_id, face=request.face, operation=request.operation, method=request.method
        )
        return internal_error(request.raw_path, error_id)


async def _send(request: Request, response: Response, answer: Answer, send: Send) -> int:
    """Send the response; the number of bytes of its body. Raises `ClientGone` and whatever breaks a streamed body."""
    headers = response.headers
    body = response.body
    if response.close:
        headers = [*headers, (b"connection", b"close")]
    if isinstance(body, bytes):
        answer(response.status, headers, body)
        return len(body)
    try:
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if request.method == "HEAD":
            await send({"type": "http.response.body"})
            return 0
        return await _stream(body, send)
    finally:
        # A generator that is left in the middle must give back what it holds now, not when it is collected.
        close = getattr(body, "aclose", None)
        if close is not None:
            await close()


async def _stream(body: AsyncIterator[bytes | bytearray], send: Send) -> int:
    """Send the pieces one behind, so that the last one ends the answer without another write."""
    sent = 0
    last: bytes | bytearray | None = None
    async for chunk in body:
        if last is not None:
            await send({"type": "http.response.body", "body": last, "more_body": True})
        sent += len(chunk)
        last = chunk
    await send({"type": "http.response.body", "body": last or b""})
    return sent
