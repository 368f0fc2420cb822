"""Conditional reads and writes: what the If-… headers of a request say of an object.

The order of precedence is the reference's, 2.10: a tag outranks the date beside it, a failed precondition outranks
"not modified". The same rule serves the source of a copy, whose headers have a prefix and where both answers are 412.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from undercroft.s3.errors import S3Error
from undercroft.store.model import FileVersion, WriteCondition

_READ = frozenset({b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since"})
_COPY_PREFIX = b"x-amz-copy-source-"


def is_not_modified(headers: Mapping[bytes, bytes], version: FileVersion, now_ms: int) -> bool:
    """Whether a GET or HEAD is to be answered 304. Raises `PreconditionFailed`."""
    if _READ.isdisjoint(headers):
        return False
    return _judge(headers, b"", version, now_ms)


def check_copy_source(headers: Mapping[bytes, bytes], source: FileVersion, now_ms: int) -> None:
    """Judge the `x-amz-copy-source-if-…` headers. Raises `PreconditionFailed`, also where a read would get 304."""
    if _judge(headers, _COPY_PREFIX, source, now_ms):
        raise _failed(b"x-amz-copy-source-If-None-Match")


def write_condition(headers: Mapping[bytes, bytes]) -> WriteCondition | None:
    """What a write demands of the current version, for the store to judge in the committing transaction.

    Raises `NotImplemented` where both tags are given, as AWS does.
    """
    match, none_match = headers.get(b"if-match"), headers.get(b"if-none-match")
    if match is None and none_match is None:
        return None
    if match is not None and none_match is not None:
        raise S3Error(
            "NotImplemented",
            "A header you provided implies functionality that is not implemented.",
            extras={"Header": "If-None-Match", "additionalMessage": "If-Match and If-None-Match exclude each other"},
        )
    return WriteCondition(
        if_match=None if match is None else _bare_tag(match),
        if_none_match=None if none_match is None else _bare_tag(none_match),
    )


def bare_etag(text: str) -> str:
    """An ETag without its quotes and without the mark of a weak one."""
    text = text.strip()
    text = text.removeprefix("W/")
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _bare_tag(value: bytes) -> str:
    return bare_etag(value.decode("latin-1"))


def _judge(headers: Mapping[bytes, bytes], prefix: bytes, version: FileVersion, now_ms: int) -> bool:
    """True for not modified; raises `PreconditionFailed`."""
    match = headers.get(prefix + b"if-match")
    if match is not None:
        if not _lists(match, version.etag):
            raise _failed(prefix + b"If-Match")
    else:
        unmodified_since = _seconds(headers.get(prefix + b"if-unmodified-since"))
        if unmodified_since is not None and version.uploaded_ms // 1000 > unmodified_since:
            raise _failed(prefix + b"If-Unmodified-Since")
    none_match = headers.get(prefix + b"if-none-match")
    if none_match is not None:
        return _lists(none_match, version.etag)
    modified_since = _seconds(headers.get(prefix + b"if-modified-since"))
    if modified_since is None or modified_since > now_ms // 1000:
        return False
    return version.uploaded_ms // 1000 <= modified_since


def _lists(value: bytes, etag: str) -> bool:
    """Whether a list of tags (quoted or bare) or `*` has this tag."""
    return any(tag in {"*", etag} for tag in map(_bare_tag, value.split(b",")))


def _seconds(value: bytes | None) -> int | None:
    """An HTTP date in seconds, or None: a date that cannot be read counts as absent (RFC 9110, 13.1.3)."""
    if value is None:
        return None
    try:
        return int(parsedate_to_datetime(value.decode("latin-1")).timestamp())
    except (ValueError, OverflowError):
        return None


def _failed(condition: bytes) -> S3Error:
    return S3Error("PreconditionFailed", extras={"Condition": condition.decode("ascii")})
