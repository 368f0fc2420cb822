"""Members by mouse: inviting, joining, what each role sees and is refused, another role, the end, and going to and fro."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from harness.clients import boto3_client
from harness.console import PASSWORD, Console, console_of
from harness.native_session import Session
from undercroft.console.members.rights import NAMES

# The roles that are offered what these names say, on the page of a bucket's files and on the page of one of them.
OFFERED = {
    "Upload": {"administrator", "objectManager", "objectWriter"},
    "New Folder": {"administrator", "objectManager", "objectWriter"},
    "Download letter.txt": {"administrator", "objectManager", "objectViewer"},
}
OFFERED_OF_FILE = {
    "Share": {"administrator", "objectManager"},
    "Rename or move": {"administrator", "objectManager"},
    "Delete version": {"administrator", "objectManager"},
}
SECTIONS = {"Members", "Application Keys", "Audit Log", "Caps & Alerts"}


@pytest.fixture
def bucket(server, owner, new_name):
    """A bucket of the owner's with one file."""
    name = new_name("shared")
    s3 = boto3_client(server, key=(owner.key_id, owner.application_key))
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="letter.txt", Body=b"Dear Anna", ContentType="text/plain")
    return name


@pytest.fixture
def guest(server, browser):
    """Opens browsers of other people. Their scripts must have raised nothing when the test ends."""
    made = []

    def open_one() -> Console:
        made.append(console_of(server, browser))
        return made[-1]

    yield open_one
    for one in made:
        one.page.context.close()
        assert not one.messages, one.messages


def test_the_access_page_of_a_bucket_says_who_may_do_what_in_it(console, server, owner, bucket, new_name):
    name = new_name("reads")
    b2 = Session(server.api_url, owner.key_id, owner.application_key)
    bucket_id = b2.call("b2_list_buckets", accountId=owner.account_id, bucketName=bucket).ok()["buckets"][0]["bucketId"]
    b2.call(
        "b2_create_key", accountId=owner.account_id, keyName=name, capabilities=["listFiles", "readFiles"],
        bucketIds=[bucket_id], namePrefix="photos/",
    ).ok()  # fmt: skip
    console.open("/buckets")
    console.page.locator(f"#bucket-{bucket}").get_by_role("link", name="Access", exact=True).click()
    row = console.page.locator("main tbody tr").filter(has_text=name)
    expect(row.locator("td")).to_have_text(["yes", "yes", "no", "no", "no", "no", "no", "under photos/"])
    expect(console.page.get_by_role("row", name="Master key").get_by_text("yes")).to_have_count(7)


def invite(console, email, role, *buckets):
    """Invite an address by mouse; the path of the link that is shown, since nothing is mailed here."""
    console.open("/members")
    dialog = console.dialog("Invite")
    dialog.get_by_label("E-mail address").fill(email)
    dialog.get_by_text(NAMES[role], exact=True).click()
    if buckets:
        dialog.get_by_text("Certain buckets", exact=True).click()
        for name in buckets:
            dialog.get_by_label(name, exact=True).check()
    dialog.get_by_role("button", name="Invite").click()
    expect(dialog.get_by_role("heading", name="The invitation is ready")).to_be_visible()
    link = dialog.get_by_label("Link", exact=True).inner_text().strip()
    dialog.get_by_role("link", name="Done").click()
    expect(console.page.get_by_role("row").filter(has_text=email)).to_contain_text("Invited")
    return link.removeprefix(console.server.console_url)


def join(one, path, name="Anna"):
    """Make an account of the invited address, and accept."""
    one.open(path)
    expect(one.page.get_by_role("heading", name="You are invited")).to_be_visible()
    one.page.get_by_label("Name").fill(name)
    one.page.get_by_label("Password", exact=True).fill(PASSWORD)
    one.page.get_by_role("button", name="Accept").click()
    expect(one.page.get_by_text("You are in.")).to_be_visible()


def go_to(one, name):
    """Go to the account of this owner by the user menu."""
    one.page.get_by_label("User menu").click()
    one.page.locator(".menu-list").get_by_role("link", name="Accounts").click()
    one.page.get_by_role("button", name=f"Go to the account of {name}").click()
    expect(one.page.get_by_label("User menu")).to_be_visible()


@pytest.mark.parametrize("role", sorted(NAMES))
def test_somebody_joins_and_sees_what_the_role_has_and_nothing_else(console, owner, guest, bucket, new_name, role):
    email, one = f"{new_name('member')}@example.com", guest()
    join(one, invite(console, email, role))
    page = one.page
    expect(page.get_by_text(f"You work in the account of {owner.email}")).to_be_visible()
    makes = role in {"administrator", "bucketCreator"}
    expect(page.locator("main").get_by_role("link", name="Create a Bucket")).to_have_count(1 if makes else 0)
    rail = page.get_by_role("navigation", name="Main")
    for section in SECTIONS:
        shown = rail.get_by_role("link", name=section, exact=True)
        expect(shown).to_have_count(1 if role == "administrator" else 0)
    if role == "bucketCreator":
        one.open(f"/buckets/{bucket}/files")
        expect(page.get_by_text("It needs the capability listFiles.")).to_be_visible()
        return
    page.get_by_role("link", name=bucket, exact=True).click()
    expect(page.get_by_role("link", name="letter.txt", exact=True)).to_be_visible()
    for name, roles in OFFERED.items():
        offered = page.locator("main").get_by_role("link", name=name, exact=True)
        expect(offered).to_have_count(1 if role in roles else 0)
    page.get_by_role("link", name="letter.txt", exact=True).click()
    expect(page.get_by_role("heading", name="File Details")).to_be_visible()
    for name, roles in OFFERED_OF_FILE.items():
        offered = page.locator(".file-heading").get_by_role("link", name=name, exact=True)
        expect(offered).to_have_count(1 if role in roles else 0)
    reads = role != "objectWriter"
    expect(page.get_by_text("Dear Anna")).to_have_count(1 if reads else 0)
    expect(page.get_by_text("need the capability readFiles")).to_have_count(0 if reads else 1)


def test_another_role_holds_for_the_page_that_is_open_and_who_is_removed_is_out(
    console, owner, guest, bucket, new_name
):
    email, one, page = f"{new_name('member')}@example.com", guest(), console.page
    join(one, invite(console, email, "objectManager", bucket))
    one.open(f"/buckets/{bucket}/files")
    dialog = one.dialog("New Folder")
    dialog.get_by_label("Name").fill("allowed")
    dialog.get_by_role("button", name="Create").click()
    expect(one.page.get_by_role("link", name="allowed", exact=True)).to_be_visible()
    dialog = one.dialog("New Folder")
    dialog.get_by_label("Name").fill("too late")
    page.reload()
    row = page.get_by_role("row").filter(has_text=email)
    expect(row).to_contain_text(bucket)
    row.get_by_role("link", name="Change").click()
    change = page.locator("dialog[open]")
    change.get_by_text(NAMES["objectViewer"], exact=True).click()
    change.get_by_role("button", name="Save").click()
    expect(row).to_contain_text(NAMES["objectViewer"])
    dialog.get_by_role("button", name="Create").click()
    expect(one.page.get_by_text("It needs the capability writeFiles.")).to_be_visible()
    row.get_by_role("link", name="Remove").click()
    page.locator("dialog[open]").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("has no part in this account any more")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=email)).to_have_count(0)
    one.open(f"/buckets/{bucket}/files")
    expect(one.page.get_by_role("heading", name="Sign in")).to_be_visible()
    console.open("/audit")
    expect(page.get_by_role("row").filter(has_text="Remove member").first).to_contain_text(email)


def test_an_invitation_that_is_taken_back_opens_nothing(console, guest, new_name):
    email, one, page = f"{new_name('member')}@example.com", guest(), console.page
    path = invite(console, email, "objectViewer")
    page.get_by_role("row").filter(has_text=email).get_by_role("link", name="Take back").click()
    page.locator("dialog[open]").get_by_role("button", name="Take back").click()
    expect(page.get_by_role("row").filter(has_text=email)).to_have_count(0)
    one.open(path)
    expect(one.page.get_by_role("heading", name="This link does not work")).to_be_visible()


def test_a_page_that_was_begun_in_one_account_goes_on_there_alone(server, console, owner, guest, bucket, new_name):
    """Also where the session's dialog renews what forms are sent with: in another account nothing is sent."""
    email, one = f"{new_name('person')}@example.com", guest()
    server.create_account(email)
    path = invite(console, email, "administrator")
    page = one.page
    page.clock.install()
    one.sign_in(email)
    one.open(path)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("You are in.")).to_be_visible()
    one.open("/members/invite")
    page.get_by_label("E-mail address").fill("begun-there@example.com")
    other = Console(server, page.context.new_page())
    other.open("/buckets")
    go_to(other, email)
    page.clock.fast_forward((12 * 3600 - 299) * 1000)
    warning = page.get_by_role("alertdialog")
    warning.get_by_role("button", name="Stay signed in").click()
    expect(warning.get_by_role("heading", name="You are in another account now")).to_be_visible()
    page.clock.run_for(5_000)
    expect(warning).to_contain_text("nothing can be sent from it here")
    warning.get_by_role("button", name="Go on").click()
    expect(warning.get_by_role("heading", name="You are in another account now")).to_be_visible()
    token = page.locator('meta[name="csrf-token"]').get_attribute("content")
    answer = page.request.post(
        f"{server.console_url}/members/invite",
        form={"csrf_token": token, "email": "x@example.com", "role": "objectViewer", "scope": "account"},
        headers={"origin": server.console_url},
    )
    assert answer.status == 403
    other.open("/settings")  # The clock is that of both tabs, so this one shows the dialog as well.
    go_to(other, owner.email)
    expect(warning).to_have_count(0)  # The other page has told this one.
    expect(page.get_by_label("E-mail address")).to_have_value("begun-there@example.com")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("heading", name="The invitation is ready")).to_be_visible()
    console.open("/members")
    expect(console.page.get_by_role("row").filter(has_text="begun-there@example.com")).to_have_count(1)
