"""Downloads by name and by id: GET and HEAD, and POST by id (reference, 8.10, 8.11 and section 11)."""

from __future__ import annotations

from undercroft import limits
from undercroft.http.cors import VARY
from undercroft.http.ranges import parse_range
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.native.bodies import BodyReader
from undercroft.native.download_headers import download_headers
from undercroft.native.encoding import decode
from undercroft.native.encryption import encryption_headers, key_of_headers
from undercroft.native.errors import DOWNLOAD_BY_ID, DOWNLOAD_BY_NAME, BadRequest, NativeError
from undercroft.native.key_uses import note_use
from undercroft.native.lock_shapes import lock_headers
from undercroft.native.paths import FILE_PREFIX
from undercroft.native.response_overrides import Overrides, overrides_of
from undercroft.native.transactions import CLASSES
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.errors import (
    DownloadCapExceeded,
    IsHideMarker,
    NoSuchFile,
    RequestsCapExceeded,
    TransactionCapExceeded,
)
from undercroft.store.identity.authorize import Facts
from undercroft.store.identity.principals import NOBODY, Principal
from undercroft.store.model import Action, Bucket, FileVersion

_NO_PARAMETERS: dict[str, str] = {}


class DownloadById(Overrides, kw_only=True):
    """The body of `b2_download_file_by_id` by POST."""

    file_id: str


_reader = BodyReader(DownloadById)


async def download_by_name(store: Store, settings: Settings, request: Request) -> Response:
    """Answer `/file/BUCKET/NAME` with the newest version of the name."""
    if request.method not in {"GET", "HEAD"}:
        raise NativeError(405, "method_not_allowed", "Only GET and HEAD are supported")
    raw_bucket, _, raw_name = request.raw_path[len(FILE_PREFIX) :].partition(b"/")
    bucket_name, name = decode(raw_bucket, "The bucket name"), decode(raw_name, "The file name")
    parameters = _query(request)
    overrides = overrides_of(parameters)
    principal = await _principal(store, settings, request, parameters.get("Authorization"))
    bucket = await store.buckets.find(name=bucket_name, remembered=True)
    if not name:
        raise NoSuchFile(bucket_name, name)
    try:
        version = await store.files.current(
            principal, bucket, name, facts=Facts(overrides=overrides), data=request.method == "GET"
        )
    except NoSuchFile:  # Which only those are told who may read.
        _charge(store, request, principal, DOWNLOAD_BY_NAME, bucket)
        raise
    _charge(store, request, principal, DOWNLOAD_BY_NAME, version)
    return await _answer(store, request, principal, bucket, version, overrides)


async def download_by_id(store: Store, settings: Settings, request: Request) -> Response:
    """Answer `b2_download_file_by_id` with the version of that id, hidden and superseded ones included."""
    if request.method not in {"GET", "HEAD", "POST"}:
        raise NativeError(405, "method_not_allowed", "Only GET, HEAD and POST are supported")
    query_token = None
    if request.method == "POST":
        body = request.document = _reader.from_json(await request.read(limits.JSON_BODY_MAX_BYTES))
        file_id = body.file_id
        overrides = body.checked()
    else:
        parameters = _query(request)
        file_id = parameters.get("fileId", "")
        query_token = parameters.get("Authorization")
        overrides = overrides_of(parameters)
    principal = await _principal(store, settings, request, query_token)
    if not file_id:
        raise BadRequest("fileId is required")
    version = await store.files.version(principal, file_id, facts=Facts(file_id=file_id, overrides=overrides))
    _charge(store, request, principal, DOWNLOAD_BY_ID, version)
    if version.action is Action.HIDE:
        raise IsHideMarker(file_id, version.uploaded_ms)
    if version.action is Action.START:
        raise NativeError(404, "not_found", f"The large file is not finished: {file_id}")
    bucket = await store.buckets.find(bucket_id=version.bucket_id)
    return await _answer(store, request, principal, bucket, version, overrides)


def _charge(store: Store, request: Request, principal: Principal, operation: str, read: Bucket | FileVersion) -> None:
    """Count a download that is allowed, for the owner of the bucket, whoever asks. Raises `DownloadCapExceeded`."""
    try:
        account_id = read.account_id
        request.counted = store.accounting.charge(
            account_id, operation, CLASSES[operation], 1, read.bucket_id, principal.key_of(account_id)
        )
    except RequestsCapExceeded as error:
        raise DownloadCapExceeded(str(error)) from None
    except TransactionCapExceeded:
        raise DownloadCapExceeded from None  # The service has one word for both, which names both (section 18).


async def _principal(store: Store, settings: Settings, request: Request, query_token: str | None) -> Principal:
    """Who asks. A token that is present is judged, even where nobody would need one. Raises BadToken, ExpiredToken."""
    token = request.header("authorization") or query_token
    if not token:
        return NOBODY
    principal = await store.identity.principal_of_download_token(token)
    note_use(store, settings, request, principal)
    request.principal = principal
    return principal


def _query(request: Request) -> dict[str, str]:
    """The query parameters, the last of each name; unknown ones mean nothing in a download."""
    return dict(request.query_pairs(plus_is_space=True)) if request.raw_query else _NO_PARAMETERS


async def _answer(
    store: Store,
    request: Request,
    principal: Principal,
    bucket: Bucket,
    version: FileVersion,
    overrides: dict[str, str],
) -> Response:
    """The bytes, or the range of them that was asked for. HEAD answers as a GET of the whole would."""
    customer = key_of_headers(request)
    store.files.check_key(version, customer)
    bucket = store.buckets.of_version(version, bucket)
    headers = download_headers(version, bucket, overrides)
    headers.extend(encryption_headers(version.encryption))
    headers.extend(lock_headers(version, bucket, principal))
    if bucket.cors_rules and b"origin" not in request.header_map:
        headers.append(VARY)  # So that no cache gives this answer to a page of another origin.
    size = version.size
    if request.method == "HEAD":
        headers.append((b"content-length", b"%d" % size))
        return Response(200, headers)
    start, end, status = 0, size, 200
    asked = parse_range(request.header("range")) if b"range" in request.header_map else None
    if asked is not None:
        resolved = asked.resolve(size)
        if resolved is None:
            raise NativeError(
                416,
                "range_not_satisfiable",
                f"The range begins after the end of the file, which has {size} bytes",
                [(b"content-range", b"bytes */%d" % size)],
            )
        start, end = resolved
        status = 206
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, size)))
    headers.append((b"content-length", b"%d" % (end - start)))
    key_id = principal.key_of(version.account_id)
    return Response(status, headers, await store.files.read(version, start, end, customer, key_id))
