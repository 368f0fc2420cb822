"""b2_copy_file and b2_copy_part (reference, 8.3 and 8.4)."""

from __future__ import annotations

import msgspec

from undercroft.http.ranges import parse_range
from undercroft.native.bodies import Body
from undercroft.native.call import Answer, Call
from undercroft.native.content_types import resolved_content_type
from undercroft.native.encryption import EncryptionSetting, asked_of_body, key_of_body
from undercroft.native.errors import BadRequest
from undercroft.native.file_ids import check_part_number
from undercroft.native.file_info import checked_info
from undercroft.native.file_locks import FileRetention, lock_of_body
from undercroft.native.lock_shapes import LockView
from undercroft.native.shapes import part_shape, version_shape
from undercroft.store import names
from undercroft.store.model import ByteRange, NewFile


class CopyFile(Body):
    """The body of `b2_copy_file`."""

    source_file_id: str
    file_name: str
    destination_bucket_id: str | None = None
    range: str | None = None
    metadata_directive: str | None = None
    content_type: str | None = None
    file_info: dict[str, str] | None = None
    file_retention: FileRetention | None = None
    legal_hold: str | None = None
    source_server_side_encryption: EncryptionSetting | None = None
    destination_server_side_encryption: EncryptionSetting | None = None


class CopyPart(Body):
    """The body of `b2_copy_part`."""

    source_file_id: str
    large_file_id: str
    part_number: int
    range: str | None = None
    source_server_side_encryption: EncryptionSetting | None = None
    destination_server_side_encryption: EncryptionSetting | None = None


def _range_of(text: str | None) -> ByteRange | None:
    """The range to copy, None for the whole. Raises `BadRequest`: other than in a download, it cannot be ignored."""
    if text is None:
        return None
    parsed = parse_range(text)
    if parsed is None:
        raise BadRequest(f"Invalid range: {text[:100]}")
    return parsed


def _replacement(body: CopyFile) -> NewFile | None:
    """What the copy says of itself, None where it inherits that. Raises `BadRequest` for a contradiction."""
    directive = body.metadata_directive or "COPY"
    if directive == "COPY":
        if body.content_type is not None or body.file_info is not None:
            raise BadRequest("contentType and fileInfo must not be given when metadataDirective is COPY")
        return None
    if directive != "REPLACE":
        raise BadRequest(f"Invalid metadataDirective: {directive[:100]}")
    if body.content_type is None:
        raise BadRequest("contentType is required when metadataDirective is REPLACE")
    return NewFile(resolved_content_type(body.content_type, body.file_name), checked_info(body.file_info))


async def copy_file(call: Call, body: CopyFile) -> Answer:
    """Copy a file, or a range of it, within the account."""
    lock = lock_of_body(body.file_retention, body.legal_hold)
    source_key = key_of_body("sourceServerSideEncryption", body.source_server_side_encryption)
    encryption = asked_of_body("destinationServerSideEncryption", body.destination_server_side_encryption)
    names.check_file_name(body.file_name)
    new = _replacement(body)
    byte_range = _range_of(body.range)
    source = await call.store.files.version(call.principal, body.source_file_id)
    bucket = await call.store.buckets.find(bucket_id=body.destination_bucket_id or source.bucket_id)
    new = new or NewFile(source.content_type, source.info)
    new = msgspec.structs.replace(new, retention=lock.retention, legal_hold=lock.legal_hold, encryption=encryption)
    copy = await call.store.files.copy(
        call.principal, source, bucket, body.file_name, new, byte_range=byte_range, source_key=source_key
    )
    return version_shape(copy, LockView.of(call.principal), action="copy")


async def copy_part(call: Call, body: CopyPart) -> Answer:
    """Copy a file, or a range of it, into a part of an unfinished large file."""
    source_key = key_of_body("sourceServerSideEncryption", body.source_server_side_encryption)
    encryption = asked_of_body("destinationServerSideEncryption", body.destination_server_side_encryption)
    part_number = check_part_number(body.part_number)
    byte_range = _range_of(body.range)
    bucket, large = await call.store.files.unfinished(call.principal, body.large_file_id)
    source = await call.store.files.version(call.principal, body.source_file_id)
    part = await call.store.files.copy_part(
        call.principal,
        bucket,
        large,
        part_number,
        source,
        byte_range=byte_range,
        source_key=source_key,
        encryption=encryption,
    )
    return part_shape(part, body.large_file_id)
