"""The master key and what it wraps: every stored secret is encrypted under it (AES-256-GCM).

The key comes from a variable or from a file with mode 0600, which the first start makes. A wrapped secret is a version
byte, a 12-byte random nonce, and the ciphertext with its tag; its context (what the secret belongs to) is authenticated, so
that a wrapped secret moved to another row does not open.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
_VERSION = b"\x01"


class KeyringError(Exception):
    """The master key is missing, unreadable or wrong for this data."""


class Keyring:
    """Wraps and unwraps secrets with the master key."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise KeyringError(f"The master key must have {KEY_BYTES} bytes.")
        self._cipher = AESGCM(master_key)

    def wrap(self, secret: bytes, context: str) -> bytes:
        """Encrypt a secret for storage. The same context must be given to unwrap it."""
        nonce = os.urandom(NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret, context.encode())

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Decrypt a stored secret. Raises `KeyringError` for another master key, another context or damage."""
        if wrapped[:1] != _VERSION:
            raise KeyringError("A stored secret has an unknown form.")
        nonce, sealed = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, sealed, context.encode())
        except InvalidTag as error:
            raise KeyringError("The master key does not open this data's secrets.") from error


def load_or_create(path: Path, *, encoded: str | None = None) -> Keyring:
    """The keyring of a data directory.

    `encoded`, the base64 of 32 bytes (`UNDERCROFT_MASTER_KEY`), wins over the file. A missing file is made with mode
    0600 and synced before it is used; a file that others may read is refused.
    """
    if encoded is not None:
        return Keyring(_decode(encoded))
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        _create(path)
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise KeyringError(f"The master key file {path} must not be readable by others (chmod 600).")
        return Keyring(_decode(file.read().decode("ascii", "replace")))


def _create(path: Path) -> None:
    """Write a new master key under a temporary name, sync it, and only then give it its own."""
    temporary = path.with_suffix(".new")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _decode(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeyringError("The master key is not base64.") from error
