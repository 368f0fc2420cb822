"""Forms with several faults: one answer names each, beside its field and in the summary above, and nothing is changed."""

from __future__ import annotations

import re

import pytest

from harness.console_forms import Browser
from harness.server import run_command

FORMS = {
    "bucket": (
        "/buckets/new",
        {
            "name": "no", "type": "allPrivate", "lock": "enable", "lifecycle": "days", "days": "", "mode": "governance",
            "retention_days": "never", "origin": "nothing",
        },
        {"name", "days", "retention_days", "origin"},
    ),
    "key": (
        "/keys/new",
        {"name": "?", "access": "custom", "bucket": "some", "duration": "long", "expires_on": ""},
        {"name", "access", "bucket", "duration"},
    ),
    "event rule": (
        "/buckets/{name}/events/new",
        {"name": "?", "url": "no address", "secret": "short", "batch": "many", "header_name": ["b ad"], "header_value": ["x"]},
        {"name", "event", "url", "secret", "batch", "headers"},
    ),
    "replication": ("/replication/new", {"rule": "?", "source": "", "destination": ""}, {"rule", "source", "destination"}),
    "target": (
        "/replication/targets/new",
        {"target": "", "endpoint": "http://x", "bucket": "b", "key_id": "", "key": ""},
        {"target", "endpoint", "bucket", "key_id", "key"},
    ),
    "alerts": (
        "/caps/alerts",
        {"at_storage": "much", "at_files": "0", "addresses": "nobody", "webhook_url": "http://x", "webhook_secret": ""},
        {"at_storage", "at_files", "addresses", "webhook_url"},
    ),
    "caps of a bucket": ("/caps/buckets/{name}", {"size": "much", "files": "-1", "requests": "x"}, {"size", "files", "requests"}),
    "profile": ("/settings", {"name": "x" * 300, "time_zone": "Nowhere"}, {"name", "time_zone"}),
    "e-mail": (
        "/settings/email",
        {"email": "no address", "again": "another", "password": "wrong"},
        {"email", "again", "password"},
    ),
    "password": (
        "/settings/password",
        {"current_password": "wrong", "password": "short", "password_again": "other"},
        {"current_password", "password", "password_again"},
    ),
    "end of the account": ("/settings/delete", {"confirm": "another", "password": "wrong"}, {"confirm", "password"}),
    "account": ("/operator/accounts/new", {"email": "no address", "password": "short"}, {"email", "password"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def somebody(server, new_name):
    email, bucket = f"{new_name('faulty')}@example.com", new_name("faulty")
    made = server.create_account(email)
    data = ("--data", str(server.data_dir))
    run_command("account", "grant-operator", made["accountId"], *data, home=server.data_dir.parent)
    browser = Browser(server)
    browser.sign_in(email)
    assert browser.post("/buckets/new", {"name": bucket}).status_code == 303
    return browser, bucket


@pytest.mark.parametrize(("path", "fields", "wrong"), FORMS.values(), ids=FORMS)
def test_one_answer_names_every_fault_of_a_form(somebody, path, fields, wrong):
    browser, bucket = somebody
    answer = browser.post(path.format(name=bucket), fields, token=browser.token("/buckets"))
    assert answer.status_code == 422
    assert set(re.findall(r'id="e-([\w-]+)"', answer.text)) == wrong
    summary = re.search(r"data-error-summary>.*?</ul>", answer.text, re.DOTALL)[0]
    said = {text.strip() for text in re.findall(r'class="error" id="e-[\w-]+">(?:<svg.*?</svg>)?([^<]+)<', answer.text)}
    assert {text.strip() for text in re.findall(r"<li>([^<]+)</li>", summary)} == said


def test_every_custom_lifecycle_rule_that_is_wrong_is_named(somebody):
    browser, bucket = somebody
    columns = ("fileNamePrefix", "daysFromUploadingToHiding", "daysFromHidingToDeleting")
    cells = [("a/", "b/", "c/"), ("x", "", "5"), ("", "", "")]
    fields = {"choice": "custom", **dict(zip(columns, cells, strict=True))}
    fields["daysFromStartingToCancelingUnfinishedLargeFiles"] = ("", "", "")
    answer = browser.post(f"/buckets/{bucket}/lifecycle", fields, token=browser.token("/buckets"))
    assert answer.status_code == 422
    assert "is no number of days" in answer.text
    assert "sets no number of days" in answer.text


def test_somebody_who_was_invited_hears_of_every_fault(somebody, server):
    browser, _ = somebody
    page = browser.post("/operator/invitations/new", {"email": ""}, token=browser.token("/buckets")).text
    path = re.search(r"/sign-up/[\w-]{43}", page)[0]
    answer = Browser(server).post(path, {"email": "no address", "password": "short", "name": "x" * 300})
    assert answer.status_code == 422
    assert set(re.findall(r'id="e-([\w-]+)"', answer.text)) == {"email", "password", "name"}
