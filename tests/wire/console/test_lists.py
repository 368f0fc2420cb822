"""Lists of the console as tables to keep, and what they are narrowed by: jobs, share links, snapshots, members and keys."""

from __future__ import annotations

import csv
import io
import re
from typing import NamedTuple

import pytest

from harness.console_forms import Browser
from harness.native_session import Session


class House(NamedTuple):
    """A browser of somebody who has two of everything, and the bucket that it is in."""

    browser: Browser
    bucket: str


class Listed(NamedTuple):
    """A list: its path, two texts of which one finds each of the things in it, and the column that has them."""

    path: str
    one: str
    other: str
    column: str


LISTS = {
    "keys": Listed("/keys", "READER", "writer", "name"),
    "jobs": Listed("/jobs", "/ONE/", "/two/", "job"),
    "shares": Listed("/buckets/{name}/shares", "ONE/ä", "two/=", "file"),
    "snapshots": Listed("/snapshots", "/ONE/", "/two/", "of"),
    "members": Listed("/members", "ANNA@", "object writer", "email"),
}


@pytest.fixture(scope="module")
def house(server, new_name):
    email, bucket = f"{new_name('lists')}@example.com", new_name("lists")
    made = server.create_account(email)
    session = Session(server.api_url, made["keyId"], made["applicationKey"])
    bucket_id = session.create_bucket(bucket)["bucketId"]
    browser = Browser(server)
    browser.sign_in(email)
    token = browser.token("/keys")
    for name, file in (("reader", "one/Ä.txt"), ("writer", "two/=1+1")):
        file_id = session.upload(bucket_id, file, b"data")["fileId"]
        session.call(
            "b2_create_key",
            accountId=made["accountId"],
            keyName=name,
            capabilities=["readFiles"],
            bucketIds=[bucket_id],
        ).ok()
        fields = {"kind": "link", "expiry": "never", "password": "", "downloads": ""}
        assert browser.post(f"/buckets/{bucket}/file/share?id={file_id}", fields, token=token).status_code == 200
        folder = file.partition("/")[0] + "/"
        begun = browser.post(f"/buckets/{bucket}/snapshot", {"prefix": folder, "days": "30"}, token=token)
        browser.until(begun.headers["location"].partition("?")[0], r'class="badge good">Done')
    for member, role in (("anna@example.com", "objectViewer"), ("=bert@example.com", "objectWriter")):
        fields = {"email": member, "role": role, "scope": "account"}
        assert browser.post("/members/invite", fields, token=token).status_code == 200
    return House(browser, bucket)


def table(house, path, query=""):
    answer = house.browser.get(f"{path}.csv{query}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert ".csv" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


@pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS)
def test_the_file_of_a_list_has_a_row_for_each_and_no_formula(house, listed):
    rows = table(house, listed.path.format(name=house.bucket))
    assert len([row for row in rows if row[listed.column]]) == (3 if listed.path == "/keys" else 2)
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS)
def test_a_list_and_its_file_are_narrowed_to_what_has_a_text(house, listed):
    path = listed.path.format(name=house.bucket)
    found = []
    for text in (listed.one, listed.other):
        [row] = table(house, path, f"?filter={text}")
        found.append(row)
        page = house.browser.get(f"{path}?filter={text}").text
        assert len(re.findall(r"<th scope=\"row\"", page)) == 1
        assert ">1 found<" in page
    assert found[0] != found[1]
    assert table(house, path, "?filter=nothing+has+this") == []
    assert "Nothing here has" in house.browser.get(f"{path}?filter=%3Cnothing%3E").text
    assert "<nothing>" not in house.browser.get(f"{path}?filter=%3Cnothing%3E").text


def test_the_file_of_share_links_and_keys_has_no_secret(house):
    for path in ("/keys", f"/buckets/{house.bucket}/shares"):
        text = house.browser.get(f"{path}.csv").text
        assert "K0" not in text
        assert "/s/" not in text
