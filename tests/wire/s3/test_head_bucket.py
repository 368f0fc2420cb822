from __future__ import annotations


def test_a_bucket_answers_its_region_and_no_body(raw, bucket, server):
    answer = raw("HEAD", f"/{bucket}")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["x-amz-bucket-region"] == server.region


def test_a_missing_bucket_is_404_with_the_region(raw, new_name, server):
    answer = raw("HEAD", f"/{new_name()}")
    assert (answer.status, answer.body) == (404, b"")
    assert answer.headers["x-amz-bucket-region"] == server.region


def test_a_bucket_of_somebody_else_is_403(stranger, bucket, refused):
    with refused("403", 403):
        stranger.head_bucket(Bucket=bucket)


def test_nobody_is_told_of_a_public_bucket(raw, public_bucket):
    assert raw("HEAD", f"/{public_bucket}", signed=False).status == 403


def test_the_expected_owner_is_checked(s3, bucket, server, refused):
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=server.account_id)
    with refused("403", 403):
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner="0" * 12)
