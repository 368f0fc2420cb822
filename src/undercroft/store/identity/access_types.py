"""Which capabilities the types of access grant that people choose from, where they do not list capabilities themselves.

Keys that B2's own console makes have had more of them from year to year (reference, console-and-account 16.4). These are ours,
fixed: Read Only reads whatever a bucket and its files say of themselves, Read and Write changes it too but for what locks
files, and Write Only can put files down and see nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

from undercroft.store.operations import ALL_CAPABILITIES

AccessType = Literal["readWrite", "readOnly", "writeOnly"]
Preset = Literal["immutableBackup", "browserUpload", "cdnOrigin"]
LIST_ALL_BUCKET_NAMES = "listAllBucketNames"

_READ_ONLY = (
    "listBuckets", "readBuckets",
    "readBucketRetentions", "readBucketEncryption", "readBucketReplications", "readBucketNotifications",
    "readBucketLogging", "readBucketLifecycleRules",
    "listFiles", "readFiles", "shareFiles", "readFileRetentions", "readFileLegalHolds",
)  # fmt: skip
_OF_TYPES: dict[AccessType, tuple[str, ...]] = {
    "readOnly": _READ_ONLY,
    "readWrite": (
        *_READ_ONLY,
        "writeFiles", "deleteFiles",
        "writeBucketEncryption", "writeBucketReplications", "writeBucketNotifications", "writeBucketLogging",
        "writeBucketLifecycleRules",
    ),
    "writeOnly": ("listBuckets", "writeFiles"),
}  # fmt: skip
ACCESS_TYPES: tuple[AccessType, ...] = get_args(AccessType)

# Where people begin who choose capabilities one by one.
PRESETS: dict[Preset, tuple[str, ...]] = {
    # Backup programs that lock what they write; they remove it when its lock has run out, and cannot shorten one.
    "immutableBackup": (
        "listBuckets", "readBuckets", "readBucketEncryption", "readBucketRetentions",
        "listFiles", "readFiles", "writeFiles", "deleteFiles",
        "readFileRetentions", "writeFileRetentions", "readFileLegalHolds", "writeFileLegalHolds",
    ),
    # What a web page's server gives upload URLs and presigned PUTs with, and goes on with those that broke off.
    "browserUpload": ("listBuckets", "listFiles", "writeFiles"),
    # What reads files by name for the public, and lists none.
    "cdnOrigin": ("listBuckets", "readFiles", "shareFiles"),
}  # fmt: skip

# All capabilities, as people are shown them: by what they are about.
CAPABILITY_GROUPS: dict[str, tuple[str, ...]] = {
    "Files": ("listFiles", "readFiles", "shareFiles", "writeFiles", "deleteFiles"),
    "Locks of files": (
        "readFileRetentions", "writeFileRetentions", "readFileLegalHolds", "writeFileLegalHolds", "bypassGovernance",
    ),
    "Buckets": (LIST_ALL_BUCKET_NAMES, "listBuckets", "readBuckets", "writeBuckets", "deleteBuckets"),
    "Settings of buckets": (
        "readBucketEncryption", "writeBucketEncryption", "readBucketRetentions", "writeBucketRetentions",
        "readBucketLifecycleRules", "writeBucketLifecycleRules", "readBucketNotifications", "writeBucketNotifications",
        "readBucketReplications", "writeBucketReplications", "readBucketLogging", "writeBucketLogging",
    ),
    "Application keys": ("listKeys", "writeKeys", "deleteKeys"),
}  # fmt: skip


def capabilities_of(access_type: AccessType, *, list_all_bucket_names: bool) -> tuple[str, ...]:
    """The capabilities of a type of access, with the one that shows the names of all buckets where it is asked for."""
    capabilities = _OF_TYPES[access_type]
    return (*capabilities, LIST_ALL_BUCKET_NAMES) if list_all_bucket_names else capabilities


def access_type_of(capabilities: Collection[str]) -> AccessType | None:
    """The type of access that grants just these, whether the names of all buckets are shown or not; None: another choice."""
    asked = frozenset(capabilities) - {LIST_ALL_BUCKET_NAMES}
    return next((each for each, granted in _OF_TYPES.items() if asked == frozenset(granted)), None)


def in_order(capabilities: Collection[str]) -> list[str]:
    """The capabilities in the order in which all are listed."""
    return [capability for capability in ALL_CAPABILITIES if capability in capabilities]
