"""Putting notices on their way, in the transaction of what they tell of. `store/work/notices.py` sends them."""

from __future__ import annotations

from typing import Literal

import msgspec

from undercroft.catalog import alert_settings, notices
from undercroft.catalog.contract import Transaction
from undercroft.catalog.notices import NoticeRow
from undercroft.store.accounting.alert_settings import settings_of_row

Kind = Literal["cap", "key"]  # What a notice is about: a cap that is reached, or a key that expires.
# Channels: the address that the account has when something leaves, the account's webhook, and any other address.
OWNER, WEBHOOK, ADDRESS = "owner", "webhook", "to:"


async def tell(tx: Transaction, account_id: str, kind: Kind, document: object, *, notice_id: str, now_ms: int) -> None:
    """Tell everybody whom the account wants told. The id is that of the one thing, whoever tells of it and however often."""
    row = await alert_settings.find(tx, account_id)
    settings = settings_of_row(row)
    if kind == "key" and not settings.warns_of_keys:
        return
    channels = [OWNER] if settings.tells_owner else []
    channels += [f"{ADDRESS}{address}" for address in settings.confirmed]
    channels += [WEBHOOK] if row is not None and row.wrapped_webhook is not None else []
    text = msgspec.json.encode(document).decode()
    for channel in channels:
        await notices.add(tx, NoticeRow(account_id, channel, now_ms, notice_id, kind, text))
