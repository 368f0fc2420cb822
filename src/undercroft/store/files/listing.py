"""Lists of names, of versions, and of unfinished large files.

A list of visible names costs what it returns, with or without a delimiter. Lists with a delimiter over versions and
unfinished files skip folder by folder.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from undercroft import limits
from undercroft.catalog import versions
from undercroft.catalog.contract import Rows
from undercroft.catalog.versions import FIRST, VersionRow
from undercroft.store.errors import InvalidFileId, OutOfRange
from undercroft.store.files.base import FilesBase, version_of
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.ids import LARGE, FileId, parse_file_id
from undercroft.store.model import Bucket, FileVersion, Folder, Page
from undercroft.store.operations import Operation

Place = tuple[bytes, int, int]
Fetch = Callable[[Rows, Place, int], Awaitable[list[VersionRow]]]


class Lists(FilesBase):
    """The part of the file store that lists. `limit` is at least 1; every start is inclusive."""

    async def list_names(
        self,
        principal: Principal,
        bucket: Bucket,
        *,
        prefix: str = "",
        delimiter: str = "",
        start: str = "",
        limit: int,
    ) -> Page:
        """Visible files by name; names with the delimiter after the prefix fold into one `Folder` each."""
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, prefix)
        raw_prefix = prefix.encode()
        first, end = max(start.encode(), raw_prefix), versions.prefix_end(raw_prefix)

        async def query(rows: Rows) -> Sequence[VersionRow | bytes]:
            if delimiter:
                return await versions.visible_folded(
                    rows, bucket.bucket_id, first, end, prefix=raw_prefix, delimiter=delimiter.encode(), limit=limit + 1
                )
            return await versions.visible(rows, bucket.bucket_id, first, end, limit + 1)

        return _page(_entries(await self._catalog.scan(query), bucket), limit)

    async def count_versions(self, principal: Principal, bucket: Bucket, file_names: Sequence[str]) -> dict[str, int]:
        """How many versions, hide markers too, the names have that have any: what an upload to them will not be alone with.

        Counts end at `limits.VERSIONS_COUNTED_MAX`. Raises `OutOfRange` for more names than `limits.NAMES_LOOKED_UP_MAX`.
        """
        if len(file_names) > limits.NAMES_LOOKED_UP_MAX:
            raise OutOfRange(f"At most {limits.NAMES_LOOKED_UP_MAX} names are looked up at once.", "names")
        await self._gate.enter(principal, Operation.LIST_FILES, bucket)
        for name in file_names:
            authorize(principal, Operation.LIST_FILES, bucket, name)

        async def query(rows: Rows) -> dict[str, int]:
            counts = {}
            for name in dict.fromkeys(file_names):
                found = await versions.count_of(rows, bucket.bucket_id, name.encode(), limits.VERSIONS_COUNTED_MAX)
                if found:
                    counts[name] = found
            return counts

        return await self._catalog.scan(query)

    async def list_versions(
        self,
        principal: Principal,
        bucket: Bucket,
        *,
        prefix: str = "",
        delimiter: str = "",
        start: str = "",
        start_file_id: str | None = None,
        after: bool = False,
        unfinished: bool = True,
        limit: int,
    ) -> Page:
        """All versions by name and newest first, with `unfinished` large files or without.

        `start_file_id` counts only if it is a version of the name `start`: the list then begins with it, or after it.
        Raises `InvalidFileId`.
        """
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, prefix)
        raw_prefix = prefix.encode()
        end = versions.prefix_end(raw_prefix)

        async def fetch(rows: Rows, place: Place, count: int) -> list[VersionRow]:
            return await versions.every_from(rows, bucket.bucket_id, place, end, count, unfinished=unfinished)

        async def query(rows: Rows) -> list[FileVersion | Folder]:
            place = await _version_place(rows, bucket, start.encode(), start_file_id, after=after)
            if place[0] < raw_prefix:
                place = (raw_prefix, FIRST, FIRST)
            entries = await _fold(rows, fetch, place, prefix=raw_prefix, delimiter=delimiter.encode(), limit=limit + 1)
            return await _with_latest(rows, bucket, entries)

        return _page(await self._catalog.scan(query), limit)

    async def list_unfinished(
        self, principal: Principal, bucket: Bucket, *, prefix: str = "", start_file_id: str | None = None, limit: int
    ) -> tuple[list[FileVersion], str | None]:
        """Unfinished large files, oldest first, and the id that the next page starts with. Raises `InvalidFileId`."""
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, prefix)
        start = (0, 0)
        if start_file_id:
            parsed = _parsed(start_file_id)
            start = (parsed.born_ms, parsed.handle)
        found = await self._catalog.scan(
            lambda rows: versions.unfinished_by_age(rows, bucket.bucket_id, start, prefix.encode(), limit + 1)
        )
        listed = [version_of(row, bucket, is_latest=False) for row in found]
        return listed[:limit], str(listed[limit].file_id) if len(listed) > limit else None

    async def list_uploads(
        self,
        principal: Principal,
        bucket: Bucket,
        *,
        prefix: str = "",
        delimiter: str = "",
        key_marker: str = "",
        id_marker: str | None = None,
        limit: int,
    ) -> Page:
        """Unfinished large files by name and then by start, after the marker (S3 ListMultipartUploads).

        Raises `InvalidFileId` where `id_marker` cannot be an id.
        """
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, prefix)
        raw_prefix, marker = prefix.encode(), key_marker.encode()
        end = versions.prefix_end(raw_prefix)
        place: Place = (marker + b"\x00", FIRST, FIRST) if marker else (b"", FIRST, FIRST)
        if marker and id_marker:
            parsed = _parsed(id_marker)
            place = (marker, parsed.born_ms, parsed.handle + 1)
        if delimiter and marker.startswith(raw_prefix) and marker.endswith(delimiter.encode()):
            place = (versions.successor(marker), FIRST, FIRST)
        place = max(place, (raw_prefix, FIRST, FIRST))

        async def fetch(rows: Rows, place: Place, count: int) -> list[VersionRow]:
            return await versions.unfinished_by_name(rows, bucket.bucket_id, place, end, count)

        async def query(rows: Rows) -> list[VersionRow | bytes]:
            return await _fold(rows, fetch, place, prefix=raw_prefix, delimiter=delimiter.encode(), limit=limit + 1)

        return _page(_entries(await self._catalog.scan(query), bucket), limit)


async def _version_place(rows: Rows, bucket: Bucket, start: bytes, file_id: str | None, *, after: bool) -> Place:
    """Where a list of versions begins."""
    if not file_id:
        return start, FIRST, FIRST
    parsed = _parsed(file_id)
    row = (await versions.by_handle(rows, bucket.bucket_id, parsed.handle)).version
    if row is not None:
        if row.name != start:
            return start, FIRST, FIRST
        return start, row.inverted_ms, row.inverted_seq + (1 if after else 0)
    if parsed.kind == LARGE:
        # It is gone, and its id tells when it was begun, which may be long before the time that a completion gave it.
        # Versions between the two may not have been listed yet: rather some twice than one not at all.
        return start, FIRST, FIRST
    # It is gone: go on with what is not newer than it was.
    return start, -parsed.born_ms, FIRST


async def _fold(
    rows: Rows, fetch: Fetch, place: Place, *, prefix: bytes, delimiter: bytes, limit: int
) -> list[VersionRow | bytes]:
    """Entries from a place on, with folders folded; after each folder the scan goes on behind it."""
    entries: list[VersionRow | bytes] = []
    while len(entries) < limit:
        wanted = limit - len(entries)
        found = await fetch(rows, place, wanted)
        folder = None
        for row in found:
            folder = _folder_of(row.name, prefix, delimiter)
            if folder is not None:
                entries.append(folder)
                place = (versions.successor(folder), FIRST, FIRST)
                break
            entries.append(row)
        if folder is None:
            break  # Without a folder the page was read in one go.
    return entries


def _folder_of(name: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    if not delimiter:
        return None
    cut = name.find(delimiter, len(prefix))
    return None if cut < 0 else name[: cut + len(delimiter)]


async def _with_latest(rows: Rows, bucket: Bucket, entries: Sequence[VersionRow | bytes]) -> list[FileVersion | Folder]:
    """Entries of a list of versions, told which are the newest of their names."""
    listed: list[FileVersion | Folder] = []
    name: bytes | None = None
    latest_seen = False
    for entry in entries:
        if isinstance(entry, bytes):
            listed.append(Folder(entry.decode()))
            continue
        if entry.name != name:
            # Only the first name of a page can have newer versions before the page.
            newest = await versions.newest(rows, bucket.bucket_id, entry.name) if name is None else None
            latest_seen = newest is not None and newest[2:4] < entry[2:4]
            name = entry.name
        finished = entry.action != versions.START
        listed.append(version_of(entry, bucket, is_latest=finished and not latest_seen))
        latest_seen = latest_seen or finished
    return listed


def _entries(rows: Sequence[VersionRow | bytes], bucket: Bucket) -> list[FileVersion | Folder]:
    return [Folder(row.decode()) if isinstance(row, bytes) else version_of(row, bucket) for row in rows]


def _page(entries: list[FileVersion | Folder], limit: int) -> Page:
    return Page(entries[:limit], entries[limit] if len(entries) > limit else None)


def _parsed(file_id: str) -> FileId:
    parsed = parse_file_id(file_id)
    if parsed is None:
        raise InvalidFileId(f"Invalid fileId: {file_id}", "startFileId")
    return parsed
