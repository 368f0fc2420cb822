"""What clients may ask for and this server does not do: encryption.

Asking for one of them is refused by name, since a file that its owner believes encrypted, and is not, is worse than an
error. The forms that ask for nothing (null, `none`) pass.
"""

from __future__ import annotations

import msgspec

from undercroft.http.request import Request
from undercroft.native.errors import BadRequest


class Encryption(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Server-side encryption as requests name it."""

    mode: str | None = None
    algorithm: str | None = None
    customer_key: str | None = None
    customer_key_md5: str | None = None


def _refused(what: str) -> BadRequest:
    return BadRequest(f"{what} is not supported by this server")


def refuse_encryption(field: str, encryption: Encryption | None) -> None:
    """Refuse an encryption setting other than none. Raises `BadRequest`."""
    if encryption is None:
        return
    if encryption.mode not in {None, "none"} or encryption.algorithm is not None or encryption.customer_key is not None:
        raise _refused(f"{field} with mode {encryption.mode}")


# Request headers whose presence asks for something this server does not do.
_HEADERS: dict[bytes, str] = {
    name.lower().encode("ascii"): name
    for name in (
        "X-Bz-Server-Side-Encryption",
        "X-Bz-Server-Side-Encryption-Customer-Algorithm",
        "X-Bz-Server-Side-Encryption-Customer-Key",
        "X-Bz-Server-Side-Encryption-Customer-Key-Md5",
    )
}


def refuse_headers(request: Request) -> None:
    """Refuse the encryption headers of uploads and downloads. Raises `BadRequest`."""
    headers = request.header_map
    for name in _HEADERS.keys() & headers.keys():
        raise _refused(f"The header {_HEADERS[name]}")
