from __future__ import annotations


def test_a_deleted_key_is_answered_without_its_secret_and_stops_at_once(b2, bucket):
    session = b2.restricted(["listFiles", "writeFiles", "readFiles", "shareFiles"])
    target = session.upload_url(bucket["bucketId"])
    grant = session.call(
        "b2_get_download_authorization", bucketId=bucket["bucketId"], fileNamePrefix="", validDurationInSeconds=60
    ).ok()["authorizationToken"]
    assert session.names(bucket["bucketId"]) == []
    deleted = b2.call("b2_delete_key", applicationKeyId=session.key_id).ok()
    assert deleted["applicationKeyId"] == session.key_id
    assert "applicationKey" not in deleted
    assert session.call("b2_list_file_names", bucketId=bucket["bucketId"]).status == 401
    assert session.try_upload(bucket["bucketId"], "late", target=target).status == 401
    assert b2.download(bucket["bucketName"], "late", headers={"Authorization": grant}).status == 401
    assert session.authorize().refusal == (401, "unauthorized")


def test_a_key_may_delete_itself(b2):
    session = b2.restricted(["deleteKeys"])
    assert session.call("b2_delete_key", applicationKeyId=session.key_id).status == 200
    assert session.authorize().status == 401


def test_an_unknown_key_is_a_bad_request(b2):
    unknown = f"000{b2.account_id}00fffffff0"
    assert b2.call("b2_delete_key", applicationKeyId=unknown).refusal == (400, "bad_request")
    assert b2.call("b2_delete_key", applicationKeyId=b2.account_id).refusal == (400, "bad_request")


def test_a_key_of_several_buckets_cannot_be_deleted_before_version_4(b2, bucket, public_bucket):
    session = b2.restricted(["readFiles"], bucketIds=[bucket["bucketId"], public_bucket["bucketId"]])
    assert b2.call("b2_delete_key", version="v3", applicationKeyId=session.key_id).refusal == (401, "unsupported")
    assert b2.call("b2_delete_key", version="v4", applicationKeyId=session.key_id).status == 200


def test_deleting_a_key_needs_delete_keys(b2):
    victim = b2.restricted(["listBuckets"])
    assert b2.restricted(["writeKeys"]).call("b2_delete_key", applicationKeyId=victim.key_id).error == (
        401, "unauthorized", "",
    )  # fmt: skip
    assert victim.authorize().status == 200
