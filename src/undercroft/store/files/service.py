"""The file store whole: one object with everything that can be done with files."""

from __future__ import annotations

from undercroft.store.files.copies import Copies
from undercroft.store.files.hidings import Hidings
from undercroft.store.files.moments import Moments
from undercroft.store.files.replicas import Replicas


class Files(Copies, Hidings, Moments, Replicas):
    """Uploads, large files, copies, lists, looking around, moments, reads, removals, locks and replicas of file versions."""
