"""An authenticator in software (WebAuthn Level 3, sections 6 and 7).

It makes a passkey and signs with it, also what no browser would have it sign.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Authenticator:
    """One passkey, for one host."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.uses = 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = os.urandom(16)

    def make(self, options: str, origin: str, *, flags: int = PRESENT | VERIFIED) -> str:
        """What a browser sends for options of a new passkey: the public key, without an attestation."""
        point = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        credential = bytes(16) + struct.pack(">H", len(self._id)) + self._id + cbor2.dumps(cose)
        made = {"fmt": "none", "attStmt": {}, "authData": self._data(flags | HAS_CREDENTIAL) + credential}
        client_data = _client_data("webauthn.create", options, origin)
        return self._credential(
            {"clientDataJSON": encoded(client_data), "attestationObject": encoded(cbor2.dumps(made))}
        )

    def sign(self, options: str, origin: str, *, flags: int = PRESENT | VERIFIED, host: str | None = None) -> str:
        """What a browser sends for options of signing in."""
        self.uses += 1
        data, client_data = self._data(flags, host), _client_data("webauthn.get", options, origin)
        signature = self._key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            {
                "clientDataJSON": encoded(client_data),
                "authenticatorData": encoded(data),
                "signature": encoded(signature),
            }
        )

    def _data(self, flags: int, host: str | None = None) -> bytes:
        return hashlib.sha256((host or self.host).encode()).digest() + struct.pack(">BI", flags, self.uses)

    def _credential(self, response: dict[str, Any]) -> str:
        name = encoded(self._id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _client_data(kind: str, options: str, origin: str) -> bytes:
    challenge = json.loads(options)["challenge"]
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()
