"""Reading: what a reader holds, it lets go of."""

from __future__ import annotations

import os

import pytest

from harness.asynchronous import asynchronous
from harness.stores import open_bench


def is_open(bench) -> bool:
    return any(handle.is_open for handle in bench.blobs._open)


@pytest.mark.parametrize("blocks", [0, 1, 3])
@asynchronous
async def test_a_reader_that_leaves_early_lets_go_of_the_blob_even_if_it_never_began(tmp_path, blocks):
    data = os.urandom(4_000_000)
    async with open_bench(tmp_path) as bench:
        version = await bench.put("name", data)
        body = await bench.store.files.read(version, 0, version.size)
        got = b"".join([await anext(body) for _ in range(blocks)])
        assert data.startswith(got)
        assert is_open(bench)
        await body.aclose()
        assert not is_open(bench)
