"""Search everything: the buckets of the account by their names, and the files in all of them."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from undercroft import limits
from undercroft.console.visit import Visit
from undercroft.store.files.browsing import Entry
from undercroft.store.model import Bucket


class InBucket(NamedTuple):
    """What was found in a bucket, and whether there may be more in it."""

    bucket: Bucket
    found: list[Entry]
    has_more: bool


async def find(visit: Visit) -> Response:
    """What has the text in its name, as far as one request looks; a path that begins with a bucket leads there."""
    text = visit.query("text").strip()
    buckets = await visit.own_buckets() if text else []
    by_name = {bucket.name.lower(): bucket for bucket in buckets}
    first, slash, path = text.partition("/")
    return visit.render(
        "files/find.html",
        text=text,
        buckets=[bucket for bucket in buckets if text.lower() in bucket.name.lower()],
        there=by_name.get(first.lower()) if slash else None,
        path=path,
        places=await _search(visit, list(buckets), text),
    )


async def _search(visit: Visit, buckets: list[Bucket], text: str) -> list[InBucket]:
    """One step of a search in each bucket, until as many names were looked at, or found, as one page is for.

    Those with the fewest files come first, so that a large one keeps nobody from seeing what lies in a small one.
    """
    held = await visit.store.buckets.usage(visit.principal) if buckets else {}
    places = []
    looked_at = found = 0
    for bucket in sorted(buckets, key=lambda bucket: held[bucket.bucket_id].files if bucket.bucket_id in held else 0):
        if looked_at >= limits.SEARCH_STEP_NAMES or found >= limits.SEARCH_FOUND_MAX:
            places.append(InBucket(bucket, [], has_more=True))
            continue
        step = await visit.store.files.search(visit.principal, bucket, text, limit=limits.FIND_FOUND_MAX)
        looked_at += step.looked_at
        found += len(step.found)
        if step.found or step.came_to:
            places.append(InBucket(bucket, step.found, step.came_to is not None))
    return sorted(places, key=lambda place: place.bucket.name)
