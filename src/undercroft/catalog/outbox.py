"""Statements about events that wait to be delivered, and about the queue of each notification rule.

A rule's events are delivered in the order of their sequence. The queue's row says when something is to be tried next, so the
search for work never looks at the events themselves.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_EVENT = "event_type, at_ms, name, size, file_id"
_QUEUE = "bucket_id, rule_id, last_sequence, due_ms, attempts, failing_since_ms, suspension_reason, last_delivery"


class Event(NamedTuple):
    """What happened to a version: when (milliseconds), to which, and how large it is where it was made."""

    event_type: str
    at_ms: int
    name: bytes
    size: int | None
    file_id: str


class QueueRow(NamedTuple):
    """The state of a rule's deliveries. A queue that is due never has no time; one that is suspended never has one.

    `attempts` have failed in a row, since `failing_since_ms`; `last_delivery` numbers the entries of the rule's log.
    """

    bucket_id: str
    rule_id: str
    last_sequence: int
    due_ms: int | None
    attempts: int
    failing_since_ms: int | None
    suspension_reason: str | None
    last_delivery: int


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
