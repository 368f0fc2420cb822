"""Notices as letters say them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from undercroft.catalog.notices import NoticeRow
from undercroft.store.accounting.model import moment

_TOLD: Mapping[str, tuple[str, str]] = {  # By the categories of `JSON_NAMES`: what is used, and how amounts of it read.
    "storage": ("the cap on storage", "{used:,} of {cap:,} bytes are stored"),
    "files": ("the cap on files", "{used:,} of {cap:,} files are stored"),
    "download": ("today's cap on downloads", "{used:,} of {cap:,} bytes have been downloaded today"),
    "classB": ("today's cap on class B", "{used:,} of {cap:,} transactions of class B were made today"),
    "classC": ("today's cap on class C", "{used:,} of {cap:,} transactions of class C were made today"),
    "requests": ("today's cap on requests", "{used:,} of {cap:,} requests were made today"),
    "upload": ("today's cap on uploads", "{used:,} of {cap:,} bytes have been uploaded today"),
}


class Letter(NamedTuple):
    """A letter to be written. `page` is the path of the console's page where one can do something about it."""

    subject: str
    text: str
    page: str


def letter_of(owner: str, news: Sequence[NoticeRow]) -> Letter:
    """One letter about all this of the account whose address is `owner`."""
    letters = [_WORDS[row.kind](owner, msgspec.json.decode(row.document)) for row in news]
    if len(letters) == 1:
        return letters[0]
    pages = {letter.page for letter in letters}
    return Letter(
        f"{len(letters)} notices about {owner}",
        "\n\n".join(letter.text for letter in letters),
        pages.pop() if len(pages) == 1 else "/caps",
    )


def test_letter(owner: str) -> Letter:
    """A letter that only shows that letters arrive."""
    return Letter(
        f"A test of the alerts of {owner}",
        f"Alerts of the account {owner} reach this address. This one is a test: nothing has happened.",
        "/caps",
    )


def _of_cap(owner: str, alert: dict[str, Any]) -> Letter:
    what, amounts = _TOLD[alert["category"]]
    told = amounts.format(used=alert["used"], cap=alert["cap"])
    if "bucketId" in alert:
        what, told = (f"{words} in the bucket {alert['bucketName']}" for words in (what, told))
    elif "keyId" in alert:
        what, told = (f"{words} with the key {alert['keyName']} ({alert['keyId']})" for words in (what, told))
    at = f"{moment(alert['timestamp']):%Y-%m-%d %H:%M} UTC"
    if alert.get("isSoft"):
        what = what.replace("cap", "soft limit", 1)
        return Letter(f"{_begun(what)} is reached", f"Account {owner}, {at}: {told}. Nothing is refused.", "/caps")
    if alert["percent"] == 100 and alert["used"] < alert["cap"]:
        subject, begins = f"{_begun(what)} has refused something", "Something did not fit any more"
    elif alert["percent"] == 100:
        subject, begins = f"{_begun(what)} is reached", "More is refused from now on"
    else:
        subject, begins = f"{alert['percent']} percent of {what} are used", "Nothing is refused yet"
    return Letter(subject, f"Account {owner}, {at}: {told}. {begins}.", "/caps")


def _begun(words: str) -> str:
    """The same words, as a sentence begins with them: names in them stay as they are."""
    return words[:1].upper() + words[1:]


def _of_key(owner: str, key: dict[str, Any]) -> Letter:
    when = f"{moment(key['expirationTimestamp']):%Y-%m-%d %H:%M} UTC"
    days = "in a day" if key["days"] == 1 else f"within {key['days']} days"
    return Letter(
        f"The application key {key['keyName']} expires {days}",
        f'The application key "{key["keyName"]}" ({key["keyId"]}) of the account {owner} stops working on {when}. '
        "Programs that use it need another one by then.",
        "/keys",
    )


_WORDS: Mapping[str, Callable[[str, dict[str, Any]], Letter]] = {"cap": _of_cap, "key": _of_key}
