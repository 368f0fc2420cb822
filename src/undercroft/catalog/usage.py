"""Counters of what buckets hold: delta rows, one a bucket and worker slot, so that no row is hot; summed on read."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

HELD_COLUMNS = "versions, bytes, files, file_bytes, unfinished_bytes"
HELD_SUMS = ", ".join(f"coalesce(sum({column}), 0)" for column in HELD_COLUMNS.split(", "))


class Held(NamedTuple):
    """What is held, or a change of it.

    `versions` and `size_bytes` are all: visible files, older versions, hide markers, and unfinished large files with their
    parts. `files` and `file_bytes` are the visible files among them, `unfinished_bytes` the parts of unfinished large files.
    """

    versions: int = 0
    size_bytes: int = 0
    files: int = 0
    file_bytes: int = 0
    unfinished_bytes: int = 0

    @property
    def older_bytes(self) -> int:
        """The bytes of versions that are not visible: superseded or hidden ones."""
        return self.size_bytes - self.file_bytes - self.unfinished_bytes


async def add(tx: Transaction, bucket_id: str, slot: int, change: Held) -> None:
    """Count up or down."""
    await tx.run(
        f"INSERT INTO usage_deltas (bucket_id, slot, {HELD_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT (bucket_id, slot) DO UPDATE SET versions = usage_deltas.versions + excluded.versions,"
        " bytes = usage_deltas.bytes + excluded.bytes, files = usage_deltas.files + excluded.files,"
        " file_bytes = usage_deltas.file_bytes + excluded.file_bytes,"
        " unfinished_bytes = usage_deltas.unfinished_bytes + excluded.unfinished_bytes",
        (bucket_id, slot, *change),
    )


async def of_bucket(rows: Rows, bucket_id: str) -> Held:
    """What the bucket holds."""
    row = await rows.one(f"SELECT {HELD_SUMS} FROM usage_deltas WHERE bucket_id = ?1", (bucket_id,))
    assert row is not None
    return Held._make(row)


async def by_bucket(rows: Rows, account_id: str) -> dict[str, Held]:
    """What each bucket of the account holds that ever held anything, by bucket id."""
    found = await rows.all(
        f"SELECT bucket_id, {HELD_SUMS} FROM usage_deltas"
        " WHERE bucket_id IN (SELECT bucket_id FROM buckets WHERE account_id = ?1) GROUP BY bucket_id",
        (account_id,),
    )
    return {str(row[0]): Held._make(row[1:]) for row in found}


async def of_account(rows: Rows, account_id: str) -> Held:
    """What all buckets of the account hold."""
    row = await rows.one(
        f"SELECT {HELD_SUMS} FROM usage_deltas"
        " WHERE bucket_id IN (SELECT bucket_id FROM buckets WHERE account_id = ?1)",
        (account_id,),
    )
    assert row is not None
    return Held._make(row)
