"""Replication, asked for as the native API has it: `b2_update_bucket` with both halves of a bucket's configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.hostile import Client
from model.driver import Answer
from model.store_replication import RULE
from model.things import Bucket

Update = Callable[..., Answer]  # Calls b2_update_bucket with these members.


class NativeReplication:
    """The operations. Behind every rule are the keys of the owners of both accounts."""

    def __init__(self, owners: Sequence[Client]) -> None:
        self._owners = owners
        self._halves: dict[str, Answer] = {}  # Of buckets by their ids, since a call says both.

    def accept(self, update: Update, bucket: Bucket) -> Answer:
        """Let a bucket take in what the owners' keys read."""
        mapping = {owner.key_id: self._key_of(bucket) for owner in self._owners}
        return self._change(update, bucket, asReplicationDestination={"sourceToDestinationKeyMapping": mapping})

    def replicate(
        self, update: Update, bucket: Bucket, destination_id: str | None, prefix: str, existing: bool
    ) -> Answer:
        """Set a bucket's rule, or remove its source half."""
        source = None
        if destination_id is not None:
            rule = {
                "replicationRuleName": RULE, "destinationBucketId": destination_id, "fileNamePrefix": prefix,
                "includeExistingFiles": existing, "isEnabled": True, "priority": 1,
            }  # fmt: skip
            source = {"replicationRules": [rule], "sourceApplicationKeyId": self._key_of(bucket)}
        return self._change(update, bucket, asReplicationSource=source)

    def _key_of(self, bucket: Bucket) -> str:
        return next(owner.key_id for owner in self._owners if owner.account_id == bucket.account)

    def _change(self, update: Update, bucket: Bucket, **half: Answer | None) -> Answer:
        none: Answer = {"asReplicationSource": None, "asReplicationDestination": None}
        both = {**none, **self._halves.get(bucket.id, {}), **half}
        said = update(bucketId=bucket.id, replicationConfiguration=both)
        told = said["replicationConfiguration"]
        if told["isClientAuthorizedToRead"]:
            assert told["value"] == (both if any(both.values()) else None)
        self._halves[bucket.id] = both
        return said
