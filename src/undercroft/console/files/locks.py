"""The legal hold and the retention of a version."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from undercroft.console.files.details import version_asked, version_form
from undercroft.console.languages import _
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest, RetentionPast, RetentionProtected
from undercroft.store.model import FileVersion, Retention

_MOMENT = "%Y-%m-%dT%H:%M"


async def hold(visit: Visit) -> Response:
    """Put a legal hold on a version, or take it off."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    on = visit.field("hold") == "on"
    await visit.store.files.update_legal_hold(visit.principal, bucket, version.name, str(version.file_id), on=on)
    notice = "hold-on" if on else "hold-off"
    return visit.redirect(f"/buckets/{bucket.name}/file", id=str(version.file_id), notice=notice)


async def new_retention(visit: Visit) -> Response:
    """The form for the retention of a version."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    kept = version.retention
    values = {
        "mode": kept.mode if kept else "none",
        "until": datetime.fromtimestamp(kept.until_ms / 1000, UTC).strftime(_MOMENT) if kept else "",
        "bypass": "",
    }
    return version_form(visit, "files/retention.html", bucket, version, values=values)


async def retain(visit: Visit) -> Response:
    """Set, extend or end the retention of a version."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    values = {name: visit.field(name) for name in ("mode", "until", "bypass")}
    try:
        await visit.store.files.update_retention(
            visit.principal,
            bucket,
            version.name,
            str(version.file_id),
            _retention(values),
            bypass=values["bypass"] == "on",
        )
    except (InvalidRequest, RetentionPast) as error:
        refused = beside(error, {}, "until")
    except RetentionProtected:
        refused = {"until": _why_protected(version)}
    else:
        return visit.redirect(f"/buckets/{bucket.name}/file", id=str(version.file_id), notice="retention-set")
    return version_form(visit, "files/retention.html", bucket, version, errors=refused, values=values)


def _retention(values: dict[str, str]) -> Retention | None:
    if values["mode"] == "none":
        return None
    try:
        until = datetime.fromisoformat(values["until"]).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidRequest(_("Say until when the version is kept, in UTC."), "fileRetention") from None
    return Retention(values["mode"], int(until.timestamp() * 1000))


def _why_protected(version: FileVersion) -> str:
    if version.retention is not None and version.retention.mode == "compliance":
        return _("In compliance mode a retention can only be made longer, by nobody shorter.")
    return _("In governance mode a retention is only shortened or ended with the box below ticked.")
