"""Notices of alerts and of keys that expire, sent to whom their account wants told: at least once, by mail and webhook.

A notice is a row for each of them until it has arrived, so nothing is lost with a process. What one channel refuses is tried
again later and later, for a day: nobody wants to hear today of last week. Channels do not wait for one another.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from undercroft import limits
from undercroft.catalog import accounts, notices
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.notices import NoticeRow
from undercroft.outgoing.contract import Visit
from undercroft.outgoing.mail import MailError
from undercroft.store.accounting.alert_recipients import AlertRecipients
from undercroft.store.accounting.alert_settings import AlertSettingsOfAccounts
from undercroft.store.accounting.telling import ADDRESS, OWNER, WEBHOOK
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.errors import InvalidRequest
from undercroft.store.gate import Gate
from undercroft.store.identity.letters import Letters
from undercroft.store.identity.principals import Principal
from undercroft.store.work.event_messages import headers_of
from undercroft.store.work.notice_words import Letter, letter_of, test_letter
from undercroft.store.work.sending import Outcome, backoff_s, send
from undercroft.store.work.turns import Turns

_log = structlog.get_logger(__name__)
_Key = tuple[str, str]  # Account and channel.
TEST = {"alerts": [], "expiringKeys": [], "test": True}  # What a webhook gets as a test: as ever, with nothing in it.


class Notices:
    """Sends the notices of all accounts."""

    def __init__(
        self,
        catalog: Catalog,
        gate: Gate,
        ambient: Ambient,
        settings: AlertSettingsOfAccounts,
        recipients: AlertRecipients,
        letters: Letters,
        visit: Visit,
    ) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient
        self._settings = settings
        self._recipients = recipients
        self._letters = letters
        self._visit = visit
        self._turns: Turns[_Key] = Turns(
            limits.NOTICES_AT_ONCE, group_of=lambda key: key[0], at_once_of_group=limits.NOTICES_OF_ACCOUNT_AT_ONCE
        )

    async def is_wanted(self) -> bool:
        """Whether there is anything to send, or to hear of."""
        return bool(self._turns) or bool(await self._due(1))

    async def run(self) -> None:
        """Begin a turn of each channel that is due and has none under way. Turns go on after this returns.

        Raises what a turn has raised since the last time: what it could not note as sent is sent again.
        """
        self._turns.end_those_done()
        self._turns.begin(await self._due(limits.NOTICES_AT_ONCE + len(self._turns)), self._turn)

    async def finish_turns(self) -> None:
        """Return when no turn is under way. Raises what one has raised."""
        await self._turns.finish()

    async def stop(self) -> None:
        """End the turns that are under way: what is on its way is waited for, no longer than any server may take."""
        await self._turns.stop(patience_s=limits.TARGET_TIMEOUT_S)

    async def undelivered(self, account_id: str) -> list[notices.Undelivered]:
        """What has not reached somebody whom the account wants told, by channel."""
        return await self._catalog.scan(lambda rows: notices.undelivered(rows, account_id))

    async def _due(self, limit: int) -> list[_Key]:
        now_ms = self._ambient.now_ms()
        latest_ms = now_ms + int(limits.DELIVERY_BACKOFF_MAX_S * 1000)
        return await notices.due(self._catalog.rows, now_ms, latest_ms, limit)

    async def _turn(self, key: _Key) -> None:
        account_id, channel = key
        found = await self._catalog.scan(
            lambda rows: notices.waiting(rows, account_id, channel, limits.CAP_ALERTS_SENT_AT_ONCE)
        )
        since_ms = self._ambient.now_ms() - limits.CAP_ALERT_NEWS_S * 1000
        news = [row for row in found if row.at_ms >= since_ms]
        if len(news) < len(found):
            _log.warning("notices_dropped", account_id=account_id, by=_way(channel), notices=len(found) - len(news))
        error = await self._sent(account_id, channel, news) if news else None
        attempts = max((row.attempts for row in news), default=0) + 1
        due_ms = self._ambient.now_ms() + int(backoff_s(attempts) * 1000)

        async def change(tx: Transaction) -> None:
            for row in found:
                if error is not None and row in news:
                    await notices.put_off(tx, row, attempts, due_ms, error)
                else:
                    await notices.remove(tx, row)

        await self._gate.write(change)
        if error is not None:
            _log.warning("notices_not_sent", account_id=account_id, by=_way(channel), attempts=attempts, error=error)

    async def _sent(self, account_id: str, channel: str, news: Sequence[NoticeRow]) -> str | None:
        """Send what is news by its channel, all at once: why it did not arrive, or None. Nobody is told who is no longer to be."""
        settings, webhook = await self._settings.of(account_id)
        if channel == WEBHOOK:
            return None if webhook is None else await self._posted(account_id, webhook, news)
        row = await accounts.find(self._catalog.rows, account_id)
        if row is None or not self._letters.can_be_sent:
            return None
        if channel == OWNER:
            return await self._mailed(row.email, row.email, news) if settings.tells_owner else None
        address = channel.removeprefix(ADDRESS)
        if address not in settings.confirmed:
            return None
        return await self._mailed(address, row.email, news, of_account=account_id)

    async def _posted(self, account_id: str, webhook: Target, news: Sequence[NoticeRow]) -> str | None:
        body = msgspec.json.encode(
            {
                "alerts": [msgspec.Raw(row.document.encode()) for row in news if row.kind == "cap"],
                "expiringKeys": [msgspec.Raw(row.document.encode()) for row in news if row.kind == "key"],
            }
        )
        return (await self._post(account_id, webhook, body)).error

    async def _post(self, account_id: str, webhook: Target, body: bytes) -> Outcome:
        visitor = self._visit(webhook.url)
        try:
            return await send(visitor, headers_of(webhook, body), body, self._ambient, account=account_id)
        finally:
            await visitor.close()

    async def _mailed(self, address: str, owner: str, news: Sequence[NoticeRow], *, of_account: str = "") -> str | None:
        return await self._mail(address, letter_of(owner, news), of_account)

    async def _mail(self, address: str, letter: Letter, of_account: str) -> str | None:
        """Hand a letter over; why it did not leave, or None. One to a further address of an account has a way out of them."""
        way_out = await self._recipients.way_out(of_account, address) if of_account else ""
        try:
            await self._letters.hand_over(address, letter.subject, letter.text, page=letter.page, way_out=way_out)
        except MailError:
            if way_out:
                await self._recipients.close_way_out(way_out)
            return "The mail server did not take it"  # What it said is the operator's to read, in the log of letters.
        return None

    async def test(self, principal: Principal, channel: str) -> Outcome:
        """Send a test now to one of those whom the principal's account wants told, and answer what came of it.

        Raises `InvalidRequest` where nobody is told by this channel, and `TooManyAttempts`.
        """
        settings, webhook = await self._settings.own(principal)
        account_id = principal.account_id or ""
        row = await accounts.find(self._catalog.rows, account_id)
        told = {f"{ADDRESS}{address}": (address, account_id) for address in settings.confirmed}
        if row is not None and settings.tells_owner:
            told[OWNER] = (row.email, "")
        if row is None or (channel not in told and (channel != WEBHOOK or webhook is None)):
            raise InvalidRequest("Nobody is told in this way.", "channel")
        if channel != WEBHOOK and not self._letters.can_be_sent:
            raise InvalidRequest("The operator has set up no mail yet.", "channel")
        await self._recipients.take_test(principal)
        if channel == WEBHOOK and webhook is not None:
            return await self._post(account_id, webhook, msgspec.json.encode(TEST))
        began_ms = self._ambient.now_ms()
        address, of_account = told[channel]
        error = await self._mail(address, test_letter(row.email), of_account)
        return Outcome(None, max(0, self._ambient.now_ms() - began_ms), error)


def _way(channel: str) -> str:
    return channel if channel == WEBHOOK else "mail"
