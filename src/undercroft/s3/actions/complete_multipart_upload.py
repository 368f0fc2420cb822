"""CompleteMultipartUpload: the parts listed become the object, without moving a byte (reference, 2.14)."""

from __future__ import annotations

from urllib.parse import quote

from undercroft import limits
from undercroft.http.origin import origin_of
from undercroft.http.response import Response
from undercroft.http.xml_out import element
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call, whole_number
from undercroft.s3.conditions import write_condition
from undercroft.s3.encryption import customer_key_of, encryption_headers
from undercroft.s3.errors import S3Error
from undercroft.s3.part_list import PartList
from undercroft.s3.whole_checksum import StatedChecksum, checksum_of_whole
from undercroft.s3.xml_out import checksum_elements
from undercroft.store.errors import LengthMismatch, NoSuchUpload, NoSuchVersion
from undercroft.store.model import Action, FileVersion
from undercroft.store.operations import Operation


async def complete_multipart_upload(call: Call) -> Response:
    """POST /bucket/key?uploadId=…"""
    parts = PartList(await call.document(checksum_of_body=False))
    condition = write_condition(call.headers)
    stated = StatedChecksum.of(call.headers)
    size_text = call.header("x-amz-mp-object-size")
    size = None if size_text is None else whole_number("x-amz-mp-object-size", size_text, most=2**63)
    customer = customer_key_of(call.headers)
    files = call.store.files
    try:
        bucket, large = await call.upload()
        files.check_part_key(large, customer)
        present, _ = await files.list_parts(call.principal, bucket, large, limit=limits.PART_NUMBER_MAX)
        checksum = checksum_of_whole(large, parts, {part.part_number: part for part in present}, stated)
        version = await files.finish_s3(
            call.principal, bucket, large, parts.etags, condition=condition, checksum=checksum, size=size
        )
    except NoSuchUpload as error:
        version = await _completed_before(call, parts, error)
    except LengthMismatch as error:
        message = f"The provided x-amz-mp-object-size header does not match the {error.received} bytes of the parts."
        raise S3Error("InvalidRequest", message) from error
    content = (
        f"{element('Location', _location(call))}{element('Bucket', call.bucket_name)}{element('Key', call.key)}"
        f"<ETag>&quot;{version.etag}&quot;</ETag>{checksum_elements(version.checksum)}"
    )
    headers = [
        (b"x-amz-version-id", str(version.file_id).encode("ascii")),
        *encryption_headers(version.encryption)[:1],
    ]
    return xml_answer("CompleteMultipartUploadResult", content, headers)


async def _completed_before(call: Call, parts: PartList, error: NoSuchUpload) -> FileVersion:
    """The version that an earlier request made of the same parts: repeating it gives the same answer.

    The upload's id is the version's, and the ETag is made of the parts' own, so the two tell whether the request is the
    same (reference, 2.14). Raises `error` where it is not.
    """
    try:
        version = await call.store.files.version(
            call.principal,
            call.query["uploadId"],
            bucket=await call.bucket(),
            name=call.key,
            operation=Operation.WRITE_FILE,
        )
    except NoSuchVersion:
        raise error from None
    if version.action is not Action.UPLOAD or version.etag != parts.etag:
        raise error
    return version


def _location(call: Call) -> str:
    return origin_of(call.request, call.settings) + quote(f"/{call.bucket_name}/{call.key}")
