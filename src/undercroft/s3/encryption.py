"""Server-side encryption in the headers of S3 (reference, 1.10)."""

from __future__ import annotations

from collections.abc import Mapping

from undercroft.http.response import Headers
from undercroft.s3.errors import S3Error
from undercroft.store.files.encryption import ALGORITHM, customer_key
from undercroft.store.model import SSE_B2, CustomerKey, Encryption

_MODE = b"x-amz-server-side-encryption"
_CUSTOMER = tuple(b"x-amz-server-side-encryption-customer-" + name for name in (b"algorithm", b"key", b"key-md5"))
_SOURCE = tuple(name.replace(b"x-amz-", b"x-amz-copy-source-") for name in _CUSTOMER)
_EVERY = frozenset((_MODE, *_CUSTOMER))
_OF_SERVICE: Headers = [(_MODE, ALGORITHM.encode("ascii"))]


def asked_encryption(headers: Mapping[bytes, bytes]) -> CustomerKey | str | None:
    """What a request asks for what it stores; None where it leaves that to the bucket, or to the upload of the part.

    Raises `InvalidArgument`, `InvalidEncryptionAlgorithmError` and the store's `InvalidRequest`.
    """
    if _EVERY.isdisjoint(headers):
        return None
    if _MODE not in headers:
        return _key(headers, _CUSTOMER)
    if not set(_CUSTOMER).isdisjoint(headers):
        raise _invalid_mode(
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified"
        )
    if headers[_MODE].strip() != ALGORITHM.encode("ascii"):
        raise _invalid_mode("The encryption method specified is not supported")
    return SSE_B2


def customer_key_of(headers: Mapping[bytes, bytes]) -> CustomerKey | None:
    """The customer's key that a request for bytes brings. Raises as `asked_encryption`."""
    if _EVERY.isdisjoint(headers):
        return None
    if _MODE in headers:
        raise _invalid_mode("x-amz-server-side-encryption header is not supported for this operation.")
    return _key(headers, _CUSTOMER)


def source_key_of(headers: Mapping[bytes, bytes]) -> CustomerKey | None:
    """The customer's key with which the source of a copy opens. Raises as `asked_encryption`."""
    return None if set(_SOURCE).isdisjoint(headers) else _key(headers, _SOURCE)


def encryption_headers(encryption: Encryption | None) -> Headers:
    """The headers that tell how an object is encrypted."""
    if encryption is None:
        return []
    if encryption.key_md5 is None:
        return _OF_SERVICE
    return [(_CUSTOMER[0], ALGORITHM.encode("ascii")), (_CUSTOMER[2], encryption.key_md5.encode("ascii"))]


def _key(headers: Mapping[bytes, bytes], names: tuple[bytes, ...]) -> CustomerKey:
    texts = [headers[name].decode("latin-1").strip() if name in headers else None for name in names]
    if texts[0] is not None and texts[0] != ALGORITHM:
        raise S3Error("InvalidEncryptionAlgorithmError")
    return customer_key(*texts)


def _invalid_mode(message: str) -> S3Error:
    return S3Error("InvalidArgument", message, extras={"ArgumentName": _MODE.decode("ascii")})
