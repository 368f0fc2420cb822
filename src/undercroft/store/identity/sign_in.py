"""Signing in: the password, a code where the account has a second factor, and then a session.

Between the two steps the browser holds a secret that says that the password was right. It opens nothing but the second step,
for ten minutes. Every wrong attempt is counted and written down, whoever it is about.

A browser that somebody has signed in with is known, by a token that dies with the password. Its attempts are counted apart, so that
strangers who try passwords lock nobody out of an account who has been in it.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from undercroft import limits
from undercroft.catalog import accounts
from undercroft.catalog.accounts import AccountRow
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.store.ambient import Ambient
from undercroft.store.errors import (
    BadCredentials,
    BadLink,
    BadToken,
    ExpiredToken,
    NoSuchAccount,
    StoreError,
    TooManyAttempts,
    WrongCode,
    WrongPasskey,
)  # fmt: skip
from undercroft.store.gate import Gate
from undercroft.store.identity import attempts, links
from undercroft.store.identity.accounts import account_of_row
from undercroft.store.identity.attempts import Allowance, Attempts
from undercroft.store.identity.audit import Actor, AuditLog
from undercroft.store.identity.passkeys import Passkeys, Site
from undercroft.store.identity.passwords import verify_password
from undercroft.store.identity.proofs import Proof
from undercroft.store.identity.second_factors import SecondFactors
from undercroft.store.identity.sessions import Sessions
from undercroft.store.identity.tokens import Tokens
from undercroft.store.model import Account

ACTION = "Sign in"
_NONCE_BYTES = 16


class Browser(msgspec.Struct, frozen=True):
    """Who is at the other end: the address, what the browser says it is, and the tokens of a trusted and of a known one, or nothing."""

    address: str
    user_agent: str
    trust: str = ""
    known: str = ""


class Step(msgspec.Struct, frozen=True):
    """Where a sign-in has got to: a session's secret, or what the step of the code has to bring."""

    session: str = ""
    pending: str = ""
    trust: str = ""  # The token that makes this browser a trusted one from now on, …
    known: str = ""  # … and the one that makes it known, with a session.


class SignIn:
    """Signs people in."""

    def __init__(
        self,
        catalog: Catalog,
        gate: Gate,
        sessions: Sessions,
        second_factors: SecondFactors,
        passkeys: Passkeys,
        attempts_: Attempts,
        audit: AuditLog,
        tokens: Tokens,
        ambient: Ambient,
    ) -> None:
        self._catalog = catalog
        self._gate = gate
        self._sessions = sessions
        self._second_factors = second_factors
        self._passkeys = passkeys
        self._attempts = attempts_
        self._audit = audit
        self._tokens = tokens
        self._ambient = ambient

    async def with_password(self, email: str, password: str, browser: Browser) -> Step:
        """The first step. Raises `BadCredentials`, after the same time whatever is wrong, and `TooManyAttempts`."""
        allowances = await self._allowances(email, browser)
        try:
            await self._attempts.take(*allowances)
            proof = await self._sessions.check_password(email, password)
            step = await self._after_password(proof, browser)
        except (BadCredentials, TooManyAttempts) as error:
            await self._failed(email, browser, error)
            raise
        await self._attempts.forgive(*allowances)
        if not step.session:
            return step
        await self._note(proof.account, browser, "password")
        return msgspec.structs.replace(step, known=await self._known(proof.account.account_id, proof.password_hash))

    async def _allowances(self, email: str, browser: Browser) -> tuple[Allowance, ...]:
        """What an attempt counts against: the account and the address, or this browser alone, if it is known to the account."""
        wanted = email.strip().lower()
        row = await accounts.find(self._catalog.rows, wanted) if browser.known else None
        if row is not None and row.email == wanted:
            with suppress(BadToken, ExpiredToken):
                claim = await self._tokens.check(
                    browser.known, ("know",), valid_s=limits.KNOWN_BROWSER_VALID_S, bound_to=row.password_hash
                )
                if claim.key_id == row.account_id:
                    subject = f"known:{links.hash_of(browser.known).hex()[:32]}"
                    return (Allowance(subject, limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT),)
        return (
            attempts.by_email("sign-in", email, limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT),
            attempts.by_address("sign-in", browser.address, limits.SIGN_IN_ATTEMPTS_OF_ADDRESS),
        )

    async def _known(self, account_id: str, password_hash: str) -> str:
        """A token that makes a browser known to the account as long as it has this password."""
        nonce = self._ambient.random_bytes(_NONCE_BYTES)
        return await self._tokens.issue(account_id, "know", payload=nonce, bound_to=password_hash)

    async def _after_password(self, proof: Proof, browser: Browser) -> Step:
        """A session, or the way to one, by the password and the second factor that the account has when it begins."""
        account_id = proof.account.account_id
        session = self._sessions.draft(address=browser.address, user_agent=browser.user_agent)
        pending = links.new_secret(self._ambient)

        async def change(tx: Transaction) -> Step:
            row = await proof.check(tx)
            if not await self._second_factors.is_needed_in(tx, account_id, browser.trust):
                await self._sessions.begin_in(tx, account_id, session)
                return Step(session=session.secret)
            valid_s = limits.SIGN_IN_CODE_VALID_S
            await links.give_out(
                tx, self._ambient, pending, "code", account_id=account_id, email=row.email, valid_s=valid_s
            )
            return Step(pending=pending)

        return await self._gate.write(change)

    async def with_code(self, pending: str, code: str, browser: Browser, *, trust: bool) -> Step:
        """The second step, with a code of the app or a recovery code. Raises `WrongCode`, `BadLink` and `TooManyAttempts`.

        `trust` asks for no code in this browser for 30 days.
        """
        row = await links.look_at(self._catalog.rows, self._ambient, pending, "code")
        of_account = _code_allowance(row.account_id)
        token = links.new_secret(self._ambient) if trust else ""
        session = self._sessions.draft(address=browser.address, user_agent=browser.user_agent)

        async def change(tx: Transaction) -> AccountRow:
            await links.use(tx, self._ambient, pending, "code")
            await self._second_factors.use_code_in(tx, row.account_id, code)
            if token:
                await self._second_factors.trust_in(tx, row.account_id, token)
            found = await accounts.find(tx, row.account_id)
            if found is None or found.suspended:
                raise BadLink
            await self._sessions.begin_in(tx, row.account_id, session)
            return found

        try:
            await self._attempts.take(of_account)
            account = await self._gate.write(change)
        except (WrongCode, TooManyAttempts) as error:
            await self._failed(row.email, browser, error)
            raise
        await self._attempts.forgive(of_account)
        await self._note(account_of_row(account), browser, "password and code")
        known = await self._known(account.account_id, account.password_hash)
        return Step(session=session.secret, trust=token, known=known)

    async def begin_with_passkey(self, site: Site, browser: Browser) -> str:
        """What the browser needs to ask for a passkey: see `Passkeys.begin_sign_in`. Raises `TooManyAttempts`."""
        await self._attempts.take(_passkey_allowance(browser))
        return await self._passkeys.begin_sign_in(site)

    async def with_passkey(self, site: Site, credential: str, browser: Browser) -> str:
        """The secret of a session for whoever brings a passkey, which is both factors. Raises `WrongPasskey` and `BadLink`."""
        signed = await self._passkeys.check(site, credential)
        session = self._sessions.draft(address=browser.address, user_agent=browser.user_agent)

        async def change(tx: Transaction) -> AccountRow:
            await self._passkeys.use_in(tx, signed)
            found = await accounts.find(tx, signed.account_id)
            if found is None or found.suspended:
                raise WrongPasskey
            await self._sessions.begin_in(tx, found.account_id, session)
            return found

        await self._note(account_of_row(await self._gate.write(change)), browser, "passkey")
        return session.secret

    async def confirm_password(self, account_id: str, password: str) -> Proof:
        """Ask somebody who is signed in for the password again. Raises `BadCredentials` and `TooManyAttempts`."""
        row = await accounts.find(self._catalog.rows, account_id)
        if row is None:
            raise NoSuchAccount(f"There is no account {account_id}.")
        # Apart from those of signing in, so that strangers stop nobody who is signed in.
        of_account = Allowance(f"confirm:{account_id}", limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT)
        await self._attempts.take(of_account)
        if not await verify_password(password, row.password_hash):
            raise BadCredentials("This is not your password.")
        await self._attempts.forgive(of_account)
        return Proof(account_of_row(row), row.password_hash)

    async def confirm_enrollment(self, proof: Proof, code: str) -> list[str]:
        """End the setting up of an app: see `SecondFactors.confirm`. Raises also `TooManyAttempts`."""
        of_account = _code_allowance(proof.account.account_id)
        await self._attempts.take(of_account)
        codes = await self._second_factors.confirm(proof, code)
        await self._attempts.forgive(of_account)
        return codes

    async def after_sign_up(self, account: Account, browser: Browser) -> str:
        """The secret of the first session of an account that was made just now."""
        secret = await self._sessions.begin(account.account_id, address=browser.address, user_agent=browser.user_agent)
        await self._note(account, browser, "sign-up")
        return secret

    async def _note(self, account: Account, browser: Browser, by: str) -> None:
        """Write down that somebody has signed in."""
        await self._audit.record(
            account.account_id, Actor(account.email, address=browser.address), ACTION, details={"by": by}
        )

    async def _failed(self, email: str, browser: Browser, error: StoreError) -> None:
        """Write down an attempt: in the log of the account that it was at, or in nobody's.

        Of those that are refused for being too many, only the first: a log that strangers can fill tells nothing.
        """
        if isinstance(error, TooManyAttempts) and not error.is_first:
            return
        row = await accounts.find(self._catalog.rows, email.strip().lower())
        account_id = row.account_id if row is not None and row.email == email.strip().lower() else ""
        await self._audit.record(account_id, Actor(email.strip(), address=browser.address), ACTION, result=str(error))


def _passkey_allowance(browser: Browser) -> Allowance:
    return attempts.by_address("passkey", browser.address, limits.SIGN_IN_ATTEMPTS_OF_ADDRESS)


def _code_allowance(account_id: str) -> Allowance:
    return Allowance(f"code:{account_id}", limits.CODE_ATTEMPTS_OF_ACCOUNT)
