"""Object Lock of buckets through S3: switching it on, and the default retention (reference, 1.11 and 2.21)."""

from __future__ import annotations

import pytest

ENABLED = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"


def rule(content):
    return f"{ENABLED}<Rule><DefaultRetention>{content}</DefaultRetention></Rule>"


def configuration(s3, bucket):
    return s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]


def test_a_bucket_is_made_with_object_lock(s3, new_bucket, native, server):
    name = new_bucket(ObjectLockEnabledForBucket=True)
    assert configuration(s3, name) == {"ObjectLockEnabled": "Enabled"}
    (found,) = native.call("b2_list_buckets", accountId=server.account_id, bucketName=name)["buckets"]
    assert found["fileLockConfiguration"]["value"]["isFileLockEnabled"] is True


def test_a_bucket_is_made_without_object_lock_where_the_header_says_so(s3, new_bucket, refused):
    name = new_bucket(ObjectLockEnabledForBucket=False)
    with refused("ObjectLockConfigurationNotFoundError", 404):
        configuration(s3, name)


def test_a_bucket_is_not_made_with_a_lock_that_is_neither_on_nor_off(raw, s3, new_name, refused):
    name = new_name()
    assert raw("PUT", f"/{name}", headers={"x-amz-bucket-object-lock-enabled": "1"}).code == "InvalidArgument"
    with refused("404"):
        s3.head_bucket(Bucket=name)


def test_a_bucket_gets_object_lock_later_without_a_token_and_keeps_it(s3, raw, bucket, refused):
    enabled = {"ObjectLockEnabled": "Enabled"}
    with refused("ObjectLockConfigurationNotFoundError", 404):
        configuration(s3, bucket)
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=enabled)
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=enabled, Token="a token")
    off = b"<ObjectLockConfiguration><ObjectLockEnabled>Disabled</ObjectLockEnabled></ObjectLockConfiguration>"
    assert raw("PUT", f"/{bucket}?object-lock", body=off).code == "MalformedXML"
    assert configuration(s3, bucket) == enabled
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


@pytest.mark.parametrize(
    "default", [{"Mode": "GOVERNANCE", "Days": 36500}, {"Mode": "COMPLIANCE", "Years": 100}, {"Mode": "GOVERNANCE", "Days": 1}]
)  # fmt: skip
def test_a_default_retention_is_set_shown_and_taken_off(s3, new_bucket, default):
    name = new_bucket()
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": default}}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=rule)
    assert configuration(s3, name) == rule
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    assert configuration(s3, name) == {"ObjectLockEnabled": "Enabled"}


def test_p10_a_default_retention_is_one_setting_of_both_faces(s3, native, server, new_bucket, bucket_id_of):
    name = new_bucket(ObjectLockEnabledForBucket=True)
    default = {"Mode": "COMPLIANCE", "Years": 2}
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": default}}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=rule)
    (found,) = native.call("b2_list_buckets", accountId=server.account_id, bucketName=name)["buckets"]
    assert found["fileLockConfiguration"]["value"] == {
        "isFileLockEnabled": True,
        "defaultRetention": {"mode": "compliance", "period": {"duration": 2, "unit": "years"}},
    }
    update = {"accountId": server.account_id, "bucketId": bucket_id_of(name)}
    native.call(
        "b2_update_bucket", **update, defaultRetention={"mode": "governance", "period": {"duration": 7, "unit": "days"}}
    )
    assert configuration(s3, name)["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 7}


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("MalformedXML", ""),
        ("MalformedXML", "<ObjectLockEnabled>enabled</ObjectLockEnabled>"),
        ("MalformedXML", ENABLED * 2),
        ("MalformedXML", f"{ENABLED}<Rule/>"),
        ("MalformedXML", f"{ENABLED}<New/>"),
        ("MalformedXML", rule("<Mode>GOVERNANCE</Mode>")),
        ("MalformedXML", rule("<Days>1</Days>")),
        ("MalformedXML", rule("<Mode>governance</Mode><Days>1</Days>")),
        ("MalformedXML", rule("<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>")),
        ("MalformedXML", rule("<Mode>GOVERNANCE</Mode><Days>one</Days>")),
        ("MalformedXML", rule("<Mode>GOVERNANCE</Mode><Days>1</Days>") + "<Rule/>"),
        ("MalformedXML", rule("<Mode>GOVERNANCE</Mode><Days>1</Days><DefaultEventHold/>")),
        ("InvalidArgument", rule("<Mode>GOVERNANCE</Mode><Days>0</Days>")),
        ("InvalidArgument", rule("<Mode>GOVERNANCE</Mode><Years>-1</Years>")),
        ("InvalidArgument", rule("<Mode>GOVERNANCE</Mode><Days>36501</Days>")),
        ("InvalidArgument", rule("<Mode>GOVERNANCE</Mode><Years>101</Years>")),
        ("InvalidArgument", rule(f"<Mode>GOVERNANCE</Mode><Days>{'9' * 10_000}</Days>")),
    ],
)
def test_p11_a_configuration_that_is_none_is_refused_and_changes_nothing(raw, s3, bucket, refused, code, content):
    body = f"<ObjectLockConfiguration>{content}</ObjectLockConfiguration>".encode()
    answer = raw("PUT", f"/{bucket}?object-lock", body=body)
    assert (answer.status, answer.code) == (400, code)
    with refused("ObjectLockConfigurationNotFoundError"):
        configuration(s3, bucket)


def test_a_source_of_replication_does_not_get_object_lock(s3, native, server, new_bucket, bucket_id_of, refused):
    name = new_bucket()
    replication = {
        "sourceApplicationKeyId": server.key_id,
        "replicationRules": [
            {
                "replicationRuleName": "all-of-it",
                "destinationBucketId": bucket_id_of(new_bucket()),
                "fileNamePrefix": "",
                "priority": 1,
                "isEnabled": True,
                "includeExistingFiles": False,
            }
        ],
    }
    update = {"accountId": server.account_id, "bucketId": bucket_id_of(name)}
    native.call("b2_update_bucket", **update, replicationConfiguration={"asReplicationSource": replication})
    with refused("InvalidBucketState", 409):
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


def test_p6_the_right_to_retention_is_enough_to_configure_it(key_with, s3, bucket):
    client = key_with({"readBucketRetentions", "writeBucketRetentions"})
    body = (
        f"<ObjectLockConfiguration>{rule('<Mode>GOVERNANCE</Mode><Days>1</Days>')}</ObjectLockConfiguration>".encode()
    )
    assert client("PUT", f"/{bucket}?object-lock", body=body).status == 200
    assert client("GET", f"/{bucket}?object-lock").text("Rule/DefaultRetention/Days") == "1"
    of_some_names = key_with({"writeBucketRetentions"}, namePrefix="in/")  # A default locks what has any name.
    assert of_some_names("PUT", f"/{bucket}?object-lock", body=body).code == "AccessDenied"
