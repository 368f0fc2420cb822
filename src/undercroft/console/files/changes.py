"""Another name for a file, another type or info: new versions of the same bytes."""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.files.details import version_asked, version_form
from undercroft.console.files.places import files_path, folder_of, go_to, way_back
from undercroft.console.languages import _
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest, PreconditionFailed
from undercroft.store.model import Bucket, FileVersion


async def new_name(visit: Visit) -> Response:
    """The form for another name, folder or bucket."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    values = {"path": version.name, "bucket": bucket.name, "keep": "", "replace": ""}
    return await _name_form(visit, bucket, version, values)


async def rename(visit: Visit) -> Response:
    """Give the file its new name, or make a copy of that name."""
    bucket = await visit.bucket()
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
        return await _name_form(visit, bucket, version, values, {"path": _("There is a file of this name already.")})
    except InvalidRequest as error:
        return await _name_form(visit, bucket, version, values, beside(error, {}, "path"))
    notice = "file-copied" if values["keep"] else "file-moved"
    return go_to(files_path(target, folder_of(made.name)), notice)


async def _name_form(
    visit: Visit, bucket: Bucket, version: FileVersion, values: dict[str, str], errors: dict[str, str] | None = None
) -> Response:
    buckets = await visit.own_buckets()
    return version_form(
        visit,
        "files/rename.html",
        bucket,
        version,
        errors=errors,
        values=values,
        buckets=[(one.name, one.name) for one in buckets],
        exists=bool(errors) and "already" in (errors or {}).get("path", ""),
        back=way_back(visit, files_path(bucket, folder_of(version.name))),
    )


async def new_description(visit: Visit) -> Response:
    """The form for content type and file info."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    values = {
        "content_type": version.content_type,
        "info": "\n".join(f"{key}: {value}" for key, value in sorted(version.info.items())),
    }
    return version_form(visit, "files/describe.html", bucket, version, values=values)


async def describe(visit: Visit) -> Response:
    """Make a version with the same content, and this type and info."""
    bucket = await visit.bucket()
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
        refused = beside(error, fields, "info")
        return version_form(visit, "files/describe.html", bucket, version, errors=refused, values=values)
    return visit.redirect(f"/buckets/{bucket.name}/file", id=str(made.file_id), notice="file-described")


def _content_type(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable():
        raise InvalidRequest(_("A content type is a text like image/png."), "contentType")
    return text


def _info(text: str) -> dict[str, str]:
    """The pairs of a text with one a line. Raises `InvalidRequest`."""
    info: dict[str, str] = {}
    for line in text.splitlines():
        if line.strip():
            key, colon, value = line.partition(":")
            if not colon:
                raise InvalidRequest(_("This line has no colon: %(line)s", line=line[:100]), "fileInfo")
            info[key.strip().lower()] = value.strip()
    if len(info) > limits.FILE_INFO_MAX_ENTRIES:
        raise InvalidRequest(
            _("File info has at most %(number)s pairs.", number=limits.FILE_INFO_MAX_ENTRIES), "fileInfo"
        )
    return info
