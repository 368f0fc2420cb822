"""b2_get_upload_url and b2_upload_file (reference, 8.17, 8.30 and section 9)."""

from __future__ import annotations

from undercroft.http.request import Request
from undercroft.http.upload_calls import UPLOAD_FILE
from undercroft.native.bodies import Body
from undercroft.native.call import Answer, Call
from undercroft.native.content_types import resolved_content_type
from undercroft.native.encoding import decode
from undercroft.native.encryption import asked_of_headers
from undercroft.native.errors import BadRequest
from undercroft.native.file_info import info_of_headers
from undercroft.native.file_locks import lock_of_headers
from undercroft.native.lock_shapes import LockView
from undercroft.native.shapes import version_shape
from undercroft.native.timestamps import parse_timestamp
from undercroft.native.upload_body import NativeBody
from undercroft.native.upload_urls import upload_target
from undercroft.store import Store, names
from undercroft.store.identity.principals import Principal
from undercroft.store.model import NewFile


class GetUploadURL(Body):
    """The body of `b2_get_upload_url`."""

    bucket_id: str


async def get_upload_url(call: Call, body: GetUploadURL) -> Answer:
    """Hand out a URL for uploads to a bucket, and its token."""
    bucket = await call.store.buckets.find(bucket_id=body.bucket_id)
    await call.store.files.may_upload(call.principal, bucket)
    return {"bucketId": bucket.bucket_id, **await upload_target(call, UPLOAD_FILE, bucket.bucket_id)}


def _required(request: Request, header: str) -> bytes:
    """The value of a header. Raises `BadRequest` where it is absent or empty."""
    value = request.header_map.get(header.lower().encode("ascii"), b"").strip()
    if not value:
        raise BadRequest(f"The header {header} is required")
    return value


def _new_file(request: Request, name: str, *, unverified: bool) -> NewFile:
    """What the headers of an upload say of the file. Raises `BadRequest`."""
    lock = lock_of_headers(request)
    content_type = _required(request, "Content-Type").decode("latin-1")
    return NewFile(
        content_type=resolved_content_type(content_type, name),
        info=info_of_headers(request),
        uploaded_ms=parse_timestamp(request.header("x-bz-custom-upload-timestamp"), "X-Bz-Custom-Upload-Timestamp"),
        sha1_unverified=unverified,
        retention=lock.retention,
        legal_hold=lock.legal_hold,
        encryption=asked_of_headers(request),
    )


async def upload_file(store: Store, principal: Principal, request: Request, bucket_id: str) -> Answer:
    """Take an upload whose token has been checked, and answer the version it became."""
    name = decode(_required(request, "X-Bz-File-Name"), "X-Bz-File-Name")
    names.check_file_name(name)
    body = NativeBody(request)
    new = _new_file(request, name, unverified=body.unverified)
    bucket = await store.buckets.find(bucket_id=bucket_id)
    version = await store.files.upload(principal, bucket, name, new, body)
    return version_shape(version, LockView.of(principal))
