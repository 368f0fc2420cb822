"""Targets: XML and JSON documents from clients, and text that goes out in XML.

What is accepted must be what an independent parser reads (`xml.etree` over expat, `json`), and nothing may be accepted that
could not be written out again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

import msgspec
from lxml import etree

from harness.fuzz.campaign import Target
from harness.fuzz.dialects import native_refusal, s3_refusal
from undercroft import limits
from undercroft.http import request as http_request
from undercroft.http import xml_in as http_xml_in
from undercroft.http import xml_out as http_xml_out
from undercroft.http.cors import Policy
from undercroft.http.cors_xml import XMLRule, rules_document
from undercroft.http.errors import HTTPInputError
from undercroft.http.request import Request
from undercroft.http.xml_in import parse_document
from undercroft.http.xml_out import document, element
from undercroft.native import bodies, downloads
from undercroft.native.calls import CALLS
from undercroft.native.errors import NativeError
from undercroft.s3 import object_lock, part_list, xml_in, xml_out
from undercroft.s3.actions import (
    bucket_cors,
    bucket_lifecycle,
    create_bucket,
    delete_objects,
    object_legal_hold,
    object_lock_configuration,
    object_retention,
)
from undercroft.s3.errors import S3Error
from undercroft.store.buckets import cors, lifecycle_rules
from undercroft.store.errors import InvalidRequest

XML_CODES = frozenset(
    {"MalformedXML", "InvalidArgument", "NotImplemented", "InvalidLocationConstraint", "InvalidRequest"}
)
Document = Callable[[bytes], list[str]]


def _deletions(body: bytes) -> list[str]:
    found, _ = delete_objects.parse_deletions(body)
    return [deletion.key for deletion in found]


def _parts(body: bytes) -> list[str]:
    listed = part_list.PartList(body)
    assert len(listed.etag) in {0, *range(34, 40)}
    return [str(number) for number, _ in listed.etags]


def _location(body: bytes) -> list[str]:
    create_bucket._check_location(body, "us-west-000")
    return []


def _versioning(body: bytes) -> list[str]:
    given = xml_in.fields(parse_document(body, "VersioningConfiguration"), {"Status", "MfaDelete"})
    return [given["Status"]] if "Status" in given else []


def _cors(body: bytes) -> list[str]:
    rules = bucket_cors.parse_rules(body)
    stored = cors.with_s3_rules([], rules)
    shown = rules_document(XMLRule(*rule) for rule in cors.rules_for_s3(stored))
    assert bucket_cors.parse_rules(shown) == rules, "S3 gets back other rules than it put"
    Policy(stored).grant(b"https://page.example", "s3_get", ("x-a",))
    return []


def _lifecycle(body: bytes) -> list[str]:
    rules = bucket_lifecycle.parse_rules(body)
    try:
        lifecycle_rules.check_rules(rules)
    except InvalidRequest:
        return []
    shown = document("LifecycleConfiguration", bucket_lifecycle.rule_elements(rules))
    assert bucket_lifecycle.parse_rules(shown) == rules, "S3 gets back other rules than it put"
    return []


def _lock_configuration(body: bytes) -> list[str]:
    change = object_lock_configuration.parse_lock_change(body)
    assert change.enabled
    assert change.clears_default == (change.default_retention is None)
    change.check()
    default = change.default_retention
    return [] if default is None else [object_lock.MODE_WORDS[default.mode]]


def _retention(body: bytes) -> list[str]:
    retention = object_retention.parse_retention(body)
    if retention is None:
        return []
    assert object_lock.parse_date(object_lock.date_text(retention.until_ms)) == retention.until_ms
    return [object_lock.MODE_WORDS[retention.mode]]


def _legal_hold(body: bytes) -> list[str]:
    return [object_lock.HOLD_WORDS[object_legal_hold.parse_legal_hold(body)]]


# The root of each document, what reads it, and the element whose texts the reader gives back.
READERS: tuple[tuple[str, Document, str], ...] = (
    ("Delete", _deletions, "Key"),
    ("CompleteMultipartUpload", _parts, "PartNumber"),
    ("CreateBucketConfiguration", _location, ""),
    ("VersioningConfiguration", _versioning, "Status"),
    ("CORSConfiguration", _cors, ""),
    ("ObjectLockConfiguration", _lock_configuration, "Mode"),
    ("Retention", _retention, "Mode"),
    ("LegalHold", _legal_hold, "Status"),
    ("LifecycleConfiguration", _lifecycle, ""),
)


TRIMMED = frozenset({"ObjectLockConfiguration", "Retention", "LegalHold"})  # Of whose words white space is no part.


def _one_of_xml(code: str) -> str:
    assert code in XML_CODES, code
    return code


def check_xml(data: bytes) -> str:
    """The first byte chooses who reads the document."""
    root, reader, name = READERS[data[0] % len(READERS) if data else 0]
    body = data[1:]
    try:
        texts = reader(body)
    except (S3Error, InvalidRequest, HTTPInputError) as error:
        return _one_of_xml(s3_refusal(error))
    for text in texts:
        assert etree.fromstring(document("R", element("E", text)))[0].text in {
            text,
            text or None,
        }
    try:
        tree = ET.fromstring(body)
    except ET.ParseError:
        # libxml2 follows the fifth edition of XML 1.0, which lets more characters into names than expat knows.
        assert not body.isascii()
        return "fifth edition"
    assert tree.tag.rpartition("}")[2] == root
    found = ["".join(one.itertext()) for one in tree.iter() if one.tag.rpartition("}")[2] == name]
    if root == "CompleteMultipartUpload":
        found = [str(int(text)) for text in found]
    if root in TRIMMED:
        found = [text.strip() for text in found]
    assert texts == found, (texts, found)
    return root


def check_xml_out(data: bytes) -> str:
    """Any text in an element comes back from a parser as it was, where XML can hold it; an error document always parses."""
    data = data[: limits.URL_MAX_BYTES]  # No error repeats more than a target and a header.
    text = (
        data.decode("utf-8", "surrogatepass" if len(data) % 2 else "replace")
        if _decodes(data)
        else data.decode("latin-1")
    )
    error = S3Error("InvalidArgument", extras={"ArgumentName": text, "ArgumentValue": text[::-1]})
    try:
        parsed = etree.fromstring(xml_out.error_document(error, text, "id", "host"))
    except UnicodeEncodeError:
        raise AssertionError("An error document that cannot be encoded.") from None
    assert parsed.findtext("Code") == "InvalidArgument"
    if xml_out._IMPOSSIBLE.search(text):
        return "impossible"
    assert (etree.fromstring(document("R", element("E", text)))[0].text or "") == text
    encoded = xml_out.url_encode(text)
    assert encoded.isascii()
    assert http_request.percent_decode(encoded.encode()) == text
    return "text"


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


JSON_READERS = sorted(
    [(name, reader) for name, call in CALLS.items() for reader in dict.fromkeys((call.reader, call.multi_bucket_reader))]
    + [("b2_download_file_by_id", downloads._reader)],
    key=lambda pair: pair[0],
)  # fmt: skip


def _plain(value: Any) -> Any:
    """A struct without the members that are null or absent."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def check_json(data: bytes) -> str:
    """The first byte chooses the call; every one of them reads the rest."""
    name, reader = JSON_READERS[data[0] % len(JSON_READERS) if data else 0]
    body = data[1:]
    try:
        read = reader.from_json(body)
    except NativeError as error:
        return native_refusal(error, name)
    builtins = msgspec.to_builtins(read)
    msgspec.json.encode(builtins)  # No lone surrogate, and no number that is none.
    json.dumps(builtins, ensure_ascii=False).encode()
    assert _plain(builtins) == _plain(json.loads(body or b"{}")), (builtins, body)
    return "read"


def check_query(data: bytes) -> str:
    """The same fields as parameters of a GET."""
    name, reader = JSON_READERS[data[0] % len(JSON_READERS) if data else 0]
    made = Request.of_scope(
        {"method": "GET", "raw_path": b"/", "query_string": data[1:], "scheme": "http", "headers": [], "client": None},
        None,  # type: ignore[arg-type]
    )
    try:
        pairs = made.query_pairs(plus_is_space=True)
        items = [item.partition(b"=")[::2] for item in data[1:].replace(b"+", b" ").split(b"&") if item]
        assert pairs == [(unquote_to_bytes(key).decode(), unquote_to_bytes(value).decode()) for key, value in items]
        read = reader.from_query(pairs)
    except (NativeError, HTTPInputError) as error:
        return native_refusal(error, name)
    msgspec.json.encode(msgspec.to_builtins(read))
    return "read"


def _example(kind: Any) -> Any:
    """A value that a field of this type takes."""
    inner = msgspec.inspect
    match kind:
        case inner.UnionType():
            return _example(next(one for one in kind.types if not isinstance(one, inner.NoneType)))
        case inner.StrType():
            return "4_z\u00e9"
        case inner.IntType():
            return 7
        case inner.BoolType():
            return True
        case inner.ListType():
            return [_example(kind.item_type)]
        case inner.DictType():
            return {"k": _example(kind.value_type)}
        case inner.StructType():
            return {field.encode_name: _example(field.type) for field in kind.fields}
        case inner.FloatType():
            return 1.5
        case _:
            return None


def examples_of(reader: bodies.BodyReader[Any] | bodies.ArrayReader[Any]) -> dict[str, Any]:
    return {field.encode_name: _example(field.type) for field in msgspec.inspect.type_info(reader.struct).fields}


def _body_of(reader: bodies.BodyReader[Any] | bodies.ArrayReader[Any]) -> Any:
    examples = examples_of(reader)
    return [examples] if isinstance(reader, bodies.ArrayReader) else examples


def _as_query(values: dict[str, Any]) -> bytes:
    return "&".join(
        f"{name}={value if isinstance(value, (str, int)) and not isinstance(value, bool) else json.dumps(value)}"
        for name, value in values.items()
    ).encode()


_FIELDS = sorted({name for _, reader in JSON_READERS for name in examples_of(reader)})
JSON_WORDS = (
    *(f'"{name}":'.encode() for name in _FIELDS), b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"false", b'""', b'"\\ud800"', b'"\\udc00\\ud800"',
    b'"\\ud83d\\ude00"', b'"\\u0000"', b"\\", b"1.0", b"1e400", b"-0", b"1e-400", b"NaN", b"Infinity", b'"a"', b'{"a":"b"}', b"[[", b"{}", b"[]", b"/*x*/",
)  # fmt: skip
_QUERY_WORDS = (
    *(f"&{name}=".encode() for name in _FIELDS),
    b"[",
    b'["a"]',
    b"{",
    b'{"a":"b"}',
    b",",
    b"%5B",
    b"%7B",
    b"&",
    b"=",
    b"+",
    b"true",
    b"null",
)
XML_CORPUS = (
    b"<Delete><Object><Key>a</Key></Object><Object><Key> b&amp;&lt; </Key><VersionId>4_z</VersionId></Object><Quiet>true</Quiet></Delete>",
    b'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber><ETag>"0123456789abcdef0123456789abcdef"</ETag>'
    b"<ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part><Part><PartNumber>2</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>",
    b"<CreateBucketConfiguration><LocationConstraint>us-west-000</LocationConstraint></CreateBucketConfiguration>",
    b'<?xml version="1.0" encoding="UTF-8"?><s:VersioningConfiguration xmlns:s="urn:x"><s:Status>Enabled</s:Status></s:VersioningConfiguration>',
    b"<CORSConfiguration><CORSRule><ID>a</ID><AllowedOrigin>https://*.example.com:8080</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
    b"<AllowedHeader>x-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>",
    b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>"
    b"</ObjectLockConfiguration>",
    b"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2099-12-31T23:59:59.5+01:00</RetainUntilDate></Retention>", b"<LegalHold><Status>OFF</Status></LegalHold>",
    b"<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><Filter><Prefix>p</Prefix></Filter><Expiration><Days>1</Days></Expiration>"
    b"<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>",
)  # fmt: skip
XML_WORDS = (
    b"<Delete>", b"</Delete>", b"<Object>", b"</Object>", b"<Key>", b"</Key>", b"<VersionId>", b"<Quiet>", b"<Part>", b"</Part>", b"<PartNumber>",
    b"<ETag>", b"<LocationConstraint>", b"<CORSRule>", b"</CORSRule>", b"<ID>", b"<AllowedOrigin>", b"<AllowedMethod>PUT</AllowedMethod>", b"<AllowedHeader>", b"*", b"<Status>", b"<MfaDelete>", b"<Mode>COMPLIANCE</Mode>", b"<Years>", b"<Rule>", b"ON", b"9999-12-31T23:59:59Z", b"<RetainUntilDate>", b"<ETag/>", b"&amp;", b"&lt;", b"&#13;", b"&#0;", b"&#xD800;", b"&#xFFFE;", b"&#x1F600;",
    b"&x;", b"<![CDATA[", b"]]>", b"<!-- x -->", b"<?x y?>", b"<!DOCTYPE x>", b'<!DOCTYPE x [<!ENTITY a "b">]>', b"<!ENTITY", b' xmlns="urn:x"',
    b' xmlns:a="urn:y"', b"<a:", b'<?xml version="1.0"?>', b'<?xml version="1.0" encoding="UTF-16"?>', b'<?xml version="1.1"?>',
    b'<?xml version="1.0" encoding="latin-1"?>', b' encoding="utf-7"', b"\xef\xbb\xbf", b"\xff\xfe", b"<a><b>", b"</", b"/>", b" a='b'", b"\r\n", b"\r",
)  # fmt: skip

TARGETS = (
    Target(
        "xml", check_xml, tuple(bytes((index,)) + body for index, body in enumerate(XML_CORPUS)), XML_WORDS, (http_xml_in, xml_in, delete_objects, part_list, create_bucket, bucket_cors, cors, object_lock, object_lock_configuration, object_retention, object_legal_hold, bucket_lifecycle),
        frozenset({"MalformedXML", "InvalidArgument", *(root for root, _, _ in READERS)}),
    ),
    Target("xml-out", check_xml_out, (b"a<b>&\"'", "schön 😀".encode(), b"\x00\x1f\r\n\t"), XML_WORDS, (http_xml_out, xml_out), frozenset({"text", "impossible"})),
    Target(
        "json-bodies", check_json,
        tuple(bytes((index,)) + json.dumps(_body_of(reader)).encode() for index, (_, reader) in enumerate(JSON_READERS)),
        JSON_WORDS, (bodies,), frozenset({"read", "bad_request"}),
    ),
    Target(
        "json-queries", check_query, tuple(bytes((index,)) + _as_query(examples_of(reader)) for index, (_, reader) in enumerate(JSON_READERS)),
        _QUERY_WORDS, (bodies, http_request), frozenset({"read", "bad_request"}),
    ),
)  # fmt: skip
