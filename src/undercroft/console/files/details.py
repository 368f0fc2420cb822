"""File Details: everything that is known of one version, in the order of the founding document, and what can be done with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.responses import RedirectResponse, Response

from undercroft import limits
from undercroft.console.files.addresses import addresses_of, can_be_fetched, granted
from undercroft.console.files.browse import in_folder
from undercroft.console.files.places import files_path, folder_of, label_of
from undercroft.console.files.previews import preview_of
from undercroft.console.languages import _
from undercroft.console.visit import Visit
from undercroft.store.errors import DownloadCapExceeded
from undercroft.store.files.archive import MODIFIED_KEY
from undercroft.store.model import Action, Bucket, FileVersion
from undercroft.store.operations import Operation

SHA1_KEY = "large_file_sha1"


async def version_asked(
    visit: Visit, bucket: Bucket, file_id: str = "", operation: Operation = Operation.READ_FILE
) -> FileVersion:
    """The version that the address or the form names by its id. Raises `InvalidFileId`, `NoSuchVersion`."""
    version = await visit.store.files.version(
        visit.principal, file_id or visit.field("id") or visit.query("id"), bucket=bucket, operation=operation
    )
    visit.audit(target=f"{bucket.name}/{version.name}")
    return version


def version_form(
    visit: Visit,
    template: str,
    bucket: Bucket,
    version: FileVersion,
    *,
    errors: dict[str, str] | None = None,
    **values: Any,
) -> Response:
    """The form about a version, empty or with what is wrong in it."""
    return visit.render(
        template,
        status=422 if errors else 200,
        errors=errors,
        **in_folder(bucket, folder_of(version.name)),
        version=version,
        label=label_of(version.name, folder_of(version.name)),
        **values,
    )


async def details(visit: Visit) -> Response:
    """The page of a version; of the newest visible one, where the address has a name instead of an id.

    Whoever lists files sees what lists tell of them, also who may not read their content.
    """
    bucket, operation = await visit.bucket(), Operation.LIST_FILES
    if visit.query("file"):
        visible = await visit.store.files.current(
            visit.principal, bucket, visit.query("file"), operation=operation, data=False
        )
        return visit.redirect(visit.request.url.path, id=str(visible.file_id))
    return await details_of(visit, bucket, await version_asked(visit, bucket, operation=operation))


async def details_of(
    visit: Visit, bucket: Bucket, version: FileVersion, errors: dict[str, str] | None = None
) -> Response:
    """The page of a version, with what is wrong with a form of it."""
    listed, following = await visit.store.files.versions_of(
        visit.principal,
        bucket,
        version.name,
        start_file_id=visit.query("from") or None,
        limit=limits.VERSIONS_SHOWN,
    )
    newest = next((one for one in listed if one.is_latest), None)
    if newest is None:
        first = (await visit.store.files.versions_of(visit.principal, bucket, version.name, limit=1))[0]
        newest = first[0] if first else None
    refusal, preview, may_read = "", None, visit.can("readFiles")
    try:
        preview = await preview_of(visit, version) if may_read else None
    except DownloadCapExceeded:
        refusal = _("The cap on downloads is reached, so there is no preview today.")
    return visit.render(
        "files/details.html",
        status=422 if errors else 200,
        errors=errors,
        **in_folder(bucket, folder_of(version.name)),
        version=version,
        label=label_of(version.name, folder_of(version.name)),
        addresses=addresses_of(visit, bucket, version),
        is_latest=newest is not None and newest.file_id == version.file_id,
        newest=newest,
        versions=listed,
        following=following,
        may_read=may_read,
        can_be_fetched=may_read and can_be_fetched(version),
        preview=preview,
        preview_refusal=refusal,
        info=[(key, value, _readable(key, value)) for key, value in sorted(version.info.items())],
        sha1=sha1_of(version),
        shares=(
            await visit.store.shares.of_file(visit.principal, bucket, version.name) if visit.can("shareFiles") else []
        ),
    )


async def download(visit: Visit) -> Response:
    """Send the browser to where the version can be downloaded."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    if version.action is not Action.UPLOAD:
        return visit.redirect(files_path(bucket, folder_of(version.name)))
    if not can_be_fetched(version):
        return visit.redirect(f"/buckets/{bucket.name}/file", id=str(version.file_id))
    return RedirectResponse(await granted(visit, version), 303)


def _readable(key: str, value: str) -> str:
    """A known pair of file info as people read it."""
    if key == MODIFIED_KEY and value.isascii() and value.isdigit() and len(value) <= 14:
        return datetime.fromtimestamp(int(value) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return ""


def sha1_of(version: FileVersion) -> str:
    """The SHA-1 of the whole, as far as anybody has said or computed it."""
    if version.content_sha1 != "none":
        return version.content_sha1.removeprefix("unverified:")
    return version.info.get(SHA1_KEY, "")
