"""Changing the master key, also while the server runs, and going on with a change that was cut off.

1. The new key is put before the old one, where the keys are kept, and is durable there.
2. A word in the invalidation log: whoever commits after it has read the keys again. Since secrets are wrapped within the
   transaction that stores them, after its judgement, nothing more comes under the old key; what is copied or moved from
   row to row is rewrapped on the way (`Sealings.renew`).
3. A walk puts every wrapped secret under the new key, in transactions of bounded size. It is over when one that began at the
   start found nothing left to do.
4. The old key is dropped, and a second word lets every process forget it.

A death between any two steps leaves both keys, and everything readable; the next run begins with step 2.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from undercroft import limits
from undercroft.catalog import extents, invalidations, keys, replication_targets, second_factors
from undercroft.catalog.contract import Transaction
from undercroft.keyring import Keyring, KeyringError
from undercroft.store.accounting.alert_settings import AlertSettingsOfAccounts
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.notifications import Notifications
from undercroft.store.buckets.replication_targets import target_context
from undercroft.store.directory import secret_context
from undercroft.store.files.encryption import rewrap
from undercroft.store.gate import Gate
from undercroft.store.identity.second_factors import factor_context
from undercroft.store.identity.tokens import signing_context

P = TypeVar("P")
_START = ("", 0, 0)


class Rotated(NamedTuple):
    """What a run put under the new key."""

    signing_keys: int = 0
    application_keys: int = 0
    data_keys: int = 0
    targets: int = 0  # Of notification rules, with their secrets.
    replication_targets: int = 0
    second_factors: int = 0
    alert_webhooks: int = 0

    @property
    def any(self) -> bool:
        """Whether it was anything at all."""
        return any(self)

    def plus(self, other: Rotated) -> Rotated:
        """Both together."""
        return Rotated(*(mine + others for mine, others in zip(self, other, strict=True)))


class Rotation:
    """Changes the master key."""

    def __init__(
        self,
        gate: Gate,
        notifications: Notifications,
        alert_settings: AlertSettingsOfAccounts,
        keyring: Keyring,
        ambient: Ambient,
    ) -> None:
        self._notifications = notifications
        self._alert_settings = alert_settings
        self._gate = gate
        self._keyring = keyring
        self._ambient = ambient

    @property
    def key_ids(self) -> list[str]:
        """What tells the master keys from others, the current one first: more than one while a change is under way."""
        return self._keyring.key_ids

    async def run(self) -> Rotated:
        """Change the master key, or go on with a change that was not ended. When this returns, the old key opens nothing.

        Raises `KeyringError` where the key cannot be changed from here, or another command is doing so.
        """
        source = self._keyring.source
        if source is None:
            raise KeyringError("This master key is kept nowhere, so it cannot be changed.")
        with source.changing():
            source.begin_change()
            await self._tell_everyone()
            total = Rotated()
            while (found := await self._walk()).any:
                total = total.plus(found)
            source.end_change()
            await self._tell_everyone()
        return total

    async def _tell_everyone(self) -> None:
        """Let every process read the keys again before it commits anything more."""
        now_ms = self._ambient.now_ms()
        await self._gate.write(lambda tx: invalidations.add(tx, "keyring:", now_ms))
        self._keyring.reload()

    async def _walk(self) -> Rotated:
        return Rotated(
            await self._gate.write(self._rewrap_signing_keys),
            await self._rewrap_application_keys(),
            await self._rewrap_data_keys(),
            await self._rewrap_targets(),
            await self._rewrap_replication_targets(),
            await self._rewrap_second_factors(),
            await self._pages(self._alert_settings.rewrap_page, ""),
        )

    async def _rewrap_signing_keys(self, tx: Transaction) -> int:
        count = 0
        for row in await keys.signing_keys(tx):
            if not self._keyring.is_current(row.wrapped_secret):
                wrapped = self._keyring.rewrap(row.wrapped_secret, signing_context(row.signing_key_id))
                await keys.set_signing_secret(tx, row.signing_key_id, wrapped)
                count += 1
        return count

    async def _rewrap_application_keys(self) -> int:
        async def page(tx: Transaction, start: str) -> tuple[int, str | None]:
            rows = await keys.every_from(tx, start, limits.REWRAP_PAGE + 1)
            count = 0
            for row in rows[: limits.REWRAP_PAGE]:
                if not self._keyring.is_current(row.wrapped_secret):
                    wrapped = self._keyring.rewrap(row.wrapped_secret, secret_context(row.key_id))
                    await keys.set_secret(tx, row.key_id, wrapped)
                    count += 1
            return count, rows[-1].key_id if len(rows) > limits.REWRAP_PAGE else None

        return await self._pages(page, "")

    async def _rewrap_data_keys(self) -> int:
        async def page(tx: Transaction, after: tuple[str, int, int]) -> tuple[int, tuple[str, int, int] | None]:
            found = await extents.wrapped_keys(tx, after, limits.REWRAP_PAGE)
            count = await rewrap(tx, self._keyring, found)
            return count, found[-1][:3] if len(found) == limits.REWRAP_PAGE else None

        return await self._pages(page, _START)

    async def _rewrap_targets(self) -> int:
        now_ms = self._ambient.now_ms()

        async def page(tx: Transaction, start: str) -> tuple[int, str | None]:
            count, bucket_id = await self._notifications.rewrap_next(tx, start, now_ms)
            return count, None if bucket_id is None else bucket_id + "\0"  # Behind this one.

        async def orphans(tx: Transaction, after: tuple[str, str]) -> tuple[int, tuple[str, str] | None]:
            return await self._notifications.rewrap_orphans(tx, after, limits.REWRAP_PAGE)

        return await self._pages(page, "") + await self._pages(orphans, ("", ""))

    async def _rewrap_replication_targets(self) -> int:
        async def page(tx: Transaction, start: str) -> tuple[int, str | None]:
            rows = await replication_targets.every_from(tx, start, limits.REWRAP_PAGE + 1)
            count = 0
            for row in rows[: limits.REWRAP_PAGE]:
                if not self._keyring.is_current(row.wrapped_key):
                    wrapped = self._keyring.rewrap(row.wrapped_key, target_context(row.target_id))
                    await replication_targets.set_key(tx, row.target_id, wrapped)
                    count += 1
            return count, rows[-1].target_id if len(rows) > limits.REWRAP_PAGE else None

        return await self._pages(page, "")

    async def _rewrap_second_factors(self) -> int:
        async def page(tx: Transaction, start: str) -> tuple[int, str | None]:
            rows = await second_factors.every_from(tx, start, limits.REWRAP_PAGE + 1)
            count = 0
            for row in rows[: limits.REWRAP_PAGE]:
                if not self._keyring.is_current(row.wrapped_secret):
                    wrapped = self._keyring.rewrap(row.wrapped_secret, factor_context(row.account_id))
                    await second_factors.set_secret(tx, row.account_id, wrapped)
                    count += 1
            return count, rows[-1].account_id if len(rows) > limits.REWRAP_PAGE else None

        return await self._pages(page, "")

    async def _pages(self, page: Callable[[Transaction, P], Awaitable[tuple[int, P | None]]], start: P) -> int:
        total, place = 0, start
        while True:

            async def change(tx: Transaction, place: P = place) -> tuple[int, P | None]:
                return await page(tx, place)

            count, following = await self._gate.write(change)
            total += count
            if following is None:
                return total
            place = following
