"""Targets: names, percent-encoding and paths of both faces, ids, and the tokens of lists.

Rules for names are written here a second time, character by character, from the reference; encodings are held against `urllib`
and against their own inverse.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import unquote_plus, unquote_to_bytes

from harness.fuzz.campaign import Target
from harness.fuzz.dialects import METHODS, Refusals, native_refusal, s3_refusal
from undercroft import limits, settings
from undercroft.http import origin
from undercroft.http import request as http_request
from undercroft.http.errors import MalformedURL
from undercroft.http.request import Request
from undercroft.native import encoding, paths
from undercroft.native.errors import NativeError
from undercroft.s3 import copy_source, routing, tokens
from undercroft.s3.errors import S3Error
from undercroft.serve.app import virtual_hosts
from undercroft.store import ids, names
from undercroft.store.errors import InvalidRequest

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"


def _accepts(check: Callable[[str], None], name: str) -> bool:
    try:
        check(name)
    except InvalidRequest as error:
        s3_refusal(error)
        native_refusal(error)
        return False
    return True


def _is_bucket_name(name: str) -> bool:
    if not 6 <= len(name) <= 63 or set(name) - set(LETTERS + DIGITS + "-."):
        return False
    if ".." in name or name[0] == "." or name[-1] == ".":
        return False
    parts = name.split(".")
    looks_like_ip = len(parts) == 4 and all(part.isdigit() and len(part) <= 3 for part in parts)
    return not (looks_like_ip or name.lower().startswith("b2-") or name.lower() in names.RESERVED_BUCKET_NAMES)


def check_names(data: bytes) -> str:
    """One text as every kind of name."""
    text = data.decode("utf-8", "replace")
    bucket = _accepts(names.check_bucket_name, text)
    assert bucket == _is_bucket_name(text)
    if bucket:
        with suppress(ValueError):
            raise AssertionError(f"A bucket called {ipaddress.ip_address(text)}")
    size = len(text.encode())
    controls = any(ord(letter) < 32 or ord(letter) == 127 for letter in text)
    file = _accepts(names.check_file_name, text)
    assert file == (1 <= size <= 1024 and not controls)
    assert _accepts(lambda name: names.check_file_name(name, controls_allowed=True), text) == (1 <= size <= 1024)
    assert _accepts(names.check_key_name, text) == (
        1 <= len(text) <= 100 and not set(text) - set(LETTERS + DIGITS + "-")
    )
    key = 1 <= len(text) <= 50 and not set(text) - set("abcdefghijklmnopqrstuvwxyz0123456789-_.`~!#$%^&*'|+")
    assert _accepts(names.check_info_key, text) == key
    for secured, budget in ((False, 7000), (True, 2048)):
        accepted = _accepts(
            lambda name, secured=secured: names.check_file_info("n", {"k": name}, secured=secured), text
        )
        assert accepted == (size + 2 <= budget)
    assert _accepts(lambda name: names.check_bucket_info({"k": name}), text) == (size <= 10_000)
    _accepts(names.check_bucket_type, text)
    return "bucket" if bucket else "file" if file else "none"


def check_percent(data: bytes) -> str:
    """Decoding against `urllib`, encoding against decoding, and the header of a copy's source."""
    data = data[: limits.URL_MAX_BYTES]
    for plus_is_space in (False, True):
        raw = data.replace(b"+", b" ") if plus_is_space else data
        try:
            expected = unquote_to_bytes(raw).decode("utf-8")
        except UnicodeDecodeError:
            expected = None
        try:
            found = http_request.percent_decode(data, plus_is_space=plus_is_space)
        except MalformedURL as error:
            s3_refusal(error)
            found = None
        assert found == expected
    try:
        decoded = encoding.decode(data, "It")
    except NativeError as error:
        native_refusal(error)
        decoded = None
    else:
        assert decoded == unquote_plus(data.decode("latin-1"), encoding="utf-8") or not data.isascii()
        again = encoding.encode(decoded)
        assert again.isascii()
        assert encoding.decode(again.encode(), "It") == decoded
    try:
        source = copy_source.parse_copy_source(data)
    except S3Error as error:
        s3_refusal(error)
        return "malformed" if decoded is None else "text"
    assert source.bucket
    assert source.key
    assert source.version_id is None or source.version_id
    source.key.encode()
    return "source"


_REGIONAL = virtual_hosts("us-west-000", "localhost")


def check_routing(data: bytes) -> str:
    """`METHOD target` and, after a line break, a Host: where each face would send the request."""
    line, _, host = data.partition(b"\n")
    word, _, target = line.partition(b" ")
    method = word.decode("latin-1") if word in METHODS else METHODS[len(word) % len(METHODS)].decode()
    raw_path, _, raw_query = target.partition(b"?")
    virtual = _REGIONAL.fullmatch(host)
    bucket = None if virtual is None else virtual[1].decode("ascii").lower()
    headers = [(name, host) for name in (b"host", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-for")]
    made = Request.of_scope(
        {
            "method": method,
            "raw_path": raw_path,
            "query_string": raw_query,
            "scheme": "http",
            "headers": headers,
            "client": ("127.0.0.1", 1),
        },
        None,  # type: ignore[arg-type]
    )
    assert re.fullmatch(r"https?://[A-Za-z0-9._\[\]:-]+", origin.origin_of(made, _SETTINGS))
    assert re.fullmatch(r"https?://[a-z0-9._\[\]:-]+", origin.console_origin_of(made, _SETTINGS))
    assert origin.client_of(made, _SETTINGS)
    if raw_path.startswith(b"/b2api/") and bucket is None:
        try:
            version, call, rest = paths.split_call(raw_path)
        except NativeError as error:
            return native_refusal(error)
        assert "/".join([call, *rest]).encode("latin-1") == raw_path[len(b"/b2api/") + len(version.name) + 1 :]
        return "native"
    try:
        where = routing.split_target(b"/" + raw_path.lstrip(b"/") if raw_path[:1] != b"/" else raw_path, bucket)
        query = dict(reversed(made.query_pairs()))
        scope = routing.SERVICE if where[0] is None else routing.BUCKET if where[1] is None else routing.OBJECT
        facts = routing.find_operation(method, scope, query, copies=bool(len(data) % 2))
    except Refusals as error:
        return s3_refusal(error)
    assert facts.method == method
    assert facts.scope == scope
    # What marks another operation must not have been passed over.
    for name in query:
        assert (
            name not in routing._EVERY_MARK or name in {mark.partition("=")[0] for mark in facts.marks} | facts.query
        ), (facts.name, name)
    return scope


def check_ids(data: bytes) -> str:
    """File ids and continuation tokens: what is taken is what would be written."""
    text = data.decode("utf-8", "replace")
    parsed = ids.parse_file_id(text)
    if parsed is not None:
        assert str(parsed) == text
        assert ids.looks_like_file_id(text)
        assert ids.is_bucket_id(parsed.bucket_id)
        assert parsed.handle < 1 << ids.HANDLE_BITS
    if ids.looks_like_file_id(text):
        assert text.isascii()
        assert text.isprintable()
    assert tokens.read_token(tokens.write_token(text)) == text
    try:
        after = tokens.read_token(text)
    except S3Error as error:
        s3_refusal(error)
        return "id" if parsed is not None else "malformed"
    after.encode()
    return "token" if text else "empty"


_SETTINGS = settings.load({"data": "/nowhere", "trusted_proxy": "127.0.0.1"}, {})
_BUCKET_ID = "4a48fe8875c6214145260818"
_FILE_ID = f"4_z{_BUCKET_ID}_f1000000000000001_d20261122_m180000_c000_v0001000_t0000_u01795370400000"
_NAME_WORDS = (
    b"a", b"-", b".", b"..", b"b2-", b"B2-", b"file", b"b2api", b"healthz", b"192.168.0.1", b"1.", b"x" * 57, b"y" * 63, b"z" * 1024, b"k" * 50, b"v" * 7000,
    b"_", b"/", b" ", b"\x00", b"\x1f", b"\x7f", b"\xc2\x80", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", "\u0660".encode(), "\uff11".encode(), "\u212a".encode(),
)  # fmt: skip
PERCENT_WORDS = (
    b"%", b"%41", b"%2F", b"%2f", b"%25", b"%00", b"%FF", b"%C3%A9", b"%c3%a9", b"%C3", b"%ED%A0%80", b"%F4%90%80%80", b"%u0041", b"%%", b"%4", b"+", b"%2B",
    b"?versionId=", b"%3FversionId=", b"?versionId=4_z", b"/", b"arn:", b"bucket/", b" ", b"\xc3\xa9", b"\xff", b"&", b"=",
)  # fmt: skip
ROUTE_WORDS = (
    *(method + b" " for method in METHODS), b"/", b"//", b"/bucket/", b"/bucket/key", b"?", b"&", b"=", *(f"&{mark}".encode() for mark in sorted(routing._EVERY_MARK)),
    *(f"&{name}=1".encode() for name in sorted(routing._PARAMETERS)), b"list-type=2", b"list-type=3", b"X-Amz-Date=1", b"x-id=GetObject", b"%61cl", b"ACL",
    b"/b2api/v4/", b"/b2api/v1/b2_list_buckets", b"/b2api/v9/", b"b2_upload_file/", b"\nbucket.s3.us-west-000.localhost", b"\nlocalhost:8620", b"\n[::1]:80",
    b".s3.localhost.", b":", b"%2F", b"%00", b"+",
)  # fmt: skip

TARGETS = (
    Target(
        "names", check_names, (b"bucket-name", b"a.b-c.d1", b"folder/file.txt", "schön/€".encode(), b"b2-content-type", b"192.168.10.1"), _NAME_WORDS,
        (names,), frozenset({"bucket", "file", "none"}),
    ),
    Target(
        "percent", check_percent, (b"a%20b+c", b"%E2%82%AC/\xe2\x82\xac", b"/bucket/k%2Fey?versionId=4_z1", b"bucket%2Fkey%3FversionId%3D4_z"), PERCENT_WORDS,
        (http_request, encoding, copy_source), frozenset({"source", "text", "malformed"}),
    ),
    Target(
        "routing", check_routing,
        (
            b"GET /bucket/key\nlocalhost", b"PUT /bucket?versioning\nlocalhost", b"POST /b/k?uploadId=4_z&x-id=a\nlocalhost", b"GET /?x-id=ListBuckets\nlocalhost",
            b"GET /a/b?partNumber=1&versionId=2\nbucket.s3.us-west-000.localhost:8620", b"POST /b2api/v4/b2_upload_file/4_z/c\n[::1]:80",
        ),
        ROUTE_WORDS, (routing, paths), frozenset({"service", "bucket", "object", "native", "not_found", "NotImplemented", "InvalidURI", "MethodNotAllowed"}),
    ),
    Target(
        "ids", check_ids, (_FILE_ID.encode(), tokens.write_token("folder/\u20ac").encode(), b"4_z" + b"0" * 24 + b"_foreign"),
        (b"4_z", b"_f1", b"_d20260230", b"_m999999", b"_u00000000000000", b"_u99999999999999", b"_c000", b"_v0001000", b"_t0000", b"MQ==", b"MS8=", b"-", b"_", b"="),
        (ids, tokens), frozenset({"id", "token", "malformed", "empty"}),
    ),
)  # fmt: skip
