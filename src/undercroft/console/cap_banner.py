"""What caps refuse at the moment, and which soft limits are reached, in sentences that every page shows above itself."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.console.caps.amounts import IN_BYTES
from undercroft.console.languages import N_, _
from undercroft.console.templates import count, size
from undercroft.store import Store
from undercroft.store.accounting.model import THE_ACCOUNT, Category, Kind, Standing
from undercroft.store.identity.principals import Principal

_REFUSED: dict[Category, str] = {
    "storage": N_(
        "Uploads are refused: %(used)s of %(cap)s are stored. Delete something, or raise the cap on storage."
    ),
    "files": N_("New files are refused: %(used)s of %(cap)s files are stored. Delete some, or raise the cap on files."),
    "download": N_("Downloads may be refused until 00:00 UTC: %(used)s of %(cap)s have been downloaded today."),
    "class_b": N_(
        "Downloads and reads are refused until 00:00 UTC: %(used)s of %(cap)s transactions of class B were made today."
    ),
    "class_c": N_(
        "Lists and most other calls are refused until 00:00 UTC: %(used)s of %(cap)s transactions of class C were made today."
    ),
}
_REFUSED_IN_BUCKET: dict[Category, str] = {
    "storage": N_("Uploads to the bucket %(name)s are refused: %(used)s of %(cap)s are stored in it."),
    "files": N_("New files in the bucket %(name)s are refused: it has %(used)s of %(cap)s files."),
    "requests": N_("Requests to the bucket %(name)s are refused until 00:00 UTC: %(used)s of %(cap)s were made today."),
    "download": N_(
        "Downloads from the bucket %(name)s may be refused until 00:00 UTC: %(used)s of %(cap)s have been downloaded today."
    ),
    "upload": N_(
        "Uploads to the bucket %(name)s may be refused until 00:00 UTC: %(used)s of %(cap)s have been uploaded today."
    ),
}
_REFUSED_WITH_KEY: dict[Category, str] = {
    "requests": N_("Requests with the key %(name)s are refused until 00:00 UTC: %(used)s of %(cap)s were made today."),
    "download": N_(
        "Downloads with the key %(name)s may be refused until 00:00 UTC: %(used)s of %(cap)s have been downloaded today."
    ),
    "upload": N_(
        "Uploads with the key %(name)s may be refused until 00:00 UTC: %(used)s of %(cap)s have been uploaded today."
    ),
}
_REFUSALS: dict[Kind, dict[Category, str]] = {
    "account": _REFUSED,
    "bucket": _REFUSED_IN_BUCKET,
    "key": _REFUSED_WITH_KEY,
}
_SOFT: dict[Category, str] = {
    "storage": N_("%(used)s of %(cap)s stored"),
    "files": N_("%(used)s of %(cap)s files stored"),
    "download": N_("%(used)s of %(cap)s downloaded today"),
    "class_b": N_("%(used)s of %(cap)s transactions of class B today"),
    "class_c": N_("%(used)s of %(cap)s transactions of class C today"),
    "requests": N_("%(used)s of %(cap)s requests today"),
    "upload": N_("%(used)s of %(cap)s uploaded today"),
}
_PLACES: dict[Kind, str] = {
    "account": "%(what)s",
    "bucket": N_("%(what)s in the bucket %(name)s"),
    "key": N_("%(what)s with the key %(name)s"),
}
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
        said.append(Said(_("So are %(caps)s of buckets and keys.", caps=count(len(named) - _NAMED, "further cap"))))
    if soft:
        more = [] if len(soft) <= _NAMED else [_("and %(more)s", more=count(len(soft) - _NAMED, "further one"))]
        limits = "; ".join([*soft[:_NAMED], *more])
        said.append(Said(_("%(limits)s. Nothing is refused for that.", limits=limits), is_soft=True))
    return said


def _is_seen(one: Standing, principal: Principal) -> bool:
    """Whether the principal may hear of it: members of certain buckets of no other ones, and of keys only who lists them."""
    if one.subject.kind == "key":
        return principal.is_of_whole_account and principal.can("listKeys")
    return one.subject == THE_ACCOUNT or principal.reaches(one.subject.subject_id)


def _refusal(one: Standing) -> str:
    return _filled(_REFUSALS[one.subject.kind][one.category], one)


def _soft(one: Standing) -> str:
    return _(_PLACES[one.subject.kind], what=_filled(_SOFT[one.category], one), name=one.subject.name)


def _filled(words: str, one: Standing) -> str:
    used, cap = _number(one.category, one.used), _number(one.category, one.cap)
    return _(words, name=one.subject.name, used=used, cap=cap)


def _number(category: Category, amount: int) -> str:
    return size(amount) if category in IN_BYTES else count(amount)
