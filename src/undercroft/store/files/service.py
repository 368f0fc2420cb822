"""The file store whole: one object with everything that can be done with files."""

from __future__ import annotations

from undercroft.store.files.copies import Copies
from undercroft.store.files.moments import Moments
from undercroft.store.files.replicas import Replicas
from undercroft.store.files.selections import Selections


class Files(Copies, Selections, Moments, Replicas):
    """Uploads, large files, copies, lists, looking around, moments, reads, removals, locks and replicas of file versions."""
