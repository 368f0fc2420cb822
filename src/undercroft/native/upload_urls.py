"""The URLs that uploads are sent to: each is bound to its token by its path, and used by one client at a time."""

from __future__ import annotations

from undercroft.http.upload_calls import call_path
from undercroft.native.call import Answer, Call


async def upload_target(call: Call, operation: str, subject_id: str) -> Answer:
    """A fresh upload URL under the call's own version, and the token that works nowhere else.

    `subject_id` is the bucket's or the large file's id.
    """
    base = call_path(call.version.name, operation)
    address = await call.store.identity.upload_address(call.principal, base, subject_id)
    return {"authorizationToken": address.token, "uploadUrl": call.origin + address.path}
