"""The unfinished large files of a bucket, oldest first: a folder shows them only when asked to, and they are stored all the same."""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.files.places import go_to
from undercroft.console.visit import Visit


async def listed(visit: Visit) -> Response:
    """A page of them; the first one in place of a later one all of whose rows are gone."""
    bucket = await visit.bucket()
    uploads, following = await visit.store.files.list_unfinished(
        visit.principal, bucket, start_file_id=visit.query("from") or None, limit=limits.FOLDER_PAGE
    )
    if not uploads and visit.query("from"):
        return go_to(visit.with_query(**{"from": None}), visit.notice)
    return visit.render("files/unfinished.html", bucket=bucket, uploads=uploads, following=following)
