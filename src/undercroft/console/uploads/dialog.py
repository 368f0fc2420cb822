"""Upload/Download → Upload: the drop zone, its buttons and the options."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.visit import Visit


async def dialog(visit: Visit) -> Response:
    """The dialog, for the folder that `prefix` names."""
    bucket = await visit.store.buckets.find(name=visit.path("name"))
    await visit.store.files.may_upload(visit.principal, bucket)
    return visit.render("uploads/upload.html", bucket=bucket, prefix=visit.query("prefix"))
