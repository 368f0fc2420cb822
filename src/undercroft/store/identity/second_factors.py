"""Second factors: a code of an authenticator app (RFC 6238) beside the password, recovery codes, and trusted browsers.

The secret that the app shares is wrapped by the keyring. Each code is taken once, in a transaction: of two that come at the
same time, one is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

import msgspec

from undercroft import limits
from undercroft.catalog import second_factors, sessions
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.second_factors import SecondFactorRow
from undercroft.keyring import Keyring
from undercroft.store.ambient import Ambient
from undercroft.store.errors import SecondFactorState, WrongCode
from undercroft.store.gate import Gate
from undercroft.store.identity import links
from undercroft.store.identity.proofs import Proof

SECRET_BYTES = 20  # RFC 4226, 4, R6 recommends 160 bits.
CODE_DIGITS = 6
_RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # None that people mistake for another.
_RECOVERY_GROUPS = 4
_RECOVERY_GROUP_LENGTH = 4  # 79 random bits altogether: their plain hash gives nothing away.


class Enrollment(msgspec.Struct, frozen=True):
    """What an authenticator app has to be told: the secret in Base32, and the URI that a QR code holds."""

    secret: str
    uri: str


class SecondFactor(msgspec.Struct, frozen=True):
    """Whether an account has a second factor, and what is left. Times are milliseconds since the epoch."""

    enabled_ms: int | None
    recovery_codes_left: int
    trusted_browsers: int


class SecondFactors:
    """The second factors of all accounts."""

    def __init__(self, catalog: Catalog, gate: Gate, keyring: Keyring, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._keyring = keyring
        self._ambient = ambient

    async def of(self, account_id: str) -> SecondFactor:
        """What the account has."""
        rows = self._catalog.rows
        row = await second_factors.find(rows, account_id)
        if row is None or row.enabled_ms is None:
            return SecondFactor(None, 0, 0)
        codes = await second_factors.count_codes(rows, account_id)
        return SecondFactor(
            row.enabled_ms, codes, await second_factors.count_browsers(rows, account_id, self._trusted_since_ms())
        )

    # -- Setting up -----------------------------------------------------------------------------------------------------
    async def enroll(self, account_id: str, email: str, issuer: str) -> Enrollment:
        """Begin to set up an app, or go on with what was begun. Raises `SecondFactorState` if there is one already."""
        secret = self._ambient.random_bytes(SECRET_BYTES)

        async def change(tx: Transaction) -> bytes:
            row = await second_factors.find(tx, account_id)
            if row is not None and row.enabled_ms is not None:
                raise SecondFactorState("There is an authenticator app already.")
            if row is not None:
                return self._keyring.unwrap(row.wrapped_secret, factor_context(account_id))
            wrapped = self._keyring.wrap(secret, factor_context(account_id))
            await second_factors.put(tx, SecondFactorRow(account_id, wrapped, None, -1))
            return secret

        shared = _base32(await self._gate.write_up_to_date(change))
        from pyotp import TOTP

        return Enrollment(shared, TOTP(shared).provisioning_uri(name=email, issuer_name=issuer))

    async def confirm(self, proof: Proof, code: str) -> list[str]:
        """End setting up with a code of the app: the recovery codes, this once. Every session of the account ends.

        Whoever has only stolen a session must not lock the owner out with it, so it takes the password. Raises `BadCredentials`,
        `WrongCode`, and `SecondFactorState` where nothing was begun or all is done.
        """
        codes, account_id = _new_recovery_codes(), proof.account.account_id
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> None:
            await proof.check(tx)
            row = await second_factors.find(tx, account_id)
            if row is None or row.enabled_ms is not None:
                raise SecondFactorState("There is no authenticator app to be set up.")
            step = self._step_of(row, code)
            if step is None:
                raise WrongCode
            await second_factors.put(tx, row._replace(enabled_ms=now_ms, last_step=step))
            await second_factors.put_codes(tx, account_id, _hashes(account_id, codes))
            await sessions.delete_of_account(tx, account_id)

        await self._gate.write(change)
        return codes

    async def new_recovery_codes(self, proof: Proof) -> list[str]:
        """Other recovery codes; the old ones work no more. Raises `BadCredentials` and `SecondFactorState`."""
        codes, account_id = _new_recovery_codes(), proof.account.account_id

        async def change(tx: Transaction) -> None:
            await proof.check(tx)
            await _enabled(tx, account_id)
            await second_factors.put_codes(tx, account_id, _hashes(account_id, codes))

        await self._gate.write(change)
        return codes

    async def disable(self, proof: Proof) -> None:
        """Have none any more, nor recovery codes, nor trusted browsers. Raises `BadCredentials`."""

        async def change(tx: Transaction) -> None:
            await proof.check(tx)
            await second_factors.delete_of_account(tx, proof.account.account_id)

        await self._gate.write(change)

    async def reset(self, account_id: str) -> None:
        """The same without a proof: the operator's."""
        await self._gate.write(lambda tx: second_factors.delete_of_account(tx, account_id))

    # -- Signing in -----------------------------------------------------------------------------------------------------
    async def is_needed_in(self, rows: Rows, account_id: str, browser: str) -> bool:
        """Whether a code is asked of the account in a browser that has this token, or an empty one."""
        row = await second_factors.find(rows, account_id)
        if row is None or row.enabled_ms is None:
            return False
        since_ms = self._trusted_since_ms()
        return not browser or not await second_factors.is_trusted(rows, links.hash_of(browser), account_id, since_ms)

    async def use_code_in(self, tx: Transaction, account_id: str, code: str) -> None:
        """Take a code of the app, or a recovery code, as part of a transaction: each once. Raises `WrongCode`."""
        row = await _enabled(tx, account_id)
        step = self._step_of(row, code)
        if step is not None:
            await second_factors.put(tx, row._replace(last_step=step))
            return
        [hashed] = _hashes(account_id, [code])
        if not await second_factors.use_code(tx, account_id, hashed, self._ambient.now_ms()):
            raise WrongCode

    async def trust_in(self, tx: Transaction, account_id: str, browser: str) -> None:
        """Ask for no code in the browser that has this token, for 30 days."""
        now_ms = self._ambient.now_ms()
        await second_factors.trust_browser(
            tx, links.hash_of(browser), account_id, now_ms, limits.TRUSTED_BROWSERS_PER_ACCOUNT
        )

    async def forget_browsers(self, account_id: str) -> None:
        """Ask for a code in every browser again."""
        await self._gate.write(lambda tx: second_factors.forget_browsers(tx, account_id))

    def _trusted_since_ms(self) -> int:
        return self._ambient.now_ms() - limits.TRUSTED_BROWSER_VALID_S * 1000

    def _step_of(self, row: SecondFactorRow, code: str) -> int | None:
        """The step of time that the code belongs to; None for a wrong one, or if one of that step or later was used."""
        digits = "".join(code.split())
        if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
            return None
        from pyotp import HOTP

        app = HOTP(_base32(self._keyring.unwrap(row.wrapped_secret, factor_context(row.account_id))))
        now = self._ambient.now_ms() // 1000 // limits.CODE_STEP_S
        matching = [
            step
            for step in range(now - limits.CODE_STEPS_AROUND, now + limits.CODE_STEPS_AROUND + 1)
            if step >= 0 and hmac.compare_digest(app.at(step), digits)
        ]
        fresh = [step for step in matching if step > row.last_step]
        return fresh[0] if fresh else None


def factor_context(account_id: str) -> str:
    """What the secret of this account's app is wrapped for."""
    return f"second-factor:{account_id}"


async def _enabled(tx: Transaction, account_id: str) -> SecondFactorRow:
    row = await second_factors.find(tx, account_id)
    if row is None or row.enabled_ms is None:
        raise SecondFactorState("There is no authenticator app.")
    return row


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode().rstrip("=")


def _new_recovery_codes() -> list[str]:
    def code() -> str:
        return "-".join(
            "".join(secrets.choice(_RECOVERY_LETTERS) for _ in range(_RECOVERY_GROUP_LENGTH))
            for _ in range(_RECOVERY_GROUPS)
        )

    return [code() for _ in range(limits.RECOVERY_CODES)]


def _hashes(account_id: str, codes: list[str]) -> list[bytes]:
    """What the catalog has of recovery codes, however they are written: with or without hyphens, spaces and capitals."""
    plain = ["".join(letter for letter in code.lower() if letter in _RECOVERY_LETTERS) for code in codes]
    return [hashlib.sha256(f"{account_id}:{code}".encode()).digest() for code in plain]
