"""Where in a bucket a page is, as its address says it, and the way back after something was done."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from starlette.responses import RedirectResponse, Response

from undercroft.console.languages import _
from undercroft.console.notices import NOTICES
from undercroft.console.preferences import is_own_path
from undercroft.console.visit import PASSING, Visit
from undercroft.store.model import Bucket


class Crumb(NamedTuple):
    """A folder on the way to where one is."""

    label: str
    prefix: str


def folder_of(name: str) -> str:
    """The folder that a name is in: empty at the top, else with the slash at its end."""
    cut = name.rstrip("/").rfind("/")
    return name[: cut + 1]


def label_of(name: str, folder: str = "") -> str:
    """What is left of a name, or of a folder's, below a folder; never nothing."""
    return name.removeprefix(folder).removesuffix("/") or name


def crumbs_of(prefix: str) -> list[Crumb]:
    """The folders from the top of the bucket down to this one."""
    crumbs: list[Crumb] = []
    for part in prefix.split("/")[:-1]:
        above = crumbs[-1].prefix if crumbs else ""
        crumbs.append(Crumb(part or _("(no name)"), f"{above}{part}/"))
    return crumbs


def files_path(bucket: Bucket, prefix: str = "") -> str:
    """The address of a folder."""
    return f"/buckets/{bucket.name}/files" + (f"?{urlencode({'prefix': prefix})}" if prefix else "")


def way_back(visit: Visit, otherwise: str) -> str:
    """The page that a form was opened from, which it carries along; else the other one."""
    given = visit.field("back")
    if not given:
        came_from = visit.request.headers.get("referer", "")
        path = came_from.removeprefix(visit.own_origin).partition("#")[0]
        if path != came_from and path.partition("?")[0] != visit.request.url.path:
            given = path
    return given if given and is_own_path(given) else otherwise


def go_to(path: str, notice: str = "", *, undo: str = "", undo_all: str = "") -> Response:
    """The way to a page of the console, which may have a query, where one of `NOTICES` is shown.

    `undo` is a version of the file that was just hidden, and `undo_all` what undoes the hiding of a selection: the notice does it.
    """
    assert path.startswith("/"), path
    assert not path.startswith("//"), path
    target, _, query = path.partition("?")
    fields = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in PASSING]
    if notice:
        assert notice in NOTICES, notice
        fields.append(("notice", notice))
    fields += [(name, value) for name, value in (("undo", undo), ("undo_all", undo_all)) if value]
    return RedirectResponse(f"{target}?{urlencode(fields)}" if fields else target, 303)
