"""Soft limits, as forms have them: from so much on somebody is told, and nothing is refused."""

from __future__ import annotations

from undercroft.console.caps.amounts import IN_BYTES, in_field, parse
from undercroft.console.languages import _
from undercroft.console.visit import Visit
from undercroft.store.accounting.model import SOFT_CATEGORIES, Category, Kind, SoftLimits


def soft_in_fields(kind: Kind, soft: SoftLimits) -> dict[str, str]:
    """What the fields of a form show."""
    return {
        f"soft_{category}": in_field(category, soft[category]) if category in soft else ""
        for category in SOFT_CATEGORIES[kind]
    }


def asked_soft(visit: Visit, kind: Kind) -> tuple[SoftLimits, dict[str, str], dict[str, str]]:
    """What a form asks for; what its fields have; and what is wrong with them."""
    values = {f"soft_{category}": visit.field(f"soft_{category}").strip() for category in SOFT_CATEGORIES[kind]}
    soft: dict[Category, int] = {}
    errors: dict[str, str] = {}
    for category in SOFT_CATEGORIES[kind]:
        name = f"soft_{category}"
        amount = parse(category, values[name])
        if amount is not None:
            soft[category] = amount
        elif values[name]:
            errors[name] = (
                _("Type a number of bytes such as 8 GB, or nothing.")
                if category in IN_BYTES
                else _("Type a number such as 8,000, or nothing.")
            )
    return soft, values, errors
