"""Statements about file versions, and about `files`: one row a visible name, so that a list of names is a range scan.

Whoever changes the versions of a name keeps `files` in step, in the same transaction, by `point`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from undercroft.catalog import extents
from undercroft.catalog.contract import Row, Rows, Transaction, Value
from undercroft.catalog.extents import ExtentRow
from undercroft.catalog.invalidations import HIGHEST

UPLOAD, HIDE, START = 1, 2, 3
PENDING, COMPLETED, FAILED, REPLICA = 1, 2, 3, 4  # What became of its replication; the last is the copy that it made.

_NAMES = (
    "bucket_id", "name", "inverted_ms", "inverted_seq", "handle", "kind", "born_ms", "action", "size", "content_type",
    "content_sha1", "etag", "checksum", "info", "received_ms", "part_count", "retention_mode", "retain_until_ms",
    "legal_hold", "replication_status", "encryption",
)  # fmt: skip
_COLUMNS = ", ".join(_NAMES)
_OF_V = ", ".join(f"v.{name}" for name in _NAMES)
_OF_E = ", ".join(f"e.{name.strip()}" for name in extents.COLUMNS.split(","))
_WIDTH = len(_NAMES)
_SAME_VERSION = "v.bucket_id = f.bucket_id AND v.name = f.name AND v.inverted_ms = f.inverted_ms AND v.inverted_seq = f.inverted_seq"
FIRST = -(1 << 62)  # Before every inverted time and sequence.
AFTER_EVERY_NAME = b"\xff"  # No UTF-8 text begins with this byte.


class VersionRow(NamedTuple):
    """A row of `versions`. Times and sequence are negated, so that newest comes first in ascending order."""

    bucket_id: str
    name: bytes
    inverted_ms: int
    inverted_seq: int
    handle: int
    kind: int
    born_ms: int
    action: int
    size: int
    content_type: str
    content_sha1: str
    etag: str
    checksum: str | None
    info: str
    received_ms: int
    part_count: int
    retention_mode: str | None = None  # governance or compliance.
    retain_until_ms: int | None = None
    legal_hold: int | None = None  # 1 is on, 0 is off again; None: never set.
    replication_status: int | None = None  # See below; None: no rule of replication covered it.
    encryption: str | None = None  # SSE-B2, or SSE-C with a space and the MD5 of the customer's key.

    @property
    def place(self) -> tuple[bytes, int, int]:
        """Where it stands among the versions of its bucket."""
        return self.name, self.inverted_ms, self.inverted_seq

    @property
    def place_after(self) -> tuple[bytes, int, int]:
        """Where the search for the version after it begins."""
        return self.name, self.inverted_ms, self.inverted_seq + 1


# As `_make` does, without a call of Python's: lists have a thousand rows.
_version_row: Callable[[Iterable[Value]], VersionRow] = partial(tuple.__new__, VersionRow)
_extent_row: Callable[[Iterable[Value]], ExtentRow] = partial(tuple.__new__, ExtentRow)


class Found(NamedTuple):
    """The answer of a point read: the highest invalidation, the version, and its first extent where asked for."""

    invalidation_id: int
    version: VersionRow | None
    extent: ExtentRow | None


def _found(row: Row | None) -> Found:
    assert row is not None
    version = None if row[1] is None else _version_row(row[1 : 1 + _WIDTH])
    rest = row[1 + _WIDTH :]
    return Found(
        row[0],  # type: ignore[arg-type]
        version,
        _extent_row(rest) if rest and rest[0] is not None else None,
    )


_CURRENT = (
    f"SELECT {HIGHEST}, {_OF_V} FROM (SELECT 1) AS always"
    f" LEFT JOIN files f ON f.bucket_id = ?1 AND f.name = ?2 LEFT JOIN versions v ON {_SAME_VERSION}"
)
_CURRENT_DATA = (
    f"SELECT {HIGHEST}, {_OF_V}, {_OF_E} FROM (SELECT 1) AS always"
    f" LEFT JOIN files f ON f.bucket_id = ?1 AND f.name = ?2 LEFT JOIN versions v ON {_SAME_VERSION}"
    " LEFT JOIN extents e ON e.bucket_id = v.bucket_id AND e.handle = v.handle AND e.start = 0"
)
_BY_HANDLE = (
    f"SELECT {HIGHEST}, {_OF_V}, {_OF_E} FROM (SELECT 1) AS always"
    " LEFT JOIN versions v ON v.bucket_id = ?1 AND v.handle = ?2"
    " LEFT JOIN extents e ON e.bucket_id = v.bucket_id AND e.handle = v.handle AND e.start = 0"
)


async def current(rows: Rows, bucket_id: str, name: bytes, *, data: bool) -> Found:
    """The visible file of this name; with its first extent where `data` is asked for."""
    return _found(await rows.one(_CURRENT_DATA if data else _CURRENT, (bucket_id, name)))


async def by_handle(rows: Rows, bucket_id: str, handle: int) -> Found:
    """The version of this handle, whatever it is, with its first extent."""
    return _found(await rows.one(_BY_HANDLE, (bucket_id, handle)))


async def newest(rows: Rows, bucket_id: str, name: bytes) -> VersionRow | None:
    """The newest finished version of a name: an upload or a hide marker."""
    row = await rows.one(
        f"SELECT {_COLUMNS} FROM versions WHERE bucket_id = ?1 AND name = ?2 AND action <> 3"
        " ORDER BY inverted_ms, inverted_seq LIMIT 1",
        (bucket_id, name),
    )
    return None if row is None else _version_row(row)


async def count_of(rows: Rows, bucket_id: str, name: bytes, limit: int) -> int:
    """How many finished versions a name has, hide markers too; of more than `limit`, that many."""
    row = await rows.one(
        "SELECT count(*) FROM (SELECT 1 FROM versions WHERE bucket_id = ?1 AND name = ?2 AND action <> 3 LIMIT ?3) AS found",
        (bucket_id, name, limit),
    )
    assert row is not None
    return int(row[0])  # type: ignore[arg-type]


async def newest_at(rows: Rows, bucket_id: str, place: tuple[bytes, int, int], to_ms: int) -> VersionRow | None:
    """The first finished version from a place of a name on that had been received by then."""
    row = await rows.one(
        f"SELECT {_COLUMNS} FROM versions WHERE bucket_id = ?1 AND name = ?2 AND (inverted_ms, inverted_seq) >= (?3, ?4)"
        " AND action <> 3 AND received_ms <= ?5 ORDER BY inverted_ms, inverted_seq LIMIT 1",
        (bucket_id, *place, to_ms),
    )
    return None if row is None else _version_row(row)


async def is_superseded(
    rows: Rows, bucket_id: str, place: tuple[bytes, int, int], received_by_ms: int, limit: int
) -> bool:
    """Whether a finished version of the place's name that sorts before it, so a newer one, was received by then.

    Of the newer ones the `limit` nearest are looked at. They come first, since of versions in the order of their coming the
    nearest was received before all others, and decides.
    """
    row = await rows.one(
        "SELECT 1 FROM (SELECT action, received_ms FROM versions"
        " WHERE bucket_id = ?1 AND name = ?2 AND (inverted_ms, inverted_seq) < (?3, ?4)"
        " ORDER BY inverted_ms DESC, inverted_seq DESC LIMIT ?6) AS newer WHERE action <> 3 AND received_ms <= ?5 LIMIT 1",
        (bucket_id, *place, received_by_ms, limit),
    )
    return row is not None


async def first_between(
    rows: Rows, bucket_id: str, start: tuple[bytes, int, int], end: tuple[bytes, int, int]
) -> VersionRow | None:
    """The first version in the order from `start` and before `end`, unfinished ones too. Both are of one name."""
    row = await rows.one(
        f"SELECT {_COLUMNS} FROM versions WHERE bucket_id = ?1 AND name = ?2"
        " AND (inverted_ms, inverted_seq) >= (?3, ?4) AND (inverted_ms, inverted_seq) < (?5, ?6)"
        " ORDER BY inverted_ms, inverted_seq LIMIT 1",
        (bucket_id, *start, *end[1:]),
    )
    return None if row is None else _version_row(row)


_VALUES = ", ".join(
    "(SELECT coalesce(min(inverted_seq), 0) - 1 FROM versions WHERE bucket_id = ?1 AND name = ?2 AND inverted_ms = ?3)"
    if name == "inverted_seq"
    else f"?{number}"
    for number, name in enumerate(_NAMES, 1)
)
_ADD = f"INSERT INTO versions ({_COLUMNS}) VALUES ({_VALUES}) RETURNING inverted_seq"
_ADD_REPLICA = (
    f"INSERT INTO versions ({_COLUMNS}) VALUES ({', '.join(f'?{number}' for number in range(1, _WIDTH + 1))})"
    " ON CONFLICT (bucket_id, name, inverted_ms, inverted_seq) DO NOTHING RETURNING inverted_seq"
)


async def add(tx: Transaction, row: VersionRow) -> VersionRow:
    """Add a version; the row with its sequence, which is issued here: of the same name and time, later ones sort first."""
    added = await tx.one(_ADD, row)
    assert added is not None
    return _version_row((*row[:3], added[0], *row[4:]))


async def add_replica(tx: Transaction, row: VersionRow) -> VersionRow:
    """Add a version with the sequence that its row has: replicas of one time keep the order of what they are copies of.

    Where another version of the bucket stands there already, it gets one as any other.
    """
    added = await tx.one(_ADD_REPLICA, row)
    return row if added is not None else await add(tx, row)


async def set_replication_status(tx: Transaction, row: VersionRow, status: int | None) -> None:
    """Change what a version says of its replication."""
    await tx.run(
        "UPDATE versions SET replication_status = ?5"
        " WHERE bucket_id = ?1 AND name = ?2 AND inverted_ms = ?3 AND inverted_seq = ?4",
        (*row[:4], status),
    )


async def set_lock(tx: Transaction, row: VersionRow) -> None:
    """Change retention and legal hold to those of the row."""
    await tx.run(
        "UPDATE versions SET retention_mode = ?5, retain_until_ms = ?6, legal_hold = ?7"
        " WHERE bucket_id = ?1 AND name = ?2 AND inverted_ms = ?3 AND inverted_seq = ?4",
        (*row[:4], row.retention_mode, row.retain_until_ms, row.legal_hold),
    )


async def delete(tx: Transaction, row: VersionRow) -> None:
    """Remove a version's row."""
    await tx.run(
        "DELETE FROM versions WHERE bucket_id = ?1 AND name = ?2 AND inverted_ms = ?3 AND inverted_seq = ?4", row[:4]
    )


async def point(tx: Transaction, row: VersionRow) -> None:
    """Make this version, an upload, the visible file of its name."""
    await tx.run(
        "INSERT INTO files (bucket_id, name, inverted_ms, inverted_seq) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (bucket_id, name) DO UPDATE SET inverted_ms = excluded.inverted_ms,"
        " inverted_seq = excluded.inverted_seq",
        row[:4],
    )


async def unpoint(tx: Transaction, bucket_id: str, name: bytes) -> None:
    """Let the name have no visible file."""
    await tx.run("DELETE FROM files WHERE bucket_id = ?1 AND name = ?2", (bucket_id, name))


async def any_in_bucket(rows: Rows, bucket_id: str) -> bool:
    """Whether the bucket has any version, hide marker or unfinished large file."""
    return await rows.one("SELECT 1 FROM versions WHERE bucket_id = ?1 LIMIT 1", (bucket_id,)) is not None


# -- Lists ------------------------------------------------------------------------------------------------------------
async def visible(rows: Rows, bucket_id: str, start: bytes, end: bytes, limit: int) -> list[VersionRow]:
    """The visible files with names in [start, end), by name."""
    return [
        _version_row(row)
        for row in await rows.all(
            f"SELECT {_OF_V} FROM files f JOIN versions v ON {_SAME_VERSION}"
            " WHERE f.bucket_id = ?1 AND f.name >= ?2 AND f.name < ?3 ORDER BY f.name LIMIT ?4",
            (bucket_id, start, end, limit),
        )
    ]


# Each step of the recursion seeks the first name that is not covered by the entry before it, so that the cost grows with
# the entries returned and never with what lies under a folder. SQLite's spelling; PostgreSQL's has position() and no casts.
_FIRST_NAME = "SELECT name FROM files WHERE bucket_id = ?1 AND name >= {} AND name < ?3 ORDER BY name LIMIT 1"
_CUT = "instr(substr(hop.name, ?4 + 1), ?5)"
_NEXT = (
    f"CASE {_CUT} WHEN 0 THEN CAST(hop.name || x'00' AS BLOB)"
    f" ELSE CAST(substr(hop.name, 1, ?4 + {_CUT} - 1) || ?6 AS BLOB) END"
)
_VISIBLE_FOLDED = (
    f"WITH RECURSIVE hop(name) AS (SELECT * FROM ({_FIRST_NAME.format('?2')}) UNION ALL"
    f" SELECT ({_FIRST_NAME.format(_NEXT)}) FROM hop WHERE hop.name IS NOT NULL LIMIT ?7)"
    f" SELECT hop.name, {_CUT}, {_OF_V} FROM hop"
    f" LEFT JOIN files f ON f.bucket_id = ?1 AND f.name = hop.name AND {_CUT} = 0 LEFT JOIN versions v ON {_SAME_VERSION}"
    " WHERE hop.name IS NOT NULL"
)


async def visible_folded(
    rows: Rows, bucket_id: str, start: bytes, end: bytes, *, prefix: bytes, delimiter: bytes, limit: int
) -> list[VersionRow | bytes]:
    """As `visible`, with all names that share a folder after the prefix replaced by that folder's name."""
    found = await rows.all(
        _VISIBLE_FOLDED, (bucket_id, start, end, len(prefix), delimiter, successor(delimiter), limit)
    )
    entries: list[VersionRow | bytes] = []
    for name, cut, *version in found:
        if cut:
            assert isinstance(name, bytes)
            assert isinstance(cut, int)
            entries.append(name[: len(prefix) + cut - 1 + len(delimiter)])
        else:
            entries.append(_version_row(version))
    return entries


async def every_from(
    rows: Rows, bucket_id: str, start: tuple[bytes, int, int], end: bytes, limit: int, *, unfinished: bool
) -> list[VersionRow]:
    """All versions from a place in the order (name, inverted time, inverted sequence), names below `end`."""
    finished_only = "" if unfinished else " AND action <> 3"
    return [
        _version_row(row)
        for row in await rows.all(
            f"SELECT {_COLUMNS} FROM versions WHERE bucket_id = ?1"
            " AND (name, inverted_ms, inverted_seq) >= (?2, ?3, ?4)"
            f" AND name < ?5{finished_only} ORDER BY name, inverted_ms, inverted_seq LIMIT ?6",
            (bucket_id, *start, end, limit),
        )
    ]


async def unfinished_by_age(
    rows: Rows, bucket_id: str, start: tuple[int, int], prefix: bytes, limit: int
) -> list[VersionRow]:
    """Unfinished large files from (time of birth, handle) on, oldest first."""
    return [
        _version_row(row)
        for row in await rows.all(
            f"SELECT {_COLUMNS} FROM versions WHERE bucket_id = ?1 AND action = 3 AND (born_ms, handle) >= (?2, ?3)"
            " AND name >= ?4 AND name < ?5 ORDER BY born_ms, handle LIMIT ?6",
            (bucket_id, *start, prefix, prefix_end(prefix), limit),
        )
    ]


async def unfinished_by_name(
    rows: Rows, bucket_id: str, start: tuple[bytes, int, int], end: bytes, limit: int
) -> list[VersionRow]:
    """Unfinished large files from (name, time of birth, handle) on, names below `end`."""
    return [
        _version_row(row)
        for row in await rows.all(
            f"SELECT {_COLUMNS} FROM versions WHERE bucket_id = ?1 AND action = 3"
            " AND (name, born_ms, handle) >= (?2, ?3, ?4) AND name < ?5 ORDER BY name, born_ms, handle LIMIT ?6",
            (bucket_id, *start, end, limit),
        )
    ]


async def days_of_change(
    rows: Rows, bucket_id: str, start: bytes, end: bytes, limit: int
) -> tuple[list[tuple[int, int]], bool]:
    """Days (since the epoch, UTC) on which finished versions of names in [start, end) came, and how many on each.

    Latest first. At most `limit` versions are looked at; the second answer tells whether these were all.
    """
    found = await rows.all(
        "SELECT received_ms / 86400000 AS day, count(*) FROM (SELECT received_ms FROM versions"
        " WHERE bucket_id = ?1 AND name >= ?2 AND name < ?3 AND action <> 3"
        " ORDER BY name, inverted_ms, inverted_seq LIMIT ?4) AS looked_at GROUP BY 1 ORDER BY 1 DESC",
        (bucket_id, start, end, limit),
    )
    days = [(int(day), int(count)) for day, count in found]  # type: ignore[arg-type]
    return days, sum(count for _, count in days) < limit


def successor(text: bytes) -> bytes:
    """The least byte string above every one that begins with `text`, which must not be empty or all 0xFF."""
    return text[:-1] + bytes((text[-1] + 1,))


def prefix_end(prefix: bytes) -> bytes:
    """The end of the names that begin with a prefix of UTF-8, for half-open ranges."""
    return successor(prefix) if prefix else AFTER_EVERY_NAME
