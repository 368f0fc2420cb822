"""Writers on a whole server whose processes are all recorded, and what must be there after a cut."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import urllib3

from harness.cut_load import Expected, Model, Writer, found_in
from harness.disk_recorder import DiskRecorder
from harness.native import NativeCaller
from harness.processes import wait_until
from harness.promises import check_that_it_goes_on, picture_of
from harness.server import Server
from harness.stores import Bench, SetClock, open_as_it_is

WRITERS = 4
BUCKET = "written-to"
WORK_TIMEOUT_S = 120.0
AHEAD_MS = 24 * 3600 * 1000  # The clock of a bench begins in 2027.


class ServerTarget:
    """A server, by the native face."""

    can = frozenset(("upload", "hide", "delete", "copy"))

    def __init__(self, server: Server, bucket_id: str) -> None:
        self._native = NativeCaller(server)
        self._bucket_id = bucket_id

    async def upload(self, name: str, data: bytes) -> str:
        return str((await asyncio.to_thread(self._native.upload, self._bucket_id, name, data, {}))["fileId"])

    async def hide(self, name: str) -> str:
        return await self._call("b2_hide_file", bucketId=self._bucket_id, fileName=name)

    async def delete(self, name: str, file_id: str) -> None:
        await self._call("b2_delete_file_version", fileName=name, fileId=file_id)

    async def copy(self, source: str, file_id: str, name: str) -> str:
        return await self._call("b2_copy_file", sourceFileId=file_id, fileName=name)

    async def _call(self, call: str, **fields: object) -> str:
        return str((await asyncio.to_thread(self._native.call, call, **fields))["fileId"])


def work(server: Server, recorder: DiskRecorder, operations: int) -> None:
    """Start the server for the first time, write to it, kill it in the middle of that, and do the same again to the end.

    What the killed processes had not synced is then in the memory of the kernel alone, and the next ones rely on it.
    """
    server.start()
    recorder.mark(
        account=server.account_id,
        keys=[[server.account_id, server.master_application_key], [server.key_id, server.application_key]],
    )
    bucket_id = NativeCaller(server).call(
        "b2_create_bucket", accountId=server.account_id, bucketName=BUCKET, bucketType="allPrivate"
    )["bucketId"]
    recorder.mark(bucket=bucket_id)
    _Round(server, recorder, bucket_id, 0).until_killed(operations // 2)
    server.start()
    asyncio.run(_Round(server, recorder, bucket_id, 1).write(operations // 2))
    server.stop()


class _Round:
    """Writers at work on one start of the server."""

    def __init__(self, server: Server, recorder: DiskRecorder, bucket_id: str, number: int) -> None:
        self._server = server
        self._recorder = recorder
        self._acknowledged = 0
        self._writers = [
            Writer(writer, ServerTarget(server, bucket_id), self._mark, random.Random(f"server {writer}"))
            for writer in range(number * WRITERS, (number + 1) * WRITERS)
        ]

    async def write(self, operations: int) -> None:
        """Do about so much, to the end."""
        await asyncio.gather(*(writer.work(operations // WRITERS) for writer in self._writers))

    def until_killed(self, operations: int) -> None:
        """Kill the server when about so much is acknowledged, in the middle of more."""

        async def write(writer: Writer) -> None:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                await writer.work(operations)

        async def write_on() -> None:
            await asyncio.gather(*(write(writer) for writer in self._writers))

        with ThreadPoolExecutor(1) as executor:
            writing = executor.submit(asyncio.run, write_on())
            enough = lambda: self._acknowledged >= operations or writing.done()
            wait_until(enough, "the writers do not get on", WORK_TIMEOUT_S)
            children = self._server.children()
            with self._recorder.paused():
                self._server.kill()
                psutil.wait_procs(children, timeout=WORK_TIMEOUT_S)
            writing.result()
        assert self._acknowledged >= operations, "the writers ended before the kill"

    def _mark(self, **said: object) -> None:
        self._recorder.mark(**said)
        self._acknowledged += bool(said["acknowledged"])


class ServerExpected(Expected):
    """What the marks up to a cut allow the server's data directory to hold, in the folder `data` of the disk.

    Every so many states, a whole server is started on what the cut left, before a store is opened on it.
    """

    def __init__(self, serve_every: int) -> None:
        super().__init__()
        self._account = self._bucket = ""
        self._keys: list[list[str]] = []
        self._serve_every = serve_every
        self._judged = 0
        self.served = 0

    def hear(self, said: dict[str, Any]) -> None:
        """The next mark."""
        super().hear(said)
        self._account = said.get("account", self._account)
        self._keys = said.get("keys", self._keys)
        self._bucket = said.get("bucket", self._bucket)

    async def judge(self, folder: Path) -> None:
        """Raise unless every promise is kept and the server's data can be used on."""
        data = folder / "data"
        assert data.is_dir() or not self._account, "the data directory is gone"
        self._judged += 1
        if self._judged % self._serve_every == 0:
            self.served += 1
            await asyncio.to_thread(self._serve, Server(data))
        data.mkdir(mode=0o700, exist_ok=True)
        clock = SetClock()
        clock.ms += AHEAD_MS
        async with open_as_it_is(data, clock) as bench:
            await picture_of(bench)
            if self._account:
                await self._check_credentials(bench)
            if self._bucket:
                bench.bucket = await bench.store.buckets.find(name=BUCKET)
                self.check(await found_in(bench))
                await check_that_it_goes_on(bench)
                self.check(await found_in(bench))

    async def _check_credentials(self, bench: Bench) -> None:
        bench.principal = await bench.store.identity.accounts.operator(self._account)
        for key_id, secret in self._keys:
            await bench.store.identity.authenticate_key(key_id, secret)

    def _serve(self, server: Server) -> None:
        """Start a server on the state, and read everything through it."""
        server.start()
        try:
            if self._bucket:
                key_id, secret = self._keys[1]
                self.check(_found_through(server, NativeCaller(server, key=(key_id, secret)), self._bucket))
        finally:
            server.stop()


def _found_through(server: Server, native: NativeCaller, bucket_id: str) -> Model:
    url, headers = f"{server.api_url}/b2api/v4/b2_download_file_by_id", {"Authorization": native.token}
    model: Model = {}
    listed = native.call("b2_list_file_versions", bucketId=bucket_id, maxFileCount=10_000)
    assert listed["nextFileName"] is None
    for row in listed["files"]:
        digest = ""
        if row["action"] == "upload":
            answer = native.pool.request("GET", url, fields={"fileId": row["fileId"]}, headers=headers)
            assert answer.status == 200, answer.data
            digest = hashlib.sha1(answer.data).hexdigest()
        model.setdefault(row["fileName"], []).append([row["action"].upper(), digest])
    return model
