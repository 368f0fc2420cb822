"""The rows that somebody ticked off as one zip, streamed while it is made."""

from __future__ import annotations

from collections import Counter

from starlette.responses import Response

from undercroft import limits
from undercroft.console.files.addresses import disposition
from undercroft.console.files.places import label_of
from undercroft.console.files.selection import names_of, note
from undercroft.console.languages import _
from undercroft.console.streamed import Streamed
from undercroft.console.visit import Visit
from undercroft.store.errors import Busy
from undercroft.store.files.archive import Archive

_under_way: Counter[str] = Counter()  # In this process, by account.


async def zipped(visit: Visit) -> Response:
    """The selection as one zip. Raises `Busy` where too many are being made, of the account or of all."""
    bucket = await visit.bucket()
    account_id, prefix, names = bucket.account_id, visit.field("prefix"), names_of(visit)
    note(visit, bucket, names, [])
    if _under_way.total() >= limits.ZIPS_AT_ONCE or _under_way[account_id] >= limits.ZIPS_PER_ACCOUNT:
        raise Busy(_("Other zips are being made. A snapshot can be made at any time."))
    archive = Archive(visit.store.files, visit.principal, bucket, prefix, names)

    async def let_go() -> None:
        _under_way[account_id] -= 1
        if not _under_way[account_id]:
            del _under_way[account_id]
        await archive.close()

    _under_way[account_id] += 1
    try:
        await archive.begin()
    except BaseException:
        await let_go()
        raise
    name = f"{label_of(prefix).rpartition('/')[2] or bucket.name}.zip"
    headers = {"content-disposition": disposition(name), "transfer-encoding": "chunked"}
    return Streamed(archive.blocks(), "application/zip", headers, let_go)
