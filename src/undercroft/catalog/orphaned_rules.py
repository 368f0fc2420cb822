"""Statements about orphaned rules: notification rules whose bucket was deleted while events waited for them.

Such a rule keeps its queue (`outbox.py`) until nothing waits in it any more. What was in its bucket's documents is here, with what
its messages say of the bucket.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog import outbox
from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "bucket_id, rule_id, account_id, bucket_name, rule"


class OrphanRow(NamedTuple):
    """A row of `orphaned_rules`. `rule` is a document, as it was in the list of the bucket's rules."""

    bucket_id: str
    rule_id: str
    account_id: str
    bucket_name: str
    rule: str


async def insert(tx: Transaction, row: OrphanRow) -> None:
    """Keep a rule, whose queue then outlives its bucket."""
    await tx.run(f"INSERT INTO orphaned_rules ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5)", row)


async def find(rows: Rows, bucket_id: str, rule_id: str) -> OrphanRow | None:
    """The orphaned rule of these ids."""
    row = await rows.one(
        f"SELECT {_COLUMNS} FROM orphaned_rules WHERE bucket_id = ?1 AND rule_id = ?2", (bucket_id, rule_id)
    )
    return None if row is None else OrphanRow._make(row)


async def count(rows: Rows, account_id: str) -> int:
    """How many orphaned rules the account has."""
    row = await rows.one("SELECT count(*) FROM orphaned_rules WHERE account_id = ?1", (account_id,))
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def after(rows: Rows, bucket_id: str, rule_id: str, limit: int) -> list[OrphanRow]:
    """Orphaned rules in the order of their keys, from the one after this."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM orphaned_rules WHERE (bucket_id, rule_id) > (?1, ?2) ORDER BY bucket_id, rule_id LIMIT ?3",
        (bucket_id, rule_id, limit),
    )
    return [OrphanRow._make(row) for row in found]


async def set_rule(tx: Transaction, bucket_id: str, rule_id: str, rule: str) -> None:
    """Replace the document."""
    await tx.run(
        "UPDATE orphaned_rules SET rule = ?3 WHERE bucket_id = ?1 AND rule_id = ?2", (bucket_id, rule_id, rule)
    )


async def end(tx: Transaction, bucket_id: str, rule_id: str) -> bool:
    """Remove a rule, if it is an orphaned one, with its queue and whatever waits in it. Whether it was one."""
    row = await tx.one(
        "DELETE FROM orphaned_rules WHERE bucket_id = ?1 AND rule_id = ?2 RETURNING 1", (bucket_id, rule_id)
    )
    if row is not None:
        await outbox.remove(tx, bucket_id, rule_id)
    return row is not None


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove the orphaned rules of an account, with their queues and whatever waits in them."""
    for table in ("notification_queues", "outbox", "deliveries", "past_events"):
        await tx.run(
            f"DELETE FROM {table} WHERE (bucket_id, rule_id) IN"
            " (SELECT bucket_id, rule_id FROM orphaned_rules WHERE account_id = ?1)",
            (account_id,),
        )
    await tx.run("DELETE FROM orphaned_rules WHERE account_id = ?1", (account_id,))
