"""Lifecycle rules in a few words (console reference, sections 5 and 8)."""

from __future__ import annotations

from collections.abc import Sequence

from undercroft.store.model import Document


def in_a_phrase(rules: Sequence[Document]) -> str:
    """What the rules of a bucket come to: one of the presets of the original, or a number of custom rules."""
    if not rules:
        return "Keep all versions"
    days = _days_of_preset(rules)
    if days is None:
        return "1 custom rule" if len(rules) == 1 else f"{len(rules)} custom rules"
    return "Keep only the last version" if days == 1 else f"Keep prior versions for {days} days"


def _days_of_preset(rules: Sequence[Document]) -> int | None:
    """For how many days the rules keep prior versions, if they are what a preset makes."""
    set_fields = {name: value for name, value in rules[0].items() if value is not None}
    days = set_fields.pop("daysFromHidingToDeleting", None)
    return days if len(rules) == 1 and set_fields == {"fileNamePrefix": ""} else None
