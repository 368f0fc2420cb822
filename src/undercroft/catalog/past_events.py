"""Statements about past events: those delivered and those given up, kept for a while so that they can be sent again.

What was delivered goes with the entry of the rule's log that says so, what was given up outlives it. An event is either here or
waits in the queue (`outbox.py`), never both: so nothing is asked for twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction, Value
from undercroft.catalog.outbox import Event

_EVENT = "event_type, at_ms, name, size, file_id"
_OF_RULE = "bucket_id = ?1 AND rule_id = ?2"
_OF_ENTRY = f"{_OF_RULE} AND is_given_up IN (0, 1) AND number = ?3"  # Spelt so that the primary key leads to it.


class PastEvent(NamedTuple):
    """An event that waits no more, as the entry `number` of its rule's log says. Its id is made of `first_sequence`."""

    number: int
    sequence: int
    first_sequence: int
    is_given_up: bool
    event: Event


async def move_here(
    tx: Transaction, bucket_id: str, rule_id: str, through: int, number: int, now_ms: int, *, is_given_up: bool
) -> None:
    """Keep the events that wait up to this sequence, which the caller removes from the queue next."""
    await tx.run(
        "INSERT INTO past_events"
        f" (bucket_id, rule_id, is_given_up, number, sequence, first_sequence, since_ms, {_EVENT})"
        " SELECT bucket_id, rule_id, CAST(?3 AS INTEGER), CAST(?4 AS BIGINT), sequence,"
        f" coalesce(first_sequence, sequence), CAST(?5 AS BIGINT), {_EVENT}"
        " FROM outbox WHERE bucket_id = ?1 AND rule_id = ?2 AND sequence <= ?6",
        (bucket_id, rule_id, int(is_given_up), number, now_ms, through),
    )


async def of_entry(
    rows: Rows, bucket_id: str, rule_id: str, number: int, after_sequence: int, limit: int
) -> list[PastEvent]:
    """The events of an entry of the log, in order, from the one after this sequence."""
    found = await rows.all(
        f"SELECT number, sequence, first_sequence, is_given_up, {_EVENT} FROM past_events"
        f" WHERE {_OF_ENTRY} AND sequence > ?4 ORDER BY sequence LIMIT ?5",
        (bucket_id, rule_id, number, after_sequence, limit),
    )
    return [
        PastEvent(row[0], row[1], row[2], is_given_up=bool(row[3]), event=Event._make(row[4:]))  # type: ignore[arg-type]
        for row in found
    ]


async def counts(rows: Rows, bucket_id: str, rule_id: str) -> dict[int, int]:
    """How many events are kept of each entry of the log that has any."""
    found = await rows.all(
        f"SELECT number, count(*) FROM past_events WHERE {_OF_RULE} GROUP BY number", (bucket_id, rule_id)
    )
    return dict(found)  # type: ignore[arg-type]


async def given_up(rows: Rows, bucket_id: str, rule_id: str) -> list[tuple[int, int]]:
    """The entries of the log whose events were given up and are kept, the oldest first, and of each how many."""
    found = await rows.all(
        f"SELECT number, count(*) FROM past_events WHERE {_OF_RULE} AND is_given_up = 1 GROUP BY number ORDER BY number",
        (bucket_id, rule_id),
    )
    return [(number, count) for number, count in found]  # type: ignore[misc]


async def move_to_queue(
    tx: Transaction, bucket_id: str, rule_id: str, number: int, chosen: Collection[int] | None, now_ms: int
) -> int:
    """Put the events of an entry, or those of the chosen sequences, at the end of the rule's queue, which is due then unless
    it waits already or is suspended. How many.
    """
    which = _OF_ENTRY
    arguments: tuple[Value, ...] = (bucket_id, rule_id, number)
    if chosen is not None:
        places = ", ".join(f"?{place}" for place in range(4, 4 + len(chosen)))
        which, arguments = f"{_OF_ENTRY} AND sequence IN ({places})", (*arguments, *sorted(chosen))
    count = await _count(tx, which, arguments)
    if not count:
        return 0
    after = len(arguments)
    numbered = await tx.one(
        "UPDATE notification_queues SET last_sequence = last_sequence + ?3,"
        " due_ms = CASE WHEN suspension_reason IS NULL THEN coalesce(due_ms, ?4) END"
        f" WHERE {_OF_RULE} RETURNING last_sequence",
        (bucket_id, rule_id, count, now_ms),
    )
    assert numbered is not None
    await tx.run(
        f"INSERT INTO outbox (bucket_id, rule_id, sequence, first_sequence, again_ms, {_EVENT})"
        f" SELECT bucket_id, rule_id, ?{after + 1} + row_number() OVER (ORDER BY sequence), first_sequence,"
        f" CAST(?{after + 2} AS BIGINT), {_EVENT} FROM past_events WHERE {which}",
        (*arguments, int(numbered[0]) - count, now_ms),  # type: ignore[arg-type]
    )
    await tx.run(f"DELETE FROM past_events WHERE {which}", arguments)
    return count


async def forget(tx: Transaction, bucket_id: str, rule_id: str, before_ms: int, most_given_up: int, limit: int) -> int:
    """Remove events that are kept since before a time, and given-up ones beyond so many, the oldest first. How many: at most `limit`."""
    excess = max(await _count(tx, f"{_OF_RULE} AND is_given_up = 1", (bucket_id, rule_id)) - most_given_up, 0)
    removed = 0
    for is_given_up, surplus in ((0, 0), (1, excess)):
        found = await tx.all(
            f"SELECT number, sequence, since_ms FROM past_events WHERE {_OF_RULE} AND is_given_up = ?3"
            " ORDER BY number, sequence LIMIT ?4",
            (bucket_id, rule_id, is_given_up, limit - removed),
        )
        gone = [
            (number, sequence)
            for place, (number, sequence, since_ms) in enumerate(found)
            if place < surplus or since_ms < before_ms  # type: ignore[operator]
        ]
        if gone:
            await tx.run(
                f"DELETE FROM past_events WHERE {_OF_RULE} AND is_given_up = ?3 AND (number, sequence) <= (?4, ?5)",
                (bucket_id, rule_id, is_given_up, *gone[-1]),
            )
            removed += len(gone)
    return removed


async def _count(rows: Rows, which: str, arguments: Sequence[Value]) -> int:
    row = await rows.one(f"SELECT count(*) FROM past_events WHERE {which}", arguments)
    assert row is not None
    return int(row[0])  # type: ignore[arg-type]


async def is_any_stale(rows: Rows, bucket_id: str, rule_id: str, before_ms: int, most_given_up: int) -> bool:
    """Whether there is anything to `forget`."""
    for is_given_up in (0, 1):
        row = await rows.one(
            f"SELECT since_ms FROM past_events WHERE {_OF_RULE} AND is_given_up = ?3 ORDER BY number, sequence LIMIT 1",
            (bucket_id, rule_id, is_given_up),
        )
        if row is not None and row[0] < before_ms:  # type: ignore[operator]
            return True
    row = await rows.one(
        f"SELECT 1 FROM past_events WHERE {_OF_RULE} AND is_given_up = 1 LIMIT 1 OFFSET ?3",
        (bucket_id, rule_id, most_given_up),
    )
    return row is not None
