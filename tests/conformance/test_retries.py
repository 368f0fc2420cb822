"""Lines 159, 163 and 164 of the checklist: what B2's test mode does, and what clients make of 503 and 429."""

from __future__ import annotations

import time

import pytest
from b2sdk._internal.b2http import HttpCallback

from harness.clients import b2_api
from harness.native_session import send

CAPS = {"cap_exceeded", "storage_cap_exceeded", "transaction_cap_exceeded", "download_cap_exceeded"}


class FirstCall(HttpCallback):
    """Sends a test mode with the first request for one call; notes the requests for it: URL, status, time."""

    def __init__(self, call, mode):
        self.call = call
        self.mode = mode
        self.seen = []

    def pre_request(self, method, url, headers):
        headers.pop("X-Bz-Test-Mode", None)  # A second attempt has the headers of the first.
        if self.call in url and not self.seen:
            headers["X-Bz-Test-Mode"] = self.mode

    def post_request(self, method, url, headers, response):
        if self.call in url:
            self.seen.append((url, response.status_code, time.monotonic()))


@pytest.fixture
def api(server):
    return b2_api(server)


def first(api, call, mode):
    callback = FirstCall(call, mode)
    api.session.raw_api.b2_http.add_callback(callback)
    return callback


def test_159_forced_caps_have_a_cap_code(b2, bucket):
    b2.upload(bucket["bucketId"], "n", b"data")
    mode = {"X-Bz-Test-Mode": "force_cap_exceeded"}
    answers = [
        b2.try_upload(bucket["bucketId"], "n", b"data", mode),
        b2.download(bucket["bucketName"], "n", headers={"Authorization": b2.token, **mode}),
        send("POST", f"{b2.url}/b2api/v4/b2_list_buckets", {"Authorization": b2.token, **mode}, b"{}"),
    ]
    assert [answer.status for answer in answers] == [403] * 3
    assert {answer.refusal[1] for answer in answers} <= CAPS


def test_163_after_503_b2sdk_uploads_to_another_url(api, bucket):
    callback = first(api, "b2_upload_file", "service_unavailable")
    version = api.get_bucket_by_id(bucket["bucketId"]).upload_bytes(b"data", "n")
    assert version.size == 4
    assert [status for _, status, _ in callback.seen] == [503, 200]
    assert callback.seen[0][0] != callback.seen[1][0]


@pytest.mark.parametrize("call", ["b2_list_buckets", "b2_download_file_by_id"])
def test_164_after_429_clients_wait_as_long_as_they_are_told(b2, api, bucket, call):
    made = b2.upload(bucket["bucketId"], "n", b"data")
    callback = first(api, call, "too_many_requests retry-after=2")
    if call == "b2_list_buckets":
        api.list_buckets()
    else:
        api.download_file_by_id(made["fileId"])
    assert [status for _, status, _ in callback.seen] == [429, 200]
    assert callback.seen[1][2] - callback.seen[0][2] >= 2
