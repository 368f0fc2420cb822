"""Real clients that upload folders on and on, as users run them, and the proof of what they reported as done.

Each client is a process that tells of each file when it is stored. What it told must be there afterwards, byte for byte, even
if it was killed a moment later; what is there must be whole, told or not.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from harness.clients import Client, aws_client, b2_client, boto3_client, rclone_client, s5cmd_client
from harness.processes import wait_until
from harness.server import Server

BUCKET = "real-clients"
SMALL_BYTES = (0, 1, 100, 4096, 30_000, 65_535, 65_536, 65_537, 100_000, 300_000)
LARGE_BYTES = 9_000_000  # Above the thresholds from which these clients upload in parts.
FILES = 20
REREAD = 50  # How many files verified before are read once more in each verification.
KEPT = 1000  # So many files are left to later verifications; older ones are deleted.
AWAY_S = 0.1  # How long to wait with the next run after one that failed.
FIRST_ANSWER_S = 60.0
END_S = 30.0

_BOTO3_PROGRAM = """
import os, sys, boto3
from botocore.config import Config
s3 = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
folder, bucket, prefix = sys.argv[1:]
for place, _, names in os.walk(folder):
    for path in (os.path.join(place, name) for name in names):
        s3.upload_file(path, bucket, f"{prefix}/{os.path.relpath(path, folder)}")
        print("upload:", path, flush=True)
"""


class Kind(NamedTuple):
    """A client: how to make it, the command that uploads a folder, and the name of a file in a line that it prints."""

    make: Callable[[Server, Path], Client]
    upload: Callable[[str, str], Sequence[str]]
    told: Callable[[str], str | None]


def _by_pattern(pattern: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)

    def told(line: str) -> str | None:
        found = compiled.search(line)
        return None if found is None else found[1]

    return told


def _told_by_rclone(line: str) -> str | None:
    if not line.startswith("{"):
        return None
    said = json.loads(line)
    return str(said["object"]) if str(said.get("msg", "")).endswith("Copied (new)") else None


def _boto3_process(server: Server, home: Path) -> Client:
    environment = aws_client(server, home).environment
    return Client(sys.executable, home, environment, "-c", _BOTO3_PROGRAM)


def _rclone(remote: str) -> Kind:
    flags = ("-v", "--use-json-log", f"--{remote}-upload-cutoff", "5M", f"--{remote}-chunk-size", "5M")
    return Kind(
        rclone_client,
        lambda folder, prefix: ("copy", *flags, folder, f"{remote}:{BUCKET}/{prefix}"),
        _told_by_rclone,
    )


KINDS = {
    "b2": Kind(
        b2_client,
        lambda folder, prefix: ("sync", "--no-progress", folder, f"b2://{BUCKET}/{prefix}"),
        _by_pattern(r"^upload (.+)$"),
    ),
    "aws": Kind(
        aws_client,
        lambda folder, prefix: ("s3", "cp", "--recursive", "--no-progress", folder, f"s3://{BUCKET}/{prefix}"),
        _by_pattern(r"^upload: .+/source/(.+) to s3://"),
    ),
    "rclone-b2": _rclone("b2"),
    "rclone-s3": _rclone("s3"),
    "s5cmd": Kind(
        s5cmd_client,
        lambda folder, prefix: ("cp", f"{folder}/", f"s3://{BUCKET}/{prefix}/"),
        _by_pattern(r"^cp .+/source/(.+) s3://"),
    ),
    "boto3": Kind(
        _boto3_process,
        lambda folder, prefix: (folder, BUCKET, prefix),
        _by_pattern(r"^upload: .+/source/(.+)$"),
    ),
}


class RealClients:
    """The clients of one server, over all its deaths, and what each of them was told is stored."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._source = folder / "source"
        self._digests = _make_source(self._source)
        self._clients: dict[str, Client] = {}
        for name, kind in KINDS.items():
            (folder / name).mkdir()
            self._clients[name] = kind.make(server, folder / name)
        self._told: set[str] = set()
        self._verified: list[str] = []
        self._deleted: set[str] = set()
        self._runs = 0
        self._stop = threading.Event()
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self.acknowledged: Counter[str] = Counter()
        self.s3 = boto3_client(server, max_pool_connections=8)
        self.s3.create_bucket(Bucket=BUCKET)

    @contextmanager
    def running(self, *names: str) -> Iterator[None]:
        """These clients upload within it, on and on, and each has told of a file when it begins.

        At the end they are killed, as the server may be gone.
        """
        self._stop.clear()
        before = self.acknowledged.copy()
        threads = [threading.Thread(target=self._work, args=(name,), name=name) for name in names]
        for thread in threads:
            thread.start()
        try:
            wait_until(
                lambda: all(self.acknowledged[name] > before[name] for name in names),
                f"one of {names} stores nothing",
                FIRST_ANSWER_S,
            )
            yield
        finally:
            self._stop.set()
            for process in list(self._processes.values()):
                process.kill()
            for thread in threads:
                thread.join(END_S)
        assert not any(thread.is_alive() for thread in threads)

    def verify(self) -> None:
        """Compares all that is there with what was told."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        sizes = {row["Key"]: row["Size"] for page in pages for row in page.get("Contents", [])}
        lost = self._told - sizes.keys()
        assert not lost, f"{len(lost)} files that were reported as done are lost: {sorted(lost)[:3]}"
        risen = self._deleted & sizes.keys()
        assert not risen, f"{len(risen)} deleted files are back: {sorted(risen)[:3]}"
        known = set(self._verified)
        again = random.sample(self._verified, min(REREAD, len(self._verified)))
        fresh = [key for key in sizes if key not in known]
        with ThreadPoolExecutor(4) as readers:
            list(readers.map(self._check, [*fresh, *again]))
        self._verified += fresh
        self._trim()

    def _check(self, key: str) -> None:
        body = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        name = key.split("/", 2)[2]
        assert hashlib.sha256(body).hexdigest() == self._digests[name], f"{key} has other bytes than were sent"

    def _trim(self) -> None:
        while len(self._verified) > KEPT:
            old, self._verified = self._verified[:KEPT], self._verified[KEPT:]
            done = self.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in old]})
            assert len(done["Deleted"]) == len(old)
            self._told -= set(old)
            self._deleted |= set(old)

    def _work(self, name: str) -> None:
        while not self._stop.is_set():
            self._runs += 1
            if self._run(name, f"{name}/{self._runs}-{random.randrange(1 << 32):08x}"):
                self._stop.wait(AWAY_S)

    def _run(self, name: str, prefix: str) -> int:
        kind, client = KINDS[name], self._clients[name]
        process = subprocess.Popen(
            [*client.command, *kind.upload(str(self._source), prefix)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**client.environment, "PYTHONUNBUFFERED": "1"},
            cwd=client.home,
        )
        self._processes[name] = process
        if self._stop.is_set():
            process.kill()  # Whoever stops may have looked at the processes a moment ago.
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                file = kind.told(line.rstrip("\n"))
                if file is not None:
                    assert file in self._digests, line
                    self._told.add(f"{prefix}/{file}")
                    self.acknowledged[name] += 1
        return process.returncode


def _make_source(folder: Path) -> dict[str, Any]:
    """The files to upload, and the SHA-256 of each by its name."""
    digests = {}
    for number in range(FILES):
        name = f"folder-{number % 3}/file-{number:02d}"
        size = SMALL_BYTES[number % len(SMALL_BYTES)] if number else LARGE_BYTES
        body = random.randbytes(size)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
        digests[name] = hashlib.sha256(body).hexdigest()
    return digests
