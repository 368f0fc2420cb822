"""What differs between the versions of the API, as data (reference, section 23). All else is the same in all four."""

from __future__ import annotations

import msgspec


class APIVersion(msgspec.Struct, frozen=True):
    """One version of the API, by what sets it apart."""

    name: str
    authorize_has_api_info: bool  # The limits and URLs stand in `apiInfo.storageApi`, not at the top.
    authorize_has_minimum_part_size: bool
    authorize_has_bucket_name: bool
    multi_bucket_keys: bool  # Key calls speak of `bucketIds`; a key of several buckets may authorize.
    lenient_bucket_list: bool  # A restricted key that asks for all buckets gets its own instead of an error.
    old_list_rows: bool  # Rows have `size`, and neither `contentLength` nor account and lock members.


VERSIONS: dict[bytes, APIVersion] = {
    b"v1": APIVersion("v1", False, True, False, False, True, True),
    b"v2": APIVersion("v2", False, False, True, False, False, False),
    b"v3": APIVersion("v3", True, False, True, False, False, False),
    b"v4": APIVersion("v4", True, False, True, True, False, False),
}
