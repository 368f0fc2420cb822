"""Another e-mail address for an account: at once, or where mail can be sent, once whoever reads the new one has said so.

A link is sent to the new address. It works once, for whoever is signed in to the account that asked for it: so nobody takes an
address that is not theirs, and whoever is sent a link by mistake gives nothing away with it. Nobody learns here which addresses
have an account: where the new one does, it is told so in place of the link, and the answer is the same. A new password ends a
link that is on its way.
"""

from __future__ import annotations

from undercroft import limits
from undercroft.catalog import links
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.store.ambient import Ambient
from undercroft.store.errors import BadLink, InvalidRequest
from undercroft.store.gate import Gate
from undercroft.store.identity import attempts
from undercroft.store.identity import links as given
from undercroft.store.identity.accounts import Accounts, checked_email
from undercroft.store.identity.attempts import Allowance, Attempts
from undercroft.store.identity.letters import Letters
from undercroft.store.identity.proofs import Proof


class NewEmails:
    """Changes the addresses of accounts, for their owners."""

    def __init__(
        self,
        catalog: Catalog,
        gate: Gate,
        accounts_: Accounts,
        attempts_: Attempts,
        letters: Letters,
        ambient: Ambient,
    ) -> None:
        self._catalog = catalog
        self._gate = gate
        self._accounts = accounts_
        self._attempts = attempts_
        self._letters = letters
        self._ambient = ambient

    async def change(self, proof: Proof, email: str) -> bool:
        """Give the account this address, or send a link there that does; whether a link is sent.

        Raises `BadCredentials` and `InvalidRequest`, where no link is sent `DuplicateEmail`, and where one is
        `TooManyAttempts`, of this account's or to that address.
        """
        email, old = checked_email(email), proof.account.email
        if email == old:
            raise InvalidRequest("This is the address that the account has.", "email")
        if not self._letters.can_be_sent:
            await self._accounts.set_email(proof, email)
            return False
        await self._attempts.take(
            attempts.by_email("new-email", email, limits.RESETS_OF_ACCOUNT),
            Allowance(f"new-emails:{proof.account.account_id}", limits.NEW_EMAILS_OF_ACCOUNT),
        )
        secret = given.new_secret(self._ambient)

        async def change(tx: Transaction) -> bool:
            account_id = (await proof.check(tx)).account_id
            await links.delete_of_account(tx, account_id, "email")  # The last address that was asked for is meant.
            await given.give_out(
                tx,
                self._ambient,
                secret,
                "email",
                account_id=account_id,
                email=email,
                valid_s=limits.NEW_EMAIL_LINK_VALID_S,
            )
            return await self._accounts.is_known_in(tx, email)

        if await self._gate.write(change):
            self._letters.email_is_taken(email)
        else:
            self._letters.confirm_email(email, old, secret)
        self._letters.email_change_asked(old, email)
        return True

    async def waiting(self, account_id: str) -> str | None:
        """The address that is to confirm that it is to be the account's."""
        found = await links.of_kind(self._catalog.rows, "email", account_id, 1)
        return found[0].email if found and found[0].expires_ms > self._ambient.now_ms() else None

    async def take_back(self, account_id: str) -> None:
        """Have the link that is on its way work no more."""
        await self._gate.write(lambda tx: links.delete_of_account(tx, account_id, "email"))

    async def look_at_link(self, account_id: str, secret: str) -> str:
        """The address that a link of this account's is for. Raises `BadLink`, for any other account too."""
        link = await given.look_at(self._catalog.rows, self._ambient, secret, "email")
        if link.account_id != account_id:
            raise BadLink
        return link.email

    async def confirm(self, account_id: str, secret: str) -> tuple[str, str]:
        """Give the account the address that a link of its own was sent to; the old one and the new.

        The link works no more. Raises `BadLink`, and `DuplicateEmail` where somebody else has the address by now.
        """

        async def change(tx: Transaction) -> tuple[str, str]:
            link = await given.use(tx, self._ambient, secret, "email")
            if link.account_id != account_id:
                raise BadLink
            old = (await self._accounts.find_in(tx, account_id)).email
            await self._accounts.set_email_in(tx, account_id, link.email)
            return old, link.email

        old, new = await self._gate.write(change)
        self._letters.email_changed(old, new)
        return old, new
