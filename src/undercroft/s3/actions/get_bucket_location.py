"""GetBucketLocation: the server's region, never empty, as B2 answers."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.http.xml_out import escape
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call
from undercroft.store.operations import Operation


async def get_bucket_location(call: Call) -> Response:
    """GET /bucket?location. The root element itself has the text."""
    await call.settings_of_bucket(Operation.READ_BUCKET)
    return xml_answer("LocationConstraint", escape(call.settings.region))
