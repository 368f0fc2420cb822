"""A file under a customer's key is downloaded by a form, and nothing remembers the key (P8)."""

from __future__ import annotations

import base64

import pytest

from harness.clients import boto3_client
from harness.console_forms import Browser
from harness.customer_keys import KEY, OTHER_KEY

BODY = bytes(range(256)) * 3000  # More than is kept in a row of the catalog.


@pytest.fixture(scope="module")
def account(server, new_name):
    return server.create_account(f"{new_name('own-key')}@example.com")


@pytest.fixture(scope="module")
def s3(server, account):
    return boto3_client(server, key=(account["keyId"], account["applicationKey"]))


@pytest.fixture(scope="module")
def bucket(s3, new_name):
    name = new_name("own-key")
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def browser(server, account):
    made = Browser(server)
    assert made.sign_in(account["email"]).status_code == 303
    return made


def put(s3, bucket, name, body=BODY, key=KEY.key):
    return s3.put_object(
        Bucket=bucket, Key=name, Body=body, SSECustomerAlgorithm="AES256", SSECustomerKey=key, ContentType="text/html"
    )["VersionId"]


def download(browser, bucket, file_id, key):
    token = browser.token(f"/buckets/{bucket}/file?id={file_id}")
    return browser.post(f"/buckets/{bucket}/file/own-key?id={file_id}", {"customer_key": key}, token=token)


@pytest.mark.parametrize("body", [b"", b"<script>", BODY], ids=len)
def test_the_form_with_the_right_key_downloads_the_file_as_nothing_that_a_browser_shows(browser, s3, bucket, body):
    file_id = put(s3, bucket, "in/a page.html", body)
    answer = download(browser, bucket, file_id, KEY.text)
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["content-disposition"].startswith('attachment; filename="a page.html"')
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_key_of_32_characters_is_taken_as_it_is(browser, s3, bucket):
    text = "0123456789abcdefghijklmnopqrstuv"
    file_id = put(s3, bucket, "characters", key=text)
    for typed in (text, f" {text}\n", base64.b64encode(text.encode()).decode()):
        assert download(browser, bucket, file_id, typed).content == BODY


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (OTHER_KEY.text, "another key"),
        ("", "A key is 32 bytes"),
        ("too-short-for-any", "A key is 32 bytes"),
        (base64.b64encode(b"x" * 31).decode(), "A key is 32 bytes"),
        (base64.b64encode(b"x" * 33).decode(), "A key is 32 bytes"),
        ("é" * 44, "A key is 32 bytes"),
    ],
    ids=["other", "empty", "short", "31", "33", "no-base64"],
)
def test_another_key_or_none_is_said_beside_the_field_and_not_shown_again(browser, s3, bucket, key, said):
    answer = download(browser, bucket, put(s3, bucket, "refused"), key)
    assert answer.status_code == 422
    assert said in answer.text
    assert not key or key not in answer.text


def test_the_key_is_in_no_log(server, browser, s3, bucket):
    file_id = put(s3, bucket, "logged")
    for key in (KEY.text, OTHER_KEY.text):
        download(browser, bucket, file_id, key)
    audit = browser.get("/audit.csv").text
    assert "Download with own key" in audit
    assert f"{bucket}/logged" in audit
    for text in (audit, server.log_file.read_text()):
        assert KEY.text not in text
        assert OTHER_KEY.text not in text


def test_a_file_that_needs_no_key_is_not_downloaded_by_the_form(browser, s3, bucket):
    plain = s3.put_object(Bucket=bucket, Key="plain", Body=b"x")["VersionId"]
    answer = download(browser, bucket, plain, KEY.text)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/buckets/{bucket}/file?id={plain}")


def test_the_address_of_the_form_leads_to_the_page_of_the_file(browser, s3, bucket):
    file_id = put(s3, bucket, "reloaded")
    answer = browser.get(f"/buckets/{bucket}/file/own-key?id={file_id}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/buckets/{bucket}/file?id={file_id}")
