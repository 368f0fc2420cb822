"""The reserve: uploads are refused before the disk is full, so that deletes still have room (P12, P13).

Asking the file system costs microseconds, but may block where the disk hangs, so one answer serves for a moment. Within
that moment our own writes are subtracted; those of other processes are unknown, so a look serves only for so many bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from undercroft import limits
from undercroft.blobs.contract import NoSpace
from undercroft.blobs.local.disk import Disk, blob_errors


class SpaceReserve:
    """Keeps `reserve_bytes` free on the disk that holds `root`. Safe for many threads."""

    def __init__(self, root: str, *, disk: Disk, reserve_bytes: int, monotonic: Callable[[], float]) -> None:
        self._root = root
        self._disk = disk
        self._reserve_bytes = reserve_bytes
        self._monotonic = monotonic
        self._lock = Lock()
        self._free_bytes = 0  # At the last look, less what was written since.
        self._trusted_until_s = float("-inf")
        self._trusted_bytes = 0

    @property
    def is_fresh(self) -> bool:
        """Whether the last look still serves, so that `require(0)` does not block."""
        return self._trusted_bytes > 0 and self._monotonic() < self._trusted_until_s

    def require(self, size_bytes: int) -> None:
        """Count on writing so many bytes now. Raises `NoSpace` where the reserve would not stay free."""
        with self._lock:
            if not self.is_fresh:
                with blob_errors("Asking for the free space of the disk"):
                    self._free_bytes = self._disk.free_bytes(self._root)
                self._trusted_until_s = self._monotonic() + limits.DISK_SPACE_TRUSTED_S
                self._trusted_bytes = limits.DISK_SPACE_TRUSTED_BYTES
            if self._free_bytes - size_bytes < self._reserve_bytes:
                raise NoSpace(
                    f"The disk of {self._root} has {self._free_bytes} bytes left; {self._reserve_bytes} are kept free."
                )
            self._free_bytes -= size_bytes
            self._trusted_bytes -= size_bytes
