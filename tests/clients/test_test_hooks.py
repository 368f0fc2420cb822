"""Real clients against a server that fails: what they are made to stand, they stand, and tell of what they cannot."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from b2sdk._internal.b2http import HttpCallback
from b2sdk.v3.exception import StorageCapExceeded, TransactionCapExceeded

from harness.clients import Client, b2_api, rclone_client
from harness.server import Server
from harness.trees import digests, make_tree, random_bytes

PART_BYTES = 5_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with hooks, on which the chance of a fault depends on the order of requests alone."""
    options = ("--workers", "1", "--test-hooks", "--test-seed", "1")
    running = Server(tmp_path_factory.mktemp("hooks") / "data", options=options).start()
    yield running
    running.stop()
    assert not running.faults(), running.faults()


class ModeHook(HttpCallback):
    """Sends a test mode with every request, and counts the answers by call and status."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.answers: list[tuple[str, int]] = []

    def pre_request(self, method: str, url: str, headers: dict[str, str]) -> None:
        headers["X-Bz-Test-Mode"] = self.mode

    def post_request(self, method: str, url: str, headers: dict[str, str], response: Any) -> None:
        call = next((piece for piece in url.split("/") if piece.startswith("b2_")), "download").partition("?")[0]
        self.answers.append((call, response.status_code))

    def count(self, call: str, status: int) -> int:
        return self.answers.count((call, status))


@pytest.fixture
def with_mode(server: Server, bucket: str) -> Callable[[str], tuple[Any, ModeHook]]:
    """The bucket as b2sdk sees it that sends a test mode, and what it is answered."""

    def make(mode: str) -> tuple[Any, ModeHook]:
        api = b2_api(server)
        opened = api.get_bucket_by_name(bucket)
        callback = ModeHook(mode)
        api.session.raw_api.b2_http.add_callback(callback)
        return opened, callback

    return make


def read(source: Any) -> bytes:
    target = io.BytesIO()
    source.save(target)
    return target.getvalue()


def test_b2sdk_gets_its_uploads_through_where_some_fail(with_mode: Any) -> None:
    opened, seen = with_mode("fail_some_uploads")
    for number in range(8):
        opened.upload_bytes(b"%d" % number, f"n{number}")
    assert seen.count("b2_upload_file", 503) >= 2
    assert [version.file_name for version, _ in opened.ls()] == [f"n{number}" for number in range(8)]
    large = random_bytes(3 * PART_BYTES)
    made = opened.upload_bytes(large, "large")
    assert read(opened.download_file_by_id(made.id_)) == large


def test_b2sdk_authorizes_again_once_for_each_token_that_expires(with_mode: Any) -> None:
    opened, seen = with_mode("expire_some_account_authorization_tokens")
    for number in range(40):
        opened.upload_bytes(b"data", f"n{number}")
        assert read(opened.download_file_by_name(f"n{number}")) == b"data"
    expired = sum(status == 401 for _, status in seen.answers)
    assert expired >= 2
    assert seen.count("b2_authorize_account", 200) == expired


def test_b2sdk_tells_of_caps(with_mode: Any) -> None:
    opened, seen = with_mode("force_cap_exceeded")
    with pytest.raises(StorageCapExceeded):
        opened.upload_bytes(b"data", "n")
    with pytest.raises(TransactionCapExceeded):
        list(opened.ls())
    assert all(status in {200, 403} for _, status in seen.answers)


def test_b2sdk_goes_on_where_a_download_was_cut(with_mode: Any) -> None:
    opened, seen = with_mode("cut_downloads 1/2")
    data = random_bytes(2_000_000)
    opened.upload_bytes(data, "n")
    for _ in range(4):
        assert read(opened.download_file_by_name("n")) == data
    assert seen.count("download", 206) >= 1


def test_b2sdk_stands_all_of_it_at_once(with_mode: Any) -> None:
    modes = (
        "service_unavailable 1/7",
        "internal_error 1/11",
        "too_many_requests 1/13 retry-after=0",
        "expired_auth_token 1/17",
    )
    opened, seen = with_mode(", ".join(modes))
    for number in range(10):
        opened.upload_bytes(b"%d" % number, f"n{number}")
    assert {read(opened.download_file_by_name(f"n{number}")) for number in range(10)} == {
        b"%d" % number for number in range(10)
    }
    assert {status for _, status in seen.answers} >= {200, 401, 429, 500, 503}


@pytest.fixture
def rclone(server: Server, home: Path) -> Client:
    """rclone as users have it, which tries again."""
    client = rclone_client(server, home)
    client.environment |= {
        "RCLONE_LOW_LEVEL_RETRIES": "10",
        "RCLONE_B2_CHUNK_SIZE": "5M",
        "RCLONE_B2_UPLOAD_CUTOFF": "5M",
    }
    return client


@pytest.mark.parametrize("mode", ["fail_some_uploads", "expire_some_account_authorization_tokens"])
def test_rclone_gets_through_in_b2s_test_modes(rclone: Client, bucket: str, mode: str, tmp_path: Path) -> None:
    make_tree(tmp_path / "tree", files=10)
    (tmp_path / "tree" / "large").write_bytes(random_bytes(11_000_000))
    rclone.run("copy", "--b2-test-mode", mode, tmp_path / "tree", f"b2:{bucket}")
    rclone.run("copy", "--b2-test-mode", mode, f"b2:{bucket}", tmp_path / "back")
    assert digests(tmp_path / "back") == digests(tmp_path / "tree")


def test_rclone_tells_of_caps(rclone: Client, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("text")
    refused = rclone.run("copy", "--b2-test-mode", "force_cap_exceeded", tmp_path / "note", f"b2:{bucket}", expect=None)
    assert "403" in refused.stderr  # It asks by HEAD first, whose error has no words.
    assert "not attempting retries" in refused.stderr
