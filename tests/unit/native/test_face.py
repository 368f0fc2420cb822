"""The face as a whole over a real store: what only its clock, its process or its storage can show."""

from __future__ import annotations

import json
import re

import pytest
import structlog.testing

from harness.asynchronous import asynchronous
from harness.native_face import HOST, FaceBench, open_face
from harness.stores import open_bench, sha1
from undercroft import limits, settings
from undercroft.http.errors import BodyBroken
from undercroft.native.app import NativeFace
from undercroft.store.identity.principals import Principal

PART = bytes(limits.NATIVE_PART_MIN_BYTES)
DAY_MS = 86_400_000


@asynchronous
async def test_urls_handed_out_follow_the_requests_scheme_and_host(tmp_path):
    async with open_face(tmp_path) as face:
        storage = (await face.authorize("v3"))["apiInfo"]["storageApi"]
        assert storage["apiUrl"] == storage["downloadUrl"] == f"https://{HOST}"
        url = (await face.call("b2_get_upload_url", version="v2", bucketId=face.bench.bucket.bucket_id))["uploadUrl"]
        assert url.startswith(f"https://{HOST}/b2api/v2/b2_upload_file/{face.bench.bucket.bucket_id}/")


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
@asynchronous
async def test_every_version_authorizes_in_its_own_layout(tmp_path, version):
    async with open_face(tmp_path) as face:
        answer = await face.authorize(version)
        assert ("apiInfo" in answer) == (version in {"v3", "v4"})
        assert ("minimumPartSize" in answer) == (version == "v1")


@asynchronous
async def test_a_restricted_key_is_told_its_buckets_in_each_versions_way(tmp_path):
    async with open_face(tmp_path) as face:
        account_id, bucket_id = face.bench.principal.account_id, face.bench.bucket.bucket_id
        gone = await face.call("b2_create_bucket", accountId=account_id, bucketName="gone-one", bucketType="allPrivate")
        gone_id = gone["bucketId"]

        async def key_of(*bucket_ids):
            return await face.call(
                "b2_create_key", accountId=account_id, keyName="k", capabilities=["readFiles"], bucketIds=bucket_ids
            )

        several, single = await key_of(gone_id, bucket_id), await key_of(gone_id)
        await face.call("b2_delete_bucket", accountId=account_id, bucketId=gone_id)
        allowed = (await face.authorize("v4", made=several))["apiInfo"]["storageApi"]["allowed"]
        assert allowed["buckets"] == [{"id": gone_id, "name": None}, {"id": bucket_id, "name": "bench-bucket"}]
        assert await face.authorize("v3", made=several) == (401, "unsupported")
        storage = (await face.authorize("v3", made=single))["apiInfo"]["storageApi"]
        assert (storage["bucketId"], storage["bucketName"]) == (gone_id, None)
        assert await face.authorize("v4", made={**single, "applicationKey": "K000"}) == (401, "unauthorized")


@asynchronous
async def test_an_account_token_is_good_for_a_day(tmp_path):
    async with open_face(tmp_path) as face:
        bucket_id = face.bench.bucket.bucket_id
        face.bench.clock.ms += DAY_MS - 1000
        assert (await face.call("b2_list_file_names", bucketId=bucket_id))["files"] == []
        face.bench.clock.ms += 1000
        assert await face.call("b2_list_file_names", bucketId=bucket_id) == (401, "expired_auth_token")
        headers = {"Authorization": face.token}
        assert (await face.send("GET", "/file/bench-bucket/n", headers)).status == 401


@asynchronous
async def test_an_upload_token_is_good_for_a_day(tmp_path):
    async with open_face(tmp_path) as face:
        target = await face.call("b2_get_upload_url", bucketId=face.bench.bucket.bucket_id)
        headers = {"X-Bz-File-Name": "n", "Content-Type": "a/b", "X-Bz-Content-Sha1": "do_not_verify"}
        face.bench.clock.ms += DAY_MS - 1000
        assert (await face.put(target, headers, b"x")).status == 200
        face.bench.clock.ms += 1000
        answer = await face.put(target, headers, b"x")
        assert (answer.status, answer.json["code"]) == (401, "expired_auth_token")


@asynchronous
async def test_the_tokens_of_a_key_end_with_it(tmp_path):
    async with open_face(tmp_path) as face:
        made = await face.call(
            "b2_create_key", accountId=face.bench.principal.account_id, keyName="short", capabilities=["listFiles"],
            validDurationInSeconds=10,
        )  # fmt: skip
        principal = Principal.of_key(await face.bench.store.identity.key(made["applicationKeyId"]))
        token = await face.bench.store.identity.account_token(principal)
        bucket_id = face.bench.bucket.bucket_id
        face.bench.clock.ms += 9_999
        assert (await face.call("b2_list_file_names", token=token, bucketId=bucket_id))["files"] == []
        face.bench.clock.ms += 1
        assert (await face.call("b2_list_file_names", token=token, bucketId=bucket_id))[0] == 401


@asynchronous
async def test_the_life_of_a_file(tmp_path):
    async with open_face(tmp_path) as face:
        bucket_id = face.bench.bucket.bucket_id
        made = (await face.upload("n", b"0123456789", **{"X-Bz-Info-A": "b"})).json
        assert await face.query("b2_get_file_info", fileId=made["fileId"]) == made
        assert (await face.call("b2_list_file_names", bucketId=bucket_id))["files"] == [made]
        headers = {"Authorization": face.token, "Range": "bytes=2-4"}
        ranged = await face.send("GET", "/file/bench-bucket/n", headers)
        assert (ranged.status, ranged.body) == (206, b"234")
        head = await face.send("HEAD", f"/b2api/v4/b2_download_file_by_id?fileId={made['fileId']}", headers)
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "10")
        body = [json.dumps({"fileId": made["fileId"]}).encode()]
        posted = await face.send("POST", "/b2api/v4/b2_download_file_by_id", {"Authorization": face.token}, body)
        assert posted.body == b"0123456789"
        copy = await face.call("b2_copy_file", sourceFileId=made["fileId"], fileName="m", range="bytes=0-1")
        assert (copy["action"], copy["contentLength"]) == ("copy", 2)
        hidden = await face.call("b2_hide_file", bucketId=bucket_id, fileName="n")
        listed = await face.call("b2_list_file_versions", bucketId=bucket_id, startFileName="n", delimiter="/")
        assert listed["files"] == [hidden, made]
        old = await face.call("b2_list_file_versions", version="v1", bucketId=bucket_id, maxFileCount=1)
        assert (old["files"][0]["size"], old["nextFileName"]) == (2, "n")
        await face.call("b2_delete_file_version", fileName="n", fileId=hidden["fileId"])
        assert [row["fileName"] for row in (await face.call("b2_list_file_names", bucketId=bucket_id))["files"]] == [
            "m", "n",
        ]  # fmt: skip


@asynchronous
async def test_the_life_of_a_large_file(tmp_path):
    async with open_face(tmp_path) as face:
        bucket_id = face.bench.bucket.bucket_id
        started = await face.call("b2_start_large_file", bucketId=bucket_id, fileName="l", contentType="b2/x-auto")
        unfinished = await face.call("b2_list_unfinished_large_files", bucketId=bucket_id)
        assert unfinished["files"] == [started]
        target = await face.call("b2_get_upload_part_url", fileId=started["fileId"])
        headers = {"X-Bz-Part-Number": "1", "X-Bz-Content-Sha1": sha1(PART)}
        first = (await face.put(target, headers, PART)).json
        source = (await face.upload("source", b"the rest")).json
        second = await face.call(
            "b2_copy_part", sourceFileId=source["fileId"], largeFileId=started["fileId"], partNumber=2
        )
        assert (await face.call("b2_list_parts", fileId=started["fileId"]))["parts"] == [first, second]
        sha1s = [first["contentSha1"], second["contentSha1"]]
        made = await face.call("b2_finish_large_file", fileId=started["fileId"], partSha1Array=sha1s)
        assert (made["fileId"], made["contentLength"]) == (started["fileId"], len(PART) + 8)
        other = await face.call("b2_start_large_file", bucketId=bucket_id, fileName="o", contentType="a/b")
        assert (await face.call("b2_cancel_large_file", fileId=other["fileId"]))["fileName"] == "o"


@asynchronous
async def test_the_life_of_buckets_and_keys(tmp_path):
    async with open_face(tmp_path) as face:
        account_id = face.bench.principal.account_id
        made = await face.call(
            "b2_create_bucket", accountId=account_id, bucketName="second-one", bucketType="allPublic"
        )
        changed = await face.call(
            "b2_update_bucket", accountId=account_id, bucketId=made["bucketId"], bucketInfo={"A": "1"}
        )
        assert (changed["bucketInfo"], changed["revision"]) == ({"a": "1"}, 3)
        listed = await face.query("b2_list_buckets", accountId=account_id, bucketTypes="allPublic")
        assert listed["buckets"] == [changed]
        buckets = [made["bucketId"], face.bench.bucket.bucket_id]
        key = await face.call(
            "b2_create_key", accountId=account_id, keyName="k", capabilities=["readFiles"], bucketIds=buckets
        )
        old = await face.call("b2_list_keys", version="v3", accountId=account_id)
        assert key["applicationKeyId"] not in {row["applicationKeyId"] for row in old["keys"]}
        key_id = key["applicationKeyId"]
        assert await face.call("b2_delete_key", version="v3", applicationKeyId=key_id) == (401, "unsupported")
        assert (await face.call("b2_delete_key", applicationKeyId=key_id))["bucketIds"] == buckets
        assert await face.call("b2_delete_bucket", accountId=account_id, bucketId=made["bucketId"]) == changed
        grant = await face.call(
            "b2_get_download_authorization", bucketId=face.bench.bucket.bucket_id, fileNamePrefix="",
            validDurationInSeconds=1,
        )  # fmt: skip
        denied = await face.send("GET", "/file/bench-bucket/n", {"Authorization": grant["authorizationToken"]})
        assert denied.status == 404


@asynchronous
async def test_a_customers_broken_connection_is_nobodys_error_and_frees_the_token(tmp_path):
    async with open_face(tmp_path) as face:
        target = await face.call("b2_get_upload_url", bucketId=face.bench.bucket.bucket_id)
        headers = {"X-Bz-File-Name": "n", "Content-Type": "a/b", "X-Bz-Content-Sha1": "do_not_verify"}
        with pytest.raises(BodyBroken):
            await face.put(target, headers, b"x", None)
        assert (await face.put(target, headers, b"x")).status == 200


@asynchronous
async def test_damaged_bytes_are_an_incident_that_the_log_explains_and_the_answer_does_not(tmp_path):
    async with open_face(tmp_path) as face:
        await face.upload("n", bytes(limits.INLINE_MAX_BYTES + 1))
        [blob] = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file() and path.stat().st_size > 60_000]
        damaged = bytearray(blob.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        blob.chmod(0o600)
        blob.write_bytes(damaged)
        with structlog.testing.capture_logs() as logs:
            answer = await face.send("GET", "/file/bench-bucket/n", {"Authorization": face.token})
        error = json.loads(answer.body)
        assert (answer.status, error["code"]) == (500, "internal_error")
        match = re.fullmatch("incident id ([0-9a-f]{12}-[0-9a-f]{12})", error["message"])
        assert match is not None
        assert [(entry["event"], entry["incident_id"]) for entry in logs] == [("storage_error", match[1])]


@asynchronous
async def test_an_error_nobody_foresaw_is_left_to_the_server(tmp_path, monkeypatch):
    async with open_face(tmp_path) as face:

        async def broken(*_arguments, **_options):
            raise ZeroDivisionError

        monkeypatch.setattr(face.bench.store.buckets, "list", broken)
        with pytest.raises(ZeroDivisionError):
            await face.call("b2_list_buckets", accountId=face.bench.principal.account_id)


@asynchronous
async def test_the_metrics_see_names_of_the_programs_own_only(tmp_path):
    from undercroft.http.request import Request

    async with open_face(tmp_path) as face:
        for path, operation in (
            (b"/b2api/v4/b2_list_buckets", "b2_list_buckets"),
            (b"/b2api/v4/b2_upload_part/x/y", "b2_upload_part"),
            (b"/file/a/b", "b2_download_file_by_name"),
            (b"/b2api/v4/b2_evil{label}", ""),
            (b"/b2api/v9/b2_list_buckets", ""),
        ):
            scope = {
                "method": "POST", "raw_path": path, "query_string": b"", "scheme": "http", "client": None, "headers": [],
            }  # fmt: skip
            request = Request.of_scope(scope, None)
            await face.face.handle(request)
            assert (request.face, request.operation) == ("native", operation)


@asynchronous
async def test_a_download_has_the_settings_of_its_bucket_that_another_process_changed_just_before(tmp_path):
    async with open_face(tmp_path) as face, open_bench(tmp_path, new=False) as bench:
        other = FaceBench(bench, NativeFace(bench.store, settings.load({"data": str(tmp_path)}, {})))
        bucket = face.bench.bucket
        await face.upload("n")
        for wanted in ("max-age=1", "max-age=2"):
            changed = await face.call(
                "b2_update_bucket", accountId=bucket.account_id, bucketId=bucket.bucket_id,
                bucketInfo={"cache-control": wanted},
            )  # fmt: skip
            assert changed["bucketInfo"] == {"cache-control": wanted}
            answer = await other.send("GET", f"/file/{bucket.name}/n", {"Authorization": face.token})
            assert answer.headers["cache-control"] == wanted
