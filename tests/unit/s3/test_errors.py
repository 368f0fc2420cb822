from __future__ import annotations

import base64
import hashlib
import inspect

import pytest

from undercroft import limits
from undercroft.http import errors as http_errors
from undercroft.s3.errors import CODES, ErrorContext, S3Error, from_http_error, from_store_error, invalid_argument
from undercroft.store import errors as store_errors

CONTEXT = ErrorContext(
    bucket="photos",
    key="a/b.jpg",
    version_id="4_zversion",
    upload_id="4_zupload",
    method="GET",
    range_header="bytes=9-",
)
# What S3 operations never meet: it belongs to the native face or to the administration of accounts.
NOT_OF_S3 = {
    store_errors.AlreadyHidden,
    store_errors.TooFewParts,
    store_errors.EventTypeInvalid,
    store_errors.EventTypeOverlap,
    store_errors.EventTypesEmpty,
    store_errors.EventTypesMixed,
    store_errors.NoSuchRule,
    store_errors.NoSuchJob,
    store_errors.JobConflict,
    store_errors.TooManyJobs,
    store_errors.NoSuchKey,
    store_errors.NoSuchAccount,
    store_errors.DuplicateEmail,
    store_errors.LockCannotBeDisabled,
    store_errors.NoSuchGroup,
    store_errors.NoSuchMember,
    store_errors.TooManyMembers,
}


def test_every_code_has_an_error_status_and_a_message():
    for code, (status, message) in CODES.items():
        assert code.isalnum()
        assert status in {301, 304, 307, 400, 403, 404, 405, 409, 411, 412, 416, 500, 501, 503}
        assert message


def test_an_error_takes_its_status_and_message_from_the_table():
    error = S3Error("NoSuchKey")
    assert (error.status, error.message) == CODES["NoSuchKey"]
    assert (error.extras, error.headers) == ({}, [])


def test_an_error_may_have_words_of_its_own():
    error = S3Error("AccessDenied", "Request has expired", extras={"Expires": "x"}, headers=[(b"a", b"b")])
    assert error.message == "Request has expired"
    assert str(error) == "AccessDenied: Request has expired"
    assert (error.extras, error.headers) == ({"Expires": "x"}, [(b"a", b"b")])


def test_a_code_that_is_not_in_the_table_cannot_be_raised():
    with pytest.raises(KeyError):
        S3Error("NoSuchCode")


def test_an_invalid_argument_names_it():
    error = invalid_argument("max-keys", "-1", "max-keys must not be negative")
    assert (error.code, error.status) == ("InvalidArgument", 400)
    assert error.extras == {"ArgumentName": "max-keys", "ArgumentValue": "-1"}


@pytest.mark.parametrize(
    ("error", "code", "status", "extras"),
    [
        (store_errors.Unauthorized(), "AccessDenied", 403, {}),
        (store_errors.Unauthorized(missing="readFiles"), "AccessDenied", 403, {}),
        (store_errors.ProductNotEnabled(), "AccessDenied", 403, {}),
        (store_errors.BadCredentials(), "InvalidAccessKeyId", 403, {}),
        (store_errors.BadToken(), "InvalidToken", 400, {}),
        (store_errors.ExpiredToken(), "ExpiredToken", 400, {}),
        (store_errors.UnsupportedKey(), "AccessDenied", 403, {}),
        (store_errors.InvalidRequest("no", "size"), "InvalidArgument", 400, {"ArgumentName": "size"}),
        (store_errors.NoSuchTarget("no", "size"), "InvalidArgument", 400, {"ArgumentName": "size"}),
        (store_errors.InvalidRequest("no"), "InvalidRequest", 400, {}),
        (store_errors.OutOfRange("no", "limit"), "InvalidArgument", 400, {"ArgumentName": "limit"}),
        (
            store_errors.InvalidFileName("no"),
            "InvalidArgument",
            400,
            {"ArgumentName": "key", "ArgumentValue": "a/b.jpg"},
        ),
        (
            store_errors.InvalidFileName("no", too_long=True),
            "KeyTooLongError",
            400,
            {"Size": "7", "MaxSizeAllowed": "1024"},
        ),
        (store_errors.InvalidBucketName("no"), "InvalidBucketName", 400, {"BucketName": "photos"}),
        (
            store_errors.MetadataTooLarge("no"),
            "MetadataTooLarge",
            400,
            {"MaxSizeAllowed": str(limits.S3_METADATA_MAX_BYTES)},
        ),
        (store_errors.LockForbidden(), "AccessDenied", 403, {}),
        (store_errors.MissingLock(), "InvalidRequest", 400, {}),
        (store_errors.ReplicationConflict("a source"), "InvalidBucketState", 409, {}),
        (store_errors.RetentionPast("past"), "InvalidArgument", 400, {}),
        (store_errors.VersionLocked(), "AccessDenied", 403, {}),
        (store_errors.RetentionProtected(), "AccessDenied", 403, {}),
        (store_errors.NoSuchBucket("photos"), "NoSuchBucket", 404, {"BucketName": "photos"}),
        (store_errors.DuplicateBucketName(own=True), "BucketAlreadyOwnedByYou", 409, {"BucketName": "photos"}),
        (store_errors.DuplicateBucketName(own=False), "BucketAlreadyExists", 409, {"BucketName": "photos"}),
        (store_errors.TooManyBuckets(), "TooManyBuckets", 400, {}),
        (store_errors.BucketNotEmpty(), "BucketNotEmpty", 409, {"BucketName": "photos"}),
        (store_errors.RevisionConflict(), "OperationAborted", 409, {}),
        (store_errors.NoSuchFile("photos", "a/b.jpg"), "NoSuchKey", 404, {"Key": "a/b.jpg"}),
        (
            store_errors.NoSuchVersion("4_zversion"),
            "NoSuchVersion",
            404,
            {"Key": "a/b.jpg", "VersionId": "4_zversion"},
        ),
        (
            store_errors.IsHideMarker("4_zmarker", 0),
            "MethodNotAllowed",
            405,
            {"Method": "GET", "ResourceType": "DeleteMarker"},
        ),
        (store_errors.InvalidFileId("no"), "NoSuchUpload", 404, {"UploadId": "4_zupload"}),
        (store_errors.NoSuchUpload("4_zupload"), "NoSuchUpload", 404, {"UploadId": "4_zupload"}),
        (
            store_errors.RangeNotSatisfiable(5),
            "InvalidRange",
            416,
            {"RangeRequested": "bytes=9-", "ActualObjectSize": "5"},
        ),
        (
            store_errors.LengthMismatch(10, 9),
            "IncompleteBody",
            400,
            {"NumberBytesExpected": "10", "NumberBytesProvided": "9"},
        ),
        (store_errors.TooLarge(10, 9), "EntityTooLarge", 400, {"ProposedSize": "10", "MaxSizeAllowed": "9"}),
        (store_errors.PreconditionFailed("If-Match"), "PreconditionFailed", 412, {"Condition": "If-Match"}),
        (store_errors.MissingPart(3), "InvalidPart", 400, {"UploadId": "4_zupload", "PartNumber": "3"}),
        (store_errors.PartMismatch(3), "InvalidPart", 400, {"UploadId": "4_zupload", "PartNumber": "3"}),
        (
            store_errors.PartTooSmall(3, 10, 5_000_000),
            "EntityTooSmall",
            400,
            {"ProposedSize": "10", "MinSizeAllowed": "5000000", "PartNumber": "3"},
        ),
        (store_errors.PartOrder(), "InvalidPartOrder", 400, {"UploadId": "4_zupload"}),
        (store_errors.CapExceeded(), "AccessDenied", 403, {}),
        (store_errors.ReadOnlyBucket("Snapshot buckets cannot be modified"), "AccessDenied", 403, {}),
        (store_errors.StorageCapExceeded(), "AccessDenied", 403, {}),
        (store_errors.FilesCapExceeded(), "AccessDenied", 403, {}),
        (store_errors.BucketCapExceeded("photos", "files"), "AccessDenied", 403, {}),
        (store_errors.TransactionCapExceeded(), "AccessDenied", 403, {}),
        (store_errors.RequestsCapExceeded("bucket"), "AccessDenied", 403, {}),
        (store_errors.UploadCapExceeded("key"), "AccessDenied", 403, {}),
        (store_errors.DownloadCapExceeded(), "AccessDenied", 403, {}),
        (store_errors.BadLogDestination("it has Object Lock"), "InvalidTargetBucketForLogging", 400, {}),
        (store_errors.MissingCustomerKey(), "InvalidRequest", 400, {}),
        (store_errors.NeedlessCustomerKey("not encrypted so"), "InvalidRequest", 400, {}),
        (store_errors.EncryptionMismatch("otherwise"), "InvalidRequest", 400, {}),
        (store_errors.WrongCustomerKey(), "AccessDenied", 403, {}),
        (store_errors.StorageFull(), "ServiceUnavailable", 503, {}),
        (store_errors.DataCorrupt(), "InternalError", 500, {}),
        (store_errors.StorageFailed(), "InternalError", 500, {}),
        (store_errors.Busy(), "SlowDown", 503, {}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_the_store_refuses_has_its_s3_answer(error, code, status, extras):
    answer = from_store_error(error, CONTEXT)
    assert (answer.code, answer.status) == (code, status)
    assert list(answer.extras.items()) == list(extras.items())


@pytest.mark.parametrize("kind", sorted(NOT_OF_S3, key=lambda kind: kind.__name__))
def test_what_no_s3_operation_meets_is_an_internal_error(kind):
    assert from_store_error(kind()).code == "InternalError"


def test_no_error_of_the_store_is_forgotten():
    kinds = {
        kind
        for _, kind in inspect.getmembers(store_errors, inspect.isclass)
        if issubclass(kind, store_errors.StoreError)
        and kind is not store_errors.StoreError
        and not issubclass(kind, store_errors.NotOfProtocols)
    }
    marks = test_what_the_store_refuses_has_its_s3_answer.pytestmark
    mapped = {type(case[0]) for mark in marks for case in mark.args[1]} | {store_errors.DigestMismatch}
    assert kinds == mapped | NOT_OF_S3


def test_a_missing_capability_is_named():
    assert "readFiles" in from_store_error(store_errors.Unauthorized(missing="readFiles")).message


@pytest.mark.parametrize(
    ("marker", "headers"),
    [
        (None, [(b"x-amz-delete-marker", b"false")]),
        ("4_zmarker", [(b"x-amz-delete-marker", b"true"), (b"x-amz-version-id", b"4_zmarker")]),
    ],
)
def test_a_missing_key_tells_whether_a_marker_hides_it(marker, headers):
    assert from_store_error(store_errors.NoSuchFile("b", "k", marker)).headers == headers


def test_a_hide_marker_may_only_be_deleted():
    headers = dict(from_store_error(store_errors.IsHideMarker("4_zmarker", 1_369_353_600_000)).headers)
    assert headers[b"allow"] == b"DELETE"
    assert headers[b"x-amz-delete-marker"] == b"true"
    assert headers[b"last-modified"] == b"Fri, 24 May 2013 00:00:00 GMT"


def test_a_range_past_the_end_tells_the_size():
    assert from_store_error(store_errors.RangeNotSatisfiable(5)).headers == [(b"content-range", b"bytes */5")]


def test_a_version_id_that_cannot_be_one_is_an_invalid_argument():
    error = from_store_error(store_errors.InvalidFileId("no"), ErrorContext(version_id="x"))
    assert (error.code, error.message) == ("InvalidArgument", "Invalid version id specified")
    assert error.extras == {"ArgumentName": "versionId", "ArgumentValue": "x"}


def digests(algorithm):
    return hashlib.new(algorithm, b"declared").digest(), hashlib.new(algorithm, b"received").digest()


def test_the_payloads_hash_has_an_error_of_its_own():
    expected, calculated = digests("sha256")
    context = ErrorContext(payload_hash=expected.hex().upper())
    error = from_store_error(store_errors.DigestMismatch("sha256", expected, calculated), context)
    assert (error.code, error.status) == ("XAmzContentSHA256Mismatch", 400)
    assert error.extras == {
        "ClientComputedContentSHA256": expected.hex().upper(),
        "S3ComputedContentSHA256": calculated.hex(),
    }


@pytest.mark.parametrize(("algorithm", "name"), [("md5", "Content-MD5"), ("sha1", "SHA1"), ("sha256", "SHA256")])
def test_other_digests_are_bad_digests(algorithm, name):
    expected, calculated = digests(algorithm)
    error = from_store_error(store_errors.DigestMismatch(algorithm, expected, calculated))
    assert (error.code, error.status) == ("BadDigest", 400)
    assert name in error.message
    assert error.extras == {
        "ExpectedDigest": base64.b64encode(expected).decode(),
        "CalculatedDigest": base64.b64encode(calculated).decode(),
    }


@pytest.mark.parametrize(
    ("error", "code", "extras"),
    [
        (http_errors.BodyTooLarge(10), "MaxMessageLengthExceeded", {"MaxMessageLengthBytes": "10"}),
        (http_errors.BodyStalled(), "RequestTimeout", {}),
        (http_errors.BodyBroken(), "IncompleteBody", {}),
        (http_errors.MalformedURL(), "InvalidURI", {}),
        (http_errors.HTTPInputError(), "BadRequest", {}),
    ],
)
def test_what_is_no_usable_request_has_its_s3_answer(error, code, extras):
    answer = from_http_error(error)
    assert (answer.code, answer.extras) == (code, extras)
