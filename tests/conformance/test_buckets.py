"""Lines 33 to 58 of the checklist: buckets and their settings."""

from __future__ import annotations

import re

import pytest

BAD_REQUEST = (400, "bad_request")
NO_ENCRYPTION = {"algorithm": None, "mode": None}
SSE_B2 = {"algorithm": "AES256", "mode": "SSE-B2"}
CORS_RULE = {
    "corsRuleName": "downloads",
    "allowedOrigins": ["https://example.com"],
    "allowedOperations": ["b2_download_file_by_name"],
    "maxAgeSeconds": 3600,
}


def create(b2, name, **settings):
    return b2.call("b2_create_bucket", accountId=b2.account_id, bucketName=name, bucketType="allPrivate", **settings)


def update(b2, bucket, **settings):
    return b2.call("b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"], **settings)


def delete(b2, bucket):
    return b2.call("b2_delete_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"])


def test_033_a_new_bucket_has_revision_2_options_and_no_cors_rules(bucket):
    assert (bucket["revision"], bucket["options"], bucket["corsRules"]) == (2, ["s3"], [])


def test_034_bucket_info_is_empty_when_not_given(bucket):
    assert bucket["bucketInfo"] == {}


def test_035_a_taken_name_in_any_letter_case_is_a_duplicate(b2, second_account, bucket):
    for session in (b2, second_account):
        for name in (bucket["bucketName"], bucket["bucketName"].upper()):
            error = create(session, name).error
            assert error == (400, "duplicate_bucket_name", "Bucket name is already in use.")


def test_036_names_have_6_to_63_characters(b2, new_name):
    for length in (5, 64):
        assert create(b2, "x" * length).refusal == BAD_REQUEST
    for name in ("conf36", new_name("edge").ljust(63, "x")):
        delete(b2, create(b2, name).ok()).ok()


def test_037_prefix_and_dots_of_names(b2):
    for name in ("b2-bucket", "B2-bucket", ".abcdef", "abcdef.", "abc..def"):
        assert create(b2, name).refusal == BAD_REQUEST
    delete(b2, create(b2, "a.b-c.1").ok()).ok()


def test_038_the_101st_bucket_is_one_too_many(server, b2):
    made = server.create_account("checklist38@example.com")
    session = type(b2)(b2.url, made["keyId"], made["applicationKey"])
    buckets = [session.create_bucket(f"checklist38-{number:03d}") for number in range(100)]
    assert create(session, "checklist38-100").refusal == (400, "too_many_buckets")
    delete(session, buckets[0]).ok()
    assert create(session, "checklist38-100").status == 200


def test_039_buckets_are_listed_by_name(b2, bucket, public_bucket):
    names = [row["bucketName"] for row in b2.call("b2_list_buckets", accountId=b2.account_id).ok()["buckets"]]
    assert names == sorted(names)
    assert {bucket["bucketName"], public_bucket["bucketName"]} <= set(names)


def test_040_an_unknown_id_lists_nothing(b2):
    assert b2.call("b2_list_buckets", accountId=b2.account_id, bucketId="f" * 24).ok() == {"buckets": []}


def test_041_bucket_types_are_all_or_known_ones(b2, bucket):
    listed = b2.call("b2_list_buckets", accountId=b2.account_id, bucketTypes=["all"]).ok()["buckets"]
    assert bucket["bucketId"] in [row["bucketId"] for row in listed]
    for types in (["bogus"], [], ["all", "allPrivate"]):
        assert b2.call("b2_list_buckets", accountId=b2.account_id, bucketTypes=types).refusal == BAD_REQUEST


def test_042_a_restricted_key_without_a_filter_gets_its_bucket_on_v1_alone(b2, bucket):
    session = b2.restricted(["listBuckets"], bucketIds=[bucket["bucketId"]])
    listed = session.call("b2_list_buckets", version="v1", accountId=b2.account_id).ok()["buckets"]
    assert [row["bucketId"] for row in listed] == [bucket["bucketId"]]
    for version in ("v2", "v3", "v4"):
        error = session.call("b2_list_buckets", version=version, accountId=b2.account_id).error
        assert error == (401, "unauthorized", "")


def test_043_an_update_raises_the_revision(b2, bucket):
    assert update(b2, bucket, bucketInfo={"a": "1"}).ok()["revision"] == 3
    assert update(b2, bucket, bucketType="allPublic").ok()["revision"] == 4


def test_044_a_wrong_revision_is_a_conflict(b2, bucket):
    error = update(b2, bucket, bucketInfo={"a": "1"}, ifRevisionIs=7).error
    assert error == (409, "conflict", "simultaneous updates to bucket")
    assert update(b2, bucket, bucketInfo={"a": "1"}, ifRevisionIs=2).status == 200


@pytest.mark.parametrize("left", ["hide marker", "unfinished file"])
def test_045_a_bucket_with_a_hide_marker_or_an_unfinished_file_is_not_empty(b2, bucket, left):
    if left == "hide marker":
        made = b2.upload(bucket["bucketId"], "n", b"data")
        b2.call("b2_hide_file", bucketId=bucket["bucketId"], fileName="n").ok()
        b2.call("b2_delete_file_version", fileName="n", fileId=made["fileId"]).ok()
    else:
        b2.start(bucket["bucketId"], "n")
    assert delete(b2, bucket).error == (400, "cannot_delete_non_empty_bucket", "Cannot delete non-empty bucket")


def test_046_a_second_delete_names_the_bucket_that_does_not_exist(b2, bucket):
    delete(b2, bucket).ok()
    assert delete(b2, bucket).error == (400, "bad_bucket_id", f"Bucket {bucket['bucketId']} does not exist")


def test_047_default_encryption_is_a_filtered_value(bucket):
    assert set(bucket["defaultServerSideEncryption"]) == {"isClientAuthorizedToRead", "value"}
    assert bucket["defaultServerSideEncryption"]["isClientAuthorizedToRead"] is True


def test_048_default_encryption_is_withheld_without_the_capability_and_else_the_configured_one(b2, bucket):
    assert bucket["defaultServerSideEncryption"]["value"] in (SSE_B2, NO_ENCRYPTION)
    session = b2.restricted(["listBuckets"])
    listed = session.call("b2_list_buckets", accountId=b2.account_id, bucketId=bucket["bucketId"]).ok()["buckets"]
    assert listed[0]["defaultServerSideEncryption"] == {"isClientAuthorizedToRead": False, "value": None}


def test_049_default_retention_has_mode_and_period(bucket):
    assert bucket["fileLockConfiguration"] == {
        "isClientAuthorizedToRead": True,
        "value": {"defaultRetention": {"mode": None, "period": None}, "isFileLockEnabled": False},
    }


def test_050_bucket_ids_are_24_hex_digits(b2, bucket):
    assert re.fullmatch(r"[0-9a-f]{24}", bucket["bucketId"])
    assert bucket["bucketId"][1::2] == b2.account_id


def test_051_lifecycle_rules_come_back_as_sent(b2, bucket):
    rules = [
        {"fileNamePrefix": "a/", "daysFromUploadingToHiding": 30, "daysFromHidingToDeleting": 7},
        {"fileNamePrefix": "b/", "daysFromUploadingToHiding": None, "daysFromHidingToDeleting": 1},
        {"fileNamePrefix": "c/", "daysFromStartingToCancelingUnfinishedLargeFiles": 3},
    ]
    assert update(b2, bucket, lifecycleRules=rules).ok()["lifecycleRules"] == rules
    listed = b2.call("b2_list_buckets", accountId=b2.account_id, bucketId=bucket["bucketId"]).ok()["buckets"]
    assert listed[0]["lifecycleRules"] == rules


def test_052_overlapping_lifecycle_prefixes_are_refused(b2, bucket):
    for prefixes in (("a", "a/b"), ("", "x"), ("same", "same")):
        rules = [{"fileNamePrefix": prefix, "daysFromHidingToDeleting": 1} for prefix in prefixes]
        assert update(b2, bucket, lifecycleRules=rules).refusal == BAD_REQUEST


def test_053_a_lifecycle_rule_needs_a_positive_number_of_days(b2, bucket):
    nothing = {
        "fileNamePrefix": "",
        "daysFromUploadingToHiding": None,
        "daysFromHidingToDeleting": None,
        "daysFromStartingToCancelingUnfinishedLargeFiles": None,
    }
    assert update(b2, bucket, lifecycleRules=[nothing]).refusal == BAD_REQUEST
    assert update(b2, bucket, lifecycleRules=[{**nothing, "daysFromHidingToDeleting": 0}]).refusal == BAD_REQUEST


def test_054_an_empty_list_clears_the_lifecycle_rules(b2, bucket):
    update(b2, bucket, lifecycleRules=[{"fileNamePrefix": "", "daysFromHidingToDeleting": 1}]).ok()
    assert update(b2, bucket, lifecycleRules=[]).ok()["lifecycleRules"] == []


def test_055_cors_rules_have_known_operations_and_are_a_hundred_at_most(b2, bucket):
    unknown = {**CORS_RULE, "allowedOperations": ["b2_delete_bucket"]}
    assert update(b2, bucket, corsRules=[unknown]).refusal == BAD_REQUEST
    rules = [{**CORS_RULE, "corsRuleName": f"rule-{number:03d}"} for number in range(101)]
    assert update(b2, bucket, corsRules=rules).refusal == BAD_REQUEST
    assert update(b2, bucket, corsRules=rules[:100]).ok()["corsRules"] == rules[:100]


def test_056_max_age_is_a_day_at_most(b2, bucket):
    assert update(b2, bucket, corsRules=[{**CORS_RULE, "maxAgeSeconds": 86_400}]).status == 200
    assert update(b2, bucket, corsRules=[{**CORS_RULE, "maxAgeSeconds": 86_401}]).refusal == BAD_REQUEST


def test_057_replication_round_trips_and_clears(b2, bucket, public_bucket):
    rule = {
        "destinationBucketId": public_bucket["bucketId"], "fileNamePrefix": "", "includeExistingFiles": False,
        "isEnabled": True, "priority": 128, "replicationRuleName": "rule-1",
    }  # fmt: skip
    source = {"replicationRules": [rule], "sourceApplicationKeyId": b2.restricted(["readFiles"]).key_id}
    updated = update(b2, bucket, replicationConfiguration={"asReplicationSource": source}).ok()
    assert updated["replicationConfiguration"] == {
        "isClientAuthorizedToRead": True,
        "value": {"asReplicationDestination": None, "asReplicationSource": source},
    }
    nothing = {"asReplicationSource": None, "asReplicationDestination": None}
    cleared = update(b2, bucket, replicationConfiguration=nothing).ok()["replicationConfiguration"]
    assert cleared == {"isClientAuthorizedToRead": True, "value": None}


def test_058_bucket_info_has_ten_entries_at_most(b2, bucket):
    entries = {f"key-{number}": "v" for number in range(11)}
    assert update(b2, bucket, bucketInfo=entries).refusal == BAD_REQUEST
    del entries["key-0"]
    assert update(b2, bucket, bucketInfo=entries).ok()["bucketInfo"] == entries
