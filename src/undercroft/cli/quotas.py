"""Caps and soft limits, as commands take and show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import typer

from undercroft.cli.cap_options import cap_of, part_of
from undercroft.store.accounting.model import (
    JSON_NAMES,
    QUOTA_CATEGORIES,
    SOFT_CATEGORIES,
    UNITS,
    Category,
    Done,
    Kind,
    Quotas,
    SoftLimits,
)

# By category: the cap, the soft limit, and what is used of both.
CapsAndUsed = Mapping[Category, tuple[int | None, int | None, int | None]]
_BUCKETS_NAMES: dict[Category, str] = {"storage": "size"}  # What the option is called that sets the cap.


def soft_option(kind: Kind) -> typer.models.OptionInfo:
    """An option that sets soft limits, or lifts them; it may be given several times."""
    names = ", ".join(_name_of(category, kind) for category in SOFT_CATEGORIES[kind])
    option: typer.models.OptionInfo = typer.Option(
        "--soft",
        metavar="WHAT=N|none",
        help=f"Warn from so much on, and refuse nothing: of {names}.",
        show_default=False,
    )
    return option


def asked_quotas(**given: str | None) -> dict[str, int | None]:
    """Those caps that options name, None for those to be lifted."""
    return {category: cap_of(text) for category, text in given.items() if text is not None}


def asked_soft(kind: Kind, given: Sequence[str] | None) -> dict[Category, int | None]:
    """Those soft limits that options name, None for those to be lifted."""
    categories = {_name_of(category, kind): category for category in SOFT_CATEGORIES[kind]}
    asked: dict[Category, int | None] = {}
    for text in given or ():
        name, _, amount = text.partition("=")
        if name not in categories:
            raise typer.BadParameter(f"WHAT=N or WHAT=none, where WHAT is one of {', '.join(categories)}")
        asked[categories[name]] = cap_of(amount)
    return asked


def with_asked(before: SoftLimits, asked: Mapping[Category, int | None]) -> SoftLimits:
    """The soft limits, changed as is asked."""
    return {category: amount for category, amount in {**before, **asked}.items() if amount is not None}


def of_the_day(
    quotas: Quotas, soft: SoftLimits, done: Done
) -> dict[Category, tuple[int | None, int | None, int | None]]:
    """Caps by the day and soft limits, and what is used of them."""
    return {
        category: (getattr(quotas, category), soft.get(category), getattr(done, category))
        for category in QUOTA_CATEGORIES
    }


def in_json(caps: CapsAndUsed, kind: Kind) -> dict[str, object]:
    """The members of an object that has them."""
    names = {category: JSON_NAMES[category] if kind == "account" else _name_of(category, kind) for category in caps}
    return {
        "caps": {names[category]: cap for category, (cap, _, _) in caps.items()},
        "soft": {names[category]: soft for category, (_, soft, _) in caps.items()},
        "used": {names[category]: used for category, (_, _, used) in caps.items()},
    }


def as_rows(caps: CapsAndUsed, kind: Kind) -> list[dict[str, object]]:
    """The rows of a table of them."""
    return [
        {
            "category": _name_of(category, kind).replace("-", " "),
            "cap": cap,
            "soft limit": soft,
            "used": used,
            "percent": part_of(used, soft if cap is None else cap),
            "unit": UNITS[category],
        }
        for category, (cap, soft, used) in caps.items()
    ]


def _name_of(category: Category, kind: Kind) -> str:
    name = _BUCKETS_NAMES.get(category, category) if kind == "bucket" else category
    return name.replace("_", "-")
