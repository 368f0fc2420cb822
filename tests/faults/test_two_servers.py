"""Two servers on one data directory: the second is refused at once, in clear words, and changes nothing.

The commands of the operator may run beside a server. A lock that a killed server left behind holds up nobody.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from harness.clients import boto3_client
from harness.load import Load
from harness.native import NativeCaller
from harness.processes import wait_until
from harness.server import COMMAND, Server, ServerFailed, clean_environment, run_command

REFUSED_S = 60.0  # DATA_LOCK_WAIT_S for a server that is just going, and the start of a Python on a very busy machine.
FAILED = 1


def second_start(server: Server, *options: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A further `undercroft serve` on the server's data, or on other data, on ports of its own."""
    return subprocess.run(
        [
            COMMAND, "serve", "--json", "--data", str(data or server.data_dir), "--listen", "127.0.0.1:0",
            "--console-listen", "127.0.0.1:0", *options,
        ],
        capture_output=True,
        text=True,
        timeout=REFUSED_S,
        env=clean_environment(server.data_dir.parent),
        check=False,
    )  # fmt: skip


def picture(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file under the folder: its inode, its mode and its bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mode, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stopped_for_a_moment(server: Server) -> list[psutil.Process]:
    """All processes of the server held still, so that whatever changes on the disk is somebody else's doing."""
    processes = [psutil.Process(server.pid), *server.children()]
    for process in processes:
        process.suspend()
    return processes


def test_a_second_server_is_refused_at_once_in_clear_words_and_changes_nothing(make_server):
    server = make_server("--workers", "2").start()
    boto3_client(server).create_bucket(Bucket="two-servers")
    wait_until(lambda: any((server.data_dir / "metrics").iterdir()), "there are no metrics to damage")
    held = stopped_for_a_moment(server)
    try:
        before = picture(server.data_dir)
        done = second_start(server, "--workers", "1", "--region", "eu-central-003")
        assert picture(server.data_dir) == before
    finally:
        for process in held:
            process.resume()
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert f"--data: {server.data_dir} is being served already, by process {server.pid}" in done.stderr
    assert "Traceback" not in done.stderr
    assert server.get("/readyz")[0] == 200
    server.stop()


@pytest.mark.parametrize("shared", ["catalog", "blobs"])
def test_a_server_with_data_of_its_own_is_refused_the_catalog_and_the_blobs_of_another(make_server, tmp_path, shared):
    server = make_server("--workers", "1").start()
    held = server.data_dir / {"catalog": "catalog.db", "blobs": "blobs"}[shared]
    (tmp_path / "by-another-name").symlink_to(server.data_dir)
    url = {"catalog": "sqlite", "blobs": "local"}[shared] + f"://{tmp_path / 'by-another-name' / held.name}"
    done = second_start(server, f"--{shared}", url, data=tmp_path / "other")
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert f"--{shared}: {held} is being served already, by process {server.pid}" in done.stderr
    server.stop()
    assert not (tmp_path / "other" / "catalog.db").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="to mount a directory a second time needs root")
def test_a_server_is_refused_the_blobs_of_another_also_where_they_are_mounted_elsewhere(make_server, tmp_path):
    server = make_server("--workers", "1").start()
    place = tmp_path / "mounted"
    place.mkdir()
    subprocess.run(["mount", "--bind", str(server.data_dir / "blobs"), str(place)], check=True)
    try:
        done = second_start(server, "--blobs", f"local://{place}", data=tmp_path / "other")
    finally:
        subprocess.run(["umount", str(place)], check=True)
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert f"--blobs: {place} is being served already, by process {server.pid}" in done.stderr
    server.stop()


def test_a_second_server_under_load_costs_the_first_nothing(make_server):
    server = make_server("--workers", "2").start()
    load = Load(server)
    processes = [child.pid for child in server.children()]
    with load.running():
        assert second_start(server).returncode == FAILED
    assert [child.pid for child in server.children()] == processes
    load.verify()
    server.stop()


def test_of_two_servers_that_start_together_on_new_data_one_serves_and_the_other_is_refused(make_server):
    first = make_server("--workers", "1")
    second = make_server("--workers", "1", data_dir=first.data_dir)

    def start(server: Server) -> str:
        try:
            return server.start().application_key
        except ServerFailed as refusal:
            return str(refusal)

    with ThreadPoolExecutor(2) as both:
        said = list(both.map(start, (first, second)))
    (started,) = [server for server in (first, second) if server.is_started]
    refusal = said[0 if started is second else 1]
    assert refusal.startswith("printed no JSON object but ''"), "credentials of a server that did not start"
    assert f"is being served already, by process {started.pid}" in refusal
    assert NativeCaller(started).token
    started.stop()


def test_commands_work_beside_a_server_and_it_takes_what_they_made(make_server):
    server = make_server("--workers", "2").start()
    data, home = ("--data", str(server.data_dir)), server.data_dir.parent
    account = server.create_account("beside@example.com")
    made = run_command("key", "create", *data, "--account", "beside@example.com", "--name", "beside", home=home)
    assert NativeCaller(server, key=(made["keyId"], made["applicationKey"])).token
    listed = run_command("account", "list", *data, home=home)["accounts"]
    assert account["accountId"] in {one["accountId"] for one in listed}
    server.stop()


def test_the_lock_of_a_killed_server_holds_up_nobody(make_server):
    server = make_server("--workers", "2").start()
    boto3_client(server).create_bucket(Bucket="stale-lock")
    os.kill(server.pid, signal.SIGKILL)  # Its children, which hold the lock too, go by themselves a moment later.
    successor = make_server("--workers", "2", data_dir=server.data_dir).start()
    key = (server.key_id, server.application_key)
    assert [row["Name"] for row in boto3_client(successor, key=key).list_buckets()["Buckets"]] == ["stale-lock"]
    successor.stop()


def test_a_lock_file_with_nonsense_in_it_that_nobody_holds_is_no_lock(make_server):
    server = make_server("--workers", "1")
    server.data_dir.mkdir()
    (server.data_dir / "server.lock").write_bytes(b"\xff\xfe 99999999 not a process\n" * 100)
    server.start()
    assert second_start(server).returncode == FAILED
    server.stop()


def test_who_holds_the_lock_is_told_even_where_it_says_nothing_of_itself(make_server):
    server = make_server("--workers", "1")
    server.data_dir.mkdir()
    with (server.data_dir / "server.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = second_start(server)
    assert done.returncode == FAILED
    assert "is being served already, by process unknown" in done.stderr
    assert done.stdout == ""
