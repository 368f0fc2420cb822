"""Calls that leave the event loop: answers, errors and cancellations."""

from __future__ import annotations

import asyncio
import threading
import weakref

import pytest

from harness.asynchronous import asynchronous
from undercroft.threads import Strand, Threads


@asynchronous
async def test_answers_and_errors_come_back_to_the_caller():
    threads = Threads(2, "test")
    assert await threads.run(divmod, 17, 5) == (3, 2)
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 17, 0)
    assert await threads.run(threading.get_ident) != threading.get_ident()
    await threads.close()


@asynchronous
async def test_so_many_calls_run_at_once_as_there_are_threads():
    threads = Threads(3, "test")
    meeting = threading.Barrier(3, timeout=30)
    await asyncio.gather(*(threads.run(meeting.wait) for _ in range(3)))
    await threads.close()


@asynchronous
async def test_close_waits_for_work_that_nobody_waits_for_and_ends_the_threads():
    before = set(threading.enumerate())
    threads = Threads(1, "test")
    gate, done = threading.Event(), []
    threads.start(lambda: done.append(gate.wait(30)))
    gate.set()
    await threads.close()
    assert done == [True]
    left = set(threading.enumerate()) - before
    assert not any(thread.name.startswith("blobs-") for thread in left)


@asynchronous
async def test_threads_that_never_ran_close_at_once():
    await Threads(1, "test").close()


@asynchronous
async def test_a_waiting_thread_keeps_nothing_of_its_last_call():
    class Block:
        pass

    threads = Threads(1, "test")
    block = Block()
    seen = weakref.ref(block)
    await threads.run(id, block)
    del block
    await threads.run(int)
    assert seen() is None
    await threads.close()


def test_an_answer_to_a_loop_that_is_gone_is_dropped_and_the_thread_lives_on():
    threads = Threads(1, "test")
    gate = threading.Event()

    async def leave_behind() -> None:
        threads.start(lambda: gate.wait(30))

    async def come_back() -> int:
        result = await threads.run(len, "alive")
        await threads.close()
        return result

    asyncio.run(leave_behind())
    gate.set()
    assert asyncio.run(come_back()) == 5


# -- Strands ----------------------------------------------------------------------------------------------------------
@asynchronous
async def test_calls_of_a_strand_run_one_at_a_time_and_in_order():
    threads = Threads(4, "test")
    strand = Strand(threads)
    running, order = threading.Lock(), []

    def call(number: int) -> int:
        assert running.acquire(blocking=False)
        order.append(number)
        running.release()
        return number

    for turn in range(20):  # With pauses, so that the strand comes to its end and begins anew.
        numbers = range(turn * 50, turn * 50 + 50)
        assert await asyncio.gather(*(strand.begin(call, number) for number in numbers)) == list(numbers)
    assert order == list(range(1000))
    await threads.close()


@asynchronous
async def test_a_call_of_a_strand_that_fails_does_not_end_it_and_a_cancelled_one_is_left_out():
    threads = Threads(2, "test")
    strand = Strand(threads)
    gate = threading.Event()
    first = strand.begin(gate.wait, 30)
    cancelled, failing, last = strand.begin(gate.clear), strand.begin(divmod, 1, 0), strand.begin(gate.is_set)
    cancelled.cancel()
    gate.set()
    assert await first
    with pytest.raises(ZeroDivisionError):
        await failing
    assert await last
    await threads.close()


@asynchronous
async def test_a_strand_with_much_to_do_lets_others_have_the_thread():
    threads = Threads(1, "test")
    busy, gate, order = Strand(threads), threading.Event(), []
    calls = [busy.begin(gate.wait, 30), *(busy.begin(order.append, "busy") for _ in range(10))]
    other = Strand(threads).begin(order.append, "other")
    gate.set()
    await asyncio.gather(other, *calls)
    assert order[0] == "other"
    assert order.count("busy") == 10
    await threads.close()


@asynchronous
async def test_work_that_nobody_waits_for_and_that_fails_does_not_end_its_thread(capfd):
    threads = Threads(1, "test")
    threads.start(lambda: divmod(1, 0))
    assert await threads.run(len, "alive") == 5
    await threads.close()
    assert "unwatched_work_failed" in capfd.readouterr().out
