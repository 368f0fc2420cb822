"""Statements about share links."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = (
    "bucket_id, share_id, token_hash, name, file_id, issued_by, password_hash, created_ms, expires_ms, downloads_max,"
    " downloads, visits, visited_ms"
)


class ShareRow(NamedTuple):
    """A row of `shares`, without the counting of wrong passwords."""

    bucket_id: str
    share_id: str
    token_hash: bytes
    name: bytes
    file_id: str
    issued_by: str  # The key in whose name it reads, and with which it ends.
    password_hash: str | None
    created_ms: int
    expires_ms: int | None
    downloads_max: int | None
    downloads: int = 0
    visits: int = 0
    visited_ms: int | None = None


async def insert(tx: Transaction, row: ShareRow) -> None:
    """Add a share."""
    places = ", ".join(f"?{number}" for number in range(1, len(row) + 1))
    await tx.run(f"INSERT INTO shares ({_COLUMNS}) VALUES ({places})", row)


async def by_token(rows: Rows, token_hash: bytes) -> ShareRow | None:
    """The share whose token has this hash."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM shares WHERE token_hash = ?1", (token_hash,))
    return None if row is None else ShareRow._make(row)


async def of_bucket(rows: Rows, bucket_id: str, after: str, limit: int) -> list[ShareRow]:
    """Shares of a bucket behind this id. Ids begin with the time, negated: the newest come first."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM shares WHERE bucket_id = ?1 AND share_id > ?2 ORDER BY share_id LIMIT ?3",
        (bucket_id, after, limit),
    )
    return [ShareRow._make(row) for row in found]


async def of_name(rows: Rows, bucket_id: str, name: bytes, limit: int) -> list[ShareRow]:
    """Shares of the versions of a name."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM shares WHERE bucket_id = ?1 AND name = ?2 ORDER BY share_id LIMIT ?3",
        (bucket_id, name, limit),
    )
    return [ShareRow._make(row) for row in found]


async def count(rows: Rows, bucket_id: str) -> int:
    """How many shares the bucket has."""
    row = await rows.one("SELECT count(*) FROM shares WHERE bucket_id = ?1", (bucket_id,))
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def count_visit(tx: Transaction, row: ShareRow, now_ms: int) -> None:
    """Count that somebody looked at it."""
    await tx.run(
        "UPDATE shares SET visits = visits + 1, visited_ms = ?3 WHERE bucket_id = ?1 AND share_id = ?2",
        (row.bucket_id, row.share_id, now_ms),
    )


async def take_download(tx: Transaction, row: ShareRow) -> bool:
    """Count a download, if the share has one left."""
    taken = await tx.one(
        "UPDATE shares SET downloads = downloads + 1 WHERE bucket_id = ?1 AND share_id = ?2"
        " AND (downloads_max IS NULL OR downloads < downloads_max) RETURNING downloads",
        (row.bucket_id, row.share_id),
    )
    return taken is not None


async def take_try(tx: Transaction, row: ShareRow, now_ms: int, window_ms: int) -> int:
    """Count that a password is tried, and say how many were within the window that began with the first of them."""
    taken = await tx.one(
        "UPDATE shares SET tries = CASE WHEN tried_ms > ?3 - ?4 AND tried_ms <= ?3 THEN tries + 1 ELSE 1 END,"
        " tried_ms = CASE WHEN tried_ms > ?3 - ?4 AND tried_ms <= ?3 THEN tried_ms ELSE ?3 END"
        " WHERE bucket_id = ?1 AND share_id = ?2 RETURNING tries",
        (row.bucket_id, row.share_id, now_ms, window_ms),
    )
    return 0 if taken is None else taken[0]  # type: ignore[return-value]


async def forget_tries(tx: Transaction, row: ShareRow) -> None:
    """A password was right: those before it do not count."""
    await tx.run(
        "UPDATE shares SET tries = 0, tried_ms = 0 WHERE bucket_id = ?1 AND share_id = ?2",
        (row.bucket_id, row.share_id),
    )


async def delete(tx: Transaction, bucket_id: str, share_id: str) -> bool:
    """Remove a share, if it is there."""
    gone = await tx.one(
        "DELETE FROM shares WHERE bucket_id = ?1 AND share_id = ?2 RETURNING share_id", (bucket_id, share_id)
    )
    return gone is not None


async def delete_ended(tx: Transaction, bucket_id: str, ended_by_ms: int) -> None:
    """Remove the bucket's shares that expired by then."""
    await tx.run("DELETE FROM shares WHERE bucket_id = ?1 AND expires_ms <= ?2", (bucket_id, ended_by_ms))
