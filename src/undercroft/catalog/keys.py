"""Statements about application keys and about the keys that sign tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from undercroft.catalog import quotas
from undercroft.catalog.contract import Rows, Transaction, Value

_COLUMNS = "key_id, account_id, name, wrapped_secret, capabilities, bucket_ids, name_prefix, expires_ms, created_ms"
_OF_KEYS = ("key_uses", "key_warnings")  # Tables with what goes when the key does.


class KeyRow(NamedTuple):
    """A row of `keys`. `capabilities` and `bucket_ids` are JSON arrays."""

    key_id: str
    account_id: str
    name: str
    wrapped_secret: bytes
    capabilities: str
    bucket_ids: str | None
    name_prefix: str | None
    expires_ms: int | None
    created_ms: int


async def insert(tx: Transaction, row: KeyRow) -> None:
    """Add a key."""
    await tx.run(f"INSERT INTO keys ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", row)


async def find(rows: Rows, key_id: str) -> KeyRow | None:
    """The key of this id."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM keys WHERE key_id = ?1", (key_id,))
    return None if row is None else KeyRow._make(row)


async def any_key(rows: Rows) -> KeyRow | None:
    """Some key, of any account, if there is one."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM keys LIMIT 1")
    return None if row is None else KeyRow._make(row)


async def page(rows: Rows, account_id: str, start_key_id: str, now_ms: int, limit: int) -> list[KeyRow]:
    """The account's keys from this id on that have not expired, without the master key and those of members, by id."""
    return await _page(rows, "", (account_id, start_key_id, now_ms, limit))


async def page_with(rows: Rows, account_id: str, text: str, start_key_id: str, now_ms: int, limit: int) -> list[KeyRow]:
    """Those of them whose name or id, or the name of one of whose buckets, has the text in it, in any letter case (of ASCII)."""
    named = "WITH named AS (SELECT bucket_id FROM buckets WHERE account_id = ?1 AND instr(lower(name), lower(?5)) > 0) "
    has_text = (
        " AND (instr(lower(name), lower(?5)) > 0 OR instr(key_id, lower(?5)) > 0 OR (bucket_ids IS NOT NULL AND EXISTS"
        " (SELECT 1 FROM named WHERE instr(keys.bucket_ids, named.bucket_id) > 0)))"
    )
    return await _page(rows, has_text, (account_id, start_key_id, now_ms, limit, text), named)


async def _page(rows: Rows, condition: str, parameters: Sequence[Value], beginning: str = "") -> list[KeyRow]:
    found = await rows.all(
        f"{beginning}SELECT {_COLUMNS} FROM keys WHERE account_id = ?1 AND key_id >= ?2 AND key_id <> ?1"
        " AND key_id NOT IN (SELECT key_id FROM members WHERE account_id = ?1)"
        f" AND (expires_ms IS NULL OR expires_ms > ?3){condition} ORDER BY key_id LIMIT ?4",
        parameters,
    )
    return [KeyRow._make(row) for row in found]


async def of_bucket(
    rows: Rows, account_id: str, bucket_id: str, start_key_id: str, now_ms: int, limit: int
) -> list[tuple[KeyRow, str, bool]]:
    """The account's keys, its master key and members' too, that are for all buckets or for this one among others.

    From this id on, by id, without those that have expired; each with the address of the member whose it is, or an empty one, and
    whether that member's own account is suspended.
    """
    found = await rows.all(
        f"SELECT {', '.join('k.' + name for name in _COLUMNS.split(', '))}, coalesce(m.email, ''),"
        " coalesce(a.suspended, 0) FROM keys k"
        " LEFT JOIN members m ON m.account_id = k.account_id AND m.key_id = k.key_id"
        " LEFT JOIN accounts a ON a.account_id = m.member_id"
        " WHERE k.account_id = ?1 AND k.key_id >= ?3 AND (k.bucket_ids IS NULL OR instr(k.bucket_ids, ?2) > 0)"
        " AND (k.expires_ms IS NULL OR k.expires_ms > ?4) ORDER BY k.key_id LIMIT ?5",
        (account_id, bucket_id, start_key_id, now_ms, limit),
    )
    return [(KeyRow._make(row[:-2]), str(row[-2]), bool(row[-1])) for row in found]


async def ending(rows: Rows, account_id: str, now_ms: int, until_ms: int, lived_ms: int, limit: int) -> list[KeyRow]:
    """The account's keys that expire between these times, the first first; of those made to live longer than `lived_ms`."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM keys WHERE account_id = ?1 AND expires_ms > ?2 AND expires_ms <= ?3"
        " AND expires_ms - created_ms > ?4 ORDER BY expires_ms, key_id LIMIT ?5",
        (account_id, now_ms, until_ms, lived_ms, limit),
    )
    return [KeyRow._make(row) for row in found]


async def unwarned(rows: Rows, now_ms: int, days: int, days_ms: int, limit: int) -> list[KeyRow]:
    """The keys of all accounts that expire within so many days, the first first; of those made to live longer.

    Those are left out of which somebody was warned so many days before their end, or later.
    """
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM keys WHERE expires_ms > ?1 AND expires_ms <= ?1 + ?2 AND expires_ms - created_ms > ?2"
        " AND NOT EXISTS (SELECT 1 FROM key_warnings WHERE key_warnings.key_id = keys.key_id AND days <= ?3)"
        " ORDER BY expires_ms, key_id LIMIT ?4",
        (now_ms, days_ms, days, limit),
    )
    return [KeyRow._make(row) for row in found]


async def note_warning(tx: Transaction, key_id: str, days: int, now_ms: int) -> bool:
    """Note that somebody is warned of the end of a key, and answer whether that is new."""
    row = await tx.one(
        "INSERT INTO key_warnings (key_id, days, at_ms) SELECT key_id, ?2, ?3 FROM keys WHERE key_id = ?1"
        " ON CONFLICT (key_id) DO UPDATE SET days = excluded.days, at_ms = excluded.at_ms"
        " WHERE key_warnings.days > excluded.days RETURNING 1",
        (key_id, days, now_ms),
    )
    return row is not None


async def warnings_since(rows: Rows, account_id: str, since_ms: int) -> int:
    """Of how many keys of the account somebody was warned since this time."""
    row = await rows.one(
        "SELECT count(*) FROM keys JOIN key_warnings ON key_warnings.key_id = keys.key_id"
        " WHERE account_id = ?1 AND expires_ms IS NOT NULL AND at_ms > ?2",
        (account_id, since_ms),
    )
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def delete(tx: Transaction, key_id: str) -> None:
    """Remove a key."""
    await tx.run("DELETE FROM keys WHERE key_id = ?1", (key_id,))
    for table in _OF_KEYS:
        await tx.run(f"DELETE FROM {table} WHERE key_id = ?1", (key_id,))
    await quotas.delete(tx, "key", key_id)


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove every key of an account, its master key too."""
    for table in _OF_KEYS:
        await tx.run(
            f"DELETE FROM {table} WHERE key_id IN (SELECT key_id FROM keys WHERE account_id = ?1)", (account_id,)
        )
    await tx.run("DELETE FROM keys WHERE account_id = ?1", (account_id,))


async def every_from(rows: Rows, start_key_id: str, limit: int) -> list[KeyRow]:
    """The keys of all accounts from this id on, by id."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM keys WHERE key_id >= ?1 ORDER BY key_id LIMIT ?2", (start_key_id, limit)
    )
    return [KeyRow._make(row) for row in found]


async def set_secret(tx: Transaction, key_id: str, wrapped_secret: bytes) -> None:
    """Replace a key's wrapped secret."""
    await tx.run("UPDATE keys SET wrapped_secret = ?2 WHERE key_id = ?1", (key_id, wrapped_secret))


async def renew(tx: Transaction, key_id: str, wrapped_secret: bytes, created_ms: int) -> None:
    """Give a key another secret, made at this time."""
    await tx.run(
        "UPDATE keys SET wrapped_secret = ?2, created_ms = ?3 WHERE key_id = ?1", (key_id, wrapped_secret, created_ms)
    )


async def end_by(tx: Transaction, key_id: str, expires_ms: int) -> None:
    """Let a key expire at this time, if it does not do so before."""
    await tx.run(
        "UPDATE keys SET expires_ms = ?2 WHERE key_id = ?1 AND (expires_ms IS NULL OR expires_ms > ?2)",
        (key_id, expires_ms),
    )


class SigningKeyRow(NamedTuple):
    """A row of `signing_keys`."""

    signing_key_id: int
    wrapped_secret: bytes
    created_ms: int


async def signing_keys(rows: Rows) -> list[SigningKeyRow]:
    """Every signing key, newest first."""
    return [
        SigningKeyRow._make(row)
        for row in await rows.all(
            "SELECT signing_key_id, wrapped_secret, created_ms FROM signing_keys ORDER BY signing_key_id DESC"
        )
    ]


async def insert_signing_key(tx: Transaction, row: SigningKeyRow) -> None:
    """Add a signing key."""
    await tx.run("INSERT INTO signing_keys (signing_key_id, wrapped_secret, created_ms) VALUES (?1, ?2, ?3)", row)


async def set_signing_secret(tx: Transaction, signing_key_id: int, wrapped_secret: bytes) -> None:
    """Replace a signing key's wrapped secret."""
    await tx.run(
        "UPDATE signing_keys SET wrapped_secret = ?2 WHERE signing_key_id = ?1", (signing_key_id, wrapped_secret)
    )


async def delete_signing_keys(tx: Transaction, before_ms: int, *, below_id: int) -> None:
    """Forget the signing keys made before this time whose ids are below this one."""
    await tx.run("DELETE FROM signing_keys WHERE created_ms < ?1 AND signing_key_id < ?2", (before_ms, below_id))
