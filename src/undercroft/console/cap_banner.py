"""What caps refuse at the moment, in sentences that every page shows above itself."""

from __future__ import annotations

from undercroft.console.caps.amounts import IN_BYTES
from undercroft.console.templates import count, size
from undercroft.store import Store
from undercroft.store.accounting.model import HELD, THE_ACCOUNT, Category, Standing

_REFUSED: dict[Category, str] = {
    "storage": "Uploads are refused: {used} of {cap} are stored. Delete something, or raise the cap on storage.",
    "files": "New files are refused: {used} of {cap} files are stored. Delete some, or raise the cap on files.",
    "download": "Downloads may be refused until 00:00 UTC: {used} of {cap} have been downloaded today.",
    "class_b": "Downloads and reads are refused until 00:00 UTC: {used} of {cap} transactions of class B were made today.",
    "class_c": "Lists and most other calls are refused until 00:00 UTC: {used} of {cap} transactions of class C were made today.",
}


_REFUSED_IN_BUCKET: dict[Category, str] = {
    "storage": "Uploads to {name} are refused: {used} of {cap} are stored in it.",
    "files": "New files in {name} are refused: it has {used} of {cap} files.",
}
_REFUSED_TODAY: dict[Category, str] = {
    "requests": "Requests to {name} are refused until 00:00 UTC: {used} of {cap} were made today.",
    "download": "Downloads from {name} may be refused until 00:00 UTC: {used} of {cap} have been downloaded today.",
    "upload": "Uploads to {name} may be refused until 00:00 UTC: {used} of {cap} have been uploaded today.",
}
_NAMED = 3  # Beyond these, buckets and keys are only counted: a banner is no list.


async def what_is_blocked(store: Store, account_id: str) -> list[str]:
    """A sentence for each cap of the account that refuses something now, and for those of buckets and keys."""
    blocking = await store.accounting.caps.blocking(account_id)
    named = [one for one in blocking if one.subject != THE_ACCOUNT]
    sentences = [_sentence(one) for one in blocking if one.subject == THE_ACCOUNT]
    sentences += [_sentence(one) for one in named[:_NAMED]]
    if len(named) > _NAMED:
        sentences.append(f"So are {count(len(named) - _NAMED, 'further cap')} of buckets and keys.")
    return sentences


def _sentence(one: Standing) -> str:
    kind, category = one.subject.kind, one.category
    held = _REFUSED if kind == "account" else _REFUSED_IN_BUCKET
    words = held[category] if kind == "account" or category in HELD else _REFUSED_TODAY[category]
    if kind == "key":
        words = words.replace(" to {name}", " with {name}").replace(" from {name}", " with {name}")
    return words.format(
        name=f"the {kind} {one.subject.name}", used=_number(category, one.used), cap=_number(category, one.cap)
    )


def _number(category: Category, amount: int) -> str:
    return size(amount) if category in IN_BYTES else count(amount)
