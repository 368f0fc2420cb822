"""What the page asks before it uploads, and addresses for files that are uploaded in one piece."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from undercroft import limits
from undercroft.console.uploads.addresses import new_address_for
from undercroft.console.visit import Visit
from undercroft.http.upload_calls import UPLOAD_FILE


class Names(msgspec.Struct):
    """The names that files are going to have."""

    names: list[str]


async def look(visit: Visit) -> Response:
    """How many versions the names have that exist, and above how many bytes a file has to go in parts."""
    asked = visit.json(Names)
    bucket = await visit.store.buckets.find(name=visit.path("name"))
    versions = await visit.store.files.count_versions(visit.principal, bucket, asked.names)
    return visit.answer_json({"versions": versions, "largeAbove": limits.BROWSER_PART_BYTES})


async def new_address(visit: Visit) -> Response:
    """An address for files of the bucket."""
    bucket = await visit.store.buckets.find(name=visit.path("name"))
    await visit.store.files.may_upload(visit.principal, bucket)
    return visit.answer_json(await new_address_for(visit, UPLOAD_FILE, bucket.bucket_id))
