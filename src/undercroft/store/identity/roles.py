"""What members of an account may do: five roles, each a set of capabilities (console reference, section 25).

Administrator does all that the account can. Bucket Creator makes buckets and sets them up, and sees no file. Object Manager
views, uploads, downloads, shares and deletes files; Object Viewer lists and downloads; Object Writer lists and uploads, which
puts new versions over old ones, and downloads none.
"""

from __future__ import annotations

from typing import Literal, get_args

from undercroft.store.operations import ALL_CAPABILITIES, BUCKET_CAPABILITIES

Role = Literal["administrator", "bucketCreator", "objectManager", "objectViewer", "objectWriter"]
ROLES: tuple[Role, ...] = get_args(Role)

_SEES_BUCKETS = ("listBuckets", "readBuckets", "readBucketEncryption", "readBucketRetentions")
_OF_ROLES: dict[Role, tuple[str, ...]] = {
    "administrator": ALL_CAPABILITIES,
    "bucketCreator": (
        *_SEES_BUCKETS, "listAllBucketNames", "writeBuckets", "writeBucketEncryption", "writeBucketRetentions",
        "readBucketLifecycleRules", "writeBucketLifecycleRules",
    ),
    "objectManager": (
        *_SEES_BUCKETS, "listFiles", "readFiles", "shareFiles", "writeFiles", "deleteFiles",
        "readFileRetentions", "readFileLegalHolds",
    ),
    "objectViewer": (*_SEES_BUCKETS, "listFiles", "readFiles", "readFileRetentions", "readFileLegalHolds"),
    "objectWriter": (*_SEES_BUCKETS, "listFiles", "writeFiles"),
}  # fmt: skip
WHOLE_ACCOUNT_ONLY: frozenset[Role] = frozenset({"bucketCreator"})  # New buckets are among no certain ones.


def capabilities_of(role: Role, *, in_buckets: bool) -> tuple[str, ...]:
    """The capabilities of a role in the whole account, or as far as certain buckets have them."""
    return tuple(each for each in _OF_ROLES[role] if not in_buckets or each in BUCKET_CAPABILITIES)
