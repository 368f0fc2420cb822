from __future__ import annotations


def test_keys_are_listed_in_pages_by_id_without_secrets(b2):
    for number in range(3):
        b2.call("b2_create_key", accountId=b2.account_id, keyName=f"page-{number}", capabilities=["listBuckets"]).ok()
    everything = b2.call("b2_list_keys", accountId=b2.account_id, maxKeyCount=10_000).ok()
    assert everything["nextApplicationKeyId"] is None
    assert all("applicationKey" not in row for row in everything["keys"])
    paged, start = [], None
    while True:
        page = b2.call("b2_list_keys", accountId=b2.account_id, maxKeyCount=2, startApplicationKeyId=start).ok()
        assert len(page["keys"]) <= 2
        paged += page["keys"]
        start = page["nextApplicationKeyId"]
        if start is None:
            break
    assert paged == everything["keys"]
    ids = [row["applicationKeyId"] for row in paged]
    assert ids == sorted(ids)
    assert b2.account_id not in ids


def test_zero_means_the_default_and_too_many_are_out_of_range(b2):
    assert b2.call("b2_list_keys", accountId=b2.account_id, maxKeyCount=0).status == 200
    answer = b2.call("b2_list_keys", accountId=b2.account_id, maxKeyCount=10_001)
    assert answer.error == (400, "out_of_range", "maxKeyCount out of range: 10001")


def test_keys_of_several_buckets_are_hidden_before_version_4(b2, bucket, public_bucket):
    several = b2.restricted(["readFiles"], bucketIds=[bucket["bucketId"], public_bucket["bucketId"]]).key_id
    single = b2.restricted(["readFiles"], bucketIds=[bucket["bucketId"]]).key_id
    old = b2.call("b2_list_keys", version="v3", accountId=b2.account_id, maxKeyCount=10_000).ok()["keys"]
    assert several not in {row["applicationKeyId"] for row in old}
    assert {row["applicationKeyId"]: row["bucketId"] for row in old}[single] == bucket["bucketId"]
    new = b2.call("b2_list_keys", accountId=b2.account_id, maxKeyCount=10_000).ok()["keys"]
    assert {row["applicationKeyId"]: row["bucketIds"] for row in new}[several] == [
        bucket["bucketId"], public_bucket["bucketId"],
    ]  # fmt: skip


def test_listing_keys_needs_list_keys(b2):
    session = b2.restricted(["writeKeys"])
    assert session.call("b2_list_keys", accountId=b2.account_id).error == (401, "unauthorized", "")
