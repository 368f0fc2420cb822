"""Every error the native face answers: one table from the store's errors to status, code and text.

The body of an error has exactly three members; the strict readers among the clients take any other for no error at all.
Texts that clients match are spelt as the service spells them (B2 Native API reference, section 19).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from undercroft.http import errors as http_errors
from undercroft.http.response import RETRY_AFTER, Headers, Response
from undercroft.store import errors as store_errors

AUTHORIZE_ACCOUNT = "b2_authorize_account"
DOWNLOAD_BY_ID = "b2_download_file_by_id"
DOWNLOAD_BY_NAME = "b2_download_file_by_name"


class NativeError(Exception):
    """An error that the face itself finds. `headers` go out with it."""

    def __init__(self, status: int, code: str, message: str = "", headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or []


class BadRequest(NativeError):
    """400 `bad_request`: a field, header or path that the reference does not allow."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "bad_request", message)


class Rule(NamedTuple):
    """What an error becomes: status, code, and the text or how to make it."""

    status: int
    code: str
    message: str | Callable[[Any], str]


def _retold(error: store_errors.InvalidFileId, word: str) -> str:
    """The store's `Invalid fileId: …` with the word that the call uses."""
    return str(error).replace("Invalid", word, 1)


RULES: dict[type[Exception], Rule] = {
    store_errors.Unauthorized: Rule(401, "unauthorized", ""),
    store_errors.ReadOnlyBucket: Rule(400, "bad_request", str),
    # A key that went away after its token was judged: its tokens are as good as unknown.
    store_errors.BadCredentials: Rule(401, "bad_auth_token", ""),
    store_errors.NoSuchAccount: Rule(401, "unauthorized", ""),
    store_errors.NoSuchGroup: Rule(401, "invalid_group_id", str),
    store_errors.NoSuchMember: Rule(401, "invalid_member_account_id", str),
    store_errors.TooManyMembers: Rule(401, "too_many_members", str),
    store_errors.BadToken: Rule(401, "bad_auth_token", ""),
    store_errors.ExpiredToken: Rule(401, "expired_auth_token", "Authorization token has expired"),
    store_errors.UnsupportedKey: Rule(
        401, "unsupported", "Keys restricted to more than one bucket need version 4 of the API"
    ),
    store_errors.InvalidRequest: Rule(400, "bad_request", str),
    store_errors.OutOfRange: Rule(400, "out_of_range", str),
    store_errors.EventTypesEmpty: Rule(400, "event_types_empty", str),
    store_errors.EventTypeInvalid: Rule(400, "event_type_invalid", str),
    store_errors.EventTypeOverlap: Rule(400, "event_type_overlap", str),
    store_errors.EventTypesMixed: Rule(400, "event_type_categories", str),
    store_errors.NoSuchRule: Rule(400, "bad_request", str),
    store_errors.NoSuchJob: Rule(400, "bad_request", str),
    store_errors.JobConflict: Rule(400, "bad_request", str),
    store_errors.TooManyJobs: Rule(400, "bad_request", str),
    store_errors.NoSuchBucket: Rule(400, "bad_bucket_id", str),
    store_errors.DuplicateBucketName: Rule(400, "duplicate_bucket_name", "Bucket name is already in use."),
    store_errors.TooManyBuckets: Rule(400, "too_many_buckets", "The account has reached its number of buckets"),
    store_errors.BucketNotEmpty: Rule(400, "cannot_delete_non_empty_bucket", "Cannot delete non-empty bucket"),
    store_errors.MissingLock: Rule(400, "bucket_missing_file_lock", "The bucket is not file lock enabled"),
    store_errors.LockCannotBeDisabled: Rule(400, "file_lock_conflict", str),
    store_errors.ReplicationConflict: Rule(400, "source_replication_conflict", str),
    store_errors.RetentionPast: Rule(400, "retain_until_timestamp_must_be_in_future", str),
    store_errors.VersionLocked: Rule(401, "access_denied", "Access Denied"),
    store_errors.RetentionProtected: Rule(403, "access_denied", "Access Denied"),
    store_errors.LockForbidden: Rule(403, "access_denied", "Access Denied"),
    store_errors.RevisionConflict: Rule(409, "conflict", "simultaneous updates to bucket"),
    store_errors.NoSuchKey: Rule(400, "bad_request", "No such application key"),
    store_errors.NoSuchFile: Rule(404, "not_found", str),
    store_errors.NoSuchVersion: Rule(404, "not_found", str),
    store_errors.IsHideMarker: Rule(404, "not_found", "The file version is a hide marker, which has no content"),
    store_errors.AlreadyHidden: Rule(400, "already_hidden", "The file is already hidden"),
    store_errors.NoSuchUpload: Rule(400, "bad_request", str),
    store_errors.RangeNotSatisfiable: Rule(416, "range_not_satisfiable", str),
    store_errors.WrongCustomerKey: Rule(403, "access_denied", "Access Denied"),
    store_errors.DigestMismatch: Rule(400, "bad_request", "Checksum did not match data received"),
    store_errors.LengthMismatch: Rule(400, "bad_request", str),
    store_errors.TooLarge: Rule(400, "bad_request", str),
    store_errors.TooFewParts: Rule(400, "bad_request", "large files must have at least 2 parts"),
    store_errors.MissingPart: Rule(400, "missing_part", str),
    store_errors.PartMismatch: Rule(400, "part_sha1_mismatch", str),
    store_errors.PartTooSmall: Rule(400, "bad_request", str),
    store_errors.CapExceeded: Rule(403, "cap_exceeded", str),
    store_errors.StorageCapExceeded: Rule(403, "storage_cap_exceeded", str),
    store_errors.TransactionCapExceeded: Rule(403, "transaction_cap_exceeded", str),
    store_errors.DownloadCapExceeded: Rule(403, "download_cap_exceeded", str),
    store_errors.StorageFull: Rule(503, "service_unavailable", "No room for uploads at the moment"),
    store_errors.DataCorrupt: Rule(500, "internal_error", ""),
    store_errors.StorageFailed: Rule(500, "internal_error", ""),
    store_errors.Busy: Rule(503, "service_unavailable", "The service is too busy"),
    http_errors.BodyTooLarge: Rule(400, "bad_request", str),
    http_errors.BodyStalled: Rule(408, "request_timeout", str),
    http_errors.MalformedURL: Rule(400, "bad_request", str),
}

# Where one call words an error of the store differently from all others.
RULES_OF_CALL: dict[tuple[str, type[Exception]], Rule] = {
    ("b2_create_group_member", store_errors.InvalidRequest): Rule(401, "invalid_email", str),
    ("b2_create_group_member", store_errors.DuplicateEmail): Rule(401, "invalid_email", str),
    ("b2_reserve_trial_create_account", store_errors.OutOfRange): Rule(400, "bad_request", str),
    ("b2_reserve_trial_create_account", store_errors.InvalidRequest): Rule(401, "invalid_email", str),
    ("b2_reserve_trial_create_account", store_errors.DuplicateEmail): Rule(401, "invalid_email", str),
    (AUTHORIZE_ACCOUNT, store_errors.BadCredentials): Rule(401, "unauthorized", ""),
    ("b2_hide_file", store_errors.NoSuchFile): Rule(400, "no_such_file", "File not present"),
    ("b2_delete_file_version", store_errors.NoSuchVersion): Rule(400, "file_not_present", str),
    ("b2_update_file_retention", store_errors.NoSuchVersion): Rule(400, "file_not_present", str),
    ("b2_update_file_legal_hold", store_errors.NoSuchVersion): Rule(400, "file_not_present", str),
    ("b2_copy_file", store_errors.TooLarge): Rule(400, "source_too_large", lambda e: f"Copy source too big: {e.size}"),
    ("b2_copy_part", store_errors.TooLarge): Rule(400, "source_too_large", lambda e: f"Copy source too big: {e.size}"),
    ("b2_get_file_info", store_errors.InvalidFileId): Rule(400, "bad_request", lambda e: _retold(e, "Bad")),
    ("b2_delete_file_version", store_errors.InvalidFileId): Rule(400, "bad_request", lambda e: _retold(e, "Bad")),
    (DOWNLOAD_BY_ID, store_errors.InvalidFileId): Rule(400, "bad_request", lambda e: _retold(e, "bad")),
    (DOWNLOAD_BY_NAME, store_errors.NoSuchBucket): Rule(404, "not_found", str),
}


def rule_of(error: Exception, call: str) -> Rule | None:
    """The rule for an error raised inside `call`, or None where the table has none."""
    for kind in type(error).__mro__:
        rule = RULES_OF_CALL.get((call, kind)) or RULES.get(kind)
        if rule is not None:
            return rule
    return None


def as_native(error: Exception, call: str) -> NativeError | None:
    """The error in this face's words, or None where it is none of a client's making that the table knows."""
    if isinstance(error, NativeError):
        return error
    rule = rule_of(error, call)
    if rule is None:
        return None
    message = rule.message if isinstance(rule.message, str) else rule.message(error)
    return NativeError(rule.status, rule.code, message)


def error_response(error: NativeError, *, head: bool = False) -> Response:
    """The answer to an error. A HEAD request gets the status alone."""
    own = [*error.headers, RETRY_AFTER] if error.status == 503 else error.headers
    if head:
        return Response(error.status, list(own), error_code=error.code)
    body = {"code": error.code, "message": error.message, "status": error.status}
    headers: Headers = [
        (b"content-type", b"application/json;charset=utf-8"),
        (b"cache-control", b"max-age=0, no-cache, no-store"),
        *own,
    ]
    text = msgspec.json.format(msgspec.json.encode(body), indent=2)
    return Response(error.status, headers, text, error_code=error.code)
