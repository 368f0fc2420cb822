"""A selection: some files and some folders, as somebody ticks them off, and what is done to all of it at once.

What is too much for one request is a matter of jobs in the background; these stop at `limits.SELECTION_MAX` versions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec

from undercroft import limits
from undercroft.catalog import versions
from undercroft.catalog.versions import FIRST
from undercroft.store.errors import AlreadyHidden, InvalidRequest, NoSuchFile, NoSuchVersion, VersionLocked
from undercroft.store.files.base import version_of
from undercroft.store.files.browsing import Browsing
from undercroft.store.files.contents import Contents
from undercroft.store.files.listing import Lists
from undercroft.store.files.locks import Locks
from undercroft.store.files.moves import Moves
from undercroft.store.files.reads import Reads
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, FileVersion
from undercroft.store.operations import Operation


class Outcome(msgspec.Struct):
    """What became of a selection: how many were done, how many a lock kept, and whether there was too much for one request."""

    done: int = 0
    locked: int = 0
    has_more: bool = False


class Selections(Browsing, Lists, Reads, Moves, Locks):
    """The part of the file store that goes through selections. Names that end in a slash are folders, with all in them."""

    async def selected(
        self, principal: Principal, bucket: Bucket, names: Sequence[str]
    ) -> AsyncIterator[FileVersion | str]:
        """The visible files of a selection, a page at a time, and the names of those that have none. "" is all of the bucket.

        Each comes once. What changes meanwhile may be seen before or after.
        """
        for name in outermost(names):
            if name and not name.endswith("/"):
                try:
                    yield await self.current(principal, bucket, name, data=False)
                except NoSuchFile:
                    yield name
                continue
            start = name
            while True:
                page = await self.list_names(
                    principal, bucket, prefix=name, start=start, limit=limits.SELECTION_PAGE_NAMES
                )
                for row in page.rows:
                    if isinstance(row, FileVersion):
                        yield row
                if page.following is None:
                    break
                start = page.following.name

    async def contents_of_selection(
        self, principal: Principal, bucket: Bucket, names: Sequence[str], *, steps: int = 1
    ) -> Contents:
        """How much a selection is; an empty name is all of the bucket. So many steps are looked at: `following` tells that there is more."""
        whole, most = Contents(), steps * limits.CONTENTS_STEP_VERSIONS
        for name in outermost(names):
            start: str | None = ""
            while start is not None:
                if whole.versions + whole.unfinished >= most:
                    return msgspec.structs.replace(whole, following=start or name or None)
                step = await self.contents(
                    principal, bucket, name, start=start, only=bool(name) and not name.endswith("/")
                )
                whole, start = whole.plus(step), step.following
        return msgspec.structs.replace(whole, following=None)

    async def delete_selected(
        self, principal: Principal, bucket: Bucket, names: Sequence[str], *, bypass_governance: bool = False
    ) -> Outcome:
        """Remove every version of a selection, hide markers and unfinished large files too, but for what is locked."""
        await self._may_change_all(principal, bucket, names)
        return await self._each(
            self._versions_of_selection(bucket, names), self._removing(principal, bucket, bypass_governance)
        )

    async def delete_newest_of_selected(
        self, principal: Principal, bucket: Bucket, names: Sequence[str], *, bypass_governance: bool = False
    ) -> Outcome:
        """Remove the visible version of every file of a selection, so that the one beneath it comes forward, if there is one."""
        await self._may_change_all(principal, bucket, names)
        return await self._each(
            self._files_of_selection(principal, bucket, names), self._removing(principal, bucket, bypass_governance)
        )

    async def delete_these(
        self, principal: Principal, bucket: Bucket, chosen: Sequence[FileVersion], *, bypass_governance: bool = False
    ) -> Outcome:
        """Remove single versions, but for what is locked."""
        return await self._each(_each_of(chosen), self._removing(principal, bucket, bypass_governance))

    async def unhide_selected(self, principal: Principal, bucket: Bucket, names: Sequence[str]) -> Outcome:
        """Let the hidden files of these names be visible again; folders and what is not hidden stay as they are."""
        outcome = Outcome()
        for name in names[: limits.SELECTION_MAX]:
            with suppress(InvalidRequest, NoSuchFile):
                await self.unhide(principal, bucket, name)
                outcome.done += 1
        return outcome

    async def hold_selected(self, principal: Principal, bucket: Bucket, names: Sequence[str], *, on: bool) -> Outcome:
        """Put a legal hold on the visible version of every file of a selection, or take it off.

        Raises `MissingLock` and `LockForbidden`.
        """

        async def hold(version: FileVersion) -> None:
            await self.update_legal_hold(principal, bucket, version.name, str(version.file_id), on=on)

        await self._may_change_all(principal, bucket, names)
        return await self._each(self._files_of_selection(principal, bucket, names), hold)

    def _removing(
        self, principal: Principal, bucket: Bucket, bypass_governance: bool
    ) -> Callable[[FileVersion], Awaitable[None]]:
        async def remove(version: FileVersion) -> None:
            await self.delete_version(
                principal, bucket, version.name, str(version.file_id), bypass_governance=bypass_governance
            )

        return remove

    async def _may_change_all(self, principal: Principal, bucket: Bucket, names: Sequence[str]) -> None:
        """Refuse a selection that goes beyond what the principal may list, before any of it is changed."""
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, common_beginning(names))

    async def _each(self, found: AsyncIterator[FileVersion], work: Callable[[FileVersion], Awaitable[None]]) -> Outcome:
        outcome, batch, count = Outcome(), list[FileVersion](), 0
        async for version in found:
            if count == limits.SELECTION_MAX:
                outcome.has_more = True
                break
            count += 1
            batch.append(version)
            if len(batch) == limits.SELECTION_AT_ONCE:
                await _do_all(batch, work, outcome)
                batch.clear()
        await _do_all(batch, work, outcome)
        return outcome

    async def _files_of_selection(
        self, principal: Principal, bucket: Bucket, names: Sequence[str]
    ) -> AsyncIterator[FileVersion]:
        async for version in self.selected(principal, bucket, names):
            if isinstance(version, FileVersion):
                yield version

    async def _versions_of_selection(self, bucket: Bucket, names: Sequence[str]) -> AsyncIterator[FileVersion]:
        for name in names:
            raw_name = name.encode()
            place = (raw_name, FIRST, FIRST)
            end = versions.prefix_end(raw_name) if name.endswith("/") else raw_name + b"\x00"
            while True:
                page = await self._catalog.scan(
                    lambda rows, place=place, end=end: versions.every_from(  # type: ignore[misc]
                        rows, bucket.bucket_id, place, end, limits.SELECTION_PAGE_NAMES, unfinished=True
                    )
                )
                for row in page:
                    yield version_of(row, bucket)
                if len(page) < limits.SELECTION_PAGE_NAMES:
                    break
                place = page[-1].place_after


def outermost(names: Sequence[str]) -> list[str]:
    """The names without those that are there already, and without those in a folder that is among them."""
    chosen = dict.fromkeys(names)
    if "" in chosen:
        return [""]

    def is_inside(name: str) -> bool:
        return any(name[: at + 1] in chosen for at, letter in enumerate(name[:-1]) if letter == "/")

    return [name for name in chosen if not is_inside(name)]


async def _each_of(chosen: Sequence[FileVersion]) -> AsyncIterator[FileVersion]:
    for version in chosen:
        yield version


async def _do_all(
    batch: Sequence[FileVersion], work: Callable[[FileVersion], Awaitable[None]], outcome: Outcome
) -> None:
    """Do the work for each, beside one another, so that they share commits."""
    for result in await asyncio.gather(*(work(version) for version in batch), return_exceptions=True):
        if result is None:
            outcome.done += 1
        elif isinstance(result, VersionLocked):
            outcome.locked += 1
        elif not isinstance(result, NoSuchVersion | NoSuchFile | AlreadyHidden):  # Somebody else was faster.
            raise result


def common_beginning(names: Sequence[str]) -> str:
    """What all the names begin with."""
    first, last = min(names, default=""), max(names, default="")
    length = next(
        (at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), min(len(first), len(last))
    )
    return first[:length]
