"""The snapshots that an account keeps: zips in a bucket of its own, which clients read and nobody else writes.

How long one is kept is told by the folder that it lies in; the bucket's lifecycle rules do the rest.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence

import msgspec

from undercroft import limits
from undercroft.store.accounting.model import DAY_MS
from undercroft.store.directory import Directory
from undercroft.store.errors import NoSuchVersion
from undercroft.store.files.service import Files
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, Document, FileVersion
from undercroft.store.operations import Operation

NAME_PREFIX = "b2-snapshot-"
SOURCE_KEY = "snapshot-source"  # File info: the bucket and folder that a snapshot is of.
_FOREVER = "kept/"
_FOLDER = re.compile(r"([0-9]+)-days/")


class Kept(msgspec.Struct, frozen=True):
    """A snapshot. Times are milliseconds since the epoch; `expires_ms` is None for one that stays until somebody deletes it."""

    version: FileVersion
    label: str
    source: str
    expires_ms: int | None


class KeptSnapshots:
    """The snapshots of all accounts."""

    def __init__(self, directory: Directory, files: Files) -> None:
        self._directory = directory
        self._files = files

    async def bucket(self, principal: Principal) -> Bucket | None:
        """The bucket of the account's snapshots, if it ever had one."""
        await self._directory.catch_up()
        return await self._directory.bucket_by_name(bucket_name(principal.account_id or ""))

    async def list(self, principal: Principal) -> Sequence[Kept]:
        """The account's snapshots, the newest first. Raises `Unauthorized`."""
        found = [one async for page in self.pages(principal) for one in page]
        return sorted(found, key=lambda one: one.version.uploaded_ms, reverse=True)

    async def pages(self, principal: Principal) -> AsyncIterator[Sequence[Kept]]:
        """The same by name, `limits.SNAPSHOTS_PAGE` at once. Raises `Unauthorized`."""
        bucket, start = await self.bucket(principal), ""
        while bucket is not None:
            page = await self._files.list_names(principal, bucket, start=start, limit=limits.SNAPSHOTS_PAGE)
            yield [_kept(row) for row in page.rows if isinstance(row, FileVersion)]
            if page.following is None:
                return
            start = page.following.name

    async def find(self, principal: Principal, file_id: str) -> tuple[Bucket, Kept]:
        """A snapshot of the account, and its bucket. Raises `NoSuchVersion`, `InvalidFileId` and `Unauthorized`."""
        bucket = await self.bucket(principal)
        if bucket is None:
            raise NoSuchVersion(file_id)
        return bucket, _kept(await self._files.version(principal, file_id, bucket=bucket))

    async def delete(self, principal: Principal, file_id: str) -> Kept:
        """Remove a snapshot, for who may delete files in all buckets. Raises what `find` raises."""
        bucket, kept = await self.find(principal, file_id)
        authorize(principal, Operation.DELETE_FILE, None)
        assert principal.key is not None, "grants delete nothing"
        await self._files.delete_version(Principal.of_service(principal.key), bucket, kept.version.name, file_id)
        return kept


def bucket_name(account_id: str) -> str:
    """The name of the bucket of an account's snapshots."""
    return NAME_PREFIX + account_id


def folder_of(valid_days: int | None) -> str:
    """Where in that bucket a snapshot lies that is kept for so many days, or for ever."""
    return _FOREVER if valid_days is None else f"{valid_days}-days/"


def lifecycle_rules() -> list[Document]:
    """What lets snapshots go when their days are over, and what was left of those that were never finished."""
    ends = {"daysFromHidingToDeleting": 1}
    abandoned = {"daysFromStartingToCancelingUnfinishedLargeFiles": limits.SNAPSHOT_ABANDONED_DAYS}
    expiring = [
        {"fileNamePrefix": folder_of(days), "daysFromUploadingToHiding": days, **ends, **abandoned}
        for days in limits.SNAPSHOT_VALID_DAYS
    ]
    return [*expiring, {"fileNamePrefix": _FOREVER, **ends, **abandoned}]


def _kept(version: FileVersion) -> Kept:
    folder, _, label = version.name.rpartition("/")
    days = _FOLDER.fullmatch(folder + "/")
    expires_ms = None if days is None else version.uploaded_ms + int(days[1]) * DAY_MS
    return Kept(version, label, version.info.get(SOURCE_KEY, ""), expires_ms)
