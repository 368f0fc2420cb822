"""The wiring of the engines."""

from __future__ import annotations

import asyncio
import os

import pytest

from undercroft.serve import compose
from undercroft.serve.exits import FATAL_STORAGE_EXIT
from undercroft.settings import load


class Ended(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def settings(tmp_path):
    return load({"data": str(tmp_path / "data")}, {})


def test_p12_an_error_of_the_storage_ends_the_process_with_74(monkeypatch):
    codes = []

    def end(code):
        codes.append(code)
        raise Ended

    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(Ended):
        compose.stop_for_good(OSError("a failed sync"))
    assert codes == [FATAL_STORAGE_EXIT]


def test_a_store_opens_on_an_empty_directory_and_answers(settings):
    async def scenario():
        store = await compose.open_store(settings, slot=0, migrate=True)
        try:
            await store.ready()
            assert await store.identity.accounts.list() == []
        finally:
            await store.close()

    asyncio.run(scenario())
    assert (settings.data / "master.key").stat().st_mode & 0o777 == 0o600


def test_the_master_key_can_come_from_the_environment_and_is_then_in_no_file(settings, monkeypatch):
    monkeypatch.setenv(compose.MASTER_KEY_VARIABLE, "A" * 43 + "=")

    async def scenario():
        await (await compose.open_store(settings, slot=0, migrate=True)).close()

    asyncio.run(scenario())
    assert not (settings.data / "master.key").exists()
