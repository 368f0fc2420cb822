"""Further addresses that are told of an account's alerts: asked first, told once they have said yes, and rid of it when they like.

Anybody can type anybody's address. So an address gets one letter, with a link, and nothing else before its reader has opened
that; and each letter about an alert has a way out of them. Both links work without an account here.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import accounts, alert_settings, links
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.links import LinkRow
from undercroft.store.accounting.alert_settings import (
    AlertSettings,
    AlertSettingsOfAccounts,
    Recipients,
    checked,
    document_of,
    forget_links,
    settings_of_row,
)
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.errors import BadLink, InvalidRequest
from undercroft.store.gate import Gate
from undercroft.store.identity import attempts
from undercroft.store.identity import links as given
from undercroft.store.identity.attempts import Allowance, Attempts
from undercroft.store.identity.letters import Letters
from undercroft.store.identity.principals import Principal


class Recipient(NamedTuple):
    """An address that is, or may be, told of the alerts of the account whose own address is `owner_email`."""

    account_id: str
    owner_email: str
    address: str


class AlertRecipients:
    """Asks the addresses of all accounts, and hears what they say."""

    def __init__(
        self,
        catalog: Catalog,
        gate: Gate,
        settings: AlertSettingsOfAccounts,
        attempts_: Attempts,
        letters: Letters,
        ambient: Ambient,
    ) -> None:
        self._catalog = catalog
        self._gate = gate
        self._settings = settings
        self._attempts = attempts_
        self._letters = letters
        self._ambient = ambient

    # -- The owner's ----------------------------------------------------------------------------------------------------
    async def change_own(self, principal: Principal, settings: AlertSettings, webhook: Target | None) -> Recipients:
        """Replace who is told of the alerts of the principal's account, and ask the addresses that are new.

        Raises `InvalidRequest`, and where letters are sent `TooManyAttempts`; nothing is changed then.
        """
        before = (await self._settings.own(principal)).settings.addresses
        new = [one for one in checked(settings, webhook).addresses if one not in before]
        await self._take(principal.account_id or "", *new)
        changed = await self._settings.change_own(principal, settings, webhook)
        for address in new:
            await self._ask(principal.account_id or "", address)
        return changed

    async def ask_again(self, principal: Principal, address: str) -> None:
        """Send the link again to an address that has not confirmed. Raises `InvalidRequest` and `TooManyAttempts`."""
        settings = (await self._settings.own(principal)).settings
        if address not in settings.addresses or address in settings.confirmed:
            raise InvalidRequest("No such address waits for confirmation.", "address")
        if not self._letters.can_be_sent:
            raise InvalidRequest("The operator has set up no mail yet.", "address")
        await self._take(principal.account_id or "", address)
        await self._ask(principal.account_id or "", address)

    async def take_test(self, principal: Principal) -> None:
        """Count a test that somebody sends to those who are told. Raises `TooManyAttempts`."""
        await self._attempts.take(Allowance(f"alert-tests:{principal.account_id}", limits.ALERT_TESTS_OF_ACCOUNT))

    # -- The reader's ---------------------------------------------------------------------------------------------------
    async def look_at(self, secret: str) -> Recipient:
        """Who is asked by a link. Raises `BadLink`."""
        return await self._recipient(await given.look_at(self._catalog.rows, self._ambient, secret, "alerts"))

    async def confirm(self, secret: str) -> Recipient:
        """Have the address that the link was sent to told from now on. Raises `BadLink`."""

        async def change(tx: Transaction) -> LinkRow:
            link = await given.use(tx, self._ambient, secret, "alerts")
            settings = await self._of_link(tx, link)
            confirmed = tuple(dict.fromkeys((*settings.confirmed, link.email)))
            await _put(tx, link.account_id, msgspec.structs.replace(settings, confirmed=confirmed))
            return link

        return await self._recipient(await self._gate.write(change))

    async def way_out(self, account_id: str, address: str) -> str:
        """The secret of a link by which an address is told no more, for a letter to it."""
        secret = given.new_secret(self._ambient)

        async def change(tx: Transaction) -> None:
            await given.give_out(
                tx,
                self._ambient,
                secret,
                "unsubscribe",
                account_id=account_id,
                email=address,
                valid_s=limits.UNSUBSCRIBE_LINK_VALID_S,
            )

        await self._gate.write(change)
        return secret

    async def close_way_out(self, secret: str) -> None:
        """Forget that link: the letter with it did not leave."""

        async def change(tx: Transaction) -> None:
            await links.take(tx, given.hash_of(secret), "unsubscribe")

        await self._gate.write(change)

    async def look_at_way_out(self, secret: str) -> Recipient:
        """Who would be told no more. Raises `BadLink`."""
        return await self._recipient(await given.look_at(self._catalog.rows, self._ambient, secret, "unsubscribe"))

    async def unsubscribe(self, secret: str) -> Recipient:
        """Have the address told no more, until somebody asks it again and it says yes. Raises `BadLink`."""

        async def change(tx: Transaction) -> LinkRow:
            link = await given.use(tx, self._ambient, secret, "unsubscribe")
            settings = await self._of_link(tx, link)
            left = tuple(one for one in settings.addresses if one != link.email)
            told = tuple(one for one in settings.confirmed if one != link.email)
            await _put(tx, link.account_id, msgspec.structs.replace(settings, addresses=left, confirmed=told))
            await forget_links(tx, link.account_id, link.email)
            return link

        return await self._recipient(await self._gate.write(change))

    # -- Letters --------------------------------------------------------------------------------------------------------
    async def _take(self, account_id: str, *addresses: str) -> None:
        """Count letters that ask these addresses: so many of an account, and to an address from anybody."""
        if not addresses or not self._letters.can_be_sent:
            return
        of_account = Allowance(f"alert-addresses:{account_id}", limits.ALERT_ADDRESSES_ASKED_OF_ACCOUNT)
        to_each = [attempts.by_email("alerts", address, limits.RESETS_OF_ACCOUNT) for address in addresses]
        await self._attempts.take(*to_each, *([of_account] * len(addresses)))

    async def _ask(self, account_id: str, address: str) -> None:
        if not self._letters.can_be_sent:
            return
        secret = given.new_secret(self._ambient)

        async def change(tx: Transaction) -> str:
            owner = await accounts.find(tx, account_id)
            await links.delete_for(tx, account_id, "alerts", address)
            await given.give_out(
                tx,
                self._ambient,
                secret,
                "alerts",
                account_id=account_id,
                email=address,
                valid_s=limits.INVITATION_VALID_S,
            )
            return "" if owner is None else owner.email

        owner_email = await self._gate.write(change)
        self._letters.confirm_alerts(address, owner_email, secret)

    async def _of_link(self, rows: Rows, link: LinkRow) -> AlertSettings:
        """The settings that a link is about, while they have its address. Raises `BadLink`."""
        settings = settings_of_row(await alert_settings.find(rows, link.account_id))
        if link.email not in settings.addresses:
            raise BadLink
        return settings

    async def _recipient(self, link: LinkRow) -> Recipient:
        owner = await accounts.find(self._catalog.rows, link.account_id)
        if owner is None:
            raise BadLink
        return Recipient(owner.account_id, owner.email, link.email)


async def _put(tx: Transaction, account_id: str, settings: AlertSettings) -> None:
    row = await alert_settings.find(tx, account_id)
    assert row is not None
    await alert_settings.put(tx, row._replace(document=document_of(settings)))
