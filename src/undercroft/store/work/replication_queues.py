"""The queues of replication rules: what happens to them when a rule is refused, paused, changed or gone, and when they are empty.

All of it is inside of a transaction of the caller, and does a bounded part of what there is to do.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft import limits
from undercroft.catalog import buckets, replication_targets, replications, versions
from undercroft.catalog.contract import Transaction
from undercroft.catalog.replication_targets import TargetRow
from undercroft.catalog.replications import FailureRow, QueueRow, WaitingRow
from undercroft.catalog.versions import VersionRow
from undercroft.store.directory import bucket_of_row
from undercroft.store.files.replicas import has_replica
from undercroft.store.files.replicating import can_be_replicated, set_status
from undercroft.store.model import Bucket, ReplicationRule
from undercroft.store.work.replication_reports import take_up


class Refused(Exception):
    """Why a rule cannot be carried out, or a version not be replicated."""


class Ready(NamedTuple):
    """Versions that may be replicated now, under a rule that is not paused. Without a target, within this installation."""

    bucket: Bucket
    rule: ReplicationRule
    queue: QueueRow
    waiting: list[WaitingRow]
    target: TargetRow | None


async def next_of(tx: Transaction, bucket_id: str, name: str, now_ms: int, *, is_remote: bool) -> Ready | bool:
    """What a rule's queue has ready for this kind of work.

    If it is nothing, what else the queue has to do is begun, and the answer tells whether more can be done now.
    """
    queue = await replications.queue(tx, bucket_id, name)
    if queue is None or queue.due_ms is None or queue.is_remote != is_remote:
        return False
    if queue.due_ms > now_ms and (queue.attempts or not await replications.waiting(tx, bucket_id, name, 1)):
        return False
    row = await buckets.by_id(tx, bucket_id)
    assert row is not None, "a bucket's queues go with it"
    bucket = await bucket_of_row(tx, row)
    source = bucket.replication.as_replication_source
    rule = None if source is None else source.rule(name)
    if rule is None:
        return await dissolve(tx, bucket, queue, now_ms)
    if not rule.is_enabled:
        await replications.put_queue(tx, queue._replace(due_ms=None))
        return False
    target = await replication_targets.find(tx, rule.destination_bucket_id)
    if (target is not None) != is_remote:
        await replications.put_queue(tx, queue._replace(is_remote=int(not is_remote)))
        return False
    waiting = await replications.waiting(tx, bucket_id, name, limits.REPLICATION_BATCH)
    if waiting:
        return Ready(bucket, rule, queue, waiting, target)
    if queue.walk_name is not None and rule.include_existing_files:
        await walk(tx, bucket, rule, queue, now_ms)
        return True
    return await retry_or_rest(tx, queue, now_ms)


async def complete(tx: Transaction, row: VersionRow, rule: str) -> None:
    """Note that a version, which was just taken from the queue, has been replicated."""
    await replications.end_failure(tx, row.bucket_id, row.handle, rule)
    await set_status(tx, row, versions.COMPLETED)


async def put_off(tx: Transaction, queue: QueueRow, waiting: list[WaitingRow], reason: str, now_ms: int) -> bool:
    """Let a refused rule wait, longer each time; what waits in its queue fails once that has lasted."""
    since_ms = now_ms if queue.failing_since_ms is None else queue.failing_since_ms
    wait_s = min(limits.REPLICATION_WAIT_MIN_S * 2 ** min(queue.attempts, 16), limits.REPLICATION_WAIT_MAX_S)
    is_lasting = now_ms - since_ms >= limits.REPLICATION_REFUSED_MAX_S * 1000
    if is_lasting:
        for item in waiting:
            await replications.take(tx, queue.bucket_id, queue.rule, item.sequence)
            found = (await versions.by_handle(tx, queue.bucket_id, item.handle)).version
            if found is not None:
                await fail(tx, found, queue.rule, item, reason, now_ms)
    await replications.put_queue(
        tx,
        queue._replace(
            due_ms=now_ms if is_lasting else now_ms + wait_s * 1000,
            attempts=queue.attempts if is_lasting else queue.attempts + 1,
            failing_since_ms=since_ms,
            reason=reason,
        ),
    )
    return is_lasting


async def fail(tx: Transaction, row: VersionRow, rule: str, item: WaitingRow, reason: str, now_ms: int) -> None:
    """Note that a version, which was just taken from the queue, cannot be replicated for now."""
    retry_ms = now_ms + limits.REPLICATION_RETRY_S * 1000
    failure = FailureRow(item.handle, rule, item.queued_ms, now_ms, retry_ms, reason)
    await replications.fail(tx, row.bucket_id, failure)
    await set_status(tx, row, versions.FAILED)


async def retry_or_rest(tx: Transaction, queue: QueueRow, now_ms: int) -> bool:
    """With an empty queue: take up failures whose time has come, or else wait for it. Whether there were any."""
    due = await replications.failures(tx, queue.bucket_id, queue.rule, limits.REPLICATION_BATCH, due_ms=now_ms)
    for failure in due:
        await take_up(tx, queue.bucket_id, failure, now_ms)
    if due:
        return True
    following = await replications.failures(tx, queue.bucket_id, queue.rule, 1)
    await replications.put_queue(tx, queue._replace(due_ms=following[0].retry_ms if following else None))
    return False


async def dissolve(tx: Transaction, bucket: Bucket, queue: QueueRow, now_ms: int) -> bool:
    """Empty the queue of a rule that is gone, and remove it. True where there is more in it."""
    waiting = await replications.waiting(tx, queue.bucket_id, queue.rule, limits.REPLICATION_BATCH)
    for item in waiting:
        await replications.take(tx, queue.bucket_id, queue.rule, item.sequence)
    failed = await replications.failures(tx, queue.bucket_id, queue.rule, limits.REPLICATION_BATCH)
    for failure in failed:
        await replications.end_failure(tx, queue.bucket_id, failure.handle, queue.rule)
    for handle in [*(item.handle for item in waiting), *(failure.handle for failure in failed)]:
        found = (await versions.by_handle(tx, queue.bucket_id, handle)).version
        assert found is not None, "nothing waits for a version that is gone"
        await release(tx, bucket, found, now_ms)
    if waiting or failed:
        return True
    await replications.delete_queue(tx, queue.bucket_id, queue.rule)
    return False


async def release(tx: Transaction, bucket: Bucket, row: VersionRow, now_ms: int) -> None:
    """Let a version go that its rule does not cover any more: to other rules that do, or to none."""
    source = bucket.replication.as_replication_source
    left = None
    for rule in [] if source is None else source.rules_for(row.name):
        if await has_replica(tx, row, rule.destination_bucket_id):
            left = versions.COMPLETED
        else:
            name = rule.replication_rule_name
            await replications.end_failure(tx, row.bucket_id, row.handle, name)
            await replications.add(tx, row.bucket_id, name, row.handle, now_ms, due_ms=now_ms)
    await set_status(tx, row, left)


async def walk(tx: Transaction, bucket: Bucket, rule: ReplicationRule, queue: QueueRow, now_ms: int) -> None:
    """Put a page of the bucket's existing versions into the queue of a rule that asks for them."""
    source = bucket.replication.as_replication_source
    assert source is not None
    assert queue.walk_name is not None
    assert queue.walk_inverted_ms is not None
    assert queue.walk_inverted_seq is not None
    place = (queue.walk_name, queue.walk_inverted_ms, queue.walk_inverted_seq)
    end = versions.prefix_end(rule.file_name_prefix.encode())
    page = await versions.every_from(tx, bucket.bucket_id, place, end, limits.REPLICATION_WALK_PAGE, unfinished=False)
    for row in reversed(page):  # Of one name, the oldest is to come first.
        if can_be_replicated(row) and rule in source.rules_for(row.name):
            if await has_replica(tx, row, rule.destination_bucket_id):
                continue
            name = rule.replication_rule_name
            await replications.end_failure(tx, row.bucket_id, row.handle, name)
            await replications.add(tx, row.bucket_id, name, row.handle, now_ms, due_ms=now_ms)
            await set_status(tx, row, versions.PENDING)
    following = page[-1].place_after if len(page) == limits.REPLICATION_WALK_PAGE else (None, None, None)
    await replications.put_queue(
        tx,
        queue._replace(walk_name=following[0], walk_inverted_ms=following[1], walk_inverted_seq=following[2]),
    )
