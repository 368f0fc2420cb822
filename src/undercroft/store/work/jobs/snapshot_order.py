"""What may be asked of a snapshot."""

from __future__ import annotations

from undercroft import limits
from undercroft.catalog.contract import Rows
from undercroft.store.errors import InvalidRequest
from undercroft.store.model import SNAPSHOT, Bucket
from undercroft.store.operations import Operation
from undercroft.store.work.jobs.model import Snapshot
from undercroft.store.work.jobs.task import Order


class SnapshotOrder(Order):
    """See `Snapshot`."""

    needs = (Operation.READ_FILE, Operation.LIST_FILES)

    def __init__(self, asked: Snapshot) -> None:
        self._asked = asked
        self.prefix = asked.prefix

    async def check(self, _rows: Rows, bucket: Bucket) -> None:
        """See `Order`. Snapshots of snapshots are none."""
        asked = self._asked
        if bucket.type == SNAPSHOT:
            raise InvalidRequest("There are no snapshots of snapshots.", "names")
        if asked.valid_days is not None and asked.valid_days not in limits.SNAPSHOT_VALID_DAYS:
            raise InvalidRequest("Choose how long it is to be kept.", "validDays")
        if not asked.names:
            raise InvalidRequest("Choose what is to be in it.", "names")
        if (
            len(asked.names) > limits.SNAPSHOT_NAMES_MAX
            or sum(map(len, asked.names)) > limits.SNAPSHOT_NAMES_MAX_LENGTH
        ):
            raise InvalidRequest(
                "These are too many names for one snapshot. Choose the folder that they are in.", "names"
            )
        if not all(name.startswith(asked.prefix) for name in asked.names):
            raise InvalidRequest("All that is in a snapshot has to lie in its folder.", "names")
