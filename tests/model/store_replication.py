"""Replication, asked of the store as faces and steward ask for it."""

from __future__ import annotations

from collections.abc import Sequence

from model.driver import Answer
from model.store_words import bucket_answer
from model.things import Bucket
from undercroft.store import Store
from undercroft.store import model as domain
from undercroft.store.identity.principals import Principal

RULE = "rule-1"


class StoreReplication:
    """The operations of one principal. Behind every rule are the keys of the owners of both accounts."""

    def __init__(self, store: Store, who: Principal, owners: Sequence[domain.ApplicationKey]) -> None:
        self._store = store
        self._who = who
        self._owners = {key.account_id: key for key in owners}

    async def accept(self, bucket: Bucket) -> Answer:
        """Let a bucket take in what the owners' keys read."""
        now = await self._store.buckets.find(bucket_id=bucket.id)
        own = self._owners[now.account_id].key_id
        half = domain.ReplicationDestination({key.key_id: own for key in self._owners.values()})
        return await self._change(domain.Replication(now.replication.as_replication_source, half), bucket)

    async def replicate(self, bucket: Bucket, destination_id: str | None, prefix: str, existing: bool) -> Answer:
        """Set a bucket's rule, or remove its source half."""
        now = await self._store.buckets.find(bucket_id=bucket.id)
        source = None
        if destination_id is not None:
            rule = domain.ReplicationRule(RULE, destination_id, prefix, existing, True, 1)
            source = domain.ReplicationSource((rule,), self._owners[now.account_id].key_id)
        return await self._change(domain.Replication(source, now.replication.as_replication_destination), bucket)

    async def _change(self, replication: domain.Replication, bucket: Bucket) -> Answer:
        return bucket_answer(await self._store.buckets.update(self._who, bucket.id, replication=replication))

    async def replicate_all(self) -> tuple[list[Answer], list[str]]:
        """Have all of it done, whoever asks."""
        return await replicate_all(self._store, [Principal.of_key(key) for key in self._owners.values()])


async def replicate_all(store: Store, owners: Sequence[Principal]) -> tuple[list[Answer], list[str]]:
    """Have what failed tried again, and what waits replicated. All replicas there are of what waited before, and the ids of
    all versions in the order of lists.
    """
    waited: dict[int, str] = {}
    for _, version in await _versions(store, owners):
        if version.replication_status is not domain.ReplicationStatus.REPLICA:
            waited[_handle(version)] = str(version.file_id)
    for owner in owners:
        for bucket in await store.buckets.list(owner):
            await store.work.replication_reports.retry(bucket)
    while await store.work.replication.is_wanted():
        await store.work.replication.run()
    found = await _versions(store, owners)
    made = [
        {"origin": waited[_handle(version)], "bucket_id": bucket.bucket_id, "id": str(version.file_id)}
        for bucket, version in found
        if version.replication_status is domain.ReplicationStatus.REPLICA and _handle(version) in waited
    ]
    return made, [str(version.file_id) for _, version in found]


async def _versions(store: Store, owners: Sequence[Principal]) -> list[tuple[domain.Bucket, domain.FileVersion]]:
    found = []
    for owner in owners:
        for bucket in await store.buckets.list(owner):
            page = await store.files.list_versions(owner, bucket, limit=10_000, unfinished=False)
            assert not page.more
            found += [(bucket, row) for row in page.rows if isinstance(row, domain.FileVersion)]
    return found


def _handle(version: domain.FileVersion) -> int:
    """What a replica has in common with its source."""
    return version.file_id.handle
