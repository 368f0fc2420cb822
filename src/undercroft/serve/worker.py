"""What runs in the processes: the API, the console, the steward. Each opens a store of its own, after the fork."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import uvloop

from undercroft import limits, steward
from undercroft.http.adapter import Adapter
from undercroft.http.health import Health
from undercroft.http.metrics import RequestMeter
from undercroft.native.app import NativeFace
from undercroft.native.hooks.face import HookedFace
from undercroft.s3.app import S3Face
from undercroft.serve import exits
from undercroft.serve.app import API
from undercroft.serve.compose import open_store
from undercroft.serve.memory import given_back
from undercroft.serve.server import serve
from undercroft.serve.supervisor import Ready
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.work.lifecycle import Schedule

# The slots of a server's processes: the steward and the console, then the API workers. 0 is for commands.
STEWARD_SLOT = 1
CONSOLE_SLOT = 2
FIRST_API_SLOT = 3


def run_api(settings: Settings, sockets: Sequence[socket.socket], slot: int, ready: Ready) -> int:
    """An API worker, until SIGTERM."""

    async def work(store: Store, meter: RequestMeter) -> None:
        native = HookedFace(store, settings) if settings.test_hooks else NativeFace(store, settings)
        api = API(settings, Health(store.ready), native, S3Face(store, settings))
        await serve(Adapter(api, meter, store.accounting.answered), settings, sockets, ready)

    return _run(settings, slot, work)


def run_console(settings: Settings, sockets: Sequence[socket.socket], ready: Ready) -> int:
    """The console's process, until SIGTERM."""
    from undercroft.console.app import ConsoleApp  # Here, since no other process needs what pages are made with.

    async def work(store: Store, meter: RequestMeter) -> None:
        await serve(ConsoleApp(store, settings, meter), settings, sockets, ready)

    return _run(settings, CONSOLE_SLOT, work)


def run_steward(settings: Settings, ready: Ready) -> int:
    """The steward's process, until SIGTERM."""

    async def work(store: Store, _meter: RequestMeter) -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        ready()
        await steward.run(store, stop, Schedule(settings.lifecycle_interval, settings.lifecycle_hour))

    return _run(settings, STEWARD_SLOT, work)


def _run(settings: Settings, slot: int, work: Callable[[Store, RequestMeter], Awaitable[None]]) -> int:
    async def main() -> None:
        async with _opened(settings, slot) as store, given_back():
            meter = RequestMeter()
            await store.accounting.learn()
            flushing = [
                asyncio.create_task(meter.keep_flushing()),
                asyncio.create_task(store.accounting.keep_settling()),
                asyncio.create_task(store.access_logs.keep_writing()),
            ]
            try:
                await work(store, meter)
            finally:
                for task in flushing:
                    task.cancel()
                for task in flushing:
                    with contextlib.suppress(asyncio.CancelledError):
                        await task

    # A request makes hardly any cycles, and the default makes the collector look every few requests.
    gc.set_threshold(limits.COLLECT_AFTER_ALLOCATIONS, 20, 20)
    uvloop.run(main())
    return exits.DONE


@contextlib.asynccontextmanager
async def _opened(settings: Settings, slot: int) -> AsyncIterator[Store]:
    store = await open_store(settings, slot=slot)
    try:
        yield store
    finally:
        await store.close()
