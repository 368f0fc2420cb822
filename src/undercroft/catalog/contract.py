"""The contract of the catalog: where all metadata lives. Drivers are SQLite and, later, PostgreSQL.

Statements are written once, by noun (`versions.py`, `keys.py`, …), in the SQL that SQLite and PostgreSQL 15 share, with
numbered parameters (`?1`, `?2`, …). Rows are tuples. Names and blob ids are bytes: byte order is the order of both protocols.

A change is a coroutine function that awaits nothing but its transaction. It may be run again after a conflict, so it has
no effect besides its statements, and ids and times are made outside of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

Value = bytes | str | int | float | None
Row = tuple[Value, ...]
T = TypeVar("T")


class Rows(Protocol):
    """Something to read from: a snapshot or a transaction."""

    async def one(self, sql: str, params: Sequence[Value] = ()) -> Row | None:
        """The first row of a query, or None."""

    async def all(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """Every row of a query; callers bound it with LIMIT."""


class Transaction(Rows, Protocol):
    """A change in the making. What it reads includes what it wrote."""

    async def run(self, sql: str, params: Sequence[Value] = ()) -> None:
        """Execute a statement that answers nothing."""

    async def many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Execute a statement once for every row of parameters."""

    async def lock_name(self, bucket_id: str, name: bytes) -> None:
        """Hold off other changes of this name until the transaction ends. Ask before reading the name's versions."""


Change = Callable[[Transaction], Awaitable[T]]
Query = Callable[[Rows], Awaitable[T]]


class Catalog(Protocol):
    """The driver. One a process; safe for many tasks of one event loop."""

    inline_max_bytes: int  # Bodies up to this size may live in an extent itself.
    reads_at_once: bool  # Whether a point read ends without letting another task run.

    @property
    def rows(self) -> Rows:
        """For point reads: each statement sees every change committed before it began, on every node (P5).

        A statement here must cost microseconds, since SQLite's driver runs it on the event loop.
        """

    async def scan(self, query: Query[T]) -> T:
        """Run a query of many rows on one consistent snapshot, off the event loop. At most about a second."""

    async def write(self, change: Change[T], *, size_bytes: int = 0, grows: bool = False) -> T:
        """Run the change and commit it.

        When this returns, the change is durable on disk and visible to every reader (P1, P5). When it raises, nothing
        of the change is there: the change's own exception as it is, `CatalogFull` when there was no room. Changes
        are serializable. `size_bytes` is about how much the change writes, so that groups of commits stay bounded. One that
        `grows` stores something new: it gets `CatalogFull` where less than a reserve is left, so that every other change,
        such as a delete, still has room (P13).
        Cancelling the caller does not say whether the change happened.
        """

    async def migrate(self) -> None:
        """Bring the schema up to this release. Raises `CatalogTooNew` when a newer release wrote it (P14)."""

    async def check(self) -> None:
        """Answer if the catalog can be read; raise `CatalogError` if not."""

    async def close(self) -> None:
        """Finish the writes that were begun and let go of everything."""


class CatalogError(Exception):
    """The catalog cannot do what it is for."""


class CatalogFull(CatalogError):
    """No room on the disk; the change was rolled back (P12)."""


class CatalogTooNew(CatalogError):
    """A newer release wrote this catalog, in a way this one cannot read (P14)."""


class CatalogUnsafe(CatalogError):
    """The engine at hand cannot keep the promises (a SQLite with the WAL reset race)."""
