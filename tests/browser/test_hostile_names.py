"""Stored cross-site scripting (CWE-79) in a real browser: whatever others can choose is text, on every page that shows it.

An account whose every name, text and answer is a piece of HTML is walked through page by page. No script of it may run, none may
stand in a page, and nothing may have been left for the Content-Security-Policy to stop: that is the second wall, not the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.certificates import Certificates
from harness.clients import boto3_client
from harness.console_forms import Browser as Forms
from harness.console_tour import NO_PAGES, Tour
from harness.hostile import Client
from harness.receiver import LOOPBACK, Receiver, receiving
from harness.server import Server
from undercroft.console.page import Who
from undercroft.console.sections import PAGES

NAME = "\"'><img src=x onerror=xss()><svg onload=xss()>`{{7*7}}"
FOLDER = "\"'><script>xss()</script><b onclick=xss()>"
URL = "javascript:xss()//\"'><img src=x onerror=xss()>"
EMAIL = "\"'><img/src=x/onerror=xss()>@example.com"
SHOWN = [row for row in PAGES if row.method == "GET" and row.path not in NO_PAGES and row.who is not Who.ANYBODY]
# What is asked of pages in their address, by whoever made a link to them.
ASKED = [
    "text", "prefix", "open", "at", "next", "notice", "id", "email", "q", "start", "after", "from", "to", "bucket", "sort", "table", "who",
    "action", "source", "back", "days", "view", "result",
]  # fmt: skip
WATCH = """
window.xss = () => console.error("XSS a script of somebody else ran");
document.addEventListener("securitypolicyviolation", (event) =>
    console.error("XSS stopped by the policy", event.violatedDirective, event.blockedURI, event.sample));
"""
FOREIGN = """() => [...document.querySelectorAll("*")].filter((one) =>
    one.getAttributeNames().some((name) => name.startsWith("on")) || (one.localName === "script" && !one.src)
    || one.matches("img[src=x]") || ["href", "src", "action", "formaction"].some((name) => /^\\s*(javascript|data:text)/i.test(one.getAttribute(name) ?? ""))
).map((one) => one.outerHTML.slice(0, 300))"""
DROP = """(zone, name) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["x"], name));
    zone.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""
BODIES = {
    "html": ("text/html", b"<script>xss()</script><img src=x onerror=xss()>"),
    "svg": ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" onload="xss()"><script>xss()</script></svg>'),
    "xml": (
        "text/xml",
        b'<?xml version="1.0"?><x xmlns:h="http://www.w3.org/1999/xhtml"><h:script>xss()</h:script></x>',
    ),
    "pdf": (
        "application/pdf",
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n",
    ),
    "csv": ("text/csv", FOLDER.encode() + b",<img src=x onerror=xss()>\n=cmd,</td><script>xss()</script>\n"),
    "md": ("text/markdown", b"[x](javascript:xss()) <script>xss()</script>"),
    "js": ("text/javascript", b"xss()"),
    "odd": ("text/plain;\"'><img src=x onerror=xss()>", b"</pre></textarea><script>xss()</script>"),
}


class Hostile:
    """A server whose operator has everything that is named by somebody else, and what all of it is called."""

    def __init__(self, server: Server, browser: Browser, receiver: Receiver) -> None:
        self.server = server
        self.tour = Tour(server, browser)
        self.files: dict[str, str] = {}
        self.forms = Forms(server)
        who = (server.announcement["email"], server.announcement["password"])
        self.forms.session.headers["user-agent"] = f"Mozilla {NAME}"
        assert self.forms.sign_in(*who).status_code == 303
        self.token = self.forms.token("/buckets")
        Forms(server).sign_in(EMAIL, "a wrong password of nobody")
        server.create_account(EMAIL)
        stranger = Forms(server)
        stranger.session.headers["user-agent"] = f"Mozilla {NAME}"
        assert stranger.sign_in(EMAIL).status_code == 303
        stranger.post("/settings", {"name": NAME, "time_zone": "UTC"}, token=stranger.token("/settings"))
        self._furnish(receiver, boto3_client(server, key=(server.key_id, server.application_key)))

    def send(self, path: str, *fields: tuple[str, str]) -> str:
        """Send a form that may be refused; the page that it leads to."""
        answer = self.forms.post(path, dict(fields), token=self.token)
        assert answer.status_code < 500, (path, answer.text)
        if answer.status_code not in (200, 303):
            return answer.text
        return self.forms.get(answer.headers["location"]).text if answer.status_code == 303 else answer.text

    def _furnish(self, receiver: Receiver, s3) -> None:
        api = Client(self.server, self.server.key_id, self.server.application_key)
        bucket = "harmless-name"
        made = api.ok(
            "b2_create_bucket", accountId=api.account_id, bucketName=bucket, bucketType="allPrivate", fileLockEnabled=True,
            bucketInfo={"harmless": NAME}, lifecycleRules=[{"fileNamePrefix": NAME, "daysFromHidingToDeleting": 1}],
        )  # fmt: skip
        other = api.ok("b2_create_bucket", accountId=api.account_id, bucketName="another-name", bucketType="allPrivate")
        for kind, (content_type, body) in BODIES.items():
            key = f"{FOLDER}/{NAME}.{kind}"
            self.files[kind] = s3.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=content_type, Metadata={"x": NAME},
                ContentDisposition=f"inline; filename={NAME}", CacheControl=NAME, ContentLanguage="x",
            )["VersionId"]  # fmt: skip
        version = s3.put_object(Bucket=bucket, Key=NAME, Body=b"x", ContentType="text/plain", Metadata={"x": NAME})
        s3.put_object(Bucket=bucket, Key=f"{NAME}{URL}", Body=b"x")
        s3.put_object(Bucket=bucket, Key=f"{NAME} hidden", Body=b"x")
        s3.delete_object(Bucket=bucket, Key=f"{NAME} hidden")
        s3.create_multipart_upload(Bucket=bucket, Key=f"{NAME} unfinished")
        receiver.answer_body = f"{FOLDER}{NAME}".encode()
        event, target = ("event", "b2:ObjectCreated:*"), "offsite"
        rule = [("name", "hostile-rule"), ("prefix", NAME), event, ("batch", "1"), ("enabled", "on")]
        self.send(
            f"/buckets/{bucket}/events/new",
            *rule,
            ("url", f"{receiver.url}?{NAME}"),
            ("header_name", "x-h"),
            ("header_value", NAME),
        )
        self.send(
            f"/buckets/{bucket}/events/new",
            *rule,
            ("url", receiver.url),
            ("header_name", "x-h"),
            ("header_value", "plain"),
        )
        self.send(
            "/replication/targets/new",
            ("target", NAME),
            ("endpoint", "https://127.0.0.1:9"),
            ("bucket", NAME),
            ("key_id", NAME),
            ("key", NAME),
        )
        self.send(
            "/replication/targets/new",
            ("target", target),
            ("endpoint", "https://127.0.0.1:9"),
            ("bucket", "my-copies"),
            ("key_id", NAME),
            ("key", "k"),
        )
        self.send(
            "/replication/new",
            ("rule", "hostile"),
            ("source", made["bucketId"]),
            ("destination", other["bucketId"]),
            ("prefix", NAME),
            ("existing", "on"),
        )
        self.send(f"/buckets/{bucket}/logs", ("logging", "enable"), ("destination", "another-name"), ("prefix", NAME))
        self.send("/keys/new", ("name", NAME), ("bucket", ""), ("access", "readWrite"))
        self.send(
            "/keys/new", ("name", "prefixed"), ("bucket", made["bucketId"]), ("access", "readOnly"), ("prefix", NAME)
        )
        self.send("/operator/invitations/new", ("email", EMAIL.replace("img", "b")))
        member = EMAIL.replace("img", "i")
        joining = self.send("/members/invite", ("email", member), ("role", "objectViewer"), ("scope", "account"))
        self.send("/settings", ("name", NAME), ("time_zone", "UTC"))
        shared = self.send(
            f"/buckets/{bucket}/file/share", ("id", version["VersionId"]), ("kind", "link"), ("expiry", "never")
        )
        self.send(f"/buckets/{bucket}/snapshot", ("prefix", f"{FOLDER}/"), ("days", "7"))
        self.send(f"/buckets/{bucket}/transfer", ("prefix", f"{FOLDER}/"), ("target_bucket", other["bucketId"]), ("target", f"{NAME}/"), ("way", "copy"), ("existing", "skip"))  # fmt: skip
        job = re.search(r'href="/jobs/([0-9a-f]+)', self.forms.get("/jobs").text)
        accounts = self.forms.get("/operator/accounts").text
        rules = self.forms.get("/replication").text
        found = re.search(r"/replication/targets/([^/]+)/remove", rules)
        self.tour.values.update(
            email=quote(member), new_email="0" * 43, joining=re.search(r"/join/([\w-]+)", joining)[1], name=bucket, empty="another-name", event_rule="hostile-rule", number="1", replication_rule="hostile", file_id=version["VersionId"],
            file_name=NAME.replace("#", "%23"), token=re.search(r"/s/([\w-]+)", shared)[1], job_id=job[1], key_id=self.server.key_id, moment="2020-01-01T00:00:00",
            account_id=next(one for one in re.findall(r"/operator/accounts/(\w{12})", accounts) if one != self.server.account_id),
            snapshot_id=self.forms.until("/snapshots", r"/snapshots/([^/]+)/delete")[1], target="" if found is None else found[1],
        )  # fmt: skip


@pytest.fixture(scope="module")
def hostile(
    browser: Browser, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hostile]:
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving(certificates))
        options = ("--allow-targets", LOOPBACK, "--target-ca", str(certificates.ca_file))
        server = Server(tmp_path_factory.mktemp("hostile") / "data", options=options).start()
        stack.callback(server.stop)
        yield Hostile(server, browser, receiver)
        assert not server.faults(), server.faults()


class Watched:
    """A page of the operator's browser that notes what scripts ran that are not ours, and what the policy stopped."""

    def __init__(self, hostile: Hostile, browser: Browser) -> None:
        self.origin = hostile.server.console_url
        context = browser.new_context(user_agent=f"Mozilla {NAME}")
        context.add_cookies(
            [{"name": one.name, "value": one.value, "url": self.origin} for one in hostile.forms.session.cookies]
        )
        context.add_init_script(WATCH)
        self.page: Page = context.new_page()
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on(
            "console",
            lambda said: self.said.append(said.text) if "XSS" in said.text or "Content Security" in said.text else None,
        )
        self.said: list[str] = []

    def go(self, address: str) -> int:
        answer = self.page.goto(self.origin + address)
        self.look(address)
        return 0 if answer is None else answer.status

    def look(self, where: str) -> None:
        """See that nothing of anybody else acts in what is shown."""
        assert self.page.evaluate(FOREIGN) == [], where
        assert self.said == [], where


@pytest.fixture
def watched(hostile: Hostile, browser: Browser) -> Iterator[Watched]:
    made = Watched(hostile, browser)
    yield made
    made.page.context.close()
    assert made.said == []


def test_no_page_acts_on_what_somebody_else_has_named(hostile, watched):
    seen = 0
    for row in SHOWN:
        status = watched.go(hostile.tour.address(row.path))
        assert status in (200, 404, 409, 410), (row.path, status)
        seen += status == 200 and "onerror=xss()" in watched.page.locator("body").inner_text()
    assert seen > 15  # The names were there to be seen.


def test_no_page_acts_on_what_its_address_says(hostile, watched):
    asked = "&".join(
        f"{name}={hostile_text}" for name in ASKED for hostile_text in ("%22'%3E%3Cimg%20src=x%20onerror=xss()%3E",)
    )
    for row in PAGES:
        if row.method == "GET" and row.path not in NO_PAGES and "reset" not in row.path and "{secret}" not in row.path:
            watched.go(f"{hostile.tour.address(row.path).partition('?')[0]}?{asked}")
    for address in (
        "/nothing/%3Cimg%20src=x%20onerror=xss()%3E",
        "/buckets/%3Cimg%20src=x%20onerror=xss()%3E/files",
        "/s/%3Csvg%20onload=xss()%3E",
    ):
        assert watched.go(address) in (400, 403, 404)


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_no_preview_acts(hostile, watched, kind):
    bucket = hostile.tour.values["name"]
    assert watched.go(f"/buckets/{bucket}/file?id={hostile.files[kind]}") == 200
    watched.page.wait_for_load_state("networkidle")
    watched.look(kind)


def test_what_a_shared_link_shows_is_text(hostile, watched):
    assert watched.go(f"/s/{hostile.tour.values['token']}") == 200
    expect(watched.page.locator("body")).to_contain_text("onerror=xss()")


def test_what_a_target_answers_is_text(hostile, watched):
    bucket = hostile.tour.values["name"]
    watched.go(f"/buckets/{bucket}/events/hostile-rule/log")
    watched.page.get_by_role("button", name=re.compile("test", re.IGNORECASE)).first.click()
    expect(watched.page.locator("body")).to_contain_text("<b onclick=xss()>")
    watched.look("the answer to a test")


def test_what_scripts_put_into_the_page_is_text(hostile, watched):
    """Dialogs, the tray of uploads, toasts, and the list that comes again by itself."""
    page, bucket = watched.page, hostile.tour.values["name"]
    watched.go(f"/buckets/{bucket}/files")
    for address in (
        f"/buckets/{bucket}/file/{what}?id={hostile.tour.values['file_id']}"
        for what in ("rename", "describe", "delete", "share")
    ):
        page.evaluate(
            """(href) => {
                const link = Object.assign(document.createElement("a"), { href });
                link.dataset.dialog = "";
                document.body.append(link);
                link.click();
                link.remove();
            }""",
            address,
        )
        expect(page.locator("dialog[open] .dialog-buttons")).to_be_visible()
        watched.look(address)
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
    name = "\"'><img src=x onerror=xss()>.txt"
    page.locator("main [data-upload]").evaluate(DROP, name)
    expect(page.locator("#listing")).to_contain_text(name)
    watched.look("the tray")
    page.goto(
        f"{watched.origin}/buckets/{bucket}/files?prefix=%22'%3E%3Cscript%3Exss()%3C%2Fscript%3E%3Cb%20onclick=xss()%3E%2F"
    )
    watched.look("a folder")
