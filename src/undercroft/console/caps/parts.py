"""How much of caps is used, as bars show it."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.console.templates import count, size
from undercroft.store.accounting.model import Held
from undercroft.store.model import Bucket, BucketCaps

_ALERT_PERCENT = 75


class Part(NamedTuple):
    """How much of a cap is used: at most 100 percent, the class of its bar, and the cap in words."""

    percent: int
    tone: str
    cap: str


class BucketRow(NamedTuple):
    """What a bucket holds, and how much that is of what it may; None without a cap."""

    bucket: Bucket
    held: Held
    size: Part | None
    files: Part | None


def part_of(used: int, cap: int, words: str) -> Part:
    """How much of a cap that reads so is used."""
    percent = min(100, used * 100 // cap) if cap else 100
    return Part(percent, "bad" if percent == 100 else "warn" if percent >= _ALERT_PERCENT else "", words)


def row_of_bucket(bucket: Bucket, held: Held) -> BucketRow:
    """A bucket that holds this, and how much that is of its caps."""
    caps = bucket.caps or BucketCaps()
    in_size = None if caps.size_bytes is None else part_of(held.size_bytes, caps.size_bytes, size(caps.size_bytes))
    in_files = None if caps.files is None else part_of(held.files, caps.files, count(caps.files))
    return BucketRow(bucket, held, in_size, in_files)
