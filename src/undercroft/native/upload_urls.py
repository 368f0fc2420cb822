"""The URLs that uploads are sent to: each is bound to its token by its path, and used by one client at a time."""

from __future__ import annotations

import secrets

from undercroft.native.call import Answer, Call
from undercroft.store import ids

UPLOAD_FILE = "b2_upload_file"
UPLOAD_PART = "b2_upload_part"


async def upload_target(call: Call, operation: str, subject_id: str) -> Answer:
    """A fresh upload URL under the call's own version, and the token that works nowhere else.

    `subject_id` is the bucket's or the large file's id. The end of the path is random, so that two URLs of one bucket
    never share a token.
    """
    end = f"c{ids.CLUSTER}_v{ids.VAULT}_t{ids.TOME}_{secrets.token_hex(8)}"
    path = f"/b2api/{call.version.name}/{operation}/{subject_id}/{end}"
    token = await call.store.identity.upload_token(call.principal, path)
    return {"authorizationToken": token, "uploadUrl": call.origin + path}
