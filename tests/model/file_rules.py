"""The rules for files in one piece: uploads, copies, hiding, deleting, reading."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from model.cast import OWNER, Cast, actors, flags, known_names, picks
from model.material import RIGHT, bodies, customers, names, new_files, ranges
from model.things import Bucket, New, Range


class FileRules(Cast):
    """Draws operations on files; every one is a step."""

    @rule(
        actor=actors,
        bucket=picks,
        name=known_names,
        new=new_files,
        body=bodies,
        back_ms=st.sampled_from([None, None, None, None, 1, 60_000, 500_000_000_000]),
        s3=flags,
    )
    def upload(
        self, actor: int, bucket: int, name: str | int, new: New, body: bytes, back_ms: int | None, s3: bool
    ) -> None:
        s3 = self._s3(s3)
        new = new._replace(custom_ms=None if back_ms is None or s3 else self.driver.now_ms() - back_ms)
        new = new._replace(verified=new.verified or s3, only_new=s3 and back_ms == 1)
        self.both(
            "upload", self._actor(actor), s3, bucket=self.a_bucket(bucket), name=self._name(name), new=new, body=body
        )

    @rule(name=known_names, body=bodies, new=new_files, s3=flags)
    def upload_more(self, name: str | int, body: bytes, new: New, s3: bool) -> None:
        self.upload(OWNER, 0, name, new, body[:100], None, s3)

    @rule(actor=actors, bucket=picks, name=known_names, s3=flags)
    def hide(self, actor: int, bucket: int, name: str | int, s3: bool) -> None:
        self.both("hide", self._actor(actor), self._s3(s3), bucket=self.a_bucket(bucket), name=self._name(name))

    @rule(actor=actors, version=picks, other=st.none() | names, bypass=flags, s3=flags)
    def delete_version(self, actor: int, version: int, other: str | None, bypass: bool, s3: bool) -> None:
        target = self.a_version(version)
        if target is not None:
            name = other if other is not None and version % 4 == 0 else target.name
            self.both("delete_version", self._actor(actor), self._s3(s3), version=target, name=name, bypass=bypass)

    @rule(
        actor=actors,
        source=picks,
        bucket=picks,
        name=known_names,
        asked=st.none() | ranges,
        replaced=st.none() | new_files,
        customer=customers,
        s3=flags,
    )
    def copy(
        self,
        actor: int,
        source: int,
        bucket: int,
        name: str | int,
        asked: Range | None,
        replaced: New | None,
        customer: str | None,
        s3: bool,
    ) -> None:
        found = self.a_version(source, "upload") if source % 8 else self.a_version(source)
        if found is None:
            return
        s3 = self._s3(s3)
        arguments = {
            "name": self._name(name),
            "asked": None if s3 else self._within(asked, found.body),
            "replaced": replaced,
            "customer": self._customer(customer, found),
        }
        self.both("copy", self._actor(actor), s3, source=found, bucket=self.a_bucket(bucket), **arguments)

    @rule(actor=actors, bucket=picks, name=names, asked=st.none() | ranges, s3=flags)
    def read_any_name(self, actor: int, bucket: int, name: str, asked: Range | None, s3: bool) -> None:
        target = self.a_bucket(bucket)
        arguments = {"bucket": target, "name": name, "asked": asked, "customer": self._visible_key(target, name)}
        self.both("read_name", self._reader(actor), self._s3(s3), **arguments)

    def _visible_key(self, bucket: Bucket, name: str, drawn: str | None = RIGHT) -> str | None:
        return self._customer(drawn, self.model.visible(bucket.id, name))

    @rule(actor=actors, version=picks, asked=st.none() | ranges, customer=customers, s3=flags)
    def read_name(self, actor: int, version: int, asked: Range | None, customer: str | None, s3: bool) -> None:
        target = self.a_version(version)
        if target is not None and target.bucket_id in self.model.buckets:
            bucket = self.model.buckets[target.bucket_id]
            key = self._visible_key(bucket, target.name, customer)
            arguments = {"bucket": bucket, "name": target.name, "asked": asked, "customer": key}
            self.both("read_name", self._reader(actor), self._s3(s3), **arguments)

    @rule(actor=actors, version=picks, asked=st.none() | ranges, customer=customers, s3=flags)
    def read_id(self, actor: int, version: int, asked: Range | None, customer: str | None, s3: bool) -> None:
        target = self.a_version(version)
        if target is not None:
            arguments = {"asked": self._within(asked, target.body), "customer": self._customer(customer, target)}
            self.both("read_id", self._reader(actor), self._s3(s3), version=target, **arguments)

    @rule(actor=actors, version=picks)
    def file_info(self, actor: int, version: int) -> None:
        target = self.a_version(version)
        if target is not None:
            self.both("file_info", self._actor(actor), False, version=target)
