"""Tokens: signed, not stored, so any node takes what any other issued.

    4_<key id>_<issued: 8 hex, seconds>_<signing key: 6 hex>_<acct|upld|dnld|know>[_<payload>]_<signature>

The signature is HMAC-SHA-256 cut to 160 bits, over everything before it and over what the token is bound to but does not
carry (the secret of the key, the path of an upload URL). Signing keys are rows, wrapped by the master key and changed every 30 days. Base64 here uses
`-` and `.`, so that a token needs no escaping in a header or URL and `_` separates.

What a clock issued that was ahead and has been set back would live until then. So a token of the future is refused as an
expired one is, which tells clients to ask for a new one, and a signing key of the future is changed at once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Literal, NamedTuple

from undercroft import limits
from undercroft.catalog import keys as key_rows
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.keys import SigningKeyRow
from undercroft.keyring import Keyring
from undercroft.store.ambient import Ambient
from undercroft.store.errors import BadToken, ExpiredToken
from undercroft.store.gate import Gate

Kind = Literal["acct", "upld", "dnld", "know"]
SIGNATURE_BYTES = 20
SECRET_BYTES = 32
_ALPHABET = b"-."
_FIELDS_MAX_LENGTH = 40  # "4_", a key id of at most 25 characters and "_"; what is longer is no key id.


class Claim(NamedTuple):
    """What a genuine token says."""

    key_id: str
    kind: str
    issued_s: int
    payload: bytes


class Tokens:
    """Issues and checks tokens with the installation's signing keys."""

    def __init__(self, catalog: Catalog, gate: Gate, keyring: Keyring, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._keyring = keyring
        self._ambient = ambient
        self._secrets: dict[int, bytes] = {}
        self._newest: SigningKeyRow | None = None
        # What tokens say that have proven to be genuine, by token and bond: clients send each many times.
        self._genuine: dict[tuple[str, str], Claim] = {}

    async def issue(self, key_id: str, kind: Kind, *, payload: bytes = b"", bound_to: str = "") -> str:
        """A token for the holder of this key, good from now on."""
        now_s = self._ambient.now_ms() // 1000
        if self._newest is None or not _may_issue(self._newest, now_s):
            await self._rotate(now_s)
        assert self._newest is not None
        text = f"4_{key_id}_{now_s:08x}_{self._newest.signing_key_id:06x}_{kind}"
        if payload:
            text += "_" + base64.b64encode(payload, _ALPHABET).decode().rstrip("=")
        return f"{text}_{_sign(self._secrets[self._newest.signing_key_id], text, bound_to)}"

    async def check(self, token: str, kinds: tuple[Kind, ...], *, valid_s: int, bound_to: str = "") -> Claim:
        """What a token says, if this installation issued it for one of these uses. Raises `BadToken`, `ExpiredToken`."""
        claim = self._genuine.get((token, bound_to))
        if claim is None:
            claim = await self._proven(token, bound_to)
            if len(self._genuine) >= limits.TOKENS_REMEMBERED:
                self._genuine.clear()
            self._genuine[token, bound_to] = claim
        if claim.kind not in kinds:
            raise BadToken
        now_s = self._ambient.now_ms() // 1000
        if claim.issued_s + valid_s <= now_s or claim.issued_s > now_s + limits.CLOCK_SKEW_MAX_S:
            raise ExpiredToken("Authorization token has expired")
        return claim

    async def _proven(self, token: str, bound_to: str) -> Claim:
        """What a genuine token says. Raises `BadToken`."""
        text, _, signature = token.rpartition("_")
        fields = text.split("_")
        if len(fields) not in (5, 6) or fields[0] != "4" or not token.isascii():
            raise BadToken
        try:
            issued_s, signing_key_id = int(fields[2], 16), int(fields[3], 16)
            payload = base64.b64decode(fields[5] + "=" * (-len(fields[5]) % 4), _ALPHABET) if len(fields) == 6 else b""
        except (ValueError, binascii.Error):
            raise BadToken from None
        secret = self._secrets.get(signing_key_id)
        if secret is None:
            await self._load()
            secret = self._secrets.get(signing_key_id)
        if secret is None or not hmac.compare_digest(_sign(secret, text, bound_to), signature):
            raise BadToken
        return Claim(fields[1], fields[4], issued_s, payload)

    async def _load(self) -> None:
        self._genuine.clear()  # They live no longer than what is known of the keys that signed them.
        rows = await key_rows.signing_keys(self._catalog.rows)
        self._secrets = {
            row.signing_key_id: self._keyring.unwrap(row.wrapped_secret, signing_context(row.signing_key_id))
            for row in rows
        }
        self._newest = rows[0] if rows else None

    async def _rotate(self, now_s: int) -> None:
        """Make a new signing key unless another process just did, and forget those nobody's token can need."""
        secret = self._ambient.random_bytes(SECRET_BYTES)

        async def change(tx: Transaction) -> None:
            rows = await key_rows.signing_keys(tx)
            if rows and _may_issue(rows[0], now_s):
                return
            signing_key_id = rows[0].signing_key_id + 1 if rows else 1
            wrapped = self._keyring.wrap(secret, signing_context(signing_key_id))
            await key_rows.insert_signing_key(tx, SigningKeyRow(signing_key_id, wrapped, now_s * 1000))
            # The last one stays, however old it seems: other processes issue with it until they look again.
            await key_rows.delete_signing_keys(
                tx, (now_s - limits.SIGNING_KEY_VALID_S) * 1000, below_id=signing_key_id - 1
            )

        await self._gate.write_up_to_date(change)
        await self._load()


def signing_context(signing_key_id: int) -> str:
    """What the wrapped secret of a signing key belongs to."""
    return f"signing-key:{signing_key_id}"


def kind_of(token: str) -> str:
    """What a token says that it is for, genuine or not; an empty string where it says nothing."""
    fields = token.split("_", 5)
    return fields[4] if len(fields) == 6 else ""


def key_id_of(token: str) -> str:
    """The id of the key that a token says to be of, genuine or not; an empty string where it says nothing."""
    fields = token[:_FIELDS_MAX_LENGTH].split("_", 2)
    return fields[1] if len(fields) == 3 else ""


def _may_issue(key: SigningKeyRow, now_s: int) -> bool:
    """Whether to go on issuing with the key: it is neither too old nor of a clock that was ahead."""
    age_s = now_s - key.created_ms // 1000
    return -limits.CLOCK_SKEW_MAX_S <= age_s <= limits.SIGNING_KEY_ROTATES_AFTER_S


def _sign(secret: bytes, text: str, bound_to: str) -> str:
    mac = hmac.digest(secret, f"{text}\n{bound_to}".encode(), hashlib.sha256)[:SIGNATURE_BYTES]
    return base64.b64encode(mac, _ALPHABET).decode()
