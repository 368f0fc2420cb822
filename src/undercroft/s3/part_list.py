"""The body of CompleteMultipartUpload: the parts that make the object, with what the client knows of each."""

from __future__ import annotations

import hashlib

from lxml import etree

from undercroft import limits
from undercroft.http.xml_in import children, parse_document
from undercroft.s3 import checksums
from undercroft.s3.call import whole_number
from undercroft.s3.conditions import bare_etag
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.xml_in import fields

# The elements of a part's checksums, of which client libraries know more than we do.
_CHECKSUMS: dict[str, str | None] = {
    "ChecksumCRC32": "crc32",
    "ChecksumCRC32C": "crc32c",
    "ChecksumCRC64NVME": "crc64nvme",
    "ChecksumSHA1": "sha1",
    "ChecksumSHA256": "sha256",
    "ChecksumSHA512": None,
    "ChecksumMD5": None,
    "ChecksumXXHASH64": None,
    "ChecksumXXHASH3": None,
    "ChecksumXXHASH128": None,
}
_FIELDS = frozenset({"PartNumber", "ETag", *_CHECKSUMS})


class PartList:
    """The parts listed: numbers with bare ETags in the order given, and (algorithm, value) of those with a checksum."""

    __slots__ = ("checksums", "etags")

    def __init__(self, body: bytes) -> None:
        """Read the body. Raises `MalformedXML` and `InvalidArgument`."""
        self.etags: list[tuple[int, str]] = []
        self.checksums: dict[int, tuple[str, str]] = {}
        for _, part in children(parse_document(body, "CompleteMultipartUpload"), ("Part",)):
            self._add(part)
        if not 0 < len(self.etags) <= limits.PART_NUMBER_MAX:
            raise S3Error("MalformedXML", "The request lists no parts, or too many.")

    def _add(self, part: etree._Element) -> None:
        given = fields(part, _FIELDS)
        if "PartNumber" not in given or "ETag" not in given:
            raise S3Error("MalformedXML", "A part lacks its number or its ETag.")
        number = whole_number("PartNumber", given["PartNumber"].strip(), least=1, most=limits.PART_NUMBER_MAX)
        self.etags.append((number, bare_etag(given["ETag"])))
        named = [name for name in given if name in _CHECKSUMS]
        if not named:
            return
        value = given[named[0]].strip()
        algorithm = _CHECKSUMS[named[0]]
        if len(named) > 1 or algorithm is None:
            raise invalid_argument(named[-1], value, "A part has one checksum, of a supported algorithm.")
        digest = checksums.decode_base64(value)
        if digest is None or len(digest) != checksums.SIZES[algorithm]:
            raise invalid_argument(named[0], value, "A part's checksum is malformed.")
        self.checksums[number] = (algorithm, value)

    @property
    def etag(self) -> str:
        """The ETag that an object of these parts has, or nothing where an ETag is none of a part's."""
        try:
            digests = b"".join(bytes.fromhex(etag) for _, etag in self.etags)
        except ValueError:
            return ""
        return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(self.etags)}"
