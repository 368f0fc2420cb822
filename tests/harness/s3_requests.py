"""Requests for unit tests of the S3 face, and Amazon's own signer to sign them with."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from undercroft.http.request import Request
from undercroft.s3.timestamp import parse_timestamp
from undercroft.store.model import ApplicationKey

ACCOUNT_ID = "0123456789ab"
KEY_ID = "000" + ACCOUNT_ID + "0000000001"
SECRET = "K000/Abc+defGHIjklMNOpqrSTUvwx="  # With the characters that some clients are tempted to encode.
HOST = "s3.us-west-000.localhost:8620"

Headers = list[tuple[bytes, bytes]]


def request(
    method: str = "GET",
    target: str | bytes = "/",
    headers: Iterable[tuple[bytes, bytes]] = (),
    body: bytes | list[bytes] = b"",
) -> Request:
    """A request as it comes from the server; `target` is path and query. A list is a body that arrives in pieces."""
    raw = target.encode() if isinstance(target, str) else target
    path, _, query = raw.partition(b"?")
    pieces = list(body) if isinstance(body, list) else [body]

    async def receive() -> MutableMapping[str, Any]:
        piece = pieces.pop(0) if pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    scope = {
        "method": method,
        "raw_path": path,
        "query_string": query,
        "scheme": "http",
        "headers": [(b"host", HOST.encode()), *headers],
        "client": ("127.0.0.1", 5000),
    }
    return Request.of_scope(scope, receive)


def application_key(**changes: Any) -> ApplicationKey:
    """The key that the signers below use."""
    fields: dict[str, Any] = {
        "key_id": KEY_ID,
        "account_id": ACCOUNT_ID,
        "name": "test",
        "secret": SECRET,
        "capabilities": frozenset({"readFiles"}),
        "bucket_ids": None,
        "name_prefix": None,
        "expires_ms": None,
        "created_ms": 0,
    }
    return ApplicationKey(**{**fields, **changes})


class Keys:
    """A source of keys, all known by heart."""

    def __init__(self, *keys: ApplicationKey) -> None:
        self._keys = {key.key_id: key for key in keys}
        self.asked: list[str] = []

    async def key(self, key_id: str) -> ApplicationKey | None:
        """The key of this id, or None."""
        self.asked.append(key_id)
        return self._keys.get(key_id)


class _Signer(S3SigV4Auth):
    """Amazon's signer with a word of our choice for the payload, which otherwise depends on the client's settings."""

    payload_hash: str | None = None

    def payload(self, request: AWSRequest) -> str:
        """What x-amz-content-sha256 becomes."""
        return self.payload_hash or super().payload(request)


def sign_header(
    method: str,
    target: str,
    headers: dict[str, str] | None = None,
    *,
    body: bytes = b"",
    payload_hash: str | None = None,
    key_id: str = KEY_ID,
    secret: str = SECRET,
    region: str = "us-west-000",
) -> tuple[Headers, int]:
    """The headers of a request signed by botocore, and the time at which it was (milliseconds since the epoch)."""
    signing = AWSRequest(method, f"http://{HOST}{target}", headers=headers or {}, data=body)
    signer = _Signer(Credentials(key_id, secret), "s3", region)
    signer.payload_hash = payload_hash
    signer.add_auth(signing)
    sent = [(name.lower().encode(), value.encode()) for name, value in signing.headers.items()]
    return sent, parse_timestamp(signing.headers["X-Amz-Date"].encode())


def presign(
    method: str,
    target: str,
    headers: dict[str, str] | None = None,
    *,
    expires_s: int = 3600,
    key_id: str = KEY_ID,
    secret: str = SECRET,
) -> tuple[str, int]:
    """The target of a URL presigned by botocore, and the time at which it was (milliseconds since the epoch)."""
    signing = AWSRequest(method, f"http://{HOST}{target}", headers=headers or {})
    S3SigV4QueryAuth(Credentials(key_id, secret), "s3", "us-west-000", expires=expires_s).add_auth(signing)
    url = urlsplit(signing.url)
    stamp = url.query.partition("X-Amz-Date=")[2][:16]
    return f"{url.path}?{url.query}", parse_timestamp(stamp.encode())
