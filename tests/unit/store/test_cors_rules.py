"""CORS rules: what may be stored, at the edges of its limits, and how the rules of S3 and of the native protocol meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft import limits
from undercroft.store.buckets.cors import OPERATIONS, S3_OPERATIONS, check_rules, native_rules, s3_rules, with_s3_rules
from undercroft.store.errors import InvalidRequest


def rule(**changes):
    return {
        "corsRuleName": "rule-1", "allowedOrigins": ["*"], "allowedOperations": ["s3_get"], "maxAgeSeconds": 0, **changes,
    }  # fmt: skip


def of_s3(rule_id, **changes):
    made = rule(s3={"id": rule_id, "maxAge": True}, **changes)
    del made["corsRuleName"]
    return made


def taken(rules):
    try:
        check_rules(rules)
    except InvalidRequest:
        return False
    return True


@pytest.mark.parametrize(
    "origin",
    ["*", "http", "https", "https://example.com", "https://*.example.com", "http://*:8080", "http://localhost:1"],
)
def test_origins_of_the_known_forms_are_taken(origin):
    check_rules([rule(allowedOrigins=[origin])])


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "ftp",
        "ftp://x",
        "https://",
        "https://*.*.com",
        "https://x/",
        "https://x:port",
        "https://x y",
        "*.com",
    ],
)
def test_other_origins_are_refused(origin):
    with pytest.raises(InvalidRequest, match="allowedOrigins"):
        check_rules([rule(allowedOrigins=["https", origin])])


@pytest.mark.parametrize(("length", "fits"), [(5, False), (6, True), (63, True), (64, False)])
def test_names_have_a_length(length, fits):
    assert taken([rule(corsRuleName="a" * length)]) == fits


@pytest.mark.parametrize(
    "changes",
    [
        {"corsRuleName": "b2-own-rule"}, {"corsRuleName": "under_score"}, {"allowedOrigins": []}, {"allowedOperations": []},
        {"allowedOperations": ["s3_put", "s3_copy"]}, {"allowedHeaders": ["a*b"]}, {"allowedHeaders": ["a b"]},
        {"exposeHeaders": ["*"]}, {"exposeHeaders": ["x:"]},
    ],
)  # fmt: skip
def test_what_no_rule_can_be_is_refused(changes):
    assert not taken([rule(**changes)])


def test_a_rule_is_smaller_than_its_limit():
    room = limits.CORS_RULE_MAX_BYTES - len("rule-1" + "*" + "s3_get")
    assert taken([rule(allowedHeaders=["x" * (room - 1)])])
    assert not taken([rule(allowedHeaders=["x" * room])])


@pytest.mark.parametrize(("seconds", "fits"), [(-1, False), (0, True), (86_400, True), (86_401, False)])
def test_answers_are_remembered_for_a_day_at_most(seconds, fits):
    assert taken([rule(maxAgeSeconds=seconds)]) == fits


def test_a_bucket_has_a_hundred_rules_at_most():
    rules = [rule(corsRuleName=f"rule-{number:03}") for number in range(limits.CORS_RULES_PER_BUCKET + 1)]
    assert taken(rules[:-1])
    assert not taken(rules)


def test_two_rules_have_two_names():
    with pytest.raises(InvalidRequest, match="named"):
        check_rules([rule(), rule()])


def test_rules_of_s3_replace_those_of_s3_and_leave_native_ones():
    mixed = rule(corsRuleName="mixed-rule", allowedOperations=["b2_upload_file", "s3_put"])
    native = rule(corsRuleName="native-rule", allowedOperations=["b2_download_file_by_name"])
    merged = with_s3_rules([mixed, rule(), native], [of_s3("of-s3-now", allowedOperations=["s3_head"])])
    assert native_rules(merged) == [
        rule(corsRuleName="mixed-rule", allowedOperations=["b2_upload_file"]),
        native,
        rule(corsRuleName="of-s3-now", allowedOperations=["s3_head"]),
    ]
    assert with_s3_rules(merged, []) == native_rules(merged)[:2]


def test_an_id_that_cannot_be_a_name_is_kept_beside_a_name_made_up():
    native = rule(corsRuleName="s3-rule-1", allowedOperations=["b2_upload_part"])
    merged = with_s3_rules([native], [of_s3("short"), of_s3(None), of_s3("s3-rule-2"), of_s3("s3-rule-1")])
    assert [one["corsRuleName"] for one in merged[1:]] == ["s3-rule-3", "s3-rule-4", "s3-rule-2", "s3-rule-5"]
    assert [one["s3"]["id"] for one in s3_rules(merged)] == ["short", None, "s3-rule-2", "s3-rule-1"]


def test_two_rules_of_s3_have_two_ids():
    with pytest.raises(InvalidRequest, match="same ID"):
        with_s3_rules([], [of_s3("x"), of_s3("x")])


def test_rules_of_both_kinds_together_keep_to_the_limit():
    native = [
        rule(corsRuleName=f"rule-{number:03}", allowedOperations=["b2_upload_file"])
        for number in range(limits.CORS_RULES_PER_BUCKET - 1)
    ]
    assert len(with_s3_rules(native, [of_s3(None)])) == limits.CORS_RULES_PER_BUCKET
    with pytest.raises(InvalidRequest, match="at most"):
        with_s3_rules(native, [of_s3(None), of_s3(None)])


operations = st.lists(st.sampled_from(sorted(OPERATIONS)), min_size=1, unique=True)
s3_operations = st.lists(st.sampled_from(sorted(S3_OPERATIONS)), min_size=1, unique=True)
ids = st.none() | st.sampled_from(["a", "s3-rule-1", "s3-rule-2", "rule-001", "rule-002"])


@given(
    st.lists(operations, max_size=4),
    st.lists(st.tuples(ids, s3_operations), max_size=4, unique_by=lambda one: one[0] or object()),
)
def test_each_protocol_gets_back_exactly_its_own_rules(before, put):
    rules = [rule(corsRuleName=f"rule-{number:03}", allowedOperations=some) for number, some in enumerate(before)]
    merged = with_s3_rules(rules, [of_s3(rule_id, allowedOperations=some) for rule_id, some in put])
    check_rules(merged)
    assert [(one["s3"]["id"], one["allowedOperations"]) for one in s3_rules(merged)] == put
    native = [[one for one in some if one not in S3_OPERATIONS] for some in before]
    assert [one["allowedOperations"] for one in merged if "s3" not in one] == [some for some in native if some]
