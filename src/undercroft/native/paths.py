"""The paths of the native face: `/b2api/VERSION/CALL…` and `/file/BUCKET/NAME`."""

from __future__ import annotations

from undercroft.native.api_versions import VERSIONS, APIVersion
from undercroft.native.errors import NativeError

API_PREFIX = b"/b2api/"
FILE_PREFIX = b"/file/"


def split_call(raw_path: bytes) -> tuple[APIVersion, str, list[str]]:
    """Version, call and the rest of a path under `/b2api/`. Raises 404 where the version is none."""
    name, *rest = raw_path[len(API_PREFIX) :].split(b"/")
    version = VERSIONS.get(name)
    if version is None or not rest:
        raise no_such_call(raw_path)
    call, *pieces = (piece.decode("latin-1") for piece in rest)
    return version, call, pieces


def no_such_call(raw_path: bytes) -> NativeError:
    """The error for a path that is no call's."""
    return NativeError(404, "not_found", f"No such call: {raw_path[:200].decode('latin-1')}")
