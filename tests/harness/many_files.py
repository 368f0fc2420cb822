"""Very many files in a bucket of a running server, in seconds: empty ones, put into the catalog as a node beside it would.

It runs as a process of its own, since a browser's tests keep an event loop in theirs.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from harness.stores import md5, raise_fatal, sha1
from undercroft.catalog import usage
from undercroft.catalog.sqlite import SQLiteCatalog

BATCH = 5000
SLOT = 99  # Of counters: none of the server's.
_VERSION = (
    "INSERT INTO versions (bucket_id, name, inverted_ms, inverted_seq, handle, kind, born_ms, action, size, content_type,"
    " content_sha1, etag, info, received_ms, part_count)"
    " VALUES (?1, ?2, ?3, -1, ?4, 1, ?5, 1, 0, 'text/plain', ?6, ?7, '{}', ?5, 0)"
)
_FILE = "INSERT INTO files (bucket_id, name, inverted_ms, inverted_seq) VALUES (?1, ?2, ?3, -1)"


def fill(data_dir: Path, bucket_id: str, prefix: str, count: int) -> None:
    """Put files `PREFIX000000` and so on into the bucket; they come before any uploaded later."""
    subprocess.run(
        [sys.executable, "-m", "harness.many_files", str(data_dir), bucket_id, prefix, str(count)],
        check=True,
        cwd=Path(__file__).parents[1],
    )


async def _fill(data_dir: Path, bucket_id: str, prefix: str, count: int) -> None:
    catalog = SQLiteCatalog(data_dir / "catalog.db", on_fatal=raise_fatal)
    now_ms = int(time.time() * 1000)
    digests = sha1(b""), md5(b"")
    first_handle = time.time_ns() % (1 << 59)
    try:
        for start in range(0, count, BATCH):
            names = [(n, f"{prefix}{n:06d}".encode()) for n in range(start, min(start + BATCH, count))]

            async def change(tx, names=names):
                await tx.many(
                    _VERSION, [(bucket_id, name, -now_ms, first_handle + n, now_ms, *digests) for n, name in names]
                )
                await tx.many(_FILE, [(bucket_id, name, -now_ms) for _, name in names])
                await usage.add(tx, bucket_id, SLOT, usage.Held(versions=len(names), files=len(names)))

            await catalog.write(change)
    finally:
        await catalog.close()


if __name__ == "__main__":
    asyncio.run(_fill(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
