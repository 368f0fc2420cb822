"""HeadBucket: whether a bucket is there for the caller, and in which region."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.s3.answers import bare_answer
from undercroft.s3.call import Call
from undercroft.store.operations import Operation


async def head_bucket(call: Call) -> Response:
    """HEAD /bucket. The region's header is on every answer about a bucket."""
    await call.settings_of_bucket(Operation.LIST_BUCKETS)
    return bare_answer(200, [(b"x-amz-access-point-alias", b"false")])
