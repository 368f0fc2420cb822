"""The S3 face: a request in, an answer out.

The order of checks is the reference's, 2.31: the path, who asks, which operation it is, what the headers ask for, and
then the operation itself. Errors of every layer below become S3's here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

import structlog

from undercroft.http.cors import NO_HEADERS, PREFLIGHT
from undercroft.http.errors import BodyBroken, HTTPInputError
from undercroft.http.origin import client_of
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.s3.access import AccessNotes
from undercroft.s3.answers import error_answer
from undercroft.s3.authenticate import authenticate
from undercroft.s3.call import Call, Handler
from undercroft.s3.cors import CORS
from undercroft.s3.errors import ErrorContext, S3Error, from_http_error, from_store_error
from undercroft.s3.headers import check_settings
from undercroft.s3.operations import OPERATIONS
from undercroft.s3.request_ids import RequestIds
from undercroft.s3.routing import BUCKET, COPY_SOURCE, OBJECT, SERVICE, Target, find_operation, split_target
from undercroft.s3.transactions import CLASSES, OPEN_READS
from undercroft.settings import Settings
from undercroft.store.errors import StoreError

if TYPE_CHECKING:
    from undercroft.store import Store

_log = structlog.get_logger(__name__)

_COPY_SOURCE = COPY_SOURCE.encode("ascii")
_Refusal = S3Error | StoreError | HTTPInputError
_NOWHERE: Target = (None, None)


class S3Face:
    """The S3-Compatible API over a store."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._now_ms = store.ambient.now_ms
        self._identity = store.identity
        self._key_used = store.accounting.key_used
        self._ids = RequestIds()
        self._cors = CORS(store)
        self._logs = store.access_logs
        self._access_notes = AccessNotes(store, settings, self._ids.host_id)
        self._host_id = self._ids.host_id.encode("ascii")
        self._region_header = (b"x-amz-bucket-region", settings.region.encode("ascii"))

    async def handle(self, request: Request, bucket: str | None) -> Response:
        """Answer a request. `bucket` is the one that a virtual host names, None on the endpoint's own host."""
        request.face = "s3"
        request_id = self._ids.next()
        target = _NOWHERE
        call: Call | None = None
        cross_origin = NO_HEADERS
        try:
            target = split_target(request.raw_path, bucket)
            if request.method == "OPTIONS":
                request.operation = PREFLIGHT
                response = await self._cors.preflight(request, target)
            else:
                if b"origin" in request.header_map:
                    cross_origin = await self._cors.headers(request, target)
                call = await self._call(request, target)
                response = await self._run(call)
        except BodyBroken:
            raise  # The client is gone; the adapter knows what to do with its connection.
        except (S3Error, StoreError, HTTPInputError) as error:
            response = self._refusal(error, target, request, call, request_id)
        if request.counted is None and request.operation != PREFLIGHT:
            await self._count_refusal(request, target)
        if (target[1] is None and target[0] is not None) or response.status >= 300:
            response.headers.append(self._region_header)
        response.headers.append((b"x-amz-request-id", request_id.encode("ascii")))
        response.headers.append((b"x-amz-id-2", self._host_id))
        if cross_origin:
            response.headers.extend(cross_origin)
        if target[0] is not None and (not self._logs.is_quiet(target[0]) or _COPY_SOURCE in request.header_map):
            await self._access_notes.note(request, target, call, response)
        return response

    def _refusal(
        self, error: _Refusal, target: Target, request: Request, call: Call | None, request_id: str
    ) -> Response:
        """The answer to an error.

        This is a function of its own so that no variable of the frames in the error's traceback refers to the error: such
        a circle would keep the request with its body, two megabytes of XML perhaps, until the collector has something to do.
        """
        answer = _as_s3_error(error, target, request, call)
        if answer.status == 500:
            _log.error("storage_error", request_id=request_id, operation=request.operation, error=repr(error))
        resource = request.raw_path.decode("latin-1")
        return error_answer(answer, request.method, resource, request_id, self._ids.host_id)

    async def _count_refusal(self, request: Request, target: Target) -> None:
        """See to it that a request counts which was refused before it was charged: as a request, and as no transaction."""
        account_id, bucket_id, key_id = await self._store.buckets.refusal_counted_under(
            request.principal, request.named_account, name=target[0]
        )
        if account_id:
            name = request.operation
            request.counted = account_id, CLASSES.get(name, ""), name, bucket_id, key_id

    async def _call(self, request: Request, target: Target) -> Call:
        """Find out who asks and what for. Raises `S3Error`."""
        now_ms = self._now_ms()
        authentication = await authenticate(request, self._identity, now_ms)
        query = authentication.query
        request.principal = authentication.principal
        scope = SERVICE if target[0] is None else BUCKET if target[1] is None else OBJECT
        facts = find_operation(request.method, scope, query, copies=_COPY_SOURCE in request.header_map)
        request.operation = facts.name
        key = authentication.principal.key
        if key is not None:
            self._key_used(key.key_id, client_of(request, self._settings), "s3", facts.name)
        return Call(self._store, self._settings, request, authentication, facts, target, query, now_ms)

    def _run(self, call: Call) -> Awaitable[Response]:
        """Carry the operation out. Raises the errors of every layer."""
        name = call.facts.name
        handler = OPERATIONS[name].handler
        if handler is None:
            raise S3Error("NotImplemented", f"{name} is not implemented.")
        if name not in OPEN_READS and call.principal.account_id is not None:
            return self._run_charged(call, handler, call.principal.account_id)
        check_settings(call.headers)
        return handler(call)

    async def _run_charged(self, call: Call, handler: Handler, account_id: str) -> Response:
        """As `_run`, counted for the account."""
        name, bucket = call.facts.name, call.bucket_name
        under = await self._store.buckets.counted_under(call.principal, name=bucket) if bucket else ""
        key_id = call.principal.key_id or ""
        call.request.counted = self._store.accounting.charge(account_id, name, CLASSES[name], 1, under, key_id)
        check_settings(call.headers)
        return await handler(call)


def _as_s3_error(error: _Refusal, target: Target, request: Request, call: Call | None) -> S3Error:
    if isinstance(error, S3Error):
        return error
    if isinstance(error, HTTPInputError):
        return from_http_error(error)
    query = {} if call is None else call.query
    payload_hash = "" if call is None else call.authentication.payload_hash
    return from_store_error(
        error,
        ErrorContext(
            bucket=target[0] or "",
            key=target[1] or "",
            version_id=query.get("versionId", ""),
            upload_id=query.get("uploadId", ""),
            method=request.method,
            range_header=request.header("range") or "",
            payload_hash=payload_hash if len(payload_hash) == 64 else "",
        ),
    )
