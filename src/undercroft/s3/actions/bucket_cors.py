"""GetBucketCors, PutBucketCors and DeleteBucketCors: the bucket's CORS rules, as far as they are for S3 (reference, 1.13).

Rules for operations of the native protocol are neither shown nor touched here.
"""

from __future__ import annotations

from lxml import etree

from undercroft import limits
from undercroft.http.response import Response
from undercroft.s3.answers import bare_answer, xml_answer
from undercroft.s3.call import Call
from undercroft.s3.cors import METHODS, OPERATIONS
from undercroft.s3.errors import S3Error
from undercroft.s3.xml_in import children, parse_document
from undercroft.s3.xml_out import element
from undercroft.store.buckets.cors import S3_WORDS, s3_rules
from undercroft.store.model import Document
from undercroft.store.operations import Operation

_ID_MAX_LENGTH = 255
_LISTS = {"AllowedOrigin", "AllowedMethod", "AllowedHeader", "ExposeHeader"}
_SINGLES = {"ID", "MaxAgeSeconds"}


async def get_bucket_cors(call: Call) -> Response:
    """GET /bucket?cors. Raises `NoSuchCORSConfiguration` where no rule is for S3."""
    bucket = await call.settings_of_bucket(Operation.READ_BUCKET)
    rules = s3_rules(bucket.cors_rules)
    if not rules:
        raise S3Error("NoSuchCORSConfiguration", extras={"BucketName": bucket.name})
    return xml_answer("CORSConfiguration", "".join(map(_element, rules)))


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
    """The rules of the document, as the store takes them from S3. Raises `MalformedXML` and `InvalidRequest`."""
    rules = [_rule(child) for _, child in children(parse_document(body, "CORSConfiguration"), {"CORSRule"})]
    if not rules:
        raise S3Error("MalformedXML", "A CORS configuration has at least one rule.")
    return rules


def _rule(rule: etree._Element) -> Document:
    lists: dict[str, list[str]] = {name: [] for name in _LISTS}
    singles: dict[str, str] = {}
    for name, child in children(rule, _LISTS | _SINGLES):
        text = (child.text or "").strip()
        if len(child) or name in singles:
            raise S3Error("MalformedXML", f"The element {name} is repeated or is not a plain text.")
        if name in _LISTS:
            lists[name].append(text)
        else:
            singles[name] = text
    if not lists["AllowedOrigin"] or not lists["AllowedMethod"]:
        raise S3Error("MalformedXML", "A CORS rule has at least one AllowedOrigin and one AllowedMethod.")
    for method in lists["AllowedMethod"]:
        if method not in OPERATIONS:
            raise S3Error(
                "InvalidRequest", f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            )
    rule_id = singles.get("ID") or None
    if rule_id is not None and len(rule_id) > _ID_MAX_LENGTH:
        raise S3Error("InvalidArgument", f"The ID of a CORS rule has at most {_ID_MAX_LENGTH} characters.")
    return {
        S3_WORDS: {"id": rule_id, "maxAge": "MaxAgeSeconds" in singles},
        "allowedOrigins": lists["AllowedOrigin"],
        "allowedOperations": [OPERATIONS[method] for method in dict.fromkeys(lists["AllowedMethod"])],
        "allowedHeaders": lists["AllowedHeader"],
        "exposeHeaders": lists["ExposeHeader"],
        "maxAgeSeconds": _seconds(singles.get("MaxAgeSeconds", "0")),
    }


def _seconds(text: str) -> int:
    """The number; one that is too large for the store to take stays too large."""
    if not (text.isascii() and text.isdigit()):
        raise S3Error("MalformedXML", "MaxAgeSeconds must be a whole number of seconds.")
    return int(text) if len(text) < 10 else limits.CORS_MAX_AGE_S + 1


def _element(rule: Document) -> str:
    """A rule as S3 shows it. Its id is the one that S3 gave it, or else the name that the native protocol did."""
    words = rule.get(S3_WORDS, {"id": rule["corsRuleName"], "maxAge": True})
    content = [] if words["id"] is None else [element("ID", words["id"])]
    content += [element("AllowedOrigin", origin) for origin in rule["allowedOrigins"]]
    content += [element("AllowedMethod", METHODS[operation]) for operation in rule["allowedOperations"]]
    content += [element("AllowedHeader", name) for name in rule.get("allowedHeaders") or ()]
    content += [element("ExposeHeader", name) for name in rule.get("exposeHeaders") or ()]
    if words["maxAge"]:
        content.append(element("MaxAgeSeconds", str(rule["maxAgeSeconds"])))
    return f"<CORSRule>{''.join(content)}</CORSRule>"
