"""Lifecycle rules and bucket info: what may be stored, at the edges of their limits; and what rules come back as."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft import limits
from undercroft.native.bucket_info import checked_bucket_info
from undercroft.native.cors_rules import CORSRule, cors_documents
from undercroft.native.errors import BadRequest
from undercroft.native.lifecycle_rules import LifecycleRule, checked_lifecycle_rules


def lifecycle(*documents):
    return checked_lifecycle_rules(msgspec.convert(list(documents), list[LifecycleRule]))


def cors(**changes):
    rule = {
        "corsRuleName": "rule-1", "allowedOrigins": ["*"], "allowedOperations": ["s3_get"], "maxAgeSeconds": 0, **changes,
    }  # fmt: skip
    return cors_documents(msgspec.convert([rule], list[CORSRule]))


def test_a_rule_comes_back_with_exactly_the_members_that_were_sent():
    rules = [
        {"fileNamePrefix": "a", "daysFromHidingToDeleting": 1},
        {"fileNamePrefix": "b", "daysFromHidingToDeleting": None, "daysFromUploadingToHiding": 2},
        {"fileNamePrefix": "c", "daysFromStartingToCancelingUnfinishedLargeFiles": 3},
    ]
    assert lifecycle(*rules) == rules
    assert cors(exposeHeaders=None) == [
        {
            "corsRuleName": "rule-1", "allowedOrigins": ["*"], "allowedOperations": ["s3_get"], "maxAgeSeconds": 0,
            "exposeHeaders": None,
        }
    ]  # fmt: skip


@given(st.lists(st.text("ab/", max_size=4), max_size=6))
def test_rules_overlap_exactly_where_one_prefix_begins_with_another(prefixes):
    overlap = any(
        one != other and first.startswith(second)
        for one, first in enumerate(prefixes)
        for other, second in enumerate(prefixes)
    )
    documents = [{"fileNamePrefix": prefix, "daysFromHidingToDeleting": 1} for prefix in prefixes]
    if overlap:
        with pytest.raises(BadRequest, match="overlap"):
            lifecycle(*documents)
    else:
        assert lifecycle(*documents) == documents


@pytest.mark.parametrize(
    ("days", "taken"),
    [(0, False), (1, True), (limits.LIFECYCLE_DAYS_MAX, True), (limits.LIFECYCLE_DAYS_MAX + 1, False)],
)
def test_days_have_a_range(days, taken):
    document = {"fileNamePrefix": "", "daysFromUploadingToHiding": days}
    if taken:
        assert lifecycle(document) == [document]
    else:
        with pytest.raises(BadRequest):
            lifecycle(document)


def test_lifecycle_rules_have_a_greatest_number():
    documents = [
        {"fileNamePrefix": f"{number:03}/", "daysFromHidingToDeleting": 1}
        for number in range(limits.LIFECYCLE_RULES_PER_BUCKET + 1)
    ]
    assert len(lifecycle(*documents[:-1])) == limits.LIFECYCLE_RULES_PER_BUCKET
    with pytest.raises(BadRequest):
        lifecycle(*documents)


def test_bucket_info_is_folded_and_its_cache_control_must_be_one():
    assert checked_bucket_info({"A": "1", "Cache-Control": "max-age=1"}) == {"a": "1", "cache-control": "max-age=1"}
    with pytest.raises(BadRequest):
        checked_bucket_info({"a": "1", "A": "2"})
    with pytest.raises(BadRequest, match="Cache-Control"):
        checked_bucket_info({"b2-cache-control": "a\r\nb"})
