"""What is done with single versions: an older one on top again, hiding and un-hiding, deleting."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.files.details import version_asked, version_form
from undercroft.console.files.places import files_path, folder_of, go_to, way_back
from undercroft.console.languages import _
from undercroft.console.visit import Visit
from undercroft.store.dialect import NATIVE
from undercroft.store.errors import VersionLocked
from undercroft.store.model import Bucket, FileVersion


async def restore(visit: Visit) -> Response:
    """Make an older version the newest one."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    await visit.store.files.restore(visit.principal, bucket, version.name, str(version.file_id))
    return go_to(way_back(visit, files_path(bucket, folder_of(version.name))), "version-restored")


async def hide(visit: Visit) -> Response:
    """Hide a file."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    await visit.store.files.hide(visit.principal, bucket, version.name, NATIVE)
    back = way_back(visit, files_path(bucket, folder_of(version.name)))
    return go_to(back, "file-hidden", undo=str(version.file_id))


async def unhide(visit: Visit) -> Response:
    """Let a hidden file be visible again."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    await visit.store.files.unhide(visit.principal, bucket, version.name)
    return go_to(way_back(visit, files_path(bucket, folder_of(version.name))), "file-unhidden")


async def confirm_delete(visit: Visit) -> Response:
    """Ask before one version is removed."""
    bucket = await visit.bucket()
    return await _deletion_form(visit, bucket, await version_asked(visit, bucket))


async def delete(visit: Visit) -> Response:
    """Remove one version, or cancel one unfinished large file."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    try:
        await visit.store.files.delete_version(
            visit.principal,
            bucket,
            version.name,
            str(version.file_id),
            bypass_governance=visit.field("bypass") == "on",
        )
    except VersionLocked:
        refusal = _("It is locked, and stays. In governance mode, it can be deleted by who bypasses that.")
        return await _deletion_form(visit, bucket, version, {"bypass": refusal})
    back = way_back(visit, files_path(bucket, folder_of(version.name)))
    gone = f"id={version.file_id}" in back
    return go_to(files_path(bucket, folder_of(version.name)) if gone else back, "version-deleted")


async def _deletion_form(
    visit: Visit, bucket: Bucket, version: FileVersion, errors: dict[str, str] | None = None
) -> Response:
    listed, _ = await visit.store.files.versions_of(visit.principal, bucket, version.name, limit=2)
    is_newest = bool(listed) and listed[0].file_id == version.file_id
    return version_form(
        visit,
        "files/delete_version.html",
        bucket,
        version,
        errors=errors,
        is_newest=is_newest,
        beneath=listed[1] if is_newest and len(listed) > 1 else None,
        back=way_back(visit, files_path(bucket, folder_of(version.name))),
    )
