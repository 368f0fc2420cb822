"""What is set of a bucket: type, info, encryption, lifecycle, CORS, Object Lock (console reference, T19 to T23, T26 to T36)."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import expect

from harness.browser import fetch
from harness.clients import boto3_client
from harness.console import console_of
from harness.native_session import Session


@pytest.fixture(scope="module")
def native(server, owner):
    return Session(server.api_url, owner.key_id, owner.application_key)


@pytest.fixture(scope="module")
def s3(server, owner):
    return boto3_client(server, key=(owner.key_id, owner.application_key))


@pytest.fixture
def bucket(s3, new_name):
    name = new_name("settings")
    s3.create_bucket(Bucket=name)
    return name


def settings_of(native, name):
    return native.call("b2_list_buckets", accountId=native.account_id, bucketName=name).ok()["buckets"][0]


def update(native, name, **settings):
    bucket_id = settings_of(native, name)["bucketId"]
    native.call("b2_update_bucket", accountId=native.account_id, bucketId=bucket_id, **settings).ok()


def create(console, name, *choices):
    console.open("/buckets")
    dialog = console.dialog("Create a Bucket")
    dialog.get_by_label("Bucket Unique Name").fill(name)
    for group, choice in choices:
        dialog.get_by_role("group", name=group).get_by_text(choice, exact=True).click()
    dialog.get_by_role("button", name="Create a Bucket").click()
    return console.page.locator(f"#bucket-{name}")


def fact(card, term):
    return card.locator("dl > div").filter(has=card.page.get_by_text(term, exact=True)).locator("dd")


def saved(console):
    expect(console.page.get_by_text("The settings are saved.")).to_be_visible()


def choose(console, name):
    console.page.locator(".radio-card").filter(has=console.page.get_by_text(name, exact=True)).click()


def test_t19_a_bucket_with_encryption_shows_it(console, native, new_name):
    name = new_name("sealed")
    card = create(console, name, ("Default Encryption", "Enable"))
    expect(fact(card, "Encryption")).to_have_text("Enabled")
    assert settings_of(native, name)["defaultServerSideEncryption"]["value"]["mode"] == "SSE-B2"


def test_t20_object_lock_once_enabled_cannot_be_turned_off(console, new_name):
    name = new_name("locked")
    card = create(console, name, ("Object Lock", "Enable"))
    expect(fact(card, "Object Lock")).to_have_text("Enabled")
    console.open(f"/buckets/{name}/lock")
    expect(console.page.get_by_text("cannot be disabled any more")).to_be_visible()
    expect(console.page.get_by_role("button", name="Disable")).to_have_count(0)


def test_t20_object_lock_is_enabled_later_after_a_confirmation(console, native, bucket):
    console.open(f"/buckets/{bucket}/lock")
    dialog = console.dialog("Enable Object Lock on this bucket")
    expect(dialog).to_contain_text("cannot be undone")
    dialog.get_by_role("button", name="Enable Object Lock").click()
    expect(console.page.get_by_text("Object Lock is enabled.")).to_be_visible()
    assert settings_of(native, bucket)["fileLockConfiguration"]["value"]["isFileLockEnabled"] is True


def test_t21_the_type_decides_whether_strangers_read_at_once(console, server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="hello.txt", Body=b"hello")
    friendly = f"{server.api_url}/file/{bucket}/hello.txt"
    for choice, status in (("Public", 200), ("Private", 401)):
        console.open(f"/buckets/{bucket}/settings")
        choose(console, choice)
        console.page.get_by_role("button", name="Update Bucket").click()
        saved(console)
        assert requests.get(friendly, timeout=30).status_code == status


def test_t22_bucket_info_survives_and_an_eleventh_pair_is_refused(console, native, bucket):
    for number in range(1, 11):
        if number in (1, 4, 7, 10):  # Three empty rows are offered at a time.
            console.open(f"/buckets/{bucket}/settings")
        console.page.get_by_label(f"Name {number}", exact=True).fill(f"key-{number}")
        console.page.get_by_label(f"Value {number}", exact=True).fill(f"value {number}")
        if number in (3, 6, 9, 10):
            console.page.get_by_role("button", name="Update Bucket").click()
            saved(console)
    console.page.reload()
    expect(console.page.get_by_label("Value 10", exact=True)).to_have_value("value 10")
    assert settings_of(native, bucket)["bucketInfo"] == {f"key-{n}": f"value {n}" for n in range(1, 11)}
    console.page.get_by_label("Name 11", exact=True).fill("key-11")
    console.page.get_by_role("button", name="Update Bucket").click()
    expect(console.page.locator("#e-info")).to_contain_text("at most 10")
    expect(console.page.get_by_label("Name 11", exact=True)).to_have_value("key-11")
    assert len(settings_of(native, bucket)["bucketInfo"]) == 10


def test_settings_that_somebody_else_changed_meanwhile_are_not_overwritten(console, native, bucket):
    console.open(f"/buckets/{bucket}/settings")
    update(native, bucket, bucketInfo={"theirs": "1"})
    console.page.get_by_label("Name 1", exact=True).fill("mine")
    console.page.get_by_role("button", name="Update Bucket").click()
    expect(console.page.locator("#e-info")).to_contain_text("repeat your change")
    assert settings_of(native, bucket)["bucketInfo"] == {"theirs": "1"}


def test_t23_a_bucket_with_files_is_not_deleted_and_an_empty_one_is(console, s3, bucket):
    made = s3.put_object(Bucket=bucket, Key="hello.txt", Body=b"hello")
    for outcome in ("refused", "gone"):
        console.open(f"/buckets/{bucket}/settings")
        dialog = console.dialog("Delete Bucket")
        dialog.get_by_role("button", name="I'm Sure. Delete Bucket!").click()
        if outcome == "refused":
            expect(dialog.get_by_role("alert")).to_contain_text("when nothing is in it")
            s3.delete_object(Bucket=bucket, Key="hello.txt", VersionId=made["VersionId"])
    expect(console.page.get_by_text("The bucket is deleted.")).to_be_visible()
    assert bucket not in [one["Name"] for one in s3.list_buckets()["Buckets"]]


# -- Lifecycle --------------------------------------------------------------------------------------------------------
def test_t26_a_new_bucket_keeps_all_versions(console, native, bucket):
    console.open(f"/buckets/{bucket}/lifecycle")
    expect(console.page.get_by_role("radio", name="Keep all versions")).to_be_checked()
    assert settings_of(native, bucket)["lifecycleRules"] == []


@pytest.mark.parametrize(
    ("choice", "days", "stored", "phrase"),
    [
        ("Keep only the last version of the file", "", 1, "Keep only the last version"),
        ("Keep prior versions for this number of days", "30", 30, "Keep prior versions for 30 days"),
    ],
    ids=["t27", "t28"],
)
def test_t27_t28_the_presets_store_their_rule(console, native, bucket, choice, days, stored, phrase):
    console.open(f"/buckets/{bucket}/lifecycle")
    choose(console, choice)
    console.page.get_by_label("Days", exact=True).fill(days)
    console.page.get_by_role("button", name="Update Bucket").click()
    saved(console)
    assert settings_of(native, bucket)["lifecycleRules"] == [
        {"fileNamePrefix": "", "daysFromUploadingToHiding": None, "daysFromHidingToDeleting": stored}
    ]
    expect(console.page.get_by_role("radio", name=choice)).to_be_checked()
    console.open("/buckets")
    expect(fact(console.page.locator(f"#bucket-{bucket}"), "File Lifecycle")).to_have_text(phrase)


def custom(console, bucket, *rows):
    console.open(f"/buckets/{bucket}/lifecycle")
    choose(console, "Use custom lifecycle rules")
    for number, (prefix, hide, delete) in enumerate(rows, 1):
        console.page.get_by_label(f"File Path {number}").fill(prefix)
        console.page.get_by_label(f"Days Till Hide {number}").fill(hide)
        console.page.get_by_label(f"Days Till Delete {number}").fill(delete)
    console.page.get_by_role("button", name="Update Bucket").click()


@pytest.mark.parametrize("row", [("logs/", "", ""), ("logs/", "0", "1"), ("logs/", "-1", "1"), ("logs/", "1.5", "")])
def test_t29_a_custom_row_needs_a_number_of_at_least_one(console, native, bucket, row):
    custom(console, bucket, row)
    expect(console.page.locator("#e-rules")).to_be_visible()
    expect(console.page.get_by_label("File Path 1")).to_have_value("logs/")
    assert settings_of(native, bucket)["lifecycleRules"] == []


def test_t30_overlapping_prefixes_are_refused_and_both_are_named(console, native, bucket):
    custom(console, bucket, ("logs/", "1", ""), ("logs/old/", "1", ""))
    expect(console.page.locator("#e-rules")).to_contain_text("'logs/old/' begins with 'logs/'")
    assert settings_of(native, bucket)["lifecycleRules"] == []


def test_t31_a_rule_for_unfinished_uploads_is_shown_and_kept_while_another_is_edited(console, native, bucket):
    rule = {"fileNamePrefix": "a/", "daysFromStartingToCancelingUnfinishedLargeFiles": 7}
    update(native, bucket, lifecycleRules=[rule, {"fileNamePrefix": "b/", "daysFromHidingToDeleting": 3}])
    console.open(f"/buckets/{bucket}/lifecycle")
    expect(console.page.get_by_label("Days Till Canceled 1")).to_have_value("7")
    expect(console.page.get_by_text("Under a/: cancel large files that are unfinished 7 days")).to_be_visible()
    console.page.get_by_label("Days Till Delete 2").fill("5")
    console.page.get_by_role("button", name="Update Bucket").click()
    saved(console)
    stored = settings_of(native, bucket)["lifecycleRules"]
    assert stored[0]["daysFromStartingToCancelingUnfinishedLargeFiles"] == 7
    assert stored[1]["daysFromHidingToDeleting"] == 5


def test_a_simulation_tells_what_rules_would_do_and_changes_nothing(console, native, s3, bucket):
    for _ in range(2):
        s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    console.open(f"/buckets/{bucket}/lifecycle")
    choose(console, "Keep only the last version of the file")
    console.page.get_by_role("button", name="What would this do?").click()
    expect(console.page.get_by_text("2 versions looked at")).to_be_visible()
    assert settings_of(native, bucket)["lifecycleRules"] == []


# -- CORS -------------------------------------------------------------------------------------------------------------
def preflight(server, bucket, origin, method="GET"):
    return requests.options(
        f"{server.api_url}/{bucket}/file",
        headers={"origin": origin, "access-control-request-method": method},
        timeout=30,
    )


def share(console, bucket, choice, origin="", face="Both"):
    console.open(f"/buckets/{bucket}/cors")
    choose(console, choice)
    console.page.get_by_label("Origin", exact=True).fill(origin)
    console.page.get_by_label("Apply CORS rules to").select_option(face)
    console.page.get_by_role("button", name="Update CORS Rules").click()


def test_t32_every_origin_may_download_and_not_upload(console, server, native, bucket):
    share(console, bucket, "Share everything in this bucket with every origin")
    saved(console)
    rules = settings_of(native, bucket)["corsRules"]
    assert [(rule["corsRuleName"], rule["allowedOperations"]) for rule in rules] == [
        ("downloadFromAnyOrigin", ["b2_download_file_by_id", "b2_download_file_by_name"]),
        ("s3DownloadFromAnyOrigin", ["s3_get", "s3_head"]),
    ]
    assert preflight(server, bucket, "https://anything.example").status_code == 200
    assert preflight(server, bucket, "https://anything.example", "PUT").status_code == 403
    expect(console.page.get_by_role("radio", name="with every origin")).to_be_checked()


def test_t33_one_origin_is_an_origin_and_only_it_passes(console, server, native, bucket):
    choice = "Share everything in this bucket with this one origin"
    share(console, bucket, choice, "https://www.example.com/a/path")
    expect(console.page.locator("#e-origin")).to_be_visible()
    assert settings_of(native, bucket)["corsRules"] == []
    share(console, bucket, choice, "https://www.example.com")
    saved(console)
    assert preflight(server, bucket, "https://www.example.com").status_code == 200
    assert preflight(server, bucket, "https://other.example.com").status_code == 403
    for origin, said in (("https://www.example.com", "allows it"), ("https://other.example.com", "No rule allows")):
        console.page.get_by_label("Origin to test").fill(origin)
        console.page.get_by_role("button", name="Test this origin").click()
        expect(console.page.get_by_text(said)).to_be_visible()


def test_t34_the_upload_preset_lets_a_page_of_the_origin_put_a_file(console, s3, bucket, open_page, origins):
    share(console, bucket, "Allow browser uploads from this one origin", origins[0])
    saved(console)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "from-a-page"}, ExpiresIn=60)
    assert fetch(open_page(origins[1]), url, method="PUT", body="theirs") == {"refused": "TypeError"}
    assert fetch(open_page(origins[0]), url, method="PUT", body="ours")["status"] == 200
    assert s3.get_object(Bucket=bucket, Key="from-a-page")["Body"].read() == b"ours"


def test_t35_custom_rules_are_shown_to_be_edited(console, native, bucket):
    rule = {
        "corsRuleName": "rule-by-api", "allowedOrigins": ["https://a.example"], "allowedOperations": ["s3_put"],
        "allowedHeaders": ["x-one"], "exposeHeaders": ["etag"], "maxAgeSeconds": 60,
    }  # fmt: skip
    update(native, bucket, corsRules=[rule])
    console.open(f"/buckets/{bucket}/cors")
    expect(console.page.get_by_role("radio", name="Custom rules")).to_be_checked()
    origins = console.page.get_by_label("Origins", exact=True).first
    expect(origins).to_be_editable()
    origins.fill("https://a.example https://b.example")
    console.page.get_by_role("button", name="Update CORS Rules").click()
    saved(console)
    assert settings_of(native, bucket)["corsRules"] == [
        {**rule, "allowedOrigins": ["https://a.example", "https://b.example"]}
    ]


# -- Encryption -------------------------------------------------------------------------------------------------------
def test_t40_turning_encryption_on_marks_only_later_uploads_with_a_lock(make_server, browser, new_name):
    server = make_server("--default-encryption", "none").start()
    account = server.create_account("plain@example.com")
    s3 = boto3_client(server, key=(account["keyId"], account["applicationKey"]))
    bucket = new_name("plain")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="before.txt", Body=b"x")
    console = console_of(server, browser)
    console.sign_in("plain@example.com")
    console.open(f"/buckets/{bucket}/settings")
    console.page.get_by_role("group", name="Default Encryption").get_by_text("Enable", exact=True).click()
    console.page.get_by_role("button", name="Update Bucket").click()
    saved(console)
    s3.put_object(Bucket=bucket, Key="after.txt", Body=b"x")
    console.open(f"/buckets/{bucket}/files")
    rows = console.page.locator("table.files tbody tr")
    expect(rows.filter(has_text="after.txt").get_by_title("Encrypted (SSE-B2)")).to_be_visible()
    expect(rows.filter(has_text="before.txt")).to_be_visible()
    expect(rows.filter(has_text="before.txt").locator(".lock")).to_have_count(0)


# -- Object Lock ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("days", "taken"), [("0", False), ("1", True), ("3000", True), ("3001", False), ("x", False)])
def test_t36_the_default_retention_has_a_range(console, native, new_name, days, taken):
    name = new_name("retained")
    native.create_bucket(name, fileLockEnabled=True)
    console.open(f"/buckets/{name}/lock")
    choose(console, "Compliance")
    console.page.get_by_label("Days", exact=True).fill(days)
    console.page.get_by_role("button", name="Save changes").click()
    if taken:
        saved(console)
    else:
        expect(console.page.locator("#e-days")).to_be_visible()
    default = settings_of(native, name)["fileLockConfiguration"]["value"]["defaultRetention"]
    assert default["period"] == ({"duration": int(days), "unit": "days"} if taken else None)
