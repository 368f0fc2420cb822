"""The rules for changing a bucket's replication (B2 Native API reference, section 16).

Keys are only referenced: a configuration stays valid when one of them is deleted, and is then refused at work. What a bucket
has already is therefore not examined again, so that a rule can be paused or deleted whatever became of its keys and bucket.
"""

from __future__ import annotations

import itertools
import re

import msgspec

from undercroft import limits
from undercroft.catalog import buckets, keys, replication_targets, replications
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.replications import QueueRow
from undercroft.catalog.versions import FIRST
from undercroft.store import ids
from undercroft.store.errors import InvalidRequest, NoSuchBucket, ReplicationConflict
from undercroft.store.model import (
    SNAPSHOT,
    Bucket,
    Lock,
    Replication,
    ReplicationDestination,
    ReplicationRule,
    ReplicationSource,
)
from undercroft.store.operations import Operation

DOCUMENT = "replication"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def check(replication: Replication) -> None:
    """Raise `InvalidRequest` for what no bucket can have."""
    if replication.as_replication_source is not None:
        _check_source(replication.as_replication_source)
    if replication.as_replication_destination is not None:
        _check_destination(replication.as_replication_destination)


def _check_source(source: ReplicationSource) -> None:
    rules = source.replication_rules
    if len(rules) > limits.REPLICATION_RULES_PER_BUCKET:
        raise InvalidRequest(f"A bucket can have at most {limits.REPLICATION_RULES_PER_BUCKET} replication rules")
    if not source.source_application_key_id:
        raise InvalidRequest("sourceApplicationKeyId must not be empty")
    for rule in rules:
        _check_rule(rule)
    for one, other in itertools.combinations(rules, 2):
        if one.replication_rule_name == other.replication_rule_name:
            raise InvalidRequest(f"Two replication rules are named {one.replication_rule_name}")
        if one.priority == other.priority:
            raise InvalidRequest(f"Two replication rules have the priority {one.priority}")


def check_rule_name(name: str) -> None:
    """Raise `InvalidRequest` unless a rule may be called this."""
    if not _NAME.match(name):
        raise InvalidRequest(
            f"Invalid replicationRuleName {name[:100]!r}: 1 to 64 letters, digits, '-' and '_'", "replicationRuleName"
        )


def _check_rule(rule: ReplicationRule) -> None:
    name = rule.replication_rule_name
    check_rule_name(name)
    if not 1 <= rule.priority <= limits.REPLICATION_PRIORITY_MAX:
        raise InvalidRequest(
            f"The replication rule {name} has a priority outside 1 to {limits.REPLICATION_PRIORITY_MAX}"
        )
    if len(rule.file_name_prefix.encode()) > limits.FILE_NAME_MAX_BYTES:
        raise InvalidRequest(f"The replication rule {name} has a fileNamePrefix longer than any file name")
    if not ids.is_bucket_id(rule.destination_bucket_id):
        raise InvalidRequest(f"The replication rule {name} has an invalid destinationBucketId")


def _check_destination(destination: ReplicationDestination) -> None:
    mapping = destination.source_to_destination_key_mapping
    if len(mapping) > limits.REPLICATION_SOURCES_PER_BUCKET:
        raise InvalidRequest(f"A bucket can be the destination of at most {limits.REPLICATION_SOURCES_PER_BUCKET} keys")
    if not all(itertools.chain.from_iterable(mapping.items())):
        raise InvalidRequest("sourceToDestinationKeyMapping must not have empty key ids")


async def change(tx: Transaction, bucket: Bucket, after: Replication, now_ms: int) -> None:
    """Give the bucket, which is as it is in this transaction, this replication.

    Raises `InvalidRequest` and `NoSuchBucket` where it names something new that is not as it must be.
    """
    before = bucket.replication
    if after == before:
        return
    await _check_names(tx, bucket, after)
    await buckets.put_document(tx, bucket.bucket_id, DOCUMENT, msgspec.json.encode(after).decode())
    for rule in _to_walk(before.as_replication_source, after.as_replication_source):
        start = (rule.file_name_prefix.encode(), FIRST, FIRST)
        await replications.put_queue(
            tx,
            QueueRow(
                bucket.bucket_id,
                rule.replication_rule_name,
                walk_name=start[0],
                walk_inverted_ms=start[1],
                walk_inverted_seq=start[2],
            ),
        )
    await replications.wake(tx, bucket.bucket_id, now_ms)


def check_lock(before: Bucket, lock: Lock, replication: Replication | None) -> None:
    """Raise `ReplicationConflict` where an existing source of replication gets Object Lock and stays a source."""
    after = before.replication if replication is None else replication
    if (
        lock.enabled
        and not before.lock.enabled
        and before.replication.as_replication_source is not None
        and after.as_replication_source is not None
    ):
        raise ReplicationConflict(
            "Turning on file lock for an existing bucket having source replication configuration is not allowed."
        )


async def _check_names(rows: Rows, bucket: Bucket, after: Replication) -> None:
    """Look at the keys and buckets that the configuration names and the one before it did not."""
    before_source, source = bucket.replication.as_replication_source, after.as_replication_source
    if source is not None:
        known = set() if before_source is None else _destinations(before_source)
        for destination in sorted(_destinations(source) - known):
            if destination == bucket.bucket_id:
                raise InvalidRequest("A bucket cannot be replicated to itself")
            found = await buckets.by_id(rows, destination)
            if found is not None and found.type == SNAPSHOT:
                raise InvalidRequest("Nothing is replicated into a bucket of snapshots", "destination")
            if found is None:
                target = await replication_targets.find(rows, destination)
                if target is None or target.account_id != bucket.account_id:
                    raise NoSuchBucket(destination)
        if before_source is None or before_source.source_application_key_id != source.source_application_key_id:
            await _check_key(rows, bucket, source.source_application_key_id, Operation.READ_FILE)
    if after.as_replication_destination is not None:
        was = bucket.replication.as_replication_destination
        known = set() if was is None else set(was.source_to_destination_key_mapping.values())
        for key_id in sorted(set(after.as_replication_destination.source_to_destination_key_mapping.values()) - known):
            await _check_key(rows, bucket, key_id, Operation.WRITE_FILE)


async def _check_key(rows: Rows, bucket: Bucket, key_id: str, operation: Operation) -> None:
    row = await keys.find(rows, key_id)
    if row is None or row.account_id != bucket.account_id:
        raise InvalidRequest(f"There is no application key {key_id[:100]}")
    if operation.value not in msgspec.json.decode(row.capabilities, type=list[str]):
        raise InvalidRequest(f"The application key {key_id} does not have the capability {operation.value}")


def _destinations(source: ReplicationSource) -> set[str]:
    return {rule.destination_bucket_id for rule in source.replication_rules}


def _to_walk(before: ReplicationSource | None, after: ReplicationSource | None) -> list[ReplicationRule]:
    """The rules for which the files that are there are looked through: new ones, changed ones, and those that go on.

    What came while a rule was paused is there when it goes on, so that it counts as existing.
    """
    if after is None:
        return []
    known = () if before is None else before.replication_rules
    return [
        rule
        for rule in after.replication_rules
        if rule.is_enabled and rule.include_existing_files and rule not in known
    ]
