"""What ends with a password when another takes its place, whoever gave that: its owner, the reader of a link, or the operator."""

from __future__ import annotations

from undercroft.catalog import accounts, links, second_factors, sessions
from undercroft.catalog.contract import Transaction
from undercroft.store.identity.links import hash_of


async def replace_password(tx: Transaction, account_id: str, password_hash: str, session: str | None = None) -> None:
    """Set a password as part of a transaction, and end every session but the one of this secret, also those that only lack a code.

    No browser is trusted any more, a second factor that was being set up is none, and no link of the account works but those by
    which others are told no more of its alerts: these give nobody anything.
    """
    await accounts.set_password(tx, account_id, password_hash)
    await links.delete_of_account(tx, account_id, but="unsubscribe")
    await sessions.delete_of_account(tx, account_id, but=b"" if session is None else hash_of(session))
    await second_factors.forget_browsers(tx, account_id)
    await second_factors.delete_unfinished(tx, account_id)
