"""Threads for calls that block, so that the event loop never does.

Why not `ThreadPoolExecutor`: its futures take locks and conditions on both sides, and handing over one call cost 100 to
200 µs of processor time where this costs 5 to 30 (measured with 16 callers and with one, on 2 cores); reading a small
blob from memory takes less. `SimpleQueue` is C, and the answer comes back by one wake-up of the loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar, TypeVarTuple, cast

import structlog

T = TypeVar("T")
A = TypeVarTuple("A")

_Call = tuple[Callable[..., Any], tuple[Any, ...], asyncio.Future[Any] | None]  # None: nobody waits for it.

_log = structlog.get_logger(__name__)


class Threads:
    """A fixed number of threads for one event loop. They start with the first call, so a process may fork before."""

    def __init__(self, count: int, name: str) -> None:
        """So many threads, which carry the name and a number."""
        self._count = count
        self._name = name
        self._threads: list[Thread] = []
        self._queue: SimpleQueue[_Call | None] = SimpleQueue()

    async def run(self, work: Callable[[*A], T], *args: *A) -> T:
        """What the work returns or raises.

        When the caller is cancelled, work that has begun goes on unwatched, and work that has not never will.
        """
        return await self.begin(work, *args)

    def begin(self, work: Callable[[*A], T], *args: *A) -> asyncio.Future[T]:
        """Have the work run; what it will return or raise."""
        future = asyncio.get_running_loop().create_future()
        self._hand_over((work, args, future))
        return cast("asyncio.Future[T]", future)

    async def run_to_end(self, work: Callable[[], None]) -> None:
        """Run the work, even when the caller is cancelled before it began: for giving back what was taken."""
        await asyncio.shield(self.begin(work))

    def start(self, work: Callable[[], None]) -> None:
        """Have the work run soon; nobody waits for it. May be called in one of the threads too."""
        self._hand_over((work, (), None))

    @property
    def is_wanted(self) -> bool:
        """Whether work is waiting for a thread."""
        return not self._queue.empty()

    async def close(self) -> None:
        """End the threads when all work that was handed over is done. No work may come afterwards."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _hand_over(self, call: _Call) -> None:
        if not self._threads:
            self._threads = [
                Thread(target=self._serve, name=f"{self._name}-{n}", daemon=True) for n in range(self._count)
            ]
            for thread in self._threads:
                thread.start()
        self._queue.put(call)

    def _serve(self) -> None:
        # Nothing of a call is kept in a variable here: a block of 1 MiB would stay in memory until the next call.
        while _perform(self._queue.get()):
            pass


class Strand:
    """Calls that run one at a time, in the order in which they were begun, in whichever thread is free.

    From one to the next nobody asks the event loop, which is busy with other things just when there is much to do.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._lock = Lock()
        self._waiting: deque[_Call] = deque()
        self._is_running = False

    def begin(self, work: Callable[[*A], T], *args: *A) -> asyncio.Future[T]:
        """Have the work run behind what was begun before; what it will return or raise."""
        future = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.append((work, args, future))
            was_running, self._is_running = self._is_running, True
        if not was_running:
            self._threads.start(self._run)
        return cast("asyncio.Future[T]", future)

    def _run(self) -> None:
        """Make the calls, until none is left or somebody else wants the thread, and then go to the end of the queue."""
        while _perform(self._next()):
            if self._threads.is_wanted:
                self._threads.start(self._run)
                return

    def _next(self) -> _Call | None:
        with self._lock:
            self._is_running = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None


def _perform(call: _Call | None) -> bool:
    """Do the work and send the answer to the loop. False when there is no more."""
    if call is None:
        return False
    work, args, future = call
    if future is None:
        _perform_unwatched(work, args)
    elif not future.cancelled():
        try:
            result = work(*args)
        except BaseException as error:  # noqa: BLE001 -- It is not handled here, but carried to whoever waits.
            _answer(future, future.set_exception, error)
        else:
            _answer(future, future.set_result, result)
    return True


def _perform_unwatched(work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        work(*args)
    except Exception:  # noqa: BLE001 -- Nobody else will hear of it.
        _log.exception("unwatched_work_failed")


def _answer(future: asyncio.Future[Any], settle: Callable[[Any], None], value: object) -> None:
    # A loop that is closed is a process that ends: nobody waits any more.
    with suppress(RuntimeError):
        future.get_loop().call_soon_threadsafe(_settle, future, settle, value)


def _settle(future: asyncio.Future[Any], settle: Callable[[Any], None], value: object) -> None:
    if not future.cancelled():
        settle(value)
