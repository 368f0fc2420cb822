"""One large file: up and down over one connection, through a real client, and copied."""

from __future__ import annotations

import time
from contextlib import closing

from targets import BUCKET, Invalid, Target
from work import BLOCK_BYTES, MEGABYTE, Sample, Work, excerpt

from harness.clients import aws_client


def put(work: Work, target: Target) -> Sample:
    """One presigned PUT of 1 GiB, its payload unsigned; MB a second."""
    work.warm(work.sizes.large_bytes)
    before, began = target.cpu_s(), time.monotonic()
    _put(work, target, "large", work.sizes.large_bytes)
    return _rate(work.sizes.large_bytes, time.monotonic() - began, target.cpu_s() - before)


def get(work: Work, target: Target) -> Sample:
    """One presigned GET of it, after one that is not counted; MB a second."""
    size = work.sizes.large_bytes
    target.prepare("large-to-get", lambda: _put(work, target, "large-to-get", size))
    work.settle()
    target.prepare("large-in-memory", lambda: _get(target, "large-to-get", size))
    before, began = target.cpu_s(), time.monotonic()
    _get(target, "large-to-get", size)
    return _rate(size, time.monotonic() - began, target.cpu_s() - before)


def client_up(work: Work, target: Target) -> Sample:
    """`aws s3 cp` of 1 GiB, which makes it a multipart upload; MB a second, the client's own work included."""
    client = aws_client(target, work.home(target))  # type: ignore[arg-type] # It has what the client needs.
    size = work.large_file.stat().st_size
    work.warm(size)
    before, began = target.cpu_s(), time.monotonic()
    client.run("s3", "cp", "--only-show-errors", work.large_file, f"s3://{BUCKET}/multipart")
    sample = _rate(size, time.monotonic() - began, target.cpu_s() - before)
    _check_size(target, "multipart", size)
    return sample


def client_down(work: Work, target: Target) -> Sample:
    """`aws s3 cp` back into a file."""
    size = work.large_file.stat().st_size
    target.prepare("multipart", lambda: client_up(work, target))
    work.settle()
    home = work.home(target)
    client = aws_client(target, home)  # type: ignore[arg-type]
    work.warm(size)
    before, began = target.cpu_s(), time.monotonic()
    client.run("s3", "cp", "--only-show-errors", f"s3://{BUCKET}/multipart", home / "down")
    sample = _rate(size, time.monotonic() - began, target.cpu_s() - before)
    with (home / "down").open("rb") as down, work.large_file.open("rb") as source:
        while block := source.read(BLOCK_BYTES):
            if down.read(BLOCK_BYTES) != block:
                raise Invalid("aws s3 cp brought other bytes than it had sent")
    (home / "down").unlink()
    return sample


def copy(work: Work, target: Target) -> Sample:
    """CopyObject of 5 GB within a bucket, in milliseconds."""
    size = work.sizes.copy_bytes
    target.prepare("to-copy", lambda: _put(work, target, "to-copy", size))
    work.settle()
    with target.client() as client:
        client.head_object(Bucket=BUCKET, Key="to-copy")  # The connection is there before the clock runs.
        before, began = target.cpu_s(), time.monotonic()
        client.copy_object(Bucket=BUCKET, Key="copied", CopySource={"Bucket": BUCKET, "Key": "to-copy"})
        seconds, cpu_s = time.monotonic() - began, target.cpu_s() - before
        _check_size(target, "copied", size)
        client.delete_object(Bucket=BUCKET, Key="copied")
    return Sample(seconds * 1e3, cpu_s * 1e6)


def _rate(size_bytes: int, seconds: float, cpu_s: float) -> Sample:
    megabytes = size_bytes / MEGABYTE
    return Sample(megabytes / seconds, cpu_s / megabytes * 1e6, {"seconds": seconds})


def _put(work: Work, target: Target, key: str, size_bytes: int) -> None:
    blocks, rest = divmod(size_bytes, BLOCK_BYTES)

    def body() -> object:
        for _ in range(blocks):
            yield work.block
        yield work.block[:rest]

    with closing(target.connect()) as connection:
        path = target.sign("PUT", [f"/{BUCKET}/{key}"])[0]
        connection.request("PUT", path, body=body(), headers={"Content-Length": str(size_bytes)})
        response = connection.getresponse()
        answer = response.read()
    if response.status != 200:
        raise Invalid(f"PUT answered {response.status}: {excerpt(answer)}")
    _check_size(target, key, size_bytes)


def _get(target: Target, key: str, size_bytes: int) -> None:
    buffer, received = bytearray(BLOCK_BYTES), 0
    with closing(target.connect()) as connection:
        connection.request("GET", target.sign("GET", [f"/{BUCKET}/{key}"])[0])
        response = connection.getresponse()
        while count := response.readinto(buffer):
            received += count
    if (response.status, received) != (200, size_bytes):
        raise Invalid(f"GET answered {response.status} with {received} of {size_bytes} bytes")


def _check_size(target: Target, key: str, size_bytes: int) -> None:
    _, headers, _ = target.ask("HEAD", target.sign("HEAD", [f"/{BUCKET}/{key}"])[0])
    if headers.get("content-length") != str(size_bytes):
        raise Invalid(f"{key} has {headers.get('content-length')} of {size_bytes} bytes")
