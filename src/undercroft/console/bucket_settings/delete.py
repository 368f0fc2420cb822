"""Deleting a bucket, which must be empty."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.problems import problem_of
from undercroft.console.visit import Visit
from undercroft.store.accounting.model import Held
from undercroft.store.errors import BucketNotEmpty


async def ask(visit: Visit) -> Response:
    """What is to be deleted, and whether that can be."""
    bucket = await visit.bucket()
    usage = await visit.store.buckets.usage(visit.principal)
    return visit.render("bucket_settings/delete.html", bucket=bucket, usage=usage.get(bucket.bucket_id, Held()))


async def delete(visit: Visit) -> Response:
    """Delete it."""
    bucket = await visit.bucket()
    try:
        await visit.store.buckets.delete(visit.principal, bucket.bucket_id)
    except BucketNotEmpty as error:
        usage = await visit.store.buckets.usage(visit.principal)
        return visit.render(
            "bucket_settings/delete.html",
            status=409,
            errors={"bucket": problem_of(error).text},
            bucket=bucket,
            usage=usage.get(bucket.bucket_id, Held()),
        )
    return visit.redirect("/buckets", notice="bucket-deleted")
