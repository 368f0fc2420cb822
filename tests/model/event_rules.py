"""The rules for event notifications: buckets that listen, and what they are told."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from model.account_rules import AccountRules
from model.cast import OWNER, actors, picks
from model.material import prefixes

_ALL = ("b2:ObjectCreated:*", "b2:ObjectDeleted:*", "b2:HideMarkerCreated:*")
_types = st.sampled_from(
    (
        _ALL,
        ("b2:ObjectCreated:MultipartUpload", "b2:ObjectCreated:Copy"),
        ("b2:ObjectCreated:Upload", "b2:HideMarkerCreated:Hide"),
        ("b2:ObjectDeleted:Delete",),
        (),
    )
)


class EventRules(AccountRules):
    """Draws notification rules, and has the events delivered at times; whatever else happens, they must be those ruled."""

    def _create_bucket(self, *arguments: Any, **settings: Any) -> None:
        """A bucket that listens from the start, or else hardly any ever would when something happens."""
        before = set(self.model.buckets)
        super()._create_bucket(*arguments, **settings)
        for bucket_id in set(self.model.buckets) - before:
            bucket = self.model.buckets[bucket_id]
            self.both("listen", self.owner_of(bucket_id), False, bucket=bucket, prefix="", types=_ALL)

    @rule(bucket=picks, prefix=st.just("") | prefixes, types=_types)
    def listen(self, bucket: int, prefix: str, types: tuple[str, ...]) -> None:
        self.both("listen", self._actor(OWNER), False, bucket=self.a_bucket(bucket), prefix=prefix, types=types)

    @rule(actor=actors, bucket=picks)
    def listen_as_anybody(self, actor: int, bucket: int) -> None:
        types = ("b2:ObjectCreated:*",)
        self.both("listen", self._actor(actor), False, bucket=self.a_bucket(bucket), prefix="", types=types)

    @rule(bucket=picks)
    def told(self, bucket: int) -> None:
        self.both("told", self._actor(OWNER), False, bucket=self.a_bucket(bucket))

    def teardown(self) -> None:
        """Whoever listens has been told of all that happened, before it goes."""
        for bucket in list(self.model.buckets.values()):
            self.both("told", self.owner_of(bucket.id), False, bucket=bucket)
        super().teardown()
