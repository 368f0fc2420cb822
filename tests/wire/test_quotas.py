"""Caps by the day of buckets and keys, and soft limits, on a running server, through both interfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.capped import Capped, refused_by_s3, run
from harness.native_session import Session, send
from harness.processes import wait_until
from harness.s3_raw import make_client


def _limited_key(capped: Capped, name: str) -> tuple[Session, Any, dict[str, Any], Callable[..., Any]]:
    """A key of its own: its native session and S3 client, the key, and what sets its caps."""
    key = run(capped.server, "key", "create", "--account", capped.server.account_id, "--name", name)
    b2 = Session(capped.server.api_url, key["keyId"], key["applicationKey"])
    s3 = make_client(capped.server, key["keyId"], key["applicationKey"])

    def caps(*options: str) -> dict[str, Any]:
        return run(capped.server, "key", "caps", key["keyId"], "--account", capped.server.account_id, *options)

    return b2, s3, key, caps


def test_the_requests_of_a_key_are_refused_by_both_protocols_once_its_cap_is_used_up_and_deletes_pass(capped):
    bucket_id, name = capped.bucket["bucketId"], capped.bucket["bucketName"]
    b2, s3, key, caps = _limited_key(capped, "few-requests")
    kept = b2.upload(bucket_id, "kept", b"data")
    s3.get_object(Bucket=name, Key="kept")["Body"].read()
    used = wait_until(lambda: (caps()["used"]["requests"] >= 4) and caps()["used"], "nothing is written down")
    assert caps("--requests", str(used["requests"] + 3))["caps"]["requests"] == used["requests"] + 3
    answer = capped.learnt(lambda: b2.call("b2_list_file_names", bucketId=bucket_id))
    assert answer.json["code"] == "transaction_cap_exceeded"
    assert "the application key has a cap on requests a day" in answer.json["message"]
    assert b2.download(name, "kept").json["code"] == "download_cap_exceeded"
    assert "the application key" in b2.download(name, "kept").json["message"]
    assert b2.authorize().json["code"] == "transaction_cap_exceeded"
    for ask in (
        lambda: s3.get_object(Bucket=name, Key="kept"),
        lambda: s3.list_objects_v2(Bucket=name),
        lambda: s3.put_object(Bucket=name, Key="more", Body=b"1"),
    ):
        status, code, message = refused_by_s3(ask)
        assert (status, code) == (403, "AccessDenied")
        assert message.startswith("Transaction cap exceeded: the application key")
    assert capped.b2.names(bucket_id) == ["kept"], "other keys go on"
    s3.delete_object(Bucket=name, Key="kept")
    assert b2.call("b2_delete_file_version", fileName="kept", fileId=kept["fileId"]).status == 200

    def told() -> dict[str, Any] | None:
        found = run(capped.server, "account", "alerts", capped.server.account_id)["alerts"]
        return next((alert for alert in found if alert.get("keyId") == key["keyId"]), None)

    alert: dict[str, Any] = wait_until(told, "there is no alert")
    assert (alert["category"], alert["keyName"]) == ("requests", "few-requests")
    caps("--requests", "none")
    wait_until(lambda: b2.authorize().status == 200, "the cap is not lifted")


def test_the_requests_to_a_bucket_are_refused_to_keys_and_to_strangers_once_its_cap_is_used_up(capped, new_name):
    b2, server = capped.b2, capped.server
    bucket = b2.create_bucket(new_name("busy"), "allPublic")
    bucket_id, name = bucket["bucketId"], bucket["bucketName"]
    b2.upload(bucket_id, "kept", b"data")
    run(server, "bucket", "caps", name, "--requests", "0")
    url = f"{b2.url}/file/{name}/kept"
    answer = capped.learnt(lambda: send("GET", url))
    assert answer.json["code"] == "download_cap_exceeded"
    assert "the bucket has a cap on requests a day" in answer.json["message"]
    refused = b2.call("b2_list_file_names", bucketId=bucket_id)
    assert (refused.status, refused.json["code"]) == (403, "transaction_cap_exceeded")
    assert b2.call("b2_get_upload_url", bucketId=bucket_id).json["code"] == "transaction_cap_exceeded"
    for ask in (
        lambda: capped.s3.list_objects_v2(Bucket=name),
        lambda: capped.s3.put_object(Bucket=name, Key="more", Body=b"1"),
        lambda: capped.s3.head_bucket(Bucket=name),
    ):
        assert refused_by_s3(ask)[0] == 403
    assert capped.s3.list_objects_v2(Bucket=capped.bucket["bucketName"])["KeyCount"] == 0, "other buckets go on"
    assert b2.call("b2_hide_file", bucketId=bucket_id, fileName="kept").status == 200
    shown = run(server, "bucket", "caps", name)
    assert (shown["caps"]["requests"], shown["caps"]["size"]) == (0, None)
    run(server, "bucket", "caps", name, "--requests", "none")
    wait_until(lambda: b2.call("b2_list_file_names", bucketId=bucket_id).status == 200, "the cap is not lifted")


def test_a_key_that_is_not_for_a_bucket_uses_up_none_of_its_cap_on_requests(capped, new_name):
    b2, server = capped.b2, capped.server
    bucket = b2.create_bucket(new_name("apart"))
    bucket_id, name = bucket["bucketId"], bucket["bucketName"]
    options = ("--account", server.account_id, "--name", "elsewhere", "--bucket", capped.bucket["bucketName"])
    key = run(server, "key", "create", *options)
    stranger = Session(server.api_url, key["keyId"], key["applicationKey"])
    s3 = make_client(server, key["keyId"], key["applicationKey"])
    b2.names(bucket_id)
    for _ in range(3):
        assert stranger.call("b2_list_file_names", bucketId=bucket_id).status == 401
        assert refused_by_s3(lambda: s3.list_objects_v2(Bucket=name))[0] == 403
    b2.names(bucket_id)

    def done() -> int:
        return int(run(server, "bucket", "caps", name)["used"]["requests"])

    wait_until(lambda: done() >= 2, "nothing is written down")
    assert done() == 2


def test_the_bytes_of_a_key_are_refused_exactly_above_its_caps_by_both_protocols(capped):
    bucket_id, name = capped.bucket["bucketId"], capped.bucket["bucketName"]
    b2, s3, _, caps = _limited_key(capped, "few-bytes")
    capped.b2.upload(bucket_id, "kept", bytes(1000))
    caps("--upload", "100", "--download", "2000", "--requests", "1000000")
    probe, _, _, caps_of_probe = _limited_key(capped, "probe")
    caps_of_probe("--requests", "0")
    capped.learnt(probe.authorize)  # And with it of the others.
    answer = b2.try_upload(bucket_id, "large", bytes(101))
    assert (answer.status, answer.json["code"]) == (403, "cap_exceeded")
    assert "the application key has a cap on bytes uploaded a day" in answer.json["message"]
    assert b2.try_upload(bucket_id, "fits", bytes(60)).status == 200
    refused = refused_by_s3(lambda: s3.put_object(Bucket=name, Key="large", Body=bytes(41)))
    assert refused[:2] == (403, "AccessDenied")
    s3.put_object(Bucket=name, Key="rest", Body=bytes(40))
    assert [b2.download(name, "kept").status for _ in range(3)] == [200, 200, 403]
    assert b2.download(name, "kept").json["code"] == "download_cap_exceeded"
    assert refused_by_s3(lambda: s3.get_object(Bucket=name, Key="kept"))[:2] == (403, "AccessDenied")
    assert capped.b2.download(name, "kept").status == 200
    metrics = capped.server.get("/metrics", console=True)[1].decode()
    assert (
        f'undercroft_key_cap_used_ratio{{account="{capped.server.account_id}",key="{b2.key_id}",category="upload"}} '
        in (metrics)
    )
    caps("--upload", "none", "--download", "none", "--requests", "none")
    wait_until(lambda: b2.try_upload(bucket_id, "more", bytes(1)).status == 200, "the cap is not lifted")


def test_what_passes_a_soft_limit_is_told_of_and_refused_by_neither_protocol(capped):
    server, bucket_id, name = capped.server, capped.bucket["bucketId"], capped.bucket["bucketName"]
    b2, s3, key, caps = _limited_key(capped, "watched")
    assert caps("--soft", "requests=2", "--soft", "upload=100")["soft"] == {
        "requests": 2,
        "download": None,
        "upload": 100,
    }
    shown = run(server, "bucket", "caps", name, "--soft", "size=100", "--soft", "files=1")
    assert shown["soft"]["size"] == 100
    assert shown["caps"]["size"] is None
    account = run(server, "account", "caps", server.account_id, "--soft", "storage=100", "--soft", "class-c=1")
    assert (account["soft"]["storage"], account["soft"]["classC"], account["caps"]["storage"]) == (100, 1, None)
    b2.upload(bucket_id, "native", bytes(150))
    s3.put_object(Bucket=name, Key="s3", Body=bytes(150))
    wanted = {
        ("account", "storage"), ("account", "classC"), ("bucket", "storage"), ("bucket", "files"),
        ("key", "requests"), ("key", "upload"),
    }  # fmt: skip

    def kind_of(alert: dict[str, Any]) -> str:
        return (
            "bucket"
            if alert.get("bucketId") == bucket_id
            else "key"
            if alert.get("keyId") == key["keyId"]
            else "account"
        )

    def are_told() -> bool:
        found = run(server, "account", "alerts", server.account_id)["alerts"]
        return wanted <= {(kind_of(alert), alert["category"]) for alert in found if alert.get("isSoft")}

    wait_until(are_told, "nobody is told")
    assert b2.try_upload(bucket_id, "more", bytes(1000)).status == 200
    assert s3.list_objects_v2(Bucket=name)["KeyCount"] == 3
    lifted = run(server, "account", "caps", server.account_id, "--soft", "storage=none", "--soft", "class-c=none")
    assert set(lifted["soft"].values()) == {None}
    run(server, "bucket", "caps", name, "--soft", "size=none", "--soft", "files=none")
    caps("--soft", "requests=none", "--soft", "upload=none")
