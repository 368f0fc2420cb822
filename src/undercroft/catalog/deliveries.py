"""Statements about the log of deliveries: what was sent for each notification rule, and what came of it."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "at_ms, kind, events, attempt, status, duration_ms, error"


class DeliveryRow(NamedTuple):
    """One entry. `status` is None where no answer came; `error` is None where all went well.

    `kind` is `events`, `test`, or `dropped` for events that were given up; `attempt` counts from 1. An entry is numbered when
    it is added.
    """

    at_ms: int
    kind: str
    events: int
    attempt: int
    status: int | None
    duration_ms: int
    error: str | None
    number: int = 0


async def add(tx: Transaction, bucket_id: str, rule_id: str, entry: DeliveryRow, *, keep: int) -> int:
    """Add an entry to a rule's log, of which the latest `keep` stay, with the events that they delivered. Answers its number."""
    numbered = await tx.one(
        "INSERT INTO notification_queues (bucket_id, rule_id, last_sequence, last_delivery) VALUES (?1, ?2, 0, 1)"
        " ON CONFLICT (bucket_id, rule_id) DO UPDATE SET last_delivery = notification_queues.last_delivery + 1"
        " RETURNING last_delivery",
        (bucket_id, rule_id),
    )
    assert numbered is not None
    number = int(numbered[0])  # type: ignore[arg-type]
    await tx.run(
        f"INSERT INTO deliveries (bucket_id, rule_id, number, {_COLUMNS})"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (bucket_id, rule_id, number, *entry[:-1]),
    )
    for statement in (
        "DELETE FROM deliveries WHERE bucket_id = ?1 AND rule_id = ?2 AND number <= ?3",
        "DELETE FROM past_events WHERE bucket_id = ?1 AND rule_id = ?2 AND is_given_up = 0 AND number <= ?3",
    ):
        await tx.run(statement, (bucket_id, rule_id, number - keep))
    return number


async def latest(rows: Rows, bucket_id: str, rule_id: str, limit: int) -> list[DeliveryRow]:
    """The latest entries of a rule's log, newest first."""
    found = await rows.all(
        f"SELECT {_COLUMNS}, number FROM deliveries WHERE bucket_id = ?1 AND rule_id = ?2 ORDER BY number DESC LIMIT ?3",
        (bucket_id, rule_id, limit),
    )
    return [DeliveryRow._make(row) for row in found]
