"""What a service holds, and what all its operations share: who may do what, how much room there is, what is where."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from model.rows import version_row
from model.things import Ask, Bucket, Key, New, Range, Refused, Version, noting, refuse_for


class Holdings:
    """The accounts of a service and all that is in them."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.buckets: dict[str, Bucket] = {}
        self.versions: dict[str, Version] = {}
        self.graves: dict[str, Version] = {}  # Those that are deleted.
        self.caps: dict[str, int] = {}  # How many bytes an account may hold, where that is limited.
        self.default_sse: str | None = None  # Of files in buckets that were never told.
        self._sequence = itertools.count(1)

    def add_account(self, account: str, key_id: str, capabilities: Iterable[str]) -> None:
        """An account that is there from the start, with a key."""
        self.keys[key_id] = Key(key_id, account, frozenset(capabilities))

    # -- Who may do what ----------------------------------------------------------------------------------------------
    def _key(self, ask: Ask) -> Key | None:
        """The key that asks, None for nobody. Refused where it is deleted or has expired."""
        key = self.keys.get(ask.actor or "")
        if ask.actor is not None and (key is None or (key.expires_ms is not None and key.expires_ms <= ask.before_ms)):
            raise Refused("bad key")
        return key

    def _may(self, ask: Ask, capability: str, bucket: Bucket | None = None, name: str | None = None) -> bool:
        key = self._key(ask)
        if key is None or capability not in key.capabilities:
            return False
        if bucket is not None and (bucket.account != key.account or bucket.id not in (key.bucket_ids or (bucket.id,))):
            return False
        return name is None or name.startswith(key.prefix or "")

    def _allow(self, ask: Ask, capability: str, bucket: Bucket | None = None, name: str | None = None) -> None:
        if not self._may(ask, capability, bucket, name):
            raise Refused("unauthorized")

    def _account(self, ask: Ask, capability: str) -> str:
        """The account of the key, which must have a capability."""
        self._allow(ask, capability)
        return self.keys[ask.actor or ""].account

    # -- Room ---------------------------------------------------------------------------------------------------------
    def held(self, account: str) -> int:
        """How many bytes the account holds: all versions, and the parts of what is not finished."""
        held = 0
        for version in self.versions.values():
            if self.buckets[version.bucket_id].account == account:
                held += len(version.body)
                if version.action == "start":
                    held += sum(len(part.body) for part in version.parts.values())
        return held

    def _has_room(self, bucket: Bucket, size: int) -> bool:
        cap = self.caps.get(bucket.account)
        return cap is None or self.held(bucket.account) + size <= cap

    def _make_room(self, bucket: Bucket, size: int) -> None:
        if not self._has_room(bucket, size):
            raise Refused("storage cap")

    # -- What there is ------------------------------------------------------------------------------------------------
    def _bucket(self, bucket_id: str) -> Bucket:
        """The bucket of this id."""
        if bucket_id not in self.buckets:
            raise Refused("no bucket")
        return self.buckets[bucket_id]

    def _bucket_for(self, ask: Ask, capability: str, bucket_id: str, name: str | None = None) -> Bucket:
        """The bucket of this id, in which the key may do this."""
        bucket = self._bucket(bucket_id)
        self._allow(ask, capability, bucket, name)
        return bucket

    def _home(self, version_id: str) -> str:
        """The id of the bucket that a version is or was in."""
        return (self.versions.get(version_id) or self.graves[version_id]).bucket_id

    def _version(self, ask: Ask, version_id: str, missing: str, capability: str, *, public: bool = False) -> Version:
        """A version by its id; `missing` is the reason where it is gone. S3 names bucket and key beside the id."""
        bucket = self.buckets.get(self._home(version_id))
        version = self.versions.get(version_id)
        if bucket is None:
            if ask.s3:
                raise Refused("no bucket")
            raise Refused(missing, *([] if self._may(ask, capability) else ["unauthorized"]))
        name = self.graves[version_id].name if version is None and ask.s3 else version and version.name
        if not (public and bucket.public):
            self._allow(ask, capability, bucket, name)
        if version is None:
            raise Refused(missing)
        return version

    def versions_in(self, bucket_id: str) -> list[Version]:
        """All versions of a bucket in the order of lists."""
        return sorted((v for v in self.versions.values() if v.bucket_id == bucket_id), key=lambda v: v.place)

    def _newest(self, bucket_id: str, name: str) -> Version | None:
        """The newest finished version of a name."""
        return next((v for v in self.versions_in(bucket_id) if v.name == name and v.action != "start"), None)

    def visible(self, bucket_id: str, name: str) -> Version | None:
        """The visible file of a name."""
        newest = self._newest(bucket_id, name)
        return newest if newest is not None and newest.action == "upload" else None

    # -- What is copied and opened ------------------------------------------------------------------------------------
    def _source(self, ask: Ask, source_id: str, target: Bucket | None, reasons: set[str]) -> Version:
        """The version to copy from; refused with the reasons there are already, or for its own."""
        source = self.versions.get(source_id)
        if source is None:
            grave = self.graves[source_id]
            bucket = self.buckets.get(grave.bucket_id)
            name = grave.name if ask.s3 else None
            missing = "no source bucket" if bucket is None and ask.s3 else "no source"
            readable = bucket is not None and (bucket.public or self._may(ask, "readFiles", bucket, name))
            raise Refused(*reasons, missing if bucket is None or readable else "unauthorized")
        bucket = self.buckets[source.bucket_id]
        if not bucket.public and not self._may(ask, "readFiles", bucket, source.name):
            reasons.add("unauthorized")
        if source.action != "upload":
            reasons.add("hidden source" if source.action == "hide" else "unfinished source")
        if target is not None and bucket.account != target.account:
            reasons.add("unauthorized")  # Copies stay within an account.
        refuse_for(reasons)
        return source

    def _opened(self, source: Version, asked: Range | None, customer: str | None) -> bytes:
        """The bytes of a source, or of a range of it. Nothing is said of which of two reasons comes first."""
        reasons: set[str] = set()
        body = source.body
        with noting(reasons):
            body = body if asked is None else asked.of(body)
        with noting(reasons):
            self._check_key(source, customer)
        refuse_for(reasons)
        return body

    def _check_key(self, version: Version, customer: str | None) -> None:
        """Refused unless this is the key that opens the version, or none where none is needed."""
        if version.customer is None and customer is not None:
            raise Refused("needless key")
        if version.customer is not None and customer != version.customer:
            raise Refused("missing key" if customer is None else "wrong key")

    # -- What is made, and told of it ---------------------------------------------------------------------------------
    def _mode(self, new: New, bucket: Bucket) -> str | None:
        """How a new file is encrypted: as it asks, else as its bucket says, else as the service does."""
        return new.sse or bucket.sse or self.default_sse

    def _add(
        self,
        ask: Ask,
        bucket_id: str,
        name: str,
        action: str,
        new: New,
        body: bytes,
        digests: tuple[str, str],
        sse: str | None = None,
    ) -> dict[str, Any]:
        assert ask.id not in self.versions, "a file id is used twice"
        assert ask.id not in self.graves, "the file id of a deleted version is used again"
        if new.custom_ms is None:
            self._check_time(ask, self._newest(bucket_id, name))
        else:
            assert ask.time_ms == new.custom_ms, "the time that an upload brings is its own"
        order = (ask.time_ms or 0, next(self._sequence), ask.time_ms or 0)
        version = Version(ask.id, bucket_id, name, action, new.content_type, new.info, body, *digests, *order, sse=sse)
        self.versions[ask.id] = version
        return version_row(version)

    def _check_time(self, ask: Ask, newest: Version | None) -> None:
        """An ordinary upload is of now, but never older than the newest version of its name."""
        floor = 0 if newest is None else newest.time_ms
        assert ask.time_ms is not None
        assert max(ask.before_ms, floor) <= ask.time_ms <= max(ask.after_ms, floor), (ask, floor)

    def _tell(self, event_type: str, version: Version, answer: dict[str, Any]) -> dict[str, Any]:
        """Something happened to a finished version. Returns the answer."""
        bucket = self.buckets[version.bucket_id]
        prefix, types = bucket.listens or ("", frozenset())
        if version.name.startswith(prefix) and types & {event_type, event_type.rpartition(":")[0] + ":*"}:
            size = len(version.body) if event_type.startswith("b2:ObjectCreated:") else None
            bucket.told.append({"name": version.name, "type": event_type, "size": size, "id": version.id})
        return answer
