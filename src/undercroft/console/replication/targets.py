"""Targets: buckets of other installations, or at B2, that rules can lead to."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.faults import Faults
from undercroft.console.languages import _
from undercroft.console.visit import Visit
from undercroft.store.buckets.replication_targets import Target, faults_of
from undercroft.store.errors import NoSuchTarget

_FIELDS = ("target", "endpoint", "key_id", "bucket")
_NAMED = {"name": "target", "endpoint": "endpoint", "keyId": "key_id", "key": "key", "bucketName": "bucket"}


async def new(visit: Visit) -> Response:
    """The empty form."""
    return visit.render("replication/target_form.html", values=dict.fromkeys(_FIELDS, ""))


async def add(visit: Visit) -> Response:
    """Keep the target; its key is wrapped and never shown again."""
    values = {name: visit.field(name).strip() for name in _FIELDS}
    visit.audit(**values)
    name, given = values["target"], {"endpoint": values["endpoint"], "key_id": values["key_id"]}
    given |= {"key": visit.field("key").strip(), "bucket_name": values["bucket"]}
    faults = Faults(_NAMED, "target")
    faults.add(faults_of(name, **given))
    if not faults:
        with faults.gathered():
            await visit.store.replication_targets.add(visit.account, name, **given)
    if faults:
        return visit.render("replication/target_form.html", status=422, values=values, errors=faults.errors)
    return visit.redirect("/replication", notice="target-added")


async def ask(visit: Visit) -> Response:
    """What it means to forget a target."""
    return visit.render("replication/remove_target.html", target=await _named(visit))


async def remove(visit: Visit) -> Response:
    """Forget it."""
    await visit.store.replication_targets.remove(visit.account, visit.path("target"))
    return visit.redirect("/replication", notice="target-removed")


async def _named(visit: Visit) -> Target:
    for target in await visit.store.replication_targets.list(visit.account):
        if target.name == visit.path("target"):
            return target
    raise NoSuchTarget(_("The account has no target %(name)s", name=visit.path("target")))
