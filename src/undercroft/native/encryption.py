"""Server-side encryption in requests and answers (reference, 7.4 and section 15)."""

from __future__ import annotations

from typing import Any

import msgspec

from undercroft.http.request import Request
from undercroft.http.response import Headers
from undercroft.native.errors import BadRequest
from undercroft.store.buckets.base import EncryptionChange
from undercroft.store.files.encryption import ALGORITHM, customer_key
from undercroft.store.model import SSE_B2, SSE_C, CustomerKey, Encryption

Shape = dict[str, Any]

HEADER = "X-Bz-Server-Side-Encryption"
ALGORITHM_HEADER = "X-Bz-Server-Side-Encryption-Customer-Algorithm"
KEY_HEADER = "X-Bz-Server-Side-Encryption-Customer-Key"
MD5_HEADER = "X-Bz-Server-Side-Encryption-Customer-Key-Md5"
_HEADER = HEADER.lower().encode("ascii")
_CUSTOMER = tuple(name.lower().encode("ascii") for name in (ALGORITHM_HEADER, KEY_HEADER, MD5_HEADER))
_EVERY_HEADER = frozenset((_HEADER, *_CUSTOMER))

# A list answers ten thousand rows at once, so that the same objects serve for all of them.
_NONE: Shape = {"algorithm": None, "mode": None}
_OF_SERVICE: Shape = {"algorithm": ALGORITHM, "mode": SSE_B2}
_OF_SERVICE_HEADERS: Headers = [(_HEADER, ALGORITHM.encode("ascii"))]


class EncryptionSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Server-side encryption as bodies name it."""

    mode: str | None = None
    algorithm: str | None = None
    customer_key: str | None = None
    customer_key_md5: str | None = None

    def __repr__(self) -> str:
        return f"EncryptionSetting({self.mode!r})"  # A key may be in it (P8).


def asked_of_body(field: str, setting: EncryptionSetting | None) -> CustomerKey | str | None:
    """What a body asks for a new file, None where it leaves that to the bucket. Raises `BadRequest`, `InvalidRequest`."""
    if setting is None:
        return None
    if setting.mode == SSE_C:
        return customer_key(setting.algorithm, setting.customer_key, setting.customer_key_md5)
    if setting.customer_key is not None or setting.customer_key_md5 is not None:
        raise BadRequest(f"{field} has a customer's key, and its mode is not {SSE_C}")
    if setting.algorithm != (ALGORITHM if setting.mode == SSE_B2 else None):
        raise BadRequest(f"{field} has an algorithm that does not go with its mode: the one there is is {ALGORITHM}")
    return setting.mode


def key_of_body(field: str, setting: EncryptionSetting | None) -> CustomerKey | None:
    """The customer's key with which a body says that a source opens. Raises `BadRequest`, `InvalidRequest`."""
    asked = asked_of_body(field, setting)
    return asked if isinstance(asked, CustomerKey) else None


def bucket_encryption_change(setting: EncryptionSetting | None) -> EncryptionChange | None:
    """The change that a bucket's body asks for. Raises `BadRequest`."""
    if setting is None:
        return None
    if setting.mode == SSE_C:
        raise BadRequest(f"defaultServerSideEncryption must not be {SSE_C}: there is nobody to bring the key")
    asked = asked_of_body("defaultServerSideEncryption", setting)
    assert not isinstance(asked, CustomerKey)
    return EncryptionChange(asked)


def asked_of_headers(request: Request) -> CustomerKey | str | None:
    """What the headers of an upload ask for, None where they leave it to the bucket or the large file.

    Raises `BadRequest` and `InvalidRequest`.
    """
    headers = request.header_map
    if _EVERY_HEADER.isdisjoint(headers):
        return None
    if _HEADER not in headers:
        return _customer_key(request)
    if len(_EVERY_HEADER.intersection(headers)) > 1:
        raise BadRequest(f"{HEADER} and a customer's key must not be given together")
    if request.header(HEADER.lower()) != ALGORITHM:
        raise BadRequest(f"{HEADER} must be {ALGORITHM}")
    return SSE_B2


def key_of_headers(request: Request) -> CustomerKey | None:
    """The customer's key that a download brings. Raises `BadRequest` and `InvalidRequest`."""
    headers = request.header_map
    if _EVERY_HEADER.isdisjoint(headers):
        return None
    if _HEADER in headers:
        raise BadRequest(f"{HEADER} is for uploads")
    return _customer_key(request)


def _customer_key(request: Request) -> CustomerKey:
    texts = [request.header_map.get(name) for name in _CUSTOMER]
    return customer_key(*(None if text is None else text.decode("latin-1").strip() for text in texts))


def encryption_shape(encryption: Encryption | None) -> Shape:
    """The member `serverSideEncryption`."""
    if encryption is None:
        return _NONE
    if encryption.key_md5 is None:
        return _OF_SERVICE
    return {"algorithm": ALGORITHM, "customerKeyMd5": encryption.key_md5, "mode": SSE_C}


def bucket_encryption_shape(mode: str | None) -> Shape:
    """The value of `defaultServerSideEncryption`."""
    return _NONE if mode is None else _OF_SERVICE


def encryption_headers(encryption: Encryption | None) -> Headers:
    """The headers of a download that tell how the file is encrypted."""
    if encryption is None:
        return []
    if encryption.key_md5 is None:
        return _OF_SERVICE_HEADERS
    return [(_CUSTOMER[0], ALGORITHM.encode("ascii")), (_CUSTOMER[2], encryption.key_md5.encode("ascii"))]
