"""New Folder: as B2's own console does, with a file of no bytes in it, which no list of ours shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from starlette.responses import Response

from undercroft.console.files.browse import in_folder
from undercroft.console.files.places import files_path, go_to, way_back
from undercroft.console.languages import _
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest
from undercroft.store.files.browsing import EMPTY_FOLDER_NAME
from undercroft.store.model import NewFile


async def new(visit: Visit) -> Response:
    """The form for a new folder."""
    bucket = await visit.bucket()
    prefix = visit.query("prefix")
    return visit.render(
        "files/new_folder.html",
        **in_folder(bucket, prefix),
        folder="",
        back=way_back(visit, files_path(bucket, prefix)),
    )


async def create(visit: Visit) -> Response:
    """Make a folder."""
    bucket = await visit.bucket()
    prefix, name = visit.field("prefix"), visit.field("folder").strip().strip("/")
    try:
        if not name:
            raise InvalidRequest(_("A folder has a name."), "fileName")
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
