"""Statements about events that wait to be delivered, and about the queue of each notification rule.

A rule's events are delivered in the order of their sequence. What is sent again comes in at the end, under a new sequence. The queue's row says when something is to be tried next, so the
search for work never looks at the events themselves.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_EVENT = "event_type, at_ms, name, size, file_id"
_QUEUE = (
    "bucket_id, rule_id, last_sequence, due_ms, attempts, failing_since_ms, suspension_reason, last_delivery, restarts"
)


class Event(NamedTuple):
    """What happened to a version: when (milliseconds), to which, and how large it is where it was made."""

    event_type: str
    at_ms: int
    name: bytes
    size: int | None
    file_id: str


class Waiting(NamedTuple):
    """An event in a queue. `first_sequence` is the one it had when it came in first, and `since_ms` says since when it waits."""

    sequence: int
    first_sequence: int
    since_ms: int
    event: Event


class QueueRow(NamedTuple):
    """The state of a rule's deliveries. A queue that is due never has no time; one that is suspended never has one.

    `attempts` have failed in a row, since `failing_since_ms`; `last_delivery` numbers the entries of the rule's log,
    and `restarts` counts how often somebody restarted or halted it.
    """

    bucket_id: str
    rule_id: str
    last_sequence: int
    due_ms: int | None
    attempts: int
    failing_since_ms: int | None
    suspension_reason: str | None
    last_delivery: int
    restarts: int


async def add(tx: Transaction, bucket_id: str, rule_id: str, event: Event) -> None:
    """Put an event at the end of a rule's queue, which is due then unless it waits already or is suspended."""
    row = await tx.one(
        "INSERT INTO notification_queues (bucket_id, rule_id, last_sequence, due_ms) VALUES (?1, ?2, 1, ?3)"
        " ON CONFLICT (bucket_id, rule_id) DO UPDATE SET last_sequence = notification_queues.last_sequence + 1,"
        " due_ms = CASE WHEN notification_queues.suspension_reason IS NULL"
        " THEN coalesce(notification_queues.due_ms, excluded.due_ms) END RETURNING last_sequence",
        (bucket_id, rule_id, event.at_ms),
    )
    assert row is not None
    await tx.run(
        f"INSERT INTO outbox (bucket_id, rule_id, sequence, {_EVENT}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (bucket_id, rule_id, row[0], *event),
    )


async def queue(rows: Rows, bucket_id: str, rule_id: str) -> QueueRow | None:
    """The queue of a rule; None where it never had an event."""
    row = await rows.one(
        f"SELECT {_QUEUE} FROM notification_queues WHERE bucket_id = ?1 AND rule_id = ?2", (bucket_id, rule_id)
    )
    return None if row is None else QueueRow._make(row)


async def due(rows: Rows, now_ms: int, latest_ms: int, limit: int, of_account: int) -> list[tuple[str, str, str]]:
    """Account, bucket and rule of the queues that are due, those that wait longest first; of one account only so many.

    One that is due after `latest_ms`, later than anything is ever put off, is of a clock that was ahead: it is due now. So is one
    that was not put off at all, wherever the clock was when its event happened.
    """
    found = await rows.all(
        "SELECT account_id, bucket_id, rule_id FROM (SELECT coalesce(b.account_id, r.account_id) AS account_id,"
        " q.bucket_id, q.rule_id, q.due_ms,"
        " row_number() OVER (PARTITION BY coalesce(b.account_id, r.account_id) ORDER BY q.due_ms) AS place"
        " FROM notification_queues q LEFT JOIN buckets b ON b.bucket_id = q.bucket_id"
        " LEFT JOIN orphaned_rules r ON r.bucket_id = q.bucket_id AND r.rule_id = q.rule_id"
        " WHERE q.due_ms IS NOT NULL AND (q.attempts = 0 OR q.due_ms <= ?1 OR q.due_ms > ?2)) AS waiting"
        " WHERE place <= ?4 ORDER BY due_ms LIMIT ?3",
        (now_ms, latest_ms, limit, of_account),
    )
    return [(str(account_id), str(bucket_id), str(rule_id)) for account_id, bucket_id, rule_id in found]


async def head(rows: Rows, bucket_id: str, rule_id: str, limit: int) -> list[Waiting]:
    """The events that wait in front of all others."""
    found = await rows.all(
        f"SELECT sequence, coalesce(first_sequence, sequence), coalesce(again_ms, at_ms), {_EVENT} FROM outbox"
        " WHERE bucket_id = ?1 AND rule_id = ?2 ORDER BY sequence LIMIT ?3",
        (bucket_id, rule_id, limit),
    )
    return [Waiting(row[0], row[1], row[2], Event._make(row[3:])) for row in found]  # type: ignore[arg-type]


async def count(rows: Rows, bucket_id: str, rule_id: str) -> int:
    """How many events wait for a rule."""
    row = await rows.one("SELECT count(*) FROM outbox WHERE bucket_id = ?1 AND rule_id = ?2", (bucket_id, rule_id))
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def queues_of(rows: Rows, bucket_id: str) -> list[QueueRow]:
    """The queues of a bucket's rules; a rule that never had an event or a test has none."""
    found = await rows.all(f"SELECT {_QUEUE} FROM notification_queues WHERE bucket_id = ?1", (bucket_id,))
    return [QueueRow._make(row) for row in found]


async def queues_after(rows: Rows, bucket_id: str, rule_id: str, limit: int) -> list[QueueRow]:
    """Queues of all buckets in the order of their keys, from the one after this."""
    found = await rows.all(
        f"SELECT {_QUEUE} FROM notification_queues WHERE (bucket_id, rule_id) > (?1, ?2)"
        " ORDER BY bucket_id, rule_id LIMIT ?3",
        (bucket_id, rule_id, limit),
    )
    return [QueueRow._make(row) for row in found]


async def forget(tx: Transaction, bucket_id: str, rule_id: str, through: int) -> None:
    """Remove the events up to this sequence: they are delivered, or given up."""
    await tx.run(
        "DELETE FROM outbox WHERE bucket_id = ?1 AND rule_id = ?2 AND sequence <= ?3", (bucket_id, rule_id, through)
    )


async def succeeded(tx: Transaction, bucket_id: str, rule_id: str, now_ms: int) -> bool:
    """Note that a delivery succeeded. Whether the queue goes on: events are left, and nobody has halted it meanwhile."""
    row = await tx.one(
        "UPDATE notification_queues SET attempts = 0, failing_since_ms = NULL, due_ms = CASE WHEN due_ms IS NOT NULL AND"
        " EXISTS (SELECT 1 FROM outbox o WHERE o.bucket_id = ?1 AND o.rule_id = ?2) THEN ?3 END"
        " WHERE bucket_id = ?1 AND rule_id = ?2 RETURNING due_ms",
        (bucket_id, rule_id, now_ms),
    )
    return row is not None and row[0] is not None


async def failed(tx: Transaction, seen: QueueRow, after: QueueRow) -> None:
    """Note that a delivery failed, unless the queue is not as it was `seen`: then somebody has restarted or halted it."""
    await tx.run(
        "UPDATE notification_queues SET attempts = ?5, due_ms = ?6, failing_since_ms = ?7, suspension_reason = ?8"
        " WHERE bucket_id = ?1 AND rule_id = ?2 AND attempts = ?3 AND restarts = ?4",
        (
            seen.bucket_id, seen.rule_id, seen.attempts, seen.restarts,
            after.attempts, after.due_ms, after.failing_since_ms, after.suspension_reason,
        ),
    )  # fmt: skip


async def restart(tx: Transaction, bucket_id: str, rule_id: str, now_ms: int) -> None:
    """Forget all failures, and have the events that wait delivered now."""
    await tx.run(
        "UPDATE notification_queues SET restarts = restarts + 1, attempts = 0, failing_since_ms = NULL,"
        " suspension_reason = NULL, due_ms ="
        " CASE WHEN EXISTS (SELECT 1 FROM outbox o WHERE o.bucket_id = ?1 AND o.rule_id = ?2) THEN ?3 END"
        " WHERE bucket_id = ?1 AND rule_id = ?2",
        (bucket_id, rule_id, now_ms),
    )


async def halt(tx: Transaction, bucket_id: str, rule_id: str) -> None:
    """Have nothing delivered until the queue is restarted. Failures are forgotten."""
    await tx.run(
        "UPDATE notification_queues SET restarts = restarts + 1, attempts = 0, failing_since_ms = NULL,"
        " suspension_reason = NULL, due_ms = NULL"
        " WHERE bucket_id = ?1 AND rule_id = ?2",
        (bucket_id, rule_id),
    )


async def remove(tx: Transaction, bucket_id: str, rule_id: str) -> None:
    """Remove the queue with all that waits in it, the log of its deliveries, and the events that these were about."""
    for table in ("notification_queues", "outbox", "deliveries", "past_events"):
        await tx.run(f"DELETE FROM {table} WHERE bucket_id = ?1 AND rule_id = ?2", (bucket_id, rule_id))
