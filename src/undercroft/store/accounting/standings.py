"""How much of each cap is used: of an account's own, and of those of its buckets and keys."""

from __future__ import annotations

import msgspec

from undercroft.catalog import accounting, buckets, caps, usage
from undercroft.catalog.caps import CapsRow
from undercroft.catalog.contract import Rows
from undercroft.store.accounting.model import CATEGORIES, HELD, Caps, Held, Standing, Subject
from undercroft.store.accounting.quotas import standing_in
from undercroft.store.model import BucketCaps

_bucket_caps = msgspec.json.Decoder(BucketCaps)


def caps_of_row(row: CapsRow) -> Caps:
    """The caps of a catalog row."""
    return Caps(*row)


async def of_everything(rows: Rows, account_id: str, day: int) -> list[Standing]:
    """How much is used of the caps of an account and of its buckets and keys, of the daily ones on this day."""
    of_account = caps_of_row(await caps.find(rows, account_id))
    return [
        *await of_account_itself(rows, account_id, of_account, day),
        *await _of_buckets(rows, account_id),
        *await _of_quotas(rows, account_id, day),
    ]


async def of_account_itself(rows: Rows, account_id: str, of_account: Caps, day: int) -> list[Standing]:
    """How much of these caps the account uses, the daily ones on this day."""
    found = []
    if of_account.storage is not None or of_account.files is not None:
        held = await usage.of_account(rows, account_id)
        if of_account.storage is not None:
            found.append(Standing(account_id, "storage", held.size_bytes, of_account.storage))
        if of_account.files is not None:
            found.append(Standing(account_id, "files", held.files, of_account.files))
    if of_account.any_daily:
        spent = await accounting.spent(rows, account_id, day)
        for category in CATEGORIES:
            cap = getattr(of_account, category)
            if category not in HELD and cap is not None:
                found.append(Standing(account_id, category, getattr(spent, category), cap))
    return found


async def _of_buckets(rows: Rows, account_id: str) -> list[Standing]:
    capped = await buckets.with_caps(rows, account_id)
    held = await usage.by_bucket(rows, account_id) if capped else {}
    found = []
    for bucket_id, name, document in capped:
        bounds, holds = _bucket_caps.decode(document), held.get(bucket_id, Held())
        subject = Subject("bucket", bucket_id, name)
        if bounds.size_bytes is not None:
            found.append(Standing(account_id, "storage", holds.size_bytes, bounds.size_bytes, subject))
        if bounds.files is not None:
            found.append(Standing(account_id, "files", holds.files, bounds.files, subject))
    return found


async def _of_quotas(rows: Rows, account_id: str, day: int) -> list[Standing]:
    return [
        Standing(account_id, category, getattr(done, category), amount, subject)
        for subject, (of_subject, done) in (await standing_in(rows, account_id, day)).items()
        for category, amount in of_subject.amounts.items()
    ]
