"""Lists of names and of versions through both faces, page by page, each page on any worker."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from model.histories.asking import Asker, json_of, parsed
from model.histories.lanes import Answer, Lane
from model.histories.linearizability import NEVER
from model.histories.records import Page, Record, Seen

PAGES_MAX = 12  # How many pages of a list a client asks for before it gives up.
LIMITS = (1000, 1000, 1, 2, 3, 7)  # How many rows a page may have: often all that there are.


class Turn(NamedTuple):
    """One page to ask for. `cursor` is what the page before gave, in the words of its face; None for the first page."""

    listing: str
    prefix: str
    limit: int
    cursor: Any = None


Read = tuple[Page, Any]  # A page, and the cursor of the next one or None.


class Lister(Asker):
    """The part of a client that lists."""

    async def _list(self, action: str, prefix: str, *, lane: Lane | None = None, limit: int = 0) -> None:
        """Every page of a list, until it ends or no answer comes."""
        self._count += 1
        face = self._rng.choice(["s3", "native"])
        query_of, read = {
            ("list names", "s3"): (_query_of_objects, self._read_objects),
            ("list names", "native"): (_query_of_names, self._read_names),
            ("list versions", "s3"): (_query_of_object_versions, self._read_object_versions),
            ("list versions", "native"): (_query_of_versions, self._read_versions),
        }[action, face]
        turn = Turn(f"{self._label} {self._count}", prefix, limit or self._rng.choice(LIMITS))
        for _ in range(PAGES_MAX):
            following: list[Any] = []

            def judge(answer: Answer, turn: Turn = turn, following: list[Any] = following) -> Page:
                page, cursor = read(turn, answer)
                following.append(cursor)
                return page

            record = Record(action, face, "", 0, NEVER, 0)
            if face == "s3":
                target = f"/{self._target.bucket}?{urlencode(query_of(turn))}"
                await self._s3(record, "GET", target, judge, lane=lane)
            else:
                call = "b2_list_file_names" if action == "list names" else "b2_list_file_versions"
                fields = {"bucketId": self._target.bucket_id, **query_of(turn)}
                await self._native(record, call, judge, lane=lane, **fields)
            if not following or following[0] is None:
                return
            turn = turn._replace(cursor=following[0])

    def _read_objects(self, turn: Turn, answer: Answer) -> Read:
        """A page of ListObjectsV2; the cursor is its last key and the token."""
        root = parsed(answer)
        rows = []
        for row in root.iter("{*}Contents"):
            name, digest = _text(row, "Key"), _text(row, "ETag").strip('"')
            self._known.note(name, None, digest)
            rows.append((name, Seen(None, digest)))
        start = just_after(turn.cursor[0]) if turn.cursor else turn.prefix
        if root.findtext("{*}IsTruncated") != "true":
            return Page(turn.listing, start, None, None, None, tuple(rows)), None
        last = rows[-1][0]
        page = Page(turn.listing, start, None, just_after(last), None, tuple(rows))
        return page, (last, _text(root, "NextContinuationToken"))

    def _read_names(self, turn: Turn, answer: Answer) -> Read:
        """A page of b2_list_file_names; the cursor is the name to start with."""
        said = json_of(answer)
        rows = tuple((row["fileName"], self._native_row(row)) for row in said["files"])
        following = said["nextFileName"]
        return Page(turn.listing, turn.cursor or turn.prefix, None, following, None, rows), following

    def _read_object_versions(self, turn: Turn, answer: Answer) -> Read:
        """A page of ListObjectVersions; the cursor is the last key and version of the page, behind which to go on."""
        root = parsed(answer)
        rows = []
        for row in root.iter("{*}Version", "{*}DeleteMarker"):
            name, file_id, etag = _text(row, "Key"), _text(row, "VersionId"), row.findtext("{*}ETag")
            digest = None if etag is None else etag.strip('"')
            self._known.note(name, file_id, digest)
            is_latest = _text(row, "IsLatest") == "true"
            rows.append((name, Seen(file_id, digest, is_marker=etag is None, is_latest=is_latest)))
        start, start_id = turn.cursor or (turn.prefix, None)
        if root.findtext("{*}IsTruncated") != "true":
            return Page(turn.listing, start, start_id, None, None, tuple(rows)), None
        cursor = _text(root, "NextKeyMarker"), _text(root, "NextVersionIdMarker")
        return Page(turn.listing, start, start_id, just_after(cursor[0]), cursor[0], tuple(rows)), cursor

    def _read_versions(self, turn: Turn, answer: Answer) -> Read:
        """A page of b2_list_file_versions; the cursor is the version to start with, told by the page but not on it."""
        said = json_of(answer)
        rows = tuple((row["fileName"], self._native_row(row)) for row in said["files"])
        start, start_id = turn.cursor or (turn.prefix, None)
        following = said["nextFileName"]
        ends_inside = following if rows and following == rows[-1][0] else None
        page = Page(turn.listing, start, start_id, following, ends_inside, rows)
        return page, None if following is None else (following, said["nextFileId"])


def _query_of_objects(turn: Turn) -> dict[str, str]:
    token = {"continuation-token": turn.cursor[1]} if turn.cursor else {}
    return {"list-type": "2", "prefix": turn.prefix, "max-keys": str(turn.limit), **token}


def _query_of_names(turn: Turn) -> dict[str, Any]:
    return {"prefix": turn.prefix, "startFileName": turn.cursor or turn.prefix, "maxFileCount": turn.limit}


def _query_of_object_versions(turn: Turn) -> dict[str, str]:
    markers = {"key-marker": turn.cursor[0], "version-id-marker": turn.cursor[1]} if turn.cursor else {}
    return {"versions": "", "prefix": turn.prefix, "max-keys": str(turn.limit), **markers}


def _query_of_versions(turn: Turn) -> dict[str, Any]:
    name, file_id = turn.cursor or (turn.prefix, None)
    return {"prefix": turn.prefix, "startFileName": name, "startFileId": file_id, "maxFileCount": turn.limit}


def just_after(name: str) -> str:
    """The smallest name after this one, in the order of both protocols."""
    return name + "\0"


def _text(element: Any, name: str) -> str:
    """The text of a child that has to be there."""
    text = element.findtext("{*}" + name)
    assert text is not None, f"{element.tag} has no {name}"
    return str(text)
