"""b2_get_download_authorization: a token that reads by name in one bucket, under one prefix (reference, 8.14)."""

from __future__ import annotations

from undercroft.native.call import Answer, Call
from undercroft.native.response_overrides import Overrides


class GetDownloadAuthorization(Overrides, kw_only=True):
    """The body of `b2_get_download_authorization`."""

    bucket_id: str
    file_name_prefix: str
    valid_duration_in_seconds: int


async def get_download_authorization(call: Call, body: GetDownloadAuthorization) -> Answer:
    """Issue the token. Overrides given here must be repeated word for word by every download that uses it."""
    overrides = body.checked()
    token = await call.store.identity.download_grant(
        call.principal, body.bucket_id, body.file_name_prefix, body.valid_duration_in_seconds, overrides
    )
    return {"authorizationToken": token, "bucketId": body.bucket_id, "fileNamePrefix": body.file_name_prefix}
