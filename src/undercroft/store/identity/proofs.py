"""Proofs that somebody knows the password of an account.

Looking at a password takes a while, and longer where many are looked at. What follows from it is done in a transaction that
holds the proof against the account as it is then: who has changed the password, or suspended the account, has the last word.
"""

from __future__ import annotations

import msgspec

from undercroft.catalog import accounts
from undercroft.catalog.accounts import AccountRow
from undercroft.catalog.contract import Rows
from undercroft.store.errors import BadCredentials
from undercroft.store.model import Account


class Proof(msgspec.Struct, frozen=True):
    """That the password of this account, which then had this hash, was given."""

    account: Account
    password_hash: str

    async def check(self, rows: Rows) -> AccountRow:
        """The account as it is now, if it still has that password and is not suspended. Raises `BadCredentials`."""
        row = await accounts.find(rows, self.account.account_id)
        if row is None or row.suspended or row.password_hash != self.password_hash:
            raise BadCredentials("The password has been changed meanwhile, or the account closed.")
        return row
