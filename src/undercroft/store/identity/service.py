"""Who is who: credentials and tokens in, principals out."""

from __future__ import annotations

import hmac

import msgspec

from undercroft import limits
from undercroft.catalog import attempts, invalidations, links, second_factors, sessions
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.keyring import Keyring
from undercroft.store import ids
from undercroft.store.ambient import Ambient
from undercroft.store.directory import Directory
from undercroft.store.errors import BadCredentials, BadToken, ExpiredToken, InvalidRequest, NoSuchBucket, OutOfRange
from undercroft.store.gate import Gate
from undercroft.store.identity.accounts import Accounts
from undercroft.store.identity.attempts import Attempts
from undercroft.store.identity.audit import AuditLog
from undercroft.store.identity.deeds import Deeds
from undercroft.store.identity.first_run import FirstRun
from undercroft.store.identity.groups import Groups
from undercroft.store.identity.holders import Holders
from undercroft.store.identity.keys import Keys
from undercroft.store.identity.letters import Letters
from undercroft.store.identity.memberships import Memberships
from undercroft.store.identity.new_emails import NewEmails
from undercroft.store.identity.new_passwords import Passwords
from undercroft.store.identity.passkeys import Passkeys
from undercroft.store.identity.people import NOBODY_SIGNS_UP, People
from undercroft.store.identity.principals import DownloadGrant, Principal
from undercroft.store.identity.products import Products
from undercroft.store.identity.second_factors import SecondFactors
from undercroft.store.identity.sessions import Sessions
from undercroft.store.identity.sign_in import SignIn
from undercroft.store.identity.sign_up import SignUp
from undercroft.store.identity.tokens import Claim, Kind, Tokens, key_id_of
from undercroft.store.identity.trials import Trials
from undercroft.store.model import ApplicationKey, FileVersion
from undercroft.store.operations import Operation

ACCOUNT_NONCE_BYTES = 6
UPLOAD_NONCE_BYTES = 8

_grant_decoder = msgspec.json.Decoder(DownloadGrant)


class UploadAddress(msgspec.Struct, frozen=True):
    """A path of the API that takes uploads, and the token to send along."""

    path: str
    token: str


class Identity:
    """Accounts, keys, tokens and the principals that they make."""

    def __init__(
        self,
        catalog: Catalog,
        directory: Directory,
        gate: Gate,
        keyring: Keyring,
        ambient: Ambient,
        people: People = NOBODY_SIGNS_UP,
    ) -> None:
        self._catalog = catalog
        self._directory = directory
        self._gate = gate
        self._ambient = ambient
        # The key of an id, if it may be used now: for the S3 face, which checks a signature with its secret. It may have been
        # deleted a moment ago: every operation of the store looks again.
        self.key = directory.key
        self._tokens = Tokens(catalog, gate, keyring, ambient)
        self.audit = AuditLog(catalog, gate, ambient)
        self.deeds = Deeds(self.audit, ambient)
        self.keys = Keys(catalog, gate, self.deeds, keyring, ambient)
        self.accounts = Accounts(catalog, gate, self.keys, ambient)
        self.groups = Groups(catalog, gate, self.deeds, self.accounts, ambient)
        self.trials = Trials(catalog, gate, self.deeds, self.accounts, self.groups, self.audit, ambient)
        self.letters = Letters(people.mailer, people.console_origin)
        self.attempts = Attempts(gate, ambient)
        self.products = Products(catalog, gate, ambient, people.terms, for_guests=people.sign_up == "open")
        self.second_factors = SecondFactors(catalog, gate, keyring, ambient)
        self.sessions = Sessions(catalog, directory, gate, ambient, people.session_idle_s)
        self.passkeys = Passkeys(catalog, gate, ambient)
        self.sign_in = SignIn(
            catalog,
            gate,
            self.sessions,
            self.second_factors,
            self.passkeys,
            self.attempts,
            self.audit,
            self._tokens,
            ambient,
        )
        self.passwords = Passwords(catalog, gate, self.attempts, self.letters, ambient)
        self.emails = NewEmails(catalog, gate, self.accounts, self.attempts, self.letters, ambient)
        self.memberships = Memberships(catalog, gate, self.keys, self.accounts, self.attempts, self.letters, ambient)
        self.holders = Holders(catalog, gate, self.keys, ambient)
        self.first_run = FirstRun(catalog, gate, self.accounts)
        self.sign_up = SignUp(catalog, gate, self.accounts, self.attempts, self.letters, ambient, people.sign_up)

    async def authenticate_key(self, key_id: str, secret: str) -> Principal:
        """The principal of a key id and its application key. Raises `BadCredentials`; never from memory alone."""
        if await invalidations.highest(self._catalog.rows) != self._directory.invalidation_id:
            await self._directory.refresh()
        key = await self._directory.key(key_id)
        # An unknown key costs the same comparison as a wrong secret.
        matches = hmac.compare_digest((key.secret if key else "").encode(), secret.encode())
        if key is None or not matches:
            error = BadCredentials("Invalid application key")
            error.account_id = key.account_id if key else ""
            raise error
        return Principal.of_key(key)

    async def prune(self) -> None:
        """Forget attempts, links, sessions and trusted browsers that are past their time. The steward's work."""
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> None:
            await attempts.prune(tx, now_ms)
            await links.prune(tx, now_ms)
            await sessions.prune(tx, now_ms - self.sessions.idle_s * 1000, now_ms - limits.SESSION_MAX_S * 1000)
            await second_factors.prune_browsers(tx, now_ms - limits.TRUSTED_BROWSER_VALID_S * 1000)

        await self._gate.write(change)

    # -- Tokens -------------------------------------------------------------------------------------------------------
    async def account_token(self, principal: Principal) -> str:
        """An account authorization token (b2_authorize_account): 24 hours, or as long as the key lives.

        No two are the same, also not within a second: clients tell by that whether they have authorized again.
        """
        nonce = self._ambient.random_bytes(ACCOUNT_NONCE_BYTES)
        return await self._issue(_key_of(principal), "acct", payload=nonce)

    async def principal_of_account_token(self, token: str) -> Principal:
        """Raises `BadToken` and `ExpiredToken`."""
        key, _ = await self._check(token, ("acct",), valid_s=limits.ACCOUNT_TOKEN_VALID_S)
        return Principal.of_key(key)

    async def upload_address(self, principal: Principal, base: str, subject_id: str) -> UploadAddress:
        """Where a bucket or a large file takes an upload, with the token that works there alone: 24 hours.

        `base` is the path of the call that takes it. What follows is random in its end, so that no two addresses share a token.
        """
        end = f"c{ids.CLUSTER}_v{ids.VAULT}_t{ids.TOME}_{self._ambient.random_bytes(UPLOAD_NONCE_BYTES).hex()}"
        path = f"{base}/{subject_id}/{end}"
        return UploadAddress(path, await self._issue(_key_of(principal), "upld", bound_to=path))

    async def principal_of_upload_token(self, token: str, url_path: str) -> Principal:
        """Raises `BadToken`, also for the token of another URL, and `ExpiredToken`."""
        key, _ = await self._check(token, ("upld",), valid_s=limits.UPLOAD_TOKEN_VALID_S, bound_to=url_path)
        return Principal.of_key(key)

    async def download_grant(
        self, principal: Principal, bucket_id: str, name_prefix: str, valid_s: int, overrides: dict[str, str]
    ) -> str:
        """A token that reads files by name under a prefix of a bucket (b2_get_download_authorization).

        Needs shareFiles. Raises `NoSuchBucket`, `OutOfRange` and `InvalidRequest`.
        """
        if len(name_prefix.encode()) > limits.FILE_NAME_MAX_BYTES:
            raise InvalidRequest("fileNamePrefix is longer than a file name.", "fileNamePrefix")
        if not 1 <= valid_s <= limits.DOWNLOAD_GRANT_VALID_MAX_S:
            raise OutOfRange(f"validDurationInSeconds out of range: {valid_s}", "validDurationInSeconds")
        return await self._grant(principal, bucket_id, name_prefix, valid_s, overrides)

    async def version_grant(
        self,
        principal: Principal,
        version: FileVersion,
        valid_s: int,
        overrides: dict[str, str],
        *,
        to_others: bool = True,
    ) -> str:
        """A token that reads this one version by its id, in a query as well as in a header, with just these overrides.

        It is good for `valid_s` seconds. So nobody whom it is given to reads what has the same name later, or whatever else
        begins with that name. To give it to others needs shareFiles; for the browser of the principal's own person, readFiles
        will do. Raises `NoSuchBucket`, `OutOfRange`.
        """
        if not 1 <= valid_s <= limits.DOWNLOAD_GRANT_VALID_MAX_S:
            raise OutOfRange(f"A grant is good for 1 to {limits.DOWNLOAD_GRANT_VALID_MAX_S} seconds", "valid_s")
        return await self._grant(
            principal,
            version.bucket_id,
            version.name,
            valid_s,
            overrides,
            file_id=str(version.file_id),
            operation=Operation.SHARE_FILES if to_others else Operation.READ_FILE,
        )

    async def _grant(
        self,
        principal: Principal,
        bucket_id: str,
        name: str,
        valid_s: int,
        overrides: dict[str, str],
        *,
        file_id: str | None = None,
        operation: Operation = Operation.SHARE_FILES,
    ) -> str:
        bucket = await self._directory.bucket_by_id(bucket_id)
        if bucket is None:
            raise NoSuchBucket(bucket_id)
        await self._gate.enter(principal, operation, bucket, name)
        key = _key_of(principal)
        grant = DownloadGrant(
            account_id=key.account_id,
            issued_by=key.key_id,
            bucket_id=bucket_id,
            name_prefix=name,
            overrides=overrides,
            expires_ms=self._ambient.now_ms() + valid_s * 1000,
            file_id=file_id,
        )
        return await self._issue(key, "dnld", payload=msgspec.json.encode(grant))

    async def principal_of_download_token(self, token: str) -> Principal:
        """The principal of a token that may read: an account's or a download grant's. Raises `BadToken`, `ExpiredToken`."""
        key, claim = await self._check(token, ("acct", "dnld"), valid_s=limits.DOWNLOAD_GRANT_VALID_MAX_S + 1)
        now_ms = self._ambient.now_ms()
        grant = None if claim.kind == "acct" else _grant_decoder.decode(claim.payload)
        account_token_ends_ms = (claim.issued_s + limits.ACCOUNT_TOKEN_VALID_S) * 1000
        expires_ms = account_token_ends_ms if grant is None else grant.expires_ms
        if expires_ms <= now_ms:
            error = ExpiredToken("Authorization token has expired")
            error.account_id = key.account_id
            raise error
        # A grant dies with the key that issued it: without that there was no check.
        return Principal.of_key(key) if grant is None else Principal.of_grant(grant)

    async def _issue(self, key: ApplicationKey, kind: Kind, *, payload: bytes = b"", bound_to: str = "") -> str:
        return await self._tokens.issue(key.key_id, kind, payload=payload, bound_to=_bond(key, bound_to))

    async def _check(
        self, token: str, kinds: tuple[Kind, ...], *, valid_s: int, bound_to: str = ""
    ) -> tuple[ApplicationKey, Claim]:
        """The key that a genuine token is of, and what the token says. Raises `BadToken` and `ExpiredToken`."""
        key = await self._directory.key(key_id_of(token))
        if key is None:
            raise BadToken
        try:
            return key, await self._tokens.check(token, kinds, valid_s=valid_s, bound_to=_bond(key, bound_to))
        except BadToken as error:
            error.account_id = key.account_id
            await self._directory.catch_up()
            renewed = await self._directory.key(key.key_id)
            if renewed is None or renewed.secret == key.secret:
                raise
            # A master key was generated anew since this process last heard of it: nobody is refused by what was remembered.
            return renewed, await self._tokens.check(token, kinds, valid_s=valid_s, bound_to=_bond(renewed, bound_to))
        except ExpiredToken as error:
            error.account_id = key.account_id
            raise


def _bond(key: ApplicationKey, bound_to: str) -> str:
    """What a token of the key is bound to: its secret too, so that it dies with that, where a key gets another one."""
    return f"{key.secret}\n{bound_to}"


def _key_of(principal: Principal) -> ApplicationKey:
    if principal.key is None:
        raise BadCredentials("Only an application key can issue tokens.")
    return principal.key
