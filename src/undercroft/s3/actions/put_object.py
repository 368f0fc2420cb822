"""PutObject: one body becomes the newest version of its key."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.s3.answers import bare_answer
from undercroft.s3.body import UploadBody
from undercroft.s3.call import Call
from undercroft.s3.conditions import write_condition
from undercroft.s3.encryption import asked_encryption, encryption_headers
from undercroft.s3.headers import check_object_acl, checksum_headers, quoted_etag
from undercroft.s3.metadata import read_content_type, read_info
from undercroft.s3.object_lock import NO_LOCK, asked_lock, check_integrity_of_locked
from undercroft.store.model import NewFile


async def put_object(call: Call) -> Response:
    """PUT /bucket/key."""
    headers = call.headers
    body = UploadBody(call.request, call.authentication)
    condition = write_condition(headers)
    lock = asked_lock(headers)
    if lock is not NO_LOCK:
        check_integrity_of_locked(headers, body.checksum_algorithm)
    new = NewFile(
        read_content_type(headers),
        read_info(headers),
        checksum_algorithm=body.checksum_algorithm,
        retention=lock.retention,
        legal_hold=lock.legal_hold,
        encryption=asked_encryption(headers),
    )
    bucket = await call.bucket()
    check_object_acl(headers, bucket)
    version = await call.store.files.upload(call.principal, bucket, call.key, new, body, condition=condition)
    return bare_answer(
        200,
        [
            (b"etag", quoted_etag(version)),
            (b"x-amz-version-id", str(version.file_id).encode("ascii")),
            *checksum_headers(version.checksum),
            *encryption_headers(version.encryption),
        ],
    )
