"""What caps refuse at the moment, and which soft limits are reached, in sentences that every page shows above itself."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.console.caps.amounts import IN_BYTES
from undercroft.console.templates import count, size
from undercroft.store import Store
from undercroft.store.accounting.model import HELD, THE_ACCOUNT, Category, Standing
from undercroft.store.identity.principals import Principal

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
_SOFT: dict[Category, str] = {
    "storage": "{used} of {cap} stored",
    "files": "{used} of {cap} files stored",
    "download": "{used} of {cap} downloaded today",
    "class_b": "{used} of {cap} transactions of class B today",
    "class_c": "{used} of {cap} transactions of class C today",
    "requests": "{used} of {cap} requests today",
    "upload": "{used} of {cap} uploaded today",
}
_PLACES = {"account": "", "bucket": " in the bucket {name}", "key": " with the key {name}"}
_NAMED = 3  # Beyond these, buckets and keys are only counted: a banner is no list.


class Said(NamedTuple):
    """A sentence of the banner, and whether it is about a soft limit, which refuses nothing."""

    text: str
    is_soft: bool = False


async def what_is_reached(store: Store, principal: Principal) -> list[Said]:
    """A sentence for each cap of the account that is reached, for some of those of buckets and keys, and one for soft limits.

    A soft limit is nothing to say where the cap beside it is reached too. Of buckets and keys nobody hears who does not see them.
    """
    every = await store.accounting.caps.reached(principal.account_id or "")
    reached = [one for one in every if _is_seen(one, principal)]
    blocking = [one for one in reached if not one.is_soft]
    refused = {(one.subject, one.category) for one in blocking}
    soft = [_soft(one) for one in reached if one.is_soft and (one.subject, one.category) not in refused]
    named = [one for one in blocking if one.subject != THE_ACCOUNT]
    said = [Said(_refusal(one)) for one in blocking if one.subject == THE_ACCOUNT]
    said += [Said(_refusal(one)) for one in named[:_NAMED]]
    if len(named) > _NAMED:
        said.append(Said(f"So are {count(len(named) - _NAMED, 'further cap')} of buckets and keys."))
    if soft:
        more = [] if len(soft) <= _NAMED else [f"and {count(len(soft) - _NAMED, 'further one')}"]
        said.append(Said(f"{'; '.join([*soft[:_NAMED], *more])}. Nothing is refused for that.", is_soft=True))
    return said


def _is_seen(one: Standing, principal: Principal) -> bool:
    """Whether the principal may hear of it: members of certain buckets of no other ones, and of keys only who lists them."""
    if one.subject.kind == "key":
        return principal.is_of_whole_account and principal.can("listKeys")
    return one.subject == THE_ACCOUNT or principal.reaches(one.subject.subject_id)


def _refusal(one: Standing) -> str:
    kind, category = one.subject.kind, one.category
    held = _REFUSED if kind == "account" else _REFUSED_IN_BUCKET
    words = held[category] if kind == "account" or category in HELD else _REFUSED_TODAY[category]
    if kind == "key":
        words = words.replace(" to {name}", " with {name}").replace(" from {name}", " with {name}")
    return _filled(words, one, f"the {kind} {one.subject.name}")


def _soft(one: Standing) -> str:
    return _filled(_SOFT[one.category] + _PLACES[one.subject.kind], one, one.subject.name)


def _filled(words: str, one: Standing, name: str) -> str:
    return words.format(name=name, used=_number(one.category, one.used), cap=_number(one.category, one.cap))


def _number(category: Category, amount: int) -> str:
    return size(amount) if category in IN_BYTES else count(amount)
