"""Which request headers mean what, as tables, and the headers of an object's answers.

A header that asks for something we do not do is refused, never ignored: somebody who asks for encryption and gets a
success must have got encryption. So every header of every operation that we answer is honoured by its handler, refused
here, or listed as harmless with the reason; a test holds the three against the facts table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import lru_cache

from undercroft.http.active_content import protecting_headers
from undercroft.http.response import Headers
from undercroft.s3.encryption import encryption_headers
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.metadata import DEFAULT_CONTENT_TYPE, header_value, info_headers
from undercroft.store.model import Bucket, Checksum, FileVersion

ACL = "x-amz-acl"
CANNED_ACLS = {"allPrivate": "private", "allPublic": "public-read"}
_TYPES = {acl: bucket_type for bucket_type, acl in CANNED_ACLS.items()}

# Headers that are read by nobody, and why a client loses nothing by that.
HARMLESS: dict[str, str] = {
    "x-amz-bucket-object-lock-token": "Object Lock is enabled in a bucket that is there already without one",
    "x-amz-mfa": "deleting with MFA cannot be switched on",
    "x-amz-object-annotation-directive": "there are no annotations to copy",
    "x-amz-optional-object-attributes": "nothing is ever archived, so there is no restore status",
    "x-amz-request-payer": "requests are free of charge",
    "x-amz-transition-default-minimum-object-size": "there is one storage class",
    "x-amz-tagging-directive": "there are no tags to copy; B2 accepts any value",
}


def _not_implemented(name: str, value: str) -> None:
    raise S3Error(
        "NotImplemented",
        "A header you provided implies functionality that is not implemented.",
        extras={"Header": name, "additionalMessage": value[:100]},
    )


def _no_kms(name: str, value: str) -> None:
    raise S3Error(
        "InvalidArgument", f"{name} is for keys of KMS, of which there are none.", extras={"ArgumentName": name}
    )


def _only(*accepted: str) -> Callable[[str, str], None]:
    """A check that takes these values alone, in any case."""

    def check(name: str, value: str) -> None:
        if value.lower() not in accepted:
            _not_implemented(name, value)

    return check


def _storage_class(name: str, value: str) -> None:
    if value != "STANDARD":
        raise S3Error("InvalidStorageClass", extras={"StorageClassRequested": value})


def _check_tagging(name: str, value: str) -> None:
    if value:
        _not_implemented(name, value)


# What is done about a header before its operation runs.
CHECKED: dict[str, Callable[[str, str], None]] = {
    "x-amz-bucket-namespace": _only("global"),
    "x-amz-grant-full-control": _not_implemented,
    "x-amz-grant-read": _not_implemented,
    "x-amz-grant-read-acp": _not_implemented,
    "x-amz-grant-write": _not_implemented,
    "x-amz-grant-write-acp": _not_implemented,
    "x-amz-if-match-initiated-time": _not_implemented,
    "x-amz-if-match-last-modified-time": _not_implemented,
    "x-amz-if-match-size": _not_implemented,
    "x-amz-object-lock-event-hold": _not_implemented,
    "x-amz-object-lock-event-hold-duration-days": _not_implemented,
    "x-amz-object-lock-event-hold-duration-years": _not_implemented,
    "x-amz-object-ownership": _only("bucketownerenforced"),  # Our buckets have no other rule.
    "x-amz-server-side-encryption-aws-kms-key-id": _no_kms,
    "x-amz-server-side-encryption-bucket-key-enabled": _only("false"),  # It is about keys of KMS.
    "x-amz-server-side-encryption-context": _no_kms,
    "x-amz-storage-class": _storage_class,
    "x-amz-tagging": _check_tagging,
    "x-amz-website-redirect-location": _not_implemented,
    "x-amz-write-offset-bytes": _not_implemented,
}
_CHECKED_NAMES = frozenset(name.encode("ascii") for name in CHECKED)


def check_settings(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a request with a header that asks for what we do not do. Raises the `S3Error` for it."""
    if _CHECKED_NAMES.isdisjoint(headers):
        return
    for raw_name in _CHECKED_NAMES.intersection(headers):
        name = raw_name.decode("ascii")
        CHECKED[name](name, headers[raw_name].decode("latin-1").strip())


def bucket_type_of(acl: str) -> str:
    """The type of a bucket with this canned ACL. Raises `InvalidArgument` for another one."""
    if acl not in _TYPES:
        raise invalid_argument(ACL, acl, f"Unsupported value for canned acl '{acl}'")
    return _TYPES[acl]


def check_object_acl(headers: Mapping[bytes, bytes], bucket: Bucket) -> None:
    """An object's ACL is its bucket's: another one is refused (reference, 1.5). Raises `InvalidArgument`."""
    value = headers.get(b"x-amz-acl")
    if value is None:
        return
    acl = value.decode("latin-1").strip()
    if acl != CANNED_ACLS.get(bucket.type):
        raise invalid_argument(ACL, acl, f"Unsupported value for canned acl '{acl}'")


@lru_cache(maxsize=4096)
def http_date(seconds: int) -> bytes:
    """A time as headers have it: `Sun, 22 Nov 2026 15:45:00 GMT`."""
    at = time.gmtime(seconds)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.tm_wday]
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[at.tm_mon - 1]
    return (f"{day}, {at.tm_mday:02} {month} {at.tm_year:04} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT").encode(
        "ascii"
    )


def quoted_etag(version: FileVersion) -> bytes:
    """The ETag header's value."""
    return b'"%b"' % version.etag.encode("ascii")


def checksum_headers(checksum: Checksum | None) -> Headers:
    """The two headers of a stored checksum, or none."""
    if checksum is None:
        return []
    return [
        (b"x-amz-checksum-" + checksum.algorithm.encode("ascii"), checksum.value.encode("ascii")),
        (b"x-amz-checksum-type", checksum.type.encode("ascii")),
    ]


@lru_cache(maxsize=1024)
def _type_headers(content_type: str) -> Headers:
    value = header_value(content_type) or DEFAULT_CONTENT_TYPE.encode("ascii")
    return [(b"content-type", value), *protecting_headers(content_type)]


def object_headers(version: FileVersion, overrides: Mapping[bytes, bytes]) -> Headers:
    """The headers that GET and HEAD of a version share, whatever part of it is asked for.

    `overrides` are the `response-…` parameters by header name; they replace what is stored.
    """
    content_type = overrides.get(b"content-type")
    headers: Headers = [
        (b"last-modified", http_date(version.uploaded_ms // 1000)),
        (b"etag", quoted_etag(version)),
        (b"accept-ranges", b"bytes"),
        (b"x-amz-version-id", str(version.file_id).encode("ascii")),
        *_type_headers(version.content_type if content_type is None else content_type.decode("utf-8")),
    ]
    if version.replication_status is not None:
        headers.append((b"x-amz-replication-status", version.replication_status.name.encode("ascii")))
    if version.encryption is not None:
        headers += encryption_headers(version.encryption)
    if version.info:
        headers += info_headers(version.info)
    if overrides:
        headers = [header for header in headers if header[0] not in overrides or header[0] == b"content-type"]
        headers += [header for header in overrides.items() if header[0] != b"content-type"]
    return headers
