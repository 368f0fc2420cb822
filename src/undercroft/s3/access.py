"""What S3's requests look like in access logs: whose bucket, which key, and the operation in the logs' own words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from undercroft.http.access import seen, size_served
from undercroft.http.errors import HTTPInputError
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.s3.body import is_framed
from undercroft.s3.call import Call
from undercroft.s3.copy_source import parse_copy_source
from undercroft.s3.errors import S3Error
from undercroft.s3.routing import BUCKET, COPY_SOURCE, OBJECT, Target
from undercroft.settings import Settings
from undercroft.store.model import Bucket
from undercroft.store.work.access_log_lines import Access

if TYPE_CHECKING:
    from undercroft.store import Store

_COPY_SOURCE = COPY_SOURCE.encode("ascii")
_SERVES = frozenset({"GetObject", "HeadObject"})
_STORES = frozenset({"PutObject", "UploadPart"})
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class AccessNotes:
    """Has requests logged, once they are finished, for the buckets that they concern."""

    def __init__(self, store: Store, settings: Settings, host_id: str) -> None:
        self._logs = store.access_logs
        self._settings = settings
        self._host_id = host_id

    async def note(self, request: Request, target: Target, call: Call | None, response: Response) -> None:
        """See to it that the request is logged where its bucket logs, and where the one that it copies from does.

        `call` is None for a request that was refused before anybody knew what it was.
        """
        accesses = []
        bucket = await self._logs.logging_bucket(name=target[0] or "")
        if bucket is not None:
            accesses.append((bucket, self._access(request, target, call, response)))
        if call is not None and _COPY_SOURCE in call.headers:
            accesses.extend(await self._reads_of_copy(request, call, response))
        if accesses:
            request.when_finished = self._logs.when_finished(accesses)

    def _access(
        self, request: Request, target: Target, call: Call | None, response: Response, *, copies_from: bool = False
    ) -> Access:
        headers = dict(response.headers)
        version_id = headers.get(b"x-amz-version-id", b"").decode("ascii")
        object_size = None
        signed = call is not None and call.authentication.signed
        if call is not None:
            version_id = version_id or call.query.get("versionId", "")
            if request.operation in _SERVES and response.status in {200, 206}:
                object_size = size_served(response)
            elif request.operation in _STORES and response.status == 200:
                object_size = _size_stored(request, call)
        return Access(
            **seen(request, self._settings)._asdict(),
            operation=_operation(request, target) + ("_GET" if copies_from else ""),
            status=response.status,
            began_ms=0,
            key_id="" if call is None else call.principal.key_id or "",
            request_id=headers[b"x-amz-request-id"].decode("ascii"),
            name=target[1] or "",
            error_code=response.error_code,
            object_size=object_size,
            version_id="" if copies_from else version_id,
            host_id=self._host_id,
            signature_version="SigV4" if signed else "",
            authentication=_authentication(call),
        )

    async def _reads_of_copy(self, request: Request, call: Call, response: Response) -> list[tuple[Bucket, Access]]:
        """The reading that a copy is for the bucket of its source."""
        try:
            source = parse_copy_source(call.headers[_COPY_SOURCE])
        except (S3Error, HTTPInputError):
            return []  # It named no bucket, so it read none.
        bucket = await self._logs.logging_bucket(name=source.bucket)
        if bucket is None:
            return []
        return [(bucket, self._access(request, (source.bucket, source.key), call, response, copies_from=True))]


def _size_stored(request: Request, call: Call) -> int:
    """The bytes of the object itself, of a body that was taken. Only one in chunks tells them by a header that has been judged."""
    if is_framed(request, call.authentication):
        return int(request.header_map[b"x-amz-decoded-content-length"])
    return request.body_bytes


def _authentication(call: Call | None) -> str:
    if call is None or not call.authentication.signed:
        return ""
    return "QueryString" if call.authentication.presigned else "AuthHeader"


def _operation(request: Request, target: Target) -> str:
    if request.operation:
        return _word(request.operation)
    return f"REST.S3_{request.method}_{(BUCKET if target[1] is None else OBJECT).upper()}"


@lru_cache(maxsize=256)
def _word(operation: str) -> str:
    return "REST.S3_" + _WORDS.sub("_", operation).upper()
