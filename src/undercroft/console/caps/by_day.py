"""Caps by the day of a bucket or a key, as forms have them."""

from __future__ import annotations

from undercroft.console.caps.amounts import IN_BYTES, in_field, parse
from undercroft.console.languages import N_, _
from undercroft.console.visit import Visit
from undercroft.store.accounting.model import QUOTA_CATEGORIES, Quotas

NOT_BYTES = N_("Type a number of bytes such as 10 GB, or nothing.")
NOT_A_COUNT = N_("Type a number such as 10,000, or nothing.")


def in_fields(quotas: Quotas) -> dict[str, str]:
    """What the fields of a form show."""
    every = dict.fromkeys(QUOTA_CATEGORIES, "")
    every |= {category: in_field(category, amount) for category, amount in quotas.amounts.items()}
    return {str(category): text for category, text in every.items()}


def asked(visit: Visit) -> tuple[Quotas, dict[str, str], dict[str, str]]:
    """What a form asks for; what its fields have; and what is wrong with them."""
    values = {str(category): visit.field(category).strip() for category in QUOTA_CATEGORIES}
    amounts = {category: parse(category, values[category]) for category in QUOTA_CATEGORIES}
    errors = {
        str(category): _(NOT_BYTES if category in IN_BYTES else NOT_A_COUNT)
        for category, amount in amounts.items()
        if values[category] and amount is None
    }
    return Quotas(**amounts), values, errors
