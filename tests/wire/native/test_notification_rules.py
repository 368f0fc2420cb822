"""b2_get_bucket_notification_rules and b2_set_bucket_notification_rules (reference, 8.13, 8.25, 17.1)."""

from __future__ import annotations

import json

import pytest

SECRET = "0123456789abcdefghijklmnopqrstuv"
URL = "https://hooks.example.com/b2"


def rule(name="the-rule", target=None, **changes):
    return {
        "eventTypes": ["b2:ObjectCreated:*"],
        "isEnabled": True,
        "name": name,
        "objectNamePrefix": "",
        "targetConfiguration": {"targetType": "webhook", "url": URL, **(target or {})},
        **changes,
    }


def put(b2, bucket, *rules):
    return b2.call("b2_set_bucket_notification_rules", bucketId=bucket["bucketId"], eventNotificationRules=list(rules))


def get(b2, bucket, **options):
    return b2.call("b2_get_bucket_notification_rules", bucketId=bucket["bucketId"], **options)


def test_a_rule_comes_back_with_all_its_members_and_their_defaults(b2, bucket):
    expected = {
        "eventTypes": ["b2:ObjectCreated:*"],
        "isEnabled": True,
        "isSuspended": False,
        "maxEventsPerBatch": 1,
        "name": "the-rule",
        "objectNamePrefix": "",
        "suspensionReason": "",
        "targetConfiguration": {
            "customHeaders": None,
            "hmacSha256SigningSecret": None,
            "targetType": "webhook",
            "url": URL,
        },
    }
    answer = {"bucketId": bucket["bucketId"], "eventNotificationRules": [expected]}
    assert put(b2, bucket, rule()).ok() == answer
    assert get(b2, bucket).ok() == answer
    assert b2.get("b2_get_bucket_notification_rules", bucketId=bucket["bucketId"]).ok() == answer
    assert put(b2, bucket, *answer["eventNotificationRules"]).ok() == answer  # As clients send back what they got.
    assert put(b2, bucket).ok()["eventNotificationRules"] == get(b2, bucket).ok()["eventNotificationRules"] == []


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
def test_every_version_knows_the_calls(b2, bucket, version):
    assert get(b2.at(version), bucket).ok()["eventNotificationRules"] == []


@pytest.mark.parametrize(
    ("sent", "on_rule", "in_target"),
    [
        ({"maxEventsPerBatch": 50}, 50, None),
        ({"target": {"maxEventsPerBatch": 7}}, 7, 7),
        ({"maxEventsPerBatch": 7, "target": {"maxEventsPerBatch": 7}}, 7, 7),
        ({"maxEventsPerBatch": None}, 1, None),
    ],
)
def test_the_events_at_once_may_stand_where_either_client_puts_them(b2, bucket, sent, on_rule, in_target):
    (only,) = put(b2, bucket, rule(**sent)).ok()["eventNotificationRules"]
    assert only["maxEventsPerBatch"] == on_rule
    assert only["targetConfiguration"].get("maxEventsPerBatch") == in_target
    assert get(b2, bucket).ok()["eventNotificationRules"] == [only]


def test_secret_and_headers_are_echoed_and_what_is_said_of_a_suspension_is_ignored(b2, bucket):
    target = {"hmacSha256SigningSecret": SECRET, "customHeaders": [{"name": "a", "value": "1"}]}
    (only,) = put(b2, bucket, rule(target=target, isSuspended=True, suspensionReason="I say so")).ok()[
        "eventNotificationRules"
    ]
    assert (only["isSuspended"], only["suspensionReason"]) == (False, "")
    assert {name: only["targetConfiguration"][name] for name in target} == target


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"eventTypes": []}, "event_types_empty"),
        ({"eventTypes": ["b2:TestEvent"]}, "event_type_invalid"),
        ({"eventTypes": ["b2:ObjectCreated:*", "b2:ObjectCreated:Copy"]}, "event_type_overlap"),
        ({"eventTypes": ["b2:*:*"]}, "event_type_categories"),
        ({"eventTypes": None}, "bad_request"),
        ({"name": "short"}, "bad_request"),
        ({"name": None}, "bad_request"),
        ({"isEnabled": "yes"}, "bad_request"),
        ({"objectNamePrefix": None}, "bad_request"),
        ({"maxEventsPerBatch": 0}, "bad_request"),
        ({"maxEventsPerBatch": 51}, "bad_request"),
        ({"maxEventsPerBatch": 5, "target": {"maxEventsPerBatch": 6}}, "bad_request"),
        ({"targetConfiguration": {"targetType": "queue", "url": URL}}, "bad_request"),
        ({"targetConfiguration": {"targetType": "webhook"}}, "bad_request"),
        ({"target": {"url": "http://hooks.example.com/"}}, "bad_request"),
        ({"target": {"customHeaders": [{"name": "X-Bz-a", "value": "1"}]}}, "bad_request"),
        ({"target": {"customHeaders": [{"name": "a", "value": "1\r\nb: 2"}]}}, "bad_request"),
        ({"target": {"customHeaders": [{"name": "a"}]}}, "bad_request"),
        ({"target": {"surprise": 1}}, "bad_request"),
        ({"surprise": 1}, "bad_request"),
    ],
)
def test_what_no_bucket_can_have_is_refused_and_changes_nothing(b2, bucket, changes, code):
    before = put(b2, bucket, rule("another-rule")).ok()
    answer = put(b2, bucket, rule(**changes))
    assert answer.refusal == (400, code)
    assert SECRET not in json.dumps(answer.json)
    assert get(b2, bucket).ok() == before


def test_p8_a_refusal_does_not_repeat_a_secret(b2, bucket):
    for wrong in ({"hmacSha256SigningSecret": SECRET + "!"}, {"hmacSha256SigningSecret": [SECRET]}):
        answer = put(b2, bucket, rule(target=wrong))
        assert answer.refusal == (400, "bad_request")
        assert SECRET not in json.dumps(answer.json)


def test_each_call_takes_its_own_capability_also_of_a_key_for_one_bucket(b2, bucket, new_name):
    reader = b2.restricted(["readBucketNotifications"], bucketIds=[bucket["bucketId"]])
    writer = b2.restricted(["writeBucketNotifications"], bucketIds=[bucket["bucketId"]])
    assert get(reader, bucket).status == put(writer, bucket, rule()).status == 200
    unauthorized = (401, "unauthorized")
    assert get(writer, bucket).refusal == put(reader, bucket, rule()).refusal == unauthorized
    other = b2.create_bucket(new_name())
    assert get(reader, other).refusal == put(writer, other, rule()).refusal == unauthorized


def test_a_bucket_that_is_not_there_is_named(b2, bucket):
    missing = {"bucketId": "0" * 24}
    assert get(b2, missing).refusal == put(b2, missing, rule()).refusal == (400, "bad_bucket_id")


def test_rules_are_no_part_of_a_bucket_and_leave_its_revision_alone(b2, bucket):
    put(b2, bucket, rule()).ok()
    (listed,) = b2.call("b2_list_buckets", accountId=b2.account_id, bucketId=bucket["bucketId"]).ok()["buckets"]
    assert listed == bucket
