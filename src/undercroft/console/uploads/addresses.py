"""Where the page sends bytes: an address of the API and the token that works there alone."""

from __future__ import annotations

import msgspec

from undercroft.console.visit import Visit
from undercroft.http.upload_calls import call_path

_VERSION = "v4"


class Address(msgspec.Struct):
    """An address for one upload at a time. It may be used again after each."""

    url: str
    token: str


async def new_address_for(visit: Visit, call: str, subject_id: str) -> Address:
    """A new address of a bucket or a large file, whose id is `subject_id`. Whether the visitor may upload there was asked before."""
    made = await visit.store.identity.upload_address(visit.principal, call_path(_VERSION, call), subject_id)
    return Address(visit.api_origin + made.path, made.token)
