"""What the store refuses, as the console says it: one table from its errors to a status, a title and what would help.

Forms show a refusal beside the field that it is about (`beside`); whatever is not a form's affair becomes a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from undercroft.console.languages import N_, Translated, _
from undercroft.store import errors
from undercroft.store.errors import StoreError


class Problem(NamedTuple):
    """Why there is no answer: a status of HTTP, what happened, and why or what to do."""

    status: int
    title: str
    text: str


def _missing(error: errors.Unauthorized) -> str:
    if error.missing:
        return _("It needs the capability %(capability)s.", capability=error.missing)
    return _("It belongs to somebody else.")


def _busy(error: errors.Busy) -> str:
    advice = _("Nothing was changed. Try again in a moment.")
    return _("%(reason)s %(advice)s", reason=said(error), advice=advice) if str(error) else advice


def said(error: StoreError) -> str:
    """What the store says, in the language of the request where it is one of its constant sentences."""
    text = error.args[0] if error.args else ""
    # What the console itself raises is in the language of the request already.
    return text if isinstance(text, Translated) else _(str(error).replace("%", "%%"))


_RULES: dict[type[StoreError], tuple[int, str, str | Callable[[Any], str]]] = {
    errors.Unauthorized: (403, N_("You may not do this"), _missing),
    errors.ReadOnlyBucket: (403, N_("This bucket is kept by the service"), said),
    errors.BadCredentials: (401, N_("You are not signed in"), N_("Your session is over. Sign in again.")),
    errors.InvalidRequest: (422, N_("This cannot be taken as it is"), said),
    errors.ProductNotEnabled: (
        403, N_("B2 Cloud Storage is not enabled"), N_("Enable it under My Settings, Enabled Products."),
    ),
    errors.TooManyAttempts: (429, N_("Too many attempts"), said),
    errors.WrongPasskey: (403, N_("This passkey was not accepted"), N_("Try again, or sign in with your password.")),
    errors.NoSuchPerson: (404, N_("There is no such member"), N_("The invitation may have been taken back.")),
    errors.NoSuchPasskey: (404, N_("There is no such passkey"), N_("It may have been removed.")),
    errors.TooManyPasskeys: (409, N_("There are too many passkeys"), said),
    errors.BadLink: (410, N_("This link does not work"), said),
    errors.SignUpClosed: (403, N_("Signing up is closed"), said),
    errors.NoSuchAccount: (404, N_("There is no such account"), said),
    errors.NoSuchBucket: (404, N_("There is no such bucket"), N_("It may have been deleted, or its name is spelt otherwise.")),
    errors.NoSuchKey: (404, N_("There is no such application key"), N_("It may have been deleted, or have expired.")),
    errors.DuplicateBucketName: (
        409, N_("This name is in use"), N_("Bucket names are unique among all accounts, in any letter case. Choose another."),
    ),
    errors.TooManyBuckets: (409, N_("There are too many buckets"), said),
    errors.BucketNotEmpty: (
        409, N_("This bucket is not empty"),
        N_("A bucket can be deleted when nothing is in it: no file, no old version, no hide marker and no unfinished upload."),
    ),
    errors.ReplicationConflict: (
        409, N_("Object Lock cannot be enabled here"), N_("The bucket is a source of replication. Remove its rules first."),
    ),
    errors.LockCannotBeDisabled: (409, N_("Object Lock stays enabled"), N_("Once it is enabled, nobody can disable it.")),
    errors.RevisionConflict: (409, N_("Somebody else changed this meanwhile"), N_("Open the page again, and repeat your change.")),
    errors.NoSuchRule: (404, N_("There is no such rule"), said),
    errors.NoSuchTarget: (404, N_("There is no such target"), N_("It may have been removed, or its name is spelt otherwise.")),
    errors.NoSuchFile: (404, N_("There is no such file"), N_("It may have been hidden, moved or deleted.")),
    errors.NoSuchVersion: (404, N_("There is no such version"), N_("It may have been deleted, or its file moved.")),
    errors.InvalidFileId: (404, N_("There is no such version"), N_("Its id is spelt otherwise.")),
    errors.NothingToUndo: (409, N_("This cannot be undone any more"), said),
    errors.VersionLocked: (409, N_("This version is locked"), N_("Its retention or legal hold keeps it from being deleted.")),
    errors.MissingLock: (409, N_("This bucket has no Object Lock"), N_("Enable it on the page Lock, then files can be locked.")),
    errors.DataCorrupt: (500, N_("This file is damaged"), N_("What is stored differs from its checksum. See `undercroft doctor`.")),
    errors.DownloadCapExceeded: (403, N_("The cap on downloads is reached"), N_("Raise it under Caps & Alerts, or wait for tomorrow.")),
    errors.UploadCapExceeded: (403, N_("The cap on uploads is reached"), N_("Raise it under Caps & Alerts, or wait for tomorrow.")),
    errors.NoSuchShare: (404, N_("There is no such link"), said),
    errors.NoSuchSession: (404, N_("There is no such session"), said),
    errors.NoSuchJob: (404, N_("There is no such job"), N_("It may be so old that it is not remembered, or have gone with its bucket.")),
    errors.JobConflict: (409, N_("The job is in another state by now"), said),
    errors.TooManyJobs: (409, N_("Too many jobs are under way"), said),
    errors.StorageFull: (507, N_("The storage is full"), N_("Nothing was changed. Deleting still works.")),
    errors.BucketCapExceeded: (403, N_("The bucket's cap is reached"), N_("Raise it under Caps & Alerts, or delete something.")),
    errors.FilesCapExceeded: (403, N_("The cap on files is reached"), N_("Raise it under Caps & Alerts, or delete something.")),
    errors.StorageCapExceeded: (403, N_("The cap on storage is reached"), N_("Raise it under Caps & Alerts, or delete something.")),
    errors.Busy: (503, N_("The store is busy"), _busy),
}  # fmt: skip
_OTHER = (409, N_("This cannot be done"), said)


def problem_of(error: StoreError) -> Problem:
    """What the console says of an error of the store."""
    kinds = (kind for kind in type(error).__mro__ if kind in _RULES)
    status, title, text = _RULES[found] if (found := next(kinds, None)) else _OTHER
    return Problem(status, _(title), _(text) if isinstance(text, str) else text(error))


def beside(error: StoreError, fields: Mapping[str, str], otherwise: str) -> dict[str, str]:
    """What a form shows: the text of the refusal by the name of the form's field.

    `fields` maps the store's names of fields to the form's; `otherwise` is the field of an error that names none of them.
    """
    problem = problem_of(error)
    named = error.field if isinstance(error, errors.InvalidRequest) else ""
    return {fields.get(named, otherwise): problem.text}
