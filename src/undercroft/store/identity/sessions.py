"""Sessions of the web console: kept in the catalog, so that any node knows them and each can be ended at once.

A session's secret is the browser's alone; the catalog has its hash. It acts as its account: with the rights of the account's
own master key, as long as the account is not suspended.
"""

from __future__ import annotations

import base64
import hashlib
from typing import NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import accounts, members, sessions
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.sessions import SessionRow
from undercroft.store.ambient import Ambient
from undercroft.store.directory import Directory
from undercroft.store.errors import BadCredentials, NoSuchSession, Unauthorized
from undercroft.store.gate import Gate
from undercroft.store.identity.accounts import account_of_row
from undercroft.store.identity.passwords import verify_password
from undercroft.store.identity.principals import Principal
from undercroft.store.identity.proofs import Proof
from undercroft.store.model import Account

SECRET_BYTES = 32


class Session(msgspec.Struct, frozen=True):
    """A browser that somebody is signed in with. Times are milliseconds since the epoch.

    `session_id` tells sessions of an account apart and opens nothing. `operator_id` is the account of the operator who acts for
    this one, and else empty.
    """

    session_id: str
    account_id: str
    created_ms: int
    seen_ms: int
    address: str
    user_agent: str
    idle_s: int
    operator_id: str = ""

    @property
    def ends_ms(self) -> int:
        """When the session is over, if it is not used before."""
        longest_s = limits.ACTING_MAX_S if self.operator_id else limits.SESSION_MAX_S
        return min(self.seen_ms + self.idle_s * 1000, self.created_ms + longest_s * 1000)


class Draft(NamedTuple):
    """A session that nobody has yet, and its secret."""

    secret: str
    row: SessionRow


class SignedIn(msgspec.Struct, frozen=True):
    """The account that a session works in, the principal that acts for it, and who does so in its owner's stead, if one does.

    That is an operator, or a member of the account.
    """

    session: Session
    account: Account
    principal: Principal
    operator: Account | None = None
    member: Account | None = None

    @property
    def person(self) -> Account:
        """Who sits before the console: the operator, the member, or the account's own."""
        return self.operator or self.member or self.account


class Sessions:
    """The console sessions of all accounts."""

    def __init__(
        self, catalog: Catalog, directory: Directory, gate: Gate, ambient: Ambient, idle_s: int = limits.SESSION_IDLE_S
    ) -> None:
        """A session that is not used for `idle_s` is over."""
        self.idle_s = idle_s
        self._catalog = catalog
        self._directory = directory
        self._gate = gate
        self._ambient = ambient

    async def check_password(self, email: str, password: str) -> Proof:
        """A proof of the account of this address and password. Raises `BadCredentials`, after the same time whatever is wrong."""
        row = await accounts.find(self._catalog.rows, email.strip().lower())
        known = row is not None and row.email == email.strip().lower()
        right = await verify_password(password, row.password_hash if row is not None and known else None)
        if row is None or not right or row.suspended:
            raise BadCredentials("E-mail address or password is wrong.")
        return Proof(account_of_row(row), row.password_hash)

    async def begin(self, account_id: str, *, address: str, user_agent: str, operator_id: str = "") -> str:
        """Begin a session; its secret, for the browser's cookie. `operator_id` is who acts for the account, if it is not its own."""
        draft = self.draft(address=address, user_agent=user_agent, operator_id=operator_id)
        await self._gate.write(lambda tx: self.begin_in(tx, account_id, draft))
        return draft.secret

    def draft(self, *, address: str, user_agent: str, operator_id: str = "") -> Draft:
        """What a transaction needs to begin a session."""
        secret = base64.urlsafe_b64encode(self._ambient.random_bytes(SECRET_BYTES)).decode().rstrip("=")
        now_ms = self._ambient.now_ms()
        agent = user_agent[: limits.USER_AGENT_MAX_LENGTH]
        return Draft(secret, SessionRow(_hash(secret), "", now_ms, now_ms, address, agent, operator_id))

    async def begin_in(self, tx: Transaction, account_id: str, draft: Draft) -> None:
        """Begin a session as part of a transaction, which has judged who gets it."""
        await sessions.delete_oldest(tx, account_id, limits.SESSIONS_PER_ACCOUNT - 1)
        await sessions.insert(tx, draft.row._replace(account_id=account_id))

    async def find(self, secret: str, *, address: str, is_use: bool = True) -> SignedIn | None:
        """Who is signed in with this secret, if anybody is still; the use from this address keeps the session alive.

        What is no use, but asked by a page that lies open by itself, does not.
        """
        row = await sessions.find(self._catalog.rows, _hash(secret))
        if row is None:
            return None
        session = self._session(row)
        now_ms = self._ambient.now_ms()
        if session.ends_ms <= now_ms:
            await self._gate.write(lambda tx: sessions.delete(tx, row.session_hash))
            return None
        await self._directory.catch_up()
        key = await self._directory.key(row.account_id)
        account = await accounts.find(self._catalog.rows, row.account_id)
        if key is None or account is None:
            return None  # Suspended or gone.
        member = None
        if row.in_account:
            of_member = await members.find_person(self._catalog.rows, row.in_account, row.account_id)
            key = None if of_member is None else await self._directory.key(of_member.key_id)
            member, account = account_of_row(account), await accounts.find(self._catalog.rows, row.in_account)
            if key is None or account is None:
                return None
        operator = None
        if row.operator_id:
            acting = await accounts.find(self._catalog.rows, row.operator_id)
            if acting is None or acting.suspended or not acting.is_operator or account.is_operator:
                return None
            operator = account_of_row(acting)
        if is_use and now_ms - row.seen_ms >= min(limits.SESSION_SEEN_S, self.idle_s / 10) * 1000:
            await self._gate.write(lambda tx: sessions.set_seen(tx, row.session_hash, now_ms, address))
            session = msgspec.structs.replace(session, seen_ms=now_ms, address=address)
        return SignedIn(session, account_of_row(account), Principal.of_key(key), operator, member)

    async def enter(self, secret: str, person_id: str, account_id: str) -> None:
        """Let the session of this secret be at work in an account that its person is a member of, or with "" in their own.

        Raises `Unauthorized`.
        """

        async def change(tx: Transaction) -> None:
            row = await sessions.find(tx, _hash(secret))
            if row is None or row.account_id != person_id or row.operator_id:
                raise Unauthorized
            if account_id and await members.find_person(tx, account_id, person_id) is None:
                raise Unauthorized
            await sessions.set_account(tx, _hash(secret), account_id)

        await self._gate.write(change)

    async def of_account(self, account_id: str) -> list[Session]:
        """The account's sessions that are not over, last used first."""
        now_ms = self._ambient.now_ms()
        rows = await sessions.of_account(self._catalog.rows, account_id, limits.SESSIONS_PER_ACCOUNT)
        return [session for session in map(self._session, rows) if session.ends_ms > now_ms]

    async def end(self, account_id: str, session_id: str) -> None:
        """End one session of the account. Raises `NoSuchSession`."""
        rows = await sessions.of_account(self._catalog.rows, account_id, limits.SESSIONS_PER_ACCOUNT)
        found = next((row for row in rows if self._session(row).session_id == session_id), None)
        if found is None:
            raise NoSuchSession("This session is over already.")
        await self._gate.write(lambda tx: sessions.delete(tx, found.session_hash))

    async def end_others(self, secret: str, account_id: str) -> None:
        """End every session of the account but the one of this secret."""
        await self._gate.write(lambda tx: sessions.delete_of_account(tx, account_id, but=_hash(secret)))

    def _session(self, row: SessionRow) -> Session:
        return Session(
            session_id=row.session_hash[:8].hex(),
            account_id=row.account_id,
            created_ms=row.created_ms,
            seen_ms=row.seen_ms,
            address=row.address,
            user_agent=row.user_agent,
            idle_s=self.idle_s,
            operator_id=row.operator_id,
        )


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
