"""The file store whole: one object with everything that can be done with files."""

from __future__ import annotations

from undercroft.store.files.clones import Clones
from undercroft.store.files.copies import Copies
from undercroft.store.files.listing import Lists
from undercroft.store.files.locks import Locks
from undercroft.store.files.moments import Moments
from undercroft.store.files.removals import Removals
from undercroft.store.files.replicas import Replicas
from undercroft.store.files.uploads import Uploads


class Files(Uploads, Copies, Clones, Lists, Moments, Removals, Locks, Replicas):
    """Uploads, large files, copies, clones, lists, moments, reads, removals, locks and replicas of file versions."""
