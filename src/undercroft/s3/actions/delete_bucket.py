"""DeleteBucket: only of a bucket without versions, delete markers and unfinished uploads."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.s3.answers import bare_answer
from undercroft.s3.call import Call


async def delete_bucket(call: Call) -> Response:
    """DELETE /bucket."""
    bucket = await call.bucket()
    await call.store.buckets.delete(call.managing, bucket.bucket_id)
    return bare_answer(204)
