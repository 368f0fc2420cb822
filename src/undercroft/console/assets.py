"""The files that pages are made with: styles, modules, icons. They come with the package, and from nowhere else.

Their path names a digest of all of them, so a browser may keep each for ever, and modules that import one another by
relative paths are always of one release.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"
_DIGEST_LENGTH = 12


class Assets(StaticFiles):
    """The folder of these files, under the path of their version."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)
        self.version = _version()

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file of this path, or 404."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            return PlainTextResponse("There is no such file.\n", error.status_code)
        response.headers["x-content-type-options"] = "nosniff"
        current = scope.get("path_params", {}).get("version") == self.version
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if current else "no-cache"
        return response


def _version() -> str:
    digest = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(FOLDER)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:_DIGEST_LENGTH]
