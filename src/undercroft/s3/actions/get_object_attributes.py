"""GetObjectAttributes: what HEAD tells, chosen by the client and as XML (reference, 2.16)."""

from __future__ import annotations

from undercroft import limits
from undercroft.http.response import Response
from undercroft.http.xml_out import element
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call, whole_number
from undercroft.s3.encryption import customer_key_of
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.headers import http_date
from undercroft.s3.xml_out import checksum_elements, checksum_value
from undercroft.store.model import FileVersion

_ATTRIBUTES = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})
_HEADER = "x-amz-object-attributes"


async def get_object_attributes(call: Call) -> Response:
    """GET /bucket/key?attributes."""
    call.require_signature()
    wanted = _wanted(call.header(_HEADER) or "")
    marker = whole_number("x-amz-part-number-marker", call.header("x-amz-part-number-marker") or "0")
    limit = whole_number("x-amz-max-parts", call.header("x-amz-max-parts") or str(limits.S3_LIST_MAX))
    customer = customer_key_of(call.headers)
    version = await call.version(await call.bucket())
    call.store.files.check_key(version, customer)
    content = ""
    if "ETag" in wanted:
        content += element("ETag", version.etag)
    if "Checksum" in wanted and version.checksum is not None:
        content += f"<Checksum>{checksum_elements(version.checksum)}</Checksum>"
    if "ObjectParts" in wanted and version.part_count:
        content += await _parts(call, version, marker, min(limit, limits.S3_LIST_MAX))
    if "StorageClass" in wanted:
        content += "<StorageClass>STANDARD</StorageClass>"
    if "ObjectSize" in wanted:
        content += f"<ObjectSize>{version.size}</ObjectSize>"
    headers = [
        (b"last-modified", http_date(version.uploaded_ms // 1000)),
        (b"x-amz-version-id", str(version.file_id).encode("ascii")),
    ]
    return xml_answer("GetObjectAttributesResponse", content, headers)


def _wanted(header: str) -> frozenset[str]:
    wanted = frozenset(name.strip() for name in header.split(",") if name.strip())
    if not wanted:
        raise S3Error("InvalidRequest", f"The {_HEADER} header specifying the attributes to be retrieved is missing.")
    for name in wanted - _ATTRIBUTES:
        raise invalid_argument(_HEADER, name, "Invalid attribute name specified.")
    return wanted


async def _parts(call: Call, version: FileVersion, marker: int, limit: int) -> str:
    """The element of the parts of an object that was put together from some."""
    parts = await call.store.files.parts_of(version)
    following = [(number, part) for number, part in enumerate(parts, start=1) if number > marker]
    page = following[:limit]
    rows = "".join(
        f"<Part><PartNumber>{number}</PartNumber><Size>{part.size}</Size>{checksum_value(part.checksum)}</Part>"
        for number, part in page
    )
    return (
        f"<ObjectParts><PartsCount>{version.part_count}</PartsCount><PartNumberMarker>{marker}</PartNumberMarker>"
        f"<NextPartNumberMarker>{page[-1][0] if page else marker}</NextPartNumberMarker><MaxParts>{limit}</MaxParts>"
        f"<IsTruncated>{'true' if len(following) > limit else 'false'}</IsTruncated>{rows}</ObjectParts>"
    )
