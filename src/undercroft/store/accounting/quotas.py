"""Quotas: what a bucket, or a key, may do a day, besides what its account may; and soft limits, which are told of alone.

Nothing of them is read on the way of a request. Workers learn them with the caps of accounts by the day (`meter.py`), and hold to
them as exactly as to those.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from undercroft import limits
from undercroft.catalog import keys, quotas
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.store.accounting.model import SOFT_CATEGORIES, Category, Done, Kind, Quotas, SoftLimits, Subject, day_of
from undercroft.store.ambient import Ambient
from undercroft.store.errors import InvalidRequest, NoSuchKey, OutOfRange
from undercroft.store.gate import Gate
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.operations import Operation


class QuotasOfAccounts:
    """The quotas of all buckets and keys, and the soft limits of these and of accounts.

    Those of buckets and of accounts are set with their other caps (`buckets.set_caps`, `CapsOfAccounts`).
    """

    def __init__(self, catalog: Catalog, gate: Gate, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient

    async def of_bucket(self, bucket_id: str) -> Quotas:
        """Those of a bucket."""
        return await quotas_in(self._catalog.rows, "bucket", bucket_id)

    async def of_key(self, key_id: str) -> Quotas:
        """Those of a key."""
        return await quotas_in(self._catalog.rows, "key", key_id)

    async def soft_of(self, kind: Kind, subject_id: str) -> SoftLimits:
        """The soft limits of an account, a bucket or a key."""
        return await soft_in(self._catalog.rows, kind, subject_id)

    async def change_key(
        self, principal: Principal, key_id: str, wanted: Quotas, soft: SoftLimits | None = None
    ) -> None:
        """Replace those of a key of the principal's account, and with `soft` its soft limits.

        Raises `NoSuchKey`, `OutOfRange` and `InvalidRequest`.
        """
        authorize(principal, Operation.ADMINISTER_CAPS, None)
        account_id = principal.account_id or ""
        check_amounts(wanted.amounts)
        check_amounts(soft or {})

        async def change(tx: Transaction) -> None:
            row = await keys.find(tx, key_id)
            if row is None or row.account_id != account_id:
                raise NoSuchKey(f"There is no application key {key_id}")
            await put_quotas(tx, account_id, "key", key_id, wanted)
            if soft is not None:
                await put_soft(tx, account_id, "key", key_id, soft)

        await self._gate.commit(principal, Operation.ADMINISTER_CAPS, None, None, change)

    async def done_today(self, kind: Literal["bucket", "key"], account_id: str, subject_id: str) -> Done:
        """What was done today in a bucket or with a key, whether it has quotas or not, as far as it is written down."""
        day = day_of(self._ambient.now_ms())
        return await self._catalog.scan(lambda rows: quotas.done_by(rows, kind, account_id, subject_id, day))

    async def bounded(self, principal: Principal) -> dict[Subject, tuple[Quotas, SoftLimits, Done]]:
        """The account's buckets and keys that have quotas or soft limits: both, and what was done today.

        That is as far as workers have written it down.
        """
        authorize(principal, Operation.ADMINISTER_CAPS, None)
        account_id, day = principal.account_id or "", day_of(self._ambient.now_ms())

        async def query(rows: Rows) -> dict[Subject, tuple[Quotas, SoftLimits, Done]]:
            hard, soft = await standing_in(rows, account_id, day), await every_soft(rows, account_id)
            names, done = await quotas.names(rows, account_id), await quotas.done(rows, account_id, day)
            subjects = {Subject(*about, name) for about, name in names.items()}  # type: ignore[arg-type]
            return {
                subject: (
                    hard[subject][0] if subject in hard else Quotas(),
                    soft.get(subject[:2], {}),
                    done.get(subject[:2], Done()),
                )
                for subject in sorted(subjects, key=lambda one: (one.kind, one.name, one.subject_id))
            }

        return await self._catalog.scan(query)


async def quotas_in(rows: Rows, kind: str, subject_id: str) -> Quotas:
    """The quotas of one subject, as these rows have them."""
    return Quotas(**await quotas.of_subject(rows, kind, subject_id, is_soft=False))


async def soft_in(rows: Rows, kind: Kind, subject_id: str) -> SoftLimits:
    """The soft limits of one subject, as these rows have them."""
    return await quotas.of_subject(rows, kind, subject_id, is_soft=True)  # type: ignore[return-value]


async def every_soft(rows: Rows, account_id: str) -> dict[tuple[str, str], dict[Category, int]]:
    """All soft limits of the account, by kind and id."""
    found: dict[tuple[str, str], dict[Category, int]] = {}
    for row in await quotas.of_account(rows, account_id):
        if row.is_soft:
            found.setdefault((row.kind, row.subject_id), {})[row.category] = row.amount  # type: ignore[index]
    return found


def check_amounts(wanted: Mapping[Category, int]) -> None:
    """Raise `OutOfRange` unless each is a number that a cap may be."""
    for category, amount in wanted.items():
        if not 0 <= amount <= limits.CAP_MAX:
            raise OutOfRange(f"A cap is a number from 0 to {limits.CAP_MAX}, not {amount}.", category)


async def put_quotas(tx: Transaction, account_id: str, kind: Kind, subject_id: str, wanted: Quotas) -> None:
    """Replace the quotas of one subject. Raises `InvalidRequest` where the account would have too many."""
    await quotas.put(tx, account_id, kind, subject_id, wanted.amounts.items(), is_soft=False)
    if wanted.amounts:
        await _check_count(tx, account_id)


async def put_soft(tx: Transaction, account_id: str, kind: Kind, subject_id: str, wanted: SoftLimits) -> None:
    """Replace the soft limits of one subject. Raises `InvalidRequest` for one on what it cannot be, and for too many."""
    for category in wanted:
        if category not in SOFT_CATEGORIES[kind]:
            raise InvalidRequest(f"There is no soft limit on {category} of this kind.", category)
    await quotas.put(tx, account_id, kind, subject_id, wanted.items(), is_soft=True)
    if wanted:
        await _check_count(tx, account_id)


async def _check_count(tx: Transaction, account_id: str) -> None:
    if await quotas.count(tx, account_id) > limits.QUOTAS_PER_ACCOUNT:
        raise InvalidRequest(
            f"An account has at most {limits.QUOTAS_PER_ACCOUNT:,} soft limits, and caps by the day on buckets and keys.",
            "requests",
        )


async def standing_in(rows: Rows, account_id: str, day: int) -> dict[Subject, tuple[Quotas, Done]]:
    """The quotas of an account, and what was done on the day, by whose they are."""
    amounts: dict[tuple[str, str], dict[str, int]] = {}
    for row in await quotas.of_account(rows, account_id):
        if row.is_soft:
            continue
        amounts.setdefault((row.kind, row.subject_id), {})[row.category] = row.amount
    if not amounts:
        return {}
    names, done = await quotas.names(rows, account_id), await quotas.done(rows, account_id, day)
    return {
        Subject(*about, names.get(about, "")): (Quotas(**of_subject), done.get(about, Done()))  # type: ignore[arg-type]
        for about, of_subject in amounts.items()
    }
