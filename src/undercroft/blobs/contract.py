"""The contract of blobs: immutable runs of stored bytes under an id that the driver gives. Drivers are the local disk
and, later, SeaweedFS.

A blob is written once, from front to end, by one writer; finished; read in ranges; and deleted. It is never changed.
A blob that no extent of the catalog names is invisible, so nothing here needs a transaction: the store finishes a blob
first and commits the extent that names it afterwards (P2, P4), and removes the extent before it deletes the blob.

Every driver keeps CRC32C checksums of 64 KiB frames with the bytes and checks them on every read (P3). Bytes of a frame that
fails its checksum never leave the driver. `tests/contract/test_blobs.py` runs against every driver.

A blob may be encrypted under a key of its own, which its caller makes, keeps and brings along to read it. The checksums
cover the bytes as they are stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

BLOB_ID_BYTES = 16


class BlobError(Exception):
    """Anything that blobs refuse or cannot do.

    `fatal` tells that the process must stop and that no retry is allowed. A driver is given an `on_fatal`, which it calls
    before it raises such an error while it runs, so callers need not look.
    """

    fatal = False


class NoSpace(BlobError):
    """The disk is full, a quota is used up, or less than the reserve is left (P12). The blob being written is gone."""


class BlobTooLarge(BlobError):
    """More than `max_blob_bytes` in one blob. The blob being written is gone."""


class BlobsBusy(BlobError):
    """Too many blobs are open at once; the caller should come again."""


class BlobIOError(BlobError):
    """The medium failed. `fatal` after a failed sync: what the disk then holds is unknown, and asking again lies (P12)."""

    def __init__(self, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.fatal = fatal


class BlobMissing(BlobError):
    """There is no blob of this id. If the catalog names it, P4 is broken."""

    def __init__(self, blob_id: bytes) -> None:
        super().__init__(f"There is no blob {blob_id.hex()}.")
        self.blob_id = blob_id


class BlobCorrupt(BlobError):
    """What is stored differs from its checksums, or is not the blob it should be (P3). `reason` says what was found."""

    def __init__(self, blob_id: bytes, reason: str) -> None:
        super().__init__(f"Blob {blob_id.hex()} is corrupt: {reason}.")
        self.blob_id = blob_id
        self.reason = reason


class BlobTooNew(BlobError):
    """The blob is sound, but a newer release wrote it in a format that this one cannot read (P14)."""

    def __init__(self, blob_id: bytes, found: str) -> None:
        super().__init__(f"Blob {blob_id.hex()} was written by a newer release: {found}.")
        self.blob_id = blob_id


class WalkedBlob(NamedTuple):
    """What a walk finds: a blob, perhaps one still being written or left over from a crash."""

    blob_id: bytes
    mtime_s: float  # Wall-clock time of its last write.
    stored_bytes: int  # What it occupies: its bytes, their checksums and the format's own parts.


class BlobWriter(Protocol):
    """A blob in the making, for one task. Await each call before the next one.

    Ends with `finish` or `discard`. After any error the blob is gone already; `discard` is still allowed, and needed
    after a cancellation. A crash leaves at most an orphan, which `walk` finds.
    """

    @property
    def blob_id(self) -> bytes:
        """The id, 16 bytes. It is final when `finish` has returned: until then a driver may have to choose another."""

    @property
    def size(self) -> int:
        """How many bytes were written so far."""

    async def write(self, data: bytes | memoryview) -> None:
        """Append the data, of any length; blocks of 1 MiB are the fastest.

        The data must not change until this returns, or, after a cancellation, until `discard` has. Raises
        `BlobTooLarge`, `NoSpace`, `BlobsBusy`, `BlobIOError`.
        """

    async def finish(self) -> None:
        """Make the blob durable, immutable and readable; only then may anything name it (P1).

        Raises `NoSpace`, `BlobsBusy`, and `BlobIOError`, which is `fatal` where a sync failed and is not where somebody has
        deleted the blob meanwhile. Cancelling the caller does not say whether it happened: discard.
        """

    async def renew(self) -> None:
        """Make a finished blob as young to a walk as one that was finished now.

        For whoever is about to name a blob that was finished a while ago: where the clock has jumped ahead meanwhile, a sweep
        may have taken it for an orphan. Raises `BlobIOError` where it is gone, and `BlobsBusy`.
        """

    async def discard(self) -> None:
        """Remove the blob, finished or not. Idempotent; works on a full disk (P13).

        Waits for a write or finish that a cancellation left running, and is itself carried out when its caller is
        cancelled. Raises `BlobIOError`.
        """


class BlobReader(Protocol):
    """A finished blob, open for reading by one task. It stays readable when the blob is deleted meanwhile."""

    @property
    def blob_id(self) -> bytes:
        """The id."""

    @property
    def size(self) -> int:
        """How many bytes the blob holds."""

    @property
    def waited(self) -> bool:
        """Whether the last read waited for the medium, so that reading ahead may gain something."""

    async def read(self, offset: int, length: int) -> bytes | bytearray:
        """The bytes [offset, offset + length), at most `limits.BLOB_READ_MAX_BYTES`, every frame touched verified (P3).

        They are the caller's own. Reads of whole frames, starting at a multiple of `limits.FRAME_BYTES`, copy nothing. Raises `BlobCorrupt`, also
        for a range that the blob does not have; `BlobMissing`; `BlobIOError`.
        """

    def close(self) -> None:
        """Let go of the blob. Idempotent, never fails, does not wait: allowed in any `finally`."""


class Blobs(Protocol):
    """The driver. One a process; safe for many tasks of one event loop."""

    max_blob_bytes: int  # A longer body becomes several blobs.

    async def create(self, key: bytes | None = None) -> BlobWriter:
        """Begin a new blob. Raises `NoSpace` below the reserve (P12), and `BlobsBusy`.

        With `key`, 32 random bytes that no other blob has, it is stored encrypted.
        """

    async def open(self, blob_id: bytes, key: bytes | None = None) -> BlobReader:
        """Open a finished blob, with the key that it was created with.

        Raises `BlobMissing`, `BlobCorrupt`, `BlobTooNew`, `BlobsBusy`, `BlobIOError`. A key where none is needed, or none
        where one is, is `BlobCorrupt`: only a wrong catalog or a wrong file brings that about. So is another key, which is
        found out when a frame is read.
        """

    async def delete(self, blob_id: bytes) -> None:
        """Remove the blob if it is there. Idempotent; works on a full disk (P13).

        Not durable by itself: after a power loss the blob may be back, as an orphan. Raises `BlobIOError`.
        """

    def walk(self) -> Iterator[WalkedBlob]:
        """Every blob, once each, in no promised order; for scrubbing and for finding orphans (P4).

        Blobs created or deleted during the walk may or may not appear. Blocks: call it in a thread. Memory does not
        grow with the number of blobs. Raises `BlobIOError` rather than leave some out.
        """

    def check(self) -> None:
        """Return if blobs can be created and read; raise `BlobIOError` if not. A full disk is no failure. Blocks."""

    async def close(self) -> None:
        """Discard the writers that were not finished and close every reader. The driver must not be used afterwards."""
