"""Downloading a file that only its customer's key opens (SSE-C): the key comes with a form, lives as long as the answer, and is written nowhere (P8).

The bytes come from here and not from the API's address, since no link may have the key in it and no form can send it as a header. They are
nothing but a download: of no type that a browser would show, and without any rights if it did.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator

from starlette.responses import Response

from undercroft.console.files.addresses import disposition
from undercroft.console.files.details import details_of, version_asked
from undercroft.console.files.places import files_path, folder_of
from undercroft.console.languages import _
from undercroft.console.problems import beside
from undercroft.console.streamed import Streamed
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest, NeedlessCustomerKey, WrongCustomerKey
from undercroft.store.files.encryption import ALGORITHM, CUSTOMER_KEY_BYTES, customer_key
from undercroft.store.model import Action, CustomerKey

_HEADERS = {"content-security-policy": "default-src 'none'; sandbox", "x-content-type-options": "nosniff"}
_FIELD = "customer_key"


async def download(visit: Visit) -> Response:
    """The file, if this is its key; else its page again, with what is wrong."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    if version.action is not Action.UPLOAD:
        return visit.redirect(files_path(bucket, folder_of(version.name)))
    try:
        key_id = visit.principal.key_of(version.account_id)
        body = await visit.store.files.read(version, 0, version.size, _key_of(visit.field(_FIELD)), key_id)
    except WrongCustomerKey:
        return await details_of(visit, bucket, version, {_FIELD: _("This is another key than the file's.")})
    except NeedlessCustomerKey:
        return visit.redirect(f"/buckets/{bucket.name}/file", id=str(version.file_id))
    except InvalidRequest as error:
        return await details_of(visit, bucket, version, beside(error, {}, _FIELD))
    headers = {**_HEADERS, "content-disposition": disposition(version.name), "content-length": str(version.size)}
    if isinstance(body, bytes):
        return Response(body, headers=headers, media_type="application/octet-stream")
    return Streamed(_as_bytes(body), "application/octet-stream", headers, body.aclose)


def _key_of(text: str) -> CustomerKey:
    """The key that somebody typed: the base64 of 32 bytes, or 32 characters that are the bytes themselves, which rclone takes too.

    Raises `InvalidRequest`, without the text in it.
    """
    raw = text.strip().encode()
    if len(raw) != CUSTOMER_KEY_BYTES:
        try:
            raw = base64.b64decode(raw, validate=True)
        except binascii.Error:
            raw = b""
    if len(raw) != CUSTOMER_KEY_BYTES:
        raise InvalidRequest(
            _(
                "A key is %(number)s bytes: in base64 (44 characters), or as %(number)s characters.",
                number=CUSTOMER_KEY_BYTES,
            )
        )
    digest = hashlib.md5(raw, usedforsecurity=False).digest()
    return customer_key(ALGORITHM, base64.b64encode(raw).decode(), base64.b64encode(digest).decode())


async def _as_bytes(body: AsyncIterator[bytes | bytearray]) -> AsyncIterator[bytes]:
    """The blocks as the framework takes them."""
    async for block in body:
        yield bytes(block)
