"""Turns: pieces of work that go on beside each other, one for each key, while the steward looks for more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K")


class Turns(Generic[K]):
    """At most so many turns at once, and of one group of keys no more than its share."""

    def __init__(
        self, at_once: int, *, group_of: Callable[[K], Hashable] | None = None, at_once_of_group: int | None = None
    ) -> None:
        """Without groups there is no share."""
        self._at_once = at_once
        self._group_of = group_of or (lambda _key: None)
        self._at_once_of_group = at_once_of_group or at_once
        self._tasks: dict[K, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        """How many have been begun whose end nobody has looked at."""
        return len(self._tasks)

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

        under_way = Counter(map(self._group_of, self._tasks))
        for key in keys:
            if len(self._tasks) >= self._at_once:
                return
            group = self._group_of(key)
            if key not in self._tasks and under_way[group] < self._at_once_of_group:
                under_way[group] += 1
                self._tasks[key] = asyncio.create_task(take(key))

    async def finish(self) -> None:
        """Return when no turn is under way. Raises what one has raised."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())
            self.end_those_done()

    async def stop(self, *, patience_s: float = 0.0) -> None:
        """End all turns, those that are still under way after a while by force: whatever they do can be taken up again."""
        if self._tasks and patience_s:
            await asyncio.wait(self._tasks.values(), timeout=patience_s)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()
