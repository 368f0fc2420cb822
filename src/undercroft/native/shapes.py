"""The JSON objects that several calls answer with (reference, section 7).

Rows are plain dictionaries: a list answers ten thousand of them at once, and nothing renders faster.
"""

from __future__ import annotations

from undercroft.native.encryption import bucket_encryption_shape, encryption_shape
from undercroft.native.lock_shapes import LockView, Shape, bucket_lock_shape
from undercroft.native.replication_rules import replication_shape
from undercroft.store.buckets.cors import native_rules
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Action, ApplicationKey, Bucket, FileVersion, Folder, Part

ACTIONS: dict[Action, str] = {Action.UPLOAD: "upload", Action.HIDE: "hide", Action.START: "start"}
UNVERIFIED = "unverified:"
HIDE_MARKER_TYPE = "application/x-bz-hide-marker"
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
EMPTY_SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
_S3_OPTION = ["s3"]


def filtered(principal: Principal, capability: str, value: object) -> Shape:
    """A value that only a holder of `capability` may see (7.1)."""
    if principal.can(capability):
        return {"isClientAuthorizedToRead": True, "value": value}
    return {"isClientAuthorizedToRead": False, "value": None}


def bucket_shape(bucket: Bucket, principal: Principal, encryption: str | None) -> Shape:
    """A bucket (7.2); `encryption` is the mode of new files that ask for none."""
    return {
        "accountId": bucket.account_id,
        "bucketId": bucket.bucket_id,
        "bucketInfo": bucket.info,
        "bucketName": bucket.name,
        "bucketType": bucket.type,
        "corsRules": native_rules(bucket.cors_rules),
        "defaultServerSideEncryption": filtered(principal, "readBucketEncryption", bucket_encryption_shape(encryption)),
        "fileLockConfiguration": filtered(principal, "readBucketRetentions", bucket_lock_shape(bucket.lock)),
        "lifecycleRules": bucket.lifecycle_rules,
        "options": _S3_OPTION,
        "replicationConfiguration": filtered(
            principal, "readBucketReplications", replication_shape(bucket.replication)
        ),
        "revision": bucket.revision,
    }


def key_shape(key: ApplicationKey, *, multi_bucket: bool) -> Shape:
    """An application key without its secret (7.6); with `bucketIds` where the version knows keys of several buckets."""
    shape: Shape = {
        "accountId": key.account_id,
        "applicationKeyId": key.key_id,
        "capabilities": sorted(key.capabilities),
        "expirationTimestamp": key.expires_ms,
        "keyName": key.name,
        "namePrefix": key.name_prefix,
        "options": _S3_OPTION,
    }
    if multi_bucket:
        shape["bucketIds"] = key.bucket_ids
    else:
        shape["bucketId"] = key.bucket_ids[0] if key.bucket_ids else None
    return shape


def part_shape(part: Part, file_id: str) -> Shape:
    """A part of a large file (7.5)."""
    return {
        "contentLength": part.size,
        "contentMd5": part.md5,
        "contentSha1": part.content_sha1,
        "fileId": file_id,
        "partNumber": part.part_number,
        "serverSideEncryption": encryption_shape(part.encryption),
        "uploadTimestamp": part.uploaded_ms,
    }


def version_shape(version: FileVersion, lock: LockView, *, action: str | None = None) -> Shape:
    """A file version (7.3). `action` is for the one answer that says `copy`."""
    if version.action is Action.HIDE:
        return _hide_marker_shape(version)
    started = version.action is Action.START
    shape: Shape = {
        "accountId": version.account_id,
        "action": action or ACTIONS[version.action],
        "bucketId": version.bucket_id,
        "contentLength": 0 if started else version.size,
        "contentMd5": None if started else version.content_md5,
        "contentSha1": "none" if started else version.content_sha1,
        "contentType": version.content_type,
        "fileId": str(version.file_id),
        "fileInfo": version.info,
        "fileName": version.name,
        "fileRetention": lock.retention_of(version),
        "legalHold": lock.legal_hold_of(version),
        "serverSideEncryption": encryption_shape(version.encryption),
        "uploadTimestamp": version.uploaded_ms,
    }
    if version.replication_status is not None:
        shape["replicationStatus"] = version.replication_status.name
    return shape


def _hide_marker_shape(version: FileVersion) -> Shape:
    return {
        "accountId": version.account_id,
        "action": "hide",
        "bucketId": version.bucket_id,
        "contentLength": 0,
        "contentMd5": EMPTY_MD5,
        "contentSha1": EMPTY_SHA1,
        "contentType": HIDE_MARKER_TYPE,
        "fileId": str(version.file_id),
        "fileInfo": {},
        "fileName": version.name,
        "uploadTimestamp": version.uploaded_ms,
    }


def folder_shape(folder: Folder, bucket: Bucket) -> Shape:
    """The row that stands for all names under a common prefix."""
    return {
        "accountId": bucket.account_id,
        "action": "folder",
        "bucketId": bucket.bucket_id,
        "contentLength": 0,
        "contentMd5": None,
        "contentSha1": None,
        "contentType": None,
        "fileId": None,
        "fileInfo": {},
        "fileName": folder.name,
        "uploadTimestamp": 0,
    }


# Version 1 knew neither accounts nor locks in rows, and called the length `size`.
_OLD_ROW_MEMBERS = ("action", "bucketId", "contentSha1", "contentType", "fileId", "fileInfo", "fileName")


def old_row(row: Shape) -> Shape:
    """A list row as version 1 answers it (section 23)."""
    old = {member: row[member] for member in _OLD_ROW_MEMBERS}
    if old["contentSha1"] == "none":
        old["contentSha1"] = None
    old["size"] = row["contentLength"]
    old["uploadTimestamp"] = row["uploadTimestamp"]
    return old
