"""Adding a rule, and changing one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from undercroft.console.events.rules import named, path_of
from undercroft.console.faults import Faults
from undercroft.console.languages import N_, _
from undercroft.console.numbers import whole_number
from undercroft.console.random_secrets import signing_secret
from undercroft.console.visit import Visit
from undercroft.store.buckets.in_words import of_notification_rule
from undercroft.store.buckets.notification_rules import EVENT_TYPES, Header, Rule, Target, faults_of
from undercroft.store.errors import (
    EventTypeInvalid,
    EventTypeOverlap,
    EventTypesEmpty,
    EventTypesMixed,
)
from undercroft.store.model import Bucket

SPARE_HEADERS = 2
_CATEGORIES = {
    "b2:ObjectCreated": N_("A file is there"),
    "b2:HideMarkerCreated": N_("A file is hidden"),
    "b2:ObjectDeleted": N_("A version is deleted"),
    "b2:MultipartUploadCreated": N_("A large file is begun"),
}
EVENT_GROUPS = [
    (
        label,
        sorted((one for one in EVENT_TYPES if one.startswith(f"{category}:")), key=lambda one: (one[-1] != "*", one)),
    )
    for category, label in _CATEGORIES.items()
]
_OF_TYPES = (EventTypesEmpty, EventTypeInvalid, EventTypeOverlap, EventTypesMixed)
_FIELDS = {
    "name": "name",
    "objectNamePrefix": "prefix",
    "maxEventsPerBatch": "batch",
    "url": "url",
    "hmacSha256SigningSecret": "secret",
    "customHeaders": "headers",
}


async def new(visit: Visit) -> Response:
    """An empty rule, with a secret that nobody else knows."""
    values = {"name": "", "url": "", "prefix": "", "secret": signing_secret(), "batch": "1", "enabled": "on"}
    return _page(visit, await visit.bucket(), values, ["b2:ObjectCreated:*"], [])


async def add(visit: Visit) -> Response:
    """Add the rule to those of the bucket."""
    return await _save(visit, before=None)


async def edit(visit: Visit) -> Response:
    """A rule as it is."""
    bucket = await visit.bucket()
    rule = named(await visit.store.notifications.rules(visit.principal, bucket.bucket_id), visit.path("rule"))
    values = {
        "name": rule.name,
        "url": rule.target.url,
        "prefix": rule.object_name_prefix,
        "secret": rule.target.signing_secret or "",
        "batch": str(rule.max_events_per_batch),
        "enabled": "on" if rule.is_enabled else "",
    }
    headers = [(header.name, header.value) for header in rule.target.custom_headers or ()]
    return _page(visit, bucket, values, rule.event_types, headers, changed=rule.name)


async def change(visit: Visit) -> Response:
    """Replace the rule by what the form says of it."""
    return await _save(visit, before=visit.path("rule"))


async def _save(visit: Visit, *, before: str | None) -> Response:
    bucket = await visit.bucket()
    rules = await visit.store.notifications.rules(visit.principal, bucket.bucket_id)
    place = len(rules) if before is None else rules.index(named(rules, before))
    values = {name: visit.field(name).strip() for name in ("name", "url", "prefix", "secret", "batch", "enabled")}
    event_types = visit.fields("event")
    headers = [
        (name.strip(), value)
        for name, value in zip(visit.fields("header_name"), visit.fields("header_value"), strict=False)
        if name.strip() or value
    ]
    rule = Rule(
        name=values["name"],
        event_types=tuple(event_types),
        is_enabled=bool(values["enabled"]),
        object_name_prefix=visit.field("prefix"),
        max_events_per_batch=whole_number(values["batch"]) or 0,
        target=Target(
            url=values["url"],
            custom_headers=tuple(Header(name, value) for name, value in headers) or None,
            signing_secret=values["secret"] or None,
        ),
    )
    faults = Faults(_FIELDS, "rule")
    for fault in faults_of(rule):
        faults.add([fault], field="event" if isinstance(fault, _OF_TYPES) else "")
    if not faults:
        with faults.gathered(*_OF_TYPES):
            await visit.store.notifications.set_rules(
                visit.principal, bucket.bucket_id, [*rules[:place], rule, *rules[place + 1 :]]
            )
    if faults:
        return _page(visit, bucket, values, event_types, headers, changed=before, status=422, errors=faults.errors)
    visit.audit_changes({} if before is None else of_notification_rule(rules[place]), of_notification_rule(rule))
    return visit.redirect(path_of(bucket.name), notice="rule-saved")


def _page(
    visit: Visit,
    bucket: Bucket,
    values: Mapping[str, str],
    event_types: Sequence[str],
    headers: Sequence[tuple[str, str]],
    *,
    changed: str | None = None,
    **render: Any,
) -> Response:
    return visit.render(
        "events/rule_form.html",
        bucket=bucket,
        values=values,
        event_types=event_types,
        event_groups=[(_(label), types) for label, types in EVENT_GROUPS],
        headers=[*headers, *[("", "")] * SPARE_HEADERS],
        changed=changed,
        **render,
    )
