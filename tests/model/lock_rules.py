"""The rules for Object Lock: buckets that get it, governance set, extended and ended, legal holds, deletions that bypass."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from model.cast import OWNER, Cast, actors, flags, picks
from model.things import Version

YEAR_2100_MS = 4_102_444_800_123
ends = st.sampled_from((None, YEAR_2100_MS, YEAR_2100_MS, YEAR_2100_MS + 1))


class LockRules(Cast):
    """Draws operations on locks; every one is a step. Compliance is left out, since nobody could clean up after it."""

    @rule(actor=actors, bucket=picks, s3=flags)
    def lock_bucket(self, actor: int, bucket: int, s3: bool) -> None:
        self.both("lock_bucket", self._actor(actor), self._s3(s3), bucket=self.a_bucket(bucket))

    @rule(actor=actors, bucket=picks, on=flags)
    def encrypt_bucket(self, actor: int, bucket: int, on: bool) -> None:
        self.both("encrypt_bucket", self._actor(actor), False, bucket=self.a_bucket(bucket), on=on)

    @rule(version=picks, until_ms=ends, bypass=flags, s3=flags)
    def retain(self, version: int, until_ms: int | None, bypass: bool, s3: bool) -> None:
        self._retain(OWNER, version, until_ms, bypass, s3)

    @rule(actor=actors, version=picks, until_ms=ends, bypass=flags, s3=flags)
    def retain_as_anybody(self, actor: int, version: int, until_ms: int | None, bypass: bool, s3: bool) -> None:
        self._retain(actor, version, until_ms, bypass, s3)

    @rule(version=picks, on=flags, s3=flags)
    def hold_own(self, version: int, on: bool, s3: bool) -> None:
        self.hold(OWNER, version, on, s3)

    def _retain(self, actor: int, version: int, until_ms: int | None, bypass: bool, s3: bool) -> None:
        target = self.a_version(version)
        if target is not None:
            self.both("retain", self._actor(actor), self._s3(s3), version=target, until_ms=until_ms, bypass=bypass)

    @rule(actor=actors, version=picks, on=flags, s3=flags)
    def hold(self, actor: int, version: int, on: bool, s3: bool) -> None:
        target = self.a_version(version)
        if target is not None:
            self.both("hold", self._actor(actor), self._s3(s3), version=target, on=on)

    @rule(version=picks, until_ms=ends, on=flags, bypass=flags, s3=flags)
    def lock_and_try(self, version: int, until_ms: int | None, on: bool, bypass: bool, s3: bool) -> None:
        """One version, locked in every way there is, and then whatever could undo that."""
        target = self.a_version(version, "upload")
        if target is None or target.bucket_id not in self.model.buckets:
            return
        self._actor(OWNER)
        owner = self.owner_of(target.bucket_id)
        s3 = self._s3(s3)
        self.both("lock_bucket", owner, s3, bucket=self.model.buckets[target.bucket_id])
        self.both("hold", owner, s3, version=target, on=on)
        self.both("retain", owner, s3, version=target, until_ms=YEAR_2100_MS + 1, bypass=False)
        self.both("retain", owner, s3, version=target, until_ms=until_ms, bypass=bypass)
        self.both("delete_version", owner, s3, version=target, name=target.name, bypass=bypass)

    @precondition(lambda self: self.locked())
    @rule(version=picks, bypass=flags, s3=flags)
    def delete_locked(self, version: int, bypass: bool, s3: bool) -> None:
        target = self._a_locked(version)
        owner = self._actor(OWNER)
        self.both("delete_version", owner, self._s3(s3), version=target, name=target.name, bypass=bypass)

    def locked(self) -> list[Version]:
        """The versions of the first owner under retention or hold, and one more that is not, if there is any."""
        own = [v for v in self.model.versions.values() if self.owner_of(v.bucket_id) == self.accounts[OWNER]]
        return [v for v in own if v.held or v.retained_until_ms] or [v for v in own if v.action == "upload"][:1]

    def _a_locked(self, index: int) -> Version:
        found = self.locked()
        return found[index % len(found)]
