"""Counters of what buckets hold: delta rows, one a bucket and worker slot, so that no row is hot; summed on read."""

from __future__ import annotations

from undercroft.catalog.contract import Rows, Transaction


async def add(tx: Transaction, bucket_id: str, slot: int, versions: int, size_bytes: int) -> None:
    """Count versions and bytes up or down."""
    await tx.run(
        "INSERT INTO usage_deltas (bucket_id, slot, versions, bytes) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (bucket_id, slot) DO UPDATE SET versions = usage_deltas.versions + excluded.versions,"
        " bytes = usage_deltas.bytes + excluded.bytes",
        (bucket_id, slot, versions, size_bytes),
    )


async def of_bucket(rows: Rows, bucket_id: str) -> tuple[int, int]:
    """How many versions and how many bytes the bucket holds."""
    row = await rows.one(
        "SELECT coalesce(sum(versions), 0), coalesce(sum(bytes), 0) FROM usage_deltas WHERE bucket_id = ?1",
        (bucket_id,),
    )
    assert row is not None
    return row[0], row[1]  # type: ignore[return-value]


async def of_account(rows: Rows, account_id: str) -> tuple[int, int]:
    """How many versions and how many bytes all buckets of the account hold."""
    row = await rows.one(
        "SELECT coalesce(sum(versions), 0), coalesce(sum(bytes), 0) FROM usage_deltas"
        " WHERE bucket_id IN (SELECT bucket_id FROM buckets WHERE account_id = ?1)",
        (account_id,),
    )
    assert row is not None
    return row[0], row[1]  # type: ignore[return-value]


async def of_buckets(rows: Rows, account_id: str) -> dict[str, tuple[int, int]]:
    """How many versions and how many bytes each bucket of the account holds, by bucket id; empty ones may be left out."""
    found = await rows.all(
        "SELECT bucket_id, sum(versions), sum(bytes) FROM usage_deltas"
        " WHERE bucket_id IN (SELECT bucket_id FROM buckets WHERE account_id = ?1) GROUP BY bucket_id",
        (account_id,),
    )
    return {str(bucket_id): (versions, size_bytes) for bucket_id, versions, size_bytes in found}  # type: ignore[misc]
