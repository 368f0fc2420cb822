"""Lifecycle rules in a few words (console reference, sections 5 and 8)."""

from __future__ import annotations

from collections.abc import Sequence

from undercroft.console.languages import _, ngettext
from undercroft.store.buckets.lifecycle_rules import DELETE, PREFIX
from undercroft.store.model import Document


def in_a_phrase(rules: Sequence[Document]) -> str:
    """What the rules of a bucket come to: one of the presets of the original, or a number of custom rules."""
    if not rules:
        return _("Keep all versions")
    days = days_of_preset(rules)
    if days is None:
        return ngettext("%(number)s custom rule", "%(number)s custom rules", len(rules), number=len(rules))
    return _("Keep only the last version") if days == 1 else _("Keep prior versions for %(days)s days", days=days)


def days_of_preset(rules: Sequence[Document]) -> int | None:
    """For how many days the rules keep prior versions, if they are what a preset makes."""
    if len(rules) != 1:
        return None
    set_fields = {name: value for name, value in rules[0].items() if value is not None}
    days = set_fields.pop(DELETE, None)
    return days if set_fields == {PREFIX: ""} else None
