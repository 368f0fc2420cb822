"""CORS rules as S3's XML on the page of a bucket: what it exports it imports, and what is hostile changes nothing."""

from __future__ import annotations

import json
import re
import secrets

import pytest

from harness.console_forms import Browser

RULE = (
    "<CORSRule><ID>my own id</ID><AllowedOrigin>https://a.example</AllowedOrigin>"
    "<AllowedMethod>GET</AllowedMethod></CORSRule>"
)
NATIVE = {
    "corsRuleName": "native-rule", "allowedOrigins": ["*"], "allowedOperations": ["b2_upload_file"], "maxAgeSeconds": 1,
}  # fmt: skip


@pytest.fixture
def browser(server):
    browser = Browser(server)
    browser.email = f"cors-{secrets.token_hex(6)}@example.com"
    server.create_account(browser.email)
    assert browser.sign_in(browser.email).status_code == 303
    return browser


@pytest.fixture
def path(browser):
    """The page of a bucket that has a rule for the native API."""
    name = f"xml-{secrets.token_hex(6)}"
    assert browser.post("/buckets/new", {"name": name, "type": "allPrivate"}).status_code == 303
    path = f"/buckets/{name}/cors"
    assert save(browser, path, choice="import", json=json.dumps([NATIVE])).status_code == 303
    return path


def save(browser, path, **fields):
    revision = re.search(r'name="revision" value="(\d+)"', browser.get(path).text)[1]
    return browser.post(path, {"revision": revision, **fields})


def rules(browser, path):
    return json.loads(browser.get(path + "/rules.json").content)


def test_rules_for_s3_are_imported_beside_those_for_the_native_api_and_exported_as_they_came(browser, path):
    assert "rules.xml" not in browser.get(path).text
    # Copied from a file of any encoding, the text is in none of it any more.
    pasted = f'\ufeff<?xml version="1.0" encoding="UTF-16"?>\n<CORSConfiguration>{RULE}</CORSConfiguration>\n'
    assert save(browser, path, choice="import-xml", xml=pasted).status_code == 303
    assert [rule["corsRuleName"] for rule in rules(browser, path)] == ["native-rule", "s3-rule-1"]
    assert "rules.xml" in browser.get(path).text
    exported = browser.get(path + "/rules.xml")
    assert exported.headers["content-type"] == "application/xml"
    assert exported.headers["content-disposition"].endswith('-cors.xml"')
    assert RULE in exported.text
    before = rules(browser, path)
    assert save(browser, path, choice="import-xml", xml=exported.text).status_code == 303
    assert (rules(browser, path), browser.get(path + "/rules.xml").text) == (before, exported.text)


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><CORSConfiguration>{rule}</CORSConfiguration>',
        "<CORSConfiguration>" + "<a>" * 100_000,
        "<CORSConfiguration/>",
        "<CORSConfiguration>{rule}{rule}</CORSConfiguration>",
        "<CORSConfiguration><CORSRule><ID>" + "i" * 256 + "</ID><AllowedOrigin>*</AllowedOrigin>"
        "<AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>",
        "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PATCH</AllowedMethod>"
        "</CORSRule></CORSConfiguration>",
        "[]",
        "",
    ],
)
def test_a_document_that_cannot_be_taken_is_shown_again_with_what_is_wrong_and_changes_nothing(browser, path, xml):
    answer = save(browser, path, choice="import-xml", xml=xml.format(rule=RULE))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert [rule["corsRuleName"] for rule in rules(browser, path)] == ["native-rule"]
