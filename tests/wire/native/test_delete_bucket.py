from __future__ import annotations


def delete(b2, bucket):
    return b2.call("b2_delete_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"])


def test_a_deleted_bucket_is_answered_as_it_was_and_gone(b2, bucket):
    assert delete(b2, bucket).ok() == bucket
    answer = delete(b2, bucket)
    assert answer.error == (400, "bad_bucket_id", f"Bucket {bucket['bucketId']} does not exist")


def test_a_bucket_with_a_hide_marker_alone_cannot_be_deleted(b2, bucket):
    made = b2.upload(bucket["bucketId"], "name")
    b2.call("b2_hide_file", bucketId=bucket["bucketId"], fileName="name").ok()
    b2.call("b2_delete_file_version", fileName="name", fileId=made["fileId"]).ok()
    assert delete(b2, bucket).error == (400, "cannot_delete_non_empty_bucket", "Cannot delete non-empty bucket")


def test_a_bucket_with_an_unfinished_large_file_cannot_be_deleted(b2, bucket):
    b2.start(bucket["bucketId"], "large")
    assert delete(b2, bucket).refusal == (400, "cannot_delete_non_empty_bucket")


def test_deleting_a_bucket_needs_delete_buckets(b2, bucket):
    assert delete(b2.restricted(["writeBuckets"]), bucket).error == (401, "unauthorized", "")
