from __future__ import annotations

import pytest


def listed(b2, **options):
    return b2.call("b2_list_buckets", accountId=b2.account_id, **options).ok()["buckets"]


def test_buckets_come_in_the_order_of_their_names(b2, bucket, public_bucket):
    names = [row["bucketName"] for row in listed(b2)]
    assert names == sorted(names)
    assert {bucket["bucketName"], public_bucket["bucketName"]} <= set(names)


def test_a_list_row_is_what_creating_the_bucket_answered(b2, bucket):
    assert listed(b2, bucketId=bucket["bucketId"]) == [bucket]


def test_a_name_finds_its_bucket_in_any_letter_case(b2, bucket):
    assert listed(b2, bucketName=bucket["bucketName"].upper()) == [bucket]


def test_an_unknown_bucket_gives_an_empty_list(b2):
    assert listed(b2, bucketId="f" * 24) == []
    assert listed(b2, bucketName="no-such-bucket") == []


def test_null_filters_are_no_filters(b2, bucket):
    assert bucket in listed(b2, bucketId=None, bucketName=None, bucketTypes=None)


def test_types_limit_the_list(b2, bucket, public_bucket):
    assert bucket not in listed(b2, bucketTypes=["allPublic"])
    assert public_bucket in listed(b2, bucketTypes=["allPublic"])
    assert {"allPublic", "allPrivate"} <= {row["bucketType"] for row in listed(b2, bucketTypes=["all"])}


@pytest.mark.parametrize("types", [["bogus"], [], ["all", "allPrivate"]])
def test_unknown_or_mixed_types_are_refused(b2, types):
    answer = b2.call("b2_list_buckets", accountId=b2.account_id, bucketTypes=types)
    assert answer.refusal == (400, "bad_request")


@pytest.mark.parametrize("version", ["v2", "v3", "v4"])
def test_a_restricted_key_must_name_a_bucket_that_it_may_see(b2, bucket, public_bucket, version):
    session = b2.restricted(["listBuckets"], bucketIds=[bucket["bucketId"]]).at(version)
    unauthorized = (401, "unauthorized", "")
    assert session.call("b2_list_buckets", accountId=b2.account_id).error == unauthorized
    other = public_bucket["bucketId"]
    assert session.call("b2_list_buckets", accountId=b2.account_id, bucketId=other).error == unauthorized
    assert [row["bucketId"] for row in listed(session, bucketId=bucket["bucketId"])] == [bucket["bucketId"]]
    assert [row["bucketId"] for row in listed(session, bucketName=bucket["bucketName"])] == [bucket["bucketId"]]


def test_version_1_answers_a_restricted_key_with_its_bucket(b2, bucket):
    session = b2.restricted(["listBuckets"], bucketIds=[bucket["bucketId"]]).at("v1")
    assert [row["bucketId"] for row in listed(session)] == [bucket["bucketId"]]


def test_a_key_of_several_buckets_lists_one_of_them_on_version_1(b2, bucket, public_bucket):
    session = b2.restricted(["listBuckets"], bucketIds=[bucket["bucketId"], public_bucket["bucketId"]])
    answer = session.call(
        "b2_list_buckets", version="v1", accountId=b2.account_id, bucketId=public_bucket["bucketId"]
    ).ok()
    assert [row["bucketId"] for row in answer["buckets"]] == [public_bucket["bucketId"]]


def test_listing_needs_list_buckets(b2):
    session = b2.restricted(["listFiles"])
    assert session.call("b2_list_buckets", accountId=b2.account_id).error == (401, "unauthorized", "")


def test_lists_work_by_get_with_a_query(b2, bucket):
    rows = b2.get("b2_list_buckets", accountId=b2.account_id, bucketTypes="allPrivate,allPublic").ok()["buckets"]
    assert bucket in rows
