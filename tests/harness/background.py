"""The background's work on a server's data, as its own steward does it, but at a time that the test chooses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import closing

from harness.server import Server
from harness.stores import SetClock, raise_fatal
from undercroft import keyring
from undercroft.blobs.local import LocalBlobs
from undercroft.catalog.sqlite import SQLiteCatalog, opened
from undercroft.store import Store


def work_later(server: Server, later_s: float, work: Callable[[Store], Awaitable[None]]) -> None:
    """Runs `work` on a store of its own, whose clock is ahead by so much; the server may run or not."""
    clock = SetClock()
    clock.ms = int((time.time() + later_s) * 1000)

    async def run() -> None:
        data = server.data_dir
        store = Store(
            SQLiteCatalog(data / "catalog.db", on_fatal=raise_fatal),
            LocalBlobs(data / "blobs", on_fatal=raise_fatal),
            keyring.load_or_create(data / "master.key"),
            ambient=clock,
        )
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(run())


def named_blobs(server: Server) -> list[str]:
    """The blobs that the catalog names, in hex."""
    with closing(opened(server.data_dir / "catalog.db")) as catalog:  # Closing it may write what is in the log.
        rows = catalog.execute("SELECT DISTINCT blob_id FROM extents WHERE blob_id IS NOT NULL")
        return sorted(blob_id.hex() for (blob_id,) in rows)
