from __future__ import annotations

import pytest


def test_a_new_bucket_is_private_and_answers_its_location(s3, new_name):
    name = new_name("made")
    assert s3.create_bucket(Bucket=name)["Location"] == f"/{name}"
    assert [grant["Permission"] for grant in s3.get_bucket_acl(Bucket=name)["Grants"]] == ["FULL_CONTROL"]
    s3.delete_bucket(Bucket=name)


def test_the_location_is_the_region_or_us_east_1_or_unsaid(raw, new_name, s3):
    for location in ("us-west-000", "us-east-1", ""):
        name = new_name("located")
        body = (
            "<CreateBucketConfiguration><LocationConstraint>"
            f"{location}</LocationConstraint></CreateBucketConfiguration>"
        )
        assert raw("PUT", f"/{name}", body=body.encode()).status == 200
        s3.delete_bucket(Bucket=name)


def test_another_location_is_refused(s3, new_name, refused):
    with refused("InvalidLocationConstraint", 400):
        s3.create_bucket(Bucket=new_name(), CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def test_making_ones_own_bucket_again_is_a_conflict(s3, bucket, refused):
    with refused("BucketAlreadyOwnedByYou", 409):
        s3.create_bucket(Bucket=bucket)


def test_making_a_bucket_of_somebody_else_is_a_conflict(stranger, bucket, refused):
    with refused("BucketAlreadyExists", 409):
        stranger.create_bucket(Bucket=bucket)


@pytest.mark.parametrize("name", ["short", "b2-reserved", "under_score", "double..dot", "192.168.10.20", "x" * 64])
def test_a_name_outside_the_rules_is_refused(raw, name):
    answer = raw("PUT", f"/{name}")
    assert (answer.status, answer.code) == (400, "InvalidBucketName")


@pytest.mark.parametrize("acl", ["public-read-write", "authenticated-read", "bucket-owner-read", "x"])
def test_other_canned_acls_are_refused(s3, new_name, refused, acl):
    with refused("InvalidArgument", 400):
        s3.create_bucket(Bucket=new_name(), ACL=acl)


@pytest.mark.parametrize(
    "settings",
    [
        {"GrantRead": "id=1"},
        {"ObjectOwnership": "ObjectWriter"},
        {"CreateBucketConfiguration": {"Tags": [{"Key": "a", "Value": "b"}]}},
    ],
)
def test_settings_that_buckets_do_not_have_are_refused_and_nothing_is_made(s3, new_name, refused, settings):
    name = new_name()
    with refused("NotImplemented", 501):
        s3.create_bucket(Bucket=name, **settings)
    with refused("404"):
        s3.head_bucket(Bucket=name)


@pytest.mark.parametrize(
    "body", [b"no xml", b"<Wrong/>", b"<CreateBucketConfiguration><X/></CreateBucketConfiguration>"]
)
def test_a_malformed_body_is_refused(raw, new_name, body):
    assert raw("PUT", f"/{new_name()}", body=body).code == "MalformedXML"


def test_nobody_makes_a_bucket(raw, new_name):
    assert raw("PUT", f"/{new_name()}", signed=False).code == "AccessDenied"
