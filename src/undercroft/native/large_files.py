"""The large-file calls: start, part URLs, parts, lists, finish, cancel (reference, section 10)."""

from __future__ import annotations

import re

from undercroft import limits
from undercroft.http.request import Request
from undercroft.http.upload_calls import UPLOAD_PART
from undercroft.native.bodies import Body
from undercroft.native.call import LIST_DEFAULT, LIST_MAX, Answer, Call, row_count
from undercroft.native.content_types import resolved_content_type
from undercroft.native.encryption import EncryptionSetting, asked_of_body, asked_of_headers
from undercroft.native.errors import BadRequest
from undercroft.native.file_ids import check_part_number
from undercroft.native.file_info import checked_info
from undercroft.native.file_locks import FileRetention, lock_of_body
from undercroft.native.lock_shapes import LockView
from undercroft.native.shapes import part_shape, version_shape
from undercroft.native.timestamps import parse_timestamp
from undercroft.native.upload_body import NativeBody
from undercroft.native.upload_urls import upload_target
from undercroft.store import Store, names
from undercroft.store.identity.principals import Principal
from undercroft.store.model import NewFile

_HEX_SHA1 = re.compile(r"[0-9A-Fa-f]{40}\Z")


class StartLargeFile(Body):
    """The body of `b2_start_large_file`."""

    bucket_id: str
    file_name: str
    content_type: str
    file_info: dict[str, str] | None = None
    file_retention: FileRetention | None = None
    legal_hold: str | None = None
    server_side_encryption: EncryptionSetting | None = None
    custom_upload_timestamp: str | int | None = None


class LargeFileId(Body):
    """The body of the calls that name an unfinished large file and nothing else."""

    file_id: str


class ListParts(Body):
    """The body of `b2_list_parts`."""

    file_id: str
    start_part_number: int | None = None
    max_part_count: int | None = None


class FinishLargeFile(Body):
    """The body of `b2_finish_large_file`."""

    file_id: str
    part_sha1_array: list[str]


class ListUnfinishedLargeFiles(Body):
    """The body of `b2_list_unfinished_large_files`."""

    bucket_id: str
    name_prefix: str | None = None
    start_file_id: str | None = None
    max_file_count: int | None = None


async def start_large_file(call: Call, body: StartLargeFile) -> Answer:
    """Begin a large file; its id stays when it is finished."""
    lock = lock_of_body(body.file_retention, body.legal_hold)
    names.check_file_name(body.file_name)
    new = NewFile(
        content_type=resolved_content_type(body.content_type, body.file_name),
        info=checked_info(body.file_info),
        uploaded_ms=parse_timestamp(body.custom_upload_timestamp, "customUploadTimestamp"),
        retention=lock.retention,
        legal_hold=lock.legal_hold,
        encryption=asked_of_body("serverSideEncryption", body.server_side_encryption),
    )
    bucket = await call.store.buckets.find(bucket_id=body.bucket_id)
    version = await call.store.files.start_large_file(call.principal, bucket, body.file_name, new)
    return version_shape(version, LockView.of(call.principal))


async def get_upload_part_url(call: Call, body: LargeFileId) -> Answer:
    """Hand out a URL for the parts of an unfinished large file, and its token."""
    _, large = await call.store.files.unfinished(call.principal, body.file_id)
    file_id = str(large.file_id)
    return {"fileId": file_id, **await upload_target(call, UPLOAD_PART, file_id)}


async def upload_part(store: Store, principal: Principal, request: Request, file_id: str) -> Answer:
    """Take a part whose token has been checked, and answer it."""
    encryption = asked_of_headers(request)
    number = request.header_map.get(b"x-bz-part-number", b"").strip()
    if not number.isdigit() or len(number) > len(str(limits.PART_NUMBER_MAX)):
        raise BadRequest("The header X-Bz-Part-Number must be a number")
    part_number = check_part_number(int(number))
    body = NativeBody(request)
    bucket, large = await store.files.unfinished(principal, file_id)
    part = await store.files.upload_part(
        principal, bucket, large, part_number, body, sha1_unverified=body.unverified, encryption=encryption
    )
    return part_shape(part, file_id)


async def list_parts(call: Call, body: ListParts) -> Answer:
    """List the parts that have arrived, by number."""
    limit = row_count("maxPartCount", body.max_part_count, default=LIST_DEFAULT, maximum=LIST_MAX)
    start = check_part_number(body.start_part_number or 1)  # Zero is how the npm package `backblaze-b2` asks for all.
    bucket, large = await call.store.files.unfinished(call.principal, body.file_id)
    parts, next_number = await call.store.files.list_parts(call.principal, bucket, large, start=start, limit=limit)
    return {"nextPartNumber": next_number, "parts": [part_shape(part, body.file_id) for part in parts]}


async def finish_large_file(call: Call, body: FinishLargeFile) -> Answer:
    """Make a file of the parts, whose digests the caller repeats."""
    for sha1 in body.part_sha1_array:
        if _HEX_SHA1.match(sha1) is None:
            raise BadRequest(f"Not a valid hex SHA1 in partSha1Array: {sha1[:100]}")
    bucket, large = await call.store.files.unfinished(call.principal, body.file_id)
    sha1s = [sha1.lower() for sha1 in body.part_sha1_array]
    version = await call.store.files.finish_native(call.principal, bucket, large, sha1s)
    return version_shape(version, LockView.of(call.principal))


async def cancel_large_file(call: Call, body: LargeFileId) -> Answer:
    """Drop an unfinished large file with its parts."""
    bucket, large = await call.store.files.unfinished(call.principal, body.file_id)
    await call.store.files.cancel(call.principal, bucket, large)
    return {
        "accountId": large.account_id,
        "bucketId": bucket.bucket_id,
        "fileId": str(large.file_id),
        "fileName": large.name,
    }


async def list_unfinished_large_files(call: Call, body: ListUnfinishedLargeFiles) -> Answer:
    """List unfinished large files, oldest first."""
    limit = row_count(
        "maxFileCount", body.max_file_count, default=limits.NATIVE_UNFINISHED_MAX, maximum=limits.NATIVE_UNFINISHED_MAX
    )
    bucket = await call.store.buckets.find(bucket_id=body.bucket_id)
    rows, next_id = await call.store.files.list_unfinished(
        call.principal, bucket, prefix=body.name_prefix or "", start_file_id=body.start_file_id or None, limit=limit
    )
    lock = LockView.of(call.principal)
    return {
        "files": [version_shape(row, lock) for row in rows],
        "nextFileId": next_id,
        "nextFileName": None,
    }
