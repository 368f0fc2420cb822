"""CopyObject: a new version from another one's bytes, which are shared and not moved (reference, 2.12)."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call
from undercroft.s3.checksums import parse_algorithm
from undercroft.s3.conditions import write_condition
from undercroft.s3.copy_source import CopySource, find_copy_source, parse_copy_source, source_too_large
from undercroft.s3.encryption import asked_encryption, encryption_headers, source_key_of
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.headers import check_object_acl
from undercroft.s3.metadata import read_content_type, read_info
from undercroft.s3.object_lock import asked_lock
from undercroft.s3.xml_out import checksum_elements, iso_time
from undercroft.store.errors import TooLarge
from undercroft.store.model import NewFile


async def copy_object(call: Call) -> Response:
    """PUT /bucket/key with `x-amz-copy-source`."""
    source = parse_copy_source(call.headers[b"x-amz-copy-source"])
    algorithm = parse_algorithm(call.header("x-amz-checksum-algorithm"))
    condition = write_condition(call.headers)
    replaces = _replaces_metadata(call)
    lock = asked_lock(call.headers)
    encryption, source_key = asked_encryption(call.headers), source_key_of(call.headers)
    _refuse_idle_copy(call, source, replaces or algorithm is not None or encryption is not None)
    bucket = await call.bucket()
    check_object_acl(call.headers, bucket)
    original = await find_copy_source(call, source)
    new = NewFile(
        read_content_type(call.headers) if replaces else original.content_type,
        read_info(call.headers) if replaces else original.info,
        retention=lock.retention,
        legal_hold=lock.legal_hold,
        encryption=encryption,
    )
    try:
        copy = await call.store.files.copy(
            call.principal,
            original,
            bucket,
            call.key,
            new,
            checksum_algorithm=algorithm,
            condition=condition,
            source_key=source_key,
        )
    except TooLarge as error:
        raise source_too_large() from error
    content = (
        f"<LastModified>{iso_time(copy.uploaded_ms)}</LastModified><ETag>&quot;{copy.etag}&quot;</ETag>"
        f"{checksum_elements(copy.checksum)}"
    )
    return xml_answer(
        "CopyObjectResult",
        content,
        [
            (b"x-amz-version-id", str(copy.file_id).encode("ascii")),
            (b"x-amz-copy-source-version-id", str(original.file_id).encode("ascii")),
            *encryption_headers(copy.encryption),
        ],
    )


def _replaces_metadata(call: Call) -> bool:
    directive = (call.header("x-amz-metadata-directive") or "COPY").upper()
    if directive not in {"COPY", "REPLACE"}:
        raise invalid_argument("x-amz-metadata-directive", directive, "Unknown metadata directive.")
    return directive == "REPLACE"


def _refuse_idle_copy(call: Call, source: CopySource, changes_something: bool) -> None:
    """Refuse copying the current version onto itself where the copy would be the same. Raises `InvalidRequest`."""
    itself = (source.bucket, source.key, source.version_id) == (call.bucket_name, call.key, None)
    if itself and not changes_something:
        raise S3Error(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes.",
        )
