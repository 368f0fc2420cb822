"""Fills a bucket of a data directory with very many empty files, faster than any client could.

    python bench/fill.py --data DIR --bucket NAME --names 1000000

It writes what uploads would have written, by the catalog's own statements and under its writer lock, so the server may run
meanwhile: a version, its visible name and the usage counter, thousands a transaction instead of one. What it leaves out of an
upload is the check of each name against what is there already: the bucket has to be empty.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

from harness.s3_in_process import WallClock
from harness.stores import open_as_it_is
from undercroft.catalog import usage, versions
from undercroft.catalog.contract import Transaction
from undercroft.catalog.versions import VersionRow
from undercroft.store import ids
from undercroft.store.ambient import Ambient
from undercroft.store.files.base import EMPTY_MD5, EMPTY_SHA1

FOLDERS = 2000
BATCH = 2000
BYTES_A_NAME = 500  # About what a name costs in the catalog.


def name_at(index: int, count: int) -> str:
    """The name in this place of the order of `count` names, which are spread evenly over 2,000 folders."""
    folder, file = divmod(index, count // FOLDERS)
    return f"d{folder:05}/f{file:05}"


def index_of(name: str, count: int) -> int:
    """The place of a name."""
    return int(name[1:6]) * (count // FOLDERS) + int(name[8:])


def names(count: int) -> Iterator[str]:
    """All of them, in their order."""
    assert count >= FOLDERS, f"a multiple of {FOLDERS}, since every folder has as many"
    assert count % FOLDERS == 0, f"a multiple of {FOLDERS}, since every folder has as many"
    return (name_at(index, count) for index in range(count))


async def fill(data: Path, bucket_name: str, count: int) -> int:
    """Adds the files and returns how many there are now."""
    ambient = Ambient()
    made = 0
    async with open_as_it_is(data, WallClock()) as bench:
        bucket = await bench.store.buckets.find(name=bucket_name)
        assert not await versions.any_in_bucket(bench.catalog.rows, bucket.bucket_id), f"{bucket_name} is not empty"
        remaining = names(count)
        while batch := list(itertools.islice(remaining, BATCH)):
            rows = [_row(bucket.bucket_id, name, ambient) for name in batch]

            async def change(tx: Transaction, rows: list[VersionRow] = rows) -> None:
                for row in rows:
                    await versions.point(tx, await versions.add(tx, row))
                await usage.add(tx, rows[0].bucket_id, 0, usage.Held(versions=len(rows), files=len(rows)))

            await bench.catalog.write(change, size_bytes=len(rows) * BYTES_A_NAME, grows=True)
            made += len(rows)
    return made


def _row(bucket_id: str, name: str, ambient: Ambient) -> VersionRow:
    """An empty file's row, as `store.files.uploads` makes it."""
    now_ms = ambient.now_ms()
    return VersionRow(
        bucket_id=bucket_id,
        name=name.encode(),
        inverted_ms=-now_ms,
        inverted_seq=-1,
        handle=ambient.new_handle(),
        kind=ids.SMALL,
        born_ms=now_ms,
        action=versions.UPLOAD,
        size=0,
        content_type="application/octet-stream",
        content_sha1=EMPTY_SHA1,
        etag=EMPTY_MD5,
        checksum=None,
        info="{}",
        received_ms=now_ms,
        part_count=0,
    )


def main() -> None:
    """Reads the options and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data directory of a server")
    parser.add_argument("--bucket", required=True, help="an empty bucket")
    parser.add_argument("--names", type=int, required=True, help="how many files to make, a multiple of 2,000")
    options = parser.parse_args()
    began = time.monotonic()
    made = asyncio.run(fill(options.data, options.bucket, options.names))
    print(json.dumps({"names": made, "seconds": round(time.monotonic() - began, 1)}))


if __name__ == "__main__":
    main()
