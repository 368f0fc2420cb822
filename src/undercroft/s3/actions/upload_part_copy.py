"""UploadPartCopy: a part from another version's bytes, or from a range of them."""

from __future__ import annotations

from undercroft.http.ranges import parse_range
from undercroft.http.response import Response
from undercroft.s3.actions.upload_part import part_number
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call
from undercroft.s3.copy_source import find_copy_source, parse_copy_source, source_too_large
from undercroft.s3.encryption import asked_encryption, encryption_headers, source_key_of
from undercroft.s3.errors import invalid_argument
from undercroft.s3.xml_out import checksum_value, iso_time
from undercroft.store.errors import TooLarge
from undercroft.store.model import ByteRange, FileVersion

_RANGE = "x-amz-copy-source-range"


async def upload_part_copy(call: Call) -> Response:
    """PUT /bucket/key?partNumber=…&uploadId=… with `x-amz-copy-source`."""
    number = part_number(call)
    source = parse_copy_source(call.headers[b"x-amz-copy-source"])
    asked = call.header(_RANGE)
    encryption, source_key = asked_encryption(call.headers), source_key_of(call.headers)
    bucket, large = await call.upload()
    original = await find_copy_source(call, source)
    byte_range = _byte_range(asked, original)
    try:
        part = await call.store.files.copy_part(
            call.principal,
            bucket,
            large,
            number,
            original,
            byte_range=byte_range,
            source_key=source_key,
            encryption=encryption,
        )
    except TooLarge as error:
        raise source_too_large() from error
    content = (
        f"<LastModified>{iso_time(part.uploaded_ms)}</LastModified><ETag>&quot;{part.md5}&quot;</ETag>"
        f"{checksum_value(part.checksum)}"
    )
    headers = [
        (b"x-amz-copy-source-version-id", str(original.file_id).encode("ascii")),
        *encryption_headers(part.encryption),
    ]
    return xml_answer("CopyPartResult", content, headers)


def _byte_range(asked: str | None, source: FileVersion) -> ByteRange | None:
    """The range to copy, both ends of which must be given and lie in the source. Raises `InvalidArgument`."""
    if asked is None:
        return None
    byte_range = parse_range(asked)
    if byte_range is None or byte_range.first is None or byte_range.last is None:
        message = "The x-amz-copy-source-range value must be of the form bytes=first-last."
        raise invalid_argument(_RANGE, asked, message)
    if byte_range.last >= source.size:
        message = f"Range specified is not valid for source object of size: {source.size}"
        raise invalid_argument(_RANGE, asked, message)
    return byte_range
