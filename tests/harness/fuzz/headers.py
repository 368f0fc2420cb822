"""Targets: ranges, conditions and dates, the grammars of headers that files and downloads set, metadata of both faces.

Whatever is accepted must be able to leave the server again as a header, and come back as what it was.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC, datetime
from types import SimpleNamespace

from harness.fuzz.campaign import Target
from harness.fuzz.dialects import Wish, native_refusal, s3_refusal
from undercroft.http import active_content, header_grammar, ranges
from undercroft.native import authorize, file_info, response_overrides, timestamps
from undercroft.native.errors import NativeError
from undercroft.s3 import authenticate, body, checksums, conditions, headers, metadata, object_lock
from undercroft.s3 import timestamp as s3_timestamp
from undercroft.s3.call import whole_number
from undercroft.s3.errors import S3Error
from undercroft.store import names
from undercroft.store.errors import InvalidRequest
from undercroft.store.model import FileLock

SIZE = 1000
NOW_MS = 1_795_370_400_000
_PRINTABLE = re.compile(r"[\t -~]*\Z")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def _plain_range(text: str) -> tuple[int | None, int | None] | None:
    """First and last byte by the words of RFC 9110, without a pattern. None: as if there were no header."""
    unit, equals, spec = text.strip(" \t").partition("=")
    first, dash, last = spec.strip(" \t").partition("-")
    if (
        unit.lower() != "bytes"
        or not equals
        or not dash
        or any(part and not (part.isascii() and part.isdigit()) for part in (first, last))
    ):
        return None
    if len(first) > 20 or len(last) > 20 or not (first or last) or (first and last and int(first) > int(last)):
        return None
    return int(first) if first else None, int(last) if last else None


def check_range(data: bytes) -> str:
    """A Range header against the plain words, and what it resolves to."""
    text = data.decode("latin-1")
    asked = ranges.parse_range(text)
    plain = _plain_range(text)
    assert (asked is None) == (plain is None)
    if asked is None:
        return "ignored"
    assert (asked.first, asked.last) == plain
    for size in (0, 1, SIZE):
        resolved = asked.resolve(size)
        if resolved is not None:
            assert 0 <= resolved[0] < resolved[1] <= size
        else:
            assert size == 0 or asked.last == 0 or (asked.first or 0) >= size
    return "range"


def check_grammars(data: bytes) -> str:
    """One value for every header that a file or a download may set. Accepted is only what a header can carry."""
    text = data.decode("latin-1")
    accepted = []
    for name, fits in header_grammar.GRAMMARS.items():
        if fits(text):
            assert text
            assert _PRINTABLE.match(text), (name, text)
            accepted.append(name)
    if "Expires" in accepted:
        assert len(text) < 40
    assert all(not _CONTROL.search(value) for _, value in active_content.protecting_headers(text))
    try:
        response_overrides.overrides_of({"b2ContentType": text, "b2ContentDisposition": "attachment", "other": text})
        timestamps.parse_timestamp(text, "timestamp")
    except NativeError as error:
        native_refusal(error)
    return accepted[0] if accepted else "none"


def check_file_info(data: bytes) -> str:
    """The headers of an upload, as file info of the native face and as metadata of S3, which must come back as it was."""
    request = Wish(b"PUT /x\n" + data).request()
    outcome = "empty"
    try:
        info = file_info.info_of_headers(request)
        names.check_file_info("name", info, secured=False)
        for key, value in info.items():
            assert key == key.lower()
            value.encode()
            outcome = "native"
            if key.startswith("b2-"):
                assert _PRINTABLE.match(value)
    except (NativeError, InvalidRequest) as error:
        outcome = native_refusal(error)
    try:
        info = metadata.read_info(request.header_map)
        names.check_file_info("name", info, secured=False)
        headers.check_settings(request.header_map)
        _check_lock(object_lock.asked_lock(request.header_map))
        checksums.declared(request)
    except (S3Error, InvalidRequest) as error:
        return s3_refusal(error)
    written = metadata.info_headers(info)
    assert all(not _CONTROL.search(value) for _, value in written)
    again = metadata.read_info({name: value for name, value in written if name != b"x-amz-missing-meta"})
    kept = {key: value for key, value in info.items() if metadata.header_value(value) is not None}
    assert again == {key: value.strip() for key, value in kept.items()}
    return "s3" if info else outcome


def _check_lock(asked: FileLock) -> None:
    """A retention comes back as it was asked for."""
    if asked.retention is not None:
        assert object_lock.parse_date(object_lock.date_text(asked.retention.until_ms)) == asked.retention.until_ms


_VERSION = SimpleNamespace(etag="0123456789abcdef0123456789abcdef", uploaded_ms=NOW_MS - 5_000_000)


def check_conditions(data: bytes) -> str:
    """The If-… headers, dates in all their forms, checksums, numbers, and the Basic header."""
    request = Wish(b"GET /x\n" + data).request()
    fields = request.header_map
    outcome = "read"
    try:
        outcome = "304" if conditions.is_not_modified(fields, _VERSION, NOW_MS) else "200"  # type: ignore[arg-type]
        conditions.check_copy_source(fields, _VERSION, NOW_MS)  # type: ignore[arg-type]
        conditions.write_condition(fields)
    except S3Error as error:
        outcome = s3_refusal(error)
    for value in fields.values():
        try:
            stamp = authenticate._date_header(value)
            moment = s3_timestamp.parse_timestamp(stamp)
            assert s3_timestamp.format_timestamp(moment) == stamp
            s3_timestamp.server_time(moment)
        except ValueError:
            pass
        text = value.decode("latin-1")
        try:
            assert 0 <= whole_number("n", text) < 2**31
        except S3Error as error:
            s3_refusal(error)
        kept = body.without_aws_chunked(text)
        assert kept is None or "aws-chunked" not in (token.strip().lower() for token in kept.split(","))
        digest = checksums.decode_base64(text)
        assert digest is None or checksums.decode_base64(b64encode(digest).decode()) == digest
        if header_grammar.is_http_date(text):
            _assert_date(text)
        try:
            key_id, _ = authorize.basic_credentials(value)
            assert len(key_id) in {12, 25}
        except NativeError as error:
            native_refusal(error)
    return outcome


def _assert_date(text: str) -> None:
    """A date of the form of today is one that `datetime` knows, but for leap seconds."""
    if text.endswith(" GMT") and text[3] == "," and text[23:25] != "60":
        try:
            datetime.strptime(text[5:], "%d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
        except ValueError:
            assert text[12:16] == "0000" or text[12:14] == "00", text  # Years that `datetime` does not count.


_DATES = b"Sun, 06 Nov 1994 08:49:37 GMT"
_GRAMMAR_WORDS = (
    b"attachment", b"; filename=", b'"a.txt"', b"; filename*=UTF-8''", b"%E2%82%AC", b"%", b";", b";a=b", b"=", b'"', b'\\"', b"\\", b"en", b"en-US", b",", b", ", b"-",
    b"no-cache", b"max-age=1", b'private="x"', b"gzip", b"text/plain", b"; charset=utf-8", b"/", b"Sun, ", b"Sunday, ", b"06 Nov 1994 ", b"06-Nov-94 ", b"08:49:37", b" GMT",
    b"29 Feb ", b"0000", b"31 Apr", b"60", b"\t", b" ", b"1795370400000", b"*", b"''", b"a" * 64,
)  # fmt: skip
_INFO_WORDS = (
    b"\nx-bz-info-", b"\nx-amz-meta-", b": ", b"\nx-bz-info-b2-content-disposition: attachment", b"\nx-bz-info-b2-expires: " + _DATES, b"\nx-bz-info-b2-x: y",
    b"\nx-bz-info-large_file_sha1: " + b"0" * 40, b"\ncache-control: no-cache", b"\ncontent-encoding: aws-chunked,gzip", b"\nexpires: 0", b"%20", b"%C3", b"%e2%82%ac", b"+",
    b"\xc3\xa9", b"\xe9", b"b2-", b"\nx-amz-storage-class: STANDARD", b"\nx-amz-server-side-encryption: AES256", b"\nx-amz-acl: private", b"\nx-amz-checksum-crc32: AAAAAA==",
    b"\nx-amz-checksum-sha256: ", b"\nx-amz-tagging: a=b", b"a" * 50, b"v" * 3500, b"\xe2\x80\xa8", b"\xc2\x85",
)  # fmt: skip
_CONDITION_WORDS = (
    b"\nif-match: ", b"\nif-none-match: ", b"\nif-modified-since: ", b"\nif-unmodified-since: ", b"\nx-amz-copy-source-if-match: ", b"\nx-amz-copy-source-if-none-match: ",
    b"\nx-amz-copy-source-if-modified-since: ", b'"', b"*", b"W/", b",", b'"0123456789abcdef0123456789abcdef"', _DATES, b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994",
    b"+0000", b"-2359", b"+9999", b"0001", b"9999", b"Mon", b"Jan", b"1", b"(", b")", b" ", b":", b"20261122T180000Z", b"00010101T000000Z", b"Basic ", b"MDAwMDEyMzQ1Njc4OWFi", b"==",
    b"aws-chunked", b"gzip", b"1969", b"1900", b"1000",
)  # fmt: skip

TARGETS = (
    Target(
        "ranges", check_range, (b"bytes=0-99", b"bytes=5-", b"bytes=-5", b"BYTES= \t0-0 "),
        (b"bytes", b"bytes=", b"bits=", b"=", b"-", b"0-", b"-0", b",", b"1-2", b" ", b"\t", b"\xb2", b"\xd9\xa1", b"9" * 20, b"9" * 21), (ranges,), frozenset({"range", "ignored"}),
    ),
    Target(
        "grammars", check_grammars,
        (
            b'attachment; filename="a \\" b.txt"; filename*=UTF-8\'\'%e2%82%ac', b"en-US, de", b'no-cache, max-age=1, private="x"', b"gzip, br", b"text/plain; charset=utf-8",
            _DATES, b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994",
        ),
        _GRAMMAR_WORDS, (header_grammar, response_overrides, active_content, timestamps), frozenset({"none", "Content-Disposition", "Content-Language", "Expires", "Cache-Control"}),
    ),
    Target(
        "file-info", check_file_info,
        (
            b"x-bz-info-author: a%20b+c\nx-bz-info-b2-content-language: en", b"x-amz-meta-a: b\nx-amz-meta-b: c\ncache-control: no-cache\nexpires: " + _DATES,
            b"x-amz-meta-u: \xc3\xa9\ncontent-encoding: aws-chunked, gzip\nx-amz-checksum-crc32: AAAAAA==",
            b"x-amz-object-lock-mode: GOVERNANCE\nx-amz-object-lock-retain-until-date: 2099-12-31T23:59:59.5+01:00\nx-amz-object-lock-legal-hold: OFF",
        ),
        _INFO_WORDS, (file_info, metadata, headers, checksums, object_lock), frozenset({"s3", "native", "bad_request", "InvalidArgument", "NotImplemented", "InvalidRequest"}),
    ),
    Target(
        "conditions", check_conditions,
        (
            b'if-match: "0123456789abcdef0123456789abcdef"\nif-unmodified-since: ' + _DATES, b"if-none-match: *\nif-modified-since: Sunday, 06-Nov-94 08:49:37 GMT",
            b"authorization: Basic " + b64encode(b"0000123456789ab0000000001:secret"), b"date: Mon, 01 Jan 0001 00:00:00 +0000\nif-modified-since: 31 Dec 9999 23:59:59 -2359",
            b'content-encoding: gzip,aws-chunked\nif-none-match: W/"x", "y"',
        ),
        _CONDITION_WORDS, (conditions, authenticate, s3_timestamp, checksums, authorize, body), frozenset({"200", "304", "PreconditionFailed"}),
    ),
)  # fmt: skip
