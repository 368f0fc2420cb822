"""GetBucketCors, PutBucketCors and DeleteBucketCors: the bucket's CORS rules, as far as they are for S3 (reference, 1.13).

Rules for operations of the native protocol are neither shown nor touched here.
"""

from __future__ import annotations

from undercroft import limits
from undercroft.http import cors_xml
from undercroft.http.cors_xml import XMLRule
from undercroft.http.response import Response
from undercroft.s3.answers import bare_answer, xml_document_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import S3Error
from undercroft.store.buckets.cors import S3Rule, document_of, rules_for_s3
from undercroft.store.model import Document
from undercroft.store.operations import Operation


async def get_bucket_cors(call: Call) -> Response:
    """GET /bucket?cors. Raises `NoSuchCORSConfiguration` where no rule is for S3."""
    bucket = await call.settings_of_bucket(Operation.READ_BUCKET)
    rules = rules_for_s3(bucket.cors_rules)
    if not rules:
        raise S3Error("NoSuchCORSConfiguration", extras={"BucketName": bucket.name})
    return xml_document_answer(cors_xml.rules_document(XMLRule(*rule) for rule in rules))


async def put_bucket_cors(call: Call) -> Response:
    """PUT /bucket?cors: replace the rules for S3."""
    rules = parse_rules(await call.document())
    bucket = await call.bucket()
    await call.store.buckets.set_s3_cors_rules(call.managing, bucket.bucket_id, rules)
    return bare_answer(200)


async def delete_bucket_cors(call: Call) -> Response:
    """DELETE /bucket?cors: remove the rules for S3, if there are any."""
    bucket = await call.bucket()
    await call.store.buckets.set_s3_cors_rules(call.managing, bucket.bucket_id, [])
    return bare_answer(204)


def parse_rules(body: bytes) -> list[Document]:
    """The rules of the document, as the store takes them from S3. Raises `MalformedXML`, `InvalidArgument` and `InvalidRequest`."""
    rules = cors_xml.parse_rules(body)
    if any(len(rule.rule_id or "") > limits.CORS_ID_MAX_LENGTH for rule in rules):
        raise S3Error("InvalidArgument", f"The ID of a CORS rule has at most {limits.CORS_ID_MAX_LENGTH} characters.")
    return [document_of(S3Rule(*rule)) for rule in rules]
