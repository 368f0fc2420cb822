"""ListObjectVersions: every version and delete marker, by key and then from the newest."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.http.xml_out import element
from undercroft.s3.actions.list_objects import NOTHING
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import invalid_argument
from undercroft.s3.listing import ListParameters, listed_checksum
from undercroft.s3.xml_out import iso_time, owner
from undercroft.store.model import Action, FileVersion, Folder, Page


async def list_object_versions(call: Call) -> Response:
    """GET /bucket?versions. Uploads that are not complete are no versions here."""
    parameters = ListParameters.of(call)
    key_marker, version_marker = call.query.get("key-marker", ""), call.query.get("version-id-marker", "")
    if version_marker and not key_marker:
        message = "A version-id marker cannot be specified without a key marker."
        raise invalid_argument("version-id-marker", version_marker, message)
    bucket = await call.bucket()
    page = await call.store.files.list_versions(
        call.principal,
        bucket,
        prefix=parameters.prefix,
        delimiter=parameters.delimiter,
        start=key_marker if version_marker else parameters.start_after(key_marker),
        start_file_id=version_marker or None,
        after=bool(version_marker),
        unfinished=False,
        limit=parameters.limit or 1,
    )
    if not parameters.limit:
        page = NOTHING
    content = (
        f"{element('Name', bucket.name)}{parameters.heading()}{parameters.name('KeyMarker', key_marker)}"
        f"{element('VersionIdMarker', version_marker)}{_next_markers(page, parameters)}"
        f"<MaxKeys>{parameters.limit}</MaxKeys><IsTruncated>{'true' if page.more else 'false'}</IsTruncated>"
    )
    versions = "".join(_version(row, parameters) for row in page.rows if not isinstance(row, Folder))
    prefixes = "".join(parameters.folder(row) for row in page.rows if isinstance(row, Folder))
    return xml_answer("ListVersionsResult", content + versions + prefixes)


def _next_markers(page: Page, parameters: ListParameters) -> str:
    """Where the next page begins: behind the last version, or behind everything under the last common prefix."""
    if not page.more:
        return ""
    last = page.rows[-1]
    version = "" if isinstance(last, Folder) else element("NextVersionIdMarker", str(last.file_id))
    return parameters.name("NextKeyMarker", last.name) + version


def _version(version: FileVersion, parameters: ListParameters) -> str:
    common = (
        f"<Key>{parameters.write(version.name)}</Key><VersionId>{version.file_id}</VersionId>"
        f"<IsLatest>{'true' if version.is_latest else 'false'}</IsLatest>"
        f"<LastModified>{iso_time(version.uploaded_ms)}</LastModified>{owner('Owner', version.account_id)}"
    )
    if version.action is Action.HIDE:
        return f"<DeleteMarker>{common}</DeleteMarker>"
    return (
        f"<Version>{common}<ETag>&quot;{version.etag}&quot;</ETag>{listed_checksum(version.checksum)}"
        f"<Size>{version.size}</Size><StorageClass>STANDARD</StorageClass></Version>"
    )
