"""Reclaim by proof: blobs that nothing names any more are deleted.

The extent rows are the only references. A row of `reclaims` says "look at this blob after then"; the transaction that
removes the row looks whether any extent still names the blob, and only after its commit is the blob deleted. Nothing can
come to name it in between, since extents are only ever copied from extents. A crash in between leaves an orphan, as does
one in the middle of an upload; `sweep` finds those by walking.
"""

from __future__ import annotations

import asyncio
import itertools

from undercroft import limits
from undercroft.blobs.contract import Blobs
from undercroft.catalog import extents
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.store.ambient import Ambient
from undercroft.store.files.base import storing
from undercroft.store.gate import Gate


class Reclaim:
    """Gives back the room of what was deleted."""

    def __init__(self, catalog: Catalog, blobs: Blobs, gate: Gate, ambient: Ambient) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._gate = gate
        self._ambient = ambient

    async def run(self) -> int:
        """Delete the blobs that have become free, a batch of them. Returns how many rows were worked off."""
        now_ms = self._ambient.now_ms()
        due = await self._catalog.scan(lambda rows: extents.reclaims_due(rows, now_ms, limits.RECLAIM_BATCH))
        if not due:
            return 0

        async def change(tx: Transaction) -> list[bytes]:
            return [blob_id for blob_id in due if await extents.end_reclaim(tx, blob_id)]

        for blob_id in await self._gate.write(change):
            await storing(self._blobs.delete(blob_id))
        return len(due)

    async def sweep(self) -> int:
        """Delete orphan blobs older than `ORPHAN_AGE_S`: what crashes left behind (P4). Returns how many."""
        oldest_s = self._ambient.now_ms() / 1000 - limits.ORPHAN_AGE_S
        loop = asyncio.get_running_loop()
        walk = self._blobs.walk()
        swept = 0
        while batch := await loop.run_in_executor(None, list, itertools.islice(walk, limits.RECLAIM_BATCH)):
            for blob in batch:
                if blob.mtime_s < oldest_s and not await extents.is_referenced(self._catalog.rows, blob.blob_id):
                    await storing(self._blobs.delete(blob.blob_id))
                    swept += 1
        return swept
