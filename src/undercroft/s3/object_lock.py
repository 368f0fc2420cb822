"""Object Lock in the headers and documents of S3 (reference, 1.11 and 2.21): its words, and which version is meant."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from undercroft.http.response import Headers
from undercroft.s3.call import Call
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.xml_out import iso_time
from undercroft.store.errors import MissingLock
from undercroft.store.files.lock_rules import COMPLIANCE, GOVERNANCE
from undercroft.store.files.locks import readable_lock
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, FileLock, FileVersion, Retention
from undercroft.store.operations import Operation

NO_LOCK = FileLock()
MODES = {"GOVERNANCE": GOVERNANCE, "COMPLIANCE": COMPLIANCE}
MODE_WORDS = {mode: word for word, mode in MODES.items()}
HOLDS = {"ON": True, "OFF": False}
HOLD_WORDS = {on: word for word, on in HOLDS.items()}

_MODE, _UNTIL, _HOLD = (b"x-amz-object-lock-" + name for name in (b"mode", b"retain-until-date", b"legal-hold"))
_BYPASS = b"x-amz-bypass-governance-retention"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)
# Without its offset a date would mean another moment to each who reads it.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2})")


def asked_lock(headers: Mapping[bytes, bytes]) -> FileLock:
    """The lock that a new object is to have, `NO_LOCK` where nothing is asked. Raises `InvalidArgument` for what is none."""
    mode, until, hold = headers.get(_MODE), headers.get(_UNTIL), headers.get(_HOLD)
    if mode is None and until is None and hold is None:
        return NO_LOCK
    return FileLock(_retention(mode, until), None if hold is None else _hold(hold))


def check_integrity_of_locked(headers: Mapping[bytes, bytes], checksum_algorithm: str | None) -> None:
    """Refuse a lock for bytes that nothing declares: what arrived wrong could not be removed. Raises `InvalidRequest`."""
    if checksum_algorithm is None and b"content-md5" not in headers:
        raise S3Error(
            "InvalidRequest",
            "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
        )


def bypasses_governance(call: Call) -> bool:
    """Whether the request asks to end governance early."""
    return call.headers.get(_BYPASS, b"").strip().lower() == b"true"


def lock_headers(principal: Principal, bucket: Bucket, version: FileVersion) -> Headers:
    """The headers of an object's answer that tell its lock, as far as the principal may know of it."""
    lock = readable_lock(principal, bucket, version)
    headers: Headers = []
    if lock.retention is not None:
        headers.append((_MODE, MODE_WORDS[lock.retention.mode].encode("ascii")))
        headers.append((_UNTIL, date_text(lock.retention.until_ms).encode("ascii")))
    if lock.legal_hold is not None:
        headers.append((_HOLD, HOLD_WORDS[lock.legal_hold].encode("ascii")))
    return headers


async def lockable_version(call: Call, operation: Operation) -> tuple[Bucket, FileVersion]:
    """The version addressed and its bucket, for an operation that reads its lock, which is judged by this.

    Raises what `Call.version` raises, `AccessDenied` for nobody, and `MissingLock`.
    """
    call.require_signature()
    return await _lockable(call, await call.bucket(), operation)


async def version_to_lock(call: Call, operation: Operation) -> tuple[Bucket, FileVersion]:
    """The same for an operation that changes the lock: the audit log has who may not."""
    call.require_signature()
    bucket = await call.bucket()
    async with call.store.files.locking(call.managing, operation, bucket, call.key):
        return await _lockable(call, bucket, operation)


async def _lockable(call: Call, bucket: Bucket, operation: Operation) -> tuple[Bucket, FileVersion]:
    version = await call.version(bucket, operation=operation)
    if not bucket.lock.enabled:
        raise MissingLock
    return bucket, version


def not_locked(call: Call) -> S3Error:
    """The answer for a version without the kind of lock that is asked for."""
    return S3Error("NoSuchObjectLockConfiguration", extras={"Key": call.key})


def parse_date(text: str) -> int | None:
    """The moment of an ISO 8601 date in milliseconds since the epoch, or None where it is none.

    Between two milliseconds it is the later one, so that nothing is locked for less than was asked.
    """
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return -((_EPOCH - dt.datetime.fromisoformat(text)) // _MILLISECOND)
    except ValueError:  # There is no such day or hour.
        return None


def date_text(at_ms: int) -> str:
    """The moment in ISO 8601, as precise as it has to be."""
    return iso_time(at_ms).replace(".000Z", "Z")


def _retention(mode: bytes | None, until: bytes | None) -> Retention | None:
    if mode is None and until is None:
        return None
    if mode is None or until is None:
        both = f"{_UNTIL.decode('ascii')} and {_MODE.decode('ascii')} must both be supplied"
        raise _invalid(_UNTIL, until or b"", both) if mode is None else _invalid(_MODE, mode, both)
    if (word := _text(mode)) not in MODES:
        raise _invalid(_MODE, mode, "The mode of a retention is GOVERNANCE or COMPLIANCE.")
    until_ms = parse_date(_text(until))
    if until_ms is None:
        raise _invalid(_UNTIL, until, "The retain until date must be provided in ISO 8601 format")
    return Retention(MODES[word], until_ms)


def _hold(value: bytes) -> bool:
    on = HOLDS.get(_text(value))
    if on is None:
        raise _invalid(_HOLD, value, "Legal Hold must be either of 'ON' or 'OFF'")
    return on


def _invalid(header: bytes, value: bytes, message: str) -> S3Error:
    return invalid_argument(header.decode("ascii"), _text(value)[:100], message)


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip()
