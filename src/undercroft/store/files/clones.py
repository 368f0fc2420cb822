"""Clones: new versions of what is stored already, made by work in the background. No bytes are moved or read.

A clone has the digests, type and info of its source, and is encrypted as that is, under whatever key: what a customer's key
alone opens, it alone opens again. It is received now, and gets its bucket's default retention as any new file does.
"""

from __future__ import annotations

from undercroft.catalog import extents
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.versions import VersionRow
from undercroft.store.files.base import FilesBase, newborn_in_order
from undercroft.store.files.happenings import Happening
from undercroft.store.files.lock_rules import with_default
from undercroft.store.model import Bucket


class Clones(FilesBase):
    """The part of the file store that clones."""

    def new_handle(self) -> int:
        """A handle for `clone_of`, made outside of the transaction that places the clone."""
        return self._ambient.new_handle()

    def default_encryption_of(self, bucket: Bucket) -> str | None:
        """How new files of the bucket are encrypted that ask for nothing: SSE-B2, or None."""
        return self._sealings.default_of(bucket)

    async def clone_in(
        self, tx: Transaction, bucket: Bucket, source: VersionRow, clone: VersionRow, newest: VersionRow | None
    ) -> VersionRow:
        """Place a clone of an upload as part of a transaction that holds its name, and has read all this within itself."""
        await self._share_bytes(tx, source, clone)
        return await self._place(
            tx, bucket, newborn_in_order(with_default(clone, bucket), newest, None), newest, Happening.COPY
        )


def clone_of(source: VersionRow, bucket_id: str, name: bytes, handle: int, now_ms: int) -> VersionRow:
    """The row of a clone for `clone_in`."""
    return source._replace(
        bucket_id=bucket_id,
        name=name,
        inverted_ms=-now_ms,
        inverted_seq=0,
        handle=handle,
        born_ms=now_ms,
        received_ms=now_ms,
        retention_mode=None,
        retain_until_ms=None,
        legal_hold=None,
        replication_status=None,
    )


async def is_same_file(rows: Rows, row: VersionRow, other: VersionRow) -> bool:
    """Whether two uploads of a bucket are the same to whoever reads them: bytes, type, info and encryption.

    What has no digest of its whole is the same only where it is known to have the same bytes, as a clone has.
    """
    if _described(row) != _described(other):
        return False
    return row.content_sha1 != "none" or await extents.are_same(rows, row.bucket_id, row.handle, other.handle)


def _described(row: VersionRow) -> tuple[object, ...]:
    return row.size, row.content_type, row.content_sha1, row.etag, row.checksum, row.info, row.encryption
