from __future__ import annotations

import re

import pytest


def create(b2, capabilities=("listBuckets",), *, version=None, **options):
    options.setdefault("keyName", "test-key")
    return b2.call(
        "b2_create_key", version=version, accountId=b2.account_id, capabilities=list(capabilities), **options
    )


def test_a_new_key_answers_its_secret_and_what_was_asked(b2, bucket):
    made = create(b2, ["readFiles", "listFiles"], bucketIds=[bucket["bucketId"]], namePrefix="a/").ok()
    assert re.fullmatch("[0-9]{3}[0-9a-f]{22}", made["applicationKeyId"])
    assert re.fullmatch("K[0-9]{3}[A-Za-z0-9+/]{27}", made["applicationKey"])
    assert set(made["capabilities"]) == {"readFiles", "listFiles"}
    assert made["bucketIds"] == [bucket["bucketId"]]
    assert (made["keyName"], made["namePrefix"], made["accountId"]) == ("test-key", "a/", b2.account_id)
    assert made["options"] == ["s3"]
    assert set(made) == {
        "accountId", "applicationKey", "applicationKeyId", "bucketIds", "capabilities", "expirationTimestamp",
        "keyName", "namePrefix", "options",
    }  # fmt: skip


def test_null_restrictions_are_no_restrictions(b2):
    made = create(b2, bucketIds=None, namePrefix=None, validDurationInSeconds=None).ok()
    assert (made["bucketIds"], made["namePrefix"], made["expirationTimestamp"]) == (None, None, None)


def test_before_version_4_a_key_has_one_bucket_id(b2, bucket):
    made = create(b2, ["readFiles"], version="v3", bucketId=bucket["bucketId"]).ok()
    assert made["bucketId"] == bucket["bucketId"]
    assert "bucketIds" not in made
    assert create(b2, version="v2").ok()["bucketId"] is None


def test_each_version_refuses_the_other_spelling_of_the_restriction(b2, bucket):
    assert create(b2, ["readFiles"], version="v4", bucketId=bucket["bucketId"]).refusal == (400, "bad_request")
    assert create(b2, ["readFiles"], version="v3", bucketIds=[bucket["bucketId"]]).refusal == (400, "bad_request")


@pytest.mark.parametrize("seconds", [0, -1, 86_400_000])
def test_lifetimes_outside_the_range_are_refused(b2, seconds):
    assert create(b2, validDurationInSeconds=seconds).status == 400


def test_the_longest_lifetime_is_accepted(b2):
    assert create(b2, validDurationInSeconds=86_399_999).ok()["expirationTimestamp"] is not None


@pytest.mark.parametrize("capabilities", [[], ["flyToTheMoon"], ["listBuckets", ""]])
def test_unknown_or_no_capabilities_are_refused(b2, capabilities):
    assert create(b2, capabilities).refusal == (400, "bad_request")


@pytest.mark.parametrize("capability", ["writeKeys", "listKeys", "deleteKeys", "writeBuckets", "deleteBuckets"])
def test_a_key_restricted_to_a_bucket_cannot_act_on_the_account(b2, bucket, capability):
    answer = create(b2, ["listBuckets", capability], bucketIds=[bucket["bucketId"]])
    assert answer.refusal == (400, "bad_request")


@pytest.mark.parametrize("name", ["", "a" * 101, "with space", "ünder", "a_b"])
def test_key_names_outside_the_rules_are_refused(b2, name):
    assert create(b2, keyName=name).refusal == (400, "bad_request")


def test_a_key_name_of_a_hundred_characters_is_accepted(b2):
    assert create(b2, keyName="a" * 100).ok()["keyName"] == "a" * 100


def test_an_unknown_bucket_is_refused(b2):
    assert create(b2, ["readFiles"], bucketIds=["f" * 24]).refusal == (400, "bad_bucket_id")


def test_an_empty_list_of_buckets_is_refused(b2):
    assert create(b2, ["readFiles"], bucketIds=[]).refusal == (400, "bad_request")


def test_making_a_key_needs_write_keys(b2):
    assert create(b2.restricted(["listKeys"])).error == (401, "unauthorized", "")


def test_a_key_works_within_its_bucket_and_prefix_only(b2, bucket, public_bucket):
    inside = b2.upload(bucket["bucketId"], "a/1", b"inside")
    outside = b2.upload(bucket["bucketId"], "b/1", b"outside")
    elsewhere = b2.upload(public_bucket["bucketId"], "a/1", b"elsewhere")
    session = b2.restricted(
        ["readFiles", "listFiles", "writeFiles", "deleteFiles"], bucketIds=[bucket["bucketId"]], namePrefix="a/"
    )
    unauthorized = (401, "unauthorized", "")
    assert session.call("b2_get_file_info", fileId=inside["fileId"]).status == 200
    assert session.call("b2_get_file_info", fileId=outside["fileId"]).error == unauthorized
    assert session.download(bucket["bucketName"], "a/1").body == b"inside"
    assert session.download(bucket["bucketName"], "b/1").error == unauthorized
    assert session.names(bucket["bucketId"], prefix="a/") == ["a/1"]
    assert session.call("b2_list_file_names", bucketId=bucket["bucketId"]).error == unauthorized
    assert session.call("b2_list_file_versions", bucketId=bucket["bucketId"], prefix="b").error == unauthorized
    assert session.try_upload(bucket["bucketId"], "b/2").error == unauthorized
    assert session.try_upload(bucket["bucketId"], "a/2").status == 200
    assert session.call("b2_hide_file", bucketId=bucket["bucketId"], fileName="b/1").error == unauthorized
    assert session.call("b2_delete_file_version", fileName="b/1", fileId=outside["fileId"]).error == unauthorized
    # In another bucket of the account, even a public one, only what anybody may do is allowed.
    assert session.call("b2_list_file_names", bucketId=public_bucket["bucketId"], prefix="a/").error == unauthorized
    assert session.call("b2_get_upload_url", bucketId=public_bucket["bucketId"]).error == unauthorized
    delete = session.call("b2_delete_file_version", fileName="a/1", fileId=elsewhere["fileId"])
    assert delete.error == unauthorized


def test_the_right_to_make_keys_is_looked_at_before_the_key_that_is_asked_for(b2, bucket):
    without = b2.restricted(["listFiles"])
    for fields in ({"capabilities": []}, {"capabilities": ["writeKeys"], "bucketIds": [bucket["bucketId"]]}):
        answer = without.call("b2_create_key", accountId=b2.account_id, keyName="refused", **fields)
        assert answer.error == (401, "unauthorized", "")
