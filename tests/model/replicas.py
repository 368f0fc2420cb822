"""B2's rules for replication, above the reference model that has all others (reference, section 16).

A bucket has one rule at most, both keys behind it may do all that it takes, and its work is done when it is asked for. So all
that is left to the system is the ids of replicas, and where they stand beside versions of the same name and millisecond that come from
elsewhere. That the model is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from model.reference import Reference
from model.rows import bucket_row
from model.things import Ask, Bucket, New, Refused, Replicating, Version

PENDING, COMPLETED, FAILED, REPLICA = "PENDING", "COMPLETED", "FAILED", "REPLICA"


class Made(NamedTuple):
    """A replica that there is, as the system tells: of which version, in which bucket, and its id."""

    origin: str
    bucket_id: str
    id: str


class ReplicatingReference(Reference):
    """The reference model with replication."""

    # -- Rules ----------------------------------------------------------------------------------------------------------
    def accept(self, ask: Ask, bucket_id: str) -> dict[str, Any]:
        """Let a bucket take in what the keys of the accounts read."""
        bucket = self._may_change(ask, bucket_id)
        bucket.revision += 1
        return bucket_row(bucket)

    def replicate(
        self, ask: Ask, bucket_id: str, destination_id: str | None, prefix: str, existing: bool
    ) -> dict[str, Any]:
        """Give a bucket its rule, or with no destination take it away. A destination that it has may be gone by now."""
        bucket = self._may_change(ask, bucket_id)
        before, after = bucket.replicates, None
        if destination_id is not None:
            after = Replicating(destination_id, prefix, existing)
            if before is None or before.destination_id != destination_id:
                if destination_id == bucket_id:
                    raise Refused("own destination")
                if destination_id not in self.buckets:
                    raise Refused("no destination")
        if after != before:
            bucket.replicates, bucket.walks = after, after is not None and existing
        bucket.revision += 1
        return bucket_row(bucket)

    def _may_change(self, ask: Ask, bucket_id: str) -> Bucket:
        bucket = self._bucket(bucket_id)
        self._allow(ask, "writeBuckets", bucket)
        self._allow(ask, "writeBucketReplications", bucket)
        return bucket

    def lock_bucket(self, ask: Ask, bucket_id: str) -> dict[str, Any]:
        """A bucket that is replicated cannot get Object Lock."""
        bucket = self.buckets.get(bucket_id)
        if bucket is None or bucket.replicates is None or bucket.locks:
            return super().lock_bucket(ask, bucket_id)
        self._lockable_bucket(ask, bucket_id)
        raise Refused("replication conflict")

    # -- Versions that are made -----------------------------------------------------------------------------------------
    def _add(
        self, ask: Ask, bucket_id: str, name: str, action: str, new: New, *rest: Any, **more: Any
    ) -> dict[str, Any]:
        answer = super()._add(ask, bucket_id, name, action, new, *rest, **more)
        return answer if action == "start" else self._marked(ask.id, answer)

    def finish(self, ask: Ask, large_id: str, listed: Sequence[tuple[int, str]]) -> dict[str, Any]:
        """A large file is replicated from when it is finished."""
        large = self.versions.get(large_id)
        was_begun = large is not None and large.action == "start"
        answer = super().finish(ask, large_id, listed)
        return self._marked(large_id, answer) if was_begun else answer

    def _marked(self, version_id: str, answer: dict[str, Any]) -> dict[str, Any]:
        """What a rule covers is pending from its first moment."""
        version = self.versions[version_id]
        rule = self.buckets[version.bucket_id].replicates
        if rule is not None and version.name.startswith(rule.prefix) and _can_be_replicated(version):
            version.replication = PENDING
        return {**answer, "replication": version.replication}

    # -- The work -------------------------------------------------------------------------------------------------------
    def replicate_all(self, made: Sequence[Made], order: Sequence[str]) -> None:
        """All that waits, or has failed, is brought to its end, and nothing else is made. `order` is that of all versions."""
        ids = {(one.origin, one.bucket_id): one.id for one in made}
        for bucket in list(self.buckets.values()):
            self._replicate_bucket(bucket, ids)
        for one in made:
            assert one.id in self.versions, f"{one} is not to be there"
        places = {version_id: place for place, version_id in enumerate(order)}
        groups: dict[tuple[str, str, int], list[Version]] = {}
        for version in self.versions.values():
            if version.action != "start":
                groups.setdefault((version.bucket_id, version.name, version.time_ms), []).append(version)
        for group in groups.values():
            self._order(group, places)

    def _order(self, group: list[Version], places: dict[str, int]) -> None:
        """Versions of one name and time: those from one bucket stay in the order that they had there."""
        homes = {version.origin and self._home(version.origin) for version in group}
        if len(homes) == 1:
            return
        sequences = sorted((version.sequence for version in group), reverse=True)
        told = sorted(group, key=lambda version: places[version.id])
        own = [version.sequence for version in told if version.origin is None]
        assert own == sorted(own, reverse=True), "replicas have moved other versions"
        for version, sequence in zip(told, sequences, strict=True):
            version.sequence = sequence

    def _replicate_bucket(self, bucket: Bucket, ids: dict[tuple[str, str], str]) -> None:
        rule, waiting = bucket.replicates, self._of_status(bucket, PENDING, FAILED)
        if rule is None:
            for version in waiting:
                version.replication = None
            return
        destination = self.buckets.get(rule.destination_id)
        self._settle(waiting, rule, destination, ids)
        if bucket.walks and not (destination is None and waiting):
            bucket.walks = False
            finished = [v for v in self.versions_in(bucket.id) if _can_be_replicated(v)]
            covered = [v for v in finished if v.name.startswith(rule.prefix) and not self._is_there(v, rule)]
            self._settle(covered, rule, destination, ids)

    def _of_status(self, bucket: Bucket, *statuses: str) -> list[Version]:
        return [version for version in self.versions_in(bucket.id) if version.replication in statuses]

    def _settle(
        self, waiting: list[Version], rule: Replicating, destination: Bucket | None, ids: dict[tuple[str, str], str]
    ) -> None:
        for version in waiting:
            if destination is None:  # Without one the rule as a whole waits.
                version.replication = PENDING
            elif not version.name.startswith(rule.prefix):
                version.replication = None
            elif (version.held or version.retained_until_ms) and not destination.locks:
                version.replication = COMPLETED if self._is_there(version, rule) else FAILED
            else:
                if not self._is_there(version, rule):
                    self._add_replica(version, destination, ids)
                version.replication = COMPLETED

    def _is_there(self, version: Version, rule: Replicating) -> bool:
        return any(one.origin == version.id and one.bucket_id == rule.destination_id for one in self.versions.values())

    def _add_replica(self, version: Version, destination: Bucket, ids: dict[tuple[str, str], str]) -> None:
        """A replica is as its source, in its place among the versions of the name, and locked where its bucket can lock."""
        new_id = ids.get((version.id, destination.id))
        assert new_id is not None, f"{version.id} has no replica in {destination.name}"
        assert new_id not in self.versions, "a file id is used twice"
        grave = self.graves.pop(new_id, None)
        assert grave is None or grave.origin == version.id, "the file id of a deleted version is used again"
        replica = replace(version, id=new_id, bucket_id=destination.id, replication=REPLICA, origin=version.id)
        if not destination.locks:
            replica.retained_until_ms = replica.held = None
        self.versions[new_id] = replica
        if version.action == "hide":
            self._tell("b2:HideMarkerCreated:Hide", replica, {})
        else:
            kind = "MultipartReplica" if "-" in version.etag else "Replica"
            self._tell(f"b2:ObjectCreated:{kind}", replica, {})

    def told(self, ask: Ask, bucket_id: str, unordered: bool = False) -> list[dict[str, Any]]:
        """The order in which waiting versions are replicated is nobody's business, and so that of the events about it."""
        told = super().told(ask, bucket_id)
        return sorted(told, key=lambda event: str(event["id"])) if unordered else told


def _can_be_replicated(version: Version) -> bool:
    """Replicas go no further, and what only a customer's key opens goes nowhere."""
    return version.action != "start" and version.customer is None and version.replication != REPLICA
