from __future__ import annotations

import inspect
import json

import pytest

from undercroft.http import errors as http_errors
from undercroft.http.response import Response
from undercroft.native.errors import NativeError, as_native, error_response
from undercroft.store import errors as store_errors

ARGUMENTS = {
    store_errors.NoSuchBucket: ("b",),
    store_errors.NoSuchFile: ("b", "n"),
    store_errors.NoSuchVersion: ("4_z", "n"),
    store_errors.IsHideMarker: ("4_z", 1),
    store_errors.NoSuchUpload: ("4_z",),
    store_errors.RangeNotSatisfiable: (10,),
    store_errors.DigestMismatch: ("sha1", b"a", b"b"),
    store_errors.LengthMismatch: (1, 2),
    store_errors.TooLarge: (7, 5),
    store_errors.MissingPart: (3,),
    store_errors.PartMismatch: (3,),
    store_errors.PartTooSmall: (3, 1, 5),
    http_errors.BodyTooLarge: (10,),
}
# Errors that no native call can meet: conditional writes and unordered parts are S3's, e-mail addresses the operator's.
FOREIGN = {store_errors.PreconditionFailed, store_errors.PartOrder, store_errors.DuplicateEmail}


def kinds(module, base):
    return [
        kind for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, base) and kind is not base and kind.__module__ == module.__name__
    ]  # fmt: skip


CAP_ARGUMENTS = {
    store_errors.BucketCapExceeded: ("photos", "files"),
    store_errors.RequestsCapExceeded: ("bucket",),
    store_errors.UploadCapExceeded: ("key",),
}


def example(kind):
    if issubclass(kind, store_errors.CapExceeded):
        return kind(*CAP_ARGUMENTS.get(kind, ()))
    return kind(own=True) if kind is store_errors.DuplicateBucketName else kind(*ARGUMENTS.get(kind, ("text",)))


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in kinds(store_errors, store_errors.StoreError)
        if kind not in FOREIGN and not issubclass(kind, store_errors.NotOfProtocols)
    ],
    ids=lambda k: k.__name__,
)
def test_every_error_of_the_store_has_an_answer(kind):
    native = as_native(example(kind), "b2_list_buckets")
    assert native is not None
    assert 400 <= native.status <= 503
    assert isinstance(native.message, str)


@pytest.mark.parametrize("kind", [http_errors.BodyTooLarge, http_errors.BodyStalled, http_errors.MalformedURL])
def test_every_error_of_a_request_that_somebody_reads_has_an_answer(kind):
    assert as_native(example(kind), "") is not None


def test_a_broken_body_has_none_since_nobody_is_left_to_read_it():
    assert as_native(http_errors.BodyBroken("gone"), "b2_upload_file") is None


def test_an_error_nobody_foresaw_has_none():
    assert as_native(ValueError("bug"), "b2_list_buckets") is None


def test_what_the_store_says_of_a_missing_right_stays_inside():
    native = as_native(store_errors.Unauthorized("no writeFiles in this bucket"), "b2_hide_file")
    assert (native.status, native.code, native.message) == (401, "unauthorized", "")


@pytest.mark.parametrize(
    ("call", "error", "expected"),
    [
        ("b2_hide_file", store_errors.NoSuchFile("b", "n"), (400, "no_such_file", "File not present")),
        ("b2_download_file_by_name", store_errors.NoSuchFile("b", "n"), (404, "not_found", "bucket b does not have file: n")),
        ("b2_download_file_by_name", store_errors.NoSuchBucket("b"), (404, "not_found", "Bucket b does not exist")),
        ("b2_get_upload_url", store_errors.NoSuchBucket("b"), (400, "bad_bucket_id", "Bucket b does not exist")),
        ("b2_delete_file_version", store_errors.NoSuchVersion("4_z", "n"), (400, "file_not_present", "File not present: n 4_z")),
        ("b2_get_file_info", store_errors.NoSuchVersion("4_z"), (404, "not_found", "File not present: 4_z")),
        ("b2_copy_file", store_errors.TooLarge(7, 5), (400, "source_too_large", "Copy source too big: 7")),
        ("b2_upload_file", store_errors.TooLarge(7, 5), (400, "bad_request", "7 bytes exceed the limit of 5.")),
        ("b2_get_file_info", store_errors.InvalidFileId("Invalid fileId: x"), (400, "bad_request", "Bad fileId: x")),
        ("b2_download_file_by_id", store_errors.InvalidFileId("Invalid fileId: x"), (400, "bad_request", "bad fileId: x")),
        ("b2_cancel_large_file", store_errors.InvalidFileId("Invalid fileId: x"), (400, "bad_request", "Invalid fileId: x")),
        ("b2_authorize_account", store_errors.BadCredentials("x"), (401, "unauthorized", "")),
        ("b2_list_buckets", store_errors.BadCredentials("x"), (401, "bad_auth_token", "")),
    ],
)  # fmt: skip
def test_calls_have_their_own_words_for_the_same_error(call, error, expected):
    native = as_native(error, call)
    assert (native.status, native.code, native.message) == expected


def test_an_error_body_has_exactly_three_members():
    response = error_response(NativeError(400, "bad_request", 'te"xt é', [(b"x-extra", b"1")]))
    assert isinstance(response, Response)
    assert json.loads(response.body) == {"code": "bad_request", "message": 'te"xt é', "status": 400}
    assert (b"x-extra", b"1") in response.headers


def test_the_answer_to_head_has_no_body():
    response = error_response(NativeError(404, "not_found", "text"), head=True)
    assert (response.status, response.body) == (404, b"")
