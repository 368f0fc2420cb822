"""Looking around in a bucket as people do: folder by folder, by part of a name, and asking how much there is.

A page of a folder costs what it shows, whatever lies under its folders and however many versions its names have. What has to
look at everything, a search or the size of a folder, does so in steps: each looks at a bounded number of names and says how
far it came, so that the caller decides how long to go on.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from undercroft import limits
from undercroft.catalog import folders, versions
from undercroft.catalog.contract import Rows
from undercroft.catalog.sorted_folders import SortedFolder, Value
from undercroft.catalog.versions import FIRST, VersionRow
from undercroft.store.files.base import FilesBase, version_of
from undercroft.store.files.contents import Contents, Tally
from undercroft.store.identity.principals import Principal
from undercroft.store.ids import parse_file_id
from undercroft.store.model import Bucket, FileVersion
from undercroft.store.operations import Operation

EMPTY_FOLDER_NAME = ".bzEmpty"  # What B2's own console puts into a folder that is to be there without files.


class EntryKind(Enum):
    """What a row of a folder is."""

    FOLDER = "folder"
    FILE = "file"
    UNFINISHED = "unfinished"


class Entry(msgspec.Struct, frozen=True):
    """A row of a folder. `name` is whole: from the top of the bucket, with the slash at the end if it is a folder.

    `version` is the newest finished version of a file, which is a hide marker where `is_hidden`, or the unfinished large file. A
    folder is hidden where nothing under it is visible. `versions` counts the finished ones of the name, up to
    `limits.VERSIONS_COUNTED_MAX`; `older` has the first of those below the newest, where they were asked for.
    """

    kind: EntryKind
    name: str
    version: FileVersion | None = None
    versions: int = 0
    is_hidden: bool = False
    older: list[FileVersion] = []


class FolderPage(msgspec.Struct, frozen=True):
    """A page of a folder, and whether there is something before it and after it."""

    entries: list[Entry]
    has_before: bool
    has_after: bool


class View(msgspec.Struct, frozen=True):
    """What is shown of a folder beside its visible files: hidden names, older versions, unfinished large files."""

    hidden: bool = False
    versions: bool = False
    unfinished: bool = False


PLAIN = View()


class Order(Enum):
    """What the files of a folder are put in order by, beside their names."""

    SIZE = "size"
    UPLOADED = "uploaded"


_VALUES = {
    (Order.SIZE, False): Value.LARGEST,
    (Order.SIZE, True): Value.SMALLEST,
    (Order.UPLOADED, False): Value.LATEST,
    (Order.UPLOADED, True): Value.EARLIEST,
}


class Place(msgspec.Struct, frozen=True):
    """A row of a folder in another order than by name: a file, with what puts it there, or a folder, behind all files."""

    name: str
    value: int | None


class SortedPage(msgspec.Struct, frozen=True):
    """A page of a folder in another order than by name: files, then folders by name.

    `came_to` is the last of them where more follow; `is_all` tells whether every name of the folder was looked at.
    """

    entries: list[Entry]
    came_to: Place | None
    is_all: bool


class SearchStep(msgspec.Struct, frozen=True):
    """What a step of a search found, how many names it looked at, and the last of them; None: there are no more."""

    found: list[Entry]
    looked_at: int
    came_to: str | None


class Browsing(FilesBase):
    """The part of the file store for looking around. All of it needs listFiles."""

    async def folder(
        self,
        principal: Principal,
        bucket: Bucket,
        folder: str = "",
        *,
        typed: str = "",
        view: View = PLAIN,
        after: str = "",
        before: str | None = None,
        limit: int,
    ) -> FolderPage:
        """A page of a folder, which is empty or ends in a slash: what begins with `typed` in it, by name.

        It is the first page behind the row `after`, or, with `before`, the last one before that row, where an empty text
        stands for the end of the folder. What stands for an empty folder is no row.
        """
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, folder)
        raw_folder, prefix = folder.encode(), (folder + typed).encode()
        prefix_end = versions.prefix_end(prefix)
        low = max(prefix, _behind(after.encode(), raw_folder)) if after else prefix
        high = min(prefix_end, before.encode()) if before else prefix_end
        backwards = before is not None

        async def query(rows: Rows) -> FolderPage:
            # One more tells whether there is more. Two are never shown: what stands for an empty folder, and a name that
            # is the folder's own.
            found = await folders.entries(
                rows,
                bucket.bucket_id,
                low,
                high,
                folder=raw_folder,
                hidden=view.hidden,
                unfinished=view.unfinished,
                limit=limit + 3,
                backwards=backwards,
            )
            shown = [one for one in found if one[0] not in (raw_folder, raw_folder + EMPTY_FOLDER_NAME.encode())]
            listed: list[Entry] = []
            for name, is_folder in shown[-limit:] if backwards else shown[:limit]:
                if is_folder:
                    is_hidden = view.hidden and not await folders.has_visible(rows, bucket.bucket_id, name)
                    listed.append(Entry(EntryKind.FOLDER, name.decode(), is_hidden=is_hidden))
                else:
                    listed += await _entries_of_name(rows, bucket, name, view)
            more = len(shown) > limit
            return FolderPage(listed, more if backwards else low > prefix, high < prefix_end if backwards else more)

        return await self._catalog.scan(query)

    async def sorted_folder(
        self,
        principal: Principal,
        bucket: Bucket,
        folder: str = "",
        *,
        typed: str = "",
        by: Order,
        is_rising: bool = False,
        after: Place | None = None,
        limit: int,
    ) -> SortedPage:
        """A page of the visible files of a folder by size or time, the largest or latest first, or, with `is_rising`, last.

        Each page looks at all of the folder: up to `limits.FOLDER_SORTED_FILES` files in it and beneath it, or else at its first
        `limits.FOLDER_SORTED_NAMES` names.
        """
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, folder)
        raw_folder, prefix = folder.encode(), (folder + typed).encode()
        unseen = (raw_folder, raw_folder + EMPTY_FOLDER_NAME.encode())

        async def query(rows: Rows) -> SortedPage:
            order = await SortedFolder.open(
                rows, bucket.bucket_id, prefix, versions.prefix_end(prefix), folder=raw_folder,
                walk_max=limits.FOLDER_SORTED_FILES, hops_max=limits.FOLDER_SORTED_NAMES,
            )  # fmt: skip
            places: list[Place] = []
            if after is None or after.value is not None:
                behind = None if after is None else (after.value or 0, after.name.encode())
                found = await order.files(_VALUES[by, is_rising], behind, limit + 1 + len(unseen))
                places = [Place(name.decode(), value) for name, value in found if name not in unseen]
            if len(places) <= limit:
                passed = after.name if after is not None and after.value is None else ""
                below = [raw_name.decode() for raw_name in await order.folders()]
                places += [Place(name, None) for name in below if name > passed]
            listed: list[Entry] = []
            for place in places[:limit]:
                if place.value is None:
                    listed.append(Entry(EntryKind.FOLDER, place.name))
                else:
                    listed += await _entries_of_name(rows, bucket, place.name.encode(), PLAIN)
            return SortedPage(listed, places[limit - 1] if len(places) > limit else None, order.is_all)

        return await self._catalog.scan(query)

    async def search(
        self, principal: Principal, bucket: Bucket, text: str, *, prefix: str = "", after: str = "", limit: int
    ) -> SearchStep:
        """Visible files with the text anywhere in their names, in any letter case, by name: one step behind `after`."""
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, prefix)
        wanted = text.casefold()
        raw_prefix = prefix.encode()
        end = versions.prefix_end(raw_prefix)

        async def query(rows: Rows) -> SearchStep:
            place = max(raw_prefix, after.encode() + b"\x00") if after else raw_prefix
            found: list[Entry] = []
            looked_at = 0
            while True:
                page = await folders.visible_names(rows, bucket.bucket_id, place, end, limits.SEARCH_PAGE_NAMES)
                for raw_name in page:
                    looked_at += 1
                    name = raw_name.decode()
                    if wanted in name.casefold() and not name.endswith(f"/{EMPTY_FOLDER_NAME}"):
                        found += await _entries_of_name(rows, bucket, raw_name, View())
                        if len(found) >= limit:
                            return SearchStep(found, looked_at, name)
                if len(page) < limits.SEARCH_PAGE_NAMES:
                    return SearchStep(found, looked_at, None)
                if looked_at >= limits.SEARCH_STEP_NAMES:
                    return SearchStep(found, looked_at, page[-1].decode())
                place = page[-1] + b"\x00"

        return await self._catalog.scan(query)

    async def contents(
        self, principal: Principal, bucket: Bucket, prefix: str, *, start: str = "", only: bool = False
    ) -> Contents:
        """How much there is under a prefix, or, with `only`, of this one name: one step from the name `start` on.

        A step looks at all versions of the name that it ends with.
        """
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, prefix)
        raw_prefix = prefix.encode()
        end = raw_prefix + b"\x00" if only else versions.prefix_end(raw_prefix)
        tally = Tally(self._ambient.now_ms())

        async def query(rows: Rows) -> Contents:
            place = (max(raw_prefix, start.encode()), FIRST, FIRST)
            while True:
                page = await versions.every_from(
                    rows, bucket.bucket_id, place, end, limits.CONTENTS_PAGE_VERSIONS, unfinished=True
                )
                for row in page:
                    if tally.looked_at >= limits.CONTENTS_STEP_VERSIONS and row.name != tally.name:
                        return tally.contents(row.name.decode())
                    tally.add(row)
                if len(page) < limits.CONTENTS_PAGE_VERSIONS:
                    return tally.contents(None)
                place = page[-1].place_after

        return await self._catalog.scan(query)

    async def versions_of(
        self, principal: Principal, bucket: Bucket, name: str, *, start_file_id: str | None = None, limit: int
    ) -> tuple[list[FileVersion], str | None]:
        """Finished versions of one name, newest first, and the id that the next page begins with."""
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, name)
        raw_name = name.encode()

        async def query(rows: Rows) -> tuple[list[FileVersion], str | None]:
            newest = await versions.newest(rows, bucket.bucket_id, raw_name)
            place = (raw_name, FIRST, FIRST)
            parsed = None if start_file_id is None else parse_file_id(start_file_id)
            if parsed is not None:
                row = (await versions.by_handle(rows, bucket.bucket_id, parsed.handle)).version
                if row is not None and row.name == raw_name:  # Else it is gone, and the list begins anew.
                    place = row.place
            found = await versions.every_from(
                rows, bucket.bucket_id, place, raw_name + b"\x00", limit + 1, unfinished=False
            )
            listed = [version_of(row, bucket, is_latest=row == newest) for row in found]
            return listed[:limit], str(listed[limit].file_id) if len(listed) > limit else None

        return await self._catalog.scan(query)


def _behind(name: bytes, folder: bytes) -> bytes:
    """The least name behind a row of a folder, which is itself a folder where a slash ends it."""
    return versions.successor(name) if name.endswith(b"/") and name != folder else name + b"\x00"


async def _entries_of_name(rows: Rows, bucket: Bucket, name: bytes, view: View) -> list[Entry]:
    """The rows of a name: its file, as far as it has one that is to be shown, and its unfinished large files."""
    listed: list[Entry] = []
    newest = await versions.newest(rows, bucket.bucket_id, name)
    is_hidden = newest is not None and newest.action == versions.HIDE
    if newest is not None and (view.hidden or not is_hidden):
        count = await versions.count_of(rows, bucket.bucket_id, name, limits.VERSIONS_COUNTED_MAX)
        older: list[VersionRow] = []
        if view.versions and count > 1:
            end = name + b"\x00"
            older = await versions.every_from(
                rows, bucket.bucket_id, newest.place_after, end, limits.FOLDER_OLDER_SHOWN, unfinished=False
            )
        listed.append(
            Entry(
                EntryKind.FILE,
                name.decode(),
                version_of(newest, bucket),
                count,
                is_hidden,
                [version_of(row, bucket, is_latest=False) for row in older],
            )
        )
    if view.unfinished:
        uploads = await versions.unfinished_by_name(
            rows, bucket.bucket_id, (name, FIRST, FIRST), name + b"\x00", limits.FOLDER_UNFINISHED_SHOWN
        )
        listed += [
            Entry(EntryKind.UNFINISHED, name.decode(), version_of(row, bucket, is_latest=False)) for row in uploads
        ]
    return listed
