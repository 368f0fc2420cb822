"""What changes one file: a new folder, another name, type or info, an older version on top, hiding, and its locks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from starlette.responses import Response

from undercroft import limits
from undercroft.console.files.browse import in_folder
from undercroft.console.files.details import version_asked
from undercroft.console.files.places import bucket_of, files_path, folder_of, go_to, way_back
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.dialect import NATIVE
from undercroft.store.errors import (
    InvalidRequest,
    PreconditionFailed,
    RetentionPast,
    RetentionProtected,
    StoreError,
    VersionLocked,
)
from undercroft.store.files.browsing import EMPTY_FOLDER_NAME
from undercroft.store.model import Bucket, FileVersion, NewFile, Retention

_MOMENT = "%Y-%m-%dT%H:%M"


# -- Folders ----------------------------------------------------------------------------------------------------------
async def new_folder(visit: Visit) -> Response:
    """The form for a new folder."""
    bucket = await bucket_of(visit)
    prefix = visit.query("prefix")
    return visit.render(
        "files/new_folder.html",
        **in_folder(bucket, prefix),
        folder="",
        back=way_back(visit, files_path(bucket, prefix)),
    )


async def make_folder(visit: Visit) -> Response:
    """Make a folder: as B2's own console does, with a file of no bytes in it, which no list of ours shows."""
    bucket = await bucket_of(visit)
    prefix, name = visit.field("prefix"), visit.field("folder").strip().strip("/")
    try:
        if not name:
            raise InvalidRequest("A folder has a name.", "fileName")
        await visit.store.files.upload(
            visit.principal,
            bucket,
            f"{prefix}{name}/{EMPTY_FOLDER_NAME}",
            NewFile("application/octet-stream"),
            _NoBytes(),
        )
    except InvalidRequest as error:
        return visit.render(
            "files/new_folder.html",
            status=422,
            errors=beside(error, {}, "folder"),
            **in_folder(bucket, prefix),
            folder=name,
            back=way_back(visit, files_path(bucket, prefix)),
        )
    return go_to(files_path(bucket, f"{prefix}{name}/"), "folder-made")


class _NoBytes:
    """The body of a file without bytes."""

    algorithms: frozenset[str] = frozenset()
    length: int | None = 0

    def chunks(self) -> AsyncIterator[bytes]:
        """Nothing."""
        return _nothing()

    def expected(self) -> Mapping[str, bytes]:
        """Nothing to compare."""
        return {}


async def _nothing() -> AsyncIterator[bytes]:
    for block in list[bytes]():
        yield block


# -- Name, type and info ----------------------------------------------------------------------------------------------
async def new_name(visit: Visit) -> Response:
    """The form for another name, folder or bucket."""
    bucket = await bucket_of(visit)
    version = await version_asked(visit, bucket)
    values = {"path": version.name, "bucket": bucket.name, "keep": "", "replace": ""}
    return await _name_form(visit, bucket, version, values)


async def rename(visit: Visit) -> Response:
    """Give the file its new name, or make a copy of that name."""
    bucket = await bucket_of(visit)
    version = await version_asked(visit, bucket)
    values = {
        "path": visit.field("path").removeprefix("/"),
        "bucket": visit.field("bucket", bucket.name),
        "keep": visit.field("keep"),
        "replace": visit.field("replace"),
    }
    try:
        target = bucket
        if values["bucket"] != bucket.name:
            target = await visit.store.buckets.read(visit.principal, values["bucket"])
        made = await visit.store.files.move(
            visit.principal,
            bucket,
            version.name,
            str(version.file_id),
            target,
            values["path"],
            keep=bool(values["keep"]),
            replace=bool(values["replace"]),
        )
    except PreconditionFailed:
        return await _name_form(visit, bucket, version, values, {"path": "There is a file of this name already."})
    except InvalidRequest as error:
        return await _name_form(visit, bucket, version, values, beside(error, {}, "path"))
    notice = "file-copied" if values["keep"] else "file-moved"
    return go_to(files_path(target, folder_of(made.name)), notice)


async def _name_form(
    visit: Visit, bucket: Bucket, version: FileVersion, values: dict[str, str], errors: dict[str, str] | None = None
) -> Response:
    buckets = await visit.store.buckets.list(visit.principal)
    return visit.render(
        "files/rename.html",
        status=422 if errors else 200,
        errors=errors,
        **in_folder(bucket, folder_of(version.name)),
        version=version,
        values=values,
        buckets=[(one.name, one.name) for one in buckets],
        exists=bool(errors) and "already" in (errors or {}).get("path", ""),
        back=way_back(visit, files_path(bucket, folder_of(version.name))),
    )


async def new_description(visit: Visit) -> Response:
    """The form for content type and file info."""
    bucket = await bucket_of(visit)
    version = await version_asked(visit, bucket)
    values = {
        "content_type": version.content_type,
        "info": "\n".join(f"{key}: {value}" for key, value in sorted(version.info.items())),
    }
    return _description_form(visit, bucket, version, values)


async def describe(visit: Visit) -> Response:
    """Make a version with the same content, and this type and info."""
    bucket = await bucket_of(visit)
    version = await version_asked(visit, bucket)
    values = {"content_type": visit.field("content_type").strip(), "info": visit.field("info")}
    try:
        made = await visit.store.files.describe(
            visit.principal,
            bucket,
            version.name,
            str(version.file_id),
            _content_type(values["content_type"]),
            _info(values["info"]),
        )
    except InvalidRequest as error:
        fields = {"contentType": "content_type"}
        return _description_form(visit, bucket, version, values, beside(error, fields, "info"))
    return visit.redirect(f"/buckets/{bucket.name}/file", id=str(made.file_id), notice="file-described")


def _description_form(
    visit: Visit, bucket: Bucket, version: FileVersion, values: dict[str, str], errors: dict[str, str] | None = None
) -> Response:
    return visit.render(
        "files/describe.html",
        status=422 if errors else 200,
        errors=errors,
        **in_folder(bucket, folder_of(version.name)),
        version=version,
        values=values,
    )


def _content_type(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable():
        raise InvalidRequest("A content type is a text like image/png.", "contentType")
    return text


def _info(text: str) -> dict[str, str]:
    """The pairs of a text with one a line. Raises `InvalidRequest`."""
    info: dict[str, str] = {}
    for line in text.splitlines():
        if line.strip():
            key, colon, value = line.partition(":")
            if not colon:
                raise InvalidRequest(f"This line has no colon: {line[:100]}", "fileInfo")
            info[key.strip().lower()] = value.strip()
    if len(info) > limits.FILE_INFO_MAX_ENTRIES:
        raise InvalidRequest(f"File info has at most {limits.FILE_INFO_MAX_ENTRIES} pairs.", "fileInfo")
    return info


# -- Versions ---------------------------------------------------------------------------------------------------------
async def restore(visit: Visit) -> Response:
    """Make an older version the newest one."""
    bucket = await bucket_of(visit)
    version = await version_asked(visit, bucket)
    await visit.store.files.restore(visit.principal, bucket, version.name, str(version.file_id))
    return go_to(way_back(visit, files_path(bucket, folder_of(version.name))), "version-restored")


async def hide(visit: Visit) -> Response:
    """Hide a file."""
    bucket = await bucket_of(visit)
    version = await version_asked(visit, bucket)
    await visit.store.files.hide(visit.principal, bucket, version.name, NATIVE)
    return go_to(way_back(visit, files_path(bucket, folder_of(version.name))), "file-hidden")


async def unhide(visit: Visit) -> Response:
    """Let a hidden file be visible again."""
    bucket = await bucket_of(visit)
    version = await version_asked(visit, bucket)
    await visit.store.files.unhide(visit.principal, bucket, version.name)
    return go_to(way_back(visit, files_path(bucket, folder_of(version.name))), "file-unhidden")


async def confirm_delete_version(visit: Visit) -> Response:
    """Ask before one version is removed."""
    bucket = await bucket_of(visit)
    return await _deletion_form(visit, bucket, await version_asked(visit, bucket))


async def delete_version(visit: Visit) -> Response:
    """Remove one version, or cancel one unfinished large file."""
    bucket = await bucket_of(visit)
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
        refusal = "It is locked, and stays. In governance mode, it can be deleted by who bypasses that."
        return await _deletion_form(visit, bucket, version, {"bypass": refusal})
    back = way_back(visit, files_path(bucket, folder_of(version.name)))
    gone = f"id={version.file_id}" in back
    return go_to(files_path(bucket, folder_of(version.name)) if gone else back, "version-deleted")


async def _deletion_form(
    visit: Visit, bucket: Bucket, version: FileVersion, errors: dict[str, str] | None = None
) -> Response:
    listed, _ = await visit.store.files.versions_of(visit.principal, bucket, version.name, limit=2)
    is_newest = bool(listed) and listed[0].file_id == version.file_id
    return visit.render(
        "files/delete_version.html",
        status=409 if errors else 200,
        errors=errors,
        **in_folder(bucket, folder_of(version.name)),
        version=version,
        is_newest=is_newest,
        beneath=listed[1] if is_newest and len(listed) > 1 else None,
        back=way_back(visit, files_path(bucket, folder_of(version.name))),
    )


# -- Locks ------------------------------------------------------------------------------------------------------------
async def hold(visit: Visit) -> Response:
    """Put a legal hold on a version, or take it off."""
    bucket = await bucket_of(visit)
    version = await version_asked(visit, bucket)
    on = visit.field("hold") == "on"
    await visit.store.files.update_legal_hold(visit.principal, bucket, version.name, str(version.file_id), on=on)
    notice = "hold-on" if on else "hold-off"
    return visit.redirect(f"/buckets/{bucket.name}/file", id=str(version.file_id), notice=notice)


async def new_retention(visit: Visit) -> Response:
    """The form for the retention of a version."""
    bucket = await bucket_of(visit)
    version = await version_asked(visit, bucket)
    kept = version.retention
    values = {
        "mode": kept.mode if kept else "none",
        "until": datetime.fromtimestamp(kept.until_ms / 1000, UTC).strftime(_MOMENT) if kept else "",
        "bypass": "",
    }
    return _retention_form(visit, bucket, version, values)


async def retain(visit: Visit) -> Response:
    """Set, extend or end the retention of a version."""
    bucket = await bucket_of(visit)
    version = await version_asked(visit, bucket)
    values = {name: visit.field(name) for name in ("mode", "until", "bypass")}
    try:
        await visit.store.files.update_retention(
            visit.principal,
            bucket,
            version.name,
            str(version.file_id),
            _retention(values),
            bypass=values["bypass"] == "on",
        )
    except (InvalidRequest, RetentionPast) as error:
        return _retention_form(visit, bucket, version, values, beside(error, {}, "until"))
    except RetentionProtected as error:
        return _retention_form(visit, bucket, version, values, {"until": _why_protected(version, error)})
    return visit.redirect(f"/buckets/{bucket.name}/file", id=str(version.file_id), notice="retention-set")


def _retention(values: dict[str, str]) -> Retention | None:
    if values["mode"] == "none":
        return None
    try:
        until = datetime.fromisoformat(values["until"]).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidRequest("Say until when the version is kept, in UTC.", "fileRetention") from None
    return Retention(values["mode"], int(until.timestamp() * 1000))


def _why_protected(version: FileVersion, _error: StoreError) -> str:
    if version.retention is not None and version.retention.mode == "compliance":
        return "In compliance mode a retention can only be made longer, by nobody shorter."
    return "In governance mode a retention is only shortened or ended with the box below ticked."


def _retention_form(
    visit: Visit, bucket: Bucket, version: FileVersion, values: dict[str, str], errors: dict[str, str] | None = None
) -> Response:
    return visit.render(
        "files/retention.html",
        status=422 if errors else 200,
        errors=errors,
        **in_folder(bucket, folder_of(version.name)),
        version=version,
        values=values,
    )
