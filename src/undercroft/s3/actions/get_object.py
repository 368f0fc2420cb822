"""GetObject and HeadObject: the bytes of a version, or what there is to know of them.

The hottest path of the face. In order: one point read, the conditions, the range, then the first verified bytes; only
after that is there a status line, so a damaged object is an error and never half an answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from undercroft import limits
from undercroft.http.cors import VARY
from undercroft.http.ranges import parse_range
from undercroft.http.response import Headers, Response
from undercroft.s3.call import Call
from undercroft.s3.conditions import is_not_modified
from undercroft.s3.encryption import customer_key_of
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.headers import checksum_headers, object_headers
from undercroft.s3.metadata import header_value
from undercroft.s3.object_lock import lock_headers
from undercroft.store.errors import NoSuchFile, RangeNotSatisfiable
from undercroft.store.model import Bucket, Checksum, CustomerKey, FileVersion

# The parameters that replace headers of the answer.
OVERRIDES: dict[str, bytes] = {
    "response-cache-control": b"cache-control",
    "response-content-disposition": b"content-disposition",
    "response-content-encoding": b"content-encoding",
    "response-content-language": b"content-language",
    "response-content-type": b"content-type",
    "response-expires": b"expires",
}
_KEPT_WHEN_NOT_MODIFIED = frozenset({b"etag", b"last-modified", b"cache-control", b"expires", b"x-amz-version-id"})


async def get_object(call: Call) -> Response:
    """GET /bucket/key."""
    customer = customer_key_of(call.headers)
    answer, version, start, end = await _describe(call, customer, data=True)
    if end > start:
        key_id = call.principal.key_of(version.account_id)
        answer.body = await call.store.files.read(version, start, end, customer, key_id)
    return answer


async def head_object(call: Call) -> Response:
    """HEAD /bucket/key: the headers of GET."""
    answer, _, _, _ = await _describe(call, customer_key_of(call.headers), data=False)
    return answer


async def _describe(call: Call, customer: CustomerKey | None, *, data: bool) -> tuple[Response, FileVersion, int, int]:
    """The answer without its body, and which bytes of which version that body is."""
    overrides = _overrides(call) if call.query else {}
    bucket = await call.bucket(remembered="versionId" not in call.query)
    try:
        version = await call.version(bucket, data=data)
    except NoSuchFile:  # Which only those are told who may read.
        call.charge_read(bucket)
        raise
    call.charge_read(version)
    call.store.files.check_key(version, customer)
    bucket = call.store.buckets.of_version(version, bucket)
    if is_not_modified(call.headers, version, call.now_ms):
        kept = [header for header in object_headers(version, {}) if header[0] in _KEPT_WHEN_NOT_MODIFIED]
        return Response(304, _for_caches(kept, bucket, call)), version, 0, 0
    headers = _for_caches(object_headers(version, overrides), bucket, call)
    if version.retention is not None or version.legal_hold is not None:
        headers += lock_headers(call.principal, bucket, version)
    part_number = call.query.get("partNumber")
    if part_number is not None:
        start, end, partial = await _part(call, version, part_number, headers)
    else:
        start, end, partial = _range(call, version)
        if not partial and version.checksum is not None and _wants_checksum(call):
            headers += checksum_headers(version.checksum)
    if partial:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, version.size)))
    headers.append((b"content-length", b"%d" % (end - start)))
    return Response(206 if partial else 200, headers), version, start, end


def _for_caches(headers: Headers, bucket: Bucket, call: Call) -> Headers:
    """The headers, and word to caches that a page of another origin may get another answer than nobody's page."""
    if bucket.cors_rules and b"origin" not in call.headers:
        headers.append(VARY)
    return headers


def _overrides(call: Call) -> Mapping[bytes, bytes]:
    """The headers that the request replaces. Raises `InvalidRequest` for nobody, to whom that is not open."""
    overrides: dict[bytes, bytes] = {}
    for parameter, name in OVERRIDES.items():
        text = call.query.get(parameter)
        if text is None:
            continue
        if not call.authentication.signed:
            raise S3Error(
                "InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests."
            )
        value = header_value(text)
        if value is None:
            raise invalid_argument(parameter, text, "Header value cannot be represented.")
        overrides[name] = value
    return overrides


def _wants_checksum(call: Call) -> bool:
    return call.headers.get(b"x-amz-checksum-mode", b"").upper() == b"ENABLED"


def _range(call: Call, version: FileVersion) -> tuple[int, int, bool]:
    """The bytes that a Range header asks for, and whether they are a part. Raises `RangeNotSatisfiable`."""
    if b"range" not in call.headers:
        return 0, version.size, False
    asked = parse_range(call.header("range"))
    if asked is None:
        return 0, version.size, False
    resolved = asked.resolve(version.size)
    if resolved is None:
        raise RangeNotSatisfiable(version.size)
    return *resolved, True


async def _part(call: Call, version: FileVersion, text: str, headers: Headers) -> tuple[int, int, bool]:
    """The bytes of one part; adds its headers. What was uploaded in one piece is its own only part.

    Raises `InvalidArgument`, `InvalidRequest` beside a Range header, and `InvalidPartNumber`.
    """
    number = call.number("partNumber", 0, least=1, most=limits.PART_NUMBER_MAX)
    if not number:
        raise invalid_argument("partNumber", text)
    if b"range" in call.headers:
        raise S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter.")
    if number > (version.part_count or 1):
        extras = {"ActualPartCount": str(version.part_count or 1), "PartNumberRequested": text}
        raise S3Error("InvalidPartNumber", extras=extras)
    if not version.part_count:
        if _wants_checksum(call):
            headers += checksum_headers(version.checksum)
        return 0, version.size, version.size > 0
    # Numbers may have gaps before completion; afterwards the parts are counted through.
    part = (await call.store.files.parts_of(version))[number - 1]
    headers.append((b"x-amz-mp-parts-count", b"%d" % version.part_count))
    if version.checksum is not None and part.checksum is not None and _wants_checksum(call):
        headers += checksum_headers(Checksum(part.checksum.algorithm, part.checksum.value, version.checksum.type))
    return part.start, part.start + part.size, part.size > 0
