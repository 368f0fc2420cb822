"""The reference model's large files, and their parts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from model.digests import joined_etag, md5_of, sha1_of
from model.holdings import Holdings
from model.rows import part_row, version_row
from model.things import PART_MIN_BYTES, Ask, New, Part, Range, Refused, Version, noting, refuse_for


class LargeFiles(Holdings):
    """The operations on large files that are not finished."""

    def start(self, ask: Ask, bucket_id: str, name: str, new: New) -> dict[str, Any]:
        """Begin a large file, which hides nothing and is no file yet. Its time is that of an upload."""
        bucket = self._bucket_for(ask, "writeFiles", bucket_id, name)
        self._make_room(bucket, 0)
        return self._add(ask, bucket_id, name, "start", new, b"", ("none", ""), self._mode(new, bucket))

    def upload_part(self, ask: Ask, large_id: str, number: int, body: bytes, customer: str | None) -> dict[str, Any]:
        """Set a part, in place of one that has the number already; with the key that the file was started with."""
        large = self._large(ask, large_id)
        if large.customer != customer:
            raise Refused("part key", *([] if self._has_part_room(large, number, body) else ["storage cap"]))
        return self._put_part(large, number, body)

    def copy_part(
        self,
        ask: Ask,
        large_id: str,
        number: int,
        source_id: str,
        asked: Range | None,
        customer: str | None,
        own: str | None,
    ) -> dict[str, Any]:
        """Set a part to the bytes of a file or a range of them, which to S3 must lie within the file.

        `customer` is whose key the source is opened with, `own` that of the large file.
        """
        reasons: set[str] = set()
        with noting(reasons):
            self._large(ask, large_id)
        found = self.versions.get(large_id)
        other_key = {"part key"} if found is not None and found.customer != own else set()
        try:
            source = self._source(ask, source_id, self.buckets.get(self._home(large_id)), reasons)
        except Refused as refused:
            raise Refused(*refused.reasons, *other_key) from None
        large = self.versions[large_id]
        if ask.s3 and asked is not None and (asked.last is None or asked.last >= len(source.body)):
            raise Refused("bad part range")
        reasons |= other_key
        with noting(reasons):
            body = self._opened(source, asked, customer)
        refuse_for(reasons)
        return self._put_part(large, number, body)

    def _put_part(self, large: Version, number: int, body: bytes) -> dict[str, Any]:
        if not self._has_part_room(large, number, body):
            raise Refused("storage cap")
        large.parts[number] = Part(number, body, sha1_of(body), md5_of(body))
        return part_row(large.parts[number], large)

    def _has_part_room(self, large: Version, number: int, body: bytes) -> bool:
        replaced = large.parts.get(number)
        return self._has_room(self.buckets[large.bucket_id], len(body) - len(replaced.body if replaced else b""))

    def list_parts(self, ask: Ask, large_id: str) -> list[dict[str, Any]]:
        """The parts that have arrived, by number."""
        large = self._large(ask, large_id, "listFiles" if ask.s3 else "writeFiles")
        return [part_row(part, large) for _, part in sorted(large.parts.items())]

    def finish(self, ask: Ask, large_id: str, listed: Sequence[tuple[int, str]]) -> dict[str, Any]:
        """Make one file of the parts listed, by number and digest; the others are dropped.

        The native dialect takes SHA-1s of parts 1, 2, … and puts the file where it was started; S3 takes MD5s, allows gaps
        and one part, and makes the file the newest of its name. Repeating what succeeded, S3 says so again.
        """
        numbers = [number for number, _ in listed]
        reasons: set[str] = set()
        if not ask.s3 and len(listed) < 2:
            reasons.add("too few parts")
        if ask.s3 and any(second <= first for first, second in itertools.pairwise(numbers)):
            reasons.add("part order")
        try:
            large = self._large(ask, large_id)
        except Refused as refused:
            done = self.versions.get(large_id)
            etag = joined_etag([digest for _, digest in listed])
            if ask.s3 and refused.reasons == {"no upload"} and done is not None and done.etag == etag:
                return version_row(done)
            raise Refused(*reasons, *refused.reasons) from None
        for number, digest in listed:
            part = large.parts.get(number)
            if part is None:
                reasons.add("missing part")
            elif digest != (part.md5 if ask.s3 else part.sha1):
                reasons.add("part mismatch")
            elif number != numbers[-1] and len(part.body) < PART_MIN_BYTES:
                reasons.add("part too small")
        refuse_for(reasons)
        if ask.s3:
            self._check_time(ask, self._newest(large.bucket_id, large.name))
            large.time_ms = ask.time_ms or 0
        else:
            assert ask.time_ms == large.started_ms, "a finished file keeps the time of its start"
        large.parts = {number: large.parts[number] for number in numbers}
        large.body = b"".join(part.body for part in large.parts.values())
        large.etag = joined_etag([part.md5 for part in large.parts.values()])
        large.action = "upload"
        large.sequence = next(self._sequence)
        return self._tell("b2:ObjectCreated:MultipartUpload", large, version_row(large))

    def cancel(self, ask: Ask, large_id: str) -> dict[str, Any]:
        """Drop an unfinished large file."""
        large = self._large(ask, large_id)
        self.graves[large_id] = self.versions.pop(large_id)
        return version_row(large)

    def _large(self, ask: Ask, large_id: str, capability: str = "writeFiles") -> Version:
        """The unfinished large file of this id."""
        version = self._version(ask, large_id, "no upload", capability)
        if version.action != "start":
            raise Refused("no upload")
        return version
