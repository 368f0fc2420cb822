"""The source of a copy: what `x-amz-copy-source` says, and the version it means (reference, 2.12)."""

from __future__ import annotations

from dataclasses import dataclass

from undercroft import limits
from undercroft.http.errors import MalformedURL
from undercroft.http.request import percent_decode
from undercroft.s3.call import Call
from undercroft.s3.conditions import check_copy_source
from undercroft.s3.errors import ErrorContext, S3Error, from_store_error, invalid_argument
from undercroft.store.errors import IsHideMarker, StoreError
from undercroft.store.model import FileVersion

_VERSION_MARK = b"?versionId="
_HEX = frozenset(b"0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class CopySource:
    """What the header names. `version_id` is None for the current version."""

    bucket: str
    key: str
    version_id: str | None


def parse_copy_source(value: bytes) -> CopySource:
    """Read the header, decoding exactly once. A plus is a plus. Raises `InvalidArgument`."""
    # The version is split off the raw value first: `%3FversionId=` within a key is part of that key.
    path, mark, version = value.strip().rpartition(_VERSION_MARK)
    if not mark:
        path, version = value.strip(), b""
    if not _is_percent_encoded(path):
        raise _invalid(value)
    try:
        text, version_id = percent_decode(path), percent_decode(version)
    except MalformedURL as error:
        raise _invalid(value) from error
    if not mark and "?versionId=" in text:
        # Some clients encode the value whole, with the question mark.
        text, mark_text, version_id = text.rpartition("?versionId=")
        mark = mark_text.encode("ascii")
    bucket, _, key = text.removeprefix("/").partition("/")
    if not bucket or not key or bucket.startswith("arn:") or (mark and not version_id):
        raise _invalid(value)
    return CopySource(bucket, key, version_id if mark else None)


async def find_copy_source(call: Call, source: CopySource) -> FileVersion:
    """The version to copy, when the caller may read it and its conditions hold.

    Raises what reading raises, `InvalidRequest` for a delete marker, `AccessDenied` for another owner than expected and
    `PreconditionFailed`.
    """
    try:
        found = await call.store.buckets.find(name=source.bucket)
        bucket = call.of_expected_owner(found, b"x-amz-source-expected-bucket-owner")
        version = await call.readable_version(bucket, source.key, source.version_id)
    except IsHideMarker as error:
        raise S3Error(
            "InvalidRequest", "The source of a copy request may not specifically refer to a delete marker."
        ) from error
    except StoreError as error:
        # The call's own bucket and key are the destination; an error about the source must name the source.
        context = ErrorContext(bucket=source.bucket, key=source.key, version_id=source.version_id or "")
        raise from_store_error(error, context) from error
    check_copy_source(call.headers, version, call.now_ms)
    return version


def source_too_large() -> S3Error:
    """The error for a source, or a range of one, that is more than a copy may have."""
    return S3Error(
        "InvalidRequest",
        f"The specified copy source is larger than the maximum allowable size for a copy source: {limits.COPY_MAX_BYTES}",
    )


def _is_percent_encoded(raw: bytes) -> bool:
    """Whether every percent sign begins an escape."""
    at = raw.find(b"%")
    while at >= 0:
        escape = raw[at + 1 : at + 3]
        if len(escape) < 2 or not _HEX.issuperset(escape):
            return False
        at = raw.find(b"%", at + 3)
    return True


def _invalid(value: bytes) -> S3Error:
    shown = value.decode("latin-1")[:1024]
    return invalid_argument("x-amz-copy-source", shown, "The copy source must be bucket/key, percent-encoded.")
