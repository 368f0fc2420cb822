"""Who is told of an account's alerts, and from which part of a cap on there is one.

The account's owner decides both, but for further addresses: their readers confirm that they want to be told, before they are
(`alert_recipients.py`). Where the account's webhook is, and what its posts are signed with, is kept wrapped (P8).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import accounts, alert_settings, links
from undercroft.catalog.alert_settings import AlertSettingsRow
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.keyring import Keyring
from undercroft.store.accounting.model import ALERTING, Category
from undercroft.store.buckets.notification_rules import Target, is_https, is_signing_secret
from undercroft.store.errors import InvalidRequest, NoSuchAccount
from undercroft.store.gate import Gate
from undercroft.store.identity.accounts import checked_email
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.operations import Operation

PERCENTAGES = (75, 100)  # Where nobody chose others, as B2 has it.
_target_decoder = msgspec.json.Decoder(Target)


class AlertSettings(msgspec.Struct, frozen=True, rename="camel"):
    """What raises alerts and who is told, but for the webhook. `thresholds` are percentages of the cap, ascending.

    `confirmed` are those of the addresses that are told. What is given by an owner has none: it is known here.
    """

    thresholds: dict[Category, tuple[int, ...]] = {}
    tells_owner: bool = True
    addresses: tuple[str, ...] = ()
    warns_of_keys: bool = True  # Of application keys that expire, the same people.
    confirmed: tuple[str, ...] = ()

    def percentages(self, category: Category) -> tuple[int, ...]:
        """The percentages of a cap on this that alert."""
        return self.thresholds.get(category, PERCENTAGES)


DEFAULT = AlertSettings()
_decoder = msgspec.json.Decoder(AlertSettings)


class Recipients(NamedTuple):
    """The settings, with the account's webhook."""

    settings: AlertSettings
    webhook: Target | None


class AlertSettingsOfAccounts:
    """The settings of all accounts."""

    def __init__(self, catalog: Catalog, gate: Gate, keyring: Keyring) -> None:
        self._catalog = catalog
        self._gate = gate
        self._keyring = keyring

    async def own(self, principal: Principal) -> Recipients:
        """Those of the principal's account."""
        authorize(principal, Operation.ADMINISTER_CAPS, None)
        return await self.of(principal.account_id or "")

    async def of(self, account_id: str) -> Recipients:
        """Those of an account."""
        row = await alert_settings.find(self._catalog.rows, account_id)
        return Recipients(settings_of_row(row), None if row is None else self._target_of(row))

    async def change_own(self, principal: Principal, settings: AlertSettings, webhook: Target | None) -> Recipients:
        """Replace those of the principal's account, and answer them as they are then. Raises `InvalidRequest`.

        Addresses that were confirmed stay so; new ones are not.
        """
        authorize(principal, Operation.ADMINISTER_CAPS, None)
        account_id, wanted = principal.account_id or "", checked(settings, webhook)

        async def change(tx: Transaction) -> Recipients:
            return await self._put(tx, account_id, wanted, webhook)

        return await self._gate.commit(principal, Operation.ADMINISTER_CAPS, None, None, change)

    async def change(self, account_id: str, settings: AlertSettings, webhook: Target | None) -> Recipients:
        """The same by the operator, who vouches for the addresses that `settings` has as confirmed."""
        wanted = checked(settings, webhook)
        return await self._gate.write_up_to_date(
            lambda tx: self._put(tx, account_id, wanted, webhook, vouched=settings.confirmed)
        )

    async def _put(
        self,
        tx: Transaction,
        account_id: str,
        wanted: AlertSettings,
        webhook: Target | None,
        vouched: Collection[str] = (),
    ) -> Recipients:
        if await accounts.find(tx, account_id) is None:
            raise NoSuchAccount(f"There is no account {account_id}.")
        before = await settings_in(tx, account_id)
        for gone in set(before.addresses) - set(wanted.addresses):
            await forget_links(tx, account_id, gone)
        known = {*before.confirmed, *vouched}
        settings = msgspec.structs.replace(wanted, confirmed=tuple(one for one in wanted.addresses if one in known))
        wrapped = None if webhook is None else self._keyring.wrap(msgspec.json.encode(webhook), _context(account_id))
        await alert_settings.put(tx, AlertSettingsRow(account_id, document_of(settings), wrapped))
        return Recipients(settings, webhook)

    async def rewrap_page(self, tx: Transaction, start: str) -> tuple[int, str | None]:
        """Put the webhooks of accounts from this id on under the current master key: how many, and where to go on."""
        rows = await alert_settings.webhooks_from(tx, start, limits.REWRAP_PAGE + 1)
        count = 0
        for row in rows[: limits.REWRAP_PAGE]:
            assert row.wrapped_webhook is not None
            if not self._keyring.is_current(row.wrapped_webhook):
                wrapped = self._keyring.rewrap(row.wrapped_webhook, _context(row.account_id))
                await alert_settings.put(tx, row._replace(wrapped_webhook=wrapped))
                count += 1
        return count, rows[-1].account_id if len(rows) > limits.REWRAP_PAGE else None

    def _target_of(self, row: AlertSettingsRow) -> Target | None:
        if row.wrapped_webhook is None:
            return None
        return _target_decoder.decode(self._keyring.unwrap(row.wrapped_webhook, _context(row.account_id)))


async def settings_in(rows: Rows, account_id: str) -> AlertSettings:
    """Those of an account, as these rows have them."""
    return settings_of_row(await alert_settings.find(rows, account_id))


def settings_of_row(row: AlertSettingsRow | None) -> AlertSettings:
    """The settings of a catalog row, or of an account that has none."""
    return DEFAULT if row is None else _decoder.decode(row.document)


def document_of(settings: AlertSettings) -> str:
    """The settings as a catalog row has them."""
    return msgspec.json.encode(settings).decode()


async def forget_links(tx: Transaction, account_id: str, address: str) -> None:
    """Have the links that an address was sent about alerts work no more."""
    for kind in ("alerts", "unsubscribe"):
        await links.delete_for(tx, account_id, kind, address)


def checked(settings: AlertSettings, webhook: Target | None) -> AlertSettings:
    """The settings as they are stored. Raises `InvalidRequest`, also for the webhook."""
    if webhook is not None:
        _check_webhook(webhook)
    return msgspec.structs.replace(
        settings, thresholds=_checked_thresholds(settings.thresholds), addresses=_checked_addresses(settings.addresses)
    )


def _checked_thresholds(thresholds: Mapping[Category, Sequence[int]]) -> dict[Category, tuple[int, ...]]:
    found: dict[Category, tuple[int, ...]] = {}
    for category in ALERTING:
        chosen = tuple(sorted(set(thresholds.get(category, PERCENTAGES))))
        if len(chosen) > limits.ALERT_THRESHOLDS_MAX or not all(1 <= one <= 100 for one in chosen):
            raise InvalidRequest(
                f"At most {limits.ALERT_THRESHOLDS_MAX} percentages from 1 to 100, such as 75, 100.", category
            )
        if chosen != PERCENTAGES:
            found[category] = chosen
    return found


def _checked_addresses(addresses: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(checked_email(address) for address in addresses))
    if any(set(address) & set(',;<>"()') for address in found):
        raise InvalidRequest("This is not an e-mail address.", "addresses")
    if len(found) > limits.ALERT_ADDRESSES_MAX:
        raise InvalidRequest(f"At most {limits.ALERT_ADDRESSES_MAX} further addresses.", "addresses")
    return found


def _check_webhook(webhook: Target) -> None:
    if len(webhook.url) > limits.TARGET_URL_MAX_BYTES or not is_https(webhook.url):
        raise InvalidRequest(f"An https URL of at most {limits.TARGET_URL_MAX_BYTES} characters.", "webhookUrl")
    if webhook.signing_secret is not None and not is_signing_secret(webhook.signing_secret):
        raise InvalidRequest(f"{limits.NOTIFICATION_SECRET_LENGTH} letters and digits, or nothing.", "signingSecret")


def _context(account_id: str) -> str:
    """What the wrapped webhook of an account belongs to."""
    return f"alerts:{account_id}"
