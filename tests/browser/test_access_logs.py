"""Access logs of a bucket by mouse (console reference, T79)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from harness.clients import boto3_client
from harness.native_session import Session
from harness.processes import wait_until


@pytest.fixture(scope="module")
def s3(server, owner):
    return boto3_client(server, key=(owner.key_id, owner.application_key))


@pytest.fixture
def buckets(s3, new_name):
    """A source and a destination."""
    names = new_name("source"), new_name("logs")
    for name in names:
        s3.create_bucket(Bucket=name)
    return names


def choose(console, state):
    console.page.get_by_role("group", name="Access Logging").get_by_text(state, exact=True).click()


def save(console, button="Save changes"):
    console.page.get_by_role("button", name=button).click()


def saved(console):
    expect(console.page.get_by_text("The settings are saved.")).to_be_visible()


def test_t79_access_logging_writes_a_line_for_a_get(console, s3, buckets):
    source, logs = buckets
    console.open(f"/buckets/{source}/logs")
    expect(console.page.get_by_label("Log File Destination")).to_be_hidden()
    choose(console, "Enabled")
    save(console)
    expect(console.page.get_by_text("Choose the bucket that the logs are to go to.")).to_be_visible()
    console.page.get_by_label("Log File Destination").select_option(logs)
    console.page.get_by_label("Prefix of log files").fill("from/")
    save(console)
    saved(console)

    s3.put_object(Bucket=source, Key="kitten.jpg", Body=b"kitten")
    s3.get_object(Bucket=source, Key="kitten.jpg")
    files = wait_until(
        lambda: s3.list_objects_v2(Bucket=logs, Prefix="from/").get("Contents"), "no log file came", timeout_s=120
    )
    texts = [s3.get_object(Bucket=logs, Key=file["Key"])["Body"].read().decode() for file in files]
    assert "REST.S3_GET_OBJECT kitten.jpg" in "".join(texts)
    console.open(f"/buckets/{source}/logs")
    console.page.get_by_role("link", name="View log files").click()
    expect(console.page.get_by_text(files[0]["Key"].removeprefix("from/")).first).to_be_visible()

    console.open(f"/buckets/{source}/logs")
    expect(console.page.get_by_label("Log File Destination")).to_have_value(logs)
    choose(console, "Disabled")
    save(console)
    saved(console)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=source)


def test_t79_choosing_the_source_as_its_own_destination_warns(console, s3, buckets):
    source, _ = buckets
    console.open(f"/buckets/{source}/logs")
    choose(console, "Enabled")
    console.page.get_by_label("Log File Destination").select_option(source)
    save(console)
    expect(console.page.get_by_text("This bucket would log into itself.")).to_be_visible()
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=source)
    save(console, "Log into this bucket itself")
    saved(console)
    expect(console.page.get_by_text("This bucket logs into itself.")).to_be_visible()
    assert s3.get_bucket_logging(Bucket=source)["LoggingEnabled"]["TargetBucket"] == source


def test_t79_a_bucket_with_object_lock_is_no_destination_and_a_lost_one_is_told(console, server, owner, s3, buckets):
    source, logs = buckets
    native = Session(server.api_url, owner.key_id, owner.application_key)
    logging = {"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": ""}}
    s3.put_bucket_logging(Bucket=source, BucketLoggingStatus=logging)
    bucket_id = native.call("b2_list_buckets", accountId=owner.account_id, bucketName=logs).ok()["buckets"][0][
        "bucketId"
    ]
    native.call("b2_update_bucket", accountId=owner.account_id, bucketId=bucket_id, fileLockEnabled=True).ok()
    console.open(f"/buckets/{source}/logs")
    expect(console.page.get_by_role("alert")).to_contain_text("the destination has Object Lock")
    s3.delete_bucket(Bucket=logs)
    console.page.reload()
    expect(console.page.get_by_role("alert")).to_contain_text("the destination is gone")
    choose(console, "Disabled")
    save(console)
    saved(console)
    choose(console, "Enabled")
    assert logs not in console.page.get_by_label("Log File Destination").inner_text()
