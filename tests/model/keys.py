"""The reference model's keys and caps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model.holdings import Holdings
from model.rows import key_row
from model.things import Ask, Key, Refused, refuse_for

# What a key that is restricted to buckets cannot have.
ACCOUNT_CAPABILITIES = frozenset({"listKeys", "writeKeys", "deleteKeys", "writeBuckets", "deleteBuckets"})


class Keys(Holdings):
    """The operations on an account itself."""

    def create_key(
        self,
        ask: Ask,
        capabilities: Sequence[str],
        bucket_ids: Sequence[str] | None,
        prefix: str | None,
        valid_s: int | None,
    ) -> dict[str, Any]:
        """Make a key; it may be able to do more than the one that makes it."""
        account = self._account(ask, "writeKeys")
        reasons = set()
        if not capabilities or (bucket_ids is not None and ACCOUNT_CAPABILITIES & set(capabilities)):
            reasons.add("bad capabilities")
        if any(i not in self.buckets or self.buckets[i].account != account for i in bucket_ids or ()):
            reasons.add("no bucket")
        refuse_for(reasons)
        assert (valid_s is None) == (ask.time_ms is None)
        if valid_s is not None and ask.time_ms is not None:
            assert ask.before_ms <= ask.time_ms - valid_s * 1000 <= ask.after_ms, "expires too early or too late"
        assert ask.id not in self.keys
        restricted = None if bucket_ids is None else tuple(bucket_ids)
        self.keys[ask.id] = Key(ask.id, account, frozenset(capabilities), restricted, prefix or None, ask.time_ms)
        return key_row(self.keys[ask.id])

    def delete_key(self, ask: Ask, key_id: str) -> dict[str, Any]:
        """Delete a key, perhaps the one that asks."""
        account = self._account(ask, "deleteKeys")
        key = self.keys.get(key_id)
        if key is None or key.account != account:
            raise Refused("no key")
        return key_row(self.keys.pop(key_id))

    def list_keys(self, ask: Ask) -> list[dict[str, Any]]:
        """The keys of the account that have not expired, by id."""
        account = self._account(ask, "listKeys")
        alive = [k for k in self.keys.values() if k.expires_ms is None or k.expires_ms > ask.before_ms]
        return [key_row(key) for key in sorted(alive, key=lambda key: key.id) if key.account == account]

    def cap_storage(self, ask: Ask, size: int | None) -> dict[str, Any]:
        """Set how many bytes the account of this key may hold."""
        account = self.keys[ask.actor or ""].account
        self.caps.pop(account, None)
        if size is not None:
            self.caps[account] = size
        return {}
