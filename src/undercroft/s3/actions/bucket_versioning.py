"""GetBucketVersioning and PutBucketVersioning: versioning is on for every bucket and stays on (reference, 1.7)."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.http.xml_in import parse_document
from undercroft.s3.answers import bare_answer, xml_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import S3Error
from undercroft.s3.xml_in import fields
from undercroft.store.operations import Operation


async def get_bucket_versioning(call: Call) -> Response:
    """GET /bucket?versioning."""
    await call.settings_of_bucket(Operation.READ_BUCKET)
    return xml_answer("VersioningConfiguration", "<Status>Enabled</Status>")


async def put_bucket_versioning(call: Call) -> Response:
    """PUT /bucket?versioning: enabling changes nothing, suspending is refused with `InvalidBucketState`."""
    body = await call.document()
    settings = fields(parse_document(body, "VersioningConfiguration"), {"Status", "MfaDelete"})
    status, mfa_delete = settings.get("Status", "").strip(), settings.get("MfaDelete", "Disabled").strip()
    if status not in {"Enabled", "Suspended"} or mfa_delete not in {"Enabled", "Disabled"}:
        raise S3Error("MalformedXML")
    await call.settings_to_change(Operation.WRITE_BUCKET)
    if mfa_delete == "Enabled":
        raise S3Error("NotImplemented", "Deleting with MFA is not implemented.")
    if status == "Suspended":
        raise S3Error("InvalidBucketState", "Versioning is part of every bucket and cannot be suspended.")
    return bare_answer(200)
