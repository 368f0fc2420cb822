"""Wrapping secrets with the master key.

A wrapped secret is a version byte, four bytes that tell which master key it is under, a random nonce of 12 bytes, and the
ciphertext with its tag. Its context (what the secret belongs to) is authenticated, so that a wrapped secret moved to another
row does not open. Version 1, of the first releases, did not say which key.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from undercroft.keyring.master_keys import KeySource

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_BYTES = 4
_VERSION_1 = b"\x01"
_VERSION_2 = b"\x02"
_HEAD_BYTES = 1 + KEY_ID_BYTES


class KeyringError(Exception):
    """The master key is missing, unreadable or wrong for this data."""


class _Keys(NamedTuple):
    head: bytes  # What begins everything that the current key wraps.
    current: AESGCM
    by_id: dict[bytes, AESGCM]


class Keyring:
    """Wraps and unwraps secrets with the master key. Safe for many threads."""

    def __init__(self, *master_keys: bytes, source: KeySource | None = None) -> None:
        """`master_keys`, the current one first, are what `source` read, which is asked again by `reload`."""
        self.source = source
        self._keys = _keys(master_keys)

    @property
    def current_id(self) -> str:
        """What tells the current key from others, in hex: no secret."""
        return self._keys.head[1:].hex()

    @property
    def key_ids(self) -> list[str]:
        """The same of every key, the current one first."""
        return [key_id.hex() for key_id in self._keys.by_id]

    @property
    def is_rotating(self) -> bool:
        """Whether there is an older key, under which something may still be wrapped."""
        return len(self._keys.by_id) > 1

    def reload(self) -> None:
        """Read the keys again, which another process may have changed. Raises `KeyringError`."""
        if self.source is not None:
            self._keys = _keys(self.source.read())

    def wrap(self, secret: bytes, context: str) -> bytes:
        """Encrypt a secret for storage. The same context must be given to unwrap it.

        Whatever a transaction stores must be wrapped in it, after its judgement: so nothing comes under an old key once
        every process has been told of the new one.
        """
        keys = self._keys
        nonce = os.urandom(NONCE_BYTES)
        return keys.head + nonce + keys.current.encrypt(nonce, secret, context.encode())

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Decrypt a stored secret. Raises `KeyringError` for another master key, another context or damage."""
        if wrapped[:1] == _VERSION_2:
            cipher = self._cipher_of(wrapped[1:_HEAD_BYTES])
            return _opened([cipher], wrapped[_HEAD_BYTES:], context)
        if wrapped[:1] == _VERSION_1:
            return _opened(self._keys.by_id.values(), wrapped[1:], context)
        raise KeyringError("A stored secret has an unknown form.")

    def has_wrapped(self, wrapped: bytes) -> bool:
        """Whether this is a secret under a master key, and not one under a customer's own."""
        return wrapped[:1] in (_VERSION_1, _VERSION_2)

    def is_current(self, wrapped: bytes) -> bool:
        """Whether the secret is wrapped under the current key."""
        return wrapped.startswith(self._keys.head)

    def rewrap(self, wrapped: bytes, context: str) -> bytes:
        """The same secret under the current key. Raises what `unwrap` raises."""
        return wrapped if self.is_current(wrapped) else self.wrap(self.unwrap(wrapped, context), context)

    def _cipher_of(self, key_id: bytes) -> AESGCM:
        cipher = self._keys.by_id.get(key_id)
        if cipher is None:
            self.reload()
            cipher = self._keys.by_id.get(key_id)
        if cipher is None:
            raise KeyringError(
                f"The master key does not open this data's secrets: they are under key {key_id.hex()}, and what is given"
                f" is key {' and '.join(self.key_ids)}."
            )
        return cipher


def key_id_of(master_key: bytes) -> bytes:
    """What tells this key from others. A digest of 256 random bits says nothing about them."""
    return hashlib.sha256(b"undercroft master key\n" + master_key).digest()[:KEY_ID_BYTES]


def _keys(master_keys: Sequence[bytes]) -> _Keys:
    if not master_keys or any(len(key) != KEY_BYTES for key in master_keys):
        raise KeyringError(f"The master key must have {KEY_BYTES} bytes.")
    by_id = {key_id_of(key): AESGCM(key) for key in master_keys}
    key_id, current = next(iter(by_id.items()))
    return _Keys(_VERSION_2 + key_id, current, by_id)


def _opened(ciphers: Iterable[AESGCM], wrapped: bytes, context: str) -> bytes:
    nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
    for cipher in ciphers:
        try:
            return cipher.decrypt(nonce, sealed, context.encode())
        except InvalidTag:
            continue
    raise KeyringError("The master key does not open this data's secrets.")
