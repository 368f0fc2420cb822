"""What happens to versions, and what has to be remembered of it for others.

`happened` is called once for every version that is made and every one that is removed, inside the transaction that does it:
`FilesBase._place` and `Removals._remove` see to that. So whatever follows from a change is a row of the same transaction,
and there is neither a change without its event nor an event without its change.
"""

from __future__ import annotations

from enum import Enum

from undercroft.catalog import outbox
from undercroft.catalog.contract import Transaction
from undercroft.catalog.outbox import Event
from undercroft.catalog.versions import VersionRow
from undercroft.store.ids import FileId
from undercroft.store.model import Bucket


class Happening(Enum):
    """What happened to a version, and why; its value is B2's type of the event."""

    UPLOAD = "b2:ObjectCreated:Upload"
    MULTIPART_UPLOAD = "b2:ObjectCreated:MultipartUpload"  # Finished from parts, wherever those came from.
    COPY = "b2:ObjectCreated:Copy"
    REPLICA = "b2:ObjectCreated:Replica"
    MULTIPART_REPLICA = "b2:ObjectCreated:MultipartReplica"
    HIDE = "b2:HideMarkerCreated:Hide"
    LIFECYCLE_HIDE = "b2:HideMarkerCreated:LifecycleRule"
    DELETE = "b2:ObjectDeleted:Delete"  # Of any finished version, hide markers too.
    LIFECYCLE_DELETE = "b2:ObjectDeleted:LifecycleRule"


_CREATED = frozenset(
    {
        Happening.UPLOAD,
        Happening.MULTIPART_UPLOAD,
        Happening.COPY,
        Happening.REPLICA,
        Happening.MULTIPART_REPLICA,
    }
)


async def happened(tx: Transaction, bucket: Bucket, row: VersionRow, happening: Happening, now_ms: int) -> None:
    """Remember what was just done to a version. `bucket` is as it is in this transaction.

    A bucket without rules costs nothing: no statement is run.
    """
    for rule in bucket.notification_rules:
        if rule.hears(happening.value, row.name):
            event = Event(
                event_type=happening.value,
                at_ms=now_ms,
                name=row.name,
                size=row.size if happening in _CREATED else None,
                file_id=str(FileId(row.bucket_id, row.kind, row.handle, row.born_ms)),
            )
            await outbox.add(tx, bucket.bucket_id, rule.rule_id, event)
