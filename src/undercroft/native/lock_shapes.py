"""What a principal may see of retention and legal hold, in rows and in the headers of downloads (reference, 7.1, 14.5)."""

from __future__ import annotations

from typing import Any, NamedTuple

from undercroft.http.response import Headers
from undercroft.store.files.locks import may_read_lock
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, FileVersion, Lock, Retention
from undercroft.store.operations import Operation

Shape = dict[str, Any]

MODE_HEADER = "X-Bz-File-Retention-Mode"
UNTIL_HEADER = "X-Bz-File-Retention-Retain-Until-Timestamp"
HOLD_HEADER = "X-Bz-File-Legal-Hold"
HOLD_WORDS = {True: "on", False: "off"}

# A list answers ten thousand rows at once, mostly without any lock, so that the same objects serve for all of them.
_HIDDEN: Shape = {"isClientAuthorizedToRead": False, "value": None}
_NO_RETENTION: Shape = {"isClientAuthorizedToRead": True, "value": {"mode": None, "retainUntilTimestamp": None}}
_NO_HOLD: Shape = {"isClientAuthorizedToRead": True, "value": None}


class LockView(NamedTuple):
    """Which of the two a principal may read."""

    retention: bool
    legal_hold: bool

    @staticmethod
    def of(principal: Principal) -> LockView:
        """What this principal may read of the files of its own account."""
        return LockView(principal.can("readFileRetentions"), principal.can("readFileLegalHolds"))

    def retention_of(self, version: FileVersion) -> Shape:
        """The member `fileRetention`."""
        if not self.retention:
            return _HIDDEN
        if version.retention is None:
            return _NO_RETENTION
        return {"isClientAuthorizedToRead": True, "value": retention_shape(version.retention)}

    def legal_hold_of(self, version: FileVersion) -> Shape:
        """The member `legalHold`."""
        if not self.legal_hold:
            return _HIDDEN
        if version.legal_hold is None:
            return _NO_HOLD
        return {"isClientAuthorizedToRead": True, "value": HOLD_WORDS[version.legal_hold]}


def retention_shape(retention: Retention | None) -> Shape:
    """A retention as it is."""
    if retention is None:
        return {"mode": None, "retainUntilTimestamp": None}
    return {"mode": retention.mode, "retainUntilTimestamp": retention.until_ms}


def bucket_lock_shape(lock: Lock) -> Shape:
    """The value of `fileLockConfiguration`."""
    default = lock.default_retention
    return {
        "defaultRetention": {
            "mode": None if default is None else default.mode,
            "period": None if default is None else {"duration": default.duration, "unit": default.unit},
        },
        "isFileLockEnabled": lock.enabled,
    }


def lock_headers(version: FileVersion, bucket: Bucket, principal: Principal) -> Headers:
    """The headers of a download that tell its lock, or which of them are withheld from this principal."""
    if not bucket.lock.enabled:
        return []
    told: Headers = []
    withheld: list[str] = []
    if not may_read_lock(principal, Operation.READ_RETENTION, bucket, version.name):
        withheld += [MODE_HEADER, UNTIL_HEADER]
    elif version.retention is not None:
        told.append((MODE_HEADER.lower().encode(), version.retention.mode.encode()))
        told.append((UNTIL_HEADER.lower().encode(), b"%d" % version.retention.until_ms))
    if not may_read_lock(principal, Operation.READ_LEGAL_HOLD, bucket, version.name):
        withheld.append(HOLD_HEADER)
    elif version.legal_hold is not None:
        told.append((HOLD_HEADER.lower().encode(), HOLD_WORDS[version.legal_hold].encode()))
    if withheld:
        told.append((b"x-bz-client-unauthorized-to-read", ",".join(withheld).encode()))
    return told
