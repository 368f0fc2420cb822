"""Links that strangers hold (CWE-639, CWE-307, CWE-613), and zips whose paths lead elsewhere (CWE-22, "zip slip")."""

from __future__ import annotations

import io
import os
import posixpath
import re
import zipfile
from urllib.parse import quote

import pytest
import requests

from harness.clients import boto3_client
from harness.console_forms import Browser
from harness.processes import wait_until
from harness.server import run_command
from undercroft import limits

SECRET = b"the owner's secret"


@pytest.fixture(scope="module")
def people(server, new_name):
    """An owner and a stranger, both signed in, and the owner's S3 client."""
    emails = [f"{new_name(stem)}@example.com" for stem in ("sharer", "prowler")]
    made, _ = [server.create_account(email) for email in emails]
    s3 = boto3_client(server, key=(made["keyId"], made["applicationKey"]))
    owner, stranger = Browser(server), Browser(server)
    for browser, email in zip((owner, stranger), emails, strict=True):
        assert browser.sign_in(email).status_code == 303
    return owner, stranger, s3


@pytest.fixture(scope="module")
def bucket(people, new_name):
    name = new_name("shared-files")
    people[2].create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def version(people, bucket):
    return people[2].put_object(Bucket=bucket, Key="in/secret.txt", Body=SECRET)["VersionId"]


def _link(owner, bucket, version, **fields):
    """The path of a new link."""
    answer = owner.post(f"/buckets/{bucket}/file/share", {"id": version, "kind": "link", "expiry": "3600", **fields})
    found = re.search(r'value="http[^"]*(/s/[A-Za-z0-9_-]+)"', answer.text)
    assert found, answer.text
    return found[1]


def _fetch(forms, path, **fields):
    """What the API gives whoever sends the form of a link; None where the form leads nowhere."""
    answer = forms.post(path, fields)
    found = re.search(r'content="0; url=([^"]+)"', answer.text)
    return answer, None if found is None else requests.get(found[1].replace("&amp;", "&"), timeout=60)


def test_a_link_gives_its_version_to_strangers_and_nothing_else(people, server, bucket, version):
    owner, _, s3 = people
    path = _link(owner, bucket, version)
    s3.put_object(Bucket=bucket, Key="in/secret.txt", Body=b"a later version")
    stranger = Browser(server)
    _, file = _fetch(stranger, path)
    assert (file.status_code, file.content) == (200, SECRET)
    token = re.search(r"Authorization=([^&]+)", file.url)[1]
    for target in (
        f"/file/{bucket}/in/secret.txt?Authorization={token}",
        f"/b2api/v4/b2_download_file_by_id?fileId={version}&Authorization={token}",
        f"/b2api/v4/b2_download_file_by_id?fileId={version}&Authorization={token}&b2ContentDisposition=inline",
    ):
        assert requests.get(server.api_url + target, timeout=60).status_code == 401, target
    for call in ("b2_list_file_names", "b2_get_file_info"):
        answer = requests.post(
            f"{server.api_url}/b2api/v4/{call}", json={"fileId": version}, headers={"Authorization": token}, timeout=60
        )
        assert answer.status_code == 401


def test_links_that_were_never_made_are_all_alike(people, server, bucket, version):
    path = _link(people[0], bucket, version)
    stranger = Browser(server)
    pages = set()
    for guess in (
        path[:-1],
        path + "A",
        path.swapcase().replace("/S/", "/s/"),
        "/s/x",
        "/s/" + "A" * 32,
        "/s/..%2f..%2fbuckets",
    ):
        answer = stranger.get(guess)
        assert answer.status_code in (303, 404), guess
        if answer.status_code == 404 and "/s/" in guess:
            pages.add(re.sub(r'content="[0-9a-f]{64}"|value="[^"]*"', "", answer.text))
    assert len(pages) <= 2  # A path with slashes is none of a link at all.


def test_a_link_ends_with_its_time_and_at_once_when_it_is_revoked(people, server, bucket, version):
    owner, stranger = people[0], Browser(server)
    brief = _link(owner, bucket, version, expiry="1")
    wait_until(lambda: stranger.get(brief).status_code == 404, "the link to expire", timeout_s=60)
    path = _link(owner, bucket, version)
    assert stranger.get(path).status_code == 200
    page = owner.get(f"/buckets/{bucket}/shares").text
    share = re.search(r'name="share" value="([0-9a-f]+)"', page)[1]
    assert owner.post(f"/buckets/{bucket}/shares/revoke", {"share": share}).status_code == 303
    assert stranger.get(path).status_code == 404


def test_a_link_is_of_its_version_hidden_or_not_until_that_is_deleted(people, server, new_name):
    owner, _, s3 = people
    bucket = new_name("fleeting-files")
    s3.create_bucket(Bucket=bucket)
    version = s3.put_object(Bucket=bucket, Key="in/fleeting.txt", Body=SECRET)["VersionId"]
    path, stranger = _link(owner, bucket, version), Browser(server)
    marker = s3.delete_object(Bucket=bucket, Key="in/fleeting.txt")["VersionId"]
    _, file = _fetch(stranger, path)
    assert (file.status_code, file.content) == (200, SECRET)
    assert owner.post(f"/buckets/{bucket}/file/share", {"id": marker, "kind": "link"}).status_code in (404, 409, 422)
    s3.delete_object(Bucket=bucket, Key="in/fleeting.txt", VersionId=version)
    assert requests.get(file.url, timeout=60).status_code == 401  # As for what there never was.
    assert stranger.get(path).status_code == 404
    again = s3.put_object(Bucket=bucket, Key="in/fleeting.txt", Body=b"what came later")["VersionId"]
    assert again != version
    assert stranger.get(path).status_code == 404


def test_a_link_dies_with_its_account_and_comes_back_with_it(server, new_name):
    email, name = f"{new_name('suspended')}@example.com", new_name("suspended-files")
    made = server.create_account(email)
    s3 = boto3_client(server, key=(made["keyId"], made["applicationKey"]))
    s3.create_bucket(Bucket=name)
    owner, stranger = Browser(server), Browser(server)
    assert owner.sign_in(email).status_code == 303
    path = _link(owner, name, s3.put_object(Bucket=name, Key="x", Body=SECRET)["VersionId"])
    _, file = _fetch(stranger, path)
    assert file.status_code == 200
    data = ("--data", str(server.data_dir))
    run_command("account", "suspend", *data, email, home=server.data_dir.parent)
    assert stranger.get(path).status_code == 404
    assert requests.get(file.url, timeout=60).status_code == 401
    run_command("account", "resume", *data, email, home=server.data_dir.parent)
    assert _fetch(stranger, path)[1].status_code == 200


def test_the_page_of_a_link_tells_others_nothing_and_keeps_its_address_to_itself(people, server, bucket, version):
    path = _link(people[0], bucket, version, password="correct horse battery")
    for answer in (
        Browser(server).get(path),
        _fetch(Browser(server), path, password="correct horse battery")[0],
        Browser(server).get("/s/none"),
    ):
        headers = answer.headers
        assert headers["x-robots-tag"] == "noindex, nofollow"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        for word in (bucket, "sharer", people[0].origin.replace("http://", "sharer@")):
            assert word not in re.sub(r'(content|href)="[^"]*"', "", answer.text)


def test_a_password_cannot_be_guessed_by_trying_many(people, server, bucket, version):
    path = _link(people[0], bucket, version, password="correct horse")
    stranger = Browser(server)
    statuses = [_fetch(stranger, path, password=f"guess {n}")[0].status_code for n in range(limits.SHARE_TRIES_MAX + 1)]
    assert statuses == [403] * limits.SHARE_TRIES_MAX + [429]
    answer, file = _fetch(Browser(server), path, password="correct horse")
    assert (answer.status_code, file) == (429, None)


def test_nobody_sees_or_changes_files_and_links_of_another_account(people, bucket, version):
    owner, stranger, s3 = people
    path = _link(owner, bucket, version)
    share = re.search(r'name="share" value="([0-9a-f]+)"', owner.get(f"/buckets/{bucket}/shares").text)[1]
    for page in (
        "files", "search?text=s", "size", "shares", "new-folder", f"file?id={version}", f"file/download?id={version}", f"file/share?id={version}",
        f"file/rename?id={version}", f"file/describe?id={version}", f"file/delete?id={version}", f"file/retention?id={version}", "go?path=in/",
    ):  # fmt: skip
        answer = stranger.get(f"/buckets/{bucket}/{page}")
        assert answer.status_code == 403, page
        assert "secret.txt" not in answer.text
    for action, fields in (
        ("selection/zip", {"choose": "name:in/"}),
        ("selection/delete", {"choose": "name:in/", "how": "all"}),
        ("selection/hold", {"choose": "name:in/", "hold": "on"}),
        ("file/delete", {"id": version}),
        ("file/hide", {"id": version}),
        ("file/restore", {"id": version}),
        ("file/rename", {"id": version, "path": "mine"}),
        ("file/share", {"id": version, "expiry": "3600"}),
        ("new-folder", {"folder": "mine"}),
        ("shares/revoke", {"share": share}),
    ):
        assert stranger.post(f"/buckets/{bucket}/{action}", fields).status_code == 403, action
    assert owner.get(path).status_code == 200
    found = s3.list_object_versions(Bucket=bucket)
    assert version in [row["VersionId"] for row in found["Versions"]]
    assert "DeleteMarkers" not in found


def test_an_id_of_another_bucket_is_none_of_ones_own(people, server, bucket, version):
    own = f"prowling-{os.getpid()}"
    stranger = people[1]
    assert (
        stranger.post(
            "/buckets/new", {"name": own, "type": "allPrivate", "encryption": "enable", "lock": "disable"}
        ).status_code
        == 303
    )
    for page in ("file", "file/download", "file/share", "file/rename"):
        assert stranger.get(f"/buckets/{own}/{page}?id={version}").status_code in (404, 409, 403), page
    assert stranger.post(f"/buckets/{own}/file/delete", {"id": version}).status_code in (404, 409, 403)


def test_no_path_in_a_zip_leads_out_of_where_it_is_unpacked(people, bucket, tmp_path):
    owner, _, s3 = people
    names = ["../../evil", "/etc/evil", "a/../../evil", "C:\\evil", "..\\evil", "a//evil", "fine.txt"]
    for name in names:
        s3.put_object(Bucket=bucket, Key=f"zip/{name}", Body=name.encode())
    answer = owner.post(f"/buckets/{bucket}/selection/zip", {"prefix": "zip/", "choose": "name:zip/"})
    assert answer.headers["content-type"] == "application/zip"
    made = zipfile.ZipFile(io.BytesIO(answer.content))
    assert sorted(made.read(path).decode() for path in made.namelist()) == sorted(names)
    for path in made.namelist():
        assert not path.startswith("/")
        assert posixpath.normpath(path) == path
        assert ".." not in path.split("/")
        assert not set(path) & set("\\:")
    made.extractall(tmp_path / "unpacked")
    assert {path.name for path in tmp_path.iterdir()} == {"unpacked"}


def test_a_name_cannot_add_headers_to_the_answers_about_it(people, bucket):
    owner, _, s3 = people
    name = 'a\r\nSet-Cookie: x=1\r\n\r\n"; filename=evil.exe'
    version = s3.put_object(Bucket=bucket, Key=name, Body=b"x")["VersionId"]
    answer = owner.get(f"/buckets/{bucket}/file/download?id={version}")
    assert answer.status_code == 303
    assert "x=1" not in answer.headers.get("set-cookie", "")
    file = requests.get(answer.headers["location"], timeout=60)
    assert (file.status_code, file.content) == (200, b"x")
    assert "set-cookie" not in file.headers
    assert 'filename="a__Set-Cookie: x=1_____; filename=evil.exe"' in file.headers["content-disposition"]
    assert owner.get(f"/buckets/{bucket}/files?prefix={quote(name[:3])}").status_code == 200
