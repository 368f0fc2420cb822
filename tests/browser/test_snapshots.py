"""Snapshots in the console: of a selection and of a bucket, kept, fetched by a client, and deleted (console reference, section 20)."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import expect

from harness.clients import boto3_client

BODY = b"x" * 100
TIMEOUT_MS = 30_000


@pytest.fixture
def s3(server, owner):
    return boto3_client(server, key=(owner.key_id, owner.application_key))


@pytest.fixture
def bucket(s3, new_name):
    name = new_name("snapped")
    s3.create_bucket(Bucket=name)
    for key in ("top", "in/a", "in/b/c", "other/d"):
        s3.put_object(Bucket=name, Key=key, Body=BODY)
    return name


def test_a_snapshot_of_a_selection_is_made_kept_fetched_by_a_client_and_deleted(console, s3, bucket, owner):
    console.open(f"/buckets/{bucket}/files")
    page = console.page
    for label in ("in/", "top"):
        page.get_by_role("checkbox", name=f"Select {label}", exact=True).check()
    page.get_by_role("button", name="Snapshot").click()
    dialog = page.get_by_role("dialog", name="Make a snapshot")
    expect(dialog).to_contain_text("3 files, 300 bytes")
    expect(dialog.get_by_label("Keep it for")).to_have_value("30")
    dialog.get_by_label("Keep it for").select_option("7 days")
    dialog.get_by_role("button", name="Make snapshot").click()
    expect(page).to_have_url(re.compile("/jobs/"))
    expect(page.get_by_label("What it did")).to_contain_text("put 3 files into a zip", timeout=TIMEOUT_MS)
    page.get_by_role("link", name="Snapshots").last.click()
    row = page.get_by_role("row").filter(has_text=bucket)
    expect(row).to_contain_text(re.compile("in [67] days"))

    with page.expect_download() as fetched:
        row.get_by_role("link", name="Download").click()
    by_hand = fetched.value.path().read_bytes()
    kept = f"b2-snapshot-{owner.account_id}"
    [key] = [each["Key"] for each in s3.list_objects_v2(Bucket=kept)["Contents"] if bucket in each["Key"]]
    by_client = s3.get_object(Bucket=kept, Key=key)["Body"].read()
    assert by_client == by_hand
    assert zipfile.ZipFile(io.BytesIO(by_client)).namelist() == ["in/a", "in/b/c", "top"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=kept, Key="mine", Body=BODY)

    row.get_by_role("link", name="Delete").click()
    page.get_by_role("dialog", name="Delete snapshot").get_by_role("button", name="Delete snapshot").click()
    expect(page.get_by_text("The snapshot is deleted")).to_be_visible()
    expect(row).to_have_count(0)
    assert all(bucket not in each["Key"] for each in s3.list_objects_v2(Bucket=kept).get("Contents", []))


def test_a_snapshot_of_a_whole_bucket_begins_on_the_page_of_snapshots(console, bucket):
    console.open("/snapshots")
    page = console.page
    page.get_by_role("link", name="Make a snapshot").first.click()
    page.get_by_role("link", name=bucket).click()
    dialog = page.get_by_role("dialog", name="Make a snapshot")
    expect(dialog).to_contain_text("4 files, 400 bytes")
    dialog.get_by_label("Keep it for").select_option("Until I delete it")
    dialog.get_by_role("button", name="Make snapshot").click()
    expect(page.locator(".badge", has_text="Done")).to_be_visible(timeout=TIMEOUT_MS)
    console.open("/snapshots")
    expect(page.get_by_role("row").filter(has_text=bucket)).to_contain_text("never")
    console.open("/buckets")
    count = page.locator(f"#bucket-{bucket} dl > div").filter(has=page.get_by_text("Snapshots", exact=True))
    expect(count.locator("dd")).to_have_text("1")
    expect(page.get_by_role("link", name="b2-snapshot-")).to_have_count(0)
