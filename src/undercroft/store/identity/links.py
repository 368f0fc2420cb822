"""Links that open something once, for whoever holds them: a forgotten password, an invitation, the second step of a sign-in, a challenge.

The secret is in the link alone; the catalog has its hash.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Literal, NamedTuple

from undercroft.catalog import links
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.links import LinkRow
from undercroft.store.ambient import Ambient
from undercroft.store.errors import BadLink

Kind = Literal["reset", "invitation", "member", "code", "passkey", "email", "alerts", "unsubscribe"]
SECRET_BYTES = 32


class Invitation(NamedTuple):
    """The secret of the link of an invitation, and whether it was mailed to who is invited: then it is nobody else's to know."""

    secret: str
    is_mailed: bool


def new_secret(ambient: Ambient) -> str:
    """A secret that nobody guesses, as it stands in a link or a cookie."""
    return base64.urlsafe_b64encode(ambient.random_bytes(SECRET_BYTES)).decode().rstrip("=")


def hash_of(secret: str) -> bytes:
    """What the catalog has of a secret. It is random, so nothing slower is needed."""
    return hashlib.sha256(secret.encode()).digest()


async def give_out(
    tx: Transaction, ambient: Ambient, secret: str, kind: Kind, *, account_id: str, email: str, valid_s: int
) -> None:
    """Store a link of this secret."""
    now_ms = ambient.now_ms()
    await links.insert(tx, LinkRow(hash_of(secret), kind, account_id, email, now_ms, now_ms + valid_s * 1000))


async def look_at(rows: Rows, ambient: Ambient, secret: str, kind: Kind) -> LinkRow:
    """The link of this secret, which goes on to work. Raises `BadLink`."""
    return _valid(await links.find(rows, hash_of(secret), kind), ambient)


async def use(tx: Transaction, ambient: Ambient, secret: str, kind: Kind) -> LinkRow:
    """The link of this secret, which works no more once this is committed. Raises `BadLink`."""
    return _valid(await links.take(tx, hash_of(secret), kind), ambient)


def _valid(row: LinkRow | None, ambient: Ambient) -> LinkRow:
    if row is None or row.expires_ms <= ambient.now_ms():
        raise BadLink
    return row
