"""The Buckets page and Create a Bucket (console reference, T14 to T18, T25)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from harness.clients import boto3_client


@pytest.fixture
def s3(server, owner):
    return boto3_client(server, key=(owner.key_id, owner.application_key))


def test_t14_create_a_bucket_opens_a_dialog_with_focus_in_the_name_and_private_selected(console):
    console.open("/buckets")
    dialog = console.dialog("Create a Bucket")
    expect(dialog.get_by_label("Bucket Unique Name")).to_be_focused()
    expect(dialog.get_by_role("radio", name="Private")).to_be_checked()
    console.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


BAD_NAMES = ["short", "x" * 64, "under_score", "b2-anything", "B2-anything"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_t15_names_outside_the_rules_are_refused_beside_the_field_while_they_are_typed(console, name):
    console.open("/buckets")
    dialog = console.dialog("Create a Bucket")
    create = dialog.get_by_role("button", name="Create a Bucket")
    expect(create).to_be_disabled()
    field = dialog.get_by_label("Bucket Unique Name")
    field.fill(name)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_role("status")).to_contain_text("ucket name")
    expect(create).to_be_disabled()
    field.fill("a-good-name-" + name[:5].replace("_", "-"))
    expect(field).not_to_have_attribute("aria-invalid", "true")
    expect(create).to_be_enabled()


@pytest.mark.parametrize("name", ["", *BAD_NAMES])
def test_t15_names_outside_the_rules_are_refused_beside_the_field_without_script(
    server, browser, signed_in_state, name
):
    page = browser.new_context(storage_state=signed_in_state, java_script_enabled=False).new_page()
    page.goto(server.console_url + "/buckets/new")
    field = page.get_by_label("Bucket Unique Name")
    field.fill(name)
    page.get_by_role("button", name="Create a Bucket").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#e-name")).to_be_visible()
    expect(field).to_have_value(name)
    page.context.close()


def test_t15_six_valid_characters_pass(console, s3, new_name):
    name = new_name("s")[-6:].replace("-", "x").rjust(6, "x")
    console.open("/buckets")
    dialog = console.dialog("Create a Bucket")
    dialog.get_by_label("Bucket Unique Name").fill(name)
    dialog.get_by_role("button", name="Create a Bucket").click()
    expect(console.page.get_by_role("link", name=name, exact=True)).to_be_visible()
    assert name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_t16_a_name_of_another_account_in_any_case_shows_the_message_and_keeps_the_form(console, server, new_name):
    name = new_name("taken")
    boto3_client(server).create_bucket(Bucket=name)
    console.open("/buckets")
    dialog = console.dialog("Create a Bucket")
    field = dialog.get_by_label("Bucket Unique Name")
    dialog.get_by_text("Public", exact=True).click()
    field.fill(name.upper())
    expect(dialog.get_by_role("status")).to_contain_text("Choose another")
    expect(dialog.get_by_role("button", name="Create a Bucket")).to_be_disabled()
    expect(field).to_have_value(name.upper())
    expect(dialog.get_by_role("radio", name="Public")).to_be_checked()
    dialog.get_by_role("status").get_by_role("button").first.click()
    expect(field).to_have_value(re.compile(f"^{name.upper()}-[0-9]{{4}}$"))
    expect(dialog.get_by_role("status")).to_contain_text("is free")
    offered = field.input_value()
    dialog.get_by_role("button", name="Create a Bucket").click()
    expect(console.page.get_by_role("link", name=offered, exact=True)).to_be_visible()


def test_t16_a_name_that_is_taken_at_the_last_moment_keeps_the_form(server, browser, signed_in_state, new_name):
    name = new_name("raced")
    boto3_client(server).create_bucket(Bucket=name)
    page = browser.new_context(storage_state=signed_in_state, java_script_enabled=False).new_page()
    page.goto(server.console_url + "/buckets/new")
    page.get_by_label("Bucket Unique Name").fill(name.upper())
    page.get_by_role("radio", name="Public").check()
    page.get_by_role("button", name="Create a Bucket").click()
    expect(page.locator("#e-name")).to_contain_text("Choose another")
    expect(page.get_by_label("Bucket Unique Name")).to_have_value(name.upper())
    expect(page.get_by_role("radio", name="Public")).to_be_checked()
    page.context.close()


def test_a_bucket_is_made_with_rules_a_default_retention_and_a_key_at_once(console, server, new_name):
    name = new_name("furnished")
    console.open("/buckets")
    dialog = console.dialog("Create a Bucket")
    dialog.get_by_label("Bucket Unique Name").fill(name)
    dialog.get_by_role("group", name="Object Lock", exact=True).get_by_text("Enable", exact=True).click()
    dialog.get_by_text("What else it is to have").click()
    dialog.get_by_text("For some days").click()
    dialog.get_by_label("Days that prior versions are kept").fill("30")
    dialog.get_by_text("Governance", exact=True).click()
    dialog.get_by_label("Days that new files are locked").fill("7")
    dialog.get_by_label("Web page that may upload to it").fill("https://app.example.com")
    dialog.get_by_label("Make an application key for it").check()
    dialog.get_by_role("button", name="Create a Bucket").click()
    pairs = dialog.locator("dl.pairs code")
    key_id, secret = pairs.nth(0).inner_text(), pairs.nth(1).inner_text()
    s3 = boto3_client(server, key=(key_id, secret))
    s3.put_object(Bucket=name, Key="file", Body=b"x")
    [rule, *_] = s3.get_bucket_cors(Bucket=name)["CORSRules"]
    assert rule["AllowedOrigins"] == ["https://app.example.com"]
    console.open(f"/buckets/{name}/lifecycle")
    expect(console.page.locator("#f-days")).to_have_value("30")
    console.open(f"/buckets/{name}/lock")
    expect(console.page.get_by_role("radio", name="Governance")).to_be_checked()
    expect(console.page.get_by_label("Days")).to_have_value("7")


def test_t17_the_new_bucket_has_a_card_with_its_facts(console, server, new_name):
    name = new_name("facts")
    console.open("/buckets")
    dialog = console.dialog("Create a Bucket")
    dialog.get_by_label("Bucket Unique Name").fill(name)
    dialog.get_by_role("button", name="Create a Bucket").click()
    card = console.page.locator(f"#bucket-{name}")
    for term, value in {
        "Type": "Private",
        "File Lifecycle": "Keep all versions",
        "Current Files": "0",
        "Current Size": "0 bytes",
        "Endpoint": server.api_url.removeprefix("http://"),
        "Encryption": "Enabled",
        "Object Lock": "Disabled",
    }.items():
        expect(
            card.locator("dl > div").filter(has=console.page.get_by_text(term, exact=True)).locator("dd")
        ).to_have_text(value)
    expect(card.locator("dl > div").filter(has_text="Bucket ID").locator("code")).to_have_text(
        re.compile(r"^[0-9a-f]{24}$")
    )
    expect(console.page.get_by_text("The bucket is created.")).to_be_visible()


def test_the_page_says_when_it_looked(console, s3, new_name):
    s3.create_bucket(Bucket=new_name("looked-at"))
    console.open("/buckets")
    expect(console.page.get_by_text(re.compile(r"as of 20\d\d-"))).to_be_visible()


def test_t18_the_endpoint_button_copies_just_the_host(console, server, s3, new_name):
    name = new_name("copied")
    s3.create_bucket(Bucket=name)
    console.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.console_url)
    console.open("/buckets")
    console.page.locator(f"#bucket-{name}").get_by_role("button", name="Copy Endpoint").click()
    expect(console.page.locator(f"#bucket-{name}").get_by_role("button", name="Copied")).to_be_visible()
    assert console.page.evaluate("navigator.clipboard.readText()") == server.api_url.removeprefix("http://")


def test_t25_the_filter_narrows_the_buckets_and_the_table_sorts_by_size(console, s3, new_name):
    stem = new_name("sized")
    names = [f"{stem}-{number}" for number in range(3)]
    for size, name in zip((5, 500, 50), names, strict=True):
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="file", Body=b"x" * size)
    console.open("/buckets?view=table")
    console.page.get_by_placeholder("Filter by name").fill(stem)
    rows = console.page.locator("tbody tr:visible")
    expect(rows).to_have_count(3)
    console.open(f"/buckets?view=table&filter={stem}")
    console.page.get_by_role("columnheader", name="Size").get_by_role("button").click()
    expect(rows.locator("th")).to_have_text([names[1], names[2], names[0]])


def test_the_dialog_is_a_page_of_its_own_without_script(server, browser, signed_in_state, new_name):
    page = browser.new_context(storage_state=signed_in_state, java_script_enabled=False).new_page()
    name = new_name("plain")
    page.goto(server.console_url + "/buckets")
    page.get_by_role("link", name="Create a Bucket").first.click()
    page.get_by_label("Bucket Unique Name").fill(name)
    page.get_by_role("button", name="Create a Bucket").click()
    expect(page.get_by_role("link", name=name)).to_be_visible()
    page.context.close()


def test_the_fields_of_a_dialog_are_told_apart_from_those_of_the_page_behind(console):
    console.open("/buckets/new")  # The dialog as a page, and over it the same once more.
    page = console.page
    page.evaluate("""() => {
        const link = Object.assign(document.createElement("a"), { href: "/buckets/new" });
        link.dataset.dialog = "";
        document.body.append(link);
        link.click();
    }""")
    dialog = page.get_by_role("dialog", name="Create a Bucket")
    dialog.get_by_label("Bucket Unique Name").fill("no")
    dialog.get_by_role("button", name="Create a Bucket").click()
    field = dialog.locator("input[aria-invalid=true]")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("6"))
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(set(ids)) == len(ids)
    dialog.locator("label", has_text="Bucket Unique Name").click()
    expect(field).to_be_focused()
