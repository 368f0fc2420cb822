"""A bare caller of the native face: one request a call, no retries, so that a test knows what was acknowledged."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

import urllib3

from harness.server import Server

TIMEOUT_S = 20.0


class NativeError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:500]!r}")
        self.status = status
        self.body = body


class NativeCaller:
    """An authorized key of one account. Not to be shared between threads, since an upload URL is for one at a time."""

    def __init__(self, server: Server, *, key: tuple[str, str] | None = None) -> None:
        key_id, secret = key or (server.key_id, server.application_key)
        self._url = server.api_url
        self.pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=2,
            retries=False,
            timeout=TIMEOUT_S,
            ca_certs=str(server.ca_file) if server.ca_file else None,
        )
        headers = urllib3.make_headers(basic_auth=f"{key_id}:{secret}")
        self._token = ""
        self._token = self._send("GET", f"{self._url}/b2api/v4/b2_authorize_account", b"", headers)[
            "authorizationToken"
        ]
        self._upload_urls: dict[str, dict[str, Any]] = {}

    @property
    def token(self) -> str:
        """The account authorization token."""
        return self._token

    def call(self, name: str, **fields: Any) -> dict[str, Any]:
        """One call with a JSON body. Raises NativeError, or urllib3's errors where no answer came."""
        headers = {"Authorization": self._token}
        return self._send("POST", f"{self._url}/b2api/v4/{name}", json.dumps(fields).encode(), headers)

    def upload(self, bucket_id: str, name: str, body: bytes, info: dict[str, str]) -> dict[str, Any]:
        """Uploads a file in one piece."""
        headers = {"X-Bz-File-Name": quote(name), "Content-Type": "application/octet-stream"}
        headers |= {f"X-Bz-Info-{key}": quote(value) for key, value in info.items()}
        return self._upload("b2_get_upload_url", "bucketId", bucket_id, body, headers)

    def upload_part(self, file_id: str, number: int, body: bytes) -> dict[str, Any]:
        """Uploads a part of a large file."""
        return self._upload("b2_get_upload_part_url", "fileId", file_id, body, {"X-Bz-Part-Number": str(number)})

    def _upload(self, call: str, field: str, target: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        slot = self._upload_urls.pop(target, None) or self.call(call, **{field: target})
        headers |= {"Authorization": slot["authorizationToken"], "X-Bz-Content-Sha1": hashlib.sha1(body).hexdigest()}
        answer = self._send("POST", slot["uploadUrl"], body, headers)
        self._upload_urls[target] = slot  # It may be used again, since it worked.
        return answer

    def _send(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        response = self.pool.request(method, url, body=body, headers=headers)
        if response.status != 200:
            raise NativeError(response.status, response.data)
        answer: dict[str, Any] = json.loads(response.data)
        return answer
