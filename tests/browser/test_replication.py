"""Replication by mouse (console reference, T77)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from harness.clients import boto3_client
from harness.processes import wait_until


@pytest.fixture(scope="module")
def s3(server, owner):
    return boto3_client(server, key=(owner.key_id, owner.application_key))


def status_of(s3, bucket, key):
    return s3.head_object(Bucket=bucket, Key=key).get("ReplicationStatus")


def test_t77_a_rule_copies_a_new_file_and_both_sides_tell_their_status(console, s3, new_name):
    source, destination = new_name("from"), new_name("to")
    for name in (source, destination):
        s3.create_bucket(Bucket=name)
    console.open("/replication")
    dialog = console.dialog("Replicate Your Data")
    dialog.get_by_label("Rule name").fill("keep-a-copy")
    dialog.get_by_role("button", name="Replicate", exact=True).click()
    expect(dialog.locator("[id$=e-source]")).to_be_visible()
    dialog.get_by_label("Source bucket").select_option(source)
    dialog.get_by_label("Destination").select_option(destination)
    dialog.get_by_role("button", name="Replicate", exact=True).click()
    expect(console.page.get_by_text("The rule is saved.")).to_be_visible()
    expect(console.page.get_by_role("row", name="keep-a-copy")).to_contain_text(destination)

    s3.put_object(Bucket=source, Key="kitten.jpg", Body=b"kitten")
    wait_until(lambda: status_of(s3, source, "kitten.jpg") == "COMPLETED", "the file was not replicated", 60)
    assert s3.get_object(Bucket=destination, Key="kitten.jpg")["Body"].read() == b"kitten"
    assert status_of(s3, destination, "kitten.jpg") == "REPLICA"

    console.page.get_by_role("button", name="Pause keep-a-copy").click()
    expect(console.page.get_by_role("row", name="keep-a-copy")).to_contain_text("Paused")
    console.page.get_by_role("link", name="Remove keep-a-copy").click()
    console.page.locator("dialog").get_by_role("button", name="Remove Rule").click()
    expect(console.page.get_by_text("This bucket is not replicated")).to_be_visible()


def test_a_target_is_added_and_its_key_is_not_shown_again(console):
    console.open("/replication")
    dialog = console.dialog("Add a Target")
    for label, text in {
        "Name": "offsite",
        "Bucket there": "my-copies",
        "keyID there": "000abc",
        "Endpoint": "http://x",
    }.items():
        dialog.get_by_label(label, exact=True).fill(text)
    dialog.get_by_label("applicationKey there").fill("the-secret-of-elsewhere")
    dialog.get_by_role("button", name="Add Target").click()
    expect(dialog.locator("[id$=e-endpoint]")).to_contain_text("https")
    dialog.get_by_label("Endpoint").fill("https://api.example.com")
    dialog.get_by_label("applicationKey there").fill("the-secret-of-elsewhere")
    dialog.get_by_role("button", name="Add Target").click()
    expect(console.page.get_by_role("row", name="offsite")).to_contain_text("https://api.example.com")
    assert "the-secret-of-elsewhere" not in console.page.content()
    console.page.get_by_role("link", name="Remove offsite").click()
    console.page.locator("dialog").get_by_role("button", name="Remove Target").click()
    expect(console.page.get_by_role("row", name="offsite")).to_have_count(0)
