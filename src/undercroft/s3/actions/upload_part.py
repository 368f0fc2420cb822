"""UploadPart: one numbered part of an upload; uploading a number again replaces it."""

from __future__ import annotations

from undercroft import limits
from undercroft.http.response import Response
from undercroft.s3.answers import bare_answer
from undercroft.s3.body import UploadBody
from undercroft.s3.call import Call, whole_number
from undercroft.s3.encryption import asked_encryption, encryption_headers
from undercroft.s3.errors import S3Error
from undercroft.s3.headers import checksum_headers
from undercroft.store.model import FileVersion


def part_number(call: Call) -> int:
    """The part's number. Raises `InvalidArgument`."""
    return whole_number("partNumber", call.query["partNumber"], least=1, most=limits.PART_NUMBER_MAX)


async def upload_part(call: Call) -> Response:
    """PUT /bucket/key?partNumber=…&uploadId=…"""
    number = part_number(call)
    body = UploadBody(call.request, call.authentication)
    bucket, large = await call.upload()
    algorithm = _algorithm(large, body.checksum_algorithm)
    part = await call.store.files.upload_part(
        call.principal,
        bucket,
        large,
        number,
        body,
        checksum_algorithm=algorithm,
        encryption=asked_encryption(call.headers),
    )
    etag = (b"etag", b'"%b"' % part.md5.encode("ascii"))
    return bare_answer(200, [etag, *checksum_headers(part.checksum)[:1], *encryption_headers(part.encryption)])


def _algorithm(large: FileVersion, given: str | None) -> str | None:
    """The checksum to keep with the part: the upload's if it has one, else the client's.

    Raises `InvalidRequest` where the two differ.
    """
    if large.checksum is None:
        return given
    wanted = large.checksum.algorithm
    if given is not None and given != wanted:
        raise S3Error(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {wanted}, actual checksum Type: {given}",
        )
    return wanted
