"""Secrets of people in logs, in the audit log and in storage (CWE-532, CWE-312), after everything that one can do with them (P8)."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, urlsplit

import pytest
from pyotp import TOTP

from harness.console_forms import Browser
from harness.hostile import Client
from harness.mail_server import serving_mail
from harness.server import Server

PASSWORD, CHANGED, RESET = "seven quiet harbours", "eight louder harbours", "nine shining harbours"
WRONG = "a password that was mistyped"
SHARED, HOOK, HEADER, ELSEWHERE = (
    "open sesame please",
    "0123456789abcdefghijklmnopqrstuv",
    "Bearer-of-a-header",
    "K-of-another-service",
)
CUSTOMER = base64.b64encode(b"k" * 16 + b"of-the-customer!").decode()
EMAIL = "secretive@example.com"


class Story:
    """Everything that somebody does with secrets, and what they were."""

    def __init__(self, server, box):
        self.server = server
        self.secrets = {
            "password": PASSWORD, "changed password": CHANGED, "reset password": RESET, "wrong password": WRONG, "password of a link": SHARED,
            "webhook's secret": HOOK, "webhook's header": HEADER, "key of a target": ELSEWHERE, "customer's key": CUSTOMER,
        }  # fmt: skip
        made = server.create_account(EMAIL, PASSWORD)
        self.browser = Browser(server)
        self.operator = Browser(server)
        assert self.operator.sign_in(server.announcement["email"], server.announcement["password"]).status_code == 303
        invited = self.operator.post("/operator/invitations/new", {"email": ""}, token=self.operator.token("/buckets"))
        invitation = self.operator.get(invited.headers["location"]).text if invited.status_code == 303 else invited.text
        self.secrets["invitation"] = re.search(r"/sign-up/([\w-]+)", invitation)[1]
        assert self.browser.sign_in(EMAIL, WRONG).status_code == 422
        assert self.browser.sign_in(EMAIL, PASSWORD).status_code == 303
        self._with_buckets(Client(server, made["keyId"], made["applicationKey"]))
        self._with_keys(made)
        self._with_passwords(box)

    def post(self, path, status=303, **fields):
        answer = self.browser.post(path, fields, token=self.browser.token("/settings"))
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer

    def _with_buckets(self, api):
        fields = {"accountId": api.account_id, "bucketName": "secretive", "bucketType": "allPrivate"}
        bucket_id = api.ok("b2_create_bucket", **fields)["bucketId"]
        customer = {
            "x-amz-server-side-encryption-customer-algorithm": "AES256",
            "x-amz-server-side-encryption-customer-key": CUSTOMER,
        }
        api.s3("PUT", "/secretive/sealed", customer, b"x")
        file_id = api.s3("PUT", "/secretive/open", body=b"x").headers["x-amz-version-id"]
        link = self.post("/buckets/secretive/file/share", 200, id=file_id, kind="link", expiry="never", password=SHARED)
        token = self.secrets["token of a link"] = re.search(r"/s/([\w-]+)", link.text)[1]
        for password in (WRONG, SHARED):
            self.browser.post(f"/s/{token}", {"password": password}, token=self.browser.token("/settings"))
        rule = {
            "name": "rule",
            "prefix": "",
            "event": "b2:ObjectCreated:*",
            "batch": "1",
            "enabled": "on",
            "secret": HOOK,
        }
        hook = {"url": "https://127.0.0.1:9/", "header_name": "x-key", "header_value": HEADER}
        for wrong in ({"batch": "x"}, {}):
            self.browser.post(
                "/buckets/secretive/events/new", {**rule, **hook, **wrong}, token=self.browser.token("/settings")
            )
        target = {
            "target": "offsite",
            "endpoint": "https://127.0.0.1:9",
            "bucket": "copies",
            "key_id": "000",
            "key": ELSEWHERE,
        }
        for wrong in ({"endpoint": "x"}, {}):
            self.browser.post("/replication/targets/new", {**target, **wrong}, token=self.browser.token("/settings"))
        api.s3("PUT", "/secretive/told-of", body=b"x")
        assert bucket_id

    def _with_keys(self, made):
        self.secrets["application key"] = made["applicationKey"]
        for what, path, fields in (
            ("made", "/keys/new", {"name": "laptop", "bucket": "", "access": "readWrite"}),
            ("rotated", f"/keys/{made['keyId']}/rotate", {"retire": "0"}),
            ("master", "/keys/master", {"confirm": EMAIL, "password": PASSWORD}),
        ):
            answer = self.browser.post(path, fields, token=self.browser.token("/settings"))
            found = re.search(r"applicationKey: (\S{31})", answer.text)
            assert found, (what, answer.status_code, answer.text[:3000])
            self.secrets[f"key that was {what}"] = found[1]

    def _with_passwords(self, box):
        self.post("/settings/password", current_password=PASSWORD, password=CHANGED, password_again=CHANGED)
        page = self.browser.get("/settings/two-factor").text
        secret = self.secrets["second factor"] = "".join(re.search(r"<code>([A-Z2-7 ]{20,})</code>", page)[1].split())
        for wrong in ({}, {"password": WRONG}):  # A session alone sets up nothing.
            self.post("/settings/two-factor", 422, code=TOTP(secret).now(), **wrong)
        codes = self.post("/settings/two-factor", 200, code=TOTP(secret).now(), password=CHANGED).text
        for number, code in enumerate(re.findall(r"[a-z2-9]{4}(?:-[a-z2-9]{4}){3}", codes)):
            self.secrets[f"recovery code {number}"] = code
        assert "recovery code 9" in self.secrets
        assert self.browser.sign_in(EMAIL, CHANGED).headers["location"].startswith("/sign-in/code")
        self.secrets["pending"] = next(each.value for each in self.browser.session.cookies if "pending" in each.name)
        self.browser.post("/sign-in/code", {"code": self.secrets["recovery code 0"], "trust": "on"})
        self.secrets["trust"] = next(each.value for each in self.browser.session.cookies if "trust" in each.name)
        self.secrets["session"] = next(each.value for each in self.browser.session.cookies if "session" in each.name)
        assert self.browser.get("/settings").status_code == 200
        self.browser.post("/forgot-password", {"email": EMAIL})
        path = urlsplit(box.link_to(EMAIL, "Reset")).path
        self.secrets["link of a reset"] = path.rpartition("/")[2]
        self.browser.get(path)
        self.post(path, password=RESET, password_again=RESET)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    with serving_mail() as (box, port):
        options = (
            "--smtp-url",
            f"smtp://127.0.0.1:{port}",
            "--mail-from",
            "console@example.com",
            "--sign-up",
            "invitation",
            "--allow-targets",
            "127.0.0.0/8",
        )
        server = Server(tmp_path_factory.mktemp("secretive") / "data", options=options).start()
        try:
            yield Story(server, box)
        finally:
            server.stop()


def forms_of(secret):
    return {
        form.encode()
        for form in (
            secret,
            quote(secret),
            quote(secret, safe=""),
            secret.replace(" ", "+"),
            base64.b64encode(secret.encode()).decode(),
        )
    }


def assert_none(story, text, where):
    for name, secret in story.secrets.items():
        for form in forms_of(secret):
            assert form not in text, (name, where)


def test_the_logs_have_no_secret_of_people_in_them(story):
    assert_none(story, story.server.log_file.read_bytes(), "log")


def test_the_audit_log_and_its_csv_have_no_secret_of_people_in_them(story):
    for path in ("/operator/audit.csv", "/operator/audit"):
        text = story.operator.get(path).content
        assert EMAIL.encode() in text
        assert_none(story, text, path)


def test_the_catalog_has_no_secret_of_people_in_the_clear(story):
    stored = b"".join(path.read_bytes() for path in story.server.data_dir.glob("catalog*") if path.is_file())
    assert b"secretive" in stored
    assert_none(story, stored, "catalog")


def test_metrics_have_no_secret_of_people_in_them(story):
    assert_none(story, story.server.get("/metrics", console=True)[1], "metrics")
