"""CORS Rules: the presets of the original, one for uploads, an editor for all else, and a test of what a browser would be told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from starlette.responses import Response

from undercroft.console.bucket_settings import cors_presets
from undercroft.console.bucket_settings.cors_presets import (
    BOTH,
    CUSTOM,
    GROUPS,
    IMPORT,
    IMPORT_XML,
    NONE,
    ONE,
    UPLOADS,
    Preset,
)
from undercroft.console.languages import _
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.http.cors import Policy
from undercroft.http.errors import MalformedXML
from undercroft.store.buckets.cors import S3Rule, document_of, native_rules, rules_for_s3, with_s3_rules
from undercroft.store.buckets.in_words import of_bucket
from undercroft.store.errors import InvalidRequest, RevisionConflict
from undercroft.store.model import Bucket, Document

_XML_DECLARATION = re.compile(r"\A[\s\ufeff]*(?:<\?xml[^>]{0,200}\?>)?")
_BLANK: Document = {
    "corsRuleName": "", "allowedOrigins": [], "allowedOperations": [], "allowedHeaders": [], "exposeHeaders": [],
    "maxAgeSeconds": 3600,
}  # fmt: skip


class _Rule(msgspec.Struct, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """A rule as JSON that is pasted must have it; the store judges what is in it."""

    cors_rule_name: str
    allowed_origins: list[str]
    allowed_operations: list[str]
    max_age_seconds: int
    allowed_headers: list[str] | None = None
    expose_headers: list[str] | None = None


class Tried(NamedTuple):
    """A preflight that was tried against the rules, and what a browser would be told."""

    origin: str
    operation: str
    rule: str | None


async def show(visit: Visit) -> Response:
    """The rules as they are; and what they say to an origin, where one is given to try."""
    bucket = await visit.bucket()
    return _page(visit, bucket, cors_presets.preset_of(bucket.cors_rules), native_rules(bucket.cors_rules))


async def save(visit: Visit) -> Response:
    """Replace the rules."""
    bucket = await visit.bucket()
    preset = Preset(visit.field("choice", NONE), visit.field("face", BOTH), visit.field("origin").strip())
    edited: Sequence[Document] = []
    try:
        edited = _edited(visit)
        rules = edited if preset.choice == CUSTOM else _rules(visit, preset, bucket)
        changed = await visit.store.buckets.update(
            visit.principal, bucket.bucket_id, cors_rules=rules, if_revision_is=visit.revision
        )
    except (InvalidRequest, RevisionConflict) as error:
        errors = beside(error, {}, "origin" if preset.choice in (ONE, UPLOADS) else "rules")
        return _page(visit, bucket, preset, edited, status=422, errors=errors)
    visit.audit_changes(of_bucket(bucket), of_bucket(changed))
    return visit.redirect(f"/buckets/{bucket.name}/cors", notice="settings-saved")


async def export(visit: Visit) -> Response:
    """The rules as JSON, as the native API and `b2 bucket update --cors-rules` take them."""
    bucket = await visit.bucket()
    body = msgspec.json.format(msgspec.json.encode(native_rules(bucket.cors_rules)), indent=2)
    disposition = f'attachment; filename="{bucket.name}-cors.json"'
    return Response(body, media_type="application/json", headers={"content-disposition": disposition})


async def export_xml(visit: Visit) -> Response:
    """The rules for S3 operations as XML, as S3 and `PutBucketCors` know them."""
    from undercroft.http.cors_xml import XMLRule, rules_document

    bucket = await visit.bucket()
    body = rules_document(XMLRule(*rule) for rule in rules_for_s3(bucket.cors_rules))
    disposition = f'attachment; filename="{bucket.name}-cors.xml"'
    return Response(body, media_type="application/xml", headers={"content-disposition": disposition})


def _rules(visit: Visit, preset: Preset, bucket: Bucket) -> list[Document]:
    """The rules of a preset, or those that were pasted. Raises `InvalidRequest`."""
    if preset.choice == IMPORT_XML:
        return _rules_of_xml(visit.field("xml"), bucket)
    if preset.choice != IMPORT:
        return cors_presets.rules_of(preset)
    try:
        rules = msgspec.json.decode(visit.field("json"), type=list[_Rule])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InvalidRequest(_("This is no list of CORS rules: %(error)s", error=error), "corsRules") from None
    documents: list[Document] = msgspec.to_builtins(rules)
    return documents


def _rules_of_xml(text: str, bucket: Bucket) -> list[Document]:
    """The rules of the bucket, with those of S3's document in place of those for S3. Raises `InvalidRequest`."""
    from undercroft.http.cors_xml import parse_rules  # Here, since nothing else of the console reads XML.

    # The text is in no encoding any more, whatever its declaration says of one.
    bare = _XML_DECLARATION.sub("", text, count=1)
    try:
        of_s3 = parse_rules(bare.encode("utf-8", "replace"))
    except MalformedXML as error:
        raise InvalidRequest(f"This is no CORS configuration of S3: {error}", "corsRules") from None
    return with_s3_rules(bucket.cors_rules, [document_of(S3Rule(*rule)) for rule in of_s3])


def _edited(visit: Visit) -> list[Document]:
    """The rules of the editor; those without a name and origins are left out. Raises `InvalidRequest`."""
    rules = []
    for number in visit.fields("rule"):
        name = visit.field(f"name-{number}").strip()
        origins = visit.field(f"origins-{number}").split()
        if not name and not origins:
            continue
        age = visit.field(f"age-{number}").strip()
        if not (age.isascii() and age.isdigit() and len(age) < 10):
            raise InvalidRequest(
                _("The CORS rule %(name)s needs a whole number of seconds.", name=repr(name)), "corsRules"
            )
        rules.append(
            {
                "corsRuleName": name,
                "allowedOrigins": origins,
                "allowedOperations": visit.fields(f"operations-{number}"),
                "allowedHeaders": visit.field(f"headers-{number}").split() or None,
                "exposeHeaders": visit.field(f"exposed-{number}").split() or None,
                "maxAgeSeconds": int(age),
            }
        )
    return rules


def _tried(visit: Visit, bucket: Bucket) -> Tried | None:
    origin, operation = visit.query("try_origin").strip(), visit.query("try_operation")
    if not origin:
        return None
    grant = Policy(bucket.cors_rules).grant(origin.encode(errors="replace"), operation)
    names = [
        rule["corsRuleName"]
        for rule in bucket.cors_rules
        if grant and rule["allowedOperations"] is grant.rule.operations
    ]
    return Tried(origin, operation, names[0] if names else None)


def _page(
    visit: Visit,
    bucket: Bucket,
    preset: Preset,
    rules: Sequence[Document],
    *,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
) -> Response:
    return visit.render(
        "bucket_settings/cors.html",
        status=status,
        errors=errors,
        bucket=bucket,
        preset=preset,
        rules=[*rules, _BLANK],
        json=visit.field("json"),
        xml=visit.field("xml"),
        has_s3_rules=bool(rules_for_s3(bucket.cors_rules)),
        operation_groups=[(_(label), operations) for label, operations in GROUPS],
        tried=_tried(visit, bucket),
    )
