"""The servers that are compared: each started on the loopback address, with its data in a folder of the measurement."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Protocol

import boto3
import psutil
from botocore.config import Config

from harness.server import Server, free_port

BUCKET = "benchmark"
START_TIMEOUT_S = 20.0


class Target(Protocol):
    """A running server under measurement."""

    name: str

    def client(self) -> Any:
        """A boto3 client of it, path style."""

    def cpu_s(self) -> float:
        """User and system seconds of all its processes since they started."""

    def stop(self) -> None:
        """Ends it."""


def s3_client(endpoint: str, key_id: str, secret: str) -> Any:
    """A boto3 client whose presigned URLs any of the servers accepts."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(
            signature_version="s3v4", s3={"addressing_style": "path"}, request_checksum_calculation="when_required"
        ),
    )


def tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process and all below it, the ended ones too where their parent has waited for them."""
    top = psutil.Process(pid)
    total = top.cpu_times().children_user + top.cpu_times().children_system
    for process in [top, *top.children(recursive=True)]:
        times = process.cpu_times()
        total += times.user + times.system
    return float(total)


class Undercroft:
    """`undercroft serve` with its defaults."""

    name = "undercroft"

    def __init__(self, folder: Path) -> None:
        self._server = Server(folder / "data").start()

    def client(self) -> Any:
        """A boto3 client of it, path style."""
        return s3_client(self._server.api_url, self._server.key_id, self._server.application_key)

    def cpu_s(self) -> float:
        """User and system seconds of all its processes since they started."""
        return tree_cpu_s(self._server.pid)

    def stop(self) -> None:
        """Ends it."""
        self._server.stop()


class Rclone:
    """`rclone serve s3` over a folder: the peer, which does not sync what it acknowledges."""

    name = "rclone"

    def __init__(self, folder: Path) -> None:
        data = folder / "data"
        data.mkdir(parents=True)
        address = f"127.0.0.1:{free_port()}"
        program = shutil.which("rclone")
        assert program, "rclone is missing: `make bench` installs it"
        self._url = f"http://{address}"
        self._secret = "benchmark-secret"  # noqa: S105 - the peer's own, for the time of the measurement.
        self._process = subprocess.Popen(
            [
                program,
                "serve",
                "s3",
                "--config",
                "",
                "--auth-key",
                f"benchmark,{self._secret}",
                "--addr",
                address,
                data,
            ],
            stderr=subprocess.DEVNULL,
        )
        self._wait_ready()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self.client().list_buckets()
            except Exception:  # noqa: BLE001 - whatever the client says before the port is open.
                assert time.monotonic() < deadline, "rclone did not start"
                time.sleep(0.1)
            else:
                return

    def client(self) -> Any:
        """A boto3 client of it, path style."""
        return s3_client(self._url, "benchmark", self._secret)

    def cpu_s(self) -> float:
        """User and system seconds of all its processes since they started."""
        return tree_cpu_s(self._process.pid)

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()
