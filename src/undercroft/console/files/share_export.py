"""The share links of a bucket as a table to keep, without the links themselves, which nobody is told again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from starlette.responses import Response

from undercroft import limits
from undercroft.console.tables import CSVFile, Rows, time_of
from undercroft.console.visit import Visit
from undercroft.store.buckets.shares import Share
from undercroft.store.model import Bucket

_COLUMNS = (
    "file", "file_id", "state", "password", "made", "ends", "visits", "last_visit", "downloads", "downloads_most", "share_id",
)  # fmt: skip
Page = tuple[Sequence[Share], str | None]


async def export(visit: Visit) -> Response:
    """The links that the page shows, newest first."""
    bucket = await visit.bucket()
    return CSVFile(_COLUMNS, _rows(visit, bucket, await _page(visit, bucket, "")), f"{bucket.name}-shares.csv")


async def _page(visit: Visit, bucket: Bucket, after: str) -> Page:
    return await visit.store.shares.of_bucket(
        visit.principal, bucket, after=after, limit=limits.EXPORT_PAGE, text=visit.filter
    )


async def _rows(visit: Visit, bucket: Bucket, page: Page) -> AsyncIterator[Rows]:
    while True:
        found, following = page
        now_ms = visit.store.ambient.now_ms()
        yield [_cells(share, now_ms) for share in found]
        if following is None:
            return
        page = await _page(visit, bucket, following)


def _cells(share: Share, now_ms: int) -> tuple[str | int, ...]:
    return (
        share.name, share.file_id, share.state(now_ms), "yes" if share.has_password else "no", time_of(share.created_ms),
        _time(share.expires_ms), share.visits, _time(share.visited_ms), share.downloads,
        "" if share.downloads_max is None else share.downloads_max, share.share_id,
    )  # fmt: skip


def _time(at_ms: int | None) -> str:
    return "" if at_ms is None else time_of(at_ms)
