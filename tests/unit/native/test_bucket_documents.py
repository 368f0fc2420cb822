"""Rules and bucket info of the native protocol: what they come back as."""

from __future__ import annotations

import msgspec
import pytest

from undercroft.native.bucket_info import checked_bucket_info
from undercroft.native.cors_rules import CORSRule, cors_documents
from undercroft.native.errors import BadRequest
from undercroft.native.lifecycle_rules import LifecycleRule, lifecycle_documents


def lifecycle(*documents):
    return lifecycle_documents(msgspec.convert(list(documents), list[LifecycleRule]))


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


def test_bucket_info_is_folded_and_its_cache_control_must_be_one():
    assert checked_bucket_info({"A": "1", "Cache-Control": "max-age=1"}) == {"a": "1", "cache-control": "max-age=1"}
    with pytest.raises(BadRequest):
        checked_bucket_info({"a": "1", "A": "2"})
    with pytest.raises(BadRequest, match="Cache-Control"):
        checked_bucket_info({"b2-cache-control": "a\r\nb"})
