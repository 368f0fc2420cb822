"""What is managed through the APIs, for the audit log: buckets, keys, rules, members of groups, locks. Never files' bytes.

A face says of a principal where its call came from (`Principal.asking_from`), and each operation of the store that manages
something opens a deed. What was done is written down in the transaction that does it: whatever is done has its row. What the
store refused is written after, and of one key only so often, since a client may ask as fast as it likes. Where nobody said
where a call came from, as in the console, which writes its own rows, and in the background, nothing is written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog

from undercroft import limits
from undercroft.catalog.contract import Transaction
from undercroft.store.accounting.model import HOUR_MS
from undercroft.store.ambient import Ambient
from undercroft.store.errors import Busy, StorageFailed, StorageFull, StoreError, Unauthorized
from undercroft.store.identity.audit import Actor, AuditLog, Change, changes_of
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket

_TROUBLE = (Busy, StorageFailed, StorageFull)  # Of the machine's: not what anybody was refused.
_NO_WORDS: dict[str, str] = {}

_log = structlog.get_logger(__name__)


class Deed:
    """Something that is being managed. `target` may be said better as soon as it is known."""

    def __init__(self, log: AuditLog, principal: Principal, action: str, target: str) -> None:
        self.action = action
        self.target = target
        self._log = log
        self._key = principal.key
        self._source = principal.source

    @property
    def teller(self) -> str | None:
        """The id of the key whose deed goes into the log; None where it does not."""
        return None if self._source is None or self._key is None else self._key.key_id

    async def done(
        self,
        tx: Transaction,
        *,
        before: Mapping[str, str] = _NO_WORDS,
        after: Mapping[str, str] = _NO_WORDS,
        details: Mapping[str, str] = _NO_WORDS,
    ) -> None:
        """Write down, in the transaction that does it, what was done: settings in words, before and after."""
        await self._write(details, changes_of(before, after), within=tx)

    async def refused(self, why: str, untold: int) -> None:
        """Write down that it was not done. `untold` is of how many refusals before there is no row."""
        more = {"not written down before": f"{untold:,} refused calls"} if untold else {}
        await self._write(more, {}, result=why)

    async def _write(
        self,
        details: Mapping[str, str],
        changes: Mapping[str, Change],
        *,
        result: str = "",
        within: Transaction | None = None,
    ) -> None:
        key, source = self._key, self._source
        if key is None or source is None:
            return
        await self._log.record(
            key.account_id,
            Actor(f"{key.name} ({key.key_id})", source.way, source.address),
            self.action,
            target=self.target,
            details={"call": source.call, **details},
            changes=changes,
            result=result,
            within=within,
        )


class Deeds:
    """Writes down what is managed through the APIs."""

    def __init__(self, log: AuditLog, ambient: Ambient) -> None:
        self._log = log
        self._ambient = ambient
        self._refusals = _Refusals()

    @asynccontextmanager
    async def of(self, principal: Principal, action: str, target: str = "") -> AsyncIterator[Deed]:
        """A deed of the principal's, to be told when it is done; what is refused within is written down."""
        deed = Deed(self._log, principal, action, target)
        try:
            yield deed
        except _TROUBLE:
            raise
        except StoreError as error:
            await self._write_refusal(deed, _why(error))
            raise

    async def _write_refusal(self, deed: Deed, why: str) -> None:
        untold = None if deed.teller is None else self._refusals.admit(deed.teller, self._ambient.now_ms())
        if untold is None:
            return
        try:
            await deed.refused(why, untold)
        except _TROUBLE as trouble:
            # The client is to hear why it was refused, and not that the log could not be written.
            _log.warning("audit_refusal_not_written", key_id=deed.teller, action=deed.action, error=repr(trouble))


def name_of(principal: Principal, bucket: Bucket) -> str:
    """A bucket as the log of the principal's account may name it: what is another's stays unnamed."""
    return bucket.name if bucket.account_id == principal.account_id else "a bucket of another account"


def name_of_file(principal: Principal, bucket: Bucket, name: str) -> str:
    """The file of this name in a bucket, as the log names it."""
    return f"{name_of(principal, bucket)}/{name}"


class _Refusals:
    """Which refusals of keys are written down: so many an hour of each key, by this process."""

    def __init__(self) -> None:
        self._hour = 0
        self._counts: dict[str, int] = {}
        self._untold: dict[str, int] = {}

    def admit(self, key_id: str, at_ms: int) -> int | None:
        """How many of the key's refusals were not written before this one, or None where this one is not written either."""
        hour = at_ms // HOUR_MS
        if hour != self._hour:
            most = limits.AUDIT_REFUSALS_PER_HOUR
            self._untold = {key: count - most for key, count in self._counts.items() if count > most}
            self._hour, self._counts = hour, {}
        if key_id not in self._counts and len(self._counts) >= limits.AUDIT_REFUSED_KEYS_KEPT:
            return None
        self._counts[key_id] = self._counts.get(key_id, 0) + 1
        if self._counts[key_id] > limits.AUDIT_REFUSALS_PER_HOUR:
            return None
        return self._untold.pop(key_id, 0)


def _why(error: StoreError) -> str:
    if isinstance(error, Unauthorized) and error.missing:
        return f"Not allowed: the key lacks {error.missing}."
    return str(error) or ("Not allowed." if isinstance(error, Unauthorized) else f"{type(error).__name__}.")
