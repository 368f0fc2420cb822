"""P4: the catalog never names a blob that is missing, and what a crash leaves behind goes within a day."""

from __future__ import annotations

import asyncio
import os

from harness.background import named_blobs, work_later
from harness.clients import boto3_client
from harness.load import Load
from harness.native import NativeCaller
from harness.processes import blob_files, open_blobs, wait_until
from harness.wire import Connection, Wires
from undercroft import limits

BUCKET = "orphans"
BODY = os.urandom(2_000_000)


def test_p4_after_a_kill_a_sweep_leaves_exactly_the_blobs_that_the_catalog_names(make_server):
    server = make_server("--workers", "2").start()
    load = Load(server)
    s3 = boto3_client(server)
    s3.create_bucket(Bucket=BUCKET)
    wires = Wires(server)
    bucket_id = NativeCaller(server).call("b2_list_buckets", accountId=server.account_id, bucketName=BUCKET)["buckets"][
        0
    ]["bucketId"]

    async def die_in_the_middle_of_uploads() -> None:
        connections = []
        for wire in (wires.native_upload(bucket_id, "half", BODY), wires.s3_upload(f"/{BUCKET}/half", BODY)):
            connections.append(await Connection.open(server))
            await connections[-1].send(wire.data[:-1000])
        await asyncio.to_thread(wait_until, lambda: len(open_blobs(server)) >= 2, "the uploads do not begin")
        server.kill()
        for connection in connections:
            connection.cut()
            await connection.close()

    with load.running():
        wait_until(lambda: load.acknowledged > 60, "the load does not run")
        asyncio.run(die_in_the_middle_of_uploads())
    orphans = set(blob_files(server)) - set(named_blobs(server))
    assert len(orphans) >= 2
    assert set(named_blobs(server)) <= set(blob_files(server))

    # They are young: a sweep of today leaves them, since an upload of another process may be at work on them.
    work_later(server, 0, sweep)
    assert orphans <= set(blob_files(server))
    work_later(server, limits.ORPHAN_AGE_S + 60, sweep)
    assert blob_files(server) == named_blobs(server)
    server.start()
    load.verify()
    server.stop()


async def sweep(store) -> None:
    while await store.work.reclaim.run():
        pass
    await store.work.reclaim.sweep()
