from __future__ import annotations

import asyncio

from harness.asynchronous import asynchronous
from undercroft import limits
from undercroft.serve.memory import TRIM, given_back


@asynchronous
async def test_memory_is_given_back_over_and_over_until_the_end(monkeypatch):
    monkeypatch.setattr(limits, "MEMORY_TRIM_S", 0.001)
    calls = 0
    thrice = asyncio.Event()

    def trim(keep_bytes: int) -> int:
        nonlocal calls
        assert keep_bytes == 0
        calls += 1
        if calls == 3:
            thrice.set()
        return 1

    async with asyncio.timeout(10):
        async with given_back(trim):
            await thrice.wait()
        after = calls
        await asyncio.sleep(0.01)
    assert calls == after


@asynchronous
async def test_a_c_library_without_a_way_to_trim_is_left_alone(monkeypatch):
    monkeypatch.setattr(limits, "MEMORY_TRIM_S", 0.001)
    before = asyncio.all_tasks()
    async with given_back(None):
        assert asyncio.all_tasks() == before


def test_glibc_trims():
    assert TRIM is not None
    assert TRIM(0) in {0, 1}
