"""Signing up: by anybody, by those who are invited, or by nobody, as the operator decides (`--sign-up`).

Where mail can be sent, whoever signs up unasked gets a link first, and the answer is the same for an address that has an
account: so addresses are verified, and nobody learns who is here. An invitation is such a link from the operator.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from undercroft import limits
from undercroft.catalog import accounts, links
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.links import LinkRow
from undercroft.store.ambient import Ambient
from undercroft.store.errors import BadLink, InvalidRequest, SignUpClosed
from undercroft.store.gate import Gate
from undercroft.store.identity import attempts
from undercroft.store.identity import links as given
from undercroft.store.identity.accounts import Accounts, checked_email, checked_name
from undercroft.store.identity.attempts import Attempts
from undercroft.store.identity.letters import Letters
from undercroft.store.identity.links import Invitation
from undercroft.store.identity.password_rules import check_new_password
from undercroft.store.model import Account

Mode = Literal["open", "invitation", "closed"]
_OPERATOR = "operator"  # In place of an account, since invitations are of nobody's account.


class OpenInvitation(msgspec.Struct, frozen=True):
    """A link by which somebody may sign up: with this address, or with any where it is empty. It opens nothing itself.

    Times are milliseconds since the epoch.
    """

    invitation_id: str
    email: str
    created_ms: int
    expires_ms: int


class SignUp:
    """Lets people make accounts."""

    def __init__(
        self,
        catalog: Catalog,
        gate: Gate,
        accounts_: Accounts,
        attempts_: Attempts,
        letters: Letters,
        ambient: Ambient,
        mode: Mode,
    ) -> None:
        self._catalog = catalog
        self._gate = gate
        self._accounts = accounts_
        self._attempts = attempts_
        self._letters = letters
        self._ambient = ambient
        self.mode = mode

    @property
    def sends_link(self) -> bool:
        """Whether an uninvited person is sent a link first, and does not sign up at once."""
        return self._letters.can_be_sent

    async def request(self, email: str, address: str) -> None:
        """Send a link to somebody who wants to sign up. Raises `SignUpClosed`, `InvalidRequest` and `TooManyAttempts`."""
        if self.mode != "open" or not self.sends_link:
            raise SignUpClosed
        email = checked_email(email)
        await self._attempts.take(
            attempts.by_email("sign-up", email, limits.RESETS_OF_ACCOUNT),
            attempts.by_address("sign-up", address, limits.SIGN_UPS_OF_ADDRESS),
        )
        secret = given.new_secret(self._ambient)

        async def change(tx: Transaction) -> bool:
            if await accounts.find(tx, email) is not None:
                return False
            await self._give_out(tx, secret, email, account_id="")
            return True

        if await self._gate.write(change):
            self._letters.invitation(email, secret)
        else:
            self._letters.known_already(email)

    async def look_at_link(self, secret: str) -> str:
        """The address that an invitation is for; empty where any will do. Raises `BadLink`."""
        return (await given.look_at(self._catalog.rows, self._ambient, secret, "invitation")).email

    async def sign_up(self, email: str, password: str, name: str, address: str) -> Account:
        """Make an account for somebody who was not invited, at once. The account has no product enabled.

        Raises `SignUpClosed`, `TooManyAttempts`, `DuplicateEmail`, `WeakPassword` and `InvalidRequest`.
        """
        if self.mode != "open" or self.sends_link:
            raise SignUpClosed
        await self._attempts.take(attempts.by_address("sign-up", address, limits.SIGN_UPS_OF_ADDRESS))
        return await self._make(email, password, name, secret=None)

    async def sign_up_invited(self, secret: str, email: str, password: str, name: str) -> Account:
        """The same by an invitation, which works no more. Where it is for an address, that is the account's.

        Raises `BadLink`, `DuplicateEmail`, `WeakPassword` and `InvalidRequest`.
        """
        fixed = await self.look_at_link(secret)
        return await self._make(fixed or email, password, name, secret=secret)

    async def _make(self, email: str, password: str, name: str, *, secret: str | None) -> Account:
        email, name = checked_email(email), checked_name(name)
        await check_new_password(password, email, name)
        draft = await self._accounts.draft(email, password)
        draft = draft._replace(row=draft.row._replace(name=name))

        async def change(tx: Transaction) -> Account:
            if secret is not None:
                await given.use(tx, self._ambient, secret, "invitation")
            return await self._accounts.insert_bare_in(tx, draft)

        return await self._gate.write_up_to_date(change)

    # -- The operator's -------------------------------------------------------------------------------------------------
    async def invite(self, email: str) -> Invitation:
        """Make an invitation for this address, and send it its link where mail can be sent; for any, where it is empty.

        Raises `InvalidRequest`, also where there are too many open ones.
        """
        email = checked_email(email) if email.strip() else ""
        secret = given.new_secret(self._ambient)

        async def change(tx: Transaction) -> None:
            if len(await self._open(tx)) >= limits.INVITATIONS_OPEN_MAX:
                raise InvalidRequest(f"There are {limits.INVITATIONS_OPEN_MAX} open invitations already.", "email")
            await self._give_out(tx, secret, email, account_id=_OPERATOR)

        await self._gate.write(change)
        return Invitation(secret, bool(email) and await self._letters.invitation_now(email, secret))

    async def invitations(self) -> list[OpenInvitation]:
        """The operator's invitations that still work, newest first."""
        found = await self._catalog.scan(self._open)
        return [OpenInvitation(row.link_hash[:8].hex(), row.email, row.created_ms, row.expires_ms) for row in found]

    async def take_back(self, invitation_id: str) -> None:
        """Have an invitation work no more. Raises `BadLink`."""

        async def change(tx: Transaction) -> None:
            for row in await self._open(tx):
                if row.link_hash[:8].hex() == invitation_id:
                    await links.take(tx, row.link_hash, "invitation")
                    return
            raise BadLink

        await self._gate.write(change)

    async def _open(self, rows: Rows) -> list[LinkRow]:
        found = await links.of_kind(rows, "invitation", _OPERATOR, limits.INVITATIONS_OPEN_MAX)
        return [row for row in found if row.expires_ms > self._ambient.now_ms()]

    async def _give_out(self, tx: Transaction, secret: str, email: str, *, account_id: str) -> None:
        await given.give_out(
            tx,
            self._ambient,
            secret,
            "invitation",
            account_id=account_id,
            email=email,
            valid_s=limits.INVITATION_VALID_S,
        )
