"""DeleteObjects: up to a thousand deletions in one request, each with an outcome of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from undercroft import limits
from undercroft.http.response import Response
from undercroft.http.xml_in import children, parse_document
from undercroft.http.xml_out import element
from undercroft.s3.actions.delete_object import remove
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import ErrorContext, S3Error, from_store_error
from undercroft.s3.xml_in import boolean, fields
from undercroft.store.errors import StoreError
from undercroft.store.model import Action, Bucket, FileVersion

_OBJECT_FIELDS = frozenset({"Key", "VersionId", "ETag", "LastModifiedTime", "Size"})
_CONDITIONS = frozenset({"ETag", "LastModifiedTime", "Size"})


@dataclass(frozen=True, slots=True)
class Deletion:
    """One object of the request. `conditional` tells that it is to be deleted only under conditions."""

    key: str
    version_id: str | None
    conditional: bool


def parse_deletions(body: bytes) -> tuple[list[Deletion], bool]:
    """The objects to delete and whether only errors are to be told. White space in keys counts. Raises `MalformedXML`."""
    deletions: list[Deletion] = []
    quiet = False
    for name, child in children(parse_document(body, "Delete"), ("Object", "Quiet")):
        if name == "Quiet":
            quiet = boolean(child.text or "")
            continue
        given = fields(child, _OBJECT_FIELDS)
        if not given.get("Key"):
            raise S3Error("MalformedXML", "An object to delete has no key.")
        deletions.append(Deletion(given["Key"], given.get("VersionId") or None, not _CONDITIONS.isdisjoint(given)))
    if not 0 < len(deletions) <= limits.S3_DELETE_OBJECTS_MAX:
        raise S3Error("MalformedXML", f"A request deletes 1 to {limits.S3_DELETE_OBJECTS_MAX} objects.")
    return deletions, quiet


async def delete_objects(call: Call) -> Response:
    """POST /bucket?delete. What fails for one object fails for it alone."""
    deletions, quiet = parse_deletions(await call.document())
    bucket = await call.bucket()
    outcomes: list[str] = []
    # As many at a time as one group commit takes, so that a thousand deletions are not a thousand disk syncs.
    for at in range(0, len(deletions), limits.GROUP_COMMIT_MAX_WRITES):
        batch = deletions[at : at + limits.GROUP_COMMIT_MAX_WRITES]
        outcomes += await asyncio.gather(*(_delete_one(call, bucket, deletion, quiet) for deletion in batch))
    return xml_answer("DeleteResult", "".join(outcomes))


async def _delete_one(call: Call, bucket: Bucket, deletion: Deletion, quiet: bool) -> str:
    """The element that tells what became of one object."""
    try:
        if deletion.conditional:
            raise S3Error("NotImplemented", "Conditional deletion is not implemented.")
        gone = await remove(call, bucket, deletion.key, deletion.version_id)
    except S3Error as error:
        return _failure(deletion, error)
    except StoreError as error:
        context = ErrorContext(bucket=bucket.name, key=deletion.key, version_id=deletion.version_id or "")
        return _failure(deletion, from_store_error(error, context))
    return "" if quiet else _success(deletion, gone)


def _named(deletion: Deletion) -> str:
    version = "" if deletion.version_id is None else element("VersionId", deletion.version_id)
    return element("Key", deletion.key) + version


def _success(deletion: Deletion, gone: FileVersion | None) -> str:
    marker = ""
    if gone is not None and gone.action is Action.HIDE:
        marker = "<DeleteMarker>true</DeleteMarker>" + element("DeleteMarkerVersionId", str(gone.file_id))
    return f"<Deleted>{_named(deletion)}{marker}</Deleted>"


def _failure(deletion: Deletion, error: S3Error) -> str:
    return f"<Error>{_named(deletion)}{element('Code', error.code)}{element('Message', error.message)}</Error>"
