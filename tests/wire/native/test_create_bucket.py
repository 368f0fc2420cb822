from __future__ import annotations

import re

import pytest


def create(b2, name, bucket_type="allPrivate", **settings):
    return b2.call("b2_create_bucket", accountId=b2.account_id, bucketName=name, bucketType=bucket_type, **settings)


def remove(b2, bucket):
    assert b2.call("b2_delete_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"]).status == 200


def test_a_new_bucket_answers_every_member_with_its_unset_form(b2, new_name):
    name = new_name("fresh")
    bucket = create(b2, name).ok()
    remove(b2, bucket)
    assert re.fullmatch("[0-9a-f]{24}", bucket.pop("bucketId"))
    assert bucket == {
        "accountId": b2.account_id,
        "bucketInfo": {},
        "bucketName": name,
        "bucketType": "allPrivate",
        "corsRules": [],
        "defaultServerSideEncryption": {
            "isClientAuthorizedToRead": True,
            "value": {"algorithm": "AES256", "mode": "SSE-B2"},
        },
        "fileLockConfiguration": {
            "isClientAuthorizedToRead": True,
            "value": {"defaultRetention": {"mode": None, "period": None}, "isFileLockEnabled": False},
        },
        "lifecycleRules": [],
        "options": ["s3"],
        "replicationConfiguration": {"isClientAuthorizedToRead": True, "value": None},
        "revision": 2,
    }


def test_settings_the_key_may_not_read_are_withheld(b2, new_name):
    session = b2.restricted(["writeBuckets", "listBuckets"])
    bucket = create(session, new_name("withheld")).ok()
    remove(b2, bucket)
    for member in ("defaultServerSideEncryption", "fileLockConfiguration", "replicationConfiguration"):
        assert bucket[member] == {"isClientAuthorizedToRead": False, "value": None}


def test_a_taken_name_is_refused_in_any_letter_case(b2, bucket):
    for name in (bucket["bucketName"], bucket["bucketName"].upper()):
        assert create(b2, name).error == (400, "duplicate_bucket_name", "Bucket name is already in use.")


@pytest.mark.parametrize(
    "name", ["abcde", "a" * 64, "b2-abcdef", "B2-abcdef", ".abcdef", "abcdef.", "abc..def", "abc_def", "abc def", "äbcdef", ""]
)  # fmt: skip
def test_names_outside_the_rules_are_refused(b2, name):
    assert create(b2, name).refusal == (400, "bad_request")


@pytest.mark.parametrize("name", ["x12345", "y" * 63, "a.b-c.1", "MixedCase1"])
def test_names_at_the_edge_of_the_rules_are_accepted(b2, name):
    bucket = create(b2, name).ok()
    remove(b2, bucket)
    assert bucket["bucketName"] == name


@pytest.mark.parametrize("bucket_type", ["snapshot", "all", "bogus", ""])
def test_only_private_and_public_buckets_can_be_made(b2, new_name, bucket_type):
    assert create(b2, new_name(), bucket_type).refusal == (400, "bad_request")


def test_bucket_info_has_ten_entries_and_lower_case_keys(b2, new_name):
    bucket = create(b2, new_name("info"), bucketInfo={f"Key{number}": "v" for number in range(10)}).ok()
    remove(b2, bucket)
    assert bucket["bucketInfo"] == {f"key{number}": "v" for number in range(10)}
    eleven = {f"k{number}": "v" for number in range(11)}
    assert create(b2, new_name(), bucketInfo=eleven).refusal == (400, "bad_request")


def test_what_this_server_does_not_know_is_refused_by_name(b2, new_name):
    status, code, message = create(b2, new_name(), bogusSetting=1).error
    assert (status, code) == (400, "bad_request")
    assert "bogusSetting" in message


def test_the_forms_that_ask_for_nothing_are_accepted(b2, new_name):
    bucket = create(
        b2, new_name("nothing"), bucketInfo=None, corsRules=None, lifecycleRules=None, fileLockEnabled=False,
        defaultServerSideEncryption={"mode": None}, replicationConfiguration=None,
        defaultRetention={"mode": None, "period": None},
    ).ok()  # fmt: skip
    remove(b2, bucket)


def test_an_account_other_than_the_callers_is_unauthorized(b2, new_name):
    answer = b2.call("b2_create_bucket", accountId="000000000000", bucketName=new_name(), bucketType="allPrivate")
    assert answer.error == (401, "unauthorized", "")


def test_making_a_bucket_needs_write_buckets(b2, new_name):
    assert create(b2.restricted(["listBuckets"]), new_name()).error == (401, "unauthorized", "")


LIFECYCLE = {"fileNamePrefix": "backup/", "daysFromUploadingToHiding": 30, "daysFromHidingToDeleting": None}
CORS = {
    "corsRuleName": "downloads",
    "allowedOrigins": ["https://*.example.com", "http://localhost:8080", "https"],
    "allowedOperations": ["b2_download_file_by_name", "s3_get"],
    "allowedHeaders": ["range", "x-bz-*"],
    "maxAgeSeconds": 86400,
}


def test_rules_come_back_exactly_as_they_were_sent(b2, new_name):
    bucket = create(b2, new_name("rules"), lifecycleRules=[LIFECYCLE], corsRules=[CORS]).ok()
    remove(b2, bucket)
    assert bucket["lifecycleRules"] == [LIFECYCLE]
    assert bucket["corsRules"] == [CORS]


@pytest.mark.parametrize(
    "rules",
    [
        [
            {"fileNamePrefix": "a", "daysFromHidingToDeleting": 1},
            {"fileNamePrefix": "ab", "daysFromHidingToDeleting": 1},
        ],
        [{"fileNamePrefix": "a", "daysFromHidingToDeleting": 1}] * 2,
        [{"fileNamePrefix": "", "daysFromHidingToDeleting": 1}, {"fileNamePrefix": "z", "daysFromHidingToDeleting": 1}],
        [{"fileNamePrefix": "a"}],
        [{"fileNamePrefix": "a", "daysFromHidingToDeleting": None}],
        [{"fileNamePrefix": "a", "daysFromHidingToDeleting": 0}],
        [{"fileNamePrefix": "a", "daysFromUploadingToHiding": -1}],
        [{"daysFromHidingToDeleting": 1}],
        [{"fileNamePrefix": f"{number:03}/", "daysFromHidingToDeleting": 1} for number in range(101)],
    ],
)
def test_lifecycle_rules_outside_the_rules_are_refused(b2, new_name, rules):
    assert create(b2, new_name(), lifecycleRules=rules).refusal == (400, "bad_request")


@pytest.mark.parametrize(
    "change",
    [
        {"corsRuleName": "short"},
        {"corsRuleName": "b2-rule"},
        {"allowedOrigins": []},
        {"allowedOrigins": ["null"]},
        {"allowedOrigins": ["ftp://example.com"]},
        {"allowedOperations": []},
        {"allowedOperations": ["b2_list_buckets"]},
        {"maxAgeSeconds": 86401},
        {"maxAgeSeconds": -1},
        {"allowedHeaders": ["a*b"]},
        {"exposeHeaders": ["x-*"]},
        {"allowedHeaders": ["x" * 1000]},
    ],
)
def test_cors_rules_outside_the_rules_are_refused(b2, new_name, change):
    assert create(b2, new_name(), corsRules=[{**CORS, **change}]).refusal == (400, "bad_request")


def test_a_hundred_cors_rules_are_accepted_and_one_more_is_not(b2, new_name):
    rules = [{**CORS, "corsRuleName": f"rule-{number:03}"} for number in range(101)]
    assert create(b2, new_name(), corsRules=rules).refusal == (400, "bad_request")
    remove(b2, create(b2, new_name("rules"), corsRules=rules[:100]).ok())
