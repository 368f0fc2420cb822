"""Turns that go on beside each other."""

from __future__ import annotations

import asyncio

import pytest

from harness.asynchronous import asynchronous
from undercroft.store.work.turns import Turns

PATIENCE_S = 30.0


class Work:
    """Turns that go on until they are told to end."""

    def __init__(self):
        self.begun, self.ended = [], []
        self.may_end = asyncio.Event()

    async def __call__(self, key):
        self.begun.append(key)
        await self.may_end.wait()
        self.ended.append(key)


@asynchronous
async def test_a_key_has_one_turn_at_a_time_and_all_together_have_their_number():
    turns, work = Turns(3), Work()
    for _ in range(2):
        turns.begin(["a", "b", "b", "c", "d"], work)
        await asyncio.sleep(0)
    assert (work.begun, len(turns)) == (["a", "b", "c"], 3)
    work.may_end.set()
    await turns.finish()
    assert (work.ended, len(turns)) == (["a", "b", "c"], 0)
    turns.begin(["a"], work)
    await turns.finish()
    assert work.begun == ["a", "b", "c", "a"]


@asynchronous
async def test_no_group_has_more_than_its_share():
    turns, work = Turns(4, group_of=lambda key: key[0], at_once_of_group=2), Work()
    turns.begin(["a1", "a2", "a3"], work)
    turns.begin(["a4", "b1", "b2", "c1"], work)
    await asyncio.sleep(0)
    assert work.begun == ["a1", "a2", "b1", "b2"]
    await turns.stop()


@asynchronous
async def test_what_a_turn_raises_is_raised_to_whoever_looks_and_ends_no_other():
    turns, work = Turns(2), Work()

    async def fail(_key):
        raise ValueError("broken")

    turns.begin(["a"], fail)
    turns.begin(["b"], work)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="broken"):
        turns.end_those_done()
    turns.end_those_done()
    assert len(turns) == 1
    work.may_end.set()
    await turns.finish()
    assert work.ended == ["b"]


@asynchronous
async def test_stopping_waits_for_what_ends_soon_and_ends_the_rest():
    turns, quick, slow = Turns(2), Work(), Work()
    turns.begin(["quick"], quick)
    turns.begin(["slow"], slow)
    await asyncio.sleep(0)
    quick.may_end.set()
    async with asyncio.timeout(PATIENCE_S):
        await turns.stop(patience_s=0.2)
    assert (quick.ended, slow.ended, len(turns)) == (["quick"], [], 0)
