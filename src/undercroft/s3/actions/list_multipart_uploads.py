"""ListMultipartUploads: the uploads that are not complete, by key and then from the oldest."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.http.xml_out import element
from undercroft.s3.actions.list_objects import NOTHING
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call
from undercroft.s3.listing import ListParameters, listed_checksum
from undercroft.s3.xml_out import iso_time, owner
from undercroft.store.model import FileVersion, Folder, Page


async def list_multipart_uploads(call: Call) -> Response:
    """GET /bucket?uploads. An upload-id marker counts only beside a key marker."""
    parameters = ListParameters.of(call, "max-uploads")
    key_marker, id_marker = call.query.get("key-marker", ""), call.query.get("upload-id-marker", "")
    bucket = await call.bucket()
    page = await call.store.files.list_uploads(
        call.principal,
        bucket,
        prefix=parameters.prefix,
        delimiter=parameters.delimiter,
        key_marker=key_marker,
        id_marker=(id_marker or None) if key_marker else None,
        limit=parameters.limit or 1,
    )
    if not parameters.limit:
        page = NOTHING
    content = (
        f"{element('Bucket', bucket.name)}{parameters.name('KeyMarker', key_marker)}"
        f"{element('UploadIdMarker', id_marker)}{_next_markers(page, parameters)}{parameters.heading()}"
        f"<MaxUploads>{parameters.limit}</MaxUploads><IsTruncated>{'true' if page.more else 'false'}</IsTruncated>"
    )
    uploads = "".join(_upload(row, parameters) for row in page.rows if not isinstance(row, Folder))
    prefixes = "".join(parameters.folder(row) for row in page.rows if isinstance(row, Folder))
    return xml_answer("ListMultipartUploadsResult", content + uploads + prefixes)


def _next_markers(page: Page, parameters: ListParameters) -> str:
    if not page.more:
        return ""
    last = page.rows[-1]
    upload = "" if isinstance(last, Folder) else str(last.file_id)
    return parameters.name("NextKeyMarker", last.name) + element("NextUploadIdMarker", upload)


def _upload(large: FileVersion, parameters: ListParameters) -> str:
    return (
        f"<Upload><Key>{parameters.write(large.name)}</Key><UploadId>{large.file_id}</UploadId>"
        f"{owner('Initiator', large.account_id)}{owner('Owner', large.account_id)}"
        f"<StorageClass>STANDARD</StorageClass><Initiated>{iso_time(large.uploaded_ms)}</Initiated>"
        f"{listed_checksum(large.checksum)}</Upload>"
    )
