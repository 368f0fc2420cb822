"""ListObjects, versions 1 and 2: the current objects of a bucket, in byte order of their keys."""

from __future__ import annotations

from collections.abc import Callable

from undercroft.http.response import Response
from undercroft.http.xml_out import element
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call
from undercroft.s3.listing import ListParameters, listed_checksum
from undercroft.s3.tokens import read_token, write_token
from undercroft.s3.xml_out import iso_time, owner
from undercroft.store.model import Bucket, FileVersion, Folder, Page

NOTHING = Page([], None)


async def list_objects(call: Call) -> Response:
    """GET /bucket. `NextMarker` is there exactly when more follow, which satisfies every client (reference, 2.9)."""
    parameters = ListParameters.of(call)
    marker = call.query.get("marker", "")
    bucket = await call.bucket()
    page = await _page(call, bucket, parameters, marker)
    owner_element = owner("Owner", bucket.account_id)
    next_marker = parameters.name("NextMarker", page.rows[-1].name) if page.more else ""
    content = (
        f"{element('Name', bucket.name)}{parameters.heading()}{parameters.name('Marker', marker)}{next_marker}"
        f"<MaxKeys>{parameters.limit}</MaxKeys>{_rows(page, parameters, owner_element)}"
    )
    return xml_answer("ListBucketResult", content)


async def list_objects_v2(call: Call) -> Response:
    """GET /bucket?list-type=2. A continuation token outranks `start-after`; both are repeated."""
    parameters = ListParameters.of(call)
    token, start_after = call.query.get("continuation-token"), call.query.get("start-after")
    bucket = await call.bucket()
    page = await _page(call, bucket, parameters, read_token(token or "") or start_after or "")
    optional = "" if token is None else element("ContinuationToken", token)
    if start_after is not None:
        optional += parameters.name("StartAfter", start_after)
    if page.more:
        optional += element("NextContinuationToken", write_token(page.rows[-1].name))
    with_owner = call.query.get("fetch-owner", "").lower() == "true"
    owner_element = owner("Owner", bucket.account_id) if with_owner else ""
    content = (
        f"{element('Name', bucket.name)}{parameters.heading()}{optional}<KeyCount>{len(page.rows)}</KeyCount>"
        f"<MaxKeys>{parameters.limit}</MaxKeys>{_rows(page, parameters, owner_element)}"
    )
    return xml_answer("ListBucketResult", content)


async def _page(call: Call, bucket: Bucket, parameters: ListParameters, marker: str) -> Page:
    """The page behind a marker. A page of no keys is asked for too, so that its right is judged."""
    page = await call.store.files.list_names(
        call.principal,
        bucket,
        prefix=parameters.prefix,
        delimiter=parameters.delimiter,
        start=parameters.start_after(marker),
        limit=parameters.limit or 1,
    )
    return page if parameters.limit else NOTHING


def _rows(page: Page, parameters: ListParameters, owner_element: str) -> str:
    """`IsTruncated` and the rows: all contents, then all common prefixes, which is the order of the schema."""
    write = parameters.write
    contents = [_contents(row, write, owner_element) for row in page.rows if isinstance(row, FileVersion)]
    prefixes = [parameters.folder(row) for row in page.rows if isinstance(row, Folder)]
    truncated = "true" if page.more else "false"
    return f"<IsTruncated>{truncated}</IsTruncated>{''.join(contents)}{''.join(prefixes)}"


def _contents(version: FileVersion, write: Callable[[str], str], owner_element: str) -> str:
    return (
        f"<Contents><Key>{write(version.name)}</Key>"
        f"<LastModified>{iso_time(version.uploaded_ms)}</LastModified><ETag>&quot;{version.etag}&quot;</ETag>"
        f"{'' if version.checksum is None else listed_checksum(version.checksum)}<Size>{version.size}</Size>"
        f"{owner_element}<StorageClass>STANDARD</StorageClass></Contents>"
    )
