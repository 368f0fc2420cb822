"""Copy or move a folder."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest, NoSuchBucket, TooManyJobs
from undercroft.store.model import Bucket
from undercroft.store.work.jobs.model import Transfer

_WAYS = ("copy", "move", "purge")


async def ask(visit: Visit) -> Response:
    """The dialog."""
    bucket = await visit.bucket()
    prefix = visit.query("prefix")
    values = {"target_bucket": bucket.bucket_id, "target": prefix, "way": "move", "existing": "skip"}
    return await _dialog(visit, bucket, prefix, values)


async def begin(visit: Visit) -> Response:
    """Begin the job, and show it."""
    bucket = await visit.bucket()
    prefix, way = visit.field("prefix"), visit.field("way")
    target = visit.field("target").strip()
    asked = Transfer(
        prefix,
        visit.field("target_bucket"),
        f"{target}/" if target and not target.endswith("/") else target,
        is_move=way != "copy",
        is_purged=way == "purge",
        existing="overwrite" if visit.field("existing") == "overwrite" else "skip",
    )
    try:
        if way not in _WAYS:
            raise InvalidRequest(_("Choose one of these."), "way")
        job = await visit.store.jobs.begin(visit.principal, bucket, asked)
    except (InvalidRequest, NoSuchBucket, TooManyJobs) as error:
        values = {name: visit.field(name) for name in ("target_bucket", "target", "way", "existing")}
        fields = {"targetPrefix": "target", "way": "way"}
        return await _dialog(visit, bucket, prefix, values, errors=beside(error, fields, "target"))
    return visit.redirect(f"/jobs/{job.job_id}", notice="job-begun")


async def _dialog(
    visit: Visit, bucket: Bucket, prefix: str, values: dict[str, str], *, errors: dict[str, str] | None = None
) -> Response:
    buckets = await visit.own_buckets()
    return visit.render(
        "jobs/transfer.html",
        status=422 if errors else 200,
        errors=errors,
        bucket=bucket,
        prefix=prefix,
        values=values,
        buckets=sorted((each.bucket_id, each.name) for each in buckets),
    )
