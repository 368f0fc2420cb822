"""New passwords: changed by whoever knows the old one, or reset by a link that was sent to the account's address."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from undercroft import limits
from undercroft.catalog import accounts
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.store.ambient import Ambient
from undercroft.store.errors import BadLink
from undercroft.store.gate import Gate
from undercroft.store.identity import attempts
from undercroft.store.identity import links as given
from undercroft.store.identity.accounts import account_of_row
from undercroft.store.identity.attempts import Attempts
from undercroft.store.identity.letters import Letters
from undercroft.store.identity.passkeys import remove_in
from undercroft.store.identity.password_rules import check_new_password
from undercroft.store.identity.passwords import hash_password
from undercroft.store.identity.proofs import Proof
from undercroft.store.identity.replaced_passwords import replace_password
from undercroft.store.model import Account


class Forgotten(NamedTuple):
    """The account that a link resets the password of."""

    account_id: str
    email: str


class WasReset(NamedTuple):
    """The account that has a new password, and the names of the passkeys that were removed with the old one, and that stay."""

    account: Account
    gone: list[str]
    stay: list[str]


class Passwords:
    """Changes the passwords that people choose themselves."""

    def __init__(self, catalog: Catalog, gate: Gate, attempts_: Attempts, letters: Letters, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._attempts = attempts_
        self._letters = letters
        self._ambient = ambient

    @property
    def can_be_reset_by_mail(self) -> bool:
        """Whether a link can be sent at all."""
        return self._letters.can_be_sent

    async def request_reset(self, email: str, address: str) -> None:
        """Send a link to the account of this address, if there is one. Nobody can tell which.

        Raises `TooManyAttempts`, whether there is one or not.
        """
        await self._attempts.take(
            attempts.by_email("reset", email, limits.RESETS_OF_ACCOUNT),
            attempts.by_address("reset", address, limits.SIGN_IN_ATTEMPTS_OF_ADDRESS),
        )
        wanted = email.strip().lower()
        secret = given.new_secret(self._ambient)

        async def change(tx: Transaction) -> Account | None:
            row = await accounts.find(tx, wanted)
            if row is None or row.email != wanted or row.suspended:
                return None
            await given.give_out(
                tx,
                self._ambient,
                secret,
                "reset",
                account_id=row.account_id,
                email=row.email,
                valid_s=limits.RESET_LINK_VALID_S,
            )
            return account_of_row(row)

        account = await self._gate.write(change)
        if account is not None:
            self._letters.reset_password(account.email, secret)

    async def look_at_link(self, secret: str) -> Forgotten:
        """Whose password a link resets. Raises `BadLink`."""
        link = await given.look_at(self._catalog.rows, self._ambient, secret, "reset")
        return Forgotten(link.account_id, link.email)

    async def reset(self, secret: str, password: str, *, without_passkeys: Collection[str] = ()) -> WasReset:
        """Set a password by a link, which works no more; every session ends, also one that only lacks its code, and no browser
        is trusted.

        Passkeys stay, since they are no less their owner's for a forgotten password: all but those with these ids, which are
        removed with it. Raises `BadLink` and `WeakPassword`.
        """
        email = (await self.look_at_link(secret)).email
        await check_new_password(password, email)
        password_hash = await hash_password(password)

        async def change(tx: Transaction) -> WasReset:
            link = await given.use(tx, self._ambient, secret, "reset")
            row = await accounts.find(tx, link.account_id)
            if row is None or row.suspended:
                raise BadLink
            await replace_password(tx, row.account_id, password_hash)
            gone, stay = await remove_in(tx, row.account_id, without_passkeys)
            return WasReset(account_of_row(row), gone, stay)

        done = await self._gate.write(change)
        self._letters.password_changed(done.account.email, passkeys_stay=done.stay, passkeys_gone=done.gone)
        return done

    async def change(self, proof: Proof, password: str, *, session: str) -> None:
        """Set a password; every session but the one of this secret ends. The proof is of the old one.

        Raises `BadCredentials` and `WeakPassword`.
        """
        account = proof.account
        await check_new_password(password, account.email, account.name)
        password_hash = await hash_password(password)

        async def change(tx: Transaction) -> list[str]:
            await proof.check(tx)
            await replace_password(tx, account.account_id, password_hash, session)
            return (await remove_in(tx, account.account_id, ()))[1]

        self._letters.password_changed(account.email, passkeys_stay=await self._gate.write(change))
