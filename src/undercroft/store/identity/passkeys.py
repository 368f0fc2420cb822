"""Passkeys: signing in by what an authenticator signs, in place of the password and the code (WebAuthn Level 3).

An authenticator that has verified its person, by a PIN or a fingerprint, is two factors in one. What it signs is a challenge that
works once and soon ends; it names the origin of the page, so what was signed for another site is worth nothing here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import passkeys
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.passkeys import PasskeyRow
from undercroft.store.ambient import Ambient
from undercroft.store.errors import BadLink, InvalidRequest, NoSuchPasskey, TooManyPasskeys, WrongPasskey
from undercroft.store.gate import Gate
from undercroft.store.identity import links
from undercroft.store.identity.proofs import Proof
from undercroft.store.model import Account

if TYPE_CHECKING:
    from webauthn.helpers.structs import AuthenticatorSelectionCriteria

_SERVICE = "Undercroft"
_KIND: links.Kind = "passkey"
NAME_MAX_LENGTH = 100


class Site(msgspec.Struct, frozen=True):
    """The page that asks: its host, which the passkeys belong to, and its origin."""

    host: str
    origin: str


class Passkey(msgspec.Struct, frozen=True):
    """A passkey. Times are milliseconds since the epoch."""

    passkey_id: str
    name: str
    created_ms: int
    used_ms: int | None


class Signed(NamedTuple):
    """A passkey that has signed, and how often it says that it has."""

    row: PasskeyRow
    sign_count: int

    @property
    def account_id(self) -> str:
        """Whose it is."""
        return self.row.account_id


class _ClientData(msgspec.Struct, rename="camel"):
    challenge: str


class _Response(msgspec.Struct, rename={"client_data": "clientDataJSON"}):
    client_data: str


class _Credential(msgspec.Struct, rename="camel"):
    raw_id: str
    response: _Response


class Passkeys:
    """The passkeys of all accounts."""

    def __init__(self, catalog: Catalog, gate: Gate, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient

    async def of_account(self, account_id: str) -> list[Passkey]:
        """The account's passkeys, oldest first."""
        return [_passkey(row) for row in await passkeys.of_account(self._catalog.rows, account_id)]

    async def begin_adding(self, proof: Proof, site: Site) -> str:
        """What a browser needs to make a passkey for who has proven to know the password, as JSON.

        Raises `TooManyPasskeys` and `BadCredentials`.
        """
        from webauthn import generate_registration_options, options_to_json  # With its ciphers 60 ms.
        from webauthn.helpers.structs import PublicKeyCredentialDescriptor

        account = proof.account
        known = await passkeys.of_account(self._catalog.rows, account.account_id)
        _check_room(known)
        options = generate_registration_options(
            rp_id=site.host,
            rp_name=_SERVICE,
            user_id=account.account_id.encode(),
            user_name=account.email,
            challenge=_bytes(await self._challenge(proof)),
            timeout=limits.PASSKEY_CHALLENGE_VALID_S * 1000,
            authenticator_selection=_wanted(),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=row.credential_id) for row in known],
        )
        return options_to_json(options)

    async def add(self, account: Account, site: Site, name: str, credential: str) -> Passkey:
        """Keep the passkey that a browser made. Raises `InvalidRequest`, `WrongPasskey`, `BadLink` and `TooManyPasskeys`."""
        from webauthn import verify_registration_response

        name = name.strip()
        if (
            not 1 <= len(name) <= NAME_MAX_LENGTH or not name.isprintable()
        ):  # Letters have it: no lines of theirs are made up.
            raise InvalidRequest(f"A name has 1 to {NAME_MAX_LENGTH} characters, all printable.", "name")
        secret = _challenge_of(credential)
        await self._check_challenge(self._catalog.rows, secret, account.account_id)
        with _judging():
            verified = verify_registration_response(
                credential=credential,
                expected_challenge=_bytes(secret),
                expected_rp_id=site.host,
                expected_origin=site.origin,
                require_user_verification=True,
            )
        row = PasskeyRow(
            verified.credential_id,
            account.account_id,
            verified.credential_public_key,
            verified.sign_count,
            name,
            self._ambient.now_ms(),
            None,
        )

        async def change(tx: Transaction) -> None:
            # Only now, since a password that is changed meanwhile takes the challenge with it.
            await self._check_challenge(tx, secret, account.account_id)
            await links.use(tx, self._ambient, secret, _KIND)
            _check_room(await passkeys.of_account(tx, account.account_id))
            if await passkeys.find(tx, row.credential_id) is not None:
                raise WrongPasskey
            await passkeys.insert(tx, row)

        await self._gate.write(change)
        return _passkey(row)

    async def remove(self, account_id: str, passkey_id: str) -> Passkey:
        """Forget a passkey. Raises `NoSuchPasskey`."""
        rows = await passkeys.of_account(self._catalog.rows, account_id)
        found = next((row for row in rows if _id(row) == passkey_id), None)
        if found is None:
            raise NoSuchPasskey("There is no such passkey.")
        await self._gate.write(lambda tx: passkeys.delete(tx, account_id, found.credential_id))
        return _passkey(found)

    async def begin_sign_in(self, site: Site) -> str:
        """What a browser needs to ask its person for a passkey, as JSON: whoever it is, nothing is told of anybody."""
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        options = generate_authentication_options(
            rp_id=site.host,
            challenge=_bytes(await self._challenge(None)),
            timeout=limits.PASSKEY_CHALLENGE_VALID_S * 1000,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    async def check(self, site: Site, credential: str) -> Signed:
        """The passkey that has signed a challenge of ours, which works no more. Raises `WrongPasskey` and `BadLink`."""
        from webauthn import verify_authentication_response

        challenge = await self._take_challenge(credential)
        row = await passkeys.find(self._catalog.rows, _bytes(_parsed(credential).raw_id))
        if row is None:
            raise WrongPasskey
        with _judging():
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        return Signed(row, verified.new_sign_count)

    async def use_in(self, tx: Transaction, signed: Signed) -> None:
        """Note in a transaction that a passkey was used. Raises `WrongPasskey` for one that was removed, or used, since."""
        if not await passkeys.use(tx, signed.row, signed.sign_count, self._ambient.now_ms()):
            raise WrongPasskey

    async def _challenge(self, proof: Proof | None) -> str:
        """A challenge that works once, for an account that is proven, or for whoever signs in. Raises `BadCredentials`."""
        secret, valid_s = links.new_secret(self._ambient), limits.PASSKEY_CHALLENGE_VALID_S

        async def change(tx: Transaction) -> None:
            account_id = "" if proof is None else (await proof.check(tx)).account_id
            await links.give_out(tx, self._ambient, secret, _KIND, account_id=account_id, email="", valid_s=valid_s)

        await self._gate.write(change)
        return secret

    async def _check_challenge(self, rows: Rows, secret: str, account_id: str) -> None:
        """Raise `BadLink` unless this is a challenge of ours for this account."""
        if (await links.look_at(rows, self._ambient, secret, _KIND)).account_id != account_id:
            raise BadLink

    async def _take_challenge(self, credential: str) -> bytes:
        """The challenge that was signed, if it is one of ours for nobody yet, which works no more. Raises as `check`."""
        secret = _challenge_of(credential)
        row = await self._gate.write(lambda tx: links.use(tx, self._ambient, secret, _KIND))
        if row.account_id:
            raise BadLink
        return _bytes(secret)


async def remove_in(tx: Transaction, account_id: str, passkey_ids: Collection[str]) -> tuple[list[str], list[str]]:
    """Remove those of the account's passkeys, as part of a transaction: the names of what is gone, and of what stays."""
    gone, stay = [], []
    for row in await passkeys.of_account(tx, account_id):
        if _id(row) in passkey_ids:
            await passkeys.delete(tx, account_id, row.credential_id)
            gone.append(row.name)
        else:
            stay.append(row.name)
    return gone, stay


@contextmanager
def _judging() -> Iterator[None]:
    """Whatever a verification finds wrong is `WrongPasskey`: what it is about was sent by a stranger."""
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        yield
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise WrongPasskey from error


def _wanted() -> AuthenticatorSelectionCriteria:
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    return AuthenticatorSelectionCriteria(
        resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
    )


def _check_room(known: list[PasskeyRow]) -> None:
    if len(known) >= limits.PASSKEYS_PER_ACCOUNT:
        raise TooManyPasskeys(f"An account has at most {limits.PASSKEYS_PER_ACCOUNT} passkeys; remove one.")


def _parsed(credential: str) -> _Credential:
    """The part of a browser's answer that says what it is about. Raises `WrongPasskey`."""
    try:
        return msgspec.json.decode(credential, type=_Credential)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise WrongPasskey from error


def _challenge_of(credential: str) -> str:
    """The challenge that a browser says was signed. Raises `WrongPasskey`."""
    try:
        return msgspec.json.decode(_bytes(_parsed(credential).response.client_data), type=_ClientData).challenge
    except (msgspec.DecodeError, UnicodeError) as error:
        raise WrongPasskey from error


def _bytes(text: str) -> bytes:
    """What base64url without padding says. Raises `WrongPasskey`."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise WrongPasskey from error


def _id(row: PasskeyRow) -> str:
    """A short name for addresses of pages: the id itself may have a thousand bytes."""
    return links.hash_of(row.credential_id.hex()).hex()[:16]


def _passkey(row: PasskeyRow) -> Passkey:
    return Passkey(_id(row), row.name, row.created_ms, row.used_ms)
