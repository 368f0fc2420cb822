"""Caps and accounting on a running server, through both interfaces."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.capped import Capped, refused_by_s3, run
from harness.native_session import Session, send
from harness.processes import wait_until
from harness.s3_raw import make_client
from harness.server import Server


def usage(server: Server) -> dict[str, Any]:
    """What the server's account did lately: a test may run over midnight."""
    since = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    [account] = run(server, "usage", server.account_id, "--from", since)["accounts"]
    calls: Counter[str] = Counter()
    carried: Counter[str] = Counter()
    for day in account["days"]:
        calls.update({call["call"]: call["transactions"] for call in day["calls"]})
        carried.update({name: day[name] for name in ("downloadedBytes", "uploadedBytes")})
    return {"calls": calls, **carried}


def test_what_both_interfaces_do_counts_under_the_bucket_and_as_the_last_use_of_the_key(capped, new_name):
    b2, name = capped.b2, new_name("counted")
    bucket_id = b2.create_bucket(name)["bucketId"]
    capped.s3.put_object(Bucket=name, Key="file", Body=bytes(10))  # A
    capped.s3.put_object(Bucket=name, Key="file", Body=bytes(100))  # A
    capped.s3.get_object(Bucket=name, Key="file")["Body"].read()  # B
    capped.s3.list_objects_v2(Bucket=name)  # C
    large = b2.start(bucket_id, "large")["fileId"]  # A
    b2.try_part(large, 1, bytes(5)).ok()  # A, and A for the URL
    b2.call("b2_list_parts", fileId=large).ok()  # C

    def written() -> Any:
        keys = run(capped.server, "key", "list", "--account", capped.server.account_id)["keys"]
        [use] = [key["lastUse"] for key in keys if key["keyId"] == capped.server.key_id]
        return use if use is not None and use["call"] == "b2_list_parts" else None

    use = wait_until(written, "nothing is written down")
    assert (use["address"], use["api"]) == ("127.0.0.1", "native")
    since = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    [account] = run(capped.server, "usage", capped.server.account_id, "--by-bucket", "--from", since)["accounts"]
    days = [day for day in account["days"] if day["bucketId"] == bucket_id]
    counts: Counter[str] = Counter()
    for day in days:
        counts.update(day["transactions"])
        counts.update({part: day[part] for part in ("downloadedBytes", "uploadedBytes")})
    assert counts == {"A": 5, "B": 1, "C": 2, "downloadedBytes": 100, "uploadedBytes": 115}
    assert {part: days[-1][part] for part in ("fileBytes", "olderBytes", "unfinishedBytes", "files")} == {
        "fileBytes": 100, "olderBytes": 10, "unfinishedBytes": 5, "files": 1,
    }  # fmt: skip
    b2.call("b2_cancel_large_file", fileId=large).ok()


def test_the_cap_on_storage_refuses_uploads_in_the_words_of_each_protocol_and_lets_deletes_pass(capped):
    b2, bucket_id, name = capped.b2, capped.bucket["bucketId"], capped.bucket["bucketName"]
    kept = b2.upload(bucket_id, "kept", bytes(1000))
    large = b2.start(bucket_id, "large")["fileId"]
    capped.cap(storage=1500)
    refused = b2.try_upload(bucket_id, "more", bytes(501))
    assert (refused.status, refused.json["code"]) == (403, "storage_cap_exceeded")
    assert refused.json["message"].startswith("Cannot upload files, storage cap exceeded.")
    assert b2.try_part(large, 1, bytes(501)).json["code"] == "storage_cap_exceeded"
    assert b2.call("b2_copy_file", sourceFileId=kept["fileId"], fileName="copy").json["code"] == "storage_cap_exceeded"
    text = "Cannot upload files, storage cap exceeded. See the Caps & Alerts page to increase your cap."
    answer = refused_by_s3(lambda: capped.s3.put_object(Bucket=name, Key="more", Body=bytes(501)))
    assert answer == (403, "AccessDenied", text)
    assert b2.names(bucket_id) == ["kept"]
    capped.cap(storage=10)
    assert b2.call("b2_get_upload_url", bucketId=bucket_id).json["code"] == "storage_cap_exceeded"
    assert b2.call("b2_start_large_file", bucketId=bucket_id, fileName="l", contentType="a/b").status == 403
    assert b2.call("b2_hide_file", bucketId=bucket_id, fileName="kept").status == 200
    assert b2.call("b2_cancel_large_file", fileId=large).status == 200
    assert b2.call("b2_delete_file_version", fileName="kept", fileId=kept["fileId"]).status == 200
    assert b2.try_upload(bucket_id, "fits", bytes(10)).status == 200
    capped.s3.delete_object(Bucket=name, Key="fits")


def _one_too_many(capped: Capped, bucket: dict[str, Any], words: str) -> None:
    """Whatever would show a second file is refused with these words by both interfaces, and whatever gives room back passes."""
    b2, bucket_id, name = capped.b2, bucket["bucketId"], bucket["bucketName"]
    kept = b2.upload(bucket_id, "kept", b"data")
    large = b2.start(bucket_id, "large")["fileId"]
    sha1s = [b2.try_part(large, number, bytes(5_000_000)).ok()["contentSha1"] for number in (1, 2)]
    upload = capped.s3.create_multipart_upload(Bucket=name, Key="larger")["UploadId"]
    part = capped.s3.upload_part(Bucket=name, Key="larger", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    for answer in (
        b2.try_upload(bucket_id, "more", b"1"),
        b2.call("b2_copy_file", sourceFileId=kept["fileId"], fileName="copy"),
        b2.call("b2_finish_large_file", fileId=large, partSha1Array=sha1s),
    ):
        assert (answer.status, answer.json["code"]) == (403, "storage_cap_exceeded")
        assert words in answer.json["message"]
    for ask in (
        lambda: capped.s3.put_object(Bucket=name, Key="more", Body=b"1"),
        lambda: capped.s3.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "kept"}),
        lambda: capped.s3.complete_multipart_upload(Bucket=name, Key="larger", UploadId=upload, MultipartUpload=parts),
    ):
        status, code, message = refused_by_s3(ask)
        assert (status, code) == (403, "AccessDenied")
        assert words in message
    assert b2.names(bucket_id) == ["kept"]
    capped.s3.put_object(Bucket=name, Key="kept", Body=b"again")
    assert b2.call("b2_cancel_large_file", fileId=large).status == 200
    assert b2.call("b2_hide_file", bucketId=bucket_id, fileName="kept").status == 200
    capped.s3.complete_multipart_upload(Bucket=name, Key="larger", UploadId=upload, MultipartUpload=parts)
    capped.s3.delete_object(Bucket=name, Key="larger")


def test_the_cap_on_files_refuses_what_would_be_one_more_and_lets_overwriting_and_deletes_pass(capped):
    capped.cap(files=1)
    _one_too_many(capped, capped.bucket, "the cap on files is exceeded")


def test_the_caps_of_a_bucket_refuse_in_the_words_of_each_protocol_and_name_it(capped, new_name):
    b2, server = capped.b2, capped.server
    bucket = b2.create_bucket(new_name("bounded"))
    bucket_id, name = bucket["bucketId"], bucket["bucketName"]
    run(server, "bucket", "caps", name, "--files", "1")
    _one_too_many(capped, bucket, f"the bucket's cap is exceeded: {name}.")
    held = run(server, "bucket", "caps", name)["used"]["size"]
    shown = run(server, "bucket", "caps", name, "--size", f"{held + 10}", "--files", "none")
    assert shown["caps"] == {"size": held + 10, "files": None, "requests": None, "download": None, "upload": None}
    assert b2.try_upload(bucket_id, "more", bytes(11)).json["code"] == "storage_cap_exceeded"
    refused = refused_by_s3(lambda: capped.s3.put_object(Bucket=name, Key="more", Body=bytes(11)))
    assert refused[1] == "AccessDenied"
    assert name in refused[2]
    assert b2.try_upload(bucket_id, "fits", bytes(10)).status == 200
    assert b2.try_upload(capped.bucket["bucketId"], "elsewhere", bytes(1000)).status == 200
    run(server, "bucket", "caps", name, "--size", "none")
    assert b2.try_upload(bucket_id, "more", bytes(11)).status == 200


def test_the_caps_of_a_bucket_alert_at_75_percent_and_when_they_refuse_in_either_protocol(capped):
    b2, server = capped.b2, capped.server
    bucket = b2.create_bucket("alerting-bucket")
    bucket_id, name = bucket["bucketId"], bucket["bucketName"]
    run(server, "bucket", "caps", name, "--size", "100", "--files", "10")

    def wait_for(category: str, percent: int) -> dict[str, Any]:
        def told() -> dict[str, Any] | None:
            found = run(server, "account", "alerts", server.account_id)["alerts"]
            wanted = {"category": category, "percent": percent, "bucketId": bucket_id, "bucketName": name}
            return next((alert for alert in found if wanted.items() <= alert.items()), None)

        alert: dict[str, Any] = wait_until(told, "there is no alert")
        return alert

    capped.s3.put_object(Bucket=name, Key="most", Body=bytes(75))
    assert wait_for("storage", 75)["used"] == 75
    metrics = server.get("/metrics", console=True)[1].decode()
    line = f'undercroft_bucket_cap_used_ratio{{account="{server.account_id}",bucket="{name}",category="storage"}} 0.75'
    assert line in metrics.splitlines()
    assert b2.try_upload(bucket_id, "large", bytes(26)).json["code"] == "storage_cap_exceeded"
    assert wait_for("storage", 100)["used"] == 75
    run(server, "bucket", "caps", name, "--files", "1")
    assert refused_by_s3(lambda: capped.s3.put_object(Bucket=name, Key="second", Body=b"1"))[1] == "AccessDenied"
    assert wait_for("files", 100)["used"] == 1


def test_the_cap_on_class_c_refuses_even_to_authorize_and_lets_deletes_pass(capped):
    b2, bucket_id, name = capped.b2, capped.bucket["bucketId"], capped.bucket["bucketName"]
    kept = b2.upload(bucket_id, "kept", b"data")
    capped.cap(class_c=0)
    answer = capped.learnt(lambda: b2.call("b2_list_file_names", bucketId=bucket_id))
    assert answer.json["code"] == "transaction_cap_exceeded"
    assert answer.json["message"].startswith("Transaction cap exceeded.")
    assert b2.authorize().json["code"] == "transaction_cap_exceeded"
    status, code, message = refused_by_s3(lambda: capped.s3.list_objects_v2(Bucket=name))
    assert (status, code) == (403, "AccessDenied")
    assert message.startswith("Transaction cap exceeded.")
    assert b2.download(name, "kept").status == 200
    assert b2.call("b2_hide_file", bucketId=bucket_id, fileName="kept").status == 200
    assert b2.call("b2_delete_file_version", fileName="kept", fileId=kept["fileId"]).status == 200


def test_the_cap_on_class_b_refuses_reads_also_those_of_strangers(capped, new_name):
    b2 = capped.b2
    public = b2.create_bucket(new_name("public"), "allPublic")
    kept = b2.upload(public["bucketId"], "kept", b"data")
    url = f"{b2.url}/file/{public['bucketName']}/kept"
    assert send("GET", url).body == b"data"
    capped.cap(class_b=0)
    answer = capped.learnt(lambda: send("GET", url))
    assert answer.json["code"] == "download_cap_exceeded"
    assert "(Class B)" in answer.json["message"]
    head = send("HEAD", url)
    assert (head.status, head.body) == (403, b"")
    assert b2.get("b2_download_file_by_id", fileId=kept["fileId"]).json["code"] == "download_cap_exceeded"
    assert b2.call("b2_get_file_info", fileId=kept["fileId"]).json["code"] == "transaction_cap_exceeded"
    for anonymous in ("GET", "HEAD"):
        assert send(anonymous, f"{b2.url}/{public['bucketName']}/kept").status == 403
    assert b2.names(public["bucketId"]) == ["kept"]


def test_the_cap_on_downloads_refuses_exactly_above_it(capped, new_name, new_email):
    made = capped.server.create_account(new_email("downloads"))
    b2 = Session(capped.server.api_url, made["keyId"], made["applicationKey"])
    s3 = make_client(capped.server, made["keyId"], made["applicationKey"])
    name = new_name("downloads")
    bucket_id = b2.create_bucket(name)["bucketId"]
    b2.upload(bucket_id, "kept", bytes(1000))
    run(capped.server, "account", "caps", made["accountId"], "--download", "2000", "--class-c", "0")
    capped.learnt(lambda: b2.call("b2_list_buckets", accountId=made["accountId"]))  # And with it of the other.
    assert [b2.download(name, "kept").status for _ in range(3)] == [200, 200, 403]
    refused = b2.download(name, "kept", headers={"Authorization": b2.token, "Range": "bytes=0-0"})
    assert refused.json["code"] == "download_cap_exceeded"
    wait_until(lambda: _metrics(capped.server)["undercroft_cap_alerts", "download", "100"] >= 1, "there is no alert")
    ratio = "undercroft_cap_used_ratio", made["accountId"], "download"
    wait_until(lambda: _metrics(capped.server)[ratio] == 1, "nothing is written down")

    def is_told() -> bool:
        found = run(capped.server, "account", "alerts", made["accountId"])["alerts"]
        return ("download", 100, 2000) in [(alert["category"], alert["percent"], alert["cap"]) for alert in found]

    wait_until(is_told, "the account has no alert")
    status, code, message = refused_by_s3(lambda: s3.get_object(Bucket=name, Key="kept"))
    assert (status, code) == (403, "AccessDenied")
    assert message.startswith("Cannot download file")
    assert b2.download(name, "kept", method="HEAD").status == 200
    assert b2.try_upload(bucket_id, "more", b"data").status == 200


def _metrics(server: Server) -> dict[tuple[str, str, str], float]:
    """The lines of the metrics page about caps: name and both labels, and the value."""
    status, page = server.get("/metrics", console=True)
    assert status == 200
    found = re.findall(r'^(undercroft_cap_\w+){\w+="(\w+)",\w+="(\w+)"} (\S+)$', page.decode(), re.MULTILINE)
    return {(name, first, second): float(value) for name, first, second, value in found}


def test_the_last_seconds_are_all_that_a_kill_of_every_process_loses(make_server):
    server = make_server("--workers", "2").start()
    b2 = Session(server.api_url, server.key_id, server.application_key)
    bucket = b2.create_bucket("counted-bucket")
    b2.upload(bucket["bucketId"], "kept", b"data")

    def read(count):
        assert {b2.download("counted-bucket", "kept").status for _ in range(count)} == {200}

    read(20)
    wait_until(lambda: usage(server)["calls"]["b2_download_file_by_name"] == 20, "the counts are not written down")
    read(7)
    server.kill()
    assert 20 <= usage(server)["calls"]["b2_download_file_by_name"] <= 27
    server.start()
    read(5)
    before = usage(server)["calls"]["b2_download_file_by_name"]
    server.stop()
    after = usage(server)["calls"]["b2_download_file_by_name"]
    assert before <= after <= 32
    assert after >= 25, "a stop loses nothing"


def test_what_several_workers_were_asked_is_what_is_counted_after_a_stop(make_server):
    server = make_server("--workers", "2").start()
    b2 = Session(server.api_url, server.key_id, server.application_key)
    public = b2.create_bucket("public-bucket", "allPublic")
    private = b2.create_bucket("private-bucket")
    s3 = make_client(server, server.key_id, server.application_key)
    for bucket in (public, private):
        b2.upload(bucket["bucketId"], "kept", bytes(1000))

    def traffic(_: int) -> None:
        assert send("GET", f"{b2.url}/file/public-bucket/kept").status == 200
        assert send("GET", f"{b2.url}/public-bucket/kept").status == 200
        assert send("GET", f"{b2.url}/file/public-bucket/missing").status == 404
        for refused in ("/file/private-bucket/kept", "/file/private-bucket/missing"):
            assert send("GET", b2.url + refused).status == 401
        assert send("GET", f"{b2.url}/private-bucket/kept").status == 403
        assert b2.download("private-bucket", "kept", headers={"Authorization": b2.token, "Range": "bytes=0-9"}).body
        s3.put_object(Bucket="private-bucket", Key="again", Body=bytes(100))
        s3.head_object(Bucket="private-bucket", Key="kept")
        b2.call("b2_list_file_names", bucketId=private["bucketId"], maxFileCount=2500).ok()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(traffic, range(10)))
    server.stop()
    found = usage(server)
    assert found["calls"] == {
        "b2_authorize_account": 1,
        "b2_create_bucket": 2,
        "b2_get_upload_url": 2,
        "b2_upload_file": 2,
        "b2_download_file_by_name": 30,
        "GetObject": 10,
        "HeadObject": 10,
        "PutObject": 10,
        "b2_list_file_names": 30,
    }
    assert found["downloadedBytes"] == 10 * (1000 + 1000 + 10)
    assert found["uploadedBytes"] == 2 * 1000 + 10 * 100
