"""Targets over a living store: whole requests to both faces in this process, and tokens of every kind.

In an input, words such as `$FILE$` stand for what only the living store knows (ids, tokens, upload URLs); a finding can so be
replayed on another store. S3 requests without an Authorization header are signed after they were mutated, so that what lies
behind the signature is reached; native ones name their token themselves.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from harness.fuzz.campaign import Target
from harness.fuzz.dialects import Wish, assert_native_document, assert_s3_document, wish
from harness.fuzz.documents import JSON_READERS, JSON_WORDS, XML_CORPUS, XML_WORDS, examples_of
from harness.fuzz.names import PERCENT_WORDS, ROUTE_WORDS
from harness.hostile import Signer
from harness.native_face import FaceBench, open_face
from harness.stores import sha1
from undercroft import settings
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.s3 import app as s3_app
from undercroft.s3.facts import FACTS
from undercroft.store.errors import BadToken, ExpiredToken

S3_STATUSES = frozenset({200, 204, 206, 304, 400, 403, 404, 405, 409, 411, 412, 416, 501})
NATIVE_STATUSES = frozenset({200, 206, 400, 401, 403, 404, 405, 408, 409, 416})
RENEWED = 400  # Inputs after which what they may have deleted is made again.
_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-zA-Z-]+\Z")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_IMPOSSIBLE_REFERENCE = re.compile(rb"&#x(?:[0-9a-f]|1[0-9a-f]|fff[ef]|d[89a-f]..);")


class LivingFaces:
    """Both faces over one store, and the words that inputs may use for what is in it."""

    def __init__(self, native: FaceBench, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._native = native
        self._s3 = s3_app.S3Face(native.bench.store, settings.load({"data": str(folder)}, {}))
        self._loop = loop
        self._inputs = 0
        self._words: dict[bytes, bytes] = {}
        key = native.bench.principal.key
        assert key is not None
        self._key_id, self._secret = key.key_id, key.secret

    async def renew(self) -> None:
        """What inputs may rely on: a file, a hide marker, an unfinished large file with a part, upload URLs, tokens."""
        native = self._native
        bucket_id = native.bench.bucket.bucket_id
        file = await native.upload("file", b"0123456789" * 50)
        await native.upload("hidden")
        await native.call("b2_hide_file", bucketId=bucket_id, fileName="hidden")
        large = await native.call("b2_start_large_file", bucketId=bucket_id, fileName="large", contentType="text/plain")
        part_url = await native.call("b2_get_upload_part_url", fileId=large["fileId"])
        await native.put(part_url, {"X-Bz-Part-Number": "1", "X-Bz-Content-Sha1": sha1(b"part")}, b"part")
        upload_url = await native.call("b2_get_upload_url", bucketId=bucket_id)
        grant = await native.call(
            "b2_get_download_authorization", bucketId=bucket_id, fileNamePrefix="f", validDurationInSeconds=600_000
        )
        values = {
            "FILE": file.json["fileId"], "LARGE": large["fileId"], "BUCKET": native.bench.bucket.name, "BUCKETID": bucket_id,
            "ACCOUNT": native.bench.principal.account_id, "TOKEN": native.token, "GRANT": grant["authorizationToken"],
            "UPLOAD": urlsplit(upload_url["uploadUrl"]).path, "UPLOADTOKEN": upload_url["authorizationToken"],
            "PART": urlsplit(part_url["uploadUrl"]).path, "PARTTOKEN": part_url["authorizationToken"],
        }  # fmt: skip
        self._words = {f"${name}$".encode(): value.encode() for name, value in values.items()}

    def _living(self, data: bytes) -> Wish:
        if self._inputs % RENEWED == 0:
            self._loop.run_until_complete(self.renew())
        self._inputs += 1
        if b"$" in data:
            for word, value in self._words.items():
                data = data.replace(word, value)
        return Wish(data)

    def check_s3(self, data: bytes) -> str:
        """A request to the S3 face."""
        text = self._living(data)
        if text.method == "DELETE" and text.target.rstrip(b"/").count(b"/") == 1 and b"?" not in text.target:
            return "spared"  # The bucket is needed by the next input.
        sent = dict(text.headers)
        sent.setdefault(b"host", b"s3.us-west-000.localhost")
        sent[b"content-length"] = b"%d" % len(text.body)
        sent.pop(b"transfer-encoding", None)
        if b"authorization" not in sent and b"X-Amz-" not in text.target:
            sent = self._signed(text, sent)
        text.headers = list(sent.items())
        return self._loop.run_until_complete(self._judge_s3(text.request()))

    def _signed(self, text: Wish, sent: dict[bytes, bytes]) -> dict[bytes, bytes]:
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in sent.items()}
        payload_hash = headers.pop("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        headers.pop("x-amz-date", None)
        host = headers.pop("host")
        age_s = time.time() - self._native.bench.clock.ms / 1000
        signed = Signer(self._key_id, self._secret).headers(
            text.method, text.target.decode("ascii"), headers, host=host, payload_hash=payload_hash, age_s=age_s - 0.001
        )
        return {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in signed.items()}

    async def _judge_s3(self, request: Request) -> str:
        response, body = await _whole(await self._s3.handle(request, None))
        assert response.status in S3_STATUSES, (response.status, body[:500])
        if response.status >= 300:
            if not body:
                assert request.method == "HEAD" or response.status == 304
                return str(response.status)
            return assert_s3_document(response.status, body)
        is_object = any(name == b"accept-ranges" for name, _ in response.headers)
        if body and not is_object and not _IMPOSSIBLE_REFERENCE.search(body):
            etree.fromstring(body)  # A list may have names that XML cannot hold, as S3's own has.
        return f"{request.operation} {response.status}"

    def check_native(self, data: bytes) -> str:
        """A request to the native face."""
        text = self._living(data)
        text.headers = [field for field in text.headers if field[0] not in {b"content-length", b"transfer-encoding"}]
        text.headers.append((b"content-length", b"%d" % len(text.body)))
        if b"b2_delete_bucket" in text.target or b"b2_delete_key" in text.target or b"b2_create_key" in text.target:
            return "spared"  # The bucket and the key are needed by the next input, and keys without number by nobody.
        if not text.target.startswith((b"/b2api/", b"/file/")):
            return "another face's"
        return self._loop.run_until_complete(self._judge_native(text.request()))

    async def _judge_native(self, request: Request) -> str:
        response, body = await _whole(await self._native.face.handle(request))
        assert response.status in NATIVE_STATUSES, (response.status, body[:500])
        if response.status >= 300:
            if not body:
                assert request.method == "HEAD"
                return str(response.status)
            return assert_native_document(response.status, body)
        if not request.operation.startswith("b2_download"):
            json.loads(body)
        return f"{request.operation} {response.status}"

    def token_target(self) -> Target:
        """Tokens of every kind: nothing but the genuine ones is taken, each for its own use alone."""
        self._loop.run_until_complete(self.renew())
        identity = self._native.bench.store.identity
        path = self._words[b"$UPLOAD$"].decode()
        account, upload, grant = (self._words[word] for word in (b"$TOKEN$", b"$UPLOADTOKEN$", b"$GRANT$"))
        genuine = {"account": {account}, "upload": {upload}, "download": {account, grant}}

        async def judge(token: str) -> list[str]:
            uses = {
                "account": identity.principal_of_account_token(token), "upload": identity.principal_of_upload_token(token, path),
                "download": identity.principal_of_download_token(token),
            }  # fmt: skip
            accepted = []
            for use, coroutine in uses.items():
                try:
                    await coroutine
                except (BadToken, ExpiredToken):
                    continue
                accepted.append(use)
            return accepted

        def check(data: bytes) -> str:
            accepted = self._loop.run_until_complete(judge(data.decode("latin-1")))
            assert accepted == [use for use, tokens in genuine.items() if data in tokens]
            return " ".join(accepted) or "refused"

        return Target(
            "tokens", check, (account, upload, grant), (b"_", b"4_", b"_acct_", b"_upld_", b"_dnld_", b"00000001", b"=", b"-", b".", account, upload, grant),
            reaches=frozenset({"refused", "account download", "upload", "download"}), slow_s=0.2,  # The first of each unknown signing key reads them anew.
        )  # fmt: skip

    def targets(self) -> dict[str, Target]:
        """The targets of this store, by name."""
        s3 = Target(
            "s3-face",
            self.check_s3,
            _S3_CORPUS,
            _S3_WORDS,
            (),
            frozenset({"GetObject 200", "PutObject 200", "NoSuchKey"}),
            slow_s=0.5,
        )
        native = Target(
            "native-face", self.check_native, _NATIVE_CORPUS, _NATIVE_WORDS, (),
            frozenset({"b2_upload_file 200", "b2_download_file_by_name 200", "b2_list_file_names 200", "bad_request", "bad_auth_token"}), slow_s=0.5,
        )  # fmt: skip
        return {target.name: target for target in (s3, native, self.token_target())}


async def _whole(response: Response) -> tuple[Response, bytes]:
    """The response and its body, after a look at its headers."""
    for name, value in response.headers:
        assert _HEADER_NAME.match(name), name
        assert not _CONTROL.search(value), (name, value)
    if isinstance(response.body, bytes):
        return response, response.body
    return response, b"".join([piece async for piece in response.body])


@asynccontextmanager
async def living_faces(folder: Path, loop: asyncio.AbstractEventLoop) -> AsyncIterator[LivingFaces]:
    """Both faces over a new store in the folder."""
    async with open_face(folder) as native:
        yield LivingFaces(native, folder, loop)


def _native(call: str, body: Any) -> bytes:
    return wish("POST", f"/b2api/v4/{call}", {"authorization": "$TOKEN$"}, json.dumps(body).encode())


_IDS = {"accountId": "$ACCOUNT$", "bucketId": "$BUCKETID$", "fileId": "$FILE$", "bucketName": "$BUCKET$"}
_UPLOAD_HEADERS = {
    "authorization": "$UPLOADTOKEN$",
    "x-bz-file-name": "up%20load",
    "content-type": "b2/x-auto",
    "x-bz-content-sha1": "do_not_verify",
    "x-bz-info-a": "b",
}
_PREFLIGHT = {
    "origin": "https://page.example",
    "access-control-request-method": "GET",
    "access-control-request-headers": "x-a,range",
}
_CORS_WORDS = (
    b"\norigin: https://page.example",
    b"\norigin: null",
    b"\naccess-control-request-method: PUT",
    b"\naccess-control-request-headers: x-",
)
_NOTIFICATION_RULE = {
    "name": "the-rule",
    "eventTypes": ["b2:ObjectCreated:*", "b2:ObjectDeleted:Delete"],
    "isEnabled": True,
    "objectNamePrefix": "f",
    "maxEventsPerBatch": 5,
    "targetConfiguration": {
        "targetType": "webhook",
        "url": "https://[2606:4700::1111]:8443/a?b=c",
        "customHeaders": [{"name": "X-A", "value": "b c"}],
        "hmacSha256SigningSecret": "0123456789abcdefghijklmnopqrstuv",
    },
}
_NATIVE_CORPUS = (
    *(_native(name, {**examples_of(reader), **{key: value for key, value in _IDS.items() if key in examples_of(reader)}}) for name, reader in JSON_READERS),
    _native("b2_list_file_names", {"bucketId": "$BUCKETID$", "prefix": "", "delimiter": "/", "maxFileCount": 5, "startFileName": "f"}),
    _native("b2_list_file_versions", {"bucketId": "$BUCKETID$", "startFileName": "file", "startFileId": "$FILE$"}),
    _native("b2_start_large_file", {"bucketId": "$BUCKETID$", "fileName": "l", "contentType": "text/plain", "fileInfo": {"a": "b"}}),
    _native("b2_finish_large_file", {"fileId": "$LARGE$", "partSha1Array": [sha1(b"part")]}),
    _native("b2_copy_file", {"sourceFileId": "$FILE$", "fileName": "copy", "range": "bytes=0-9", "metadataDirective": "COPY"}),
    _native("b2_update_bucket", {"accountId": "$ACCOUNT$", "bucketId": "$BUCKETID$", "bucketInfo": {"a": "b"}, "lifecycleRules": [{"fileNamePrefix": "x", "daysFromHidingToDeleting": 1}]}),
    _native("b2_set_bucket_notification_rules", {"bucketId": "$BUCKETID$", "eventNotificationRules": [_NOTIFICATION_RULE]}),
    wish("OPTIONS", "/file/$BUCKET$/file?Authorization=$TOKEN$", _PREFLIGHT), wish("OPTIONS", "/b2api/v3/b2_download_file_by_id?fileId=$FILE$", _PREFLIGHT),
    wish("OPTIONS", "$UPLOAD$", {**_PREFLIGHT, "access-control-request-method": "POST"}).replace(b"/$", b"$"),
    wish("POST", "$UPLOAD$", _UPLOAD_HEADERS, b"uploaded").replace(b"/$", b"$"),
    wish("POST", "$PART$", {"authorization": "$PARTTOKEN$", "x-bz-part-number": "2", "x-bz-content-sha1": "hex_digits_at_end"}, b"part" + sha1(b"part").encode()),
    wish("GET", "/file/$BUCKET$/file?b2ContentDisposition=attachment", {"authorization": "$TOKEN$", "range": "bytes=0-5"}),
    wish("GET", "/file/$BUCKET$/file?Authorization=$GRANT$"),
    wish("HEAD", "/b2api/v3/b2_download_file_by_id?fileId=$FILE$", {"authorization": "$TOKEN$"}),
    wish("GET", "/b2api/v2/b2_list_file_names?bucketId=$BUCKETID$&maxFileCount=3", {"authorization": "$TOKEN$"}),
    wish("GET", "/b2api/v1/b2_authorize_account", {"authorization": "Basic MDAwMDEyMzQ1Njc4OWFi"}),
)  # fmt: skip
_NATIVE_WORDS = (
    *JSON_WORDS, *PERCENT_WORDS, b"$FILE$", b"$LARGE$", b"$BUCKETID$", b"$ACCOUNT$", b"$TOKEN$", b"$GRANT$", b"$UPLOAD$", b"$PART$", b"/b2api/v1/", b"/b2api/v2/", b"/b2api/v3/",
    b"\nx-bz-content-sha1: hex_digits_at_end", b"\nx-bz-info-b2-expires: x", b"\nx-bz-info-", b"\nx-bz-custom-upload-timestamp: 1", b"\nx-bz-server-side-encryption: AES256", b"\nrange: bytes=",
    *_CORS_WORDS,
)  # fmt: skip
_STREAMING = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": "5",
    "x-amz-trailer": "x-amz-checksum-crc32",
}
_LOCK = {
    "x-amz-object-lock-mode": "GOVERNANCE",
    "x-amz-object-lock-retain-until-date": "2099-01-01T00:00:00Z",
    "x-amz-object-lock-legal-hold": "ON",
}
_S3_CORPUS = (
    wish("GET", "/$BUCKET$/file"), wish("GET", "/$BUCKET$/file?versionId=$FILE$&response-content-type=a", {"range": "bytes=1-9", "if-none-match": '"x"'}),
    wish("HEAD", "/$BUCKET$/file"), wish("GET", "/$BUCKET$/file?attributes", {"x-amz-object-attributes": "ETag,ObjectParts"}), wish("DELETE", "/$BUCKET$/other?versionId=$FILE$"),
    wish("PUT", "/$BUCKET$/put%20it", {"x-amz-meta-a": "b", "content-type": "text/plain", "content-md5": "XUFAKrxLKna5cZ2REBfFkg=="}, b"hello"),
    wish("PUT", "/$BUCKET$/framed", _STREAMING, b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"),
    wish("PUT", "/$BUCKET$/copied", {"x-amz-copy-source": "/$BUCKET$/file?versionId=$FILE$", "x-amz-metadata-directive": "REPLACE"}),
    wish("GET", "/$BUCKET$?list-type=2&prefix=f&delimiter=%2F&max-keys=3&encoding-type=url&start-after=a"), wish("GET", "/$BUCKET$?versions&key-marker=f&version-id-marker=$FILE$"),
    wish("GET", "/$BUCKET$?marker=a&max-keys=2"), wish("GET", "/$BUCKET$?uploads&max-uploads=2"), wish("GET", "/?max-buckets=1&prefix=b"), wish("HEAD", "/$BUCKET$"),
    wish("POST", "/$BUCKET$/multi?uploads", {"x-amz-checksum-algorithm": "CRC32"}), wish("PUT", "/$BUCKET$/large?uploadId=$LARGE$&partNumber=2", {}, b"part two"),
    wish("GET", "/$BUCKET$/large?uploadId=$LARGE$&max-parts=1"), wish("DELETE", "/$BUCKET$/multi?uploadId=4_z"), wish("POST", "/$BUCKET$/large?uploadId=$LARGE$", {}, XML_CORPUS[1]),
    wish("POST", "/$BUCKET$?delete", {"x-amz-checksum-crc32": "AAAAAA=="}, XML_CORPUS[0]), wish("POST", "/$BUCKET$?delete", {}, XML_CORPUS[0]), wish("PUT", "/another-bucket", {}, XML_CORPUS[2]),
    wish("PUT", "/$BUCKET$?versioning", {}, XML_CORPUS[3]), wish("GET", "/$BUCKET$?location"), wish("GET", "/$BUCKET$/file?acl"), wish("GET", "/$BUCKET$/file?tagging"), wish("GET", "/$BUCKET$?cors"),
    wish("PUT", "/$BUCKET$?cors", {}, XML_CORPUS[4]), wish("OPTIONS", "/$BUCKET$/file", _PREFLIGHT), wish("GET", "/$BUCKET$/file", {"origin": "https://page.example"}),
    wish("PUT", "/$BUCKET$?lifecycle", {}, XML_CORPUS[8]), wish("GET", "/$BUCKET$?lifecycle"), wish("PUT", "/$BUCKET$?acl", {"x-amz-acl": "public-read"}),
    wish("PUT", "/$BUCKET$?object-lock", {}, XML_CORPUS[5]), wish("GET", "/$BUCKET$?object-lock"), wish("PUT", "/$BUCKET$/file?retention&versionId=$FILE$", {}, XML_CORPUS[6]),
    wish("GET", "/$BUCKET$/file?retention"), wish("PUT", "/$BUCKET$/file?legal-hold", {}, XML_CORPUS[7]), wish("GET", "/$BUCKET$/file?legal-hold&versionId=$FILE$"),
    wish("PUT", "/$BUCKET$/locked", {**_LOCK, "content-md5": "XUFAKrxLKna5cZ2REBfFkg=="}, b"hello"), wish("POST", "/$BUCKET$/locked?uploads", _LOCK),
    wish("PUT", "/$BUCKET$/file?retention", {"x-amz-bypass-governance-retention": "true"}, b"<Retention/>"),
    wish("PUT", "/$BUCKET$/large?uploadId=$LARGE$&partNumber=3", {"x-amz-copy-source": "$BUCKET$/file", "x-amz-copy-source-range": "bytes=0-9"}),
)  # fmt: skip
_S3_WORDS = (
    *_CORS_WORDS, *ROUTE_WORDS, *PERCENT_WORDS, *XML_WORDS, b"$FILE$", b"$LARGE$", b"$BUCKET$", b"\nauthorization: AWS4-HMAC-SHA256 ", b"null", b"\nif-match: *", b"\nif-none-match: *",
    *(f"\n{name}: 1".encode() for name in sorted({header for facts in FACTS.values() for header in facts.headers})), b"\nx-amz-content-sha256: " + b"0" * 64,
    b"\nx-amz-acl: private", b"\nrange: bytes=0-", b"\nx-amz-storage-class: STANDARD", b"response-content-disposition=%0d%0a", b"&encoding-type=url", b"&max-keys=1001", b"&continuation-token=MQ==",
)  # fmt: skip
