"""Object Lock in requests: retention and legal hold of new files, and the calls that change them (reference, section 14)."""

from __future__ import annotations

import msgspec

from undercroft.http.request import Request
from undercroft.native.bodies import Body
from undercroft.native.call import Answer, Call
from undercroft.native.errors import BadRequest
from undercroft.native.file_ids import bucket_of_file
from undercroft.native.lock_shapes import HOLD_HEADER, HOLD_WORDS, MODE_HEADER, UNTIL_HEADER, retention_shape
from undercroft.native.timestamps import parse_timestamp
from undercroft.store.buckets.lock import NO_LOCK_CHANGE, LockChange
from undercroft.store.model import DefaultRetention, FileLock, Retention

_HOLDS = {word: on for on, word in HOLD_WORDS.items()}


class FileRetention(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The retention of a file in a body."""

    mode: str | None = None
    retain_until_timestamp: int | None = None


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a bucket's default retention lasts."""

    duration: int
    unit: str


class BucketRetention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The default retention of a bucket in a body; without a mode, none."""

    mode: str | None = None
    period: Period | None = None


class UpdateFileRetention(Body):
    """The body of `b2_update_file_retention`."""

    file_name: str
    file_id: str
    file_retention: FileRetention
    bypass_governance: bool | None = None


class UpdateFileLegalHold(Body):
    """The body of `b2_update_file_legal_hold`."""

    file_name: str
    file_id: str
    legal_hold: str


def _retention(mode: str | None, until_ms: int | None) -> Retention | None:
    if mode is None and until_ms is None:
        return None
    if mode is None or until_ms is None:
        raise BadRequest("The mode of a retention and its retainUntilTimestamp must be given together")
    return Retention(mode, until_ms)


def _hold(word: str | None) -> bool | None:
    if word is None:
        return None
    hold = _HOLDS.get(word)
    if hold is None:
        raise BadRequest(f"legalHold must be on or off: {word[:100]}")
    return hold


def lock_of_body(retention: FileRetention | None, legal_hold: str | None) -> FileLock:
    """The lock that a body asks for. Raises `BadRequest`."""
    asked = retention or FileRetention()
    return FileLock(_retention(asked.mode, asked.retain_until_timestamp), _hold(legal_hold))


def lock_of_headers(request: Request) -> FileLock:
    """The lock that the headers of an upload ask for. Raises `BadRequest`."""
    until_ms = parse_timestamp(request.header(UNTIL_HEADER.lower()), UNTIL_HEADER)
    hold = request.header(HOLD_HEADER.lower())
    return FileLock(_retention(request.header(MODE_HEADER.lower()), until_ms), _hold(hold))


def bucket_lock_change(enabled: bool | None, retention: BucketRetention | None) -> LockChange:
    """The change that a bucket's body asks for. Raises `BadRequest`."""
    if enabled is None and retention is None:
        return NO_LOCK_CHANGE
    if retention is None or retention.mode is None:
        if retention is not None and retention.period is not None:
            raise BadRequest("defaultRetention has a period but no mode")
        return LockChange(enabled, clears_default=retention is not None)
    if retention.period is None:
        raise BadRequest("defaultRetention has a mode but no period")
    period = retention.period
    return LockChange(enabled, DefaultRetention(retention.mode, period.duration, period.unit))


async def update_file_retention(call: Call, body: UpdateFileRetention) -> Answer:
    """Set, extend or end the retention of a version."""
    retention = lock_of_body(body.file_retention, None).retention
    bucket = await bucket_of_file(call.store, body.file_id)
    version = await call.store.files.update_retention(
        call.managing, bucket, body.file_name, body.file_id, retention, bypass=bool(body.bypass_governance)
    )
    return {
        "fileId": body.file_id,
        "fileName": body.file_name,
        "fileRetention": retention_shape(version.retention),
    }


async def update_file_legal_hold(call: Call, body: UpdateFileLegalHold) -> Answer:
    """Put a legal hold on a version, or take it off."""
    hold = _hold(body.legal_hold)
    assert hold is not None
    bucket = await bucket_of_file(call.store, body.file_id)
    await call.store.files.update_legal_hold(call.managing, bucket, body.file_name, body.file_id, on=hold)
    return {"fileId": body.file_id, "fileName": body.file_name, "legalHold": body.legal_hold}
