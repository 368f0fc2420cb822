"""Make a snapshot of a bucket, of a folder, or of what somebody ticked off."""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.files.places import files_path, label_of, way_back
from undercroft.console.files.selection import names_of, note
from undercroft.console.languages import _
from undercroft.console.problems import beside
from undercroft.console.templates import count
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest, TooManyJobs
from undercroft.store.model import Bucket
from undercroft.store.work.jobs.model import Snapshot

FOR_EVER = "kept"
_USUAL_DAYS = "30"
VALIDITIES = (*(str(days) for days in limits.SNAPSHOT_VALID_DAYS), FOR_EVER)


async def choose(visit: Visit) -> Response:
    """The buckets of which there can be a snapshot."""
    return visit.render("snapshots/choose.html", buckets=await visit.own_buckets())


async def ask(visit: Visit) -> Response:
    """The dialog, about a folder or the whole bucket."""
    prefix = visit.query("prefix")
    return await _dialog(visit, await visit.bucket(), prefix, [prefix], _USUAL_DAYS)


async def ask_for_selection(visit: Visit) -> Response:
    """The dialog, about a selection."""
    return await _dialog(visit, await visit.bucket(), visit.field("prefix"), names_of(visit), _USUAL_DAYS)


async def begin(visit: Visit) -> Response:
    """Begin the job, and show it."""
    bucket, prefix, days = await visit.bucket(), visit.field("prefix"), visit.field("days")
    names = names_of(visit) or [prefix]
    note(visit, bucket, names, [])
    try:
        if days not in VALIDITIES:
            raise InvalidRequest(_("Choose how long it is to be kept."), "validDays")
        asked = Snapshot(prefix, tuple(names), None if days == FOR_EVER else int(days))
        job = await visit.store.jobs.begin(visit.principal, bucket, asked)
    except (InvalidRequest, TooManyJobs) as error:
        errors = beside(error, {"validDays": "days", "names": "names"}, "names")
        return await _dialog(visit, bucket, prefix, names, days, errors=errors)
    return visit.redirect(f"/jobs/{job.job_id}", notice="job-begun")


async def _dialog(
    visit: Visit,
    bucket: Bucket,
    prefix: str,
    names: list[str],
    days: str,
    *,
    errors: dict[str, str] | None = None,
) -> Response:
    contents = await visit.store.files.contents_of_selection(
        visit.principal, bucket, names, steps=limits.FOLDER_SIZE_STEPS
    )
    whole = names == [prefix]
    return visit.render(
        "snapshots/new.html",
        status=422 if errors else 200,
        errors=errors,
        bucket=bucket,
        prefix=prefix,
        names=[] if whole else names,
        labels=[] if whole else [label_of(name, prefix) + ("/" if name.endswith("/") else "") for name in names],
        contents=contents,
        most_files=limits.ZIP_FILES_MAX,
        validities=[*((one, count(int(one), "day")) for one in VALIDITIES[:-1]), (FOR_EVER, _("Until I delete it"))],
        days=days,
        back=way_back(visit, files_path(bucket, prefix)),
    )
