"""How the reference model tells what it has, in the words of the B2 Native API, and how lists of it are made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from model.things import Bucket, Key, Part, Place, Row, Version


def rows_of(versions: Iterable[Version], prefix: str, delimiter: str, after: Place | None) -> list[Row]:
    """The rows of a list behind a place: versions, and folders in place of those that the delimiter folds."""
    rows: list[Row] = []
    for version in versions:
        if not version.name.startswith(prefix) or (after is not None and version.place <= after):
            continue
        head, found, _ = version.name[len(prefix) :].partition(delimiter) if delimiter else (version.name, "", "")
        if not found:
            rows.append(Row(version_row(version), version.place, version))
            continue
        folder = prefix + head + delimiter
        behind = Place(folder.encode() + b"\xff")  # UTF-8 has no such byte: behind everything in the folder.
        if not rows or rows[-1].place != behind:
            rows.append(Row({"action": "folder", "name": folder}, behind, None))
    return rows


def version_row(version: Version) -> dict[str, Any]:
    """A version as the faces tell it."""
    told = ("id", "name", "action", "bucket_id", "content_type", "info", "sha1", "sse", "replication")
    row = {name: getattr(version, name) for name in told}
    md5 = None if "-" in version.etag or not version.etag else version.etag
    row |= {"size": len(version.body), "etag": version.etag, "md5": md5}
    row |= {"retained_until_ms": version.retained_until_ms, "held": version.held}
    return {**row, "time_ms": version.time_ms, "time_s": version.time_ms // 1000}


def part_row(part: Part, large: Version) -> dict[str, Any]:
    """A part as the faces tell it."""
    return {"id": large.id, "number": part.number, "size": len(part.body), "sha1": part.sha1, "md5": part.md5}


def key_row(key: Key) -> dict[str, Any]:
    """A key as the faces tell it."""
    restricted = None if key.bucket_ids is None else list(key.bucket_ids)
    row = {"id": key.id, "account": key.account, "capabilities": sorted(key.capabilities), "bucket_ids": restricted}
    return {**row, "prefix": key.prefix, "time_ms": key.expires_ms}


def bucket_row(bucket: Bucket) -> dict[str, Any]:
    """A bucket as the faces tell it."""
    row = {"id": bucket.id, "account": bucket.account, "name": bucket.name, "public": bucket.public}
    return {**row, "info": bucket.info, "revision": bucket.revision, "locks": bucket.locks}
