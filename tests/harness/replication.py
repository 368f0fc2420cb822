"""Replication for tests: a bucket that is replicated, the bucket that it is replicated to, and short ways to look at both."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from harness.stores import Bench, sha1
from undercroft.catalog import replications
from undercroft.catalog.replications import QueueRow
from undercroft.store.buckets.lock import LockChange
from undercroft.store.model import (
    Action,
    Bucket,
    FileVersion,
    Replication,
    ReplicationDestination,
    ReplicationRule,
    ReplicationSource,
)

READING = ("readFiles", "readFileRetentions", "readFileLegalHolds")
WRITING = ("writeFiles", "writeFileRetentions", "writeFileLegalHolds")


class Pair(NamedTuple):
    """The bench's bucket, another one, and the two keys."""

    source: Bucket
    destination: Bucket
    reader_id: str
    writer_id: str


def rule(destination: Bucket, name: str = "rule-1", **changes: Any) -> ReplicationRule:
    """A rule for all files."""
    plain = ReplicationRule(name, destination.bucket_id, "", False, True, 128)
    return msgspec.structs.replace(plain, **changes)


async def new_bucket(bench: Bench, name: str, *, locked: bool = False) -> Bucket:
    lock = LockChange(enabled=True if locked else None)
    return await bench.store.buckets.create(bench.principal, name, "allPrivate", lock=lock)


async def set_rules(bench: Bench, pair: Pair, *rules: ReplicationRule) -> None:
    """Give the source these rules."""
    source = await bench.store.buckets.find(bucket_id=pair.source.bucket_id)
    half = source.replication.as_replication_destination
    replication = Replication(ReplicationSource(tuple(rules), pair.reader_id), half)
    await bench.store.buckets.update(bench.principal, source.bucket_id, replication=replication)


async def accept(bench: Bench, bucket: Bucket, mapping: dict[str, str]) -> None:
    """Let a bucket take in what these source keys read."""
    now = await bench.store.buckets.find(bucket_id=bucket.bucket_id)
    half = Replication(now.replication.as_replication_source, ReplicationDestination(mapping))
    await bench.store.buckets.update(bench.principal, bucket.bucket_id, replication=half)


async def pair_of(
    bench: Bench,
    *,
    reading: tuple[str, ...] = READING,
    writing: tuple[str, ...] = WRITING,
    locked: bool = False,
    destination: str = "destination-bucket",
) -> Pair:
    """The bench's bucket and a destination that takes in what a new key reads; no rule yet."""
    target = await new_bucket(bench, destination, locked=locked)
    keys = bench.store.identity.keys
    reader = await keys.create(bench.principal, "reader", list(reading))
    writer = await keys.create(bench.principal, "writer", list(writing))
    await accept(bench, target, {reader.key_id: writer.key_id})
    return Pair(bench.bucket, target, reader.key_id, writer.key_id)


async def replicated(bench: Bench, **options: Any) -> Pair:
    """As `pair_of`, with a rule for all files."""
    pair = await pair_of(bench, **options)
    await set_rules(bench, pair, rule(pair.destination))
    return pair


async def run(bench: Bench) -> None:
    """Let the steward's work have its turns until nothing is left that could be done now."""
    while await bench.store.work.replication.is_wanted():
        await bench.store.work.replication.run()


async def listed(bench: Bench, bucket: Bucket) -> list[FileVersion]:
    """All finished versions of a bucket, in the order of lists."""
    now = await bench.store.buckets.find(bucket_id=bucket.bucket_id)
    page = await bench.store.files.list_versions(bench.principal, now, limit=10_000, unfinished=False)
    assert not page.more
    return [row for row in page.rows if isinstance(row, FileVersion)]


async def statuses(bench: Bench, bucket: Bucket) -> list[tuple[str, str | None]]:
    """Name and status of each version."""
    return [
        (one.name, None if one.replication_status is None else one.replication_status.name)
        for one in await listed(bench, bucket)
    ]


async def failures(bench: Bench, bucket: Bucket, name: str = "rule-1") -> list[str]:
    """Why each version that failed under a rule did."""
    found = await bench.catalog.scan(lambda rows: replications.failures(rows, bucket.bucket_id, name, 100))
    return [failure.reason for failure in found]


async def queue_of(bench: Bench, bucket: Bucket, name: str = "rule-1") -> QueueRow | None:
    """The queue of a rule, while it has one."""
    return await replications.queue(bench.catalog.rows, bucket.bucket_id, name)


async def picture(bench: Bench, bucket: Bucket) -> list[tuple[Any, ...]]:
    """What a replica has in common with its source, for each version in the order of lists."""
    return [
        (
            one.name,
            one.action.name,
            one.uploaded_ms,
            one.content_type,
            one.content_sha1,
            one.etag,
            tuple(sorted(one.info.items())),
            one.part_count,
            sha1(await bench.bytes_of(one)) if one.action is Action.UPLOAD else None,
        )
        for one in await listed(bench, bucket)
    ]
