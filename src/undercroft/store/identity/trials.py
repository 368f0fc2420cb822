"""Trial accounts: made by whoever administers groups, bounded in time and in storage (the Partner API, docs/decisions/013).

A trial account is one like any other, of no group, with a cap of the operator's on storage and an end. It is the steward that
notices the end, and it suspends the account: so there is one way only in which an account does not work, and every face, job
and session knows it. All that it stores is kept. The operator can lift the trial, before its end or after it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from undercroft import limits
from undercroft.catalog import accounts, caps, groups, trials
from undercroft.catalog.caps import CapsRow
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.store.accounting.model import DAY_MS
from undercroft.store.ambient import Ambient
from undercroft.store.errors import DuplicateEmail, InvalidRequest, OutOfRange, TooManyMembers, Unauthorized
from undercroft.store.gate import Gate
from undercroft.store.identity.accounts import Accounts, Draft, NewAccount, announce, checked_email
from undercroft.store.identity.audit import Actor, AuditLog
from undercroft.store.identity.deeds import Deed, Deeds
from undercroft.store.identity.groups import UNTOLD_PASSWORD_BYTES, Groups
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Account
from undercroft.store.operations import Operation

TB = 10**12
STEWARD = Actor("steward", "command")


class Order(msgspec.Struct, frozen=True):
    """A trial account that somebody asks for: it lasts `days`, and may store `terabytes` of 10^12 bytes."""

    email: str
    days: int
    terabytes: int


class Trials:
    """The trials of all accounts."""

    def __init__(
        self,
        catalog: Catalog,
        gate: Gate,
        deeds: Deeds,
        accounts_: Accounts,
        groups_: Groups,
        audit: AuditLog,
        ambient: Ambient,
    ) -> None:
        self._catalog = catalog
        self._gate = gate
        self._deeds = deeds
        self._accounts = accounts_
        self._groups = groups_
        self._audit = audit
        self._ambient = ambient

    # -- The administrator's --------------------------------------------------------------------------------------------
    async def create(self, principal: Principal, orders: Sequence[Order]) -> Sequence[NewAccount]:
        """Make the accounts of all orders or none, in their order; the only answer that has the secrets of their keys.

        Who may administer a group may do this. Raises `Unauthorized`, `OutOfRange` for a number outside its limits,
        `InvalidRequest` and `DuplicateEmail` for an address, and `TooManyMembers`.
        """
        async with self._deeds.of(principal, "Create trial accounts", f"{len(orders)} asked for") as deed:
            await self._groups.enter(principal)
            await _check_administers(self._catalog.rows, principal)
            _check(orders)
            asked_by = principal.account_id or ""
            password = self._ambient.random_bytes(UNTOLD_PASSWORD_BYTES).hex()
            drafts = await self._accounts.drafts([order.email for order in orders], password)

            async def change(tx: Transaction) -> list[NewAccount]:
                await _check_administers(tx, principal)
                if await trials.count(tx, asked_by) + len(orders) > limits.TRIALS_MAX:
                    raise TooManyMembers(f"An account has at most {limits.TRIALS_MAX} trial accounts made.")
                pairs = zip(orders, drafts, strict=True)
                made = [await self._insert(tx, order, draft, asked_by) for order, draft in pairs]
                await _tell(tx, deed, orders, made)
                return made

            return await self._gate.commit(principal, Operation.ADMINISTER_GROUPS, None, None, change)

    async def _insert(self, tx: Transaction, order: Order, draft: Draft, asked_by: str) -> NewAccount:
        made = await self._accounts.insert_in(tx, draft)
        account = made.account
        ends_ms = account.created_ms + order.days * DAY_MS
        await trials.begin(tx, account.account_id, ends_ms, asked_by)
        await caps.put(tx, "caps", account.account_id, CapsRow(storage=order.terabytes * TB))
        return msgspec.structs.replace(made, account=msgspec.structs.replace(account, trial_ends_ms=ends_ms))

    # -- The operator's -------------------------------------------------------------------------------------------------
    async def lift(self, id_or_email: str) -> Account:
        """Let an account go on without an end. One whose trial has ended already works again; its caps stay.

        Raises `NoSuchAccount`, and `InvalidRequest` for an account that is not on trial.
        """
        account = await self._accounts.find(id_or_email)
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> Account:
            found = await self._accounts.find_in(tx, account.account_id)
            if found.trial_ends_ms is None:
                raise InvalidRequest(f"{found.email} is not on trial.", "account")
            await trials.lift(tx, found.account_id)
            if found.trial_ends_ms <= now_ms:
                await accounts.set_suspended(tx, found.account_id, False)
                await announce(tx, found.account_id, now_ms)
            return await self._accounts.find_in(tx, found.account_id)

        return await self._gate.write(change)

    # -- The steward's --------------------------------------------------------------------------------------------------
    async def have_ended(self) -> bool:
        """Whether there is an account to be suspended because its trial has ended."""
        return bool(await trials.ended(self._catalog.rows, self._ambient.now_ms(), 1))

    async def run(self) -> bool:
        """Suspend accounts whose trials have ended, and write it down in their audit logs. Whether there may be more."""
        now_ms = self._ambient.now_ms()
        for account_id in await trials.ended(self._catalog.rows, now_ms, limits.TRIALS_ENDED_AT_ONCE):
            account = await self._end(account_id, now_ms)
            if account is not None:
                why = {"reason": "The trial has ended."}
                await self._audit.record(account_id, STEWARD, "Suspend account", target=account.email, details=why)
        return await self.have_ended()

    async def _end(self, account_id: str, now_ms: int) -> Account | None:
        async def change(tx: Transaction) -> Account | None:
            row = await accounts.find(tx, account_id)
            if row is None or row.trial_ends_ms is None or row.trial_ends_ms > now_ms or row.suspended:
                return None  # Deleted, lifted or suspended a moment ago.
            await accounts.set_suspended(tx, account_id, True)
            await announce(tx, account_id, now_ms)
            return await self._accounts.find_in(tx, account_id)

        return await self._gate.write(change)


async def _check_administers(rows: Rows, principal: Principal) -> None:
    """Raise `Unauthorized` unless the principal's account administers a group."""
    if not await groups.administers(rows, principal.account_id or ""):
        raise Unauthorized


async def _tell(tx: Transaction, deed: Deed, orders: Sequence[Order], made: Sequence[NewAccount]) -> None:
    """Write each account down for itself: one entry would have no room for all of an order."""
    for number, (order, new) in enumerate(zip(orders, made, strict=True), start=1):
        deed.target = new.account.email
        told = {
            "account": new.account.account_id,
            "days": str(order.days),
            "terabytes": str(order.terabytes),
            "of the order": f"{number} of {len(orders)}",
        }
        await deed.done(tx, details=told)


def _check(orders: Sequence[Order]) -> None:
    """Raise unless all orders are within their limits, and no address is in two."""
    if not 1 <= len(orders) <= limits.TRIALS_AT_ONCE_MAX:
        raise OutOfRange(f"A request has 1 to {limits.TRIALS_AT_ONCE_MAX} trial accounts, not {len(orders)}.")
    seen: set[str] = set()
    for number, order in enumerate(orders, start=1):
        if not limits.TRIAL_DAYS_MIN <= order.days <= limits.TRIAL_DAYS_MAX:
            raise OutOfRange(
                f"term of account {number} is from {limits.TRIAL_DAYS_MIN} to {limits.TRIAL_DAYS_MAX} days, not {order.days}.",
                "term",
            )
        if not limits.TRIAL_TB_MIN <= order.terabytes <= limits.TRIAL_TB_MAX:
            raise OutOfRange(
                f"storage of account {number} is from {limits.TRIAL_TB_MIN} to {limits.TRIAL_TB_MAX} TB, not {order.terabytes}.",
                "storage",
            )
        try:
            email = checked_email(order.email)
        except InvalidRequest as error:
            raise InvalidRequest(f"email of account {number}: {error}", "email") from error
        if email in seen:
            raise DuplicateEmail(f"email of account {number}: {email} is there twice.")
        seen.add(email)
