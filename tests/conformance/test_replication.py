"""Lines 155, 170 and 171 of the checklist: replication. Line 57 is with the buckets."""

from __future__ import annotations

import base64
import hashlib


def replicate(b2, source, destination, prefix):
    """A rule from one bucket to the other, as the command line sets it up."""
    reader, writer = (b2.restricted(["listBuckets", "listFiles", right]) for right in ("readFiles", "writeFiles"))
    rule = {
        "destinationBucketId": destination["bucketId"], "fileNamePrefix": prefix, "includeExistingFiles": False,
        "isEnabled": True, "priority": 1, "replicationRuleName": "checklist",
    }  # fmt: skip
    halves = (
        (destination, {"asReplicationDestination": {"sourceToDestinationKeyMapping": {reader.key_id: writer.key_id}}}),
        (source, {"asReplicationSource": {"replicationRules": [rule], "sourceApplicationKeyId": reader.key_id}}),
    )
    for bucket, half in halves:
        answer = b2.call(
            "b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"], replicationConfiguration=half
        )
    return answer.ok()


def test_155_uploads_under_a_rule_are_pending_and_others_have_no_status(b2, bucket, public_bucket):
    replicate(b2, bucket, public_bucket, "in/")
    assert b2.upload(bucket["bucketId"], "in/n", b"data")["replicationStatus"] == "PENDING"
    assert "replicationStatus" not in b2.upload(bucket["bucketId"], "out/n", b"data")


def test_170_a_file_under_a_customers_key_has_no_status(b2, bucket, public_bucket):
    replicate(b2, bucket, public_bucket, "")
    key = bytes(32)
    headers = {
        "X-Bz-Server-Side-Encryption-Customer-Algorithm": "AES256",
        "X-Bz-Server-Side-Encryption-Customer-Key": base64.b64encode(key).decode(),
        "X-Bz-Server-Side-Encryption-Customer-Key-Md5": base64.b64encode(hashlib.md5(key).digest()).decode(),
    }
    assert "replicationStatus" not in b2.upload(bucket["bucketId"], "secret", b"data", headers)
    assert b2.upload(bucket["bucketId"], "plain", b"data")["replicationStatus"] == "PENDING"
    encrypted = b2.upload(bucket["bucketId"], "encrypted", b"data", {"X-Bz-Server-Side-Encryption": "AES256"})
    assert encrypted["replicationStatus"] == "PENDING"


def test_171_a_rule_from_a_locked_bucket_to_an_unlocked_one_is_stored(b2, bucket, public_bucket):
    b2.call(
        "b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"], fileLockEnabled=True
    ).ok()  # fmt: skip
    stored = replicate(b2, bucket, public_bucket, "")["replicationConfiguration"]["value"]
    assert stored["asReplicationSource"]["replicationRules"][0]["destinationBucketId"] == public_bucket["bucketId"]
