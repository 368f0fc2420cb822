"""Application Keys (console reference, T69 to T74): what the page says of a key is what the key does at the API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import expect

from harness.clients import boto3_client
from harness.native_session import Session
from harness.processes import wait_until


class Made(NamedTuple):
    """A key as the panel shows it once."""

    key_id: str
    secret: str

    def s3(self, server):
        return boto3_client(server, key=(self.key_id, self.secret))


@pytest.fixture
def s3(server, owner):
    return boto3_client(server, key=(owner.key_id, owner.application_key))


@pytest.fixture
def bucket(s3, new_name):
    name = new_name("keyed")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="photos/one.jpg", Body=b"one")
    s3.put_object(Bucket=name, Key="other.txt", Body=b"other")
    return name


def value_of(panel, term):
    return panel.locator("dl.pairs > dt", has_text=re.compile(f"^{term}$")).locator(
        "xpath=following-sibling::dd[1]//code"
    )


def made(dialog):
    panel = dialog.locator("[data-once]")
    expect(panel.get_by_text("applicationKey", exact=True)).to_be_visible()
    return Made(value_of(panel, "keyID").inner_text(), value_of(panel, "applicationKey").inner_text())


def new_key(console, name, *, bucket="", access="Read and Write", all_names=False, prefix="", duration=""):
    """Make a key by the dialog; what the panel shows."""
    console.open("/keys")
    dialog = console.dialog("Add a New Application Key")
    dialog.get_by_label("Name of Key").fill(name)
    if bucket:
        dialog.get_by_label("Allow access to Bucket(s)").select_option(label=bucket)
    dialog.get_by_role("radio", name=access).check()
    dialog.get_by_label("Allow List All Bucket Names").set_checked(all_names)
    dialog.get_by_label("File name prefix").fill(prefix)
    dialog.get_by_label("Duration (seconds)").fill(duration)
    dialog.get_by_role("button", name="Create New Key").click()
    key = made(dialog)
    dialog.get_by_role("button", name="Download").click()
    dialog.get_by_role("link", name="Close", exact=True).click()
    expect(dialog).to_have_count(0)
    return key


def refusal(ask):
    with pytest.raises(ClientError) as raised:
        ask()
    return raised.value.response["Error"]["Code"]


def row_of(console, key_id):
    return console.page.locator(f'tr[data-key-id="{key_id}"]')


def test_t69_a_new_key_shows_its_secret_once_and_a_reload_only_its_id(console, new_name):
    name = new_name("once")
    console.open("/keys")
    dialog = console.dialog("Add a New Application Key")
    expect(dialog.get_by_label("Name of Key")).to_be_focused()
    expect(dialog.get_by_role("radio", name="Read and Write")).to_be_checked()
    dialog.get_by_label("Name of Key").fill(name)
    dialog.get_by_role("button", name="Create New Key").click()
    key = made(dialog)
    assert re.fullmatch(r"[0-9]{3}[0-9a-f]{22}", key.key_id)
    assert re.fullmatch(r"K[0-9]{3}[A-Za-z0-9+/]{27}", key.secret)
    for client in ("AWS CLI", "boto3", "Java", "b2", "rclone", "restic"):
        dialog.locator("summary", has_text=re.compile(f"^\\s*{client}\\s*$")).click()
    dialog.get_by_role("button", name="Copy applicationKey").click()
    console.page.reload()
    expect(row_of(console, key.key_id)).to_contain_text(name)
    assert key.secret not in console.page.content()
    console.page.go_back()
    assert key.secret not in console.page.content()


def test_t69_closing_the_panel_unsaved_warns_first(console, new_name):
    console.open("/keys")
    dialog = console.dialog("Add a New Application Key")
    dialog.get_by_label("Name of Key").fill(new_name("unsaved"))
    dialog.get_by_role("button", name="Create New Key").click()
    key = made(dialog)
    for close in (
        lambda: console.page.keyboard.press("Escape"),
        dialog.get_by_role("link", name="Close", exact=True).click,
    ):
        close()
        expect(dialog.get_by_text("You have neither copied nor downloaded")).to_be_visible()
        expect(dialog.locator("[data-once]")).to_contain_text(key.secret)
    console.page.once("dialog", lambda asked: asked.accept())  # The browser asks too, since the page is left.
    dialog.get_by_role("link", name="Close anyway").click()
    expect(row_of(console, key.key_id)).to_be_visible()
    assert key.secret not in console.page.content()


def test_t69_the_download_has_the_key_and_closing_then_asks_nothing(console, new_name):
    console.open("/keys")
    dialog = console.dialog("Add a New Application Key")
    dialog.get_by_label("Name of Key").fill(new_name("saved"))
    dialog.get_by_role("button", name="Create New Key").click()
    key = made(dialog)
    with console.page.expect_download() as downloading:
        dialog.get_by_role("button", name="Download").click()
    saved = Path(downloading.value.path()).read_text()
    assert f"keyID: {key.key_id}\n" in saved
    assert f"applicationKey: {key.secret}\n" in saved
    dialog.get_by_role("link", name="Close", exact=True).click()
    expect(row_of(console, key.key_id)).to_be_visible()


def test_t69_a_second_key_may_carry_the_same_name(console, new_name):
    name = new_name("same")
    first, second = new_key(console, name), new_key(console, name)
    assert first.key_id != second.key_id
    for key in (first, second):
        expect(row_of(console, key.key_id).locator("th")).to_have_text(name)


def test_t70_a_read_only_key_lists_and_downloads_and_does_not_upload(console, server, bucket, new_name):
    reader = new_key(console, new_name("reader"), bucket=bucket, access="Read Only").s3(server)
    assert reader.list_objects_v2(Bucket=bucket)["KeyCount"] == 2
    assert reader.get_object(Bucket=bucket, Key="other.txt")["Body"].read() == b"other"
    assert refusal(lambda: reader.put_object(Bucket=bucket, Key="new", Body=b"x")) == "AccessDenied"


def test_t70_a_write_only_key_uploads_and_neither_lists_nor_downloads(console, server, bucket, new_name):
    key = new_key(console, new_name("writer"), bucket=bucket, access="Write Only")
    writer = key.s3(server)
    writer.put_object(Bucket=bucket, Key="new", Body=b"x")
    assert refusal(lambda: writer.list_objects_v2(Bucket=bucket)) == "AccessDenied"
    assert refusal(lambda: writer.get_object(Bucket=bucket, Key="new")) == "AccessDenied"
    expect(row_of(console, key.key_id)).to_contain_text("Write Only")


def test_t71_a_prefix_key_is_refused_outside_its_prefix_and_a_bucket_key_outside_its_bucket(
    console, server, s3, bucket, new_name
):
    other = new_name("elsewhere")
    s3.create_bucket(Bucket=other)
    key = new_key(console, new_name("prefixed"), bucket=bucket, prefix="photos/").s3(server)
    key.put_object(Bucket=bucket, Key="photos/two.jpg", Body=b"two")
    assert key.list_objects_v2(Bucket=bucket, Prefix="photos/")["KeyCount"] == 2
    assert refusal(lambda: key.get_object(Bucket=bucket, Key="other.txt")) == "AccessDenied"
    assert refusal(lambda: key.put_object(Bucket=bucket, Key="two.jpg", Body=b"two")) == "AccessDenied"
    assert refusal(lambda: key.list_objects_v2(Bucket=bucket)) == "AccessDenied"
    assert refusal(lambda: key.put_object(Bucket=other, Key="photos/two.jpg", Body=b"two")) == "AccessDenied"


def test_t71_a_key_of_several_buckets_works_in_each_and_nowhere_else(console, server, s3, bucket, new_name):
    others = [new_name("several") for _ in range(2)]
    for name in others:
        s3.create_bucket(Bucket=name)
    console.open("/keys")
    dialog = console.dialog("Add a New Application Key")
    dialog.get_by_label("Name of Key").fill(new_name("several"))
    dialog.get_by_label("Allow access to Bucket(s)").select_option("some")
    for name in (bucket, others[0]):
        dialog.get_by_role("checkbox", name=name).check()
    dialog.get_by_role("button", name="Create New Key").click()
    key = made(dialog).s3(server)
    for name in (bucket, others[0]):
        key.put_object(Bucket=name, Key="file", Body=b"x")
    assert refusal(lambda: key.put_object(Bucket=others[1], Key="file", Body=b"x")) == "AccessDenied"


def test_t72_the_checkbox_decides_whether_list_buckets_works(console, server, bucket, new_name):
    without = new_key(console, new_name("own"), bucket=bucket)
    with_names = new_key(console, new_name("all"), bucket=bucket, all_names=True)
    assert refusal(without.s3(server).list_buckets) == "AccessDenied"
    assert bucket in [each["Name"] for each in with_names.s3(server).list_buckets()["Buckets"]]


def test_t73_a_duration_of_1000_days_is_refused_and_a_key_of_two_seconds_stops_working(
    console, server, bucket, new_name
):
    console.open("/keys")
    dialog = console.dialog("Add a New Application Key")
    for duration in ("86400000", "0", "-1", "1.5", "soon"):
        dialog.get_by_label("Name of Key").fill(new_name("lasting"))
        dialog.get_by_label("Duration (seconds)").fill(duration)
        sent = dialog.get_by_label("Duration (seconds)").element_handle()
        dialog.get_by_role("button", name="Create New Key").click()
        sent.wait_for_element_state("hidden")  # The next form has taken its place, which looks alike.
        expect(dialog.locator("[id$=e-duration]")).to_contain_text("less than 1000 days")
        expect(dialog.get_by_label("Duration (seconds)")).to_have_value(duration)
    longest = new_key(console, new_name("longest"), duration="86399999")
    expect(row_of(console, longest.key_id)).to_contain_text("in 2 years")
    short = new_key(console, new_name("short"), bucket=bucket, duration="2").s3(server)

    def has_ended():
        try:
            short.head_object(Bucket=bucket, Key="other.txt")
        except ClientError:
            return True
        return False

    wait_until(has_ended, "the key does not expire")


def test_keys_that_expire_soon_are_told_of_where_buckets_and_keys_are(console, server, bucket, new_name):
    name = new_name("ending")
    key = new_key(console, name, bucket=bucket, duration=str(7 * 86_400 + 1))
    key.s3(server).head_object(Bucket=bucket, Key="other.txt")
    warning = console.page.locator("[data-keys-ending]")

    def is_told():
        console.open("/buckets")
        return name in " ".join(warning.all_inner_texts())

    wait_until(is_told, "nobody is warned")
    warning.get_by_role("link", name="Application Keys").click()
    expect(warning).to_contain_text(f"{name} in 6 days")


def test_t74_the_master_key_is_generated_anew_after_a_question_and_the_old_secret_fails_at_once(console, server, owner):
    console.open("/keys")
    first = generated_master(console, owner)
    old = Session(server.api_url, first.key_id, first.secret)
    assert old.call("b2_list_buckets", accountId=owner.account_id).status == 200
    second = generated_master(console, owner)
    assert old.authorize().status == 401
    assert old.call("b2_list_buckets", accountId=owner.account_id).status == 401  # Nor what was got with it.
    assert Session(server.api_url, second.key_id, second.secret).authorize().status == 200
    expect(console.page.get_by_role("heading", name="Application Keys", exact=True)).to_be_visible()  # Still signed in.


def generated_master(console, owner):
    dialog = console.dialog("Generate New Master Application Key")
    expect(dialog).to_contain_text(owner.email)
    dialog.get_by_role("button", name="Yes! Generate Master Key").click()
    key = made(dialog)
    assert key.key_id == owner.account_id
    dialog.get_by_role("button", name="Copy applicationKey").click()
    dialog.get_by_role("link", name="Close", exact=True).click()
    expect(dialog).to_have_count(0)
    return key


def test_t74_a_deleted_key_fails_at_once(console, server, bucket, new_name):
    name = new_name("gone")
    key = new_key(console, name, bucket=bucket)
    s3 = key.s3(server)
    s3.head_object(Bucket=bucket, Key="other.txt")
    row = row_of(console, key.key_id)
    row.get_by_label(f"Actions for {name}").click()
    row.get_by_role("link", name="Delete …").click()
    dialog = console.page.locator("dialog[open]")
    expect(dialog).to_contain_text(name)
    dialog.get_by_role("button", name="Delete Key").click()
    expect(row).to_have_count(0)
    with pytest.raises(ClientError):
        s3.head_object(Bucket=bucket, Key="other.txt")


def test_a_rotated_key_has_a_twin_that_works_and_ends_when_it_was_said_to(console, server, bucket, new_name):
    name = new_name("rotated")
    old = new_key(console, name, bucket=bucket, prefix="photos/")
    row = row_of(console, old.key_id)
    row.get_by_label(f"Actions for {name}").click()
    row.get_by_role("link", name="Rotate …").click()
    dialog = console.page.locator("dialog[open]")
    dialog.get_by_label("When does the old key stop working?").select_option(label="In 7 days")
    dialog.get_by_role("button", name="Rotate Key").click()
    twin = made(dialog)
    for key in (old, twin):
        key.s3(server).get_object(Bucket=bucket, Key="photos/one.jpg")
    dialog.get_by_role("button", name="Copy applicationKey").click()
    dialog.get_by_role("link", name="Close", exact=True).click()
    expect(row_of(console, twin.key_id)).to_contain_text("photos/")
    expect(row.locator("[data-label=Expires]")).to_contain_text("in ")


def test_the_caps_of_a_key_lead_back_to_the_page_they_were_opened_from(console, server, new_name):
    name = new_name("capped")
    key = new_key(console, name)
    page = console.page
    row_of(console, key.key_id).get_by_label(f"Actions for {name}").click()
    row_of(console, key.key_id).get_by_role("link", name="Caps …").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Requests a day").fill("many")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog.locator("[id$=e-requests]")).to_be_visible()
    dialog.get_by_label("Requests a day").fill("1,000")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog).to_have_count(0)
    expect(page).to_have_url(re.compile("/keys$"))
    console.open("/caps")
    console.dialog(f"Edit caps of {name}").get_by_role("button", name="Update Caps").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page).to_have_url(re.compile("/caps$"))


def test_custom_capabilities_begin_with_a_preset_and_are_just_what_is_ticked(console, server, owner, bucket, new_name):
    console.open("/keys")
    dialog = console.dialog("Add a New Application Key")
    dialog.get_by_label("Name of Key").fill(new_name("custom"))
    dialog.get_by_role("radio", name="Custom").check()
    dialog.get_by_role("button", name="Create New Key").click()
    expect(dialog.locator("[id$=e-access]")).to_contain_text("at least one")
    dialog.get_by_role("button", name="Immutable backup").click()
    expect(dialog.get_by_role("checkbox", name="writeFileRetentions")).to_be_checked()
    dialog.get_by_role("checkbox", name="deleteFiles").uncheck()
    dialog.get_by_role("button", name="Create New Key").click()
    key = made(dialog)
    session = Session(server.api_url, owner.key_id, owner.application_key)
    [found] = [
        each
        for each in session.call("b2_list_keys", accountId=owner.account_id, maxKeyCount=1000).ok()["keys"]
        if each["applicationKeyId"] == key.key_id
    ]
    assert "writeFileRetentions" in found["capabilities"]
    assert not {"deleteFiles", "bypassGovernance"} & set(found["capabilities"])


def test_the_page_says_when_a_key_was_last_used_and_with_what(console, server, bucket, new_name):
    key = new_key(console, new_name("used"), bucket=bucket)
    key.s3(server).get_object(Bucket=bucket, Key="other.txt")

    def is_shown():
        console.open("/keys")
        return "GetObject from 127.0.0.1" in row_of(console, key.key_id).inner_text()

    wait_until(is_shown, "the use of the key is not shown")


def test_without_script_a_key_is_made_and_shown_in_a_page(server, browser, signed_in_state, new_name):
    page = browser.new_context(storage_state=signed_in_state, java_script_enabled=False).new_page()
    page.goto(server.console_url + "/keys")
    page.get_by_role("link", name="Add a New Application Key").first.click()
    page.get_by_label("Name of Key").fill(new_name("plain"))
    page.get_by_role("button", name="Create New Key").click()
    expect(page.get_by_text("Copy or download the applicationKey now.")).to_be_visible()
    page.get_by_role("link", name="Close").click()
    expect(page.get_by_role("heading", name="Application Keys", exact=True)).to_be_visible()
    page.context.close()
