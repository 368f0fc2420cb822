"""Many small files, by programs that people use for them."""

from __future__ import annotations

import time

from targets import BUCKET, Invalid, Target
from work import SMALL_BYTES, Sample, Work

from harness.clients import b2_client, s5cmd_client


def s5cmd_up(work: Work, target: Target) -> Sample:
    """`s5cmd cp` of a folder of small files; files a second, the client's own work included."""
    client = s5cmd_client(target, work.home(target))  # type: ignore[arg-type] # It has what the client needs.
    folder = work.new_name("s5cmd")
    before, began = target.cpu_s(), time.monotonic()
    client.run("cp", f"{work.small_files}/*", f"s3://{BUCKET}/{folder}/")
    sample = _rate(work, time.monotonic() - began, target.cpu_s() - before)
    _check(work, target, folder)
    return sample


def s5cmd_down(work: Work, target: Target) -> Sample:
    """`s5cmd cp` of them back into a folder."""
    home = work.home(target)
    client = s5cmd_client(target, home)  # type: ignore[arg-type]
    target.prepare("down", lambda: client.run("cp", f"{work.small_files}/*", f"s3://{BUCKET}/down/"))
    work.settle()
    before, began = target.cpu_s(), time.monotonic()
    client.run("cp", f"s3://{BUCKET}/down/*", f"{home}/down/")
    sample = _rate(work, time.monotonic() - began, target.cpu_s() - before)
    brought = [file.stat().st_size for file in (home / "down").iterdir()]
    if brought != [SMALL_BYTES] * work.sizes.files:
        raise Invalid(f"s5cmd brought {len(brought)} files of {sum(brought)} bytes together")
    return sample


def b2_sync(work: Work, target: Target) -> Sample:
    """`b2 sync` of the folder, over the B2 Native API."""
    client = b2_client(target, work.home(target))  # type: ignore[arg-type]
    folder = work.new_name("b2")
    before, began = target.cpu_s(), time.monotonic()
    client.run("sync", "--no-progress", "--threads", "10", work.small_files, f"b2://{BUCKET}/{folder}")
    sample = _rate(work, time.monotonic() - began, target.cpu_s() - before)
    _check(work, target, folder)
    return sample


def _rate(work: Work, seconds: float, cpu_s: float) -> Sample:
    files = work.sizes.files
    return Sample(files / seconds, cpu_s / files * 1e6, {"seconds": seconds})


def _check(work: Work, target: Target, folder: str) -> None:
    with target.client() as client:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{folder}/")
        sizes = [entry["Size"] for page in pages for entry in page.get("Contents", [])]
    if sizes != [SMALL_BYTES] * work.sizes.files:
        raise Invalid(f"{folder} holds {len(sizes)} files of {sum(sizes)} bytes together")
