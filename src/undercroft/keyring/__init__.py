"""The master key and what it wraps: every stored secret is encrypted under it (AES-256-GCM).

The key comes from a variable or from a file with mode 0600, which the first start makes. While it is being changed there
are two: the new one wraps, both unwrap, and the old one goes when nothing is wrapped under it any more (`docs/encryption.md`).
"""

from __future__ import annotations

from undercroft.keyring.master_keys import KeySource, load_or_create
from undercroft.keyring.ring import KEY_BYTES, Keyring, KeyringError

__all__ = ["KEY_BYTES", "KeySource", "Keyring", "KeyringError", "load_or_create"]
