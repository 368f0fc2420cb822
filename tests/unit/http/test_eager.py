"""Coroutines that begin at once: what they return, raise, wait for and see."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from harness.asynchronous import asynchronous
from undercroft.http import eager

WORD: ContextVar[str] = ContextVar("WORD", default="outside")


@asynchronous
async def test_what_never_waits_is_done_without_a_task():
    done = []

    async def work() -> None:
        done.append(WORD.get())

    assert eager.start(work(), asyncio.get_running_loop()) is None
    assert done == ["outside"]


@asynchronous
async def test_what_waits_goes_on_in_a_task_with_the_answers_it_waits_for():
    loop = asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()
    seen = []

    async def work() -> None:
        seen.append("began")
        seen.append(await first)
        await asyncio.sleep(0)
        seen.append(await second)
        async with asyncio.timeout(30):
            await asyncio.sleep(0)
            seen.append(asyncio.current_task() is task)

    task = eager.start(work(), loop)
    assert task is not None
    assert seen == ["began"]
    first.set_result(1)
    second.set_result(2)
    await task
    assert seen == ["began", 1, 2, True]


@asynchronous
async def test_errors_reach_the_coroutine_and_then_whoever_waits():
    loop = asyncio.get_running_loop()
    broken = loop.create_future()
    seen = []

    async def work() -> None:
        try:
            await broken
        except OSError:
            seen.append("caught")
        raise ValueError("at the end")

    task = eager.start(work(), loop)
    assert task is not None
    broken.set_exception(OSError("broken"))
    with pytest.raises(ValueError, match="at the end"):
        await task
    assert seen == ["caught"]

    async def fail() -> None:
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        eager.start(fail(), loop)


@asynchronous
async def test_a_cancelled_task_cancels_the_coroutine_where_it_waits():
    left = []

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            left.append("left")

    task = eager.start(work(), asyncio.get_running_loop())
    assert task is not None
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left == ["left"]


@asynchronous
async def test_what_it_says_in_its_context_stays_there():
    seen = []

    async def work() -> None:
        WORD.set("inside")
        await asyncio.sleep(0)
        seen.append(WORD.get())

    task = eager.start(work(), asyncio.get_running_loop())
    assert task is not None
    await task
    assert (seen, WORD.get()) == (["inside"], "outside")
