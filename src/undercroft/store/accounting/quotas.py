"""Quotas: what a bucket, or a key, may do a day, besides what its account may.

Nothing of them is read on the way of a request. Workers learn them with the caps of accounts by the day (`meter.py`), and hold to
them as exactly as to those.
"""

from __future__ import annotations

from typing import Literal

from undercroft import limits
from undercroft.catalog import keys, quotas
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.store.accounting.model import Done, Quotas, Subject, day_of
from undercroft.store.ambient import Ambient
from undercroft.store.errors import InvalidRequest, NoSuchKey, OutOfRange
from undercroft.store.gate import Gate
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.operations import Operation


class QuotasOfAccounts:
    """The quotas of all buckets and keys. Those of buckets are set with the bucket's other caps (`buckets.set_caps`)."""

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

    async def change_key(self, principal: Principal, key_id: str, wanted: Quotas) -> None:
        """Replace those of a key of the principal's account. Raises `NoSuchKey`, `OutOfRange` and `InvalidRequest`."""
        authorize(principal, Operation.ADMINISTER_CAPS, None)
        account_id = principal.account_id or ""
        check_quotas(wanted)

        async def change(tx: Transaction) -> None:
            row = await keys.find(tx, key_id)
            if row is None or row.account_id != account_id:
                raise NoSuchKey(f"There is no application key {key_id}")
            await put_quotas(tx, account_id, "key", key_id, wanted)

        await self._gate.commit(principal, Operation.ADMINISTER_CAPS, None, None, change)

    async def done_today(self, kind: Literal["bucket", "key"], account_id: str, subject_id: str) -> Done:
        """What was done today in a bucket or with a key, whether it has quotas or not, as far as it is written down."""
        day = day_of(self._ambient.now_ms())
        return await self._catalog.scan(lambda rows: quotas.done_by(rows, kind, account_id, subject_id, day))

    async def standing(self, principal: Principal) -> dict[Subject, tuple[Quotas, Done]]:
        """The quotas of the account's buckets and keys, and what was done today, as far as workers have written it down."""
        authorize(principal, Operation.ADMINISTER_CAPS, None)
        account_id, day = principal.account_id or "", day_of(self._ambient.now_ms())
        return await self._catalog.scan(lambda rows: standing_in(rows, account_id, day))


async def quotas_in(rows: Rows, kind: str, subject_id: str) -> Quotas:
    """The quotas of one subject, as these rows have them."""
    return Quotas(**await quotas.of_subject(rows, kind, subject_id))


def check_quotas(wanted: Quotas) -> None:
    """Raise `OutOfRange` unless each is a number that a cap may be."""
    for category, amount in wanted.amounts.items():
        if not 0 <= amount <= limits.CAP_MAX:
            raise OutOfRange(f"A cap is a number from 0 to {limits.CAP_MAX}, not {amount}.", category)


async def put_quotas(tx: Transaction, account_id: str, kind: str, subject_id: str, wanted: Quotas) -> None:
    """Replace the quotas of one subject. Raises `InvalidRequest` where the account would have too many."""
    await quotas.put(tx, account_id, kind, subject_id, wanted.amounts.items())
    if wanted.amounts and await quotas.count(tx, account_id) > limits.QUOTAS_PER_ACCOUNT:
        raise InvalidRequest(
            f"An account has at most {limits.QUOTAS_PER_ACCOUNT:,} caps by the day on buckets and keys.", "requests"
        )


async def standing_in(rows: Rows, account_id: str, day: int) -> dict[Subject, tuple[Quotas, Done]]:
    """The quotas of an account, and what was done on the day, by whose they are."""
    amounts: dict[tuple[str, str], dict[str, int]] = {}
    for row in await quotas.of_account(rows, account_id):
        amounts.setdefault((row.kind, row.subject_id), {})[row.category] = row.amount
    if not amounts:
        return {}
    names, done = await quotas.names(rows, account_id), await quotas.done(rows, account_id, day)
    return {
        Subject(*about, names.get(about, "")): (Quotas(**of_subject), done.get(about, Done()))  # type: ignore[arg-type]
        for about, of_subject in amounts.items()
    }
