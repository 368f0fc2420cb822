"""What caps refuse at the moment, in sentences that every page shows above itself."""

from __future__ import annotations

from undercroft.console.caps.amounts import IN_BYTES
from undercroft.console.templates import count, size
from undercroft.store import Store
from undercroft.store.accounting.model import Category

_REFUSED: dict[Category, str] = {
    "storage": "Uploads are refused: {used} of {cap} are stored. Delete something, or raise the cap on storage.",
    "files": "New files are refused: {used} of {cap} files are stored. Delete some, or raise the cap on files.",
    "download": "Downloads may be refused until 00:00 UTC: {used} of {cap} have been downloaded today.",
    "class_b": "Downloads and reads are refused until 00:00 UTC: {used} of {cap} transactions of class B were made today.",
    "class_c": "Lists and most other calls are refused until 00:00 UTC: {used} of {cap} transactions of class C were made today.",
}


async def what_is_blocked(store: Store, account_id: str) -> list[str]:
    """A sentence for each cap of the account that refuses something now."""
    return [
        _REFUSED[one.category].format(used=_number(one.category, one.used), cap=_number(one.category, one.cap))
        for one in await store.accounting.caps.blocking(account_id)
    ]


def _number(category: Category, amount: int) -> str:
    return size(amount) if category in IN_BYTES else count(amount)
