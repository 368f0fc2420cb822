"""Products that accounts enable, and the terms that they accept for it. There is one: B2 Cloud Storage.

The terms are the operator's text (`--terms`), which has a version. What was accepted, and when, is kept.
"""

from __future__ import annotations

import hashlib

import msgspec

from undercroft.catalog import buckets, invalidations, products, versions
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.products import ProductRow
from undercroft.store.ambient import Ambient
from undercroft.store.errors import BucketNotEmpty, InvalidRequest
from undercroft.store.gate import Gate
from undercroft.store.model import SNAPSHOT

B2 = "b2"
GUEST = "guest"  # None at all, but the mark of an account that somebody made to be a member of another.
VERSION_DIGITS = 12
_VERSION_LINE = "Version:"

DEFAULT_TERMS = """Version: 1
The operator of this installation provides B2 Cloud Storage to you on these terms.

1. You are responsible for what you store here, and for who you give keys and links to.
2. Keep your password, your second factor and your application keys to yourself. Tell the operator when you think that \
somebody else has them.
3. Do not store anything that the law forbids, and do not disturb the service for others.
4. The operator may set limits on what you store and transfer, and may suspend accounts that break these terms.
5. Keep another copy of what you cannot do without.
"""


class Terms(msgspec.Struct, frozen=True):
    """A text that has to be accepted. The version is that of its first line, `Version: …`, or else made from the text."""

    version: str
    text: str

    @staticmethod
    def of(text: str) -> Terms:
        """The terms that a file has."""
        first, _, rest = text.strip().partition("\n")
        if first.startswith(_VERSION_LINE) and rest.strip():
            return Terms(first.removeprefix(_VERSION_LINE).strip(), rest.strip())
        return Terms(hashlib.sha256(text.encode()).hexdigest()[:VERSION_DIGITS], text.strip())


class Product(msgspec.Struct, frozen=True):
    """Whether an account has a product, and the version of the terms that it accepted when; None where the operator enabled it."""

    is_enabled: bool
    terms_version: str | None = None
    accepted_ms: int | None = None


class Products:
    """The products of all accounts. `terms` are those of today; `for_guests` tells that whoever likes may have an account."""

    def __init__(self, catalog: Catalog, gate: Gate, ambient: Ambient, terms: Terms, *, for_guests: bool) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient
        self.terms = terms
        self._for_guests = for_guests

    async def of(self, account_id: str) -> Product:
        """What the account has of B2 Cloud Storage."""
        row = await products.find(self._catalog.rows, account_id, B2)
        return Product(False) if row is None else Product(bool(row.enabled), row.terms_version, row.accepted_ms)

    async def enable(self, account_id: str, accepted_version: str) -> None:
        """Enable B2 Cloud Storage, its terms being accepted in this version. Raises `InvalidRequest` if that is not today's.

        It also does for an account that was made to be a member of another, unless anybody may sign up: the operator decides who has storage.
        """
        if accepted_version != self.terms.version:
            raise InvalidRequest("The terms have changed since you opened the page. Please read them again.", "terms")
        row = ProductRow(account_id, B2, 1, accepted_version, self._ambient.now_ms())

        async def change(tx: Transaction) -> None:
            if not self._for_guests and await products.find(tx, account_id, GUEST) is not None:
                raise InvalidRequest(
                    "Your account was made to work in somebody else's. The operator decides who has storage of their own.",
                    "terms",
                )
            await products.put(tx, row)

        await self._gate.write(change)

    async def disable(self, account_id: str) -> None:
        """Disable B2 Cloud Storage. Raises `BucketNotEmpty` while there are buckets, be they of snapshots."""
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> None:
            await drop_empty_snapshots(tx, account_id, now_ms)
            if await buckets.count(tx, account_id):
                raise BucketNotEmpty(
                    "Delete your buckets and snapshots first: B2 Cloud Storage cannot be disabled while there are any."
                )
            row = await products.find(tx, account_id, B2)
            if row is not None:
                await products.put(tx, row._replace(enabled=0))

        await self._gate.write(change)


async def has_b2(tx: Transaction, account_id: str) -> bool:
    """Whether the account has B2 Cloud Storage, as a transaction sees it."""
    row = await products.find(tx, account_id, B2)
    return row is not None and bool(row.enabled)


async def drop_empty_snapshots(tx: Transaction, account_id: str, now_ms: int) -> None:
    """Remove the account's bucket of snapshots, which nobody else removes, if the last of them is gone."""
    for row in await buckets.of_account(tx, account_id):
        if row.type == SNAPSHOT and not await versions.any_in_bucket(tx, row.bucket_id):
            await buckets.delete(tx, row.bucket_id)
            await invalidations.add(tx, f"bucket:{row.bucket_id}", now_ms)
