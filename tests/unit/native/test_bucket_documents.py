"""Lifecycle rules, CORS rules and bucket info: what may be stored, at the edges of their limits."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft import limits
from undercroft.native.bucket_info import checked_bucket_info
from undercroft.native.cors_rules import CORSRule, checked_cors_rules
from undercroft.native.errors import BadRequest
from undercroft.native.lifecycle_rules import LifecycleRule, checked_lifecycle_rules


def lifecycle(*documents):
    return checked_lifecycle_rules(msgspec.convert(list(documents), list[LifecycleRule]))


def cors(**changes):
    rule = {
        "corsRuleName": "rule-1", "allowedOrigins": ["*"], "allowedOperations": ["s3_get"], "maxAgeSeconds": 0, **changes,
    }  # fmt: skip
    return checked_cors_rules(msgspec.convert([rule], list[CORSRule]))


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


@pytest.mark.parametrize(
    "origin",
    ["*", "http", "https", "https://example.com", "https://*.example.com", "http://*:8080", "http://localhost:1"],
)
def test_origins_of_the_known_forms_are_taken(origin):
    assert cors(allowedOrigins=[origin])


@pytest.mark.parametrize(
    "origin",
    ["", "null", "ftp", "ftp://x", "https://", "https://*.*.com", "https://x/", "https://x:port", "https://x y"],
)
def test_other_origins_are_refused(origin):
    with pytest.raises(BadRequest, match="allowedOrigins"):
        cors(allowedOrigins=[origin])


@pytest.mark.parametrize(("length", "taken"), [(5, False), (6, True), (63, True), (64, False)])
def test_cors_rule_names_have_a_length(length, taken):
    if taken:
        assert cors(corsRuleName="a" * length)
    else:
        with pytest.raises(BadRequest):
            cors(corsRuleName="a" * length)


def test_a_cors_rule_is_smaller_than_its_limit():
    room = limits.CORS_RULE_MAX_BYTES - len("rule-1" + "*" + "s3_get")
    assert cors(allowedHeaders=["x" * (room - 1)])
    with pytest.raises(BadRequest, match="smaller"):
        cors(allowedHeaders=["x" * room])


@pytest.mark.parametrize(("seconds", "taken"), [(-1, False), (0, True), (86_400, True), (86_401, False)])
def test_cors_answers_are_remembered_for_a_day_at_most(seconds, taken):
    if taken:
        assert cors(maxAgeSeconds=seconds)
    else:
        with pytest.raises(BadRequest):
            cors(maxAgeSeconds=seconds)


def test_two_cors_rules_have_two_names():
    rule = cors()[0]
    with pytest.raises(BadRequest, match="named"):
        checked_cors_rules(msgspec.convert([rule, rule], list[CORSRule]))


def test_bucket_info_is_folded_and_its_cache_control_must_be_one():
    assert checked_bucket_info({"A": "1", "Cache-Control": "max-age=1"}) == {"a": "1", "cache-control": "max-age=1"}
    with pytest.raises(BadRequest):
        checked_bucket_info({"a": "1", "A": "2"})
    with pytest.raises(BadRequest, match="Cache-Control"):
        checked_bucket_info({"b2-cache-control": "a\r\nb"})
