"""Blobs on a local disk: a file a blob. See DESIGN.md in the folder above."""

from undercroft.blobs.local.disk import Disk
from undercroft.blobs.local.driver import LocalBlobs

__all__ = ["Disk", "LocalBlobs"]
