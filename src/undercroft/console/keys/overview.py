"""The Application Keys page: the master key, and a row a key with what it may do and when it was last used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from starlette.responses import Response

from undercroft.console.languages import N_, _, ngettext
from undercroft.console.visit import Visit
from undercroft.store.identity.access_types import AccessType, access_type_of, in_order
from undercroft.store.model import ApplicationKey, KeyUse

PAGE_ROWS = 100
SOON_MS = 7 * 86_400_000  # A key that expires within this is marked.
ACCESS_NAMES: dict[AccessType, str] = {
    "readWrite": N_("Read and Write"),
    "readOnly": N_("Read Only"),
    "writeOnly": N_("Write Only"),
}
APIS = {"native": "B2 Native API", "s3": "S3-Compatible API"}


class Ending(NamedTuple):
    """A key that expires soon, and when it was last used."""

    key: ApplicationKey
    last_use: KeyUse | None


class Row(NamedTuple):
    """What the page shows of a key."""

    key: ApplicationKey
    access: str  # The type of access, or how many capabilities there are.
    capabilities: list[str]
    buckets: list[str] | None  # Their names; None: all buckets.
    last_use: KeyUse | None
    expires_soon: bool


async def overview(visit: Visit) -> Response:
    """The master key and a page of the others, by id: of those that the text above the list is in."""
    keys = visit.store.identity.keys
    start = visit.query("start")
    found, following = await keys.list(visit.principal, start_key_id=start or None, limit=PAGE_ROWS, text=visit.filter)
    master = await keys.find(visit.principal, visit.account.account_id)
    uses = await keys.last_uses(visit.principal, [*found, master])
    names = await bucket_names(visit)
    now_ms = visit.store.ambient.now_ms()
    return visit.render(
        "keys/overview.html",
        master=master,
        master_use=uses.get(master.key_id),
        rows=[_row(key, names, uses.get(key.key_id), now_ms) for key in found],
        start=start,
        following=following,
        apis=APIS,
        ending=await ending(visit),
    )


async def ending(visit: Visit) -> list[Ending]:
    """The keys that expire soon, for a page to warn of (`keys/ending.html`)."""
    if not visit.can("listKeys"):
        return []  # Of a member whose role has nothing to do with keys.
    keys = visit.store.identity.keys
    found = await keys.expiring(visit.principal, SOON_MS)
    uses = await keys.last_uses(visit.principal, found)
    return [Ending(key, uses.get(key.key_id)) for key in found]


def _row(key: ApplicationKey, names: Mapping[str, str], use: KeyUse | None, now_ms: int) -> Row:
    return Row(
        key,
        access_of(key),
        in_order(key.capabilities),
        buckets_of(key, names),
        use,
        key.expires_ms is not None and key.expires_ms - now_ms < SOON_MS,
    )


async def bucket_names(visit: Visit) -> dict[str, str]:
    """The names of the account's buckets by their ids."""
    return {bucket.bucket_id: bucket.name for bucket in await visit.store.buckets.list(visit.principal)}


def buckets_of(key: ApplicationKey, names: Mapping[str, str]) -> list[str] | None:
    """The names of the buckets that a key is for, of those by their ids; None for all."""
    return (
        None
        if key.bucket_ids is None
        else [names.get(each, _("%(name)s (deleted)", name=each)) for each in key.bucket_ids]
    )


def access_of(key: ApplicationKey) -> str:
    """What the key may do, in two or three words."""
    access_type = access_type_of(key.capabilities)
    if access_type is not None:
        return _(ACCESS_NAMES[access_type])
    number = len(key.capabilities)
    return ngettext("Custom, %(number)s capability", "Custom, %(number)s capabilities", number, number=number)
