"""What a bucket and its account may hold, judged within the transaction that would pass it, whichever process that is.

Bytes are those of all versions and parts; files are the visible ones. What a change makes of them is counted by the time that it
is judged, and goes with it where it is refused. A change that makes no name visible that was not passes whatever the cap on
files is by then, so what is full can still be overwritten. Nothing that gives room back is judged (P13).
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog import usage
from undercroft.catalog.caps import CapsRow
from undercroft.catalog.contract import Rows
from undercroft.store.errors import BucketCapExceeded, FilesCapExceeded, StorageCapExceeded
from undercroft.store.model import Bucket


class FilesBefore(NamedTuple):
    """How many files bucket and account show before a change; 0 where nobody has to know."""

    of_bucket: int = 0
    of_account: int = 0


async def files_before(rows: Rows, bucket: Bucket, of_account: CapsRow | None) -> FilesBefore:
    """What `check_files` has to know. A statement for each cap on files, and none without one."""
    in_bucket = in_account = 0
    if bucket.caps is not None and bucket.caps.files is not None:
        in_bucket = (await usage.of_bucket(rows, bucket.bucket_id)).files
    if of_account is not None and of_account.files is not None:
        in_account = (await usage.of_account(rows, bucket.account_id)).files
    return FilesBefore(in_bucket, in_account)


async def check_files(rows: Rows, bucket: Bucket, of_account: CapsRow | None, before: FilesBefore) -> None:
    """Raise `BucketCapExceeded` or `FilesCapExceeded` if a change shows more files than there may be."""
    if bucket.caps is not None and bucket.caps.files is not None:
        held = await usage.of_bucket(rows, bucket.bucket_id)
        if held.files > max(bucket.caps.files, before.of_bucket):
            raise BucketCapExceeded(bucket.name, "files")
    if of_account is not None and of_account.files is not None:
        held = await usage.of_account(rows, bucket.account_id)
        if held.files > max(of_account.files, before.of_account):
            raise FilesCapExceeded


async def check_bytes(rows: Rows, bucket: Bucket, of_account: CapsRow | None, more_bytes: int = 0) -> None:
    """Raise `BucketCapExceeded` or `StorageCapExceeded` if more is held than may be, with so many bytes more."""
    if bucket.caps is not None and bucket.caps.size_bytes is not None:
        held = await usage.of_bucket(rows, bucket.bucket_id)
        if held.size_bytes + more_bytes > bucket.caps.size_bytes:
            raise BucketCapExceeded(bucket.name, "storage")
    if of_account is not None and of_account.storage is not None:
        held = await usage.of_account(rows, bucket.account_id)
        if held.size_bytes + more_bytes > of_account.storage:
            raise StorageCapExceeded
