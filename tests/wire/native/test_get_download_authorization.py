from __future__ import annotations

import pytest

DATA = b"0123456789"
UNAUTHORIZED = (401, "unauthorized", "")


def authorize(b2, bucket, prefix="a/", seconds=60, **overrides):
    return b2.call(
        "b2_get_download_authorization", bucketId=bucket["bucketId"], fileNamePrefix=prefix,
        validDurationInSeconds=seconds, **overrides,
    )  # fmt: skip


@pytest.fixture
def files(b2, bucket):
    return {name: b2.upload(bucket["bucketId"], name, DATA) for name in ("a/1", "a/", "b/1")}


def test_the_answer_has_exactly_three_members(b2, bucket):
    answer = authorize(b2, bucket).ok()
    assert set(answer) == {"authorizationToken", "bucketId", "fileNamePrefix"}
    assert (answer["bucketId"], answer["fileNamePrefix"]) == (bucket["bucketId"], "a/")
    assert not set(answer["authorizationToken"]) & set("+& %?#")


def test_the_token_reads_by_name_under_its_prefix_only(b2, bucket, files):
    token = authorize(b2, bucket).ok()["authorizationToken"]
    header = {"Authorization": token}
    name = bucket["bucketName"]
    assert b2.download(name, "a/1", headers=header).body == DATA
    assert b2.download(name, "a/", headers=header).body == DATA
    assert b2.download(name, "a/1", headers=header, method="HEAD").status == 200
    assert b2.download(name, "a/1", headers={}, query=f"?Authorization={token}").body == DATA
    assert b2.download(name, "a/1", headers={}, query=f"?Authorization={token}", method="HEAD").status == 200
    assert b2.download(name, "b/1", headers=header).error == UNAUTHORIZED
    by_id = f"{b2.url}/b2api/v4/b2_download_file_by_id?fileId={files['a/1']['fileId']}"
    assert b2.fetch(by_id, header).status == 401
    assert b2.call("b2_list_file_names", token=token, bucketId=bucket["bucketId"], prefix="a/").status == 401


def test_the_token_reads_in_its_bucket_only(b2, bucket, files, new_name):
    other = b2.create_bucket(new_name("other"))
    made = b2.upload(other["bucketId"], "a/1", DATA)
    token = authorize(b2, bucket).ok()["authorizationToken"]
    assert b2.download(other["bucketName"], "a/1", headers={"Authorization": token}).error == UNAUTHORIZED
    b2.call("b2_delete_file_version", fileName="a/1", fileId=made["fileId"]).ok()
    b2.call("b2_delete_bucket", accountId=b2.account_id, bucketId=other["bucketId"]).ok()


def test_an_override_bound_to_the_token_must_be_repeated(b2, bucket, files):
    token = authorize(b2, bucket, b2ContentDisposition="attachment").ok()["authorizationToken"]
    header, name = {"Authorization": token}, bucket["bucketName"]
    assert b2.download(name, "a/1", headers=header).error == UNAUTHORIZED
    assert b2.download(name, "a/1", headers=header, query="?b2ContentDisposition=inline").error == UNAUTHORIZED
    answer = b2.download(name, "a/1", headers=header, query="?b2ContentDisposition=attachment")
    assert (answer.status, answer.headers["content-disposition"]) == (200, "attachment")


def test_an_empty_prefix_covers_the_whole_bucket(b2, bucket, files):
    token = authorize(b2, bucket, "").ok()["authorizationToken"]
    assert b2.download(bucket["bucketName"], "b/1", headers={"Authorization": token}).body == DATA


@pytest.mark.parametrize("seconds", [0, -1, 604_801])
def test_lifetimes_outside_the_range_are_refused(b2, bucket, seconds):
    assert authorize(b2, bucket, seconds=seconds).status == 400


def test_the_longest_lifetime_is_accepted(b2, bucket):
    assert authorize(b2, bucket, seconds=604_800).status == 200


def test_an_override_outside_its_grammar_is_refused(b2, bucket):
    assert authorize(b2, bucket, b2Expires="tomorrow").refusal == (400, "bad_request")


def test_an_expired_token_is_expired(b2, bucket, files):
    import time

    token = authorize(b2, bucket, seconds=1).ok()["authorizationToken"]
    deadline = time.monotonic() + 10
    while (answer := b2.download(bucket["bucketName"], "a/1", headers={"Authorization": token})).status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert answer.error == (401, "expired_auth_token", "Authorization token has expired")


def test_sharing_needs_share_files_under_the_prefix(b2, bucket):
    assert authorize(b2.restricted(["readFiles"]), bucket).error == UNAUTHORIZED
    sharer = b2.restricted(["shareFiles"], namePrefix="a/")
    assert authorize(sharer, bucket, "b/").error == UNAUTHORIZED
    assert authorize(sharer, bucket, "a/b").status == 200


def test_an_unknown_bucket_is_refused(b2):
    assert authorize(b2, {"bucketId": "f" * 24}).refusal == (400, "bad_bucket_id")


def test_it_works_by_get_with_a_query(b2, bucket, files):
    answer = b2.get(
        "b2_get_download_authorization", bucketId=bucket["bucketId"], fileNamePrefix="a/", validDurationInSeconds=60
    ).ok()
    header = {"Authorization": answer["authorizationToken"]}
    assert b2.download(bucket["bucketName"], "a/1", headers=header).body == DATA
