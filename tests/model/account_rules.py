"""The rules for buckets and application keys, and for the clock."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from model.cast import Cast, actors, flags, picks
from model.material import CAPABILITY_SETS, page_sizes, prefixes


class AccountRules(Cast):
    """Draws operations on accounts; every one is a step."""

    def _create_bucket(self, actor: str, number: int, public: bool, info: dict[str, str], *, s3: bool) -> None:
        name = f"model-{type(self).__name__.lower()}-{number // 2}"
        spelt = name.upper() if number % 2 else name
        said = self.both("create_bucket", actor, s3, name=spelt, public=public, info=info)
        if said is not None:
            self.known[name] = self.model.buckets[said["id"]]

    @rule(actor=actors, number=st.integers(0, 5), public=flags, info=st.sampled_from([{}, {"k": "ü"}]), s3=flags)
    def create_bucket(self, actor: int, number: int, public: bool, info: dict[str, str], s3: bool) -> None:
        s3 = self._s3(s3)
        self._create_bucket(self._actor(actor), number, public, {} if s3 else info, s3=s3)

    @rule(
        actor=actors,
        bucket=picks,
        public=st.sampled_from([None, True, False]),
        info=st.sampled_from([None, {"a": "1"}]),
        ahead=st.sampled_from([None, 0, 0, 1]),
    )
    def update_bucket(
        self, actor: int, bucket: int, public: bool | None, info: dict[str, str] | None, ahead: int | None
    ) -> None:
        target = self.a_bucket(bucket)
        public = True if public is None and info is None else public
        changes = {"public": public, "info": info}
        revision = None if ahead is None else target.revision + ahead
        self.both("update_bucket", self._actor(actor), False, bucket=target, **changes, if_revision_is=revision)

    @rule(actor=actors, bucket=picks, empties=st.sampled_from([False, False, False, True]), s3=flags)
    def delete_bucket(self, actor: int, bucket: int, empties: bool, s3: bool) -> None:
        target = self.a_bucket(bucket)
        left = self.model.versions_in(target.id)
        if empties and len(left) < 4:
            for version in left:
                owner = self.owner_of(target.id)
                self.both("delete_version", owner, self._s3(s3), version=version, name=version.name)
        self.both("delete_bucket", self._actor(actor), self._s3(s3), bucket=target)

    @rule(actor=actors, bucket=st.none() | picks, s3=flags)
    def list_buckets(self, actor: int, bucket: int | None, s3: bool) -> None:
        s3 = self._s3(s3)
        named = None if bucket is None or s3 else self.a_bucket(bucket)
        self.both("list_buckets", self._actor(actor), s3, bucket=named)

    @rule(
        actor=actors,
        capabilities=st.sampled_from(CAPABILITY_SETS),
        buckets=st.none() | st.lists(picks, min_size=1, max_size=2),
        prefix=st.none() | prefixes,
        valid_s=st.sampled_from([None, None, 1, 60]),
    )
    def create_key(
        self, actor: int, capabilities: list[str], buckets: list[int] | None, prefix: str | None, valid_s: int | None
    ) -> None:
        if valid_s is not None and not self.driver.clock_is_set:
            valid_s *= 86_400  # By a clock that nobody sets, no key may expire while it is looked at.
        bucket_ids = None if buckets is None else [self.a_bucket(index).id for index in buckets]
        arguments = {"capabilities": capabilities, "bucket_ids": bucket_ids, "prefix": prefix, "valid_s": valid_s}
        said = self.both("create_key", self._actor(actor), False, **arguments)
        if said is not None:
            self.keys.append(self.model.keys[said["id"]])

    @precondition(lambda self: self.keys)
    @rule(actor=actors, key=picks)
    def delete_key(self, actor: int, key: int) -> None:
        self.both("delete_key", self._actor(actor), False, key=self.keys[key % len(self.keys)])

    @rule(actor=actors, sizes=page_sizes)
    def list_keys(self, actor: int, sizes: list[int]) -> None:
        self.walk("list_keys", self._actor(actor), False, sizes)

    @precondition(lambda self: self.driver.clock_is_set)
    @rule(by_ms=st.sampled_from([1, 1, 999, 60_001, -1, -5000]))
    def let_time_pass(self, by_ms: int) -> None:
        self.driver.pass_time(by_ms)
