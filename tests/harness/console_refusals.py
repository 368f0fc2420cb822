"""What every form of the console refuses: the fields that make it so, by the path that it is sent to.

A form of the table of pages that stands in neither list fails the tour: say what is wrong with it when it is sent, or that nothing can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Fields = Sequence[tuple[str, str]]


class Refused(NamedTuple):
    """The fields that are wrong, the query of the address where it needs one, who sends them, the status of the answer, and the
    page of the form where it has another path."""

    fields: Fields
    query: str = ""
    visitor: str = ""
    status: int = 422
    at: str = ""


_FILE = "id={file_id}"

REFUSED: Mapping[str, Refused] = {
    "/sign-in": Refused([("email", "")]),
    "/sign-in/password": Refused([("email", "nobody@example.com"), ("password", "wrong")], at="/sign-in"),
    "/sign-in/code": Refused([("code", "12345")]),
    "/forgot-password": Refused([("email", "no address")]),
    "/reset-password/{secret}": Refused([("password", "one thing"), ("password_again", "another")]),
    "/sign-up": Refused([("email", "no address")]),
    "/sign-up/{secret}": Refused([("email", "no address"), ("password", "short"), ("name", "A")]),
    "/s/{token}": Refused([("password", "wrong")], status=403),
    "/buckets/new": Refused([("name", "no")]),
    "/buckets/{name}/settings": Refused([("type", "allPrivate"), ("info_key", "no good key"), ("info_value", "x")]),
    "/buckets/{name}/delete": Refused([], status=409),
    "/buckets/{name}/lifecycle": Refused([("choice", "custom"), ("prefix", "a"), ("hide", "0"), ("delete", "x")]),
    "/buckets/{name}/cors": Refused([("choice", "one"), ("face", "both"), ("origin", "nothing")]),
    "/buckets/{name}/lock": Refused([("mode", "governance"), ("days", "never")]),
    "/buckets/{name}/logs": Refused([("logging", "enable"), ("destination", ""), ("prefix", "")]),
    "/buckets/{name}/events/new": Refused([("name", "?"), ("url", "no address"), ("prefix", "")]),
    "/buckets/{name}/events/{rule}": Refused([("name", ""), ("url", ""), ("secret", "short"), ("batch", "many")]),
    "/buckets/{name}/new-folder": Refused([("folder", "")]),
    "/buckets/{name}/file/own-key": Refused([("customer_key", "short")], "id={sealed_id}"),
    "/buckets/{name}/file/rename": Refused([("path", "letter.txt")], _FILE),
    "/buckets/{name}/file/describe": Refused([("content_type", "text/plain"), ("info", "no colon")], _FILE),
    "/buckets/{name}/file/retention": Refused([("mode", "governance"), ("until", "never")], _FILE),
    "/buckets/{name}/file/share": Refused([("kind", "link"), ("expiry", "never"), ("password", "abc")], _FILE),
    "/buckets/{name}/empty": Refused([("confirm", "another")]),
    "/buckets/{name}/transfer": Refused(
        [("prefix", "photos/"), ("way", "copy"), ("target", "/"), ("existing", "skip")]
    ),
    "/buckets/{name}/snapshot": Refused([("prefix", "photos/"), ("days", "31")]),
    "/replication/new": Refused([("rule", ""), ("source", "")]),
    "/replication/targets/new": Refused([("target", ""), ("endpoint", "http://x")]),
    "/keys/new": Refused([("name", "?"), ("access", "readWrite"), ("duration", "long")]),
    "/caps/edit": Refused([("storage", "much"), ("class_b", "-1"), ("soft_files", "many")]),
    "/caps/alerts": Refused([("at_storage", "much"), ("addresses", "nobody"), ("webhook_url", "http://x")]),
    "/caps/buckets/{name}": Refused(
        [("size", "much"), ("files", "-1"), ("requests", "many"), ("upload", "much"), ("soft_storage", "much")]
    ),
    "/keys/{key_id}/caps": Refused(
        [("requests", "many"), ("download", "much"), ("upload", "-1"), ("soft_requests", "many")]
    ),
    "/settings": Refused([("name", "x" * 300), ("time_zone", "Nowhere")]),
    "/settings/email": Refused([("email", "no address"), ("again", "another"), ("password", "wrong")]),
    "/settings/set-up": Refused([("email", "no address"), ("current_password", "wrong"), ("password", "a")]),
    "/settings/delete": Refused([("confirm", "another"), ("password", "wrong")]),
    "/settings/products/b2": Refused([("version", "old")], visitor="beginner"),
    "/settings/products/b2/disable": Refused([]),
    "/settings/password": Refused([("current_password", "wrong"), ("password", "a"), ("password_again", "b")]),
    "/settings/two-factor": Refused([("code", "12345")]),
    "/settings/two-factor/disable": Refused([("password", "wrong")]),
    "/settings/two-factor/codes": Refused([("password", "wrong")]),
    "/members/invite": Refused([("email", "no address"), ("role", "objectViewer"), ("scope", "account")]),
    "/members/{email}": Refused([("role", "bucketCreator"), ("scope", "buckets")]),
    "/join/{secret}": Refused([("name", "A"), ("password", "short")]),
    "/operator/accounts/new": Refused([("email", "no address"), ("password", "short")]),
    "/operator/accounts/{account_id:str}/caps": Refused([("storage", "much")]),
    "/operator/accounts/{account_id:str}/act": Refused([("reason", "")]),
    "/operator/accounts/{account_id:str}/delete": Refused([("confirm", "another")]),
    "/operator/installation/addresses": Refused([("region", "No Region"), ("current_password", "wrong")]),
    "/operator/invitations/new": Refused([("email", "no address")]),
}

# Nothing that is typed can be wrong here: these are buttons, questions about a selection, and what scripts send.
BUTTONS = {
    "/members/{email}/remove", "/accounts", "/sign-out", "/stop-acting", "/session/extend", "/settings/passkeys/{passkey_id}/remove", "/settings/set-up/leave", "/settings/email/take-back", "/caps/alerts/ask", "/caps/alerts/test", "/alerts/confirm/{secret}", "/alerts/unsubscribe/{secret}", "/settings/email/{secret}", "/preferences/language", "/preferences/theme", "/preferences/rail", "/buckets/{name}/lock/enable", "/buckets/{name}/events/{rule}/remove",
    "/buckets/{name}/events/{rule}/again", "/buckets/{name}/events/{rule}/given-up", "/buckets/{name}/events/{rule}/log/{number}", "/buckets/{name}/events/{rule}/test", "/buckets/{name}/file/hold",
    "/buckets/{name}/file/restore", "/buckets/{name}/file/hide", "/buckets/{name}/file/unhide", "/buckets/{name}/file/delete",
    "/buckets/{name}/shares/revoke", "/replication/targets/{target}/remove", "/buckets/{name}/replication/retry",
    "/buckets/{name}/replication/{rule}/pause", "/buckets/{name}/replication/{rule}/resume",
    "/buckets/{name}/replication/{rule}/remove", "/keys/master", "/keys/{key_id}/rotate", "/keys/{key_id}/delete",
    "/settings/sessions/end-others", "/settings/sessions/{session_id}/end", "/settings/two-factor/browsers",
    "/operator/accounts/{account_id:str}/suspend", "/operator/accounts/{account_id:str}/resume",
    "/operator/accounts/{account_id:str}/second-factor", "/operator/accounts/{account_id:str}/operator",
    "/operator/accounts/{account_id:str}/lift-trial",
    "/operator/invitations/{invitation_id}/take-back", "/jobs/{job_id}/pause", "/jobs/{job_id}/resume", "/jobs/{job_id}/cancel",
    "/buckets/{name}/rewind", "/snapshots/{snapshot_id}/delete",
}  # fmt: skip
SELECTIONS = {
    "/buckets/{name}/selection/" + deed
    for deed in ("zip", "confirm-delete", "delete", "undo-hiding", "hold", "unhide", "snapshot")
}
SCRIPTS = {
    "/settings/passkeys/new",
    "/settings/passkeys/options",
    "/sign-in/passkey",
    "/sign-in/passkey/options",
    *(
        "/buckets/{name}/uploads/" + call
        for call in ("look", "address", "start", "part-address", "parts", "finish", "cancel")
    ),
}
NEVER_REFUSED = BUTTONS | SELECTIONS | SCRIPTS
