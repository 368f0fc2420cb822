"""How much of caps is used, as bars show it."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.console.caps.amounts import shown
from undercroft.console.templates import count, size
from undercroft.store.accounting.model import Category, Done, Held, Quotas
from undercroft.store.model import Bucket, BucketCaps

_ALERT_PERCENT = 75
_BARS: dict[Category, str] = {"requests": "Requests", "download": "Downloads", "upload": "Uploads"}


class Part(NamedTuple):
    """How much of a cap is used: at most 100 percent, the class of its bar, and the cap in words."""

    percent: int
    tone: str
    cap: str


class Bar(NamedTuple):
    """A cap by the day: on what, how much was used today, and how much of the cap that is."""

    category: Category
    name: str
    used: str
    part: Part


class BucketRow(NamedTuple):
    """What a bucket holds, and how much that is of what it may, None without a cap; and its caps by the day."""

    bucket: Bucket
    held: Held
    size: Part | None
    files: Part | None
    by_day: list[Bar]


def part_of(used: int, cap: int, words: str) -> Part:
    """How much of a cap that reads so is used."""
    percent = min(100, used * 100 // cap) if cap else 100
    return Part(percent, "bad" if percent == 100 else "warn" if percent >= _ALERT_PERCENT else "", words)


def row_of_bucket(bucket: Bucket, held: Held, quotas: Quotas, done: Done) -> BucketRow:
    """A bucket that holds this and of which so much was asked today, and how much that is of its caps."""
    caps = bucket.caps or BucketCaps()
    in_size = None if caps.size_bytes is None else part_of(held.size_bytes, caps.size_bytes, size(caps.size_bytes))
    in_files = None if caps.files is None else part_of(held.files, caps.files, count(caps.files))
    return BucketRow(bucket, held, in_size, in_files, bars_of(quotas, done))


def bars_of(quotas: Quotas, done: Done) -> list[Bar]:
    """The caps by the day that there are."""
    return [
        Bar(
            category,
            _BARS[category],
            shown(category, getattr(done, category)),
            part_of(getattr(done, category), amount, _short(category, amount)),
        )
        for category, amount in quotas.amounts.items()
    ]


def _short(category: Category, amount: int) -> str:
    return count(amount) if category == "requests" else size(amount)
