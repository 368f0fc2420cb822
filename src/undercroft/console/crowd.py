"""How many requests of one account are worked on at once, so that nobody who asks for much at a time keeps others waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from undercroft import limits
from undercroft.console.languages import _
from undercroft.store.errors import Busy


class _Queue:
    """The requests of one account."""

    def __init__(self) -> None:
        self.present = 0
        self.room = asyncio.Semaphore(limits.CONSOLE_REQUESTS_AT_ONCE)


class Crowd:
    """The requests of all accounts in this process."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def turn(self, account_id: str) -> AsyncIterator[None]:
        """Wait until there is room for another request of the account. Raises `Busy` where too many wait for that."""
        queue = self._queues.setdefault(account_id, _Queue())
        if queue.present >= limits.CONSOLE_REQUESTS_AT_ONCE + limits.CONSOLE_REQUESTS_WAITING_MAX:
            raise Busy(_("Your account asks for too much at once."))
        queue.present += 1
        try:
            async with queue.room:
                yield
        finally:
            queue.present -= 1
            if not queue.present:
                del self._queues[account_id]
