"""Who may do what in a bucket: the keys of its account, and the members who act in the name of one."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog import keys
from undercroft.catalog.contract import Catalog
from undercroft.store.ambient import Ambient
from undercroft.store.errors import StoreError
from undercroft.store.gate import Gate
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.keys import Keys
from undercroft.store.identity.principals import Principal
from undercroft.store.model import ApplicationKey, Bucket
from undercroft.store.operations import Operation

ACTS = (
    Operation.LIST_FILES,
    Operation.READ_FILE,
    Operation.WRITE_FILE,
    Operation.DELETE_FILE,
    Operation.SHARE_FILES,
    Operation.WRITE_BUCKET,
    Operation.DELETE_BUCKET,
)


class Holder(NamedTuple):
    """A key, the address of the member who acts in its name (empty where there is none), and those of `ACTS` that it may do.

    Where the key is for names under a prefix, it may do to those alone what is done to files. A member whose own account is
    suspended may do nothing until it is resumed.
    """

    key: ApplicationKey
    member: str
    may: frozenset[Operation]
    is_suspended: bool


class Holders:
    """Tells of every bucket who may do what in it."""

    def __init__(self, catalog: Catalog, gate: Gate, keys_: Keys, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._keys = keys_
        self._ambient = ambient

    async def of_bucket(
        self, principal: Principal, bucket: Bucket, *, start_key_id: str = "", limit: int
    ) -> tuple[list[Holder], str | None]:
        """A page of those of the bucket's account that may do anything in it, by id of their keys; and the next page's start.

        Suspended members are among them who could if they were not. Each is judged as its requests are. Raises `Unauthorized` and `NoSuchBucket`.
        """
        fresh = await self._gate.enter(principal, Operation.LIST_KEYS, bucket)
        assert fresh is not None
        now_ms = self._ambient.now_ms()
        found = await self._catalog.scan(
            lambda rows: keys.of_bucket(rows, fresh.account_id, fresh.bucket_id, start_key_id, now_ms, limit + 1)
        )
        following = found[limit][0].key_id if len(found) > limit else None
        holders = []
        for row, member, is_suspended in found[:limit]:
            key = self._keys.key_of(row)
            may = _judged(key, fresh)
            if may:
                holders.append(Holder(key, member, frozenset() if is_suspended else may, is_suspended))
        return holders, following


def _judged(key: ApplicationKey, bucket: Bucket) -> frozenset[Operation]:
    principal = Principal.of_key(key)
    return frozenset(act for act in ACTS if _may(principal, act, bucket))


def _may(principal: Principal, act: Operation, bucket: Bucket) -> bool:
    try:
        authorize(principal, act, bucket)
    except StoreError:
        return False
    return True
