"""GetBucketEncryption, PutBucketEncryption and DeleteBucketEncryption: what new objects get that ask for nothing."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.http.xml_in import children, parse_document
from undercroft.s3.answers import bare_answer, xml_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import S3Error
from undercroft.s3.xml_in import boolean, fields
from undercroft.store.buckets.base import EncryptionChange
from undercroft.store.files.encryption import ALGORITHM
from undercroft.store.model import SSE_B2
from undercroft.store.operations import Operation

_DEFAULT = "ApplyServerSideEncryptionByDefault"


async def get_bucket_encryption(call: Call) -> Response:
    """GET /bucket?encryption. Raises `ServerSideEncryptionConfigurationNotFoundError` where there is none."""
    bucket = await call.settings_of_bucket(Operation.READ_BUCKET_ENCRYPTION)
    if call.store.buckets.encryption_of(bucket) is None:
        raise S3Error("ServerSideEncryptionConfigurationNotFoundError", extras={"BucketName": bucket.name})
    rule = (
        f"<{_DEFAULT}><SSEAlgorithm>{ALGORITHM}</SSEAlgorithm></{_DEFAULT}><BucketKeyEnabled>false</BucketKeyEnabled>"
    )
    return xml_answer("ServerSideEncryptionConfiguration", f"<Rule>{rule}</Rule>")


async def put_bucket_encryption(call: Call) -> Response:
    """PUT /bucket?encryption."""
    _check_document(await call.document())
    bucket = await call.bucket()
    await call.store.buckets.set_encryption(call.managing, bucket.bucket_id, EncryptionChange(SSE_B2))
    return bare_answer(200)


async def delete_bucket_encryption(call: Call) -> Response:
    """DELETE /bucket?encryption: back to what the service does."""
    bucket = await call.bucket()
    await call.store.buckets.set_encryption(call.managing, bucket.bucket_id, EncryptionChange(None))
    return bare_answer(204)


def _check_document(body: bytes) -> None:
    """Raise `MalformedXML`, and `InvalidArgument` for what asks for another encryption than there is."""
    rules = [rule for _, rule in children(parse_document(body, "ServerSideEncryptionConfiguration"), {"Rule"})]
    if len(rules) != 1:
        raise S3Error("MalformedXML", "An encryption configuration has exactly one rule.")
    settings: dict[str, str] = {}
    for name, child in children(rules[0], {_DEFAULT, "BucketKeyEnabled"}):
        if name == _DEFAULT:
            settings |= fields(child, {"SSEAlgorithm", "KMSMasterKeyID"})
        else:
            boolean(child.text or "")  # It is about keys of KMS, of which there are none.
    algorithm = settings.get("SSEAlgorithm", "").strip()
    if not algorithm:
        raise S3Error("MalformedXML", "The rule has no SSEAlgorithm.")
    if algorithm != ALGORITHM or settings.get("KMSMasterKeyID", "").strip():
        raise S3Error(
            "InvalidArgument",
            f"The encryption method specified is not supported: there is {ALGORITHM} alone.",
            extras={"ArgumentName": "SSEAlgorithm"},
        )
