"""Statements about quotas: what a bucket or a key may do a day, and soft limits of both and of accounts. No row is no quota.

`kind` and subject id say whose it is; the account is the one that owns it, which may be the subject. Of what is done in buckets and with keys, counts by
the day are in `bucket_days.py` and `key_days.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from undercroft.catalog.contract import Rows, Transaction


class QuotaRow(NamedTuple):
    """A row of `quotas`."""

    kind: str
    subject_id: str
    category: str
    is_soft: int
    amount: int


class DoneRow(NamedTuple):
    """What was done in a bucket, or with a key, on a day: transactions of every class, bytes carried."""

    requests: int = 0
    download: int = 0
    upload: int = 0


_DONE = "sum(class_a + class_b + class_c), sum(downloaded), sum(uploaded)"


async def of_subject(rows: Rows, kind: str, subject_id: str, *, is_soft: bool) -> dict[str, int]:
    """The quotas of one subject, or its soft limits, by category."""
    found = await rows.all(
        "SELECT category, amount FROM quotas WHERE kind = ?1 AND subject_id = ?2 AND is_soft = ?3",
        (kind, subject_id, int(is_soft)),
    )
    return {row[0]: row[1] for row in found}  # type: ignore[misc]


async def of_account(rows: Rows, account_id: str) -> list[QuotaRow]:
    """All quotas and soft limits of the account, its buckets and keys, subject by subject."""
    found = await rows.all(
        "SELECT kind, subject_id, category, is_soft, amount FROM quotas WHERE account_id = ?1"
        " ORDER BY kind, subject_id, category, is_soft",
        (account_id,),
    )
    return [QuotaRow._make(row) for row in found]


async def accounts_page(rows: Rows, after: str, limit: int) -> list[str]:
    """The ids of accounts with quotas that are not soft, those that come after this one, in order."""
    found = await rows.all(
        "SELECT DISTINCT account_id FROM quotas WHERE account_id > ?1 AND is_soft = 0 ORDER BY account_id LIMIT ?2",
        (after, limit),
    )
    return [str(row[0]) for row in found]


async def names(rows: Rows, account_id: str) -> dict[tuple[str, str], str]:
    """What the buckets and keys with quotas are called, by kind and id."""
    found = await rows.all(
        "SELECT 'bucket', bucket_id, name FROM buckets"
        " WHERE bucket_id IN (SELECT subject_id FROM quotas WHERE account_id = ?1 AND kind = 'bucket')"
        " UNION ALL SELECT 'key', key_id, name FROM keys"
        " WHERE key_id IN (SELECT subject_id FROM quotas WHERE account_id = ?1 AND kind = 'key')",
        (account_id,),
    )
    return {(row[0], row[1]): row[2] for row in found}  # type: ignore[misc]


async def done(rows: Rows, account_id: str, day: int) -> dict[tuple[str, str], DoneRow]:
    """What was done on a day with those buckets and keys of the account that have quotas, by kind and id."""
    found = await rows.all(
        f"SELECT 'bucket', bucket_id, {_DONE} FROM bucket_days WHERE account_id = ?1 AND day = ?2"
        " AND bucket_id IN (SELECT subject_id FROM quotas WHERE account_id = ?1 AND kind = 'bucket') GROUP BY bucket_id"
        f" UNION ALL SELECT 'key', key_id, {_DONE} FROM key_days WHERE account_id = ?1 AND day = ?2"
        " AND key_id IN (SELECT subject_id FROM quotas WHERE account_id = ?1 AND kind = 'key') GROUP BY key_id",
        (account_id, day),
    )
    return {(row[0], row[1]): DoneRow._make(row[2:]) for row in found}  # type: ignore[misc]


async def done_by(rows: Rows, kind: Literal["bucket", "key"], account_id: str, subject_id: str, day: int) -> DoneRow:
    """What was done on a day in a bucket, or with a key."""
    row = await rows.one(
        f"SELECT {_DONE} FROM {kind}_days WHERE account_id = ?1 AND day = ?2 AND {kind}_id = ?3",
        (account_id, day, subject_id),
    )
    assert row is not None
    return DoneRow(*(count or 0 for count in row))  # type: ignore[arg-type]


async def keys_with(rows: Rows, account_id: str) -> set[str]:
    """The ids of the account's keys that have quotas."""
    found = await rows.all(
        "SELECT DISTINCT subject_id FROM quotas WHERE account_id = ?1 AND kind = 'key'", (account_id,)
    )
    return {str(row[0]) for row in found}


async def count(rows: Rows, account_id: str) -> int:
    """How many quotas the account has set."""
    row = await rows.one("SELECT count(*) FROM quotas WHERE account_id = ?1", (account_id,))
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def put(
    tx: Transaction, account_id: str, kind: str, subject_id: str, amounts: Iterable[tuple[str, int]], *, is_soft: bool
) -> None:
    """Replace the quotas of one subject, or its soft limits."""
    await tx.run(
        "DELETE FROM quotas WHERE kind = ?1 AND subject_id = ?2 AND is_soft = ?3", (kind, subject_id, int(is_soft))
    )
    await tx.many(
        "INSERT INTO quotas (kind, subject_id, category, is_soft, amount, account_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        [(kind, subject_id, category, int(is_soft), amount, account_id) for category, amount in amounts],
    )


async def delete(tx: Transaction, kind: str, subject_id: str) -> None:
    """Remove the quotas and soft limits of one subject."""
    await tx.run("DELETE FROM quotas WHERE kind = ?1 AND subject_id = ?2", (kind, subject_id))


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove all quotas and soft limits of an account."""
    await tx.run("DELETE FROM quotas WHERE account_id = ?1", (account_id,))
