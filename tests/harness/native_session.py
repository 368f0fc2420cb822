"""A plain client of the B2 Native API: bytes in, bytes out, no retries, so that tests see what the server says."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from harness.processes import wait_until


@dataclass
class Answer:
    """A response: header names in lower case, the body as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, code and message, after a look at what every error body must be."""
        assert set(self.json) == {"code", "message", "status"}, self.body
        assert self.json["status"] == self.status
        assert self.headers["content-type"] == "application/json;charset=utf-8"
        return self.status, self.json["code"], self.json["message"]

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code."""
        return self.error[:2]

    def ok(self) -> Any:
        """The JSON of a success."""
        assert self.status == 200, (self.status, self.body)
        return self.json


def send(method: str, url: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
    """One request on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    with contextlib.closing(connection):
        connection.request(method, target, body=body, headers=headers or {})
        response = connection.getresponse()
        got = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, got, response.read())


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


@dataclass
class Session:
    """What one key can do at one version of the API."""

    url: str
    key_id: str
    key: str
    version: str = "v4"
    account: dict[str, Any] = field(default_factory=dict)

    def authorize(self, version: str | None = None, *, method: str = "POST", key: str | None = None) -> Answer:
        basic = b64encode(f"{self.key_id}:{self.key if key is None else key}".encode()).decode()
        return send(
            method,
            f"{self.url}/b2api/{version or self.version}/b2_authorize_account",
            {"Authorization": f"Basic {basic}"},
            b"{}" if method == "POST" else None,
        )

    @property
    def token(self) -> str:
        if not self.account:
            self.account = self.authorize().ok()
        return str(self.account["authorizationToken"])

    @property
    def account_id(self) -> str:
        assert self.token
        return str(self.account["accountId"])

    def call(self, name: str, *, version: str | None = None, token: str | None = None, **body: Any) -> Answer:
        """A JSON call, sent as clients do that name no Content-Type."""
        headers = {"Authorization": self.token if token is None else token}
        url = f"{self.url}/b2api/{version or self.version}/{name}"
        return send("POST", url, headers, json.dumps(body).encode())

    def get(self, name: str, *, version: str | None = None, **query: Any) -> Answer:
        """The same by GET."""
        url = f"{self.url}/b2api/{version or self.version}/{name}?{urlencode(query)}"
        return send("GET", url, {"Authorization": self.token})

    def fetch(self, url: str, headers: dict[str, str], *, method: str = "GET") -> Answer:
        """A request without a body and with nothing added."""
        return send(method, url, headers)

    def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """A request with nothing added."""
        return send("POST", url, headers, body)

    def at(self, version: str) -> Session:
        """The same key at another version."""
        return Session(self.url, self.key_id, self.key, version)

    def create_bucket(self, name: str, bucket_type: str = "allPrivate", **settings: Any) -> dict[str, Any]:
        answer = self.call(
            "b2_create_bucket", accountId=self.account_id, bucketName=name, bucketType=bucket_type, **settings
        )
        return answer.ok()

    def upload_url(self, bucket_id: str) -> dict[str, str]:
        return self.call("b2_get_upload_url", bucketId=bucket_id).ok()

    def try_upload(
        self, bucket_id: str, name: str, data: bytes = b"", headers: dict[str, str] | None = None, **options: Any
    ) -> Answer:
        """An upload with the usual headers, of which any may be replaced, or left out with an empty value."""
        target = options.get("target") or self.upload_url(bucket_id)
        sent = {
            "Authorization": target["authorizationToken"],
            "X-Bz-File-Name": quote(name),
            "Content-Type": "text/plain",
            "X-Bz-Content-Sha1": sha1(data),
            **(headers or {}),
        }
        return send("POST", target["uploadUrl"], {name: value for name, value in sent.items() if value}, data)

    def upload(
        self, bucket_id: str, name: str, data: bytes = b"", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        return self.try_upload(bucket_id, name, data, headers).ok()

    def start(self, bucket_id: str, name: str, **settings: Any) -> dict[str, Any]:
        settings.setdefault("contentType", "text/plain")
        return self.call("b2_start_large_file", bucketId=bucket_id, fileName=name, **settings).ok()

    def try_part(self, file_id: str, number: int, data: bytes, headers: dict[str, str] | None = None) -> Answer:
        target = self.call("b2_get_upload_part_url", fileId=file_id).ok()
        sent = {
            "Authorization": target["authorizationToken"],
            "X-Bz-Part-Number": str(number),
            "X-Bz-Content-Sha1": sha1(data),
            **(headers or {}),
        }
        return send("POST", target["uploadUrl"], {name: value for name, value in sent.items() if value}, data)

    def large_file(self, bucket_id: str, name: str, *parts: bytes, **settings: Any) -> dict[str, Any]:
        file_id = self.start(bucket_id, name, **settings)["fileId"]
        for number, data in enumerate(parts, 1):
            assert self.try_part(file_id, number, data).status == 200
        return self.call("b2_finish_large_file", fileId=file_id, partSha1Array=[sha1(data) for data in parts]).ok()

    def download(
        self,
        bucket_name: str,
        name: str,
        *,
        method: str = "GET",
        query: str = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """By name, with the account token unless `headers` says otherwise."""
        url = f"{self.url}/file/{bucket_name}/{quote(name)}{query}"
        return send(method, url, {"Authorization": self.token} if headers is None else headers)

    def names(self, bucket_id: str, **options: Any) -> list[str]:
        return [row["fileName"] for row in self.call("b2_list_file_names", bucketId=bucket_id, **options).ok()["files"]]

    def versions(self, bucket_id: str, **options: Any) -> list[tuple[str, str]]:
        rows = self.call("b2_list_file_versions", bucketId=bucket_id, **options).ok()["files"]
        return [(row["fileName"], row["action"]) for row in rows]

    def restricted(self, capabilities: list[str], **restrictions: Any) -> Session:
        """A session of a new key with these capabilities and restrictions (as `b2_create_key` of version 4 has them)."""
        made = self.call(
            "b2_create_key",
            version="v4",
            accountId=self.account_id,
            keyName="restricted",
            capabilities=capabilities,
            **restrictions,
        ).ok()
        return Session(self.url, made["applicationKeyId"], made["applicationKey"], self.version)


def discard(b2: Session, bucket_id: str) -> None:
    """Delete a bucket with all that is in it, whatever governance says."""
    while True:
        page = b2.call("b2_list_file_versions", bucketId=bucket_id, maxFileCount=1000)
        if page.status != 200:
            return  # The test has deleted it.
        for row in page.json["files"]:
            where = {"fileName": row["fileName"], "fileId": row["fileId"]}
            b2.call("b2_delete_file_version", **where, bypassGovernance=True)
        if not page.json["files"]:
            break
    b2.call("b2_delete_bucket", accountId=b2.account_id, bucketId=bucket_id)


class HeldToken(NamedTuple):
    """An upload token in use: by which upload, and what another upload with it was answered."""

    target: dict[str, str]
    connection: http.client.HTTPConnection
    refusal: Answer


def begin_upload(target: dict[str, str], name: str, length: int) -> http.client.HTTPConnection:
    """The head of an upload of so many bytes and the first of them; the rest never comes unless the test sends it."""
    parts = urlsplit(target["uploadUrl"])
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.putrequest("POST", parts.path)
    connection.putheader("Authorization", target["authorizationToken"])
    connection.putheader("X-Bz-File-Name", name)
    connection.putheader("Content-Type", "text/plain")
    connection.putheader("X-Bz-Content-Sha1", "do_not_verify")
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    connection.send(b"x")
    return connection


def hold_upload_token(session: Session, bucket_id: str, length: int) -> HeldToken:
    """An upload of so many bytes named `first` that the server has taken, and how it refuses another on its token.

    Which of two requests a server takes first is its own affair: where the second came first, another token is tried.
    """

    def held() -> HeldToken | None:
        target = session.upload_url(bucket_id)
        connection = begin_upload(target, "first", length)
        probe = session.try_upload(bucket_id, "probe", b"", target=target)
        if probe.status == 400:
            return HeldToken(target, connection, probe)
        connection.close()
        return None

    return wait_until(held, "a second upload is refused")
