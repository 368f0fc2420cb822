"""Customers' keys, as requests of each face carry them."""

from __future__ import annotations

import base64
import hashlib
from typing import NamedTuple

from undercroft.store.model import CustomerKey

_NATIVE = "X-Bz-Server-Side-Encryption-Customer-"
_S3 = "x-amz-server-side-encryption-customer-"


class AKey(NamedTuple):
    """A key of 32 bytes."""

    key: bytes

    @property
    def text(self) -> str:
        """The key in base64."""
        return base64.b64encode(self.key).decode()

    @property
    def md5(self) -> str:
        """The MD5 of its bytes in base64."""
        return base64.b64encode(hashlib.md5(self.key, usedforsecurity=False).digest()).decode()

    @property
    def store(self) -> CustomerKey:
        """As the store takes it."""
        return CustomerKey(self.key, self.md5)

    @property
    def native(self) -> dict[str, str]:
        """The headers of the native face."""
        return {f"{_NATIVE}Algorithm": "AES256", f"{_NATIVE}Key": self.text, f"{_NATIVE}Key-Md5": self.md5}

    @property
    def body(self) -> dict[str, str]:
        """The member of the native face's bodies."""
        return {"mode": "SSE-C", "algorithm": "AES256", "customerKey": self.text, "customerKeyMd5": self.md5}

    @property
    def s3(self) -> dict[str, str]:
        """The headers of S3."""
        return {f"{_S3}algorithm": "AES256", f"{_S3}key": self.text, f"{_S3}key-md5": self.md5}

    @property
    def s3_source(self) -> dict[str, str]:
        """The headers of S3 for the source of a copy."""
        return {name.replace("x-amz-", "x-amz-copy-source-"): value for name, value in self.s3.items()}


KEY, OTHER_KEY = AKey(bytes(range(32))), AKey(bytes(range(32, 64)))
