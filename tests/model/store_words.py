"""The store's things and errors in the words of the reference model, and the model's in the store's."""

from __future__ import annotations

from model.driver import Answer
from model.things import CUSTOMERS, New, Range
from undercroft.store import model as domain

# The store's name for each reason to refuse.
WORDS = {
    "bad key": "BadCredentials",
    "unauthorized": "Unauthorized",
    "bad capabilities": "InvalidRequest",
    "no key": "NoSuchKey",
    "no bucket": "NoSuchBucket",
    "no source bucket": "NoSuchBucket",
    "own bucket name": "DuplicateBucketName",
    "bucket name of another": "DuplicateBucketName",
    "not empty": "BucketNotEmpty",
    "conflict": "RevisionConflict",
    "storage cap": "StorageCapExceeded",
    "exists": "PreconditionFailed",
    "locked": "VersionLocked",
    "retained": "RetentionProtected",
    "lock forbidden": "LockForbidden",
    "no lock": "MissingLock",
    "marker lock": "InvalidRequest",
    "no file": "NoSuchFile",
    "no version": "NoSuchVersion",
    "no version to delete": "NoSuchVersion",
    "hide marker": "IsHideMarker",
    "not finished": "NotFinished",
    "nothing to hide": "NoSuchFile",
    "already hidden": "AlreadyHidden",
    "no upload": "NoSuchUpload",
    "too few parts": "TooFewParts",
    "missing part": "MissingPart",
    "part mismatch": "PartMismatch",
    "part too small": "PartTooSmall",
    "part order": "PartOrder",
    "missing key": "MissingCustomerKey",
    "wrong key": "WrongCustomerKey",
    "needless key": "NeedlessCustomerKey",
    "part key": "EncryptionMismatch",
    "own destination": "InvalidRequest",
    "no destination": "NoSuchBucket",
    "replication conflict": "ReplicationConflict",
    "bad range": "RangeNotSatisfiable",
    "bad part range": "BadPartRange",
    "no source": "NoSuchVersion",
    "hidden source": "InvalidRequest",
    "unfinished source": "InvalidRequest",
}
ACTIONS = {domain.Action.UPLOAD: "upload", domain.Action.HIDE: "hide", domain.Action.START: "start"}


def new_file(new: New) -> domain.NewFile:
    return domain.NewFile(
        new.content_type,
        new.info,
        uploaded_ms=new.custom_ms,
        sha1_unverified=not new.verified,
        encryption=customer_key(new.customer) or new.sse,
    )


def customer_key(customer: str | None) -> domain.CustomerKey | None:
    return None if customer is None else CUSTOMERS[customer].store


def sse_of(encryption: domain.Encryption | None) -> str | None:
    """How a file is encrypted, with the customer's name in place of the MD5."""
    if encryption is None or encryption.key_md5 is None:
        return encryption and encryption.mode
    return sse_of_md5(encryption.key_md5)


def sse_of_md5(md5: str) -> str:
    """The customer whose key has this MD5."""
    return next(name for name, key in CUSTOMERS.items() if key.md5 == md5)


def byte_range(asked: Range | None) -> domain.ByteRange | None:
    return None if asked is None else domain.ByteRange(asked.first, asked.last)


def key_answer(key: domain.ApplicationKey) -> Answer:
    return {
        "id": key.key_id,
        "account": key.account_id,
        "capabilities": sorted(key.capabilities),
        "bucket_ids": None if key.bucket_ids is None else list(key.bucket_ids),
        "prefix": key.name_prefix,
        "time_ms": key.expires_ms,
    }


def bucket_answer(bucket: domain.Bucket) -> Answer:
    return {
        "id": bucket.bucket_id,
        "account": bucket.account_id,
        "name": bucket.name,
        "public": bucket.is_public,
        "info": bucket.info,
        "revision": bucket.revision,
        "locks": bucket.lock.enabled,
    }


def version_answer(version: domain.FileVersion | domain.Folder, *, listed: bool = False) -> Answer:
    if isinstance(version, domain.Folder):
        return {"action": "folder", "name": version.name}
    row = {
        "id": str(version.file_id),
        "bucket_id": version.bucket_id,
        "name": version.name,
        "action": ACTIONS[version.action],
        "size": version.size,
        "content_type": version.content_type,
        "info": version.info,
        "sha1": version.content_sha1,
        "md5": version.content_md5,
        "etag": version.etag,
        "time_ms": version.uploaded_ms,
        "retained_until_ms": None if version.retention is None else version.retention.until_ms,
        "held": version.legal_hold,
        "sse": sse_of(version.encryption),
        "replication": None if version.replication_status is None else version.replication_status.name,
    }
    return {**row, "latest": version.is_latest} if listed else row


def part_answer(part: domain.Part) -> Answer:
    return {"number": part.part_number, "size": part.size, "sha1": part.content_sha1, "md5": part.md5}
