"""What each test mode does to which requests, on the face itself."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from harness.asynchronous import asynchronous
from harness.native_face import open_face
from undercroft.http.exchange import ClientGone

BUSY = (503, "service_unavailable")
EXPIRED = (401, "expired_auth_token")
DATA = bytes(range(256)) * 600  # Above the inline threshold: it is streamed.


def hooked(tmp_path, **options):
    return open_face(tmp_path, test_hooks=True, **options)


async def call(face, name, mode, **body):
    """Status, code and Retry-After of a JSON call with a test mode."""
    headers = {"Authorization": face.token, "X-Bz-Test-Mode": mode}
    answer = await face.send("POST", f"/b2api/v4/{name}", headers, [json.dumps(body).encode()])
    found = json.loads(answer.body)
    return SimpleNamespace(
        refusal=(answer.status, found.get("code")), retry_after=answer.headers.get("retry-after"), status=answer.status
    )


async def upload(face, mode="", name="n", data=b"data"):
    answer = await face.upload(name, data, **({"X-Bz-Test-Mode": mode} if mode else {}))
    return answer.status, answer.json.get("code")


async def download(face, mode, name="n", method="GET", **headers):
    path = f"/file/{face.bench.bucket.name}/{name}"
    return await face.send(method, path, {"Authorization": face.token, "X-Bz-Test-Mode": mode, **headers})


@asynchronous
async def test_the_header_is_ignored_where_the_hooks_are_off(tmp_path):
    async with open_face(tmp_path) as face:
        for mode in ("force_cap_exceeded", "service_unavailable", "bogus"):
            assert (await upload(face, mode))[0] == 200
            assert (await call(face, "b2_list_keys", mode, accountId=face.bench.principal.account_id)).status == 200
            assert (await download(face, mode)).body == b"data"


@asynchronous
async def test_an_unknown_mode_is_refused_with_the_ones_there_are(tmp_path):
    async with hooked(tmp_path) as face:
        answer = await download(face, "bogus")
        assert answer.status == 400
        assert "fail_some_uploads" in json.loads(answer.body)["message"]


@asynchronous
async def test_some_uploads_fail_and_others_do_not(tmp_path):
    async with hooked(tmp_path) as face:
        answers = [await upload(face, "fail_some_uploads") for _ in range(8)]
        assert sorted(answers) == [(200, None)] * 6 + [BUSY] * 2
        assert (await call(face, "b2_list_keys", "fail_some_uploads", accountId="x")).refusal[0] != 503
        rows = await face.call("b2_list_file_versions", bucketId=face.bench.bucket.bucket_id)
        assert len(rows["files"]) == 6


@asynchronous
async def test_account_tokens_expire_after_some_uses_and_new_ones_work(tmp_path):
    mode = "expire_some_account_authorization_tokens"
    async with hooked(tmp_path) as face:
        account_id = face.bench.principal.account_id
        for _ in range(3):
            answers = [(await call(face, "b2_list_keys", mode, accountId=account_id)).refusal for _ in range(25)]
            assert answers[0] == (200, None)
            assert answers[-1] == EXPIRED
            assert answers == sorted(answers)
            assert (await upload(face, mode))[0] == 200  # The upload's token is another one.
            assert (await download(face, mode)).status == 401
            await face.authorize()


@asynchronous
async def test_forced_caps_have_the_code_of_what_is_capped_and_nothing_changes(tmp_path):
    mode = "force_cap_exceeded"
    async with hooked(tmp_path) as face:
        assert await upload(face) == (200, None)
        assert await upload(face, mode) == (403, "storage_cap_exceeded")
        assert json.loads((await download(face, mode)).body)["code"] == "download_cap_exceeded"
        assert (await call(face, "b2_list_buckets", mode)).refusal == (403, "transaction_cap_exceeded")
        assert (await call(face, "b2_get_upload_url", mode)).refusal == (403, "storage_cap_exceeded")
        bucket_id = face.bench.bucket.bucket_id
        rows = (await face.call("b2_list_file_versions", bucketId=bucket_id))["files"]
        assert len(rows) == 1
        row = {"fileName": "n", "fileId": rows[0]["fileId"]}
        assert (await call(face, "b2_delete_file_version", mode, **row)).status == 200


@pytest.mark.parametrize(
    ("mode", "retry_after"),
    [("service_unavailable", None), ("service_unavailable retry-after=3", "3"), ("too_many_requests", "1"),
     ("too_many_requests retry-after=2", "2"), ("internal_error", None)],
)  # fmt: skip
@asynchronous
async def test_retry_after_is_there_when_it_was_asked_for(tmp_path, mode, retry_after):
    async with hooked(tmp_path) as face:
        answer = await call(face, "b2_list_buckets", mode)
        assert answer.status in {429, 500, 503}
        assert answer.retry_after == retry_after


@asynchronous
async def test_throttling_spares_uploads_and_a_time_out_is_for_them_alone(tmp_path):
    async with hooked(tmp_path) as face:
        assert await upload(face, "too_many_requests") == (200, None)
        assert await upload(face, "request_timeout") == (408, "request_timeout")
        assert (await download(face, "request_timeout")).status == 200


@asynchronous
async def test_an_expired_token_is_one_of_an_account_or_of_an_upload(tmp_path):
    async with hooked(tmp_path) as face:
        await upload(face)
        assert await upload(face, "expired_auth_token") == EXPIRED
        assert (await call(face, "b2_list_buckets", "expired_auth_token")).refusal == EXPIRED
        assert (await download(face, "expired_auth_token")).status == 401
        grant = await face.call(
            "b2_get_download_authorization", bucketId=face.bench.bucket.bucket_id, fileNamePrefix="",
            validDurationInSeconds=60,
        )  # fmt: skip
        by_grant = await download(face, "expired_auth_token", Authorization=grant["authorizationToken"])
        assert by_grant.status == 200


@asynchronous
async def test_errors_to_head_have_no_body(tmp_path):
    async with hooked(tmp_path) as face:
        for mode, status in (("service_unavailable", 503), ("bogus", 400)):
            answer = await download(face, mode, method="HEAD")
            assert (answer.status, answer.body) == (status, b"")


@pytest.mark.parametrize("data", [b"12", DATA], ids=["inline", "streamed"])
@asynchronous
async def test_a_download_is_cut_in_the_middle(tmp_path, data):
    async with hooked(tmp_path) as face:
        await upload(face, data=data)
        with pytest.raises(ClientGone):
            await download(face, "cut_downloads")
        with pytest.raises(ClientGone):
            await download(face, "cut_downloads", Range="bytes=1-")
        assert (await download(face, "cut_downloads", method="HEAD")).status == 200
        assert (await download(face, "cut_downloads", name="missing")).status == 404


@asynchronous
async def test_nothing_cannot_be_cut(tmp_path):
    async with hooked(tmp_path) as face:
        await upload(face, data=b"")
        assert (await download(face, "cut_downloads")).body == b""


@asynchronous
async def test_custom_timestamps_are_refused_where_they_are_used(tmp_path):
    async with hooked(tmp_path) as face:
        mode = {"X-Bz-Test-Mode": "custom_timestamp_not_allowed"}
        refused = await face.upload("n", **mode, **{"X-Bz-Custom-Upload-Timestamp": "1300000000000"})
        assert (refused.status, refused.json["code"]) == (400, "custom_timestamp_not_allowed")
        assert (await face.upload("n", **mode)).status == 200


@asynchronous
async def test_a_preflight_and_an_unknown_path_meet_no_fault(tmp_path):
    async with hooked(tmp_path, test_chance="service_unavailable") as face:
        for method, path in (("OPTIONS", "/b2api/v4/b2_list_buckets"), ("POST", "/b2api/v4"), ("POST", "/b2api/v4/x")):
            assert (await face.send(method, path)).status not in {200, 503}


@asynchronous
async def test_chance_falls_on_requests_without_the_header_and_the_header_comes_first(tmp_path):
    async with hooked(tmp_path, test_chance="service_unavailable 1/2, internal_error 1/2", test_seed="7") as face:
        account_id = face.bench.principal.account_id
        statuses = []
        for _ in range(20):
            answer = await face.call("b2_list_keys", accountId=account_id)
            statuses.append(200 if isinstance(answer, dict) else answer[0])
        assert {200, 500, 503} == set(statuses)
        assert statuses.count(503) == 10
        assert (await call(face, "b2_list_buckets", "too_many_requests")).status == 429
