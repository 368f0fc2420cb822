"""Who may do what in a bucket: a row a key or member, a column an act, as the store judges it."""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.languages import N_, _
from undercroft.console.visit import Visit
from undercroft.store.identity.holders import ACTS
from undercroft.store.operations import Operation

_WORDS = {
    Operation.LIST_FILES: N_("List"),
    Operation.READ_FILE: N_("Download"),
    Operation.WRITE_FILE: N_("Upload"),
    Operation.DELETE_FILE: N_("Delete"),
    Operation.SHARE_FILES: N_("Share"),
    Operation.WRITE_BUCKET: N_("Change settings"),
    Operation.DELETE_BUCKET: N_("Delete bucket"),
}


async def show(visit: Visit) -> Response:
    """A page of them: the master key, keys and members."""
    bucket = await visit.bucket()
    holders, following = await visit.store.identity.holders.of_bucket(
        visit.principal, bucket, start_key_id=visit.query("from"), limit=limits.FOLDER_PAGE
    )
    return visit.render(
        "members/access.html",
        bucket=bucket,
        holders=holders,
        following=following,
        acts=[(act, _(_WORDS[act])) for act in ACTS],
    )
