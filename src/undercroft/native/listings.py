"""b2_list_file_names and b2_list_file_versions, and how their pages join (reference, 8.20, 8.21 and section 12)."""

from __future__ import annotations

from undercroft.native.bodies import Body
from undercroft.native.call import LIST_DEFAULT, LIST_MAX, Answer, Call, row_count
from undercroft.native.errors import NativeError
from undercroft.native.lock_shapes import LockView, Shape
from undercroft.native.shapes import folder_shape, old_row, version_shape
from undercroft.store import ids
from undercroft.store.model import Bucket, FileVersion, Folder


class ListFileNames(Body):
    """The body of `b2_list_file_names`."""

    bucket_id: str
    start_file_name: str | None = None
    max_file_count: int | None = None
    prefix: str | None = None
    delimiter: str | None = None


class ListFileVersions(Body):
    """The body of `b2_list_file_versions`."""

    bucket_id: str
    start_file_name: str | None = None
    start_file_id: str | None = None
    max_file_count: int | None = None
    prefix: str | None = None
    delimiter: str | None = None


def name_after_folder(folder: str) -> str | None:
    """The smallest name beyond everything in a folder: its last character raised by one. None where there is none."""
    head = folder.rstrip("\U0010ffff")  # The last character there is has no successor.
    if not head:
        return None
    code = ord(head[-1]) + 1
    return head[:-1] + chr(0xE000 if code == 0xD800 else code)  # Surrogates are no characters.


def _name_after(row: FileVersion | Folder) -> str | None:
    """The cursor after a row of names: the name and a space, its smallest legal successor."""
    return name_after_folder(row.name) if isinstance(row, Folder) else row.name + " "


async def _bucket_to_list(call: Call, bucket_id: str) -> Bucket:
    if not ids.is_bucket_id(bucket_id):
        raise NativeError(400, "invalid_bucket_id", f"Invalid bucketId: {bucket_id[:100]}")
    return await call.store.buckets.find(bucket_id=bucket_id)


def _shapes(call: Call, bucket: Bucket, rows: list[FileVersion | Folder]) -> list[Shape]:
    lock = LockView.of(call.principal)
    shapes = [folder_shape(row, bucket) if isinstance(row, Folder) else version_shape(row, lock) for row in rows]
    return [old_row(shape) for shape in shapes] if call.version.old_list_rows else shapes


async def list_file_names(call: Call, body: ListFileNames) -> Answer:
    """List the visible names of a bucket, one row each, in byte order."""
    limit = row_count("maxFileCount", body.max_file_count, default=LIST_DEFAULT, maximum=LIST_MAX)
    bucket = await _bucket_to_list(call, body.bucket_id)
    page = await call.store.files.list_names(
        call.principal,
        bucket,
        prefix=body.prefix or "",
        delimiter=body.delimiter or "",
        start=body.start_file_name or "",
        limit=limit,
    )
    return {
        "files": _shapes(call, bucket, page.rows),
        "nextFileName": _name_after(page.rows[-1]) if page.more else None,
    }


async def list_file_versions(call: Call, body: ListFileVersions) -> Answer:
    """List every version of every name, newest first inside a name."""
    limit = row_count("maxFileCount", body.max_file_count, default=LIST_DEFAULT, maximum=LIST_MAX)
    start_id = body.start_file_id or None
    if start_id is not None:
        if not body.start_file_name:
            raise NativeError(400, "bad_request", "startFileId needs startFileName")
        if ids.parse_file_id(start_id) is None:
            raise NativeError(400, "invalid_file_id", f"Invalid startFileId: {start_id[:200]}")
    bucket = await _bucket_to_list(call, body.bucket_id)
    page = await call.store.files.list_versions(
        call.principal,
        bucket,
        prefix=body.prefix or "",
        delimiter=body.delimiter or "",
        start=body.start_file_name or "",
        start_file_id=start_id,
        limit=limit,
    )
    following = page.following
    return {
        "files": _shapes(call, bucket, page.rows),
        "nextFileId": str(following.file_id) if isinstance(following, FileVersion) else None,
        "nextFileName": None if following is None else following.name,
    }
