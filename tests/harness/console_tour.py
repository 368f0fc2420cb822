"""A tour of the console: an account with something of everything, and an address for every page of the console's table.

A page without parameters needs no word here. A parameter of a path gets its value from `Tour.values`, and what a page wants of its
query stands in `_QUERIES`; a page whose parameter has no value is a page that nobody looks at, so `Tour.stops` fails then.
"""

from __future__ import annotations

import io
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, BrowserContext, Page
from pyotp import TOTP

from harness.certificates import Certificates
from harness.clients import b2_api, boto3_client
from harness.console import PASSWORD, console_of
from harness.console_refusals import Refused
from harness.customer_keys import KEY
from harness.mail_server import Letterbox, serving_mail
from harness.receiver import LOOPBACK, Receiver, receiving
from harness.server import Server
from undercroft.console.page import Page as Row
from undercroft.console.page import Who

# Who comes to a page: the operator who has something of everything, one who has nothing yet, nobody in particular, and one who
# has given the password and not yet the code.
KEEPER, BEGINNER, STRANGER, HALFWAY = "keeper", "beginner", "stranger", "halfway"

_SNAPSHOT_TIMEOUT_S = 60
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")

# What is no page to look at: these answer with data, or lead elsewhere.
NO_PAGES = {
    "/", "/buckets/all.csv", "/buckets/{name}/files.csv", "/session", "/jobs.json", "/jobs.csv", "/keys.csv", "/members.csv", "/snapshots.csv", "/buckets/{name}/shares.csv", "/audit.csv", "/operator/audit.csv", "/buckets/{name}/go", "/buckets/{name}/cors/rules.json", "/buckets/{name}/cors/rules.xml",
    "/buckets/{name}/file/download", "/buckets/new/available", "/buckets/{name}/file/own-key", "/reports/usage.csv", "/reports/usage.json",
}  # fmt: skip
_VISITORS = {"/sign-in/code": HALFWAY}
_QUERIES = {
    "/buckets/{name}/file": "id={file_id}",
    "/buckets/{name}/file/": "id={file_id}",
    "/buckets/{name}/files": "open={file_name}",
    "/buckets/{name}/search": "text=a",
    "/find": "text=a",
    "/buckets/{name}/rewind": "at={moment}",
    "/buckets/{name}/transfer": "prefix=photos/",
    "/buckets/{name}/at": "at={moment}",
}
# Parameters that mean different things in different places: the value's name by the beginning of the path.
_VALUES = {
    ("/buckets/{name}/replication", "rule"): "replication_rule",
    ("/buckets/{name}/events", "rule"): "event_rule",
    ("/sign-up", "secret"): "invitation",
    ("/reset-password", "secret"): "reset",
    ("/join", "secret"): "joining",
    ("/settings/email", "secret"): "new_email",
    ("/alerts/confirm", "secret"): "alerts",
    ("/alerts/unsubscribe", "secret"): "unsubscribing",
}


class Stop(NamedTuple):
    """An address of a page, and who goes there."""

    visitor: str
    address: str


@dataclass
class Tour:
    """The server, who visits it, and what their things are called."""

    server: Server
    browser: Browser
    contexts: dict[str, BrowserContext] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    def visitor_of(self, row: Row) -> str:
        """Who comes to a page, or sends a form."""
        return _VISITORS.get(row.path, STRANGER if row.who is Who.ANYBODY else KEEPER)

    def stops(self, row: Row) -> list[Stop]:
        """Where to look at a page: with everything, and where it needs nothing also with nothing."""
        visitor = self.visitor_of(row)
        stops = [Stop(visitor, self.address(row.path))]
        if visitor == KEEPER and "{" not in row.path and not row.path.startswith("/operator"):
            stops.append(Stop(BEGINNER, row.path))
        if row.path == "/buckets/{name}/file":
            stops.append(Stop(KEEPER, self.filled(row.path, "id={sealed_id}")))
        if row.path in {
            "/buckets/{name}/" + tab
            for tab in ("files", "shares", "unfinished", "search", "at", "replication", "events")
        }:
            stops.append(Stop(KEEPER, row.path.format(name=self.values["empty"])))
        return stops

    def address(self, path: str) -> str:
        """The address of a page of the table, with the names of what was made for it. Fails for what has none."""
        wanted = [name for name in _QUERIES if path == name or (name.endswith("/") and path.startswith(name))]
        return self.filled(path, _QUERIES[wanted[0]] if wanted else "")

    def filled(self, path: str, query: str = "") -> str:
        """A path and a query with the names of what was made in them."""

        def value(found: re.Match[str]) -> str:
            name = next(
                (to for (start, of), to in _VALUES.items() if path.startswith(start) and of == found[1]), found[1]
            )
            assert name in self.values, (
                f"{path} has the parameter {name}: say in tests/harness/console_tour.py what it is"
            )
            return self.values[name]

        return _PARAMETER.sub(value, path + (f"?{query}" if query else ""))

    def send_refused(self, page: Page, path: str, refused: Refused) -> int:
        """Send a form without script from where it is, and stay at what it leads to; the status of that."""
        action = self.filled(path, refused.query)
        page.goto(self.server.console_url + (refused.at or action))
        with page.expect_navigation() as going:
            page.evaluate(
                """([action, fields]) => {
                    const form = Object.assign(document.createElement("form"), { method: "post", action });
                    const token = document.querySelector("meta[name=csrf-token]").content;
                    for (const [name, value] of [...fields, ["csrf_token", token]]) {
                        form.append(Object.assign(document.createElement("textarea"), { name, value }));
                    }
                    document.body.append(form);
                    form.submit();
                }""",
                [action, [list(pair) for pair in refused.fields]],
            )
        return going.value.status if going.value else 0

    def page(self, visitor: str) -> Page:
        """A new page of this visitor's browser. Its user closes it."""
        return self.contexts[visitor].new_page()


def send(page: Page, path: str, fields: Sequence[tuple[str, str]]) -> str:
    """Send a form as the page that is open would. The text of what it leads to; fails if it is refused."""
    status, text = page.evaluate(
        """async ([path, fields]) => {
            const token = document.querySelector("meta[name=csrf-token]").content;
            const body = new URLSearchParams(fields);
            const answer = await fetch(path, { method: "POST", body, headers: { "x-csrf-token": token } });
            return [answer.status, await answer.text()];
        }""",
        [path, [list(pair) for pair in fields]],
    )
    assert status == 200, (path, status, re.findall(r'class="(?:error|alert)[^>]*>(.*)', text))
    return str(text)


@contextmanager
def touring(browser: Browser, certificates: Certificates, data_dir: Path) -> Iterator[Tour]:
    """A server of its own with everything on it."""
    with ExitStack() as stack:
        box, port = stack.enter_context(serving_mail())
        receiver = stack.enter_context(receiving(certificates))
        options = (
            "--smtp-url", f"smtp://127.0.0.1:{port}", "--mail-from", "console@example.com", "--sign-up", "open",
            "--allow-targets", LOOPBACK, "--target-ca", str(certificates.ca_file),
        )  # fmt: skip
        server = Server(data_dir, options=options).start()
        stack.callback(server.stop)
        tour = Tour(server, browser)
        for visitor, email, password in (
            (KEEPER, server.announcement["email"], server.announcement["password"]),
            (BEGINNER, "beginner@example.com", PASSWORD),
            (HALFWAY, "halfway@example.com", PASSWORD),
        ):
            if visitor != KEEPER:
                server.create_account(email)
            console = console_of(server, browser, color_scheme="light")
            console.sign_in(email, password)
            tour.contexts[visitor] = console.page.context
            if visitor == KEEPER:
                _furnish(tour, console.page, receiver, box)
                _want_another_address(tour, console.page, box, password)
                _have_others_told(tour, console.page, box, receiver.url)
            if visitor == HALFWAY:
                _stop_halfway(console.page, email)
            console.page.close()
        tour.contexts[STRANGER] = browser.new_context(color_scheme="light")
        _forget_the_password(tour, box)
        yield tour
        for context in tour.contexts.values():
            context.close()


def _furnish(tour: Tour, page: Page, receiver: Receiver, box: Letterbox) -> None:
    s3 = boto3_client(tour.server)
    bucket, empty = "holiday-pictures", "nothing-here-yet"
    b2 = b2_api(tour.server)
    locked = {name: b2.create_bucket(name, "allPrivate", is_file_lock_enabled=True).id_ for name in (bucket, "website")}
    for name in (empty, "backups-of-the-server-in-the-cellar-that-hums-a-little"):
        s3.create_bucket(Bucket=name)
    tour.values.update(
        name=bucket, empty=empty, event_rule="tell-my-app", number="1", replication_rule="keep-a-copy", target="offsite"
    )
    page.goto(f"{tour.server.console_url}/buckets")
    _set_rules(tour, page, receiver.url, locked[bucket], locked["website"])
    versions = _upload(s3, bucket)
    sealed = s3.put_object(
        Bucket=bucket, Key="sealed.txt", Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey=KEY.key
    )
    tour.values.update(file_id=versions["notes.txt"], file_name="notes.txt", sealed_id=sealed["VersionId"])
    secret = send(page, f"/buckets/{bucket}/file/share", [
        ("id", versions["letter.txt"]), ("kind", "link"), ("expiry", "never"), ("password", "open sesame"),
    ])  # fmt: skip
    tour.values["token"] = re.search(r"/s/([\w-]+)", secret)[1]
    invited = send(page, "/operator/invitations/new", [("email", "")])
    tour.values["invitation"] = re.search(r"/sign-up/([\w-]+)", invited)[1]
    send(page, "/members/invite", [
        ("email", "member@example.com"), ("role", "objectWriter"), ("scope", "buckets"), ("bucket", locked[bucket]),
    ])  # fmt: skip
    joining = box.link_to("member@example.com", "invites you")
    tour.values.update(email="member@example.com", joining=joining.rpartition("/")[2])
    send(page, "/keys/new", [("name", "laptop"), ("bucket", ""), ("access", "readWrite")])
    page.goto(f"{tour.server.console_url}/operator/accounts")
    tour.values["account_id"] = tour.server.account_id
    tour.values["key_id"] = tour.server.key_id
    tour.values["moment"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    job = send(page, f"/buckets/{bucket}/transfer", [
        ("prefix", "photos/"), ("target_bucket", locked["website"]), ("target", "copies"),
        ("way", "copy"), ("existing", "skip"),
    ])  # fmt: skip
    tour.values["job_id"] = re.search(r"/jobs/([\w-]+)", job)[1]
    send(page, f"/buckets/{bucket}/snapshot", [("prefix", "photos/"), ("days", "30")])
    tour.values["snapshot_id"] = _snapshot(page)
    receiver.wait_for(lambda: bool(receiver.came))


def _want_another_address(tour: Tour, page: Page, box: Letterbox, password: str) -> None:
    email = "keeper-elsewhere@example.com"
    send(page, "/settings/email", [("email", email), ("again", email), ("password", password)])
    tour.values["new_email"] = box.link_to(email, "Confirm").rpartition("/")[2]


def _have_others_told(tour: Tour, page: Page, box: Letterbox, hook: str) -> None:
    team, boss = "the-whole-team@example.com", "boss@example.com"
    send(page, "/caps/alerts", [("tells_owner", "on"), ("addresses", f"{team} {boss}"), ("webhook_url", hook)])
    tour.values["alerts"] = box.link_to(boss, "alerts of").rpartition("/")[2]
    send(page, box.link_to(team, "alerts of").removeprefix(tour.server.console_url), [])
    send(page, "/caps/alerts/test", [("channel", f"to:{team}")])
    tour.values["unsubscribing"] = box.link_to(team, "A test", containing="unsubscribe").rpartition("/")[2]


def _snapshot(page: Page) -> str:
    """The id of the snapshot that is being made."""
    link = page.get_by_role("link", name="Delete photos-")
    deadline = time.monotonic() + _SNAPSHOT_TIMEOUT_S
    while not link.count():
        assert time.monotonic() < deadline, "the snapshot is not made"
        page.goto(page.url.partition("/operator")[0].partition("/snapshots")[0] + "/snapshots")
    return re.search(r"/snapshots/([^/]+)/delete", link.get_attribute("href") or "")[1]


def _set_rules(tour: Tour, page: Page, hook: str, source: str, destination: str) -> None:
    bucket = tour.values["name"]
    send(page, f"/buckets/{bucket}/events/new", [
        ("name", tour.values["event_rule"]), ("url", hook), ("prefix", ""), ("event", "b2:ObjectCreated:*"),
        ("secret", "0123456789abcdefghijklmnopqrstuv"), ("batch", "1"), ("enabled", "on"),
    ])  # fmt: skip
    send(page, "/replication/new", [
        ("rule", tour.values["replication_rule"]), ("source", source), ("destination", destination), ("prefix", ""),
        ("existing", "on"),
    ])  # fmt: skip
    send(page, "/replication/targets/new", [
        ("target", tour.values["target"]), ("endpoint", "https://api.example.com"), ("bucket", "my-copies"),
        ("key_id", "000abc"), ("key", "the-secret-of-elsewhere"),
    ])  # fmt: skip


def _upload(s3: Any, bucket: str) -> dict[str, str]:
    """Files of several kinds, some with versions, one hidden; the ids of the newest versions."""
    bodies = {
        "letter.txt": b"Dear Anna,\n\nthe pictures are all here now.\n",
        "notes.txt": b"Day 1: rain.\nDay 2: rain.\n",
        "a-name-that-goes-on-and-on-until-no-column-of-any-table-could-hold-it-without-cutting-something-off.csv": b"a,b\n",
        "photos/beach.png": _picture(640, 360),
        "photos/2026/mountain.png": _picture(320, 200),
        "photos/2026/list.json": b'{"pictures": 2}\n',
        "gone.txt": b"gone",
    }
    s3.put_object(Bucket=bucket, Key="notes.txt", Body=b"Day 1: rain.\n", ContentType="text/plain")
    kinds = {"txt": "text/plain", "png": "image/png", "csv": "text/csv", "json": "application/json"}
    versions = {
        key: s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=kinds[key.rpartition(".")[2]])["VersionId"]
        for key, body in bodies.items()
    }
    s3.delete_object(Bucket=bucket, Key="gone.txt")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="unfinished.iso")
    s3.upload_part(
        Bucket=bucket, Key="unfinished.iso", UploadId=upload["UploadId"], PartNumber=1, Body=b"x" * 5_000_000
    )
    return versions


def _picture(width: int, height: int) -> bytes:
    """A PNG of a slope of colours."""
    rows = b"".join(
        b"\0"
        + bytes(
            part
            for x in range(width)
            for part in (90 + y * 90 // height, 130 + x * 60 // width, 200 - y * 70 // height)
        )
        for y in range(height)
    )
    out = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    out.seek(0, io.SEEK_END)
    header = width.to_bytes(4) + height.to_bytes(4) + bytes((8, 2, 0, 0, 0))
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")):
        out.write(len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4))
    return out.getvalue()


def _stop_halfway(page: Page, email: str) -> None:
    """Switch the second factor on, and sign in up to it."""
    origin = page.url.split("/buckets", maxsplit=1)[0]
    page.goto(f"{origin}/settings/two-factor")
    app = TOTP(page.locator(".enroll code").inner_text().replace(" ", ""))
    send(page, "/settings/two-factor", [("code", app.now()), ("password", PASSWORD)])
    page.goto(f"{origin}/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/sign-in/code**")


def _forget_the_password(tour: Tour, box: Letterbox) -> None:
    page = tour.page(STRANGER)
    page.goto(f"{tour.server.console_url}/forgot-password")
    send(page, "/forgot-password", [("email", "beginner@example.com")])
    tour.values["reset"] = box.link_to("beginner@example.com", "Reset").rpartition("/")[2]
    page.close()
