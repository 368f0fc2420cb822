"""The numbers and ids by which calls name files and parts."""

from __future__ import annotations

from undercroft import limits
from undercroft.native.errors import BadRequest
from undercroft.store import Store
from undercroft.store.errors import InvalidFileId, NoSuchBucket, NoSuchVersion
from undercroft.store.ids import parse_file_id
from undercroft.store.model import Bucket


async def bucket_of_file(store: Store, file_id: str) -> Bucket:
    """The bucket that the id names. Raises `InvalidFileId`, and `NoSuchVersion` where there is no such bucket."""
    parsed = parse_file_id(file_id)
    if parsed is None:
        raise InvalidFileId(f"Invalid fileId: {file_id[:200]}", "fileId")
    try:
        return await store.buckets.find(bucket_id=parsed.bucket_id)
    except NoSuchBucket:
        raise NoSuchVersion(file_id) from None


def check_part_number(part_number: int) -> int:
    """The number, where a part may have it. Raises `BadRequest`."""
    if not 1 <= part_number <= limits.PART_NUMBER_MAX:
        raise BadRequest(f"partNumber must be between 1 and {limits.PART_NUMBER_MAX}: {part_number}")
    return part_number
