"""How much of caps is used, as bars show it."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.console.caps.amounts import IN_BYTES
from undercroft.console.languages import N_, _
from undercroft.console.templates import count, size
from undercroft.store.accounting.model import QUOTA_CATEGORIES, Category, Done, Held, Quotas, SoftLimits
from undercroft.store.model import Bucket, BucketCaps

_ALERT_PERCENT = 75
_BARS: dict[Category, str] = {"requests": N_("Requests"), "download": N_("Downloads"), "upload": N_("Uploads")}


class Part(NamedTuple):
    """How much of a cap is used: at most 100 percent, the class of its bar, and the cap in words.

    `soft` is the soft limit in words, where there is one beside; without a cap, the bar is of the soft limit.
    """

    percent: int
    tone: str
    cap: str
    soft: str = ""


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


def part_of(used: int, cap: int | None, soft: int | None, category: Category) -> Part | None:
    """How much of a cap, or else of a soft limit, is used; None where there is neither."""
    if cap is not None:
        percent = min(100, used * 100 // cap) if cap else 100
        tone = "bad" if percent == 100 else "warn" if percent >= _ALERT_PERCENT else ""
        return Part(percent, tone, _short(category, cap), "" if soft is None else _short(category, soft))
    if soft is None:
        return None
    percent = min(100, used * 100 // soft) if soft else 100
    return Part(percent, "warn" if percent == 100 else "", _("%(amount)s (soft limit)", amount=_short(category, soft)))


def row_of_bucket(bucket: Bucket, held: Held, quotas: Quotas, soft: SoftLimits, done: Done) -> BucketRow:
    """A bucket that holds this and of which so much was asked today, and how much that is of its caps."""
    caps = bucket.caps or BucketCaps()
    in_size = part_of(held.size_bytes, caps.size_bytes, soft.get("storage"), "storage")
    in_files = part_of(held.files, caps.files, soft.get("files"), "files")
    return BucketRow(bucket, held, in_size, in_files, bars_of(quotas, soft, done))


def bars_of(quotas: Quotas, soft: SoftLimits, done: Done) -> list[Bar]:
    """The caps and soft limits by the day that there are."""
    found = []
    for category in QUOTA_CATEGORIES:
        used = getattr(done, category)
        part = part_of(used, getattr(quotas, category), soft.get(category), category)
        if part is not None:
            found.append(Bar(category, _(_BARS[category]), _short(category, used), part))
    return found


def _short(category: Category, amount: int) -> str:
    return size(amount) if category in IN_BYTES else count(amount)
