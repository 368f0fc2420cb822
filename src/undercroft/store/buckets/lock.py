"""The rules for changing a bucket's Object Lock (B2 Native API reference, 14.1)."""

from __future__ import annotations

import msgspec

from undercroft.store.errors import LockCannotBeDisabled, MissingLock
from undercroft.store.files.lock_rules import check_default_retention
from undercroft.store.model import DefaultRetention, Lock


class LockChange(msgspec.Struct, frozen=True):
    """What to change: what is None stays, and the default retention goes where `clears_default` is set."""

    enabled: bool | None = None
    default_retention: DefaultRetention | None = None
    clears_default: bool = False

    @property
    def changes(self) -> bool:
        """Whether anything is asked for."""
        return self.enabled is not None or self.default_retention is not None or self.clears_default

    def check(self) -> None:
        """Raise `InvalidRequest` for values that no bucket can have."""
        if self.default_retention is not None:
            check_default_retention(self.default_retention)

    def apply(self, lock: Lock) -> Lock:
        """The lock after the change. Raises `LockCannotBeDisabled` and `MissingLock`."""
        if lock.enabled and self.enabled is False:
            raise LockCannotBeDisabled(
                "fileLockEnabled value of false is not allowed when bucket is already file lock enabled."
            )
        enabled = lock.enabled or bool(self.enabled)
        if self.default_retention is not None and not enabled:
            raise MissingLock("The bucket is not file lock enabled")
        default = None if self.clears_default else self.default_retention or lock.default_retention
        return Lock(enabled, default)


NO_LOCK_CHANGE = LockChange()
