from __future__ import annotations


def update(b2, bucket, **changes):
    return b2.call("b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"], **changes)


def test_an_update_changes_what_is_given_and_raises_the_revision(b2, bucket):
    first = update(b2, bucket, bucketInfo={"A": "1"}, bucketType="allPublic").ok()
    assert (first["bucketInfo"], first["bucketType"], first["revision"]) == ({"a": "1"}, "allPublic", 3)
    second = update(b2, bucket, lifecycleRules=[{"fileNamePrefix": "", "daysFromHidingToDeleting": 1}]).ok()
    assert (second["bucketInfo"], second["bucketType"], second["revision"]) == ({"a": "1"}, "allPublic", 4)
    third = update(b2, bucket, lifecycleRules=[], bucketInfo={}).ok()
    assert (third["lifecycleRules"], third["bucketInfo"], third["revision"]) == ([], {}, 5)


def test_a_revision_other_than_the_buckets_is_a_conflict_and_changes_nothing(b2, bucket):
    answer = update(b2, bucket, bucketInfo={"a": "1"}, ifRevisionIs=7)
    assert answer.error == (409, "conflict", "simultaneous updates to bucket")
    assert update(b2, bucket, bucketInfo={"a": "2"}, ifRevisionIs=2).ok()["bucketInfo"] == {"a": "2"}


def test_an_unknown_bucket_is_named_in_the_error(b2):
    answer = update(b2, {"bucketId": "f" * 24}, bucketType="allPublic")
    assert answer.error == (400, "bad_bucket_id", f"Bucket {'f' * 24} does not exist")


def test_making_a_bucket_public_takes_effect_at_once(b2, bucket):
    b2.upload(bucket["bucketId"], "page", b"hello")
    assert b2.download(bucket["bucketName"], "page", headers={}).status == 401
    update(b2, bucket, bucketType="allPublic").ok()
    assert b2.download(bucket["bucketName"], "page", headers={}).body == b"hello"
    update(b2, bucket, bucketType="allPrivate").ok()
    assert b2.download(bucket["bucketName"], "page", headers={}).status == 401


def test_clearing_replication_is_accepted_where_there_is_none(b2, bucket):
    replication = {"asReplicationSource": None, "asReplicationDestination": None}
    answer = update(b2, bucket, replicationConfiguration=replication).ok()
    assert answer["replicationConfiguration"] == {"isClientAuthorizedToRead": True, "value": None}


def test_what_this_server_does_not_know_is_refused_by_name_and_changes_nothing(b2, bucket):
    status, code, message = update(b2, bucket, bucketInfo={"changed": "yes"}, bogusSetting=1).error
    assert (status, code) == (400, "bad_request")
    assert "bogusSetting" in message
    assert update(b2, bucket).ok()["bucketInfo"] == {}


def test_an_update_needs_write_buckets(b2, bucket):
    assert update(b2.restricted(["listBuckets"]), bucket, bucketInfo={}).error == (401, "unauthorized", "")
