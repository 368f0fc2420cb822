"""P1 and P2: kill -9 of every process in the middle of mixed load loses no acknowledged write and shows no half one."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.clients import boto3_client
from harness.load import Load
from harness.native import NativeCaller
from harness.processes import wait_until
from harness.real_clients import KINDS, RealClients
from harness.server import Server

BUCKET = "killed"
BODY = os.urandom(200_000)
CI_ROUNDS = 3
FULL_ROUNDS = 200
CLIENTS_A_ROUND = 2  # Of the real ones, in turn.
FULL_TURNS = 10  # How often each process is killed by itself.
PROCESSES = 4  # Two workers, the console and the steward.
LOAD_S = (0.0, 1.5)  # How long all clients run before the kill: a random time between these.
SURVIVED_S = 20.0  # How long a server may take to replace one killed process.


@pytest.mark.timeout(3600)
def test_every_acknowledged_write_survives_a_kill_of_all_processes(
    make_server: Callable[..., Server],
    full_size: bool,
    tmp_path: Path,
    record_property: Callable[[str, Any], None],
) -> None:
    server = make_server("--workers", "2").start()
    rng = random.Random()
    load = Load(server)
    (tmp_path / "clients").mkdir()
    clients = RealClients(server, tmp_path / "clients")
    turns = itertools.cycle(KINDS)
    for _ in range(FULL_ROUNDS if full_size else CI_ROUNDS):
        with load.running(), clients.running(*itertools.islice(turns, CLIENTS_A_ROUND)):
            time.sleep(rng.uniform(*LOAD_S))
            server.kill()
        server.start()
        load.verify()
        clients.verify()
        load.trim()
    server.stop()
    counts = {"load": load.acknowledged, **clients.acknowledged}
    record_property("writes_acknowledged", counts)
    print(f"acknowledged and all there: {counts}")  # noqa: T201 - the figure of the note.
    assert load.acknowledged > 30
    assert clients.acknowledged.keys() == KINDS.keys()


@pytest.mark.timeout(1800)
def test_the_server_outlives_the_kill_of_any_one_child_and_loses_nothing(
    make_server: Callable[..., Server], full_size: bool
) -> None:
    server = make_server("--workers", "2").start()
    load = Load(server)
    assert len(server.children()) == PROCESSES
    for _ in range(FULL_TURNS if full_size else 1):
        for child in server.children():
            with load.running():
                time.sleep(0.7)
                child.send_signal(signal.SIGKILL)
                before = load.acknowledged
                wait_until(lambda before=before: load.acknowledged > before + 5, "the others do not go on")
                wait_for_replacement(server, child, PROCESSES)
                time.sleep(0.3)
            load.verify()
            load.trim()
    assert server.exit_code() is None
    server.stop()


def test_a_worker_that_takes_the_place_of_a_killed_one_reads_and_writes_all_by_itself(
    make_server: Callable[..., Server], full_size: bool
) -> None:
    server = make_server("--workers", "2").start()
    s3 = boto3_client(server)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="before", Body=BODY)
    for turn in range(FULL_TURNS if full_size else 1):
        victim, other = workers(server)
        victim.kill()
        wait_for_replacement(server, victim, PROCESSES)
        other.suspend()  # Nothing is under way, so it holds no lock; whoever connects now is served by the new one.
        try:
            fresh, native = boto3_client(server), NativeCaller(server)
            assert fresh.get_object(Bucket=BUCKET, Key="before")["Body"].read() == BODY
            fresh.put_object(Bucket=BUCKET, Key=f"s3-{turn}", Body=BODY)
            bucket_id = native.call("b2_list_buckets", accountId=server.account_id)["buckets"][0]["bucketId"]
            native.upload(bucket_id, f"native-{turn}", BODY, {})
            listed = native.call("b2_list_file_names", bucketId=bucket_id, maxFileCount=1000)["files"]
            assert {"before", f"s3-{turn}", f"native-{turn}"} <= {row["fileName"] for row in listed}
        finally:
            other.resume()
    server.stop()


def test_no_process_outlives_a_killed_supervisor(make_server: Callable[..., Server]) -> None:
    server = make_server("--workers", "2").start()
    children = server.children()
    load = Load(server)
    with load.running():
        time.sleep(0.7)
        os.kill(server.pid, signal.SIGKILL)
        gone, alive = psutil.wait_procs(children, timeout=SURVIVED_S)
    assert len(gone) == len(children), f"still running: {alive}"
    server.kill()
    server.start()
    load.verify()
    server.stop()


def wait_for_replacement(server: Server, killed: psutil.Process, wanted: int) -> None:
    """Returns when the killed child is gone and `wanted` children run."""
    deadline = time.monotonic() + SURVIVED_S
    while time.monotonic() < deadline:
        alive = [child for child in server.children() if child.pid != killed.pid and runs(child)]
        if len(alive) >= wanted:
            server.wait_ready()
            return
        time.sleep(0.05)
    raise AssertionError(f"no replacement of {killed} within {SURVIVED_S} s\n{server.log_tail()}")


def runs(process: psutil.Process) -> bool:
    """Whether the process exists and is no zombie."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def workers(server: Server) -> list[psutil.Process]:
    """The processes that listen on the API address, oldest first."""
    return [
        child
        for child in server.children()
        if any(entry.laddr.port == server.port and entry.status == "LISTEN" for entry in child.net_connections("tcp"))
    ]
