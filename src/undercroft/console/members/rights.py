"""What somebody at work in another's account is shown: what the role may not do is neither offered nor opened.

The store refuses it anyway, by the key in whose name a member acts. What it asks an account for and no key, as settings and
reports, is refused here.
"""

from __future__ import annotations

from undercroft.console.languages import N_, _
from undercroft.console.problems import Problem
from undercroft.store.identity.roles import Role
from undercroft.store.identity.sessions import SignedIn
from undercroft.store.operations import Operation

NAMES: dict[Role, str] = {
    "administrator": N_("Administrator"),
    "bucketCreator": N_("Bucket Creator"),
    "objectManager": N_("Object Manager"),
    "objectViewer": N_("Object Viewer"),
    "objectWriter": N_("Object Writer"),
}
MEANINGS: dict[Role, str] = {
    "administrator": N_(
        "All that the owner can do, but for the owner's settings. In certain buckets: all that can be done in those."
    ),
    "bucketCreator": N_("Makes buckets and sets them up. Sees no files."),
    "objectManager": N_("Views, uploads, downloads, shares and deletes files."),
    "objectViewer": N_("Lists and downloads files."),
    "objectWriter": N_("Lists and uploads files, also over others. Downloads none."),
}

_OWNERS = ("/settings", "/operator", "/stop-acting")
_ADMINISTRATORS = ("/keys", "/caps", "/reports", "/audit", "/replication", "/members", "/snapshots")
_OF_BUCKETS = ("/{name}/replication", "/{name}/access", "/snapshot")  # The same, of a bucket.
# What else pages, dialogs and forms are for, by a part of their paths.
_NEEDED = (
    ("/buckets/new", "writeBuckets"),
    ("/files", "listFiles"),
    ("/find", "listFiles"),
    ("/jobs", "listFiles"),
    ("/{name}/upload", "writeFiles"),
    ("/{name}/new-folder", "writeFiles"),
    ("/{name}/rewind", "writeFiles"),
    ("/{name}/transfer", "writeFiles"),
    ("/{name}/file/share", "shareFiles"),
    ("/{name}/shares", "shareFiles"),
    ("/{name}/unfinished", "listFiles"),
    ("/{name}/file/delete", "deleteFiles"),
    ("/{name}/empty", "deleteFiles"),
    ("/{name}/delete", "deleteBuckets"),
)


def refusal(signed_in: SignedIn | None, path: str) -> Problem | None:
    """Why this page, a path of the table of pages, is not for this member; None where it is, and for everybody else."""
    if signed_in is None or signed_in.member is None:
        return None
    principal = signed_in.principal
    if path.startswith(_OWNERS):
        return Problem(
            403, _("This is the owner's alone"), _("Settings of your own are in your own account. Switch to it first.")
        )
    if path.startswith(_ADMINISTRATORS) or any(part in path for part in _OF_BUCKETS):
        if not (principal.is_of_whole_account and principal.can(Operation.ADMINISTER_MEMBERS.value)):
            return Problem(
                403, _("Your role does not allow this"), _("It needs an administrator of the whole account.")
            )
        return None
    for part, capability in _NEEDED:
        if part in path and not principal.can(capability):
            return Problem(
                403,
                _("Your role does not allow this"),
                _("It needs the capability %(capability)s.", capability=capability),
            )
    return None
