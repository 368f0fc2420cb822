"""CreateBucket: private, or public where the canned ACL says so, with Object Lock where a header does."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.http.xml_in import children, parse_document
from undercroft.s3.answers import bare_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.headers import ACL, bucket_type_of
from undercroft.store.buckets.lock import LockChange

# The region that clients put where they have none; it stands for ours.
_ANY_REGION = "us-east-1"
_LOCK = "x-amz-bucket-object-lock-enabled"
_SETTINGS = frozenset({"LocationConstraint", "Location", "Bucket", "Tags"})


async def create_bucket(call: Call) -> Response:
    """PUT /bucket (reference, 1.5 and 2.8)."""
    bucket_type = bucket_type_of(call.header(ACL) or "private")
    lock = _lock(call.header(_LOCK) or "false")
    body = await call.document()
    if body:
        _check_location(body, call.settings.region)
    bucket = await call.store.buckets.create(call.managing, call.bucket_name, bucket_type, lock=lock)
    return bare_answer(200, [(b"location", b"/" + bucket.name.encode("ascii"))])


def _lock(enabled: str) -> LockChange:
    """What the bucket is made with. Raises `InvalidArgument`."""
    if enabled.lower() not in {"true", "false"}:
        raise invalid_argument(_LOCK, enabled, f"{_LOCK} is neither true nor false.")
    return LockChange(enabled=enabled.lower() == "true")


def _check_location(body: bytes, region: str) -> None:
    """Refuse another region than ours, and the settings of the document that we do not have."""
    for name, setting in children(parse_document(body, "CreateBucketConfiguration"), _SETTINGS):
        location = (setting.text or "").strip()
        if name == "LocationConstraint":
            if location and location not in {region, _ANY_REGION}:
                raise S3Error("InvalidLocationConstraint", extras={"LocationConstraint": location})
        elif location or len(setting):
            raise S3Error("NotImplemented", f"Buckets cannot be created with {name}.")
