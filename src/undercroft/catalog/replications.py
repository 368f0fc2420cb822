"""Statements about replication: the queue of each rule, the versions that wait in it, and those that failed.

A queue's row says when something is to be done next, so the search for work never looks at the versions themselves. It also
says how far the walk over the bucket's existing files has come, where the rule asks for them.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_QUEUE_NAMES = (
    "bucket_id", "rule", "last_sequence", "due_ms", "attempts", "failing_since_ms", "reason", "walk_name",
    "walk_inverted_ms", "walk_inverted_seq", "is_remote",
)  # fmt: skip
_QUEUE = ", ".join(_QUEUE_NAMES)
_WAITING = "sequence, handle, queued_ms, may_be_there"
_FAILURE = "handle, rule, queued_ms, failed_ms, retry_ms, reason"


class QueueRow(NamedTuple):
    """The state of a rule's replication. A queue without a time rests: it is empty, or its rule is paused.

    `attempts` were refused as a whole in a row, since `failing_since_ms`, the last one for `reason`. The walk over existing
    files goes on at (`walk_name`, `walk_inverted_ms`, `walk_inverted_seq`); without a name there is none under way. `is_remote` tells which of the two
    kinds of work takes the queue: that within this installation, or that to other ones.
    """

    bucket_id: str
    rule: str
    last_sequence: int = 0
    due_ms: int | None = None
    attempts: int = 0
    failing_since_ms: int | None = None
    reason: str | None = None
    walk_name: bytes | None = None
    walk_inverted_ms: int | None = None
    walk_inverted_seq: int | None = None
    is_remote: int = 0


class WaitingRow(NamedTuple):
    """A version that waits to be replicated under a rule, and since when (milliseconds).

    `may_be_there` tells that it may have been replicated before, so that another installation is asked first.
    """

    sequence: int
    handle: int
    queued_ms: int
    may_be_there: int


class FailureRow(NamedTuple):
    """A version that could not be replicated under a rule, why, and when it is tried again."""

    handle: int
    rule: str
    queued_ms: int
    failed_ms: int
    retry_ms: int
    reason: str


# -- Queues -----------------------------------------------------------------------------------------------------------
async def queue(rows: Rows, bucket_id: str, rule: str) -> QueueRow | None:
    """The queue of a rule; None where it never had anything to do."""
    row = await rows.one(
        f"SELECT {_QUEUE} FROM replication_queues WHERE bucket_id = ?1 AND rule = ?2", (bucket_id, rule)
    )
    return None if row is None else QueueRow._make(row)


async def queues_of(rows: Rows, bucket_id: str) -> list[QueueRow]:
    """The queues of a bucket, by rule."""
    found = await rows.all(f"SELECT {_QUEUE} FROM replication_queues WHERE bucket_id = ?1 ORDER BY rule", (bucket_id,))
    return [QueueRow._make(row) for row in found]


async def queues_due(rows: Rows, now_ms: int, limit: int, *, is_remote: bool) -> list[QueueRow]:
    """The queues of a kind of work that have something to do by now, the longest due first.

    What waits and was not put off is due, wherever the clock was when it came.
    """
    found = await rows.all(
        f"SELECT {_QUEUE} FROM replication_queues AS q WHERE is_remote = ?3 AND due_ms IS NOT NULL AND (due_ms <= ?1"
        " OR (attempts = 0 AND EXISTS (SELECT 1 FROM replications AS r WHERE r.bucket_id = q.bucket_id AND r.rule = q.rule)))"
        " ORDER BY due_ms LIMIT ?2",
        (now_ms, limit, int(is_remote)),
    )
    return [QueueRow._make(row) for row in found]


async def put_queue(tx: Transaction, row: QueueRow) -> None:
    """Write a queue's state, except its last sequence, which belongs to those who add to it."""
    await tx.run(
        f"INSERT INTO replication_queues ({_QUEUE}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT (bucket_id, rule) DO UPDATE SET due_ms = excluded.due_ms, attempts = excluded.attempts,"
        " failing_since_ms = excluded.failing_since_ms, reason = excluded.reason, walk_name = excluded.walk_name,"
        " walk_inverted_ms = excluded.walk_inverted_ms, walk_inverted_seq = excluded.walk_inverted_seq,"
        " is_remote = excluded.is_remote",
        row,
    )


async def delete_queue(tx: Transaction, bucket_id: str, rule: str) -> None:
    """Remove the queue of a rule that is gone, which has nothing in it any more."""
    await tx.run("DELETE FROM replication_queues WHERE bucket_id = ?1 AND rule = ?2", (bucket_id, rule))


async def wake(tx: Transaction, bucket_id: str, now_ms: int) -> None:
    """Let every queue of a bucket be looked at now, whatever it was waiting for."""
    await tx.run(
        "UPDATE replication_queues SET due_ms = ?2, attempts = 0, failing_since_ms = NULL WHERE bucket_id = ?1",
        (bucket_id, now_ms),
    )


# -- Versions that wait -----------------------------------------------------------------------------------------------
async def add(
    tx: Transaction, bucket_id: str, rule: str, handle: int, queued_ms: int, *, due_ms: int, may_be_there: bool = True
) -> None:
    """Put a version at the end of a rule's queue, which is due then unless it was put off or is due before.

    A queue that waits to take up failures again has a time too, and does not let what comes wait for that.

    Nothing is changed where it waits there already.
    """
    await tx.run(
        "INSERT INTO replication_queues (bucket_id, rule, last_sequence, due_ms) VALUES (?1, ?2, 1, ?3)"
        " ON CONFLICT (bucket_id, rule) DO UPDATE SET last_sequence = replication_queues.last_sequence + 1,"
        " due_ms = CASE WHEN replication_queues.due_ms IS NULL"
        " OR (replication_queues.attempts = 0 AND replication_queues.due_ms > excluded.due_ms)"
        " THEN excluded.due_ms ELSE replication_queues.due_ms END",
        (bucket_id, rule, due_ms),
    )
    await tx.run(
        f"INSERT INTO replications (bucket_id, rule, {_WAITING})"
        " SELECT ?1, ?2, last_sequence, ?3, ?4, ?5 FROM replication_queues WHERE bucket_id = ?1 AND rule = ?2"
        " ON CONFLICT (bucket_id, handle, rule) DO NOTHING",
        (bucket_id, rule, handle, queued_ms, int(may_be_there)),
    )


async def waiting(rows: Rows, bucket_id: str, rule: str, limit: int, *, after: int = 0) -> list[WaitingRow]:
    """The versions that wait under a rule, in the order of their coming, after this sequence."""
    found = await rows.all(
        f"SELECT {_WAITING} FROM replications WHERE bucket_id = ?1 AND rule = ?2 AND sequence > ?4"
        " ORDER BY sequence LIMIT ?3",
        (bucket_id, rule, limit, after),
    )
    return [WaitingRow._make(row) for row in found]


async def take(tx: Transaction, bucket_id: str, rule: str, sequence: int) -> bool:
    """Remove a version from a queue; False where it does not wait there any more."""
    row = await tx.one(
        "DELETE FROM replications WHERE bucket_id = ?1 AND rule = ?2 AND sequence = ?3 RETURNING 1",
        (bucket_id, rule, sequence),
    )
    return row is not None


async def waits(rows: Rows, bucket_id: str, handle: int) -> bool:
    """Whether the version waits under any rule."""
    sql = "SELECT 1 FROM replications WHERE bucket_id = ?1 AND handle = ?2 LIMIT 1"
    return await rows.one(sql, (bucket_id, handle)) is not None


# -- Failures ---------------------------------------------------------------------------------------------------------
async def fail(tx: Transaction, bucket_id: str, row: FailureRow) -> None:
    """Remember that a version could not be replicated."""
    await tx.run(
        f"INSERT INTO replication_failures (bucket_id, {_FAILURE}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT (bucket_id, handle, rule) DO UPDATE SET failed_ms = excluded.failed_ms,"
        " retry_ms = excluded.retry_ms, reason = excluded.reason",
        (bucket_id, *row),
    )


async def has_failed(rows: Rows, bucket_id: str, handle: int) -> bool:
    """Whether the version failed under any rule."""
    sql = "SELECT 1 FROM replication_failures WHERE bucket_id = ?1 AND handle = ?2 LIMIT 1"
    return await rows.one(sql, (bucket_id, handle)) is not None


async def failures(rows: Rows, bucket_id: str, rule: str, limit: int, *, due_ms: int | None = None) -> list[FailureRow]:
    """The failures of a rule, those that are tried again first at the front; with `due_ms` only those due by then."""
    until = "" if due_ms is None else " AND retry_ms <= ?4"
    found = await rows.all(
        f"SELECT {_FAILURE} FROM replication_failures WHERE bucket_id = ?1 AND rule = ?2{until}"
        " ORDER BY retry_ms LIMIT ?3",
        (bucket_id, rule, limit) if due_ms is None else (bucket_id, rule, limit, due_ms),
    )
    return [FailureRow._make(row) for row in found]


async def end_failure(tx: Transaction, bucket_id: str, handle: int, rule: str) -> None:
    """Forget one failure."""
    await tx.run(
        "DELETE FROM replication_failures WHERE bucket_id = ?1 AND handle = ?2 AND rule = ?3", (bucket_id, handle, rule)
    )


async def forget(tx: Transaction, bucket_id: str, handle: int) -> None:
    """Remove a version from every queue and from the failures: it is gone."""
    for table in ("replications", "replication_failures"):
        await tx.run(f"DELETE FROM {table} WHERE bucket_id = ?1 AND handle = ?2", (bucket_id, handle))


# -- Figures ----------------------------------------------------------------------------------------------------------
async def count(rows: Rows, bucket_id: str, rule: str) -> tuple[int, int | None, int]:
    """How many versions wait under a rule, since when the longest (milliseconds), and how many failed."""
    row = await rows.one(
        "SELECT (SELECT count(*) FROM replications WHERE bucket_id = ?1 AND rule = ?2),"
        " (SELECT queued_ms FROM replications WHERE bucket_id = ?1 AND rule = ?2 ORDER BY sequence LIMIT 1),"
        " (SELECT count(*) FROM replication_failures WHERE bucket_id = ?1 AND rule = ?2)",
        (bucket_id, rule),
    )
    assert row is not None
    return row[0], row[1], row[2]  # type: ignore[return-value]
