"""Lines 156 to 158 and 169 of the checklist: event notifications. Line 29 is with the transport."""

from __future__ import annotations

import hmac

from harness.native_session import Session
from harness.receiver import LOOPBACK, receiving

BAD_REQUEST = (400, "bad_request")
SECRET = "0123456789abcdefghijklmnopqrstuv"


def rule(name="checklist", **changes):
    target = {"targetType": "webhook", "url": "https://hooks.example.com/b2", **changes.pop("target", {})}
    return {
        "eventTypes": ["b2:ObjectCreated:*"],
        "isEnabled": True,
        "name": name,
        "objectNamePrefix": "",
        "targetConfiguration": target,
        **changes,
    }


def put(b2, bucket, *rules):
    return b2.call("b2_set_bucket_notification_rules", bucketId=bucket["bucketId"], eventNotificationRules=list(rules))


def stored(b2, bucket):
    return b2.call("b2_get_bucket_notification_rules", bucketId=bucket["bucketId"]).ok()["eventNotificationRules"]


def test_156_rules_round_trip_with_their_defaults(b2, bucket):
    answered = put(b2, bucket, rule()).ok()
    (only,) = answered["eventNotificationRules"]
    assert (only["isSuspended"], only["suspensionReason"]) == (False, "")
    assert only["targetConfiguration"]["customHeaders"] is None
    assert only["targetConfiguration"]["hmacSha256SigningSecret"] is None
    assert stored(b2, bucket) == [only]


def test_157_too_many_rules_plain_urls_and_short_secrets_are_refused(b2, bucket):
    many = [rule(f"rule-{number:02d}", objectNamePrefix=f"{number:02d}/") for number in range(26)]
    assert put(b2, bucket, *many).status == 400
    assert put(b2, bucket, rule(target={"url": "http://hooks.example.com/b2"})).refusal == BAD_REQUEST
    assert put(b2, bucket, rule(target={"hmacSha256SigningSecret": SECRET[1:]})).refusal == BAD_REQUEST
    assert len(put(b2, bucket, *many[:25]).ok()["eventNotificationRules"]) == 25


def test_158_a_webhook_is_signed_over_its_raw_bytes(make_server, certificates):
    with receiving(certificates) as receiver:
        running = make_server("--allow-targets", LOOPBACK, "--target-ca", str(certificates.ca_file)).start()
        b2 = Session(running.api_url, running.key_id, running.application_key)
        bucket = b2.create_bucket("checklist-158")
        put(b2, bucket, rule(target={"url": receiver.url, "hmacSha256SigningSecret": SECRET})).ok()
        b2.upload(bucket["bucketId"], "n", b"data")
        receiver.wait_for_events(1)
        came = receiver.came[0]
        signature = hmac.digest(SECRET.encode(), came.body, "sha256").hex()
        assert f"v1={signature}" in came.headers["X-Bz-Event-Notification-Signature"].split(",")


def test_169_an_empty_list_of_headers_comes_back_as_one(b2, bucket):
    put(b2, bucket, rule(target={"customHeaders": []})).ok()
    assert stored(b2, bucket)[0]["targetConfiguration"]["customHeaders"] == []
