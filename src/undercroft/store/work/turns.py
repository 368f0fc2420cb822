"""Turns: pieces of work that go on beside each other, one for each key, while the steward looks for more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K")


class Turns(Generic[K]):
    """At most so many turns at once."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._tasks: dict[K, asyncio.Task[None]] = {}

    @property
    def are_under_way(self) -> bool:
        """Whether any has been begun whose end nobody has looked at."""
        return bool(self._tasks)

    def end_those_done(self) -> None:
        """Forget the turns that have ended. Raises what one of them has raised."""
        for key, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[key]
                task.result()

    def begin(self, keys: Iterable[K], turn: Callable[[K], Awaitable[None]]) -> None:
        """Begin a turn of each key that has none, as far as there is room."""

        async def take(key: K) -> None:
            await turn(key)

        for key in keys:
            if key not in self._tasks and len(self._tasks) < self._at_once:
                self._tasks[key] = asyncio.create_task(take(key))

    async def finish(self) -> None:
        """Return when no turn is under way. Raises what one has raised."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())
            self.end_those_done()

    async def stop(self) -> None:
        """End all turns at once: whatever they do can be taken up again."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()
