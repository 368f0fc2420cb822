"""The checksum of a completed multipart upload, worked out from its parts' and held against what the client says of it.

No byte is read again: a composite checksum is the digest of the parts' digests, and a CRC of the whole follows from the
parts' CRCs and lengths (reference, 2.15).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from undercroft.s3 import checksums
from undercroft.s3.errors import S3Error
from undercroft.s3.part_list import PartList
from undercroft.store.model import Checksum, FileVersion, Part

COMPOSITE, FULL_OBJECT = "COMPOSITE", "FULL_OBJECT"


@dataclass(frozen=True, slots=True)
class StatedChecksum:
    """What the headers of the request say of the whole object's checksum. Empty strings mean unsaid."""

    algorithm: str
    value: str
    type: str

    @classmethod
    def of(cls, headers: Mapping[bytes, bytes]) -> StatedChecksum:
        """Read the headers. Raises `InvalidRequest`."""
        found: tuple[str, str] = ("", "")
        for name, raw in headers.items():
            algorithm = checksums.algorithm_of_header(name)
            if algorithm is not None:
                if found[0]:
                    raise S3Error("InvalidRequest", "Expecting a single x-amz-checksum- header")
                found = (algorithm, raw.decode("latin-1").strip())
        algorithm, value = found
        if algorithm:
            checksums.from_text(algorithm, value.partition("-")[0])
        kind = headers.get(b"x-amz-checksum-type", b"").decode("latin-1").strip().upper()
        if kind not in {"", COMPOSITE, FULL_OBJECT}:
            raise S3Error("InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
        return cls(algorithm, value, kind)

    @property
    def kind(self) -> Checksum | None:
        """The kind of checksum that the value is one of, for an upload that was created without any."""
        if not self.algorithm:
            return None
        return Checksum(self.algorithm, "", self.type or (COMPOSITE if "-" in self.value else FULL_OBJECT))


def checksum_of_whole(
    large: FileVersion, listed: PartList, present: Mapping[int, Part], stated: StatedChecksum
) -> Checksum | None:
    """The checksum to keep with the object; None where the upload was created without one and none is stated.

    Raises `InvalidPart` for a part's checksum that differs, `InvalidRequest` for what does not fit how the upload was
    created, and `BadDigest` where the whole's is not the one stated. Parts that are not there are left for the store to
    refuse.
    """
    if any(number not in present for number, _ in listed.etags):
        return None
    for number, given in listed.checksums.items():
        known = present[number].checksum
        if known is not None and (known.algorithm, known.value) != given:
            extras = {"UploadId": str(large.file_id), "PartNumber": str(number)}
            raise S3Error("InvalidPart", extras=extras)
    created = large.checksum
    if created is not None:
        _check_fits(created, listed, stated)
    kind = created or stated.kind
    if kind is None:
        return None
    whole = _whole(kind, [present[number] for number, _ in listed.etags])
    if stated.value and stated.value not in {whole.value, whole.value.partition("-")[0]}:
        raise S3Error("BadDigest", f"The {stated.algorithm} you specified did not match the calculated checksum.")
    return whole


def _check_fits(created: Checksum, listed: PartList, stated: StatedChecksum) -> None:
    """Whether the request speaks of the kind of checksum that the upload was created with."""
    if (stated.type or created.type) != created.type or (stated.algorithm or created.algorithm) != created.algorithm:
        raise S3Error("InvalidRequest", f"The upload was created with {created.type} checksums of {created.algorithm}.")
    if created.type == COMPOSITE:
        for number, _ in listed.etags:
            if number not in listed.checksums:
                message = f"The upload was created using a {created.algorithm} checksum, but part {number} lacks one."
                raise S3Error("InvalidRequest", message)


def _whole(kind: Checksum, parts: list[Part]) -> Checksum:
    """The whole's checksum of this kind. Raises `InvalidRequest` where a part does not have its own."""
    digests = []
    for part in parts:
        if part.checksum is None or part.checksum.algorithm != kind.algorithm:
            message = f"Part {part.part_number} was uploaded without a {kind.algorithm} checksum."
            raise S3Error("InvalidRequest", message)
        digests.append(checksums.from_text(kind.algorithm, part.checksum.value))
    if kind.type == COMPOSITE:
        return Checksum(kind.algorithm, checksums.composite(kind.algorithm, digests), COMPOSITE)
    if kind.algorithm not in checksums.COMBINED:
        raise S3Error("InvalidRequest", f"There is no FULL_OBJECT checksum of {kind.algorithm} for a multipart upload.")
    whole = checksums.of_whole(kind.algorithm, zip(digests, (part.size for part in parts), strict=True))
    return Checksum(kind.algorithm, checksums.to_text(whole), FULL_OBJECT)
