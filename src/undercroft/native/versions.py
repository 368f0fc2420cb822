"""One file or version at a time: b2_get_file_info, b2_hide_file, b2_delete_file_version (reference, 8.8, 8.15, 8.18)."""

from __future__ import annotations

from undercroft.native.bodies import Body
from undercroft.native.call import Answer, Call
from undercroft.native.file_ids import bucket_of_file
from undercroft.native.lock_shapes import LockView
from undercroft.native.shapes import version_shape
from undercroft.store import dialect
from undercroft.store.identity.authorize import Facts


class GetFileInfo(Body):
    """The body of `b2_get_file_info`."""

    file_id: str


class HideFile(Body):
    """The body of `b2_hide_file`."""

    bucket_id: str
    file_name: str


class DeleteFileVersion(Body):
    """The body of `b2_delete_file_version`."""

    file_name: str
    file_id: str
    bypass_governance: bool | None = None


async def get_file_info(call: Call, body: GetFileInfo) -> Answer:
    """Describe any version: an upload, a hide marker or an unfinished large file."""
    version = await call.store.files.version(call.principal, body.file_id, facts=Facts(described=True))
    return version_shape(version, LockView.of(call.principal))


async def hide_file(call: Call, body: HideFile) -> Answer:
    """Put a hide marker over a visible file."""
    bucket = await call.store.buckets.find(bucket_id=body.bucket_id)
    marker = await call.store.files.hide(call.principal, bucket, body.file_name, dialect.NATIVE)
    return version_shape(marker, LockView.of(call.principal))


async def delete_file_version(call: Call, body: DeleteFileVersion) -> Answer:
    """Remove one version for good, be it an upload, a hide marker or an unfinished large file."""
    bucket = await bucket_of_file(call.store, body.file_id)
    await call.store.files.delete_version(
        call.managing if body.bypass_governance else call.principal,
        bucket,
        body.file_name,
        body.file_id,
        bypass_governance=bool(body.bypass_governance),
    )
    return {"fileId": body.file_id, "fileName": body.file_name}
