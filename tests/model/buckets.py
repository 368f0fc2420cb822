"""The reference model's buckets and their settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model.holdings import Holdings
from model.rows import bucket_row
from model.things import Ask, Bucket, Refused


class Buckets(Holdings):
    """The operations on buckets."""

    def create_bucket(self, ask: Ask, name: str, *, public: bool, info: dict[str, str]) -> dict[str, Any]:
        """Make a bucket under a name that nobody has, in whatever case of letters."""
        account = self._account(ask, "writeBuckets")
        for bucket in self.buckets.values():
            if bucket.name.lower() == name.lower():
                raise Refused("own bucket name" if bucket.account == account else "bucket name of another")
        assert ask.id not in self.buckets
        self.buckets[ask.id] = Bucket(ask.id, account, name, public, info)
        return bucket_row(self.buckets[ask.id])

    def update_bucket(
        self, ask: Ask, bucket_id: str, *, public: bool | None, info: dict[str, str] | None, if_revision_is: int | None
    ) -> dict[str, Any]:
        """Replace what is given, and count the revision up."""
        bucket = self._bucket_for(ask, "writeBuckets", bucket_id)
        if if_revision_is not in {None, bucket.revision}:
            raise Refused("conflict")
        bucket.public = bucket.public if public is None else public
        bucket.info = bucket.info if info is None else info
        bucket.revision += 1
        return bucket_row(bucket)

    def delete_bucket(self, ask: Ask, bucket_id: str) -> dict[str, Any]:
        """Delete a bucket without versions, hide markers and unfinished large files."""
        self._bucket_for(ask, "deleteBuckets", bucket_id)
        if self.versions_in(bucket_id):
            raise Refused("not empty")
        return bucket_row(self.buckets.pop(bucket_id))

    def list_buckets(self, ask: Ask, bucket_id: str | None) -> list[dict[str, Any]]:
        """The account's buckets by name, or the one of this id. What a restricted key sees, the dialects rule apart."""
        account = self._account(ask, "listBuckets")
        key = self.keys[ask.actor or ""]
        if key.bucket_ids is not None:
            if ask.s3:
                self._allow(ask, "listAllBucketNames")
            elif bucket_id not in key.bucket_ids:
                raise Refused("unauthorized")
        own = [b for b in self.buckets.values() if b.account == account and bucket_id in {None, b.id}]
        return [bucket_row(bucket) for bucket in sorted(own, key=lambda bucket: bucket.name)]

    # -- Settings ----------------------------------------------------------------------------------------------------
    def lock_bucket(self, ask: Ask, bucket_id: str) -> dict[str, Any]:
        """Turn Object Lock on, once and for ever."""
        bucket = self._lockable_bucket(ask, bucket_id)
        bucket.locks = True
        bucket.revision += 1
        return bucket_row(bucket)

    def _lockable_bucket(self, ask: Ask, bucket_id: str) -> Bucket:
        """A bucket that the key may give Object Lock. To the native API that is a change of the bucket besides.

        A key of some names alone may not: all names of the bucket could be locked from then on.
        """
        bucket = self._bucket(bucket_id)
        if not ask.s3:
            self._allow(ask, "writeBuckets", bucket)
        self._allow(ask, "writeBucketRetentions", bucket)
        if self.keys[ask.actor or ""].prefix is not None:
            raise Refused("unauthorized")
        return bucket

    def encrypt_bucket(self, ask: Ask, bucket_id: str, on: bool) -> dict[str, Any]:
        """Encrypt new files under the service's key, or leave that to the service."""
        bucket = self._bucket_for(ask, "writeBuckets", bucket_id)
        self._allow(ask, "writeBucketEncryption", bucket)
        bucket.sse = "SSE-B2" if on else None
        bucket.revision += 1
        return {**bucket_row(bucket), "sse": bucket.sse or self.default_sse}

    def listen(self, ask: Ask, bucket_id: str, prefix: str, types: Sequence[str]) -> dict[str, Any]:
        """Give a bucket its one rule. Without types it has none, and what it was not told of yet is forgotten."""
        bucket = self._bucket_for(ask, "writeBucketNotifications", bucket_id)
        bucket.listens = (prefix, frozenset(types)) if types else None
        if not types:
            bucket.told.clear()
        return {}

    def told(self, ask: Ask, bucket_id: str) -> list[dict[str, Any]]:
        """The events of a bucket since the last time, each once, in the order in which they happened."""
        bucket = self._bucket(bucket_id)
        told, bucket.told = bucket.told, []
        return told
