"""How much of each cap is used: of an account's own, and of those of its buckets and keys."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from undercroft.catalog import accounting, buckets, caps, quotas, usage
from undercroft.catalog.caps import CapsRow
from undercroft.catalog.contract import Rows
from undercroft.store.accounting.model import CATEGORIES, HELD, Caps, Category, Done, Held, Standing, Subject
from undercroft.store.accounting.quotas import every_soft, standing_in
from undercroft.store.model import BucketCaps

AllSoft = Mapping[tuple[str, str], Mapping[Category, int]]  # Soft limits, by kind and id of whose they are.
_bucket_caps = msgspec.json.Decoder(BucketCaps)


def caps_of_row(row: CapsRow) -> Caps:
    """The caps of a catalog row."""
    return Caps(*row)


async def of_everything(rows: Rows, account_id: str, day: int) -> list[Standing]:
    """How much is used of the caps and soft limits of an account, its buckets and keys, of the daily ones on this day."""
    of_account = caps_of_row(await caps.find(rows, account_id))
    soft = await every_soft(rows, account_id)
    return [
        *await of_account_itself(rows, account_id, of_account, day),
        *map(_soft, await of_account_itself(rows, account_id, Caps(**soft.get(("account", account_id), {})), day)),
        *await _of_buckets(rows, account_id, soft),
        *await _of_quotas(rows, account_id, day),
        *map(_soft, await _of_soft_by_day(rows, account_id, soft, day)),
    ]


def _soft(standing: Standing) -> Standing:
    return msgspec.structs.replace(standing, is_soft=True)


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


async def _of_buckets(rows: Rows, account_id: str, soft: AllSoft) -> list[Standing]:
    """What buckets hold, of their caps and of their soft limits."""
    capped = [
        (Subject("bucket", bucket_id, name), _bucket_caps.decode(document), False)
        for bucket_id, name, document in await buckets.with_caps(rows, account_id)
    ]
    names = await quotas.names(rows, account_id) if soft else {}
    capped += [
        (Subject("bucket", subject_id, names[kind, subject_id]), BucketCaps(of.get("storage"), of.get("files")), True)
        for (kind, subject_id), of in soft.items()
        if kind == "bucket"
    ]
    held = await usage.by_bucket(rows, account_id) if capped else {}
    found = []
    for subject, bounds, is_soft in capped:
        holds = held.get(subject.subject_id, Held())
        if bounds.size_bytes is not None:
            found.append(Standing(account_id, "storage", holds.size_bytes, bounds.size_bytes, subject, is_soft))
        if bounds.files is not None:
            found.append(Standing(account_id, "files", holds.files, bounds.files, subject, is_soft))
    return found


async def _of_quotas(rows: Rows, account_id: str, day: int) -> list[Standing]:
    return [
        Standing(account_id, category, getattr(done, category), amount, subject)
        for subject, (of_subject, done) in (await standing_in(rows, account_id, day)).items()
        for category, amount in of_subject.amounts.items()
    ]


async def _of_soft_by_day(rows: Rows, account_id: str, soft: AllSoft, day: int) -> list[Standing]:
    of_others = {about: of_subject for about, of_subject in soft.items() if about[0] != "account"}
    if not of_others:
        return []
    names, done = await quotas.names(rows, account_id), await quotas.done(rows, account_id, day)
    found = []
    for about, of_subject in of_others.items():
        subject, of_day = Subject(*about, names[about]), done.get(about, Done())  # type: ignore[arg-type]
        by_day = {category: amount for category, amount in of_subject.items() if category not in HELD}
        found += [Standing(account_id, each, getattr(of_day, each), amount, subject) for each, amount in by_day.items()]
    return found
