"""A second node beside a server, on the same data: it does the replication, at the moment when it is told to.

The model rules what there is between two operations, so nothing may be replicated at a moment of its own. By the lease on that work,
which this node holds, the server's steward leaves it alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from harness.hostile import Client
from harness.server import Server
from model.driver import Answer
from model.store_replication import replicate_all
from undercroft.serve.compose import open_store
from undercroft.settings import load

LEASE_S = 600.0  # Longer than any example takes, and no longer than a lease may be.


class ReplicatingNode:
    """A store on the data directory of a server, with the keys of its accounts."""

    def __init__(self, server: Server, owners: Sequence[Client]) -> None:
        self._loop = asyncio.new_event_loop()
        settings = load({"data": str(server.data_dir)})
        self._store = self._loop.run_until_complete(open_store(settings, slot=0, migrate=False))
        keys = self._store.identity
        self._owners = [
            self._loop.run_until_complete(keys.authenticate_key(owner.key_id, owner.secret)) for owner in owners
        ]
        self.keep_lease()

    def close(self) -> None:
        """Close the store."""
        self._loop.run_until_complete(self._store.close())
        self._loop.close()

    def keep_lease(self) -> None:
        """Make sure that nobody else replicates for some time."""
        assert self._loop.run_until_complete(self._store.work.leases.take("replication", LEASE_S))

    def replicate_all(self) -> tuple[list[Answer], list[str]]:
        """Replicate what waits or has failed. All replicas there are of what waited before, and all versions' ids in order."""
        return self._loop.run_until_complete(replicate_all(self._store, self._owners))
