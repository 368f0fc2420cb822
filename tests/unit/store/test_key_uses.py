"""When each application key was last used, and from where."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft import limits
from undercroft.store import Store


@asynchronous
async def test_the_last_use_of_a_key_is_the_latest_whichever_worker_writes_first_and_goes_with_the_key(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, keys = bench.store, bench.store.identity.keys
        key = await keys.create(bench.principal, "a-key", ["listFiles"])
        worker = Store(bench.catalog, bench.blobs, keys._keyring, slot=3, ambient=bench.clock)
        assert await keys.last_uses(bench.principal, [key]) == {}
        worker.accounting.key_used(key.key_id, "192.0.2.1", "s3", "GetObject")
        bench.clock.ms += 5
        store.accounting.key_used(key.key_id, "192.0.2.2", "native", "b2_list_file_names")
        await store.accounting.flush()
        await worker.accounting.flush()
        assert (await keys.last_uses(bench.principal, [key]))[key.key_id].address == "192.0.2.2"
        await keys.delete(bench.principal, key.key_id)
        store.accounting.key_used(key.key_id, "192.0.2.2", "native", "b2_list_file_names")
        await store.accounting.flush()
        assert not await bench.catalog.rows.all("SELECT 1 FROM key_uses WHERE key_id = ?1", (key.key_id,))


@pytest.mark.parametrize(("others", "is_noted"), [(-1, True), (0, False)])
@asynchronous
async def test_uses_of_so_many_keys_gather_and_no_more(tmp_path, others, is_noted):
    async with open_bench(tmp_path) as bench:
        accounting = bench.store.accounting
        for number in range(limits.KEY_USES_GATHERED + others):
            accounting.key_used(str(number), "192.0.2.1", "s3", "GetObject")
        key = bench.principal.key
        accounting.key_used(key.key_id, "192.0.2.1", "s3", "GetObject")
        await accounting.flush()
        assert bool(await bench.store.identity.keys.last_uses(bench.principal, [key])) is is_noted
