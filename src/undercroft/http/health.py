"""`/healthz` and `/readyz`: whether the process lives, and whether the store behind it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from undercroft import limits
from undercroft.http.request import Request
from undercroft.http.response import Response

_PATHS = frozenset({b"/healthz", b"/readyz"})
_HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]

_log = structlog.get_logger(__name__)


class Health:
    """Answers the two paths. `ready` returns when catalog and blobs answer, and raises where they do not."""

    def __init__(self, ready: Callable[[], Awaitable[None]]) -> None:
        self._ready = ready

    def knows(self, raw_path: bytes) -> bool:
        """Whether the path is one of the two."""
        return raw_path in _PATHS

    async def __call__(self, request: Request) -> Response:
        """200 and `ok`; 503 where the store does not answer in time; 405 for anything but a read."""
        request.face = "health"
        request.operation = request.raw_path[1:].decode("ascii")
        if request.method not in ("GET", "HEAD"):
            return Response(405, [*_HEADERS, (b"allow", b"GET, HEAD")], b"Method not allowed.\n")
        if request.raw_path == b"/readyz" and not await self._is_ready():
            return Response(503, [*_HEADERS, (b"retry-after", b"1")], b"The store does not answer.\n")
        return Response(200, list(_HEADERS), b"ok\n")

    async def _is_ready(self) -> bool:
        asking = asyncio.ensure_future(self._ready())
        await asyncio.wait([asking], timeout=limits.READY_TIMEOUT_S)
        if not asking.done():
            asking.cancel()
            _log.warning("not_ready", error="it took too long")
            return False
        error = asking.exception()
        if error is not None:  # Whatever is wrong with the store, the answer is "not ready".
            _log.warning("not_ready", error=repr(error))
        return error is None
