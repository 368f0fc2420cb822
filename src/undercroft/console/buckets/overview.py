"""The Buckets page: a card or a row a bucket, with what people copy from it and where its settings are."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from undercroft.console.bucket_settings.lifecycle_words import in_a_phrase
from undercroft.console.charts import sparkline
from undercroft.console.keys.overview import ending
from undercroft.console.languages import _
from undercroft.console.narrowing import has_text
from undercroft.console.tables import CSVFile, Rows, time_of
from undercroft.console.templates import size
from undercroft.console.visit import Visit
from undercroft.store.accounting.model import Held
from undercroft.store.model import Bucket

DAYS = 30  # That the line of a bucket's size goes back.
VIEWS = ("cards", "table")
_COLUMNS = ("name", "bucket_id", "type", "created", "files", "size", "lifecycle", "encryption", "object_lock")


class Card(NamedTuple):
    """What the page shows of a bucket."""

    bucket: Bucket
    usage: Held
    sparkline: str  # The line of its size over the last days, and what is said of it.
    sparkline_text: str
    lifecycle: str
    encryption: str | None


_ORDERS: dict[str, Callable[[Card], Any]] = {
    "name": lambda card: card.bucket.name.lower(),
    "created": lambda card: -card.bucket.created_ms,
    "size": lambda card: -card.usage.size_bytes,
    "files": lambda card: -card.usage.files,
}


def sizes_in_words(sizes: Sequence[int | None]) -> str:
    """What a line of sizes says, for those who do not see it; nothing where there is none."""
    known = [held for held in sizes if held is not None]
    if not known:
        return ""
    return _(
        "Size over %(days)s days: %(first)s at first, %(now)s now, %(most)s at most.",
        days=DAYS,
        first=size(known[0]),
        now=size(known[-1]),
        most=size(max(known)),
    )


async def overview(visit: Visit) -> Response:
    """The buckets, as cards or as a table, filtered and in the order that the address asks for."""
    buckets = await visit.own_buckets()
    usage = await visit.store.buckets.usage(visit.principal)
    sizes = await visit.store.accounting.reports.sizes_of_buckets(visit.account.account_id, DAYS)
    order = visit.query("sort")
    order = order if order in _ORDERS else "name"
    cards = [
        Card(
            bucket,
            usage.get(bucket.bucket_id, Held()),
            sparkline(sizes.get(bucket.bucket_id, ())),
            sizes_in_words(sizes.get(bucket.bucket_id, ())),
            in_a_phrase(bucket.lifecycle_rules),
            visit.store.buckets.encryption_of(bucket),
        )
        for bucket in buckets
        if has_text(visit.filter, bucket.name)
    ]
    view = visit.query("view")
    return visit.render(
        "buckets/overview.html",
        cards=sorted(cards, key=_ORDERS[order]),
        snapshots=await _snapshots(visit),
        total=len(buckets),
        sort=order,
        view=view if view in VIEWS else VIEWS[0],
        ending=await ending(visit),
        is_first_run=await visit.store.identity.first_run.concerns(visit.account.account_id),
    )


async def _snapshots(visit: Visit) -> Counter[str] | None:
    """How many snapshots are kept of each bucket, by name; None for members, whose role may not see them."""
    if visit.signed_in is None or visit.signed_in.member is not None:
        return None
    kept = await visit.store.snapshots.list(visit.principal)
    return Counter(one.source.partition("/")[0] for one in kept)


async def export(visit: Visit) -> Response:
    """The buckets that the page shows as a table to keep."""
    usage = await visit.store.buckets.usage(visit.principal)
    rows = [
        _cells(bucket, usage.get(bucket.bucket_id, Held()), visit.store.buckets.encryption_of(bucket))
        for bucket in await visit.own_buckets()
        if has_text(visit.filter, bucket.name)
    ]

    async def pages() -> AsyncIterator[Rows]:
        yield rows

    return CSVFile(_COLUMNS, pages(), "buckets.csv")


def _cells(bucket: Bucket, held: Held, encryption: str | None) -> tuple[str | int, ...]:
    return (
        bucket.name, bucket.bucket_id, "public" if bucket.is_public else "private", time_of(bucket.created_ms), held.files,
        held.size_bytes, in_a_phrase(bucket.lifecycle_rules), encryption or "none", "enabled" if bucket.lock.enabled else "disabled",
    )  # fmt: skip
