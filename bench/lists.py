"""Lists of 1,000 names out of many, with and without a delimiter, by one client."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

from fill import FOLDERS, index_of, name_at, names
from ours import Undercroft
from small import fill, wrk
from targets import Invalid, Target
from work import Load, Sample, Work, checked

PAGE = 1000
PLACES = 64
PEER_FILL_MAX_S = 180.0
TRIAL = 1000
SEED = 1  # Every server is asked for the same pages.


def listing(count: int, *, delimiter: bool) -> Load:
    """The median latency, in ms, of a list of 1,000 entries from a random place of a bucket with so many names."""

    def run(work: Work, target: Target) -> Sample:
        bucket = f"list-{count}"
        target.prepare(bucket, lambda: _fill(target, bucket, count))
        work.settle()
        query = {"list-type": "2", "max-keys": str(PAGE)} | ({"delimiter": "/"} if delimiter else {})
        asked = [query | {"start-after": place} for place in _places(count, delimiter=delimiter)]
        signed = [target.sign("GET", [f"/{bucket}"], one)[0] for one in asked]
        for one, path in zip(asked[:3], signed, strict=False):
            _check(checked(target, "GET", path, 200), one["start-after"], count, delimiter=delimiter)
        told = wrk(work, target, "GET", signed, clients=1)
        more = {"requests": told["requests"], "p99_ms": told["p99_us"] / 1e3}
        return Sample(told["p50_us"] / 1e3, told["cpu_s"] / told["requests"] * 1e6, more)

    return run


def _places(count: int, *, delimiter: bool) -> list[str]:
    """Names after which a full page follows. `~` sorts after every name of its folder."""
    source = random.Random(SEED)  # noqa: S311 - no secret.
    if delimiter:
        return [f"d{source.randrange(FOLDERS - PAGE - 1):05}/~" for _ in range(PLACES)]
    return [name_at(source.randrange(count - PAGE - 1), count) for _ in range(PLACES)]


def _check(answer: bytes, after: str, count: int, *, delimiter: bool) -> None:
    """Raises `Invalid` unless the page is exactly what follows."""
    if delimiter:
        first = int(after[1:6]) + 1
        tag, expected = "CommonPrefixes", [f"d{folder:05}/" for folder in range(first, first + PAGE)]
    else:
        first = index_of(after, count) + 1
        tag, expected = "Contents", [name_at(index, count) for index in range(first, first + PAGE)]
    entries = [entry for entry in ET.fromstring(answer) if entry.tag.endswith(tag)]  # noqa: S314 - our own servers.
    found = [part.text for entry in entries for part in entry if part.tag.endswith(("Key", "Prefix"))]
    if found != expected:
        raise Invalid(f"a list after {after} has {len(found)} entries, from {found[:1]} to {found[-1:]}")


def _fill(target: Target, bucket: str, count: int) -> None:
    with target.client() as client:
        client.create_bucket(Bucket=bucket)
    if isinstance(target, Undercroft):
        script = Path(__file__).with_name("fill.py")
        done = subprocess.run(
            [sys.executable, script, "--data", target.data_dir, "--bucket", bucket, "--names", str(count)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or json.loads(done.stdout)["names"] != count:
            raise Invalid(f"fill.py failed: {done.stderr[-300:]}")
        return
    paths = [f"/{bucket}/{name}" for name in names(count)]
    began = time.monotonic()
    fill(target, paths[:TRIAL], b"")
    needed_s = (time.monotonic() - began) / TRIAL * count
    if needed_s > PEER_FILL_MAX_S:
        raise Invalid(f"not filled: {count:,} PUTs would take {needed_s:,.0f} s")
    fill(target, paths[TRIAL:], b"")
