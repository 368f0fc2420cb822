"""GetBucketLogging and PutBucketLogging (reference, 1.14)."""

from __future__ import annotations

import pytest

from harness.s3_raw import RawS3

ROOT = "BucketLoggingStatus"


def document(content: str) -> bytes:
    return f'<{ROOT} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{content}</{ROOT}>'.encode()


def enabled(target: str, more: str = "") -> bytes:
    texts = f"<TargetBucket>{target}</TargetBucket><TargetPrefix>logs/</TargetPrefix>{more}"
    return document(f"<LoggingEnabled>{texts}</LoggingEnabled>")


def test_logging_is_set_shown_and_taken_back(s3, raw, new_bucket):
    source, target = new_bucket(), new_bucket()
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=source)
    for prefix in ("logs/", ""):
        logging = {"TargetBucket": target, "TargetPrefix": prefix}
        s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={"LoggingEnabled": logging})
        assert s3.get_bucket_logging(Bucket=source)["LoggingEnabled"] == logging
    s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={})
    answer = raw("GET", f"/{source}?logging")
    assert (answer.status, list(answer.xml)) == (200, [])


def test_a_bucket_may_log_into_itself(s3, bucket):
    logging = {"TargetBucket": bucket, "TargetPrefix": "logs/", "TargetObjectKeyFormat": {"SimplePrefix": {}}}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": logging})
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetBucket"] == bucket


def test_a_target_is_refused_that_is_not_there_not_ones_own_or_locked(
    s3, native, server, stranger, new_bucket, new_name, refused
):
    source, locked, foreign = new_bucket(), new_name("locked"), new_name("foreign")
    made = native.call(
        "b2_create_bucket",
        accountId=server.account_id,
        bucketName=locked,
        bucketType="allPrivate",
        fileLockEnabled=True,
    )
    stranger.create_bucket(Bucket=foreign)
    for target in (locked, foreign, "no-such-bucket-here"):
        logging = {"TargetBucket": target, "TargetPrefix": ""}
        with refused("InvalidTargetBucketForLogging", 400):
            s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={"LoggingEnabled": logging})
    stranger.delete_bucket(Bucket=foreign)
    native.call("b2_delete_bucket", accountId=server.account_id, bucketId=made["bucketId"])
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=source)


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("MalformedXML", b""),
        ("MalformedXML", b"<Other/>"),
        ("MalformedXML", document("<LoggingEnabled/>")),
        ("MalformedXML", document("<LoggingEnabled><TargetBucket>some-bucket</TargetBucket></LoggingEnabled>")),
        ("MalformedXML", document("<LoggingEnabled><TargetPrefix>a</TargetPrefix></LoggingEnabled>")),
        ("MalformedXML", enabled("a-bucket", "<TargetPrefix>again</TargetPrefix>")),
        ("MalformedXML", enabled("a-bucket", "<Unknown/>")),
        ("MalformedXML", document("<LoggingEnabled/><LoggingEnabled/>")),
        ("AccessControlListNotSupported", enabled("a-bucket", "<TargetGrants><Grant/></TargetGrants>")),
        (
            "NotImplemented",
            enabled("a-bucket", "<TargetObjectKeyFormat><PartitionedPrefix/></TargetObjectKeyFormat>"),
        ),
    ],
)
def test_p11_what_is_malformed_or_not_there_to_be_set_is_refused(raw, bucket, code, body):
    assert raw("PUT", f"/{bucket}?logging", body=body).code == code
    assert list(raw("GET", f"/{bucket}?logging").xml) == []


def test_a_prefix_that_no_name_can_begin_with_is_refused(s3, bucket, refused):
    logging = {"TargetBucket": bucket, "TargetPrefix": "x" * 1000}
    with refused("InvalidArgument", 400):
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": logging})


def test_p6_a_key_of_the_source_alone_cannot_have_another_bucket_written_to(s3, raw, native, server, new_bucket):
    source, target = new_bucket(), new_bucket()
    (found,) = native.call("b2_list_buckets", accountId=server.account_id, bucketName=source)["buckets"]
    key = native.call(
        "b2_create_key", accountId=server.account_id, keyName="logging", bucketIds=[found["bucketId"]],
        capabilities=["readBucketLogging", "writeBucketLogging"],
    )  # fmt: skip
    limited = RawS3(server.s3_endpoint, server.region, key["applicationKeyId"], key["applicationKey"])
    assert limited("PUT", f"/{source}?logging", body=enabled(target)).code == "AccessDenied"
    assert limited("PUT", f"/{source}?logging", body=enabled(source)).status == 200
    assert raw("GET", f"/{source}?logging").text("LoggingEnabled/TargetBucket") == source
