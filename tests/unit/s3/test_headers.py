from __future__ import annotations

import pytest

from undercroft.s3.conditions import bare_etag, check_copy_source, is_not_modified, write_condition
from undercroft.s3.copy_source import CopySource, parse_copy_source
from undercroft.s3.errors import S3Error
from undercroft.s3.headers import CHECKED, check_object_acl, check_settings, http_date, object_headers
from undercroft.s3.metadata import info_headers, read_content_type, read_info
from undercroft.store.ids import FileId
from undercroft.store.model import Action, Bucket, FileVersion

NOW_MS = 1_800_000_000_000
UPLOADED_MS = 1_797_333_021_999
ETAG = "5eb63bbbe01eeed093cb22bb8f5acdc3"
SAME, BEFORE, AFTER = (http_date(UPLOADED_MS // 1000 + seconds) for seconds in (0, -1, 1))
FUTURE = http_date(NOW_MS // 1000 + 60)


def version(**changes) -> FileVersion:
    fields = {
        "bucket_id": "0" * 24,
        "account_id": "0123456789ab",
        "name": "k",
        "file_id": FileId("0" * 24, 1, 7, UPLOADED_MS),
        "action": Action.UPLOAD,
        "size": 11,
        "content_type": "text/plain",
        "content_sha1": "none",
        "etag": ETAG,
        "checksum": None,
        "info": {},
        "uploaded_ms": UPLOADED_MS,
        "received_ms": UPLOADED_MS,
        "part_count": 0,
    }
    return FileVersion(**{**fields, **changes})


def bucket(bucket_type: str) -> Bucket:
    return Bucket("0" * 24, "0123456789ab", "bucket", bucket_type, 2, 0, {}, [], [])


def outcome(headers: dict[bytes, bytes]) -> int:
    try:
        return 304 if is_not_modified(headers, version(), NOW_MS) else 200
    except S3Error as error:
        return error.status


TAG, OTHER = b'"%b"' % ETAG.encode(), b'"other"'


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({b"if-match": TAG}, 200),
        ({b"if-match": ETAG.encode()}, 200),
        ({b"if-match": b"*"}, 200),
        ({b"if-match": OTHER}, 412),
        ({b"if-match": OTHER + b", " + TAG}, 200),
        ({b"if-unmodified-since": SAME}, 200),
        ({b"if-unmodified-since": BEFORE}, 412),
        ({b"if-match": TAG, b"if-unmodified-since": BEFORE}, 200),
        ({b"if-none-match": TAG}, 304),
        ({b"if-none-match": b"W/" + TAG}, 304),
        ({b"if-none-match": b"*"}, 304),
        ({b"if-none-match": OTHER}, 200),
        ({b"if-modified-since": SAME}, 304),
        ({b"if-modified-since": AFTER}, 304),
        ({b"if-modified-since": BEFORE}, 200),
        ({b"if-none-match": OTHER, b"if-modified-since": AFTER}, 200),
        ({b"if-none-match": TAG, b"if-unmodified-since": BEFORE}, 412),
        ({b"if-modified-since": b"yesterday"}, 200),
        ({b"if-unmodified-since": b"yesterday"}, 200),
        ({b"if-modified-since": FUTURE}, 200),
    ],
)
def test_conditional_reads_follow_the_table_of_precedence(headers, status):
    assert outcome(headers) == status


@pytest.mark.parametrize("name", [b"if-none-match", b"if-match"])
def test_a_failed_condition_on_a_copy_source_is_never_304(name):
    value = TAG if name == b"if-none-match" else OTHER
    with pytest.raises(S3Error, match="PreconditionFailed"):
        check_copy_source({b"x-amz-copy-source-" + name: value}, version(), NOW_MS)


def test_conditions_on_the_destination_do_not_concern_the_source_of_a_copy():
    check_copy_source({b"if-match": OTHER}, version(), NOW_MS)


def test_write_conditions_come_without_quotes_and_not_together():
    assert write_condition({}) is None
    condition = write_condition({b"if-none-match": b"*"})
    assert condition is not None
    assert (condition.if_match, condition.if_none_match) == (None, "*")
    condition = write_condition({b"if-match": TAG})
    assert condition is not None
    assert condition.if_match == ETAG
    with pytest.raises(S3Error, match="NotImplemented"):
        write_condition({b"if-match": TAG, b"if-none-match": b"*"})


@pytest.mark.parametrize("text", ['"a"', "a", 'W/"a"', ' "a" '])
def test_an_etag_is_bare_without_its_quotes(text):
    assert bare_etag(text) == "a"


def test_a_single_quote_mark_is_no_pair():
    assert bare_etag('"') == '"'


REFUSED = {
    "x-amz-bucket-namespace": ("account-regional", "NotImplemented"),
    "x-amz-object-ownership": ("ObjectWriter", "NotImplemented"),
    "x-amz-storage-class": ("GLACIER", "InvalidStorageClass"),
    "x-amz-server-side-encryption-aws-kms-key-id": ("id", "InvalidArgument"),
    "x-amz-server-side-encryption-context": ("e30=", "InvalidArgument"),
}


@pytest.mark.parametrize("name", sorted(CHECKED))
def test_a_header_that_asks_for_what_we_do_not_do_is_refused(name):
    value, code = REFUSED.get(name, ("AES256", "NotImplemented"))
    with pytest.raises(S3Error) as caught:
        check_settings({b"host": b"h", name.encode(): value.encode()})
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x-amz-storage-class", b"STANDARD"),
        (b"x-amz-tagging", b""),
        (b"x-amz-bucket-object-lock-token", b"a token"),
        (b"x-amz-object-ownership", b"BucketOwnerEnforced"),
        (b"x-amz-request-payer", b"requester"),
        (b"x-amz-server-side-encryption-bucket-key-enabled", b"false"),
        (b"x-amz-tagging-directive", b"REPLACE"),
    ],
)
def test_a_header_that_asks_for_what_is_so_anyway_is_accepted(name, value):
    check_settings({name: value})


@pytest.mark.parametrize(
    ("bucket_type", "acl", "accepted"),
    [
        ("allPrivate", b"private", True),
        ("allPublic", b"public-read", True),
        ("allPrivate", b"public-read", False),
        ("allPublic", b"private", False),
        ("allPrivate", b"bucket-owner-full-control", False),
    ],
)
def test_an_object_has_the_acl_of_its_bucket(bucket_type, acl, accepted):
    if accepted:
        check_object_acl({b"x-amz-acl": acl}, bucket(bucket_type))
    else:
        with pytest.raises(S3Error) as caught:
            check_object_acl({b"x-amz-acl": acl}, bucket(bucket_type))
        assert caught.value.code == "InvalidArgument"


def test_metadata_becomes_file_info_and_file_info_becomes_metadata():
    headers = {
        b"host": b"h",
        b"cache-control": b"no-cache",
        b"content-disposition": b"attachment",
        b"content-language": b"de",
        b"expires": b"not a date at all",
        b"x-amz-meta-src_last_modified_millis": b"1",
        b"x-amz-meta-mtime": b" 1.5 ",
        b"x-amz-meta-empty": b"",
        b"x-amz-meta-utf8": "ü😀".encode(),
        b"x-amz-meta-latin": "ü".encode("latin-1"),
    }
    info = read_info(headers)
    assert info == {
        "b2-cache-control": "no-cache",
        "b2-content-disposition": "attachment",
        "b2-content-language": "de",
        "b2-expires": "not a date at all",
        "src_last_modified_millis": "1",
        "mtime": "1.5",
        "empty": "",
        "utf8": "ü😀",
        "latin": "ü",
    }
    back = dict(info_headers(info))
    assert back[b"expires"] == b"not a date at all"
    assert back[b"x-amz-meta-utf8"] == "ü😀".encode()
    assert not [name for name in back if name.startswith(b"x-amz-meta-b2-")]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(b"aws-chunked", None), (b"aws-chunked,gzip", "gzip"), (b"gzip, AWS-Chunked", "gzip"), (b"gzip", "gzip")],
)
def test_the_framing_of_a_body_is_not_kept_as_its_encoding(sent, kept):
    assert read_info({b"content-encoding": sent}).get("b2-content-encoding") == kept


def test_reserved_info_cannot_be_reached_as_metadata():
    with pytest.raises(S3Error) as caught:
        read_info({b"x-amz-meta-b2-content-disposition": b"inline"})
    assert caught.value.code == "InvalidArgument"


def test_metadata_that_no_header_can_carry_is_counted_as_missing():
    headers = info_headers({"a": "1", "b": "x\r\nSet-Cookie: y", "b2-cache-control": "\n", "b2-unknown": "z"})
    assert headers == [(b"x-amz-meta-a", b"1"), (b"x-amz-missing-meta", b"1")]


@pytest.mark.parametrize("headers", [{}, {b"content-type": b""}])
def test_an_object_without_a_type_has_the_default_one(headers):
    assert read_content_type(headers) == "binary/octet-stream"


def test_the_headers_of_an_object_are_those_of_its_version():
    headers = dict(object_headers(version(info={"a": "1"}), {}))
    assert headers == {
        b"last-modified": b"Tue, 15 Dec 2026 11:10:21 GMT",
        b"etag": TAG,
        b"accept-ranges": b"bytes",
        b"x-amz-version-id": str(version().file_id).encode(),
        b"content-type": b"text/plain",
        b"x-content-type-options": b"nosniff",
        b"x-amz-meta-a": b"1",
    }


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "IMAGE/SVG+XML", "application/xml", "a/b+xml"])
def test_a_document_that_a_browser_would_run_is_sandboxed(content_type):
    assert (b"content-security-policy", b"sandbox") in object_headers(version(content_type=content_type), {})
    assert (b"content-security-policy", b"sandbox") in object_headers(
        version(), {b"content-type": content_type.encode()}
    )


def test_overrides_replace_what_is_stored_once():
    info = {"b2-cache-control": "no-cache", "b2-expires": "later"}
    headers = object_headers(version(info=info), {b"cache-control": b"private", b"content-type": b"a/b"})
    assert [value for name, value in headers if name == b"cache-control"] == [b"private"]
    assert [value for name, value in headers if name == b"content-type"] == [b"a/b"]
    assert (b"expires", b"later") in headers


@pytest.mark.parametrize(
    ("value", "source"),
    [
        (b"bucket/key", CopySource("bucket", "key", None)),
        (b"/bucket/key", CopySource("bucket", "key", None)),
        (b"bucket%2Fdir%2Fkey", CopySource("bucket", "dir/key", None)),
        (b"bucket/a%20b%2B%C3%BC?versionId=v1", CopySource("bucket", "a b+ü", "v1")),
        (b"bucket/a+b", CopySource("bucket", "a+b", None)),
        (b"bucket/a%2525", CopySource("bucket", "a%25", None)),
        (b"bucket%2Fkey%3FversionId%3Dv1", CopySource("bucket", "key", "v1")),
        (b"bucket/k%3FversionId=x?versionId=v1", CopySource("bucket", "k?versionId=x", "v1")),
        (b"bucket//key/", CopySource("bucket", "/key/", None)),
    ],
)
def test_a_copy_source_is_decoded_exactly_once(value, source):
    assert parse_copy_source(value) == source


@pytest.mark.parametrize(
    "value",
    [b"", b"bucket", b"bucket/", b"/", b"bucket/%", b"bucket/%zz", b"bucket/%ff", b"b/k?versionId=", b"arn:aws:s3/x"],
)
def test_a_copy_source_that_names_nothing_is_refused(value):
    with pytest.raises(S3Error) as caught:
        parse_copy_source(value)
    assert caught.value.code == "InvalidArgument"
