"""Broken access control of the console (CWE-285, CWE-639): every page there is, walked as nobody, as a stranger, and as no operator.

The walk takes the table of pages itself, so a page that is added is attacked without anybody thinking of it. The stranger
knows every name and id of the owner's, and sends them in paths and forms.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from harness.console_forms import PASSWORD, TIMEOUT_S, Browser
from harness.hostile import Client
from harness.world import World, build_world
from undercroft.console.page import Page, Who
from undercroft.console.sections import PAGES

WALKED = [page for page in PAGES if page.who is not Who.ANYBODY]
OPERATORS = [page for page in WALKED if page.path.startswith("/operator/")]
OF_SOMETHING = [page for page in WALKED if "{" in page.path and page not in OPERATORS]
# Pages of anybody: who has no session yet, and those whose path is the secret that opens them.
OPEN = {
    "/sign-in", "/sign-in/password", "/sign-in/code", "/forgot-password", "/reset-password/{secret}", "/sign-up",
    "/sign-up/{secret}", "/join/{secret}", "/s/{token}", "/preferences/theme", "/preferences/language", "/alerts/confirm/{secret}",
    "/alerts/unsubscribe/{secret}",
    "/sign-in/passkey", "/sign-in/passkey/options",
}  # fmt: skip
SHA1 = "0" * 40
SECRET_URL = "https://known-to-the-owner.example.com"


class Party:
    """Somebody with an account, at the console and at the API."""

    def __init__(self, server: Any, name: str) -> None:
        self.name = name  # Of the account's own bucket, too.
        self.email = f"{name}@example.com"
        made = server.create_account(self.email)
        self.api = Client(server, made["keyId"], made["applicationKey"])
        self.account_id = made["accountId"]
        self.browser = Browser(server)
        assert self.browser.sign_in(self.email).status_code == 303
        self.token = self.browser.token("/buckets")

    def post(self, path: str, fields: dict[str, str]) -> Any:
        return self.browser.post(path, fields, token=self.token)


class Owner(Party):
    """Somebody with something to lose: a bucket with files, rules, a share link and a job, a key, a target, a session."""

    def __init__(self, server: Any, name: str) -> None:
        super().__init__(server, name)
        form = {"name": self.name, "type": "allPrivate", "encryption": "disable"}
        assert self.post("/buckets/new", form).status_code == 303
        bucket_id = self.api.ok("b2_list_buckets", accountId=self.account_id)["buckets"][0]["bucketId"]
        self.world: World = build_world(self.api, self.name, bucket_id)
        bucket = f"/buckets/{self.name}"
        event = {"name": "owners-rule", "url": SECRET_URL, "event": "b2:ObjectCreated:*", "batch": "1"}
        assert self.post(f"{bucket}/events/new", event).status_code == 303
        target = {
            "target": "owners-target", "endpoint": SECRET_URL, "key_id": "k", "key": "s" * 31, "bucket": "bucket-there",
        }  # fmt: skip
        assert self.post("/replication/targets/new", target).status_code == 303
        target_id = re.search(r'value="([^"]+)"[^>]*>owners-target', self.browser.get("/replication/new").text)[1]
        rule = {"rule": "owners-rule", "source": bucket_id, "destination": target_id}
        assert self.post("/replication/new", rule).status_code == 303
        shared = self.post(f"{bucket}/file/share", {"id": self.world.file_id, "kind": "link", "expiry": "never"})
        assert shared.status_code == 200
        shares = self.browser.get(f"{bucket}/shares").text
        made = self.post(f"{bucket}/snapshot", {"prefix": "in/", "days": "7"})
        assert made.status_code == 303
        snapshots = self.browser.until("/snapshots", r"/snapshots/([^/]+)/delete")
        began = self.post(f"{bucket}/empty", {"confirm": self.name, "prefix": "nothing/"})
        assert began.status_code == 303
        session = self.browser.get("/settings/security").text
        self.ids = {
            "name": self.name,
            "rule": "owners-rule",
            "number": "1",
            "target": "owners-target",
            "key_id": self.api.key_id,
            "job_id": re.search(r"/jobs/([^?/]+)", began.headers["location"])[1],
            "snapshot_id": snapshots[1],
            "session_id": (re.findall(r"/settings/sessions/(\w+)/end", session) or ["0" * 16])[0],
            "account_id": self.account_id,
            "invitation_id": "0" * 16,
            "passkey_id": "0" * 16,
            "email": "owners-member@example.com",
            "secret": "0" * 43,
        }
        member = {"email": self.ids["email"], "role": "objectViewer", "scope": "account"}
        assert self.post("/members/invite", member).status_code == 200
        self.share_id = re.search(r'name="share" value="([^"]+)"', shares)[1]

    def state(self) -> list[Any]:
        """All that could change, as the owner sees it."""
        shown = [
            self.browser.get(path).text
            for path in ("/audit.csv", "/replication", "/caps/edit", "/settings", f"/buckets/{self.name}/shares",
                         f"/buckets/{self.name}/events", f"/buckets/{self.name}/replication", "/settings/security", "/snapshots", "/members")
        ]  # fmt: skip
        still = [
            re.sub(r'<time.*?</time>|[0-9a-f]{64}|name="session-left" content="[0-9]+"', "", text) for text in shown
        ]
        return [self.world.snapshot(), self.world.owner_keys(), still]

    def fields(self) -> dict[str, str]:
        """What a form about the owner's things would say."""
        return {
            "id": self.world.file_id, "confirm": self.name, "share": self.share_id, "choose": f"version:{self.world.file_id}",
            "prefix": "in/", "path": "in/other", "bucket": self.name, "type": "allPublic", "encryption": "disable",
            "choice": "last", "revision": "1", "mode": "none", "hold": "on", "at": "2020-01-01T00:00", "way": "purge",
            "target_bucket": self.world.bucket_id, "target": "there/", "folder": "f", "name": "f", "url": "https://example.com/",
            "event": "b2:ObjectCreated:*", "batch": "1", "kind": "direct", "expiry": "3600", "days": "7", "storage": "1", "password": PASSWORD,
        }  # fmt: skip


@pytest.fixture(scope="module")
def owner(server, new_name):
    return Owner(server, new_name("console-owner"))


@pytest.fixture(scope="module")
def stranger(server, new_name):
    """Somebody with an account and a bucket, who is no operator."""
    party = Party(server, new_name("console-stranger"))
    form = {"name": party.name, "type": "allPrivate", "encryption": "disable"}
    assert party.post("/buckets/new", form).status_code == 303
    return party


@pytest.fixture(scope="module", autouse=True)
def nothing_changes(owner):
    """Holds what the owner has after the attacks of this module against what it was before them."""
    before = owner.state()
    yield
    assert owner.state() == before


def ask(browser: Browser, page: Page, path: str, owner: Owner, token: str, **headers: str) -> Any:
    """Ask for a page, or send to it what its form or script would send, about the owner's things."""
    if page.method == "GET":
        return browser.get(f"{path}?id={owner.world.file_id}&at=2020-01-01T00:00", headers=headers)
    if "/uploads/" in page.path:
        body = {
            "fileId": owner.world.upload_id, "name": "in/file", "size": 200_000_000, "modified": 1, "parts": [SHA1],
            "sha1": SHA1, "files": [{"name": "in/file", "size": 1}], "names": ["in/file"],
        }  # fmt: skip
        sent = {"origin": browser.origin, "x-csrf-token": token, "accept": "application/json", **headers}
        return browser.session.post(browser.origin + path, json=body, headers=sent, timeout=TIMEOUT_S)
    return browser.post(path, owner.fields(), token=token, headers=headers)


def filled(page: Page, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: ids[match[1]], page.path)


def named(page: Page) -> str:
    return f"{page.method} {page.path}"


def test_no_page_but_these_is_open_to_anybody():
    assert {page.path for page in PAGES if page.who is Who.ANYBODY} == OPEN


@pytest.mark.parametrize("page", WALKED, ids=named)
def test_nobody_is_sent_to_sign_in_by_every_other_page(server, owner, page):
    nobody = Browser(server)
    token = nobody.token()
    answer = ask(nobody, page, filled(page, owner.ids), owner, token)
    if "/uploads/" in page.path and page.method == "POST":
        assert answer.status_code == 401
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("page", OF_SOMETHING, ids=named)
def test_a_stranger_gets_nothing_of_the_owners_from_any_page(owner, stranger, page):
    answer = ask(stranger.browser, page, filled(page, owner.ids), owner, stranger.token)
    assert answer.status_code in {403, 404, 410}, answer.status_code
    assert "the content that nobody else" not in answer.text


@pytest.mark.parametrize("page", [page for page in OF_SOMETHING if "{name}" in page.path], ids=named)
def test_a_strangers_own_bucket_leads_to_nothing_of_the_owners(owner, stranger, page):
    own = {**owner.ids, "name": stranger.name}
    answer = ask(stranger.browser, page, filled(page, own), owner, stranger.token)
    assert answer.status_code < 500, answer.status_code
    # The names of rules and targets were asked for, so a page may say them back; what is behind them it does not know.
    for secret in (owner.world.bucket_id, owner.share_id, SECRET_URL):
        assert secret not in re.sub(r'(href|action|value)="[^"]*"', "", answer.text)
    if page.path.startswith("/buckets/{name}/file/") or page.path.count("{") > 1:
        assert answer.status_code in {403, 404}


@pytest.mark.parametrize("page", OPERATORS, ids=named)
def test_who_is_no_operator_gets_nothing_from_an_operators_page(owner, stranger, page):
    answer = ask(stranger.browser, page, filled(page, owner.ids), owner, stranger.token)
    assert answer.status_code == 403, answer.status_code


@pytest.mark.parametrize("page", [page for page in PAGES if page.method == "POST"], ids=named)
def test_no_form_is_taken_from_another_site_or_without_its_token(owner, page):
    path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: owner.ids.get(match[1], "x"), page.path)
    for origin in ("https://evil.example", "null", owner.browser.origin + "0", ""):
        assert ask(owner.browser, page, path, owner, owner.token, origin=origin).status_code == 403
    for token in ("", "0" * 64):
        assert ask(owner.browser, page, path, owner, token).status_code == 403
