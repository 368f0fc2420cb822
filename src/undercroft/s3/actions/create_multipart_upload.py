"""CreateMultipartUpload: what the object will be is fixed here, its bytes come in parts."""

from __future__ import annotations

from undercroft.http.response import Headers, Response
from undercroft.http.xml_out import element
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call
from undercroft.s3.checksums import parse_algorithm
from undercroft.s3.encryption import asked_encryption, encryption_headers
from undercroft.s3.errors import S3Error
from undercroft.s3.headers import check_object_acl
from undercroft.s3.metadata import read_content_type, read_info
from undercroft.s3.object_lock import asked_lock
from undercroft.s3.whole_checksum import COMPOSITE, FULL_OBJECT
from undercroft.store.model import NewFile

# Which types each algorithm can have, the default first (reference, 2.15).
_TYPES = {
    "crc32": (COMPOSITE, FULL_OBJECT),
    "crc32c": (COMPOSITE, FULL_OBJECT),
    "crc64nvme": (FULL_OBJECT,),
    "sha1": (COMPOSITE,),
    "sha256": (COMPOSITE,),
}


async def create_multipart_upload(call: Call) -> Response:
    """POST /bucket/key?uploads. The upload's id is the file id that the object will have."""
    algorithm, checksum_type = _checksum(call)
    lock = asked_lock(call.headers)
    new = NewFile(
        read_content_type(call.headers),
        read_info(call.headers),
        checksum_algorithm=algorithm,
        checksum_type=checksum_type,
        retention=lock.retention,
        legal_hold=lock.legal_hold,
        encryption=asked_encryption(call.headers),
    )
    bucket = await call.bucket()
    check_object_acl(call.headers, bucket)
    large = await call.store.files.start_large_file(call.principal, bucket, call.key, new)
    content = element("Bucket", bucket.name) + element("Key", call.key) + element("UploadId", str(large.file_id))
    headers: Headers = [*encryption_headers(large.encryption)]
    if algorithm is not None:
        headers.append((b"x-amz-checksum-algorithm", algorithm.upper().encode("ascii")))
        headers.append((b"x-amz-checksum-type", checksum_type.encode("ascii")))
    return xml_answer("InitiateMultipartUploadResult", content, headers)


def _checksum(call: Call) -> tuple[str | None, str]:
    """The algorithm and type that the upload is to have. Raises `InvalidRequest` for what does not go together."""
    named, wanted = call.header("x-amz-checksum-algorithm"), (call.header("x-amz-checksum-type") or "").upper()
    algorithm = parse_algorithm(named)
    if algorithm is None:
        if wanted:
            raise S3Error(
                "InvalidRequest", "The x-amz-checksum-type header can only be used with x-amz-checksum-algorithm."
            )
        return None, FULL_OBJECT
    types = _TYPES[algorithm]
    if wanted and wanted not in types:
        message = f"The {wanted} checksum type cannot be used with the {algorithm} checksum algorithm."
        raise S3Error("InvalidRequest", message)
    return algorithm, wanted or types[0]
