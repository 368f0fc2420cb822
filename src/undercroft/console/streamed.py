"""Answers that are made while they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress

from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class Streamed(StreamingResponse):
    """An answer of blocks that come one after another, whose reader may leave at any time, which is no fault.

    `let_go` is called in the end, however that comes. What fails on the way cuts the connection, so that nobody takes a part for
    the whole (P3).
    """

    def __init__(
        self,
        blocks: AsyncIterator[str] | AsyncIterator[bytes],
        content_type: str,
        headers: Mapping[str, str],
        let_go: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._let_go = let_go
        super().__init__(blocks, headers=dict(headers), media_type=content_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, as an application of ASGI does."""
        try:
            with suppress(ClientDisconnect):
                await super().__call__(scope, receive, send)
        finally:
            if self._let_go is not None:
                await self._let_go()
