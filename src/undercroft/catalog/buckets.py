"""Statements about buckets and their documents (one a kind: info, cors, lifecycle, …)."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog import quotas
from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "bucket_id, account_id, name, type, revision, created_ms"
_OF_BUCKETS = (  # Tables with what goes when the bucket does.
    "buckets", "bucket_documents", "usage_deltas", "deliveries", "past_events", "replication_queues", "shares", "hidings",
)  # fmt: skip


class BucketRow(NamedTuple):
    """A row of `buckets`, without the folded name."""

    bucket_id: str
    account_id: str
    name: str
    type: str
    revision: int
    created_ms: int


async def insert(tx: Transaction, row: BucketRow) -> None:
    """Add a bucket. The engine refuses a name that is taken in any letter case."""
    await tx.run(
        f"INSERT INTO buckets ({_COLUMNS}, folded_name) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", (*row, row.name.lower())
    )


async def by_id(rows: Rows, bucket_id: str) -> BucketRow | None:
    """The bucket of this id."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM buckets WHERE bucket_id = ?1", (bucket_id,))
    return None if row is None else BucketRow._make(row)


async def by_name(rows: Rows, name: str) -> BucketRow | None:
    """The bucket of this name, in any letter case."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM buckets WHERE folded_name = ?1", (name.lower(),))
    return None if row is None else BucketRow._make(row)


async def of_account(rows: Rows, account_id: str) -> list[BucketRow]:
    """The account's buckets, by name."""
    return [
        BucketRow._make(row)
        for row in await rows.all(f"SELECT {_COLUMNS} FROM buckets WHERE account_id = ?1 ORDER BY name", (account_id,))
    ]


async def with_caps(rows: Rows, account_id: str) -> list[tuple[str, str, str]]:
    """Those of the account's buckets that have caps, by name: id, name, and the caps as a document."""
    found = await rows.all(
        "SELECT b.bucket_id, b.name, d.document FROM buckets b JOIN bucket_documents d ON d.bucket_id = b.bucket_id"
        " WHERE b.account_id = ?1 AND d.kind = 'caps' AND d.document <> 'null' ORDER BY b.name",
        (account_id,),
    )
    return [(row[0], row[1], row[2]) for row in found]  # type: ignore[misc]


async def count(rows: Rows, account_id: str) -> int:
    """How many buckets the account has."""
    row = await rows.one("SELECT count(*) FROM buckets WHERE account_id = ?1", (account_id,))
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def update(tx: Transaction, bucket_id: str, bucket_type: str, revision: int) -> None:
    """Change the type and the revision."""
    await tx.run("UPDATE buckets SET type = ?2, revision = ?3 WHERE bucket_id = ?1", (bucket_id, bucket_type, revision))


async def delete(tx: Transaction, bucket_id: str) -> None:
    """Remove a bucket with all that belongs to it and is no version: there are none any more.

    The queues of rules that are orphaned by then, and what waits in them, stay.
    """
    for table in _OF_BUCKETS:
        await tx.run(f"DELETE FROM {table} WHERE bucket_id = ?1", (bucket_id,))
    await quotas.delete(tx, "bucket", bucket_id)
    for table in ("notification_queues", "outbox"):
        await tx.run(
            f"DELETE FROM {table} WHERE bucket_id = ?1"
            " AND rule_id NOT IN (SELECT rule_id FROM orphaned_rules WHERE bucket_id = ?1)",
            (bucket_id,),
        )


async def documents(rows: Rows, bucket_id: str) -> dict[str, str]:
    """The bucket's documents by kind."""
    found = await rows.all("SELECT kind, document FROM bucket_documents WHERE bucket_id = ?1", (bucket_id,))
    return {str(kind): str(document) for kind, document in found}


async def first_with_document(rows: Rows, kind: str, *, empty: str, start: str) -> str | None:
    """The id of the first bucket from this id on whose document of this kind is there and not `empty`."""
    row = await rows.one(
        "SELECT bucket_id FROM bucket_documents WHERE bucket_id >= ?1 AND kind = ?2 AND document <> ?3"
        " ORDER BY bucket_id LIMIT 1",
        (start, kind, empty),
    )
    return None if row is None else row[0]  # type: ignore[return-value]


async def put_document(tx: Transaction, bucket_id: str, kind: str, document: str) -> None:
    """Set one document."""
    await tx.run(
        "INSERT INTO bucket_documents (bucket_id, kind, document) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (bucket_id, kind) DO UPDATE SET document = excluded.document",
        (bucket_id, kind, document),
    )
