"""The application keys as a table to keep, without their secrets, which nobody is told again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from starlette.responses import Response

from undercroft import limits
from undercroft.console.keys.overview import bucket_names, buckets_of
from undercroft.console.tables import CSVFile, Rows, time_of
from undercroft.console.visit import Visit
from undercroft.store.identity.access_types import in_order
from undercroft.store.model import ApplicationKey, KeyUse

_COLUMNS = (
    "name", "key_id", "buckets", "capabilities", "prefix", "created", "expires", "last_used", "last_call", "last_address",
)  # fmt: skip
Page = tuple[Sequence[ApplicationKey], str | None]


async def export(visit: Visit) -> Response:
    """The keys that the page shows, by id, but for the master key."""
    names = await bucket_names(visit)
    return CSVFile(_COLUMNS, _rows(visit, names, await _page(visit, None)), "keys.csv")


async def _page(visit: Visit, start: str | None) -> Page:
    return await visit.store.identity.keys.list(
        visit.principal, start_key_id=start, limit=limits.EXPORT_PAGE, text=visit.filter
    )


async def _rows(visit: Visit, names: dict[str, str], page: Page) -> AsyncIterator[Rows]:
    while True:
        found, following = page
        uses = await visit.store.identity.keys.last_uses(visit.principal, found)
        yield [_cells(key, names, uses.get(key.key_id)) for key in found]
        if following is None:
            return
        page = await _page(visit, following)


def _cells(key: ApplicationKey, names: dict[str, str], use: KeyUse | None) -> tuple[str, ...]:
    buckets = buckets_of(key, names)
    return (
        key.name, key.key_id, "all" if buckets is None else ", ".join(buckets), ", ".join(in_order(key.capabilities)),
        key.name_prefix or "", time_of(key.created_ms), "" if key.expires_ms is None else time_of(key.expires_ms),
        "" if use is None else time_of(use.at_ms), "" if use is None else use.call, "" if use is None else use.address,
    )  # fmt: skip
