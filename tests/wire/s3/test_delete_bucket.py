from __future__ import annotations

import pytest


def test_an_empty_bucket_is_deleted(s3, new_name, refused):
    name = new_name()
    s3.create_bucket(Bucket=name)
    assert s3.delete_bucket(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("NoSuchBucket", 404):
        s3.delete_bucket(Bucket=name)


@pytest.mark.parametrize("content", ["object", "marker", "upload"])
def test_a_bucket_with_anything_in_it_is_kept(s3, bucket, refused, content):
    if content == "object":
        s3.put_object(Bucket=bucket, Key="k", Body=b"")
    elif content == "marker":
        s3.delete_object(Bucket=bucket, Key="k")
    else:
        s3.create_multipart_upload(Bucket=bucket, Key="k")
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=bucket)


def test_a_bucket_of_somebody_else_is_kept(stranger, s3, bucket, refused):
    with refused("AccessDenied", 403):
        stranger.delete_bucket(Bucket=bucket)
    s3.head_bucket(Bucket=bucket)


def test_the_expected_owner_is_checked_before_anything_is_gone(s3, bucket, refused):
    with refused("AccessDenied", 403):
        s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner="0" * 12)
    s3.head_bucket(Bucket=bucket)
