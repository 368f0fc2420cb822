"""Members in the console: what each role is shown and may do there, whose deeds the log names, and who is out at once."""

from __future__ import annotations

import csv
import io
import re
import secrets

import pytest

from harness.console import PASSWORD
from harness.console_forms import Browser
from harness.native_session import Session
from undercroft.console.page import Who
from undercroft.console.sections import PAGES
from undercroft.store.identity.roles import ROLES

ADMIN = {"administrator"}
EVERYBODY = set(ROLES)


class House:
    """An owner with two buckets and a file, and the members that tests let in."""

    def __init__(self, server):
        self.server = server
        self.email = f"house-{secrets.token_hex(6)}@example.com"
        made = server.create_account(self.email)
        self.b2 = Session(server.api_url, made["keyId"], made["applicationKey"])
        self.name, self.other = (f"house-{secrets.token_hex(6)}" for _ in range(2))
        self.bucket, self.other_id = (self.b2.create_bucket(one)["bucketId"] for one in (self.name, self.other))
        self.file_id = self.b2.upload(self.bucket, "letter.txt", b"Dear Anna")["fileId"]
        self.owner = Browser(server)
        self.owner.sign_in(self.email)

    def invite(self, role, *buckets, email=""):
        email = email or f"member-{secrets.token_hex(6)}@example.com"
        scope = {"scope": "buckets", "bucket": list(buckets)} if buckets else {"scope": "account"}
        answer = self.owner.post("/members/invite", {"email": email, "role": role, **scope})
        assert answer.status_code == 200, answer.text
        return email, re.search(r"/join/[\w-]+", answer.text)[0]

    def let_in(self, role, *buckets):
        """A browser in which somebody new has joined, and their address."""
        email, path = self.invite(role, *buckets)
        browser = Browser(self.server)
        joined = browser.post(path, {"name": "", "password": PASSWORD})
        assert joined.headers["location"] == "/buckets?notice=joined"
        return browser, email

    def log(self):
        text = self.owner.get("/audit.csv").content.decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def house(server):
    return House(server)


# What is shown, and to which roles; everybody else is refused it.
SHOWN = {
    "/buckets": EVERYBODY,
    "/accounts": EVERYBODY,
    "/buckets/{name}/files": EVERYBODY - {"bucketCreator"},
    "/buckets/{name}/file?id={file_id}": EVERYBODY - {"bucketCreator"},
    "/buckets/{name}/upload": {"administrator", "objectManager", "objectWriter"},
    "/buckets/{name}/file/share?id={file_id}": {"administrator", "objectManager"},
    "/buckets/{name}/file/delete?id={file_id}": {"administrator", "objectManager"},
    "/buckets/new": {"administrator", "bucketCreator"},
    "/buckets/{name}/delete": ADMIN,
    **dict.fromkeys(("/keys", "/caps", "/reports", "/audit", "/audit.csv", "/replication", "/members"), ADMIN),
    **{path: set() for path in ("/settings", "/settings/security", "/settings/email", "/operator/accounts")},
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_shown_what_the_table_says_and_no_page_fails(house, role):
    browser, _ = house.let_in(role)
    for path, roles in SHOWN.items():
        status = browser.get(path.format(name=house.name, file_id=house.file_id)).status_code
        assert status == (200 if role in roles else 403), (path, status)
    for page in PAGES:
        if page.method == "GET" and page.who is Who.SIGNED_IN:
            path = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: house.name if found[1] == "name" else "x", page.path)
            assert browser.get(path).status_code < 500, path
    home = browser.get("/buckets").text
    for link in re.findall(r'<li><a href="([^"]+)"', home):  # Whatever the rail offers opens.
        assert browser.get(link).status_code in (200, 303), link
    assert f"You work in the account of {house.email}" in home
    assert ("Create a Bucket" in home) == (role in {"administrator", "bucketCreator"})
    if role != "bucketCreator":
        files = browser.get(f"/buckets/{house.name}/files").text
        assert (">Upload<" in files.replace("\n", "") or "Upload</a>" in files) == (
            role in {"administrator", "objectManager", "objectWriter"}
        )
        assert ("data-delete" in files) == (role in {"administrator", "objectManager"})


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_not_do_is_refused_also_when_the_form_is_sent_anyway(house, role):
    browser, email = house.let_in(role)
    file_id = house.b2.upload(house.bucket, f"{role}.txt", b"data")["fileId"]
    base, made = f"/buckets/{house.name}", f"made-{secrets.token_hex(6)}"
    deeds = {
        "/buckets/new": ({"name": made, "type": "allPrivate"}, {"administrator", "bucketCreator"}),
        f"{base}/file/hide": ({"id": file_id}, {"administrator", "objectManager"}),
        f"{base}/file/delete": ({"id": file_id}, {"administrator", "objectManager"}),
        "/keys/new": ({"name": "mine", "access": "readOnly", "bucket": ""}, ADMIN),
        "/members/invite": ({"email": f"{made}@example.com", "role": "objectViewer", "scope": "account"}, ADMIN),
        "/settings": ({"name": "Me", "time_zone": "UTC"}, set()),
        "/settings/password": ({"current_password": PASSWORD, "password": "x" * 20, "password_again": "x" * 20}, set()),
    }
    for path, (fields, roles) in deeds.items():
        status = browser.post(path, fields).status_code
        allowed = status in (200, 303)
        assert allowed == (role in roles), (path, status)
        assert allowed or status == 403, (path, status)
    own = [row for row in house.log() if row["actor"] == email]
    assert {"Accept invitation", "Create bucket"} <= {row["action"] for row in own}
    refused = [row for row in own if row["action"] == "Change password"]
    assert refused[0]["result"].startswith("This is the owner's alone")
    again = Browser(house.server)
    again.sign_in(email)  # Somebody who has nothing but this is led to where it is.
    assert again.get("/buckets").headers["location"] == "/accounts"


def test_a_viewer_downloads_and_cannot_share(house):
    browser, _ = house.let_in("objectViewer")
    address = browser.get(f"/buckets/{house.name}/file/download?id={house.file_id}").headers["location"]
    assert house.b2.fetch(address, {}).body == b"Dear Anna"
    share = {"id": house.file_id, "kind": "link", "expiry": "never", "password": ""}
    assert browser.post(f"/buckets/{house.name}/file/share", share).status_code == 403


def test_certain_buckets_are_all_that_is_seen(house):
    browser, _ = house.let_in("objectManager", house.bucket)
    home = browser.get("/buckets").text
    assert house.name in home
    assert house.other not in home
    for link in re.findall(r'<li><a href="([^"]+)"', home):
        assert browser.get(link).status_code in (200, 303), link
    assert house.other not in browser.get("/find?text=a").text
    assert browser.get(f"/buckets/{house.other}/files").status_code == 403
    administrator, _ = house.let_in("administrator", house.bucket)
    for path in ("/keys", "/members", "/audit", "/caps", "/replication", f"/buckets/{house.name}/replication"):
        assert administrator.get(path).status_code == 403, path
    assert administrator.get(f"/buckets/{house.name}/files").status_code == 200


def test_no_page_tells_a_member_of_caps_of_buckets_and_keys_that_the_role_does_not_see(house):
    key = house.b2.call(
        "b2_create_key", accountId=house.b2.account_id, capabilities=["listFiles"], keyName="night-backup"
    ).ok()
    key_id = key["applicationKeyId"]
    assert house.owner.post(f"/caps/buckets/{house.other}", {"size": "0"}).status_code == 303
    assert house.owner.post(f"/keys/{key_id}/caps", {"requests": "0"}).status_code == 303
    told = f"Uploads to the bucket {house.other} are refused", "Requests with the key night-backup are refused"

    def told_to(browser):
        home = browser.get("/buckets").text
        return tuple(each in home for each in told)

    try:
        assert told_to(house.owner) == (True, True)
        assert told_to(house.let_in("administrator")[0]) == (True, True)
        assert told_to(house.let_in("objectViewer")[0]) == (True, False)
        for role in ("objectViewer", "administrator"):
            browser, _ = house.let_in(role, house.bucket)
            home = browser.get("/buckets").text
            assert house.other not in home
            assert "night-backup" not in home
    finally:
        house.owner.post(f"/caps/buckets/{house.other}", {})
        house.owner.post(f"/keys/{key_id}/caps", {})


def test_another_role_holds_at_once_and_whoever_is_removed_is_out_at_once(house):
    browser, email = house.let_in("objectManager")
    path = f"/buckets/{house.name}/upload"
    assert browser.get(path).status_code == 200
    assert house.owner.post(f"/members/{email}", {"role": "objectViewer", "scope": "account"}).status_code == 303
    assert browser.get(path).status_code == 403
    assert house.owner.post(f"/members/{email}/remove", {}).status_code == 303
    assert browser.get("/buckets").headers["location"].startswith("/sign-in")
    assert browser.sign_in(email).status_code == 303  # The account of their own is theirs.
    assert browser.get("/buckets").headers["location"] == "/settings/products"
    assert browser.post("/accounts", {"account": house.b2.account_id}).status_code == 403
    rows = {row["action"]: row for row in house.log() if row["target"] == email}
    assert "role: Object Manager → Object Viewer" in rows["Change member"]["changes"]
    assert rows["Remove member"]["actor"] == house.email


def test_somebody_with_an_account_accepts_signs_in_as_before_and_goes_to_and_fro(house, server):
    email = f"own-{secrets.token_hex(6)}@example.com"
    server.create_account(email)
    _, path = house.invite("objectViewer", email=email)
    browser, stranger = Browser(server), Browser(server)
    assert f"Sign in as {email}" in browser.get(path).text
    stranger.sign_in(house.email)
    assert "you are signed in as" in stranger.get(path).text
    assert stranger.post(path, {}).status_code == 422
    browser.sign_in(email)
    assert browser.post(path, {}).status_code == 303
    assert house.name in browser.get("/buckets").text
    own_id = re.search(r'name="account" value="(\w+)"', browser.get("/accounts").text)[1]
    assert browser.post("/accounts", {"account": own_id}).status_code == 303
    assert house.name not in browser.get("/buckets").text
    assert browser.get("/settings/security").status_code == 200
    assert browser.post("/accounts", {"account": house.b2.account_id}).status_code == 303
    assert house.name in browser.get("/buckets").text
    assert browser.get(path).status_code == 410
    assert path.rpartition("/")[2] not in str(house.log())
    assert browser.post("/sign-out", {}).status_code == 303
    assert browser.get("/buckets").headers["location"].startswith("/sign-in")


def test_a_form_is_for_the_account_it_was_opened_in_and_neither_owner_learns_of_the_other(house, server):
    email, there = f"two-{secrets.token_hex(6)}@example.com", House(server)
    made = server.create_account(email)
    own_id = Session(server.api_url, made["keyId"], made["applicationKey"]).account_id
    browser = Browser(server)
    browser.sign_in(email)
    for one in (house, there):
        assert browser.post(one.invite("administrator", email=email)[1], {}).status_code == 303
    opened = browser.token()
    form = {"email": "x@example.com", "role": "administrator", "scope": "account"}
    for account_id in (house.b2.account_id, own_id):
        assert browser.post("/accounts", {"account": account_id}).status_code == 303
        assert browser.post("/members/invite", form, token=opened).status_code == 403
    assert browser.post("/accounts", {"account": there.b2.account_id}).status_code == 303
    assert browser.post("/members/invite", form, token=opened).status_code == 200
    assert own_id not in str(house.log() + there.log())
    assert house.b2.account_id not in str(there.log())


def test_an_operator_who_acts_for_an_account_manages_no_members_and_joins_none(house, server):
    operator = Browser(server)
    operator.sign_in(server.announcement["email"], server._secrets["password"])
    assert operator.post(f"/operator/accounts/{house.b2.account_id}/act", {"reason": "help"}).status_code == 303
    form = {"email": "x@example.com", "role": "administrator", "scope": "account"}
    assert operator.post("/members/invite", form).status_code == 403
    assert operator.post("/accounts", {"account": house.b2.account_id}).status_code == 403
    _, link = house.invite("administrator")
    assert operator.post(link, {}).status_code == 403
    assert link.rpartition("/")[2] not in str(house.log())  # It works still.
    made = {"name": f"made-{secrets.token_hex(6)}", "type": "allPrivate"}
    assert (
        operator.post("/buckets/new", {**made, "key": "yes"}).status_code == 403
    )  # Nor is a key made for a new bucket, …
    assert (
        operator.post("/caps/alerts", {"webhook_url": "https://hook.example"}).status_code == 403
    )  # … or anybody else told.
    assert operator.post("/buckets/new", made).status_code == 303
    assert operator.post("/stop-acting", {}).status_code == 303


def test_a_page_gets_the_token_of_a_later_session_for_its_own_account_and_person_alone(house, server):
    """What a script asks when a session ends, or begins anew, in another tab."""
    browser, _ = house.let_in("objectViewer")
    ids = re.findall(r'name="(account|person)-id" content="(\w+)"', browser.get("/accounts").text)
    there = dict(ids)
    assert there["account"] == house.b2.account_id
    answer = browser.get("/session", params=there)
    assert answer.json()["csrf_token"] == browser.token("/accounts")
    browser.post("/accounts", {"account": there["person"]}, token=browser.token("/accounts"))
    own = {"account": there["person"], "person": there["person"]}
    assert browser.get("/session", params=own).json()["csrf_token"]
    others = (there, {"account": there["account"], "person": there["account"]}, {}, {"account": there["person"]})
    for other in others:
        refused = browser.get("/session", params=other)
        assert (refused.status_code, "csrf_token" in refused.text) == (409, False)
    extended = browser.post("/session/extend?account=x&person=y", {}, token=browser.token("/accounts"))
    assert (extended.status_code, "csrf_token" in extended.text) == (409, False)


def test_a_writer_sees_of_a_file_what_lists_tell_and_nothing_of_its_content(house):
    bucket = house.b2.create_bucket(f"house-{secrets.token_hex(6)}", fileLockEnabled=True)
    file = house.b2.upload(bucket["bucketId"], "letter.txt", b"Dear Anna, all of this is secret")
    named = {"fileName": "letter.txt", "fileId": file["fileId"]}
    house.b2.call("b2_update_file_legal_hold", **named, legalHold="on").ok()
    base = f"/buckets/{bucket['bucketName']}/file"
    browser, _ = house.let_in("objectWriter")
    shown = browser.get(f"{base}?id={file['fileId']}").text
    assert "need the capability readFiles" in shown
    assert "not shown: it needs the capability readFileLegalHolds" in shown
    assert file["contentSha1"] in shown
    assert "Legal hold" not in browser.get(f"{base}s").text
    assert "Legal hold</span>" not in shown
    assert "Dear Anna" not in shown
    for offered in ("/file/download", "/file/share", "/file/rename", "/file/hide", "/file/delete", "/file/hold"):
        assert offered not in shown, offered
    assert browser.get(f"{base}?file=letter.txt").headers["location"].endswith(f"id={file['fileId']}")
    for what in ("download", "share", "rename", "describe", "delete"):
        refused = browser.get(f"{base}/{what}?id={file['fileId']}")
        assert refused.status_code == 403, what
        assert "It needs the capability" in refused.text, what
    reader, _ = house.let_in("objectViewer")
    assert "Dear Anna" in reader.get(f"{base}?id={file['fileId']}").text
    assert "Legal hold" in reader.get(f"{base}s").text
