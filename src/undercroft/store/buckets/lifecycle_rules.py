"""The lifecycle rules that a bucket may have (B2 Native API reference, section 13.5). What they do: `store/work/expiry.py`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from undercroft import limits
from undercroft.store.errors import InvalidRequest
from undercroft.store.model import Document

PREFIX = "fileNamePrefix"
HIDE, DELETE, CANCEL = DAYS = (
    "daysFromUploadingToHiding",
    "daysFromHidingToDeleting",
    "daysFromStartingToCancelingUnfinishedLargeFiles",
)


def check_rules(rules: Sequence[Document]) -> None:
    """Raise `InvalidRequest` for rules that set nothing, have days outside their range, or speak of the same file."""
    if len(rules) > limits.LIFECYCLE_RULES_PER_BUCKET:
        raise _invalid(f"A bucket can have at most {limits.LIFECYCLE_RULES_PER_BUCKET} lifecycle rules")
    for rule in rules:
        prefix, days = rule[PREFIX], [rule[name] for name in DAYS if rule.get(name) is not None]
        if not days:
            raise _invalid(f"The lifecycle rule for {prefix!r} sets no number of days")
        if not all(0 < number <= limits.LIFECYCLE_DAYS_MAX for number in days):
            raise _invalid(f"The lifecycle rule for {prefix!r} has days outside their range")
    # In sorted order everything that begins with a prefix follows it directly, so neighbours tell all overlaps.
    for shorter, longer in pairwise(sorted(rule[PREFIX] for rule in rules)):
        if longer.startswith(shorter):
            raise _invalid(f"Lifecycle rules overlap: {longer!r} begins with {shorter!r}")


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(message, "lifecycleRules")
