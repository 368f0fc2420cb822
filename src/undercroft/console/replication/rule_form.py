"""Replicate Your Data: the dialog of the original, with prefix and existing files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from undercroft.console.faults import Faults
from undercroft.console.languages import _
from undercroft.console.replication.overview import destination_names
from undercroft.console.visit import Visit
from undercroft.store.buckets.replication import check_rule_name
from undercroft.store.errors import InvalidRequest, NoSuchBucket, RevisionConflict
from undercroft.store.model import Bucket

_FIELDS = {"source": "source", "destination": "destination"}
_BLANK = {"rule": "", "source": "", "destination": "", "prefix": "", "existing": ""}


async def new(visit: Visit) -> Response:
    """The form, with a source where one was chosen already."""
    return await _page(visit, {**_BLANK, "source": visit.query("source"), "existing": "on"})


async def add(visit: Visit) -> Response:
    """Set up the replication, keys and all."""
    values = {name: visit.field(name) for name in _BLANK}
    buckets = {bucket.bucket_id: bucket for bucket in await visit.own_buckets()}
    faults, destination = Faults(_FIELDS, "rule"), values["destination"]
    with faults.gathered():
        check_rule_name(values["rule"].strip())
    with faults.gathered():
        source = _chosen(buckets, values["source"])
    if not destination:
        faults.say("destination", _("Choose where the files are to go."))
    if "source" not in faults.errors:
        visit.audit(
            target=f"{source.name} / {values['rule'].strip()}",
            to=buckets[destination].name if destination in buckets else destination,
            prefix=values["prefix"] or "none",
            existing="yes" if values["existing"] else "no",
        )
    if not faults:
        with faults.gathered(NoSuchBucket, RevisionConflict):
            await visit.store.replication_setup.add(
                visit.principal,
                source,
                buckets.get(destination, destination),
                values["rule"].strip(),
                prefix=values["prefix"],
                include_existing=bool(values["existing"]),
            )
    if faults:
        return await _page(visit, values, status=422, errors=faults.errors)
    return visit.redirect(f"/buckets/{source.name}/replication", notice="rule-saved")


def _chosen(buckets: Mapping[str, Bucket], bucket_id: str) -> Bucket:
    if bucket_id not in buckets:
        raise InvalidRequest(_("Choose the bucket whose files are to be replicated."), "source")
    return buckets[bucket_id]


async def _page(visit: Visit, values: Mapping[str, str], **render: Any) -> Response:
    buckets = await visit.own_buckets()
    destinations = await destination_names(visit)
    return visit.render(
        "replication/rule_form.html",
        values=values,
        sources=[("", _("Choose a bucket")), *((bucket.bucket_id, bucket.name) for bucket in buckets)],
        destinations=[("", _("Choose a bucket or a target")), *destinations.items()],
        **render,
    )
