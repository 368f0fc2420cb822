"""GetObjectLockConfiguration and PutObjectLockConfiguration: a bucket's Object Lock and its default retention."""

from __future__ import annotations

from lxml import etree

from undercroft import limits
from undercroft.http.response import Response
from undercroft.http.xml_in import children, parse_document
from undercroft.s3.answers import bare_answer, xml_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import S3Error
from undercroft.s3.object_lock import MODE_WORDS, MODES
from undercroft.s3.xml_in import fields, positive
from undercroft.store.buckets.lock import LockChange
from undercroft.store.files.lock_rules import DAYS, YEARS
from undercroft.store.model import DefaultRetention
from undercroft.store.operations import Operation

_ROOT, _ENABLED, _DEFAULT = "ObjectLockConfiguration", "ObjectLockEnabled", "DefaultRetention"
_UNITS = {"Days": DAYS, "Years": YEARS}
_UNIT_TAGS = {unit: tag for tag, unit in _UNITS.items()}


async def get_object_lock_configuration(call: Call) -> Response:
    """GET /bucket?object-lock. Raises `ObjectLockConfigurationNotFoundError` in a bucket without Object Lock."""
    bucket = await call.settings_of_bucket(Operation.READ_BUCKET_LOCK)
    if not bucket.lock.enabled:
        raise S3Error("ObjectLockConfigurationNotFoundError", extras={"BucketName": bucket.name})
    default = bucket.lock.default_retention
    rule = ""
    if default is not None:
        tag = _UNIT_TAGS[default.unit]
        period = f"<Mode>{MODE_WORDS[default.mode]}</Mode><{tag}>{default.duration}</{tag}>"
        rule = f"<Rule><{_DEFAULT}>{period}</{_DEFAULT}></Rule>"
    return xml_answer(_ROOT, f"<{_ENABLED}>Enabled</{_ENABLED}>{rule}")


async def put_object_lock_configuration(call: Call) -> Response:
    """PUT /bucket?object-lock: switch Object Lock on, for good, and set the default retention or take it off."""
    change = parse_lock_change(await call.document())
    bucket = await call.settings_to_change(Operation.WRITE_BUCKET_LOCK)
    await call.store.buckets.set_lock(call.managing, bucket.bucket_id, change)
    return bare_answer(200)


def parse_lock_change(body: bytes) -> LockChange:
    """What the document asks for. Raises `MalformedXML`, and `InvalidArgument` for a period that is none."""
    enabled: list[str] = []
    rules: list[etree._Element] = []
    for name, child in children(parse_document(body, _ROOT), {_ENABLED, "Rule"}):
        if name == "Rule":
            rules.append(child)
        else:
            enabled.append((child.text or "").strip())
    if enabled != ["Enabled"] or len(rules) > 1:
        raise S3Error("MalformedXML", f"The configuration has to have one {_ENABLED}, Enabled, and at most one Rule.")
    if not rules:
        return LockChange(enabled=True, clears_default=True)
    defaults = [child for _, child in children(rules[0], {_DEFAULT})]
    if len(defaults) != 1:
        raise S3Error("MalformedXML", f"A rule has one {_DEFAULT}.")
    return LockChange(enabled=True, default_retention=_default(defaults[0]))


def _default(element: etree._Element) -> DefaultRetention:
    given = fields(element, {"Mode", *_UNITS})
    mode = MODES.get(given.pop("Mode", "").strip())
    if mode is None or len(given) != 1:
        raise S3Error("MalformedXML", f"A {_DEFAULT} has a Mode that is known, and either Days or Years.")
    ((tag, text),) = given.items()
    return DefaultRetention(mode, positive(tag, text, limits.RETENTION_MAX_DAYS), _UNITS[tag])
