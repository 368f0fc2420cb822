"""To Undercroft through the S3 API: each request on a connection of its own, so that workers take turns."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, unquote

from lxml import etree

from harness.hostile import Answer as Response
from harness.hostile import Client
from model.driver import Answer, Page, Refusal
from model.things import CUSTOMERS, Bucket, New, Range, Version
from model.through_native import http_range, told_sse

# What the documents say of each reason to refuse: status and code.
WORDS = {
    "bad key": "403 InvalidAccessKeyId",
    "unauthorized": "403 AccessDenied",
    "no bucket": "404 NoSuchBucket",
    "no source bucket": "404 NoSuchBucket",
    "own bucket name": "409 BucketAlreadyOwnedByYou",
    "bucket name of another": "409 BucketAlreadyExists",
    "not empty": "409 BucketNotEmpty",
    "exists": "412 PreconditionFailed",
    "locked": "403 AccessDenied",
    "retained": "403 AccessDenied",
    "lock forbidden": "403 AccessDenied",
    "no lock": "400 InvalidRequest",
    "replication conflict": "409 InvalidBucketState",
    "no file": "404 NoSuchKey",
    "no version": "404 NoSuchVersion",
    "hide marker": "405 MethodNotAllowed",
    "not finished": "404 NoSuchVersion",
    "no upload": "404 NoSuchUpload",
    "missing part": "400 InvalidPart",
    "part mismatch": "400 InvalidPart",
    "part too small": "400 EntityTooSmall",
    "part order": "400 InvalidPartOrder",
    "missing key": "400 InvalidRequest",
    "wrong key": "403 AccessDenied",
    "needless key": "400 InvalidRequest",
    "part key": "400 InvalidRequest",
    "bad range": "416 InvalidRange",
    "bad part range": "400 InvalidArgument",
    "no source": "404 NoSuchVersion",
    "hidden source": "400 InvalidRequest",
    "unfinished source": "404 NoSuchVersion",
}
HOLDS = {"ON": True, "OFF": False, None: None}
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class ThroughS3:
    """The S3 face of a server, with the keys that the native adapter knows. S3 itself has no calls for keys."""

    def __init__(self, clients: Mapping[str, Client], owners: Sequence[Client], names: Mapping[str, str]) -> None:
        self._clients = clients
        self._owners = owners
        self._names = names  # Of buckets by their ids: S3 knows buckets by name alone.
        self._lists = 0

    def do(self, operation: str, actor: str | None, **arguments: Any) -> Any:
        """One operation. Raises `Refusal`."""
        return getattr(self, operation)(actor, **arguments)

    # -- Requests -------------------------------------------------------------------------------------------------------
    def _send(
        self,
        actor: str | None,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        status: int = 200,
    ) -> Response:
        """A request, signed unless nobody asks."""
        pairs = (f"{name}={quote(str(value), safe='')}" for name, value in (query or {}).items() if value is not None)
        target = f"{path}?{'&'.join(pairs)}" if query else path
        if actor is None:
            response = self._owners[0].send(method, target, headers or {}, body)
        else:
            # A header's bytes are signed as they are sent.
            sent = {name: value.encode().decode("latin-1") for name, value in (headers or {}).items()}
            response = self._clients[actor].s3(method, target, sent, body)
        if response.status >= 400:
            raise Refusal("{} {}".format(*response.refusal))
        assert response.status == status, (response.status, response.body[:500])
        return response

    def _path(self, version: Version) -> str:
        return _path(self._names[version.bucket_id], version.name)

    def _seen(self, bucket: str, name: str, version_id: str, resource: str = "versions") -> Answer:
        """What the owner's list says of a version at once after it was made: the one place that tells milliseconds."""
        for owner in self._owners:
            try:
                answer = self._send(owner.key_id, "GET", f"/{bucket}", {resource: "", "prefix": name})
            except Refusal:
                continue  # The bucket belongs to another account.
            for row in _rows(answer):
                if row["id"] == version_id:
                    row.pop("latest", None)
                    return row
        raise AssertionError(f"{version_id} is not listed")

    # -- Buckets --------------------------------------------------------------------------------------------------------
    def create_bucket(self, actor: str | None, name: str, public: bool, info: dict[str, str]) -> Answer:
        assert not info
        self._send(actor, "PUT", f"/{name}", headers={"x-amz-acl": "public-read" if public else "private"})
        assert actor is not None
        listed = self._clients[self._account(actor)].ok(
            "b2_list_buckets", accountId=self._clients[actor].account_id, bucketName=name
        )
        (made,) = listed["buckets"]
        return {"id": made["bucketId"], "name": name, "revision": made["revision"]}

    def _account(self, actor: str) -> str:
        """The key of the owner of the account that a key belongs to."""
        account = self._clients[actor].account_id
        return next(owner.key_id for owner in self._owners if owner.account_id == account)

    def delete_bucket(self, actor: str | None, bucket: Bucket) -> Answer:
        self._send(actor, "DELETE", f"/{bucket.name}", status=204)
        return {}

    def list_buckets(self, actor: str | None, bucket: None) -> list[Answer]:
        return [{"name": name} for name in self._send(actor, "GET", "/").texts("Name")]

    def lock_bucket(self, actor: str | None, bucket: Bucket) -> Answer:
        body = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
        self._send(actor, "PUT", f"/{bucket.name}", {"object-lock": ""}, body=body)
        return {"name": bucket.name, "locks": True}

    # -- Locks ----------------------------------------------------------------------------------------------------------
    def retain(self, actor: str | None, version: Version, until_ms: int | None, bypass: bool) -> Answer:
        headers = {"x-amz-bypass-governance-retention": "true"} if bypass else {}
        date = (
            "" if until_ms is None else f"<Mode>GOVERNANCE</Mode><RetainUntilDate>{_date(until_ms)}</RetainUntilDate>"
        )
        body = f"<Retention>{date}</Retention>".encode()
        self._send(actor, "PUT", self._path(version), {"retention": "", "versionId": version.id}, headers, body)
        until = self._lock(actor, version, "retention", "RetainUntilDate")
        return {**_named(version), "retained_until_ms": None if until is None else _moment(until)}

    def hold(self, actor: str | None, version: Version, on: bool) -> Answer:
        body = f"<LegalHold><Status>{'ON' if on else 'OFF'}</Status></LegalHold>".encode()
        self._send(actor, "PUT", self._path(version), {"legal-hold": "", "versionId": version.id}, body=body)
        return {**_named(version), "held": HOLDS[self._lock(actor, version, "legal-hold", "Status")]}

    def _lock(self, actor: str | None, version: Version, mark: str, tag: str) -> str | None:
        """What the owner is told of a lock that was just changed."""
        assert actor is not None
        try:
            answer = self._send(self._account(actor), "GET", self._path(version), {mark: "", "versionId": version.id})
        except Refusal as refusal:
            if refusal.said != "404 NoSuchObjectLockConfiguration":
                raise
            return None
        return answer.texts(tag)[0]

    # -- Objects --------------------------------------------------------------------------------------------------------
    def upload(self, actor: str | None, bucket: Bucket, name: str, new: New, body: bytes) -> Answer:
        headers = {**_headers(new), **({"If-None-Match": "*"} if new.only_new else {})}
        response = self._send(actor, "PUT", _path(bucket.name, name), None, headers, body)
        return {**self._made(bucket, name, response), "sse": told_sse(response.headers, "x-amz")}

    def _made(self, bucket: Bucket, name: str, response: Response) -> Answer:
        said = {"id": response.headers["x-amz-version-id"]}
        if "etag" in response.headers:
            said["etag"] = response.headers["etag"].strip('"')
        return {**self._seen(bucket.name, name, said["id"]), **said}

    def hide(self, actor: str | None, bucket: Bucket, name: str) -> Answer:
        response = self._send(actor, "DELETE", _path(bucket.name, name), status=204)
        assert response.headers["x-amz-delete-marker"] == "true"
        return self._made(bucket, name, response)

    def delete_version(self, actor: str | None, version: Version, name: str, bypass: bool = False) -> Answer:
        path = _path(self._names[version.bucket_id], name)
        headers = {"x-amz-bypass-governance-retention": "true"} if bypass else {}
        response = self._send(actor, "DELETE", path, {"versionId": version.id}, headers, status=204)
        assert response.headers["x-amz-version-id"] == version.id
        return {"was_marker": response.headers.get("x-amz-delete-marker") == "true"}

    def copy(
        self,
        actor: str | None,
        source: Version,
        bucket: Bucket,
        name: str,
        asked: None,
        replaced: New | None,
        customer: str | None,
    ) -> Answer:
        headers = {"x-amz-copy-source": f"{self._path(source)}?versionId={source.id}", **_source_key(customer)}
        if replaced is not None:
            headers |= {"x-amz-metadata-directive": "REPLACE", **_headers(replaced)}
        response = self._send(actor, "PUT", _path(bucket.name, name), None, headers)
        assert response.headers["x-amz-copy-source-version-id"] == source.id
        return {**self._made(bucket, name, response), "etag": response.texts("ETag")[0].strip('"')} | {"action": "copy"}

    def read_name(
        self, actor: str | None, bucket: Bucket, name: str, asked: Range | None, customer: str | None
    ) -> Answer:
        return self._read(actor, _path(bucket.name, name), None, asked, customer)

    def read_id(self, actor: str | None, version: Version, asked: Range | None, customer: str | None) -> Answer:
        return self._read(actor, self._path(version), {"versionId": version.id}, asked, customer)

    def _read(
        self, actor: str | None, path: str, query: Answer | None, asked: Range | None, customer: str | None
    ) -> Answer:
        headers = {**({} if asked is None else {"Range": http_range(asked)}), **_key(customer)}
        response = self._send(actor, "GET", path, query, headers, status=200 if asked is None else 206)
        got = response.headers
        info = {
            key[11:]: value.encode("latin-1").decode() for key, value in got.items() if key.startswith("x-amz-meta-")
        }
        return {
            "id": got["x-amz-version-id"],
            "etag": got["etag"].strip('"'),
            "content_type": got["content-type"],
            "info": info,
            "sse": told_sse(got, "x-amz"),
            "replication": got.get("x-amz-replication-status"),
            **_told_lock(got),
            "time_s": int(parsedate_to_datetime(got["last-modified"]).timestamp()),
            "body": response.body,
        }

    # -- Uploads in parts -----------------------------------------------------------------------------------------------
    def start(self, actor: str | None, bucket: Bucket, name: str, new: New) -> Answer:
        (upload_id,) = self._send(actor, "POST", _path(bucket.name, name), {"uploads": ""}, _headers(new)).texts(
            "UploadId"
        )
        return self._seen(bucket.name, name, upload_id, "uploads")

    def upload_part(self, actor: str | None, large: Version, number: int, body: bytes, customer: str | None) -> Answer:
        query = {"partNumber": number, "uploadId": large.id}
        response = self._send(actor, "PUT", self._path(large), query, _key(customer), body)
        return {"md5": response.headers["etag"].strip('"')}

    def copy_part(
        self,
        actor: str | None,
        large: Version,
        number: int,
        source: Version,
        asked: Range | None,
        customer: str | None,
        own: str | None,
    ) -> Answer:
        headers = {"x-amz-copy-source": f"{self._path(source)}?versionId={source.id}"}
        headers |= {**_source_key(customer), **_key(own)}
        if asked is not None:
            last = 10**12 if asked.last is None else asked.last  # S3 wants both ends.
            headers["x-amz-copy-source-range"] = http_range(Range(asked.first, last))
        query = {"partNumber": number, "uploadId": large.id}
        return {"md5": self._send(actor, "PUT", self._path(large), query, headers).texts("ETag")[0].strip('"')}

    def list_parts(self, actor: str | None, large: Version, limit: int, cursor: str | None) -> Page:
        query = {"uploadId": large.id, "max-parts": limit, "part-number-marker": cursor}
        answer = self._send(actor, "GET", self._path(large), query)
        rows = [
            {"number": int(_text(part, "PartNumber")), "size": int(_text(part, "Size")), "md5": _etag(part)}
            for part in answer.xml.iter(f"{NAMESPACE}Part")
        ]
        truncated = answer.texts("IsTruncated") == ["true"]
        return rows, answer.texts("NextPartNumberMarker")[0] if truncated else None

    def finish(self, actor: str | None, large: Version, listed: Sequence[tuple[int, str]]) -> Answer:
        parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{md5}</ETag></Part>" for n, md5 in listed)
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        response = self._send(actor, "POST", self._path(large), {"uploadId": large.id}, body=body)
        assert response.headers["x-amz-version-id"] == large.id
        seen = self._seen(self._names[large.bucket_id], large.name, large.id)
        return {**seen, "etag": response.texts("ETag")[0].strip('"')}

    def cancel(self, actor: str | None, large: Version) -> Answer:
        self._send(actor, "DELETE", self._path(large), {"uploadId": large.id}, status=204)
        return {}

    # -- Lists ----------------------------------------------------------------------------------------------------------
    def list_names(
        self, actor: str | None, bucket: Bucket, prefix: str, delimiter: str, start: str, limit: int, cursor: Any
    ) -> Page:
        """Both versions of the call in turn; a walk keeps to the one that it began with."""
        old = cursor[0] if cursor else self._lists % 3 == 0
        query: Answer = {"prefix": prefix, "delimiter": delimiter or None, "max-keys": limit}
        place = cursor[1] if cursor else None
        if old:
            query["marker"] = place or start or None
        else:
            query |= {"list-type": 2, "start-after": start or None, "continuation-token": place}
        answer = self._list(actor, bucket, query)
        following = answer.texts("NextMarker" if old else "NextContinuationToken")
        if following and old:
            following = [unquote(following[0])] if answer.texts("EncodingType") else following
        return _rows(answer), (old, following[0]) if following else None

    def list_versions(
        self,
        actor: str | None,
        bucket: Bucket,
        prefix: str,
        delimiter: str,
        start: str,
        limit: int,
        cursor: tuple[str, str | None] | None,
        start_id: str | None = None,
    ) -> Page:
        key, version_id = cursor or (start, start_id)
        query = {"versions": "", "prefix": prefix, "delimiter": delimiter or None, "max-keys": limit}
        query |= {"key-marker": key or None, "version-id-marker": version_id}
        return self._marked(actor, bucket, query, "NextVersionIdMarker")

    def list_unfinished(
        self, actor: str | None, bucket: Bucket, prefix: str, limit: int, cursor: tuple[str, str | None] | None
    ) -> Page:
        key, upload_id = cursor or (None, None)
        query = {"uploads": "", "prefix": prefix, "max-uploads": limit}
        return self._marked(
            actor, bucket, {**query, "key-marker": key, "upload-id-marker": upload_id}, "NextUploadIdMarker"
        )

    def _marked(self, actor: str | None, bucket: Bucket, query: Answer, id_tag: str) -> Page:
        """A page of a list whose pages join by a key and an id."""
        answer = self._list(actor, bucket, query)
        keys, ids = answer.texts("NextKeyMarker"), answer.texts(id_tag)
        if answer.texts("IsTruncated") != ["true"]:
            return _rows(answer), None
        key = unquote(keys[0]) if answer.texts("EncodingType") else keys[0]
        return _rows(answer), (key, ids[0] or None if ids else None)

    def _list(self, actor: str | None, bucket: Bucket, query: Answer) -> Response:
        self._lists += 1
        encoding = {"encoding-type": "url"} if self._lists % 2 else {}
        return self._send(actor, "GET", f"/{bucket.name}", {**query, **encoding})


def _path(bucket: str, name: str) -> str:
    return f"/{bucket}/{quote(name, safe='/')}"


def _headers(new: New) -> dict[str, str]:
    asked = {"x-amz-server-side-encryption": "AES256"} if new.sse == "SSE-B2" else _key(new.customer)
    return {
        "Content-Type": new.content_type,
        **asked,
        **{f"x-amz-meta-{key}": value for key, value in new.info.items()},
    }


def _named(version: Version) -> Answer:
    return {"id": version.id, "name": version.name}


def _told_lock(got: Mapping[str, str]) -> Answer:
    """What the headers of an answer tell of a lock: nothing where there is none, or where the key may not know."""
    told: Answer = {}
    if "x-amz-object-lock-retain-until-date" in got:
        assert got["x-amz-object-lock-mode"] == "GOVERNANCE"
        told["retained_until_ms"] = _moment(got["x-amz-object-lock-retain-until-date"])
    if "x-amz-object-lock-legal-hold" in got:
        told["held"] = HOLDS[got["x-amz-object-lock-legal-hold"]]
    return told


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime(f"%Y-%m-%dT%H:%M:%S.{at_ms % 1000:03}Z")


def _moment(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _key(customer: str | None) -> dict[str, str]:
    return {} if customer is None else CUSTOMERS[customer].s3


def _source_key(customer: str | None) -> dict[str, str]:
    return {} if customer is None else CUSTOMERS[customer].s3_source


def _rows(answer: Response) -> list[Answer]:
    """The rows of a list in the order in which they would stand if common prefixes were not apart."""
    encoded = bool(answer.texts("EncodingType"))
    objects, folders = [], []
    for row in answer.xml:
        kind = etree.QName(row).localname
        if kind == "CommonPrefixes":
            name = _text(row, "Prefix")
            folders.append({"action": "folder", "name": unquote(name) if encoded else name})
        elif kind in {"Contents", "Version", "DeleteMarker", "Upload"}:
            objects.append(_row(kind, row, encoded))
    return list(heapq.merge(objects, folders, key=lambda row: row["name"].encode()))


def _row(kind: str, row: etree._Element, encoded: bool) -> Answer:
    name = _text(row, "Key")
    found: Answer = {"name": unquote(name) if encoded else name}
    stamp = row.findtext(f"{NAMESPACE}LastModified") or _text(row, "Initiated")
    found["time_ms"] = round(datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp() * 1000)
    if kind == "Upload":
        return {**found, "id": _text(row, "UploadId"), "action": "start"}
    if kind != "Contents":
        found |= {"id": _text(row, "VersionId"), "latest": _text(row, "IsLatest") == "true"}
    if kind == "DeleteMarker":
        return {**found, "action": "hide"}
    return {**found, "size": int(_text(row, "Size")), "etag": _etag(row), "action": "upload"}


def _text(row: etree._Element, tag: str) -> str:
    text = row.findtext(NAMESPACE + tag)
    assert text is not None, (tag, etree.tostring(row))
    return text


def _etag(row: etree._Element) -> str:
    return _text(row, "ETag").strip('"')
