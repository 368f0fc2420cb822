"""The native face over a real store, called without a socket, with a clock that tests set."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

from harness.stores import Bench, open_bench, sha1
from undercroft import settings
from undercroft.http.request import Request
from undercroft.native.app import NativeFace
from undercroft.native.hooks.face import HookedFace

HOST = "b2.example.com"


class FaceBench:
    """The face, and short ways to send it what clients send. `token` is the account token of the bench's key."""

    def __init__(self, bench: Bench, face: NativeFace) -> None:
        self.bench = bench
        self.face = face
        self.token = ""

    async def send(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: Sequence[bytes] = (b"",)
    ) -> SimpleNamespace:
        """One request, its body in pieces; the status, headers and whole body of the answer.

        A body that ends in None breaks off there.
        """
        pieces = list(body)

        async def receive() -> dict[str, Any]:
            piece = pieces.pop(0)
            if piece is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        path, _, query = target.partition("?")
        sent = {"host": HOST, "content-length": str(sum(len(piece or b"") for piece in pieces)), **(headers or {})}
        scope = {
            "method": method,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "scheme": "https",
            "client": ("192.0.2.1", 1),
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        }
        response = await self.face.handle(Request.of_scope(scope, receive))
        data = response.body
        if not isinstance(data, bytes):
            data = b"".join([chunk async for chunk in data])
        found = {name.decode(): value.decode("latin-1") for name, value in response.headers}
        return SimpleNamespace(status=response.status, headers=found, body=data)

    async def authorize(self, version: str = "v4", *, made: dict[str, Any] | None = None) -> Any:
        """b2_authorize_account with the bench's key, whose token is kept; or with one that `b2_create_key` made.

        Answers status and code of an error.
        """
        key = self.bench.principal.key
        assert key is not None
        pair = (key.key_id, key.secret) if made is None else (made["applicationKeyId"], made["applicationKey"])
        basic = b64encode(":".join(pair).encode()).decode()
        path = f"/b2api/{version}/b2_authorize_account"
        answer = await self.send("GET", path, {"Authorization": f"Basic {basic}"})
        found = json.loads(answer.body)
        if answer.status != 200:
            return answer.status, found["code"]
        if made is None:
            self.token = found["authorizationToken"]
        return found

    async def call(self, name: str, *, version: str = "v4", token: str | None = None, **body: Any) -> Any:
        """A JSON call by POST: the answer's JSON, or status and code of an error."""
        headers = {"Authorization": self.token if token is None else token}
        answer = await self.send("POST", f"/b2api/{version}/{name}", headers, [json.dumps(body).encode()])
        found = json.loads(answer.body)
        return found if answer.status == 200 else (answer.status, found["code"])

    async def query(self, name: str, **parameters: Any) -> Any:
        """The same by GET."""
        target = f"/b2api/v4/{name}?{urlencode(parameters)}"
        return json.loads((await self.send("GET", target, {"Authorization": self.token})).body)

    async def upload(self, name: str, data: bytes = b"data", **headers: str) -> SimpleNamespace:
        """An upload to the bench's bucket, at a URL of its own."""
        target = await self.call("b2_get_upload_url", bucketId=self.bench.bucket.bucket_id)
        sent = {"X-Bz-File-Name": name, "Content-Type": "text/plain", "X-Bz-Content-Sha1": sha1(data), **headers}
        return await self.put(target, sent, data)

    async def put(self, target: dict[str, str], headers: dict[str, str], *body: bytes) -> SimpleNamespace:
        """A body to an upload URL with its token."""
        path = urlsplit(target["uploadUrl"]).path
        answer = await self.send("POST", path, {"Authorization": target["authorizationToken"], **headers}, body)
        return SimpleNamespace(status=answer.status, json=json.loads(answer.body))


@asynccontextmanager
async def open_face(folder: Path, **options: object) -> AsyncIterator[FaceBench]:
    """A face over a new store in the folder, authorized. `options` are those of the settings."""
    async with open_bench(folder) as bench:
        loaded = settings.load({"data": str(folder), **options}, {})
        face = FaceBench(bench, (HookedFace if loaded.test_hooks else NativeFace)(bench.store, loaded))
        await face.authorize()
        yield face
