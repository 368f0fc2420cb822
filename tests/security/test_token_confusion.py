"""Improper authentication (CWE-287): tokens that are forged, changed, or used for what they were not issued for."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, urlsplit

import pytest

from harness.hostile import converse
from harness.world import SECRET_CONTENT
from undercroft.store.operations import BUCKET_CAPABILITIES

BAD_TOKEN = (401, "bad_auth_token")


@pytest.fixture(scope="module")
def grant(owner, world):
    """Makes download grants for the owner's world."""

    def make(prefix="in/", **fields):
        fields = {"validDurationInSeconds": 600, **fields}
        return owner.ok("b2_get_download_authorization", bucketId=world.bucket_id, fileNamePrefix=prefix, **fields)[
            "authorizationToken"
        ]

    return make


@pytest.fixture(scope="module")
def upload_target(owner, world):
    return owner.ok("b2_get_upload_url", bucketId=world.bucket_id)


@pytest.fixture(scope="module", autouse=True)
def nothing_changes(world):
    before = world.snapshot()
    yield
    assert world.snapshot() == before


def download(client, world, token, *, name="in/file", query="", by_header=True):
    target = f"/file/{world.name}/{name}"
    if by_header:
        return client.send("GET", target + (f"?{query}" if query else ""), {"Authorization": token})
    return client.send("GET", f"{target}?Authorization={quote(token, safe='')}&{query}")


# -- Forged and changed -----------------------------------------------------------------------------------------------
def variations(token: str) -> list[str]:
    """The token with one thing changed: each field, each character of the signature, the length, the case."""
    fields = token.split("_")
    changed = [token[:-1], token + "A", token + "_", "_" + token, token.upper(), token.replace("_", "-"), token * 2]
    changed += ["_".join([*fields[:at], other, *fields[at + 1 :]]) for at in range(len(fields)) for other in ("", "0")]
    changed += ["_".join([*fields[:at], *fields[at + 1 :]]) for at in range(len(fields))]
    signature = fields[-1]
    for at, character in enumerate(signature):
        swapped = "A" if character != "A" else "B"
        changed.append("_".join([*fields[:-1], signature[:at] + swapped + signature[at + 1 :]]))
    other_time = f"{int(fields[2], 16) + 1:08x}"
    other_key = fields[1][:-1] + ("2" if fields[1][-1] != "2" else "3")
    changed += ["_".join([*fields[:2], other_time, *fields[3:]]), "_".join([fields[0], other_key, *fields[2:]])]
    return [one for one in changed if one != token]


def test_a_changed_account_token_is_no_token(owner, world):
    for token in variations(owner.token):
        assert owner.native("b2_list_file_names", token=token, bucketId=world.bucket_id).refusal == BAD_TOKEN, token


def test_a_changed_grant_is_no_grant(nobody, world, grant):
    for token in variations(grant()):
        if token:
            assert download(nobody, world, token).refusal == BAD_TOKEN, token


def test_a_grant_cannot_be_rewritten_to_another_prefix_or_a_later_end(nobody, world, grant):
    head, payload, signature = grant("in/hidden").rsplit("_", 2)
    said = json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4), b"-."))
    assert said["name_prefix"] == "in/hidden"
    for change in ({"name_prefix": ""}, {"expires_ms": said["expires_ms"] + 10**9}, {"overrides": {}}, {}):
        rewritten = base64.b64encode(json.dumps({**said, **change}).encode(), b"-.").decode().rstrip("=")
        assert download(nobody, world, f"{head}_{rewritten}_{signature}").refusal == BAD_TOKEN


def test_a_changed_upload_token_uploads_nothing(owner, upload_target):
    for token in variations(upload_target["authorizationToken"])[::3]:
        assert owner.upload(upload_target, b"x", token=token).refusal == BAD_TOKEN, token


# -- Used for something else ------------------------------------------------------------------------------------------
def test_tokens_of_one_kind_are_not_of_another(owner, world, grant, upload_target):
    download_token, upload_token = grant(), upload_target["authorizationToken"]
    for token in (download_token, upload_token):
        for call, fields in {
            "b2_list_file_names": {"bucketId": world.bucket_id},
            "b2_get_upload_url": {"bucketId": world.bucket_id},
            "b2_list_buckets": {"accountId": owner.account_id},
        }.items():
            assert owner.native(call, token=token, **fields).refusal == BAD_TOKEN
    for token in (download_token, owner.token):
        assert owner.upload(upload_target, b"x", token=token).refusal == BAD_TOKEN
    assert download(owner, world, upload_token).refusal == BAD_TOKEN
    assert download(owner, world, upload_token, by_header=False).refusal == BAD_TOKEN


def test_tokens_are_nothing_to_the_s3_face(owner, world, grant):
    for token in (owner.token, grant()):
        for value in (token, f"Bearer {token}", f"AWS {owner.key_id}:{token}"):
            answer = owner.send("GET", f"/{world.name}/in/file", {"Authorization": value})
            assert answer.refusal[0] == 400
        answer = owner.send("GET", f"/{world.name}/in/file?Authorization={quote(token)}")
        assert answer.refusal == (403, "AccessDenied")


def test_the_application_key_itself_is_no_token(owner, world):
    credentials = base64.b64encode(f"{owner.key_id}:{owner.secret}".encode()).decode()
    for value in (owner.secret, f"Basic {credentials}", credentials):
        assert owner.native("b2_list_file_names", token=value, bucketId=world.bucket_id).refusal == BAD_TOKEN
        assert download(owner, world, value).refusal == BAD_TOKEN


def test_an_upload_token_works_at_its_own_url_alone(owner, world, make_bucket, upload_target):
    _, other_bucket_id = make_bucket()
    others = [
        owner.ok("b2_get_upload_url", bucketId=world.bucket_id),
        owner.ok("b2_get_upload_url", bucketId=other_bucket_id),
        owner.ok("b2_get_upload_part_url", fileId=world.upload_id),
    ]
    own = urlsplit(upload_target["uploadUrl"]).path
    twisted = [
        own + "0", own[:-1], own + "/", own.replace("v4", "v3"), own.replace("b2_upload_file", "b2_upload_part"),
        own.replace(world.bucket_id, other_bucket_id), own.replace("b2api", "%622api"), "/" + own,
        own.replace("/b2_upload_file", "//b2_upload_file"), own.replace("b2_upload_file/", "b2_upload_file/../b2_upload_file/"),
    ]  # fmt: skip
    for path in [urlsplit(other["uploadUrl"]).path for other in others] + twisted:
        answer = owner.upload({**upload_target, "uploadUrl": path}, b"x", {"X-Bz-Part-Number": "2"})
        assert answer.refusal[0] in {400, 401, 403, 404, 405}, path
        if path.startswith("/b2api/v4/b2_upload"):
            assert answer.refusal in {BAD_TOKEN, (404, "not_found")}, path


def test_an_upload_token_cannot_be_used_by_two_at_once(server, owner, world, make_bucket):
    _, bucket_id = make_bucket()
    target = owner.ok("b2_get_upload_url", bucketId=bucket_id)
    path, token = urlsplit(target["uploadUrl"]).path, target["authorizationToken"]
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\nX-Bz-File-Name: a\r\n"
        "Content-Type: text/plain\r\nX-Bz-Content-Sha1: do_not_verify\r\nContent-Length: 1\r\n"
    )
    # Pipelined on one connection they come one after the other, which is allowed.
    first, second = converse(server, f"{head}\r\nx{head}Connection: close\r\n\r\ny".encode())
    assert (first.status, second.status) == (200, 200)


# -- What a grant covers ----------------------------------------------------------------------------------------------
def test_a_grant_reads_by_name_under_its_prefix_and_nothing_else(owner, nobody, world, grant, make_world):
    token = grant()
    for by_header in (True, False):
        assert download(nobody, world, token, by_header=by_header).body == SECRET_CONTENT
    elsewhere = make_world()
    assert download(nobody, elsewhere, token).refusal == (401, "unauthorized")
    for name in ("out", "in", "In/file", "/in/file", "in%252Ffile", "%20in/file", "out/../in/file"):
        assert download(nobody, world, token, name=name).refusal == (401, "unauthorized"), name
    by_id = f"/b2api/v4/b2_download_file_by_id?fileId={world.file_id}"
    assert nobody.send("GET", by_id, {"Authorization": token}).refusal == (401, "unauthorized")
    assert nobody.send("GET", f"{by_id}&Authorization={quote(token)}").refusal == (401, "unauthorized")
    body = json.dumps({"fileId": world.file_id}).encode()
    posted = nobody.send("POST", "/b2api/v4/b2_download_file_by_id", {"Authorization": token}, body)
    assert posted.refusal == (401, "unauthorized")


def test_a_narrow_grant_does_not_reach_the_file_beside_it(nobody, world, grant):
    for prefix in ("in/file2", "in/hidden", "in/file/", "x"):
        assert download(nobody, world, grant(prefix)).refusal == (401, "unauthorized")


def test_the_overrides_of_a_grant_must_be_repeated_word_for_word(nobody, world, grant):
    token = grant(b2ContentDisposition='attachment; filename="x"', b2ContentType="text/plain")
    right = "b2ContentDisposition=attachment%3B%20filename%3D%22x%22&b2ContentType=text%2Fplain"
    assert download(nobody, world, token, query=right).headers["content-disposition"] == 'attachment; filename="x"'
    wrong = [
        "",
        "b2ContentDisposition=attachment%3B%20filename%3D%22x%22",
        "b2ContentDisposition=inline&b2ContentType=text%2Fplain",
        right.replace("plain", "html"),
        right + "&b2ContentType=text%2Fhtml",
        right.replace("b2ContentType", "B2ContentType"),
    ]
    for query in wrong:
        assert download(nobody, world, token, query=query).refusal == (401, "unauthorized"), query


def test_nobody_overrides_headers_of_public_files(nobody, make_world):
    world = make_world("allPublic")
    for parameter, value in {"b2ContentType": "text/html", "b2ContentDisposition": "inline"}.items():
        answer = nobody.send("GET", f"/file/{world.name}/in/file?{parameter}={quote(value, safe='')}")
        assert answer.refusal == (401, "unauthorized")
    answer = nobody.send("GET", f"/{world.name}/in/file?response-content-type=text%2Fhtml")
    assert answer.refusal == (400, "InvalidRequest")


def test_a_grant_does_not_outlive_its_time_nor_the_longest_one_allowed(nobody, owner, world, grant):
    token = grant(validDurationInSeconds=1)
    while (answer := download(nobody, world, token)).status == 200:
        pass
    assert answer.refusal == (401, "expired_auth_token")
    for seconds in (0, -1, 604_801, 2**63):
        answer = owner.native(
            "b2_get_download_authorization", bucketId=world.bucket_id, fileNamePrefix="", validDurationInSeconds=seconds
        )
        assert answer.refusal == (400, "out_of_range")


def test_a_grant_needs_the_right_to_share_and_no_more_than_names_can_have(owner, world):
    fields = {"bucketId": world.bucket_id, "validDurationInSeconds": 60}
    reader = owner.restricted(BUCKET_CAPABILITIES - {"shareFiles"})
    assert reader.native("b2_get_download_authorization", fileNamePrefix="", **fields).refusal == (401, "unauthorized")
    for length, status in ((1024, 200), (1025, 400)):
        assert owner.native("b2_get_download_authorization", fileNamePrefix="n" * length, **fields).status == status


def test_a_token_that_is_present_is_judged_even_where_nobody_needs_one(nobody, make_world):
    world = make_world("allPublic")
    assert nobody.send("GET", f"/file/{world.name}/in/file").status == 200
    assert download(nobody, world, "x").refusal == BAD_TOKEN
    assert download(nobody, world, "x", by_header=False).refusal == BAD_TOKEN
