"""DeleteObject: without a version id a delete marker on top, with one that version for good (reference, 2.13)."""

from __future__ import annotations

from undercroft.http.response import Headers, Response
from undercroft.s3.answers import bare_answer
from undercroft.s3.call import NULL_VERSION, Call
from undercroft.s3.errors import S3Error
from undercroft.s3.object_lock import bypasses_governance
from undercroft.store.dialect import S3
from undercroft.store.errors import InvalidFileId, NoSuchVersion
from undercroft.store.model import Action, Bucket, FileVersion


async def delete_object(call: Call) -> Response:
    """DELETE /bucket/key. A version that is not there is deleted already: 204."""
    if b"if-match" in call.headers:
        raise S3Error(
            "NotImplemented",
            "A header you provided implies functionality that is not implemented.",
            extras={"Header": "If-Match"},
        )
    version_id = call.version_id()
    gone = await remove(call, await call.bucket(), call.key, version_id)
    headers: Headers = []
    if gone is not None and gone.action is Action.HIDE:
        headers.append((b"x-amz-delete-marker", b"true"))
    if version_id is not None or gone is not None:
        headers.append((b"x-amz-version-id", (version_id or str(gone and gone.file_id)).encode("utf-8")))
    return bare_answer(204, headers)


async def remove(call: Call, bucket: Bucket, key: str, version_id: str | None) -> FileVersion | None:
    """Hide the key, or delete one version of it: the delete marker made, or the version that is gone, or None.

    Raises what the store raises, except for a version that is not there.
    """
    files = call.store.files
    if version_id is None:
        return await files.hide(call.principal, bucket, key, S3)
    bypasses = bypasses_governance(call)
    principal = call.managing if bypasses else call.principal
    try:
        return await files.delete_version(principal, bucket, key, version_id, bypass_governance=bypasses)
    except NoSuchVersion:
        return None
    except InvalidFileId:
        # Only now is it certain that the caller may delete here; a null version is never there.
        if version_id == NULL_VERSION:
            return None
        raise
