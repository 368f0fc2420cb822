"""What the store refuses, as the console says it: one table from its errors to a status, a title and what would help.

Forms show a refusal beside the field that it is about (`beside`); whatever is not a form's affair becomes a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from undercroft.store import errors
from undercroft.store.errors import StoreError


class Problem(NamedTuple):
    """Why there is no answer: a status of HTTP, what happened, and why or what to do."""

    status: int
    title: str
    text: str


def _missing(error: errors.Unauthorized) -> str:
    return f"It needs the capability {error.missing}." if error.missing else "It belongs to somebody else."


def _busy(error: errors.Busy) -> str:
    return f"{error} Nothing was changed. Try again in a moment.".lstrip()


_RULES: dict[type[StoreError], tuple[int, str, str | Callable[[Any], str]]] = {
    errors.Unauthorized: (403, "You may not do this", _missing),
    errors.ReadOnlyBucket: (403, "This bucket is kept by the service", str),
    errors.BadCredentials: (401, "You are not signed in", "Your session is over. Sign in again."),
    errors.InvalidRequest: (422, "This cannot be taken as it is", str),
    errors.ProductNotEnabled: (
        403, "B2 Cloud Storage is not enabled", "Enable it under My Settings, Enabled Products.",
    ),
    errors.TooManyAttempts: (429, "Too many attempts", str),
    errors.WrongPasskey: (403, "This passkey was not accepted", "Try again, or sign in with your password."),
    errors.NoSuchPerson: (404, "There is no such member", "The invitation may have been taken back."),
    errors.NoSuchPasskey: (404, "There is no such passkey", "It may have been removed."),
    errors.TooManyPasskeys: (409, "There are too many passkeys", str),
    errors.BadLink: (410, "This link does not work", str),
    errors.SignUpClosed: (403, "Signing up is closed", str),
    errors.NoSuchAccount: (404, "There is no such account", str),
    errors.NoSuchBucket: (404, "There is no such bucket", "It may have been deleted, or its name is spelt otherwise."),
    errors.NoSuchKey: (404, "There is no such application key", "It may have been deleted, or have expired."),
    errors.DuplicateBucketName: (
        409, "This name is in use", "Bucket names are unique among all accounts, in any letter case. Choose another.",
    ),
    errors.TooManyBuckets: (409, "There are too many buckets", str),
    errors.BucketNotEmpty: (
        409, "This bucket is not empty",
        "A bucket can be deleted when nothing is in it: no file, no old version, no hide marker and no unfinished upload.",
    ),
    errors.ReplicationConflict: (
        409, "Object Lock cannot be enabled here", "The bucket is a source of replication. Remove its rules first.",
    ),
    errors.LockCannotBeDisabled: (409, "Object Lock stays enabled", "Once it is enabled, nobody can disable it."),
    errors.RevisionConflict: (409, "Somebody else changed this meanwhile", "Open the page again, and repeat your change."),
    errors.NoSuchRule: (404, "There is no such rule", str),
    errors.NoSuchTarget: (404, "There is no such target", "It may have been removed, or its name is spelt otherwise."),
    errors.NoSuchFile: (404, "There is no such file", "It may have been hidden, moved or deleted."),
    errors.NoSuchVersion: (404, "There is no such version", "It may have been deleted, or its file moved."),
    errors.InvalidFileId: (404, "There is no such version", "Its id is spelt otherwise."),
    errors.VersionLocked: (409, "This version is locked", "Its retention or legal hold keeps it from being deleted."),
    errors.MissingLock: (409, "This bucket has no Object Lock", "Enable it on the page Lock, then files can be locked."),
    errors.DataCorrupt: (500, "This file is damaged", "What is stored differs from its checksum. See `undercroft doctor`."),
    errors.DownloadCapExceeded: (403, "The cap on downloads is reached", "Raise it under Caps & Alerts, or wait for tomorrow."),
    errors.UploadCapExceeded: (403, "The cap on uploads is reached", "Raise it under Caps & Alerts, or wait for tomorrow."),
    errors.NoSuchShare: (404, "There is no such link", str),
    errors.NoSuchSession: (404, "There is no such session", str),
    errors.NoSuchJob: (404, "There is no such job", "It may be so old that it is not remembered, or have gone with its bucket."),
    errors.JobConflict: (409, "The job is in another state by now", str),
    errors.TooManyJobs: (409, "Too many jobs are under way", str),
    errors.StorageFull: (507, "The storage is full", "Nothing was changed. Deleting still works."),
    errors.BucketCapExceeded: (403, "The bucket's cap is reached", "Raise it under Caps & Alerts, or delete something."),
    errors.FilesCapExceeded: (403, "The cap on files is reached", "Raise it under Caps & Alerts, or delete something."),
    errors.StorageCapExceeded: (403, "The cap on storage is reached", "Raise it under Caps & Alerts, or delete something."),
    errors.Busy: (503, "The store is busy", _busy),
}  # fmt: skip
_OTHER = (409, "This cannot be done", str)


def problem_of(error: StoreError) -> Problem:
    """What the console says of an error of the store."""
    kinds = (kind for kind in type(error).__mro__ if kind in _RULES)
    status, title, text = _RULES[found] if (found := next(kinds, None)) else _OTHER
    return Problem(status, title, text if isinstance(text, str) else text(error))


def beside(error: StoreError, fields: Mapping[str, str], otherwise: str) -> dict[str, str]:
    """What a form shows: the text of the refusal by the name of the form's field.

    `fields` maps the store's names of fields to the form's; `otherwise` is the field of an error that names none of them.
    """
    problem = problem_of(error)
    named = error.field if isinstance(error, errors.InvalidRequest) else ""
    return {fields.get(named, otherwise): problem.text}
