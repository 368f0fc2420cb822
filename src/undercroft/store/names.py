"""The rules for names and metadata (B2 Native API reference, section 4)."""

from __future__ import annotations

import re

from undercroft import limits
from undercroft.store.errors import InvalidBucketName, InvalidFileName, InvalidRequest, MetadataTooLarge

BUCKET_TYPES = ("allPrivate", "allPublic")
RESERVED_BUCKET_NAMES = frozenset({"b2api", "file", "healthz", "readyz"})  # Paths of the API address itself.
_BUCKET_NAME = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\Z")
_IPV4_LIKE = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_KEY_NAME = re.compile(r"[A-Za-z0-9-]+\Z")
_INFO_KEY = re.compile(r"[a-z0-9\-_.`~!#$%^&*'|+]+\Z")


def check_bucket_name(name: str) -> None:
    """Raise `InvalidBucketName` unless a bucket may be called this (section 4.1)."""
    if not limits.BUCKET_NAME_MIN_LENGTH <= len(name) <= limits.BUCKET_NAME_MAX_LENGTH:
        raise InvalidBucketName(
            f"Bucket names have {limits.BUCKET_NAME_MIN_LENGTH} to {limits.BUCKET_NAME_MAX_LENGTH} characters.",
            "bucketName",
        )
    if not name.isascii() or _BUCKET_NAME.match(name) is None:
        raise InvalidBucketName("Bucket names consist of letters, digits, '-' and single '.' inside.", "bucketName")
    if name.lower().startswith("b2-") or name.lower() in RESERVED_BUCKET_NAMES or _IPV4_LIKE.match(name):
        raise InvalidBucketName("This bucket name is reserved.", "bucketName")


def check_bucket_type(bucket_type: str) -> None:
    """Raise `InvalidRequest` unless this is a type that clients may set."""
    if bucket_type not in BUCKET_TYPES:
        raise InvalidRequest(f"Invalid bucketType: {bucket_type}", "bucketType")


def check_file_name(name: str, *, controls_allowed: bool = False) -> None:
    """Raise `InvalidFileName` unless a file may be called this (section 4.2).

    S3 keys may hold control characters; whoever lists them natively gets them as they are.
    """
    if not name:
        raise InvalidFileName("File names must not be empty.")
    if len(name) > limits.FILE_NAME_MAX_BYTES or len(name.encode()) > limits.FILE_NAME_MAX_BYTES:
        raise InvalidFileName(f"File names have at most {limits.FILE_NAME_MAX_BYTES} bytes of UTF-8.", too_long=True)
    if not controls_allowed and _CONTROL.search(name):
        raise InvalidFileName("File names must not contain control characters.")


def check_key_name(name: str) -> None:
    """Raise `InvalidRequest` unless an application key may be called this (b2_create_key)."""
    if len(name) > limits.KEY_NAME_MAX_LENGTH or _KEY_NAME.match(name) is None:
        raise InvalidRequest("Key names have 1 to 100 letters, digits and '-'.", "keyName")


def check_info_key(key: str) -> None:
    """Raise `InvalidRequest` unless this lower-case text may be a key of file info or bucket info (section 4.4)."""
    if len(key) > limits.FILE_INFO_KEY_MAX_BYTES or _INFO_KEY.match(key) is None:
        raise InvalidRequest(f"Invalid info key: {key!r}", "fileInfo")


def check_file_info(name: str, info: dict[str, str], *, secured: bool) -> None:
    """Raise `InvalidRequest` for an illegal key and `MetadataTooLarge` above the budget of name and info together.

    Files that are encrypted or may be locked, `secured`, have a smaller one.
    """
    budget = limits.FILE_INFO_SECURED_MAX_BYTES if secured else limits.FILE_INFO_MAX_BYTES
    total = len(name)
    for key, value in info.items():
        check_info_key(key)
        total += len(key) + len(value.encode())
    if total > budget:
        raise MetadataTooLarge(f"File name and file info have at most {budget} bytes.", "fileInfo", limit=budget)


def check_bucket_info(info: dict[str, str]) -> None:
    """Raise `InvalidRequest` unless this may be a bucket's info (section 4.5)."""
    if len(info) > limits.BUCKET_INFO_MAX_ENTRIES:
        raise InvalidRequest(f"bucketInfo has at most {limits.BUCKET_INFO_MAX_ENTRIES} entries.", "bucketInfo")
    for key, value in info.items():
        check_info_key(key.lower())
        if len(value.encode()) > limits.BUCKET_INFO_VALUE_MAX_BYTES:
            raise InvalidRequest(f"The value of {key!r} in bucketInfo is too long.", "bucketInfo")
