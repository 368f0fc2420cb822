"""ListParts: the parts of an upload that have arrived so far."""

from __future__ import annotations

from undercroft import limits
from undercroft.http.response import Response
from undercroft.http.xml_out import element
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call
from undercroft.s3.encryption import customer_key_of
from undercroft.s3.listing import listed_checksum
from undercroft.s3.xml_out import checksum_value, iso_time, owner
from undercroft.store.model import Part
from undercroft.store.operations import Operation


async def list_parts(call: Call) -> Response:
    """GET /bucket/key?uploadId=…"""
    marker = call.number("part-number-marker", 0)
    limit = min(call.number("max-parts", limits.S3_LIST_MAX), limits.S3_LIST_MAX)
    customer = customer_key_of(call.headers)
    bucket, large = await call.upload(Operation.LIST_FILES)
    call.store.files.check_part_key(large, customer)
    parts, following = await call.store.files.list_parts(
        call.principal,
        bucket,
        large,
        start=min(marker, limits.PART_NUMBER_MAX) + 1,
        limit=limit or 1,
        operation=Operation.LIST_FILES,
    )
    if not limit:
        parts, following = [], None
    next_marker = f"<NextPartNumberMarker>{parts[-1].part_number}</NextPartNumberMarker>" if parts else ""
    content = (
        f"{element('Bucket', bucket.name)}{element('Key', call.key)}{element('UploadId', str(large.file_id))}"
        f"<PartNumberMarker>{marker}</PartNumberMarker>{next_marker}<MaxParts>{limit}</MaxParts>"
        f"<IsTruncated>{'false' if following is None else 'true'}</IsTruncated>{''.join(map(_part, parts))}"
        f"{owner('Initiator', large.account_id)}{owner('Owner', large.account_id)}"
        f"<StorageClass>STANDARD</StorageClass>{listed_checksum(large.checksum)}"
    )
    return xml_answer("ListPartsResult", content)


def _part(part: Part) -> str:
    return (
        f"<Part><PartNumber>{part.part_number}</PartNumber><LastModified>{iso_time(part.uploaded_ms)}</LastModified>"
        f"<ETag>&quot;{part.md5}&quot;</ETag><Size>{part.size}</Size>{checksum_value(part.checksum)}</Part>"
    )
