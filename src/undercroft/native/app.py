"""The native face: takes requests under `/b2api/` and `/file/`, and answers every one in B2's own words."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

import structlog

from undercroft.http.cors import NO_HEADERS, PREFLIGHT, preflight_of
from undercroft.http.errors import HTTPInputError
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.http.upload_calls import UPLOAD_FILE, UPLOAD_PART
from undercroft.native.access import AccessNotes, subject_of_request
from undercroft.native.api_versions import APIVersion
from undercroft.native.authorize import authorize_account
from undercroft.native.call import Answer, Call, json_response
from undercroft.native.calls import CALLS
from undercroft.native.cors import CORS
from undercroft.native.downloads import download_by_id, download_by_name
from undercroft.native.errors import (
    AUTHORIZE_ACCOUNT,
    DOWNLOAD_BY_ID,
    DOWNLOAD_BY_NAME,
    NativeError,
    as_native,
    error_response,
)
from undercroft.native.key_uses import note_use
from undercroft.native.large_files import upload_part
from undercroft.native.paths import FILE_PREFIX, no_such_call, split_call
from undercroft.native.transactions import CLASSES, subject_of, transactions_of
from undercroft.native.upload_slots import LOCK_FILE, UploadSlots
from undercroft.native.uploads import upload_file
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.errors import BadToken, StoreError, Unproven
from undercroft.store.identity.principals import Principal

# Takes the body of an upload: store, principal, request, and the id of the bucket or large file it goes to.
Upload = Callable[[Store, Principal, Request, str], Awaitable[Answer]]
UPLOADS: dict[str, Upload] = {UPLOAD_FILE: upload_file, UPLOAD_PART: upload_part}
_log = structlog.get_logger(__name__)
_KNOWN = frozenset({*CALLS, *UPLOADS, AUTHORIZE_ACCOUNT, DOWNLOAD_BY_ID})


class NativeFace:
    """The B2 Native API over one store. One instance serves all connections of a process."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._slots = UploadSlots(settings.data / LOCK_FILE if settings.workers > 1 else None)
        self._cors = CORS(store, settings)
        self._access_notes = AccessNotes(store, settings)

    async def handle(self, request: Request) -> Response:
        """Answer a request. Every error of the client, the store or the request's bytes becomes an answer.

        Raises `BodyBroken` where nobody is left to answer. Anything else that it raises is a fault of the program, for the
        server to log and to answer as such.
        """
        request.face = "native"
        cross_origin = NO_HEADERS
        try:
            if b"origin" in request.header_map:
                preflight = preflight_of(request)
                if preflight is not None and self._cors.answers(request):
                    request.operation = PREFLIGHT
                    return await self._cors.preflight(request, preflight)  # Which nothing is done for: no log has it.
                cross_origin = await self._cors.headers(request)
            if request.raw_path.startswith(FILE_PREFIX):
                request.operation = DOWNLOAD_BY_NAME
                response = await download_by_name(self._store, self._settings, request)
            else:
                version, call, rest = split_call(request.raw_path)
                response = await self._dispatch(request, version, call, rest)
        except (NativeError, StoreError, HTTPInputError) as error:
            refusal = _refusal(error, request)
            if refusal is None:
                raise
            response = refusal
        if request.counted is None and request.operation != PREFLIGHT:
            await self._count_refusal(request)
        if cross_origin:
            response.headers.extend(cross_origin)
        if not self._access_notes.is_needless(request):
            await self._access_notes.note(request, response)
        return response

    async def _dispatch(self, request: Request, version: APIVersion, call: str, rest: list[str]) -> Response:
        """Authenticate as the call wants it, and run it."""
        if (call in UPLOADS) != bool(rest) or call not in _KNOWN:
            raise no_such_call(request.raw_path)
        request.operation = call
        json_call = CALLS.get(call)
        if json_call is not None:
            principal = await self._store.identity.principal_of_account_token(_token(request))
            note_use(self._store, self._settings, request, principal)
            request.principal = principal
            body = await json_call.read(request, version)
            request.document = body
            await self._charge(request, principal, transactions_of(call, body), *subject_of(body))
            context = Call(self._store, self._settings, request, version, principal)
            return json_response(await json_call.handler(context, body))
        if call in UPLOADS:
            return await self._upload(request, UPLOADS[call], rest[0])
        if call == DOWNLOAD_BY_ID:
            return await download_by_id(self._store, self._settings, request)
        if request.method not in {"GET", "POST"}:
            raise NativeError(405, "method_not_allowed", "Only GET and POST are supported")
        return json_response(await authorize_account(self._store, self._settings, request, version))

    async def _upload(self, request: Request, upload: Upload, subject_id: str) -> Response:
        """Check the token against the URL, hold its slot, and take the upload."""
        if request.method != "POST":
            raise NativeError(405, "method_not_allowed", "Only POST is supported")
        token = _token(request)
        principal = await self._store.identity.principal_of_upload_token(token, request.raw_path.decode("latin-1"))
        note_use(self._store, self._settings, request, principal)
        request.principal = principal
        with self._slots.take(token):
            await self._charge(request, principal, 1, subject_id, subject_id)
            return json_response(await upload(self._store, principal, request, subject_id))

    async def _count_refusal(self, request: Request) -> None:
        """See to it that a request counts which was refused before it was charged: as a request, and as no transaction."""
        subject, call = subject_of_request(request), request.operation
        account_id, bucket_id, key_id = await self._store.buckets.refusal_counted_under(
            request.principal, request.named_account, name=subject.bucket_name or None, bucket_id=subject.bucket_id
        )
        if account_id:
            request.counted = account_id, CLASSES.get(call, ""), call, bucket_id, key_id

    async def _charge(
        self, request: Request, principal: Principal, transactions: int, bucket_id: str | None, file_id: str | None
    ) -> None:
        """Count a call for its sender, under the bucket with which it has to do. Raises `TransactionCapExceeded`."""
        account_id, call = _account_of(principal), request.operation
        under = ""
        if bucket_id is not None or file_id is not None:
            under = await self._store.buckets.counted_under(principal, bucket_id=bucket_id, file_id=file_id)
        key_id = principal.key_id or ""
        request.counted = self._store.accounting.charge(account_id, call, CLASSES[call], transactions, under, key_id)


def _refusal(error: Exception, request: Request) -> Response | None:
    """The answer to an error, or None where it is none of a client's making.

    This is a function of its own so that no variable of the frames in the error's traceback refers to the error: such a
    circle would keep the request with its body, a megabyte of JSON perhaps, until the collector has something to do.
    """
    if isinstance(error, Unproven):
        request.named_account = error.account_id
    native = as_native(error, request.operation)
    if native is None:
        return None
    if native.status == 500:
        native = _incident(native, error, request)
    return error_response(native, head=request.method == "HEAD")


def _incident(native: NativeError, error: Exception, request: Request) -> NativeError:
    """Log a failure of the storage under an id, and the answer that names it by that id alone, as the service does."""
    incident_id = f"{secrets.token_hex(6)}-{secrets.token_hex(6)}"
    _log.error("storage_error", incident_id=incident_id, operation=request.operation, error=repr(error))
    return NativeError(native.status, native.code, f"incident id {incident_id}")


def _account_of(principal: Principal) -> str:
    account_id = principal.account_id
    assert account_id is not None, "Calls and uploads are made with the token of a key."
    return account_id


def _token(request: Request) -> str:
    """The bare token of the `Authorization` header. Raises `BadToken` without one."""
    token = request.header("authorization")
    if not token:
        raise BadToken("There is no Authorization header.")
    return token
