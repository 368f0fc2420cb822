"""AbortMultipartUpload: the upload and all its parts are gone."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.s3.answers import bare_answer
from undercroft.s3.call import Call


async def abort_multipart_upload(call: Call) -> Response:
    """DELETE /bucket/key?uploadId=…"""
    bucket, large = await call.upload()
    await call.store.files.cancel(call.principal, bucket, large)
    return bare_answer(204)
