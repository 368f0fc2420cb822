"""The rules for replication: buckets that are replicated to one another, and the work on what waits."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from model.cast import OWNER, STRANGER, actors, flags, known_names, picks
from model.machine import Machine
from model.material import bodies, new_files, prefixes
from model.replicas import Made, ReplicatingReference
from model.things import Bucket, New

_AFTERWARDS = ("nothing", "nothing", "hide", "lock", "delete")
_some_prefix = st.sampled_from(("", "")) | prefixes


class ReplicationRules(Machine):
    """Draws rules of replication, and has their work done at times; whatever else happens, what they made must be as ruled."""

    model: ReplicatingReference

    def __init__(self) -> None:
        super().__init__()
        self.model = ReplicatingReference()

    @initialize(public=flags, locks=flags, own=flags, back=flags)
    def begin(self, public: bool, locks: bool, own: bool, back: bool) -> None:
        """Two buckets, of which one is replicated to the other from the start, or else hardly any ever would be."""
        super().begin(public, locks)
        first = self.a_bucket(0)
        self._create_bucket(self.accounts[OWNER if own else STRANGER], 2, False, {}, s3=False)
        [second] = [bucket for bucket in self.model.buckets.values() if bucket is not first]
        for source, destination in ((first, second), (second, first))[: 1 + back]:
            self._replicate(self.owner_of(source.id), source, destination, "", existing=True)

    @rule(bucket=picks, destination=picks, prefix=_some_prefix, existing=flags)
    def replicate(self, bucket: int, destination: int, prefix: str, existing: bool) -> None:
        self._actor(OWNER)
        source = self.a_bucket(bucket)
        if source.id in self.model.buckets:
            self._replicate(self.owner_of(source.id), source, self.a_bucket(destination), prefix, existing=existing)

    @rule(actor=actors, bucket=picks, destination=picks, prefix=prefixes)
    def replicate_as_anybody(self, actor: int, bucket: int, destination: int, prefix: str) -> None:
        self._replicate(self._actor(actor), self.a_bucket(bucket), self.a_bucket(destination), prefix, existing=True)

    @rule(bucket=picks)
    def end_replication(self, bucket: int) -> None:
        arguments = {"destination_id": None, "prefix": "", "existing": False}
        self.both("replicate", self._actor(OWNER), False, bucket=self.a_bucket(bucket), **arguments)

    @rule()
    def replicate_what_waits(self) -> None:
        self._work()

    @rule(name=known_names, body=bodies, new=new_files, then=st.sampled_from(_AFTERWARDS), works=flags, s3=flags)
    def write_what_is_replicated(
        self, name: str | int, body: bytes, new: New, then: str, works: bool, s3: bool
    ) -> None:
        """A file in the bucket that is replicated from the start, and what often happens next."""
        before = set(self.model.versions)
        self.upload(OWNER, 0, name, new, body, None, s3)
        for version in [self.model.versions[made] for made in set(self.model.versions) - before]:
            owner, bucket = self.owner_of(version.bucket_id), self.model.buckets[version.bucket_id]
            if then == "hide":
                self.both("hide", owner, self._s3(s3), bucket=bucket, name=version.name)
            elif then == "lock":
                self.both("hold", owner, False, version=version, on=True)
            elif then == "delete":
                self.both("delete_version", owner, self._s3(s3), version=version, name=version.name)
        if works:
            self._work()

    def _replicate(self, actor: str, source: Bucket, destination: Bucket, prefix: str, *, existing: bool) -> None:
        if destination.id in self.model.buckets:
            self.both("accept", self.owner_of(destination.id), False, bucket=destination)
        arguments = {"destination_id": destination.id, "prefix": prefix, "existing": existing}
        self.both("replicate", actor, False, bucket=source, **arguments)

    def _work(self) -> None:
        """Have it done; then read what it made, and see every version with its status."""
        owner = self._actor(OWNER)
        rows, order = self.driver.do("replicate_all", False, owner)
        made = [Made(**row) for row in rows]
        self.story.append(f"replicate_all -> {made}")
        new = [one.id for one in made if one.id not in self.model.versions]
        self.model.replicate_all(made, order)
        for version in [self.model.versions[replica_id] for replica_id in new]:
            if version.action == "upload":
                arguments = {"version": version, "asked": None, "customer": None}
                self.both("read_id", self.owner_of(version.bucket_id), self._s3(True), **arguments)
        for bucket in self.model.buckets.values():
            listed = {"bucket": bucket, "prefix": "", "delimiter": ""}
            self.walk_while(
                "list_versions",
                self.owner_of(bucket.id),
                False,
                [100],
                None,
                lambda *_: False,
                {"start": ""},
                False,
                **listed,
            )

    def teardown(self) -> None:
        """What waits at the end is seen to as well."""
        self._work()
        super().teardown()
