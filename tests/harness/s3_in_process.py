"""The S3 face without a server: boto3's requests go straight into it, over a real store in a temporary directory."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.config import Config

from harness.stores import Bench, SetClock, open_bench
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.s3.app import S3Face
from undercroft.settings import Settings

ENDPOINT = "http://s3.us-west-000.localhost"


class WallClock(SetClock):
    """The machine's own clock, since botocore signs by it."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class _Raw(io.BytesIO):
    """What botocore reads a body from."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


class InProcess:
    """The face on an event loop of a thread of its own, and clients of it."""

    def __init__(self, bench: Bench, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.bench = bench
        self.bucket = bench.bucket.name
        self._loop = loop
        settings = Settings(data=folder, catalog=folder / "catalog.sqlite3", blobs=folder / "blobs")
        self._face = S3Face(bench.store, settings)
        key = bench.principal.key
        assert key is not None
        self.s3 = boto3.client(
            "s3",
            endpoint_url=ENDPOINT,
            region_name=settings.region,
            aws_access_key_id=key.key_id,
            aws_secret_access_key=key.secret,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        self.s3.meta.events.register("before-send.s3", self._send)

    def send(
        self,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        bucket: str | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a request as it is; `bucket` is the one that a virtual host names."""
        response, content = asyncio.run_coroutine_threadsafe(
            self._handle(method, target, headers or {}, body, bucket), self._loop
        ).result()
        return response.status, {name.decode(): value.decode() for name, value in response.headers}, content

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        target = url.path + (f"?{url.query}" if url.query else "")
        body = request.body or b""
        content = body if isinstance(body, bytes) else body.read()
        headers = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
        }
        status, answered, received = self.send(request.method, target, {"host": url.netloc, **headers}, content)
        return AWSResponse(request.url, status, HeadersDict(answered), _Raw(received))

    async def _handle(
        self, method: str, target: str, headers: dict[str, str], body: bytes, bucket: str | None
    ) -> tuple[Response, bytes]:
        path, _, query = target.encode().partition(b"?")

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        scope = {
            "method": method,
            "raw_path": path,
            "query_string": query,
            "scheme": "http",
            "headers": [
                (b"content-length", str(len(body)).encode()),
                *((n.lower().encode(), v.encode()) for n, v in headers.items() if n.lower() != "content-length"),
            ],
            "client": ("127.0.0.1", 5000),
        }
        response = await self._face.handle(Request.of_scope(scope, receive), bucket)
        if isinstance(response.body, bytes):
            return response, response.body
        return response, b"".join([chunk async for chunk in response.body])


@contextmanager
def in_process(folder: Path) -> Iterator[InProcess]:
    """The face over a new store with one bucket."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opening = open_bench(folder, clock=WallClock())
    try:
        bench = asyncio.run_coroutine_threadsafe(opening.__aenter__(), loop).result()
        try:
            yield InProcess(bench, folder, loop)
        finally:
            asyncio.run_coroutine_threadsafe(opening.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
