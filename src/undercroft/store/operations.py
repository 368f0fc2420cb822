"""What can be asked of the store, and the capability that each needs (B2 Native API, "Application Keys")."""

from __future__ import annotations

from enum import Enum

ALL_CAPABILITIES: tuple[str, ...] = (
    "listKeys", "writeKeys", "deleteKeys",
    "listBuckets", "listAllBucketNames", "readBuckets", "writeBuckets", "deleteBuckets",
    "readBucketRetentions", "writeBucketRetentions",
    "readBucketEncryption", "writeBucketEncryption",
    "readBucketReplications", "writeBucketReplications",
    "readBucketNotifications", "writeBucketNotifications",
    "readBucketLogging", "writeBucketLogging",
    "readBucketLifecycleRules", "writeBucketLifecycleRules",
    "listFiles", "readFiles", "shareFiles", "writeFiles", "deleteFiles",
    "readFileLegalHolds", "writeFileLegalHolds", "readFileRetentions", "writeFileRetentions",
    "bypassGovernance",
)  # fmt: skip

# The capabilities that a key restricted to buckets may have.
BUCKET_CAPABILITIES: frozenset[str] = frozenset(ALL_CAPABILITIES) - {
    "listKeys", "writeKeys", "deleteKeys", "writeBuckets", "deleteBuckets",
}  # fmt: skip


class Operation(Enum):
    """An operation of the store; its value is the capability that it needs."""

    LIST_KEYS = "listKeys"
    CREATE_KEY = "writeKeys"
    DELETE_KEY = "deleteKeys"
    ADMINISTER_GROUPS = CREATE_KEY  # Ours: who makes keys at will can do all that the account can.
    ADMINISTER_CAPS = CREATE_KEY  # noqa: PIE796 - ours too, for the same reason: another name of the same right.
    ADMINISTER_MEMBERS = CREATE_KEY  # noqa: PIE796 - and so are members.
    LIST_BUCKETS = "listBuckets"
    LIST_ALL_BUCKET_NAMES = "listAllBucketNames"
    READ_BUCKET = "readBuckets"
    WRITE_BUCKET = "writeBuckets"
    DELETE_BUCKET = "deleteBuckets"
    READ_NOTIFICATIONS = "readBucketNotifications"
    WRITE_NOTIFICATIONS = "writeBucketNotifications"
    LIST_FILES = "listFiles"
    READ_FILE = "readFiles"
    SHARE_FILES = "shareFiles"
    WRITE_FILE = "writeFiles"
    DELETE_FILE = "deleteFiles"
    WRITE_BUCKET_REPLICATION = "writeBucketReplications"
    READ_BUCKET_ENCRYPTION = "readBucketEncryption"
    WRITE_BUCKET_ENCRYPTION = "writeBucketEncryption"
    READ_BUCKET_LIFECYCLE = "readBucketLifecycleRules"
    WRITE_BUCKET_LIFECYCLE = "writeBucketLifecycleRules"
    READ_BUCKET_LOGGING = "readBucketLogging"
    WRITE_BUCKET_LOGGING = "writeBucketLogging"
    READ_BUCKET_LOCK = "readBucketRetentions"
    WRITE_BUCKET_LOCK = "writeBucketRetentions"
    READ_RETENTION = "readFileRetentions"
    WRITE_RETENTION = "writeFileRetentions"
    READ_LEGAL_HOLD = "readFileLegalHolds"
    WRITE_LEGAL_HOLD = "writeFileLegalHolds"
    BYPASS_GOVERNANCE = "bypassGovernance"
