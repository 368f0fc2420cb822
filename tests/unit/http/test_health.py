"""`/healthz` and `/readyz`."""

from __future__ import annotations

import asyncio

import pytest

from undercroft import limits
from undercroft.http.health import Health

OK = b"ok\n"


async def fine():
    pass


async def broken():
    raise RuntimeError("the catalog is gone: secret")


async def stuck():
    await asyncio.Event().wait()


def ask(serve, ready, target, expected_status, expected_body):
    async def scenario(serving):
        answer = await serving.ask(target + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (answer.status, answer.body) == (expected_status, expected_body)

    serve(Health(ready), scenario)


def test_healthz_says_that_the_process_lives_whatever_the_store_does(serve):
    ask(serve, broken, b"GET /healthz", 200, OK)


def test_readyz_asks_the_store(serve):
    ask(serve, fine, b"GET /readyz", 200, OK)


def test_readyz_is_503_without_a_word_of_the_error_where_the_store_fails(serve):
    ask(serve, broken, b"GET /readyz", 503, b"The store does not answer.\n")


def test_readyz_does_not_wait_for_ever(serve, monkeypatch):
    monkeypatch.setattr(limits, "READY_TIMEOUT_S", 0.05)
    ask(serve, stuck, b"GET /readyz", 503, b"The store does not answer.\n")


def test_head_is_answered_and_writing_is_not(serve):
    ask(serve, fine, b"HEAD /healthz", 200, b"")
    ask(serve, fine, b"PUT /healthz", 405, b"Method not allowed.\n")


@pytest.mark.parametrize(
    ("path", "known"), [(b"/healthz", True), (b"/readyz", True), (b"/healthz/", False), (b"/", False)]
)
def test_only_the_two_paths_are_known(path, known):
    assert Health(fine).knows(path) is known
