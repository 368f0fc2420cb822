"""What is asked of each server: small signed requests with wrk, and one large file up and down."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from servers import BUCKET, Target

SMALL_BYTES = 4096
NAMES = 1000
LARGE_BYTES = 1 << 30
BLOCK_BYTES = 1 << 20
REQUESTS_LUA = Path(__file__).with_name("requests.lua")


@dataclass(frozen=True)
class Result:
    """One run. `rate` is requests or MB a second."""

    rate: float
    cpu_us: float  # Server CPU a request, or a MB.
    p50_us: float


def prepare(target: Target, folder: Path) -> None:
    """Makes the bucket and the files to read, and writes down presigned paths for wrk."""
    client = target.client()
    client.create_bucket(Bucket=BUCKET)
    for number in range(NAMES):
        client.put_object(Bucket=BUCKET, Key=f"small/{number}", Body=b"u" * SMALL_BYTES)
    for operation in ("get_object", "put_object"):
        urls = [presigned(target, operation, f"small/{number}") for number in range(NAMES)]
        (folder / f"{target.name}.{operation}").write_text("\n".join(url.path + "?" + url.query for url in urls))


def presigned(target: Target, operation: str, key: str) -> SplitResult:
    """A presigned URL, split."""
    return urlsplit(target.client().generate_presigned_url(operation, {"Bucket": BUCKET, "Key": key}, ExpiresIn=3600))


def small(method: str, clients: int, seconds: int) -> Callable[[Target, Path], Result]:
    """Signed requests of 4 KiB from so many clients at once."""

    def run(target: Target, folder: Path) -> Result:
        operation = f"{method.lower()}_object"
        url = presigned(target, operation, "small/0")
        before = target.cpu_s()
        done = subprocess.run(
            [
                "wrk", f"-t{min(clients, 2)}", f"-c{clients}", f"-d{seconds}s", "-s", REQUESTS_LUA,
                f"http://{url.netloc}", "--", method, folder / f"{target.name}.{operation}", str(SMALL_BYTES),
            ],
            capture_output=True,
            text=True,
            check=True,
        )  # fmt: skip
        used = target.cpu_s() - before
        told = json.loads(done.stdout.splitlines()[-1])
        assert not told["failed"], f"{target.name}: {told['failed']} of {told['requests']} requests failed"
        return Result(told["requests"] / told["duration_us"] * 1e6, used / told["requests"] * 1e6, told["p50_us"])

    return run


def large(method: str) -> Callable[[Target, Path], Result]:
    """One file of 1 GiB over one connection; rates in MB/s, CPU a MB."""

    def run(target: Target, _folder: Path) -> Result:
        url = presigned(target, f"{method.lower()}_object", "large")
        before, began = target.cpu_s(), time.monotonic()
        with closing(http.client.HTTPConnection(url.netloc, timeout=600)) as connection:
            body = (bytes(BLOCK_BYTES) for _ in range(LARGE_BYTES // BLOCK_BYTES)) if method == "PUT" else None
            headers = {"Content-Length": str(LARGE_BYTES)} if body else {}
            connection.request(method, f"{url.path}?{url.query}", body=body, headers=headers)
            response = connection.getresponse()
            assert response.status == 200, f"{target.name}: {response.status} {response.read(300)!r}"
            buffer, received = bytearray(BLOCK_BYTES), 0
            while count := response.readinto(buffer):
                received += count
        assert method == "PUT" or received == LARGE_BYTES
        seconds, megabytes = time.monotonic() - began, LARGE_BYTES / 1e6
        return Result(megabytes / seconds, (target.cpu_s() - before) / megabytes * 1e6, seconds * 1e6)

    return run
