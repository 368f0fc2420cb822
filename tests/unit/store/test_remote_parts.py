"""Parts of what is replicated to another installation."""

from __future__ import annotations

import hashlib
import os

import pytest

from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft import limits
from undercroft.store.work.remote_parts import Part, part_bytes_of

MOST_OF_THE_SMALLEST = limits.REPLICATION_REMOTE_PART_BYTES * limits.PART_NUMBER_MAX


@pytest.mark.parametrize(
    ("size", "part_mib"),
    [
        (limits.REPLICATION_REMOTE_PART_BYTES + 1, 8),
        (MOST_OF_THE_SMALLEST, 8),
        (MOST_OF_THE_SMALLEST + 1, 9),
        (160_000_000_000, 16),
        (168 * 1_000_000_000, 17),
        (limits.LARGE_FILE_MAX_BYTES, 954),
    ],
)
def test_parts_are_as_small_as_their_number_allows(size, part_mib):
    assert part_bytes_of(size) == part_mib * limits.MIB


@pytest.mark.parametrize("size", [10**exponent + more for exponent in range(7, 13) for more in (-1, 0, 1)])
def test_no_file_is_too_large_to_be_sent_in_parts(size):
    part = part_bytes_of(size)
    assert -(-size // part) <= limits.PART_NUMBER_MAX
    assert limits.NATIVE_PART_MIN_BYTES <= part <= limits.UPLOAD_MAX_BYTES


@pytest.mark.parametrize("size", [10, 300_000])
@asynchronous
async def test_a_part_ends_in_its_digest_each_time_that_it_is_sent(tmp_path, size):
    async with open_bench(tmp_path) as bench:
        data = os.urandom(size)
        version = await bench.put("a", data)
        part = Part(bench.store.files, version, 3, size - 1)
        sha1 = hashlib.sha1(data[3:-1]).hexdigest()
        for _ in range(2):
            sent = b"".join([chunk async for chunk in part.chunks()])
            assert sent == data[3:-1] + sha1.encode()
            assert (len(sent), part.size, part.sha1) == (part.length, size - 4, sha1)
        assert await part.digest() == sha1


@asynchronous
async def test_bytes_of_a_part_that_nobody_took_do_not_count_as_downloaded(tmp_path):
    async with open_bench(tmp_path) as bench:
        version = await bench.put("a", os.urandom(3_000_000))
        chunks = Part(bench.store.files, version, 0, version.size).chunks()
        taken = len(await anext(chunks))
        await chunks.aclose()
        [transfer] = [row for row in bench.store.accounting.meter.take().transfers if row.downloaded]
        assert transfer.downloaded == taken < version.size
