"""The tables of what accounts did, by day, all together: what is folded, and what is forgotten, is so in each of them."""

from __future__ import annotations

from undercroft.catalog import accounting, bucket_days, key_days, request_days
from undercroft.catalog.contract import Transaction

COUNTED = (
    accounting.CALLS,
    accounting.TRANSFERS,
    bucket_days.DONE,
    request_days.STATUSES,
    request_days.BUCKET_CALLS,
    key_days.DONE,
)


async def forget_days(tx: Transaction, account_id: str, before_day: int) -> None:
    """Forget what an account did and held before this day."""
    for table in COUNTED:
        await table.forget(tx, account_id, before_day)
    await accounting.forget_storage(tx, account_id, before_day)
    await bucket_days.forget_storage(tx, account_id, before_day)
