"""Jobs in the console: Empty bucket (console reference, T24), moving a folder (T57), and what is done with a job."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from harness.clients import boto3_client
from harness.native import NativeCaller

BODY = "x" * 100


@pytest.fixture
def s3(server, owner):
    return boto3_client(server, key=(owner.key_id, owner.application_key))


@pytest.fixture
def native(server, owner):
    return NativeCaller(server, key=(owner.key_id, owner.application_key))


def test_t24_empty_bucket_shows_what_goes_and_progress_and_then_the_bucket_can_be_deleted(console, s3, new_name):
    name = new_name("empty")
    s3.create_bucket(Bucket=name)
    for number in range(5):
        s3.put_object(Bucket=name, Key=f"dir/{number}", Body=BODY)
    s3.put_object(Bucket=name, Key="dir/0", Body=BODY)
    s3.delete_object(Bucket=name, Key="dir/1")
    s3.create_multipart_upload(Bucket=name, Key="large")
    console.open(f"/buckets/{name}/settings")
    page = console.dialog("Empty Bucket")
    counts = page.get_by_label("What is removed")
    expect(counts).to_contain_text("6 (600 bytes)")
    expect(counts.locator("dd").nth(1)).to_have_text("1")
    expect(counts.locator("dd").nth(2)).to_have_text("1")
    page.get_by_role("button", name="Empty bucket").click()
    expect(page.get_by_label("Type the name")).to_have_attribute("aria-invalid", "true")
    assert len(s3.list_object_versions(Bucket=name)["Versions"]) == 6
    page.get_by_label("Type the name").fill(name)
    page.get_by_role("button", name="Empty bucket").click()
    page = console.page
    expect(page).to_have_url(re.compile("/jobs/"))
    expect(page.locator(".badge", has_text="Done")).to_be_visible(timeout=30_000)
    did = page.get_by_label("What it did")
    expect(did).to_contain_text("removed 6 versions (600 bytes)")
    expect(did).to_contain_text("removed 1 hide marker")
    expect(did).to_contain_text("canceled 1 unfinished large file")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "100")
    page.get_by_label("Where you are").get_by_role("link", name="Jobs").click()
    expect(page.get_by_role("link", name=f"Empty {name}")).to_be_visible()
    console.open(f"/buckets/{name}/settings")
    console.dialog("Delete Bucket").get_by_role("button", name="I'm Sure. Delete Bucket!").click()
    expect(page.get_by_text("The bucket is deleted")).to_be_visible()


def test_t24_locked_versions_stay_and_are_listed(console, s3, native, owner, new_name):
    name = new_name("locked")
    bucket = native.call(
        "b2_create_bucket",
        accountId=owner.account_id,
        bucketName=name,
        bucketType="allPrivate",
        fileLockEnabled=True,
    )
    s3.put_object(Bucket=name, Key="free", Body=BODY)
    kept = native.upload(bucket["bucketId"], "kept", BODY.encode(), {})
    until = int((datetime.now(UTC) + timedelta(days=1)).timestamp() * 1000)
    native.call(
        "b2_update_file_retention",
        fileName="kept",
        fileId=kept["fileId"],
        fileRetention={"mode": "compliance", "retainUntilTimestamp": until},
    )
    console.open(f"/buckets/{name}/empty")
    page = console.page
    expect(page.get_by_text("1 locked version stays")).to_be_visible()
    page.get_by_label("Type the name").fill(name)
    page.get_by_role("button", name="Empty bucket").click()
    expect(page.locator(".badge", has_text="Done")).to_be_visible(timeout=30_000)
    row = page.get_by_role("row", name=re.compile("kept"))
    expect(row).to_contain_text("Locked, so it stays")
    expect(row).to_contain_text(kept["fileId"])
    assert [version["Key"] for version in s3.list_object_versions(Bucket=name)["Versions"]] == ["kept"]


def test_t57_a_folder_that_is_moved_keeps_content_type_and_info(console, s3, new_name):
    name = new_name("move")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="old/a.txt", Body=b"content", ContentType="text/x", Metadata={"n": "1"})
    console.open(f"/buckets/{name}/transfer?prefix=old/")
    page = console.page
    page.get_by_label("To folder").fill("old/inside")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#e-target")).to_contain_text("into itself")
    page.get_by_label("To folder").fill("new")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator(".badge", has_text="Done")).to_be_visible(timeout=30_000)
    moved = s3.get_object(Bucket=name, Key="new/a.txt")
    assert (moved["Body"].read(), moved["ContentType"], moved["Metadata"]) == (b"content", "text/x", {"n": "1"})
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=name)["Contents"]] == ["new/a.txt"]


def test_a_job_is_found_in_the_list_and_an_unknown_one_is_not_there(console, s3, new_name):
    console.open("/jobs")
    expect(console.page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    console.open("/jobs/0123456789abcdef")
    expect(console.page.get_by_role("heading", name="There is no such job")).to_be_visible()


def test_the_pages_of_a_strangers_bucket_are_not_there(console, server, new_name):
    name = new_name("theirs")
    boto3_client(server).create_bucket(Bucket=name)
    for path in ("at", "at?at=1", "rewind?at=1", "empty", "transfer"):
        console.open(f"/buckets/{name}/{path}")
        expect(console.page.get_by_role("heading", name="You may not do this")).to_be_visible()
