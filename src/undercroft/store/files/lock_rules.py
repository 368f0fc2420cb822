"""The rules of Object Lock on files, as pure functions over rows of the catalog (B2 Native API reference, section 14).

Everything that removes a version or changes its lock asks here, inside its transaction (P7). What cannot be read as a
lock that has ended counts as one that has not.
"""

from __future__ import annotations

import datetime as dt

from undercroft import limits
from undercroft.catalog import versions
from undercroft.catalog.versions import VersionRow
from undercroft.store.errors import InvalidRequest, MissingLock, RetentionPast, RetentionProtected, VersionLocked
from undercroft.store.model import Bucket, DefaultRetention, NewFile, Retention

GOVERNANCE, COMPLIANCE = "governance", "compliance"
MODES = (GOVERNANCE, COMPLIANCE)
DAYS, YEARS = "days", "years"
_DAY_MS = 86_400_000


def check_default_retention(default: DefaultRetention) -> None:
    """Raise `InvalidRequest` unless a bucket may have this default."""
    if default.mode not in MODES:
        raise InvalidRequest(f"Invalid retention mode: {default.mode[:100]}", "defaultRetention")
    longest = {DAYS: limits.RETENTION_MAX_DAYS, YEARS: limits.RETENTION_MAX_YEARS}.get(default.unit)
    if longest is None:
        raise InvalidRequest(f"Invalid retention unit: {default.unit[:100]}", "defaultRetention")
    if not 1 <= default.duration <= longest:
        raise InvalidRequest(f"The duration of a retention must be 1 to {longest} {default.unit}", "defaultRetention")


def check_retention(retention: Retention, now_ms: int) -> None:
    """Raise `InvalidRequest` and `RetentionPast` unless a file may get this retention now."""
    if retention.mode not in MODES:
        raise InvalidRequest(f"Invalid retention mode: {retention.mode[:100]}", "fileRetention")
    if retention.until_ms > limits.RETAIN_UNTIL_MAX_MS:
        raise InvalidRequest("The retainUntilTimestamp is too far in the future", "fileRetention")
    if retention.until_ms <= now_ms:
        raise RetentionPast("The retainUntilTimestamp must be in future")


def check_bucket_locks(bucket: Bucket) -> None:
    """Raise `MissingLock` in a bucket whose files cannot be locked."""
    if not bucket.lock.enabled:
        raise MissingLock("The bucket is not file lock enabled")


def check_new_file_lock(bucket: Bucket, new: NewFile, now_ms: int) -> None:
    """Raise unless a file that comes with this retention and legal hold may be made in the bucket."""
    if new.retention is None and new.legal_hold is None:
        return
    check_bucket_locks(bucket)
    if new.retention is not None:
        check_retention(new.retention, now_ms)


def with_lock(row: VersionRow, bucket: Bucket, new: NewFile) -> VersionRow:
    """The row of a new file with the lock it asks for, or else the bucket's default, from when its bytes came."""
    return with_default(with_own_lock(row, new), bucket)


def with_default(row: VersionRow, bucket: Bucket) -> VersionRow:
    """The row with the bucket's default, from when its bytes came, unless it has a retention of its own."""
    default = bucket.lock.default_retention
    if default is None or row.retention_mode is not None:
        return row
    return row._replace(retention_mode=default.mode, retain_until_ms=end_of(default, row.received_ms))


def with_own_lock(row: VersionRow, new: NewFile) -> VersionRow:
    """The row of a new file with the lock that it asks for itself."""
    retention = new.retention
    if retention is None and new.legal_hold is None:
        return row
    hold = None if new.legal_hold is None else int(new.legal_hold)
    if retention is None:
        return row._replace(legal_hold=hold)
    return row._replace(retention_mode=retention.mode, retain_until_ms=retention.until_ms, legal_hold=hold)


def end_of(default: DefaultRetention, from_ms: int) -> int:
    """When a retention of the bucket's default that begins at `from_ms` ends. A year ends on the same date."""
    if default.unit == DAYS:
        return from_ms + default.duration * _DAY_MS
    moment = dt.datetime.fromtimestamp(from_ms // 1000, dt.UTC)
    year = moment.year + default.duration
    try:
        later = moment.replace(year=year)
    except ValueError:  # 29 February of a year that has none: never a day too short.
        later = moment.replace(year=year, month=3, day=1)
    return int(later.timestamp()) * 1000 + from_ms % 1000


def check_removable(row: VersionRow, now_ms: int, *, bypass: bool) -> None:
    """Raise `VersionLocked` for a finished version under retention or legal hold.

    `bypass` ends governance, for a principal that was judged to have the right. An unfinished large file is no file yet.
    """
    if row.action != versions.UPLOAD:
        return
    if row.legal_hold or (is_retained(row, now_ms) and not (bypass and row.retention_mode == GOVERNANCE)):
        raise VersionLocked("Access Denied")


def check_retention_change(row: VersionRow, wanted: Retention | None, now_ms: int, *, bypass: bool) -> None:
    """Raise `RetentionProtected` for a change that makes a retention end earlier or be weaker.

    In governance that takes `bypass`, for a principal that was judged to have the right; in compliance nothing helps.
    """
    if not is_retained(row, now_ms):
        return
    if row.retention_mode == GOVERNANCE and bypass:
        return
    weaker = wanted is None or (row.retention_mode != GOVERNANCE and wanted.mode == GOVERNANCE)
    if weaker or row.retain_until_ms is None or (wanted is not None and wanted.until_ms < row.retain_until_ms):
        raise RetentionProtected("Access Denied")


def is_locked(row: VersionRow, now_ms: int) -> bool:
    """Whether a version is under retention or legal hold."""
    return bool(row.legal_hold) or is_retained(row, now_ms)


def is_retained(row: VersionRow, now_ms: int) -> bool:
    """Whether a version is under retention."""
    return row.retention_mode is not None and (row.retain_until_ms is None or row.retain_until_ms > now_ms)
