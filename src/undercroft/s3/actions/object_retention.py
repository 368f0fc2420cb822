"""GetObjectRetention and PutObjectRetention: until when a version may be neither deleted nor changed."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.http.xml_in import parse_document
from undercroft.s3.answers import bare_answer, xml_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import S3Error
from undercroft.s3.object_lock import (
    MODE_WORDS,
    MODES,
    bypasses_governance,
    date_text,
    lockable_version,
    not_locked,
    parse_date,
    version_to_lock,
)
from undercroft.s3.xml_in import fields
from undercroft.store.model import Retention
from undercroft.store.operations import Operation

_ROOT = "Retention"


async def get_object_retention(call: Call) -> Response:
    """GET /bucket/key?retention. Raises `NoSuchObjectLockConfiguration` for a version that never had one."""
    _, version = await lockable_version(call, Operation.READ_RETENTION)
    retention = version.retention
    if retention is None:
        raise not_locked(call)
    until = f"<RetainUntilDate>{date_text(retention.until_ms)}</RetainUntilDate>"
    return xml_answer(_ROOT, f"<Mode>{MODE_WORDS[retention.mode]}</Mode>{until}")


async def put_object_retention(call: Call) -> Response:
    """PUT /bucket/key?retention: set, extend or, with an empty document, end the retention of a version."""
    retention = parse_retention(await call.document())
    bucket, version = await version_to_lock(call, Operation.WRITE_RETENTION)
    await call.store.files.update_retention(
        call.managing, bucket, call.key, str(version.file_id), retention, bypass=bypasses_governance(call)
    )
    return bare_answer(200)


def parse_retention(body: bytes) -> Retention | None:
    """The retention of the document, or None where it is to end. Raises `MalformedXML`."""
    given = fields(parse_document(body, _ROOT), {"Mode", "RetainUntilDate"})
    if not given:
        return None
    mode = MODES.get(given.get("Mode", "").strip())
    until_ms = parse_date(given.get("RetainUntilDate", "").strip())
    if mode is None or until_ms is None:
        raise S3Error("MalformedXML", "A retention has a Mode that is known and a RetainUntilDate in ISO 8601.")
    return Retention(mode, until_ms)
