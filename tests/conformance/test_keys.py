"""Lines 59 to 69 of the checklist: application keys."""

from __future__ import annotations

import time

from harness.processes import wait_until

BAD_REQUEST = (400, "bad_request")
SOME = ["listBuckets", "listFiles"]


def create(b2, *, version="v4", **fields):
    settings = {"capabilities": SOME, "keyName": "checklist", **fields}
    return b2.call("b2_create_key", version=version, accountId=b2.account_id, **settings)


def test_059_a_new_key_has_an_id_of_25_and_a_secret_of_31_characters(b2):
    made = create(b2).ok()
    assert (len(made["applicationKeyId"]), len(made["applicationKey"])) == (25, 31)
    assert set(made["capabilities"]) == set(SOME)


def test_060_a_null_duration_is_no_expiry(b2):
    assert create(b2, validDurationInSeconds=None).ok()["expirationTimestamp"] is None


def test_061_a_key_lives_less_than_a_thousand_days(b2):
    assert create(b2, validDurationInSeconds=86_400_000).status == 400
    told = create(b2, validDurationInSeconds=86_399_999).ok()["expirationTimestamp"]
    assert abs(told - (time.time() + 86_399_999) * 1000) < 60_000


def test_062_an_unknown_capability_is_refused(b2):
    assert create(b2, capabilities=["listBuckets", "flyToTheMoon"]).refusal == BAD_REQUEST


def test_063_v4_has_bucket_ids_and_v3_a_bucket_id(b2, bucket):
    assert create(b2, bucketIds=[bucket["bucketId"]]).ok()["bucketIds"] == [bucket["bucketId"]]
    unrestricted = create(b2).ok()
    assert unrestricted["bucketIds"] is None
    assert "bucketId" not in unrestricted
    old = create(b2, version="v3", bucketId=bucket["bucketId"]).ok()
    assert old["bucketId"] == bucket["bucketId"]
    assert "bucketIds" not in old


def pages(b2, **fields):
    """All keys, a few a page, until the cursor is null."""
    start = None
    while True:
        page = b2.call("b2_list_keys", accountId=b2.account_id, startApplicationKeyId=start, **fields).ok()
        yield from page["keys"]
        start = page["nextApplicationKeyId"]
        if start is None:
            return


def test_064_keys_are_listed_in_pages_that_end_with_null(second_account):
    made = [create(second_account).ok()["applicationKeyId"] for _ in range(4)]
    listed = [key["applicationKeyId"] for key in pages(second_account, maxKeyCount=2)]
    assert listed == sorted(set(listed))
    assert set(made) <= set(listed)


def test_065_no_secret_is_ever_listed(b2):
    made = create(b2).ok()
    answer = b2.call("b2_list_keys", accountId=b2.account_id, maxKeyCount=10_000)
    assert all("applicationKey" not in key for key in answer.ok()["keys"])
    assert made["applicationKey"].encode() not in answer.body


def test_066_a_deleted_key_is_answered_without_its_secret(b2):
    made = create(b2).ok()
    deleted = b2.call("b2_delete_key", applicationKeyId=made["applicationKeyId"]).ok()
    del made["applicationKey"]
    assert deleted == made


def test_067_a_key_of_a_bucket_cannot_write_keys(b2, bucket):
    refused = create(b2, capabilities=["writeKeys"], bucketIds=[bucket["bucketId"]])
    assert refused.refusal == BAD_REQUEST


def test_068_v3_hides_keys_of_several_buckets(b2, bucket, public_bucket):
    made = create(b2, bucketIds=[bucket["bucketId"], public_bucket["bucketId"]]).ok()["applicationKeyId"]
    assert made in [key["applicationKeyId"] for key in pages(b2.at("v4"), maxKeyCount=1000)]
    assert made not in [key["applicationKeyId"] for key in pages(b2.at("v3"), maxKeyCount=1000)]


def test_069_the_tokens_of_an_expiring_key_stop_at_its_expiry(b2):
    session = b2.restricted(SOME, validDurationInSeconds=2)
    expires_ms = session.authorize().ok()["applicationKeyExpirationTimestamp"]
    token = session.token
    answer = session.call("b2_list_buckets", accountId=b2.account_id)
    assert answer.status == 200 or time.time() * 1000 >= expires_ms
    wait_until(lambda: time.time() * 1000 >= expires_ms, "the key expires")
    assert session.call("b2_list_buckets", token=token, accountId=b2.account_id).status == 401
    assert session.authorize().status == 401
