"""The rules for large files, from start to finish."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from model.cast import OWNER, Cast, actors, flags, known_names, numbers, picks
from model.material import BYTES, RIGHT, big_parts, customers, new_files, page_sizes, parts, prefixes, ranges
from model.things import PART_MIN_BYTES, New, Range, Version


class LargeFileRules(Cast):
    """Draws operations on large files; every one is a step."""

    def __init__(self) -> None:
        super().__init__()
        self._big_ids: dict[str, str] = {}  # Of files that are long enough for a part, by account.

    def _large(self, index: int) -> Version | None:
        """Mostly an unfinished large file, but any version will do."""
        return self.a_version(index) if index % 8 == 6 else self.a_version(index, "start")

    @rule(actor=actors, bucket=picks, name=known_names, new=new_files, s3=flags)
    def start(self, actor: int, bucket: int, name: str | int, new: New, s3: bool) -> None:
        self._start(actor, bucket, name, new, s3)

    def _start(self, actor: int, bucket: int, name: str | int, new: New, s3: bool) -> Version | None:
        target, new = self.a_bucket(bucket), new._replace(verified=True)
        arguments = {"bucket": target, "name": self._name(name), "new": new}
        said = self.both("start", self._actor(actor), self._s3(s3), **arguments)
        return None if said is None else self.model.versions[said["id"]]

    @rule(name=known_names, new=new_files, big=st.integers(0, 2), gap=flags, body=parts, s3=flags, other=flags)
    def put_together(self, name: str | int, new: New, big: int, gap: bool, body: bytes, s3: bool, other: bool) -> None:
        """A large file from start to finish: parts that are long enough, and a last one; begun perhaps through `other`."""
        large = self._start(OWNER, 0, name, new, other)
        if large is None:
            return
        owner = self.owner_of(large.bucket_id)
        for number in range(1, big + 1):
            source = self._big(large.bucket_id, s3=other)
            if source is None:
                return
            asked = Range(1, PART_MIN_BYTES) if number == big else None  # All but its first byte: just enough.
            keys = {"customer": source.customer, "own": large.customer}
            self.both("copy_part", owner, self._s3(s3), large=large, number=number, source=source, asked=asked, **keys)
        arguments = {"number": big + 2 if gap else big + 1, "body": body, "customer": large.customer}
        self.both("upload_part", owner, self._s3(other), large=large, **arguments)
        self._finish(owner, large, None, self._s3(s3))

    @rule(actor=actors, large=picks, number=numbers, body=parts, customer=customers, s3=flags)
    def upload_part(self, actor: int, large: int, number: int, body: bytes, customer: str | None, s3: bool) -> None:
        target = self._large(large)
        if target is not None:
            arguments = {"number": number, "body": body, "customer": self._customer(customer, target)}
            self.both("upload_part", self._actor(actor), self._s3(s3), large=target, **arguments)

    @rule(large=picks, number=numbers, body=big_parts, rare=st.integers(0, 15), s3=flags)
    def upload_big_part(self, large: int, number: int, body: bytes, rare: int, s3: bool) -> None:
        if rare == 0:
            self.upload_part(OWNER, large, number, body, RIGHT, s3)

    @rule(
        actor=actors,
        large=picks,
        number=numbers,
        source=picks,
        asked=st.none() | ranges,
        customer=customers,
        own=customers,
        s3=flags,
    )
    def copy_part(
        self,
        actor: int,
        large: int,
        number: int,
        source: int,
        asked: Range | None,
        customer: str | None,
        own: str | None,
        s3: bool,
    ) -> None:
        target, found = self._large(large), self.a_version(source, "upload")
        if target is None or found is None:
            return
        arguments = {"large": target, "number": number, "source": found, "asked": self._within(asked, found.body)}
        arguments |= {"customer": self._customer(customer, found), "own": self._customer(own, target)}
        self.both("copy_part", self._actor(actor), self._s3(s3), **arguments)

    def _big(self, bucket_id: str, *, s3: bool) -> Version | None:
        """A file that is long enough for a part, in a bucket of this account, made when it is first wanted; none past a cap."""
        bucket = self.model.buckets[bucket_id]
        found = self._big_ids.get(bucket.account)
        if found is None or found not in self.model.versions:
            new, body = New("application/octet-stream", {}), BYTES[: PART_MIN_BYTES + 1]
            arguments = {"bucket": bucket, "name": "big", "new": new, "body": body}
            made = self.both("upload", self.owner_of(bucket_id), self._s3(s3), **arguments)
            if made is None:
                return None
            found = self._big_ids[bucket.account] = made["id"]
        return self.model.versions[found]

    @rule(large=picks, number=numbers, asked=st.none() | ranges, s3=flags)
    def copy_big_part(self, large: int, number: int, asked: Range | None, s3: bool) -> None:
        """Parts that are long enough for a file of several, without sending them again and again."""
        target = self._large(large)
        if target is None or target.bucket_id not in self.model.buckets:
            return
        owner, source = self.owner_of(target.bucket_id), self._big(target.bucket_id, s3=self._s3(s3))
        if source is None:
            return
        if asked is not None:
            asked = Range(asked.first % 2, None if asked.last is None else PART_MIN_BYTES - 1 + asked.last % 2)
        asked = asked and Range(asked.first, PART_MIN_BYTES if asked.last is None else asked.last)
        type(self).steps += 1
        keys = {"customer": source.customer, "own": target.customer}
        self.both("copy_part", owner, self._s3(s3), large=target, number=number, source=source, asked=asked, **keys)

    @rule(actor=actors, large=picks, drop=st.sampled_from([None, None, None, 0, 1]), spoil=flags, swap=flags, s3=flags)
    def finish(self, actor: int, large: int, drop: int | None, spoil: bool, swap: bool, s3: bool) -> None:
        """Finish with the parts there are; at times with one less, a wrong digest, or two that changed places."""
        target = self._large(large)
        if target is None:
            return
        self._finish(
            self._actor(actor), target, (drop, spoil and large % 4 == 0, swap and large % 4 == 1), self._s3(s3)
        )

    def _finish(self, actor: str, target: Version, faults: tuple[int | None, bool, bool] | None, s3: bool) -> None:
        drop, spoil, swap = faults or (None, False, False)
        listed = [(part.number, part.md5 if s3 else part.sha1) for _, part in sorted(target.parts.items())]
        if drop is not None and listed:
            del listed[drop % len(listed)]
        if spoil and listed:
            listed[-1] = (listed[-1][0], listed[-1][1][::-1])
        if swap and len(listed) > 1:
            listed[:2] = listed[1::-1]
        if not s3:  # Its list has no numbers: what stands first is part 1.
            listed = [(number, digest) for number, (_, digest) in enumerate(listed, 1)]
        if listed or not s3:
            self.both("finish", actor, s3, large=target, listed=listed)

    @rule(actor=actors, large=picks, s3=flags)
    def cancel(self, actor: int, large: int, s3: bool) -> None:
        target = self._large(large)
        if target is not None:
            self.both("cancel", self._actor(actor), self._s3(s3), large=target)

    @rule(actor=actors, large=picks, sizes=page_sizes, s3=flags)
    def list_parts(self, actor: int, large: int, sizes: list[int], s3: bool) -> None:
        target = self._large(large)
        if target is not None:
            self.walk("list_parts", self._actor(actor), self._s3(s3), sizes, large=target)

    @rule(actor=actors, bucket=picks, prefix=prefixes, sizes=page_sizes, s3=flags)
    def list_unfinished(self, actor: int, bucket: int, prefix: str, sizes: list[int], s3: bool) -> None:
        sizes = [min(size, 100) for size in sizes]
        target = self.a_bucket(bucket)
        self.walk("list_unfinished", self._actor(actor), self._s3(s3), sizes, bucket=target, prefix=prefix)
