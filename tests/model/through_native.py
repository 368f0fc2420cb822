"""To Undercroft through the B2 Native API: each request on a connection of its own, so that workers take turns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote, unquote_plus

from harness.hostile import Answer as Response
from harness.hostile import Client
from harness.server import Server
from model.driver import Answer, Page, Refusal
from model.native_replication import NativeReplication
from model.store_words import sse_of_md5
from model.things import CUSTOMERS, Bucket, Key, New, Range, Version

# What the documents say of each reason to refuse: status and code.
WORDS = {
    "bad key": "401 bad_auth_token",
    "unauthorized": "401 unauthorized",
    "bad capabilities": "400 bad_request",
    "no key": "400 bad_request",
    "no bucket": "400 bad_bucket_id",
    "own bucket name": "400 duplicate_bucket_name",
    "bucket name of another": "400 duplicate_bucket_name",
    "not empty": "400 cannot_delete_non_empty_bucket",
    "conflict": "409 conflict",
    "locked": "401 access_denied",
    "retained": "403 access_denied",
    "lock forbidden": "403 access_denied",
    "no lock": "400 bucket_missing_file_lock",
    "marker lock": "400 bad_request",
    "no file": "404 not_found",
    "no version": "404 not_found",
    "no version to delete": "400 file_not_present",
    "hide marker": "404 not_found",
    "not finished": "404 not_found",
    "nothing to hide": "400 no_such_file",
    "already hidden": "400 already_hidden",
    "no upload": "400 bad_request",
    "too few parts": "400 bad_request",
    "missing part": "400 missing_part",
    "part mismatch": "400 part_sha1_mismatch",
    "part too small": "400 bad_request",
    "missing key": "400 bad_request",
    "wrong key": "403 access_denied",
    "needless key": "400 bad_request",
    "part key": "400 bad_request",
    "bad range": "416 range_not_satisfiable",
    "no source": "404 not_found",
    "hidden source": "400 bad_request",
    "unfinished source": "400 bad_request",
    "own destination": "400 bad_request",
    "no destination": "400 bad_bucket_id",
    "replication conflict": "400 source_replication_conflict",
}
OF_OPERATION = {("read_name", "no bucket"): "404 not_found"}
TYPES = {True: "allPublic", False: "allPrivate"}


class ThroughNative:
    """The native face of a server with two accounts."""

    def __init__(self, server: Server, owners: Sequence[Client]) -> None:
        self.server = server
        self.owners = owners
        self.clients: dict[str, Client] = {}
        self._targets: dict[tuple[str | None, str], Answer] = {}
        self._sent = 0
        self._replication = NativeReplication(owners)

    def begin(self) -> list[tuple[str, str, Iterable[str]]]:
        """Begin an example: the accounts that there are, each with the id and the capabilities of its key."""
        self.clients.clear()
        self.clients |= {owner.key_id: owner for owner in self.owners}
        self._targets.clear()
        self._sent = 0
        found = []
        for owner in self.owners:
            self._remove_leftovers(owner)
            (key,) = owner.ok("b2_list_keys", accountId=owner.account_id)["keys"]
            found.append((owner.account_id, owner.key_id, key["capabilities"]))
        return found

    def _remove_leftovers(self, owner: Client) -> None:
        """An example that failed leaves behind what would make the next one fail too."""
        account = owner.account_id
        for key in owner.ok("b2_list_keys", accountId=account, maxKeyCount=1000)["keys"]:
            if key["applicationKeyId"] != owner.key_id:
                owner.ok("b2_delete_key", applicationKeyId=key["applicationKeyId"])
        for bucket in owner.ok("b2_list_buckets", accountId=account)["buckets"]:
            bucket_id = bucket["bucketId"]
            for row in owner.ok("b2_list_file_versions", bucketId=bucket_id, maxFileCount=1000)["files"]:
                names = {"fileId": row["fileId"], "fileName": row["fileName"]}
                if row.get("legalHold", {}).get("value") == "on":
                    owner.ok("b2_update_file_legal_hold", **names, legalHold="off")
                owner.ok("b2_delete_file_version", **names, bypassGovernance=True)
            owner.ok("b2_delete_bucket", accountId=account, bucketId=bucket_id)

    def do(self, operation: str, actor: str | None, **arguments: Any) -> Any:
        """One operation. Raises `Refusal`."""
        if hasattr(self._replication, operation):
            update = partial(self.call, actor, "b2_update_bucket", accountId=self.client(actor).account_id)
            return _bucket(getattr(self._replication, operation)(update, **arguments))
        return getattr(self, operation)(actor, **arguments)

    # -- Requests -------------------------------------------------------------------------------------------------------
    def call(self, actor: str | None, name: str, **fields: Any) -> Any:
        """A JSON call."""
        assert actor is not None
        return _checked(self.clients[actor].native(name, **fields)).json

    def client(self, actor: str | None) -> Client:
        """The client of a key; of the first owner for nobody, whose requests carry no credentials."""
        return self.owners[0] if actor is None else self.clients[actor]

    def _upload(
        self, actor: str | None, call: str, target: tuple[str, str], body: bytes, headers: Answer, verified: bool
    ) -> Any:
        """An upload to a URL that the key has had for this target before, or to a new one."""
        assert actor is not None
        place = self._targets.get((actor, target[1]))
        if place is None:
            place = self.call(actor, call, **{target[0]: target[1]})
            self._targets[actor, target[1]] = place
        self._sent += 1
        digest = hashlib.sha1(body).hexdigest()
        if not verified:
            headers = {**headers, "X-Bz-Content-Sha1": "do_not_verify"}
        elif self._sent % 2:
            headers, body = {**headers, "X-Bz-Content-Sha1": "hex_digits_at_end"}, body + digest.encode()
        else:
            headers = {**headers, "X-Bz-Content-Sha1": digest}
        return _checked(self.clients[actor].upload(place, body, headers)).json

    # -- Keys and buckets -----------------------------------------------------------------------------------------------
    def create_key(
        self,
        actor: str | None,
        capabilities: Sequence[str],
        bucket_ids: Sequence[str] | None,
        prefix: str | None,
        valid_s: int | None,
    ) -> Answer:
        account = self.client(actor).account_id
        said = self.call(
            actor,
            "b2_create_key",
            accountId=account,
            keyName="restricted",
            capabilities=capabilities,
            bucketIds=bucket_ids,
            namePrefix=prefix,
            validDurationInSeconds=valid_s,
        )
        made = Client(self.server, said["applicationKeyId"], said["applicationKey"])
        assert made.token  # It authorizes while it may: later its token must stop working.
        self.clients[made.key_id] = made
        return _key(said)

    def delete_key(self, actor: str | None, key: Key) -> Answer:
        return _key(self.call(actor, "b2_delete_key", applicationKeyId=key.id))

    def list_keys(self, actor: str | None, limit: int, cursor: str | None) -> Page:
        account = self.client(actor).account_id
        said = self.call(actor, "b2_list_keys", accountId=account, maxKeyCount=limit, startApplicationKeyId=cursor)
        return [_key(key) for key in said["keys"]], said["nextApplicationKeyId"]

    def create_bucket(self, actor: str | None, name: str, public: bool, info: dict[str, str]) -> Answer:
        account = self.client(actor).account_id
        return _bucket(
            self.call(
                actor, "b2_create_bucket", accountId=account, bucketName=name, bucketType=TYPES[public], bucketInfo=info
            )
        )

    def update_bucket(
        self,
        actor: str | None,
        bucket: Bucket,
        public: bool | None,
        info: dict[str, str] | None,
        if_revision_is: int | None,
    ) -> Answer:
        said = self.call(
            actor,
            "b2_update_bucket",
            accountId=self.client(actor).account_id,
            bucketId=bucket.id,
            bucketType=None if public is None else TYPES[public],
            bucketInfo=info,
            ifRevisionIs=if_revision_is,
        )
        return _bucket(said)

    def delete_bucket(self, actor: str | None, bucket: Bucket) -> Answer:
        account = self.client(actor).account_id
        return _bucket(self.call(actor, "b2_delete_bucket", accountId=account, bucketId=bucket.id))

    def list_buckets(self, actor: str | None, bucket: Bucket | None) -> list[Answer]:
        account = self.client(actor).account_id
        bucket_id = None if bucket is None else bucket.id
        said = self.call(actor, "b2_list_buckets", accountId=account, bucketId=bucket_id)
        return [_bucket(row) for row in said["buckets"]]

    # -- Files ----------------------------------------------------------------------------------------------------------
    def upload(self, actor: str | None, bucket: Bucket, name: str, new: New, body: bytes) -> Answer:
        headers = {"X-Bz-File-Name": self._encoded(name), "Content-Type": new.content_type}
        headers |= {f"X-Bz-Info-{key}": self._encoded(value) for key, value in new.info.items()}
        if new.custom_ms is not None:
            headers["X-Bz-Custom-Upload-Timestamp"] = str(new.custom_ms)
        if new.sse == "SSE-B2":
            headers["X-Bz-Server-Side-Encryption"] = "AES256"
        headers |= _key_headers(new.customer)
        target = ("bucketId", bucket.id)
        return _version(self._upload(actor, "b2_get_upload_url", target, body, headers, new.verified))

    def hide(self, actor: str | None, bucket: Bucket, name: str) -> Answer:
        return _version(self.call(actor, "b2_hide_file", bucketId=bucket.id, fileName=name))

    def copy(
        self,
        actor: str | None,
        source: Version,
        bucket: Bucket,
        name: str,
        asked: Range | None,
        replaced: New | None,
        customer: str | None,
    ) -> Answer:
        fields: Answer = {"sourceFileId": source.id, "destinationBucketId": bucket.id, "fileName": name}
        if customer is not None:
            fields["sourceServerSideEncryption"] = CUSTOMERS[customer].body
        if asked is not None:
            fields["range"] = http_range(asked)
        if replaced is not None:
            fields |= {"metadataDirective": "REPLACE", "contentType": replaced.content_type, "fileInfo": replaced.info}
            if replaced.sse is not None:
                fields["destinationServerSideEncryption"] = _setting(replaced.sse)
        return _version(self.call(actor, "b2_copy_file", **fields))

    def lock_bucket(self, actor: str | None, bucket: Bucket) -> Answer:
        account = self.client(actor).account_id
        return _bucket(
            self.call(actor, "b2_update_bucket", accountId=account, bucketId=bucket.id, fileLockEnabled=True)
        )

    def encrypt_bucket(self, actor: str | None, bucket: Bucket, on: bool) -> Answer:
        account = self.client(actor).account_id
        setting = _setting("SSE-B2") if on else {"mode": None}
        said = self.call(
            actor, "b2_update_bucket", accountId=account, bucketId=bucket.id, defaultServerSideEncryption=setting
        )
        return {**_bucket(said), **_seen(said, "defaultServerSideEncryption", "sse", lambda value: value["mode"])}

    def retain(self, actor: str | None, version: Version, until_ms: int | None, bypass: bool) -> Answer:
        retention = {"mode": None if until_ms is None else "governance", "retainUntilTimestamp": until_ms}
        names = {"fileId": version.id, "fileName": version.name}
        said = self.call(actor, "b2_update_file_retention", **names, fileRetention=retention, bypassGovernance=bypass)
        assert said["fileRetention"] == retention
        return {"id": said["fileId"], "name": said["fileName"], "retained_until_ms": until_ms}

    def hold(self, actor: str | None, version: Version, on: bool) -> Answer:
        names = {"fileId": version.id, "fileName": version.name}
        said = self.call(actor, "b2_update_file_legal_hold", **names, legalHold="on" if on else "off")
        return {"id": said["fileId"], "name": said["fileName"], "held": said["legalHold"] == "on"}

    def delete_version(self, actor: str | None, version: Version, name: str, bypass: bool = False) -> Answer:
        said = self.call(actor, "b2_delete_file_version", fileId=version.id, fileName=name, bypassGovernance=bypass)
        return {"id": said["fileId"], "name": said["fileName"]}

    def start(self, actor: str | None, bucket: Bucket, name: str, new: New) -> Answer:
        fields = {"bucketId": bucket.id, "fileName": name, "contentType": new.content_type, "fileInfo": new.info}
        if new.sse is not None:
            fields["serverSideEncryption"] = _setting(new.sse)
        return _version(self.call(actor, "b2_start_large_file", **fields))

    def upload_part(self, actor: str | None, large: Version, number: int, body: bytes, customer: str | None) -> Answer:
        target = ("fileId", large.id)
        headers = {"X-Bz-Part-Number": str(number), **_key_headers(customer)}
        return _part(self._upload(actor, "b2_get_upload_part_url", target, body, headers, verified=True))

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
        fields: Answer = {"largeFileId": large.id, "partNumber": number, "sourceFileId": source.id}
        if customer is not None:
            fields["sourceServerSideEncryption"] = CUSTOMERS[customer].body
        if own is not None:
            fields["destinationServerSideEncryption"] = CUSTOMERS[own].body
        if asked is not None:
            fields["range"] = http_range(asked)
        return _part(self.call(actor, "b2_copy_part", **fields))

    def list_parts(self, actor: str | None, large: Version, limit: int, cursor: int | None) -> Page:
        said = self.call(actor, "b2_list_parts", fileId=large.id, startPartNumber=cursor, maxPartCount=limit)
        return [_part(part) for part in said["parts"]], said["nextPartNumber"]

    def finish(self, actor: str | None, large: Version, listed: Sequence[tuple[int, str]]) -> Answer:
        digests = [digest for _, digest in listed]
        return _version(self.call(actor, "b2_finish_large_file", fileId=large.id, partSha1Array=digests))

    def cancel(self, actor: str | None, large: Version) -> Answer:
        said = self.call(actor, "b2_cancel_large_file", fileId=large.id)
        return {"id": said["fileId"], "name": said["fileName"], "bucket_id": said["bucketId"]}

    # -- Reading --------------------------------------------------------------------------------------------------------
    def read_name(
        self, actor: str | None, bucket: Bucket, name: str, asked: Range | None, customer: str | None
    ) -> Answer:
        return self._read(actor, f"/file/{bucket.name}/{self._encoded(name)}", asked, customer)

    def read_id(self, actor: str | None, version: Version, asked: Range | None, customer: str | None) -> Answer:
        return self._read(actor, f"/b2api/v4/b2_download_file_by_id?fileId={version.id}", asked, customer)

    def _read(self, actor: str | None, target: str, asked: Range | None, customer: str | None) -> Answer:
        client = self.client(actor)
        headers = {} if actor is None else {"Authorization": client.token}
        headers |= _key_headers(customer)
        if asked is not None:
            headers["Range"] = http_range(asked)
        response = _checked(client.send("GET", target, headers), 200 if asked is None else 206)
        got = response.headers
        info = {key[10:]: unquote_plus(value) for key, value in got.items() if key.startswith("x-bz-info-")}
        return {
            "id": got["x-bz-file-id"],
            "name": unquote_plus(got["x-bz-file-name"]),
            "sha1": got["x-bz-content-sha1"],
            "content_type": got["content-type"],
            "info": info,
            "time_ms": int(got["x-bz-upload-timestamp"]),
            "sse": told_sse(got, "x-bz"),
            "replication": got.get("x-bz-replication-status"),
            "body": response.body,
        }

    def file_info(self, actor: str | None, version: Version) -> Answer:
        return _version(self.call(actor, "b2_get_file_info", fileId=version.id))

    # -- Lists ----------------------------------------------------------------------------------------------------------
    def list_names(
        self, actor: str | None, bucket: Bucket, prefix: str, delimiter: str, start: str, limit: int, cursor: str | None
    ) -> Page:
        said = self.call(
            actor,
            "b2_list_file_names",
            bucketId=bucket.id,
            startFileName=cursor or start or None,
            maxFileCount=limit,
            prefix=prefix,
            delimiter=delimiter or None,
        )
        return [_version(row) for row in said["files"]], said["nextFileName"]

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
        first, first_id = cursor or (start, start_id)
        said = self.call(
            actor,
            "b2_list_file_versions",
            bucketId=bucket.id,
            startFileName=first or None,
            startFileId=first_id,
            maxFileCount=limit,
            prefix=prefix,
            delimiter=delimiter or None,
        )
        following = said["nextFileName"] and (said["nextFileName"], said["nextFileId"])
        return [_version(row) for row in said["files"]], following

    def list_unfinished(self, actor: str | None, bucket: Bucket, prefix: str, limit: int, cursor: str | None) -> Page:
        said = self.call(
            actor,
            "b2_list_unfinished_large_files",
            bucketId=bucket.id,
            namePrefix=prefix,
            startFileId=cursor,
            maxFileCount=limit,
        )
        return [_version(row) for row in said["files"]], said["nextFileId"]

    def _encoded(self, text: str) -> str:
        """Percent-encoded for a header or path; a space now in the one way and now in the other."""
        self._sent += 1
        encoded = quote(text, safe="/")
        return encoded.replace("%20", "+") if self._sent % 2 else encoded


def _key_headers(customer: str | None) -> dict[str, str]:
    return {} if customer is None else CUSTOMERS[customer].native


def _setting(sse: str) -> Answer:
    """The encryption that a body asks for."""
    return CUSTOMERS[sse].body if sse in CUSTOMERS else {"mode": sse, "algorithm": "AES256"}


def told_sse(headers: Mapping[str, str], prefix: str) -> str | None:
    """How a download's headers say that the file is encrypted."""
    md5 = headers.get(f"{prefix}-server-side-encryption-customer-key-md5")
    if md5 is not None:
        return sse_of_md5(md5)
    return "SSE-B2" if f"{prefix}-server-side-encryption" in headers else None


def http_range(asked: Range) -> str:
    """The range as HTTP writes it."""
    return f"bytes={asked.first}-{'' if asked.last is None else asked.last}"


def _checked(response: Response, status: int = 200) -> Response:
    if response.status >= 400:
        raise Refusal("{} {}".format(*response.refusal))
    assert response.status == status, (response.status, response.body[:500])
    return response


def _key(said: Answer) -> Answer:
    return {
        "id": said["applicationKeyId"],
        "account": said["accountId"],
        "capabilities": sorted(said["capabilities"]),
        "bucket_ids": said["bucketIds"],
        "prefix": said["namePrefix"],
        "time_ms": said["expirationTimestamp"],
    }


def _bucket(said: Answer) -> Answer:
    return {
        "id": said["bucketId"],
        "account": said["accountId"],
        "name": said["bucketName"],
        "public": said["bucketType"] == TYPES[True],
        "info": said["bucketInfo"],
        "revision": said["revision"],
        **_seen(said, "fileLockConfiguration", "locks", lambda value: value["isFileLockEnabled"]),
    }


def _version(said: Answer) -> Answer:
    if said["action"] == "folder":
        return {"action": "folder", "name": said["fileName"]}
    return {
        "id": said["fileId"],
        "bucket_id": said["bucketId"],
        "name": said["fileName"],
        "action": said["action"],
        "size": said["contentLength"],
        "content_type": said["contentType"],
        "info": said["fileInfo"],
        "sha1": said["contentSha1"],
        "md5": said["contentMd5"],
        "time_ms": said["uploadTimestamp"],
        # Hide markers are replicated too, but have no such member.
        **({} if said["action"] == "hide" else {"replication": said.get("replicationStatus")}),
        **({"sse": _sse(said["serverSideEncryption"])} if "serverSideEncryption" in said else {}),
        **_seen(said, "fileRetention", "retained_until_ms", lambda value: value["retainUntilTimestamp"]),
        **_seen(said, "legalHold", "held", {"on": True, "off": False, None: None}.__getitem__),
    }


def _sse(said: Answer) -> str | None:
    return sse_of_md5(said["customerKeyMd5"]) if said["mode"] == "SSE-C" else said["mode"]


def _seen(said: Answer, member: str, name: str, told: Callable[[Any], Any]) -> Answer:
    """What a member says that only some may read: nothing to the others, and hide markers do not have it."""
    filtered = said.get(member)
    if filtered is None or not filtered["isClientAuthorizedToRead"]:
        return {}
    return {name: told(filtered["value"])}


def _part(said: Answer) -> Answer:
    return {
        "id": said["fileId"],
        "number": said["partNumber"],
        "size": said["contentLength"],
        "sha1": said["contentSha1"],
        "md5": said["contentMd5"],
    }
