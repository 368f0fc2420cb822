"""Uploads and downloads as bytes, on connections that a test drives itself: slowly, in part, or hundreds at once."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import socket
import struct
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.native import NativeCaller
from harness.server import Server

UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
CHUNK_BYTES = 64 * 1024
PATIENCE_S = 60.0


class Wire(NamedTuple):
    """A request as it is sent."""

    head: bytes
    body: bytes = b""

    @property
    def data(self) -> bytes:
        return self.head + self.body


class Answer(NamedTuple):
    """A response: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Signer(S3SigV4Auth):
    """Amazon's signer with a word of our choice for the payload."""

    payload_hash = UNSIGNED

    def payload(self, request: AWSRequest) -> str:
        return self.payload_hash


class Wires:
    """Makes requests of one key, for both faces."""

    def __init__(
        self, server: Server, *, key: tuple[str, str] | None = None, native: NativeCaller | None = None
    ) -> None:
        self._server = server
        self._key_id, self._secret = key or (server.key_id, server.application_key)
        self._native = native

    @property
    def native(self) -> NativeCaller:
        """A caller with the same key, for what has to be asked for first."""
        self._native = self._native or NativeCaller(self._server, key=(self._key_id, self._secret))
        return self._native

    def s3(
        self, method: str, path: str, headers: dict[str, str] | None = None, *, payload_hash: str = UNSIGNED
    ) -> Wire:
        """A signed request without a body, or the head of one that has one."""
        return Wire(_head(method, path, self._signed(method, path, headers or {}, payload_hash)))

    def s3_upload(self, path: str, body: bytes, *, hashed: bool = False) -> Wire:
        """PutObject or UploadPart of a body that is signed over its SHA-256, or not over its bytes at all."""
        payload_hash = hashlib.sha256(body).hexdigest() if hashed else UNSIGNED
        return Wire(self.s3("PUT", path, {"Content-Length": str(len(body))}, payload_hash=payload_hash).head, body)

    def s3_chunked_upload(self, path: str, body: bytes) -> Wire:
        """PutObject in signed chunks (STREAMING-AWS4-HMAC-SHA256-PAYLOAD)."""
        pieces = [body[start : start + CHUNK_BYTES] for start in range(0, len(body), CHUNK_BYTES)] + [b""]
        length = sum(len(piece) + len(f"{len(piece):x};chunk-signature=") + 64 + 4 for piece in pieces)
        headers = {
            "Content-Encoding": "aws-chunked",
            "Content-Length": str(length),
            "X-Amz-Decoded-Content-Length": str(len(body)),
        }
        signed = self._signed("PUT", path, headers, STREAMING)
        previous = signed["Authorization"].rpartition("Signature=")[2]
        stamp = signed["X-Amz-Date"]
        key = b"AWS4" + self._secret.encode()
        for step in (stamp[:8], self._server.region, "s3", "aws4_request"):
            key = hmac.digest(key, step.encode(), "sha256")
        scope = f"{stamp[:8]}/{self._server.region}/s3/aws4_request"
        nothing = hashlib.sha256(b"").hexdigest()
        framed = []
        for piece in pieces:
            digest = hashlib.sha256(piece).hexdigest()
            text = f"AWS4-HMAC-SHA256-PAYLOAD\n{stamp}\n{scope}\n{previous}\n{nothing}\n{digest}"
            previous = hmac.digest(key, text.encode(), "sha256").hex()
            framed.append(f"{len(piece):x};chunk-signature={previous}\r\n".encode() + piece + b"\r\n")
        return Wire(_head("PUT", path, signed), b"".join(framed))

    def native_upload(self, bucket_id: str, name: str, body: bytes) -> Wire:
        """b2_upload_file to an upload URL of its own."""
        target = self.native.call("b2_get_upload_url", bucketId=bucket_id)
        headers = {
            "Host": urlsplit(target["uploadUrl"]).netloc,
            "Authorization": target["authorizationToken"],
            "X-Bz-File-Name": quote(name),
            "X-Bz-Content-Sha1": hashlib.sha1(body).hexdigest(),
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(body)),
        }
        return Wire(_head("POST", urlsplit(target["uploadUrl"]).path, headers), body)

    def native_download(self, bucket: str, name: str, headers: dict[str, str] | None = None) -> Wire:
        """A download by name."""
        fields = {"Host": self._netloc, "Authorization": self.native.token, **(headers or {})}
        return Wire(_head("GET", f"/file/{bucket}/{quote(name)}", fields))

    @property
    def _netloc(self) -> str:
        return urlsplit(self._server.api_url).netloc

    def _signed(self, method: str, path: str, headers: dict[str, str], payload_hash: str) -> dict[str, str]:
        fields = {"x-amz-content-sha256": payload_hash, **headers}
        request = AWSRequest(method, f"http://{self._netloc}{path}", headers=fields)
        signer = _Signer(Credentials(self._key_id, self._secret), "s3", self._server.region)
        signer.payload_hash = payload_hash
        signer.add_auth(request)
        return {"Host": self._netloc, **dict(request.headers.items())}


def _head(method: str, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


class Connection:
    """A connection to the API address; nothing is sent or read unless the test says so."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, server: Server, *, receive_bytes: int | None = None) -> Connection:
        """Connects. `receive_bytes` keeps the system from reading ahead of the test by more than about that."""
        url = urlsplit(server.api_url)
        plain = socket.socket()
        if receive_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        plain.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(plain, (url.hostname, url.port))
        except BaseException:
            plain.close()
            raise
        return cls(*await asyncio.open_connection(sock=plain, limit=receive_bytes or 2**16))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def local_port(self) -> int:
        """The port of this side, by which `harness.workers` finds the process on the other."""
        return int(self._writer.get_extra_info("sockname")[1])

    async def send(self, data: bytes | memoryview) -> None:
        """Returns when the connection has taken nearly all of it."""
        self._writer.write(data)
        await self._writer.drain()

    async def send_slowly(self, data: bytes, *, pause_s: float, piece_bytes: int = CHUNK_BYTES) -> None:
        """Sends in pieces with pauses between them."""
        for start in range(0, len(data), piece_bytes):
            await self.send(data[start : start + piece_bytes])
            await asyncio.sleep(pause_s)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the next answer."""
        async with asyncio.timeout(PATIENCE_S):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return int(first.split(" ")[1]), headers

    async def answer(self) -> Answer:
        """The next answer, whole."""
        status, headers = await self.head()
        async with asyncio.timeout(PATIENCE_S):
            return Answer(status, headers, await self.reader.readexactly(int(headers["content-length"])))

    def cut(self) -> None:
        """Ends the connection at once, as a client does that dies: whatever is under way is lost (RST)."""
        plain: Any = self._writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def close(self) -> None:
        """Ends the connection in good order."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):  # It was cut, or the server did so.
            await self._writer.wait_closed()
