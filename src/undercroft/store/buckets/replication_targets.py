"""Replication targets: buckets of other installations, or of B2, that rules may name as their destination.

B2's configuration knows a destination by a bucket id and keys by their ids. So a target has an id that looks like that of a bucket,
and keeps the key itself, wrapped. Nobody is ever told that key again (P8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from undercroft import limits
from undercroft.catalog import accounts, replication_targets
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.replication_targets import TargetRow
from undercroft.keyring import Keyring
from undercroft.store import ids, names
from undercroft.store.ambient import Ambient
from undercroft.store.errors import InvalidRequest, NoSuchTarget
from undercroft.store.gate import Gate
from undercroft.store.model import Account

_ENDPOINT = re.compile(r"https://[A-Za-z0-9.:\[\]-]+/?\Z")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


class Target(msgspec.Struct, frozen=True):
    """A target without its key. `target_id` is what a rule names as its destination bucket."""

    target_id: str
    account_id: str
    name: str
    endpoint: str
    key_id: str
    bucket_name: str
    created_ms: int


class ReplicationTargets:
    """The targets of all accounts, for the operator's commands."""

    def __init__(self, catalog: Catalog, gate: Gate, keyring: Keyring, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._keyring = keyring
        self._ambient = ambient

    async def add(
        self, account: Account, name: str, *, endpoint: str, key_id: str, key: str, bucket_name: str
    ) -> Target:
        """Make a target for an account. Raises `InvalidRequest`."""
        for fault in faults_of(name, endpoint=endpoint, key_id=key_id, key=key, bucket_name=bucket_name):
            raise fault
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> TargetRow:
            present = await replication_targets.of_account(tx, account.account_id)
            if any(target.name == name for target in present):
                raise InvalidRequest(f"The account has a target {name} already")
            if len(present) >= limits.REPLICATION_TARGETS_PER_ACCOUNT:
                raise InvalidRequest(f"An account has at most {limits.REPLICATION_TARGETS_PER_ACCOUNT} targets")
            created_ms = await accounts.take_bucket_ms(tx, account.account_id, now_ms)
            target_id = ids.bucket_id(account.account_id, created_ms)
            wrapped = self._keyring.wrap(key.encode(), target_context(target_id))
            row = TargetRow(target_id, account.account_id, name, endpoint, key_id, wrapped, bucket_name, created_ms)
            await replication_targets.insert(tx, row)
            return row

        return _target(await self._gate.write_up_to_date(change))

    async def list(self, account: Account) -> list[Target]:
        """The account's targets, by name."""
        return [_target(row) for row in await replication_targets.of_account(self._catalog.rows, account.account_id)]

    async def remove(self, account: Account, name: str) -> Target:
        """Forget a target. What waits for it fails in the end. Raises `NoSuchTarget`."""

        async def change(tx: Transaction) -> TargetRow:
            for row in await replication_targets.of_account(tx, account.account_id):
                if row.name == name:
                    await replication_targets.delete(tx, row.target_id)
                    return row
            raise NoSuchTarget(f"The account has no target {name}")

        return _target(await self._gate.write(change))

    def key_of(self, row: TargetRow) -> str:
        """The key of a target, for who connects to it."""
        return self._keyring.unwrap(row.wrapped_key, target_context(row.target_id)).decode()


def target_context(target_id: str) -> str:
    """What the wrapped key of a target belongs to (see `Keyring.wrap`)."""
    return f"replication-target:{target_id}"


def faults_of(name: str, *, endpoint: str, key_id: str, key: str, bucket_name: str) -> Iterator[InvalidRequest]:
    """All that keeps this from being a target, each with the field that it is about."""
    if not _NAME.match(name):
        yield InvalidRequest(f"Invalid name of a target {name[:100]!r}: 1 to 64 letters, digits, '-' and '_'", "name")
    if len(endpoint) > limits.TARGET_URL_MAX_BYTES or not _ENDPOINT.match(endpoint) or not _has_host(endpoint):
        yield InvalidRequest("The endpoint of a target must be https://HOST or https://HOST:PORT", "endpoint")
    for what, field, text in (("key id", "keyId", key_id), ("key", "key", key)):
        if not text or len(text) > limits.TARGET_KEY_MAX_LENGTH or not text.isascii() or not text.isprintable():
            yield InvalidRequest(f"The {what} of a target must be printable ASCII", field)
    try:
        names.check_bucket_name(bucket_name)
    except InvalidRequest as fault:
        yield fault


def _has_host(endpoint: str) -> bool:
    try:
        url = urlsplit(endpoint)
        return bool(url.hostname) and url.port != 0
    except ValueError:  # A port that is none, or brackets around no address.
        return False


def _target(row: TargetRow) -> Target:
    return Target(row.target_id, row.account_id, row.name, row.endpoint, row.key_id, row.bucket_name, row.created_ms)
