"""Caps by the day of buckets and keys, as commands take and show them."""

from __future__ import annotations

from collections.abc import Mapping

from undercroft.cli.caps import UNITS, cap_of, part_of
from undercroft.store.accounting.model import QUOTA_CATEGORIES, Done, Quotas

# By name: the cap, what is used of it, and the unit of both.
CapsAndUsed = Mapping[str, tuple[int | None, int, str]]


def asked_quotas(**given: str | None) -> dict[str, int | None]:
    """Those caps that options name, None for those to be lifted."""
    return {category: cap_of(text) for category, text in given.items() if text is not None}


def of_the_day(quotas: Quotas, done: Done) -> dict[str, tuple[int | None, int, str]]:
    """Caps by the day, and what is used of them."""
    return {
        category: (getattr(quotas, category), getattr(done, category), UNITS[category]) for category in QUOTA_CATEGORIES
    }


def in_json(caps: CapsAndUsed) -> dict[str, object]:
    """The members of an object that has them."""
    return {
        "caps": {name: cap for name, (cap, _, _) in caps.items()},
        "used": {name: used for name, (_, used, _) in caps.items()},
    }


def as_rows(caps: CapsAndUsed) -> list[dict[str, object]]:
    """The rows of a table of them."""
    return [
        {"category": name, "cap": cap, "used": used, "percent": part_of(used, cap), "unit": unit}
        for name, (cap, used, unit) in caps.items()
    ]
