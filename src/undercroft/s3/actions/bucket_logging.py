"""GetBucketLogging and PutBucketLogging: where a bucket's access logs go (reference, 1.14)."""

from __future__ import annotations

from lxml import etree

from undercroft.http.response import Response
from undercroft.http.xml_in import children, parse_document
from undercroft.http.xml_out import element
from undercroft.s3.answers import bare_answer, xml_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import S3Error
from undercroft.store.operations import Operation

_ROOT, _ENABLED = "BucketLoggingStatus", "LoggingEnabled"
_TEXTS = frozenset({"TargetBucket", "TargetPrefix"})
_FORMAT, _SIMPLE, _PARTITIONED = "TargetObjectKeyFormat", "SimplePrefix", "PartitionedPrefix"


async def get_bucket_logging(call: Call) -> Response:
    """GET /bucket?logging: an empty element where nothing is logged."""
    bucket = await call.settings_of_bucket(Operation.READ_BUCKET_LOGGING)
    if bucket.logging is None:
        return xml_answer(_ROOT, "")
    target = element("TargetBucket", bucket.logging.destination_name) + element("TargetPrefix", bucket.logging.prefix)
    return xml_answer(_ROOT, f"<{_ENABLED}>{target}</{_ENABLED}>")


async def put_bucket_logging(call: Call) -> Response:
    """PUT /bucket?logging: log into the target bucket, or with an empty element no longer."""
    bucket = await call.bucket()
    destination, prefix = _target(await call.document())
    await call.store.buckets.set_logging(call.managing, bucket.bucket_id, destination, prefix)
    return bare_answer(200)


def _target(body: bytes) -> tuple[str | None, str]:
    """The target bucket, None for no logging, and the prefix. Raises `MalformedXML`, and for what is not there to be set."""
    enabled = [child for _, child in children(parse_document(body, _ROOT), {_ENABLED})]
    if not enabled:
        return None, ""
    if len(enabled) > 1:
        raise S3Error("MalformedXML", f"There is more than one {_ENABLED}.")
    texts: dict[str, str] = {}
    for name, child in children(enabled[0], {*_TEXTS, "TargetGrants", _FORMAT}):
        if name in _TEXTS:
            if name in texts or len(child):
                raise S3Error("MalformedXML", f"The element {name} is repeated or is not a plain text.")
            texts[name] = child.text or ""
        elif name == _FORMAT:
            _check_format(child)
        elif len(child):
            raise S3Error("AccessControlListNotSupported", "Logs have no grants: the keys of the account read them.")
    if not texts.get("TargetBucket") or "TargetPrefix" not in texts:
        raise S3Error("MalformedXML", f"{_ENABLED} has to have a TargetBucket and a TargetPrefix, which may be empty.")
    return texts["TargetBucket"], texts["TargetPrefix"]


def _check_format(element_: etree._Element) -> None:
    """Raise unless names are to be of the one format that there is."""
    if [name for name, _ in children(element_, {_SIMPLE, _PARTITIONED})] not in ([], [_SIMPLE]):
        raise S3Error("NotImplemented", "The names of logs are made with SimplePrefix alone.")
