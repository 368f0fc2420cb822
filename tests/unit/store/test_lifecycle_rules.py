"""Which lifecycle rules a bucket may have, at the edges of their limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft import limits
from undercroft.store.buckets.lifecycle_rules import check_rules
from undercroft.store.errors import InvalidRequest


def lifecycle(*documents):
    check_rules(documents)


@given(st.lists(st.text("ab/", max_size=4), max_size=6))
def test_rules_overlap_exactly_where_one_prefix_begins_with_another(prefixes):
    overlap = any(
        one != other and first.startswith(second)
        for one, first in enumerate(prefixes)
        for other, second in enumerate(prefixes)
    )
    documents = [{"fileNamePrefix": prefix, "daysFromHidingToDeleting": 1} for prefix in prefixes]
    if overlap:
        with pytest.raises(InvalidRequest, match="overlap"):
            lifecycle(*documents)
    else:
        lifecycle(*documents)


@pytest.mark.parametrize(
    ("days", "taken"),
    [(0, False), (1, True), (limits.LIFECYCLE_DAYS_MAX, True), (limits.LIFECYCLE_DAYS_MAX + 1, False)],
)
def test_days_have_a_range(days, taken):
    document = {"fileNamePrefix": "", "daysFromUploadingToHiding": days}
    if taken:
        lifecycle(document)
    else:
        with pytest.raises(InvalidRequest, match=r"lifecycle|at most"):
            lifecycle(document)


def test_lifecycle_rules_have_a_greatest_number():
    documents = [
        {"fileNamePrefix": f"{number:03}/", "daysFromHidingToDeleting": 1}
        for number in range(limits.LIFECYCLE_RULES_PER_BUCKET + 1)
    ]
    lifecycle(*documents[:-1])
    with pytest.raises(InvalidRequest, match=r"lifecycle|at most"):
        lifecycle(*documents)
