"""A catalog without room is told in the store's own words, whatever wanted to write."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft.catalog.contract import CatalogFull
from undercroft.store import errors


@asynchronous
async def test_the_first_token_finds_no_room_for_the_key_that_signs_it(tmp_path, monkeypatch):
    async def full(*_, **__):
        raise CatalogFull("The disk of the catalog is full.")

    async with open_bench(tmp_path) as bench:
        monkeypatch.setattr(bench.catalog, "write", full)
        with pytest.raises(errors.StorageFull):
            await bench.store.identity.account_token(bench.principal)
        monkeypatch.undo()
        token = await bench.store.identity.account_token(bench.principal)
        assert await bench.store.identity.principal_of_account_token(token) == bench.principal
