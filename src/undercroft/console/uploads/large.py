"""Files that are uploaded in parts: begun, looked at again after the page was left, finished and given up."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.responses import Response

from undercroft import limits
from undercroft.console.uploads.addresses import new_address_for
from undercroft.console.uploads.new_file import NewLargeFile, described, part_size_of
from undercroft.console.visit import Visit
from undercroft.http.upload_calls import UPLOAD_PART
from undercroft.store.errors import NoSuchUpload, NoSuchVersion
from undercroft.store.model import Action, Bucket, FileVersion

SHA1 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")]


class FileId(msgspec.Struct, rename="camel"):
    """Which large file."""

    file_id: str


class Finish(msgspec.Struct, rename="camel"):
    """All parts, by the SHA-1 of each, and that of the whole."""

    file_id: str
    parts: list[SHA1]
    sha1: SHA1


async def start(visit: Visit) -> Response:
    """Begin a large file, and hand out an address for each part that may be on the way at once."""
    asked = visit.json(NewLargeFile)
    bucket = await visit.store.buckets.find(name=visit.path("name"))
    part_size = part_size_of(asked.size)
    large = await visit.store.files.start_large_file(visit.principal, bucket, asked.name, described(asked))
    file_id = str(large.file_id)
    addresses = [await new_address_for(visit, UPLOAD_PART, file_id) for _ in range(limits.BROWSER_PARTS_AT_ONCE)]
    return visit.answer_json({"fileId": file_id, "partSize": part_size, "addresses": addresses})


async def new_part_address(visit: Visit) -> Response:
    """One more address for parts of a large file."""
    file_id = visit.json(FileId).file_id
    await _unfinished(visit, file_id)
    return visit.answer_json(await new_address_for(visit, UPLOAD_PART, file_id))


async def parts(visit: Visit) -> Response:
    """The parts that have arrived, as pairs of number and SHA-1; or that it is finished; or nothing where it is gone."""
    file_id = visit.json(FileId).file_id
    try:
        bucket, large = await _unfinished(visit, file_id)
    except NoSuchUpload:
        return visit.answer_json({"finished": True} if await _is_finished(visit, file_id) else {})
    found, _ = await visit.store.files.list_parts(visit.principal, bucket, large, limit=limits.PART_NUMBER_MAX)
    return visit.answer_json({"parts": [(part.part_number, part.content_sha1) for part in found]})


async def finish(visit: Visit) -> Response:
    """Make the parts one file. Asked again because the answer was lost, it says so again."""
    asked = visit.json(Finish)
    try:
        bucket, large = await _unfinished(visit, asked.file_id)
        await visit.store.files.finish_native(visit.principal, bucket, large, asked.parts, whole_sha1=asked.sha1)
    except NoSuchUpload:
        if not await _is_finished(visit, asked.file_id):
            raise
    return visit.answer_json({"fileId": asked.file_id})


async def cancel(visit: Visit) -> Response:
    """Drop an unfinished large file with its parts; also where it is gone already."""
    try:
        bucket, large = await _unfinished(visit, visit.json(FileId).file_id)
        await visit.store.files.cancel(visit.principal, bucket, large)
    except NoSuchUpload:
        return visit.answer_json({"gone": True})
    return visit.answer_json({})


async def _unfinished(visit: Visit, file_id: str) -> tuple[Bucket, FileVersion]:
    """The unfinished large file of this id in the page's bucket. Raises `NoSuchUpload`."""
    bucket = await visit.store.buckets.find(name=visit.path("name"))
    return await visit.store.files.unfinished(visit.principal, file_id, bucket=bucket)


async def _is_finished(visit: Visit, file_id: str) -> bool:
    try:
        version = await visit.store.files.version(visit.principal, file_id)
    except NoSuchVersion:
        return False
    return version.action is Action.UPLOAD
