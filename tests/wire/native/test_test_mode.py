"""X-Bz-Test-Mode and --test-chance on a running server."""

from __future__ import annotations

import http.client
import subprocess

import pytest

from harness.native_session import Session, send
from harness.server import COMMAND, clean_environment

CHANCE = ("--test-chance", "fail_some_uploads 1/3", "--test-seed", "42")


def started(make_server, *options, **environment):
    running = make_server("--workers", "1", *options, environment=environment).start()
    session = Session(running.api_url, running.key_id, running.application_key)
    return running, session, session.create_bucket("test-mode")


def statuses(session, bucket, count, **headers):
    target = session.upload_url(bucket["bucketId"])
    return [session.try_upload(bucket["bucketId"], "n", b"data", headers, target=target).status for _ in range(count)]


def test_a_server_without_hooks_knows_nothing_of_the_header(b2, bucket):
    for mode in ("force_cap_exceeded", "fail_some_uploads 1/1", "service_unavailable", "nonsense"):
        header = {"X-Bz-Test-Mode": mode}
        assert b2.try_upload(bucket["bucketId"], "n", b"data", header).status == 200
        assert b2.download(bucket["bucketName"], "n", headers={"Authorization": b2.token, **header}).status == 200
        assert send("GET", f"{b2.url}/b2api/v4/b2_list_buckets?accountId={b2.account_id}", {
            "Authorization": b2.token, **header
        }).status == 200  # fmt: skip


def test_chance_with_the_same_seed_hits_the_same_requests(make_server):
    runs = []
    for _ in range(2):
        _, session, bucket = started(make_server, "--test-hooks", *CHANCE)
        runs.append(statuses(session, bucket, 30))
    assert runs[0] == runs[1]
    assert runs[0].count(503) == 10


def test_a_variable_switches_the_hooks_on_and_the_log_says_so(make_server):
    running, session, bucket = started(make_server, UNDERCROFT_TEST_HOOKS="on")
    assert statuses(session, bucket, 1, **{"X-Bz-Test-Mode": "force_cap_exceeded"}) == [403]
    assert '"event": "test_hooks_are_on"' in running.log_tail()
    assert not running.faults()


def test_a_mode_that_is_none_is_a_clear_error_before_anything_is_made(tmp_path):
    done = subprocess.run(
        [COMMAND, "serve", "--data", str(tmp_path / "data"), "--test-hooks", "--test-chance", "bogus"],
        capture_output=True, text=True, timeout=60, env=clean_environment(tmp_path), check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--test-chance" in done.stderr
    assert "fail_some_uploads" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_cut_download_breaks_off_and_is_no_fault_of_the_server(make_server):
    running, session, bucket = started(make_server, "--test-hooks")
    for name, size in (("inline", 1000), ("streamed", 3_000_000)):
        session.upload(bucket["bucketId"], name, bytes(size))
        headers = {"Authorization": session.token, "X-Bz-Test-Mode": "cut_downloads"}
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            session.download(bucket["bucketName"], name, headers=headers)
        assert session.download(bucket["bucketName"], name).body == bytes(size)
    assert not running.faults()
