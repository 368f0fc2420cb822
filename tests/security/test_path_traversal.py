"""Path traversal (CWE-22) and paths that two readers take for different things (CWE-436)."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from harness.hostile import as_request, converse

NAMES = [
    "../../../../etc/passwd",
    "..",
    ".",
    "/",
    "//",
    "/etc/passwd",
    "a/../b",
    "a/./b",
    "a//b",
    "a/",
    "..%2f..%2fescaped",
    "%2e%2e/%2e%2e",
    "\\..\\..\\windows",
    "C:\\autoexec.bat",
    "~root/x",
    "$HOME",
    "`id`",
    "; rm -rf x",
    "file:///etc/passwd",
    "master.key",
    "catalog.db",
    "a?versionId=x",
    "a#fragment",
    "a b+c&d=e",
    "schön/😀",
    "\u202egpj.exe",
    "e\u0301 and \u00e9",
    "con", "nul",
    "x" * 1024,
]  # fmt: skip
CONTROLS = ["a\0b", "\0", "a\r\nb", "\x01\x1b[31m", "\x7f"]


@pytest.fixture(scope="module")
def bucket(make_bucket):
    return make_bucket()


def files_of(server) -> set[Path]:
    """Every file and folder around the data directory."""
    return set(server.data_dir.parent.rglob("*"))


def test_every_name_is_a_name_of_its_own_and_never_a_path(server, owner, make_bucket):
    name, bucket_id = make_bucket()
    outside_before = {path for path in files_of(server) if server.data_dir not in path.parents}
    for number, key in enumerate([*NAMES, *CONTROLS]):
        assert owner.s3("PUT", f"/{name}/{quote(key, safe='')}", body=b"%d" % number).status == 200, key
    for number, key in enumerate([*NAMES, *CONTROLS]):
        assert owner.s3("GET", f"/{name}/{quote(key, safe='')}").body == b"%d" % number, key
        headers = {"Authorization": owner.token}
        assert owner.send("GET", f"/file/{name}/{quote(key, safe='')}", headers).body == b"%d" % number, key
    listed = owner.ok("b2_list_file_names", bucketId=bucket_id, maxFileCount=1000)["files"]
    assert sorted(row["fileName"] for row in listed) == sorted([*NAMES, *CONTROLS])
    files = files_of(server)
    assert {path for path in files if server.data_dir not in path.parents} == outside_before
    for word in ("passwd", "escaped", "windows", "autoexec", "schön"):
        assert not [path for path in files if word in path.name]


@pytest.mark.parametrize("name", [name for name in NAMES if len(name) < 1000])
def test_a_large_body_under_an_odd_name_stays_among_the_blobs(server, owner, bucket, name):
    before = files_of(server)
    assert owner.s3("PUT", f"/{bucket[0]}/{quote(name, safe='')}", body=b"x" * 70_000).status == 200
    blobs = {path for path in files_of(server) - before if path.parent.name != "metrics"}
    assert blobs
    assert {server.data_dir / "blobs"} == {
        path.parents[len(path.relative_to(server.data_dir).parts) - 2] for path in blobs
    }


def test_paths_are_not_normalised_between_the_signature_and_the_key(owner, bucket):
    name, _ = bucket
    owner.s3("PUT", f"/{name}/plain", body=b"plain")
    for spelling in ("./plain", "x/../plain", "/plain", "plain/", "plain/.", "%2e/plain", "plain%2f", "plain%00"):
        answer = owner.s3("GET", f"/{name}/{spelling}")
        assert answer.refusal == (404, "NoSuchKey"), spelling
    for spelling in (f"/{name}/../{name}/plain", f"/./{name}/plain", f"/x/../{name}/plain"):
        assert owner.s3("GET", spelling).refusal[0] == 404
    for spelling in (f"//{name}/plain", f"///{name}/plain", "//plain"):
        assert owner.s3("GET", spelling).refusal == (400, "InvalidBucketName")
    assert owner.s3("GET", f"/{name}%2Fplain").refusal == (404, "NoSuchBucket")
    assert owner.s3("GET", f"/{name}/%70%6c%61%69%6e").body == b"plain"
    assert owner.s3("GET", f"/{quote(name[0])}{name[1:]}/plain").body == b"plain"


def test_an_object_request_without_a_bucket_never_tells_of_the_buckets(owner, bucket):
    for target in ("//key", "//key?list-type=2", f"//{bucket[0]}"):
        assert owner.s3("GET", target).refusal == (400, "InvalidBucketName")


@pytest.mark.parametrize("path", ["%ff", "%c0%ae%c0%ae", "%ed%a0%80", "%f5%80%80%80", "%80", "a%e2%82"])
def test_what_is_not_utf_8_is_refused_on_both_faces(owner, bucket, path):
    name, _ = bucket
    for method in ("GET", "PUT", "DELETE"):
        assert owner.s3(method, f"/{name}/{path}", body=b"x" if method == "PUT" else b"").refusal == (400, "InvalidURI")
    assert owner.s3("GET", f"/{name}?prefix={path}").refusal == (400, "InvalidURI")
    assert owner.s3("GET", f"/{path}").refusal == (400, "InvalidURI")
    headers = {"Authorization": owner.token}
    assert owner.send("GET", f"/file/{name}/{path}", headers).refusal == (400, "bad_request")
    assert owner.send("GET", f"/file/{path}/x", headers).refusal == (400, "bad_request")
    target = owner.ok("b2_get_upload_url", bucketId=bucket[1])
    assert owner.upload(target, b"x", {"X-Bz-File-Name": path}).refusal == (400, "bad_request")


@pytest.mark.parametrize("escape", ["%", "%2", "%zz", "%%", "a%2", "%u0041", "% 41"])
def test_a_broken_escape_is_refused_or_stays_what_it_is(owner, bucket, escape):
    headers = {"Authorization": owner.token}
    target = escape.replace(" ", "+")
    assert owner.send("GET", f"/file/{bucket[0]}/{target}", headers).refusal[0] in {400, 404}
    assert owner.s3("GET", f"/{bucket[0]}/{target}").refusal[0] in {400, 403, 404}


def test_raw_utf_8_in_a_path_is_the_same_as_encoded(server, owner, bucket):
    name, _ = bucket
    owner.s3("PUT", f"/{name}/sch%C3%B6n", body=b"here")
    data = as_request("GET", f"/file/{name}/schön".encode(), {"Authorization": owner.token, "Connection": "close"})
    assert converse(server, data)[0].body == b"here"
    broken = as_request("GET", f"/file/{name}/".encode() + b"\xff\xfe", {"Connection": "close"})
    assert converse(server, broken)[0].refusal == (400, "bad_request")


@pytest.mark.parametrize(
    "target", ["/{name}/a\tb", "/{name}/a b", "/{name}/a\0b", "/{name}/a\x01", "{name}/k", "?x", "", "/{name}/a#b"]
)
def test_a_target_that_is_none_is_refused(server, bucket, target):
    data = as_request("GET", target.format(name=bucket[0]).encode("latin-1"), {"Connection": "close"})
    assert converse(server, data)[0].refusal[0] == 400


def test_encoded_slashes_do_not_change_which_call_or_bucket_is_meant(nobody, owner, bucket):
    name, _ = bucket
    for target in (
        f"/file/{name}%2Fplain",
        f"/file%2F{name}/plain",
        "/b2api%2Fv4%2Fb2_list_buckets",
        "/b2api/v4%2Fb2_list_buckets",
        "/b2api/../b2api/v4/b2_list_buckets",
        f"/x/../file/{name}/plain",
        "/B2API/v4/b2_list_buckets",
        f"/FILE/{name}/plain",
    ):
        assert owner.send("GET", target, {"Authorization": owner.token}).refusal[0] in {400, 403, 404}, target


@pytest.mark.parametrize(
    "name", ["..", ".", "../x", "a/b", "%2e%2e%2f", "b2api", "file", "healthz", "readyz", "a" * 64, "x\0yyyyy", "-" * 3]
)
def test_a_bucket_is_never_called_like_a_path(owner, name):
    fields = {"accountId": owner.account_id, "bucketType": "allPrivate"}
    answer = owner.native("b2_create_bucket", bucketName=name, **fields)
    assert answer.refusal[0] == 400
    answer = owner.s3("PUT", f"/{quote(name, safe='')}")
    assert answer.status != 200
    assert answer.status < 500


@pytest.mark.parametrize(
    "source",
    [
        "../../etc/passwd",
        "{name}/../{name}/plain",
        "/../x/y",
        "{name}%2f..%2fplain",
        "file:///etc/passwd",
        "http://127.0.0.1/x",
        "//x/y",
    ],
)
def test_a_copy_source_is_a_name_and_neither_a_path_nor_a_url(owner, bucket, source):
    header = {"x-amz-copy-source": source.format(name=bucket[0])}
    assert owner.s3("PUT", f"/{bucket[0]}/copied", header).refusal[0] in {400, 404}
    assert owner.s3("HEAD", f"/{bucket[0]}/copied").status == 404


def test_a_file_id_is_no_path_either(owner):
    for file_id in ("../../x", "4_z../../..", "/etc/passwd", "4_z" + "0" * 24 + "/../x", "4_z" + "0" * 24 + "\r\n"):
        answer = owner.native("b2_get_file_info", fileId=file_id)
        assert answer.refusal[0] in {400, 404}, json.dumps(file_id)
