"""GetObjectLegalHold and PutObjectLegalHold: a lock without an end, until it is taken off."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.http.xml_in import parse_document
from undercroft.s3.answers import bare_answer, xml_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import S3Error
from undercroft.s3.object_lock import HOLD_WORDS, HOLDS, lockable_version, not_locked, version_to_lock
from undercroft.s3.xml_in import fields
from undercroft.store.operations import Operation

_ROOT = "LegalHold"


async def get_object_legal_hold(call: Call) -> Response:
    """GET /bucket/key?legal-hold. Raises `NoSuchObjectLockConfiguration` for a version that was never told of one."""
    _, version = await lockable_version(call, Operation.READ_LEGAL_HOLD)
    if version.legal_hold is None:
        raise not_locked(call)
    return xml_answer(_ROOT, f"<Status>{HOLD_WORDS[version.legal_hold]}</Status>")


async def put_object_legal_hold(call: Call) -> Response:
    """PUT /bucket/key?legal-hold: put a hold on a version, or take it off."""
    on = parse_legal_hold(await call.document())
    bucket, version = await version_to_lock(call, Operation.WRITE_LEGAL_HOLD)
    await call.store.files.update_legal_hold(call.managing, bucket, call.key, str(version.file_id), on=on)
    return bare_answer(200)


def parse_legal_hold(body: bytes) -> bool:
    """Whether the document puts a hold on. Raises `MalformedXML`."""
    on = HOLDS.get(fields(parse_document(body, _ROOT), {"Status"}).get("Status", "").strip())
    if on is None:
        raise S3Error("MalformedXML", "The Status of a legal hold is ON or OFF.")
    return on
