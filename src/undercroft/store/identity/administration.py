"""The operator's section: what an account that is an operator's may do to others.

`Administration.of` is the one door, and it asks whether the account is an operator's; what it gives can do the rest. Commands
on the machine itself need no such door, since who runs them holds the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import accounts, products, second_factors, usage
from undercroft.catalog.contract import Catalog, Rows
from undercroft.store.accounting.caps import CapsOfAccounts
from undercroft.store.accounting.model import Caps, Category, Standing
from undercroft.store.errors import InvalidRequest, Unauthorized
from undercroft.store.identity.accounts import Accounts, account_of_row
from undercroft.store.identity.audit import AuditLog, like
from undercroft.store.identity.kept_settings import KeptSettings
from undercroft.store.identity.password_rules import check_new_password
from undercroft.store.identity.products import B2
from undercroft.store.identity.second_factors import SecondFactors
from undercroft.store.identity.sessions import Sessions
from undercroft.store.identity.sign_up import SignUp
from undercroft.store.identity.trials import Trials
from undercroft.store.model import Account


class Summary(msgspec.Struct, frozen=True):
    """An account as the operator sees it, with what it holds now."""

    account: Account
    has_second_factor: bool
    has_product: bool
    versions: int
    size_bytes: int


class SummaryPage(NamedTuple):
    """Some accounts by e-mail address, and the address that the next page starts with."""

    accounts: list[Summary]
    next_email: str | None


class Administrations:
    """Lets operators in."""

    def __init__(
        self,
        catalog: Catalog,
        accounts_: Accounts,
        caps: CapsOfAccounts,
        second_factors_: SecondFactors,
        sign_up: SignUp,
        sessions: Sessions,
        audit: AuditLog,
        trials: Trials,
        kept_settings: KeptSettings,
    ) -> None:
        self.catalog = catalog
        self.accounts = accounts_
        self.caps = caps
        self.second_factors = second_factors_
        self.sign_up = sign_up
        self.sessions = sessions
        self.audit = audit
        self.trials = trials
        self.kept_settings = kept_settings

    async def of(self, account_id: str) -> Administration:
        """What the account may do as an operator's. Raises `Unauthorized` if it is none."""
        row = await accounts.find(self.catalog.rows, account_id)
        if row is None or not row.is_operator or row.suspended:
            raise Unauthorized("Only an operator may do this.")
        return Administration(self, account_id)


class Administration:
    """What one operator may do.

    `invitations` are those by which others sign up, `audit` is everybody's log, and `kept_settings` are options of the server.
    """

    def __init__(self, all_: Administrations, own_account_id: str) -> None:
        self._all = all_
        self._own_account_id = own_account_id
        self.invitations = all_.sign_up
        self.audit = all_.audit
        self.kept_settings = all_.kept_settings

    async def search(self, text: str, *, start_email: str = "", limit: int) -> SummaryPage:
        """Accounts whose id, address or name has this text in it, by address."""

        async def query(rows: Rows) -> SummaryPage:
            found = await accounts.page(rows, f"%{like(text)}%", start_email, limit + 1)
            listed = [await _summary(rows, account_of_row(row)) for row in found[:limit]]
            return SummaryPage(listed, found[limit].email if len(found) > limit else None)

        return await self._all.catalog.scan(query)

    async def show(self, account_id: str) -> Summary:
        """One account. Raises `NoSuchAccount`."""
        account = await self._all.accounts.find(account_id)
        return await self._all.catalog.scan(lambda rows: _summary(rows, account))

    async def create(self, email: str, password: str) -> Account:
        """Make an account with B2 enabled. Raises `DuplicateEmail`, `WeakPassword` and `InvalidRequest`."""
        await check_new_password(password, email)
        return (await self._all.accounts.create(email, password)).account

    async def set_suspended(self, account_id: str, suspended: bool) -> Account:
        """Suspend or resume an account, not one's own. Raises `NoSuchAccount` and `InvalidRequest`."""
        self._not_own(account_id, "suspend")
        return await self._all.accounts.set_suspended(account_id, suspended)

    async def lift_trial(self, account_id: str) -> Account:
        """Let an account on trial go on without an end. Raises `NoSuchAccount` and `InvalidRequest`."""
        return await self._all.trials.lift(account_id)

    async def set_operator(self, account_id: str, is_operator: bool) -> Account:
        """Make an account an operator's, or no longer, not one's own. Raises what `set_suspended` raises."""
        self._not_own(account_id, "change")
        return await self._all.accounts.set_operator(account_id, is_operator)

    async def reset_second_factor(self, account_id: str) -> Account:
        """Have an account sign in without a code again. Raises `NoSuchAccount`."""
        account = await self._all.accounts.find(account_id)
        await self._all.second_factors.reset(account.account_id)
        return account

    async def act_for(self, account_id: str, reason: str, *, address: str, user_agent: str) -> str:
        """Begin a session in which the operator acts for an account that is no operator's; its secret.

        Raises `NoSuchAccount`, and `InvalidRequest` for a suspended account, an operator's, or no reason.
        """
        account = await self._all.accounts.find(account_id)
        if account.is_operator or account.suspended:
            raise InvalidRequest("Nobody acts for an operator, or for an account that is suspended.", "account")
        if not 1 <= len(reason) <= limits.ACTING_REASON_MAX_LENGTH:
            raise InvalidRequest(f"Give a reason of 1 to {limits.ACTING_REASON_MAX_LENGTH} characters.", "reason")
        return await self._all.sessions.begin(
            account.account_id, address=address, user_agent=user_agent, operator_id=self._own_account_id
        )

    async def delete(self, account_id: str) -> Account:
        """Delete an account without buckets, not one's own. Raises `BucketNotEmpty`, `NoSuchAccount` and `InvalidRequest`."""
        self._not_own(account_id, "delete")
        return await self._all.accounts.delete(account_id)

    async def caps(self, account_id: str) -> tuple[Caps, list[Standing]]:
        """The caps of an account, and how much of them it uses. Raises `NoSuchAccount`."""
        account = await self._all.accounts.find(account_id)
        caps = self._all.caps
        return await caps.of(account.account_id), await caps.standing(account.account_id)

    async def set_caps(self, account_id: str, asked: Mapping[Category, int | None]) -> None:
        """Set caps of an account. Raises `OutOfRange` and `NoSuchAccount`."""
        await self._all.caps.change(account_id, asked)

    def _not_own(self, account_id: str, what: str) -> None:
        if account_id == self._own_account_id:
            raise InvalidRequest(f"You cannot {what} your own account here.", "account")


async def _summary(rows: Rows, account: Account) -> Summary:
    factor = await second_factors.find(rows, account.account_id)
    product = await products.find(rows, account.account_id, B2)
    held = await usage.of_account(rows, account.account_id)
    return Summary(
        account,
        factor is not None and factor.enabled_ms is not None,
        product is not None and bool(product.enabled),
        held.versions,
        held.size_bytes,
    )
