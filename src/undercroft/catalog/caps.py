"""Statements about caps of accounts. What buckets may hold is a document of theirs, what buckets and keys may do a day is in
`quotas.py`, alerts about all of them are in `cap_alerts.py`.

A cap is a number of bytes stored, files shown, bytes downloaded a day, or transactions of a class a day; NULL is no cap. The
operator sets some, and the account itself others; the lower one counts.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_CAPS = "storage, download, class_b, class_c, files"
_LOWEST = ", ".join(f"min({column})" for column in _CAPS.split(", "))
Whose = Literal["caps", "own_caps"]  # The tables: the operator's, and those of accounts themselves.


class CapsRow(NamedTuple):
    """The caps of an account, from its row of `caps`."""

    storage: int | None = None
    download: int | None = None
    class_b: int | None = None
    class_c: int | None = None
    files: int | None = None


async def find(rows: Rows, account_id: str) -> CapsRow:
    """The caps that count for an account."""
    row = await rows.one(
        f"SELECT {_LOWEST} FROM (SELECT {_CAPS} FROM caps WHERE account_id = ?1"
        f" UNION ALL SELECT {_CAPS} FROM own_caps WHERE account_id = ?1) AS both",
        (account_id,),
    )
    assert row is not None
    return CapsRow._make(row)


async def find_of(rows: Rows, whose: Whose, account_id: str) -> CapsRow:
    """The caps of an account that the operator, or the account itself, has set."""
    row = await rows.one(f"SELECT {_CAPS} FROM {whose} WHERE account_id = ?1", (account_id,))
    return CapsRow() if row is None else CapsRow._make(row)


async def page(rows: Rows, after: str, limit: int) -> list[tuple[str, CapsRow]]:
    """Accounts with a cap whose ids come after this one, in order, and the caps that count."""
    found = await rows.all(
        f"SELECT account_id, {_LOWEST} FROM (SELECT account_id, {_CAPS} FROM caps WHERE account_id > ?1"
        f" UNION ALL SELECT account_id, {_CAPS} FROM own_caps WHERE account_id > ?1) AS both"
        " GROUP BY account_id ORDER BY account_id LIMIT ?2",
        (after, limit),
    )
    return [(str(row[0]), CapsRow._make(row[1:])) for row in found]


# Whose caps somebody looks at: accounts that have some, and those with buckets or keys that do. CROSS JOIN has SQLite begin with the few
# buckets that have caps, and not with all that there are.
_CAPPED = (
    "SELECT account_id FROM caps UNION SELECT account_id FROM own_caps"
    " UNION SELECT account_id FROM quotas UNION SELECT b.account_id FROM bucket_documents d CROSS JOIN buckets b"
    " WHERE d.kind = 'caps' AND d.document <> 'null' AND b.bucket_id = d.bucket_id"
)


async def accounts_page(rows: Rows, after: str, limit: int) -> list[str]:
    """The ids of accounts that have caps, or buckets or keys with caps, those that come after this one, in order."""
    found = await rows.all(
        f"SELECT account_id FROM ({_CAPPED}) AS capped WHERE account_id > ?1 ORDER BY account_id LIMIT ?2",
        (after, limit),
    )
    return [str(row[0]) for row in found]


async def is_capped(rows: Rows, account_id: str) -> bool:
    """Whether the account has caps, or a bucket or a key with caps."""
    row = await rows.one(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM caps WHERE account_id = ?1)"
        " OR EXISTS (SELECT 1 FROM own_caps WHERE account_id = ?1)"
        " OR EXISTS (SELECT 1 FROM quotas WHERE account_id = ?1)"
        " OR EXISTS (SELECT 1 FROM buckets b JOIN bucket_documents d ON d.bucket_id = b.bucket_id"
        " WHERE b.account_id = ?1 AND d.kind = 'caps' AND d.document <> 'null')",
        (account_id,),
    )
    return row is not None


async def put(tx: Transaction, whose: Whose, account_id: str, row: CapsRow) -> None:
    """Set the caps of an account."""
    await tx.run(f"DELETE FROM {whose} WHERE account_id = ?1", (account_id,))
    if any(cap is not None for cap in row):
        await tx.run(f"INSERT INTO {whose} (account_id, {_CAPS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", (account_id, *row))


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove the caps of an account."""
    for table in ("caps", "own_caps"):
        await tx.run(f"DELETE FROM {table} WHERE account_id = ?1", (account_id,))
