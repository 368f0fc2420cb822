"""Caps & Alerts (console reference, T75)."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import expect

from harness.clients import boto3_client
from harness.processes import wait_until
from harness.server import run_command


@pytest.fixture
def s3(server, owner):
    return boto3_client(server, key=(owner.key_id, owner.application_key))


@pytest.fixture(autouse=True)
def nothing_stays(server, owner, console, s3):
    """Leaves the account without caps, and with nothing that counts against those of the next test."""
    yield
    expect(edit_caps(console)).to_have_count(0)
    for bucket in s3.list_buckets()["Buckets"]:
        listed = s3.list_object_versions(Bucket=bucket["Name"])
        for version in (*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())):
            s3.delete_object(Bucket=bucket["Name"], Key=version["Key"], VersionId=version["VersionId"])
    data = ("--data", str(server.data_dir))
    run_command("account", "caps", owner.account_id, "--storage", "none", *data, home=server.data_dir.parent)


def edit_caps(console, **amounts):
    """Set these caps by the dialog, and no others."""
    console.open("/caps")
    dialog = console.dialog("Edit Caps")
    names = {
        "storage": "Daily Storage Caps",
        "download": "Daily Download Bandwidth Caps",
        "class_b": "Daily Class B Transaction Caps",
        "class_c": "Daily Class C Transaction Caps",
    }
    for category, name in names.items():
        dialog.get_by_role("checkbox", name=f"No Cap: {name}").set_checked(category not in amounts)
        if category in amounts:
            dialog.get_by_role("textbox", name=name).fill(amounts[category])
    dialog.get_by_role("button", name="Update Caps").click()
    return dialog


def row_of(console, category):
    return console.page.locator(f'tr[data-cap="{category}"]')


def banner(console):
    return console.page.get_by_text("Uploads are refused")


def refusal(ask):
    with pytest.raises(ClientError) as raised:
        ask()
    return raised.value.response["Error"]


def test_t75_a_cap_blocks_the_next_upload_with_a_banner_and_lifting_it_lets_uploads_pass(console, s3, new_name):
    name = new_name("capped")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="file", Body=bytes(800))
    expect(edit_caps(console, storage="1 KB")).to_have_count(0)
    expect(row_of(console, "storage")).to_contain_text("1.0 KB")
    expect(row_of(console, "storage")).to_contain_text("80 %")
    assert banner(console).count() == 0
    error = refusal(lambda: s3.put_object(Bucket=name, Key="more", Body=bytes(201)))
    assert (error["Code"], "storage cap exceeded" in error["Message"]) == ("AccessDenied", True)

    def is_said():
        console.open("/buckets")
        return banner(console).count() == 1

    wait_until(is_said, "no page says that the cap blocks")
    expect(banner(console)).to_contain_text("800 bytes of 1.0 KB")
    console.page.get_by_role("link", name="Caps & Alerts").first.click()
    expect(console.page.locator('tr[data-alert="storage-100"]').first).to_be_visible()
    expect(edit_caps(console)).to_have_count(0)
    expect(row_of(console, "storage")).to_contain_text("No Cap")
    assert banner(console).count() == 0
    s3.put_object(Bucket=name, Key="more", Body=bytes(201))


def test_t75_an_alert_is_recorded_at_75_percent(console, s3, new_name):
    name = new_name("alerted")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="file", Body=bytes(1_000_000))
    expect(edit_caps(console, storage="1.3 MB")).to_have_count(
        0
    )  # Others of this module's tests hold a little besides.

    def is_recorded():
        console.open("/caps")
        return console.page.locator('tr[data-alert="storage-75"]').filter(has_text="1.3 MB").count() == 1

    wait_until(is_recorded, "no alert is recorded")


def test_a_cap_that_is_no_amount_is_refused_beside_its_field_and_changes_nothing(console):
    dialog = edit_caps(console, storage="much", class_b="1.5")
    expect(dialog.locator("[id$=e-storage]")).to_contain_text("10 GB")
    expect(dialog.locator("[id$=e-class_b]")).to_contain_text("2,500")
    expect(dialog.get_by_role("textbox", name="Daily Storage Caps")).to_have_value("much")
    console.open("/caps")
    expect(row_of(console, "storage")).to_contain_text("No Cap")


def test_an_account_cannot_lift_the_operators_cap_by_its_own(console, server, owner, s3, new_name):
    data = ("--data", str(server.data_dir))
    run_command("account", "caps", owner.account_id, "--storage", "10", *data, home=server.data_dir.parent)
    expect(edit_caps(console, storage="1 TB")).to_have_count(0)
    expect(row_of(console, "storage")).to_contain_text("10 bytes")
    expect(row_of(console, "storage")).to_contain_text("by the operator")
    expect(edit_caps(console)).to_have_count(0)
    name = new_name("held")
    s3.create_bucket(Bucket=name)
    refusal(lambda: s3.put_object(Bucket=name, Key="file", Body=bytes(11)))


def test_the_settings_of_a_bucket_show_how_much_of_its_caps_is_used_and_every_page_says_when_it_is_full(
    console, s3, new_name
):
    name = new_name("measured")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="one", Body=bytes(500))
    console.open(f"/buckets/{name}/settings")
    expect(console.page.locator("[data-cap=size]")).to_contain_text("No Cap")
    dialog = console.dialog("Edit Caps")
    dialog.get_by_label("Size cap").fill("much")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog.locator("[id$=e-size]")).to_be_visible()
    dialog.get_by_label("Size cap").fill("1 KB")
    dialog.get_by_label("Files cap").fill("1")
    dialog.get_by_role("button", name="Update Caps").click()
    console.page.wait_for_url(f"**/buckets/{name}/settings*")
    expect(console.page.locator("[data-cap=size]")).to_contain_text("50 % of 1.0 KB")
    expect(console.page.get_by_role("progressbar", name="Files")).to_have_js_property("value", 100)
    console.open("/buckets")
    expect(console.page.get_by_text(f"New files in the bucket {name} are refused")).to_be_visible()

    def is_recorded():
        console.open("/caps")
        return console.page.locator(f'tr[data-alert="files-100"][data-alert-of="{name}"]').count() == 1

    wait_until(is_recorded, "no alert is recorded")


def test_a_key_and_a_bucket_are_held_to_caps_by_the_day_which_the_page_shows_and_the_banner_says(
    console, server, owner, s3, new_name
):
    name, key_name = new_name("by-day"), new_name("daily-key")
    s3.create_bucket(Bucket=name)
    console.open("/keys")
    dialog = console.dialog("Add a New Application Key")
    dialog.get_by_label("Name of Key").fill(key_name)
    dialog.get_by_role("button", name="Create New Key").click()
    expect(dialog).to_contain_text(key_name)
    console.open("/keys")
    row = console.page.locator("tr[data-key-id]").filter(has_text=key_name)
    key_id = row.get_attribute("data-key-id")
    row.locator("summary").last.click()
    row.get_by_role("link", name="Caps …").click()
    dialog = console.page.locator("dialog[open]")
    dialog.get_by_label("Requests a day").fill("many")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog.locator("[id$=e-requests]")).to_contain_text("10,000")
    dialog.get_by_label("Requests a day").fill("1,000")
    dialog.get_by_label("Uploads a day").fill("5 GB")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog).to_have_count(0)
    console.open("/caps")
    bars = console.page.locator(f'tr[data-key-caps="{key_id}"]')
    expect(bars.locator("[data-day-cap=requests]")).to_contain_text("0 % of 1,000")
    expect(bars.locator("[data-day-cap=upload]")).to_contain_text("of 5.0 GB")
    data = ("--data", str(server.data_dir))
    shown = run_command("key", "caps", key_id, "--account", owner.account_id, *data, home=server.data_dir.parent)
    assert shown["caps"] == {"requests": 1000, "download": None, "upload": 5_000_000_000}

    dialog = console.dialog(f"Edit caps of {name}")
    dialog.get_by_label("Requests a day").fill("0")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog).to_have_count(0)
    expect(console.page.get_by_text(f"Requests to the bucket {name} are refused until 00:00 UTC")).to_be_visible()
    wait_until(lambda: _is_refused(lambda: s3.list_objects_v2(Bucket=name)), "the bucket is not held to it")
    console.open(f"/buckets/{name}/settings")
    expect(console.page.locator("[data-day-cap=requests]")).to_contain_text("100 % of 0")
    run_command("bucket", "caps", name, "--requests", "none", *data, home=server.data_dir.parent)
    wait_until(lambda: not _is_refused(lambda: s3.list_objects_v2(Bucket=name)), "the cap is not lifted")


def test_a_soft_limit_warns_in_the_banner_and_the_list_of_alerts_and_refuses_nothing(console, s3, new_name):
    name = new_name("softly")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="file", Body=bytes(800))
    console.open("/caps")
    dialog = console.dialog("Edit Caps")
    dialog.get_by_role("textbox", name="Warn at: Stored Files").fill("some")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog.locator("[id$=e-soft_files]")).to_contain_text("8,000")
    dialog.get_by_role("textbox", name="Warn at: Stored Files").fill("1")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog).to_have_count(0)
    expect(row_of(console, "files")).to_contain_text("warns at 1 file")
    expect(console.page.get_by_text("A soft limit is reached.")).to_be_visible()
    dialog = console.dialog(f"Edit caps of {name}")
    dialog.get_by_label("Size: warn at").fill("500")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog).to_have_count(0)
    expect(console.page.locator(f'tr[data-bucket-caps="{name}"]')).to_contain_text("100 % of 500 bytes (soft limit)")
    expect(console.page.get_by_text(f"800 bytes of 500 bytes stored in the bucket {name}")).to_be_visible()

    def is_recorded():
        console.open("/caps")
        return console.page.locator(f'tr[data-alert="storage-soft"][data-alert-of="{name}"]').count() == 1

    wait_until(is_recorded, "no alert is recorded")
    s3.put_object(Bucket=name, Key="more", Body=bytes(800))
    dialog = console.dialog("Edit Caps")
    dialog.get_by_role("textbox", name="Warn at: Stored Files").fill("")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog).to_have_count(0)
    expect(row_of(console, "files")).not_to_contain_text("warns at")


def _is_refused(ask):
    try:
        ask()
    except ClientError as error:
        return "the bucket has a cap on requests" in error.response["Error"]["Message"]
    return False


def test_a_bucket_is_held_to_caps_of_its_own(console, s3, new_name):
    name = new_name("bounded")
    s3.create_bucket(Bucket=name)
    console.open("/caps")
    dialog = console.dialog(f"Edit caps of {name}")
    dialog.get_by_label("Size cap").fill("tiny")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog.locator("[id$=e-size]")).to_be_visible()
    dialog.get_by_label("Size cap").fill("")
    dialog.get_by_label("Files cap").fill("1")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog).to_have_count(0)
    s3.put_object(Bucket=name, Key="one", Body=b"1")
    s3.put_object(Bucket=name, Key="one", Body=b"2")
    assert "bucket's cap" in refusal(lambda: s3.put_object(Bucket=name, Key="two", Body=b"2"))["Message"]
