"""Lifecycle rules of a bucket: what may be asked, and that it comes back as it was sent (reference, section 13.5)."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from msgspec import UNSET, UnsetType

from undercroft import limits
from undercroft.native.errors import BadRequest
from undercroft.store.model import Document


class LifecycleRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One rule. A member that was not sent is unset, which is not null: it must not appear in answers."""

    file_name_prefix: str
    days_from_uploading_to_hiding: int | UnsetType | None = UNSET
    days_from_hiding_to_deleting: int | UnsetType | None = UNSET
    days_from_starting_to_canceling_unfinished_large_files: int | UnsetType | None = UNSET

    @property
    def days(self) -> list[int]:
        """The day counts that are set."""
        members = (
            self.days_from_uploading_to_hiding,
            self.days_from_hiding_to_deleting,
            self.days_from_starting_to_canceling_unfinished_large_files,
        )
        return [value for value in members if isinstance(value, int)]


def checked_lifecycle_rules(rules: list[LifecycleRule]) -> list[Document]:
    """The rules as they are stored and answered. Raises `BadRequest` for what section 13.5 forbids."""
    if len(rules) > limits.LIFECYCLE_RULES_PER_BUCKET:
        raise BadRequest(f"A bucket can have at most {limits.LIFECYCLE_RULES_PER_BUCKET} lifecycle rules")
    for rule in rules:
        if not rule.days:
            raise BadRequest(f"The lifecycle rule for {rule.file_name_prefix!r} sets no number of days")
        if not all(0 < days <= limits.LIFECYCLE_DAYS_MAX for days in rule.days):
            raise BadRequest(f"The lifecycle rule for {rule.file_name_prefix!r} has days outside their range")
    # In sorted order everything that begins with a prefix follows it directly, so neighbours tell all overlaps.
    prefixes = sorted(rule.file_name_prefix for rule in rules)
    for shorter, longer in pairwise(prefixes):
        if longer.startswith(shorter):
            raise BadRequest(f"Lifecycle rules overlap: {longer!r} begins with {shorter!r}")
    stored: list[Document] = msgspec.to_builtins(rules)
    return stored
