"""Point in time: a bucket as it was at a moment, and back to there."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from harness.clients import boto3_client


@pytest.fixture
def s3(server, owner):
    return boto3_client(server, key=(owner.key_id, owner.application_key))


def moment_between():
    """A millisecond behind everything that has happened, and before everything that will."""
    then = time.time_ns() // 1_000_000 + 1
    while time.time_ns() // 1_000_000 <= then:
        pass
    return then


@pytest.fixture
def changed(s3, new_name):
    """A bucket that has changed, and the moment before it did."""
    name = new_name("past")
    s3.create_bucket(Bucket=name)
    for key in ("dir/changed", "dir/gone", "dir/same", "top"):
        s3.put_object(Bucket=name, Key=key, Body=b"old " + key.encode())
    then = moment_between()
    s3.put_object(Bucket=name, Key="dir/changed", Body=b"new")
    s3.put_object(Bucket=name, Key="dir/added", Body=b"new")
    s3.delete_object(Bucket=name, Key="dir/gone")
    return name, then


def names_in(page):
    return [text.strip() for text in page.locator("tbody th").all_inner_texts()]


def test_the_date_picker_shows_the_bucket_as_it_was_and_changes_nothing(console, changed):
    name, then = changed
    page = console.page
    console.open(f"/buckets/{name}/at?at={then}")
    assert names_in(page) == ["dir/", "top"]
    expect(page.locator(".past-banner")).to_contain_text("To look at only")
    page.get_by_role("link", name="dir/", exact=True).click()
    expect(page.get_by_role("row", name="changed")).to_be_visible()
    assert names_in(page) == ["changed", "gone", "same"]
    expect(page.get_by_role("row", name="changed")).to_contain_text("15 bytes")
    page.get_by_role("link", name="Now", exact=True).click()
    expect(page.get_by_role("row", name="added")).to_be_visible()
    assert names_in(page) == ["added", "changed", "same"]


def test_the_moment_is_chosen_with_the_browsers_own_field(console, changed):
    name, _ = changed
    page = console.page
    console.open(f"/buckets/{name}/at")
    field = page.get_by_label("As it was at")
    field.fill(f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%S}")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="Nothing was here")).to_be_visible()
    field.fill("2999-01-01T00:00:00")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#e-at")).to_contain_text("not come yet")
    page.get_by_label("Days on which something came").get_by_role("link").first.click()
    expect(page.get_by_role("row", name="dir/")).to_be_visible()


def test_restore_this_folder_to_here_says_what_it_will_do_and_does_just_that(console, s3, changed):
    name, then = changed
    page = console.page
    s3.put_object(Bucket=name, Key="top", Body=b"newer")
    console.open(f"/buckets/{name}/at?at={then}&prefix={quote('dir/')}")
    dialog = console.dialog("Restore this folder to here")
    expect(dialog).to_contain_text("2 (27 bytes), by copies that move no bytes")
    expect(dialog).to_contain_text("1 that was not there then")
    dialog.get_by_role("button", name="Restore").click()
    expect(page.locator(".badge", has_text="Done")).to_be_visible(timeout=30_000)
    expect(page.get_by_label("What it did")).to_contain_text("copied 2 files")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=name)["Contents"]] == [
        "dir/changed",
        "dir/gone",
        "dir/same",
        "top",
    ]
    assert s3.get_object(Bucket=name, Key="dir/changed")["Body"].read() == b"old dir/changed"
    assert s3.get_object(Bucket=name, Key="top")["Body"].read() == b"newer"
    # The restore itself is undone the same way.
    page.get_by_role("link", name="As it was before").click()
    expect(page.get_by_role("row", name="added")).to_be_visible()
    assert names_in(page) == ["added", "changed", "same"]
    console.open(f"/buckets/{name}/at?at={then}&prefix={quote('dir/')}")
    dialog = console.dialog("Restore this folder to here")
    expect(dialog).to_contain_text("looks just so now")


def test_a_long_folder_of_the_past_is_shown_page_by_page(console, s3, new_name):
    name = new_name("long")
    s3.create_bucket(Bucket=name)
    for number in range(101):
        s3.put_object(Bucket=name, Key=f"{number:03}", Body=b"")
    then = moment_between()
    s3.put_object(Bucket=name, Key="000a", Body=b"")
    page = console.page
    console.open(f"/buckets/{name}/at?at={then}")
    assert names_in(page) == [f"{number:03}" for number in range(100)]
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_role("row", name="100")).to_be_visible()
    assert names_in(page) == ["100"]
