"""A bucket of another installation, or of B2 itself, through the B2 Native API: as much of it as replication needs.

Every request is a POST through the guard of outgoing connections. A token that has expired is renewed once, an upload URL that is
busy or worn out is replaced once; everything else is for the caller to try again later.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from undercroft import limits
from undercroft.outgoing.contract import Body, Bounds, Headers, Streamed, TargetError, Visit, Visitor
from undercroft.store.model import FileVersion

_CALL = Bounds(limits.REPLICATION_REMOTE_CALL_S, limits.REPLICATION_REMOTE_ANSWER_BYTES)
_AGENT = ("User-Agent", b"undercroft-replication")
Object = dict[str, Any]
T = TypeVar("T")


class RemoteRefused(Exception):
    """The other side refuses a request. `of_version` tells that it refuses this file, and not all of them."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"The target answers {status} {code}: {message}"[:300])
        self.status = status
        self.code = code
        self.of_version = status in {400, 403, 404, 405} and code not in _OF_ALL


# What is refused with a status of the file's own, but holds for every file.
_OF_ALL = frozenset({
    "bad_bucket_id", "no_such_bucket", "cap_exceeded", "storage_cap_exceeded", "transaction_cap_exceeded",
    "download_cap_exceeded", "access_denied",
})  # fmt: skip


class _StorageAPI(msgspec.Struct, rename={"api_url": "apiUrl"}):
    api_url: str


class _APIInfo(msgspec.Struct, rename="camel"):
    storage_api: _StorageAPI


class _Authorized(msgspec.Struct, rename="camel"):
    account_id: str
    authorization_token: str
    api_info: _APIInfo


class _Bucket(msgspec.Struct, rename="camel"):
    bucket_id: str


class _Buckets(msgspec.Struct):
    buckets: list[_Bucket]


class _Row(msgspec.Struct, rename="camel"):
    file_id: str
    file_name: str
    action: str
    upload_timestamp: int
    content_length: int = 0
    content_sha1: str | None = None


class _Page(msgspec.Struct, rename="camel"):
    files: list[_Row]
    next_file_name: str | None = None
    next_file_id: str | None = None


class _Part(msgspec.Struct, rename="camel"):
    part_number: int
    content_length: int
    content_sha1: str


class _Parts(msgspec.Struct, rename="camel"):
    parts: list[_Part]
    next_part_number: int | None = None


class _UploadTarget(msgspec.Struct, rename="camel"):
    upload_url: str
    authorization_token: str


class _Started(msgspec.Struct, rename="camel"):
    file_id: str


class _Done(msgspec.Struct):
    pass


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class Session(NamedTuple):
    """What an authorization has brought."""

    api_url: str
    bucket_id: str
    token: str


class RemoteBucket:
    """One bucket, for one turn of a rule. Ends with `close`."""

    def __init__(self, visit: Visit, endpoint: str, key_id: str, key: str, bucket_name: str) -> None:
        self._visit = visit
        self._endpoint = endpoint.rstrip("/")
        self._basic = b"Basic " + base64.b64encode(f"{key_id}:{key}".encode())
        self._key = key
        self._bucket_name = bucket_name
        self._visitors: dict[str, Visitor] = {}
        self._session: Session | None = None
        self._upload: _UploadTarget | None = None
        self.takes_times = True  # Whether it takes custom upload timestamps, as far as is known; B2 asks to be allowed.

    async def close(self) -> None:
        """Let go of all connections."""
        for visitor in self._visitors.values():
            await visitor.close()
        self._visitors.clear()

    # -- What replication does ----------------------------------------------------------------------------------------
    async def has(self, version: FileVersion) -> bool:
        """Whether the bucket has an upload of this name, length and time, or, without times, of this SHA-1.

        Raises `RemoteRefused` and `TargetError`, as everything here does.
        """
        start: Object = {"startFileName": version.name}
        for _ in range(limits.REPLICATION_REMOTE_PAGES_MAX):
            page = await self._call_in_bucket(
                "b2_list_file_versions",
                {"prefix": version.name, "maxFileCount": limits.REPLICATION_REMOTE_PAGE, **start},
                _Page,
            )
            for row in page.files:
                if row.file_name != version.name:
                    return False
                if row.action == "upload" and row.content_length == version.size:
                    if self.takes_times and row.upload_timestamp == version.uploaded_ms:
                        return True
                    if not self.takes_times and row.content_sha1 == version.content_sha1 != "none":
                        return True
            if page.next_file_name != version.name:
                return False
            start = {"startFileName": page.next_file_name, "startFileId": page.next_file_id}
        return False

    async def hide(self, name: str) -> None:
        """Hide a name, where there is something to hide."""
        try:
            await self._call_in_bucket("b2_hide_file", {"fileName": name}, _Done)
        except RemoteRefused as refused:
            if refused.code not in {"already_hidden", "no_such_file", "file_not_present"}:
                raise

    async def upload(self, version: FileVersion, data: bytes) -> None:
        """Upload a file in one piece."""
        headers = [*_file_headers(version, with_time=self.takes_times), *_body_headers(data)]
        for last_try in (False, True):
            if self._upload is None:
                self._upload = await self._call_in_bucket("b2_get_upload_url", {}, _UploadTarget)
            try:
                await self._send(self._upload, headers, data)
            except (RemoteRefused, TargetError) as error:
                self._upload = None
                if last_try or not _is_of_url(error):
                    raise
            else:
                return

    async def start_large(self, version: FileVersion) -> str:
        """Begin a large file; its id."""
        body: Object = {
            "fileName": version.name,
            "contentType": version.content_type,
            "fileInfo": version.info,
        }
        if self.takes_times:
            body["customUploadTimestamp"] = str(version.uploaded_ms)
        if version.retention is not None:
            retention = version.retention
            body["fileRetention"] = {"mode": retention.mode, "retainUntilTimestamp": retention.until_ms}
        if version.legal_hold is not None:
            body["legalHold"] = "on" if version.legal_hold else "off"
        return (await self._call_in_bucket("b2_start_large_file", body, _Started)).file_id

    async def unfinished(self, version: FileVersion) -> str | None:
        """The id of a large file that was begun for this version and not finished."""
        start: Object = {}
        for _ in range(limits.REPLICATION_REMOTE_PAGES_MAX):
            page = await self._call_in_bucket(
                "b2_list_unfinished_large_files",
                {"namePrefix": version.name, "maxFileCount": limits.REPLICATION_REMOTE_PAGE, **start},
                _Page,
            )
            for row in page.files:
                if row.file_name == version.name and row.upload_timestamp == version.uploaded_ms:
                    return row.file_id
            if page.next_file_id is None:
                return None
            start = {"startFileId": page.next_file_id}
        return None

    async def parts(self, file_id: str) -> dict[int, tuple[int, str]]:
        """Length and SHA-1 of the parts that were uploaded, by number."""
        found: dict[int, tuple[int, str]] = {}
        start = 1
        for _ in range(limits.REPLICATION_REMOTE_PAGES_MAX):
            asked = {"fileId": file_id, "startPartNumber": start, "maxPartCount": 1000}
            page = await self._call("b2_list_parts", asked, _Parts)
            found.update({part.part_number: (part.content_length, part.content_sha1) for part in page.parts})
            if page.next_part_number is None:
                break
            start = page.next_part_number
        return found

    async def upload_part(self, file_id: str, number: int, data: Streamed) -> None:
        """Upload a part of a large file. Its bytes end in the 40 hex digits of the SHA-1 of those before."""
        headers = [("X-Bz-Part-Number", b"%d" % number), ("X-Bz-Content-Sha1", b"hex_digits_at_end")]
        for last_try in (False, True):
            target = await self._call("b2_get_upload_part_url", {"fileId": file_id}, _UploadTarget)
            try:
                await self._send(target, headers, data)
            except (RemoteRefused, TargetError) as error:
                if last_try or not _is_of_url(error):
                    raise
            else:
                return

    async def finish_large(self, file_id: str, sha1s: Sequence[str]) -> None:
        """Make the parts one file."""
        await self._call("b2_finish_large_file", {"fileId": file_id, "partSha1Array": list(sha1s)}, _Done)

    # -- Requests -----------------------------------------------------------------------------------------------------
    async def _call_in_bucket(self, name: str, body: Object, answer: type[T]) -> T:
        session = self._session or await self._authorize()
        return await self._call(name, {"bucketId": session.bucket_id, **body}, answer)

    async def _call(self, name: str, body: Object, answer: type[T]) -> T:
        for last_try in (False, True):
            session = self._session or await self._authorize()
            try:
                return await self._json(f"{session.api_url}/b2api/v3/{name}", session.token, body, answer)
            except RemoteRefused as refused:
                if last_try or refused.code not in {"expired_auth_token", "bad_auth_token"}:
                    raise
                self._session = None
        raise AssertionError("the last try returns or raises")

    async def _authorize(self) -> Session:
        url = f"{self._endpoint}/b2api/v3/b2_authorize_account"
        told = await self._json(url, self._basic.decode(), {}, _Authorized)
        api_url = told.api_info.storage_api.api_url
        asked = {"accountId": told.account_id, "bucketName": self._bucket_name}
        listed = await self._json(f"{api_url}/b2api/v3/b2_list_buckets", told.authorization_token, asked, _Buckets)
        if not listed.buckets:
            raise RemoteRefused(400, "no_such_bucket", f"there is no bucket {self._bucket_name}")
        self._session = Session(api_url, listed.buckets[0].bucket_id, told.authorization_token)
        return self._session

    async def _json(self, url: str, token: str, body: Object, answer: type[T]) -> T:
        headers = [("Content-Type", b"application/json")]
        return await self._post(url, token, headers, msgspec.json.encode(body), _CALL, answer)

    async def _send(self, target: _UploadTarget, headers: Headers, data: Body) -> None:
        length = len(data) if isinstance(data, bytes) else data.length
        time_s = max(limits.REPLICATION_REMOTE_UPLOAD_S, length / limits.REPLICATION_REMOTE_UPLOAD_BYTES_S)
        bounds = Bounds(time_s, limits.REPLICATION_REMOTE_ANSWER_BYTES)
        await self._post(target.upload_url, target.authorization_token, headers, data, bounds, _Done)

    async def _post(self, url: str, token: str, headers: Headers, body: Body, bounds: Bounds, answer: type[T]) -> T:
        """One request, and the object that it is answered with. Raises `RemoteRefused` and `TargetError`."""
        if urlsplit(url).scheme != "https" or not urlsplit(url).hostname:
            raise TargetError("The target names an address that is not https")
        visitor = self._visitors.get(url)
        if visitor is None:
            visitor = self._visitors[url] = self._visit(url)
        came = await visitor.post([("Authorization", token.encode()), _AGENT, *headers], body, bounds)
        try:
            if came.status == 200:
                return msgspec.json.decode(came.body, type=answer)
            error = msgspec.json.decode(came.body, type=_Error)
        except msgspec.MsgspecError:
            raise TargetError(f"The target answers {came.status}, and not as the B2 Native API does") from None
        raise RemoteRefused(came.status, *(self._without_secrets(said, token) for said in (error.code, error.message)))

    def _without_secrets(self, said: str, token: str) -> str:
        """What the target says, which is kept and shown, without what it was told in confidence (P8)."""
        for secret in (token, token.removeprefix("Basic "), self._key):
            said = said.replace(secret, "***")
        return said


def _is_of_url(error: RemoteRefused | TargetError) -> bool:
    """Whether another upload URL may help: B2 says so of what is busy, slow or expired."""
    return isinstance(error, RemoteRefused) and (error.status in {401, 408, 429} or error.status >= 500)


def _body_headers(data: bytes) -> list[tuple[str, bytes]]:
    return [("X-Bz-Content-Sha1", hashlib.sha1(data, usedforsecurity=False).hexdigest().encode())]


def _file_headers(version: FileVersion, *, with_time: bool) -> list[tuple[str, bytes]]:
    headers = [
        ("X-Bz-File-Name", quote(version.name).encode()),
        ("Content-Type", version.content_type.encode()),
        *_info_headers(version.info),
    ]
    if with_time:
        headers.append(("X-Bz-Custom-Upload-Timestamp", b"%d" % version.uploaded_ms))
    if version.retention is not None:
        headers.append(("X-Bz-File-Retention-Mode", version.retention.mode.encode()))
        headers.append(("X-Bz-File-Retention-Retain-Until-Timestamp", b"%d" % version.retention.until_ms))
    if version.legal_hold is not None:
        headers.append(("X-Bz-File-Legal-Hold", b"on" if version.legal_hold else b"off"))
    return headers


def _info_headers(info: Mapping[str, str]) -> list[tuple[str, bytes]]:
    return [(f"X-Bz-Info-{name}", quote(value).encode()) for name, value in info.items()]
