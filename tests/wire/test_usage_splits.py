"""What `undercroft usage` tells of keys, statuses and operations, after both interfaces were used with several keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from harness.native_session import Session, send
from harness.processes import wait_until
from harness.s3_raw import make_client
from harness.server import Server, run_command


class Used(NamedTuple):
    """An account, its bucket, and the ids of its first key and of two further ones, after all of them were used."""

    server: Server
    account_id: str
    bucket_id: str
    admin: str
    writer: str
    reader: str


def status_of(ask: Callable[[], Any]) -> int:
    """The status that boto3 got."""
    try:
        answer = ask()
    except ClientError as error:
        answer = error.response
    status: int = answer["ResponseMetadata"]["HTTPStatusCode"]
    return status


@pytest.fixture(scope="module")
def used(server: Server, new_name: Callable[[str], str]) -> Used:
    """Some of it succeeds, some is refused after it was charged, some before, and some comes from nobody known."""
    made = server.create_account(f"{new_name('splits')}@example.com")
    admin = Session(server.api_url, made["keyId"], made["applicationKey"])
    name = new_name("splits")
    bucket_id = admin.create_bucket(name)["bucketId"]
    writer = admin.restricted(["writeFiles"])
    reader = admin.restricted(["readFiles"])
    writer.upload(bucket_id, "file", b"12345")
    assert writer.download(name, "file").status == 401
    assert reader.download(name, "file").body == b"12345"
    assert reader.download(name, "missing").status == 404
    beyond = {"Authorization": reader.token, "Range": "bytes=9-"}
    assert reader.download(name, "file", headers=beyond).status == 416
    s3 = make_client(server, reader.key_id, reader.key)
    etag = s3.get_object(Bucket=name, Key="file")["ETag"]
    assert status_of(lambda: s3.get_object(Bucket=name, Key="file", IfNoneMatch=etag)) == 304
    assert status_of(lambda: s3.get_object(Bucket=name, Key="missing")) == 404
    assert status_of(lambda: s3.put_object(Bucket=name, Key="more", Body=b"data")) == 403
    forged = make_client(server, reader.key_id, "K005" + 27 * "x")
    assert status_of(lambda: forged.get_object(Bucket=name, Key="file")) == 403
    assert send("GET", f"{server.s3_endpoint}/{name}/file").status == 403
    assert send("GET", f"{server.api_url}/file/{name}/file").status == 401
    assert reader.authorize(key="K005" + 27 * "x").status == 401
    assert admin.call("b2_list_buckets", token="no token", accountId=admin.account_id).status == 401  # Nobody's.
    return Used(server, made["accountId"], bucket_id, admin.key_id, writer.key_id, reader.key_id)


def rows_of(used: Used, *options: str) -> list[dict[str, Any]]:
    """Lately: a test may run over midnight."""
    since = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    command = ("usage", used.account_id, "--from", since, *options, "--data", str(used.server.data_dir))
    [account] = run_command(*command, home=used.server.data_dir.parent)["accounts"]
    rows: list[dict[str, Any]] = account["days"]
    return rows


def outcomes(row: dict[str, Any]) -> tuple[int, ...]:
    requests = row["requests"]
    assert sum(requests.values()) == sum(requests[one] for one in ("succeeded", "redirected", "clientErrors"))
    return requests["succeeded"], requests["redirected"], requests["clientErrors"]


def settles(found: Callable[[], object], expected: object) -> None:
    """What the workers write down within seconds is just this."""
    with suppress(AssertionError):
        wait_until(lambda: found() == expected, "other counts are shown below")
    assert found() == expected


def test_what_was_done_with_each_key_counts_under_it(used):
    def found() -> object:
        counts: dict[str, Counter[str]] = {}
        for row in rows_of(used, "--by-key"):
            of_key = counts.setdefault(row["keyId"], Counter())
            of_key.update({name: row[name] for name in ("downloadedBytes", "uploadedBytes")})
            of_key.update(row["transactions"])
            of_key.update(dict(zip(("ok", "redirected", "failed"), outcomes(row), strict=True)))
        return {key_id: +of_key for key_id, of_key in counts.items()}

    settles(
        found,
        {
            used.admin: {"C": 4, "ok": 4},
            used.writer: {"A": 2, "C": 1, "uploadedBytes": 5, "ok": 3, "failed": 1},
            used.reader: {"A": 1, "B": 6, "C": 1, "downloadedBytes": 10, "ok": 3, "redirected": 1, "failed": 4},
            "": {"failed": 4},
        },
    )
    assert {row["keyName"] for row in rows_of(used, "--by-key") if row["keyId"] in (used.writer, used.reader)} == {
        "restricted"
    }


def test_requests_count_by_their_status_and_what_is_refused_is_no_transaction(used):
    def found() -> object:
        statuses: Counter[int] = Counter()
        for row in rows_of(used, "--by-status"):
            statuses[row["status"]] += row["requests"]
        return statuses

    settles(found, {200: 10, 304: 1, 401: 3, 403: 3, 404: 2, 416: 1})
    charged: Counter[str] = Counter()
    for day in rows_of(used):
        charged.update({call["call"]: call["transactions"] for call in day["calls"]})
    assert charged == {
        "b2_authorize_account": 3, "b2_create_bucket": 1, "b2_create_key": 2, "b2_get_upload_url": 1,
        "b2_upload_file": 1, "b2_download_file_by_name": 3, "GetObject": 3, "PutObject": 1,
    }  # fmt: skip


def test_operations_count_under_the_bucket_with_which_they_have_to_do(used):
    def found() -> object:
        calls: dict[str, Counter[str]] = {}
        for row in rows_of(used, "--by-operation"):
            assert row["bucketId"] == used.bucket_id
            of_call = calls.setdefault(row["call"], Counter())
            of_call["transactions"] += row["transactions"]
            of_call.update(dict(zip(("ok", "redirected", "failed"), outcomes(row), strict=True)))
        return {call: +of_call for call, of_call in calls.items()}

    settles(
        found,
        {
            "b2_get_upload_url": {"transactions": 1, "ok": 1},
            "b2_upload_file": {"transactions": 1, "ok": 1},
            "b2_download_file_by_name": {"transactions": 3, "ok": 1, "failed": 4},
            "GetObject": {"transactions": 3, "ok": 1, "redirected": 1, "failed": 2},
            "PutObject": {"transactions": 1, "failed": 1},
            "": {"failed": 1},
        },
    )
