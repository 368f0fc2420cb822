"""Access Logs of a bucket: whether there are any, and which bucket they go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.buckets.access_logging import may_take_logs
from undercroft.store.buckets.in_words import of_bucket
from undercroft.store.errors import InvalidRequest
from undercroft.store.model import Bucket

_FIELDS = {"destination": "destination", "prefix": "prefix"}


async def show(visit: Visit) -> Response:
    """The setting as it is."""
    bucket = await visit.bucket()
    logging = bucket.logging
    if logging is None:
        return await _page(visit, bucket, {"logging": "disable", "destination": "", "prefix": ""})
    values = {"logging": "enable", "destination": logging.destination_name, "prefix": logging.prefix}
    return await _page(visit, bucket, values)


async def save(visit: Visit) -> Response:
    """Log, or no longer. That logs are to go into the bucket itself has to be said twice."""
    bucket = await visit.bucket()
    values = {name: visit.field(name) for name in ("logging", "destination", "prefix")}
    destination = values["destination"] if values["logging"] == "enable" else None
    is_new = bucket.logging is None or bucket.logging.destination_bucket_id != bucket.bucket_id
    if destination == bucket.name and is_new and not visit.field("itself"):
        return await _page(visit, bucket, values, status=422, asks=True)
    try:
        if destination == "":
            raise InvalidRequest(_("Choose the bucket that the logs are to go to."), "destination")
        changed = await visit.store.buckets.set_logging(
            visit.principal, bucket.bucket_id, destination, values["prefix"]
        )
    except InvalidRequest as error:
        return await _page(visit, bucket, values, status=422, errors=beside(error, _FIELDS, "destination"))
    visit.audit_changes(of_bucket(bucket), of_bucket(changed))
    return visit.redirect(f"/buckets/{bucket.name}/logs", notice="settings-saved")


async def _page(
    visit: Visit, bucket: Bucket, values: Mapping[str, str], *, asks: bool = False, **render: Any
) -> Response:
    """The form. `asks` is whether to ask once more."""
    buckets = await visit.own_buckets()
    names = [one.name for one in buckets if may_take_logs(one, bucket.account_id)]
    if values["destination"] and values["destination"] not in names:
        names.append(
            values["destination"]
        )  # It is gone or locked, which the page tells: no other is to be chosen unasked.
    destinations = [("", _("Choose a bucket")), *((name, _label(name, bucket)) for name in names)]
    obstacle = await visit.store.access_logs.obstacle(bucket)
    return visit.render(
        "bucket_settings/logs.html",
        bucket=bucket,
        values=values,
        destinations=destinations,
        obstacle=obstacle,
        asks=asks,
        **render,
    )


def _label(name: str, bucket: Bucket) -> str:
    return _("%(name)s (this bucket itself)", name=name) if name == bucket.name else name
