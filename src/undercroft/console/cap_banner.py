"""What caps refuse at the moment, in sentences that every page shows above itself."""

from __future__ import annotations

from undercroft.console.caps.amounts import IN_BYTES
from undercroft.console.templates import count, size
from undercroft.store import Store
from undercroft.store.accounting.model import Category, Standing

_REFUSED: dict[Category, str] = {
    "storage": "Uploads are refused: {used} of {cap} are stored. Delete something, or raise the cap on storage.",
    "files": "New files are refused: {used} of {cap} files are stored. Delete some, or raise the cap on files.",
    "download": "Downloads may be refused until 00:00 UTC: {used} of {cap} have been downloaded today.",
    "class_b": "Downloads and reads are refused until 00:00 UTC: {used} of {cap} transactions of class B were made today.",
    "class_c": "Lists and most other calls are refused until 00:00 UTC: {used} of {cap} transactions of class C were made today.",
}


_REFUSED_IN_BUCKET: dict[Category, str] = {
    "storage": "Uploads to the bucket {bucket} are refused: {used} of {cap} are stored in it.",
    "files": "New files in the bucket {bucket} are refused: it has {used} of {cap} files.",
}
_BUCKETS_NAMED = 3  # Beyond these, buckets are only counted: a banner is no list.


async def what_is_blocked(store: Store, account_id: str) -> list[str]:
    """A sentence for each cap of the account that refuses something now, and for those of buckets."""
    blocking = await store.accounting.caps.blocking(account_id)
    named = [one for one in blocking if one.subject.kind == "bucket"]
    sentences = [_sentence(one) for one in blocking if one.subject.kind == "account"]
    sentences += [_sentence(one) for one in named[:_BUCKETS_NAMED]]
    if len(named) > _BUCKETS_NAMED:
        sentences.append(f"So are {count(len(named) - _BUCKETS_NAMED, 'further cap')} of buckets.")
    return sentences


def _sentence(one: Standing) -> str:
    words = (_REFUSED_IN_BUCKET if one.subject.kind == "bucket" else _REFUSED)[one.category]
    return words.format(
        bucket=one.subject.name, used=_number(one.category, one.used), cap=_number(one.category, one.cap)
    )


def _number(category: Category, amount: int) -> str:
    return size(amount) if category in IN_BYTES else count(amount)
