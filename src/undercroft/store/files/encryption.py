"""Server-side encryption of files (B2 Native API reference, section 15): whose key, and whether that fits.

Every blob has a data key of its own, which its extent row holds wrapped: under the master key (SSE-B2), or under the key
that the customer brings along with each request (SSE-C). Of the latter only the MD5 is kept, which its owner gets to see
again and which tells a wrong key apart; in the end it is the unwrapping that shows a key to be right.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from abc import ABC, abstractmethod

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from undercroft import limits
from undercroft.blobs.sealing import DATA_KEY_BYTES, NONCE_BYTES, seal, unseal
from undercroft.catalog import extents
from undercroft.catalog.contract import Transaction
from undercroft.catalog.extents import ExtentRow, WrappedKey
from undercroft.keyring import KEY_BYTES, Keyring, KeyringError
from undercroft.store.errors import (
    DataCorrupt,
    EncryptionMismatch,
    InvalidRequest,
    MissingCustomerKey,
    NeedlessCustomerKey,
    StorageFailed,
    WrongCustomerKey,
)
from undercroft.store.model import SSE_B2, SSE_C, Bucket, CustomerKey, Encryption

ALGORITHM = "AES256"
CUSTOMER_KEY_BYTES = KEY_BYTES
NO_ENCRYPTION = "none"
_BY_CUSTOMER = b"\x80"  # Begins what a customer's key wraps; the keyring's versions are below.
_OF_SERVICE = Encryption(SSE_B2)


class Sealing(ABC):
    """The data keys of files that are encrypted in one way: made for new bytes, and unwrapped for those that are there."""

    encryption: Encryption

    def new_key(self) -> bytes:
        """A data key for one blob, and for nothing else."""
        return os.urandom(DATA_KEY_BYTES)

    @abstractmethod
    def seal(self, data: bytes) -> tuple[bytes, bytes]:
        """The data as a row keeps it, and its data key."""

    @abstractmethod
    def unseal(self, extent: ExtentRow) -> bytes:
        """The data of a row. Raises what `data_key` raises, and `NotSealed`."""

    @abstractmethod
    def wrap(self, data_key: bytes, blob_id: bytes | None) -> bytes:
        """The data key as its extent row keeps it; within the transaction (see `Keyring.wrap`)."""

    @abstractmethod
    def data_key(self, extent: ExtentRow) -> bytes:
        """The data key of an extent. Raises `WrongCustomerKey`, `DataCorrupt`, `StorageFailed`."""

    @abstractmethod
    def shares_with(self, other: Sealing | None) -> bool:
        """Whether both have the same key, so that what is encrypted for one may serve the other."""


class ServiceSealing(Sealing):
    """Under the master key (SSE-B2). One a process.

    What lives in rows is small, and so would the work on it be, if each had a data key of its own: making, wrapping and
    unwrapping it cost several times the encrypting. So a data key serves for `limits.INLINE_KEY_USES` of them (decision 010).
    """

    encryption = _OF_SERVICE

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._key = b""
        self._wrapped_key = b"", b""  # A data key, and what it is wrapped as.
        self._cipher: AESGCM | None = None
        self._used = 0
        self._ciphers: dict[bytes, AESGCM] = {}  # Of data keys in rows, by what they are wrapped as.

    def seal(self, data: bytes) -> tuple[bytes, bytes]:
        """See `Sealing`."""
        cipher = self._cipher
        if cipher is None or self._used == limits.INLINE_KEY_USES:
            self._key, self._used = self.new_key(), 0
            self._cipher = cipher = AESGCM(self._key)
        self._used += 1
        return seal(cipher, self._used, data), self._key

    def unseal(self, extent: ExtentRow) -> bytes:
        """See `Sealing`."""
        cipher = self._ciphers.get(extent.wrapped_key or b"")
        if cipher is None:
            cipher = AESGCM(self.data_key(extent))
            if len(self._ciphers) >= limits.INLINE_KEYS_REMEMBERED:
                self._ciphers.clear()
            self._ciphers[extent.wrapped_key or b""] = cipher
        return unseal(cipher, extent.inline or b"")

    def wrap(self, data_key: bytes, blob_id: bytes | None) -> bytes:
        """See `Sealing`."""
        if blob_id is not None:
            return self._keyring.wrap(data_key, context_of(blob_id))
        before, wrapped = self._wrapped_key
        if before != data_key or not self._keyring.is_current(wrapped):
            wrapped = self._keyring.wrap(data_key, context_of(None))
            self._wrapped_key = data_key, wrapped  # Both at once: this runs in the thread that writes.
        return wrapped

    def data_key(self, extent: ExtentRow) -> bytes:
        """See `Sealing`."""
        if extent.wrapped_key is None or not self._keyring.has_wrapped(extent.wrapped_key):
            raise DataCorrupt("An extent is not encrypted as its file is said to be.")
        try:
            return self._keyring.unwrap(extent.wrapped_key, context_of(extent.blob_id))
        except KeyringError as error:
            raise StorageFailed(str(error)) from error

    def shares_with(self, other: Sealing | None) -> bool:
        """See `Sealing`."""
        return isinstance(other, ServiceSealing)


class CustomerSealing(Sealing):
    """Under the key of a customer (SSE-C), as long as a request lasts."""

    def __init__(self, customer: CustomerKey) -> None:
        self._customer = customer
        self._cipher = AESGCM(customer.key)
        self.encryption = Encryption(SSE_C, customer.md5)

    def seal(self, data: bytes) -> tuple[bytes, bytes]:
        """See `Sealing`."""
        key = self.new_key()
        return seal(AESGCM(key), 0, data), key

    def unseal(self, extent: ExtentRow) -> bytes:
        """See `Sealing`."""
        return unseal(AESGCM(self.data_key(extent)), extent.inline or b"")

    def wrap(self, data_key: bytes, blob_id: bytes | None) -> bytes:
        """See `Sealing`."""
        nonce = os.urandom(NONCE_BYTES)
        return _BY_CUSTOMER + nonce + self._cipher.encrypt(nonce, data_key, context_of(blob_id).encode())

    def data_key(self, extent: ExtentRow) -> bytes:
        """See `Sealing`."""
        wrapped = extent.wrapped_key
        if wrapped is None or not wrapped.startswith(_BY_CUSTOMER):
            raise DataCorrupt("An extent is not encrypted as its file is said to be.")
        try:
            nonce, sealed = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
            return self._cipher.decrypt(nonce, sealed, context_of(extent.blob_id).encode())
        except (InvalidTag, ValueError) as error:
            raise WrongCustomerKey("Access Denied") from error

    def shares_with(self, other: Sealing | None) -> bool:
        """See `Sealing`."""
        if not isinstance(other, CustomerSealing):
            return False
        return hmac.compare_digest(self._customer.key, other._customer.key)


class Sealings:
    """Decides how files are encrypted, and with which key they open."""

    def __init__(self, keyring: Keyring, default_encryption: str | None) -> None:
        """`default_encryption` is the mode of new files in buckets that were never told one."""
        self._keyring = keyring
        self._default = default_encryption
        self._of_service = ServiceSealing(keyring)

    def of_new(self, asked: CustomerKey | str | None, bucket: Bucket) -> Sealing | None:
        """How a new file is encrypted that asks for this, or else follows its bucket. Raises `InvalidRequest`."""
        if isinstance(asked, CustomerKey):
            return CustomerSealing(asked)
        if asked == NO_ENCRYPTION and self._default is None:
            asked = None
        if asked not in (None, SSE_B2):
            raise InvalidRequest(f"Invalid encryption mode: {asked[:100]}", "serverSideEncryption")
        return self._of_service if (asked or self.default_of(bucket)) == SSE_B2 else None

    def default_of(self, bucket: Bucket) -> str | None:
        """The mode of files that ask for none: SSE-B2, or None."""
        return bucket.encryption or self._default

    def check_default(self, mode: str | None) -> str | None:
        """The mode to keep for a bucket of which this is asked; None: what the service does. Raises `InvalidRequest`.

        `none` is the old word for it, which is refused where it would promise what it does not bring.
        """
        if mode == NO_ENCRYPTION and self._default is None:
            return None
        if mode not in (None, SSE_B2):
            raise InvalidRequest(f"Invalid default encryption mode: {mode[:100]}", "defaultServerSideEncryption")
        return mode

    def of_file(self, encryption: Encryption | None, customer: CustomerKey | None) -> Sealing | None:
        """How to open a file that is encrypted so.

        Raises `MissingCustomerKey`, `WrongCustomerKey` and `NeedlessCustomerKey`.
        """
        if encryption is None or encryption.mode != SSE_C:
            if customer is not None:
                raise NeedlessCustomerKey("The file is not encrypted with a customer's key.")
            return None if encryption is None else self._of_service
        if customer is None:
            raise MissingCustomerKey
        if not hmac.compare_digest(customer.md5, encryption.key_md5 or ""):
            raise WrongCustomerKey("Access Denied")
        return CustomerSealing(customer)

    def of_part(self, encryption: Encryption | None, asked: CustomerKey | str | None) -> Sealing | None:
        """How a part is encrypted, which is as its large file. A customer's key has to come with each.

        Raises `EncryptionMismatch` where the part asks for something else.
        """
        mode = None if encryption is None else encryption.mode
        if isinstance(asked, CustomerKey):
            if encryption is None or asked.md5 != encryption.key_md5:
                raise EncryptionMismatch("The provided encryption parameters did not match the ones used originally.")
            return CustomerSealing(asked)
        if mode == SSE_C or asked not in (None, mode):
            raise EncryptionMismatch(
                "The large file was started with other encryption parameters, which each part must repeat."
            )
        return None if mode is None else self._of_service

    async def renew(self, tx: Transaction, bucket_id: str, handle: int) -> None:
        """See to it that no extent of the target, which was given extents that were there before, is under an old key.

        While the master key is being changed, a walk rewraps all; what is copied or moved behind its back would escape it.
        """
        if self._keyring.is_rotating:
            await rewrap(tx, self._keyring, await extents.wrapped_keys_of(tx, bucket_id, handle))


def customer_key(algorithm: str | None, key: str | None, md5: str | None) -> CustomerKey:
    """The key that a request describes by these three, of which two are base64. Raises `InvalidRequest`.

    The texts are in no message.
    """
    if algorithm != ALGORITHM:
        raise InvalidRequest(f"The algorithm of a customer's key must be {ALGORITHM}.", "algorithm")
    raw, digest = _decoded(key, "customerKey"), _decoded(md5, "customerKeyMd5")
    if len(raw) != CUSTOMER_KEY_BYTES:
        raise InvalidRequest(f"A customer's key must be the base64 of {CUSTOMER_KEY_BYTES} bytes.", "customerKey")
    if not hmac.compare_digest(hashlib.md5(raw, usedforsecurity=False).digest(), digest):
        raise InvalidRequest("The MD5 given for the customer's key is not that of the key.", "customerKeyMd5")
    return CustomerKey(raw, base64.b64encode(digest).decode())


def encryption_text(sealing: Sealing | None) -> str | None:
    """The catalog column of how a file is encrypted."""
    if sealing is None:
        return None
    md5 = sealing.encryption.key_md5
    return SSE_B2 if md5 is None else f"{SSE_C} {md5}"


def encryption_of(text: str) -> Encryption:
    """The other way round."""
    return _OF_SERVICE if text == SSE_B2 else Encryption(SSE_C, text.removeprefix(SSE_C + " "))


def context_of(blob_id: bytes | None) -> str:
    """What a wrapped data key belongs to: a blob, or the bytes beside it in its row."""
    return "data-key" if blob_id is None else "data-key:" + blob_id.hex()


async def rewrap(tx: Transaction, keyring: Keyring, keys: list[WrappedKey]) -> int:
    """Put those of the data keys under the current master key that are under an older one. Returns how many."""
    stale = [
        key._replace(wrapped_key=keyring.rewrap(key.wrapped_key, context_of(key.blob_id)))
        for key in keys
        if keyring.has_wrapped(key.wrapped_key) and not keyring.is_current(key.wrapped_key)
    ]
    await extents.set_wrapped_keys(tx, stale)
    return len(stale)


def _decoded(text: str | None, field: str) -> bytes:
    try:
        if text is not None and len(text) <= limits.CUSTOMER_KEY_TEXT_MAX_LENGTH:
            return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise InvalidRequest(f"{field} must be given, in base64.", field)
