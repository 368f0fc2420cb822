"""Browse Files: choosing a bucket, and a folder of it, with what is hidden, old or unfinished when that is asked for."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from undercroft import limits
from undercroft.console.files.places import crumbs_of, files_path, folder_of
from undercroft.console.languages import N_, _
from undercroft.console.numbers import signed_number, whole_number
from undercroft.console.visit import Visit
from undercroft.store.accounting.model import Held
from undercroft.store.errors import NoSuchFile
from undercroft.store.files.browsing import PLAIN, Order, Place, View
from undercroft.store.model import Bucket

_SHOWN = (
    ("hidden", N_("Hidden files")),
    ("versions", N_("Old versions")),
    ("unfinished", N_("Unfinished large files")),
)


async def choose(visit: Visit) -> Response:
    """The buckets to browse in. Who has one has chosen."""
    buckets = await visit.own_buckets()
    if len(buckets) == 1:
        return visit.redirect(files_path(buckets[0]))
    usage = await visit.store.buckets.usage(visit.principal)
    return visit.render("files/choose.html", rows=[(bucket, usage.get(bucket.bucket_id, Held())) for bucket in buckets])


async def folder(visit: Visit) -> Response:
    """A page of a folder."""
    bucket = await visit.bucket()
    asked = visit.query("prefix")
    prefix = asked[: asked.rfind("/") + 1]
    typed = asked[len(prefix) :] or visit.query("typed")
    by, is_rising = _order_of(visit)
    if by is not None:
        return await _in_order(visit, bucket, prefix, typed, by, is_rising=is_rising)
    view = _view_of(visit)
    after, before = visit.query("after"), visit.query("before")
    backwards = bool(before) or visit.query("last") == "1"
    page = await visit.store.files.folder(
        visit.principal,
        bucket,
        prefix,
        typed=typed,
        view=view,
        after="" if backwards else after,
        before=before if backwards else None,
        limit=limits.FOLDER_PAGE,
    )
    return visit.render(
        "files/folder.html",
        **in_folder(bucket, prefix),
        **await _listing(visit, bucket, typed, view),
        page=page,
        in_order="",
        is_part=page.has_before or page.has_after,
    )


async def _in_order(visit: Visit, bucket: Bucket, prefix: str, typed: str, by: Order, *, is_rising: bool) -> Response:
    """A page of the folder by size or time."""
    name = visit.query("after")
    found = await visit.store.files.sorted_folder(
        visit.principal,
        bucket,
        prefix,
        typed=typed,
        by=by,
        is_rising=is_rising,
        after=Place(name, signed_number(visit.query("value"))) if name else None,
        limit=limits.FOLDER_PAGE,
    )
    return visit.render(
        "files/folder.html",
        **in_folder(bucket, prefix),
        **await _listing(visit, bucket, typed, PLAIN),
        page=found,
        in_order=by.value,
        is_rising=is_rising,
        is_part=bool(name) or found.came_to is not None,
    )


async def _listing(visit: Visit, bucket: Bucket, typed: str, view: View) -> dict[str, Any]:
    """What the table is told in any order."""
    return {
        "typed": typed,
        "view": view,
        "versions_counted_max": limits.VERSIONS_COUNTED_MAX,
        "sorted_names_max": limits.FOLDER_SORTED_NAMES,
        "open": visit.query("open"),
        "older": await _older_of_open(visit, bucket, view),
        "shown": [(name, _(label), bool(getattr(view, name))) for name, label in _SHOWN],
    }


def in_folder(bucket: Bucket, prefix: str) -> dict[str, Any]:
    """What every page within a folder is told."""
    return {"bucket": bucket, "prefix": prefix, "crumbs": crumbs_of(prefix), "above": folder_of(prefix)}


async def go_to_path(visit: Visit) -> Response:
    """Go to a path that somebody typed: a folder, a file, or what begins like that."""
    bucket = await visit.bucket()
    path = visit.query("path").strip().removeprefix("/")
    if path and not path.endswith("/"):
        inside = await visit.store.files.folder(visit.principal, bucket, path + "/", limit=1)
        if inside.entries:
            path += "/"
        else:
            try:
                version = await visit.store.files.current(visit.principal, bucket, path, data=False)
                return visit.redirect(f"/buckets/{bucket.name}/file", id=str(version.file_id))
            except NoSuchFile:
                pass  # Then it is shown what begins like this, which may be nothing.
    return visit.redirect(files_path(bucket), **({"prefix": path} if path else {}))


async def search(visit: Visit) -> Response:
    """Files of the whole bucket with a text in their names: one step of the search, and where it goes on."""
    bucket = await visit.bucket()
    text, prefix = visit.query("text"), visit.query("prefix")
    step = None
    if text:
        step = await visit.store.files.search(
            visit.principal, bucket, text, after=visit.query("after"), limit=limits.SEARCH_FOUND_MAX
        )
    return visit.render(
        "files/search.html",
        **in_folder(bucket, prefix),
        text=text,
        step=step,
        looked_at=whole_number(visit.query("seen")) or 0,
    )


async def folder_size(visit: Visit) -> Response:
    """How much there is in a folder, as far as one request counts."""
    bucket = await visit.bucket()
    prefix = visit.query("prefix")
    contents = await visit.store.files.contents_of_selection(
        visit.principal, bucket, [prefix], steps=limits.FOLDER_SIZE_STEPS
    )
    return visit.render("files/size.html", **in_folder(bucket, prefix), contents=contents)


def _order_of(visit: Visit) -> tuple[Order | None, bool]:
    """What the files are in order of, if not of their names, and whether it rises: a button of a form has one value, for both."""
    by, _, direction = visit.query("sort").partition("-")
    return next((order for order in Order if order.value == by), None), direction == "rising"


def _view_of(visit: Visit) -> View:
    return View(**{name: visit.query(name) == "1" for name in dict(_SHOWN)})


async def _older_of_open(visit: Visit, bucket: Bucket, view: View) -> Any:
    """The older versions of the row that is open, where not all rows are."""
    name = visit.query("open")
    if not name or view.versions:
        return []
    found = await visit.store.files.versions_of(visit.principal, bucket, name, limit=limits.FOLDER_OLDER_SHOWN + 1)
    return found[0][1:]
