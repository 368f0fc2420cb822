"""A bucket as it was at a moment, as far as its versions remember.

What a name had then is its first version in the order of versions that had been received by that moment: with a custom upload
time, a file may be received today and yet stand among those of last year. A hide marker hid the name then as now. What was
deleted since is not remembered by anything, so that what it had covered shows in its place.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import versions
from undercroft.catalog.contract import Rows
from undercroft.catalog.versions import FIRST, VersionRow
from undercroft.store.errors import InvalidRequest
from undercroft.store.files.base import FilesBase, version_of
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, FileVersion, Folder
from undercroft.store.operations import Operation

Place = tuple[bytes, int, int]
_FETCHED_FIRST = 32  # Versions that are read at once where a folder may follow, …
_FETCHED_MAX = 2000  # … and after that four times as many each time, up to this.


class PastPage(msgspec.Struct, frozen=True):
    """A page of a list of the past, and the token that the next page starts with, if there is one.

    It may have fewer rows than were asked for, even none, and yet be followed by others: see `list_at`.
    """

    rows: list[FileVersion | Folder]
    following: str | None


class Day(NamedTuple):
    """How many versions came on a day, which is counted from the epoch, in UTC."""

    day: int
    versions: int


class Days(NamedTuple):
    """The days on which versions came, latest first, and whether all versions were looked at."""

    days: list[Day]
    is_whole: bool


class Moments(FilesBase):
    """The part of the file store that looks back."""

    async def list_at(
        self,
        principal: Principal,
        bucket: Bucket,
        at_ms: int,
        *,
        prefix: str = "",
        delimiter: str = "",
        start: str | None = None,
        limit: int,
    ) -> PastPage:
        """What `list_names` would have answered at that moment, from the token `start` on, as far as versions remember.

        It has to look at what came later too, so a page ends after `limits.PAST_LOOKED_AT_MAX` versions, full or not. Raises
        `InvalidRequest` for a token that is none.
        """
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, prefix)
        raw_prefix = prefix.encode()
        place = max((raw_prefix, FIRST, FIRST), _place_of(start))
        past = _Past(bucket, at_ms, raw_prefix, delimiter.encode(), limit)
        return await self._catalog.scan(lambda rows: past.page(rows, place))

    async def days_of_change(self, principal: Principal, bucket: Bucket, *, prefix: str = "") -> Days:
        """On which days versions came under the prefix. Of very many, only the first by name are looked at."""
        await self._gate.enter(principal, Operation.LIST_FILES, bucket, prefix)
        start = prefix.encode()
        days, is_whole = await self._catalog.scan(
            lambda rows: versions.days_of_change(
                rows, bucket.bucket_id, start, versions.prefix_end(start), limits.PAST_DAYS_LOOKED_AT_MAX
            )
        )
        return Days([Day(*day) for day in days], is_whole)


class _Past:
    """One page of a list of the past, in the making."""

    def __init__(self, bucket: Bucket, at_ms: int, prefix: bytes, delimiter: bytes, limit: int) -> None:
        self._bucket = bucket
        self._at_ms = at_ms
        self._prefix = prefix
        self._delimiter = delimiter
        self._limit = limit
        self._entries: list[VersionRow | bytes] = []
        self._settled: bytes | None = None  # The last name of which is known what it had then.

    async def page(self, rows: Rows, place: Place) -> PastPage:
        """The entries from a place on."""
        end = versions.prefix_end(self._prefix)
        budget = limits.PAST_LOOKED_AT_MAX
        fetched = _FETCHED_FIRST if self._delimiter else min(self._limit + 1, _FETCHED_MAX)
        while len(self._entries) <= self._limit:
            if budget <= 0:
                return self._answer(place)
            found = await versions.every_from(rows, self._bucket.bucket_id, place, end, fetched, unfinished=False)
            budget -= len(found)
            folder = self._take(found)
            if folder is not None:
                place, fetched = (versions.successor(folder), FIRST, FIRST), _FETCHED_FIRST
                continue
            if len(self._entries) > self._limit:
                break
            if len(found) < fetched:
                return self._answer(None)
            last = found[-1]
            # What is older of a settled name is of no interest.
            place = (last.name + b"\x00", FIRST, FIRST) if last.name == self._settled else last.place_after
            fetched = min(fetched * 4, _FETCHED_MAX)
        extra = self._entries.pop()
        return self._answer((extra, FIRST, FIRST) if isinstance(extra, bytes) else extra.place)

    def _take(self, found: list[VersionRow]) -> bytes | None:
        """Add what these versions bring to the page; the folder, if one was added, behind which the scan goes on."""
        for row in found:
            if row.name == self._settled or row.received_ms > self._at_ms:
                continue
            self._settled = row.name
            if row.action == versions.HIDE:
                continue
            cut = row.name.find(self._delimiter, len(self._prefix)) if self._delimiter else -1
            if cut >= 0:
                folder = row.name[: cut + len(self._delimiter)]
                self._entries.append(folder)
                return folder
            self._entries.append(row)
            if len(self._entries) > self._limit:
                break
        return None

    def _answer(self, following: Place | None) -> PastPage:
        return PastPage(
            [
                Folder(entry.decode()) if isinstance(entry, bytes) else version_of(entry, self._bucket)
                for entry in self._entries
            ],
            None if following is None else base64.urlsafe_b64encode(msgspec.json.encode(following)).decode(),
        )


def _place_of(token: str | None) -> Place:
    if not token:
        return b"", FIRST, FIRST
    try:
        place: Place = msgspec.json.decode(base64.urlsafe_b64decode(token), type=Place)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise InvalidRequest("This is not the start of a page.", "start") from None
    if any(abs(number) > -FIRST for number in place[1:]):
        raise InvalidRequest("This is not the start of a page.", "start")
    return place
